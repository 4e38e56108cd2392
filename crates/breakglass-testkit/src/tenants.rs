//! Small adversarial tenants and sign-ins from a seed.
//!
//! A tenant has few objects and many entanglements: nested and cyclic groups, lists that the export does not
//! have, references to what is gone, every condition and control, and now and then a part that nobody knows.
//! Sign-ins take their values from the same few pools, so that most conditions are met about as often as not.
//!
//! **Invariant:** the same seed gives the same bytes; whatever is written here the snapshot reader takes.

mod directory;
mod policies;
pub mod random;
mod requests;
mod rules;
#[cfg(test)]
mod tests;

use breakglass_model::snapshot::{MissingResource, Resource, Snapshot, SnapshotBuilder};
use serde_json::{Map, Value, json};

use crate::referee::RefereeSurface;
use random::Random;

/// When every random tenant was taken.
pub const TAKEN_AT: jiff::Timestamp = jiff::Timestamp::constant(1_772_323_200, 0);

/// Id of every random tenant.
const TENANT_ID: &str = "11111111-aaaa-4aaa-8aaa-111111111111";

/// Applications that policies and sign-ins name.
pub(crate) mod apps {
    pub(crate) const PORTAL: &str = "c44b4083-3bb0-49c1-b47d-974e53cbdf3c";
    pub(crate) const RESOURCE_MANAGER: &str = "797f4846-ba00-4fd7-ba43-dac1f8f63013";
    pub(crate) const EXCHANGE: &str = "00000002-0000-0ff1-ce00-000000000000";
    pub(crate) const SHAREPOINT: &str = "00000003-0000-0ff1-ce00-000000000000";
    pub(crate) const GRAPH: &str = "00000003-0000-0000-c000-000000000000";
    pub(crate) const OWN: &str = "app-own";
    pub(crate) const FOREIGN: &str = "app-foreign";
    pub(crate) const UNLISTED: &str = "app-unlisted";
    pub(crate) const ALL: [&str; 8] = [PORTAL, RESOURCE_MANAGER, EXCHANGE, SHAREPOINT, GRAPH, OWN, FOREIGN, UNLISTED];
}

/// A random tenant: the snapshot's text, and what a reader makes of it.
#[derive(Debug, Clone)]
pub struct RandomTenant {
    /// `breakglass-snapshot/1`.
    pub json: String,
    /// The same, read.
    pub snapshot: Snapshot,
}

/// The tenant of a seed.
///
/// # Panics
/// When the reader refuses what the generator wrote, which is a fault of either.
#[must_use]
#[expect(clippy::panic, reason = "a generator whose output cannot be read has no answer to give")]
pub fn random_tenant(seed: u64) -> RandomTenant {
    let document = directory::tenant(&mut Random::new(seed));
    match snapshot_of(&document) {
        Ok(snapshot) => RandomTenant { json: document.to_string(), snapshot },
        Err(message) => panic!("seed {seed}: {message}"),
    }
}

/// A What If body for a tenant: mostly about its own users and service principals, sometimes faulty.
#[must_use]
pub fn random_request(tenant: &RandomTenant, seed: u64) -> String {
    requests::request(&tenant.snapshot, &mut Random::new(seed)).to_string()
}

/// A small keyword table that knows some of the applications of the random tenants.
#[must_use]
pub fn sample_surfaces() -> Vec<RefereeSurface> {
    let surface = |app_id: &str, aliases: &[&str], office365, microsoft_admin_portals| RefereeSurface {
        app_id: app_id.to_owned(),
        aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
        office365,
        microsoft_admin_portals,
    };
    vec![
        surface(apps::PORTAL, &[apps::RESOURCE_MANAGER], false, true),
        surface(apps::RESOURCE_MANAGER, &[], false, false),
        surface(apps::EXCHANGE, &[], true, false),
        surface(apps::SHAREPOINT, &[], true, false),
    ]
}

/// Reads a snapshot document; lists may be absent, other members are read over.
///
/// # Errors
/// Which object cannot be read, and why.
pub fn snapshot_of(document: &Value) -> Result<Snapshot, String> {
    let mut builder = SnapshotBuilder::default();
    builder.tenant_id(document["tenantId"].as_str().unwrap_or_default());
    if let Some(at) = document["takenAt"].as_str() {
        builder.taken_at(at.parse().map_err(|error| format!("takenAt: {error}"))?);
    }
    for resource in Resource::ALL {
        let Some(value) = document.get(resource.name()) else { continue };
        builder.begin(*resource);
        for (index, object) in value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice).iter().enumerate() {
            let name = format!("{}#{index}", resource.name());
            let bytes = object.to_string();
            builder.add(*resource, bytes.as_bytes(), &name).map_err(|error| format!("{name}: {error}: {bytes}"))?;
        }
    }
    for missing in document["missing"].as_array().into_iter().flatten() {
        let text = |name: &str| missing[name].as_str().unwrap_or_default().to_owned();
        builder.missing(MissingResource { resource: text("resource"), why: text("why") });
    }
    Ok(builder.finish())
}

/// An object without the members whose value is [`absent`].
pub(crate) fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let members = members.into_iter().filter(|(_, value)| *value != absent());
    Value::Object(members.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}

/// Stands for a member that is left out.
pub(crate) fn absent() -> Value {
    json!("\u{0}absent")
}
