//! The Event Grid events of a subscription topic that changes raise.
//! It delivers nothing; whoever listens to the world's events does.

use serde_json::{Value, json};

use super::{Azure, timestamp};

/// What kind of change it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Create,
    Update,
    Delete,
}

/// A change that raises an event.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) subject: String,
    pub(crate) operation: String,
    pub(crate) kind: Kind,
    pub(crate) client_id: String,
    pub(crate) correlation_id: String,
}

impl Azure {
    /// Raises the event of a change by somebody who is not Vaultbind.
    pub(super) fn raise_foreign(&mut self, subject: &str, operation: &str, kind: Kind) {
        let change = Change {
            subject: subject.to_owned(),
            operation: operation.to_owned(),
            kind,
            client_id: self.make_id("somebody-else"),
            correlation_id: self.next_id("correlation"),
        };
        self.raise(&change);
    }

    pub(crate) fn raise(&mut self, change: &Change) {
        if !self.behaviour.emit_events {
            return;
        }
        let id = self.next_id("event");
        let event = self.render(change, &id);
        // Nobody may be listening, which is fine.
        let _ = self.events.send(event);
    }

    fn render(&self, change: &Change, id: &str) -> Value {
        // The provider's casing of this segment differs from that of ids in answers.
        let subject = change
            .subject
            .replace("/resourceGroups/", "/resourcegroups/");
        let subscription = subject.split('/').nth(2).unwrap_or_default().to_owned();
        let event_type = match change.kind {
            Kind::Delete => "Microsoft.Resources.ResourceDeleteSuccess",
            Kind::Create | Kind::Update => "Microsoft.Resources.ResourceWriteSuccess",
        };
        let provider = change.operation.split('/').next().unwrap_or_default();
        let mut data = json!({
            "authorization": {
                "scope": subject,
                "action": change.operation,
                "evidence": { "role": "Contributor", "roleAssignmentScope": format!("/subscriptions/{subscription}"), "principalType": "ServicePrincipal" },
            },
            "claims": self.claims(&change.client_id),
            "correlationId": change.correlation_id,
            "resourceProvider": provider,
            "resourceUri": subject,
            "operationName": change.operation,
            "status": "Succeeded",
            "subscriptionId": subscription,
            "tenantId": self.tenant_id(),
        });
        if change.kind != Kind::Create {
            data["httpRequest"] = json!({
                "clientRequestId": self.make_id(&format!("{id}/request")),
                "clientIpAddress": "192.0.2.1",
                "method": if change.kind == Kind::Delete { "DELETE" } else { "PATCH" },
                "url": format!("https://management.azure.com{subject}"),
            });
        }
        json!({
            "id": id, "topic": format!("/subscriptions/{subscription}"), "subject": subject, "eventType": event_type,
            "eventTime": timestamp(self.clock.now()), "data": data, "dataVersion": "2", "metadataVersion": "1",
        })
    }

    fn claims(&self, client_id: &str) -> Value {
        let is_vaultbind = client_id.eq_ignore_ascii_case(&self.config.client_id);
        let object_id = if is_vaultbind {
            self.config.principal_id.clone()
        } else {
            self.make_id(client_id)
        };
        json!({
            "aud": "https://management.azure.com", "ver": "1.0", "appid": client_id,
            "http://schemas.microsoft.com/identity/claims/objectidentifier": object_id,
            "http://schemas.microsoft.com/identity/claims/tenantid": self.tenant_id(),
        })
    }
}
