//! The command line itself: help, completions, colours, output that cannot be written.

use std::process::{Output, Stdio};

use crate::town::{POLICY, SOON, root, write_policy};

/// Runs the binary off a terminal, with these variables and no others.
async fn vaultbind(arguments: &[&str], variables: &[(&str, &str)], stdout: Stdio) -> Output {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_vaultbind"));
    command
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let child = command.spawn().unwrap();
    let ended = tokio::time::timeout(SOON, child.wait_with_output());
    ended.await.expect("it ends").unwrap()
}

fn text(output: &[u8]) -> String {
    String::from_utf8(output.to_vec()).unwrap()
}

#[tokio::test]
async fn every_shell_gets_a_script_that_knows_the_commands() {
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let output = vaultbind(&["completions", shell], &[], Stdio::piped()).await;
        let script = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{shell}");
        for word in ["explain", "detailed-exitcode", "apply"] {
            assert!(script.contains(word), "{shell} lacks {word}");
        }
    }
}

#[tokio::test]
async fn the_schema_that_is_printed_is_the_one_that_is_published() {
    let output = vaultbind(&["policy", "schema"], &[], Stdio::piped()).await;
    assert_eq!(output.status.code(), Some(0));
    let published = std::fs::read_to_string(root().join("schemas/policy.schema.json")).unwrap();
    assert_eq!(text(&output.stdout), published);
}

#[tokio::test]
async fn what_bash_is_given_is_bash() {
    let output = vaultbind(&["completions", "bash"], &[], Stdio::piped()).await;
    let path = write_policy(&text(&output.stdout));
    let checked = tokio::process::Command::new("bash")
        .args(["-n".as_ref(), path.as_os_str()])
        .output()
        .await;
    std::fs::remove_file(&path).unwrap();
    assert_eq!(text(&checked.unwrap().stderr), "");
}

#[tokio::test]
async fn what_is_wrong_with_a_file_that_a_command_is_given_leaves_stdout_to_the_output() {
    let file = write_policy("version: 7\n");
    let (file_name, policy) = (file.to_str().unwrap(), root().join("policy.yaml"));
    let variables = [("VAULTBIND_POLICY", policy.to_str().unwrap())];
    for arguments in [
        vec!["policy", "test", file_name, "--output", "json"],
        vec!["plan", "--estate", file_name, "--output", "json"],
        vec!["explain", "c1", "--estate", file_name],
    ] {
        let output = vaultbind(&arguments, &variables, Stdio::piped()).await;
        let said = text(&output.stderr);
        assert_eq!(
            (output.status.code(), text(&output.stdout).as_str()),
            (Some(1), ""),
            "{arguments:?}"
        );
        assert!(
            said.contains(":1:10: ") && said.contains("  | version: 7\n"),
            "{said}"
        );
    }
    std::fs::remove_file(&file).unwrap();
}

/// `policy check` of a policy with a mistake, under these variables.
async fn with_a_mistake(variables: &[(&str, &str)]) -> String {
    let path = write_policy(&POLICY.replace("writer:", "writr:"));
    let arguments = ["policy", "check", path.to_str().unwrap()];
    let output = vaultbind(&arguments, variables, Stdio::piped()).await;
    std::fs::remove_file(&path).unwrap();
    assert_eq!(output.status.code(), Some(1));
    text(&output.stdout)
}

#[tokio::test]
async fn colours_come_to_a_terminal_alone_and_not_against_no_color() {
    assert!(!with_a_mistake(&[]).await.contains('\u{1b}'));
    let forced = with_a_mistake(&[("CLICOLOR_FORCE", "1")]).await;
    assert!(forced.contains("\u{1b}[31merror\u{1b}[0m"), "{forced}");
    let refused = with_a_mistake(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]).await;
    assert!(!refused.contains('\u{1b}'), "{refused}");
}

#[tokio::test]
async fn a_full_disk_is_said_and_a_closed_pipe_is_not() {
    let arguments = ["roles"];
    let policy = root().join("policy.yaml");
    let variables = [("VAULTBIND_POLICY", policy.to_str().unwrap())];
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    let output = vaultbind(&arguments, &variables, full.unwrap().into()).await;
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(
        said.starts_with("the output could not be written: "),
        "{said}"
    );

    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = vaultbind(&arguments, &variables, writer.into()).await;
    assert_eq!(
        (output.status.code(), text(&output.stderr)),
        (Some(0), String::new())
    );
}

#[tokio::test]
async fn the_policy_of_the_repository_does_what_its_cases_expect() {
    let policy = root().join("policy.yaml");
    let variables = [("VAULTBIND_POLICY", policy.to_str().unwrap())];
    let output = vaultbind(&["policy", "test"], &variables, Stdio::piped()).await;
    let shown = text(&output.stdout);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{shown}{}",
        text(&output.stderr)
    );
    assert!(
        shown.ends_with("\n12 cases: 12 passed, 0 failed\n"),
        "{shown}"
    );
}

/// The blocks of YAML in the README.
fn examples() -> Vec<String> {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let blocks = readme.split("```yaml\n").skip(1);
    blocks
        .map(|it| it.split("```").next().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn the_cases_in_the_readme_hold() {
    let cases = examples()
        .into_iter()
        .find(|it| it.contains("\ncases:"))
        .unwrap();
    let cases = write_policy(&cases);
    let policy = root().join("policy.yaml");
    let variables = [("VAULTBIND_POLICY", policy.to_str().unwrap())];
    let arguments = ["policy", "test", cases.to_str().unwrap()];
    let output = vaultbind(&arguments, &variables, Stdio::piped()).await;
    std::fs::remove_file(&cases).unwrap();
    let shown = text(&output.stdout) + &text(&output.stderr);
    assert!(shown.ends_with("\n1 case: 1 passed, 0 failed\n"), "{shown}");
}
