//! What the watcher remembers, in the same SQLite file as the streams: the port [`WatchStore`].
//!
//! What is kept together is one transaction. The clock of lent deliveries is the database's, in milliseconds: whoever asks it
//! at the same file has the same one. **Durability:** that of [`crate::sqlite_store`].

use breakglass_custody::name::Name;
use breakglass_ops::ports::{
    Batch, Behind, DUE_SECONDS_MAX, Delivery, DeliveryKey, DeliveryState, ExpectedIncident, KeptDelivery, KeptEvent,
    Lent, MovedCursor, NewEvent, StoreError, Tried, WatchStore,
};
use breakglass_ops::watching::event::{Event, EventId, Reached};
use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, TransactionBehavior, params};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::sqlite_store::{SqliteStore, append_within};

/// The tables. `reached` is the place in [`REACHED`]; times are milliseconds since 1970.
pub(crate) const FORM_OF_WATCH: &str = "CREATE TABLE cursors (
        source TEXT NOT NULL PRIMARY KEY,
        cursor TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE events (
        id TEXT NOT NULL PRIMARY KEY,
        incident TEXT NOT NULL,
        number INTEGER NOT NULL,
        reached INTEGER NOT NULL,
        event TEXT NOT NULL,
        UNIQUE (incident, number)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE deliveries (
        incident TEXT NOT NULL,
        alert INTEGER NOT NULL,
        channel TEXT NOT NULL,
        recipient TEXT NOT NULL,
        step INTEGER NOT NULL,
        message TEXT NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        why TEXT,
        since INTEGER NOT NULL,
        due_at INTEGER NOT NULL,
        lent_until INTEGER,
        PRIMARY KEY (incident, alert, channel, recipient, step)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX deliveries_due ON deliveries (channel, due_at) WHERE state = 'pending';";

/// How far somebody got, in the order in which it is compared.
const REACHED: [Reached; 5] = [Reached::Own, Reached::Nothing, Reached::Unsaid, Reached::Credential, Reached::Token];

/// Columns of a delivery.
const DELIVERY: &str = "incident, alert, channel, recipient, step, message, state, attempts, why";

/// That a text of a column is not what it has to be.
fn strange(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}

fn parsed<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    serde_json::from_str(&row.get::<_, String>(column)?).map_err(|error| strange(column, error))
}

fn named(row: &Row<'_>, column: usize) -> rusqlite::Result<Name> {
    Name::read(&row.get::<_, String>(column)?).map_err(|error| strange(column, error))
}

/// A row of `event, incident, number`.
fn event_of(row: &Row<'_>) -> rusqlite::Result<KeptEvent> {
    Ok(KeptEvent { event: parsed::<Event>(row, 0)?, incident: row.get(1)?, number: row.get(2)? })
}

/// A row of [`DELIVERY`].
fn delivery_of(row: &Row<'_>) -> rusqlite::Result<KeptDelivery> {
    let key = DeliveryKey {
        incident: row.get(0)?,
        alert: row.get(1)?,
        channel: named(row, 2)?,
        recipient: named(row, 3)?,
        step: row.get(4)?,
    };
    Ok(KeptDelivery {
        delivery: Delivery { key, message: parsed::<Value>(row, 5)? },
        state: match row.get::<_, String>(6)?.as_str() {
            "delivered" => DeliveryState::Delivered,
            "expired" => DeliveryState::Expired,
            _ => DeliveryState::Pending,
        },
        attempt_count: row.get(7)?,
        why: row.get(8)?,
    })
}

/// Now, by the database's clock.
fn clock(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)", [], |row| row.get(0))
}

fn instant(milliseconds: i64) -> Timestamp {
    let end = if milliseconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_millisecond(milliseconds).unwrap_or(end)
}

fn later(now: i64, seconds: i64) -> i64 {
    now.saturating_add(seconds.saturating_mul(1_000))
}

/// A batch in texts.
struct Written<'b> {
    batch: &'b Batch,
    entries: Vec<String>,
    events: Vec<String>,
}

impl Written<'_> {
    /// Keeps all of it within a transaction. Where somebody else has come between, it is said where.
    fn keep(&self, transaction: &Transaction<'_>) -> rusqlite::Result<Result<(), String>> {
        if let Some(moved) = &self.batch.cursor
            && !move_cursor(transaction, moved)?
        {
            return Ok(Err(moved.source.to_string()));
        }
        for expected in &self.batch.expected {
            if !is_as_expected(transaction, expected)? {
                return Ok(Err(expected.incident.clone()));
            }
        }
        for (new, text) in self.batch.events.iter().zip(&self.events) {
            if !keep_event(transaction, new, text)? {
                return Ok(Err(new.kept.incident.clone()));
            }
        }
        for ((stream, at, _), text) in self.batch.entries.iter().zip(&self.entries) {
            if !append_within(transaction, (stream, *at), text)? {
                return Ok(Err(stream.clone()));
            }
        }
        let now = clock(transaction)?;
        for Delivery { key, message } in &self.batch.deliveries {
            let values = params![
                key.incident,
                key.alert,
                key.channel.as_str(),
                key.recipient.as_str(),
                key.step,
                message.to_string(),
                now
            ];
            let sql = format!(
                "INSERT INTO deliveries ({DELIVERY}, since, due_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'pending', 0, NULL, ?7, ?7)
                 ON CONFLICT DO NOTHING"
            );
            if transaction.execute(&sql, values)? != 1 {
                return Ok(Err(key.incident.clone()));
            }
        }
        Ok(Ok(()))
    }
}

fn move_cursor(transaction: &Transaction<'_>, moved: &MovedCursor) -> rusqlite::Result<bool> {
    let source = moved.source.as_str();
    let mut statement = transaction.prepare("SELECT cursor FROM cursors WHERE source = ?1")?;
    let found = statement.query_row([source], |row| parsed::<Value>(row, 0)).optional()?;
    if found != moved.before {
        return Ok(false);
    }
    let sql = "INSERT INTO cursors (source, cursor) VALUES (?1, ?2) ON CONFLICT (source) DO UPDATE SET cursor = ?2";
    transaction.execute(sql, params![source, moved.after.to_string()])?;
    Ok(true)
}

/// Whether an incident has come no further.
fn is_as_expected(transaction: &Transaction<'_>, expected: &ExpectedIncident) -> rusqlite::Result<bool> {
    let ExpectedIncident { incident, length, last } = expected;
    let count: usize =
        transaction.query_row("SELECT count(*) FROM entries WHERE stream = ?1", [incident], |row| row.get(0))?;
    let found: Option<u64> =
        transaction.query_row("SELECT max(number) FROM events WHERE incident = ?1", [incident], |row| row.get(0))?;
    Ok(count == *length && found.unwrap_or(0) == *last)
}

fn keep_event(transaction: &Transaction<'_>, new: &NewEvent, text: &str) -> rusqlite::Result<bool> {
    let NewEvent { kept, replaces } = new;
    if found_event(transaction, &kept.event.id)?.as_ref() != replaces.as_ref() {
        return Ok(false);
    }
    let mut of_number = transaction.prepare("SELECT id FROM events WHERE incident = ?1 AND number = ?2")?;
    let holder: Option<String> =
        of_number.query_row(params![kept.incident, kept.number], |row| row.get(0)).optional()?;
    if holder.is_some_and(|holder| holder != kept.event.id.as_str()) {
        return Ok(false);
    }
    let reached = REACHED.iter().position(|reached| *reached == kept.event.reached).unwrap_or(REACHED.len());
    let sql = "INSERT INTO events (id, incident, number, reached, event) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (id) DO UPDATE SET incident = ?2, number = ?3, reached = ?4, event = ?5";
    transaction.execute(sql, params![kept.event.id.as_str(), kept.incident, kept.number, reached, text])?;
    Ok(true)
}

fn found_event(connection: &Connection, id: &EventId) -> rusqlite::Result<Option<KeptEvent>> {
    let sql = "SELECT event, incident, number FROM events WHERE id = ?1";
    connection.query_row(sql, [id.as_str()], event_of).optional()
}

impl WatchStore for SqliteStore {
    fn keep(&self, batch: &Batch) -> Result<(), StoreError> {
        let entries = batch.entries.iter().map(|(stream, _, entry)| self.text_of(stream, entry));
        let event = |new: &NewEvent| {
            let value = serde_json::to_value(&new.kept.event).map_err(|error| self.unusable(error.to_string()))?;
            self.text_of(&new.kept.incident, &value)
        };
        let written = Written {
            batch,
            entries: entries.collect::<Result<_, _>>()?,
            events: batch.events.iter().map(event).collect::<Result<_, _>>()?,
        };
        let kept = self.with(|connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let kept = written.keep(&transaction)?;
            // What is not committed is undone.
            if kept.is_ok() {
                transaction.commit()?;
            }
            Ok(kept)
        })?;
        kept.map_err(|stream| StoreError::Conflict { stream })
    }

    fn cursor(&self, source: &Name) -> Result<Option<Value>, StoreError> {
        self.with(|connection| {
            let mut statement = connection.prepare("SELECT cursor FROM cursors WHERE source = ?1")?;
            statement.query_row([source.as_str()], |row| parsed(row, 0)).optional()
        })
    }

    fn event(&self, id: &EventId) -> Result<Option<KeptEvent>, StoreError> {
        self.with(|connection| found_event(connection, id))
    }

    fn events(&self, incident: &str, after: u64, count_max: usize) -> Result<Vec<KeptEvent>, StoreError> {
        self.with(|connection| {
            let sql = "SELECT event, incident, number FROM events WHERE incident = ?1 AND number > ?2 ORDER BY number LIMIT ?3";
            let mut statement = connection.prepare(sql)?;
            let limit = i64::try_from(count_max).unwrap_or(i64::MAX);
            let rows = statement.query_map(params![incident, after, limit], event_of)?;
            rows.collect()
        })
    }

    fn behind(&self, incident: &str, after: u64) -> Result<Behind, StoreError> {
        self.with(|connection| {
            let sql = "SELECT count(*), max(number), max(reached) FROM events WHERE incident = ?1 AND number > ?2";
            connection.query_row(sql, params![incident, after], |row| {
                let reached: Option<usize> = row.get(2)?;
                let furthest = reached.map(|at| REACHED.get(at).copied().unwrap_or(Reached::Unsaid));
                Ok(Behind { count: row.get(0)?, last: row.get(1)?, furthest })
            })
        })
    }

    fn lend(&self, channel: &Name, seconds: i64) -> Result<Option<Lent>, StoreError> {
        self.with(|connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let now = clock(&transaction)?;
            let sql = format!(
                "SELECT {DELIVERY}, since FROM deliveries
                 WHERE state = 'pending' AND channel = ?1 AND (due_at <= ?2 OR due_at > ?3)
                 AND (lent_until IS NULL OR lent_until <= ?2 OR lent_until > ?4)
                 ORDER BY due_at, since, incident, alert, recipient, step LIMIT 1"
            );
            let mut statement = transaction.prepare(&sql)?;
            let read = |row: &Row<'_>| Ok((delivery_of(row)?, row.get::<_, i64>(9)?));
            let limits = params![channel.as_str(), now, later(now, DUE_SECONDS_MAX), later(now, seconds)];
            let found = statement.query_row(limits, read).optional()?;
            drop(statement);
            let Some((kept, since)) = found else { return Ok(None) };
            let attempt = kept.attempt_count.saturating_add(1);
            let sql = "UPDATE deliveries SET attempts = ?6, lent_until = ?7
                WHERE incident = ?1 AND alert = ?2 AND channel = ?3 AND recipient = ?4 AND step = ?5";
            let DeliveryKey { incident, alert, channel, recipient, step } = &kept.delivery.key;
            let until = later(now, seconds);
            let values = params![incident, alert, channel.as_str(), recipient.as_str(), step, attempt, until];
            transaction.execute(sql, values)?;
            transaction.commit()?;
            Ok(Some(Lent { delivery: kept.delivery, attempt, since: instant(since), now: instant(now) }))
        })
    }

    fn tried(&self, lent: &Lent, tried: &Tried) -> Result<bool, StoreError> {
        let (state, seconds, why) = match tried {
            Tried::Delivered => ("delivered", 0, None),
            Tried::Again { seconds, why } => ("pending", *seconds, Some(why)),
            Tried::Expired { why } => ("expired", 0, Some(why)),
        };
        self.with(|connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let due_at = later(clock(&transaction)?, seconds);
            // Whoever has it now has another try.
            let sql = "UPDATE deliveries SET state = ?7, due_at = ?8, why = ?9, lent_until = NULL
                WHERE incident = ?1 AND alert = ?2 AND channel = ?3 AND recipient = ?4 AND step = ?5
                AND attempts = ?6 AND state = 'pending' AND lent_until IS NOT NULL";
            let DeliveryKey { incident, alert, channel, recipient, step } = &lent.delivery.key;
            let (channel, recipient) = (channel.as_str(), recipient.as_str());
            let values = params![incident, alert, channel, recipient, step, lent.attempt, state, due_at, why];
            let count = transaction.execute(sql, values)?;
            transaction.commit()?;
            Ok(count == 1)
        })
    }

    fn deliveries(&self, incident: &str) -> Result<Vec<KeptDelivery>, StoreError> {
        self.with(|connection| {
            let sql = format!(
                "SELECT {DELIVERY} FROM deliveries WHERE incident = ?1 ORDER BY alert, channel, recipient, step"
            );
            let mut statement = connection.prepare(&sql)?;
            let rows = statement.query_map([incident], delivery_of)?;
            rows.collect()
        })
    }
}
