//! Names in queries: what a type does not have is refused wherever it is asked for, and the table of names says what the
//! schema says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Map, Value};

use super::world::World;

/// Collections and objects, each of another type, with a property of it that text is compared with.
const COLLECTIONS: &[(&str, &str)] = &[
    ("/users", "displayName"),
    ("/groups", "displayName"),
    ("/applications", "displayName"),
    ("/servicePrincipals", "displayName"),
    ("/devices", "displayName"),
    ("/domains", "id"),
    ("/organization", "displayName"),
    ("/subscribedSkus", "skuPartNumber"),
    ("/directory/administrativeUnits", "displayName"),
    ("/directory/deletedItems/microsoft.graph.user", "displayName"),
    ("/directoryRoles", "displayName"),
    ("/directoryRoleTemplates", "displayName"),
    ("/identity/conditionalAccess/policies", "displayName"),
    ("/identity/conditionalAccess/namedLocations", "displayName"),
    ("/identity/conditionalAccess/templates", "name"),
    ("/identity/conditionalAccess/authenticationContextClassReferences", "displayName"),
    ("/identityProtection/riskyUsers", "userPrincipalName"),
    ("/identityProtection/riskDetections", "userPrincipalName"),
    ("/policies/authenticationStrengthPolicies", "displayName"),
    ("/policies/authenticationMethodsPolicy/authenticationMethodConfigurations", "id"),
    ("/roleManagement/directory/roleDefinitions", "displayName"),
    ("/roleManagement/directory/roleAssignments", "principalId"),
    ("/roleManagement/directory/roleAssignmentScheduleInstances", "principalId"),
    ("/roleManagement/directory/roleAssignmentSchedules", "principalId"),
    ("/roleManagement/directory/roleAssignmentScheduleRequests", "principalId"),
    ("/roleManagement/directory/roleEligibilityScheduleInstances", "principalId"),
    ("/roleManagement/directory/roleEligibilitySchedules", "principalId"),
    ("/roleManagement/directory/roleEligibilityScheduleRequests", "principalId"),
    ("/oauth2PermissionGrants", "scope"),
    ("/subscriptions", "resource"),
    ("/reports/authenticationMethods/userRegistrationDetails", "userPrincipalName"),
    ("/auditLogs/signIns", "userPrincipalName"),
    ("/auditLogs/directoryAudits", "category"),
    ("/me/memberOf", "displayName"),
    ("/me/transitiveMemberOf", "displayName"),
    ("/me/directReports", "displayName"),
    ("/me/appRoleAssignments", "principalDisplayName"),
    ("/me/oauth2PermissionGrants", "scope"),
    ("/me/authentication/methods", "id"),
    ("/me/authentication/phoneMethods", "phoneNumber"),
    ("/me/authentication/fido2Methods", "displayName"),
];

/// Single objects.
const OBJECTS: &[&str] = &[
    "/me",
    "/policies/authenticationMethodsPolicy",
    "/policies/identitySecurityDefaultsEnforcementPolicy",
    "/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/fido2",
    "/me/authentication/phoneMethods/3179e48a-750b-4051-897c-87b9720928f7",
];

#[test]
fn what_no_type_has_is_refused_wherever_it_is_asked_for() {
    let world = World::demo("names");
    let token = world.demo_token();
    let asked = |path: &str| {
        world.send(
            "GET",
            path,
            (&[("authorization", &format!("Bearer {token}")), ("consistencylevel", "eventual")], b""),
        )
    };
    let refused = |path: &str| {
        let answer = asked(path);
        assert_eq!((answer.status, answer.code().as_str()), (400, "BadRequest"), "{path}: {}", answer.text);
        let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(
            message.contains("Could not find a property named 'color' on type 'microsoft.graph."),
            "{path}: {message}"
        );
    };
    for version in ["/v1.0", "/beta"] {
        for (path, name) in COLLECTIONS {
            let path = format!("{version}{path}");
            refused(&format!("{path}?$filter=color%20eq%20'red'"));
            if version == "/beta" {
                continue;
            }
            for query in ["?$select=id,color", "?$orderby=color", "/$count?$filter=color%20eq%20'red'"] {
                refused(&format!("{path}{query}"));
            }
            let good = format!("{path}?$filter={name}%20eq%20'x'&$select=id&$count=true");
            assert_eq!(asked(&good).status, 200, "{good}: {}", asked(&good).text);
        }
        for path in OBJECTS {
            let found = asked(&format!("{version}{path}")).status;
            assert_eq!(found, if path.contains("3179e48a") { 404 } else { 200 }, "{path}");
            if found == 200 {
                refused(&format!("{version}{path}?$select=color"));
            }
        }
        refused(&format!("{version}/identity/conditionalAccess/policies?$filter=conditions/users/color%20eq%20'red'"));
        refused(&format!("{version}/users?$filter=assignedLicenses/any(l:l/color%20eq%20'red')"));
        refused(&format!("{version}/groups?$expand=members($select=color)"));
        let references = asked(&format!("{version}/me/memberOf/$ref?$filter=displayName%20eq%20'x'"));
        assert_eq!((references.status, references.code().as_str()), (400, "Request_UnsupportedQuery"));
    }
}

#[test]
fn what_beta_alone_has_is_refused_at_v1() {
    let world = World::demo("names-of-beta");
    let token = world.demo_token();
    for path in ["/users?$select=isResourceAccount,infoCatalogs", "/groups?$filter=accessType%20eq%20'x'"] {
        let status = |version: &str| world.graph(&token, ("GET", &format!("{version}{path}")), None).status;
        assert_eq!((status("/v1.0"), status("/beta")), (400, 200), "{path}");
    }
}

/// Types of the table that the reduced schema leaves out.
const OF_REFERENCE: [&str; 5] =
    ["approval", "approvalStep", "longRunningOperation", "subscription", "userRegistrationDetails"];
/// What beta has and the reduced schema has not.
const NEWER: [&str; 5] = ["agentContext", "agents", "blockSensitiveActions", "partialEnablementStrategy", "times"];

/// A type of the table: what it is derived from, and its members, each with the type that it leads to.
type Row<'t> = (Option<&'t str>, BTreeMap<&'t str, Option<&'t str>>);

fn table(text: &str) -> BTreeMap<&str, Row<'_>> {
    let mut rows: Vec<(&str, Row<'_>)> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split_whitespace();
        if line.starts_with(' ') {
            let member = |word| str::split_once(word, '=').map_or((word, None), |(name, of)| (name, Some(of)));
            rows.last_mut().unwrap().1.1.extend(words.map(member));
        } else {
            rows.push((words.next().unwrap().trim_start_matches('+'), (words.next(), BTreeMap::new())));
        }
    }
    let count = rows.len();
    let table: BTreeMap<_, _> = rows.into_iter().collect();
    assert_eq!(table.len(), count, "a type stands there twice");
    table
}

/// The members of a type in a version of the schema, each with the type of its value.
fn members<'s>(types: &'s Map<String, Value>, name: &str) -> BTreeMap<&'s str, &'s str> {
    let lists = ["properties", "navigation"].into_iter().filter_map(|list| types.get(name)?[list].as_object());
    let member = |(name, of): (&'s String, &'s Value)| {
        let of = of["type"].as_str().unwrap();
        (name.as_str(), of.strip_prefix("Collection(").and_then(|of| of.strip_suffix(')')).unwrap_or(of))
    };
    lists.flatten().map(member).collect()
}

#[test]
fn the_table_of_names_is_the_schema() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/spec/graph-schema");
    let read = |name: &str| -> Option<Map<String, Value>> {
        let whole: Value = serde_json::from_slice(&std::fs::read(folder.join(name)).ok()?).unwrap();
        Some(whole["types"].as_object().unwrap().clone())
    };
    let (Some(v1), Some(beta)) = (read("v1.0-types.json"), read("beta-types.json")) else {
        println!("skipped: the schema is not at {}", folder.display());
        return;
    };
    let table = table(include_str!("../../../src/graph/names.txt"));
    let mut faults: Vec<String> = Vec::new();
    let entities = v1.iter().filter(|(_, kind)| kind["kind"] == "entity").map(|(name, _)| name.as_str());
    faults.extend(entities.filter(|name| !table.contains_key(name)).map(|name| format!("{name} is missing")));
    for (name, (base, row)) in &table {
        if OF_REFERENCE.contains(name) {
            continue;
        }
        let Some(known) = v1.get(*name).or_else(|| beta.get(*name)) else {
            faults.push(format!("{name} is no type"));
            continue;
        };
        if known["baseType"].as_str() != *base {
            faults.push(format!("{name} is derived from {}", known["baseType"]));
        }
        let (of_v1, of_beta) = (members(&v1, name), members(&beta, name));
        let mut expected: BTreeMap<String, Option<&str>> = BTreeMap::new();
        for (member, of) in of_beta.iter().chain(&of_v1) {
            let mark = if of_v1.contains_key(member) { "" } else { "+" };
            expected.insert(format!("{mark}{member}"), Some(*of).filter(|of| table.contains_key(of)));
        }
        let there: BTreeMap<String, Option<&str>> = row.iter().map(|(name, of)| ((*name).to_owned(), *of)).collect();
        let is_newer = |name: &str| name.strip_prefix('+').is_some_and(|name| NEWER.contains(&name)) || name == "id";
        let names: BTreeSet<&String> = expected.keys().chain(there.keys()).collect();
        let differs = |name: &&&String| expected.get(**name) != there.get(**name) && !is_newer(name);
        faults.extend(names.iter().filter(differs).map(|member| format!("{name}: {member}")));
    }
    assert!(faults.is_empty(), "{} are not as in the schema:\n{}", faults.len(), faults.join("\n"));
}
