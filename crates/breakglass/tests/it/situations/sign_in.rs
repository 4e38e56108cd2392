//! People who sign in on the pages, with what they have, from where they are.

use serde_json::{Value, json};

use super::keys::Answers;
use super::stage::{Answer, HERE, Request, Stage};
use crate::served::{context, written};

/// Microsoft Graph Command Line Tools, which every tenant knows.
pub(super) const GRAPH_TOOLS: &str = "14d82eec-204b-4c2f-b7e8-296a70dab67e";
const REDIRECT: &str = "http://localhost:4000";
const SCOPE: &str = "https://graph.microsoft.com/.default openid offline_access";
/// What a client says that answers challenges of continuous access evaluation.
const ANSWERS_CHALLENGES: &str = r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#;
const TOKEN: &str = "/organizations/oauth2/v2.0/token";

/// What somebody shows besides the password.
#[derive(Clone, Copy)]
pub(super) enum Proof<'k> {
    /// Nothing: a password has to be enough.
    Nothing,
    /// A notification on the phone, answered with the number on the page.
    Notification,
    /// A code that comes as a text message.
    Text,
    /// A code that the authenticator app shows.
    App,
    /// A passkey, in place of the password.
    Passkey(&'k dyn Answers),
}

/// Somebody who wants to sign in.
#[derive(Clone, Copy)]
pub(super) struct Person<'p> {
    pub(super) name: &'p str,
    pub(super) password: &'p str,
    pub(super) proof: Proof<'p>,
    /// The address that they come from.
    pub(super) place: &'p str,
}

impl<'p> Person<'p> {
    pub(super) const fn new(name: &'p str, password: &'p str, proof: Proof<'p>) -> Self {
        Self { name, password, proof, place: HERE }
    }

    /// The same person somewhere else.
    pub(super) const fn at(self, place: &'p str) -> Self {
        Self { place, ..self }
    }

    /// With another password.
    pub(super) const fn with(self, password: &'p str) -> Self {
        Self { password, ..self }
    }
}

/// What came of a sign-in.
#[derive(Debug)]
pub(super) enum Entry {
    In(Session),
    /// The number of the refusal.
    Refused(u64),
    /// The connection ended without an answer.
    NoAnswer,
}

/// Somebody who is signed in.
#[derive(Debug)]
pub(super) struct Session {
    access: String,
    refresh: String,
    place: String,
}

/// A browser with its cookies.
struct Browser<'s> {
    stage: &'s Stage,
    place: String,
    cookies: Vec<(String, String)>,
}

impl Browser<'_> {
    fn send(&mut self, what: (&str, &str), form: &[(&str, &str)]) -> Option<Answer> {
        let cookies = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let headers = [("cookie", cookies.as_str()), ("x-breakglass-place", self.place.as_str())];
        let answer = self.stage.send(&Request { what, headers: &headers, body: &written(form) })?;
        for cookie in answer.head.lines().filter_map(|line| line.strip_prefix("set-cookie: ")) {
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
        Some(answer)
    }

    /// Sends a form of a page.
    fn go_on(&mut self, page: &Answer, form: &[(&str, &str)]) -> Option<Answer> {
        let id = context(&page.body);
        let form: Vec<(&str, &str)> = [("ctx", id.as_str())].into_iter().chain(form.iter().copied()).collect();
        self.send(("POST", "/common/login"), &form)
    }

    /// Fills in the pages from the first one on, as far as this person gets.
    fn signs_in(&mut self, page: &Answer, person: &Person<'_>) -> Option<Answer> {
        if let Proof::Passkey(key) = person.proof {
            let page = self.go_on(page, &[("do", "passkey")])?;
            let sent = key.answer(&format!("https://{}", self.stage.localhost()), &page.body);
            let form: Vec<(&str, &str)> = sent.iter().map(|(name, value)| (*name, value.as_str())).collect();
            return self.go_on(&page, &form);
        }
        let page = self.go_on(page, &[("login", person.name), ("passwd", person.password)])?;
        // Whoever is refused, is in already or is asked for nothing shows nothing more.
        if page.status != 200 || page.refusal().is_some() || !page.body.contains("Verify your identity") {
            return Some(page);
        }
        self.proves(&page, person)
    }

    fn proves(&mut self, page: &Answer, person: &Person<'_>) -> Option<Answer> {
        match person.proof {
            Proof::Notification => {
                let (_, rest) = page.body.split_once("class=\"number\">").unwrap_or_else(|| panic!("{}", page.body));
                let number = json!({ "number": rest.split('<').next().unwrap() });
                let message = self.stage.message();
                let id = message["id"].as_str().unwrap();
                self.stage.backstage("POST", &["outbox", id, "approve"], Some(&number));
                self.go_on(page, &[("do", "verify")])
            }
            Proof::Text => {
                let message = self.stage.message();
                let code: String = message["text"].as_str().unwrap().chars().filter(char::is_ascii_digit).collect();
                self.go_on(page, &[("do", "verify"), ("otc", &code)])
            }
            Proof::App => {
                let code = self.stage.next_code();
                self.go_on(page, &[("do", "verify"), ("otc", &code)])
            }
            Proof::Nothing | Proof::Passkey(_) => panic!("{} is asked for a proof: {}", person.name, page.body),
        }
    }
}

impl Stage {
    fn browser(&self, place: &str) -> Browser<'_> {
        Browser { stage: self, place: place.to_owned(), cookies: Vec::new() }
    }

    /// Signs somebody in to Microsoft Graph Command Line Tools.
    pub(super) fn signs_in(&self, person: &Person<'_>) -> Entry {
        self.signs_in_with(person, &[])
    }

    /// The same with a client that is asked about each request again, where the tenant does that.
    pub(super) fn signs_in_watched(&self, person: &Person<'_>) -> Entry {
        self.signs_in_with(person, &[("claims", ANSWERS_CHALLENGES)])
    }

    fn signs_in_with(&self, person: &Person<'_>, more: &[(&str, &str)]) -> Entry {
        let asked =
            [("client_id", GRAPH_TOOLS), ("response_type", "code"), ("redirect_uri", REDIRECT), ("scope", SCOPE)];
        let path = format!("/organizations/oauth2/v2.0/authorize?{}", written(&[&asked[..], more].concat()));
        let mut browser = self.browser(person.place);
        let last = browser.send(("GET", &path), &[]).and_then(|page| browser.signs_in(&page, person));
        let Some(last) = last else { return Entry::NoAnswer };
        let Some((_, query)) = last.header("location").and_then(|location| location.split_once("code=")) else {
            return Entry::Refused(last.refusal().unwrap_or_else(|| panic!("{}: {}", person.name, last.body)));
        };
        let code = query.split('&').next().unwrap();
        let form = [
            ("client_id", GRAPH_TOOLS),
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
        ];
        let form = [&form[..], more].concat();
        let headers = [("x-breakglass-place", person.place)];
        let answer = self.send(&Request { what: ("POST", TOKEN), headers: &headers, body: &written(&form) }).unwrap();
        Entry::In(Session::of(&answer.json(), person.place))
    }

    /// Types in a code that a program shows, and signs in. Whether the program was let in.
    pub(super) fn enters_code(&self, code: &str, person: &Person<'_>) -> bool {
        let mut browser = self.browser(person.place);
        let page = browser.send(("POST", "/devicelogin"), &[("otc", code)]).unwrap();
        let page = browser.signs_in(&page, person).unwrap();
        if !page.body.contains("Only continue if you asked for it yourself") {
            return false;
        }
        let done = browser.go_on(&page, &[("do", "continue")]).unwrap();
        done.body.contains("You have signed in")
    }

    /// Asks Graph as somebody who is signed in.
    pub(super) fn graph(&self, session: &Session, what: (&str, &str), body: &Value) -> Answer {
        let bearer = format!("Bearer {}", session.access);
        let headers = [
            ("authorization", bearer.as_str()),
            ("x-breakglass-place", session.place.as_str()),
            ("content-type", "application/json"),
            ("consistencylevel", "eventual"),
        ];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(&Request { what, headers: &headers, body: &body }).unwrap()
    }

    /// Carries a session on with its refresh token.
    pub(super) fn goes_on(&self, session: &Session) -> Entry {
        let form = [
            ("client_id", GRAPH_TOOLS),
            ("grant_type", "refresh_token"),
            ("refresh_token", session.refresh.as_str()),
            ("scope", SCOPE),
        ];
        let answer = self.form(TOKEN, &form);
        match answer.refusal() {
            Some(code) => Entry::Refused(code),
            None => Entry::In(Session::of(&answer.json(), &session.place)),
        }
    }
}

impl Session {
    fn of(answer: &Value, place: &str) -> Self {
        let token = |name: &str| answer[name].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
        Self { access: token("access_token"), refresh: token("refresh_token"), place: place.to_owned() }
    }
}

impl Entry {
    /// The session of somebody who has to be in.
    #[track_caller]
    pub(super) fn session(self) -> Session {
        match self {
            Self::In(session) => session,
            other => panic!("{other:?}"),
        }
    }
}
