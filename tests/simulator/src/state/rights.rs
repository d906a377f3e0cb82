//! What Vaultbind's identity may do, where the simulator enforces it; and which rights were ever used.
//! It knows no role by name: actions, scope and condition are what counts.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use super::condition::{Attributes, Condition};
use super::roles::Request;
use super::{Azure, within};

const ASSIGN: &str = "Microsoft.Authorization/roleAssignments/write";

/// Actions on a scope and all below it, perhaps under a condition.
#[derive(Clone, Debug)]
pub struct Right {
    /// The actions, in full.
    pub actions: Vec<String>,
    /// The scope.
    pub scope: String,
    /// The condition on the assignment that gives the right.
    pub condition: Option<Condition>,
}

/// The rights that are enforced, and the actions that were used.
#[derive(Debug, Default)]
pub(super) struct Rights {
    enforced: Option<Vec<Right>>,
    used: Mutex<BTreeSet<String>>,
}

impl Right {
    fn covers(&self, action: &str, scope: &str) -> bool {
        within(scope, &self.scope)
            && self
                .actions
                .iter()
                .any(|it| it.eq_ignore_ascii_case(action))
    }
}

impl Azure {
    /// From now on only these rights count.
    pub fn enforce_rights(&mut self, rights: Vec<Right>) {
        self.rights.enforced = Some(rights);
    }

    /// Every action that was asked for so far.
    #[must_use]
    pub fn used_actions(&self) -> BTreeSet<String> {
        self.rights
            .used
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Whether the identity holds the action on the scope, whatever conditions say.
    pub(crate) fn holds_right(&self, action: &str, scope: &str) -> bool {
        // Resource Graph asks for no right of its own: it shows what may be read.
        if action.starts_with("Microsoft.ResourceGraph/") {
            return true;
        }
        self.rights
            .used
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(action.to_owned());
        let rights = self.rights.enforced.as_ref();
        rights.is_none_or(|rights| rights.iter().any(|right| right.covers(action, scope)))
    }

    /// Whether the conditions allow this assignment.
    pub(crate) fn may_assign(&self, request: &Request) -> bool {
        let mut attributes = Attributes::new();
        attributes.insert("RoleDefinitionId", request.role.clone());
        attributes.insert("PrincipalId", request.principal_id.clone());
        if let Some(kind) = &request.principal_type {
            attributes.insert("PrincipalType", kind.clone());
        }
        self.rights.enforced.as_ref().is_none_or(|rights| {
            let mut giving = rights
                .iter()
                .filter(|right| right.covers(ASSIGN, &request.scope));
            giving.any(|right| {
                right
                    .condition
                    .as_ref()
                    .is_none_or(|it| it.allows(ASSIGN, &attributes))
            })
        })
    }
}
