//! Names of users, clients and IPs as they stand in znode paths (Kafka's `Sanitizer`): the form
//! encoding of URLs, with `%20` for a space and `%2A` for a star.
//!
//! Example: `CN=bob,O=x` is `CN%3Dbob%2CO%3Dx`. `<default>` is never passed through here.

use std::fmt::Write;

/// The name as it is written in a path.
pub fn sanitize(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => out.push(byte as char),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

/// The reverse of [`sanitize`]; also takes `+` for a space. `None` for a broken escape or for bytes
/// that are not UTF-8.
pub fn desanitize(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let high = (bytes.next()? as char).to_digit(16)?;
                let low = (bytes.next()? as char).to_digit(16)?;
                out.push((high * 16 + low) as u8);
            }
            b'+' => out.push(b' '),
            _ => out.push(byte),
        }
    }
    String::from_utf8(out).ok()
}
