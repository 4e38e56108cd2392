//! From a tenant to a system of rules: who needs what to reach the goal.
//!
//! Facts are made when something asks for them, from the goal backwards, so that users who can help nobody are never
//! looked at.
//!
//! **Invariant:** every rule is monotone in the components; a fact that is not known counts as the mode says.
//! **Source:** `docs/concepts/lockout.md`.

pub(super) mod alike;
mod applications;
mod keys;
mod repair;
mod sessions;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::BuildHasherDefault;
use std::sync::Arc;

use breakglass_model::object::ObjectKey;
use breakglass_model::snapshot::SOMEBODY_ELSE;
use breakglass_model::tenant::GraphObject;
use hashbrown::hash_map::Entry;
use jiff::Timestamp;
use rustc_hash::FxHasher;

use super::component::Component;
use super::credential::Credential;
use super::custody::Holds;
use super::devices::{Devices, asks_of_devices};
use super::goal::{Question, Stage, Tool};
use super::judge::{DeviceContext, Judge};
use super::met::Met;
use super::need::Need;
use super::people::{Held, People, Protection};
use super::report::{Order, Way};
use super::settings::{LockoutSettings, Mode};
use super::system::{Node, RuleId, System, SystemBuilder};
use crate::access::{Access, Target, TargetRow, Trit};

/// What a session is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Purpose {
    /// A tool.
    Tool(Tool),
    /// Activating a role: multifactor, an authentication context.
    Activation { mfa: bool, context: Option<String> },
    /// Some application.
    Application(String),
}

/// Something that rules derive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Fact {
    Account(ObjectKey),
    Password(ObjectKey, Stage),
    /// The password as its owner knows it.
    KnownPassword(ObjectKey, Stage),
    NewPassword(ObjectKey, Stage),
    IssuedPass(ObjectKey, Stage),
    Method(ObjectKey, Arc<str>, Stage),
    Envelope(usize, Stage),
    Depository(String, Stage),
    Session(ObjectKey, Option<&'static str>, Purpose, Stage),
    /// A role that was eligible, activated.
    Activated(ObjectKey, &'static str, Stage),
    Approval(ObjectKey, &'static str, usize, Stage),
    Goal(Question),
    /// Anybody but somebody who can reset: by what, whom, except.
    Resetter(Reset, Protection, Option<ObjectKey>, Stage),
}

/// What somebody is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Reset {
    Password,
    Pass,
}

/// What a rule stands for, where a person would call it a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Label {
    /// A session is begun.
    Session {
        user: ObjectKey,
        role: Option<&'static str>,
        tool: Option<Tool>,
        /// The authentication context that is asked for besides.
        context: Option<TargetRow>,
        credential: usize,
        device: DeviceAt,
        place: u16,
        is_relaxed: bool,
    },
    /// A role is activated.
    Activated { user: ObjectKey, role: &'static str },
    /// An activation is approved.
    Approved { by: ObjectKey, of: ObjectKey },
    /// Somebody who can reset is there.
    Resetter { by: ObjectKey },
    /// A new password is given.
    NewPassword { of: ObjectKey },
    /// A pass is given.
    IssuedPass { of: ObjectKey },
    /// An envelope is opened.
    Envelope { number: usize },
    /// The goal is reached by a person.
    Goal { user: ObjectKey, tool: Tool },
    /// It is reached through an open session.
    Live { user: ObjectKey, tool: Tool },
    /// It is reached by an application.
    Application { principal: String, place: u16 },
}

/// A session, as far as its device matters.
#[derive(Debug, Clone, Copy)]
pub(super) struct SessionOn {
    pub(super) user: ObjectKey,
    pub(super) role: Option<&'static str>,
    pub(super) tool: Option<Tool>,
    pub(super) context: Option<TargetRow>,
    pub(super) credential: usize,
    pub(super) device: DeviceAt,
}

/// A device among those of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DeviceAt {
    /// 0 in a browser, 1 in an application.
    pub(super) client: usize,
    pub(super) number: u16,
}

/// A person, as far as sessions go.
pub(super) struct Person {
    pub(super) id: String,
    pub(super) can_sign_in: bool,
    /// Whether an open session can be of this tenant's own.
    pub(super) has_sessions: bool,
    pub(super) credentials: Vec<Credential>,
    pub(super) combinations: Vec<u32>,
    /// Devices in a browser, and in an application.
    pub(super) devices: [Vec<DeviceContext>; 2],
    /// Per-user multifactor authentication is on.
    pub(super) is_mfa_forced: bool,
}

/// A private index that is looked into and never iterated.
pub(super) type Index<K, V> = hashbrown::HashMap<K, V, BuildHasherDefault<FxHasher>>;

/// The rules, and what they stand for.
pub(super) struct Compiler<'a> {
    pub(super) access: &'a Access<'a>,
    pub(super) settings: &'a LockoutSettings,
    pub(super) now: Timestamp,
    pub(super) mode: Mode,
    pub(super) judge: Judge<'a>,
    pub(super) people: People,
    devices: Devices,
    unmanaged: [Vec<DeviceContext>; 2],
    /// Whether somebody stands for those who are not exported.
    has_somebody_else: bool,
    /// Devices that may be there besides, in a browser and in an application.
    devices_not_exported: [Vec<DeviceContext>; 2],
    builder: SystemBuilder,
    /// Components with their nodes and numbers; `None` if they are held up.
    nodes: Index<Component, Option<(Node, u32)>>,
    /// Components in the order of their numbers.
    components: Vec<Component>,
    facts: Index<Fact, Node>,
    /// Facts that are not defined yet, first come first.
    open: VecDeque<(Fact, Node)>,
    persons: Index<ObjectKey, Arc<Person>>,
    /// Per person and stage, the nodes of each credential with the account, once they were asked for.
    bodies: Index<(ObjectKey, Stage), Vec<Vec<Node>>>,
    /// Steps by rule, in the order of the rules.
    labels: Vec<(RuleId, Label)>,
    /// Systems that were built, by what they answer.
    systems: BTreeMap<Question, System>,
    /// Orders that were found, by what was asked and had failed beforehand.
    pub(super) orders: BTreeMap<(Question, Vec<u32>), Order>,
    /// What the searches of each question met.
    pub(super) met: BTreeMap<Question, Met>,
    /// Ways that were told, by the same.
    pub(super) ways: BTreeMap<(Question, Vec<u32>), Option<Way>>,
    /// Numbers of the judge, by who it is, in which role besides.
    identities: Index<(ObjectKey, Option<&'static str>), u32>,
    per_user_mfa: BTreeSet<String>,
    /// Envelopes by whom and what they are for.
    envelopes: BTreeMap<(ObjectKey, Holds), usize>,
    /// Alternatives on unmanaged devices, by the sessions on each.
    alternatives: Index<Vec<(u16, u32)>, Arc<Vec<Need>>>,
    /// Who approves the activation of a role, by its stage.
    approvers: BTreeMap<(&'static str, usize), BTreeSet<ObjectKey>>,
    chains: BTreeMap<(Reset, Protection, Stage), Arc<repair::Chain>>,
    pub(super) unknowns: BTreeSet<String>,
}

impl<'a> Compiler<'a> {
    /// Prepares to compile.
    pub(super) fn new(access: &'a Access<'a>, settings: &'a LockoutSettings, mode: Mode) -> Self {
        let now = access.settings().now;
        let mut judge = Judge::new(access, settings, mode);
        let people = People::of(access, &settings.supposed, mode);
        let unmanaged = CLIENTS.map(|client| judge.unmanaged(client));
        let devices_not_exported = CLIENTS.map(|client| judge.devices_not_exported(client));
        let mut compiler = Self {
            access,
            settings,
            now,
            mode,
            judge,
            people,
            devices: Devices::of(access.snapshot().devices.items()),
            unmanaged,
            has_somebody_else: access.snapshot().somebody_else().is_some(),
            devices_not_exported,
            builder: SystemBuilder::default(),
            nodes: Index::default(),
            components: Vec::new(),
            facts: Index::default(),
            open: VecDeque::new(),
            persons: Index::default(),
            bodies: Index::default(),
            labels: Vec::new(),
            systems: BTreeMap::new(),
            orders: BTreeMap::new(),
            met: BTreeMap::new(),
            ways: BTreeMap::new(),
            identities: Index::default(),
            per_user_mfa: per_user_mfa(access, mode),
            envelopes: BTreeMap::new(),
            alternatives: Index::default(),
            approvers: BTreeMap::new(),
            chains: BTreeMap::new(),
            unknowns: strange_mfa_states(access),
        };
        if asks_of_devices(access) {
            compiler.note_devices_not_exported();
        }
        compiler.find_envelopes();
        compiler
    }

    /// Notes that there may be more devices, if there may.
    fn note_devices_not_exported(&mut self) {
        if let Some(why) = self.access.snapshot().devices.why() {
            self.unknowns.insert(format!("what devices people have: `devices` are not all there ({why})"));
        }
    }

    /// Makes the rules for a question, and everything that they ask for.
    pub(super) fn ask(&mut self, question: Question) -> Node {
        let goal = self.fact(Fact::Goal(question));
        while let Some((fact, head)) = self.open.pop_front() {
            self.define(&fact, head);
        }
        goal
    }

    /// One system for several questions, and what to ask it for each.
    pub(super) fn system_of_all(&mut self, questions: &[Question]) -> Option<(System, Vec<Node>)> {
        let goals: Vec<Node> = questions.iter().map(|question| self.ask(*question)).collect();
        let (first, others) = goals.split_first()?;
        Some((self.builder.build_for(*first, others), goals))
    }

    /// Facts that were not known, in words.
    pub(super) fn unknowns(&self) -> BTreeSet<String> {
        let all = [&self.unknowns, &self.judge.unknowns, &self.people.unknowns];
        all.into_iter().flatten().cloned().collect()
    }

    /// Whether applications that are not in the snapshot may reach what is asked.
    pub(super) fn has_untold_applications(&self) -> bool {
        self.settings.with_applications && !self.access.snapshot().service_principals.is_complete()
    }

    /// The system of a question; give it back, so that it need not be built again.
    pub(super) fn take_system(&mut self, question: Question) -> System {
        match self.systems.remove(&question) {
            Some(system) => system,
            None => {
                let goal = self.ask(question);
                self.builder.build(goal)
            }
        }
    }

    /// Keeps a system for the next time.
    pub(super) fn give_back(&mut self, question: Question, system: System) {
        self.systems.insert(question, system);
    }

    /// Components by number.
    pub(super) fn components(&self) -> &[Component] {
        &self.components
    }

    /// Whether something depends on a component, held up or not.
    pub(super) fn has_met(&self, component: &Component) -> bool {
        self.nodes.contains_key(component)
    }

    /// The numbers of components, ascending; those that the rules do not know have none.
    pub(super) fn numbers<'c>(&self, wanted: impl IntoIterator<Item = &'c Component>) -> Vec<u32> {
        let known = wanted.into_iter().filter_map(|component| self.nodes.get(component).copied().flatten());
        let mut numbers: Vec<u32> = known.map(|(_, number)| number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    /// What a rule stands for.
    pub(super) fn label(&self, rule: RuleId) -> Option<&Label> {
        let place = self.labels.binary_search_by_key(&rule, |(rule, _)| *rule).ok()?;
        self.labels.get(place).map(|(_, label)| label)
    }

    /// The node of a fact; it is defined later.
    fn fact(&mut self, fact: Fact) -> Node {
        match self.facts.entry(fact) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                let node = self.builder.fact();
                self.open.push_back((new.key().clone(), node));
                *new.insert(node)
            }
        }
    }

    /// The node of a component; `None` if it is held up.
    fn component(&mut self, component: &Component) -> Option<Node> {
        if let Some(known) = self.nodes.get(component) {
            return known.map(|(node, _)| node);
        }
        // There may be any number of people who are not exported: what is theirs never all fails.
        let is_anybodys = self.has_somebody_else && component.id().contains(SOMEBODY_ELSE);
        let known = (!is_anybodys && !self.settings.assumed.contains(component)).then(|| {
            let number = u32::try_from(self.components.len()).unwrap_or(u32::MAX);
            self.components.push(component.clone());
            (self.builder.component(), number)
        });
        self.nodes.insert(component.clone(), known);
        known.map(|(node, _)| node)
    }

    fn body(&mut self, components: impl IntoIterator<Item = Component>) -> Vec<Node> {
        components.into_iter().filter_map(|component| self.component(&component)).collect()
    }

    fn all(&mut self, head: Node, body: &[Node], label: Option<Label>) {
        let rule = self.builder.all(head, body);
        self.labels.extend(label.map(|label| (rule, label)));
    }

    fn define(&mut self, fact: &Fact, head: Node) {
        match fact {
            Fact::Account(user) => self.define_account(head, *user),
            Fact::Password(user, stage) => self.define_password(head, *user, *stage),
            Fact::KnownPassword(user, stage) => self.define_known_password(head, *user, *stage),
            Fact::NewPassword(user, stage) => self.define_reset(head, *user, Reset::Password, *stage),
            Fact::IssuedPass(user, stage) => self.define_reset(head, *user, Reset::Pass, *stage),
            Fact::Method(user, method, stage) => self.define_method(head, (*user, method), *stage),
            Fact::Envelope(number, stage) => self.define_envelope(head, *number, *stage),
            Fact::Depository(id, stage) => self.define_depository(head, id, *stage),
            Fact::Session(user, role, purpose, stage) => self.define_session(head, (*user, *role), purpose, *stage),
            Fact::Activated(user, role, stage) => self.define_activation(head, *user, role, *stage),
            Fact::Approval(user, role, number, stage) => self.define_approval(head, (*user, role, *number), *stage),
            Fact::Goal(question) => self.define_goal(head, *question),
            Fact::Resetter(reset, protection, but, stage) => {
                self.define_resetter(head, (*reset, *protection), *but, *stage);
            }
        }
    }

    /// The facts with which somebody holds a role: nothing if it is active.
    fn holding(&mut self, user: ObjectKey, role: &'static str, held: Held, stage: Stage) -> Vec<Node> {
        match held {
            Held::Active => Vec::new(),
            Held::Eligible => vec![self.fact(Fact::Activated(user, role, stage))],
        }
    }

    /// A session for somebody in a role.
    fn role_session(&mut self, user: ObjectKey, role: &'static str, held: Held, to: (Tool, Stage)) -> Node {
        let active = (held == Held::Eligible).then_some(role);
        self.fact(Fact::Session(user, active, Purpose::Tool(to.0), to.1))
    }
}

pub(super) use repair::role_name;

/// Client app types, as a sign-in names them.
pub(super) const CLIENTS: [&str; 2] = ["browser", "mobileAppsAndDesktopClients"];

/// Whether a per-user state asks for multifactor authentication; one of another word cannot be told.
fn asks_for_mfa(state: &GraphObject) -> Trit {
    match state.text("perUserMfaState") {
        Some("enabled" | "enforced") => Trit::Yes,
        Some("disabled") => Trit::No,
        Some(_) | None => Trit::Unknown,
    }
}

/// The per-user states of multifactor authentication that are not known, in words.
fn strange_mfa_states(access: &Access<'_>) -> BTreeSet<String> {
    let states = access.snapshot().per_user_mfa_states.items().iter();
    let name = |state: &GraphObject| {
        ["userPrincipalName", "userId", "id"].iter().find_map(|name| state.text(name)).map(str::to_owned)
    };
    states
        .filter(|state| asks_for_mfa(state) == Trit::Unknown)
        .map(|state| {
            format!("the per-user multifactor authentication of `{}` is not known", name(state).unwrap_or_default())
        })
        .collect()
}

/// Users whose per-user multifactor authentication is on, by id or sign-in name in lower case.
fn per_user_mfa(access: &Access<'_>, mode: Mode) -> BTreeSet<String> {
    let states = access.snapshot().per_user_mfa_states.items().iter();
    // What cannot be told is on where it is promised.
    let is_on = |state: &&GraphObject| !mode.takes(asks_for_mfa(state).negated());
    let names = states
        .filter(is_on)
        .flat_map(|state| ["userId", "id", "userPrincipalName"].into_iter().filter_map(|name| state.text(name)));
    names.map(str::to_ascii_lowercase).collect()
}

impl<'a> Compiler<'a> {
    /// Whether a session that is begun on an unmanaged device can be begun alike on any, whatever its platform.
    pub(super) fn is_on_any_device(&mut self, session: &SessionOn) -> bool {
        let person = self.person(session.user);
        let Some(tool) = session.tool else { return false };
        let devices = person.devices.get(session.device.client).map_or(&[][..], Vec::as_slice);
        let is_unmanaged = |device: &DeviceContext| device.registered.is_none() && device.needs.is_empty();
        if !devices.get(usize::from(session.device.number)).is_some_and(is_unmanaged) {
            return false;
        }
        let Some(combination) = person.combinations.get(session.credential).copied() else { return false };
        let identity = self.identity(session.user, session.role);
        let application = self.access.targets().row(&Target::Application(tool.app_id().into()));
        let targets: Vec<TargetRow> = std::iter::once(application).chain(session.context).collect();
        let mut all = devices.iter().filter(|device| is_unmanaged(device));
        let mut needs = |class: u32| self.judge.session(&(identity, &targets, class, combination)).needs;
        let Some(first) = all.next().map(|device| needs(device.class)) else { return false };
        all.all(|device| needs(device.class) == first)
    }

    /// What a person can sign in with and on.
    pub(super) fn person(&mut self, user: ObjectKey) -> Arc<Person> {
        if let Some(person) = self.persons.get(&user) {
            return Arc::clone(person);
        }
        let person = Arc::new(self.look_up(user));
        self.persons.insert(user, Arc::clone(&person));
        person
    }
}
