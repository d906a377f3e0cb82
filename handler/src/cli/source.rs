//! What a command observes: Azure as it is now, or an estate that was captured before.
//!
//! It must not change either, nor let one be taken for the other.

use std::path::Path;

use anyhow::Context as _;
use futures::{StreamExt as _, stream};
use time::Date;
use vaultbind_core::{
    decision::Subject,
    id::{ClusterId, VaultId},
    inventory::{
        Inventory,
        file::{self, Defaults},
    },
    observation::observe_offline,
    policy::Policy,
    resource::Cluster,
    result::Reason,
};

use super::{
    live,
    observed::Observed,
    print, problems,
    progress_bar::ProgressBar,
    serve::{load_policy, unusable},
};
use crate::{clock::Clock, config::Config, context::Context, reconcile::azure::CLOCKS_DIFFER};

/// How many clusters are observed at a time.
const CONCURRENT_OBSERVATIONS: usize = 8;

/// What a command observes.
pub(super) enum Source {
    /// At Azure.
    Live(Box<Context>),
    /// At an estate.
    Captured(Box<Captured>),
}

/// An estate and what it is judged by.
pub(super) struct Captured {
    pub(super) policy: Policy,
    pub(super) estate: Inventory,
    pub(super) today: Date,
    pub(super) vault_suffix: &'static str,
}

/// The context of a command, from the same settings as the function's.
pub(super) fn context() -> anyhow::Result<Context> {
    let (config, policy) = settings()?;
    let context = Context::new(config, policy)?;
    // What is listed from here on is current for all that the command looks at; instances with other clocks play no part.
    let asked = context.clock.now() - CLOCKS_DIFFER;
    Ok(Context {
        asked: Some(asked),
        ..context
    })
}

/// The settings and the policy, for commands that may do without Azure.
pub(super) fn settings() -> anyhow::Result<(Config, Policy)> {
    let config = Config::for_commands().map_err(|errors| unusable(&errors))?;
    let policy = load_policy(&config.policy)?;
    Ok((config, policy))
}

/// Reads an estate, or prints every mistake in it.
pub(super) fn read_estate(path: &Path, defaults: &Defaults) -> anyhow::Result<Inventory> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
    file::load(&text, defaults).map_err(|errors| {
        problems::show(print::error, path, &text, &errors);
        anyhow::anyhow!("{}", problems::summary(path, &errors))
    })
}

impl Captured {
    pub(super) fn observe(&self, cluster: &ClusterId, vault_hint: Option<&VaultId>) -> Observed {
        if let Some(why) = self.estate.unread.get(cluster) {
            let reason = Reason {
                code: "NotCaptured".to_owned(),
                message: why.clone(),
                help: "It could not be looked at when the estate was captured: capture it anew."
                    .to_owned(),
            };
            return Observed {
                cluster: cluster.clone(),
                seen: Err(reason),
            };
        }
        let subject = Subject {
            policy: &self.policy,
            cluster,
            vault_hint,
            today: self.today,
            vault_suffix: self.vault_suffix,
        };
        Observed {
            cluster: cluster.clone(),
            seen: Ok(observe_offline(&self.estate, &subject)),
        }
    }
}

impl Source {
    /// Azure, or the estate in a file.
    pub(super) fn open(estate: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = estate else {
            return Ok(Self::Live(Box::new(context()?)));
        };
        let (config, policy) = settings()?;
        let vault_suffix = config.cloud.vault_suffix();
        let estate = read_estate(path, &Defaults::of(&policy, vault_suffix))?;
        Ok(Self::Captured(Box::new(Captured {
            policy,
            estate,
            today: Clock::system().now().date(),
            vault_suffix,
        })))
    }

    pub(super) fn policy(&self) -> &Policy {
        match self {
            Self::Live(context) => &context.policy,
            Self::Captured(captured) => &captured.policy,
        }
    }

    /// Every cluster in scope that can be seen.
    pub(super) async fn clusters(&self) -> anyhow::Result<Vec<Cluster>> {
        match self {
            Self::Live(context) => live::clusters(context).await,
            Self::Captured(captured) => Ok(captured
                .estate
                .clusters
                .values()
                .flatten()
                .cloned()
                .collect()),
        }
    }

    /// The ids of every cluster in scope, in their order, those that cannot be seen among them.
    pub(super) async fn ids(&self) -> anyhow::Result<Vec<ClusterId>> {
        let clusters = self.clusters().await?;
        let mut ids: Vec<ClusterId> = clusters.into_iter().map(|cluster| cluster.id).collect();
        if let Self::Captured(captured) = self {
            ids.extend(captured.estate.unread.keys().cloned());
        }
        ids.retain(|cluster| self.policy().covers(cluster.subscription()));
        ids.sort();
        Ok(ids)
    }

    /// The cluster that is meant: by its id, or by its name where only one in scope has it.
    pub(super) async fn find(&self, text: &str) -> anyhow::Result<ClusterId> {
        let id: Option<ClusterId> = match text.starts_with('/') {
            true => Some(
                text.parse()
                    .with_context(|| format!("`{text}` is no resource id of a cluster"))?,
            ),
            false => None,
        };
        // Azure can be asked for a cluster that Resource Graph does not list.
        if let (Self::Live(_), Some(id)) = (self, &id) {
            return Ok(id.clone());
        }
        let mut ids = self.ids().await?;
        ids.retain(|cluster| match &id {
            Some(id) => cluster == id,
            None => cluster.name().eq_ignore_ascii_case(text),
        });
        match (ids.as_slice(), self) {
            ([one], _) => Ok(one.clone()),
            ([], Self::Live(_)) => anyhow::bail!("no cluster in scope is called `{text}`"),
            ([], Self::Captured(_)) => {
                anyhow::bail!("`{text}` is not among the clusters of the estate that are in scope")
            }
            (several, _) => anyhow::bail!(
                "{} clusters are called `{text}`: say which by its resource id",
                several.len()
            ),
        }
    }

    pub(super) async fn observe(&self, cluster: ClusterId, hint: Option<&VaultId>) -> Observed {
        let context = match self {
            Self::Captured(captured) => return captured.observe(&cluster, hint),
            Self::Live(context) => context,
        };
        let seen = live::observe(context, &cluster, hint).await;
        Observed { cluster, seen }
    }

    /// Observes several clusters, some at a time, in their order.
    pub(super) async fn observe_all(
        &self,
        clusters: Vec<(ClusterId, Option<VaultId>)>,
    ) -> Vec<Observed> {
        let progress = ProgressBar::over("looking", clusters.len());
        let observed = clusters.into_iter().map(|(cluster, hint)| {
            let progress = &progress;
            async move {
                let mut observed = self.observe(cluster, hint.as_ref()).await;
                if let Ok(observation) = &mut observed.seen {
                    // The lists are as large as the estate, and each cluster would keep those of its time.
                    observation.inventory.listed.clear();
                }
                progress.step();
                observed
            }
        });
        let observed = stream::iter(observed).buffered(CONCURRENT_OBSERVATIONS);
        observed.collect().await
    }
}
