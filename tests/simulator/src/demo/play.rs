//! Playing: a step, then what came of it, in simulated time.
//! It knows no step; what is done is its caller's affair.

use serde_json::Value;
use time::OffsetDateTime;
use vaultbind_simulator::account;
use vaultbind_simulator::functions_host::FunctionsHost;
use vaultbind_simulator::service_bus::Broker;
use vaultbind_simulator::service_bus::message::SendOutcome;
use vaultbind_simulator::{Simulator, World};

use super::{SOON, say};

/// A play that goes on from step to step.
pub(super) struct Play {
    pub(super) world: World,
    broker: Broker,
    began: OffsetDateTime,
    journal: u64,
    told: usize,
}

impl Play {
    pub(super) fn new(simulator: &Simulator) -> Self {
        Self {
            world: simulator.world.clone(),
            broker: simulator.broker.clone(),
            began: simulator.world.clock.now(),
            journal: simulator.world.journal.last_seq(),
            told: 0,
        }
    }

    /// The results so far, without those that the queue dropped as repeats.
    pub(super) fn results(&self) -> Vec<Value> {
        let sent = self.broker.sent("results").into_iter();
        let taken = sent.filter(|it| it.outcome == SendOutcome::Accepted);
        taken
            .filter_map(|it| serde_json::from_slice(&it.message.body).ok())
            .collect()
    }

    /// Says what is done.
    pub(super) fn announce(&self, what: &str) {
        let passed = (self.world.clock.now() - self.began).whole_seconds();
        say(&format!("{:>3}:{:02}  {what}", passed / 60, passed % 60));
    }

    /// Waits until nothing more comes of the step, and prints what did.
    pub(super) async fn tell(&mut self, host: &FunctionsHost) -> anyhow::Result<()> {
        host.settle(SOON).await?;
        let journal = &self.world.journal;
        let writes: Vec<_> = journal
            .since(self.journal)
            .into_iter()
            .filter(|it| it.is_write())
            .collect();
        let results = self.results();
        let lines = account::lines(&self.world.azure(), &writes, &results[self.told..], 0);
        if lines.is_empty() {
            say("          nothing to change, nothing to tell");
        }
        lines
            .iter()
            .for_each(|line| say(&format!("          {line}")));
        self.journal = journal.last_seq();
        self.told = results.len();
        Ok(())
    }
}
