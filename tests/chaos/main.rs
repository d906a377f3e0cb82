//! The chaos run: for each seed a random estate, then a storm of changes, events, faults, kills and handlers that
//! overlap; then calm and one sweep, after which everything has to be where the policy says.
//!
//! It must not look into the binary, nor take the product's word for what is right: `oracle` works that out anew.
//! `cargo chaos --seed 17` replays one seed, `cargo chaos --seeds 5000` runs as many.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a run ends where something is not as it has to be, and says so"
)]

mod estate;
mod invariants;
mod oracle;
mod storm;
#[expect(dead_code, reason = "the end-to-end tests use all of it")]
#[path = "../e2e/town.rs"]
mod town;

use std::{process::ExitCode, sync::Arc};

use tokio::sync::Semaphore;
use vaultbind_simulator::event_grid::{Chance, Mischief};

use estate::Land;
use storm::{PATIENCE, Tally};
use town::{SOON, Town};

/// How many seeds a run has that is not told otherwise: two pages state it.
const SEEDS: u64 = 200;
/// How many seeds run side by side: most of them wait for a handler that starts.
const TOWNS: usize = 12;

/// Which seeds to run, or none where the arguments ask for something else of a test program.
fn seeds(arguments: &[String]) -> Result<Vec<u64>, String> {
    let number = |at: usize| {
        let text = arguments.get(at + 1).ok_or("a number is missing")?;
        text.parse::<u64>()
            .map_err(|error| format!("`{text}` is no number: {error}"))
    };
    for (at, argument) in arguments.iter().enumerate() {
        match argument.as_str() {
            "--seed" => return Ok(vec![number(at)?]),
            "--seeds" => return Ok((1..=number(at)?).collect()),
            // What test runners ask before they run anything.
            "--list" => {
                if !arguments.iter().any(|it| it == "--ignored") {
                    println!("chaos: test");
                }
                return Ok(Vec::new());
            }
            _ => {}
        }
    }
    // A filter that names another test is not for this one.
    let filters: Vec<&String> = arguments.iter().filter(|it| !it.starts_with('-')).collect();
    let is_meant = filters.is_empty() || filters.iter().any(|it| "chaos".contains(it.as_str()));
    Ok(if is_meant {
        (1..=SEEDS).collect()
    } else {
        Vec::new()
    })
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let seeds = match seeds(&arguments) {
        Ok(seeds) => seeds,
        Err(why) => {
            println!("{why}\nusage: cargo chaos [--seed N | --seeds N]");
            return ExitCode::from(2);
        }
    };
    if seeds.is_empty() {
        return ExitCode::SUCCESS;
    }
    for page in ["tests/README.md", "SECURITY.md"] {
        let stated = std::fs::read_to_string(town::root().join(page)).unwrap();
        assert!(
            stated.contains(&format!("{SEEDS} seeds")),
            "{page} states another number of seeds than {SEEDS}"
        );
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(run_all(seeds))
}

async fn run_all(seeds: Vec<u64>) -> ExitCode {
    let towns = Arc::new(Semaphore::new(TOWNS));
    let mut runs = Vec::new();
    // Whoever replays one seed wants to see it.
    let tells = seeds.len() == 1;
    for seed in seeds {
        let towns = Arc::clone(&towns);
        let run = async move {
            let _one = towns.acquire().await.unwrap();
            run(seed, tells).await
        };
        runs.push((seed, tokio::spawn(run)));
    }
    let (mut sum, mut failed) = (Tally::default(), Vec::new());
    let count = runs.len();
    for (seed, run) in runs {
        match run.await {
            Ok(tally) => sum += tally,
            Err(_) => failed.push(seed),
        }
    }
    println!("chaos: {count} seeds, {sum}");
    for seed in &failed {
        println!("seed {seed} failed; replay it: cargo chaos --seed {seed}");
    }
    ExitCode::from(u8::from(!failed.is_empty()))
}

/// One seed: storm, calm, sweep, check, and a second sweep that must change nothing.
async fn run(seed: u64, tells: bool) -> Tally {
    let mut chance = Chance::new(seed);
    let mut land = Land::draw(&mut chance);
    let town = land.plan().open().await;
    land.look_at(&town);
    let mut tally = storm::rage(&town, &mut land, &mut chance).await;
    calm(&town, &land).await;
    sweep(&town).await;
    let before = town.writes().len();
    invariants::check(seed, &town, &land);
    sweep(&town).await;
    let writes = &town.writes()[before..];
    assert!(
        writes.is_empty(),
        "seed {seed}: a second sweep changes {writes:#?}\n{}",
        town.account()
    );
    if tells {
        println!("{}", town.account());
    }
    tally.add(&town);
    tally
}

/// Nothing goes wrong any more, and a fresh handler sees all there is.
async fn calm(town: &Town, land: &Land) {
    let world = &town.simulator.world;
    world.faults.clear();
    town.grid.set_mischief(Mischief::default());
    {
        let mut azure = world.azure();
        azure.resource_graph.release();
        azure.behaviour.ending = vaultbind_simulator::state::Ending::Checked;
        for cluster in land.names() {
            if let Some(id) = azure.cluster_id(cluster) {
                azure.reset_patch(&id);
            }
        }
    }
    town.settle_within(PATIENCE).await;
    // A change that nobody follows any more comes to its end all the same.
    world.clock.advance(std::time::Duration::from_secs(600));
    // What a handler keeps for half a minute is older than that in the time that was skipped.
    town.host.restart(SOON).await.unwrap();
}

/// The timer's sweep; the queue does not take it for a repeat of an earlier one.
async fn sweep(town: &Town) {
    town.simulator.broker.forget_duplicates("requests").unwrap();
    town.host.tick("resync").await.unwrap();
    town.settle_within(PATIENCE).await;
}
