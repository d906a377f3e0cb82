//! Reading: one call or one look into a cache for each thing that a decision asks for.
//!
//! It must not decide what is read, nor try again.

use std::sync::Arc;

use futures::future::join_all;
use vaultbind_azure::{Error as CallError, Kind, graph::PLATFORM_APPS};
use vaultbind_core::{
    api_version::ApiVersion,
    decision::Read,
    id::{ClusterId, SubscriptionId, VaultId},
    inventory::{Candidates, DeletedVault, Inventory, VaultSighting},
    resource::{Cluster, Identities, PrincipalId, Provider, RoleAssignment, Vault},
};

use super::super::Error;
use crate::{context::Context, request::Request, telemetry::ErrorChain};

/// One answer to a question of the decision.
pub(super) enum Seen {
    Provider(Provider),
    Tenant(String),
    Candidates {
        vaults: Arc<Candidates>,
        current: bool,
    },
    Cluster(Option<Cluster>),
    Vault(VaultId, VaultSighting),
    VaultByHost(String, Option<VaultId>),
    DeletedVaults(SubscriptionId, Vec<DeletedVault>),
    PlatformPrincipals(Option<Vec<PrincipalId>>),
    Manager(Option<Identities>),
    Roles(VaultId, PrincipalId, Vec<RoleAssignment>),
    NotServed(ApiVersion, CallError),
}

impl Seen {
    /// Enters it into the inventory.
    ///
    /// # Errors
    /// Where a version is not served and no other will do.
    pub(super) fn enter(self, inventory: &mut Inventory) -> Result<(), Error> {
        match self {
            Self::NotServed(version, error) => {
                let provider = inventory.provider.as_mut();
                if !provider.is_some_and(|it| it.forget(version)) {
                    return Err(error.into());
                }
                tracing::info!(%version, error = %ErrorChain(&error), "the region does not serve this api-version, an older one is used");
            }
            Self::Provider(provider) => inventory.provider = Some(provider),
            Self::Tenant(tenant) => inventory.tenant = Some(tenant),
            Self::Candidates { vaults, current } => {
                inventory.candidates = Some(vaults);
                inventory.candidates_are_current = current;
            }
            Self::Cluster(cluster) => inventory.cluster = Some(cluster),
            Self::Vault(id, sighting) => {
                inventory.vaults.insert(id, sighting);
            }
            Self::VaultByHost(host, id) => {
                inventory.vaults_by_host.insert(host, id);
            }
            Self::DeletedVaults(subscription, vaults) => {
                inventory.deleted_vaults.insert(subscription, vaults);
            }
            Self::PlatformPrincipals(principals) => {
                inventory.platform_principals = Some(principals)
            }
            Self::Manager(identities) => inventory.manager = Some(identities),
            Self::Roles(vault, principal, rows) => {
                inventory.roles.insert((vault, principal), rows);
            }
        }
        Ok(())
    }
}

/// Reads for one request about one cluster.
pub(super) struct Reader<'a> {
    pub(super) context: &'a Context,
    pub(super) request: &'a Request,
    pub(super) cluster: &'a ClusterId,
}

impl Reader<'_> {
    pub(super) async fn read(&self, read: Read) -> Result<Seen, Error> {
        let arm = &self.context.arm;
        Ok(match read {
            Read::Provider => self.provider().await?,
            Read::Tenant => self.tenant().await?,
            Read::Candidates => self.candidates(false).await?,
            Read::CurrentCandidates => self.candidates(true).await?,
            Read::Cluster(version) => match arm.cluster(self.cluster, version.as_str()).await {
                Err(error) if is_not_served(&error) => Seen::NotServed(version, error),
                answer => Seen::Cluster(found(answer)?),
            },
            Read::Vault(id) => {
                let sighting = sighting(arm.vault(&id).await)?;
                Seen::Vault(id, sighting)
            }
            Read::VaultByHost(host) => {
                let id = arm
                    .vault_by_host(self.context.policy.scope.as_ref(), &host)
                    .await?;
                Seen::VaultByHost(host, id)
            }
            Read::DeletedVaults(subscription) => {
                let vaults = match arm.deleted_vaults(&subscription).await {
                    // A vault is then not known to be deleted, which holds a cluster where it is.
                    Err(error) if error.kind() == Kind::Denied => {
                        tracing::warn!(error = %ErrorChain(&error), "deleted vaults cannot be listed");
                        Vec::new()
                    }
                    answer => answer?,
                };
                Seen::DeletedVaults(subscription, vaults)
            }
            Read::PlatformPrincipals => self.platform_principals().await?,
            Read::Manager(id, version) => {
                match arm.manager_identities(&id, version.as_str()).await {
                    Err(error) if is_not_served(&error) => Seen::NotServed(version, error),
                    answer => Seen::Manager(found(answer)?),
                }
            }
            Read::Roles(vault, principal) => {
                let rows = arm.role_assignments(&vault, &principal).await?;
                Seen::Roles(vault, principal, rows)
            }
        })
    }

    async fn provider(&self) -> Result<Seen, Error> {
        let subscription = self.cluster.subscription();
        let now = self.context.clock.now();
        if let Some(kept) = self.context.caches.provider(subscription, now) {
            return Ok(Seen::Provider(kept));
        }
        let provider = self.context.arm.provider(subscription).await?;
        self.context
            .caches
            .keep_provider(subscription, now, &provider);
        Ok(Seen::Provider(provider))
    }

    async fn tenant(&self) -> Result<Seen, Error> {
        let subscription = self.cluster.subscription();
        if let Some(kept) = self.context.caches.tenant(subscription) {
            return Ok(Seen::Tenant(kept));
        }
        let tenant = self.context.arm.tenant(subscription).await?;
        self.context.caches.keep_tenant(subscription, &tenant);
        Ok(Seen::Tenant(tenant))
    }

    /// The vaults of every subscription in which a rule's boundary lies: those outside are named, never chosen.
    async fn candidates(&self, must_be_current: bool) -> Result<Seen, Error> {
        let context = self.context;
        let _alone = context.caches.reading_candidates().await;
        let now = context.clock.now();
        let asked = self.request.first_seen.unwrap_or(now);
        if let Some((read, vaults)) = context.caches.candidates(now)
            && (!must_be_current || read >= asked)
        {
            return Ok(Seen::Candidates {
                vaults,
                current: read >= asked,
            });
        }
        let within = context
            .policy
            .rules
            .iter()
            .flat_map(|rule| &rule.vaults.within);
        let mut subscriptions: Vec<SubscriptionId> =
            within.map(|it| it.subscription().clone()).collect();
        subscriptions.sort();
        subscriptions.dedup();
        let vaults: Arc<Candidates> = Arc::new(
            context
                .arm
                .vaults_in(&subscriptions)
                .await?
                .into_iter()
                .collect(),
        );
        context.caches.keep_candidates(now, Arc::clone(&vaults));
        Ok(Seen::Candidates {
            vaults,
            current: true,
        })
    }

    async fn platform_principals(&self) -> Result<Seen, Error> {
        let context = self.context;
        let given = context.config.platform_principals.clone();
        if let Some(principals) = given.or_else(|| context.caches.platform_principals()) {
            return Ok(Seen::PlatformPrincipals(Some(principals)));
        }
        let looks = PLATFORM_APPS
            .iter()
            .map(|(_, app_id)| context.graph.service_principal(app_id));
        let found: Result<Vec<PrincipalId>, _> = join_all(looks).await.into_iter().collect();
        let principals = match found {
            Err(error) if error.kind() == Kind::NotFound => None,
            found => Some(found.map_err(Error::Directory)?),
        };
        if let Some(principals) = &principals {
            context.caches.keep_platform_principals(principals);
        }
        Ok(Seen::PlatformPrincipals(principals))
    }
}

/// The list of versions is one for all regions: a new one may be on it before each of them serves it.
fn is_not_served(error: &CallError) -> bool {
    const CODES: [&str; 2] = ["NoRegisteredProviderFound", "InvalidApiVersionParameter"];
    error.kind() == Kind::Invalid && error.code().is_some_and(|code| CODES.contains(&code))
}

fn found<T>(answer: Result<T, CallError>) -> Result<Option<T>, Error> {
    match answer {
        Ok(it) => Ok(Some(it)),
        Err(error) if error.kind() == Kind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn sighting(answer: Result<Vault, CallError>) -> Result<VaultSighting, Error> {
    match answer {
        Err(error) if error.kind() == Kind::Denied => Ok(VaultSighting::Denied),
        other => Ok(found(other)?.map_or(VaultSighting::Absent, VaultSighting::Live)),
    }
}
