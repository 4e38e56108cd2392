//! What a sign-in with a password proves of it.

use breakglass_custody::password::Password;
use breakglass_ops::ports::{Proof, Proving as _};
use serde_json::json;

use super::world::{CLIENT, Played, Step, TENANT, World, answer, token};

const NAME: &str = "emergency@contoso.onmicrosoft.com";
const PASSWORD: &str = "hush \"P\u{e4}ss&=+word";

fn refused(code: u32, said: &str) -> Step {
    let body = json!({
        "error": "invalid_grant", "error_description": format!("AADSTS{code}: {said}\r\nTrace ID: t"), "error_codes": [code],
    });
    answer(400, &body.to_string())
}

async fn proof(step: Step) -> (Proof, Played) {
    let played = Played::both([], [step]).await;
    let world = World::new();
    let proof = played.client(&world).prove(NAME, &Password::of_text(PASSWORD.to_owned()), "c1").await;
    (proof, played)
}

#[tokio::test]
async fn a_token_and_what_is_said_after_the_password_prove_it() {
    let steps = [50_076, 50_079, 53_003].map(|code| refused(code, "More is asked for."));
    for step in [token("hush-token", 3_600)].into_iter().chain(steps) {
        let (proof, played) = proof(step).await;
        assert_eq!(proof, Proof::Right);
        let form = &played.signed_in()[0];
        assert_eq!(form.line, format!("POST /{TENANT}/oauth2/v2.0/token HTTP/1.1"));
        for (member, value) in
            [("grant_type", "password"), ("client_id", CLIENT), ("username", NAME), ("password", PASSWORD)]
        {
            assert_eq!(form.member(member).as_deref(), Some(value));
        }
    }
}

#[tokio::test]
async fn what_proves_nothing_is_not_called_wrong() {
    let (wrong, _) = proof(refused(50_126, "Invalid username or password.")).await;
    assert!(matches!(&wrong, Proof::Wrong { why } if why.contains("AADSTS50126")), "{wrong:?}");
    for step in [refused(50_053, "The account is locked."), refused(50_034, "No user."), answer(200, "{}"), Step::Close]
    {
        let (proof, played) = proof(step).await;
        assert!(matches!(proof, Proof::Unknown { .. }), "{proof:?}");
        assert_eq!(played.signed_in().len(), 1, "it is tried once");
    }
}

#[tokio::test]
async fn the_password_is_in_no_words() {
    let (proof, _) = proof(refused(50_126, &format!("The password {PASSWORD} is wrong."))).await;
    assert!(!format!("{proof:?}").contains("ss&=+word"), "{proof:?}");
}
