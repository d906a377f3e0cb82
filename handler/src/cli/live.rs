//! Observing Azure for a person: with patience where a call fails for a while, no faster than the quotas refill.
//!
//! It must not change anything, and must not wait longer than a person would.

use std::time::Duration;

use tokio::time::Instant;
use vaultbind_core::{
    id::{ClusterId, SubscriptionId, VaultId},
    observation::Observation,
    resource::Cluster,
    result::{Cause, CauseKind, Reason},
};

use crate::{
    admission::Permit,
    context::Context,
    deadline::wait_for,
    reconcile::{Error, azure::Azure, error_policy::retry_for_a_person},
    request::{Origin, Request, Subject},
    sweep,
    telemetry::ErrorChain,
};

use super::print;

const PAGE: u32 = 1000;
/// How long a read is tried again that fails for a while, such as one that is throttled.
const PATIENCE: Duration = Duration::from_secs(180);

/// A request of a person, which is on no queue.
pub(super) fn request(context: &Context, subject: Subject) -> Request {
    let cause = Cause {
        kind: CauseKind::Manual,
        id: None,
        operation: None,
        subject: None,
        time: None,
    };
    let now = context.clock.now();
    Request::new("command".to_owned(), subject, cause, Origin::Write, now)
}

/// A request of a person for one cluster.
pub(super) fn of_cluster(
    context: &Context,
    cluster: &ClusterId,
    vault_hint: Option<&VaultId>,
) -> Request {
    let subject = Subject::Cluster {
        cluster_id: cluster.clone(),
        vault_hint: vault_hint.cloned(),
    };
    request(context, subject)
}

/// Waits until the subscription's quota has room for one more reconcile.
pub(super) async fn admission(context: &Context, subscription: &SubscriptionId) -> Permit {
    loop {
        let quota = context.arm.quota(subscription);
        let admitted = context.admission.admit(subscription, quota, Instant::now());
        match admitted {
            Ok(permit) => return permit,
            Err(wait) => wait_for(wait).await,
        }
    }
}

/// Tries again what may pass, for as long as a person waits.
pub(super) async fn patiently<T>(
    context: &Context,
    mut request: Request,
    call: impl AsyncFn(&Request) -> Result<T, Error>,
) -> Result<T, Reason> {
    let began = context.clock.now();
    loop {
        let error = match call(&request).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let now = context.clock.now();
        match retry_for_a_person(&error, &mut request, now, PATIENCE) {
            Ok(delay) if now + delay - began < PATIENCE => wait_for(delay).await,
            Ok(_) => return Err(given_up(&error)),
            Err(end) => return Err(end.reason.unwrap_or_else(|| given_up(&error))),
        }
        request = request.next_attempt();
    }
}

/// A person is told sooner than a request on the queue gives up.
fn given_up(error: &Error) -> Reason {
    Reason {
        code: "GaveUp".to_owned(),
        message: ErrorChain(error).to_string(),
        help: "It was tried for three minutes; try again later.".to_owned(),
    }
}

/// Observes one cluster, and a vault that may not be listed yet.
pub(super) async fn observe(
    context: &Context,
    cluster: &ClusterId,
    vault_hint: Option<&VaultId>,
) -> Result<Observation, Reason> {
    patiently(
        context,
        of_cluster(context, cluster, vault_hint),
        async |request| {
            let _permit = admission(context, cluster.subscription()).await;
            Azure::new(context, request, cluster).observe().await
        },
    )
    .await
}

/// Every cluster in scope, as Resource Graph shows it.
pub(super) async fn clusters(context: &Context) -> anyhow::Result<Vec<Cluster>> {
    let scope = context.policy.scope.as_ref();
    let scope: Option<Vec<SubscriptionId>> =
        scope.map(|subscriptions| subscriptions.iter().cloned().collect());
    let mut clusters = Vec::new();
    let mut token = None;
    loop {
        let subject = Subject::Sweep {
            vault_id: None,
            skip_token: token.clone(),
        };
        let page = patiently(context, request(context, subject), async |_| {
            let page = context
                .arm
                .clusters_page(scope.as_deref(), PAGE, token.as_deref());
            page.await.map_err(Error::from)
        });
        let page = page
            .await
            .map_err(|reason| anyhow::anyhow!("{}", reason.message))?;
        clusters.extend(page.clusters);
        token = page.skip_token;
        if token.is_none() {
            tell_unseen(context).await;
            return Ok(clusters);
        }
    }
}

/// Says which subscriptions of the scope cannot be seen: Resource Graph is silent about them. What can be seen is told
/// either way.
async fn tell_unseen(context: &Context) {
    let subject = Subject::Sweep {
        vault_id: None,
        skip_token: None,
    };
    let unseen = patiently(context, request(context, subject), async |_| {
        sweep::unseen(context).await
    });
    match unseen.await {
        Ok(unseen) => {
            for subscription in unseen {
                print::error(format!(
                    "subscription {subscription} of the policy's scope cannot be seen: its clusters are not among these"
                ));
            }
        }
        Err(reason) => print::error(format!(
            "which subscriptions of the policy's scope can be seen is not known: {}",
            reason.message
        )),
    }
}
