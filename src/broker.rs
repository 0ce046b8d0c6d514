//! What handlers get. A placeholder until the broker is assembled.

/// One running broker.
#[derive(Default)]
pub struct Broker {}
