//! Events of Event Grid: either schema in, what to reconcile out.
//!
//! It must not trust an event: it only says what to reconcile, and its payload is data from outside.
//! Sources: the schemas of the Azure subscription topic and of Azure Resource Notifications.

use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use vaultbind_core::{
    id::{ClusterId, IdError, MAX_ID_LENGTH, ResourceId, VaultId},
    result::{Cause, CauseKind},
};

use crate::request::Origin;

/// What an event says.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The resource and what happened to it.
    pub concern: Concern,
    /// The event as results name it.
    pub cause: Cause,
    /// The client id of whoever made the change, where the event tells.
    pub actor: Option<String>,
}

/// The resource that an event is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Concern {
    /// A cluster was written or deleted.
    Cluster(ClusterId, Origin),
    /// A vault was written or deleted.
    Vault(VaultId),
    /// A role was assigned or taken away on a vault.
    VaultRole(VaultId),
}

/// Why an event is not acted on.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// The value is no event of a known schema.
    #[error("not an event: {0}")]
    Malformed(&'static str),
    /// The event is of no concern here.
    #[error("nothing to do for {0}")]
    Ignored(String),
    /// The event names a resource by an id that breaks the rules.
    #[error("the event's subject is not a sound resource id")]
    BadId(#[source] IdError),
}

/// The longest event id that is taken: it becomes the correlation id of messages, which Service Bus bounds so.
const MAX_EVENT_ID: usize = 128;

/// The longest subject that is taken: an id, with that of its tags or of a role assignment behind it.
const MAX_SUBJECT: usize = MAX_ID_LENGTH + 128;

/// The longest time stamp that is taken: RFC 3339 allows any number of digits behind the second.
const MAX_TIME: usize = 64;

/// Reads one event, in EventGrid schema or as a CloudEvent.
///
/// # Errors
/// Where the value is no event, of no concern, or names a resource by an unsound id.
pub fn read(event: &Value) -> Result<Event, EventError> {
    let text = |name: &str| event.get(name).and_then(Value::as_str);
    let kind = text("eventType")
        .or_else(|| text("type"))
        .ok_or(EventError::Malformed("it has no type"))?;
    let id = text("id").ok_or(EventError::Malformed("it has no id"))?;
    if id.is_empty() || id.len() > MAX_EVENT_ID || id.chars().any(char::is_control) {
        return Err(EventError::Malformed(
            "its id is empty, too long or unprintable",
        ));
    }
    let subject = text("subject").ok_or(EventError::Malformed("it has no subject"))?;
    let data = event.get("data").unwrap_or(&Value::Null);
    let happening = Happening::read(kind, data)?;
    let concern = happening.concern(subject)?;
    if subject.len() > MAX_SUBJECT || !subject.chars().all(is_part_of_an_id) {
        // It goes into results and logs as it is.
        return Err(EventError::BadId(IdError::Malformed(
            "what follows it is too long, or has a character that no id has",
        )));
    }
    let time = text("eventTime").or_else(|| text("time"));
    Ok(Event {
        concern,
        cause: Cause {
            kind: CauseKind::Event,
            id: Some(id.to_owned()),
            operation: Some(happening.name),
            subject: Some(subject.to_owned()),
            time: time
                .filter(|stamp| {
                    stamp.len() <= MAX_TIME && OffsetDateTime::parse(stamp, &Rfc3339).is_ok()
                })
                .map(ToOwned::to_owned),
        },
        actor: data
            .pointer("/claims/appid")
            .and_then(Value::as_str)
            .map(ToOwned::to_owned),
    })
}

fn is_part_of_an_id(character: char) -> bool {
    character.is_alphanumeric() || "/-_.()".contains(character)
}

/// What happened, without the resource that it happened to.
struct Happening {
    /// The operation, or the type of the notification.
    name: String,
    /// The resource type that the operation is on; none where only the subject tells.
    resource_type: Option<String>,
    origin: Origin,
}

const NOTIFICATIONS: &str = "Microsoft.ResourceNotifications.Resources.";
const TAGS: &str = "Microsoft.Resources/tags";
const ROLE_ASSIGNMENTS: &str = "Microsoft.Authorization/roleAssignments";

impl Happening {
    fn read(kind: &str, data: &Value) -> Result<Self, EventError> {
        let operation = data
            .get("operationName")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let ignored = || {
            EventError::Ignored(match operation {
                "" => shortened(kind),
                _ => format!("{} of {}", shortened(kind), shortened(operation)),
            })
        };
        if let Some(verb) = strip_prefix(kind, NOTIFICATIONS) {
            let origin = match verb.to_ascii_lowercase().as_str() {
                "createdorupdated" => Origin::Notified,
                "deleted" => Origin::Gone,
                _ => return Err(ignored()),
            };
            return Ok(Self {
                name: kind.to_owned(),
                resource_type: None,
                origin,
            });
        }
        let has_succeeded = [
            "Microsoft.Resources.ResourceWriteSuccess",
            "Microsoft.Resources.ResourceDeleteSuccess",
        ]
        .iter()
        .any(|name| name.eq_ignore_ascii_case(kind));
        let (resource_type, verb) = operation
            .rsplit_once('/')
            .filter(|_| has_succeeded)
            .ok_or_else(ignored)?;
        let origin = match verb.to_ascii_lowercase().as_str() {
            "write" => Origin::Write,
            "delete" => Origin::Delete,
            _ => return Err(ignored()),
        };
        let known = [
            ClusterId::RESOURCE_TYPE,
            VaultId::RESOURCE_TYPE,
            TAGS,
            ROLE_ASSIGNMENTS,
        ];
        match known
            .iter()
            .find(|name| name.eq_ignore_ascii_case(resource_type))
        {
            // Tags may be taken away without the resource being deleted.
            Some(&TAGS) => Ok(Self {
                name: operation.to_owned(),
                resource_type: None,
                origin: Origin::Write,
            }),
            Some(known) => Ok(Self {
                name: operation.to_owned(),
                resource_type: Some((*known).to_owned()),
                origin,
            }),
            None => Err(ignored()),
        }
    }

    fn concern(&self, subject: &str) -> Result<Concern, EventError> {
        if self.resource_type.as_deref() == Some(ROLE_ASSIGNMENTS) {
            let on = before(
                subject,
                "/providers/Microsoft.Authorization/roleAssignments/",
            )
            .unwrap_or(subject);
            let vault = on
                .parse::<ResourceId>()
                .ok()
                .and_then(|id| VaultId::try_from(id).ok());
            let elsewhere =
                || EventError::Ignored("a role assignment that is not on a vault".to_owned());
            return vault.map(Concern::VaultRole).ok_or_else(elsewhere);
        }
        // The tags of a resource have an id of their own, which may stand here instead of the resource's.
        let subject = before(subject, "/providers/Microsoft.Resources/tags/").unwrap_or(subject);
        let expected = self.resource_type.as_deref();
        let elsewhere = || {
            let name = shortened(&self.name);
            EventError::Ignored(format!("{name} of another type of resource"))
        };
        let id: ResourceId = match subject.parse() {
            // Groups and subscriptions have tags too, and other types have names that ours cannot have.
            Err(_) if expected.is_none() && !may_be_ours(subject) => return Err(elsewhere()),
            parsed => parsed.map_err(EventError::BadId)?,
        };
        if id.is_type(ClusterId::RESOURCE_TYPE)
            && expected.is_none_or(|resource_type| resource_type == ClusterId::RESOURCE_TYPE)
        {
            let cluster = ClusterId::try_from(id).map_err(EventError::BadId)?;
            Ok(Concern::Cluster(cluster, self.origin))
        } else if id.is_type(VaultId::RESOURCE_TYPE)
            && expected.is_none_or(|resource_type| resource_type == VaultId::RESOURCE_TYPE)
        {
            Ok(Concern::Vault(
                VaultId::try_from(id).map_err(EventError::BadId)?,
            ))
        } else if expected.is_some() {
            Err(EventError::BadId(IdError::Malformed(
                "the operation is on another type of resource",
            )))
        } else {
            Err(elsewhere())
        }
    }
}

/// Is a cluster or a vault meant, even where the id is broken?
fn may_be_ours(subject: &str) -> bool {
    let subject = subject.to_ascii_lowercase();
    [ClusterId::RESOURCE_TYPE, VaultId::RESOURCE_TYPE]
        .iter()
        .any(|resource_type| {
            subject.contains(&format!(
                "/providers/{}/",
                resource_type.to_ascii_lowercase()
            ))
        })
}

/// What of `text` stands before the last `mark`, whatever the case of either.
fn before<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    let at = text
        .to_ascii_lowercase()
        .rfind(&mark.to_ascii_lowercase())?;
    text.get(..at)
}

fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    if head.eq_ignore_ascii_case(prefix) {
        text.get(prefix.len()..)
    } else {
        None
    }
}

/// Enough of a text from outside to tell what it is.
fn shortened(text: &str) -> String {
    text.chars()
        .take(80)
        .filter(|character| !character.is_control())
        .collect()
}

#[cfg(test)]
mod tests;
