//! Sign-ins that are under way: codes that wait to be redeemed, devices that wait for somebody, people who are half-way
//! through the pages. In memory: after a restart they begin again.
//!
//! **Limits:** [`FLOW_COUNT_MAX`] of each; the one that ends first makes room.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use breakglass_model::strength::Modes;
use jiff::{SignedDuration, Timestamp};

use super::client::Platform;
use super::issue::digest;
use super::scope::Scope;
use crate::random::{self, NoRandomness};
use crate::sign_in::methods::{Method, Sent};
use crate::sign_in::{Client, Given};
use crate::state::{Session, Shown};
use crate::totp::Base32;

/// Flows of one kind that are under way at a time.
pub(crate) const FLOW_COUNT_MAX: usize = 4_096;
/// Seconds for which an authorization code is good.
const CODE_SECONDS: i64 = 600;
/// Seconds for which a device waits.
pub(super) const DEVICE_SECONDS: i64 = 900;
/// Seconds in which somebody has to get through the pages.
const PAGES_SECONDS: i64 = 900;
/// Seconds in which a passkey has to answer.
const CHALLENGE_SECONDS: i64 = 300;
/// Letters of user codes: none that is taken for another.
const USER_CODE_LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// Who somebody turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    /// The id of the user.
    pub(super) user: String,
    pub(super) modes: Modes,
    /// When they showed it.
    pub(super) shown: Shown,
    /// What they gave besides.
    pub(super) gives: Given,
}

impl Person {
    /// Whoever shows something now.
    pub(super) fn of(user: &str, modes: Modes, now: Timestamp) -> Self {
        Self { user: user.to_owned(), modes, shown: Shown::at(now), gives: Given::default() }
    }

    /// Whoever shows something more.
    pub(super) fn with(self, modes: Modes, now: Timestamp) -> Self {
        Self { modes: self.modes.with(modes), shown: Shown { last: now, ..self.shown }, ..self }
    }

    /// Whose session it is.
    pub(super) fn of_session(session: &Session) -> Self {
        Self { user: session.user.clone(), modes: session.modes, shown: session.shown, gives: Given::default() }
    }
}

/// How an authorization request is to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) address: String,
    pub(super) platform: Platform,
    pub(super) mode: ResponseMode,
    pub(super) state: Option<String>,
    pub(super) nonce: Option<String>,
    /// The challenge of PKCE, and whether it is a SHA-256.
    pub(super) challenge: Option<(String, bool)>,
}

/// Where the answer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResponseMode {
    Query,
    Fragment,
    FormPost,
}

/// An authorization code that was given out.
#[derive(Debug, Clone)]
pub(super) struct Code {
    pub(super) client: String,
    pub(super) scope: Scope,
    pub(super) person: Person,
    pub(super) answer: Answer,
    until: Timestamp,
    is_redeemed: bool,
}

/// Why a code is not redeemed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotRedeemed {
    Unknown,
    Expired,
    Twice,
    Waiting,
}

/// A device that waits for somebody to type its code in elsewhere.
#[derive(Debug, Clone)]
pub(super) struct Device {
    user_code: String,
    pub(super) client: Client,
    pub(super) scope: Scope,
    until: Timestamp,
    person: Option<Person>,
    is_redeemed: bool,
}

/// What somebody signs in for.
#[derive(Debug, Clone)]
pub(super) enum Goal {
    Authorize(Answer),
    /// The digest of a device code.
    Device(String),
}

/// What a passkey is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// In place of a password: whoever it is.
    First,
    /// Besides what somebody has shown.
    Second,
    /// A new one is made.
    Registration,
}

/// A challenge that waits for a passkey.
#[derive(Debug)]
pub(super) struct Challenge {
    pub(super) bytes: [u8; 32],
    purpose: Purpose,
    until: Timestamp,
}

/// A password that has to be changed before the sign-in goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PasswordChange {
    /// At once.
    Now,
    /// After multifactor authentication.
    AfterMfa,
}

/// Somebody on the pages.
#[derive(Debug)]
pub(super) struct Visit {
    /// The digest of the cookie of the browser that began it.
    pub(super) browser: String,
    pub(super) goal: Goal,
    pub(super) client: Client,
    pub(super) scope: Scope,
    pub(super) correlation_id: String,
    pub(super) login_hint: Option<String>,
    pub(super) person: Option<Person>,
    /// Whether the person has said that it is they who want to sign in there.
    pub(super) is_confirmed: bool,
    /// Whether the browser is to keep them signed in.
    pub(super) keeps: bool,
    /// The method that is asked now, and what was sent for it.
    pub(super) asked: Option<(Method, Option<Sent>)>,
    /// Path and query with which the pages begin again.
    pub(super) begins: String,
    /// What a passkey is asked now.
    pub(super) challenge: Option<Challenge>,
    pub(super) change: Option<PasswordChange>,
    /// The key of an authenticator app that is being set up.
    pub(super) new_key: Option<Base32>,
    /// Proofs that failed.
    pub(super) failures: u32,
    pub(super) until: Timestamp,
}

#[derive(Debug, Default)]
struct Inner {
    codes: BTreeMap<String, Code>,
    devices: BTreeMap<String, Device>,
    visits: BTreeMap<String, Visit>,
    /// Notifications that were sent, with the number that was entered once one is answered.
    notifications: BTreeMap<String, (Option<String>, Timestamp)>,
    /// Challenges of passkeys that are registered by a request to Graph: for whom, and until when.
    registrations: BTreeMap<String, (String, Timestamp)>,
}

/// Everything that is under way.
#[derive(Debug, Default)]
pub(crate) struct Flows(Mutex<Inner>);

impl Flows {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// A new authorization code.
    pub(super) fn code(
        &self,
        (client, scope): (&Client, &Scope),
        (person, answer): (Person, Answer),
        now: Timestamp,
    ) -> Result<String, NoRandomness> {
        let text = random::token()?;
        let until = later(now, CODE_SECONDS);
        let client = client.app_id.clone();
        let code = Code { client, scope: scope.clone(), person, answer, until, is_redeemed: false };
        let codes = &mut self.inner().codes;
        make_room(codes, now, |code| code.until);
        codes.insert(digest(&text), code);
        Ok(text)
    }

    /// Takes a code that was given to a client.
    pub(super) fn redeem(&self, text: &str, client: &str, now: Timestamp) -> Result<Code, NotRedeemed> {
        let codes = &mut self.inner().codes;
        let code = codes.get_mut(&digest(text)).filter(|code| code.client.eq_ignore_ascii_case(client));
        let code = code.ok_or(NotRedeemed::Unknown)?;
        if code.is_redeemed {
            return Err(NotRedeemed::Twice);
        }
        if code.until <= now {
            return Err(NotRedeemed::Expired);
        }
        code.is_redeemed = true;
        Ok(code.clone())
    }

    /// A new device that waits: its code, and the code that a person types in.
    pub(super) fn device(
        &self,
        (client, scope): (&Client, Scope),
        now: Timestamp,
    ) -> Result<(String, String), NoRandomness> {
        let text = random::token()?;
        let letter = |byte: u8| char::from(*USER_CODE_LETTERS.get(usize::from(byte & 31)).unwrap_or(&b'A'));
        let user_code: String = random::bytes::<9>()?.into_iter().map(letter).collect();
        let devices = &mut self.inner().devices;
        make_room(devices, now, |device| device.until);
        let device = Device {
            user_code: user_code.clone(),
            client: client.clone(),
            scope,
            until: later(now, DEVICE_SECONDS),
            person: None,
            is_redeemed: false,
        };
        devices.insert(digest(&text), device);
        Ok((text, user_code))
    }

    /// The device that waits for a code that somebody typed in, and its digest.
    pub(super) fn device_of(&self, user_code: &str, now: Timestamp) -> Option<(String, Device)> {
        let typed: String = user_code.chars().filter(char::is_ascii_alphanumeric).collect();
        let inner = self.inner();
        let is_it = |device: &&Device| {
            device.user_code.eq_ignore_ascii_case(&typed) && now < device.until && device.person.is_none()
        };
        inner.devices.iter().find(|(_, device)| is_it(device)).map(|(digest, device)| (digest.clone(), device.clone()))
    }

    /// Lets a device in; `false` if it does not wait any more.
    pub(super) fn let_in(&self, device: &str, (person, now): (Person, Timestamp)) -> bool {
        let mut inner = self.inner();
        let waiting = inner.devices.get_mut(device).filter(|device| now < device.until && device.person.is_none());
        waiting.map(|device| device.person = Some(person)).is_some()
    }

    /// Takes what a device waits for.
    pub(super) fn redeem_device(
        &self,
        text: &str,
        (client, now): (&str, Timestamp),
    ) -> Result<(Scope, Person), NotRedeemed> {
        let mut inner = self.inner();
        let device = inner.devices.get_mut(&digest(text));
        let device = device.filter(|device| device.client.app_id.eq_ignore_ascii_case(client));
        let device = device.ok_or(NotRedeemed::Unknown)?;
        if device.is_redeemed {
            return Err(NotRedeemed::Twice);
        }
        if device.until <= now {
            return Err(NotRedeemed::Expired);
        }
        let person = device.person.clone().ok_or(NotRedeemed::Waiting)?;
        device.is_redeemed = true;
        Ok((device.scope.clone(), person))
    }

    /// Begins a visit, or goes on with it; the id is in each of its forms.
    pub(super) fn keep_visit(&self, id: &str, visit: Visit, now: Timestamp) {
        let visits = &mut self.inner().visits;
        make_room(visits, now, |visit| visit.until);
        visits.insert(digest(id), visit);
    }

    /// Takes a visit of a browser; it has to be kept again to go on.
    pub(super) fn visit(&self, (id, browser): (&str, &str), now: Timestamp) -> Option<Visit> {
        let mut inner = self.inner();
        let key = digest(id);
        let visit = inner.visits.get(&key)?;
        if visit.browser != digest(browser) || visit.until <= now {
            return None;
        }
        inner.visits.remove(&key)
    }

    /// A notification was sent, which may be answered once.
    pub(super) fn notified(&self, notification: &str, now: Timestamp) {
        let notifications = &mut self.inner().notifications;
        make_room(notifications, now, |(_, until)| *until);
        notifications.insert(notification.to_owned(), (None, later(now, PAGES_SECONDS)));
    }

    /// Answers a notification with the number that was entered; `false` if none waits for it.
    pub(crate) fn approve(&self, notification: &str, number: &str, now: Timestamp) -> bool {
        let mut inner = self.inner();
        let waiting = inner.notifications.get_mut(notification);
        let waiting = waiting.filter(|(answer, until)| answer.is_none() && now < *until);
        waiting.map(|(answer, _)| *answer = Some(number.to_owned())).is_some()
    }

    /// Keeps the challenge of a passkey that is going to be registered for a user.
    pub(crate) fn keep_registration(&self, challenge: &str, (user, until): (&str, Timestamp), now: Timestamp) {
        let registrations = &mut self.inner().registrations;
        make_room(registrations, now, |(_, until)| *until);
        registrations.insert(digest(challenge), (user.to_owned(), until));
    }

    /// The user for whom a challenge was given out; it is asked once.
    pub(crate) fn take_registration(&self, challenge: &str, now: Timestamp) -> Option<String> {
        let (user, until) = self.inner().registrations.remove(&digest(challenge))?;
        (now < until).then_some(user)
    }

    /// The number with which a notification was answered; it is asked once. `None` while it is not.
    pub(super) fn approval(&self, notification: &str) -> Option<String> {
        let mut inner = self.inner();
        let number = inner.notifications.get(notification)?.0.clone()?;
        inner.notifications.remove(notification);
        Some(number)
    }
}

impl Visit {
    /// Somebody who comes to the pages.
    pub(super) fn new(goal: Goal, (client, scope): (Client, Scope), (correlation_id, now): (&str, Timestamp)) -> Self {
        Self {
            browser: String::new(),
            goal,
            client,
            scope,
            correlation_id: correlation_id.to_owned(),
            login_hint: None,
            person: None,
            is_confirmed: false,
            keeps: false,
            asked: None,
            begins: String::new(),
            challenge: None,
            change: None,
            new_key: None,
            failures: 0,
            until: later(now, PAGES_SECONDS),
        }
    }

    /// Without what was asked of whoever was here before.
    pub(super) fn forgotten(self) -> Self {
        Self { asked: None, challenge: None, change: None, new_key: None, is_confirmed: false, ..self }
    }

    /// Asks a passkey something new; what was asked before is void.
    pub(super) fn challenged(&mut self, purpose: Purpose, now: Timestamp) -> Result<[u8; 32], NoRandomness> {
        let bytes = random::bytes()?;
        self.challenge = Some(Challenge { bytes, purpose, until: later(now, CHALLENGE_SECONDS) });
        Ok(bytes)
    }

    /// Takes the challenge, with what it is for; whatever comes of it, it is used.
    pub(super) fn answered(&mut self, now: Timestamp) -> Option<(Purpose, [u8; 32])> {
        let challenge = self.challenge.take()?;
        (now < challenge.until).then_some((challenge.purpose, challenge.bytes))
    }

    /// Whether it began on another device.
    pub(super) const fn is_device_code(&self) -> bool {
        matches!(self.goal, Goal::Device(_))
    }
}

fn later(now: Timestamp, seconds: i64) -> Timestamp {
    now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(now)
}

fn make_room<T>(flows: &mut BTreeMap<String, T>, now: Timestamp, until: impl Fn(&T) -> Timestamp) {
    if flows.len() < FLOW_COUNT_MAX {
        return;
    }
    flows.retain(|_, flow| now < until(flow));
    if flows.len() >= FLOW_COUNT_MAX {
        let first = flows.iter().min_by_key(|(_, flow)| until(flow)).map(|(key, _)| key.clone());
        first.and_then(|key| flows.remove(&key));
    }
}
