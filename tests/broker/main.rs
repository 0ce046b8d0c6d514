//! The real program, started as its user starts it.

mod limits;
mod listeners;
mod metrics;
mod process;
mod program;
