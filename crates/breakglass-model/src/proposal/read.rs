//! Reads proposed objects from Graph's JSON: one object, a list, or a collection, mixed or not.
//!
//! What an object is, is told as in a snapshot's export: by `@odata.context`, `@odata.type` or its shape. A body for
//! `PATCH` may have none of them; it is then what the caller expects.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::document::parse_distinct;
use super::merge::{NEEDED, is_whole};
use super::{PROPOSAL_BYTES_MAX, Proposal, ProposalError, ProposalKind, ProposalMode, ProposalPlace, Proposed};
use crate::named_location::NamedLocation;
use crate::plain_words::in_plain_words;
use crate::policy::{ConditionalAccessPolicy, known_after_apply};
use crate::property::is_vacant;
use crate::snapshot::objects::with_lower_camel_names;
use crate::snapshot::read::Origin;
use crate::snapshot::recognise::{FirstObject, Target, target};
use crate::snapshot::rows::WrittenGroup;
use crate::snapshot::{AddError, Resource, Snapshot, malformed, typed};

/// Prefix of the formats of our own.
const FORMAT_FAMILY: &str = "breakglass-";
/// Names at the top of a Terraform plan.
const PLAN_MEMBERS: [&str; 2] = ["resource_changes", "planned_values"];

impl Proposal {
    /// Reads a document and adds what it proposes. `file` is its name in errors; `expected` is what an object is that
    /// does not say it, and without it such an object is an error.
    ///
    /// # Errors
    /// When it is not JSON, or something in it is not what Graph takes; nothing of it is added then.
    pub fn read(
        &mut self,
        json: &[u8],
        file: &str,
        expected: impl Into<Option<ProposalKind>>,
    ) -> Result<(), ProposalError> {
        let expected = expected.into();
        let document = parse_document(json, file)?;
        let mut read = Self::default();
        let lines = lines(json);
        for (index, (place, object, context)) in elements(document, file)?.into_iter().enumerate() {
            let line = lines.get(index).and_then(|line| u32::try_from(*line).ok());
            let place = place.at_line(line);
            read.read_object(place, object, context.as_deref(), expected)?;
        }
        if read.is_empty() {
            let what = "it has no object".to_owned();
            return Err(ProposalError::NotProposable { place: ProposalPlace::new(file, "$"), what });
        }
        self.append(read, file)
    }

    /// Reads a document among others that may be no proposals, and adds what it proposes. An object that does not say
    /// what it is, as the body of a `PATCH`, is the one of the snapshot with its id or name: of the kind that is
    /// `expected` if there is one, else of another. What is no proposal is left out and noted.
    ///
    /// # Errors
    /// As for [`Proposal::read`], but for what is no proposal.
    pub fn read_among(
        &mut self,
        json: &[u8],
        file: &str,
        expected: ProposalKind,
        snapshot: &Snapshot,
    ) -> Result<(), ProposalError> {
        let (mut read, lines) = (Self::default(), lines(json));
        let elements = match elements(parse_document(json, file)?, file) {
            Err(error @ ProposalError::NotProposable { .. }) => {
                self.note(format!("left out: {error}"));
                return Ok(());
            }
            elements => elements?,
        };
        for (index, (place, object, context)) in elements.into_iter().enumerate() {
            let line = lines.get(index).and_then(|line| u32::try_from(*line).ok());
            let kind = snapshot.kind_of(&object, expected);
            match read.read_object(place.at_line(line), object, context.as_deref(), kind) {
                Err(error @ ProposalError::NotProposable { .. }) => read.note(format!("left out: {error}")),
                result => result?,
            }
        }
        self.append(read, file)
    }

    /// Adds everything that another proposal has.
    pub(crate) fn append(&mut self, other: Self, file: &str) -> Result<(), ProposalError> {
        if self.changes.len() + other.changes.len() > super::CHANGE_COUNT_MAX {
            let what = format!("changes beyond the {} of one proposal", super::CHANGE_COUNT_MAX);
            return Err(ProposalError::TooLarge { file: file.to_owned(), what });
        }
        self.changes.extend(other.changes);
        self.notes.extend(other.notes);
        self.unknowns.extend(other.unknowns);
        Ok(())
    }

    fn read_object(
        &mut self,
        place: ProposalPlace,
        object: Value,
        context: Option<&str>,
        expected: Option<ProposalKind>,
    ) -> Result<(), ProposalError> {
        let (kind, object) = recognise(&place, object, context, expected)?;
        self.propose(place, kind, object, ProposalMode::Match)
    }

    /// Adds an object after it was checked.
    pub(crate) fn propose(
        &mut self,
        place: ProposalPlace,
        kind: ProposalKind,
        object: Value,
        mode: ProposalMode,
    ) -> Result<(), ProposalError> {
        if object.get("@removed").is_some_and(|removed| !removed.is_null()) {
            let way = match kind {
                ProposalKind::Policy => "name it with --remove-policy",
                _ => "give the tenant without it with --after",
            };
            return Err(wrong(&place, "@removed", &format!("a {} is not removed so: {way}", kind.words())));
        }
        let proposed = match kind {
            ProposalKind::Policy => Proposed::Policy(checked_policy(&place, object)?),
            ProposalKind::NamedLocation => Proposed::NamedLocation(checked_location(&place, object)?),
            ProposalKind::Group => Proposed::Group(checked_group(&place, object)?),
        };
        self.push_as(place, proposed, mode)
    }
}

/// Reads a document of limited size.
pub(crate) fn parse_document(json: &[u8], file: &str) -> Result<Value, ProposalError> {
    if json.len() > PROPOSAL_BYTES_MAX {
        let what = format!("more than {PROPOSAL_BYTES_MAX} bytes");
        return Err(ProposalError::TooLarge { file: file.to_owned(), what });
    }
    let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
    parse_distinct(json).map_err(|error| {
        let message = in_plain_words(&error.to_string());
        ProposalError::Syntax { file: file.to_owned(), message }
    })
}

/// The line, from one, at which each object of a document begins, in the order of [`elements`]; none where that cannot
/// be told.
fn lines(json: &[u8]) -> Vec<usize> {
    /// The objects of a collection, as they are written.
    #[derive(serde::Deserialize)]
    struct Collection<'a> {
        #[serde(borrow)]
        value: Vec<&'a RawValue>,
    }
    let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
    let items: Vec<&RawValue> = serde_json::from_slice(json)
        .or_else(|_| serde_json::from_slice::<Collection<'_>>(json).map(|collection| collection.value))
        .or_else(|_| serde_json::from_slice(json).map(|object| vec![object]))
        .unwrap_or_default();
    let (mut line, mut behind) = (1, 0);
    let mut line_of = |item: &RawValue| {
        let start = (item.get().as_ptr() as usize).saturating_sub(json.as_ptr() as usize);
        line += json.get(behind..start).unwrap_or_default().iter().filter(|byte| **byte == b'\n').count();
        behind = start;
        line
    };
    items.into_iter().map(&mut line_of).collect()
}

type Element = (ProposalPlace, Value, Option<String>);

/// The objects of a document, each with its place and the context that it stands in.
fn elements(document: Value, file: &str) -> Result<Vec<Element>, ProposalError> {
    let list = |items: Vec<Value>, path: &str, context: Option<&str>| {
        let place = |index: usize| ProposalPlace::new(file, &format!("{path}[{index}]"));
        items.into_iter().enumerate().map(|(index, item)| (place(index), item, context.map(str::to_owned))).collect()
    };
    match document {
        Value::Array(items) => Ok(list(items, "$", None)),
        Value::Object(mut members) => {
            refuse_other_forms(&members, file)?;
            let context = members.get("@odata.context").and_then(Value::as_str).map(str::to_owned);
            match members.get_mut("value").map(Value::take) {
                Some(Value::Array(items)) => Ok(list(items, "$.value", context.as_deref())),
                Some(other) => {
                    members.insert("value".to_owned(), other);
                    Ok(vec![(ProposalPlace::new(file, "$"), Value::Object(members), context)])
                }
                None => Ok(vec![(ProposalPlace::new(file, "$"), Value::Object(members), context)]),
            }
        }
        _ => {
            let what = "it is neither an object nor a list".to_owned();
            Err(ProposalError::NotProposable { place: ProposalPlace::new(file, "$"), what })
        }
    }
}

fn refuse_other_forms(members: &Map<String, Value>, file: &str) -> Result<(), ProposalError> {
    if members.get("format").and_then(Value::as_str).is_some_and(|format| format.starts_with(FORMAT_FAMILY)) {
        return Err(ProposalError::WholeSnapshot { file: file.to_owned() });
    }
    if PLAN_MEMBERS.iter().any(|name| members.contains_key(*name)) {
        let what = "a Terraform plan, and Graph's JSON is expected here".to_owned();
        return Err(ProposalError::OtherForm { file: file.to_owned(), what });
    }
    Ok(())
}

/// Tells what an object is, and writes it with Graph's names.
fn recognise(
    place: &ProposalPlace,
    object: Value,
    context: Option<&str>,
    expected: Option<ProposalKind>,
) -> Result<(ProposalKind, Value), ProposalError> {
    if !object.is_object() {
        let what = "it is no object".to_owned();
        return Err(ProposalError::NotProposable { place: place.clone(), what });
    }
    let (mut object, mut first) = (object, FirstObject::default());
    for _ in 0..2 {
        let json = serde_json::to_vec(&object).map_err(|error| wrong(place, "", &error.to_string()))?;
        first = FirstObject::read(&json).map_err(|error| told(place, error))?;
        if !first.is_pascal_cased() {
            break;
        }
        object = with_lower_camel_names(object);
    }
    let kind = match target(context, Some(&first), &Origin { file_name: "", folders: &[] }) {
        None => match expected {
            Some(expected) => expected,
            None => {
                let what = format!("it is {}", first.unknown());
                return Err(ProposalError::NotProposable { place: place.clone(), what });
            }
        },
        Some(Target::Resource(Resource::ConditionalAccessPolicies)) => ProposalKind::Policy,
        Some(Target::Resource(Resource::NamedLocations)) => ProposalKind::NamedLocation,
        Some(Target::Resource(Resource::Groups)) => ProposalKind::Group,
        Some(Target::Resource(other)) => {
            let what = format!("it is one of `{}`", other.name());
            return Err(ProposalError::NotProposable { place: place.clone(), what });
        }
        Some(Target::Other(what)) => {
            return Err(ProposalError::NotProposable { place: place.clone(), what: format!("it is {what}") });
        }
        Some(_) => {
            let what = "it is part of another object".to_owned();
            return Err(ProposalError::NotProposable { place: place.clone(), what });
        }
    };
    Ok((kind, object))
}

fn wrong(place: &ProposalPlace, path: &str, message: &str) -> ProposalError {
    ProposalError::Malformed { place: place.inner(path), message: message.to_owned() }
}

/// An error of the readers, with its place.
pub(super) fn told(place: &ProposalPlace, error: AddError) -> ProposalError {
    match error {
        AddError::Malformed { path, message } => wrong(place, &path, &message),
        other => wrong(place, "", &other.to_string()),
    }
}

/// Refuses an id or a name that is there and is not a text that names something.
fn checked_names(place: &ProposalPlace, object: &Value) -> Result<(), ProposalError> {
    let text = |name: &str| match object.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::String(text)) if text.is_empty() => Err(wrong(place, name, "it must not be empty")),
        Some(Value::String(_)) => Ok(true),
        Some(_) => Err(wrong(place, name, "expected a text")),
    };
    if text("id")? | text("displayName")? {
        return Ok(());
    }
    Err(wrong(place, "", "it has neither an `id` nor a `displayName`"))
}

/// The policy with the strength that it names by reference written as an object.
fn checked_policy(place: &ProposalPlace, mut object: Value) -> Result<Value, ProposalError> {
    checked_names(place, &object)?;
    if let Some(grant) = object.get_mut("grantControls").and_then(Value::as_object_mut)
        && let Some(bound) = grant.shift_remove("authenticationStrength@odata.bind")
    {
        let Some(id) = bound.as_str().and_then(last_segment) else {
            let path = "grantControls.authenticationStrength@odata.bind";
            return Err(wrong(place, path, "expected the address of an authentication strength"));
        };
        grant.insert("authenticationStrength".to_owned(), serde_json::json!({ "id": id }));
    }
    let mut complete = object.clone();
    if let Some(members) = complete.as_object_mut().filter(|_| !is_whole(&object)) {
        // What is left out of a body for PATCH is no fault of it.
        members.entry("state").or_insert_with(|| "enabled".into());
    }
    ConditionalAccessPolicy::from_value(complete, "proposed").map_err(|error| told(place, malformed(error)))?;
    Ok(object)
}

fn checked_location(place: &ProposalPlace, object: Value) -> Result<Value, ProposalError> {
    checked_names(place, &object)?;
    NamedLocation::from_value(object.clone(), "proposed").map_err(|error| told(place, malformed(error)))?;
    let countries = object.get("countriesAndRegions").and_then(Value::as_array).into_iter().flatten();
    for (at, country) in countries.enumerate() {
        let code = country.as_str().unwrap_or_default();
        if code.len() != 2 || !code.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            let message = format!("`{code}` is no country: expected its two letters, such as `NL`");
            return Err(wrong(place, &format!("countriesAndRegions[{at}]"), &message));
        }
    }
    Ok(object)
}

fn checked_group(place: &ProposalPlace, object: Value) -> Result<Value, ProposalError> {
    checked_names(place, &object)?;
    let mut complete = object.clone();
    if let Some(members) = complete.as_object_mut() {
        members.entry("id").or_insert_with(|| "proposed".into());
    }
    typed::<WrittenGroup>(&complete).map_err(|error| told(place, error))?;
    super::apply::members_named(place, &object)?;
    Ok(object)
}

/// The id at the end of an address: `…/policies/x` and `…/policies('x')` both give `x`.
pub(crate) fn last_segment(address: &str) -> Option<&str> {
    let segment = address.trim_end_matches('/').rsplit('/').next()?;
    let inner = segment.split_once("('").and_then(|(_, rest)| rest.strip_suffix("')"));
    Some(inner.unwrap_or(segment)).filter(|id| !id.is_empty())
}

/// What a named location that is not there yet must say.
pub(super) fn checked_new_location(place: &ProposalPlace, object: &Value) -> Result<(), ProposalError> {
    let has = |name: &str| object.get(name).is_some_and(|value| !value.is_null());
    let of_type = object.get("@odata.type").and_then(Value::as_str).unwrap_or_default();
    let needed: &[&str] = match of_type.trim_start_matches('#').trim_start_matches("microsoft.graph.") {
        "ipNamedLocation" => &["ipRanges"],
        "countryNamedLocation" => &["countriesAndRegions"],
        "" | "namedLocation" => &["ipRanges", "countriesAndRegions"],
        // What another type says is kept, and cannot be told.
        _ => return Ok(()),
    };
    if needed.iter().any(|name| has(name)) || has("compliantNetworkType") || known_after_apply(object).next().is_some()
    {
        return Ok(());
    }
    let needs = needed.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ");
    let message = format!("no named location of the snapshot has its id or name, and a new one needs {needs}");
    Err(wrong(place, "", &message))
}

/// Refuses to take away whom a policy is about.
pub(super) fn checked_users(place: &ProposalPlace, proposed: &Value, merged: &Value) -> Result<(), ProposalError> {
    let is_null = proposed.pointer("/conditions/users").is_some_and(Value::is_null);
    let has_clients = merged.pointer("/conditions/clientApplications").is_some_and(|clients| !is_vacant(clients));
    let is_awaited = known_after_apply(proposed).any(|path| path.starts_with("conditions"));
    if !is_null || has_clients || is_awaited {
        return Ok(());
    }
    let message = "null would leave the policy about nobody: leave it out, or say whom the policy is about";
    Err(wrong(place, "conditions.users", message))
}

/// What a policy that is not there yet must say.
pub(super) fn checked_new_policy(place: &ProposalPlace, object: &Value) -> Result<(), ProposalError> {
    let is_awaited = |name: &str| known_after_apply(object).any(|path| path.split('.').next() == Some(name));
    let is_empty = |value: &Value| value.as_object().is_some_and(Map::is_empty);
    let lacks =
        |name: &&&str| object.get(**name).is_none_or(|value| value.is_null() || (is_empty(value) && !is_awaited(name)));
    let lacks: Vec<String> = NEEDED.iter().filter(lacks).map(|name| format!("`{name}`")).collect();
    if lacks.is_empty() {
        return Ok(());
    }
    let message = format!("no policy of the snapshot has its id or name, and a new one needs {}", lacks.join(" and "));
    Err(wrong(place, "", &message))
}
