//! Thin clients of what Vaultbind talks to: ARM, Microsoft Graph, Service Bus, identity.
//!
//! They must not retry (beyond one new token), decide, or know the policy; each has its base URL handed in.

pub mod arm;
pub mod cloud;
pub mod credential;
mod error;
pub mod graph;
pub mod http;
pub mod service_bus;

pub use error::{Error, ErrorDetail, Kind};

#[cfg(test)]
mod test_support;
