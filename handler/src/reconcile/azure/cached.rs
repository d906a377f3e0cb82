//! What is read of Azure once and used again for a while.
//!
//! It must not keep what a change rests on without a live read.

use std::sync::Arc;

use futures::future::join_all;
use tokio::time::Instant;
use vaultbind_azure::{Error as CallError, Kind, graph::PLATFORM_APPS};
use vaultbind_core::{
    id::SubscriptionId,
    resource::{PrincipalId, Provider},
};

use super::{Azure, Error};
use crate::{
    caches::{Kept, SUBSCRIPTIONS_LIVE, Subscriptions},
    context::Context,
};

impl Azure<'_> {
    pub(super) async fn provider(&self, of: &SubscriptionId) -> Result<Provider, Error> {
        let (caches, now) = (&self.context.caches, Instant::now());
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

    /// Can a subscription be seen at all?
    pub(super) async fn is_visible(&self, of: &SubscriptionId) -> Result<bool, Error> {
        let subscriptions = subscriptions(self.context).await.map_err(Error::Call)?;
        Ok(subscriptions.contains(of))
    }

    /// The platform apps' principals; none where the directory does not have them both.
    pub(super) async fn platform_principals(&self) -> Result<Vec<PrincipalId>, Error> {
        let context = self.context;
        let (given, now) = (context.config.platform_principals.clone(), Instant::now());
        if let Some(principals) = given.or_else(|| context.caches.platform_principals(now)) {
            return Ok(principals);
        }
        let lookups = PLATFORM_APPS
            .iter()
            .map(|(_, app_id)| context.graph.service_principal(app_id));
        let found: Result<Vec<PrincipalId>, _> = join_all(lookups).await.into_iter().collect();
        match found {
            Err(error) if error.kind() == Kind::NotFound => Ok(Vec::new()),
            Err(error) => Err(Error::Directory(error.into())),
            Ok(principals) => {
                context.caches.keep_platform_principals(now, &principals);
                Ok(principals)
            }
        }
    }
}

/// The subscriptions that can be seen, as they were listed within the last hour.
///
/// # Errors
/// Where they cannot be listed.
pub async fn subscriptions(context: &Context) -> Result<Subscriptions, Arc<CallError>> {
    let is_good =
        |kept: &Kept<Subscriptions>, _: &Subscriptions| kept.began.elapsed() < SUBSCRIPTIONS_LIVE;
    let list = async { context.arm.subscriptions().await.map(Arc::new) };
    let shared = &context.caches.subscriptions;
    shared.get(&context.clock, is_good, list).await.answer
}
