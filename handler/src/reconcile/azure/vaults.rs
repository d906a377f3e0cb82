//! Vaults as Azure shows them: one, those of a boundary, one by its address, and what there is to say of one that is not found.
//!
//! It must not take one answer for proof, nor a list for current that was begun before the request.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use vaultbind_azure::{Error as CallError, Kind, arm::Arm};
use vaultbind_core::{
    id::{Scope, SubscriptionId, VaultId},
    inventory::{Inventory, Listed, NameState, Sighting, Visibility},
    resource::vault_host,
};

use super::{Azure, Error};
use crate::{
    caches::{Addresses, Kept, SECOND_ANSWER, VAULTS_LIVE},
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
            Err(error) if is_absent(&error) => Ok(Sighting::NotFound),
            Err(error) => Err(error.into()),
        }
    }

    /// The vaults of a boundary: as they were listed within the last half minute, or since the request was sent.
    pub(super) async fn boundary(
        &self,
        scope: &Scope,
        has_to_be_current: bool,
    ) -> Result<Listed, Error> {
        let (caches, asked) = (&self.context.caches, Instant::now());
        let is_good = |kept: &Kept<Listed>, listed: &Listed| {
            let is_young = kept.began.elapsed() < VAULTS_LIVE;
            match listed.visibility {
                Visibility::Whole => is_young && (!has_to_be_current || self.is_current(kept)),
                // That something is not there, or may not be seen, is asked anew by everybody who did not wait for it.
                Visibility::AbsentOnce | Visibility::Absent | Visibility::Hidden => {
                    kept.ended_after(asked)
                }
            }
        };
        let shared = caches.boundary(scope);
        let read = list(&self.context.arm, scope);
        let kept = shared.get(&self.context.clock, is_good, read).await;
        let is_current = self.is_current(&kept);
        let mut listed = kept.answer.map_err(Error::Call)?;
        let is_absent = listed.visibility == Visibility::AbsentOnce;
        let since = caches.absent_since(scope, is_absent, kept.began);
        if is_absent && self.is_second_answer(scope, since, kept.began) {
            listed.visibility = Visibility::Absent;
        }
        Ok(Listed {
            is_current,
            ..listed
        })
    }

    /// A boundary is absent where a second answer, a minute or more after the first, says so too. The first may be one
    /// that this process knows, or one that this request remembers.
    fn is_second_answer(&self, scope: &Scope, since: Option<Instant>, read: Instant) -> bool {
        let lasts =
            since.is_some_and(|since| read.saturating_duration_since(since) >= SECOND_ANSWER);
        let remembered = self.request.progress.absent_since(scope);
        let now = self.context.clock.now();
        lasts || remembered.is_some_and(|since| now - since >= SECOND_ANSWER)
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
        let is_good = |kept: &Kept<Addresses>, _: &Addresses| kept.began.elapsed() < VAULTS_LIVE;
        let addresses = &self.context.caches.addresses;
        let kept = addresses.get(&self.context.clock, is_good, self.addresses());
        let addresses = match kept.await.answer {
            // Where nothing may be searched, nothing is found: other ways are tried.
            Err(error) if error.kind() == Kind::Denied => Addresses::default(),
            answer => answer.map_err(Error::Call)?,
        };
        let is_known_better =
            |id: &&VaultId| !matches!(known.vaults.get(*id), None | Some(Sighting::Found(_)));
        match addresses.get(host) {
            Some(id) if !is_known_better(&id) => Ok(Some(id.clone())),
            _ => {
                let scope = self.context.policy.scope.as_ref();
                match self.context.arm.vault_by_host(scope, host).await {
                    Err(error) if error.kind() == Kind::Denied => Ok(None),
                    answer => Ok(answer?),
                }
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
        match self.context.arm.any_vault(scope).await {
            Err(error) if error.kind() == Kind::Denied => Ok(None),
            answer => answer.map_err(|error| Error::Proof(error.into())),
        }
    }

    /// The deleted vaults of a subscription; none where they may not be listed, for then nothing is known to be deleted.
    pub(super) async fn deleted_vaults(&self, of: &SubscriptionId) -> Result<Vec<VaultId>, Error> {
        match self.context.arm.deleted_vaults(of).await {
            Err(error) if is_unregistered(&error) => Ok(Vec::new()),
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

/// Lists a boundary once; a subscription that is not there is one that cannot be seen.
///
/// # Errors
/// Where the call fails otherwise than by what is not there, or not to be seen.
pub async fn list(arm: &Arm, scope: &Scope) -> Result<Listed, CallError> {
    let is_of_subscription = matches!(scope, Scope::Subscription(_));
    match arm.vaults_of(scope).await {
        Ok(vaults) => Ok(Listed::current(vaults)),
        Err(error) if is_hidden(&error) => Ok(Listed::seen([], Visibility::Hidden)),
        Err(error) if is_absent(&error) && !is_of_subscription => {
            Ok(Listed::seen([], Visibility::AbsentOnce))
        }
        Err(error) if is_unregistered(&error) => Ok(Listed::current([])),
        Err(error) => Err(error),
    }
}

/// Is it not there, as ARM says it of a resource or its group? Any other 404 is no absence: it may be of a version or a proxy.
pub(super) fn is_absent(error: &CallError) -> bool {
    const CODES: [&str; 2] = ["ResourceNotFound", "ResourceGroupNotFound"];
    error.kind() == Kind::NotFound && CODES.into_iter().any(|code| error.says(code))
}

/// May it not be seen? That is of what lies in another directory too, or in a subscription that is not listed to us.
fn is_hidden(error: &CallError) -> bool {
    error.kind() == Kind::Denied || error.says("SubscriptionNotFound")
}

/// A subscription in which Key Vault was never registered has no vaults.
fn is_unregistered(error: &CallError) -> bool {
    const CODES: [&str; 2] = [
        "SubscriptionNotRegistered",
        "MissingSubscriptionRegistration",
    ];
    CODES.into_iter().any(|code| error.says(code))
}

/// Is it a right, or the sight of a subscription, that is missing for a proof?
fn is_out_of_reach(error: &CallError) -> bool {
    is_hidden(error) || error.kind() == Kind::NotFound
}
