//! ARM's request limits before every call: what is over them is refused, and nothing of it is processed.
//! How much there is of what is kept with the state.

use axum::http::Method;
use serde_json::json;

use super::call::{Call, Reply};
use crate::state::{Azure, quota::Spending};

/// Takes a call out of its quota; comes back with the refusal where nothing is left.
pub(super) fn spend(azure: &mut Azure, call: &Call<'_>) -> Option<Reply> {
    if !azure.quotas.enforced {
        return None;
    }
    let (now, caller) = (azure.clock.now(), &call.caller.principal_id);
    let is_query = call.lower.iter().any(|it| it == "microsoft.resourcegraph");
    let left = if is_query {
        let left = azure.quotas.query(caller, now);
        left.map(|left| azure.behaviour.remaining_queries = left)
    } else {
        let (what, shown) = match *call.method {
            Method::GET => (Spending::Reads, &mut azure.behaviour.remaining_reads),
            Method::DELETE => (Spending::Deletes, &mut azure.behaviour.remaining_writes),
            _ => (Spending::Writes, &mut azure.behaviour.remaining_writes),
        };
        let left = azure.quotas.spend(call.subscription(), caller, what, now);
        *shown = *left.as_ref().unwrap_or(&0);
        left.map(drop)
    };
    let wait = left.err()?;
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let message = format!("The request was throttled. Try again after {seconds} seconds.");
    let error = json!({ "error": { "code": "TooManyRequests", "message": message } });
    let mut refusal = Reply::new(429, error);
    refusal.headers = vec![("retry-after", seconds.max(1).to_string())];
    Some(refusal)
}
