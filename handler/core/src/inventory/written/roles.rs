//! Role assignments of an inventory.
//!
//! It must not judge whether an assignment applies.

use super::{Defaults, given, required, time, truth, vault::vault_named};
use crate::{
    id::VaultId,
    inventory::Inventory,
    resource::{PrincipalId, RoleAssignment, WRITER_ROLE},
    yaml::{
        node::{Node, Section},
        problem::Problems,
    },
};

type Roles = (VaultId, PrincipalId, Vec<RoleAssignment>);

pub(super) fn roles(
    node: Node<'_>,
    inventory: &Inventory,
    defaults: &Defaults,
    problems: &mut Problems,
) -> Option<Roles> {
    const KEYS: &[&str] = &["vault", "principal", "assignments"];
    let section = Section::read(node, "roles", KEYS, problems)?;
    let vault = section.required("vault", "name a vault, or give its id", problems)?;
    let vault = vault_named(vault, inventory, defaults, problems)?;
    let principal: PrincipalId = required(&section, "principal", problems)?;
    let rows = match given(&section, "assignments") {
        // Nothing more said, it is the one assignment that a writer needs.
        None => vec![RoleAssignment {
            id: format!("{vault}/providers/Microsoft.Authorization/roleAssignments/{principal}"),
            role: WRITER_ROLE.to_owned(),
            principal: principal.to_string(),
            scope: vault.to_string(),
            conditional: false,
            created_on: None,
        }],
        Some(node) => node.each("role assignments", problems, assignment)?,
    };
    Some((vault, principal, rows))
}

fn assignment(node: Node<'_>, problems: &mut Problems) -> Option<RoleAssignment> {
    const KEYS: &[&str] = &["id", "role", "scope", "principal", "conditional", "created"];
    let section = Section::read(node, "a role assignment", KEYS, problems)?;
    let needed = |key, problems: &mut Problems| {
        let node = section.required(key, "it has no usual value", problems)?;
        node.text("text", problems)
    };
    let created_on = match given(&section, "created") {
        None => None,
        Some(node) => Some(time(node, problems)?),
    };
    Some(RoleAssignment {
        id: needed("id", problems)?,
        role: needed("role", problems)?,
        scope: needed("scope", problems)?,
        principal: needed("principal", problems)?,
        conditional: truth(&section, "conditional", false, problems)?,
        created_on,
    })
}
