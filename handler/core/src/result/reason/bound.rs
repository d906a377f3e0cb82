//! Reasons that are about the vault that a cluster has: it stays, is deleted, or cannot be seen.
//!
//! It must not decide which of them applies.

use super::reason;
use crate::{
    decision::Read,
    id::VaultId,
    policy::{Rebind, Rule, WriterChoice},
    result::{Code, Reason},
};

pub(crate) fn settings_take_precedence(
    bound: &str,
    chosen: &VaultId,
    writer: WriterChoice,
) -> Reason {
    reason(
        Code::SettingsTakePrecedence,
        format!(
            "secretArchiveSettings point at {}; writer `{writer}` would set secretArchive to {}, which has no effect beside them",
            bound,
            chosen.name()
        ),
        "Use writer `cluster` or `auto` in the rule, or clear `secretArchiveSettings` on the cluster.",
    )
}

/// Roles that are left to a person: other clusters may need them.
pub fn roles_left_behind(ids: &[&str]) -> Reason {
    let quoted: Vec<String> = ids.iter().map(|id| format!("\"{id}\"")).collect();
    reason(
        Code::RolesLeftBehind,
        "the writer's role stays on a vault that the cluster does not use",
        format!(
            "Where no other cluster needs it there, remove it: `az role assignment delete --ids {}`.",
            quoted.join(" ")
        ),
    )
}

pub(crate) fn bound_elsewhere(bound: &VaultId, chosen: &VaultId, rebind: Rebind) -> Reason {
    reason(
        Code::BoundElsewhere,
        format!(
            "bound to {bound}; the policy would choose {chosen}, and the rule has `rebind: {rebind}`"
        ),
        "Leave it so, or set `rebind: allow` in the rule; existing secrets stay in the old vault.",
    )
}

/// The cluster is bound to a vault that is not its rule's, and the rule finds none for it either.
pub(crate) fn bound_without_choice(bound: &VaultId, rule: &Rule, why: &Reason) -> Reason {
    reason(
        Code::BoundElsewhere,
        format!(
            "bound to {bound}, which rule `{}` does not have for it (`rebind: {}`); and of its own: {}",
            rule.name, rule.rebind, why.message
        ),
        "Leave it so, or let the rule have the vault: by the tags that it asks for, and by its `within`. Or let another rule govern the cluster; existing secrets stay in the old vault.",
    )
}

/// The vault in place is another rule's, which does not let its clusters go.
pub(crate) fn protected_by_rule(bound: &VaultId, protector: &Rule, rule: &Rule) -> Reason {
    reason(
        Code::ProtectedByRule,
        format!(
            "bound to {bound}, which rule `{}` protects (`rebind: {}`); rule `{}`, which governs the cluster now, does not have it for it",
            protector.name, protector.rebind, rule.name
        ),
        format!(
            "Have `{}` govern the cluster, by its tags or by the order of the rules; to move it on purpose, clear its archive first.",
            protector.name
        ),
    )
}

/// The bound vault cannot be seen; what the policy makes of the cluster's other vaults only says what would come of it.
pub(crate) fn bound_vault_not_visible(bound: &str, choice: &str) -> Reason {
    reason(
        Code::BoundVaultNotVisible,
        format!(
            "bound to `{bound}`, which cannot be seen and is not known to be deleted; {choice}"
        ),
        "Give Vaultbind's identity its reader role where that vault lies, with Microsoft.KeyVault/deletedVaults/read and Microsoft.KeyVault/checkNameAvailability/read on the subscription (without them nothing is known to be deleted); or clear the archive on the cluster if it is of no use.",
    )
}

/// The bound vault is not found, and a call failed that would have told whether it is deleted.
pub fn proof_failed(message: String) -> Reason {
    reason(
        Code::BoundVaultNotVisible,
        message,
        "The next event or sweep looks again; until then the cluster stays where it is.",
    )
}

/// The bound vault has another id than the cluster shows.
pub(crate) fn vault_moved(before: &VaultId, now: &VaultId) -> Reason {
    reason(
        Code::VaultMoved,
        format!("the vault {before} was moved, it is {now} now"),
        "Where its rule has the vault there, the cluster is pointed at the new id, and its writers are given their role again; else move the vault back, or add its new group to `within`.",
    )
}

/// What only tells which roles a move leaves behind may not be read.
pub(crate) fn left_behind_not_visible(read: &Read) -> Reason {
    reason(
        Code::LeftBehindNotVisible,
        format!(
            "which role assignments stay on the vault that the cluster leaves is not known: {read} may not be read"
        ),
        "The move does not need it. Give Vaultbind's identity its role there too, or look at the old vault's role assignments by hand.",
    )
}

/// The bound vault is deleted; the policy would choose another one, if it were to move the cluster.
pub(crate) fn orphaned(bound: &str, choice: &str, rebind: Rebind) -> Reason {
    reason(
        Code::VaultDeleted,
        format!("bound to `{bound}`, which is deleted; {choice} (`rebind: {rebind}`)"),
        "Recover the vault, or set `rebind: when-orphaned` in the rule to have the cluster moved.",
    )
}

/// The bound vault is deleted, and lay where another rule does not let its clusters go.
pub(crate) fn orphan_is_kept(bound: &str, keeper: &Rule, choice: &str) -> Reason {
    reason(
        Code::ProtectedByRule,
        format!(
            "bound to `{bound}`, which is deleted, and rule `{}` protects what lay there (`rebind: {}`); {choice}",
            keeper.name, keeper.rebind
        ),
        format!(
            "Recover the vault, or have `{}` govern the cluster, by its tags or by the order of the rules; to move it on purpose, clear its archive first.",
            keeper.name
        ),
    )
}

/// The same reason, naming the vault that the cluster had.
pub(crate) fn beside_deleted(mut why: Reason, bound: &str) -> Reason {
    why.message = format!(
        "{}; the cluster is bound to `{bound}`, which is deleted",
        why.message
    );
    why
}

/// The same reason, naming the vault that the cluster has meanwhile.
pub(crate) fn beside_bound(mut why: Reason, bound: &str) -> Reason {
    why.message = format!("{}; the cluster is still bound to `{bound}`", why.message);
    why
}

/// The bound vault is deleted, and the policy has no other for the cluster.
pub(crate) fn without_successor(bound: &str, rule: &Rule, why: &Reason) -> Reason {
    reason(
        Code::VaultDeleted,
        format!(
            "bound to `{bound}`, which is deleted, and nothing takes its place (`rebind: {}`): {}",
            rule.rebind, why.message
        ),
        format!(
            "Recover the vault, or provide one that the rule finds. {}",
            why.help
        ),
    )
}
