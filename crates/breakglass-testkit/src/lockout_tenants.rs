//! Small tenants from a seed, made to be locked out: everything that a way in may depend on, in few objects.
//!
//! A tenant is of one of a few manners, so that resets, activation, shared custody and repair in stages each matter
//! often, and so that it takes none, one, two, three or four failures in about as many of them. What has more
//! components than can be gone through is made smaller, one object at a time, in an order that the seed gives.
//!
//! **Invariant:** the same seed gives the same bytes; whatever is written here the snapshot reader takes.

mod custody;
mod directory;
mod methods;
mod policies;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use breakglass_model::snapshot::Snapshot;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::lockout_referee::{COMPONENT_COUNT_MAX, Custody, LockoutReferee, LockoutSettings, Mode, Question, Stage};
use crate::referee::RefereeSurface;
use crate::tenants::random::Random;
use crate::tenants::{absent, object, snapshot_of};

/// A random tenant and what goes with it.
#[derive(Debug, Clone)]
pub struct LockoutTenant {
    /// The seed that gives it.
    pub seed: u64,
    /// `breakglass-snapshot/1`.
    pub json: String,
    /// The same, read.
    pub snapshot: Snapshot,
    /// How its secrets are kept.
    pub custody: Custody,
    /// What is known besides.
    pub settings: LockoutSettings,
}

/// What a tenant is mostly about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Manner {
    /// Several administrators, each a way in.
    #[default]
    Plenty,
    /// Eligible administrators.
    Activation,
    /// Administrators who need somebody's help.
    Resets,
    /// Secrets in shares.
    Custody,
    /// Policies that somebody could take away.
    Repair,
    /// Policies that look at more than the user.
    Conditions,
    /// A second factor for everybody.
    Factors,
}

const MANNERS: [Manner; 16] = [
    Manner::Conditions,
    Manner::Conditions,
    Manner::Conditions,
    Manner::Factors,
    Manner::Plenty,
    Manner::Plenty,
    Manner::Plenty,
    Manner::Repair,
    Manner::Repair,
    Manner::Activation,
    Manner::Activation,
    Manner::Resets,
    Manner::Resets,
    Manner::Custody,
    Manner::Custody,
    Manner::Repair,
];

/// Before any mandatory multifactor authentication, between its two phases, and after both.
const INSTANTS: [&str; 4] =
    ["2024-02-01T00:00:00Z", "2025-06-01T00:00:00Z", "2026-11-22T00:00:00Z", "2026-11-22T00:00:00Z"];

/// What the parts of one tenant name of each other.
#[derive(Debug, Default)]
struct Names {
    manner: Manner,
    people: Vec<String>,
    groups: Vec<String>,
    locations: Vec<String>,
    /// Roles that somebody holds or may activate.
    roles: Vec<&'static str>,
    has_devices: bool,
}

/// The tenant of a seed, small enough for the simulator.
///
/// # Panics
/// When the reader refuses what the generator wrote, which is a fault of either.
#[must_use]
pub fn lockout_tenant(seed: u64, surfaces: &[RefereeSurface]) -> LockoutTenant {
    let mut random = Random::new(seed);
    let (mut document, mut custody, settings) = draw(&mut random, surfaces);
    loop {
        let tenant = read(seed, &document, &custody, &settings);
        if is_small(&tenant) || !shrink(&mut random, &mut document, &mut custody) {
            return tenant;
        }
    }
}

/// The same tenant as an export has it that lacks some of its users, and perhaps who holds the roles, and devices.
///
/// # Panics
/// When the reader refuses what the generator wrote, which is a fault of either.
#[must_use]
pub fn with_users_not_exported(tenant: &LockoutTenant) -> LockoutTenant {
    let mut random = Random::new(tenant.seed ^ 0x0000_5eed_0074_0e85);
    let mut document: Map<String, Value> = serde_json::from_str(&tenant.json).unwrap_or_default();
    let mut missing: Vec<Value> = document.get("missing").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut forbid = |resource: &str| missing.push(json!({ "resource": resource, "why": "403 Forbidden" }));
    forbid("users");
    if random.chance(25) {
        forbid("roleAssignments");
        forbid("roleAssignmentScheduleInstances");
    }
    if random.chance(15) {
        forbid("groups");
    }
    let are_devices_missing = random.chance(30);
    if are_devices_missing {
        forbid("devices");
    }
    if let Some(users) = document.get_mut("users").and_then(Value::as_array_mut) {
        users.retain(|_| random.chance(60));
    }
    if are_devices_missing && random.chance(50) {
        document.insert("devices".to_owned(), json!([]));
    }
    document.insert("missing".to_owned(), missing.into());
    let mut tenant = read(tenant.seed, &Value::Object(document), &tenant.custody, &tenant.settings);
    name_users(&mut tenant);
    tenant
}

#[expect(clippy::panic, reason = "no small tenant has more objects than there are numbers")]
fn name_users(tenant: &mut LockoutTenant) {
    if let Err(error) = tenant.snapshot.add_named_users() {
        panic!("seed {}: {error}", tenant.seed);
    }
}

#[expect(clippy::panic, reason = "a generator whose output cannot be read has no answer to give")]
fn read(seed: u64, document: &Value, custody: &Custody, settings: &LockoutSettings) -> LockoutTenant {
    match snapshot_of(document) {
        Ok(snapshot) => LockoutTenant {
            seed,
            json: document.to_string(),
            snapshot,
            custody: custody.clone(),
            settings: settings.clone(),
        },
        Err(message) => panic!("seed {seed}: {message}"),
    }
}

fn is_small(tenant: &LockoutTenant) -> bool {
    let referee = LockoutReferee::new(&tenant.snapshot, &tenant.custody, &tenant.settings);
    Mode::ALL.iter().all(|mode| {
        [Stage::Direct, Stage::AfterRepair].iter().all(|stage| {
            let question = Question { stage: *stage, ..Question::headline(*mode) };
            referee.ask(question).components().len() <= COMPONENT_COUNT_MAX
        })
    })
}

/// Takes one object away; false when there is nothing left to take.
fn shrink(random: &mut Random, document: &mut Value, custody: &mut Custody) -> bool {
    for _ in 0..20 {
        let taken = match random.below(10) {
            0..=4 => {
                let users = document.get_mut("users").and_then(Value::as_array_mut);
                let mut with_methods: Vec<&mut Vec<Value>> = users
                    .into_iter()
                    .flatten()
                    .filter_map(|user| user.get_mut("authenticationMethods")?.as_array_mut())
                    .filter(|methods| !methods.is_empty())
                    .collect();
                let at = random.below(with_methods.len());
                with_methods.get_mut(at).is_some_and(|methods| methods.pop().is_some())
            }
            5 => take(random, document, "conditionalAccessPolicies"),
            6 => take(random, document, "perUserMfaStates"),
            7 => take(random, document, "devices"),
            8 => {
                let has_some = !custody.envelopes.is_empty();
                custody.envelopes.pop();
                has_some
            }
            _ => document["users"].as_array().is_some_and(|users| users.len() > 2) && take(random, document, "users"),
        };
        if taken {
            return true;
        }
    }
    take(random, document, "users")
}

fn take(random: &mut Random, document: &mut Value, name: &str) -> bool {
    let list = document.get_mut(name).and_then(Value::as_array_mut);
    let Some(list) = list.filter(|list| !list.is_empty()) else { return false };
    list.remove(random.below(list.len()));
    true
}

fn draw(random: &mut Random, surfaces: &[RefereeSurface]) -> (Value, Custody, LockoutSettings) {
    let manner = random.pick(&MANNERS);
    random.turn_wild(25);
    let mut names = Names {
        manner,
        people: (0..directory::how_many(random, manner)).map(|at| format!("u{at}")).collect(),
        groups: (0..random.between(1, 2)).map(|at| format!("g{at}")).collect(),
        locations: (0..random.pick(&[0, 1, 1, 2, 2, 3])).map(|at| format!("l{at}")).collect(),
        roles: Vec::new(),
        has_devices: random.chance(25),
    };
    let document = directory::tenant(random, &mut names);
    let custody = custody::custody(random, &names, &document);
    let mut countries = BTreeMap::new();
    for location in &names.locations {
        if random.chance(25) {
            countries.insert(location.clone(), random.pick(&["DE", "US", "de", "CH"]).to_owned());
        }
    }
    let settings = LockoutSettings {
        now: random.pick(&INSTANTS).parse().unwrap_or(Timestamp::UNIX_EPOCH),
        surfaces: surfaces.to_vec(),
        password_hash_sync: random.pick(&[None, Some(true), Some(false)]),
        countries,
        mandatory_mfa_postponed_until: random
            .chance(10)
            .then_some("2026-12-31T00:00:00Z")
            .and_then(|text| text.parse().ok()),
    };
    (document, custody, settings)
}

/// A list, unless the export lacks it.
fn kept(is_missing: bool, list: Value) -> Value {
    if is_missing { absent() } else { list }
}

/// A principal or its group, as Graph writes a member.
fn member(kind: &str, id: &str) -> Value {
    json!({ "@odata.type": format!("#microsoft.graph.{kind}"), "id": id })
}

fn document(members: Vec<(&'static str, Value)>) -> Value {
    let kept = members.into_iter().map(|(name, value)| object([(name, value)]));
    kept.fold(json!({}), |mut all, member| {
        if let (Value::Object(all), Value::Object(member)) = (&mut all, member) {
            all.extend(member);
        }
        all
    })
}
