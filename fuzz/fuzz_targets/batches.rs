//! See `ottla::log::fuzzing::batches`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ottla::log::fuzzing::batches(data));
