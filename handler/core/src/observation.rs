//! Observing: what the decision asks for is read, until it asks for nothing more. Everybody observes by this one loop.
//!
//! It must not read by itself: a `Source` does, be it Azure or an inventory that somebody captured or wrote.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use crate::{
    decision::{Decision, Read, Subject, decide},
    id::ClusterId,
    inventory::Inventory,
    resource::Cluster,
};

/// More rounds than any decision takes.
const MAX_ROUNDS: usize = 40;

/// Where facts come from.
pub trait Source {
    /// Why something could not be read.
    type Error: From<Unsettled>;

    /// Reads what is asked for, side by side; `known` is what was read before.
    ///
    /// Comes back with what there is to know, also with what replaces something known; what is left out is asked for again.
    fn read(
        &self,
        reads: Vec<Read>,
        known: &Inventory,
    ) -> impl Future<Output = Result<Inventory, Self::Error>>;
}

/// The decision asks for something else in each round: the estate changes under our eyes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no decision after {MAX_ROUNDS} rounds of reading")]
pub struct Unsettled;

/// What was seen of a cluster, and what follows from it.
#[derive(Debug, Clone)]
pub struct Observation {
    /// The cluster that was asked about.
    pub id: ClusterId,
    /// What was seen.
    pub inventory: Inventory,
    /// What follows.
    pub decision: Decision,
}

impl Observation {
    /// The cluster as it was last read.
    pub fn cluster(&self) -> Option<&Cluster> {
        self.inventory.cluster(&self.id)
    }
}

/// Reads what the decision about a cluster needs beyond what is known, beginning with what is asked for anyway.
///
/// # Errors
/// Where a read failed, or there is no end to them.
pub async fn observe<S: Source>(
    source: &S,
    subject: &Subject<'_>,
    mut known: Inventory,
    mut reads: Vec<Read>,
) -> Result<Observation, S::Error> {
    for _ in 0..MAX_ROUNDS {
        if !reads.is_empty() {
            let seen = source.read(reads, &known).await?;
            known.extend(seen);
        }
        match decide(subject, &known) {
            Err(missing) => reads = missing,
            Ok(decision) => {
                return Ok(Observation {
                    id: subject.cluster.clone(),
                    inventory: known,
                    decision,
                });
            }
        }
    }
    Err(Unsettled.into())
}

/// Observes a cluster of an inventory that holds an estate; what it does not know is assumed, and said.
pub fn observe_offline(
    estate: &impl Source<Error = Unsettled>,
    subject: &Subject<'_>,
) -> Observation {
    let observing = observe(estate, subject, Inventory::default(), Vec::new());
    // An inventory answers every read, and there are no more of them than it has members.
    at_once(observing).unwrap_or_else(|error| unreachable!("{error}"))
}

/// What a future comes to that has nothing to wait for.
pub fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("it waits for something"),
    }
}

impl Source for Inventory {
    type Error = Unsettled;

    async fn read(&self, reads: Vec<Read>, _: &Inventory) -> Result<Inventory, Unsettled> {
        Ok(answered(&reads, |read| self.fact(read)))
    }
}

/// What an inventory answers to several reads.
pub(crate) fn answered(reads: &[Read], fact: impl Fn(&Read) -> Inventory) -> Inventory {
    let mut seen = Inventory::default();
    reads.iter().for_each(|read| seen.extend(fact(read)));
    seen
}
