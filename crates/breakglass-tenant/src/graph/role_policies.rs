//! `/policies/roleManagementPolicies` and `/policies/roleManagementPolicyAssignments`: what Privileged Identity Management
//! asks of whoever activates a role, and of whoever assigns it.
//!
//! Each role has one policy with the seventeen rules that Graph documents. Those of the tenant that say less, and roles
//! without one, have Entra's usual rules for the rest.
//!
//! **Source:** "List rules (for a role management policy)" (the rules and their usual values), "Update
//! unifiedRoleManagementPolicyRule", "List roleManagementPolicies" (the filter that is required). That multifactor
//! authentication is not switched on beside an authentication context is what its users report.

use breakglass_model::snapshot::Resource;
use breakglass_model::well_known::PRIVILEGED_ROLE_ADMINISTRATOR;
use jiff::Span;
use serde_json::{Value, json};

use super::Request;
use super::error::GraphError;
use super::list::{expanded, related_of};
use super::modified::{gained_or_lost, modified};
use super::schedules::object;
use crate::call::Reply;
use crate::clock::written;
use crate::ids::is_authentication_context;
use crate::odata::QueryOptions;
use crate::state::{Change, Directory, Object, text};

const READ: &[&str] = &[
    "RoleManagementPolicy.Read.Directory",
    "RoleManagementPolicy.ReadWrite.Directory",
    "RoleManagement.Read.Directory",
    "RoleManagement.Read.All",
    "RoleManagement.ReadWrite.Directory",
];
const WRITE: &[&str] = &["RoleManagementPolicy.ReadWrite.Directory", "RoleManagement.ReadWrite.Directory"];
const POLICIES: &str = "policies/roleManagementPolicies";
const ASSIGNMENTS: &str = "policies/roleManagementPolicyAssignments";
const RELATIONS: &[&str] = &["rules", "effectiveRules"];
/// Approvers that one stage names.
const APPROVER_COUNT_MAX: usize = 50;
/// Characters of the longest text in a rule.
const TEXT_CHARS_MAX: usize = 500;

/// A policy of a role.
struct Policy {
    id: String,
    role: String,
    /// As it is kept, if the tenant has one of its own.
    kept: Option<Object>,
}

/// Answers a request below `/policies/roleManagementPolicies`.
pub(super) fn policies(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    crate::faults::is_pim_answering(&request.tenant.state.read())?;
    if request.call.method == "PATCH" {
        return match rest {
            [id, "rules", rule] => update(request, (id, rule)),
            [_] | [_, "rules"] => Err(GraphError::method()),
            other => Err(GraphError::no_segment(other.last().unwrap_or(&""))),
        };
    }
    if request.call.method != "GET" {
        return Err(GraphError::method());
    }
    request.caller.needs(READ, &[])?;
    let directory = request.tenant.state.read();
    let find = |id: &str| all(request, &directory).into_iter().find(|policy| policy.id.eq_ignore_ascii_case(id));
    let find = |id: &str| find(id).ok_or_else(|| GraphError::not_found(id));
    match rest {
        [] => {
            of_directory_roles(request)?;
            let shown = all(request, &directory).iter().map(|policy| whole(request, &directory, policy)).collect();
            drop(directory);
            related_of(request, (POLICIES, 100, RELATIONS), shown)
        }
        [id] => {
            let policy = whole(request, &directory, &find(id)?);
            drop(directory);
            Ok(request.entity(200, (POLICIES, expanded(request, (POLICIES, RELATIONS), &policy)?)))
        }
        [id, "rules" | "effectiveRules"] => {
            let policy = find(id)?;
            let rules = shown_rules(request, &directory, &policy.role);
            drop(directory);
            let context = format!("{POLICIES}('{}')/rules", policy.id);
            related_of(request, (&context, 100, &[]), rules)
        }
        [id, "rules" | "effectiveRules", rule] => {
            let policy = find(id)?;
            let mut rules = shown_rules(request, &directory, &policy.role).into_iter();
            let found = rules.find(|known| text(known, "id").is_some_and(|known| known.eq_ignore_ascii_case(rule)));
            let context = format!("{POLICIES}('{}')/rules", policy.id);
            Ok(request.entity(200, (&context, found.ok_or_else(|| GraphError::not_found(rule))?)))
        }
        [.., segment] => Err(GraphError::no_segment(segment)),
    }
}

/// Answers a request below `/policies/roleManagementPolicyAssignments`.
pub(super) fn assignments(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    crate::faults::is_pim_answering(&request.tenant.state.read())?;
    if request.call.method != "GET" {
        return Err(GraphError::method());
    }
    request.caller.needs(READ, &[])?;
    let options = QueryOptions::parse(&request.call.query)?;
    let nested = options.expand().iter().filter(|expand| expand.relation().eq_ignore_ascii_case("policy"));
    let nested: Vec<String> = nested.flat_map(|expand| expand.nested()).map(|name| name.to_lowercase()).collect();
    let directory = request.tenant.state.read();
    let shown = |policy: &Policy| {
        let mut inner = whole(request, &directory, policy);
        inner.retain(|name, _| !RELATIONS.contains(&name.as_str()) || nested.contains(&name.to_lowercase()));
        object(json!({
            "id": format!("{}_{}", policy.id, policy.role), "policyId": policy.id, "scopeId": "/",
            "scopeType": "DirectoryRole", "roleDefinitionId": policy.role, "policy": inner,
        }))
    };
    let found: Vec<Object> = all(request, &directory).iter().map(shown).collect();
    drop(directory);
    match rest {
        [] => {
            of_directory_roles(request)?;
            related_of(request, (ASSIGNMENTS, 100, &["policy"]), found)
        }
        [id] => {
            let mut found = found.into_iter();
            let found = found.find(|one| text(one, "id").is_some_and(|known| known.eq_ignore_ascii_case(id)));
            let found = found.ok_or_else(|| GraphError::not_found(id))?;
            Ok(request.entity(200, (ASSIGNMENTS, expanded(request, (ASSIGNMENTS, &["policy"]), &found)?)))
        }
        [.., segment] => Err(GraphError::no_segment(segment)),
    }
}

/// Graph lists the policies of a kind of scope; which, it has to be told.
fn of_directory_roles(request: &Request<'_>) -> Result<(), GraphError> {
    let options = QueryOptions::parse(&request.call.query)?;
    let filter = options.filter().map(|_| request.call.query.to_lowercase()).unwrap_or_default();
    if filter.contains("scopeid") && filter.contains("scopetype") {
        return Ok(());
    }
    let message =
        "The policies of a scope are listed with a filter, as \"scopeId eq '/' and scopeType eq 'DirectoryRole'\".";
    Err(GraphError::new(400, "InvalidFilter", message))
}

/// The policy of each role.
fn all(request: &Request<'_>, directory: &Directory) -> Vec<Policy> {
    let roles = directory.all(Resource::RoleDefinitions).filter_map(|role| text(role, "id"));
    roles.map(|role| of_role(&request.tenant.id, directory, role)).collect()
}

fn of_role(tenant: &str, directory: &Directory, role: &str) -> Policy {
    let kept = kept_of(directory, role);
    let id = kept.and_then(|kept| text(kept, "policyId").or_else(|| text(kept, "id"))).map(str::to_owned);
    let id = id.unwrap_or_else(|| format!("DirectoryRole_{tenant}_{role}"));
    Policy { id, role: role.to_owned(), kept: kept.cloned() }
}

fn kept_of<'d>(directory: &'d Directory, role: &str) -> Option<&'d Object> {
    let is_it = |policy: &&Object| text(policy, "roleDefinitionId").is_some_and(|id| id.eq_ignore_ascii_case(role));
    directory.all(Resource::RoleManagementPolicies).find(is_it)
}

/// A policy with everything that can be expanded.
fn whole(request: &Request<'_>, directory: &Directory, policy: &Policy) -> Object {
    let rules = shown_rules(request, directory, &policy.role);
    let kept = |name: &str| policy.kept.as_ref().and_then(|kept| kept.get(name)).cloned().unwrap_or(Value::Null);
    object(json!({
        "id": policy.id, "displayName": "DirectoryRole", "description": "DirectoryRole", "isOrganizationDefault": false,
        "scopeId": "/", "scopeType": "DirectoryRole", "lastModifiedDateTime": kept("lastModifiedDateTime"),
        "lastModifiedBy": kept("lastModifiedBy"), "rules": rules, "effectiveRules": rules,
    }))
}

/// The rules of a role: its own, and the usual ones where it has none.
pub(super) fn rules_of(directory: &Directory, role: &str) -> Vec<Object> {
    let kept = kept_of(directory, role);
    let inner = kept.and_then(|kept| kept.get("policy")).and_then(Value::as_object);
    let places = [kept, inner].into_iter().flatten();
    let lists = places.flat_map(|of| RELATIONS.iter().map(|name| of.get(*name)));
    let own: Option<&Vec<Value>> = lists.flatten().find_map(Value::as_array);
    let own = |id: &str| {
        let rules = own.into_iter().flatten().filter_map(Value::as_object);
        rules.into_iter().find(|rule| text(rule, "id") == Some(id))
    };
    usual_rules()
        .into_iter()
        .map(|mut rule| {
            let id = text(&rule, "id").unwrap_or_default().to_owned();
            // A property that an export leaves out or empties is one that it does not tell.
            let said =
                own(&id).into_iter().flatten().filter(|(name, value)| !value.is_null() && !name.starts_with('@'));
            rule.extend(said.map(|(name, value)| (name.clone(), value.clone())));
            rule
        })
        .collect()
}

/// The same as a version of Graph shows them.
fn shown_rules(request: &Request<'_>, directory: &Directory, role: &str) -> Vec<Object> {
    let mut rules = rules_of(directory, role);
    let (from, to) = if request.version == "beta" { (["userId", "groupId"], "id") } else { (["id", "id"], "") };
    for rule in &mut rules {
        let Some(setting) = rule.get_mut("setting").and_then(Value::as_object_mut) else { continue };
        let usual = json!({ "isApprovalRequired": false, "isApprovalRequiredForExtension": false,
            "isRequestorJustificationRequired": true, "approvalMode": "SingleStage", "approvalStages": [] });
        for (name, value) in usual.as_object().into_iter().flatten() {
            setting.entry(name.clone()).or_insert_with(|| value.clone());
        }
        let stages = setting.get_mut("approvalStages").and_then(Value::as_array_mut).into_iter().flatten();
        let lists = stages.filter_map(Value::as_object_mut).flat_map(|stage| stage.iter_mut());
        let approvers = lists.filter(|(name, _)| name.ends_with("Approvers")).filter_map(|(_, all)| all.as_array_mut());
        for approver in approvers.flatten().filter_map(Value::as_object_mut) {
            let is_group = text(approver, "@odata.type").is_some_and(|kind| kind.ends_with("groupMembers"));
            let of_v1 = if is_group { "groupId" } else { "userId" };
            let to = if to.is_empty() { of_v1 } else { to };
            if let Some(id) = from.iter().find_map(|name| approver.remove(*name)) {
                approver.insert(to.to_owned(), id);
            }
        }
    }
    rules
}

/// The rules of a role that nobody has changed.
fn usual_rules() -> Vec<Object> {
    let mut rules = Vec::new();
    for (caller, level, enabled, (is_required, longest)) in [
        ("Admin", "Eligibility", &[][..], (false, "P365D")),
        ("Admin", "Assignment", &["Justification"], (false, "P180D")),
        ("EndUser", "Assignment", &["MultiFactorAuthentication", "Justification"], (true, "PT8H")),
    ] {
        let mut add = |kind: &str, id: &str, more: Value| {
            let mut rule = object(json!({
                "@odata.type": format!("#microsoft.graph.unifiedRoleManagementPolicy{kind}Rule"),
                "id": format!("{id}_{caller}_{level}"),
                "target": { "caller": caller, "operations": ["all"], "level": level, "inheritableSettings": [],
                    "enforcedSettings": [] },
            }));
            rule.extend(object(more));
            rules.push(rule);
        };
        add("Expiration", "Expiration", json!({ "isExpirationRequired": is_required, "maximumDuration": longest }));
        add("Enablement", "Enablement", json!({ "enabledRules": enabled }));
        if caller == "EndUser" {
            let stage = json!({ "approvalStageTimeOutInDays": 1, "isApproverJustificationRequired": true,
                "escalationTimeInMinutes": 0, "isEscalationEnabled": false, "primaryApprovers": [],
                "escalationApprovers": [] });
            let setting = json!({ "isApprovalRequired": false, "isApprovalRequiredForExtension": false,
                "isRequestorJustificationRequired": true, "approvalMode": "SingleStage", "approvalStages": [stage] });
            add("Approval", "Approval", json!({ "setting": setting }));
            let context = json!({ "isEnabled": false, "claimValue": Value::Null });
            add("AuthenticationContext", "AuthenticationContext", context);
        }
        for recipient in ["Admin", "Requestor", "Approver"] {
            add(
                "Notification",
                &format!("Notification_{recipient}"),
                json!({
                    "notificationType": "Email", "recipientType": recipient, "notificationLevel": "All",
                    "isDefaultRecipientsEnabled": true, "notificationRecipients": [],
                }),
            );
        }
    }
    rules
}

fn update(request: &Request<'_>, (id, rule): (&str, &str)) -> Result<Reply, GraphError> {
    request.caller.needs(WRITE, &[PRIVILEGED_ROLE_ADMINISTRATOR])?;
    let body = request.object()?;
    let now = written(request.tenant.clock.now());
    let (role, name, told) = request.write(|directory| -> Result<_, GraphError> {
        let policy = all(request, directory).into_iter().find(|policy| policy.id.eq_ignore_ascii_case(id));
        let policy = policy.ok_or_else(|| GraphError::not_found(id))?;
        let mut rules = rules_of(directory, &policy.role);
        let known = rules.iter_mut().find(|known| text(known, "id").is_some_and(|one| one.eq_ignore_ascii_case(rule)));
        let known = known.ok_or_else(|| GraphError::not_found(rule))?;
        check(known, &body)?;
        let before = known.clone();
        known.extend(body.into_iter().filter(|(name, _)| !matches!(name.as_str(), "id" | "target" | "@odata.type")));
        let mut told = vec![gained_or_lost("Rule", rule, true)];
        told.extend(modified(&before, known, &[]));
        let is_mfa = rule.eq_ignore_ascii_case("Enablement_EndUser_Assignment");
        if is_mfa && has_both(&rules) {
            let message = "The Mfa and Acrs policy settings cannot be enabled simultaneously.";
            return Err(GraphError::new(400, "MfaAndAcrsConflict", message));
        }
        let mut kept = policy.kept.unwrap_or_else(|| object(json!({ "id": policy.id })));
        kept.extend(object(json!({
            "roleDefinitionId": policy.role, "scopeId": "/", "scopeType": "DirectoryRole", "rules": rules,
            "lastModifiedDateTime": now, "lastModifiedBy": { "id": request.caller.id, "displayName": Value::Null },
        })));
        let role = directory.object(Resource::RoleDefinitions, &policy.role);
        let name = role.and_then(|role| text(role, "displayName")).unwrap_or_default().to_owned();
        Ok((vec![Change::Put(Resource::RoleManagementPolicies, kept)], (policy.role, name, told)))
    })?;
    let target = json!([{ "id": role, "type": "Role", "displayName": name, "modifiedProperties": told }]);
    request.audit_of("PIM", ("Update role setting in PIM", "RoleManagement"), target)?;
    request.commit()?;
    let directory = request.tenant.state.read();
    let mut rules = shown_rules(request, &directory, &role).into_iter();
    let made = rules.find(|known| text(known, "id").is_some_and(|known| known.eq_ignore_ascii_case(rule)));
    Ok(request.entity(200, (&format!("{POLICIES}('{id}')/rules"), made.unwrap_or_default())))
}

/// Whether activation wants both multifactor authentication and an authentication context.
fn has_both(rules: &[Object]) -> bool {
    let rule = |id: &str| rules.iter().find(|rule| text(rule, "id") == Some(id));
    let enabled = rule("Enablement_EndUser_Assignment").and_then(|rule| rule.get("enabledRules")?.as_array());
    let context = rule("AuthenticationContext_EndUser_Assignment").and_then(|rule| rule.get("isEnabled")?.as_bool());
    enabled.into_iter().flatten().any(|name| name == "MultiFactorAuthentication") && context == Some(true)
}

/// Refuses what a rule does not have, or what cannot be in it.
fn check(known: &Object, body: &Object) -> Result<(), GraphError> {
    for (name, value) in body {
        let is_good = match name.as_str() {
            "id" | "@odata.type" | "target" => is_same(known.get(name), value),
            "enabledRules" => is_list(value, 3, |one| {
                matches!(one.as_str(), Some("MultiFactorAuthentication" | "Justification" | "Ticketing"))
            }),
            "maximumDuration" => {
                value.as_str().is_some_and(|text| text.parse::<Span>().is_ok_and(|span| span.is_positive()))
            }
            "claimValue" => value.is_null() || value.as_str().is_some_and(is_authentication_context),
            "setting" => value.as_object().is_some_and(is_setting),
            "notificationRecipients" => is_list(value, APPROVER_COUNT_MAX, is_short),
            "notificationLevel" => matches!(value.as_str(), Some("None" | "Critical" | "All")),
            "notificationType" | "recipientType" => is_same(known.get(name), value),
            "isExpirationRequired" | "isEnabled" | "isDefaultRecipientsEnabled" => value.is_boolean(),
            _ => name.starts_with('@'),
        };
        if !is_good || !(known.contains_key(name) || name.starts_with('@')) {
            let name: String = name.chars().take(100).collect();
            let message = format!("The policy is invalid: the property '{name}' of the rule cannot be that.");
            return Err(GraphError::new(400, "InvalidPolicy", message));
        }
    }
    Ok(())
}

/// Whether what is sent along, and cannot be changed, is what it was.
fn is_same(known: Option<&Value>, sent: &Value) -> bool {
    match (known, sent) {
        (Some(Value::Object(known)), Value::Object(sent)) => {
            sent.iter().all(|(name, value)| name.starts_with('@') || is_same(known.get(name), value))
        }
        (Some(Value::String(known)), Value::String(sent)) => {
            known.trim_start_matches('#').eq_ignore_ascii_case(sent.trim_start_matches('#'))
        }
        (Some(Value::Array(known)), Value::Array(sent)) => {
            known.len() == sent.len() && known.iter().zip(sent).all(|(known, sent)| is_same(Some(known), sent))
        }
        // `targetObjects` and the like, which nothing here has.
        (None, Value::Null) => true,
        (None, Value::Array(sent)) => sent.is_empty(),
        (known, sent) => known == Some(sent),
    }
}

fn is_list(value: &Value, count_max: usize, is_good: impl Fn(&Value) -> bool) -> bool {
    value.as_array().is_some_and(|all| all.len() <= count_max && all.iter().all(is_good))
}

fn is_short(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.chars().count() <= TEXT_CHARS_MAX)
}

fn is_setting(setting: &Object) -> bool {
    setting.iter().all(|(name, value)| match name.as_str() {
        "isApprovalRequired" | "isApprovalRequiredForExtension" | "isRequestorJustificationRequired" => {
            value.is_boolean()
        }
        "approvalMode" => matches!(value.as_str(), Some("SingleStage" | "NoApproval" | "Serial" | "Parallel")),
        // PIM has one stage.
        "approvalStages" => is_list(value, 1, |stage| stage.as_object().is_some_and(is_stage)),
        name => name.starts_with('@'),
    })
}

fn is_stage(stage: &Object) -> bool {
    stage.iter().all(|(name, value)| match name.as_str() {
        "approvalStageTimeOutInDays" => value.as_i64().is_some_and(|days| (1..=14).contains(&days)),
        "escalationTimeInMinutes" => value.is_null() || value.is_u64(),
        "isApproverJustificationRequired" | "isEscalationEnabled" => value.is_boolean(),
        "primaryApprovers" => is_list(value, APPROVER_COUNT_MAX, is_approver),
        // Nothing escalates here, so that nobody may count on it.
        "escalationApprovers" => is_list(value, 0, |_| true),
        name => name.starts_with('@'),
    })
}

fn is_approver(approver: &Value) -> bool {
    let Some(approver) = approver.as_object() else { return false };
    let kind = text(approver, "@odata.type").unwrap_or_default().trim_start_matches('#');
    let id = match kind {
        "microsoft.graph.singleUser" => text(approver, "userId").or_else(|| text(approver, "id")),
        "microsoft.graph.groupMembers" => text(approver, "groupId").or_else(|| text(approver, "id")),
        _ => None,
    };
    id.is_some_and(|id| !id.is_empty() && id.len() <= 100)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{check, usual_rules};
    use crate::state::text;

    #[test]
    fn a_role_has_seventeen_rules_each_of_its_own_name() {
        let mut ids: Vec<String> = usual_rules().iter().map(|rule| text(rule, "id").unwrap().to_owned()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 17, "{ids:?}");
    }

    #[test]
    fn a_rule_takes_what_it_has_and_nothing_else() {
        let rules = usual_rules();
        let of = |id: &str, body: Value| {
            let rule = rules.iter().find(|rule| text(rule, "id") == Some(id)).unwrap();
            check(rule, body.as_object().unwrap()).is_ok()
        };
        let approver = json!({ "@odata.type": "#microsoft.graph.singleUser", "userId": "u" });
        let stage = |approver: &Value| json!({ "setting": { "approvalStages": [{ "primaryApprovers": [approver] }] } });
        for (id, body, expected) in [
            ("Enablement_EndUser_Assignment", json!({ "enabledRules": ["Ticketing"] }), true),
            ("Enablement_EndUser_Assignment", json!({ "enabledRules": ["Prayer"] }), false),
            ("Enablement_EndUser_Assignment", json!({ "maximumDuration": "PT1H" }), false),
            (
                "Expiration_EndUser_Assignment",
                json!({ "maximumDuration": "PT30M", "isExpirationRequired": true }),
                true,
            ),
            ("Expiration_EndUser_Assignment", json!({ "maximumDuration": "soon" }), false),
            ("Expiration_EndUser_Assignment", json!({ "maximumDuration": "-PT1H" }), false),
            ("Approval_EndUser_Assignment", json!({ "setting": { "isApprovalRequired": "yes" } }), false),
            ("Approval_EndUser_Assignment", stage(&approver), true),
            (
                "Approval_EndUser_Assignment",
                stage(&json!({ "@odata.type": "#microsoft.graph.requestorManager" })),
                false,
            ),
            ("AuthenticationContext_EndUser_Assignment", json!({ "isEnabled": true, "claimValue": "c7" }), true),
            ("AuthenticationContext_EndUser_Assignment", json!({ "claimValue": "p1" }), false),
            (
                "Expiration_EndUser_Assignment",
                json!({ "target": { "caller": "EndUser", "level": "Assignment" } }),
                true,
            ),
            ("Expiration_EndUser_Assignment", json!({ "target": { "caller": "Admin" } }), false),
            ("Expiration_EndUser_Assignment", json!({ "id": "Expiration_Admin_Assignment" }), false),
            ("Expiration_EndUser_Assignment", json!({ "color": "red" }), false),
        ] {
            assert_eq!(of(id, body.clone()), expected, "{id} {body}");
        }
    }
}
