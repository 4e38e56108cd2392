//! Mail: a server that answers by a script, one of other people, and a file that a program of other people reads.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use breakglass_adapters::channels::ConnectionError;
use breakglass_adapters::channels::mail::{Mail, MailError, Security};
use breakglass_adapters::channels::mailbox::MboxFile;
use breakglass_adapters::http::{Authorities, SecretText};
use breakglass_custody::name::Name;
use breakglass_ops::ports::Channel;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufStream};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::{Certified, HOSTILE, HOSTILE_SHOWN, certified, key, message, name, outcome};
use crate::support::Folder;

/// The variable that says where a Python with `aiosmtpd` is.
const PYTHON: &str = "BREAKGLASS_MAIL_PEER";

const FROM: &str = "Breakglass <breakglass@contoso.com>";
const USER: &str = "breakglass";
const PASSWORD: &str = "hush-of-a-user";

/// The id of the letter to eva.
const ID: &str = "<breakglass_incident-7_2_post_eva_1@contoso.com>";

/// Instead of an answer: the connection is closed.
const CUT: &str = "CUT";

/// Instead of an answer: nothing, as long as somebody waits.
const HANG: &str = "HANG";

/// What a server answers to each command.
#[derive(Debug, Clone, Copy)]
struct Script {
    greeting: &'static str,
    hello: &'static str,
    /// Instead of a conversation in the clear: the answer to STARTTLS.
    starttls: Option<&'static str>,
    auth: &'static str,
    mail: &'static str,
    rcpt: &'static str,
    data: &'static str,
    end: &'static str,
    goodbye: &'static str,
}

const GOOD: Script = Script {
    greeting: "220 mx\r\n",
    hello: "250-mx\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN\r\n",
    starttls: None,
    auth: "235 2.7.0 known\r\n",
    mail: "250 2.1.0 yes\r\n",
    rcpt: "250 2.1.5 yes\r\n",
    data: "354 go on\r\n",
    end: "250 2.0.0 taken\r\n",
    goodbye: "221 2.0.0 bye\r\n",
};

/// A server with a script, and what was said to it.
struct Played {
    port: u16,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Played {
    async fn by(script: Script, tls: Option<(TlsAcceptor, Security)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, heard) = (tls.clone(), Arc::clone(&shared));
                tokio::spawn(async move {
                    match tls {
                        None => drop(spoken(stream, script, &heard).await),
                        Some((acceptor, Security::Tls)) => {
                            let Ok(stream) = acceptor.accept(stream).await else { return };
                            drop(spoken(stream, script, &heard).await);
                        }
                        Some((acceptor, _)) => {
                            let hello = "250-mx\r\n250-8BITMIME\r\n250 STARTTLS\r\n";
                            let clear = Script { hello, starttls: Some(script.starttls.unwrap()), ..script };
                            let Some(stream) = spoken(stream, clear, &heard).await else { return };
                            let Ok(stream) = acceptor.accept(stream).await else { return };
                            heard.lock().unwrap().push("(secured)".to_owned());
                            drop(spoken(stream, Script { greeting: "", ..script }, &heard).await);
                        }
                    }
                });
            }
        });
        Self { port, heard }
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    /// The letters that were sent, with the ends of their lines.
    fn letters(&self) -> Vec<String> {
        let heard = self.heard();
        heard.into_iter().filter(|said| said.contains("\r\n")).collect()
    }
}

/// Speaks by a script; the stream, if it is to be secured.
async fn spoken<S: AsyncRead + AsyncWrite + Unpin>(stream: S, script: Script, heard: &Mutex<Vec<String>>) -> Option<S> {
    let mut stream = BufStream::new(stream);
    said(&mut stream, script.greeting).await?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_owned();
        heard.lock().unwrap().push(line.clone());
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" => said(&mut stream, script.hello).await?,
            "STARTTLS" => {
                said(&mut stream, script.starttls.unwrap_or("502 no\r\n")).await?;
                if script.starttls.is_some() {
                    return Some(stream.into_inner());
                }
            }
            "AUTH" => {
                if line == "AUTH LOGIN" {
                    for challenge in ["334 VXNlcm5hbWU6\r\n", "334 UGFzc3dvcmQ6\r\n"] {
                        said(&mut stream, challenge).await?;
                        let mut answer = String::new();
                        stream.read_line(&mut answer).await.ok()?;
                        heard.lock().unwrap().push(answer.trim_end().to_owned());
                    }
                }
                said(&mut stream, script.auth).await?;
            }
            "MAIL" => said(&mut stream, script.mail).await?,
            "RCPT" => said(&mut stream, script.rcpt).await?,
            "DATA" => {
                said(&mut stream, script.data).await?;
                if script.data.starts_with("354") {
                    let mut letter = String::new();
                    while !letter.ends_with("\r\n.\r\n") {
                        if stream.read_line(&mut letter).await.ok()? == 0 {
                            return None;
                        }
                    }
                    heard.lock().unwrap().push(letter);
                    said(&mut stream, script.end).await?;
                }
            }
            "QUIT" => said(&mut stream, script.goodbye).await?,
            _ => said(&mut stream, "502 5.5.1 unknown\r\n").await?,
        }
    }
}

/// Says it; `None` where the connection is to be closed.
async fn said<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufStream<S>, text: &str) -> Option<()> {
    match text {
        CUT => None,
        HANG => {
            // Until whoever waits goes away.
            let _ = stream.read_line(&mut String::new()).await;
            None
        }
        text => {
            stream.write_all(text.as_bytes()).await.ok()?;
            stream.flush().await.ok()
        }
    }
}

fn contacts(people: &[&str]) -> BTreeMap<Name, String> {
    people.iter().map(|person| (name(person), format!("{person}@example.com"))).collect()
}

fn mail(port: u16, security: Security, authorities: &Authorities) -> Mail {
    let user = Some((USER.to_owned(), SecretText::new(PASSWORD.to_owned())));
    Mail::new(name("post"), ("127.0.0.1", port, security), user, (FROM, &contacts(&["eva"])), authorities).unwrap()
}

/// The password as the mechanisms send it.
const SENT: [&str; 2] = ["AGJyZWFrZ2xhc3MAaHVzaC1vZi1hLXVzZXI=", "aHVzaC1vZi1hLXVzZXI="];

fn is_hushed(why: &str) -> bool {
    !why.contains(PASSWORD) && !SENT.iter().any(|sent| why.contains(sent))
}

#[tokio::test]
async fn each_answer_of_a_server_is_understood() {
    let cases = [
        (GOOD, "taken", ""),
        (Script { hello: "250-mx\r\n250 AUTH LOGIN\r\n", ..GOOD }, "taken", ""),
        (Script { goodbye: CUT, ..GOOD }, "taken", ""),
        (Script { goodbye: "421 4.3.2 gone\r\n", ..GOOD }, "taken", ""),
        (Script { greeting: "421 4.3.2 busy\r\n", ..GOOD }, "later", "answers 421: 4.3.2 busy"),
        (Script { greeting: "554 5.7.1 not you\r\n", ..GOOD }, "refused", "answers 554: 5.7.1 not you"),
        (Script { greeting: "SSH-2.0-server\r\n", ..GOOD }, "later", "broke"),
        (Script { greeting: CUT, ..GOOD }, "later", "broke"),
        (Script { hello: "250 mx\r\n", ..GOOD }, "refused", "by PLAIN or LOGIN"),
        (Script { hello: "250 AUTH CRAM-MD5\r\n", ..GOOD }, "refused", "by PLAIN or LOGIN"),
        (Script { auth: "535 5.7.8 AGJyZWFrZ2xhc3MAaHVzaC1vZi1hLXVzZXI=\r\n", ..GOOD }, "refused", "answers 535"),
        (Script { auth: "454 4.7.0 hush-of-a-user\r\n", ..GOOD }, "later", "answers 454"),
        (Script { auth: "hush-of-a-user\r\n", ..GOOD }, "later", "broke"),
        (Script { auth: CUT, ..GOOD }, "later", "broke"),
        (Script { mail: "451 4.7.1 greylisted\r\n", ..GOOD }, "later", "answers 451: 4.7.1 greylisted"),
        (
            Script { rcpt: "550 5.1.1 no \u{1b}[31msuch\r\n", ..GOOD },
            "refused",
            r"answers 550: 5.1.1 no \u{1b}[31msuch",
        ),
        (Script { rcpt: "450 4.2.1 later\r\n", ..GOOD }, "later", "answers 450"),
        (Script { data: "451 4.3.0 later\r\n", ..GOOD }, "later", "answers 451"),
        (Script { end: "451 4.3.0 later\r\n", ..GOOD }, "later", "answers 451"),
        (Script { end: "552 5.3.4 too large\r\n", ..GOOD }, "refused", "answers 552"),
        (Script { end: "354 what\r\n", ..GOOD }, "later", "answers 354"),
        (Script { end: CUT, ..GOOD }, "later", "broke"),
    ];
    for (script, expected, why_expected) in cases {
        let played = Played::by(script, None).await;
        let mail = mail(played.port, Security::Plain, &Authorities::default());
        let (word, why, seconds) = outcome(mail.deliver(&key("eva"), &message("eva@contoso.com")).await);
        assert_eq!((word, seconds), (expected, None), "{script:?}: {why}");
        assert!(why.contains(why_expected) && is_hushed(&why), "{script:?}: {why}");
    }
}

#[tokio::test]
async fn nobody_is_waited_for_without_end() {
    for script in [Script { greeting: HANG, ..GOOD }, Script { end: HANG, ..GOOD }] {
        let played = Played::by(script, None).await;
        let mail = mail(played.port, Security::Plain, &Authorities::default()).within(Duration::from_millis(200));
        let (word, why, _) = outcome(mail.deliver(&key("eva"), &message("eva@contoso.com")).await);
        assert_eq!(word, "later");
        assert!(why.contains("took too long"), "{why}");
    }
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let mail = mail(closed, Security::Plain, &Authorities::default());
    let (word, why, _) = outcome(mail.deliver(&key("eva"), &message("eva@contoso.com")).await);
    assert_eq!(word, "later");
    assert!(why.contains("there is no connection"), "{why}");
}

#[tokio::test]
async fn a_server_that_talks_without_end_is_not_listened_to_without_end() {
    let endless: &'static str = format!("220-{}", "x".repeat(1 << 20)).leak();
    for security in [Security::Plain, Security::StartTls] {
        let played = Played::by(Script { greeting: endless, ..GOOD }, None).await;
        let mail = mail(played.port, security, &Authorities::default());
        let (word, why, _) = outcome(mail.deliver(&key("eva"), &message("eva@contoso.com")).await);
        assert_eq!(word, "later");
        assert!(why.contains("more than is listened to"), "{why}");
    }
}

#[tokio::test]
async fn a_letter_is_the_same_at_each_try_and_names_are_only_text_in_it() {
    let played = Played::by(GOOD, None).await;
    let mail = mail(played.port, Security::Plain, &Authorities::default());
    for _ in 0..2 {
        assert_eq!(mail.deliver(&key("eva"), &message(HOSTILE)).await, Ok(()));
    }
    let heard = played.heard();
    for said in ["EHLO contoso.com", "MAIL FROM:<breakglass@contoso.com>", "RCPT TO:<eva@example.com>"] {
        assert_eq!(heard.iter().filter(|line| *line == said).count(), 2, "{said} in {heard:?}");
    }
    let [first, second] = <[String; 2]>::try_from(played.letters()).unwrap();
    assert_eq!(first, second);
    let (head, _) = first.split_once("\r\n\r\n").unwrap();
    let head = head.replace("\r\n ", " ");
    for line in [
        format!("Message-ID: {ID}"),
        "To: eva@example.com".to_owned(),
        "Date: Sat, 28 Nov 2026 03:01:00 +0000".to_owned(),
        "Auto-Submitted: auto-generated".to_owned(),
        "X-Auto-Response-Suppress: All".to_owned(),
        "Importance: high".to_owned(),
        "X-Priority: 1".to_owned(),
    ] {
        assert_eq!(head.lines().filter(|known| *known == line).count(), 1, "{line} in {head}");
    }
    assert!(head.contains("Subject: CRITICAL, somebody is IN: <!channel>"), "{head}");
    assert!(first.is_ascii() && !first.lines().any(|line| line.len() > 998 || line.starts_with("Bcc")), "{first}");
    assert_eq!(first.matches("\r\n.\r\n").count(), 1, "nothing but its end ends it");
}

#[tokio::test]
async fn nothing_is_said_to_a_server_before_it_is_secured_and_known() {
    let folder = Folder::new("channels-mail");
    let Certified { authorities, config, .. } = certified(&folder, "server");
    let strange = certified(&folder, "strange");
    let acceptor = TlsAcceptor::from(config);
    let go = Script { starttls: Some("220 go\r\n"), ..GOOD };
    // Somebody in between adds what the server would say once it is secured.
    let added = "220 go\r\n250-mx\r\n250 AUTH PLAIN\r\n235 yes\r\n250 yes\r\n250 yes\r\n354 go on\r\n250 taken\r\n";
    let added = Script { starttls: Some(added), ..GOOD };
    let refusing = Script { starttls: Some("454 4.7.0 no\r\n"), ..GOOD };
    for (security, script, authorities, expected, why_expected) in [
        (Security::StartTls, go, &authorities, "taken", ""),
        (Security::Tls, go, &authorities, "taken", ""),
        (Security::StartTls, go, &strange.authorities, "later", "cannot be secured"),
        (Security::Tls, go, &strange.authorities, "later", "cannot be secured"),
        (Security::StartTls, added, &authorities, "later", "cannot be secured"),
        (Security::StartTls, refusing, &authorities, "later", "answers 454"),
    ] {
        let played = Played::by(script, Some((acceptor.clone(), security))).await;
        let mail = mail(played.port, security, authorities);
        let (word, why, _) = outcome(mail.deliver(&key("eva"), &message("eva@contoso.com")).await);
        assert_eq!(word, expected, "{security:?} {script:?}: {why}");
        assert!(why.contains(why_expected) && is_hushed(&why), "{why}");
        let heard = played.heard();
        let secured = heard.iter().position(|said| said == "(secured)").unwrap_or(heard.len());
        let (clear, rest) = heard.split_at(secured);
        if security == Security::StartTls {
            assert_eq!(clear, ["EHLO contoso.com", "STARTTLS"]);
            assert_eq!(rest.iter().any(|said| said.starts_with("AUTH ")), expected == "taken", "{rest:?}");
        }
        assert_eq!(played.letters().len(), usize::from(expected == "taken"));
    }
    // Without the offer nothing more is said.
    let played = Played::by(GOOD, None).await;
    let mail = mail(played.port, Security::StartTls, &authorities);
    let (word, why, _) = outcome(mail.deliver(&key("eva"), &message("eva@contoso.com")).await);
    assert_eq!(word, "refused");
    assert!(why.contains("does not offer STARTTLS"), "{why}");
    assert_eq!(played.heard(), ["EHLO contoso.com"]);
}

#[test]
fn settings_that_are_of_no_use_are_refused() {
    let new = |host: &str, security, from: &str, address: &str| {
        let contacts = BTreeMap::from([(name("eva"), address.to_owned())]);
        let user = Some((USER.to_owned(), SecretText::new(PASSWORD.to_owned())));
        let server = (host, 587, security);
        Mail::new(name("post"), server, user, (from, &contacts), &Authorities::default()).map(|_| ())
    };
    let (starttls, eva) = (Security::StartTls, "eva@example.com");
    for good in [eva, "Eva <eva@example.com>", "\"Doe, Eva\" <eva@example.com>"] {
        assert!(new("smtp.contoso.com", starttls, FROM, good).is_ok(), "{good}");
    }
    for host in ["smtp.contoso.com", "localhost", "192.0.2.1"] {
        let error = new(host, Security::Plain, FROM, eva).unwrap_err();
        assert!(matches!(error, MailError::Connection(ConnectionError::Unsecured(_))), "{host}");
    }
    assert!(new("::1", Security::Plain, FROM, eva).is_ok());
    let error = new("no host", starttls, FROM, eva).unwrap_err();
    assert!(matches!(error, MailError::Connection(ConnectionError::Host(_))), "{error}");
    for bad in
        ["", "eva", "eva@", "eva@example.com\r\nBcc: e@e.example", "eva@example.com, max@example.com", "\u{e4}@b.de"]
    {
        let error = new("smtp.contoso.com", starttls, FROM, bad).unwrap_err();
        assert!(matches!(&error, MailError::Contact { person, .. } if *person == name("eva")), "{bad}");
        let error = new("smtp.contoso.com", starttls, bad, eva).unwrap_err();
        assert!(matches!(error, MailError::From(_)), "{bad}");
    }
}

#[tokio::test]
async fn whoever_has_no_address_is_named() {
    let mail = mail(1, Security::Plain, &Authorities::default());
    let (word, why, _) = outcome(mail.deliver(&key("max"), &message("eva@contoso.com")).await);
    assert_eq!(word, "refused");
    assert!(why.starts_with("`max` has no address"), "{why}");
}

fn mbox(path: &Path) -> MboxFile {
    MboxFile::new(name("post"), path.to_owned(), &contacts(&["eva", "max"])).unwrap()
}

#[tokio::test]
async fn letters_are_added_to_a_file_one_behind_the_other() {
    let folder = Folder::new("channels-mbox");
    let path = folder.path().join("box");
    // Half a letter of somebody who was stopped.
    let before = "From a Sat Nov 28 03:00:00 2026\nSubject: half";
    folder.write("box", before);
    for person in ["eva", "max"] {
        assert_eq!(mbox(&path).deliver(&key(person), &message(HOSTILE)).await, Ok(()));
    }
    let text = fs::read_to_string(&path).unwrap();
    let beginning = |line: &&str| line.starts_with("From ");
    assert_eq!(text.lines().filter(beginning).count(), 3, "{text}");
    assert!(
        text.starts_with(&format!("{before}\n\nFrom breakglass@breakglass.invalid Sat Nov 28 03:01:00 2026\n")),
        "{text}"
    );
    assert!(text.ends_with("\n\n") && !text.contains('\r'), "{text}");
    assert!(text.contains("\nMessage-ID: <breakglass_incident-7_2_post_max_1@breakglass.invalid>\n"), "{text}");
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_said() {
    let folder = Folder::new("channels-mbox-not");
    let path = folder.path().join("box");
    for (path, expected) in [(folder.path().join("none/box"), "refused"), (folder.path().to_owned(), "refused")] {
        let (word, why, _) = outcome(mbox(&path).deliver(&key("eva"), &message("eva@contoso.com")).await);
        assert_eq!(word, expected, "{why}");
        assert!(why.contains(&path.display().to_string()), "{why}");
    }
    let held = fs::File::create(&path).unwrap();
    held.lock().unwrap();
    let (word, why, _) = outcome(mbox(&path).deliver(&key("eva"), &message("eva@contoso.com")).await);
    assert_eq!(word, "later");
    assert!(why.contains("somebody else writes"), "{why}");
    held.set_len((64 << 20) - 1).unwrap();
    drop(held);
    let (word, why, _) = outcome(mbox(&path).deliver(&key("eva"), &message("eva@contoso.com")).await);
    assert_eq!(word, "refused");
    assert!(why.contains("move it somewhere else"), "{why}");
    assert_eq!(fs::metadata(&path).unwrap().len(), (64 << 20) - 1, "nothing was added");
}

/// The script with the programs of other people.
fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/peers/mail.py")
}

/// A Python with them; `None`, with a message, where nobody says where it is.
#[expect(clippy::disallowed_methods, reason = "programs of other people are on some machines only")]
fn python() -> Option<Command> {
    let Some(python) = std::env::var_os(PYTHON) else {
        println!("{PYTHON} names no program: nobody else read the mail");
        return None;
    };
    let mut command = Command::new(python);
    command.arg(script());
    Some(command)
}

/// A server of other people, ended with the test.
struct RealServer {
    process: Child,
    _until_then: ChildStdin,
    lines: BufReader<ChildStdout>,
}

impl Drop for RealServer {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl RealServer {
    fn start(mut command: Command, certified: &Certified) -> Self {
        command.arg("serve").args([&certified.certificate, &certified.key]).args([USER, PASSWORD]);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (stdin, stdout) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        Self { process, _until_then: stdin, lines: BufReader::new(stdout) }
    }

    /// What it says next.
    fn said(&mut self) -> Value {
        let mut line = String::new();
        assert!(self.lines.read_line(&mut line).unwrap() > 0, "the server is gone");
        serde_json::from_str(&line).unwrap()
    }
}

#[tokio::test]
async fn a_real_server_takes_mail_at_the_second_try() {
    let Some(command) = python() else { return };
    let folder = Folder::new("channels-mail-real");
    let certified = certified(&folder, "server");
    let mut server = RealServer::start(command, &certified);
    let ports = server.said();
    for (kind, security) in [("starttls", Security::StartTls), ("tls", Security::Tls)] {
        let port = u16::try_from(ports[kind].as_u64().unwrap()).unwrap();
        let mail = mail(port, security, &certified.authorities);
        let (word, why, _) = outcome(mail.deliver(&key("eva"), &message(HOSTILE)).await);
        assert_eq!(word, "later", "{why}");
        assert!(why.contains("answers 451"), "{why}");
        let first = server.said();
        assert_eq!(mail.deliver(&key("eva"), &message(HOSTILE)).await, Ok(()));
        let second = server.said();
        assert_eq!(first, second, "the same mail at each try");
        is_the_letter(&second);
        // One who accepts anything would prove nothing.
        let user = Some((USER.to_owned(), SecretText::new("another".to_owned())));
        let server = ("127.0.0.1", port, security);
        let people = contacts(&["eva"]);
        let other = Mail::new(name("post"), server, user, (FROM, &people), &certified.authorities).unwrap();
        let (word, why, _) = outcome(other.deliver(&key("eva"), &message(HOSTILE)).await);
        assert_eq!(word, "refused", "{why}");
        assert!(why.contains("answers 535"), "{why}");
    }
}

/// Whether somebody else reads what was written.
fn is_the_letter(read: &Value) {
    assert_eq!(read["to"], "eva@example.com");
    assert_eq!(read["id"], ID);
    assert_eq!(read["auto_submitted"], "auto-generated");
    assert_eq!(read["bcc"], Value::Null);
    assert!(read["subject"].as_str().unwrap().starts_with("CRITICAL, somebody is IN: <!channel>"), "{read}");
    let text = read["text"].as_str().unwrap();
    assert!(text.contains(HOSTILE_SHOWN), "{text}");
    assert!(text.trim_end().ends_with("breakglass incident acknowledge 7"), "{text}");
}

#[tokio::test]
async fn a_real_reader_opens_the_file() {
    let Some(mut command) = python() else { return };
    let folder = Folder::new("channels-mbox-real");
    let path = folder.path().join("box");
    for person in ["eva", "max"] {
        assert_eq!(mbox(&path).deliver(&key(person), &message(HOSTILE)).await, Ok(()));
    }
    let output = command.arg("read").arg(&path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let letters: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        letters.iter().map(|letter| letter["to"].as_str().unwrap()).collect::<Vec<_>>(),
        ["eva@example.com", "max@example.com"]
    );
    let mut first = letters[0].clone();
    assert_eq!(first["id"], ID.replace("contoso.com", "breakglass.invalid"));
    first["id"] = ID.into();
    is_the_letter(&first);
}
