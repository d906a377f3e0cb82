//! The codes of reasons and warnings: what each means, who acts, and what they do.
//!
//! It must not change what a code means: consumers go by it.

use std::fmt;

use schemars::JsonSchema;

/// Who acts.
const POLICY: &str = "who writes the policy";
const VAULT: &str = "who owns the vault";
const CLUSTER: &str = "who owns the cluster";
const RIGHTS: &str = "who gives rights in Azure";
const OPERATOR: &str = "who runs Vaultbind";
const NOBODY: &str = "nobody";

/// Declares the codes: the meaning, which is published as the description, the name, who acts, and what they do.
macro_rules! codes {
    ($($(#[doc = $meaning:literal])+ $name:ident: $who:ident, $what:literal;)+) => {
        /// Vaultbind's own codes; where a call to Azure failed, the code is Azure's.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
        pub enum Code {
            $($(#[doc = $meaning])+ $name,)+
        }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The code as results have it.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)+
                }
            }

            /// What the code means, who acts, and what they do.
            pub fn explained(self) -> (&'static str, &'static str, &'static str) {
                match self {
                    $(Self::$name => (concat!($($meaning),+), $who, $what),)+
                }
            }
        }
    };
}

codes! {
    /// The vault is on access policies: roles have no effect on it.
    AccessPolicies: VAULT, "Move it to Azure role-based access control.";
    /// The cluster has another vault than its rule would choose, and the rule leaves it there.
    BoundElsewhere: POLICY, "Leave it so, or have the rule move it (`rebind`).";
    /// The vault of the cluster cannot be seen, and is not known to be deleted.
    BoundVaultNotVisible: RIGHTS, "Give Vaultbind's identity its reader role where the vault lies.";
    /// A boundary of the rule is not there.
    BoundaryNotFound: POLICY, "Nothing where it has yet to be made; else correct `within`.";
    /// A boundary of the rule may not be listed: it may hold a vault that ranks as high.
    BoundaryNotVisible: RIGHTS, "Give Vaultbind's identity its reader role there, or take it out of the rule.";
    /// A boundary was not found once; that counts once a second answer says so.
    BoundaryUnsettled: NOBODY, "Wait for the second answer.";
    /// A call to Azure failed and named no code.
    CallFailed: NOBODY, "See the message; the next event or sweep looks again.";
    /// An operation was under way on the cluster until the deadline.
    ClusterBusy: CLUSTER, "Look at the cluster's activity log if the operation never ends.";
    /// Whenever the cluster was to be changed, somebody else had just changed it, until the deadline.
    ClusterChanges: CLUSTER, "Look for another writer in the cluster's activity log.";
    /// The cluster is being deleted.
    ClusterDeleting: NOBODY, "Nothing to do.";
    /// The cluster does not exist.
    ClusterNotFound: NOBODY, "Nothing to do.";
    /// The writer holds its role under a condition, and Azure allows no second assignment beside it.
    ConditionalRole: RIGHTS, "Remove the condition, or the assignment.";
    /// The platform apps may not be looked up in the directory.
    DirectoryDenied: OPERATOR, "Set `VAULTBIND_PLATFORM_PRINCIPAL_IDS`, or give the identity Application.Read.All.";
    /// An exemption of the policy covers the cluster.
    Exempt: POLICY, "Remove the exemption to have the cluster governed again.";
    /// The cluster delivers to an archive that is no Azure Key Vault.
    ForeignArchive: CLUSTER, "Leave it so, or clear `secretArchiveSettings`.";
    /// Several user-assigned identities could write.
    IdentityAmbiguous: POLICY, "Name one of them with `identity:`.";
    /// The identity that the rule names is not there: nobody else is given the role.
    IdentityNotNamed: CLUSTER, "Assign the identity that the rule names, or correct `identity:`.";
    /// The identity that writes shows no principal yet.
    IdentityNotReady: CLUSTER, "Wait; assign it again if it stays so.";
    /// Which roles stay on the vault that the cluster leaves is not known: they may not be read.
    LeftBehindNotVisible: RIGHTS, "Give the identity its role there too, or look at the old vault by hand.";
    /// The subscription is served no api-version that this Vaultbind knows.
    NoKnownApiVersion: OPERATOR, "Look for a newer Vaultbind.";
    /// The vault has no purge protection, which the rule requires.
    NoPurgeProtection: VAULT, "Turn it on; it cannot be undone.";
    /// No rule of the policy governs the cluster.
    NoRule: POLICY, "Give the cluster the tags that a rule asks for, or add a rule.";
    /// The rule finds no vault.
    NoVault: VAULT, "Tag a vault within the rule's boundaries as it asks.";
    /// What was written could not be read back until the deadline.
    NotVisible: CLUSTER, "Look for another writer in the cluster's activity log.";
    /// Somebody canceled the operation that pointed the cluster at its vault.
    OperationCanceled: CLUSTER, "See the cluster's activity log; the next event or sweep tries again.";
    /// The last operation on the cluster failed, and Azure says no more of it.
    OperationFailed: CLUSTER, "See the cluster's activity log; the next event or sweep tries again.";
    /// An operation ran until the deadline.
    OperationTooLong: CLUSTER, "Look at the cluster's activity log.";
    /// The vault belongs to another directory than the cluster's subscription.
    OtherTenant: VAULT, "Use a vault of the cluster's directory.";
    /// The cluster's subscription is not in the policy's scope.
    OutOfScope: POLICY, "Add the subscription to the scope, or send no events from it.";
    /// A vault has what the rule asks for and lies outside its `within`.
    OutsideWithin: POLICY, "Use a vault within it, or add the group where it can be trusted with credentials.";
    /// The directory does not have the principal that needs the role, or not yet.
    PrincipalNotFound: RIGHTS, "Check the object ids; registering Microsoft.NetworkCloud brings in the platform apps.";
    /// The vault in place is another rule's, which does not let its clusters go.
    ProtectedByRule: POLICY, "Have that rule govern the cluster, or clear the archive to move it on purpose.";
    /// A delivery of the request broke off, and its deadline passed before the next attempt.
    Redelivered: NOBODY, "The next event or sweep looks again.";
    /// The writer's role stays on a vault that the cluster does not use.
    RolesLeftBehind: VAULT, "Remove it where no other cluster needs it; the help has the command.";
    /// The region's api-version does not have `secretArchiveSettings`.
    SettingsNotServed: POLICY, "Use another writer until the region serves 2025-02-01 or later.";
    /// The cluster has `secretArchiveSettings`: what the rule's writer would set has no effect beside them.
    SettingsTakePrecedence: POLICY, "Use writer `cluster` or `auto`, or clear the settings.";
    /// Several vaults rank equal.
    SeveralVaults: VAULT, "Leave one of them with the tags, or add a preference to the rule.";
    /// A cluster that was deleted was still shown at the deadline.
    StillShown: CLUSTER, "Look at the cluster's activity log.";
    /// A subscription of the policy cannot be seen: what is in it is not known.
    SubscriptionNotVisible: RIGHTS, "Give Vaultbind's identity its reader role there, or take the subscription out of the policy.";
    /// Azure answered too slowly until the deadline.
    TooSlow: NOBODY, "The next event or sweep looks again.";
    /// The vault of the cluster is deleted.
    VaultDeleted: VAULT, "Recover it, or have the rule move the cluster (`rebind: when-orphaned`).";
    /// The vault of the cluster was moved: it has another id.
    VaultMoved: VAULT, "Move it back, or add its new group to `within`.";
    /// The vault is listed, but reading it finds nothing.
    VaultNotFound: VAULT, "Look at the vault's activity log if it stays so.";
    /// The vault may not be read.
    VaultNotReadable: RIGHTS, "Give Vaultbind's identity its reader role where the vault lies.";
    /// The vault is not ready.
    VaultNotReady: VAULT, "Wait; look at its activity log if it stays so.";
    /// The vault's address is not that of a vault of this name.
    VaultUriMismatch: OPERATOR, "Check the vault and `VAULTBIND_CLOUD`.";
    /// The writer has no managed identity.
    WriterHasNoIdentity: CLUSTER, "Assign one, or choose another writer in the rule.";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// One of Vaultbind's own codes, or Azure's where a call to it failed.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it is there for its schema")]
pub(super) enum AnyCode {
    Own(Code),
    Azure(String),
}

/// The page that lists the codes.
pub fn page() -> String {
    let row = |code: &Code| {
        let (meaning, who, what) = code.explained();
        format!("| `{code}` | {} | {who} | {what} |\n", meaning.trim())
    };
    let rows: String = Code::ALL.iter().map(row).collect();
    format!("| code | what is the case | who acts | what they do |\n|---|---|---|---|\n{rows}")
}
