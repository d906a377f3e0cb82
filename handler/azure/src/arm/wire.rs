//! Resources as ARM writes them, read leniently: what is missing or strange is absent, ids alone are strict.
//!
//! It must not judge what it reads; unknown words are kept.

use std::str::FromStr;

use serde_json::Value;
use vaultbind_core::{
    archive::{ArchiveSettings, SecretArchive},
    resource::{AssociatedIdentity, Cluster, Identities, PrincipalId, ProvisioningState, Vault},
    tags::Tags,
};

pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str()
}

fn parsed<T: FromStr>(value: &Value, pointer: &str) -> Option<T> {
    text(value, pointer)?.parse().ok()
}

/// A flag; Resource Graph and notifications may spell it 1 or "true".
fn flag(value: &Value, pointer: &str) -> bool {
    match value.pointer(pointer) {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::Number(number)) => number.as_i64() == Some(1),
        Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
        _ => false,
    }
}

pub(super) fn tags(value: &Value) -> Tags {
    let pairs = value
        .get("tags")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    pairs
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect()
}

pub(super) fn identities(value: &Value) -> Identities {
    let users = value
        .pointer("/identity/userAssignedIdentities")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    Identities {
        system: parsed(value, "/identity/principalId"),
        user: users
            .filter_map(|(id, identity)| {
                Some((
                    id.parse().ok()?,
                    parsed::<PrincipalId>(identity, "/principalId"),
                ))
            })
            .collect(),
    }
}

fn archive(properties: &Value) -> Option<SecretArchive> {
    let archive = properties
        .get("secretArchive")
        .filter(|archive| archive.is_object())?;
    Some(SecretArchive {
        vault: text(archive, "/keyVaultId").unwrap_or_default().to_owned(),
        enabled: text(archive, "/useKeyVault")
            .is_some_and(|word| word.eq_ignore_ascii_case("True")),
    })
}

fn settings(properties: &Value) -> Option<ArchiveSettings> {
    let settings = properties
        .get("secretArchiveSettings")
        .filter(|settings| settings.is_object())?;
    let provider = settings
        .get("providerConfiguration")
        .filter(|provider| provider.is_object());
    Some(ArchiveSettings {
        vault_uri: text(settings, "/vaultUri")
            .filter(|uri| !uri.is_empty())
            .map(ToOwned::to_owned),
        identity: associated_identity(settings),
        provider: provider
            .map(|provider| text(provider, "/provider").unwrap_or("unknown").to_owned()),
    })
}

fn associated_identity(settings: &Value) -> Option<AssociatedIdentity> {
    let kind = text(settings, "/associatedIdentity/identityType")?;
    if kind.eq_ignore_ascii_case("SystemAssignedIdentity") {
        Some(AssociatedIdentity::System)
    } else if kind.eq_ignore_ascii_case("UserAssignedIdentity") {
        parsed(
            settings,
            "/associatedIdentity/userAssignedIdentityResourceId",
        )
        .map(AssociatedIdentity::User)
    } else {
        None
    }
}

fn modified_at(value: &Value) -> Option<String> {
    text(value, "/systemData/lastModifiedAt").map(ToOwned::to_owned)
}

/// A cluster, where it has a sound id.
pub(super) fn cluster(value: &Value) -> Option<Cluster> {
    let empty = Value::Null;
    let properties = value.get("properties").unwrap_or(&empty);
    Some(Cluster {
        id: parsed(value, "/id")?,
        location: text(value, "/location").unwrap_or_default().to_owned(),
        tags: tags(value),
        etag: text(value, "/etag").map(ToOwned::to_owned),
        modified_at: modified_at(value),
        provisioning_state: ProvisioningState::from_text(
            text(properties, "/provisioningState").unwrap_or_default(),
        ),
        detailed_status: text(properties, "/detailedStatus").map(ToOwned::to_owned),
        identities: identities(value),
        manager: parsed(properties, "/clusterManagerId"),
        archive: archive(properties),
        settings: settings(properties),
    })
}

/// A vault, where it has a sound id.
pub(super) fn vault(value: &Value) -> Option<Vault> {
    let property = |name: &str| {
        text(value, &format!("/properties/{name}"))
            .unwrap_or_default()
            .to_owned()
    };
    Some(Vault {
        id: parsed(value, "/id")?,
        location: text(value, "/location").unwrap_or_default().to_owned(),
        tags: tags(value),
        tenant: property("tenantId").to_ascii_lowercase(),
        uri: property("vaultUri"),
        rbac: flag(value, "/properties/enableRbacAuthorization"),
        purge_protection: flag(value, "/properties/enablePurgeProtection"),
        provisioning_state: property("provisioningState"),
        modified_at: modified_at(value),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv1";
    const CLUSTER: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers/Microsoft.NetworkCloud/clusters/c1";

    #[test]
    fn only_a_true_flag_says_that_a_vault_is_on_rbac() {
        for (flag, rbac) in [
            (json!(true), true),
            (json!(1), true),
            (json!(false), false),
            (json!(0), false),
            (Value::Null, false),
            (json!({}), false),
        ] {
            let value = json!({ "id": ID, "properties": { "enableRbacAuthorization": flag } });
            assert_eq!(vault(&value).unwrap().rbac, rbac, "{flag}");
        }
        assert!(!vault(&json!({ "id": ID })).unwrap().rbac);
    }

    #[test]
    fn an_archive_is_on_only_where_the_word_is_true() {
        for (word, enabled) in [
            (json!("True"), true),
            (json!("true"), true),
            (json!("False"), false),
            (json!(true), false),
            (Value::Null, false),
        ] {
            let value = json!({ "id": CLUSTER, "properties": { "secretArchive": { "keyVaultId": ID, "useKeyVault": word } } });
            assert_eq!(
                cluster(&value).unwrap().archive.unwrap().enabled,
                enabled,
                "{word}"
            );
        }
        let reset = json!({ "id": CLUSTER, "properties": { "secretArchive": null, "secretArchiveSettings": null } });
        let cluster = cluster(&reset).unwrap();
        assert!(cluster.archive.is_none() && cluster.settings.is_none());
    }

    #[test]
    fn identities_are_read_with_or_without_their_object_ids() {
        let user = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i";
        let oid = "AAAAAAAA-0000-4000-8000-000000000001";
        let value = json!({ "identity": { "principalId": oid, "userAssignedIdentities": {
            user: { "principalId": oid }, format!("{user}2"): {}, "nonsense": {} } } });
        let identities = identities(&value);
        assert_eq!(
            identities.system.unwrap().as_str(),
            oid.to_ascii_lowercase()
        );
        assert_eq!(
            identities
                .user
                .values()
                .filter(|principal| principal.is_some())
                .count(),
            1
        );
        assert_eq!(identities.user.len(), 2);
    }

    #[test]
    fn tags_may_be_an_object_a_string_or_null() {
        for (value, count) in [
            (json!({ "a": "b", "n": 1 }), 1),
            (json!("a=b"), 0),
            (Value::Null, 0),
        ] {
            assert_eq!(tags(&json!({ "tags": value })).iter().count(), count);
        }
    }

    #[test]
    fn a_resource_without_a_sound_id_is_none() {
        assert!(cluster(&json!({ "id": ID })).is_none());
        assert!(vault(&json!({})).is_none());
    }
}
