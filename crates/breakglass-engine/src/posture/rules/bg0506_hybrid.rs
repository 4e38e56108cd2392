//! BG0506: when the on-premises directory or the federation server is down, somebody is left.
//!
//! A snapshot does not say whether synchronised users prove themselves in the cloud (password hashes) or on-premises
//! (pass-through), so they are neither counted as left nor as lost.
//!
//! **Source:** requirement E5; the domain resource's `authenticationType`.

use std::collections::BTreeSet;

use breakglass_model::object::ObjectKey;
use breakglass_model::property::Property;
use breakglass_model::snapshot::ObjectRow;
use breakglass_model::well_known::GLOBAL_ADMINISTRATOR;

use super::super::{Case, Finding, Fix, Rule, Severity, Status, finding};
use super::account::{names, nobody};
use crate::access::Trit;
use crate::access::membership::Reach;

pub(super) struct Hybrid;

impl Rule for Hybrid {
    fn code(&self) -> &'static str {
        "BG0506"
    }

    fn title(&self) -> &'static str {
        "An outage on-premises leaves a Global Administrator"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["A4", "E5"]
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** When Active Directory, its agents or the federation server are down or hostile, at least one \
Global Administrator still signs in, because nothing of it is on-premises.

**Why it matters.** This is situation E5. It often comes with others: the same attack that encrypts the servers on the \
ground takes the sign-ins to the cloud with them.

**How it is judged.** Only in a tenant that is synchronised or has a federated domain. Active Global Administrators \
that are enabled, not synchronised and in a managed domain are left for sure; if there is one it passes, and they are \
named. Those in a federated domain are lost. Synchronised ones in a managed domain may be either, since a snapshot \
does not tell password hash synchronisation from pass-through authentication. If nobody is left it fails, medium; if \
only people of the last sort are, or data is missing, it is `unknown`.

**What to do.** Have cloud-only emergency accounts (BG0203).

**Source:** requirement E5 of this product; Microsoft, *Manage emergency access accounts* (4 June 2026)."
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        let judged = match is_hybrid(case) {
            Trit::No => {
                let message =
                    "Nothing of this tenant is on-premises: it is not synchronised and has no federated domain.";
                return vec![finding(self, Status::NotApplicable, message)];
            }
            Trit::Unknown => {
                let message = "It cannot be told whether the tenant is synchronised or federated: \
                               `onPremisesSyncEnabled` of `organization`, or a domain's `authenticationType`, is not \
                               in the snapshot.";
                finding(self, Status::Unknown, message)
            }
            Trit::Yes => self.judge(case),
        };
        // With nobody declared nothing passes.
        let nobody = nobody(self, case).filter(|_| judged.status == Status::Pass);
        vec![nobody.unwrap_or(judged)]
    }
}

impl Hybrid {
    fn judge(&self, case: &Case<'_>) -> Finding {
        let (people, doubt) = administrators(case);
        let (mut left, mut perhaps, mut lost) = (Vec::new(), Vec::new(), Vec::new());
        for person in people {
            match survives(case, person) {
                Trit::Yes => left.push(person),
                Trit::Unknown => perhaps.push(person),
                Trit::No => lost.push(person),
            }
        }
        let say = |keys: &[ObjectKey]| names(keys.iter().map(|key| case.snapshot.name(*key)));
        let about = |keys: &[ObjectKey]| keys.iter().map(|key| case.user(*key)).collect();
        if !left.is_empty() {
            let others = match (lost.len(), perhaps.len()) {
                (0, 0) => String::new(),
                (lost, 0) => format!(" Lost with it: {lost}."),
                (lost, perhaps) => format!(" Lost with it: {lost}; perhaps lost: {perhaps}."),
            };
            let message = format!("An outage on-premises leaves these Global Administrators: {}.{others}", say(&left));
            return finding(self, Status::Pass, message).about(about(&left));
        }
        if let Some(why) = doubt {
            let message = format!("It cannot be told whom an outage on-premises leaves: {why}.");
            return finding(self, Status::Unknown, message);
        }
        if !perhaps.is_empty() {
            let message = format!(
                "It cannot be told whether an outage on-premises leaves {}: a snapshot does not say where their \
                 passwords are checked, or does not have their properties.",
                say(&perhaps)
            );
            return finding(self, Status::Unknown, message).about(about(&perhaps));
        }
        let message = "When the on-premises directory or the federation server is down, no Global Administrator is \
                       left who can sign in.";
        let fix = Fix::text("Create two cloud-only emergency accounts on the tenant's `onmicrosoft.com` domain.");
        finding(self, Status::Fail, message).about(about(&lost)).fixed_by(fix)
    }
}

fn is_hybrid(case: &Case<'_>) -> Trit {
    let domains = &case.snapshot.domains;
    let kinds = || domains.items().iter().map(|domain| domain.authentication_type.value().map(String::as_str));
    let federated = if kinds().any(|kind| kind == Some("Federated")) {
        Trit::Yes
    } else if domains.is_complete() && kinds().all(|kind| kind == Some("Managed")) {
        Trit::No
    } else {
        Trit::Unknown
    };
    let organization = case.snapshot.organization.as_present();
    let synchronised = match organization.map(|organization| &organization.on_premises_sync_enabled) {
        Some(Property::Value(is_on)) => (*is_on).into(),
        Some(Property::Null) => Trit::No,
        Some(Property::Absent) | None => Trit::Unknown,
    };
    federated.or(synchronised)
}

/// Active Global Administrators, and why there may be others.
fn administrators(case: &Case<'_>) -> (BTreeSet<ObjectKey>, Option<String>) {
    let roles = case.access.classes().roles();
    let (mut people, mut doubt) = (BTreeSet::new(), roles.unknown().map(str::to_owned));
    for principal in roles.principals(GLOBAL_ADMINISTRATOR) {
        match case.snapshot.row(*principal) {
            ObjectRow::Group(_) => {
                let reach = Reach::of_group(case.snapshot, *principal);
                doubt = doubt.or(reach.unknown);
                people.extend(reach.users);
            }
            ObjectRow::User(_) | ObjectRow::Unlisted => {
                people.insert(*principal);
            }
            ObjectRow::ServicePrincipal(_) | ObjectRow::AdministrativeUnit(_) => {}
        }
    }
    (people, doubt)
}

/// Whether a user can sign in with everything on-premises down.
fn survives(case: &Case<'_>, key: ObjectKey) -> Trit {
    let Some(user) = case.snapshot.user(key) else { return Trit::Unknown };
    let enabled = match &user.account_enabled {
        Property::Value(is_on) => (*is_on).into(),
        Property::Null | Property::Absent => Trit::Unknown,
    };
    let suffix = user.user_principal_name.as_deref().and_then(|upn| upn.rsplit_once('@')).map(|(_, suffix)| suffix);
    let mut domains = case.snapshot.domains.items().iter();
    let domain = suffix.and_then(|suffix| domains.find(|domain| domain.id.eq_ignore_ascii_case(suffix)));
    let managed = match domain.and_then(|domain| domain.authentication_type.value()).map(String::as_str) {
        Some("Managed") => Trit::Yes,
        Some("Federated") => Trit::No,
        _ => Trit::Unknown,
    };
    let cloud = match &user.on_premises_sync_enabled {
        Property::Value(true) | Property::Absent => Trit::Unknown,
        Property::Value(false) | Property::Null => Trit::Yes,
    };
    enabled.and(managed).and(cloud)
}
