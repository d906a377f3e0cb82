//! Microsoft Graph, as far as it says which service principal an app has.
//! Its base has no `/v1.0`; that is part of the path.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::World;
use crate::arm::decode;
use crate::faults::observed;
use crate::journal::Service;

const AUDIENCE: &str = "https://graph.microsoft.com";

/// The endpoint.
pub fn router(world: World) -> Router {
    let routes = Router::new().fallback(answer).with_state(world.clone());
    observed(routes, Service::Graph, world)
}

async fn answer(State(world): State<World>, request: Request) -> Response {
    if let Err(refusal) = world.tokens.check(request.headers(), AUDIENCE) {
        return refusal;
    }
    let path = decode(request.uri().path());
    let app_id = path
        .strip_prefix("/v1.0/servicePrincipals(appId='")
        .and_then(|rest| rest.strip_suffix("')"));
    let (Some(app_id), &Method::GET) = (app_id, request.method()) else {
        return refuse(
            StatusCode::BAD_REQUEST,
            "BadRequest",
            "Resource not found for the segment.",
        );
    };
    let azure = world.azure();
    if azure.behaviour.graph_forbidden {
        return refuse(
            StatusCode::FORBIDDEN,
            "Authorization_RequestDenied",
            "Insufficient privileges to complete the operation.",
        );
    }
    let Some(principal) = azure.directory.by_app_id(app_id) else {
        let message = format!(
            "Resource '{app_id}' does not exist or one of its queried reference-property objects are not present."
        );
        return refuse(StatusCode::NOT_FOUND, "Request_ResourceNotFound", &message);
    };
    let whole = json!({
        "id": principal.object_id, "appId": principal.app_id, "displayName": principal.display_name, "accountEnabled": true,
    });
    json_response(
        StatusCode::OK,
        &selected(whole, request.uri().query().unwrap_or_default()),
    )
}

/// Leaves out what `$select` does not name.
fn selected(mut whole: Value, query: &str) -> Value {
    let select = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "$select");
    if let (Some((_, select)), Some(members)) = (select, whole.as_object_mut()) {
        members.retain(|name, _| select.split(',').any(|wanted| wanted.trim() == name));
    }
    whole["@odata.context"] =
        json!("https://graph.microsoft.com/v1.0/$metadata#servicePrincipals/$entity");
    whole
}

fn refuse(status: StatusCode, code: &str, message: &str) -> Response {
    json_response(
        status,
        &json!({ "error": { "code": code, "message": message, "innerError": {} } }),
    )
}

fn json_response(status: StatusCode, body: &Value) -> Response {
    (
        status,
        [(
            header::CONTENT_TYPE,
            "application/json;odata.metadata=minimal",
        )],
        body.to_string(),
    )
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::PLATFORM_APPS;
    use crate::{Config, Estate, Simulator};

    async fn ask(sim: &Simulator, audience: &str, app_id: &str) -> (u16, Value) {
        let (token, _) = sim.world.tokens.issue(audience, "client");
        let client = crate::loopback::client().unwrap();
        let url = format!(
            "{}v1.0/servicePrincipals(appId='{app_id}')?$select=id,appId",
            sim.graph_endpoint
        );
        let response = client.get(url).bearer_auth(token).send().await.unwrap();
        let status = response.status().as_u16();
        (
            status,
            serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default(),
        )
    }

    #[tokio::test]
    async fn an_app_has_the_object_id_of_the_directory() {
        let sim = Simulator::start(Config::default(), Estate::new().platform_apps())
            .await
            .unwrap();
        let (status, body) = ask(&sim, AUDIENCE, PLATFORM_APPS[1].0).await;
        assert_eq!(
            (status, body["id"].as_str()),
            (
                200,
                sim.world
                    .azure()
                    .platform_principals()
                    .get(1)
                    .map(String::as_str)
            )
        );
        assert!(body.get("displayName").is_none());
        let (status, body) = ask(&sim, AUDIENCE, "00000000-0000-0000-0000-000000000000").await;
        assert_eq!(
            (status, body["error"]["code"].as_str()),
            (404, Some("Request_ResourceNotFound"))
        );
        assert_eq!(
            ask(&sim, "https://management.azure.com", PLATFORM_APPS[0].0)
                .await
                .0,
            401
        );
        sim.world.azure().behaviour.graph_forbidden = true;
        assert_eq!(ask(&sim, AUDIENCE, PLATFORM_APPS[0].0).await.0, 403);
    }
}
