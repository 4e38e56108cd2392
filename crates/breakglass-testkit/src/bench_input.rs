//! The tenant and the sign-ins that benchmarks run on: those of a folder, or a small random tenant.
//!
//! The folder is named by `BREAKGLASS_BENCH` and holds what `cargo xtask bench` makes: `tenant/` with the five
//! files of the benchmark generator, `signins.ndjson`, and `logs.ndjson` with records of sign-ins.

use std::path::Path;

use breakglass_model::snapshot::{Resource, Snapshot, SnapshotBuilder};
use serde_json::Value;

use crate::logs::{RecordForm, random_record};
use crate::tenants::{random_request, random_tenant, sample_surfaces};

/// Seed of the tenant that stands in when no folder is named.
const SEED: u64 = 7;

/// Sign-ins to that tenant.
const REQUEST_COUNT: u64 = 1_000;

/// What a benchmark runs on.
#[derive(Debug)]
pub struct BenchInput {
    /// The tenant.
    pub snapshot: Snapshot,
    /// What If bodies.
    pub requests: Vec<String>,
    /// Records of sign-ins.
    pub records: Vec<String>,
}

/// The input that `BREAKGLASS_BENCH` names, or the small one.
///
/// # Errors
/// Which file cannot be read.
pub fn bench_input() -> Result<BenchInput, String> {
    match crate::setting("BREAKGLASS_BENCH") {
        Some(folder) => of_folder(Path::new(&folder)),
        None => {
            let tenant = random_tenant(SEED);
            let requests = (0..REQUEST_COUNT).map(|seed| random_request(&tenant, seed)).collect();
            let surfaces = sample_surfaces();
            let record = |seed| random_record(&tenant, &surfaces, RecordForm::Diagnostic, seed);
            let records = (0..REQUEST_COUNT).filter_map(record).map(|record| record.json.to_string()).collect();
            Ok(BenchInput { snapshot: tenant.snapshot, requests, records })
        }
    }
}

fn of_folder(folder: &Path) -> Result<BenchInput, String> {
    let mut builder = SnapshotBuilder::default();
    for (name, resource) in [("users.ndjson", Resource::Users), ("groups.ndjson", Resource::Groups)] {
        for line in text(folder, name)?.lines() {
            builder.add(resource, line.as_bytes(), name).map_err(|error| format!("{name}: {error}"))?;
        }
    }
    for (name, resource) in [
        ("conditionalAccessPolicies", Resource::ConditionalAccessPolicies),
        ("namedLocations", Resource::NamedLocations),
        ("roleAssignments", Resource::RoleAssignments),
    ] {
        for object in collection(folder, name)? {
            let added = builder.add(resource, object.to_string().as_bytes(), name);
            added.map_err(|error| format!("{name}: {error}"))?;
        }
    }
    let lines = |name: &str| {
        let path = folder.join(name);
        let text = std::fs::read_to_string(&path).map_err(|error| format!("`{}`: {error}", path.display()))?;
        Ok::<_, String>(text.lines().map(str::to_owned).collect::<Vec<String>>())
    };
    Ok(BenchInput { snapshot: builder.finish(), requests: lines("signins.ndjson")?, records: lines("logs.ndjson")? })
}

/// The text of a file of the tenant in a folder.
pub(crate) fn text(folder: &Path, name: &str) -> Result<String, String> {
    let path = folder.join("tenant").join(name);
    std::fs::read_to_string(&path).map_err(|error| format!("`{}`: {error}", path.display()))
}

/// The objects of a collection of the tenant in a folder.
pub(crate) fn collection(folder: &Path, name: &str) -> Result<Vec<Value>, String> {
    let document = serde_json::from_str::<Value>(&text(folder, &format!("{name}.json"))?);
    let document = document.map_err(|error| format!("{name}: {error}"))?;
    Ok(document.get("value").and_then(Value::as_array).cloned().unwrap_or_default())
}
