//! What the commands about clusters share: the settings, the estate as Azure shows it now, one look at a cluster.
//!
//! It must not change anything.

use anyhow::Context as _;
use futures::{StreamExt as _, stream};
use vaultbind_core::{
    decision::{Decision, Refusal},
    id::{ClusterId, SubscriptionId},
    inventory::Cluster,
    result::{Cause, CauseKind, Outcome},
};

use super::serve::{load_policy, unusable};
use crate::{
    config::Config,
    context::Context,
    reconcile::{
        Setback,
        observe::{self, Sight},
    },
    request::{Origin, Request, Subject},
    telemetry::ErrorChain,
};

const PAGE: u32 = 1000;
/// How many clusters are looked at at a time.
const CONCURRENT_LOOKS: usize = 8;

/// The context of a command, from the same settings as the function's.
pub(super) fn context() -> anyhow::Result<Context> {
    let config = Config::for_commands().map_err(|errors| unusable(&errors))?;
    let policy = load_policy(&config.policy)?;
    Context::new(config, policy)
}

/// A request of a person, which is on no queue.
pub(super) fn request(context: &Context, cluster: &ClusterId) -> Request {
    let cause = Cause {
        kind: CauseKind::Manual,
        id: None,
        operation: None,
        subject: None,
        time: None,
    };
    let subject = Subject::Cluster {
        cluster_id: cluster.clone(),
        vault_hint: None,
    };
    Request::new(
        "command".to_owned(),
        subject,
        cause,
        Origin::Write,
        context.clock.now(),
    )
}

/// Every cluster in scope, as Resource Graph shows it.
pub(super) async fn clusters(context: &Context) -> anyhow::Result<Vec<Cluster>> {
    let scope: Option<Vec<SubscriptionId>> = context
        .policy
        .scope
        .as_ref()
        .map(|it| it.iter().cloned().collect());
    let mut clusters = Vec::new();
    let mut token = None;
    loop {
        let page = context
            .arm
            .clusters_page(scope.as_deref(), PAGE, token.as_deref())
            .await?;
        clusters.extend(page.clusters);
        token = page.skip_token;
        if token.is_none() {
            return Ok(clusters);
        }
    }
}

/// The cluster that is meant: by its id, or by its name where only one in scope has it.
pub(super) async fn find(context: &Context, text: &str) -> anyhow::Result<ClusterId> {
    if text.starts_with('/') {
        return text
            .parse()
            .with_context(|| format!("`{text}` is no resource id of a cluster"));
    }
    let mut named = clusters(context).await?;
    named.retain(|it| it.id.name().eq_ignore_ascii_case(text));
    match named.as_slice() {
        [one] => Ok(one.id.clone()),
        [] => anyhow::bail!("no cluster in scope is called `{text}`"),
        several => anyhow::bail!(
            "{} clusters are called `{text}`: say which by its resource id",
            several.len()
        ),
    }
}

/// What a look at one cluster showed.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) cluster: ClusterId,
    pub(super) sight: Result<Sight, Setback>,
}

pub(super) async fn look(context: &Context, cluster: ClusterId) -> Look {
    let request = request(context, &cluster);
    let sight = observe::observe(context, &request, &cluster).await;
    Look { cluster, sight }
}

/// Looks at several clusters, some at a time, in their order.
pub(super) async fn look_at(context: &Context, clusters: Vec<ClusterId>) -> Vec<Look> {
    let looks = clusters.into_iter().map(|cluster| look(context, cluster));
    stream::iter(looks)
        .buffered(CONCURRENT_LOOKS)
        .collect()
        .await
}

impl Look {
    /// How the cluster would end, in a word; none where the look failed.
    pub(super) fn outcome(&self) -> Option<&'static str> {
        Some(match &self.sight.as_ref().ok()?.decision {
            Decision::Look(_) | Decision::Absent => Outcome::Gone.word(),
            Decision::Wait(_) => "waiting",
            Decision::Refuse(refusal) => refusal.outcome.word(),
            Decision::Bind(binding) if binding.plan.is_empty() => Outcome::Bound.word(),
            Decision::Bind(_) => "to change",
        })
    }

    /// What would be changed, in words.
    pub(super) fn changes(&self) -> Vec<String> {
        match self.sight.as_ref().map(|it| &it.decision) {
            Ok(Decision::Bind(binding)) => binding
                .plan
                .changes
                .iter()
                .map(ToString::to_string)
                .collect(),
            _ => Vec::new(),
        }
    }

    /// Why nothing is or can be done.
    pub(super) fn why(&self) -> Option<String> {
        match &self.sight {
            Err(setback) => Some(ErrorChain(setback).to_string()),
            Ok(sight) => self
                .refusal(&sight.decision)
                .map(|it| format!("{}: {}", it.reason.code, it.reason.message)),
        }
    }

    fn refusal<'a>(&self, decision: &'a Decision) -> Option<&'a Refusal> {
        match decision {
            Decision::Refuse(refusal) => Some(refusal),
            Decision::Wait(wait) => Some(&wait.refusal),
            Decision::Look(_) | Decision::Absent | Decision::Bind(_) => None,
        }
    }

    /// The name of the vault that the policy chooses.
    pub(super) fn vault(&self) -> Option<String> {
        let decision = &self.sight.as_ref().ok()?.decision;
        if let Decision::Bind(binding) = decision {
            return Some(binding.vault.id.name().to_owned());
        }
        let id = &self.refusal(decision)?.vault.as_ref()?.id;
        id.rsplit('/').next().map(ToOwned::to_owned)
    }
}
