//! Ways in words: who does what, and which policies make each thing necessary.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use breakglass_model::object::ObjectKey;
use breakglass_model::strength::Modes;

use super::compile::{Compiler, DeviceAt, Label, SessionOn, role_name};
use super::component::{Component, Kind};
use super::devices::UNMANAGED;
use super::goal::{Goal, Tool};
use super::judge::CombinationKey;
use super::need::quiet;
use super::report::{Cause, Way, WayContext, WaySession, combination_words};
use super::system::System;
use crate::access::Target;

pub(super) const MANDATORY_MFA: &str = "mandatory multifactor authentication, which knows no exclusion";
pub(crate) const SECURITY_DEFAULTS: &str = "security defaults";
pub(super) const PER_USER_MFA: &str = "per-user multifactor authentication";
const ELIGIBLE: &str = "the role is eligible only and has to be activated";
const CUSTODY: &str = "how the secret is kept";

/// How the last session of a way was begun.
struct LastSession {
    user: ObjectKey,
    role: Option<&'static str>,
    tool: Option<Tool>,
    credential: usize,
    /// The device that was looked at.
    device: Arc<str>,
    /// The same, without a platform where any will do.
    told_device: Arc<str>,
    place: u16,
}

/// The labels with each session in an activated role after the activation.
fn activated_first(labels: Vec<Label>) -> Vec<Label> {
    let activation = |labels: &[Label], one: &Label| match one {
        Label::Session { user, role: Some(role), .. } => labels
            .iter()
            .position(|other| matches!(other, Label::Activated { user: by, role: of } if by == user && of == role)),
        _ => None,
    };
    let (mut ordered, mut early) = (Vec::new(), Vec::new());
    for (at, label) in labels.iter().enumerate() {
        let is_early = activation(&labels, label).is_some_and(|after| after > at);
        if is_early { early.push(label.clone()) } else { ordered.push(label.clone()) }
    }
    for label in early {
        let at = activation(&ordered, &label).map_or(ordered.len(), |at| at + 1);
        ordered.insert(at, label);
    }
    ordered
}

impl Compiler<'_> {
    /// A way in words. `way` are the components, by number.
    pub(super) fn way(&mut self, system: &mut System, way: &[u32], goal: Goal) -> Way {
        let needs: Vec<Component> =
            way.iter().filter_map(|number| self.components().get(*number as usize)).cloned().collect();
        let mut told = Way {
            user: String::new(),
            name: String::new(),
            needs,
            context: WayContext::default(),
            steps: Vec::new(),
            sessions: Vec::new(),
            because: BTreeMap::new(),
        };
        told.needs.sort_unstable();
        let rules = system.derivation(way).unwrap_or_default();
        let labels: Vec<Label> = rules.iter().filter_map(|rule| self.label(*rule)).cloned().collect();
        let labels = activated_first(labels);
        let mut resetter = None;
        let mut said: BTreeSet<String> = BTreeSet::new();
        let mut sessions: Vec<LastSession> = Vec::new();
        for label in labels {
            if let Label::Resetter { by } = label {
                resetter = Some(by);
            }
            if let Some(step) = self.step(&label, resetter, goal) {
                // One who has signed in need not do it again in the same way.
                if !matches!(label, Label::Session { .. }) || said.insert(step.clone()) {
                    told.steps.push(self.again(&label, step, &said));
                }
            }
            match label {
                Label::Session { user, role, tool, context, credential, device, place, is_relaxed } => {
                    let on = SessionOn { user, role, tool, context, credential, device };
                    let told_device = self.told_device(&on, is_relaxed);
                    let device = self.device_id(user, device);
                    let session = LastSession { user, role, tool, credential, device, told_device, place };
                    if !is_relaxed {
                        self.session_causes(&session, &told.needs, &mut told.because);
                    }
                    told.sessions.extend(self.told_session(&session));
                    sessions.push(session);
                }
                Label::Activated { .. } => {
                    told.because
                        .entry(Component::fixed(super::component::PIM))
                        .or_default()
                        .push(Cause::Setting(ELIGIBLE));
                }
                Label::Goal { user, tool } => {
                    let last = sessions.iter().rev().find(|one| one.user == user && one.tool == Some(tool));
                    self.goal(&mut told, user, tool, last);
                }
                Label::Live { user, tool } => {
                    self.goal(&mut told, user, tool, None);
                    "an open session".clone_into(&mut told.context.combination);
                }
                Label::Application { principal, place } => {
                    let snapshot = self.access.snapshot();
                    let key = snapshot.objects.find(&principal);
                    told.name = key.map_or(principal.as_str(), |key| snapshot.name(key)).to_owned();
                    told.user = principal;
                    "application".clone_into(&mut told.context.combination);
                    told.context.location = self.judge.place(place).map(|place| place.id.clone()).unwrap_or_default();
                }
                _ => {}
            }
        }
        for component in told.needs.clone() {
            if matches!(component.kind(), Kind::Share | Kind::Custodian | Kind::Safe | Kind::Site | Kind::Depository) {
                told.because.entry(component).or_default().push(Cause::Setting(CUSTODY));
            }
        }
        told.because.retain(|component, _| told.needs.contains(component));
        for causes in told.because.values_mut() {
            causes.sort_unstable();
            causes.dedup();
        }
        told
    }

    fn told_session(&mut self, session: &LastSession) -> Option<WaySession> {
        let snapshot = self.access.snapshot();
        Some(WaySession {
            user: snapshot.objects.id(session.user).to_owned(),
            name: snapshot.name(session.user).to_owned(),
            role: session.role,
            tool: session.tool?.name().to_owned(),
            location: self.judge.place(session.place).map(|place| place.id.clone()).unwrap_or_default(),
            device: session.told_device.to_string(),
            combination: self.combination(session.user, session.credential),
        })
    }

    fn goal(&mut self, told: &mut Way, user: ObjectKey, tool: Tool, last: Option<&LastSession>) {
        let snapshot = self.access.snapshot();
        snapshot.objects.id(user).clone_into(&mut told.user);
        snapshot.name(user).clone_into(&mut told.name);
        tool.name().clone_into(&mut told.context.tool);
        let Some(last) = last else { return };
        told.context.device = last.told_device.to_string();
        told.context.location = self.judge.place(last.place).map(|place| place.id.clone()).unwrap_or_default();
        told.context.combination = self.combination(user, last.credential);
    }

    fn device_id(&mut self, user: ObjectKey, at: DeviceAt) -> Arc<str> {
        let person = self.person(user);
        let device = person.devices.get(at.client).and_then(|devices| devices.get(usize::from(at.number)));
        device.map_or_else(|| "".into(), |device| Arc::clone(&device.id))
    }

    /// The device of a session as it is told: any unmanaged one where no policy tells their platforms apart.
    fn told_device(&mut self, on: &SessionOn, is_relaxed: bool) -> Arc<str> {
        let device = self.device_id(on.user, on.device);
        let is_any = device.starts_with(UNMANAGED) && (is_relaxed || self.is_on_any_device(on));
        if is_any { UNMANAGED.into() } else { device }
    }

    /// The step of somebody who signs in otherwise than before, in a role that was activated.
    fn again(&self, label: &Label, step: String, said: &BTreeSet<String>) -> String {
        let Label::Session { user, role: Some(role), .. } = label else { return step };
        let begins = format!("{} signs in ", self.access.snapshot().name(*user));
        let has_before = said.iter().any(|other| *other != step && other.starts_with(&begins));
        match step.strip_prefix(&begins) {
            Some(rest) if has_before => format!("{begins}again {rest}, with {} active", role_name(role)),
            _ => step,
        }
    }

    fn combination(&mut self, user: ObjectKey, credential: usize) -> String {
        let person = self.person(user);
        match person.credentials.get(credential) {
            Some(credential) if credential.key.is_unknown => "unknown".to_owned(),
            Some(credential) => credential.key.modes.to_string(),
            None => String::new(),
        }
    }

    /// A step in words.
    fn step(&mut self, label: &Label, resetter: Option<ObjectKey>, goal: Goal) -> Option<String> {
        let snapshot = self.access.snapshot();
        let name = |user: &ObjectKey| snapshot.name(*user).to_owned();
        let who = resetter.map_or("somebody".to_owned(), |by| name(&by));
        Some(match label {
            Label::Session { user, role, tool, context, credential, device, place, is_relaxed } => {
                let (user, role, context, credential, device) = (*user, *role, *context, *credential, *device);
                let on = SessionOn { user, role, tool: *tool, context, credential, device };
                let tool = tool.map_or("the application", Tool::words);
                let with = combination_words(&self.combination(user, credential));
                let mut step = format!("{} signs in to {tool} with {with}", name(&user));
                if *place != 0 {
                    step.push(' ');
                    step.push_str(self.judge.place(*place).map_or("", |place| place.words.as_str()));
                }
                let device = self.told_device(&on, *is_relaxed);
                if &*device != UNMANAGED && !device.is_empty() {
                    let known = snapshot.devices.items().iter().find(|one| one.id.as_str() == &*device);
                    let own = known.and_then(|one| one.display_name.value()).map(|name| format!("the device {name}"));
                    step.push_str(" on ");
                    step.push_str(&own.unwrap_or_else(|| device.replace("unmanaged on", "any device with")));
                }
                if *is_relaxed {
                    step.push_str(", the policies in the way having been taken away");
                }
                step
            }
            Label::Activated { user, role } => {
                format!("{} activates {}", name(user), role_name(role))
            }
            Label::Approved { by, of } => format!("{} approves the activation for {}", name(by), name(of)),
            Label::NewPassword { of } => format!("{who} gives {} a new password", name(of)),
            Label::IssuedPass { of } => format!("{who} gives {} a temporary access pass", name(of)),
            Label::Envelope { number } => {
                let envelope = self.settings.custody.envelopes.get(*number)?;
                let (threshold, count) = (envelope.threshold, envelope.shares.len());
                format!("the envelope of {} is opened with {threshold} of {count} shares", envelope.account)
            }
            Label::Goal { user, .. } => format!("{} can {}", name(user), goal.words()),
            Label::Live { user, .. } => format!("{} can {} in an open session", name(user), goal.words()),
            Label::Application { principal, .. } => {
                let key = snapshot.objects.find(principal);
                let own = key.map_or(principal.as_str(), |key| snapshot.name(key));
                format!("the application {own} can {}", goal.words())
            }
            Label::Resetter { .. } => return None,
        })
    }

    /// Which policies and settings make these components necessary for a session.
    fn session_causes(
        &mut self,
        session: &LastSession,
        needs: &[Component],
        because: &mut BTreeMap<Component, Vec<Cause>>,
    ) {
        let person = self.person(session.user);
        let client = session.tool.map_or(0, Tool::client);
        let devices = person.devices.get(client).map_or(&[][..], Vec::as_slice);
        let Some(device) = devices.iter().find(|device| device.id == session.device) else { return };
        let Some(combination) = person.combinations.get(session.credential).copied() else { return };
        let Some(tool) = session.tool else { return };
        let identity = self.identity(session.user, session.role);
        let target = self.access.targets().row(&Target::Application(tool.app_id().into()));
        let mut rejecting = |class: u32, combination: u32, place: u16, kept: u8| -> BTreeSet<usize> {
            self.judge.rejecting(&(identity, &[target], class, combination), place, kept)
        };
        let elsewhere = rejecting(device.class, combination, 0, quiet::ALL);
        let unmanaged = devices.first().map_or(device.class, |first| first.class);
        let on_any_device = rejecting(unmanaged, combination, session.place, quiet::ALL);
        let at_any_risk = rejecting(device.class, combination, session.place, 0);
        let bare = CombinationKey { modes: Modes::PASSWORD, model: None, is_unknown: false, is_answered: false };
        let bare = self.judge.combination(&bare);
        let with_password = self.judge.rejecting(&(identity, &[target], device.class, bare), session.place, quiet::ALL);
        let mut settings = Vec::new();
        settings.extend(self.is_mfa_mandatory(tool).then_some(MANDATORY_MFA));
        settings.extend(self.defaults_ask(session.user, session.role, tool).then_some(SECURITY_DEFAULTS));
        settings.extend(person.is_mfa_forced.then_some(PER_USER_MFA));
        let mfa: Vec<Cause> =
            self.causes(&with_password).into_iter().chain(settings.into_iter().map(Cause::Setting)).collect();
        let [elsewhere, on_any_device, at_any_risk] =
            [elsewhere, on_any_device, at_any_risk].map(|policies| self.causes(&policies));
        let terms = self.asking_causes(&person.id);
        for component in needs {
            let found = match component.kind() {
                Kind::Network => &elsewhere,
                Kind::Device => &on_any_device,
                Kind::Service if component.id() == super::component::INTUNE_COMPLIANCE => &on_any_device,
                Kind::Quiet if component.key().ends_with(&person.id) => &at_any_risk,
                Kind::Method if component.key().starts_with(&person.id) => &mfa,
                Kind::Policy => &mfa,
                Kind::Service if component.id() != super::component::PIM => &mfa,
                Kind::TermsOfUse | Kind::Control => {
                    let own = terms.get(component).cloned().unwrap_or_default();
                    because.entry(component.clone()).or_default().extend(own);
                    continue;
                }
                _ => continue,
            };
            because.entry(component.clone()).or_default().extend(found.iter().cloned());
        }
    }

    pub(super) fn causes(&self, policies: &BTreeSet<usize>) -> Vec<Cause> {
        let found = policies.iter().filter_map(|index| self.access.policies().get(*index));
        found
            .map(|policy| Cause::Policy { id: policy.id.as_str().to_owned(), name: policy.name().to_owned() })
            .collect()
    }

    /// The policies that ask for terms of use and custom controls.
    fn asking_causes(&self, _user: &str) -> BTreeMap<Component, Vec<Cause>> {
        let mut found: BTreeMap<Component, Vec<Cause>> = BTreeMap::new();
        for (policy, demand) in self.access.policies().iter().zip(self.access.compiled().demands()) {
            for control in demand.controls() {
                let component = match control {
                    crate::access::demand::Control::TermsOfUse(id) => Component::new(Kind::TermsOfUse, id),
                    crate::access::demand::Control::Custom(id) => Component::new(Kind::Control, id),
                    _ => continue,
                };
                let cause = Cause::Policy { id: policy.id.as_str().to_owned(), name: policy.name().to_owned() };
                found.entry(component).or_default().push(cause);
            }
        }
        found
    }
}
