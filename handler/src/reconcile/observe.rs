//! Observing: reads what the decision asks for until it asks for nothing more.
//!
//! It must not write, and must not answer a question that the decision did not ask.

mod reader;

use futures::future::join_all;
use vaultbind_core::{
    decision::{Decision, Read, Subject, decide},
    id::ClusterId,
    inventory::Inventory,
    resource::{Cluster, ProvisioningState},
};

use super::Error;
use crate::{
    context::Context,
    request::{self, Origin, Request},
};
use reader::Reader;

/// How many rounds of reading a decision may take: each round follows from the one before.
const MAX_ROUNDS: usize = 24;

/// What was seen and what follows from it.
#[derive(Debug)]
pub struct Sight {
    /// What was seen.
    pub inventory: Inventory,
    /// What follows.
    pub decision: Decision,
    /// The cluster that was asked about.
    pub cluster_id: ClusterId,
}

impl Sight {
    /// The cluster as it was last read.
    pub fn cluster(&self) -> Option<&Cluster> {
        self.inventory.cluster.as_ref()?.as_ref()
    }
}

/// Reads what the decision about a cluster needs.
///
/// # Errors
/// Where a read failed.
pub async fn observe(
    context: &Context,
    request: &Request,
    cluster: &ClusterId,
) -> Result<Sight, Error> {
    complete(
        context,
        request,
        cluster.clone(),
        Inventory::default(),
        Vec::new(),
    )
    .await
}

/// Reads more than the decision asked for; what was seen before is not read again.
///
/// # Errors
/// Where a read failed.
pub async fn more(
    context: &Context,
    request: &Request,
    before: &Sight,
    reads: Vec<Read>,
) -> Result<Sight, Error> {
    let inventory = before.inventory.clone();
    complete(
        context,
        request,
        before.cluster_id.clone(),
        inventory,
        reads,
    )
    .await
}

/// Reads the cluster and the roles again, after a change; what else was seen still holds.
///
/// # Errors
/// Where a read failed.
pub async fn again(context: &Context, request: &Request, before: Sight) -> Result<Sight, Error> {
    let mut inventory = before.inventory;
    let roles = std::mem::take(&mut inventory.roles);
    let mut reads: Vec<Read> = roles
        .into_keys()
        .map(|(vault, principal)| Read::Roles(vault, principal))
        .collect();
    if let Some(provider) = &inventory.provider
        && let Some(version) =
            vaultbind_core::api_version::ApiVersion::newest(&provider.cluster_api_versions)
    {
        inventory.cluster = None;
        reads.push(Read::Cluster(version));
    }
    // Principals that were missing may have come with a registration.
    inventory.platform_principals = inventory.platform_principals.filter(Option::is_some);
    // A registration that was asked for is under way: its end is not waited for.
    if let Some(provider) = inventory
        .provider
        .as_mut()
        .filter(|it| it.needs_registration())
    {
        "Registering".clone_into(&mut provider.state);
    }
    complete(context, request, before.cluster_id, inventory, reads).await
}

async fn complete(
    context: &Context,
    request: &Request,
    cluster: ClusterId,
    mut inventory: Inventory,
    mut reads: Vec<Read>,
) -> Result<Sight, Error> {
    let vault_hint = match &request.subject {
        request::Subject::Cluster { vault_hint, .. } => vault_hint.as_ref(),
        request::Subject::Sweep { .. } => None,
    };
    let subject = Subject {
        policy: &context.policy,
        cluster: &cluster,
        vault_hint,
        today: context.clock.now().date(),
        vault_suffix: context.config.cloud.vault_suffix(),
    };
    for _ in 0..MAX_ROUNDS {
        let reader = Reader {
            context,
            request,
            cluster: &cluster,
        };
        for seen in join_all(reads.into_iter().map(|read| reader.read(read))).await {
            seen?.enter(&mut inventory)?;
        }
        if request.origin == Origin::Own && is_busy(&inventory) {
            // The change is not done yet: when it is, another event comes, and all there is to see with it.
            return Err(Error::UnderWay { retry_after: None });
        }
        match decide(&subject, &inventory) {
            Err(missing) => reads = missing,
            Ok(decision) => {
                return Ok(Sight {
                    inventory,
                    decision,
                    cluster_id: cluster,
                });
            }
        }
    }
    // The estate changed under our eyes in every round: another look starts afresh.
    Err(Error::OutOfTime)
}

/// Is an operation under way on the cluster, as far as is known?
fn is_busy(inventory: &Inventory) -> bool {
    let cluster = inventory.cluster.as_ref().and_then(Option::as_ref);
    cluster.is_some_and(|it| matches!(it.provisioning_state, ProvisioningState::Busy(_)))
}
