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
    let choice = choose(&azure, site);
    drop(azure);
    match (current, choice) {
        (Current::Deleted, Err(_)) => End::Told("orphaned"),
        (Current::Deleted, Ok(_)) if *rebind == "never" => End::Told("orphaned"),
        (_, Err(outcome)) => End::Told(outcome),
        (Current::Unknown, Ok(_)) => End::Told("held"),
        (Current::Vault(bound), Ok(vault))
            if !bound.eq_ignore_ascii_case(&vault) && !may_move(land, cluster, rebind) =>
        {
            End::Told("held")
        }
        (_, Ok(vault)) => match writers(town, land, name, cluster) {
            Some(writers) => End::Bound(vault, writers),
            None => End::Told("rejected"),
        },
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

/// The one fit vault of the site within the trusted group, or why there is none.
fn choose(azure: &Azure, site: &str) -> Result<String, &'static str> {
    let within = format!("/resourceGroups/{TRUSTED}/");
    let of_site = azure
        .resources_of("Microsoft.KeyVault/vaults")
        .filter(|it| it["id"].as_str().unwrap().contains(&within))
        .filter(|it| {
            tag(it, "purpose") == Some("nexus-credentials") && tag(it, "site") == Some(site)
        });
    let all: Vec<&Value> = of_site.collect();
    let fit: Vec<&&Value> = all
        .iter()
        .filter(|it| it["properties"]["enableRbacAuthorization"] == true)
        .collect();
    match fit.as_slice() {
        [one] => Ok(one["id"].as_str().unwrap().to_owned()),
        [] if all.is_empty() => Err("unmatched"),
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
