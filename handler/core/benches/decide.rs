//! How long decisions take, by the number of clusters: `cargo bench --locked -p vaultbind-core`.
//!
//! Every cluster is decided to its end, with everything observed: exemptions, 50 rules, 1,000 vaults, the writer's roles,
//! the plan. Every other cluster has its vault already; for the rest one is chosen. It must not read or print anything between two decisions.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark ends where something is not as it has to be"
)]

use std::{
    cell::{LazyCell, RefCell},
    hint::black_box,
};

use criterion::{Criterion, Throughput};
use time::{Date, macros::date};
use vaultbind_core::{
    archive::SecretArchive,
    decision::{Subject, decide},
    id::{ClusterId, Scope, SubscriptionId, VaultId},
    inventory::{Inventory, Listed},
    observation::observe_offline,
    policy::{Policy, document},
    resource::{
        Cluster, Identities, PrincipalId, Provider, ProvisioningState, RoleAssignment, Vault,
    },
};

const SUBSCRIPTION: &str = "11111111-1111-1111-1111-111111111111";
const TENANT: &str = "99999999-9999-4999-8999-999999999999";
const RULES: usize = 50;
const VAULTS: usize = 1_000;
const TODAY: Date = date!(2026 - 11 - 23);

/// A rule for each region; most clusters are asked about by many rules before one governs them.
fn policy() -> Policy {
    let mut text = "version: 1\nrules:\n".to_owned();
    for number in 0..RULES {
        text += &format!(
            "  - name: region-{number}
    clusters:
      tags: {{ environment: [prod, staging], region: \"region-{number}-*\", lab: null }}
      location: {{ not: [westus, \"north*\"] }}
    vaults:
      within: [/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-secrets]
      tags: {{ purpose: nexus-credentials, site: \"${{cluster.tags.site}}\" }}
      prefer: [same-resource-group, same-location, same-subscription]
      require: [purge-protection]
"
        );
    }
    text += "exemptions:
  - clusters: [\"/subscriptions/*/resourceGroups/rg-lab/**\"]
    owner: team-edge
    reason: lab hardware
    until: 2027-03-31
";
    document::load(&text).unwrap()
}

fn vault_id(number: usize) -> VaultId {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-secrets/providers/Microsoft.KeyVault/vaults/kv-{number}").parse().unwrap()
}

fn vault(number: usize) -> Vault {
    let tags = [
        ("purpose".to_owned(), "nexus-credentials".to_owned()),
        ("site".to_owned(), format!("site-{number}")),
        ("cost-center".to_owned(), "4711".to_owned()),
    ];
    Vault {
        modified_at: None,
        id: vault_id(number),
        location: "eastus".to_owned(),
        tags: tags.into_iter().collect(),
        tenant: TENANT.to_owned(),
        uri: format!("https://kv-{number}.vault.azure.net/"),
        rbac: true,
        purge_protection: true,
        provisioning_state: "Succeeded".to_owned(),
    }
}

fn cluster(number: usize) -> Cluster {
    let id = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-sites/providers/Microsoft.NetworkCloud/clusters/c{number}"
    );
    let tags = [
        ("environment".to_owned(), "prod".to_owned()),
        ("region".to_owned(), format!("region-{}-a", number % RULES)),
        ("site".to_owned(), format!("site-{}", number % VAULTS)),
        ("owner".to_owned(), "team-core".to_owned()),
    ];
    Cluster {
        id: id.parse().unwrap(),
        location: "eastus".to_owned(),
        tags: tags.into_iter().collect(),
        etag: None,
        modified_at: None,
        provisioning_state: ProvisioningState::Succeeded,
        detailed_status: Some("Running".to_owned()),
        identities: Identities::default(),
        manager: None,
        archive: number.is_multiple_of(2).then(|| SecretArchive {
            vault: vault_id(number % VAULTS).to_string(),
            enabled: true,
        }),
        settings: None,
    }
}

fn principals() -> Vec<PrincipalId> {
    let ids = [
        "aaaaaaaa-0000-4000-8000-000000000001",
        "aaaaaaaa-0000-4000-8000-000000000002",
    ];
    ids.map(|id| id.parse().unwrap()).to_vec()
}

fn subject<'a>(policy: &'a Policy, cluster: &'a ClusterId) -> Subject<'a> {
    Subject {
        policy,
        cluster,
        vault_hint: None,
        today: TODAY,
        vault_suffix: "vault.azure.net",
    }
}

/// Everything but clusters.
fn azure() -> Inventory {
    let own: SubscriptionId = SUBSCRIPTION.parse().unwrap();
    let provider = Provider {
        state: "Registered".to_owned(),
        cluster_api_versions: vec!["2026-10-01".to_owned()],
    };
    let mut azure = Inventory::default();
    azure.tenants.insert(own.clone(), TENANT.to_owned());
    azure.providers.insert(own.clone(), provider);
    let listed = Listed::current((0..VAULTS).map(vault));
    let group = Scope::ResourceGroup(own, "rg-secrets".to_owned());
    azure.listed.insert(group, listed);
    azure.platform_principals = Some(principals());
    for number in 0..VAULTS {
        let vault = vault_id(number);
        let held = principals().into_iter().map(|principal| {
            (
                principal.clone(),
                vec![RoleAssignment::of_writer(&vault, &principal)],
            )
        });
        let held = held.collect();
        azure.roles.insert(vault, held);
    }
    azure
}

/// What is observed of one cluster, as far as its decision asks for it.
fn observed(policy: &Policy, azure: &mut Inventory, number: usize) -> (ClusterId, Inventory) {
    let cluster = cluster(number);
    let id = cluster.id.clone();
    azure.clusters = [(id.clone(), Some(cluster))].into_iter().collect();
    let observed = observe_offline(azure, &subject(policy, &id));
    (id, observed.inventory)
}

fn decide_all(policy: &Policy, estate: &[(ClusterId, Inventory)]) -> usize {
    let is_bound = |(id, inventory): &&(ClusterId, Inventory)| {
        let decision = black_box(decide(&subject(policy, id), inventory));
        decision.is_ok_and(|decision| decision.is_bound())
    };
    estate.iter().filter(is_bound).count()
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("decide");
    group.sample_size(10);
    let policy = policy();
    let azure = RefCell::new(azure());
    for (name, count) in [("1k", 1_000), ("10k", 10_000), ("100k", 100_000)] {
        let estate = LazyCell::new(|| {
            let observed = |number| observed(&policy, &mut azure.borrow_mut(), number);
            (0..count).map(observed).collect::<Vec<_>>()
        });
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(name, |bencher| {
            let estate = estate.as_slice();
            bencher.iter(|| assert_eq!(decide_all(&policy, estate), count));
        });
    }
    group.finish();
    criterion.final_summary();
}
