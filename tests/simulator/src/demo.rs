//! The demo: builds the binary, plays a few acts, prints what comes of each, and a table of all clusters.
//! It must not hang: every wait has a deadline, and an outcome that is not as expected is an error.

mod build;
mod estate;
mod play;
mod table;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use vaultbind_simulator::control::{Control, Surface};
use vaultbind_simulator::event_grid::EventGrid;
use vaultbind_simulator::functions_host::{FunctionsHost, HostConfig};
use vaultbind_simulator::{Config, Simulator};

use play::Play;

/// The longest that anything may take in real time.
const SOON: Duration = Duration::from_secs(60);

/// Plays the demo, and goes on until Ctrl-C where it is to be kept.
pub(crate) async fn run(keep: bool) -> anyhow::Result<()> {
    say("Building the binary ...");
    let executable = build::binary()?;
    let simulator = Simulator::start(
        Config {
            emit_events: false,
            ..Config::default()
        },
        estate::estate(),
    )
    .await?;
    estate::furnish(&simulator);
    let grid = EventGrid::start(simulator.world.clone())?;
    let policy = estate::policy("enforce")?;
    let host = Arc::new(host(&simulator, &grid, executable.clone(), &policy).await?);
    simulator.world.azure().behaviour.emit_events = true;

    say(estate::INTRODUCTION);
    let mut play = Play::new(&simulator);
    estate::acts(&mut play, &host, &grid).await?;
    let host = if keep {
        host
    } else {
        drop(host);
        let audit = estate::policy("audit")?;
        let host = Arc::new(self::host(&simulator, &grid, executable, &audit).await?);
        estate::audit_act(&mut play, &host).await?;
        host
    };
    let results = play.results();
    say(&table::of(&results));
    estate::check(&results, keep)?;
    if keep {
        stay(simulator, grid, host).await
    } else {
        Ok(())
    }
}

async fn host(
    simulator: &Simulator,
    grid: &EventGrid,
    executable: PathBuf,
    policy: &std::path::Path,
) -> anyhow::Result<FunctionsHost> {
    let mut config = HostConfig::new(
        build::root(),
        simulator.world.clone(),
        simulator.broker.clone(),
    );
    config.executable = Some(executable);
    config.environment = simulator.handler_environment();
    config
        .environment
        .push(("VAULTBIND_POLICY".to_owned(), policy.display().to_string()));
    config.environment.push((
        "VAULTBIND_RESYNC_SCHEDULE".to_owned(),
        "0 0 */6 * * *".to_owned(),
    ));
    config.event_grid = Some(grid.clone());
    config.fast_forward = true;
    let host = FunctionsHost::start(config).await?;
    host.ready(SOON)
        .await
        .context("the handler does not get ready")?;
    Ok(host)
}

/// Says how to go on by hand, and waits for Ctrl-C.
async fn stay(
    simulator: Simulator,
    grid: EventGrid,
    host: Arc<FunctionsHost>,
) -> anyhow::Result<()> {
    let endpoint = host.event_grid_endpoint("resource-event")?;
    let event = estate::event_to_send(&simulator);
    let surface = Surface {
        world: simulator.world.clone(),
        broker: simulator.broker.clone(),
        event_grid: Some(grid),
        host: Some(host),
    };
    let control = Control::start(surface, 0).await?;
    say(&format!(
        "Everything goes on. Send an event of your own:\n\n  curl -sS -H 'aeg-event-type: Notification' -H 'content-type: application/json' \\\n    \
         -d '{event}' \\\n    '{endpoint}'\n\nand read what came of it:\n\n  curl -sS http://{0}/results     the results queue\n  \
         curl -sS http://{0}/journal     every call to Azure\n  curl -sS http://{0}/clusters    the clusters as ARM has them\n  \
         curl -sS http://{0}/            what else there is\n\nCtrl-C ends it.",
        control.address()
    ));
    tokio::signal::ctrl_c()
        .await
        .context("cannot wait for Ctrl-C")
}

/// Prints a line or more.
#[expect(clippy::print_stdout, reason = "a demo is there to be read")]
fn say(text: &str) {
    println!("{text}");
}

/// Says why the demo failed.
#[expect(
    clippy::print_stderr,
    reason = "the reason of a failure belongs on stderr"
)]
pub(crate) fn complain(error: &anyhow::Error) {
    eprintln!("the demo failed: {error:#}");
}
