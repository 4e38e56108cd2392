//! Who is in a group, with everybody nested in it.
//!
//! Walks are iterative and visit each group once, so that cycles and ten thousand levels of nesting are no danger.

use breakglass_model::group::{Member, MemberKind};
use breakglass_model::object::ObjectKey;
use breakglass_model::snapshot::{ObjectRow, Snapshot, because};

/// Everybody in a group, as far as the snapshot says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// Users (and objects of unsaid kind) in it, in the order of the walk, each once.
    pub users: Vec<ObjectKey>,
    /// Groups on the way, the group itself first.
    pub groups: Vec<ObjectKey>,
    /// Why somebody else may be in it, if the snapshot cannot tell.
    pub unknown: Option<String>,
}

/// What an object is visited as; one id may be written as both.
#[derive(Debug, Clone, Copy)]
enum VisitedAs {
    Group = 1,
    User = 2,
}

/// Bits of a stamp that say what the object was visited as; the others say in which walk.
const VISITED_AS_BITS: u32 = 2;

/// One visit per object and walk: a stamp per object that is cheap to reuse.
#[derive(Debug, Default)]
pub struct Visits {
    stamps: Vec<u32>,
    current: u32,
}

impl Visits {
    fn begin(&mut self, objects: usize) {
        if self.stamps.len() < objects || self.current == u32::MAX >> VISITED_AS_BITS {
            self.stamps = vec![0; objects];
            self.current = 0;
        }
        self.current += 1;
    }

    fn is_first(&mut self, key: ObjectKey, visited_as: VisitedAs) -> bool {
        let Some(stamp) = self.stamps.get_mut(key.index()) else { return false };
        if *stamp >> VISITED_AS_BITS != self.current {
            *stamp = self.current << VISITED_AS_BITS;
        }
        let before = *stamp;
        *stamp |= visited_as as u32;
        *stamp != before
    }
}

/// Whether a member is a group: by its type, else by what the id is in the snapshot.
fn is_group(snapshot: &Snapshot, member: Member) -> bool {
    match member.kind {
        MemberKind::Group => true,
        MemberKind::Unsaid => matches!(snapshot.row(member.key), ObjectRow::Group(_)),
        MemberKind::User | MemberKind::Device | MemberKind::ServicePrincipal => false,
    }
}

/// Whether a member can be a person who signs in.
fn is_user(snapshot: &Snapshot, member: Member) -> bool {
    match member.kind {
        MemberKind::User => true,
        MemberKind::Unsaid => matches!(snapshot.row(member.key), ObjectRow::User(_) | ObjectRow::Unlisted),
        MemberKind::Group | MemberKind::Device | MemberKind::ServicePrincipal => false,
    }
}

impl Reach {
    /// Walks one group.
    #[must_use]
    pub fn of_group(snapshot: &Snapshot, group: ObjectKey) -> Self {
        Self::walk(snapshot, group, &mut Visits::default())
    }

    /// Walks one group with visits that are kept between walks.
    #[must_use]
    pub fn walk(snapshot: &Snapshot, group: ObjectKey, visits: &mut Visits) -> Self {
        let mut reach = Self::default();
        visits.begin(snapshot.objects.len());
        visits.is_first(group, VisitedAs::Group);
        reach.groups.push(group);
        let mut at = 0;
        while let Some(key) = reach.groups.get(at).copied() {
            at += 1;
            let Some(group) = snapshot.group(key) else {
                // The group itself, when the complete list does not have it, is deleted and has nobody.
                let id = snapshot.objects.id(key);
                let why = match snapshot.groups.get() {
                    Err(why) => Some(format!("group `{id}` is not in the snapshot{}", because(why))),
                    Ok(_) if at > 1 => Some(format!("group `{id}` is not in the snapshot")),
                    Ok(_) => None,
                };
                reach.unknown = reach.unknown.take().or(why);
                continue;
            };
            let Some(members) = &group.members else {
                reach.unknown.get_or_insert_with(|| {
                    format!("the members of group `{}` are not in the snapshot", snapshot.name(key))
                });
                continue;
            };
            for member in members {
                if is_group(snapshot, *member) {
                    if visits.is_first(member.key, VisitedAs::Group) {
                        reach.groups.push(member.key);
                    }
                } else if is_user(snapshot, *member) && visits.is_first(member.key, VisitedAs::User) {
                    reach.users.push(member.key);
                }
            }
        }
        // What a list of groups has that is not complete is so; what it does not have may be so all the same.
        let why = || snapshot.groups.get().err().map(|why| format!("the list of groups is not complete: {why}"));
        reach.unknown = reach.unknown.take().or_else(why);
        reach
    }
}

/// The chain of groups from `group` down to the one that has `user` as a direct member; `None` when there is none.
#[must_use]
pub fn path(snapshot: &Snapshot, group: ObjectKey, user: ObjectKey) -> Option<Vec<ObjectKey>> {
    let mut visits = Visits::default();
    visits.begin(snapshot.objects.len());
    visits.is_first(group, VisitedAs::Group);
    let mut walk = vec![(group, usize::MAX)];
    let mut at = 0;
    while let Some((key, _)) = walk.get(at).copied() {
        let members = snapshot.group(key).and_then(|group| group.members.as_deref()).unwrap_or_default();
        if members.iter().any(|member| member.key == user && is_user(snapshot, *member)) {
            let mut chain = Vec::new();
            let mut link = at;
            while let Some((key, parent)) = walk.get(link).copied() {
                chain.push(key);
                link = parent;
            }
            chain.reverse();
            return Some(chain);
        }
        for member in members {
            if is_group(snapshot, *member) && visits.is_first(member.key, VisitedAs::Group) {
                walk.push((member.key, at));
            }
        }
        at += 1;
    }
    None
}
