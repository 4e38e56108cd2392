//! Carrying a plan out: each step is looked at, written down, sent, and looked at again.
//!
//! Before anything is sent: it is the plan's tenant, a person is signed in whose permissions suffice, no policy is another
//! than when the plan was made, and what was done before is so still. Each step that is done already is passed over, so that whoever was stopped calls
//! the same again. What was sent and not answered is looked for before it is sent again. A policy is read before its change
//! and after it, and if somebody else has changed it meanwhile, that is said and nothing more is done.
//!
//! The store has of each step, in this order: `preparing`, before somebody gets a password; `sending`, before anything is sent; `refused`, if it is certain that nothing
//! was carried out; `made`, if an object was made and another is in its place; and `done`, or `passed` for what was so
//! already.
//!
//! **Invariant:** no step is sent before the store has its name; no account is made before somebody keeps its password; no
//! account and no group that somebody else has made is taken for the plan's own, as long as it can be told.
//! **Limits:** [`VISIBLE_SECONDS_MAX`], [`SETTLED_SECONDS_MAX`], [`SEND_COUNT_MAX`].

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use breakglass_custody::password::Password;
use serde_json::{Value, json};

use super::action::{Action, PASSWORD, POLICIES};
use super::bodies::{excluded, lasting};
use super::course::Course;
use super::grants::grants;
use super::observe::{Seen, list, observe};
use super::plan::{Plan, Step, digest};
use super::undo::losing_unit;
use crate::ports::{
    Clock, Directory, DirectoryError, GraphRequest, Method, Passwords, PasswordsError, Repeat, SecretValue, SignedIn,
    SignedInAs, Store, StoreError,
};

/// Seconds in which a change has to be visible, and an object that was made be found: Entra's directory is consistent in
/// the end, and publishes no bound.
pub const VISIBLE_SECONDS_MAX: u64 = 180;

/// Times that a step is sent whose answer is lost and that is not seen to be done.
pub const SEND_COUNT_MAX: usize = 3;

/// Seconds in which what was done before, and was seen then, has to be seen again.
pub const SETTLED_SECONDS_MAX: u64 = 15;

/// Seconds between two looks, the first of a growing wait.
const LOOK_SECONDS_FIRST: u64 = 1;
/// Seconds between two looks at most.
const LOOK_SECONDS_MAX: u64 = 15;

/// Why a plan is not carried out, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The plan is for another tenant.
    #[error("the plan is for the tenant `{planned}`, and you are signed in to `{signed_in}`")]
    OtherTenant {
        /// Of the plan.
        planned: String,
        /// Of the token.
        signed_in: String,
    },
    /// An application is signed in.
    #[error("an application is signed in, and a plan is carried out by a person")]
    NotAPerson,
    /// Permissions are missing.
    #[error("the sign-in lacks permissions that the plan needs: {}", .0.join(", "))]
    Permissions(Vec<String>),
    /// Whoever is signed in would go with it.
    #[error("the way back deletes `{0}`, or takes its role, and that is who is signed in")]
    Oneself(String),
    /// The tenant is another than when the plan was made.
    #[error("the tenant has moved since the plan was made: {}", first_of(.0))]
    Moved(Vec<String>),
    /// A step cannot be done.
    #[error("step `{step}` is not done ({done} of {total} are): {why}")]
    Stopped {
        /// The step.
        step: String,
        /// Steps that are done.
        done: usize,
        /// Steps of the plan.
        total: usize,
        /// Why.
        why: String,
        /// Whether somebody else has changed what it is about, so that the same again stops there again.
        is_moved: bool,
        /// The tenant's answer, if there was one.
        #[source]
        source: Option<Box<DirectoryError>>,
    },
    /// The tenant cannot be asked.
    #[error("the tenant cannot be asked")]
    Directory(#[source] DirectoryError),
    /// What was done cannot be written down.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A password cannot be kept.
    #[error(transparent)]
    Passwords(#[from] PasswordsError),
}

/// The first of a list, and how many more there are.
fn first_of(list: &[String]) -> String {
    match list {
        [] => String::new(),
        [one] => one.clone(),
        [first, others @ ..] => format!("{first}, and {} more", others.len()),
    }
}

/// What a plan is carried out with.
#[derive(Clone, Copy)]
pub struct Applier<'a> {
    /// The tenant.
    pub directory: &'a dyn Directory,
    /// The time.
    pub clock: &'a dyn Clock,
    /// What was done so far.
    pub store: &'a dyn Store,
    /// Passwords of new accounts.
    pub passwords: &'a dyn Passwords,
    /// Who is told of each step as it begins.
    pub tell: &'a (dyn Fn(&Step, usize) + Sync),
}

/// What came of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// Steps that were done, by this call or an earlier one.
    pub done: BTreeSet<String>,
    /// Steps that were as they were to be already.
    pub passed: BTreeSet<String>,
    /// Steps of a way back that this call has left, and why: somebody has changed what they are about, or a policy still
    /// excludes the group. The next call looks at them again.
    pub left: BTreeMap<String, String>,
    /// Ids of what was made, by the key of the step.
    pub made: BTreeMap<String, String>,
}

/// How a request ended, as far as the step is concerned.
enum Sent {
    /// The tenant said yes.
    Yes(Option<String>),
    /// It may have been carried out.
    Perhaps(DirectoryError),
    /// It was not carried out, and may be if it is sent again: what it names is not found yet.
    NotYet(DirectoryError),
    /// It was not carried out.
    No(DirectoryError),
}

/// Why the plan's own account or group is not made.
const SOMEBODY_ELSE: &str = "somebody else has made it meanwhile";

/// The step that is carried out, of its plan.
#[derive(Clone, Copy)]
struct At<'p> {
    plan: &'p Plan,
    step: &'p Step,
}

impl At<'_> {
    fn stopped(self, course: &Course<'_>, why: impl Into<String>, source: Option<DirectoryError>) -> ApplyError {
        self.stopped_by((course, false), why, source)
    }

    /// Stopped by what somebody else has done.
    fn moved(self, course: &Course<'_>, why: impl Into<String>, source: Option<DirectoryError>) -> ApplyError {
        self.stopped_by((course, true), why, source)
    }

    fn stopped_by(
        self,
        (course, is_moved): (&Course<'_>, bool),
        why: impl Into<String>,
        source: Option<DirectoryError>,
    ) -> ApplyError {
        ApplyError::Stopped {
            step: self.step.key.clone(),
            done: self.plan.steps.iter().filter(|step| course.is_over(&step.key)).count(),
            total: self.plan.steps.len(),
            why: why.into(),
            is_moved,
            source: source.map(Box::new),
        }
    }
}

impl Applier<'_> {
    /// Carries a plan out, or goes on with it.
    ///
    /// # Errors
    /// Nothing was changed, unless the error is [`ApplyError::Stopped`], [`ApplyError::Store`] or
    /// [`ApplyError::Passwords`]: then steps may be done, and the same call goes on.
    pub async fn apply(&self, plan: &Plan) -> Result<Applied, ApplyError> {
        self.may(plan).await?;
        let mut course = Course::read(self.store, plan)?;
        self.look(plan, &course).await?;
        for (at, step) in plan.steps.iter().enumerate() {
            if course.is_over(&step.key) {
                continue;
            }
            (self.tell)(step, at);
            self.step(At { plan, step }, &mut course).await?;
        }
        Ok(course.applied)
    }

    /// Whether what was done of a plan is so still, and the policies are those of the plan; reads only.
    ///
    /// # Errors
    /// [`ApplyError::Moved`], with all that is not so any more; or it cannot be told.
    pub async fn stands(&self, plan: &Plan) -> Result<(), ApplyError> {
        self.signed_in_to(plan).await?;
        self.look(plan, &Course::read(self.store, plan)?).await
    }

    async fn signed_in_to(&self, plan: &Plan) -> Result<SignedIn, ApplyError> {
        let signed_in = self.directory.signed_in().await.map_err(ApplyError::Directory)?;
        if signed_in.tenant_id.eq_ignore_ascii_case(&plan.tenant_id) {
            return Ok(signed_in);
        }
        let planned = plan.tenant_id.clone();
        Err(ApplyError::OtherTenant { planned, signed_in: signed_in.tenant_id })
    }

    /// Whether whoever is signed in may carry the plan out.
    async fn may(&self, plan: &Plan) -> Result<(), ApplyError> {
        let signed_in = self.signed_in_to(plan).await?;
        let SignedInAs::User { id, user_principal_name } = &signed_in.who else { return Err(ApplyError::NotAPerson) };
        let none = BTreeMap::new();
        let is_own = |step: &Step| match &step.change {
            Action::DeleteAccount { account } | Action::Unassign { account, .. } => {
                account.object.id(&none) == Some(id)
            }
            _ => false,
        };
        if plan.steps.iter().any(is_own) {
            return Err(ApplyError::Oneself(user_principal_name.clone()));
        }
        let has = |wanted: &str| signed_in.permissions.iter().any(|one| grants(one, wanted));
        let missing: Vec<String> =
            plan.permissions().into_iter().filter(|wanted| !has(wanted)).map(str::to_owned).collect();
        if missing.is_empty() { Ok(()) } else { Err(ApplyError::Permissions(missing)) }
    }

    /// Whether the tenant's policies are those of the plan, or what the plan makes of them, and whether what was done
    /// besides is so still.
    async fn look(&self, plan: &Plan, course: &Course<'_>) -> Result<(), ApplyError> {
        let found = list(self.directory, POLICIES).await.map_err(ApplyError::Directory)?;
        if plan.takes_back.is_some() {
            let mut moved = losing_unit(plan, &found);
            moved.extend(self.taken_back(plan, course).await.map_err(ApplyError::Directory)?);
            return if moved.is_empty() { Ok(()) } else { Err(ApplyError::Moved(moved)) };
        }
        let mut moved = Vec::new();
        let mut left: BTreeSet<&str> = plan.policies.keys().map(String::as_str).collect();
        for policy in &found {
            let text = |name: &str| policy.get(name).and_then(Value::as_str).unwrap_or_default();
            let (id, name) = (text("id"), text("displayName"));
            left.remove(id);
            let Some(planned) = plan.policies.get(id) else {
                moved.push(format!("policy `{name}` is new"));
                continue;
            };
            let own = digest(&lasting(policy));
            let step = plan.steps.iter().find_map(|step| Some((step, made_of(&step.change, course, id)?)));
            match step {
                Some((step, made)) if made == own && course.sent.contains(&step.key) => {}
                Some((step, _)) if *planned == own && course.applied.done.contains(&step.key) => {
                    moved.push(format!("what was done to policy `{name}` was taken back"));
                }
                _ if *planned == own => {}
                _ => moved.push(format!("policy `{name}` was changed")),
            }
        }
        moved.extend(left.into_iter().map(|id| format!("policy `{id}` is gone")));
        moved.extend(self.taken_back(plan, course).await.map_err(ApplyError::Directory)?);
        if moved.is_empty() { Ok(()) } else { Err(ApplyError::Moved(moved)) }
    }

    /// What was done besides the policies and is so no more.
    async fn taken_back(&self, plan: &Plan, course: &Course<'_>) -> Result<Vec<String>, DirectoryError> {
        let is_listed = |step: &Step| matches!(step.change, Action::ExcludeGroup { .. } | Action::IncludeGroup { .. });
        let mut waits = Waits::at_most(SETTLED_SECONDS_MAX);
        let mut gone = Vec::new();
        for step in plan.steps.iter().filter(|step| course.is_over(&step.key) && !is_listed(step)) {
            while !self.is_so_still(step, &course.applied.made).await? {
                if !waits.go_on(self.clock).await {
                    gone.push(format!("what a step did was taken back: {}", step.does));
                    break;
                }
            }
        }
        Ok(gone)
    }

    /// Whether what a step did is so still. What it made is looked for by its id: another may have the same name.
    async fn is_so_still(&self, step: &Step, made: &BTreeMap<String, String>) -> Result<bool, DirectoryError> {
        let own = made.get(&step.key).and_then(|_| step.change.undo(made));
        Ok(match &own {
            Some(undo) => observe(self.directory, undo, made).await? == Seen::Open,
            None => matches!(observe(self.directory, &step.change, made).await?, Seen::Done(_)),
        })
    }

    async fn step(&self, at: At<'_>, course: &mut Course<'_>) -> Result<(), ApplyError> {
        let (key, action) = (at.step.key.as_str(), &at.step.change);
        if let Action::DeleteGroup { group } = action {
            let excluded = self.excluding(at.plan, group).await;
            let excluded = excluded.map_err(|error| at.stopped(course, "the policies cannot be read", Some(error)))?;
            if let Some(policy) = excluded {
                course.leave(key, format!("policy `{policy}` excludes it"));
                return Ok(());
            }
        }
        match observe(self.directory, action, &course.applied.made).await {
            // What somebody has changed since is no longer what is to be taken back.
            Ok(Seen::Moved(why)) if at.plan.takes_back.is_some() => {
                course.leave(key, why);
                return Ok(());
            }
            Ok(Seen::Moved(why)) => return Err(at.moved(course, why, None)),
            Ok(Seen::Done(made)) if course.may_be_own(key, made.as_deref()) => {
                let password = self.password(at, course)?;
                return self.found(at, made, (course, password.as_ref())).await;
            }
            Ok(Seen::Done(_)) if is_own(action) => return Err(at.moved(course, SOMEBODY_ELSE, None)),
            Ok(Seen::Done(made)) => return Ok(course.note(key, "passed", made)?),
            // It was made, so that sending it again would make another.
            Ok(Seen::Open) if course.sent.contains(key) && course.applied.made.contains_key(key) => {
                let made = course.applied.made.get(key).cloned();
                return self.confirmed(at, made, course).await;
            }
            Ok(Seen::Open) => {}
            Err(error) => return Err(at.stopped(course, "the tenant cannot be asked how it stands", Some(error))),
        }
        let was_sent = course.sent.contains(key);
        let password = self.password(at, course)?;
        // Also when it was sent before: of two who work on one plan with one store, one is told here.
        course.note(key, "sending", None)?;
        let mut last = None;
        for _ in 0..SEND_COUNT_MAX {
            let is_first = !was_sent && last.is_none();
            match self.send(action, &course.applied.made, password.as_ref()).await {
                Sent::Yes(made) => return self.confirmed(at, made, course).await,
                Sent::Perhaps(error) => last = Some(error),
                Sent::No(error) | Sent::NotYet(error) => {
                    return self.refused(at, error, (course, password.as_ref()), is_first).await;
                }
            }
            match self.awaited(action, &course.applied.made).await {
                Ok(Seen::Done(made)) => return self.found(at, made, (course, password.as_ref())).await,
                Ok(Seen::Moved(why)) => return Err(at.moved(course, why, last)),
                Ok(Seen::Open) => {}
                Err(error) => {
                    let why = "no answer came, and how it stands cannot be asked";
                    return Err(at.stopped(course, why, Some(error)));
                }
            }
        }
        Err(at.stopped(course, "no answer came, and nothing is to be seen of it", last))
    }

    /// The password of an account that is to be made, once somebody keeps it.
    fn password(&self, at: At<'_>, course: &mut Course<'_>) -> Result<Option<Password>, ApplyError> {
        let Action::CreateAccount { user_principal_name, .. } = &at.step.change else { return Ok(None) };
        let is_again = course.prepared.contains(&at.step.key);
        if !is_again {
            course.note(&at.step.key, "preparing", None)?;
        }
        Ok(Some(self.passwords.prepare(user_principal_name, is_again)?))
    }

    /// A step that was refused. What may have been done by an earlier request is looked for, since the same is refused when
    /// it is sent twice.
    async fn refused(
        &self,
        at: At<'_>,
        error: DirectoryError,
        (course, password): (&mut Course<'_>, Option<&Password>),
        is_first: bool,
    ) -> Result<(), ApplyError> {
        let (key, action) = (at.step.key.as_str(), &at.step.change);
        let (mut why, mut is_moved) = ("the tenant refused it", false);
        if matches!(error.status(), Some(400 | 404 | 409)) {
            let seen = if is_first {
                observe(self.directory, action, &course.applied.made).await
            } else {
                self.awaited(action, &course.applied.made).await
            };
            match seen {
                Ok(Seen::Done(made)) if !is_first => return self.found(at, made, (course, password)).await,
                Ok(Seen::Done(made)) if !is_own(action) => return Ok(course.note(key, "passed", made)?),
                Ok(Seen::Done(_)) => is_moved = true,
                _ if error.is_not_found() => why = "what it names is not found",
                _ => {}
            }
        }
        if is_first {
            course.note(key, "refused", None)?;
        }
        Err(if is_moved { at.moved(course, SOMEBODY_ELSE, Some(error)) } else { at.stopped(course, why, Some(error)) })
    }

    /// A step that was sent before and is done: an account that was made then has a password that nobody may have any
    /// more, and gets this one.
    async fn found(
        &self,
        at: At<'_>,
        made: Option<String>,
        (course, password): (&mut Course<'_>, Option<&Password>),
    ) -> Result<(), ApplyError> {
        if let (Some(password), Some(id)) = (password, &made) {
            let sent = self.set_password(id, password).await;
            sent.map_err(|error| at.stopped(course, "its password is not certain, and could not be set", Some(error)))?;
        }
        Ok(course.note(&at.step.key, "done", made)?)
    }

    async fn set_password(&self, id: &str, password: &Password) -> Result<(), DirectoryError> {
        let body = json!({ "passwordProfile": { "forceChangePasswordNextSignIn": false } });
        let request = GraphRequest {
            secret: Some(SecretValue { pointer: PASSWORD, password }),
            repeat: Repeat::Safe,
            ..GraphRequest::with_body(Method::Patch, format!("/v1.0/users/{id}"), Cow::Owned(body))
        };
        let mut waits = Waits::default();
        loop {
            match self.directory.send(&request).await {
                // What is found by its name is not everywhere yet.
                Err(error) if error.is_not_found() && waits.go_on(self.clock).await => {}
                sent => return sent.map(|_| ()),
            }
        }
    }

    /// A step to which the tenant said yes, once it is to be seen.
    async fn confirmed(&self, at: At<'_>, made: Option<String>, course: &mut Course<'_>) -> Result<(), ApplyError> {
        let key = at.step.key.as_str();
        match self.awaited(&at.step.change, &course.applied.made).await {
            Ok(Seen::Done(seen)) if made.is_none() || seen.is_none() || made == seen => {
                Ok(course.note(key, "done", made.or(seen))?)
            }
            Ok(Seen::Done(_)) => {
                course.note(key, "made", made)?;
                Err(at.moved(course, SOMEBODY_ELSE, None))
            }
            Ok(Seen::Moved(why)) => {
                // It was done all the same, and can be taken back.
                let state = if made.is_some() { "made" } else { "done" };
                course.note(key, state, made)?;
                Err(at.moved(course, format!("somebody changed the same at the same time: {why}"), None))
            }
            Ok(Seen::Open) => {
                if made.is_some() {
                    course.note(key, "made", made)?;
                }
                Err(at.stopped(course, "the tenant said yes, and nothing is to be seen of it", None))
            }
            Err(error) => Err(at.stopped(course, "the tenant said yes, and cannot be asked", Some(error))),
        }
    }

    /// Looks until the step is done or something else has happened, and at most [`VISIBLE_SECONDS_MAX`].
    async fn awaited(&self, action: &Action, made: &BTreeMap<String, String>) -> Result<Seen, DirectoryError> {
        let mut waits = Waits::default();
        loop {
            let seen = observe(self.directory, action, made).await?;
            if seen != Seen::Open || !waits.go_on(self.clock).await {
                return Ok(seen);
            }
        }
    }

    /// Sends a step, again and again while what an earlier step made is not found.
    async fn send(&self, action: &Action, made: &BTreeMap<String, String>, password: Option<&Password>) -> Sent {
        let mut waits = Waits::default();
        loop {
            let sent = self.send_once(action, made, password).await;
            if !matches!(sent, Sent::NotYet(_)) || !waits.go_on(self.clock).await {
                return sent;
            }
            // It may be refused because it is done.
            if let Ok(Seen::Done(_)) = observe(self.directory, action, made).await {
                return sent;
            }
        }
    }

    async fn send_once(&self, action: &Action, made: &BTreeMap<String, String>, password: Option<&Password>) -> Sent {
        let planned = action.request(made);
        let method = match planned.method.as_str() {
            "POST" => Method::Post,
            "PATCH" => Method::Patch,
            _ => Method::Delete,
        };
        let body = planned.body.map(|body| Cow::Owned(addressed(body, &self.directory.origin())));
        let request = GraphRequest {
            method,
            body,
            secret: password.map(|password| SecretValue { pointer: PASSWORD, password }),
            repeat: Repeat::IfUndone,
            ..GraphRequest::get(planned.url)
        };
        match self.directory.send(&request).await {
            Ok(answer) => {
                let id = answer.json::<Value>().ok().and_then(|object| object.get("id")?.as_str().map(str::to_owned));
                Sent::Yes(id)
            }
            Err(error) if error.may_be_done() => Sent::Perhaps(error),
            Err(error) => match error.status() {
                // What was made a moment ago is not everywhere yet.
                Some(400 | 404) if names_what_is_new(action) => Sent::NotYet(error),
                _ => Sent::No(error),
            },
        }
    }
}

/// Whether an action names something that a step of the same plan makes.
fn names_what_is_new(action: &Action) -> bool {
    let value = serde_json::to_value(action).unwrap_or_default();
    value.as_object().into_iter().flat_map(|object| object.values()).any(|member| member.get("madeBy").is_some())
}

/// A body with the address of the tenant's Graph.
fn addressed(mut body: Value, origin: &str) -> Value {
    if let Some(Value::String(address)) = body.get_mut("@odata.id") {
        *address = address.replace("{graph}", origin);
    }
    body
}

/// Digest of what a step makes of a policy, if it is about that one and the group is known.
fn made_of(action: &Action, course: &Course<'_>, id: &str) -> Option<String> {
    let made = &course.applied.made;
    match action {
        Action::ExcludeGroup { policy, group, was } if policy.object.id(made) == Some(id) => {
            Some(digest(&excluded(was, group.object.id(made)?)))
        }
        _ => None,
    }
}

/// Whether an action makes what is to be the plan's own and nobody else's.
const fn is_own(action: &Action) -> bool {
    matches!(action, Action::CreateAccount { .. } | Action::CreateGroup { .. })
}

/// A wait that grows, until [`VISIBLE_SECONDS_MAX`] are over unless it is said otherwise.
pub(super) struct Waits {
    waited: u64,
    next: u64,
    seconds_max: u64,
}

impl Default for Waits {
    fn default() -> Self {
        Self::at_most(VISIBLE_SECONDS_MAX)
    }
}

impl Waits {
    const fn at_most(seconds_max: u64) -> Self {
        Self { waited: 0, next: LOOK_SECONDS_FIRST, seconds_max }
    }

    /// Waits; or says that it was waited long enough.
    pub(super) async fn go_on(&mut self, clock: &dyn Clock) -> bool {
        if self.waited >= self.seconds_max {
            return false;
        }
        clock.sleep(Duration::from_secs(self.next)).await;
        self.waited += self.next;
        self.next = (self.next * 2).min(LOOK_SECONDS_MAX);
        true
    }
}
