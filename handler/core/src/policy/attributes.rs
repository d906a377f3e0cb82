//! What selectors and templates see of a cluster or a vault: its tags, its name and where it lies.
//!
//! It must not show a spelling that ARM does not tell apart: what ignores case in ARM is shown in lower case.

use std::borrow::Cow;

use super::keywords;
use crate::{
    id::ResourceId,
    resource::{Cluster, Vault},
    tags::Tags,
};

keywords!(
    /// Something that every cluster and every vault has.
    Attribute {
        /// Its name.
        Name = "name",
        /// The region, such as `eastus`; `East US` is the same.
        Location = "location",
        /// The name of the resource group.
        ResourceGroup = "resource-group",
        /// The id of the subscription.
        Subscription = "subscription",
    }
);

/// A cluster or a vault, as selectors and templates see it.
#[derive(Debug, Clone)]
pub struct Attributes<'a> {
    id: &'a ResourceId,
    location: Cow<'a, str>,
    tags: &'a Tags,
}

impl<'a> Attributes<'a> {
    /// The value of a tag; the name ignores case.
    pub fn tag(&self, name: &str) -> Option<&'a str> {
        self.tags.get(name)
    }

    /// The value of an attribute in lower case and without blanks; none where Azure has not told it.
    pub fn attribute(&self, attribute: Attribute) -> Option<Cow<'_, str>> {
        let value = match attribute {
            Attribute::Name => canonical(self.id.name()),
            Attribute::Location => Cow::Borrowed(&*self.location),
            Attribute::ResourceGroup => canonical(self.id.resource_group()),
            Attribute::Subscription => Cow::Borrowed(self.id.subscription().as_str()),
        };
        (!value.is_empty()).then_some(value)
    }
}

impl<'a> From<&'a Cluster> for Attributes<'a> {
    fn from(cluster: &'a Cluster) -> Self {
        Self {
            id: &cluster.id,
            location: canonical(&cluster.location),
            tags: &cluster.tags,
        }
    }
}

impl<'a> From<&'a Vault> for Attributes<'a> {
    fn from(vault: &'a Vault) -> Self {
        Self {
            id: &vault.id,
            location: canonical(&vault.location),
            tags: &vault.tags,
        }
    }
}

/// The one spelling of what ARM compares without regard to case; `East US` and `eastus` are one region.
pub fn canonical(text: &str) -> Cow<'_, str> {
    if text
        .bytes()
        .any(|byte| byte.is_ascii_uppercase() || byte == b' ')
    {
        Cow::Owned(text.replace(' ', "").to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    #[test]
    fn what_arm_does_not_tell_apart_has_one_spelling() {
        let mut cluster = fixtures::cluster("C-One", &[("Site", "Berlin")]);
        cluster.location = "East US 2".to_owned();
        let seen = Attributes::from(&cluster);
        let value = |attribute: Attribute| seen.attribute(attribute).unwrap().into_owned();
        assert_eq!(value(Attribute::Name), "c-one");
        assert_eq!(value(Attribute::Location), "eastus2");
        assert_eq!(value(Attribute::ResourceGroup), "rg-sites");
        assert_eq!(value(Attribute::Subscription), fixtures::SUBSCRIPTION);
        assert_eq!(seen.tag("site"), Some("Berlin"));
    }

    #[test]
    fn a_location_that_azure_has_not_told_is_none() {
        let mut vault = fixtures::vault("kv-a", &[]);
        vault.location = String::new();
        assert_eq!(
            Attributes::from(&vault).attribute(Attribute::Location),
            None
        );
    }
}
