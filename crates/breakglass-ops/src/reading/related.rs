//! What is read one by one: memberships, methods, states of those on whom an answer depends.
//!
//! Each part has a line for each object: its id beside what was read of it. An object whose line is there is not asked for
//! again. What is refused for one object stands in its line as `missing`.

use std::collections::BTreeSet;

use breakglass_model::snapshot::Resource;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};

use super::part::{Part, State};
use super::people::{Gathered, text};
use super::progress::Tally;
use super::{PAGE_COUNT_MAX, Page, ReadError, Reader, batch, is_an_answer};
use crate::ports::{DirectoryError, PartsError};

/// Members and owners of groups.
pub(super) const MEMBERSHIPS: &str = "group-members";
/// Members of administrative units.
pub(super) const UNIT_MEMBERS: &str = "unit-members";
/// Methods of users.
pub(super) const METHODS: &str = "user-methods";
/// Devices of methods.
pub(super) const METHOD_DEVICES: &str = "method-devices";
/// What the report of registrations says of users.
pub(super) const REGISTRATIONS: &str = "userRegistrationDetails";
/// When users signed in last.
pub(super) const ACTIVITY: &str = "user-activity";
/// The property of users that is asked for user by user: Graph lists it only whole, and for premium tenants.
pub(super) const LAST_SIGN_IN: &str = "signInActivity";

/// Objects that are asked for before what came of them is kept.
const KEPT_TOGETHER_COUNT: usize = 200;

/// What is asked of one object.
struct Wanted {
    /// The id of its line.
    id: String,
    asked: Vec<Asked>,
}

/// One request about an object.
struct Asked {
    /// The name that the answer gets in the line.
    name: &'static str,
    target: String,
    shape: Shape,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// A collection, with its pages.
    List,
    /// An object.
    One,
    /// An object that need not be there.
    OneOrNone,
}

fn wanted(ids: &[String], asked: &[(&'static str, &str, Shape)]) -> Vec<Wanted> {
    let of = |id: &String| Wanted {
        id: id.clone(),
        asked: asked
            .iter()
            .map(|(name, target, shape)| Asked { name, target: target.replace("{id}", id), shape: *shape })
            .collect(),
    };
    ids.iter().map(of).collect()
}

/// The line of the device of a method.
pub(super) fn device_line(user: &str, method: &str) -> String {
    format!("{user} {method}")
}

impl Reader<'_> {
    pub(super) async fn related(&self, named: &BTreeSet<String>, tally: &Tally<'_>) -> Result<(), ReadError> {
        let mut gathered = self.gathered(named)?;
        // Groups inside groups are known once the outer ones are read.
        loop {
            let groups = gathered.groups_wanted();
            if groups.is_empty() {
                break;
            }
            let asked = [
                ("members", "/v1.0/groups/{id}/members?$select=id&$top=999", Shape::List),
                ("owners", "/v1.0/groups/{id}/owners?$select=id&$top=999", Shape::List),
            ];
            self.ask(MEMBERSHIPS, wanted(&groups, &asked), tally).await?;
            self.each(MEMBERSHIPS, &mut |line| gathered.membership(line))?;
        }
        self.close(MEMBERSHIPS)?;
        self.of_units(tally).await?;
        self.of_users(&gathered, tally).await?;
        self.of_domains(tally).await
    }

    async fn of_units(&self, tally: &Tally<'_>) -> Result<(), ReadError> {
        let mut units = Vec::new();
        self.each(Resource::AdministrativeUnits.name(), &mut |unit| units.extend(text(unit, "id").map(str::to_owned)))?;
        let members = "/v1.0/directory/administrativeUnits/{id}/members?$select=id&$top=999";
        self.ask(UNIT_MEMBERS, wanted(&units, &[("members", members, Shape::List)]), tally).await?;
        self.close(UNIT_MEMBERS)
    }

    async fn of_users(&self, gathered: &Gathered, tally: &Tally<'_>) -> Result<(), ReadError> {
        let who: BTreeSet<String> = gathered.users_wanted().into_iter().collect();
        let mut users = Vec::new();
        self.each(Resource::Users.name(), &mut |user| {
            users.extend(text(user, "id").filter(|id| who.contains(*id)).map(str::to_owned));
        })?;
        let methods = [("authenticationMethods", "/v1.0/users/{id}/authentication/methods", Shape::List)];
        let states = [("requirements", "/beta/users/{id}/authentication/requirements", Shape::One)];
        let activity = [(LAST_SIGN_IN, "/v1.0/users/{id}?$select=id,signInActivity", Shape::One)];
        for (part, asked) in [(METHODS, &methods), (Resource::PerUserMfaStates.name(), &states), (ACTIVITY, &activity)]
        {
            self.ask(part, wanted(&users, asked), tally).await?;
            self.close(part)?;
        }
        let mut devices = Vec::new();
        self.each(METHODS, &mut |line| devices.extend(devices_of(line)))?;
        self.ask(METHOD_DEVICES, devices, tally).await?;
        self.close(METHOD_DEVICES)
    }

    async fn of_domains(&self, tally: &Tally<'_>) -> Result<(), ReadError> {
        let mut federated = Vec::new();
        self.each(Resource::Domains.name(), &mut |domain| {
            let is_federated = text(domain, "authenticationType") == Some("Federated");
            federated.extend(text(domain, "id").filter(|_| is_federated).map(str::to_owned));
        })?;
        let asked = [("federation", "/v1.0/domains/{id}/federationConfiguration", Shape::List)];
        let part = Resource::FederationConfigurations.name();
        self.ask(part, wanted(&federated, &asked), tally).await?;
        self.close(part)
    }

    fn gathered(&self, named: &BTreeSet<String>) -> Result<Gathered, PartsError> {
        let mut gathered = Gathered::with_named(named);
        self.each(Resource::RoleDefinitions.name(), &mut |role| gathered.role_definition(role))?;
        for resource in [
            Resource::RoleAssignments,
            Resource::RoleAssignmentScheduleInstances,
            Resource::RoleEligibilityScheduleInstances,
        ] {
            self.each(resource.name(), &mut |assignment| gathered.role_assignment(assignment))?;
        }
        self.each(Resource::RoleManagementPolicies.name(), &mut |policy| gathered.role_rules(policy))?;
        self.each(Resource::ConditionalAccessPolicies.name(), &mut |policy| gathered.policy(policy))?;
        self.each(Resource::AuthenticationMethodsPolicy.name(), &mut |policy| gathered.methods_policy(policy))?;
        self.each(Resource::Groups.name(), &mut |group| gathered.group(group))?;
        self.each(Resource::Users.name(), &mut |user| gathered.user(user))?;
        self.each(MEMBERSHIPS, &mut |line| gathered.membership(line))?;
        Ok(gathered)
    }

    /// Asks for what is not there yet, and keeps it as it comes.
    async fn ask(&self, name: &str, all: Vec<Wanted>, tally: &Tally<'_>) -> Result<(), ReadError> {
        let part = Part::of(self.parts, name);
        part.resume()?;
        let mut done = BTreeSet::new();
        self.each(name, &mut |line| done.extend(text(line, "id").map(str::to_owned)))?;
        let open: Vec<Wanted> = all.into_iter().filter(|wanted| !done.contains(&wanted.id)).collect();
        let count: usize = open.iter().map(|wanted| wanted.asked.len()).sum();
        tally.expect((count.div_ceil(batch::REQUEST_COUNT_MAX) as u64).saturating_sub(1));
        for some in open.chunks(KEPT_TOGETHER_COUNT) {
            let targets: Vec<String> =
                some.iter().flat_map(|wanted| wanted.asked.iter().map(|asked| asked.target.clone())).collect();
            let answers = self.batched(&targets).await?;
            tally.step(name, targets.len().div_ceil(batch::REQUEST_COUNT_MAX) as u64);
            let mut answers = answers.into_iter();
            let mut lines = Vec::new();
            for wanted in some {
                let mut line = Map::new();
                line.insert("id".to_owned(), json!(wanted.id));
                for asked in &wanted.asked {
                    if let Some(answer) = answers.next() {
                        self.note(&mut line, asked, answer, tally).await?;
                    }
                }
                lines.push(to_raw_value(&line).map_err(|error| malformed(name, &error))?);
            }
            part.add(lines.iter().map(AsRef::as_ref), &State::Next(String::new()))?;
        }
        Ok(())
    }

    /// Reads targets of one version in batches.
    async fn batched(&self, targets: &[String]) -> Result<Vec<batch::Single>, ReadError> {
        let is_beta = targets.first().is_some_and(|target| target.starts_with("/beta/"));
        let version = if is_beta { "/beta" } else { "/v1.0" };
        let answers = batch::read((self.directory, self.clock), version, targets).await;
        answers.map_err(|source| ReadError::Directory { target: format!("{version}/$batch"), source })
    }

    /// Puts what one answer says into the line of its object.
    async fn note(
        &self,
        line: &mut Map<String, Value>,
        asked: &Asked,
        answer: batch::Single,
        tally: &Tally<'_>,
    ) -> Result<(), ReadError> {
        let at = |source: DirectoryError| ReadError::Directory { target: asked.target.clone(), source };
        let body = match answer {
            Ok(body) => body,
            Err(refusal) if refusal.status == 404 && asked.shape == Shape::OneOrNone => RawValue::NULL.to_owned(),
            Err(refusal) if is_an_answer(&refusal) => {
                let path = path_of(&asked.target);
                // The user is there; it is one property of it that is not.
                let path = if asked.name == LAST_SIGN_IN { format!("{path}/{LAST_SIGN_IN}") } else { path.to_owned() };
                let missing = json!({ "resource": path, "why": refusal.to_string() });
                line.insert("missing".to_owned(), missing);
                return Ok(());
            }
            Err(refusal) => return Err(at(DirectoryError::Refused(refusal))),
        };
        if asked.shape != Shape::List {
            line.insert(asked.name.to_owned(), parsed(&body).map_err(at)?);
            return Ok(());
        }
        let mut page = Page::of(body.get().as_bytes()).map_err(at)?;
        let mut list = Vec::new();
        for _ in 0..PAGE_COUNT_MAX {
            for object in &page.objects {
                list.push(parsed(object).map_err(at)?);
            }
            let Some(next) = page.next.take() else {
                line.insert(asked.name.to_owned(), Value::Array(list));
                return Ok(());
            };
            tally.step(asked.name, 1);
            page = self.page(&next).await.map_err(at)?;
        }
        Err(ReadError::Endless(asked.target.clone()))
    }

    /// Says that everything that was wanted is there.
    fn close(&self, name: &str) -> Result<(), ReadError> {
        let part = Part::of(self.parts, name);
        if !matches!(part.resume()?, State::Done | State::Missing(_)) {
            part.add(std::iter::empty(), &State::Done)?;
        }
        Ok(())
    }
}

/// The devices that methods of a user are on, where the list of methods does not tell.
fn devices_of(line: &Value) -> Vec<Wanted> {
    const KINDS: [(&str, &str); 2] = [
        ("#microsoft.graph.microsoftAuthenticatorAuthenticationMethod", "microsoftAuthenticatorMethods"),
        ("#microsoft.graph.windowsHelloForBusinessAuthenticationMethod", "windowsHelloForBusinessMethods"),
    ];
    let user = text(line, "id").unwrap_or_default();
    let methods = line.get("authenticationMethods").and_then(Value::as_array).into_iter().flatten();
    let of_method = methods.filter_map(|method| {
        let kind = text(method, "@odata.type")?;
        let (_, collection) = KINDS.iter().find(|(known, _)| *known == kind)?;
        let id = text(method, "id")?;
        let target = format!("/v1.0/users/{user}/authentication/{collection}/{id}/device");
        let asked = Asked { name: "device", target, shape: Shape::OneOrNone };
        Some(Wanted { id: device_line(user, id), asked: vec![asked] })
    });
    of_method.collect()
}

fn parsed(raw: &RawValue) -> Result<Value, DirectoryError> {
    serde_json::from_str(raw.get()).map_err(|error| DirectoryError::Malformed { why: error.to_string() })
}

fn malformed(target: &str, error: &serde_json::Error) -> ReadError {
    let source = DirectoryError::Malformed { why: error.to_string() };
    ReadError::Directory { target: target.to_owned(), source }
}

/// Graph's path without version and options, as `missing` has it.
fn path_of(target: &str) -> &str {
    let path = target.split('?').next().unwrap_or_default();
    path.trim_start_matches("/v1.0/").trim_start_matches("/beta/")
}
