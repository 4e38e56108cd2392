//! What If bodies: the sign-in that is asked about, as Graph's `POST /identity/conditionalAccess/evaluate` takes it.
//!
//! A field that is not given is `None`; whoever evaluates decides what that means. A member that does not exist is an
//! error, as is one of the wrong type: read over, it would be a fact that was given and not judged.
//!
//! **Source:** <https://learn.microsoft.com/graph/api/conditionalaccessroot-evaluate>, beta metadata of
//! `signInConditions` and `deviceInfo`.

mod members;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use crate::plain_words::type_of;
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

/// `signInIdentity`: a user or a service principal, told apart by which id is given (an `@odata.type` must
/// only exist).
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
    #[error("{message}")]
    Malformed {
        /// What is wrong, and where.
        message: String,
    },
}

impl WhatIfRequestError {
    /// The parser's complaint in the words of somebody who wrote the body.
    fn of_json(error: &serde_json::Error, path: &str) -> Self {
        let whole = error.to_string();
        let (complaint, _) = whole.rsplit_once(" at line ").unwrap_or((&whole, ""));
        let place = match error.line() {
            0 | 1 => format!("column {}", error.column()),
            line => format!("line {line}, column {}", error.column()),
        };
        let named = if path == "." { "the request".to_owned() } else { format!("`{path}`") };
        let message = match error.classify() {
            serde_json::error::Category::Eof => format!("the JSON breaks off at {place}"),
            serde_json::error::Category::Data => match complaint.strip_prefix("invalid type: ") {
                Some(types) => {
                    let (found, expected) = types.rsplit_once(", expected ").unwrap_or((types, "something else"));
                    format!("{named} must be {}, not {}", in_words(expected), with_article(type_of(found)))
                }
                None => match complaint.strip_prefix("duplicate field ") {
                    Some(name) => format!("{name} is given twice at {place}"),
                    None => format!("{named}: {complaint}"),
                },
            },
            _ if complaint == "expected ident" => format!("this is not JSON at {place}: expected true, false or null"),
            _ => format!("this is not JSON at {place}: {complaint}"),
        };
        Self::Malformed { message }
    }
}

/// A type of JSON with its article.
fn with_article(found: &str) -> String {
    match found {
        "null" | "true or false" => found.to_owned(),
        "integer" | "object" => format!("an {found}"),
        other => format!("a {other}"),
    }
}

/// What a parser expected, without the names of its types.
fn in_words(expected: &str) -> &str {
    match expected {
        "a sequence" => "a list",
        "a boolean" => "true or false",
        "a string" | "a borrowed string" => "a string",
        _ if expected.starts_with("struct ") || expected.contains("map") => "an object",
        other => other,
    }
}

impl<'a> WhatIfRequest<'a> {
    /// Reads one body.
    ///
    /// # Errors
    /// When the bytes are too long, are not JSON, a property has the wrong type or does not exist, or the type of
    /// identity or context does not exist; what is at fault is named.
    pub fn from_json(bytes: &'a [u8]) -> Result<Self, WhatIfRequestError> {
        if bytes.len() > WHAT_IF_BODY_BYTES_MAX {
            return Err(WhatIfRequestError::TooLong { length: bytes.len() });
        }
        match Self::scan(bytes) {
            Some(request) => Ok(request),
            None => Self::from_json_carefully(bytes),
        }
    }

    /// The careful way in, which the quick one falls back on; whatever length the body has.
    ///
    /// # Errors
    /// As [`Self::from_json`], but for the length.
    pub fn from_json_carefully(bytes: &'a [u8]) -> Result<Self, WhatIfRequestError> {
        let mut json = serde_json::Deserializer::from_slice(bytes);
        let request: Self = serde_path_to_error::deserialize(&mut json)
            .map_err(|error| WhatIfRequestError::of_json(error.inner(), &error.path().to_string()))?;
        json.end().map_err(|error| WhatIfRequestError::of_json(&error, "."))?;
        let whole = serde_json::from_slice(bytes).map_err(|error| WhatIfRequestError::of_json(&error, "."))?;
        members::check(&whole).map_err(|message| WhatIfRequestError::Malformed { message })?;
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

/// Reads over a type that exists.
fn scan_type(scan: &mut Scan<'_>, types: &[&str]) -> Option<()> {
    scan.text_or_null()?.is_none_or(|text| members::is_type(text, types)).then_some(())
}

fn scan_identity<'a>(scan: &mut Scan<'a>) -> Option<SignInIdentity<'a>> {
    let mut identity = SignInIdentity::default();
    let mut seen = Seen::default();
    let mut members = scan.object()?;
    while let Some(name) = scan.key(&mut members)? {
        let (property, field) = match name {
            b"@odata.type" => {
                seen.once(0)?;
                scan_type(scan, &members::IDENTITY_TYPES)?;
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
                scan_type(scan, &members::CONTEXT_TYPES)?;
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

#[cfg(test)]
mod tests {
    use super::WhatIfRequest;

    fn error(body: &str) -> String {
        WhatIfRequest::from_json(body.as_bytes()).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn a_member_that_does_not_exist_is_named_with_the_nearest_that_does() {
        for (body, message) in [
            (
                r#"{"signInConditons":{}}"#,
                "the request has no member `signInConditons`; did you mean `signInConditions`?",
            ),
            (
                r#"{"signInConditions":{"signInRisklevel":"high"}}"#,
                "`signInConditions` has no member `signInRisklevel`; did you mean `signInRiskLevel`?",
            ),
            (
                r#"{"signInConditions":{"ipAdress":"192.0.2.1"}}"#,
                "`signInConditions` has no member `ipAdress`; did you mean `ipAddress`?",
            ),
            (
                r#"{"signInConditions":{"devicePlatfrom":"iOS"}}"#,
                "`signInConditions` has no member `devicePlatfrom`; did you mean `devicePlatform`?",
            ),
            (
                r#"{"signInConditions":{"deviceInfo":{"compliant":true}}}"#,
                "`signInConditions.deviceInfo` has no member `compliant`; did you mean `isCompliant`?",
            ),
            (
                r#"{"signInConditions":{"deviceInfo":{"extensionAttribute16":"x"}}}"#,
                "`signInConditions.deviceInfo` has no member `extensionAttribute16`",
            ),
            (
                r#"{"signInConditions":{"authenticationFlow":{"moonPhase":"full"}}}"#,
                "`signInConditions.authenticationFlow` has no member `moonPhase`; it has transferMethod",
            ),
            (r#"{"signInIdentity":{"userid":"u"}}"#, "`signInIdentity` has no member `userid`; did you mean `userId`?"),
            (
                r##"{"signInIdentity":{"@odata.type":"#microsoft.graph.agentSignIn","userId":"u"}}"##,
                "`signInIdentity` cannot be of the type `#microsoft.graph.agentSignIn`; it is one of `#microsoft.graph.userSignIn`, `#microsoft.graph.servicePrincipalSignIn`",
            ),
            (r#"{"signInContext":{"@odata.type":7}}"#, "`signInContext` cannot be of the type `7`"),
            (r#"[{"userId":"u"}]"#, "the request must be an object"),
        ] {
            let found = error(body);
            assert!(found.starts_with(message), "{body}: {found}");
        }
    }

    #[test]
    fn members_that_exist_and_annotations_are_read() {
        for body in [
            r##"{"signInIdentity":{"@odata.type":"#microsoft.graph.userSignIn","userId":"u"},"@odata.context":"x"}"##,
            r##"{"signInIdentity":{"@odata.type":"microsoft.graph.servicePrincipalSignIn","servicePrincipalId":"u"}}"##,
            r#"{"signInConditions":{"agentIdRiskLevel":"high","country@odata.type":"String","deviceInfo":null}}"#,
            r#"{"signInConditions":{"deviceInfo":{"extensionAttribute15":"x","physicalIds":[],"systemLabels":null}}}"#,
        ] {
            WhatIfRequest::from_json(body.as_bytes()).unwrap();
        }
    }

    #[test]
    fn faults_are_told_in_words() {
        for (body, message) in [
            ("", "the JSON breaks off at column 0"),
            (r#"{"signInIdentity":{"userId":"#, "the JSON breaks off at column 28"),
            (r#"{"signInIdentity":{"userId":7}}"#, "`signInIdentity.userId` must be a string, not an integer"),
            (r#"{"signInIdentity":7}"#, "`signInIdentity` must be an object, not an integer"),
            (r#"{"signInContext":{"includeApplications":"a"}}"#, "`signInContext.includeApplications` must be a list"),
            (r#"{"appliedPoliciesOnly":"yes"}"#, "`appliedPoliciesOnly` must be true or false, not a string"),
            (r#"{"signInIdentity":{"userId":"u","userId":"v"}}"#, "`userId` is given twice at column 40"),
            (r#"{"appliedPoliciesOnly":tru}"#, "this is not JSON at column 27: expected true, false or null"),
            ("{} x", "this is not JSON at column 4: trailing characters"),
            ("{\n'x'", "this is not JSON at line 2, column 1: key must be a string"),
        ] {
            let found = error(body);
            assert!(found.starts_with(message), "{body}: {found}");
        }
    }
}
