//! BG0203: each account exists in the cloud only, on the tenant's own domain, and signs in at Entra itself.
//!
//! **Source:** requirement A4; the user and domain resources. That a `*.onmicrosoft.com` domain cannot be federated
//! is from memory and not relied on: the domain's `authenticationType` decides.

use breakglass_model::property::Property;
use breakglass_model::snapshot::because;
use breakglass_model::tenant::Domain;

use super::super::{Case, Finding, Fix, ObjectKind, ObjectReference, Rule, Severity};
use super::account::{Judgement, each_account, text};

pub(super) struct CloudOnly;

impl Rule for CloudOnly {
    fn code(&self) -> &'static str {
        "BG0203"
    }

    fn title(&self) -> &'static str {
        "Each emergency account is cloud-only"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["A4", "E5"]
    }

    fn severity(&self) -> Severity {
        Severity::Critical
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** The account is not synchronised from an on-premises Active Directory, and its sign-in name is in \
the tenant's first `*.onmicrosoft.com` domain, where Entra itself checks the password.

**Why it matters.** Whoever owns the on-premises directory owns a synchronised account: it can be disabled or deleted \
from there, its password comes from there, and Entra does not refuse it even for the last Global Administrator. A \
federated domain sends each sign-in to a server of yours, which may be what is down. Situation E5 asks for an account \
that does not notice; E3 and E4 need it too.

**How it is judged.** `onPremisesSyncEnabled` true or an `onPremisesImmutableId` fails, critical. A sign-in name in a \
federated domain fails, critical. One in a managed domain other than the initial one fails, medium: it works until \
somebody federates or removes that domain. A property or domain that the export does not have gives `unknown`.

**What to do.** Create the account anew in the cloud and delete the old one after a drill, or rename it into the \
initial domain.

**Source:** Microsoft, *Manage emergency access accounts* (4 June 2026): cloud-only, on the `onmicrosoft.com` domain."
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        each_account(self, case, "is cloud-only and in the tenant's initial domain", |account| {
            synchronised(account);
            in_domain(account);
        })
    }
}

fn synchronised(account: &mut Judgement<'_>) {
    let anew =
        || Fix::text("Create a cloud-only account in its place, rehearse a sign-in with it, then delete this one.");
    let detail = account.user.detail();
    let name = account.name();
    if account.user.on_premises_sync_enabled == Property::Value(true) {
        let message = format!(
            "{name} is synchronised from an on-premises directory. Whoever holds that directory can disable it, delete \
             it or change its password, and when the directory is down it may not work."
        );
        account.fail(Severity::Critical, message, anew());
        return;
    }
    if account.user.on_premises_sync_enabled.is_absent() {
        account.absent("onPremisesSyncEnabled");
    }
    if text(&detail.on_premises_immutable_id).is_some() {
        let message = format!(
            "{name} carries an `onPremisesImmutableId`: it was, or will be, matched with an account of the on-premises \
             directory, which then rules it."
        );
        account.fail(Severity::Critical, message, anew());
    } else if detail.on_premises_immutable_id.is_absent() {
        account.absent("onPremisesImmutableId");
    }
}

fn in_domain(account: &mut Judgement<'_>) {
    let case = account.case;
    let Some((_, suffix)) = account.user.user_principal_name.as_deref().and_then(|upn| upn.rsplit_once('@')) else {
        account.absent("userPrincipalName");
        return;
    };
    let name = account.name();
    let domains = case.snapshot.domains.items();
    let Some(domain) = domains.iter().find(|domain| domain.id.eq_ignore_ascii_case(suffix)) else {
        let why = case.snapshot.domains.why().map_or("it is not among the tenant's domains".to_owned(), |why| {
            format!("the domains are not all there{}", because(why))
        });
        account.doubt(format!("the domain `{suffix}` of its sign-in name is not known: {why}"));
        return;
    };
    let about = ObjectReference { kind: ObjectKind::Domain, id: domain.id.clone(), name: domain.id.clone() };
    match domain.authentication_type.value().map(String::as_str) {
        Some("Managed") => {}
        Some("Federated") => {
            let message = format!(
                "{name} is in the federated domain `{}`: each sign-in goes to a federation server, and without that \
                 server there is none.",
                domain.id
            );
            account.fail_with(Severity::Critical, message, rename(domains), vec![about]);
            return;
        }
        Some(other) => account.doubt(format!("`authenticationType` of domain `{}` is `{other}`", domain.id)),
        None => account.doubt(format!("`authenticationType` of domain `{}` is not in the export", domain.id)),
    }
    match domain.is_initial.value() {
        Some(true) => {}
        Some(false) => {
            let message = format!(
                "{name} is in the domain `{}` and not in the tenant's initial `onmicrosoft.com` domain. It works \
                 today; whoever federates or removes that domain takes the account along.",
                domain.id
            );
            account.fail_with(Severity::Medium, message, rename(domains), vec![about]);
        }
        None => account.doubt(format!("`isInitial` of domain `{}` is not in the export", domain.id)),
    }
}

fn rename(domains: &[Domain]) -> Fix {
    let initial = domains.iter().find(|domain| domain.is_initial == Property::Value(true));
    let initial =
        initial.map_or("the initial `onmicrosoft.com` domain".to_owned(), |domain| format!("`{}`", domain.id));
    Fix::text(format!("Change the account's sign-in name to one in {initial}, then rehearse a sign-in."))
}
