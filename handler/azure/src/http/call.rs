//! One call and its answer.
//!
//! It must not know tokens or connections.

use std::time::Duration;

use bytes::Bytes;
use reqwest::{
    Method,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue, IF_MATCH},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::retry_after;
use crate::error::Error;

/// One call.
#[derive(Debug, Clone)]
pub(crate) struct Call<'a> {
    /// A verb and its object, as in "cannot {read the cluster} {resource}".
    pub(crate) operation: &'static str,
    pub(crate) resource: &'a str,
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(
        operation: &'static str,
        resource: &'a str,
        method: Method,
        url: Url,
    ) -> Self {
        Self {
            operation,
            resource,
            method,
            url,
            headers: HeaderMap::new(),
            body: None,
        }
    }

    pub(crate) fn json(mut self, body: &Value) -> Self {
        self.headers
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.body = Some(body.to_string().into());
        self
    }

    /// Asks for the resource to be as it was read; an entity tag that is no header value is left out.
    pub(crate) fn if_match(mut self, etag: Option<&str>) -> Self {
        if let Some(etag) = etag.and_then(|tag| HeaderValue::from_str(tag).ok()) {
            self.headers.insert(IF_MATCH, etag);
        }
        self
    }
}

/// The most values of an answer: a full page of Resource Graph has a tenth of them.
const MOST_VALUES: usize = 500_000;

/// Each value takes many times its length in memory. What nests is bounded by its depth, what does not has a comma.
fn has_few_values(body: &[u8]) -> bool {
    body.iter().filter(|byte| **byte == b',').count() < MOST_VALUES
}

/// An answer with a 2xx status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    pub(crate) fn json<T: DeserializeOwned>(&self, call: &Call<'_>) -> Result<T, Error> {
        if !has_few_values(&self.body) {
            let message = "it has more values than any answer has";
            return Err(Error::malformed(call.operation, call.resource, message));
        }
        serde_json::from_slice(&self.body).map_err(|error| {
            Error::malformed(
                call.operation,
                call.resource,
                "it is not the JSON that was expected",
            )
            .with_source(error)
        })
    }

    /// Has it no body?
    pub(crate) fn is_empty(&self) -> bool {
        self.body.is_empty()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn retry_after(&self) -> Option<Duration> {
        retry_after(&self.headers)
    }
}
