//! What cannot be seen of vaults by reading them: boundaries, names, addresses.
//!
//! It must not say what a vault is; `vault` does.

use super::{given, parsed};
use crate::{
    id::{Scope, VaultId},
    inventory::{Listed, NameState, Visibility},
    yaml::{
        node::{Node, Section},
        problem::Problems,
    },
};

/// How a boundary was seen, where it was not simply listed.
pub(super) fn boundary(node: Node<'_>, problems: &mut Problems) -> Option<(Scope, Listed)> {
    const SIGHTS: &[(&str, Visibility)] = &[
        ("denied", Visibility::Hidden),
        ("absent", Visibility::Absent),
        ("absent-once", Visibility::AbsentOnce),
    ];
    let section = Section::read(node, "a boundary", &["scope", "read"], problems)?;
    let scope = section.required("scope", "as in `within`", problems);
    let read = section.required("read", "without it, a boundary is listed", problems);
    let scope: Option<Scope> = scope.and_then(|node| parsed(node, problems));
    let sight = read?.keyword("way in which a boundary was read", SIGHTS, problems)?;
    Some((scope?, Listed::seen([], sight)))
}

/// What Key Vault says of a name, where it does not follow from the vaults that there are.
pub(super) fn name(node: Node<'_>, problems: &mut Problems) -> Option<(String, NameState)> {
    const STATES: &[(&str, NameState)] = &[
        ("free", NameState::Free),
        ("taken", NameState::Taken),
        ("denied", NameState::Forbidden),
    ];
    let section = Section::read(node, "a name", &["name", "is"], problems)?;
    let name = section.required("name", "that of a vault", problems);
    let is = section.required("is", "free, taken, or denied", problems);
    let name = name.and_then(|node| node.string("a name", problems));
    let state = is?.keyword("state of a name", STATES, problems)?;
    Some((name?.to_ascii_lowercase(), state))
}

/// The vault at an address, none where a search finds none.
pub(super) fn address(
    node: Node<'_>,
    problems: &mut Problems,
) -> Option<(String, Option<VaultId>)> {
    let section = Section::read(node, "an address", &["host", "vault"], problems)?;
    let host = section.required(
        "host",
        "it is the vault's address without `https://`",
        problems,
    )?;
    let host = host.text("a host name", problems)?;
    let vault = match given(&section, "vault") {
        None => None,
        Some(node) => Some(parsed(node, problems)?),
    };
    Some((host, vault))
}
