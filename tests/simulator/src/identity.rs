//! The token endpoint of a managed identity, in the form that App Service gives it.
//! It knows no user; whoever has the header's secret is the app.

use std::collections::HashMap;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use crate::World;
use crate::faults::observed;
use crate::journal::Service;
use crate::tokens::{AUDIENCES, canonical};

#[derive(Clone, Debug)]
struct Endpoint {
    world: World,
    secret: String,
}

/// The endpoint; `secret` is what the header must say.
pub fn router(world: World, secret: String) -> Router {
    let endpoint = Endpoint {
        world: world.clone(),
        secret,
    };
    let routes = Router::new()
        .route("/msi/token", get(token))
        .with_state(endpoint);
    observed(routes, Service::Identity, world)
}

async fn token(
    State(endpoint): State<Endpoint>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let asked = |name: &str| query.get(name).map(String::as_str);
    if headers
        .get("x-identity-header")
        .is_none_or(|given| given.as_bytes() != endpoint.secret.as_bytes())
    {
        return refuse(
            StatusCode::UNAUTHORIZED,
            "The X-IDENTITY-HEADER is missing or wrong.",
        );
    }
    if asked("api-version") != Some("2019-08-01") {
        return refuse(StatusCode::BAD_REQUEST, "The api-version is not supported.");
    }
    let resource = asked("resource").unwrap_or_default();
    if !AUDIENCES.contains(&canonical(resource).as_str()) {
        return refuse(
            StatusCode::BAD_REQUEST,
            "The resource principal was not found in the tenant.",
        );
    }
    let tokens = &endpoint.world.tokens;
    let client_id = match asked("client_id") {
        Some(client_id) if tokens.knows(client_id) => client_id.to_owned(),
        // A system-assigned identity is asked for by no id; there is none here, as there is none in a real deployment.
        _ => {
            return refuse(
                StatusCode::BAD_REQUEST,
                "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.",
            );
        }
    };
    let (access_token, expires_on) = tokens.issue(resource, &client_id);
    // Callers judge the expiry by real time.
    let expires_on = expires_on - endpoint.world.clock.offset();
    let expires_on = expires_on.unix_timestamp().to_string();
    Json(json!({
        "access_token": access_token, "expires_on": expires_on, "resource": resource, "token_type": "Bearer", "client_id": client_id,
    }))
    .into_response()
}

fn refuse(status: StatusCode, message: &str) -> Response {
    (
        status,
        Json(json!({ "statusCode": status.as_u16(), "message": message })),
    )
        .into_response()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::{Config, Estate, Simulator};

    async fn ask(sim: &Simulator, secret: &str, query: &str) -> (u16, Value) {
        let client = crate::loopback::client().unwrap();
        let url = format!("{}?{query}", sim.identity_endpoint);
        let response = client
            .get(url)
            .header("x-identity-header", secret)
            .header("metadata", "true")
            .send()
            .await
            .unwrap();
        let status = response.status().as_u16();
        (
            status,
            serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default(),
        )
    }

    #[tokio::test]
    async fn a_token_is_given_to_the_app_for_a_known_audience() {
        let sim = Simulator::start(Config::default(), Estate::new())
            .await
            .unwrap();
        let client = Config::default().client_id;
        let query = |resource: &str, client: &str| {
            format!("api-version=2019-08-01&resource={resource}&client_id={client}")
        };
        let arm = query("https://management.azure.com", &client);
        let (status, body) = ask(&sim, &sim.identity_header, &arm).await;
        assert_eq!(
            (
                status,
                body["expires_on"].is_string(),
                body["token_type"].as_str()
            ),
            (200, true, Some("Bearer"))
        );
        assert_eq!(ask(&sim, "guessed", &arm).await.0, 401);
        assert_eq!(
            ask(
                &sim,
                &sim.identity_header,
                &query("https://vault.azure.net", &client)
            )
            .await
            .0,
            400
        );
        assert_eq!(
            ask(
                &sim,
                &sim.identity_header,
                &query("https://graph.microsoft.com", "nobody")
            )
            .await
            .0,
            400
        );
        assert_eq!(
            ask(
                &sim,
                &sim.identity_header,
                &arm.replace("2019-08-01", "2018-02-01")
            )
            .await
            .0,
            400
        );
    }
}
