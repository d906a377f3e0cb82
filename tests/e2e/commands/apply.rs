//! What `apply` does when Azure changes under its hands, or somebody interrupts it.

use std::time::Duration;

use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};
use vaultbind_simulator::{
    Estate,
    faults::{Fault, FaultRule},
    journal::Service,
    state::PatchMode,
};

use super::{Desk, at, ended, text};
use crate::{
    binding::vault,
    town::{EAST, POLICY, SOON, WEST},
};

#[tokio::test]
async fn a_cluster_goes_to_no_other_vault_than_the_one_that_was_planned() {
    let estate = Estate::new()
        .platform_apps()
        .subscription(EAST)
        .subscription(WEST);
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
    let estate = Estate::new()
        .platform_apps()
        .subscription(EAST)
        .subscription(WEST);
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
    let mut estate = Estate::new()
        .platform_apps()
        .subscription(EAST)
        .subscription(WEST);
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
