//! What callers may ask for in a time: ARM's token buckets, and the window of Resource Graph.
//! It counts and refuses; who calls, and how a refusal looks, is the endpoint's affair.

use std::collections::BTreeMap;
use std::time::Duration;

use time::OffsetDateTime;

/// A kind of call that has a bucket of its own for each subscription and caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Spending {
    /// Calls that read.
    Reads,
    /// Calls that write.
    Writes,
    /// Calls that delete.
    Deletes,
}

impl Spending {
    /// How much its bucket holds.
    #[must_use]
    pub fn size(self) -> f64 {
        match self {
            Self::Reads => 250.0,
            Self::Writes | Self::Deletes => 200.0,
        }
    }

    /// How much comes back in a second.
    #[must_use]
    pub fn refill(self) -> f64 {
        match self {
            Self::Reads => 25.0,
            Self::Writes | Self::Deletes => 10.0,
        }
    }
}

/// How many queries Resource Graph answers a caller in one window.
const QUERIES: u32 = 15;
/// How long that is.
const WINDOW: time::Duration = time::Duration::seconds(5);

#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: OffsetDateTime,
}

/// What is left of all quotas.
#[derive(Debug, Default)]
pub struct Quotas {
    /// Whether calls are counted and refused at all.
    pub enforced: bool,
    buckets: BTreeMap<(String, String, Spending), Bucket>,
    windows: BTreeMap<String, (OffsetDateTime, u32)>,
}

impl Quotas {
    /// Takes a call out of its bucket, and says how many are left.
    ///
    /// # Errors
    /// The time until there is one, where there is none.
    pub fn spend(
        &mut self,
        subscription: &str,
        caller: &str,
        what: Spending,
        now: OffsetDateTime,
    ) -> Result<u32, Duration> {
        let full = Bucket {
            left: what.size(),
            at: now,
        };
        let key = (subscription.to_ascii_lowercase(), caller.to_owned(), what);
        let bucket = self.buckets.entry(key).or_insert(full);
        let passed = (now - bucket.at).as_seconds_f64().max(0.0);
        bucket.left = (bucket.left + passed * what.refill()).min(what.size());
        bucket.at = now;
        if bucket.left < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - bucket.left) / what.refill()));
        }
        bucket.left -= 1.0;
        Ok(bucket.left as u32)
    }

    /// Takes a query out of the caller's window, and says how many are left.
    ///
    /// # Errors
    /// The time until the next window, where there is none.
    pub fn query(&mut self, caller: &str, now: OffsetDateTime) -> Result<u32, Duration> {
        let window = self.windows.entry(caller.to_owned()).or_insert((now, 0));
        if now - window.0 >= WINDOW {
            *window = (now, 0);
        }
        if window.1 >= QUERIES {
            return Err((window.0 + WINDOW - now).unsigned_abs());
        }
        window.1 += 1;
        Ok(QUERIES - window.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    #[test]
    fn a_bucket_empties_and_fills_again_at_its_own_rate() {
        let mut quotas = Quotas::default();
        let mut read = |seconds| {
            let now = NOW + time::Duration::seconds(seconds);
            quotas.spend("S", "me", Spending::Reads, now)
        };
        assert_eq!(read(0), Ok(249));
        let taken = std::iter::from_fn(|| read(0).ok()).count();
        assert_eq!(taken, 249);
        assert_eq!(read(0), Err(Duration::from_millis(40)));
        assert_eq!(read(1), Ok(24));
        assert_eq!(read(3600), Ok(249), "it never holds more than its size");
    }

    #[test]
    fn each_subscription_caller_and_kind_has_a_bucket() {
        let mut quotas = Quotas::default();
        while quotas.spend("s", "me", Spending::Writes, NOW).is_ok() {}
        assert!(quotas.spend("S", "me", Spending::Writes, NOW).is_err());
        assert_eq!(quotas.spend("t", "me", Spending::Writes, NOW), Ok(199));
        assert_eq!(quotas.spend("s", "you", Spending::Writes, NOW), Ok(199));
        assert_eq!(quotas.spend("s", "me", Spending::Reads, NOW), Ok(249));
    }

    #[test]
    fn resource_graph_counts_by_windows() {
        let mut quotas = Quotas::default();
        let answered = std::iter::from_fn(|| quotas.query("me", NOW).ok()).count();
        assert_eq!(answered, 15);
        let later = NOW + time::Duration::seconds(2);
        assert_eq!(quotas.query("me", later), Err(Duration::from_secs(3)));
        assert_eq!(quotas.query("me", NOW + WINDOW), Ok(14));
    }
}
