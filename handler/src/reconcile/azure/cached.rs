//! What is read of Azure once and used again for a while.
//!
//! It must not keep what a change rests on without a live read: of a list of vaults its age is said, and what is chosen from
//! it is read again.

use std::{collections::BTreeMap, sync::Arc};

use futures::future::join_all;
use vaultbind_azure::{Kind, graph::PLATFORM_APPS};
use vaultbind_core::{
    decision::Read,
    id::SubscriptionId,
    inventory::{Inventory, Listed},
    resource::{PrincipalId, Provider, Vault},
};

use super::{Azure, Error};
use crate::context::VaultLists;

impl Azure<'_> {
    pub(super) async fn provider(&self, of: &SubscriptionId) -> Result<Provider, Error> {
        let (caches, now) = (&self.context.caches, self.context.clock.now());
        if let Some(kept) = caches.provider(of, now) {
            return Ok(kept);
        }
        let provider = self.context.arm.provider(of).await?;
        caches.keep_provider(of, now, &provider);
        Ok(provider)
    }

    pub(super) async fn tenant(&self, of: &SubscriptionId) -> Result<String, Error> {
        let caches = &self.context.caches;
        if let Some(kept) = caches.tenant(of) {
            return Ok(kept);
        }
        let tenant = self.context.arm.tenant(of).await?;
        caches.keep_tenant(of, &tenant);
        Ok(tenant)
    }

    /// The vaults of the subscriptions that are asked for: one listing has them all, with every other boundary's.
    pub(super) async fn vault_lists(&self, reads: &[Read]) -> Result<Inventory, Error> {
        let mut fact = Inventory::default();
        if reads.is_empty() {
            return Ok(fact);
        }
        let must_be_current = reads
            .iter()
            .any(|read| matches!(read, Read::CurrentVaults(_)));
        let (lists, is_current) = self.every_list(must_be_current).await?;
        for read in reads {
            if let Read::Vaults(of) | Read::CurrentVaults(of) = read {
                let vaults = lists.get(of).cloned().unwrap_or_default();
                fact.listed
                    .insert(of.clone(), Listed { vaults, is_current });
            }
        }
        Ok(fact)
    }

    /// The vaults in the subscriptions of all boundaries, and whether they were listed after the request came up.
    async fn every_list(&self, must_be_current: bool) -> Result<(Arc<VaultLists>, bool), Error> {
        let context = self.context;
        let _alone = context.caches.listing_vaults().await;
        let now = context.clock.now();
        let asked = self.request.first_seen.unwrap_or(now);
        if let Some((read, lists)) = context.caches.vaults(now)
            && (!must_be_current || read >= asked)
        {
            return Ok((lists, read >= asked));
        }
        let subscriptions: Vec<SubscriptionId> =
            context.policy.vault_subscriptions.iter().cloned().collect();
        let mut rows: BTreeMap<SubscriptionId, Vec<Vault>> = BTreeMap::new();
        for vault in context.arm.vaults_in(&subscriptions).await? {
            let subscription = vault.id.subscription().clone();
            rows.entry(subscription).or_default().push(vault);
        }
        let lists = rows
            .into_iter()
            .map(|(subscription, vaults)| (subscription, Arc::new(vaults.into_iter().collect())));
        let lists: Arc<VaultLists> = Arc::new(lists.collect());
        context.caches.keep_vaults(now, Arc::clone(&lists));
        Ok((lists, true))
    }

    /// The platform apps' principals; none where the directory does not have them both.
    pub(super) async fn platform_principals(&self) -> Result<Vec<PrincipalId>, Error> {
        let context = self.context;
        let given = context.config.platform_principals.clone();
        if let Some(principals) = given.or_else(|| context.caches.platform_principals()) {
            return Ok(principals);
        }
        let lookups = PLATFORM_APPS
            .iter()
            .map(|(_, app_id)| context.graph.service_principal(app_id));
        let found: Result<Vec<PrincipalId>, _> = join_all(lookups).await.into_iter().collect();
        match found {
            Err(error) if error.kind() == Kind::NotFound => Ok(Vec::new()),
            Err(error) => Err(Error::Directory(error)),
            Ok(principals) => {
                context.caches.keep_platform_principals(&principals);
                Ok(principals)
            }
        }
    }
}
