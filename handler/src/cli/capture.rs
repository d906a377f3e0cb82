//! `capture`: the estate as it is now, written to a file for `explain`, `plan` and `policy test` without Azure.
//!
//! It must not write more than decisions ask for, nor leave out silently what could not be read.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use futures::{StreamExt as _, stream};
use vaultbind_core::{
    api_version::ApiVersion,
    decision::Read,
    id::{ClusterId, Scope, SubscriptionId, VaultId},
    inventory::{Inventory, Listed, Visibility},
    observation::{Observation, Source},
    policy::Policy,
    result::Reason,
};

use super::{live, print, progress_bar::ProgressBar, serve::runtime, source};
use crate::{
    context::Context,
    escape,
    reconcile::{
        Error,
        azure::{Azure, list},
    },
    request::{Request, Subject},
};

/// How many clusters are observed at a time.
const CONCURRENT_OBSERVATIONS: usize = 8;

/// Where the estate goes.
#[derive(Debug, clap::Args)]
pub(super) struct CaptureArguments {
    /// The file to write; standard output where left out
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn capture(arguments: &CaptureArguments) -> anyhow::Result<ExitCode> {
    let context = source::context()?;
    let estate = runtime()?.block_on(read(&context))?;
    // Tags are data from outside, and files are shown on terminals.
    let lines = estate.to_json();
    let lines = lines.lines().map(escape::in_json);
    let text: String = lines.map(|line| line.into_owned() + "\n").collect();
    match &arguments.output {
        None => print::script(text.as_bytes()),
        Some(path) => write(path, &text)?,
    }
    for (cluster, why) in &estate.unread {
        print::error(format!("{cluster} could not be read: {why}"));
    }
    let rows = estate.listed.values().flat_map(|list| list.vaults.all());
    let vaults: BTreeSet<&VaultId> = rows
        .map(|row| &row.id)
        .chain(estate.vaults.keys())
        .collect();
    print::error(format!(
        "captured {} and {}; {} could not be read",
        print::count(estate.clusters.len(), "cluster"),
        print::count(vaults.len(), "vault"),
        estate.unread.len()
    ));
    Ok(if estate.unread.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The old file stays until the new one is whole.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let shown = path.display();
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    std::fs::write(&beside, text)
        .and_then(|()| std::fs::rename(&beside, path))
        .with_context(|| format!("cannot write {shown}"))
}

async fn read(context: &Context) -> anyhow::Result<Inventory> {
    let clusters = live::clusters(context).await?;
    let mut estate = Inventory {
        captured: Some(context.clock.now()),
        ..Inventory::default()
    };
    let mut subscriptions: BTreeSet<SubscriptionId> = clusters
        .iter()
        .map(|cluster| cluster.id.subscription().clone())
        .collect();
    subscriptions.extend(context.policy.vault_subscriptions.iter().cloned());
    list_vaults(context, subscriptions, &mut estate).await?;
    list_boundaries(context, &mut estate).await?;
    let progress = ProgressBar::over("reading", clusters.len());
    let observed = clusters.into_iter().map(|cluster| async {
        let seen = observe(context, &cluster.id).await;
        progress.step();
        (cluster.id, seen)
    });
    let mut observed = stream::iter(observed).buffered(CONCURRENT_OBSERVATIONS);
    while let Some((cluster, seen)) = observed.next().await {
        match seen {
            Ok(inventory) => estate.extend(inventory),
            Err(reason) => {
                let why = format!("{}: {}", reason.code, reason.message);
                estate.unread.insert(cluster, why);
            }
        }
    }
    settle(&mut estate);
    Ok(estate)
}

/// What the decision about a cluster needs, and what one under another policy would need besides.
async fn observe(context: &Context, cluster: &ClusterId) -> Result<Inventory, Reason> {
    let seen = live::observe(context, cluster, None).await?;
    let request = live::of_cluster(context, cluster, None);
    let azure = Azure::new(context, &request, cluster);
    let reads = beyond(&context.policy, &seen);
    let mut inventory = seen.inventory;
    for read in reads {
        // What this policy has no need of may be out of reach: a plan that needs it says so.
        if let Ok(more) = azure.read(vec![read], &inventory).await {
            inventory.extend(more);
        }
    }
    // One that does not exist any more is not of the estate.
    inventory.clusters.retain(|_, found| found.is_some());
    Ok(inventory)
}

/// What a decision under another policy could ask for besides what this one has read.
fn beyond(policy: &Policy, seen: &Observation) -> Vec<Read> {
    let Some(cluster) = seen.cluster() else {
        return Vec::new();
    };
    let known = &seen.inventory;
    let mut reads = Vec::new();
    let provider = known.providers.get(cluster.id.subscription());
    let version = provider.and_then(|provider| ApiVersion::newest(&provider.cluster_api_versions));
    let manager = cluster.manager.as_ref();
    let manager = manager.filter(|id| !known.managers.contains_key(id));
    if let (Some(manager), Some(version)) = (manager, version) {
        reads.push(Read::Manager(manager.clone(), version));
    }
    if known.platform_principals.is_none() {
        reads.push(Read::PlatformPrincipals);
    }
    let bound = cluster.archive.as_ref();
    let bound = bound.and_then(|archive| archive.vault.parse::<VaultId>().ok());
    let may_be_read =
        |vault: &VaultId| policy.covers(vault.subscription()) || policy.reaches(vault);
    let unread = bound.filter(|vault| !known.vaults.contains_key(vault));
    reads.extend(unread.filter(may_be_read).map(Read::Vault));
    reads
}

/// The vaults of each subscription, the deleted ones too where they may be read.
async fn list_vaults(
    context: &Context,
    subscriptions: BTreeSet<SubscriptionId>,
    estate: &mut Inventory,
) -> anyhow::Result<()> {
    for subscription in subscriptions {
        let arm = &context.arm;
        let listed = patiently(context, async |_| {
            let vaults = arm.vaults_in(std::slice::from_ref(&subscription));
            vaults.await.map_err(Error::from)
        });
        let vaults = listed
            .await
            .map_err(|reason| anyhow::anyhow!("{}", reason.message))?;
        let deleted = patiently(context, async |_| {
            arm.deleted_vaults(&subscription).await.map_err(Error::from)
        });
        let deleted = deleted.await;
        if let Err(reason) = &deleted {
            print::error(format!("left out: {}", reason.message));
        }
        let listed = Listed::current(vaults);
        let whole = Scope::Subscription(subscription.clone());
        estate.listed.insert(whole, listed);
        let deleted = deleted.ok().map(|ids| (subscription, ids));
        estate.deleted_vaults.extend(deleted);
    }
    Ok(())
}

/// The vaults of each boundary, as a decision would have them listed.
async fn list_boundaries(context: &Context, estate: &mut Inventory) -> anyhow::Result<()> {
    let rules = context.policy.rules.iter();
    let boundaries: BTreeSet<&Scope> = rules.flat_map(|rule| &rule.vaults.within).collect();
    for scope in boundaries {
        let listed = patiently(context, async |_| {
            list(&context.arm, scope).await.map_err(Error::from)
        });
        let listed = listed
            .await
            .map_err(|reason| anyhow::anyhow!("{}", reason.message))?;
        estate.listed.insert(scope.clone(), listed);
    }
    Ok(())
}

/// What was not there once is not there for whoever plans by a file: nobody can ask again.
fn settle(estate: &mut Inventory) {
    for (scope, listed) in &mut estate.listed {
        if listed.visibility == Visibility::AbsentOnce {
            print::error(format!("{scope} is not there, as one answer says"));
            listed.visibility = Visibility::Absent;
        }
    }
}

/// Tries again what may pass, on behalf of no cluster.
async fn patiently<T>(
    context: &Context,
    call: impl AsyncFn(&Request) -> Result<T, Error>,
) -> Result<T, Reason> {
    let subject = Subject::Sweep {
        vault_id: None,
        skip_token: None,
    };
    live::patiently(context, live::request(context, subject), call).await
}
