//! The real program, started as its user starts it.

mod limits;
mod process;
mod program;
