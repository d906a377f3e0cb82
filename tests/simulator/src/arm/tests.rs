mod access;
mod clusters;
mod operations;
mod others;
mod resource_graph;
mod roles;

use reqwest::Method;
use serde_json::{Value, json};

use super::*;
use crate::state::WRITER_ROLE;
use crate::{ClusterSpec, Config, Estate, ManagerSpec, Simulator, VaultSpec};

/// A running simulator and a client with a token.
struct Bench {
    sim: Simulator,
    client: reqwest::Client,
    token: String,
}

/// An answer.
#[derive(Debug)]
struct Answered {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Answered {
    fn code(&self) -> (u16, &str) {
        (
            self.status,
            self.body["error"]["code"].as_str().unwrap_or_default(),
        )
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn names(&self) -> Vec<&str> {
        self.body["value"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["name"].as_str().unwrap())
            .collect()
    }
}

fn estate() -> Estate {
    Estate::new()
        .platform_apps()
        .subscription("prod")
        .manager(ManagerSpec::new("cm"))
        .vault(VaultSpec::new("kv-a").tag("site", "a"))
        .vault(VaultSpec::new("kv-b"))
        .cluster(
            ClusterSpec::new("c1")
                .tag("site", "a")
                .tag("env", "prod")
                .manager("cm"),
        )
        .cluster(ClusterSpec::new("c2").identity("id-nexus").archive("kv-b"))
}

async fn bench(estate: Estate) -> Bench {
    bench_in(World::new(Config::default(), estate)).await
}

async fn bench_in(world: World) -> Bench {
    let broker = crate::service_bus::Broker::new(world.clock.clone());
    let sim = Simulator::serve(world, broker).await.unwrap();
    let (token, _) = sim
        .world
        .tokens
        .issue(AUDIENCE, &Config::default().client_id);
    Bench {
        sim,
        client: crate::loopback::client().unwrap(),
        token,
    }
}

impl Bench {
    fn azure(&self) -> std::sync::MutexGuard<'_, Azure> {
        self.sim.world.azure()
    }

    fn cluster(&self, name: &str) -> String {
        self.azure().cluster_id(name).unwrap()
    }

    fn vault(&self, name: &str) -> String {
        self.azure().vault_id(name).unwrap()
    }

    fn subscription(&self) -> String {
        format!(
            "/subscriptions/{}",
            self.azure().subscription("prod").unwrap().id
        )
    }

    fn request(&self, method: Method, path_and_query: &str) -> reqwest::RequestBuilder {
        let url = match path_and_query.starts_with("http") {
            true => path_and_query.to_owned(),
            false => format!(
                "{}{}",
                self.sim.arm_endpoint,
                path_and_query.trim_start_matches('/')
            ),
        };
        self.client.request(method, url).bearer_auth(&self.token)
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Answered {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        Answered {
            status,
            headers,
            body: serde_json::from_str(&text).unwrap_or_default(),
        }
    }

    async fn get(&self, path: &str, version: &str) -> Answered {
        self.send(self.request(Method::GET, &format!("{path}?api-version={version}")))
            .await
    }

    async fn follow(&self, url: &str) -> Answered {
        self.send(self.request(Method::GET, url)).await
    }

    async fn write(&self, method: Method, path: &str, version: &str, body: &Value) -> Answered {
        let request = self.request(method, &format!("{path}?api-version={version}"));
        self.send(
            request
                .header("content-type", "application/json")
                .body(body.to_string()),
        )
        .await
    }

    async fn patch(&self, cluster: &str, version: &str, properties: Value) -> Answered {
        let path = self.cluster(cluster);
        self.write(
            Method::PATCH,
            &path,
            version,
            &json!({ "properties": properties }),
        )
        .await
    }

    fn grant_platform(&self, vault: &str) {
        let scope = self.vault(vault);
        let mut azure = self.azure();
        for principal in azure.platform_principals() {
            azure.grant(&principal, WRITER_ROLE, &scope);
        }
    }
}

#[tokio::test]
async fn every_answer_has_arms_headers() {
    let b = bench(estate()).await;
    let request = b.request(
        Method::GET,
        &format!("{}?api-version=2025-09-01", b.cluster("c1")),
    );
    let request = request
        .header("x-ms-client-request-id", "mine")
        .header("x-ms-return-client-request-id", "true");
    let answer = b.send(request).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("x-ms-client-request-id"), Some("mine"));
    assert_eq!(
        answer.header("x-ms-ratelimit-remaining-subscription-reads"),
        Some("249")
    );
    assert!(
        answer.header("x-ms-request-id").is_some()
            && answer.header("x-ms-correlation-request-id").is_some()
    );
}

#[tokio::test]
async fn a_caller_without_a_token_for_arm_is_refused() {
    let b = bench(estate()).await;
    let path = format!("{}?api-version=2025-09-01", b.cluster("c1"));
    let url = format!("{}{}", b.sim.arm_endpoint, path.trim_start_matches('/'));
    let none = b.send(b.client.get(&url)).await;
    assert_eq!(none.code(), (401, "InvalidAuthenticationToken"));
    let (wrong, _) = b.sim.world.tokens.issue("https://graph.microsoft.com", "x");
    assert_eq!(
        b.send(b.client.get(&url).bearer_auth(wrong)).await.status,
        401
    );
    b.sim
        .world
        .clock
        .advance(std::time::Duration::from_secs(366 * 24 * 3600));
    assert_eq!(b.get(&b.cluster("c1"), "2025-09-01").await.status, 401);
}

#[tokio::test]
async fn an_api_version_is_wanted_and_must_be_known() {
    let b = bench(estate()).await;
    let cluster = b.cluster("c1");
    let missing = b.send(b.request(Method::GET, &cluster)).await;
    assert_eq!(missing.code(), (400, "MissingApiVersionParameter"));
    assert_eq!(
        b.get(&cluster, "2022-12-12").await.code(),
        (400, "NoRegisteredProviderFound")
    );
    assert_eq!(
        b.get(&b.vault("kv-a"), "2016-10-01").await.code(),
        (400, "NoRegisteredProviderFound")
    );
    assert_eq!(
        b.get(&b.subscription(), "1999-01-01").await.code(),
        (400, "InvalidApiVersionParameter")
    );
    b.azure()
        .subscription_mut("prod")
        .unwrap()
        .cluster_api_versions = vec!["2024-07-01".to_owned()];
    assert_eq!(b.get(&cluster, "2025-02-01").await.status, 400);
    assert_eq!(b.get(&cluster, "2024-07-01").await.status, 200);
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_casing_does_not_matter() {
    let b = bench(estate()).await;
    let cluster = b.cluster("c1");
    assert_eq!(
        b.get(&cluster.to_uppercase(), "2025-09-01").await.body["name"],
        "c1"
    );
    let version = "2025-09-01";
    assert_eq!(
        b.get(&cluster.replace("/c1", "/c9"), version).await.code(),
        (404, "ResourceNotFound")
    );
    assert_eq!(
        b.get(&cluster.replace("rg-nexus", "rg-none"), version)
            .await
            .code(),
        (404, "ResourceGroupNotFound")
    );
    let elsewhere = cluster.replace(
        &b.subscription(),
        "/subscriptions/00000000-0000-0000-0000-000000000000",
    );
    assert_eq!(
        b.get(&elsewhere, version).await.code(),
        (404, "SubscriptionNotFound")
    );
    assert_eq!(b.get("/nothing/here", version).await.status, 404);
    b.azure().delay_reads(&cluster, 1);
    assert_eq!(b.get(&cluster, version).await.status, 404);
    assert_eq!(b.get(&cluster, version).await.status, 200);
}

#[tokio::test]
async fn a_state_may_last_for_some_reads() {
    let b = bench(estate()).await;
    let (cluster, version) = (b.cluster("c1"), "2026-07-01");
    b.azure().set_provisioning_state(&cluster, "Updating");
    b.azure()
        .set_property_after_reads(&cluster, "provisioningState", json!("Succeeded"), 2);
    let mut states = Vec::new();
    for _ in 0..3 {
        let read = b.get(&cluster, version).await;
        states.push(read.body["properties"]["provisioningState"].clone());
    }
    assert_eq!(states, ["Updating", "Updating", "Succeeded"]);
}

#[tokio::test]
async fn a_right_that_was_taken_away_is_missed_at_its_scope_alone() {
    let b = bench(estate()).await;
    b.azure().deny("Microsoft.KeyVault/*", "/");
    assert_eq!(
        b.get(&b.vault("kv-a"), "2026-02-01").await.code(),
        (403, "AuthorizationFailed")
    );
    b.azure().allow_all();
    let denied = b.vault("kv-a");
    b.azure().deny("Microsoft.KeyVault/vaults/read", &denied);
    assert_eq!(b.get(&denied, "2026-02-01").await.status, 403);
    assert_eq!(b.get(&b.vault("kv-b"), "2026-02-01").await.status, 200);
}
