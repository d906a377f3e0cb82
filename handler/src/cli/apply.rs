//! `apply`: the plan, carried out now on the function's own way, cluster by cluster.
//!
//! It must not begin without a yes, and must not give up a change that Azure has under way without saying so.

use std::{
    io::{BufRead as _, IsTerminal as _},
    process::ExitCode,
    time::Duration,
};

use vaultbind_core::{id::ClusterId, policy::Mode, result::Outcome};

use super::{live, plan, print, serve::runtime};
use crate::{
    context::Context,
    deadline::wait_for,
    reconcile::{
        self, Picture, Verdict,
        error_policy::{self, Next},
    },
};

/// A cluster that is not settled by then is left to the function, which follows it.
const PATIENCE: Duration = Duration::from_secs(1800);

pub(super) fn apply(cluster: Option<&str>, yes: bool) -> anyhow::Result<ExitCode> {
    if !yes && !std::io::stdin().is_terminal() {
        print::error("nobody can be asked here: say --yes to have the plan carried out");
        return Ok(ExitCode::from(2));
    }
    let context = live::context()?;
    anyhow::ensure!(
        context.policy.mode == Mode::Enforce,
        "the policy is in audit mode: nothing is changed"
    );
    let runtime = runtime()?;
    let looks = runtime.block_on(async {
        let clusters = match cluster {
            Some(cluster) => vec![live::find(&context, cluster).await?],
            None => live::clusters(&context)
                .await?
                .into_iter()
                .map(|it| it.id)
                .collect(),
        };
        anyhow::Ok(live::look_at(&context, clusters).await)
    })?;
    plan::show(&looks);
    let todo: Vec<ClusterId> = looks
        .into_iter()
        .filter(|it| !it.changes().is_empty())
        .map(|it| it.cluster)
        .collect();
    if todo.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    if !yes && !is_confirmed(todo.len()) {
        print::line("nothing was changed");
        return Ok(ExitCode::SUCCESS);
    }
    let failed = runtime.block_on(carry_out(&context, &todo));
    print::line("");
    print::line(format!(
        "{} of {} bound",
        todo.len() - failed,
        print::clusters(todo.len())
    ));
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn is_confirmed(count: usize) -> bool {
    print::line("");
    print::line(format!(
        "Change {}? Only `yes` is taken for it.",
        print::clusters(count)
    ));
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).is_ok() && answer.trim() == "yes"
}

/// Carries out one cluster after the other; returns how many did not end bound.
async fn carry_out(context: &Context, clusters: &[ClusterId]) -> usize {
    let mut failed = 0;
    for (number, cluster) in clusters.iter().enumerate() {
        let ended = one(context, cluster).await;
        let place = format!("{}/{}", number + 1, clusters.len());
        match ended {
            Ok(()) => print::line(format!("{place} {}: bound", cluster.name())),
            Err(why) => {
                failed += 1;
                print::line(format!("{place} {}: {why}", cluster.name()));
            }
        }
    }
    failed
}

async fn one(context: &Context, cluster: &ClusterId) -> Result<(), String> {
    let mut request = live::request(context, cluster);
    let began = context.clock.now();
    loop {
        let mut picture = Picture::default();
        let setback = match reconcile::look(context, &mut request, cluster, &mut picture).await {
            Ok(Some(Verdict::Bound)) => return Ok(()),
            Ok(Some(Verdict::Refused(refusal))) => {
                return Err(in_words(refusal.outcome, &refusal.reason.message));
            }
            Ok(Some(Verdict::Planned) | None) => return Err("nothing was changed".to_owned()),
            Err(setback) => setback,
        };
        match error_policy::judge(&setback, &mut request, context.clock.now(), PATIENCE) {
            Next::End(refusal) => return Err(in_words(refusal.outcome, &refusal.reason.message)),
            Next::Requeue(_) if context.clock.now() - began > PATIENCE => {
                return Err(
                    "not settled yet; the function goes on with it at its next event or sweep"
                        .to_owned(),
                );
            }
            Next::Requeue(delay) => wait_for(delay).await,
        }
        request = request.next_attempt();
    }
}

fn in_words(outcome: Outcome, message: &str) -> String {
    format!("{outcome}: {message}")
}
