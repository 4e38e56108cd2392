//! What is sent to change an object, and what the object is after it: pure functions of what was read.

use serde_json::{Map, Value, json};

/// What stands in a plan where the password is.
const PASSWORD_MARK: &str = "{generated when it is applied}";

/// A request for another end of an assignment, or none; it begins when it began.
pub(super) fn reassigned(principal: &str, role_definition_id: &str, end: Option<&str>) -> Value {
    let (expiration, justification) = match end {
        None => (json!({ "type": "noExpiration" }), "Emergency access: Global Administrator without an end"),
        Some(end) => (
            json!({ "type": "afterDateTime", "endDateTime": end }),
            "Emergency access: Global Administrator ends as it did before",
        ),
    };
    json!({
        "action": "adminUpdate",
        "justification": justification,
        "principalId": principal,
        "roleDefinitionId": role_definition_id,
        "directoryScopeId": "/",
        "scheduleInfo": { "expiration": expiration },
    })
}

pub(super) fn group_body(display_name: &str, mail_nickname: &str, is_assignable_to_role: bool) -> Value {
    let mut body = json!({
        "displayName": display_name,
        "description": "Emergency access accounts; excluded from Conditional Access. Members are changed by plan and apply alone.",
        "mailEnabled": false,
        "mailNickname": mail_nickname,
        "securityEnabled": true,
    });
    if let Some(body) = body.as_object_mut().filter(|_| is_assignable_to_role) {
        body.insert("isAssignableToRole".to_owned(), json!(true));
        body.insert("visibility".to_owned(), json!("Private"));
    }
    body
}

pub(super) fn account_body(user_principal_name: &str, display_name: &str) -> Value {
    let nickname = user_principal_name.split('@').next().unwrap_or_default();
    json!({
        "accountEnabled": true,
        "displayName": display_name,
        "mailNickname": nickname,
        "userPrincipalName": user_principal_name,
        "passwordPolicies": "DisablePasswordExpiration",
        "passwordProfile": { "forceChangePasswordNextSignIn": false, "password": PASSWORD_MARK },
    })
}

/// A policy without what Graph changes by itself, and without what is null: Graph leaves that out in one answer and writes
/// it in another.
pub(super) fn lasting(policy: &Value) -> Value {
    match policy {
        Value::Object(object) => object
            .iter()
            .filter(|(name, value)| is_lasting(name) && !value.is_null())
            .map(|(name, value)| (name.clone(), lasting(value)))
            .collect(),
        Value::Array(list) => list.iter().map(lasting).collect(),
        other => other.clone(),
    }
}

fn is_lasting(name: &str) -> bool {
    let is_annotation = name.contains("@odata.") && name != "@odata.type";
    !is_annotation && name != "modifiedDateTime" && name != "createdDateTime"
}

pub(super) fn users_with(policy: &Value, group: &str) -> Value {
    users_of(&excluded(policy, group))
}

pub(super) fn users_without(policy: &Value, group: &str) -> Value {
    users_of(&included(policy, group))
}

/// What is sent: the whole of `conditions.users`, since Graph replaces it as a whole.
fn users_of(policy: &Value) -> Value {
    json!({ "conditions": { "users": policy.pointer("/conditions/users").cloned().unwrap_or_default() } })
}

/// A policy with the group excluded, and nothing else changed.
pub(super) fn excluded(policy: &Value, group: &str) -> Value {
    let mut policy = policy.clone();
    if let Some(groups) = excluded_groups(&mut policy)
        && !groups.iter().any(|one| one.as_str() == Some(group))
    {
        groups.push(json!(group));
    }
    policy
}

/// A policy without the exclusion of the group, and nothing else changed.
pub(super) fn included(policy: &Value, group: &str) -> Value {
    let mut policy = policy.clone();
    if let Some(groups) = excluded_groups(&mut policy) {
        groups.retain(|one| one.as_str() != Some(group));
    }
    policy
}

fn excluded_groups(policy: &mut Value) -> Option<&mut Vec<Value>> {
    let users = policy.pointer_mut("/conditions/users")?.as_object_mut()?;
    let groups = users.entry("excludeGroups").or_insert_with(|| json!([]));
    if groups.is_null() {
        *groups = json!([]);
    }
    groups.as_array_mut()
}

/// The registration campaign with the group left out.
pub(super) fn campaign_without(enforcement: &Value, group: &str) -> Value {
    let mut enforcement = enforcement.clone();
    let campaign = enforcement.pointer_mut("/authenticationMethodsRegistrationCampaign").and_then(Value::as_object_mut);
    if let Some(campaign) = campaign {
        add_target(campaign, "excludeTargets", json!({ "id": group, "targetType": "group" }));
    }
    enforcement
}

/// The configuration of passkeys with the group taken in.
pub(super) fn passkeys_allowed(configuration: &Value, group: &str) -> Value {
    let mut configuration = configuration.clone();
    if let Some(object) = configuration.as_object_mut() {
        object.insert("state".to_owned(), json!("enabled"));
        let is_all = |target: &Value| target.get("id").and_then(Value::as_str) == Some("all_users");
        let includes = object.get("includeTargets").and_then(Value::as_array);
        if !includes.is_some_and(|targets| targets.iter().any(is_all)) {
            let target = json!({ "id": group, "targetType": "group", "isRegistrationRequired": false });
            add_target(object, "includeTargets", target);
        }
    }
    configuration
}

pub(super) fn passkeys_with(configuration: &Value, group: &str) -> Value {
    targets_of(&passkeys_allowed(configuration, group))
}

/// What is sent of the configuration of passkeys.
pub(super) fn targets_of(configuration: &Value) -> Value {
    let member = |name: &str| configuration.get(name).cloned().unwrap_or_default();
    json!({
        "@odata.type": "#microsoft.graph.fido2AuthenticationMethodConfiguration",
        "state": member("state"),
        "includeTargets": member("includeTargets"),
    })
}

fn add_target(object: &mut Map<String, Value>, list: &str, target: Value) {
    let targets = object.entry(list).or_insert_with(|| json!([]));
    if targets.is_null() {
        *targets = json!([]);
    }
    if let Some(targets) = targets.as_array_mut()
        && !targets.iter().any(|known| known.get("id") == target.get("id"))
    {
        targets.push(target);
    }
}
