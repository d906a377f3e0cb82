//! Subscriptions of the policy that cannot be seen: who finds nothing has to say where he could not look.
//!
//! It must not decide by them: what is not seen is neither there nor not there.

use super::{
    Decision, Read, Subject,
    stop::{Stop, all, known},
};
use crate::{
    id::SubscriptionId,
    inventory::Inventory,
    policy::Rule,
    result::{Code, Reason, reason},
};

/// Those of these subscriptions that cannot be seen, as warnings.
fn warnings<'a>(
    inventory: &Inventory,
    subscriptions: impl Iterator<Item = &'a SubscriptionId>,
) -> Result<Vec<Reason>, Stop> {
    let mut asked: Vec<&SubscriptionId> = subscriptions.collect();
    asked.sort_unstable();
    asked.dedup();
    let visible = |of: &&SubscriptionId| {
        let visible = inventory.visible.get(*of).copied();
        known(visible, || Read::Visible((*of).clone()))
    };
    let visible = all(asked.iter().map(visible))?;
    let unseen = asked
        .into_iter()
        .zip(visible)
        .filter(|(_, visible)| !visible);
    Ok(unseen
        .map(|(of, _)| reason::subscription_not_visible(of))
        .collect())
}

/// The boundaries of a rule that lie where nothing can be seen.
pub(super) fn of_rule(inventory: &Inventory, rule: &Rule) -> Result<Vec<Reason>, Stop> {
    warnings(inventory, rule.vaults.subscriptions())
}

/// A vault that was searched for and not found may lie where nothing can be seen.
pub(super) fn note(
    subject: &Subject<'_>,
    inventory: &Inventory,
    decision: &mut Decision,
) -> Result<(), Stop> {
    let was_searched = |reason: &Reason| reason.is(Code::BoundVaultNotVisible);
    if !decision.reason.as_ref().is_some_and(was_searched) {
        return Ok(());
    }
    let policy = subject.policy;
    let scope = policy.scope.iter().flatten();
    let mut unseen = warnings(inventory, scope.chain(&policy.vault_subscriptions))?;
    unseen.retain(|warning| !decision.warnings.contains(warning));
    decision.warnings.extend(unseen);
    Ok(())
}
