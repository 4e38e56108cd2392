//! The authorization endpoint: what a client asks for in the browser, and how it is answered there.
//!
//! **Source:** RFC 6749 section 4.1, RFC 7636, OAuth 2.0 Form Post Response Mode; `tenant-clients.md` section 3.7.

use super::browser::signed_in;
use super::client::{named, platform};
use super::error::StsError;
use super::flows::{Answer, Goal, ResponseMode, Visit};
use super::pages::form_post;
use super::scope::Scope;
use super::token::correlation_id;
use super::visit::{Step, refused};
use crate::call::{Call, Reply, encoded, member, pairs, written};
use crate::faults;
use crate::state::text;
use crate::tenant::Tenant;

/// Bytes of the longest request: what is asked is kept for as long as somebody is on the pages.
const REQUEST_BYTES_MAX: usize = 16 * 1_024;
/// What a client may want to be asked.
const PROMPTS: [&str; 6] = ["", "none", "login", "consent", "select_account", "create"];

/// Answers an authorization request.
pub(super) fn answer(tenant: &Tenant, call: &Call) -> Reply {
    if call.query.len() + call.body.len() > REQUEST_BYTES_MAX {
        return refused(&StsError::of(9_002_313));
    }
    let asked = if call.method == "POST" { call.form() } else { pairs(&call.query) };
    let Some(asked) = asked else { return refused(&StsError::of(9_002_313)) };
    let client = match StsError::unless_single(&asked).and_then(|()| named(tenant, &asked)) {
        Ok(client) => client,
        Err(error) => return refused(&error),
    };
    // Until the address is known to be the client's, nobody is sent there.
    let Some(address) = member(&asked, "redirect_uri") else { return refused(&StsError::missing("redirect_uri")) };
    let Some(platform) = platform(tenant, &client, address) else {
        let shown: String = address.chars().take(200).collect();
        let text = format!(
            "The redirect URI '{shown}' specified in the request does not match the redirect URIs configured for the \
             application '{}'. Make sure the redirect URI sent in the request matches one added to your application.",
            client.app_id
        );
        return refused(&StsError { text: Some(text), ..StsError::of(50_011) });
    };
    let given = |name: &str| member(&asked, name).map(str::to_owned);
    let mode = match member(&asked, "response_mode") {
        Some("form_post") => Some(ResponseMode::FormPost),
        Some("fragment") => Some(ResponseMode::Fragment),
        Some("query") | None => Some(ResponseMode::Query),
        Some(_) => None,
    };
    let mut answer = Answer {
        address: address.to_owned(),
        platform,
        mode: mode.unwrap_or(ResponseMode::Query),
        state: given("state"),
        nonce: given("nonce"),
        challenge: None,
    };
    let correlation_id = correlation_id(call);
    let known = mode.ok_or_else(|| StsError::of(70_007));
    let scope = match known.and_then(|_| checked(tenant, &asked, &mut answer)) {
        Ok(scope) => scope,
        Err(error) => return error_answered(tenant, &answer, (&error, &correlation_id)),
    };
    if faults::is_token_service_down(&tenant.state.read()) {
        return error_answered(tenant, &answer, (&StsError::of(90_033), &correlation_id));
    }
    let step = Step { tenant, call };
    let prompt = member(&asked, "prompt").unwrap_or_default().to_owned();
    let mut visit = Visit::new(Goal::Authorize(answer.clone()), (client, scope), (&correlation_id, tenant.clock.now()));
    visit.login_hint = given("login_hint");
    visit.begins = format!("{}?{}", call.path, written(&asked));
    let known = signed_in(tenant, call).filter(|_| prompt != "login");
    let known = known.filter(|known| {
        let hint = visit.login_hint.as_deref();
        hint.is_none_or(|hint| text(&known.user, "userPrincipalName").is_some_and(|upn| upn.eq_ignore_ascii_case(hint)))
    });
    match known {
        None if prompt == "none" => error_answered(tenant, &answer, (&StsError::of(50_058), &correlation_id)),
        None => step.begin(visit, Step::began),
        Some(known) => {
            visit.person = Some(known.person);
            visit.keeps = known.keeps;
            match prompt.as_str() {
                "select_account" => step.begin(visit, |step, id, visit| step.keep(id, visit, Step::confirm)),
                "none" => step.silently(visit, &answer),
                _ => step.begin(visit, Step::next),
            }
        }
    }
}

/// What a request asks for, once it is known where errors go.
fn checked(tenant: &Tenant, asked: &[(String, String)], answer: &mut Answer) -> Result<Scope, StsError> {
    if member(asked, "response_type").ok_or_else(|| StsError::missing("response_type"))? != "code" {
        return Err(StsError::of(700_054));
    }
    if let Some(challenge) = member(asked, "code_challenge") {
        let is_hash = match member(asked, "code_challenge_method") {
            Some("S256") => true,
            None | Some("plain") => false,
            Some(_) => return Err(StsError::of(90_100)),
        };
        if !(43..=128).contains(&challenge.len()) {
            return Err(StsError::of(501_491));
        }
        answer.challenge = Some((challenge.to_owned(), is_hash));
    } else if answer.platform == super::client::Platform::SinglePage {
        return Err(StsError::of(9_002_325));
    }
    if member(asked, "prompt").is_some_and(|prompt| !PROMPTS.contains(&prompt)) {
        return Err(StsError::of(90_023));
    }
    Scope::of(tenant, asked)?.ok_or_else(|| StsError::missing("scope"))
}

/// Tells the client what went wrong.
pub(super) fn error_answered(tenant: &Tenant, answer: &Answer, (error, id): (&StsError, &str)) -> Reply {
    answered(
        answer,
        vec![("error", error.at_authorize().to_owned()), ("error_description", error.description(tenant, id).0)],
    )
}

/// Takes the browser back to the client.
pub(super) fn answered(answer: &Answer, mut members: Vec<(&'static str, String)>) -> Reply {
    members.extend(answer.state.clone().map(|state| ("state", state)));
    let joined = || {
        let pairs = members.iter().map(|(name, value)| format!("{name}={}", encoded(value)));
        pairs.collect::<Vec<_>>().join("&")
    };
    let address = match answer.mode {
        ResponseMode::FormPost => return form_post(&answer.address, &members).reply(200),
        ResponseMode::Fragment => format!("{}#{}", answer.address, joined()),
        ResponseMode::Query => {
            let joint = if answer.address.contains('?') { '&' } else { '?' };
            format!("{}{joint}{}", answer.address, joined())
        }
    };
    Reply::empty(302).with("location", address).with("cache-control", "no-store").with("referrer-policy", "no-referrer")
}
