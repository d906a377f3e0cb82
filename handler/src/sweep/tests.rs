use vaultbind_core::{
    archive::{ArchiveSettings, SecretArchive},
    policy::document,
    resource::{Identities, ProvisioningState},
};

use super::*;

const GROUP: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups";

fn policy() -> Policy {
    let text = format!(
        "version: 1\nrules:\n  - name: r\n    clusters: {{ tags: {{ site: \"*\" }} }}\n    vaults: {{ within: [{GROUP}/rg-in] }}\n"
    );
    document::load(&text).unwrap()
}

fn vault(group: &str, name: &str) -> VaultId {
    format!("{GROUP}/{group}/providers/Microsoft.KeyVault/vaults/{name}")
        .parse()
        .unwrap()
}

fn cluster(site: Option<&str>) -> Cluster {
    Cluster {
        modified_at: None,
        id: format!("{GROUP}/rg/providers/Microsoft.NetworkCloud/clusters/c1")
            .parse()
            .unwrap(),
        location: "eastus".to_owned(),
        tags: site.map(|value| ("site", value)).into_iter().collect(),
        etag: None,
        provisioning_state: ProvisioningState::Succeeded,
        detailed_status: None,
        identities: Identities::default(),
        manager: None,
        archive: None,
        settings: None,
    }
}

fn bound(archive: &str) -> Cluster {
    let archive = SecretArchive {
        vault: archive.to_owned(),
        enabled: true,
    };
    Cluster {
        archive: Some(archive),
        ..cluster(None)
    }
}

fn bound_by_address(uri: &str) -> Cluster {
    let settings = ArchiveSettings {
        vault_uri: Some(uri.to_owned()),
        identity: None,
        provider: None,
    };
    Cluster {
        settings: Some(settings),
        ..cluster(None)
    }
}

#[test]
fn a_vault_concerns_those_who_could_choose_it_or_are_bound_to_it_and_nobody_else() {
    let (inside, outside) = (vault("rg-in", "kv-a"), vault("rg-out", "kv-a"));
    let policy = policy();
    let at = |id: &VaultId| bound(&id.to_string().to_uppercase().replace("/SUB", "/sub"));
    for (cluster, vault, expected) in [
        (cluster(Some("a")), &inside, true),
        (cluster(Some("a")), &outside, false),
        (cluster(None), &inside, false),
        (at(&outside), &outside, true),
        (at(&outside), &inside, false),
        (
            bound_by_address("https://KV-A.vault.azure.net/"),
            &outside,
            true,
        ),
        (
            bound_by_address("https://kv-ab.vault.azure.net/"),
            &outside,
            false,
        ),
        // What cannot be read could be this one.
        (bound("no id"), &outside, true),
        (bound_by_address("no address"), &outside, true),
    ] {
        assert_eq!(
            concerns(&policy, vault, &cluster),
            expected,
            "{vault}: {cluster:?}"
        );
    }
}
