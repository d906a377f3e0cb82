//! The account of a step: what changed in Azure and which results came, in lines that are the same each time.
//!
//! Within a step the lines are sorted, for clusters are looked at side by side: changes by kind, then results by cluster,
//! those of one cluster in the order in which they came. Numbers that vary are left out.

use crate::{journal::Entry, state::Azure};
use serde_json::Value;

/// The last segment of an id.
fn name(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or_default()
}

/// Who a principal is, in words.
fn principal(azure: &Azure, id: &str) -> String {
    if let Some(place) = azure.platform_principals().iter().position(|it| it == id) {
        return format!("platform app {}", place + 1);
    }
    let types = [
        "Microsoft.NetworkCloud/clusters",
        "Microsoft.NetworkCloud/clusterManagers",
    ];
    for resource in types.iter().flat_map(|it| azure.resources_of(it)) {
        let owner = resource["name"].as_str().unwrap_or_default();
        if resource["identity"]["principalId"] == id {
            return format!("{owner}'s system-assigned identity");
        }
        let users = resource["identity"]["userAssignedIdentities"]
            .as_object()
            .into_iter()
            .flatten();
        for (identity, it) in users {
            if it["principalId"] == id {
                return format!("{owner}'s identity {}", name(identity));
            }
        }
    }
    format!("principal {id}")
}

/// A write to Azure in words; ranked by kind, whenever it happened.
fn write(azure: &Azure, entry: &Entry) -> (u8, String) {
    let body = entry.body.clone().unwrap_or_default();
    let properties = &body["properties"];
    let (rank, text) = match entry.method.as_str() {
        "POST" => (0, "register Microsoft.NetworkCloud".to_owned()),
        "PUT" => {
            let vault = entry
                .path
                .split("/providers/Microsoft.Authorization")
                .next()
                .unwrap_or_default();
            let who = principal(
                azure,
                properties["principalId"].as_str().unwrap_or_default(),
            );
            (
                1,
                format!("assign the writer's role on {} to {who}", name(vault)),
            )
        }
        "PATCH" => (
            2,
            format!("patch {} {}", name(&entry.path), archive(properties)),
        ),
        other => (3, format!("{other} {}", entry.path)),
    };
    match entry.status {
        200..=299 => (rank, text),
        0 => (rank, format!("{text}: the connection breaks")),
        status => (rank, format!("{text}: refused with {status}")),
    }
}

/// The archive properties of a cluster or a PATCH, in words.
#[must_use]
pub fn archive(properties: &Value) -> String {
    let mut parts = Vec::new();
    let legacy = &properties["secretArchive"];
    if legacy.is_object() {
        let off = if legacy["useKeyVault"] == "True" {
            ""
        } else {
            " (switched off)"
        };
        parts.push(format!(
            "secretArchive={}{off}",
            name(legacy["keyVaultId"].as_str().unwrap_or_default())
        ));
    }
    let settings = &properties["secretArchiveSettings"];
    if settings.is_object() {
        let identity = &settings["associatedIdentity"];
        let who = match identity["userAssignedIdentityResourceId"].as_str() {
            Some(id) => name(id).to_owned(),
            None => identity["identityType"]
                .as_str()
                .unwrap_or("no identity")
                .to_owned(),
        };
        parts.push(format!(
            "secretArchiveSettings={} by {who}",
            settings["vaultUri"].as_str().unwrap_or("no vault")
        ));
    }
    if parts.is_empty() {
        "no archive".to_owned()
    } else {
        parts.join(" ")
    }
}

/// A result in a line, and below it why and what to do.
fn result(result: &Value) -> (String, Vec<String>) {
    let data = &result["data"];
    let text = |value: &Value| without_request_id(value.as_str().unwrap_or_default());
    let cluster = text(&data["cluster"]["name"]);
    let mut line = format!("result {} {cluster}", text(&data["outcome"]));
    if let Some(vault) = data["vault"]["id"].as_str() {
        line = format!("{line} -> {}", name(vault));
    }
    if data["changed"] == true {
        line.push_str(", changed");
    }
    if data["redelivered"] == true {
        line.push_str(", perhaps more");
    }
    if let Some(rule) = data["rule"].as_str() {
        line = format!("{line}, rule {rule}");
    }
    if let Some(writer) = data["writers"][0]["kind"].as_str() {
        line = format!("{line}, writer {writer}");
    }
    let mut lines = vec![line];
    lines.extend(details(data));
    (cluster, lines)
}

/// What a result says beyond its outcome: what would be done, what is left behind, why, and what was considered.
fn details(data: &Value) -> Vec<String> {
    let text = |value: &Value| without_request_id(value.as_str().unwrap_or_default());
    let mut lines = Vec::new();
    if data["outcome"] == "planned" {
        let changes = data["changes"].as_array().into_iter().flatten();
        let mut planned: Vec<String> = changes
            .map(|it| {
                format!(
                    "  would {}: {}",
                    text(&it["kind"]),
                    short(&text(&it["target"]))
                )
            })
            .collect();
        planned.sort();
        lines.extend(planned);
    }
    let left = data["leftBehind"].as_array().into_iter().flatten();
    let mut left: Vec<String> = left
        .map(|it| format!("  left behind: a role on {}", short(&text(it))))
        .collect();
    left.sort();
    lines.extend(left);
    if data["reason"].is_object() {
        let reason = &data["reason"];
        lines.push(format!(
            "  {}: {}",
            text(&reason["code"]),
            text(&reason["message"])
        ));
        lines.push(format!("  help: {}", text(&reason["help"])));
    }
    let warnings = data["warnings"].as_array().into_iter().flatten();
    lines.extend(
        warnings.map(|it| format!("  warning {}: {}", text(&it["code"]), text(&it["message"]))),
    );
    let mut candidates: Vec<String> = data["candidates"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|it| {
            format!(
                "  candidate {}: {}",
                name(&text(&it["id"])),
                text(&it["why"])
            )
        })
        .collect();
    if candidates.len() > 1 || data["reason"].is_object() {
        candidates.sort();
        lines.extend(candidates);
    }
    lines
}

/// The id of a call is another one each time.
fn without_request_id(text: &str) -> String {
    match text.split_once(" [request ") {
        Some((before, after)) => format!("{before}{}", after.split_once(']').map_or("", |it| it.1)),
        None => text.to_owned(),
    }
}

/// The target of a role assignment is its vault: its own name says nothing.
fn short(target: &str) -> String {
    let vault = target
        .split("/providers/Microsoft.Authorization")
        .next()
        .unwrap_or_default();
    name(vault).to_owned()
}

/// From here on, repetitions are not told apart.
const MANY: usize = 10;

/// The lines of a step.
#[must_use]
pub fn lines(
    azure: &Azure,
    writes: &[Entry],
    results: &[Value],
    dead_letters: usize,
) -> Vec<String> {
    let mut changes: Vec<(u8, String)> = writes.iter().map(|it| write(azure, it)).collect();
    changes.sort();
    let mut lines: Vec<String> = Vec::new();
    for (_, line) in &changes {
        let count = changes.iter().filter(|(_, it)| it == line).count();
        let line = match count {
            1 => line.clone(),
            // How many tries a deadline leaves room for, depends on how long each of them took.
            MANY.. => format!("{line} ({MANY} times or more)"),
            _ => format!("{line} ({count} times)"),
        };
        if lines.last() != Some(&line) {
            lines.push(line);
        }
    }
    let mut told: Vec<(String, Vec<String>)> = results.iter().map(result).collect();
    // Those of one cluster stay in the order in which they came.
    told.sort_by(|(one, _), (other, _)| one.cmp(other));
    lines.extend(told.into_iter().flat_map(|(_, lines)| lines));
    if dead_letters > 0 {
        lines.push(format!("{dead_letters} dead letters"));
    }
    lines
}
