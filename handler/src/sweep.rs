//! Sweeps: one page of clusters, a request for each that needs a reconcile, then a request for the next page.
//!
//! It must not reconcile or send: a row of Resource Graph is old news, and only says which clusters exist.

use std::{fmt, time::Duration};

use time::OffsetDateTime;
use vaultbind_core::{
    id::{SubscriptionId, VaultId},
    policy::Policy,
    resource::Cluster,
};

use crate::{
    context::Context,
    reconcile::{Error, azure},
    request::{self, Bucket, Origin, Request, Subject},
    telemetry::ErrorChain,
};

/// How many clusters a page has.
const PAGE: u32 = 100;
/// When the next page is due: Resource Graph answers fifteen queries in five seconds, and reconciles ask it too.
pub const NEXT_PAGE: Duration = Duration::from_secs(1);

/// What follows from one page.
#[derive(Debug)]
pub struct Page {
    /// A request for each cluster that needs a reconcile.
    pub requests: Vec<Request>,
    /// When they are due; at once where events are not coalesced.
    pub due: Option<OffsetDateTime>,
    /// The request for the next page, where there is one.
    pub next: Option<Request>,
    clusters: usize,
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (requested, clusters) = (self.requests.len(), self.clusters);
        let more = self.next.as_ref().map_or("", |_| ", and the next page");
        write!(
            f,
            "requested a look at {requested} of {clusters} clusters{more}"
        )
    }
}

/// Reads a page and says what follows from it.
///
/// # Errors
/// Where the clusters cannot be read.
pub async fn page(
    context: &Context,
    request: &Request,
    vault: Option<&VaultId>,
    skip_token: Option<&str>,
) -> Result<Page, Error> {
    let policy = &context.policy;
    let scope = policy.scope.as_ref();
    let scope: Option<Vec<SubscriptionId>> =
        scope.map(|subscriptions| subscriptions.iter().cloned().collect());
    let arm = &context.arm;
    let page = arm
        .clusters_page(scope.as_deref(), PAGE, skip_token)
        .await?;
    if vault.is_none() && skip_token.is_none() {
        warn_of_unseen(context).await;
    }
    let now = context.clock.now();
    let bucket = Bucket::at(now, context.config.coalesce_seconds);
    let concerned = page
        .clusters
        .iter()
        .filter(|cluster| vault.is_none_or(|vault| concerns(policy, vault, cluster)));
    Ok(Page {
        requests: concerned
            .map(|cluster| of_cluster(request, cluster, vault, bucket, now))
            .collect(),
        due: bucket.map(Bucket::due),
        next: page
            .skip_token
            .map(|token| next_page(request, vault, token, now)),
        clusters: page.clusters.len(),
    })
}

/// What can be seen is swept, whether or not the rest is known.
async fn warn_of_unseen(context: &Context) {
    match unseen(context).await {
        Ok(unseen) => {
            for subscription in unseen {
                tracing::warn!(%subscription, "a subscription of the policy's scope cannot be seen: its clusters are not swept");
            }
        }
        Err(error) => {
            let error = ErrorChain(&error).to_string();
            tracing::warn!(
                error,
                "which subscriptions of the policy's scope can be seen is not known"
            );
        }
    }
}

/// The subscriptions of the policy's scope that cannot be seen: no answer of Resource Graph tells of them.
///
/// # Errors
/// Where the subscriptions cannot be listed.
pub async fn unseen(context: &Context) -> Result<Vec<SubscriptionId>, Error> {
    let Some(scope) = &context.policy.scope else {
        return Ok(Vec::new());
    };
    let seen = azure::subscriptions(context).await.map_err(Error::Call)?;
    Ok(scope.difference(&seen).cloned().collect())
}

fn next_page(
    request: &Request,
    vault: Option<&VaultId>,
    token: String,
    now: OffsetDateTime,
) -> Request {
    let id = request::page_request_id(&request.id, &token);
    let subject = Subject::Sweep {
        vault_id: vault.cloned(),
        skip_token: Some(token),
    };
    follow_up(request, id, subject, now)
}

fn of_cluster(
    request: &Request,
    cluster: &Cluster,
    vault: Option<&VaultId>,
    bucket: Option<Bucket>,
    now: OffsetDateTime,
) -> Request {
    let cause_id = request.cause.id.as_deref().unwrap_or(&request.id);
    let id = request::cluster_request_id(&cluster.id, vault, Origin::Sweep, bucket, cause_id);
    let subject = Subject::Cluster {
        cluster_id: cluster.id.clone(),
        vault_hint: vault.cloned(),
    };
    follow_up(request, id, subject, now)
}

/// A request that comes of the sweep's: its cause is the same.
fn follow_up(request: &Request, id: String, subject: Subject, now: OffsetDateTime) -> Request {
    let cause = request.cause.clone();
    let mut next = Request::new(id, subject, cause, Origin::Sweep, now);
    next.traceparent.clone_from(&request.traceparent);
    next
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
        .and_then(|settings| settings.vault_uri.as_deref())
        .is_some_and(|uri| {
            vaultbind_core::resource::vault_host(uri).is_none_or(|host| {
                host.split('.')
                    .next()
                    .is_some_and(|name| name.eq_ignore_ascii_case(vault.name()))
            })
        });
    by_id || by_address
}

#[cfg(test)]
mod tests;
