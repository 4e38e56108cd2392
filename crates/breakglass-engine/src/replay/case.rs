//! A disagreement as a small case without names, to be kept as a test.
//!
//! The case is a snapshot with one policy, one person, and the locations and groups that the policy names, beside one
//! record. Whatever can be left out without losing the disagreement is, by trying: members of the record and of the
//! policy. Ids, sign-in names, addresses and device names are replaced by others, the same by the same; roles,
//! countries, the applications of the table of surfaces, and the text of a device filter stay as they are.
//!
//! **Invariant:** a case that says that it reproduces was read again, and the same disagreement was found.

use breakglass_model::policy::ConditionalAccessPolicy;
use breakglass_model::sign_in_record::{SignInRecord, Who};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Difference, Replay};
use crate::access::recorded::{Recorded, Recording};
use crate::access::{Access, AccessSettings};
use crate::anonymous::{About, Names, place_address, put, read, snapshot_of};

/// Tries of leaving something out; what is left then stays.
pub const TRY_COUNT_MAX: usize = 400;

/// A case.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// `breakglass-snapshot/1`.
    pub snapshot: Value,
    /// Graph's `signIn`.
    pub record: Value,
    /// Whether the same disagreement is found in it. If not, more of the tenant matters than a case holds.
    pub reproduces: bool,
}

impl Case {
    /// As it stands in a report.
    #[must_use]
    pub fn to_value(&self) -> Value {
        json!({ "record": self.record, "snapshot": self.snapshot, "reproduces": self.reproduces })
    }
}

/// Makes a case of a disagreement and the record that showed it; `None` when the record cannot be read again.
#[must_use]
pub fn case(replay: &Replay<'_>, difference: &Difference, record: &[u8]) -> Option<Case> {
    let record = SignInRecord::from_json(record).ok()?;
    let access = replay.access();
    let policy = access.policies().get(difference.policy())?;
    let mut recorded = Recorded::default();
    Recording::of(access).read(&record, &mut recorded).ok()?;
    let mut names = Names::default();
    let audiences = record.conditional_access_audiences.iter().flatten().map(AsRef::as_ref);
    let about = About {
        person: recorded.user,
        principal: match record.who() {
            Some(Who::ServicePrincipal(id)) => Some(id),
            _ => None,
        },
        applications: audiences.chain(record.app_id.as_deref()).chain(record.resource_id.as_deref()).collect(),
        at: record.created_date_time,
    };
    let snapshot = snapshot_of(access, policy, &about, &mut names);
    let mut written = record_of(&record, policy, &mut names);
    let mut case = Case { snapshot, record: Value::Null, reproduces: false };
    place_address(access, (record.ip_address.as_deref(), policy), (&mut case.snapshot, &mut written), &mut names);
    case.record = written;
    let wanted = difference.of_first();
    let settings = *access.settings();
    case.reproduces = is_found(&case.snapshot, &case.record, &wanted, &settings);
    if case.reproduces {
        shrink(&mut case, &wanted, &settings);
    }
    Some(case)
}

/// Whether a disagreement is found in a case.
#[must_use]
pub fn is_found(snapshot: &Value, record: &Value, wanted: &Difference, settings: &AccessSettings) -> bool {
    let Some(snapshot) = read(snapshot) else { return false };
    let Ok(access) = Access::compile(&snapshot, settings) else { return false };
    let text = record.to_string();
    let Ok(record) = SignInRecord::from_json(text.as_bytes()) else { return false };
    Replay::of(&access).compare_once(&record, wanted)
}

/// The record in Graph's form, with other names and the one policy.
fn record_of(record: &SignInRecord<'_>, policy: &ConditionalAccessPolicy, names: &mut Names) -> Value {
    let mut written = Map::new();
    let mut text = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            written.insert(name.to_owned(), json!(value));
        }
    };
    match record.who() {
        Some(Who::User(id)) if id.contains('@') => {
            text("userPrincipalName", Some(format!("{}@example.com", names.of("user", id))));
        }
        Some(Who::User(id)) => text("userId", Some(names.of("user", id))),
        Some(Who::ServicePrincipal(id)) => text("servicePrincipalId", Some(names.of("principal", id))),
        None => {}
    }
    let own = |value: &Option<std::borrow::Cow<'_, str>>| value.as_deref().map(str::to_owned);
    text("createdDateTime", record.created_date_time.map(|at: Timestamp| at.to_string()));
    text("appId", record.app_id.as_deref().map(|id| names.application(id)));
    text("resourceId", record.resource_id.as_deref().map(|id| names.application(id)));
    text("userType", own(&record.user_type));
    text("crossTenantAccessType", own(&record.cross_tenant_access_type));
    let resource_tenant = record.resource_tenant_id.as_deref();
    text("homeTenantId", record.home_tenant_id.as_deref().map(|id| names.tenant(id, resource_tenant)));
    text("clientAppUsed", own(&record.client_app_used));
    text("riskLevelDuringSignIn", own(&record.risk_level_during_sign_in));
    text("authenticationRequirement", own(&record.authentication_requirement));
    text("authenticationProtocol", own(&record.authentication_protocol));
    text("originalTransferMethod", own(&record.original_transfer_method));
    let mut written = Value::Object(written);
    if let Some(country) = &record.country {
        put(&mut written, "location", json!({ "countryOrRegion": country }));
    }
    if let Some(list) = &record.conditional_access_audiences {
        let list: Vec<String> = list.iter().map(|id| names.application(id)).collect();
        put(&mut written, "conditionalAccessAudiences", json!(list));
    }
    if let Some(list) = &record.authentication_contexts {
        let list: Vec<Value> = list.iter().map(|id| json!({ "id": id })).collect();
        put(&mut written, "authenticationContextClassReferences", json!(list));
    }
    put_device(record, names, &mut written);
    put_outcome(record, policy, &mut written);
    written
}

fn put_device(record: &SignInRecord<'_>, names: &mut Names, written: &mut Value) {
    let Some(device) = &record.device else { return };
    let mut one = json!({});
    if let Some(id) = device.device_id.as_deref() {
        put(&mut one, "deviceId", json!(if id.is_empty() { String::new() } else { names.of("device", id) }));
    }
    let texts = [("operatingSystem", &device.operating_system), ("trustType", &device.trust_type)];
    for (name, value) in texts.into_iter().filter_map(|(name, value)| value.as_ref().map(|value| (name, value))) {
        put(&mut one, name, json!(value));
    }
    if let Some(is_compliant) = device.is_compliant {
        put(&mut one, "isCompliant", json!(is_compliant));
    }
    put(written, "deviceDetail", one);
}

fn put_outcome(record: &SignInRecord<'_>, policy: &ConditionalAccessPolicy, written: &mut Value) {
    let mut status = json!({});
    if let Some(code) = record.error_code {
        put(&mut status, "errorCode", json!(code));
    }
    if let Some(details) = &record.additional_details {
        put(&mut status, "additionalDetails", json!(details));
    }
    put(written, "status", status);
    if let Some(steps) = &record.authentication_steps {
        let steps: Vec<Value> = steps
            .iter()
            .map(|step| {
                json!({ "authenticationMethod": step.method, "authenticationMethodDetail": step.method_detail,
                    "authenticationStepRequirement": step.requirement,
                    "authenticationStepResultDetail": step.result_detail, "succeeded": step.succeeded })
            })
            .collect();
        put(written, "authenticationDetails", json!(steps));
    }
    let is_policy = |id: &str| id.eq_ignore_ascii_case(policy.id.as_str());
    let entries = record.applied_policies.iter().flatten();
    let entries: Vec<Value> = entries
        .filter(|entry| entry.id.as_deref().is_some_and(is_policy))
        .map(|entry| {
            let mut one = json!({ "id": "policy-1", "result": entry.result });
            for (name, value) in [
                ("conditionsSatisfied", entry.conditions_satisfied),
                ("conditionsNotSatisfied", entry.conditions_not_satisfied),
            ] {
                if let Some(value) = value {
                    put(&mut one, name, json!(value.to_text()));
                }
            }
            one
        })
        .collect();
    put(written, "appliedConditionalAccessPolicies", json!(entries));
}

/// Leaves out whatever can be, first of the record and then of the snapshot, until nothing more can be.
fn shrink(case: &mut Case, wanted: &Difference, settings: &AccessSettings) {
    let mut tries = 0;
    loop {
        let mut is_smaller = false;
        for half in [Half::Record, Half::Snapshot] {
            let mut paths = Vec::new();
            list_paths(half.of(case), &mut String::new(), &mut paths);
            for path in paths.iter().filter(|path| !half.keeps(path)) {
                if tries == TRY_COUNT_MAX {
                    return;
                }
                let mut smaller = case.clone();
                if !remove(half.of_mut(&mut smaller), path) {
                    continue;
                }
                tries += 1;
                if is_found(&smaller.snapshot, &smaller.record, wanted, settings) {
                    *case = smaller;
                    is_smaller = true;
                }
            }
        }
        if !is_smaller {
            return;
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Half {
    Record,
    Snapshot,
}

impl Half {
    const fn of(self, case: &Case) -> &Value {
        match self {
            Self::Record => &case.record,
            Self::Snapshot => &case.snapshot,
        }
    }

    const fn of_mut(self, case: &mut Case) -> &mut Value {
        match self {
            Self::Record => &mut case.record,
            Self::Snapshot => &mut case.snapshot,
        }
    }

    /// What makes a case readable stays, and so do the lists of a snapshot: one that is missing is not empty.
    fn keeps(self, path: &str) -> bool {
        self == Self::Snapshot
            && (path.matches('/').count() == 1
                || path == "/conditionalAccessPolicies/0"
                || path.ends_with("/id")
                || path.ends_with("/displayName")
                || path.ends_with("/state"))
    }
}

/// Every member and element, by its path; what holds others stands before them.
fn list_paths(value: &Value, path: &mut String, paths: &mut Vec<String>) {
    let length = path.len();
    let mut below = |name: &str, value: &Value| {
        path.push('/');
        path.push_str(&name.replace('~', "~0").replace('/', "~1"));
        paths.push(path.clone());
        list_paths(value, path, paths);
        path.truncate(length);
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| below(name, value)),
        // From the end, so that a removal moves none of those before it.
        Value::Array(list) => {
            list.iter().enumerate().rev().for_each(|(at, value)| below(&at.to_string(), value));
        }
        _ => {}
    }
}

fn remove(value: &mut Value, path: &str) -> bool {
    let Some((parent, name)) = path.rsplit_once('/') else { return false };
    let name = name.replace("~1", "/").replace("~0", "~");
    match value.pointer_mut(parent) {
        Some(Value::Object(members)) => members.shift_remove(&name).is_some(),
        Some(Value::Array(list)) => match name.parse::<usize>() {
            Ok(at) if at < list.len() => {
                list.remove(at);
                true
            }
            _ => false,
        },
        _ => false,
    }
}
