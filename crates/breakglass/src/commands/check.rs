//! `check`: is the emergency access of this tenant arranged so that it will work?

use std::path::PathBuf;

use breakglass_engine::access::Access;
use breakglass_engine::posture::{Report, Status};
use clap::builder::{PossibleValue, PossibleValuesParser};

use crate::accounts_from::{self, Tool};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::deliver;
use crate::render::paint::Paint;
use crate::render::{Extent, FORMATS, Page, format_named};
use crate::subject::{Subject, SubjectArguments, SubjectError, missing};
use crate::wiring::World;

/// Check that the emergency access accounts will work
///
/// Judges an exported tenant by every rule and answers first whether the emergency accounts still get in. A rule whose
/// data is missing is reported as unknown, never as passed. The accounts are those that are declared, with --account,
/// in the configuration or in another tool's file; nobody is guessed to be one.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    subject: SubjectArguments,

    /// The form of the report
    #[arg(long, default_value = "text", value_parser = formats())]
    format: String,

    /// Write into a file instead of to standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Show every finding and every object, the passed ones too (text, markdown)
    #[arg(long)]
    all: bool,

    /// Judge nothing; write the declared accounts as another tool's configuration
    #[arg(long, value_name = "TOOL", conflicts_with_all = ["format", "all"])]
    export_accounts: Option<Tool>,
}

fn formats() -> PossibleValuesParser {
    FORMATS.iter().map(|format| PossibleValue::new(format.name).help(format.about)).collect::<Vec<_>>().into()
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        let subject = self.subject.load(world)?;
        match self.export_accounts {
            Some(tool) => self.export(tool, &subject, world),
            None => self.judge(&subject, world),
        }
    }

    fn judge(&self, subject: &Subject, world: &World) -> Result<Exit, Failure> {
        world.progress("judging");
        let access = Access::compile(&subject.snapshot, &subject.access).map_err(SubjectError::from)?;
        let report = subject.judged(&access);
        world.progress_is_over();
        let page = Page {
            columns: world.stdout.columns,
            paint: if self.output.is_some() { Paint::Plain } else { world.stdout.paint },
            extent: if self.all { Extent::All } else { Extent::Worst },
            judged_at: subject.now,
            source: subject.source.clone(),
            missing: missing(subject),
        };
        if let Some(format) = format_named(&self.format) {
            deliver(world, self.output.as_deref(), &(format.render)(&report, &page))?;
        }
        Ok(exit(&report))
    }

    fn export(&self, tool: Tool, subject: &Subject, world: &World) -> Result<Exit, Failure> {
        let (text, unknown) = accounts_from::export(tool, &subject.snapshot, &subject.declared);
        for declared in &unknown {
            world.note(&format!("`{}` of {} is nobody in the snapshot, and left out", declared.name, declared.origin));
        }
        deliver(world, self.output.as_deref(), &text)?;
        Ok(if unknown.is_empty() { Exit::Good } else { Exit::Unknown })
    }
}

fn exit(report: &Report) -> Exit {
    if report.count(Status::Fail) > 0 {
        Exit::Found
    } else if report.count(Status::Unknown) > 0 {
        Exit::Unknown
    } else {
        Exit::Good
    }
}
