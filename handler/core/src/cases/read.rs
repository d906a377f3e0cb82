//! Reading cases: a file of them, with what they share.
//!
//! It must not open files: whoever reads an estate from one passes it in.

use std::rc::Rc;

use time::{Date, macros::format_description};

use super::{Case, Expectation, Expected};
use crate::{
    decision::Decision,
    id::ClusterId,
    inventory::{
        Inventory,
        written::{self, Defaults},
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
const CASE_KEYS: &[&str] = &["name", "today", "estate", "cluster", "expect"];
const EXPECT_KEYS: &[&str] = &["outcome", "vault", "rule", "writer", "reason"];

/// These keys and those that furnish an estate.
fn furnished(keys: &[&'static str]) -> Vec<&'static str> {
    [keys, written::FURNISHED].concat()
}

/// How an estate is read that a file of cases names.
pub type Files<'a> = dyn Fn(&str) -> Result<Inventory, String> + 'a;

/// What the cases of a file share.
struct Shared<'a> {
    defaults: &'a Defaults,
    files: &'a Files<'a>,
    estate: Rc<Inventory>,
    today: Option<Date>,
}

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
    let section = Section::read(root, "a file of cases", &furnished(KEYS), problems)?;
    let version = section.required("version", "write `version: 1`", problems);
    if let Some(version) = version.filter(|it| it.integer() != Some(1)) {
        let message = format!("version is {}, only 1 is known", version.shown());
        problems.at(version, message);
    }
    let hint = "a case has a name, a cluster, and what is expected";
    let list = section.required("cases", hint, problems)?;
    let mut shared = Shared {
        defaults,
        files,
        estate: Rc::default(),
        today: None,
    };
    let (today, estate) = (
        shared.today(&section, problems),
        shared.estate(&section, problems),
    );
    // A mistake in what cases share does not hide those in the cases.
    shared.today = today.flatten();
    shared.estate = estate.clone().unwrap_or_default();
    let items = list.items("cases", problems)?;
    if items.is_empty() {
        problems.hinted(list, "`cases` is empty".to_owned(), hint);
    }
    let cases = node::every(items, problems, |it, problems| shared.case(it, problems));
    today.and(estate).and(cases)
}

impl Shared<'_> {
    #[expect(
        clippy::option_option,
        reason = "a key that is not there is no mistake"
    )]
    fn today(&self, section: &Section<'_>, problems: &mut Problems) -> Option<Option<Date>> {
        let Some(node) = section.get("today") else {
            return Some(self.today);
        };
        let text = node.string("a date", problems)?;
        let date = Date::parse(text, format_description!("[year]-[month]-[day]"));
        if date.is_err() {
            let message = format!("`{}` is not a date", text.escape_debug());
            problems.hinted(node, message, "write a date as 2027-03-31");
        }
        date.ok().map(Some)
    }

    /// The shared estate, or the one in a file, with what the section adds to it.
    fn estate(&self, section: &Section<'_>, problems: &mut Problems) -> Option<Rc<Inventory>> {
        let mut estate = match section.get("estate") {
            None => Inventory::clone(&self.estate),
            Some(node) => {
                let name = node.string("the name of a file", problems)?;
                match (self.files)(name) {
                    Ok(estate) => estate,
                    Err(why) => {
                        problems.at(node, why);
                        return None;
                    }
                }
            }
        };
        written::furnish(&mut estate, section, self.defaults, problems)?;
        Some(Rc::new(estate))
    }

    fn case(&self, node: Node<'_>, problems: &mut Problems) -> Option<Case> {
        let section = Section::read(node, "a case", &furnished(CASE_KEYS), problems)?;
        let name = section.required("name", "say what the case shows", problems);
        let name = name.and_then(|it| it.text("a name", problems));
        let today = self.today(&section, problems);
        let estate = self.estate(&section, problems);
        let hint = "describe the cluster, or name one of the estate";
        let cluster = section.required("cluster", hint, problems);
        let expect = section.required("expect", "say what is expected of it", problems);
        // What an estate that cannot be read would have held is no further mistake.
        let mut known = estate;
        let cluster = known
            .as_mut()
            .zip(cluster)
            .and_then(|(estate, it)| self.cluster(it, Rc::make_mut(estate), problems));
        let vaults = known.as_ref().unwrap_or(&self.estate);
        let expectation = expect.and_then(|it| self.expectation(it, vaults, problems));
        Some(Case {
            name: name?,
            place: node.place(),
            today: today?,
            inventory: known?,
            cluster: cluster?,
            expectation: expectation?,
        })
    }

    /// A cluster of the estate, or one that is described and enters it.
    fn cluster(
        &self,
        node: Node<'_>,
        inventory: &mut Inventory,
        problems: &mut Problems,
    ) -> Option<ClusterId> {
        let Some(name) = node.as_text() else {
            let cluster = written::cluster(node, inventory, self.defaults, problems)?;
            let id = cluster.id.clone();
            inventory.clusters.insert(id.clone(), Some(cluster));
            return Some(id);
        };
        let is_meant = |it: &&ClusterId| {
            it.as_str().eq_ignore_ascii_case(name) || it.name().eq_ignore_ascii_case(name)
        };
        let named: Vec<&ClusterId> = inventory.clusters.keys().filter(is_meant).collect();
        match named.as_slice() {
            [one] => return Some((*one).clone()),
            [] => {
                let message = format!(
                    "no cluster of the estate is called `{}`",
                    name.escape_debug()
                );
                problems.at(node, message);
            }
            several => {
                let message = format!("{} clusters of the estate are called so", several.len());
                problems.hinted(node, message, "say which by its resource id");
            }
        }
        None
    }

    fn expectation(
        &self,
        node: Node<'_>,
        inventory: &Inventory,
        problems: &mut Problems,
    ) -> Option<Expectation> {
        let section = Section::read(node, "`expect`", EXPECT_KEYS, problems)?;
        if EXPECT_KEYS.iter().all(|it| section.get(it).is_none()) {
            let message = "`expect` expects nothing".to_owned();
            problems.hinted(
                node,
                message,
                format!("say one of {}", EXPECT_KEYS.join(", ")),
            );
            return None;
        }
        let outcome =
            |it: Node<'_>, problems: &mut Problems| it.keyword("outcome", &outcomes(), problems);
        let vault = |it: Node<'_>, problems: &mut Problems| {
            written::vault_named(it, inventory, self.defaults, problems)
        };
        let text = |it: Node<'_>, problems: &mut Problems| it.text("text", problems);
        let writer =
            |it: Node<'_>, problems: &mut Problems| it.keyword("writer", WRITERS, problems);
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
        .filter(|it| *it != Outcome::Planned);
    let words = outcomes.map(Outcome::word).chain([Decision::WAITING]);
    words.map(|it| (it, it)).collect()
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
