//! What handlers get.
