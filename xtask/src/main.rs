//! `cargo xtask`: the repository's own checks and chores.
//!
//! `floors` holds the workspace against the plan of the house; `docs` writes the generated pages;
//! `test` runs every test. Exit codes: 0 good, 1 something was refused or failed, 2 the check could
//! not be made.

mod arrows;
mod bench;
mod docs;
mod floors;
mod run_tests;
mod sizes;
mod workspace;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use docs::Purpose;
use run_tests::Extent;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  floors         refuse arrows and heavy crates that the plan of the house does not allow,
                 and list files and functions that have grown long
  docs           write the pages that are generated: rules, codes, command line, decisions
  docs --check   refuse those that differ from what would be written
  bench [--users N,N] [--seed N] [--generator FOLDER] [--only tenant]
                 measure speed and memory on generated tenants and of the embedded one, and print the table
  test           run every test of the workspace
  test --full    run the long forms too
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["floors"] => check_floors(),
        ["docs"] => write_docs(Purpose::Write),
        ["docs", "--check"] => write_docs(Purpose::Check),
        ["bench", rest @ ..] => measure(rest),
        ["cost-of", program, rest @ ..] => bench::cost_of(program, rest).map(|()| true).map_err(Into::into),
        ["test"] => run_tests::run(Extent::Usual).map_err(Into::into),
        ["test", "--full"] => run_tests::run(Extent::Full).map_err(Into::into),
        _ => Err(USAGE.into()),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            // Nothing is left to tell it to when stderr is closed.
            let _ = writeln!(io::stderr(), "{}", chain(error.as_ref()));
            ExitCode::from(2)
        }
    }
}

/// Measures and prints; true when it could be measured, whatever came out.
fn measure(words: &[&str]) -> Result<bool, Box<dyn Error>> {
    let root = workspace::read(&workspace::root_manifest())?.workspace_root;
    bench::run(&bench::Settings::read(words, &root)?, &root)?;
    Ok(true)
}

/// Prints what the plan refuses and what has grown long; true when nothing was refused.
fn check_floors() -> Result<bool, Box<dyn Error>> {
    let workspace = workspace::read(&workspace::root_manifest())?;
    let plan = floors::Plan { arrows: arrows::ARROWS, keepers: arrows::KEEPERS };
    let refused = floors::refusals(plan, &workspace);
    let long = sizes::warnings(&workspace.workspace_root, &["crates", "xtask"])?;

    let mut out = io::stdout().lock();
    for line in &long {
        writeln!(out, "warning: {line}")?;
    }
    for line in &refused {
        writeln!(out, "refused: {line}")?;
    }
    writeln!(out, "floors: {} crates, {} refused, {} long", workspace.packages.len(), refused.len(), long.len())?;
    Ok(refused.is_empty())
}

/// Writes the generated pages, or compares them; true when they were, or now are, what they should be.
fn write_docs(purpose: Purpose) -> Result<bool, Box<dyn Error>> {
    let root = workspace::read(&workspace::root_manifest())?.workspace_root;
    Ok(docs::run(purpose, &root, &mut io::stdout().lock())?)
}

/// The error and its sources on one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}
