//! What a single object needs: an account that is there, a policy, a name.

use breakglass_model::policy::{ConditionalAccessPolicy, ConditionalAccessPolicyState};
use breakglass_model::property::Property;
use breakglass_model::user::User;
use serde_json::{Map, Value, json};

use super::wanted::Reach;

/// What has to be changed of an account that is there, what was there, and why.
pub(super) fn changes(user: &User) -> (Map<String, Value>, Map<String, Value>, String) {
    let (mut set, mut was, mut why) = (Map::new(), Map::new(), Vec::new());
    let mut change = |name: &str, to: Value, from: Value, because: &'static str| {
        set.insert(name.to_owned(), to);
        was.insert(name.to_owned(), from);
        why.push(because);
    };
    let detail = user.detail();
    if user.account_enabled == Property::Value(false) {
        change("accountEnabled", json!(true), json!(false), "it is disabled");
    }
    let policies = detail.password_policies.value().map(String::as_str).unwrap_or_default();
    let has_policy = policies.split(',').any(|policy| policy.trim() == "DisablePasswordExpiration");
    if !has_policy && !detail.password_policies.is_absent() {
        let to = if policies.is_empty() || policies == "None" {
            "DisablePasswordExpiration".to_owned()
        } else {
            format!("{policies}, DisablePasswordExpiration")
        };
        let from = json!(detail.password_policies.value());
        change("passwordPolicies", json!(to), from, "its password may expire");
    }
    if let Some(phone) = detail.mobile_phone.value() {
        change("mobilePhone", Value::Null, json!(phone), "it has the phone of a person");
    }
    if let Some(phones) = detail.business_phones.value().filter(|phones| !phones.is_empty()) {
        change("businessPhones", json!([]), json!(phones), "it has the phone of a person");
    }
    if let Some(mails) = detail.other_mails.value().filter(|mails| !mails.is_empty()) {
        change("otherMails", json!([]), json!(mails), "it has the mail address of a person");
    }
    why.dedup();
    (set, was, why.join(", and "))
}

/// Why a policy has to exclude the group; `None` if it has not.
pub(super) fn needs_exclusion(policy: &ConditionalAccessPolicy, reach: Reach) -> Option<&'static str> {
    let users = policy.conditions.users.as_ref();
    let includes_nobody = users.is_some_and(|users| {
        users.not_exported.is_none()
            && users.include_users.iter().all(|user| user == "None")
            && users.include_groups.is_empty()
            && users.include_roles.is_empty()
            && users.include_guests_or_external_users.is_none()
    });
    // A policy about applications as themselves is about no user.
    if users.is_none() || includes_nobody {
        return None;
    }
    if reach == Reach::EveryPolicy {
        return Some("every policy excludes the accounts");
    }
    let is_about_guests = users.is_some_and(|users| {
        users.not_exported.is_none()
            && users.include_users.iter().all(|user| user == "GuestsOrExternalUsers")
            && users.include_groups.is_empty()
            && users.include_roles.is_empty()
    });
    if is_about_guests || (policy.grant_controls.is_none() && policy.source.get("grantControls").is_some()) {
        return None;
    }
    match policy.state {
        ConditionalAccessPolicyState::Disabled => None,
        ConditionalAccessPolicyState::EnabledForReportingButNotEnforced => {
            Some("it would refuse the accounts once it is switched on")
        }
        _ => Some("it may refuse the accounts"),
    }
}

/// A sign-in name as a name: `emergency-access-1` as `Emergency access 1`.
pub(super) fn spoken(local: &str) -> String {
    let text = local.replace(['-', '_', '.'], " ");
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A mail nickname of a group that follows from its name, so that the same plan finds the same group.
pub(super) fn nickname(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' })
        .take(NICKNAME_CHARS_MAX)
        .collect();
    format!("bg-{}", plain.trim_matches('-'))
}

/// Characters of a nickname, of 64 that Graph takes.
const NICKNAME_CHARS_MAX: usize = 48;
