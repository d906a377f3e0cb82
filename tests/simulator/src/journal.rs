//! The journal: every request that a simulated service was sent, in the order in which they ended.
//! It holds no token and no header, so that it can be shown to anybody.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use tokio::sync::watch;

use crate::clock::Clock;

/// A simulated service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// Azure Resource Manager.
    Arm,
    /// Microsoft Graph.
    Graph,
    /// The token endpoint of the managed identity.
    Identity,
    /// Service Bus.
    ServiceBus,
    /// Event Grid.
    EventGrid,
    /// The Functions host.
    Host,
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Arm => "arm",
            Self::Graph => "graph",
            Self::Identity => "identity",
            Self::ServiceBus => "servicebus",
            Self::EventGrid => "eventgrid",
            Self::Host => "host",
        })
    }
}

/// One request and how it ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// Its place in the journal, from 1.
    pub seq: u64,
    /// When it ended, in simulated time.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Who was asked, or asked.
    pub service: Service,
    /// The HTTP method.
    pub method: String,
    /// The path as it was sent.
    pub path: String,
    /// The query as it was sent, or empty.
    pub query: String,
    /// The status of the answer; 0 where the connection was cut.
    pub status: u16,
    /// The request's body where it was JSON.
    pub body: Option<Value>,
    /// What else there is to say, or empty.
    pub note: String,
}

impl Entry {
    /// Whether this is a request to ARM that is meant to change Azure, as opposed to a POST that only asks.
    #[must_use]
    pub fn is_write(&self) -> bool {
        self.service == Service::Arm
            && match self.method.as_str() {
                "PUT" | "PATCH" | "DELETE" => true,
                "POST" => self.path.to_ascii_lowercase().ends_with("/register"),
                _ => false,
            }
    }
}

/// The record of all requests; clones share it.
#[derive(Clone, Debug)]
pub struct Journal {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    clock: Clock,
    entries: Mutex<Vec<Entry>>,
    count: watch::Sender<u64>,
}

impl Journal {
    /// An empty journal that dates its entries by this clock.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        let inner = Inner {
            clock,
            entries: Mutex::default(),
            count: watch::Sender::new(0),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Adds an entry.
    #[expect(
        clippy::too_many_arguments,
        reason = "one argument for each member of an entry"
    )]
    pub fn record(
        &self,
        service: Service,
        method: &str,
        path: &str,
        query: &str,
        status: u16,
        body: Option<Value>,
        note: &str,
    ) {
        let mut entries = self.lock();
        let seq = entries.len() as u64 + 1;
        entries.push(Entry {
            seq,
            at: self.inner.clock.now(),
            service,
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            status,
            body,
            note: note.to_owned(),
        });
        drop(entries);
        self.inner
            .count
            .send_modify(|count| *count = (*count).max(seq));
    }

    /// Everything so far.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().clone()
    }

    /// What came after the entry `seq`; 0 is everything.
    #[must_use]
    pub fn since(&self, seq: u64) -> Vec<Entry> {
        let from = usize::try_from(seq).unwrap_or(usize::MAX);
        self.lock().iter().skip(from).cloned().collect()
    }

    /// The requests to ARM that were meant to change Azure, whatever became of them.
    #[must_use]
    pub fn writes(&self) -> Vec<Entry> {
        self.lock()
            .iter()
            .filter(|entry| entry.is_write())
            .cloned()
            .collect()
    }

    /// The number of the last entry.
    #[must_use]
    pub fn last_seq(&self) -> u64 {
        *self.inner.count.borrow()
    }

    /// Waits for the next entry.
    pub async fn changed(&self) {
        // The sender lives as long as the journal does, so that waiting cannot fail.
        let _ = self.inner.count.subscribe().changed().await;
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.inner
            .entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_to_resource_graph_is_no_write() {
        let journal = Journal::new(Clock::new());
        journal.record(
            Service::Arm,
            "POST",
            "/providers/Microsoft.ResourceGraph/resources",
            "",
            200,
            None,
            "",
        );
        journal.record(
            Service::Arm,
            "POST",
            "/subscriptions/s/providers/Microsoft.NetworkCloud/register",
            "",
            200,
            None,
            "",
        );
        journal.record(
            Service::ServiceBus,
            "DELETE",
            "/requests/messages/head",
            "",
            204,
            None,
            "",
        );
        journal.record(Service::Arm, "PATCH", "/c", "", 0, None, "");
        let writes: Vec<u64> = journal.writes().iter().map(|entry| entry.seq).collect();
        assert_eq!(writes, [2, 4]);
        assert_eq!(journal.since(3).len(), 1);
    }
}
