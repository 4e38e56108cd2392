//! `watch`: the watcher, until it is stopped.

pub(super) mod channels;
mod running;
mod timeline;

use std::collections::BTreeSet;
use std::sync::Mutex;

use breakglass_adapters::clock::SystemClock;
use breakglass_custody::name::Name;
use breakglass_ops::ports::StoreError;
use breakglass_ops::watching::accounts::{Looked, look_up};
use breakglass_ops::watching::sources::graph_sign_ins::Watched;
use breakglass_ops::watching::taking::{Watcher, incidents};
use breakglass_ops::watching::tested::untested;
use tokio::sync::Notify;

use self::channels::{ChannelFailure, channels};
use self::running::{Pass, Running};
use self::timeline::Timeline;
use super::custody::desk::{Desk, Place, name_of};
use super::incident::names;
use crate::codes::ErrorCode;
use crate::config::Watching;
use crate::exit::Exit;
use crate::failure::{Coded, Failure};
use crate::live::{Live, LiveError};
use crate::render::counted;
use crate::wiring::World;

/// What a person or an application needs to read the log, and to know whose ids the accounts have.
const PERMISSIONS: [&str; 3] = ["AuditLog.Read.All", "Directory.Read.All", "User.Read.All"];

/// What the source is called where it is remembered how far it was read.
const SOURCE: &str = "graph-sign-ins";

/// Watch the sign-in log, and tell somebody of every use of an emergency account until they answer
///
/// Every sign-in, every try and every renewed token of the accounts is an incident, and an alert by every channel of
/// `[[watch.channel]]`; whoever stands further up the ladder is told when nobody answers (`breakglass incident acknowledge`).
/// The log is read every 10 seconds, two hours back each time, since it is written late. Whatever was read is kept before it
/// counts as read, so that a watcher that is stopped, killed or cut off goes on where it was. It runs until it is interrupted,
/// and shows what happens.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Read the log once, try once whatever is to be delivered, and end: with exit code 1 while an incident is open
    #[arg(long)]
    once: bool,

    #[command(flatten)]
    place: Place,
}

/// Why nothing is watched.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WatchFailure {
    /// There is no account.
    #[error("the configuration declares no account that could be watched")]
    NoAccount,
    /// None of the accounts was found.
    #[error("none of the accounts of the configuration was found in the tenant: nothing would be watched")]
    NoneFound,
    /// Nobody would be told.
    #[error("nobody would be told: the configuration has no `[[watch.contact]]`")]
    Nobody,
    /// A channel is of no use.
    #[error("the channel `{id}` cannot be used")]
    Channel {
        id: Name,
        #[source]
        source: ChannelFailure,
    },
    /// The state is of no use.
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub(crate) const CODES: &[ErrorCode] = &[
    ErrorCode {
        code: "BG4091",
        title: "nothing is watched",
        explanation: "The watcher needs the tenant (`[tenant]`), the accounts (`[[account]]`, by their ids, or by names that \
                      the tenant has), somebody who is told (`[[watch.channel]]` and `[[watch.contact]]`), and a state that \
                      can be written. The message says what is missing. A watcher that tells nobody is not begun.",
    },
    ErrorCode {
        code: "BG4092",
        title: "a channel cannot be used",
        explanation: "A channel of `[[watch.channel]]` has a setting that is none, or its secret is not there. The secret is in \
                      the file that `secret_file` names, which only its owner may read, in systemd's credentials under the \
                      channel's id, or in the variable BREAKGLASS_CHANNEL_ and the id in capitals, with `_` for `-`. Nothing is \
                      watched until it is mended, since whoever relies on the channel would not be told.",
    },
];

impl Coded for WatchFailure {
    fn code(&self) -> &'static str {
        match self {
            Self::Channel { .. } => "BG4092",
            _ => "BG4091",
        }
    }

    fn help(&self) -> Option<String> {
        Some(
            match self {
                Self::NoAccount => "declare them below `[[account]]`, by their object ids",
                Self::NoneFound => {
                    "declare them by their object ids, and look whether `[tenant] id` is the tenant that is meant"
                }
                Self::Nobody => "`breakglass explain BG1102` shows a whole configuration, with channels and contacts",
                Self::Channel { .. } => "`breakglass explain BG4092` says where a secret belongs",
                Self::Store(_) => {
                    "make room on the disk if it is full; nothing was lost, and the log is read from where it was left"
                }
            }
            .to_owned(),
        )
    }
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        let desk = self.place.desk(world)?;
        let watching = desk.config.watching(&desk.folder).filter(|watching| !watching.contacts.is_empty());
        let watching = watching.ok_or(WatchFailure::Nobody)?;
        let (accounts, groups) = desk.config.account_names();
        if accounts.is_empty() && groups.is_empty() {
            return Err(WatchFailure::NoAccount.into());
        }
        let channels = channels(&watching, &desk)?;
        let live = Live::connect(&desk.config, &desk.folder, &PERMISSIONS, world)?;
        let store = desk.store()?;
        let looked = live.runtime.block_on(look_up(&live.directory, (&accounts, &groups), &[]));
        let looked = looked.map_err(LiveError::SignIn)?;
        let names = names(&desk);
        let running = Running {
            world,
            store: &store,
            directory: &live.directory,
            watcher: Watcher::new(&store, &SystemClock, &watching.ladder),
            source: name_of(SOURCE)?,
            declared: (accounts, groups),
            channels: &channels,
            timeline: Timeline::from_now(&store, &names),
            said: Mutex::new(BTreeSet::new()),
            is_due: Notify::new(),
        };
        running.findings(&looked.findings);
        for why in untested(&store, &watching.ladder.routes, world.now).map_err(WatchFailure::Store)? {
            world.note(&format!("{why}: `breakglass alert test{}`", self.place.words()));
        }
        if looked.accounts.is_empty() {
            return Err(WatchFailure::NoneFound.into());
        }
        if self.once {
            let pass = live.runtime.block_on(running.once(&looked));
            return self.ended(pass, &desk, world);
        }
        world.note(&begun(&looked, &watching));
        running.until_stopped(looked, &live.runtime);
        world.note("stopped; `breakglass watch` goes on from here, and nothing that happens meanwhile is left out");
        Ok(Exit::Good)
    }

    /// What came of a single pass.
    fn ended(&self, Pass { is_whole, untaken_count }: Pass, desk: &Desk, world: &World) -> Result<Exit, Failure> {
        if untaken_count > 0 {
            let what = if untaken_count == 1 { "delivery was" } else { "deliveries were" };
            world.note(&format!(
                "{untaken_count} {what} not taken: `breakglass watch{}` tries again, for seven days",
                self.place.words()
            ));
        }
        let (all, _) = incidents(&desk.store()?, |_| true).map_err(WatchFailure::Store)?;
        let open_count = all.iter().filter(|one| !one.incident.is_closed()).count();
        if open_count > 0 {
            world.note(&format!("{}: `breakglass incident list`", counted(open_count, "open incident")));
        }
        // What was found comes before what could not be looked at.
        Ok(match (open_count, is_whole && untaken_count == 0) {
            (1.., _) => Exit::Found,
            (0, true) => Exit::Good,
            (0, false) => Exit::Unknown,
        })
    }
}

/// What is watched, and who is told.
fn begun(looked: &Looked, watching: &Watching) -> String {
    let name = |account: &Watched| account.user_principal_name.clone().unwrap_or_else(|| account.id.clone());
    let accounts: Vec<String> = looked.accounts.iter().map(name).collect();
    let told: Vec<String> =
        watching.contacts.iter().map(|contact| format!("{} by {}", contact.person, contact.channel)).collect();
    format!("watching {}: {}. Told are {}", counted(accounts.len(), "account"), accounts.join(", "), told.join(", "))
}
