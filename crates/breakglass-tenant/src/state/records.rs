//! Records of the logs by what they tell: read in the order of time, a part at a time, and deleted when they are old.

use rusqlite::types::Value;
use rusqlite::{OptionalExtension as _, params, params_from_iter};

use super::database::{Database, name, object};
use super::{Log, Object, StateError};

/// When what a record tells happened, as SQLite reads it out of the body.
macro_rules! time {
    () => {
        "COALESCE(json_extract(body, '$.createdDateTime'), json_extract(body, '$.activityDateTime'), \
         json_extract(body, '$.at'))"
    };
}
const TIME: &str = time!();

/// Instants are written in one way, UTC and whole seconds, so that they are in order as texts.
pub(super) const INDEX: &str =
    concat!("CREATE INDEX IF NOT EXISTS record_by_time ON record (log, ", time!(), ", number);");

/// Which records are read.
#[derive(Debug, Clone)]
pub(crate) struct Wanted<'w> {
    pub(crate) log: Log,
    /// The first and the last instant, as they are written.
    pub(crate) from: Option<String>,
    pub(crate) until: Option<String>,
    /// Only what stands behind this record, by its time and number.
    pub(crate) behind: Option<(String, i64)>,
    /// Texts that a record has, without regard to the case of ASCII letters. The names come from no request.
    pub(crate) equal: Vec<(&'static str, &'w str)>,
}

impl Wanted<'_> {
    /// Every record of a log.
    pub(crate) const fn all_of(log: Log) -> Self {
        Self { log, from: None, until: None, behind: None, equal: Vec::new() }
    }

    /// The condition, and what its question marks stand for.
    fn condition(&self) -> (String, Vec<Value>) {
        let mut sql = "log = ?".to_owned();
        let mut values = vec![Value::from(name(self.log).to_owned())];
        let bounds = [(" >= ?", self.from.as_ref()), (" <= ?", self.until.as_ref())];
        for (operator, bound) in bounds.into_iter().filter_map(|(operator, bound)| Some((operator, bound?))) {
            sql += &format!(" AND {TIME}{operator}");
            values.push(Value::from(bound.clone()));
        }
        if let Some((time, number)) = &self.behind {
            sql += &format!(" AND {TIME} <= ? AND ({TIME} < ? OR number < ?)");
            values.extend([Value::from(time.clone()), Value::from(time.clone()), Value::from(*number)]);
        }
        for (name, text) in &self.equal {
            sql += &format!(" AND json_extract(body, '$.{name}') = ? COLLATE NOCASE");
            values.push(Value::from((*text).to_owned()));
        }
        (sql, values)
    }
}

impl Database {
    /// Records that are wanted, the newest first, each with its number.
    pub(super) fn records_like(&self, wanted: &Wanted<'_>, count_max: usize) -> Result<Vec<(i64, Object)>, StateError> {
        let (condition, mut values) = wanted.condition();
        let sql =
            format!("SELECT number, body FROM record WHERE {condition} ORDER BY {TIME} DESC, number DESC LIMIT ?");
        values.push(Value::from(i64::try_from(count_max).unwrap_or(i64::MAX)));
        let rows: Vec<(i64, String)> = {
            let connection = self.connection();
            let mut records = connection.prepare_cached(&sql)?;
            let columns = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
            records.query_map(params_from_iter(values), columns)?.collect::<Result<_, _>>()?
        };
        // Nobody waits for the database while they are read.
        rows.into_iter().map(|(number, body)| Ok((number, object(&body)?))).collect()
    }

    /// When what a record tells happened.
    pub(super) fn record_time(&self, number: i64) -> Result<Option<String>, StateError> {
        let connection = self.connection();
        let mut times = connection.prepare_cached(concat!("SELECT ", time!(), " FROM record WHERE number = ?1"))?;
        Ok(times.query_row(params![number], |row| row.get(0)).optional()?)
    }

    /// Deletes the oldest records of a log.
    pub(super) fn forget_records(
        &self,
        (log, before): (Log, &str),
        from_number: Option<i64>,
        count_max: usize,
    ) -> Result<usize, StateError> {
        let sql = concat!(
            "DELETE FROM record WHERE number IN (SELECT number FROM record WHERE log = ?1 AND ",
            time!(),
            " < ?2 AND number < MIN(?3, (SELECT MAX(number) FROM record)) ORDER BY ",
            time!(),
            " LIMIT ?4)"
        );
        let count = i64::try_from(count_max).unwrap_or(i64::MAX);
        let values = params![name(log), before, from_number.unwrap_or(i64::MAX), count];
        Ok(self.connection().prepare_cached(sql)?.execute(values)?)
    }
}
