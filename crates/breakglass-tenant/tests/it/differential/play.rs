//! Failures as the tenant makes them happen, and people who try everything that is left to them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::hmac;
use breakglass_engine::lockout::goal::Surface;
use breakglass_tenant::call::Call;
use serde_json::{Value, json};

use super::Failed;
use super::browser::{Browser, field, form_of};
use super::choices::{
    Choice, GRAPH_SCOPE, M365, MANAGER_SCOPE, PORTAL, POWERSHELL, choices, choices_of, is_at_hand, is_possible, natures,
};
use super::tenants::{BREAKER, GLOBAL, Kind, Method, PRIVILEGED_ROLE, Person, Small, pass};
use super::wire::{Answer, Wire};
use crate::served::authenticator::{SoftwareKey, options_in};

const VERIFIER: &str = "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv";
const BACK: &str = "http://localhost:4000";
/// The challenge of Azure Resource Manager that wants more than a password.
const STEP_UP: &str = r#"{"access_token":{"acrs":{"essential":true,"value":"p1"}}}"#;

/// A tenant that is played with.
pub(super) struct Play<'t> {
    small: &'t Small,
    pub(super) wire: Wire,
    injected: Failed,
    /// What became of what was tried, by all that the tenant knows of it.
    known: BTreeMap<String, bool>,
    /// What somebody has been given just now: a new password, or the token of whoever gives passes.
    secrets: BTreeMap<(String, Reset), String>,
    /// What holds the passkeys, which count how often they are used.
    keys: RefCell<BTreeMap<String, SoftwareKey>>,
    /// Passes that took the place of those that people had, by the method's id.
    passes: BTreeMap<String, String>,
    pub(super) sign_in_count: u64,
}

/// How somebody gets in: with what they have, or with what somebody else, who got in before, sets for them.
#[derive(Debug, Clone)]
struct Chain<'t> {
    choice: Choice<'t>,
    helped: Option<(Box<Chain<'t>>, Reset)>,
}

/// What an administrator does for somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reset {
    Pass,
    Password,
}

impl Reset {
    /// Every way in which somebody could come to do it: where it is done, if the person may.
    fn tools<'t>(self, small: &'t Small, person: &'t Person) -> Vec<Choice<'t>> {
        if person.role != GLOBAL {
            return Vec::new();
        }
        let clients: &[&str] = match self {
            Self::Pass => &[PORTAL, POWERSHELL],
            Self::Password => &[PORTAL, POWERSHELL, M365],
        };
        choices_of(small, person, clients)
    }

    /// Whether a sign-in uses what was set.
    fn is_used_by(self, choice: &Choice<'_>) -> bool {
        match self {
            Self::Pass => choice.method.is_none(),
            Self::Password => choice.method.is_none_or(|method| !matches!(method.kind, Kind::Pass | Kind::Passkey)),
        }
    }
}

impl<'t> Play<'t> {
    pub(super) fn new(small: &'t Small, wire: Wire) -> Self {
        Self {
            small,
            wire,
            injected: Failed::new(),
            known: BTreeMap::new(),
            secrets: BTreeMap::new(),
            keys: RefCell::new(small.keys.clone()),
            passes: BTreeMap::new(),
            sign_in_count: 0,
        }
    }

    /// Who gets in while so much has failed, and how; `None` if nobody does.
    pub(super) fn way(&mut self, surface: Surface, failed: &Failed) -> Option<String> {
        let small = self.small;
        for person in &small.people {
            if let Some(choice) = self.works(&choices(small, person, surface), failed) {
                return Some(format!("{choice:?}"));
            }
        }
        self.way_with_help(surface, failed)
    }

    /// The first of some choices that gets its person in at every level of risk that there may be.
    fn works(&mut self, choices: &[Choice<'t>], failed: &Failed) -> Option<Choice<'t>> {
        let possible = choices.iter().filter(|choice| is_possible(choice, failed));
        for choice in possible {
            let natures = natures(choice.person, failed);
            if natures.iter().all(|nature| self.gets_in(choice, failed, *nature)) {
                return Some(choice.clone());
            }
        }
        None
    }

    /// Who gets in with the new password or the pass that a Global Administrator sets, who does not get there alone.
    fn way_with_help(&mut self, surface: Surface, failed: &Failed) -> Option<String> {
        let small = self.small;
        // Whoever was helped may help somebody else, until nobody is left whom that gets further.
        let mut helpers: Vec<(Chain<'t>, Reset)> = Vec::new();
        loop {
            let before = helpers.len();
            for (person, reset) in small.people.iter().flat_map(|one| [(one, Reset::Pass), (one, Reset::Password)]) {
                let is_known =
                    |(chain, known): &(Chain<'_>, Reset)| *known == reset && chain.choice.person.id == person.id;
                if helpers.iter().any(is_known) {
                    continue;
                }
                let tools = reset.tools(small, person);
                let own = self.works(&tools, failed).map(|choice| Chain { choice, helped: None });
                let chain = own.or_else(|| self.works_helped(&tools, &helpers, failed));
                helpers.extend(chain.map(|chain| (chain, reset)));
            }
            if helpers.len() == before {
                break;
            }
        }
        small.people.iter().find_map(|person| {
            self.works_helped(&choices(small, person, surface), &helpers, failed).map(|chain| format!("{chain:?}"))
        })
    }

    /// The first of some choices of one person that works with what one of some others sets for that person.
    fn works_helped(
        &mut self,
        choices: &[Choice<'t>],
        helpers: &[(Chain<'t>, Reset)],
        failed: &Failed,
    ) -> Option<Chain<'t>> {
        let person = choices.first()?.person;
        // What is checked elsewhere nobody sets here, and the engine counts on no pass of somebody federated.
        let others = helpers.iter().filter(|(chain, _)| chain.choice.person.id != person.id && !person.is_federated());
        for (helper, reset) in others {
            let natures = natures(person, failed);
            let is_open = |choice: &&Choice<'_>| reset.is_used_by(choice) && is_at_hand(choice, failed);
            for choice in choices.iter().filter(is_open) {
                if natures.iter().all(|nature| self.gets_in_after(helper, (choice, *reset), failed, *nature)) {
                    let helped = Some((Box::new(helper.clone()), *reset));
                    return Some(Chain { choice: choice.clone(), helped });
                }
            }
        }
        None
    }

    /// Whether somebody gets in with what somebody else sets; afterwards everything is as it was.
    fn gets_in_after(
        &mut self,
        helper: &Chain<'t>,
        (choice, reset): (&Choice<'t>, Reset),
        failed: &Failed,
        nature: (&str, &str),
    ) -> bool {
        let seen: Failed = failed.iter().filter(|one| is_of_tenant(one)).cloned().collect();
        // What somebody sets does not depend on who it is, nor on what is at hand to others.
        let key =
            format!("{reset:?} {choice:?} {nature:?} {:?}", if choice.person.is_eligible { failed } else { &seen });
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        self.inject(&seen);
        // Who gets into a portal may still be kept from Graph, by which others are helped.
        let Some(bearer) = self.bearer(helper, failed) else {
            self.undo_chain(helper);
            return false;
        };
        let gets_in = self.give(choice.person, reset, bearer) && self.gets_in_now(choice, failed, nature);
        self.secrets.remove(&(choice.person.id.clone(), reset));
        self.undo(choice.person, reset);
        self.undo_chain(helper);
        self.known.insert(key, gets_in);
        gets_in
    }

    /// What somebody shows Graph who acts with what others set before.
    fn bearer(&mut self, chain: &Chain<'t>, failed: &Failed) -> Option<String> {
        let Chain { choice, helped } = chain;
        let person = choice.person;
        let mut is_ready = true;
        if let Some((helper, reset)) = helped {
            let bearer = self.bearer(helper, failed)?;
            is_ready = self.give(person, *reset, bearer);
        }
        if is_ready && person.is_eligible {
            is_ready = self.activation(person, failed).is_some_and(|tool| self.activates(&tool));
        }
        let token = if is_ready { self.token(&Choice { scope: GRAPH_SCOPE, ..choice.clone() }, "") } else { None };
        if let Some((helper, reset)) = helped {
            self.secrets.remove(&(person.id.clone(), *reset));
            // Whoever is helped by those whom they helped activates the role once more.
            if helper.choice.person.is_eligible {
                self.deactivate(helper.choice.person);
            }
        }
        token.map(|token| format!("Bearer {token}"))
    }

    /// Sets a password for somebody, or gets ready to give passes.
    fn give(&mut self, person: &Person, reset: Reset, bearer: String) -> bool {
        let secret = match reset {
            // A pass is good once: whoever gives it gives another for each sign-in.
            Reset::Pass => bearer,
            Reset::Password => {
                let new = "Another-Hammer-9!".to_owned();
                let profile = json!({ "password": new, "forceChangePasswordNextSignIn": false });
                let body = json!({ "passwordProfile": profile }).to_string();
                let path = format!("/v1.0/users/{}", person.id);
                let answer = self.send(("PATCH", &path), &[("authorization", &bearer)], body).unwrap();
                if answer.status != 204 {
                    return false;
                }
                new
            }
        };
        self.secrets.insert((person.id.clone(), reset), secret);
        true
    }

    /// Everybody in a chain as they were.
    fn undo_chain(&mut self, chain: &Chain<'_>) {
        if chain.choice.person.is_eligible {
            self.deactivate(chain.choice.person);
        }
        if let Some((helper, reset)) = &chain.helped {
            self.undo(chain.choice.person, *reset);
            self.undo_chain(helper);
        }
    }

    /// The password and the passes of somebody as they were.
    fn undo(&mut self, person: &Person, reset: Reset) {
        let token = self.breaker();
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str())];
        if reset == Reset::Password {
            let profile = json!({ "password": person.password, "forceChangePasswordNextSignIn": false });
            let body = json!({ "passwordProfile": profile }).to_string();
            let answer = self.send(("PATCH", &format!("/v1.0/users/{}", person.id)), &headers, body).unwrap();
            assert_eq!(answer.status, 204, "{}", answer.text);
            return;
        }
        let path = format!("/v1.0/users/{}/authentication/temporaryAccessPassMethods", person.id);
        let answer = self.send(("GET", &path), &headers, String::new()).unwrap();
        let listed: Value = serde_json::from_str(&answer.text).unwrap();
        for pass in listed["value"].as_array().unwrap() {
            let path = format!("{path}/{}", pass["id"].as_str().unwrap());
            assert_eq!(self.send(("DELETE", &path), &headers, String::new()).unwrap().status, 204);
        }
        // Somebody has one pass, and a new one takes its place: whose pass it was gets another.
        if let Some(own) = person.methods.iter().find(|method| method.kind == Kind::Pass) {
            let body = json!({ "isUsableOnce": false, "lifetimeInMinutes": 43_200 }).to_string();
            let answer = self.send(("POST", &path), &headers, body).unwrap();
            let made: Value = serde_json::from_str(&answer.text).unwrap();
            let Some(secret) = made["temporaryAccessPass"].as_str() else { panic!("{made}") };
            self.passes.insert(own.id.clone(), secret.to_owned());
        }
    }

    fn gets_in(&mut self, choice: &Choice<'_>, failed: &Failed, nature: (&str, &str)) -> bool {
        let seen: Failed = failed.iter().filter(|one| is_of_tenant(one)).cloned().collect();
        // Whoever has to activate the role may do so with other things than those of this choice.
        let key = format!("{choice:?} {nature:?} {:?}", if choice.person.is_eligible { failed } else { &seen });
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        self.inject(&seen);
        let gets_in = self.gets_in_now(choice, failed, nature);
        self.known.insert(key, gets_in);
        gets_in
    }

    fn gets_in_now(&mut self, choice: &Choice<'_>, failed: &Failed, nature: (&str, &str)) -> bool {
        if !choice.person.is_eligible {
            return self.at_risk(choice.person, nature, |play| play.reaches(choice));
        }
        let Some(tool) = self.activation(choice.person, failed) else { return false };
        let reaches = self.at_risk(choice.person, nature, |play| play.activates(&tool) && play.reaches(choice));
        self.deactivate(choice.person);
        reaches
    }

    /// Where somebody activates the role: one choice that works at every level of risk, as that of a sign-in has to.
    fn activation(&mut self, person: &Person, failed: &Failed) -> Option<Choice<'t>> {
        let small = self.small;
        let person = small.people.iter().find(|known| known.id == person.id)?;
        let tools = choices_of(small, person, &[PORTAL, POWERSHELL]);
        let natures = natures(person, failed);
        let given: Vec<Reset> =
            self.secrets.keys().filter(|(id, _)| *id == person.id).map(|(_, given)| *given).collect();
        let is_open = |tool: &&Choice<'_>| match given.first() {
            None => is_possible(tool, failed),
            Some(reset) => reset.is_used_by(tool) && is_at_hand(tool, failed),
        };
        let tools: Vec<Choice<'t>> = tools.iter().filter(is_open).cloned().collect();
        tools.into_iter().find(|tool| {
            natures.iter().all(|nature| {
                let key = format!("activates {given:?} {tool:?} {nature:?} {:?}", self.injected);
                if let Some(known) = self.known.get(&key) {
                    return *known;
                }
                let activates = self.at_risk(person, *nature, |play| play.activates(tool));
                self.deactivate(person);
                self.known.insert(key, activates);
                activates
            })
        })
    }

    /// Whether somebody activates the role.
    fn activates(&mut self, tool: &Choice<'_>) -> bool {
        self.sign_in_count += 1;
        let tool = Choice { scope: GRAPH_SCOPE, ..tool.clone() };
        let body = json!({
            "action": "selfActivate", "principalId": tool.person.id, "roleDefinitionId": GLOBAL, "directoryScopeId": "/",
            "justification": "It is locked", "scheduleInfo": { "expiration": { "type": "afterDuration", "duration": "PT1H" } },
        });
        // Who has shown too little is asked for more.
        ["", STEP_UP].into_iter().any(|claims| {
            let Some(token) = self.token(&tool, claims) else { return false };
            let bearer = format!("Bearer {token}");
            let path = "/v1.0/roleManagement/directory/roleAssignmentScheduleRequests";
            let answer = self.send(("POST", path), &[("authorization", &bearer)], body.to_string()).unwrap();
            assert!(answer.status == 201 || answer.status >= 400, "{}", answer.text);
            answer.status == 201
        })
    }

    /// Takes the role away that somebody has activated.
    fn deactivate(&mut self, person: &Person) {
        let bearer = format!("Bearer {}", self.breaker());
        let body = json!({ "action": "adminRemove", "principalId": person.id, "roleDefinitionId": GLOBAL,
                           "directoryScopeId": "/" });
        let path = "/v1.0/roleManagement/directory/roleAssignmentScheduleRequests";
        // Where nothing was activated there is nothing to take away; while the service is down, nobody activates.
        let answer = self.send(("POST", path), &[("authorization", &bearer)], body.to_string()).unwrap();
        assert!([201, 400, 404, 503].contains(&answer.status), "{}", answer.text);
    }

    /// Does something while somebody is at a level of risk.
    fn at_risk(&mut self, person: &Person, nature: (&str, &str), what: impl FnOnce(&mut Self) -> bool) -> bool {
        let is_risky = nature != ("none", "none");
        let fault = format!("risk:{}", person.id);
        if is_risky {
            let settings = json!({ "userRisk": nature.0, "signInRisk": nature.1 });
            self.backstage("PUT", &format!("faults/{fault}"), &settings);
        }
        let does = what(self);
        if is_risky {
            self.backstage("DELETE", &format!("faults/{fault}"), &Value::Null);
        }
        does
    }

    /// Makes these components of the tenant fail, and only these.
    fn inject(&mut self, failed: &Failed) {
        if self.injected == *failed {
            return;
        }
        let (injected, failed) = (std::mem::take(&mut self.injected), failed.clone());
        self.backstage("DELETE", "faults", &Value::Null);
        for component in &failed {
            let (kind, key) = component.split_once(':').unwrap();
            match (kind, key) {
                ("svc", "mfa-telephony") => self.fault("telephony-outage"),
                ("svc", "authenticator-push") => self.fault("push-outage"),
                ("svc", "intune-compliance") => self.fault("intune-down"),
                ("idp", _) => self.fault("federation-down"),
                ("svc", "pim") => self.fault("pim-down"),
                ("onprem", "ad") => self.fault("on-premises-down"),
                ("net", location) => self.fault(&format!("network:{location}")),
                _ => assert_eq!(kind, "account", "{component}"),
            }
        }
        let accounts = |set: &Failed| -> BTreeSet<String> {
            set.iter().filter_map(|one| one.strip_prefix("account:")).map(str::to_owned).collect()
        };
        let (before, after) = (accounts(&injected), accounts(&failed));
        for changed in before.symmetric_difference(&after) {
            self.switch_account(changed, !after.contains(changed));
        }
        self.injected = failed;
    }

    fn fault(&self, name: &str) {
        self.backstage("PUT", &format!("faults/{name}"), &Value::Null);
    }

    fn backstage(&self, method: &str, path: &str, body: &Value) -> Value {
        let headers = [("host", "localhost"), ("authorization", &format!("Bearer {}", self.wire.backstage))];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.send((method, &format!("/.breakglass/{path}")), &headers, body).unwrap();
        assert!(answer.status < 300, "{method} {path}: {}", answer.text);
        serde_json::from_str(&answer.text).unwrap_or_default()
    }

    /// The token of the application that makes accounts fail and mends them.
    fn breaker(&self) -> String {
        let form = [
            ("client_id", BREAKER.0),
            ("client_secret", BREAKER.1),
            ("grant_type", "client_credentials"),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        let path = "/11111111-aaaa-4aaa-8aaa-111111111111/oauth2/v2.0/token";
        let answer = self.send(("POST", path), &[], form_of(&form)).unwrap();
        let token = serde_json::from_str::<Value>(&answer.text).unwrap();
        token["access_token"].as_str().unwrap_or_else(|| panic!("{}", answer.text)).to_owned()
    }

    fn switch_account(&self, id: &str, is_enabled: bool) {
        let bearer = format!("Bearer {}", self.breaker());
        let headers = [("authorization", bearer.as_str())];
        let body = json!({ "accountEnabled": is_enabled }).to_string();
        let answer = self.send(("PATCH", &format!("/v1.0/users/{id}")), &headers, body).unwrap();
        assert_eq!(answer.status, 204, "{}", answer.text);
    }

    fn send(&self, (method, path): (&str, &str), headers: &[(&str, &str)], body: String) -> Option<Answer> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let call = Call {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            body: body.into_bytes(),
            remote: [127, 0, 0, 1].into(),
        };
        self.wire.send(call, false)
    }

    /// Whether somebody gets a token and does with it what the surface is for.
    fn reaches(&mut self, choice: &Choice<'_>) -> bool {
        self.sign_in_count += 1;
        let Some(token) = self.token(choice, "") else { return false };
        let claims = claims_of(&token);
        let roles: Vec<&str> = claims["wids"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if choice.scope != MANAGER_SCOPE {
            return roles.contains(&GLOBAL) || roles.contains(&PRIVILEGED_ROLE);
        }
        // Only a Global Administrator raises itself there.
        if !roles.contains(&GLOBAL) {
            return false;
        }
        let write = |token: &str| -> bool {
            let browser = Browser::of(self, choice);
            let path = "/providers/Microsoft.Management/managementGroups/drill?api-version=2020-05-01";
            let bearer = format!("Bearer {token}");
            let answer = browser.send_to(("PUT", path), (&[("authorization", &bearer)], "{}"), true);
            answer.is_some_and(|answer| answer.status == 200)
        };
        if write(&token) {
            return true;
        }
        self.token(choice, STEP_UP).is_some_and(|token| write(&token))
    }

    /// The token of a sign-in through the pages.
    fn token(&self, choice: &Choice<'_>, claims: &str) -> Option<String> {
        let mut browser = Browser::of(self, choice);
        let mut asked = vec![
            ("client_id", choice.client),
            ("response_type", "code"),
            ("redirect_uri", BACK),
            ("scope", choice.scope),
            ("code_challenge", VERIFIER),
            ("code_challenge_method", "plain"),
        ];
        if !claims.is_empty() {
            asked.push(("claims", claims));
        }
        let page = browser.go(("GET", "/common/oauth2/v2.0/authorize"), &asked)?;
        let of_pass = self.pass_of(choice);
        let new = self.secrets.get(&(choice.person.id.clone(), Reset::Password));
        let password = of_pass.as_ref().or(new).unwrap_or(&choice.person.password);
        let context = field(&page.text, "ctx")?;
        let passkey = choice.method.filter(|method| method.kind == Kind::Passkey);
        let mut page = match passkey {
            Some(method) => self.with_passkey(&mut browser, &context, method)?,
            None => {
                let form = [("ctx", context.as_str()), ("login", &choice.person.upn), ("passwd", password)];
                browser.go(("POST", "/common/login"), &form)?
            }
        };
        if passkey.is_none() && page.status != 302 && of_pass.is_none() {
            page = self.second(&mut browser, &page, choice.method?)?;
        }
        let (_, query) = page.headers.iter().find(|(name, _)| name == "location")?.1.split_once('?')?;
        let code = query.split('&').find_map(|pair| pair.strip_prefix("code="))?;
        let redeemed = [
            ("client_id", choice.client),
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", BACK),
            ("code_verifier", VERIFIER),
        ];
        let answer = browser.go(("POST", "/common/oauth2/v2.0/token"), &redeemed)?;
        let tokens: Value = serde_json::from_str(&answer.text).unwrap();
        tokens["access_token"].as_str().map(str::to_owned)
    }

    /// What comes of a passkey in place of the password.
    fn with_passkey(&self, browser: &mut Browser<'_>, context: &str, method: &Method) -> Option<Answer> {
        let page = browser.go(("POST", "/common/login"), &[("ctx", context), ("do", "passkey")])?;
        let context = field(&page.text, "ctx")?;
        if !page.text.contains("data-options") {
            return None;
        }
        let origin = format!("https://{}", self.wire.localhost);
        let mut keys = self.keys.borrow_mut();
        let sent = keys.get_mut(&method.id)?.sign(&origin, &options_in(&page.text));
        let mut form: Vec<(&str, &str)> = sent.iter().map(|(name, value)| (*name, value.as_str())).collect();
        form.push(("ctx", &context));
        browser.go(("POST", "/common/login"), &form)
    }

    /// The pass that somebody uses in place of the password: one that was just set, or one of before.
    fn pass_of(&self, choice: &Choice<'_>) -> Option<String> {
        let id = &choice.person.id;
        if let Some(bearer) = self.secrets.get(&(id.clone(), Reset::Pass)) {
            let path = format!("/v1.0/users/{id}/authentication/temporaryAccessPassMethods");
            let headers = [("authorization", bearer.as_str())];
            let answer = self.send(("POST", &path), &headers, json!({ "isUsableOnce": true }).to_string())?;
            let made: Value = serde_json::from_str(&answer.text).unwrap();
            return Some(made["temporaryAccessPass"].as_str().unwrap_or_default().to_owned());
        }
        let own = choice.method.filter(|method| method.kind == Kind::Pass)?;
        Some(self.passes.get(&own.id).cloned().unwrap_or_else(|| pass(own)))
    }

    /// Answers the page that asks for a second proof, by one method.
    fn second(&self, browser: &mut Browser<'_>, page: &Answer, method: &Method) -> Option<Answer> {
        let context = field(&page.text, "ctx")?;
        let chosen = [("ctx", context.as_str()), ("do", "choose"), ("method", &method.id)];
        let page = browser.go(("POST", "/common/login"), &chosen)?;
        let code = match method.kind {
            Kind::App => code_of_app(self.wire.clock.next_step()),
            Kind::Text => {
                let message = self.newest_message()?;
                message["text"].as_str()?.split_whitespace().find(|word| word.parse::<u32>().is_ok())?.to_owned()
            }
            Kind::Push => {
                let (_, rest) = page.text.split_once("<p class=\"number\">")?;
                let number = rest.split('<').next()?;
                let id = self.newest_message()?["id"].as_str()?.to_owned();
                self.backstage("POST", &format!("outbox/{id}/approve"), &json!({ "number": number }));
                String::new()
            }
            Kind::Pass | Kind::Passkey => return None,
        };
        let context = field(&page.text, "ctx")?;
        browser.go(("POST", "/common/login"), &[("ctx", context.as_str()), ("do", "verify"), ("otc", &code)])
    }

    fn newest_message(&self) -> Option<Value> {
        self.backstage("GET", "outbox", &Value::Null)["value"].as_array()?.first().cloned()
    }
}

/// Whether the tenant is what fails, and not something that somebody has.
fn is_of_tenant(component: &str) -> bool {
    ["account:", "svc:", "idp:", "onprem:", "net:"].iter().any(|kind| component.starts_with(kind))
}

fn claims_of(token: &str) -> Value {
    use base64::Engine as _;
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

/// The code of the authenticator apps in a half minute, as RFC 6238 computes it.
fn code_of_app(step: u64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"12345678901234567890");
    let hash = hmac::sign(&key, &step.to_be_bytes());
    let hash = hash.as_ref();
    let at = usize::from(hash[19] & 15);
    let number = u32::from_be_bytes(hash[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}
