//! What is proposed: changes of policies, named locations and groups, or a second snapshot. The arguments are the same
//! for every command that compares before and after.
//!
//! **Limits:** those of [`breakglass_model::proposal`] for each file; [`NAME_MAP_BYTES_MAX`]; of a folder
//! [`FOLDER_FILE_COUNT_MAX`] and [`FOLDER_DEPTH_MAX`].

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use breakglass_model::plain_words::in_plain_words;
use breakglass_model::proposal::{
    NameMap, NameMapError, PROPOSAL_BYTES_MAX, Proposal, ProposalError, ProposalKind, ProposalPlace, Proposed, Unmapped,
};
use breakglass_model::snapshot::Snapshot;
use clap::builder::NonEmptyStringValueParser;

use crate::codes::ErrorCode;
use crate::failure::{Coded, Excerpt, Failure};
use crate::subject::{SubjectArguments, load_snapshot};
use crate::text_file::{TextError, read_text, text_of};
use crate::wiring::World;

/// Bytes of the largest map of names.
const NAME_MAP_BYTES_MAX: u64 = 4 << 20;
/// Files of one folder of policies.
const FOLDER_FILE_COUNT_MAX: usize = 10_000;
/// Deepest folder below the one that was named.
const FOLDER_DEPTH_MAX: usize = 16;
/// Names without a counterpart that are shown.
const UNMAPPED_SHOWN_COUNT_MAX: usize = 20;
/// The path that stands for standard input.
const STREAM: &str = "-";
/// The argument that stands for the file of a policy that is removed.
pub(crate) const REMOVE_POLICY: &str = "--remove-policy";

/// What is proposed.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct ProposalArguments {
    /// A proposed policy, or several: Graph's JSON, whole or what PATCH takes; a folder of such files; or `-`
    #[arg(long = "policy", value_name = "FILE", num_args = 1..)]
    policies: Vec<PathBuf>,

    /// A policy that is removed, by its id or display name
    #[arg(long = "remove-policy", value_name = "ID", num_args = 1.., value_parser = NonEmptyStringValueParser::new())]
    removed_policies: Vec<String>,

    /// A proposed named location, or several
    #[arg(long = "named-location", value_name = "FILE", num_args = 1..)]
    named_locations: Vec<PathBuf>,

    /// A proposed group, or the proposed members of one
    #[arg(long = "group", value_name = "FILE", num_args = 1..)]
    groups: Vec<PathBuf>,

    /// A Terraform plan, as `terraform show -json PLAN` writes it
    #[arg(long, value_name = "FILE")]
    terraform_plan: Option<PathBuf>,

    /// What the proposal's users, groups, locations and roles are called in the tenant: TOML or JSON
    #[arg(long, value_name = "FILE")]
    name_map: Option<PathBuf>,

    /// The whole tenant as it would be: a second snapshot
    #[arg(long, value_name = "PATH", conflicts_with_all =
        ["policies", "removed_policies", "named_locations", "groups", "terraform_plan", "name_map"])]
    after: Option<PathBuf>,
}

/// What there is to compare the tenant with.
#[derive(Debug)]
pub(crate) enum After {
    /// The tenant with these changes.
    Proposal(LoadedProposal),
    /// Another snapshot of it.
    Snapshot(Box<Snapshot>),
}

/// A proposal in the names of the tenant.
#[derive(Debug)]
pub(crate) struct LoadedProposal {
    /// The changes.
    pub(crate) proposal: Proposal,
    /// What the map of names does not have and the tenant does not have either; nothing without a map.
    pub(crate) unmapped: Vec<Unmapped>,
}

/// Why there is no proposal.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProposalArgumentsError {
    /// No argument proposes anything.
    #[error("nothing is proposed")]
    Nothing,
    /// A file cannot be read.
    #[error("what is proposed cannot be read")]
    Read(#[source] TextError),
    /// A folder cannot be read.
    #[error("the folder `{path}` cannot be read")]
    Folder {
        path: String,
        #[source]
        source: io::Error,
    },
    /// A folder has more than policies.
    #[error("the folder `{path}` has {what}")]
    FolderTooLarge { path: String, what: String },
    /// A folder has nothing that can be proposed.
    #[error("the folder `{path}` has no proposed policy, named location or group in a `*.json` file")]
    EmptyFolder { path: String },
    /// The map of names is neither TOML nor JSON, or says what is not understood.
    #[error("`{name}`: {message}")]
    NameMap { name: String, text: String, message: String, span: Range<usize> },
    /// The second snapshot is of another tenant.
    #[error("the snapshot after the change is of the tenant `{after}`, and the one before it of `{before}`")]
    OtherTenant { before: String, after: String },
    /// Two things were to come on standard input.
    #[error("{what} cannot both come on standard input")]
    Stdin { what: &'static str },
}

pub(crate) const CODES: &[ErrorCode] = &[
    ErrorCode {
        code: "BG1601",
        title: "nothing is proposed",
        explanation: "The question is what a change does, and no change was given. Give the proposed policies with \
                      `--policy`, those to remove with `--remove-policy`, named locations with `--named-location`, \
                      groups with `--group`, a Terraform plan with `--terraform-plan`, or the whole tenant as it would \
                      be with `--after`.",
    },
    ErrorCode {
        code: "BG1602",
        title: "what is proposed cannot be read",
        explanation: "A file or folder that was named is not there, or this user may not read it, or it is not text in \
                      UTF-8 or UTF-16. The reason of the system is shown below the message. In a folder only files \
                      named `*.json` are read, hidden ones not.",
    },
    ErrorCode {
        code: "BG1603",
        title: "what is proposed is not JSON",
        explanation: "The file has a mistake at the line and column that the message names, or an object in it has a \
                      key twice, so that nobody can say which value is meant. Templates and YAML are not \
                      read: write the JSON that is sent to Graph, or for Terraform the output of \
                      `terraform show -json PLAN`.",
    },
    ErrorCode {
        code: "BG1604",
        title: "what is proposed is not what Graph takes",
        explanation: "A property has the wrong type, or one that must be there is not, or the object is no policy, no \
                      named location and no group; the message names the file and the path. A proposal is one object, a \
                      list, or a collection `{\"value\": […]}`. An object needs its `id` or `displayName`; a policy that \
                      is not in the snapshot needs `state` and `conditions` too, and such a named location `ipRanges` or \
                      `countriesAndRegions`. Properties that are not known are kept: \
                      what hangs on them cannot be told.",
    },
    ErrorCode {
        code: "BG1605",
        title: "the Terraform plan is not understood",
        explanation: "The file is no plan in JSON, or of a version that is not known. Write the plan with \
                      `terraform plan -out PLAN` and then `terraform show -json PLAN > plan.json`; a state file is no \
                      plan.",
    },
    ErrorCode {
        code: "BG1606",
        title: "the snapshot does not have what is to be changed",
        explanation: "The policy, named location or group that is to be removed or changed is not in the snapshot, or \
                      several have its name, or a proposed member of a group is neither a user nor a group of it. Names \
                      are compared letter by letter. If the list is not complete in the \
                      snapshot, the message says why. Take a new snapshot, or give the id.",
    },
    ErrorCode {
        code: "BG1607",
        title: "the proposal contradicts itself or the tenant",
        explanation: "The same object is proposed twice, or proposed and removed, under whichever of its names; or \
                      members are proposed for a group whose members a rule gives, which Entra refuses. Propose each \
                      object once. A policy whose file was only renamed is not removed.",
    },
    ErrorCode {
        code: "BG1608",
        title: "what is proposed is too large",
        explanation: "A file, a folder or the number of changes is beyond what a proposal has. Give the whole tenant as \
                      it would be as a snapshot with `--after` instead.",
    },
    ErrorCode {
        code: "BG1609",
        title: "the map of names is not understood",
        explanation: "The file is neither TOML nor JSON, or has a property that is not known. A map of names says what \
                      the users, groups, named locations and roles of a policy set are called in the tenant, by id or by \
                      name on either side:\n\n    \
                      [groups]\n    \"CA-BreakGlass - Exclude\" = \"Emergency access exclusions\"\n\n    \
                      [users]\n    \"their-user-id\" = \"anna@contoso.com\"\n\n    \
                      [named_locations]\n    \"Office\" = \"Headquarters\"\n\n    \
                      [roles]\n    \"GA\" = \"Global Administrator\"",
    },
    ErrorCode {
        code: "BG1610",
        title: "the map of names does not fit the tenant",
        explanation: "What a name is mapped to is not in the snapshot, or several objects have that name. Users are \
                      looked for by id and sign-in name, groups and named locations by id and display name, roles by \
                      template id and name. Correct the map, or give the id.",
    },
    ErrorCode {
        code: "BG1611",
        title: "the two snapshots are of different tenants",
        explanation: "`--snapshot` and `--after` say different tenant ids. What two tenants differ in is no change of \
                      either. Give two snapshots of the same tenant.",
    },
];

impl Coded for ProposalArgumentsError {
    fn code(&self) -> &'static str {
        match self {
            Self::Nothing => "BG1601",
            Self::Read(TextError::TooLarge { .. }) | Self::FolderTooLarge { .. } => "BG1608",
            Self::Read(_) | Self::Folder { .. } | Self::EmptyFolder { .. } => "BG1602",
            Self::NameMap { .. } => "BG1609",
            Self::OtherTenant { .. } => "BG1611",
            Self::Stdin { .. } => "BG1505",
        }
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::Nothing => {
                "give --policy FILE, --remove-policy ID, --named-location FILE, --group FILE, --terraform-plan FILE or \
                 --after SNAPSHOT"
                    .to_owned()
            }
            Self::Read(TextError::TooLarge { .. }) | Self::FolderTooLarge { .. } => {
                "give the tenant as it would be as a snapshot with --after".to_owned()
            }
            Self::Read(TextError::NotText { .. }) => "save it as UTF-8, or as UTF-16 with a byte order mark".to_owned(),
            Self::Read(_) | Self::Folder { .. } => "check the path and that this user may read it".to_owned(),
            Self::EmptyFolder { .. } => "name the folder into which the policies are written as JSON".to_owned(),
            Self::NameMap { .. } => "`breakglass explain BG1609` shows a whole map".to_owned(),
            Self::OtherTenant { .. } => "give two snapshots of the same tenant".to_owned(),
            Self::Stdin { .. } => "write one of them into a file".to_owned(),
        })
    }

    fn excerpt(&self) -> Option<Excerpt> {
        match self {
            Self::NameMap { name, text, span, .. } => {
                Some(Excerpt { name: name.clone(), text: text.clone(), span: span.clone() })
            }
            _ => None,
        }
    }
}

impl Coded for ProposalError {
    fn code(&self) -> &'static str {
        match self {
            Self::Syntax { .. } => "BG1603",
            Self::Malformed { .. } | Self::NotProposable { .. } | Self::WholeSnapshot { .. } => "BG1604",
            Self::OtherForm { .. } | Self::PlanVersion { .. } => "BG1605",
            Self::Absent { .. } | Self::Ambiguous { .. } | Self::NoMember { .. } => "BG1606",
            Self::Repeated { .. } | Self::Dynamic { .. } => "BG1607",
            Self::TooLarge { .. } | Self::Full(_) => "BG1608",
        }
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::Syntax { .. } => "correct the file at that place".to_owned(),
            Self::Malformed { .. } | Self::NotProposable { .. } => "`breakglass explain BG1604` says what is read".to_owned(),
            Self::WholeSnapshot { .. } => "give it with --after".to_owned(),
            Self::OtherForm { .. } | Self::PlanVersion { .. } => {
                "give a plan with --terraform-plan, written by `terraform show -json PLAN`, and Graph's JSON with --policy"
                    .to_owned()
            }
            Self::Absent { .. } => "take a new snapshot, or correct the id or name".to_owned(),
            Self::NoMember { .. } => "correct the id or sign-in name, or take a new snapshot".to_owned(),
            Self::Ambiguous { .. } => "give the id instead of the name".to_owned(),
            Self::Repeated { .. } => "propose each object once".to_owned(),
            Self::Dynamic { .. } => "leave the members of that group out of the proposal".to_owned(),
            Self::TooLarge { .. } | Self::Full(_) => "give the tenant as it would be as a snapshot with --after".to_owned(),
        })
    }
}

impl Coded for NameMapError {
    fn code(&self) -> &'static str {
        "BG1610"
    }

    fn help(&self) -> Option<String> {
        Some("correct the map, or give the id".to_owned())
    }
}

impl ProposalArguments {
    /// The second snapshot, as it was named.
    pub(crate) fn after_shown(&self) -> Option<String> {
        self.after.as_ref().map(|path| path.display().to_string())
    }

    /// Reads everything that was named, for the tenant that `subject` names and `snapshot` is.
    pub(crate) fn load(
        &self,
        world: &World,
        subject: &SubjectArguments,
        snapshot: &Snapshot,
    ) -> Result<After, Failure> {
        self.check_stdin(subject)?;
        if let Some(after) = &self.after {
            let after = load_snapshot(after, world)?;
            if let (Some(before), Some(after)) = (&snapshot.tenant_id, &after.tenant_id)
                && !before.as_str().eq_ignore_ascii_case(after.as_str())
            {
                let (before, after) = (before.to_string(), after.to_string());
                return Err(ProposalArgumentsError::OtherTenant { before, after }.into());
            }
            return Ok(After::Snapshot(Box::new(after)));
        }
        let mut proposal = Proposal::default();
        let kinds = [
            (ProposalKind::NamedLocation, &self.named_locations),
            (ProposalKind::Group, &self.groups),
            (ProposalKind::Policy, &self.policies),
        ];
        for (kind, paths) in kinds {
            for path in paths {
                read_path(&mut proposal, path, kind, (snapshot, world))?;
            }
        }
        for name in &self.removed_policies {
            proposal.push(ProposalPlace::new(REMOVE_POLICY, ""), Proposed::PolicyRemoved(name.clone()))?;
        }
        if let Some(path) = &self.terraform_plan {
            let (name, text) = read_file(path, PROPOSAL_BYTES_MAX as u64)?;
            proposal.read_terraform_plan(text.as_bytes(), &name)?;
        } else if proposal.is_empty() {
            return Err(ProposalArgumentsError::Nothing.into());
        }
        proposal.notes().iter().for_each(|note| world.note(note));
        let unmapped = match &self.name_map {
            Some(path) => map_names(&mut proposal, path, snapshot, world)?,
            None => {
                proposal.mark_unknown_inclusions(snapshot);
                Vec::new()
            }
        };
        Ok(After::Proposal(LoadedProposal { proposal, unmapped }))
    }

    /// Refuses to read two things from standard input.
    fn check_stdin(&self, subject: &SubjectArguments) -> Result<(), ProposalArgumentsError> {
        let paths = self.policies.iter().chain(&self.named_locations).chain(&self.groups);
        let paths = paths.chain(&self.terraform_plan).chain(&self.name_map).chain(&self.after);
        let count = paths.filter(|path| path.as_os_str() == STREAM).count();
        match (count, subject.is_stream()) {
            (0, _) | (1, false) => Ok(()),
            (_, true) => Err(ProposalArgumentsError::Stdin { what: "the snapshot and what is proposed" }),
            (_, false) => Err(ProposalArgumentsError::Stdin { what: "two of the proposed files" }),
        }
    }
}

/// Reads a text file or standard input; gives its name, and its text.
fn read_file(path: &Path, bytes_max: u64) -> Result<(String, String), ProposalArgumentsError> {
    if path.as_os_str() != STREAM {
        let text = read_text(path, bytes_max).map_err(ProposalArgumentsError::Read)?;
        return Ok((path.display().to_string(), text));
    }
    let text = text_of(io::stdin().lock(), path, bytes_max).map_err(ProposalArgumentsError::Read)?;
    Ok((STREAM.to_owned(), text))
}

/// Adds what a file or a folder proposes.
fn read_path(
    proposal: &mut Proposal,
    path: &Path,
    kind: ProposalKind,
    (snapshot, world): (&Snapshot, &World),
) -> Result<(), Failure> {
    if !path.is_dir() {
        let (name, text) = read_file(path, PROPOSAL_BYTES_MAX as u64)?;
        return Ok(proposal.read(text.as_bytes(), &name, kind)?);
    }
    let shown = path.display().to_string();
    let mut files = Vec::new();
    json_files(path, 0, &mut files).map_err(|error| match error {
        Walk::Io(source) => ProposalArgumentsError::Folder { path: shown.clone(), source },
        Walk::TooLarge(what) => ProposalArgumentsError::FolderTooLarge { path: shown.clone(), what },
    })?;
    files.sort();
    let before = proposal.changes().len();
    for file in files {
        let (name, text) = read_file(&file, PROPOSAL_BYTES_MAX as u64)?;
        // What a folder of policies has beside them does not hinder, and is said.
        proposal.read_among(text.as_bytes(), &name, kind, snapshot)?;
    }
    if proposal.changes().len() == before {
        proposal.notes().iter().for_each(|note| world.note(note));
        return Err(ProposalArgumentsError::EmptyFolder { path: shown }.into());
    }
    Ok(())
}

/// Why a folder is not walked to its end.
enum Walk {
    Io(io::Error),
    TooLarge(String),
}

/// The `*.json` files of a folder and those below it, without hidden ones. Links to folders are not followed.
fn json_files(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), Walk> {
    if depth > FOLDER_DEPTH_MAX {
        return Err(Walk::TooLarge(format!("folders more than {FOLDER_DEPTH_MAX} deep")));
    }
    for entry in fs::read_dir(folder).map_err(Walk::Io)? {
        let entry = entry.map_err(Walk::Io)?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = entry.path();
        if entry.file_type().map_err(Walk::Io)?.is_dir() {
            json_files(&path, depth + 1, files)?;
        } else if path.extension().is_some_and(|kind| kind.eq_ignore_ascii_case("json")) && path.is_file() {
            if files.len() == FOLDER_FILE_COUNT_MAX {
                return Err(Walk::TooLarge(format!("more than {FOLDER_FILE_COUNT_MAX} files")));
            }
            files.push(path);
        }
    }
    Ok(())
}

/// Puts the names of the tenant into the proposal and says what has none.
fn map_names(
    proposal: &mut Proposal,
    path: &Path,
    snapshot: &Snapshot,
    world: &World,
) -> Result<Vec<Unmapped>, Failure> {
    let (name, text) = read_file(path, NAME_MAP_BYTES_MAX)?;
    let map = name_map(&name, text)?;
    let mapping = proposal.map_names(&map, snapshot)?;
    for unmapped in mapping.unmapped.iter().take(UNMAPPED_SHOWN_COUNT_MAX) {
        world.note(&format!("not mapped, and not in the tenant: {unmapped}"));
    }
    let rest = mapping.unmapped.len().saturating_sub(UNMAPPED_SHOWN_COUNT_MAX);
    if rest > 0 {
        world.note(&format!("{rest} more names are not mapped, and not in the tenant"));
    }
    for (kind, name) in &mapping.unused {
        world.note(&format!("the map of names has `{name}` in {}, which nothing names", kind.member()));
    }
    Ok(mapping.unmapped)
}

fn name_map(name: &str, text: String) -> Result<NameMap, ProposalArgumentsError> {
    let is_json = Path::new(name).extension().is_some_and(|kind| kind.eq_ignore_ascii_case("json"));
    let (message, span) = if is_json || text.trim_start().starts_with('{') {
        match serde_json::from_str(&text) {
            Ok(map) if text.trim_start().starts_with('{') => return Ok(map),
            Ok(_) => ("expected an object with `users`, `groups`, `namedLocations` and `roles`".to_owned(), 0..0),
            Err(error) => (in_plain_words(&error.to_string()), byte_at(&text, error.line(), error.column())),
        }
    } else {
        match toml::from_str(&text) {
            Ok(map) => return Ok(map),
            Err(error) => (in_plain_words(error.message()), error.span().unwrap_or_default()),
        }
    };
    Err(ProposalArgumentsError::NameMap { name: name.to_owned(), text, message, span })
}

/// The byte at a line and column, which are counted from 1.
fn byte_at(text: &str, line: usize, column: usize) -> Range<usize> {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let at = text.floor_char_boundary((start + column.saturating_sub(1)).min(text.len()));
    at..at
}

#[cfg(test)]
mod tests;
