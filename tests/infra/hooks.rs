//! The deployment hooks, run with an `az` and an `azd` that only write down what they are asked.
//! What Azure makes of it a live deployment shows.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::root;

const APP: &str = "/subscriptions/s-1/resourceGroups/rg-test/providers/Microsoft.Web/sites/func-x";

/// A folder with commands that write down their arguments, and answer as this script says.
struct Stage {
    folder: PathBuf,
}

impl Stage {
    fn new(name: &str, answers: &str) -> Self {
        let unique = format!("hooks-{name}-{}", std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(unique);
        fs::create_dir_all(&folder).unwrap();
        for command in ["az", "azd"] {
            let path = folder.join(command);
            let script =
                format!("#!/bin/sh\necho \"{command} $*\" >> \"${{0%/*}}/calls\"\n{answers}\n");
            fs::write(&path, script).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self { folder }
    }

    fn run(&self, hook: &str, variables: &[(&str, &str)]) -> Output {
        self.run_with(hook, &[], variables)
    }

    fn run_with(&self, hook: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        Command::new("sh")
            .arg(root().join("infra/hooks").join(hook))
            .args(arguments)
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", self.folder.display()))
            .envs(variables.iter().copied())
            .output()
            .unwrap()
    }

    fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.folder.join("calls")).unwrap_or_default();
        calls.lines().map(ToOwned::to_owned).collect()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // What is left behind lies in the target folder.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

const PROVISIONED: [(&str, &str); 6] = [
    ("AZURE_ENV_NAME", "test"),
    ("VAULTBIND_APP_ID", APP),
    ("VAULTBIND_IDENTITY_PRINCIPAL_ID", "p-1"),
    (
        "VAULTBIND_ROLE_ID",
        "/subscriptions/s-1/providers/Microsoft.Authorization/roleDefinitions/r-1",
    ),
    ("VAULTBIND_MANAGED_SUBSCRIPTION_IDS", "s-1,s-2"),
    ("VAULTBIND_EVENTS_GROUP", "rg-test-events-t1"),
];

/// Topics in the second subscription: ours, somebody else's, one without a subscription of our name; the alerts and groups
/// that each query finds, among others with the environment's tag; assignments in each.
const AZURE: &str = r#"case "$*" in
  "resource list --subscription s-2 --resource-type"*) echo /t/ours; echo /t/theirs; echo /t/plain ;;
  "resource show --ids /t/ours/"*) echo "WARNING: a newer version" >&2; echo /subscriptions/s-1/resourceGroups/rg-test/providers/Microsoft.Web/sites/func-x/functions/resource-event ;;
  "resource show --ids /t/theirs/"*) echo /subscriptions/s-1/resourceGroups/rg-test/providers/Microsoft.Web/sites/func-xy/functions/resource-event ;;
  "resource show --ids /t/plain/"*) echo "(ResourceNotFound) The Resource was not found." >&2; exit 3 ;;
  "resource list --subscription s-2 --tag azd-env-name=test --query [?name=='vaultbind-undelivered-ours'].id"*) echo /alerts/ours ;;
  "resource list --subscription s-2 --tag azd-env-name=test --query [?name=='vaultbind-undelivered-"*) ;;
  "resource list --subscription s-2 --tag"*) echo /alerts/of-another-project ;;
  "group list --subscription s-2 --tag azd-env-name=test --query [?name=='rg-test-events-t1'].name"*) echo rg-test-events-t1 ;;
  "group list"*) echo rg-webshop ;;
  "role assignment list --subscription s-1"*) echo /a/one; echo /a/two ;;
  "role assignment list --subscription s-2"*) echo /a/three ;;
esac"#;

const NAMESPACE: [(&str, &str); 2] = [("AZURE_ENV_NAME", "test"), ("AZURE_SUBSCRIPTION_ID", "s-1")];

/// What preflight makes of a namespace whose queue answers like this: its exit code, and what it says.
fn preflight(name: &str, queue: &str) -> (Option<i32>, String) {
    let answers = format!(
        r#"case "$*" in
  "resource list --subscription s-1 --resource-group rg-test "*) echo /n/sb ;;
  "resource show --ids /n/sb/queues/requests --query properties.requiresSession "*) {queue} ;;
esac"#
    );
    let stage = Stage::new(name, &answers);
    let output = stage.run("preflight.sh", &NAMESPACE);
    assert_eq!(deletions(&stage), [""; 0]);
    let said = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), said)
}

#[test]
fn a_queue_without_sessions_stops_a_deployment_and_the_way_out_is_told() {
    let (code, said) = preflight("preflight-plain", "echo false");
    assert_eq!(code, Some(1));
    for part in [
        "The queue /n/sb/queues/requests",
        "without sessions",
        "az resource show --ids \"/n/sb/queues/requests\" --query properties.countDetails",
        "az resource delete --ids \"/n/sb/queues/requests\"",
    ] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
}

#[test]
fn a_queue_with_sessions_and_none_at_all_stop_nothing() {
    let missing = "echo '(ResourceNotFound) The Resource was not found.' >&2; exit 3";
    for (name, queue) in [
        ("preflight-sessions", "echo true"),
        ("preflight-none", missing),
    ] {
        assert_eq!(preflight(name, queue), (Some(0), String::new()), "{name}");
    }
}

#[test]
fn a_first_deployment_finds_nothing_and_goes_on() {
    let none =
        "echo \"(ResourceGroupNotFound) Resource group 'rg-test' could not be found.\" >&2; exit 3";
    let stage = Stage::new("preflight-first", none);
    for variables in [&NAMESPACE[..], &NAMESPACE[..1]] {
        let output = stage.run("preflight.sh", variables);
        assert!(output.status.success(), "{output:?}");
        assert!(output.stderr.is_empty(), "{output:?}");
    }
}

#[test]
fn what_preflight_cannot_see_it_says_and_leaves_to_azure() {
    let (code, said) = preflight(
        "preflight-blind",
        "echo '(AuthorizationFailed)' >&2; exit 1",
    );
    assert_eq!(code, Some(0));
    assert!(
        said.contains("could not look at /n/sb/queues/requests: (AuthorizationFailed)"),
        "{said}"
    );
}

fn deletions(stage: &Stage) -> Vec<String> {
    let calls = stage.calls().into_iter();
    calls.filter(|it| it.contains(" delete ")).collect()
}

#[test]
fn what_lies_outside_the_group_is_removed_before_the_rest() {
    let stage = Stage::new("predown", AZURE);
    let output = stage.run("predown.sh", &PROVISIONED);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        deletions(&stage),
        [
            "az role assignment delete --ids /a/one",
            "az role assignment delete --ids /a/two",
            "az resource delete --ids /t/ours/eventSubscriptions/vaultbind",
            "az resource delete --ids /alerts/ours",
            "az group delete --subscription s-2 --name rg-test-events-t1 --yes",
            "az role assignment delete --ids /a/three",
            "az role definition delete --name r-1 --scope /subscriptions/s-1",
        ]
    );
}

#[test]
fn what_cannot_be_removed_is_named_and_the_rest_goes_on() {
    let failing = format!("{AZURE}\ncase \"$*\" in *\"delete --ids /a/one\") exit 1 ;; esac");
    let stage = Stage::new("predown-left", &failing);
    let output = stage.run("predown.sh", &PROVISIONED);
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("left behind, remove it by hand: az role assignment delete --ids /a/one"),
        "{said}"
    );
    assert_eq!(deletions(&stage).len(), 7);
}

#[test]
fn what_cannot_be_looked_at_is_named_and_the_rest_goes_on() {
    let blind = "case \"$*\" in *list*\"--subscription s-2\"*) exit 1 ;; esac";
    let stage = Stage::new("predown-blind", &format!("{blind}\n{AZURE}"));
    let output = stage.run("predown.sh", &PROVISIONED);
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    for unseen in [
        "az resource list --subscription s-2 --resource-type Microsoft.EventGrid/systemTopics",
        "az group list --subscription s-2",
        "az role assignment list --subscription s-2",
    ] {
        let named = format!("left behind unseen, look for it by hand: {unseen}");
        assert!(said.contains(&named), "{said}");
    }
    assert_eq!(
        deletions(&stage),
        [
            "az role assignment delete --ids /a/one",
            "az role assignment delete --ids /a/two",
            "az role definition delete --name r-1 --scope /subscriptions/s-1",
        ]
    );
}

#[test]
fn a_topic_that_cannot_be_looked_at_is_named() {
    let blind = "case \"$*\" in *\"show --ids /t/theirs/\"*) echo Forbidden >&2; exit 1 ;; esac";
    let stage = Stage::new("predown-topic", &format!("{blind}\n{AZURE}"));
    let output = stage.run("predown.sh", &PROVISIONED);
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("/t/theirs/eventSubscriptions/vaultbind: Forbidden"),
        "{said}"
    );
    assert_eq!(deletions(&stage).len(), 7);
}

#[test]
fn one_subscription_is_taken_off_and_the_role_stays_for_the_others() {
    let stage = Stage::new("predown-one", AZURE);
    let output = stage.run_with("predown.sh", &["s-2"], &PROVISIONED);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        deletions(&stage),
        [
            "az resource delete --ids /t/ours/eventSubscriptions/vaultbind",
            "az resource delete --ids /alerts/ours",
            "az group delete --subscription s-2 --name rg-test-events-t1 --yes",
            "az role assignment delete --ids /a/three",
        ]
    );
    assert!(!stage.calls().iter().any(|it| it.starts_with("azd")));
}

#[test]
fn a_deployment_that_failed_half_way_says_what_may_be_left_and_lets_azd_go_on() {
    let stage = Stage::new("predown-nothing", AZURE);
    let output = stage.run("predown.sh", &PROVISIONED[..1]);
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("rg-test-events-") && said.contains("az role definition list"),
        "{said}"
    );
    assert_eq!(stage.calls(), [] as [&str; 0]);
}

#[test]
fn some_outputs_without_the_others_are_an_error() {
    let stage = Stage::new("predown-some", AZURE);
    let mut some = PROVISIONED.to_vec();
    some.remove(2);
    assert!(!stage.run("predown.sh", &some).status.success());
    assert_eq!(stage.calls(), [] as [&str; 0]);
}

#[test]
fn the_event_subscriptions_come_after_the_code_and_once() {
    let stage = Stage::new("postdeploy", "");
    assert!(stage.run("postdeploy.sh", &[]).status.success());
    assert_eq!(
        stage.calls(),
        [
            "azd env set VAULTBIND_EVENT_SUBSCRIPTIONS true",
            "azd provision --no-prompt"
        ]
    );
    let again = Stage::new("postdeploy-again", "");
    let output = again.run(
        "postdeploy.sh",
        &[("VAULTBIND_EVENT_SUBSCRIPTIONS", "true")],
    );
    assert!(output.status.success());
    assert_eq!(again.calls(), [] as [&str; 0]);
}

#[test]
fn event_subscriptions_that_failed_are_tried_again() {
    let stage = Stage::new("postdeploy-failed", "[ \"$1\" != provision ]");
    assert!(!stage.run("postdeploy.sh", &[]).status.success());
    assert_eq!(
        stage.calls().last().unwrap(),
        "azd env set VAULTBIND_EVENT_SUBSCRIPTIONS false"
    );
}
