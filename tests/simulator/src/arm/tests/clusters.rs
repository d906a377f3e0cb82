use super::*;

#[tokio::test]
async fn older_api_versions_hide_what_is_newer_than_they() {
    let settings = json!({ "associatedIdentity": { "identityType": "SystemAssignedIdentity" }, "providerConfiguration": { "provider": "OpenBao" } });
    let spec = ClusterSpec::new("c").system_identity().settings(settings);
    let b = bench(estate().cluster(spec.archive("kv-a"))).await;
    let cluster = b.cluster("c");
    let shown = async |version: &str| {
        let body = b.get(&cluster, version).await.body;
        let properties = &body["properties"];
        [
            properties["secretArchive"].is_object(),
            body["identity"].is_object(),
            properties["secretArchiveSettings"].is_object(),
            body["etag"].is_string(),
            properties["secretArchiveSettings"]["providerConfiguration"].is_object(),
        ]
    };
    assert_eq!(
        shown("2023-07-01").await,
        [false, false, false, false, false]
    );
    assert_eq!(
        shown("2023-10-01-preview").await,
        [true, false, false, false, false]
    );
    assert_eq!(shown("2024-07-01").await, [true, true, false, false, false]);
    assert_eq!(shown("2025-02-01").await, [true, true, true, true, false]);
    assert_eq!(shown("2026-10-01").await, [true, true, true, true, true]);
}

#[tokio::test]
async fn a_list_goes_on_where_its_link_points() {
    let mut many = estate();
    for n in 0..5 {
        many = many.cluster(ClusterSpec::new(&format!("d{n}")));
    }
    let b = bench(many).await;
    b.azure().behaviour.page_size = 3;
    let first = b
        .get(
            &format!(
                "{}/providers/Microsoft.NetworkCloud/clusters",
                b.subscription()
            ),
            "2025-09-01",
        )
        .await;
    assert_eq!(first.names(), ["c1", "c2", "d0"]);
    let second = b.follow(first.body["nextLink"].as_str().unwrap()).await;
    assert_eq!(second.names(), ["d1", "d2", "d3"]);
    let third = b.follow(second.body["nextLink"].as_str().unwrap()).await;
    assert_eq!(
        (third.names(), third.body["nextLink"].is_null()),
        (vec!["d4"], true)
    );
    let group = format!(
        "{}/resourceGroups/rg-secrets/providers/Microsoft.NetworkCloud/clusters",
        b.subscription()
    );
    assert!(b.get(&group, "2025-09-01").await.names().is_empty());
}

#[tokio::test]
async fn a_malformed_archive_is_refused_and_changes_nothing() {
    let b = bench(estate()).await;
    let vault = b.vault("kv-a");
    let before = b.azure().resource(&b.cluster_of("c1")).cloned();
    let refused = [
        json!({ "secretArchive": { "keyVaultId": vault, "useKeyVault": true } }),
        json!({ "secretArchive": { "keyVaultId": vault, "useKeyVault": "true" } }),
        json!({ "secretArchive": { "useKeyVault": "True" } }),
        json!({ "secretArchive": { "keyVaultId": "kv-a", "useKeyVault": "True" } }),
        json!({ "secretArchive": { "keyVaultId": vault, "useKeyVault": "True", "more": 1 } }),
        json!({ "secretArchive": "True" }),
        json!({ "somethingElse": {} }),
        json!({ "secretArchiveSettings": { "vaultUri": "https://kv-a.vault.azure.net/" } }),
    ];
    for properties in refused {
        let answer = b.patch("c1", "2024-07-01", properties.clone()).await;
        assert_eq!(
            answer.code(),
            (400, "InvalidRequestContent"),
            "{properties}"
        );
    }
    let whole = b
        .write(
            Method::PATCH,
            &b.cluster("c1"),
            "2024-07-01",
            &json!({ "location": "westus" }),
        )
        .await;
    assert_eq!(whole.code(), (400, "InvalidRequestContent"));
    let archive = json!({ "secretArchive": { "keyVaultId": vault, "useKeyVault": "True" } });
    assert_eq!(b.patch("c1", "2023-07-01", archive).await.status, 400);
    assert_eq!(b.azure().resource(&b.cluster_of("c1")).cloned(), before);
}

impl Bench {
    /// The id without the lock that the caller holds.
    fn cluster_of(&self, name: &str) -> String {
        format!(
            "{}/resourceGroups/rg-nexus/providers/Microsoft.NetworkCloud/clusters/{name}",
            self.subscription_of()
        )
    }

    fn subscription_of(&self) -> String {
        format!(
            "/subscriptions/{}",
            uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, b"1/subscription/prod")
        )
    }
}

#[tokio::test]
async fn malformed_settings_are_refused() {
    let b = bench(estate()).await;
    let uri = "https://kv-a.vault.azure.net/";
    let identity =
        b.azure().resource(&b.cluster_of("c2")).unwrap()["identity"]["userAssignedIdentities"]
            .clone();
    let identity = identity.as_object().unwrap().keys().next().unwrap().clone();
    let user = json!({ "identityType": "UserAssignedIdentity", "userAssignedIdentityResourceId": identity });
    let refused = [
        json!({ "vaultUri": "http://kv-a.vault.azure.net/", "associatedIdentity": user }),
        json!({ "vaultUri": uri, "associatedIdentity": { "identityType": "SystemAssignedIdentity" } }),
        json!({ "vaultUri": uri, "associatedIdentity": { "identityType": "UserAssignedIdentity" } }),
        json!({ "vaultUri": uri, "associatedIdentity": { "identityType": "UserAssignedIdentity", "userAssignedIdentityResourceId": "/x" } }),
        json!({ "vaultUri": uri, "associatedIdentity": { "identityType": "SystemAssignedIdentity", "userAssignedIdentityResourceId": identity } }),
        json!({ "vaultUri": uri, "associatedIdentity": { "identityType": "Mine" } }),
        json!({ "vaultUri": uri, "providerConfiguration": { "provider": "OpenBao" } }),
        json!({ "vaultUri": uri, "more": 1 }),
    ];
    for settings in refused {
        let answer = b
            .patch(
                "c2",
                "2025-09-01",
                json!({ "secretArchiveSettings": settings.clone() }),
            )
            .await;
        assert_eq!(answer.code(), (400, "InvalidRequestContent"), "{settings}");
    }
    let good = json!({ "secretArchiveSettings": { "vaultUri": uri, "associatedIdentity": user } });
    assert_eq!(b.patch("c2", "2024-07-01", good.clone()).await.status, 400);
    assert_eq!(b.patch("c2", "2025-09-01", good).await.status, 202);
}

#[tokio::test]
async fn only_json_is_taken() {
    let b = bench(estate()).await;
    let path = format!("{}?api-version=2025-09-01", b.cluster("c1"));
    let body = r#"{"properties":{}}"#;
    let merge = b
        .request(Method::PATCH, &path)
        .header("content-type", "application/merge-patch+json")
        .body(body);
    assert_eq!(b.send(merge).await.code(), (415, "UnsupportedMediaType"));
    let broken = b
        .request(Method::PATCH, &path)
        .header("content-type", "application/json; charset=utf-8")
        .body("{");
    assert_eq!(b.send(broken).await.code(), (400, "InvalidRequestContent"));
}

#[tokio::test]
async fn tags_in_a_patch_replace_all_tags() {
    let b = bench(estate()).await;
    let body = json!({ "tags": { "only": "this" } });
    b.write(Method::PATCH, &b.cluster("c1"), "2024-07-01", &body)
        .await;
    assert_eq!(
        b.azure().resource(&b.cluster_of("c1")).unwrap()["tags"],
        json!({ "only": "this" })
    );
    let writes = b.sim.world.journal.writes();
    assert_eq!((writes.len(), writes[0].body.as_ref()), (1, Some(&body)));
}

#[tokio::test]
async fn a_null_resets_and_the_newest_versions_merge() {
    let b = bench(estate()).await;
    b.azure().behaviour.check_access = false;
    b.azure().behaviour.patch = crate::state::behaviour::PatchMode::Immediate;
    let off = b
        .patch(
            "c2",
            "2026-07-01",
            json!({ "secretArchive": { "useKeyVault": "False" } }),
        )
        .await;
    let archive = &off.body["properties"]["secretArchive"];
    assert_eq!(
        (
            off.status,
            &archive["useKeyVault"],
            archive["keyVaultId"].is_string()
        ),
        (200, &json!("False"), true)
    );
    let reset = b
        .patch("c2", "2026-07-01", json!({ "secretArchive": null }))
        .await;
    assert!(reset.status == 200 && reset.body["properties"].get("secretArchive").is_none());
}

#[tokio::test]
async fn a_stale_etag_fails_where_the_version_has_etags() {
    let b = bench(estate()).await;
    let cluster = b.cluster("c1");
    let etag = b.get(&cluster, "2025-09-01").await.body["etag"]
        .as_str()
        .unwrap()
        .to_owned();
    b.azure().set_tag(&cluster, "site", Some("b"));
    let patch = async |version: &str, etag: &str| {
        let request = b
            .request(Method::PATCH, &format!("{cluster}?api-version={version}"))
            .header("if-match", etag);
        let request = request
            .header("content-type", "application/json")
            .body(r#"{"properties":{}}"#);
        b.send(request).await.status
    };
    assert_eq!(patch("2025-09-01", &etag).await, 412);
    let fresh = b.get(&cluster, "2025-09-01").await.body["etag"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_ne!(fresh, etag);
    assert_eq!(patch("2025-09-01", &fresh).await, 202);
    let b2 = bench(estate()).await;
    let request = b2
        .request(
            Method::PATCH,
            &format!("{}?api-version=2024-07-01", b2.cluster("c1")),
        )
        .header("if-match", "\"old\"");
    let request = request
        .header("content-type", "application/json")
        .body(r#"{"properties":{}}"#);
    assert_eq!(b2.send(request).await.status, 202);
}

#[tokio::test]
async fn a_busy_deleting_or_unregistered_cluster_conflicts() {
    let b = bench(estate()).await;
    let archive =
        json!({ "secretArchive": { "keyVaultId": b.vault("kv-a"), "useKeyVault": "True" } });
    let cluster = b.cluster("c1");
    b.azure().set_provisioning_state(&cluster, "Updating");
    assert_eq!(
        b.patch("c1", "2024-07-01", archive.clone()).await.code(),
        (409, "Conflict")
    );
    b.azure().set_provisioning_state(&cluster, "Failed");
    b.azure().set_detailed_status(&cluster, "Deleting");
    assert_eq!(
        b.patch("c1", "2024-07-01", archive.clone()).await.code(),
        (409, "Conflict")
    );
    b.azure().subscription_mut("prod").unwrap().registration =
        crate::state::Registration::NotRegistered;
    assert_eq!(
        b.patch("c1", "2024-07-01", archive).await.code(),
        (409, "MissingSubscriptionRegistration")
    );
}
