//! What happens, a line each, as it happens: also what others do, in other processes.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use breakglass_adapters::clock::SystemClock;
use breakglass_ops::ports::{Clock as _, Store};
use breakglass_ops::watching::incident::Entry;
use breakglass_ops::watching::taking::PREFIX;

use serde_json::Value;

use crate::render::incident::{Names, entry_line, line};
use crate::wiring::World;

/// Stands for everything of an incident that is closed, to which nothing is added.
const ALL: usize = usize::MAX;

/// What was shown so far: entries of each incident.
pub(super) struct Timeline<'t> {
    shown: Mutex<BTreeMap<String, usize>>,
    names: &'t Names,
}

impl<'t> Timeline<'t> {
    /// Everything that there is already is not shown.
    pub(super) fn from_now(store: &dyn Store, names: &'t Names) -> Self {
        let mut shown = BTreeMap::new();
        for stream in store.streams(PREFIX).unwrap_or_default() {
            let entries = store.entries(&stream).unwrap_or_default();
            let count = if is_closed(&entries) { ALL } else { entries.len() };
            shown.insert(stream, count);
        }
        Self { shown: Mutex::new(shown), names }
    }

    /// Shows what is new; whether there was anything. What cannot be read is shown once it can.
    pub(super) fn show(&self, store: &dyn Store, world: &World) -> bool {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let mut is_new = false;
        for stream in store.streams(PREFIX).unwrap_or_default() {
            let before = shown.get(&stream).copied().unwrap_or(0);
            if before == ALL {
                continue;
            }
            let entries = store.entries(&stream).unwrap_or_default();
            for value in entries.iter().skip(before) {
                is_new = true;
                if let Ok(entry) = serde_json::from_value::<Entry>(value.clone()) {
                    let number = stream.strip_prefix(PREFIX).unwrap_or_default();
                    put(&entry_line(number, &entry, self.names, world.stdout), world);
                }
            }
            if entries.len() > before {
                shown.insert(stream, if is_closed(&entries) { ALL } else { entries.len() });
            }
        }
        is_new
    }

    /// Shows something that is no entry.
    pub(super) fn line(&self, number: &str, said: &str, world: &World) {
        let _ordered = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        put(&line(SystemClock.now(), number, said, world.stdout), world);
    }
}

fn is_closed(entries: &[Value]) -> bool {
    let last = entries.last().map(|last| serde_json::from_value(last.clone()));
    matches!(last, Some(Ok(Entry::Closed { .. })))
}

fn put(line: &str, world: &World) {
    // Whoever does not read it any more is told by the channels.
    let _ = world.print(line);
}
