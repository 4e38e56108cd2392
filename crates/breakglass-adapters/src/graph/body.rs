//! The body of a request, and the password in it.
//!
//! **Invariant:** the password is written once, into bytes that are wiped, and is in no JSON value.

use crate::http::Gathered;
use breakglass_ops::ports::{GraphRequest, SecretValue};
use bytes::Bytes;
use serde_json::Value;
use zeroize::Zeroizing;

/// Writes the body; `mark` is text that stands in no body.
pub(super) fn written(request: &GraphRequest<'_>, mark: &str) -> Result<Option<Bytes>, &'static str> {
    const NO_BODY: &str = "a password has no body to be in";
    const NO_JSON: &str = "the body is not to be written as JSON";
    let Some(body) = request.body.as_deref() else {
        return if request.secret.is_some() { Err(NO_BODY) } else { Ok(None) };
    };
    let Some(secret) = request.secret else {
        return serde_json::to_vec(body).map(|body| Some(body.into())).map_err(|_| NO_JSON);
    };
    let marked = serde_json::to_string(&marked(body, &secret, mark)?).map_err(|_| NO_JSON)?;
    let quoted = format!("\"{mark}\"");
    let mut parts = marked.split(&quoted);
    let (Some(before), Some(behind), None) = (parts.next(), parts.next(), parts.next()) else {
        return Err("a password has no single place in the body");
    };
    let password = secret.password.with_plaintext(quoted_json);
    let mut bytes = Gathered::with_capacity(before.len() + password.len() + behind.len());
    for part in [before.as_bytes(), &password, behind.as_bytes()] {
        bytes.push(part);
    }
    Ok(Some(bytes.into_shared()))
}

/// The body with a mark where the password belongs.
fn marked(body: &Value, secret: &SecretValue<'_>, mark: &str) -> Result<Value, &'static str> {
    const NOWHERE: &str = "the place of the password is not in the body";
    let mut body = body.clone();
    let (parent, name) = secret.pointer.rsplit_once('/').ok_or(NOWHERE)?;
    let parent = body.pointer_mut(parent).and_then(Value::as_object_mut).ok_or(NOWHERE)?;
    parent.insert(name.replace("~1", "/").replace("~0", "~"), Value::from(mark));
    Ok(body)
}

/// Text as JSON, in bytes that are wiped and never grow.
fn quoted_json(text: &str) -> Zeroizing<Vec<u8>> {
    // A character becomes six at most, as in \u001f.
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len().saturating_mul(6).saturating_add(2)));
    // Writing text into memory does not fail.
    let _ = serde_json::to_writer(&mut *bytes, text);
    bytes
}

#[cfg(test)]
mod tests {
    use breakglass_custody::password::Password;
    use breakglass_ops::ports::Method;
    use serde_json::json;

    use super::*;

    fn body(value: Option<Value>, secret: Option<(&'static str, &str)>) -> Result<Option<String>, &'static str> {
        let password = secret.map(|(_, text)| Password::of_text(text.to_owned()));
        let mut request = GraphRequest::get("/v1.0/users");
        request.method = Method::Post;
        request.body = value.map(std::borrow::Cow::Owned);
        request.secret =
            secret.zip(password.as_ref()).map(|((pointer, _), password)| SecretValue { pointer, password });
        let bytes = written(&request, "mark")?;
        Ok(bytes.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap()))
    }

    #[test]
    fn the_password_gets_where_it_belongs() {
        let user = json!({ "id": 1, "passwordProfile": { "force": false }, "z": [] });
        let odd = "a\"b\\c\u{1f}é";
        let text = body(Some(user), Some(("/passwordProfile/password", odd))).unwrap().unwrap();
        let expected = json!({ "id": 1, "passwordProfile": { "force": false, "password": odd }, "z": [] });
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
        let replaced = body(Some(json!({ "newPassword": null })), Some(("/newPassword", "x"))).unwrap().unwrap();
        assert_eq!(replaced, r#"{"newPassword":"x"}"#);
        assert_eq!(body(None, None), Ok(None));
        assert_eq!(body(Some(json!({ "a": 1 })), None), Ok(Some("{\"a\":1}".to_owned())));
    }

    #[test]
    fn a_password_without_a_place_is_not_sent() {
        for (value, pointer) in [
            (None, "/password"),
            (Some(json!([])), "/password"),
            (Some(json!({})), "/passwordProfile/password"),
            (Some(json!({})), "password"),
            (Some(json!({ "other": "mark" })), "/password"),
        ] {
            let why = body(value, Some((pointer, "hush"))).unwrap_err();
            assert!(!why.contains("hush"));
        }
    }
}
