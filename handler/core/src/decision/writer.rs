//! The writer: who puts the credentials into the vault, with which identity, and whether it holds the role.
//!
//! It must not grant more than the writer in use needs.

mod identity;
mod left_behind;
mod roles;

use super::{
    Binding, Case, Decision, Patience, Read, Refusal, Wait, current::Current, refusal_under,
};
use crate::{
    inventory::{AssociatedIdentity, Identities, PrincipalId, Vault},
    plan::{Archive, Plan, Shape, Writer},
    policy::{Rule, WriterChoice},
    result::{Outcome, Reason, VaultReference, reason},
};

use identity::choose_identity;
use left_behind::left_behind;
use roles::role_rows;

/// Who writes, with what, and what the cluster should then show.
#[derive(Debug)]
pub(crate) struct Assignment {
    pub(crate) writer: Writer,
    pub(crate) reason: &'static str,
    pub(crate) principals: Vec<(PrincipalId, Option<String>)>,
    pub(crate) archive: Archive,
    pub(crate) youngest_role: Option<i64>,
    pub(crate) left_behind: Vec<String>,
}

/// Picks the writer and looks at its roles; `Err` is a refusal or what to read first.
pub(crate) fn assign(
    case: &Case<'_>,
    rule: &Rule,
    current: &Current,
    vault: &Vault,
) -> Result<Assignment, Decision> {
    let (writer, why) = pick(case, rule, current, vault)?;
    let (principals, archive) = match writer {
        Writer::PlatformApps => (platform_apps(case, rule, vault, why)?, legacy(vault)),
        Writer::ClusterManager => {
            let (_, principal) = identity_of(case, rule, vault, manager(case)?, None)?;
            (vec![principal], legacy(vault))
        }
        Writer::Cluster => {
            if !case.version.has_settings() {
                return Err(rejected(
                    rule,
                    vault,
                    reason::settings_not_served(case.version),
                ));
            }
            let in_place = case
                .cluster
                .settings
                .as_ref()
                .and_then(|it| it.identity.as_ref());
            let (identity, principal) =
                identity_of(case, rule, vault, &case.cluster.identities, in_place)?;
            (vec![principal], settings(vault, identity))
        }
    };
    let left_behind = left_behind(case, current, &vault.id, writer, &principals)?;
    let rows = role_rows(case, &vault.id, principals)?;
    if let Some(row) = roles::conditional(case, &vault.id, &rows) {
        return Err(rejected(
            rule,
            vault,
            reason::conditional_role(&vault.id, row),
        ));
    }
    let youngest_role = rows
        .iter()
        .filter_map(|(_, row)| row.as_ref()?.created_on)
        .max();
    Ok(Assignment {
        writer,
        reason: why,
        principals: rows
            .into_iter()
            .map(|(it, row)| (it, row.map(|row| row.id.clone())))
            .collect(),
        archive,
        youngest_role: youngest_role.map(time::OffsetDateTime::unix_timestamp),
        left_behind,
    })
}

/// Which writer, and why; `auto` goes by what the cluster shows.
fn pick(
    case: &Case<'_>,
    rule: &Rule,
    current: &Current,
    vault: &Vault,
) -> Result<(Writer, &'static str), Decision> {
    if case.cluster.settings.is_some() {
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
            let keeps = matches!(current, Current::Bound(bound, Shape::SecretArchive) if *bound == vault.id);
            if !keeps && !case.cluster.identities.is_empty() && case.version.has_settings() {
                return Ok((Writer::Cluster, "the cluster has an identity of its own"));
            }
            Ok(match (manager(case)?.is_empty(), keeps) {
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
fn manager<'a>(case: &Case<'a>) -> Result<&'a Identities, Decision> {
    const NONE: &Identities = &Identities {
        system: None,
        user: std::collections::BTreeMap::new(),
    };
    let Some(manager) = &case.cluster.manager else {
        return Ok(NONE);
    };
    match &case.inventory.manager {
        None => Err(Decision::Look(vec![Read::Manager(
            manager.clone(),
            case.version,
        )])),
        Some(identities) => Ok(identities.as_ref().unwrap_or(NONE)),
    }
}

fn platform_apps(
    case: &Case<'_>,
    rule: &Rule,
    vault: &Vault,
    why: &'static str,
) -> Result<Vec<PrincipalId>, Decision> {
    match platform_principals(case)? {
        Some(principals) => Ok(principals),
        // Registration brings them into the directory: it comes first, and what follows it is planned then.
        None => Err(
            registration_first(case, rule, vault, why).unwrap_or_else(|| {
                Decision::Wait(Box::new(Wait {
                    refusal: Refusal {
                        vault: Some(VaultReference::of(vault)),
                        ..refusal_under(rule, Outcome::Failed, reason::principals_missing())
                    },
                    patience: Patience::Hour,
                    plan: Plan::default(),
                }))
            }),
        ),
    }
}

/// The apps' principals; none where the directory does not have them both.
fn platform_principals(case: &Case<'_>) -> Result<Option<Vec<PrincipalId>>, Decision> {
    let known = case.inventory.platform_principals.clone();
    known.ok_or_else(|| Decision::Look(vec![Read::PlatformPrincipals]))
}

/// A plan of nothing but the registration, where there is something to register.
fn registration_first(
    case: &Case<'_>,
    rule: &Rule,
    vault: &Vault,
    why: &'static str,
) -> Option<Decision> {
    let registration = case.registration()?;
    Some(Decision::Bind(Box::new(Binding {
        rule: rule.name.clone(),
        vault: vault.clone(),
        writer: Writer::PlatformApps,
        writer_reason: why,
        principals: Vec::new(),
        archive: legacy(vault),
        candidates: Vec::new(),
        plan: Plan {
            changes: vec![registration],
        },
        youngest_role: None,
        left_behind: Vec::new(),
    })))
}

fn legacy(vault: &Vault) -> Archive {
    Archive::Legacy {
        vault: vault.id.clone(),
    }
}

fn settings(vault: &Vault, identity: AssociatedIdentity) -> Archive {
    Archive::Settings {
        vault: vault.id.clone(),
        vault_uri: vault.uri.clone(),
        identity,
    }
}

/// Which of the identities writes, and its principal.
fn identity_of(
    case: &Case<'_>,
    rule: &Rule,
    vault: &Vault,
    identities: &Identities,
    in_place: Option<&AssociatedIdentity>,
) -> Result<(AssociatedIdentity, PrincipalId), Decision> {
    let chosen = choose_identity(rule, identities, in_place)
        .map_err(|reason| rejected(rule, vault, reason))?;
    let principal = match &chosen {
        AssociatedIdentity::System => identities.system.clone(),
        AssociatedIdentity::User(id) => identities.user.get(id).cloned().flatten(),
    };
    match principal {
        Some(principal) => Ok((chosen, principal)),
        // Azure shows an identity a little before it shows the principal behind it.
        None => Err(Decision::Wait(Box::new(Wait {
            refusal: refusal(rule, vault, reason::identity_not_ready(&case.cluster.id)),
            patience: Patience::Hour,
            plan: Plan::default(),
        }))),
    }
}

fn rejected(rule: &Rule, vault: &Vault, reason: Reason) -> Decision {
    Decision::Refuse(Box::new(refusal(rule, vault, reason)))
}

fn refusal(rule: &Rule, vault: &Vault, reason: Reason) -> Refusal {
    Refusal {
        vault: Some(VaultReference::of(vault)),
        ..refusal_under(rule, Outcome::Rejected, reason)
    }
}
