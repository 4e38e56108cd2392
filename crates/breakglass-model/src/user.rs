//! Users.
//!
//! A snapshot may hold a million of them, so a row keeps what every question needs and a boxed detail what few
//! users have; other properties are read over.
//!
//! **Source:** <https://learn.microsoft.com/graph/api/resources/user>.

use serde::Deserialize;

use crate::authentication_method::AuthenticationMethod;
use crate::graph_enum::graph_enum;
use crate::object::ObjectKey;
use crate::policy::Rest;
use crate::property::Property;
use crate::strength::Modes;

graph_enum!(
    /// `userType`.
    UserType {
        Member = "Member",
        Guest = "Guest",
    }
);

/// One user.
#[derive(Debug, Clone, PartialEq)]
pub struct User {
    /// Its id, interned.
    pub key: ObjectKey,
    /// Sign-in name.
    pub user_principal_name: Option<Box<str>>,
    /// Name to show.
    pub display_name: Option<Box<str>>,
    /// Whether it may sign in.
    pub account_enabled: Property<bool>,
    /// Member or guest.
    pub user_type: Property<UserType>,
    /// Whether it comes from on-premises.
    pub on_premises_sync_enabled: Property<bool>,
    /// What few users have, or few exports select.
    pub detail: Option<Box<UserDetail>>,
}

/// Properties that only some questions need.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UserDetail {
    /// Registered methods; absent when the export could not read them.
    pub authentication_methods: Property<Vec<AuthenticationMethod>>,
    /// Where the rest of the methods is, when the export stopped in the middle of the list.
    #[serde(rename = "authenticationMethods@odata.nextLink")]
    pub authentication_methods_next_link: Property<String>,
    /// Why the methods are not, or not all, there, by the export's `missing`; see [`Snapshot::why_methods_unread`].
    ///
    /// [`Snapshot::why_methods_unread`]: crate::snapshot::Snapshot::why_methods_unread
    #[serde(skip)]
    pub methods_unread: Option<Box<str>>,
    /// What the report of registrations says of it, where the methods themselves were not read.
    pub user_registration_details: Property<UserRegistrationDetails>,
    /// Key of the on-premises object.
    pub on_premises_immutable_id: Property<String>,
    /// When it was last synchronised.
    pub on_premises_last_sync_date_time: Property<String>,
    /// `DisablePasswordExpiration, DisableStrongPassword`.
    pub password_policies: Property<String>,
    /// Forced-change flags.
    pub password_profile: Property<PasswordProfile>,
    /// When the password was last changed.
    pub last_password_change_date_time: Property<String>,
    /// Creation time.
    pub created_date_time: Property<String>,
    /// `Invitation`, `LocalAccount`, …
    pub creation_type: Property<String>,
    /// `PendingAcceptance` or `Accepted` for invited users.
    pub external_user_state: Property<String>,
    /// When it was deleted.
    pub deleted_date_time: Property<String>,
    /// Licences.
    pub assigned_licenses: Property<Vec<Rest>>,
    /// Service plans.
    pub assigned_plans: Property<Vec<Rest>>,
    /// Mailbox address.
    pub mail: Property<String>,
    /// Other addresses (self-service reset).
    pub other_mails: Property<Vec<String>>,
    /// Phone of a person.
    pub mobile_phone: Property<String>,
    /// Phones of a person.
    pub business_phones: Property<Vec<String>>,
    /// Manager, expanded.
    pub manager: Property<Rest>,
    /// Kind of employment.
    pub employee_type: Property<String>,
    /// Department, used by dynamic groups.
    pub department: Property<String>,
    /// Last sign-ins.
    pub sign_in_activity: Property<SignInActivity>,
    /// Sessions older than this are dead.
    pub sign_in_sessions_valid_from_date_time: Property<String>,
    /// Whether it lies in a restricted-management administrative unit.
    pub is_management_restricted: Property<bool>,
    /// Objects it owns, expanded.
    pub owned_objects: Property<Vec<Rest>>,
}

impl UserDetail {
    /// Whether more methods may be registered than are listed.
    #[must_use]
    pub fn are_methods_cut(&self) -> bool {
        self.authentication_methods_next_link.value().is_some() || self.methods_unread.is_some()
    }
}

/// `userRegistrationDetails` of the report about authentication methods: what a user has registered, by name.
///
/// The report is some time old and does not list certificates, which nobody registers. What it does not name may be there
/// all the same.
///
/// **Source:** <https://learn.microsoft.com/graph/api/resources/userregistrationdetails>.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UserRegistrationDetails {
    /// Names of the methods, as `mobilePhone`.
    pub methods_registered: Property<Vec<String>>,
    /// When the report was made.
    pub last_updated_date_time: Option<String>,
}

impl UserRegistrationDetails {
    /// What the methods that it names give; a name that is not known gives nothing.
    #[must_use]
    pub fn modes(&self) -> Modes {
        let names = self.methods_registered.value().into_iter().flatten();
        names.fold(Modes::default(), |modes, name| modes.with(registered_modes(name)))
    }

    /// Whether a passkey is among them; of which model it is the report does not say.
    #[must_use]
    pub fn has_passkey(&self) -> bool {
        self.modes().contains(Modes::FIDO2)
    }
}

/// What a method gives, by its name in the report. **Source:** the resource's page and its examples; names that stand in
/// neither are from memory.
fn registered_modes(name: &str) -> Modes {
    match name {
        "mobilePhone" => Modes::VOICE.with(Modes::SMS),
        "alternateMobilePhone" | "officePhone" => Modes::VOICE,
        "microsoftAuthenticatorPush" => Modes::MICROSOFT_AUTHENTICATOR_PUSH,
        "microsoftAuthenticatorPasswordless" => Modes::DEVICE_BASED_PUSH,
        "softwareOneTimePasscode" => Modes::SOFTWARE_OATH,
        "hardwareOneTimePasscode" => Modes::HARDWARE_OATH,
        "passKeyDeviceBound"
        | "passKeyDeviceBoundAuthenticator"
        | "passKeyDeviceBoundWindowsHello"
        | "passKeySynced"
        | "fido2SecurityKey" => Modes::FIDO2,
        "windowsHelloForBusiness" | "macOsSecureEnclaveKey" => Modes::WINDOWS_HELLO_FOR_BUSINESS,
        // A pass may be over by now.
        _ => Modes::default(),
    }
}

/// `passwordProfile`, without the password.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PasswordProfile {
    /// Must change at next sign-in.
    pub force_change_password_next_sign_in: Option<bool>,
    /// Must change at next sign-in, after MFA.
    pub force_change_password_next_sign_in_with_mfa: Option<bool>,
}

/// `signInActivity`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SignInActivity {
    /// Last interactive attempt.
    pub last_sign_in_date_time: Option<String>,
    /// Last non-interactive attempt.
    pub last_non_interactive_sign_in_date_time: Option<String>,
    /// Last success.
    pub last_successful_sign_in_date_time: Option<String>,
}

/// A detail whose every property is absent, for users without one.
static NO_DETAIL: std::sync::LazyLock<UserDetail> = std::sync::LazyLock::new(UserDetail::default);

impl User {
    /// The detail; every property of it is absent where the export has none.
    #[must_use]
    pub fn detail(&self) -> &UserDetail {
        self.detail.as_deref().unwrap_or(&NO_DETAIL)
    }

    /// The name to show: sign-in name, else display name, else nothing.
    #[must_use]
    pub fn name(&self) -> &str {
        self.user_principal_name.as_deref().or(self.display_name.as_deref()).unwrap_or_default()
    }

    /// Whether the sign-in name is that of an invited account (`name_domain#EXT#@tenant`).
    #[must_use]
    pub fn has_external_name(&self) -> bool {
        self.user_principal_name.as_deref().is_some_and(|name| name.contains("#EXT#"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_methods_and_what_is_not_known_gives_nothing() {
        let read = |json: &str| serde_json::from_str::<UserRegistrationDetails>(json).unwrap();
        for (names, modes) in [
            (r#"["mobilePhone"]"#, Modes::VOICE.with(Modes::SMS)),
            (r#"["officePhone","email"]"#, Modes::VOICE),
            (
                r#"["microsoftAuthenticatorPush","softwareOneTimePasscode"]"#,
                Modes::MICROSOFT_AUTHENTICATOR_PUSH.with(Modes::SOFTWARE_OATH),
            ),
            (r#"["passKeyDeviceBound"]"#, Modes::FIDO2),
            (r#"["temporaryAccessPass","securityQuestion","somethingNew"]"#, Modes::default()),
            ("[]", Modes::default()),
            ("null", Modes::default()),
        ] {
            assert_eq!(read(&format!(r#"{{"methodsRegistered":{names}}}"#)).modes(), modes, "{names}");
        }
        assert_eq!(read("{}"), UserRegistrationDetails::default());
        assert!(read(r#"{"methodsRegistered":["passKeySynced"]}"#).has_passkey());
    }
}
