//! See `ottla::log::fuzzing::checkpoints`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ottla::log::fuzzing::checkpoints(data));
