//! A browser: by what it is known while somebody signs in, and who is signed in in it.

use breakglass_model::snapshot::Resource;
use jiff::SignedDuration;

use super::flows::Person;
use super::issue::digest;
use super::token::is_carried_on;
use crate::call::{Call, Reply};
use crate::random;
use crate::state::{Change, Object, Session, StateError};
use crate::tenant::Tenant;

/// Hours for which a browser is signed in, from when it was last used.
const HOURS: i64 = 24;
/// Hours for which one is that keeps somebody signed in.
const HOURS_KEPT: i64 = 90 * 24;

/// Who is signed in in a browser.
pub(super) struct SignedIn {
    pub(super) user: Object,
    pub(super) person: Person,
    /// Whether they are kept signed in when the browser is closed.
    pub(super) keeps: bool,
}

/// The name of the cookie of a browser that is signed in.
fn signed_in_cookie(tenant: &Tenant) -> String {
    format!("ESTSAUTH-{}", tenant.id().chars().take(8).collect::<String>())
}

/// The name of the cookie by which a browser is known while somebody signs in.
pub(super) fn begun(tenant: &Tenant) -> String {
    format!("esctx-{}", tenant.id().chars().take(8).collect::<String>())
}

/// The cookie of a name that a browser sends.
pub(super) fn cookie<'c>(call: &'c Call, name: &str) -> Option<&'c str> {
    let all = call.headers.iter().filter(|(header, _)| header == "cookie");
    let mut pairs = all.flat_map(|(_, value)| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
}

/// Who is signed in to the tenant in this browser.
pub(super) fn signed_in(tenant: &Tenant, call: &Call) -> Option<SignedIn> {
    let token = cookie(call, &signed_in_cookie(tenant))?;
    let directory = tenant.state.read();
    let session = directory.session(&digest(token)).filter(|session| session.client.is_empty())?;
    let user = directory.object(Resource::Users, &session.user)?;
    let is_good = tenant.clock.now() < session.until && is_carried_on(user, session.shown.first).is_ok();
    let keeps = session.until.duration_since(session.begun) > SignedDuration::from_hours(HOURS);
    is_good.then(|| SignedIn { user: user.clone(), person: Person::of_session(session), keeps })
}

/// Signs somebody in in this browser, in place of whoever was; the cookie for it. `None` where that cannot be kept.
pub(super) fn sign_in(tenant: &Tenant, call: &Call, (person, keeps): (&Person, bool)) -> Option<String> {
    let now = tenant.clock.now();
    let token = random::token().ok()?;
    let hours = if keeps { HOURS_KEPT } else { HOURS };
    let session = Session {
        user: person.user.clone(),
        client: String::new(),
        modes: person.modes,
        is_device_code: false,
        is_single_page: false,
        is_confidential: false,
        scope: String::new(),
        shown: person.shown,
        begun: now,
        until: now.checked_add(SignedDuration::from_hours(hours)).ok()?,
    };
    let name = signed_in_cookie(tenant);
    let (kept, before) = (digest(&token), cookie(call, &name).map(digest));
    let keep = tenant.state.write(|directory| {
        let over = directory.sessions_over(now).into_iter().chain(before).map(Change::RemoveSession);
        Ok::<_, StateError>((over.chain([Change::PutSession(kept, session)]).collect(), ()))
    });
    let lasts = if keeps { format!("; Max-Age={}", hours * 3_600) } else { String::new() };
    keep.is_ok().then(|| format!("{name}={token}; Path=/; Secure; HttpOnly; SameSite=Lax{lasts}"))
}

/// Forgets that anybody is signed in in this browser.
pub(super) fn signed_out(tenant: &Tenant, call: &Call, reply: Reply) -> Reply {
    let name = signed_in_cookie(tenant);
    if let Some(token) = cookie(call, &name) {
        let over = digest(token);
        // A cookie that is gone from the browser and still known here is of no use to anybody.
        drop(tenant.state.write(|_| Ok::<_, StateError>((vec![Change::RemoveSession(over)], ()))));
    }
    reply.with("set-cookie", format!("{name}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"))
}
