//! Who a token says is signed in.
//!
//! The token is not validated. It came from the authority over a connection that was checked, it is for Graph and not for
//! us, and Microsoft asks clients not to look into such tokens for decisions; what is read here says what to expect, and
//! Graph alone decides what is allowed.
//! **Source:** "Access tokens in the Microsoft identity platform"; "Access token claims reference".

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use breakglass_ops::ports::{SignedIn, SignedInAs};
use serde_json::Value;
use zeroize::Zeroizing;

use super::SecretText;
use super::error::SignInError;

/// Reads a token.
pub(in crate::graph) fn signed_in(token: &SecretText) -> Result<SignedIn, SignInError> {
    let unreadable = |what: &str| SignInError::Malformed(format!("the token {what}"));
    let payload = token.text().split('.').nth(1).ok_or_else(|| unreadable("is in no form that can be read"))?;
    let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('='));
    let payload = Zeroizing::new(payload.map_err(|_| unreadable("is in no form that can be read"))?);
    let claims: Value = serde_json::from_slice(&payload).map_err(|_| unreadable("is in no form that can be read"))?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
    let either = |one: &str, other: &str| text(one).or_else(|| text(other));
    let app_id = either("appid", "azp").ok_or_else(|| unreadable("does not say for which application it is"))?;
    let tenant_id = text("tid").ok_or_else(|| unreadable("does not say of which tenant it is"))?;
    let scopes = text("scp");
    // The claim that says it is not in every token; a person's token always has scopes.
    let is_application = text("idtyp").map_or(scopes.is_none(), |kind| kind == "app");
    let (who, permissions) = if is_application {
        (SignedInAs::Application { app_id: app_id.clone() }, list(&claims, "roles"))
    } else {
        let id = text("oid").ok_or_else(|| unreadable("does not say who is signed in"))?;
        let name = text("upn").or_else(|| either("preferred_username", "unique_name")).unwrap_or_default();
        let scopes = scopes.as_deref().unwrap_or_default();
        let scopes = sorted(scopes.split_whitespace().map(str::to_owned).collect());
        (SignedInAs::User { id, user_principal_name: name }, scopes)
    };
    let role_template_ids = if is_application { Vec::new() } else { list(&claims, "wids") };
    Ok(SignedIn { who, tenant_id, app_id, permissions, role_template_ids })
}

fn list(claims: &Value, name: &str) -> Vec<String> {
    let all = claims.get(name).and_then(Value::as_array).into_iter().flatten();
    sorted(all.filter_map(Value::as_str).map(str::to_owned).collect())
}

fn sorted(mut all: Vec<String>) -> Vec<String> {
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn token(claims: &Value) -> SecretText {
        SecretText::new(format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string())))
    }

    #[test]
    fn a_person_and_an_application() {
        let person = json!({
            "tid": "t", "oid": "o", "upn": "anna@contoso.com", "appid": "a", "scp": "User.Read Policy.Read.All",
            "wids": ["w2", "w1", "w1"], "roles": ["Not.Mine"]
        });
        let expected = SignedIn {
            who: SignedInAs::User { id: "o".to_owned(), user_principal_name: "anna@contoso.com".to_owned() },
            tenant_id: "t".to_owned(),
            app_id: "a".to_owned(),
            permissions: vec!["Policy.Read.All".to_owned(), "User.Read".to_owned()],
            role_template_ids: vec!["w1".to_owned(), "w2".to_owned()],
        };
        assert_eq!(signed_in(&token(&person)).unwrap(), expected);
        let application = json!({ "tid": "t", "azp": "a", "idtyp": "app", "roles": ["B", "A"], "wids": ["w"] });
        let found = signed_in(&token(&application)).unwrap();
        assert_eq!(found.who, SignedInAs::Application { app_id: "a".to_owned() });
        assert_eq!((found.permissions, found.role_template_ids.len()), (vec!["A".to_owned(), "B".to_owned()], 0));
    }

    #[test]
    fn a_token_that_cannot_be_read_is_not_repeated() {
        let half = URL_SAFE_NO_PAD.encode(r#"{"hush":"#);
        for text in ["", "hush", "hush.hush!.x", "hush.aHVzaA.x", &format!("a.{half}.b")] {
            let error = signed_in(&SecretText::new(text.to_owned())).unwrap_err();
            assert!(!error.to_string().contains("hush"), "{error}");
        }
        for lacking in ["tid", "appid", "oid"] {
            let mut claims = json!({ "tid": "t", "oid": "o", "appid": "a", "scp": "User.Read" });
            claims.as_object_mut().unwrap().remove(lacking);
            assert!(signed_in(&token(&claims)).is_err(), "{lacking}");
        }
    }
}
