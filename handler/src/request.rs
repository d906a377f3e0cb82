//! The request message: what to reconcile, why, and what this request remembers across its retries.
//!
//! It must not carry state of Azure to act on: that is read anew each time.

mod error;
mod id;
mod progress;
mod retry_class;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use vaultbind_core::{
    id::{ClusterId, VaultId},
    result::Cause,
};

pub use error::RequestError;
pub use id::{Bucket, cluster_request_id, hash, page_request_id, sweep_request_id};
pub use progress::{Absence, Chosen, Progress};
pub use retry_class::RetryClass;

/// The version of the message that this Vaultbind writes and reads.
const VERSION: u32 = 1;

/// The longest id of a message, and the longest correlation id, that Service Bus takes.
const MAX_MESSAGE_ID: usize = 128;

/// The longest id of a request: with a colon and the number of a retry behind it, it is the id of a message.
const MAX_ID: usize = MAX_MESSAGE_ID - 1 - u32::MAX.ilog10() as usize - 1;

/// The longest text that a request carries into its result, which has its bounds: twice what an ARM id may have.
const MAX_TEXT: usize = 4096;

/// A message on the requests queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    version: u32,
    /// The id that all messages of this request share.
    pub id: String,
    /// What to reconcile.
    #[serde(flatten)]
    pub subject: Subject,
    /// Why.
    #[serde(default = "manual")]
    pub cause: Cause,
    /// How the request came about: it decides how much is reported.
    #[serde(default)]
    pub origin: Origin,
    /// How many times the request was requeued before.
    #[serde(default)]
    pub attempt: u32,
    /// When the request was first sent; its deadline counts from there.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub first_seen: Option<OffsetDateTime>,
    /// The Azure-AsyncOperation URL of a change under way.
    #[serde(default)]
    pub operation: Option<String>,
    /// The W3C trace that the event came with.
    #[serde(default)]
    pub traceparent: Option<String>,
    /// What the request remembers across its retries.
    #[serde(default)]
    pub progress: Progress,
    /// The vault that a person agreed to: the cluster is pointed at no other. It is on no queue.
    #[serde(skip)]
    pub agreed: Option<VaultId>,
    /// Is this delivery one after another that broke off? The queue says so, not the message.
    #[serde(skip)]
    pub is_redelivery: bool,
}

/// What a request is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "lowercase",
    rename_all_fields = "camelCase"
)]
pub enum Subject {
    /// One cluster to reconcile.
    Cluster {
        /// The cluster.
        cluster_id: ClusterId,
        /// A vault that may not be listed yet.
        #[serde(default)]
        vault_hint: Option<VaultId>,
    },
    /// One page of clusters, for all or for one vault.
    Sweep {
        /// The vault whose clusters are reconciled; all clusters where absent.
        #[serde(default)]
        vault_id: Option<VaultId>,
        /// Where the page begins.
        #[serde(default)]
        skip_token: Option<String>,
    },
}

/// How a request came about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// Somebody wrote to the resource, or a person asked.
    #[default]
    Write,
    /// Our own write came back as an event.
    Own,
    /// Somebody wrote to the resource, as a notification tells that names nobody.
    Notified,
    /// The resource was deleted.
    Delete,
    /// The same, as a notification tells.
    Gone,
    /// A sweep found the cluster.
    Sweep,
}

impl Origin {
    fn word(self) -> &'static str {
        match self {
            Self::Write => "write",
            // One look will do for our own write and the notification of it.
            Self::Own | Self::Notified => "own",
            Self::Delete => "delete",
            Self::Gone => "gone",
            Self::Sweep => "sweep",
        }
    }

    /// Does such a request report only what changed or is wrong?
    pub fn is_quiet(self) -> bool {
        match self {
            Self::Write | Self::Delete => false,
            Self::Own | Self::Notified | Self::Gone | Self::Sweep => true,
        }
    }

    /// What it is where a deletion was told of a resource that is there all the same: it was made anew.
    pub fn as_made_anew(self) -> Option<Self> {
        match self {
            Self::Delete => Some(Self::Write),
            Self::Gone => Some(Self::Notified),
            Self::Write | Self::Own | Self::Notified | Self::Sweep => None,
        }
    }
}

impl Request {
    /// A request that was never sent before.
    pub fn new(
        id: String,
        subject: Subject,
        cause: Cause,
        origin: Origin,
        now: OffsetDateTime,
    ) -> Self {
        Self {
            version: VERSION,
            id,
            subject,
            cause,
            origin,
            attempt: 0,
            first_seen: Some(now),
            operation: None,
            traceparent: None,
            progress: Progress::default(),
            agreed: None,
            is_redelivery: false,
        }
    }

    /// Reads the body of a message.
    ///
    /// # Errors
    /// Where the body is no request of a known version with a sound id.
    pub fn from_json(text: &str) -> Result<Self, RequestError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let versioned: Versioned = serde_json::from_str(text).map_err(RequestError::Malformed)?;
        if versioned.version != VERSION {
            return Err(RequestError::Version(versioned.version));
        }
        let request: Self = serde_json::from_str(text).map_err(RequestError::Malformed)?;
        let cause_id = request.cause.id.as_deref().unwrap_or("none");
        let told = [
            &request.cause.operation,
            &request.cause.subject,
            &request.cause.time,
            &request.traceparent,
        ];
        let is_long = |text: &String| text.len() > MAX_TEXT;
        if is_fit(&request.id, MAX_ID)
            && !request.session_id().is_empty()
            && !told.into_iter().flatten().any(is_long)
            && is_fit(cause_id, MAX_MESSAGE_ID)
        {
            Ok(request)
        } else {
            Err(RequestError::BadId)
        }
    }

    /// A request is as old as it says, but not from the future, and its patience begins now where it does not say.
    pub fn arrive(&mut self, now: OffsetDateTime) {
        self.first_seen = Some(self.first_seen.map_or(now, |seen| seen.min(now)));
        self.progress.since = self.progress.since.map(|since| since.min(now));
    }

    /// A cluster that is still shown `lag` after an event told of its deletion was made anew.
    pub fn note_made_anew(&mut self, now: OffsetDateTime, lag: Duration) {
        let since = self.progress.lasts(RetryClass::StillShown);
        let is_over = since.is_some_and(|since| now - since >= lag);
        if let Some(origin) = self.origin.as_made_anew().filter(|_| is_over) {
            self.origin = origin;
        }
    }

    /// Has its deadline come?
    pub fn is_due(&self, now: OffsetDateTime, deadline: Duration) -> bool {
        self.first_seen.is_some_and(|seen| now - seen >= deadline)
    }

    /// The request as it is to be delivered the next time.
    #[must_use]
    pub fn next_attempt(&self) -> Self {
        Self {
            attempt: self.attempt.saturating_add(1),
            ..self.clone()
        }
    }

    /// How often the request has been looked at, this time included.
    pub fn attempts(&self) -> u32 {
        self.attempt.saturating_add(1)
    }

    /// At which of its attempts the request was carried by this message; none where it was another request.
    pub fn attempt_of(&self, message_id: &str) -> Option<u32> {
        let rest = message_id.strip_prefix(self.id.as_str())?;
        let attempt = match rest.strip_prefix(':') {
            Some(number) => number.parse().ok()?,
            None => rest.is_empty().then_some(0)?,
        };
        (attempt <= self.attempt).then(|| u32::saturating_add(attempt, 1))
    }

    /// The id of the message that carries the request now: its own, or with the number of the retry.
    pub fn message_id(&self) -> String {
        match self.attempt {
            0 => self.id.clone(),
            attempt => format!("{}:{attempt}", self.id),
        }
    }

    /// The session of its messages: looks at one cluster take turns, and so do the pages of one sweep.
    pub fn session_id(&self) -> String {
        match &self.subject {
            Subject::Cluster { cluster_id, .. } => hash(&[cluster_id.key()]),
            Subject::Sweep { .. } => id::sweep_id(&self.id).to_owned(),
        }
    }

    /// The cluster's id, or the vault's where a sweep has one: what logs name.
    pub fn subject_id(&self) -> &str {
        match &self.subject {
            Subject::Cluster { cluster_id, .. } => cluster_id.as_str(),
            Subject::Sweep {
                vault_id: Some(vault),
                ..
            } => vault.as_str(),
            Subject::Sweep { vault_id: None, .. } => "all clusters",
        }
    }
}

fn is_fit(id: &str, longest: usize) -> bool {
    !id.is_empty() && id.len() <= longest && !id.chars().any(char::is_control)
}

fn manual() -> Cause {
    Cause {
        kind: vaultbind_core::result::CauseKind::Manual,
        id: None,
        operation: None,
        subject: None,
        time: None,
    }
}

#[cfg(test)]
mod tests;
