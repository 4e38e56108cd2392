//! BG0305: where a policy still applies to an account and demands an authentication strength, the account meets it.
//!
//! **Source:** the authentication strength documentation; restrictions of a combination to certain models of key are
//! part of the strength.

use breakglass_model::policy::{ConditionalAccessPolicy, ConditionalAccessPolicyState};
use breakglass_model::snapshot::because;

use super::super::{Case, Finding, Fix, Rule, Severity};
use super::account::{Judgement, each_account};
use crate::access::Trit;
use crate::access::demand::{Control, Demand};
use crate::access::person::{Methods, control_is_met};

pub(super) struct StrengthsMet;

impl Rule for StrengthsMet {
    fn code(&self) -> &'static str {
        "BG0305"
    }

    fn title(&self) -> &'static str {
        "Each emergency account meets every authentication strength that is demanded of it"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["X1", "X4"]
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** If a policy that demands an authentication strength applies to the account at all, the account has \
a method that satisfies the strength.

**Why it matters.** A policy that demands phishing-resistant authentication of the emergency accounts is defensible, \
as long as they can meet it. Narrow the strength to another model of key, and the account is locked out by a policy \
that was meant for it (situations E1 and E2).

**How it is judged.** Every enforced policy whose users contain the account is looked at, whatever its other \
conditions. A demanded strength that none of the registered methods satisfies fails, high; allowed models of keys are \
taken into account. A strength that is one of several alternatives is no matter if another one can be met. Where the \
policies, the members of a group, the strength or the methods are not known, the answer is `unknown`. Report-only \
policies are BG0402's business.

**What to do.** Exclude the account from the policy, or register a method that satisfies the strength.

**Source:** Microsoft, *Conditional Access authentication strength*; *Manage emergency access accounts* (4 June 2026)."
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        each_account(self, case, "meets every authentication strength that is demanded of it", |account| {
            if let Some(why) = account.case.snapshot.conditional_access_policies.why() {
                account.doubt(format!("the policies are not all there{}", because(why)));
            }
            let policies = account.case.access.policies();
            for (index, policy) in policies.iter().enumerate() {
                let demand = Demand::of(policy);
                let has_strength =
                    demand.controls().iter().any(|one| matches!(one, Control::AuthenticationStrength(_)));
                if policy.state != ConditionalAccessPolicyState::Enabled {
                    continue;
                }
                match &demand {
                    Demand::Unknown(why) => judge_unknown(account, index, policy, why),
                    _ if has_strength => judge(account, index, policy, &demand),
                    _ => {}
                }
            }
        })
    }
}

fn judge(account: &mut Judgement<'_>, index: usize, policy: &ConditionalAccessPolicy, demand: &Demand) {
    let standing = account.case.access.classes().standing(index, Some(account.user.key));
    if standing.in_scope == Trit::No {
        return;
    }
    if account.methods().is_none() {
        return;
    }
    let met = is_met(account, policy, demand);
    let title = policy.name();
    match (standing.in_scope, met) {
        (_, Trit::Yes) => account.note(format!("The policy `{title}` demands a strength of it, which it meets.")),
        (Trit::Yes, Trit::No) => {
            let message = format!(
                "{} cannot meet the authentication strength that the policy `{title}` demands ({}): none of its \
                 registered methods satisfies it, so wherever the policy applies it is shut out.",
                account.name(),
                standing.because
            );
            let fix = format!("Exclude the account from `{title}`, or register a method that satisfies the strength.");
            account.fail_with(Severity::High, message, Fix::text(fix), vec![Case::policy(policy)]);
        }
        (Trit::Yes, _) => account.doubt(format!("whether it meets the strength that `{title}` demands is not known")),
        (_, _) => account.doubt(format!("it is not known whether `{title}` applies to it: {}", standing.because)),
    }
}

/// A policy that may demand a strength for all that is known of it.
fn judge_unknown(account: &mut Judgement<'_>, index: usize, policy: &ConditionalAccessPolicy, why: &str) {
    if account.case.access.classes().standing(index, Some(account.user.key)).in_scope != Trit::No {
        account.doubt(format!("whether the policy `{}` demands a strength of it is not known: {why}", policy.name()));
    }
}

/// Whether the strengths that are demanded are met, or an alternative to them is.
fn is_met(account: &Judgement<'_>, policy: &ConditionalAccessPolicy, demand: &Demand) -> Trit {
    let own = Methods::of(account.user);
    let is_asked = |control: &&Control| {
        // What else is demanded besides is for the rules about scope.
        matches!(demand, Demand::Any(_)) || matches!(control, Control::AuthenticationStrength(_))
    };
    let asked = demand.controls().iter().filter(is_asked);
    let each = asked.map(|control| control_is_met(account.case.snapshot, policy, control, &own));
    let is_met = if matches!(demand, Demand::Any(_)) { each.max() } else { each.min() };
    is_met.unwrap_or(Trit::Yes)
}
