//! What the lockout analysis is measured on: a benchmark tenant whose first users are administrators (with roles,
//! active and eligible, methods, rules for the activation of roles, and a methods policy), and families of ways.

#![expect(clippy::indexing_slicing, reason = "the documents are made here, and their members are there")]

use std::path::Path;

use breakglass_model::snapshot::{Resource, Snapshot, SnapshotBuilder};
use serde_json::{Value, json};

use crate::bench_input::{collection, text};
use crate::tenants::random::Random;

/// Roles that administrators hold: template id, how many of a hundred.
const ROLES: [(&str, usize); 8] = [
    ("62e90394-69f5-4237-9190-012177145e10", 20),
    ("e8611ab8-c189-46e8-94e1-60213ab1f814", 10),
    ("7be44c8a-adaf-4e2a-84d6-ab2649e08a13", 10),
    ("b1be1c3e-b65d-4f19-8427-f6fa0d97feb9", 10),
    ("194ae4cb-b126-40b2-bd5b-6091b380977d", 10),
    ("fe930be7-5e62-47db-91af-98c3a49a38b1", 15),
    ("729827e3-9c14-49f7-bb1b-9608f156bbb8", 15),
    ("c4e39bd9-1100-46d3-8c65-fb160da0071f", 10),
];
/// Of a hundred administrators, how many are eligible only.
const ELIGIBLE_PERCENT: usize = 40;
/// Kinds of methods, with what Graph calls them.
const METHODS: [&str; 5] = ["microsoftAuthenticator", "phone", "fido2", "softwareOath", "hardwareOath"];

/// A tenant, resource by resource, as lines of JSON.
type Documents = Vec<(Resource, Vec<String>)>;

/// The tenant of a folder of the benchmark generator, with so many administrators.
///
/// # Errors
/// Which file cannot be read.
pub fn with_administrators(folder: &Path, administrators: usize, seed: u64) -> Result<Snapshot, String> {
    let mut builder = SnapshotBuilder::default();
    for (resource, lines) in documents(folder, administrators, seed)? {
        builder.begin(resource);
        for line in lines {
            let added = builder.add(resource, line.as_bytes(), resource.name());
            added.map_err(|error| format!("{}: {error}", resource.name()))?;
        }
    }
    Ok(builder.finish())
}

/// Writes the same tenant as a folder that a command can read.
///
/// # Errors
/// Which file cannot be read or written.
pub fn write_with_administrators(folder: &Path, out: &Path, administrators: usize, seed: u64) -> Result<(), String> {
    std::fs::create_dir_all(out).map_err(|error| format!("`{}`: {error}", out.display()))?;
    for (resource, lines) in documents(folder, administrators, seed)? {
        let is_bulk = matches!(resource, Resource::Users | Resource::Groups);
        let is_single = matches!(
            resource,
            Resource::AuthenticationMethodsPolicy | Resource::IdentitySecurityDefaultsEnforcementPolicy
        );
        let (ending, text) = match lines.as_slice() {
            _ if is_bulk => ("ndjson", lines.join("\n")),
            [only] if is_single => ("json", only.clone()),
            all => ("json", format!("{{\"value\":[{}]}}", all.join(","))),
        };
        let path = out.join(format!("{}.{ending}", resource.name()));
        std::fs::write(&path, text).map_err(|error| format!("`{}`: {error}", path.display()))?;
    }
    Ok(())
}

fn documents(folder: &Path, administrators: usize, seed: u64) -> Result<Documents, String> {
    let mut random = Random::new(seed);
    let (mut users, mut active, mut eligible) = (Vec::new(), Vec::new(), Vec::new());
    for (number, line) in text(folder, "users.ndjson")?.lines().enumerate() {
        if number >= administrators {
            users.push(line.to_owned());
            continue;
        }
        let mut user: Value = serde_json::from_str(line).map_err(|error| format!("users: {error}"))?;
        let assignment = json!({ "principalId": user["id"], "roleDefinitionId": role(&mut random),
            "directoryScopeId": "/", "startDateTime": "2020-01-01T00:00:00Z", "endDateTime": null });
        if random.chance(ELIGIBLE_PERCENT) {
            eligible.push(assignment.to_string())
        } else {
            active.push(assignment.to_string())
        }
        user["authenticationMethods"] = methods(&mut random);
        user["isManagementRestricted"] = json!(false);
        users.push(user.to_string());
    }
    let groups = text(folder, "groups.ndjson")?.lines().map(str::to_owned).collect();
    let listed =
        |name: &str| collection(folder, name).map(|all| all.iter().map(ToString::to_string).collect::<Vec<String>>());
    let rules = ROLES.iter().map(|(role, _)| rules(role).to_string()).collect();
    let domain = json!({ "id": "contoso.com", "authenticationType": "Managed" }).to_string();
    let configurations: Vec<Value> =
        ["Fido2", "MicrosoftAuthenticator", "Sms", "Voice", "SoftwareOath", "HardwareOath", "TemporaryAccessPass"]
            .map(configuration)
            .to_vec();
    let methods = json!({ "authenticationMethodConfigurations": configurations }).to_string();
    Ok(vec![
        (Resource::Users, users),
        (Resource::Groups, groups),
        (Resource::ConditionalAccessPolicies, listed("conditionalAccessPolicies")?),
        (Resource::NamedLocations, listed("namedLocations")?),
        (Resource::RoleAssignments, active),
        (Resource::RoleAssignmentScheduleInstances, Vec::new()),
        (Resource::RoleEligibilityScheduleInstances, eligible),
        (Resource::RoleManagementPolicies, rules),
        (Resource::AdministrativeUnits, Vec::new()),
        (Resource::Devices, Vec::new()),
        (Resource::Domains, vec![domain]),
        (Resource::AuthenticationMethodsPolicy, vec![methods]),
        (Resource::IdentitySecurityDefaultsEnforcementPolicy, vec![json!({ "isEnabled": false }).to_string()]),
    ])
}

fn role(random: &mut Random) -> &'static str {
    let mut place = random.below(100);
    for (role, percent) in ROLES {
        if place < percent {
            return role;
        }
        place -= percent;
    }
    ROLES[0].0
}

fn methods(random: &mut Random) -> Value {
    let count = random.between(1, 3);
    let one = |number: usize, random: &mut Random| {
        let kind = random.pick(&METHODS);
        json!({ "@odata.type": format!("#microsoft.graph.{kind}AuthenticationMethod"), "id": format!("m{number}"),
            "phoneType": "mobile", "aaGuid": "2fc0579f-8113-47ea-b116-bb5a8db9202a" })
    };
    Value::Array((0..count).map(|number| one(number, random)).collect())
}

fn rules(role: &str) -> Value {
    json!({ "id": format!("rules-{role}"), "roleDefinitionId": role, "rules": [
        { "id": "Enablement_EndUser_Assignment", "enabledRules": ["MultiFactorAuthentication", "Justification"] },
        { "id": "AuthenticationContext_EndUser_Assignment", "isEnabled": false, "claimValue": "" },
        { "id": "Approval_EndUser_Assignment", "setting": { "isApprovalRequired": false, "approvalStages": [] } },
    ] })
}

fn configuration(id: &str) -> Value {
    json!({ "id": id, "state": "enabled", "includeTargets": [{ "targetType": "group", "id": "all_users" }],
        "excludeTargets": [], "keyRestrictions": { "isEnforced": false } })
}

/// A family of ways over so many components, so many of them services, as tenants have them: an account, what it signs
/// in with, a service that
/// many share, a network. No way is within another.
#[must_use]
pub fn family(seed: u64, (components, services): (usize, usize), ways: usize) -> Vec<Vec<u32>> {
    let mut random = Random::new(seed);
    let networks = components / 5;
    let own = components - services - networks;
    // The smaller of two is small more often: some services and networks carry most of the ways.
    let skewed = |random: &mut Random, count: usize| random.below(count).min(random.below(count));
    let mut found = std::collections::BTreeSet::new();
    while found.len() < ways {
        let mut way: Vec<usize> = (0..2).map(|_| services + networks + random.below(own)).collect();
        way.push(skewed(&mut random, services));
        way.push(services + skewed(&mut random, networks));
        if random.chance(50) {
            way.push(services + skewed(&mut random, networks));
        }
        if random.chance(30) {
            way.push(services + networks + random.below(own));
        }
        way.sort_unstable();
        way.dedup();
        found.insert(way.into_iter().filter_map(|one| u32::try_from(one).ok()).collect::<Vec<u32>>());
    }
    let all: Vec<Vec<u32>> = found.into_iter().collect();
    let is_within = |one: &Vec<u32>, other: &Vec<u32>| one.len() < other.len() && one.iter().all(|x| other.contains(x));
    let is_minimal = |way: &&Vec<u32>| !all.iter().any(|other| is_within(other, way));
    all.iter().filter(is_minimal).cloned().collect()
}
