//! Somebody on the pages: from the first form to the code that the client gets.
//!
//! **Invariant:** a form goes on only in the browser that began it: its hidden id and the browser's cookie have to
//! belong together.

use breakglass_model::snapshot::Resource;

use super::authorize::{answered, error_answered};
use super::browser::{self, cookie};
use super::client::{Platform, is_assigned};
use super::error::StsError;
use super::flows::{Answer, Goal, PasswordChange, Person, Visit};
use super::issue::{delegated, digest};
use super::pages::{Page, error, escaped};
use super::token::is_carried_on;
use crate::audit::{self, Activity};
use crate::call::{Call, Reply, member};
use crate::faults;
use crate::random;
use crate::sign_in::methods::{self, Kind, Method, Sent};
use crate::sign_in::{Attempt, Decided, Device, Given, TOO_LONG_AGO, decide, first_factor, passkeys, record, terms};
use crate::state::{Directory, Log, Object, Shown, StateError, text};
use crate::tenant::Tenant;

/// Where the forms of the pages go.
pub(super) const ADDRESS: &str = "/common/login";
/// Proofs that may fail in one visit.
pub(super) const FAILURE_COUNT_MAX: u32 = 5;
/// The code of a browser whose sign-in is too long ago.
const EXPIRED: u32 = 70_044;

/// A request of somebody on the pages.
pub(super) struct Step<'a> {
    pub(super) tenant: &'a Tenant,
    pub(super) call: &'a Call,
}

impl Step<'_> {
    /// Begins a visit.
    pub(super) fn begin(&self, mut visit: Visit, go: impl FnOnce(&Self, &str, Visit) -> Reply) -> Reply {
        let name = browser::begun(self.tenant);
        let (Ok(id), Ok(new)) = (random::token(), random::token()) else { return failed() };
        let known = cookie(self.call, &name).filter(|known| known.len() == new.len()).map(str::to_owned);
        let browser = known.unwrap_or(new);
        visit.browser = digest(&browser);
        go(self, &id, visit).with("set-cookie", format!("{name}={browser}; Path=/; Secure; HttpOnly; SameSite=Lax"))
    }

    /// Goes on with a visit: a form was sent.
    pub(super) fn go_on(&self) -> Reply {
        let now = self.tenant.clock.now();
        if faults::is_token_service_down(&self.tenant.state.read()) {
            return refused(&StsError::of(90_033));
        }
        let Some(sent) = self.call.form() else { return refused(&StsError::of(9_002_313)) };
        let id = member(&sent, "ctx").unwrap_or_default();
        let browser = cookie(self.call, &browser::begun(self.tenant)).unwrap_or_default();
        let Some(visit) = self.tenant.flows.visit((id, browser), now) else {
            let text = "This sign-in is over: it took too long, was finished, or was begun in another browser. Go back \
                        to the application and sign in again.";
            return refused(&StsError { text: Some(text.to_owned()), ..StsError::of(90_013) });
        };
        let asked = member(&sent, "do");
        // What has ended whoever is in the middle of it is not told to anybody who begins anew.
        let begins = matches!(asked, None | Some("signin" | "other" | "passkey"));
        let visit = match self.ended(&visit).filter(|_| !begins) {
            Some(why) => return self.over(id, visit, why),
            None => visit,
        };
        let is_possible = match asked {
            Some("continue" | "ways" | "choose" | "register" | "accept") => visit.person.is_some(),
            Some("verify") => visit.person.is_some() && visit.asked.is_some(),
            Some("change") => visit.person.is_some() && visit.change.is_some(),
            Some("enroll") => visit.person.is_some() && visit.new_key.is_some(),
            _ => true,
        };
        if !is_possible {
            let wrong = shown_text(&StsError::of(90_013));
            let visit = Visit { person: None, ..visit }.forgotten();
            return self.keep(id, visit, |step, id, visit| step.first(id, visit, Some(&wrong)));
        }
        match asked {
            Some("accept") => self.terms_accepted(id, visit),
            Some("other") => self.began(id, Visit { person: None, ..visit }.forgotten()),
            Some("continue") if visit.person.is_some() => self.next(id, Visit { is_confirmed: true, ..visit }),
            Some("ways") if visit.person.is_some() => self.next(id, visit),
            Some("choose") => self.chosen(id, visit, member(&sent, "method").unwrap_or_default()),
            Some("verify") => self.verified(id, visit, member(&sent, "otc").unwrap_or_default()),
            Some("passkey") => self.passkey_instead(id, visit),
            Some("use") => self.passkey_used(id, visit, &sent),
            Some("change") => self.password_changed(id, visit, &sent),
            Some("register") => self.register(id, visit, member(&sent, "method").unwrap_or_default()),
            Some("enroll") => self.app_enrolled(id, visit, member(&sent, "otc").unwrap_or_default()),
            Some("create") => self.passkey_created(id, visit, &sent),
            _ => self.password(id, visit, &sent),
        }
    }

    /// What has happened to somebody since they showed who they are, if that ends it.
    fn ended(&self, visit: &Visit) -> Option<(Object, StsError)> {
        let person = visit.person.as_ref()?;
        let user = self.tenant.state.read().object(Resource::Users, &person.user).cloned();
        let Some(user) = user else { return Some((Object::new(), StsError::of(50_034))) };
        let error = is_carried_on(&user, person.shown.first).err()?;
        Some((user, error))
    }

    /// Begins anew with whoever was in the middle of it when it was ended.
    fn over(&self, id: &str, visit: Visit, (user, why): (Object, StsError)) -> Reply {
        let attempt = self.attempt(&visit);
        let name = text(&user, "userPrincipalName").unwrap_or_default();
        if !self.log(Some(&user), (name, &attempt, &Decided::unasked()), Some(&why)) {
            return failed();
        }
        let visit = Visit { person: None, login_hint: Some(name.to_owned()), ..visit }.forgotten();
        self.keep(id, visit, |step, id, visit| step.first(id, visit, Some(&shown_text(&why))))
    }

    /// Shows a page of a visit that goes on.
    pub(super) fn keep(&self, id: &str, visit: Visit, page: impl FnOnce(&Self, &str, &Visit) -> Reply) -> Reply {
        let reply = page(self, id, &visit);
        self.tenant.flows.keep_visit(id, visit, self.tenant.clock.now());
        reply
    }

    /// Nobody is known so far.
    pub(super) fn began(&self, id: &str, visit: Visit) -> Reply {
        self.keep(id, visit, |step, id, visit| step.first(id, visit, None))
    }

    fn password(&self, id: &str, visit: Visit, sent: &[(String, String)]) -> Reply {
        let mut visit = Visit { person: None, ..visit }.forgotten();
        let name = member(sent, "login").unwrap_or_default().trim();
        let password = member(sent, "passwd").unwrap_or_default();
        visit.login_hint = Some(name.chars().take(320).collect());
        visit.keeps = member(sent, "kmsi").is_some();
        let user = self.tenant.state.read().user_by_name(name).cloned();
        let shown = match &user {
            None => Err(StsError::of(50_034)),
            Some(user) => first_factor::shown(self.tenant, user, (password, self.call.remote, true)),
        };
        match (shown, user) {
            (Ok(modes), Some(user)) => {
                let id_of_user = text(&user, "id").unwrap_or_default();
                visit.person = Some(Person::of(id_of_user, modes, self.tenant.clock.now()));
                self.next(id, visit)
            }
            (Err(error), Some(user)) if error.code == 50_055 => self.password_to_change(id, visit, &user),
            (Err(error), user) => {
                let attempt = self.attempt(&visit);
                let is_logged = self.log(user.as_ref(), (name, &attempt, &Decided::unasked()), Some(&error));
                let wrong = if is_logged { shown_text(&error) } else { NOT_LOGGED.to_owned() };
                self.keep(id, visit, |step, id, visit| step.first(id, visit, Some(&wrong)))
            }
            (Ok(_), None) => failed(),
        }
    }

    /// What comes after something was proved.
    pub(super) fn next(&self, id: &str, mut visit: Visit) -> Reply {
        let Some(person) = visit.person.clone() else { return failed() };
        let now = self.tenant.clock.now();
        let Some(user) = self.tenant.state.read().object(Resource::Users, &person.user).cloned() else {
            return refused(&StsError::of(50_034));
        };
        let name = text(&user, "userPrincipalName").unwrap_or_default().to_owned();
        let attempt = self.attempt(&visit);
        if let Err(error) = self.may_use(&visit, &user) {
            let is_logged = self.log(Some(&user), (&name, &attempt, &Decided::unasked()), Some(&error));
            return if is_logged { refused(&error) } else { failed() };
        }
        let decided = decide(&self.tenant.state.read(), &user, &attempt, now);
        let Some(code) = decided.refused else {
            if visit.change.is_some() {
                return self.keep(id, visit, |_, id, _| Self::change_page(id, None));
            }
            if visit.is_device_code() && !visit.is_confirmed {
                if !self.log(Some(&user), (&name, &attempt, &decided), Some(&StsError::of(50_199))) {
                    return failed();
                }
                return self.keep(id, visit, Self::confirm);
            }
            if !self.log(Some(&user), (&name, &attempt, &decided), None) {
                return failed();
            }
            return self.finished(Visit { keeps: decided.keeps_browser.unwrap_or(visit.keeps), ..visit }, person);
        };
        let error = StsError { policies: decided.policies.clone(), ..StsError::of(code) };
        if code == TOO_LONG_AGO {
            return self.again(id, visit, (&user, &decided));
        }
        if !decided.can_be_proved {
            self.log(Some(&user), (&name, &attempt, &decided), Some(&error));
            return refused(&error);
        }
        if let Some(gives) = self.gives(&visit, &user) {
            let interrupt = StsError { policies: decided.policies.clone(), ..StsError::of(code) };
            if !self.log(Some(&user), (&name, &attempt, &decided), Some(&interrupt)) {
                return failed();
            }
            return if gives.new_password {
                visit.change = Some(PasswordChange::Now);
                self.keep(id, visit, |_, id, _| Self::change_page(id, None))
            } else {
                let terms = terms::asked(&self.tenant.state.read(), &decided.policies, &person.user);
                self.keep(id, visit, |_, id, _| Self::terms_page(id, &terms))
            };
        }
        let useful = self.useful(&visit, &user);
        let Some(method) = useful.first() else {
            let error = StsError::of(50_079);
            if !self.log(Some(&user), (&name, &attempt, &decided), Some(&error)) {
                return failed();
            }
            return self.more_required(id, visit, &user);
        };
        let interrupt = StsError { policies: decided.policies.clone(), ..StsError::of(50_074) };
        if !self.log(Some(&user), (&name, &attempt, &decided), Some(&interrupt)) {
            return failed();
        }
        let method = method.id.clone();
        self.chosen(id, visit, &method)
    }

    /// Whether a user may use the client at all.
    fn may_use(&self, visit: &Visit, user: &Object) -> Result<(), StsError> {
        let directory = self.tenant.state.read();
        is_assigned(&directory, &visit.client, user)?;
        delegated(&directory, &visit.client, (user, &visit.scope)).map(drop)
    }

    /// What a user has to give now, if the sign-in goes on with it: that they accept the terms of use, or a new password
    /// after the second proof.
    fn gives(&self, visit: &Visit, user: &Object) -> Option<Given> {
        let (attempt, now) = (self.attempt(visit), self.tenant.clock.now());
        let directory = self.tenant.state.read();
        let helps = |gives: &Given| {
            decide(&directory, user, &Attempt { gives: *gives, ..attempt.clone() }, now).refused.is_none()
        };
        let terms = Given { terms: true, new_password: false };
        [terms, Given { new_password: true, terms: true }].into_iter().find(helps)
    }

    /// The terms of use were accepted.
    fn terms_accepted(&self, id: &str, visit: Visit) -> Reply {
        let Some(person) = visit.person.clone() else { return failed() };
        let user = self.tenant.state.read().object(Resource::Users, &person.user).cloned();
        let Some(user) = user else { return refused(&StsError::of(50_034)) };
        let now = self.tenant.clock.now();
        let decided = decide(&self.tenant.state.read(), &user, &self.attempt(&visit), now);
        let activity =
            Activity { name: "Accept Terms Of Use", category: "Policy", service: "Terms Of Use", reason: "" };
        let Ok(record) = audit::record_of_own(now, &user, (activity, self.call.remote)) else { return failed() };
        let begun = self.tenant.state.begin(|directory| {
            let asked = terms::asked(directory, &decided.policies, &person.user).into_iter();
            let kept = asked.map(|(agreement, _)| terms::accepted(&person.user, &agreement, now));
            Ok::<_, StateError>((kept.collect(), ()))
        });
        let is_kept = begun.and_then(|(mut writing, ())| {
            writing.tell(record);
            writing.commit()
        });
        if is_kept.is_err() {
            return failed();
        }
        self.next(id, visit)
    }

    /// What was shown in this browser is too long ago: everything is asked for again.
    fn again(&self, id: &str, visit: Visit, (user, decided): (&Object, &Decided)) -> Reply {
        let name = text(user, "userPrincipalName").unwrap_or_default();
        let attempt = self.attempt(&visit);
        let error = StsError::of(EXPIRED);
        if !self.log(Some(user), (name, &attempt, decided), Some(&error)) {
            return failed();
        }
        let visit = Visit { person: None, login_hint: Some(name.to_owned()), ..visit }.forgotten();
        self.keep(id, visit, |step, id, visit| step.first(id, visit, Some(&shown_text(&error))))
    }

    /// The methods of a user with which this sign-in would succeed.
    pub(super) fn useful(&self, visit: &Visit, user: &Object) -> Vec<Method> {
        let now = self.tenant.clock.now();
        let attempt = self.attempt(visit);
        let directory: &Directory = &self.tenant.state.read();
        let helps = |method: &Method| {
            let modes = attempt.modes.with(method.kind.mode());
            let shown = Shown { last: now, ..attempt.shown };
            let gives = Given { new_password: true, terms: true };
            decide(directory, user, &Attempt { modes, shown, gives, ..attempt.clone() }, now).refused.is_none()
        };
        let is_usable =
            |method: &Method| method.kind != Kind::Passkey || passkeys::is_usable_method(directory, user, &method.id);
        let mut useful: Vec<Method> =
            methods::methods(directory, user).into_iter().filter(is_usable).filter(helps).collect();
        // Whichever of the passkeys it is, the browser asks.
        useful.dedup_by(|one, other| one.kind == Kind::Passkey && other.kind == Kind::Passkey);
        useful
    }

    /// Asks a method of the user for proof.
    fn chosen(&self, id: &str, mut visit: Visit, method: &str) -> Reply {
        let Some(person) = &visit.person else { return failed() };
        let user = self.tenant.state.read().object(Resource::Users, &person.user).cloned();
        let Some(user) = user else { return refused(&StsError::of(50_034)) };
        let useful = self.useful(&visit, &user);
        let Some(chosen) = useful.iter().find(|known| known.id == method).cloned() else {
            return refused(&StsError::of(50_079));
        };
        let sent = match chosen.kind {
            Kind::Passkey => {
                visit.asked = Some((chosen, None));
                return self.passkey_besides(id, visit, (&user, &useful, None));
            }
            Kind::Oath => None,
            Kind::Sms | Kind::Push if faults::is_out(&self.tenant.state.read(), chosen.kind) => {
                visit.asked = Some((chosen, None));
                return self.out(id, visit, (&user, &useful));
            }
            Kind::Sms | Kind::Push => match self.sent(&user, (&chosen, &visit)) {
                Some(sent) => Some(sent),
                None => return failed(),
            },
        };
        visit.asked = Some((chosen, sent));
        self.keep(id, visit, |step, id, visit| step.second(id, (visit, &useful), None))
    }

    /// Sends a message or a notification; `None` where that fails.
    fn sent(&self, user: &Object, (method, visit): (&Method, &Visit)) -> Option<Sent> {
        let sent = methods::send(self.tenant, user, (method, &visit.client.name)).ok()?;
        if method.kind == Kind::Push {
            self.tenant.flows.notified(&sent.id, self.tenant.clock.now());
        }
        Some(sent)
    }

    /// The service that a method needs does not answer; another method may do.
    fn out(&self, id: &str, visit: Visit, (user, useful): (&Object, &[Method])) -> Reply {
        let error = StsError::of(500_121);
        if !self.log_proof(&visit, user, &error) {
            return failed();
        }
        self.keep(id, visit, |step, id, visit| step.second(id, (visit, useful), Some(&shown_text(&error))))
    }

    fn verified(&self, id: &str, mut visit: Visit, code: &str) -> Reply {
        let (Some(person), Some((method, sent))) = (visit.person.clone(), visit.asked.clone()) else { return failed() };
        let (tenant, now) = (self.tenant, self.tenant.clock.now());
        if faults::is_out(&tenant.state.read(), method.kind) {
            let user = tenant.state.read().object(Resource::Users, &person.user).cloned();
            let Some(user) = user else { return refused(&StsError::of(50_034)) };
            let useful = self.useful(&visit, &user);
            return self.out(id, visit, (&user, &useful));
        }
        let approval = sent.as_ref().filter(|_| method.kind == Kind::Push).map(|sent| tenant.flows.approval(&sent.id));
        if approval == Some(None) {
            let user = tenant.state.read().object(Resource::Users, &person.user).cloned();
            let Some(user) = user else { return refused(&StsError::of(50_034)) };
            let useful = self.useful(&visit, &user);
            let wrong = "We have not received your approval so far. Enter the number in your app, then go on.";
            return self.keep(id, visit, |step, id, visit| step.second(id, (visit, &useful), Some(wrong)));
        }
        let counter = format!("{}#second", person.user);
        let is_locked = tenant.lockout.is_locked(&counter, self.call.remote, now);
        let is_right = !is_locked
            && match (method.kind, &sent) {
                (Kind::Oath, _) => methods::is_code_of_app(tenant, &person.user, (&method, code)),
                (Kind::Sms, Some(sent)) => is_same(&sent.code, code.trim()),
                (Kind::Push, Some(sent)) => approval.flatten().is_some_and(|number| is_same(&sent.code, &number)),
                _ => false,
            };
        if is_right {
            tenant.lockout.succeeded(&counter, self.call.remote);
            visit.asked = None;
            visit.person = Some(person.with(method.kind.mode(), now));
            return self.next(id, visit);
        }
        // Codes are tried by the hundred: each failure counts, whatever was typed.
        let tried = format!("{code}{}", now.as_nanosecond());
        let is_locked = !tenant.lockout.failed(&counter, self.call.remote, (&tried, now));
        visit.failures += 1;
        let error = StsError::of(if is_locked { 50_053 } else { 500_121 });
        let user = tenant.state.read().object(Resource::Users, &person.user).cloned();
        let Some(user) = user.filter(|user| self.log_proof(&visit, user, &error)) else { return failed() };
        if visit.failures >= FAILURE_COUNT_MAX || is_locked {
            return refused(&error);
        }
        if method.kind == Kind::Push {
            // That one is answered: another number, another notification.
            let Some(sent) = self.sent(&user, (&method, &visit)) else { return failed() };
            visit.asked = Some((method, Some(sent)));
        }
        let useful = self.useful(&visit, &user);
        self.keep(id, visit, |step, id, visit| step.second(id, (visit, &useful), Some(&shown_text(&error))))
    }

    /// Everything is proved: the client gets its code, or the device is let in, and the browser is signed in.
    fn finished(&self, visit: Visit, person: Person) -> Reply {
        let (tenant, now) = (self.tenant, self.tenant.clock.now());
        let Some(cookie) = browser::sign_in(tenant, self.call, (&person, visit.keeps)) else { return failed() };
        let reply = match &visit.goal {
            Goal::Device(device) => {
                if !tenant.flows.let_in(device, (person, now)) {
                    return refused(&StsError::of(70_019));
                }
                let note = format!(
                    "<p>You have signed in to the {} application on your device. You may now close this window.</p>",
                    escaped(&visit.client.name)
                );
                Page::new("Signed in", note).reply(200)
            }
            Goal::Authorize(answer) => {
                let answer: &Answer = answer;
                let code = tenant.flows.code((&visit.client, &visit.scope), (person, answer.clone()), now);
                match code {
                    Ok(code) => answered(answer, vec![("code", code), ("session_state", visit.correlation_id.clone())]),
                    Err(_) => return failed(),
                }
            }
        };
        reply.with("set-cookie", cookie)
    }

    /// Goes on without asking anything; the client is told what would have to be asked.
    pub(super) fn silently(&self, visit: Visit, answer: &Answer) -> Reply {
        let now = self.tenant.clock.now();
        let user = visit
            .person
            .as_ref()
            .and_then(|person| self.tenant.state.read().object(Resource::Users, &person.user).cloned());
        let Some(user) = user else { return failed() };
        let attempt = self.attempt(&visit);
        let decided = decide(&self.tenant.state.read(), &user, &attempt, now);
        let error = match (self.may_use(&visit, &user), decided.refused) {
            (Err(error), _) => error,
            (Ok(()), None) => return self.next("", visit),
            (Ok(()), Some(TOO_LONG_AGO)) => StsError::of(EXPIRED),
            (Ok(()), Some(code)) => StsError { policies: decided.policies.clone(), ..StsError::of(code) },
        };
        let name = text(&user, "userPrincipalName").unwrap_or_default().to_owned();
        self.log(Some(&user), (&name, &attempt, &decided), Some(&error));
        error_answered(self.tenant, answer, (&error, &visit.correlation_id))
    }

    pub(super) fn attempt<'v>(&'v self, visit: &'v Visit) -> Attempt<'v> {
        Attempt {
            client: &visit.client,
            target: &visit.scope.target,
            user_action: None,
            remote: self.call.remote,
            user_agent: self.call.header("user-agent"),
            modes: visit.person.as_ref().map_or(breakglass_model::strength::Modes::default(), |person| person.modes),
            gives: visit.person.as_ref().map(|person| person.gives).unwrap_or_default(),
            targets_client: visit.scope.targets(&visit.client),
            asked: visit.asked.as_ref().map(|(method, _)| method.kind.mode()),
            shown: visit.person.as_ref().map_or_else(|| Shown::at(self.tenant.clock.now()), |person| person.shown),
            is_interactive: true,
            is_in_browser: visit.client.is_in_browser
                || matches!(&visit.goal, Goal::Authorize(answer) if answer.platform != Platform::Native),
            is_password_grant: false,
            is_device_code: visit.is_device_code(),
            is_stepped_up: visit.scope.steps_up || visit.change == Some(PasswordChange::AfterMfa),
            contexts: &visit.scope.contexts,
            context: None,
            profile: self.tenant.profile,
            correlation_id: &visit.correlation_id,
            device: Device::of(self.tenant, self.call),
        }
    }

    /// Writes the record of a second proof that was not shown, with what demands it; `false` if that fails.
    fn log_proof(&self, visit: &Visit, user: &Object, error: &StsError) -> bool {
        let attempt = self.attempt(visit);
        let decided = decide(&self.tenant.state.read(), user, &attempt, self.tenant.clock.now());
        let name = text(user, "userPrincipalName").unwrap_or_default();
        self.log(Some(user), (name, &attempt, &decided), Some(error))
    }

    /// Writes the record of an attempt; `false` if that fails.
    pub(super) fn log(
        &self,
        user: Option<&Object>,
        (name, attempt, decided): (&str, &Attempt<'_>, &Decided),
        error: Option<&StsError>,
    ) -> bool {
        let now = self.tenant.clock.now();
        let (code, reason) = error.map_or((0, ""), |error| (error.code, error.sentence()));
        let record = record(user, name, attempt, decided, (code, reason, now));
        record.is_ok_and(|record| self.tenant.state.log(Log::SignIns, &record).is_ok())
    }
}

/// Nobody signs in unseen.
const NOT_LOGGED: &str =
    "AADSTS90033: A transient error has occurred. The sign-in log cannot be written. Please try again.";

fn is_same(code: &str, typed: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(code.as_bytes(), typed.as_bytes()).is_ok()
}

pub(super) fn shown_text(error: &StsError) -> String {
    format!("AADSTS{}: {}", error.code, error.sentence())
}

/// The page of somebody who does not get any further.
pub(super) fn refused(why: &StsError) -> Reply {
    let mut body = error(Some(&shown_text(why)));
    if !why.policies.is_empty() {
        let policies = why.policies.join(", ");
        body +=
            &format!("<p class=\"note\">For whoever helps you: it is refused by policy {}.</p>", escaped(&policies));
    }
    Page::new("You cannot sign in right now", body).reply(if why.code == 90_013 { 400 } else { 200 })
}

/// The page that says that something went wrong.
pub(super) fn failed() -> Reply {
    Page::new("Something went wrong", error(Some(NOT_LOGGED))).reply(503)
}
