//! The errors of the token endpoint.
//!
//! **Source:** the reference of AADSTS error codes; `error` and `suberror` as clients were seen to need them.

use serde_json::{Value, json};

use super::pages::{Page, escaped};
use crate::call::{Call, Reply, member, pairs, repeated};
use crate::clock::written;
use crate::random;
use crate::tenant::Tenant;

/// An error of the token endpoint.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StsError {
    pub(crate) code: u32,
    /// A sentence of its own in place of the usual one.
    pub(crate) text: Option<String>,
    /// Policies that refuse it, for `claims`.
    pub(crate) policies: Vec<String>,
}

/// Characters of the name of a parameter that an error repeats.
const PARAMETER_CHARS_MAX: usize = 100;

/// The word for a request that cannot be answered.
const INVALID_REQUEST: &str = "invalid_request";

/// Per code: `error`, status, `suberror`, sentence.
const ERRORS: &[(u32, &str, u16, Option<&str>, &str)] = &[
    (
        28_000,
        "invalid_request",
        400,
        None,
        "Provided value for the input parameter scope is not valid because it contains more than one resource.",
    ),
    (
        40_010,
        "invalid_grant",
        400,
        None,
        "There's an issue with your federated Identity Provider. Contact your IDP to resolve this issue.",
    ),
    (
        50_011,
        "invalid_request",
        400,
        None,
        "The redirect URI specified in the request does not match the redirect URIs configured for the application.",
    ),
    (
        50_034,
        "invalid_grant",
        400,
        None,
        "The user account does not exist in this directory. To sign into this application, the account must be added to the directory.",
    ),
    (
        50_053,
        "invalid_grant",
        400,
        None,
        "The account is locked, you've tried to sign in too many times with an incorrect user ID or password.",
    ),
    (50_055, "invalid_grant", 400, Some("user_password_expired"), "The password is expired."),
    (
        50_056,
        "invalid_grant",
        400,
        None,
        "Invalid or null password: password doesn't exist in the directory for this user.",
    ),
    (50_057, "invalid_grant", 400, None, "The user account is disabled."),
    (50_058, "invalid_grant", 400, None, "A silent sign-in request was sent but no user is signed in."),
    (50_074, "invalid_grant", 400, Some("basic_action"), "Strong Authentication is required."),
    (
        50_076,
        "invalid_grant",
        400,
        Some("basic_action"),
        "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access the resource.",
    ),
    (
        50_078,
        "invalid_grant",
        400,
        Some("basic_action"),
        "Presented multi-factor authentication has expired due to policies configured by your administrator, you must refresh your multi-factor authentication to access the resource.",
    ),
    (
        50_079,
        "invalid_grant",
        400,
        Some("basic_action"),
        "Due to a configuration change made by your administrator, or because you moved to a new location, you must enroll in multi-factor authentication to access the resource.",
    ),
    (50_105, "invalid_grant", 400, None, "The signed in user is not assigned to a role for the application."),
    (50_126, "invalid_grant", 400, None, "Error validating credentials due to invalid username or password."),
    (
        50_158,
        "invalid_grant",
        400,
        Some("basic_action"),
        "External security challenge not satisfied. User will be redirected to another page or authentication provider to satisfy additional authentication challenges.",
    ),
    (
        50_173,
        "invalid_grant",
        400,
        Some("bad_token"),
        "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password.",
    ),
    (
        50_199,
        "invalid_grant",
        400,
        None,
        "For security reasons, user confirmation is required for this request. Please repeat the request allowing user interaction.",
    ),
    (
        53_000,
        "invalid_grant",
        400,
        Some("message_only"),
        "Device is not in required device state: compliant. Conditional Access policy requires a compliant device, and the device is not compliant.",
    ),
    (
        53_001,
        "invalid_grant",
        400,
        Some("message_only"),
        "Device is not in required device state: domain_joined. Conditional Access policy requires a domain joined device, and the device is not domain joined.",
    ),
    (
        53_002,
        "invalid_grant",
        400,
        Some("message_only"),
        "The app used is not an approved app for Conditional Access. Conditional Access policy requires an approved application.",
    ),
    (
        53_003,
        "invalid_grant",
        400,
        Some("message_only"),
        "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
    ),
    (
        53_004,
        "invalid_grant",
        400,
        Some("message_only"),
        "User needs to complete the multi-factor authentication registration process before accessing this content. Registration is blocked because of risk.",
    ),
    (
        53_010,
        "invalid_grant",
        400,
        Some("message_only"),
        "Cannot configure multi-factor authentication methods because the organization requires this information to be set from specific locations or devices, or with more proof than was shown.",
    ),
    (
        54_005,
        "invalid_grant",
        400,
        None,
        "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.",
    ),
    (
        65_001,
        "invalid_grant",
        400,
        Some("consent_required"),
        "The user or administrator has not consented to use the application. Send an interactive authorization request for this user and resource.",
    ),
    (70_000, "invalid_grant", 400, None, "The provided value for the input parameter 'refresh_token' is not valid."),
    (70_003, "unsupported_grant_type", 400, None, "The app requested an unsupported grant type."),
    (
        70_007,
        "invalid_request",
        400,
        None,
        "The value is not a supported value of 'response_mode' when requesting a token.",
    ),
    (
        70_008,
        "invalid_grant",
        400,
        None,
        "The provided authorization code or refresh token has expired due to inactivity.",
    ),
    (70_011, "invalid_scope", 400, None, "The provided value for the input parameter 'scope' is not valid."),
    (
        70_016,
        "authorization_pending",
        400,
        None,
        "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
    ),
    (70_018, "bad_verification_code", 400, None, "Invalid verification code. The device code is not known."),
    (70_019, "expired_token", 400, None, "Verification code expired. Have the user retry the sign-in."),
    (
        70_043,
        "invalid_grant",
        400,
        Some("bad_token"),
        "The refresh token has expired or is invalid due to sign-in frequency checks by Conditional Access.",
    ),
    (
        70_044,
        "invalid_grant",
        400,
        Some("bad_token"),
        "The session has expired or is invalid due to sign-in frequency checks by Conditional Access.",
    ),
    (
        80_001,
        "invalid_grant",
        400,
        None,
        "The Authentication Agent is unable to connect to Active Directory. Make sure that agent servers are members of the same AD forest as the users whose passwords need to be validated and they are able to connect to Active Directory.",
    ),
    (
        90_002,
        "invalid_tenant",
        400,
        None,
        "Tenant not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.",
    ),
    (90_013, "invalid_request", 400, None, "Invalid input received from the user."),
    (90_014, "invalid_request", 400, None, "A required field is missing from the request."),
    (90_023, "invalid_request", 400, None, "Unsupported 'prompt' value."),
    (90_033, "temporarily_unavailable", 503, None, "A transient error has occurred. Please try again."),
    (90_100, "invalid_request", 400, None, "A parameter of the request is empty or not valid."),
    (
        130_503,
        "invalid_grant",
        400,
        None,
        "Your Temporary Access Pass is incorrect or was used. If you don't know your pass, contact your administrator.",
    ),
    (
        130_504,
        "invalid_grant",
        400,
        None,
        "Your Temporary Access Pass has expired. Contact your administrator for a new one.",
    ),
    (500_011, "invalid_resource", 400, None, "The resource principal was not found in the tenant."),
    (
        500_112,
        "invalid_grant",
        400,
        None,
        "The reply address of the request does not match the reply address provided when requesting the authorization code.",
    ),
    (500_121, "invalid_grant", 400, None, "Authentication failed during strong authentication request."),
    (
        501_481,
        "invalid_grant",
        400,
        None,
        "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
    ),
    (
        501_491,
        "invalid_request",
        400,
        None,
        "The code_challenge of the request is not valid: it has 43 to 128 characters.",
    ),
    (
        700_016,
        "unauthorized_client",
        400,
        None,
        "The application was not found in the directory. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant.",
    ),
    (700_024, "invalid_client", 401, None, "Client assertion is not within its valid time range."),
    (
        700_027,
        "invalid_client",
        401,
        None,
        "The certificate with identifier used to sign the client assertion is not registered on application.",
    ),
    (
        700_054,
        "unsupported_response_type",
        400,
        None,
        "The response_type is not enabled for the application: only 'code' is.",
    ),
    (700_082, "invalid_grant", 400, Some("bad_token"), "The refresh token has expired due to inactivity."),
    (
        700_084,
        "invalid_grant",
        400,
        Some("bad_token"),
        "The refresh token was issued to a single page app (SPA), and therefore has a fixed, limited lifetime of 1.00:00:00, which cannot be extended. It is now expired and a new sign in request must be sent by the SPA to the sign in page.",
    ),
    (900_144, "invalid_request", 400, None, "The request body must contain a parameter that is missing."),
    (
        900_561,
        "invalid_request",
        400,
        None,
        "The endpoint only accepts POST requests. Received a request of another method.",
    ),
    (1_002_012, "invalid_scope", 400, None, "The provided value for scope is not valid for client credentials."),
    (7_000_112, "unauthorized_client", 400, None, "The application is disabled."),
    (
        7_000_215,
        "invalid_client",
        401,
        None,
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to the app.",
    ),
    (
        7_000_218,
        "invalid_client",
        401,
        None,
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    ),
    (7_000_222, "invalid_client", 401, None, "The provided client secret keys for the app are expired."),
    (7_000_229, "unauthorized_client", 400, None, "The client application is missing service principal in the tenant."),
    (9_000_411, "invalid_request", 400, None, "The request is not properly formatted. A parameter is duplicated."),
    (9_002_313, "invalid_request", 400, None, "Invalid request. Request is malformed or invalid."),
    (
        9_002_325,
        "invalid_request",
        400,
        None,
        "Proof Key for Code Exchange is required for cross-origin authorization code redemption.",
    ),
];

impl StsError {
    /// The error of a code.
    pub(crate) const fn of(code: u32) -> Self {
        Self { code, text: None, policies: Vec::new() }
    }

    /// A tenant that is not this one.
    pub(crate) fn unknown_tenant(name: &str) -> Self {
        let name: String = name.chars().take(100).collect();
        let text = format!(
            "Tenant '{name}' not found. Check to make sure you have the correct tenant ID and are signing into the \
             correct cloud."
        );
        Self { text: Some(text), ..Self::of(90_002) }
    }

    /// A parameter that has to be there.
    pub(crate) fn missing(parameter: &str) -> Self {
        let text = format!("The request body must contain the following parameter: '{parameter}'.");
        Self { text: Some(text), ..Self::of(900_144) }
    }

    /// A parameter that is not understood.
    pub(crate) fn malformed(parameter: &str) -> Self {
        let text = format!("{parameter} parameter is empty or not valid.");
        Self { text: Some(text), ..Self::of(90_100) }
    }

    /// The parameters of a request, each of which stands once (RFC 6749 section 3.2).
    pub(crate) fn unless_single(asked: &[(String, String)]) -> Result<(), Self> {
        let Some(name) = repeated(asked) else { return Ok(()) };
        let name: String = name.chars().take(PARAMETER_CHARS_MAX).collect();
        let text = format!("The request is not properly formatted. The parameter '{name}' is duplicated.");
        Err(Self { text: Some(text), ..Self::of(9_000_411) })
    }

    /// Its sentence.
    pub(crate) fn sentence(&self) -> &str {
        let usual = ERRORS.iter().find(|(code, ..)| *code == self.code);
        self.text.as_deref().or_else(|| usual.map(|(.., text)| *text)).unwrap_or("The request is not valid.")
    }

    /// The word that the authorization endpoint has for it.
    pub(crate) fn at_authorize(&self) -> &'static str {
        let usual = ERRORS.iter().find(|(code, ..)| *code == self.code);
        match (self.code, usual) {
            (50_058, _) => "login_required",
            (_, Some((_, _, _, Some("message_only"), _))) => "access_denied",
            (_, Some((_, "invalid_grant", ..))) => "interaction_required",
            (_, Some((_, error, ..))) => error,
            (_, None) => "invalid_request",
        }
    }

    /// What has to be asked for to get further, as a text of JSON.
    pub(crate) fn claims(&self) -> Option<Value> {
        let claims = json!({ "access_token": { "capolids": { "essential": true, "values": self.policies } } });
        (!self.policies.is_empty()).then(|| Value::String(claims.to_string()))
    }

    /// The sentence with everything that support asks for; the id of its trace; when it was.
    pub(crate) fn description(&self, tenant: &Tenant, correlation_id: &str) -> (String, String, String) {
        let trace_id = random::uuid().unwrap_or_default();
        let timestamp = written(tenant.clock.now()).replace('T', " ");
        let (code, text) = (self.code, self.sentence());
        let description = format!(
            "AADSTS{code}: {text} Trace ID: {trace_id} Correlation ID: {correlation_id} Timestamp: {timestamp}"
        );
        (description, trace_id, timestamp)
    }

    /// As an answer.
    pub(crate) fn reply(&self, tenant: &Tenant, correlation_id: &str) -> Reply {
        let usual = ERRORS.iter().find(|(code, ..)| *code == self.code);
        let (error, status, suberror) =
            usual.map_or((INVALID_REQUEST, 400, None), |(_, error, status, suberror, _)| (*error, *status, *suberror));
        self.reply_as((error, status, suberror), tenant, correlation_id)
    }

    /// As the answer of the token endpoint to whoever asks for another tenant.
    pub(crate) fn reply_as_request(&self, tenant: &Tenant, correlation_id: &str) -> Reply {
        self.reply_as((INVALID_REQUEST, 400, None), tenant, correlation_id)
    }

    fn reply_as(
        &self,
        (error, status, suberror): (&str, u16, Option<&str>),
        tenant: &Tenant,
        correlation_id: &str,
    ) -> Reply {
        let (description, trace_id, timestamp) = self.description(tenant, correlation_id);
        let code = self.code;
        let mut body = json!({
            "error": error,
            "error_description": description,
            "error_codes": [code],
            "timestamp": timestamp,
            "trace_id": trace_id,
            "correlation_id": correlation_id,
            "error_uri": format!("{}/error?code={code}", tenant.addresses.base),
        });
        if let Some(members) = body.as_object_mut() {
            if let Some(suberror) = suberror {
                members.insert("suberror".to_owned(), json!(suberror));
            }
            members.extend(self.claims().map(|claims| ("claims".to_owned(), claims)));
        }
        Reply::json(status, body).with("x-ms-request-id", trace_id)
    }
}

/// The page that errors point to: what a code means.
pub(crate) fn page(call: &Call) -> Reply {
    let asked = pairs(&call.query).unwrap_or_default();
    let code = member(&asked, "code").and_then(|code| code.parse::<u32>().ok());
    let known = code.and_then(|code| ERRORS.iter().find(|(known, ..)| *known == code));
    let Some((code, error, _, suberror, sentence)) = known else {
        let text = "<p>This tenant gives no error of this number. Add it as <b>?code=50126</b>.</p>";
        return Page::new("Sign-in errors", text.to_owned()).reply(404);
    };
    let suberror = suberror.map(|suberror| format!(", {suberror}")).unwrap_or_default();
    let body = format!("<p><b>AADSTS{code}</b> ({error}{suberror})</p><p>{}</p>", escaped(sentence));
    Page::new("Sign-in errors", body).reply(200)
}

#[cfg(test)]
mod tests {
    use super::ERRORS;

    #[test]
    fn codes_are_ascending_and_each_stands_once() {
        assert!(ERRORS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
