//! The report: the result of a reconcile as a CloudEvent on the results queue, and whether it is sent at all.
//!
//! It must not judge Azure, and carries nothing but what `BindingResult` names.

mod event;

use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use vaultbind_azure::service_bus::Message;
use vaultbind_core::{
    decision::{Binding, Refusal},
    id::ClusterId,
    inventory::PrincipalId,
    plan::ChangeKind,
    policy::Mode,
    result::{
        ArchiveState, BindingResult, ChangeStatus, ClusterReference, ModeName, Outcome,
        PolicyReference, VaultReference, WriterRecord,
    },
};

use super::{Picture, Verdict};
use crate::{
    context::Context,
    deadline::Deadline,
    queue::{self, SendError},
    request::{Request, hash},
};

pub use event::{ResultEvent, schema};

/// How many candidates a result lists: a message has its bounds, and nobody reads more.
const MOST_CANDIDATES: usize = 50;

/// What there is to report of one look.
#[derive(Debug)]
pub struct Report<'a> {
    /// The request that was served.
    pub request: &'a Request,
    /// The cluster that was looked at.
    pub cluster: &'a ClusterId,
    /// What was seen.
    pub picture: &'a Picture,
    /// What was decided.
    pub verdict: Verdict,
    /// When the look began.
    pub began: OffsetDateTime,
    /// The ids that Azure gave to the calls.
    pub calls: Vec<String>,
}

/// Sends the report unless nothing in it is worth a message; says in one line what was decided.
///
/// # Errors
/// Where Service Bus does not take it.
pub async fn send(
    context: &Context,
    deadline: &mut Deadline,
    report: Report<'_>,
) -> Result<String, SendError> {
    let request = report.request;
    let result = report.result(context);
    let line = summary(&result);
    if !is_worth_a_message(request, &result) {
        tracing::info!(
            outcome = result.outcome.word(),
            "{line}; nothing new, no message"
        );
        return Ok(line);
    }
    let event = report.event(context, result);
    let message = Message {
        body: serde_json::to_string(&event)?,
        content_type: "application/cloudevents+json",
        message_id: event.id.clone(),
        label: Some(event.data.outcome.word().to_owned()),
        correlation_id: request.cause.id.clone(),
        scheduled: None,
        properties: vec![
            ("outcome", event.data.outcome.word().to_owned()),
            ("clusterid", report.cluster.key().to_owned()),
        ],
    };
    queue::send(context, deadline, &context.config.results_queue, &message).await?;
    log(request, &event.data, &line);
    Ok(line)
}

/// Writes the line that dashboards and alerts count: their queries read these fields by name.
fn log(request: &Request, result: &BindingResult, line: &str) {
    let outcome = result.outcome.word();
    let (changed, reason) = (result.changed, result.reason.as_ref());
    let (code, help) = (reason.map(|it| &it.code), reason.map(|it| &it.help));
    let reason = reason.map(|it| &it.message);
    let (traceparent, arm_request_ids) = (&request.traceparent, result.request_ids.join(" "));
    macro_rules! log_at {
        ($level:ident) => {
            tracing::$level!(
                outcome,
                changed,
                code,
                reason,
                help,
                traceparent,
                arm_request_ids,
                "{line}"
            )
        };
    }
    match result.outcome {
        Outcome::Failed => log_at!(error),
        outcome if outcome.is_wrong() => log_at!(warn),
        _ => log_at!(info),
    }
}

/// A sweep, or our own write come back, tells only of what changed or may have, or is wrong.
fn is_worth_a_message(request: &Request, result: &BindingResult) -> bool {
    !request.origin.is_quiet()
        || request.progress.may_hide_a_change()
        || result.changed
        || result.outcome.is_wrong()
}

/// One line for the log of the invocation.
fn summary(result: &BindingResult) -> String {
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

impl Report<'_> {
    fn result(&self, context: &Context) -> BindingResult {
        let request = self.request;
        let (outcome, refusal) = match &self.verdict {
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
            writers: binding.map(|it| self.writers(it)).unwrap_or_default(),
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
            request_ids: self.calls.clone(),
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

    fn writers(&self, binding: &Binding) -> Vec<WriterRecord> {
        let last = |id: &str| {
            id.rsplit('/')
                .next()
                .unwrap_or_default()
                .replace('-', "")
                .to_ascii_lowercase()
        };
        let made: Vec<String> = self
            .request
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

    /// The id by which the queue recognises a repeat of this result.
    fn id(&self, result: &BindingResult, now: OffsetDateTime) -> String {
        let request = self.request;
        let occasion = if !request.origin.is_quiet() {
            request
                .cause
                .id
                .clone()
                .unwrap_or_else(|| request.id.clone())
        } else if result.outcome.is_wrong() && !result.changed {
            now.date().to_string()
        } else {
            request.id.clone()
        };
        let vault = result
            .vault
            .as_ref()
            .map(|it| it.id.to_ascii_lowercase())
            .unwrap_or_default();
        let code = result.reason.as_ref().map_or("", |it| &it.code);
        hash(&[
            &occasion,
            self.cluster.key(),
            result.outcome.word(),
            &vault,
            code,
        ])
    }

    fn event(&self, context: &Context, data: BindingResult) -> ResultEvent {
        let now = context.clock.now();
        ResultEvent {
            specversion: "1.0".to_owned(),
            id: self.id(&data, now),
            source: context.config.source.clone(),
            r#type: format!("vaultbind.binding.{}", data.outcome),
            subject: self.cluster.to_string(),
            time: rfc3339(now),
            datacontenttype: "application/json".to_owned(),
            traceparent: self.request.traceparent.clone(),
            data,
        }
    }
}

fn candidates(
    refusal: Option<&Refusal>,
    binding: Option<&Binding>,
) -> Vec<vaultbind_core::result::Candidate> {
    let considered = match (refusal, binding) {
        (Some(refusal), _) if !refusal.candidates.is_empty() => &refusal.candidates,
        (_, Some(binding)) => &binding.candidates,
        _ => return Vec::new(),
    };
    considered.iter().take(MOST_CANDIDATES).cloned().collect()
}

fn rfc3339(time: OffsetDateTime) -> String {
    // Only years beyond 9999 cannot be written.
    time.format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests;
