//! `alert test`: whether everybody is reached who would be told, by every channel.

use breakglass_adapters::clock::SystemClock;
use breakglass_adapters::random::SystemRandom;
use breakglass_custody::name::Name;
use breakglass_ops::ports::{Channel, Clock as _, DeliveryKey, RandomError, StoreError};
use breakglass_ops::watching::event::Reached;
use breakglass_ops::watching::incident::Because;
use breakglass_ops::watching::ladder::Route;
use breakglass_ops::watching::message::Message;
use breakglass_ops::watching::tested::{self, Entry};
use clap::Subcommand;
use jiff::Timestamp;

use super::custody::desk::{Desk, Place, enter};
use super::watch::WatchFailure;
use super::watch::channels::channels;
use crate::codes::ErrorCode;
use crate::exit::Exit;
use crate::failure::{Coded, Failure};
use crate::render::counted;
use crate::wiring::World;

/// Times that a code may be typed.
const CODE_COUNT_MAX: usize = 3;

/// Find out whether somebody is reached by every channel, before they have to be
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Send a test to every contact by every channel, and wait until each has said the code that is in it
    ///
    /// That a provider has taken a message is no proof that somebody reads it. Whoever sits at the terminal types what each
    /// contact reads out, or nothing where nobody does. What came of it is written down; a contact is to be tested every 90 days.
    /// Without a terminal it sends, and waits for nobody: then the exit code is 3.
    Test {
        /// Only by this channel
        #[arg(long, value_name = "ID")]
        channel: Option<String>,

        #[command(flatten)]
        place: Place,
    },
}

/// Why nothing was tested.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AlertFailure {
    /// There is no such channel.
    #[error("there is no channel `{id}`, by which somebody is told; there are: {known}")]
    NoChannel { id: String, known: String },
    /// There is no chance.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// What came of it cannot be written down.
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub(crate) const CODES: &[ErrorCode] = &[ErrorCode {
    code: "BG4111",
    title: "the alerts are not tested",
    explanation: "A test needs channels and contacts in the configuration (`[[watch.channel]]`, `[[watch.contact]]`), and a \
                  state in which what came of it is written down. The message says what is missing.",
}];

impl Coded for AlertFailure {
    fn code(&self) -> &'static str {
        "BG4111"
    }

    fn help(&self) -> Option<String> {
        Some(
            match self {
                Self::NoChannel { .. } => "name one of them, or leave --channel out",
                Self::Random(_) | Self::Store(_) => "the reason is in the message",
            }
            .to_owned(),
        )
    }
}

/// A test on its way.
struct Sent<'s> {
    route: &'s Route,
    code: String,
    at: Timestamp,
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        let What::Test { channel, place } = &self.what;
        test(channel.as_deref(), &place.desk(world)?, world)
    }
}

fn test(only: Option<&str>, desk: &Desk, world: &World) -> Result<Exit, Failure> {
    let watching = desk.config.watching(&desk.folder).filter(|watching| !watching.contacts.is_empty());
    let watching = watching.ok_or(WatchFailure::Nobody)?;
    let is_wanted = |channel: &Name| only.is_none_or(|only| channel.as_str() == only);
    let routes: Vec<&Route> = watching.ladder.routes.iter().filter(|route| is_wanted(&route.channel)).collect();
    if let Some(id) = only.filter(|_| routes.is_empty()) {
        let known: Vec<&str> = watching.channels.iter().map(|channel| channel.id.as_str()).collect();
        return Err(AlertFailure::NoChannel { id: id.to_owned(), known: known.join(", ") }.into());
    }
    let channels = channels(&watching, desk)?;
    let store = desk.store()?;
    let (mut sent, mut bad_count) = (Vec::new(), 0_usize);
    for route in routes {
        let Some(channel) = channels.iter().find(|channel| *channel.name() == route.channel) else { continue };
        let code = tested::code(&SystemRandom).map_err(AlertFailure::from)?;
        let (at, who) = (SystemClock.now(), said(route));
        world.progress(&format!("testing {who}"));
        match desk.runtime.block_on(tried(channel.as_ref(), route, &code, at)) {
            Ok(()) => {
                world.note(&format!("the provider has taken the test for {who}"));
                sent.push(Sent { route, code, at });
            }
            Err(why) => {
                bad_count += 1;
                world.note(&format!("{who} is NOT reached: {why}"));
                let Route { channel, recipient, .. } = route.clone();
                let entry = Entry::Unconfirmed { channel, recipient, why, at };
                tested::note(&store, &entry).map_err(AlertFailure::from)?;
            }
        }
    }
    if !world.can_ask() {
        world
            .note("there is no terminal at which somebody could say the codes: nobody has shown that they are reached");
        enter(&store, world);
        return Ok(if bad_count > 0 { Exit::Found } else { Exit::Unknown });
    }
    for test in &sent {
        let entry = confirmed(test, world);
        bad_count += usize::from(matches!(entry, Entry::Unconfirmed { .. }));
        tested::note(&store, &entry).map_err(AlertFailure::from)?;
    }
    enter(&store, world);
    if bad_count == 0 {
        world.note("everybody is reached");
        return Ok(Exit::Good);
    }
    world.note(&format!("{} not reached", counted(bad_count, "contact")));
    Ok(Exit::Found)
}

fn said(Route { channel, recipient, .. }: &Route) -> String {
    format!("`{recipient}` by `{channel}`")
}

/// Whether the provider takes it; why not, for people.
async fn tried(channel: &dyn Channel, route: &Route, code: &str, at: Timestamp) -> Result<(), String> {
    let message = Message {
        incident: 0,
        alert: 0,
        because: Because::Test,
        step: route.from_step,
        account: String::new(),
        user_principal_name: None,
        opened_at: at,
        at,
        new_count: 0,
        newly: None,
        furthest: Reached::Own,
        events: Vec::new(),
        code: Some(code.to_owned()),
    };
    let key = DeliveryKey {
        // Another for each test, so that no receiver takes it for one that it has had.
        incident: format!("test/{}", at.as_millisecond()),
        alert: 0,
        channel: route.channel.clone(),
        recipient: route.recipient.clone(),
        step: route.from_step,
    };
    channel.deliver(&key, &message).await.map_err(|untaken| untaken.to_string())
}

/// Whether somebody says the code.
fn confirmed(Sent { route, code, at }: &Sent<'_>, world: &World) -> Entry {
    let Route { channel, recipient, .. } = (*route).clone();
    for count in 1..=CODE_COUNT_MAX {
        let question = format!("The code that has come to {} (Enter: none has):", said(route));
        let Some(answer) = world.answer(&question).filter(|answer| !answer.is_empty()) else { break };
        let now = SystemClock.now();
        if answer == *code {
            let seconds = u64::try_from(at.duration_until(now).as_secs()).unwrap_or(0);
            world.note(&format!("{} is reached, after {seconds} s", said(route)));
            return Entry::Confirmed { channel, recipient, seconds, at: now };
        }
        if count < CODE_COUNT_MAX {
            world.note("that is not the one");
        }
    }
    let why = "nobody said the code".to_owned();
    Entry::Unconfirmed { channel, recipient, why, at: SystemClock.now() }
}
