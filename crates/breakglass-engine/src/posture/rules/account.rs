//! What the rules about single accounts share: one judgement per account, put together from what was seen.
//!
//! **Invariant:** an account passes only where nothing is wrong and nothing is in doubt; with nobody declared, no
//! rule about accounts passes.

use breakglass_model::authentication_method::{AuthenticationMethod, AuthenticationMethodKind};
use breakglass_model::property::Property;
use breakglass_model::snapshot::{Resource, Snapshot, because};
use breakglass_model::user::User;
use serde_json::Value;

use super::super::{Case, Finding, Fix, FixRequest, ObjectReference, Rule, Severity, Status, finding};

/// What a rule has seen of one account so far.
pub(super) struct Judgement<'a> {
    rule: &'a dyn Rule,
    /// The case.
    pub(super) case: &'a Case<'a>,
    /// The account.
    pub(super) user: &'a User,
    failures: Vec<Finding>,
    doubts: Vec<String>,
    notes: Vec<String>,
    exemption: Option<String>,
}

impl<'a> Judgement<'a> {
    /// The account's name, quoted.
    pub(super) fn name(&self) -> String {
        format!("`{}`", self.case.snapshot.name(self.user.key))
    }

    /// The account's object id.
    pub(super) fn id(&self) -> &'a str {
        self.case.snapshot.objects.id(self.user.key)
    }

    /// The account broke the rule.
    pub(super) fn fail(&mut self, severity: Severity, message: impl Into<String>, fix: Fix) {
        self.fail_with(severity, message, fix, Vec::new());
    }

    /// The account broke the rule, and other objects have to do with it.
    pub(super) fn fail_with(
        &mut self,
        severity: Severity,
        message: impl Into<String>,
        fix: Fix,
        others: Vec<ObjectReference>,
    ) {
        let mut objects = vec![self.case.user(self.user.key)];
        objects.extend(others);
        self.failures.push(finding(self.rule, Status::Fail, message).at(severity).about(objects).fixed_by(fix));
    }

    /// Something that the rule needs is not known; a clause without a full stop.
    pub(super) fn doubt(&mut self, why: impl Into<String>) {
        self.doubts.push(why.into());
    }

    /// A property that the export does not have.
    pub(super) fn absent(&mut self, property: &str) {
        self.doubt(format!("`{property}` is not in the export (select it)"));
    }

    /// Something to say beside a pass; a whole sentence.
    pub(super) fn note(&mut self, sentence: impl Into<String>) {
        self.notes.push(sentence.into());
    }

    /// The rule asks about something that this account does not have; a whole sentence.
    pub(super) fn exempt(&mut self, sentence: impl Into<String>) {
        self.exemption = Some(sentence.into());
    }

    /// The account's registered methods; where they are not known, a doubt is noted.
    pub(super) fn methods(&mut self) -> Option<&'a [AuthenticationMethod]> {
        let methods = self.user.detail().authentication_methods.value().map(Vec::as_slice);
        if methods.is_none() {
            match self.case.snapshot.why_methods_unread(self.user) {
                Some(why) => self.doubt(format!("its authentication methods are not in the export: {why}")),
                None => self.doubt(METHODS_ABSENT),
            }
        }
        methods
    }

    /// Its methods as [`Self::methods`]; what is in the list and cannot be read is a doubt of its own.
    pub(super) fn all_methods(&mut self) -> Option<&'a [AuthenticationMethod]> {
        let methods = self.methods()?;
        if let Some(why) = unread_methods(self.user) {
            self.doubt(why);
        }
        Some(methods)
    }

    fn conclude(mut self, predicate: &str) -> Vec<Finding> {
        let name = self.name();
        let about = vec![self.case.user(self.user.key)];
        let status = |status, message: String| finding(self.rule, status, message).about(about.clone());
        if !self.doubts.is_empty() {
            let why = self.doubts.join("; ");
            let message = format!("It cannot be told whether {name} {predicate}: {why}.");
            self.failures.push(status(Status::Unknown, message));
        } else if self.failures.is_empty() {
            self.failures.push(match self.exemption {
                Some(why) => status(Status::NotApplicable, why),
                None => {
                    let sentences = [vec![format!("{name} {predicate}.")], self.notes].concat();
                    status(Status::Pass, sentences.join(" "))
                }
            });
        }
        self.failures
    }
}

/// Why a list of methods that is there does not say all that is registered.
pub(super) fn unread_methods(user: &User) -> Option<String> {
    let detail = user.detail();
    if detail.authentication_methods_next_link.value().is_some() {
        return Some("the export has only the first of its authentication methods".to_owned());
    }
    if let Some(why) = &detail.methods_unread {
        return Some(format!("its authentication methods are not all in the export: {why}"));
    }
    let methods = detail.authentication_methods.value().into_iter().flatten();
    methods.map(AuthenticationMethod::kind).find_map(|kind| match kind {
        AuthenticationMethodKind::Unknown(kind) => {
            Some(format!("it has a method of a kind that this version does not know (`{kind}`)"))
        }
        _ => None,
    })
}

/// Why methods are not known.
pub(super) const METHODS_ABSENT: &str =
    "its authentication methods are not in the export (reading them needs `UserAuthenticationMethod.Read.All`)";

/// Judges each declared account that is in the snapshot. `predicate` says what should hold of it, as in "`bg1` …".
pub(super) fn each_account(
    rule: &dyn Rule,
    case: &Case<'_>,
    predicate: &str,
    judge: impl Fn(&mut Judgement<'_>),
) -> Vec<Finding> {
    if let Some(nobody) = nobody(rule, case) {
        return vec![nobody];
    }
    let each = case.accounts.keys.iter().flat_map(|key| match case.snapshot.user(*key) {
        Some(user) => {
            let (failures, doubts, notes) = (Vec::new(), Vec::new(), Vec::new());
            let mut judgement = Judgement { rule, case, user, failures, doubts, notes, exemption: None };
            judge(&mut judgement);
            judgement.conclude(predicate)
        }
        None => {
            let message = format!(
                "It cannot be told whether `{}` {predicate}: {}.",
                case.snapshot.objects.id(*key),
                why_unlisted(case.snapshot)
            );
            vec![finding(rule, Status::Unknown, message).about(vec![case.user(*key)])]
        }
    });
    each.collect()
}

/// Why a member of a declared group has no user object.
pub(super) fn why_unlisted(snapshot: &Snapshot) -> String {
    match snapshot.users.why() {
        Some(why) => format!("the account is not in the snapshot, whose users are not all there{}", because(why)),
        None => "a declared group names it, and the tenant has no such user".to_owned(),
    }
}

/// The finding of a rule about accounts when there is none to judge.
pub(super) fn nobody(rule: &dyn Rule, case: &Case<'_>) -> Option<Finding> {
    let message = match (case.accounts.keys.is_empty(), case.accounts.is_declared) {
        (false, _) => return None,
        (true, false) => {
            "No emergency account is declared, so there is nobody to judge. Declare them in the \
                          configuration or with `--account`."
        }
        (true, true) => {
            "None of the declared emergency accounts was found in the snapshot, so there is nobody to \
                         judge. BG0101 says why."
        }
    };
    Some(finding(rule, Status::Unknown, message))
}

/// The finding of a rule whose optional list is not in the snapshot: less important rules then do not apply, and
/// important ones cannot tell.
pub(super) fn without_list(rule: &dyn Rule, resource: Resource, what: &str, why: &str) -> Finding {
    let message = format!("{what}: the snapshot has no `{}`{}.", resource.name(), because(why));
    let status = match rule.severity() {
        Severity::Critical | Severity::High => Status::Unknown,
        Severity::Medium | Severity::Low | Severity::Info => Status::NotApplicable,
    };
    finding(rule, status, message)
}

/// A property's text, `None` for null and for an empty one.
pub(super) fn text(property: &Property<String>) -> Option<&str> {
    property.value().map(String::as_str).filter(|text| !text.is_empty())
}

/// Names in a row: "`a`, `b` and 3 more".
pub(super) fn names<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let all: Vec<&str> = names.collect();
    let shown: Vec<String> = all.iter().take(NAMES_MAX).map(|name| format!("`{name}`")).collect();
    match all.len().checked_sub(NAMES_MAX) {
        None | Some(0) => match shown.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, first)) => format!("{} and {last}", first.join(", ")),
            None => "nobody".to_owned(),
        },
        Some(more) => format!("{} and {more} more", shown.join(", ")),
    }
}

/// So many names are spelt out in a message.
pub(super) const NAMES_MAX: usize = 8;

/// A fix by one Graph request.
pub(super) fn fix(text: impl Into<String>, method: &'static str, url: String, body: Option<Value>) -> Fix {
    Fix { text: text.into(), request: Some(FixRequest { method, url, body }) }
}

/// A fix by changing the account itself.
pub(super) fn patch_user(text: impl Into<String>, id: &str, body: Value) -> Fix {
    fix(text, "PATCH", format!("/v1.0/users/{id}"), Some(body))
}

/// A method's name with its article, as in "an email".
pub(super) fn with_article(noun: &str) -> String {
    match noun {
        "Microsoft Authenticator" | "Windows Hello for Business" => noun.to_owned(),
        _ if noun.starts_with(['a', 'e', 'i', 'o']) => format!("an {noun}"),
        _ => format!("a {noun}"),
    }
}
