//! The result of a reconcile: what was seen, decided and changed, as consumers read it.
//!
//! It must not judge Azure, nor send anything.

use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use vaultbind_azure::http::Recorder;
use vaultbind_core::{
    archive::ArchiveStatus,
    decision::{Decision, Grants},
    id::{ClusterId, VaultId},
    inventory::Sighting,
    observation::Observation,
    plan::ChangeKind,
    policy::{Mode, Policy},
    resource::{Cluster, PrincipalId, RoleAssignment},
    result::{
        BindingResult, ChangeRecord, ChangeStatus, ClusterReference, ModeName, Outcome,
        PolicyReference, Reason, Severity, VaultReference, WriterRecord,
    },
};

use super::{Error, left_behind};
use crate::{
    context::Context,
    request::{Chosen, Progress, Request},
};

/// How many candidates a result lists: a message has its bounds, and nobody reads more.
const MOST_CANDIDATES: usize = 50;

/// What there is to tell of one reconcile: it outlives one that is cut short.
#[derive(Debug)]
pub(super) struct Report {
    /// The cluster that was reconciled.
    id: ClusterId,
    /// The cluster as it was last read.
    cluster: Option<Cluster>,
    /// What was decided last.
    decision: Option<Decision>,
    /// When cluster, current and wanted vault were last changed.
    modified: Vec<String>,
    /// That roles stay where the cluster is not, with the command that removes them.
    roles_left: Option<Reason>,
    /// The ids that Azure gave to the calls.
    pub(super) calls: Recorder,
    began: OffsetDateTime,
}

impl Report {
    /// Of a reconcile that begins now.
    pub(super) fn begin(context: &Context, cluster: &ClusterId) -> Self {
        Self {
            id: cluster.clone(),
            cluster: None,
            decision: None,
            modified: Vec::new(),
            roles_left: None,
            calls: Recorder::default(),
            began: context.clock.now(),
        }
    }

    /// Takes in what was seen, and comes back with what was decided.
    ///
    /// # Errors
    /// Where the cluster is not there, or something has to pass first.
    pub(super) fn take_in(&mut self, seen: &Observation) -> Result<Decision, Error> {
        self.cluster = seen.cluster().cloned();
        self.modified = modified(seen);
        let decision = self.decision.insert(seen.decision.clone());
        if matches!(seen.inventory.clusters.get(&self.id), Some(None)) {
            return Err(Error::Absent(self.id.clone()));
        }
        if decision.wait.is_some() {
            return Err(Error::Wait(Box::new(decision.clone())));
        }
        Ok(decision.clone())
    }

    /// Looks at the roles that stay where the cluster is not.
    pub(super) async fn look_behind(
        &mut self,
        context: &Context,
        progress: &Progress,
        outcome: Outcome,
    ) {
        let ids = self.left_behind(progress, outcome);
        if outcome != Outcome::Planned && !ids.is_empty() {
            self.roles_left = left_behind::warning(context, &ids).await;
        }
    }

    fn left_behind(&self, progress: &Progress, outcome: Outcome) -> Vec<String> {
        let (cluster, decision) = (self.cluster.as_ref(), self.decision.as_ref());
        left_behind::ids(progress, cluster, decision, outcome)
    }

    /// Why the cluster is not bound, as far as it was decided.
    pub(super) fn reason(&self) -> Option<Reason> {
        self.decision.as_ref()?.reason.clone()
    }

    /// The result that tells of what was seen and decided, and how it ended.
    pub(super) fn result(
        &self,
        context: &Context,
        request: &Request,
        outcome: Outcome,
        reason: Option<Reason>,
    ) -> BindingResult {
        let decision = self.decision.as_ref();
        let grants = decision.and_then(|decision| decision.writer.as_ref());
        let vault = decision.and_then(|decision| decision.vault.as_ref());
        let candidates = decision.map_or(&[][..], |decision| &decision.candidates);
        // What stands beside a refusal is of that decision, and of a binding, of the choice that led to it.
        let chosen = request.progress.chosen.as_ref();
        let chosen = chosen.filter(|chosen| {
            outcome == Outcome::Bound && vault.is_some_and(|vault| vault.id == chosen.vault)
        });
        let candidates = chosen.map_or(candidates, |chosen| &chosen.candidates);
        let after = self.cluster.as_ref().map(ArchiveStatus::of);
        let changes = changes(&request.progress, after.as_ref());
        let is_unknown = |change: &ChangeRecord| change.status == ChangeStatus::Unknown;
        let mut warnings = warnings(chosen, decision);
        warnings.extend(self.roles_left.clone());
        BindingResult {
            outcome,
            changed: request.progress.has_changed(),
            severity: Severity::of(outcome, !warnings.is_empty()),
            redelivered: request.progress.redelivered || changes.iter().any(is_unknown),
            mode: match context.policy.mode {
                Mode::Enforce => ModeName::Enforce,
                Mode::Audit => ModeName::Audit,
            },
            cluster: self.cluster_reference(&context.policy),
            vault: vault.map(VaultReference::of),
            current: decision.and_then(|decision| decision.current.clone()),
            rule: decision.and_then(|decision| decision.rule.clone()),
            shape: grants.map(|grants| grants.archive.property()),
            writers: grants
                .map(|grants| writers(request, grants))
                .unwrap_or_default(),
            writer_reason: grants.map(|grants| grants.reason.to_owned()),
            changes,
            left_behind: self.left_behind(&request.progress, outcome),
            before: request.progress.before.clone(),
            after,
            reason,
            warnings,
            candidates: candidates.iter().take(MOST_CANDIDATES).cloned().collect(),
            truncated: candidates.len() > MOST_CANDIDATES
                || chosen.is_some_and(|chosen| chosen.is_cut),
            policy: PolicyReference {
                digest: context.policy.digest.clone(),
                version: context.policy.version,
            },
            cause: request.cause.clone(),
            attempts: request.attempts(),
            started_at: rfc3339(self.began),
            duration_ms: (context.clock.now() - self.began)
                .whole_milliseconds()
                .try_into()
                .unwrap_or_default(),
            request_ids: self.calls.ids(),
            modified: self.modified.clone(),
        }
    }

    fn cluster_reference(&self, policy: &Policy) -> ClusterReference {
        let seen = self.cluster.as_ref();
        let tags = seen.into_iter().flat_map(|cluster| cluster.tags.iter());
        let named = tags.filter(|(name, _)| policy.names_tag(name));
        ClusterReference {
            id: self.id.to_string(),
            name: self.id.name().to_owned(),
            location: seen.map(|cluster| cluster.location.clone()),
            detailed_status: seen.and_then(|cluster| cluster.detailed_status.clone()),
            tags: named
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        }
    }
}

/// What became of the changes. An operation that failed may have left its value on the cluster all the same.
fn changes(progress: &Progress, after: Option<&ArchiveStatus>) -> Vec<ChangeRecord> {
    let is_other = after.is_some() && progress.before.as_ref() != after;
    let was_taken = progress.patches > 0;
    let told = |change: &ChangeRecord| {
        let mut change = change.clone();
        let sets = change.kind == ChangeKind::SetArchive;
        if sets && change.status == ChangeStatus::Failed && is_other && was_taken {
            change.status = ChangeStatus::Unknown;
        }
        change
    };
    progress.changes.iter().map(told).collect()
}

/// When cluster, current and wanted vault were last changed, as far as that was read.
fn modified(seen: &Observation) -> Vec<String> {
    let read = |id: &VaultId| match seen.inventory.vaults.get(id)? {
        Sighting::Found(vault) => vault.modified_at.clone(),
        _ => None,
    };
    let cluster = seen
        .cluster()
        .and_then(|cluster| cluster.modified_at.clone());
    let current = seen.decision.current.as_ref();
    let current = current.and_then(|current| current.id.as_ref()?.parse().ok());
    let current = current.as_ref().and_then(read);
    let wanted = seen.decision.vault.as_ref();
    let wanted = wanted.and_then(|vault| read(&vault.id));
    let modified = [cluster, current, wanted].into_iter();
    modified.map(Option::unwrap_or_default).collect()
}

/// What there is to know now, and what there was to know when the vault was chosen.
fn warnings(chosen: Option<&Chosen>, decision: Option<&Decision>) -> Vec<Reason> {
    let now = decision.map_or(&[][..], |decision| &decision.warnings);
    let before = chosen.map_or(&[][..], |chosen| &chosen.warnings);
    let before = before.iter().filter(|warning| !now.contains(warning));
    now.iter().chain(before).cloned().collect()
}

/// Does the binding as it was read back show the change? A role on a vault that was not chosen in the end is not seen.
pub(super) fn is_shown(decision: &Decision, change: &ChangeRecord) -> bool {
    let grants = decision.writer.as_ref();
    let mut given = grants.into_iter().flat_map(|grants| &grants.principals);
    match change.kind {
        ChangeKind::RegisterProvider | ChangeKind::SetArchive => true,
        ChangeKind::AssignRole => given.any(|(_, row)| {
            row.as_ref()
                .is_some_and(|row| last(&row.id) == last(&change.target))
        }),
    }
}

/// The name of a role assignment, in one spelling.
fn last(id: &str) -> String {
    let name = id.rsplit('/').next().unwrap_or_default();
    name.replace('-', "").to_ascii_lowercase()
}

fn writers(request: &Request, grants: &Grants) -> Vec<WriterRecord> {
    let made: Vec<String> = request
        .progress
        .changes
        .iter()
        .filter(|change| {
            change.kind == ChangeKind::AssignRole && change.status == ChangeStatus::Done
        })
        .map(|change| last(&change.target))
        .collect();
    let record = |(principal, row): &(PrincipalId, Option<RoleAssignment>)| WriterRecord {
        kind: grants.writer,
        principal_id: principal.to_string(),
        role_assignment_id: row.as_ref().map(|row| row.id.clone()),
        created: row
            .as_ref()
            .is_some_and(|row| made.contains(&last(&row.id))),
    };
    grants.principals.iter().map(record).collect()
}

/// The result in one line, for logs.
pub(crate) fn in_one_line(result: &BindingResult) -> String {
    let vault = result
        .vault
        .as_ref()
        .map(|vault| vault.id.rsplit('/').next().unwrap_or_default());
    let to = vault.map(|name| format!(" to {name}")).unwrap_or_default();
    let made = result
        .changes
        .iter()
        .filter(|change| change.status != ChangeStatus::Present);
    let made: Vec<String> = made
        .map(|change| format!("{:?} {:?}", change.kind, change.status).to_lowercase())
        .collect();
    let changes = if made.is_empty() {
        "nothing changed".to_owned()
    } else {
        made.join(", ")
    };
    let why = result
        .reason
        .as_ref()
        .map(|reason| format!(", {}: {}", reason.code, reason.message.escape_debug()))
        .unwrap_or_default();
    format!(
        "{} {}{to} ({changes}){why}",
        result.outcome, result.cluster.name
    )
}

/// A time as results hold it.
pub(crate) fn rfc3339(time: OffsetDateTime) -> String {
    // Only years beyond 9999 cannot be written.
    time.format(&Rfc3339).unwrap_or_default()
}
