//! What If bodies: the sign-in that is asked about, as Graph's `POST /identity/conditionalAccess/evaluate` takes it.
//!
//! A field that is not given is `None`; whoever evaluates decides what that means. Unknown properties are read
//! over, a property of the wrong type is an error.
//!
//! **Source:** <https://learn.microsoft.com/graph/api/conditionalaccessroot-evaluate>, beta metadata of
//! `signInConditions` and `deviceInfo`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use crate::property::null_is_default;
use crate::scan::Scan;

/// Bytes of one body; beyond it reading fails.
pub const WHAT_IF_BODY_BYTES_MAX: usize = 1 << 20;

/// One What If request. Borrows from the bytes it was read from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WhatIfRequest<'a> {
    /// Who signs in.
    #[serde(borrow, default)]
    pub sign_in_identity: SignInIdentity<'a>,
    /// To what.
    #[serde(borrow, default)]
    pub sign_in_context: Option<SignInContext<'a>>,
    /// How and from where.
    #[serde(borrow, default)]
    pub sign_in_conditions: Option<SignInConditions<'a>>,
    /// Whether only the policies that apply are wanted.
    #[serde(default)]
    pub applied_policies_only: Option<bool>,
}

/// `signInIdentity`: a user or a service principal, told apart by which id is given (`@odata.type` is not asked).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignInIdentity<'a> {
    /// The user's id (or sign-in name).
    #[serde(borrow, default)]
    pub user_id: Option<Cow<'a, str>>,
    /// Kind of external user, flags.
    #[serde(borrow, default)]
    pub external_user_type: Option<Cow<'a, str>>,
    /// Home tenant of an external user.
    #[serde(borrow, default)]
    pub external_tenant_id: Option<Cow<'a, str>>,
    /// The service principal's id.
    #[serde(borrow, default)]
    pub service_principal_id: Option<Cow<'a, str>>,
}

/// `signInContext`: applications, an authentication context, or a user action, told apart by what is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignInContext<'a> {
    /// Application ids.
    #[serde(borrow, default)]
    pub include_applications: Option<Vec<Cow<'a, str>>>,
    /// `c1` to `c99`.
    #[serde(borrow, default)]
    pub authentication_context_value: Option<Cow<'a, str>>,
    /// `registerSecurityInformation`, `registerOrJoinDevices`.
    #[serde(borrow, default)]
    pub user_action: Option<Cow<'a, str>>,
}

/// `signInConditions`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignInConditions<'a> {
    /// Platform.
    #[serde(borrow, default)]
    pub device_platform: Option<Cow<'a, str>>,
    /// Client application kind.
    #[serde(borrow, default)]
    pub client_app_type: Option<Cow<'a, str>>,
    /// Sign-in risk.
    #[serde(borrow, default)]
    pub sign_in_risk_level: Option<Cow<'a, str>>,
    /// User risk.
    #[serde(borrow, default)]
    pub user_risk_level: Option<Cow<'a, str>>,
    /// Service principal risk.
    #[serde(borrow, default)]
    pub service_principal_risk_level: Option<Cow<'a, str>>,
    /// Insider risk.
    #[serde(borrow, default)]
    pub insider_risk_level: Option<Cow<'a, str>>,
    /// Two-letter country.
    #[serde(borrow, default)]
    pub country: Option<Cow<'a, str>>,
    /// Public address.
    #[serde(borrow, default)]
    pub ip_address: Option<Cow<'a, str>>,
    /// Flow.
    #[serde(borrow, default)]
    pub authentication_flow: Option<AuthenticationFlow<'a>>,
    /// Device; absent is an unregistered one.
    #[serde(borrow, default)]
    pub device_info: Option<DeviceInfo<'a>>,
}

/// `authenticationFlow`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthenticationFlow<'a> {
    /// `deviceCodeFlow`, `authenticationTransfer`.
    #[serde(borrow, default)]
    pub transfer_method: Option<Cow<'a, str>>,
}

/// `deviceInfo`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "WrittenDeviceInfo<'a>", bound(deserialize = "'de: 'a"))]
pub struct DeviceInfo<'a> {
    /// Whether the device meets its management's rules.
    pub is_compliant: Option<bool>,
    /// `AzureAD` or `EntraID`, `ServerAD`, `Workplace`.
    pub trust_type: Option<Cow<'a, str>>,
    /// What only device filters ask; `None` when nothing of it is given.
    pub detail: Option<Box<DeviceInfoDetail>>,
}

/// The properties of `deviceInfo` that only device filters ask.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DeviceInfoDetail {
    /// Device id.
    pub device_id: Option<String>,
    /// Name.
    pub display_name: Option<String>,
    /// Enrolment profile.
    pub enrollment_profile_name: Option<String>,
    /// Maker.
    pub manufacturer: Option<String>,
    /// Managing application.
    pub mdm_app_id: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// Operating system.
    pub operating_system: Option<String>,
    /// Its version.
    pub operating_system_version: Option<String>,
    /// `Company`, `Personal`.
    pub ownership: Option<String>,
    /// Profile.
    pub profile_type: Option<String>,
    /// Physical ids.
    #[serde(deserialize_with = "null_is_default")]
    pub physical_ids: Vec<String>,
    /// Labels.
    #[serde(deserialize_with = "null_is_default")]
    pub system_labels: Vec<String>,
    /// `extensionAttribute1` to `extensionAttribute15`, by their names; other properties are not kept.
    #[serde(flatten, deserialize_with = "extension_attributes")]
    pub extension_attributes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenDeviceInfo<'a> {
    #[serde(default)]
    is_compliant: Option<bool>,
    #[serde(borrow, default)]
    trust_type: Option<Cow<'a, str>>,
    #[serde(flatten)]
    detail: DeviceInfoDetail,
}

impl<'a> From<WrittenDeviceInfo<'a>> for DeviceInfo<'a> {
    fn from(written: WrittenDeviceInfo<'a>) -> Self {
        let detail = (written.detail != DeviceInfoDetail::default()).then(|| Box::new(written.detail));
        Self { is_compliant: written.is_compliant, trust_type: written.trust_type, detail }
    }
}

/// Keeps the extension attributes that have a value, and no other property.
fn extension_attributes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    let rest = BTreeMap::<String, serde_json::Value>::deserialize(deserializer)?;
    let mut attributes = BTreeMap::new();
    for (name, value) in rest {
        if !name.starts_with("extensionAttribute") {
            continue;
        }
        match value {
            serde_json::Value::Null => {}
            serde_json::Value::String(text) => {
                attributes.insert(name, text);
            }
            _ => return Err(serde::de::Error::custom(format!("`{name}` must be a string or null"))),
        }
    }
    Ok(attributes)
}

/// A body that is no What If request.
#[derive(Debug, thiserror::Error)]
pub enum WhatIfRequestError {
    /// It is too long.
    #[error("the request has {length} bytes; at most {WHAT_IF_BODY_BYTES_MAX} are read")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// It is not the JSON of a What If request.
    #[error("{message} at `{path}`")]
    Malformed {
        /// JSON path of the fault.
        path: String,
        /// What is wrong.
        message: String,
    },
}

impl<'a> WhatIfRequest<'a> {
    /// Reads one body.
    ///
    /// # Errors
    /// When the bytes are too long, are not JSON, or a property has the wrong type; the JSON path is named.
    pub fn from_json(bytes: &'a [u8]) -> Result<Self, WhatIfRequestError> {
        if bytes.len() > WHAT_IF_BODY_BYTES_MAX {
            return Err(WhatIfRequestError::TooLong { length: bytes.len() });
        }
        if let Some(request) = Self::scan(bytes) {
            return Ok(request);
        }
        let mut json = serde_json::Deserializer::from_slice(bytes);
        let request: Self = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            WhatIfRequestError::Malformed { path: error.path().to_string(), message: error.inner().to_string() }
        })?;
        json.end().map_err(|error| WhatIfRequestError::Malformed { path: ".".into(), message: error.to_string() })?;
        Ok(request)
    }

    /// The quick way in; gives up on whatever is not plain.
    #[must_use]
    pub fn scan(bytes: &'a [u8]) -> Option<Self> {
        let mut scan = Scan::new(bytes);
        let mut request = Self::default();
        let mut seen = Seen::default();
        let mut members = scan.object()?;
        while let Some(name) = scan.key(&mut members)? {
            match name {
                b"signInIdentity" => {
                    seen.once(0)?;
                    request.sign_in_identity = scan_identity(&mut scan)?;
                }
                b"signInContext" => {
                    seen.once(1)?;
                    request.sign_in_context = Some(scan_context(&mut scan)?);
                }
                b"signInConditions" => {
                    seen.once(2)?;
                    request.sign_in_conditions = Some(scan_conditions(&mut scan)?);
                }
                b"appliedPoliciesOnly" => {
                    seen.once(3)?;
                    request.applied_policies_only = scan.flag_or_null()?;
                }
                _ => return None,
            }
        }
        scan.is_at_end().then_some(request)
    }
}

/// Which properties were seen; a second one makes the scan give up, since `serde_json` refuses it.
#[derive(Default)]
struct Seen(u32);

impl Seen {
    fn once(&mut self, property: u32) -> Option<()> {
        let bit = 1 << property;
        let first = self.0 & bit == 0;
        self.0 |= bit;
        first.then_some(())
    }
}

fn borrowed<'a>(scan: &mut Scan<'a>) -> Option<Option<Cow<'a, str>>> {
    Some(scan.text_or_null()?.map(Cow::Borrowed))
}

fn scan_identity<'a>(scan: &mut Scan<'a>) -> Option<SignInIdentity<'a>> {
    let mut identity = SignInIdentity::default();
    let mut seen = Seen::default();
    let mut members = scan.object()?;
    while let Some(name) = scan.key(&mut members)? {
        let (property, field) = match name {
            b"@odata.type" => {
                seen.once(0)?;
                scan.text_or_null()?;
                continue;
            }
            b"userId" => (1, &mut identity.user_id),
            b"servicePrincipalId" => (2, &mut identity.service_principal_id),
            b"externalUserType" => (3, &mut identity.external_user_type),
            b"externalTenantId" => (4, &mut identity.external_tenant_id),
            _ => return None,
        };
        seen.once(property)?;
        *field = borrowed(scan)?;
    }
    Some(identity)
}

fn scan_context<'a>(scan: &mut Scan<'a>) -> Option<SignInContext<'a>> {
    let mut context = SignInContext::default();
    let mut seen = Seen::default();
    let mut members = scan.object()?;
    while let Some(name) = scan.key(&mut members)? {
        match name {
            b"@odata.type" => {
                seen.once(0)?;
                scan.text_or_null()?;
            }
            b"includeApplications" => {
                seen.once(1)?;
                let mut applications = Vec::with_capacity(1);
                let mut elements = scan.array()?;
                while scan.element(&mut elements)? {
                    applications.push(Cow::Borrowed(scan.text()?));
                }
                context.include_applications = Some(applications);
            }
            b"authenticationContextValue" => {
                seen.once(2)?;
                context.authentication_context_value = borrowed(scan)?;
            }
            b"userAction" => {
                seen.once(3)?;
                context.user_action = borrowed(scan)?;
            }
            _ => return None,
        }
    }
    Some(context)
}

fn scan_conditions<'a>(scan: &mut Scan<'a>) -> Option<SignInConditions<'a>> {
    let mut conditions = SignInConditions::default();
    let mut seen = Seen::default();
    let mut members = scan.object()?;
    while let Some(name) = scan.key(&mut members)? {
        let (property, field) = match name {
            b"devicePlatform" => (0, &mut conditions.device_platform),
            b"clientAppType" => (1, &mut conditions.client_app_type),
            b"signInRiskLevel" => (2, &mut conditions.sign_in_risk_level),
            b"userRiskLevel" => (3, &mut conditions.user_risk_level),
            b"servicePrincipalRiskLevel" => (4, &mut conditions.service_principal_risk_level),
            b"insiderRiskLevel" => (5, &mut conditions.insider_risk_level),
            b"country" => (6, &mut conditions.country),
            b"ipAddress" => (7, &mut conditions.ip_address),
            b"deviceInfo" => {
                seen.once(8)?;
                conditions.device_info = scan_device(scan)?;
                continue;
            }
            _ => return None,
        };
        seen.once(property)?;
        *field = borrowed(scan)?;
    }
    Some(conditions)
}

fn scan_device<'a>(scan: &mut Scan<'a>) -> Option<Option<DeviceInfo<'a>>> {
    if scan.null() {
        return Some(None);
    }
    let mut device = DeviceInfo::default();
    let mut seen = Seen::default();
    let mut members = scan.object()?;
    while let Some(name) = scan.key(&mut members)? {
        match name {
            b"isCompliant" => {
                seen.once(0)?;
                device.is_compliant = scan.flag_or_null()?;
            }
            b"trustType" => {
                seen.once(1)?;
                device.trust_type = borrowed(scan)?;
            }
            _ => return None,
        }
    }
    Some(Some(device))
}
