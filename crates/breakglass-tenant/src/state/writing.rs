//! Changes on their way: worked out, told of in the directory audit, and committed in one transaction with those records.

use std::sync::{MutexGuard, PoisonError};

use super::{Change, Directory, Log, Object, State, StateError, notices};

/// Changes that are worked out and not made yet. Nobody else works any out until they are committed, or given up by
/// dropping them; whoever reads does not see them before. Whoever holds them begins no others: it would wait for itself.
#[derive(Debug)]
#[must_use = "changes that are dropped are not made"]
pub(crate) struct Writing<'s> {
    state: &'s State,
    changes: Vec<Change>,
    /// Records of the directory audit that tell of them.
    audits: Vec<Object>,
    has_notices: bool,
    /// One change at a time.
    one: MutexGuard<'s, ()>,
}

impl State {
    /// Works changes out from what is there.
    pub(crate) fn begin<T, E>(
        &self,
        work_out: impl FnOnce(&Directory) -> Result<(Vec<Change>, T), E>,
    ) -> Result<(Writing<'_>, T), E> {
        let one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let directory = self.read();
        let (mut changes, result) = work_out(&directory)?;
        let notices = notices::queued(&directory, &changes);
        drop(directory);
        let has_notices = !notices.is_empty();
        changes.extend(notices);
        Ok((Writing { state: self, changes, audits: Vec::new(), has_notices, one }, result))
    }

    /// Makes changes of which no record tells, worked out from what is there: all of them, or none.
    pub(crate) fn write<T, E: From<StateError>>(
        &self,
        work_out: impl FnOnce(&Directory) -> Result<(Vec<Change>, T), E>,
    ) -> Result<T, E> {
        let (writing, result) = self.begin(work_out)?;
        writing.commit()?;
        Ok(result)
    }
}

impl Writing<'_> {
    /// Adds a record of the directory audit that is there if the changes are.
    pub(crate) fn tell(&mut self, record: Object) {
        self.audits.push(record);
    }

    /// Makes the changes and writes their records: all of them, or none. The records are in their files as well, if
    /// there are files, before whoever caused them is answered.
    ///
    /// # Errors
    /// The database refuses: then there is neither. The files cannot be written: then there is everything but the lines.
    pub(crate) fn commit(self) -> Result<(), StateError> {
        let Self { state, changes, audits, has_notices, one } = self;
        state.database.commit(&changes, &audits)?;
        let mut directory = state.directory.write().unwrap_or_else(PoisonError::into_inner);
        changes.into_iter().for_each(|change| directory.apply(change));
        drop(directory);
        // The next one need not wait for files.
        drop(one);
        if has_notices {
            state.noticed.notify_one();
        }
        audits.iter().try_for_each(|record| state.tell_elsewhere(Log::DirectoryAudits, record))
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use breakglass_model::snapshot::Resource;
    use serde_json::{Value, json};

    use super::super::database::FILE_NAME;
    use super::{Change, Log, Object, State, StateError};

    /// A state in a folder of its own, and the folder.
    fn state(name: &str) -> (State, PathBuf) {
        let folder = std::env::temp_dir().join(format!("breakglass-writing-{}-{name}", std::process::id()));
        drop(std::fs::remove_dir_all(&folder));
        std::fs::create_dir_all(&folder).unwrap();
        (State::open(&folder).unwrap(), folder)
    }

    fn object(value: Value) -> Object {
        value.as_object().cloned().unwrap()
    }

    fn user(id: &str) -> Change {
        Change::Put(Resource::Users, object(json!({ "id": id, "userPrincipalName": format!("{id}@contoso.com") })))
    }

    /// Adds a user, and tells of it in so many records.
    fn added(state: &State, id: &str, records: usize) -> Result<(), StateError> {
        let (mut writing, ()) = state.begin(|_| Ok::<_, StateError>((vec![user(id)], ())))?;
        (0..records).for_each(|number| writing.tell(object(json!({ "id": format!("{id}-{number}") }))));
        writing.commit()
    }

    /// Ids of the users and of the records that there are.
    fn seen(state: &State) -> (Vec<String>, Vec<String>) {
        let ids = |objects: Vec<Object>| objects.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
        let users = state.read().all(Resource::Users).cloned().collect();
        (ids(users), ids(state.records(Log::DirectoryAudits, 10).unwrap()))
    }

    #[test]
    fn changes_and_their_records_are_made_together() {
        let (state, folder) = state("together");
        added(&state, "a", 2).unwrap();
        let expected = (vec!["a".to_owned()], vec!["a-1".to_owned(), "a-0".to_owned()]);
        assert_eq!(seen(&state), expected);
        drop(state);
        assert_eq!(seen(&State::open(&folder).unwrap()), expected);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_not_committed_is_not_seen_and_what_is_dropped_is_not_made() {
        let (state, folder) = state("dropped");
        let (mut writing, ()) = state.begin(|_| Ok::<_, StateError>((vec![user("a")], ()))).unwrap();
        writing.tell(object(json!({ "id": "a-0" })));
        assert_eq!(seen(&state), (Vec::new(), Vec::new()));
        drop(writing);
        added(&state, "b", 0).unwrap();
        assert_eq!(seen(&state), (vec!["b".to_owned()], Vec::new()));
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn of_a_commit_that_fails_there_is_neither_change_nor_record() {
        let (state, folder) = state("failing");
        let other = rusqlite::Connection::open(folder.join(FILE_NAME)).unwrap();
        other.execute_batch("ALTER TABLE record RENAME TO elsewhere").unwrap();
        added(&state, "a", 1).unwrap_err();
        added(&state, "b", 0).unwrap();
        other.execute_batch("ALTER TABLE elsewhere RENAME TO record").unwrap();
        other.execute_batch("ALTER TABLE object RENAME TO elsewhere").unwrap();
        added(&state, "c", 1).unwrap_err();
        other.execute_batch("ALTER TABLE elsewhere RENAME TO object").unwrap();
        let expected = (vec!["b".to_owned()], Vec::new());
        assert_eq!(seen(&state), expected);
        drop(state);
        let state = State::open(&folder).unwrap();
        assert_eq!(seen(&state), expected);
        added(&state, "a", 1).unwrap();
        assert_eq!(seen(&state).1, ["a-0"]);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
