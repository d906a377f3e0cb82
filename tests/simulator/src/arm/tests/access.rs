use super::operations::archive;
use super::*;
use crate::state::behaviour::RolePropagation;

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
    let principal = b.azure().principals_of("c2")[0].clone();
    let scope = b.vault("kv-a");
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
