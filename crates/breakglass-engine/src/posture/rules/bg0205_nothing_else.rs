//! BG0205: each account has nothing that it does not need.
//!
//! **Source:** requirements A7 and A6; Microsoft's list of what to validate. Rules inside a mailbox are not in a
//! snapshot, so the mailbox itself is what is judged.

use breakglass_model::authentication_method::AuthenticationMethodKind;
use breakglass_model::policy::Rest;
use breakglass_model::property::Property;
use breakglass_model::snapshot::Snapshot;
use breakglass_model::well_known::GLOBAL_ADMINISTRATOR;
use serde_json::{Value, json};

use super::super::{Case, Finding, Fix, Rule, Severity, Status, finding};
use super::account::{Judgement, each_account, fix, names, patch_user, text, with_article};
use super::role_holding::{holdings, role_name};
use crate::access::Trit;

pub(super) struct NothingElse;

impl Rule for NothingElse {
    fn code(&self) -> &'static str {
        "BG0205"
    }

    fn title(&self) -> &'static str {
        "Each emergency account has no other role, mailbox, application or personal contact data"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["A3", "A6", "A7"]
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** The account is for emergencies and has only what they need.

**Why it matters.** A second role shows everyday use. A mailbox receives phishing and can forward mail by a rule \
nobody sees. An application that the account owns is a back door that outlives a password change (situation E4). A \
person's phone number or address lets that person, or whoever takes over the number, begin a reset.

**How it is judged.** Each of these fails, medium: a role besides Global Administrator, active or eligible; a plan of \
Exchange Online among the licences; an owned application or service principal; a phone number or other mail address; a \
phone, email or Microsoft Authenticator method. Properties and role lists that the export does not have give \
`unknown`. Where no export says who owns applications, that part does not apply. Rules inside a mailbox cannot be read \
from a snapshot.

**What to do.** Remove what the finding names.

**Source:** Microsoft, *Manage emergency access accounts* (4 June 2026), steps to validate the accounts."
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        let mut findings = each_account(self, case, "has nothing that it does not need", |account| {
            roles(account);
            mailbox(account);
            owned(account);
            contact_data(account);
            contact_methods(account);
        });
        if !case.accounts.keys.is_empty() && !knows_owners(case) {
            let message = "Whether an emergency account owns an application is not judged: the snapshot has neither \
                           `ownedObjects` of the accounts nor the `owners` of `applications`.";
            findings.push(finding(self, Status::NotApplicable, message));
        }
        findings
    }
}

fn roles(account: &mut Judgement<'_>) {
    let case = account.case;
    let held = holdings(case, account.user.key);
    let mut roles: Vec<&str> = held.list.iter().map(|held| held.role.as_str()).collect();
    roles.sort_unstable();
    roles.dedup();
    for role in roles.into_iter().filter(|role| *role != GLOBAL_ADMINISTRATOR) {
        let message = format!(
            "{} also holds the role `{}`. Global Administrator contains what it needs; a second role shows everyday \
             use.",
            account.name(),
            role_name(case, role)
        );
        let assignment = case.snapshot.role_assignments.items().iter().find(|one| {
            one.principal_id.as_str() == account.id()
                && case.access.classes().roles().template(one.role_definition_id.as_str()) == role
        });
        let remove = match assignment.and_then(|assignment| assignment.id.as_deref()) {
            Some(id) => fix(
                "Remove the assignment.",
                "DELETE",
                format!("/v1.0/roleManagement/directory/roleAssignments/{id}"),
                None,
            ),
            None => Fix::text("Remove the assignment or the eligibility."),
        };
        account.fail(Severity::Medium, message, remove);
    }
    if let Some((_, why)) = held.doubts.iter().find(|(role, _)| role.as_deref() != Some(GLOBAL_ADMINISTRATOR)) {
        account.doubt(why);
    } else if let Some(why) = held.eligibility_doubt {
        account.doubt(why);
    }
}

fn mailbox(account: &mut Judgement<'_>) {
    let detail = account.user.detail();
    let has_mailbox = match (&detail.assigned_plans, &detail.assigned_licenses) {
        (Property::Value(plans), _) => match any_known(plans.iter().map(is_exchange_plan)) {
            Some(has_mailbox) => has_mailbox,
            None => return account.doubt("`service` of one of its `assignedPlans` is not in the export"),
        },
        (Property::Null, _) => false,
        (_, Property::Null) => false,
        (_, Property::Value(licences)) if licences.is_empty() => false,
        (Property::Absent, Property::Value(licences)) => {
            match any_known(licences.iter().map(|licence| gives_mailbox(account.case.snapshot, licence))) {
                Some(has_mailbox) => has_mailbox,
                None => return account.absent("assignedPlans"),
            }
        }
        (Property::Absent, Property::Absent) => return account.absent("assignedLicenses"),
    };
    if has_mailbox {
        let message = format!(
            "{} has a licence with a mailbox. A mailbox receives phishing, and a rule in it can forward mail unseen.",
            account.name()
        );
        account.fail(Severity::Medium, message, Fix::text("Take the Exchange Online plan away from the account."));
    }
}

/// Whether one of them is so; `None` where none is and some are not known.
fn any_known(each: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    match each.map(Trit::from).max() {
        Some(Trit::Yes) => Some(true),
        Some(Trit::Unknown) => None,
        Some(Trit::No) | None => Some(false),
    }
}

fn is_exchange_plan(plan: &Rest) -> Option<bool> {
    let text = |name: &str| plan.get(name).and_then(Value::as_str);
    if text("capabilityStatus") == Some("Deleted") {
        return Some(false);
    }
    Some(text("service")?.eq_ignore_ascii_case("exchange"))
}

/// Whether a licence has an Exchange plan that is not switched off; `None` when the licence or its plans are not
/// listed.
fn gives_mailbox(snapshot: &Snapshot, licence: &Rest) -> Option<bool> {
    let id = licence.get("skuId").and_then(Value::as_str)?;
    let sku = snapshot.subscribed_skus.items().iter().find(|sku| sku.text("skuId") == Some(id))?;
    let disabled = licence.get("disabledPlans").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let plans = sku.0.get("servicePlans")?.as_array()?;
    any_known(plans.iter().map(|plan| {
        let is_off = plan.get("servicePlanId").is_some_and(|id| disabled.contains(id));
        Some(!is_off && plan.get("servicePlanName")?.as_str()?.starts_with("EXCHANGE_S_"))
    }))
}

fn owned(account: &mut Judgement<'_>) {
    let case = account.case;
    let id = account.id();
    let is_application = |object: &&Rest| {
        let kind = object.get("@odata.type").and_then(Value::as_str).unwrap_or_default();
        kind.ends_with(".application") || kind.ends_with(".servicePrincipal")
    };
    let mut found: Vec<String> = Vec::new();
    if let Property::Value(objects) = &account.user.detail().owned_objects {
        found.extend(objects.iter().filter(is_application).map(name_of));
        if objects.iter().any(|object| object.get("@odata.type").and_then(Value::as_str).is_none()) {
            account.doubt("what kind of object it owns is not in the export (`@odata.type` of `ownedObjects`)");
        }
    }
    let principals = case.snapshot.service_principals.items().iter().map(|principal| &principal.rest);
    let applications = case.snapshot.applications.items().iter().map(|application| &application.0);
    for object in applications.chain(principals) {
        let owners = owners(object).map_or(&[][..], Vec::as_slice);
        if owners.iter().any(|owner| is_object(owner, id)) {
            found.push(name_of(object));
        } else if owners.iter().any(|owner| !owner.is_string() && owner.get("id").is_none()) {
            account.doubt(format!("an owner of the application `{}` has no `id` in the export", name_of(object)));
        }
    }
    found.sort();
    found.dedup();
    for application in found {
        let message = format!(
            "{} owns the application `{application}`. With a secret of that application somebody can come back after \
             the account's password was changed.",
            account.name()
        );
        account.fail(Severity::Medium, message, Fix::text("Give the application another owner and remove this one."));
    }
}

/// Whether an entry, an id or an object with one, is this object.
fn is_object(entry: &Value, id: &str) -> bool {
    entry.as_str().or_else(|| entry.get("id")?.as_str()) == Some(id)
}

fn owners(object: &Rest) -> Option<&Vec<Value>> {
    object.get("owners").and_then(Value::as_array)
}

fn name_of(object: &Rest) -> String {
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    text("displayName").or_else(|| text("appId")).or_else(|| text("id")).unwrap_or("without a name").to_owned()
}

fn knows_owners(case: &Case<'_>) -> bool {
    let mut users = case.accounts.keys.iter().filter_map(|key| case.snapshot.user(*key));
    let applications = &case.snapshot.applications;
    let has_owners = applications.is_complete() && applications.items().iter().all(|one| owners(&one.0).is_some());
    has_owners || users.all(|user| !user.detail().owned_objects.is_absent())
}

fn contact_data(account: &mut Judgement<'_>) {
    let detail = account.user.detail();
    let mut found = Vec::new();
    match &detail.mobile_phone {
        Property::Absent => account.absent("mobilePhone"),
        phone => found.extend(text(phone).map(|_| "mobilePhone")),
    }
    for (name, list) in [("businessPhones", &detail.business_phones), ("otherMails", &detail.other_mails)] {
        match list {
            Property::Absent => account.absent(name),
            Property::Null => {}
            Property::Value(list) => found.extend(list.iter().any(|entry| !entry.is_empty()).then_some(name)),
        }
    }
    if !found.is_empty() {
        let message = format!(
            "{} carries contact data of a person ({}). Whoever has that number or mailbox can use it to begin a reset.",
            account.name(),
            names(found.iter().copied())
        );
        let mut body = serde_json::Map::new();
        for name in &found {
            body.insert((*name).to_owned(), if *name == "mobilePhone" { Value::Null } else { json!([]) });
        }
        account.fail(Severity::Medium, message, patch_user("Remove the contact data.", account.id(), body.into()));
    }
}

fn contact_methods(account: &mut Judgement<'_>) {
    use AuthenticationMethodKind as Kind;
    let Some(methods) = account.all_methods() else { return };
    let is_personal = |kind: &Kind| matches!(kind, Kind::Phone | Kind::Email | Kind::MicrosoftAuthenticator);
    let kinds: Vec<Kind> = methods.iter().map(|method| method.kind()).filter(is_personal).collect();
    if let Some(first) = kinds.first() {
        let message = format!(
            "{} has {} registered, which belongs to one person. BG0304 says what follows from that.",
            account.name(),
            with_article(first.name())
        );
        let text = "Register a security key or a certificate, rehearse with it, then remove the personal method.";
        account.fail(Severity::Medium, message, Fix::text(text));
    }
}
