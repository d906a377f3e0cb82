//! Observing an estate in memory: what a decision asks for is entered into its inventory.
//!
//! It must not enter anything else, and every question has to be a new one within the policy's reach.

use std::sync::Mutex;

use vaultbind_core::{
    decision::{Decision, Read, Subject},
    inventory::Inventory,
    observation::{Source, Unsettled, at_once},
    policy::Policy,
};

use super::estate::Estate;

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

/// An estate that is read, and what was read of it in each round.
struct Observed<'a, P> {
    policy: &'a Policy,
    estate: &'a Estate,
    /// What is answered of the questions of a round.
    pick: P,
    rounds: Mutex<Vec<Vec<Read>>>,
}

impl<P: Fn(Vec<Read>) -> Vec<Read>> Source for Observed<'_, P> {
    type Error = Unsettled;

    async fn read(&self, reads: Vec<Read>, _: &Inventory) -> Result<Inventory, Unsettled> {
        let reads = (self.pick)(reads);
        let mut rounds = self.rounds.lock().unwrap();
        let mut seen = Inventory::default();
        assert!(!reads.is_empty(), "it looks at nothing");
        for read in &reads {
            let is_new = !rounds.iter().flatten().any(|it| it == read);
            assert!(is_new, "it looks twice: {read:?}");
            check_reach(self.policy, self.estate, read);
            seen.extend(self.estate.fact(read));
        }
        assert!(seen.assumed.is_empty(), "{:?} are not known", seen.assumed);
        rounds.push(reads);
        Ok(seen)
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
    let source = Observed {
        policy,
        estate,
        pick,
        rounds: Mutex::default(),
    };
    let subject = subject(policy, estate);
    let known = Inventory::default();
    let observing = vaultbind_core::observation::observe(&source, &subject, known, Vec::new());
    let observed = at_once(observing).unwrap_or_else(|it| panic!("{it}: {:?}", source.rounds));
    let rounds = source.rounds.into_inner().unwrap();
    (rounds, observed.inventory, observed.decision)
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
