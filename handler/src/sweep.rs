//! Sweeps: one page of clusters, a request for each that needs a look, then a request for the next page.
//!
//! It must not look at a cluster itself: a row of Resource Graph is old news, and only says which clusters exist.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use vaultbind_azure::arm::ClusterPage;
use vaultbind_core::{
    id::{SubscriptionId, VaultId},
    inventory::Cluster,
    policy::Policy,
};

use crate::{
    context::Context,
    deadline::Deadline,
    functions::answer::Answer,
    queue::{self, SendError},
    reconcile::{
        Setback,
        error_policy::{self, Next},
        put_off,
    },
    request::{self, Bucket, Origin, Request, Subject},
    telemetry::ErrorChain,
};

/// How many clusters a page has.
const PAGE: u32 = 100;
/// When the next page is due: Resource Graph answers fifteen queries in five seconds, and looks ask it too.
const NEXT_PAGE: Duration = Duration::from_secs(1);
/// How many requests one page sends at the same time.
const CONCURRENT_SENDS: usize = 8;
/// What a page may take; the rest of the function's 60 s is for putting it off.
const WORKING: Duration = Duration::from_secs(38);
const SENDING: Duration = Duration::from_secs(18);

/// Why a page came to no end.
#[derive(Debug, thiserror::Error)]
enum PageError {
    #[error("the clusters of the page cannot be read")]
    Read(#[from] Setback),
    #[error("not every request of the page could be sent")]
    Send(#[from] SendError),
}

/// Serves one delivery of a page of a sweep.
pub async fn serve(
    context: &Context,
    mut request: Request,
    vault: Option<&VaultId>,
    skip_token: Option<&str>,
) -> Answer {
    let working = page(context, &request, vault, skip_token);
    let worked = Deadline::after(WORKING).within(working).await;
    let setback = match worked.unwrap_or(Err(PageError::Read(Setback::OutOfTime))) {
        Ok(line) => {
            tracing::info!("{line}");
            return Answer::done(line);
        }
        Err(PageError::Send(error)) => return give_back(&error).await,
        Err(PageError::Read(setback)) => setback,
    };
    let now = context.clock.now();
    match error_policy::judge(&setback, &mut request, now, context.config.deadline) {
        Next::Requeue(delay) => {
            tracing::info!(setback = %ErrorChain(&setback), delay_s = delay.as_secs(), "the page is to be read again");
            match put_off(context, &mut Deadline::after(SENDING), &request, delay).await {
                Ok(()) => Answer::done(format!(
                    "the page is to be read again in {} s",
                    delay.as_secs()
                )),
                Err(error) => give_back(&error).await,
            }
        }
        Next::End(_) => {
            tracing::error!(error = %ErrorChain(&setback), "the sweep cannot go on; its page ends as a dead letter");
            Answer::Redeliver
        }
    }
}

async fn give_back(error: &SendError) -> Answer {
    tracing::error!(error = %ErrorChain(error), "the sweep's requests cannot be sent, the host delivers the page again");
    Deadline::after(SENDING).use_up().await;
    Answer::Redeliver
}

/// Reads the page and sends what follows from it; the next page comes last, so that none is skipped.
async fn page(
    context: &Context,
    request: &Request,
    vault: Option<&VaultId>,
    skip_token: Option<&str>,
) -> Result<String, PageError> {
    let scope: Option<Vec<SubscriptionId>> = context
        .policy
        .scope
        .as_ref()
        .map(|it| it.iter().cloned().collect());
    let read = context
        .arm
        .clusters_page(scope.as_deref(), PAGE, skip_token)
        .await;
    let ClusterPage {
        clusters,
        skip_token: next,
    } = read.map_err(Setback::Call)?;
    let concerned: Vec<&Cluster> = clusters
        .iter()
        .filter(|it| vault.is_none_or(|vault| concerns(&context.policy, vault, it)))
        .collect();
    send_looks(context, request, vault, &concerned).await?;
    if let Some(token) = &next {
        let id = request::page_request_id(&request.id, token);
        let subject = Subject::Sweep {
            vault_id: vault.cloned(),
            skip_token: Some(token.clone()),
        };
        let mut page = Request::new(
            id,
            subject,
            request.cause.clone(),
            Origin::Sweep,
            context.clock.now(),
        );
        page.traceparent.clone_from(&request.traceparent);
        let due = Some(context.clock.now() + NEXT_PAGE);
        queue::send_request(context, &mut Deadline::after(SENDING), &page, due).await?;
    }
    let more = if next.is_some() {
        ", and the next page"
    } else {
        ""
    };
    Ok(format!(
        "requested a look at {} of {} clusters{more}",
        concerned.len(),
        clusters.len()
    ))
}

async fn send_looks(
    context: &Context,
    request: &Request,
    vault: Option<&VaultId>,
    clusters: &[&Cluster],
) -> Result<(), SendError> {
    let now = context.clock.now();
    let bucket = Bucket::at(now, context.config.coalesce_seconds);
    let cause_id = request
        .cause
        .id
        .clone()
        .unwrap_or_else(|| request.id.clone());
    let look = |cluster: &&Cluster| {
        let id = request::cluster_request_id(&cluster.id, vault, Origin::Sweep, bucket, &cause_id);
        let subject = Subject::Cluster {
            cluster_id: cluster.id.clone(),
            vault_hint: vault.cloned(),
        };
        let mut look = Request::new(id, subject, request.cause.clone(), Origin::Sweep, now);
        look.traceparent.clone_from(&request.traceparent);
        look
    };
    let looks: Vec<Request> = clusters.iter().map(look).collect();
    stream::iter(looks)
        .map(|look| async move {
            let due = bucket.map(Bucket::due);
            queue::send_request(context, &mut Deadline::after(SENDING), &look, due).await
        })
        .buffer_unordered(CONCURRENT_SENDS)
        .try_collect()
        .await
}

/// Could the cluster choose the vault, or is it bound to it? In doubt, yes.
pub(crate) fn concerns(policy: &Policy, vault: &VaultId, cluster: &Cluster) -> bool {
    let could_choose = policy
        .rule_for(cluster)
        .is_some_and(|rule| rule.vaults.is_within(vault));
    could_choose || is_bound_to(cluster, vault)
}

fn is_bound_to(cluster: &Cluster, vault: &VaultId) -> bool {
    let by_id = cluster.archive.as_ref().is_some_and(|archive| {
        // What cannot be read as an id could be this vault.
        archive
            .vault
            .parse::<VaultId>()
            .map_or(true, |bound| bound == *vault)
    });
    let by_address = cluster
        .settings
        .as_ref()
        .and_then(|it| it.vault_uri.as_deref())
        .is_some_and(|uri| {
            vaultbind_core::inventory::vault_host(uri).is_none_or(|host| {
                host.split('.')
                    .next()
                    .is_some_and(|name| name.eq_ignore_ascii_case(vault.name()))
            })
        });
    by_id || by_address
}

#[cfg(test)]
mod tests;
