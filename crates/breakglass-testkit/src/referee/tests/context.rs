use serde_json::{Value, json};

use super::check;

const PORTAL: &str = "c44b4083-3bb0-49c1-b47d-974e53cbdf3c";
const RESOURCE_MANAGER: &str = "797f4846-ba00-4fd7-ba43-dac1f8f63013";
const SHAREPOINT: &str = "00000003-0000-0ff1-ce00-000000000000";

/// An applications condition without the plain policy's `All`.
fn applications(included: &[&str], excluded: &[&str]) -> Value {
    json!({ "applications": { "includeApplications": included, "excludeApplications": excluded } })
}

fn to_apps(apps: &[&str]) -> Value {
    json!({ "signInContext": { "includeApplications": apps } })
}

#[test]
fn applications_by_id_alias_and_keyword() {
    let tenant = json!({ "servicePrincipals": [
        { "id": "sp-1", "appId": "own", "appOwnerOrganizationId": "tenant-own" },
        { "id": "sp-2", "appId": "microsofts", "appOwnerOrganizationId": "f8cdef31-a31e-4b4a-93e4-5f571e91255a" },
        { "id": "sp-3", "appId": "untold" },
        { "id": "sp-4", "appId": "unowned", "appOwnerOrganizationId": null },
    ] });
    let no = "application";
    let cases: &[(&[&str], &[&str], &str, &str)] = &[
        (&["All"], &[], "own", "yes"),
        (&["all"], &[], "own", no),
        (&["None"], &[], "own", no),
        (&["own"], &[], "own", "yes"),
        (&["own"], &[], "OWN", no),
        (&["own"], &[], "untold", no),
        (&["All"], &["own"], "own", no),
        (&["All"], &["own"], "untold", "yes"),
        (&[RESOURCE_MANAGER], &[], PORTAL, "yes"),
        (&[PORTAL], &[], RESOURCE_MANAGER, no),
        (&["All"], &[RESOURCE_MANAGER], PORTAL, no),
        (&["MicrosoftAdminPortals"], &[], PORTAL, "yes"),
        (&["MicrosoftAdminPortals"], &[], SHAREPOINT, no),
        (&["Office365"], &[], SHAREPOINT, "yes"),
        (&["Office365"], &[], PORTAL, no),
        (&["All"], &["Office365"], SHAREPOINT, no),
        (&["Office365"], &[], "own", no),
        (&["Office365"], &[], "microsofts", "unknown"),
        (&["Office365"], &[], "untold", "unknown"),
        (&["Office365"], &[], "unowned", "unknown"),
        (&["Office365"], &[], "unlisted", "unknown"),
        (&["Office365", "unlisted"], &[], "unlisted", "yes"),
        (&["All"], &["Office365"], "unlisted", "unknown"),
        (&["All"], &["Office365"], "own", "yes"),
        (&["Office365"], &[], "Office365", no),
        (&["MicrosoftAdminPortals"], &[], "Office365", no),
        (&["All"], &["Office365"], "Office365", "yes"),
        (&["AllAgentIdResources"], &[], "own", "unknown"),
        (&["AllAgentIdResources", "own"], &[], "own", "yes"),
    ];
    for (included, excluded, app, expected) in cases {
        check(&tenant, &applications(included, excluded), &to_apps(&[*app]), expected);
    }
}

#[test]
fn one_of_several_applications_is_enough() {
    check(&json!({}), &applications(&["a"], &[]), &to_apps(&["b", "a"]), "yes");
    check(&json!({}), &applications(&["All"], &["a"]), &to_apps(&["a", "b"]), "yes");
    check(&json!({}), &applications(&["All"], &["a", "b"]), &to_apps(&["a", "b"]), "application");
    check(&json!({}), &applications(&["Office365"], &[]), &to_apps(&[PORTAL, "unlisted"]), "unknown");
}

#[test]
fn a_filter_over_attributes_cannot_be_told() {
    let with = |mode: &str, mut condition: Value| {
        condition["applications"]["applicationFilter"] = json!({ "mode": mode, "rule": "x" });
        condition
    };
    for (condition, expected) in [
        (with("include", applications(&[], &[])), "unknown"),
        (with("include", applications(&["a"], &[])), "unknown"),
        (with("include", applications(&["b"], &[])), "unknown"),
        (with("include", applications(&["All"], &["a"])), "application"),
        (with("exclude", applications(&["All"], &[])), "unknown"),
        (with("exclude", applications(&["All"], &["a"])), "application"),
        (with("exclude", applications(&["b"], &[])), "application"),
        (with("sideways", applications(&["b"], &[])), "unknown"),
        (with("sideways", applications(&["All"], &["a"])), "application"),
    ] {
        check(&json!({}), &condition, &to_apps(&["a"]), expected);
    }
    let vacant = json!({ "applications": { "applicationFilter": { "mode": null, "rule": null } } });
    check(&json!({}), &vacant, &json!({}), "yes");
}

#[test]
fn actions_and_contexts_meet_their_own_policies() {
    let none = || json!({ "signInContext": null });
    let app = || json!({});
    let context =
        |value: &str| json!({ "signInContext": { "includeApplications": null, "authenticationContextValue": value } });
    let action = |name: &str| json!({ "signInContext": { "includeApplications": null, "userAction": name } });
    let security_info = || action("registerSecurityInformation");
    let devices = || action("registerOrJoinDevices");
    let on_all = || applications(&["All"], &[]);
    let on_all_but = || applications(&["All"], &["b"]);
    let on_app = || applications(&[SHAREPOINT], &[]);
    let on = |member: &str, value: &str| json!({ "applications": { "includeApplications": null, member: [value] } });
    let on_security_info = || on("includeUserActions", "urn:user:registersecurityinfo");
    let on_devices = || on("includeUserActions", "urn:user:registerdevice");
    let on_context = || on("includeAuthenticationContextClassReferences", "c1");
    let on_nothing = || json!({ "applications": { "includeApplications": [] } });
    for (condition, request, expected) in [
        (on_all(), none(), "application"),
        (on_security_info(), none(), "application"),
        (on_nothing(), none(), "yes"),
        (on_nothing(), app(), "yes"),
        (json!({ "applications": null }), devices(), "yes"),
        (on_all(), to_apps(&[]), "application"),
        (on_security_info(), app(), "userActions"),
        (on_devices(), app(), "userActions"),
        (on_context(), app(), "authenticationContext"),
        (on_all(), context("c1"), "application"),
        (on_app(), context("c1"), "application"),
        (on_security_info(), context("c1"), "userActions"),
        (on_context(), context("c1"), "yes"),
        (on_context(), context("c2"), "authenticationContext"),
        (on_all(), security_info(), "yes"),
        (on_all_but(), security_info(), "yes"),
        (on_app(), security_info(), "application"),
        (on_security_info(), security_info(), "yes"),
        (on_devices(), security_info(), "userActions"),
        (on_context(), security_info(), "authenticationContext"),
        (on_all(), devices(), "application"),
        (on_devices(), devices(), "yes"),
        (on_security_info(), devices(), "userActions"),
    ] {
        check(&json!({}), &condition, &request, expected);
    }
}
