//! Estates: what Azure holds in one case, one resource a line.
//!
//! It must not know what is right: it holds what the lines say, and shows of it what Azure would show.
//!
//! Words are separated by blanks; `in=2/rg-x` puts a resource into a resource group of subscription 2222..., and
//! `tag.site=a` gives it a tag. Vaults come before what names them.
//! - `today 2026-11-23`, `hint kv-a`, `platform-apps missing`
//! - `provider state=NotRegistered served=2025-02-01,2024-07-01`
//! - `vault kv-a rbac=no purge-protection=no tenant=other state=RegisteringDns uri=https://... location=westus`, and how it is
//!   seen: `listed=no` (Resource Graph does not show it yet), `cached=no` (only a new look there does), `live=absent`, `live=denied`;
//!   `listed.site=b` is a tag and `listed-rbac=no` a flag as Resource Graph still shows it
//! - `deleted-vault kv-old`
//! - `manager m1 identity=system,id-a` (`id-a:pending` has no principal yet)
//! - `cluster c1 state=Updating status=Deleting identity=... manager=m1 archive=kv-a settings=kv-a/system provider=CyberArk location=westus`;
//!   `archive=kv-a:off` is switched off, `settings=-/system` has no address, `cluster c1 absent` does not exist
//! - `role kv-a app-1 scope=<id> role=<guid> conditional=yes through=group created=<Unix seconds>`; principals are `app-1`, `app-2`, `c1.system`, `c1.id-a`

#[path = "estate/show.rs"]
mod show;

use std::{cell::RefCell, collections::BTreeMap};

use time::{Date, OffsetDateTime, macros::date, macros::format_description};
use vaultbind_core::{
    archive::{ArchiveSettings, SecretArchive},
    id::{ClusterId, ClusterManagerId, UserAssignedIdentityId, VaultId},
    inventory::Sighting,
    plan::{Change, Plan},
    resource::{
        AssociatedIdentity, Cluster, Identities, PrincipalId, Provider, ProvisioningState,
        RoleAssignment, Vault, WRITER_ROLE,
    },
};

const TENANT: &str = "aaaabbbb-0000-cccc-1111-dddd2222eeee";

/// What Azure holds in one case.
#[derive(Debug)]
pub(crate) struct Estate {
    pub(crate) today: Date,
    pub(crate) hint: Option<VaultId>,
    pub(crate) cluster: Cluster,
    exists: bool,
    provider: Provider,
    vaults: Vec<VaultLine>,
    deleted: Vec<VaultId>,
    apps_exist: bool,
    manager: Option<Identities>,
    roles: Vec<(VaultId, PrincipalId, RoleAssignment)>,
    /// Principals by name, numbered as they come.
    principals: RefCell<Vec<String>>,
}

#[derive(Debug)]
struct VaultLine {
    vault: Vault,
    sighting: Sighting,
    /// The row of Resource Graph.
    row: Option<Vault>,
    is_cached: bool,
}

/// One line: its kind, its name and the rest.
struct Line<'a> {
    name: &'a str,
    flags: Vec<&'a str>,
    values: Vec<(&'a str, &'a str)>,
}

impl<'a> Line<'a> {
    fn value(&self, key: &str) -> Option<&'a str> {
        self.values.iter().find(|it| it.0 == key).map(|it| it.1)
    }

    fn says(&self, key: &str, value: &str) -> bool {
        self.value(key) == Some(value)
    }

    fn flag(&self, flag: &str) -> bool {
        self.flags.contains(&flag)
    }

    /// Values of the keys that begin with a prefix.
    fn tags(&self, prefix: &str) -> BTreeMap<&'a str, &'a str> {
        let named = |it: &(&'a str, &'a str)| Some((it.0.strip_prefix(prefix)?, it.1));
        self.values.iter().filter_map(named).collect()
    }

    fn id(&self, group: &str, provider: &str) -> String {
        let (digit, group) = self
            .value("in")
            .map_or(("1", group), |it| it.split_once('/').unwrap());
        id(digit, group, provider, self.name)
    }

    fn only(&self, known: &[&str]) {
        for (key, _) in &self.values {
            let is_known = known.iter().any(|it| match it.strip_suffix('*') {
                Some(prefix) => key.starts_with(prefix),
                None => key == it,
            });
            assert!(is_known, "`{key}` means nothing for {}", self.name);
        }
    }
}

fn id(digit: &str, group: &str, provider: &str, name: &str) -> String {
    let [a, b] = [8, 4].map(|length| digit.repeat(length));
    let subscription = format!("{a}-{b}-{b}-{b}-{a}{b}");
    format!("/subscriptions/{subscription}/resourceGroups/{group}/providers/{provider}/{name}")
}

fn identity_id(name: &str) -> UserAssignedIdentityId {
    id("1", "rg-sites", UserAssignedIdentityId::RESOURCE_TYPE, name)
        .parse()
        .unwrap()
}

impl Estate {
    /// Reads the lines of an estate.
    pub(crate) fn read(lines: &[&str]) -> Self {
        let mut estate = Self::empty();
        let mut has_cluster = false;
        for line in lines {
            let mut words = line.split_whitespace();
            let kind = words.next().unwrap_or_else(|| panic!("an empty line"));
            let (values, mut flags): (Vec<&str>, Vec<&str>) =
                words.partition(|it| it.contains('='));
            let name = if flags.is_empty() {
                ""
            } else {
                flags.remove(0)
            };
            let values = values.iter().map(|it| it.split_once('=').unwrap());
            let line = Line {
                name,
                flags,
                values: values.collect(),
            };
            has_cluster |= kind == "cluster";
            estate.enter(kind, &line);
        }
        assert!(has_cluster, "an estate without a cluster");
        estate
    }

    fn empty() -> Self {
        Self {
            today: date!(2026 - 11 - 23),
            hint: None,
            cluster: Cluster {
                id: cluster_id("none"),
                location: String::new(),
                tags: BTreeMap::<String, String>::new().into_iter().collect(),
                etag: None,
                provisioning_state: ProvisioningState::Succeeded,
                detailed_status: None,
                identities: Identities::default(),
                manager: None,
                archive: None,
                settings: None,
            },
            exists: true,
            provider: Provider {
                state: "Registered".to_owned(),
                cluster_api_versions: vec!["2026-10-01".to_owned()],
            },
            vaults: Vec::new(),
            deleted: Vec::new(),
            apps_exist: true,
            manager: None,
            roles: Vec::new(),
            principals: RefCell::new(Vec::new()),
        }
    }

    fn enter(&mut self, kind: &str, line: &Line<'_>) {
        match kind {
            "today" => {
                self.today =
                    Date::parse(line.name, format_description!("[year]-[month]-[day]")).unwrap();
            }
            "hint" => self.hint = Some(self.vault_id(line.name)),
            "platform-apps" => self.apps_exist = line.name != "missing",
            "provider" => self.enter_provider(line),
            "vault" => self.enter_vault(line),
            "deleted-vault" => self.deleted.push(vault_id(line)),
            "manager" => {
                line.only(&["identity"]);
                self.manager = Some(self.identities(line));
            }
            "cluster" => self.enter_cluster(line),
            "role" => self.enter_role(line),
            _ => panic!("`{kind}` means nothing"),
        }
    }

    fn enter_provider(&mut self, line: &Line<'_>) {
        line.only(&["state", "served"]);
        if let Some(state) = line.value("state") {
            state.clone_into(&mut self.provider.state);
        }
        if let Some(served) = line.value("served") {
            self.provider.cluster_api_versions = served.split(',').map(str::to_owned).collect();
        }
    }

    fn enter_vault(&mut self, line: &Line<'_>) {
        line.only(&[
            "in",
            "tag.*",
            "listed*",
            "cached",
            "live",
            "rbac",
            "purge-protection",
            "tenant",
            "state",
            "uri",
            "location",
        ]);
        let vault = Vault {
            id: vault_id(line),
            location: line.value("location").unwrap_or("eastus").to_owned(),
            tags: line.tags("tag.").into_iter().collect(),
            tenant: if line.says("tenant", "other") {
                "ffffffff-0000-cccc-1111-dddd2222eeee".to_owned()
            } else {
                TENANT.to_owned()
            },
            uri: line.value("uri").map_or_else(
                || format!("https://{}.vault.azure.net/", line.name),
                str::to_owned,
            ),
            rbac: !line.says("rbac", "no"),
            purge_protection: !line.says("purge-protection", "no"),
            provisioning_state: line.value("state").unwrap_or("Succeeded").to_owned(),
        };
        let mut row = vault.clone();
        let stale = line.tags("listed.");
        if !stale.is_empty() {
            row.tags = stale.into_iter().collect();
        }
        row.rbac &= !line.says("listed-rbac", "no");
        self.vaults.push(VaultLine {
            sighting: match line.value("live") {
                None => Sighting::Found(vault.clone()),
                Some("absent") => Sighting::NotFound,
                Some("denied") => Sighting::Forbidden,
                Some(other) => panic!("live={other}"),
            },
            vault,
            row: (!line.says("listed", "no")).then_some(row),
            is_cached: !line.says("cached", "no"),
        });
    }

    fn enter_cluster(&mut self, line: &Line<'_>) {
        line.only(&[
            "in", "tag.*", "state", "status", "identity", "manager", "archive", "settings",
            "provider", "location",
        ]);
        self.exists = !line.flag("absent");
        self.cluster = Cluster {
            id: line
                .id("rg-sites", ClusterId::RESOURCE_TYPE)
                .parse()
                .unwrap(),
            location: line.value("location").unwrap_or("eastus").to_owned(),
            tags: line.tags("tag.").into_iter().collect(),
            etag: Some("\"1\"".to_owned()),
            provisioning_state: ProvisioningState::from_text(
                line.value("state").unwrap_or("Succeeded"),
            ),
            detailed_status: line.value("status").map(str::to_owned),
            identities: self.identities(line),
            manager: line.value("manager").map(manager_id),
            archive: line.value("archive").map(|it| self.archive(it)),
            settings: self.settings(line),
        };
    }

    fn archive(&self, text: &str) -> SecretArchive {
        let (name, is_off) = match text.strip_suffix(":off") {
            Some(name) => (name, true),
            None => (text, false),
        };
        SecretArchive {
            vault: self.vault_id(name).to_string(),
            enabled: !is_off,
        }
    }

    fn settings(&self, line: &Line<'_>) -> Option<ArchiveSettings> {
        let provider = line.value("provider").map(str::to_owned);
        let Some(text) = line.value("settings") else {
            return provider.map(|it| ArchiveSettings {
                provider: Some(it),
                ..ArchiveSettings::default()
            });
        };
        let (address, identity) = text.split_once('/').unwrap_or((text, ""));
        let known = self.vaults.iter().find(|it| it.vault.id.name() == address);
        let uri = known.map_or_else(
            || format!("https://{address}.vault.azure.net/"),
            |it| it.vault.uri.clone(),
        );
        Some(ArchiveSettings {
            vault_uri: (address != "-").then_some(uri),
            identity: match identity {
                "" => None,
                "system" => Some(AssociatedIdentity::System),
                name => Some(AssociatedIdentity::User(identity_id(name))),
            },
            provider,
        })
    }

    fn enter_role(&mut self, line: &Line<'_>) {
        line.only(&["scope", "role", "conditional", "through", "created"]);
        let vault = self.vault_id(line.name);
        let principal = self.principal(line.flags[0]);
        let row = RoleAssignment {
            id: format!("row {}", self.roles.len() + 1),
            role: line.value("role").unwrap_or(WRITER_ROLE).to_owned(),
            principal: line
                .value("through")
                .map_or_else(|| principal.to_string(), str::to_owned),
            scope: line
                .value("scope")
                .map_or_else(|| vault.to_string(), str::to_owned),
            conditional: line.says("conditional", "yes"),
            created_on: line
                .value("created")
                .map(|it| OffsetDateTime::from_unix_timestamp(it.parse().unwrap()).unwrap()),
        };
        self.roles.push((vault, principal, row));
    }

    fn identities(&self, line: &Line<'_>) -> Identities {
        let mut identities = Identities::default();
        for word in line
            .value("identity")
            .into_iter()
            .flat_map(|it| it.split(','))
        {
            let principal = |name: &str| self.principal(&format!("{}.{name}", line.name));
            match word.strip_suffix(":pending") {
                Some(name) => {
                    identities.user.insert(identity_id(name), None);
                }
                None if word == "system" => identities.system = Some(principal(word)),
                None => {
                    let principal = principal(word);
                    identities.user.insert(identity_id(word), Some(principal));
                }
            }
        }
        identities
    }

    /// The id of a vault that a line names, or one in the usual place.
    fn vault_id(&self, name: &str) -> VaultId {
        let known = self.vaults.iter().map(|it| &it.vault.id);
        let deleted = self.deleted.iter();
        known
            .chain(deleted)
            .find(|it| it.name() == name)
            .cloned()
            .unwrap_or_else(|| {
                id("1", "rg-secrets", VaultId::RESOURCE_TYPE, name)
                    .parse()
                    .unwrap()
            })
    }

    /// The object id of a principal: its number.
    fn principal(&self, name: &str) -> PrincipalId {
        let mut names = self.principals.borrow_mut();
        let number = names.iter().position(|it| it == name).unwrap_or_else(|| {
            names.push(name.to_owned());
            names.len() - 1
        });
        format!("{number:08x}-0000-4000-8000-000000000000")
            .parse()
            .unwrap()
    }
}

fn vault_id(line: &Line<'_>) -> VaultId {
    line.id("rg-secrets", VaultId::RESOURCE_TYPE)
        .parse()
        .unwrap()
}

fn cluster_id(name: &str) -> ClusterId {
    id("1", "rg-sites", ClusterId::RESOURCE_TYPE, name)
        .parse()
        .unwrap()
}

fn manager_id(name: &str) -> ClusterManagerId {
    id("1", "rg-sites", ClusterManagerId::RESOURCE_TYPE, name)
        .parse()
        .unwrap()
}
