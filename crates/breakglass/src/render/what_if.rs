//! Answers of What If: one line of JSON per request for many, Graph's own answer or a page of text for one.

use std::borrow::Cow;

use breakglass_engine::access::beside::ClosedAccount;
use breakglass_engine::access::demand::{Outcome, OutcomeRange};
use breakglass_engine::access::scope::UserSet;
use breakglass_engine::access::surfaces::{MandatoryMfaPhase, SURFACES, Surface};
use breakglass_engine::access::{Access, Analysis, Decision, PolicyState, PossibleTarget, Situation, Trit, bits};
use breakglass_model::request_reader::RequestReader;
use breakglass_model::sign_in::WhatIfRequest;
use serde_json::{Map, Value, json};

/// Why the outcome of a request without a target is not known.
pub(crate) const NO_TARGET: &str =
    "the request does not say what the sign-in is to (`signInContext`), and the outcome depends on it";

/// What some editors put before the first line.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Answers requests line by line, into one buffer that is reused.
pub(crate) struct Answers<'a> {
    access: &'a Access<'a>,
    /// Ids of the policies.
    ids: Vec<Quoted>,
    /// Names of the controls.
    controls: Vec<Quoted>,
    /// Whether security defaults are on.
    has_security_defaults: bool,
    /// Applications where Microsoft demands MFA, and how that is named.
    mandatory_mfa: Vec<(&'static str, &'static str)>,
    /// Users that cannot sign in at all; `None` when there are none.
    closed: Option<UserSet>,
    reader: RequestReader,
    /// Lines that were taken.
    line_count: u64,
    /// Empty lines behind the last one that was answered.
    blank_line_count: u64,
    /// Every target that a sign-in may be to, once a line has left out its own.
    targets: Vec<PossibleTarget>,
    decision: Decision,
    unmet: Vec<u16>,
    /// Whether some answer was "could not tell", or some line was bad.
    pub(crate) is_incomplete: bool,
}

impl<'a> Answers<'a> {
    pub(crate) fn new(access: &'a Access<'a>) -> Self {
        Self {
            access,
            ids: access.policies().iter().map(|policy| Quoted::new(policy.id.as_str())).collect(),
            controls: access.control_names().iter().map(|name| Quoted::new(name)).collect(),
            has_security_defaults: access.security_defaults() == Trit::Yes,
            mandatory_mfa: SURFACES.iter().filter_map(mandatory_mfa).collect(),
            closed: Some(access.closed_accounts()).filter(|closed| closed.words().iter().any(|word| *word != 0)),
            reader: RequestReader::default(),
            line_count: 0,
            blank_line_count: 0,
            targets: Vec::new(),
            decision: Decision::default(),
            unmet: Vec::new(),
            is_incomplete: false,
        }
    }

    /// Answers a line with a line, appended to `out`. An empty line has its answer as soon as another line follows;
    /// those at the end are no requests.
    pub(crate) fn line(&mut self, line: &[u8], out: &mut Vec<u8>) {
        self.line_count += 1;
        if line.iter().all(u8::is_ascii_whitespace) {
            self.blank_line_count += 1;
            return;
        }
        for before in (1..=std::mem::take(&mut self.blank_line_count)).rev() {
            self.refuse(self.line_count - before, "the line is empty", out);
        }
        let body = if self.line_count == 1 { line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line) } else { line };
        self.answer(body, out);
    }

    fn answer(&mut self, body: &[u8], out: &mut Vec<u8>) {
        let judged = self.reader.read(body).map_err(|error| error.to_string());
        let judged = judged.and_then(|request| {
            let situation = self.access.situation(&request).map_err(|error| error.to_string())?;
            let outside = self.outside(&request, &situation);
            Ok((situation, outside, names_target(&request)))
        });
        match judged {
            Ok((situation, outside, has_target)) => {
                let anywhere = (!has_target).then(|| self.anywhere(&situation));
                self.write(&situation, (anywhere, &outside), out);
            }
            Err(message) => self.refuse(self.line_count, &message, out),
        }
    }

    fn anywhere(&mut self, situation: &Situation) -> OutcomeRange {
        if self.targets.is_empty() {
            self.targets = self.access.possible_targets();
        }
        self.access.outcome_anywhere(situation, &self.targets)
    }

    /// Answers a line that cannot be judged.
    fn refuse(&mut self, line: u64, message: &str, out: &mut Vec<u8>) {
        self.is_incomplete = true;
        out.extend_from_slice(json!({ "error": format!("line {line}: {message}") }).to_string().as_bytes());
        out.push(b'\n');
    }

    /// Why an outcome is not known, where no policy that may apply is the cause.
    fn doubts(&self, situation: &Situation, anywhere: Option<OutcomeRange>) -> Vec<Quoted> {
        let mut doubts = self.access.outcome_doubts(situation);
        // Where policies are missing, that alone leaves everything open.
        doubts.extend(anywhere.filter(|_| !self.access.may_have_more()).map(|_| NO_TARGET.to_owned()));
        doubts.iter().map(|why| Quoted::new(why)).collect()
    }

    /// Writes an answer; what `anywhere` says of all targets together stands for the outcome where none is named.
    fn write(&mut self, situation: &Situation, beside: (Option<OutcomeRange>, &[&'static str]), out: &mut Vec<u8>) {
        let (anywhere, outside) = beside;
        self.access.decide(situation, &mut self.decision);
        let outcome = anywhere.unwrap_or(self.decision.outcome);
        let is_known = outcome.known().is_some();
        self.is_incomplete |= !is_known;
        out.extend_from_slice(b"{\"outcome\":\"");
        out.extend_from_slice(outcome.name().as_bytes());
        out.extend_from_slice(b"\",\"controls\":[");
        self.access.unmet(&self.decision, situation.grant, &mut self.unmet);
        let controls = self.unmet.iter().filter_map(|index| self.controls.get(usize::from(*index)));
        push_list(controls, out);
        let is_certain = self.decision.sure == self.decision.may;
        let (enabled, report_only) = (PolicyState::Enabled, PolicyState::ReportOnly);
        if is_certain && self.access.states_are_certain() {
            for (name, state) in [("],\"applied\":[", enabled), ("],\"reportOnly\":[", report_only)] {
                out.extend_from_slice(name.as_bytes());
                let policies = self.access.in_state(&self.decision.sure, state);
                push_list(policies.filter_map(|index| self.ids.get(index)), out);
            }
        } else {
            let applied = self.access.applied(&self.decision);
            let of = |mask: &[u64]| -> Vec<&Quoted> {
                let indices =
                    mask.iter().enumerate().flat_map(|(word, mask)| bits(*mask).map(move |bit| word * 64 + bit));
                indices.filter_map(|index| self.ids.get(index)).collect()
            };
            out.extend_from_slice(b"],\"applied\":[");
            push_list(of(&applied.enabled).into_iter(), out);
            out.extend_from_slice(b"],\"reportOnly\":[");
            push_list(of(&applied.report_only).into_iter(), out);
            let unknown = of(&applied.unknown);
            if !unknown.is_empty() {
                out.extend_from_slice(b"],\"unknown\":[");
                push_list(unknown.into_iter(), out);
            }
        }
        if !is_known {
            let doubts = self.doubts(situation, anywhere);
            if !doubts.is_empty() {
                out.extend_from_slice(b"],\"breakglass.unknown\":[");
                push_list(doubts.iter(), out);
            }
        }
        if !outside.is_empty() {
            out.extend_from_slice(b"],\"outsideConditionalAccess\":[");
            let quoted: Vec<Quoted> = outside.iter().map(|name| Quoted::new(name)).collect();
            push_list(quoted.iter(), out);
        }
        out.extend_from_slice(b"]}\n");
    }

    /// What other services demand of this sign-in, whatever Conditional Access says.
    fn outside(&self, request: &WhatIfRequest<'_>, situation: &Situation) -> Vec<&'static str> {
        let mut outside = Vec::new();
        if request.sign_in_identity.user_id.is_none() {
            return outside;
        }
        if let (Some(closed), Some(user)) = (&self.closed, situation.user)
            && closed.contains(user.index())
        {
            let user = self.access.snapshot().user(user);
            outside.extend(user.and_then(ClosedAccount::of).map(ClosedAccount::name));
        }
        if self.has_security_defaults && self.access.security_defaults_demand(situation) {
            outside.push("securityDefaults");
        }
        let applications = request.sign_in_context.as_ref().and_then(|context| context.include_applications.as_deref());
        for id in applications.unwrap_or_default() {
            let name = self.mandatory_mfa.iter().find(|(application, _)| application == id).map(|(_, name)| *name);
            outside.extend(name.filter(|name| !outside.contains(name)));
        }
        outside
    }
}

/// A text as a JSON string with a comma behind it. It stands at the beginning of a room that is copied whole: a
/// copy whose length is known beforehand takes a few instructions.
struct Quoted {
    room: [u8; QUOTED_ROOM_BYTES],
    text: String,
}

/// Room for an id in quotation marks, and the comma.
const QUOTED_ROOM_BYTES: usize = 48;

impl Quoted {
    fn new(text: &str) -> Self {
        let text = format!("{},", Value::from(text));
        let mut room = [0; QUOTED_ROOM_BYTES];
        room.iter_mut().zip(text.as_bytes()).for_each(|(to, from)| *to = *from);
        Self { room, text }
    }

    #[inline]
    fn push_to(&self, out: &mut Vec<u8>) {
        if self.text.len() > QUOTED_ROOM_BYTES {
            out.extend_from_slice(self.text.as_bytes());
            return;
        }
        let end = out.len() + self.text.len();
        out.extend_from_slice(&self.room);
        out.truncate(end);
    }
}

/// Appends items; the comma behind the last is taken away again.
fn push_list<'s>(items: impl Iterator<Item = &'s Quoted>, out: &mut Vec<u8>) {
    for item in items {
        item.push_to(out);
    }
    if out.last() == Some(&b',') {
        out.pop();
    }
}

/// The application of a surface where Microsoft demands MFA, and how that is named.
fn mandatory_mfa(surface: &Surface) -> Option<(&'static str, &'static str)> {
    let name = match surface.mandatory_mfa? {
        MandatoryMfaPhase::SignIn => "mandatoryMfa:signIn",
        MandatoryMfaPhase::ResourceManagerWrites => "mandatoryMfa:resourceManagerWrites",
    };
    Some((surface.app_id, name))
}

/// Graph's own answer: every policy with `policyApplies` and `analysisReasons`. Where there may be policies that the
/// snapshot does not have, it says so beside the list.
pub(crate) fn graph_answer(
    access: &Access<'_>,
    analyses: &[Analysis],
    outcome: OutcomeRange,
    applied_only: bool,
) -> Value {
    let mut list = Vec::new();
    for analysis in analyses {
        if applied_only && analysis.applies == Trit::No {
            continue;
        }
        let source = access.policies().get(analysis.policy).map(|policy| (&policy.source, policy.id.as_str()));
        let Some((Value::Object(source), id)) = source else { continue };
        let mut object: Map<String, Value> = source.clone();
        object.entry("id").or_insert_with(|| id.into());
        object.insert("policyApplies".into(), applies_json(analysis.applies));
        object.insert("analysisReasons".into(), analysis.reason.name().into());
        if analysis.applies == Trit::Unknown {
            object.insert("breakglass.unknown".into(), json!(analysis.unknown));
        }
        list.push(Value::Object(object));
    }
    let mut answer = Map::from_iter([("value".to_owned(), Value::from(list))]);
    if let Some(why) = access.policy_doubt() {
        answer.insert("breakglass.outcome".into(), outcome.name().into());
        answer.insert("breakglass.unknown".into(), json!([why]));
    }
    answer.into()
}

/// Whether a request says what the sign-in is to.
pub(crate) fn names_target(request: &WhatIfRequest<'_>) -> bool {
    let is_given = |text: &Option<Cow<'_, str>>| text.as_deref().is_some_and(|text| !text.is_empty());
    request.sign_in_context.as_ref().is_some_and(|context| {
        context.include_applications.as_ref().is_some_and(|applications| !applications.is_empty())
            || is_given(&context.authentication_context_value)
            || is_given(&context.user_action)
    })
}

pub(super) fn applies_json(applies: Trit) -> Value {
    match applies {
        Trit::Yes => true.into(),
        Trit::No => false.into(),
        Trit::Unknown => Value::Null,
    }
}

/// The words for an outcome.
pub(crate) fn outcome_sentence(outcome: Option<Outcome>) -> &'static str {
    match outcome {
        Some(Outcome::Allowed) => "allowed: Conditional Access demands nothing more",
        Some(Outcome::Challenge) => "challenge: a prompt is demanded",
        Some(Outcome::Unsatisfiable) => "unsatisfiable: something is demanded that this device or client cannot give",
        Some(Outcome::Blocked) => "blocked: a policy blocks this sign-in",
        None => "unknown: could not tell",
    }
}
