//! SARIF 2.1.0, for code scanning and other readers of analysis results.
//!
//! The objects of a finding are logical locations (`user/<id>`), as a tenant has no files; the snapshot stands for the
//! file, since some readers drop a result that has none. A status becomes a kind: `unknown` is `open`, which SARIF
//! defines as *too little information to decide*. What passed or does not apply is left out, since code scanning makes
//! an alert of every result whatever its kind; the rules are all listed. The fingerprint of a result is that of its rule and objects, so that
//! it survives changes of wording.
//!
//! **Source:** OASIS SARIF 2.1.0, sections 3.27.9 (`kind`), 3.27.10 (`level`: `none` unless the kind is `fail`),
//! 3.27.17 (`partialFingerprints`), 3.33 (logical locations).

use std::collections::BTreeMap;

use breakglass_engine::posture::rules::RULES;
use breakglass_engine::posture::{Finding, ObjectReference, Report, Severity, Status};
use serde_json::{Value, json};

use super::{Format, Page, json::fix, noun, visible};

pub(super) const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// Name and version of our fingerprint: it changes with the way the fingerprint is made.
const FINGERPRINT: &str = "breakglassRuleAndObjects/v1";

pub(super) const FORMAT: Format = Format { name: "sarif", about: "SARIF 2.1.0, for code scanning", render };

fn render(report: &Report, page: &Page) -> String {
    let rules = rules(report);
    let mut seen = BTreeMap::new();
    let results: Vec<Value> = report
        .findings
        .iter()
        .filter_map(|finding| {
            let kind_and_level = kind_and_level(finding)?;
            let index = rules.iter().position(|rule| rule.rule == finding.rule);
            let fingerprint = fingerprint(finding, &mut seen);
            Some(result(finding, kind_and_level, (index, &fingerprint), page))
        })
        .collect();
    let descriptors: Vec<Value> = rules.iter().map(|finding| descriptor(finding)).collect();
    let tenant = report.tenant_id.as_deref().unwrap_or("unnamed");
    let document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "breakglass",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "version": env!("CARGO_PKG_VERSION"),
                "shortDescription": { "text": env!("CARGO_PKG_DESCRIPTION") },
                "rules": descriptors,
            } },
            "automationDetails": {
                "id": format!("breakglass/check/{}/", visible(tenant)),
                "description": { "text": visible(&report.sentence) },
            },
            "invocations": [{ "executionSuccessful": true, "endTimeUtc": page.judged_at.to_string() }],
            "columnKind": "unicodeCodePoints",
            "results": results,
            "properties": {
                "tenantId": report.tenant_id,
                "profile": report.profile.name(),
                "takenAt": report.taken_at.map(|at| at.to_string()),
            },
        }],
    });
    format!("{document:#}\n")
}

/// The first finding of each rule, in the order of the rules.
fn rules(report: &Report) -> Vec<&Finding> {
    let mut rules: Vec<&Finding> = Vec::new();
    for finding in &report.findings {
        if !rules.iter().any(|known| known.rule == finding.rule) {
            rules.push(finding);
        }
    }
    rules
}

fn descriptor(finding: &Finding) -> Value {
    let rule = RULES.iter().find(|rule| rule.code() == finding.rule);
    let severity = rule.map_or(finding.severity, |rule| rule.severity());
    let explanation = rule.map_or(finding.title, |rule| rule.explanation());
    let mut tags = vec!["security", "emergency-access"];
    tags.extend(finding.requirements);
    json!({
        "id": finding.rule,
        "name": name(finding.title),
        "shortDescription": { "text": sentence(finding.title) },
        "fullDescription": { "text": sentence(finding.title) },
        "help": { "text": explanation, "markdown": explanation },
        "defaultConfiguration": { "level": level(severity) },
        "properties": { "tags": tags, "security-severity": security_severity(severity), "precision": "high" },
    })
}

/// `None` for what nobody needs to look at.
fn kind_and_level(finding: &Finding) -> Option<(&'static str, &'static str)> {
    match finding.status {
        Status::Fail => Some(("fail", level(finding.severity))),
        Status::Unknown => Some(("open", "none")),
        Status::Pass | Status::NotApplicable => None,
    }
}

fn result(
    finding: &Finding,
    (kind, level): (&str, &str),
    (rule_index, fingerprint): (Option<usize>, &str),
    page: &Page,
) -> Value {
    let objects: Vec<Value> = finding.objects.iter().map(logical_location).collect();
    let mut location = json!({ "physicalLocation": {
        "artifactLocation": { "uri": address(&page.source) },
        "region": { "startLine": 1 },
    } });
    if let (Some(location), false) = (location.as_object_mut(), objects.is_empty()) {
        location.insert("logicalLocations".to_owned(), objects.into());
    }
    json!({
        "ruleId": finding.rule,
        "ruleIndex": rule_index,
        "kind": kind,
        "level": level,
        "message": { "text": message(finding) },
        "locations": [location],
        "partialFingerprints": { (FINGERPRINT): fingerprint },
        "properties": { "severity": finding.severity.name(), "fix": finding.fix.as_ref().map(fix) },
    })
}

/// What, and what to do, as one text. Braces and brackets would be placeholders and links.
fn message(finding: &Finding) -> String {
    let mut message = sentence(&finding.message);
    if let Some(fix) = &finding.fix {
        message.push(' ');
        message.push_str(&sentence(&fix.text));
    }
    plain(&message)
}

/// The text as SARIF's plain text messages show it: a brace is written twice, a bracket escaped.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match character {
            '{' => plain.push_str("{{"),
            '}' => plain.push_str("}}"),
            '[' | ']' | '\\' => {
                plain.push('\\');
                plain.push(character);
            }
            character => plain.push(character),
        }
    }
    plain
}

/// The text with a full stop at its end.
pub(super) fn sentence(text: &str) -> String {
    let text = text.trim_end();
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}

/// `NoEnforcedPolicyStopsAnAccount`.
pub(super) fn name(title: &str) -> String {
    let words = title.split(|character: char| !character.is_ascii_alphanumeric());
    words
        .flat_map(|word| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters)
        })
        .collect()
}

fn logical_location(object: &ObjectReference) -> Value {
    json!({
        "name": visible(&object.name),
        "fullyQualifiedName": format!("{}/{}", object.kind.name(), visible(&object.id)),
        "kind": noun(object.kind),
    })
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// The number by which code scanning sorts: above 9 critical, from 7 high, from 4 medium.
const fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.0",
        Severity::Low => "2.0",
        Severity::Info => "0.0",
    }
}

/// The snapshot as a relative address: the path itself where it lies below the current folder, else its last part, so
/// that no report tells how somebody's disk is arranged.
pub(super) fn address(source: &str) -> String {
    let path = source.replace('\\', "/");
    let is_inside = !path.starts_with('/') && !path.contains(':') && path.split('/').all(|part| part != "..");
    let shown = if is_inside { path.trim_start_matches("./") } else { path.rsplit('/').next().unwrap_or_default() };
    let shown = shown.trim_end_matches('/');
    let mut address = String::new();
    for byte in if shown.is_empty() || shown == "-" { "snapshot" } else { shown }.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            address.push(char::from(byte));
        } else {
            address.push_str(&format!("%{byte:02X}"));
        }
    }
    address
}

/// The same for the same rule and the same objects, whatever the message says; a second finding of a rule about the
/// same objects is told apart by its number.
fn fingerprint(finding: &Finding, seen: &mut BTreeMap<u64, usize>) -> String {
    let mut objects: Vec<(&str, &str)> =
        finding.objects.iter().map(|object| (object.kind.name(), object.id.as_str())).collect();
    objects.sort_unstable();
    let mut hash = Fnv::new();
    hash.add(finding.rule);
    for (kind, id) in objects {
        hash.add(kind);
        hash.add(id);
    }
    let number = seen.entry(hash.0).and_modify(|number| *number += 1).or_insert(1);
    format!("{:016x}:{number}", hash.0)
}

/// FNV-1a, 64 bits: an identity, not a protection.
pub(super) struct Fnv(pub(super) u64);

impl Fnv {
    pub(super) const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub(super) fn add(&mut self, text: &str) {
        // A byte that no UTF-8 text contains ends each part.
        for byte in text.bytes().chain([0xff]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn addresses_are_relative() {
        let cases = [
            ("examples/contoso", "examples/contoso"),
            ("./a b.json", "a%20b.json"),
            ("/home/someone/secret/tenant.json", "tenant.json"),
            ("C:\\exports\\tenant.json", "tenant.json"),
            ("../up/tenant.json", "tenant.json"),
            ("exports/", "exports"),
            ("-", "snapshot"),
            ("/", "snapshot"),
        ];
        for (source, expected) in cases {
            assert_eq!(address(source), expected, "{source}");
        }
    }

    #[test]
    fn fingerprints_ignore_wording_and_order() {
        let mut finding = sample::report().findings.remove(0);
        let before = fingerprint(&finding, &mut BTreeMap::new());
        finding.message = "other words".to_owned();
        finding.objects.reverse();
        assert_eq!(fingerprint(&finding, &mut BTreeMap::new()), before);
        finding.objects.pop();
        assert_ne!(fingerprint(&finding, &mut BTreeMap::new()), before);
    }

    #[test]
    fn fingerprints_are_distinct_within_a_report() {
        let mut seen = BTreeMap::new();
        let report = sample::report();
        let doubled = report.findings.iter().chain(&report.findings);
        let mut all: Vec<String> = doubled.map(|finding| fingerprint(finding, &mut seen)).collect();
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn names_are_words_run_together() {
        assert_eq!(name("No policy stops an account: (2nd)"), "NoPolicyStopsAnAccount2nd");
    }

    #[test]
    fn plain_text_has_no_links_and_no_placeholders() {
        assert_eq!(plain("[a](b) {0} \\"), "\\[a\\](b) {{0}} \\\\");
    }
}
