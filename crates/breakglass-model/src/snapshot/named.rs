//! Users that an export names and does not have.
//!
//! Where the list of users is not complete, whoever is not in it may sign in all the same. For questions that have to
//! reckon with such people they become users of whom nothing is exported.
//!
//! **Invariant:** the list is as incomplete afterwards as it was before; nothing that was in it is another.

use std::collections::BTreeSet;

use super::builder::index;
use super::{ObjectRow, Snapshot};
use crate::group::MemberKind;
use crate::object::{ObjectKey, ObjectTableFull};
use crate::property::Property;
use crate::role::management_rules;
use crate::user::User;

/// The id of the user that stands for everybody whom the export does not even name.
pub const SOMEBODY_ELSE: &str = "somebody-who-is-not-in-the-snapshot";

impl Snapshot {
    /// Makes users of whom nothing is exported of those that policies, groups, role assignments and approvals name and
    /// that no list has, and one more, [`SOMEBODY_ELSE`]. Nothing is done where the list of users is complete; done
    /// again, it adds those that are named since.
    ///
    /// # Errors
    /// When there are more objects than ids can be numbered.
    pub fn add_named_users(&mut self) -> Result<(), ObjectTableFull> {
        if self.users.is_complete() {
            return Ok(());
        }
        let mut names = self.named_by_policies_and_groups();
        // An id of whom it is not even known that it is no group stays one that cannot be told.
        if self.groups.is_complete() {
            names.extend(self.named_by_roles());
        }
        names.remove(SOMEBODY_ELSE);
        let first = self.users.items().len();
        for name in names.iter().map(String::as_str).chain([SOMEBODY_ELSE]) {
            let key = self.objects.intern(name)?;
            if self.row(key) == ObjectRow::Unlisted {
                let row = ObjectRow::User(index(self.users.items().len())?);
                self.users.grow().push(only_named(key));
                self.place(key, row);
            }
        }
        self.named_users_from.get_or_insert(first);
        Ok(())
    }

    /// Whether a user is one that the export only names ([`Snapshot::add_named_users`]).
    #[must_use]
    pub fn is_only_named(&self, key: ObjectKey) -> bool {
        matches!((self.row(key), self.named_users_from), (ObjectRow::User(at), Some(from)) if at as usize >= from)
    }

    /// The user that stands for everybody whom the export does not even name, where that is needed.
    #[must_use]
    pub fn somebody_else(&self) -> Option<ObjectKey> {
        self.objects.find(SOMEBODY_ELSE).filter(|key| self.is_only_named(*key))
    }

    fn named_by_policies_and_groups(&self) -> BTreeSet<String> {
        let policies = self.conditional_access_policies.items().iter();
        let users = policies.filter_map(|policy| policy.conditions.users.as_ref());
        let named = users.flat_map(|users| users.include_users.iter().chain(&users.exclude_users));
        let is_id = |name: &&String| !matches!(name.as_str(), "All" | "None" | "GuestsOrExternalUsers");
        let members = self.groups.items().iter().flat_map(|group| group.members.iter().flatten());
        let people = members.filter(|member| matches!(member.kind, MemberKind::User | MemberKind::Unsaid));
        let people = people.map(|member| self.objects.id(member.key).to_owned());
        named.filter(is_id).cloned().chain(people).collect()
    }

    fn named_by_roles(&self) -> BTreeSet<String> {
        let lists = [
            &self.role_assignments,
            &self.role_assignment_schedule_instances,
            &self.role_eligibility_schedule_instances,
        ];
        let principals = lists.into_iter().flat_map(|list| list.items()).map(|one| one.principal_id.to_string());
        let rules = self.role_management_policies.items().iter().filter_map(management_rules).flatten();
        let stages = rules.filter_map(|rule| rule.get("setting")?.get("approvalStages")?.as_array()).flatten();
        let approvers = stages.filter_map(|stage| stage.get("primaryApprovers")?.as_array()).flatten();
        let approvers = approvers.filter_map(|one| ["userId", "id"].iter().find_map(|name| one.get(*name)?.as_str()));
        principals.chain(approvers.map(str::to_owned)).filter(|id| !id.is_empty()).collect()
    }
}

fn only_named(key: ObjectKey) -> User {
    User {
        key,
        user_principal_name: None,
        display_name: None,
        account_enabled: Property::Absent,
        user_type: Property::Absent,
        on_premises_sync_enabled: Property::Absent,
        detail: None,
    }
}
