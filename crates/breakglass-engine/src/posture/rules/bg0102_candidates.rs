//! BG0102: with nobody declared, who looks like an emergency account, and why; a guess that proves nothing.
//!
//! **Source:** requirement A1; a candidate is a permanent Global Administrator, cloud-only, whom more enforced
//! policies exclude than anybody else of that kind, by its own id or by a small group.

use breakglass_model::object::ObjectKey;
use breakglass_model::policy::ConditionalAccessPolicyState;
use breakglass_model::property::Property;
use breakglass_model::snapshot::{ObjectRow, because};
use breakglass_model::well_known::GLOBAL_ADMINISTRATOR;

use super::super::{Case, Finding, Fix, Rule, Severity, Status, finding};
use super::role_holding::{Term, holdings};
use crate::access::membership::Reach;
use crate::access::scope::Atom;

pub(super) struct Candidates;

impl Rule for Candidates {
    fn code(&self) -> &'static str {
        "BG0102"
    }

    fn title(&self) -> &'static str {
        "No emergency account has to be guessed"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["A1", "X1"]
    }

    fn severity(&self) -> Severity {
        Severity::Info
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** When nobody is declared, the accounts that look like emergency accounts are shown with the \
reasons.

**Why it matters.** It saves searching. But looks deceive: an excluded service account looks the same, and a tool \
that takes it for an emergency account will report a way in that does not exist (situations E1 to E6).

**How it is judged.** A candidate is permanently and actively Global Administrator for the whole tenant, not \
synchronised and not a guest, and the enforced policies exclude it more often than any other such administrator, by \
its own id or by a group of at most 20 users. The finding is `unknown`, because a likeness is no evidence, and no \
other rule uses it. Once accounts are declared, nothing is guessed and the rule does not apply.

**What to do.** Ask who owns each candidate. Declare those that really are emergency accounts.

**Source:** the definition is this product's own; no tool's guess was found that had no wrong passes."
    }

    /// `unknown` for candidates: a pass would let a guess stand as evidence, and a failure would accuse a tenant
    /// whose accounts may be perfect of something that BG0101 says already.
    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        if case.accounts.is_declared {
            let message = "Emergency accounts are declared, so nobody is guessed.";
            return vec![finding(self, Status::NotApplicable, message)];
        }
        let looks: Vec<Look> = administrators(case).into_iter().filter_map(|key| look(case, key)).collect();
        let most = looks.iter().map(|look| look.excluded).max().unwrap_or_default();
        let best: Vec<&Look> = looks.iter().filter(|look| look.excluded == most && most > 0).collect();
        if best.is_empty() {
            let policies = case.snapshot.conditional_access_policies.why();
            let message = match (policies, case.access.classes().roles().unknown()) {
                (Some(why), _) => {
                    format!(
                        "Nobody is declared. Who looks like an emergency account cannot be told: the policies are not \
                         all there{}.",
                        because(why)
                    )
                }
                (None, Some(why)) => {
                    format!("Nobody is declared. Who looks like an emergency account cannot be told: {why}.")
                }
                (None, None) => "Nobody is declared, and nobody looks like an emergency account: no permanent, \
                                 cloud-only Global Administrator is excluded from an enforced policy by its own id or \
                                 a small group."
                    .to_owned(),
            };
            return vec![finding(self, Status::Unknown, message)];
        }
        let policies = enforced(case).count();
        let candidates = best.into_iter().take(CANDIDATES_MAX);
        candidates.map(|look| self.candidate(case, look, policies)).collect()
    }
}

/// So many candidates are shown.
const CANDIDATES_MAX: usize = 10;
/// A group with more users than this is an ordinary one.
const GROUP_USERS_MAX: usize = 20;

/// What makes a user look like an emergency account.
struct Look {
    key: ObjectKey,
    excluded: usize,
    by: String,
}

impl Candidates {
    fn candidate(&self, case: &Case<'_>, look: &Look, policies: usize) -> Finding {
        let (name, id) = (case.snapshot.name(look.key), case.snapshot.objects.id(look.key));
        let message = format!(
            "`{name}` looks like an emergency account: permanent Global Administrator, cloud-only, and excluded from \
             {} of {policies} enforced policies by {}. This is a guess and counts for nothing until you declare it.",
            look.excluded, look.by
        );
        let fix = Fix::text(format!("If `{name}` is an emergency account, declare it with `--account {id}`."));
        finding(self, Status::Unknown, message).about(vec![case.user(look.key)]).fixed_by(fix)
    }
}

/// Users that hold Global Administrator, directly or through a group.
fn administrators(case: &Case<'_>) -> Vec<ObjectKey> {
    let mut users = Vec::new();
    for principal in case.access.classes().roles().principals(GLOBAL_ADMINISTRATOR) {
        match case.snapshot.row(*principal) {
            ObjectRow::User(_) => users.push(*principal),
            ObjectRow::Group(_) => users.extend(Reach::of_group(case.snapshot, *principal).users),
            _ => {}
        }
    }
    users.sort();
    users.dedup();
    users
}

fn enforced<'c>(case: &Case<'c>) -> impl Iterator<Item = usize> + use<'c> {
    let is_enforced = |state: &ConditionalAccessPolicyState| *state == ConditionalAccessPolicyState::Enabled;
    let policies = case.access.policies().iter().enumerate();
    policies.filter(move |(_, policy)| is_enforced(&policy.state) && policy.targets_people()).map(|(index, _)| index)
}

fn look(case: &Case<'_>, key: ObjectKey) -> Option<Look> {
    let user = case.snapshot.user(key)?;
    if user.on_premises_sync_enabled == Property::Value(true) || user.has_external_name() {
        return None;
    }
    let held = holdings(case, key);
    let is_permanent =
        held.of_role(GLOBAL_ADMINISTRATOR).any(|held| held.scope.is_none() && held.term == Term::Permanent);
    if !is_permanent {
        return None;
    }
    let mut look = Look { key, excluded: 0, by: String::new() };
    for policy in enforced(case) {
        let standing = case.access.classes().standing(policy, Some(key));
        let by = match standing.by.filter(|_| standing.is_excluded) {
            Some(Atom::User(_)) => "its own id".to_owned(),
            Some(Atom::Group(group)) => {
                let group = case.snapshot.objects.find(group.as_str())?;
                let users = Reach::of_group(case.snapshot, group).users.len();
                if users > GROUP_USERS_MAX {
                    continue;
                }
                format!("group `{}`, which has {}", case.snapshot.name(group), counted(users, "user"))
            }
            _ => continue,
        };
        look.excluded += 1;
        if look.by.is_empty() {
            look.by = by;
        }
    }
    Some(look)
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
