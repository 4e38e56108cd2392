//! Methods that somebody registers, and kinds of methods that the tenant switches on.

use std::collections::BTreeSet;

use breakglass_model::authentication_method::{AuthenticationMethod, AuthenticationMethodKind as MethodKind};
use breakglass_model::object::ObjectKey;
use breakglass_model::snapshot::Snapshot;
use serde_json::{Value, json};

use super::{Alike, Edit, Edits};
use crate::access::permitted::{MethodUser, Use, permitted};
use crate::lockout::Analysis;
use crate::lockout::goal::Goal;

/// People for whom methods are thought of.
const PERSON_COUNT_MAX: usize = 60;
/// Models of security keys that are looked at for one that is allowed.
const MODEL_COUNT_MAX: usize = 64;

/// A kind of method that somebody can register.
struct Kind {
    kind: MethodKind,
    /// Configurations of it in the methods policy, any of which is enough, by id and as people call it.
    configurations: &'static [(&'static str, &'static str)],
    /// Its type for Graph.
    odata_type: &'static str,
    article: &'static str,
    name: &'static str,
    /// What is weaker about it than about a key.
    weakness: Option<&'static str>,
}

/// Kinds that are thought of, the strongest first.
const KINDS: [Kind; 6] = [
    Kind {
        kind: MethodKind::Fido2,
        configurations: &[("Fido2", "passkeys")],
        odata_type: "#microsoft.graph.fido2AuthenticationMethod",
        article: "a",
        name: "security key",
        weakness: None,
    },
    Kind {
        kind: MethodKind::X509Certificate,
        configurations: &[("X509Certificate", "certificates")],
        odata_type: "#microsoft.graph.x509CertificateAuthenticationMethod",
        article: "a",
        name: "certificate",
        weakness: None,
    },
    Kind {
        kind: MethodKind::MicrosoftAuthenticator,
        configurations: &[("MicrosoftAuthenticator", "Microsoft Authenticator")],
        odata_type: "#microsoft.graph.microsoftAuthenticatorAuthenticationMethod",
        article: "",
        name: "Microsoft Authenticator",
        weakness: Some("a notification can be approved by mistake"),
    },
    Kind {
        kind: MethodKind::HardwareOath,
        configurations: &[("HardwareOath", "hardware tokens")],
        odata_type: "#microsoft.graph.hardwareOathAuthenticationMethod",
        article: "a",
        name: "hardware OATH token",
        weakness: Some("a code can be given away to a false page"),
    },
    Kind {
        kind: MethodKind::SoftwareOath,
        configurations: &[("SoftwareOath", "software tokens")],
        odata_type: "#microsoft.graph.softwareOathAuthenticationMethod",
        article: "a",
        name: "software OATH token",
        weakness: Some("a code can be given away to a false page"),
    },
    Kind {
        kind: MethodKind::Phone,
        configurations: &[("Sms", "text messages"), ("Voice", "calls")],
        odata_type: "#microsoft.graph.phoneAuthenticationMethod",
        article: "a",
        name: "mobile phone",
        weakness: Some("a text message or a call can be taken over with the number"),
    },
];

/// Kinds that can be switched on for everybody: id, in words, what that weakens.
const SWITCHES: [(&str, &str, &str); 8] = [
    ("Fido2", "passkeys (FIDO2)", "everybody can register a passkey"),
    (
        "X509Certificate",
        "certificates",
        "whoever issues certificates can sign in as anybody whom a certificate can name",
    ),
    (
        "TemporaryAccessPass",
        "temporary access passes",
        "whoever may issue a pass can sign in as whoever it is for, with multifactor authentication",
    ),
    ("MicrosoftAuthenticator", "Microsoft Authenticator", "a notification can be approved by mistake"),
    ("HardwareOath", "hardware OATH tokens", "a code can be given away to a false page"),
    ("SoftwareOath", "software OATH tokens", "a code can be given away to a false page"),
    ("Sms", "text messages", "a text message can be taken over with the number"),
    ("Voice", "calls", "a call can be taken over with the number"),
];

/// A method that somebody would register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NewMethod {
    /// Which of [`KINDS`].
    kind: usize,
    /// Whether one of the kind is registered already.
    is_second: bool,
    /// The model of a key, where only some models are allowed.
    model: Option<String>,
}

impl NewMethod {
    fn of(&self) -> Option<&'static Kind> {
        KINDS.get(self.kind)
    }

    /// As it would be in the export.
    pub(super) fn registered(&self) -> Option<AuthenticationMethod> {
        let mut method = json!({ "@odata.type": self.of()?.odata_type, "id": "supposed", "phoneType": "mobile" });
        if let (Some(model), Some(method)) = (&self.model, method.as_object_mut()) {
            method.insert("aaGuid".to_owned(), json!(model));
            method.insert("passkeyType".to_owned(), json!("deviceBound"));
        }
        serde_json::from_value(method).ok()
    }

    pub(super) fn words(&self, who: &str) -> String {
        format!("register {} for `{who}`", self.name())
    }

    /// The method with its article and its model.
    pub(super) fn name(&self) -> String {
        let Some(kind) = self.of() else { return String::new() };
        let article = if self.is_second { "another" } else { kind.article };
        let what = [article, kind.name].join(" ");
        let model = self.model.as_ref().map(|model| format!(" of the allowed model `{model}`")).unwrap_or_default();
        format!("{}{model}", what.trim_start())
    }

    pub(super) fn weakens(&self, who: &str) -> Option<String> {
        Some(format!("`{who}` has one more way to sign in: {}", self.of()?.weakness?))
    }
}

pub(super) fn switched_on_words(method: &str) -> (String, String) {
    let found = SWITCHES.iter().find(|(id, ..)| *id == method);
    let (_, name, weakens) = found.copied().unwrap_or((method, method, ""));
    (format!("switch on {name} for everybody in the authentication methods policy"), weakens.to_owned())
}

impl Analysis<'_> {
    /// Methods of those who hold a role for the goal and of emergency accounts, kind by kind; kinds that are not for
    /// everybody.
    pub(super) fn of_methods(&self, goal: Goal, alike: &Alike) -> [Edits; 2] {
        let holders = self.goal_holders(goal.roles()).into_iter().map(|(user, _)| user);
        let mut seen = BTreeSet::new();
        let accounts = self.settings.accounts.iter().copied();
        let people: Vec<ObjectKey> =
            accounts.chain(holders).filter(|user| alike.is_first(*user) && seen.insert(*user)).collect();
        let (near, far) = people.split_at_checked(PERSON_COUNT_MAX).unwrap_or((&people, &[]));
        let models = models(self.access.snapshot());
        let registered = (0..KINDS.len()).flat_map(|kind| near.iter().map(move |user| (kind, *user)));
        let registered = registered.filter_map(|(kind, user)| {
            let method = self.new_method(kind, user, &models)?;
            Some(Edit::Method { user, method })
        });
        let switches = SWITCHES.iter().map(|(id, ..)| *id).filter(|id| self.is_for_some(id));
        let switches = switches.map(|method| Edit::SwitchOn { method });
        [Edits::of(registered).and_more(far.len() * KINDS.len()), Edits::of(switches)]
    }

    /// A method of a kind that the methods policy lets somebody use; of a key the first model that is allowed.
    fn new_method(&self, kind: usize, user: ObjectKey, models: &[String]) -> Option<NewMethod> {
        let own = KINDS.get(kind)?;
        let snapshot = self.access.snapshot();
        let methods = snapshot.user(user).and_then(|user| user.detail().authentication_methods.value());
        let is_second = methods.into_iter().flatten().any(|method| method.kind() == own.kind);
        // A second key lies elsewhere; a second app or phone is one more of what fails together.
        if is_second && own.kind != MethodKind::Fido2 {
            return None;
        }
        self.allowed(kind, (Some(user), is_second), models)
    }

    /// A key that an account would be let use which is not there yet, and so in no group.
    pub(super) fn spare_key(&self) -> Option<NewMethod> {
        let key = KINDS.iter().position(|one| one.kind == MethodKind::Fido2)?;
        self.allowed(key, (None, false), &models(self.access.snapshot()))
    }

    fn allowed(
        &self,
        kind: usize,
        (user, is_second): (Option<ObjectKey>, bool),
        models: &[String],
    ) -> Option<NewMethod> {
        let own = KINDS.get(kind)?;
        let asker = MethodUser {
            snapshot: self.access.snapshot(),
            user,
            now: self.access.settings().now,
            certificate_days_left_min: 0,
            is_supposed_on: false,
        };
        let may_use = |method: &NewMethod| {
            let registered = method.registered()?;
            let is_allowed = |name| matches!(permitted(&asker, name, &registered), Use::Allowed | Use::Ending(_));
            own.configurations.iter().any(|name| is_allowed(*name)).then_some(())
        };
        let models = if own.kind == MethodKind::Fido2 { models } else { &[] };
        let of_model = models.iter().map(|model| Some(model.clone()));
        // Where no model is asked for, any will do.
        let all = of_model.chain([None]).map(|model| NewMethod { kind, is_second, model });
        let mut allowed = all.filter(|method| may_use(method).is_some());
        allowed.next()
    }

    /// Whether the methods policy has a kind and lets not everybody use it.
    fn is_for_some(&self, id: &str) -> bool {
        let policy = self.access.snapshot().authentication_methods_policy.as_present();
        policy.and_then(|policy| policy.configuration(id)).is_some_and(|configuration| {
            let includes = configuration.include_targets.value().into_iter().flatten();
            let is_for_all = includes.into_iter().any(|target| target.id == "all_users");
            let excludes = configuration.exclude_targets.value().into_iter().flatten();
            configuration.state.as_deref() != Some("enabled") || !is_for_all || excludes.count() > 0
        })
    }
}

/// Models of keys that an authentication strength or the methods policy names, those of strengths first, since they
/// have to meet both.
fn models(snapshot: &Snapshot) -> Vec<String> {
    let strengths = snapshot.authentication_strength_policies.items().iter();
    let configurations = strengths.filter_map(|one| one.combination_configurations.value()).flatten();
    let of_strengths = configurations.filter_map(|one| one.allowed_aaguids.value()).flatten().cloned();
    let policy = snapshot.authentication_methods_policy.as_present();
    let passkeys = policy.and_then(|policy| policy.configuration("Fido2"));
    let restrictions = passkeys.and_then(|passkeys| passkeys.key_restrictions.value());
    let plain = restrictions.and_then(|one| one.aaguids.value()).into_iter().flatten().cloned();
    let profiles = passkeys.and_then(|passkeys| passkeys.rest.get("passkeyProfiles")?.as_array());
    let profiles = profiles.into_iter().flatten().filter_map(|one| one.pointer("/keyRestrictions/aaGuids")?.as_array());
    let of_profiles = profiles.flatten().filter_map(Value::as_str).map(str::to_owned);
    let mut seen = BTreeSet::new();
    let all = of_strengths.chain(plain).chain(of_profiles);
    all.filter(|model| seen.insert(model.to_ascii_lowercase())).take(MODEL_COUNT_MAX).collect()
}
