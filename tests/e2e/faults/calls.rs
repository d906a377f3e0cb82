//! The rows of the fault matrix: every call that the product makes, and every way in which it fails.
//!
//! It must not run anything.

use vaultbind_simulator::{
    faults::{Fault, FaultRule},
    journal::Service,
    state::Ending,
};

/// What leads to the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scene {
    /// A fresh binding by the platform apps.
    Binding,
    /// The same in a subscription that is not registered yet.
    Registration,
    /// The same by the identity of the cluster manager.
    Manager,
    /// A sweep that finds the cluster.
    Sweep,
    /// A cluster whose vault was deleted, and that may move then.
    Orphan,
    /// The same, and the vault was purged.
    Purged,
}

/// A call: its name, whom it goes to, and how it is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    pub(super) name: &'static str,
    pub(super) scene: Scene,
    pub(super) service: Service,
    pub(super) method: &'static str,
    path: &'static str,
    at_the_end: bool,
    query: &'static str,
    skip: usize,
}

const fn target(
    name: &'static str,
    service: Service,
    method: &'static str,
    path: &'static str,
) -> Target {
    Target {
        name,
        scene: Scene::Binding,
        service,
        method,
        path,
        at_the_end: true,
        query: "",
        skip: 0,
    }
}

const fn token(name: &'static str, audience: &'static str) -> Target {
    Target {
        query: audience,
        ..target(name, Service::Identity, "GET", "/token")
    }
}

impl Target {
    const fn within(self) -> Self {
        Self {
            at_the_end: false,
            ..self
        }
    }

    /// After so many of them have passed.
    const fn skip(self, skip: usize) -> Self {
        Self { skip, ..self }
    }

    const fn scene(self, scene: Scene) -> Self {
        Self { scene, ..self }
    }

    /// The fault befalls this call so many times.
    pub(super) fn struck_by(self, fault: Fault, times: usize) -> FaultRule {
        let rule = FaultRule::new(self.service, self.path, fault)
            .method(self.method)
            .query(self.query)
            .skip(self.skip)
            .times(times);
        if self.at_the_end {
            rule.at_the_end()
        } else {
            rule
        }
    }

    /// Is the call made before there is a request, or to give one back? Then the queue or Event Grid counts the tries.
    pub(super) fn is_sending(self) -> bool {
        self.service == Service::ServiceBus || self.query == SERVICE_BUS
    }
}

impl Target {
    /// Does it tell of what came of a request? Where it cannot, the request is put off.
    pub(super) fn is_telling(self) -> bool {
        self.name == "send result"
    }

    /// Would it prove that a vault is deleted? It is asked for ten minutes and no longer.
    pub(super) fn is_proof(self) -> bool {
        ["deleted vaults", "name of a vault"].contains(&self.name)
    }

    /// Is it asked but once, whatever comes of it?
    pub(super) fn is_asked_once(self) -> bool {
        self.name == "subscriptions"
    }

    /// Does a look make two of them, or more, side by side?
    pub(super) fn is_one_of_two(self) -> bool {
        let name = self.name;
        [
            "Graph",
            "token for Graph",
            "token for ARM",
            "name of a vault",
        ]
        .contains(&name)
            || name.contains("role")
    }
}

const SERVICE_BUS: &str = "servicebus";

/// Every call, in the order in which a binding makes them.
pub(super) const TARGETS: [Target; 25] = [
    token("token for Service Bus", SERVICE_BUS),
    target(
        "send request",
        Service::ServiceBus,
        "POST",
        "/requests/messages",
    ),
    token("token for ARM", "management.azure"),
    target("subscriptions", Service::Arm, "GET", "/subscriptions").scene(Scene::Sweep),
    target("sweep's page", Service::Arm, "POST", "/resources").scene(Scene::Sweep),
    target(
        "registration",
        Service::Arm,
        "GET",
        "/Microsoft.NetworkCloud",
    ),
    target("register", Service::Arm, "POST", "/register").scene(Scene::Registration),
    target("cluster", Service::Arm, "GET", "/clusters/c1"),
    target(
        "subscription",
        Service::Arm,
        "GET",
        "/subscriptions/11111111-1111-1111-1111-111111111111",
    ),
    target("vaults of a boundary", Service::Arm, "GET", "/vaults"),
    target("vault", Service::Arm, "GET", "/vaults/kv-a"),
    target("vault by its address", Service::Arm, "POST", "/resources")
        .scene(Scene::Orphan)
        .skip(1),
    target("deleted vaults", Service::Arm, "GET", "/deletedVaults").scene(Scene::Orphan),
    target(
        "name of a vault",
        Service::Arm,
        "POST",
        "/checkNameAvailability",
    )
    .scene(Scene::Purged),
    token("token for Graph", "graph.microsoft"),
    target("Graph", Service::Graph, "GET", "").within(),
    target(
        "cluster manager",
        Service::Arm,
        "GET",
        "/clusterManagers/cm1",
    )
    .scene(Scene::Manager),
    target("role list", Service::Arm, "GET", "/roleAssignments"),
    target("role assignment", Service::Arm, "PUT", "/roleAssignments/").within(),
    target("PATCH", Service::Arm, "PATCH", "/clusters/c1"),
    target(
        "send retry",
        Service::ServiceBus,
        "POST",
        "/requests/messages",
    )
    .skip(1),
    target("operation", Service::Arm, "GET", "/operationStatuses/").within(),
    // The second is that of our own write, which came back as an event.
    target("reading back", Service::Arm, "GET", "/clusters/c1").skip(2),
    target(
        "reading roles back",
        Service::Arm,
        "GET",
        "/roleAssignments",
    )
    .skip(2),
    target(
        "send result",
        Service::ServiceBus,
        "POST",
        "/results/messages",
    ),
];

/// What befalls a call, or what becomes of the change that it began.
#[derive(Debug, Clone)]
pub(super) enum Trouble {
    Fault(Fault),
    Ending(Ending),
}

/// A trouble with its name.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) name: &'static str,
    pub(super) trouble: Trouble,
    /// Does it say of itself that it passes?
    pub(super) passes: bool,
}

fn status(status: u16, retry_after: Option<u64>) -> Fault {
    Fault::Status {
        status,
        code: format!("Injected{status}"),
        message: "a fault of the matrix".to_owned(),
        retry_after,
    }
}

fn fault(name: &'static str, fault: Fault) -> Named {
    Named {
        name,
        trouble: Trouble::Fault(fault),
        passes: true,
    }
}

fn refusal(name: &'static str, code: u16) -> Named {
    Named {
        passes: false,
        ..fault(name, status(code, None))
    }
}

fn ending(name: &'static str, ending: Ending) -> Named {
    Named {
        name,
        trouble: Trouble::Ending(ending),
        passes: false,
    }
}

/// The faults that befall every call: those that pass, and those that are a refusal.
pub(super) fn faults() -> Vec<Named> {
    vec![
        fault("429", status(429, None)),
        fault("429 for 40 s", status(429, Some(40))),
        fault("500", status(500, None)),
        fault("502 with a page", Fault::Html { status: 502 }),
        fault("503", status(503, None)),
        fault("time-out", Fault::Hang),
        fault("reset before", Fault::ResetBefore),
        fault("reset after", Fault::ResetAfter),
        fault("body cut short", Fault::Truncate),
        fault("401, token expired", Fault::ExpiredToken),
        fault("lock lost", Fault::LoseLock),
        fault("409", status(409, None)),
        fault("412", status(412, None)),
        refusal("400", 400),
        refusal("403", 403),
        refusal("404", 404),
    ]
}

/// What may become of a PATCH that ARM took on.
pub(super) fn endings() -> Vec<Named> {
    let failed = |code: &str| Ending::Failed(code.to_owned());
    vec![
        ending("operation fails", failed("InternalError")),
        ending(
            "operation fails for want of access",
            failed("KeyVaultAccessDenied"),
        ),
        ending("operation canceled", Ending::Canceled),
        ending("operation never ends", Ending::Never),
    ]
}
