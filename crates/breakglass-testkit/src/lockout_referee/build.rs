//! Writes down the rules of one question, each choice of a sign-in as one rule.

#![expect(
    clippy::indexing_slicing,
    reason = "people, tools, devices, points and facts are numbered by the tables they lie in"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use breakglass_model::snapshot::SOMEBODY_ELSE;

use super::beside::{ENTRA_PORTAL, GRAPH_POWERSHELL, M365_ADMIN_CENTER, last_tools};
use super::demands::Means;
use super::methods::Proof;
use super::roles::{Activation, goal_roles};
use super::sign_ins::{Attempt, Row};
use super::simulator::{Fact, Mask, Policies, Rule, Secret, Simulator, Wanted};
use super::{Goal, Horizon, LockoutReferee, Mode, Question, Share, Surface};
use crate::referee::Answer;

const ACTIVATION_TOOLS: [usize; 2] = [ENTRA_PORTAL, GRAPH_POWERSHELL];
const PASSWORD_TOOLS: [usize; 3] = [ENTRA_PORTAL, GRAPH_POWERSHELL, M365_ADMIN_CENTER];
const PASS_TOOLS: [usize; 2] = [ENTRA_PORTAL, GRAPH_POWERSHELL];

/// What is derived.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Goal,
    EditCa,
    /// Somebody, with a role that was activated before, at a tool.
    Session(usize, Option<&'static str>, usize),
    Activated(usize, &'static str),
    NewPassword(usize),
    IssuedPass(usize),
    Depository(String),
}

pub(super) fn simulator(tenant: &LockoutReferee<'_>, question: Question) -> Simulator {
    let mut builder = Builder {
        tenant,
        question,
        names: Vec::new(),
        facts: BTreeMap::new(),
        open: Vec::new(),
        rules: BTreeSet::new(),
        secrets: Vec::new(),
        proofs: BTreeMap::new(),
        demands: BTreeMap::new(),
    };
    let goal = builder.fact(Key::Goal);
    let edit_ca = builder.fact(Key::EditCa);
    while let Some(key) = builder.open.pop() {
        builder.derive(&key);
    }
    #[cfg(test)]
    let is_help = |(key, _): &(&Key, &Fact)| matches!(key, Key::NewPassword(_) | Key::IssuedPass(_));
    let simulator = Simulator {
        #[cfg(test)]
        is_help: builder.facts.iter().filter(is_help).map(|(_, fact)| *fact).collect(),
        names: builder.names,
        fact_count: builder.facts.len(),
        rules: builder.rules.into_iter().collect(),
        secrets: builder.secrets,
        goal,
        edit_ca,
        stage: question.stage,
        relevant: 0,
    };
    simulator.finish().in_order_of_names()
}

impl Simulator {
    /// Components are listed by id.
    fn in_order_of_names(mut self) -> Self {
        let mut order: Vec<usize> = (0..self.names.len()).collect();
        order.sort_by(|one, other| self.names[*one].cmp(&self.names[*other]));
        let moved = |mask: Mask| {
            let places = order.iter().enumerate();
            places.filter(|(_, old)| mask >> **old & 1 != 0).fold(0, |new: Mask, (at, _)| new | 1 << at)
        };
        for rule in &mut self.rules {
            rule.needs = moved(rule.needs);
            rule.policies.quiet = rule.policies.quiet.map(moved);
            for clause in rule.policies.by_risk.iter_mut().flatten().flatten() {
                *clause = moved(*clause);
            }
        }
        for (needs, _) in self.secrets.iter_mut().flat_map(|secret| &mut secret.shares) {
            *needs = moved(*needs);
        }
        self.relevant = moved(self.relevant);
        self.names = order.iter().map(|old| self.names[*old].clone()).collect();
        self
    }
}

struct Builder<'t> {
    tenant: &'t LockoutReferee<'t>,
    question: Question,
    names: Vec<String>,
    facts: BTreeMap<Key, Fact>,
    open: Vec<Key>,
    rules: BTreeSet<Rule>,
    secrets: Vec<Secret>,
    proofs: BTreeMap<usize, Rc<Vec<Proof>>>,
    /// By person, proof (none when prompts are answered), device and policy.
    demands: BTreeMap<(usize, Option<usize>, usize, usize), Wanted>,
}

/// A choice of device and place, and the policies that count there, per set of risks that may be reported.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Choice {
    device: usize,
    needs: Mask,
    by_risk: [u64; 8],
}

impl Builder<'_> {
    fn mode(&self) -> Mode {
        self.question.mode
    }

    fn fact(&mut self, key: Key) -> Fact {
        let next = self.facts.len();
        if let Some(fact) = self.facts.get(&key) {
            return *fact;
        }
        self.facts.insert(key.clone(), next);
        self.open.push(key);
        next
    }

    fn component(&mut self, id: &str) -> Mask {
        // Of people who are not exported there are as many as anybody likes.
        if id.contains(SOMEBODY_ELSE) {
            return 0;
        }
        let at = self.names.iter().position(|name| name == id).unwrap_or_else(|| {
            self.names.push(id.to_owned());
            self.names.len() - 1
        });
        assert!(at < 128, "the simulator is for small tenants");
        1 << at
    }

    fn components<'i>(&mut self, ids: impl IntoIterator<Item = &'i String>) -> Mask {
        ids.into_iter().fold(0, |mask, id| mask | self.component(id))
    }

    fn add(&mut self, rule: Rule) {
        self.rules.insert(rule);
    }

    fn rule(head: Fact) -> Rule {
        Rule {
            head,
            needs: 0,
            facts: Vec::new(),
            one_of: Vec::new(),
            secrets: Vec::new(),
            policies: Policies::default(),
            is_after_repair: false,
        }
    }

    fn derive(&mut self, key: &Key) {
        let head = self.fact(key.clone());
        match key {
            Key::Goal => self.goal(head, self.question.goal, self.question.surface),
            Key::EditCa => self.goal(head, Goal::EditCa, None),
            Key::Session(person, activated, tool) => {
                self.session(&Self::rule(head), (*person, *activated, *tool), &Activation::default());
            }
            Key::Activated(person, role) => self.activation(head, *person, role),
            Key::NewPassword(person) => {
                let roles = self.tenant.password_resetters(*person, self.mode());
                self.somebody_else(head, *person, &roles, &PASSWORD_TOOLS);
            }
            Key::IssuedPass(person) => {
                let roles = self.tenant.pass_issuers(*person, self.mode());
                self.somebody_else(head, *person, &roles, &PASS_TOOLS);
            }
            Key::Depository(id) => self.depository(head, id),
        }
    }

    /// Somebody holds one of the roles, or activates it, and signs in to one of the tools.
    fn holder(&mut self, head: Fact, person: usize, roles: &[&'static str], tools: &[usize]) {
        for role in roles {
            let holds = self.tenant.keeps(person, role);
            for tool in tools {
                if self.mode().has(holds) {
                    let session = self.fact(Key::Session(person, None, *tool));
                    self.add(Rule { facts: vec![session], ..Self::rule(head) });
                }
                if holds != Answer::Yes && self.mode().has(self.tenant.is_eligible(person, role)) {
                    let activated = self.fact(Key::Activated(person, role));
                    let session = self.fact(Key::Session(person, Some(role), *tool));
                    self.add(Rule { facts: vec![activated, session], ..Self::rule(head) });
                }
            }
        }
    }

    fn somebody_else(&mut self, head: Fact, person: usize, roles: &[&'static str], tools: &[usize]) {
        for other in (0..self.tenant.people.len()).filter(|other| *other != person) {
            self.holder(head, other, roles, tools);
        }
    }

    fn goal(&mut self, head: Fact, goal: Goal, surface: Option<Surface>) {
        let (roles, tools) = (goal_roles(goal, surface), last_tools(goal, surface));
        for person in 0..self.tenant.people.len() {
            self.holder(head, person, roles, &tools);
            let holds = roles.iter().any(|role| self.mode().has(self.tenant.keeps(person, role)));
            let is_guest = self.mode().fears(self.tenant.people[person].is_guest);
            if holds && !is_guest && self.question.horizon != Horizon::Day {
                self.open_session(head, person, &tools);
            }
        }
    }

    /// A session that is still open reaches the goal.
    fn open_session(&mut self, head: Fact, person: usize, tools: &[usize]) {
        let Some(account) = self.account(person) else { return };
        let needs = account | self.component(&format!("live:{}", self.tenant.people[person].id));
        if self.question.horizon == Horizon::Now {
            return self.add(Rule { needs, ..Self::rule(head) });
        }
        self.add(Rule { needs, is_after_repair: true, ..Self::rule(head) });
        for tool in tools {
            for choice in self.choices(person, None, *tool, None) {
                let policies = self.policies(person, None, &choice);
                self.add(Rule { needs: needs | choice.needs, policies, ..Self::rule(head) });
            }
        }
    }

    /// What the account itself needs; `None` if it has no sessions.
    fn account(&mut self, person: usize) -> Option<Mask> {
        let someone = &self.tenant.people[person];
        if !self.mode().has(someone.is_open) {
            return None;
        }
        let mut needs = self.component(&format!("account:{}", someone.id));
        if self.mode().fears(someone.is_synchronised) {
            needs |= self.component("onprem:sync");
        }
        Some(needs)
    }

    fn activation(&mut self, head: Fact, person: usize, role: &'static str) {
        let Some(activation) = self.tenant.activation(role, self.mode()) else { return };
        let mut one_of = Vec::new();
        for stage in &activation.stages {
            let others = stage.iter().filter(|approver| **approver != person);
            let sessions = others.flat_map(|approver| ACTIVATION_TOOLS.map(|tool| Key::Session(*approver, None, tool)));
            one_of.push(sessions.map(|key| self.fact(key)).collect::<Vec<_>>());
        }
        let needs = self.component("svc:pim");
        let rule = Rule { needs, one_of, ..Self::rule(head) };
        for tool in ACTIVATION_TOOLS {
            self.session(&rule, (person, None, tool), &activation);
        }
    }

    fn depository(&mut self, head: Fact, id: &str) {
        let Some(depository) = self.tenant.custody.depositories.get(id) else { return };
        let mut needs = self.component(&format!("depository:{id}"));
        if let Some(site) = &depository.site {
            needs |= self.component(&format!("site:{site}"));
        }
        let mut rule = Rule { needs, ..Self::rule(head) };
        if !depository.signs_in.is_empty() {
            let application = depository.application.as_ref();
            let tool = application.and_then(|own| self.tenant.tools.iter().position(|tool| tool.application == *own));
            let tool = tool.unwrap_or(GRAPH_POWERSHELL);
            let unlisted = self.tenant.person(SOMEBODY_ELSE).filter(|_| self.mode() == Mode::Possible);
            let named = depository.signs_in.iter();
            let people: Vec<usize> = named.filter_map(|name| self.tenant.person(name).or(unlisted)).collect();
            let sessions = people.into_iter().map(|person| self.fact(Key::Session(person, None, tool))).collect();
            rule.one_of.push(sessions);
        }
        self.add(rule);
    }

    /// Adds every choice of a sign-in to a rule.
    fn session(
        &mut self,
        rule: &Rule,
        (person, activated, tool): (usize, Option<&'static str>, usize),
        wanted: &Activation,
    ) {
        let Some(account) = self.account(person) else { return };
        let by_setting = self.tenant.wants_multifactor(person, activated, &self.tenant.tools[tool]);
        let wants_multifactor = wanted.wants_multifactor || self.mode().fears(by_setting);
        let choices = self.choices(person, activated, tool, wanted.context.as_deref());
        let proofs = self.proofs(person);
        for (at, proof) in proofs.iter().enumerate().filter(|(_, proof)| proof.is_multifactor || !wants_multifactor) {
            let mut started = rule.clone();
            started.needs |= account | self.components(&proof.needs);
            for started in self.credentials(person, proof, started) {
                for choice in &choices {
                    let device = &self.tenant.devices[choice.device];
                    if proof.kept_on.as_ref().is_some_and(|kept| !self.mode().has(device.holds(kept))) {
                        continue;
                    }
                    let policies = self.policies(person, Some(at), choice);
                    self.add(Rule { needs: started.needs | choice.needs, policies, ..started.clone() });
                }
                self.without_policies(person, proof, started);
            }
        }
    }

    /// The sign-in once the policies are gone.
    fn without_policies(&mut self, person: usize, proof: &Proof, started: Rule) {
        let id = self.tenant.people[person].id;
        let started = Rule { is_after_repair: true, ..started };
        let Some(kept) = &proof.kept_on else { return self.add(started) };
        for device in &self.tenant.devices {
            if self.mode().has(device.holds(kept)) && self.mode().has(device.is_for(id)) {
                let needs = started.needs | self.components(&device.needs);
                self.add(Rule { needs, ..started.clone() });
            }
        }
    }

    fn proofs(&mut self, person: usize) -> Rc<Vec<Proof>> {
        let (tenant, mode) = (self.tenant, self.mode());
        Rc::clone(self.proofs.entry(person).or_insert_with(|| Rc::new(tenant.proofs(person, mode))))
    }

    /// What the secrets in a proof need: one rule for each way to have them.
    fn credentials(&mut self, person: usize, proof: &Proof, mut started: Rule) -> Vec<Rule> {
        let someone = &self.tenant.people[person];
        for method in &proof.methods {
            self.envelopes(person, Some(method), &mut started);
        }
        if proof.has_federated_password {
            self.envelopes(person, None, &mut started);
        }
        if proof.has_issued_pass {
            started.facts.push(self.fact(Key::IssuedPass(person)));
        }
        if !proof.has_password {
            return vec![started];
        }
        let mut with_new = started.clone();
        with_new.facts.push(self.fact(Key::NewPassword(person)));
        started.needs |= self.component(&format!("password:{}", someone.id));
        let in_cloud = match self.tenant.settings.password_hash_sync {
            Some(is_in_cloud) => is_in_cloud,
            None => self.mode() == Mode::Possible,
        };
        if self.mode().fears(someone.is_synchronised) && !in_cloud {
            started.needs |= self.component("onprem:pta-agents") | self.component("onprem:ad");
        }
        self.envelopes(person, None, &mut started);
        vec![started, with_new]
    }

    /// The envelopes of a secret.
    fn envelopes(&mut self, person: usize, method: Option<&String>, rule: &mut Rule) {
        let tenant = self.tenant;
        let id = tenant.people[person].id;
        for envelope in &tenant.custody.envelopes {
            if envelope.method.as_ref() != method || tenant.person(&envelope.account) != Some(person) {
                continue;
            }
            let secret = method.map_or_else(|| format!("share:{id}"), |method| format!("share:{id}#{method}"));
            let numbered = (1..).zip(&envelope.shares);
            let shares = numbered.map(|(number, share)| self.share(&format!("{secret}#{number}"), share)).collect();
            let secret = Secret { threshold: envelope.threshold, shares };
            let at = self.secrets.iter().position(|known| *known == secret).unwrap_or_else(|| {
                self.secrets.push(secret);
                self.secrets.len() - 1
            });
            rule.secrets.push(at);
        }
    }

    fn share(&mut self, id: &str, share: &Share) -> (Mask, Option<Fact>) {
        let custody = self.tenant.custody;
        let mut needs = self.component(id);
        let keepers = [("custodian", &share.custodian, &custody.custodians), ("safe", &share.safe, &custody.safes)];
        for (kind, keeper, sites) in keepers {
            let Some(keeper) = keeper else { continue };
            needs |= self.component(&format!("{kind}:{keeper}"));
            if let Some(Some(site)) = sites.get(keeper) {
                needs |= self.component(&format!("site:{site}"));
            }
        }
        let depository = share.depository.as_ref().map(|id| self.fact(Key::Depository(id.clone())));
        (needs, depository)
    }

    /// Every device and place, with the policies that count there.
    fn choices(
        &mut self,
        person: usize,
        activated: Option<&'static str>,
        tool: usize,
        context: Option<&str>,
    ) -> BTreeSet<Choice> {
        let mut choices = BTreeSet::new();
        if self.mode() == Mode::Promised && !self.tenant.snapshot.conditional_access_policies.is_complete() {
            return choices;
        }
        let attempt = Attempt { person, activated, tool, context: None };
        let rows = self.tenant.rows(&attempt);
        let in_context =
            context.map(|context| self.tenant.rows(&Attempt { context: Some(context.to_owned()), ..attempt }));
        let id = self.tenant.people[person].id;
        let counted = |row: &Row| {
            row.by_risk.map(|(surely, perhaps)| if self.mode() == Mode::Promised { perhaps } else { surely })
        };
        let with_context = rows.iter().enumerate().map(|(at, row)| {
            let mut by_risk = counted(row);
            if let Some(other) = in_context.as_ref().and_then(|rows| rows.get(at)) {
                for (own, other) in by_risk.iter_mut().zip(counted(other)) {
                    *own |= other;
                }
            }
            (row, by_risk)
        });
        let mut each: Vec<(usize, usize, [u64; 8])> = Vec::new();
        for (row, by_risk) in with_context {
            // Countries of one address follow each other; what is promised must pass in all of them.
            match each.last_mut() {
                Some((device, point, others))
                    if self.mode() == Mode::Promised && (*device, *point) == (row.device, row.point) =>
                {
                    others.iter_mut().zip(by_risk).for_each(|(others, own)| *others |= own);
                }
                _ => each.push((row.device, row.point, by_risk)),
            }
        }
        for (device, point, by_risk) in each {
            let choice = &self.tenant.devices[device];
            if self.mode().has(choice.is_for(id)) {
                let networks = self.tenant.networks(&self.tenant.points[point], self.mode());
                let needs = self.components(&choice.needs) | self.components(&networks);
                choices.insert(Choice { device, needs, by_risk });
            }
        }
        choices
    }

    /// What the policies of a choice come to.
    fn policies(&mut self, person: usize, proof: Option<usize>, choice: &Choice) -> Policies {
        let by_risk: Vec<Wanted> = choice
            .by_risk
            .iter()
            .map(|set| {
                let mut clauses = Vec::new();
                for policy in (0..64).filter(|policy| set >> policy & 1 != 0) {
                    clauses.extend(self.demand(person, proof, choice.device, policy)?);
                }
                clauses.sort_unstable();
                clauses.dedup();
                Some(clauses)
            })
            .collect();
        if by_risk.iter().all(|wanted| wanted.as_ref().is_some_and(Vec::is_empty)) {
            return Policies::default();
        }
        let id = self.tenant.people[person].id;
        let quiet =
            ["signin-risk", "user-risk", "insider-risk"].map(|kind| self.component(&format!("quiet:{kind}:{id}")));
        Policies { quiet, by_risk }
    }

    fn demand(&mut self, person: usize, proof: Option<usize>, device: usize, policy: usize) -> Wanted {
        if let Some(known) = self.demands.get(&(person, proof, device, policy)) {
            return known.clone();
        }
        let proofs = self.proofs(person);
        let means = proof.map_or(Means::Answered, |at| Means::Proof(&proofs[at]));
        let written = &self.tenant.snapshot.conditional_access_policies.items()[policy];
        let clauses = self.tenant.demand(written, means, &self.tenant.devices[device], self.mode());
        let clauses: Wanted = clauses.map(|clauses| clauses.iter().map(|clause| self.components(clause)).collect());
        self.demands.insert((person, proof, device, policy), clauses.clone());
        clauses
    }
}
