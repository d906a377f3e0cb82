//! Role assignments: what makes one acceptable, who holds a role, and when a new one begins to act.
//! How they are asked for and shown is with ARM.

mod by_hand;

use time::OffsetDateTime;
use uuid::Uuid;

use super::behaviour::{RepeatedPut, RolePropagation};
use super::{Azure, Change, Kind, VAULTS, is_type, key};

/// Operator Nexus Key Vault Writer Service Role (Preview).
pub const WRITER_ROLE: &str = "44f0a1a8-6fea-4b35-980a-8ff50c487c97";
/// The roles that the tenant has beside it: Reader, Key Vault Secrets User, Managed Identity Operator.
const OTHER_ROLES: [&str; 3] = [
    "acdd72a7-3385-48ef-bd42-f606fba81ae7",
    "4633458b-17de-408a-b874-0445c86b69e6",
    "f1a07417-d97a-45cb-824c-7a7467783830",
];

/// A role assignment.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// Its full id.
    pub id: String,
    /// Its name, a GUID.
    pub name: String,
    /// What it is good for, with everything below.
    pub scope: String,
    /// The GUID of the role.
    pub role: String,
    /// Who has the role.
    pub principal_id: String,
    /// What kind of principal that is.
    pub principal_type: String,
    /// The condition under which it holds.
    pub condition: Option<String>,
    /// What somebody wrote beside it.
    pub description: Option<String>,
    /// When it came to be.
    pub created_on: OffsetDateTime,
    /// When it was last changed.
    pub updated_on: OffsetDateTime,
    /// Whose doing it was.
    pub created_by: String,
    /// How many checks still do not see it.
    pub(super) unseen_for: u32,
}

/// What a PUT asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) name: String,
    pub(crate) scope: String,
    pub(crate) role: String,
    pub(crate) principal_id: String,
    pub(crate) principal_type: Option<String>,
    pub(crate) condition: Option<String>,
    pub(crate) description: Option<String>,
}

/// Why an assignment is refused: status, code, message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal(pub(crate) u16, pub(crate) &'static str, pub(crate) String);

/// Whether `id` is `scope` or lies below it, segment by segment.
pub(crate) fn within(id: &str, scope: &str) -> bool {
    let (id, scope) = (key(id), key(scope));
    id.strip_prefix(&scope)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn without_dashes(id: &str) -> String {
    id.replace('-', "")
}

impl Azure {
    /// All role assignments, ordered by id.
    pub fn role_assignments(&self) -> impl Iterator<Item = &Assignment> {
        self.assignments.values()
    }

    pub(crate) fn assignment(&self, id: &str) -> Option<&Assignment> {
        self.assignments.get(&key(id))
    }

    pub(crate) fn knows_role(role: &str) -> bool {
        role.eq_ignore_ascii_case(WRITER_ROLE) || OTHER_ROLES.contains(&key(role).as_str())
    }

    /// Whether a row for `holder` is one for the principal, through a group if need be.
    pub(crate) fn is_assigned(&self, holder: &str, principal_id: &str) -> bool {
        self.directory
            .with_groups(principal_id)
            .contains(&key(holder))
    }

    /// Assigns a role as ARM does; the status is 200 where the assignment existed.
    pub(crate) fn assign(
        &mut self,
        request: Request,
        caller: &str,
        correlation_id: &str,
    ) -> Result<(u16, Assignment), Refusal> {
        if let Some(answer) = self.repeats(&request)? {
            return Ok(answer);
        }
        self.check_new(&request)?;
        let principal = self.directory.replicated(&request.principal_id).cloned();
        let given = request.principal_type.clone();
        let given = given.filter(|_| !self.behaviour.look_up_typed_principals);
        if let Some(kind) = given.filter(|_| principal.is_none()) {
            return Ok((201, self.make(request, &kind, caller, correlation_id)));
        }
        let Some(principal) = principal else {
            let (oid, tenant) = (
                without_dashes(&request.principal_id),
                self.tenant_id().to_owned(),
            );
            let message = format!("Principal {oid} does not exist in the directory {tenant}.");
            return Err(Refusal(400, "PrincipalNotFound", message));
        };
        let kind = principal.kind.name();
        if request
            .principal_type
            .as_deref()
            .is_some_and(|given| !given.eq_ignore_ascii_case(kind))
        {
            let message = format!(
                "The PrincipalId '{}' has type '{kind}', which is different from the specified PrincipalType.",
                without_dashes(&request.principal_id)
            );
            return Err(Refusal(400, "UnmatchedPrincipalType", message));
        }
        Ok((201, self.make(request, kind, caller, correlation_id)))
    }

    fn make(
        &mut self,
        request: Request,
        kind: &str,
        caller: &str,
        correlation_id: &str,
    ) -> Assignment {
        let assignment = self.keep(request, kind, caller);
        self.raise(&Change {
            subject: assignment.id.clone(),
            operation: "Microsoft.Authorization/roleAssignments/write".to_owned(),
            kind: Kind::Create,
            client_id: caller.to_owned(),
            correlation_id: correlation_id.to_owned(),
        });
        assignment
    }

    /// The answer for a name that is taken.
    fn repeats(&mut self, request: &Request) -> Result<Option<(u16, Assignment)>, Refusal> {
        let now = self.clock.now();
        let Some(known) = self
            .assignments
            .values_mut()
            .find(|known| known.name.eq_ignore_ascii_case(&request.name))
        else {
            return Ok(None);
        };
        if !same_triple(known, request) {
            let message =
                "Tenant ID, application ID, principal ID, and scope are not allowed to be updated."
                    .to_owned();
            return Err(Refusal(400, "RoleAssignmentUpdateNotPermitted", message));
        }
        let status = match self.behaviour.repeated_put {
            RepeatedPut::Ok => 200,
            RepeatedPut::Created => 201,
            RepeatedPut::Conflict => return Err(exists(known)),
        };
        // The description alone may differ: then it is changed, and the row says when.
        known.description.clone_from(&request.description);
        known.updated_on = now;
        Ok(Some((status, known.clone())))
    }

    fn check_new(&self, request: &Request) -> Result<(), Refusal> {
        if let Some(known) = self
            .assignments
            .values()
            .find(|known| same_triple(known, request))
        {
            return Err(exists(known));
        }
        if !Self::knows_role(&request.role) {
            let message = format!(
                "The specified role definition with ID '{}' does not exist.",
                without_dashes(&request.role)
            );
            return Err(Refusal(404, "RoleDefinitionDoesNotExist", message));
        }
        if self.assignments.len() >= self.behaviour.assignment_limit {
            let message =
                "No more role assignments can be created. The limit is reached.".to_owned();
            return Err(Refusal(400, "RoleAssignmentLimitExceeded", message));
        }
        Ok(())
    }

    fn keep(&mut self, request: Request, kind: &str, caller: &str) -> Assignment {
        let scope = request.scope.trim_end_matches('/').to_owned();
        let now = self.clock.now();
        let unseen_for = match self.behaviour.role_propagation {
            RolePropagation::Checks(checks) => checks,
            RolePropagation::Time(_) => 0,
        };
        let assignment = Assignment {
            id: format!(
                "{scope}/providers/Microsoft.Authorization/roleAssignments/{}",
                request.name
            ),
            name: request.name,
            scope,
            role: request.role,
            principal_id: request.principal_id,
            principal_type: kind.to_owned(),
            condition: request.condition,
            description: request.description,
            created_on: now,
            updated_on: now,
            created_by: caller.to_owned(),
            unseen_for,
        };
        self.assignments
            .insert(key(&assignment.id), assignment.clone());
        assignment
    }

    /// Whether the principal may write secrets to the vault, as the platform finds when it tries.
    /// Every try counts for the assignments that have yet to spread.
    pub(super) fn may_write(&mut self, principal_id: &str, vault_id: &str) -> bool {
        let rbac = self.resource(vault_id).is_some_and(|vault| {
            is_type(vault, VAULTS) && vault["properties"]["enableRbacAuthorization"] == true
        });
        let tenant = self
            .resource(vault_id)
            .and_then(|vault| vault["properties"]["tenantId"].as_str());
        if !rbac || tenant != Some(self.tenant_id()) {
            return false;
        }
        let holders = self.directory.with_groups(principal_id);
        let now = self.clock.now();
        let spread_by = match self.behaviour.role_propagation {
            RolePropagation::Time(wait) => now - wait,
            RolePropagation::Checks(_) => now,
        };
        let mut may = false;
        for row in self.assignments.values_mut() {
            let fits = row.role.eq_ignore_ascii_case(WRITER_ROLE) && row.condition.is_none();
            if !fits || !holders.contains(&key(&row.principal_id)) || !within(vault_id, &row.scope)
            {
                continue;
            }
            may |= row.unseen_for == 0 && row.created_on <= spread_by;
            row.unseen_for = row.unseen_for.saturating_sub(1);
        }
        may
    }
}

fn same_triple(known: &Assignment, request: &Request) -> bool {
    key(&known.scope) == key(&request.scope)
        && known.role.eq_ignore_ascii_case(&request.role)
        && known
            .principal_id
            .eq_ignore_ascii_case(&request.principal_id)
}

fn exists(known: &Assignment) -> Refusal {
    let id = without_dashes(&known.name);
    let message = format!(
        "The role assignment already exists. The ID of the existing role assignment is {id}."
    );
    Refusal(409, "RoleAssignmentExists", message)
}

/// Whether a text is a GUID in its usual form.
pub(crate) fn is_guid(text: &str) -> bool {
    text.len() == 36 && Uuid::parse_str(text).is_ok()
}
