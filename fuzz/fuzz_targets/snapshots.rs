//! See `ottla::log::fuzzing::snapshots`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ottla::log::fuzzing::snapshots(data));
