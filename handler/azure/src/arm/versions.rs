//! The api-versions of the services other than clusters: the newest that a cloud serves.
//!
//! It must not list a version that shows less of what is read: an older one is another way to say the same.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::{Kind, error::Error};

/// A service whose api-version is the client's affair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Service {
    KeyVault,
    Authorization,
    Providers,
    Subscriptions,
    ResourceGraph,
}

impl Service {
    /// The versions that show the same members, newest first.
    const fn versions(self) -> &'static [&'static str] {
        match self {
            // All before the first retire in February 2027; a cloud that lags behind serves none newer.
            Self::KeyVault => &[
                "2026-02-01",
                "2025-05-01",
                "2024-11-01",
                "2023-07-01",
                "2023-02-01",
                "2022-07-01",
            ],
            // Those before do not tell when an assignment was made.
            Self::Authorization => &["2022-04-01", "2020-10-01-preview", "2020-04-01-preview"],
            Self::Providers => &["2021-04-01", "2020-10-01", "2020-06-01"],
            Self::Subscriptions => &["2022-12-01", "2021-01-01", "2019-11-01"],
            Self::ResourceGraph => &["2021-03-01", "2020-04-01-preview"],
        }
    }
}

/// How long an older version is used before the newest one is asked for again.
const OLDER_LIVES: Duration = Duration::from_secs(3600);

/// Which versions the cloud turned out to serve; clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Versions(Arc<Mutex<HashMap<Service, (usize, Instant)>>>);

impl Versions {
    /// The version to ask for.
    pub(super) fn of(&self, service: Service, now: Instant) -> &'static str {
        let versions = service.versions();
        let is_young = |learnt: &Instant| now.saturating_duration_since(*learnt) < OLDER_LIVES;
        let learnt = self.with(|known| known.get(&service).copied());
        let at = learnt.filter(|(_, learnt)| is_young(learnt));
        versions[at.map_or(0, |(at, _)| at)]
    }

    /// Learns that a version is not served; is there an older one?
    pub(super) fn refused(&self, service: Service, version: &str, now: Instant) -> bool {
        let versions = service.versions();
        let at = versions.iter().position(|known| *known == version);
        let next = at.map(|at| at + 1).filter(|next| *next < versions.len());
        self.with(|known| match next {
            Some(next) => known.insert(service, (next, now)),
            // Where none is served, nothing was learnt.
            None => known.remove(&service),
        });
        next.is_some()
    }

    fn with<T>(&self, look: impl FnOnce(&mut HashMap<Service, (usize, Instant)>) -> T) -> T {
        // No holder of the lock can panic half-way through a change.
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The codes by which ARM says that it does not serve an api-version, here or at all. One of them comes as a 404.
const NOT_SERVED: [&str; 3] = [
    "NoRegisteredProviderFound",
    "InvalidApiVersionParameter",
    "InvalidResourceType",
];

impl Error {
    /// Says ARM that it does not serve this api-version here?
    pub fn is_about_version(&self) -> bool {
        let is_kind = matches!(self.kind(), Kind::Invalid | Kind::NotFound);
        is_kind && NOT_SERVED.into_iter().any(|code| self.says(code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_older_version_is_used_for_an_hour_and_then_the_newest_is_asked_for_again() {
        let (versions, begun) = (Versions::default(), Instant::now());
        let after = |seconds| begun + Duration::from_secs(seconds);
        let service = Service::Authorization;
        assert_eq!(versions.of(service, begun), "2022-04-01");
        assert!(versions.refused(service, "2022-04-01", begun));
        assert_eq!(versions.of(service, after(3599)), "2020-10-01-preview");
        assert_eq!(versions.of(service, after(3600)), "2022-04-01");
        assert_eq!(versions.of(Service::KeyVault, begun), "2026-02-01");
        assert!(versions.refused(service, "2020-10-01-preview", begun));
        assert!(!versions.refused(service, "2020-04-01-preview", begun));
        assert_eq!(versions.of(service, begun), "2022-04-01");
    }

    #[test]
    fn what_says_that_a_version_is_not_served_is_no_absence_and_no_refusal() {
        let is_about = |status, code| {
            Error::answered("read", "it", status, Some(code), None).is_about_version()
        };
        assert!(is_about(400, "NoRegisteredProviderFound"));
        assert!(is_about(400, "InvalidApiVersionParameter"));
        assert!(is_about(404, "invalidresourcetype"));
        assert!(!is_about(404, "ResourceNotFound"));
        assert!(!is_about(503, "InvalidResourceType"));
    }
}
