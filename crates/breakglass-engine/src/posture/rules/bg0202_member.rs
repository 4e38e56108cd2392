//! BG0202: each account is a member of this tenant, not a guest.
//!
//! **Source:** requirement A3; what tells a guest is the same as for Conditional Access.

use breakglass_model::policy::GuestOrExternalUserType;

use super::super::{Case, Finding, Fix, Rule, Severity};
use super::account::each_account;
use crate::access::scope::{GuestKind, guest_kind};

pub(super) struct Member;

impl Rule for Member {
    fn code(&self) -> &'static str {
        "BG0202"
    }

    fn title(&self) -> &'static str {
        "Each emergency account is a member of the tenant and no guest"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["A3"]
    }

    fn severity(&self) -> Severity {
        Severity::Critical
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** The account lives in this tenant. A guest lives elsewhere and only visits.

**Why it matters.** A guest proves itself at its home tenant or provider. When that one is down, hostile, or throws \
the person out, this tenant has no say. Policies about guests, and access reviews of guests, meet it as well. \
Situations E4 and E5 are then no longer in your hands.

**How it is judged.** `userType` must be `Member`, and nothing may say that the account was invited: no `#EXT#` in its \
sign-in name, no `creationType` of `Invitation`, no `externalUserState`. A `userType` of null counts as a member, as \
Graph writes it for old accounts. Where one of `userType`, `creationType` and `externalUserState` \
is absent and nothing else shows an invitation, the answer is `unknown`: a sign-in name can be changed, and an \
account that was invited later keeps its own.

**What to do.** Create a new member account on the tenant's `onmicrosoft.com` domain. Changing `userType` alone leaves \
the sign-in at the other tenant.

**Source:** Microsoft Graph, resource *user*; Conditional Access documentation, external users."
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        each_account(self, case, "is a member of this tenant", |account| match guest_kind(account.user) {
            GuestKind::Member => {
                let detail = account.user.detail();
                for (name, property) in
                    [("creationType", &detail.creation_type), ("externalUserState", &detail.external_user_state)]
                {
                    if property.is_absent() {
                        account.absent(name);
                    }
                }
            }
            GuestKind::Guest(kind) => {
                let name = account.name();
                let message = match kind {
                    GuestOrExternalUserType::InternalGuest => format!(
                        "{name} is marked as a guest. Policies, reviews and clean-ups that are meant for guests reach \
                         it, and guests are the first whom somebody shuts out."
                    ),
                    _ => format!(
                        "{name} is an external account: it proves itself at another tenant or provider, on which you \
                         cannot rely in an emergency."
                    ),
                };
                account.fail(Severity::Critical, message, Fix::text(REPLACE));
            }
            GuestKind::Unsaid if account.user.has_external_name() => {
                let message = format!(
                    "{} has the sign-in name of an invited account (`#EXT#`): it proves itself at another tenant or \
                     provider, on which you cannot rely in an emergency.",
                    account.name()
                );
                account.fail(Severity::Critical, message, Fix::text(REPLACE));
            }
            GuestKind::Unsaid => account.absent("userType"),
        })
    }
}

const REPLACE: &str = "Create a member account on the `onmicrosoft.com` domain, give it the role and the exclusions, and \
                       delete this one.";
