//! `man`: the manual pages, generated from the command line itself.

use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use clap_mangen::Man;

use crate::Cli;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{OutputError, deliver, write_file};
use crate::wiring::World;

/// Write the manual page, or with --output all of them
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Write the page of every command into this folder, which must exist
    #[arg(long, value_name = "FOLDER")]
    output: Option<PathBuf>,
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        let mut command = Cli::command().disable_help_subcommand(true);
        command.build();
        match &self.output {
            None => deliver(world, None, &String::from_utf8_lossy(&page(command)?))?,
            Some(folder) => write_pages(folder, command)?,
        }
        Ok(Exit::Good)
    }
}

/// The page of a command and those of its subcommands: `breakglass.1`, `breakglass-check.1`.
fn write_pages(folder: &Path, command: clap::Command) -> Result<(), OutputError> {
    for subcommand in command.get_subcommands().cloned() {
        write_pages(folder, subcommand)?;
    }
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    write_file(&folder.join(format!("{name}.1")), &page(command)?)
}

fn page(command: clap::Command) -> Result<Vec<u8>, OutputError> {
    let mut page = Vec::new();
    Man::new(command).render(&mut page).map_err(OutputError::Stdout)?;
    Ok(page)
}
