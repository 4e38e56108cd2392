//! What is played through: sets of failures, and a policy that somebody might add.
//!
//! **Source:** the situations of the requirements sheet, E1 to E6; `docs/concepts/lockout.md`.

use std::collections::BTreeSet;

use breakglass_model::object::ObjectKey;
use breakglass_model::policy::{ConditionalAccessPolicy, ConditionalAccessPolicyState};
use breakglass_model::well_known::{
    GLOBAL_ADMINISTRATOR, PRIVILEGED_AUTHENTICATION_ADMINISTRATOR, PRIVILEGED_ROLE_ADMINISTRATOR,
};
use serde_json::json;

use super::Analysis;
use super::compile::role_name;
use super::component::{AUTHENTICATOR_PUSH, Component, INTUNE_COMPLIANCE, Kind, MFA_TELEPHONY, PIM};
use super::goal::{Goal, Question, Stage};
use super::people::{
    AUTHENTICATION_ADMINISTRATOR, HELPDESK_ADMINISTRATOR, Held, PASSWORD_ADMINISTRATOR, USER_ADMINISTRATOR,
    is_restricted,
};
use super::report::{Order, ScenarioResult, Way};
use super::settings::OwnScenario;
use crate::access::{Access, Trit};

macro_rules! built_in {
    ($($variant:ident = $id:literal, $title:literal;)+) => {
        /// A scenario that is built in. One more is one more variant, and the compiler asks for what it fails.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum BuiltIn {
            $(#[doc = $title] $variant,)+
        }

        impl BuiltIn {
            /// Every one, in the order in which they are played.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Its id.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Self::$variant => $id,)+ }
            }

            /// What it is, in words.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ }
            }
        }
    };
}

built_in! {
    MfaOutage = "mfa-outage", "text messages, calls and Authenticator notifications are out of order";
    MfaOutageTelephony = "mfa-outage-telephony", "text messages and calls are out of order";
    MfaOutagePush = "mfa-outage-push", "Authenticator notifications are out of order";
    TrustedNetworkOnly = "trusted-network-only", "somebody adds a policy that lets only trusted networks in, and everybody is elsewhere";
    LastGlobalAdministratorDeleted = "last-global-administrator-deleted", "every everyday Global Administrator is gone";
    CredentialsChangedByInsider = "credentials-changed-by-insider", "somebody has changed the passwords and methods of everyday accounts";
    FederationOrOnPremisesDown = "federation-or-on-premises-down", "the federation server and the directory on premises are down or hostile";
    PimDown = "pim-down", "roles cannot be activated";
    IntuneDown = "intune-down", "no device is reported as compliant";
    RiskFalsePositives = "risk-false-positives", "Identity Protection reports a risk of everybody";
    OneEmergencyAccountLost = "one-emergency-account-lost", "one emergency account is lost, whichever hurts most";
    SafeOrCustodianLost = "safe-or-custodian-lost", "one safe or one custodian is lost, whichever hurts most";
}

/// Roles that can reset others and cannot make themselves Global Administrator.
const RESET_ROLES: [(&str, &str); 4] = [
    ("authentication-administrator", AUTHENTICATION_ADMINISTRATOR),
    ("helpdesk-administrator", HELPDESK_ADMINISTRATOR),
    ("password-administrator", PASSWORD_ADMINISTRATOR),
    ("user-administrator", USER_ADMINISTRATOR),
];
/// Roles from which nothing in the tenant is out of reach.
const ROLES_WITHOUT_BOUNDS: [(&str, &str); 3] = [
    ("global-administrator", GLOBAL_ADMINISTRATOR),
    ("privileged-authentication-administrator", PRIVILEGED_AUTHENTICATION_ADMINISTRATOR),
    ("privileged-role-administrator", PRIVILEGED_ROLE_ADMINISTRATOR),
];

const INSIDER: &str = BuiltIn::CredentialsChangedByInsider.id();

/// A scenario that does not exist, or names what does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    /// No scenario has this id.
    #[error("there is no scenario `{0}`")]
    Unknown(String),
    /// A scenario of the configuration has the id of one that is built in.
    #[error("`{0}` is a scenario that is built in; call the one of the configuration otherwise")]
    BuiltIn(String),
    /// A scenario of the configuration names a component that this tenant does not have.
    #[error("the scenario `{scenario}` names `{component}`, and nothing in this tenant depends on such a component")]
    UnknownComponent {
        /// The scenario.
        scenario: String,
        /// What it names.
        component: String,
    },
}

/// Whether a scenario of this id is built in, alone or as one of the family of the insiders.
fn is_built_in(id: &str) -> bool {
    let role = id.strip_prefix(INSIDER).and_then(|rest| rest.strip_prefix(':'));
    let is_role = |role: &str| RESET_ROLES.iter().chain(&ROLES_WITHOUT_BOUNDS).any(|(slug, _)| *slug == role);
    BuiltIn::ALL.iter().any(|one| one.id() == id) || role.is_some_and(is_role)
}

/// The policy of the scenario `trusted-network-only`, as somebody would write it in this tenant: it leaves out whom
/// every policy in force about all users and all resources leaves out.
#[must_use]
pub fn trusted_network_policy(policies: &[ConditionalAccessPolicy]) -> Option<ConditionalAccessPolicy> {
    let is_broad = |policy: &&ConditionalAccessPolicy| {
        let everybody = policy.conditions.users.as_ref();
        let everything = policy.conditions.applications.as_ref();
        policy.state == ConditionalAccessPolicyState::Enabled
            && everybody.is_some_and(|users| users.include_users.iter().any(|name| name == "All"))
            && everything.is_some_and(|all| all.include_applications.iter().any(|name| name == "All"))
    };
    let mut excluded: Option<(BTreeSet<String>, BTreeSet<String>)> = None;
    for users in policies.iter().filter(is_broad).filter_map(|policy| policy.conditions.users.as_ref()) {
        let own: BTreeSet<String> = users.exclude_users.iter().cloned().collect();
        let groups: BTreeSet<String> = users.exclude_groups.iter().map(ToString::to_string).collect();
        excluded = Some(match excluded {
            None => (own, groups),
            Some((users, others)) => (&users & &own, &others & &groups),
        });
    }
    let (users, groups) = excluded.unwrap_or_default();
    let source = json!({
        "id": "scenario:trusted-network-only",
        "displayName": "Only from trusted networks (scenario)",
        "state": "enabled",
        "conditions": {
            "clientAppTypes": ["all"],
            "applications": { "includeApplications": ["All"], "excludeApplications": [] },
            "users": { "includeUsers": ["All"], "excludeUsers": users, "includeGroups": [], "excludeGroups": groups,
                "includeRoles": [], "excludeRoles": [] },
            "locations": { "includeLocations": ["All"], "excludeLocations": ["AllTrusted"] }
        },
        "grantControls": { "operator": "OR", "builtInControls": ["block"] }
    });
    ConditionalAccessPolicy::from_value(source, "scenario").ok()
}

/// One set of failures to be played through.
struct Play {
    id: String,
    title: String,
    failed: BTreeSet<Component>,
    note: Option<String>,
    /// Survival is not claimed, whatever the rules say.
    is_unclaimed: bool,
}

impl Analysis<'_> {
    /// Plays the scenarios that are asked for; all of them, where none is.
    ///
    /// # Errors
    /// When one does not exist, or one of the configuration names what this tenant does not have.
    pub fn scenarios(
        &mut self,
        goal: Goal,
        wanted: &[String],
        ways: &[Way],
    ) -> Result<Vec<ScenarioResult>, ScenarioError> {
        let own: Vec<OwnScenario> = self.settings.scenarios.clone();
        let mut results = Vec::new();
        if let Some(twice) = own.iter().find(|scenario| is_built_in(&scenario.id)) {
            return Err(ScenarioError::BuiltIn(twice.id.clone()));
        }
        let is_family = |id: &str, wanted: &str| wanted.strip_prefix(id).is_some_and(|rest| rest.starts_with(':'));
        for name in wanted {
            let is_known = is_built_in(name) || own.iter().any(|scenario| scenario.id == *name);
            if !is_known {
                return Err(ScenarioError::Unknown(name.clone()));
            }
        }
        let is_wanted = |id: &str| wanted.is_empty() || wanted.iter().any(|name| name == id || is_family(name, id));
        // One that names what is not there is an error, whichever are asked for.
        self.check_own_scenarios()?;
        for scenario in BuiltIn::ALL {
            results.extend(self.built_in(goal, *scenario, &is_wanted, ways));
        }
        for scenario in own.iter().filter(|scenario| is_wanted(&scenario.id)) {
            results.push(self.play_own(goal, scenario, ways));
        }
        Ok(results)
    }

    /// The built-in scenarios that need nothing but failures, and those of the configuration, for whoever compares two
    /// tenants.
    pub fn standing_scenarios(&mut self, goal: Goal, ways: &[Way]) -> Vec<ScenarioResult> {
        let needs_more =
            |one: BuiltIn| matches!(one, BuiltIn::CredentialsChangedByInsider | BuiltIn::TrustedNetworkOnly);
        let plain = BuiltIn::ALL.iter().filter(|one| !needs_more(**one));
        let mut results: Vec<ScenarioResult> =
            plain.flat_map(|one| self.built_in(goal, *one, &|_| true, ways)).collect();
        let own: Vec<OwnScenario> = self.settings.scenarios.clone();
        results.extend(own.iter().map(|scenario| self.play_own(goal, scenario, ways)));
        results
    }

    /// Looks whether the tenant has what the scenarios of the configuration fail.
    ///
    /// # Errors
    /// When one names what it does not have.
    pub fn check_own_scenarios(&self) -> Result<(), ScenarioError> {
        for scenario in &self.settings.scenarios {
            for pattern in &scenario.failed {
                if self.matching(&|component| pattern.is_about(component)).is_empty() {
                    let (scenario, component) = (scenario.id.clone(), pattern.to_string());
                    return Err(ScenarioError::UnknownComponent { scenario, component });
                }
            }
        }
        Ok(())
    }

    fn play_own(&mut self, goal: Goal, scenario: &OwnScenario, ways: &[Way]) -> ScenarioResult {
        let failed = self.matching(&|component| scenario.failed.iter().any(|pattern| pattern.is_about(component)));
        let (id, title) = (scenario.id.clone(), scenario.title.clone());
        self.play(goal, Play { id, title, failed, note: None, is_unclaimed: false }, ways)
    }

    /// Plays a scenario, or those of its family, that are wanted.
    fn built_in(
        &mut self,
        goal: Goal,
        scenario: BuiltIn,
        is_wanted: &dyn Fn(&str) -> bool,
        ways: &[Way],
    ) -> Vec<ScenarioResult> {
        let (id, title) = (scenario.id(), scenario.title());
        // Of the family of the insiders each has an id of its own.
        if scenario != BuiltIn::CredentialsChangedByInsider && !is_wanted(id) {
            return Vec::new();
        }
        let plain = |analysis: &mut Self, is_failed: &dyn Fn(&Component) -> bool| {
            let failed = analysis.matching(is_failed);
            let note = failed.is_empty().then(|| "nothing in this tenant depends on it".to_owned());
            let play = Play { id: id.to_owned(), title: title.to_owned(), failed, note, is_unclaimed: false };
            Some(analysis.play(goal, play, ways))
        };
        let is_kind = |kinds: &'static [Kind]| move |component: &Component| kinds.contains(&component.kind());
        let result = match scenario {
            BuiltIn::CredentialsChangedByInsider => {
                let plays = self.insiders(is_wanted);
                let asked = plays.into_iter().filter(|play| is_wanted(&play.id) || is_wanted(id));
                return asked.map(|play| self.play(goal, play, ways)).collect();
            }
            BuiltIn::MfaOutage => plain(self, &|one| matches!(one.id(), MFA_TELEPHONY | AUTHENTICATOR_PUSH)),
            BuiltIn::MfaOutageTelephony => plain(self, &|one| one.id() == MFA_TELEPHONY),
            BuiltIn::MfaOutagePush => plain(self, &|one| one.id() == AUTHENTICATOR_PUSH),
            BuiltIn::PimDown => plain(self, &|one| one.id() == PIM),
            BuiltIn::IntuneDown => plain(self, &|one| one.id() == INTUNE_COMPLIANCE),
            BuiltIn::RiskFalsePositives => plain(self, &is_kind(&[Kind::Quiet])),
            BuiltIn::FederationOrOnPremisesDown => plain(self, &is_kind(&[Kind::IdentityProvider, Kind::OnPremises])),
            BuiltIn::LastGlobalAdministratorDeleted => {
                let everyday: BTreeSet<Component> = self.everyday_administrators();
                plain(self, &|one| everyday.contains(one))
            }
            BuiltIn::OneEmergencyAccountLost => {
                let accounts: Vec<Component> = self.settings.accounts.iter().map(|key| self.account(*key)).collect();
                self.worst_of(goal, (id, title), accounts, ways)
            }
            BuiltIn::SafeOrCustodianLost => {
                let keepers = self.matching(&is_kind(&[Kind::Safe, Kind::Custodian]));
                self.worst_of(goal, (id, title), keepers.into_iter().collect(), ways)
            }
            BuiltIn::TrustedNetworkOnly => self.trusted_network_only(goal, (id, title), ways),
        };
        result.into_iter().collect()
    }

    fn account(&self, key: ObjectKey) -> Component {
        Component::account(self.access.snapshot().objects.id(key))
    }

    /// Components of this tenant for which something holds.
    fn matching(&self, is_failed: &dyn Fn(&Component) -> bool) -> BTreeSet<Component> {
        let known = self.promised.components().iter().filter(|component| is_failed(component));
        let perhaps = self.possible.components().iter().filter(|component| is_failed(component));
        let mut all: Vec<&Component> = known.chain(perhaps).collect();
        all.sort_unstable();
        all.dedup();
        all.into_iter().cloned().collect()
    }

    /// The accounts of all active Global Administrators that are no emergency accounts.
    fn everyday_administrators(&self) -> BTreeSet<Component> {
        let holders = self.promised.people.holders(GLOBAL_ADMINISTRATOR);
        let everyday = holders.filter(|(user, held)| *held == Held::Active && !self.settings.accounts.contains(user));
        everyday.map(|(user, _)| self.account(user)).collect()
    }

    fn play(&mut self, goal: Goal, play: Play, ways: &[Way]) -> ScenarioResult {
        let question = Question { goal, surface: None, stage: Stage::Direct };
        let left = self.way_without(question, &play.failed);
        let order_left = self.order(question, &play.failed);
        let place = left.as_ref().and_then(|left| ways.iter().position(|way| way.needs == left.needs));
        ScenarioResult {
            id: play.id,
            title: play.title,
            applies: !play.failed.is_empty() || play.is_unclaimed,
            failed: play.failed.into_iter().collect(),
            delta: None,
            survives: left.is_some() && !play.is_unclaimed,
            way: place.filter(|_| !play.is_unclaimed),
            by: left.filter(|_| !play.is_unclaimed).map(by),
            order_left: if play.is_unclaimed {
                Order { proved: Some(0), possible: Some(0), ..order_left }
            } else {
                order_left
            },
            note: play.note,
        }
    }

    /// The worst of single failures.
    fn worst_of(
        &mut self,
        goal: Goal,
        (id, title): (&str, &str),
        singles: Vec<Component>,
        ways: &[Way],
    ) -> Option<ScenarioResult> {
        let mut worst: Option<ScenarioResult> = None;
        let is_none = singles.is_empty();
        for single in singles {
            let failed = BTreeSet::from([single]);
            let play = Play { id: id.to_owned(), title: title.to_owned(), failed, note: None, is_unclaimed: false };
            let result = self.play(goal, play, ways);
            let weight = |result: &ScenarioResult| (result.survives, result.order_left.proved.unwrap_or(usize::MAX));
            if worst.as_ref().is_none_or(|worst| weight(&result) < weight(worst)) {
                worst = Some(result);
            }
        }
        if is_none {
            let what = if id == "one-emergency-account-lost" {
                "no emergency account is declared"
            } else {
                "no safe and no custodian is declared"
            };
            let (id, title) = (id.to_owned(), title.to_owned());
            let play = Play { id, title, failed: BTreeSet::new(), note: Some(what.to_owned()), is_unclaimed: false };
            worst = Some(self.play(goal, play, ways));
        }
        worst
    }

    fn trusted_network_only(&mut self, goal: Goal, (id, title): (&str, &str), ways: &[Way]) -> Option<ScenarioResult> {
        let policy = trusted_network_policy(self.access.policies())?;
        let delta = format!("policy `{}` added, excluding whom every policy about all users excludes", policy.name());
        let policies: Vec<ConditionalAccessPolicy> = self.access.policies().iter().cloned().chain([policy]).collect();
        let access = Access::compile_with(self.access.snapshot(), &policies, self.access.settings()).ok()?;
        let mut changed = Analysis::of(&access, self.settings, goal);
        let failed = changed.matching(&|component| component.kind() == Kind::Network);
        let play = Play { id: id.to_owned(), title: title.to_owned(), failed, note: None, is_unclaimed: false };
        let result = changed.play(goal, play, ways);
        Some(ScenarioResult { delta: Some(delta), applies: true, ..result })
    }

    /// Somebody inside who changes what a role can reach: once for everyday accounts as a whole, and by role.
    fn insiders(&mut self, is_wanted: &dyn Fn(&str) -> bool) -> Vec<Play> {
        let snapshot = self.access.snapshot();
        let emergency: Vec<&str> = self.settings.accounts.iter().map(|key| snapshot.objects.id(*key)).collect();
        let owner = |component: &Component| component.key().split('#').next().unwrap_or_default().to_owned();
        let everyday =
            self.matching(&|component| is_credential(component) && !emergency.contains(&owner(component).as_str()));
        let mut plays = vec![Play {
            id: INSIDER.to_owned(),
            title: "somebody has changed every password and method but those of the emergency accounts".to_owned(),
            failed: everyday,
            note: None,
            is_unclaimed: false,
        }];
        let is_held = |role: &str| self.promised.people.holders(role).next().is_some();
        let all = || RESET_ROLES.iter().chain(&ROLES_WITHOUT_BOUNDS);
        for (slug, role) in all().filter(|(_, role)| !is_held(role)) {
            let id = format!("{INSIDER}:{slug}");
            // Who asks for it gets an answer.
            if is_wanted(&id) && !is_wanted(INSIDER) {
                let title = format!("{} changes every credential within its reach", role_name(role));
                let note = Some("nobody holds the role".to_owned());
                plays.push(Play { id, title, failed: BTreeSet::new(), note, is_unclaimed: false });
            }
        }
        for (slug, role) in RESET_ROLES.iter().filter(|(_, role)| is_held(role)) {
            let reach = |user: &str| -> Option<(bool, bool)> {
                let key = snapshot.objects.find(user)?;
                if is_restricted(snapshot, key) == Trit::Yes {
                    return None;
                }
                let protection = self.promised.people.protection(key);
                Some((protection.password_roles().contains(role), protection.pass_roles().contains(role)))
            };
            // Whoever holds it is hostile, each of them: whichever is the insider, no more than this fails.
            let insiders: BTreeSet<Component> =
                self.promised.people.holders(role).map(|(user, _)| self.account(user)).collect();
            let failed = self.matching(&|component| match (component.kind(), reach(&owner(component))) {
                (Kind::Account, _) => insiders.contains(component),
                // A new password ends the sessions that are open, too.
                (Kind::Password | Kind::Live, Some((password, _))) => password,
                (Kind::Method, Some((_, methods))) => methods,
                _ => false,
            });
            let are_more = self.possible.people.holders(role).any(|(user, _)| !insiders.contains(&self.account(user)));
            let note = match (failed.is_empty(), are_more) {
                (true, false) => Some("it reaches nobody who matters"),
                (false, false) => None,
                (_, true) => Some("who else holds the role cannot be told, and is not counted among the insiders"),
            };
            let note = note.map(str::to_owned);
            let title = format!("{} changes every credential within its reach", role_name(role));
            plays.push(Play { id: format!("{INSIDER}:{slug}"), title, failed, note, is_unclaimed: false });
        }
        for (slug, role) in ROLES_WITHOUT_BOUNDS.iter().filter(|(_, role)| is_held(role)) {
            let title = format!("{} changes every credential within its reach", role_name(role));
            let note = "nothing inside the tenant is out of its reach, so survival is not claimed".to_owned();
            let failed = self.matching(&is_credential);
            plays.push(Play { id: format!("{INSIDER}:{slug}"), title, failed, note: Some(note), is_unclaimed: true });
        }
        plays
    }
}

/// Whether something goes with the credentials of whom it belongs to: they themselves, and the sessions begun with them.
fn is_credential(component: &Component) -> bool {
    matches!(component.kind(), Kind::Password | Kind::Method | Kind::Live)
}

/// Whose way it is, in words.
fn by(way: Way) -> String {
    match way.context.combination_words().as_str() {
        "" => way.name,
        with => format!("{} with {with}", way.name),
    }
}
