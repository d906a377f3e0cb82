//! The pure core of Vaultbind: from a policy and an inventory to a decision, a plan and a result.
//!
//! It must not do I/O, read a clock or log: the crates for that are not among its dependencies.

pub mod api_version;
pub mod archive;
pub mod decision;
pub mod expectation;
pub mod id;
pub mod inventory;
pub mod observation;
pub mod plan;
pub mod policy;
pub mod resource;
pub mod result;
pub mod tags;
mod text;
pub mod yaml;

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod fuzz;
