//! `infra/README.md` and the parameter file know every parameter, and the README every role.

use serde_json::Value;

use crate::{bicep, read, root, run};

/// The parameters of the main template, in order.
fn parameters() -> Vec<String> {
    let template = read("infra/main.bicep");
    let names = template.lines().filter_map(|it| it.strip_prefix("param "));
    names
        .map(|it| it.split(' ').next().unwrap().to_owned())
        .collect()
}

/// What of the parameter file sets this parameter.
fn setting(file: &str, parameter: &str) -> Option<String> {
    let (_, rest) = file.split_once(&format!("param {parameter} = "))?;
    Some(rest.split("\nparam ").next().unwrap().to_owned())
}

#[test]
fn the_readme_and_the_parameter_file_know_every_parameter() {
    let readme = read("infra/README.md");
    let file = read("infra/main.bicepparam");
    let parameters = parameters();
    assert!(parameters.len() > 15, "{parameters:?}");
    for parameter in parameters {
        let row = format!("| `{parameter}` | ");
        let (_, rest) = readme
            .split_once(&row)
            .unwrap_or_else(|| panic!("the README lacks {parameter}"));
        let variable = rest.split(" |").next().unwrap();
        match setting(&file, &parameter) {
            Some(text) => {
                let name = variable.trim_matches('`');
                assert!(
                    text.contains(&format!("readEnvironmentVariable('{name}'")),
                    "{parameter} is not read from {name}: {text}"
                );
            }
            None => assert_eq!(variable, "none", "nothing sets {parameter}"),
        }
    }
}

#[test]
fn the_readme_says_why_of_every_action() {
    let readme = read("infra/README.md");
    let actions: Vec<String> = serde_json::from_str(&read("infra/app/role-actions.json")).unwrap();
    for action in actions {
        assert!(readme.contains(&format!("`{action}`")), "{action}");
    }
}

#[test]
fn the_parameter_file_reads_lists_from_the_environment() {
    let Some(bicep) = bicep() else { return };
    let file = root().join("infra/main.bicepparam");
    let output = std::process::Command::new(&bicep)
        .args(["build-params", file.to_str().unwrap(), "--stdout"])
        .envs([
            ("AZURE_ENV_NAME", "test"),
            ("AZURE_LOCATION", "westeurope"),
            ("AZURE_SUBSCRIPTION_ID", "s-1"),
            ("VAULTBIND_SUBSCRIPTION_IDS", "s-1,s-2"),
            (
                "VAULTBIND_SYSTEM_TOPICS",
                r#"{"s-2":{"resourceGroup":"rg","name":"t"}}"#,
            ),
        ])
        .output()
        .unwrap();
    let diagnostics = String::from_utf8(output.stderr).unwrap();
    assert_eq!(diagnostics, "");
    let built: Value = serde_json::from_slice(&output.stdout).unwrap();
    let parameters: Value =
        serde_json::from_str(built["parametersJson"].as_str().unwrap()).unwrap();
    let value = |name: &str| parameters["parameters"][name]["value"].to_string();
    assert_eq!(value("managedSubscriptionIds"), r#"["s-1","s-2"]"#);
    assert_eq!(value("alertEmails"), "[]", "none, not one that is empty");
    assert_eq!(value("platformPrincipalIds"), "[]");
    assert_eq!(
        value("existingSystemTopics"),
        r#"{"s-2":{"name":"t","resourceGroup":"rg"}}"#
    );
}

#[test]
fn a_wrong_template_is_told_from_a_right_one() {
    let Some(bicep) = bicep() else { return };
    let folder = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("wrong-template");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::copy(
        root().join("infra/bicepconfig.json"),
        folder.join("bicepconfig.json"),
    )
    .unwrap();
    let file = folder.join("wrong.bicep");
    std::fs::write(&file, "param unused string\n").unwrap();
    let (_, _, diagnostics) = run(&bicep, &["build", file.to_str().unwrap(), "--stdout"]);
    assert!(diagnostics.contains("no-unused-params"), "{diagnostics}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn actions_are_pinned_by_hash_and_jobs_say_what_they_may() {
    for path in crate::files(".github/workflows", "yml") {
        let text = std::fs::read_to_string(&path).unwrap();
        let shown = path.display();
        for line in text.lines().filter(|it| it.contains("uses: ")) {
            let (_, action) = line.split_once('@').unwrap();
            let hash = action.split(' ').next().unwrap();
            assert!(
                hash.len() == 40 && hash.bytes().all(|it| it.is_ascii_hexdigit()),
                "{shown}: {line}"
            );
            assert!(action.contains(" # v"), "{shown}: {line}");
        }
        assert!(text.contains("\npermissions: {}\n"), "{shown}");
        let jobs = text.matches("runs-on: ").count();
        assert_eq!(text.matches("    permissions:\n").count(), jobs, "{shown}");
        assert_eq!(text.matches("timeout-minutes: ").count(), jobs, "{shown}");
        assert!(text.matches(": write").count() <= 1, "{shown}");
    }
}
