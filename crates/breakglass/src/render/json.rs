//! `breakglass-check/1`: the report as one JSON document, for programs.
//!
//! Every property is always there; what there is nothing to say about is `null`.

use breakglass_engine::posture::{Finding, Fix, Report, Status};
use serde_json::{Value, json};

use super::{Format, Page};

/// Name and version of the document.
const DOCUMENT: &str = "breakglass-check/1";

pub(super) const FORMAT: Format = Format { name: "json", about: "One document of the form breakglass-check/1", render };

fn render(report: &Report, _: &Page) -> String {
    let results: Vec<Value> = report.findings.iter().map(result).collect();
    let document = json!({
        "format": DOCUMENT,
        "tenantId": report.tenant_id,
        "profile": report.profile.name(),
        "summary": {
            "pass": report.count(Status::Pass),
            "fail": report.count(Status::Fail),
            "unknown": report.count(Status::Unknown),
            "notApplicable": report.count(Status::NotApplicable),
        },
        "results": results,
    });
    format!("{document:#}\n")
}

fn result(finding: &Finding) -> Value {
    let objects: Vec<Value> = finding
        .objects
        .iter()
        .map(|object| json!({ "type": object.kind.name(), "id": object.id, "name": object.name }))
        .collect();
    json!({
        "rule": finding.rule,
        "title": finding.title,
        "requirements": finding.requirements,
        "severity": finding.severity.name(),
        "status": finding.status.name(),
        "message": finding.message,
        "objects": objects,
        "fix": finding.fix.as_ref().map(fix),
    })
}

/// What to do, as the document says it.
pub(super) fn fix(fix: &Fix) -> Value {
    let request = fix.request.as_ref();
    let request = request.map(|request| json!({ "method": request.method, "url": request.url, "body": request.body }));
    json!({ "text": fix.text, "request": request })
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn the_document_reads_back() {
        let report = sample::report();
        let document: Value = serde_json::from_str(&render(&report, &sample::page())).unwrap();
        assert_eq!(document["format"], "breakglass-check/1");
        assert_eq!(document["results"].as_array().unwrap().len(), report.findings.len());
        let counted: usize = ["pass", "fail", "unknown", "notApplicable"]
            .iter()
            .map(|status| usize::try_from(document["summary"][status].as_u64().unwrap()).unwrap())
            .sum();
        assert_eq!(counted, report.findings.len());
        for (result, finding) in document["results"].as_array().unwrap().iter().zip(&report.findings) {
            assert_eq!(result["message"], finding.message);
            assert_eq!(result["objects"].as_array().unwrap().len(), finding.objects.len());
        }
    }
}
