//! The writer: who puts the credentials into the vault, with which identity, and whether it holds the role.
//!
//! It must not grant more than the writer in use needs.

mod identity;
mod left_behind;
mod roles;

use super::{
    Read, changes,
    current::CurrentBinding,
    input::Input,
    moves::may_choose,
    stop::{Patience, Stop, known},
};
use crate::{
    archive::{ArchiveProperty, ArchiveSpec},
    id::VaultId,
    plan::Writer,
    policy::{Rule, WriterChoice},
    resource::{AssociatedIdentity, Identities, PrincipalId, RoleAssignment, Vault},
    result::{Outcome, Reason, reason},
};

use identity::{Chosen, choose_identity};
pub use left_behind::LeftBehind;
use left_behind::left_behind;
use roles::role_rows;

/// Who writes the credentials, and what gives it the right to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grants {
    /// Who writes.
    pub writer: Writer,
    /// Why that writer.
    pub reason: &'static str,
    /// The principals that need the role, and the assignment that gives it where there is one; none where a registration
    /// has to bring them into the directory first.
    pub principals: Vec<(PrincipalId, Option<RoleAssignment>)>,
    /// What the cluster should show.
    pub archive: ArchiveSpec,
    /// When the youngest role assignment that is needed was made, in Unix seconds: access may lag behind it.
    pub youngest_role: Option<i64>,
    /// Role assignments on the vault that the cluster is moved away from: they are left for a person to remove.
    pub left_behind: LeftBehind,
}

impl Grants {
    /// Does a registration come first, and what follows from it later?
    pub fn awaits_registration(&self) -> bool {
        self.principals.is_empty()
    }
}

/// Picks the writer, and sees which roles it has.
pub(super) fn grants(
    input: &Input<'_>,
    rule: &Rule,
    current: &CurrentBinding,
    vault: &Vault,
) -> Result<Grants, Stop> {
    let (writer, why) = pick(input, rule, current, Some(&vault.id))?;
    let chosen = Chosen { writer, why };
    let (principals, archive) = match writer {
        Writer::PlatformApps => (platform_apps(input)?, legacy(vault)),
        Writer::ClusterManager => {
            let (_, principal) = identity_of(input, chosen, rule, manager(input)?, None)?;
            (vec![principal], legacy(vault))
        }
        Writer::Cluster => {
            if !input.version.has_settings() {
                return Err(rejected(reason::settings_not_served(input.version)));
            }
            let settings = input.cluster.settings.as_ref();
            let in_place = settings.and_then(|settings| settings.identity.as_ref());
            let own = &input.cluster.identities;
            let (identity, principal) = identity_of(input, chosen, rule, own, in_place)?;
            (vec![principal], self::settings(vault, identity))
        }
    };
    let left_behind = left_behind(input, current, &vault.id, writer, &principals)?;
    let rows = role_rows(input, &vault.id, principals)?;
    if let Some(row) = roles::conditional(input, &vault.id, &rows) {
        return Err(rejected(reason::conditional_role(&vault.id, row)));
    }
    let given = rows.iter().filter_map(|(_, row)| row.as_ref());
    let youngest_role = given.filter_map(|row| row.created_on).max();
    Ok(Grants {
        writer,
        reason: why,
        principals: rows
            .into_iter()
            .map(|(principal, row)| (principal, row.cloned()))
            .collect(),
        archive,
        youngest_role: youngest_role.map(time::OffsetDateTime::unix_timestamp),
        left_behind,
    })
}

/// What the writer of a vault that has yet to be chosen asks for, so that it can be read before.
pub(super) fn ask_ahead(
    input: &Input<'_>,
    rule: &Rule,
    current: &CurrentBinding,
) -> Result<(), Stop> {
    if !may_choose(rule, current) {
        return Ok(());
    }
    match pick(input, rule, current, None)?.0 {
        Writer::PlatformApps => platform_principals(input).map(|_| ()),
        Writer::ClusterManager => manager(input).map(|_| ()),
        Writer::Cluster => Ok(()),
    }
}

/// Which writer, and why; `auto` goes by what the cluster shows.
fn pick(
    input: &Input<'_>,
    rule: &Rule,
    current: &CurrentBinding,
    vault: Option<&VaultId>,
) -> Result<(Writer, &'static str), Stop> {
    if input.cluster.settings.is_some() {
        return Ok((
            Writer::Cluster,
            "the cluster has secretArchiveSettings, which take precedence",
        ));
    }
    match rule.writer {
        WriterChoice::PlatformApps => Ok((Writer::PlatformApps, "the rule says so")),
        WriterChoice::ClusterManager => Ok((Writer::ClusterManager, "the rule says so")),
        WriterChoice::Cluster => Ok((Writer::Cluster, "the rule says so")),
        WriterChoice::Auto => {
            let keeps = matches!(current, CurrentBinding::Bound { id, shape: ArchiveProperty::SecretArchive, .. } if Some(id) == vault);
            if !keeps && !input.cluster.identities.is_empty() && input.version.has_settings() {
                return Ok((Writer::Cluster, "the cluster has an identity of its own"));
            }
            Ok(match (manager(input)?.is_empty(), keeps) {
                (true, true) => (
                    Writer::PlatformApps,
                    "secretArchive is in place and the cluster manager has no identity",
                ),
                (true, false) => (
                    Writer::PlatformApps,
                    "neither a usable identity of the cluster nor one of its manager",
                ),
                (false, true) => (
                    Writer::ClusterManager,
                    "secretArchive is in place and the cluster manager has an identity",
                ),
                (false, false) => (
                    Writer::ClusterManager,
                    "the cluster has no usable identity, its manager has one",
                ),
            })
        }
    }
}

/// The identities of the cluster's manager; a cluster without one counts as a manager without identities.
fn manager<'a>(input: &Input<'a>) -> Result<&'a Identities, Stop> {
    const NONE: &Identities = &Identities {
        system: None,
        user: std::collections::BTreeMap::new(),
    };
    let Some(manager) = &input.cluster.manager else {
        return Ok(NONE);
    };
    let seen = input.inventory.managers.get(manager);
    let identities = known(seen, || Read::Manager(manager.clone(), input.version))?;
    Ok(identities.as_ref().unwrap_or(NONE))
}

/// The apps' principals; none where a registration has to bring them into the directory first.
fn platform_apps(input: &Input<'_>) -> Result<Vec<PrincipalId>, Stop> {
    let principals = platform_principals(input)?;
    if principals.is_empty() && changes::registration(input).is_none() {
        let reason = reason::principals_missing();
        return Err(Stop::Wait(Patience::Hour, Outcome::Failed, reason));
    }
    Ok(principals)
}

/// The apps' principals; none where the directory does not have them both.
fn platform_principals(input: &Input<'_>) -> Result<Vec<PrincipalId>, Stop> {
    let seen = input.inventory.platform_principals.clone();
    known(seen, || Read::PlatformPrincipals)
}

fn legacy(vault: &Vault) -> ArchiveSpec {
    ArchiveSpec::Legacy {
        vault: vault.id.clone(),
    }
}

fn settings(vault: &Vault, identity: AssociatedIdentity) -> ArchiveSpec {
    ArchiveSpec::Settings {
        vault: vault.id.clone(),
        vault_uri: vault.uri.clone(),
        identity,
    }
}

/// Which of the identities writes, and its principal.
fn identity_of(
    input: &Input<'_>,
    chosen: Chosen,
    rule: &Rule,
    identities: &Identities,
    in_place: Option<&AssociatedIdentity>,
) -> Result<(AssociatedIdentity, PrincipalId), Stop> {
    let identity = choose_identity(chosen, rule, identities, in_place).map_err(rejected)?;
    let principal = match &identity {
        AssociatedIdentity::System => identities.system.clone(),
        AssociatedIdentity::User(id) => identities.user.get(id).cloned().flatten(),
    };
    match principal {
        Some(principal) => Ok((identity, principal)),
        None => {
            // Azure shows an identity a little before it shows the principal behind it.
            let reason = reason::identity_not_ready(&input.cluster.id);
            Err(Stop::Wait(Patience::Hour, Outcome::Rejected, reason))
        }
    }
}

fn rejected(reason: Reason) -> Stop {
    Stop::End(Outcome::Rejected, reason)
}
