//! The oracle: where the policy says that a cluster belongs, worked out from what Azure shows in the end.
//!
//! It must not use a line of the product: it reads the same documents, and is written from the policy's words alone.

use serde_json::Value;
use vaultbind_simulator::state::{Azure, WRITER_ROLE};

use crate::{
    estate::{Land, TIERS, Writer, group_of},
    town::{Town, WEST},
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
    /// A vault that is deleted, and its id where that is known.
    Deleted(Option<String>),
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
    let (Some(site), Some((tier, rebind))) = (tag(cluster, "site"), tier) else {
        return End::Told("unmatched");
    };
    let azure = town.simulator.world.azure();
    let current = current(&azure, cluster);
    let of_site = of_site(&azure, tier, site);
    let choice = choose(&of_site);
    let in_place = match &current {
        Current::Vault(bound) => of_site.iter().find(|it| it.0.eq_ignore_ascii_case(bound)),
        _ => None,
    };
    let is_kept = is_kept(&azure, tier, &current);
    let bound_to = |vault: String| match writers(town, land, name, cluster) {
        Some(writers) => End::Bound(vault, writers),
        None => End::Told("rejected"),
    };
    let is_legacy = matches!(land.writer, Writer::PlatformApps | Writer::ClusterManager);
    // Settings win: no writer of the older shape moves a cluster that has them.
    let is_stuck = is_legacy && has_settings(cluster);
    drop(azure);
    match (current, choice) {
        // Nobody leaves a vault of his site for one that is as good, nor because it is unfit for a while.
        _ if in_place.is_some_and(|it| !it.1) => End::Told("rejected"),
        (Current::Vault(vault), _) if in_place.is_some() => bound_to(vault),
        (Current::Unknown, _) => End::Told("held"),
        // Another tier's rule does not let its clusters go.
        (Current::Vault(_), _) if is_kept => End::Told("held"),
        (Current::Deleted(_), _) if is_kept || *rebind == "never" || is_stuck => {
            End::Told("orphaned")
        }
        (Current::Deleted(_), Err(_)) => End::Told("orphaned"),
        (Current::Vault(_), _) if *rebind != "allow" => End::Told("held"),
        (Current::Vault(_), Ok(_)) if is_stuck => End::Told("held"),
        (_, Err(outcome)) => End::Told(outcome),
        (_, Ok(vault)) => bound_to(vault),
    }
}

fn has_settings(cluster: &Value) -> bool {
    cluster["properties"]["secretArchiveSettings"]["vaultUri"].is_string()
}

/// The vault that the newer property names, else the one that the older one does, where it is switched on.
fn current(azure: &Azure, cluster: &Value) -> Current {
    let properties = &cluster["properties"];
    if let Some(uri) = properties["secretArchiveSettings"]["vaultUri"].as_str() {
        let name = uri.trim_start_matches("https://").split('.').next();
        let mut deleted = azure.deleted_vaults();
        let deleted = deleted.find(|it| it["name"].as_str() == name);
        return match azure.vault_at(uri) {
            Some(vault) => Current::Vault(text(&vault["id"])),
            None => match deleted {
                Some(vault) => Current::Deleted(Some(text(&vault["properties"]["vaultId"]))),
                None => purged(azure, None),
            },
        };
    }
    let archive = &properties["secretArchive"];
    match archive["keyVaultId"].as_str() {
        Some(id) if archive["useKeyVault"] == "True" => match azure.resource(id) {
            Some(_) => Current::Vault(id.to_owned()),
            None => {
                let mut deleted = azure.deleted_vaults();
                let is_deleted = deleted.any(|it| it["properties"]["vaultId"].as_str() == Some(id));
                let id = Some(id.to_owned());
                if is_deleted {
                    Current::Deleted(id)
                } else {
                    purged(azure, id)
                }
            }
        },
        _ => Current::Nothing,
    }
}

/// A name that nobody has is free, which is seen where some other name is taken.
fn purged(azure: &Azure, id: Option<String>) -> Current {
    let mut vaults = azure.resources_of("Microsoft.KeyVault/vaults");
    match vaults.any(|it| text(&it["id"]).contains(WEST)) {
        true => Current::Deleted(id),
        false => Current::Unknown,
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The vaults of the site within the tier's group, and whether each is fit.
fn of_site(azure: &Azure, tier: &str, site: &str) -> Vec<(String, bool)> {
    let within = format!("/resourceGroups/{}/", group_of(tier));
    let vaults = azure.resources_of("Microsoft.KeyVault/vaults");
    let vaults = vaults.filter(|it| {
        let is_tagged =
            tag(it, "purpose") == Some("nexus-credentials") && tag(it, "site") == Some(site);
        is_tagged && text(&it["id"]).contains(&within)
    });
    let is_fit = |it: &Value| it["properties"]["enableRbacAuthorization"] == true;
    vaults.map(|it| (text(&it["id"]), is_fit(it))).collect()
}

/// Does another tier's rule keep what is, or was, in its group? Of a vault that is there it has to pass the tests.
fn is_kept(azure: &Azure, own: &str, current: &Current) -> bool {
    let mut others = TIERS
        .iter()
        .filter(|(tier, rebind)| *tier != own && *rebind != "allow");
    let is_in = |id: &str, tier: &str| id.contains(&format!("/resourceGroups/{}/", group_of(tier)));
    match current {
        Current::Vault(id) => {
            let shown = azure.resource(id);
            let passes = shown.is_some_and(|it| tag(it, "purpose") == Some("nexus-credentials"));
            passes && others.any(|(tier, _)| is_in(id, tier))
        }
        Current::Deleted(Some(id)) => others.any(|(tier, _)| is_in(id, tier)),
        Current::Deleted(None) => others.next().is_some(),
        Current::Nothing | Current::Unknown => false,
    }
}

/// The one vault, where it is fit, or why there is none.
fn choose(of_site: &[(String, bool)]) -> Result<String, &'static str> {
    match of_site {
        [(one, true)] => Ok(one.clone()),
        [(_, false)] => Err("rejected"),
        [] => Err("unmatched"),
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
