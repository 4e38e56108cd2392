//! What the objects of a document are, how they are spelt, and where they go.

use serde_json::{Map, Value};

use super::builder::parse;
use super::recognise::{FirstObject, Origin, Target, target};
use super::{AddError, Resource, SnapshotBuilder};

/// Whether an exporter wrote .NET's names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Casing {
    Graph,
    Pascal,
}

/// What the objects of a list are, and how they are spelt.
pub(super) struct Kind {
    pub(super) target: Target,
    casing: Casing,
}

/// Stands in for the id of an object that has none.
pub(super) struct Name<'a> {
    pub(super) origin: &'a Origin<'a>,
    pub(super) index: u64,
}

impl Kind {
    /// Objects of a resource, in Graph's spelling.
    pub(super) const fn of(resource: Resource) -> Self {
        Self { target: Target::Resource(resource), casing: Casing::Graph }
    }
}

/// Why the kind of a list's objects is not known.
pub(super) enum NoKind {
    /// It is nothing that a snapshot has.
    Other(String),
    /// The first object cannot be read.
    Error(AddError),
}

/// Tells what the objects of a list are from the first of them.
pub(super) fn kind_of(context: Option<&str>, json: &[u8], origin: &Origin<'_>) -> Result<Kind, NoKind> {
    let mut first = FirstObject::read(json).map_err(NoKind::Error)?;
    let mut casing = Casing::Graph;
    if first.is_pascal_cased() {
        casing = Casing::Pascal;
        first = FirstObject::read(&lower_camel(json).map_err(NoKind::Error)?).map_err(NoKind::Error)?;
    }
    match target(context, Some(&first), origin) {
        Some(Target::Other(why)) => Err(NoKind::Other(why)),
        Some(target) => Ok(Kind { target, casing }),
        None => Err(NoKind::Other(first.unknown())),
    }
}

pub(super) fn add(builder: &mut SnapshotBuilder, kind: &Kind, json: &[u8], name: &Name<'_>) -> Result<(), AddError> {
    if kind.casing == Casing::Pascal {
        return add_spelt(builder, &kind.target, &lower_camel(json)?, name);
    }
    add_spelt(builder, &kind.target, json, name)
}

fn add_spelt(builder: &mut SnapshotBuilder, target: &Target, json: &[u8], name: &Name<'_>) -> Result<(), AddError> {
    match target {
        Target::Resource(resource @ (Resource::ConditionalAccessPolicies | Resource::NamedLocations)) => {
            let stand_in = match name.origin.file_name {
                "" => format!("snapshot#{}", name.index),
                file => format!("{file}#{}", name.index),
            };
            builder.add(*resource, json, &stand_in)
        }
        Target::Resource(resource) => builder.add(*resource, json, ""),
        Target::Group(group, relation) => builder.add_to_group(group, *relation, json),
        Target::AzureRoleAssignments => {
            let why = "the export has role assignments of Azure and not the directory's list";
            builder.doubt(Resource::RoleAssignments, why);
            builder.add(Resource::RoleAssignments, json, "")
        }
        Target::MethodConfigurations => builder.add_method_configuration(json),
        Target::Other(_) => Ok(()),
    }
}

/// Writes an object with Graph's names where an exporter wrote .NET's, and lifts what the PowerShell module
/// keeps under `AdditionalProperties`.
fn lower_camel(json: &[u8]) -> Result<Vec<u8>, AddError> {
    let lowered = with_lower_camel_names(parse(json)?);
    serde_json::to_vec(&lowered)
        .map_err(|error| AddError::Malformed { path: String::new(), message: error.to_string() })
}

/// The same value with the first letter of every name in lower case.
pub(crate) fn with_lower_camel_names(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(with_lower_camel_names).collect(),
        Value::Object(members) => {
            let mut lowered = Map::new();
            let mut lifted = Map::new();
            for (name, value) in members {
                match (name.as_str(), value) {
                    ("AdditionalProperties", Value::Object(more)) => lifted.extend(more),
                    (_, value) => {
                        lowered.insert(lower_first(&name), with_lower_camel_names(value));
                    }
                }
            }
            for (name, value) in lifted {
                lowered.entry(name).or_insert(value);
            }
            Value::Object(lowered)
        }
        other => other,
    }
}

fn lower_first(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map_or_else(String::new, |first| first.to_ascii_lowercase().to_string() + chars.as_str())
}
