//! Builds a snapshot object by object, from JSON bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, BuildHasherDefault};

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use rustc_hash::FxHasher;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::azure::in_directory_form;
use super::listing::with_listing;
use super::missing::{Concern, METHODS, concerned, reason};
use super::repeats::{Begun, Renamed, Repeat, compare};
use super::rows::{WrittenMember, WrittenUnit, WrittenUser, group_of, member_of, members_of, scan_group, scan_user};
use super::{Listing, MissingResource, ObjectRow, Resource, Snapshot};
use crate::group::{AdministrativeUnit, Group, Member};
use crate::named_location::NamedLocation;
use crate::object::{ObjectKey, ObjectTable, ObjectTableFull};
use crate::plain_words::in_plain_words;
use crate::policy::ConditionalAccessPolicy;
use crate::tenant::{AuthenticationMethodConfiguration, AuthenticationMethodsPolicy};
use crate::user::{User, UserDetail};

/// Why an object could not be added. The caller knows the file and the place of the object in it.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// It is not JSON.
    #[error("{message}")]
    Syntax {
        /// Line inside the object, from one.
        line: usize,
        /// Whether the object ends too early.
        is_cut_off: bool,
        /// What is wrong.
        message: String,
    },
    /// A property has the wrong type, or one that must be there is not.
    #[error("{message}")]
    Malformed {
        /// JSON path inside the object, empty for the object itself.
        path: String,
        /// What is wrong.
        message: String,
    },
    /// Two different objects of one resource have the same id.
    #[error("a second, different {resource} object has the id `{id}`")]
    Duplicate {
        /// The resource.
        resource: &'static str,
        /// The id.
        id: String,
    },
    /// There is no room for more ids.
    #[error(transparent)]
    Full(#[from] ObjectTableFull),
}

/// Whose relation a directory object in a file of its own is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupRelation {
    /// It is a member.
    Members,
    /// It is an owner.
    Owners,
}

/// Collects the objects of one tenant. An object that comes twice with the same content is taken once; so is a
/// user or group that comes again under another display name, since exports made by hand have such.
#[derive(Debug, Clone, Default)]
pub struct SnapshotBuilder {
    snapshot: Snapshot,
    complete: BTreeSet<Resource>,
    doubts: BTreeMap<Resource, String>,
    repeated: BTreeMap<Resource, u64>,
    contents: Contents,
    renamed: Vec<Renamed>,
    documents: Vec<Begun>,
    relations: BTreeMap<ObjectKey, (Vec<Member>, Vec<Member>)>,
    configurations: Vec<AuthenticationMethodConfiguration>,
}

impl SnapshotBuilder {
    /// Adds one object of a resource. `name` stands in for an id where the export has none (`file#index`).
    ///
    /// # Errors
    /// When the bytes are not JSON, a property has the wrong type, or the id is taken by a different object.
    pub fn add(&mut self, resource: Resource, json: &[u8], name: &str) -> Result<(), AddError> {
        match resource {
            Resource::Users => self.add_user(json),
            Resource::Groups => self.add_group(json),
            Resource::AdministrativeUnits => self.add_administrative_unit(json),
            Resource::ServicePrincipals => self.add_service_principal(json),
            Resource::DeletedUsers => {
                let user = self.read_user(json)?;
                self.snapshot.deleted_users.begin().push(user);
                Ok(())
            }
            Resource::ConditionalAccessPolicies => self.add_policy(parse(json)?, name),
            Resource::NamedLocations => self.add_named_location(parse(json)?, name),
            _ => self.add_plain(resource, json),
        }
    }

    /// Says that what is added from here on comes from a document of this name.
    pub fn document(&mut self, name: &str) {
        let snapshot = &self.snapshot;
        let (users, groups) = (snapshot.users.items().len(), snapshot.groups.items().len());
        self.documents.push(Begun { document: name.to_owned(), users, groups });
    }

    /// Says that a resource was looked for and is all there, even if it is empty.
    pub fn begin(&mut self, resource: Resource) {
        with_listing!(&mut self.snapshot, resource, |listing| listing.begin_empty());
        self.complete.insert(resource);
    }

    /// Says why what is added of a resource may not be all of it. It does not hold if the resource also comes
    /// from somewhere that has all of it ([`SnapshotBuilder::begin`]).
    pub fn doubt(&mut self, resource: Resource, why: &str) {
        self.doubts.entry(resource).or_insert_with(|| why.to_owned());
    }

    /// Adds a member or an owner of a group that the export keeps apart from the group.
    ///
    /// # Errors
    /// When the bytes are not JSON, or neither an id nor an object with one.
    pub fn add_to_group(&mut self, group: &str, relation: GroupRelation, json: &[u8]) -> Result<(), AddError> {
        let written: WrittenMember = typed(&parse(json)?)?;
        let member = member_of(&written, &mut self.snapshot.objects)?;
        let (members, owners) = self.relations.entry(self.snapshot.objects.intern(group)?).or_default();
        let list = match relation {
            GroupRelation::Members => members,
            GroupRelation::Owners => owners,
        };
        list.push(member);
        Ok(())
    }

    /// Adds the configuration of one authentication method that the export keeps apart from the policy.
    ///
    /// # Errors
    /// When the bytes are not JSON or a property has the wrong type.
    pub fn add_method_configuration(&mut self, json: &[u8]) -> Result<(), AddError> {
        self.configurations.push(typed(&parse(json)?)?);
        Ok(())
    }

    /// Says why nothing is known of a resource, unless something is.
    pub(super) fn doubt_if_unknown(&mut self, resource: Resource, why: &str) {
        let is_unknown = with_listing!(&self.snapshot, resource, |listing| listing.as_present().is_none());
        if is_unknown {
            self.doubt(resource, why);
        }
    }

    /// Adds one object that was put together from others.
    pub(super) fn add_value(&mut self, resource: Resource, value: &Value, name: &str) -> Result<(), AddError> {
        let json = serde_json::to_vec(value)
            .map_err(|error| AddError::Malformed { path: String::new(), message: error.to_string() })?;
        self.add(resource, &json, name)
    }

    /// Whether an object with this id is among the users already.
    pub(super) fn has_user(&self, id: &str) -> bool {
        self.snapshot.objects.find(id).is_some_and(|key| self.snapshot.user(key).is_some())
    }

    /// Whether an object with this id is among the service principals already.
    pub(super) fn has_service_principal(&self, id: &str) -> bool {
        self.snapshot.objects.find(id).is_some_and(|key| self.snapshot.service_principal(key).is_some())
    }

    /// How many objects came a second time with the same content and were taken once.
    #[must_use]
    pub const fn repeated(&self) -> &BTreeMap<Resource, u64> {
        &self.repeated
    }

    /// Which users and groups came again under another display name; the first name is kept.
    #[must_use]
    pub fn renamed(&self) -> &[Renamed] {
        &self.renamed
    }

    /// Sets the tenant id, if it is not known yet.
    pub fn tenant_id(&mut self, id: &str) {
        if !id.is_empty() && self.snapshot.tenant_id.is_none() {
            self.snapshot.tenant_id = Some(id.into());
        }
    }

    /// Sets the time at which the snapshot was taken.
    pub fn taken_at(&mut self, at: jiff::Timestamp) {
        self.snapshot.taken_at = Some(at);
    }

    /// Sets where the snapshot comes from.
    pub fn source(&mut self, source: &str) {
        self.snapshot.source = Some(source.to_owned());
    }

    /// Notes a resource that the export could not read.
    pub fn missing(&mut self, missing: MissingResource) {
        self.snapshot.missing.push(missing);
    }

    /// Ends the reading: joins what was kept apart and gives every missing or partial list its reason.
    #[must_use]
    pub fn finish(self) -> Snapshot {
        let mut snapshot = self.snapshot;
        for (group, (members, owners)) in self.relations {
            if let Some(group) = snapshot.group_mut(group) {
                join(&mut group.members, members);
                join(&mut group.owners, owners);
            }
        }
        if !self.configurations.is_empty() && snapshot.authentication_methods_policy.as_present().is_none() {
            let policy = AuthenticationMethodsPolicy {
                authentication_method_configurations: self.configurations,
                ..AuthenticationMethodsPolicy::default()
            };
            let why = "the export has the configurations of single methods and not the policy";
            snapshot.authentication_methods_policy = Listing::partial(policy, why);
        }
        for missing in &snapshot.missing.clone() {
            match concerned(&missing.resource) {
                Some(Concern::List(resource)) => {
                    let why = reason(missing, resource.name());
                    with_listing!(&mut snapshot, resource, |listing| listing.doubt(&why));
                }
                Some(Concern::Methods(user)) => snapshot.doubt_methods(user, &reason(missing, METHODS)),
                Some(Concern::Registrations | Concern::Activity) | None => {}
            }
        }
        for (resource, why) in self.doubts {
            if !self.complete.contains(&resource) {
                with_listing!(&mut snapshot, resource, |listing| listing.doubt(&why));
            }
        }
        snapshot.date_assignments();
        if snapshot.tenant_id.is_none() {
            let id = snapshot.organization.as_present().and_then(|organization| organization.id.clone());
            snapshot.tenant_id = id.map(Into::into);
        }
        snapshot
    }

    fn repeat(&mut self, repeat: Repeat, resource: Resource, key: ObjectKey) -> Result<(), AddError> {
        let id = if repeat == Repeat::Same { String::new() } else { self.snapshot.objects.id(key).to_owned() };
        self.repeat_id(repeat, resource, &id)
    }

    /// A user or group whose id is taken, apart from its display name: another name is let pass and told.
    fn repeat_named(
        &mut self,
        repeat: Repeat,
        object: (Resource, ObjectKey),
        names: (Option<Box<str>>, Option<Box<str>>),
    ) -> Result<(), AddError> {
        let (resource, key) = object;
        if repeat == Repeat::Different || names.0 == names.1 {
            return self.repeat(repeat, resource, key);
        }
        let row = match self.snapshot.row(key) {
            ObjectRow::User(at) | ObjectRow::Group(at) => at as usize,
            _ => usize::MAX,
        };
        let before = |begun: &Begun| if resource == Resource::Users { begun.users } else { begun.groups };
        let named = |begun: Option<&Begun>| begun.map(|begun| begun.document.clone()).unwrap_or_default();
        let first = self.documents.iter().rev().find(|begun| before(begun) <= row);
        let (one, other) = names;
        self.renamed.push(Renamed {
            resource,
            id: self.snapshot.objects.id(key).to_owned(),
            first: (one.map(Into::into), named(first)),
            second: (other.map(Into::into), named(self.documents.last())),
        });
        Ok(())
    }

    /// An object whose id is taken: the same one again is let pass and counted.
    fn repeat_id(&mut self, repeat: Repeat, resource: Resource, id: &str) -> Result<(), AddError> {
        match repeat {
            Repeat::Same => *self.repeated.entry(resource).or_default() += 1,
            Repeat::Different => return Err(AddError::Duplicate { resource: resource.name(), id: id.to_owned() }),
        }
        Ok(())
    }

    fn add_user(&mut self, json: &[u8]) -> Result<(), AddError> {
        let user = self.read_user(json)?;
        let key = user.key;
        if let Some(known) = self.snapshot.user(key) {
            let names = (known.display_name.clone(), user.display_name.clone());
            let repeat = compare(known, &User { display_name: known.display_name.clone(), ..user });
            return self.repeat_named(repeat, (Resource::Users, key), names);
        }
        let users = self.snapshot.users.begin();
        let row = ObjectRow::User(index(users.len())?);
        users.push(user);
        self.snapshot.place(key, row);
        Ok(())
    }

    fn read_user(&mut self, json: &[u8]) -> Result<User, AddError> {
        if let Some(written) = scan_user(json) {
            return Ok(User {
                key: self.snapshot.objects.intern(written.id)?,
                user_principal_name: written.user_principal_name.map(Into::into),
                display_name: written.display_name.map(Into::into),
                account_enabled: written.account_enabled,
                user_type: written.user_type,
                on_premises_sync_enabled: written.on_premises_sync_enabled,
                detail: None,
            });
        }
        let value: Value = parse(json)?;
        let written: WrittenUser = typed(&value)?;
        let detail: UserDetail = typed(&value)?;
        Ok(User {
            key: self.snapshot.objects.intern(written.id.as_str())?,
            user_principal_name: written.user_principal_name.map(String::into_boxed_str),
            display_name: written.display_name.map(String::into_boxed_str),
            account_enabled: written.account_enabled,
            user_type: written.user_type,
            on_premises_sync_enabled: written.on_premises_sync_enabled,
            detail: (detail != UserDetail::default()).then(|| Box::new(detail)),
        })
    }

    fn add_group(&mut self, json: &[u8]) -> Result<(), AddError> {
        let group = match scan_group(json, &mut self.snapshot.objects) {
            Some(group) => group,
            None => self.read_group(json)?,
        };
        let key = group.key;
        if let Some(known) = self.snapshot.group(key) {
            let names = (known.display_name.clone(), group.display_name.clone());
            let repeat = compare(known, &Group { display_name: known.display_name.clone(), ..group });
            return self.repeat_named(repeat, (Resource::Groups, key), names);
        }
        let groups = self.snapshot.groups.begin();
        let row = ObjectRow::Group(index(groups.len())?);
        groups.push(group);
        self.snapshot.place(key, row);
        Ok(())
    }

    fn read_group(&mut self, json: &[u8]) -> Result<Group, AddError> {
        Ok(group_of(typed(&parse(json)?)?, &mut self.snapshot.objects)?)
    }

    fn add_administrative_unit(&mut self, json: &[u8]) -> Result<(), AddError> {
        let written: WrittenUnit = typed(&parse(json)?)?;
        let unit = AdministrativeUnit {
            key: self.snapshot.objects.intern(written.id.as_str())?,
            display_name: written.display_name.map(String::into_boxed_str),
            is_member_management_restricted: written.is_member_management_restricted,
            members: members_of(written.members, &mut self.snapshot.objects)?,
            rest: (!written.rest.is_empty()).then(|| Box::new(written.rest)),
        };
        let key = unit.key;
        if let ObjectRow::AdministrativeUnit(at) = self.snapshot.row(key) {
            let repeat = compare(&self.snapshot.administrative_units.items().get(at as usize), &Some(&unit));
            return self.repeat(repeat, Resource::AdministrativeUnits, key);
        }
        let units = self.snapshot.administrative_units.begin();
        let row = ObjectRow::AdministrativeUnit(index(units.len())?);
        units.push(unit);
        self.snapshot.place(key, row);
        Ok(())
    }

    fn add_service_principal(&mut self, json: &[u8]) -> Result<(), AddError> {
        let principal: crate::tenant::ServicePrincipal = typed(&parse(json)?)?;
        let key = self.snapshot.objects.intern(principal.id.as_str())?;
        if let Some(known) = self.snapshot.service_principal(key) {
            let repeat = compare(known, &principal);
            return self.repeat(repeat, Resource::ServicePrincipals, key);
        }
        let principals = self.snapshot.service_principals.begin();
        let row = ObjectRow::ServicePrincipal(index(principals.len())?);
        principals.push(principal);
        self.snapshot.place(key, row);
        Ok(())
    }

    fn add_policy(&mut self, source: Value, name: &str) -> Result<(), AddError> {
        let policy = ConditionalAccessPolicy::from_value(source, name).map_err(malformed)?;
        let policies = self.snapshot.conditional_access_policies.begin();
        if let Some(known) = policies.iter().find(|known| known.id == policy.id) {
            let repeat = compare(known, &policy);
            return self.repeat_id(repeat, Resource::ConditionalAccessPolicies, policy.id.as_str());
        }
        intern_users(&mut self.snapshot.objects, &policy)?;
        policies.push(policy);
        Ok(())
    }

    fn add_named_location(&mut self, source: Value, name: &str) -> Result<(), AddError> {
        let location = NamedLocation::from_value(source, name).map_err(malformed)?;
        let locations = self.snapshot.named_locations.begin();
        if let Some(known) = locations.iter().find(|known| known.id == location.id) {
            let repeat = compare(known, &location);
            return self.repeat_id(repeat, Resource::NamedLocations, location.id.as_str());
        }
        locations.push(location);
        Ok(())
    }

    /// Resources that are read as they are.
    fn add_plain(&mut self, resource: Resource, json: &[u8]) -> Result<(), AddError> {
        let value: Value = parse(json)?;
        let Self { snapshot, contents, .. } = self;
        match resource {
            Resource::Organization => set(&mut snapshot.organization, &value, resource)?,
            Resource::AuthenticationMethodsPolicy => {
                set(&mut snapshot.authentication_methods_policy, &value, resource)?;
            }
            Resource::IdentitySecurityDefaultsEnforcementPolicy => {
                set(&mut snapshot.identity_security_defaults_enforcement_policy, &value, resource)?;
            }
            Resource::Domains => contents.push(resource, &mut snapshot.domains, &value)?,
            Resource::Devices => contents.push(resource, &mut snapshot.devices, &value)?,
            Resource::RoleDefinitions => contents.push(resource, &mut snapshot.role_definitions, &value)?,
            Resource::RoleAssignments => {
                contents.push(resource, &mut snapshot.role_assignments, &in_directory_form(value))?
            }
            Resource::RoleAssignmentScheduleInstances => {
                contents.push(resource, &mut snapshot.role_assignment_schedule_instances, &value)?;
            }
            Resource::RoleEligibilityScheduleInstances => {
                contents.push(resource, &mut snapshot.role_eligibility_schedule_instances, &value)?;
            }
            Resource::RoleManagementPolicies => {
                contents.push(resource, &mut snapshot.role_management_policies, &value)?
            }
            Resource::AuthenticationStrengthPolicies => {
                contents.push(resource, &mut snapshot.authentication_strength_policies, &value)?
            }
            Resource::Applications => contents.push(resource, &mut snapshot.applications, &value)?,
            Resource::AppRoleAssignments => contents.push(resource, &mut snapshot.app_role_assignments, &value)?,
            Resource::Oauth2PermissionGrants => {
                contents.push(resource, &mut snapshot.oauth2_permission_grants, &value)?
            }
            Resource::SubscribedSkus => contents.push(resource, &mut snapshot.subscribed_skus, &value)?,
            Resource::FederationConfigurations => {
                contents.push(resource, &mut snapshot.federation_configurations, &value)?
            }
            Resource::TermsOfUseAgreements => contents.push(resource, &mut snapshot.terms_of_use_agreements, &value)?,
            Resource::PerUserMfaStates => contents.push(resource, &mut snapshot.per_user_mfa_states, &value)?,
            Resource::AccessReviews => contents.push(resource, &mut snapshot.access_reviews, &value)?,
            Resource::LifecycleWorkflows => contents.push(resource, &mut snapshot.lifecycle_workflows, &value)?,
            Resource::IdentityProtectionPolicies => {
                contents.push(resource, &mut snapshot.identity_protection_policies, &value)?
            }
            Resource::Users
            | Resource::Groups
            | Resource::AdministrativeUnits
            | Resource::ServicePrincipals
            | Resource::DeletedUsers
            | Resource::ConditionalAccessPolicies
            | Resource::NamedLocations => return self.add(resource, json, ""),
        }
        Ok(())
    }
}

/// Users that only a policy names are objects too: where the users are missing, they may sign in.
pub(super) fn intern_users(objects: &mut ObjectTable, policy: &ConditionalAccessPolicy) -> Result<(), ObjectTableFull> {
    for name in policy.conditions.users.iter().flat_map(|users| users.include_users.iter().chain(&users.exclude_users))
    {
        objects.intern(name)?;
    }
    Ok(())
}

pub(super) fn index(length: usize) -> Result<u32, ObjectTableFull> {
    u32::try_from(length).map_err(|_| ObjectTableFull)
}

fn join(known: &mut Option<Box<[Member]>>, more: Vec<Member>) {
    if more.is_empty() {
        return;
    }
    let mut list = known.take().map(Vec::from).unwrap_or_default();
    let seen: BTreeSet<ObjectKey> = list.iter().map(|member| member.key).collect();
    list.extend(more.into_iter().filter(|member| !seen.contains(&member.key)));
    *known = Some(list.into_boxed_slice());
}

pub(crate) fn malformed(error: serde_path_to_error::Error<serde_json::Error>) -> AddError {
    let path = error.path().to_string();
    AddError::Malformed {
        path: if path == "." { String::new() } else { path },
        message: in_plain_words(&error.into_inner().to_string()),
    }
}

/// Reads bytes, and says where they cease to be JSON.
pub(crate) fn parse<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, AddError> {
    serde_json::from_slice(json).map_err(|error| {
        let place = format!(" at line {} column {}", error.line(), error.column());
        AddError::Syntax {
            line: error.line(),
            is_cut_off: error.is_eof(),
            message: in_plain_words(&error.to_string().replace(&place, "")),
        }
    })
}

pub(crate) fn typed<T: DeserializeOwned>(value: &Value) -> Result<T, AddError> {
    // Where an error lies is found out once there is one.
    T::deserialize(value).or_else(|_| serde_path_to_error::deserialize(value).map_err(malformed))
}

/// The only object of its resource; a second one must be the same.
fn set<T: DeserializeOwned + PartialEq>(
    listing: &mut Listing<T>,
    value: &Value,
    resource: Resource,
) -> Result<(), AddError> {
    let item = typed(value)?;
    if listing.as_present().is_some_and(|known| *known != item) {
        let id = value.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        return Err(AddError::Duplicate { resource: resource.name(), id });
    }
    *listing = Listing::present(item);
    Ok(())
}

/// Where each object stands that has no id, or whose id nobody asks for, by its content.
#[derive(Debug, Clone, Default)]
struct Contents {
    /// A private index, looked into and never iterated.
    places: HashMap<(Resource, u64), usize, BuildHasherDefault<FxHasher>>,
}

impl Contents {
    /// Puts an object into its list, unless the same was read before.
    fn push<T: DeserializeOwned + PartialEq>(
        &mut self,
        resource: Resource,
        listing: &mut Listing<Vec<T>>,
        value: &Value,
    ) -> Result<(), AddError> {
        let item = typed(value)?;
        let list = listing.begin();
        let content = BuildHasherDefault::<FxHasher>::default().hash_one(value);
        match self.places.entry((resource, content)) {
            Entry::Occupied(known) if list.get(*known.get()) == Some(&item) => {}
            Entry::Occupied(_) => list.push(item),
            Entry::Vacant(place) => {
                place.insert(list.len());
                list.push(item);
            }
        }
        Ok(())
    }
}
