//! The result of a reconcile: what was seen, decided and changed, as consumers read it.
//!
//! It must not judge Azure, nor send anything.

use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use vaultbind_azure::http::Recorder;
use vaultbind_core::{
    decision::adapter::{Binding, Refusal},
    id::ClusterId,
    inventory::PrincipalId,
    plan::ChangeKind,
    policy::Mode,
    result::{
        ArchiveState, BindingResult, Candidate, ChangeStatus, ClusterReference, ModeName, Outcome,
        PolicyReference, VaultReference, WriterRecord,
    },
};

use super::{Picture, Verdict};
use crate::{context::Context, request::Request};

/// How many candidates a result lists: a message has its bounds, and nobody reads more.
const MOST_CANDIDATES: usize = 50;

/// What there is to tell of one reconcile.
#[derive(Debug)]
pub(super) struct Report {
    /// The cluster that was reconciled.
    pub(super) cluster: ClusterId,
    /// What was seen.
    pub(super) picture: Picture,
    /// The ids that Azure gave to the calls.
    pub(super) calls: Recorder,
    began: OffsetDateTime,
}

impl Report {
    /// Of a reconcile that begins now.
    pub(super) fn begin(context: &Context, cluster: &ClusterId) -> Self {
        Self {
            cluster: cluster.clone(),
            picture: Picture::default(),
            calls: Recorder::default(),
            began: context.clock.now(),
        }
    }

    /// The result that tells of the verdict.
    pub(super) fn result(
        &self,
        context: &Context,
        request: &Request,
        verdict: &Verdict,
    ) -> BindingResult {
        let (outcome, refusal) = match verdict {
            Verdict::Bound => (Outcome::Bound, None),
            Verdict::Planned => (Outcome::Planned, None),
            Verdict::Refused(refusal) => (refusal.outcome, Some(refusal.as_ref())),
        };
        let binding = self.picture.binding.as_deref();
        let vault = binding.map(|it| VaultReference::of(&it.vault));
        BindingResult {
            outcome,
            changed: request.progress.has_changed(),
            mode: match context.policy.mode {
                Mode::Enforce => ModeName::Enforce,
                Mode::Audit => ModeName::Audit,
            },
            cluster: self.cluster_reference(),
            vault: refusal.and_then(|it| it.vault.clone()).or(vault),
            rule: refusal
                .and_then(|it| it.rule.clone())
                .or(binding.map(|it| it.rule.clone())),
            shape: binding.map(|it| it.archive.shape()),
            writers: binding.map(|it| writers(request, it)).unwrap_or_default(),
            writer_reason: binding.map(|it| it.writer_reason.to_owned()),
            changes: request.progress.changes.clone(),
            left_behind: request.progress.left_behind.clone(),
            before: request.progress.before.clone(),
            after: self.picture.cluster.as_ref().map(ArchiveState::of),
            reason: refusal.map(|it| it.reason.clone()),
            candidates: candidates(refusal, binding),
            policy: PolicyReference {
                digest: context.policy.digest.clone(),
                version: context.policy.version,
            },
            cause: request.cause.clone(),
            attempts: request.attempt.saturating_add(1),
            started_at: rfc3339(self.began),
            duration_ms: (context.clock.now() - self.began)
                .whole_milliseconds()
                .try_into()
                .unwrap_or_default(),
            request_ids: self.calls.ids(),
        }
    }

    fn cluster_reference(&self) -> ClusterReference {
        let seen = self.picture.cluster.as_ref();
        ClusterReference {
            id: self.cluster.to_string(),
            name: self.cluster.name().to_owned(),
            location: seen.map(|it| it.location.clone()),
            detailed_status: seen.and_then(|it| it.detailed_status.clone()),
        }
    }
}

fn writers(request: &Request, binding: &Binding) -> Vec<WriterRecord> {
    let last = |id: &str| {
        id.rsplit('/')
            .next()
            .unwrap_or_default()
            .replace('-', "")
            .to_ascii_lowercase()
    };
    let made: Vec<String> = request
        .progress
        .changes
        .iter()
        .filter(|it| it.kind == ChangeKind::AssignRole && it.status == ChangeStatus::Done)
        .map(|it| last(&it.target))
        .collect();
    let record = |(principal, assignment): &(PrincipalId, Option<String>)| WriterRecord {
        kind: binding.writer,
        principal_id: principal.to_string(),
        role_assignment_id: assignment.clone(),
        created: assignment
            .as_deref()
            .is_some_and(|id| made.contains(&last(id))),
    };
    binding.principals.iter().map(record).collect()
}

fn candidates(refusal: Option<&Refusal>, binding: Option<&Binding>) -> Vec<Candidate> {
    let considered = match (refusal, binding) {
        (Some(refusal), _) if !refusal.candidates.is_empty() => &refusal.candidates,
        (_, Some(binding)) => &binding.candidates,
        _ => return Vec::new(),
    };
    considered.iter().take(MOST_CANDIDATES).cloned().collect()
}

/// The result in one line, for logs.
pub(crate) fn in_one_line(result: &BindingResult) -> String {
    let vault = result
        .vault
        .as_ref()
        .map(|it| it.id.rsplit('/').next().unwrap_or_default());
    let to = vault.map(|name| format!(" to {name}")).unwrap_or_default();
    let made = result
        .changes
        .iter()
        .filter(|it| it.status != ChangeStatus::Present);
    let made: Vec<String> = made
        .map(|it| format!("{:?} {:?}", it.kind, it.status).to_lowercase())
        .collect();
    let changes = if made.is_empty() {
        "nothing changed".to_owned()
    } else {
        made.join(", ")
    };
    let why = result
        .reason
        .as_ref()
        .map(|it| format!(", {}: {}", it.code, it.message.escape_debug()))
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
