//! The commands about clusters, against the local Azure: offline as live, what a captured estate holds, interruption.

use std::{
    path::PathBuf,
    process::{Output, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};
use vaultbind_simulator::{
    ClusterSpec, Config, Estate, ManagerSpec, Simulator, SubscriptionSpec, VaultSpec,
    faults::{Fault, FaultRule},
    journal::Service,
    state::{Azure, PatchMode},
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
            "planned",
            "rejected",
            "unmatched",
            "waiting"
        ]
    );
}

#[tokio::test]
async fn a_captured_estate_is_what_a_policy_is_tested_on() {
    let desk = Desk::new(estate(), &policy()).await;
    let cases = desk.policy.with_extension("tests.yaml");
    let captured = cases.with_file_name(format!("{}.json", std::process::id()));
    desk.prints(&["capture", "--output", captured.to_str().unwrap()])
        .await;
    let text = format!(
        "version: 1
estate: {}
cases:
  - name: what is right stays so
    cluster: c-right
    expect: {{ outcome: bound, vault: kv-a, writer: platform-apps }}
  - name: what is busy is waited for
    cluster: c-busy
    expect: {{ outcome: waiting, reason: ClusterBusy }}
  - name: a new cluster joins the others
    cluster: {{ name: c-new, tags: {{ site: f }} }}
    expect: {{ outcome: bound, vault: kv-f }}
",
        captured.file_name().unwrap().to_str().unwrap()
    );
    std::fs::write(&cases, text).unwrap();
    let shown = desk.run(&["policy", "test"]).await;
    let shown = self::text(&shown.stdout) + &self::text(&shown.stderr);
    assert!(
        shown.ends_with("\n3 cases: 3 passed, 0 failed\n"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_captured_estate_holds_no_secret_and_no_rack() {
    let desk = Desk::new(estate(), &policy()).await;
    desk.azure(|azure| {
        let cluster = azure.cluster_id("c-fresh").unwrap();
        let rack = json!({
            "rackSerialNumber": "RACK-4711",
            "bareMetalMachineConfigurationData": [{ "bmcCredentials": { "username": "root", "password": "calvin" } }],
        });
        azure.set_property(&cluster, "aggregatorOrSingleRackDefinition", rack);
        let secret = json!({ "applicationId": "app-of-the-safe", "password": "hunter2" });
        azure.set_property(&cluster, "clusterServicePrincipal", secret);
        let vault = azure.vault_id("kv-a").unwrap();
        let access = json!([{ "objectId": "one-of-the-safe", "permissions": { "secrets": ["get"] } }]);
        azure.set_property(&vault, "accessPolicies", access);
    });
    let captured = desk.prints(&["capture"]).await;
    for word in [
        "RACK",
        "calvin",
        "hunter2",
        "of-the-safe",
        "etag",
        "systemData",
        "networkFabric",
    ] {
        assert!(!captured.contains(word), "{word} was captured");
    }
    let mut keys = std::collections::BTreeSet::new();
    collect_keys(&serde_json::from_str(&captured).unwrap(), &mut keys);
    let expected = "addresses api-versions archive as-listed assignments captured cluster clusters conditional created \
        deleted-vaults enabled host id identities identity listed location manager managers platform-apps principal \
        provider purge-protection purpose rbac read role roles scope settings site state status subscriptions \
        system tags tenant unlisted unread uri user vault vault-uri vaults version why";
    let unexpected: Vec<&String> = keys
        .iter()
        .filter(|it| !expected.split_whitespace().any(|word| word == it.as_str()))
        .collect();
    assert!(unexpected.is_empty(), "{unexpected:?}");
    assert_eq!(
        without_time(&captured),
        without_time(&desk.prints(&["capture"]).await)
    );
}

fn without_time(captured: &str) -> Vec<&str> {
    captured
        .lines()
        .filter(|it| !it.contains("\"captured\""))
        .collect()
}

fn collect_keys(value: &Value, keys: &mut std::collections::BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            keys.extend(members.keys().cloned());
            members.values().for_each(|it| collect_keys(it, keys));
        }
        Value::Array(items) => items.iter().for_each(|it| collect_keys(it, keys)),
        _ => {}
    }
}

#[tokio::test]
async fn what_another_policy_asks_and_nobody_captured_is_said() {
    let desk = Desk::new(estate(), &policy()).await;
    let file = desk.file("estate.json");
    desk.prints(&["capture", "--output", &file]).await;
    let other = policy()
        .replace("'**/c-exempt'", "'**/nobody'")
        .replace("rg-secrets", "rg-elsewhere");
    let other = other.replace("purpose: nexus-credentials, ", "");
    std::fs::write(&desk.policy, other).unwrap();
    let shown = desk
        .prints(&["plan", "--cluster", "c-exempt", "--estate", &file])
        .await;
    let (_, assumed) = shown
        .split_once("not in the estate, and taken not to be there")
        .unwrap();
    assert_eq!(assumed.matches("\n  roles of ").count(), 2, "{shown}");
}

#[tokio::test]
async fn what_this_policy_has_no_need_of_may_be_out_of_reach() {
    let estate = Estate::new().platform_apps().subscription(WEST);
    let estate = estate.vault(vault("kv-a", "a"));
    let estate = estate.cluster(at("a", "c1").system_identity());
    let policy = POLICY.replace("writer: platform-apps", "writer: cluster");
    let desk = Desk::new(estate, &policy).await;
    desk.azure(|azure| azure.behaviour.graph_forbidden = true);
    let file = desk.file("estate.json");
    desk.prints(&["capture", "--output", &file]).await;
    let live = desk.prints(&["plan"]).await;
    assert_eq!(live, desk.prints(&["plan", "--estate", &file]).await);
    assert!(live.contains("give cluster ("), "{live}");

    // Another policy asks for the apps, which nobody could look up.
    std::fs::write(&desk.policy, POLICY).unwrap();
    let shown = desk.prints(&["plan", "--estate", &file]).await;
    assert!(shown.contains("\n  platform principals\n"), "{shown}");
}

/// What a terminal obeys: an escape sequence, its one-character form, a bell, a mark that reorders, a line of its own.
const HOSTILE: &str = "a\u{1b}]0;title\u{7}\u{9b}2J\u{202e}\r\nc1  bound";

#[tokio::test]
async fn nothing_of_azure_is_obeyed_by_a_terminal() {
    let cluster = at("a", "c1").tag("note", HOSTILE).location(HOSTILE);
    let cluster = cluster.detailed_status(HOSTILE);
    let estate = Estate::new().platform_apps().subscription(WEST);
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
async fn a_cluster_goes_to_no_other_vault_than_the_one_that_was_planned() {
    let estate = Estate::new().platform_apps().subscription(WEST);
    let estate = estate.vault(vault("kv-a", "a")).vault(vault("kv-b", "b"));
    let desk = Desk::new(estate.cluster(at("a", "c1")), POLICY).await;
    let throttled = Fault::Status {
        status: 429,
        code: "TooManyRequests".to_owned(),
        message: "a fault of the test".to_owned(),
        retry_after: Some(1),
    };
    // The plan reads the cluster once; what carries it out has to wait.
    let rule = FaultRule::new(Service::Arm, "clusters/c1", throttled).method("GET");
    desk.simulator.world.faults.add(rule.skip(1).times(1000));
    let apply = desk.command(&["apply", "--yes"]).spawn().unwrap();
    let journal = &desk.simulator.world.journal;
    let waits = async {
        while !journal.entries().iter().any(|it| it.status == 429) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(SOON, waits).await.expect("it waits");
    desk.azure(|azure| {
        let cluster = azure.cluster_id("c1").unwrap();
        azure.set_tag(&cluster, "site", Some("b"));
    });
    desk.simulator.world.faults.clear();
    let output = ended(apply).await;
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    let expected = "
1/1 c1: not as planned: by now it belongs to another vault than the plan said, and was not pointed there; plan again

0 of 1 cluster bound, 1 failed
";
    assert!(shown.ends_with(expected), "{shown}");
    assert!(journal.writes().is_empty(), "something was changed");
}

/// Sends a signal to a command, as a terminal does.
async fn interrupt(child: &Child) {
    let process = child.id().unwrap().to_string();
    let sent = Command::new("kill").args(["-INT", &process]).status().await;
    assert!(sent.unwrap().success());
}

#[tokio::test]
async fn a_second_interruption_ends_at_once_and_says_what_is_not_known() {
    let estate = Estate::new().platform_apps().subscription(WEST);
    let estate = estate.vault(vault("kv-a", "a")).cluster(at("a", "c1"));
    let desk = Desk::new(estate.cluster(at("a", "c2")), POLICY).await;
    let hang = FaultRule::new(Service::Arm, "clusters/c1", Fault::Hang).method("PATCH");
    desk.simulator.world.faults.add(hang);
    let mut apply = desk.command(&["apply", "--yes"]).spawn().unwrap();
    // The roles are given, and nobody answers the PATCH.
    desk.writes(2).await;
    let stderr = apply.stderr.take().unwrap();
    let mut said = BufReader::new(stderr).lines();
    interrupt(&apply).await;
    let line = tokio::time::timeout(SOON, said.next_line()).await.unwrap();
    assert!(line.unwrap().unwrap().starts_with("interrupted: "));
    interrupt(&apply).await;
    let output = ended(apply).await;
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(130), "{shown}");
    let expected = "
1/2 c1: unknown: cut off in the middle of a step; `vaultbind plan` shows what is left
2/2 c2: not begun: nothing of it was changed

0 of 2 clusters bound, 1 under way, 1 not begun
";
    assert!(shown.ends_with(expected), "{shown}");
}

#[tokio::test]
async fn an_interrupted_apply_says_of_each_cluster_how_far_it_came() {
    let mut estate = Estate::new().platform_apps().subscription(WEST);
    estate = estate.vault(vault("kv-a", "a")).vault(vault("kv-b", "b"));
    // More clusters of one vault than are changed at a time, and one that is right.
    for number in 1..=9 {
        estate = estate.cluster(at("a", &format!("c{number}")));
    }
    let desk = Desk::new(estate.cluster(at("b", "c-b")), POLICY).await;
    desk.azure(|azure| azure.behaviour.patch = PatchMode::Polls(u32::MAX));
    let apply = desk.command(&["apply", "--yes"]).spawn().unwrap();
    // Both vaults' roles and the first eight clusters.
    desk.writes(4 + 8).await;
    interrupt(&apply).await;
    let output = ended(apply).await;
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(130), "{shown}");
    assert!(text(&output.stderr).starts_with("interrupted: "));
    let (_, courses) = shown.split_once("0 not looked at\n").unwrap();
    let under_way = ": under way: Azure has taken the change on and brings it to its end; ";
    assert_eq!(courses.matches(under_way).count(), 8, "{shown}");
    assert!(
        courses.ends_with("\n0 of 10 clusters bound, 8 under way, 2 not begun\n"),
        "{shown}"
    );
    assert_eq!(
        courses
            .matches(": not begun: nothing of it was changed")
            .count(),
        2,
        "{shown}"
    );

    let writes = desk.simulator.world.journal.writes().len();
    assert_eq!(writes, 4 + 8, "nothing was begun after the interruption");
}

#[tokio::test]
async fn looks_wait_for_the_quota() {
    let mut estate = Estate::new().platform_apps().subscription(WEST);
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
