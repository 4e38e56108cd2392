//! Changes of a snapshot in place, each with what takes it back.
//!
//! **Invariant:** taking changes back, the newest first, leaves a snapshot equal to what it was before, the ids that it
//! mentions included. A list that is not there never becomes complete by what is added to it.

use super::builder::{index, intern_users};
use super::rows::{WrittenGroup, group_of};
use super::{Listing, ObjectRow, Snapshot};
use crate::group::{Group, Member};
use crate::named_location::NamedLocation;
use crate::object::{ObjectKey, ObjectTableFull};
use crate::policy::ConditionalAccessPolicy;

/// How many ids a snapshot mentioned at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    objects: usize,
    rows: usize,
}

/// What takes a change back.
#[derive(Debug, Clone, Default)]
pub(crate) enum Back {
    /// Nothing was changed.
    #[default]
    Nothing,
    /// The policies were.
    Policies(Mark, ListBack<ConditionalAccessPolicy>),
    /// The named locations were.
    Locations(Mark, ListBack<NamedLocation>),
    /// A group is new.
    Groups(Mark, ListBack<Group>),
    /// The members of a group were.
    Members(Mark, ObjectKey, Option<Box<[Member]>>),
}

/// What takes a change of a list back.
#[derive(Debug, Clone)]
pub(crate) enum ListBack<T> {
    /// The list was not there before, or is not any more.
    Whole(Box<Listing<Vec<T>>>),
    /// The last object is new.
    Added,
    /// An object was another.
    Replaced(usize, Box<T>),
    /// An object is gone.
    Removed(usize, Box<T>),
}

fn add<T: Clone>(listing: &mut Listing<Vec<T>>, item: T) -> ListBack<T> {
    let back = match listing.as_present() {
        None => ListBack::Whole(Box::new(listing.clone())),
        Some(_) => ListBack::Added,
    };
    listing.grow().push(item);
    back
}

fn replace<T>(listing: &mut Listing<Vec<T>>, at: usize, item: T) -> Option<ListBack<T>> {
    let slot = listing.grow().get_mut(at)?;
    Some(ListBack::Replaced(at, Box::new(std::mem::replace(slot, item))))
}

/// Takes an object out. A partial list that becomes empty says nothing any more and counts as missing, as when it is
/// read.
fn remove<T>(listing: &mut Listing<Vec<T>>, at: usize) -> Option<ListBack<T>> {
    if at >= listing.items().len() {
        return None;
    }
    if listing.is_partial() && listing.items().len() == 1 {
        let missing = Listing::missing(listing.why().unwrap_or_default());
        return Some(ListBack::Whole(Box::new(std::mem::replace(listing, missing))));
    }
    Some(ListBack::Removed(at, Box::new(listing.grow().remove(at))))
}

fn take_back<T>(listing: &mut Listing<Vec<T>>, back: ListBack<T>) {
    match back {
        ListBack::Whole(was) => *listing = *was,
        ListBack::Added => {
            listing.grow().pop();
        }
        ListBack::Replaced(at, was) => {
            if let Some(slot) = listing.grow().get_mut(at) {
                *slot = *was;
            }
        }
        ListBack::Removed(at, was) => {
            let list = listing.grow();
            list.insert(at.min(list.len()), *was);
        }
    }
}

impl Snapshot {
    /// How many ids it mentions now.
    pub(crate) fn mark(&self) -> Mark {
        Mark { objects: self.objects.len(), rows: self.rows.len() }
    }

    /// Forgets the ids that were mentioned since.
    pub(crate) fn forget(&mut self, mark: Mark) {
        self.objects.truncate(mark.objects);
        self.rows.truncate(mark.rows);
    }

    /// Puts a policy behind the others.
    pub(crate) fn add_policy(&mut self, policy: ConditionalAccessPolicy) -> Result<Back, ObjectTableFull> {
        let mark = self.mark();
        intern_users(&mut self.objects, &policy)?;
        Ok(Back::Policies(mark, add(&mut self.conditional_access_policies, policy)))
    }

    /// Puts a policy in the place of another.
    pub(crate) fn replace_policy(
        &mut self,
        at: usize,
        policy: ConditionalAccessPolicy,
    ) -> Result<Back, ObjectTableFull> {
        let mark = self.mark();
        intern_users(&mut self.objects, &policy)?;
        let back = replace(&mut self.conditional_access_policies, at, policy);
        Ok(back.map_or(Back::Nothing, |back| Back::Policies(mark, back)))
    }

    /// Takes a policy out.
    pub(crate) fn remove_policy(&mut self, at: usize) -> Back {
        let mark = self.mark();
        remove(&mut self.conditional_access_policies, at).map_or(Back::Nothing, |back| Back::Policies(mark, back))
    }

    /// Puts a named location behind the others.
    pub(crate) fn add_named_location(&mut self, location: NamedLocation) -> Back {
        let mark = self.mark();
        Back::Locations(mark, add(&mut self.named_locations, location))
    }

    /// Puts a named location in the place of another.
    pub(crate) fn replace_named_location(&mut self, at: usize, location: NamedLocation) -> Back {
        let mark = self.mark();
        replace(&mut self.named_locations, at, location).map_or(Back::Nothing, |back| Back::Locations(mark, back))
    }

    /// Takes a named location out.
    pub(crate) fn remove_named_location(&mut self, at: usize) -> Back {
        let mark = self.mark();
        remove(&mut self.named_locations, at).map_or(Back::Nothing, |back| Back::Locations(mark, back))
    }

    /// Puts a group behind the others. Its id must not be that of an object that is there.
    pub(crate) fn add_group(&mut self, written: WrittenGroup) -> Result<(ObjectKey, Back), ObjectTableFull> {
        let mark = self.mark();
        let group = group_of(written, &mut self.objects)?;
        let (key, row) = (group.key, ObjectRow::Group(index(self.groups.items().len())?));
        let back = add(&mut self.groups, group);
        self.place(key, row);
        Ok((key, Back::Groups(mark, back)))
    }

    /// Gives a group other members. `mark` was taken before these were looked up.
    pub(crate) fn set_members(&mut self, mark: Mark, key: ObjectKey, members: Option<Box<[Member]>>) -> Back {
        match self.group_mut(key) {
            Some(group) => Back::Members(mark, key, std::mem::replace(&mut group.members, members)),
            None => Back::Nothing,
        }
    }

    /// Takes one change back, which must be the last that was not taken back yet.
    pub(crate) fn take_back(&mut self, back: Back) {
        let mark = match back {
            Back::Nothing => return,
            Back::Policies(mark, back) => {
                take_back(&mut self.conditional_access_policies, back);
                mark
            }
            Back::Locations(mark, back) => {
                take_back(&mut self.named_locations, back);
                mark
            }
            Back::Groups(mark, back) => {
                let key = self.groups.items().last().map(|group| group.key);
                take_back(&mut self.groups, back);
                if let Some(slot) = key.and_then(|key| self.rows.get_mut(key.index())) {
                    *slot = ObjectRow::Unlisted;
                }
                mark
            }
            Back::Members(mark, key, was) => {
                if let Some(group) = self.group_mut(key) {
                    group.members = was;
                }
                mark
            }
        };
        self.forget(mark);
    }
}
