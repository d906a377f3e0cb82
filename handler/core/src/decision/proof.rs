//! Proof: whether a vault that is not found is deleted. A 404 is a hint.
//!
//! It must not take the lack of an answer, or an answer that says the same of everything, for one.

use super::{
    Read,
    current::Named,
    input::Input,
    stop::{Stop, all, both, known},
};
use crate::{
    id::{SubscriptionId, VaultId},
    inventory::{Listed, NameState},
    policy::Rule,
};

/// The longest name that a vault can have.
const LONGEST_NAME: usize = 24;

/// The deleted vault of this name, where one of the lists of these subscriptions has it.
pub(super) fn among_the_deleted<'a>(
    input: &Input<'a>,
    named: &Named,
    subscriptions: &[&SubscriptionId],
) -> Result<Option<&'a VaultId>, Stop> {
    let deleted_of = |subscription: &&SubscriptionId| {
        let deleted = input.inventory.deleted_vaults.get(*subscription);
        known(deleted, || Read::DeletedVaults((*subscription).clone()))
    };
    let deleted = all(subscriptions.iter().map(deleted_of))?;
    let mut deleted = deleted.into_iter().flatten();
    Ok(deleted.find(|vault| Some(&input.host_of(vault)) == named.host.as_ref()))
}

/// Is the vault purged? Its name is free, and in the same breath that of a vault that is there is said to be taken.
pub(super) fn is_name_free(
    input: &Input<'_>,
    rule: &Rule,
    named: &Named,
    asked: &SubscriptionId,
) -> Result<bool, Stop> {
    let is_plain = |name: &&str| {
        let mut bytes = name.bytes();
        name.len() <= LONGEST_NAME && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_here = |name: &&str| Some(&input.host_named(name)) == named.host.as_ref();
    let Some(name) = named.name().filter(is_plain).filter(is_here) else {
        return Ok(false);
    };
    let Some(control) = control(input, rule, name)? else {
        return Ok(false);
    };
    let state = |name: &str| {
        let name = name.to_ascii_lowercase();
        let state = input.inventory.vault_names.get(&name).copied();
        known(state, || Read::VaultName(asked.clone(), name))
    };
    let (of_vault, of_control) = both(state(name), state(control.name()))?;
    Ok(of_vault == NameState::Free && of_control == NameState::Taken)
}

/// How many vaults of a rule are tried before another one's: one that may not be read proves nothing.
const MOST_TRIED: usize = 3;

/// A vault of another name that a live read shows: of this rule, else of any rule, else of all that can be searched.
fn control<'a>(input: &Input<'a>, rule: &Rule, name: &str) -> Result<Option<&'a VaultId>, Stop> {
    let is_other = |id: &&VaultId| !id.name().eq_ignore_ascii_case(name);
    let mut seen = input.inventory.found_vaults().map(|vault| &vault.id);
    if let Some(seen) = seen.find(is_other) {
        return Ok(Some(seen));
    }
    // Reading it makes it one that was seen.
    let is_unread = |id: &&VaultId| input.sighting(id).is_none();
    let to_try = |lists: Vec<&'a Listed>| {
        let rows = lists.into_iter().flat_map(|list| list.vaults.all());
        let mut others = rows.map(|row| &row.id).filter(is_other).take(MOST_TRIED);
        others.find(is_unread)
    };
    let live = |id: &VaultId| Err(Stop::Missing(vec![Read::Vault(id.clone())]));
    if let Some(id) = to_try(input.lists(rule)?) {
        return live(id);
    }
    let others = input.policy.rules.iter();
    let others = others.filter(|other| other.name != rule.name);
    let lists = all(others.map(|other| input.lists(other)))?;
    if let Some(id) = lists.into_iter().find_map(to_try) {
        return live(id);
    }
    let found = known(input.inventory.any_vault.as_ref(), || Read::AnyVault)?;
    let found = found.as_ref().filter(is_other).filter(is_unread);
    found.filter(|id| input.may_read(id)).map_or(Ok(None), live)
}
