use super::*;

#[tokio::test]
async fn what_is_over_the_quota_is_refused_and_told_when_to_come_back() {
    let clock = crate::clock::Clock::by_hand();
    let b = bench_in(World::with_clock(Config::default(), estate(), clock)).await;
    b.azure().quotas.enforced = true;
    let ask = async || b.get(&b.cluster("c1"), "2025-09-01").await;
    let left = "x-ms-ratelimit-remaining-subscription-reads";
    assert_eq!(ask().await.header(left), Some("249"));
    let mut refused = ask().await;
    while refused.status == 200 {
        refused = ask().await;
    }
    assert_eq!(refused.code(), (429, "TooManyRequests"));
    assert_eq!(refused.header(left), Some("0"));
    assert_eq!(refused.header("retry-after"), Some("1"));
    b.sim.world.clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(ask().await.status, 200);
}
use crate::SubscriptionSpec;

#[tokio::test]
async fn a_subscription_says_its_tenant() {
    let b =
        bench(estate().subscription(SubscriptionSpec::new("far").tenant("another-tenant"))).await;
    assert_eq!(
        b.get(&b.subscription(), "2022-12-01").await.body["tenantId"],
        Config::default().tenant_id
    );
    let far = b.azure().subscription("far").unwrap().id.clone();
    assert_eq!(
        b.get(&format!("/subscriptions/{far}"), "2022-12-01")
            .await
            .body["tenantId"],
        "another-tenant"
    );
}

#[tokio::test]
async fn a_registration_takes_some_looks_and_brings_the_platforms_apps() {
    let b = bench(Estate::new().subscription(SubscriptionSpec::new("prod").unregistered())).await;
    let provider = format!("{}/providers/Microsoft.NetworkCloud", b.subscription());
    let state = async || b.get(&provider, "2021-04-01").await.body["registrationState"].clone();
    assert_eq!(state().await, "NotRegistered");
    let posted = b
        .write(
            Method::POST,
            &format!("{provider}/register"),
            "2021-04-01",
            &json!({}),
        )
        .await;
    assert_eq!(
        (posted.status, &posted.body["registrationState"]),
        (200, &json!("Registering"))
    );
    assert!(b.azure().platform_principals().is_empty());
    assert_eq!(
        [state().await, state().await, state().await],
        ["Registering", "Registering", "Registered"]
    );
    assert_eq!(b.azure().platform_principals().len(), 2);
    assert_eq!(b.sim.world.journal.writes().len(), 1);
    b.azure()
        .deny("Microsoft.NetworkCloud/register/action", "/");
    assert_eq!(
        b.write(
            Method::POST,
            &format!("{provider}/register"),
            "2021-04-01",
            &json!({})
        )
        .await
        .status,
        403
    );
}

#[tokio::test]
async fn a_provider_lists_what_its_subscription_serves() {
    let spec = SubscriptionSpec::new("prod").api_versions(&["2024-07-01", "2025-02-01"]);
    let b = bench(Estate::new().subscription(spec)).await;
    let provider = b
        .get(
            &format!("{}/providers/microsoft.networkcloud", b.subscription()),
            "2021-04-01",
        )
        .await
        .body;
    let types = provider["resourceTypes"].as_array().unwrap();
    let clusters = types
        .iter()
        .find(|t| t["resourceType"] == "clusters")
        .unwrap();
    assert_eq!(clusters["apiVersions"], json!(["2025-02-01", "2024-07-01"]));
}

#[tokio::test]
async fn vaults_are_shown_as_they_are() {
    let old = VaultSpec::new("kv-old").rbac(None).purge_protection();
    let b = bench(
        estate()
            .vault(old)
            .vault(VaultSpec::new("kv-null").rbac(Some(Value::Null))),
    )
    .await;
    let properties =
        async |name: &str| b.get(&b.vault(name), "2026-02-01").await.body["properties"].clone();
    let (new, old, null) = (
        properties("kv-a").await,
        properties("kv-old").await,
        properties("kv-null").await,
    );
    assert_eq!(
        (
            &new["enableRbacAuthorization"],
            new.get("enablePurgeProtection")
        ),
        (&json!(true), None)
    );
    assert_eq!(
        (
            old.get("enableRbacAuthorization"),
            &old["enablePurgeProtection"]
        ),
        (None, &json!(true))
    );
    assert_eq!(null.get("enableRbacAuthorization"), Some(&Value::Null));
    let list = format!(
        "{}/resourceGroups/rg-secrets/providers/Microsoft.KeyVault/vaults",
        b.subscription()
    );
    assert_eq!(b.get(&list, "2026-05-15").await.names().len(), 4);
    let list = format!("{}/providers/Microsoft.KeyVault/vaults", b.subscription());
    assert_eq!(b.get(&list, "2026-02-01").await.names().len(), 4);
}

#[tokio::test]
async fn a_deleted_vault_is_listed_until_it_is_recovered() {
    let b = bench(estate()).await;
    let vault = b.vault("kv-a");
    b.azure().soft_delete_vault(&vault);
    assert_eq!(
        b.get(&vault, "2026-02-01").await.code(),
        (404, "ResourceNotFound")
    );
    let list = b
        .get(
            &format!(
                "{}/providers/Microsoft.KeyVault/deletedVaults",
                b.subscription()
            ),
            "2026-02-01",
        )
        .await;
    assert_eq!(list.body["value"][0]["properties"]["vaultId"], json!(vault));
    let at = |name: &str| {
        format!(
            "{}/providers/Microsoft.KeyVault/locations/eastus/deletedVaults/{name}",
            b.subscription()
        )
    };
    assert_eq!(b.get(&at("KV-A"), "2026-02-01").await.body["name"], "kv-a");
    assert_eq!(
        b.get(&at("kv-b"), "2026-02-01").await.code(),
        (404, "DeletedVaultNotFound")
    );
    b.azure().put_vault("prod", &VaultSpec::new("kv-a"));
    assert_eq!(b.get(&at("kv-a"), "2026-02-01").await.status, 404);
}

#[tokio::test]
async fn a_manager_shows_its_identity() {
    let b = bench(
        estate().manager(
            ManagerSpec::new("cm-id")
                .system_identity()
                .identity("id-cm"),
        ),
    )
    .await;
    let manager = b.azure().manager_id("cm-id").unwrap();
    let body = b.get(&manager, "2025-09-01").await.body;
    assert_eq!(body["identity"]["type"], "SystemAssigned,UserAssigned");
    assert_eq!(b.azure().principals_of("cm-id").len(), 2);
    assert!(
        b.get(&b.azure_manager("cm"), "2025-09-01")
            .await
            .body
            .get("identity")
            .is_none()
    );
}

impl Bench {
    fn azure_manager(&self, name: &str) -> String {
        self.azure().manager_id(name).unwrap()
    }
}

#[tokio::test]
async fn changes_raise_events_that_name_who_made_them() {
    let b = bench(estate()).await;
    let mut events = b.sim.world.events.subscribe();
    let cluster = b.cluster("c1");
    b.azure().set_tag(&cluster, "site", Some("b"));
    let tagged = events.try_recv().unwrap();
    assert_eq!(
        tagged["data"]["operationName"],
        "Microsoft.Resources/tags/write"
    );
    let archive =
        json!({ "secretArchive": { "keyVaultId": b.vault("kv-a"), "useKeyVault": "True" } });
    let accepted = b.patch("c1", "2024-07-01", archive).await;
    let own = events.try_recv().unwrap();
    assert_eq!(own["data"]["claims"]["appid"], Config::default().client_id);
    assert_ne!(
        tagged["data"]["claims"]["appid"],
        own["data"]["claims"]["appid"]
    );
    assert_eq!(
        own["data"]["correlationId"].as_str(),
        accepted.header("x-ms-correlation-request-id")
    );
    assert_eq!(
        own["subject"].as_str().unwrap().to_lowercase(),
        cluster.to_lowercase()
    );
    assert_eq!(own["eventType"], "Microsoft.Resources.ResourceWriteSuccess");
    b.azure().behaviour.emit_events = false;
    b.azure().delete(&cluster);
    assert!(events.try_recv().is_err());
}

#[tokio::test]
async fn the_same_seed_makes_the_same_world() {
    let ids = |seed: u64| {
        let world = World::new(
            Config {
                seed,
                ..Config::default()
            },
            estate(),
        );
        let azure = world.azure();
        (azure.cluster_id("c1").unwrap(), azure.platform_principals())
    };
    assert_eq!(ids(7), ids(7));
    assert_ne!(ids(7), ids(8));
}
