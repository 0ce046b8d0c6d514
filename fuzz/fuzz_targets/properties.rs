//! See `ottla::log::fuzzing::properties`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ottla::log::fuzzing::properties(data));
