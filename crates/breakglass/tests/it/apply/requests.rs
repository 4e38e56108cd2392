//! Every request of reading, plan, apply and the way back, held against Graph's own schema: there is such a path in that
//! version, with that method and those options, and what is sent are properties of its type.
//!
//! The schema is not ours to copy: it is read from `../shared/spec/graph-schema`, and where that is missing nothing is held
//! against it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use breakglass_ops::ports::{Directory as _, GraphRequest, InMemoryStore};
use breakglass_ops::reading::{RELATED, SOURCES};
use breakglass_ops::setup::{Applier, WRITING_PERMISSIONS, undo_of};
use breakglass_testkit::shared_data;
use serde_json::Value;

use super::script::Script;
use super::world::{ORIGIN, Scene, Template, run};

/// What the reduced schema leaves out, with the page of Microsoft's documentation that has it, below
/// `https://learn.microsoft.com/graph/`.
const LEFT_OUT: [(&str, &str); 5] = [
    ("GET /v1.0/devices/$count", "api/device-list"),
    ("GET /v1.0/identityGovernance/termsOfUse/agreements", "api/termsofusecontainer-list-agreements"),
    ("GET /v1.0/identityGovernance/accessReviews/definitions", "api/accessreviewset-list-definitions"),
    (
        "GET /v1.0/identityGovernance/lifecycleWorkflows/workflows",
        "api/identitygovernance-lifecycleworkflowscontainer-list-workflows",
    ),
    ("POST /{version}/$batch", "json-batching"),
];

/// The type of what is sent to a path.
const BODIES: [(&str, &str); 8] = [
    ("/groups", "group"),
    ("/users", "user"),
    ("/users/{user-id}", "user"),
    ("/roleManagement/directory/roleAssignments", "unifiedRoleAssignment"),
    ("/roleManagement/directory/roleAssignmentScheduleRequests", "unifiedRoleAssignmentScheduleRequest"),
    ("/directory/administrativeUnits", "administrativeUnit"),
    ("/identity/conditionalAccess/policies/{conditionalAccessPolicy-id}", "conditionalAccessPolicy"),
    ("/policies/authenticationMethodsPolicy", "authenticationMethodsPolicy"),
];

/// Types that the reduced schema names and does not describe, with what they are made of
/// (`resources/passkeyauthenticationmethodtarget`).
const BASES: [(&str, &str); 1] = [("passkeyAuthenticationMethodTarget", "authenticationMethodTarget")];

/// What stands in links to the next page, of every collection: whoever follows them reads nothing in it
/// (`https://learn.microsoft.com/graph/paging`).
const OF_NEXT_PAGES: &str = "$skiptoken";

struct Schema {
    paths: Value,
    types: BTreeMap<&'static str, Value>,
}

impl Schema {
    fn read() -> Option<Self> {
        let folder = shared_data()?.join("spec/graph-schema");
        let file = |name: &str| serde_json::from_slice::<Value>(&fs::read(folder.join(name)).ok()?).ok();
        let types = |version: &str| Some(file(&format!("{version}-types.json"))?["types"].take());
        Some(Self { paths: file("paths.json")?, types: [("v1.0", types("v1.0")?), ("beta", types("beta")?)].into() })
    }

    /// What is wrong with a request.
    fn fault(&self, (method, target, body): (&str, &str, &str)) -> Option<String> {
        let target = target.trim_start_matches(ORIGIN);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (version, path) = path.trim_start_matches('/').split_once('/').unwrap();
        let path = format!("/{path}");
        let is_left_out =
            |(known, _): &(&str, &str)| known.replace("{version}", version) == format!("{method} /{version}{path}");
        if LEFT_OUT.iter().any(is_left_out) {
            return None;
        }
        let paths = self.paths[version].as_object().unwrap();
        let found = paths.iter().filter(|(known, _)| is_of(known, &path));
        // A path without a variable is the nearer one.
        let Some((known, entry)) = found.min_by_key(|(known, _)| known.matches('{').count()) else {
            return Some(format!("{version} has no {path}"));
        };
        let has = |list: &str, one: &str| entry[list].as_array().unwrap().iter().any(|known| known == one);
        if !has("methods", method) {
            return Some(format!("{known} has no {method}"));
        }
        let options =
            query.split('&').filter_map(|option| option.split('=').next()).filter(|name| name.starts_with('$'));
        if let Some(option) = options.into_iter().find(|option| *option != OF_NEXT_PAGES && !has("query", option)) {
            return Some(format!("{known} has no {option}"));
        }
        if body.is_empty() || known.ends_with("/$ref") {
            return None;
        }
        let body: Value = serde_json::from_str(body).unwrap();
        let of_path = BODIES.iter().find(|(path, _)| path == known).map(|(_, name)| *name);
        let Some(name) = of_path.or_else(|| body["@odata.type"].as_str()) else {
            return Some(format!("nobody knows what is sent to {known}"));
        };
        self.of_type(version, name, &body)
    }

    fn of_type(&self, version: &str, name: &str, value: &Value) -> Option<String> {
        let Value::Object(object) = value else { return None };
        let named = object.get("@odata.type").and_then(Value::as_str).unwrap_or(name);
        let named = named.trim_start_matches('#').trim_start_matches("microsoft.graph.");
        object.iter().filter(|(member, _)| !member.contains('@')).find_map(|(member, value)| {
            let Some(declared) = self.member(version, named, member) else {
                return Some(format!("a {named} of {version} has no {member}"));
            };
            let inner = declared.trim_start_matches("Collection(").trim_end_matches(')').to_owned();
            if inner.starts_with("Edm.") {
                return None;
            }
            match value {
                Value::Array(list) => list.iter().find_map(|one| self.of_type(version, &inner, one)),
                one => self.of_type(version, &inner, one),
            }
        })
    }

    /// The type of a property, or of what a type is related to.
    fn member(&self, version: &str, name: &str, member: &str) -> Option<String> {
        let mut next = Some(name.trim_start_matches("microsoft.graph.").to_owned());
        while let Some(name) = next.take() {
            let of = &self.types[version][&name];
            let declared = &of["properties"][member]["type"];
            let related = &of["navigation"][member]["type"];
            if let Some(declared) = declared.as_str().or_else(|| related.as_str()) {
                return Some(declared.to_owned());
            }
            let left_out = BASES.iter().find(|(known, _)| *known == name).map(|(_, base)| *base);
            let base = of["baseType"].as_str().or(left_out);
            next = base.map(|base| base.trim_start_matches("microsoft.graph.").to_owned());
        }
        None
    }
}

/// Whether a path is one of those that a template stands for.
fn is_of(template: &str, path: &str) -> bool {
    // An application's service principal may be named by the application
    // (`https://learn.microsoft.com/graph/api/serviceprincipal-get`).
    let path =
        path.replace("microsoft.graph.", "graph.").replace("/servicePrincipals(appId=", "/servicePrincipals/(appId=");
    let (known, asked): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    // A member of a collection is named in the path that `$ref` of the collection stands for.
    let asked: Vec<&str> = match asked.as_slice() {
        [front @ .., _, "$ref"] if template.ends_with("members/$ref") && asked.len() == known.len() + 1 => {
            front.iter().copied().chain(["$ref"]).collect()
        }
        _ => asked,
    };
    let is_same = |(known, asked): (&&str, &&str)| match (known.split_once('('), asked.split_once('(')) {
        (Some((known, rest)), Some((asked, values))) => {
            known == asked && rest.split('=').next() == values.split('=').next()
        }
        _ => known == asked || (known.starts_with('{') && !asked.starts_with('$')),
    };
    known.len() == asked.len() && known.iter().zip(&asked).all(is_same)
}

/// Every request that there is of both scenes, those in batches one by one.
fn requests() -> BTreeSet<(String, String, String)> {
    let mut all = BTreeSet::new();
    for scene in Scene::ALL {
        let template = Template::new(scene, "requests");
        let world = template.world();
        let passwords = Script::new(&world, None, &[]);
        let store = InMemoryStore::default();
        let applier =
            Applier { directory: &world, clock: &*world.clock, store: &store, passwords: &passwords, tell: &|_, _| {} };
        drop(world.snapshot());
        run(applier.apply(&template.plan)).unwrap();
        drop(world.snapshot());
        run(applier.apply(&undo_of(&template.plan, &store, world.now()).unwrap())).unwrap();
        for (method, target, body) in world.asked.lock().unwrap().iter() {
            let version = if target.starts_with("/beta") { "/beta" } else { "/v1.0" };
            if target.ends_with("/$batch") {
                let body: Value = serde_json::from_str(body).unwrap();
                for one in body["requests"].as_array().unwrap() {
                    all.insert(("GET".to_owned(), format!("{version}{}", one["url"].as_str().unwrap()), String::new()));
                }
            }
            all.insert((
                (*method).to_owned(),
                target.clone(),
                if target.ends_with("/$batch") { String::new() } else { body.clone() },
            ));
        }
    }
    all
}

#[test]
fn every_request_is_one_that_graph_has() {
    let requests = requests();
    let is_asked = |target: &str| requests.iter().any(|(_, asked, _)| asked == target);
    for source in SOURCES {
        assert!(is_asked(source.target), "{}", source.target);
    }
    let Some(schema) = Schema::read() else {
        println!("skipped: the reference material beside the workspace is not there");
        return;
    };
    let faults: Vec<String> = requests
        .iter()
        .filter_map(|(method, target, body)| {
            let fault = schema.fault((method.as_str(), target.as_str(), body.as_str()))?;
            Some(format!("{method} {target}: {fault}"))
        })
        .collect();
    assert_eq!(faults, [""; 0]);
    println!("{} requests are ones that Graph has", requests.len());
    for (bad, body) in [
        ("POST /v1.0/groups", r#"{"displayName":"a","isAssignable":true}"#),
        ("PATCH /beta/identity/conditionalAccess/policies/1", r#"{"conditions":{"users":{"excludeGroup":[]}}}"#),
        ("PUT /v1.0/groups/1", ""),
        ("GET /v1.0/groups/1/friends", ""),
        ("GET /v1.0/groups/1?$skip=1", ""),
    ] {
        let (method, target) = bad.split_once(' ').unwrap();
        assert!(schema.fault((method, target, body)).is_some(), "{bad}");
    }
}

#[test]
fn every_permission_that_is_asked_for_is_one_that_can_be_consented_to() {
    let world = Template::new(Scene::Fresh, "permissions").world();
    let graph = GraphRequest::get("/v1.0/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')");
    let graph: Value = run(world.send(&graph)).unwrap().json().unwrap();
    let names = |list: &str| -> BTreeSet<&str> {
        graph[list].as_array().unwrap().iter().map(|one| one["value"].as_str().unwrap()).collect()
    };
    let (roles, scopes) = (names("appRoles"), names("oauth2PermissionScopes"));
    let reading = SOURCES.iter().flat_map(|source| source.permissions);
    let reading: BTreeSet<&str> =
        reading.chain(RELATED.iter().flat_map(|(_, _, permissions)| *permissions)).copied().collect();
    let writing = BTreeSet::from(WRITING_PERMISSIONS);
    assert_eq!(reading.difference(&roles).collect::<Vec<_>>(), [&""; 0]);
    assert_eq!(
        reading.union(&writing).copied().collect::<BTreeSet<_>>().difference(&scopes).collect::<Vec<_>>(),
        [&""; 0]
    );
}
