//! The roles that stay where the cluster is not: which they are, and the command that removes them.
//!
//! It must not remove any: other clusters may need them. What a message says of them is read before a command names it.

use futures::future::join_all;
use vaultbind_core::{
    decision::Decision,
    plan::ChangeKind,
    resource::{RoleAssignment, WRITER_ROLE},
    result::{ChangeStatus, Reason, reason},
};

use crate::{context::Context, request::Progress};

/// How many are read: a move leaves one or two.
const MOST: usize = 10;

/// Role assignments that stay where the cluster is not: of the vault that it left, or given for one that it never came to.
pub(super) fn ids(progress: &Progress, decision: Option<&Decision>) -> Vec<String> {
    let Some(decision) = decision else {
        return Vec::new();
    };
    let moved = decision.is_bound().then_some(&progress.left_behind);
    let vault = decision.vault.as_ref().filter(|_| decision.is_bound());
    let vault = vault.map(|vault| format!("{}/", vault.id).to_ascii_lowercase());
    let is_needed = |target: &str| {
        let vault = vault.as_ref();
        vault.is_some_and(|vault| target.to_ascii_lowercase().starts_with(vault))
    };
    let given = progress.changes.iter().filter(|change| {
        change.kind == ChangeKind::AssignRole && change.status == ChangeStatus::Done
    });
    let stray = given.map(|change| &change.target);
    let stray = stray.filter(|target| !is_needed(target));
    moved.into_iter().flatten().chain(stray).cloned().collect()
}

/// The warning that names those of them that are there, where there are any.
pub(super) async fn warning(context: &Context, ids: &[String]) -> Option<Reason> {
    let read = ids.iter().take(MOST).map(|id| is_writers(context, id));
    let read = join_all(read).await;
    let there = ids.iter().zip(read).filter(|(_, is_there)| *is_there);
    let there: Vec<&str> = there.map(|(id, _)| id.as_str()).collect();
    (!there.is_empty()).then(|| reason::roles_left_behind(&there))
}

/// Is it the writer's role, on a vault where Vaultbind gives it? What cannot be read is named in no command.
async fn is_writers(context: &Context, id: &str) -> bool {
    let Some((vault, name)) = RoleAssignment::on_vault(id) else {
        return false;
    };
    if !context.policy.covers(vault.subscription()) {
        return false;
    }
    let row = context.arm.role_assignment(&vault, &name).await;
    row.is_ok_and(|row| row.role.eq_ignore_ascii_case(WRITER_ROLE))
}
