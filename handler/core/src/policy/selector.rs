//! Selectors: what a rule asks of a cluster or a vault.
//!
//! It must not hold where it cannot tell: a test that takes a value which the cluster lacks fails.

use super::{
    attributes::{Attribute, Attributes},
    pattern::{OnlyValue, Pattern},
};
use crate::id::SubscriptionId;

/// Tests, all of which must hold.
#[derive(Debug, Clone, Default)]
pub struct Selector {
    /// What is asked of attributes, each at most once.
    pub attributes: Vec<(Attribute, Test)>,
    /// What is asked of tags by name, each at most once; names ignore case.
    pub tags: Vec<(String, Test)>,
}

/// What is asked of one tag or one attribute.
#[derive(Debug, Clone)]
pub enum Test {
    /// It is there and one of the patterns matches its value.
    AnyOf(Vec<Pattern>),
    /// None of the patterns matches its value; it need not be there.
    NoneOf(Vec<Pattern>),
    /// It is not there.
    Absent,
}

impl Selector {
    /// Is nothing asked?
    pub fn is_empty(&self) -> bool {
        self.attributes.is_empty() && self.tags.is_empty()
    }

    /// Does a cluster or a vault pass every test? Templates take their values from `cluster`.
    pub fn matches(&self, resource: &Attributes<'_>, cluster: &Attributes<'_>) -> bool {
        let attributes = || {
            let holds = |(attribute, test): &(Attribute, Test)| {
                test.holds(resource.attribute(*attribute).as_deref(), cluster)
            };
            self.attributes.iter().all(holds)
        };
        let tags = || {
            let holds = |(name, test): &(String, Test)| test.holds(resource.tag(name), cluster);
            self.tags.iter().all(holds)
        };
        // Most rules that do not match fail by a tag.
        tags() && attributes()
    }

    /// Could something pass every test for a cluster that lies where this one does? A test that takes a tag of the cluster's
    /// counts as passed, whatever the tag says now.
    pub fn may_match(&self, resource: &Attributes<'_>, cluster: &Attributes<'_>) -> bool {
        let may_hold =
            |test: &Test, value: Option<&str>| test.takes_tags() || test.holds(value, cluster);
        let mut attributes = self.attributes.iter();
        let mut tags = self.tags.iter();
        attributes
            .all(|(attribute, test)| may_hold(test, resource.attribute(*attribute).as_deref()))
            && tags.all(|(name, test)| may_hold(test, resource.tag(name)))
    }

    /// What keeps it from matching, in words; nothing where it matches.
    pub fn mismatch(&self, resource: &Attributes<'_>, cluster: &Attributes<'_>) -> Option<String> {
        let said = |what: String, value: Option<&str>| {
            value.map_or_else(
                || format!("{what} is absent"),
                |text| format!("{what} is `{text}`"),
            )
        };
        let mut attributes = self.attributes.iter().filter_map(|(attribute, test)| {
            let value = resource.attribute(*attribute);
            let fails = !test.holds(value.as_deref(), cluster);
            fails.then(|| said(format!("`{attribute}`"), value.as_deref()))
        });
        let mut tags = self.tags.iter().filter_map(|(name, test)| {
            let value = resource.tag(name);
            (!test.holds(value, cluster)).then(|| said(format!("tag `{name}`"), value))
        });
        attributes.next().or_else(|| tags.next())
    }

    /// The tests on tags that only a few values pass: the name and those values, for one cluster.
    pub fn exact_tests<'a>(
        &'a self,
        cluster: &'a Attributes<'a>,
    ) -> impl Iterator<Item = (&'a str, Vec<String>)> {
        self.tags
            .iter()
            .filter_map(move |(name, test)| Some((name.as_str(), test.only_values(cluster)?)))
    }

    /// Does the selector surely match whatever `other` matches?
    pub fn covers(&self, other: &Self) -> bool {
        let attributes = self.attributes.iter().all(|(attribute, test)| {
            let there = other
                .attributes
                .iter()
                .find(|(theirs, _)| theirs == attribute);
            // An attribute is never absent.
            test.takes_every_value() || test.follows_from(there.map(|(_, test)| test))
        });
        let tags = self.tags.iter().all(|(name, test)| {
            let there = other
                .tags
                .iter()
                .find(|(theirs, _)| theirs.eq_ignore_ascii_case(name));
            test.follows_from(there.map(|(_, test)| test))
        });
        attributes && tags
    }

    /// Can the selector match anything in this subscription?
    pub fn can_match_in(&self, subscription: &SubscriptionId) -> bool {
        let matches = |pattern: &Pattern| {
            pattern.is_template() || pattern.matches_text(subscription.as_str())
        };
        self.attributes
            .iter()
            .filter(|(attribute, _)| *attribute == Attribute::Subscription)
            .all(|(_, test)| match test {
                Test::AnyOf(patterns) => patterns.iter().any(matches),
                Test::NoneOf(patterns) => !patterns.iter().any(matches),
                Test::Absent => false,
            })
    }

    /// The tags of the cluster that the tests take values from.
    pub fn taken_tags(&self) -> impl Iterator<Item = &str> {
        let of_attributes = self.attributes.iter().map(|(_, test)| test);
        let of_tags = self.tags.iter().map(|(_, test)| test);
        of_attributes.chain(of_tags).flat_map(Test::taken_tags)
    }

    /// Has whatever the selector matches a value in the tag of this name?
    pub fn requires_tag(&self, name: &str) -> bool {
        self.tags
            .iter()
            .any(|(tag, test)| tag.eq_ignore_ascii_case(name) && matches!(test, Test::AnyOf(_)))
    }
}

impl Test {
    /// A negation: what is ruled out is ruled out in whatever case it is written.
    pub fn none_of(patterns: impl IntoIterator<Item = Pattern>) -> Self {
        let patterns = patterns.into_iter().map(Pattern::in_any_case);
        Self::NoneOf(patterns.collect())
    }

    /// The tags of the cluster that it takes.
    fn taken_tags(&self) -> impl Iterator<Item = &str> {
        let patterns = match self {
            Self::AnyOf(patterns) | Self::NoneOf(patterns) => patterns.as_slice(),
            Self::Absent => &[],
        };
        patterns.iter().flat_map(Pattern::tags)
    }

    fn takes_tags(&self) -> bool {
        self.taken_tags().next().is_some()
    }

    fn holds(&self, value: Option<&str>, cluster: &Attributes<'_>) -> bool {
        match (self, value) {
            (Self::Absent, value) => value.is_none(),
            (Self::AnyOf(_), None) => false,
            (Self::AnyOf(patterns), Some(value)) => patterns
                .iter()
                .any(|pattern| pattern.matches(value, cluster)),
            (Self::NoneOf(patterns), value) => patterns.iter().all(|pattern| {
                pattern.is_defined(cluster)
                    && !value.is_some_and(|value| pattern.matches(value, cluster))
            }),
        }
    }

    /// The values that pass, where they can be listed.
    fn only_values<'a>(&'a self, cluster: &'a Attributes<'a>) -> Option<Vec<String>> {
        let Self::AnyOf(patterns) = self else {
            return None;
        };
        let values = patterns.iter().map(|pattern| pattern.only_value(cluster));
        values
            .filter(|value| *value != OnlyValue::Nothing)
            .map(|value| match value {
                OnlyValue::One(value) => Some(value),
                OnlyValue::Nothing | OnlyValue::Many => None,
            })
            .collect()
    }

    /// Does the test hold whatever the value is, where there is one?
    fn takes_every_value(&self) -> bool {
        matches!(self, Self::AnyOf(patterns) if patterns.iter().any(Pattern::covers_all))
    }

    /// Does the test surely hold wherever `other` holds? No other test says nothing.
    fn follows_from(&self, other: Option<&Self>) -> bool {
        let some = |patterns: &[Pattern], is: &dyn Fn(&Pattern) -> bool| patterns.iter().any(is);
        match (self, other) {
            (_, None) => false,
            (Self::Absent, Some(Self::Absent)) => true,
            (Self::NoneOf(ours), Some(Self::Absent)) => !some(ours, &Pattern::is_template),
            (Self::Absent, Some(Self::NoneOf(theirs))) => some(theirs, &Pattern::covers_all),
            (Self::AnyOf(ours), Some(Self::AnyOf(theirs))) => theirs
                .iter()
                .all(|their| some(ours, &|our| our.covers(their))),
            (Self::NoneOf(ours), Some(Self::NoneOf(theirs))) => ours
                .iter()
                .all(|our| some(theirs, &|their| their.covers(our))),
            (Self::NoneOf(ours), Some(Self::AnyOf(theirs))) => theirs
                .iter()
                .all(|their| ours.iter().all(|our| our.excludes(their))),
            (Self::Absent, Some(Self::AnyOf(_)))
            | (Self::AnyOf(_), Some(Self::Absent | Self::NoneOf(_))) => false,
        }
    }
}

#[cfg(test)]
mod tests;
