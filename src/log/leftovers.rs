//! Files that a crash left amid a swap, by Kafka's rules (`LogLoader.load` up to its fourth pass),
//! so that each broker understands what the other one left.
//!
//! ```text
//! 0.log.deleted    gone
//! 0.log.cleaned    half written: gone, and every swap at or after it: its step did not end
//! 0.log.swap       whole: it and its indexes take the place of all that lies in its offsets
//! 0.index          without 0.log: gone
//! ```

use super::file::{self, LogFile};
use super::recovery::remove;
use super::segment::{Batches, base_offset_of};
use std::io;
use std::path::Path;

const INDEXES: [&str; 3] = ["index", "timeindex", "txnindex"];

/// A file of a log directory: its name, and the offset that it begins with.
struct Named {
    name: String,
    offset: Option<i64>,
}

fn files(dir: &Path) -> io::Result<Vec<Named>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let digits = name.split_once('.').map(|(digits, _)| digits);
            let offset = digits.and_then(|digits| digits.parse().ok());
            all.push(Named { name, offset });
        }
    }
    Ok(all)
}

/// Ends or undoes every swap and removes what is no use; gives the base offsets of the segments.
pub(super) fn sweep(dir: &Path) -> io::Result<Vec<i64>> {
    remove_unfinished(dir)?;
    let all = files(dir)?;
    let mut swaps: Vec<&Named> = all.iter().filter(|file| file.name.ends_with(".swap")).collect();
    // The logs first: beside a log that is not in place yet, an index that is would be taken for
    // an old one by the start after a crash here.
    swaps.sort_by_key(|file| !file.name.ends_with(".log.swap"));
    if let Some((from, to)) = replaced(dir, &swaps)? {
        let is_replaced = |offset| (from..to).contains(&offset);
        for file in all.iter().filter(|file| !file.name.ends_with(".swap")) {
            if file.offset.is_some_and(is_replaced) {
                remove(&dir.join(&file.name))?;
            }
        }
    }
    for swap in swaps {
        let path = dir.join(&swap.name);
        file::rename(&path, &path.with_extension(""))?;
    }
    let all = files(dir)?;
    let base = |file: &Named, suffix| base_offset_of(&file.name, suffix);
    let mut bases: Vec<i64> = all.iter().filter_map(|file| base(file, "log")).collect();
    for file in &all {
        let index_of = INDEXES.iter().find_map(|suffix| base(file, suffix));
        if index_of.is_some_and(|base| !bases.contains(&base)) {
            remove(&dir.join(&file.name))?;
        }
    }
    bases.sort_unstable();
    bases.dedup();
    Ok(bases)
}

fn remove_unfinished(dir: &Path) -> io::Result<()> {
    let all = files(dir)?;
    let ending = |suffix| all.iter().filter(move |file| file.name.ends_with(suffix));
    let unfinished = ending(".cleaned").filter_map(|file| file.offset).min().unwrap_or(i64::MAX);
    let undone = ending(".swap").filter(|file| file.offset.is_some_and(|at| at >= unfinished));
    // Those first: a crash here must leave what tells that they are to go.
    let gone = undone.chain(ending(".cleaned")).chain(ending(".deleted")).chain(ending(".tmp"));
    gone.map(|file| dir.join(&file.name)).try_for_each(|path| remove(&path))
}

/// Offsets that swaps take the place of: the first, and the one after the last.
fn replaced(dir: &Path, swaps: &[&Named]) -> io::Result<Option<(i64, i64)>> {
    let mut range: Option<(i64, i64)> = None;
    for swap in swaps {
        let Some(base) = base_offset_of(&swap.name, "log.swap") else { continue };
        let next = next_offset(&dir.join(&swap.name))?.unwrap_or(base);
        let (from, to) = range.unwrap_or((base, next));
        range = Some((from.min(base), to.max(next)));
    }
    Ok(range)
}

/// The offset after the last in a file of batches.
fn next_offset(path: &Path) -> io::Result<Option<i64>> {
    let file = LogFile::open(path)?;
    let mut next = None;
    for batch in Batches::of(&file, file.len()?) {
        next = Some(batch?.last_offset().saturating_add(1));
    }
    Ok(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::batch::BatchHeader;
    use crate::log::segment::file_name;
    use crate::log::testing::{Spec, directory};
    use std::collections::BTreeSet;

    /// Two records that begin at an offset.
    fn records(base_offset: i64) -> Vec<u8> {
        let mut bytes = Spec::of(&["a", "b"]).build().to_vec();
        let header = BatchHeader::read(&bytes).expect("a header");
        let head = BatchHeader::head(base_offset, header.length, 0);
        bytes[..head.len()].copy_from_slice(&head);
        bytes
    }

    /// The names left of those given; logs begin with two records.
    fn left(names: &[(i64, &str)]) -> (Vec<i64>, Vec<(i64, String)>) {
        let dir = directory();
        for (base, suffix) in names {
            let content = if suffix.contains("log") { records(*base) } else { Vec::new() };
            std::fs::write(dir.path().join(file_name(*base, suffix)), content).expect("written");
        }
        let bases = sweep(dir.path()).expect("swept");
        let all = files(dir.path()).expect("listed").into_iter();
        let left: BTreeSet<_> = all
            .filter_map(|file| {
                Some((file.offset?, file.name.split_once('.').map(|(_, s)| s.to_owned())?))
            })
            .collect();
        (bases, left.into_iter().collect())
    }

    fn owned(names: &[(i64, &str)]) -> Vec<(i64, String)> {
        names.iter().map(|(base, suffix)| (*base, (*suffix).to_owned())).collect()
    }

    #[test]
    fn all_files_of_a_swap_take_the_place_of_what_lies_in_its_offsets() {
        let (bases, names) = left(&[
            (0, "log"),
            (0, "index"),
            (0, "log.swap"),
            (0, "index.swap"),
            (0, "txnindex.swap"),
            (1, "log"),
            (1, "snapshot"),
            (2, "log"),
            (2, "snapshot"),
        ]);
        assert_eq!(bases, [0, 2]);
        let wanted = [(0, "index"), (0, "log"), (0, "txnindex"), (2, "log"), (2, "snapshot")];
        assert_eq!(names, owned(&wanted));
    }

    #[test]
    fn an_index_swap_that_is_left_alone_is_put_in_place() {
        let (_, names) = left(&[(0, "log"), (0, "txnindex.swap")]);
        assert_eq!(names, owned(&[(0, "log"), (0, "txnindex")]));
    }

    #[test]
    fn a_swap_at_or_after_a_half_written_file_is_undone() {
        let old = [(0, "log"), (1, "log")];
        let more = |more: &[(i64, &'static str)]| left(&[&old[..], more].concat());
        assert_eq!(more(&[(0, "log.swap"), (0, "index.cleaned")]).1, owned(&old));
        assert_eq!(more(&[(1, "log.swap"), (0, "log.cleaned")]).1, owned(&old));
        let (bases, _) = more(&[(0, "log.swap"), (1, "log.cleaned")]);
        assert_eq!(bases, [0], "that one is of a later step");
    }

    #[test]
    fn an_index_without_its_log_goes() {
        let (bases, names) = left(&[(0, "log"), (5, "index"), (5, "timeindex"), (5, "txnindex")]);
        assert_eq!((bases, names), (vec![0], owned(&[(0, "log")])));
    }
}
