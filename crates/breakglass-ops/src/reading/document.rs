//! The parts as one document of the form `breakglass-snapshot/1`, written as a stream.

use std::collections::BTreeMap;
use std::io::{self, Write};

use breakglass_model::snapshot::Resource;
use serde_json::{Map, Value, json};

use super::Head;
use super::part::{Part, State};
use super::related::{
    ACTIVITY, LAST_SIGN_IN, MEMBERSHIPS, METHOD_DEVICES, METHODS, REGISTRATIONS, UNIT_MEMBERS, device_line,
};
use crate::ports::{Parts, PartsError};

/// Name and version of the document.
const FORMAT: &str = "breakglass-snapshot/1";

/// Writes what was read. `source` says of what kind the tenant is: `graph`, or `embedded`.
///
/// # Errors
/// The parts cannot be read, or the document not be written.
pub fn write(parts: &dyn Parts, head: &Head, source: &str, out: &mut dyn Write) -> Result<(), PartsError> {
    let first = json!({
        "format": FORMAT,
        "tenantId": head.tenant_id,
        "takenAt": head.taken_at.to_string(),
        "source": source,
    });
    put(out, first.to_string().trim_end_matches('}'))?;
    let mut missing = Vec::new();
    for resource in Resource::ALL {
        list(parts, *resource, (out, &mut missing))?;
    }
    if let State::Missing(why) = Part::of(parts, REGISTRATIONS).each(&mut |_| Ok(()))? {
        missing.push(json!({ "resource": REGISTRATIONS, "why": why }));
    }
    put(out, &format!(",\n\"missing\":{}}}\n", Value::Array(missing)))?;
    out.flush().map_err(written)
}

fn put(out: &mut dyn Write, text: &str) -> Result<(), PartsError> {
    out.write_all(text.as_bytes()).map_err(written)
}

fn written(source: io::Error) -> PartsError {
    PartsError { place: "the snapshot".to_owned(), source }
}

/// Writes one list, object by object, each with what was read of it besides.
fn list(
    parts: &dyn Parts,
    resource: Resource,
    (out, missing): (&mut dyn Write, &mut Vec<Value>),
) -> Result<(), PartsError> {
    let name = resource.name();
    let more = Besides::read(parts, resource)?;
    let mut is_begun = false;
    let state = Part::of(parts, name).each(&mut |line| {
        for object in more.merged(resource, line, missing) {
            // One object is one, whatever the tenant says.
            if is_begun && resource.is_singleton() {
                continue;
            }
            let opening = match (is_begun, resource.is_singleton()) {
                (true, _) => ",\n".to_owned(),
                (false, true) => format!(",\n\"{name}\":"),
                (false, false) => format!(",\n\"{name}\":[\n"),
            };
            is_begun = true;
            put(out, &opening)?;
            put(out, &object)?;
        }
        Ok(())
    })?;
    if let State::Missing(why) = &state {
        missing.push(json!({ "resource": name, "why": why }));
    }
    match (state, is_begun, resource.is_singleton()) {
        (State::Done, false, false) => put(out, &format!(",\n\"{name}\":[]")),
        (_, true, false) => put(out, "]"),
        _ => Ok(()),
    }
}

type Lines = BTreeMap<String, Map<String, Value>>;

/// What was read of the objects of a list besides the list.
#[derive(Default)]
struct Besides {
    /// Lines whose members are put into the object of their id.
    lines: Vec<Lines>,
    /// Devices of methods, by user and method.
    devices: Lines,
    /// What the report says of each user, as it is written: there are as many as users.
    registrations: BTreeMap<String, Box<str>>,
}

/// Properties of the report that are kept.
const REGISTRATION_PROPERTIES: [&str; 5] =
    ["methodsRegistered", "isMfaRegistered", "isMfaCapable", "isPasswordlessCapable", "lastUpdatedDateTime"];

impl Besides {
    fn read(parts: &dyn Parts, resource: Resource) -> Result<Self, PartsError> {
        let names: &[&str] = match resource {
            Resource::Groups => &[MEMBERSHIPS],
            Resource::AdministrativeUnits => &[UNIT_MEMBERS],
            Resource::Users => &[METHODS, ACTIVITY],
            _ => &[],
        };
        let lines = names.iter().map(|name| by_id(parts, name)).collect::<Result<_, _>>()?;
        let devices = if resource == Resource::Users { by_id(parts, METHOD_DEVICES)? } else { Lines::new() };
        let mut registrations = BTreeMap::new();
        if resource == Resource::Users {
            Part::of(parts, REGISTRATIONS).each(&mut |line| {
                if let Ok(Value::Object(mut report)) = serde_json::from_str(line)
                    && let Some(Value::String(id)) = report.remove("id")
                {
                    report.retain(|name, _| REGISTRATION_PROPERTIES.contains(&name.as_str()));
                    registrations.insert(id, Value::Object(report).to_string().into());
                }
                Ok(())
            })?;
        }
        Ok(Self { lines, devices, registrations })
    }

    /// The objects that a line stands for, as they are written.
    fn merged(&self, resource: Resource, line: &str, missing: &mut Vec<Value>) -> Vec<String> {
        if resource == Resource::PerUserMfaStates || resource == Resource::FederationConfigurations {
            return worked_out(resource, line, missing);
        }
        if self.lines.iter().all(Lines::is_empty) && self.registrations.is_empty() {
            return vec![line.to_owned()];
        }
        let Ok(Value::Object(mut object)) = serde_json::from_str(line) else { return Vec::new() };
        let id = object.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut is_merged = false;
        for found in self.lines.iter().filter_map(|lines| lines.get(&id)) {
            is_merged = true;
            missing.extend(found.get("missing").cloned());
            for (name, value) in found.iter().filter(|(name, _)| *name != "id" && *name != "missing") {
                match (name.as_str(), value) {
                    (LAST_SIGN_IN, user) => {
                        // Where nobody signed in there is no activity, and that is something to know.
                        let activity = user.get(LAST_SIGN_IN).cloned().unwrap_or_default();
                        object.insert(LAST_SIGN_IN.to_owned(), activity);
                    }
                    ("authenticationMethods", Value::Array(methods)) => {
                        let methods = methods.iter().map(|method| self.with_device(&id, method));
                        object.insert(name.clone(), methods.collect());
                    }
                    (name, value) => {
                        object.insert(name.to_owned(), value.clone());
                    }
                }
            }
        }
        if !object.contains_key("authenticationMethods")
            && let Some(Ok(report)) = self.registrations.get(&id).map(|report| serde_json::from_str(report))
        {
            is_merged = true;
            object.insert(REGISTRATIONS.to_owned(), report);
        }
        if is_merged { vec![Value::Object(object).to_string()] } else { vec![line.to_owned()] }
    }

    fn with_device(&self, user: &str, method: &Value) -> Value {
        let mut method = method.clone();
        let line = method.get("id").and_then(Value::as_str).and_then(|id| self.devices.get(&device_line(user, id)));
        if let (Some(device), Some(object)) = (line.and_then(|line| line.get("device")), method.as_object_mut()) {
            object.insert("device".to_owned(), device.clone());
        }
        method
    }
}

/// Objects of lists that Graph does not have as lists.
fn worked_out(resource: Resource, line: &str, missing: &mut Vec<Value>) -> Vec<String> {
    let Ok(Value::Object(line)) = serde_json::from_str(line) else { return Vec::new() };
    missing.extend(line.get("missing").cloned());
    let id = line.get("id").cloned().unwrap_or_default();
    if resource == Resource::PerUserMfaStates {
        let state = line.get("requirements").and_then(|requirements| requirements.get("perUserMfaState"));
        return state.map(|state| json!({ "id": id, "perUserMfaState": state }).to_string()).into_iter().collect();
    }
    let federations = line.get("federation").and_then(Value::as_array).into_iter().flatten();
    let of_domain = federations.filter_map(|federation| {
        let mut federation = federation.as_object()?.clone();
        federation.insert("domainId".to_owned(), id.clone());
        Some(Value::Object(federation).to_string())
    });
    of_domain.collect()
}

/// The lines of a part by the object that they are about.
fn by_id(parts: &dyn Parts, name: &str) -> Result<Lines, PartsError> {
    let mut found = Lines::new();
    Part::of(parts, name).each(&mut |line| {
        if let Ok(Value::Object(line)) = serde_json::from_str(line)
            && let Some(id) = line.get("id").and_then(Value::as_str)
        {
            found.insert(id.to_owned(), line);
        }
        Ok(())
    })?;
    Ok(found)
}
