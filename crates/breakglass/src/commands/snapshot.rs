//! `snapshot`: reads a live tenant into a file. `snapshot show`: what a snapshot holds, what it does not, and why not.

use std::path::{Path, PathBuf};

use breakglass_adapters::file_parts::FileParts;
use breakglass_ops::ports::Parts as _;
use breakglass_ops::reading;

use breakglass_model::snapshot::{NOT_IN_SNAPSHOT, ResourceCount, SnapshotSummary};
use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::live::{Live, LiveError, replace};
use crate::output::deliver;
use crate::render::numbers::grouped;
use crate::render::{counted, day_and_time, fitted, visible};
use crate::subject::{SubjectArguments, load_snapshot, named, reading_permissions};
use crate::wiring::World;

/// Name and version of the document.
const DOCUMENT: &str = "breakglass-snapshot-summary/1";

/// Read a live tenant into a file, or look at what a file holds
///
/// Asks Microsoft Graph for everything that the other commands judge, and changes nothing. Whoever is stopped runs the same
/// again within an hour: it goes on where it was. What could not be read is in the file, with the reason.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: Option<What>,

    #[command(flatten)]
    take: Take,
}

#[derive(Debug, clap::Args)]
struct Take {
    /// The configuration, which names the tenant [default: breakglass.toml of this folder]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// The file that the snapshot is written into
    #[arg(long, value_name = "FILE", default_value = "snapshot.json")]
    output: PathBuf,
}

#[derive(Debug, Subcommand)]
enum What {
    Show(Show),
}

/// Show how much a snapshot holds, and what is missing and why
#[derive(Debug, clap::Args)]
struct Show {
    /// A snapshot file, a folder of exported Graph answers, or `-` for standard input
    #[arg(long, value_name = "PATH")]
    snapshot: PathBuf,

    /// The form of the answer
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Form {
    /// For reading in a terminal
    Text,
    /// One document of the form breakglass-snapshot-summary/1
    Json,
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        let Some(What::Show(show)) = &self.what else { return self.take.run(world) };
        let summary = load_snapshot(&show.snapshot, world)?.summary(world.now);
        let text = match show.format {
            Form::Text => text(&summary, world.stdout.columns),
            Form::Json => json(&summary),
        };
        deliver(world, None, &text)?;
        Ok(Exit::Good)
    }
}

impl Take {
    fn run(&self, world: &World) -> Result<Exit, Failure> {
        let (config, folder) = SubjectArguments::config_or_usual(self.config.as_deref(), world)?;
        let declared = config.declared("");
        let live = Live::connect(&config, &folder, &reading_permissions(), world)?;
        let parts = FileParts::new(parts_folder(&self.output));
        let finished = live.read(&parts, &named(&config, &declared), world)?;
        let write = |out: &mut dyn std::io::Write| reading::write(&parts, &finished.head, live.source, out);
        replace(&self.output, write).map_err(LiveError::Parts)?;
        parts.clear().map_err(LiveError::Parts)?;
        let resumed = if finished.is_resumed { ", going on with an earlier reading" } else { "" };
        let requests = counted(usize::try_from(finished.request_count).unwrap_or(usize::MAX), "request");
        world.note(&format!("`{}` was read with {requests}{resumed}", self.output.display()));
        // What was refused is worth knowing now and not at the next question.
        let summary = load_snapshot(&self.output, world)?.summary(world.now);
        let is_lacking = |count: &&ResourceCount| count.why.as_deref().is_some_and(|why| why != NOT_IN_SNAPSHOT);
        let lacking: Vec<&ResourceCount> = summary.resources.iter().filter(is_lacking).collect();
        for count in &lacking {
            let why = count.why.as_deref().unwrap_or_default();
            world.note(&format!("`{}` is not there, or not whole: {why}", count.resource.name()));
        }
        let is_needed = lacking.iter().any(|count| !count.resource.is_optional());
        Ok(if is_needed { Exit::Unknown } else { Exit::Good })
    }
}

/// Where the parts are kept until the file is whole.
fn parts_folder(output: &Path) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(".parts");
    PathBuf::from(name)
}

fn text(summary: &SnapshotSummary, columns: usize) -> String {
    let mut text = String::new();
    for (name, value) in heading(summary) {
        text.push_str(&fitted(&value, &format!("{name:8}"), "        ", columns));
    }
    text.push('\n');
    let width = summary.resources.iter().map(|count| count.resource.name().len()).max().unwrap_or_default();
    let mut absent: Vec<(String, Vec<&str>)> = Vec::new();
    for count in &summary.resources {
        let name = count.resource.name();
        let shown = match (&count.count, &count.why) {
            (Some(number), None) => grouped(*number as u64),
            (Some(number), Some(why)) => format!("{}, not all: {}", grouped(*number as u64), visible(why)),
            (None, _) => {
                let why = why_absent(count);
                match absent.iter_mut().find(|(other, _)| *other == why) {
                    Some((_, names)) => names.push(name),
                    None => absent.push((why, vec![name])),
                }
                continue;
            }
        };
        let head = format!("  {name:width$}  ");
        text.push_str(&fitted(&shown, &head, &" ".repeat(head.len()), columns));
    }
    for (why, names) in absent {
        text.push_str(&format!("\n{}", fitted(&format!("{why}: {}.", names.join(", ")), "", "", columns)));
    }
    for (what, missing) in [
        ("Authentication methods of users", &summary.methods_missing),
        ("Last sign-ins of users", &summary.activity_missing),
    ] {
        let Some(first) = missing.first() else { continue };
        let rest = match missing.len() {
            1 => String::new(),
            count => format!(", and so on for {} more", count - 1),
        };
        let line = format!("{what}, not all: `{}` ({}){rest}.", first.resource, first.why);
        text.push_str(&format!("\n{}", fitted(&visible(&line), "", "", columns)));
    }
    for missing in &summary.missing_without_list {
        let line = format!("Not read, and no list of a snapshot: `{}` ({}).", missing.resource, missing.why);
        text.push_str(&format!("\n{}", fitted(&visible(&line), "", "", columns)));
    }
    text
}

/// Why a list is missing, as the beginning of a line that names all lists with that reason.
fn why_absent(count: &ResourceCount) -> String {
    match count.why.as_deref() {
        Some(why) if why != NOT_IN_SNAPSHOT => format!("Missing ({})", visible(why)),
        _ if count.resource.is_optional() => "Not in the snapshot, and not always needed".to_owned(),
        _ => "Not in the snapshot, and needed".to_owned(),
    }
}

fn heading(summary: &SnapshotSummary) -> [(&'static str, String); 3] {
    let name = summary.tenant_name.as_deref().map(|name| format!("`{}`", visible(name)));
    let id = summary.tenant_id.as_deref().map(|id| visible(id).into_owned());
    let tenant: Vec<String> = name.into_iter().chain(id).collect();
    let tenant = if tenant.is_empty() { "not named".to_owned() } else { tenant.join(" ") };
    let age = summary.age.map(|age| format!(" ({})", age_in_words(age.as_hours()))).unwrap_or_default();
    let taken = summary.taken_at.map_or_else(|| "at an unknown time".to_owned(), day_and_time);
    let source = summary.source.as_deref().unwrap_or("not said");
    [("Tenant", tenant), ("Taken", format!("{taken}{age}")), ("Source", visible(source).into_owned())]
}

fn age_in_words(hours: i64) -> String {
    match hours {
        ..0 => "in the future".to_owned(),
        0 => "less than an hour ago".to_owned(),
        1 => "1 hour ago".to_owned(),
        2..48 => format!("{hours} hours ago"),
        _ => format!("{} days ago", hours / 24),
    }
}

fn json(summary: &SnapshotSummary) -> String {
    let resource = |count: &ResourceCount| {
        json!({
            "resource": count.resource.name(),
            "count": count.count,
            "why": count.why,
            "optional": count.resource.is_optional(),
        })
    };
    let resources: Vec<Value> = summary.resources.iter().map(resource).collect();
    let document = json!({
        "format": DOCUMENT,
        "tenantId": summary.tenant_id,
        "tenantName": summary.tenant_name,
        "source": summary.source,
        "takenAt": summary.taken_at.map(|at| at.to_string()),
        "resources": resources,
        "missingMethods": summary.methods_missing,
        "missingSignInActivity": summary.activity_missing,
        "missingWithoutList": summary.missing_without_list,
    });
    format!("{document:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_words() {
        let cases = [
            (-1, "in the future"),
            (0, "less than an hour ago"),
            (1, "1 hour ago"),
            (47, "47 hours ago"),
            (49, "2 days ago"),
        ];
        for (hours, expected) in cases {
            assert_eq!(age_in_words(hours), expected);
        }
    }
}
