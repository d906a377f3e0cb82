//! `plan`: what would be changed, without changing it.
//!
//! It must not hide a cluster that could not be observed, nor what an estate did not know.

mod replay;

use std::{collections::BTreeSet, path::PathBuf, process::ExitCode};

use anstyle::Style;
use serde_json::{Value, json};
use vaultbind_core::{
    decision::Decision,
    id::{ClusterId, VaultId},
    result::Outcome,
};

use super::{Output, observed::Observed, print, serve::runtime, source::Source};
use replay::{PassedOver, Replay};

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
    /// Exit with 2 where something would be changed or has to be waited for
    #[arg(long)]
    detailed_exitcode: bool,
}

pub(super) fn plan(arguments: &PlanArguments) -> anyhow::Result<ExitCode> {
    let source = Source::open(arguments.estate.as_deref())?;
    let (observed, passed_over) = runtime()?.block_on(observe(&source, arguments))?;
    match arguments.output {
        Output::Table => show(&observed, arguments.event.is_some(), &passed_over),
        Output::Json => print::json(&as_json(&observed, &passed_over)),
    }
    let changes = observed
        .iter()
        .any(|cluster| !cluster.changes().is_empty() || cluster.waits());
    let is_whole = observed.iter().all(|cluster| cluster.seen.is_ok())
        && !passed_over.iter().any(|event| event.is_broken);
    Ok(match (is_whole, changes && arguments.detailed_exitcode) {
        (false, _) => ExitCode::FAILURE,
        (true, true) => ExitCode::from(2),
        (true, false) => ExitCode::SUCCESS,
    })
}

async fn observe(
    source: &Source,
    arguments: &PlanArguments,
) -> anyhow::Result<(Vec<Observed>, Vec<PassedOver>)> {
    let (targets, passed_over) = match &arguments.event {
        Some(file) => {
            let replay = Replay::of(source, file).await?;
            (replay.targets.into_iter().collect(), replay.passed_over)
        }
        None => (
            targets(source, arguments.cluster.as_deref()).await?,
            Vec::new(),
        ),
    };
    Ok((source.observe_all(targets).await, passed_over))
}

type Target = (ClusterId, Option<VaultId>);

/// One cluster, or every cluster in scope.
pub(super) async fn targets(source: &Source, cluster: Option<&str>) -> anyhow::Result<Vec<Target>> {
    let ids = match cluster {
        Some(cluster) => vec![source.find(cluster).await?],
        None => source.ids().await?,
    };
    Ok(ids.into_iter().map(|id| (id, None)).collect())
}

/// Prints the table, the changes, and a line that sums it up.
pub(super) fn show(observed: &[Observed], with_calls: bool, passed_over: &[PassedOver]) {
    let heading = |text: &str| (print::HEAD, text.to_owned());
    let mut lines = vec![["cluster", "outcome", "vault", "why"].map(heading)];
    lines.extend(observed.iter().map(row));
    print::table(&lines);
    for observed in observed
        .iter()
        .filter(|cluster| !cluster.changes().is_empty())
    {
        print::section(observed.cluster.as_str());
        observed
            .change_lines(with_calls)
            .iter()
            .for_each(print::line);
    }
    let assumed: BTreeSet<String> = observed.iter().flat_map(Observed::assumed).collect();
    show_assumed(&assumed);
    show_passed_over(passed_over);
    print::line("");
    print::line(Summary::of(observed).in_words());
}

/// Prints what an estate did not know.
pub(super) fn show_assumed(assumed: &BTreeSet<String>) {
    if !assumed.is_empty() {
        print::section("not in the estate, and taken not to be there");
        assumed
            .iter()
            .for_each(|text| print::line(format!("  {text}")));
    }
}

fn show_passed_over(passed_over: &[PassedOver]) {
    if !passed_over.is_empty() {
        print::section("not acted on");
        let lines = passed_over.iter().map(PassedOver::in_words);
        lines.for_each(|line| print::line(format!("  {line}")));
    }
}

fn row(observed: &Observed) -> [(Style, String); 4] {
    let status = observed.status();
    let vault = observed
        .decision()
        .and_then(|decision| decision.vault.as_ref());
    let why = observed.reason();
    let why = why.map(|reason| format!("{}: {}", reason.code, reason.message));
    [
        (print::PLAIN, observed.cluster.name().to_owned()),
        (print::outcome(status), status.to_owned()),
        (
            print::PLAIN,
            vault.map_or("-", |vault| vault.id.name()).to_owned(),
        ),
        (print::PLAIN, why.unwrap_or_default()),
    ]
}

/// How many clusters there are of each kind.
struct Summary {
    all: usize,
    right: usize,
    to_change: usize,
    waiting: usize,
    failed: usize,
}

impl Summary {
    fn of(observed: &[Observed]) -> Self {
        let count = |word: &str| {
            observed
                .iter()
                .filter(|cluster| cluster.status() == word)
                .count()
        };
        Self {
            all: observed.len(),
            right: count(Outcome::Bound.word()),
            to_change: count(Decision::TO_CHANGE),
            waiting: count(Decision::WAITING),
            failed: observed
                .iter()
                .filter(|cluster| cluster.seen.is_err())
                .count(),
        }
    }

    fn others(&self) -> usize {
        self.all - self.right - self.to_change - self.waiting - self.failed
    }

    fn in_words(&self) -> String {
        let clusters = print::count(self.all, "cluster");
        let (right, change, others) = (self.right, self.to_change, self.others());
        let waiting = match self.waiting {
            0 => String::new(),
            count => format!("{count} waiting, "),
        };
        format!(
            "{clusters}: {right} right, {change} to change, {waiting}{others} not bound for a reason, {} not looked at",
            self.failed
        )
    }
}

fn as_json(observed: &[Observed], passed_over: &[PassedOver]) -> Value {
    let summary = Summary::of(observed);
    json!({
        "clusters": observed.iter().map(Observed::as_json).collect::<Vec<_>>(),
        "notActedOn": passed_over.iter().map(PassedOver::as_json).collect::<Vec<_>>(),
        "summary": {
            "clusters": summary.all,
            "right": summary.right,
            "toChange": summary.to_change,
            "waiting": summary.waiting,
            "notBound": summary.others(),
            "notLookedAt": summary.failed,
        },
    })
}
