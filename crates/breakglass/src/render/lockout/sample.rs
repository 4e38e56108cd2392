//! Reports as tenants would give them, made by hand, for the tests of all formats. Their cuts are those of their ways.

use std::collections::{BTreeMap, BTreeSet};

use breakglass_engine::lockout::component::{Component, Kind};
use breakglass_engine::lockout::cuts::{Family, Limits, minimal_cuts};
use breakglass_engine::lockout::goal::{Goal, Horizon, Surface};
use breakglass_engine::lockout::report::{
    Answer, Cause, Certainty, ComponentWords, Cut, DatedOrder, DatesLeftOut, GettingIn, LockoutReport, Order,
    ScenarioResult, Suggestion, Way, WayContext,
};

/// Names as an adversary would choose them.
pub(in super::super) const HOSTILE: [&str; 6] = [
    "<img src=x onerror=alert(1)>\"'&",
    "two\nlines | and a pipe",
    "\u{1b}[2J\u{1b}[31mred\u{7}",
    "bg\u{202e}nimda\u{2066} مدير الطوارئ",
    "`; @everyone **bold** [link](javascript:alert(1)) ]]>",
    "a name that goes on and on and on, as names do that some synchronisation has made from three fields and a \
     comment, until it is two hundred characters long, which is what Entra allows for a display name of users",
];

/// Largest size of a cut that is searched for.
const SIZE_MAX: usize = 5;

/// Builds a report way by way.
struct Builder {
    report: LockoutReport,
}

fn policy(number: usize, name: &str) -> Cause {
    Cause::Policy { id: format!("00000000-0000-4000-8000-{number:012}"), name: name.to_owned() }
}

pub(in super::super) fn order(proved: Option<usize>, possible: Option<usize>) -> Order {
    Order { proved, possible, searched_to: Some(SIZE_MAX), is_exhausted: false }
}

fn assumptions() -> Vec<String> {
    ["Entra's token service", "Microsoft Graph and the administration portals", "some network that no policy names"]
        .map(str::to_owned)
        .to_vec()
}

impl Builder {
    fn new() -> Self {
        Self {
            report: LockoutReport {
                goal: Goal::FullRepair,
                horizon: Horizon::Day,
                assumptions: assumptions(),
                idle_assumptions: Vec::new(),
                direct: Answer::default(),
                after_repair: Order::default(),
                surfaces: Vec::new(),
                goals: Vec::new(),
                scenarios: Vec::new(),
                dated: Vec::new(),
                dates_left_out: None,
                unknowns: Vec::new(),
                suggestions: Vec::new(),
                untried_change_count: 0,
                people: GettingIn::default(),
                components: BTreeMap::new(),
            },
        }
    }

    fn component(&mut self, id: &str, (name, fails_when): (&str, &str), user: Option<&str>) -> Component {
        let component: Component = id.parse().unwrap();
        let words = ComponentWords {
            name: name.to_owned(),
            fails_when: fails_when.to_owned(),
            clause: None,
            user: user.map(str::to_owned),
        };
        self.report.components.insert(component.clone(), words);
        component
    }

    fn account(&mut self, user: &str, name: &str) -> Component {
        self.component(
            &format!("account:{user}"),
            (&format!("Account {name}"), "disabled, deleted or locked"),
            Some(user),
        )
    }

    fn password(&mut self, user: &str, name: &str) -> Component {
        self.component(
            &format!("password:{user}"),
            (&format!("Password of {name}"), "lost, changed or expired"),
            Some(user),
        )
    }

    fn method(&mut self, user: &str, name: &str) -> Component {
        self.component(&format!("method:{user}#1"), (name, "lost, broken or removed"), Some(user))
    }

    fn service(&mut self, id: &'static str, name: &str) -> Component {
        self.component(id, (name, "outage"), None)
    }

    /// A way of a user at a tool with a combination.
    fn way(&mut self, (user, name): (&str, &str), (tool, combination): (&str, &str), needs: &[&Component]) -> &mut Way {
        let needs: BTreeSet<Component> = needs.iter().map(|component| (*component).clone()).collect();
        self.report.direct.ways.push(Way {
            user: user.to_owned(),
            name: name.to_owned(),
            needs: needs.into_iter().collect(),
            context: WayContext {
                tool: tool.to_owned(),
                location: "elsewhere".to_owned(),
                device: "unmanaged on windows".to_owned(),
                combination: combination.to_owned(),
            },
            steps: vec![format!("Sign in as {name}."), "Take the policy away.".to_owned()],
            sessions: Vec::new(),
            because: BTreeMap::new(),
        });
        self.report.direct.ways.last_mut().unwrap()
    }

    /// Works out the cuts, and the rest of the orders.
    fn finish(mut self, because: &[(&str, Cause)]) -> LockoutReport {
        let ways = &self.report.direct.ways;
        let components: BTreeSet<&Component> = ways.iter().flat_map(|way| &way.needs).collect();
        let components: Vec<Component> = components.into_iter().cloned().collect();
        let number = |component: &Component| u32::try_from(components.binary_search(component).unwrap()).unwrap();
        let listed = ways.iter().map(|way| way.needs.iter().map(number).collect()).collect();
        let mut family = Family { component_count: components.len(), ways: listed };
        let found =
            minimal_cuts(&mut family, Limits { size_max: SIZE_MAX, node_count_max: 2_000_000, smallest_only: false });
        let cut = |numbers: &Vec<u32>| {
            let elements: Vec<Component> = numbers.iter().map(|at| components[*at as usize].clone()).collect();
            let is_about =
                |id: &str| elements.iter().any(|element| element.id().starts_with(id)) || elements.is_empty();
            let because = because.iter().filter(|(id, _)| is_about(id)).map(|(_, cause)| cause.clone()).collect();
            Cut { elements, because, certainty: Certainty::Proved }
        };
        self.report.direct.cuts = found.cuts.iter().map(cut).collect();
        let size = found.cuts.first().map(Vec::len);
        self.report.direct.order =
            Order { proved: size, possible: size, searched_to: found.searched_to, is_exhausted: found.is_exhausted };
        let own = self.report.direct.order;
        self.report.after_repair = own;
        self.report.surfaces = Surface::ALL.map(|surface| (surface, own)).to_vec();
        self.report.goals = Goal::ALL.map(|goal| (goal, own)).to_vec();
        self.report
    }
}

fn scenario(id: &str, title: &str, left: Order) -> ScenarioResult {
    ScenarioResult {
        id: id.to_owned(),
        title: title.to_owned(),
        failed: vec![Component::new(Kind::Service, id)],
        delta: None,
        applies: true,
        survives: left.proved != Some(0),
        way: (left.proved != Some(0)).then_some(0),
        by: None,
        order_left: left,
        note: None,
    }
}

/// Nobody gets in.
pub(super) fn order_0() -> LockoutReport {
    let stops = [
        ("", policy(99, "CA099 Only from headquarters")),
        ("", policy(100, "CA100 Require compliant device for administrators")),
    ];
    let mut report = Builder::new().finish(&stops);
    report.direct.order = Order { is_exhausted: true, ..order(Some(0), Some(0)) };
    report.after_repair = order(Some(1), Some(1));
    report.scenarios = vec![scenario("mfa-outage", "Text messages, calls and push are down", order(Some(0), Some(0)))];
    report.suggestions = vec![Suggestion {
        change: "exclude the group `Emergency access` from policy `CA099 Only from headquarters`".to_owned(),
        order: (Some(0), Some(2)),
        cuts_at_order: 4,
        weakens: Some("the emergency accounts can be used from any network".to_owned()),
        edit: None,
        verify: None,
    }];
    report
}

/// Everybody needs one network.
pub(super) fn order_1() -> LockoutReport {
    let mut builder = Builder::new();
    let office = builder.component("net:hq", ("Network HQ Vienna", "unreachable, or its ranges no longer match"), None);
    let push = builder.service("svc:authenticator-push", "Authenticator push service");
    for (user, name) in [("u1", "Alice Adams"), ("u2", "Bob Brown"), ("u3", "Carol Clark")] {
        let own = [
            builder.account(user, name),
            builder.password(user, name),
            builder.method(user, &format!("Authenticator of {name}")),
        ];
        let needs = [&office, &push, &own[0], &own[1], &own[2]];
        builder.way((user, name), ("entra-portal", "password,microsoftAuthenticatorPush"), &needs).context.location =
            "hq".to_owned();
    }
    for (user, name) in [("u8", "bg1@contoso.onmicrosoft.com"), ("u9", "bg2@contoso.onmicrosoft.com")] {
        let own = [builder.account(user, name), builder.method(user, &format!("Security key of {name}"))];
        builder.way((user, name), ("entra-portal", "fido2"), &[&office, &own[0], &own[1]]).context.location =
            "hq".to_owned();
    }
    let mut report = builder.finish(&[
        ("net:hq", policy(99, "CA099 Only from headquarters, all users")),
        ("svc:", policy(1, "CA001 Require MFA for administrators")),
    ]);
    report.scenarios = scenarios(&[
        (order(Some(1), Some(1)), Some(3)),
        (order(Some(0), Some(0)), None),
        (order(Some(1), Some(1)), Some(0)),
        (order(Some(0), Some(1)), None),
    ]);
    report.suggestions = vec![
        Suggestion {
            change: "exclude the group `Emergency access` from policy `CA099 Only from headquarters, all users`"
                .to_owned(),
            order: (Some(1), Some(2)),
            cuts_at_order: 12,
            weakens: Some("the two emergency accounts can be used from any network".to_owned()),
            edit: None,
            verify: None,
        },
        Suggestion {
            change: "add the range of a second site to the named location `HQ Vienna`".to_owned(),
            order: (Some(1), Some(1)),
            cuts_at_order: 0,
            weakens: None,
            edit: None,
            verify: None,
        },
    ];
    report
}

fn scenarios(results: &[(Order, Option<usize>)]) -> Vec<ScenarioResult> {
    let titles = [
        ("mfa-outage", "Text messages, calls and push notifications of multifactor authentication are all down"),
        ("trusted-network-only", "The trusted networks are unreachable"),
        ("pim-down", "Privileged Identity Management activates nobody"),
        ("risk-false-positives", "Identity Protection finds every administrator at risk"),
    ];
    let scenario = |((id, title), (left, way)): (&(&str, &str), &(Order, Option<usize>))| ScenarioResult {
        way: *way,
        note: (*id == "pim-down").then(|| "eligible roles count for nothing".to_owned()),
        ..scenario(id, title, *left)
    };
    titles.iter().zip(results).map(scenario).collect()
}

/// One administrator who needs PIM, one emergency account, one fact that is unknown.
pub(super) fn order_2() -> LockoutReport {
    let mut builder = Builder::new();
    let pim = builder.service("svc:pim", "PIM activation service");
    let telephony = builder.service("svc:mfa-telephony", "SMS and voice MFA service");
    let account = builder.account("a42", "alice@contoso.com");
    let device = builder.component("device:d42", ("Laptop of alice", "lost, or no longer compliant"), Some("a42"));
    let password = builder.password("a42", "alice@contoso.com");
    let emergency =
        [builder.account("bg1", "bg1@contoso.com"), builder.method("bg1", "Security key \"YubiKey 7\" of bg1")];
    for tool in ["entra-portal", "graph-powershell"] {
        let needs = [&pim, &telephony, &account, &device, &password];
        builder.way(("a42", "Alice Adams"), (tool, "password,sms"), &needs).context.device = "d42".to_owned();
    }
    builder.way(("bg1", "bg1@contoso.com"), ("entra-portal", "fido2"), &[&emergency[0], &emergency[1]]);
    let mut report = builder.finish(&[
        ("svc:", policy(1, "CA001 Require MFA for administrators")),
        ("device:", policy(4, "CA004 Compliant device for administrators")),
        ("method:", Cause::Setting("mandatory multifactor authentication")),
    ]);
    report.direct.order.possible = Some(3);
    report.direct.cuts.iter_mut().step_by(3).for_each(|cut| cut.certainty = Certainty::Possible);
    report.unknowns = vec![
        "The authentication methods of `bob@contoso.com` are not in the snapshot: no way of theirs can be promised. Add \
         the permission `UserAuthenticationMethod.Read.All`."
            .to_owned(),
    ];
    report.dated = vec![
        DatedOrder {
            from: "2026-12-02T00:00:00Z".parse().unwrap(),
            because: vec!["the policy `Microsoft-managed: MFA for all` switches itself on".to_owned()],
            order: order(Some(0), Some(0)),
        },
        DatedOrder {
            from: "2027-03-14T00:00:00Z".parse().unwrap(),
            because: vec![
                "the role assignment of `alice@contoso.com` ends".to_owned(),
                "its certificate expires".to_owned(),
            ],
            order: order(Some(1), Some(1)),
        },
    ];
    report.idle_assumptions = vec!["account:zzz".parse().unwrap(), "device:d9".parse().unwrap()];
    report.dates_left_out = Some(DatesLeftOut { from: "2027-08-01T06:30:00Z".parse().unwrap(), count: 12 });
    report.scenarios = scenarios(&[
        (order(Some(2), Some(2)), Some(2)),
        (order(Some(2), Some(3)), Some(0)),
        (order(Some(1), Some(1)), Some(2)),
        (order(Some(2), Some(2)), None),
    ]);
    report
}

/// Two administrators and two emergency accounts, one with shares in two safes.
pub(in super::super) fn order_4() -> LockoutReport {
    let mut builder = Builder::new();
    let telephony = builder.service("svc:mfa-telephony", "SMS and voice MFA service");
    let push = builder.service("svc:authenticator-push", "Authenticator push service");
    let setting = builder.component("policy:method:Fido2", ("Passkeys (FIDO2) as a method", "switched off"), None);
    for (user, name) in [("u1", "Alice Adams"), ("u2", "Bob Brown")] {
        let (account, password) = (builder.account(user, name), builder.password(user, name));
        builder.way((user, name), ("entra-portal", "password,sms"), &[&account, &password, &telephony]);
        builder.way(
            (user, name),
            ("entra-portal", "password,microsoftAuthenticatorPush"),
            &[&account, &password, &push],
        );
    }
    for (user, name) in [("bg1", "bg1@contoso.com"), ("bg2", "bg2@contoso.com")] {
        let (account, key) = (builder.account(user, name), builder.method(user, &format!("Security key of {name}")));
        builder.way((user, name), ("entra-portal", "fido2"), &[&account, &key, &setting]);
        let certificate = builder.component(
            &format!("method:{user}#2"),
            (&format!("Certificate of {name}"), "expired or lost"),
            Some(user),
        );
        builder.way((user, name), ("graph-powershell", "x509CertificateMultiFactor"), &[&account, &certificate]);
    }
    let mut report = builder.finish(&[
        ("svc:", policy(1, "CA001 Require MFA")),
        ("policy:", Cause::Setting("authentication methods policy")),
    ]);
    report.scenarios = scenarios(&[
        (order(Some(2), Some(2)), Some(4)),
        (order(Some(4), Some(4)), Some(0)),
        (order(Some(4), Some(4)), Some(0)),
        (order(Some(4), Some(4)), Some(0)),
    ]);
    report
}

/// A way that needs nothing.
pub(super) fn unbounded() -> LockoutReport {
    let mut builder = Builder::new();
    builder.way(("app", "Recovery application"), ("graph-powershell", ""), &[]);
    let mut report = builder.finish(&[]);
    report.direct.order.is_exhausted = true;
    report
}

/// Nothing was found up to the size that was searched.
pub(super) fn no_cut_found() -> LockoutReport {
    let mut builder = Builder::new();
    for at in 0..7 {
        let (user, name) = (format!("u{at}"), format!("Administrator {at}"));
        let (account, key) = (builder.account(&user, &name), builder.method(&user, &format!("Passkey of {name}")));
        builder.way((&user, &name), ("entra-portal", "fido2"), &[&account, &key]);
    }
    builder.finish(&[])
}

/// So many administrators who need PIM, each with two ways, and one who needs a network as well.
pub(super) fn crowd(count: usize) -> LockoutReport {
    let mut builder = Builder::new();
    let pim = builder.service("svc:pim", "PIM activation service");
    let push = builder.service("svc:authenticator-push", "Authenticator push service");
    let office = builder.component("net:hq", ("Network HQ Vienna", "unreachable"), None);
    for at in 0..count {
        let (user, name) = (format!("u{at:05}"), format!("Administrator {at:05}"));
        let own = [
            builder.account(&user, &name),
            builder.password(&user, &name),
            builder.method(&user, &format!("Authenticator of {name}")),
        ];
        let needs = [&pim, &push, &own[0], &own[1], &own[2]];
        builder.way((&user, &name), ("entra-portal", "password,microsoftAuthenticatorPush"), &needs);
        if at == 7 {
            let key = builder.component(
                &format!("method:{user}#k"),
                (&format!("Security key of {name}"), "lost"),
                Some(&user),
            );
            builder
                .way((&user, &name), ("graph-powershell", "fido2"), &[&office, &pim, &own[0], &key])
                .context
                .location = "hq".to_owned();
        }
    }
    let mut report = builder.finish(&[("svc:pim", Cause::Setting("eligible roles have to be activated"))]);
    report.direct.are_ways_truncated = true;
    report
}

/// So many people of whom no two are alike.
pub(super) fn motley(count: usize) -> LockoutReport {
    let mut builder = Builder::new();
    let shared: Vec<Component> = (0..12)
        .map(|at| builder.component(&format!("net:n{at}"), (&format!("Network of site {at}"), "unreachable"), None))
        .collect();
    for at in 0..count {
        let (user, name) = (format!("u{at:03}"), format!("Person {at}"));
        let account = builder.account(&user, &name);
        let mut needs: Vec<&Component> =
            shared.iter().enumerate().filter(|(bit, _)| at >> bit & 1 == 1).map(|(_, one)| one).collect();
        needs.push(&account);
        let tool = if at % 2 == 0 { "entra-portal" } else { "graph-powershell" };
        builder.way((&user, &name), (tool, "fido2"), &needs);
    }
    builder.finish(&[])
}

/// A report whose every text from outside is this one.
pub(in super::super) fn about(text: &str) -> LockoutReport {
    let mut builder = Builder::new();
    let network = builder.component("net:n", (text, text), None);
    for user in ["u1", "u2"] {
        let account = builder.component(&format!("account:{user}"), (text, text), Some(user));
        let way = builder.way((user, text), ("entra-portal", "fido2"), &[&network, &account]);
        way.steps = vec![text.to_owned()];
        way.context.device = text.to_owned();
    }
    let cause = policy(1, text);
    let mut report = builder.finish(&[("net:", cause.clone())]);
    report.direct.ways[0].because = BTreeMap::from([(Component::new(Kind::Network, "n"), vec![cause])]);
    report.scenarios = vec![ScenarioResult {
        id: text.to_owned(),
        title: text.to_owned(),
        delta: Some(text.to_owned()),
        by: Some(text.to_owned()),
        note: Some(text.to_owned()),
        ..scenario("", "", order(Some(1), Some(1)))
    }];
    report.dated = vec![DatedOrder {
        from: "2027-03-14T00:00:00Z".parse().unwrap(),
        because: vec![text.to_owned()],
        order: order(Some(0), Some(1)),
    }];
    report.unknowns = vec![text.to_owned()];
    report.assumptions = vec![text.to_owned()];
    report.idle_assumptions = vec![Component::new(Kind::Account, text)];
    report.suggestions = vec![Suggestion {
        change: text.to_owned(),
        order: (Some(1), None),
        cuts_at_order: 2,
        weakens: Some(text.to_owned()),
        edit: None,
        verify: None,
    }];
    report
}

/// Names as an adversary would choose them, each in its own report.
pub(super) fn hostile() -> Vec<LockoutReport> {
    HOSTILE.iter().map(|name| about(name)).collect()
}

/// Everything, by name.
pub(super) fn all() -> Vec<(&'static str, Vec<LockoutReport>)> {
    vec![
        ("order_0", vec![order_0()]),
        ("order_1", vec![order_1()]),
        ("order_2", vec![order_2()]),
        ("order_4", vec![order_4()]),
        ("unbounded", vec![unbounded()]),
        ("no_cut_found", vec![no_cut_found()]),
        ("crowd", vec![crowd(60)]),
        ("motley", vec![motley(90)]),
        ("hostile", hostile()),
    ]
}

/// Nothing can be promised, and much is possible.
pub(super) fn unpromised() -> LockoutReport {
    let mut report = order_0();
    report.direct.order = order(Some(0), Some(3));
    report.unknowns = vec!["The authentication methods are not in the snapshot.".to_owned()];
    report
}
