//! Loading a log: which segments there are, what of them is whole, which producers wrote them
//! (Kafka's `LogLoader`). After a clean shutdown nothing is read but the newest snapshot.

use super::api::LogError;
use super::batch::{self, BatchHeader, HEADER_BYTES};
use super::leader_epochs::LeaderEpochs;
use super::leftovers::sweep;
use super::legacy;
use super::partition_log::{Known, Segments, floor};
use super::pooled::{DirPath, is_disk_full};
use super::producer_state::{Marker, ProducerState};
use super::record::Record;
use super::segment::{Located, Segment, base_offset_of};
use super::snapshot;
use crate::config::TopicConfig;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// What was loaded.
pub(super) struct Loaded {
    pub(super) segments: Segments,
    pub(super) producers: ProducerState,
    pub(super) epochs: LeaderEpochs,
    /// The file of the epochs must not stay behind until the next crash. It lacks one that was
    /// found before the recovery point, where the next recovery may not look (the start was raised,
    /// the log cut there, and the start not checkpointed); or it has one whose records are lost,
    /// which that recovery would believe if others, written there since, are lost with their epoch.
    pub(super) epochs_are_unsaved: bool,
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) recovery_point: i64,
}

/// Loads what lies in `dir`; makes the first segment if there is none.
pub(super) fn load(
    place: &Arc<DirPath>,
    config: &TopicConfig,
    known: Known,
    now_ms: i64,
) -> Result<Loaded, LogError> {
    let dir: &Path = &place.load_full();
    std::fs::create_dir_all(dir)?;
    let mut bases = sweep(dir)?;
    if bases.is_empty() {
        bases.push(known.log_start);
    }
    let mut segments = Segments::new();
    for base in bases {
        segments.push(Arc::new(Segment::open(place, base, now_ms)?));
    }
    let mut epochs = LeaderEpochs::load(dir);
    let saved = epochs.entries().to_vec();
    if known.clean {
        for segment in &segments {
            if segment.is_indexed_sanely()? {
                segment.load_max_timestamp()?;
            }
        }
    } else {
        recover(place, &mut segments, &mut epochs, config, known, now_ms)?;
    }
    // Kafka rebuilds an index that is missing or cannot be right, also after a clean shutdown.
    for segment in segments.iter().filter(|segment| segment.size() > 0) {
        if segment.is_indexed_sanely()? {
            continue;
        }
        let mut producers = restore(dir, &segments, segment.base_offset)?;
        recover_segment(segment, &mut producers, &mut epochs, config)?;
        sync_found(segment)?;
    }
    let start = segments.first().map_or(0, |segment| segment.base_offset);
    let end = end_of(&segments)?.max(start);
    epochs.truncate_from_end(end);
    epochs.truncate_from_start(known.log_start.max(start));
    remove_stray_snapshots(dir, &segments)?;
    let producers = restore(dir, &segments, end)?;
    segments.iter().for_each(|segment| segment.release());
    if let Some(active) = segments.last() {
        active.preallocate(config)?;
        active.offsets.grow_to(config.segment_index_bytes)?;
        active.times.grow_to(config.segment_index_bytes)?;
    }
    let recovery_point = if known.clean { end } else { known.recovery_point };
    let is_saved = |epoch: i32| saved.iter().any(|(saved, _)| *saved == epoch);
    let is_unsaved = |(epoch, from): &(i32, i64)| *from < recovery_point && !is_saved(*epoch);
    // Only a compacted log can end in a hole, where no record tells of a later epoch.
    let is_lost = |(lost, _): &(i32, i64)| epochs.entries().iter().all(|(epoch, _)| epoch != lost);
    let may_be_believed = !known.clean && config.cleanup_policy.compact;
    let epochs_are_unsaved = epochs.entries().iter().any(is_unsaved)
        || may_be_believed && saved.last().is_some_and(is_lost);
    Ok(Loaded { segments, producers, epochs, epochs_are_unsaved, start, end, recovery_point })
}

/// Syncs indexes that were made anew before the recovery point: no flush comes by there again.
fn sync_found(segment: &Segment) -> io::Result<()> {
    match segment.sync() {
        Err(error) if is_disk_full(&error) => Ok(()),
        synced => synced,
    }
}

/// Reads again all segments from the recovery point on, cuts the first torn batch and all that
/// follows it, and makes their indexes anew.
fn recover(
    place: &Arc<DirPath>,
    segments: &mut Segments,
    epochs: &mut LeaderEpochs,
    config: &TopicConfig,
    known: Known,
    now_ms: i64,
) -> Result<(), LogError> {
    let dir: &Path = &place.load_full();
    let from = floor(segments, known.recovery_point).unwrap_or(0);
    for segment in segments.iter().take(from) {
        if segment.is_indexed_sanely()? {
            segment.load_max_timestamp()?;
        }
    }
    let mut at = from;
    while let Some(segment) = segments.get(at) {
        // The transactions open when it began, so that its aborted ones are found again.
        let mut producers =
            restore(dir, segments.get(..at).unwrap_or_default(), segment.base_offset)?;
        let next = recover_segment(segment, &mut producers, epochs, config)?;
        at += 1;
        // What was not synced can be lost in the middle: what follows such a hole goes too. In a
        // compacted log there are holes by right.
        let hole = |next: i64| {
            let following = segments.get(at).map(|following| following.base_offset);
            let by_right = config.cleanup_policy.compact || next < known.recovery_point;
            !by_right && following.is_some_and(|base| base > next)
        };
        if next.is_none_or(hole) {
            for torn in segments.drain(at..) {
                for path in Segment::paths(dir, torn.base_offset) {
                    remove(&path)?;
                }
            }
        }
    }
    if segments.is_empty() {
        segments.push(Arc::new(Segment::open(place, known.log_start, now_ms)?));
    }
    // Snapshots beyond the end tell of producers that are no more.
    let end = end_of(segments)?;
    for (offset, path) in snapshots(dir)? {
        if offset > end {
            remove(&path)?;
        }
    }
    Ok(())
}

/// Removes snapshots that belong to no segment, but for a last one of a clean shutdown (Kafka's
/// `ProducerStateManager.removeStraySnapshots`).
fn remove_stray_snapshots(dir: &Path, segments: &[Arc<Segment>]) -> io::Result<()> {
    let is_base = |offset: i64| segments.iter().any(|segment| segment.base_offset == offset);
    let mut stray = snapshots(dir)?;
    stray.retain(|(offset, _)| !is_base(*offset));
    let newest_base = segments.last().map_or(0, |segment| segment.base_offset);
    stray.pop_if(|(offset, _)| *offset >= newest_base);
    stray.iter().try_for_each(|(_, path)| remove(path))
}

pub(super) fn remove(path: &Path) -> io::Result<()> {
    #[cfg(test)]
    super::faulty::change_name(path)?;
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

pub(super) fn recover_segment(
    segment: &Segment,
    producers: &mut ProducerState,
    epochs: &mut LeaderEpochs,
    config: &TopicConfig,
) -> Result<Option<i64>, LogError> {
    let len = segment.file.len()?;
    segment.reset()?;
    let interval = u64::try_from(config.index_interval_bytes).unwrap_or(0);
    let mut next = segment.base_offset;
    for batch in segment.batches(0, len) {
        let at = batch?;
        let bytes = segment.bytes(&at)?;
        if !is_whole(&at, &bytes) || at.last_offset() < next || !segment.can_hold(at.last_offset())
        {
            break;
        }
        next = at.last_offset() + 1;
        if at.header.magic >= 2 {
            epochs.find(at.header.leader_epoch, at.header.base_offset);
            let marker = marker_of(&at.header, bytes.get(HEADER_BYTES..).unwrap_or_default());
            if let Some(txn) = producers.update(&at.header, marker) {
                segment.aborted.add_found(txn)?;
            }
        }
        segment.wrote(&at, interval)?;
    }
    segment.file.set_len(segment.size())?;
    segment.seal()?;
    Ok((segment.size() == len).then_some(next))
}

/// The marker in a control batch, if it is one.
pub(super) fn marker_of(header: &BatchHeader, mut records: &[u8]) -> Option<Marker> {
    if !header.has(batch::CONTROL) {
        return None;
    }
    let record = Record::read(&mut records).ok()?;
    let kind = record.key?.get(2..4)?;
    let epoch = record.value?.get(2..6)?;
    let commit = match kind {
        [0, 0] => false,
        [0, 1] => true,
        _ => return None,
    };
    Some(Marker { commit, coordinator_epoch: i32::from_be_bytes(epoch.try_into().ok()?) })
}

/// Offset after the last record.
pub(super) fn end_of(segments: &[Arc<Segment>]) -> io::Result<i64> {
    let Some(active) = segments.last() else { return Ok(0) };
    let indexed = active.offsets.last()?.map_or(0, |(_, position)| u64::from(position));
    let from = if is_batch_at(active, indexed)? { indexed } else { 0 };
    let mut end = active.base_offset;
    for batch in active.batches(from, active.size()) {
        end = batch?.last_offset() + 1;
    }
    Ok(end)
}

/// Whether a whole batch begins there: the log would end where a wrong index says.
fn is_batch_at(segment: &Segment, position: u64) -> io::Result<bool> {
    let Some(at) = segment.batches(position, segment.size()).next().transpose()? else {
        return Ok(false);
    };
    Ok(is_whole(&at, &segment.bytes(&at)?))
}

fn is_whole(at: &Located, bytes: &[u8]) -> bool {
    match at.header.magic {
        ..2 => legacy::crc_is_right(bytes),
        _ => at.header.last_offset_delta >= 0 && batch::crc_is_right(&at.header, bytes),
    }
}

/// Snapshots in the directory, oldest first.
pub(super) fn snapshots(dir: &Path) -> io::Result<Vec<(i64, std::path::PathBuf)>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        if let Some(offset) = base_offset_of(&entry.file_name().to_string_lossy(), "snapshot") {
            all.push((offset, entry.path()));
        }
    }
    all.sort_unstable();
    Ok(all)
}

/// The producers as they were before `end`: the newest whole snapshot and what came after it.
pub(super) fn restore(
    dir: &Path,
    segments: &[Arc<Segment>],
    end: i64,
) -> io::Result<ProducerState> {
    let mut from = i64::MIN;
    let mut state = ProducerState::default();
    for (offset, path) in snapshots(dir)?.into_iter().rev().filter(|(offset, _)| *offset <= end) {
        if let Some(read) = snapshot::read(&path)? {
            (from, state) = (offset, read);
            break;
        }
        std::fs::remove_file(&path)?;
    }
    let first = floor(segments, from).unwrap_or(0);
    for segment in segments.iter().skip(first) {
        for batch in replayed(segment, from)? {
            let at = batch?;
            if at.header.base_offset >= end {
                return Ok(state);
            }
            if at.header.magic < 2 || at.header.base_offset < from || !at.header.has_producer() {
                continue;
            }
            let bytes = if at.header.has(batch::CONTROL) { segment.bytes(&at)? } else { vec![] };
            let marker = marker_of(&at.header, bytes.get(HEADER_BYTES..).unwrap_or_default());
            state.update(&at.header, marker);
        }
    }
    Ok(state)
}

fn replayed(
    segment: &Segment,
    from: i64,
) -> io::Result<impl Iterator<Item = io::Result<Located>> + '_> {
    let position = match from > segment.base_offset {
        true => segment.locate(from)?.map_or(segment.size(), |at| at.position),
        false => 0,
    };
    Ok(segment.batches(position, segment.size()))
}
