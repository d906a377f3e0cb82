//! Hostile answers of ARM: whatever is read out of them is bounded, printable where it is told, and of the asked kind.
//!
//! It must not make calls: how an answer arrives is tested with `http`.

use serde_json::{Value, from_slice};
use vaultbind_core::id::ClusterId;
use vaultbind_fuzz::fuzz;

use super::{OperationStatus, OperationUrl, authorization, resource_graph, wire};
use crate::{
    error::{Answered, Error, ErrorDetail},
    http::Endpoint,
};

#[track_caller]
fn is_fit_to_be_told(text: &str) {
    assert!(
        text.chars().count() <= 500 && !text.chars().any(char::is_control),
        "{text:?}"
    );
}

#[test]
fn a_cluster_has_sound_ids_and_tags_of_text_alone() {
    fuzz("arm-cluster", |input| {
        let read = from_slice::<Value>(input).ok();
        let Some(cluster) = read.as_ref().and_then(wire::cluster) else {
            return false;
        };
        let id: ClusterId = cluster.id.to_string().parse().unwrap();
        assert_eq!(id, cluster.id);
        let tags = read
            .as_ref()
            .unwrap()
            .get("tags")
            .and_then(Value::as_object);
        let of_text = tags.map_or(0, |tags| {
            tags.values().filter(|value| value.is_string()).count()
        });
        assert!(cluster.tags.iter().count() <= of_text);
        let on = cluster.archive.is_some_and(|archive| archive.enabled);
        assert!(
            !on || String::from_utf8_lossy(input)
                .to_ascii_lowercase()
                .contains("true")
        );
        true
    });
}

#[test]
fn a_vault_is_on_rbac_only_where_its_flag_says_so() {
    fuzz("arm-vault", |input| {
        let read = from_slice::<Value>(input).ok();
        let Some(vault) = read.as_ref().and_then(wire::vault) else {
            return false;
        };
        assert_eq!(vault.id.to_string().parse(), Ok(vault.id));
        let flag = read
            .as_ref()
            .unwrap()
            .pointer("/properties/enableRbacAuthorization");
        let says_so = flag.is_some_and(|value| {
            *value == Value::Bool(true)
                || value.as_i64() == Some(1)
                || value
                    .as_str()
                    .is_some_and(|text| text.eq_ignore_ascii_case("true"))
        });
        assert_eq!(vault.rbac, says_so);
        true
    });
}

#[test]
fn a_role_assignment_with_a_condition_is_conditional() {
    fuzz("arm-role", |input| {
        let read = from_slice::<Value>(input).ok();
        let Some(role) = read.as_ref().and_then(authorization::row) else {
            return false;
        };
        let condition = read.as_ref().unwrap().pointer("/properties/condition");
        let has_condition = condition
            .and_then(Value::as_str)
            .is_some_and(|text| !text.trim().is_empty());
        assert_eq!(role.conditional, has_condition);
        assert!(!role.role.contains('/') && role.role == role.role.to_ascii_lowercase());
        true
    });
}

#[test]
fn rows_of_resource_graph_cost_no_more_than_themselves() {
    fuzz("arm-rows", |input| {
        let Ok(rows) = from_slice::<resource_graph::Rows>(input) else {
            return false;
        };
        for row in &rows.data {
            let nested = resource_graph::nested(row);
            let (vault, cluster) = (wire::vault(&nested), wire::cluster(&nested));
            assert!(vault.is_none() || cluster.is_none(), "{row} is both");
        }
        true
    });
}

#[test]
fn an_operation_ends_by_its_own_word_alone_and_tells_one_line() {
    fuzz("arm-operation", |input| {
        let Ok(value) = from_slice::<Value>(input) else {
            return false;
        };
        let status = OperationStatus::read(200, Some(&value));
        let word = value
            .get("status")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let is = |expected: &str| word.eq_ignore_ascii_case(expected);
        match &status {
            OperationStatus::Succeeded => assert!(is("Succeeded")),
            OperationStatus::Canceled => assert!(is("Canceled") || is("Cancelled")),
            OperationStatus::Failed(said) => {
                assert!(is("Failed"));
                let texts = said.codes.iter().chain(&said.message);
                texts.for_each(|text| is_fit_to_be_told(text));
            }
            OperationStatus::Running | OperationStatus::Unread | OperationStatus::Over => {
                assert!(!is("Succeeded") && !is("Failed") && !is("Canceled"))
            }
        }
        true
    });
}

#[test]
fn an_error_tells_one_line_whatever_its_body_is() {
    fuzz("arm-error", |input| {
        let said = ErrorDetail::read(input);
        let texts = said.codes.iter().chain(&said.message);
        texts.for_each(|text| is_fit_to_be_told(text));
        let has_any = said != ErrorDetail::default();
        let answered = Answered {
            status: 400,
            said,
            ..Answered::default()
        };
        let error = Error::of_answer("read", "x", answered).to_string();
        assert!(
            error.len() < 6000 && !error.chars().any(char::is_control),
            "{error:?}"
        );
        has_any
    });
}

#[test]
fn an_operation_is_never_followed_to_another_host_subscription_or_provider() {
    const SUBSCRIPTION: &str = "11111111-1111-1111-1111-111111111111";
    let endpoint = Endpoint::parse("https://management.azure.com").unwrap();
    let cluster = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.NetworkCloud/clusters/c1"
    );
    let cluster: ClusterId = cluster.parse().unwrap();
    let below =
        format!("/subscriptions/{SUBSCRIPTION}/providers/microsoft.networkcloud/locations/");
    fuzz("operation-url", |input| {
        let text = String::from_utf8_lossy(input);
        let Some(url) = OperationUrl::accept(&text, &endpoint, &cluster) else {
            return false;
        };
        let url = url::Url::parse(&url.to_string()).unwrap();
        assert!(endpoint.is_origin_of(&url), "{url} is elsewhere");
        let path = url.path().to_ascii_lowercase();
        assert!(
            path.starts_with(&below) && path.split('/').count() == 9,
            "{url}"
        );
        assert!(
            !path.contains(['%', '\\']) && !path.split('/').any(|segment| segment == ".."),
            "{url}"
        );
        assert_eq!(url.fragment(), None);
        true
    });
}
