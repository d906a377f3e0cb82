//! `plan`: what would be changed, without changing it.
//!
//! It must not hide a cluster that could not be looked at.

use std::{path::Path, process::ExitCode};

use anstyle::Style;
use anyhow::Context as _;
use serde_json::{Value, json};
use vaultbind_core::id::ClusterId;

use super::{
    Output, PlanArguments,
    live::{self, Look},
    print,
    serve::runtime,
};
use crate::{
    context::Context,
    event::{self, Concern},
    sweep,
};

pub(super) fn plan(arguments: &PlanArguments) -> anyhow::Result<ExitCode> {
    let context = live::context()?;
    let looks = runtime()?.block_on(looks(&context, arguments))?;
    match arguments.output {
        Output::Table => show(&looks),
        Output::Json => print::json(&as_json(&looks)),
    }
    let failed = looks.iter().any(|it| it.sight.is_err());
    let changes = looks.iter().any(|it| !it.changes().is_empty());
    Ok(match (failed, changes && arguments.detailed_exitcode) {
        (true, _) => ExitCode::FAILURE,
        (false, true) => ExitCode::from(2),
        (false, false) => ExitCode::SUCCESS,
    })
}

async fn looks(context: &Context, arguments: &PlanArguments) -> anyhow::Result<Vec<Look>> {
    let clusters = match (&arguments.cluster, &arguments.event) {
        (Some(cluster), _) => vec![live::find(context, cluster).await?],
        (None, Some(file)) => of_event(context, file).await?,
        (None, None) => live::clusters(context)
            .await?
            .into_iter()
            .map(|it| it.id)
            .collect(),
    };
    Ok(live::look_at(context, clusters).await)
}

/// The clusters that an event would have looked at.
async fn of_event(context: &Context, file: &Path) -> anyhow::Result<Vec<ClusterId>> {
    let shown = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {shown}"))?;
    let value: Value =
        serde_json::from_str(&text).with_context(|| format!("{shown} is no JSON"))?;
    let events = match value {
        Value::Array(events) => events,
        one => vec![one],
    };
    let mut clusters = Vec::new();
    for event in &events {
        match event::read(event)
            .with_context(|| format!("{shown} holds an event that is not acted on"))?
            .concern
        {
            Concern::Cluster(cluster, _) => clusters.push(cluster),
            Concern::Vault(vault) | Concern::VaultRole(vault) => {
                let all = live::clusters(context).await?;
                clusters.extend(
                    all.into_iter()
                        .filter(|it| sweep::concerns(&context.policy, &vault, it))
                        .map(|it| it.id),
                );
            }
        }
    }
    Ok(clusters)
}

/// Prints the table, the changes, and a line that sums it up.
pub(super) fn show(looks: &[Look]) {
    let heading = |text: &str| (print::HEAD, text.to_owned());
    let mut lines = vec![["cluster", "outcome", "vault", "why"].map(heading)];
    lines.extend(looks.iter().map(row));
    print::table(&lines);
    for look in looks.iter().filter(|it| !it.changes().is_empty()) {
        print::section(look.cluster.as_str());
        let changes = look.changes();
        changes
            .iter()
            .for_each(|change| print::line(format!("  {change}")));
    }
    print::line("");
    print::line(summary(looks));
}

fn row(look: &Look) -> [(Style, String); 4] {
    let outcome = look.outcome().unwrap_or("failed");
    let vault = look.vault().unwrap_or_else(|| "-".to_owned());
    [
        (print::PLAIN, look.cluster.name().to_owned()),
        (print::outcome(outcome), outcome.to_owned()),
        (print::PLAIN, vault),
        (print::PLAIN, look.why().unwrap_or_default()),
    ]
}

fn summary(looks: &[Look]) -> String {
    let count = |word: &str| looks.iter().filter(|it| it.outcome() == Some(word)).count();
    let (right, change) = (count("bound"), count("to change"));
    let failed = looks.iter().filter(|it| it.sight.is_err()).count();
    let others = looks.len() - right - change - failed;
    let clusters = print::clusters(looks.len());
    format!(
        "{clusters}: {right} right, {change} to change, {others} not bound for a reason, {failed} not looked at"
    )
}

fn as_json(looks: &[Look]) -> Value {
    let look = |it: &Look| {
        json!({
            "clusterId": it.cluster.as_str(), "outcome": it.outcome(), "vault": it.vault(),
            "changes": it.changes(), "why": it.why(),
        })
    };
    looks.iter().map(look).collect()
}
