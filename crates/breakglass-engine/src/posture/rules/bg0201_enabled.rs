//! BG0201: each account is enabled and not deleted.
//!
//! **Source:** requirement A6; the user resource's `accountEnabled` and `deletedDateTime`, `deletedItems`.

use breakglass_model::property::Property;
use breakglass_model::snapshot::Resource;
use breakglass_model::user::User;
use serde_json::json;

use super::super::{Case, Finding, ObjectKind, ObjectReference, Rule, Severity, Status, finding};
use super::account::{each_account, fix, patch_user, text, without_list};

pub(super) struct Enabled;

impl Rule for Enabled {
    fn code(&self) -> &'static str {
        "BG0201"
    }

    fn title(&self) -> &'static str {
        "Each emergency account is enabled and not deleted"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["A6", "W5"]
    }

    fn severity(&self) -> Severity {
        Severity::Critical
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** The account may sign in: nobody switched it off and nobody put it into the bin.

**Why it matters.** A disabled account refuses the right password and the right key alike (error 50057). It is the \
most ordinary way to lose an emergency account: a tidy-up, a script for unused accounts. It takes the way out of every \
situation E1 to E6.

**How it is judged.** `accountEnabled` must be true. A declared account among the deleted users fails. Where the \
export has no `accountEnabled`, or no deleted users to look a missing account up in, the answer is `unknown`.

**What to do.** Switch the account on, or restore it from the deleted users within 30 days; then sign in with it once \
as a drill, because a restored account may have lost its role.

**Source:** Microsoft Graph, resource *user*; Microsoft, *Manage emergency access accounts* (4 June 2026)."
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        let mut findings: Vec<Finding> = deleted(case).map(|(name, user)| self.in_the_bin(case, name, user)).collect();
        if let (true, false, Some(why)) =
            (findings.is_empty(), case.accounts.unresolved.is_empty(), case.snapshot.deleted_users.why())
        {
            let what = "It cannot be told whether a declared account that was not found is deleted";
            findings.push(without_list(self, Resource::DeletedUsers, what, why));
        }
        findings.extend(each_account(self, case, "is enabled and not deleted", |account| {
            let (name, id) = (account.name(), account.id());
            if let Some(at) = text(&account.user.detail().deleted_date_time) {
                let restore = restore(id);
                account.fail(
                    Severity::Critical,
                    format!("{name} was deleted at {at}. Nobody can sign in with it."),
                    restore,
                );
            }
            match &account.user.account_enabled {
                Property::Value(true) => {}
                Property::Value(false) => {
                    let enable = patch_user("Enable the account.", id, json!({ "accountEnabled": true }));
                    let message = format!(
                        "{name} is disabled. The right password and the right key are refused, so this way in is shut."
                    );
                    account.fail(Severity::Critical, message, enable);
                }
                Property::Null => account.doubt("`accountEnabled` is null"),
                Property::Absent => account.absent("accountEnabled"),
            }
        }));
        findings
    }
}

impl Enabled {
    fn in_the_bin(&self, case: &Case<'_>, name: &str, user: &User) -> Finding {
        let id = case.snapshot.objects.id(user.key);
        let message =
            format!("`{name}` was deleted. Nobody can sign in with it, and after 30 days it is gone for good.");
        let about = ObjectReference { kind: ObjectKind::User, id: id.to_owned(), name: name.to_owned() };
        finding(self, Status::Fail, message).about(vec![about]).fixed_by(restore(id))
    }
}

fn restore(id: &str) -> super::super::Fix {
    let text = "Restore the account within 30 days of its deletion, then check its role and its methods.";
    fix(text, "POST", format!("/v1.0/directory/deletedItems/{id}/restore"), None)
}

/// Declared accounts among the deleted users, with the names by which they were declared. Graph puts the id before
/// the sign-in name of a deleted user.
fn deleted<'c>(case: &'c Case<'_>) -> impl Iterator<Item = (&'c str, &'c User)> {
    case.snapshot.deleted_users.items().iter().filter_map(|user| {
        let id = case.snapshot.objects.id(user.key);
        let upn = user.user_principal_name.as_deref().unwrap_or_default().to_ascii_lowercase();
        let is_it = |name: &&str| {
            let name = name.to_ascii_lowercase();
            name == id.to_ascii_lowercase() || name == upn || (name.contains('@') && upn.ends_with(&name))
        };
        let declared = case.accounts.unresolved.iter().map(|one| one.declared.name.as_str()).find(is_it);
        let is_member = case.accounts.keys.contains(&user.key) && case.snapshot.user(user.key).is_none();
        declared.or(is_member.then_some(id)).map(|name| (name, user))
    })
}
