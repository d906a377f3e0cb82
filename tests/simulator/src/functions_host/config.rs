//! What a host is started with.
//! These are plain choices; nothing here acts on them.

use std::path::PathBuf;

use url::Url;

use crate::World;
use crate::event_grid::EventGrid;
use crate::service_bus::Broker;

/// What a host needs to start.
#[derive(Clone, Debug)]
pub struct HostConfig {
    /// The folder of `host.json`.
    pub app_root: PathBuf,
    /// The handler's program, where it is not the one that `host.json` names.
    pub executable: Option<PathBuf>,
    /// A server to take for the handler instead of starting a process.
    pub attach: Option<Url>,
    /// App settings beside the environment that the host itself runs in.
    pub environment: Vec<(String, String)>,
    /// The world whose clock, journal and faults count.
    pub world: World,
    /// The namespace whose queues trigger functions.
    pub broker: Broker,
    /// The Event Grid that the host's Event Grid functions subscribe to.
    pub event_grid: Option<EventGrid>,
    /// Whether timers run by their schedule; otherwise they run when they are asked to.
    pub timers: bool,
    /// Whether idle time is skipped; a timer's next occurrence is not skipped to.
    pub fast_forward: bool,
    /// The port of the host's own endpoints; 0 is a free one.
    pub port: u16,
}

impl HostConfig {
    /// A host for the app under `app_root`, in real time and without Event Grid.
    #[must_use]
    pub fn new(app_root: impl Into<PathBuf>, world: World, broker: Broker) -> Self {
        Self {
            app_root: app_root.into(),
            executable: None,
            attach: None,
            environment: Vec::new(),
            world,
            broker,
            event_grid: None,
            timers: false,
            fast_forward: false,
            port: 0,
        }
    }
}
