//! `plan`: what would be changed, without changing it.
//!
//! It must not hide a cluster that could not be looked at, nor what an estate did not know.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anstyle::Style;
use anyhow::Context as _;
use serde_json::{Value, json};
use vaultbind_core::{
    id::{ClusterId, VaultId},
    result::Outcome,
};

use super::{
    Output,
    look::{self, Look},
    print,
    serve::runtime,
    source::Source,
};
use crate::{
    event::{self, Concern},
    sweep,
};

/// What to plan and how to print it.
#[derive(Debug, clap::Args)]
pub(super) struct PlanArguments {
    /// Only this cluster: its resource id, or its name where only one has it
    #[arg(long, conflicts_with = "event")]
    cluster: Option<String>,
    /// Only what an event is about, with the calls that it would lead to: a file with an Event Grid event, a
    /// `CloudEvent`, or an array of them
    #[arg(long, value_name = "FILE")]
    event: Option<PathBuf>,
    /// An estate that `capture` wrote, in place of Azure
    #[arg(long, value_name = "FILE")]
    estate: Option<PathBuf>,
    /// How to print: for people or for programs
    #[arg(long, value_enum, default_value_t = Output::Table)]
    output: Output,
    /// Exit with 2 where something would be changed
    #[arg(long)]
    detailed_exitcode: bool,
}

pub(super) fn plan(arguments: &PlanArguments) -> anyhow::Result<ExitCode> {
    let source = Source::open(arguments.estate.as_deref())?;
    let looks = runtime()?.block_on(looks(&source, arguments))?;
    match arguments.output {
        Output::Table => show(&looks, arguments.event.is_some()),
        Output::Json => print::json(&as_json(&looks)),
    }
    let changes = looks.iter().any(|it| !it.changes().is_empty());
    Ok(if looks.iter().any(|it| it.seen.is_err()) {
        ExitCode::FAILURE
    } else if changes && arguments.detailed_exitcode {
        ExitCode::from(2)
    } else {
        ExitCode::SUCCESS
    })
}

type Target = (ClusterId, Option<VaultId>);

async fn looks(source: &Source, arguments: &PlanArguments) -> anyhow::Result<Vec<Look>> {
    let targets = match &arguments.event {
        Some(file) => of_event(source, file).await?,
        None => targets(source, arguments.cluster.as_deref()).await?,
    };
    Ok(source.look_at(targets).await)
}

/// One cluster, or every cluster in scope.
pub(super) async fn targets(source: &Source, cluster: Option<&str>) -> anyhow::Result<Vec<Target>> {
    let ids = match cluster {
        Some(cluster) => vec![source.find(cluster).await?],
        None => source.ids().await?,
    };
    Ok(ids.into_iter().map(|it| (it, None)).collect())
}

/// The clusters that events would have looked at, each once.
async fn of_event(source: &Source, file: &Path) -> anyhow::Result<Vec<Target>> {
    let shown = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {shown}"))?;
    let value: Value =
        serde_json::from_str(&text).with_context(|| format!("{shown} is no JSON"))?;
    let events = match value {
        Value::Array(events) => events,
        one => vec![one],
    };
    let mut targets = BTreeSet::new();
    for event in &events {
        let event = event::read(event)
            .with_context(|| format!("{shown} holds an event that is not acted on"))?;
        match event.concern {
            Concern::Cluster(cluster, _) => {
                targets.insert((cluster, None));
            }
            Concern::Vault(vault) | Concern::VaultRole(vault) => {
                let clusters = source.clusters().await?;
                let concerned = clusters
                    .into_iter()
                    .filter(|it| sweep::concerns(source.policy(), &vault, it));
                targets.extend(concerned.map(|it| (it.id, Some(vault.clone()))));
            }
        }
    }
    Ok(targets.into_iter().collect())
}

/// Prints the table, the changes, and a line that sums it up.
pub(super) fn show(looks: &[Look], with_calls: bool) {
    let heading = |text: &str| (print::HEAD, text.to_owned());
    let mut lines = vec![["cluster", "outcome", "vault", "why"].map(heading)];
    lines.extend(looks.iter().map(row));
    print::table(&lines);
    for look in looks.iter().filter(|it| !it.changes().is_empty()) {
        print::section(look.cluster.as_str());
        look.change_lines(with_calls).iter().for_each(print::line);
    }
    let assumed: BTreeSet<String> = looks.iter().flat_map(Look::assumed).collect();
    show_assumed(&assumed);
    print::line("");
    print::line(Tally::of(looks).in_words());
}

/// Prints what an estate did not know.
pub(super) fn show_assumed(assumed: &BTreeSet<String>) {
    if !assumed.is_empty() {
        print::section("not in the estate, and taken not to be there");
        assumed.iter().for_each(|it| print::line(format!("  {it}")));
    }
}

fn row(look: &Look) -> [(Style, String); 4] {
    let outcome = look.outcome();
    let vault = look.vault().and_then(|it| it.rsplit('/').next());
    let why = look.reason();
    let why = why.map(|it| format!("{}: {}", it.code, it.message));
    [
        (print::PLAIN, look.cluster.name().to_owned()),
        (print::outcome(outcome), outcome.to_owned()),
        (print::PLAIN, vault.unwrap_or("-").to_owned()),
        (print::PLAIN, why.unwrap_or_default()),
    ]
}

/// How many clusters there are of each kind.
struct Tally {
    all: usize,
    right: usize,
    to_change: usize,
    failed: usize,
}

impl Tally {
    fn of(looks: &[Look]) -> Self {
        let count = |word: &str| looks.iter().filter(|it| it.outcome() == word).count();
        Self {
            all: looks.len(),
            right: count(Outcome::Bound.word()),
            to_change: count(look::TO_CHANGE),
            failed: looks.iter().filter(|it| it.seen.is_err()).count(),
        }
    }

    fn others(&self) -> usize {
        self.all - self.right - self.to_change - self.failed
    }

    fn in_words(&self) -> String {
        let clusters = print::count(self.all, "cluster");
        let (right, change, others) = (self.right, self.to_change, self.others());
        format!(
            "{clusters}: {right} right, {change} to change, {others} not bound for a reason, {} not looked at",
            self.failed
        )
    }
}

fn as_json(looks: &[Look]) -> Value {
    let tally = Tally::of(looks);
    json!({
        "clusters": looks.iter().map(Look::as_json).collect::<Vec<_>>(),
        "summary": {
            "clusters": tally.all,
            "right": tally.right,
            "toChange": tally.to_change,
            "notBound": tally.others(),
            "notLookedAt": tally.failed,
        },
    })
}
