//! Role assignments of an inventory.
//!
//! It must not judge whether an assignment applies.

use super::{Defaults, given, text, time, truth, vault::vault_named};
use crate::{
    id::VaultId,
    inventory::{Inventory, offline::platform_apps},
    resource::{Identities, PrincipalId, RoleAssignment},
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
    let hint = "say whose roles they are";
    let principal = section.required("principal", hint, problems)?;
    let principal = principal_named(principal, inventory, problems)?;
    let usual = RoleAssignment::of_writer(&vault, &principal);
    let rows = match given(&section, "assignments") {
        // Nothing more said, it is the one assignment that a writer needs.
        None => vec![usual],
        Some(node) => node.each("role assignments", problems, |node, problems| {
            assignment(node, &usual, problems)
        })?,
    };
    Some((vault, principal, rows))
}

/// A principal by its object id, or by whose it is.
fn principal_named(
    node: Node<'_>,
    inventory: &Inventory,
    problems: &mut Problems,
) -> Option<PrincipalId> {
    const HINT: &str = "write an object id, `app-1` or `app-2` for the platform's apps, or the name of a cluster or a \
        manager with `.system` or the name of its identity behind it";
    let name = node.string("a principal", problems)?;
    let named = || match name.split_once('.') {
        Some((owner, identity)) => identity_named(owner, identity, inventory),
        None => {
            let apps = inventory.platform_principals.clone();
            let number: usize = name.strip_prefix("app-")?.parse().ok()?;
            let apps = apps.unwrap_or_else(platform_apps);
            apps.get(number.checked_sub(1)?).cloned()
        }
    };
    let principal = name.parse().ok().or_else(named);
    if principal.is_none() {
        let message = format!("`{}` is nobody of the estate", name.escape_debug());
        problems.hinted(node, message, HINT);
    }
    principal
}

fn identity_named(owner: &str, identity: &str, inventory: &Inventory) -> Option<PrincipalId> {
    let clusters = inventory.clusters.values().flatten();
    let clusters = clusters.map(|cluster| (cluster.id.name(), &cluster.identities));
    let managers = inventory.managers.iter();
    let managers = managers.filter_map(|(id, manager)| Some((id.name(), manager.as_ref()?)));
    let principal = |identities: &Identities| {
        let mut users = identities.user.iter();
        let is_meant = |name: &str| name.eq_ignore_ascii_case(identity);
        match identity {
            "system" => identities.system.clone(),
            _ => users.find(|(id, _)| is_meant(id.name()))?.1.clone(),
        }
    };
    let owners = clusters.chain(managers);
    let mut owners = owners.filter(|(name, _)| name.eq_ignore_ascii_case(owner));
    owners.find_map(|(_, identities)| principal(identities))
}

/// An assignment; what it does not say is as in the usual one.
fn assignment(
    node: Node<'_>,
    usual: &RoleAssignment,
    problems: &mut Problems,
) -> Option<RoleAssignment> {
    const KEYS: &[&str] = &["id", "role", "scope", "principal", "conditional", "created"];
    let section = Section::read(node, "a role assignment", KEYS, problems)?;
    let said = |key, usual: &str, problems: &mut Problems| {
        let text = text(&section, key, problems)?;
        Some(text.unwrap_or(usual).to_owned())
    };
    let created_on = match given(&section, "created") {
        None => None,
        Some(node) => Some(time(node, problems)?),
    };
    Some(RoleAssignment {
        id: said("id", &usual.id, problems)?,
        role: said("role", &usual.role, problems)?,
        scope: said("scope", &usual.scope, problems)?,
        principal: said("principal", &usual.principal, problems)?,
        conditional: truth(&section, "conditional", false, problems)?,
        created_on,
        description: None,
    })
}
