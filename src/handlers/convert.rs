//! Strings between the wire and the rest: `StrBytes` here, `Arc<str>` there.

use std::sync::Arc;

use kafka_protocol::protocol::StrBytes;

/// A string off the wire.
pub fn text(wire: &StrBytes) -> Arc<str> {
    Arc::from(wire.as_str())
}

/// A nullable string off the wire.
pub fn nullable(wire: &Option<StrBytes>) -> Option<Arc<str>> {
    wire.as_ref().map(text)
}

/// A string for the wire.
pub fn wire(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

/// A nullable string for the wire.
pub fn nullable_wire(text: Option<&Arc<str>>) -> Option<StrBytes> {
    text.map(|text| wire(text))
}
