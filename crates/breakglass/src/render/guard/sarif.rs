//! SARIF 2.1.0, for code scanning: one result where the change does harm, or where that could not be told.
//!
//! The result lies in the first file of the proposal, since that is what a reviewer looks at; the other files are
//! related locations, and the failures that lock everybody out logical ones. Its fingerprint is that of the verdict
//! and these failures, so that it survives changes of wording.
//!
//! **Source:** OASIS SARIF 2.1.0, sections 3.27.9 (`kind`), 3.27.10 (`level`), 3.27.22 (`relatedLocations`).

use breakglass_engine::guard::{GuardReport, Verdict};
use breakglass_engine::lockout::report::Cause;
use serde_json::{Value, json};

use super::super::lockout::words;
use super::super::sarif::{Fnv, SCHEMA, address, name, plain, sentence};
use super::super::{Format, Page, visible};
use super::{Guarded, verdict_sentence, verdict_word};

/// Name and version of our fingerprint: it changes with the way the fingerprint is made.
const FINGERPRINT: &str = "breakglassVerdictAndFailures/v1";

/// Verdicts that are results.
const REPORTED: [Verdict; 4] = [Verdict::LockedOut, Verdict::BelowFloor, Verdict::Lower, Verdict::Unknown];

/// Causes in the message before the rest is counted.
const CAUSE_COUNT_MAX: usize = 10;

pub(super) const FORMAT: Format<Guarded> = Format { name: "sarif", about: "SARIF 2.1.0, for code scanning", render };

fn render(guarded: &Guarded, page: &Page) -> String {
    let report = &guarded.report;
    let index = REPORTED.iter().position(|verdict| *verdict == report.verdict);
    let results: Vec<Value> = index.map(|index| result(guarded, index, page)).into_iter().collect();
    let document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "breakglass",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "version": env!("CARGO_PKG_VERSION"),
                "shortDescription": { "text": env!("CARGO_PKG_DESCRIPTION") },
                "rules": REPORTED.map(descriptor),
            } },
            "automationDetails": {
                "id": format!("breakglass/guard/{}/{}/", report.goal.name(), report.horizon.name()),
                "description": { "text": format!("{}: {}", verdict_word(report.verdict), verdict_sentence(report)) },
            },
            "invocations": [{ "executionSuccessful": true, "endTimeUtc": page.judged_at.to_string() }],
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

fn result(guarded: &Guarded, index: usize, page: &Page) -> Value {
    let report = &guarded.report;
    let (first, others) = match guarded.policy_files.split_first() {
        Some((first, others)) => (first.as_str(), others),
        None => (page.source.as_str(), Default::default()),
    };
    let failed = report.counterexample.iter().flat_map(|counterexample| &counterexample.failed);
    let failed: Vec<Value> = failed
        .map(|component| {
            json!({
                "name": visible(&words::name(&report.components, component)),
                "fullyQualifiedName": visible(component.id()),
                "kind": words::kind(component.kind()),
            })
        })
        .collect();
    let mut location = json!({ "physicalLocation": physical(first) });
    if let (Some(location), false) = (location.as_object_mut(), failed.is_empty()) {
        location.insert("logicalLocations".to_owned(), failed.into());
    }
    let related: Vec<Value> = others.iter().map(|file| json!({ "physicalLocation": physical(file) })).collect();
    let (kind, level) = match report.verdict {
        Verdict::Unknown => ("open", "none"),
        verdict => ("fail", level(verdict)),
    };
    json!({
        "ruleId": id(report.verdict),
        "ruleIndex": index,
        "kind": kind,
        "level": level,
        "message": { "text": message(report) },
        "locations": [location],
        "relatedLocations": related,
        "partialFingerprints": { (FINGERPRINT): fingerprint(report) },
    })
}

fn physical(file: &str) -> Value {
    json!({ "artifactLocation": { "uri": address(file) }, "region": { "startLine": 1 } })
}

/// The verdict, what goes wrong, and because of what.
fn message(report: &GuardReport) -> String {
    let mut parts = vec![format!("{}: {}", verdict_word(report.verdict), verdict_sentence(report))];
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
