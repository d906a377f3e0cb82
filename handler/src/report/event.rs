//! The envelope of a result: CloudEvents 1.0 in structured mode, and its published schema.
//!
//! It must not hold anything of the result itself.

use schemars::JsonSchema;
use serde::Serialize;
use vaultbind_core::result::BindingResult;

/// A result in CloudEvents 1.0 structured mode.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(
    title = "Vaultbind result",
    description = "A message on the results queue: a CloudEvent 1.0 in structured mode."
)]
pub struct ResultEvent {
    /// Always `1.0`.
    pub(super) specversion: String,
    /// The same for a repeated delivery that tells the same.
    pub(super) id: String,
    /// The name of the function app.
    pub(super) source: String,
    /// `vaultbind.binding.<outcome>`.
    pub(super) r#type: String,
    /// The resource id of the cluster.
    pub(super) subject: String,
    /// When the reconcile ended, RFC 3339.
    pub(super) time: String,
    /// Always `application/json`.
    pub(super) datacontenttype: String,
    /// The schema of `data`, within the published one of the messages; another version of it has another name.
    pub(super) dataschema: String,
    /// The W3C trace of the event that led here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) traceparent: Option<String>,
    /// The result.
    pub(super) data: BindingResult,
}

/// The name of the schema of a message, in its version 1: members are added to it, never renamed or taken away.
const SCHEMA: &str = "urn:vaultbind:result:1";

/// The name of the schema of `data`.
pub(super) fn data_schema() -> String {
    format!("{SCHEMA}#/$defs/BindingResult")
}

/// The published JSON Schema of the messages on the results queue, as text.
pub fn schema() -> String {
    let mut schema = schemars::schema_for!(ResultEvent);
    schema.insert("$id".to_owned(), SCHEMA.into());
    let mut text = format!("{:#}", schema.to_value());
    text.push('\n');
    text
}
