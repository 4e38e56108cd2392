//! Who signs in to what, from where, with what: decided by the one Conditional Access engine, and written to the log.

mod applied;
mod contexts;
mod decide;
mod device;
pub(crate) mod first_factor;
mod freshness;
pub(crate) mod lockout;
pub(crate) mod methods;
pub(crate) mod passkeys;
mod principal;
pub(crate) mod proof;
mod record;
pub(crate) mod snapshot;
mod steps;
pub(crate) mod terms;

use std::net::IpAddr;

use breakglass_model::snapshot::Resource;
use breakglass_model::strength::Modes;
use serde_json::Value;

pub(crate) use self::contexts::decide;
pub(crate) use self::decide::{BLOCKED, Decided, risk_of};
pub(crate) use self::device::Device;
pub(crate) use self::freshness::TOO_LONG_AGO;
pub(crate) use self::principal::{PrincipalAttempt, decide_principal, record_of_principal};
pub(crate) use self::record::record;
use crate::ids::{Audience, FIRST_PARTY, IN_BROWSER};
use crate::profile::Profile;
use crate::state::{Directory, Object, Shown, text};

/// An application that signs somebody in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Client {
    pub(crate) app_id: String,
    pub(crate) name: String,
    /// The id of the application object, where it is the tenant's own.
    pub(crate) object_id: Option<String>,
    pub(crate) is_public: bool,
    /// Whether it is one of Microsoft's.
    pub(crate) is_first_party: bool,
    /// Whether it runs in a browser, wherever it is answered.
    pub(crate) is_in_browser: bool,
}

impl Client {
    /// The application of an id.
    pub(crate) fn find(directory: &Directory, app_id: &str) -> Option<Self> {
        let is_it = |app: &&Object| text(app, "appId").is_some_and(|id| id.eq_ignore_ascii_case(app_id));
        if let Some(app) = directory.all(Resource::Applications).find(is_it) {
            let is_fallback = app.get("isFallbackPublicClient").and_then(Value::as_bool) == Some(true);
            return Some(Self {
                app_id: text(app, "appId")?.to_owned(),
                name: text(app, "displayName").unwrap_or_default().to_owned(),
                object_id: text(app, "id").map(str::to_owned),
                is_public: is_fallback,
                is_first_party: false,
                is_in_browser: false,
            });
        }
        let (app_id, name) = FIRST_PARTY.iter().find(|(id, _)| id.eq_ignore_ascii_case(app_id))?;
        let is_in_browser = IN_BROWSER.contains(app_id);
        let (app_id, name) = ((*app_id).to_owned(), (*name).to_owned());
        Some(Self { app_id, name, object_id: None, is_public: true, is_first_party: true, is_in_browser })
    }
}

/// What somebody gives in a sign-in that is no proof of who they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Given {
    /// A new password.
    pub(crate) new_password: bool,
    /// That they accept the terms of use.
    pub(crate) terms: bool,
}

/// The resource that a token is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) audience: Audience,
    /// The application that Conditional Access looks at.
    pub(crate) app_id: String,
    pub(crate) name: String,
}

impl Target {
    /// One that the tenant itself serves.
    pub(crate) fn of(audience: Audience) -> Self {
        let (app_id, name) = (audience.app_id("").to_owned(), audience.name("").to_owned());
        Self { audience, app_id, name }
    }
}

/// One attempt to sign in.
#[derive(Debug, Clone)]
pub(crate) struct Attempt<'a> {
    pub(crate) client: &'a Client,
    /// The resource that is asked for.
    pub(crate) target: &'a Target,
    /// What is done in place of using the resource, in the word that Graph has for it.
    pub(crate) user_action: Option<&'static str>,
    pub(crate) remote: IpAddr,
    pub(crate) user_agent: Option<&'a str>,
    /// What the user has shown so far.
    pub(crate) modes: Modes,
    /// When.
    pub(crate) shown: Shown,
    /// What the user gave besides.
    pub(crate) gives: Given,
    /// Whether the application itself is used, as one on a server is that wants to know who somebody is.
    pub(crate) targets_client: bool,
    /// What the user is asked to show besides.
    pub(crate) asked: Option<Modes>,
    pub(crate) is_interactive: bool,
    /// Whether the application runs in the browser, or on a server behind it; else it is a program on a device.
    pub(crate) is_in_browser: bool,
    /// Whether the client sent the password itself (the grant `password`), so that no page was shown.
    pub(crate) is_password_grant: bool,
    /// Whether the session was begun, now or once, by a code that was typed in on another device.
    pub(crate) is_device_code: bool,
    /// Whether the client answers a challenge that demands multifactor authentication.
    pub(crate) is_stepped_up: bool,
    /// Authentication contexts that the client asks for.
    pub(crate) contexts: &'a [String],
    /// The one that is decided about; `None` for the resource.
    pub(crate) context: Option<&'a str>,
    pub(crate) profile: Profile,
    pub(crate) correlation_id: &'a str,
    /// The device, as the tenant knows it; `None` is one that it does not know.
    pub(crate) device: Option<Device>,
}

/// Ids of the groups that somebody or something is in, through other groups too, in lower case.
pub(crate) fn groups_of(directory: &Directory, id: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut open = vec![id.to_ascii_lowercase()];
    while let Some(member) = open.pop() {
        for group in directory.all(Resource::Groups).filter(|group| has_member(group, &member)) {
            let Some(id) = text(group, "id").map(str::to_ascii_lowercase) else { continue };
            if !found.contains(&id) {
                found.push(id.clone());
                open.push(id);
            }
        }
    }
    found
}

/// Whether a group has somebody or something as a direct member.
pub(crate) fn has_member(group: &Object, id: &str) -> bool {
    let members = group.get("members").and_then(Value::as_array).into_iter().flatten();
    members.into_iter().any(|member| member_id(member).is_some_and(|known| known.eq_ignore_ascii_case(id)))
}

/// The id of a member, which may be bare.
pub(crate) fn member_id(member: &Value) -> Option<&str> {
    member.as_str().or_else(|| member.get("id")?.as_str())
}

/// Template ids of the roles that somebody holds actively for the whole tenant, through groups too.
pub(crate) fn roles_of(directory: &Directory, id: &str, now: jiff::Timestamp) -> Vec<String> {
    roles_at(directory, (id, "/"), now)
}

/// The same for one scope, as an assignment names it.
pub(crate) fn roles_at(directory: &Directory, (id, wanted): (&str, &str), now: jiff::Timestamp) -> Vec<String> {
    let mut principals = groups_of(directory, id);
    principals.push(id.to_ascii_lowercase());
    let lists = [Resource::RoleAssignments, Resource::RoleAssignmentScheduleInstances];
    let is_now = |assignment: &&Object| is_in_time(assignment, now);
    let is_there =
        |assignment: &&Object| text(assignment, "directoryScopeId").unwrap_or("/").eq_ignore_ascii_case(wanted);
    let is_theirs = |assignment: &&Object| {
        text(assignment, "principalId").is_some_and(|id| principals.contains(&id.to_ascii_lowercase()))
    };
    let assignments = lists.into_iter().flat_map(|list| directory.all(list));
    let held = assignments.filter(is_theirs).filter(is_there).filter(is_now);
    let mut templates: Vec<String> =
        held.filter_map(|one| text(one, "roleDefinitionId")).map(|id| template_of(directory, id)).collect();
    templates.sort_unstable();
    templates.dedup();
    templates
}

/// Whether an assignment has begun and is not over.
pub(crate) fn is_in_time(assignment: &Object, now: jiff::Timestamp) -> bool {
    let instant = |name: &str| text(assignment, name).and_then(|text| text.parse::<jiff::Timestamp>().ok());
    instant("startDateTime").is_none_or(|from| from <= now) && instant("endDateTime").is_none_or(|until| now < until)
}

/// The template id of a role definition; a built-in one's id is its template id.
pub(crate) fn template_of(directory: &Directory, role: &str) -> String {
    let definition = directory.object(Resource::RoleDefinitions, role);
    let template = definition.and_then(|definition| text(definition, "templateId")).unwrap_or(role);
    template.to_ascii_lowercase()
}
