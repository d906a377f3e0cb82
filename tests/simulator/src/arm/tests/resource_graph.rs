use super::*;

const CLUSTERS: &str = "resources | where type =~ 'microsoft.networkcloud/clusters' | project id, name, tags | order by id asc";

impl Bench {
    async fn ask(&self, query: &str, options: Value) -> Answered {
        let subscription = self.azure().subscription("prod").unwrap().id.clone();
        self.ask_of(&[&subscription], query, options).await
    }

    async fn ask_of(&self, subscriptions: &[&str], query: &str, options: Value) -> Answered {
        let body = json!({ "subscriptions": subscriptions, "query": query, "options": options });
        self.write(
            Method::POST,
            "/providers/Microsoft.ResourceGraph/resources",
            "2021-03-01",
            &body,
        )
        .await
    }
}

fn names(answer: &Answered) -> Vec<String> {
    let rows = answer.body["data"].as_array().unwrap().iter();
    rows.map(|row| row["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_question_is_answered_in_resource_graphs_own_casing() {
    let b = bench(estate()).await;
    let all = "resources | where type =~ 'Microsoft.KeyVault/vaults' and resourceGroup =~ 'RG-Secrets' | project id, name, type, rbac=tobool(properties.enableRbacAuthorization), site=tostring(tags.site) | order by id asc";
    let answer = b
        .ask(all, json!({ "resultFormat": "objectArray", "$top": 1000 }))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let row = &answer.body["data"][0];
    assert!(
        row["id"]
            .as_str()
            .unwrap()
            .contains("/resourcegroups/rg-secrets/")
    );
    assert_eq!(
        (&row["type"], &row["rbac"], &row["site"]),
        (
            &json!("microsoft.keyvault/vaults"),
            &json!(true),
            &json!("a")
        )
    );
    assert_eq!(
        (
            &answer.body["resultTruncated"],
            &answer.body["totalRecords"]
        ),
        (&json!("false"), &json!(2))
    );
    assert_eq!(answer.header("x-ms-user-quota-remaining"), Some("14"));
    assert!(b.sim.world.journal.writes().is_empty());
}

#[tokio::test]
async fn pages_belong_to_their_question() {
    let b = bench(estate()).await;
    let first = b.ask(CLUSTERS, json!({ "$top": 1 })).await;
    assert_eq!(
        (names(&first), &first.body["resultTruncated"]),
        (vec!["c1".to_owned()], &json!("true"))
    );
    let token = first.body["$skipToken"].clone();
    let second = b
        .ask(CLUSTERS, json!({ "$top": 1, "$skipToken": token }))
        .await;
    assert_eq!(
        (names(&second), second.body.get("$skipToken")),
        (vec!["c2".to_owned()], None)
    );
    let other = CLUSTERS.replace("clusters", "clusterManagers");
    assert_eq!(
        b.ask(&other, json!({ "$skipToken": token })).await.code(),
        (400, "BadRequest")
    );
    b.azure().resource_graph.expire_skip_tokens();
    assert_eq!(
        b.ask(CLUSTERS, json!({ "$skipToken": token })).await.code(),
        (400, "BadRequest")
    );
    let unordered = b.ask("resources | project id", json!({ "$top": 1 })).await;
    assert_eq!(
        (
            &unordered.body["resultTruncated"],
            unordered.body.get("$skipToken")
        ),
        (&json!("true"), None)
    );
}

#[tokio::test]
async fn what_it_does_not_serve_is_refused() {
    let b = bench(estate()).await;
    assert_eq!(
        b.ask("resources | summarize count()", json!({}))
            .await
            .code(),
        (400, "BadRequest")
    );
    assert_eq!(b.ask(CLUSTERS, json!({ "$top": 1001 })).await.status, 400);
    assert_eq!(b.ask(CLUSTERS, json!({ "$top": 0 })).await.status, 400);
    assert_eq!(
        b.ask(CLUSTERS, json!({ "resultFormat": "table" }))
            .await
            .status,
        400
    );
    let path = "/providers/Microsoft.ResourceGraph/resources";
    assert_eq!(
        b.write(Method::POST, path, "2021-03-01", &json!({}))
            .await
            .status,
        400
    );
    assert_eq!(
        b.write(
            Method::POST,
            path,
            "2000-01-01",
            &json!({ "query": CLUSTERS })
        )
        .await
        .status,
        400
    );
}

#[tokio::test]
async fn only_rows_that_may_be_read_come_back() {
    let b = bench(
        estate()
            .subscription("other")
            .cluster(ClusterSpec::new("o1")),
    )
    .await;
    assert_eq!(names(&b.ask(CLUSTERS, json!({})).await), ["c1", "c2"]);
    let of_others = b.ask_of(&["unknown"], CLUSTERS, json!({})).await;
    let inner = &of_others.body["error"]["details"][0]["code"];
    assert_eq!(of_others.code(), (400, "BadRequest"));
    assert_eq!(inner, "NoValidSubscriptionsInQueryRequest");
    let denied = b.cluster("c1");
    b.azure()
        .deny("Microsoft.NetworkCloud/clusters/read", &denied);
    assert_eq!(names(&b.ask(CLUSTERS, json!({})).await), ["c2"]);
}

#[tokio::test]
async fn it_may_lag_behind() {
    let b = bench(estate()).await;
    let (c1, c2) = (b.cluster("c1"), b.cluster("c2"));
    b.azure().lag(&c1);
    b.azure().resource_graph.hide(&c2);
    b.azure().set_tag(&c1, "site", Some("z"));
    let stale = b.ask(CLUSTERS, json!({})).await;
    assert_eq!(
        (names(&stale), &stale.body["data"][0]["tags"]["site"]),
        (vec!["c1".to_owned()], &json!("a"))
    );
    b.azure().resource_graph.release();
    let fresh = b.ask(CLUSTERS, json!({})).await;
    assert_eq!(
        (names(&fresh).len(), &fresh.body["data"][0]["tags"]["site"]),
        (2, &json!("z"))
    );
    b.azure().freeze_resource_graph();
    b.azure().delete(&c1);
    assert_eq!(names(&b.ask(CLUSTERS, json!({})).await), ["c1", "c2"]);
}
