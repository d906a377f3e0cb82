//! Conditions on role assignments (Azure ABAC, version 2.0), as far as the right to assign roles needs them.
//! What it does not know is an error: a condition must never be taken for weaker than it is.

use std::collections::BTreeMap;

/// A condition that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition(Term);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Term {
    All(Vec<Term>),
    Any(Vec<Term>),
    Not(Box<Term>),
    Action(String),
    /// The attribute of the request is one of these.
    OneOf(String, Vec<String>),
}

/// What an assignment that is asked for says of itself: attribute (`PrincipalId`, ...) and value.
pub(crate) type Attributes = BTreeMap<&'static str, String>;

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    /// When the text uses anything that is not known here.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let mut reader = Reader { rest: text };
        let term = reader.any()?;
        anyhow::ensure!(reader.rest.trim().is_empty(), "left over: {}", reader.rest);
        Ok(Self(term))
    }

    /// Whether it allows an action with this request.
    pub(crate) fn allows(&self, action: &str, request: &Attributes) -> bool {
        self.0.holds(action, request)
    }
}

impl Term {
    fn holds(&self, action: &str, request: &Attributes) -> bool {
        match self {
            Self::All(terms) => terms.iter().all(|term| term.holds(action, request)),
            Self::Any(terms) => terms.iter().any(|term| term.holds(action, request)),
            Self::Not(term) => !term.holds(action, request),
            Self::Action(known) => known.eq_ignore_ascii_case(action),
            Self::OneOf(attribute, values) => request
                .get(attribute.as_str())
                .is_some_and(|it| values.iter().any(|value| value.eq_ignore_ascii_case(it))),
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn takes(&mut self, word: &str) -> bool {
        match self.rest.trim_start().strip_prefix(word) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, word: &str) -> anyhow::Result<()> {
        let found = self.takes(word);
        anyhow::ensure!(found, "expected `{word}` at: {}", self.rest);
        Ok(())
    }

    fn until(&mut self, end: char) -> anyhow::Result<&'a str> {
        let Some((text, rest)) = self.rest.split_once(end) else {
            anyhow::bail!("expected `{end}` after: {}", self.rest);
        };
        self.rest = rest;
        Ok(text)
    }

    fn any(&mut self) -> anyhow::Result<Term> {
        let mut terms = vec![self.all()?];
        while self.takes("OR") {
            terms.push(self.all()?);
        }
        Ok(Term::Any(terms))
    }

    fn all(&mut self) -> anyhow::Result<Term> {
        let mut terms = vec![self.term()?];
        while self.takes("AND") {
            terms.push(self.term()?);
        }
        Ok(Term::All(terms))
    }

    fn term(&mut self) -> anyhow::Result<Term> {
        if self.takes("!") {
            return Ok(Term::Not(Box::new(self.term()?)));
        }
        if self.takes("(") {
            let term = self.any()?;
            self.expect(")")?;
            return Ok(term);
        }
        if self.takes("ActionMatches{'") {
            let action = self.until('\'')?.to_owned();
            self.expect("}")?;
            return Ok(Term::Action(action));
        }
        self.expect("@Request[Microsoft.Authorization/roleAssignments:")?;
        let attribute = self.until(']')?.to_owned();
        let is_known = self.takes("ForAnyOfAnyValues:GuidEquals")
            || self.takes("ForAnyOfAnyValues:StringEqualsIgnoreCase");
        anyhow::ensure!(is_known, "an operator that is not known at: {}", self.rest);
        self.expect("{")?;
        let values = self
            .until('}')?
            .split(',')
            .map(|it| it.trim().trim_matches('\'').to_owned());
        Ok(Term::OneOf(attribute, values.collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "( ( !(ActionMatches{'x/write'}) ) OR ( @Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] \
        ForAnyOfAnyValues:GuidEquals {a, b} AND @Request[Microsoft.Authorization/roleAssignments:PrincipalType] \
        ForAnyOfAnyValues:StringEqualsIgnoreCase {'ServicePrincipal'} ) ) AND ( !(ActionMatches{'x/delete'}) )";

    fn request(role: &str, kind: &str) -> Attributes {
        [
            ("RoleDefinitionId", role.to_owned()),
            ("PrincipalType", kind.to_owned()),
        ]
        .into_iter()
        .collect()
    }

    #[test]
    fn an_assignment_has_to_be_what_the_condition_names() {
        let condition = Condition::parse(TEXT).unwrap();
        assert!(condition.allows("x/write", &request("B", "serviceprincipal")));
        assert!(!condition.allows("x/write", &request("c", "ServicePrincipal")));
        assert!(!condition.allows("x/write", &request("a", "User")));
        assert!(!condition.allows("x/write", &Attributes::new()));
        assert!(!condition.allows("x/delete", &request("a", "ServicePrincipal")));
        assert!(condition.allows("x/read", &Attributes::new()));
    }

    #[test]
    fn what_is_not_known_is_no_condition() {
        for text in [
            "",
            "(",
            "true",
            "@Resource[x] GuidEquals {a}",
            "!(ActionMatches{'x'}) XOR !(ActionMatches{'y'})",
        ] {
            assert!(Condition::parse(text).is_err(), "{text}");
        }
    }
}
