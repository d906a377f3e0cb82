//! Azure as a source of facts: a call, or the answer of a cache, for each thing that a decision asks for.
//!
//! It must not write, nor decide what is read, nor try again.

mod cached;
mod vaults;

use std::{collections::BTreeMap, time::Duration};

use futures::future::join_all;
use tokio::time::Instant;
use vaultbind_azure::{Error as CallError, Kind};
use vaultbind_core::{
    api_version::ApiVersion,
    decision::{Read, Subject},
    id::ClusterId,
    inventory::Inventory,
    observation::{self, Observation, Source, Unsettled},
    resource::{PrincipalId, ProvisioningState},
};

use super::Error;
use crate::{
    context::Context,
    request::{self, Origin, Request},
    telemetry::ErrorChain,
};

pub use cached::subscriptions;
pub use vaults::{CLOCKS_DIFFER, list};

/// Azure, as it is read for one request about one cluster.
#[derive(Debug)]
pub struct Azure<'a> {
    context: &'a Context,
    request: &'a Request,
    cluster: &'a ClusterId,
    /// When this look began.
    began: Instant,
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
        let facts = reads.into_iter().map(|read| self.fact(read, known));
        let mut seen = Inventory::default();
        for fact in join_all(facts).await {
            seen.extend(fact?);
        }
        let cluster = seen.cluster(self.cluster);
        let is_deletion = self.request.origin.as_made_anew().is_some();
        if cluster.is_some_and(|cluster| is_deletion && !cluster.is_deleting()) {
            return Err(Error::StillShown(self.cluster.clone()));
        }
        let is_busy = cluster.is_some_and(|cluster| {
            matches!(cluster.provisioning_state, ProvisioningState::Busy(_))
        });
        if is_busy && self.request.origin == Origin::Own {
            // The change is not done yet: when it is, another event comes, and all there is to see with it.
            return Err(Error::UnderWay {
                runs: Duration::ZERO,
                retry_after: None,
            });
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
            began: Instant::now(),
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
        let is_current = matches!(read, Read::CurrentVaults(_));
        match read {
            Read::Provider(of) => {
                fact.providers.insert(of.clone(), self.provider(&of).await?);
            }
            Read::Tenant(of) => {
                fact.tenants.insert(of.clone(), self.tenant(&of).await?);
            }
            Read::Visible(of) => {
                let is_visible = self.is_visible(&of).await?;
                fact.visible.insert(of, is_visible);
            }
            Read::Vaults(of) | Read::CurrentVaults(of) => {
                let listed = self.boundary(&of, is_current).await?;
                fact.listed.insert(of, listed);
            }
            Read::Cluster(id, version) => {
                let answer = arm.cluster(&id, version.as_str()).await;
                return self.served(version, answer, known, |fact, cluster| {
                    fact.clusters.insert(id, cluster);
                });
            }
            Read::Vault(id) => {
                let sighting = self.vault(&id).await?;
                fact.vaults.insert(id, sighting);
            }
            Read::VaultByHost(host) => {
                let id = self.vault_at(&host, known).await?;
                fact.vaults_by_host.insert(host, id);
            }
            Read::DeletedVaults(of) => {
                let vaults = self.deleted_vaults(&of).await?;
                fact.deleted_vaults.insert(of, vaults);
            }
            Read::VaultName(of, name) => {
                let state = self.vault_name(&of, &name).await?;
                fact.vault_names.insert(name, state);
            }
            Read::AnyVault => fact.any_vault = Some(self.any_vault().await?),
            Read::PlatformPrincipals => {
                fact.platform_principals = Some(self.platform_principals().await?);
            }
            Read::Manager(id, version) => {
                let answer = arm.manager_identities(&id, version.as_str()).await;
                return self.served(version, answer, known, |fact, manager| {
                    fact.managers.insert(id, manager);
                });
            }
            Read::Roles(vault, principal) => {
                let rows = arm.role_assignments(&vault, &principal).await?;
                let of_vault = fact.roles.entry(vault).or_default();
                of_vault.insert(principal, rows);
            }
            Read::LeftBehind(read) => return self.left_behind(*read, known).await,
        }
        Ok(fact)
    }

    /// What an answer brings that was asked for at an api-version, or that its region does not serve this one.
    fn served<T>(
        &self,
        version: ApiVersion,
        answer: Result<T, CallError>,
        known: &Inventory,
        enter: impl FnOnce(&mut Inventory, Option<T>),
    ) -> Result<Inventory, Error> {
        match answer {
            Err(error) if error.is_about_version() => self.older(version, error, known),
            answer => {
                let mut fact = Inventory::default();
                enter(&mut fact, found(answer)?);
                Ok(fact)
            }
        }
    }

    /// What nothing is decided by: that it may not be read is an answer too.
    async fn left_behind(&self, read: Read, known: &Inventory) -> Result<Inventory, Error> {
        match Box::pin(self.fact(read.clone(), known)).await {
            Err(Error::Call(error) | Error::Directory(error)) if error.kind() == Kind::Denied => {
                tracing::warn!(%read, error = %ErrorChain(&error), "what a move leaves behind may not be read");
                Ok(Inventory {
                    refused: vec![read],
                    ..Inventory::default()
                })
            }
            fact => fact,
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

/// What was found; that something is not there ARM has to say of it, or of its group. Any other 404 is no absence.
fn found<T>(answer: Result<T, CallError>) -> Result<Option<T>, Error> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if vaults::is_absent(&error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
