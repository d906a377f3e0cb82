//! The directory: service principals and groups.
//! It knows nothing of roles.

use std::collections::BTreeMap;

use super::{Azure, key};

/// The platform's two apps: app id and display name.
pub const PLATFORM_APPS: [(&str, &str); 2] = [
    (
        "05cf5e27-931d-47ad-826d-cb9028d8bd7a",
        "AFOI-NC-RP-PME-PROD",
    ),
    (
        "3365d4ea-bb16-4bc9-86dd-f2c8cf6f1f56",
        "AFOI-NC-MGMT-PME-PROD",
    ),
];

/// What kind of principal it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrincipalKind {
    /// An app or a managed identity.
    ServicePrincipal,
    /// A person.
    User,
    /// A group.
    Group,
}

impl PrincipalKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ServicePrincipal => "ServicePrincipal",
            Self::User => "User",
            Self::Group => "Group",
        }
    }
}

/// A principal of the tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePrincipal {
    /// Its object id, which role assignments name.
    pub object_id: String,
    /// The app id, which they never name.
    pub app_id: String,
    /// Its name.
    pub display_name: String,
    /// What it is.
    pub kind: PrincipalKind,
}

#[derive(Debug, Default)]
pub(crate) struct Directory {
    principals: BTreeMap<String, ServicePrincipal>,
    members: BTreeMap<String, Vec<String>>,
    /// How often a principal is still unknown to role assignments.
    replicating: BTreeMap<String, u32>,
}

impl Directory {
    pub(crate) fn by_app_id(&self, app_id: &str) -> Option<&ServicePrincipal> {
        self.principals
            .values()
            .find(|principal| principal.app_id.eq_ignore_ascii_case(app_id))
    }

    pub(crate) fn by_object_id(&self, object_id: &str) -> Option<&ServicePrincipal> {
        self.principals.get(&key(object_id))
    }

    /// The same as a role assignment sees it: replication may not be through; each look counts.
    pub(super) fn replicated(&mut self, object_id: &str) -> Option<&ServicePrincipal> {
        if let Some(left) = self
            .replicating
            .get_mut(&key(object_id))
            .filter(|left| **left > 0)
        {
            *left -= 1;
            return None;
        }
        self.by_object_id(object_id)
    }

    /// The principal and the groups that it is in, directly or not.
    pub(super) fn with_groups(&self, object_id: &str) -> Vec<String> {
        let mut found = vec![key(object_id)];
        let mut next = 0;
        while let Some(member) = found.get(next).cloned() {
            let groups = self
                .members
                .iter()
                .filter(|(_, members)| members.contains(&member));
            let new: Vec<String> = groups
                .map(|(group, _)| group.clone())
                .filter(|g| !found.contains(g))
                .collect();
            found.extend(new);
            next += 1;
        }
        found
    }
}

impl Azure {
    /// Adds a service principal, and returns its object id.
    pub fn add_service_principal(&mut self, display_name: &str, app_id: &str) -> String {
        let object_id = self.make_id(&format!("principal/{app_id}"));
        self.add_principal(
            &object_id,
            app_id,
            display_name,
            PrincipalKind::ServicePrincipal,
        );
        object_id
    }

    /// Adds a principal with the given ids.
    pub fn add_principal(
        &mut self,
        object_id: &str,
        app_id: &str,
        display_name: &str,
        kind: PrincipalKind,
    ) {
        let principal = ServicePrincipal {
            object_id: object_id.to_owned(),
            app_id: app_id.to_owned(),
            display_name: display_name.to_owned(),
            kind,
        };
        self.directory.principals.insert(key(object_id), principal);
    }

    /// Adds a group with these members, and returns its object id.
    pub fn add_group(&mut self, name: &str, members: &[String]) -> String {
        let object_id = self.make_id(&format!("group/{name}"));
        self.add_principal(&object_id, "", name, PrincipalKind::Group);
        self.directory
            .members
            .insert(key(&object_id), members.iter().map(|m| key(m)).collect());
        object_id
    }

    /// Adds the platform's two service principals, as the first registration in a tenant does.
    pub fn add_platform_apps(&mut self) {
        for (app_id, name) in PLATFORM_APPS {
            self.add_service_principal(name, app_id);
        }
    }

    /// Deletes the platform's service principals and makes them anew: their object ids are others.
    pub fn renew_platform_apps(&mut self) {
        for (app_id, name) in PLATFORM_APPS {
            if let Some(known) = self.directory.by_app_id(app_id).cloned() {
                self.remove_principal(&known.object_id);
                let object_id = self.next_id("renewed-principal");
                self.add_principal(&object_id, app_id, name, PrincipalKind::ServicePrincipal);
            }
        }
    }

    /// Deletes a principal from the directory.
    pub fn remove_principal(&mut self, object_id: &str) {
        self.directory.principals.remove(&key(object_id));
    }

    /// Lets the next `times` role assignments not find the principal yet.
    pub fn delay_principal(&mut self, object_id: &str, times: u32) {
        self.directory.replicating.insert(key(object_id), times);
    }
}
