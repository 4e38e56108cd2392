//! Methods that somebody sets up while signing in: the sign-in demands one, and the account has none.
//!
//! **Invariant:** an account that has a method, even one that cannot be used here, gets no other this way: whoever knows
//! a password alone would get past what protects it.
//! **Source:** the combined registration documentation; the user action `urn:user:registersecurityinfo` of Conditional
//! Access; key URIs of authenticator apps (`otpauth:`).

use breakglass_model::snapshot::Resource;
use qrcodegen::{QrCode, QrCodeEcc};
use serde_json::{Value, json};

use super::error::StsError;
use super::flows::{Purpose, Visit};
use super::pages::{Page, error, escaped, form, hidden};
use super::passkeys::Asking;
use super::visit::{ADDRESS, FAILURE_COUNT_MAX, Step, failed, refused};
use crate::audit::{self, AUTHENTICATION_METHODS, Activity};
use crate::call::{Reply, encoded, member};
use crate::clock::written;
use crate::random;
use crate::secret::Hashed;
use crate::sign_in::methods::{self, Kind};
use crate::sign_in::passkeys::{self, Fido2Policy};
use crate::sign_in::proof::is_multifactor;
use crate::sign_in::{Attempt, decide, risk_of};
use crate::state::{Change, Directory, Object, Secret, StateError, Writing, text};
use crate::totp::Base32;

/// The user action, as Graph has it in `signInContext`.
const REGISTER: &str = "registerSecurityInformation";
/// The same, as policies have it.
const REGISTER_URN: &str = "urn:user:registersecurityinfo";
/// What can be set up here, with the word that the forms have for it and what the page says.
const KINDS: [(Kind, &str, &str); 2] =
    [(Kind::Oath, "app", "Set up an authenticator app"), (Kind::Passkey, "passkey", "Set up a passkey")];
/// Modules of the margin around a QR code.
const QUIET_MODULES: i32 = 4;

impl Step<'_> {
    /// What a user may set up so that the sign-in goes on.
    ///
    /// # Errors
    /// Why that is nothing, as it is told; what Conditional Access says about setting something up is in the log.
    fn registrable(&self, visit: &Visit, user: &Object) -> Result<Vec<Kind>, StsError> {
        let now = self.tenant.clock.now();
        let attempt = self.attempt(visit);
        let directory = self.tenant.state.read();
        if !methods::is_bare(&directory, user) {
            return Err(StsError::of(50_079));
        }
        let helps = |kind: Kind| {
            let modes = attempt.modes.with(kind.mode());
            decide(&directory, user, &Attempt { modes, ..attempt.clone() }, now).refused.is_none()
        };
        // Whoever is at risk and has shown a password alone may be somebody else, whose method it would be.
        if risk_of(&directory, user).1 != "none" && !is_multifactor(attempt.modes) {
            return Err(StsError::of(53_004));
        }
        let is_taken = |kind: Kind| {
            methods::is_allowed(&directory, user, kind)
                && (kind != Kind::Passkey || Fido2Policy::of(&directory).takes_new().is_ok())
        };
        let kinds: Vec<Kind> =
            KINDS.into_iter().map(|(kind, ..)| kind).filter(|kind| is_taken(*kind) && helps(*kind)).collect();
        if kinds.is_empty() {
            return Err(StsError::of(50_079));
        }
        let registers = Attempt { user_action: Some(REGISTER), ..attempt.clone() };
        let decided = decide(&directory, user, &registers, now);
        // A policy about all resources is about this, too: what it demands is what is going to be set up.
        let is_named = decided.policies.iter().any(|policy| names_registration(&directory, policy));
        drop(directory);
        let code = match decided.refused {
            None => return Ok(kinds),
            Some(_) if is_named => 53_010,
            Some(_) if decided.can_be_proved => return Ok(kinds),
            Some(code) => code,
        };
        let refusal = StsError { policies: decided.policies.clone(), ..StsError::of(code) };
        let name = text(user, "userPrincipalName").unwrap_or_default();
        if self.log(Some(user), (name, &registers, &decided), Some(&refusal)) { Err(refusal) } else { Err(unwritten()) }
    }

    /// The sign-in demands more than the account has.
    pub(super) fn more_required(&self, id: &str, visit: Visit, user: &Object) -> Reply {
        let kinds = match self.registrable(&visit, user) {
            Ok(kinds) => kinds,
            Err(error) => return refused(&error),
        };
        self.keep(id, visit, |_, id, _| {
            let mut body = "<p>Your organization needs more information to keep your account secure.</p>".to_owned();
            for (_, word, label) in KINDS.iter().filter(|(kind, ..)| kinds.contains(kind)) {
                body += &form((ADDRESS, "register", label), &(hidden("ctx", id) + &hidden("method", word)));
            }
            body += &form((ADDRESS, "other", "Use another account"), &hidden("ctx", id));
            Page::new("More information required", body).reply(200)
        })
    }

    /// Somebody chose what to set up.
    pub(super) fn register(&self, id: &str, mut visit: Visit, word: &str) -> Reply {
        let kind = KINDS.iter().find(|(_, known, _)| *known == word).map(|(kind, ..)| *kind);
        let (user, kind) = match self.registering(&visit, kind) {
            Ok(found) => found,
            Err(reply) => return reply,
        };
        if kind == Kind::Passkey {
            return self.passkey_page(id, visit, (&user, None));
        }
        let Ok(key) = Base32::generate() else { return failed() };
        visit.new_key = Some(key);
        self.keep(id, visit, |step, id, visit| step.app_page(id, visit, (&user, None)))
    }

    /// Who sets up what; the page that says why not.
    fn registering(&self, visit: &Visit, kind: Option<Kind>) -> Result<(Object, Kind), Reply> {
        let (Some(person), Some(kind)) = (&visit.person, kind) else { return Err(failed()) };
        let user = self.tenant.state.read().object(Resource::Users, &person.user).cloned();
        let user = user.ok_or_else(|| refused(&StsError::of(50_034)))?;
        let kinds = self.registrable(visit, &user).map_err(|error| refused(&error))?;
        if kinds.contains(&kind) { Ok((user, kind)) } else { Err(refused(&StsError::of(50_079))) }
    }

    /// The page that shows the key of a new authenticator app and asks for a code.
    fn app_page(&self, id: &str, visit: &Visit, (user, wrong): (&Object, Option<&str>)) -> Reply {
        let Some(key) = &visit.new_key else { return failed() };
        let directory = self.tenant.state.read();
        let organization = directory.single(Resource::Organization).and_then(|one| text(one, "displayName"));
        let issuer = organization.unwrap_or("Contoso").to_owned();
        drop(directory);
        let name = text(user, "userPrincipalName").unwrap_or_default();
        let (secret, issuer) = (key.to_text(), encoded(&issuer));
        let address = format!("otpauth://totp/{issuer}:{}?secret={secret}&issuer={issuer}", encoded(name));
        let fields = format!(
            "{}{}<p>Scan this with an authenticator app, or <a href=\"{}\">open it in one on this device</a>.</p>{}\
             <p>Or enter this key there: <b class=\"key\">{secret}</b></p><label for=\"otc\">Then enter the code that the \
             app shows.</label><input id=\"otc\" name=\"otc\" type=\"text\" inputmode=\"numeric\" \
             autocomplete=\"one-time-code\" required>",
            error(wrong),
            hidden("ctx", id),
            escaped(&address),
            picture(&address),
        );
        let others = form((ADDRESS, "ways", "Choose another way"), &hidden("ctx", id));
        Page::new("Set up an authenticator app", form((ADDRESS, "enroll", "Next"), &fields) + &others).reply(200)
    }

    /// The code of a new authenticator app was sent.
    pub(super) fn app_enrolled(&self, id: &str, mut visit: Visit, code: &str) -> Reply {
        let (user, kind) = match self.registering(&visit, Some(Kind::Oath)) {
            Ok(found) => found,
            Err(reply) => return reply,
        };
        let (Some(key), Some(person)) = (&visit.new_key, visit.person.clone()) else { return failed() };
        let Some(step) = key.step_of(code, self.tenant.clock.now()) else {
            visit.failures += 1;
            if visit.failures >= FAILURE_COUNT_MAX {
                return refused(&StsError::of(500_121));
            }
            let wrong = "The code is not the one that the app shows now. Check that the clock of the device is right.";
            return self.keep(id, visit, |step, id, visit| step.app_page(id, visit, (&user, Some(wrong))));
        };
        let Ok(method) = random::uuid() else { return failed() };
        let is_kept = self
            .keep_app(&person.user, (&method, key))
            .is_ok_and(|writing| self.is_committed(writing, &user, "User registered Authenticator App with code"));
        if !is_kept || !methods::is_first_use(self.tenant, (&person.user, &method), step) {
            return failed();
        }
        visit.new_key = None;
        visit.person = Some(person.with(kind.mode(), self.tenant.clock.now()));
        self.next(id, visit)
    }

    /// The changes that keep an authenticator app.
    fn keep_app(&self, user: &str, (id, key): (&str, &Base32)) -> Result<Writing<'_>, StateError> {
        let method = json!({
            "@odata.type": "#microsoft.graph.softwareOathAuthenticationMethod", "id": id, "secretKey": Value::Null,
            "createdDateTime": written(self.tenant.clock.now()),
        });
        let hashed = Hashed::of_authenticator(key);
        let secret = Secret { owner: user.to_owned(), id: id.to_owned(), hashed, until: None };
        let begun = self.tenant.state.begin(|directory| {
            let gone = || StateError::Malformed { what: "the methods of the user".to_owned() };
            // Of two who set one up at a time the second finds one there.
            let mut changed = directory.object(Resource::Users, user).cloned().ok_or_else(gone)?;
            if !methods::is_bare(directory, &changed) {
                return Err(gone());
            }
            let list = changed.entry("authenticationMethods").or_insert_with(|| json!([]));
            list.as_array_mut().ok_or_else(gone)?.push(method);
            Ok((vec![Change::Put(Resource::Users, changed), Change::PutSecret(secret)], ()))
        });
        begun.map(|(writing, ())| writing)
    }

    /// The page that makes a passkey.
    fn passkey_page(&self, id: &str, mut visit: Visit, (user, wrong): (&Object, Option<&str>)) -> Reply {
        let Ok(challenge) = visit.challenged(Purpose::Registration, self.tenant.clock.now()) else { return failed() };
        let options = passkeys::creation_options(&self.tenant.state.read(), user, &challenge);
        let Some(options) = options else { return refused(&StsError::of(50_079)) };
        let others = form((ADDRESS, "ways", "Choose another way"), &hidden("ctx", id));
        let asking = Asking {
            title: "Set up a passkey",
            text: "<p>A passkey is kept on this device or on a security key, and used with your face, finger or PIN.</p>",
            wrong,
            options: &options,
            is_new: true,
            others: &others,
        };
        self.keep(id, visit, |step, id, visit| step.ask_browser((id, visit), &asking))
    }

    /// The browser made a passkey. It is asked for right away: to make one is not to sign in with it.
    pub(super) fn passkey_created(&self, id: &str, mut visit: Visit, sent: &[(String, String)]) -> Reply {
        let (user, _) = match self.registering(&visit, Some(Kind::Passkey)) {
            Ok(found) => found,
            Err(reply) => return reply,
        };
        let answered = visit.answered(self.tenant.clock.now());
        let challenge = answered.filter(|(purpose, _)| *purpose == Purpose::Registration).map(|(_, bytes)| bytes);
        let part = |name: &str| member(sent, name).and_then(passkeys::decoded).unwrap_or_default();
        let (client_data, object) = (part("clientDataJSON"), part("attestationObject"));
        let owner = text(&user, "id").unwrap_or_default();
        let made = match challenge {
            Some(challenge) => passkeys::register(self.tenant, (owner, ""), (&challenge, &client_data, &object)),
            None => Err(crate::webauthn::WebauthnError::Challenge.into()),
        };
        match made {
            Ok((writing, _)) => {
                if self.is_committed(writing, &user, "User registered Passkey (FIDO2)") {
                    self.next(id, visit)
                } else {
                    failed()
                }
            }
            Err(why) => {
                visit.failures += 1;
                if visit.failures >= FAILURE_COUNT_MAX {
                    return refused(&StsError::of(500_121));
                }
                let wrong = format!("The passkey is not registered: {why}.");
                self.passkey_page(id, visit, (&user, Some(&wrong)))
            }
        }
    }

    /// Keeps what somebody has set up, and writes that they have; `false` if that fails.
    fn is_committed(&self, mut writing: Writing<'_>, user: &Object, reason: &str) -> bool {
        let activity = Activity {
            name: "User registered security info",
            category: "UserManagement",
            service: AUTHENTICATION_METHODS,
            reason,
        };
        let record = audit::record_of_own(self.tenant.clock.now(), user, (activity, self.call.remote));
        record.is_ok_and(|record| {
            writing.tell(record);
            writing.commit().is_ok()
        })
    }
}

/// Whether a policy is about setting something up.
fn names_registration(directory: &Directory, policy: &str) -> bool {
    let policy = directory.object(Resource::ConditionalAccessPolicies, policy);
    let applications = policy.and_then(|policy| policy.get("conditions")).and_then(|one| one.get("applications"));
    let named = applications.and_then(|one| one.get("includeUserActions")).and_then(Value::as_array);
    named.into_iter().flatten().filter_map(Value::as_str).any(|urn| urn.eq_ignore_ascii_case(REGISTER_URN))
}

fn unwritten() -> StsError {
    let text = "The sign-in log cannot be written. Please try again.".to_owned();
    StsError { text: Some(text), ..StsError::of(90_033) }
}

/// A QR code as a picture in the page; nothing where the text is too long for one.
fn picture(text: &str) -> String {
    let Ok(code) = QrCode::encode_text(text, QrCodeEcc::Medium) else { return String::new() };
    let size = code.size() + 2 * QUIET_MODULES;
    let mut path = String::new();
    for row in 0..code.size() {
        for column in (0..code.size()).filter(|column| code.get_module(*column, row)) {
            path += &format!("M{} {}h1v1h-1z", column + QUIET_MODULES, row + QUIET_MODULES);
        }
    }
    format!(
        "<svg class=\"code\" viewBox=\"0 0 {size} {size}\" role=\"img\" aria-label=\"QR code\" \
         shape-rendering=\"crispEdges\"><rect width=\"{size}\" height=\"{size}\" fill=\"#fff\"/><path d=\"{path}\"/></svg>"
    )
}
