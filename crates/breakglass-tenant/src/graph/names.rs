//! Which names a query may have: whatever is filtered, selected, ordered, searched or expanded by a name that its type does
//! not have is refused, in one place for everything that Graph shows. A path is followed through its complex types.
//!
//! Where a list has objects of several types, the names of all of them are good. What an extension adds to a type no
//! table knows, so names that begin as those do are good everywhere.
//!
//! **Source:** the schema of v1.0 and beta, in `names.txt`; the words of the refusal are Graph's.

use std::iter::successors;
use std::sync::LazyLock;

use serde_json::Value;

use super::Request;
use super::error::GraphError;
use super::properties::is_extension;
use crate::call::{Body, Reply};
use crate::odata::QueryOptions;

/// The names in `@odata.context` that lead to a type.
const CONTEXTS: &[(&str, &str)] = &[
    ("administrativeUnits", "administrativeUnit"),
    ("applications", "application"),
    ("appRoleAssignments", "appRoleAssignment"),
    ("auditLogs/directoryAudits", "directoryAudit"),
    ("auditLogs/signIns", "signIn"),
    ("devices", "device"),
    ("directoryObjects", "directoryObject"),
    ("directoryRoles", "directoryRole"),
    ("directoryRoleTemplates", "directoryRoleTemplate"),
    ("domains", "domain"),
    ("groups", "group"),
    ("identity/conditionalAccess/authenticationContextClassReferences", "authenticationContextClassReference"),
    ("identity/conditionalAccess/namedLocations", "namedLocation"),
    ("identity/conditionalAccess/policies", "conditionalAccessPolicy"),
    ("identity/conditionalAccess/templates", "conditionalAccessTemplate"),
    ("identityProtection/riskDetections", "riskDetection"),
    ("identityProtection/riskyUsers", "riskyUser"),
    ("oauth2PermissionGrants", "oAuth2PermissionGrant"),
    ("organization", "organization"),
    ("policies/authenticationMethodsPolicy", "authenticationMethodsPolicy"),
    ("policies/authenticationMethodsPolicy/authenticationMethodConfigurations", "authenticationMethodConfiguration"),
    ("policies/authenticationStrengthPolicies", "authenticationStrengthPolicy"),
    ("policies/identitySecurityDefaultsEnforcementPolicy", "identitySecurityDefaultsEnforcementPolicy"),
    ("policies/roleManagementPolicies", "unifiedRoleManagementPolicy"),
    ("policies/roleManagementPolicyAssignments", "unifiedRoleManagementPolicyAssignment"),
    ("reports/authenticationMethods/userRegistrationDetails", "userRegistrationDetails"),
    ("roleManagement/directory/roleAssignmentApprovals", "approval"),
    ("roleManagement/directory/roleAssignments", "unifiedRoleAssignment"),
    ("roleManagement/directory/roleAssignmentScheduleInstances", "unifiedRoleAssignmentScheduleInstance"),
    ("roleManagement/directory/roleAssignmentScheduleRequests", "unifiedRoleAssignmentScheduleRequest"),
    ("roleManagement/directory/roleAssignmentSchedules", "unifiedRoleAssignmentSchedule"),
    ("roleManagement/directory/roleDefinitions", "unifiedRoleDefinition"),
    ("roleManagement/directory/roleEligibilityScheduleInstances", "unifiedRoleEligibilityScheduleInstance"),
    ("roleManagement/directory/roleEligibilityScheduleRequests", "unifiedRoleEligibilityScheduleRequest"),
    ("roleManagement/directory/roleEligibilitySchedules", "unifiedRoleEligibilitySchedule"),
    ("servicePrincipals", "servicePrincipal"),
    ("subscribedSkus", "subscribedSku"),
    ("subscriptions", "subscription"),
    ("users", "user"),
];

/// What is below one object, by the last part of its name in `@odata.context`.
const BELOW_ONE: &[(&str, &str)] = &[
    ("effectiveRules", "unifiedRoleManagementPolicyRule"),
    ("emailMethods", "emailAuthenticationMethod"),
    ("fido2Methods", "fido2AuthenticationMethod"),
    ("history", "riskyUserHistoryItem"),
    ("methods", "authenticationMethod"),
    ("microsoftAuthenticatorMethods", "microsoftAuthenticatorAuthenticationMethod"),
    ("operations", "longRunningOperation"),
    ("passwordMethods", "passwordAuthenticationMethod"),
    ("phoneMethods", "phoneAuthenticationMethod"),
    ("requirements", "strongAuthenticationRequirements"),
    ("rules", "unifiedRoleManagementPolicyRule"),
    ("softwareOathMethods", "softwareOathAuthenticationMethod"),
    ("steps", "approvalStep"),
    ("temporaryAccessPassMethods", "temporaryAccessPassAuthenticationMethod"),
];

/// Types of which a list has only themselves, although others are derived from them.
const ALONE: [&str; 2] = ["conditionalAccessPolicy", "riskyUser"];

/// What the name of a type begins with where a path casts to it.
const TYPE_PREFIX: &str = "microsoft.graph.";

/// A type of the table.
struct Type {
    name: &'static str,
    base: Option<&'static str>,
    members: Vec<Member>,
}

/// A property or a relation.
struct Member {
    name: &'static str,
    is_of_beta: bool,
    /// The type of the object that it is, or of those in its list, if the table has it.
    of: Option<&'static str>,
}

static TYPES: LazyLock<Vec<Type>> = LazyLock::new(|| {
    let mut types: Vec<Type> = Vec::new();
    for line in include_str!("names.txt").lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split_whitespace();
        match types.last_mut().filter(|_| line.starts_with(' ')) {
            Some(last) => last.members.extend(words.map(member)),
            None => {
                let name = words.next().unwrap_or_default().trim_start_matches('+');
                types.push(Type { name, base: words.next(), members: Vec::new() });
            }
        }
    }
    types
});

fn member(word: &'static str) -> Member {
    let (name, of) = word.split_once('=').map_or((word, None), |(name, of)| (name, Some(of)));
    Member { name: name.trim_start_matches('+'), is_of_beta: name.starts_with('+'), of }
}

/// Refuses what an answer was asked for by names that it cannot have.
pub(super) fn check_answer(request: &Request<'_>, reply: &Reply) -> Result<(), GraphError> {
    let Body::Json(Value::Object(body)) = &reply.body else { return Ok(()) };
    let context =
        body.get("@odata.context").and_then(Value::as_str).and_then(|context| context.split_once("$metadata#"));
    match context {
        Some((_, of)) if request.call.method == "GET" && !request.call.query.is_empty() => {
            check(request, &QueryOptions::parse(&request.call.query)?, of)
        }
        _ => Ok(()),
    }
}

/// The same of what is named in `@odata.context` as this.
pub(super) fn check(request: &Request<'_>, options: &QueryOptions, context: &str) -> Result<(), GraphError> {
    let Some(type_name) = type_of(context) else { return Ok(()) };
    let is_beta = request.version == "beta";
    options.check_properties(|path| unknown(path, type_name, is_beta))?;
    for expand in options.expand() {
        let relation = find(type_name, expand.relation(), is_beta).and_then(|relation| relation.of);
        if let (Some(of), Some(select)) = (relation, expand.select()) {
            select.check_properties(|path| unknown(path, of, is_beta))?;
        }
    }
    Ok(())
}

/// The type that a context leads to.
fn type_of(context: &str) -> Option<&'static str> {
    let of = ["/$entity", "/$delta"].iter().find_map(|end| context.strip_suffix(end)).unwrap_or(context);
    if let Some(name) = of.strip_prefix(TYPE_PREFIX) {
        return kind(name).map(|kind| kind.name);
    }
    let (table, of) = match of.rsplit_once("')/") {
        Some((_, below)) => (BELOW_ONE, below.rsplit('/').next().unwrap_or(below)),
        None => (CONTEXTS, of),
    };
    table.iter().find(|(name, _)| *name == of).map(|(_, name)| *name)
}

fn kind(name: &str) -> Option<&'static Type> {
    TYPES.iter().find(|kind| kind.name.eq_ignore_ascii_case(name))
}

/// A type, and those that it is derived from.
fn lineage(name: &str) -> impl Iterator<Item = &'static Type> {
    successors(kind(name), |kind_of| kind_of.base.and_then(kind))
}

/// A member of a type, of those that it is derived from, and of those that are derived from it.
fn find(of: &str, name: &str, is_beta: bool) -> Option<&'static Member> {
    let is_derived = |kind: &Type| !ALONE.contains(&of) && lineage(kind.name).any(|base| base.name == of);
    let derived = TYPES.iter().filter(|kind| is_derived(kind));
    let mut members = lineage(of).chain(derived).flat_map(|kind| &kind.members);
    members.find(|member| member.name.eq_ignore_ascii_case(name) && (is_beta || !member.is_of_beta))
}

/// The first name of a path that is not known, and the type that does not have it.
fn unknown(path: &[&str], of: &'static str, is_beta: bool) -> Option<(String, String)> {
    let mut of = of;
    for segment in path {
        let cast = segment.get(..TYPE_PREFIX.len()).filter(|prefix| prefix.eq_ignore_ascii_case(TYPE_PREFIX));
        let next = match cast.and_then(|_| segment.get(TYPE_PREFIX.len()..)) {
            Some(cast) => Some(kind(cast)?.name),
            None if is_extension(segment) => None,
            None => match find(of, segment, is_beta) {
                Some(member) => member.of,
                None => return Some(((*segment).to_owned(), format!("{TYPE_PREFIX}{of}"))),
            },
        };
        // Into what the table does not have nobody looks.
        of = next?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{type_of, unknown};

    #[test]
    fn contexts_lead_to_types() {
        for (context, of) in [
            ("users/$entity", Some("user")),
            ("groups/$delta", Some("group")),
            ("users('7')/authentication/phoneMethods", Some("phoneAuthenticationMethod")),
            ("policies/roleManagementPolicies('x')/rules/$entity", Some("unifiedRoleManagementPolicyRule")),
            ("microsoft.graph.user", Some("user")),
            ("Collection(Edm.String)", None),
        ] {
            assert_eq!(type_of(context), of, "{context}");
        }
    }

    #[test]
    fn paths_are_followed_as_far_as_the_types_are_known() {
        for (of, path, is_beta, is_known) in [
            ("user", "displayName", false, true),
            ("user", "DISPLAYNAME", false, true),
            ("user", "id", false, true),
            ("user", "deletedDateTime", false, true),
            ("user", "color", true, false),
            ("user", "manager/displayName", false, true),
            ("user", "manager/color", false, false),
            ("user", "extension_1_color", false, true),
            ("user", "assignedLicenses/skuId", false, true),
            ("user", "assignedLicenses/color", false, false),
            ("directoryObject", "roleTemplateId", false, true),
            ("directoryObject", "microsoft.graph.group/groupTypes", false, true),
            ("directoryObject", "microsoft.graph.group/userPrincipalName", false, false),
            ("namedLocation", "ipRanges", false, true),
            ("conditionalAccessPolicy", "conditions/users/includeUsers", false, true),
            ("conditionalAccessPolicy", "conditions/users/color", false, false),
            ("conditionalAccessPolicy", "policyApplies", false, false),
            ("conditionalAccessPolicy", "conditions/agents/x", false, false),
            ("conditionalAccessPolicy", "conditions/agents/x", true, true),
        ] {
            let path: Vec<&str> = path.split('/').collect();
            assert_eq!(unknown(&path, of, is_beta).is_none(), is_known, "{of} {path:?}");
        }
        let told = unknown(&["conditions", "users", "color"], "conditionalAccessPolicy", false);
        assert_eq!(told, Some(("color".to_owned(), "microsoft.graph.conditionalAccessUsers".to_owned())));
    }
}
