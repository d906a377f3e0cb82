//! Observing what is given, in memory: what a decision asks for is entered into its inventory.
//!
//! It must not enter anything else, and every question has to be a new one within the policy's reach.

use std::sync::Mutex;

use time::{Date, macros::date};
use vaultbind_core::{
    decision::{Decision, Read, Subject},
    expectation::Given,
    inventory::Inventory,
    observation::{Observation, Source, Unsettled, at_once},
    policy::Policy,
};

/// The day on which nothing else is said.
const TODAY: Date = date!(2026 - 11 - 23);

/// What is asked about an estate.
pub(crate) fn subject<'a>(policy: &'a Policy, given: &'a Given) -> Subject<'a> {
    given.subject(policy, TODAY, "vault.azure.net")
}

/// An estate that is read, and what was read of it in each round.
struct Observed<'a, P> {
    policy: &'a Policy,
    given: &'a Given,
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
            let is_new = !rounds.iter().flatten().any(|earlier| earlier == read);
            assert!(is_new, "it looks twice: {read:?}");
            check_reach(self.policy, self.given, read);
            let mut fact = self.given.fact(read);
            // A list that was kept may be older than the request.
            let is_kept = matches!(read, Read::Vaults(_));
            let listed = fact.listed.values_mut();
            listed.for_each(|list| list.is_current = !is_kept);
            seen.extend(fact);
        }
        assert!(seen.assumed.is_empty(), "{:?} are not known", seen.assumed);
        rounds.push(reads);
        Ok(seen)
    }
}

/// Answers what `pick` leaves of the questions of each round, until there are none; the rounds and what was observed.
pub(crate) fn observe(
    policy: &Policy,
    given: &Given,
    pick: impl Fn(Vec<Read>) -> Vec<Read>,
) -> (Vec<Vec<Read>>, Observation) {
    let source = Observed {
        policy,
        given,
        pick,
        rounds: Mutex::default(),
    };
    let (subject, known) = (subject(policy, given), Inventory::default());
    let observing = vaultbind_core::observation::observe(&source, &subject, known, Vec::new());
    let observed =
        at_once(observing).unwrap_or_else(|error| panic!("{error}: {:?}", source.rounds));
    (source.rounds.into_inner().unwrap(), observed)
}

/// What is decided where every question is answered at once.
pub(crate) fn decided(policy: &Policy, given: &Given) -> Decision {
    observe(policy, given, |reads| reads).1.decision
}

/// Nothing outside the scope is read, but for what a rule's boundary names.
fn check_reach(policy: &Policy, given: &Given, read: &Read) {
    let within = || policy.rules.iter().flat_map(|rule| &rule.vaults.within);
    let read = match read {
        Read::LeftBehind(read) => read,
        read => read,
    };
    let is_reached = match read {
        Read::Vault(vault) | Read::Roles(vault, _) => {
            policy.covers(vault.subscription()) || within().any(|scope| scope.contains(vault))
        }
        Read::DeletedVaults(subscription) => {
            policy.covers(subscription)
                || within().any(|scope| scope.subscription() == subscription)
        }
        _ => policy.covers(given.cluster.subscription()),
    };
    assert!(is_reached, "it looks where it may not: {read:?}");
}
