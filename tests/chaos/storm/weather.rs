//! What Azure and its network do in a storm: how it answers in this place, which calls fail, and which changes.
//!
//! It must not touch what people have in Azure.

use std::time::Duration;

use vaultbind_simulator::{
    faults::{Fault, FaultRule},
    journal::Service,
    state::{Ending, OperationStyle, PatchMode, RolePropagation, Unserved},
};

use super::{MOST_KILLS, Storm};

/// Api-versions that a cloud that lags behind does not serve.
const UNSERVED: [(&str, &str, &str); 5] = [
    ("Microsoft.KeyVault", "2026-02-01", "InvalidResourceType"),
    (
        "Microsoft.Authorization",
        "2022-04-01",
        "NoRegisteredProviderFound",
    ),
    (
        "Microsoft.ResourceGraph",
        "2021-03-01",
        "NoRegisteredProviderFound",
    ),
    (
        "Microsoft.NetworkCloud",
        "2021-04-01",
        "InvalidApiVersionParameter",
    ),
    (
        "Microsoft.Resources",
        "2022-12-01",
        "InvalidApiVersionParameter",
    ),
];

/// What Azure says by name.
const REFUSALS: [(u16, &str); 10] = [
    (403, "AuthorizationFailed"),
    (403, "BadRequest>LinkedAuthorizationFailed"),
    (404, "SubscriptionNotFound"),
    (409, "MissingSubscriptionRegistration"),
    (409, "ScopeLocked"),
    (400, "NoRegisteredProviderFound"),
    (404, "InvalidResourceType"),
    (400, "BadRequest>KeyVaultRequestThrottled"),
    (400, "KeyVaultAccessDenied"),
    (400, "HashConflictOnDifferentRoleAssignmentIds"),
];

impl Storm<'_> {
    /// How Azure answers in this place, which no document settles, and which does not change.
    pub(super) fn azure_is_as_it_is(&mut self) {
        let patch = self.chance.pick(&[
            PatchMode::Polls(2),
            PatchMode::Immediate,
            PatchMode::Takes(Duration::from_secs(3)),
            PatchMode::Takes(Duration::from_secs(100)),
        ]);
        let style = self.chance.pick(&[
            OperationStyle::Words,
            OperationStyle::Words,
            OperationStyle::OtherWord("Completed".to_owned()),
            OperationStyle::LocationOfCluster,
            OperationStyle::LocationOfNothing,
        ]);
        let unserved = self.chance.pick(&UNSERVED);
        let lags = self.chance.happens(30);
        let mut azure = self.town.simulator.world.azure();
        azure.behaviour.patch = patch;
        azure.behaviour.operation_style = style;
        if lags {
            let (namespace, version, code) = unserved;
            azure.behaviour.unserved.push(Unserved {
                namespace: namespace.to_owned(),
                version: version.to_owned(),
                code: code.to_owned(),
                region: String::new(),
            });
        }
    }

    /// The next change of a cluster fails in Azure, or roles take their time.
    pub(super) fn changes_go_wrong(&mut self) {
        let Some(id) = self.a_cluster() else { return };
        let ending = match self.chance.below(5) {
            0 => Ending::Failed("KeyVaultAccessDenied".to_owned()),
            1 => Ending::Failed("InternalError".to_owned()),
            2 => Ending::Failed("ResourceOperationFailure>KeyVaultAccessDenied".to_owned()),
            3 => Ending::Failed("KeyVaultServiceUnavailable".to_owned()),
            _ => Ending::Canceled,
        };
        let checks = u32::try_from(self.chance.below(3)).unwrap();
        let mut azure = self.town.simulator.world.azure();
        azure.behaviour.role_propagation = RolePropagation::Checks(checks);
        azure.set_patch(&id, PatchMode::Polls(1 + checks), ending);
        self.tally.faults += 1;
    }

    pub(super) fn a_call_fails(&mut self) {
        const CALLS: [(Service, &str, &str); 13] = [
            (Service::Identity, "GET", ""),
            (Service::Arm, "GET", "/providers/Microsoft.NetworkCloud"),
            (Service::Arm, "POST", "/register"),
            (Service::Arm, "POST", "ResourceGraph"),
            (Service::Arm, "GET", "/clusters/"),
            (Service::Arm, "GET", "/vaults/"),
            (Service::Graph, "GET", ""),
            (Service::Arm, "GET", "/roleAssignments"),
            (Service::Arm, "PUT", "/roleAssignments"),
            (Service::Arm, "PATCH", "/clusters/"),
            (Service::Arm, "GET", "/operationStatuses/"),
            (Service::ServiceBus, "POST", "/requests/"),
            (Service::ServiceBus, "POST", "/results/"),
        ];
        let (service, method, path) = self.chance.pick(&CALLS);
        let fault = self.a_fault();
        let is_kill = matches!(fault, Fault::KillHandler { .. });
        let times = if is_kill { 1 } else { 1 + self.chance.below(3) };
        let rule = FaultRule::new(service, path, fault)
            .method(method)
            .skip(self.chance.below(4))
            .times(times);
        self.town.simulator.world.faults.add(rule);
        self.tally.faults += 1;
    }

    fn a_fault(&mut self) -> Fault {
        let status = |status, retry_after| Fault::Status {
            status,
            code: format!("Chaos{status}"),
            message: "a fault of the storm".to_owned(),
            retry_after,
        };
        match self.chance.below(18) {
            14 | 15 => self.a_refusal_by_name(),
            16 => Fault::Answer {
                status: 200,
                body: "{}".to_owned(),
            },
            17 => Fault::Answer {
                status: 200,
                body: r#"{"data":[],"value":[],"count":1,"nextLink":"https://elsewhere.example/"}"#
                    .to_owned(),
            },
            0 => status(429, None),
            1 => status(429, Some(20)),
            2 => status(500, None),
            3 => status(503, Some(5)),
            4 => status(409, None),
            5 => status(412, None),
            6 => status(403, None),
            7 => status(404, None),
            8 => Fault::Html { status: 502 },
            9 => Fault::ResetBefore,
            10 => Fault::ResetAfter,
            11 => Fault::Truncate,
            12 => Fault::ExpiredToken,
            _ if self.tally.kills < MOST_KILLS => {
                self.tally.kills += 1;
                Fault::KillHandler {
                    before: self.chance.happens(50),
                }
            }
            _ => Fault::ResetAfter,
        }
    }

    fn a_refusal_by_name(&mut self) -> Fault {
        let (status, code) = self.chance.pick(&REFUSALS);
        Fault::Status {
            status,
            code: code.to_owned(),
            message: "a refusal of the storm".to_owned(),
            retry_after: None,
        }
    }
}
