//! The settings: every environment variable that Vaultbind reads, its meaning and its default.
//!
//! It must not read files or reach out; nothing else in the product reads the environment.

mod environment;
mod value;

use std::{collections::BTreeMap, path::PathBuf, str::FromStr, time::Duration};

use vaultbind_azure::{cloud::Cloud, credential::CredentialKind, http::Endpoint};
use vaultbind_core::resource::PrincipalId;

use environment::Environment;
use value::{Bounded, Namespace, QueueName, is_app_id};

/// A variable that Vaultbind reads, for documentation and its check.
#[derive(Debug, Clone, Copy)]
pub struct Variable {
    /// The name.
    pub name: &'static str,
    /// What it says, and its unit.
    pub meaning: &'static str,
    /// What holds where it is not set.
    pub default: &'static str,
}

macro_rules! variables {
    ($($name:ident = $text:literal: $meaning:literal, default $default:literal;)+) => {
        $(const $name: &str = $text;)+

        /// Every variable, in the order of the README.
        pub const VARIABLES: &[Variable] = &[
            $(Variable { name: $text, meaning: $meaning, default: $default },)+
        ];
    };
}

variables! {
    PORT = "FUNCTIONS_CUSTOMHANDLER_PORT": "port to serve on, on 127.0.0.1 alone; the host sets it", default "required";
    WORKER = "FUNCTIONS_CUSTOMHANDLER_WORKER_ID": "set by the host; says that the process runs under it", default "none";
    SITE = "WEBSITE_SITE_NAME": "name of the function app, the `source` of results; the platform sets it", default "`vaultbind`";
    POLICY = "VAULTBIND_POLICY": "policy file", default "`policy.yaml` in the app root";
    NAMESPACE = "ServiceBus__fullyQualifiedNamespace": "namespace of both queues, which the host's trigger uses too", default "required";
    REQUESTS = "VAULTBIND_REQUESTS_QUEUE": "name of the requests queue", default "`requests`";
    RESULTS = "VAULTBIND_RESULTS_QUEUE": "name of the results queue", default "`results`";
    CLIENT = "AZURE_CLIENT_ID": "client id of the user-assigned identity", default "the system-assigned identity";
    PRINCIPALS = "VAULTBIND_PLATFORM_PRINCIPAL_IDS": "object ids of the two platform service principals, comma separated", default "looked up in Microsoft Graph";
    CLOUD = "VAULTBIND_CLOUD": "`public`, `usgov` or `china`", default "`public`";
    ARM = "VAULTBIND_ARM_ENDPOINT": "address of ARM; https, or http to a loopback address", default "from the cloud";
    GRAPH = "VAULTBIND_GRAPH_ENDPOINT": "address of Microsoft Graph, without `/v1.0`; likewise", default "from the cloud";
    SERVICE_BUS = "VAULTBIND_SERVICEBUS_ENDPOINT": "address of the Service Bus namespace; likewise", default "from the namespace";
    CREDENTIAL = "VAULTBIND_CREDENTIAL": "`managed-identity` or `developer-tools`", default "`managed-identity` where `IDENTITY_ENDPOINT` is set, else `developer-tools`";
    IDENTITY = "IDENTITY_ENDPOINT": "where tokens of a managed identity come from; the platform sets it", default "none";
    COALESCE = "VAULTBIND_COALESCE_SECONDS": "length in seconds of the stretch whose events on one resource become one request; 0 sends at once", default "5";
    DEADLINE = "VAULTBIND_DEADLINE_HOURS": "hours after which a request gives up", default "24";
    LOG = "VAULTBIND_LOG": "tracing filter, such as `info` or `vaultbind=debug`", default "`info`";
}

/// The settings of the process.
#[derive(Debug, Clone)]
pub struct Config {
    /// The port to serve on.
    pub port: u16,
    /// Does the process run under a Functions host?
    pub under_host: bool,
    /// The name of the function app.
    pub source: String,
    /// The policy file.
    pub policy: PathBuf,
    /// The address of the Service Bus namespace.
    pub service_bus: Endpoint,
    /// The requests queue.
    pub requests_queue: String,
    /// The results queue.
    pub results_queue: String,
    /// The client id of our own identity, by which our own writes are known.
    pub client_id: Option<String>,
    /// The object ids of the platform apps, where they are given.
    pub platform_principals: Option<Vec<PrincipalId>>,
    /// The cloud.
    pub cloud: Cloud,
    /// The address of ARM.
    pub arm: Endpoint,
    /// The address of Microsoft Graph.
    pub graph: Endpoint,
    /// Where tokens come from.
    pub credential: CredentialKind,
    /// The length of the coalescing bucket in seconds.
    pub coalesce_seconds: u32,
    /// When a request gives up.
    pub deadline: Duration,
}

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {problem}")]
pub struct ConfigError {
    variable: &'static str,
    problem: String,
}

/// The tracing filter: read apart, since a process logs before it knows whether its settings are sound.
pub fn log_filter() -> String {
    let environment = Environment::read();
    environment.text(LOG).unwrap_or("info").to_owned()
}

/// The policy file: for commands that need no other setting.
pub fn policy_file() -> PathBuf {
    environment::path(POLICY).unwrap_or_else(|| "policy.yaml".into())
}

impl Config {
    /// Reads the settings from the environment of the process.
    ///
    /// # Errors
    /// Every setting that is missing or cannot be used.
    pub fn from_env() -> Result<Self, Vec<ConfigError>> {
        Self::from_environment(&Environment::read())
    }

    /// Reads the settings of a command that serves nobody: it needs neither a port nor a namespace.
    ///
    /// # Errors
    /// Every setting that cannot be used.
    pub fn for_commands() -> Result<Self, Vec<ConfigError>> {
        let mut environment = Environment::read();
        let variables = &mut environment.variables;
        variables.insert(PORT.to_owned(), "0".to_owned());
        // No message is ever sent: the name leads nowhere (RFC 6761).
        let nowhere = || "commands-send-no-messages.invalid".to_owned();
        variables
            .entry(NAMESPACE.to_owned())
            .or_insert_with(nowhere);
        Self::from_environment(&environment)
    }

    /// Reads the settings from these variables; an empty one counts as not set.
    ///
    /// # Errors
    /// Every setting that is missing or cannot be used.
    pub fn from_variables(variables: &BTreeMap<String, String>) -> Result<Self, Vec<ConfigError>> {
        Self::from_environment(&Environment {
            variables: variables.clone(),
            ..Environment::default()
        })
    }

    fn from_environment(environment: &Environment) -> Result<Self, Vec<ConfigError>> {
        let mut reader = Reader {
            environment,
            errors: Vec::new(),
        };
        let is_unreadable = |variable: &&Variable| environment.is_unreadable(variable.name);
        for unreadable in VARIABLES.iter().filter(is_unreadable) {
            reader.problem(unreadable.name, "is no text in UTF-8");
        }
        let config = reader.config();
        match (config, reader.errors.is_empty()) {
            (Some(config), true) => Ok(config),
            _ => Err(reader.errors),
        }
    }
}

/// Reads variables and collects what is wrong with them.
struct Reader<'a> {
    environment: &'a Environment,
    errors: Vec<ConfigError>,
}

impl Reader<'_> {
    fn config(&mut self) -> Option<Config> {
        let port = self.required::<u16>(PORT, "a port number");
        let namespace = self.required::<Namespace>(
            NAMESPACE,
            "a host name, such as sb-x.servicebus.windows.net",
        );
        let cloud = self.or(CLOUD, "public, usgov or china", Cloud::Public);
        let arm = self.endpoint(ARM, cloud.arm_endpoint());
        let graph = self.endpoint(GRAPH, cloud.graph_endpoint());
        let requests_queue = self.or(REQUESTS, "a queue name", QueueName("requests".to_owned()));
        let results_queue = self.or(RESULTS, "a queue name", QueueName("results".to_owned()));
        let platform_principals = self.principals();
        let credential = self.credential();
        let coalesce = self.or(COALESCE, "whole seconds up to 300", Bounded::<0, 300>(5));
        let hours = self.or(DEADLINE, "whole hours from 1 to 168", Bounded::<1, 168>(24));
        let service_bus = namespace
            .as_ref()
            .and_then(|namespace| self.endpoint(SERVICE_BUS, format!("https://{}", namespace.0)));
        Some(Config {
            port: port?,
            under_host: self.text(WORKER).is_some(),
            source: self.text(SITE).unwrap_or("vaultbind").to_owned(),
            policy: self.text(POLICY).unwrap_or("policy.yaml").into(),
            service_bus: service_bus?,
            requests_queue: requests_queue.0,
            results_queue: results_queue.0,
            client_id: self.text(CLIENT).map(ToOwned::to_owned),
            platform_principals,
            cloud,
            arm: arm?,
            graph: graph?,
            credential,
            coalesce_seconds: coalesce.0,
            deadline: Duration::from_secs(u64::from(hours.0) * 3600),
        })
    }

    fn text(&self, variable: &str) -> Option<&str> {
        self.environment.text(variable)
    }

    fn problem(&mut self, variable: &'static str, problem: impl Into<String>) {
        // One problem of a variable is enough to look at it.
        if self.errors.iter().all(|told| told.variable != variable) {
            let problem = problem.into();
            self.errors.push(ConfigError { variable, problem });
        }
    }

    fn parsed<T: FromStr>(&mut self, variable: &'static str, expected: &str) -> Option<T> {
        let text = self.text(variable)?;
        let parsed = text.parse().ok();
        if parsed.is_none() {
            let problem = format!("expected {expected}, found `{}`", text.escape_debug());
            self.problem(variable, problem);
        }
        parsed
    }

    fn required<T: FromStr>(&mut self, variable: &'static str, expected: &str) -> Option<T> {
        if self.text(variable).is_none() {
            self.problem(variable, format!("is not set; expected {expected}"));
        }
        self.parsed(variable, expected)
    }

    fn or<T: FromStr>(&mut self, variable: &'static str, expected: &str, default: T) -> T {
        self.parsed(variable, expected).unwrap_or(default)
    }

    fn endpoint(&mut self, variable: &'static str, default: impl AsRef<str>) -> Option<Endpoint> {
        let text = self.text(variable).unwrap_or(default.as_ref());
        match Endpoint::parse(text) {
            Ok(endpoint) => Some(endpoint),
            Err(error) => {
                self.problem(variable, error.to_string());
                None
            }
        }
    }

    fn principals(&mut self) -> Option<Vec<PrincipalId>> {
        let text = self.text(PRINCIPALS)?;
        let ids: Result<Vec<PrincipalId>, _> =
            text.split(',').map(|id| id.trim().parse()).collect();
        match ids {
            Ok(ids) if ids.iter().any(is_app_id) => {
                // ARM takes them without a word, and the role goes to nobody.
                self.problem(
                    PRINCIPALS,
                    "holds an app id; the object ids of its service principals are wanted: `az ad sp show --id <app id> --query id -o tsv`",
                );
                None
            }
            Ok(ids) if ids.len() == 2 && ids[0] != ids[1] => Some(ids),
            _ => {
                self.problem(
                    PRINCIPALS,
                    "expected two different object ids (GUIDs), comma separated",
                );
                None
            }
        }
    }

    fn credential(&mut self) -> CredentialKind {
        let client_id = self.text(CLIENT).map(ToOwned::to_owned);
        match self.text(CREDENTIAL) {
            Some("managed-identity") => CredentialKind::ManagedIdentity { client_id },
            Some("developer-tools") => CredentialKind::DeveloperTools,
            None if self.text(IDENTITY).is_some() => CredentialKind::ManagedIdentity { client_id },
            None => CredentialKind::DeveloperTools,
            Some(_) => {
                self.problem(CREDENTIAL, "expected managed-identity or developer-tools");
                CredentialKind::DeveloperTools
            }
        }
    }
}

#[cfg(test)]
mod tests;
