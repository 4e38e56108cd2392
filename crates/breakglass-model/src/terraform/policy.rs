//! Policies and named locations of the azuread provider, written as Graph's JSON.
//!
//! Everything that the provider can say is written, with null or an empty list where it says nothing, because an update
//! takes away what was there. Session controls of which nothing has an effect are written as none, as the provider
//! does. **Source:** the provider's documentation of both resources, version 3.

use serde_json::{Map, Value, json};

use super::values::{Object, Values, WrongType};
use crate::policy::TERRAFORM_SESSION_CONTROLS;
use crate::property::is_vacant;
use crate::proposal::last_segment;

type Converted = Result<Object, WrongType>;
type Conversion = fn(&Values<'_>) -> Converted;

/// A policy.
pub(super) fn policy(values: &Values<'_>) -> Result<Map<String, Value>, WrongType> {
    let mut policy = Object::default();
    policy.text(values, "display_name", "displayName")?;
    policy.text(values, "state", "state")?;
    if values.get("state").is_unknown() {
        policy.set("state", "unknownFutureValue".into());
    }
    if let Some(conditions) = values.block("conditions")? {
        if is_vacant(conditions.value) && !conditions.is_unknown() {
            return Err(WrongType::new("conditions", "a block with `applications` and `client_app_types`"));
        }
        if *conditions.unknown == Value::Bool(true) {
            policy.await_member("conditions");
        }
        policy.inner("conditions", Some(self::conditions(&conditions)?));
    } else {
        policy.set("conditions", Value::Null);
    }
    let grant = values.block("grant_controls")?;
    policy.inner("grantControls", grant.as_ref().map(grant_controls).transpose()?);
    let session = values.block("session_controls")?;
    policy.inner("sessionControls", session.as_ref().map(session_controls).transpose()?.flatten());
    let mut members = policy.into_members();
    // What it is called changes no answer.
    if let Some(Value::Array(awaited)) = members.get_mut(crate::policy::KNOWN_AFTER_APPLY) {
        awaited.retain(|path| path != "displayName");
        if awaited.is_empty() {
            members.shift_remove(crate::policy::KNOWN_AFTER_APPLY);
        }
    }
    if members.get("displayName").is_none_or(Value::is_null) {
        members.insert("displayName".to_owned(), "(a name that is known after apply)".into());
    }
    Ok(members)
}

fn conditions(values: &Values<'_>) -> Converted {
    let mut conditions = Object::default();
    conditions.list(values, "client_app_types", "clientAppTypes")?;
    conditions.list(values, "sign_in_risk_levels", "signInRiskLevels")?;
    conditions.list(values, "user_risk_levels", "userRiskLevels")?;
    conditions.list(values, "service_principal_risk_levels", "servicePrincipalRiskLevels")?;
    conditions.text(values, "insider_risk_levels", "insiderRiskLevels")?;
    let inner: [(&str, &str, Conversion); 6] = [
        ("applications", "applications", applications),
        ("client_applications", "clientApplications", client_applications),
        ("users", "users", users),
        ("platforms", "platforms", platforms),
        ("locations", "locations", locations),
        ("devices", "devices", devices),
    ];
    for (from, to, convert) in inner {
        let block = values.block(from)?;
        conditions.inner(to, block.as_ref().map(convert).transpose()?);
    }
    let flows = "authentication_flow_transfer_methods";
    if values.has(flows) {
        let mut methods = Object::default();
        methods.list(values, flows, "transferMethods")?;
        conditions.inner("authenticationFlows", Some(methods));
    } else {
        conditions.set("authenticationFlows", Value::Null);
    }
    // Computed by the service where it is not given, and then none.
    if *values.unknown != Value::Bool(true) && values.get("insider_risk_levels").is_unknown() {
        conditions.forget_awaited("insiderRiskLevels");
    }
    conditions.strange(
        values,
        &[
            "applications",
            flows,
            "client_app_types",
            "client_applications",
            "devices",
            "insider_risk_levels",
            "locations",
            "platforms",
            "service_principal_risk_levels",
            "sign_in_risk_levels",
            "user_risk_levels",
            "users",
        ],
    );
    Ok(conditions)
}

fn applications(values: &Values<'_>) -> Converted {
    let mut applications = Object::default();
    applications.list(values, "included_applications", "includeApplications")?;
    applications.list(values, "excluded_applications", "excludeApplications")?;
    applications.list(values, "included_user_actions", "includeUserActions")?;
    applications.inner("applicationFilter", filter(values)?);
    applications
        .strange(values, &["included_applications", "excluded_applications", "included_user_actions", "filter"]);
    Ok(applications)
}

fn client_applications(values: &Values<'_>) -> Converted {
    let mut applications = Object::default();
    applications.list(values, "included_service_principals", "includeServicePrincipals")?;
    applications.list(values, "excluded_service_principals", "excludeServicePrincipals")?;
    applications.inner("servicePrincipalFilter", filter(values)?);
    applications.strange(values, &["included_service_principals", "excluded_service_principals", "filter"]);
    Ok(applications)
}

fn filter(values: &Values<'_>) -> Result<Option<Object>, WrongType> {
    let Some(block) = values.block("filter")? else { return Ok(None) };
    let mut filter = Object::default();
    filter.text(&block, "mode", "mode")?;
    filter.text(&block, "rule", "rule")?;
    filter.strange(&block, &["mode", "rule"]);
    Ok(Some(filter))
}

fn users(values: &Values<'_>) -> Converted {
    let mut users = Object::default();
    users.list(values, "included_users", "includeUsers")?;
    users.list(values, "excluded_users", "excludeUsers")?;
    users.list_of(values, "included_groups", "includeGroups", plain_id)?;
    users.list_of(values, "excluded_groups", "excludeGroups", plain_id)?;
    users.list(values, "included_roles", "includeRoles")?;
    users.list(values, "excluded_roles", "excludeRoles")?;
    let included = values.block("included_guests_or_external_users")?;
    users.inner("includeGuestsOrExternalUsers", included.as_ref().map(guests).transpose()?);
    let excluded = values.block("excluded_guests_or_external_users")?;
    users.inner("excludeGuestsOrExternalUsers", excluded.as_ref().map(guests).transpose()?);
    users.strange(
        values,
        &[
            "included_users",
            "excluded_users",
            "included_groups",
            "excluded_groups",
            "included_roles",
            "excluded_roles",
            "included_guests_or_external_users",
            "excluded_guests_or_external_users",
        ],
    );
    Ok(users)
}

fn guests(values: &Values<'_>) -> Converted {
    let mut guests = Object::default();
    guests.list(values, "guest_or_external_user_types", "guestOrExternalUserTypes")?;
    guests.flags("guestOrExternalUserTypes");
    let tenants = values.block("external_tenants")?;
    guests.inner("externalTenants", tenants.as_ref().map(external_tenants).transpose()?);
    guests.strange(values, &["guest_or_external_user_types", "external_tenants"]);
    Ok(guests)
}

fn external_tenants(values: &Values<'_>) -> Converted {
    let mut tenants = Object::default();
    let kind = values.text("membership_kind").unwrap_or_default();
    tenants.text(values, "membership_kind", "membershipKind")?;
    tenants.set("@odata.type", odata_type_of_tenants(kind).into());
    if kind == "enumerated" {
        tenants.list(values, "members", "members")?;
    }
    tenants.strange(values, &["membership_kind", "members"]);
    Ok(tenants)
}

fn odata_type_of_tenants(kind: &str) -> &'static str {
    match kind {
        "enumerated" => "#microsoft.graph.conditionalAccessEnumeratedExternalTenants",
        _ => "#microsoft.graph.conditionalAccessAllExternalTenants",
    }
}

fn platforms(values: &Values<'_>) -> Converted {
    let mut platforms = Object::default();
    platforms.list(values, "included_platforms", "includePlatforms")?;
    platforms.list(values, "excluded_platforms", "excludePlatforms")?;
    platforms.strange(values, &["included_platforms", "excluded_platforms"]);
    Ok(platforms)
}

fn locations(values: &Values<'_>) -> Converted {
    let mut locations = Object::default();
    locations.list_of(values, "included_locations", "includeLocations", plain_id)?;
    locations.list_of(values, "excluded_locations", "excludeLocations", plain_id)?;
    locations.strange(values, &["included_locations", "excluded_locations"]);
    Ok(locations)
}

fn devices(values: &Values<'_>) -> Converted {
    let mut devices = Object::default();
    devices.inner("deviceFilter", filter(values)?);
    devices.strange(values, &["filter"]);
    Ok(devices)
}

fn grant_controls(values: &Values<'_>) -> Converted {
    let mut grant = Object::default();
    grant.text(values, "operator", "operator")?;
    grant.list(values, "built_in_controls", "builtInControls")?;
    grant.list(values, "custom_authentication_factors", "customAuthenticationFactors")?;
    grant.list(values, "terms_of_use", "termsOfUse")?;
    grant.text(values, "authentication_strength_policy_id", "authenticationStrength")?;
    let strength = values.text("authentication_strength_policy_id").and_then(last_segment);
    grant.set("authenticationStrength", strength.map_or(Value::Null, |id| json!({ "id": id })));
    grant.strange(
        values,
        &[
            "operator",
            "built_in_controls",
            "custom_authentication_factors",
            "terms_of_use",
            "authentication_strength_policy_id",
        ],
    );
    Ok(grant)
}

/// Session controls; `None` where none of them has an effect. What is not known of them changes no answer, since none of
/// those that the provider knows stops a sign-in.
fn session_controls(values: &Values<'_>) -> Result<Option<Object>, WrongType> {
    let is_set = |name: &str| values.get(name).value == &Value::Bool(true);
    let mut session = Object::default();
    if is_set("application_enforced_restrictions_enabled") {
        session.set("applicationEnforcedRestrictions", json!({ "isEnabled": true }));
    }
    if let Some(kind) = values.text("cloud_app_security_policy") {
        session.set("cloudAppSecurity", json!({ "isEnabled": true, "cloudAppSecurityType": kind }));
    }
    if is_set("disable_resilience_defaults") {
        session.set("disableResilienceDefaults", true.into());
    }
    if let Some(mode) = values.text("persistent_browser_mode") {
        session.set("persistentBrowser", json!({ "isEnabled": true, "mode": mode }));
    }
    let value = values.get("sign_in_frequency").value.as_u64().unwrap_or_default();
    let interval = values.text("sign_in_frequency_interval");
    let kind = values.text("sign_in_frequency_authentication_type").unwrap_or("primaryAndSecondaryAuthentication");
    if value > 0 {
        let frequency = json!({ "isEnabled": true, "value": value, "type": values.text("sign_in_frequency_period"),
            "authenticationType": kind, "frequencyInterval": interval.unwrap_or("timeBased") });
        session.set("signInFrequency", frequency);
    } else if interval.is_some_and(|interval| interval != "timeBased") {
        let frequency = json!({ "isEnabled": true, "value": null, "type": null, "authenticationType": kind,
            "frequencyInterval": interval });
        session.set("signInFrequency", frequency);
    }
    session.strange(values, &TERRAFORM_SESSION_CONTROLS);
    Ok((!session.is_empty()).then_some(session))
}

/// A named location.
pub(super) fn location(values: &Values<'_>) -> Result<Map<String, Value>, WrongType> {
    let mut location = Object::default();
    location.text(values, "display_name", "displayName")?;
    if values.get("display_name").is_unknown() {
        location.forget_awaited("displayName");
        location.set("displayName", "(a name that is known after apply)".into());
    }
    if let Some(ip) = values.block("ip")? {
        location.set("@odata.type", "#microsoft.graph.ipNamedLocation".into());
        location.flag(&ip, "trusted", "isTrusted")?;
        if ip.get("trusted").is_unknown() {
            location.await_member("isTrusted");
        }
        location.list(&ip, "ip_ranges", "ipRanges")?;
        location.ranges("ipRanges");
        location.strange(&ip, &["ip_ranges", "trusted"]);
    }
    if let Some(country) = values.block("country")? {
        location.set("@odata.type", "#microsoft.graph.countryNamedLocation".into());
        location.list(&country, "countries_and_regions", "countriesAndRegions")?;
        location.flag(&country, "include_unknown_countries_and_regions", "includeUnknownCountriesAndRegions")?;
        location.text(&country, "country_lookup_method", "countryLookupMethod")?;
        // Computed where it is not given, and then by address.
        location.forget_awaited("countryLookupMethod");
        location.without_null("countryLookupMethod");
    }
    Ok(location.into_members())
}

/// The id in `/groups/<id>` and the like; keywords and plain ids as they are.
fn plain_id(id: &str) -> String {
    if id.starts_with('/') { last_segment(id).unwrap_or(id).to_owned() } else { id.to_owned() }
}
