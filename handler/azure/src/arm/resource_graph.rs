//! Azure Resource Graph: finding vaults and clusters; whatever is found is read live before it counts.
//!
//! Only values that came out of an id's parser go into a query, and each through `quoted`.

use std::collections::BTreeSet;

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use vaultbind_core::{
    id::{SubscriptionId, VaultId},
    resource::{Cluster, Vault},
};

use super::{Arm, MAX_PAGES, Service, readable, wire};
use crate::{error::Error, http::Call};

const LARGEST_PAGE: u32 = 1000;
/// How many subscriptions one query may name.
const MOST_SUBSCRIPTIONS: usize = 300;

/// What is needed of a vault, and no more: a page has its bounds.
const VAULT_COLUMNS: &str = "id, location, tags, tenantId=tostring(properties.tenantId), \
    vaultUri=tostring(properties.vaultUri), enableRbacAuthorization=properties.enableRbacAuthorization, \
    enablePurgeProtection=properties.enablePurgeProtection, \
    provisioningState=tostring(properties.provisioningState)";
/// What is needed of a cluster: where it belongs and what it is bound to.
const CLUSTER_COLUMNS: &str = "id, location, tags, secretArchive=properties.secretArchive, \
    secretArchiveSettings=properties.secretArchiveSettings";

fn query(resource_type: &str, condition: &str, columns: &str) -> String {
    format!(
        "resources | where type =~ '{resource_type}'{condition} | project {columns} | order by id asc"
    )
}

fn clusters() -> String {
    query("microsoft.networkcloud/clusters", "", CLUSTER_COLUMNS)
}

/// One of each query that is sent: for whoever checks them with Kusto's own parser.
pub fn queries() -> [String; 3] {
    let by_name = vaults_where(" | where name =~ 'kv-1'");
    [clusters(), vaults_where(""), by_name]
}

fn vaults_where(condition: &str) -> String {
    query("microsoft.keyvault/vaults", condition, VAULT_COLUMNS)
}

/// A page of clusters.
#[derive(Debug, Clone)]
pub struct ClusterPage {
    /// The clusters, as Resource Graph shows them.
    pub clusters: Vec<Cluster>,
    /// Where the next page begins; none where this is the last.
    pub skip_token: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Rows {
    #[serde(deserialize_with = "super::listed")]
    pub(super) data: Vec<Value>,
    #[serde(rename = "$skipToken", default)]
    skip_token: Option<String>,
    #[serde(default)]
    count: Option<u64>,
    #[serde(rename = "totalRecords", default)]
    total: Option<u64>,
    #[serde(rename = "resultTruncated", default)]
    truncated: Option<Value>,
}

impl Rows {
    /// Is it less than it says that there is? What is left out would count as not there. Of a page that is not the first,
    /// the total says nothing.
    fn is_cut(&self, is_first: bool) -> bool {
        let is_truncated = match &self.truncated {
            Some(Value::String(word)) => word.eq_ignore_ascii_case("true"),
            Some(other) => *other == Value::Bool(true),
            None => false,
        };
        let has_more = self
            .skip_token
            .as_deref()
            .is_some_and(|token| !token.is_empty());
        let there = self.data.len() as u64;
        let lacks = |count: u64| there < count;
        let is_short = is_first && !has_more && self.total.is_some_and(lacks);
        (is_truncated && !has_more) || is_short || self.count.is_some_and(lacks)
    }
}

impl Arm {
    /// Finds the vaults of these subscriptions.
    ///
    /// # Errors
    /// Where a call fails.
    pub async fn vaults_in(&self, subscriptions: &[SubscriptionId]) -> Result<Vec<Vault>, Error> {
        let mut vaults = Vec::new();
        for some in subscriptions.chunks(MOST_SUBSCRIPTIONS) {
            let rows = self
                .query_all("find the vaults of", Some(some), &vaults_where(""))
                .await?;
            vaults.extend(
                rows.iter()
                    .filter_map(|row| readable(row, wire::vault(&nested(row)))),
            );
        }
        Ok(vaults)
    }

    /// Finds the vault with this address (host, lower case) in these subscriptions, or in all that can be read.
    ///
    /// # Errors
    /// Where the call fails.
    pub async fn vault_by_host(
        &self,
        subscriptions: Option<&BTreeSet<SubscriptionId>>,
        host: &str,
    ) -> Result<Option<VaultId>, Error> {
        let name = host.split('.').next().unwrap_or_default();
        let Some(name) = quoted(name) else {
            return Ok(None);
        };
        let query = vaults_where(&format!(" | where name =~ {name}"));
        let subscriptions: Option<Vec<SubscriptionId>> =
            subscriptions.map(|ids| ids.iter().cloned().collect());
        let rows = self
            .query_all(
                "find a vault by its address in",
                subscriptions.as_deref(),
                &query,
            )
            .await?;
        let vaults = rows
            .iter()
            .filter_map(|row| readable(row, wire::vault(&nested(row))));
        let mut at_host = vaults.filter(|vault| {
            vaultbind_core::resource::vault_host(&vault.uri).as_deref() == Some(host)
        });
        Ok(at_host.next().map(|vault| vault.id))
    }

    /// Finds a page of clusters in these subscriptions, or in all that can be read.
    ///
    /// # Errors
    /// Where the call fails; a token of another query is refused by the service.
    pub async fn clusters_page(
        &self,
        subscriptions: Option<&[SubscriptionId]>,
        size: u32,
        skip_token: Option<&str>,
    ) -> Result<ClusterPage, Error> {
        let rows = self
            .query(
                "find the clusters of",
                subscriptions,
                &clusters(),
                size,
                skip_token,
            )
            .await?;
        let clusters = rows
            .data
            .iter()
            .filter_map(|row| readable(row, wire::cluster(&nested(row))))
            .collect();
        Ok(ClusterPage {
            clusters,
            skip_token: rows.skip_token.filter(|token| !token.is_empty()),
        })
    }

    /// Finds some vault in these subscriptions, or in all that can be read.
    ///
    /// # Errors
    /// Where the call fails.
    pub async fn any_vault(
        &self,
        subscriptions: Option<&BTreeSet<SubscriptionId>>,
    ) -> Result<Option<VaultId>, Error> {
        let subscriptions: Option<Vec<SubscriptionId>> =
            subscriptions.map(|ids| ids.iter().cloned().collect());
        let (operation, query) = ("find some vault in", vaults_where(""));
        let rows = self
            .query(operation, subscriptions.as_deref(), &query, 1, None)
            .await?;
        let vaults = rows.data.iter();
        let mut vaults = vaults.filter_map(|row| readable(row, wire::vault(&nested(row))));
        Ok(vaults.next().map(|vault| vault.id))
    }

    async fn query_all(
        &self,
        operation: &'static str,
        subscriptions: Option<&[SubscriptionId]>,
        query: &str,
    ) -> Result<Vec<Value>, Error> {
        let mut rows = Vec::new();
        let mut token = None;
        for _ in 0..MAX_PAGES {
            let page = self
                .query(
                    operation,
                    subscriptions,
                    query,
                    LARGEST_PAGE,
                    token.as_deref(),
                )
                .await?;
            rows.extend(page.data);
            token = page.skip_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(rows);
            }
        }
        Err(Error::malformed(
            operation,
            SUBSCRIPTIONS,
            "the list does not end",
        ))
    }

    async fn query(
        &self,
        operation: &'static str,
        subscriptions: Option<&[SubscriptionId]>,
        query: &str,
        size: u32,
        skip_token: Option<&str>,
    ) -> Result<Rows, Error> {
        let mut body =
            json!({ "query": query, "options": { "resultFormat": "objectArray", "$top": size } });
        if let Some(some) = subscriptions {
            body["subscriptions"] = some.iter().map(SubscriptionId::as_str).collect();
        }
        if let Some(token) = skip_token {
            body["options"]["$skipToken"] = token.into();
        }
        let ask = async |version: &'static str| {
            let url = self.url("/providers/Microsoft.ResourceGraph/resources", version, &[]);
            let call = Call::new(operation, SUBSCRIPTIONS, Method::POST, url).json(&body);
            self.channel.send(&call).await?.json::<Rows>(&call)
        };
        let rows = self.served(Service::ResourceGraph, ask).await?;
        if rows.is_cut(skip_token.is_none()) {
            let why = "the answer has fewer rows than it says that there are";
            return Err(Error::malformed(operation, SUBSCRIPTIONS, why));
        }
        Ok(rows)
    }
}

const SUBSCRIPTIONS: &str = "the subscriptions in scope";

/// A row in the form of ARM: every other column is a property.
pub(super) fn nested(row: &Value) -> Value {
    const OF_THE_RESOURCE: [&str; 3] = ["id", "location", "tags"];
    let mut resource = json!({ "properties": {} });
    for (name, value) in row.as_object().into_iter().flatten() {
        let place = if OF_THE_RESOURCE.contains(&name.as_str()) {
            &mut resource[name]
        } else {
            &mut resource["properties"][name]
        };
        place.clone_from(value);
    }
    resource
}

/// A literal of the query language; none where the text is not as plain as a name of a vault is.
fn quoted(name: &str) -> Option<String> {
    let is_plain = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_plain.then(|| format!("'{name}'"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn nothing_but_a_plain_name_goes_into_a_query() {
        assert_eq!(quoted("kv-1").as_deref(), Some("'kv-1'"));
        for bad in ["", "a'b", "a b", "a|b", "a\\", "a\n", "é"] {
            assert_eq!(quoted(bad), None, "{bad}");
        }
    }
}
