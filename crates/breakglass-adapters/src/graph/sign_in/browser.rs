//! A person signs in with a browser of this machine, which brings the answer back to a port of it.
//!
//! Anything on this machine can reach that port, so an answer counts only with the state that went out; whatever else
//! arrives is told that nothing is here, and the wait goes on.
//! **Source:** RFC 8252, RFC 7636 (S256); "Redirect URI restrictions and limitations": `http://localhost` has any port.
//! **Limits:** [`REQUEST_COUNT_MAX`], [`HEAD_BYTES_MAX`], [`HEAD_SECONDS_MAX`].

use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use breakglass_ops::ports::{Random, Repeat};
use reqwest::Url;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::SecretText;
use super::authority::{Authority, Grant};
use super::error::{EntraRefusal, SignInError};
use super::form::Form;

/// Connections that are answered before the sign-in is given up.
const REQUEST_COUNT_MAX: usize = 200;
/// Bytes of the largest head of a request.
const HEAD_BYTES_MAX: usize = 32 << 10;
/// Seconds in which it arrives.
const HEAD_SECONDS_MAX: u64 = 5;
/// Random bytes of the state and of the verifier, of which RFC 7636 recommends 32.
const RANDOM_BYTES: usize = 32;

/// What the browser brings.
enum Brought {
    Code(SecretText),
    Refused(EntraRefusal),
}

pub(super) async fn sign_in(at: &Authority, claims: Option<&str>) -> Result<Grant, SignInError> {
    let local =
        |error: std::io::Error| SignInError::Local(format!("no port of this machine can be listened on: {error}"));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(local)?;
    let port = listener.local_addr().map_err(local)?.port();
    let redirect = format!("http://localhost:{port}");
    let (state, verifier) = (random(&*at.random)?, random(&*at.random)?);
    let (scope, claims) = (at.delegated(), Authority::claims(claims));
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.text().as_bytes()));
    let query = Form::new(&[
        ("client_id", &at.client_id),
        ("response_type", "code"),
        ("response_mode", "query"),
        ("redirect_uri", &redirect),
        ("scope", &scope),
        ("state", state.text()),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("prompt", "select_account"),
        ("claims", &claims),
    ]);
    at.prompt.open(&format!("{}?{}", at.endpoint("authorize"), query.into_query()));
    let seconds = at.limits.browser.as_secs();
    let brought = timeout(at.limits.browser, answered(&listener, &state)).await;
    let code = match brought.map_err(|_| SignInError::TimedOut { seconds })?? {
        Brought::Code(code) => code,
        Brought::Refused(refused) if refused.code.is_none() && refused.error == "access_denied" => {
            return Err(SignInError::Declined);
        }
        Brought::Refused(refused) => return Err(SignInError::Refused(refused.into())),
    };
    drop(listener);
    let form = Form::new(&[
        ("grant_type", "authorization_code"),
        ("code", code.text()),
        ("redirect_uri", &redirect),
        ("code_verifier", verifier.text()),
        ("scope", &scope),
        ("claims", &claims),
    ]);
    at.token(form, Repeat::IfUndone).await
}

fn random(random: &dyn Random) -> Result<SecretText, SignInError> {
    let mut bytes = Zeroizing::new([0_u8; RANDOM_BYTES]);
    random.fill(&mut bytes[..]).map_err(|error| SignInError::Local(error.to_string()))?;
    Ok(SecretText::new(URL_SAFE_NO_PAD.encode(&bytes[..])))
}

/// Waits for the browser; others are turned away.
async fn answered(listener: &TcpListener, state: &SecretText) -> Result<Brought, SignInError> {
    for _ in 0..REQUEST_COUNT_MAX {
        let Ok((mut stream, _)) = listener.accept().await else { continue };
        let head = timeout(Duration::from_secs(HEAD_SECONDS_MAX), head(&mut stream)).await;
        let brought = head.ok().flatten().and_then(|head| brought(&head, state));
        let (status, text) = match &brought {
            Some(Brought::Code(_)) => ("200 OK", "You are signed in. You can close this page."),
            Some(Brought::Refused(_)) => ("200 OK", "The sign-in failed. The program that asked says why."),
            None => ("404 Not Found", "There is nothing here."),
        };
        let written = timeout(Duration::from_secs(HEAD_SECONDS_MAX), written(&mut stream, status, text)).await;
        // Whether the page is shown makes no difference to the sign-in.
        drop(written);
        if let Some(brought) = brought {
            return Ok(brought);
        }
    }
    Err(SignInError::Local("other programs ask the port of the sign-in all the time: begin again".to_owned()))
}

/// The head of a request; `None` if it is too long or breaks off.
async fn head(stream: &mut TcpStream) -> Option<Zeroizing<Vec<u8>>> {
    let mut read = Zeroizing::new(vec![0_u8; HEAD_BYTES_MAX]);
    let mut length = 0;
    loop {
        let count = stream.read(read.get_mut(length..)?).await.ok().filter(|count| *count > 0)?;
        length += count;
        if read.get(..length)?.windows(4).any(|end| end == b"\r\n\r\n") {
            return Some(read);
        }
    }
}

/// What a request brings; `None` if it is not what is waited for.
fn brought(head: &[u8], state: &SecretText) -> Option<Brought> {
    let line = head.split(|byte| *byte == b'\r').next()?;
    let target = std::str::from_utf8(line).ok()?.strip_prefix("GET ")?.split(' ').next()?;
    let url = Zeroizing::new(format!("http://localhost{target}"));
    let url = Url::parse(&url).ok().filter(|url| url.path() == "/")?;
    let member = |name: &str| url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned());
    let given = SecretText::new(member("state")?);
    verify_slices_are_equal(given.text().as_bytes(), state.text().as_bytes()).ok()?;
    if let Some(error) = member("error") {
        let description = member("error_description").unwrap_or_default();
        return Some(Brought::Refused(EntraRefusal::of_words(&error, &description, None)));
    }
    member("code").map(|code| Brought::Code(SecretText::new(code)))
}

async fn written(stream: &mut TcpStream, status: &str, text: &str) -> std::io::Result<()> {
    let page = format!("<!doctype html><meta charset=\"utf-8\"><title>breakglass</title><p>{text}</p>");
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\n\
         content-security-policy: default-src 'none'\r\nreferrer-policy: no-referrer\r\ncache-control: no-store\r\n\
         connection: close\r\n\r\n{page}",
        page.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_answer_with_the_state_counts() {
        let state = SecretText::new("s1".to_owned());
        let of = |line: &str| brought(format!("{line}\r\nhost: localhost\r\n\r\n").as_bytes(), &state);
        let code = |line: &str| match of(line) {
            Some(Brought::Code(code)) => Some(code.text().to_owned()),
            _ => None,
        };
        assert_eq!(code("GET /?code=a%2Bb&state=s1&session_state=x HTTP/1.1").as_deref(), Some("a+b"));
        for other in [
            "GET /?code=a&state=s2 HTTP/1.1",
            "GET /?code=a&state=s HTTP/1.1",
            "GET /?code=a HTTP/1.1",
            "GET /?state=s1 HTTP/1.1",
            "GET /favicon.ico HTTP/1.1",
            "GET /x?code=a&state=s1 HTTP/1.1",
            "POST /?code=a&state=s1 HTTP/1.1",
            "",
        ] {
            assert!(of(other).is_none(), "{other}");
        }
        let refused = of("GET /?error=access_denied&error_description=AADSTS65004%3a+Declined.&state=s1 HTTP/1.1");
        let Some(Brought::Refused(refused)) = refused else { panic!("it is a refusal") };
        assert_eq!((refused.code, refused.sentence.as_str()), (Some(65_004), "Declined."));
    }
}
