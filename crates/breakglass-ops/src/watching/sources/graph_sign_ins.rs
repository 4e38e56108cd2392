//! Graph's sign-in log, of people and of tokens that are renewed, filtered by the accounts.
//!
//! The log is written late, in no order, and records are told again when more is known. So each reading goes back
//! [`LOOK_BACK_HOURS`] before the last one, and once an hour [`SWEEP_HOURS`] before the last that did so; what is told twice is
//! known by its id. The time up to which was read is Graph's own, as it stood when the reading began: no clock of this machine
//! can leave a gap. The very first reading alone begins by this machine's clock.
//! What is not resolved to an account is looked for by the name.
//! **Limits:** [`ACCOUNT_COUNT_MAX`], [`FIRST_DAYS`].
//! **Source:** "List signIns": the filters, beta's `signInEventTypes`, 1,000 records a page; "Sign-in logs in Microsoft Entra ID
//! FAQ": a record is told again, and its name may be an id; "How long does Microsoft Entra ID store reporting data?", read
//! 2026-11-28.

use async_trait::async_trait;
use breakglass_custody::name::Name;
use breakglass_model::sign_in_record::SignInRecord;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::address::encoded;
use crate::ports::{Directory, DirectoryError, EventSource, GraphAnswer, GraphRequest, SourceError, SourcePage};
use crate::watching::event::{Event, NoEvent};

/// Accounts that one source watches.
pub const ACCOUNT_COUNT_MAX: usize = 20;

/// Hours before the end of the last reading from which the next one begins.
pub const LOOK_BACK_HOURS: i64 = 2;

/// Hours that are read again now and then, since some records are later than that.
pub const SWEEP_HOURS: i64 = 24;

/// Seconds between two of these.
pub const SWEEP_SECONDS: i64 = 3_600;

/// Days that are read the first time: as many as a tenant without a licence keeps, and an hour less, so that Graph does not refuse.
pub const FIRST_DAYS: i64 = 7;

/// Records of a page.
const PAGE_COUNT: usize = 1_000;

/// An account that is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// Its object id, in small letters.
    pub id: String,
    /// Its sign-in name, where it is known.
    pub user_principal_name: Option<String>,
}

/// What is asked for in turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Part {
    /// Where somebody sat there.
    Interactive,
    /// Where tokens were renewed.
    NonInteractive,
    /// By the names.
    Named,
}

impl Part {
    const ALL: [Self; 3] = [Self::Interactive, Self::NonInteractive, Self::Named];

    fn next(self) -> Option<Self> {
        let at = Self::ALL.iter().position(|part| *part == self)?;
        Self::ALL.get(at + 1).copied()
    }
}

/// Where the log was left.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Cursor {
    /// Graph's time when the last whole reading began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    /// The same of the last one that went far back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    swept: Option<Timestamp>,
    /// The reading that is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reading: Option<Reading>,
}

/// A reading that is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Reading {
    part: Part,
    from: Timestamp,
    is_sweep: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    began: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl Cursor {
    /// The reading that is under way, or one that begins.
    fn reading(&self, now: Timestamp) -> Reading {
        if let Some(reading) = &self.reading {
            return reading.clone();
        }
        let Some(until) = self.until else {
            let from = before(now, 24 * FIRST_DAYS - 1);
            return Reading { part: Part::Interactive, from, is_sweep: true, began: None, next: None };
        };
        let is_due = |swept: Timestamp| swept.duration_until(until) >= SignedDuration::from_secs(SWEEP_SECONDS);
        let is_sweep = self.swept.is_none_or(is_due);
        let from = match self.swept.filter(|_| is_sweep) {
            // What comes a day late came before the last one, or is found by this: however long nobody read in between.
            Some(swept) => before(swept.min(until), SWEEP_HOURS),
            None => before(until, if is_sweep { SWEEP_HOURS } else { LOOK_BACK_HOURS }),
        };
        Reading { part: Part::Interactive, from, is_sweep, began: None, next: None }
    }

    /// After a page of a reading: behind it, or at its end.
    fn behind(self, mut reading: Reading, next: Option<String>) -> (Self, bool) {
        if next.is_some() {
            reading.next = next;
            return (Self { reading: Some(reading), ..self }, true);
        }
        if let Some(part) = reading.part.next() {
            (reading.part, reading.next) = (part, None);
            return (Self { reading: Some(reading), ..self }, true);
        }
        // Without Graph's time it is read from the same place again: nothing is left out.
        let until = reading.began.or(self.until);
        let swept = if reading.is_sweep { reading.began.or(self.swept) } else { self.swept };
        (Self { until, swept, reading: None }, false)
    }
}

fn before(at: Timestamp, hours: i64) -> Timestamp {
    at.saturating_sub(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MIN)
}

/// The sign-in log of a tenant.
pub struct GraphSignIns<'d> {
    name: Name,
    directory: &'d dyn Directory,
    accounts: Vec<Watched>,
}

/// A page, as Graph sends it.
#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    value: Vec<&'a RawValue>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}

impl<'d> GraphSignIns<'d> {
    /// The log, as far as it is about these accounts: the first [`ACCOUNT_COUNT_MAX`] of them.
    #[must_use]
    pub fn new(name: Name, directory: &'d dyn Directory, mut accounts: Vec<Watched>) -> Self {
        accounts.truncate(ACCOUNT_COUNT_MAX);
        Self { name, directory, accounts }
    }

    /// The question, unless there is nothing to ask for.
    fn target(&self, reading: &Reading) -> Option<String> {
        if let Some(next) = &reading.next {
            return Some(next.clone());
        }
        let quoted = |property: &str, text: &str| format!("{property} eq '{}'", text.replace('\'', "''"));
        let whom: Vec<String> = match reading.part {
            Part::Interactive | Part::NonInteractive => {
                self.accounts.iter().map(|account| quoted("userId", &account.id)).collect()
            }
            Part::Named => {
                let names = self.accounts.iter().filter_map(|account| account.user_principal_name.as_deref());
                names.map(|name| quoted("userPrincipalName", name)).collect()
            }
        };
        if whom.is_empty() {
            return None;
        }
        let kind = if reading.part == Part::NonInteractive { "nonInteractiveUser" } else { "interactiveUser" };
        let filter = format!(
            "createdDateTime ge {} and signInEventTypes/any(t: t eq '{kind}') and ({})",
            reading.from.strftime("%Y-%m-%dT%H:%M:%SZ"),
            whom.join(" or ")
        );
        Some(format!("/beta/auditLogs/signIns?$filter={}&$top={PAGE_COUNT}", encoded(&filter)))
    }

    /// What a record says of an account that is watched.
    fn event(&self, text: &str, part: Part) -> Result<Option<Event>, String> {
        let record = SignInRecord::from_json(text.as_bytes()).map_err(|error| error.to_string())?;
        let is_watched = |id: &str| self.accounts.iter().any(|account| account.id == id);
        let is_interactive = Some(part != Part::NonInteractive);
        match Event::of_sign_in(&record, is_interactive, is_watched) {
            Ok(event) => Ok(Some(event)),
            Err(NoEvent::Other) => Ok(None),
            Err(NoEvent::Incomplete) => Err("it has no id or no time".to_owned()),
            Err(NoEvent::Unresolved) => {
                let name = record.user_principal_name.as_deref().unwrap_or_default();
                let is_it = |account: &&Watched| {
                    account.user_principal_name.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(name))
                };
                let account = self.accounts.iter().find(is_it);
                let event = account.map(|account| Event::of_name(&record, is_interactive, &account.id));
                event.transpose().map_err(|_| "it has no id or no time".to_owned())
            }
        }
    }
}

#[async_trait]
impl EventSource for GraphSignIns<'_> {
    fn name(&self) -> &Name {
        &self.name
    }

    async fn read(&self, cursor: Option<&Value>, now: Timestamp) -> Result<SourcePage, SourceError> {
        let mut findings = Vec::new();
        let cursor = match cursor.map(|cursor| serde_json::from_value::<Cursor>(cursor.clone())).transpose() {
            Ok(cursor) => cursor.unwrap_or_default(),
            Err(error) => {
                findings.push(format!("where the sign-in log was left cannot be read, and it is read anew: {error}"));
                Cursor::default()
            }
        };
        let mut reading = cursor.reading(now);
        let Some(target) = self.target(&reading) else {
            let (cursor, has_more) = cursor.behind(reading, None);
            return page(Vec::new(), &cursor, has_more, findings);
        };
        let answer = match self.directory.send(&GraphRequest::get(target)).await {
            Ok(answer) => answer,
            // A link of long ago is refused: the reading begins again.
            Err(DirectoryError::Refused(refusal)) if reading.next.is_some() && refusal.status < 429 => {
                findings.push(format!("the sign-in log is read from the beginning of this reading: {refusal}"));
                return page(Vec::new(), &Cursor { reading: None, ..cursor }, false, findings);
            }
            Err(error) => return Err(SourceError { why: format!("the sign-in log cannot be read: {error}") }),
        };
        // Only the first answer says when the reading began: what comes between it and another is not found by the latter.
        if reading.part == Part::Interactive && reading.next.is_none() {
            reading.began = answer.date;
        }
        let GraphAnswer { body, .. } = &answer;
        let malformed =
            |error: serde_json::Error| SourceError { why: format!("the sign-in log is not understood: {error}") };
        let Page { value, next } = serde_json::from_slice(body).map_err(malformed)?;
        let mut events = Vec::new();
        for record in value {
            match self.event(record.get(), reading.part) {
                Ok(event) => events.extend(event),
                Err(why) => findings.push(format!("a record of the sign-in log is not understood: {why}")),
            }
        }
        let (cursor, has_more) = cursor.behind(reading, next);
        page(events, &cursor, has_more, findings)
    }
}

fn page(events: Vec<Event>, cursor: &Cursor, has_more: bool, findings: Vec<String>) -> Result<SourcePage, SourceError> {
    let cursor = serde_json::to_value(cursor).map_err(|error| SourceError { why: error.to_string() })?;
    Ok(SourcePage { events, cursor, has_more, findings })
}
