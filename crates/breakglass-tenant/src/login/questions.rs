//! The pages that ask somebody something: who they are, whether they are the one who wants this, and the second proof.
//!
//! Plain forms that work without scripts. What is sent back goes to [`super::visit`].

use breakglass_model::snapshot::Resource;

use super::flows::Visit;
use super::pages::{Page, error, escaped, form, hidden};
use super::visit::{ADDRESS, Step, failed};
use crate::call::Reply;
use crate::sign_in::methods::{Kind, Method};
use crate::state::text;

impl Step<'_> {
    /// The first page: who, and the password.
    pub(super) fn first(&self, id: &str, visit: &Visit, wrong: Option<&str>) -> Reply {
        let hint = visit.login_hint.as_deref().unwrap_or_default();
        let fields = format!(
            "{}{}<label for=\"login\">Sign-in name</label><input id=\"login\" name=\"login\" type=\"email\" value=\"{}\" \
             autocomplete=\"username\" required><label for=\"passwd\">Password or Temporary Access Pass</label>\
             <input id=\"passwd\" name=\"passwd\" type=\"password\" autocomplete=\"current-password\" required>\
             <label><input type=\"checkbox\" name=\"kmsi\" value=\"1\"> Keep me signed in</label>",
            error(wrong),
            hidden("ctx", id),
            escaped(hint),
        );
        let note = format!("<p class=\"note\">to continue to {}</p>", escaped(&visit.client.name));
        let body = note + &form((ADDRESS, "signin", "Sign in"), &fields) + &self.passkey_way(id, visit);
        Page::new("Sign in", body).reply(200)
    }

    /// The page that asks whether the person who is signed in is the one who wants this.
    pub(super) fn confirm(&self, id: &str, visit: &Visit) -> Reply {
        let person = visit.person.as_ref();
        let directory = self.tenant.state.read();
        let user = person.and_then(|person| directory.object(Resource::Users, &person.user));
        let name = user.and_then(|user| text(user, "userPrincipalName")).unwrap_or_default();
        let note = format!(
            "<p>Do you want to sign in to <b>{}</b> as {}? Only continue if you asked for it yourself.</p>",
            escaped(&visit.client.name),
            escaped(name),
        );
        let same = form((ADDRESS, "continue", "Continue"), &hidden("ctx", id));
        let other = form((ADDRESS, "other", "Use another account"), &hidden("ctx", id));
        Page::new("Pick an account", note + &same + &other).reply(200)
    }

    /// The page that asks for the second proof.
    pub(super) fn second(&self, id: &str, (visit, useful): (&Visit, &[Method]), wrong: Option<&str>) -> Reply {
        let Some((method, sent)) = &visit.asked else { return failed() };
        let code = "<input id=\"otc\" name=\"otc\" type=\"text\" inputmode=\"numeric\" autocomplete=\"one-time-code\" required>";
        let (ask, label) = match (method.kind, sent) {
            (Kind::Push, Some(sent)) => (
                format!(
                    "<p>Open your Authenticator app, and enter the number shown to sign in.</p><p class=\"number\">{}</p>",
                    sent.code
                ),
                "I have approved it",
            ),
            (Kind::Sms, _) => (
                format!(
                    "<label for=\"otc\">We texted your phone {}. Enter the code.</label>{code}",
                    escaped(&method.hint)
                ),
                "Verify",
            ),
            _ => (
                format!("<label for=\"otc\">Enter the code displayed in your authenticator app.</label>{code}"),
                "Verify",
            ),
        };
        let fields = format!("{}{}{ask}", error(wrong), hidden("ctx", id));
        let is_unsent = sent.is_none() && matches!(method.kind, Kind::Push | Kind::Sms);
        let mut body = if is_unsent {
            error(wrong) + "<p>We're sorry, we ran into a problem. Try again later, or use another way.</p>"
        } else {
            form((ADDRESS, "verify", label), &fields)
        };
        body += &Self::other_ways(id, useful, None);
        Page::new("Verify your identity", body).reply(200)
    }

    /// The page that asks somebody to accept the terms of use.
    pub(super) fn terms_page(id: &str, terms: &[(String, String)]) -> Reply {
        let names: String = terms.iter().map(|(_, name)| format!("<li>{}</li>", escaped(name))).collect();
        let text = format!("<p>Before you go on, your organization asks you to read and accept:</p><ul>{names}</ul>");
        let accept = form((ADDRESS, "accept", "Accept"), &hidden("ctx", id));
        let decline = form((ADDRESS, "other", "Decline"), &hidden("ctx", id));
        Page::new("Terms of use", text + &accept + &decline).reply(200)
    }

    /// Forms that lead to the methods of a user, without those of one kind.
    pub(super) fn other_ways(id: &str, useful: &[Method], without: Option<Kind>) -> String {
        let others = useful.iter().filter(|method| Some(method.kind) != without);
        let ways = others.map(|other| {
            let what = match other.kind {
                Kind::Push => "Approve a request on my Authenticator app".to_owned(),
                Kind::Oath => "Use a verification code".to_owned(),
                Kind::Sms => format!("Text {}", other.hint),
                Kind::Passkey => "Use a passkey".to_owned(),
            };
            form((ADDRESS, "choose", &what), &(hidden("ctx", id) + &hidden("method", &other.id)))
        });
        ways.collect()
    }
}
