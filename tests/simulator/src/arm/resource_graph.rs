//! Resource Graph: a question over many subscriptions at once, answered page by page.
//! It understands a small part of its language properly and refuses the rest.

mod evaluate;
mod parse;
mod token;

use std::sync::Arc;

use axum::http::Method;
use serde_json::{Map, Value, json};

use super::call::{Answer, Call, Refused, Reply};
use crate::state::{Azure, index::Page};
use evaluate::evaluate;
use parse::{Query, parse};

const API_VERSIONS: [&str; 6] = [
    "2018-09-01-preview",
    "2019-04-01",
    "2020-04-01-preview",
    "2021-03-01",
    "2022-10-01",
    "2024-04-01",
];
const LARGEST_PAGE: u64 = 1000;

fn bad_request(message: &str) -> Refused {
    Refused::new(400, "BadRequest", message)
}

pub(super) fn answer(azure: &mut Azure, call: &Call<'_>) -> Answer {
    call.expect_method(&Method::POST)?;
    call.api_version("Microsoft.ResourceGraph/resources", &API_VERSIONS)?;
    call.authorize(azure, "Microsoft.ResourceGraph/resources/read", "/")?;
    let body = call.json_body()?;
    let text = body
        .get("query")
        .and_then(Value::as_str)
        .ok_or_else(|| bad_request("The query is missing."))?;
    let query = parse(text).map_err(|why| bad_request(&format!("The query is invalid: {why}")))?;
    let subscriptions = subscriptions(&body)?;
    any_seen(azure, subscriptions.as_deref())?;
    let options = Options::parse(body.get("options").unwrap_or(&Value::Null))?;
    let question = format!("{text}\n{subscriptions:?}");
    let kept = options.skip_token.as_ref();
    let kept = kept.and_then(|token| azure.resource_graph.pages.get(token));
    let rows = match kept {
        Some(page) => Arc::clone(&page.rows),
        None => Arc::new(evaluate(&query, visible(azure, subscriptions.as_deref()))),
    };
    page(azure, &query, &question, &options, &rows)
}

fn subscriptions(body: &Map<String, Value>) -> Result<Option<Vec<String>>, Refused> {
    let Some(asked) = body.get("subscriptions").filter(|asked| !asked.is_null()) else {
        return Ok(None);
    };
    let wrong = || bad_request("The subscriptions must be a list of strings.");
    let ids = asked.as_array().ok_or_else(wrong)?.iter();
    ids.map(|id| id.as_str().map(str::to_ascii_lowercase).ok_or_else(wrong))
        .collect::<Result<_, _>>()
        .map(Some)
}

/// Where none of the subscriptions can be seen there is no answer.
fn any_seen(azure: &Azure, subscriptions: Option<&[String]>) -> Result<(), Refused> {
    let is_seen = |id: &String| azure.subscriptions.get(id).is_some_and(|it| it.is_visible);
    match subscriptions {
        Some(asked) if !asked.iter().any(is_seen) => Err(Refused::new(
            400,
            "BadRequest>NoValidSubscriptionsInQueryRequest",
            "There must be at least one subscription that is eligible to contain resources.",
        )),
        _ => Ok(()),
    }
}

/// The rows of these subscriptions that the caller may read; no word about the others.
fn visible(azure: &Azure, subscriptions: Option<&[String]>) -> Vec<Value> {
    let text = |row: &Value, member: &str| row[member].as_str().unwrap_or_default().to_owned();
    let mut rows = azure.rows();
    rows.retain(|row| {
        let subscription = text(row, "subscriptionId").to_ascii_lowercase();
        let asked = subscriptions.is_none_or(|asked| asked.contains(&subscription));
        let known = azure.subscriptions.get(&subscription);
        let is_seen = known.is_none_or(|known| known.is_visible);
        asked
            && is_seen
            && !azure.is_denied(&format!("{}/read", text(row, "type")), &text(row, "id"))
    });
    rows
}

#[derive(Clone, Debug)]
struct Options {
    top: u64,
    skip_token: Option<String>,
}

impl Options {
    fn parse(options: &Value) -> Result<Self, Refused> {
        let format = &options["resultFormat"];
        if !format.is_null() && format != "objectArray" {
            return Err(bad_request(
                "Only the result format 'objectArray' is served.",
            ));
        }
        let top = match &options["$top"] {
            Value::Null => LARGEST_PAGE,
            top => top
                .as_u64()
                .filter(|top| (1..=LARGEST_PAGE).contains(top))
                .ok_or_else(|| bad_request("$top must be between 1 and 1000."))?,
        };
        let skip_token = match &options["$skipToken"] {
            Value::Null => None,
            Value::String(token) => Some(token.clone()),
            _ => return Err(bad_request("$skipToken must be a string.")),
        };
        Ok(Self { top, skip_token })
    }
}

fn page(
    azure: &mut Azure,
    query: &Query,
    question: &str,
    options: &Options,
    rows: &Arc<Vec<Value>>,
) -> Answer {
    let from = match &options.skip_token {
        None => 0,
        Some(token) => match azure.resource_graph.pages.get(token) {
            Some(page) if page.question == question => page.next,
            _ => {
                return Err(bad_request(
                    "The skip token is invalid, or it belongs to another query.",
                ));
            }
        },
    };
    let size = usize::try_from(options.top)
        .unwrap_or(usize::MAX)
        .min(azure.behaviour.page_size)
        .max(1);
    let cut = azure.behaviour.cut_queries;
    let whole = if cut {
        rows.len().saturating_sub(1)
    } else {
        rows.len()
    };
    let size = size.min(whole);
    let data: Vec<&Value> = rows.iter().skip(from).take(size).collect();
    let next = from + data.len();
    let truncated = next < rows.len();
    let mut body = json!({
        "totalRecords": rows.len(), "count": data.len(), "data": data, "facets": [],
        "resultTruncated": if truncated { "true" } else { "false" },
    });
    // Without an id in the rows, and an order by it, there is no telling where the next page begins.
    if truncated && !cut && query.can_be_paged() {
        let token = azure.next_id("skip-token");
        body["$skipToken"] = json!(token);
        azure.resource_graph.pages.insert(
            token,
            Page {
                question: question.to_owned(),
                next,
                rows: Arc::clone(rows),
            },
        );
    }
    let mut reply = Reply::ok(body);
    reply.headers = vec![
        (
            "x-ms-user-quota-remaining",
            azure.behaviour.remaining_queries.to_string(),
        ),
        ("x-ms-user-quota-resets-after", "00:00:05".to_owned()),
        ("x-ms-tenant-subscription-limit-hit", "false".to_owned()),
    ];
    Ok(reply)
}
