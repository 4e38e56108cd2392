//! Passkeys on the pages: in place of a password, besides it, and when one is made.
//!
//! **Invariant:** a challenge belongs to one visit and one purpose, and is used once, whatever comes of it.

use breakglass_model::snapshot::Resource;
use breakglass_model::strength::Modes;
use serde_json::Value;

use super::error::StsError;
use super::flows::{Person, Purpose, Visit};
use super::pages::{Page, error, escaped, form, hidden};
use super::visit::{ADDRESS, FAILURE_COUNT_MAX, Step, failed, refused, shown_text};
use crate::call::{Reply, member};
use crate::sign_in::methods::{Kind, Method};
use crate::sign_in::passkeys::{self, Fido2Policy, NotUsed, PasskeyError, Used};
use crate::sign_in::{Decided, first_factor};
use crate::state::{Object, text};
use crate::webauthn::Assertion;

/// What the page does with the browser's passkeys.
const SCRIPT: &str = include_str!("passkey.js");
/// What a browser sends when a passkey was used.
const USED: [&str; 5] = ["credential", "clientDataJSON", "authenticatorData", "signature", "userHandle"];
/// What it sends when one was made.
const MADE: [&str; 3] = ["credential", "clientDataJSON", "attestationObject"];

/// A page that asks the browser for a passkey.
pub(super) struct Asking<'a> {
    pub(super) title: &'static str,
    /// What is asked, as HTML.
    pub(super) text: &'a str,
    pub(super) wrong: Option<&'a str>,
    /// What the browser is given.
    pub(super) options: &'a Value,
    /// Whether a passkey is made.
    pub(super) is_new: bool,
    /// Forms that lead to other ways, as HTML.
    pub(super) others: &'a str,
}

impl Step<'_> {
    /// Whether the browser is at the one name of this machine for which it uses passkeys.
    fn is_at_localhost(&self) -> bool {
        let host = self.call.header("host").unwrap_or_default();
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        name.eq_ignore_ascii_case(passkeys::RP_ID)
    }

    /// The way to passkeys on the first page, as HTML; nothing where the tenant has them switched off.
    pub(super) fn passkey_way(&self, id: &str, visit: &Visit) -> String {
        if !Fido2Policy::of(&self.tenant.state.read()).is_enabled() {
            return String::new();
        }
        if self.is_at_localhost() {
            return form((ADDRESS, "passkey", "Sign in with a passkey"), &hidden("ctx", id));
        }
        self.to_localhost(visit)
    }

    /// Where the pages begin again so that passkeys work, as HTML.
    pub(super) fn to_localhost(&self, visit: &Visit) -> String {
        let address = format!("{}{}", self.tenant.addresses.localhost(), visit.begins);
        format!(
            "<p class=\"note\">Browsers use passkeys for a name only, and this page is at an address. \
             <a href=\"{}\">Go on at localhost to use a passkey</a></p>",
            escaped(&address)
        )
    }

    /// The page that asks the browser; where it could not, one that leads to where it can.
    pub(super) fn ask_browser(&self, (id, visit): (&str, &Visit), asking: &Asking<'_>) -> Reply {
        let wrong = error(asking.wrong);
        if !self.is_at_localhost() {
            let body = format!("{wrong}{}{}{}", asking.text, self.to_localhost(visit), asking.others);
            return Page::new(asking.title, body).reply(200);
        }
        let (does, ceremony, names, label) = if asking.is_new {
            ("create", "create", &MADE[..], "Create a passkey")
        } else {
            ("use", "get", &USED[..], "Use my passkey")
        };
        let fields: String = names.iter().map(|name| hidden(name, "")).collect();
        let body = format!(
            "{wrong}{}<form id=\"passkey\" method=\"post\" action=\"{ADDRESS}\" data-ceremony=\"{ceremony}\" \
             data-options=\"{}\">{}{}{fields}<button id=\"ask\" type=\"button\">{label}</button></form>\
             <p id=\"wrong\" class=\"error\" role=\"alert\" hidden></p><noscript><p class=\"error\">Passkeys need \
             scripts, and this browser runs none here. Choose another way.</p></noscript>{}",
            asking.text,
            escaped(&asking.options.to_string()),
            hidden("ctx", id),
            hidden("do", does),
            asking.others,
        );
        Page { title: asking.title, body, script: Some(SCRIPT) }.reply(200)
    }

    /// Asks for a passkey, whosever it is, in place of a password.
    pub(super) fn passkey_instead(&self, id: &str, visit: Visit) -> Reply {
        let mut visit = Visit { person: None, ..visit }.forgotten();
        let Ok(challenge) = visit.challenged(Purpose::First, self.tenant.clock.now()) else { return failed() };
        let options = passkeys::request_options(&challenge, &[]);
        let back = form((ADDRESS, "other", "Sign in another way"), &hidden("ctx", id));
        let text = format!("<p class=\"note\">to continue to {}</p>", escaped(&visit.client.name));
        let asking = Asking {
            title: "Sign in with a passkey",
            text: &text,
            wrong: None,
            options: &options,
            is_new: false,
            others: &back,
        };
        self.keep(id, visit, |step, id, visit| step.ask_browser((id, visit), &asking))
    }

    /// Asks for a passkey of somebody who has shown something already.
    pub(super) fn passkey_besides(
        &self,
        id: &str,
        mut visit: Visit,
        (user, useful, wrong): (&Object, &[Method], Option<&str>),
    ) -> Reply {
        let Ok(challenge) = visit.challenged(Purpose::Second, self.tenant.clock.now()) else { return failed() };
        let known = passkeys::of_user(&self.tenant.state.read(), user);
        let options = passkeys::request_options(&challenge, &known);
        let others = Self::other_ways(id, useful, Some(Kind::Passkey));
        let asking = Asking {
            title: "Verify your identity",
            text: "<p>Use the passkey of your account.</p>",
            wrong,
            options: &options,
            is_new: false,
            others: &others,
        };
        self.keep(id, visit, |step, id, visit| step.ask_browser((id, visit), &asking))
    }

    /// A passkey was used.
    pub(super) fn passkey_used(&self, id: &str, mut visit: Visit, sent: &[(String, String)]) -> Reply {
        let now = self.tenant.clock.now();
        let answered = visit.answered(now).filter(|(purpose, _)| *purpose != Purpose::Registration);
        let person = visit.person.clone();
        let who = person.as_ref().map(|person| person.user.as_str());
        let checked = match answered {
            None => Err((None, PasskeyError::Webauthn(crate::webauthn::WebauthnError::Challenge))),
            Some((purpose, _)) if (purpose == Purpose::Second) != who.is_some() => Err((None, PasskeyError::Unknown)),
            Some((_, challenge)) => self.passkey_checked(who, (&challenge, sent)),
        };
        let checked = checked.and_then(|user| match first_factor::is_open(&user) {
            Ok(()) => Ok(user),
            Err(_) => Err((text(&user, "id").map(str::to_owned), PasskeyError::Closed)),
        });
        match checked {
            Ok(user) => {
                let id_of_user = text(&user, "id").unwrap_or_default();
                let shown = person.unwrap_or_else(|| Person::of(id_of_user, Modes::default(), now));
                visit.asked = None;
                visit.person = Some(shown.with(Kind::Passkey.mode(), now));
                self.next(id, visit)
            }
            Err((user, why)) => self.passkey_refused(id, visit, (user, &why)),
        }
    }

    fn passkey_checked(
        &self,
        who: Option<&str>,
        (challenge, sent): (&[u8], &[(String, String)]),
    ) -> Result<Object, NotUsed> {
        let part = |name: &str| member(sent, name).and_then(passkeys::decoded).unwrap_or_default();
        let (client_data, data, signature) = (part("clientDataJSON"), part("authenticatorData"), part("signature"));
        let handle = part("userHandle");
        let assertion = Assertion { client_data: &client_data, authenticator_data: &data, signature: &signature };
        let user_handle = (!handle.is_empty()).then_some(handle.as_slice());
        let credential = member(sent, "credential").unwrap_or_default();
        passkeys::used(self.tenant, who, (challenge, Used { credential, assertion, user_handle }))
    }

    /// A passkey was not taken: that is written down, and something else may be tried.
    fn passkey_refused(&self, id: &str, mut visit: Visit, (user, why): (Option<String>, &PasskeyError)) -> Reply {
        let error = match why {
            PasskeyError::Closed => StsError::of(50_057),
            _ => {
                let sentence = format!("Authentication failed during strong authentication request: {why}.");
                StsError { text: Some(sentence), ..StsError::of(500_121) }
            }
        };
        let known = visit.person.as_ref().map(|person| person.user.clone());
        let user = known.or(user).and_then(|id| self.tenant.state.read().object(Resource::Users, &id).cloned());
        let name = user.as_ref().and_then(|user| text(user, "userPrincipalName")).unwrap_or_default().to_owned();
        let attempt = self.attempt(&visit);
        if !self.log(user.as_ref(), (&name, &attempt, &Decided::unasked()), Some(&error)) {
            return failed();
        }
        visit.failures += 1;
        if visit.failures >= FAILURE_COUNT_MAX {
            return refused(&error);
        }
        let wrong = shown_text(&error);
        let Some(user) = user.filter(|_| visit.person.is_some()) else {
            return self.keep(id, visit, |step, id, visit| step.first(id, visit, Some(&wrong)));
        };
        let useful = self.useful(&visit, &user);
        self.passkey_besides(id, visit, (&user, &useful, Some(&wrong)))
    }
}
