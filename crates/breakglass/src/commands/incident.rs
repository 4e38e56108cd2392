//! `incident`: what the watcher has seen, and what somebody says of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use breakglass_adapters::clock::SystemClock;
use breakglass_adapters::sqlite_store::SqliteStore;
use breakglass_custody::name::Name;
use breakglass_ops::ports::{Clock as _, StoreError, WatchStore as _};
use breakglass_ops::rotation::journey;
use breakglass_ops::watching::answering::{AnswerError, answer, entries};
use breakglass_ops::watching::incident::{Class, Entry, EntryError, Incident, TEXT_CHARS_MAX, Via};
use breakglass_ops::watching::resealing::{is_resealed, right_at};
use breakglass_ops::watching::taking::{incidents, stream_of};
use clap::{Subcommand, ValueEnum};

use super::custody::desk::{Desk, Place, enter, name_of};
use crate::codes::ErrorCode;
use crate::exit::Exit;
use crate::failure::{Coded, Failure};
use crate::output::deliver;
use crate::render::incident::{Names, Numbered, Whole, account, json, list, list_json, open_for, text};
use crate::text_file::{TextError, read_text};
use crate::wiring::World;

/// Sign-ins that are shown at a terminal.
const EVENT_SHOWN_COUNT_MAX: u64 = 30;

/// Bytes of a file with a post-mortem: of its characters each has at most four.
const POST_MORTEM_BYTES_MAX: u64 = 4 * TEXT_CHARS_MAX as u64 + 3;

/// See what the watcher has seen, answer it, say what it was, close it
///
/// Everything that happens with one emergency account is one incident, until somebody closes it: nothing closes itself. Somebody
/// answers, and nobody further is told; somebody says what it was; where the password or key was right the account is rotated;
/// and it is closed with what was learned. Whatever comes later is told again.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List incidents, the newest first
    List {
        /// Those that are closed as well
        #[arg(long)]
        all: bool,

        /// The form of the answer
        #[arg(long, value_enum, default_value_t = Form::Text)]
        format: Form,

        #[command(flatten)]
        place: Place,
    },
    /// Show one, with its sign-ins and who was told
    Show {
        /// Its number
        number: u64,

        /// The form of the answer
        #[arg(long, value_enum, default_value_t = Form::Text)]
        format: Form,

        #[command(flatten)]
        place: Place,
    },
    /// Say that you have it: nobody further is told, until more happens
    Acknowledge {
        /// Its number
        number: u64,

        #[command(flatten)]
        who: Who,
    },
    /// Say what it was
    Classify {
        /// Its number
        number: u64,

        /// What it was
        #[arg(value_enum)]
        class: ClassName,

        /// How you know, in words
        #[arg(long, value_name = "TEXT")]
        reason: String,

        #[command(flatten)]
        who: Who,
    },
    /// Close it, with what happened, why, and what is done about it
    ///
    /// It is refused while somebody may still know the password: `breakglass rotate` changes it.
    Close {
        /// Its number
        number: u64,

        /// What happened, why, and what is done about it
        #[arg(long, value_name = "TEXT", required_unless_present = "post_mortem_file")]
        post_mortem: Option<String>,

        /// A file in which that stands
        #[arg(long, value_name = "FILE", conflicts_with = "post_mortem")]
        post_mortem_file: Option<PathBuf>,

        #[command(flatten)]
        who: Who,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Form {
    /// For reading in a terminal
    Text,
    /// One document
    Json,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ClassName {
    /// A rehearsal
    Drill,
    /// An emergency
    Real,
    /// An attack, or a use that nobody had a right to
    Misuse,
}

impl From<ClassName> for Class {
    fn from(name: ClassName) -> Self {
        match name {
            ClassName::Drill => Self::Drill,
            ClassName::Real => Self::Real,
            ClassName::Misuse => Self::Misuse,
        }
    }
}

#[derive(Debug, clap::Args)]
struct Who {
    /// Your id, as in the configuration. Nobody signs it: it is written down as told
    #[arg(long, value_name = "ID")]
    by: String,

    #[command(flatten)]
    place: Place,
}

/// Why nothing was shown or written down.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IncidentFailure {
    /// There is nothing, or it cannot follow.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// The place is of no use.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file cannot be read.
    #[error("the post-mortem cannot be read")]
    PostMortem(#[source] TextError),
    /// Somebody is not declared.
    #[error("`{id}` is nobody of the configuration{}", if .known.is_empty() { String::new() } else { format!("; there are: {}", .known) })]
    Unknown { id: String, known: String },
}

pub(crate) const CODES: &[ErrorCode] = &[ErrorCode {
    code: "BG4101",
    title: "nothing is written down about the incident",
    explanation: "An incident is answered, classified and closed up to the sign-ins of which somebody was told; what comes later \
                  is told again, and has to be said again. It is closed when somebody has said what all of it was, and, where \
                  the password or key was right, the account has another password that is sealed and proved \
                  (`breakglass rotate`), which the directory says was changed after the last such sign-in. The message says \
                  what is missing. Nothing was changed.",
}];

impl Coded for IncidentFailure {
    fn code(&self) -> &'static str {
        "BG4101"
    }

    fn help(&self) -> Option<String> {
        Some(
            match self {
                Self::Answer(AnswerError::None(_)) => "`breakglass incident list --all` shows those that there are",
                Self::Answer(AnswerError::Entry(EntryError::NotClassified)) => {
                    "`breakglass incident classify` first; if you have, more has happened since: `breakglass incident show`"
                }
                Self::Answer(AnswerError::Entry(EntryError::NotResealed)) => {
                    "`breakglass rotate` changes the password; then close it. Security keys and certificates are taken out \
                     with `breakglass keys`, and the password is changed all the same"
                }
                Self::Answer(AnswerError::Entry(EntryError::NotTold)) => {
                    "the watcher tells of it within seconds, if it runs: `breakglass watch`; then the same again"
                }
                Self::Answer(AnswerError::Entry(EntryError::Closed)) => "what happens from now on is another incident",
                Self::Unknown { .. } => {
                    "they are declared below `[[watch.contact]]`, `[[custody.custodian]]` or `[[custody.person]]`"
                }
                Self::PostMortem(_) => "name a file of text, or give it with --post-mortem",
                _ => "the reason is in the message; nothing was changed",
            }
            .to_owned(),
        )
    }
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        match &self.what {
            What::List { all, format, place } => listed(*all, *format, &place.desk(world)?, world),
            What::Show { number, format, place } => shown(*number, *format, &place.desk(world)?, world),
            What::Acknowledge { number, who } => {
                let (desk, by) = who.known(world)?;
                let say = |one: &Incident| Entry::Acknowledged {
                    by: by.clone(),
                    via: Via::Command,
                    covers: one.covered(),
                    at: SystemClock.now(),
                };
                say_of((&desk, *number), say, world)
            }
            What::Classify { number, class, reason, who } => {
                let (desk, by) = who.known(world)?;
                let say = |one: &Incident| Entry::Classified {
                    class: (*class).into(),
                    by: by.clone(),
                    covers: one.covered(),
                    reason: reason.trim().to_owned(),
                    at: SystemClock.now(),
                };
                say_of((&desk, *number), say, world)
            }
            What::Close { number, post_mortem, post_mortem_file, who } => {
                let post_mortem = match (post_mortem, post_mortem_file) {
                    (Some(text), _) => text.clone(),
                    (None, Some(path)) => {
                        read_text(path, POST_MORTEM_BYTES_MAX).map_err(IncidentFailure::PostMortem)?
                    }
                    (None, None) => String::new(),
                };
                let (desk, by) = who.known(world)?;
                reseal(*number, &desk)?;
                let say = |_: &Incident| Entry::Closed {
                    by: by.clone(),
                    post_mortem: post_mortem.trim().to_owned(),
                    at: SystemClock.now(),
                };
                say_of((&desk, *number), say, world)
            }
        }
    }
}

/// What is remembered, if anything is.
fn store_of(desk: &Desk, number: u64) -> Result<SqliteStore, Failure> {
    if desk.has_state() { Ok(desk.store()?) } else { Err(IncidentFailure::from(AnswerError::None(number)).into()) }
}

/// What everybody is called.
pub(super) fn names(desk: &Desk) -> Names {
    Names(desk.config.people().into_iter().map(|person| (person.id, person.name)).collect::<BTreeMap<_, _>>())
}

fn listed(all: bool, format: Form, desk: &Desk, world: &World) -> Result<Exit, Failure> {
    let mut found = Vec::new();
    if desk.has_state() {
        let (remembered, damaged) = incidents(&desk.store()?, |_| true).map_err(IncidentFailure::from)?;
        for damaged in damaged {
            world.note(&format!("what is remembered of `{}` cannot be used: {}", damaged.stream, damaged.why));
        }
        let numbered = remembered.into_iter().map(|one| Numbered { number: one.number, incident: one.incident });
        found = numbered.filter(|one| all || !one.incident.is_closed()).collect();
    }
    let document = match format {
        Form::Json => list_json(&found),
        Form::Text if found.is_empty() && !all => "No incident is open.\n".to_owned(),
        Form::Text => list(&found, (world.stdout.columns, world.stdout.paint)),
    };
    deliver(world, None, &document)?;
    let is_open = found.iter().any(|one| open_for(&one.incident).is_some());
    Ok(if is_open { Exit::Found } else { Exit::Good })
}

fn shown(number: u64, format: Form, desk: &Desk, world: &World) -> Result<Exit, Failure> {
    let store = store_of(desk, number)?;
    let stream = stream_of(number);
    let (entries, incident) = entries(&store, number).map_err(IncidentFailure::from)?;
    let behind = store.behind(&stream, 0).map_err(IncidentFailure::from)?;
    let after = match format {
        Form::Text => behind.last.unwrap_or(0).saturating_sub(EVENT_SHOWN_COUNT_MAX),
        Form::Json => 0,
    };
    let events = store.events(&stream, after, usize::MAX).map_err(IncidentFailure::from)?;
    let whole = Whole {
        numbered: Numbered { number, incident },
        entries,
        more_count: behind.count.saturating_sub(events.len() as u64),
        events,
        deliveries: store.deliveries(&stream).map_err(IncidentFailure::from)?,
    };
    let document = match format {
        Form::Text => text(&whole, &names(desk), (world.stdout.columns, world.stdout.paint)),
        Form::Json => json(&whole),
    };
    deliver(world, None, &document)?;
    Ok(if whole.numbered.incident.is_closed() { Exit::Good } else { Exit::Found })
}

/// Writes down that the account has another password, if it has.
fn reseal(number: u64, desk: &Desk) -> Result<(), Failure> {
    let store = store_of(desk, number)?;
    let (_, incident) = entries(&store, number).map_err(IncidentFailure::from)?;
    if !incident.is_reseal_due() {
        return Ok(());
    }
    let changed_at = journey::course_of(&store, incident.account()).ok().and_then(|(course, _)| course.changed_at());
    let covers = incident.covered();
    let right_at = right_at(&store, &stream_of(number), covers).map_err(IncidentFailure::from)?;
    if is_resealed(right_at, changed_at) {
        let at = SystemClock.now();
        answer(&store, number, |_| Entry::Resealed { covers, at }).map_err(IncidentFailure::from)?;
    }
    Ok(())
}

impl Who {
    /// Where it is said and by whom, if somebody of that id is declared; by anybody where nobody is.
    fn known(&self, world: &World) -> Result<(Desk, Name), Failure> {
        let desk = self.place.desk(world)?;
        let name = name_of(&self.by)?;
        let contacts = desk.config.watching(&desk.folder).map(|watching| watching.contacts).unwrap_or_default();
        let mut known: Vec<String> = contacts.into_iter().map(|contact| contact.person.to_string()).collect();
        known.extend(desk.config.people().into_iter().map(|person| person.id));
        known.sort();
        known.dedup();
        if known.is_empty() || known.contains(&self.by) {
            return Ok((desk, name));
        }
        Err(IncidentFailure::Unknown { id: self.by.clone(), known: known.join(", ") }.into())
    }
}

/// Writes it down, and says how the incident stands then.
fn say_of((desk, number): (&Desk, u64), say: impl FnMut(&Incident) -> Entry, world: &World) -> Result<Exit, Failure> {
    let store = store_of(desk, number)?;
    let incident = answer(&store, number, say).map_err(IncidentFailure::from)?;
    enter(&store, world);
    let stands = open_for(&incident).map_or_else(|| "closed".to_owned(), |open| format!("open: {open}"));
    world.note(&format!("incident {number} of {} is {stands}", account(&incident)));
    Ok(Exit::Good)
}
