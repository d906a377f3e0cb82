//! End to end: the real binary under the miniature Functions host, against the local Azure.
//!
//! It must not look into the binary: what counts is what Azure, the queues and the host see.

mod bad_input;
mod binding;
mod crash;
mod host;
mod scenario;
mod startup;
mod town;
