//! What reading a document promises of any bytes: an answer and no panic, the same answer however the bytes arrive,
//! nothing taken that is no JSON, and nothing changed of what is taken.
//!
//! The first byte of an input chooses the name of the document, the second how many bytes arrive at once.

use std::collections::BTreeMap;
use std::io::Read;

use breakglass_model::snapshot::read::{Origin, Recognised, read_document};
use breakglass_model::snapshot::{Resource, Snapshot, SnapshotBuilder};
use serde_json::{Value, value::RawValue};

/// Names that say something of their own, beside those of the resources.
const NAMES: [(&str, &[&str]); 14] = [
    ("", &[]),
    ("snapshot.json", &[]),
    ("policies.ndjson", &["ConditionalAccess"]),
    ("users.ndjson", &[]),
    ("u1.json", &["Users", "u1"]),
    ("g1.json", &["Groups", "g1"]),
    ("members.json", &["Groups", "g1"]),
    ("owners.ndjson", &["Groups", "g1"]),
    ("m.json", &["Groups", "g1", "Members"]),
    ("scopedRoleMembers.json", &["AdministrativeUnits", "a"]),
    ("Fido2.json", &["Policies", "AuthenticationMethodsPolicy"]),
    ("policies.json", &["Identity", "Conditional"]),
    ("ProviderSettingsExport.json", &[]),
    ("roleDefinitions.json", &["RoleManagement", "Exchange"]),
];

/// Gives a document in pieces of a few bytes, as a slow pipe would.
struct Dripping<'a> {
    bytes: &'a [u8],
    piece: usize,
}

impl Read for Dripping<'_> {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        let count = self.piece.min(self.bytes.len()).min(room.len());
        room[..count].copy_from_slice(&self.bytes[..count]);
        self.bytes = &self.bytes[count..];
        Ok(count)
    }
}

/// What came of a document.
type Answer = Result<(Recognised, BTreeMap<Resource, u64>, Snapshot), String>;

fn read(document: &[u8], name: u8, piece: usize) -> Answer {
    let at = usize::from(name) % (NAMES.len() + Resource::ALL.len());
    let (file_name, folders) = match NAMES.get(at) {
        Some((file_name, folders)) => ((*file_name).to_owned(), *folders),
        None => (format!("{}.json", Resource::ALL[at - NAMES.len()].name()), [].as_slice()),
    };
    let folders: Vec<String> = folders.iter().map(|folder| (*folder).to_owned()).collect();
    let mut builder = SnapshotBuilder::default();
    let origin = Origin { file_name: &file_name, folders: &folders };
    let read = read_document(&mut builder, Dripping { bytes: document, piece }, &origin);
    let recognised = read.map_err(|error| error.to_string())?;
    let repeated = builder.repeated().clone();
    Ok((recognised, repeated, builder.finish()))
}

/// Checks it for one document.
pub(crate) fn hold(bytes: &[u8]) {
    let [name, piece, document @ ..] = bytes else { return };
    let answer = read(document, *name, usize::MAX);
    if *piece != 0 {
        let dripped = read(document, *name, usize::from(*piece));
        assert_eq!(shown(&dripped), shown(&answer), "in pieces of {piece} bytes");
    }
    match &answer {
        Err(message) => assert!(!message.is_empty()),
        Ok((Recognised::Nothing { why }, ..)) => assert!(!why.is_empty()),
        Ok((recognised, repeated, snapshot)) => {
            let json = document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document);
            is_json(json, recognised);
            is_read_alike_the_careful_way(json, *name, (recognised, snapshot));
            if matches!(recognised, Recognised::Snapshot { .. }) {
                has_the_objects(json, repeated, snapshot);
            }
        }
    }
}

fn shown(answer: &Answer) -> Result<(&Recognised, String), &String> {
    answer.as_ref().map(|(recognised, _, snapshot)| (recognised, told(snapshot)))
}

fn is_json(json: &[u8], recognised: &Recognised) {
    let values: Result<Vec<&RawValue>, _> = serde_json::Deserializer::from_slice(json).into_iter().collect();
    match (values, recognised) {
        (Err(error), _) => panic!("{recognised:?} of what is no JSON: {error}"),
        (Ok(values), Recognised::Snapshot { .. } | Recognised::ScubaGear) => assert_eq!(values.len(), 1),
        (Ok(_), _) => {}
    }
}

/// An escaped name means the same and takes the careful way.
fn is_read_alike_the_careful_way(json: &[u8], name: u8, quick: (&Recognised, &Snapshot)) {
    let Ok(text) = std::str::from_utf8(json) else { return };
    let careful = read(text.replace("\"id\"", "\"\\u0069d\"").as_bytes(), name, usize::MAX);
    let careful = shown(&careful);
    assert_eq!(careful, Ok((quick.0, told(quick.1))), "with escapes");
}

/// Every policy and location of our own format is kept as it was written, once.
fn has_the_objects(json: &[u8], repeated: &BTreeMap<Resource, u64>, snapshot: &Snapshot) {
    let policies = snapshot.conditional_access_policies.items().iter().map(|policy| &policy.source).collect();
    let locations = snapshot.named_locations.items().iter().map(|location| &location.source).collect();
    let kept: [(Resource, Vec<&Value>); 2] =
        [(Resource::ConditionalAccessPolicies, policies), (Resource::NamedLocations, locations)];
    for (resource, kept) in kept {
        let written = written(json, resource);
        let repeated = repeated.get(&resource).copied().unwrap_or_default();
        assert_eq!(kept.len() as u64 + repeated, written.len() as u64, "{}", resource.name());
        let mut rest = written.iter();
        assert!(kept.iter().all(|kept| rest.any(|written| written == *kept)), "{}", resource.name());
    }
}

/// The objects of a resource as `serde_json` reads them; a list may come twice.
fn written(json: &[u8], resource: Resource) -> Vec<Value> {
    struct Members(Vec<(String, Box<RawValue>)>);

    impl<'de> serde::Deserialize<'de> for Members {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_map(Visitor)
        }
    }

    struct Visitor;

    impl<'de> serde::de::Visitor<'de> for Visitor {
        type Value = Members;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
            let mut members = Vec::new();
            while let Some(member) = map.next_entry()? {
                members.push(member);
            }
            Ok(Members(members))
        }
    }

    let Members(members) = serde_json::from_slice(json).expect("it is JSON");
    let lists = members.into_iter().filter(|(name, _)| name == resource.name());
    lists.flat_map(|(_, list)| serde_json::from_str::<Vec<Value>>(list.get()).unwrap_or_default()).collect()
}

/// What a snapshot says, without the numbers that its objects happened to get.
fn told(snapshot: &Snapshot) -> String {
    let mut told = vec![format!("{:?}", snapshot.summary(jiff::Timestamp::UNIX_EPOCH))];
    for user in snapshot.users.items().iter().chain(snapshot.deleted_users.items()) {
        let id = snapshot.id(user.key);
        let name = (&user.user_principal_name, &user.display_name, &user.user_type);
        told.push(format!("{id} {name:?} {:?} {:?}", user.account_enabled, user.on_premises_sync_enabled));
        told.push(format!("{:?}", user.detail));
    }
    told.extend(snapshot.groups.items().iter().map(|group| snapshot.group_json(group).to_string()));
    let units = snapshot.administrative_units.items().iter();
    told.extend(units.map(|unit| snapshot.administrative_unit_json(unit).to_string()));
    told.push(format!("{:?} {:?}", snapshot.conditional_access_policies, snapshot.named_locations));
    told.push(format!("{:?} {:?}", snapshot.service_principals, snapshot.role_assignments));
    told.push(format!("{:?} {:?}", snapshot.organization, snapshot.authentication_methods_policy));
    told.push(format!("{:?} {:?}", snapshot.role_definitions, snapshot.role_assignment_schedule_instances));
    told.push(format!("{:?} {:?}", snapshot.subscribed_skus, snapshot.missing));
    told.join("\n")
}
