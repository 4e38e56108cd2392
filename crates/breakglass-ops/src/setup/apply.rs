//! Carrying a plan out: each step is looked at, written down, sent, and looked at again.
//!
//! Before anything is sent: it is the plan's tenant, a person is signed in whose permissions suffice, and no policy is
//! another than when the plan was made. Each step that is done already is passed over, so that whoever was stopped calls
//! the same again. What was sent and not answered is looked for before it is sent again. A policy is read before its change
//! and after it, and if somebody else has changed it meanwhile, that is said and nothing more is done.
//!
//! **Invariant:** no step is sent before the store has its name; no account is made before somebody keeps its password.
//! **Limits:** [`VISIBLE_SECONDS_MAX`], [`SEND_COUNT_MAX`].

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use breakglass_custody::password::Password;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::action::{Action, PASSWORD, POLICIES, lasting};
use super::observe::{Seen, list, observe};
use super::plan::{Plan, Step, digest};
use super::undo::undo;
use crate::ports::{
    Clock, Directory, DirectoryError, GraphRequest, Method, Passwords, PasswordsError, Repeat, SecretValue, SignedInAs,
    Store, StoreError,
};

/// Seconds in which a change has to be visible, and an object that was made be found: Entra's directory is consistent in
/// the end, and publishes no bound.
pub const VISIBLE_SECONDS_MAX: u64 = 180;

/// Times that a step is sent whose answer is lost and that is not seen to be done.
pub const SEND_COUNT_MAX: usize = 3;

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
    /// The tenant is another than when the plan was made.
    #[error("the tenant has moved since the plan was made: {}", .0.join("; "))]
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
    /// Ids of what was made, by the key of the step.
    pub made: BTreeMap<String, String>,
}

/// What the store tells of a plan.
struct Course<'c> {
    store: &'c dyn Store,
    stream: String,
    length: usize,
    sent: BTreeSet<String>,
    applied: Applied,
}

impl<'c> Course<'c> {
    fn read(store: &'c dyn Store, plan: &Plan) -> Result<Self, StoreError> {
        let stream = stream_of(plan);
        let entries = store.entries(&stream)?;
        let applied = Applied { done: BTreeSet::new(), passed: BTreeSet::new(), made: BTreeMap::new() };
        let mut course = Self { store, stream, length: entries.len(), sent: BTreeSet::new(), applied };
        for entry in &entries {
            let text = |name: &str| entry.get(name).and_then(Value::as_str).map(str::to_owned);
            if let (Some(step), Some(state)) = (text("step"), text("state")) {
                course.take(&step, &state, text("made"));
            }
        }
        Ok(course)
    }

    fn take(&mut self, step: &str, state: &str, made: Option<String>) {
        match state {
            "sending" => {
                self.sent.insert(step.to_owned());
            }
            "done" => {
                self.applied.done.insert(step.to_owned());
            }
            _ => {
                self.applied.passed.insert(step.to_owned());
            }
        }
        if let Some(id) = made {
            self.applied.made.insert(step.to_owned(), id);
        }
    }

    fn note(&mut self, step: &str, state: &str, made: Option<String>) -> Result<(), StoreError> {
        let entry = json!({ "step": step, "state": state, "made": made });
        self.store.append(&self.stream, self.length, &entry)?;
        self.length += 1;
        self.take(step, state, made);
        Ok(())
    }

    fn is_over(&self, step: &str) -> bool {
        self.applied.done.contains(step) || self.applied.passed.contains(step)
    }
}

fn stream_of(plan: &Plan) -> String {
    format!("apply/{}", plan.digest)
}

/// The plan that takes back what the store says was done of a plan; without steps if nothing was.
///
/// # Errors
/// The store cannot be read.
pub fn undo_of(plan: &Plan, store: &dyn Store, at: Timestamp) -> Result<Plan, StoreError> {
    let applied = Course::read(store, plan)?.applied;
    Ok(undo(plan, &applied.done, &applied.made, at))
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
            self.step(plan, step, &mut course).await?;
        }
        Ok(course.applied)
    }

    /// Whether whoever is signed in may carry the plan out.
    async fn may(&self, plan: &Plan) -> Result<(), ApplyError> {
        let signed_in = self.directory.signed_in().await.map_err(ApplyError::Directory)?;
        if !signed_in.tenant_id.eq_ignore_ascii_case(&plan.tenant_id) {
            let planned = plan.tenant_id.clone();
            return Err(ApplyError::OtherTenant { planned, signed_in: signed_in.tenant_id });
        }
        if let SignedInAs::Application { .. } = signed_in.who {
            return Err(ApplyError::NotAPerson);
        }
        let has = |wanted: &str| signed_in.permissions.iter().any(|one| grants(one, wanted));
        let missing: Vec<String> =
            plan.permissions().into_iter().filter(|wanted| !has(wanted)).map(str::to_owned).collect();
        if missing.is_empty() { Ok(()) } else { Err(ApplyError::Permissions(missing)) }
    }

    /// Whether the tenant's policies are those of the plan, or what the plan makes of them.
    async fn look(&self, plan: &Plan, course: &Course<'_>) -> Result<(), ApplyError> {
        let found = list(self.directory, POLICIES).await.map_err(ApplyError::Directory)?;
        let mut moved = Vec::new();
        let mut left: BTreeSet<&str> = plan.policies.keys().map(String::as_str).collect();
        for policy in &found {
            let text = |name: &str| policy.get(name).and_then(Value::as_str).unwrap_or_default();
            let (id, name) = (text("id"), text("displayName"));
            left.remove(id);
            let own = digest(&lasting(policy));
            match plan.policies.get(id) {
                None => moved.push(format!("policy `{name}` is new")),
                Some(planned) if *planned == own || makes(plan, course, (id, &own)) => {}
                Some(_) => moved.push(format!("policy `{name}` was changed")),
            }
        }
        moved.extend(left.into_iter().map(|id| format!("policy `{id}` is gone")));
        if moved.is_empty() { Ok(()) } else { Err(ApplyError::Moved(moved)) }
    }

    async fn step(&self, plan: &Plan, step: &Step, course: &mut Course<'_>) -> Result<(), ApplyError> {
        let key = step.key.as_str();
        let total = plan.steps.len();
        let stopped = |course: &Course<'_>, why: String, source: Option<DirectoryError>| ApplyError::Stopped {
            step: key.to_owned(),
            done: plan.steps.iter().filter(|step| course.is_over(&step.key)).count(),
            total,
            why,
            source: source.map(Box::new),
        };
        let was_sent = course.sent.contains(key);
        let unseen = |error| (String::from("the tenant cannot be asked how it stands"), Some(error));
        let seen = observe(self.directory, &step.change, &course.applied.made).await;
        match seen.map_err(unseen).map_err(|(why, source)| stopped(course, why, source))? {
            Seen::Moved(why) => return Err(stopped(course, why, None)),
            // Nobody else's account is taken for the plan's own.
            Seen::Done(_)
                if !was_sent && matches!(step.change, Action::CreateAccount { .. } | Action::CreateGroup { .. }) =>
            {
                return Err(stopped(course, "somebody else has made it meanwhile; plan again".to_owned(), None));
            }
            Seen::Done(made) if was_sent => return self.found(step, made, course, &stopped).await,
            Seen::Done(made) => return Ok(course.note(key, "passed", made)?),
            Seen::Open => {}
        }
        let password = self.password(&step.change)?;
        if !was_sent {
            course.note(key, "sending", None)?;
        }
        let mut last = None;
        for _ in 0..SEND_COUNT_MAX {
            match self.send(step, &course.applied.made, password.as_ref()).await {
                Sent::Yes(made) => return self.confirmed(step, made, course, &stopped).await,
                Sent::No(error) => {
                    return Err(stopped(course, "the tenant refused it".to_owned(), Some(error)));
                }
                Sent::NotYet(error) => {
                    return Err(stopped(course, "what it names is not found".to_owned(), Some(error)));
                }
                Sent::Perhaps(error) => last = Some(error),
            }
            match self.awaited(&step.change, &course.applied.made).await {
                Ok(Seen::Done(made)) => {
                    // The password that was sent may be that of an earlier request.
                    return self.found_now(step, made, (course, password.as_ref()), &stopped).await;
                }
                Ok(Seen::Moved(why)) => return Err(stopped(course, why, last)),
                Ok(Seen::Open) => {}
                Err(error) => {
                    return Err(stopped(
                        course,
                        "no answer came, and how it stands cannot be asked".to_owned(),
                        Some(error),
                    ));
                }
            }
        }
        Err(stopped(course, "no answer came, and nothing is to be seen of it".to_owned(), last))
    }

    fn password(&self, action: &Action) -> Result<Option<Password>, PasswordsError> {
        match action {
            Action::CreateAccount { user_principal_name, .. } => self.passwords.prepare(user_principal_name).map(Some),
            _ => Ok(None),
        }
    }

    /// A step that an earlier call has sent, and that is done: an account that was made then has a password that nobody may
    /// have any more, and gets another.
    async fn found(
        &self,
        step: &Step,
        made: Option<String>,
        course: &mut Course<'_>,
        stopped: &(dyn Fn(&Course<'_>, String, Option<DirectoryError>) -> ApplyError + Sync),
    ) -> Result<(), ApplyError> {
        let password = self.password(&step.change)?;
        self.found_now(step, made, (course, password.as_ref()), stopped).await
    }

    async fn found_now(
        &self,
        step: &Step,
        made: Option<String>,
        (course, password): (&mut Course<'_>, Option<&Password>),
        stopped: &(dyn Fn(&Course<'_>, String, Option<DirectoryError>) -> ApplyError + Sync),
    ) -> Result<(), ApplyError> {
        if let (Some(password), Some(id)) = (password, &made) {
            let body = json!({ "passwordProfile": { "forceChangePasswordNextSignIn": false } });
            let request = GraphRequest {
                secret: Some(SecretValue { pointer: PASSWORD, password }),
                repeat: Repeat::Safe,
                ..GraphRequest::with_body(Method::Patch, format!("/v1.0/users/{id}"), Cow::Owned(body))
            };
            let sent = self.directory.send(&request).await;
            sent.map_err(|error| {
                stopped(course, "its password is not certain, and could not be set".to_owned(), Some(error))
            })?;
        }
        Ok(course.note(&step.key, "done", made)?)
    }

    /// A step to which the tenant said yes, once it is to be seen.
    async fn confirmed(
        &self,
        step: &Step,
        made: Option<String>,
        course: &mut Course<'_>,
        stopped: &(dyn Fn(&Course<'_>, String, Option<DirectoryError>) -> ApplyError + Sync),
    ) -> Result<(), ApplyError> {
        match self.awaited(&step.change, &course.applied.made).await {
            Ok(Seen::Done(seen)) => Ok(course.note(&step.key, "done", made.or(seen))?),
            Ok(Seen::Moved(why)) => {
                // It was done all the same, and can be taken back.
                course.note(&step.key, "done", made)?;
                Err(stopped(course, format!("somebody changed the same at the same time: {why}"), None))
            }
            Ok(Seen::Open) => {
                Err(stopped(course, "the tenant said yes, and nothing is to be seen of it".to_owned(), None))
            }
            Err(error) => Err(stopped(course, "the tenant said yes, and cannot be asked".to_owned(), Some(error))),
        }
    }

    /// Looks until the step is done or something else has happened, and at most [`VISIBLE_SECONDS_MAX`].
    async fn awaited(&self, action: &Action, made: &BTreeMap<String, String>) -> Result<Seen, DirectoryError> {
        let (mut waited, mut wait) = (0, LOOK_SECONDS_FIRST);
        loop {
            let seen = observe(self.directory, action, made).await?;
            if seen != Seen::Open || waited >= VISIBLE_SECONDS_MAX {
                return Ok(seen);
            }
            self.clock.sleep(Duration::from_secs(wait)).await;
            waited += wait;
            wait = (wait * 2).min(LOOK_SECONDS_MAX);
        }
    }

    /// Sends a step, again and again while what an earlier step made is not found.
    async fn send(&self, step: &Step, made: &BTreeMap<String, String>, password: Option<&Password>) -> Sent {
        let (mut waited, mut wait) = (0, LOOK_SECONDS_FIRST);
        loop {
            let sent = self.send_once(&step.change, made, password).await;
            if !matches!(sent, Sent::NotYet(_)) || waited >= VISIBLE_SECONDS_MAX {
                return sent;
            }
            self.clock.sleep(Duration::from_secs(wait)).await;
            waited += wait;
            wait = (wait * 2).min(LOOK_SECONDS_MAX);
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
                // Somebody was quicker, or an answer was lost.
                Some(400 | 409) => Sent::Perhaps(error),
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

/// Whether a policy is what a step of the plan makes of it.
fn makes(plan: &Plan, course: &Course<'_>, (id, own): (&str, &str)) -> bool {
    let mut steps = plan.steps.iter().filter(|step| course.sent.contains(&step.key));
    steps.any(|step| match &step.change {
        Action::ExcludeGroup { policy, group, was } if policy.object.id(&course.applied.made) == Some(id) => group
            .object
            .id(&course.applied.made)
            .is_some_and(|group| digest(&super::action::excluded(was, group)) == own),
        Action::IncludeGroup { policy, group, was } if policy.object.id(&course.applied.made) == Some(id) => group
            .object
            .id(&course.applied.made)
            .is_some_and(|group| digest(&super::action::included(was, group)) == own),
        _ => false,
    })
}

/// Whether one permission gives what another is asked for.
///
/// **Source:** Graph's permissions reference: what is for all of the directory has what is for a part of it.
pub(crate) fn grants(held: &str, wanted: &str) -> bool {
    if held.eq_ignore_ascii_case(wanted) {
        return true;
    }
    match held {
        "Directory.ReadWrite.All" => {
            matches!(
                wanted,
                "User.ReadWrite.All"
                    | "Group.ReadWrite.All"
                    | "AdministrativeUnit.ReadWrite.All"
                    | "Application.Read.All"
            )
        }
        "Directory.AccessAsUser.All" => {
            matches!(
                wanted,
                "User.ReadWrite.All"
                    | "Group.ReadWrite.All"
                    | "User-PasswordProfile.ReadWrite.All"
                    | "Application.Read.All"
            )
        }
        "Application.ReadWrite.All" => wanted == "Application.Read.All",
        "Policy.ReadWrite.ConditionalAccess" => wanted == "Policy.Read.ConditionalAccess",
        _ => false,
    }
}
