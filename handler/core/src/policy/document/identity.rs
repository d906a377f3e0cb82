//! The identity of a rule in a policy file.
//!
//! It must not take what no identity can be called: the rule would refuse every cluster.

use crate::{
    id::UserAssignedIdentityId,
    policy::{identity::RuleIdentity, pattern::Pattern},
    yaml::{node::Node, problem::Problems},
};

/// The longest name of a user-assigned identity (Azure's naming rules).
const LONGEST_NAME: usize = 128;

/// A name, a glob over names, an id, or the word for the system-assigned one.
pub(super) fn identity(node: Node<'_>, problems: &mut Problems) -> Option<RuleIdentity> {
    let text = node.text("the name or the id of an identity", problems)?;
    if text.eq_ignore_ascii_case(RuleIdentity::SYSTEM_ASSIGNED) {
        return Some(RuleIdentity::SystemAssigned);
    }
    let shown = text.escape_debug();
    if text.contains('/') {
        let id = text.parse().ok().map(RuleIdentity::Id);
        if id.is_none() {
            let message = format!("`{shown}` is no id of a user-assigned identity");
            problems.hinted(node, message, of_name(&text));
        }
        return id;
    }
    let name = Pattern::parse(&text).ok().filter(|_| is_name(&text));
    if name.is_none() {
        let message = format!("`{shown}` is no name of a user-assigned identity");
        let hint =
            "it has letters, digits, dashes and underscores; `*` stands for any text, even none";
        problems.hinted(node, message, hint);
    }
    name.map(|name| RuleIdentity::Name(name.in_any_case()))
}

fn is_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'*');
    let length = text.bytes().filter(|byte| *byte != b'*').count();
    !text.is_empty() && text.bytes().all(is_plain) && length <= LONGEST_NAME
}

/// A glob over ids was taken once: its last part says what was meant.
fn of_name(text: &str) -> String {
    let name = text.rsplit('/').next().unwrap_or_default();
    if text.contains('*') && is_name(name) {
        return format!("globs go over names alone: write `{name}`");
    }
    let kind = UserAssignedIdentityId::RESOURCE_TYPE;
    format!(
        "an id is /subscriptions/<GUID>/resourceGroups/<name>/providers/{kind}/<name>; a name alone will do"
    )
}
