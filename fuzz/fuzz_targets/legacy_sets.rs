//! See `ottla::log::fuzzing::legacy_sets`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ottla::log::fuzzing::legacy_sets(data));
