//! `apply`: the plan, carried out now on the function's own way.
//!
//! It must not begin without a yes, and must not end without saying of each cluster how far it came.

mod carry_out;
mod status;

use std::{
    io::{BufRead, IsTerminal as _},
    process::ExitCode,
};

use serde_json::{Value, json};
use vaultbind_core::{
    id::{ClusterId, VaultId},
    policy::Mode,
};

use super::{
    Output,
    observed::Observed,
    plan,
    print::{self, Line},
    serve::runtime,
    source::{self, Source},
};
use carry_out::carry_out;
use status::{ApplyStatus, Summary};

/// The exit code of a command that was interrupted, as shells know it.
const INTERRUPTED: u8 = 130;

/// What to apply.
#[derive(Debug, clap::Args)]
pub(super) struct ApplyArguments {
    /// Only this cluster: its resource id, or its name where only one has it
    #[arg(long)]
    cluster: Option<String>,
    /// Do not ask first
    #[arg(long)]
    yes: bool,
    /// How to print: for people or for programs, which cannot be asked
    #[arg(long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// A cluster to change, and the vault that its roles are on.
#[derive(Debug, Clone)]
struct Task {
    cluster: ClusterId,
    vault: VaultId,
}

/// What may still have to be changed, but is no task: nobody can say yet.
struct LeftOut {
    /// Waits for what leads to nothing known yet.
    waiting: usize,
    unseen: usize,
}

impl LeftOut {
    fn of(observed: &[Observed]) -> Self {
        let waits = |cluster: &&Observed| cluster.waits() && cluster.changes().is_empty();
        Self {
            waiting: observed.iter().filter(waits).count(),
            unseen: observed
                .iter()
                .filter(|cluster| cluster.seen.is_err())
                .count(),
        }
    }

    /// To be added to the counts of the tasks.
    fn in_words(&self) -> String {
        let counts = [(self.waiting, "waiting"), (self.unseen, "not looked at")];
        let some = counts.into_iter().filter(|counted| counted.0 > 0);
        some.map(|(count, what)| format!(", {count} {what}"))
            .collect()
    }

    fn is_nothing(&self) -> bool {
        self.waiting == 0 && self.unseen == 0
    }
}

pub(super) fn apply(arguments: &ApplyArguments) -> anyhow::Result<ExitCode> {
    let for_people = arguments.output == Output::Table;
    let can_be_asked = for_people && std::io::stdin().is_terminal();
    if !arguments.yes && !can_be_asked {
        print::error("nobody can be asked here: say --yes to have the plan carried out");
        return Ok(ExitCode::from(2));
    }
    let context = source::context()?;
    anyhow::ensure!(
        context.policy.mode == Mode::Enforce,
        "the policy is in audit mode: nothing is changed"
    );
    let source = Source::Live(Box::new(context.clone()));
    let runtime = runtime()?;
    let observed = runtime.block_on(async {
        let targets = plan::targets(&source, arguments.cluster.as_deref()).await?;
        anyhow::Ok(source.observe_all(targets).await)
    })?;
    if for_people {
        plan::show(&observed, false, &[]);
    }
    let tasks: Vec<Task> = observed.iter().filter_map(task).collect();
    let left_out = LeftOut::of(&observed);
    if !tasks.is_empty() && !arguments.yes && !is_confirmed(tasks.len()) {
        print::line("nothing was changed");
        return Ok(ExitCode::SUCCESS);
    }
    let statuses = runtime.block_on(carry_out(&context, &tasks, for_people))?;
    let summary = Summary::of(&statuses);
    if !for_people {
        print::json(&as_json(&tasks, &statuses, &summary, &left_out));
    } else if !tasks.is_empty() {
        print::line("");
        print::line(summary.in_words() + &left_out.in_words());
    }
    Ok(
        match (
            summary.interrupted(),
            summary.all_bound() && left_out.is_nothing(),
        ) {
            (true, _) => ExitCode::from(INTERRUPTED),
            (false, true) => ExitCode::SUCCESS,
            (false, false) => ExitCode::FAILURE,
        },
    )
}

fn as_json(
    tasks: &[Task],
    statuses: &[ApplyStatus],
    summary: &Summary,
    left_out: &LeftOut,
) -> Value {
    let cluster = |(task, status): (&Task, &ApplyStatus)| {
        let mut cluster = status.as_json();
        cluster["clusterId"] = task.cluster.as_str().into();
        cluster
    };
    let mut summary = summary.as_json();
    summary["waiting"] = left_out.waiting.into();
    summary["notLookedAt"] = left_out.unseen.into();
    json!({
        "clusters": tasks.iter().zip(statuses).map(cluster).collect::<Vec<_>>(),
        "summary": summary,
    })
}

/// The task that a cluster is: also where its turn comes only after what is under way.
fn task(observed: &Observed) -> Option<Task> {
    if observed.changes().is_empty() {
        return None;
    }
    Some(Task {
        cluster: observed.cluster.clone(),
        vault: observed.decision()?.vault.as_ref()?.id.clone(),
    })
}

fn is_confirmed(count: usize) -> bool {
    print::line("");
    let clusters = print::count(count, "cluster");
    print::line(format!("Change {clusters}? Only `yes` is taken for it."));
    is_yes(std::io::stdin().lock())
}

fn is_yes(mut answers: impl BufRead) -> bool {
    let mut answer = String::new();
    answers.read_line(&mut answer).is_ok() && answer.trim() == "yes"
}

/// Prints how far one cluster came.
fn show(place: &str, cluster: &ClusterId, status: &ApplyStatus) {
    let (style, word, more) = status.in_words();
    let line = Line::from(format!("{place} {}: ", cluster.name()));
    print::line(line.and(style, word).and(print::PLAIN, more));
    if let Some(help) = status.help() {
        print::line(format!("  {help}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_taken_for_a_yes() {
        assert!(is_yes(&b"yes\n"[..]) && is_yes(&b" yes \nno\n"[..]));
        for answer in ["", "\n", "y\n", "Yes\n", "yes, please\n", "no\nyes\n"] {
            assert!(!is_yes(answer.as_bytes()), "{answer:?}");
        }
        assert!(!is_yes(&[0xff, b'\n'][..]), "what is no text is no yes");
    }
}
