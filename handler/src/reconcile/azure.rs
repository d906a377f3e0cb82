//! Azure as a source of facts: a call, or the answer of a cache, for each thing that a decision asks for; one for all lists.
//!
//! It must not write, nor decide what is read, nor try again.

mod cached;

use std::collections::BTreeMap;

use futures::future::{join, join_all};
use vaultbind_azure::{Error as CallError, Kind};
use vaultbind_core::{
    api_version::ApiVersion,
    decision::{Read, Subject},
    id::{ClusterId, SubscriptionId, VaultId},
    inventory::{Inventory, Sighting},
    observation::{self, Observation, Source, Unsettled},
    resource::{PrincipalId, ProvisioningState, Vault},
};

use super::Error;
use crate::{
    context::Context,
    request::{self, Origin, Request},
    telemetry::ErrorChain,
};

/// Azure, as it is read for one request about one cluster.
#[derive(Debug)]
pub struct Azure<'a> {
    context: &'a Context,
    request: &'a Request,
    cluster: &'a ClusterId,
}

impl From<Unsettled> for Error {
    fn from(_: Unsettled) -> Self {
        // Another reconcile starts afresh.
        Self::OutOfTime
    }
}

impl Source for Azure<'_> {
    type Error = Error;

    async fn read(&self, reads: Vec<Read>, known: &Inventory) -> Result<Inventory, Error> {
        let is_list = |read: &Read| matches!(read, Read::Vaults(_) | Read::CurrentVaults(_));
        let (lists, others): (Vec<Read>, Vec<Read>) = reads.into_iter().partition(is_list);
        let others = others.into_iter().map(|read| self.fact(read, known));
        let (lists, others) = join(self.vault_lists(&lists), join_all(others)).await;
        let mut seen = lists?;
        for fact in others {
            seen.extend(fact?);
        }
        let cluster = seen.cluster(self.cluster);
        let is_busy = cluster.is_some_and(|cluster| {
            matches!(cluster.provisioning_state, ProvisioningState::Busy(_))
        });
        if is_busy && self.request.origin == Origin::Own {
            // The change is not done yet: when it is, another event comes, and all there is to see with it.
            return Err(Error::UnderWay { retry_after: None });
        }
        Ok(seen)
    }
}

impl<'a> Azure<'a> {
    /// Azure for a request.
    pub fn new(context: &'a Context, request: &'a Request, cluster: &'a ClusterId) -> Self {
        Self {
            context,
            request,
            cluster,
        }
    }

    /// Reads what the decision about the cluster needs.
    ///
    /// # Errors
    /// Where a read failed.
    pub async fn observe(&self) -> Result<Observation, Error> {
        self.go_on(Inventory::default(), Vec::new()).await
    }

    /// Reads the cluster and the roles again, after a change; what else was seen still holds.
    ///
    /// # Errors
    /// Where a read failed.
    pub async fn observe_again(&self, before: Observation) -> Result<Observation, Error> {
        let mut known = before.inventory;
        let roles = std::mem::take(&mut known.roles).into_iter();
        let of_vault = |(vault, of): (_, BTreeMap<PrincipalId, _>)| {
            let principals = of.into_keys();
            principals.map(move |principal| Read::Roles(Clone::clone(&vault), principal))
        };
        let mut reads: Vec<Read> = roles.flat_map(of_vault).collect();
        let provider = known.providers.get_mut(self.cluster.subscription());
        if let Some(provider) = provider {
            if let Some(version) = ApiVersion::newest(&provider.cluster_api_versions) {
                known.clusters.remove(self.cluster);
                reads.push(Read::Cluster(self.cluster.clone(), version));
            }
            // A registration that was asked for is under way: its end is not waited for.
            if provider.needs_registration() {
                "Registering".clone_into(&mut provider.state);
            }
        }
        // Principals that were missing may have come with a registration.
        known.platform_principals = known
            .platform_principals
            .filter(|principals| !principals.is_empty());
        self.go_on(known, reads).await
    }

    async fn go_on(&self, known: Inventory, reads: Vec<Read>) -> Result<Observation, Error> {
        let vault_hint = match &self.request.subject {
            request::Subject::Cluster { vault_hint, .. } => vault_hint.as_ref(),
            request::Subject::Sweep { .. } => None,
        };
        let subject = Subject {
            policy: &self.context.policy,
            cluster: self.cluster,
            vault_hint,
            today: self.context.clock.now().date(),
            vault_suffix: self.context.config.cloud.vault_suffix(),
        };
        observation::observe(self, &subject, known, reads).await
    }

    /// What one read brings.
    async fn fact(&self, read: Read, known: &Inventory) -> Result<Inventory, Error> {
        let arm = &self.context.arm;
        let mut fact = Inventory::default();
        match read {
            Read::Provider(of) => {
                let provider = self.provider(&of).await?;
                fact.providers.insert(of, provider);
            }
            Read::Tenant(of) => {
                let tenant = self.tenant(&of).await?;
                fact.tenants.insert(of, tenant);
            }
            Read::Vaults(_) | Read::CurrentVaults(_) => return self.vault_lists(&[read]).await,
            Read::Cluster(id, version) => match arm.cluster(&id, version.as_str()).await {
                Err(error) if is_not_served(&error) => return self.older(version, error, known),
                answer => {
                    fact.clusters.insert(id, found(answer)?);
                }
            },
            Read::Vault(id) => {
                let sighting = sighting(arm.vault(&id).await)?;
                fact.vaults.insert(id, sighting);
            }
            Read::VaultByHost(host) => {
                let scope = self.context.policy.scope.as_ref();
                let id = arm.vault_by_host(scope, &host).await?;
                fact.vaults_by_host.insert(host, id);
            }
            Read::DeletedVaults(of) => {
                let vaults = self.deleted_vaults(&of).await?;
                fact.deleted_vaults.insert(of, vaults);
            }
            Read::PlatformPrincipals => {
                fact.platform_principals = Some(self.platform_principals().await?);
            }
            Read::Manager(id, version) => {
                match arm.manager_identities(&id, version.as_str()).await {
                    Err(error) if is_not_served(&error) => {
                        return self.older(version, error, known);
                    }
                    answer => {
                        fact.managers.insert(id, found(answer)?);
                    }
                }
            }
            Read::Roles(vault, principal) => {
                let rows = arm.role_assignments(&vault, &principal).await?;
                let of_vault = fact.roles.entry(vault).or_default();
                of_vault.insert(principal, rows);
            }
        }
        Ok(fact)
    }

    async fn deleted_vaults(&self, of: &SubscriptionId) -> Result<Vec<VaultId>, Error> {
        match self.context.arm.deleted_vaults(of).await {
            // A vault is then not known to be deleted, which holds a cluster where it is.
            Err(error) if error.kind() == Kind::Denied => {
                tracing::warn!(error = %ErrorChain(&error), "deleted vaults cannot be listed");
                Ok(Vec::new())
            }
            answer => Ok(answer?),
        }
    }

    /// The registration without a version that the cluster's region turned out not to serve.
    fn older(
        &self,
        version: ApiVersion,
        error: CallError,
        known: &Inventory,
    ) -> Result<Inventory, Error> {
        let subscription = self.cluster.subscription();
        let mut provider = known.providers.get(subscription).cloned();
        if !provider
            .as_mut()
            .is_some_and(|provider| provider.forget(version))
        {
            return Err(error.into());
        }
        tracing::info!(%version, error = %ErrorChain(&error), "the region does not serve this api-version, an older one is used");
        let mut fact = Inventory::default();
        let provider = provider.map(|provider| (subscription.clone(), provider));
        fact.providers.extend(provider);
        Ok(fact)
    }
}

/// The list of versions is one for all regions: a new one may be on it before each of them serves it.
fn is_not_served(error: &CallError) -> bool {
    const CODES: [&str; 2] = ["NoRegisteredProviderFound", "InvalidApiVersionParameter"];
    error.kind() == Kind::Invalid && error.code().is_some_and(|code| CODES.contains(&code))
}

fn found<T>(answer: Result<T, CallError>) -> Result<Option<T>, Error> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == Kind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn sighting(answer: Result<Vault, CallError>) -> Result<Sighting, Error> {
    match answer {
        Err(error) if error.kind() == Kind::Denied => Ok(Sighting::Forbidden),
        other => Ok(found(other)?.map_or(Sighting::NotFound, Sighting::Found)),
    }
}
