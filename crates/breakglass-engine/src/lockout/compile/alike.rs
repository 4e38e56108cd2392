//! People who get in, those together whose rules are the same but for what is their own: the same roles, methods of the
//! same kinds, the same policies in the way.
//!
//! Read off the rules in one pass, from the goal backwards. What is somebody's own is told by its kind and by the rules
//! that need it; what others do (a reset, an approval) by what it is and
//! whether the person itself could do it for others, which leaves one less to do it for the person.

use std::collections::{BTreeMap, BTreeSet};

use breakglass_model::object::ObjectKey;
use breakglass_model::strength::Modes;

use super::{Compiler, Fact, Index, Label, Reset};
use crate::lockout::component::{Component, Kind};
use crate::lockout::goal::{Goal, Tool};
use crate::lockout::people::{Held, Protection};
use crate::lockout::system::{Node, System};

/// People who are alike.
pub(in crate::lockout) struct Alike {
    /// Who, ascending.
    pub(in crate::lockout) users: Vec<ObjectKey>,
}

/// The rules that hold while everything is up, as far as people reach the goal by them.
pub(in crate::lockout) struct MetRules {
    /// Per person, the rules by which it reaches the goal.
    goal_rules: BTreeMap<ObjectKey, Vec<u32>>,
    /// Rules by what they derive.
    by_head: Index<Node, Vec<u32>>,
    /// What somebody does: whose session it is, or nobody's where anybody may do it.
    doings: Index<Node, Option<ObjectKey>>,
}

/// One part of what a person's rules are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Part {
    Role(&'static str, Held),
    Rule,
    Tool(Option<Tool>),
    Active(Option<&'static str>),
    Live,
    Modes(Modes),
    Threshold(usize),
    Own(Kind),
    Component(u32),
    Other(Node),
    /// A reset, and whether somebody could do it who is the person itself.
    Reset(Reset, Protection, bool),
    /// An approval, and whether the person is among the approvers.
    Approval(&'static str, usize, bool),
    Fact,
    Inner(u32),
}

/// Gives equal descriptions one number.
#[derive(Default)]
struct Numbers(Index<Vec<Part>, u32>);

impl Numbers {
    fn of(&mut self, parts: Vec<Part>) -> u32 {
        let next = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        *self.0.entry(parts).or_insert(next)
    }
}

struct Describing<'c, 'a> {
    compiler: &'c Compiler<'a>,
    system: &'c System,
    met: &'c MetRules,
    facts: &'c Index<Node, &'c Fact>,
    /// Devices that more than one person needs.
    shared: &'c BTreeSet<Node>,
    numbers: &'c mut Numbers,
    user: ObjectKey,
    id: &'c str,
    /// Per component of the person's own, the descriptions of the rules that need it.
    own: BTreeMap<u32, BTreeSet<u32>>,
}

impl Compiler<'_> {
    /// The rules by which people reach the goal while everything is up.
    pub(in crate::lockout) fn met_rules(&self, system: &mut System) -> MetRules {
        let rules = system.met_rules();
        let doings = self.facts.iter().filter_map(|(fact, node)| match fact {
            Fact::Resetter(..) | Fact::Goal(_) | Fact::Approval(..) => Some((*node, None)),
            Fact::Session(of, ..) => Some((*node, Some(*of))),
            _ => None,
        });
        let mut met = MetRules { goal_rules: BTreeMap::new(), by_head: Index::default(), doings: doings.collect() };
        for number in rules {
            let (id, head, _) = system.rule(number);
            met.by_head.entry(head).or_default().push(number);
            if head == system.goal()
                && let Some(Label::Goal { user, .. } | Label::Live { user, .. }) = self.label(id)
            {
                met.goal_rules.entry(*user).or_default().push(number);
            }
        }
        met
    }

    /// Everybody who gets in, those together who are alike.
    pub(in crate::lockout) fn alike(&self, system: &System, met: &MetRules, goal: Goal) -> Vec<Alike> {
        let facts: Index<Node, &Fact> = self.facts.iter().map(|(fact, node)| (*node, fact)).collect();
        let shared = self.shared_devices(system, met);
        let mut numbers = Numbers::default();
        let mut groups: BTreeMap<u32, Vec<ObjectKey>> = BTreeMap::new();
        for (user, rules) in &met.goal_rules {
            let mut describing = Describing {
                compiler: self,
                system,
                met,
                facts: &facts,
                shared: &shared,
                numbers: &mut numbers,
                user: *user,
                id: self.access.snapshot().objects.id(*user),
                own: BTreeMap::new(),
            };
            let roles = goal.roles().iter().filter_map(|role| Some(Part::Role(role, self.people.held(*user, role)?)));
            let mut parts: Vec<Part> = roles.collect();
            let mut inner: Vec<u32> = rules.iter().map(|rule| describing.rule(*rule)).collect();
            inner.sort_unstable();
            let own = std::mem::take(&mut describing.own);
            let mut own: Vec<u32> = own
                .into_iter()
                .map(|(component, rules)| {
                    let kind = self.components.get(component as usize).map_or(Kind::Service, Component::kind);
                    let rules = rules.into_iter().map(Part::Inner);
                    numbers.of(std::iter::once(Part::Own(kind)).chain(rules).collect())
                })
                .collect();
            own.sort_unstable();
            parts.extend(inner.into_iter().map(Part::Inner));
            parts.push(Part::Rule);
            parts.extend(own.into_iter().map(Part::Inner));
            groups.entry(numbers.of(parts)).or_default().push(*user);
        }
        groups.into_values().map(|users| Alike { users }).collect()
    }

    /// Devices on which more than one person signs in.
    fn shared_devices(&self, system: &System, met: &MetRules) -> BTreeSet<Node> {
        let mut users: BTreeMap<Node, ObjectKey> = BTreeMap::new();
        let mut shared = BTreeSet::new();
        for number in met.by_head.values().flatten() {
            let (id, _, body) = system.rule(*number);
            let Some(Label::Session { user, .. }) = self.label(id) else { continue };
            let is_device = |node: &&Node| {
                let component = system.component_at(**node).and_then(|number| self.components.get(number as usize));
                component.is_some_and(|component| component.kind() == Kind::Device)
            };
            for node in body.iter().filter(is_device) {
                if *users.entry(*node).or_insert(*user) != *user {
                    shared.insert(*node);
                }
            }
        }
        shared
    }

    /// The rules by which somebody reaches the goal without anybody else's doing, by number, ascending.
    pub(in crate::lockout) fn rules_alone(system: &System, met: &MetRules, user: ObjectKey) -> Vec<u32> {
        let mut kept: BTreeSet<u32> = BTreeSet::new();
        let mut open: Vec<u32> = met.goal_rules.get(&user).cloned().unwrap_or_default();
        while let Some(rule) = open.pop() {
            if !kept.insert(rule) {
                continue;
            }
            let (_, _, body) = system.rule(rule);
            let inner = body.iter().filter(|node| met.doings.get(*node).is_none_or(|by| *by == Some(user)));
            open.extend(inner.filter_map(|node| met.by_head.get(node)).flatten());
        }
        kept.into_iter().collect()
    }

    /// The rules of the whole system, without those by which others reach the goal, by number, ascending.
    pub(in crate::lockout) fn rules_with_help(system: &System, met: &MetRules, user: ObjectKey) -> Vec<u32> {
        let own: BTreeSet<u32> = met.goal_rules.get(&user).into_iter().flatten().copied().collect();
        let all = met.by_head.iter().filter(|(head, _)| **head != system.goal()).flat_map(|(_, rules)| rules).copied();
        let mut all: Vec<u32> = all.chain(own).collect();
        all.sort_unstable();
        all
    }
}

impl Describing<'_, '_> {
    /// What a rule is like.
    fn rule(&mut self, number: u32) -> u32 {
        let (id, _, body) = self.system.rule(number);
        let mut parts = vec![Part::Rule];
        let mut is_session = false;
        match self.compiler.label(id) {
            Some(Label::Session { user, role, tool, credential, .. }) => {
                is_session = *user == self.user;
                parts.extend([Part::Tool(*tool), Part::Active(*role)]);
                let person = self.compiler.persons.get(user);
                let modes = person.and_then(|person| person.credentials.get(*credential)).map(|one| one.key.modes);
                parts.extend(modes.map(Part::Modes));
            }
            Some(Label::Goal { tool, .. }) => parts.push(Part::Tool(Some(*tool))),
            Some(Label::Live { tool, .. }) => parts.extend([Part::Live, Part::Tool(Some(*tool))]),
            Some(Label::Envelope { number }) => {
                let envelope = self.compiler.settings.custody.envelopes.get(*number);
                parts.extend(envelope.map(|one| Part::Threshold(one.threshold)));
            }
            _ => {}
        }
        let mut inner: Vec<Part> = body.iter().map(|node| self.node(*node)).collect();
        inner.sort_unstable();
        parts.extend(inner);
        let number = self.numbers.of(parts);
        if is_session || matches!(self.compiler.label(id), Some(Label::Live { .. })) {
            let mut own = BTreeSet::new();
            body.iter().for_each(|node| self.own_of(*node, &mut own));
            for component in own {
                self.own.entry(component).or_default().insert(number);
            }
        }
        number
    }

    /// What something that a rule needs is like.
    fn node(&mut self, node: Node) -> Part {
        if let Some(component) = self.system.component_at(node) {
            return match self.own_kind(node, component) {
                Some(kind) => Part::Own(kind),
                None => Part::Component(component),
            };
        }
        match self.facts.get(&node) {
            Some(Fact::Resetter(reset, protection, but, _)) => Part::Reset(*reset, *protection, but.is_some()),
            Some(Fact::Approval(user, role, number, _)) if *user == self.user => {
                let approvers = self.compiler.approvers.get(&(*role, *number));
                Part::Approval(role, *number, approvers.is_some_and(|approvers| approvers.contains(user)))
            }
            Some(fact) if is_of(fact, self.user) => {
                let rules = self.met.by_head.get(&node).map_or(&[][..], Vec::as_slice);
                let mut inner: Vec<Part> = rules.iter().map(|rule| Part::Inner(self.rule(*rule))).collect();
                inner.sort_unstable();
                inner.dedup();
                Part::Inner(self.numbers.of(std::iter::once(Part::Fact).chain(inner).collect()))
            }
            _ => Part::Other(node),
        }
    }

    /// The components of the person's own that something stands on.
    fn own_of(&self, node: Node, found: &mut BTreeSet<u32>) {
        if let Some(component) = self.system.component_at(node) {
            if self.own_kind(node, component).is_some() {
                found.insert(component);
            }
        } else if self.facts.get(&node).is_some_and(|fact| is_of(fact, self.user)) {
            for rule in self.met.by_head.get(&node).into_iter().flatten() {
                self.system.rule(*rule).2.iter().for_each(|node| self.own_of(*node, found));
            }
        }
    }

    fn own_kind(&self, node: Node, component: u32) -> Option<Kind> {
        let component = self.compiler.components.get(component as usize)?;
        let is_own = match component.kind() {
            Kind::Device => !self.shared.contains(&node),
            Kind::Account | Kind::Password | Kind::Live => component.key() == self.id,
            Kind::Method => component.key().strip_prefix(self.id).is_some_and(|rest| rest.starts_with('#')),
            Kind::Quiet => component.key().strip_suffix(self.id).is_some_and(|rest| rest.ends_with(':')),
            _ => false,
        };
        is_own.then(|| component.kind())
    }
}

/// Whether a fact is about what somebody has and does, and nobody else does anything for it.
fn is_of(fact: &Fact, user: ObjectKey) -> bool {
    match fact {
        Fact::Account(of)
        | Fact::Password(of, _)
        | Fact::KnownPassword(of, _)
        | Fact::NewPassword(of, _)
        | Fact::IssuedPass(of, _)
        | Fact::Method(of, ..)
        | Fact::Session(of, ..)
        | Fact::Activated(of, ..) => *of == user,
        Fact::Envelope(..) | Fact::Depository(..) | Fact::Approval(..) | Fact::Goal(_) | Fact::Resetter(..) => false,
    }
}
