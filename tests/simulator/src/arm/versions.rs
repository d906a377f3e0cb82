//! What each api-version of clusters can do, how it shows a cluster, and which versions are not served here.
//! It changes nothing.

use serde_json::Value;

use super::call::{Call, Refused};
use crate::state::{Azure, CLUSTER_API_VERSIONS, Unserved};

/// Whether the namespace of the path is served at this api-version here.
pub(super) fn served_here(azure: &Azure, call: &Call<'_>) -> Result<(), Refused> {
    let namespace = call
        .lower
        .iter()
        .rposition(|segment| segment == "providers");
    let namespace = namespace.and_then(|at| call.lower.get(at + 1));
    let namespace = namespace.map_or("microsoft.resources", String::as_str);
    let asked = call.query("api-version").unwrap_or_default();
    let resource = azure.resource(&call.path);
    let region = resource.and_then(|it| it["location"].as_str());
    let is_this = |it: &&Unserved| {
        it.namespace.eq_ignore_ascii_case(namespace)
            && (it.version.is_empty() || it.version == asked)
            && (it.region.is_empty() || Some(it.region.as_str()) == region)
    };
    let Some(Unserved { code, .. }) = azure.behaviour.unserved.iter().find(is_this) else {
        return Ok(());
    };
    let status = if code == "InvalidResourceType" {
        404
    } else {
        400
    };
    let message = format!("The api-version '{asked}' of '{namespace}' is not served here.");
    Err(Refused::new(status, code, &message))
}

/// An api-version of clusters that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(usize);

impl Version {
    /// The version of this name; an unknown one can do nothing.
    pub(super) fn named(name: &str) -> Self {
        let place = CLUSTER_API_VERSIONS
            .iter()
            .position(|known| known.eq_ignore_ascii_case(name));
        Self(place.unwrap_or(0))
    }

    fn since(self, first: &str) -> bool {
        self >= Self::named(first)
    }

    pub(super) fn has_archive(self) -> bool {
        self.since("2023-10-01-preview")
    }

    pub(super) fn has_identity(self) -> bool {
        self.since("2024-06-01-preview")
    }

    pub(super) fn has_location_header(self) -> bool {
        self.since("2024-07-01")
    }

    pub(super) fn has_settings(self) -> bool {
        self.since("2024-10-01-preview")
    }

    pub(super) fn has_etag(self) -> bool {
        self.has_settings()
    }

    pub(super) fn accepts_without_body(self) -> bool {
        self.since("2025-07-01-preview")
    }

    pub(super) fn has_partial_archive(self) -> bool {
        self.since("2026-07-01")
    }

    pub(super) fn has_provider_configuration(self) -> bool {
        self.since("2026-08-01-preview")
    }

    /// A resource of Microsoft.NetworkCloud as this version shows it.
    pub(super) fn view(self, body: &Value) -> Value {
        let mut body = body.clone();
        if let Some(members) = body.as_object_mut() {
            if !self.has_etag() {
                members.remove("etag");
            }
            if !self.has_identity() {
                members.remove("identity");
            }
        }
        if let Some(properties) = body["properties"].as_object_mut() {
            if !self.has_archive() {
                properties.remove("secretArchive");
            }
            if !self.has_settings() {
                properties.remove("secretArchiveSettings");
            }
            if !self.has_provider_configuration()
                && let Some(settings) = properties
                    .get_mut("secretArchiveSettings")
                    .and_then(Value::as_object_mut)
            {
                settings.remove("providerConfiguration");
                settings.remove("encryptionPublicKey");
            }
        }
        body
    }
}
