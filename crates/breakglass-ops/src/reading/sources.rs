//! What is read of a tenant, and what that needs: one row for each list of a snapshot.
//!
//! **Source:** the pages of Graph's reference that list each resource, with the permissions that they call least
//! privileged, read 2026-11-26. Policies are read from beta, since v1.0 leaves out conditions that are in preview.

use breakglass_model::snapshot::Resource;

/// With the properties of users that an engine asks.
const USERS: &str = "/v1.0/users?$select=id,displayName,userPrincipalName,userType,accountEnabled,createdDateTime,\
creationType,externalUserState,onPremisesSyncEnabled,onPremisesImmutableId,onPremisesLastSyncDateTime,passwordPolicies,\
lastPasswordChangeDateTime,assignedLicenses,assignedPlans,mail,otherMails,mobilePhone,businessPhones,employeeType,\
department&$top=999";

/// With the properties of groups that an engine asks.
const GROUPS: &str = "/v1.0/groups?$select=id,displayName,securityEnabled,mailEnabled,groupTypes,membershipRule,\
membershipRuleProcessingState,isAssignableToRole,onPremisesSyncEnabled,visibility&$top=999";

/// How a list is read.
#[derive(Debug, Clone, Copy)]
pub struct Source {
    /// The list.
    pub resource: Resource,
    /// Path and query of the first request.
    pub target: &'static str,
    /// Permissions of Microsoft Graph, all of them needed; the same names as delegated ones and as app roles.
    pub permissions: &'static [&'static str],
    /// What is counted to know how many requests there will be, and how many objects one has.
    pub counted: Option<(&'static str, u64)>,
}

const fn source(resource: Resource, target: &'static str, permissions: &'static [&'static str]) -> Source {
    Source { resource, target, permissions, counted: None }
}

/// Every list that one request and its pages give.
pub const SOURCES: &[Source] = &[
    source(Resource::Organization, "/v1.0/organization", &["Organization.Read.All"]),
    source(Resource::Domains, "/v1.0/domains", &["Domain.Read.All"]),
    Source {
        resource: Resource::Users,
        target: USERS,
        permissions: &["User.Read.All"],
        counted: Some(("/v1.0/users/$count", 999)),
    },
    Source {
        resource: Resource::Groups,
        target: GROUPS,
        permissions: &["Group.Read.All"],
        counted: Some(("/v1.0/groups/$count", 999)),
    },
    Source {
        resource: Resource::Devices,
        target: "/v1.0/devices?$expand=registeredOwners($select=id)&$top=999",
        permissions: &["Device.Read.All"],
        counted: Some(("/v1.0/devices/$count", 999)),
    },
    source(Resource::ServicePrincipals, "/v1.0/servicePrincipals?$top=999", &["Application.Read.All"]),
    source(
        Resource::AdministrativeUnits,
        "/v1.0/directory/administrativeUnits?$top=999",
        &["AdministrativeUnit.Read.All"],
    ),
    source(
        Resource::RoleDefinitions,
        "/v1.0/roleManagement/directory/roleDefinitions",
        &["RoleManagement.Read.Directory"],
    ),
    source(
        Resource::RoleAssignments,
        "/v1.0/roleManagement/directory/roleAssignments",
        &["RoleManagement.Read.Directory"],
    ),
    source(
        Resource::RoleAssignmentScheduleInstances,
        "/v1.0/roleManagement/directory/roleAssignmentScheduleInstances",
        &["RoleAssignmentSchedule.Read.Directory"],
    ),
    source(
        Resource::RoleEligibilityScheduleInstances,
        "/v1.0/roleManagement/directory/roleEligibilityScheduleInstances",
        &["RoleEligibilitySchedule.Read.Directory"],
    ),
    source(
        Resource::RoleManagementPolicies,
        "/v1.0/policies/roleManagementPolicyAssignments?$filter=scopeId eq '/' and scopeType eq 'DirectoryRole'&\
         $expand=policy($expand=rules)",
        &["RoleManagementPolicy.Read.Directory"],
    ),
    source(Resource::ConditionalAccessPolicies, "/beta/identity/conditionalAccess/policies", &["Policy.Read.All"]),
    source(Resource::NamedLocations, "/v1.0/identity/conditionalAccess/namedLocations", &["Policy.Read.All"]),
    source(
        Resource::AuthenticationStrengthPolicies,
        "/v1.0/policies/authenticationStrengthPolicies",
        &["Policy.Read.All"],
    ),
    source(Resource::AuthenticationMethodsPolicy, "/v1.0/policies/authenticationMethodsPolicy", &["Policy.Read.All"]),
    source(
        Resource::IdentitySecurityDefaultsEnforcementPolicy,
        "/v1.0/policies/identitySecurityDefaultsEnforcementPolicy",
        &["Policy.Read.All"],
    ),
    source(Resource::Applications, "/v1.0/applications?$top=999", &["Application.Read.All"]),
    source(
        Resource::AppRoleAssignments,
        "/v1.0/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')/appRoleAssignedTo?$top=999",
        &["Application.Read.All"],
    ),
    source(Resource::Oauth2PermissionGrants, "/v1.0/oauth2PermissionGrants?$top=999", &["Directory.Read.All"]),
    source(Resource::SubscribedSkus, "/v1.0/subscribedSkus", &["Organization.Read.All"]),
    source(Resource::TermsOfUseAgreements, "/v1.0/identityGovernance/termsOfUse/agreements", &["Agreement.Read.All"]),
    source(Resource::AccessReviews, "/v1.0/identityGovernance/accessReviews/definitions", &["AccessReview.Read.All"]),
    source(
        Resource::LifecycleWorkflows,
        "/v1.0/identityGovernance/lifecycleWorkflows/workflows",
        &["LifecycleWorkflows.Read.All"],
    ),
    source(Resource::DeletedUsers, "/v1.0/directory/deletedItems/microsoft.graph.user", &["User.Read.All"]),
];

/// The report of what users have registered; disabled users are not in it.
///
/// **Source:** "List userRegistrationDetails".
pub(super) const REGISTRATIONS_TARGET: &str = "/v1.0/reports/authenticationMethods/userRegistrationDetails?$top=999";

/// What the report needs.
pub(super) const REGISTRATIONS_PERMISSIONS: &[&str] = &["AuditLog.Read.All"];

/// What is read besides the lists, most of it one by one of those on whom an answer depends, with its permissions.
pub const RELATED: &[(&str, &str, &[&str])] = &[
    (
        "members and owners of groups that a policy, a role or a method names",
        "/v1.0/groups/{id}/members",
        &["GroupMember.Read.All"],
    ),
    (
        "members of administrative units",
        "/v1.0/directory/administrativeUnits/{id}/members",
        &["AdministrativeUnit.Read.All"],
    ),
    (
        "authentication methods of whoever can reach a role that repairs",
        "/v1.0/users/{id}/authentication/methods",
        &["UserAuthenticationMethod.Read.All"],
    ),
    (
        "their state of per-user multifactor authentication",
        "/beta/users/{id}/authentication/requirements",
        &["Policy.Read.All"],
    ),
    ("when they signed in last", "/v1.0/users/{id}?$select=id,signInActivity", &["AuditLog.Read.All"]),
    ("how federated domains are federated", "/v1.0/domains/{id}/federationConfiguration", &["Domain.Read.All"]),
    ("the report of what everybody else has registered", REGISTRATIONS_TARGET, REGISTRATIONS_PERMISSIONS),
];

/// Lists that no request of Graph gives, and why.
pub(super) const UNREADABLE: &[(Resource, &str)] =
    &[(Resource::IdentityProtectionPolicies, "Graph has no request for Identity Protection's own policies")];
