//! The door: reads the command line, calls the engines, shows what they say.
//!
//! stdout is data, stderr is everything else. Exit codes are those of [`exit::Exit`].
//! **Invariant:** only `wiring` reads the environment and the clock; a panic is a bug.

mod accounts_from;
mod codes;
mod commands;
mod config;
mod exit;
mod failure;
mod hardening;
mod live;
mod output;
mod passphrase;
mod proposal;
mod render;
mod snapshot_codes;
mod state;
mod subject;
mod terminal;
mod text_file;
mod wiring;

use std::alloc::System;
use std::process::ExitCode;

use clap::Parser;
use zeroizing_alloc::ZeroAlloc;

use commands::Command;
use exit::Exit;
use wiring::World;

/// Wipes whatever is given back: libraries that encrypt, lay out and parse keep copies of what they were given, and let go of
/// them as they are.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

/// Columns of the widest help page.
const HELP_COLUMNS_MAX: usize = 100;

const EXIT_CODES: &str = "\
Exit codes:
  0  good: judged, nothing to report
  1  judged, and found something
  2  could not start; nothing was judged, nothing was changed
  3  could not tell: judged, but data the answer needs is missing
  4  stopped part-way";

/// Emergency access to Microsoft Entra ID tenants that can be proved to work
///
/// Answers one question about a Microsoft Entra ID tenant: when everything else fails, do the emergency access
/// ("break-glass") accounts still get in? It reads an export or asks the tenant itself, and changes nothing but by a plan
/// that somebody has seen.
#[derive(Debug, Parser)]
#[command(name = "breakglass", version, max_term_width = HELP_COLUMNS_MAX, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    hardening::shut();
    let world = World::of_process();
    let exit = match Cli::try_parse() {
        Ok(cli) => {
            if cli.command.has_secrets() {
                hardening::stay_in_memory();
            }
            cli.command.run(&world).unwrap_or_else(|failure| {
                world.complain(&failure);
                failure.exit()
            })
        }
        Err(usage) => {
            // A reader of the help who has gone away is no error.
            let _ = usage.print();
            if usage.use_stderr() { Exit::NotStarted } else { Exit::Good }
        }
    };
    exit.into()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
