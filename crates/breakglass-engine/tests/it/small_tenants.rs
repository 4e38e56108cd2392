//! The minimal cuts of small abstract tenants, as somebody else's brute-force simulator found them.
//!
//! A record tells a tenant by numbers: people with passwords in shares, methods and devices, roles held and eligible,
//! places, policies, and what each needs; and its minimal cuts. Here it is written down as rules with thresholds and
//! cycles, and the search must find these cuts and no other. What the numbers mean stands beside the fields; it is the
//! one reading under which all records are right.

use breakglass_engine::lockout::cuts::{Cuts, Family, Limits, minimal_cuts};
use breakglass_engine::lockout::system::{Node, System, SystemBuilder};
use breakglass_testkit::shared_data;
use serde::Deserialize;

const EVERYTHING: Limits = Limits { size_max: usize::MAX, node_count_max: u64::MAX, smallest_only: false };

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    components: usize,
    /// Bits.
    goal_roles: u32,
    /// Bits: tools that want a second factor whatever the policies say.
    mandatory_mfa_tools: u32,
    platforms: u32,
    /// A component; null needs none.
    intune: Option<usize>,
    /// The same.
    pim: Option<usize>,
    /// A component; null has no passes.
    tap: Option<usize>,
    points: Vec<Point>,
    users: Vec<Person>,
    policies: Vec<Policy>,
    minimal_cut_sets: Vec<Vec<u32>>,
}

#[derive(Deserialize)]
struct Point {
    /// Bits.
    locations: u32,
    needs: Vec<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Person {
    account: Vec<usize>,
    /// Each is a way to the password; without one, there is none until somebody sets it.
    password: Vec<Shares>,
    /// Needed by the password, but not by a new one.
    password_infra: Vec<usize>,
    /// By the number of the method ([`METHODS`]); null is not registered.
    methods: Vec<Option<Vec<usize>>>,
    devices: Vec<Device>,
    /// Bits.
    groups: u32,
    /// Bits.
    roles: u32,
    eligible: Vec<Eligible>,
    /// A component; null never has any risk.
    risk_quiet: Option<usize>,
}

#[derive(Deserialize)]
struct Shares {
    k: usize,
    of: Vec<usize>,
}

#[derive(Deserialize)]
struct Device {
    platform: u32,
    compliant: bool,
    hybrid: bool,
    needs: Vec<usize>,
}

#[derive(Deserialize)]
struct Eligible {
    /// A bit.
    role: u32,
    mfa: bool,
    /// One of them approves, at any tool; none means that no approval is asked for.
    approvers: Vec<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Policy {
    on: bool,
    all: bool,
    include_groups: u32,
    include_roles: u32,
    exclude_groups: u32,
    exclude_roles: u32,
    tools: u32,
    /// Bits; none means any.
    platforms: u32,
    has_loc: bool,
    loc_any: u32,
    loc_include: u32,
    loc_exclude: u32,
    /// Bits, the first of them no risk; none means any.
    risk: u32,
    and: bool,
    controls: Vec<Control>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Control {
    Block,
    Compliant,
    Hybrid,
    /// Bits of the methods that meet it.
    Strength(u32),
    Component(usize),
}

const TOOLS: u32 = 3;
/// Activation is possible at two of the tools.
const ACTIVATION_TOOLS: u32 = 2;
/// The password alone; three second factors beside it; two that need no password; a pass that somebody issues.
const METHODS: u32 = 7;
const PASSWORD: u32 = 0;
const BESIDE_PASSWORD: std::ops::RangeInclusive<u32> = 1..=3;
const PASS: u32 = 6;
/// Roles that reset everybody.
const RESETS_ALL: [u32; 2] = [1, 4];
/// The role that resets those who hold no role at all.
const RESETS_SOME: u32 = 8;

const fn has(bits: u32, at: u32) -> bool {
    bits >> at & 1 != 0
}

/// How a session is begun.
#[derive(Clone, Copy)]
struct Choice<'r> {
    tool: u32,
    method: u32,
    point: &'r Point,
    platform: u32,
    is_compliant: bool,
    is_hybrid: bool,
}

impl Policy {
    fn is_about(&self, person: &Person, choice: &Choice<'_>) -> bool {
        let roles = person.eligible.iter().fold(person.roles, |roles, eligible| roles | eligible.role);
        let is_included = self.all || self.include_groups & person.groups != 0 || self.include_roles & roles != 0;
        let is_excluded = self.exclude_groups & person.groups != 0 || self.exclude_roles & roles != 0;
        let locations = choice.point.locations;
        let is_there = self.loc_any != 0 || self.loc_include & locations != 0;
        self.on
            && is_included
            && !is_excluded
            && has(self.tools, choice.tool)
            && (self.platforms == 0 || has(self.platforms, choice.platform))
            && (!self.has_loc || (is_there && self.loc_exclude & locations == 0))
    }
}

struct Rules<'r> {
    record: &'r Record,
    builder: SystemBuilder,
    components: Vec<Node>,
    /// Of each person: a new password, what is to be had of the password, a session at each tool, the same with a
    /// second factor.
    reset: Vec<Node>,
    password: Vec<Node>,
    session: Vec<[Node; 3]>,
    second_factor: Vec<[Node; 3]>,
}

impl<'r> Rules<'r> {
    fn of(record: &'r Record) -> System {
        let mut builder = SystemBuilder::default();
        let goal = builder.fact();
        let components = (0..record.components).map(|_| builder.component()).collect();
        let mut fact = |_: &Person| builder.fact();
        let reset = record.users.iter().map(&mut fact).collect();
        let password = record.users.iter().map(&mut fact).collect();
        let session = record.users.iter().map(|user| [(); 3].map(|()| fact(user))).collect();
        let second_factor = record.users.iter().map(|user| [(); 3].map(|()| fact(user))).collect();
        let mut rules = Self { record, builder, components, reset, password, session, second_factor };
        for at in 0..record.users.len() {
            rules.person(at);
            rules.resets(at);
            rules.goal(goal, at);
        }
        rules.builder.build(goal)
    }

    fn all_up<'i>(&self, needs: impl IntoIterator<Item = &'i usize>) -> Vec<Node> {
        needs.into_iter().map(|one| self.components[*one]).collect()
    }

    fn person(&mut self, at: usize) {
        let person = &self.record.users[at];
        self.builder.all(self.password[at], &[self.reset[at]]);
        for shares in &person.password {
            let opened = self.builder.fact();
            let members = self.all_up(&shares.of);
            self.builder.rule(opened, shares.k, &members);
            let mut needs = self.all_up(&person.password_infra);
            needs.push(opened);
            self.builder.all(self.password[at], &needs);
        }
        let mut devices: Vec<(u32, bool, bool, Vec<Node>)> =
            (0..self.record.platforms).map(|platform| (platform, false, false, Vec::new())).collect();
        for device in &person.devices {
            let needs = self.all_up(&device.needs);
            if device.compliant {
                let with_service = self.all_up(device.needs.iter().chain(&self.record.intune));
                devices.push((device.platform, true, device.hybrid, with_service));
            }
            devices.push((device.platform, false, device.hybrid, needs));
        }
        for tool in 0..TOOLS {
            let is_mandatory = has(self.record.mandatory_mfa_tools, tool);
            for method in (0..METHODS).filter(|method| *method != PASSWORD || !is_mandatory) {
                let Some(credential) = self.credential(at, method) else { continue };
                for point in &self.record.points {
                    for (platform, is_compliant, is_hybrid, device) in &devices {
                        let (platform, is_compliant, is_hybrid) = (*platform, *is_compliant, *is_hybrid);
                        let choice = Choice { tool, method, point, platform, is_compliant, is_hybrid };
                        let body = [credential.as_slice(), device.as_slice()].concat();
                        self.sign_in(at, &choice, body);
                    }
                }
            }
        }
    }

    fn credential(&self, at: usize, method: u32) -> Option<Vec<Node>> {
        let person = &self.record.users[at];
        match method {
            PASSWORD => Some(vec![self.password[at]]),
            PASS => Some(vec![self.reset[at], self.components[self.record.tap?]]),
            method => {
                let mut needs = self.all_up(person.methods[method as usize].as_ref()?);
                if BESIDE_PASSWORD.contains(&method) {
                    needs.push(self.password[at]);
                }
                Some(needs)
            }
        }
    }

    fn sign_in(&mut self, at: usize, choice: &Choice<'_>, mut body: Vec<Node>) {
        let record = self.record;
        let person = &record.users[at];
        body.extend(self.all_up(person.account.iter().chain(&choice.point.needs)));
        for policy in record.policies.iter().filter(|policy| policy.is_about(person, choice)) {
            let met = self.builder.fact();
            self.demand(met, policy, choice);
            let is_about_risk_alone = policy.risk != 0 && !has(policy.risk, 0);
            match (is_about_risk_alone, person.risk_quiet) {
                (false, _) => body.push(met),
                (true, None) => {}
                (true, Some(quiet)) => {
                    let either = self.builder.fact();
                    self.builder.any(either, &[self.components[quiet], met]);
                    body.push(either);
                }
            }
        }
        let tool = choice.tool as usize;
        self.builder.all(self.session[at][tool], &body);
        if choice.method != PASSWORD {
            self.builder.all(self.second_factor[at][tool], &body);
        }
    }

    fn demand(&mut self, met: Node, policy: &Policy, choice: &Choice<'_>) {
        let controls: Vec<Node> = policy
            .controls
            .iter()
            .map(|control| {
                let is_met = match control {
                    Control::Block => false,
                    Control::Compliant => choice.is_compliant,
                    Control::Hybrid => choice.is_hybrid,
                    Control::Strength(methods) => has(*methods, choice.method),
                    Control::Component(one) => return self.components[*one],
                };
                let fact = self.builder.fact();
                if is_met {
                    self.builder.all(fact, &[]);
                }
                fact
            })
            .collect();
        if policy.and {
            self.builder.all(met, &controls);
        } else {
            self.builder.any(met, &controls);
        }
    }

    /// Rules for somebody's holding of a role, active or activated.
    fn holds(&mut self, at: usize, role: u32) -> Node {
        let record = self.record;
        let person = &record.users[at];
        let holds = self.builder.fact();
        if person.roles & role != 0 {
            self.builder.all(holds, &[]);
        }
        for eligible in person.eligible.iter().filter(|eligible| eligible.role == role) {
            let sessions = if eligible.mfa { self.second_factor[at] } else { self.session[at] };
            let session = self.builder.fact();
            self.builder.any(session, &sessions[..ACTIVATION_TOOLS as usize]);
            let mut body = self.all_up(&record.pim);
            body.push(session);
            if !eligible.approvers.is_empty() {
                let others = eligible.approvers.iter().filter(|other| **other != at && **other < record.users.len());
                let sessions: Vec<Node> = others.flat_map(|other| self.session[*other]).collect();
                let approved = self.builder.fact();
                self.builder.any(approved, &sessions);
                body.push(approved);
            }
            self.builder.all(holds, &body);
        }
        holds
    }

    fn resets(&mut self, at: usize) {
        let person = &self.record.users[at];
        let has_a_role = person.roles != 0 || !person.eligible.is_empty();
        let resetters = RESETS_ALL.into_iter().chain((!has_a_role).then_some(RESETS_SOME));
        for role in resetters {
            for other in (0..self.record.users.len()).filter(|other| *other != at) {
                let session = self.builder.fact();
                self.builder.any(session, &self.session[other]);
                let holds = self.holds(other, role);
                self.builder.all(self.reset[at], &[session, holds]);
            }
        }
    }

    fn goal(&mut self, goal: Node, at: usize) {
        for role in (0..32).filter(|role| has(self.record.goal_roles, *role)) {
            let session = self.builder.fact();
            self.builder.any(session, &self.session[at]);
            let holds = self.holds(at, 1 << role);
            self.builder.all(goal, &[session, holds]);
        }
    }
}

/// Every minimal way: what touches each cut, and nothing less does.
fn ways(count: usize, cuts: &[Vec<u32>]) -> Family {
    let masks: Vec<u32> = cuts.iter().map(|cut| cut.iter().fold(0, |mask, one| mask | 1 << one)).collect();
    let leads_in = |up: u32| masks.iter().all(|cut| cut & up != 0);
    let members = |up: u32| (0..count as u32).filter(move |one| has(up, *one));
    let is_minimal = |up: &u32| leads_in(*up) && members(*up).all(|one| !leads_in(*up & !(1 << one)));
    let ways = (0..1_u32 << count).filter(is_minimal).map(|up| members(up).collect()).collect();
    Family { component_count: count, ways }
}

#[test]
fn the_search_finds_the_cuts_that_brute_force_found() {
    let Some(folder) = shared_data() else {
        println!("skipped: there is no folder of shared data beside the workspace");
        return;
    };
    let Ok(text) = std::fs::read_to_string(folder.join("data/lockout/small_tenants_open.jsonl")) else {
        println!("skipped: the shared data has no small tenants");
        return;
    };
    let (mut tenants, mut counted, mut nodes, mut by_order) = (0, 0, 0, [0; 11]);
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let record: Record = serde_json::from_str(line).unwrap();
        let mut cuts = record.minimal_cut_sets.clone();
        cuts.sort_by(|one, other| one.len().cmp(&other.len()).then_with(|| one.cmp(other)));
        let check = |found: &Cuts, form: &str| {
            assert_eq!(found.cuts, cuts, "tenant {tenants} as {form}");
            assert!(found.is_exhausted, "tenant {tenants} as {form}");
        };
        let found = minimal_cuts(&mut Rules::of(&record), EVERYTHING);
        check(&found, "rules");
        nodes += found.node_count;
        let mut listed = ways(record.components, &cuts);
        check(&minimal_cuts(&mut listed, EVERYTHING), "ways");
        assert!(found.ways.iter().all(|way| listed.ways.contains(way)), "tenant {tenants}: every way is minimal");
        by_order[cuts.first().map_or(10, Vec::len)] += 1;
        tenants += 1;
        counted += cuts.len();
    }
    println!("{tenants} tenants, {counted} minimal cuts, {nodes} nodes; tenants by order {by_order:?}");
    assert_eq!(tenants, 300);
}
