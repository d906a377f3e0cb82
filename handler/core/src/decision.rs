//! The decision: policy and inventory in, what becomes of the cluster out, or what has to be read first.
//!
//! It must not change or read anything: it is a pure function, and asking again with more known is how one reads.

mod candidates;
mod changes;
mod considered;
mod current;
mod fitness;
mod in_place;
mod input;
mod moves;
mod proof;
mod ranking;
mod read;
mod stop;
mod unseen;
mod writer;

use crate::{
    inventory::Inventory,
    plan::Plan,
    policy::Rule,
    resource::Vault,
    result::{Candidate, CurrentVault, Outcome, Reason, reason},
};

pub use input::Subject;
pub use read::Read;
pub use stop::Patience;
pub use writer::{Grants, LeftBehind};

use current::CurrentBinding;
use input::Input;
use stop::Stop;

/// What becomes of a cluster: the one record that results, `plan`, `apply`, `explain` and policy tests print.
///
/// One that is `Bound` has rule, vault, writer and no reason; every other has a reason, and of the rest what was known
/// when it was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// How it ends; `Bound` where the cluster belongs to the vault, be it pointed there already or by the plan.
    pub outcome: Outcome,
    /// Why it is not bound.
    pub reason: Option<Reason>,
    /// How long something has to be waited for that will pass by itself; outcome and reason are what it becomes else.
    pub wait: Option<Patience>,
    /// The rule that governs the cluster.
    pub rule: Option<String>,
    /// The vault that the policy chooses, where there is exactly one.
    pub vault: Option<Vault>,
    /// Who writes the credentials, and what gives it the right to.
    pub writer: Option<Grants>,
    /// What has to be changed; of one that waits what it then leads to, as far as that is known.
    pub plan: Plan,
    /// The vaults that were considered.
    pub candidates: Vec<Candidate>,
    /// The vault that the cluster has.
    pub current: Option<CurrentVault>,
    /// What else a person should know.
    pub warnings: Vec<Reason>,
}

impl Decision {
    /// The status of a cluster that waits for something that will pass by itself.
    pub const WAITING: &str = "waiting";
    /// The status of a cluster that is bound once its plan is carried out.
    pub const TO_CHANGE: &str = "to change";

    /// The record that holds nothing but how it ends and why.
    pub fn ending(outcome: Outcome, reason: impl Into<Option<Reason>>) -> Self {
        Self {
            outcome,
            reason: reason.into(),
            wait: None,
            rule: None,
            vault: None,
            writer: None,
            plan: Plan::default(),
            candidates: Vec::new(),
            current: None,
            warnings: Vec::new(),
        }
    }

    /// Does the cluster belong to its vault, with nothing that has to pass first?
    pub fn is_bound(&self) -> bool {
        self.outcome == Outcome::Bound
    }

    /// How it stands with the cluster: the outcome's word, or one for what comes before it.
    pub fn status(&self) -> &'static str {
        match self.wait {
            Some(_) => Self::WAITING,
            None if self.is_bound() && !self.plan.is_empty() => Self::TO_CHANGE,
            None => self.outcome.word(),
        }
    }
}

/// Decides, as far as the inventory allows.
///
/// # Errors
/// What has to be read before the decision can be made.
pub fn decide(subject: &Subject<'_>, inventory: &Inventory) -> Result<Decision, Vec<Read>> {
    let mut decision = Decision::ending(Outcome::Bound, None);
    match way(subject, inventory, &mut decision) {
        Ok(()) => {}
        Err(Stop::Missing(reads)) => return Err(reads),
        Err(Stop::End(outcome, reason)) => {
            decision.outcome = outcome;
            decision.reason = Some(reason);
        }
        Err(Stop::Wait(patience, outcome, reason)) => {
            decision.wait = Some(patience);
            decision.outcome = outcome;
            decision.reason = Some(reason);
        }
    }
    match unseen::note(subject, inventory, &mut decision) {
        Err(Stop::Missing(reads)) => Err(reads),
        _ => Ok(decision),
    }
}

/// The way to a decision, from top to bottom: what a step finds out stands in the record where a later one stops.
fn way(subject: &Subject<'_>, inventory: &Inventory, decision: &mut Decision) -> Result<(), Stop> {
    in_scope(subject)?;
    let input = &Input::of(subject, inventory)?;
    not_deleting(input)?;
    not_exempt(input)?;
    current::not_foreign(input)?;
    let rule = governing(input)?;
    decision.rule = Some(rule.name.clone());
    let current = current::find(input, rule)?;
    note(input, &current, decision);
    let vault = match in_place::stay(input, rule, &current, decision)? {
        Some(vault) => vault,
        None => candidates::choose(input, rule, &current, decision)?,
    };
    if let Err(stop) = moves::may_move(input, rule, &current, vault) {
        input.live(vault)?;
        decision.vault = Some(vault.clone());
        return Err(candidates::refused(input, rule, &current, vault, stop));
    }
    let grants = writer::grants(input, rule, &current, vault);
    // What was listed is read live and judged again, beside what follows from it.
    input.live(vault).map_err(|stop| stop.beside(&grants))?;
    decision.vault = Some(vault.clone());
    // What the writer is refused for, or waits for with the providers, has nothing to do with the vaults beside.
    let candidates = std::mem::take(&mut decision.candidates);
    let refused = |stop| candidates::refused(input, rule, &current, vault, stop);
    let grants = grants.map_err(refused)?;
    decision.plan = changes::lacking(input, &grants, vault);
    if !grants.awaits_registration() {
        decision.candidates = candidates;
        changes::not_busy(input, &decision.plan)?;
    }
    candidates::settled(input, rule, &current, vault)?;
    decision.warnings.extend(grants.left_behind.unknown.clone());
    decision.writer = Some(grants);
    Ok(())
}

/// Notes the vault that the cluster has, and where it is known by another id than it has now.
fn note(input: &Input<'_>, current: &CurrentBinding, decision: &mut Decision) {
    decision.current = current.told(input);
    if let CurrentBinding::Bound {
        id,
        moved_from: Some(before),
        ..
    } = current
    {
        decision.warnings.push(reason::vault_moved(before, id));
    }
}

fn in_scope(subject: &Subject<'_>) -> Result<(), Stop> {
    if subject.policy.covers(subject.cluster.subscription()) {
        return Ok(());
    }
    let reason = reason::out_of_scope(subject.cluster);
    Err(Stop::End(Outcome::Unmatched, reason))
}

fn not_deleting(input: &Input<'_>) -> Result<(), Stop> {
    if !input.cluster.is_deleting() {
        return Ok(());
    }
    let reason = reason::deleting(&input.cluster.id);
    Err(Stop::End(Outcome::Gone, reason))
}

fn not_exempt(input: &Input<'_>) -> Result<(), Stop> {
    let exemption = input.policy.exemption_for(&input.cluster.id, input.today);
    match exemption {
        None => Ok(()),
        Some(exemption) => Err(Stop::End(Outcome::Exempt, reason::exempt(exemption))),
    }
}

/// The rule that governs the cluster: the first whose selector matches.
fn governing<'a>(input: &Input<'a>) -> Result<&'a Rule, Stop> {
    let rule = input.policy.rule_for(input.cluster);
    rule.ok_or_else(|| Stop::End(Outcome::Unmatched, reason::no_rule(&input.cluster.id)))
}
