//! The proof of an order as a document that another program can check: `breakglass-certificate/1`.
//!
//! It carries the SHA-256 of itself without that member, written compactly with sorted names, so that a change of any
//! part is seen. It is written with sorted names and two blanks for each level, as other programs write it too, so that
//! even a change of its blanks is.

use breakglass_engine::lockout::certificate::Certificate;
use breakglass_engine::lockout::report::{LockoutReport, Way};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Name and version of the form.
const FORMAT: &str = "breakglass-certificate/1";

/// The whole document.
pub(crate) fn document(
    report: &LockoutReport,
    proof: &Certificate<'_>,
    tenant: Option<&str>,
    judged_at: Timestamp,
) -> String {
    let mut document = json!({
        "format": FORMAT,
        "tenantId": tenant,
        "judgedAt": judged_at.to_string(),
        "goal": report.goal.name(),
        "horizon": report.horizon.name(),
        "assumptions": report.assumptions,
        "order": proof.order,
        "survives": proof.survives,
        "cut": proof.cut.map(|cut| cut.iter().map(|one| one.id()).collect::<Vec<_>>()),
        "ways": proof.ways.iter().map(|way| told(way)).collect::<Vec<_>>(),
    });
    document.sort_all_objects();
    let digest: String = Sha256::digest(document.to_string()).iter().map(|byte| format!("{byte:02x}")).collect();
    if let Some(object) = document.as_object_mut() {
        object.insert("sha256".to_owned(), json!(digest));
    }
    document.sort_all_objects();
    let mut text = format!("{document:#}");
    text.push('\n');
    text
}

fn told(way: &Way) -> Value {
    json!({
        "user": way.user,
        "name": way.name,
        "needs": way.needs.iter().map(|one| one.id()).collect::<Vec<_>>(),
        "context": {
            "tool": way.context.tool,
            "location": way.context.location,
            "device": way.context.device,
            "combination": way.context.combination,
        },
        "steps": way.steps,
    })
}
