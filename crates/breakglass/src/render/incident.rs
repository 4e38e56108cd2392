//! Incidents, for people and as documents.

use std::collections::BTreeMap;

use breakglass_custody::name::Name;
use breakglass_ops::ports::{DeliveryState, KeptDelivery, KeptEvent};
use breakglass_ops::watching::event::{Event, Reached};
use breakglass_ops::watching::incident::{Class, Entry, Incident, Via};
use breakglass_ops::watching::words;
use jiff::Timestamp;
use serde::Serialize;

use super::paint::{Paint, Style};
use super::table::{Cell, Column, table};
use super::{day_and_time, fitted, visible};
use crate::wiring::Screen;

/// Name and version of the document with all incidents.
const FORMAT: &str = "breakglass-incidents/1";

/// Name and version of the document with one.
const FORMAT_ONE: &str = "breakglass-incident/1";

/// What people are called, by their ids.
#[derive(Debug, Default)]
pub(crate) struct Names(pub(crate) BTreeMap<String, String>);

impl Names {
    fn called(&self, id: &Name) -> String {
        match self.0.get(id.as_str()) {
            Some(name) if name != id.as_str() => format!("{name} ({id})"),
            _ => id.to_string(),
        }
    }
}

/// An incident and its number.
#[derive(Debug)]
pub(crate) struct Numbered {
    pub(crate) number: u64,
    pub(crate) incident: Incident,
}

/// Everything about one.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) numbered: Numbered,
    pub(crate) entries: Vec<Entry>,
    pub(crate) events: Vec<KeptEvent>,
    /// Sign-ins that are not among these, the oldest.
    pub(crate) more_count: u64,
    pub(crate) deliveries: Vec<KeptDelivery>,
}

/// The name of the account, else its id.
pub(crate) fn account(incident: &Incident) -> &str {
    incident.user_principal_name().unwrap_or(incident.account())
}

fn class(class: Class) -> &'static str {
    match class {
        Class::Drill => "a drill",
        Class::Real => "an emergency",
        Class::Misuse => "misuse",
    }
}

/// What is to be done next; `None` where it is over.
pub(crate) fn open_for(incident: &Incident) -> Option<&'static str> {
    if incident.is_closed() {
        None
    } else if !incident.is_answered() {
        Some("nobody has answered")
    } else if incident.class().is_none() {
        Some("nobody has said what it was")
    } else if incident.is_reseal_due() {
        Some("the password is to be changed")
    } else {
        Some("it is to be closed")
    }
}

/// What happened, in words.
fn said(entry: &Entry, names: &Names) -> String {
    match entry {
        Entry::Opened { account, user_principal_name, .. } => {
            format!("begins: {}", user_principal_name.as_deref().unwrap_or(account))
        }
        Entry::Alerted { number, because, newly, step, .. } => {
            let newly = newly.map(|newly| format!(": {}", words::reached(newly))).unwrap_or_default();
            format!("alert {number} on step {step}: {}{newly}", words::because(*because))
        }
        Entry::Acknowledged { by, via: Via::Command, .. } => format!("{} has answered", names.called(by)),
        Entry::Acknowledged { by, via: Via::Link, .. } => {
            format!("somebody with the message of {} has answered", names.called(by))
        }
        Entry::Classified { class: of, by, reason, .. } => {
            format!("{} says that it was {}: {reason}", names.called(by), class(*of))
        }
        Entry::Resealed { .. } => "the password was changed since, sealed and proved".to_owned(),
        Entry::Closed { by, post_mortem, .. } => format!("{} has closed it: {post_mortem}", names.called(by)),
    }
}

fn at(entry: &Entry) -> Timestamp {
    match entry {
        Entry::Opened { at, .. }
        | Entry::Alerted { at, .. }
        | Entry::Acknowledged { at, .. }
        | Entry::Classified { at, .. }
        | Entry::Resealed { at, .. }
        | Entry::Closed { at, .. } => *at,
    }
}

/// A line of the time line.
pub(crate) fn line(at: Timestamp, number: &str, said: &str, screen: Screen) -> String {
    let head = format!("{}  incident {number}  ", at.strftime("%H:%M:%S"));
    let indent = " ".repeat(head.len());
    // Whoever reads a file of them looks for whole lines.
    if screen.is_terminal {
        fitted(&visible(said), &head, &indent, screen.columns)
    } else {
        format!("{}  incident {number}  {}\n", at.strftime("%Y-%m-%dT%H:%M:%SZ"), visible(said))
    }
}

/// An entry as a line of the time line.
pub(crate) fn entry_line(number: &str, entry: &Entry, names: &Names, screen: Screen) -> String {
    line(at(entry), number, &said(entry, names), screen)
}

/// All of them, the newest first.
pub(crate) fn list(all: &[Numbered], (columns, paint): (usize, Paint)) -> String {
    if all.is_empty() {
        return "There is no incident.\n".to_owned();
    }
    let heads = [("No.", false), ("Begun", true), ("Account", true), ("How far", true), ("Stands", true)];
    let heads = heads.map(|(heading, is_flexible)| Column { heading, is_flexible });
    let row = |one: &Numbered| {
        let Numbered { number, incident } = one;
        let stands = match open_for(incident) {
            Some(open) => Cell::styled(format!("open: {open}"), Style::Strong),
            None => Cell::plain("closed"),
        };
        vec![
            Cell::plain(number.to_string()),
            Cell::plain(incident.opened_at().map(day_and_time).unwrap_or_default()),
            Cell::plain(account(incident)),
            Cell::plain(incident.furthest().map_or("nobody was told yet", words::reached)),
            stands,
        ]
    };
    table(&heads, &all.iter().rev().map(row).collect::<Vec<_>>(), (columns, paint))
}

/// One, with everything that happened.
pub(crate) fn text(whole: &Whole, names: &Names, (columns, paint): (usize, Paint)) -> String {
    let Whole { numbered: Numbered { number, incident }, entries, events, more_count, deliveries } = whole;
    let heading = |text: &str| format!("\n{}\n\n", paint.apply(Style::Strong, text));
    let mut said_all = fitted(&format!("Incident {number}: {}", visible(account(incident))), "", "  ", columns);
    let stands = open_for(incident).map_or_else(|| "It is closed.".to_owned(), |open| format!("It is open: {open}."));
    said_all.push_str(&fitted(&stands, "", "", columns));
    said_all.push_str(&heading("What happened"));
    for entry in entries {
        let head = format!("  {}  ", at(entry).strftime("%Y-%m-%d %H:%M:%S"));
        let indent = " ".repeat(head.len());
        said_all.push_str(&fitted(&visible(&said(entry, names)), &head, &indent, columns));
    }
    said_all.push_str(&heading("Sign-ins, the newest first"));
    for KeptEvent { event, .. } in events.iter().rev() {
        said_all.push_str(&fitted(&words::line(event), "  ", "    ", columns));
    }
    if *more_count > 0 {
        said_all.push_str(&fitted(&format!("and {more_count} before; --format json has all"), "  ", "  ", columns));
    }
    said_all.push_str(&heading("Who was told"));
    said_all.push_str(&told(deliveries, names, columns));
    said_all
}

/// By which channel whom, counted.
fn told(deliveries: &[KeptDelivery], names: &Names, columns: usize) -> String {
    let mut ways: BTreeMap<(&Name, &Name), Vec<&KeptDelivery>> = BTreeMap::new();
    for kept in deliveries {
        let key = &kept.delivery.key;
        ways.entry((&key.recipient, &key.channel)).or_default().push(kept);
    }
    if ways.is_empty() {
        return "  Nobody yet.\n".to_owned();
    }
    let line = |((recipient, channel), all): ((&Name, &Name), Vec<&KeptDelivery>)| {
        let count = |state: DeliveryState| all.iter().filter(|kept| kept.state == state).count();
        let mut said =
            format!("{} by {channel}: {} delivered", names.called(recipient), count(DeliveryState::Delivered));
        for (state, word) in [(DeliveryState::Pending, "waiting"), (DeliveryState::Expired, "given up")] {
            if count(state) > 0 {
                said.push_str(&format!(", {} {word}", count(state)));
            }
        }
        let last = all.iter().rev().find_map(|kept| kept.why.as_deref().map(|why| (kept.attempt_count, why)));
        if let Some((attempts, why)) = last {
            let tries = if attempts == 1 { "1 try".to_owned() } else { format!("{attempts} tries") };
            said.push_str(&format!("; after {tries}: {}", visible(why)));
        }
        fitted(&said, "  ", "    ", columns)
    };
    ways.into_iter().map(line).collect()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct IncidentDocument<'i> {
    number: u64,
    account: &'i str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_principal_name: Option<&'i str>,
    opened_at: Option<Timestamp>,
    furthest: Option<Reached>,
    class: Option<Class>,
    is_answered: bool,
    is_reseal_due: bool,
    is_closed: bool,
}

fn document(Numbered { number, incident }: &Numbered) -> IncidentDocument<'_> {
    IncidentDocument {
        number: *number,
        account: incident.account(),
        user_principal_name: incident.user_principal_name(),
        opened_at: incident.opened_at(),
        furthest: incident.furthest(),
        class: incident.class(),
        is_answered: incident.is_answered(),
        is_reseal_due: incident.is_reseal_due(),
        is_closed: incident.is_closed(),
    }
}

fn pretty(document: &impl Serialize) -> String {
    serde_json::to_string_pretty(document).map(|text| text + "\n").unwrap_or_default()
}

/// All of them as JSON.
pub(crate) fn list_json(all: &[Numbered]) -> String {
    #[derive(Serialize)]
    struct Document<'l> {
        format: &'static str,
        incidents: Vec<IncidentDocument<'l>>,
    }
    pretty(&Document { format: FORMAT, incidents: all.iter().map(document).collect() })
}

/// One as JSON.
pub(crate) fn json(whole: &Whole) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct DeliveryDocument<'d> {
        alert: u32,
        channel: &'d Name,
        recipient: &'d Name,
        step: u16,
        state: DeliveryState,
        attempt_count: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        why: Option<&'d str>,
    }
    #[derive(Serialize)]
    struct Document<'l> {
        format: &'static str,
        incident: IncidentDocument<'l>,
        entries: &'l [Entry],
        events: Vec<&'l Event>,
        deliveries: Vec<DeliveryDocument<'l>>,
    }
    let deliveries = whole.deliveries.iter().map(|kept| {
        let key = &kept.delivery.key;
        DeliveryDocument {
            alert: key.alert,
            channel: &key.channel,
            recipient: &key.recipient,
            step: key.step,
            state: kept.state,
            attempt_count: kept.attempt_count,
            why: kept.why.as_deref(),
        }
    });
    pretty(&Document {
        format: FORMAT_ONE,
        incident: document(&whole.numbered),
        entries: &whole.entries,
        events: whole.events.iter().map(|kept| &kept.event).collect(),
        deliveries: deliveries.collect(),
    })
}
