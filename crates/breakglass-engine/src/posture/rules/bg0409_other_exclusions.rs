//! BG0409: whoever else a policy excludes is covered by another one.
//!
//! **Source:** requirement X1: the exemption is for the emergency accounts alone; directory synchronisation accounts
//! are excluded by Microsoft's own advice.

use breakglass_model::ids::GroupId;
use breakglass_model::object::ObjectKey;
use breakglass_model::policy::ConditionalAccessPolicy;
use breakglass_model::snapshot::ObjectRow;
use breakglass_model::well_known::{DIRECTORY_SYNCHRONIZATION_ACCOUNTS, built_in_role};

use super::super::{Case, Finding, Fix, ObjectKind, ObjectReference, Rule, Severity, Status, finding};
use super::account::{names, nobody};
use super::exclusion::condition_words;
use super::scope::{self, Candidate, ExcludedGroups, Force};
use crate::access::Trit;
use crate::access::demand::Demand;
use crate::access::membership::Reach;
use crate::access::scope::{Atom, Side, atoms};

pub(super) struct OtherExclusions;

impl Rule for OtherExclusions {
    fn code(&self) -> &'static str {
        "BG0409"
    }

    fn title(&self) -> &'static str {
        "Whoever else is excluded from a policy is covered by another"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["X1", "X8"]
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** Only the emergency accounts, the directory synchronisation accounts and what the configuration \
accepts are outside the policies. Any other excluded user, group or role meets another policy instead.

**Why it matters.** An exclusion that was meant for a week is how an attacker comes in without a second factor \
(situation E4), and it hides among the exclusions of the emergency accounts.

**How it is judged.** An object excluded from an enforced policy with a demand is covered if another such policy \
names it among its includes, or has everybody in it in scope and is about all resources with no further condition. \
Otherwise the rule fails, medium. Members that are not in the snapshot give `unknown`. A group with an emergency \
account in it is judged by BG0406.

**What to do.** Cover the object by a policy of its own, or end the exclusion, or list its id under \
`accepted_exclusions` if it is meant to be so.

**Source:** requirement X1; the check for exclusion gaps that several public tools make."
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        if let Some(finding) = nobody(self, case).or_else(|| scope::no_policies(self, case)) {
            return vec![finding];
        }
        let (candidates, _) = scope::policies(case);
        let groups = ExcludedGroups::of(case, &candidates);
        let demands = case.access.compiled().demands();
        let demanding = |candidate: &&Candidate<'_>| {
            candidate.force == Force::Enforced
                && demands.get(candidate.index).is_some_and(|demand| *demand != Demand::Nothing)
        };
        let demanding: Vec<Candidate<'_>> = candidates.iter().filter(demanding).copied().collect();
        let excluded = excluded(case, &demanding, &groups);
        let mut findings: Vec<Finding> = scope::unsaid_policies(self, case).into_iter().collect();
        if excluded.is_empty() && findings.is_empty() {
            let message = "No enforced policy excludes anybody beside the emergency accounts, or only who may be.";
            return vec![finding(self, Status::Pass, message)];
        }
        for (atom, policies) in &excluded {
            let each = policies.iter().map(|policy| is_covered(case, &demanding, *policy, atom));
            let (covered, why) = each.min_by_key(|(covered, _)| *covered).unwrap_or((Trit::Yes, String::new()));
            if covered != Trit::Yes {
                findings.push(self.gap(case, atom, policies, (covered, why)));
            }
        }
        if findings.is_empty() {
            let count = scope::counted(excluded.len(), "other object is", "other objects are");
            let message = format!("{count} excluded from some policy, and covered by another.");
            findings.push(finding(self, Status::Pass, message));
        }
        findings
    }
}

impl OtherExclusions {
    fn gap(&self, case: &Case<'_>, atom: &Atom, policies: &[Candidate<'_>], covered: (Trit, String)) -> Finding {
        let who = words(case, atom);
        let from = names(policies.iter().map(|candidate| candidate.policy.name()));
        let mut about: Vec<ObjectReference> = reference(case, atom).into_iter().collect();
        about.extend(policies.iter().map(|candidate| Case::policy(candidate.policy)));
        if covered.0 == Trit::Unknown {
            let message =
                format!("Whether {who}, excluded from {from}, is covered elsewhere cannot be told: {}.", covered.1);
            return finding(self, Status::Unknown, message).about(about);
        }
        let message = format!("Excluded from {from} and covered by no other enforced policy: {who}.");
        let fix = "Cover it by a policy of its own, end the exclusion, or list it as an accepted exclusion.";
        finding(self, Status::Fail, message).about(about).fixed_by(Fix::text(fix))
    }
}

/// Who is excluded beside the emergency accounts, and from which policies.
fn excluded<'a>(
    case: &Case<'_>,
    demanding: &[Candidate<'a>],
    groups: &ExcludedGroups,
) -> Vec<(Atom, Vec<Candidate<'a>>)> {
    let mut all: Vec<(Atom, Vec<Candidate<'a>>)> = Vec::new();
    for candidate in demanding {
        let Some(users) = &candidate.policy.conditions.users else { continue };
        for atom in atoms(users, Side::Exclude) {
            if is_accepted(case, &atom, groups) {
                continue;
            }
            match all.iter_mut().find(|(known, _)| *known == atom) {
                Some((_, policies)) => policies.push(*candidate),
                None => all.push((atom, vec![*candidate])),
            }
        }
    }
    all
}

fn is_accepted(case: &Case<'_>, atom: &Atom, groups: &ExcludedGroups) -> bool {
    let is_listed = |id: &str| case.settings.accepted_exclusions.iter().any(|accepted| accepted == id);
    match atom {
        // Whoever excludes everybody has a policy about nobody.
        Atom::All => true,
        Atom::User(id) => {
            let key = case.snapshot.objects.find(id);
            let synchronises = case.access.classes().roles().principals(DIRECTORY_SYNCHRONIZATION_ACCOUNTS);
            is_listed(id) || key.is_some_and(|key| case.accounts.keys.contains(&key) || synchronises.contains(&key))
                // BG0408 reports it if it is deleted.
                || (key.is_none() && case.snapshot.users.is_complete())
        }
        Atom::Group(id) => {
            let has_nobody = |id: &GroupId| {
                groups.group(id).is_none_or(|group| group.reach.unknown.is_none() && group.reach.users.is_empty())
            };
            is_listed(id.as_str())
                || groups
                    .group(id)
                    .is_some_and(|group| !group.accounts.is_empty() || case.accounts.groups.contains(&group.key))
                || (case.snapshot.groups.is_complete() && has_nobody(id))
        }
        Atom::Role(id) => id.as_str() == DIRECTORY_SYNCHRONIZATION_ACCOUNTS || is_listed(id.as_str()),
        Atom::GuestsOrExternalUsers | Atom::Guests(_) => false,
    }
}

/// Whether an object that one policy excludes is covered by another, and why that cannot be told.
fn is_covered(case: &Case<'_>, demanding: &[Candidate<'_>], from: Candidate<'_>, atom: &Atom) -> (Trit, String) {
    let others: Vec<&Candidate<'_>> = demanding.iter().filter(|other| other.index != from.index).collect();
    let names_it = |other: &&&Candidate<'_>| {
        other.policy.conditions.users.as_ref().is_some_and(|users| {
            atoms(users, Side::Include).contains(atom) && !atoms(users, Side::Exclude).contains(atom)
        })
    };
    if others.iter().any(|other| names_it(&other)) {
        return (Trit::Yes, String::new());
    }
    let broad: Vec<&Candidate<'_>> = others.into_iter().filter(|other| is_broad(other.policy)).collect();
    let (users, unknown) = match atom {
        Atom::User(id) => match case.snapshot.objects.find(id) {
            Some(key) => (vec![key], None),
            None => (Vec::new(), Some(format!("user `{id}` is not in the snapshot"))),
        },
        Atom::Group(id) => match case.snapshot.objects.find(id.as_str()) {
            Some(key) => {
                let reach = Reach::of_group(case.snapshot, key);
                (reach.users, reach.unknown)
            }
            None => (Vec::new(), Some(format!("group `{id}` is not in the snapshot"))),
        },
        Atom::Role(id) => holders(case, id.as_str()),
        Atom::All | Atom::GuestsOrExternalUsers | Atom::Guests(_) => {
            return (broad.iter().any(|other| has_all_guests(other.policy)).into(), String::new());
        }
    };
    let of_all = one_of_each_class(case, &users)
        .into_iter()
        .map(|user| {
            let in_scope = |other: &&Candidate<'_>| case.access.classes().standing(other.index, Some(user)).in_scope;
            broad.iter().map(in_scope).max().unwrap_or(Trit::No)
        })
        .min()
        .unwrap_or(Trit::Yes);
    match (of_all, unknown) {
        (Trit::No, _) => (Trit::No, String::new()),
        (_, Some(why)) => (Trit::Unknown, why),
        (Trit::Unknown, None) => (Trit::Unknown, "who is in scope of the other policies is not known".to_owned()),
        (Trit::Yes, None) => (Trit::Yes, String::new()),
    }
}

/// One user for each class of users to whom the same policies apply.
fn one_of_each_class(case: &Case<'_>, users: &[ObjectKey]) -> Vec<ObjectKey> {
    let mut seen = std::collections::BTreeSet::new();
    users.iter().copied().filter(|user| seen.insert(case.access.classes().class(Some(*user)))).collect()
}

fn holders(case: &Case<'_>, role: &str) -> (Vec<ObjectKey>, Option<String>) {
    let roles = case.access.classes().roles();
    let mut users = Vec::new();
    let mut unknown = roles.unknown().map(str::to_owned);
    for principal in roles.principals(role) {
        match case.snapshot.row(*principal) {
            ObjectRow::Group(_) => {
                let reach = Reach::of_group(case.snapshot, *principal);
                users.extend(reach.users);
                unknown = unknown.or(reach.unknown);
            }
            _ => users.push(*principal),
        }
    }
    (users, unknown)
}

/// Whether a policy is about all resources, with no condition beside the users.
fn is_broad(policy: &ConditionalAccessPolicy) -> bool {
    let applications = policy.conditions.applications.as_ref();
    let is_about_all = applications.is_some_and(|applications| {
        applications.include_applications.iter().any(|name| name == "All")
            && applications.exclude_applications.is_empty()
            && applications.application_filter.as_ref().is_none_or(|filter| !filter.is_configured())
    });
    is_about_all && condition_words(policy).is_empty() && policy.unknowns.is_empty()
}

fn has_all_guests(policy: &ConditionalAccessPolicy) -> bool {
    policy.conditions.users.as_ref().is_some_and(|users| {
        let excludes_guests = atoms(users, Side::Exclude)
            .iter()
            .any(|atom| matches!(atom, Atom::Guests(_) | Atom::GuestsOrExternalUsers));
        atoms(users, Side::Include).contains(&Atom::All) && !excludes_guests
    })
}

fn words(case: &Case<'_>, atom: &Atom) -> String {
    let name = |id: &str| {
        let key = case.snapshot.objects.find(id);
        key.map_or_else(|| id.to_owned(), |key| case.snapshot.name(key).to_owned())
    };
    match atom {
        Atom::All => "all users".to_owned(),
        Atom::User(id) => format!("user `{}`", name(id)),
        Atom::Group(id) => format!("group `{}`", name(id.as_str())),
        Atom::Role(id) => format!("role `{}`", built_in_role(id.as_str()).map_or(id.as_str(), |role| role.name)),
        Atom::GuestsOrExternalUsers => "guests and external users".to_owned(),
        Atom::Guests(scope) => {
            let kinds: Vec<&str> = scope.types.iter().map(|kind| kind.as_str()).collect();
            format!("guests of the kinds {}", kinds.join(", "))
        }
    }
}

fn reference(case: &Case<'_>, atom: &Atom) -> Option<ObjectReference> {
    let found = |id: &str| case.snapshot.objects.find(id);
    match atom {
        Atom::User(id) => found(id).map(|key| case.user(key)),
        Atom::Group(id) => found(id.as_str()).map(|key| case.group(key)),
        Atom::Role(id) => {
            let name = built_in_role(id.as_str()).map_or(id.as_str(), |role| role.name).to_owned();
            Some(ObjectReference { kind: ObjectKind::Role, id: id.to_string(), name })
        }
        Atom::All | Atom::GuestsOrExternalUsers | Atom::Guests(_) => None,
    }
}
