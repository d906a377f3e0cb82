//! Long-running changes of clusters: how they go on, how they end, and what the platform checks.
//! Whether a change may begin at all is decided by ARM.

use std::time::Duration;

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::behaviour::{Ending, PatchMode};
use super::{Azure, Change, key, timestamp};
use crate::error_body::error;

/// What a change touched, and so what the platform checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Touched {
    pub(crate) archive: bool,
    pub(crate) settings: bool,
}

/// A change of a cluster that was accepted.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) cluster_id: String,
    pub(crate) subscription: String,
    pub(crate) status: String,
    pub(crate) started: OffsetDateTime,
    pub(crate) ended: Option<OffsetDateTime>,
    pub(crate) error: Option<(String, String)>,
    looks_left: u32,
    /// How long it takes, where it goes by time.
    takes: Option<Duration>,
    /// How it ends, whatever is said of the cluster's changes in general.
    ending: Option<Ending>,
    touched: Touched,
    cause: Change,
}

impl Operation {
    /// The answer of the operation's URL.
    pub(crate) fn body(&self, url_path: &str) -> Value {
        let percent = if self.ended.is_some() { 100 } else { 30 };
        let mut body = json!({
            "id": url_path, "name": self.id, "resourceId": self.cluster_id, "status": self.status,
            "percentComplete": percent, "startTime": timestamp(self.started), "properties": {},
        });
        if let Some(ended) = self.ended {
            body["endTime"] = json!(timestamp(ended));
        }
        if let Some((code, message)) = &self.error {
            body["error"] = error(code, message);
            body["error"]["target"] = json!(self.cluster_id);
        }
        body
    }
}

impl Azure {
    /// How the next PATCH of this cluster ends, instead of how PATCHes end in general.
    pub fn set_patch(&mut self, cluster_id: &str, mode: PatchMode, ending: Ending) {
        self.patch_modes.insert(key(cluster_id), (mode, ending));
    }

    /// Back to how PATCHes end in general.
    pub fn reset_patch(&mut self, cluster_id: &str) {
        self.patch_modes.remove(&key(cluster_id));
    }

    fn patch_mode(&self, cluster_id: &str) -> (PatchMode, Ending) {
        let own = self.patch_modes.get(&key(cluster_id)).cloned();
        own.unwrap_or_else(|| (self.behaviour.patch, self.behaviour.ending.clone()))
    }

    /// Lets the service forget all operations, so that their URLs answer 404; those under way end all the same.
    pub fn forget_operations(&mut self) {
        for operation in self.operations.values_mut() {
            operation.subscription.clear();
        }
    }

    /// Begins a change whose new values are on the cluster already; `None` where it is finished at once.
    pub(crate) fn begin(&mut self, cause: Change, touched: Touched) -> Option<Operation> {
        let id = self.next_id("operation");
        let (mode, ending) = self.patch_mode(&cause.subject);
        let mut operation = Operation {
            id: id.clone(),
            cluster_id: cause.subject.clone(),
            subscription: key(cause.subject.split('/').nth(2).unwrap_or_default()),
            status: "Accepted".to_owned(),
            started: self.clock.now(),
            ended: None,
            error: None,
            looks_left: 1,
            takes: None,
            ending: self.take_ending(&cause.subject),
            touched,
            cause,
        };
        self.raise(&operation.cause);
        if mode == PatchMode::Immediate && ending == Ending::Checked {
            let failure = self.failure(&operation.cluster_id, touched);
            self.end(&mut operation, failure);
            // A change that is refused at once has an operation to say so.
            operation.error.as_ref()?;
        } else if let PatchMode::Polls(looks) = mode {
            operation.looks_left = looks.max(1);
        } else if let PatchMode::Takes(time) = mode {
            operation.takes = Some(time);
        }
        if operation.ended.is_none() {
            self.set_cluster_state(&operation.cluster_id, "Accepted");
        }
        self.operations.insert(id, operation.clone());
        Some(operation)
    }

    /// A look at an operation by its id, which moves it on.
    pub(crate) fn look_at_operation(&mut self, subscription: &str, id: &str) -> Option<Operation> {
        let known = self
            .operations
            .get(&key(id))
            .filter(|op| op.subscription == key(subscription));
        let cluster = known?.cluster_id.clone();
        self.look_at_cluster(&cluster);
        self.operations.get(&key(id)).cloned()
    }

    /// A look at a cluster, which moves its operation on; a lost operation ends too.
    pub(crate) fn look_at_cluster(&mut self, cluster_id: &str) {
        let running =
            |op: &&Operation| op.ended.is_none() && key(&op.cluster_id) == key(cluster_id);
        let Some(mut operation) = self.operations.values().find(running).cloned() else {
            return;
        };
        self.step(&mut operation);
        self.operations.insert(operation.id.clone(), operation);
    }

    fn step(&mut self, operation: &mut Operation) {
        let general = || self.patch_mode(&operation.cluster_id).1;
        let ending = operation.ending.clone().unwrap_or_else(general);
        operation.looks_left = operation.looks_left.saturating_sub(1);
        let lasted = self.clock.now() - operation.started;
        let goes_on = match operation.takes {
            Some(takes) => lasted < takes,
            None => operation.looks_left > 0,
        };
        if goes_on || ending == Ending::Never {
            "Updating".clone_into(&mut operation.status);
            self.set_cluster_state(&operation.cluster_id, "Updating");
            return;
        }
        let failure = match ending {
            Ending::Failed(code) => {
                let cause = code.rsplit('>').next().unwrap_or_default();
                let message = format!("The update failed: {cause}.");
                Some((code, message))
            }
            Ending::Canceled => Some((
                "OperationCanceled".to_owned(),
                "The operation was canceled.".to_owned(),
            )),
            Ending::Checked | Ending::Never => {
                self.failure(&operation.cluster_id, operation.touched)
            }
        };
        self.end(operation, failure);
        self.raise(&operation.cause);
    }

    fn end(&mut self, operation: &mut Operation, failure: Option<(String, String)>) {
        let state = match &failure {
            None => "Succeeded",
            Some((code, _)) if code == "OperationCanceled" => "Canceled",
            Some(_) => "Failed",
        };
        state.clone_into(&mut operation.status);
        operation.ended = Some(self.clock.now());
        operation.error = failure;
        self.set_cluster_state(&operation.cluster_id, state);
    }

    fn set_cluster_state(&mut self, cluster_id: &str, state: &str) {
        if let Some(cluster) = self.resource_mut(cluster_id) {
            cluster["properties"]["provisioningState"] = json!(state);
        }
        self.touch(cluster_id);
    }
}

/// The object ids of all identities of a resource.
pub(crate) fn identity_principals(body: &Value) -> Vec<String> {
    let system = body["identity"]["principalId"].as_str();
    let user = body["identity"]["userAssignedIdentities"].as_object();
    let user = user
        .into_iter()
        .flat_map(|map| map.values())
        .filter_map(|identity| identity["principalId"].as_str());
    system.into_iter().chain(user).map(str::to_owned).collect()
}

/// The object id of the identity that a cluster's settings name, where the cluster has it.
pub(crate) fn associated_principal(cluster: &Value, selector: &Value) -> Option<String> {
    let identity = &cluster["identity"];
    if selector["identityType"] == "SystemAssignedIdentity" {
        return identity["principalId"].as_str().map(str::to_owned);
    }
    let wanted = key(selector["userAssignedIdentityResourceId"].as_str()?);
    let assigned = identity["userAssignedIdentities"].as_object()?;
    let found = assigned.iter().find(|(id, _)| key(id) == wanted);
    found
        .and_then(|(_, identity)| identity["principalId"].as_str())
        .map(str::to_owned)
}
