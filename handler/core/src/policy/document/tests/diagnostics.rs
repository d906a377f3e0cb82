//! Every mistake and every warning, as an author sees it: `diagnostics.txt` holds what is said.

use expect_test::{expect, expect_file};
use time::macros::date;

use super::{SHORTEST, with};
use crate::policy::document::{check, load};

const TODAY: time::Date = date!(2026 - 11 - 23);

/// What is wrong, and the texts of the example that are replaced to get there.
const CHANGES: &[(&str, &[(&str, &str)])] = &[
    (
        "an alias where a star was meant",
        &[("site: \"*\"", "site: *")],
    ),
    (
        "a version that is not known",
        &[
            ("version: 1", "version: 2"),
            ("version: 1", "version: one"),
            ("version: 1\n", ""),
        ],
    ),
    (
        "a key that is not known",
        &[
            ("rules:", "rule:"),
            ("subscriptions:", "subscription:"),
            ("    writer:", "    writers:"),
            ("      prefer:", "      preferred:"),
            ("owner:", "holder:"),
            ("location: { not:", "location: { nor:"),
            ("      location:", "      region:"),
        ],
    ),
    (
        "what cannot be left out",
        &[
            (
                "\n  subscriptions: [ \"11111111-1111-1111-1111-111111111111\" ]",
                " {}",
            ),
            ("  - name: by-site\n    clusters:", "  - clusters:"),
            ("      within:", "      prefer:"),
            ("    owner: team-edge\n", ""),
        ],
    ),
    (
        "what must not be empty",
        &[
            ("[ \"11111111-1111-1111-1111-111111111111\" ]", "[]"),
            ("name: by-site", "name: \"\""),
            ("[prod, staging]", "[]"),
            ("{ not: [ westus, \"east*\" ] }", "[]"),
            ("rg-sites-*", "\" \""),
            ("[ \"/subscriptions/*/resourceGroups/lab/**\" ]", "[]"),
            ("owner: team-edge", "owner:"),
        ],
    ),
    (
        "what YAML takes for something else",
        &[
            ("purpose: nexus-credentials", "purpose: 010"),
            ("[prod, staging]", "[true, staging]"),
            ("[prod, staging]", "[null, staging]"),
            ("lab: null", "lab: 1.5"),
            ("[ purge-protection ]", "purge-protection"),
            (
                "[ same-resource-group, same-location ]",
                "{ same-location: true }",
            ),
            (
                "tags: { environment: [prod, staging], site: \"*\", lab: null }",
                "tags: [site]",
            ),
        ],
    ),
    (
        "a word that is not known",
        &[
            ("mode: audit", "mode: Audit"),
            ("writer: platform-apps", "writer: platform"),
            ("rebind: when-orphaned", "rebind: sometimes"),
            (
                "same-resource-group, same-location",
                "same-group, same-locations",
            ),
            (
                "same-resource-group, same-location",
                "same-location, same-location",
            ),
            ("[ purge-protection ]", "[ purge, protection ]"),
        ],
    ),
    (
        "an id that is none",
        &[
            ("[ \"11111111-1111-1111-1111-111111111111\" ]", "[ prod ]"),
            (
                "subscription: 11111111-1111-1111-1111-111111111111",
                "subscription: \"*\"",
            ),
            (
                "identity: \"id-nexus-*\"",
                "identity: /subscriptions/1111/id-a",
            ),
            (
                "identity: \"id-nexus-*\"",
                "identity: /subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg",
            ),
            (
                "\"/subscriptions/*/resourceGroups/lab/**\"",
                "lab, 3, \" \"",
            ),
        ],
    ),
    (
        "a glob that no id fits",
        &[
            ("\"/subscriptions/*/resourceGroups/lab/**\"", "\"*\""),
            ("/*/resourceGroups/lab/**\"", "/*\""),
            ("/*/resourceGroups/lab/**\"", "/*/clusters/lab\""),
            (
                "\"/subscriptions/*/resourceGroups/lab/**\"",
                "\"**lab/\", \"**/clusters/lab-\", /resourceGroups/lab/**",
            ),
            (
                "/*/resourceGroups/lab/**\"",
                "/11111111-1111-1111-1111-111111111111/resourceGroups/lab\"",
            ),
            (
                "/*/resourceGroups/lab/**\"",
                "/11111111-1111-1111-1111-111111111111/resourceGroups/lab/providers/Microsoft.KeyVault/vaults/kv-1\"",
            ),
        ],
    ),
    (
        "a name that no identity has, and globs over its id",
        &[
            ("\"id-nexus-*\"", "\"**/id-nexus-*\""),
            ("\"id-nexus-*\"", "\"/subscriptions/*/id-nexus\""),
            ("\"id-nexus-*\"", "\"**/\""),
            ("\"id-nexus-*\"", "id.nexus"),
            ("\"id-nexus-*\"", "\"${cluster.name}\""),
            ("\"id-nexus-*\"", "\"\""),
            ("\"id-nexus-*\"", "system-assigned"),
        ],
    ),
    (
        "a scope that is none",
        &[
            ("/resourceGroups/rg-nexus-secrets\"", "/rg-nexus-secrets\""),
            ("/rg-nexus-secrets\"", "/rg-*\""),
            ("/rg-nexus-secrets\"", "/${cluster.resource-group}\""),
        ],
    ),
    (
        "a date that is none",
        &[
            ("2027-03-31", "31.3.2027"),
            ("2027-03-31", "2027-02-29"),
            ("2027-03-31", "2027"),
        ],
    ),
    (
        "a name that cannot be",
        &[
            ("name: by-site", "name: by site"),
            ("lab: null", "Site: x"),
            ("lab: null", "\"lab/a\": x"),
        ],
    ),
    (
        "a test that says nothing",
        &[
            ("{ not: [ westus, \"east*\" ] }", "null"),
            ("lab: null", "lab: { not: null }"),
            ("lab: null", "lab: { not: { not: a } }"),
            ("lab: null", "lab: { not: [] }"),
            ("lab: null", "lab: {}"),
        ],
    ),
    (
        "a template that cannot be read",
        &[
            ("${cluster.tags.site|none}", "${cluster.tags.site"),
            ("${cluster.tags.site|none}", "${cluster.site}"),
            ("${cluster.tags.site|none}", "kv-${cluster.nmae}"),
            ("${cluster.tags.site|none}", "${cluster.resourceGroup}"),
            ("${cluster.tags.site|none}", "${cluster.tags.}"),
            ("${cluster.tags.site|none}", "${cluster.tags.site | none}"),
            ("${cluster.tags.site|none}", "kv-${cluster.tags.site|*}"),
            (
                "${cluster.tags.site|none}",
                "${cluster.tags.a|${cluster.tags.b}}",
            ),
            ("${cluster.tags.site|none}", "$cluster.tags.site"),
            ("${cluster.tags.site|none}", "kv-{cluster.name}"),
            ("site: \"*\"", "site: \"${cluster.tags.site}\""),
        ],
    ),
    (
        "columns count characters",
        &[(
            "purpose: nexus-credentials, site:",
            "Zweck: Schlüssel, site: 1, x:",
        )],
    ),
    (
        "a rule outside the scope",
        &[
            ("subscription: 1111", "subscription: 2111"),
            (
                "subscription: 11111111-1111-1111-1111-111111111111",
                "subscription: { not: 11111111-1111-1111-1111-111111111111 }",
            ),
        ],
    ),
    (
        "an exemption that has expired, and one on its last day",
        &[("2027-03-31", "2026-11-22"), ("2027-03-31", "2026-11-23")],
    ),
    (
        "a template over a tag that need not be there, and one that has to be",
        &[
            ("${cluster.tags.site|none}", "${cluster.tags.sit}"),
            ("${cluster.tags.site|none}", "${cluster.tags.region}"),
            ("${cluster.tags.site|none}", "${cluster.tags.site}"),
        ],
    ),
];

/// What is wrong, and a whole file that shows it.
const FILES: &[(&str, &str)] = &[
    (
        "every mistake at once, with the warnings",
        "version: 2\nmode: enforced\nrules:\n  - name: by site\n    vaults:\n      tags: { site: \"${cluster.site}\" }\n    rebind: sometimes\nexemptions:\n  - { clusters: [\"**\"], owner: a, reason: b, until: 2020-01-01 }\n",
    ),
    ("a tab", "version: 1\nrules:\n\t- name: x\n"),
    ("a key that is there twice", "version: 1\nversion: 1\n"),
    ("a list without its end", "version: [1\n"),
    ("an empty file", ""),
    ("a file of comments", "# nothing\n"),
    ("a file that is no mapping", "just text\n"),
    ("two documents", "version: 1\n---\nversion: 1\n"),
    ("no rules", "mode: audit\n"),
    ("an empty list of rules", "version: 1\nrules: []\n"),
    ("rules without a value", "version: 1\nrules:\n"),
    ("an empty rule", "version: 1\nrules:\n  - writer: auto\n"),
];

/// Rules, by their selectors of clusters, of which some may never govern.
const RULES: &[(&str, &[&str])] = &[
    (
        "a rule behind one that governs all",
        &["{}", "{ tags: { site: a } }"],
    ),
    (
        "a rule that asks for no less and no other",
        &[
            "{ tags: { Site: [\"a*\", b] }, location: \"east*\" }",
            "{ location: eastus2, tags: { site: [abc, b], zone: z } }",
        ],
    ),
    (
        "a rule behind one that takes any region",
        &[
            "{ location: \"*\" }",
            "{ tags: { a: b } }",
            "{ location: eastus }",
        ],
    ),
    (
        "a rule behind one that takes any value of a tag",
        &["{ tags: { a: \"*\" } }", "{ location: eastus }"],
    ),
    (
        "rules behind a negation",
        &[
            "{ tags: { site: { not: b } } }",
            "{ tags: { site: null } }",
            "{ tags: { site: c } }",
        ],
    ),
    (
        "rules that may govern",
        &[
            "{ tags: { site: a } }",
            "{ tags: { site: { not: b } } }",
            "{ tags: { site: \"*\" } }",
            "{}",
        ],
    ),
];

/// Rules that let their clusters go, or keep them, in boundaries that meet or do not.
const REBINDS: &[(&str, &[(&str, &str)])] = &[
    (
        "a rule that lets go within the boundary of one that keeps",
        &[("/resourceGroups/rg-prod", "never"), ("", "allow")],
    ),
    (
        "the same the other way round",
        &[("", "when-orphaned"), ("/resourceGroups/RG-lab", "allow")],
    ),
    (
        "boundaries apart, and rules that all let go",
        &[
            ("/resourceGroups/rg-prod", "never"),
            ("/resourceGroups/rg-lab", "allow"),
            ("/resourceGroups/rg-lab", "allow"),
        ],
    ),
];

#[test]
fn each_mistake_and_each_warning_is_told_with_its_line_and_what_to_do() {
    let mut said = String::new();
    for (title, changes) in CHANGES {
        said += &format!("# {title}\n");
        for (from, to) in *changes {
            said += &format!("> {from:?} becomes {to:?}\n{}\n", told(&with(from, to)));
        }
    }
    for (title, text) in FILES {
        said += &format!("# {title}\n> {text:?}\n{}\n", told(text));
    }
    for (title, selectors) in RULES {
        said += &format!("# {title}\n{}\n", told(&rules(selectors)));
    }
    for (title, rebinds) in REBINDS {
        said += &format!("# {title}\n{}\n", told(&rebinding(rebinds)));
    }
    let twice = SHORTEST.split_once("rules:\n").unwrap().1;
    let twice = told(&format!("{SHORTEST}{twice}"));
    said += &format!("# two rules of one name\n{twice}");
    expect_file!["diagnostics.txt"].assert_eq(&said);
}

/// What is said about a policy, with the lines that it is about.
fn told(text: &str) -> String {
    let mut said = String::new();
    for problem in check(text, TODAY) {
        let (line, column) = (problem.place.line, problem.place.column);
        let (severity, message) = (problem.severity, &problem.message);
        said += &format!("{severity} {line}:{column}: {message}\n");
        for line in problem.excerpt(text).iter().flatten() {
            said += &format!("  | {}\n", line.trim_end());
        }
        if let Some(hint) = &problem.hint {
            said += &format!("  = {hint}\n");
        }
    }
    if said.is_empty() {
        said += "sound\n";
    }
    said
}

/// A policy with rules `a`, `b`, ... that trust these places and let clusters go as they say.
fn rebinding(rebinds: &[(&str, &str)]) -> String {
    let rules = ('a'..).zip(rebinds).map(|(name, (place, rebind))| {
        let within = format!("/subscriptions/11111111-1111-1111-1111-111111111111{place}");
        format!("  - name: {name}\n    clusters: {{ tags: {{ site: {name} }} }}\n    vaults: {{ within: [{within}] }}\n    rebind: {rebind}\n")
    });
    format!("version: 1\nrules:\n{}", rules.collect::<String>())
}

/// A policy with rules `a`, `b`, ... that have these selectors of clusters.
fn rules(selectors: &[&str]) -> String {
    let within = "within: [/subscriptions/11111111-1111-1111-1111-111111111111]";
    let rules = ('a'..).zip(selectors).map(|(name, clusters)| {
        format!("  - name: {name}\n    clusters: {clusters}\n    vaults: {{ {within} }}\n")
    });
    format!("version: 1\nrules:\n{}", rules.collect::<String>())
}

#[test]
fn a_file_that_would_be_slow_to_read_is_refused_at_once() {
    let large = told(&" ".repeat(1024 * 1024 + 1));
    assert!(large.starts_with("error 1:1: the file is larger than 1 MiB"));
    let deep = told(&"[".repeat(65));
    assert!(deep.starts_with("error 1:1: nested deeper than 64 levels"));
}

#[test]
fn a_problem_as_json_has_its_place_and_its_severity() {
    let text = with("until: 2027-03-31", "until: 2020-01-01").replace("audit", "off");
    let json = serde_json::to_string_pretty(&check(&text, TODAY)).unwrap();
    expect![[r#"
        [
          {
            "line": 2,
            "column": 7,
            "length": 3,
            "severity": "error",
            "message": "`off` is no mode",
            "hint": "it is one of enforce, audit"
          },
          {
            "line": 25,
            "column": 12,
            "length": 10,
            "severity": "warning",
            "message": "the exemption of team-edge has expired on 2020-01-01",
            "hint": "its clusters are treated as all others are; remove it, or set a later day"
          }
        ]"#]]
    .assert_eq(&json);
}

/// Each change of the example that is refused, and the policy that it makes.
pub(super) fn refused() -> impl Iterator<Item = (String, String)> {
    let changes = CHANGES.iter().flat_map(|(_, changes)| *changes);
    let changed = changes.map(|(from, to)| (format!("{from:?} becomes {to:?}"), with(from, to)));
    changed.filter(|(_, text)| load(text).is_err())
}
