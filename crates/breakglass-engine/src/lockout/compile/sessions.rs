//! Sessions: one rule for each alternative that lets somebody in.

use std::sync::Arc;

use breakglass_model::object::ObjectKey;
use breakglass_model::well_known::ADMINISTRATOR_ROLES;

use super::{Compiler, DeviceAt, Fact, Label, Person, Purpose};
use crate::access::beside::mandatory_mfa;
use crate::access::surfaces::{AZURE_RESOURCE_MANAGER, SURFACES, surface};
use crate::access::{Target, TargetRow, Trit};
use crate::lockout::component::{Component, Kind};
use crate::lockout::credential::{Credential, WorksOn};
use crate::lockout::goal::{Goal, Question, Stage, Tool};
use crate::lockout::judge::{DeviceContext, Judge, Session};
use crate::lockout::need::{Need, minimal, quiet, union};
use crate::lockout::system::Node;

/// A door of one session: what the policies see, and what is demanded beside them.
struct Door {
    tool: Option<Tool>,
    targets: Vec<TargetRow>,
    /// 0 in a browser, 1 in an application.
    client: usize,
    needs_mfa: bool,
}

/// What somebody needs at a door with a combination, for the combinations after it that meet every policy alike.
struct Tried {
    works_on: WorksOn,
    /// Per device that is looked at, the number of its verdicts.
    verdicts: Vec<Option<u32>>,
    needs: Arc<Vec<Need>>,
    /// Per alternative, its nodes, once they were asked for.
    nodes: Vec<Option<Vec<Node>>>,
}

impl Tried {
    fn with(
        judge: &Judge<'_>,
        devices: &[DeviceContext],
        (credential, combination): (&Credential, u32),
        needs: Arc<Vec<Need>>,
    ) -> Self {
        let nodes = needs.iter().map(|_| None).collect();
        let verdicts = verdicts(judge, devices, combination).collect();
        Self { works_on: credential.works_on.clone(), verdicts, needs, nodes }
    }

    /// Whether it holds for another combination. Where it is not known what devices make of that, it is another one.
    fn is_of(
        &self,
        judge: &Judge<'_>,
        devices: &[DeviceContext],
        (credential, combination): (&Credential, u32),
    ) -> bool {
        credential.works_on == self.works_on && verdicts(judge, devices, combination).eq(self.verdicts.iter().copied())
    }
}

/// A session on a device, by its number, and what the device itself needs.
struct OnDevice {
    device: u16,
    session: Session,
    own: Vec<u32>,
}

/// The alternatives on all devices, each minimal, with the risks that must stay quiet beside the policies.
fn alternatives(found_on: &[OnDevice], always_quiet: u8) -> Arc<Vec<Need>> {
    let each = found_on.iter().flat_map(|one| {
        one.session.needs.iter().map(|need| Need {
            components: union(&need.components, &one.own),
            quiet: need.quiet | always_quiet,
            device: one.device,
            ..need.clone()
        })
    });
    Arc::new(minimal(each.collect()))
}

/// Per device, the number of what a combination makes of every policy on it, as far as that was asked.
fn verdicts(judge: &Judge<'_>, devices: &[DeviceContext], combination: u32) -> impl Iterator<Item = Option<u32>> {
    devices.iter().map(move |device| judge.known_verdicts(device.class, combination))
}

impl Compiler<'_> {
    pub(super) fn define_session(
        &mut self,
        head: Node,
        (user, role): (ObjectKey, Option<&'static str>),
        purpose: &Purpose,
        stage: Stage,
    ) {
        let person = self.person(user);
        if !person.can_sign_in {
            return;
        }
        let identity = self.identity(user, role);
        let doors = self.doors((user, role), &person, purpose);
        for door in doors {
            self.pass_door(head, (user, role, &person, identity), &door, stage);
            if stage == Stage::AfterRepair {
                self.pass_without_policies(head, (user, role, &person), &door);
            }
        }
    }

    /// The policies that are about somebody, in the roles that are active and one more.
    pub(in crate::lockout) fn identity(&mut self, user: ObjectKey, role: Option<&'static str>) -> u32 {
        if let Some(known) = self.identities.get(&(user, role)) {
            return *known;
        }
        let classes = self.access.classes();
        let supposed = self.settings.supposed.active.iter().filter(|(of, _)| *of == user);
        let roles: Vec<&str> = supposed.map(|(_, role)| role.as_str()).chain(role).collect();
        let masks = if roles.is_empty() { classes.masks_of(user) } else { classes.masks_with_roles(user, &roles) };
        let identity = self.judge.identity(masks);
        self.identities.insert((user, role), identity);
        identity
    }

    fn doors(
        &mut self,
        (user, role): (ObjectKey, Option<&'static str>),
        person: &Person,
        purpose: &Purpose,
    ) -> Vec<Door> {
        let access = self.access;
        let target = |app_id: &str| access.targets().row(&Target::Application(app_id.into()));
        let mut at = |tool: Tool| {
            let needs_mfa = person.is_mfa_forced || self.is_mfa_mandatory(tool) || self.defaults_ask(user, role, tool);
            let client = tool.client();
            Door { tool: Some(tool), targets: vec![target(tool.app_id())], client, needs_mfa }
        };
        match purpose {
            Purpose::Tool(tool) => vec![at(*tool)],
            Purpose::Activation { mfa, context } => Tool::ACTIVATION
                .iter()
                .map(|tool| {
                    let mut door = at(*tool);
                    let context = context.iter().map(|name| Target::AuthenticationContext(name.clone()));
                    door.targets.extend(context.map(|target| access.targets().row(&target)));
                    door.needs_mfa |= mfa;
                    door
                })
                .collect(),
            Purpose::Application(id) => {
                let known = surface(id);
                let is_mandatory = known.is_some_and(|surface| {
                    mandatory_mfa(surface, self.now, self.settings.mandatory_mfa_postponed_until)
                });
                let needs_mfa = person.is_mfa_forced || is_mandatory || self.defaults_ask_of(user, role, id);
                let tool = Tool::ALL.into_iter().find(|tool| tool.app_id() == id);
                let client = tool.map_or(0, Tool::client);
                vec![Door { tool: None, targets: vec![target(id)], client, needs_mfa }]
            }
        }
    }

    pub(in crate::lockout) fn is_mfa_mandatory(&self, tool: Tool) -> bool {
        surface(tool.app_id())
            .is_some_and(|surface| mandatory_mfa(surface, self.now, self.settings.mandatory_mfa_postponed_until))
    }

    pub(in crate::lockout) fn defaults_ask(&mut self, user: ObjectKey, role: Option<&'static str>, tool: Tool) -> bool {
        self.defaults_ask_of(user, role, tool.app_id())
    }

    /// Whether security defaults ask somebody for multifactor authentication at an application.
    fn defaults_ask_of(&mut self, user: ObjectKey, role: Option<&'static str>, app_id: &str) -> bool {
        // What is not known counts as on where it is promised.
        let are_off = self.access.security_defaults().negated();
        if !self.takes(are_off, || "whether security defaults are on is not in the snapshot".to_owned()) {
            let is_manager = app_id == AZURE_RESOURCE_MANAGER
                || SURFACES
                    .iter()
                    .any(|surface| surface.app_id == app_id && surface.resources.contains(&AZURE_RESOURCE_MANAGER));
            let becomes = role.is_some_and(|role| ADMINISTRATOR_ROLES.contains(&role));
            return is_manager || becomes || self.people.is_administrator(user);
        }
        false
    }

    fn pass_door(
        &mut self,
        head: Node,
        who: (ObjectKey, Option<&'static str>, &Person, u32),
        door: &Door,
        stage: Stage,
    ) {
        let (user, role, person, identity) = who;
        let devices = person.devices.get(door.client).map_or(&[][..], Vec::as_slice);
        let mut bodies = self.bodies.remove(&(user, stage)).unwrap_or_default();
        bodies.resize_with(person.credentials.len(), Vec::new);
        let mut tried: Vec<Tried> = Vec::new();
        let mut body = Vec::new();
        for (number, (credential, combination)) in person.credentials.iter().zip(&person.combinations).enumerate() {
            if door.needs_mfa && !self.judge.is_multifactor(*combination) {
                continue;
            }
            let known = tried.iter().position(|one| one.is_of(&self.judge, devices, (credential, *combination)));
            let at = known.unwrap_or_else(|| {
                let needs = self.needs(door, (identity, *combination), devices, credential);
                tried.push(Tried::with(&self.judge, devices, (credential, *combination), needs));
                tried.len() - 1
            });
            let Some(found) = tried.get_mut(at) else { continue };
            let Some(own) = bodies.get_mut(number) else { continue };
            for (need, nodes) in found.needs.iter().zip(&mut found.nodes) {
                if own.is_empty() {
                    own.push(self.fact(Fact::Account(user)));
                    own.extend(self.parts(user, &credential.parts, stage));
                }
                body.clone_from(own);
                body.extend(nodes.get_or_insert_with(|| self.need_body(&person.id, need)).iter().copied());
                let device = DeviceAt { client: door.client, number: need.device };
                let label = Label::Session {
                    user,
                    role,
                    tool: door.tool,
                    context: door.targets.get(1).copied(),
                    credential: number,
                    device,
                    place: need.place,
                    is_relaxed: false,
                };
                self.all(head, &body, Some(label));
            }
        }
        self.bodies.insert((user, stage), bodies);
    }

    /// The alternatives on all devices, each minimal.
    fn needs(
        &mut self,
        door: &Door,
        (identity, combination): (u32, u32),
        devices: &[DeviceContext],
        credential: &Credential,
    ) -> Arc<Vec<Need>> {
        let mut found_on = Vec::new();
        for (number, device) in devices.iter().enumerate() {
            if !credential.works_on.includes(device, self.mode) {
                continue;
            }
            let session = self.judge.session(&(identity, &door.targets, device.class, combination));
            let own: Vec<u32> =
                device.needs.iter().map(|component| self.judge.intern_shared(component.clone())).collect();
            if session.needs.is_empty() {
                continue;
            }
            let device = u16::try_from(number).unwrap_or(u16::MAX);
            // Nothing is needed on this device, so that no other device is needed.
            let is_enough =
                own.is_empty() && session.needs.iter().any(|need| need.components.is_empty() && need.quiet == 0);
            found_on.push(OnDevice { device, session, own });
            if is_enough {
                break;
            }
        }
        if found_on.iter().any(|one| !one.own.is_empty()) {
            return alternatives(&found_on, self.judge.always_quiet);
        }
        // On devices that need nothing of their own, the same sessions have the same alternatives for everybody.
        let always_quiet = self.judge.always_quiet;
        let key: Vec<(u16, u32)> = found_on.iter().map(|one| (one.device, one.session.number)).collect();
        Arc::clone(self.alternatives.entry(key).or_insert_with(|| alternatives(&found_on, always_quiet)))
    }

    /// The nodes of what an alternative needs of a user.
    fn need_body(&mut self, user: &str, need: &Need) -> Vec<Node> {
        let mut components: Vec<Component> =
            need.components.iter().filter_map(|number| self.judge.shared(*number)).cloned().collect();
        for (bit, what) in
            [(quiet::SIGN_IN, "signin-risk"), (quiet::USER, "user-risk"), (quiet::INSIDER, "insider-risk")]
        {
            if need.quiet & bit != 0 {
                components.push(Component::new(Kind::Quiet, &format!("{what}:{user}")));
            }
        }
        self.body(components)
    }

    /// Once somebody can edit the policies, a session needs none of them.
    fn pass_without_policies(
        &mut self,
        head: Node,
        (user, role, person): (ObjectKey, Option<&'static str>, &Person),
        door: &Door,
    ) {
        let devices = person.devices.get(door.client).map_or(&[][..], Vec::as_slice);
        let mode = self.mode;
        let editor = self.fact(Fact::Goal(Question { goal: Goal::EditCa, surface: None, stage: Stage::Direct }));
        for (number, (credential, combination)) in person.credentials.iter().zip(&person.combinations).enumerate() {
            if door.needs_mfa && !self.judge.is_multifactor(*combination) {
                continue;
            }
            let is_usable = |(_, device): &(usize, &DeviceContext)| credential.works_on.includes(device, mode);
            let usable = devices.iter().enumerate().filter(is_usable);
            let count = if credential.works_on.is_anything() { 1 } else { devices.len() };
            for (at, device) in usable.take(count) {
                let mut body = vec![editor, self.fact(Fact::Account(user))];
                body.extend(self.parts(user, &credential.parts, Stage::AfterRepair));
                body.extend(self.body(device.needs.iter().cloned()));
                let (tool, device) =
                    (door.tool, DeviceAt { client: door.client, number: u16::try_from(at).unwrap_or(u16::MAX) });
                let (credential, context) = (number, None);
                let label =
                    Label::Session { user, role, tool, context, credential, device, place: 0, is_relaxed: true };
                self.all(head, &body, Some(label));
            }
        }
    }

    /// An open session that passes the policies again, every prompt having been answered.
    pub(super) fn refresh(&mut self, head: Node, user: ObjectKey, tool: Tool) {
        let person = self.person(user);
        let identity = self.identity(user, None);
        let target = self.access.targets().row(&Target::Application(tool.app_id().into()));
        let client = tool.client();
        let door = Door { tool: Some(tool), targets: vec![target], client, needs_mfa: false };
        let answered = crate::lockout::judge::CombinationKey {
            modes: breakglass_model::strength::Modes::default(),
            model: None,
            is_unknown: false,
            is_answered: true,
        };
        let credential = Credential { key: answered.clone(), parts: Vec::new(), works_on: WorksOn::Anything };
        let combination = self.judge.combination(&answered);
        let devices = person.devices.get(client).map_or(&[][..], Vec::as_slice);
        for need in self.needs(&door, (identity, combination), devices, &credential).iter() {
            let mut body = vec![self.fact(Fact::Account(user))];
            body.extend(self.body([Component::new(Kind::Live, &person.id)]));
            body.extend(self.need_body(&person.id, need));
            self.all(head, &body, Some(Label::Live { user, tool }));
        }
    }

    /// An application that signs in with a credential of its own.
    pub(super) fn application_session(&mut self, head: Node, id: &str, credential: &Component) {
        let Some(masks) = self.access.application_masks(id) else { return };
        let identity = self.judge.identity(masks);
        let target = self.access.targets().row(&Target::Application(crate::access::surfaces::MICROSOFT_GRAPH.into()));
        let nothing = crate::lockout::judge::CombinationKey {
            modes: breakglass_model::strength::Modes::default(),
            model: None,
            is_unknown: false,
            is_answered: false,
        };
        let combination = self.judge.combination(&nothing);
        let class = self.judge.anything();
        let found = self.judge.session(&(identity, &[target], class, combination));
        for need in found.needs.iter().filter(|need| need.quiet == 0) {
            let mut components: Vec<Component> =
                need.components.iter().filter_map(|number| self.judge.shared(*number)).cloned().collect();
            components.push(credential.clone());
            let body = self.body(components);
            self.all(head, &body, Some(Label::Application { principal: id.to_owned(), place: need.place }));
        }
    }

    /// Whether a fact counts, with why it is not known.
    pub(super) fn takes(&mut self, truth: Trit, why: impl FnOnce() -> String) -> bool {
        if truth == Trit::Unknown {
            self.unknowns.insert(why());
        }
        self.mode.takes(truth)
    }
}
