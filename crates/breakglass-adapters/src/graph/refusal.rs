//! What Graph says when it says no.
//!
//! **Source:** "Microsoft Graph error responses and resource types"; "Claims challenges, claims requests, and client
//! capabilities" for the header of a challenge.

use crate::http::Reply;
use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use breakglass_ops::ports::Refusal;
use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};
use serde_json::Value;

/// Characters of the longest sentence that is given back.
const MESSAGE_CHARS_MAX: usize = 2_000;
/// Characters of the longest code, and of the longest name of a request.
const CODE_CHARS_MAX: usize = 200;
/// Microsoft's name of a request.
const REQUEST_ID: &str = "request-id";
/// Bytes of the longest challenge that is answered.
const CLAIMS_BYTES_MAX: usize = 16 << 10;

/// What stands in place of text that repeats a secret.
pub(super) const HIDDEN: &str = "the answer is not shown, because it repeats a secret";

/// The refusal in an answer. What it says is somebody else's text: it is cut, without control characters, and not given
/// back where it repeats a secret.
pub(super) fn refusal(reply: &Reply, repeats: &dyn Fn(&str) -> bool) -> Refusal {
    let shown = |text: &str, chars_max: usize| if repeats(text) { HIDDEN.to_owned() } else { plain(text, chars_max) };
    let body: Option<Value> = serde_json::from_slice(reply.body.bytes()).ok();
    let error = body.as_ref().and_then(|body| body.get("error"));
    let said = |name: &str| error.and_then(|error| error.get(name)).and_then(Value::as_str).unwrap_or_default();
    let inner = error.and_then(|error| error.get("innerError")).and_then(|inner| inner.get("request-id"));
    let header = reply.headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
    let request_id = header.or_else(|| inner.and_then(Value::as_str)).map(|id| shown(id, CODE_CHARS_MAX));
    let message = if error.is_some() { said("message").to_owned() } else { unstructured(reply) };
    Refusal {
        status: reply.status,
        code: shown(said("code"), CODE_CHARS_MAX),
        message: shown(&message, MESSAGE_CHARS_MAX),
        request_id: request_id.filter(|id| !id.is_empty()),
    }
}

/// What an answer says that is not in Graph's form: a proxy or a gateway gave it.
fn unstructured(reply: &Reply) -> String {
    let text = String::from_utf8_lossy(reply.body.bytes());
    let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    if first.starts_with(['<', '{', '[']) {
        return "the answer is not in Graph's form, so a proxy or a gateway on the way may have given it".to_owned();
    }
    first.to_owned()
}

/// Microsoft's name of a request.
pub(super) fn request_id(headers: &HeaderMap) -> Option<String> {
    Some(plain(headers.get(REQUEST_ID)?.to_str().ok()?, CODE_CHARS_MAX))
}

/// Text on one line, cut to a number of characters.
pub(super) fn plain(text: &str, chars_max: usize) -> String {
    let shown = text.trim().chars().map(|character| if character.is_control() { ' ' } else { character });
    shown.take(chars_max).collect()
}

/// The claims that a challenge demands, as JSON.
pub(super) fn challenge(headers: &HeaderMap) -> Option<String> {
    let all = headers.get_all(WWW_AUTHENTICATE).into_iter().filter_map(|header| header.to_str().ok());
    all.filter_map(claims).next()
}

fn claims(header: &str) -> Option<String> {
    let lower = header.to_ascii_lowercase();
    let at = lower.find("claims=\"").filter(|_| lower.contains("insufficient_claims"))?;
    let value = header.get(at..)?.split('"').nth(1)?;
    if value.len() > CLAIMS_BYTES_MAX {
        return None;
    }
    // Both alphabets are met, with and without padding.
    let alphabet = if value.contains(['-', '_']) { URL_SAFE } else { STANDARD };
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let decoded = GeneralPurpose::new(&alphabet, lenient).decode(value).ok()?;
    let decoded = String::from_utf8(decoded).ok()?;
    serde_json::from_str::<Value>(&decoded).ok().filter(Value::is_object).map(|_| decoded)
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;
    use crate::http::Gathered;

    fn reply(body: &str) -> Reply {
        let mut gathered = Gathered::default();
        gathered.push(body.as_bytes());
        Reply { status: 403, headers: HeaderMap::new(), body: gathered }
    }

    #[test]
    fn refusals_of_every_form() {
        let graphs = r#"{"error":{"code":"Authorization_RequestDenied","message":"No.\nReally.","innerError":{"request-id":"r1"}}}"#;
        let page = "the answer is not in Graph's form, so a proxy or a gateway on the way may have given it";
        for (body, code, message, id) in [
            (graphs, "Authorization_RequestDenied", "No. Really.", Some("r1")),
            (r#"{"error":{}}"#, "", "", None),
            (r#"{"error":"invalid"}"#, "", "", None),
            ("<html>\n503</html>", "", page, None),
            (r#"{"error":{"code""#, "", page, None),
            ("\n upstream connect error\nmore", "", "upstream connect error", None),
            ("", "", "", None),
        ] {
            let refused = refusal(&reply(body), &|_| false);
            let found = (refused.code.as_str(), refused.message.as_str(), refused.request_id.as_deref());
            assert_eq!(found, (code, message, id), "{body}");
        }
        let long = refusal(&reply(&format!(r#"{{"error":{{"message":"{}"}}}}"#, "x".repeat(5_000))), &|_| false);
        assert_eq!(long.message.len(), MESSAGE_CHARS_MAX);
        // A secret is looked for before anything is cut off.
        let echoed = format!(r#"{{"error":{{"message":"{}hush","code":"c"}}}}"#, "x".repeat(MESSAGE_CHARS_MAX - 2));
        let hidden = refusal(&reply(&echoed), &|text| text.contains("hush"));
        assert_eq!((hidden.message.as_str(), hidden.code.as_str()), (HIDDEN, "c"));
    }

    #[test]
    fn challenges_are_found() {
        let asked = r#"{"access_token":{"nbf":{"essential":true,"value":"1"}}}"#;
        let of = |header: &str| {
            let mut headers = HeaderMap::new();
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_static("Basic"));
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_str(header).unwrap());
            challenge(&headers)
        };
        let padded = base64::engine::general_purpose::STANDARD.encode(asked);
        let bare = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(asked);
        for encoded in [padded, bare] {
            let header = format!(r#"Bearer realm="", error="insufficient_claims", claims="{encoded}""#);
            assert_eq!(of(&header).as_deref(), Some(asked));
        }
        for none in [
            r#"Bearer error="insufficient_claims""#,
            r#"Bearer error="insufficient_claims", claims="%%""#,
            r#"Bearer error="insufficient_claims", claims="MQ""#,
            r#"Bearer error="invalid_token", claims="e30""#,
        ] {
            assert_eq!(of(none), None, "{none}");
        }
    }
}
