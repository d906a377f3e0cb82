//! What `host.json` and a trigger say of Service Bus.
//! It reads and checks; it connects to nothing.

use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;

use super::{boolean, number, time_span};

/// The section `extensions.serviceBus`.
#[derive(Clone, Debug)]
pub(in super::super) struct ServiceBusOptions {
    pub(in super::super) max_concurrent_calls: usize,
    /// Only with sessions, as the idle time.
    pub(in super::super) max_concurrent_sessions: usize,
    pub(in super::super) session_idle_timeout: Duration,
    pub(in super::super) auto_complete: bool,
    pub(in super::super) lock_renewal: Duration,
}

/// What starts a function with a message.
#[derive(Clone, Debug)]
pub(in super::super) struct QueueTrigger {
    pub(in super::super) queue: String,
    pub(in super::super) namespace: String,
    /// `isSessionsEnabled`.
    pub(in super::super) sessions: bool,
}

impl ServiceBusOptions {
    pub(super) fn read(section: &Value) -> anyhow::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let calls = number(&section["maxConcurrentCalls"]).unwrap_or(16 * cores);
        let sessions = number(&section["maxConcurrentSessions"]).unwrap_or(8);
        if calls == 0 || sessions == 0 {
            bail!(
                "extensions.serviceBus: maxConcurrentCalls and maxConcurrentSessions must be at least 1"
            );
        }
        let span = |name: &str, default| {
            time_span(section[name].as_str().unwrap_or(default))
                .with_context(|| format!("extensions.serviceBus.{name}"))
        };
        Ok(Self {
            max_concurrent_calls: calls,
            max_concurrent_sessions: sessions,
            // Unset it is the time that the client waits for one try.
            session_idle_timeout: span("sessionIdleTimeout", "00:01:00")?,
            auto_complete: boolean(&section["autoCompleteMessages"]).unwrap_or(true),
            lock_renewal: span("maxAutoLockRenewalDuration", "00:05:00")?,
        })
    }
}
