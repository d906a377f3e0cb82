//! Scenarios: readable scripts under `tests/scenarios`, run against the real binary; what came of each command stands
//! below it. They are documentation first: a script must read well without knowing this file.
//! The lines of a step are sorted: order is for other tests to show.

mod script;
mod stage;

use std::{path::PathBuf, sync::Arc};

use tokio::sync::Semaphore;

use crate::town::root;

/// How many towns there are at a time.
const TOWNS: usize = 4;

fn scripts() -> Vec<PathBuf> {
    let folder = root().join("tests/scenarios");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    paths.retain(|it| it.extension().is_some_and(|it| it == "txt"));
    paths.sort();
    paths
}

#[tokio::test(flavor = "multi_thread")]
async fn every_scenario_ends_as_it_says() {
    let only = std::env::var("SCENARIO").unwrap_or_default();
    let paths: Vec<PathBuf> = scripts()
        .into_iter()
        .filter(|it| it.display().to_string().contains(&only))
        .collect();
    assert!(!paths.is_empty(), "no scenario is called `{only}`");
    let towns = Arc::new(Semaphore::new(TOWNS));
    let runs: Vec<_> = paths
        .into_iter()
        .map(|path| {
            let towns = Arc::clone(&towns);
            tokio::spawn(async move {
                let _one = towns.acquire().await.unwrap();
                let text = std::fs::read_to_string(&path).unwrap();
                let ran = tokio::spawn(async move { script::run(&text).await }).await;
                (path, ran)
            })
        })
        .collect();
    let mut failed = Vec::new();
    for run in runs {
        let (path, ran) = run.await.unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        match ran {
            Ok(actual) if std::fs::read_to_string(&path).unwrap() == actual => {}
            Ok(actual) if std::env::var_os("UPDATE_EXPECT").is_some() => {
                std::fs::write(&path, actual).unwrap()
            }
            Ok(actual) => failed.push(format!("{name} now reads:\n{actual}")),
            Err(panic) => failed.push(format!("{name} panicked: {panic}")),
        }
    }
    assert!(
        failed.is_empty(),
        "UPDATE_EXPECT=1 writes them anew\n\n{}",
        failed.join("\n\n")
    );
    if only.is_empty() {
        let never = crate::rights::never_used();
        assert!(
            never.is_empty(),
            "the template grants what nothing uses: {never:?}"
        );
    }
}
