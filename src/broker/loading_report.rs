//! How far the logs are loaded: a bar on a terminal, a line now and then elsewhere.

use crate::log::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::io::IsTerminal;
use std::path::PathBuf;

/// Lines a directory gets where there is no terminal.
const LINES: usize = 10;

/// What is shown of each directory.
pub(super) struct LoadingReport {
    bars: Option<Mutex<HashMap<PathBuf, ProgressBar>>>,
}

impl LoadingReport {
    /// Bars if standard error is a terminal.
    pub(super) fn new() -> LoadingReport {
        LoadingReport { bars: std::io::stderr().is_terminal().then(Mutex::default) }
    }

    /// One more log is loaded.
    pub(super) fn show(&self, progress: Progress) {
        let Progress { dir, loaded, total } = progress;
        match &self.bars {
            Some(bars) => {
                let mut bars = bars.lock();
                let bar = bars.entry(dir).or_insert_with_key(|dir| bar(total, dir));
                bar.set_position(loaded as u64);
                if loaded >= total {
                    bar.finish_and_clear();
                }
            }
            None if is_told(loaded, total) => {
                tracing::info!(dir = %dir.display(), loaded, total, "loading logs");
            }
            None => {}
        }
    }
}

fn bar(total: usize, dir: &std::path::Path) -> ProgressBar {
    let bar = ProgressBar::new(total as u64).with_message(format!("loading {}", dir.display()));
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// Whether a line is due: ten a directory, the last one with its end.
fn is_told(loaded: usize, total: usize) -> bool {
    loaded >= total || loaded.is_multiple_of((total / LINES).max(1)) && total >= LINES
}

#[cfg(test)]
mod tests {
    use super::is_told;

    #[test]
    fn many_logs_give_about_ten_lines_and_few_logs_one() {
        let lines = |total: usize| (1..=total).filter(|loaded| is_told(*loaded, total)).count();
        assert_eq!([lines(1), lines(9), lines(10), lines(2000)], [1, 1, 10, 10]);
        assert!(lines(1234) <= 12);
    }
}
