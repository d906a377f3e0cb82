//! Writing an estate: JSON with the keys that `read` takes, everything in the order of ids.
//!
//! It must not write what `read` does not know, nor anything that no decision asks for.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{Estate, Subscription, VaultSeen, json::Careful, read::VERSION};
use crate::{
    archive::{ArchiveSettings, SecretArchive},
    id::SubscriptionId,
    inventory::VaultSighting,
    resource::{AssociatedIdentity, Cluster, Identities, PrincipalId, RoleAssignment, Vault},
    tags::Tags,
};

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct FileLines<'a> {
    version: i64,
    captured: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform_apps: Option<Vec<&'a str>>,
    subscriptions: Vec<SubscriptionLine<'a>>,
    managers: Vec<ManagerLine<'a>>,
    clusters: Vec<ClusterLine<'a>>,
    vaults: Vec<VaultLine<'a>>,
    addresses: Vec<AddressLine<'a>>,
    roles: Vec<RolesLine<'a>>,
    unread: Vec<UnreadLine<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct SubscriptionLine<'a> {
    id: &'a str,
    tenant: Option<&'a str>,
    provider: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_versions: Option<&'a [String]>,
    listed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_vaults: Option<Vec<&'a str>>,
}

#[derive(Serialize)]
struct ManagerLine<'a> {
    id: &'a str,
    identities: Option<IdentitiesLine<'a>>,
}

#[derive(Serialize)]
struct IdentitiesLine<'a> {
    system: Option<&'a str>,
    user: BTreeMap<&'a str, Option<&'a str>>,
}

#[derive(Serialize)]
struct ClusterLine<'a> {
    id: &'a str,
    location: &'a str,
    #[serde(serialize_with = "tags")]
    tags: &'a Tags,
    state: String,
    status: Option<&'a str>,
    identities: IdentitiesLine<'a>,
    manager: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    archive: Option<ArchiveLine<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    settings: Option<SettingsLine<'a>>,
}

#[derive(Serialize)]
struct ArchiveLine<'a> {
    vault: &'a str,
    enabled: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct SettingsLine<'a> {
    vault_uri: Option<&'a str>,
    identity: Option<&'a str>,
    provider: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct VaultLine<'a> {
    id: &'a str,
    read: &'static str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unlisted: bool,
    #[serde(flatten)]
    fields: Option<VaultFields<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    as_listed: Option<VaultFields<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct VaultFields<'a> {
    location: &'a str,
    #[serde(serialize_with = "tags")]
    tags: &'a Tags,
    tenant: &'a str,
    uri: &'a str,
    rbac: bool,
    purge_protection: bool,
    state: &'a str,
}

#[derive(Serialize)]
struct AddressLine<'a> {
    host: &'a str,
    vault: Option<&'a str>,
}

#[derive(Serialize)]
struct RolesLine<'a> {
    vault: &'a str,
    principal: &'a str,
    assignments: Vec<AssignmentLine<'a>>,
}

#[derive(Serialize)]
struct AssignmentLine<'a> {
    id: &'a str,
    role: &'a str,
    scope: &'a str,
    principal: &'a str,
    conditional: bool,
    created: Option<String>,
}

#[derive(Serialize)]
struct UnreadLine<'a> {
    cluster: &'a str,
    why: &'a str,
}

impl Estate {
    /// The estate as a file holds it: the same text for the same estate.
    pub fn to_json(&self) -> String {
        let apps = self.platform_apps.as_ref();
        let apps = apps.map(|it| it.iter().flatten().map(PrincipalId::as_str).collect());
        let lines = FileLines {
            version: VERSION,
            captured: self.captured.and_then(time),
            platform_apps: apps,
            subscriptions: self.subscriptions.iter().map(subscription).collect(),
            managers: each(&self.managers, |(id, identities)| ManagerLine {
                id: id.as_str(),
                identities: identities.as_ref().map(self::identities),
            }),
            clusters: self.clusters.values().map(cluster).collect(),
            vaults: each(&self.vaults, |(id, seen)| vault(id.as_str(), seen)),
            addresses: each(&self.addresses, |(host, vault)| AddressLine {
                host,
                vault: vault.as_ref().map(|it| it.as_str()),
            }),
            roles: each(&self.roles, |((vault, principal), rows)| RolesLine {
                vault: vault.as_str(),
                principal: principal.as_str(),
                assignments: rows.iter().map(assignment).collect(),
            }),
            unread: each(&self.unread, |(id, why)| UnreadLine {
                cluster: id.as_str(),
                why,
            }),
        };
        let mut text = Vec::new();
        let mut to = serde_json::Serializer::with_formatter(&mut text, Careful::default());
        // Writing to memory does not fail, and neither do keys that are text.
        let written = lines.serialize(&mut to).is_ok();
        debug_assert!(written);
        String::from_utf8(text).unwrap_or_default() + "\n"
    }
}

fn each<'a, K, V, T>(all: &'a BTreeMap<K, V>, line: impl Fn((&'a K, &'a V)) -> T) -> Vec<T> {
    all.iter().map(line).collect()
}

fn time(time: OffsetDateTime) -> Option<String> {
    time.format(&Rfc3339).ok()
}

fn tags<S: Serializer>(tags: &Tags, to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(tags.iter())
}

fn subscription<'a>((id, it): (&'a SubscriptionId, &'a Subscription)) -> SubscriptionLine<'a> {
    let provider = it.provider.as_ref();
    let deleted = it.deleted_vaults.as_ref();
    SubscriptionLine {
        id: id.as_str(),
        tenant: it.tenant.as_deref(),
        provider: provider.map(|it| it.state.as_str()),
        api_versions: provider.map(|it| it.cluster_api_versions.as_slice()),
        listed: it.is_listed,
        deleted_vaults: deleted.map(|it| it.iter().map(|it| it.id.as_str()).collect()),
    }
}

fn identities(it: &Identities) -> IdentitiesLine<'_> {
    IdentitiesLine {
        system: it.system.as_ref().map(PrincipalId::as_str),
        user: it
            .user
            .iter()
            .map(|(id, it)| (id.as_str(), it.as_ref().map(PrincipalId::as_str)))
            .collect(),
    }
}

fn cluster(it: &Cluster) -> ClusterLine<'_> {
    ClusterLine {
        id: it.id.as_str(),
        location: &it.location,
        tags: &it.tags,
        state: it.provisioning_state.to_string(),
        status: it.detailed_status.as_deref(),
        identities: identities(&it.identities),
        manager: it.manager.as_ref().map(|it| it.as_str()),
        archive: it.archive.as_ref().map(archive),
        settings: it.settings.as_ref().map(settings),
    }
}

fn archive(it: &SecretArchive) -> ArchiveLine<'_> {
    ArchiveLine {
        vault: &it.vault,
        enabled: it.enabled,
    }
}

fn settings(it: &ArchiveSettings) -> SettingsLine<'_> {
    let identity = it.identity.as_ref();
    SettingsLine {
        vault_uri: it.vault_uri.as_deref(),
        identity: identity.map(|it| match it {
            AssociatedIdentity::System => "system",
            AssociatedIdentity::User(id) => id.as_str(),
        }),
        provider: it.provider.as_deref(),
    }
}

fn vault<'a>(id: &'a str, seen: &'a VaultSeen) -> VaultLine<'a> {
    let row = seen.row.as_ref();
    let (read, shown) = match &seen.live {
        None => ("listed", row),
        Some(VaultSighting::Live(vault)) => ("live", Some(vault)),
        Some(VaultSighting::Absent) => ("absent", row),
        Some(VaultSighting::Denied) => ("denied", row),
    };
    VaultLine {
        id,
        read,
        unlisted: row.is_none(),
        fields: shown.map(fields),
        as_listed: row.filter(|it| Some(*it) != shown).map(fields),
    }
}

fn fields(it: &Vault) -> VaultFields<'_> {
    VaultFields {
        location: &it.location,
        tags: &it.tags,
        tenant: &it.tenant,
        uri: &it.uri,
        rbac: it.rbac,
        purge_protection: it.purge_protection,
        state: &it.provisioning_state,
    }
}

fn assignment(it: &RoleAssignment) -> AssignmentLine<'_> {
    AssignmentLine {
        id: &it.id,
        role: &it.role,
        scope: &it.scope,
        principal: &it.principal,
        conditional: it.conditional,
        created: it.created_on.and_then(time),
    }
}
