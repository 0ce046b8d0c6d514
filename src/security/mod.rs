//! Who a client is. Authentication and authorization are to come.

mod principal;
pub mod scram;

pub use principal::Principal;
