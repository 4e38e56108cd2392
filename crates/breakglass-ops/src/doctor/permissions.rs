//! Who is signed in, what that sign-in may do, and what suffers without.
//!
//! **Source:** "Microsoft Graph permissions reference"; "Grant tenant-wide admin consent to an application".

use std::collections::{BTreeMap, BTreeSet};

use breakglass_engine::access::surfaces::surface;
use breakglass_engine::posture::rules::takes_accounts_over;

use super::{Line, Verdict, listed};
use crate::ports::{SignedIn, SignedInAs};
use crate::reading::{RELATED, SOURCES};
use crate::setup::{WRITING_PERMISSIONS, grants};

/// The Azure CLI's application id.
pub const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

/// Template id of the role Global Administrator.
pub(super) const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";
/// Template id of the role Global Reader.
const GLOBAL_READER: &str = "f2ef992c-3afb-46b9-b7cf-a126ee74c451";

/// Where consent is given, and for whom.
#[derive(Debug, Clone, Copy)]
pub struct Consent<'c> {
    /// The origin of the login endpoint.
    pub login: &'c str,
    /// The origin of Graph.
    pub graph: &'c str,
    /// The tenant.
    pub tenant: &'c str,
    /// The application.
    pub app_id: &'c str,
    /// Whether people sign in to it.
    pub is_for_people: bool,
}

/// What to do where a sign-in was refused because nobody has consented.
#[must_use]
pub fn unconsented(refusal: &str, consent: Consent<'_>) -> Option<Line> {
    const CODES: [&str; 3] = ["AADSTS65001", "AADSTS90094", "AADSTS650057"];
    let is_it = CODES.iter().any(|code| refusal.contains(code));
    is_it.then(|| consent_to(&needs().into_keys().collect(), consent))
}

/// An application by its name, with its id behind it; by its id alone where nobody knows a name.
///
/// `told` is what the tenant calls it.
fn application_words(app_id: &str, told: Option<&str>) -> String {
    match told.or_else(|| surface(app_id).map(|known| known.name)) {
        Some(name) => format!("`{name}` (`{app_id}`)"),
        None => format!("`{app_id}`"),
    }
}

/// Who is signed in, and as what; `application_name` is what the tenant calls the application.
#[must_use]
pub fn signed_in(found: &SignedIn, application_name: Option<&str>) -> Vec<Line> {
    const TOPIC: &str = "sign-in";
    let SignedIn { who, app_id, tenant_id, .. } = found;
    let by = application_words(app_id, application_name);
    let (id, name) = match who {
        SignedInAs::Application { .. } => return vec![application(found, &by)],
        SignedInAs::User { id, user_principal_name } => (id, user_principal_name),
    };
    let name = if name.is_empty() { id } else { name };
    let mut lines = vec![Line::new(
        TOPIC,
        Verdict::Good,
        format!("`{name}` is signed in to `{tenant_id}` by the application {by}"),
        "a person: what is changed is changed in that name, and the permissions below count only as far as their roles \
         reach",
    )];
    let holds = |role: &str| found.role_template_ids.iter().any(|held| held == role);
    lines.push(if holds(GLOBAL_ADMINISTRATOR) {
        Line::new(
            "roles",
            Verdict::Good,
            format!("`{name}` is Global Administrator"),
            "`plan` and `apply` are not refused for a role",
        )
    } else if holds(GLOBAL_READER) {
        let so = "everything can be read; `apply` is refused by Graph, whatever was consented to";
        Line::new("roles", Verdict::Look, format!("`{name}` is Global Reader and not Global Administrator"), so)
            .with_remedy("carry a plan out as a Global Administrator")
    } else {
        let so = "Graph refuses whatever the roles do not reach, whatever was consented to; what is refused is missing";
        let what = format!("`{name}` is neither Global Administrator nor Global Reader, as far as the token tells");
        Line::new("roles", Verdict::Look, what, so).with_remedy(
            "sign in as a Global Reader to read, as a Global Administrator to apply; activate the role first",
        )
    });
    if app_id == AZURE_CLI {
        let what = "the Azure CLI is what is signed in by, and its permissions are Microsoft's choice";
        let so = "its token cannot write Conditional Access, and nobody can consent to more: `apply` is refused";
        lines.push(Line::new(TOPIC, Verdict::Look, what, so).with_remedy(
            "set `[tenant] sign_in = \"device-code\"` or `\"browser\"` for `plan` and `apply`; to look, it may do",
        ));
    }
    lines
}

fn application(found: &SignedIn, by: &str) -> Line {
    const TOPIC: &str = "sign-in";
    let what = format!("the application {by} is signed in to `{}`, as itself", found.tenant_id);
    let is_over = |name: &&str| takes_accounts_over(name) || name.starts_with("Policy.ReadWrite.");
    let held = || found.permissions.iter().map(String::as_str);
    let over: Vec<&str> = held().filter(is_over).collect();
    let others: Vec<&str> = held().filter(|name| name.contains("ReadWrite") && !is_over(name)).collect();
    if !over.is_empty() {
        let so = format!(
            "it may write roles, policies or what people sign in with ({}): whoever has its secret goes around every \
             emergency account and every policy about people",
            listed(over)
        );
        return Line::new(TOPIC, Verdict::Bad, what, so).with_remedy(
            "take these permissions from it; what changes a tenant signs in as a person (`sign_in = \"browser\"`)",
        );
    }
    if !others.is_empty() {
        let so = format!("it reads, and it may also write ({}), which nothing here needs", listed(others));
        return Line::new(TOPIC, Verdict::Look, what, so).with_remedy("take these permissions from it");
    }
    let so = "it can change nothing, so its secret is no way around the accounts; `apply` wants a person";
    Line::new(TOPIC, Verdict::Good, what, so)
}

/// Which permissions are there and which are not, and what suffers.
#[must_use]
pub fn permissions(found: &SignedIn, consent: Consent<'_>) -> Vec<Line> {
    let mut lines = Vec::new();
    let (reading, missing) = reading(found);
    lines.extend(reading);
    if matches!(found.who, SignedInAs::User { .. }) {
        lines.push(writing(found, consent));
    }
    if !missing.is_empty() {
        lines.push(consent_to(&missing, consent));
    }
    lines
}

/// What a permission is needed for.
fn needs() -> BTreeMap<&'static str, Need> {
    let mut needs: BTreeMap<&'static str, Need> = BTreeMap::new();
    for source in SOURCES {
        for name in source.permissions {
            let need = needs.entry(name).or_default();
            need.what.push(format!("`{}`", source.resource.name()));
            need.is_vital |= !source.resource.is_optional();
        }
    }
    for (what, _, names) in RELATED {
        for name in *names {
            needs.entry(name).or_default().what.push((*what).to_owned());
        }
    }
    needs
}

#[derive(Default)]
struct Need {
    what: Vec<String>,
    /// Whether judgements hang on it.
    is_vital: bool,
}

fn reading(found: &SignedIn) -> (Vec<Line>, BTreeSet<&'static str>) {
    const TOPIC: &str = "reading";
    let needs = needs();
    let total = needs.len();
    let has = |wanted: &str| found.permissions.iter().any(|held| reads(held, wanted));
    let lacking: BTreeMap<_, _> = needs.into_iter().filter(|(name, _)| !has(name)).collect();
    if lacking.is_empty() {
        let what = format!("all {total} permissions to read are there");
        let so = "`snapshot`, `check --live`, `lockout --live` and `plan` see everything that they judge";
        return (vec![Line::new(TOPIC, Verdict::Good, what, so)], BTreeSet::new());
    }
    let mut lines = Vec::new();
    if lacking.len() < total {
        let what = format!("{} of {total} permissions to read are there", total - lacking.len());
        lines.push(Line::new(TOPIC, Verdict::Good, what, "what they reach is read"));
    }
    for (name, need) in &lacking {
        let verdict = if need.is_vital { Verdict::Bad } else { Verdict::Look };
        let so = format!("missing from every answer: {}", need.what.join("; "));
        lines.push(
            Line::new(TOPIC, verdict, format!("`{name}` is not there"), so).with_remedy("consent to it: see `consent`"),
        );
    }
    (lines, lacking.into_keys().collect())
}

/// Reading needs no permission to write, and a sign-in for reading asks for none, whatever was consented to.
fn writing(found: &SignedIn, consent: Consent<'_>) -> Line {
    const TOPIC: &str = "writing";
    let has = |wanted: &&&str| found.permissions.iter().any(|held| grants(held, wanted));
    let lacking: BTreeSet<&'static str> = WRITING_PERMISSIONS.iter().filter(|wanted| !has(wanted)).copied().collect();
    if lacking.is_empty() {
        let what = "all permissions that a plan may need are there";
        let so = "`apply` is refused for none of them; it does nothing before somebody answers `yes`";
        return Line::new(TOPIC, Verdict::Good, what, so);
    }
    let what = format!("this sign-in is for reading, without {}", listed(lacking.iter().copied()));
    let so = "nothing but `apply` needs these. It asks for those of its plan when it signs you in, and begins nothing \
              without them; whether they were consented to already is seen then";
    let line = Line::new(TOPIC, Verdict::Good, what, so);
    if consent.app_id == AZURE_CLI {
        return line;
    }
    line.with_remedy(format!("to have them consented to beforehand, {}", link_for_people(&lacking, consent)))
}

fn link_for_people(names: &BTreeSet<&'static str>, consent: Consent<'_>) -> String {
    let Consent { login, graph, tenant, app_id, .. } = consent;
    let scopes: Vec<String> = names.iter().map(|name| format!("{graph}/{name}")).collect();
    let scopes = scopes.join("%20");
    format!("open {login}/{tenant}/v2.0/adminconsent?client_id={app_id}&redirect_uri=http://localhost&scope={scopes}")
}

fn consent_to(missing: &BTreeSet<&'static str>, consent: Consent<'_>) -> Line {
    const TOPIC: &str = "consent";
    let Consent { login, tenant, app_id, is_for_people, .. } = consent;
    let so = "until somebody who may consents, what is missing stays missing";
    if app_id == AZURE_CLI {
        let what = "the Azure CLI gets no more permissions than it has";
        return Line::new(TOPIC, Verdict::Look, what, so)
            .with_remedy("sign in by another application: `[tenant] sign_in = \"device-code\"`");
    }
    let what = "an administrator can consent to what is missing";
    let remedy = if is_for_people {
        link_for_people(missing, consent)
    } else {
        format!("add it to the application's registration, then open {login}/{tenant}/adminconsent?client_id={app_id}")
    };
    Line::new(TOPIC, Verdict::Look, what, so).with_remedy(remedy)
}

/// Whether a permission reads what another is asked for.
fn reads(held: &str, wanted: &str) -> bool {
    const BY_DIRECTORY: [&str; 10] = [
        "AdministrativeUnit.Read.All",
        "Application.Read.All",
        "Device.Read.All",
        "Directory.Read.All",
        "Domain.Read.All",
        "Group.Read.All",
        "GroupMember.Read.All",
        "Organization.Read.All",
        "RoleManagement.Read.Directory",
        "User.Read.All",
    ];
    const BY_ROLES: [&str; 4] = [
        "RoleAssignmentSchedule.Read.Directory",
        "RoleEligibilitySchedule.Read.Directory",
        "RoleManagement.Read.Directory",
        "RoleManagementPolicy.Read.Directory",
    ];
    if grants(held, wanted) || held.replacen(".ReadWrite.", ".Read.", 1) == wanted {
        return true;
    }
    match held {
        "Directory.Read.All" | "Directory.ReadWrite.All" | "Directory.AccessAsUser.All" => {
            BY_DIRECTORY.contains(&wanted)
        }
        "RoleManagement.Read.Directory" | "RoleManagement.ReadWrite.Directory" | "RoleManagement.Read.All" => {
            BY_ROLES.contains(&wanted)
        }
        "Group.Read.All" | "Group.ReadWrite.All" => wanted == "GroupMember.Read.All",
        _ => false,
    }
}
