//! The words that Entra shows people, as members of Graph's enumerations.
//!
//! One table for each property. Every row says how sure it is; a word that is in no row is kept as it was written and
//! leaves open whatever depends on it.
//!
//! **Source:** the documentation of `signIn`, `deviceDetail` and of the columns of the sign-in logs; rows marked
//! [`Basis::Memory`] are from memory.

use std::borrow::Cow;

use super::{AuthenticationStep, RecordedMethods, RecordedMfa, SignInRecord};
use crate::policy::{
    ConditionalAccessClientApp as Client, ConditionalAccessDevicePlatform as Platform, GuestOrExternalUserType,
    RiskLevel, TransferMethod,
};
use crate::strength::Modes;

/// How sure a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// Read in Microsoft's documentation or metadata.
    Documented,
    /// From memory.
    Memory,
}

/// What a record says of a property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stated<T> {
    /// Nothing.
    Absent,
    /// A member that is known.
    Known(T),
    /// A word that no table has.
    Strange(String),
}

impl<T> Stated<T> {
    /// The member, if there is one.
    #[must_use]
    pub fn known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Absent | Self::Strange(_) => None,
        }
    }
}

/// Beginnings of `operatingSystem`: a version may follow. `""` is a platform that Entra does not recognise. The first
/// that fits counts.
pub const PLATFORM_WORDS: &[(&str, &str, Basis)] = &[
    ("windows phone", "windowsPhone", Basis::Memory),
    ("windowsphone", "windowsPhone", Basis::Memory),
    ("windows", "windows", Basis::Documented),
    ("macos", "macOS", Basis::Memory),
    ("mac os", "macOS", Basis::Memory),
    ("ios", "iOS", Basis::Memory),
    ("ipados", "iOS", Basis::Memory),
    ("android", "android", Basis::Memory),
    ("linux", "linux", Basis::Memory),
    ("ubuntu", "linux", Basis::Memory),
    ("chrome os", "", Basis::Memory),
    ("chromeos", "", Basis::Memory),
];

/// Whole words of `clientAppUsed`.
pub const CLIENT_APP_WORDS: &[(&str, Client, Basis)] = &[
    ("Browser", Client::Browser, Basis::Documented),
    ("Mobile Apps and Desktop clients", Client::MobileAppsAndDesktopClients, Basis::Documented),
    ("Exchange ActiveSync", Client::ExchangeActiveSync, Basis::Documented),
    ("Exchange ActiveSync (supported)", Client::EasSupported, Basis::Memory),
    ("Other clients", Client::Other, Basis::Documented),
    ("Authenticated SMTP", Client::Other, Basis::Documented),
    ("SMTP", Client::Other, Basis::Memory),
    ("Autodiscover", Client::Other, Basis::Documented),
    ("Exchange Online PowerShell", Client::Other, Basis::Documented),
    ("Exchange Web Services", Client::Other, Basis::Documented),
    ("IMAP", Client::Other, Basis::Documented),
    ("IMAP4", Client::Other, Basis::Documented),
    ("POP", Client::Other, Basis::Documented),
    ("POP3", Client::Other, Basis::Documented),
    ("MAPI Over HTTP", Client::Other, Basis::Documented),
    ("Offline Address Book", Client::Other, Basis::Documented),
    ("Outlook Anywhere (RPC over HTTP)", Client::Other, Basis::Documented),
    ("Reporting Web Services", Client::Other, Basis::Documented),
    ("Outlook Service", Client::Other, Basis::Memory),
    ("Universal Outlook", Client::Other, Basis::Memory),
];

/// Whole words of `trustType`, with the word of device filters.
pub const TRUST_TYPE_WORDS: &[(&str, &str, Basis)] = &[
    ("Azure AD joined", "AzureAD", Basis::Documented),
    ("Microsoft Entra joined", "AzureAD", Basis::Documented),
    ("AzureAD", "AzureAD", Basis::Documented),
    ("AzureAd", "AzureAD", Basis::Documented),
    ("EntraID", "AzureAD", Basis::Documented),
    ("Hybrid Azure AD joined", "ServerAD", Basis::Documented),
    ("Microsoft Entra hybrid joined", "ServerAD", Basis::Documented),
    ("ServerAD", "ServerAD", Basis::Documented),
    ("Azure AD registered", "Workplace", Basis::Documented),
    ("Microsoft Entra registered", "Workplace", Basis::Documented),
    ("Workplace", "Workplace", Basis::Documented),
];

/// Error codes of sign-ins that end before Conditional Access: the user is not there or closed, or the first factor was
/// not right.
///
/// **Source:** the reference of AADSTS error codes; that Conditional Access runs after the first factor is documented.
pub const FIRST_FACTOR_ERROR_CODES: [i64; 11] =
    [50_034, 50_053, 50_055, 50_056, 50_057, 50_126, 50_132, 50_133, 50_173, 90_002, 700_016];

/// Error codes that ask for multifactor authentication, or for its registration: it was not done.
pub const MFA_ERROR_CODES: [i64; 6] = [50_072, 50_074, 50_076, 50_078, 50_079, 500_121];

/// Words of `authenticationMethod` (or its detail), with the mode.
pub const METHOD_WORDS: &[(&str, Modes, Basis)] = &[
    ("Password", Modes::PASSWORD, Basis::Documented),
    ("Password in the cloud", Modes::PASSWORD, Basis::Memory),
    ("Password Hash Sync", Modes::PASSWORD, Basis::Documented),
    ("Pass-through Authentication", Modes::PASSWORD, Basis::Memory),
    ("Text message", Modes::SMS, Basis::Documented),
    ("Phone call approval (Authentication phone)", Modes::VOICE, Basis::Memory),
    ("Phone call approval (Office phone)", Modes::VOICE, Basis::Memory),
    ("Phone call approval (Alternative phone)", Modes::VOICE, Basis::Memory),
    ("Mobile app notification", Modes::MICROSOFT_AUTHENTICATOR_PUSH, Basis::Documented),
    ("Microsoft Authenticator (push notification)", Modes::MICROSOFT_AUTHENTICATOR_PUSH, Basis::Memory),
    ("Mobile app verification code", Modes::SOFTWARE_OATH, Basis::Documented),
    ("OATH software token", Modes::SOFTWARE_OATH, Basis::Memory),
    ("OATH verification code", Modes::SOFTWARE_OATH, Basis::Memory),
    ("OATH hardware token", Modes::HARDWARE_OATH, Basis::Memory),
    ("Passwordless phone sign-in", Modes::DEVICE_BASED_PUSH, Basis::Memory),
    ("FIDO2 security key", Modes::FIDO2, Basis::Documented),
    ("Passkey (device-bound)", Modes::FIDO2, Basis::Memory),
    ("Passkey (synced)", Modes::FIDO2, Basis::Memory),
    ("Windows Hello for Business", Modes::WINDOWS_HELLO_FOR_BUSINESS, Basis::Documented),
    ("Platform Credential", Modes::WINDOWS_HELLO_FOR_BUSINESS, Basis::Memory),
];

/// Methods that are multifactor authentication by themselves, whatever step they stand in.
const WHOLE_MFA: [Modes; 3] = [Modes::FIDO2, Modes::WINDOWS_HELLO_FOR_BUSINESS, Modes::DEVICE_BASED_PUSH];

/// Beginnings of `status.additionalDetails` and of step results that say that it was done, from memory.
const MFA_DONE_WORDS: [&str; 3] = ["MFA requirement satisfied", "MFA completed", "MFA successfully completed"];

/// Whether a text begins with a word, without case.
fn begins_with(text: &str, word: &str) -> bool {
    text.get(..word.len()).is_some_and(|front| front.eq_ignore_ascii_case(word))
}

fn whole<T: Clone>(text: &str, table: &[(&str, T, Basis)]) -> Stated<T> {
    if text.is_empty() {
        return Stated::Absent;
    }
    match table.iter().find(|(word, ..)| word.eq_ignore_ascii_case(text)) {
        Some((_, member, _)) => Stated::Known(member.clone()),
        None => Stated::Strange(text.to_owned()),
    }
}

/// The platform behind the name of an operating system; [`Platform::Unknown`] with an empty text is one that Entra
/// does not recognise.
#[must_use]
pub fn platform(text: &str) -> Stated<Platform> {
    if text.is_empty() {
        return Stated::Absent;
    }
    match PLATFORM_WORDS.iter().find(|(word, ..)| begins_with(text, word)) {
        Some((_, member, _)) => Stated::Known(Platform::from_graph(member)),
        None => Stated::Strange(text.to_owned()),
    }
}

/// The kind of client behind the words of `clientAppUsed`.
#[must_use]
pub fn client_app_type(text: &str) -> Stated<Client> {
    whole(text, CLIENT_APP_WORDS)
}

/// The word of device filters behind the words of `trustType`.
#[must_use]
pub fn trust_type(text: &str) -> Stated<&'static str> {
    whole(text, TRUST_TYPE_WORDS)
}

/// A risk level; Graph's own spelling.
#[must_use]
pub fn risk_level(text: &str) -> Stated<RiskLevel> {
    if text.is_empty() {
        return Stated::Absent;
    }
    match RiskLevel::from_graph(text) {
        RiskLevel::Unknown(_) => Stated::Strange(text.to_owned()),
        level => Stated::Known(level),
    }
}

/// The flow: `originalTransferMethod`, and `authenticationProtocol` where that one says device code.
#[must_use]
pub fn transfer_method(original: &str, protocol: &str) -> Stated<TransferMethod> {
    match (original, protocol) {
        ("deviceCodeFlow", _) | ("" | "none", "deviceCode") => Stated::Known(TransferMethod::DeviceCodeFlow),
        ("authenticationTransfer", _) | ("" | "none", "authenticationTransfer") => {
            Stated::Known(TransferMethod::AuthenticationTransfer)
        }
        ("none", _) => Stated::Known(TransferMethod::None),
        ("", _) => Stated::Absent,
        (other, _) => Stated::Strange(other.to_owned()),
    }
}

/// The kind of external user that `crossTenantAccessType` and `userType` stand for (from memory); `None` where the
/// directory has to say.
#[must_use]
pub fn external_user_type(access: &str, user_type: &str) -> Option<GuestOrExternalUserType> {
    let is = |word: &str| access.eq_ignore_ascii_case(word);
    if is("b2bCollaboration") && user_type.eq_ignore_ascii_case("guest") {
        return Some(GuestOrExternalUserType::B2bCollaborationGuest);
    }
    if is("b2bCollaboration") && user_type.eq_ignore_ascii_case("member") {
        return Some(GuestOrExternalUserType::B2bCollaborationMember);
    }
    if is("b2bDirectConnect") {
        return Some(GuestOrExternalUserType::B2bDirectConnectUser);
    }
    is("serviceProvider").then_some(GuestOrExternalUserType::ServiceProvider)
}

/// How multifactor authentication stands in a record.
///
/// Done is what a step, the status or the methods say. Not done is an error that asks for it, a step of it that failed,
/// or a sign-in that needed one factor whose methods are all known. Everything else is left open: a single factor that
/// was satisfied before may have been a token with more in it.
pub(super) fn mfa(record: &SignInRecord<'_>) -> RecordedMfa {
    let begins = |text: &Option<Cow<'_, str>>| {
        text.as_deref().is_some_and(|text| MFA_DONE_WORDS.iter().any(|word| begins_with(text, word)))
    };
    if record.error_code.is_some_and(|code| MFA_ERROR_CODES.contains(&code)) {
        return RecordedMfa::NotDone;
    }
    let steps = record.authentication_steps.as_deref().unwrap_or_default();
    let methods = methods(record);
    let has_whole = WHOLE_MFA.iter().any(|mode| methods.modes.contains(*mode));
    let is_second = |step: &&AuthenticationStep<'_>| {
        let requirement = step.requirement.as_deref().unwrap_or_default();
        begins_with(requirement, "multifactor") || begins_with(requirement, "multi-factor")
    };
    let second = || steps.iter().filter(is_second);
    let is_done =
        second().any(|step| step.succeeded == Some(true)) || steps.iter().any(|step| begins(&step.result_detail));
    if begins(&record.additional_details) || is_done || has_whole {
        return RecordedMfa::Done;
    }
    let requirement = record.authentication_requirement.as_deref().unwrap_or_default();
    if requirement.eq_ignore_ascii_case("multiFactorAuthentication") && record.error_code == Some(0) {
        return RecordedMfa::Done;
    }
    if second().any(|step| step.succeeded == Some(false)) {
        return RecordedMfa::NotDone;
    }
    let is_single = requirement.eq_ignore_ascii_case("singleFactorAuthentication");
    let are_known = record.authentication_steps.is_some() && !steps.is_empty() && !methods.has_others;
    if is_single && are_known { RecordedMfa::NotDone } else { RecordedMfa::Unsaid }
}

/// The methods of the steps that succeeded.
pub(super) fn methods(record: &SignInRecord<'_>) -> RecordedMethods {
    let Some(steps) = &record.authentication_steps else {
        return RecordedMethods { modes: Modes::default(), has_others: true };
    };
    let mut methods = RecordedMethods { modes: Modes::default(), has_others: steps.is_empty() };
    for step in steps.iter().filter(|step| step.succeeded != Some(false)) {
        let word = |text: &Option<Cow<'_, str>>| whole(text.as_deref().unwrap_or_default(), METHOD_WORDS).known();
        match word(&step.method).or_else(|| word(&step.method_detail)) {
            Some(mode) => methods.modes = methods.modes.with(mode),
            None => methods.has_others = true,
        }
        methods.has_others |= step.succeeded.is_none();
    }
    methods
}
