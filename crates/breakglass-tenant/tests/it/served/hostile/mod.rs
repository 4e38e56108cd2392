//! Clients that mean no good: forged tokens, malformed requests, and connections that are kept open to no purpose. Each
//! is refused with the right error, and others are served meanwhile.

mod flood;
mod paths;
mod requests;
mod slow;
mod tokens;

use serde_json::Value;

use super::world::{ADMIN, Answer, Served, password_form};

/// The access token and the refresh token of the administrator for a resource.
fn tokens_for(served: &Served, resource: &str) -> Value {
    let scope = format!("{resource}/.default openid offline_access");
    let tokens = served.token(&[], &password_form(ADMIN, &scope)).json();
    assert!(tokens["access_token"].is_string(), "{tokens}");
    tokens
}

const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
const GRAPH: &str = "https://graph.microsoft.com";
const MANAGER: &str = "https://management.core.windows.net/";

/// Reads Graph with a token.
fn read(served: &Served, token: &str, path: &str) -> Answer {
    served.send(("GET", path), &[("authorization", &format!("Bearer {token}"))], "").unwrap()
}

/// The text of an answer.
fn text<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer[name].as_str().unwrap_or_else(|| panic!("no {name} in {answer}"))
}
