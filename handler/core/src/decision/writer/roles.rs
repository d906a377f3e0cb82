//! Roles: which assignment gives a principal the writer's role on a vault.
//!
//! It must not count a row that may not apply.

use super::super::{
    Read,
    input::Input,
    stop::{Stop, all, known},
};
use crate::{
    id::VaultId,
    resource::{PrincipalId, RoleAssignment, WRITER_ROLE},
};

pub(super) type RoleRow<'a> = (PrincipalId, Option<&'a RoleAssignment>);

/// The assignment that gives each principal the role on the vault, where there is one.
pub(super) fn role_rows<'a>(
    input: &Input<'a>,
    vault: &VaultId,
    principals: Vec<PrincipalId>,
) -> Result<Vec<RoleRow<'a>>, Stop> {
    let rows_of = |principal: &PrincipalId| {
        let rows = input.inventory.roles_of(vault, principal);
        known(rows, || Read::Roles(vault.clone(), principal.clone()))
    };
    let rows = all(principals.iter().map(rows_of))?;
    let giving = |rows: &'a Vec<RoleAssignment>| {
        rows.iter()
            .filter(|row| gives_role(row, vault))
            // The oldest has had effect for the longest.
            .min_by_key(|row| row.created_on)
    };
    let rows = rows.into_iter().map(giving);
    Ok(principals.into_iter().zip(rows).collect())
}

/// An assignment of the role on the very vault that has a condition: it may not apply, and Azure allows no second one.
pub(super) fn conditional<'a>(
    input: &Input<'a>,
    vault: &VaultId,
    rows: &[RoleRow<'_>],
) -> Option<&'a RoleAssignment> {
    let lacking = rows.iter().filter(|(_, row)| row.is_none());
    let held = lacking.flat_map(|(principal, _)| {
        let rows = input.inventory.roles_of(vault, principal);
        let rows = rows.into_iter().flatten();
        // What a group holds takes nothing from the principal's own.
        rows.filter(move |row| row.principal.eq_ignore_ascii_case(principal.as_str()))
    });
    held.into_iter().find(|row| {
        row.role.eq_ignore_ascii_case(WRITER_ROLE)
            && row.conditional
            && row
                .scope
                .trim_end_matches('/')
                .eq_ignore_ascii_case(vault.as_str())
    })
}

/// Does the row give the role on this vault without a condition?
fn gives_role(row: &RoleAssignment, vault: &VaultId) -> bool {
    row.role.eq_ignore_ascii_case(WRITER_ROLE) && !row.conditional && reaches(&row.scope, vault)
}

/// A scope reaches what it is or what lies below it, by whole segments; `/` is the root.
fn reaches(scope: &str, vault: &VaultId) -> bool {
    let scope = scope.trim_end_matches('/').to_ascii_lowercase();
    // Rows of management groups come back only where they are above the vault.
    if scope.starts_with("/providers/microsoft.management/managementgroups/") {
        return true;
    }
    vault
        .key()
        .strip_prefix(&scope)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
