//! SARIF 2.1.0, for code scanning: one result where the change does harm, or where that could not be told, and where it
//! does neither and shuts a surface.
//!
//! The result lies where the policy that the counterexample names is written, in its file, since that is what has to be
//! mended; what else is proposed is a related location, and the failures that lock everybody out are logical ones. Its
//! fingerprint is that of the verdict and these failures, so that it survives changes of wording.
//!
//! **Source:** OASIS SARIF 2.1.0, sections 3.27.9 (`kind`), 3.27.10 (`level`), 3.27.22 (`relatedLocations`).

use breakglass_engine::guard::{GuardReport, Verdict};
use breakglass_engine::lockout::report::Cause;
use serde_json::{Map, Value, json};

use super::super::lockout::words;
use super::super::sarif::{Fnv, SCHEMA, address, name, plain, sentence, tool};
use super::super::{Format, Page, visible};
use super::{Guarded, Written, shut, surface_lines, verdict_sentence, verdict_word};

/// Name and version of our fingerprint: it changes with the way the fingerprint is made.
const FINGERPRINT: &str = "breakglassVerdictAndFailures/v1";

/// Verdicts that are results.
const REPORTED: [Verdict; 4] = [Verdict::LockedOut, Verdict::BelowFloor, Verdict::Lower, Verdict::Unknown];

/// The rule of a result without harm to the verdict.
const SURFACE_SHUT: &str = "guard/surface-shut";

/// Causes in the message before the rest is counted.
const CAUSE_COUNT_MAX: usize = 10;
/// Other objects of the change that are listed; code scanning shows no more.
const RELATED_COUNT_MAX: usize = 100;

pub(super) const FORMAT: Format<Guarded> = Format { name: "sarif", about: "SARIF 2.1.0, for code scanning", render };

fn render(guarded: &Guarded, page: &Page) -> String {
    let report = &guarded.report;
    let index = REPORTED.iter().position(|verdict| *verdict == report.verdict);
    // The surfaces that are shut stand in the message of a harm; without one they are a result of their own.
    let index = index.or((!shut(report).is_empty()).then_some(REPORTED.len()));
    let results: Vec<Value> = index.map(|index| result(guarded, index, page)).into_iter().collect();
    let rules: Vec<Value> = REPORTED.map(descriptor).into_iter().chain([surface_shut()]).collect();
    let notifications: Vec<Value> = report
        .notes
        .iter()
        .map(|note| json!({ "level": "note", "message": { "text": plain(&sentence(note)) } }))
        .collect();
    let document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": tool(&rules),
            "automationDetails": {
                "id": format!("breakglass/guard/{}/{}/", report.goal.name(), report.horizon.name()),
                "description": { "text": format!("{}: {}", verdict_word(report), verdict_sentence(report)) },
            },
            "invocations": [{
                "executionSuccessful": true,
                "endTimeUtc": page.judged_at.to_string(),
                "toolExecutionNotifications": notifications,
            }],
            "columnKind": "unicodeCodePoints",
            "results": results,
            "properties": {
                "verdict": report.verdict.name(),
                "before": report.before.proved,
                "after": report.after.proved,
                "floor": report.floor,
            },
        }],
    });
    format!("{document:#}\n")
}

fn id(verdict: Verdict) -> String {
    format!("guard/{}", verdict.name())
}

fn descriptor(verdict: Verdict) -> Value {
    let (title, help) = match verdict {
        Verdict::LockedOut => (
            "The change locks everybody out",
            "With the proposed change nobody gets into the tenant any more, even if nothing fails. Do not make it: \
             exclude the emergency accounts from the policy first.",
        ),
        Verdict::BelowFloor => (
            "The order is below the floor",
            "Fewer failures than the floor allows lock everybody out after the change. Exclude the emergency accounts \
             from the policy, or give them another way in.",
        ),
        Verdict::Lower => (
            "The change lowers the order",
            "Fewer failures than before lock everybody out. Exclude the emergency accounts from the policy, or accept \
             it by a lower floor.",
        ),
        _ => (
            "What the change does could not be told",
            "Facts are missing that decide how many failures lock everybody out. The report says which, and how to get \
             them.",
        ),
    };
    json!({
        "id": id(verdict),
        "name": name(title),
        "shortDescription": { "text": sentence(title) },
        "fullDescription": { "text": sentence(title) },
        "help": { "text": help, "markdown": help },
        "defaultConfiguration": { "level": level(verdict) },
        "properties": {
            "tags": ["security", "emergency-access"],
            "security-severity": security_severity(verdict),
            "precision": "high",
        },
    })
}

/// The rule about surfaces that are shut while others stay open.
fn surface_shut() -> Value {
    let title = "The change shuts a surface";
    let help = "Nobody gets into a portal or interface any more that somebody got into before, while others stay open. \
                Exclude the emergency accounts from the policy, or make sure that whoever repairs the tenant knows the \
                others.";
    json!({
        "id": SURFACE_SHUT,
        "name": name(title),
        "shortDescription": { "text": sentence(title) },
        "fullDescription": { "text": sentence(title) },
        "help": { "text": help, "markdown": help },
        "defaultConfiguration": { "level": "warning" },
        "properties": {
            "tags": ["security", "emergency-access"],
            "security-severity": security_severity(Verdict::Lower),
            "precision": "high",
        },
    })
}

fn result(guarded: &Guarded, index: usize, page: &Page) -> Value {
    let report = &guarded.report;
    // One location and no more: several would say that all have to be mended.
    let snapshot = Written { file: page.source.clone(), line: None, path: String::new(), what: String::new() };
    let (first, others) = guarded.written.split_first().unwrap_or((&snapshot, &[]));
    let failed = report.counterexample.iter().flat_map(|counterexample| &counterexample.failed);
    let inside: Vec<Value> = logical(first)
        .into_iter()
        .chain(failed.map(|component| {
            json!({
                "name": visible(&words::name(&report.components, component)),
                "fullyQualifiedName": visible(component.id()),
                "kind": words::kind(component.kind()),
            })
        }))
        .collect();
    let location = located(first, inside);
    let related = others.iter().filter(|other| *other != first).take(RELATED_COUNT_MAX).map(|other| {
        let mut location = located(other, logical(other).into_iter().collect());
        location.insert("message".to_owned(), json!({ "text": plain(&other.what) }));
        location
    });
    let related: Vec<Map<String, Value>> = related.collect();
    let (rule, kind, level) = match report.verdict {
        Verdict::Unknown => (id(Verdict::Unknown), "open", "none"),
        Verdict::Same | Verdict::Better => (SURFACE_SHUT.to_owned(), "fail", "warning"),
        verdict => (id(verdict), "fail", level(verdict)),
    };
    json!({
        "ruleId": rule,
        "ruleIndex": index,
        "kind": kind,
        "level": level,
        "message": { "text": message(report) },
        "locations": [location],
        "relatedLocations": related,
        "partialFingerprints": { (FINGERPRINT): fingerprint(report) },
    })
}

/// A place in a file, and what it is there.
fn located(written: &Written, logical: Vec<Value>) -> Map<String, Value> {
    let line = written.line.unwrap_or(1);
    let physical = json!({ "artifactLocation": { "uri": address(&written.file) }, "region": { "startLine": line } });
    let mut location = Map::from_iter([("physicalLocation".to_owned(), physical)]);
    if !logical.is_empty() {
        location.insert("logicalLocations".to_owned(), logical.into());
    }
    location
}

/// The object inside its file: by JSON path, or by its address in a plan.
fn logical(written: &Written) -> Option<Value> {
    let kind = if written.path.starts_with('$') { "object" } else { "resource" };
    let (name, path) = (visible(&written.what), visible(&written.path));
    (!path.is_empty()).then(|| json!({ "name": name, "fullyQualifiedName": path, "kind": kind }))
}

/// The verdict, what goes wrong, and because of what.
fn message(report: &GuardReport) -> String {
    let mut parts = vec![format!("{}: {}", verdict_word(report), verdict_sentence(report))];
    parts.extend(surface_lines(report));
    if let Some(counterexample) = &report.counterexample {
        parts.push(sentence(&counterexample.sentence));
        let causes: Vec<&Cause> = counterexample.causes.iter().collect();
        let causes = words::because_up_to(&causes, CAUSE_COUNT_MAX);
        parts.extend(causes.map(|causes| format!("Because of {causes}.")));
    }
    if report.verdict == Verdict::Unknown {
        parts.extend(report.unknowns.iter().map(|unknown| sentence(unknown)));
    }
    plain(&parts.join(" "))
}

fn fingerprint(report: &GuardReport) -> String {
    let mut hash = Fnv::new();
    hash.add(report.goal.name());
    hash.add(report.horizon.name());
    hash.add(report.verdict.name());
    for component in report.counterexample.iter().flat_map(|counterexample| &counterexample.failed) {
        hash.add(component.id());
    }
    if matches!(report.verdict, Verdict::Same | Verdict::Better) {
        shut(report).iter().for_each(|surface| hash.add(surface.name()));
    }
    format!("{:016x}:1", hash.0)
}

const fn level(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::LockedOut | Verdict::BelowFloor => "error",
        Verdict::Lower => "warning",
        _ => "note",
    }
}

/// The number by which code scanning sorts: above 9 critical, from 7 high, from 4 medium.
const fn security_severity(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::LockedOut => "9.5",
        Verdict::BelowFloor => "8.0",
        Verdict::Lower => "5.0",
        _ => "2.0",
    }
}
