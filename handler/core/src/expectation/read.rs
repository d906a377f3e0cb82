//! Reading cases: a file of them, with what they share.
//!
//! It must not open files: whoever reads an estate from one passes it in.

use std::rc::Rc;

use super::{
    Case, Expectation, Expected,
    given::{self, Shared},
};
use crate::{
    decision::Decision,
    inventory::{
        Inventory,
        file::Defaults,
        written::{self, FURNISHED},
    },
    plan::Writer,
    result::Outcome,
    yaml::{
        Problem,
        node::{self, Node, Section},
        problem::Problems,
    },
};

const KEYS: &[&str] = &["version", "today", "estate", "cases"];
const CASE_KEYS: &[&str] = &["name", "estate", "expect"];
const EXPECT_KEYS: &[&str] = &["outcome", "vault", "rule", "writer", "reason"];

/// How an estate is read that a file of cases names.
pub type Files<'a> = dyn Fn(&str) -> Result<Inventory, String> + 'a;

/// Reads the cases of a file.
///
/// # Errors
/// Every mistake in the text, ordered by place.
pub fn load(text: &str, defaults: &Defaults, files: &Files<'_>) -> Result<Vec<Case>, Vec<Problem>> {
    let mut problems = Problems::default();
    let cases = file(text, defaults, files, &mut problems);
    match (cases, problems.into_sorted()) {
        (Some(cases), none) if none.is_empty() => Ok(cases),
        (_, problems) => Err(problems),
    }
}

fn file(
    text: &str,
    defaults: &Defaults,
    files: &Files<'_>,
    problems: &mut Problems,
) -> Option<Vec<Case>> {
    let documents = node::parse(text, problems)?;
    let root = node::only(&documents, problems)?;
    let section = Section::read(
        root,
        "a file of cases",
        &[KEYS, FURNISHED].concat(),
        problems,
    )?;
    let version = section.required("version", "write `version: 1`", problems);
    if let Some(version) = version.filter(|node| node.integer() != Some(1)) {
        let message = format!("version is {}, only 1 is known", version.shown());
        problems.at(version, message);
    }
    let hint = "a case has a name, a cluster, and what is expected";
    let list = section.required("cases", hint, problems)?;
    let mut shared = Shared {
        defaults,
        inventory: Rc::default(),
        today: None,
    };
    let today = shared.today(&section, problems);
    let mut inventory = estate(&section, &shared, files, problems);
    let roles = inventory
        .as_mut()
        .and_then(|estate| written::furnish_roles(estate, &section, defaults, problems));
    // A mistake in what cases share does not hide those in the cases.
    shared.today = today.flatten();
    let is_sound = inventory.is_some();
    shared.inventory = Rc::new(inventory.unwrap_or_default());
    let items = list.items("cases", problems)?;
    if items.is_empty() {
        problems.hinted(list, "`cases` is empty".to_owned(), hint);
    }
    let cases = node::every(items, problems, |node, problems| {
        case(node, &shared, files, problems)
    });
    today.and(roles).filter(|()| is_sound).and(cases)
}

/// The shared estate, or the one in a file, with what the section adds to it.
fn estate(
    section: &Section<'_>,
    shared: &Shared<'_>,
    files: &Files<'_>,
    problems: &mut Problems,
) -> Option<Inventory> {
    let other = match section.get("estate") {
        None => None,
        Some(node) => {
            let name = node.string("the name of a file", problems)?;
            match files(name) {
                Ok(estate) => Some(estate),
                Err(why) => {
                    problems.at(node, why);
                    return None;
                }
            }
        }
    };
    shared.furnished(section, other, problems)
}

fn case(
    node: Node<'_>,
    shared: &Shared<'_>,
    files: &Files<'_>,
    problems: &mut Problems,
) -> Option<Case> {
    let keys = [CASE_KEYS, given::KEYS, FURNISHED].concat();
    let section = Section::read(node, "a case", &keys, problems)?;
    let name = section.required("name", "say what the case shows", problems);
    let name = name.and_then(|node| node.text("a name", problems));
    let inventory = estate(&section, shared, files, problems);
    let given = shared.given(&section, inventory, problems);
    let expect = section.required("expect", "say what is expected of it", problems);
    let vaults = given
        .as_ref()
        .map_or(&shared.inventory, |given| &given.inventory);
    let expectation = expect.and_then(|node| expectation(node, vaults, shared.defaults, problems));
    Some(Case {
        name: name?,
        place: node.place(),
        given: given?,
        expectation: expectation?,
    })
}

fn expectation(
    node: Node<'_>,
    inventory: &Inventory,
    defaults: &Defaults,
    problems: &mut Problems,
) -> Option<Expectation> {
    let section = Section::read(node, "`expect`", EXPECT_KEYS, problems)?;
    if EXPECT_KEYS.iter().all(|key| section.get(key).is_none()) {
        let message = "`expect` expects nothing".to_owned();
        problems.hinted(
            node,
            message,
            format!("say one of {}", EXPECT_KEYS.join(", ")),
        );
        return None;
    }
    let outcome =
        |node: Node<'_>, problems: &mut Problems| node.keyword("outcome", &outcomes(), problems);
    let vault = |node: Node<'_>, problems: &mut Problems| {
        written::vault_named(node, inventory, defaults, problems)
    };
    let text = |node: Node<'_>, problems: &mut Problems| node.text("text", problems);
    let writer =
        |node: Node<'_>, problems: &mut Problems| node.keyword("writer", WRITERS, problems);
    let outcome = expected(&section, "outcome", problems, outcome);
    let vault = expected(&section, "vault", problems, vault);
    let rule = expected(&section, "rule", problems, text);
    let writer = expected(&section, "writer", problems, writer);
    let reason = expected(&section, "reason", problems, text);
    Some(Expectation {
        outcome: outcome?,
        vault: vault?,
        rule: rule?,
        writer: writer?,
        reason: reason?,
    })
}

const WRITERS: &[(&str, Writer)] = &[
    ("platform-apps", Writer::PlatformApps),
    ("cluster-manager", Writer::ClusterManager),
    ("cluster", Writer::Cluster),
];

/// Every outcome that a policy can lead to; whether a change was made or is planned is not its affair.
fn outcomes() -> Vec<(&'static str, &'static str)> {
    let outcomes = Outcome::ALL
        .into_iter()
        .filter(|outcome| *outcome != Outcome::Planned);
    let words = outcomes.map(Outcome::word).chain([Decision::WAITING]);
    words.map(|word| (word, word)).collect()
}

/// The value of a key; null where there is to be none.
fn expected<'a, T>(
    section: &Section<'a>,
    key: &str,
    problems: &mut Problems,
    read: impl FnOnce(Node<'a>, &mut Problems) -> Option<T>,
) -> Option<Expected<T>> {
    match section.get(key) {
        None => Some(Expected::Anything),
        Some(node) if node.is_null() => Some(Expected::Nothing),
        Some(node) => read(node, problems).map(Expected::Just),
    }
}
