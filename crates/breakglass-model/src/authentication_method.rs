//! Authentication methods registered for a user.
//!
//! **Source:** <https://learn.microsoft.com/graph/api/resources/authenticationmethods-overview>; what each
//! method counts for is the table of authentication method modes.

use serde::Deserialize;

use crate::policy::Rest;
use crate::strength::Modes;

/// Kind of a registered method, told by its `@odata.type`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum AuthenticationMethodKind {
    /// Password; every cloud account has one.
    Password,
    /// Phone number for calls and, if mobile, text messages.
    Phone,
    /// Email address for self-service password reset; never a factor of sign-in for members.
    Email,
    /// Passkey (FIDO2).
    Fido2,
    /// Microsoft Authenticator.
    MicrosoftAuthenticator,
    /// Software OATH token.
    SoftwareOath,
    /// Hardware OATH token.
    HardwareOath,
    /// Temporary access pass.
    TemporaryAccessPass,
    /// Windows Hello for Business.
    WindowsHelloForBusiness,
    /// Platform credential (macOS).
    PlatformCredential,
    /// Certificate.
    X509Certificate,
    /// QR code with PIN.
    QrCodePin,
    /// Method of an external provider.
    External,
    /// A kind that this version does not know, as it was written.
    Unknown(Box<str>),
}

impl AuthenticationMethodKind {
    /// Reads the `@odata.type`, with or without `#microsoft.graph.`.
    #[must_use]
    pub fn from_odata_type(text: &str) -> Self {
        let name = text.strip_prefix('#').unwrap_or(text);
        let name = name.strip_prefix("microsoft.graph.").unwrap_or(name);
        match name.strip_suffix("AuthenticationMethod").unwrap_or(name) {
            "password" => Self::Password,
            "phone" => Self::Phone,
            "email" => Self::Email,
            "fido2" => Self::Fido2,
            "microsoftAuthenticator" | "passwordlessMicrosoftAuthenticator" => Self::MicrosoftAuthenticator,
            "softwareOath" => Self::SoftwareOath,
            "hardwareOath" => Self::HardwareOath,
            "temporaryAccessPass" => Self::TemporaryAccessPass,
            "windowsHelloForBusiness" => Self::WindowsHelloForBusiness,
            "platformCredential" => Self::PlatformCredential,
            "x509Certificate" => Self::X509Certificate,
            "qrCodePin" => Self::QrCodePin,
            "external" => Self::External,
            _ => Self::Unknown(text.into()),
        }
    }

    /// The name to show.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Password => "password",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Fido2 => "passkey (FIDO2)",
            Self::MicrosoftAuthenticator => "Microsoft Authenticator",
            Self::SoftwareOath => "software OATH token",
            Self::HardwareOath => "hardware OATH token",
            Self::TemporaryAccessPass => "temporary access pass",
            Self::WindowsHelloForBusiness => "Windows Hello for Business",
            Self::PlatformCredential => "platform credential",
            Self::X509Certificate => "certificate",
            Self::QrCodePin => "QR code",
            Self::External => "external method",
            Self::Unknown(text) => text,
        }
    }
}

/// `authenticationMethod` of a user.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthenticationMethod {
    /// The method's type.
    #[serde(default, rename = "@odata.type")]
    pub odata_type: Option<String>,
    /// Its id.
    #[serde(default)]
    pub id: Option<String>,
    /// The name its owner gave it.
    #[serde(default)]
    pub display_name: Option<String>,
    /// Model of the security key.
    #[serde(default)]
    pub model: Option<String>,
    /// Authenticator model id of a passkey.
    #[serde(default, rename = "aaGuid")]
    pub aaguid: Option<String>,
    /// `attested` or `notAttested`.
    #[serde(default)]
    pub attestation_level: Option<String>,
    /// `deviceBound` or `synced`.
    #[serde(default)]
    pub passkey_type: Option<String>,
    /// `mobile`, `alternateMobile`, `office`.
    #[serde(default)]
    pub phone_type: Option<String>,
    /// The number.
    #[serde(default)]
    pub phone_number: Option<String>,
    /// Whether a temporary access pass works once only.
    #[serde(default)]
    pub is_usable_once: Option<bool>,
    /// Whether a temporary access pass can be used now.
    #[serde(default)]
    pub is_usable: Option<bool>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Rest,
}

impl AuthenticationMethod {
    /// The kind; a method without a type is an unknown one.
    #[must_use]
    pub fn kind(&self) -> AuthenticationMethodKind {
        AuthenticationMethodKind::from_odata_type(self.odata_type.as_deref().unwrap_or("without @odata.type"))
    }

    /// Whether Microsoft Authenticator is registered for phone sign-in, without a password; `None` where the export does
    /// not say.
    ///
    /// **Source:** the microsoftAuthenticatorAuthenticationMethod reference: `device` is null unless it is. A plain list
    /// of methods does not have the property, which has to be expanded.
    #[must_use]
    pub fn is_for_phone_sign_in(&self) -> Option<bool> {
        if self.is_phone_sign_in_alone() {
            return Some(true);
        }
        self.rest.get("device").map(|device| !device.is_null())
    }

    /// Whether it is of the old type that stands for phone sign-in and nothing else.
    #[must_use]
    pub fn is_phone_sign_in_alone(&self) -> bool {
        self.odata_type.as_deref().is_some_and(|kind| kind.contains("passwordlessMicrosoftAuthenticator"))
    }

    /// Id of the device that it is on, where the export says it: of Windows Hello and of platform credentials, which
    /// work on no other.
    #[must_use]
    pub fn device_id(&self) -> Option<&str> {
        self.rest.get("device")?.get("id")?.as_str()
    }

    /// What the method can contribute to a combination.
    #[must_use]
    pub fn modes(&self) -> Modes {
        match self.kind() {
            AuthenticationMethodKind::Password => Modes::PASSWORD,
            AuthenticationMethodKind::Phone => match self.phone_type.as_deref() {
                Some("office") => Modes::VOICE,
                Some("alternateMobile") => Modes::VOICE,
                _ => Modes::VOICE.with(Modes::SMS),
            },
            AuthenticationMethodKind::Fido2 => Modes::FIDO2,
            AuthenticationMethodKind::MicrosoftAuthenticator if self.is_phone_sign_in_alone() => {
                Modes::DEVICE_BASED_PUSH
            }
            AuthenticationMethodKind::MicrosoftAuthenticator if self.is_for_phone_sign_in() == Some(false) => {
                Modes::MICROSOFT_AUTHENTICATOR_PUSH
            }
            AuthenticationMethodKind::MicrosoftAuthenticator => {
                Modes::MICROSOFT_AUTHENTICATOR_PUSH.with(Modes::DEVICE_BASED_PUSH)
            }
            AuthenticationMethodKind::SoftwareOath => Modes::SOFTWARE_OATH,
            AuthenticationMethodKind::HardwareOath => Modes::HARDWARE_OATH,
            AuthenticationMethodKind::TemporaryAccessPass if self.is_usable_once == Some(true) => {
                Modes::TEMPORARY_ACCESS_PASS_ONE_TIME
            }
            AuthenticationMethodKind::TemporaryAccessPass => Modes::TEMPORARY_ACCESS_PASS_MULTI_USE,
            AuthenticationMethodKind::WindowsHelloForBusiness | AuthenticationMethodKind::PlatformCredential => {
                Modes::WINDOWS_HELLO_FOR_BUSINESS
            }
            AuthenticationMethodKind::X509Certificate => Modes::X509_CERTIFICATE_MULTI_FACTOR,
            AuthenticationMethodKind::Email
            | AuthenticationMethodKind::QrCodePin
            | AuthenticationMethodKind::External
            | AuthenticationMethodKind::Unknown(_) => Modes::default(),
        }
    }
}
