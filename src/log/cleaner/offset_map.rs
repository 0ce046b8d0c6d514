//! The last offset of every key, in a fixed amount of memory (Kafka's SkimpyOffsetMap).
//!
//! Only a 128-bit keyed hash of a key is kept, 24 bytes an entry whatever the key's length, so
//! that `log.cleaner.dedupe.buffer.size` is a limit and not a hope. The hash is keyed at random:
//! nobody can craft two keys that are taken for one.

use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::Hasher;

/// Bytes an entry takes: two halves of the hash and the offset.
pub const ENTRY_BYTES: usize = 24;
/// Offset of a slot that holds nothing.
const VACANT: i64 = -1;

/// A map from key to offset that can get full.
pub struct OffsetMap {
    hashes: Vec<(u64, u64)>,
    offsets: Vec<i64>,
    used: usize,
    limit: usize,
    latest_offset: i64,
    seed: (u64, u64),
}

/// The map has no room for another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the offset map is full")]
pub struct Full;

impl OffsetMap {
    /// A map of at most `bytes` of memory (at least one entry), of which `load_factor` (0 to 1)
    /// is used.
    pub fn new(bytes: usize, load_factor: f64) -> OffsetMap {
        let slots = (bytes / ENTRY_BYTES).max(2);
        OffsetMap {
            hashes: vec![(0, 0); slots],
            offsets: vec![VACANT; slots],
            used: 0,
            limit: ((slots as f64 * load_factor) as usize).clamp(1, slots - 1),
            latest_offset: -1,
            seed: (rand::random(), rand::random()),
        }
    }

    /// Notes that `key` was written at `offset`; a later offset replaces an earlier one.
    pub fn put(&mut self, key: &[u8], offset: i64) -> Result<(), Full> {
        let hash = self.hash(key);
        let slot = self.slot(hash);
        if self.offsets[slot] == VACANT {
            if self.used >= self.limit {
                return Err(Full);
            }
            self.used += 1;
            self.hashes[slot] = hash;
        }
        self.offsets[slot] = self.offsets[slot].max(offset);
        self.latest_offset = self.latest_offset.max(offset);
        Ok(())
    }

    /// The last offset of `key`.
    pub fn get(&self, key: &[u8]) -> Option<i64> {
        let offset = self.offsets[self.slot(self.hash(key))];
        (offset != VACANT).then_some(offset)
    }

    /// The last offset the map has taken into account.
    pub fn latest_offset(&self) -> i64 {
        self.latest_offset
    }

    /// Takes into account offsets that brought no key, such as control records.
    pub fn advance_latest_offset(&mut self, offset: i64) {
        self.latest_offset = self.latest_offset.max(offset);
    }

    /// Keys in it, in percent of its slots.
    pub fn used_percent(&self) -> u8 {
        u8::try_from(self.used * 100 / self.offsets.len()).unwrap_or(100)
    }

    /// Whether it holds no key.
    pub fn is_empty(&self) -> bool {
        self.used == 0
    }

    fn hash(&self, key: &[u8]) -> (u64, u64) {
        let mut hasher = SipHasher13::new_with_keys(self.seed.0, self.seed.1);
        hasher.write(key);
        let hash = hasher.finish128();
        (hash.h1, hash.h2)
    }

    /// The slot that holds this hash, or the vacant one where it belongs. There always is one:
    /// fewer slots are used than there are.
    fn slot(&self, hash: (u64, u64)) -> usize {
        let mut slot = (hash.0 % self.offsets.len() as u64) as usize;
        while self.offsets[slot] != VACANT && self.hashes[slot] != hash {
            slot = if slot + 1 == self.offsets.len() { 0 } else { slot + 1 };
        }
        slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_offset_of_a_key_wins_and_other_keys_are_not_found() {
        let mut map = OffsetMap::new(1024, 0.9);
        map.put(b"a", 1).expect("room");
        map.put(b"b", 2).expect("room");
        map.put(b"a", 7).expect("room");
        assert_eq!((map.get(b"a"), map.get(b"b"), map.get(b"c")), (Some(7), Some(2), None));
        assert_eq!((map.used, map.latest_offset()), (2, 7));
    }

    #[test]
    fn a_full_map_takes_known_keys_only() {
        let mut map = OffsetMap::new(10 * ENTRY_BYTES, 0.5);
        for key in 0..5u8 {
            map.put(&[key], i64::from(key)).expect("half of the slots");
        }
        assert_eq!(map.put(&[9], 9), Err(Full));
        assert_eq!(map.put(&[3], 10), Ok(()));
        assert_eq!(map.get(&[3]), Some(10));
    }

    #[test]
    fn agrees_with_a_plain_map() {
        let mut map = OffsetMap::new(ENTRY_BYTES * 3000, 0.9);
        let mut plain = std::collections::HashMap::new();
        for offset in 0..20_000i64 {
            let key = (offset.wrapping_mul(7919) % 2500).to_be_bytes();
            map.put(&key, offset).expect("room for 2500 keys");
            plain.insert(key, offset);
        }
        for (key, offset) in plain {
            assert_eq!(map.get(&key), Some(offset));
        }
    }
}
