//! The filters that a list of role assignments understands.
//! Everything else is refused, as ARM does.

use super::super::call::Refused;
use crate::state::{Assignment, Azure, within};

/// What a list is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    /// At the scope, above it and below it.
    None,
    /// At the scope and above it.
    AtScope,
    /// What this principal holds directly.
    Principal(String),
    /// What this principal holds, through groups too.
    AssignedTo(String),
    /// The same, but not below the scope.
    AtScopeAssignedTo(String),
}

impl Filter {
    pub(super) fn parse(text: Option<&str>) -> Result<Self, Refused> {
        let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
            return Ok(Self::None);
        };
        let (mut at_scope, mut principal, mut assigned) = (false, None, None);
        for part in split_and(text) {
            if part.eq_ignore_ascii_case("atScope()") {
                at_scope = true;
            } else if let Some(id) = quoted(part, "assignedTo(", ")") {
                assigned = Some(id);
            } else if let Some(id) = quoted(part, "principalId eq ", "") {
                principal = Some(id);
            } else {
                return Err(unsupported(text));
            }
        }
        match (at_scope, principal, assigned) {
            (true, None, None) => Ok(Self::AtScope),
            (false, Some(id), None) => Ok(Self::Principal(id)),
            (false, None, Some(id)) => Ok(Self::AssignedTo(id)),
            (true, None, Some(id)) => Ok(Self::AtScopeAssignedTo(id)),
            _ => Err(unsupported(text)),
        }
    }

    pub(super) fn passes(&self, azure: &Azure, scope: &str, row: &Assignment) -> bool {
        let above = within(scope, &row.scope);
        let around = above || within(&row.scope, scope);
        match self {
            Self::None => around,
            Self::AtScope => above,
            Self::Principal(id) => around && row.principal_id.eq_ignore_ascii_case(id),
            Self::AssignedTo(id) => around && azure.is_assigned(&row.principal_id, id),
            Self::AtScopeAssignedTo(id) => above && azure.is_assigned(&row.principal_id, id),
        }
    }
}

fn split_and(text: &str) -> impl Iterator<Item = &str> {
    text.split(" and ").map(str::trim)
}

fn quoted(part: &str, before: &str, after: &str) -> Option<String> {
    let rest = part
        .get(..before.len())
        .filter(|head| head.eq_ignore_ascii_case(before))
        .map(|_| &part[before.len()..])?;
    let inner = rest
        .trim()
        .strip_suffix(after)?
        .trim()
        .strip_prefix('\'')?
        .strip_suffix('\'')?;
    (!inner.contains('\'')).then(|| inner.to_owned())
}

fn unsupported(text: &str) -> Refused {
    let message = format!(
        "The filter '{text}' is not supported. Supported filters are either 'atScope()' or 'principalId eq '{{value}}' or assignedTo('{{value}}')'."
    );
    Refused::new(400, "UnsupportedFilter", &message)
}
