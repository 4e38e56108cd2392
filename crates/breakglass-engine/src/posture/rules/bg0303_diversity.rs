//! BG0303: what takes the administrators' methods away does not take the emergency accounts' methods too.
//!
//! A kind of method is one thing that can fail: the telephone network, the Authenticator service, the certificate
//! authority, one model of security key. Two keys of one model in two safes are two things, unless the model itself
//! is withdrawn.
//!
//! **Source:** Microsoft's page on emergency accounts: use a method other than that of the other administrators. How
//! far "other" goes is this product's reading.

use std::collections::BTreeSet;

use breakglass_model::authentication_method::{AuthenticationMethod, AuthenticationMethodKind as Kind};
use breakglass_model::object::ObjectKey;
use breakglass_model::snapshot::ObjectRow;
use breakglass_model::well_known::{ADMINISTRATOR_ROLES, GLOBAL_ADMINISTRATOR, PRIVILEGED_ROLE_ADMINISTRATOR};

use super::super::{Case, Finding, Fix, Rule, Severity, Status, finding};
use super::account::{Judgement, each_account, unread_methods};
use crate::access::membership::Reach;

pub(super) struct Diversity;

impl Rule for Diversity {
    fn code(&self) -> &'static str {
        "BG0303"
    }

    fn title(&self) -> &'static str {
        "The emergency accounts do not depend on what the other administrators depend on"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["E1", "X4"]
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** The accounts prove themselves in another way than the everyday administrators, and not all of them \
in the same single way.

**Why it matters.** Situation E1: the text messages or the Authenticator service fail, and every administrator is \
refused. An emergency account with the same method is refused with them.

**How it is judged.** An account without passkey and certificate whose kinds of method are all in use among the other \
administrators fails, high. An account with a passkey or certificate fails, medium, only if every other administrator \
has that kind, of the same model, and nothing else. Accounts that all have one kind other than a passkey, and nothing \
else, fail, high. Other administrators are the active holders of an administrator role. Where the methods of \
an account or of such an administrator are not known and could change the answer, it is `unknown`.

**What to do.** Give the accounts security keys; keep keys of two makers, so that a withdrawn model does not take both.

**Source:** Microsoft, *Manage emergency access accounts* (4 June 2026)."
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        let others = others(case);
        let predicate = "does not depend on what the other administrators depend on";
        let mut findings = each_account(self, case, predicate, |account| differs(account, &others));
        findings.extend(self.shared(case));
        findings
    }
}

/// Something that can fail and that methods of one kind have in common.
type Dependence = String;

fn dependence(method: &AuthenticationMethod) -> Option<Dependence> {
    Some(match method.kind() {
        Kind::Password | Kind::Email | Kind::TemporaryAccessPass | Kind::QrCodePin | Kind::Unknown(_) => return None,
        Kind::Phone => "the telephone network".to_owned(),
        Kind::MicrosoftAuthenticator => "the Authenticator service".to_owned(),
        Kind::SoftwareOath => "an app for one-time codes".to_owned(),
        Kind::HardwareOath => "tokens for one-time codes".to_owned(),
        Kind::WindowsHelloForBusiness | Kind::PlatformCredential => "credentials inside computers".to_owned(),
        Kind::X509Certificate => "the certificate authority".to_owned(),
        Kind::Fido2 => match method.aaguid.as_deref() {
            Some(model) => format!("passkeys of model {}", model.to_ascii_lowercase()),
            None => PASSKEYS.to_owned(),
        },
        Kind::External => "an external provider".to_owned(),
    })
}

const PASSKEYS: &str = "passkeys";

fn dependences(methods: &[AuthenticationMethod]) -> BTreeSet<Dependence> {
    methods.iter().filter_map(dependence).collect()
}

fn is_strong(dependence: &Dependence) -> bool {
    dependence.starts_with(PASSKEYS) || dependence == "the certificate authority"
}

/// The everyday administrators.
struct Others {
    /// What each depends on, where it is known.
    known: Vec<BTreeSet<Dependence>>,
    /// Why somebody else may be one, or depend on something else.
    doubt: Option<String>,
}

fn others(case: &Case<'_>) -> Others {
    let roles = case.access.classes().roles();
    let mut others = Others { known: Vec::new(), doubt: roles.unknown().map(str::to_owned) };
    let mut people: BTreeSet<ObjectKey> = BTreeSet::new();
    for role in ADMINISTRATOR_ROLES.iter().chain([&GLOBAL_ADMINISTRATOR, &PRIVILEGED_ROLE_ADMINISTRATOR]) {
        for principal in roles.principals(role) {
            match case.snapshot.row(*principal) {
                ObjectRow::Group(_) => {
                    let reach = Reach::of_group(case.snapshot, *principal);
                    others.doubt = others.doubt.take().or(reach.unknown);
                    people.extend(reach.users);
                }
                ObjectRow::User(_) | ObjectRow::Unlisted => {
                    people.insert(*principal);
                }
                ObjectRow::ServicePrincipal(_) | ObjectRow::AdministrativeUnit(_) => {}
            }
        }
    }
    for person in people.into_iter().filter(|person| !case.accounts.keys.contains(person)) {
        let user = case.snapshot.user(person);
        match user.and_then(|user| user.detail().authentication_methods.value()) {
            Some(methods) => {
                others.known.push(dependences(methods));
                if let Some(why) = user.and_then(unread_methods) {
                    let name = case.snapshot.name(person);
                    others.doubt.get_or_insert_with(|| format!("of the administrator `{name}`: {why}"));
                }
            }
            None => {
                let name = case.snapshot.name(person);
                others.doubt.get_or_insert_with(|| {
                    format!("the authentication methods of the administrator `{name}` are not in the export")
                });
            }
        }
    }
    // Somebody without any method cannot be taken as an example.
    others.known.retain(|known| !known.is_empty());
    others
}

fn differs(account: &mut Judgement<'_>, others: &Others) {
    let Some(methods) = account.methods() else { return };
    if let Some(why) = unread_methods(account.user) {
        return account.doubt(why);
    }
    let own = dependences(methods);
    let name = account.name();
    if own.is_empty() {
        return account.exempt(format!("{name} has nothing but a password, so there is no method to compare."));
    }
    let strong: BTreeSet<Dependence> = own.iter().filter(|one| is_strong(one)).cloned().collect();
    let (is_shared, severity) = if strong.is_empty() {
        (is_within(&own, &used_by(others)), Severity::High)
    } else {
        if others.known.is_empty() {
            return match &others.doubt {
                Some(why) => account.doubt(why),
                None => account.note("No other administrator is there to compare with."),
            };
        }
        let is_same_kind = is_all_there_is(&kinds(&strong), &others.known.iter().map(kinds).collect::<Vec<_>>());
        let is_model_unsaid = own.contains(PASSKEYS) || used_by(others).contains(PASSKEYS);
        if is_same_kind && is_model_unsaid {
            return account.doubt("the models (`aaGuid`) of the passkeys are not in the export");
        }
        let is_shared = is_all_there_is(&strong, &others.known);
        match &others.doubt {
            // What is not known can only add to what the others use.
            Some(why) if is_within(&used_by(others), &strong) => return account.doubt(why),
            _ => (is_shared, Severity::Medium),
        }
    };
    if is_shared {
        let what: Vec<&str> = own.iter().map(String::as_str).collect();
        let message = format!(
            "{name} depends on {}, and so do the other administrators. What locks them out locks it out as well.",
            what.join(" and ")
        );
        let fix =
            "Give the account a security key or a certificate of a kind that the other administrators do not use.";
        return account.fail(severity, message, Fix::text(fix));
    }
    match &others.doubt {
        // An administrator who is not known may use the very method of an account without a key of its own.
        Some(why) if strong.is_empty() => account.doubt(why),
        _ => {}
    }
}

/// Everything that the other administrators depend on.
fn used_by(others: &Others) -> BTreeSet<Dependence> {
    others.known.iter().flatten().cloned().collect()
}

fn is_within(own: &BTreeSet<Dependence>, used: &BTreeSet<Dependence>) -> bool {
    own.iter().all(|one| used.contains(one))
}

/// Whether everybody depends on these things and on nothing else.
fn is_all_there_is(own: &BTreeSet<Dependence>, others: &[BTreeSet<Dependence>]) -> bool {
    let used: BTreeSet<Dependence> = others.iter().flatten().cloned().collect();
    is_within(own, &used) && is_within(&used, own)
}

/// The same, without regard to the models of passkeys.
fn kinds(dependences: &BTreeSet<Dependence>) -> BTreeSet<Dependence> {
    let kind = |one: &Dependence| if one.starts_with(PASSKEYS) { PASSKEYS.to_owned() } else { one.clone() };
    dependences.iter().map(kind).collect()
}

impl Diversity {
    /// Whether one failure takes all accounts at once.
    fn shared(&self, case: &Case<'_>) -> Option<Finding> {
        let users: Vec<_> = case.accounts.keys.iter().filter_map(|key| case.snapshot.user(*key)).collect();
        let methods: Option<Vec<&Vec<AuthenticationMethod>>> =
            users.iter().map(|user| user.detail().authentication_methods.value()).collect();
        let methods = methods.filter(|methods| methods.len() > 1)?;
        if users.iter().any(|user| unread_methods(user).is_some()) {
            return None;
        }
        let sets: Vec<BTreeSet<Dependence>> = methods.iter().map(|methods| dependences(methods)).collect();
        let first = sets.first().filter(|first| first.len() == 1)?;
        let only = first.first().filter(|only| !only.starts_with(PASSKEYS))?;
        if sets.iter().any(|set| set != first) {
            return None;
        }
        let message =
            format!("All emergency accounts depend on {only} and on nothing else. One failure takes all of them.");
        let fix = "Give at least one account a security key, so that they fail apart from each other.";
        let about = users.iter().map(|user| case.user(user.key)).collect();
        Some(finding(self, Status::Fail, message).about(about).fixed_by(Fix::text(fix)))
    }
}
