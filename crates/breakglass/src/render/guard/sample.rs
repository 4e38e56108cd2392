//! Reports as proposals would give them, made by hand, for the tests of all formats.

use breakglass_engine::guard::{Counterexample, GuardReport, ScenarioChange, SurfaceChange, Verdict, verdict};
use breakglass_engine::lockout::component::{Component, Kind};
use breakglass_engine::lockout::goal::Surface;
use breakglass_engine::lockout::report::{Cause, ComponentWords};

use super::super::lockout::sample::{about, order, order_4};
use super::{Guarded, Written};

/// Everybody may only come from headquarters.
pub(super) fn locked_to_headquarters() -> Guarded {
    let network: Component = "net:hq".parse().unwrap();
    let mut tenant = order_4();
    let words = ComponentWords {
        name: "Network HQ Vienna".to_owned(),
        fails_when: "unreachable, or its ranges no longer match".to_owned(),
        clause: None,
        user: None,
    };
    tenant.components.insert(network.clone(), words);
    let (before, after) = (order(Some(4), Some(4)), order(Some(1), Some(1)));
    let report = GuardReport {
        goal: tenant.goal,
        horizon: tenant.horizon,
        before,
        after,
        floor: 2,
        verdict: verdict(before, after, 2),
        changes: vec!["new policy `CA099 Only from headquarters, all users`".to_owned()],
        counterexample: Some(Counterexample {
            failed: vec![network],
            sentence: "If network `HQ Vienna` is unreachable, everybody is blocked by \
                       `CA099 Only from headquarters, all users`: the 2 administrators, and `bg1@contoso.com` and \
                       `bg2@contoso.com`, which are not excluded from it."
                .to_owned(),
            causes: vec![Cause::Policy {
                id: "00000000-0000-4000-8000-000000000099".to_owned(),
                name: "CA099 Only from headquarters, all users".to_owned(),
            }],
        }),
        lost: tenant.direct.ways.clone(),
        gained: Vec::new(),
        are_ways_truncated: false,
        surfaces: Vec::new(),
        scenarios: vec![
            ScenarioChange {
                id: "mfa-outage".to_owned(),
                title: "Text messages, calls and push notifications are down".to_owned(),
                before: order(Some(2), Some(2)),
                after: order(Some(1), Some(1)),
                by: Some("bg1@contoso.com, with a passkey".to_owned()),
            },
            ScenarioChange {
                id: "trusted-network-only".to_owned(),
                title: "The trusted networks are unreachable".to_owned(),
                before: order(Some(4), Some(4)),
                after: order(Some(0), Some(0)),
                by: None,
            },
        ],
        notes: vec!["The policy `CA050 Block legacy` is report-only: enabled, it would constrain nobody.".to_owned()],
        unknowns: Vec::new(),
        assumptions: tenant.assumptions.clone(),
        idle_assumptions: Vec::new(),
        components: tenant.components,
    };
    Guarded { report, written: policy_and_location(), replayed: None }
}

fn policy_and_location() -> Vec<Written> {
    vec![
        Written {
            file: "policies/CA099 only from HQ.json".to_owned(),
            line: Some(3),
            path: "$.value[0]".to_owned(),
            what: "policy `CA099 Only from headquarters, all users`".to_owned(),
        },
        Written {
            file: "policies/locations.json".to_owned(),
            line: Some(1),
            path: "$".to_owned(),
            what: "named location `HQ Vienna`".to_owned(),
        },
    ]
}

fn with_orders(before: Option<usize>, after: (Option<usize>, Option<usize>)) -> Guarded {
    let mut guarded = locked_to_headquarters();
    let (before, after) = (order(before, before), order(after.0, after.1));
    guarded.report.before = before;
    guarded.report.after = after;
    guarded.report.verdict = verdict(before, after, guarded.report.floor);
    guarded
}

/// A verdict of each kind.
pub(super) fn all() -> Vec<Guarded> {
    let mut locked_out = with_orders(Some(4), (Some(0), Some(0)));
    if let Some(counterexample) = &mut locked_out.report.counterexample {
        counterexample.failed.clear();
        counterexample.sentence = "Everybody is blocked by `CA099 Block all`, whatever they do.".to_owned();
    }
    let mut better = with_orders(Some(2), (Some(4), Some(4)));
    let mut same = with_orders(Some(4), (Some(4), Some(4)));
    for harmless in [&mut better, &mut same] {
        harmless.report.counterexample = None;
        harmless.report.scenarios.clear();
        harmless.report.gained = std::mem::take(&mut harmless.report.lost);
    }
    same.report.gained.clear();
    let mut unknown = with_orders(Some(4), (Some(0), Some(4)));
    unknown.report.unknowns = vec![
        "The proposed policy has the condition `agentIdRiskLevels`, which is not known: it may apply to everybody."
            .to_owned(),
    ];
    unknown.report.counterexample = None;
    let mut portals_shut = same.clone();
    let change =
        |surface, before, after| SurfaceChange { surface, before: order(before, before), after: order(after, after) };
    portals_shut.report.surfaces = vec![
        change(Surface::Portal, Some(4), Some(0)),
        change(Surface::Graph, Some(4), Some(4)),
        change(Surface::Azure, Some(3), Some(2)),
        change(Surface::M365, Some(2), Some(0)),
    ];
    better.report.idle_assumptions = vec!["account:zzz".parse().unwrap()];
    let lower = with_orders(Some(4), (Some(3), Some(3)));
    vec![locked_to_headquarters(), locked_out, lower, unknown, better, same, portals_shut]
}

/// A report whose every text from outside is this one.
pub(super) fn guarded_about(text: &str, of: Verdict) -> Guarded {
    let tenant = about(text);
    let cut = tenant.direct.cuts[0].clone();
    let report = GuardReport {
        verdict: of,
        changes: vec![text.to_owned()],
        counterexample: Some(Counterexample { failed: cut.elements, sentence: text.to_owned(), causes: cut.because }),
        lost: tenant.direct.ways.clone(),
        gained: tenant.direct.ways,
        scenarios: vec![ScenarioChange {
            id: text.to_owned(),
            title: text.to_owned(),
            before: order(Some(2), Some(2)),
            after: order(Some(1), Some(1)),
            by: Some(text.to_owned()),
        }],
        notes: vec![text.to_owned()],
        unknowns: vec![text.to_owned()],
        assumptions: vec![text.to_owned()],
        idle_assumptions: vec![Component::new(Kind::Account, text)],
        components: tenant.components,
        ..locked_to_headquarters().report
    };
    let text = text.to_owned();
    let written = Written { file: text.clone(), line: None, path: text.clone(), what: text };
    Guarded { report, written: vec![written.clone(), written], replayed: None }
}
