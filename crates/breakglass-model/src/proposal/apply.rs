//! Applies a proposal to a snapshot in place.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::merge::{merged_location, merged_policy};
use super::read::{checked_new_location, checked_new_policy, checked_users, last_segment, told};
use super::refer::{COMPARED_COUNT_MAX, Found, NameKind, SUGGESTED_COUNT_MAX, absent, find, names_of, rename};
use super::words::{Names, location_details, members_details, policy_details};
use super::{
    AppliedChange, ChangeAction, Proposal, ProposalError, ProposalKind, ProposalMode, ProposalPlace, Proposed,
    ProposedChange,
};
use crate::group::{Group, Member};
use crate::named_location::NamedLocation;
use crate::nearest::nearest;
use crate::object::ObjectKey;
use crate::policy::{ConditionalAccessPolicy, known_after_apply};
use crate::snapshot::rows::{WrittenGroup, WrittenMember, member_of};
use crate::snapshot::{Back, ObjectRow, Resource, Snapshot, malformed, typed};

impl Snapshot {
    /// Makes the snapshot what it would be with the proposal, and says what is different. Named locations and groups
    /// are changed before the policies that name them. [`Snapshot::undo`] takes everything back.
    ///
    /// A policy whose values are not all known ([`crate::policy::KNOWN_AFTER_APPLY`]) has those parts among its unknowns.
    ///
    /// # Errors
    /// When a change cannot be applied; the snapshot is then as it was.
    pub fn with_proposal(&mut self, proposal: &Proposal) -> Result<Vec<AppliedChange>, ProposalError> {
        let mark = self.mark();
        let before = proposal.removed_kinds().flat_map(|kind| self.all_named(kind)).collect();
        let mut applying = Applying {
            snapshot: self,
            applied: Vec::new(),
            own: BTreeMap::new(),
            seen: BTreeMap::new(),
            before,
            proposed_groups: proposal.group_ids(),
            deleted: BTreeMap::new(),
        };
        let result = proposal.ordered().into_iter().try_for_each(|change| applying.apply(change));
        let Applying { applied, .. } = applying;
        match result {
            Ok(()) => Ok(applied),
            Err(error) => {
                self.undo(applied);
                self.forget(mark);
                Err(error)
            }
        }
    }
}

struct Applying<'a> {
    snapshot: &'a mut Snapshot,
    applied: Vec<AppliedChange>,
    /// What a group or location that was found by its name is called in the tenant, by the id that it was proposed with.
    own: BTreeMap<(NameKind, String), String>,
    /// Where each object was proposed.
    seen: BTreeMap<(ProposalKind, String), ProposalPlace>,
    /// Ids and names of the policies and locations before the change, where one is removed: what is removed or has
    /// another name by now is still the same object.
    before: Vec<(ProposalKind, String, String)>,
    /// Ids of the groups that are proposed: they may be members before they are there.
    proposed_groups: BTreeSet<String>,
    /// Groups that were deleted: one that is proposed with such a name is another.
    deleted: BTreeMap<ObjectKey, ProposalPlace>,
}

impl Applying<'_> {
    fn apply(&mut self, change: &ProposedChange) -> Result<(), ProposalError> {
        let ProposedChange { place, proposed, mode } = change;
        let change = match proposed {
            Proposed::Policy(object) => self.policy(place, object, *mode)?,
            Proposed::PolicyRemoved(name) => self.policy_removed(place, name)?,
            Proposed::NamedLocation(object) => self.location(place, object, *mode)?,
            Proposed::NamedLocationRemoved(name) => self.location_removed(place, name)?,
            Proposed::Group(object) => self.group(place, object, *mode)?,
            Proposed::GroupRemoved(name) => self.group_removed(place, name)?,
        };
        self.applied.push(AppliedChange { place: Some(place.clone()), ..change });
        Ok(())
    }

    /// Refuses a second proposal for the same object.
    fn once(&mut self, place: &ProposalPlace, kind: ProposalKind, id: &str, name: &str) -> Result<(), ProposalError> {
        match self.seen.insert((kind, id.to_owned()), place.clone()) {
            None => Ok(()),
            Some(first) => {
                let first = Box::new(first);
                Err(ProposalError::Repeated { place: place.clone(), kind, name: name.to_owned(), first })
            }
        }
    }

    /// Refuses what is proposed for an object that was proposed before and cannot be found any more: it was removed, or
    /// has another name now.
    fn not_gone(
        &self,
        place: &ProposalPlace,
        kind: ProposalKind,
        (id, name): (Option<&str>, Option<&str>),
    ) -> Result<(), ProposalError> {
        let of_kind = || self.before.iter().filter(|known| known.0 == kind);
        let by_id = id.and_then(|id| of_kind().find(|known| known.1.eq_ignore_ascii_case(id)));
        let by_name = name.and_then(|name| of_kind().find(|known| known.2 == name));
        let Some((_, id, name)) = by_id.or(by_name) else { return Ok(()) };
        let Some(first) = self.seen.get(&(kind, id.clone())) else { return Ok(()) };
        let name = if name.is_empty() { id } else { name };
        let (name, first) = (name.clone(), Box::new(first.clone()));
        Err(ProposalError::Repeated { place: place.clone(), kind, name, first })
    }

    fn policy(
        &mut self,
        place: &ProposalPlace,
        object: &Value,
        mode: ProposalMode,
    ) -> Result<AppliedChange, ProposalError> {
        let (proposed, mut object) = (object, object.clone());
        let own = &self.own;
        rename(&mut object, |referred, id| own.get(&(referred, id.to_owned())).cloned());
        let at = find(wanted(&object, mode), place, ProposalKind::Policy, self.snapshot.named_policies())?;
        let known = at.and_then(|at| self.snapshot.conditional_access_policies.items().get(at));
        let (source, id) = match known {
            Some(known) => (merged_policy(&known.source, &object, mode), known.id.as_str().to_owned()),
            None => {
                self.not_gone(place, ProposalKind::Policy, wanted(&object, mode))?;
                checked_new_policy(place, &object)?;
                self.with_id(place, object)
            }
        };
        checked_users(place, proposed, &source)?;
        let policy = read_policy(place, source, &id)?;
        let details = policy_details(known, Some(&policy), &Names(&[&*self.snapshot]));
        self.once(place, ProposalKind::Policy, policy.id.as_str(), policy.name())?;
        let (id, name) = (policy.id.as_str().to_owned(), policy.name().to_owned());
        let resource = Resource::ConditionalAccessPolicies;
        Ok(match at {
            Some(at) => {
                let back = self.snapshot.replace_policy(at, policy)?;
                AppliedChange::changed(resource, &id, &name, details).with_back(back)
            }
            None => {
                let back = self.snapshot.add_policy(policy)?;
                AppliedChange::new(resource, &id, &name, ChangeAction::Added, details).with_back(back)
            }
        })
    }

    /// A new object with its id, made if it has none.
    fn with_id(&self, place: &ProposalPlace, mut object: Value) -> (Value, String) {
        let id = names_of(&object).0.map_or_else(|| self.free_id(place), str::to_owned);
        if let Some(members) = object.as_object_mut() {
            members.insert("id".to_owned(), Value::String(id.clone()));
        }
        (object, id)
    }

    /// An id for an object that has none: where it was proposed.
    fn free_id(&self, place: &ProposalPlace) -> String {
        let file = place.file.rsplit(['/', '\\']).next().unwrap_or_default();
        let mut id = format!("{file}#{}", place.path.trim_start_matches('$'));
        let is_taken = |id: &str| {
            let mut known = self.snapshot.named_policies().chain(self.snapshot.named_named_locations());
            known.any(|known| known.id == id) || self.snapshot.objects.find(id).is_some()
        };
        while is_taken(&id) {
            id.push('\'');
        }
        id
    }

    fn policy_removed(&mut self, place: &ProposalPlace, name: &str) -> Result<AppliedChange, ProposalError> {
        let kind = ProposalKind::Policy;
        let at = find((Some(name), Some(name)), place, kind, self.snapshot.named_policies())?;
        let Some((at, policy)) =
            at.and_then(|at| self.snapshot.conditional_access_policies.items().get(at).map(|policy| (at, policy)))
        else {
            self.not_gone(place, kind, (Some(name), Some(name)))?;
            let list = (&self.snapshot.conditional_access_policies, self.snapshot.named_policies());
            return Err(absent(place, kind, name, list));
        };
        let details = policy_details(Some(policy), None, &Names(&[&*self.snapshot]));
        let (id, name) = (policy.id.as_str().to_owned(), policy.name().to_owned());
        self.once(place, kind, &id, &name)?;
        let back = self.snapshot.remove_policy(at);
        let resource = Resource::ConditionalAccessPolicies;
        Ok(AppliedChange::new(resource, &id, &name, ChangeAction::Removed, details).with_back(back))
    }

    fn location(
        &mut self,
        place: &ProposalPlace,
        object: &Value,
        mode: ProposalMode,
    ) -> Result<AppliedChange, ProposalError> {
        let kind = ProposalKind::NamedLocation;
        let at = find(wanted(object, mode), place, kind, self.snapshot.named_named_locations())?;
        let known = at.and_then(|at| self.snapshot.named_locations.items().get(at));
        let (source, id) = match known {
            Some(known) => (merged_location(&known.source, object), known.id.as_str().to_owned()),
            None => {
                self.not_gone(place, kind, wanted(object, mode))?;
                checked_new_location(place, object).map_err(|error| match names_of(object).0 {
                    Some(id) if mode != ProposalMode::New => {
                        let list = (&self.snapshot.named_locations, self.snapshot.named_named_locations());
                        absent(place, kind, id, list)
                    }
                    _ => error,
                })?;
                self.with_id(place, object.clone())
            }
        };
        let location = NamedLocation::from_value(source, &id).map_err(|error| told(place, malformed(error)))?;
        let details = location_details(known, Some(&location));
        let (id, name) = (location.id.as_str().to_owned(), location.name().to_owned());
        self.once(place, kind, &id, &name)?;
        self.is_called(NameKind::NamedLocation, object, &id);
        let resource = Resource::NamedLocations;
        Ok(match at {
            Some(at) => {
                let back = self.snapshot.replace_named_location(at, location);
                AppliedChange::changed(resource, &id, &name, details).with_back(back)
            }
            None => {
                let back = self.snapshot.add_named_location(location);
                AppliedChange::new(resource, &id, &name, ChangeAction::Added, details).with_back(back)
            }
        })
    }

    fn location_removed(&mut self, place: &ProposalPlace, name: &str) -> Result<AppliedChange, ProposalError> {
        let kind = ProposalKind::NamedLocation;
        let at = find((Some(name), Some(name)), place, kind, self.snapshot.named_named_locations())?;
        let Some((at, location)) =
            at.and_then(|at| self.snapshot.named_locations.items().get(at).map(|location| (at, location)))
        else {
            self.not_gone(place, kind, (Some(name), Some(name)))?;
            let list = (&self.snapshot.named_locations, self.snapshot.named_named_locations());
            return Err(absent(place, kind, name, list));
        };
        let details = location_details(Some(location), None);
        let (id, name) = (location.id.as_str().to_owned(), location.name().to_owned());
        self.once(place, kind, &id, &name)?;
        let back = self.snapshot.remove_named_location(at);
        Ok(AppliedChange::new(Resource::NamedLocations, &id, &name, ChangeAction::Removed, details).with_back(back))
    }

    /// Remembers what an object is called in the tenant that was proposed with another id.
    fn is_called(&mut self, referred: NameKind, object: &Value, own: &str) {
        if let Some(id) = names_of(object).0.filter(|id| *id != own) {
            self.own.insert((referred, id.to_owned()), own.to_owned());
        }
    }

    fn group(
        &mut self,
        place: &ProposalPlace,
        object: &Value,
        mode: ProposalMode,
    ) -> Result<AppliedChange, ProposalError> {
        match self.snapshot.find_group(wanted(object, mode), place)?.map(|group| group.key) {
            Some(key) => match self.deleted.get(&key) {
                None => self.members_of_group(place, object, key),
                Some(first) if names_of(object).0.is_some_and(|id| self.snapshot.objects.find(id) == Some(key)) => {
                    self.of_deleted_group(place, object, (key, first))
                }
                Some(_) => self.new_group(place, object),
            },
            None => self.new_group(place, object),
        }
    }

    /// What is proposed for a group that is deleted besides: that somebody is taken out of it goes without saying.
    fn of_deleted_group(
        &self,
        place: &ProposalPlace,
        object: &Value,
        (key, first): (ObjectKey, &ProposalPlace),
    ) -> Result<AppliedChange, ProposalError> {
        let asked = members_named(place, object)?;
        let (id, name) = (self.snapshot.objects.id(key), self.snapshot.name(key));
        if asked.all.is_none() && asked.added.is_empty() && !asked.is_awaited {
            return Ok(unchanged(id, name));
        }
        let (name, first) = (name.to_owned(), Box::new(first.clone()));
        Err(ProposalError::Repeated { place: place.clone(), kind: ProposalKind::Group, name, first })
    }

    fn new_group(&mut self, place: &ProposalPlace, object: &Value) -> Result<AppliedChange, ProposalError> {
        let id = names_of(object).0.map_or_else(|| self.free_id(place), str::to_owned);
        self.once(place, ProposalKind::Group, &id, names_of(object).1.unwrap_or(&id))?;
        if self.snapshot.objects.find(&id).is_some_and(|key| self.snapshot.row(key) != ObjectRow::Unlisted) {
            let message = format!("`{id}` is an object of the snapshot that is no group");
            return Err(ProposalError::Malformed { place: place.inner("id"), message });
        }
        let asked = self.found_members(place, members_named(place, object)?, None)?;
        let mut object = object.clone();
        if let Some(members) = object.as_object_mut() {
            members.insert("id".to_owned(), Value::String(id.clone()));
            members.retain(|name, _| !MEMBER_PARTS.contains(&name.as_str()) && name != "members");
        }
        let mut written: WrittenGroup = typed(&object).map_err(|error| told(place, error))?;
        if !asked.is_awaited && (asked.all.is_some() || asked.has_parts) {
            written.members = Some(asked.all.into_iter().flatten().chain(asked.added).collect());
        }
        let (key, back) = self.snapshot.add_group(written)?;
        let members = self.snapshot.group(key).and_then(|group| group.members.as_deref());
        let details = members_details(Some(&[]), members, &Names(&[&*self.snapshot]));
        let name = self.snapshot.name(key).to_owned();
        Ok(AppliedChange::new(Resource::Groups, &id, &name, ChangeAction::Added, details).with_back(back))
    }

    fn members_of_group(
        &mut self,
        place: &ProposalPlace,
        object: &Value,
        key: ObjectKey,
    ) -> Result<AppliedChange, ProposalError> {
        let (id, name) = (self.snapshot.objects.id(key).to_owned(), self.snapshot.name(key).to_owned());
        // Single members may be proposed one by one, all of them only once.
        if object.get("members").is_some() {
            self.once(place, ProposalKind::Group, &id, &name)?;
        }
        self.is_called(NameKind::Group, object, &id);
        let asked = members_named(place, object)?;
        let Some(group) = self.snapshot.group(key) else { return Ok(unchanged(&id, &name)) };
        let has_other_rule = has_other_rule(object, group);
        if !(asked.is_something() || has_other_rule) {
            return Ok(unchanged(&id, &name));
        }
        if group.is_dynamic() && asked.is_something() {
            return Err(ProposalError::Dynamic { place: place.clone(), name });
        }
        let mark = self.snapshot.mark();
        let result = self
            .found_members(place, asked, Some(key))
            .and_then(|asked| self.asked_members(asked, key, has_other_rule));
        let members = result.inspect_err(|_| self.snapshot.forget(mark))?;
        let before = self.snapshot.group(key).and_then(|group| group.members.as_deref());
        let mut details = members_details(before, members.as_deref(), &Names(&[&*self.snapshot]));
        if has_other_rule {
            details.push("another rule gives its members".to_owned());
        }
        let back = self.snapshot.set_members(mark, key, members);
        Ok(AppliedChange::changed(Resource::Groups, &id, &name, details).with_back(back))
    }

    /// The members that are proposed, by the ids that they have in the tenant; one that is named otherwise (by a
    /// sign-in name, or in other letters) and that nobody finds makes the members unknown where a list lacks people.
    fn found_members(
        &self,
        place: &ProposalPlace,
        mut asked: AskedMembers,
        of: Option<ObjectKey>,
    ) -> Result<AskedMembers, ProposalError> {
        let found = self.snapshot.found_members(asked.named(), of, &self.own, &self.proposed_groups);
        let mut is_unknown = false;
        let mut parts: Vec<(&mut Vec<WrittenMember>, &str)> = vec![(&mut asked.added, "members")];
        parts.extend(asked.all.as_mut().map(|all| (all, "members")));
        for (list, path) in parts {
            for member in list {
                match found.get(member.id()) {
                    Some(Found::Is(id)) => member.set_id(id),
                    Some(Found::Absent) => return Err(self.no_member(&place.inner(path), member.id())),
                    Some(Found::Unknown) => is_unknown = true,
                    None => {}
                }
            }
        }
        for member in &mut asked.removed {
            if let Some(Found::Is(id)) = found.get(member.id()) {
                member.set_id(id);
            }
        }
        asked.is_awaited |= is_unknown;
        Ok(asked)
    }

    fn no_member(&self, place: &ProposalPlace, name: &str) -> ProposalError {
        let users = self.snapshot.users.items().iter().take(COMPARED_COUNT_MAX);
        let names =
            users.flat_map(|user| [user.user_principal_name.as_deref(), Some(self.snapshot.objects.id(user.key))]);
        let near = nearest(name, names.flatten()).into_iter().take(SUGGESTED_COUNT_MAX).map(str::to_owned).collect();
        ProposalError::NoMember { place: place.clone(), name: name.to_owned(), near }
    }

    /// The members that a group has with what is proposed; `None` where that cannot be told.
    fn asked_members(
        &mut self,
        asked: AskedMembers,
        key: ObjectKey,
        has_other_rule: bool,
    ) -> Result<Option<Box<[Member]>>, ProposalError> {
        let objects = &mut self.snapshot.objects;
        let mut keys = |list: &[WrittenMember]| -> Result<Vec<Member>, ProposalError> {
            list.iter().map(|member| Ok(member_of(member, objects)?)).collect()
        };
        let (all, added, removed) =
            (asked.all.as_deref().map(&mut keys).transpose()?, keys(&asked.added)?, keys(&asked.removed)?);
        if asked.is_awaited || has_other_rule {
            return Ok(None);
        }
        let known = self.snapshot.group(key).and_then(|group| group.members.as_deref());
        let Some(start) = all.or_else(|| known.map(<[Member]>::to_vec)) else { return Ok(None) };
        let removed: BTreeSet<ObjectKey> = removed.iter().map(|member| member.key).collect();
        let mut seen = BTreeSet::new();
        let members = start.into_iter().chain(added);
        Ok(Some(members.filter(|member| !removed.contains(&member.key) && seen.insert(member.key)).collect()))
    }

    fn group_removed(&mut self, place: &ProposalPlace, name: &str) -> Result<AppliedChange, ProposalError> {
        let Some(group) = self.snapshot.find_group((Some(name), Some(name)), place)? else {
            let list = (&self.snapshot.groups, self.snapshot.named_groups());
            return Err(absent(place, ProposalKind::Group, name, list));
        };
        let key = group.key;
        let details = members_details(group.members.as_deref(), Some(&[]), &Names(&[&*self.snapshot]));
        let (id, name) = (self.snapshot.objects.id(key).to_owned(), self.snapshot.name(key).to_owned());
        self.once(place, ProposalKind::Group, &id, &name)?;
        let mark = self.snapshot.mark();
        let back = self.snapshot.set_members(mark, key, Some([].into()));
        self.deleted.insert(key, place.clone());
        Ok(AppliedChange::new(Resource::Groups, &id, &name, ChangeAction::Removed, details).with_back(back))
    }
}

/// By what an object is looked for in the snapshot.
fn wanted(object: &Value, mode: ProposalMode) -> (Option<&str>, Option<&str>) {
    if mode == ProposalMode::New { (None, None) } else { names_of(object) }
}

fn unchanged(id: &str, name: &str) -> AppliedChange {
    AppliedChange { back: Back::Nothing, ..AppliedChange::changed(Resource::Groups, id, name, Vec::new()) }
}

fn has_other_rule(object: &Value, group: &Group) -> bool {
    let new = match object.get("membershipRule") {
        None => return false,
        Some(rule) => rule.as_str().unwrap_or_default(),
    };
    new != group.membership_rule.value().map_or("", |rule| rule)
}

fn read_policy(place: &ProposalPlace, source: Value, id: &str) -> Result<ConditionalAccessPolicy, ProposalError> {
    ConditionalAccessPolicy::from_value(source, id).map_err(|error| told(place, malformed(error)))
}

/// Members of Graph's that say who is added and taken out.
const MEMBER_PARTS: [&str; 2] = ["members@odata.bind", "members@delta"];

/// What is proposed for the members of a group.
#[derive(Default)]
pub(super) struct AskedMembers {
    all: Option<Vec<WrittenMember>>,
    added: Vec<WrittenMember>,
    removed: Vec<WrittenMember>,
    has_parts: bool,
    is_awaited: bool,
}

impl AskedMembers {
    /// Everybody whom it names.
    fn named(&self) -> impl Iterator<Item = &WrittenMember> {
        self.all.iter().flatten().chain(&self.added).chain(&self.removed)
    }

    fn is_something(&self) -> bool {
        self.all.is_some() || self.has_parts || self.is_awaited
    }
}

/// Reads what is proposed for the members of a group.
pub(super) fn members_named(place: &ProposalPlace, object: &Value) -> Result<AskedMembers, ProposalError> {
    let mut asked =
        AskedMembers { is_awaited: known_after_apply(object).any(|path| path == "members"), ..AskedMembers::default() };
    let wrong =
        |path: &str, message: &str| ProposalError::Malformed { place: place.inner(path), message: message.into() };
    let list = |name: &str| match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(items)) => Ok(Some(items.as_slice())),
        Some(_) => Err(wrong(name, "expected a list")),
    };
    let member = |item: &Value, path: &str| {
        typed::<WrittenMember>(item).map_err(|_| wrong(path, "expected an id or an object with an `id`"))
    };
    if let Some(items) = list("members")? {
        let items = items.iter().enumerate().map(|(at, item)| member(item, &format!("members[{at}]")));
        asked.all = Some(items.collect::<Result<_, _>>()?);
        if object.get("members@odata.nextLink").is_some() {
            return Err(wrong("members@odata.nextLink", "only the first page of the members is there"));
        }
    }
    for (at, item) in list("members@odata.bind")?.into_iter().flatten().enumerate() {
        let path = format!("members@odata.bind[{at}]");
        let id =
            item.as_str().and_then(last_segment).ok_or_else(|| wrong(&path, "expected the address of an object"))?;
        asked.added.push(member(&Value::from(id), &path)?);
        asked.has_parts = true;
    }
    for (at, item) in list("members@delta")?.into_iter().flatten().enumerate() {
        let member = member(item, &format!("members@delta[{at}]"))?;
        let is_removed = item.get("@removed").is_some_and(|removed| !removed.is_null());
        if is_removed {
            asked.removed.push(member)
        } else {
            asked.added.push(member)
        }
        asked.has_parts = true;
    }
    Ok(asked)
}
