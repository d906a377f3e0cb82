//! What ARM says is left of a subscription's quota, as its answers tell.
//!
//! It must not act on it: pacing is the caller's affair. Source: the `x-ms-ratelimit-remaining-subscription-*` headers.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use reqwest::header::HeaderMap;
use tokio::time::Instant;
use url::Url;
use vaultbind_core::id::SubscriptionId;

/// What is left of the quotas of all subscriptions; a clone shares it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Quotas(Arc<Mutex<HashMap<String, Quota>>>);

/// What is left of one subscription's quota; absent where no answer has told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quota {
    /// Calls that read.
    pub reads: Option<Left>,
    /// Calls that write.
    pub writes: Option<Left>,
}

/// How many calls were left, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// The calls.
    pub calls: u32,
    /// When the answer came.
    pub at: Instant,
}

impl Quotas {
    /// Takes down what an answer tells; an answer that tells nothing changes nothing.
    pub(super) fn note(&self, url: &Url, headers: &HeaderMap, at: Instant) {
        let left = |kind: &str| {
            let name = format!("x-ms-ratelimit-remaining-subscription-{kind}");
            let calls = headers.get(name)?.to_str().ok()?.trim().parse().ok()?;
            Some(Left { calls, at })
        };
        let (reads, writes) = (left("reads"), left("writes"));
        let Some(subscription) = subscription(url).filter(|_| reads.or(writes).is_some()) else {
            return;
        };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let quota = all.entry(subscription).or_default();
        quota.reads = reads.or(quota.reads);
        quota.writes = writes.or(quota.writes);
    }

    pub(crate) fn of(&self, subscription: &SubscriptionId) -> Quota {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = subscription.as_str().to_ascii_lowercase();
        all.get(&key).copied().unwrap_or_default()
    }
}

/// The subscription that a call was about.
fn subscription(url: &Url) -> Option<String> {
    let mut segments = url.path_segments()?;
    segments.find(|segment| segment.eq_ignore_ascii_case("subscriptions"))?;
    segments.next().map(str::to_ascii_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBSCRIPTION: &str = "AAAAAAAA-1111-1111-1111-111111111111";

    fn noted(quotas: &Quotas, path: &str, headers: &[(&'static str, &'static str)]) -> Quota {
        let url = Url::parse(&format!("https://arm.example{path}")).unwrap();
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        quotas.note(&url, &headers.collect(), Instant::now());
        quotas.of(&SUBSCRIPTION.parse().unwrap())
    }

    #[test]
    fn what_is_left_is_kept_by_subscription_and_kind() {
        let quotas = Quotas::default();
        let path = format!(
            "/subscriptions/{}/resourceGroups/rg",
            SUBSCRIPTION.to_lowercase()
        );
        let reads = noted(
            &quotas,
            &path,
            &[("x-ms-ratelimit-remaining-subscription-reads", "249")],
        );
        assert_eq!(
            (reads.reads.map(|left| left.calls), reads.writes),
            (Some(249), None)
        );
        let both = noted(
            &quotas,
            &path,
            &[("x-ms-ratelimit-remaining-subscription-writes", "7")],
        );
        assert_eq!(
            (
                both.reads.map(|left| left.calls),
                both.writes.map(|left| left.calls)
            ),
            (Some(249), Some(7))
        );
    }

    #[test]
    fn an_answer_that_tells_nothing_changes_nothing() {
        let quotas = Quotas::default();
        let path = format!("/subscriptions/{SUBSCRIPTION}");
        assert_eq!(noted(&quotas, &path, &[]), Quota::default());
        assert_eq!(
            noted(
                &quotas,
                &path,
                &[("x-ms-ratelimit-remaining-subscription-reads", "many")]
            ),
            Quota::default()
        );
        assert_eq!(
            noted(
                &quotas,
                "/providers/x",
                &[("x-ms-ratelimit-remaining-subscription-reads", "1")]
            ),
            Quota::default()
        );
    }
}
