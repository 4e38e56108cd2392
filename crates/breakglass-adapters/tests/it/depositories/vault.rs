//! A vault: a real server of OpenBao where one is given, and a played one for what a real one seldom does.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use breakglass_adapters::http::{Authorities, Proxies, SecretText};
use breakglass_adapters::vault_depository::{VaultDepository, VaultSettings, VaultSettingsError};
use breakglass_ops::ports::{Depository, DepositoryError};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{keeps_its_promises, name};

/// The variable that says where `bao` is, OpenBao's program.
const PROGRAM: &str = "BREAKGLASS_BAO";
/// Seconds until a server that was started answers.
const START_SECONDS_MAX: u64 = 60;
const TOKEN: &str = "root-of-a-test";

fn settings(address: &str, token: &str) -> VaultSettings {
    VaultSettings {
        address: address.to_owned(),
        mount: "secret".to_owned(),
        folder: "breakglass/contoso".to_owned(),
        namespace: None,
        token: SecretText::new(token.to_owned()),
        proxies: Proxies::default(),
        authorities: Authorities::default(),
    }
}

/// A server of a test, ended with it.
struct Bao {
    process: Child,
    address: String,
}

impl Drop for Bao {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Bao {
    /// Starts one; `None`, with a message, where nobody says where the program is.
    #[expect(clippy::disallowed_methods, reason = "a program of other people is on some machines only")]
    async fn start() -> Option<Self> {
        let Some(program) = std::env::var_os(PROGRAM) else {
            println!("{PROGRAM} names no program: the real server was not asked");
            return None;
        };
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("bao-{port}"));
        fs::create_dir_all(&folder).unwrap();
        let process = Command::new(program)
            .args(["server", "-dev", "-dev-no-store-token"])
            .arg(format!("-dev-listen-address=127.0.0.1:{port}"))
            .arg(format!("-dev-root-token-id={TOKEN}"))
            .env_clear()
            .env("HOME", &folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let bao = Self { process, address: format!("http://127.0.0.1:{port}") };
        let depository = bao.depository(TOKEN);
        let waits = START_SECONDS_MAX * 5;
        for _ in 0..waits {
            if depository.names().await.is_ok() {
                return Some(bao);
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("the server does not answer");
    }

    fn depository(&self, token: &str) -> VaultDepository {
        VaultDepository::new(settings(&self.address, token)).unwrap()
    }

    /// Asks the server itself, beside the depository.
    async fn asks(&self, method: reqwest::Method, path: &str, body: Value) -> Value {
        // Another test may have said so already.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.request(method, format!("{}/v1/{path}", self.address)).header("x-vault-token", TOKEN);
        let answer = request.body(body.to_string()).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default()
    }
}

#[tokio::test]
async fn a_real_server_keeps_its_promises_and_says_what_is_wrong() {
    let Some(bao) = Bao::start().await else { return };
    let depository = bao.depository(TOKEN);
    keeps_its_promises(&depository).await;
    depository.destroy(&name("b-2")).await.unwrap();
    two_write_one(&bao).await;
    no_permission(&bao).await;
    deleted_by_hand(&bao).await;
    let nowhere = VaultSettings { mount: "elsewhere".to_owned(), ..settings(&bao.address, TOKEN) };
    let error = VaultDepository::new(nowhere).unwrap().read(&name("one")).await.unwrap_err();
    assert!(error.to_string().contains("there is no secrets engine at `elsewhere`"), "{error}");
    bao.asks(reqwest::Method::PUT, "sys/seal", json!({})).await;
    for error in [
        depository.keep(&name("sealed"), "text").await.unwrap_err(),
        depository.read(&name("one")).await.unwrap_err(),
        depository.names().await.unwrap_err(),
        depository.destroy(&name("one")).await.unwrap_err(),
    ] {
        assert!(matches!(error, DepositoryError::Refused { .. }), "{error}");
        assert!(error.to_string().contains("it is sealed"), "{error}");
        assert!(!error.to_string().contains(TOKEN));
    }
}

/// Of two who write one at the same time one is refused, and its text is not lost on the other's.
async fn two_write_one(bao: &Bao) {
    let (one, other) = (bao.depository(TOKEN), bao.depository(TOKEN));
    for number in 0..20 {
        let both = name(&format!("both-{number}"));
        let (first, second) = tokio::join!(one.keep(&both, "mine"), other.keep(&both, "theirs"));
        let kept = one.read(&both).await.unwrap().unwrap();
        let expected = if kept == "mine" { (true, false) } else { (false, true) };
        assert_eq!((first.is_ok(), second.is_ok()), expected, "{number}: {kept} {first:?} {second:?}");
    }
}

async fn no_permission(bao: &Bao) {
    let error = bao.depository("a-token-of-nobody").read(&name("one")).await.unwrap_err();
    assert!(matches!(error, DepositoryError::Refused { .. }), "{error}");
    assert!(error.to_string().contains("the token may not do that"), "{error}");
    // One who may only read.
    let policy = json!({ "policy": "path \"secret/data/breakglass/*\" { capabilities = [\"read\"] }" });
    bao.asks(reqwest::Method::PUT, "sys/policies/acl/reader", policy).await;
    let token = bao.asks(reqwest::Method::POST, "auth/token/create", json!({ "policies": ["reader"] })).await;
    let reader = bao.depository(token["auth"]["client_token"].as_str().unwrap());
    bao.depository(TOKEN).keep(&name("read"), "text").await.unwrap();
    assert_eq!(reader.read(&name("read")).await.unwrap().as_deref(), Some("text"));
    for error in [
        reader.keep(&name("read"), "another").await.unwrap_err(),
        reader.destroy(&name("read")).await.unwrap_err(),
        reader.names().await.unwrap_err(),
    ] {
        assert!(error.to_string().contains("permission denied"), "{error}");
    }
    assert_eq!(reader.read(&name("read")).await.unwrap().as_deref(), Some("text"));
}

async fn deleted_by_hand(bao: &Bao) {
    let depository = bao.depository(TOKEN);
    depository.keep(&name("gone"), "text").await.unwrap();
    bao.asks(reqwest::Method::DELETE, "secret/data/breakglass/contoso/gone", json!({})).await;
    let error = depository.read(&name("gone")).await.unwrap_err();
    assert!(matches!(error, DepositoryError::Damaged { .. }), "{error}");
    assert!(depository.keep(&name("gone"), "another").await.is_err(), "what was there may be brought back");
    depository.destroy(&name("gone")).await.unwrap();
    depository.keep(&name("gone"), "another").await.unwrap();
}

/// A server that answers every request with this, and closes.
async fn played(answer: &'static str) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 4096];
            drop(stream.read(&mut head).await);
            drop(stream.write_all(answer.as_bytes()).await);
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn what_cannot_be_told_is_no_answer() {
    for (answer, why) in [
        ("", "broke"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", "broke"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>", "cannot be read"),
        ("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n", "status 502"),
        ("HTTP/1.1 503 Unavailable\r\ncontent-length: 0\r\n\r\n", "status 503"),
        ("HTTP/1.1 302 Found\r\nlocation: http://elsewhere/\r\ncontent-length: 0\r\n\r\n", "status 302"),
    ] {
        let depository = VaultDepository::new(settings(&played(answer).await, TOKEN)).unwrap();
        let error = depository.keep(&name("one"), "text").await.unwrap_err();
        assert!(matches!(error, DepositoryError::Unanswered { .. }), "{answer}: {error}");
        assert!(error.to_string().contains(why) && !error.to_string().contains(TOKEN), "{answer}: {error}");
    }
}

#[tokio::test]
async fn nobody_is_waited_for_without_end() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let depository = VaultDepository::within(settings(&address, TOKEN), Duration::from_millis(100)).unwrap();
    let error = depository.read(&name("one")).await.unwrap_err();
    assert!(error.to_string().contains("took too long to answer"), "{error}");
    drop(listener);
    let error = depository.read(&name("one")).await.unwrap_err();
    assert!(error.to_string().contains("there is no connection"), "{error}");
}

#[test]
fn settings_that_are_of_no_use_are_refused() {
    let with = |change: fn(&mut VaultSettings)| {
        let mut settings = settings("https://vault.contoso.com:8200", TOKEN);
        change(&mut settings);
        VaultDepository::new(settings).map(|depository| depository.place())
    };
    assert_eq!(with(|_| ()).unwrap(), "https://vault.contoso.com:8200 secret/breakglass/contoso");
    assert!(with(|settings| settings.address = "http://[::1]:8200".to_owned()).is_ok());
    for address in [
        "",
        "vault",
        "http://vault.contoso.com",
        "ftp://127.0.0.1",
        "https://user:hush@vault.contoso.com",
        "https://vault.contoso.com/v1",
    ] {
        let error = VaultDepository::new(settings(address, TOKEN)).unwrap_err();
        assert!(matches!(error, VaultSettingsError::Address), "{address}");
    }
    for path in ["", "a//b", "../sys", "a/../b", "a b", "a?b", "a%2Fb", "\u{e4}", &"a".repeat(300)] {
        let refused = VaultSettings { folder: path.to_owned(), ..settings("https://vault.contoso.com", TOKEN) };
        assert!(matches!(VaultDepository::new(refused), Err(VaultSettingsError::Path(_))), "{path}");
    }
    let error = VaultDepository::new(settings("https://vault.contoso.com", "hush\n")).unwrap_err();
    assert!(matches!(error, VaultSettingsError::Header("token")) && !format!("{error:?}").contains("hush"));
}
