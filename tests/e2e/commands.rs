//! The commands about clusters, against the local Azure: offline as live, whatever Azure's names hold, at the pace of the quotas.

mod apply;
mod capture;

use std::{
    path::PathBuf,
    process::{Output, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::process::{Child, Command};
use vaultbind_simulator::{
    ClusterSpec, Config, Estate, ManagerSpec, Simulator, SubscriptionSpec, VaultSpec,
    faults::{Fault, FaultRule},
    journal::Service,
    state::Azure,
};

use crate::{
    binding::vault,
    town::{EAST, POLICY, SOON, WEST, write_event, write_policy},
};

/// A person's desk: the binary, a policy, a local Azure.
struct Desk {
    simulator: Simulator,
    policy: PathBuf,
}

impl Desk {
    async fn new(estate: Estate, policy: &str) -> Self {
        let simulator = Simulator::start(Config::default(), estate).await.unwrap();
        Self {
            simulator,
            policy: write_policy(policy),
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vaultbind"));
        command
            .args(arguments)
            .env_clear()
            .envs(self.simulator.handler_environment())
            .env("VAULTBIND_POLICY", &self.policy)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        ended(self.command(arguments).spawn().unwrap()).await
    }

    /// What a command prints that goes well.
    async fn prints(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments).await;
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
        text(&output.stdout)
    }

    /// A file beside the policy.
    fn file(&self, name: &str) -> String {
        format!("{}.{name}", self.policy.display())
    }

    fn azure(&self, act: impl FnOnce(&mut Azure)) {
        act(&mut self.simulator.world.azure());
    }

    /// Waits until as many calls have changed Azure.
    async fn writes(&self, count: usize) {
        let enough = async {
            while self.simulator.world.journal.writes().len() < count {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(SOON, enough).await.expect("it writes");
    }
}

async fn ended(child: Child) -> Output {
    let ended = tokio::time::timeout(SOON, child.wait_with_output());
    ended.await.expect("it ends").unwrap()
}

fn text(output: &[u8]) -> String {
    String::from_utf8(output.to_vec()).unwrap()
}

fn at(site: &str, name: &str) -> ClusterSpec {
    ClusterSpec::new(name).tag("site", site)
}

/// Something of everything that a decision can meet.
fn estate() -> Estate {
    let by_address = |vault: &str| {
        json!({
            "vaultUri": format!("https://{vault}.vault.azure.net/"),
            "associatedIdentity": { "identityType": "SystemAssignedIdentity" },
        })
    };
    Estate::new()
        .platform_apps()
        .subscription(SubscriptionSpec::new(EAST).unregistered())
        .cluster(at("a", "c-east"))
        .subscription(WEST)
        .vault(vault("kv-a", "a"))
        .vault(vault("kv-b", "b").rbac(None))
        .vault(vault("kv-d-1", "d"))
        .vault(vault("kv-d-2", "d"))
        .vault(vault("kv-f", "f"))
        .vault(
            VaultSpec::new("kv-x")
                .group("rg-elsewhere")
                .tag("site", "a"),
        )
        .manager(ManagerSpec::new("m-1").system_identity())
        .grant_platform_apps("kv-a")
        .cluster(at("a", "c-fresh"))
        .cluster(at("a", "c-right").archive("kv-a"))
        .cluster(at("a", "c-held").archive("kv-f"))
        .cluster(at("a", "c-own").system_identity())
        .cluster(at("a", "c-managed").manager("m-1"))
        .cluster(at("a", "c-busy").provisioning_state("Updating"))
        .cluster(at("b", "c-rejected"))
        .cluster(at("d", "c-ambiguous"))
        .cluster(
            at("f", "c-settings")
                .system_identity()
                .settings(by_address("kv-f")),
        )
        .cluster(
            at("f", "c-unseen")
                .system_identity()
                .settings(by_address("kv-nobodys")),
        )
        .cluster(at("a", "c-exempt"))
        .cluster(ClusterSpec::new("c-untagged"))
}

fn policy() -> String {
    let exemption = "exemptions:
  - { clusters: ['**/c-exempt'], owner: team-edge, reason: lab, until: 2999-12-31 }
";
    POLICY.replace("writer: platform-apps", "writer: auto") + exemption
}

#[tokio::test]
async fn an_estate_answers_as_azure_does() {
    let desk = Desk::new(estate(), &policy()).await;
    let file = desk.file("estate.json");
    desk.prints(&["capture", "--output", &file]).await;
    for output in ["table", "json"] {
        let plan = ["plan", "--output", output];
        let live = desk.prints(&plan).await;
        let offline = desk
            .prints(&[&plan[..], &["--estate", &file]].concat())
            .await;
        assert_eq!(live, offline);
    }
    let event = desk.file("event.json");
    let vault = desk.simulator.world.azure().vault_id("kv-a").unwrap();
    let written = write_event("e-1", &vault, "Microsoft.KeyVault/vaults/write");
    std::fs::write(&event, written.to_string()).unwrap();
    let plan = ["plan", "--event", &event];
    let live = desk.prints(&plan).await;
    let offline = desk
        .prints(&[&plan[..], &["--estate", &file]].concat())
        .await;
    assert_eq!(live, offline);
    assert!(live.contains("\n    PATCH "), "{live}");
    let plan: Value = serde_json::from_str(
        &desk
            .prints(&["plan", "--output", "json", "--estate", &file])
            .await,
    )
    .unwrap();
    let clusters = plan["clusters"].as_array().unwrap();
    assert_eq!(clusters.len(), 13);
    for cluster in clusters {
        assert_eq!(cluster["assumed"], json!([]), "{cluster}");
        for output in ["table", "json"] {
            let id = cluster["clusterId"].as_str().unwrap();
            let explain = ["explain", id, "--output", output];
            let live = desk.prints(&explain).await;
            let offline = desk
                .prints(&[&explain[..], &["--estate", &file]].concat())
                .await;
            assert_eq!(live, offline);
        }
    }
    let outcomes: std::collections::BTreeSet<&str> = clusters
        .iter()
        .map(|it| it["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(
        Vec::from_iter(outcomes),
        [
            "ambiguous",
            "bound",
            "exempt",
            "held",
            "orphaned",
            "planned",
            "rejected",
            "unmatched",
            "waiting"
        ]
    );
}

/// What a terminal obeys: an escape sequence, its one-character form, a bell, a mark that reorders, a line of its own.
const HOSTILE: &str = "a\u{1b}]0;title\u{7}\u{9b}2J\u{202e}\r\nc1  bound";

#[tokio::test]
async fn nothing_of_azure_is_obeyed_by_a_terminal() {
    let cluster = at("a", "c1").tag("note", HOSTILE).location(HOSTILE);
    let cluster = cluster.detailed_status(HOSTILE);
    let estate = Estate::new()
        .platform_apps()
        .subscription(EAST)
        .subscription(WEST);
    let estate = estate.vault(vault("kv-a", HOSTILE)).cluster(cluster);
    let desk = Desk::new(estate.cluster(at("a", "c2")), POLICY).await;
    let refusal = Fault::Status {
        status: 403,
        code: HOSTILE.to_owned(),
        message: HOSTILE.to_owned(),
        retry_after: None,
    };
    let refuse = FaultRule::new(Service::Arm, "clusters/c2", refusal).method("GET");
    desk.simulator.world.faults.add(refuse.times(99));
    let file = desk.file("estate.json");
    for arguments in [
        "explain c1",
        "explain c1 --output json",
        "explain c2",
        "plan",
        "plan --output json",
        "apply --yes",
        "capture",
        "capture --output FILE",
        "explain c1 --estate FILE",
        "plan --estate FILE",
    ] {
        let arguments = arguments.replace("FILE", &file);
        let words: Vec<&str> = arguments.split(' ').collect();
        let output = desk.run(&words).await;
        let shown = text(&output.stdout) + &text(&output.stderr);
        assert!(shown.contains("title"), "{arguments}: {shown}");
        let obeyed = |it: char| it.is_control() && it != '\n' || it == '\u{202e}';
        assert!(!shown.contains(obeyed), "{arguments}: {shown:?}");
        let forged = shown.lines().any(|it| it.starts_with("c1  bound"));
        assert!(!forged, "{arguments}: {shown}");
    }
}

#[tokio::test]
async fn looks_wait_for_the_quota() {
    let mut estate = Estate::new()
        .platform_apps()
        .subscription(EAST)
        .subscription(WEST);
    // More than are looked at at a time: the last one knows what is left of the quota.
    for number in 1..=9 {
        estate = estate.cluster(at("a", &format!("c{number}")));
    }
    let desk = Desk::new(estate, POLICY).await;
    desk.azure(|azure| {
        azure.behaviour.remaining_reads = 0;
        azure.behaviour.remaining_writes = 0;
    });
    let began = std::time::Instant::now();
    desk.prints(&["plan"]).await;
    let took = began.elapsed();
    assert!(took >= Duration::from_secs(1), "it took only {took:?}");
}

#[tokio::test]
async fn a_plan_is_made_also_where_it_is_not_known_which_subscriptions_can_be_seen() {
    let desk = Desk::new(estate(), POLICY).await;
    let refusal = Fault::Status {
        status: 403,
        code: "AuthorizationFailed".to_owned(),
        message: "a fault of the test".to_owned(),
        retry_after: None,
    };
    let refuse = FaultRule::new(Service::Arm, "/subscriptions", refusal);
    let faults = &desk.simulator.world.faults;
    faults.add(refuse.at_the_end().times(99));
    let output = desk.run(&["plan"]).await;
    let (told, said) = (text(&output.stdout), text(&output.stderr));
    assert!(told.contains("clusters:"), "{told}");
    assert!(
        said.contains("which subscriptions of the policy's scope can be seen is not known"),
        "{said}"
    );
}
