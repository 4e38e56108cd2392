//! The tenant's own What If against ours: a tenant that thinks otherwise, one that stops, and one that refuses.

use std::sync::Mutex;

use async_trait::async_trait;
use breakglass_engine::access::{Access, AccessSettings, Trit};
use breakglass_engine::agreement::{Kind, Sample};
use breakglass_model::sign_in::WhatIfRequest;
use breakglass_model::snapshot::read::{Origin, read_document};
use breakglass_model::snapshot::{Snapshot, SnapshotBuilder};
use breakglass_ops::comparing::{CompareError, Comparing, Comparison, TARGET};
use breakglass_ops::ports::{
    Directory, DirectoryError, GraphAnswer, GraphRequest, InMemoryParts, Method, Parts, Refusal, Repeat, SignedIn,
};
use breakglass_ops::reading::{RESUME_MINUTES_MAX, Silent};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::readings::{Hand, ready};

const OFFICE: &str = "Only from the office";

fn tenant(excluded: &[&str]) -> Value {
    let user = |id: &str| json!({ "id": id, "userPrincipalName": format!("{id}@contoso.com"), "accountEnabled": true });
    json!({
        "format": "breakglass-snapshot/1", "tenantId": "t", "takenAt": "2026-11-26T08:00:00Z",
        "users": [user("ada"), user("ben"), user("eva")],
        "groups": [], "roleAssignments": [], "servicePrincipals": [],
        "namedLocations": [{ "@odata.type": "#microsoft.graph.ipNamedLocation", "id": "hq", "displayName": "HQ",
            "isTrusted": true,
            "ipRanges": [{ "@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "192.0.2.0/28" }] }],
        "conditionalAccessPolicies": [
            { "id": "office", "displayName": OFFICE, "state": "enabled",
              "conditions": { "users": { "includeUsers": ["All"], "excludeUsers": excluded }, "clientAppTypes": ["all"],
                "applications": { "includeApplications": ["All"] },
                "locations": { "includeLocations": ["All"], "excludeLocations": ["hq"] } },
              "grantControls": { "operator": "OR", "builtInControls": ["block"] } },
            { "id": "risk", "displayName": "Risk", "state": "enabledForReportingButNotEnforced",
              "conditions": { "users": { "includeUsers": ["ben"] }, "clientAppTypes": ["all"],
                "applications": { "includeApplications": ["All"] }, "signInRiskLevels": ["high"] },
              "grantControls": { "operator": "OR", "builtInControls": ["mfa"] } },
        ],
    })
}

fn snapshot(tenant: &Value) -> Snapshot {
    let mut builder = SnapshotBuilder::default();
    let text = tenant.to_string();
    read_document(&mut builder, text.as_bytes(), &Origin { file_name: "snapshot.json", folders: &[] }).unwrap();
    builder.finish()
}

fn compiled(snapshot: &Snapshot) -> Access<'_> {
    let at: Timestamp = "2026-11-26T08:00:00Z".parse().unwrap();
    Access::compile(snapshot, &AccessSettings::at(at)).unwrap()
}

/// A tenant with a mind of its own.
struct Mind {
    thinks: Snapshot,
    /// Requests that are answered before something else comes.
    left: Mutex<Option<(usize, DirectoryError)>>,
    asked: Mutex<Vec<Value>>,
}

impl Mind {
    fn new(tenant: &Value) -> Self {
        Self { thinks: snapshot(tenant), left: Mutex::new(None), asked: Mutex::default() }
    }

    fn stops(&self, after: usize, error: DirectoryError) {
        *self.left.lock().unwrap() = Some((after, error));
    }
}

#[async_trait]
impl Directory for Mind {
    async fn send(&self, request: &GraphRequest<'_>) -> Result<GraphAnswer, DirectoryError> {
        assert_eq!((request.method, &*request.target, request.repeat), (Method::Post, TARGET, Repeat::Safe));
        if let Some((left, error)) = self.left.lock().unwrap().as_mut() {
            *left = left.checked_sub(1).ok_or_else(|| error.clone())?;
        }
        let body = request.body.as_deref().unwrap();
        self.asked.lock().unwrap().push(body.clone());
        let text = body.to_string();
        let access = compiled(&self.thinks);
        let asked = WhatIfRequest::from_json(text.as_bytes()).unwrap();
        let Ok(situation) = access.situation(&asked) else {
            return Err(refused(400, "no such user"));
        };
        let value = access.analyse(&situation).into_iter().map(|one| {
            let policy = &access.policies()[one.policy];
            json!({ "id": policy.id.to_string(), "displayName": policy.display_name,
                "policyApplies": one.applies == Trit::Yes, "analysisReasons": one.reason.name() })
        });
        let body = json!({ "value": value.collect::<Vec<_>>() }).to_string().into_bytes();
        Ok(GraphAnswer { status: 200, body, date: None, request_id: None })
    }

    fn origin(&self) -> String {
        "https://graph.example".to_owned()
    }

    async fn signed_in(&self) -> Result<SignedIn, DirectoryError> {
        Err(DirectoryError::NotSignedIn { why: "nobody asks".to_owned() })
    }
}

fn refused(status: u16, message: &str) -> DirectoryError {
    DirectoryError::Refused(Refusal { status, code: String::new(), message: message.to_owned(), request_id: None })
}

/// Compares what was read of a tenant with what it thinks.
fn compare(
    read: &Value,
    mind: &Mind,
    (clock, parts): (&Hand, &dyn Parts),
    budget: usize,
) -> Result<Comparison, CompareError> {
    let snapshot = snapshot(read);
    let access = compiled(&snapshot);
    let questions: Vec<Value> = Sample::of(&access).questions.into_iter().map(|question| question.body).collect();
    let comparing = Comparing { directory: mind, clock, parts, progress: &Silent };
    ready(comparing.compare(&access, &questions, budget))
}

#[test]
fn a_tenant_that_thinks_the_same_agrees() {
    let read = tenant(&[]);
    let mind = Mind::new(&read);
    let compared = compare(&read, &mind, (&Hand::new(), &InMemoryParts::default()), 100).unwrap();
    assert_eq!((compared.left, compared.kept_count, compared.refused.len(), compared.found.len()), (0, 0, 0, 0));
    assert_eq!(compared.request_count, mind.asked.lock().unwrap().len());
    let agreed: usize = compared.answered.iter().map(|(_, one)| one.agreed).sum();
    assert_eq!(agreed, 2 * compared.answered.len());
}

#[test]
fn a_tenant_that_thinks_otherwise_is_found_and_the_case_is_small() {
    let read = tenant(&["eva"]);
    let mind = Mind::new(&tenant(&["eva", "ada"]));
    let compared = compare(&read, &mind, (&Hand::new(), &InMemoryParts::default()), 100).unwrap();
    // Where the application leaves it out as well, we name that first; that is a difference of reasons alone.
    let of_kind = |kind| compared.found.iter().filter(move |one| one.difference.kind == kind);
    assert!(compared.found.len() == of_kind(Kind::Applies).count() + of_kind(Kind::Reason).count());
    let found: Vec<_> = of_kind(Kind::Applies).collect();
    let [found] = found.as_slice() else { panic!("{:#?}", compared.found) };
    assert_eq!(
        (found.difference.kind, found.difference.applies, found.difference.ours),
        (Kind::Applies, false, Trit::Yes)
    );
    assert_eq!(found.difference.reasons, "users");
    let case = found.case.as_ref().unwrap();
    assert!(case.reproduces && found.is_small, "{:#}", case.to_value());
    // The address is left, since it makes us say that the policy applies; all else was left out.
    let conditions = case.request["signInConditions"].as_object().unwrap();
    assert!(conditions.len() <= 1, "{conditions:?}");
    let text = case.to_value().to_string();
    assert!(!["ada", "eva", "contoso", OFFICE, "HQ"].iter().any(|name| text.contains(name)), "{text}");
    assert_eq!(compared.request_count, mind.asked.lock().unwrap().len());
}

#[test]
fn a_comparison_that_is_stopped_after_any_request_says_the_same() {
    let read = tenant(&[]);
    let other = tenant(&["ada"]);
    let whole = compare(&read, &Mind::new(&other), (&Hand::new(), &InMemoryParts::default()), 100).unwrap();
    for step in 1..whole.answered.len() {
        let (mind, clock, parts) = (Mind::new(&other), Hand::new(), InMemoryParts::default());
        mind.stops(step, DirectoryError::Lost { why: "the cable".to_owned() });
        let error = compare(&read, &mind, (&clock, &parts), 100).unwrap_err();
        assert!(matches!(error, CompareError::Directory { answered, .. } if answered == step), "{error:?}");
        *mind.left.lock().unwrap() = None;
        let compared = compare(&read, &mind, (&clock, &parts), 100).unwrap();
        assert_eq!(compared.kept_count, step);
        assert_eq!((&compared.answered, &compared.found), (&whole.answered, &whole.found), "stopped after {step}");
        // Spent little by little it is the same, too.
        let parts = InMemoryParts::default();
        let mut left = usize::MAX;
        while left > 0 {
            let compared = compare(&read, &Mind::new(&other), (&clock, &parts), step).unwrap();
            assert!(compared.left < left && compared.request_count <= step, "it does not get on");
            left = compared.left;
        }
    }
}

#[test]
fn old_answers_and_those_about_others_do_not_count() {
    let read = tenant(&[]);
    let (mind, clock, parts) = (Mind::new(&read), Hand::new(), InMemoryParts::default());
    let count = |read: &Value| compare(read, &mind, (&clock, &parts), 100).unwrap().kept_count;
    assert_eq!(count(&read), 0);
    assert!(count(&read) > 0);
    clock.turn(RESUME_MINUTES_MAX * 60 + 1);
    assert_eq!(count(&read), 0, "they are old");
    assert_eq!(count(&tenant(&["eva"])), 0, "the policies are others");
}

#[test]
fn a_question_that_is_refused_is_told_and_no_right_to_ask_stops() {
    let read = tenant(&[]);
    let mut without = tenant(&[]);
    without["users"].as_array_mut().unwrap().pop();
    let mut extended = read.clone();
    extended["conditionalAccessPolicies"][0]["conditions"]["users"]["excludeUsers"] = json!(["eva"]);
    let compared = compare(&extended, &Mind::new(&without), (&Hand::new(), &InMemoryParts::default()), 100).unwrap();
    assert!(!compared.refused.is_empty() && compared.refused[0].1.contains("no such user"), "{compared:#?}");
    let mind = Mind::new(&read);
    mind.stops(0, refused(403, "no"));
    let error = compare(&read, &mind, (&Hand::new(), &InMemoryParts::default()), 100).unwrap_err();
    assert!(matches!(error, CompareError::Directory { answered: 0, source } if source.status() == Some(403)));
}
