//! BG0408: policies name no user, group or role that does not exist any more.
//!
//! **Source:** requirement X1; a deleted exclusion group excludes nobody, and the policy does not say so.

use breakglass_model::policy::{ConditionalAccessPolicy, ConditionalAccessUsers};
use breakglass_model::snapshot::ObjectRow;
use breakglass_model::well_known::built_in_role;

use super::super::{Case, Finding, Fix, Rule, Severity, Status, finding};
use super::account::nobody;
use super::scope;
use crate::access::Trit;

pub(super) struct DeletedReferences;

impl Rule for DeletedReferences {
    fn code(&self) -> &'static str {
        "BG0408"
    }

    fn title(&self) -> &'static str {
        "Policies name no user, group or role that was deleted"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["X1"]
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** Every user, group and role that a policy includes or excludes exists.

**Why it matters.** A policy keeps the id of a deleted group and shows no error. If that was the exclusion group, \
the exclusion is gone with it (situation E2); if it was included, the policy protects nobody.

**How it is judged.** An id that a complete list does not have, or that is among the deleted users, fails: medium, \
or low in a disabled policy. Where a list is missing or partial, what it does not have is `unknown`.

**What to do.** Restore the group or user within 30 days of its deletion, or take the id out of the policy and put \
the right one in.

**Source:** requirement X1; Microsoft, *Restore or remove a recently deleted user* and *Restore a deleted group*."
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        if let Some(finding) = scope::no_policies(self, case) {
            return vec![finding];
        }
        let mut findings = Vec::new();
        let mut unsure: Vec<String> = Vec::new();
        let mut total = 0;
        for policy in case.access.policies().iter().filter(|policy| !policy.is_deleted) {
            let Some(users) = &policy.conditions.users else { continue };
            let mut gone = Vec::new();
            for reference in references(users) {
                total += 1;
                match reference.exists(case) {
                    (Trit::Yes, _) => {}
                    (Trit::No, _) => gone.push(reference.words()),
                    (Trit::Unknown, why) => unsure.push(format!("{} `{}`: {why}", reference.kind.name(), reference.id)),
                }
            }
            if !gone.is_empty() {
                findings.push(self.broken(policy, &gone));
            }
        }
        unsure.sort();
        unsure.dedup();
        if !unsure.is_empty() {
            let message = format!(
                "Whether {} that policies name still exist cannot be told: {}.",
                scope::counted(unsure.len(), "object", "objects"),
                scope::listed(&unsure)
            );
            findings.push(finding(self, Status::Unknown, message));
        }
        findings.extend(scope::partial_policies(self, case).or_else(|| scope::unsaid_policies(self, case)));
        // With nobody declared nothing passes.
        if findings.is_empty()
            && let Some(nobody) = nobody(self, case)
        {
            findings.push(nobody);
        }
        if findings.is_empty() {
            let message = match total {
                0 => "No policy names single users, groups or roles.".to_owned(),
                _ => "Every user, group and role that a policy names exists.".to_owned(),
            };
            findings.push(finding(self, Status::Pass, message));
        }
        findings
    }
}

impl DeletedReferences {
    fn broken(&self, policy: &ConditionalAccessPolicy, gone: &[String]) -> Finding {
        let message = format!("Policy `{}` {}, which the tenant does not have.", policy.name(), scope::listed(gone));
        let is_off = policy.state == breakglass_model::policy::ConditionalAccessPolicyState::Disabled;
        let severity = if is_off { Severity::Low } else { Severity::Medium };
        let fix = Fix::text("Restore what was deleted, or take its id out of the policy and put the right one in.");
        finding(self, Status::Fail, message).at(severity).about(vec![Case::policy(policy)]).fixed_by(fix)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    User,
    Group,
    Role,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Role => "role",
        }
    }
}

/// Something that a policy names by id.
struct Reference<'a> {
    verb: &'static str,
    kind: Kind,
    id: &'a str,
}

fn references(users: &ConditionalAccessUsers) -> Vec<Reference<'_>> {
    let mut all = Vec::new();
    for (verb, names, groups, roles) in [
        ("includes", &users.include_users, &users.include_groups, &users.include_roles),
        ("excludes", &users.exclude_users, &users.exclude_groups, &users.exclude_roles),
    ] {
        let names =
            names.iter().map(String::as_str).filter(|name| !matches!(*name, "All" | "None" | "GuestsOrExternalUsers"));
        all.extend(names.map(|id| Reference { verb, kind: Kind::User, id }));
        all.extend(groups.iter().map(|id| Reference { verb, kind: Kind::Group, id: id.as_str() }));
        all.extend(roles.iter().map(|id| Reference { verb, kind: Kind::Role, id: id.as_str() }));
    }
    all
}

impl Reference<'_> {
    fn words(&self) -> String {
        format!("{} {} `{}`", self.verb, self.kind.name(), self.id)
    }

    /// Whether the object exists, and why that cannot be told.
    fn exists(&self, case: &Case<'_>) -> (Trit, String) {
        let snapshot = case.snapshot;
        let row = snapshot.objects.find(self.id).map(|key| snapshot.row(key));
        let looked_up = |is_listed: bool, why: Option<&str>| match (is_listed, why) {
            (true, _) => (Trit::Yes, String::new()),
            (false, None) => (Trit::No, String::new()),
            (false, Some(why)) => (Trit::Unknown, why.to_owned()),
        };
        match self.kind {
            Kind::User => {
                let is_listed = matches!(row, Some(ObjectRow::User(_)));
                let deleted = snapshot.deleted_users.items().iter();
                if !is_listed && deleted.into_iter().any(|user| snapshot.objects.id(user.key) == self.id) {
                    return (Trit::No, String::new());
                }
                looked_up(is_listed, snapshot.users.why())
            }
            Kind::Group => looked_up(matches!(row, Some(ObjectRow::Group(_))), snapshot.groups.why()),
            Kind::Role => {
                let is_known = built_in_role(self.id).is_some()
                    || snapshot.role_definitions.items().iter().any(|definition| {
                        definition.id.as_str() == self.id
                            || definition.template_id.as_ref().is_some_and(|template| template.as_str() == self.id)
                    });
                looked_up(is_known, snapshot.role_definitions.why())
            }
        }
    }
}
