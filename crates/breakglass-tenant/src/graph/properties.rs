//! Which properties users, groups, applications and service principals have, and of which kind each is: what is written
//! has to be one of them. What a query asks for by name is in `names`.
//!
//! **Source:** the schema of v1.0 and beta, both together; which are read-only, the pages of the resources.

mod application;
mod group;
mod parts;
mod user;

use base64::Engine as _;
use base64::alphabet::{Alphabet, STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use jiff::Timestamp;
use serde_json::Value;

pub(super) use self::application::{APPLICATION, SERVICE_PRINCIPAL};
pub(super) use self::group::GROUP;
pub(super) use self::user::USER;
use super::error::GraphError;
use crate::odata::is_guid;
use crate::state::Object;

/// What a property takes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Text,
    /// A text of at most so many characters.
    ShortText(usize),
    /// The two letters of a country.
    Country,
    Flag,
    Number,
    Instant,
    /// A GUID.
    Id,
    /// Bytes in base 64.
    Binary,
    Texts,
    /// GUIDs.
    Ids,
    /// An object, into which nobody looks here.
    Object,
    /// Such objects.
    List,
    /// A word of an enumeration.
    Word(&'static [&'static str]),
    /// Such words.
    Words(&'static [&'static str]),
    /// Such words in one text, with commas between them.
    Flags(&'static [&'static str]),
    /// An object of a complex type.
    Part(&'static Part),
    /// Objects of a complex type.
    Parts(&'static Part),
}

/// Kinds, each with the properties that are of it.
type OfKind = &'static [(Kind, &'static [&'static str])];

/// A complex type.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) name: &'static str,
    pub(super) of_kind: OfKind,
}

/// What is wrong with an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wrong {
    /// A type has no property of this name.
    Name { name: String, of: &'static str },
    /// A property does not take such a value.
    Value { name: String },
}

/// The properties of a type, by kind.
pub(super) struct Properties {
    name: &'static str,
    of_kind: OfKind,
    /// What nobody writes; to write what is there already is no change.
    read_only: &'static [&'static str],
    /// What is neither null nor blank.
    never_empty: &'static [&'static str],
    /// What an object that is synchronised has from on premises alone.
    of_premises: &'static [&'static str],
}

/// What is neither a list nor ever null.
///
/// **Source:** the schema.
const NEVER_NULL: [&str; 3] = ["birthday", "deviceEnrollmentLimit", "hireDate"];

/// Characters of the name that an object is shown with.
const DISPLAY_NAME_CHARS_MAX: usize = 256;

/// How much of the user's own text an error repeats, in characters.
const EXCERPT_CHARS_MAX: usize = 100;

impl Properties {
    /// Refuses properties that there are none of, values of another kind than theirs, and emptiness where there is none.
    pub(super) fn check(&self, body: &Object) -> Result<(), GraphError> {
        check(self.name, self.of_kind, body)?;
        let is_empty = |value: &Value| value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty());
        match self.never_empty.iter().find(|name| body.get(**name).is_some_and(is_empty)) {
            Some(name) => Err(self.invalid(name)),
            None => Ok(()),
        }
    }

    /// The same of what is new, and has nothing that nobody writes.
    pub(super) fn check_new(&self, body: &Object) -> Result<(), GraphError> {
        self.check(body)?;
        self.check_read_only(body, &Object::new())
    }

    /// Refuses to write what nobody writes, and what is written on premises where the object is from there.
    ///
    /// **Source:** Graph's guidelines, property conventions (the value that is there already is no change); the errors as
    /// its clients report them.
    pub(super) fn check_change(&self, known: &Object, body: &Object) -> Result<(), GraphError> {
        self.check_read_only(body, known)?;
        let is_touched = |name: &&&str| is_change(known, body, name);
        if is_synchronised(known) && self.of_premises.iter().any(|name| is_touched(&name)) {
            return Err(of_premises());
        }
        Ok(())
    }

    fn check_read_only(&self, body: &Object, known: &Object) -> Result<(), GraphError> {
        match self.read_only.iter().find(|name| is_change(known, body, name)) {
            Some(name) => Err(GraphError::bad_request(format!("Property '{name}' is read-only and cannot be set."))),
            None => Ok(()),
        }
    }

    /// What of a body is written: not what nobody writes, and no annotations.
    pub(super) fn writable(&self, body: &Object) -> Object {
        let is_written = |name: &str| !name.contains('@') && !self.read_only.contains(&name);
        let written = body.iter().filter(|(name, _)| is_written(name));
        written.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// The error for what a property cannot be.
    /// A property as the schema spells it, and what an object shows in its place that has no value of it: an empty list for a
    /// list, else null. Nothing where the type has no such property, or one that is never null.
    pub(super) fn empty(&self, name: &str) -> Option<(&'static str, Value)> {
        let found = self.of_kind.iter().find_map(|(kind, names)| {
            let name = names.iter().find(|known| known.eq_ignore_ascii_case(name))?;
            Some((*name, *kind))
        });
        let (name, kind) = found.filter(|(name, _)| !NEVER_NULL.contains(name))?;
        Some((name, if kind.is_list() { Value::Array(Vec::new()) } else { Value::Null }))
    }

    fn invalid(&self, name: &str) -> GraphError {
        let mut resource = self.name.to_owned();
        resource.get_mut(..1).into_iter().for_each(str::make_ascii_uppercase);
        GraphError::bad_request(format!("Invalid value specified for property '{name}' of resource '{resource}'."))
    }
}

/// Whether an object is synchronised from on premises.
pub(super) fn is_synchronised(object: &Object) -> bool {
    object.get("onPremisesSyncEnabled").and_then(Value::as_bool) == Some(true)
}

/// The error for what is changed on premises alone.
pub(super) fn of_premises() -> GraphError {
    GraphError::bad_request(
        "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration.",
    )
}

/// Whether a body has something else of a property than an object; what is missing is null, or an empty list.
fn is_change(known: &Object, body: &Object, name: &str) -> bool {
    let is_nothing = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    let Some(given) = body.get(name) else { return false };
    match known.get(name) {
        Some(known) => known != given && !(is_nothing(known) && is_nothing(given)),
        None => !is_nothing(given),
    }
}

fn check(of: &'static str, of_kind: OfKind, body: &Object) -> Result<(), GraphError> {
    find_wrong(of, of_kind, body).map_or(Ok(()), |wrong| {
        Err(GraphError::bad_request(match wrong {
            Wrong::Name { name, of } => format!(
                "The property '{name}' does not exist on type 'microsoft.graph.{of}'. Make sure to only use property names that are defined by the type."
            ),
            Wrong::Value { name } => format!("Invalid value specified for property '{name}'."),
        }))
    })
}

impl Part {
    /// The first thing that is wrong with an object of this type, however deep in it.
    pub(super) fn find_wrong(&self, object: &Object) -> Option<Wrong> {
        find_wrong(self.name, self.of_kind, object)
    }
}

fn find_wrong(of: &'static str, of_kind: OfKind, object: &Object) -> Option<Wrong> {
    object.iter().filter(|(name, _)| !name.contains('@') && !is_extension(name)).find_map(|(name, value)| {
        let shown = || name.chars().take(EXCERPT_CHARS_MAX).collect();
        // Names are written as they are; asking by name is not so strict.
        let Some((kind, _)) = of_kind.iter().find(|(_, names)| names.contains(&name.as_str())) else {
            return Some(Wrong::Name { name: shown(), of });
        };
        if value.is_null() {
            return None;
        }
        if !kind.takes(value) {
            return Some(Wrong::Value { name: shown() });
        }
        match (kind, value) {
            (Kind::Part(part), Value::Object(inner)) => part.find_wrong(inner),
            (Kind::Parts(part), Value::Array(list)) => {
                list.iter().filter_map(Value::as_object).find_map(|inner| part.find_wrong(inner))
            }
            _ => None,
        }
    })
}

impl Kind {
    const fn is_list(self) -> bool {
        matches!(self, Self::Texts | Self::Ids | Self::List | Self::Words(_) | Self::Parts(_))
    }

    fn takes(self, value: &Value) -> bool {
        let all = |is_one: &dyn Fn(&Value) -> bool| value.as_array().is_some_and(|list| list.iter().all(is_one));
        let is_id = |value: &Value| value.as_str().is_some_and(is_guid);
        match self {
            Self::Text => value.is_string(),
            Self::ShortText(chars_max) => value.as_str().is_some_and(|text| text.chars().count() <= chars_max),
            Self::Country => value
                .as_str()
                .is_some_and(|text| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic())),
            Self::Flag => value.is_boolean(),
            Self::Number => value.is_i64(),
            Self::Instant => value.as_str().is_some_and(|text| text.parse::<Timestamp>().is_ok()),
            Self::Id => is_id(value),
            Self::Binary => value.as_str().is_some_and(is_base64),
            Self::Texts => all(&Value::is_string),
            Self::Ids => all(&is_id),
            Self::Object | Self::Part(_) => value.is_object(),
            Self::List | Self::Parts(_) => all(&Value::is_object),
            Self::Word(words) => value.as_str().is_some_and(|word| words.contains(&word)),
            Self::Words(words) => all(&|value| value.as_str().is_some_and(|word| words.contains(&word))),
            Self::Flags(words) => {
                value.as_str().is_some_and(|all| all.split(',').all(|word| words.contains(&word.trim())))
            }
        }
    }
}

/// Whether it is base 64, in either alphabet, padded or not.
fn is_base64(text: &str) -> bool {
    const CONFIG: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let is_of = |alphabet: &Alphabet| GeneralPurpose::new(alphabet, CONFIG).decode(text).is_ok();
    is_of(&STANDARD) || is_of(&URL_SAFE)
}

/// Whether it is the property of an extension, of which the type says nothing.
pub(super) fn is_extension(name: &str) -> bool {
    name.starts_with("extension_")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{GROUP, USER};

    #[test]
    fn what_has_no_value_is_shown_empty_in_its_kind() {
        assert_eq!(USER.empty("USERTYPE"), Some(("userType", Value::Null)));
        assert_eq!(USER.empty("otherMails"), Some(("otherMails", json!([]))));
        assert_eq!(GROUP.empty("infoCatalogs"), Some(("infoCatalogs", json!([]))));
        assert_eq!(GROUP.empty("members"), None);
        assert_eq!(USER.empty("hireDate"), None);
    }

    #[test]
    fn what_is_written_is_a_property_and_of_its_kind() {
        for (body, is_good) in [
            (json!({ "displayName": "A", "accountEnabled": false, "businessPhones": ["1"] }), true),
            (json!({ "jobTitle": null, "@odata.type": "#microsoft.graph.user", "extension_1_x": 7 }), true),
            (json!({ "employeeHireDate": "2026-11-01T00:00:00Z", "passwordProfile": {} }), true),
            (json!({ "displayname": "A" }), false),
            (json!({ "color": "red" }), false),
            (json!({ "accountEnabled": "false" }), false),
            (json!({ "businessPhones": "1" }), false),
            (json!({ "businessPhones": [1] }), false),
            (json!({ "employeeHireDate": "soon" }), false),
            (json!({ "passwordProfile": 7 }), false),
            (json!({ "assignedLicenses": ["E5"] }), false),
            (json!({ "displayName": "é".repeat(256) }), true),
            (json!({ "displayName": "a".repeat(257) }), false),
            (json!({ "usageLocation": "CH" }), true),
            (json!({ "usageLocation": null }), true),
            (json!({ "usageLocation": "CHE" }), false),
            (json!({ "usageLocation": "C1" }), false),
        ] {
            assert_eq!(USER.check(body.as_object().unwrap()).is_ok(), is_good, "{body}");
        }
    }
}
