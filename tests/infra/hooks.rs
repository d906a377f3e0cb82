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
        Command::new("sh")
            .arg(root().join("infra/hooks").join(hook))
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
    ("VAULTBIND_EVENTS_GROUP", "rg-test-events"),
];

/// Two topics in the second subscription, one of them somebody else's; a group and an assignment in each.
const AZURE: &str = r#"case "$*" in
  "resource list --subscription s-2 --resource-type"*) echo /t/ours; echo /t/theirs ;;
  "resource show --ids /t/ours/"*) echo /subscriptions/s-1/resourceGroups/rg-test/providers/Microsoft.Web/sites/func-x/functions/resource-event ;;
  "resource show --ids /t/theirs/"*) echo /subscriptions/s-1/resourceGroups/rg-test/providers/Microsoft.Web/sites/func-xy/functions/resource-event ;;
  "group exists"*"s-2"*) echo true ;;
  "group exists"*) echo false ;;
  "role assignment list --subscription s-1"*) echo /a/one; echo /a/two ;;
  "role assignment list --subscription s-2"*) echo /a/three ;;
esac"#;

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
            "az group delete --subscription s-2 --name rg-test-events --yes",
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
    assert_eq!(deletions(&stage).len(), 6);
}

#[test]
fn nothing_is_removed_where_nothing_was_provisioned() {
    let stage = Stage::new("predown-nothing", AZURE);
    let output = stage.run("predown.sh", &PROVISIONED[..3]);
    assert!(!output.status.success());
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
