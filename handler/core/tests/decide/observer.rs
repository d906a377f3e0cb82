//! Observing an estate in memory: what a decision asks for is entered into its inventory.
//!
//! It must not enter anything else, and every question has to be a new one within the policy's reach.

use vaultbind_core::{
    decision::{Decision, Read, Subject, decide},
    inventory::Inventory,
    policy::Policy,
};

use super::estate::Estate;

/// More rounds than this are no decision.
const MAX_ROUNDS: usize = 40;

/// What is asked about an estate.
pub(crate) fn subject<'a>(policy: &'a Policy, estate: &'a Estate) -> Subject<'a> {
    Subject {
        policy,
        cluster: &estate.cluster.id,
        vault_hint: estate.hint.as_ref(),
        today: estate.today,
        vault_suffix: "vault.azure.net",
    }
}

/// Answers what `pick` leaves of the questions of each round, until there are none; the rounds and the decision.
pub(crate) fn observe(
    policy: &Policy,
    estate: &Estate,
    pick: impl Fn(Vec<Read>) -> Vec<Read>,
) -> (Vec<Vec<Read>>, Decision) {
    let (rounds, _, decision) = seen(policy, estate, pick);
    (rounds, decision)
}

/// The same with what was seen.
pub(crate) fn seen(
    policy: &Policy,
    estate: &Estate,
    pick: impl Fn(Vec<Read>) -> Vec<Read>,
) -> (Vec<Vec<Read>>, Inventory, Decision) {
    let subject = subject(policy, estate);
    let mut inventory = Inventory::default();
    let mut rounds: Vec<Vec<Read>> = Vec::new();
    while rounds.len() < MAX_ROUNDS {
        let reads = match decide(&subject, &inventory) {
            Ok(decision) => return (rounds, inventory, decision),
            Err(missing) => pick(missing),
        };
        assert!(!reads.is_empty(), "it looks at nothing");
        for read in &reads {
            let is_new = !rounds.iter().flatten().any(|it| it == read);
            assert!(is_new, "it looks twice: {read:?}");
            check_reach(policy, estate, read);
            estate.answer(policy, read, &mut inventory);
        }
        rounds.push(reads);
    }
    panic!("no decision after {MAX_ROUNDS} rounds: {rounds:?}");
}

/// Nothing outside the scope is read, but for what a rule's boundary names.
fn check_reach(policy: &Policy, estate: &Estate, read: &Read) {
    let within = || policy.rules.iter().flat_map(|rule| &rule.vaults.within);
    let is_reached = match read {
        Read::Vault(vault) | Read::Roles(vault, _) => {
            policy.covers(vault.subscription()) || within().any(|scope| scope.contains(vault))
        }
        Read::DeletedVaults(subscription) => {
            policy.covers(subscription)
                || within().any(|scope| scope.subscription() == subscription)
        }
        _ => policy.covers(estate.cluster.id.subscription()),
    };
    assert!(is_reached, "it looks where it may not: {read:?}");
}
