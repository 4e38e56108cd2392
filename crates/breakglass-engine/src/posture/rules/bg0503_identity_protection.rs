//! BG0503: Identity Protection's own policies, which stand beside Conditional Access, leave the accounts alone.
//!
//! Graph does not publish these policies, so the form is ours: a `displayName` or `policyType` that says which one it
//! is, `isEnabled` or `state`, and `users` as in a Conditional Access policy. What does not fit is a doubt.
//!
//! **Source:** the Identity Protection policies documentation of 15 May 2026: the risk policies are retired on
//! 1 October 2026, the policy for multifactor registration remains.

use breakglass_model::policy::ConditionalAccessUsers;
use breakglass_model::property::is_annotation;
use breakglass_model::snapshot::{Resource, because};
use breakglass_model::tenant::GraphObject;
use serde::Deserialize;
use serde_json::Value;

use super::super::{Case, Finding, Fix, ObjectKind, ObjectReference, Rule, Severity};
use super::account::{Judgement, each_account, nobody, without_list};
use super::role_holding::{Holding, holdings};
use crate::access::Trit;
use crate::access::identity_protection::{OwnPolicy, RISK_POLICIES_RETIRED, is_enabled, kind};
use crate::access::membership::Reach;
use crate::access::scope::{Atom, GuestKind, Side, atoms, guest_kind};

pub(super) struct IdentityProtection;

impl Rule for IdentityProtection {
    fn code(&self) -> &'static str {
        "BG0503"
    }

    fn title(&self) -> &'static str {
        "Identity Protection's own policies exclude each emergency account"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["X5"]
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** Identity Protection has policies of its own: two old ones for user risk and sign-in risk, and one \
that makes people register for multifactor authentication. Each emergency account is excluded from them.

**Why it matters.** An emergency sign-in looks risky: an account that never signs in, from an unusual place, at night. \
The old risk policies then block it or demand a password change; the registration policy holds it up with a form. They \
do not show among the Conditional Access policies (situations E2 and E4).

**How it is judged.** An enabled policy of these whose users contain an account fails, high. The risk policies were \
retired on 1 October 2026: after that date their presence is only reported. Graph does not publish these policies; \
where they are not in the snapshot, or are written in a form that is not understood, the answer is `unknown`.

**What to do.** Exclude the accounts' group from the registration policy, and move the risk policies to Conditional \
Access, with the exclusion.

**Source:** Microsoft, *Risk-based access policies* (15 May 2026)."
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        if let Some(nobody) = nobody(self, case) {
            return vec![nobody];
        }
        let policies = &case.snapshot.identity_protection_policies;
        if let (None, Some(why)) = (policies.as_present(), policies.why()) {
            let what = "It cannot be told whether Identity Protection's own policies exclude the emergency accounts";
            return vec![without_list(self, Resource::IdentityProtectionPolicies, what, why)];
        }
        each_account(self, case, "is not stopped by a policy of Identity Protection's own", |account| {
            if let Some(why) = policies.why() {
                account.doubt(format!("Identity Protection's own policies are not all there{}", because(why)));
            }
            policies.items().iter().for_each(|policy| judge(account, policy));
        })
    }
}

fn judge(account: &mut Judgement<'_>, policy: &GraphObject) {
    let title = policy.text("displayName").or_else(|| policy.text("id")).unwrap_or("without a name");
    let Some(kind) = kind(policy) else {
        return account.doubt(format!("what kind of policy `{title}` is cannot be told"));
    };
    let is_retired = matches!(kind, OwnPolicy::Risk) && account.case.now >= RISK_POLICIES_RETIRED;
    match is_enabled(policy) {
        Some(false) => return,
        _ if is_retired => {
            return account
                .note(format!("The risk policy `{title}` is still there; it was retired on 1 October 2026."));
        }
        Some(true) => {}
        None => return account.doubt(format!("whether `{title}` is enabled is not in the export")),
    }
    let users = policy.0.get("users").or_else(|| policy.at(&["conditions", "users"]));
    let in_scope = users.map_or(Trit::Unknown, |users| in_scope(account, users));
    let about = ObjectReference {
        kind: ObjectKind::Policy,
        id: policy.text("id").unwrap_or(title).to_owned(),
        name: title.to_owned(),
    };
    let name = account.name();
    let message = match (in_scope, kind) {
        (Trit::No, OwnPolicy::Registration) => return,
        (Trit::No, OwnPolicy::Risk) => {
            return account
                .note(format!("The old risk policy `{title}` is still there: move it to Conditional Access."));
        }
        (Trit::Unknown, _) => {
            return account.doubt(format!("whether `{title}` contains the account is not in the snapshot"));
        }
        (Trit::Yes, OwnPolicy::Registration) => format!(
            "{name} is in the registration policy `{title}` of Identity Protection, which can hold up its sign-in \
             with a demand to register methods."
        ),
        (Trit::Yes, OwnPolicy::Risk) => format!(
            "{name} is in the risk policy `{title}` of Identity Protection. An emergency sign-in looks risky, and this \
             policy then stops it, whatever Conditional Access says."
        ),
    };
    let fix = Fix::text(format!("Exclude the emergency accounts from `{title}` in the Identity Protection settings."));
    account.fail_with(Severity::High, message, fix, vec![about]);
}

/// Lists that together say whom a policy includes; who is in none of them is outside only if all of them are there.
const INCLUDE_LISTS: [&str; 3] = ["includeUsers", "includeGroups", "includeRoles"];

fn in_scope(account: &Judgement<'_>, written: &Value) -> Trit {
    let Ok(users) = ConditionalAccessUsers::deserialize(written) else { return Trit::Unknown };
    let is_whole = INCLUDE_LISTS.iter().all(|name| written.get(*name).is_some())
        && users.rest.keys().all(|name| is_annotation(name));
    let side = |side| atoms(&users, side).iter().map(|atom| has(account, atom)).max().unwrap_or(Trit::No);
    let included = side(Side::Include).or(if is_whole { Trit::No } else { Trit::Unknown });
    included.and(side(Side::Exclude).negated())
}

fn has(account: &Judgement<'_>, atom: &Atom) -> Trit {
    let snapshot = account.case.snapshot;
    match atom {
        Atom::All => Trit::Yes,
        Atom::User(id) => (id == account.id()).into(),
        Atom::Group(id) => match snapshot.objects.find(id.as_str()) {
            None if snapshot.groups.is_complete() => Trit::No,
            None => Trit::Unknown,
            Some(group) => {
                let reach = Reach::of_group(snapshot, group);
                let otherwise = if reach.unknown.is_some() { Trit::Unknown } else { Trit::No };
                Trit::from(reach.users.contains(&account.user.key)).or(otherwise)
            }
        },
        Atom::Role(role) => {
            let held = holdings(account.case, account.user.key);
            let is_held = held.of_role(role.as_str()).any(Holding::is_active_everywhere);
            let otherwise = if held.doubt_about(role.as_str()).is_some() { Trit::Unknown } else { Trit::No };
            Trit::from(is_held).or(otherwise)
        }
        Atom::GuestsOrExternalUsers | Atom::Guests(_) => match guest_kind(account.user) {
            GuestKind::Member => Trit::No,
            GuestKind::Guest(_) | GuestKind::Unsaid => Trit::Unknown,
        },
    }
}
