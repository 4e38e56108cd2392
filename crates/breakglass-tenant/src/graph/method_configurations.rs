//! `/policies/authenticationMethodsPolicy/authenticationMethodConfigurations`: who may use which kind of method.
//!
//! **Source:** "authenticationMethodsPolicy resource type"; "Update" of each kind of configuration.

use breakglass_model::snapshot::Resource;
use serde_json::{Value, json};

use super::error::GraphError;
use super::list::{expanded, page_of};
use super::modified::modified;
use super::organization::AUTHENTICATION_POLICY_ADMINISTRATOR;
use super::{Request, passes};
use crate::call::Reply;
use crate::state::{Change, Object, text};

const CONTEXT: &str = "policies/authenticationMethodsPolicy/authenticationMethodConfigurations";
const READ: &[&str] = &["Policy.Read.AuthenticationMethod", "Policy.ReadWrite.AuthenticationMethod", "Policy.Read.All"];
/// What a kind has beside its state and its targets.
const PROPERTIES: [(&str, &[&str]); 9] = [
    ("email", &["allowExternalIdToUseEmailOtp"]),
    ("external", &["appId", "displayName", "openIdConnectSetting"]),
    (
        "fido2",
        &[
            "defaultPasskeyProfile",
            "isAttestationEnforced",
            "isSelfServiceRegistrationAllowed",
            "keyRestrictions",
            "passkeyProfiles",
        ],
    ),
    ("microsoftAuthenticator", &["featureSettings", "isSoftwareOathEnabled"]),
    ("sms", &[]),
    ("softwareOath", &[]),
    (
        "temporaryAccessPass",
        &[
            "defaultLength",
            "defaultLifetimeInMinutes",
            "isUsableOnce",
            "maximumLifetimeInMinutes",
            "minimumLifetimeInMinutes",
        ],
    ),
    ("voice", &["isOfficePhoneAllowed"]),
    (
        "x509Certificate",
        &[
            "authenticationModeConfiguration",
            "certificateAuthorityScopes",
            "certificateUserBindings",
            "crlValidationConfiguration",
            "issuerHintsConfiguration",
        ],
    ),
];

/// Answers a request below the policy's configurations.
pub(super) fn answer(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    match (request.call.method.as_str(), rest) {
        ("GET", []) => {
            request.caller.needs(READ, &[])?;
            page_of(request, (CONTEXT, 100), all(request)?)
        }
        ("GET", [id]) => {
            request.caller.needs(READ, &[])?;
            let found = all(request)?.into_iter().find(|one| is_called(one, id));
            let found = found.ok_or_else(|| GraphError::not_found(id))?;
            Ok(request.entity(200, (CONTEXT, expanded(request, (CONTEXT, &[]), &found)?)))
        }
        ("PATCH", [id]) => update(request, id),
        (_, [_, segment, ..]) => Err(GraphError::no_segment(segment)),
        _ => Err(GraphError::method()),
    }
}

fn is_called(configuration: &Object, id: &str) -> bool {
    text(configuration, "id").is_some_and(|known| known.eq_ignore_ascii_case(id))
}

fn all(request: &Request<'_>) -> Result<Vec<Object>, GraphError> {
    let directory = request.tenant.state.read();
    let policy = directory.single(Resource::AuthenticationMethodsPolicy);
    let policy = policy.ok_or_else(|| GraphError::not_found("authenticationMethodsPolicy"))?;
    let listed = policy.get("authenticationMethodConfigurations").and_then(Value::as_array).into_iter().flatten();
    let listed = listed.filter_map(Value::as_object).cloned();
    Ok(listed.map(|known| if request.version == "beta" { known } else { whole(known) }).collect())
}

/// A configuration with what v1.0 always has of its kind.
fn whole(mut known: Object) -> Object {
    if text(&known, "@odata.type") == Some("#microsoft.graph.x509CertificateAuthenticationMethodConfiguration") {
        known.entry("crlValidationConfiguration").or_insert_with(
            || json!({ "state": "disabled", "exemptedCertificateAuthoritiesSubjectKeyIdentifiers": [] }),
        );
    }
    known
}

fn update(request: &Request<'_>, id: &str) -> Result<Reply, GraphError> {
    request.caller.needs(&["Policy.ReadWrite.AuthenticationMethod"], &[AUTHENTICATION_POLICY_ADMINISTRATOR])?;
    let body = request.object()?;
    let told = request.write(|directory| -> Result<_, GraphError> {
        let policy = directory.single(Resource::AuthenticationMethodsPolicy).cloned();
        let mut policy = policy.ok_or_else(|| GraphError::not_found("authenticationMethodsPolicy"))?;
        let list = policy.get_mut("authenticationMethodConfigurations").and_then(Value::as_array_mut);
        let mut listed = list.into_iter().flatten().filter_map(Value::as_object_mut);
        let known = listed.find(|one| is_called(one, id)).ok_or_else(|| GraphError::not_found(id))?;
        check(known, &body)?;
        let before = known.clone();
        let touches_passes = body.keys().any(|name| name.contains("Lifetime") || name == "defaultLength");
        known.extend(body.into_iter().filter(|(name, _)| name != "id" && !name.contains('@')));
        if touches_passes {
            passes::check_policy(known)?;
        }
        let told = modified(&before, known, &[]);
        Ok((vec![Change::Put(Resource::AuthenticationMethodsPolicy, policy)], told))
    })?;
    let target = json!([{ "id": id, "type": "Policy", "displayName": "Authentication Methods Policy",
        "modifiedProperties": told }]);
    request.audit_of(
        "Authentication Methods",
        ("Authentication Methods Policy Update", "ApplicationManagement"),
        target,
    )?;
    Ok(Reply::empty(204))
}

/// Refuses what a configuration of its kind does not have.
fn check(known: &Object, body: &Object) -> Result<(), GraphError> {
    let kind = text(known, "@odata.type").unwrap_or_default().trim_start_matches("#microsoft.graph.");
    let kind = kind.trim_end_matches("AuthenticationMethodConfiguration");
    let own = PROPERTIES.iter().find(|(name, _)| *name == kind).map_or(&[][..], |(_, own)| own);
    for (name, value) in body {
        let is_good = match name.as_str() {
            "id" => value.as_str().is_some_and(|id| is_called(known, id)),
            "@odata.type" => {
                let sent = value.as_str().unwrap_or_default().trim_start_matches('#');
                text(known, "@odata.type").is_some_and(|known| known.trim_start_matches('#') == sent)
            }
            "state" => matches!(value.as_str(), Some("enabled" | "disabled")),
            "includeTargets" | "excludeTargets" => value.as_array().is_some_and(|all| all.iter().all(is_target)),
            name => name.contains('@') || (own.contains(&name) && is_like(known.get(name), value)),
        };
        if !is_good {
            let name: String = name.chars().take(100).collect();
            return Err(GraphError::bad_request(format!("Invalid value specified for property '{name}'.")));
        }
    }
    Ok(())
}

fn is_target(target: &Value) -> bool {
    let text = |name: &str| target.get(name).and_then(Value::as_str);
    text("id").is_some_and(|id| !id.is_empty())
        && matches!(text("targetType"), Some("group" | "user" | "unknownFutureValue"))
}

/// Whether a value is of the type of the one that it takes the place of.
fn is_like(known: Option<&Value>, value: &Value) -> bool {
    match known {
        None | Some(Value::Null) => true,
        Some(known) => value.is_null() || std::mem::discriminant(known) == std::mem::discriminant(value),
    }
}
