//! `guard`: would this change lock us out?

use std::path::PathBuf;

use breakglass_engine::access::Access;
use breakglass_engine::guard::{After as Seen, Before, Change, before_and_after, compile_both};
use breakglass_engine::lockout::goal::Goal;
use breakglass_engine::lockout::nobody::somebody;
use breakglass_engine::lockout::settings::LockoutSettings;
use breakglass_model::proposal::{AppliedChange, difference};
use breakglass_model::snapshot::{Resource, Snapshot};
use clap::builder::{PossibleValue, PossibleValuesParser};

use super::failures;
use super::lockout::{AnalysisArguments, FLOOR_DEFAULT, LockoutError, declared_are_there, page};
use super::replay::{forecast, is_partial};
use super::what_if::WhatIfError;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::deliver;
use crate::proposal::{After, ProposalArguments};
use crate::render::guard::{FORMATS, Guarded, Replayed, Written, format_named, written};
use crate::subject::{Subject, SubjectArguments, SubjectError};
use crate::wiring::World;

/// Say what a proposed change does to the ways in, before it is made
///
/// Works out who could still get in as things are and with the change made, and compares: fine, better, worse, below
/// the floor, or nobody. Where it gets worse, the smallest set of failures that shows it is told in words. Policies come
/// as Graph's JSON, named locations and groups too, a Terraform plan, or a second snapshot.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    subject: SubjectArguments,

    #[command(flatten)]
    proposal: ProposalArguments,

    #[command(flatten)]
    analysis: AnalysisArguments,

    /// Say besides what the change would have done to the sign-ins of these logs: files, folders, or `-`
    #[arg(long, value_name = "LOGS", num_args = 1..)]
    replay: Vec<PathBuf>,

    /// The order below which a change is refused [default: 2, or `floor` of the configuration]
    #[arg(long, value_name = "N", value_parser = failures)]
    floor: Option<usize>,

    /// The form of the report
    #[arg(long, default_value = "text", value_parser = formats())]
    format: String,

    /// Write into a file instead of to standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Show everything, not the first of each table
    #[arg(long)]
    all: bool,
}

fn formats() -> PossibleValuesParser {
    FORMATS.iter().map(|format| PossibleValue::new(format.name).help(format.about)).collect::<Vec<_>>().into()
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        let (goal, horizon) = self.analysis.single("guard")?;
        let mut subject = self.subject.load(world)?;
        declared_are_there(&subject)?;
        let settings = self.analysis.settings(&subject, horizon, world)?;
        let floor = self.floor.or(subject.lockout.floor).unwrap_or(FLOOR_DEFAULT);
        let after = self.proposal.load(world, &self.subject, &subject.snapshot)?;
        let replayed_on = (!self.replay.is_empty()).then(|| subject.snapshot.clone());
        subject.name_users()?;
        // Where nothing but policies changes, the tenant can be looked at with both lists at once. Of users that are not
        // all there, the change may name some that it did not have before.
        let are_policies_alone = matches!(&after, After::Proposal(loaded) if loaded.proposal.is_of_policies());
        let (mut policies_before, mut before) = (Vec::new(), None);
        if are_policies_alone && subject.snapshot.users.is_complete() {
            policies_before = subject.snapshot.conditional_access_policies.items().to_vec();
        } else {
            world.progress("working out the ways in before the change");
            let access = Access::compile(&subject.snapshot, &subject.access).map_err(SubjectError::from)?;
            somebody(&access, &settings, goal).map_err(|nobody| LockoutError::Nobody { nobody })?;
            before = Some(Before::of(&access, &settings, goal).map_err(LockoutError::Scenario)?);
        }
        let (applied, change) = changed(&mut subject, after)?;
        subject.name_users()?;
        let settings = self.analysis.settings(&subject, horizon, world)?;
        let access;
        let (before, mut seen) = match before {
            Some(before) => {
                world.progress("working out the ways in after the change");
                access = Access::compile(&subject.snapshot, &subject.access).map_err(SubjectError::from)?;
                somebody_after(&access, &settings, goal)?;
                (before, Seen::of(&access, &settings, goal))
            }
            None => {
                world.progress("working out the ways in before and after the change");
                let both = compile_both(&subject.snapshot, &policies_before, &subject.access, settings.processors);
                let was;
                (was, access) = both.map_err(SubjectError::from)?;
                somebody(&was, &settings, goal).map_err(|nobody| LockoutError::Nobody { nobody })?;
                somebody_after(&access, &settings, goal)?;
                before_and_after((&was, &access), &settings, goal).map_err(LockoutError::Scenario)?
            }
        };
        let report = seen.compare(&before, change, floor);
        let replayed = replayed_on.map(|was| self.replayed(&was, &access, world)).transpose()?;
        world.progress_is_over();
        let verdict = report.verdict;
        let of_after = |file| Written { file, line: None, path: String::new(), what: String::new() };
        let written = match self.proposal.after_shown() {
            Some(after) => vec![of_after(after)],
            None => written(&applied, &report, access.policies()),
        };
        let (replayed, is_log_partial) = replayed.unzip();
        let guarded = Guarded { report, written, replayed };
        let page = page(&subject, world, (self.output.as_deref(), self.all));
        if let Some(format) = format_named(&self.format) {
            deliver(world, self.output.as_deref(), &(format.render)(&guarded, &page))?;
        }
        // The process ends here, and gives all of it back at once.
        std::mem::forget(seen);
        std::mem::forget(access);
        std::mem::forget(subject);
        // No forecast is a good one where the log was not read to its end, or had nothing in it.
        Ok(match verdict.into() {
            Exit::Good if is_log_partial == Some(true) => Exit::Unknown,
            exit => exit,
        })
    }

    /// What the change would have done to the recorded sign-ins, and whether the log was not all read.
    fn replayed(&self, was: &Snapshot, after: &Access<'_>, world: &World) -> Result<(Replayed, bool), Failure> {
        let before = Access::compile(was, after.settings()).map_err(SubjectError::from)?;
        let forecasted = forecast(&before, after, &self.replay, world).map_err(WhatIfError::Logs)?;
        let is_partial = is_partial(&forecasted.read, forecasted.read.sum.records);
        let replayed = Replayed {
            text: crate::render::forecast::text(&forecasted, world.stdout.columns),
            markdown: crate::render::forecast::markdown(&forecasted),
            value: crate::render::forecast::value(&forecasted),
        };
        Ok((replayed, is_partial))
    }
}

/// Makes the change, and says what is different: each object, and all in words.
fn changed(subject: &mut Subject, after: After) -> Result<(Vec<AppliedChange>, Change), Failure> {
    let (applied, notes, unknowns) = match after {
        After::Proposal(loaded) => {
            let unmapped = loaded.unmapped.iter().map(|one| format!("the map of names has nothing for {one}"));
            let nothing = "what is proposed changes no policy, no named location and no group".to_owned();
            let nothing = (loaded.proposal.is_empty() && loaded.proposal.unknowns().is_empty()).then_some(nothing);
            let notes = loaded.proposal.notes().iter().cloned().chain(unmapped).chain(nothing).collect();
            let unknowns = loaded.proposal.unknowns().to_vec();
            (subject.snapshot.with_proposal(&loaded.proposal)?, notes, unknowns)
        }
        After::Snapshot(other) => {
            let applied = difference(&subject.snapshot, &other);
            subject.snapshot = *other;
            subject.resolve_accounts();
            (applied, Vec::new(), Vec::new())
        }
    };
    let change = Change {
        words: applied.iter().map(ToString::to_string).collect(),
        policies: applied.iter().filter(|one| is_policy(one)).map(|one| one.id.clone()).collect(),
        notes,
        unknowns,
    };
    Ok((applied, change))
}

/// What a whole export says of nobody is a lockout; what half an export says is nothing.
fn somebody_after(access: &Access<'_>, settings: &LockoutSettings, goal: Goal) -> Result<(), LockoutError> {
    match somebody(access, settings, goal) {
        Err(nobody) if !nobody.unknowns.is_empty() => Err(LockoutError::Nobody { nobody }),
        Err(_) | Ok(()) => Ok(()),
    }
}

fn is_policy(change: &AppliedChange) -> bool {
    change.resource == Resource::ConditionalAccessPolicies
}
