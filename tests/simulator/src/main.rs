//! The simulator as a program: an empty world and its control surface, until Ctrl-C.
//! It decides nothing; everything is in the library.

use anyhow::Context as _;
use vaultbind_simulator::control::{Control, Surface};
use vaultbind_simulator::event_grid::EventGrid;
use vaultbind_simulator::{Config, Estate, Simulator};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let simulator = Simulator::start(Config::default(), Estate::new()).await?;
    let event_grid = Some(EventGrid::start(simulator.world.clone())?);
    let (world, broker) = (simulator.world.clone(), simulator.broker.clone());
    let control = Control::start(
        Surface {
            world,
            broker,
            event_grid,
            host: None,
        },
        0,
    )
    .await?;
    say(&format!("http://{}/", control.address()));
    for (name, value) in simulator.handler_environment() {
        say(&format!("{name}={value}"));
    }
    tokio::signal::ctrl_c()
        .await
        .context("cannot wait for Ctrl-C")
}

#[expect(clippy::print_stdout, reason = "a program tells where it listens")]
fn say(line: &str) {
    println!("{line}");
}
