//! Which change notifications a change causes: queued in the transaction that makes the change, so that none is lost and
//! none tells what did not happen.
//!
//! **Limits:** [`NOTICE_COUNT_MAX`].
//! **Source:** "subscription resource type": of users and groups `updated` tells that one was created, updated, restored
//! or deleted for a while, and `deleted` that one is gone for good.

use std::collections::BTreeMap;

use breakglass_model::snapshot::Resource;
use serde_json::json;

use super::{Change, Directory, Object, Shelf, id_of, text};

/// Notifications that wait at a time; more are not queued, as Graph drops what an endpoint is too slow for.
const NOTICE_COUNT_MAX: usize = 10_000;

/// What became of an object for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Updated,
    Deleted,
}

impl What {
    const fn change_type(self) -> &'static str {
        match self {
            Self::Updated => "updated",
            Self::Deleted => "deleted",
        }
    }
}

/// The changes that queue what these changes cause.
pub(super) fn queued(directory: &Directory, changes: &[Change]) -> Vec<Change> {
    if directory.all_shelved(Shelf::Subscriptions).next().is_none() {
        return Vec::new();
    }
    let (mut count, mut number) = (0, 0);
    for (name, _) in directory.all_shelved(Shelf::ChangeNotifications) {
        (count, number) = (count + 1, name.parse::<u64>().unwrap_or(number));
    }
    let mut caused = Vec::new();
    for ((list, id), what) in events(directory, changes) {
        let wanted = directory.all_shelved(Shelf::Subscriptions);
        for (subscription, _) in wanted.filter(|(_, subscription)| is_about(subscription, (list, &id), what)) {
            if count >= NOTICE_COUNT_MAX {
                return caused;
            }
            (count, number) = (count + 1, number + 1);
            let mut notice = Object::new();
            // Numbers begin again where the queue was empty; whoever hears a notification twice tells it by this.
            let heard = directory.notices + u64::try_from(caused.len()).unwrap_or(u64::MAX);
            notice.insert("id".to_owned(), json!(format!("{}-{heard}", directory.epoch())));
            notice.insert("subscriptionId".to_owned(), json!(subscription));
            notice.insert("changeType".to_owned(), json!(what.change_type()));
            notice.insert("list".to_owned(), json!(list));
            notice.insert("objectId".to_owned(), json!(id));
            // As many digits as the largest number has, so that names are in the order of numbers.
            caused.push(Change::Shelve(Shelf::ChangeNotifications, format!("{number:020}"), notice));
        }
    }
    caused
}

/// What became of users and groups, by their list and id.
fn events(directory: &Directory, changes: &[Change]) -> BTreeMap<(&'static str, String), What> {
    let mut events = BTreeMap::new();
    for change in changes {
        let (list, id, what) = match change {
            Change::Put(resource @ (Resource::Users | Resource::Groups), object) => {
                let Some(id) = id_of(object) else { continue };
                if directory.object(*resource, &id) == Some(object) {
                    continue;
                }
                (list_of(*resource), id, What::Updated)
            }
            Change::Put(Resource::DeletedUsers, object) => ("users", id_of(object).unwrap_or_default(), What::Updated),
            Change::Shelve(Shelf::DeletedGroups, id, _) => ("groups", id.to_ascii_lowercase(), What::Updated),
            Change::Remove(resource @ (Resource::Users | Resource::Groups), id) => {
                (list_of(*resource), id.to_ascii_lowercase(), What::Deleted)
            }
            Change::Remove(Resource::DeletedUsers, id) => ("users", id.to_ascii_lowercase(), What::Deleted),
            Change::Unshelve(Shelf::DeletedGroups, id) => ("groups", id.to_ascii_lowercase(), What::Deleted),
            _ => continue,
        };
        // Whatever is put somewhere else by the same change is not gone.
        let known = events.entry((list, id)).or_insert(what);
        if what == What::Updated {
            *known = what;
        }
    }
    events
}

const fn list_of(resource: Resource) -> &'static str {
    if matches!(resource, Resource::Users) { "users" } else { "groups" }
}

/// Whether a subscription wants to know.
fn is_about(subscription: &Object, (list, id): (&str, &str), what: What) -> bool {
    let types = text(subscription, "changeType").unwrap_or_default().split(',');
    let mut parts = text(subscription, "resource").unwrap_or_default().trim_matches('/').split('/');
    let is_list = parts.next().is_some_and(|known| known.eq_ignore_ascii_case(list));
    let is_it = parts.next().is_none_or(|known| known.eq_ignore_ascii_case(id));
    is_list && is_it && types.into_iter().any(|known| known.trim() == what.change_type())
}

#[cfg(test)]
mod tests {
    use breakglass_model::snapshot::Resource;
    use serde_json::{Value, json};

    use super::queued;
    use crate::state::{Change, Directory, Object, Shelf, text};

    fn object(value: Value) -> Object {
        value.as_object().cloned().unwrap()
    }

    fn directory(resource: &str, types: &str) -> Directory {
        let mut directory = Directory::default();
        directory.apply(Change::Put(Resource::Users, object(json!({ "id": "a", "displayName": "A" }))));
        let subscription = json!({ "id": "s", "resource": resource, "changeType": types });
        directory.apply(Change::shelve(Shelf::Subscriptions, object(subscription)));
        directory
    }

    fn types(directory: &Directory, changes: &[Change]) -> Vec<String> {
        let notice = |change: Change| match change {
            Change::Shelve(Shelf::ChangeNotifications, _, notice) => text(&notice, "changeType").map(str::to_owned),
            _ => None,
        };
        queued(directory, changes).into_iter().map(|change| notice(change).unwrap()).collect()
    }

    fn put(resource: Resource, id: &str, name: &str) -> Change {
        Change::Put(resource, object(json!({ "id": id, "displayName": name })))
    }

    #[test]
    fn whoever_is_deleted_for_a_while_is_updated_and_gone_for_good_deleted() {
        let all = directory("users", "updated,deleted");
        let (gone, kept) = (Change::Remove(Resource::Users, "A".to_owned()), put(Resource::DeletedUsers, "a", "A"));
        assert_eq!(types(&all, &[put(Resource::Users, "b", "B")]), ["updated"]);
        assert_eq!(types(&all, &[gone.clone(), kept.clone()]), ["updated"]);
        assert_eq!(types(&all, &[kept, gone.clone()]), ["updated"]);
        assert_eq!(types(&all, &[gone]), ["deleted"]);
        assert_eq!(types(&all, &[Change::Remove(Resource::DeletedUsers, "c".to_owned())]), ["deleted"]);
        assert_eq!(types(&all, &[put(Resource::Users, "a", "A")]), [""; 0], "nothing was changed");
        assert_eq!(types(&all, &[put(Resource::Groups, "g", "G")]), [""; 0]);
    }

    #[test]
    fn a_subscription_hears_what_it_is_about() {
        let change = [put(Resource::Users, "a", "Another")];
        for (resource, wanted, count) in [
            ("users", "updated", 1),
            ("/Users/", "updated", 1),
            ("users/a", "updated, deleted", 1),
            ("users/A", "updated", 1),
            ("users/b", "updated", 0),
            ("users", "deleted", 0),
            ("groups", "updated", 0),
        ] {
            assert_eq!(types(&directory(resource, wanted), &change).len(), count, "{resource} {wanted}");
        }
    }

    #[test]
    fn the_queue_has_an_end_and_keeps_its_order() {
        let mut all = directory("users", "updated");
        let last = Change::Shelve(Shelf::ChangeNotifications, format!("{:020}", 41), Object::new());
        all.apply(last);
        let changes = [put(Resource::Users, "b", "B"), put(Resource::Users, "c", "C")];
        let names = queued(&all, &changes).into_iter().map(|change| match change {
            Change::Shelve(_, name, _) => name.parse::<u64>().unwrap(),
            other => panic!("{other:?}"),
        });
        assert_eq!(names.collect::<Vec<_>>(), [42, 43]);
        for number in 42..=super::NOTICE_COUNT_MAX {
            all.apply(Change::Shelve(Shelf::ChangeNotifications, format!("{number:020}"), Object::new()));
        }
        assert_eq!(types(&all, &[put(Resource::Users, "d", "D")]).len(), 1);
        assert_eq!(
            queued(&all, &(0..100).map(|n| put(Resource::Users, &format!("n{n}"), "N")).collect::<Vec<_>>()).len(),
            40
        );
    }
}
