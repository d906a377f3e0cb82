//! The demo: builds the binary, plays a few acts, prints what comes of each, and a table of all clusters.
//! It must not hang: every wait has a deadline, and an outcome that is not as expected is an error.

mod acts;
mod build;
mod estate;
mod play;
mod stay;
mod table;
mod text;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use vaultbind_simulator::event_grid::EventGrid;
use vaultbind_simulator::functions_host::{FunctionsHost, HostConfig};
use vaultbind_simulator::{Config, Simulator};

use play::Play;
use text::say;

/// The longest that one step may take in real time.
const SOON: Duration = Duration::from_secs(60);
/// The longest that all steps may take in real time.
const IN_ALL: Duration = Duration::from_secs(180);

/// Plays the demo, and goes on until Ctrl-C where it is to be kept.
pub(crate) async fn run(keep: bool) -> anyhow::Result<()> {
    say("Building the binary ...");
    let stage = Stage::set(build::binary()?).await?;
    let played = tokio::time::timeout(IN_ALL, stage.play()).await;
    played.map_err(|_| anyhow::anyhow!("it has not come to an end within {IN_ALL:?}"))??;
    if keep {
        let host = stage.host("enforce").await?;
        let settings = stage.settings("enforce")?;
        say(&stay::own_commands(&stage.executable, &settings));
        stay::until_ctrl_c(&stage.simulator, stage.grid.clone(), host).await?;
    }
    Ok(())
}

/// Everything but the handler, which comes and goes with the policy.
struct Stage {
    simulator: Simulator,
    grid: EventGrid,
    executable: PathBuf,
}

impl Stage {
    async fn set(executable: PathBuf) -> anyhow::Result<Self> {
        let simulator = Simulator::start(Config::default(), estate::estate()).await?;
        estate::furnish(&simulator);
        let grid = EventGrid::start(simulator.world.clone())?;
        Ok(Self {
            simulator,
            grid,
            executable,
        })
    }

    async fn play(&self) -> anyhow::Result<()> {
        let host = self.host("enforce").await?;
        say(estate::INTRODUCTION);
        let mut play = Play::new(&self.simulator);
        let acts = async {
            acts::binding(&mut play, &host).await?;
            acts::refusing(&mut play, &host).await?;
            acts::resync(&mut play, &host).await
        };
        acts.await.with_context(|| last_words(&host))?;
        drop(host);
        let host = self.host("audit").await?;
        let audit = acts::audit(&mut play, &host).await;
        audit.with_context(|| last_words(&host))?;
        let results = play.results();
        say(&table::of(&results));
        estate::check(&results)
    }

    /// Starts the handler under the policy in this mode.
    async fn host(&self, mode: &str) -> anyhow::Result<FunctionsHost> {
        let (world, broker) = (self.simulator.world.clone(), self.simulator.broker.clone());
        let mut config = HostConfig::new(build::root(), world, broker);
        config.executable = Some(self.executable.clone());
        config.environment = self.settings(mode)?;
        config.event_grid = Some(self.grid.clone());
        config.fast_forward = true;
        let host = FunctionsHost::start(config).await?;
        let ready = host.ready(SOON).await;
        ready.context("the handler does not get ready")?;
        Ok(host)
    }
}

impl Stage {
    /// The app settings, with the policy in this mode.
    fn settings(&self, mode: &str) -> anyhow::Result<Vec<(String, String)>> {
        // The policy lies beside the executable, in the target folder, wherever that is.
        let folder = self.executable.parent().unwrap_or(Path::new("."));
        let policy = estate::policy(mode, folder)?.display().to_string();
        let own = [
            ("VAULTBIND_POLICY", policy),
            ("VAULTBIND_RESYNC_SCHEDULE", "0 0 */6 * * *".to_owned()),
        ];
        let own = own.map(|(name, value)| (name.to_owned(), value));
        let mut settings = self.simulator.handler_environment();
        settings.extend(own);
        Ok(settings)
    }
}

/// What the handler said on stderr, for whoever looks into a failure.
fn last_words(host: &FunctionsHost) -> String {
    match host.stderr().last() {
        Some(line) => format!("a step has failed; the handler's last words were: {line}"),
        None => "a step has failed".to_owned(),
    }
}

/// Says why the demo failed.
pub(crate) fn complain(error: &anyhow::Error) {
    // Where nobody listens, the exit code has to do.
    let _ = writeln!(std::io::stderr(), "the demo failed: {error:#}");
}
