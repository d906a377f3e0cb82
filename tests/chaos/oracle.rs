//! The oracle: where the policy says that a cluster belongs, worked out from what Azure shows in the end.
//!
//! It must not use a line of the product: it reads the same documents, and is written from the policy's words alone.

use serde_json::Value;
use vaultbind_simulator::state::{Azure, WRITER_ROLE};

use crate::{
    estate::{Land, TIERS, TRUSTED, Writer},
    town::Town,
};

/// How a cluster has to end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Bound to this vault, by these writers.
    Bound(String, Vec<String>),
    /// Not changed, and told so with this outcome.
    Told(&'static str),
    /// Not changed, and nobody asks.
    LeftAlone,
}

/// What a cluster is bound to.
enum Current {
    Nothing,
    Vault(String),
    Deleted,
    Unknown,
}

fn tag<'a>(resource: &'a Value, name: &str) -> Option<&'a str> {
    resource["tags"][name].as_str()
}

/// How the cluster of this name has to end.
pub(crate) fn end(town: &Town, land: &Land, name: &str, cluster: &Value) -> End {
    if name.starts_with("exempt-") {
        return End::LeftAlone;
    }
    let tier = TIERS
        .iter()
        .find(|(tier, _)| tag(cluster, "tier") == Some(tier));
    let (Some(site), Some((_, rebind))) = (tag(cluster, "site"), tier) else {
        return End::Told("unmatched");
    };
    let azure = town.simulator.world.azure();
    let current = current(&azure, cluster);
    let of_site = of_site(&azure, site);
    let choice = choose(&of_site);
    let in_place = match &current {
        Current::Vault(bound) => of_site.iter().find(|it| it.0.eq_ignore_ascii_case(bound)),
        _ => None,
    };
    let is_protected = matches!(&current, Current::Vault(bound) if is_protected(&azure, bound));
    let bound_to = |vault: String| match writers(town, land, name, cluster) {
        Some(writers) => End::Bound(vault, writers),
        None => End::Told("rejected"),
    };
    drop(azure);
    match (current, choice) {
        // Nobody leaves a vault of his site for one that is as good, nor because it is unfit for a while.
        _ if in_place.is_some_and(|it| !it.1) => End::Told("rejected"),
        (Current::Vault(vault), _) if in_place.is_some() => bound_to(vault),
        // The rules of all tiers share one boundary, and not all of them let their clusters go.
        (Current::Vault(_), _) if is_protected => End::Told("held"),
        (Current::Deleted, Err(_)) => End::Told("orphaned"),
        (Current::Deleted, Ok(_)) if *rebind == "never" => End::Told("orphaned"),
        (Current::Vault(_), Err(_)) if *rebind != "allow" => End::Told("held"),
        (Current::Unknown, _) => End::Told("held"),
        (_, Err(outcome)) => End::Told(outcome),
        (Current::Vault(_), Ok(_)) if !may_move(land, cluster, rebind) => End::Told("held"),
        (_, Ok(vault)) => bound_to(vault),
    }
}

/// Settings win: no writer of the older shape moves a cluster that has them.
fn may_move(land: &Land, cluster: &Value, rebind: &str) -> bool {
    let is_legacy = matches!(land.writer, Writer::PlatformApps | Writer::ClusterManager);
    rebind == "allow" && !(is_legacy && has_settings(cluster))
}

fn has_settings(cluster: &Value) -> bool {
    cluster["properties"]["secretArchiveSettings"]["vaultUri"].is_string()
}

/// The vault that the newer property names, else the one that the older one does, where it is switched on.
fn current(azure: &Azure, cluster: &Value) -> Current {
    let properties = &cluster["properties"];
    if let Some(uri) = properties["secretArchiveSettings"]["vaultUri"].as_str() {
        let name = uri.trim_start_matches("https://").split('.').next();
        let is_deleted = azure.deleted_vaults().any(|it| it["name"].as_str() == name);
        return match azure.vault_at(uri) {
            Some(vault) => Current::Vault(vault["id"].as_str().unwrap().to_owned()),
            None if is_deleted => Current::Deleted,
            None => Current::Unknown,
        };
    }
    let archive = &properties["secretArchive"];
    match archive["keyVaultId"].as_str() {
        Some(id) if archive["useKeyVault"] == "True" => match azure.resource(id) {
            Some(_) => Current::Vault(id.to_owned()),
            None => Current::Deleted,
        },
        _ => Current::Nothing,
    }
}

/// The vaults of the site within the trusted group, and whether each is fit.
fn of_site(azure: &Azure, site: &str) -> Vec<(String, bool)> {
    let within = format!("/resourceGroups/{TRUSTED}/");
    let vaults = azure.resources_of("Microsoft.KeyVault/vaults");
    let vaults = vaults.filter(|it| {
        let is_tagged =
            tag(it, "purpose") == Some("nexus-credentials") && tag(it, "site") == Some(site);
        is_tagged && it["id"].as_str().unwrap().contains(&within)
    });
    let is_fit = |it: &Value| it["properties"]["enableRbacAuthorization"] == true;
    vaults
        .map(|it| (it["id"].as_str().unwrap().to_owned(), is_fit(it)))
        .collect()
}

/// Does the vault pass the tests of a rule, whatever the site of the cluster?
fn is_protected(azure: &Azure, vault: &str) -> bool {
    let is_within = vault.contains(&format!("/resourceGroups/{TRUSTED}/"));
    let shown = azure.resource(vault);
    is_within && shown.is_some_and(|it| tag(it, "purpose") == Some("nexus-credentials"))
}

/// The one fit vault, or why there is none.
fn choose(of_site: &[(String, bool)]) -> Result<String, &'static str> {
    let fit: Vec<&String> = of_site.iter().filter(|it| it.1).map(|it| &it.0).collect();
    match fit.as_slice() {
        [one] => Ok((*one).clone()),
        [] if of_site.is_empty() => Err("unmatched"),
        [] => Err("rejected"),
        _ => Err("ambiguous"),
    }
}

/// Who has to hold the role for a cluster that is where it belongs; none where nobody can be meant.
fn writers(town: &Town, land: &Land, name: &str, cluster: &Value) -> Option<Vec<String>> {
    let own = town.simulator.world.azure().principals_of(name);
    let manager = Land::manager_principals(town);
    let apps = town.simulator.world.azure().platform_principals();
    if has_settings(cluster) {
        return Some(own);
    }
    match land.writer {
        Writer::Cluster => (!own.is_empty()).then_some(own),
        Writer::ClusterManager => land.manager_can_write(name).then_some(manager),
        Writer::PlatformApps => Some(apps),
        Writer::Auto if land.manager_can_write(name) => Some(manager),
        Writer::Auto => Some(apps),
    }
}

/// Who holds the writers' role on a vault.
pub(crate) fn holders(town: &Town, vault: &str) -> Vec<String> {
    let azure = town.simulator.world.azure();
    azure
        .role_assignments()
        .filter(|it| it.role.ends_with(WRITER_ROLE) && it.scope.eq_ignore_ascii_case(vault))
        .map(|it| it.principal_id.clone())
        .collect()
}

/// Does the cluster point at this vault, by the property that counts, and did its last change succeed?
pub(crate) fn is_at(cluster: &Value, vault: &str) -> bool {
    let properties = &cluster["properties"];
    let points = match properties["secretArchiveSettings"]["vaultUri"].as_str() {
        Some(uri) => {
            let name = vault.rsplit('/').next().unwrap();
            uri.starts_with(&format!("https://{name}."))
        }
        None => {
            let archive = &properties["secretArchive"];
            let id = archive["keyVaultId"].as_str().unwrap_or_default();
            archive["useKeyVault"] == "True" && id.eq_ignore_ascii_case(vault)
        }
    };
    points && properties["provisioningState"] == "Succeeded"
}
