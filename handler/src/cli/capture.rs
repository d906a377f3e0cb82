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
    estate::Estate,
    id::{ClusterId, SubscriptionId},
    inventory::Inventory,
    result::Reason,
};

use super::{live, print, progress::Progress, serve::runtime, source};
use crate::{
    context::Context,
    reconcile::{Error, observe},
    request::{Request, Subject},
};

/// How many clusters are looked at at a time.
const CONCURRENT_LOOKS: usize = 8;

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
    let text = estate.to_json();
    match &arguments.output {
        None => print::script(text.as_bytes()),
        Some(path) => write(path, &text)?,
    }
    for (cluster, why) in &estate.unread {
        print::error(format!("{cluster} could not be read: {why}"));
    }
    let (clusters, vaults) = (estate.clusters.len(), estate.vaults.len());
    print::error(format!(
        "captured {} and {}; {} could not be read",
        print::count(clusters, "cluster"),
        print::count(vaults, "vault"),
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

async fn read(context: &Context) -> anyhow::Result<Estate> {
    let clusters = live::clusters(context).await?;
    let mut estate = Estate {
        captured: Some(context.clock.now()),
        ..Estate::default()
    };
    let mut subscriptions: BTreeSet<SubscriptionId> = clusters
        .iter()
        .map(|it| it.id.subscription().clone())
        .collect();
    let within = context.policy.rules.iter().flat_map(|it| &it.vaults.within);
    subscriptions.extend(within.map(|it| it.subscription().clone()));
    list_vaults(context, subscriptions, &mut estate).await?;
    let progress = Progress::over("reading", clusters.len());
    let looks = clusters.into_iter().map(|it| async {
        let seen = look(context, &it.id).await;
        progress.step();
        (it.id, seen)
    });
    let mut looks = stream::iter(looks).buffered(CONCURRENT_LOOKS);
    while let Some((cluster, seen)) = looks.next().await {
        match seen {
            Ok(inventory) => estate.take_in(&cluster, &inventory),
            Err(reason) => {
                let why = format!("{}: {}", reason.code, reason.message);
                estate.unread.insert(cluster, why);
            }
        }
    }
    Ok(estate)
}

/// What the decision about a cluster needs, and what one under another policy would need besides.
async fn look(context: &Context, cluster: &ClusterId) -> Result<Inventory, Reason> {
    let mut sight = live::look(context, cluster, None).await?;
    for read in Estate::beyond(&context.policy, &sight.inventory) {
        let request = live::of_cluster(context, cluster, None);
        // What this policy has no need of may be out of reach: a plan that needs it says so.
        if let Ok(more) = observe::more(context, &request, &sight, vec![read]).await {
            sight = more;
        }
    }
    Ok(sight.inventory)
}

/// The vaults of each subscription, the deleted ones too where they may be read.
async fn list_vaults(
    context: &Context,
    subscriptions: BTreeSet<SubscriptionId>,
    estate: &mut Estate,
) -> anyhow::Result<()> {
    for subscription in subscriptions {
        let arm = &context.arm;
        let listed = patiently(context, async |_| {
            let vaults = arm.vaults_in(std::slice::from_ref(&subscription));
            vaults.await.map_err(Error::Call)
        });
        let vaults = listed
            .await
            .map_err(|it| anyhow::anyhow!("{}", it.message))?;
        let deleted = patiently(context, async |_| {
            arm.deleted_vaults(&subscription).await.map_err(Error::Call)
        });
        let deleted = deleted.await;
        if let Err(reason) = &deleted {
            print::error(format!("left out: {}", reason.message));
        }
        estate.list(&subscription, vaults, deleted.ok());
    }
    Ok(())
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
