//! See `ottla::run::fuzzing::requests`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ottla::run::fuzzing::requests(data));
