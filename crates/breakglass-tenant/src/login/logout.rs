//! Signing out of the browser.

use super::browser::signed_out;
use super::client::platform;
use super::pages::Page;
use crate::call::{Call, Reply, encoded, member, pairs};
use crate::jwt;
use crate::sign_in::Client;
use crate::state::text;
use crate::tenant::Tenant;

/// Ends the session of the browser, and takes it back to the client where that is one of its addresses.
pub(super) fn answer(tenant: &Tenant, call: &Call) -> Reply {
    let mut asked = pairs(&call.query).unwrap_or_default();
    asked.extend(call.form().filter(|_| call.method == "POST").unwrap_or_default());
    let of_hint = member(&asked, "id_token_hint").and_then(|hint| audience(tenant, hint));
    let id = member(&asked, "client_id").or(of_hint.as_deref());
    let client = id.and_then(|id| Client::find(&tenant.state.read(), id));
    let back = member(&asked, "post_logout_redirect_uri");
    let known = client.zip(back).filter(|(client, back)| platform(tenant, client, back).is_some());
    let reply = match known {
        Some((_, back)) => {
            let state = member(&asked, "state")
                .map(|state| format!("{}state={}", if back.contains('?') { '&' } else { '?' }, encoded(state)));
            Reply::empty(302).with("location", format!("{back}{}", state.unwrap_or_default()))
        }
        None => Page::new(
            "You signed out of your account",
            "<p>It's a good idea to close all browser windows.</p>".to_owned(),
        )
        .reply(200),
    };
    signed_out(tenant, call, reply)
}

/// The client that an id token of this tenant was for, however long ago.
fn audience(tenant: &Tenant, token: &str) -> Option<String> {
    let claims = tenant.keys.published(tenant.clock.now(), |keys| jwt::verified(token, keys)).ok()?;
    text(&claims, "aud").map(str::to_owned)
}

/// Where programs are answered that read the address of the page.
pub(super) fn native() -> Reply {
    Page::new("Signed in", "<p>You may now close this window.</p>".to_owned()).reply(200)
}
