//! Microsoft.Authorization: who holds the writer's role on a vault, and giving it away.
//!
//! It must not know another role, nor take one away.

use reqwest::Method;
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;
use vaultbind_core::{
    id::VaultId,
    resource::{PrincipalId, RoleAssignment, WRITER_ROLE},
};

use super::{Arm, Service, wire::text};
use crate::{error::Error, http::Call};

/// What became of an assignment that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssignAnswer {
    /// This call made it.
    Created,
    /// It was there already.
    Present,
}

impl Arm {
    /// Lists the role assignments of a principal that reach a vault, inherited ones and those through groups included.
    ///
    /// # Errors
    /// Where the call fails.
    pub async fn role_assignments(
        &self,
        vault: &VaultId,
        principal: &PrincipalId,
    ) -> Result<Vec<RoleAssignment>, Error> {
        let path = format!("{vault}/providers/Microsoft.Authorization/roleAssignments");
        let filter = format!("atScope() and assignedTo('{principal}')");
        let rows = self
            .list(
                Service::Authorization,
                "list the role assignments on",
                vault.as_str(),
                &path,
                &[("$filter", &filter)],
            )
            .await?;
        Ok(rows.iter().filter_map(row).collect())
    }

    /// Reads one role assignment on a vault.
    ///
    /// # Errors
    /// Where the call fails, as where there is none.
    pub async fn role_assignment(
        &self,
        vault: &VaultId,
        name: &Uuid,
    ) -> Result<RoleAssignment, Error> {
        const OPERATION: &str = "read a role assignment on";
        let path = format!("{vault}/providers/Microsoft.Authorization/roleAssignments/{name}");
        let get = |version| self.get(OPERATION, vault.as_str(), self.url(&path, version, &[]));
        let value = self.served(Service::Authorization, get).await?;
        row(&value)
            .ok_or_else(|| Error::malformed(OPERATION, vault.as_str(), "it is no role assignment"))
    }

    /// Gives a principal the writer's role on a vault; the description is what tells later who gave it.
    ///
    /// # Errors
    /// Where the call fails; `RoleAssignmentExists` says that it holds the role under another name.
    pub async fn assign_role(
        &self,
        vault: &VaultId,
        name: &Uuid,
        principal: &PrincipalId,
        description: &str,
    ) -> Result<AssignAnswer, Error> {
        const OPERATION: &str = "assign the writer's role on";
        let path = format!("{vault}/providers/Microsoft.Authorization/roleAssignments/{name}");
        let role = format!(
            "{}/providers/Microsoft.Authorization/roleDefinitions/{WRITER_ROLE}",
            vault.subscription().path()
        );
        let body = json!({ "properties": {
            "roleDefinitionId": role,
            "principalId": principal.as_str(),
            // The condition on our own right asks for it, and it spares a fresh principal the directory's lag.
            "principalType": "ServicePrincipal",
            "description": description,
        } });
        let put = async |version: &'static str| {
            let url = self.url(&path, version, &[]);
            let call = Call::new(OPERATION, vault.as_str(), Method::PUT, url).json(&body);
            let answer = self.channel.send(&call).await?;
            Ok((answer.status == 201, answer.json::<Value>(&call)?))
        };
        let (is_new, value) = self.served(Service::Authorization, put).await?;
        if row(&value).is_none() {
            let why = "it is no role assignment";
            return Err(Error::malformed(OPERATION, vault.as_str(), why));
        }
        // One that was there is answered with 200, or with 201 and the time at which it was changed.
        Ok(if is_new && is_as_made(&value) {
            AssignAnswer::Created
        } else {
            AssignAnswer::Present
        })
    }
}

pub(super) fn row(value: &Value) -> Option<RoleAssignment> {
    let property = |name: &str| text(value, &format!("/properties/{name}"));
    let role = property("roleDefinitionId")?
        .rsplit('/')
        .next()?
        .to_ascii_lowercase();
    let created_on =
        property("createdOn").and_then(|date| OffsetDateTime::parse(date, &Rfc3339).ok());
    Some(RoleAssignment {
        id: text(value, "/id")?.to_owned(),
        role,
        principal: property("principalId")?.to_ascii_lowercase(),
        scope: property("scope")?.to_owned(),
        conditional: property("condition").is_some_and(|condition| !condition.trim().is_empty()),
        created_on,
        description: property("description")
            .filter(|_| is_as_made(value))
            .map(ToOwned::to_owned),
    })
}

/// Was the row not changed since it was made?
fn is_as_made(value: &Value) -> bool {
    let at = |name: &str| text(value, &format!("/properties/{name}"));
    at("createdOn") == at("updatedOn")
}
