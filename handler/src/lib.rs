//! Vaultbind: binds Azure Operator Nexus clusters to the right Key Vault, as a custom handler of Azure Functions.
//!
//! The way of an event: `functions` takes it from the host, `request` says what to reconcile, `queue` sends that,
//! `functions::deliver` runs what comes back: `reconcile` observes, decides (in `vaultbind-core`) and acts, `report` tells
//! the results queue.

pub mod admission;
pub mod caches;
pub mod cli;
pub mod clock;
pub mod config;
pub mod context;
pub mod deadline;
pub mod escape;
pub mod event;
pub mod functions;
pub mod queue;
pub mod reconcile;
pub mod report;
pub mod request;
pub mod serve;
pub mod sweep;
pub mod telemetry;

#[cfg(test)]
mod fuzz;
