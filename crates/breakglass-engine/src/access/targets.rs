//! What a sign-in is to: an application, a user action or an authentication context, as a row of masks.
//!
//! **Source:** the target resources documentation of Conditional Access; the examples of `evaluate`. A policy is
//! about the resource of the token; groups of applications match as what they contain, not as what is asked.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, BuildHasherDefault};

use breakglass_model::ids::AppId;
use breakglass_model::policy::{
    ConditionalAccessApplications, ConditionalAccessFilter, ConditionalAccessPolicy, FilterMode,
};
use breakglass_model::property::Property;
use breakglass_model::snapshot::Snapshot;
use breakglass_model::well_known::{MICROSOFT_SERVICES_TENANT, WINDOWS_AZURE_ACTIVE_DIRECTORY};
use hashbrown::HashTable;
use rustc_hash::FxHasher;

use super::compile::Masks;
use super::surfaces::{SURFACES, Surface, surface};
use super::trit::Trit;

/// User actions: their name in requests, and in policies.
pub(crate) const USER_ACTIONS: [(&str, &str); 2] = [
    ("registerSecurityInformation", "urn:user:registersecurityinfo"),
    ("registerOrJoinDevices", "urn:user:registerdevice"),
];

/// Words of policies for groups of applications.
pub const KEYWORDS: [&str; 2] = ["Office365", "MicrosoftAdminPortals"];

/// Row of the target table.
pub type TargetRow = u32;

/// What a sign-in is to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// An application, by id.
    Application(AppId),
    /// A user action, by its name in requests.
    UserAction(String),
    /// An authentication context, `c1` to `c99`.
    AuthenticationContext(String),
    /// Directory scopes so low that policies with exclusions once let them pass.
    LowPrivilegeScopes,
    /// The request names nothing.
    Nothing,
}

/// All targets that differ, as rows of masks.
#[derive(Debug)]
pub struct Targets {
    /// Applications that a policy or the table of surfaces names; found by id, never iterated.
    applications: HashTable<(Box<str>, TargetRow)>,
    /// Every other target.
    rows: BTreeMap<Target, TargetRow>,
    /// Row of an application of which no policy and no table knows, owned by somebody other than Microsoft.
    pub(crate) foreign: TargetRow,
    /// Row of an application of which nothing is known.
    stranger: TargetRow,
    /// Row of an authentication context that no policy names.
    other_context: TargetRow,
    /// Row of a request that names nothing.
    pub(crate) nothing: TargetRow,
    pub(crate) masks: Masks,
    /// Per row, whether no policy is uncertain.
    certain: Vec<bool>,
    words: usize,
    /// Applications owned by somebody other than Microsoft.
    foreign_apps: Vec<AppId>,
}

/// What is known of an application that is asked for.
struct Asked<'a> {
    app_id: &'a str,
    surface: Option<&'static Surface>,
    is_foreign: bool,
}

impl Targets {
    pub(crate) fn of(
        snapshot: &Snapshot,
        policies: &[ConditionalAccessPolicy],
        words: usize,
        is_low_privilege_enforced: Trit,
    ) -> Self {
        let mut foreign_apps: Vec<AppId> = snapshot.service_principals.items().iter().filter_map(foreign_app).collect();
        foreign_apps.sort();
        foreign_apps.dedup();
        let mut targets = Self {
            applications: HashTable::new(),
            rows: BTreeMap::new(),
            foreign: 0,
            stranger: 0,
            other_context: 0,
            nothing: 0,
            masks: Masks::default(),
            certain: Vec::new(),
            words,
            foreign_apps,
        };
        let mut known = KEYWORDS.to_vec();
        known.extend(SURFACES.iter().map(|surface| surface.app_id));
        for applications in policies.iter().filter_map(|policy| policy.conditions.applications.as_ref()) {
            known.extend(applications.include_applications.iter().map(String::as_str));
            known.extend(applications.exclude_applications.iter().map(String::as_str));
        }
        known.sort_unstable();
        known.dedup();
        for app_id in known {
            let is_foreign = targets.foreign_apps.iter().any(|app| app.as_str() == app_id);
            let row = targets.application_row(policies, &Asked { app_id, surface: surface(app_id), is_foreign });
            targets.applications.insert_unique(hash(app_id), (app_id.into(), row), |(id, _)| hash(id));
        }
        targets.foreign = targets.application_row(policies, &Asked { app_id: "", surface: None, is_foreign: true });
        targets.stranger = targets.application_row(policies, &Asked { app_id: "", surface: None, is_foreign: false });
        targets.add_others(policies, is_low_privilege_enforced);
        let rows = targets.masks.sure.chunks_exact(words).zip(targets.masks.may.chunks_exact(words));
        targets.certain = rows.map(|(sure, may)| sure == may).collect();
        targets
    }

    /// Whether no policy is uncertain about a target.
    pub(crate) fn is_certain(&self, row: TargetRow) -> bool {
        self.certain.get(row as usize).copied().unwrap_or_default()
    }

    fn application_row(&mut self, policies: &[ConditionalAccessPolicy], asked: &Asked<'_>) -> TargetRow {
        self.push(policies, |applications| application(applications, asked))
    }

    fn push(
        &mut self,
        policies: &[ConditionalAccessPolicy],
        truth: impl Fn(&ConditionalAccessApplications) -> Trit,
    ) -> TargetRow {
        let row = self.masks.sure.len() / self.words;
        self.masks.sure.resize((row + 1) * self.words, 0);
        self.masks.may.resize((row + 1) * self.words, 0);
        for (index, policy) in policies.iter().enumerate() {
            // A policy that names nothing that it is about is about anything, as with every other condition.
            let configured =
                policy.conditions.applications.as_ref().filter(|applications| names_something(applications));
            self.masks.set((row, self.words), index, configured.map_or(Trit::Yes, &truth));
        }
        u32::try_from(row).unwrap_or_default()
    }

    fn add_others(&mut self, policies: &[ConditionalAccessPolicy], is_low_privilege_enforced: Trit) {
        for (name, urn) in USER_ACTIONS {
            let row = self.push(policies, |applications| user_action(applications, name, urn));
            self.rows.insert(Target::UserAction(name.into()), row);
        }
        let contexts = policies.iter().filter_map(|policy| policy.conditions.applications.as_ref());
        let mut contexts: Vec<String> = contexts
            .flat_map(|applications| applications.include_authentication_context_class_references.clone())
            .collect();
        contexts.sort();
        contexts.dedup();
        for context in contexts {
            let row = self.push(policies, |applications| {
                applications.include_authentication_context_class_references.contains(&context).into()
            });
            self.rows.insert(Target::AuthenticationContext(context.clone()), row);
        }
        self.other_context = self.push(policies, |_| Trit::No);
        self.nothing = self.push(policies, |_| Trit::No);
        let row = self.push(policies, |applications| low_privilege(applications, is_low_privilege_enforced));
        self.rows.insert(Target::LowPrivilegeScopes, row);
    }

    /// The row of a target.
    #[must_use]
    pub fn row(&self, target: &Target) -> TargetRow {
        match target {
            Target::Application(app) => self.application(app.as_str()),
            Target::Nothing => self.nothing,
            _ => self.rows.get(target).copied().unwrap_or(self.other_context),
        }
    }

    /// The row of an application.
    #[must_use]
    pub fn application(&self, id: &str) -> TargetRow {
        if let Some((_, row)) = self.applications.find(hash(id), |(known, _)| &**known == id) {
            return *row;
        }
        let is_foreign = self.foreign_apps.binary_search_by(|app| app.as_str().cmp(id)).is_ok();
        if is_foreign { self.foreign } else { self.stranger }
    }
}

fn hash(id: &str) -> u64 {
    BuildHasherDefault::<FxHasher>::default().hash_one(id)
}

/// Whether a policy's applications condition is configured.
fn names_something(applications: &ConditionalAccessApplications) -> bool {
    !applications.include_applications.is_empty()
        || !applications.include_user_actions.is_empty()
        || !applications.include_authentication_context_class_references.is_empty()
        || applications.application_filter.as_ref().is_some_and(ConditionalAccessFilter::is_configured)
}

/// An application whose owner the snapshot knows and that is not Microsoft.
fn foreign_app(principal: &breakglass_model::tenant::ServicePrincipal) -> Option<AppId> {
    match &principal.app_owner_organization_id {
        Property::Value(owner) if owner != MICROSOFT_SERVICES_TENANT => principal.app_id.clone(),
        _ => None,
    }
}

/// Whether one name of a policy covers the application that is asked for.
fn covers(name: &str, asked: &Asked<'_>) -> Trit {
    let keyword = |is_member: fn(&Surface) -> bool| match asked.surface {
        Some(surface) => is_member(surface).into(),
        None if asked.is_foreign => Trit::No,
        None => Trit::Unknown,
    };
    match name {
        "All" => Trit::Yes,
        "None" => Trit::No,
        _ if is_keyword(asked.app_id) => Trit::No,
        "Office365" => keyword(|surface| surface.is_office365),
        "MicrosoftAdminPortals" => keyword(|surface| surface.is_admin_portal),
        "AllAgentIdResources" => Trit::Unknown,
        app_id => {
            let is_alias = asked.surface.is_some_and(|surface| surface.resources.contains(&app_id));
            // An empty name is no application, and the one without a name is any.
            (!app_id.is_empty() && (app_id == asked.app_id || is_alias)).into()
        }
    }
}

/// Whether an id in a request is really the keyword of a group of applications, which never matches as such.
fn is_keyword(app_id: &str) -> bool {
    KEYWORDS.contains(&app_id)
}

fn any(names: &[String], asked: &Asked<'_>) -> Trit {
    names.iter().map(|name| covers(name, asked)).max().unwrap_or(Trit::No)
}

/// Includes joined, then excludes; a filter over custom security attributes adds to either, and whom it takes
/// cannot be told, so that only the ids can say no.
pub(crate) fn filtered(included: Trit, excluded: Trit, filter: Option<&ConditionalAccessFilter>) -> Trit {
    let Some(filter) = filter.filter(|filter| filter.is_configured()) else { return included.and(excluded.negated()) };
    let is_excluding = filter.mode == Some(FilterMode::Exclude);
    if excluded == Trit::Yes || (is_excluding && included == Trit::No) { Trit::No } else { Trit::Unknown }
}

fn application(applications: &ConditionalAccessApplications, asked: &Asked<'_>) -> Trit {
    let included = any(&applications.include_applications, asked);
    let excluded = any(&applications.exclude_applications, asked);
    filtered(included, excluded, applications.application_filter.as_ref())
}

/// A request to register security information also matches policies about all resources (third example of
/// `evaluate`).
fn user_action(applications: &ConditionalAccessApplications, name: &str, urn: &str) -> Trit {
    let is_named = applications.include_user_actions.iter().any(|action| action.eq_ignore_ascii_case(urn));
    let is_all =
        name == "registerSecurityInformation" && applications.include_applications.iter().any(|app| app == "All");
    (is_named || is_all).into()
}

/// Tokens that ask for low-privilege directory scopes only: policies about all resources with an exclusion let
/// them pass until the enforcement; since then they count as sign-ins to the directory.
fn low_privilege(applications: &ConditionalAccessApplications, is_enforced: Trit) -> Trit {
    let asked = Asked {
        app_id: WINDOWS_AZURE_ACTIVE_DIRECTORY,
        surface: surface(WINDOWS_AZURE_ACTIVE_DIRECTORY),
        is_foreign: false,
    };
    let applies = application(applications, &asked);
    let has_exclusion = !applications.exclude_applications.is_empty()
        || applications.application_filter.as_ref().is_some_and(ConditionalAccessFilter::is_configured);
    if has_exclusion { applies.and(is_enforced) } else { applies }
}
