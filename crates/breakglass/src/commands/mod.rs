//! The commands: each is one file with its `Arguments` and its `run`, and one line in `commands!`. What several share
//! has a file as well.
//!
//! The comment on `Arguments` is the command's help.

mod agreement;
pub(crate) mod alert;
mod application;
mod applications;
pub(crate) mod apply;
mod check;
pub(crate) mod checkout;
mod completions;
pub(crate) mod custody;
mod device;
mod doctor;
pub(crate) mod drill;
mod explain;
mod guard;
pub(crate) mod incident;
pub(crate) mod init;
pub(crate) mod keys;
pub(crate) mod ledger;
pub(crate) mod lockout;
pub(crate) mod logs;
mod man;
pub(crate) mod passwords;
pub(crate) mod plan;
pub(crate) mod replay;
pub(crate) mod rotate;
pub(crate) mod sign_out;
mod snapshot;
pub(crate) mod state;
mod suggested;
pub(crate) mod tenant;
mod verification;
pub(crate) mod watch;
pub(crate) mod what_if;

use breakglass_engine::lockout::settings::MAX_ORDER_MAX;
use clap::Subcommand;

use crate::codes::ErrorCode;
use crate::exit::Exit;
use crate::failure::{Coded, Failure};
use crate::wiring::World;

macro_rules! commands {
    ($($command:ident in $module:ident),+ $(,)?) => {
        /// What to do.
        #[derive(Debug, Subcommand)]
        pub(crate) enum Command {
            $($command(Box<$module::Arguments>),)+
        }

        impl Command {
            /// Does it.
            pub(crate) fn run(&self, world: &World) -> Result<Exit, Failure> {
                match self {
                    $(Self::$command(arguments) => arguments.run(world),)+
                }
            }
        }
    };
}

commands! {
    Check in check,
    WhatIf in what_if,
    Lockout in lockout,
    Guard in guard,
    Snapshot in snapshot,
    Doctor in doctor,
    SignOut in sign_out,
    Init in init,
    Plan in plan,
    Apply in apply,
    Custody in custody,
    Checkout in checkout,
    Rotate in rotate,
    Drill in drill,
    Watch in watch,
    Incident in incident,
    Alert in alert,
    Keys in keys,
    State in state,
    Ledger in ledger,
    Tenant in tenant,
    Explain in explain,
    Completions in completions,
    Man in man,
}

impl Command {
    /// Whether it holds passwords, shares or the keys that open them.
    pub(crate) const fn has_secrets(&self) -> bool {
        matches!(
            self,
            Self::Custody(_) | Self::Checkout(_) | Self::Rotate(_) | Self::Drill(_) | Self::Keys(_) | Self::Apply(_)
        )
    }
}

/// The number of failures that an option such as `--floor` says.
fn failures(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| (1..=MAX_ORDER_MAX).contains(count));
    count.ok_or_else(|| format!("expected a whole number of failures from 1 to {MAX_ORDER_MAX}"))
}

/// Why a command cannot do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// There is no such code.
    #[error("there is no code `{asked}`")]
    UnknownCode { asked: String, near: Vec<&'static str> },
}

pub(crate) const CODES: &[ErrorCode] = &[ErrorCode {
    code: "BG1401",
    title: "there is no such code",
    explanation: "`breakglass explain` knows the codes of rules (BG0101 to BG0799) and of errors (BG1000 to \
                      BG4999). `breakglass explain --list` shows them all.",
}];

impl Coded for CommandError {
    fn code(&self) -> &'static str {
        match self {
            Self::UnknownCode { .. } => "BG1401",
        }
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::UnknownCode { near, .. } if near.is_empty() => {
                "`breakglass explain --list` shows every code".to_owned()
            }
            Self::UnknownCode { near, .. } => {
                format!("near it: {}; `breakglass explain --list` shows every code", near.join(", "))
            }
        })
    }
}
