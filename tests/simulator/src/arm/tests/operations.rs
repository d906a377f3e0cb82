use super::*;
use crate::state::behaviour::{Ending, PatchMode, RolePropagation};

fn archive(b: &Bench, vault: &str) -> Value {
    json!({ "secretArchive": { "keyVaultId": b.vault(vault), "useKeyVault": "True" } })
}

fn settings(b: &Bench, vault: &str) -> Value {
    let cluster = b.azure().cluster_id("c2").unwrap();
    let identity =
        b.azure().resource(&cluster).unwrap()["identity"]["userAssignedIdentities"].clone();
    let identity = identity.as_object().unwrap().keys().next().unwrap().clone();
    json!({ "secretArchiveSettings": {
        "vaultUri": format!("https://{}.vault.azure.net", vault.to_uppercase()),
        "associatedIdentity": { "identityType": "UserAssignedIdentity", "userAssignedIdentityResourceId": identity },
    } })
}

impl Bench {
    /// Follows an accepted PATCH to its end, and returns that with the number of looks it took.
    async fn finish(&self, accepted: &Answered) -> (Answered, usize) {
        assert_eq!(accepted.status, 202, "{accepted:?}");
        let url = accepted.header("azure-asyncoperation").unwrap();
        for looks in 1..10 {
            let answer = self.follow(url).await;
            if ["Succeeded", "Failed", "Canceled"]
                .contains(&answer.body["status"].as_str().unwrap())
            {
                return (answer, looks);
            }
        }
        panic!("the operation does not end");
    }

    async fn state(&self, cluster: &str) -> String {
        let body = self.get(&self.cluster(cluster), "2025-09-01").await.body;
        body["properties"]["provisioningState"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

#[tokio::test]
async fn an_operation_goes_on_by_being_looked_at() {
    let b = bench(estate()).await;
    b.grant_platform("kv-a");
    b.azure().behaviour.operation_retry_after = Some(7);
    let accepted = b.patch("c1", "2024-07-01", archive(&b, "kv-a")).await;
    assert_eq!(accepted.body["properties"]["provisioningState"], "Accepted");
    assert_eq!(
        accepted.body["properties"]["secretArchive"],
        archive(&b, "kv-a")["secretArchive"]
    );
    assert_eq!(
        accepted.header("location"),
        accepted.header("azure-asyncoperation")
    );
    assert_eq!(accepted.header("retry-after"), Some("7"));
    assert_eq!(
        b.patch("c1", "2024-07-01", archive(&b, "kv-b"))
            .await
            .status,
        409
    );
    let url = accepted.header("azure-asyncoperation").unwrap();
    let first = b.follow(url).await;
    assert_eq!(
        (first.body["status"].as_str(), first.body.get("endTime")),
        (Some("Updating"), None)
    );
    let second = b.follow(url).await.body;
    assert_eq!(
        (&second["status"], &second["resourceId"]),
        (&json!("Succeeded"), &json!(b.cluster("c1")))
    );
    assert_eq!(b.state("c1").await, "Succeeded");
    let other = url.replace(
        &b.subscription(),
        "/subscriptions/00000000-0000-0000-0000-000000000000",
    );
    assert_eq!(b.follow(&other).await.status, 404);
}

#[tokio::test]
async fn headers_and_body_of_an_acceptance_depend_on_the_version() {
    let b = bench(estate()).await;
    let old = b
        .patch("c1", "2023-10-01-preview", archive(&b, "kv-a"))
        .await;
    assert_eq!(
        (old.status, old.header("location"), old.body.is_object()),
        (202, None, true)
    );
    let new = b.patch("c2", "2025-09-01", archive(&b, "kv-a")).await;
    assert_eq!(
        (
            new.status,
            new.header("location").is_some(),
            new.body.is_null()
        ),
        (202, true, true)
    );
}

#[tokio::test]
async fn a_lost_operation_ends_when_its_cluster_is_looked_at() {
    let b = bench(estate()).await;
    b.grant_platform("kv-a");
    let accepted = b.patch("c1", "2024-07-01", archive(&b, "kv-a")).await;
    b.azure().forget_operations();
    assert_eq!(
        b.follow(accepted.header("azure-asyncoperation").unwrap())
            .await
            .status,
        404
    );
    assert_eq!(
        [
            b.state("c1").await,
            b.state("c1").await,
            b.state("c1").await
        ],
        ["Accepted", "Updating", "Succeeded"]
    );
}

#[tokio::test]
async fn the_platform_apps_must_hold_the_role_on_the_vault_or_above_it() {
    let b = bench(estate()).await;
    let denied = b
        .finish(&b.patch("c1", "2024-07-01", archive(&b, "kv-a")).await)
        .await
        .0;
    assert_eq!(denied.body["error"]["code"], "KeyVaultAccessDenied");
    assert_eq!(b.state("c1").await, "Failed");
    let shown = b.get(&b.cluster("c1"), "2024-07-01").await.body;
    assert_eq!(
        shown["properties"]["secretArchive"],
        archive(&b, "kv-a")["secretArchive"]
    );
    let scope = b.subscription();
    let principals = b.azure().platform_principals();
    b.azure().grant(&principals[0], WRITER_ROLE, &scope);
    assert_eq!(
        b.finish(&b.patch("c1", "2024-07-01", archive(&b, "kv-a")).await)
            .await
            .0
            .body["status"],
        "Failed"
    );
    b.azure().grant(&principals[1], WRITER_ROLE, &scope);
    assert_eq!(
        b.finish(&b.patch("c1", "2024-07-01", archive(&b, "kv-a")).await)
            .await
            .0
            .body["status"],
        "Succeeded"
    );
}

#[tokio::test]
async fn the_managers_identity_will_do_for_the_old_shape() {
    let b = bench(
        estate()
            .manager(ManagerSpec::new("cm2").system_identity())
            .cluster(ClusterSpec::new("c3").manager("cm2"))
            .grant("cm2", "kv-a"),
    )
    .await;
    assert_eq!(
        b.finish(&b.patch("c3", "2024-07-01", archive(&b, "kv-a")).await)
            .await
            .0
            .body["status"],
        "Succeeded"
    );
}

#[tokio::test]
async fn settings_want_the_role_of_their_own_identity() {
    let b = bench(estate()).await;
    b.grant_platform("kv-a");
    let denied = b
        .finish(&b.patch("c2", "2025-09-01", settings(&b, "kv-a")).await)
        .await
        .0;
    assert_eq!(denied.body["error"]["code"], "KeyVaultAccessDenied");
    let (principal, scope) = (b.azure().principals_of("c2")[0].clone(), b.vault("kv-a"));
    let granted = b.azure().grant(&principal, WRITER_ROLE, &scope);
    b.azure()
        .set_condition(&granted, "@Resource[x] StringEquals 'y'");
    assert_eq!(
        b.finish(&b.patch("c2", "2025-09-01", settings(&b, "kv-a")).await)
            .await
            .0
            .body["status"],
        "Failed"
    );
    b.azure().remove_assignment(&granted);
    b.azure().grant(&principal, WRITER_ROLE, &scope);
    assert_eq!(
        b.finish(&b.patch("c2", "2025-09-01", settings(&b, "kv-a")).await)
            .await
            .0
            .body["status"],
        "Succeeded"
    );
    let kept = b.get(&b.cluster("c2"), "2025-09-01").await.body;
    assert!(
        kept["properties"]["secretArchive"]["keyVaultId"]
            .as_str()
            .unwrap()
            .ends_with("kv-b")
    );
    let missing = b
        .finish(&b.patch("c2", "2025-09-01", settings(&b, "kv-none")).await)
        .await
        .0;
    assert_eq!(missing.body["error"]["code"], "KeyVaultNotFound");
}

#[tokio::test]
async fn a_role_on_a_vault_with_access_policies_does_not_help() {
    let b = bench(
        estate()
            .vault(VaultSpec::new("kv-old").rbac(Some(Value::Null)))
            .vault(VaultSpec::new("kv-far").tenant("t")),
    )
    .await;
    for vault in ["kv-old", "kv-far"] {
        b.grant_platform(vault);
        let ended = b
            .finish(&b.patch("c1", "2024-07-01", archive(&b, vault)).await)
            .await
            .0;
        assert_eq!(
            ended.body["error"]["code"], "KeyVaultAccessDenied",
            "{vault}"
        );
    }
}

#[tokio::test]
async fn a_new_role_assignment_takes_its_time() {
    let b = bench(estate()).await;
    let assign = |name: u8, principal: &str| {
        let path = format!(
            "{}/providers/Microsoft.Authorization/roleAssignments/{:08}-0000-4000-8000-000000000000",
            b.vault("kv-a"),
            name
        );
        let role = format!(
            "{}/providers/Microsoft.Authorization/roleDefinitions/{WRITER_ROLE}",
            b.subscription()
        );
        (
            path,
            json!({ "properties": { "roleDefinitionId": role, "principalId": principal, "principalType": "ServicePrincipal" } }),
        )
    };
    let try_once = async || {
        b.finish(&b.patch("c1", "2024-07-01", archive(&b, "kv-a")).await)
            .await
            .0
            .body["status"]
            .clone()
    };
    b.azure().behaviour.role_propagation = RolePropagation::Checks(2);
    let principals = b.azure().platform_principals();
    for (name, principal) in principals.iter().enumerate() {
        let (path, body) = assign(u8::try_from(name).unwrap(), principal);
        assert_eq!(
            b.write(Method::PUT, &path, "2022-04-01", &body)
                .await
                .status,
            201
        );
    }
    assert_eq!(
        [try_once().await, try_once().await, try_once().await],
        ["Failed", "Failed", "Succeeded"]
    );
    b.azure().behaviour.role_propagation =
        RolePropagation::Time(std::time::Duration::from_secs(600));
    assert_eq!(try_once().await, "Failed");
    b.sim
        .world
        .clock
        .advance(std::time::Duration::from_secs(600));
    assert_eq!(try_once().await, "Succeeded");
}

#[tokio::test]
async fn endings_can_be_forced() {
    let b = bench(estate()).await;
    b.grant_platform("kv-a");
    let cluster = b.cluster("c1");
    b.azure().set_patch(
        &cluster,
        PatchMode::Polls(1),
        Ending::Failed("KeyVaultRequestTimeout".to_owned()),
    );
    let (failed, looks) = b
        .finish(&b.patch("c1", "2024-07-01", archive(&b, "kv-a")).await)
        .await;
    assert_eq!(
        (&failed.body["error"]["code"], looks),
        (&json!("KeyVaultRequestTimeout"), 1)
    );
    b.azure()
        .set_patch(&cluster, PatchMode::Polls(3), Ending::Canceled);
    let (canceled, looks) = b
        .finish(&b.patch("c1", "2024-07-01", archive(&b, "kv-a")).await)
        .await;
    assert_eq!(
        (&canceled.body["status"], looks, b.state("c1").await),
        (&json!("Canceled"), 3, "Canceled".to_owned())
    );
    b.azure()
        .set_patch(&cluster, PatchMode::Immediate, Ending::Checked);
    let done = b.patch("c1", "2024-07-01", archive(&b, "kv-a")).await;
    assert_eq!(
        (done.status, &done.body["properties"]["provisioningState"]),
        (200, &json!("Succeeded"))
    );
    b.azure()
        .set_patch(&cluster, PatchMode::Polls(1), Ending::Never);
    let endless = b.patch("c1", "2024-07-01", archive(&b, "kv-a")).await;
    for _ in 0..5 {
        assert_eq!(
            b.follow(endless.header("azure-asyncoperation").unwrap())
                .await
                .body["status"],
            "Updating"
        );
    }
    b.azure().reset_patch(&cluster);
    assert_eq!(b.finish(&endless).await.0.body["status"], "Succeeded");
}

#[tokio::test]
async fn the_headers_can_point_anywhere() {
    let b = bench(estate()).await;
    b.azure().behaviour.operation_url = Some("https://attacker.example/operation".to_owned());
    let accepted = b.patch("c1", "2024-07-01", archive(&b, "kv-a")).await;
    assert_eq!(
        accepted.header("azure-asyncoperation"),
        Some("https://attacker.example/operation")
    );
}
