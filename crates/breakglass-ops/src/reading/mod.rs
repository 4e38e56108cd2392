//! A live tenant, read into parts that make a snapshot.
//!
//! Reads alone: every request is a GET, or a batch of them. First come the lists ([`SOURCES`]), several at a time; then,
//! of those on whom an answer depends ([`RELATED`]), memberships, methods and what else is asked one by one, twenty in a
//! request. What the tenant refuses is missing, with the reason; what cannot be reached stops the reading, and the same
//! call goes on where it was stopped, with the parts that are there.
//!
//! **Limits:** [`CONCURRENT_LIST_COUNT`] requests at a time, [`PAGE_COUNT_MAX`] pages of a list,
//! [`RESUME_MINUTES_MAX`].

mod batch;
mod document;
mod part;
mod people;
mod progress;
mod related;
mod sources;

use std::collections::BTreeSet;

use breakglass_model::snapshot::Resource;
use futures_util::future;
use futures_util::stream::{self, StreamExt as _};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

pub use self::document::write;
pub(crate) use self::part::{Part, State};
use self::progress::Tally;
pub use self::progress::{Progress, Silent};
use self::related::REGISTRATIONS;
use self::sources::{REGISTRATIONS_PERMISSIONS, REGISTRATIONS_TARGET, UNREADABLE};
pub use self::sources::{RELATED, SOURCES, Source};
use crate::ports::{Clock, Directory, DirectoryError, GraphRequest, Parts, PartsError, Refusal};

/// Lists that are read at the same time. Graph's limits are per tenant and count requests, so more would not be faster.
pub const CONCURRENT_LIST_COUNT: usize = 6;

/// Pages of one list; a tenant whose pages never end is none.
pub const PAGE_COUNT_MAX: usize = 20_000;

/// How old a reading may be that is gone on with. A snapshot is one moment, and this is how long its moment may last.
pub const RESUME_MINUTES_MAX: i64 = 60;

/// The part that says what is read.
const HEAD: &str = "reading";

/// Why a reading stopped. What was read is kept.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Nobody is signed in, or it cannot be told who is.
    #[error("it cannot be told who is signed in")]
    SignIn(#[source] DirectoryError),
    /// The tenant does not answer, or the sign-in is over.
    #[error("`{target}` cannot be read")]
    Directory {
        /// What was asked for.
        target: String,
        /// The reason.
        #[source]
        source: DirectoryError,
    },
    /// A list does not end.
    #[error("`{0}` has more than {PAGE_COUNT_MAX} pages")]
    Endless(String),
    /// The parts cannot be kept.
    #[error(transparent)]
    Parts(#[from] PartsError),
}

/// What to read a tenant with.
#[derive(Clone, Copy)]
pub struct Reader<'r> {
    /// The tenant.
    pub directory: &'r dyn Directory,
    /// The time.
    pub clock: &'r dyn Clock,
    /// Where the parts are kept.
    pub parts: &'r dyn Parts,
    /// Who watches.
    pub progress: &'r dyn Progress,
}

/// What a reading is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// The tenant.
    pub tenant_id: String,
    /// When the first request was made.
    pub taken_at: Timestamp,
    /// Users and groups that were named as ones on whom an answer depends.
    pub named: BTreeSet<String>,
}

/// What came of a reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// What it is of.
    pub head: Head,
    /// Requests that were made, batches counted once.
    pub request_count: u64,
    /// Whether an earlier reading was gone on with.
    pub is_resumed: bool,
}

impl Reader<'_> {
    /// Reads everything. `named` are the declared accounts and whoever else more is to be known about, by id or sign-in
    /// name.
    ///
    /// # Errors
    /// The tenant cannot be reached, nobody can sign in, or the parts cannot be kept.
    pub async fn read(&self, named: &BTreeSet<String>) -> Result<Finished, ReadError> {
        let signed_in = self.directory.signed_in().await.map_err(ReadError::SignIn)?;
        let (head, is_resumed) = self.head(&signed_in.tenant_id, named)?;
        let tally = Tally::new(self.progress);
        // Of what is asked of single objects, how much it will be is known only after the lists: so far, one request each.
        let expected = self.expected().await + RELATED.len() as u64;
        tally.expect(expected);
        let mut lists = stream::iter(SOURCES.iter().map(|source| self.list(source, &tally)))
            .buffer_unordered(CONCURRENT_LIST_COUNT);
        let all = async {
            while let Some(read) = lists.next().await {
                read?;
            }
            Ok(())
        };
        let (all, report) = future::join(all, self.registrations(&tally)).await;
        all.and(report)?;
        for (resource, why) in UNREADABLE {
            let part = Part::of(self.parts, resource.name());
            if part.resume()? == State::New {
                part.add(std::iter::empty(), &State::Missing((*why).to_owned()))?;
            }
        }
        self.related(named, &tally).await?;
        tally.end();
        Ok(Finished { head, request_count: tally.done(), is_resumed })
    }

    /// What is read, and whether it goes on with what is there: of the same tenant, the same people, and not long ago.
    fn head(&self, tenant_id: &str, named: &BTreeSet<String>) -> Result<(Head, bool), PartsError> {
        let now = self.clock.now();
        let is_same =
            |head: &Head| head.tenant_id == tenant_id && head.named == *named && is_gone_on_with(head.taken_at, now);
        if let Some(head) = Part::of(self.parts, HEAD).last().map(|head: Option<Head>| head.filter(is_same))? {
            return Ok((head, true));
        }
        self.parts.clear()?;
        let head = Head { tenant_id: tenant_id.to_owned(), taken_at: now, named: named.clone() };
        Part::of(self.parts, HEAD).add_one(&head, &State::Done)?;
        Ok((head, false))
    }

    /// Requests that the lists will take, by the number of objects; what cannot be counted is one.
    async fn expected(&self) -> u64 {
        let mut expected = 0;
        for source in SOURCES {
            expected += 1;
            let Some((target, page)) = source.counted else { continue };
            let request = GraphRequest { is_eventual: true, ..GraphRequest::get(target) };
            let Ok(answer) = self.directory.send(&request).await else { continue };
            let count = std::str::from_utf8(&answer.body).ok();
            let count = count.and_then(|text| text.trim_start_matches('\u{feff}').trim().parse::<u64>().ok());
            // The report of registrations has an object for each user too.
            let lists = if source.resource == Resource::Users { 2 } else { 1 };
            expected += lists * count.unwrap_or_default() / page;
        }
        expected
    }

    /// What everybody has registered, by the report: one request for a thousand users instead of one each.
    async fn registrations(&self, tally: &Tally<'_>) -> Result<(), ReadError> {
        self.pages(REGISTRATIONS, REGISTRATIONS_TARGET, tally, &|refusal| needed(refusal, REGISTRATIONS_PERMISSIONS))
            .await
    }

    async fn list(&self, source: &Source, tally: &Tally<'_>) -> Result<(), ReadError> {
        let refused = |refusal: &Refusal| needed(refusal, source.permissions);
        self.pages(source.resource.name(), source.target, tally, &refused).await
    }

    /// Reads a list to its end into a part.
    async fn pages(
        &self,
        name: &str,
        first: &str,
        tally: &Tally<'_>,
        refused: &(dyn Fn(&Refusal) -> String + Sync),
    ) -> Result<(), ReadError> {
        let part = Part::of(self.parts, name);
        let mut target = match part.resume()? {
            State::New => first.to_owned(),
            State::Next(target) => target,
            State::Done | State::Missing(_) => {
                tally.step(name, 0);
                return Ok(());
            }
        };
        for _ in 0..PAGE_COUNT_MAX {
            tally.step(name, 1);
            let page = match self.page(&target).await {
                Ok(page) => page,
                Err(DirectoryError::Refused(refusal)) if is_an_answer(&refusal) => {
                    part.add(std::iter::empty(), &State::Missing(refused(&refusal)))?;
                    return Ok(());
                }
                Err(source) => return Err(ReadError::Directory { target, source }),
            };
            let then = page.next.map_or(State::Done, State::Next);
            part.add(page.objects.iter().map(AsRef::as_ref), &then)?;
            match then {
                State::Next(next) => target = next,
                _ => return Ok(()),
            }
        }
        Err(ReadError::Endless(first.to_owned()))
    }

    async fn page(&self, target: &str) -> Result<Page, DirectoryError> {
        let answer = self.directory.send(&GraphRequest::get(target)).await?;
        Page::of(&answer.body)
    }

    /// Every object of a part, in order.
    fn each(&self, name: &str, show: &mut dyn FnMut(&Value)) -> Result<State, PartsError> {
        Part::of(self.parts, name).each(&mut |line| {
            // It was read as JSON before it was kept.
            if let Ok(value) = serde_json::from_str(line) {
                show(&value);
            }
            Ok(())
        })
    }
}

/// Why something is not read, with what it needs if that may be it.
fn needed(refusal: &Refusal, permissions: &[&str]) -> String {
    let needs = permissions.join("`, `");
    if refusal.status == 403 { format!("{refusal} (needs `{needs}`)") } else { refusal.to_string() }
}

/// Whether what was begun then is gone on with now, rather than begun anew.
pub(crate) fn is_gone_on_with(begun_at: Timestamp, now: Timestamp) -> bool {
    let age = now.duration_since(begun_at);
    age >= SignedDuration::ZERO && age <= SignedDuration::from_mins(RESUME_MINUTES_MAX)
}

/// Whether a refusal says something about the list, and not about the moment.
fn is_an_answer(refusal: &Refusal) -> bool {
    (400..500).contains(&refusal.status) && !matches!(refusal.status, 401 | 408 | 425 | 429)
}

/// One page: a collection's, or one object.
struct Page {
    objects: Vec<Box<RawValue>>,
    next: Option<String>,
}

impl Page {
    fn of(body: &[u8]) -> Result<Self, DirectoryError> {
        #[derive(Deserialize)]
        struct Collection {
            value: Vec<Box<RawValue>>,
            #[serde(rename = "@odata.nextLink")]
            next: Option<String>,
        }
        let malformed = |error: serde_json::Error| DirectoryError::Malformed { why: error.to_string() };
        if let Ok(page) = serde_json::from_slice::<Collection>(body) {
            return Ok(Self { objects: page.value, next: page.next });
        }
        let object: Box<RawValue> = serde_json::from_slice(body).map_err(malformed)?;
        if !object.get().starts_with('{') {
            return Err(DirectoryError::Malformed { why: "it is neither a collection nor an object".to_owned() });
        }
        Ok(Self { objects: vec![object], next: None })
    }
}
