//! The roles that a request gave, as the roles say themselves: it outlives a delivery that broke off before the answer came.
//!
//! It must not be a reason to act: it serves what is told.

use std::iter::successors;

use vaultbind_core::{
    decision::Decision,
    plan::Change,
    resource::RoleAssignment,
    result::{ChangeRecord, ChangeStatus},
};

use crate::request::Request;

const MADE_BY: &str = "Vaultbind, request ";

/// What a role says that this delivery of a request gives.
pub(super) fn description(request: &Request) -> String {
    format!("{MADE_BY}{}", request.message_id())
}

/// Notes those of the roles that this request gave, at whichever attempt.
pub(super) fn recognise(request: &mut Request, decision: &Decision) {
    let Some((grants, vault)) = decision.writer.as_ref().zip(decision.vault.as_ref()) else {
        return;
    };
    for (principal, row) in &grants.principals {
        let first = Change::assign_role(&vault.id, principal, grants.writer);
        let mut names = successors(Some(first), Change::renamed);
        let Some(row) = row else { continue };
        let ours = names.find(|change| row.id.eq_ignore_ascii_case(&change.target()));
        if let Some((change, attempt)) = ours.zip(made_at(request, row)) {
            let record = ChangeRecord::of(&change, ChangeStatus::Done, attempt);
            request.progress.note(record);
        }
    }
}

/// At which attempt of the request the role was given; none where another gave it, or it was changed since. What is older
/// than the request is not of it, whatever it says.
fn made_at(request: &Request, row: &RoleAssignment) -> Option<u32> {
    let description = row.description.as_deref()?;
    if row.created_on < request.first_seen {
        return None;
    }
    request.attempt_of(description.strip_prefix(MADE_BY)?)
}
