use super::*;
use crate::state::behaviour::RepeatedPut;
use crate::state::{PLATFORM_APPS, PrincipalKind};

const NAME: &str = "11111111-2222-4333-8444-555555555555";
const OTHER: &str = "11111111-2222-4333-8444-666666666666";

fn path(scope: &str, name: &str) -> String {
    format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}")
}

fn body(principal: &str) -> Value {
    let role = format!("/providers/Microsoft.Authorization/roleDefinitions/{WRITER_ROLE}");
    json!({ "properties": { "roleDefinitionId": role, "principalId": principal, "principalType": "ServicePrincipal" } })
}

impl Bench {
    async fn assign(&self, scope: &str, name: &str, body: &Value) -> Answered {
        self.write(Method::PUT, &path(scope, name), "2022-04-01", body)
            .await
    }

    async fn list(&self, scope: &str, filter: &str) -> Answered {
        let query: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let query = query.replace('+', "%20");
        let path = format!(
            "{scope}/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01&$filter={query}"
        );
        self.send(self.request(Method::GET, &path)).await
    }

    fn platform(&self) -> Vec<String> {
        self.azure().platform_principals()
    }
}

#[tokio::test]
async fn an_assignment_is_made_once_for_each_scope_principal_and_role() {
    let b = bench(estate()).await;
    let (vault, principals) = (b.vault("kv-a"), b.platform());
    let made = b.assign(&vault, NAME, &body(&principals[0])).await;
    assert_eq!((made.status, &made.body["name"]), (201, &json!(NAME)));
    assert!(
        made.body["properties"]["createdOn"].is_string()
            && made.body["properties"]["condition"].is_null()
    );
    assert_eq!(
        b.assign(&vault, NAME, &body(&principals[0])).await.status,
        200
    );
    b.azure().behaviour.repeated_put = RepeatedPut::Created;
    assert_eq!(
        b.assign(&vault, NAME, &body(&principals[0])).await.status,
        201
    );
    b.azure().behaviour.repeated_put = RepeatedPut::Conflict;
    assert_eq!(
        b.assign(&vault, NAME, &body(&principals[0])).await.code(),
        (409, "RoleAssignmentExists")
    );
    let twice = b.assign(&vault, OTHER, &body(&principals[0])).await;
    assert_eq!(twice.code(), (409, "RoleAssignmentExists"));
    assert!(
        twice.body["error"]["message"]
            .as_str()
            .unwrap()
            .contains("11111111222243338444555555555555")
    );
    let moved = b.assign(&vault, NAME, &body(&principals[1])).await;
    assert_eq!(moved.code(), (400, "RoleAssignmentUpdateNotPermitted"));
    let elsewhere = b
        .assign(&b.vault("kv-b"), NAME, &body(&principals[0]))
        .await;
    assert_eq!(elsewhere.code(), (400, "RoleAssignmentUpdateNotPermitted"));
    assert_eq!(
        b.get(&path(&vault, NAME), "2022-04-01").await.body["name"],
        NAME
    );
    assert_eq!(b.azure().role_assignments().count(), 1);
}

#[tokio::test]
async fn a_principal_must_be_in_the_directory_under_its_object_id() {
    let b = bench(estate()).await;
    let vault = b.vault("kv-a");
    let by_app = b.assign(&vault, NAME, &body(PLATFORM_APPS[0].0)).await;
    assert_eq!(by_app.code(), (400, "PrincipalNotFound"));
    assert!(
        by_app.body["error"]["message"]
            .as_str()
            .unwrap()
            .contains(&PLATFORM_APPS[0].0.replace('-', ""))
    );
    let principal = b.platform()[0].clone();
    b.azure().delay_principal(&principal, 1);
    assert_eq!(b.assign(&vault, NAME, &body(&principal)).await.status, 400);
    assert_eq!(b.assign(&vault, NAME, &body(&principal)).await.status, 201);
    b.azure()
        .add_principal(OTHER, "", "somebody", PrincipalKind::User);
    assert_eq!(
        b.assign(&vault, OTHER, &body(OTHER)).await.code(),
        (400, "UnmatchedPrincipalType")
    );
}

#[tokio::test]
async fn a_malformed_assignment_is_refused() {
    let b = bench(estate()).await;
    let (vault, principal) = (b.vault("kv-a"), b.platform()[0].clone());
    let with = |member: &str, value: &str| {
        let mut body = body(&principal);
        body["properties"][member] = json!(value);
        body
    };
    assert_eq!(
        b.assign(&vault, "my-name", &body(&principal)).await.code(),
        (400, "InvalidRoleAssignmentId")
    );
    assert_eq!(
        b.assign(&vault, NAME, &with("roleDefinitionId", WRITER_ROLE))
            .await
            .code(),
        (400, "InvalidRoleDefinitionId")
    );
    let unknown = format!("/providers/Microsoft.Authorization/roleDefinitions/{OTHER}");
    assert_eq!(
        b.assign(&vault, NAME, &with("roleDefinitionId", &unknown))
            .await
            .code(),
        (404, "RoleDefinitionDoesNotExist")
    );
    assert_eq!(
        b.assign(&vault, NAME, &with("principalId", "me"))
            .await
            .code(),
        (400, "InvalidPrincipalId")
    );
    assert_eq!(
        b.assign(&vault, NAME, &with("condition", "x")).await.code(),
        (400, "InvalidConditionVersion")
    );
    let gone = vault.replace("kv-a", "kv-gone");
    assert_eq!(
        b.assign(&gone, NAME, &body(&principal)).await.code(),
        (404, "ResourceNotFound")
    );
    b.azure().behaviour.assignment_limit = 0;
    assert_eq!(
        b.assign(&vault, NAME, &body(&principal)).await.code(),
        (400, "RoleAssignmentLimitExceeded")
    );
    b.azure()
        .deny("Microsoft.Authorization/roleAssignments/write", &vault);
    let denied = b.assign(&vault, NAME, &body(&principal)).await;
    assert_eq!(denied.code(), (403, "AuthorizationFailed"));
    assert!(
        denied.body["error"]["message"]
            .as_str()
            .unwrap()
            .contains("ABAC condition")
    );
}

#[tokio::test]
async fn filters_say_which_rows_are_meant() {
    let b = bench(estate()).await;
    let (vault, subscription, principals) = (b.vault("kv-a"), b.subscription(), b.platform());
    let group = b.azure().add_group("writers", &principals[..1]);
    for (principal, scope) in [
        (&principals[0], &vault),
        (&principals[1], &subscription),
        (&group, &subscription),
    ] {
        b.azure().grant(principal, WRITER_ROLE, scope);
    }
    let count = async |scope: &str, filter: &str| {
        b.list(scope, filter).await.body["value"]
            .as_array()
            .unwrap()
            .len()
    };
    let of = |principal: &str| {
        (
            format!("principalId eq '{principal}'"),
            format!("assignedTo('{principal}')"),
        )
    };
    assert_eq!(count(&vault, "atScope()").await, 3);
    assert_eq!(count(&subscription, "atScope()").await, 2);
    assert_eq!(count(&subscription, "").await, 3);
    assert_eq!(count(&vault, &of(&principals[0]).0).await, 1);
    assert_eq!(count(&vault, &of(&principals[0]).1).await, 2);
    assert_eq!(count(&subscription, &of(&principals[0]).1).await, 2);
    assert_eq!(
        count(
            &subscription,
            &format!("atScope() and {}", of(&principals[0]).1)
        )
        .await,
        1
    );
    let both = format!("atScope() and {}", of(&principals[0]).0);
    assert_eq!(
        b.list(&vault, &both).await.code(),
        (400, "UnsupportedFilter")
    );
    assert_eq!(b.list(&vault, "roleDefinitionId eq 'x'").await.status, 400);
    assert_eq!(
        b.list(&vault, "principalId eq 'a' or principalId eq 'b'")
            .await
            .status,
        400
    );
    b.azure().behaviour.page_size = 2;
    let first = b.list(&vault, "atScope()").await;
    let second = b.follow(first.body["nextLink"].as_str().unwrap()).await;
    assert_eq!((first.names().len(), second.names().len()), (2, 1));
}

#[tokio::test]
async fn rows_differ_in_casing_and_in_where_their_role_is() {
    let b = bench(estate()).await;
    let principals = b.platform();
    let scopes = [b.vault("kv-a"), b.vault("kv-b")];
    for scope in &scopes {
        principals
            .iter()
            .for_each(|principal| drop(b.azure().grant(principal, WRITER_ROLE, scope)));
    }
    let mut seen = Vec::new();
    for scope in &scopes {
        let answer = b.list(scope, "atScope()").await;
        for row in answer.body["value"].as_array().unwrap() {
            let properties = &row["properties"];
            assert!(
                properties["roleDefinitionId"]
                    .as_str()
                    .unwrap()
                    .ends_with(WRITER_ROLE)
            );
            seen.push(
                properties["scope"]
                    .as_str()
                    .unwrap()
                    .contains("/resourcegroups/"),
            );
        }
    }
    assert!(seen.contains(&true) && seen.contains(&false), "{seen:?}");
}

#[tokio::test]
async fn the_writers_role_can_be_read() {
    let b = bench(estate()).await;
    let role = |id: &str| {
        format!(
            "{}/providers/Microsoft.Authorization/roleDefinitions/{id}",
            b.vault("kv-a")
        )
    };
    let found = b.get(&role(WRITER_ROLE), "2022-04-01").await;
    assert_eq!(found.body["properties"]["type"], "BuiltInRole");
    assert_eq!(b.get(&role(OTHER), "2022-04-01").await.status, 404);
}
