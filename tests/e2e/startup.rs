//! Starting: what is wrong is said on stderr, last the reason, and the exit code is not 0.

use std::{collections::BTreeMap, process::Output, time::Duration};

use vaultbind_simulator::{
    Estate,
    event_grid::EventGrid,
    functions_host::{FunctionsHost, HostConfig, HostState},
};

use crate::{
    bad_input::{HOSTILE, assert_harmless},
    town::{POLICY, Plan, SOON, root, write_policy},
};

/// Five mistakes, each in a line of its own.
const FIVE_MISTAKES: &str = "version: 2
mode: enforced
rules:
  - name: by site
    vaults:
      within: [everywhere]
    rebind: sometimes
";

async fn vaultbind(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_vaultbind"));
    command
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .kill_on_drop(true);
    tokio::time::timeout(SOON, command.output())
        .await
        .expect("it ends")
        .unwrap()
}

fn lines(output: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(output)
        .lines()
        .map(ToOwned::to_owned)
        .collect()
}

/// The settings that are enough to begin, with this policy.
async fn serve(policy: &str, more: &[(&str, &str)]) -> Output {
    let path = write_policy(policy);
    let mut variables = BTreeMap::from([
        ("FUNCTIONS_CUSTOMHANDLER_PORT", "0"),
        (
            "ServiceBus__fullyQualifiedNamespace",
            "sb-x.servicebus.windows.net",
        ),
        ("VAULTBIND_POLICY", path.to_str().unwrap()),
    ]);
    variables.extend(more.iter().copied());
    let variables: Vec<(&str, &str)> = variables.into_iter().collect();
    let output = vaultbind(&["serve"], &variables).await;
    assert_stdout_holds_json_alone(&output);
    output
}

fn assert_stdout_holds_json_alone(output: &Output) {
    for line in lines(&output.stdout) {
        let parsed = serde_json::from_str::<serde_json::Value>(&line);
        assert!(parsed.is_ok_and(|it| it.is_object()), "{line}");
    }
}

#[tokio::test]
async fn five_mistakes_in_a_policy_are_five_lines_with_their_places() {
    let output = serve(FIVE_MISTAKES, &[]).await;
    let errors = lines(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors:#?}");
    let places: Vec<String> = errors[..5]
        .iter()
        .map(|line| {
            line.split(".yaml:")
                .nth(1)
                .unwrap()
                .split(": ")
                .next()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(places, ["1:10", "2:7", "4:11", "6:16", "7:13"]);
    assert_eq!(errors.len(), 6, "{errors:#?}");
    assert!(
        errors[5].contains("has 5 mistakes, the first at 1:10"),
        "{}",
        errors[5]
    );
}

#[tokio::test]
async fn a_policy_that_is_not_there_is_named() {
    let output = serve(POLICY, &[("VAULTBIND_POLICY", "nowhere/policy.yaml")]).await;
    let errors = lines(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        errors
            .last()
            .unwrap()
            .contains("cannot read the policy nowhere/policy.yaml"),
        "{errors:#?}"
    );
}

#[tokio::test]
async fn every_setting_that_is_wrong_is_told_at_once() {
    let output = vaultbind(&["serve"], &[("VAULTBIND_CLOUD", "moon")]).await;
    assert_stdout_holds_json_alone(&output);
    let errors = lines(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    for variable in [
        "FUNCTIONS_CUSTOMHANDLER_PORT",
        "ServiceBus__fullyQualifiedNamespace",
        "VAULTBIND_CLOUD",
    ] {
        assert!(
            errors.iter().any(|it| it.starts_with(variable)),
            "{variable} is not named in {errors:#?}"
        );
    }
    assert!(
        errors
            .last()
            .unwrap()
            .starts_with("3 of the settings cannot be used"),
        "{errors:#?}"
    );
}

#[tokio::test]
async fn an_empty_setting_counts_as_not_set_and_silences_nothing() {
    let set = [
        ("VAULTBIND_LOG", ""),
        ("VAULTBIND_CLOUD", "moon"),
        ("VAULTBIND_POLICY", " "),
    ];
    let output = serve(POLICY, &set).await;
    let errors = lines(&output.stderr);
    assert!(
        errors.last().unwrap().starts_with("1 of the settings"),
        "{errors:#?}"
    );
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let none = [
        ("VAULTBIND_LOG", " "),
        ("FUNCTIONS_CUSTOMHANDLER_WORKER_ID", "w"),
        ("FUNCTIONS_CUSTOMHANDLER_PORT", port.as_str()),
    ];
    let output = serve(POLICY, &none).await;
    let log = lines(&output.stdout).join("\n");
    assert!(log.contains("the policy is loaded"), "{log}");
    // Off the repository there is no policy of that name, and it is the one that is missed.
    let output = vaultbind(&["policy", "check"], &[("VAULTBIND_POLICY", "")]).await;
    let said = lines(&[output.stdout, output.stderr].concat()).join("\n");
    assert!(said.contains("policy.yaml"), "{said}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_variable_that_is_no_text_is_named_where_it_is_ours_and_left_alone_where_not() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};
    let no_text = OsStr::from_bytes(&[0x61, 0xff]);
    for (name, is_ours) in [
        ("VAULTBIND_CLOUD", true),
        ("VAULTBIND_LOG", true),
        ("PS1", false),
    ] {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_vaultbind"));
        command
            .args(["roles"])
            .env_clear()
            .env(name, no_text)
            .env("VAULTBIND_POLICY", write_policy(POLICY))
            .kill_on_drop(true);
        let output = tokio::time::timeout(SOON, command.output());
        let output = output.await.expect("it ends").unwrap();
        let errors = lines(&output.stderr).join("\n");
        let is_named = errors.contains(&format!("{name}: is no text"));
        assert!(!errors.contains("panicked"), "{errors}");
        assert_eq!(
            (is_named, output.status.success()),
            (is_ours, !is_ours),
            "{name}: {errors}"
        );
    }
    // A path need not be text: the file that it names is the one that is missed.
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_vaultbind"));
    command
        .args(["policy", "check"])
        .env_clear()
        .env("VAULTBIND_POLICY", no_text);
    let output = tokio::time::timeout(SOON, command.kill_on_drop(true).output());
    let output = output.await.expect("it ends").unwrap();
    let errors = lines(&output.stderr).join("\n");
    assert!(errors.contains("cannot read a"), "{errors}");
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = serve(
        POLICY,
        &[
            ("FUNCTIONS_CUSTOMHANDLER_PORT", &port),
            ("FUNCTIONS_CUSTOMHANDLER_WORKER_ID", "w"),
        ],
    )
    .await;
    let errors = lines(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        errors
            .last()
            .unwrap()
            .contains(&format!("cannot listen on port {port}")),
        "{errors:#?}"
    );
}

#[tokio::test]
async fn help_and_version_are_no_errors_and_wrong_usage_is() {
    let version = concat!("vaultbind ", env!("CARGO_PKG_VERSION"));
    for (arguments, code, words) in [
        (vec!["--help"], 0, "Usage: vaultbind"),
        (vec!["--version"], 0, version),
        (vec![], 2, "Usage: vaultbind"),
        (vec!["sing"], 2, "unrecognized subcommand 'sing'"),
        (vec!["serve", "--loud"], 2, "unexpected argument '--loud'"),
    ] {
        let output = vaultbind(&arguments, &[]).await;
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        let (said, silent) = match code {
            0 => (&output.stdout, &output.stderr),
            _ => (&output.stderr, &output.stdout),
        };
        let said = lines(said).join("\n");
        assert!(said.contains(words), "{arguments:?}: {said}");
        assert!(silent.is_empty(), "{arguments:?}");
    }
}

#[tokio::test]
async fn a_policy_with_mistakes_stops_the_host_and_loses_no_message() {
    let plan = Plan::new(Estate::new());
    let simulator = vaultbind_simulator::Simulator::start(plan.config, plan.estate)
        .await
        .unwrap();
    let request = vaultbind_simulator::service_bus::message::NewMessage::json(
        "m-1",
        &serde_json::json!({ "version": 1 }),
    );
    let request = request.in_session("s-1");
    simulator.broker.send("requests", request).unwrap();
    let policy = write_policy(FIVE_MISTAKES);
    let mut config = HostConfig::new(root(), simulator.world.clone(), simulator.broker.clone());
    config.executable = Some(env!("CARGO_BIN_EXE_vaultbind").into());
    config.environment = simulator.handler_environment();
    config
        .environment
        .push(("VAULTBIND_POLICY".to_owned(), policy.display().to_string()));
    config.event_grid = Some(EventGrid::start(simulator.world.clone()).unwrap());
    let host = FunctionsHost::start(config).await.unwrap();
    let is_down = |host: &FunctionsHost| matches!(host.state(), HostState::Stopped(_));
    host.wait_until(Duration::from_secs(10), is_down)
        .await
        .unwrap();
    let log = host.host_log();
    assert!(
        log.iter().any(|line| line.contains("has 5 mistakes")),
        "the host does not say why: {log:#?}"
    );
    assert!(
        host.stderr()
            .iter()
            .any(|line| line.contains("has 5 mistakes")),
        "{:#?}",
        host.stderr()
    );
    host.wait_until(SOON, |host| host.in_flight().is_empty())
        .await
        .unwrap();
    let kept = simulator.broker.messages("requests");
    assert_eq!(kept.len(), 1, "the message waits for a host that starts");
    assert!(simulator.broker.dead_letters("requests").is_empty());
}

#[tokio::test]
async fn an_error_at_the_start_that_repeats_what_it_found_forges_no_line() {
    let hostile = serde_json::Value::from(HOSTILE).to_string();
    let policy = format!("version: 1\nmode: {hostile}\n{hostile}: x\n");
    for output in [
        serve(&policy, &[]).await,
        serve(
            POLICY,
            &[("VAULTBIND_CLOUD", HOSTILE), ("VAULTBIND_LOG", HOSTILE)],
        )
        .await,
        serve(POLICY, &[("VAULTBIND_POLICY", HOSTILE)]).await,
        serve(
            POLICY,
            &[
                ("VAULTBIND_ARM_ENDPOINT", HOSTILE),
                ("ServiceBus__fullyQualifiedNamespace", HOSTILE),
            ],
        )
        .await,
    ] {
        assert_eq!(output.status.code(), Some(1));
        assert!(!output.stderr.is_empty(), "nothing is said");
        assert_harmless(&lines(&output.stderr));
        assert_harmless(&lines(&output.stdout));
    }
}
