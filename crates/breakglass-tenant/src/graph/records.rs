//! Pages of the logs, read from the database a part at a time: whoever asks for a page of a long log costs what the page
//! costs.
//!
//! **Order:** by time, the newest first. A page begins behind the last record of the one before, so that what is logged in
//! the meantime moves nothing.
//! **Limits:** [`PART_COUNT`], [`LOOKED_AT_COUNT_MAX`], [`WHOLE_COUNT_MAX`].

use jiff::{SignedDuration, Timestamp};

use super::Request;
use super::error::GraphError;
use super::list::{answered, limits_of, page_of};
use crate::call::Reply;
use crate::clock::written;
use crate::faults::Delivery;
use crate::odata::{Page, PageLimits, QueryOptions, SkipToken, shape, window};
use crate::state::{Log, Object, Wanted, text};

/// Records that are in memory at a time.
const PART_COUNT: usize = 1_000;
/// Records that one request looks at; then it answers with what it has found, and where to go on.
const LOOKED_AT_COUNT_MAX: usize = 100_000;
/// Records that are counted, searched, or put in another order; a request that describes more is refused.
const WHOLE_COUNT_MAX: usize = 20_000;

/// Properties whose comparisons the database makes.
const COMPARED: [&str; 4] = ["appId", "correlationId", "id", "userId"];
/// Properties that say when it was.
const TIMES: [&str; 2] = ["createdDateTime", "activityDateTime"];

/// What is read of a log, and how it is shown.
pub(super) struct View<'v> {
    pub(super) log: Log,
    /// The name of the collection.
    pub(super) name: &'static str,
    pub(super) delivery: Delivery,
    /// For how many days records are shown.
    pub(super) days: i64,
    /// The record as whoever reads it sees it; `None` if it is not in the list.
    pub(super) shown: &'v dyn Fn(Object) -> Option<Object>,
}

impl View<'_> {
    /// What is asked of the database.
    fn wanted<'o>(&self, conjuncts: &'o [(&str, &'static str, String)], now: Timestamp) -> Wanted<'o> {
        let before = |seconds: i64| written(now.checked_sub(SignedDuration::from_secs(seconds)).unwrap_or(now));
        let (mut from, mut until) = (before(self.days * DAY_SECONDS), before(self.delivery.lag_seconds));
        let mut equal = Vec::new();
        for (property, operator, value) in conjuncts {
            let is = |name: &&&str| name.eq_ignore_ascii_case(property);
            if let (Some(name), "eq") = (COMPARED.iter().find(is), *operator) {
                equal.push((*name, value.as_str()));
            }
            let instant = value.parse::<Timestamp>().ok().filter(|_| TIMES.iter().any(|name| is(&name)));
            let Some(instant) = instant.map(written) else { continue };
            if matches!(*operator, "eq" | "ge" | "gt") {
                from = from.max(instant.clone());
            }
            if matches!(*operator, "eq" | "le" | "lt") {
                until = until.min(instant);
            }
        }
        Wanted { from: Some(from), until: Some(until), equal, ..Wanted::all_of(self.log) }
    }

    /// Whether a record has been delivered.
    fn is_delivered(&self, (number, record): (i64, &Object), now: Timestamp) -> bool {
        let late = if number % 2 == 0 { self.delivery.late_seconds } else { 0 };
        let at = TIMES.iter().find_map(|name| text(record, name)?.parse::<Timestamp>().ok());
        at.is_none_or(|at| now.duration_since(at).as_secs() >= self.delivery.lag_seconds + late)
    }

    const fn copies(&self) -> usize {
        if self.delivery.is_doubled { 2 } else { 1 }
    }
}

const DAY_SECONDS: i64 = 86_400;

/// A page of a log.
pub(super) fn listed(request: &Request<'_>, view: &View<'_>) -> Result<Reply, GraphError> {
    let options = QueryOptions::parse(&request.call.query)?;
    let is_in_order = options.order_by().is_none_or(|order| order.is_descending_by(&TIMES));
    if !is_in_order || options.search().is_some() || options.count() || request.is_count {
        return whole(request, view, &options);
    }
    let limits = limits_of((view.name, PAGE_COUNT, &[]));
    let page = page(request, view, (&options, &limits))?;
    Ok(answered(request, (&options, false), (view.name, page)))
}

/// Records of one page, and the most that may be asked for.
const PAGE_COUNT: usize = 1_000;

/// One record; `None` if there is none, or none that is shown any more.
pub(super) fn one(request: &Request<'_>, view: &View<'_>, id: &str) -> Result<Option<Object>, GraphError> {
    let now = request.tenant.clock.now();
    let wanted = Wanted { equal: vec![("id", id)], ..view.wanted(&[], now) };
    let found = request.tenant.state.records_like(&wanted, 1)?.into_iter();
    let mut found = found.filter(|(number, record)| view.is_delivered((*number, record), now));
    Ok(found.next().and_then(|(_, record)| (view.shown)(record)))
}

/// A place in a log stands in a token as twice the number of the last record that was shown, and one more if it has to
/// come once more.
fn page(
    request: &Request<'_>,
    view: &View<'_>,
    (options, limits): (&QueryOptions, &PageLimits<'_>),
) -> Result<Page, GraphError> {
    let now = request.tenant.clock.now();
    let (start, size) = window(options, limits)?;
    let (mut page, mut place) = (Page { value: Vec::new(), next: None, count: None }, start);
    let conjuncts = options.filter().map(|filter| filter.conjuncts()).unwrap_or_default();
    let mut wanted = view.wanted(&conjuncts, now);
    if start > 0 {
        let number = i64::try_from(start / 2).unwrap_or(i64::MAX);
        // Behind a record that is deleted there is nothing any more.
        let Some(time) = request.tenant.state.record_time(number)? else { return Ok(page) };
        wanted.behind = Some((time, number + i64::from(start % 2 == 1)));
    }
    let mut looked_at = 0;
    loop {
        let part = request.tenant.state.records_like(&wanted, PART_COUNT)?;
        let is_last = part.len() < PART_COUNT;
        for (number, record) in part {
            looked_at += 1;
            let position = usize::try_from(number).unwrap_or(0) * 2;
            wanted.behind = time_of(&record).map(|time| (time, number));
            let is_there = view.is_delivered((number, &record), now);
            let Some(record) = Some(record).filter(|_| is_there).and_then(view.shown) else { continue };
            if !options.filter().map_or(Ok(true), |filter| filter.matches(&record))? {
                continue;
            }
            let is_half_shown = place == position + 1;
            for left in (0..if is_half_shown { 1 } else { view.copies() }).rev() {
                if page.value.len() == size {
                    page.next = Some(SkipToken::new(place, options, view.name));
                    return Ok(page);
                }
                page.value.push(shape(&record, options, limits)?);
                place = position + left;
            }
        }
        if is_last {
            return Ok(page);
        }
        if looked_at >= LOOKED_AT_COUNT_MAX {
            let last = wanted.behind.as_ref().map_or(0, |(_, number)| usize::try_from(*number).unwrap_or(0));
            page.next =
                Some(SkipToken::new(if page.value.len() == size { place } else { last * 2 }, options, view.name));
            return Ok(page);
        }
    }
}

fn time_of(record: &Object) -> Option<String> {
    TIMES.iter().find_map(|name| text(record, name)).map(str::to_owned)
}

/// What cannot be answered from a part alone.
fn whole(request: &Request<'_>, view: &View<'_>, options: &QueryOptions) -> Result<Reply, GraphError> {
    let now = request.tenant.clock.now();
    let conjuncts = options.filter().map(|filter| filter.conjuncts()).unwrap_or_default();
    let mut wanted = view.wanted(&conjuncts, now);
    let mut found: Vec<Object> = Vec::new();
    loop {
        let part = request.tenant.state.records_like(&wanted, PART_COUNT)?;
        let is_last = part.len() < PART_COUNT;
        for (number, record) in part {
            wanted.behind = time_of(&record).map(|time| (time, number));
            let is_there = view.is_delivered((number, &record), now);
            let Some(record) = Some(record).filter(|_| is_there).and_then(view.shown) else { continue };
            if options.filter().map_or(Ok(true), |filter| filter.matches(&record))? {
                found.extend(std::iter::repeat_n(record, view.copies()));
            }
        }
        if found.len() > WHOLE_COUNT_MAX {
            let message = format!(
                "At most {WHOLE_COUNT_MAX} records are counted, searched or put in order. Describe fewer with $filter, by \
                 their time."
            );
            return Err(GraphError::bad_request(message));
        }
        if is_last {
            return page_of(request, (view.name, PAGE_COUNT), found);
        }
    }
}
