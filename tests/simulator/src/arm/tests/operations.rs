use super::*;
use crate::state::behaviour::{Ending, PatchMode};

pub(super) fn archive(b: &Bench, vault: &str) -> Value {
    json!({ "secretArchive": { "keyVaultId": b.vault(vault), "useKeyVault": "True" } })
}

impl Bench {
    /// Follows an accepted PATCH to its end, and returns that with the number of looks it took.
    pub(super) async fn finish(&self, accepted: &Answered) -> (Answered, usize) {
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

    pub(super) async fn state(&self, cluster: &str) -> String {
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
