//! A function app as the host reads it from disk: `host.json` and a `function.json` in each direct child folder.
//! It starts nothing; what it cannot use it reports and leaves out.

mod service_bus;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;

use super::schedule::Schedule;
use super::settings::Settings;
pub(super) use service_bus::{QueueTrigger, ServiceBusOptions};

/// A function app.
#[derive(Clone, Debug)]
pub(super) struct App {
    pub(super) root: PathBuf,
    pub(super) functions: Vec<Function>,
    /// Why some functions are left out, in the host's log.
    pub(super) errors: Vec<String>,
    /// `None` is no limit.
    pub(super) function_timeout: Option<Duration>,
    pub(super) initialization_timeout: Duration,
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) directory: PathBuf,
    pub(super) service_bus: ServiceBusOptions,
}

/// A function of a custom handler.
#[derive(Clone, Debug)]
pub(super) struct Function {
    /// The folder's name, case and all.
    pub(super) name: String,
    /// The name of the trigger's binding, the key in `Data`.
    pub(super) binding: String,
    pub(super) trigger: Trigger,
    /// What the host does where a call fails; only a timer's is kept to.
    pub(super) retry: Option<Retry>,
}

/// `retry` of a `function.json`, at a fixed delay.
#[derive(Clone, Copy, Debug)]
pub(super) struct Retry {
    pub(super) times: usize,
    pub(super) delay: Duration,
}

/// What starts a function.
#[derive(Clone, Debug)]
pub(super) enum Trigger {
    EventGrid,
    ServiceBus(QueueTrigger),
    Timer { schedule: Schedule, monitored: bool },
}

impl App {
    /// Reads the app under `root`.
    ///
    /// # Errors
    /// When `host.json` is not one that the host accepts.
    pub(super) fn read(root: &Path, settings: &Settings) -> anyhow::Result<Self> {
        let root = root
            .canonicalize()
            .with_context(|| format!("no app root at {}", root.display()))?;
        let mut host = read_json(&root.join("host.json"))?;
        settings.override_host_json(&mut host);
        if host["version"] != "2.0" {
            bail!("host.json: version must be \"2.0\"");
        }
        let description = &host["customHandler"]["description"];
        let directory = description["workingDirectory"].as_str().unwrap_or_default();
        let (functions, errors) = read_functions(&root, settings)?;
        let timeout = host["functionTimeout"].as_str().unwrap_or("00:30:00");
        let initialization = host["customHandler"]["initializationTimeout"]
            .as_str()
            .unwrap_or("00:00:30");
        Ok(Self {
            functions,
            errors,
            function_timeout: function_timeout(timeout)?,
            initialization_timeout: time_span(initialization)
                .context("customHandler.initializationTimeout")?,
            program: program(&root, description, settings)?,
            arguments: arguments(description, settings),
            directory: root.join(settings.expand_leniently(directory)),
            service_bus: ServiceBusOptions::read(&host["extensions"]["serviceBus"])?,
            root,
        })
    }

    pub(super) fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.name == name)
    }
}

fn read_json(file: &Path) -> anyhow::Result<Value> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is no JSON", file.display()))
}

/// A relative path counts only if that file exists; otherwise the bare name is looked up in PATH.
fn program(root: &Path, description: &Value, settings: &Settings) -> anyhow::Result<PathBuf> {
    let named = description["defaultExecutablePath"]
        .as_str()
        .unwrap_or_default();
    let named = PathBuf::from(settings.expand_leniently(named));
    if named.as_os_str().is_empty() {
        bail!("host.json: customHandler.description.defaultExecutablePath is missing");
    }
    let joined = root.join(&named);
    Ok(if joined.is_file() { joined } else { named })
}

/// The host joins the items with spaces and quotes none, so that an item with a space becomes two.
fn arguments(description: &Value, settings: &Settings) -> Vec<String> {
    let items = description["arguments"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    let joined = items.collect::<Vec<_>>().join(" ");
    settings
        .expand_leniently(&joined)
        .split_whitespace()
        .map(str::to_owned)
        .collect()
}

fn read_functions(
    root: &Path,
    settings: &Settings,
) -> anyhow::Result<(Vec<Function>, Vec<String>)> {
    let entries =
        std::fs::read_dir(root).with_context(|| format!("cannot list {}", root.display()))?;
    let mut folders: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    folders.sort();
    let (mut functions, mut errors) = (Vec::new(), Vec::new());
    for folder in folders
        .iter()
        .filter(|folder| folder.join("function.json").is_file())
    {
        let name = folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if settings.disables(&name) {
            continue;
        }
        let function = read_json(&folder.join("function.json")).map_err(|e| format!("{e:#}"));
        match function.and_then(|json| read_function(&name, &json, settings)) {
            Ok(function) => functions.push(function),
            Err(why) => errors.push(format!("The '{name}' function is in error: {why}")),
        }
    }
    Ok((functions, errors))
}

fn read_function(name: &str, json: &Value, settings: &Settings) -> Result<Function, String> {
    let letters = name
        .bytes()
        .all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_');
    if !letters
        || !name.starts_with(|c: char| c.is_ascii_alphabetic())
        || name.len() > 128
        || name.eq_ignore_ascii_case("host")
    {
        return Err("this is no valid function name".to_owned());
    }
    let bindings = json["bindings"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let is_trigger = |binding: &&Value| {
        binding["type"]
            .as_str()
            .is_some_and(|t| t.to_ascii_lowercase().ends_with("trigger"))
    };
    let triggers: Vec<&Value> = bindings.iter().filter(is_trigger).collect();
    let [trigger] = triggers[..] else {
        return Err("a function has exactly one trigger".to_owned());
    };
    let binding = trigger["name"]
        .as_str()
        .ok_or("the trigger has no name")?
        .to_owned();
    Ok(Function {
        name: name.to_owned(),
        binding,
        trigger: read_trigger(trigger, settings)?,
        retry: read_retry(&json["retry"])?,
    })
}

/// Settings that are not whole are an error of the function.
fn read_retry(retry: &Value) -> Result<Option<Retry>, String> {
    if retry.is_null() {
        return Ok(None);
    }
    if retry["strategy"] != "fixedDelay" {
        return Err("this host serves a retry at a fixed delay alone".to_owned());
    }
    let delay = retry["delayInterval"].as_str().unwrap_or_default();
    Ok(Some(Retry {
        times: number(&retry["maxRetryCount"]).ok_or("the retry has no maxRetryCount")?,
        delay: time_span(delay).map_err(|e| format!("delayInterval: {e:#}"))?,
    }))
}

fn read_trigger(trigger: &Value, settings: &Settings) -> Result<Trigger, String> {
    let text = |name: &str| {
        trigger[name]
            .as_str()
            .ok_or_else(|| format!("the trigger has no {name}"))
    };
    if trigger["cardinality"]
        .as_str()
        .is_some_and(|c| c.eq_ignore_ascii_case("many"))
    {
        return Err("this host delivers one at a time: cardinality many is not served".to_owned());
    }
    match text("type")?.to_ascii_lowercase().as_str() {
        "eventgridtrigger" => Ok(Trigger::EventGrid),
        "servicebustrigger" => {
            let setting = format!("{}__fullyQualifiedNamespace", text("connection")?);
            let namespace = settings
                .get(&setting)
                .ok_or_else(|| format!("the setting {setting} is missing"))?;
            Ok(Trigger::ServiceBus(QueueTrigger {
                queue: settings.resolve(text("queueName")?)?,
                namespace: namespace.to_owned(),
                sessions: boolean(&trigger["isSessionsEnabled"]).unwrap_or(false),
            }))
        }
        "timertrigger" => {
            let schedule: Schedule = settings.resolve(text("schedule")?)?.parse()?;
            let monitored =
                boolean(&trigger["useMonitor"]).unwrap_or(true) && !schedule.is_frequent();
            Ok(Trigger::Timer {
                schedule,
                monitored,
            })
        }
        other => Err(format!("The binding type(s) '{other}' are not registered")),
    }
}

fn number(value: &Value) -> Option<usize> {
    value
        .as_u64()
        .and_then(|n| usize::try_from(n).ok())
        .or_else(|| value.as_str()?.parse().ok())
}

fn boolean(value: &Value) -> Option<bool> {
    value
        .as_bool()
        .or_else(|| value.as_str()?.to_ascii_lowercase().parse().ok())
}

fn function_timeout(text: &str) -> anyhow::Result<Option<Duration>> {
    if text == "-1" {
        return Ok(None);
    }
    time_span(text).map(Some).context("functionTimeout")
}

/// A .NET time span: `[d.]hh:mm:ss[.fffffff]`.
fn time_span(text: &str) -> anyhow::Result<Duration> {
    let parse = || {
        let (rest, seconds) = text.rsplit_once(':')?;
        let (rest, minutes) = rest.rsplit_once(':')?;
        let (days, hours) = rest.split_once('.').unwrap_or(("0", rest));
        let whole = (days.parse::<u64>().ok()? * 24 + hours.parse::<u64>().ok()?) * 60
            + minutes.parse::<u64>().ok()?;
        Some(
            Duration::from_secs(whole * 60)
                + Duration::try_from_secs_f64(seconds.parse().ok()?).ok()?,
        )
    };
    parse().with_context(|| format!("'{text}' is no time span"))
}

#[cfg(test)]
mod tests;
