//! Who the emergency accounts are: declared, never guessed.

use std::collections::BTreeSet;

use breakglass_model::object::ObjectKey;
use breakglass_model::snapshot::{ObjectRow, Snapshot};

use super::rules::grid::{Cause, Grid};
use super::{Case, Finding, ObjectKind, Severity, Status};
use crate::access::membership::Reach;
use crate::access::surfaces::Door;

/// A declaration as the configuration, the command line or another tool's file gives it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Declared {
    /// Id or sign-in name of a user, or id of a group whose members are meant.
    pub name: String,
    /// Where it was declared, for messages: `--account`, a file.
    pub origin: String,
}

/// A declaration that could not be resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unresolved {
    /// What was declared.
    pub declared: Declared,
    /// Why it stands for nobody.
    pub why: String,
}

/// The emergency accounts of a tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accounts {
    /// The accounts, each once, in the order of declaration.
    pub keys: Vec<ObjectKey>,
    /// Declared groups, as they were declared.
    pub groups: Vec<ObjectKey>,
    /// What stands for nobody.
    pub unresolved: Vec<Unresolved>,
    /// Whether anything was declared at all.
    pub is_declared: bool,
}

impl Accounts {
    /// Resolves what was declared. A group stands for the users in it, nested ones included.
    #[must_use]
    pub fn resolve(snapshot: &Snapshot, declared: &[Declared]) -> Self {
        let mut accounts = Self { is_declared: !declared.is_empty(), ..Self::default() };
        let mut seen = BTreeSet::new();
        let mut add = |keys: &mut Vec<ObjectKey>, key| {
            if seen.insert(key) {
                keys.push(key);
            }
        };
        for declaration in declared {
            if let Some(user) = snapshot.find_user(&declaration.name) {
                add(&mut accounts.keys, user.key);
                continue;
            }
            let by_id = |id: &str| snapshot.objects.find(id);
            let group = by_id(&declaration.name).or_else(|| by_id(&declaration.name.to_ascii_lowercase()));
            let group = group.filter(|key| matches!(snapshot.row(*key), ObjectRow::Group(_)));
            let Some(group) = group else {
                let why = match snapshot.users.get() {
                    Ok(_) => "no user or group of the snapshot has this id or sign-in name".to_owned(),
                    Err(why) => format!("the users could not be read: {why}"),
                };
                accounts.unresolved.push(Unresolved { declared: declaration.clone(), why });
                continue;
            };
            accounts.groups.push(group);
            let reach = Reach::of_group(snapshot, group);
            for key in reach.users {
                add(&mut accounts.keys, key);
            }
            if let Some(why) = reach.unknown {
                accounts.unresolved.push(Unresolved { declared: declaration.clone(), why });
            }
        }
        accounts
    }
}

/// Characters of the sentence.
pub const SENTENCE_LENGTH_CHARS_MAX: usize = 200;
/// Characters of a name in it.
const NAME_LENGTH_CHARS_MAX: usize = 40;

/// One sentence that answers "can we still get in?". It says *yes* only if nothing critical fails, nothing critical
/// is unknown and every situation of the What If grid is open.
pub(super) fn sentence(case: &Case<'_>, findings: &[Finding]) -> String {
    let accounts = &case.accounts.keys;
    let critical = |status| -> Vec<&Finding> {
        findings.iter().filter(|finding| finding.status == status && finding.severity == Severity::Critical).collect()
    };
    let (failed, unsure) = (critical(Status::Fail), critical(Status::Unknown));
    if !case.accounts.is_declared {
        let shown = findings.iter().filter(|finding| finding.rule == "BG0102" && !finding.objects.is_empty()).count();
        let candidates = counted(shown, "candidate looks like one", "candidates look like one");
        return format!("Could not tell: no emergency account is declared ({candidates}).");
    }
    if accounts.is_empty() {
        let declared = counted(case.accounts.unresolved.len(), "declared account was", "declared accounts were");
        return format!("Could not tell: {declared} not found in the snapshot, and there is no other.");
    }
    if failed.iter().any(|finding| finding.rule != SELF_SWITCHING) {
        return refusal(case, &failed);
    }
    if let Some(first) = unsure.first() {
        let count = counted(unsure.len(), "critical answer is", "critical answers are");
        return format!("Could not tell: {count} missing for lack of data, the first of {}.", first.rule);
    }
    acceptance(case, findings, failed.first().copied())
}

/// The rule about policies that will switch themselves on: what it finds is not so yet.
const SELF_SWITCHING: &str = "BG0402";
/// Rules that are about the number of accounts, not about one of them.
const ABOUT_ALL: [&str; 3] = ["BG0101", "BG0102", "BG0103"];

/// The sentence where a critical rule is broken.
fn refusal(case: &Case<'_>, failed: &[&Finding]) -> String {
    let is_against_one = |finding: &&&Finding| {
        finding.rule < "BG0600" && finding.rule != SELF_SWITCHING && !ABOUT_ALL.contains(&finding.rule)
    };
    let named: BTreeSet<&str> = failed
        .iter()
        .filter(is_against_one)
        .flat_map(|finding| &finding.objects)
        .filter(|object| object.kind == ObjectKind::User)
        .map(|object| object.id.as_str())
        .collect();
    let all = case.accounts.keys.len();
    let hit = case.accounts.keys.iter().filter(|key| named.contains(case.snapshot.objects.id(**key))).count();
    let first = failed.first().map(|finding| {
        let policy = finding.objects.iter().find(|object| object.kind == ObjectKind::Policy);
        let about = policy.map(|policy| format!(" about policy `{}`", shortened(&policy.name)));
        format!("{}{}", finding.rule, about.unwrap_or_default())
    });
    let count = counted(failed.len(), "critical finding", "critical findings");
    let tail = format!("{count}, the first {}.", first.unwrap_or_default());
    // Whoever was declared and is not in the snapshot is not counted, and the sentence must not sound as if.
    let found = if case.accounts.unresolved.is_empty() { "" } else { " found" };
    if hit == all {
        format!("No: {}{found} may be kept out or useless when needed; {tail}", whole(all))
    } else {
        let whom = format!("{} of {}{found}", all - hit, counted(all, "emergency account", "emergency accounts"));
        format!("Not for sure: nothing critical stands against {whom}, but {tail}")
    }
}

/// The sentence where no critical rule is broken now; `soon` is one that will be.
fn acceptance(case: &Case<'_>, findings: &[Finding], soon: Option<&Finding>) -> String {
    let grid = Grid::of(case);
    let count = |status| findings.iter().filter(|finding| finding.status == status).count();
    let whole = whole(case.accounts.keys.len());
    let is_open = |doors: &[Door]| {
        let tools = grid.accounts.iter().flat_map(|(_, account)| &account.tools);
        let mut tools = tools.filter(|tool| doors.contains(&tool.tool.door));
        tools.all(|tool| tool.counts.is_open() && tool.counts.total() > 0)
    };
    let mut counts = grid.accounts.iter().map(|(_, account)| account.counts());
    if grid.is_cut || counts.any(|counts| counts.unknown > 0 || counts.total() == 0) {
        return "Could not tell: whether a policy applies to an emergency account is not known everywhere (BG0410)."
            .into();
    }
    let portals = is_open(&[Door::Portal]) && is_open(&[Door::ResourceManager]);
    let is_only_mandatory =
        grid.accounts.iter().all(|(_, account)| account.blocked_by.keys().all(|cause| *cause == Cause::MandatoryMfa));
    let doors = if portals && is_open(&[Door::Graph]) {
        "through Microsoft Graph and the portals"
    } else if is_only_mandatory && is_open(&[Door::Graph]) {
        "through Microsoft Graph, but not the portals, which demand MFA"
    } else {
        let blocked: u64 = grid.accounts.iter().map(|(_, account)| account.counts().blocked).sum();
        let all: u64 = grid.accounts.iter().map(|(_, account)| account.counts().total()).sum();
        return format!("Not everywhere: an emergency account is kept out in {blocked} of {all} situations (BG0410).");
    };
    if let Some(policy) =
        soon.and_then(|finding| finding.objects.iter().find(|object| object.kind == ObjectKind::Policy))
    {
        let name = shortened(&policy.name);
        return format!("At risk: {whole} get in today, until policy `{name}` switches itself on ({SELF_SWITCHING}).");
    }
    let mut look = match count(Status::Fail) {
        0 => "nothing to look at".to_owned(),
        fails => counted(fails, "finding to look at", "findings to look at"),
    };
    match count(Status::Unknown) {
        0 => {}
        unknown => look.push_str(&format!(", {unknown} that could not be told")),
    }
    format!("Yes: {whole} get in from anywhere {doors}; {look}.")
}

/// All accounts, in words.
fn whole(count: usize) -> String {
    match count {
        1 => "the one emergency account".to_owned(),
        2 => "both emergency accounts".to_owned(),
        count => format!("all {count} emergency accounts"),
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

/// A name that is not too long for the sentence.
fn shortened(name: &str) -> String {
    if name.chars().count() <= NAME_LENGTH_CHARS_MAX {
        return name.to_owned();
    }
    let kept: String = name.chars().take(NAME_LENGTH_CHARS_MAX - 1).collect();
    format!("{kept}…")
}
