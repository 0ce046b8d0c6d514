//! See `ottla::log::fuzzing::segments`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ottla::log::fuzzing::segments(data));
