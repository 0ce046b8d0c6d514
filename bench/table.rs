//! The table of results: a row a figure, a column a system, and the ratio of the first two.

/// One measured figure of every system.
struct Row {
    what: String,
    unit: &'static str,
    values: Vec<Option<f64>>,
}

/// All figures.
#[derive(Default)]
pub struct Table {
    names: Vec<&'static str>,
    rows: Vec<Row>,
}

impl Table {
    /// From now on figures are of this system.
    pub fn of(&mut self, name: &'static str) {
        if self.names.last() != Some(&name) {
            self.names.push(name);
        }
    }

    /// Adds a figure.
    pub fn put(&mut self, what: &str, unit: &'static str, value: f64) {
        let column = self.names.len().saturating_sub(1);
        let known = self.rows.iter().position(|row| row.what == what && row.unit == unit);
        let at = known.unwrap_or_else(|| {
            self.rows.push(Row { what: what.into(), unit, values: Vec::new() });
            self.rows.len() - 1
        });
        let values = &mut self.rows[at].values;
        values.resize(values.len().max(column + 1), None);
        values[column] = Some(value);
    }

    /// Prints all of it.
    pub fn print(&self) {
        let name = |i: usize| self.names.get(i).copied().unwrap_or("");
        println!("{:<46} {:>9} {:>12} {:>12} {:>7}", "", "unit", name(0), name(1), "ratio");
        for Row { what, unit, values } in &self.rows {
            let of = |i: usize| values.get(i).copied().flatten();
            let cell = |i: usize| of(i).map_or(String::new(), |value| format!("{value:.2}"));
            let ratio = of(0).zip(of(1)).map(|(ours, theirs)| format!("{:.3}", ours / theirs));
            let ratio = ratio.unwrap_or_default();
            println!("{what:<46} {unit:>9} {:>12} {:>12} {ratio:>7}", cell(0), cell(1));
        }
    }
}
