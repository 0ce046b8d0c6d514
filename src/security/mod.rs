//! Who a client is. Authentication and authorization are to come.

mod principal;

pub use principal::Principal;
