//! Vaultbind: binds Azure Operator Nexus clusters to the right Key Vault, as a custom handler of Azure Functions.
//!
//! The way of an event: `functions` takes it from the host, `request` says what to look at, `queue` sends that,
//! `reconcile` looks, decides (in `vaultbind-core`) and acts, `reconcile::report` tells the results queue.

pub mod cli;
pub mod config;
pub mod context;
pub mod deadline;
pub mod escape;
pub mod event;
pub mod functions;
pub mod pace;
pub mod queue;
pub mod reconcile;
pub mod request;
pub mod serve;
pub mod sweep;
pub mod telemetry;

#[cfg(test)]
mod fuzz;
