//! Many small reads in few requests.
//!
//! **Source:** "Combine multiple HTTP requests using JSON batching": at most twenty, each answered by itself, and each
//! throttled by itself.

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::ports::{Clock, Directory, DirectoryError, GraphRequest, Method, Refusal, Repeat};

/// Requests of one batch.
pub(super) const REQUEST_COUNT_MAX: usize = 20;

/// Times that the throttled ones of a batch are asked again.
const ROUND_COUNT_MAX: usize = 8;

/// Seconds waited where a throttled answer says nothing.
const WAIT_SECONDS_USUAL: u64 = 5;

/// Seconds that are waited at most, whatever an answer says.
const WAIT_SECONDS_MAX: u64 = 120;

/// One answer of a batch: the body, or the refusal.
pub(super) type Single = Result<Box<RawValue>, Refusal>;

#[derive(Deserialize)]
struct Answers {
    responses: Vec<Answer>,
}

#[derive(Deserialize)]
struct Answer {
    id: String,
    status: u16,
    #[serde(default)]
    headers: serde_json::Map<String, Value>,
    body: Option<Box<RawValue>>,
}

/// Reads each target, given with its version. The answers stand in the order of the targets; what is still throttled in
/// the end is a refusal.
pub(super) async fn read(
    (directory, clock): (&dyn Directory, &dyn Clock),
    version: &str,
    targets: &[String],
) -> Result<Vec<Single>, DirectoryError> {
    let mut answers: Vec<Option<Single>> = targets.iter().map(|_| None).collect();
    for round in 0..ROUND_COUNT_MAX {
        let open: Vec<usize> = answers
            .iter()
            .enumerate()
            .filter(|(_, answer)| answer.as_ref().is_none_or(is_throttled))
            .map(|(at, _)| at)
            .collect();
        let mut wait = 0;
        for part in open.chunks(REQUEST_COUNT_MAX) {
            for (at, answer, seconds) in ask(directory, version, (targets, part)).await? {
                if is_throttled(&answer) {
                    wait = wait.max(seconds.unwrap_or(WAIT_SECONDS_USUAL << round.min(4)));
                }
                if let Some(place) = answers.get_mut(at) {
                    *place = Some(answer);
                }
            }
        }
        if wait == 0 {
            break;
        }
        clock.sleep(Duration::from_secs(wait.min(WAIT_SECONDS_MAX))).await;
    }
    let unanswered = || DirectoryError::Malformed { why: "a request of a batch has no answer".to_owned() };
    answers.into_iter().map(|answer| answer.ok_or_else(unanswered)).collect()
}

fn is_throttled(answer: &Single) -> bool {
    matches!(answer, Err(refusal) if matches!(refusal.status, 429 | 503 | 504))
}

async fn ask(
    directory: &dyn Directory,
    version: &str,
    (targets, part): (&[String], &[usize]),
) -> Result<Vec<(usize, Single, Option<u64>)>, DirectoryError> {
    let single = |at: &usize| {
        let target = targets.get(*at).map(String::as_str).unwrap_or_default();
        let relative = target.strip_prefix(version).unwrap_or(target);
        json!({ "id": at.to_string(), "method": "GET", "url": relative })
    };
    let body = json!({ "requests": part.iter().map(single).collect::<Vec<_>>() });
    let request = GraphRequest {
        // It reads alone, so that twice is as good as once.
        repeat: Repeat::Safe,
        ..GraphRequest::with_body(Method::Post, format!("{version}/$batch"), Cow::Owned(body))
    };
    let answers: Answers = directory.send(&request).await?.json()?;
    let found = answers.responses.into_iter().filter_map(|answer| {
        let at = answer.id.parse().ok().filter(|at| part.contains(at))?;
        let seconds = answer.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("Retry-After"));
        let seconds = seconds.and_then(|(_, value)| value.as_u64().or_else(|| value.as_str()?.parse().ok()));
        Some((at, of_answer(answer.status, answer.body), seconds))
    });
    Ok(found.collect())
}

fn of_answer(status: u16, body: Option<Box<RawValue>>) -> Single {
    if (200..300).contains(&status) {
        return Ok(body.unwrap_or_else(|| RawValue::NULL.to_owned()));
    }
    let body: Value = body.and_then(|body| serde_json::from_str(body.get()).ok()).unwrap_or_default();
    let text = |name: &str| body.pointer(&format!("/error/{name}")).and_then(Value::as_str).unwrap_or_default();
    let request_id = body.pointer("/error/innerError/request-id").and_then(Value::as_str);
    Err(Refusal {
        status,
        code: text("code").to_owned(),
        message: text("message").to_owned(),
        request_id: request_id.map(str::to_owned),
    })
}
