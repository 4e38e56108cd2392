//! `completions`: for the shell, generated from the command line itself.

use clap::CommandFactory as _;
use clap_complete::{Shell, generate};

use crate::Cli;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::deliver;
use crate::wiring::World;

/// Write completions for a shell
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The shell
    shell: Shell,
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        let mut script = Vec::new();
        generate(self.shell, &mut Cli::command(), "breakglass", &mut script);
        deliver(world, None, &String::from_utf8_lossy(&script))?;
        Ok(Exit::Good)
    }
}
