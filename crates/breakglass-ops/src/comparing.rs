//! The tenant's own What If, asked about a list of sign-ins and held against ours.
//!
//! Questions are asked one after the other, since all applications of a tenant together may ask once a second, until the
//! budget is spent. What was answered is kept: the same call goes on with the next question. Of each kind of difference
//! the first is made small by asking again with less in the question, and becomes a case without names.
//!
//! Reads alone: `evaluate` changes nothing.
//!
//! **Limits:** [`REQUEST_COUNT_MAX`], [`CASE_COUNT_MAX`], [`crate::reading::RESUME_MINUTES_MAX`].
//! **Source:** <https://learn.microsoft.com/graph/api/conditionalaccessroot-evaluate>; "Microsoft Graph service-specific
//! throttling limits".

use std::collections::BTreeMap;

use breakglass_engine::access::{Access, Reason, Trit};
use breakglass_engine::agreement::case::{Case, case};
use breakglass_engine::agreement::{AnswerError, Compared, Difference, Kind};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::ports::{Clock, Directory, DirectoryError, GraphRequest, Method, Parts, PartsError, Repeat};
use crate::reading::{Part, Progress, State, is_gone_on_with};

/// Where it is asked. Policies are read from beta, which has conditions that v1.0 has not.
pub const TARGET: &str = "/beta/identity/conditionalAccess/evaluate";

/// What asking needs.
pub const PERMISSIONS: &[&str] = &["Policy.Read.All"];

/// Requests of one call unless it is said otherwise; at one a second, five minutes.
pub const REQUEST_COUNT_USUAL: usize = 300;

/// The most requests of one call: at one a second, more than five hours.
pub const REQUEST_COUNT_MAX: usize = 20_000;

/// Kinds of differences that become cases.
pub const CASE_COUNT_MAX: usize = 20;

/// The part that says what is compared.
const HEAD: &str = "comparison";

/// The part with the answers.
const ANSWERS: &str = "answers";

/// Why a comparison stopped. What was answered is kept.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// The tenant does not answer, or refuses to be asked.
    #[error("the tenant's What If cannot be asked")]
    Directory {
        /// Questions that were answered, now and before.
        answered: usize,
        /// The reason.
        #[source]
        source: DirectoryError,
    },
    /// The answers cannot be kept.
    #[error(transparent)]
    Parts(#[from] PartsError),
}

/// What to compare with.
#[derive(Clone, Copy)]
pub struct Comparing<'c> {
    /// The tenant.
    pub directory: &'c dyn Directory,
    /// The time.
    pub clock: &'c dyn Clock,
    /// Where answers are kept.
    pub parts: &'c dyn Parts,
    /// Who watches.
    pub progress: &'c dyn Progress,
}

/// What came of a comparison.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Comparison {
    /// The questions that were answered, by their place, each compared.
    pub answered: Vec<(usize, Compared)>,
    /// Questions that the tenant or we refused, by their place, with the reason.
    pub refused: Vec<(usize, String)>,
    /// Questions that are left for another time.
    pub left: usize,
    /// Requests of this call.
    pub request_count: usize,
    /// Answers that an earlier call had.
    pub kept_count: usize,
    /// Each kind of difference, the worst first.
    pub found: Vec<Found>,
}

impl Comparison {
    /// Whether there is a difference of a kind that is not known of the tenant's What If itself.
    #[must_use]
    pub fn has(&self, kind: Kind) -> bool {
        self.found.iter().any(|one| one.difference.kind == kind && one.difference.known.is_none())
    }

    /// Whether every question was answered about every policy by both.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let is_answered = |one: &(usize, Compared)| one.1.not_answered.is_empty() && one.1.not_read.is_empty();
        self.left == 0 && self.refused.is_empty() && !self.has(Kind::Untold) && self.answered.iter().all(is_answered)
    }
}

/// A kind of difference: one policy, said in one way by the tenant and in another by us.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The difference, as it was found first.
    pub difference: Difference,
    /// The question that showed it first, by its place.
    pub question: usize,
    /// How many answers have it.
    pub count: usize,
    /// The same without names; `None` beyond [`CASE_COUNT_MAX`], and where we could not tell.
    pub case: Option<Case>,
    /// Whether the question of the case was made as small as can be.
    pub is_small: bool,
}

/// What is compared.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    /// Of the tenant, the policies and the questions.
    fingerprint: String,
    begun_at: Timestamp,
}

/// One answer as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    question: usize,
    answer: Option<Value>,
    refused: Option<String>,
}

impl Comparing<'_> {
    /// Asks and compares, with at most so many requests.
    ///
    /// # Errors
    /// The tenant does not answer or refuses to be asked, or the answers cannot be kept.
    pub async fn compare(
        &self,
        access: &Access<'_>,
        questions: &[Value],
        request_count_max: usize,
    ) -> Result<Comparison, CompareError> {
        let kept = self.resume(access, questions)?;
        let mut comparison = Comparison { kept_count: kept.len(), ..Comparison::default() };
        let expected = questions.len().min(kept.len().saturating_add(request_count_max)) as u64;
        for (place, question) in questions.iter().enumerate() {
            let answer = match kept.get(&place) {
                Some(kept) => kept.answer.clone().ok_or_else(|| kept.refused.clone().unwrap_or_default()),
                None if comparison.request_count >= request_count_max => {
                    comparison.left += 1;
                    continue;
                }
                None => {
                    comparison.request_count += 1;
                    let answered = comparison.answered.len();
                    let answer = self.ask(question).await;
                    let answer = answer.map_err(|source| CompareError::Directory { answered, source })?;
                    self.keep(place, &answer)?;
                    answer
                }
            };
            let compared = answer.and_then(|answer| {
                Compared::of(access, question, &answer).map_err(|error: AnswerError| error.to_string())
            });
            match compared {
                Ok(compared) => comparison.answered.push((place, compared)),
                Err(why) => comparison.refused.push((place, why)),
            }
            self.progress.step("What If", (comparison.answered.len() + comparison.refused.len()) as u64, expected);
        }
        comparison.found = self.found(access, questions, (&mut comparison, request_count_max)).await;
        self.progress.end();
        Ok(comparison)
    }

    /// The answers of an earlier call about the same, if it is not long ago.
    fn resume(&self, access: &Access<'_>, questions: &[Value]) -> Result<BTreeMap<usize, Kept>, PartsError> {
        let now = self.clock.now();
        let fingerprint = fingerprint(access, questions);
        let head: Option<Head> = Part::of(self.parts, HEAD).last()?;
        let is_same = head.is_some_and(|head| head.fingerprint == fingerprint && is_gone_on_with(head.begun_at, now));
        let mut kept = BTreeMap::new();
        if is_same {
            let part = Part::of(self.parts, ANSWERS);
            part.resume()?;
            part.each(&mut |line| {
                if let Ok(one) = serde_json::from_str::<Kept>(line) {
                    kept.insert(one.question, one);
                }
                Ok(())
            })?;
        } else {
            self.parts.clear()?;
            Part::of(self.parts, HEAD).add_one(&Head { fingerprint, begun_at: now }, &State::Done)?;
        }
        Ok(kept)
    }

    fn keep(&self, question: usize, answer: &Result<Value, String>) -> Result<(), PartsError> {
        let kept =
            Kept { question, answer: answer.as_ref().ok().map(essence), refused: answer.as_ref().err().cloned() };
        Part::of(self.parts, ANSWERS).add_one(&kept, &State::Next(String::new()))
    }

    /// One answer, or why the tenant does not answer this question.
    async fn ask(&self, question: &Value) -> Result<Result<Value, String>, DirectoryError> {
        let mut request = GraphRequest::with_body(Method::Post, TARGET, std::borrow::Cow::Borrowed(question));
        // It changes nothing, so that twice is as good as once.
        request.repeat = Repeat::Safe;
        match self.directory.send(&request).await {
            Ok(answer) => Ok(Ok(answer.json()?)),
            Err(DirectoryError::Refused(refusal)) if matches!(refusal.status, 400 | 404) => {
                Ok(Err(refusal.to_string()))
            }
            Err(error) => Err(error),
        }
    }

    /// Each kind of difference, with a case as far as the budget reaches.
    async fn found(
        &self,
        access: &Access<'_>,
        questions: &[Value],
        (comparison, request_count_max): (&mut Comparison, usize),
    ) -> Vec<Found> {
        let mut kinds: BTreeMap<Likeness, Found> = BTreeMap::new();
        for (place, compared) in &comparison.answered {
            for difference in &compared.differences {
                let first = || Found {
                    difference: difference.clone(),
                    question: *place,
                    count: 0,
                    case: None,
                    is_small: false,
                };
                kinds.entry(likeness(difference)).or_insert_with(first).count += 1;
            }
        }
        let mut found: Vec<Found> = kinds.into_values().collect();
        for one in found.iter_mut().filter(|one| one.difference.kind != Kind::Untold).take(CASE_COUNT_MAX) {
            let Some(question) = questions.get(one.question) else { continue };
            let budget = request_count_max.saturating_sub(comparison.request_count);
            let (small, request_count, is_small) = self.smaller(access, (question, &one.difference), budget).await;
            comparison.request_count += request_count;
            one.is_small = is_small;
            one.case = case(access, &small, &one.difference);
        }
        found
    }

    /// The question with as little in it as shows the same difference, how many requests that took, and whether nothing
    /// more could be left out.
    async fn smaller(
        &self,
        access: &Access<'_>,
        (question, difference): (&Value, &Difference),
        request_count_max: usize,
    ) -> (Value, usize, bool) {
        let mut small = question.clone();
        let mut request_count = 0;
        let names: Vec<String> = small
            .get("signInConditions")
            .and_then(Value::as_object)
            .map(|conditions| conditions.keys().cloned().collect())
            .unwrap_or_default();
        for name in names {
            let mut tried = small.clone();
            let conditions = tried.get_mut("signInConditions").and_then(Value::as_object_mut);
            if conditions.and_then(|conditions| conditions.shift_remove(&name)).is_none() {
                continue;
            }
            if request_count >= request_count_max {
                return (small, request_count, false);
            }
            request_count += 1;
            // Whatever cannot be asked stays as it is: the difference was seen already.
            let Ok(Ok(answer)) = self.ask(&tried).await else { return (small, request_count, false) };
            let compared = Compared::of(access, &tried, &answer).unwrap_or_default();
            if compared.differences.iter().any(|one| likeness(one) == likeness(difference)) {
                small = tried;
            }
        }
        (small, request_count, true)
    }
}

/// What differences of a kind have in common, the worst kind first.
type Likeness = (Kind, usize, bool, Trit, Reason);

fn likeness(difference: &Difference) -> Likeness {
    (difference.kind, difference.policy, difference.applies, difference.ours, difference.our_reason)
}

/// Of an answer what is compared: the policies themselves were read already.
fn essence(answer: &Value) -> Value {
    let Some(entries) = answer.get("value").and_then(Value::as_array) else { return answer.clone() };
    let entries = entries.iter().map(|entry| {
        json!({ "id": entry.get("id"), "policyApplies": entry.get("policyApplies"),
            "analysisReasons": entry.get("analysisReasons") })
    });
    json!({ "value": entries.collect::<Vec<Value>>() })
}

/// Of the tenant, its policies and the questions: answers about others are none.
fn fingerprint(access: &Access<'_>, questions: &[Value]) -> String {
    let mut hash = Sha256::new();
    let tenant = access.snapshot().tenant_id.as_ref().map(ToString::to_string);
    hash.update(tenant.unwrap_or_default());
    for text in access.policies().iter().map(|policy| &policy.source).chain(questions).map(Value::to_string) {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
