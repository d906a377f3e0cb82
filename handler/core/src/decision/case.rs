//! The way of one cluster to its decision: exemption, archive, rule, choice, writer, plan.
//!
//! It must not read or change anything; where something is missing it says what to read.

use super::{
    Binding, Decision, Patience, Question, Read, Refusal, Wait,
    choice::{self, Choice},
    current::{self, Current},
    planning, refuse, writer,
};
use crate::{
    api_version::ApiVersion,
    id::VaultId,
    inventory::{Cluster, Inventory, Vault, VaultSighting},
    plan::{Change, Plan},
    policy::{Mode, Policy, Rebind, Rule},
    result::{Candidate, Outcome, Reason, VaultReference, reason},
};

/// One cluster with everything that its decision rests on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) question: &'a Question<'a>,
    pub(crate) inventory: &'a Inventory,
    pub(crate) version: ApiVersion,
    pub(crate) cluster: &'a Cluster,
}

impl<'a> Case<'a> {
    pub(super) fn decide(&self) -> Decision {
        let cluster = self.cluster;
        if cluster
            .detailed_status
            .as_deref()
            .is_some_and(|it| it.eq_ignore_ascii_case("Deleting"))
        {
            return refuse(Outcome::Gone, reason::deleting(&cluster.id));
        }
        if let Some(exemption) = self.policy.exemption_for(&cluster.id, self.question.today) {
            return refuse(Outcome::Exempt, reason::exempt(exemption));
        }
        if let Some(provider) = current::foreign_archive(cluster, self.version) {
            return refuse(Outcome::Held, reason::foreign_archive(&provider));
        }
        match self.policy.rule_for(cluster) {
            None => refuse(Outcome::Unmatched, reason::no_rule(&cluster.id)),
            Some(rule) => self.under(rule),
        }
    }

    /// The cluster's vault under its rule, against the vault that it is bound to.
    fn under(&self, rule: &'a Rule) -> Decision {
        let current = match current::find(self) {
            Ok(current) => current,
            Err(reads) => return Decision::Look(reads),
        };
        let choice = choice::choose(self, rule);
        match (&current, choice) {
            (_, Choice::Unread(vaults)) => {
                Decision::Look(vaults.into_iter().map(Read::Vault).collect())
            }
            (Current::Deleted(bound), choice) => self.orphan(rule, bound, choice),
            (_, Choice::None(refusal)) => self.no_vault(refusal),
            (_, Choice::NotReady(refusal)) => Decision::Wait(Box::new(Wait {
                refusal: *refusal,
                patience: Patience::Hour,
                plan: Plan::default(),
            })),
            (_, Choice::One(vault, candidates)) => {
                self.one_vault(rule, &current, vault, candidates)
            }
        }
    }

    /// No refusal rests on candidates that were read before the request was made.
    fn no_vault(&self, refusal: Box<Refusal>) -> Decision {
        if self.inventory.candidates_are_current {
            Decision::Refuse(refusal)
        } else {
            Decision::Look(vec![Read::CurrentCandidates])
        }
    }

    fn orphan(&self, rule: &Rule, bound: &str, choice: Choice<'a>) -> Decision {
        match choice {
            Choice::One(vault, candidates) => {
                let current = Current::Deleted(bound.to_owned());
                if let Some(reads) = self.unread(rule, &current, vault, &candidates) {
                    return Decision::Look(reads);
                }
                if rule.rebind != Rebind::Never {
                    return self.bind(rule, &current, vault, candidates);
                }
                let reason = reason::orphaned(bound, Some(&vault.id), rule.rebind);
                Decision::Refuse(Box::new(Refusal {
                    vault: Some(VaultReference::of(vault)),
                    candidates,
                    ..refusal_under(rule, Outcome::Orphaned, reason)
                }))
            }
            Choice::Unread(vaults) => Decision::Look(vaults.into_iter().map(Read::Vault).collect()),
            Choice::None(refusal) | Choice::NotReady(refusal) => {
                if !self.inventory.candidates_are_current {
                    return Decision::Look(vec![Read::CurrentCandidates]);
                }
                let reason = reason::orphaned(bound, None, rule.rebind);
                Decision::Refuse(Box::new(Refusal {
                    candidates: refusal.candidates,
                    ..refusal_under(rule, Outcome::Orphaned, reason)
                }))
            }
        }
    }

    /// What ranks first on Resource Graph's word alone is read live and judged again, with what follows from it.
    fn unread(
        &self,
        rule: &Rule,
        current: &Current,
        vault: &Vault,
        candidates: &[Candidate],
    ) -> Option<Vec<Read>> {
        if self.inventory.vaults.contains_key(&vault.id) {
            return None;
        }
        let mut reads = vec![Read::Vault(vault.id.clone())];
        if let Decision::Look(more) = self.bind(rule, current, vault, candidates.to_vec()) {
            reads.extend(more);
        }
        Some(reads)
    }

    fn one_vault(
        &self,
        rule: &Rule,
        current: &Current,
        vault: &Vault,
        candidates: Vec<Candidate>,
    ) -> Decision {
        if let Some(reads) = self.unread(rule, current, vault, &candidates) {
            return Decision::Look(reads);
        }
        match current::obstacle(current, rule, vault) {
            None => self.bind(rule, current, vault, candidates),
            Some(reason) => Decision::Refuse(Box::new(Refusal {
                vault: Some(VaultReference::of(vault)),
                candidates,
                ..refusal_under(rule, Outcome::Held, reason)
            })),
        }
    }

    fn bind(
        &self,
        rule: &Rule,
        current: &Current,
        vault: &Vault,
        candidates: Vec<Candidate>,
    ) -> Decision {
        let assignment = match writer::assign(self, rule, current, vault) {
            Ok(assignment) => assignment,
            Err(decision) => return decision,
        };
        let plan = planning::plan(self, &assignment, vault);
        // What is only to be told of has no need to wait for its turn.
        let tells_only = self.policy.mode == Mode::Audit && !plan.is_empty();
        if !tells_only && planning::awaits_cluster(&plan, self.cluster) {
            let reason = reason::cluster_busy(&self.cluster.id, &self.cluster.provisioning_state);
            let refusal = Refusal {
                vault: Some(VaultReference::of(vault)),
                candidates,
                ..refusal_under(rule, Outcome::Failed, reason)
            };
            return Decision::Wait(Box::new(Wait {
                refusal,
                patience: Patience::Deadline,
                plan,
            }));
        }
        Decision::Bind(Box::new(Binding {
            rule: rule.name.clone(),
            vault: vault.clone(),
            writer: assignment.writer,
            writer_reason: assignment.reason,
            principals: assignment.principals,
            archive: assignment.archive,
            youngest_role: assignment.youngest_role,
            left_behind: assignment.left_behind,
            candidates,
            plan,
        }))
    }

    /// The registration of the provider, where it is needed.
    pub(crate) fn registration(&self) -> Option<Change> {
        let provider = self.inventory.provider.as_ref()?;
        let subscription = self.cluster.id.subscription().clone();
        provider
            .needs_registration()
            .then_some(Change::RegisterProvider(subscription))
    }

    /// The vault as it was read live, else as Resource Graph shows it.
    pub(crate) fn sighting(&self, vault: &VaultId) -> Option<&'a VaultSighting> {
        self.inventory.vaults.get(vault)
    }

    /// May the policy's reader look at this vault at all?
    pub(crate) fn may_read(&self, vault: &VaultId) -> bool {
        self.policy.covers(vault.subscription())
            || self
                .policy
                .rules
                .iter()
                .any(|rule| rule.vaults.is_within(vault))
    }
}

/// A refusal that names its rule.
pub(crate) fn refusal_under(rule: &Rule, outcome: Outcome, reason: Reason) -> Refusal {
    Refusal {
        outcome,
        reason,
        rule: Some(rule.name.clone()),
        vault: None,
        candidates: Vec::new(),
    }
}
