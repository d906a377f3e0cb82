//! Commands that change how Azure behaves: faults, slowness, stale answers, missing rights.
//!
//! It must not change what there is.

use std::time::Duration;

use vaultbind_simulator::{
    faults::{Fault, FaultRule},
    functions_host::EventForm,
    journal::Service,
    state::{Azure, Ending, OperationStyle, PatchMode, Registration, RolePropagation, Unserved},
};

use super::Stage;
use crate::{
    scenario::script::Command,
    town::{EAST, WEST},
};

fn service(word: &str) -> Service {
    match word {
        "arm" => Service::Arm,
        "graph" => Service::Graph,
        "identity" => Service::Identity,
        "servicebus" => Service::ServiceBus,
        other => panic!("there is no service `{other}`"),
    }
}

/// `fault arm PATCH clusters status=503 times=2 skip=1 query=2026-10-01`
fn fault(command: &Command) -> FaultRule {
    let number = |name: &str| command.option(name).map(|it| it.parse::<u64>().unwrap());
    let fault = if let Some(status) = number("status") {
        Fault::Status {
            status: u16::try_from(status).unwrap(),
            code: command.option("code").unwrap_or("Injected").to_owned(),
            message: "a fault of the script".to_owned(),
            retry_after: number("retry-after"),
        }
    } else if let Some(body) = command.option("body") {
        Fault::Answer {
            status: 200,
            body: body.to_owned(),
        }
    } else {
        match command.word(4) {
            "hang" => Fault::Hang,
            "reset-before" => Fault::ResetBefore,
            "reset-after" => Fault::ResetAfter,
            "truncate" => Fault::Truncate,
            "kill-before" => Fault::KillHandler { before: true },
            "kill-after" => Fault::KillHandler { before: false },
            "expired-token" => Fault::ExpiredToken,
            other => panic!("there is no fault `{other}`"),
        }
    };
    let times = number("times").map_or(1, |it| usize::try_from(it).unwrap());
    let skip = number("skip").map_or(0, |it| usize::try_from(it).unwrap());
    FaultRule::new(service(command.word(1)), command.word(3), fault)
        .method(command.word(2))
        .query(command.option("query").unwrap_or_default())
        .times(times)
        .skip(skip)
}

impl Stage {
    /// Is it a command that interferes? Then it is carried out.
    pub(super) fn interfere(&self, command: &Command) -> bool {
        match command.word(0) {
            "fault" => self.town().simulator.world.faults.add(fault(command)),
            "faults-end" => self.town().simulator.world.faults.clear(),
            "behave" => command
                .others(&[])
                .for_each(|(name, value)| self.behave(name, value)),
            "deliveries" => {
                let count = command.word(1).parse().unwrap();
                let broker = &self.town().simulator.broker;
                broker.set_max_delivery_count("requests", count).unwrap();
            }
            "hide" => {
                let id = self.id(command.word(1));
                self.azure(|it| it.resource_graph.hide(&id));
            }
            "stale" => {
                let id = self.id(command.word(1));
                self.azure(|it| it.lag(&id));
            }
            "release" => self.azure(|it| it.resource_graph.release()),
            "deny" => self.azure(|it| it.deny(command.word(1), "/")),
            "deny-on" => {
                let id = self.id(command.word(2));
                self.azure(|it| it.deny(command.word(1), &id));
            }
            "allow" => self.azure(Azure::allow_all),
            "late" => {
                let id = self.id(command.word(1));
                self.azure(|it| {
                    it.delay_reads(&id, command.option("reads").unwrap().parse().unwrap())
                });
            }
            "wrap-events" => self.town().host.set_event_form(EventForm::DoublyEncoded),
            _ => return false,
        }
        true
    }

    fn behave(&self, name: &str, value: &str) {
        let (word, argument) = value.split_once(':').unwrap_or((value, ""));
        self.azure(|azure| match (name, word) {
            ("patch" | "ending" | "operations" | "operation-url", _) => {
                change_as(azure, name, value)
            }
            ("roles", "checks") => {
                let checks = argument.parse().unwrap();
                azure.behaviour.role_propagation = RolePropagation::Checks(checks);
            }
            ("roles", "minutes") => {
                let minutes: u64 = argument.parse().unwrap();
                let time = Duration::from_secs(minutes * 60);
                azure.behaviour.role_propagation = RolePropagation::Time(time);
            }
            ("invisible", subscription) => {
                let id = if subscription == "west" { WEST } else { EAST };
                azure.subscription_mut(id).unwrap().is_visible = false;
            }
            ("registered", "no") => {
                azure.subscription_mut(WEST).unwrap().registration = Registration::NotRegistered
            }
            ("settings", "merged") => azure.behaviour.settings_merge = true,
            ("graph", "forbidden") => azure.behaviour.graph_forbidden = true,
            ("versions", _) => {
                let versions = value.split(',').map(ToOwned::to_owned).collect();
                azure.subscription_mut(WEST).unwrap().cluster_api_versions = versions;
            }
            ("unserved", namespace) => azure.behaviour.unserved.push(unserved(namespace, argument)),
            ("queries", "cut") => azure.behaviour.cut_queries = true,
            ("queries", "whole") => azure.behaviour.cut_queries = false,
            ("quota-left", _) => {
                azure.behaviour.remaining_reads = value.parse().unwrap();
                azure.behaviour.remaining_writes = value.parse().unwrap();
            }
            ("principals", "none") => {
                for principal in azure.platform_principals() {
                    azure.remove_principal(&principal);
                }
            }
            ("principals", "present") => azure.add_platform_apps(),
            ("typed-principals", "unchecked") => azure.behaviour.look_up_typed_principals = false,
            ("archive", "unchecked") => azure.behaviour.check_archive = false,
            other => panic!("there is no behaviour {other:?}"),
        });
    }
}

/// How changes of clusters go on and end, and how that is told.
fn change_as(azure: &mut Azure, name: &str, value: &str) {
    let (word, argument) = value.split_once(':').unwrap_or((value, ""));
    let number = || argument.parse::<u32>().unwrap();
    let behaviour = &mut azure.behaviour;
    match (name, word) {
        ("patch", "immediate") => behaviour.patch = PatchMode::Immediate,
        ("patch", "polls") => behaviour.patch = PatchMode::Polls(number()),
        ("patch", "seconds") => {
            behaviour.patch = PatchMode::Takes(Duration::from_secs(number().into()));
        }
        ("ending", "checked") => behaviour.ending = Ending::Checked,
        ("ending", "failed") => behaviour.ending = Ending::Failed(argument.to_owned()),
        ("ending", "canceled") => behaviour.ending = Ending::Canceled,
        ("ending", "never") => behaviour.ending = Ending::Never,
        ("operation-url", _) => behaviour.operation_url = Some(value.to_owned()),
        ("operations", "forgotten") => azure.forget_operations(),
        ("operations", "end-in") => {
            behaviour.operation_style = OperationStyle::OtherWord(argument.to_owned());
        }
        ("operations", "location-of-cluster") => {
            behaviour.operation_style = OperationStyle::LocationOfCluster;
        }
        ("operations", "location-of-nothing") => {
            behaviour.operation_style = OperationStyle::LocationOfNothing;
        }
        other => panic!("changes do not behave as {other:?}"),
    }
}

/// `unserved=Microsoft.KeyVault:2026-02-01:InvalidResourceType:eastus`: version, code and region, each may be left out.
fn unserved(namespace: &str, rest: &str) -> Unserved {
    let mut parts = rest.split(':').map(ToOwned::to_owned);
    let version = parts.next().unwrap_or_default();
    let code = parts.next().filter(|code| !code.is_empty());
    Unserved {
        namespace: namespace.to_owned(),
        version,
        code: code.unwrap_or_else(|| "NoRegisteredProviderFound".to_owned()),
        region: parts.next().unwrap_or_default(),
    }
}
