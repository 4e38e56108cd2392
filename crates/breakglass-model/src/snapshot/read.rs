//! Reads an exported document into a snapshot: our own format, Graph's collections, lists, NDJSON, single
//! objects, and ScubaGear's export.
//!
//! A document is read as a stream, one object at a time, and is recognised before its first object is taken.
//! What it holds besides is named, not dropped in silence.
//!
//! **Invariant:** an error names the place: the line, and the path to the property (`$.value[17].state`).
//! **Source:** the published snapshot format; Graph's answers; RFC 8259.

use std::io::Read;

use serde_json::value::RawValue;

use super::elements::{Elements, Expected, Members, Place, Shape, SplitError};
use super::kept::{Kept, TOP, text_of};
use super::objects::{Kind, Name, NoKind, add, kind_of};
use super::recognise::{Target, is_in_folder_of, target};
use super::scubagear::ScubaGear;
use super::{AddError, MissingResource, Resource, SnapshotBuilder};

pub use super::recognise::{Origin, rank};

/// The version of our own format.
pub const SNAPSHOT_FORMAT: &str = "breakglass-snapshot/1";
const SNAPSHOT_FAMILY: &str = "breakglass-snapshot/";
const FORMAT_FAMILY: &str = "breakglass-";

/// What a document was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recognised {
    /// Our own format.
    Snapshot {
        /// Names at its top level that no reader asks for.
        unread: Vec<String>,
    },
    /// Objects of one resource.
    Collection {
        /// Which.
        resource: Resource,
        /// How many.
        objects: u64,
    },
    /// Parts of what is in other documents: members of a group, configurations of methods, Azure's role assignments.
    Parts {
        /// How many.
        objects: u64,
    },
    /// ScubaGear's export of provider settings.
    ScubaGear,
    /// Nothing that a snapshot has.
    Nothing {
        /// What it is instead, as far as can be told.
        why: String,
    },
}

/// Why a document cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is not JSON, is cut off, is too large or cannot be read.
    #[error(transparent)]
    Split(SplitError),
    /// An object in it is not what it should be.
    #[error("{path}: {error} (line {})", place.line)]
    Object {
        /// JSON path from the top of the document, or of the line where there is one object a line.
        path: String,
        /// Where the object begins, or where in it the JSON ends to be JSON.
        place: Place,
        /// What is wrong.
        error: AddError,
    },
    /// A property of our own format has the wrong type.
    #[error("{path}: {message} (line {})", place.line)]
    Snapshot {
        /// JSON path.
        path: String,
        /// Where.
        place: Place,
        /// What is wrong.
        message: String,
    },
    /// Our own format in a version that is not read here.
    #[error("the snapshot has the format `{format}`, and this version reads `{SNAPSHOT_FORMAT}`")]
    Version {
        /// The format.
        format: String,
    },
    /// It has the lists of our own format and does not say that it is.
    #[error("it has the list `{list}` of a snapshot and no `\"format\": \"{SNAPSHOT_FORMAT}\"`")]
    NoFormat {
        /// A list that it has.
        list: String,
    },
}

impl From<SplitError> for ReadError {
    fn from(error: SplitError) -> Self {
        Self::Split(error)
    }
}

/// Reads one document into the builder.
///
/// # Errors
/// When it is not JSON, an object of it is not what it should be, or it is of a version that is not known. The
/// builder then holds a part of the document and is of no further use.
pub fn read_document<R: Read>(
    builder: &mut SnapshotBuilder,
    reader: R,
    origin: &Origin<'_>,
) -> Result<Recognised, ReadError> {
    let is_ndjson = origin.file_name.to_ascii_lowercase().ends_with(".ndjson");
    let mut document = Document { elements: Elements::new(reader)?, builder, origin, objects: 0 };
    let expected = if is_ndjson { Expected::Lines } else { Expected::Anything };
    match document.elements.shape(expected)? {
        Shape::Empty if is_ndjson => {
            let recognised = document.empty(None, "an empty file");
            document.conclude(&recognised, Extent::Whole);
            Ok(recognised)
        }
        Shape::Empty => Ok(Recognised::Nothing { why: "an empty file".to_owned() }),
        Shape::Scalar => Ok(Recognised::Nothing { why: "neither an object nor a list".to_owned() }),
        Shape::Lines => document.sequence(Sequence::Lines),
        Shape::Values => document.sequence(Sequence::Values),
        Shape::Array => {
            let members = document.elements.array()?;
            let recognised = document.list(members, None, "$")?;
            if !matches!(recognised, Recognised::Nothing { .. }) {
                document.elements.end()?;
                document.conclude(&recognised, Extent::Whole);
            }
            Ok(recognised)
        }
        Shape::Object => document.object(),
    }
}

/// How objects follow each other.
#[derive(Clone, Copy)]
enum Sequence {
    Lines,
    Values,
}

/// How much of a resource a document holds.
#[derive(Clone, Copy)]
enum Extent {
    /// All of it, or all of a part that other documents complete.
    Whole,
    /// A page that says there is another.
    Page,
    /// One object.
    One,
}

/// Where in ScubaGear's export a reader is; it lies inside another object in the newer form.
struct ScubaMembers {
    outer: Option<Members>,
    inner: Members,
}

struct Document<'a, R> {
    elements: Elements<R>,
    builder: &'a mut SnapshotBuilder,
    origin: &'a Origin<'a>,
    objects: u64,
}

impl<R: Read> Document<'_, R> {
    /// A collection without objects: it is there, if anything says what it is of.
    fn empty(&self, context: Option<&str>, what: &str) -> Recognised {
        match target(context, None, self.origin) {
            Some(Target::Resource(resource)) => Recognised::Collection { resource, objects: 0 },
            Some(Target::Group(..) | Target::MethodConfigurations | Target::AzureRoleAssignments) => {
                Recognised::Parts { objects: 0 }
            }
            Some(Target::Other(why)) => Recognised::Nothing { why },
            None => Recognised::Nothing { why: format!("{what} that does not say what it is of") },
        }
    }

    /// Notes that all of a collection was read, or why not.
    fn conclude(&mut self, recognised: &Recognised, extent: Extent) {
        let Recognised::Collection { resource, .. } = recognised else { return };
        match extent {
            Extent::Whole => self.builder.begin(*resource),
            Extent::Page => self.builder.doubt(*resource, "the export ends at a page that says there are more"),
            Extent::One => self.builder.doubt(*resource, "the export has single objects and not the list"),
        }
    }

    /// One object a line, or several apart by white space.
    fn sequence(&mut self, sequence: Sequence) -> Result<Recognised, ReadError> {
        let mut kind = None;
        loop {
            let next = match sequence {
                Sequence::Lines => self.elements.line()?,
                Sequence::Values => self.elements.next_value()?,
            };
            let Some(json) = next else { break };
            if kind.is_none() {
                match kind_of(None, json, self.origin) {
                    Ok(found) => kind = Some(found),
                    Err(NoKind::Other(why)) => return Ok(Recognised::Nothing { why }),
                    Err(NoKind::Error(error)) => return Err(object_error("$", error, self.elements.place())),
                }
            }
            let name = Name { origin: self.origin, index: self.objects };
            if let Some(Err(error)) = kind.as_ref().map(|kind| add(self.builder, kind, json, &name)) {
                return Err(object_error("$", error, self.elements.place()));
            }
            self.objects += 1;
        }
        let recognised = recognised(kind, self.objects);
        self.conclude(&recognised, Extent::Whole);
        Ok(recognised)
    }

    /// The elements of a list at `path`, whose opening bracket was taken.
    fn list(&mut self, mut members: Members, context: Option<&str>, path: &str) -> Result<Recognised, ReadError> {
        let mut kind = None;
        match self.elements.peek_element()? {
            None => {
                self.elements.element(&mut members)?;
                return Ok(self.empty(context, "an empty list"));
            }
            Some(b'{') => {}
            Some(_) => return Ok(Recognised::Nothing { why: "a list of something else than objects".to_owned() }),
        }
        while let Some(json) = self.elements.element(&mut members)? {
            if kind.is_none() {
                match kind_of(context, json, self.origin) {
                    Ok(found) => kind = Some(found),
                    Err(NoKind::Other(why)) => return Ok(Recognised::Nothing { why }),
                    Err(NoKind::Error(error)) => {
                        return Err(object_error(&format!("{path}[0]"), error, self.elements.place()));
                    }
                }
            }
            let name = Name { origin: self.origin, index: self.objects };
            if let Some(Err(error)) = kind.as_ref().map(|kind| add(self.builder, kind, json, &name)) {
                return Err(object_error(&format!("{path}[{}]", self.objects), error, self.elements.place()));
            }
            self.objects += 1;
        }
        Ok(recognised(kind, self.objects))
    }

    /// One object: our own format, a collection, ScubaGear's export or an object of Graph. Which of them shows
    /// as its names come, so those before are kept.
    fn object(&mut self) -> Result<Recognised, ReadError> {
        let mut members = self.elements.object()?;
        let mut kept = Kept::default();
        while let Some(key) = self.elements.key(&mut members)? {
            let name = self.name_of(&key)?;
            match (name.as_str(), self.elements.peek()?) {
                ("value", Some(b'[')) => return self.collection(members, &kept),
                ("Raw", Some(b'{')) => {
                    let raw = self.elements.object()?;
                    return self.scubagear(ScubaMembers { outer: Some(members), inner: raw }, &kept, None);
                }
                (name, _) if ScubaGear::is_its_own(name) => {
                    return self.scubagear(ScubaMembers { outer: None, inner: members }, &kept, Some(name));
                }
                (name, Some(b'[')) if kept.is_of_no_object() && is_a_list_of_ours(name) => {
                    return self.snapshot(members, &kept, Some(name.to_owned()));
                }
                _ => kept.push(&key, self.elements.value()?)?,
            }
            if name == "format" {
                match kept.text("format").as_deref() {
                    Some(SNAPSHOT_FORMAT) => return self.snapshot(members, &kept, None),
                    Some(format) if format.starts_with(SNAPSHOT_FAMILY) => {
                        return Err(ReadError::Version { format: format.to_owned() });
                    }
                    Some(format) if format.starts_with(FORMAT_FAMILY) => {
                        return Ok(Recognised::Nothing { why: format!("a document of the format `{format}`") });
                    }
                    _ => {}
                }
            }
        }
        self.elements.end()?;
        self.single(kept)
    }

    fn name_of(&self, key: &[u8]) -> Result<String, ReadError> {
        serde_json::from_slice(key).map_err(|error| ReadError::Snapshot {
            path: "$".to_owned(),
            place: self.elements.place(),
            message: format!("a name is not JSON: {error}"),
        })
    }

    /// A Graph collection whose `value` comes next.
    fn collection(&mut self, mut members: Members, kept: &Kept) -> Result<Recognised, ReadError> {
        let context = kept.text("@odata.context");
        let mut has_next = kept.text("@odata.nextLink").is_some();
        let list = self.elements.array()?;
        let recognised = self.list(list, context.as_deref(), "$.value")?;
        if matches!(recognised, Recognised::Nothing { .. }) {
            return Ok(recognised);
        }
        for (name, json) in kept.iter() {
            ignored(json).map_err(|error| self.wrong(&name, &error.to_string()))?;
        }
        while let Some(key) = self.elements.key(&mut members)? {
            let name = self.name_of(&key)?;
            has_next |= name == "@odata.nextLink";
            self.ignore(&name)?;
        }
        self.elements.end()?;
        self.conclude(&recognised, if has_next { Extent::Page } else { Extent::Whole });
        Ok(recognised)
    }

    /// One object that is none of the others.
    fn single(&mut self, kept: Kept) -> Result<Recognised, ReadError> {
        let has = |wanted: &str| kept.iter().any(|(name, _)| name == wanted);
        // A collection all the same, whose list is something else: `null`, or one object that PowerShell took out.
        let is_collection = has("value") && !has("id");
        let json = kept.into_json();
        if let Some(why) = graph_error(&json) {
            if let Some(Target::Resource(resource)) = target(None, None, self.origin) {
                self.builder.doubt(resource, &why);
            }
            return Ok(Recognised::Nothing { why });
        }
        let kind = match kind_of(None, &json, self.origin) {
            Ok(kind) => kind,
            Err(NoKind::Other(why)) => return Ok(Recognised::Nothing { why }),
            Err(NoKind::Error(error)) => return Err(object_error("$", error, TOP)),
        };
        if is_collection && matches!(kind.target, Target::Resource(_)) {
            return Err(self.wrong("value", "expected a list"));
        }
        add(self.builder, &kind, &json, &Name { origin: self.origin, index: 0 })
            .map_err(|error| object_error("$", error, TOP))?;
        let recognised = recognised(Some(kind), 1);
        // One directory object more or less is a fact about the tenant; a policy has nowhere else to be.
        let extent = match recognised {
            Recognised::Collection {
                resource: resource @ (Resource::Users | Resource::Groups | Resource::ServicePrincipals),
                ..
            } if !is_in_folder_of(resource, self.origin) => Extent::One,
            _ => Extent::Whole,
        };
        self.conclude(&recognised, extent);
        Ok(recognised)
    }

    /// ScubaGear's export, from the name whose value comes next, if one was read.
    fn scubagear(
        &mut self,
        mut members: ScubaMembers,
        kept: &Kept,
        first: Option<&str>,
    ) -> Result<Recognised, ReadError> {
        let mut export = ScubaGear::default();
        for (name, json) in kept.iter() {
            export.take(&name, json).map_err(|error| object_error(&format!("$.{name}"), error, TOP))?;
        }
        let mut next = first.map(str::to_owned);
        loop {
            let name = match next.take() {
                Some(name) => name,
                None => match self.elements.key(&mut members.inner)? {
                    Some(key) => self.name_of(&key)?,
                    None => break,
                },
            };
            let taken = export.take(&name, self.elements.value()?);
            taken.map_err(|error| object_error(&format!("$.{name}"), error, self.elements.place()))?;
        }
        if let Some(outer) = &mut members.outer {
            while let Some(key) = self.elements.key(outer)? {
                let name = self.name_of(&key)?;
                self.ignore(&name)?;
            }
        }
        self.elements.end()?;
        if export.is_empty() {
            return Ok(Recognised::Nothing { why: "an object of no known kind".to_owned() });
        }
        export.add_to(self.builder).map_err(|(path, error)| object_error(&format!("$.{path}"), error, TOP))?;
        Ok(Recognised::ScubaGear)
    }

    /// Our own format; `pending` is the name of a list whose value comes next, read before `format` was seen.
    fn snapshot(
        &mut self,
        mut members: Members,
        kept: &Kept,
        pending: Option<String>,
    ) -> Result<Recognised, ReadError> {
        let mut is_said = pending.is_none();
        let first_list = pending.clone();
        let mut unread = Vec::new();
        for (name, json) in kept.iter().filter(|(name, _)| name != "format") {
            let mut inner =
                Document { elements: Elements::new(json)?, builder: self.builder, origin: self.origin, objects: 0 };
            inner.snapshot_member(&name, &mut unread)?;
        }
        let mut next = pending;
        loop {
            let name = match next.take() {
                Some(name) => name,
                None => match self.elements.key(&mut members)? {
                    Some(key) => self.name_of(&key)?,
                    None => break,
                },
            };
            if name == "format" {
                let format = text_of(self.elements.value()?).unwrap_or_default();
                if format != SNAPSHOT_FORMAT {
                    return Err(ReadError::Version { format });
                }
                is_said = true;
            } else {
                self.snapshot_member(&name, &mut unread)?;
            }
        }
        self.elements.end()?;
        match first_list {
            Some(list) if !is_said => Err(ReadError::NoFormat { list }),
            _ => Ok(Recognised::Snapshot { unread }),
        }
    }

    /// One name of our own format, whose value comes next.
    fn snapshot_member(&mut self, name: &str, unread: &mut Vec<String>) -> Result<(), ReadError> {
        let Some(resource) = Resource::from_name(name) else { return self.snapshot_property(name, unread) };
        match self.elements.peek()? {
            Some(b'n') => self.ignore(name),
            Some(b'[') => {
                let mut list = self.elements.array()?;
                let mut index = 0;
                while let Some(json) = self.elements.element(&mut list)? {
                    let stand_in = Name { origin: self.origin, index };
                    let added = add(self.builder, &Kind::of(resource), json, &stand_in);
                    if let Err(error) = added {
                        return Err(object_error(&format!("$.{name}[{index}]"), error, self.elements.place()));
                    }
                    index += 1;
                }
                self.builder.begin(resource);
                Ok(())
            }
            Some(b'{') if resource.is_singleton() => {
                let added = self.builder.add(resource, self.elements.value()?, "");
                added.map_err(|error| object_error(&format!("$.{name}"), error, self.elements.place()))
            }
            _ => {
                let expected = if resource.is_singleton() { "an object" } else { "a list" };
                self.elements.value()?;
                Err(self.wrong(name, &format!("expected {expected}")))
            }
        }
    }

    fn snapshot_property(&mut self, name: &str, unread: &mut Vec<String>) -> Result<(), ReadError> {
        let json = match name {
            "tenantId" | "takenAt" | "source" | "missing" => self.elements.value()?,
            _ => {
                unread.push(name.to_owned());
                return self.ignore(name);
            }
        };
        if json == b"null" {
            return Ok(());
        }
        if name == "missing" {
            let Ok(missing) = serde_json::from_slice::<Vec<MissingResource>>(json) else {
                return Err(self.wrong(name, "expected a list of objects with the texts `resource` and `why`"));
            };
            missing.into_iter().for_each(|missing| self.builder.missing(missing));
            return Ok(());
        }
        let Some(text) = text_of(json) else { return Err(self.wrong(name, "expected a text")) };
        match name {
            "tenantId" => self.builder.tenant_id(&text),
            "source" => self.builder.source(&text),
            _ => match text.parse() {
                Ok(at) => self.builder.taken_at(at),
                Err(_) => return Err(self.wrong(name, &format!("`{text}` is not a time such as 2026-01-31T12:00:00Z"))),
            },
        }
        Ok(())
    }

    fn wrong(&self, name: &str, message: &str) -> ReadError {
        ReadError::Snapshot { path: format!("$.{name}"), place: self.elements.place(), message: message.to_owned() }
    }

    /// Passes over a value that nobody reads, which must be JSON all the same.
    fn ignore(&mut self, name: &str) -> Result<(), ReadError> {
        ignored(self.elements.value()?).map_err(|error| self.wrong(name, &error.to_string()))
    }
}

/// Checks what nobody reads.
fn ignored(json: &[u8]) -> Result<(), serde_json::Error> {
    serde_json::from_slice::<&RawValue>(json).map(drop)
}

/// What Graph said instead of an answer, where an exporter kept that: `{"error": {"code": …, "message": …}}`.
fn graph_error(json: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Answer {
        error: Fault,
    }
    #[derive(serde::Deserialize)]
    struct Fault {
        code: String,
        message: String,
    }
    let Answer { error } = serde_json::from_slice(json).ok()?;
    Some(format!("an error of Graph: {}: {}", error.code, error.message))
}

fn recognised(kind: Option<Kind>, objects: u64) -> Recognised {
    match kind.map(|kind| kind.target) {
        Some(Target::Resource(resource)) => Recognised::Collection { resource, objects },
        _ => Recognised::Parts { objects },
    }
}

/// Lists that only a snapshot has at its top level; objects of Graph have some of the others as properties.
fn is_a_list_of_ours(name: &str) -> bool {
    Resource::from_name(name).is_some_and(|resource| {
        !matches!(
            resource,
            Resource::AppRoleAssignments
                | Resource::Oauth2PermissionGrants
                | Resource::Applications
                | Resource::Devices
                | Resource::RoleAssignments
        )
    })
}

fn object_error(path: &str, error: AddError, mut place: Place) -> ReadError {
    let mut path = path.to_owned();
    match &error {
        AddError::Malformed { path: inner, .. } if inner.starts_with('[') => path.push_str(inner),
        AddError::Malformed { path: inner, .. } if !inner.is_empty() => {
            path.push('.');
            path.push_str(inner);
        }
        AddError::Syntax { line, .. } => place.line += line.saturating_sub(1) as u64,
        _ => {}
    }
    ReadError::Object { path, place, error }
}
