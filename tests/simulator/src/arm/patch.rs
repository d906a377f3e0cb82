//! The body of a PATCH of a cluster: what an api-version accepts, and what it makes of the cluster.
//! It neither knows nor asks whether the cluster may be changed now.

mod identity;

use serde_json::{Map, Value, json};

use super::call::{Call, Refused};
use super::versions::Version;
use crate::state::{Touched, associated_principal};

/// A PATCH that is well-formed; a null resets.
#[derive(Clone, Debug, Default)]
pub(super) struct Patch {
    tags: Option<Value>,
    identity: Option<Value>,
    archive: Option<Value>,
    settings: Option<Value>,
}

type Object = Map<String, Value>;

impl Patch {
    pub(super) fn parse(
        call: &Call<'_>,
        version: Version,
        cluster: &Value,
    ) -> Result<Self, Refused> {
        let body = call.json_body()?;
        let mut patch = Self::default();
        for (name, value) in body {
            match name.as_str() {
                "tags" => patch.tags = Some(tags(value)?),
                "identity" if version.has_identity() => {
                    patch.identity = Some(identity::merge(&value, cluster)?)
                }
                "properties" => patch.parse_properties(&value, version, cluster)?,
                _ => return Err(unknown(&name, "ClusterPatchParameters")),
            }
        }
        patch.check_identity(cluster)?;
        Ok(patch)
    }

    fn parse_properties(
        &mut self,
        properties: &Value,
        version: Version,
        cluster: &Value,
    ) -> Result<(), Refused> {
        for (name, value) in object(properties, "properties")? {
            match name.as_str() {
                "secretArchive" if version.has_archive() => {
                    self.archive = Some(archive(
                        value,
                        version,
                        &cluster["properties"]["secretArchive"],
                    )?);
                }
                "secretArchiveSettings" if version.has_settings() => {
                    self.settings = Some(settings(value, version)?)
                }
                _ => return Err(unknown(name, "ClusterPatchProperties")),
            }
        }
        Ok(())
    }

    /// The settings may only name an identity that the cluster has, or gets by the same PATCH.
    fn check_identity(&self, cluster: &Value) -> Result<(), Refused> {
        let Some(selector) = self
            .settings
            .as_ref()
            .map(|s| &s["associatedIdentity"])
            .filter(|s| s.is_object())
        else {
            return Ok(());
        };
        let mut after = cluster.clone();
        self.apply(&mut after);
        if associated_principal(&after, selector).is_some() {
            return Ok(());
        }
        Err(Refused::bad_content(
            "The associated identity is not among the identities of the cluster.",
        ))
    }

    pub(super) fn touched(&self) -> Touched {
        Touched {
            archive: self.archive.is_some(),
            settings: self.settings.is_some(),
        }
    }

    /// Adds what the settings in place have and the new ones do not name.
    pub(super) fn merge_settings(&mut self, cluster: &Value) {
        let before = &cluster["properties"]["secretArchiveSettings"];
        if let Some(after) = &mut self.settings {
            merge(before, after);
        }
    }

    /// The new values take the place of the old; tags as a whole.
    pub(super) fn apply(&self, cluster: &mut Value) {
        if let Some(tags) = &self.tags {
            cluster["tags"] = tags.clone();
        }
        set(cluster, "identity", self.identity.as_ref());
        set(
            &mut cluster["properties"],
            "secretArchive",
            self.archive.as_ref(),
        );
        set(
            &mut cluster["properties"],
            "secretArchiveSettings",
            self.settings.as_ref(),
        );
    }
}

/// Adds to `after` what `before` has and it does not, at every depth.
fn merge(before: &Value, after: &mut Value) {
    if let (Value::Object(before), Value::Object(after)) = (before, after) {
        for (name, value) in before {
            merge(value, after.entry(name).or_insert_with(|| value.clone()));
        }
    }
}

fn set(parent: &mut Value, name: &str, value: Option<&Value>) {
    match (value, parent.as_object_mut()) {
        (Some(Value::Null), Some(parent)) => drop(parent.remove(name)),
        (Some(value), Some(parent)) => drop(parent.insert(name.to_owned(), value.clone())),
        _ => {}
    }
}

fn unknown(name: &str, kind: &str) -> Refused {
    Refused::bad_content(&format!(
        "Could not find member '{name}' on object of type '{kind}'."
    ))
}

fn wrong(path: &str, wanted: &str) -> Refused {
    Refused::bad_content(&format!("The value of '{path}' is invalid: {wanted}."))
}

fn object<'a>(value: &'a Value, path: &str) -> Result<&'a Object, Refused> {
    value
        .as_object()
        .ok_or_else(|| wrong(path, "an object is wanted"))
}

fn only(object: &Object, known: &[&str], kind: &str) -> Result<(), Refused> {
    match object.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(unknown(name, kind)),
        None => Ok(()),
    }
}

fn tags(value: Value) -> Result<Value, Refused> {
    let fits = value
        .as_object()
        .is_some_and(|tags| tags.values().all(Value::is_string));
    if fits {
        Ok(value)
    } else {
        Err(wrong("tags", "an object of strings is wanted"))
    }
}

fn archive(value: &Value, version: Version, before: &Value) -> Result<Value, Refused> {
    if value.is_null() {
        return Ok(Value::Null);
    }
    let asked = object(value, "secretArchive")?;
    only(
        asked,
        &["keyVaultId", "useKeyVault"],
        "ClusterSecretArchive",
    )?;
    let mut after = json!({ "useKeyVault": "False" });
    if version.has_partial_archive() && before.is_object() {
        after = before.clone();
    }
    match asked.get("keyVaultId") {
        Some(Value::String(id)) if is_vault_id(id) => after["keyVaultId"] = json!(id),
        None if version.has_partial_archive() => {}
        None => return Err(wrong("secretArchive.keyVaultId", "it is required")),
        Some(_) => {
            return Err(wrong(
                "secretArchive.keyVaultId",
                "the id of a key vault is wanted",
            ));
        }
    }
    match asked.get("useKeyVault") {
        None => {}
        Some(Value::String(switch)) if switch == "True" || switch == "False" => {
            after["useKeyVault"] = json!(switch)
        }
        Some(_) => {
            return Err(wrong(
                "secretArchive.useKeyVault",
                "the string \"True\" or \"False\" is wanted",
            ));
        }
    }
    Ok(after)
}

fn is_vault_id(id: &str) -> bool {
    let id = id.to_ascii_lowercase();
    let segments: Vec<&str> = id.split('/').collect();
    matches!(segments.as_slice(), ["", "subscriptions", s, "resourcegroups", rg, "providers", "microsoft.keyvault", "vaults", name]
        if ![s, rg, name].iter().any(|segment| segment.is_empty()))
}

fn settings(value: &Value, version: Version) -> Result<Value, Refused> {
    if value.is_null() {
        return Ok(Value::Null);
    }
    let mut known = vec!["vaultUri", "associatedIdentity"];
    if version.has_provider_configuration() {
        known.extend(["providerConfiguration", "encryptionPublicKey"]);
    }
    let asked = object(value, "secretArchiveSettings")?;
    only(asked, &known, "SecretArchiveSettings")?;
    let mut after = asked.clone();
    after.retain(|_, value| !value.is_null());
    if let Some(uri) = after.get("vaultUri") {
        let parsed = uri.as_str().and_then(|uri| uri.parse::<url::Url>().ok());
        if parsed.is_none_or(|uri| uri.scheme() != "https") {
            return Err(wrong(
                "secretArchiveSettings.vaultUri",
                "an https address is wanted",
            ));
        }
    }
    if let Some(selector) = after.get("associatedIdentity") {
        identity::check_selector(object(selector, "associatedIdentity")?)?;
    }
    if let Some(provider) = after.get("providerConfiguration") {
        let kind = provider["provider"].as_str().unwrap_or_default();
        if !["CyberArk", "HashiCorpVault", "OpenBao"].contains(&kind) {
            return Err(wrong(
                "providerConfiguration.provider",
                "the provider is unknown",
            ));
        }
    }
    Ok(Value::Object(after))
}
