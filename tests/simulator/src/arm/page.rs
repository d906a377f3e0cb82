//! Lists, page by page.
//! It chooses no rows.

use serde_json::{Value, json};

use super::call::{Answer, Call, Refused, Reply};
use crate::state::Azure;

impl Call<'_> {
    /// One page of a list; the link to the next is the whole address again with a token.
    pub(super) fn page(&self, azure: &Azure, rows: Vec<Value>) -> Answer {
        let from = match self.query("$skiptoken") {
            None => 0,
            Some(token) => {
                let place = token
                    .strip_prefix("sim-")
                    .and_then(|place| place.parse::<usize>().ok());
                place.ok_or_else(|| {
                    Refused::new(400, "InvalidSkipToken", "The skip token is invalid.")
                })?
            }
        };
        let top = self
            .query("$top")
            .and_then(|top| top.parse::<usize>().ok())
            .unwrap_or(usize::MAX);
        let size = azure.behaviour.page_size.min(top).max(1);
        let more = rows.len() > from.saturating_add(size);
        let value: Vec<Value> = rows.into_iter().skip(from).take(size).collect();
        let mut body = json!({ "value": value });
        if more {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            for (name, value) in self.query.iter().filter(|(name, _)| *name != "$skiptoken") {
                query.append_pair(name, value);
            }
            query.append_pair("$skiptoken", &format!("sim-{}", from + size));
            body["nextLink"] = json!(format!("{}{}?{}", self.base(), self.path, query.finish()));
        }
        Ok(Reply::ok(body))
    }
}
