//! The sign-ins on which ways in rest, as questions to the tenant's What If.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::facts::{Dimension, Facts, application, user_named};
use crate::access::Access;
use crate::lockout::goal::Tool;
use crate::lockout::report::{Way, WaySession};

/// A sign-in of a way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayQuestion {
    /// Who signs in, by name.
    pub name: String,
    /// What with, by the id of the tool.
    pub tool: String,
    /// From where, as in [`WaySession`].
    pub location: String,
    /// On what, as in [`WaySession`].
    pub device: String,
    /// How many ways begin with it or pass through it.
    pub way_count: usize,
    /// The body of the request; `None` where the tenant cannot be asked, as about a device that was not exported.
    pub body: Option<Value>,
}

/// Every sign-in of these ways, once.
#[must_use]
pub fn of_ways(access: &Access<'_>, ways: &[&Way]) -> Vec<WayQuestion> {
    let facts = Facts::of(access);
    let mut found: BTreeMap<(&str, &str, &str, &str), WayQuestion> = BTreeMap::new();
    for session in ways.iter().flat_map(|way| &way.sessions) {
        let key = (session.user.as_str(), session.tool.as_str(), session.location.as_str(), session.device.as_str());
        let question = found.entry(key).or_insert_with(|| WayQuestion {
            name: session.name.clone(),
            tool: session.tool.clone(),
            location: session.location.clone(),
            device: session.device.clone(),
            way_count: 0,
            body: body(&facts, session),
        });
        question.way_count += 1;
    }
    found.into_values().collect()
}

/// The question about a session, at quiet risks as the proof has it.
fn body(facts: &Facts, session: &WaySession) -> Option<Value> {
    let tool = Tool::ALL.into_iter().find(|tool| tool.name() == session.tool)?;
    let mut conditions = json!({ "clientAppType": tool.client_app(), "signInRiskLevel": "none",
        "userRiskLevel": "none" });
    let members = conditions.as_object_mut()?;
    members.extend(facts.members(Dimension::Place, &session.location)?.clone());
    match session.device.strip_prefix("unmanaged") {
        Some(platform) => {
            members.insert("devicePlatform".to_owned(), json!(platform_of(platform.trim_start_matches(" on "))?));
        }
        None => {
            members.extend(facts.members(Dimension::Device, &session.device)?.clone());
            let system = members.get("deviceInfo")?.get("operatingSystem").and_then(Value::as_str)?;
            members.insert("devicePlatform".to_owned(), json!(platform_of(system)?));
        }
    }
    let (_, identity) = user_named(&session.user);
    let (_, context) = application(tool.app_id());
    Some(json!({ "signInIdentity": identity, "signInContext": context, "signInConditions": conditions,
        "appliedPoliciesOnly": false }))
}

/// A platform as requests spell it; any is as good where none is named.
fn platform_of(words: &str) -> Option<&'static str> {
    let words = words.to_ascii_lowercase();
    let known = [("windows", "windows"), ("mac", "macOS"), ("linux", "linux"), ("android", "android"), ("i", "iOS")];
    if words.is_empty() {
        return Some("windows");
    }
    known.into_iter().find(|(beginning, _)| words.starts_with(beginning)).map(|(_, platform)| platform)
}
