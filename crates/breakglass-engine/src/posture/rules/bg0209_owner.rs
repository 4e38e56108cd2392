//! BG0209: somebody is recorded as responsible for each account, where the configuration asks for that.
//!
//! **Source:** the user resource's `manager`; the habit is that of public-sector baselines.

use breakglass_model::property::Property;
use serde_json::Value;

use super::super::{Case, Finding, Fix, Rule, Severity, Status, finding};
use super::account::{Judgement, each_account};

pub(super) struct Owner;

impl Rule for Owner {
    fn code(&self) -> &'static str {
        "BG0209"
    }

    fn title(&self) -> &'static str {
        "Each emergency account has a recorded owner"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["A7", "P6"]
    }

    fn severity(&self) -> Severity {
        Severity::Info
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** The directory names a person who answers for the account, as its `manager`, or the configuration \
does, as its `owner`.

**Why it matters.** An account that nobody answers for is neither rehearsed nor missed. In the situations E1 to E6 \
somebody has to know where the envelope is. Some organisations record that elsewhere and want no name on the account.

**How it is judged.** Only where the configuration asks for an owner. Then an account without a `manager` and without an \
`owner` in the configuration fails, info; where the export does not have the property, the answer is `unknown`.

**What to do.** Set the manager, or write `owner` beside the account in the configuration, or leave the setting off and keep the list of responsible people with the procedure.

**Source:** Graph, *List manager*; Guardrail checks of the Government of Canada (2026)."
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        if !case.settings.owner_is_required {
            let message = "The configuration does not ask for a recorded owner.";
            return vec![finding(self, Status::NotApplicable, message)];
        }
        each_account(self, case, "has a recorded owner", |account| match &account.user.detail().manager {
            Property::Absent | Property::Null if let Some(owner) = configured_owner(account) => {
                account.note(format!("By the configuration it is `{owner}`."));
            }
            Property::Absent => account.absent("manager"),
            Property::Null => {
                let message = format!("{} has no manager recorded, so nobody answers for it.", account.name());
                let text =
                    format!("Set a manager, with `PUT /v1.0/users/{}/manager/$ref` or in the portal.", account.id());
                account.fail(Severity::Info, message, Fix::text(text));
            }
            Property::Value(manager) => {
                let text = |name: &str| manager.get(name).and_then(Value::as_str);
                if let Some(owner) = text("userPrincipalName").or_else(|| text("displayName")).or_else(|| text("id")) {
                    account.note(format!("It is `{owner}`."));
                }
            }
        })
    }
}

/// Who answers for the account by the configuration.
fn configured_owner<'c>(account: &Judgement<'c>) -> Option<&'c str> {
    let case = account.case;
    let is_meant = |name: &str| case.snapshot.find_user(name).is_some_and(|user| user.key == account.user.key);
    case.settings.owners.iter().find(|(name, _)| is_meant(name)).map(|(_, owner)| owner.as_str())
}
