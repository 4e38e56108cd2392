//! Security keys of an account: what somebody has to do with one in the hand, since no request of Graph does it.

use breakglass_engine::access::key_refused;
use breakglass_model::authentication_method::AuthenticationMethodKind;
use breakglass_model::snapshot::Snapshot;
use breakglass_model::user::User;
use jiff::Timestamp;
use serde_json::Value;

use super::plan::ByHand;

/// Whether users register their own keys.
const SELF_SERVICE: &str = "isSelfServiceRegistrationAllowed";

/// What has to be done so that each account, by its name and as far as it is there, has a security key that works.
pub(super) fn keys_by_hand(snapshot: &Snapshot, accounts: &[(&str, Option<&User>)], at: Timestamp) -> Vec<ByHand> {
    let (mut all, mut without) = (Vec::new(), Vec::new());
    for (name, user) in accounts {
        match standing(snapshot, *user, at) {
            Keys::Work => {}
            Keys::None => without.push(format!("`{name}`")),
            Keys::Refused(because) => all.push(ByHand::new(
                format!(
                    "let the security key of `{name}` be used (Entra admin center, Authentication methods, Passkey \
                     (FIDO2), Configure), or register another"
                ),
                because,
            )),
            Keys::Unread(why) => all.push(ByHand::new(
                format!(
                    "look whether `{name}` has a security key (Entra admin center, the user, Authentication methods), and \
                     register one if it has none"
                ),
                format!("its methods were not read: {why}"),
            )),
        }
    }
    if !without.is_empty() {
        all.extend(to_register(snapshot, &without));
    }
    all
}

/// Whether an account that is there has a security key that the tenant lets be used, as far as it can be told.
pub(super) fn has_key_that_works(snapshot: &Snapshot, user: Option<&User>, at: Timestamp) -> bool {
    matches!(standing(snapshot, user, at), Keys::Work)
}

enum Keys {
    Work,
    None,
    Refused(String),
    /// It cannot be told, and why.
    Unread(String),
}

fn standing(snapshot: &Snapshot, user: Option<&User>, at: Timestamp) -> Keys {
    let Some(user) = user else { return Keys::None };
    let methods = user.detail().authentication_methods.value().into_iter().flatten();
    let mut refused = None;
    for key in methods.filter(|method| method.kind() == AuthenticationMethodKind::Fido2) {
        match key_refused(snapshot, user.key, key, at) {
            None => return Keys::Work,
            why => refused = why,
        }
    }
    let why = snapshot.why_methods_unread(user).map(str::to_owned);
    let is_exported = user.detail().authentication_methods.value().is_some();
    let unread = why.or_else(|| (!is_exported).then(|| "the export does not have them".to_owned()));
    refused.map(Keys::Refused).or(unread.map(Keys::Unread)).unwrap_or(Keys::None)
}

fn to_register(snapshot: &Snapshot, names: &[String]) -> Vec<ByHand> {
    let policy = snapshot.authentication_methods_policy.as_present();
    let configuration = policy.and_then(|policy| policy.configuration("Fido2"));
    let is_self_service = configuration.and_then(|one| one.rest.get(SELF_SERVICE)).and_then(Value::as_bool);
    let restrictions = configuration.and_then(|one| one.key_restrictions.value());
    let models = match restrictions.filter(|one| one.is_enforced == Some(true)) {
        Some(_) => ", of a model that the key restrictions let be used,",
        None => "",
    };
    let register = ByHand::new(
        format!(
            "register a security key (FIDO2){models} for {}, signed in as the account at \
             https://mysignins.microsoft.com/security-info; where a second factor is asked for, a Temporary Access Pass \
             (Entra admin center, the user, Authentication methods) is one",
            names.join(" and for ")
        ),
        "Microsoft demands multifactor authentication at its portals from every account, and a password alone gets no \
         further than Microsoft Graph",
    );
    let allow = (is_self_service == Some(false)).then(|| {
        let does = "allow self-service set-up of passkeys (FIDO2) while the keys are registered (Entra admin center, \
                    Authentication methods, Passkey (FIDO2), Configure)";
        ByHand::new(does.to_owned(), "it is off, so that nobody registers a key of their own")
    });
    allow.into_iter().chain([register]).collect()
}
