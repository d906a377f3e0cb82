//! The roles that stay where the cluster is not: which they are, and the command that removes them.
//!
//! It must not remove any: other clusters may need them. What a message says of them is read before a command names it.

use std::time::Duration;

use futures::future::join_all;
use tokio::time::timeout;
use vaultbind_core::{
    decision::Decision,
    plan::ChangeKind,
    resource::{Cluster, RoleAssignment, WRITER_ROLE, vault_host},
    result::{ChangeStatus, Outcome, Reason, reason},
};

use crate::{context::Context, request::Progress};

/// How many are read: a move leaves one or two.
const MOST: usize = 10;
/// How long that may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Role assignments that stay where the cluster is not: of the vault that it left, or given for one that it never came to.
/// Neither the vault that the cluster shows is meant, nor the one that it is to have.
pub(super) fn ids(
    progress: &Progress,
    cluster: Option<&Cluster>,
    decision: Option<&Decision>,
    outcome: Outcome,
) -> Vec<String> {
    let Some(decision) = decision else {
        return Vec::new();
    };
    let wanted = decision.vault.as_ref().filter(|_| decision.is_bound());
    let wanted = wanted.map(|vault| vault.id.name().to_ascii_lowercase());
    // What is only planned would leave the vault that the cluster shows.
    let shown = cluster.filter(|_| outcome != Outcome::Planned);
    let mut needed = shown.map(vaults_of).unwrap_or_default();
    needed.extend(wanted);
    let is_stray = |id: &&String| {
        RoleAssignment::on_vault(id)
            .is_none_or(|(vault, _)| !needed.contains(&vault.name().to_ascii_lowercase()))
    };
    let given = progress.changes.iter().filter(|change| {
        change.kind == ChangeKind::AssignRole && change.status == ChangeStatus::Done
    });
    let given = given.map(|change| &change.target);
    let ids = progress.left_behind.iter().chain(given);
    ids.filter(is_stray).cloned().collect()
}

/// The names of the vaults that a cluster shows, in lower case: they are unique in the cloud.
fn vaults_of(cluster: &Cluster) -> Vec<String> {
    let archive = cluster.archive.as_ref().filter(|archive| archive.enabled);
    let by_id = archive.and_then(|archive| archive.vault.trim_end_matches('/').rsplit('/').next());
    let settings = cluster.settings.as_ref();
    let host = settings.and_then(|settings| vault_host(settings.vault_uri.as_deref()?));
    let by_address = host.as_deref().and_then(|host| host.split('.').next());
    let names = by_id.into_iter().chain(by_address);
    names.map(str::to_ascii_lowercase).collect()
}

/// The warning that names those of them that are there, where there are any. It holds no result up: what takes too long is
/// left out.
pub(super) async fn warning(context: &Context, ids: &[String]) -> Option<Reason> {
    let read = ids.iter().take(MOST).map(|id| is_writers(context, id));
    let read = timeout(PATIENCE, join_all(read)).await.ok()?;
    let there = ids.iter().zip(read).filter(|(_, is_there)| *is_there);
    let there: Vec<&str> = there.map(|(id, _)| id.as_str()).collect();
    (!there.is_empty()).then(|| reason::roles_left_behind(&there))
}

/// Is it the writer's role, on a vault where Vaultbind gives it? What cannot be read is named in no command.
async fn is_writers(context: &Context, id: &str) -> bool {
    let Some((vault, name)) = RoleAssignment::on_vault(id) else {
        return false;
    };
    if !context.policy.reaches(&vault) {
        return false;
    }
    let row = context.arm.role_assignment(&vault, &name).await;
    row.is_ok_and(|row| row.role.eq_ignore_ascii_case(WRITER_ROLE))
}
