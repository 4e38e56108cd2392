//! `/identity/conditionalAccess/templates`: policies that Microsoft proposes.
//!
//! Those alone of which the id is documented; a real tenant shows more.
//!
//! **Source:** "List conditionalAccessTemplates" (ids, names, scenarios; the first whole); the page on each template for
//! what the others demand.

use breakglass_model::well_known::ADMINISTRATOR_ROLES;
use serde_json::{Value, json};

use super::Request;
use super::conditional_access::{READERS, fill};
use super::error::GraphError;
use super::list::{expanded, page_of};
use super::schedules::object;
use crate::call::Reply;
use crate::state::{Object, text};

const CONTEXT: &str = "identity/conditionalAccess/templates";
/// What stands for whoever makes a policy of a template.
const WHOEVER_MAKES_IT: &str = "Current administrator will be excluded";

/// Answers a request below `/identity/conditionalAccess/templates`.
pub(super) fn answer(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    if request.call.method != "GET" {
        return Err(GraphError::method());
    }
    request.caller.needs(&["Policy.Read.All", "Policy.Read.ConditionalAccess"], &READERS)?;
    match rest {
        [] => page_of(request, (CONTEXT, 100), all()),
        [id] => {
            let found =
                all().into_iter().find(|one| text(one, "id").is_some_and(|known| known.eq_ignore_ascii_case(id)));
            let found = found.ok_or_else(|| GraphError { code: "NotFound", ..GraphError::not_found(id) })?;
            Ok(request.entity(200, (CONTEXT, expanded(request, (CONTEXT, &[]), &found)?)))
        }
        [.., segment] => Err(GraphError::no_segment(segment)),
    }
}

fn all() -> Vec<Object> {
    let all = json!({ "includeApplications": ["All"] });
    let registration = json!({ "includeUserActions": ["urn:user:registersecurityinfo"] });
    let everybody = json!({ "includeUsers": ["All"], "excludeUsers": [WHOEVER_MAKES_IT] });
    let administrators = json!({ "includeRoles": ADMINISTRATOR_ROLES, "excludeUsers": [WHOEVER_MAKES_IT] });
    let newcomers = json!({ "includeUsers": ["All"], "excludeUsers": ["GuestsOrExternalUsers", WHOEVER_MAKES_IT],
        "excludeRoles": ["62e90394-69f5-4237-9190-012177145e10"] });
    let trusted = json!({ "includeLocations": ["All"], "excludeLocations": ["AllTrusted"] });
    let any = || json!(["all"]);
    let old = json!(["exchangeActiveSync", "other"]);
    vec![
        template(
            ("c7503427-338e-4c5e-902d-abe252abfb43", "Require multifactor authentication for admins"),
            (
                "Administrators prove who they are with more than a password.",
                "secureFoundation,zeroTrust,protectAdmins",
            ),
            (json!({ "users": administrators, "applications": all, "clientAppTypes": any() }), "mfa"),
        ),
        template(
            ("b8bda7f8-6584-4446-bce9-d871480e53fa", "Securing security info registration"),
            (
                "Who registers methods does so with proof, or where it is trusted.",
                "secureFoundation,zeroTrust,remoteWork",
            ),
            (
                json!({ "users": newcomers, "applications": registration, "clientAppTypes": any(), "locations": trusted }),
                "mfa",
            ),
        ),
        template(
            ("0b2282f9-2862-4178-88b5-d79340b36cb8", "Block legacy authentication"),
            (
                "Clients that know nothing but passwords are kept out.",
                "secureFoundation,zeroTrust,remoteWork,protectAdmins",
            ),
            (json!({ "users": everybody, "applications": all, "clientAppTypes": old }), "block"),
        ),
        template(
            ("a3d0a415-b068-4326-9251-f9cdf9feeb64", "Require multifactor authentication for all users"),
            ("Everybody proves who they are with more than a password.", "secureFoundation,zeroTrust,remoteWork"),
            (json!({ "users": everybody, "applications": all, "clientAppTypes": any() }), "mfa"),
        ),
    ]
}

fn template(
    (id, name): (&str, &str),
    (description, scenarios): (&str, &str),
    (conditions, control): (Value, &str),
) -> Object {
    let mut details = object(json!({
        "conditions": conditions, "sessionControls": Value::Null,
        "grantControls": { "operator": "OR", "builtInControls": [control], "authenticationStrength": Value::Null },
    }));
    fill(&mut details);
    // What a policy has and its details have not.
    details.remove("templateId");
    object(json!({ "id": id, "name": name, "description": description, "scenarios": scenarios, "details": details }))
}
