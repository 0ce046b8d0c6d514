//! See `ottla::log::fuzzing::indexes`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ottla::log::fuzzing::indexes(data));
