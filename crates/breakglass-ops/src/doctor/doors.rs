//! What each account gets in by and where, and what is kept behind a sign-in to the tenant itself.
//!
//! **Source:** "Plan for mandatory Microsoft Entra multifactor authentication", by the engine's table of doors.

use std::collections::BTreeMap;

use breakglass_engine::access::surfaces::{Door, MandatoryMfaPhase, SURFACES};
use breakglass_engine::lockout::custody::{Custody, Envelope};
use breakglass_engine::posture::Profile;
use serde_json::Value;

use super::ask::AccountSeen;
use super::permissions::GLOBAL_ADMINISTRATOR;
use super::{Line, Verdict, listed};
use crate::ports::DirectoryError;

/// Methods that nobody is tricked out of.
const RESISTANT: [&str; 3] = [
    "#microsoft.graph.fido2AuthenticationMethod",
    "#microsoft.graph.platformCredentialAuthenticationMethod",
    "#microsoft.graph.windowsHelloForBusinessAuthenticationMethod",
];
/// Methods that are a second proof.
const SECOND: [&str; 4] = [
    "#microsoft.graph.microsoftAuthenticatorAuthenticationMethod",
    "#microsoft.graph.phoneAuthenticationMethod",
    "#microsoft.graph.softwareOathAuthenticationMethod",
    "#microsoft.graph.temporaryAccessPassAuthenticationMethod",
];

/// Where one declared account gets in with what it has. `demands_mfa` is whether Microsoft demands multifactor
/// authentication in this cloud.
#[must_use]
pub fn account(seen: &AccountSeen, profile: Profile, demands_mfa: bool) -> Line {
    const TOPIC: &str = "account";
    let name = seen.shown_name();
    let doubt = |what: String, remedy: &str| {
        Line::new(TOPIC, Verdict::Unknown, what, "where it gets in cannot be told").with_remedy(remedy)
    };
    let user = match &seen.user {
        Err(error) => return doubt(format!("`{name}` cannot be read: {error}"), "consent to `User.Read.All`"),
        Ok(None) => {
            return Line::new(TOPIC, Verdict::Look, format!("`{name}` is not there"), "it lets nobody in yet")
                .with_remedy("`breakglass plan` makes it; if it should be there, look at its name");
        }
        Ok(Some(user)) => user,
    };
    if user.get("accountEnabled").and_then(Value::as_bool) == Some(false) {
        return Line::new(TOPIC, Verdict::Bad, format!("`{name}` is switched off"), "it lets nobody in")
            .with_remedy("`breakglass plan` switches it on");
    }
    let methods = match &seen.methods {
        Err(error) => {
            let what = format!("the authentication methods of `{name}` cannot be read: {error}");
            return doubt(what, "consent to `UserAuthenticationMethod.Read.All`, as a reader of such methods");
        }
        Ok(methods) => methods,
    };
    let Some(methods) = methods.get("value").and_then(Value::as_array) else {
        return doubt(
            format!("the authentication methods of `{name}` cannot be read: there is no list"),
            "run it again",
        );
    };
    let has = |kinds: &[&str]| {
        methods.iter().filter_map(|method| method.get("@odata.type")?.as_str()).any(|kind| kinds.contains(&kind))
    };
    if has(&RESISTANT) {
        let so = format!("every door opens: {}", doors(&|_| true));
        return Line::new(TOPIC, Verdict::Good, format!("`{name}` has a passkey or a key of a device"), so);
    }
    if has(&SECOND) {
        let so =
            "portals and Graph open; somebody can be tricked out of that proof, and it hangs on one telephone or app";
        let line = Line::new(TOPIC, Verdict::Look, format!("`{name}` has a second proof and no passkey"), so);
        return line.with_remedy(match profile {
            Profile::Classic => {
                "if the telephone or app is somebody's, take it away: the profile wants a password alone"
            }
            Profile::Current => "register two passkeys for it, kept in two places",
        });
    }
    password_alone(name, profile, demands_mfa)
}

fn password_alone(name: &str, profile: Profile, demands_mfa: bool) -> Line {
    const TOPIC: &str = "account";
    let what = format!("`{name}` has a password alone (certificates are not listed by Graph)");
    if !demands_mfa {
        let so = "every door opens as far as policies let it: Microsoft does not demand more in this cloud so far";
        return Line::new(TOPIC, Verdict::Look, what, so).with_remedy(match profile {
            Profile::Classic => "expect that to end: look again when Microsoft announces it for this cloud",
            Profile::Current => "expect that to end, and register a passkey",
        });
    }
    let phase = |phase| doors(&move |found: Option<MandatoryMfaPhase>| found == Some(phase));
    let so = format!(
        "Microsoft Graph opens ({}). Closed, whatever policies exclude: {}. Looking only, without changes: {}",
        graph_doors(),
        phase(MandatoryMfaPhase::SignIn),
        phase(MandatoryMfaPhase::ResourceManagerWrites),
    );
    match profile {
        Profile::Classic => Line::new(TOPIC, Verdict::Look, what, so).with_remedy(
            "rehearse the repair through Graph, without a portal; who needs portals sets `profile = \"current\"`",
        ),
        Profile::Current => {
            Line::new(TOPIC, Verdict::Bad, what, so).with_remedy("register two passkeys for it, kept in two places")
        }
    }
}

/// Whether a declared account is Global Administrator for good; nothing where there is no account to be one.
#[must_use]
pub fn role(seen: &AccountSeen) -> Option<Line> {
    const TOPIC: &str = "account";
    const BY_PLAN: &str = "`breakglass plan` assigns the role directly and without an end";
    let name = seen.shown_name();
    seen.user.as_ref().ok()?.as_ref()?;
    let doubt = |why: String| {
        let what = format!("whether `{name}` is Global Administrator for good cannot be told: {why}");
        Line::new(TOPIC, Verdict::Unknown, what, "without the role it gets in and repairs nothing")
            .with_remedy("consent to `RoleAssignmentSchedule.Read.Directory` and `RoleManagement.Read.Directory`")
    };
    let list = match &seen.roles {
        Err(error) => return Some(doubt(error.to_string())),
        Ok(roles) => roles.get("value").and_then(Value::as_array),
    };
    let Some(list) = list else { return Some(doubt("there is no list".to_owned())) };
    let text = |one: &Value, member: &str| one.get(member).and_then(Value::as_str).map(str::to_owned);
    let is_whole = |one: &&Value| {
        text(one, "roleDefinitionId").as_deref() == Some(GLOBAL_ADMINISTRATOR)
            && text(one, "directoryScopeId").as_deref() == Some("/")
    };
    let held: Vec<&Value> = list.iter().filter(is_whole).collect();
    let is_activated = |one: &Value| text(one, "assignmentType").as_deref() == Some("Activated");
    let is_direct = |one: &Value| text(one, "memberType").is_none_or(|kind| kind == "Direct");
    let mut lasting = held.iter().filter(|one| text(one, "endDateTime").is_none() && !is_activated(one));
    if lasting.clone().any(|one| is_direct(one)) {
        let what = format!("`{name}` is Global Administrator, directly and without an end");
        return Some(Line::new(TOPIC, Verdict::Good, what, "it can repair whatever it reaches"));
    }
    let line = |verdict, what: String, so: &str| Some(Line::new(TOPIC, verdict, what, so).with_remedy(BY_PLAN));
    if lasting.next().is_some() {
        let so = "whoever may change that group takes the role away";
        return line(Verdict::Look, format!("`{name}` is Global Administrator through a group"), so);
    }
    if held.iter().any(|one| is_activated(one)) {
        let what = format!("`{name}` is Global Administrator only because somebody activated it");
        return line(Verdict::Bad, what, "activation is what may not work in the emergency");
    }
    if let Some(end) = held.iter().filter_map(|one| text(one, "endDateTime")).max() {
        let what = format!("`{name}` is Global Administrator until {end} and no longer");
        return line(Verdict::Bad, what, "on that day the account can repair nothing any more");
    }
    let so = "it gets in and repairs nothing";
    line(Verdict::Bad, format!("`{name}` is not Global Administrator of the whole tenant now"), so)
}

/// The doors that an administrator would use and that answer to a phase.
fn doors(is_wanted: &dyn Fn(Option<MandatoryMfaPhase>) -> bool) -> String {
    let wanted = SURFACES.iter().filter(|surface| surface.is_recovery && is_wanted(surface.mandatory_mfa));
    wanted.map(|surface| surface.name).collect::<Vec<_>>().join(", ")
}

fn graph_doors() -> String {
    let of_graph = SURFACES.iter().filter(|surface| surface.is_recovery && surface.door == Door::Graph);
    of_graph.map(|surface| surface.name).collect::<Vec<_>>().join(", ")
}

/// Whether secrets are kept where only a sign-in to this tenant leads. `users` says which of those who sign in to a
/// depository are users of this tenant.
#[must_use]
pub fn depositories(custody: &Custody, users: &BTreeMap<String, Result<bool, DirectoryError>>) -> Vec<Line> {
    const TOPIC: &str = "custody";
    let mut lines = Vec::new();
    let mut behind = Vec::new();
    for (id, depository) in custody.depositories.iter().filter(|(_, depository)| !depository.signs_in.is_empty()) {
        let name = &depository.name;
        let found: Vec<Option<bool>> =
            depository.signs_in.iter().map(|user| users.get(user)?.as_ref().ok().copied()).collect();
        if found.contains(&None) {
            let what = format!("whether those who sign in to `{name}` are of this tenant cannot be told");
            let so = "if they are, what it keeps is out of reach when nobody gets in";
            lines.push(Line::new(TOPIC, Verdict::Unknown, what, so).with_remedy("consent to `User.Read.All`"));
        } else if found.contains(&Some(false)) {
            let what = format!("`{name}` is declared as reached by users of this tenant, and some are not of it");
            let so = "the lockout analysis takes them for users that are gone";
            lines.push(
                Line::new(TOPIC, Verdict::Look, what, so)
                    .with_remedy("leave `signs_in` of the depository out if it is reached without this tenant"),
            );
        } else {
            behind.push(id.as_str());
        }
    }
    if !behind.is_empty() {
        lines.push(kept_behind(custody, &behind));
    }
    if lines.is_empty() {
        let (what, so) = if custody.envelopes.is_empty() {
            ("no custody is declared", "whether secrets hang on this tenant is not known to the configuration")
        } else {
            ("nothing is kept behind a sign-in to this tenant", "secrets can be had when nobody gets in")
        };
        let line = if custody.envelopes.is_empty() {
            Line::new(TOPIC, Verdict::Look, what, so).with_remedy("declare `[custody]`: who and what keeps which share")
        } else {
            Line::new(TOPIC, Verdict::Good, what, so)
        };
        lines.push(line);
    }
    lines
}

fn kept_behind(custody: &Custody, behind: &[&str]) -> Line {
    const TOPIC: &str = "custody";
    let names = custody.depositories.iter().filter(|(id, _)| behind.contains(&id.as_str()));
    let names = listed(names.map(|(_, depository)| depository.name.as_str()));
    let is_closed = |envelope: &&Envelope| {
        let free = envelope
            .shares
            .iter()
            .filter(|share| share.depository.as_deref().is_none_or(|depository| !behind.contains(&depository)));
        free.count() < envelope.threshold
    };
    let closed: Vec<&str> = custody.envelopes.iter().filter(is_closed).map(|one| one.account.as_str()).collect();
    let what = format!("{names} is reached by signing in to this tenant");
    if closed.is_empty() {
        let so = "when nobody gets in it is closed; every envelope opens with the other shares";
        return Line::new(TOPIC, Verdict::Look, what, so)
            .with_remedy("leave it so: count no share in it as one that is there");
    }
    let so =
        format!("when nobody gets in it is closed, and with it the envelopes that need it: for {}", listed(closed));
    Line::new(TOPIC, Verdict::Bad, what, so)
        .with_remedy("keep enough shares elsewhere, or have the depository reached by an account outside this tenant")
}
