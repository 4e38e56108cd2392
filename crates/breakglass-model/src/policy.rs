//! Conditional Access policies, v1.0 and beta.
//!
//! Every policy keeps the JSON it was read from ([`ConditionalAccessPolicy::source`]), so a round trip loses
//! nothing. What this code cannot interpret, or the export does not have, and what could change an answer is listed
//! in [`ConditionalAccessPolicy::unknowns`]; whoever evaluates the policy must answer "could not tell" where such a
//! part decides. Whom a policy is about may be absent as well: [`ConditionalAccessUsers::not_exported`].
//!
//! **Source:** <https://learn.microsoft.com/graph/api/resources/conditionalaccesspolicy>, beta metadata.

mod changed;
mod unknowns;

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value};

pub(crate) use unknowns::TERRAFORM_SESSION_CONTROLS;
pub(crate) use unknowns::awaited;
pub use unknowns::{KNOWN_AFTER_APPLY, NOT_MAPPED, UnknownCause, UnknownKind, UnknownPart, known_after_apply};

use crate::graph_enum::{flags, from_string, graph_enum};
use crate::ids::{GroupId, PolicyId, RoleTemplateId};
use crate::property::{is_vacant, null_is_default, says_something};
use crate::strength::AuthenticationStrengthPolicy;

graph_enum!(
    /// State of a policy (`conditionalAccessPolicyState`).
    ConditionalAccessPolicyState {
        Enabled = "enabled",
        Disabled = "disabled",
        EnabledForReportingButNotEnforced = "enabledForReportingButNotEnforced",
    }
);
graph_enum!(
    /// Client application kind (`conditionalAccessClientApp`).
    ConditionalAccessClientApp {
        All = "all",
        Browser = "browser",
        MobileAppsAndDesktopClients = "mobileAppsAndDesktopClients",
        ExchangeActiveSync = "exchangeActiveSync",
        EasSupported = "easSupported",
        Other = "other",
    }
);
graph_enum!(
    /// Device platform (`conditionalAccessDevicePlatform`), told from the unverified user agent.
    ConditionalAccessDevicePlatform {
        Android = "android",
        IOs = "iOS",
        Windows = "windows",
        WindowsPhone = "windowsPhone",
        MacOs = "macOS",
        All = "all",
        Linux = "linux",
    }
);
graph_enum!(
    /// Risk level (`riskLevel`).
    RiskLevel {
        Low = "low",
        Medium = "medium",
        High = "high",
        Hidden = "hidden",
        None = "none",
    }
);
graph_enum!(
    /// Insider risk level of a policy's condition (`conditionalAccessInsiderRiskLevels`, flags) or of a sign-in
    /// (`insiderRiskLevel`).
    InsiderRiskLevel {
        None = "none",
        Minor = "minor",
        Moderate = "moderate",
        Elevated = "elevated",
    }
);
graph_enum!(
    /// Transfer method of an authentication flow (`conditionalAccessTransferMethods`, flags).
    TransferMethod {
        None = "none",
        DeviceCodeFlow = "deviceCodeFlow",
        AuthenticationTransfer = "authenticationTransfer",
    }
);
graph_enum!(
    /// Kind of guest or external user (`conditionalAccessGuestOrExternalUserTypes`, flags).
    GuestOrExternalUserType {
        None = "none",
        InternalGuest = "internalGuest",
        B2bCollaborationGuest = "b2bCollaborationGuest",
        B2bCollaborationMember = "b2bCollaborationMember",
        B2bDirectConnectUser = "b2bDirectConnectUser",
        OtherExternalUser = "otherExternalUser",
        ServiceProvider = "serviceProvider",
    }
);
graph_enum!(
    /// Built-in grant control (`conditionalAccessGrantControl`).
    ConditionalAccessGrantControl {
        Block = "block",
        Mfa = "mfa",
        CompliantDevice = "compliantDevice",
        DomainJoinedDevice = "domainJoinedDevice",
        ApprovedApplication = "approvedApplication",
        CompliantApplication = "compliantApplication",
        PasswordChange = "passwordChange",
        RiskRemediation = "riskRemediation",
    }
);
graph_enum!(
    /// How the grant controls of one policy are joined.
    GrantOperator { And = "AND", Or = "OR" }
);
graph_enum!(
    /// Whether a filter takes devices in or leaves them out (`filterMode`).
    FilterMode {
        Include = "include",
        Exclude = "exclude",
    }
);
from_string!(InsiderRiskLevel, TransferMethod, GuestOrExternalUserType);

/// Properties that have no field of their own, kept as they were written.
pub type Rest = Map<String, Value>;

/// A Conditional Access policy.
#[derive(Debug, Clone, PartialEq)]
pub struct ConditionalAccessPolicy {
    /// Its id; a policy without one is named `file#index` by the reader.
    pub id: PolicyId,
    /// Its name; empty when the export has none.
    pub display_name: String,
    /// Enabled, report-only or disabled.
    pub state: ConditionalAccessPolicyState,
    /// Id of the template it was made from; Microsoft-managed policies carry one of theirs.
    pub template_id: Option<String>,
    /// When it was created, RFC 3339.
    pub created_date_time: Option<String>,
    /// When it was last changed, RFC 3339.
    pub modified_date_time: Option<String>,
    /// Whether it lies among the deleted items.
    pub is_deleted: bool,
    /// To whom, what and when it applies.
    pub conditions: ConditionalAccessConditionSet,
    /// What it demands; `None` for policies with session controls only, and where the export does not have it (then
    /// it is among the unknowns).
    pub grant_controls: Option<ConditionalAccessGrantControls>,
    /// Session controls as Graph's JSON; those that this version knows never stop a sign-in.
    pub session_controls: Option<Rest>,
    /// Parts that cannot be interpreted or were not exported, and that could change an answer.
    pub unknowns: Vec<UnknownPart>,
    /// The policy's own JSON.
    pub source: Value,
}

/// `conditionalAccessConditionSet`; an empty or absent condition is not configured and matches anything.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConditionalAccessConditionSet {
    /// Users, groups, roles and guests; `None` where Graph says that there are none.
    #[serde(default)]
    pub users: Option<ConditionalAccessUsers>,
    /// Target resources, user actions, authentication contexts.
    #[serde(default)]
    pub applications: Option<ConditionalAccessApplications>,
    /// Service principals and agents.
    #[serde(default)]
    pub client_applications: Option<ConditionalAccessClientApplications>,
    /// Client application kinds.
    #[serde(default, deserialize_with = "null_is_default")]
    pub client_app_types: Vec<ConditionalAccessClientApp>,
    /// Device platforms.
    #[serde(default)]
    pub platforms: Option<ConditionalAccessPlatforms>,
    /// Networks and countries.
    #[serde(default)]
    pub locations: Option<ConditionalAccessLocations>,
    /// Device filter.
    #[serde(default)]
    pub devices: Option<ConditionalAccessDevices>,
    /// Sign-in risk.
    #[serde(default, deserialize_with = "null_is_default")]
    pub sign_in_risk_levels: Vec<RiskLevel>,
    /// User risk.
    #[serde(default, deserialize_with = "null_is_default")]
    pub user_risk_levels: Vec<RiskLevel>,
    /// Service principal risk.
    #[serde(default, deserialize_with = "null_is_default")]
    pub service_principal_risk_levels: Vec<RiskLevel>,
    /// Insider risk, written as flags.
    #[serde(default, deserialize_with = "flags")]
    pub insider_risk_levels: Vec<InsiderRiskLevel>,
    /// Device code flow and authentication transfer.
    #[serde(default)]
    pub authentication_flows: Option<ConditionalAccessAuthenticationFlows>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Rest,
}

impl ConditionalAccessConditionSet {
    /// Marks the users where the export has no conditions, or neither workload identities nor anybody who is included and
    /// not all the lists of those who are: the policy may then be about anybody. Every other condition is left out by exporters
    /// where it is not configured.
    fn mark_what_is_not_exported(&mut self, policy: &Value) {
        let conditions = policy.get("conditions").filter(|conditions| !conditions.is_null());
        let users = conditions.and_then(|conditions| conditions.get("users"));
        // A list that was left out beside empty ones may be the one that had somebody.
        let left_out = |users: &Value| INCLUDED_LISTS.iter().find(|(name, _)| users.get(name).is_none());
        let has_somebody =
            |users: &Value| INCLUDES.iter().filter_map(|name| users.get(name)).any(|one| !is_vacant(one));
        let has_clients =
            self.client_applications.as_ref().is_some_and(ConditionalAccessClientApplications::is_configured);
        let not_exported = match conditions {
            None => "conditions",
            Some(_) if has_clients => return,
            Some(_) => match users {
                None => "conditions.users",
                Some(users @ Value::Object(_)) if !has_somebody(users) => match left_out(users) {
                    Some((_, path)) => *path,
                    None => return,
                },
                Some(_) => return,
            },
        };
        self.users.get_or_insert_default().not_exported = Some(not_exported);
    }
}

impl ConditionalAccessConditionSet {
    /// Takes out a condition that includes what a plan does not know yet, or a map of names leaves out: with it among the unknowns, the policy may
    /// then be about anything, and about nothing for sure. What is excluded for sure stays excluded.
    fn mark_as_awaited(&mut self, path: &str) {
        let Some(path) = path.strip_prefix("conditions") else { return };
        let mut parts = path.split('.').skip(1);
        let (condition, member) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        if member.starts_with("exclude") {
            return;
        }
        match condition {
            "" => *self = Self { users: None, ..Self::default() },
            "clientAppTypes" => self.client_app_types.clear(),
            "signInRiskLevels" => self.sign_in_risk_levels.clear(),
            "userRiskLevels" => self.user_risk_levels.clear(),
            "servicePrincipalRiskLevels" => self.service_principal_risk_levels.clear(),
            "insiderRiskLevels" => self.insider_risk_levels.clear(),
            "applications" => self.applications = None,
            "clientApplications" => self.client_applications = None,
            "platforms" => self.platforms = None,
            "locations" => self.locations = None,
            "devices" => self.devices = None,
            "authenticationFlows" => self.authentication_flows = None,
            _ => {}
        }
        if matches!(condition, "" | "users" | "clientApplications") {
            let users = self.users.get_or_insert_default();
            // Nobody can be put in beside everybody.
            if !users.include_users.iter().any(|user| user == "All") {
                users.include_users.clear();
                users.include_groups.clear();
                users.include_roles.clear();
                users.include_guests_or_external_users = None;
                users.not_exported = Some("conditions.users.includeUsers");
            }
        }
    }
}

/// The properties of `conditionalAccessUsers` that put somebody in.
/// Lists that Graph always writes, be they empty, with their paths.
const INCLUDED_LISTS: [(&str, &str); 3] = [
    ("includeUsers", "conditions.users.includeUsers"),
    ("includeGroups", "conditions.users.includeGroups"),
    ("includeRoles", "conditions.users.includeRoles"),
];
const INCLUDES: [&str; 4] = ["includeUsers", "includeGroups", "includeRoles", "includeGuestsOrExternalUsers"];

/// `conditionalAccessUsers`: includes are joined, then any exclude removes.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConditionalAccessUsers {
    /// User ids, or `All`, `None`, `GuestsOrExternalUsers`.
    #[serde(default, deserialize_with = "null_is_default")]
    pub include_users: Vec<String>,
    /// User ids, or `GuestsOrExternalUsers`.
    #[serde(default, deserialize_with = "null_is_default")]
    pub exclude_users: Vec<String>,
    /// Groups, with everybody nested in them.
    #[serde(default, deserialize_with = "null_is_default")]
    pub include_groups: Vec<GroupId>,
    /// Groups, with everybody nested in them.
    #[serde(default, deserialize_with = "null_is_default")]
    pub exclude_groups: Vec<GroupId>,
    /// Built-in directory roles, by template id.
    #[serde(default, deserialize_with = "null_is_default")]
    pub include_roles: Vec<RoleTemplateId>,
    /// Built-in directory roles, by template id.
    #[serde(default, deserialize_with = "null_is_default")]
    pub exclude_roles: Vec<RoleTemplateId>,
    /// Kinds of guests and external users.
    #[serde(default)]
    pub include_guests_or_external_users: Option<ConditionalAccessGuestsOrExternalUsers>,
    /// Kinds of guests and external users.
    #[serde(default)]
    pub exclude_guests_or_external_users: Option<ConditionalAccessGuestsOrExternalUsers>,
    /// What the export would have to have so that it could be told whom the policy includes; the lists of those who are
    /// included are then empty and mean nothing. `None` where they were exported.
    #[serde(skip)]
    pub not_exported: Option<&'static str>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Rest,
}

/// `conditionalAccessGuestsOrExternalUsers`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConditionalAccessGuestsOrExternalUsers {
    /// Kinds, written as flags.
    #[serde(default, deserialize_with = "flags")]
    pub guest_or_external_user_types: Vec<GuestOrExternalUserType>,
    /// From which tenants; absent means all.
    #[serde(default)]
    pub external_tenants: Option<ConditionalAccessExternalTenants>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Rest,
}

/// `conditionalAccessExternalTenants`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConditionalAccessExternalTenants {
    /// `all` or `enumerated`.
    #[serde(default)]
    pub membership_kind: Option<String>,
    /// Tenant ids when enumerated.
    #[serde(default, deserialize_with = "null_is_default")]
    pub members: Vec<String>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Rest,
}

/// `conditionalAccessApplications`: resources, or user actions, or authentication contexts.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConditionalAccessApplications {
    /// Application ids, or `All`, `None`, `Office365`, `MicrosoftAdminPortals`, `AllAgentIdResources`.
    #[serde(default, deserialize_with = "null_is_default")]
    pub include_applications: Vec<String>,
    /// Application ids or group keywords.
    #[serde(default, deserialize_with = "null_is_default")]
    pub exclude_applications: Vec<String>,
    /// `urn:user:registersecurityinfo`, `urn:user:registerdevice`.
    #[serde(default, deserialize_with = "null_is_default")]
    pub include_user_actions: Vec<String>,
    /// `c1` to `c99`.
    #[serde(default, deserialize_with = "null_is_default")]
    pub include_authentication_context_class_references: Vec<String>,
    /// Filter over custom security attributes of the service principal.
    #[serde(default)]
    pub application_filter: Option<ConditionalAccessFilter>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Rest,
}

/// `conditionalAccessFilter`; exporters write one with null members where there is none.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConditionalAccessFilter {
    /// Takes in or leaves out what the rule matches.
    #[serde(default)]
    pub mode: Option<FilterMode>,
    /// The rule's text.
    #[serde(default)]
    pub rule: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Rest,
}

impl ConditionalAccessFilter {
    /// Whether a filter is configured at all.
    #[must_use]
    pub fn is_configured(&self) -> bool {
        self.mode.is_some() || self.rule.as_deref().is_some_and(|rule| !rule.is_empty())
    }
}

/// `conditionalAccessClientApplications`: workload identities and agents.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConditionalAccessClientApplications {
    /// Service principal ids, or `ServicePrincipalsInMyTenant`.
    #[serde(default, deserialize_with = "null_is_default")]
    pub include_service_principals: Vec<String>,
    /// Service principal ids.
    #[serde(default, deserialize_with = "null_is_default")]
    pub exclude_service_principals: Vec<String>,
    /// Filter over custom security attributes.
    #[serde(default)]
    pub service_principal_filter: Option<ConditionalAccessFilter>,
    /// Agent identities (beta).
    #[serde(default, deserialize_with = "null_is_default")]
    pub include_agent_id_service_principals: Vec<String>,
    /// Agent identities (beta).
    #[serde(default, deserialize_with = "null_is_default")]
    pub exclude_agent_id_service_principals: Vec<String>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Rest,
}

impl ConditionalAccessClientApplications {
    /// Whether it says anything: exporters write an object of empty lists where there is none.
    #[must_use]
    pub fn is_configured(&self) -> bool {
        let lists = [
            &self.include_service_principals,
            &self.exclude_service_principals,
            &self.include_agent_id_service_principals,
            &self.exclude_agent_id_service_principals,
        ];
        lists.iter().any(|list| !list.is_empty())
            || self.service_principal_filter.as_ref().is_some_and(ConditionalAccessFilter::is_configured)
            || self.rest.iter().any(|(name, value)| says_something(name, value))
    }
}

/// `conditionalAccessPlatforms`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConditionalAccessPlatforms {
    /// Platforms, or `all`.
    #[serde(default, deserialize_with = "null_is_default")]
    pub include_platforms: Vec<ConditionalAccessDevicePlatform>,
    /// Platforms.
    #[serde(default, deserialize_with = "null_is_default")]
    pub exclude_platforms: Vec<ConditionalAccessDevicePlatform>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Rest,
}

/// `conditionalAccessLocations`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConditionalAccessLocations {
    /// Named location ids, or `All`, `AllTrusted`.
    #[serde(default, deserialize_with = "null_is_default")]
    pub include_locations: Vec<String>,
    /// Named location ids, or `AllTrusted`.
    #[serde(default, deserialize_with = "null_is_default")]
    pub exclude_locations: Vec<String>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Rest,
}

/// `conditionalAccessDevices`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConditionalAccessDevices {
    /// The device filter.
    #[serde(default)]
    pub device_filter: Option<ConditionalAccessFilter>,
    /// Everything else, among it the retired `includeDevices` and `includeDeviceStates`.
    #[serde(flatten)]
    pub rest: Rest,
}

/// `conditionalAccessAuthenticationFlows`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConditionalAccessAuthenticationFlows {
    /// Methods, written as flags.
    #[serde(default, deserialize_with = "flags")]
    pub transfer_methods: Vec<TransferMethod>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Rest,
}

/// `conditionalAccessGrantControls`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConditionalAccessGrantControls {
    /// `AND` or `OR`; without it several controls may be meant either way.
    #[serde(default)]
    pub operator: Option<GrantOperator>,
    /// Built-in controls.
    #[serde(default, deserialize_with = "null_is_default")]
    pub built_in_controls: Vec<ConditionalAccessGrantControl>,
    /// Ids of custom controls (external providers).
    #[serde(default, deserialize_with = "null_is_default")]
    pub custom_authentication_factors: Vec<String>,
    /// Ids of terms-of-use agreements.
    #[serde(default, deserialize_with = "null_is_default")]
    pub terms_of_use: Vec<String>,
    /// Required authentication strength.
    #[serde(default)]
    pub authentication_strength: Option<AuthenticationStrengthPolicy>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Rest,
}

impl ConditionalAccessGrantControls {
    /// How many different things it demands.
    #[must_use]
    pub fn demand_count(&self) -> usize {
        let built_in: BTreeSet<&str> =
            self.built_in_controls.iter().map(ConditionalAccessGrantControl::as_str).collect();
        let factors: BTreeSet<&String> = self.custom_authentication_factors.iter().collect();
        let terms: BTreeSet<&String> = self.terms_of_use.iter().collect();
        let strength = self.authentication_strength.as_ref().is_some_and(AuthenticationStrengthPolicy::is_configured);
        built_in.len() + factors.len() + terms.len() + usize::from(strength)
    }
}

/// A policy as written, before its unknown parts are looked for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    #[serde(default)]
    id: Option<PolicyId>,
    #[serde(default, deserialize_with = "null_is_default")]
    display_name: String,
    state: ConditionalAccessPolicyState,
    #[serde(default)]
    template_id: Option<String>,
    #[serde(default)]
    created_date_time: Option<String>,
    #[serde(default)]
    modified_date_time: Option<String>,
    #[serde(default)]
    deleted_date_time: Option<String>,
    #[serde(default, deserialize_with = "null_is_default")]
    conditions: ConditionalAccessConditionSet,
    #[serde(default)]
    grant_controls: Option<ConditionalAccessGrantControls>,
    #[serde(default)]
    session_controls: Option<Rest>,
    #[serde(default)]
    partial_enablement_strategy: Option<Value>,
}

impl ConditionalAccessPolicy {
    /// Reads one policy; `name` stands in for an id that the export does not have.
    ///
    /// # Errors
    /// What `serde_json` says, with the path inside the policy, when a property has the wrong type.
    pub fn from_value(source: Value, name: &str) -> Result<Self, serde_path_to_error::Error<serde_json::Error>> {
        let mut written: Written = serde_path_to_error::deserialize(&source)?;
        written.conditions.mark_what_is_not_exported(&source);
        awaited(&source).for_each(|(path, _)| written.conditions.mark_as_awaited(path));
        let mut unknowns = unknowns::unknown_parts(&written, &source);
        unknowns.sort();
        Ok(Self {
            id: written.id.unwrap_or_else(|| PolicyId::from(name)),
            display_name: written.display_name,
            state: written.state,
            template_id: written.template_id,
            created_date_time: written.created_date_time,
            modified_date_time: written.modified_date_time,
            is_deleted: written.deleted_date_time.is_some(),
            conditions: written.conditions,
            grant_controls: written.grant_controls,
            session_controls: written.session_controls,
            unknowns,
            source,
        })
    }

    /// The name to show: the display name, or the id where there is none.
    #[must_use]
    pub fn name(&self) -> &str {
        if self.display_name.is_empty() { self.id.as_str() } else { &self.display_name }
    }

    /// Whether the policy can ever apply to a person: not when it includes nobody (`None`) or only workload
    /// identities or agents, whatever other conditions it carries. It can where the export does not say.
    #[must_use]
    pub fn targets_people(&self) -> bool {
        self.conditions.users.as_ref().is_some_and(|users| {
            users.not_exported.is_some()
                || users.include_users.iter().any(|user| user != "None")
                || !users.include_groups.is_empty()
                || !users.include_roles.is_empty()
                || users.include_guests_or_external_users.is_some()
        })
    }
}
