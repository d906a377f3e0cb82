//! Vaults as Azure shows them: one, those of a boundary, one by its address, and what there is to say of one that is not found.
//!
//! It must not take one answer for proof, nor a list for current that was begun before the request.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use vaultbind_azure::{Error as CallError, Kind};
use vaultbind_core::{
    id::{Scope, SubscriptionId, VaultId},
    inventory::{Inventory, Listed, NameState, Sighting, Visibility},
    resource::vault_host,
};

use super::{Azure, Error};
use crate::{
    caches::{Addresses, BoundaryList, Kept, SECOND_ANSWER, VAULTS_LIVE},
    request::RetryClass,
    telemetry::ErrorChain,
};

/// The clocks of two instances may differ by as much.
pub const CLOCKS_DIFFER: Duration = Duration::from_secs(2);

impl Azure<'_> {
    /// One vault, read live.
    pub(super) async fn vault(&self, id: &VaultId) -> Result<Sighting, Error> {
        match self.context.arm.vault(id).await {
            Ok(vault) => Ok(Sighting::Found(vault)),
            Err(error) if is_hidden(&error) => Ok(Sighting::Forbidden),
            Err(error) if error.kind() == Kind::NotFound => Ok(Sighting::NotFound),
            Err(error) => Err(error.into()),
        }
    }

    /// The vaults of a boundary: as they were listed within the last half minute, or since the request was sent.
    pub(super) async fn boundary(
        &self,
        scope: &Scope,
        has_to_be_current: bool,
    ) -> Result<Listed, Error> {
        let caches = &self.context.caches;
        let is_good = |kept: &Kept<BoundaryList>| {
            // That something is not there is asked anew each time.
            let is_there = matches!(kept.answer, Ok(Some(_)));
            let is_young = kept.began.elapsed() < VAULTS_LIVE;
            is_there && is_young && (!has_to_be_current || self.is_current(kept))
        };
        let shared = caches.boundary(scope);
        let read = self.list(scope);
        let kept = shared.get(&self.context.clock, is_good, read).await;
        let is_current = self.is_current(&kept);
        let (vaults, visibility) = match &kept.answer {
            Ok(Some(vaults)) => {
                caches.absent_since(scope, false, kept.began);
                (Arc::clone(vaults), Visibility::Whole)
            }
            Ok(None) => (Arc::default(), self.absence(scope, kept.began)),
            Err(error) if is_hidden(error) => (Arc::default(), Visibility::Hidden),
            Err(error) => return Err(Error::Call(Arc::clone(error))),
        };
        Ok(Listed {
            vaults,
            visibility,
            is_current,
        })
    }

    /// Lists a boundary, none where it is not there; a subscription that is not there is one that cannot be seen.
    async fn list(&self, scope: &Scope) -> Result<BoundaryList, CallError> {
        let is_of_subscription = matches!(scope, Scope::Subscription(_));
        match self.context.arm.vaults_of(scope).await {
            Ok(vaults) => Ok(Some(Arc::new(vaults.into_iter().collect()))),
            Err(error)
                if error.kind() == Kind::NotFound && !is_hidden(&error) && !is_of_subscription =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// A boundary is absent where a second answer, a minute or more after the first, says so too. The first may be one
    /// that this process knows, or the one for which this request has waited since.
    fn absence(&self, scope: &Scope, read: Instant) -> Visibility {
        let since = self.context.caches.absent_since(scope, true, read);
        let lasts =
            since.is_some_and(|since| read.saturating_duration_since(since) >= SECOND_ANSWER);
        let waited = self.request.progress.lasts(RetryClass::Unsettled);
        let now = self.context.clock.now();
        if lasts || waited.is_some_and(|since| now - since >= SECOND_ANSWER) {
            Visibility::Absent
        } else {
            Visibility::AbsentOnce
        }
    }

    /// Was it begun after the request was first sent, or in this look?
    fn is_current<T>(&self, kept: &Kept<T>) -> bool {
        let asked = self.context.asked.or(self.request.first_seen);
        kept.began >= self.began || asked.is_some_and(|asked| kept.begun >= asked + CLOCKS_DIFFER)
    }

    /// The vault that has an address, as Resource Graph has it; a live read has to bear it out.
    pub(super) async fn vault_at(
        &self,
        host: &str,
        known: &Inventory,
    ) -> Result<Option<VaultId>, Error> {
        let is_good = |kept: &Kept<Addresses>| kept.began.elapsed() < VAULTS_LIVE;
        let addresses = &self.context.caches.addresses;
        let kept = addresses.get(&self.context.clock, is_good, self.addresses());
        let addresses = kept.await.answer.map_err(Error::Call)?;
        let is_known_better =
            |id: &&VaultId| !matches!(known.vaults.get(*id), None | Some(Sighting::Found(_)));
        match addresses.get(host) {
            Some(id) if !is_known_better(&id) => Ok(Some(id.clone())),
            _ => {
                let scope = self.context.policy.scope.as_ref();
                Ok(self.context.arm.vault_by_host(scope, host).await?)
            }
        }
    }

    /// One query finds them all: Resource Graph's quota is small.
    async fn addresses(&self) -> Result<Addresses, CallError> {
        let of = self.context.policy.vault_subscriptions.iter();
        let of: Vec<SubscriptionId> = of.cloned().collect();
        let vaults = self.context.arm.vaults_in(&of).await?;
        let by_host = vaults
            .into_iter()
            .filter_map(|vault| Some((vault_host(&vault.uri)?, vault.id)));
        Ok(Arc::new(by_host.collect()))
    }

    /// Some vault that is there, as Resource Graph has it.
    pub(super) async fn any_vault(&self) -> Result<Option<VaultId>, Error> {
        let scope = self.context.policy.scope.as_ref();
        Ok(self.context.arm.any_vault(scope).await?)
    }

    /// The deleted vaults of a subscription; none where they may not be listed, for then nothing is known to be deleted.
    pub(super) async fn deleted_vaults(&self, of: &SubscriptionId) -> Result<Vec<VaultId>, Error> {
        match self.context.arm.deleted_vaults(of).await {
            Err(error) if is_out_of_reach(&error) => {
                tracing::warn!(error = %ErrorChain(&error), "deleted vaults cannot be listed");
                Ok(Vec::new())
            }
            answer => answer.map_err(|error| Error::Proof(error.into())),
        }
    }

    /// What Key Vault says of a name.
    pub(super) async fn vault_name(
        &self,
        of: &SubscriptionId,
        name: &str,
    ) -> Result<NameState, Error> {
        match self.context.arm.is_vault_name_free(of, name).await {
            Ok(true) => Ok(NameState::Free),
            Ok(false) => Ok(NameState::Taken),
            Err(error) if is_out_of_reach(&error) => {
                tracing::warn!(error = %ErrorChain(&error), "names of vaults cannot be asked for");
                Ok(NameState::Forbidden)
            }
            Err(error) => Err(Error::Proof(error.into())),
        }
    }
}

/// May it not be seen? That is of what lies in another directory too, or in a subscription that is not listed to us.
fn is_hidden(error: &CallError) -> bool {
    error.kind() == Kind::Denied || error.code() == Some("SubscriptionNotFound")
}

/// Is it a right, or the sight of a subscription, that is missing for a proof?
fn is_out_of_reach(error: &CallError) -> bool {
    is_hidden(error) || error.kind() == Kind::NotFound
}
