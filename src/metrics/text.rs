//! Prometheus' text format, version 0.0.4.
//!
//! Example: `# TYPE kafka_log_log_size gauge` and
//! `kafka_log_log_size{topic="a",partition="0"} 512`. Knows nothing of what is measured.

use std::fmt::{Display, Write};

/// A page of metrics being written.
#[derive(Default)]
pub struct Page {
    text: String,
}

/// Whether a metric may go down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It may.
    Gauge,
    /// It only grows; its name ends in `_total`.
    Counter,
}

impl Page {
    /// Begins a metric: all its samples follow.
    pub fn family(&mut self, name: &'static str, kind: Kind, help: &str) -> Family<'_> {
        let kind = match kind {
            Kind::Gauge => "gauge",
            Kind::Counter => "counter",
        };
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {kind}"));
        Family { page: self, name }
    }

    /// A metric of one sample without labels.
    pub fn single(&mut self, name: &'static str, kind: Kind, help: &str, value: impl Display) {
        self.family(name, kind, help).sample(&[], value);
    }

    /// The whole page.
    pub fn finish(self) -> String {
        self.text
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "{line}");
    }
}

/// A metric whose samples are being written.
pub struct Family<'a> {
    page: &'a mut Page,
    name: &'static str,
}

impl Family<'_> {
    /// Writes a sample.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        let name = self.name;
        if labels.is_empty() {
            return self.page.line(format_args!("{name} {value}"));
        }
        let pair = |(label, text): &(&str, &str)| format!("{label}=\"{}\"", escaped(text));
        let labels: Vec<String> = labels.iter().map(pair).collect();
        self.page.line(format_args!("{name}{{{}}} {value}", labels.join(",")));
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_lines_of_help_type_and_samples() {
        let mut page = Page::default();
        page.single("up", Kind::Gauge, "Whether it runs.", 1);
        let mut sizes = page.family("size", Kind::Gauge, "Bytes.");
        sizes.sample(&[("topic", "a"), ("dir", "C:\\\"x\"\n")], 2);
        let text = "# HELP up Whether it runs.\n# TYPE up gauge\nup 1\n# HELP size Bytes.\n\
                    # TYPE size gauge\nsize{topic=\"a\",dir=\"C:\\\\\\\"x\\\"\\n\"} 2\n";
        assert_eq!(page.finish(), text);
    }
}
