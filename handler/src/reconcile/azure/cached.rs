//! What is read of Azure once and used again for a while.
//!
//! It must not keep what a change could rest on, but for lists of vaults, whose age is said.

use std::{collections::BTreeMap, sync::Arc};

use futures::future::join_all;
use vaultbind_azure::{Kind, graph::PLATFORM_APPS};
use vaultbind_core::{
    id::SubscriptionId,
    inventory::{Listed, VaultList},
    resource::{PrincipalId, Provider, Vault},
};

use super::{Azure, Error};

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

    /// The vaults of one subscription; those of every subscription in which a rule's boundary lies are listed with them.
    pub(super) async fn listed(
        &self,
        of: &SubscriptionId,
        must_be_current: bool,
    ) -> Result<Listed, Error> {
        let context = self.context;
        let _alone = context.caches.listing_vaults().await;
        let now = context.clock.now();
        let asked = self.request.first_seen.unwrap_or(now);
        if let Some((read, vaults)) = context.caches.vaults(of, now)
            && (!must_be_current || read >= asked)
        {
            let is_current = read >= asked;
            return Ok(Listed { vaults, is_current });
        }
        let subscriptions: Vec<SubscriptionId> =
            context.policy.vault_subscriptions.iter().cloned().collect();
        let listed = context.arm.vaults_in(&subscriptions).await?;
        let mut by_subscription: BTreeMap<SubscriptionId, Vec<Vault>> = subscriptions
            .into_iter()
            .map(|subscription| (subscription, Vec::new()))
            .collect();
        for vault in listed {
            let of_vault = by_subscription.entry(vault.id.subscription().clone());
            of_vault.or_default().push(vault);
        }
        let mut own = Arc::default();
        for (subscription, vaults) in by_subscription {
            let vaults: Arc<VaultList> = Arc::new(vaults.into_iter().collect());
            if subscription == *of {
                own = Arc::clone(&vaults);
            }
            context.caches.keep_vaults(subscription, now, vaults);
        }
        Ok(Listed {
            vaults: own,
            is_current: true,
        })
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
