//! Staying: everything goes on after the demo, for whoever wants to try it by hand.
//! It changes nothing itself.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use serde_json::json;
use vaultbind_simulator::Simulator;
use vaultbind_simulator::control::{Control, Surface};
use vaultbind_simulator::event_grid::EventGrid;
use vaultbind_simulator::functions_host::FunctionsHost;

use super::estate::{WEST, cluster_id, write_event};
use super::text::say;

/// How a person runs Vaultbind's own commands against the local Azure.
pub(super) fn own_commands(executable: &Path, settings: &[(String, String)]) -> String {
    // Nothing here is https, and the terminal's other programs keep their roots.
    let settings = settings
        .iter()
        .filter(|(name, _)| !name.starts_with("SSL_"));
    let exports: Vec<String> = settings
        .map(|(name, value)| format!("  export {name}='{value}'\n"))
        .collect();
    let program = executable.display();
    format!(
        "Vaultbind's own commands see the same Azure, in another terminal:\n\n{}  {program} plan\n  \
         {program} explain berlin-1\n",
        exports.concat()
    )
}

/// Says how to go on by hand, and waits for Ctrl-C.
pub(super) async fn until_ctrl_c(
    simulator: &Simulator,
    grid: EventGrid,
    host: FunctionsHost,
) -> anyhow::Result<()> {
    let webhook = host.event_grid_endpoint("resource-event")?;
    let event = json!([write_event("my-event-1", &cluster_id(WEST, "berlin-3"))]);
    let surface = Surface {
        world: simulator.world.clone(),
        broker: simulator.broker.clone(),
        event_grid: Some(grid),
        host: Some(Arc::new(host)),
    };
    let control = Control::start(surface, 0)
        .await
        .context("the control surface cannot start")?;
    say(&format!(
        "Everything goes on, in `mode: enforce` again and with time that skips ahead to whatever is due next.\n\
         berlin-3 is still to be bound: send its event to the host, at {webhook}\n\n  \
         curl -sS -H 'aeg-event-type: Notification' -H 'content-type: application/json' \\\n    \
         '{webhook}' \\\n    -d '{event}'\n\nThen read what came of it:\n\n  \
         curl -sS http://{0}/results     the results queue\n  \
         curl -sS http://{0}/journal     every call to Azure\n  \
         curl -sS http://{0}/clusters    the clusters as ARM has them\n  \
         curl -sS http://{0}/            what else there is\n\nCtrl-C ends it.",
        control.address()
    ));
    tokio::signal::ctrl_c()
        .await
        .context("cannot wait for Ctrl-C")
}
