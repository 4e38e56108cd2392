//! Tells what an exported document holds: by `@odata.context`, else by `@odata.type`, else by the names of the
//! file and its folders, else by the properties of its first object.
//!
//! Exporters differ in names and agree in objects, so a name gives way to an object that is plainly something
//! else (a policy may be called `All users`), and a folder alone is not believed about an object of no known
//! shape. What belongs to another object (the members of a role, say) is never taken for a list of the tenant.
//!
//! **Source:** Graph's metadata; the folders that EntraExporter, the Graph PowerShell module and common
//! backup scripts write.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::azure::{self, AzureObject};
use super::builder::parse;
use super::{AddError, GroupRelation, Resource};

/// Where a document comes from.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// Name of the file, with its extension; empty for a stream.
    pub file_name: &'a str,
    /// Names of the folders from the one that was asked for down to the file's, without the former's own path.
    pub folders: &'a [String],
}

/// What a document holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// Objects of a resource.
    Resource(Resource),
    /// Members or owners of the group with this id.
    Group(String, GroupRelation),
    /// Configurations of single authentication methods.
    MethodConfigurations,
    /// Role assignments of Azure, which are not the directory's list.
    AzureRoleAssignments,
    /// Something that a snapshot does not have, in words.
    Other(String),
}

/// How many names of an unknown object are shown.
const NAMES_SHOWN_MAX: usize = 3;

/// The first object of a document, as far as it says what it is.
#[derive(Debug, Default)]
pub(crate) struct FirstObject {
    names: Vec<String>,
    odata_type: Option<String>,
    odata_context: Option<String>,
    id: Option<String>,
    azure: Option<AzureObject>,
}

impl FirstObject {
    /// Reads the names and annotations of an object.
    pub(crate) fn read(json: &[u8]) -> Result<Self, AddError> {
        let members: BTreeMap<Cow<'_, str>, &RawValue> = parse(json)?;
        let text = |name: &str| members.get(name).and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
        Ok(Self {
            odata_type: text("@odata.type"),
            odata_context: text("@odata.context"),
            id: text("id"),
            azure: azure::recognise(&members),
            names: members.keys().map(|name| name.clone().into_owned()).collect(),
        })
    }

    fn has(&self, name: &str) -> bool {
        self.names.iter().any(|own| own == name)
    }

    /// Whether an exporter wrote .NET's names: `Id`, `DisplayName`.
    pub(crate) fn is_pascal_cased(&self) -> bool {
        (self.has("Id") || self.has("DisplayName")) && !self.has("id") && !self.has("displayName")
    }

    /// What kind of log the object is a record of.
    fn log(&self) -> Option<&'static str> {
        if self.has("conditionalAccessStatus") || (self.has("ipAddress") && self.has("userPrincipalName")) {
            Some("a sign-in log")
        } else if self.has("category") && (self.has("properties") || self.has("activityDisplayName")) {
            Some("a log of events")
        } else {
            None
        }
    }

    /// What is there instead of something known.
    pub(crate) fn unknown(&self) -> String {
        if self.names.is_empty() {
            return "an empty object".to_owned();
        }
        let names: Vec<String> = self.names.iter().take(NAMES_SHOWN_MAX).map(|name| format!("`{name}`")).collect();
        format!("of no known kind, with {}", names.join(", "))
    }

    /// The object's own context.
    fn context(&self) -> Option<&str> {
        self.odata_context.as_deref()
    }
}

/// Tells what a document holds. `context` is that of the document; `None` when nothing says it.
pub(crate) fn target(context: Option<&str>, first: Option<&FirstObject>, origin: &Origin<'_>) -> Option<Target> {
    let named = from_names(origin);
    let context = context.or_else(|| first.and_then(FirstObject::context));
    let said = context.and_then(from_context);
    match first.and_then(|first| first.azure.as_ref()) {
        Some(AzureObject::RoleAssignment) if context.is_none() => return Some(Target::AzureRoleAssignments),
        Some(AzureObject::Other(what)) if context.is_none() => return Some(Target::Other(what.clone())),
        _ => {}
    }
    // A folder of members holds users, and they are not the tenant's list of users.
    if let Some(Named { target: relation @ (Target::Group(..) | Target::Other(_)), .. }) = named {
        return Some(said.filter(|said| matches!(said, Target::Group(..))).unwrap_or(relation));
    }
    if said.is_some() {
        return said;
    }
    let is_in_azure = origin.folders.last().is_some_and(|folder| azure::FOLDERS.contains(&squeezed(folder).as_str()));
    if first.is_none() && is_in_azure && named.as_ref().is_some_and(Named::is_of_roles) {
        return Some(Target::Other("a list of roles that may be Azure's or the directory's".to_owned()));
    }
    let named = named.and_then(|named| match named.target {
        Target::Resource(resource) => Some((resource, named.is_guess)),
        _ => None,
    });
    if context.is_some_and(|context| context.ends_with("#directoryObjects")) && named.is_none() {
        return Some(Target::Other("directory objects that belong to another object".to_owned()));
    }
    let typed = first.and_then(|first| first.odata_type.as_deref()).and_then(from_type);
    let shaped = match typed {
        Some(Target::Resource(resource)) => Some(resource),
        Some(other) => return Some(other),
        None => first.and_then(from_shape),
    };
    let resource = match (named, shaped) {
        (Some((named, _)), Some(shaped)) if is_kin(named, shaped) => named,
        (_, Some(shaped)) => shaped,
        (Some((_, is_guess)), None) if is_guess && first.is_some() => return None,
        (Some((named, _)), None) => named,
        (None, None) => return first.and_then(FirstObject::log).map(|log| Target::Other(log.to_owned())),
    };
    Some(Target::Resource(resource))
}

/// Whether the same objects can be in both lists, so that only the name tells which it is.
fn is_kin(named: Resource, shaped: Resource) -> bool {
    let family = |resource| match resource {
        Resource::DeletedUsers => Resource::Users,
        Resource::RoleAssignmentScheduleInstances | Resource::RoleEligibilityScheduleInstances => {
            Resource::RoleAssignments
        }
        other => other,
    };
    family(named) == family(shaped)
}

/// Whether a folder of the document is called like the resource, so that single objects in it make up the list.
pub(super) fn is_in_folder_of(resource: Resource, origin: &Origin<'_>) -> bool {
    origin.folders.iter().any(|folder| resource_named(&squeezed(folder)) == Some(resource))
}

/// In which order documents are read best: users first, since their ids then lie together, and ScubaGear's
/// excerpt of them last, since it adds only whom nobody else has.
#[must_use]
pub fn rank(origin: &Origin<'_>) -> u8 {
    match from_names(origin).map(|named| named.target) {
        Some(Target::Resource(Resource::Users)) => 0,
        Some(Target::Resource(Resource::Groups)) => 1,
        _ if is_scubagear(&squeezed(origin.file_name)) => 3,
        _ => 2,
    }
}

fn is_scubagear(squeezed: &str) -> bool {
    squeezed.contains("scuba") || squeezed.starts_with("providersettings")
}

/// Reads `…/$metadata#users(id,displayName)/$entity`.
pub(super) fn from_context(context: &str) -> Option<Target> {
    let (_, fragment) = context.rsplit_once("$metadata#").or_else(|| context.rsplit_once('#'))?;
    if let Some(name) = fragment.strip_prefix("Collection(").and_then(|rest| rest.split(')').next()) {
        return from_type(name);
    }
    if fragment.starts_with("microsoft.graph.") {
        return from_type(fragment.split('/').next().unwrap_or_default());
    }
    let (path, owner) = without_parentheses(fragment);
    let path = path.trim_end_matches("/$entity").trim_end_matches("/$delta").to_ascii_lowercase();
    let other = || Target::Other(format!("Graph's `{fragment}`"));
    let resource = match path.as_str() {
        "users" => Resource::Users,
        "groups" => Resource::Groups,
        "devices" => Resource::Devices,
        "serviceprincipals" => Resource::ServicePrincipals,
        "applications" => Resource::Applications,
        "organization" => Resource::Organization,
        "domains" => Resource::Domains,
        "administrativeunits" | "directory/administrativeunits" => Resource::AdministrativeUnits,
        "identity/conditionalaccess/policies" | "conditionalaccess/policies" | "policies/conditionalaccesspolicies" => {
            Resource::ConditionalAccessPolicies
        }
        "identity/conditionalaccess/namedlocations" | "conditionalaccess/namedlocations" => Resource::NamedLocations,
        "rolemanagement/directory/roledefinitions" => Resource::RoleDefinitions,
        "rolemanagement/directory/roleassignments" => Resource::RoleAssignments,
        "rolemanagement/directory/roleassignmentscheduleinstances" => Resource::RoleAssignmentScheduleInstances,
        "rolemanagement/directory/roleeligibilityscheduleinstances" => Resource::RoleEligibilityScheduleInstances,
        "policies/rolemanagementpolicies" => Resource::RoleManagementPolicies,
        "policies/authenticationstrengthpolicies" | "identity/conditionalaccess/authenticationstrength/policies" => {
            Resource::AuthenticationStrengthPolicies
        }
        "policies/authenticationmethodspolicy" | "authenticationmethodspolicy" => Resource::AuthenticationMethodsPolicy,
        "policies/authenticationmethodspolicy/authenticationmethodconfigurations"
        | "authenticationmethodspolicy/authenticationmethodconfigurations" => {
            return Some(Target::MethodConfigurations);
        }
        "policies/identitysecuritydefaultsenforcementpolicy" => Resource::IdentitySecurityDefaultsEnforcementPolicy,
        "oauth2permissiongrants" => Resource::Oauth2PermissionGrants,
        "subscribedskus" => Resource::SubscribedSkus,
        "serviceprincipals/approleassignments" | "serviceprincipals/approleassignedto" => Resource::AppRoleAssignments,
        "domains/federationconfiguration" => Resource::FederationConfigurations,
        "agreements" | "identitygovernance/termsofuse/agreements" => Resource::TermsOfUseAgreements,
        "identitygovernance/accessreviews/definitions" => Resource::AccessReviews,
        "identitygovernance/lifecycleworkflows/workflows" => Resource::LifecycleWorkflows,
        "directory/deleteditems/microsoft.graph.user" | "directory/deleteditems/graph.user" => Resource::DeletedUsers,
        "groups/members" => return Some(Target::Group(owner?, GroupRelation::Members)),
        "groups/owners" => return Some(Target::Group(owner?, GroupRelation::Owners)),
        // Says nothing: the names of the folders may.
        "directoryobjects" => return None,
        _ => return Some(other()),
    };
    Some(Target::Resource(resource))
}

/// Takes select lists and keys out of a context's path, and gives the first key.
fn without_parentheses(fragment: &str) -> (String, Option<String>) {
    let (mut path, mut inside, mut depth, mut key) = (String::new(), String::new(), 0_u32, None);
    for c in fragment.chars() {
        match c {
            '(' => depth += 1,
            ')' if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    let text = std::mem::take(&mut inside);
                    let quoted = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
                    key = key.or_else(|| quoted.map(str::to_owned));
                }
            }
            c if depth > 0 => inside.push(c),
            c => path.push(c),
        }
    }
    (path, key)
}

/// Reads an `@odata.type`.
fn from_type(text: &str) -> Option<Target> {
    let name = text.trim_start_matches('#');
    let name = name.strip_prefix("microsoft.graph.")?;
    let resource = match name {
        "user" => Resource::Users,
        "group" => Resource::Groups,
        "device" => Resource::Devices,
        "servicePrincipal" => Resource::ServicePrincipals,
        "application" => Resource::Applications,
        "administrativeUnit" => Resource::AdministrativeUnits,
        "organization" => Resource::Organization,
        "domain" => Resource::Domains,
        "conditionalAccessPolicy" => Resource::ConditionalAccessPolicies,
        "namedLocation" | "ipNamedLocation" | "countryNamedLocation" | "compliantNetworkNamedLocation" => {
            Resource::NamedLocations
        }
        "unifiedRoleDefinition" => Resource::RoleDefinitions,
        "unifiedRoleAssignment" => Resource::RoleAssignments,
        "unifiedRoleAssignmentScheduleInstance" => Resource::RoleAssignmentScheduleInstances,
        "unifiedRoleEligibilityScheduleInstance" => Resource::RoleEligibilityScheduleInstances,
        "unifiedRoleManagementPolicy" => Resource::RoleManagementPolicies,
        "authenticationStrengthPolicy" => Resource::AuthenticationStrengthPolicies,
        "authenticationMethodsPolicy" => Resource::AuthenticationMethodsPolicy,
        "identitySecurityDefaultsEnforcementPolicy" => Resource::IdentitySecurityDefaultsEnforcementPolicy,
        "appRoleAssignment" => Resource::AppRoleAssignments,
        "oAuth2PermissionGrant" => Resource::Oauth2PermissionGrants,
        "subscribedSku" => Resource::SubscribedSkus,
        "internalDomainFederation" => Resource::FederationConfigurations,
        "agreement" => Resource::TermsOfUseAgreements,
        "accessReviewScheduleDefinition" => Resource::AccessReviews,
        "identityGovernance.workflow" => Resource::LifecycleWorkflows,
        "directoryObject" => return None,
        name if name.ends_with("AuthenticationMethodConfiguration") => return Some(Target::MethodConfigurations),
        name => return Some(Target::Other(format!("objects of Graph's type `{name}`"))),
    };
    Some(Target::Resource(resource))
}

/// What the names say.
struct Named {
    target: Target,
    /// Whether an object that is plainly something else, or nothing known, overrules it.
    is_guess: bool,
}

impl Named {
    const fn is_of_roles(&self) -> bool {
        matches!(self.target, Target::Resource(Resource::RoleAssignments | Resource::RoleDefinitions))
    }
}

/// Roles of other services than the directory, in folders of their own.
const OTHER_ROLE_SCOPES: [&str; 6] =
    ["exchange", "devicemanagement", "intune", "cloudpc", "entitlementmanagement", "defender"];

fn from_names(origin: &Origin<'_>) -> Option<Named> {
    let stem = squeezed(origin.file_name.rsplit_once('.').map_or(origin.file_name, |(stem, _)| stem));
    let mut folders: Vec<&str> = origin.folders.iter().map(String::as_str).collect();
    // `Users/<id>/<id>.json`: a folder of the object's own says nothing.
    let own = origin.file_name.rsplit_once('.').map_or(origin.file_name, |(stem, _)| stem);
    while folders.last().is_some_and(|folder| *folder == own) {
        folders.pop();
    }
    let squeezed_folders: Vec<String> = folders.iter().map(|folder| squeezed(folder)).collect();
    let folder = |back: usize| {
        squeezed_folders.len().checked_sub(back + 1).and_then(|at| squeezed_folders.get(at)).map_or("", String::as_str)
    };
    let is_under_conditional_access = squeezed_folders.iter().any(|name| name.contains("conditional"));
    let (name, parent, is_folder) = match resource_named(&stem) {
        Some(_) => (stem.as_str(), folder(0), false),
        None if relation_named(&stem).is_some() => (stem.as_str(), folder(0), false),
        None => (folder(0), folder(1), true),
    };
    if let Some(relation) = relation_named(name) {
        let (owner, list) = if is_folder { (1, folder(2)) } else { (0, folder(1)) };
        let id = folders.len().checked_sub(owner + 1).and_then(|at| folders.get(at));
        let target = match (relation, id) {
            (Some(relation), Some(id)) if list == "groups" => Target::Group((*id).to_owned(), relation),
            _ => Target::Other("objects that belong to another object".to_owned()),
        };
        return Some(Named { target, is_guess: false });
    }
    if matches!(name, "policies" | "accesspolicies" | "policy") {
        let is_known = is_under_conditional_access || (!is_folder && parent.is_empty());
        return (is_known || !is_folder).then_some(Named {
            target: Target::Resource(Resource::ConditionalAccessPolicies),
            is_guess: is_folder || !is_known,
        });
    }
    let resource = resource_named(name)?;
    let is_role = matches!(resource, Resource::RoleAssignments | Resource::RoleDefinitions);
    let target = if (is_role && OTHER_ROLE_SCOPES.contains(&parent)) || parent == "pim" {
        Target::Other("roles of another service than the directory".to_owned())
    } else {
        Target::Resource(resource)
    };
    Some(Named { target, is_guess: is_folder && resource == Resource::ConditionalAccessPolicies })
}

/// Relations that exporters write below the object they belong to; only those of groups are read.
#[expect(clippy::option_option, reason = "no relation, one of no interest and one of a group are three answers")]
fn relation_named(name: &str) -> Option<Option<GroupRelation>> {
    match name {
        "members" => Some(Some(GroupRelation::Members)),
        "owners" => Some(Some(GroupRelation::Owners)),
        "scopedmembers" | "scopedrolemembers" | "transitivemembers" | "reviewers" | "extensions" => Some(None),
        _ => None,
    }
}

/// A name without case, digits, punctuation and what exporters put around it: `Get-MgUser (2)` is `user`.
fn squeezed(name: &str) -> String {
    let letters: String = name.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_lowercase()).collect();
    let mut rest = letters.as_str();
    for prefix in ["get", "mgbeta", "mg", "export", "all", "entra", "azuread", "aad", "tenant"] {
        rest = rest.strip_prefix(prefix).filter(|rest| !rest.is_empty()).unwrap_or(rest);
    }
    for suffix in ["export", "page", "part", "list"] {
        rest = rest.strip_suffix(suffix).filter(|rest| !rest.is_empty()).unwrap_or(rest);
    }
    rest.to_owned()
}

/// The resource whose file may have this name.
pub(super) fn resource_called(name: &str) -> Option<Resource> {
    if name.contains('/') { None } else { resource_named(&squeezed(name)) }
}

fn resource_named(squeezed: &str) -> Option<Resource> {
    Some(match squeezed {
        "user" | "users" => Resource::Users,
        "group" | "groups" => Resource::Groups,
        "device" | "devices" => Resource::Devices,
        "serviceprincipal" | "serviceprincipals" | "enterpriseapplications" => Resource::ServicePrincipals,
        "application" | "applications" | "appregistrations" => Resource::Applications,
        "organization" | "organisation" => Resource::Organization,
        "domain" | "domains" => Resource::Domains,
        "administrativeunit" | "administrativeunits" => Resource::AdministrativeUnits,
        "conditionalaccesspolicies"
        | "conditionalaccesspolicy"
        | "conditionalaccess"
        | "capolicies"
        | "caps"
        | "identityconditionalaccesspolicy"
        | "policies"
        | "accesspolicies" => Resource::ConditionalAccessPolicies,
        "namedlocation"
        | "namedlocations"
        | "conditionalaccessnamedlocations"
        | "identityconditionalaccessnamedlocation"
        | "locations" => Resource::NamedLocations,
        "roledefinition" | "roledefinitions" | "directoryroledefinitions" => Resource::RoleDefinitions,
        "roleassignment" | "roleassignments" | "directoryroleassignments" => Resource::RoleAssignments,
        "roleassignmentscheduleinstance" | "roleassignmentscheduleinstances" => {
            Resource::RoleAssignmentScheduleInstances
        }
        "roleeligibilityscheduleinstance" | "roleeligibilityscheduleinstances" => {
            Resource::RoleEligibilityScheduleInstances
        }
        "rolemanagementpolicy" | "rolemanagementpolicies" => Resource::RoleManagementPolicies,
        "authenticationstrength"
        | "authenticationstrengths"
        | "authenticationstrengthpolicy"
        | "authenticationstrengthpolicies" => Resource::AuthenticationStrengthPolicies,
        "authenticationmethodspolicy" | "authenticationmethodpolicy" => Resource::AuthenticationMethodsPolicy,
        "identitysecuritydefaultsenforcementpolicy" | "securitydefaults" => {
            Resource::IdentitySecurityDefaultsEnforcementPolicy
        }
        "approleassignment" | "approleassignments" => Resource::AppRoleAssignments,
        "oauthpermissiongrant" | "oauthpermissiongrants" => Resource::Oauth2PermissionGrants,
        "subscribedsku" | "subscribedskus" => Resource::SubscribedSkus,
        "federationconfiguration" | "federationconfigurations" => Resource::FederationConfigurations,
        "termsofuse" | "termsofuseagreements" | "agreements" => Resource::TermsOfUseAgreements,
        "perusermfa" | "perusermfastates" => Resource::PerUserMfaStates,
        "accessreview" | "accessreviews" => Resource::AccessReviews,
        "lifecycleworkflow" | "lifecycleworkflows" => Resource::LifecycleWorkflows,
        "identityprotectionpolicies" => Resource::IdentityProtectionPolicies,
        "deleteduser" | "deletedusers" => Resource::DeletedUsers,
        _ => return None,
    })
}

/// Properties that together only one kind of object has, in the order in which they are tried.
const SHAPES: &[(&[&str], Resource)] = &[
    (&["conditions", "grantControls"], Resource::ConditionalAccessPolicies),
    (&["conditions", "sessionControls"], Resource::ConditionalAccessPolicies),
    (&["conditions", "state"], Resource::ConditionalAccessPolicies),
    (&["ipRanges"], Resource::NamedLocations),
    (&["countriesAndRegions"], Resource::NamedLocations),
    (&["compliantNetworkType"], Resource::NamedLocations),
    (&["principalId", "roleDefinitionId", "roleEligibilityScheduleId"], Resource::RoleEligibilityScheduleInstances),
    (&["principalId", "roleDefinitionId", "roleAssignmentScheduleId"], Resource::RoleAssignmentScheduleInstances),
    (&["principalId", "roleDefinitionId", "assignmentType"], Resource::RoleAssignmentScheduleInstances),
    (&["principalId", "roleDefinitionId"], Resource::RoleAssignments),
    (&["rolePermissions", "isBuiltIn"], Resource::RoleDefinitions),
    (&["templateId", "isBuiltIn"], Resource::RoleDefinitions),
    (&["allowedCombinations", "policyType"], Resource::AuthenticationStrengthPolicies),
    (&["authenticationMethodConfigurations"], Resource::AuthenticationMethodsPolicy),
    (&["policyMigrationState"], Resource::AuthenticationMethodsPolicy),
    (&["verifiedDomains"], Resource::Organization),
    (&["authenticationType", "isInitial"], Resource::Domains),
    (&["isMemberManagementRestricted"], Resource::AdministrativeUnits),
    (&["servicePrincipalType"], Resource::ServicePrincipals),
    (&["servicePrincipalNames"], Resource::ServicePrincipals),
    (&["appId", "signInAudience"], Resource::Applications),
    (&["securityEnabled"], Resource::Groups),
    (&["groupTypes"], Resource::Groups),
    (&["deviceId", "trustType"], Resource::Devices),
    (&["deviceId", "operatingSystem"], Resource::Devices),
    (&["skuPartNumber", "prepaidUnits"], Resource::SubscribedSkus),
    (&["appRoleId", "principalId", "resourceId"], Resource::AppRoleAssignments),
    (&["clientId", "consentType", "scope"], Resource::Oauth2PermissionGrants),
    (&["federatedIdpMfaBehavior"], Resource::FederationConfigurations),
    (&["isPerDeviceAcceptanceRequired"], Resource::TermsOfUseAgreements),
    (&["isViewingBeforeAcceptanceRequired"], Resource::TermsOfUseAgreements),
    (&["perUserMfaState"], Resource::PerUserMfaStates),
    (&["scopeType", "effectiveRules"], Resource::RoleManagementPolicies),
    (&["userPrincipalName", "id"], Resource::Users),
];

/// Properties of events, reports and requests, which name users, applications and conditions without being any.
const NOT_OBJECTS: [&str; 10] = [
    "appDisplayName",
    "conditionalAccessStatus",
    "correlationId",
    "ipAddress",
    "isMfaRegistered",
    "methodsRegistered",
    "resultType",
    "riskLastUpdatedDateTime",
    "signInConditions",
    "userId",
];

/// The id of the only security defaults policy there is.
const SECURITY_DEFAULTS_ID: &str = "00000000-0000-0000-0000-000000000005";

fn from_shape(first: &FirstObject) -> Option<Resource> {
    if NOT_OBJECTS.iter().any(|name| first.has(name)) {
        return None;
    }
    if first.has("isEnabled") && first.id.as_deref() == Some(SECURITY_DEFAULTS_ID) {
        return Some(Resource::IdentitySecurityDefaultsEnforcementPolicy);
    }
    SHAPES.iter().find(|(names, _)| names.iter().all(|name| first.has(name))).map(|(_, resource)| *resource)
}
