//! Principals (`KafkaPrincipal`): a type and a name, printed `User:alice`.

use std::fmt;

/// Who a client is, or an entry of an ACL.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Principal {
    /// The type, `User` unless a custom builder says otherwise.
    pub kind: String,
    /// The name within the type.
    pub name: String,
}

impl Principal {
    /// `User:<name>`.
    pub fn user(name: impl Into<String>) -> Self {
        Principal { kind: "User".into(), name: name.into() }
    }

    /// `User:ANONYMOUS`: a client on a listener without authentication.
    pub fn anonymous() -> Self {
        Principal::user("ANONYMOUS")
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.name)
    }
}
