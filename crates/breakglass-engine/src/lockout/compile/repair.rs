//! Goals, activations, approvals, resets: what one session makes possible for another.

use breakglass_model::object::ObjectKey;
use breakglass_model::well_known::{GLOBAL_ADMINISTRATOR, PRIVILEGED_ROLE_ADMINISTRATOR};

use super::{Compiler, Fact, Label, Purpose, Reset};
use crate::access::Trit;
use crate::lockout::component::{Component, Kind, PIM};
use crate::lockout::credential::HomeDomain;
use crate::lockout::goal::{Goal, Horizon, Question, Stage, Surface, Tool};
use crate::lockout::people::{self, Activation, Held, Protection};
use crate::lockout::settings::Mode;
use crate::lockout::system::Node;

impl Compiler<'_> {
    pub(super) fn define_goal(&mut self, head: Node, question: Question) {
        let Question { goal, surface, stage } = question;
        let roles = surface.map_or(goal.roles(), |surface| surface.roles(goal));
        let tools = surface.map_or_else(|| goal.tools().to_vec(), |surface| surface.tools(goal));
        let mut done = std::collections::BTreeSet::new();
        let mut alive = std::collections::BTreeSet::new();
        for role in roles {
            let holders: Vec<_> = self.people.holders(role).collect();
            for (user, held) in holders {
                for tool in &tools {
                    // Two active roles are one session.
                    if held == Held::Active && !done.insert((user, *tool)) {
                        continue;
                    }
                    let mut body = self.holding(user, role, held, stage);
                    body.push(self.role_session(user, role, held, (*tool, stage)));
                    self.all(head, &body, Some(Label::Goal { user, tool: *tool }));
                }
                if held == Held::Active && alive.insert(user) {
                    self.live(head, user, &tools, stage);
                }
            }
        }
        if self.settings.supposed.has_spare_account {
            let spare = [Component::account(SPARE), Component::new(Kind::Method, &format!("{SPARE}#1"))];
            let setting = Component::new(Kind::Policy, "method:Fido2");
            let body = self.body(spare.into_iter().chain([setting]));
            self.all(head, &body, None);
        }
        if self.settings.with_applications && !matches!(surface, Some(Surface::Portal | Surface::M365 | Surface::Azure))
        {
            self.applications(head, goal);
        }
    }

    /// An open session of somebody whose role is active, as the horizon has it.
    fn live(&mut self, head: Node, user: ObjectKey, tools: &[Tool], stage: Stage) {
        if self.settings.horizon == Horizon::Day || !self.person(user).has_sessions {
            return;
        }
        let id = self.person(user).id.clone();
        let mut body = vec![self.fact(Fact::Account(user))];
        body.extend(self.body([Component::new(Kind::Live, &id)]));
        let tool = tools.first().copied().unwrap_or(Tool::EntraPortal);
        match self.settings.horizon {
            Horizon::Day => {}
            Horizon::Now => self.all(head, &body, Some(Label::Live { user, tool })),
            Horizon::Hour => {
                for tool in tools {
                    self.refresh(head, user, *tool);
                }
                if stage == Stage::AfterRepair {
                    body.push(self.fact(Fact::Goal(Question {
                        goal: Goal::EditCa,
                        surface: None,
                        stage: Stage::Direct,
                    })));
                    self.all(head, &body, Some(Label::Live { user, tool }));
                }
            }
        }
    }

    pub(super) fn define_activation(&mut self, head: Node, user: ObjectKey, role: &'static str, stage: Stage) {
        let snapshot = self.access.snapshot();
        let rules = people::activation(snapshot, self.access.classes().roles(), role);
        let free = Activation { mfa: Trit::No, context: Ok(None), stages: Ok(Vec::new()) };
        let rules = match rules {
            Ok(rules) => rules,
            Err(why) => {
                self.unknowns.insert(format!("what activating `{}` asks: {why}", role_name(role)));
                if self.mode == Mode::Promised {
                    return;
                }
                free
            }
        };
        let mut known = |what: Result<_, String>| match what {
            Ok(known) => Some(known),
            Err(why) => {
                self.unknowns.insert(format!("activating `{}`: {why}", role_name(role)));
                None
            }
        };
        let context = known(rules.context.clone().map(|context| (context, Vec::new())));
        let stages = known(rules.stages.clone().map(|stages| (None, stages)));
        if rules.mfa == Trit::Unknown {
            self.unknowns.insert(format!("what activating `{}` asks is not all known", role_name(role)));
        }
        let is_untold = |stage: &people::Stage| stage.is_not_exported;
        if stages.iter().flat_map(|(_, stages)| stages).any(is_untold) {
            self.unknowns.insert(format!("who approves activating `{}` is not in the export", role_name(role)));
        }
        let is_unclear = context.is_none()
            || rules.mfa == Trit::Unknown
            || stages.as_ref().is_none_or(|(_, stages)| stages.iter().any(is_untold));
        if self.mode == Mode::Promised && is_unclear {
            return;
        }
        let context = context.and_then(|(context, _)| context);
        let stages = stages.map(|(_, stages)| stages).unwrap_or_default();
        let mfa = rules.mfa == Trit::Yes;
        let mut body = self.body([Component::fixed(PIM)]);
        body.push(self.fact(Fact::Session(user, None, Purpose::Activation { mfa, context }, stage)));
        // A stage of which nobody knows who is asked: it may be that nobody is.
        for (number, _) in stages.iter().enumerate().filter(|(_, stage)| !is_untold(stage)) {
            body.push(self.fact(Fact::Approval(user, role, number, stage)));
        }
        self.all(head, &body, Some(Label::Activated { user, role }));
    }

    pub(super) fn define_approval(&mut self, head: Node, what: (ObjectKey, &'static str, usize), stage: Stage) {
        let (user, role, number) = what;
        let rules = people::activation(self.access.snapshot(), self.access.classes().roles(), role);
        let Some(approval) = rules.ok().and_then(|rules| rules.stages.ok()?.into_iter().nth(number)) else { return };
        let mut approvers = approval.approvers;
        let supposed = self.settings.supposed.approvers.iter().filter(|(of, _)| *of == role);
        approvers.extend(supposed.map(|(_, by)| *by));
        if let Some(why) = &approval.doubt {
            self.unknowns.insert(format!("who approves activating `{}`: {why}", role_name(role)));
        }
        if self.mode == Mode::Possible && approval.doubt.is_some() {
            approvers.extend(people::everybody(self.access.snapshot()));
            self.people.are_more_possible |= people::are_more(self.access.snapshot());
        }
        if self.mode == Mode::Possible && approval.is_empty {
            for role in [GLOBAL_ADMINISTRATOR, PRIVILEGED_ROLE_ADMINISTRATOR] {
                let active = self.people.holders(role).filter(|(_, held)| *held == Held::Active);
                approvers.extend(active.map(|(user, _)| user));
            }
        }
        self.approvers.entry((role, number)).or_insert_with(|| approvers.iter().copied().collect());
        for by in approvers.into_iter().filter(|by| *by != user) {
            for tool in Tool::ACTIVATION {
                let session = self.fact(Fact::Session(by, None, Purpose::Tool(*tool), stage));
                self.all(head, &[session], Some(Label::Approved { by, of: user }));
            }
        }
    }

    /// Whether somebody else can give a user something.
    pub(super) fn can_be_given(&mut self, user: ObjectKey, reset: Reset) -> bool {
        let snapshot = self.access.snapshot();
        let Some(listed) = snapshot.user(user) else { return false };
        let home = self.home(listed);
        if home.is_guest || home.domain != HomeDomain::Managed {
            return false;
        }
        let is_at_home = match reset {
            Reset::Password => !home.is_synchronised,
            Reset::Pass => true,
        };
        let is_free = people::is_restricted(snapshot, user).negated();
        // That nothing is known of whoever is only named is told once, where it is looked up.
        if snapshot.is_only_named(user) {
            return is_at_home && self.mode.takes(is_free);
        }
        is_at_home
            && self.takes(is_free, || {
                format!("whether `{}` lies in a restricted management administrative unit", listed.name())
            })
    }

    pub(super) fn define_reset(&mut self, head: Node, user: ObjectKey, reset: Reset, stage: Stage) {
        if !self.can_be_given(user, reset) {
            return;
        }
        let protection = self.people.protection(user);
        let roles = match reset {
            Reset::Password => protection.password_roles(),
            Reset::Pass => protection.pass_roles(),
        };
        let is_one = roles.iter().any(|role| self.people.held(user, role).is_some());
        let resetter = self.fact(Fact::Resetter(reset, protection, is_one.then_some(user), stage));
        let label = match reset {
            Reset::Password => Label::NewPassword { of: user },
            Reset::Pass => Label::IssuedPass { of: user },
        };
        self.all(head, &[resetter], Some(label));
    }

    /// Anybody who can reset, or anybody but one: a chain from both ends, so that the rules stay as many as the people.
    pub(super) fn define_resetter(
        &mut self,
        head: Node,
        (reset, protection): (Reset, Protection),
        but: Option<ObjectKey>,
        stage: Stage,
    ) {
        let chain = self.resetter_chain(reset, protection, stage);
        match but {
            None => self.all_of_any(head, chain.forward.last().copied().into_iter()),
            Some(user) => {
                let Some(at) = chain.users.iter().position(|one| *one == user) else {
                    return self.all_of_any(head, chain.forward.last().copied().into_iter());
                };
                let before = at.checked_sub(1).and_then(|at| chain.forward.get(at));
                let after = chain.backward.get(at + 1);
                self.all_of_any(head, before.into_iter().chain(after).copied());
            }
        }
    }

    fn all_of_any(&mut self, head: Node, members: impl Iterator<Item = Node>) {
        for member in members {
            self.all(head, &[member], None);
        }
    }

    fn resetter_chain(&mut self, reset: Reset, protection: Protection, stage: Stage) -> std::sync::Arc<Chain> {
        if let Some(chain) = self.chains.get(&(reset, protection, stage)) {
            return std::sync::Arc::clone(chain);
        }
        let (roles, tools) = match reset {
            Reset::Password => (protection.password_roles(), Tool::RESET),
            Reset::Pass => (protection.pass_roles(), Tool::ISSUE_PASS),
        };
        let mut by_user: std::collections::BTreeMap<ObjectKey, Vec<(&'static str, Held)>> = Default::default();
        for role in roles {
            for (user, held) in self.people.holders(role) {
                by_user.entry(user).or_default().push((role, held));
            }
        }
        let mut chain = Chain::default();
        let mut singles = Vec::new();
        for (user, held) in by_user {
            let single = self.builder.fact();
            let mut done = std::collections::BTreeSet::new();
            for (role, held) in held {
                for tool in tools {
                    if held == Held::Active && !done.insert(*tool) {
                        continue;
                    }
                    let mut body = self.holding(user, role, held, stage);
                    body.push(self.role_session(user, role, held, (*tool, stage)));
                    self.all(single, &body, Some(Label::Resetter { by: user }));
                }
            }
            chain.users.push(user);
            singles.push(single);
        }
        chain.forward = self.running(singles.iter().copied());
        chain.backward = self.running(singles.iter().rev().copied());
        chain.backward.reverse();
        let chain = std::sync::Arc::new(chain);
        self.chains.insert((reset, protection, stage), std::sync::Arc::clone(&chain));
        chain
    }

    /// Per place, whether any up to it holds.
    fn running(&mut self, singles: impl Iterator<Item = Node>) -> Vec<Node> {
        let mut all: Vec<Node> = Vec::new();
        for single in singles {
            let fact = self.builder.fact();
            self.all(fact, &[single], None);
            if let Some(before) = all.last().copied() {
                self.all(fact, &[before], None);
            }
            all.push(fact);
        }
        all
    }
}

/// Id that stands for an emergency account that is only supposed.
const SPARE: &str = "supposed";

/// Everybody who can reset, in order, with the facts that one up to a place can, and one from it on.
#[derive(Debug, Default)]
pub(super) struct Chain {
    users: Vec<ObjectKey>,
    forward: Vec<Node>,
    backward: Vec<Node>,
}

/// The name of a role.
pub(in crate::lockout) fn role_name(template: &str) -> &str {
    breakglass_model::well_known::built_in_role(template).map_or(template, |role| role.name)
}
