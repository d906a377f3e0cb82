//! Placeholder.
pub mod id;
pub mod tags;
