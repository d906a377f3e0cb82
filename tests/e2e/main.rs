//! End to end: the real binary under the miniature Functions host, against the local Azure.
//!
//! It must not look into the binary: what counts is what Azure, the queues and the host see.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test ends where something is not as it has to be"
)]

mod alerts;
mod bad_input;
mod binding;
mod command_line;
mod commands;
mod crash;
mod deputy;
mod faults;
mod host;
mod left_behind;
mod memory;
mod operations;
mod own_writes;
mod people;
mod principals;
mod proof;
mod rebinding;
mod rights;
mod scenario;
mod startup;
mod tls;
mod tokens;
mod town;
mod turns;
mod unsent;
mod vault_lists;
