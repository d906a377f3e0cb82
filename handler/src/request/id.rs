//! The ids of requests: what makes two of them one, and when such a one is due.
//!
//! It must not read a clock, and nothing but a request's subject, origin and time goes into its id.

use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use vaultbind_core::id::{ClusterId, VaultId};

use super::Origin;

/// The stretch of time whose events on one resource become one request.
#[derive(Debug, Clone, Copy)]
pub struct Bucket {
    start: i64,
    seconds: i64,
}

/// How long after the end of its bucket a request is due: clocks of two instances may differ by as much.
const CLOCK_SKEW_SECONDS: i64 = 2;

impl Bucket {
    /// The bucket of this moment; `None` where coalescing is off.
    pub fn at(now: OffsetDateTime, seconds: u32) -> Option<Self> {
        let seconds = i64::from(seconds);
        let start = now.unix_timestamp().checked_div_euclid(seconds)? * seconds;
        Some(Self { start, seconds })
    }

    /// When a request of this bucket is due: after the last event that it stands for.
    pub fn due(self) -> OffsetDateTime {
        let due = self.start + self.seconds + CLOCK_SKEW_SECONDS;
        OffsetDateTime::from_unix_timestamp(due).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

/// The id of a request for a cluster.
pub fn cluster_request_id(
    cluster: &ClusterId,
    hint: Option<&VaultId>,
    origin: Origin,
    bucket: Option<Bucket>,
    cause_id: &str,
) -> String {
    match bucket {
        Some(bucket) => hash(&[
            cluster.key(),
            hint.map_or("", |vault| vault.key()),
            origin.word(),
            &bucket.start.to_string(),
        ]),
        None => hash(&[cluster.key(), cause_id]),
    }
}

/// The id of a vault's sweep.
pub fn sweep_request_id(vault: &VaultId, bucket: Option<Bucket>, cause_id: &str) -> String {
    match bucket {
        Some(bucket) => hash(&[vault.key(), &bucket.start.to_string()]),
        None => hash(&[vault.key(), cause_id]),
    }
}

/// The id of the page of a sweep that begins at `skip_token`, behind any other page of it.
pub fn page_request_id(page_id: &str, skip_token: &str) -> String {
    format!("{}/{}", sweep_id(page_id), hash(&[skip_token]))
}

/// The id of the sweep that a page belongs to: that of its first page.
pub(super) fn sweep_id(page_id: &str) -> &str {
    page_id.split_once('/').map_or(page_id, |(first, _)| first)
}

/// A short id that follows from its parts: the first 32 hexadecimal digits of their SHA-256.
pub fn hash(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        // The length keeps ["ab", "c"] and ["a", "bc"] apart.
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    digest
        .finalize()
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
