//! ARM resource ids: a strict parser, comparison without regard to case, and the typed ids that Vaultbind acts on.
//!
//! It must not let anything through that could change the meaning of a URL: whatever reaches a path came out of here.

mod scope;
mod typed;

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
    sync::Arc,
};

use crate::text::as_text;
pub use scope::Scope;
pub use typed::{ClusterId, ClusterManagerId, UserAssignedIdentityId, VaultId};

/// The longest id that is accepted, in bytes; ARM's own ids of clusters and vaults stay below 300.
pub const MAX_ID_LENGTH: usize = 1024;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The text does not have the form of an ARM resource id.
    #[error("not an ARM resource id: {0}")]
    Malformed(&'static str),
    /// The id is sound but names another type of resource.
    #[error("the id is of a {found}, not of a {expected}")]
    WrongType {
        /// The type that was asked for.
        expected: &'static str,
        /// The type that the id names.
        found: String,
    },
}

/// The id of a subscription: a GUID, kept in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(String);

impl SubscriptionId {
    /// The GUID in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The ARM path of the subscription, `/subscriptions/{guid}`.
    pub fn path(&self) -> String {
        format!("/subscriptions/{}", self.0)
    }
}

impl FromStr for SubscriptionId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        if is_guid(text) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(IdError::Malformed("a subscription id is a GUID"))
        }
    }
}

as_text!(SubscriptionId);

impl fmt::Display for SubscriptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A GUID in the form 8-4-4-4-12, as ARM writes ids of subscriptions, tenants, principals and role assignments.
pub fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// The id of a resource in a resource group.
///
/// Invariant: every segment is free of `/`, `%`, `?`, `#`, `\`, white space and control characters, and is neither `.` nor `..`.
/// Two ids are equal when they differ in case alone (ARM's rule).
#[derive(Clone)]
pub struct ResourceId(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    text: String,
    key: String,
    subscription: SubscriptionId,
    resource_group: String,
    resource_type: String,
    name: String,
}

impl ResourceId {
    /// The id with the spelling of its source, its keywords in ARM's own spelling.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// The id in lower case: what ids are compared and hashed by.
    pub fn key(&self) -> &str {
        &self.0.key
    }

    /// Is the text this id in whatever case? It is read as this id then, and as no other.
    pub fn is_spelled(&self, text: &str) -> bool {
        self.0.key.eq_ignore_ascii_case(text)
    }

    /// The subscription that holds the resource.
    pub fn subscription(&self) -> &SubscriptionId {
        &self.0.subscription
    }

    /// The name of the resource group.
    pub fn resource_group(&self) -> &str {
        &self.0.resource_group
    }

    /// Namespace and type as the source spells them: `Microsoft.KeyVault/vaults`.
    pub fn resource_type(&self) -> &str {
        &self.0.resource_type
    }

    /// The name of the resource: the last segment.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Is the resource of this type? Case does not count.
    pub fn is_type(&self, resource_type: &str) -> bool {
        self.0.resource_type.eq_ignore_ascii_case(resource_type)
    }
}

impl FromStr for ResourceId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let segments = segments(text)?;
        let [
            subscriptions,
            subscription,
            groups,
            group,
            providers,
            namespace,
            rest @ ..,
        ] = segments.as_slice()
        else {
            return Err(IdError::Malformed("it has too few segments"));
        };
        let keywords = subscriptions.eq_ignore_ascii_case("subscriptions")
            && groups.eq_ignore_ascii_case("resourceGroups")
            && providers.eq_ignore_ascii_case("providers");
        if !keywords {
            return Err(IdError::Malformed(
                "expected /subscriptions/{guid}/resourceGroups/{name}/providers/{namespace}/{type}/{name}",
            ));
        }
        if rest.is_empty() || rest.len() % 2 != 0 {
            return Err(IdError::Malformed("a type lacks its name"));
        }
        let subscription: SubscriptionId = subscription.parse()?;
        let types: Vec<&str> = rest.iter().step_by(2).copied().collect();
        let resource_type = format!("{namespace}/{}", types.join("/"));
        let text = format!(
            "/subscriptions/{subscription}/resourceGroups/{group}/providers/{namespace}/{}",
            rest.join("/")
        );
        Ok(Self(Arc::new(Parts {
            key: text.to_ascii_lowercase(),
            text,
            subscription,
            resource_group: (*group).to_owned(),
            resource_type,
            name: rest[rest.len() - 1].to_owned(),
        })))
    }
}

/// The segments of an absolute path, each of them harmless in a URL.
fn segments(text: &str) -> Result<Vec<&str>, IdError> {
    if text.len() > MAX_ID_LENGTH {
        return Err(IdError::Malformed("it is too long"));
    }
    let Some(path) = text.strip_prefix('/') else {
        return Err(IdError::Malformed("it does not begin with a slash"));
    };
    let segments: Vec<&str> = path.split('/').collect();
    if segments.iter().any(|segment| segment.is_empty()) {
        return Err(IdError::Malformed("a segment is empty"));
    }
    if !segments.iter().all(|segment| is_harmless(segment)) {
        return Err(IdError::Malformed(
            "a segment has a character that no resource name has",
        ));
    }
    Ok(segments)
}

/// Letters, digits and `-_.()` only, never `.` or `..` (the union of what Azure's naming rules allow).
fn is_harmless(segment: &str) -> bool {
    !matches!(segment, "." | "..")
        && !segment.ends_with('.')
        && segment
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '(' | ')'))
}

impl fmt::Debug for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0.text, f)
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl PartialEq for ResourceId {
    fn eq(&self, other: &Self) -> bool {
        self.0.key == other.0.key
    }
}

impl Eq for ResourceId {}

impl Hash for ResourceId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.key.hash(state);
    }
}

impl PartialOrd for ResourceId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ResourceId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.key.cmp(&other.0.key)
    }
}

#[cfg(test)]
mod tests;
