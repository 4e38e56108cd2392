//! Sign-in records: what Entra wrote down about one sign-in, as far as a decision needs it.
//!
//! Both forms are read: Graph's `signIn` (v1.0 and beta) and the record of a diagnostic setting, which wraps the same
//! properties in an envelope and spells some of them differently. A field that the record does not have is `None`;
//! nothing is filled in. The words that Entra shows people (`Windows 10`, `Hybrid Azure AD joined`) are turned into
//! the members of Graph's enumerations by the tables in [`words`], and a word that no table has is kept as
//! [`Stated::Strange`].
//!
//! **Limits:** [`SIGN_IN_RECORD_BYTES_MAX`], [`APPLIED_POLICY_COUNT_MAX`].
//! **Source:** the metadata of `signIn` (v1.0 and beta) and its documentation; the shape of diagnostic-settings records.

mod members;
pub mod words;

use std::borrow::Cow;

use jiff::Timestamp;

use crate::policy::{
    ConditionalAccessClientApp, ConditionalAccessDevicePlatform, GuestOrExternalUserType, RiskLevel, TransferMethod,
};
use crate::strength::Modes;
pub use words::{Basis, Stated};

/// Bytes of one record; a longer one is not read.
pub const SIGN_IN_RECORD_BYTES_MAX: usize = 4 << 20;

/// Policies that one record may list; Entra has at most a few hundred in a tenant.
pub const APPLIED_POLICY_COUNT_MAX: usize = 4_096;

/// A text of a record.
pub type Text<'a> = Option<Cow<'a, str>>;

/// One sign-in as it was recorded. Borrows from the bytes it was read from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SignInRecord<'a> {
    /// `id`.
    pub id: Text<'a>,
    /// `correlationId`, which the client may have chosen.
    pub correlation_id: Text<'a>,
    /// The kind of log, where the record comes from a diagnostic setting.
    pub category: Text<'a>,
    /// `createdDateTime`, or the envelope's `time`.
    pub created_date_time: Option<Timestamp>,
    /// `userId`; the id of nobody (all zeros) is none.
    pub user_id: Text<'a>,
    /// `userPrincipalName`.
    pub user_principal_name: Text<'a>,
    /// `userType`: `member` or `guest`, in any case.
    pub user_type: Text<'a>,
    /// `servicePrincipalId`.
    pub service_principal_id: Text<'a>,
    /// `homeTenantId`.
    pub home_tenant_id: Text<'a>,
    /// `resourceTenantId`.
    pub resource_tenant_id: Text<'a>,
    /// `crossTenantAccessType`.
    pub cross_tenant_access_type: Text<'a>,
    /// `appId`: the client.
    pub app_id: Text<'a>,
    /// `appDisplayName`.
    pub app_display_name: Text<'a>,
    /// `resourceId`: whose token was asked for.
    pub resource_id: Text<'a>,
    /// `conditionalAccessAudiences`: what Conditional Access evaluated.
    pub conditional_access_audiences: Option<Vec<Cow<'a, str>>>,
    /// The ids in `authenticationContextClassReferences`.
    pub authentication_contexts: Option<Vec<Cow<'a, str>>>,
    /// `ipAddress`, or the envelope's `callerIpAddress`.
    pub ip_address: Text<'a>,
    /// `location.countryOrRegion`, or the envelope's `location`.
    pub country: Text<'a>,
    /// `clientAppUsed`, as people read it; see [`Self::client_app_type`].
    pub client_app_used: Text<'a>,
    /// `deviceDetail`.
    pub device: Option<RecordedDevice<'a>>,
    /// `riskLevelDuringSignIn`.
    pub risk_level_during_sign_in: Text<'a>,
    /// `riskLevelAggregated`: of the sign-in, real time and later together. It is not the risk of the user.
    pub risk_level_aggregated: Text<'a>,
    /// `authenticationRequirement`.
    pub authentication_requirement: Text<'a>,
    /// `authenticationDetails`.
    pub authentication_steps: Option<Vec<AuthenticationStep<'a>>>,
    /// `authenticationMethodsUsed`.
    pub authentication_methods_used: Option<Vec<Cow<'a, str>>>,
    /// `mfaDetail.authMethod`.
    pub mfa_method: Text<'a>,
    /// `authenticationProtocol`.
    pub authentication_protocol: Text<'a>,
    /// `originalTransferMethod`.
    pub original_transfer_method: Text<'a>,
    /// `status.errorCode`, or the envelope's `resultType`; 0 is success.
    pub error_code: Option<i64>,
    /// `status.additionalDetails`.
    pub additional_details: Text<'a>,
    /// `conditionalAccessStatus`.
    pub conditional_access_status: Text<'a>,
    /// `appliedConditionalAccessPolicies`.
    pub applied_policies: Option<Vec<AppliedPolicy<'a>>>,
}

/// `deviceDetail` of a record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordedDevice<'a> {
    /// `deviceId`; the empty text stands for a device that nobody registered, and is kept.
    pub device_id: Text<'a>,
    /// `displayName`.
    pub display_name: Text<'a>,
    /// `operatingSystem`, as people read it; see [`SignInRecord::platform`].
    pub operating_system: Text<'a>,
    /// `isCompliant`.
    pub is_compliant: Option<bool>,
    /// `trustType`, as people read it; see [`SignInRecord::trust_type`].
    pub trust_type: Text<'a>,
}

/// One step of `authenticationDetails`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuthenticationStep<'a> {
    /// `authenticationMethod`.
    pub method: Text<'a>,
    /// `authenticationMethodDetail`.
    pub method_detail: Text<'a>,
    /// `authenticationStepRequirement`.
    pub requirement: Text<'a>,
    /// `authenticationStepResultDetail`.
    pub result_detail: Text<'a>,
    /// `succeeded`.
    pub succeeded: Option<bool>,
}

/// One policy in `appliedConditionalAccessPolicies`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AppliedPolicy<'a> {
    /// `id`.
    pub id: Text<'a>,
    /// `displayName`.
    pub display_name: Text<'a>,
    /// `result`, a member of `appliedConditionalAccessPolicyResult`.
    pub result: Text<'a>,
    /// `enforcedGrantControls`, as people read them.
    pub enforced_grant_controls: Option<Vec<Cow<'a, str>>>,
    /// `conditionsSatisfied`.
    pub conditions_satisfied: Option<RecordedConditions>,
    /// `conditionsNotSatisfied`.
    pub conditions_not_satisfied: Option<RecordedConditions>,
}

/// Members of the flags `conditionalAccessConditions`, with Graph's numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecordedConditions(pub u32);

/// Members of `conditionalAccessConditions` (beta metadata).
pub const CONDITION_NAMES: [(&str, u32); 17] = [
    ("application", 1),
    ("users", 2),
    ("devicePlatform", 4),
    ("location", 8),
    ("clientType", 16),
    ("signInRisk", 32),
    ("userRisk", 64),
    ("time", 128),
    ("deviceState", 256),
    ("client", 512),
    ("ipAddressSeenByAzureAD", 1_024),
    ("ipAddressSeenByResourceProvider", 2_048),
    ("unknownFutureValue", 4_096),
    ("servicePrincipals", 8_192),
    ("servicePrincipalRisk", 16_384),
    ("authenticationFlows", 32_768),
    ("insiderRisk", 65_536),
];

impl RecordedConditions {
    /// Reads Graph's flags text; members that no table has are passed over.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        let bit = |name: &str| CONDITION_NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        Self(text.split(',').filter_map(|name| bit(name.trim())).fold(0, |all, (_, bit)| all | bit))
    }

    /// Graph's flags text.
    #[must_use]
    pub fn to_text(self) -> String {
        let names: Vec<&str> =
            CONDITION_NAMES.iter().filter(|(_, bit)| self.0 & bit != 0).map(|(name, _)| *name).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(",") }
    }
}

/// Bytes that are no sign-in record.
#[derive(Debug, thiserror::Error)]
pub enum SignInRecordError {
    /// There are too many.
    #[error("the record has {length} bytes; at most {SIGN_IN_RECORD_BYTES_MAX} are read")]
    TooLong {
        /// How many.
        length: usize,
    },
    /// They are not the JSON of a record.
    #[error("{0}")]
    Malformed(String),
}

/// How a multifactor authentication stands in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordedMfa {
    /// It was done, or a token said that it had been.
    Done,
    /// It was demanded and not done, or one factor was all that there was.
    NotDone,
    /// The record does not tell.
    Unsaid,
}

/// What a record says of the authentication methods that were used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RecordedMethods {
    /// Methods that are known to have been used.
    pub modes: Modes,
    /// Whether there may have been others: a step that was satisfied before, or a word that no table has.
    pub has_others: bool,
}

/// The id that stands for nobody.
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

impl<'a> SignInRecord<'a> {
    /// Reads one record of either form.
    ///
    /// # Errors
    /// When the bytes are too many, not UTF-8 or not JSON, when a property has the wrong type or stands there twice.
    pub fn from_json(bytes: &'a [u8]) -> Result<Self, SignInRecordError> {
        if bytes.len() > SIGN_IN_RECORD_BYTES_MAX {
            return Err(SignInRecordError::TooLong { length: bytes.len() });
        }
        let text = std::str::from_utf8(bytes);
        let text = text.map_err(|error| {
            SignInRecordError::Malformed(format!("it is not UTF-8 text from byte {} on", error.valid_up_to()))
        })?;
        members::read(text)
    }

    /// Whether it is about a sign-in: a diagnostic setting puts other logs beside those.
    #[must_use]
    pub fn is_sign_in(&self) -> bool {
        self.category.as_deref().is_none_or(|category| category.ends_with("SignInLogs"))
    }

    /// The user or service principal, where the record names one: a service principal only where no user is named.
    #[must_use]
    pub fn who(&self) -> Option<Who<'_>> {
        let is_somebody = |id: &&str| !id.is_empty() && *id != NOBODY;
        let user = self.user_id.as_deref().filter(is_somebody).map(Who::User);
        let principal = || self.service_principal_id.as_deref().filter(is_somebody).map(Who::ServicePrincipal);
        let name = || self.user_principal_name.as_deref().filter(|name| name.contains('@')).map(Who::User);
        user.or_else(principal).or_else(name)
    }

    /// The platform, from the words of `deviceDetail.operatingSystem`.
    #[must_use]
    pub fn platform(&self) -> Stated<ConditionalAccessDevicePlatform> {
        let written = self.device.as_ref().and_then(|device| device.operating_system.as_deref());
        words::platform(written.unwrap_or_default())
    }

    /// The kind of client application, from the words of `clientAppUsed`.
    #[must_use]
    pub fn client_app_type(&self) -> Stated<ConditionalAccessClientApp> {
        words::client_app_type(self.client_app_used.as_deref().unwrap_or_default())
    }

    /// How the device is joined, in the words of device filters.
    #[must_use]
    pub fn trust_type(&self) -> Stated<&'static str> {
        let written = self.device.as_ref().and_then(|device| device.trust_type.as_deref());
        words::trust_type(written.unwrap_or_default())
    }

    /// Whether the record says that nobody registered the device: it has a `deviceId`, and that is empty, and it says
    /// nothing else of the device.
    #[must_use]
    pub fn is_unregistered_device(&self) -> bool {
        let Some(device) = &self.device else { return false };
        let has_no_id = device.device_id.as_deref().is_some_and(str::is_empty);
        has_no_id && device.is_compliant != Some(true) && device.trust_type.as_deref().is_none_or(str::is_empty)
    }

    /// The risk of the sign-in.
    #[must_use]
    pub fn sign_in_risk(&self) -> Stated<RiskLevel> {
        words::risk_level(self.risk_level_during_sign_in.as_deref().unwrap_or_default())
    }

    /// By which flow the sign-in came.
    #[must_use]
    pub fn transfer_method(&self) -> Stated<TransferMethod> {
        let protocol = self.authentication_protocol.as_deref().unwrap_or_default();
        words::transfer_method(self.original_transfer_method.as_deref().unwrap_or_default(), protocol)
    }

    /// The kind of external user, where the record says that the user came from another tenant.
    #[must_use]
    pub fn external_user_type(&self) -> Option<GuestOrExternalUserType> {
        words::external_user_type(
            self.cross_tenant_access_type.as_deref().unwrap_or_default(),
            self.user_type.as_deref().unwrap_or_default(),
        )
    }

    /// Whether the sign-in ended before Conditional Access had its say.
    #[must_use]
    pub fn ended_before_conditional_access(&self) -> bool {
        self.error_code.is_some_and(|code| words::FIRST_FACTOR_ERROR_CODES.contains(&code))
    }

    /// How multifactor authentication stands.
    #[must_use]
    pub fn mfa(&self) -> RecordedMfa {
        words::mfa(self)
    }

    /// Which methods were used.
    #[must_use]
    pub fn methods(&self) -> RecordedMethods {
        words::methods(self)
    }
}

/// Who signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who<'r> {
    /// A user, by id or sign-in name.
    User(&'r str),
    /// A service principal, by object id.
    ServicePrincipal(&'r str),
}

#[cfg(test)]
mod tests;
