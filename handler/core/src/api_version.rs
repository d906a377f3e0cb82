//! The api-versions of Microsoft.NetworkCloud that Vaultbind knows, and what each of them shows.
//!
//! It must not list a version whose archive properties were never looked at.

use std::fmt;

/// An api-version for clusters and cluster managers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiVersion(&'static str);

/// The known versions, newest first.
pub const KNOWN: [ApiVersion; 6] = [
    ApiVersion("2026-10-01"),
    ApiVersion("2026-07-01"),
    ApiVersion("2025-09-01"),
    ApiVersion("2025-02-01"),
    ApiVersion("2024-07-01"),
    ApiVersion("2023-10-01-preview"),
];

impl ApiVersion {
    /// The newest known version among those that a subscription is served.
    pub fn newest(served: &[String]) -> Option<Self> {
        KNOWN.into_iter().find(|known| {
            served
                .iter()
                .any(|version| version.eq_ignore_ascii_case(known.0))
        })
    }

    /// The text for the `api-version` parameter.
    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// Has this version `secretArchiveSettings` (and with it entity tags and `If-Match`)?
    pub fn has_settings(self) -> bool {
        self.0 >= "2025-02-01"
    }

    /// Does this version show `providerConfiguration`, the sign of an archive that is no Azure Key Vault?
    pub fn shows_providers(self) -> bool {
        self.0 > "2026-07-01"
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newest(served: &[&str]) -> Option<&'static str> {
        let served: Vec<String> = served.iter().map(|&version| version.to_owned()).collect();
        ApiVersion::newest(&served).map(ApiVersion::as_str)
    }

    #[test]
    fn the_newest_version_that_is_known_and_served_is_picked() {
        assert_eq!(
            newest(&["2024-07-01", "2027-01-01", "2025-02-01"]),
            Some("2025-02-01")
        );
        assert_eq!(newest(&["2023-07-01", "2026-01-01-preview"]), None);
        assert_eq!(newest(&[]), None);
    }

    #[test]
    fn versions_differ_in_what_they_show() {
        let settings: Vec<bool> = KNOWN.iter().map(|version| version.has_settings()).collect();
        assert_eq!(settings, [true, true, true, true, false, false]);
        let providers: Vec<bool> = KNOWN
            .iter()
            .map(|version| version.shows_providers())
            .collect();
        assert_eq!(providers, [true, false, false, false, false, false]);
    }
}
