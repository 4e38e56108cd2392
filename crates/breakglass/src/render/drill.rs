//! What `drill` says: the evidence of what was seen.

use breakglass_custody::document::Account;
use breakglass_ops::drill::journey::Report;
use breakglass_ops::drill::record::{Elevation, Outcome, SeenBy, Surface, Vantage};
use jiff::Timestamp;
use serde::Serialize;

use super::paint::{Paint, Style};
use super::table::{Cell, Column, table};
use super::{day_and_time, fitted, visible};

/// Name and version of the form in JSON.
const FORMAT: &str = "breakglass-drill/1";

/// Everything that was seen.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Evidence {
    /// Why.
    pub(crate) reason: String,
    /// Who was there.
    pub(crate) people: Vec<String>,
    /// From where it was done, as somebody said.
    pub(crate) from: Vantage,
    /// Each account.
    pub(crate) accounts: Vec<AccountEvidence>,
}

/// What was seen of an account.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccountEvidence {
    account: String,
    account_id: String,
    document: String,
    outcome: Outcome,
    begun_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    milliseconds: u64,
    surfaces: Vec<SurfaceEvidence>,
    /// What of an elevation stands; `null` if nothing does.
    elevation: Option<String>,
    /// Why it stopped; `null` if it came to its end.
    stopped: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SurfaceEvidence {
    surface: Surface,
    outcome: Outcome,
    seen_by: SeenBy,
    milliseconds: u64,
    why: String,
}

#[derive(Serialize)]
struct Written<'e> {
    format: &'static str,
    #[serde(flatten)]
    evidence: &'e Evidence,
}

impl AccountEvidence {
    /// Of what a drill came to, or why it was not begun.
    pub(crate) fn of(account: &Account, document: &str, came: Result<&Report, String>) -> Self {
        let mut evidence = Self {
            account: account.user_principal_name.clone(),
            account_id: account.id.clone(),
            document: document.to_owned(),
            outcome: Outcome::Unknown,
            begun_at: None,
            ended_at: None,
            milliseconds: 0,
            surfaces: Vec::new(),
            elevation: None,
            stopped: None,
        };
        let report = match came {
            Ok(report) => report,
            Err(why) => {
                evidence.stopped = Some(format!("not begun: {why}"));
                return evidence;
            }
        };
        evidence.outcome = report.outcome();
        (evidence.begun_at, evidence.ended_at) = (Some(report.begun_at), Some(report.ended_at));
        evidence.milliseconds =
            u64::try_from(report.begun_at.duration_until(report.ended_at).as_millis()).unwrap_or_default();
        let of = |tried: &breakglass_ops::drill::record::Tried| SurfaceEvidence {
            surface: tried.surface,
            outcome: tried.outcome,
            seen_by: tried.seen_by,
            milliseconds: tried.milliseconds,
            why: tried.why.clone(),
        };
        evidence.surfaces = report.seen.iter().map(of).collect();
        let why = report.left_by_earlier.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        evidence.elevation = match report.elevation {
            Elevation::None => None,
            Elevation::Perhaps => Some(format!("the account may stand elevated to manage all of Azure{why}")),
            Elevation::Stands => Some(format!("the account stands elevated to manage all of Azure{why}")),
        };
        evidence.stopped = report.stop.as_ref().map(ToString::to_string);
        evidence
    }
}

/// As JSON.
pub(crate) fn json(evidence: &Evidence) -> String {
    let text = serde_json::to_string_pretty(&Written { format: FORMAT, evidence });
    text.map(|text| text + "\n").unwrap_or_default()
}

/// For people.
pub(crate) fn text(evidence: &Evidence, (columns, paint): (usize, Paint)) -> String {
    let mut said = String::new();
    for account in &evidence.accounts {
        let (word, style) = shown(account.outcome);
        let heading = paint.apply(Style::Strong, &visible(&account.account));
        let word = paint.apply(style, word);
        said.push_str(&format!("{heading}: {word}, {}\n", seconds(account.milliseconds)));
        if let Some(at) = account.begun_at {
            let people = evidence.people.join(", ");
            let line = format!("{}, with {people}, {}: {}", day_and_time(at), place(evidence.from), evidence.reason);
            said.push_str(&fitted(&visible(&line), "", "", columns));
        }
        said.push('\n');
        said.push_str(&surfaces(&account.surfaces, (columns, paint)));
        if let Some(elevation) = &account.elevation {
            let line = format!("{elevation}. The next drill takes it back; or do it in the Azure portal, now.");
            said.push('\n');
            said.push_str(&fitted(&visible(&line), "  ", "  ", columns));
        }
        if let Some(stopped) = &account.stopped {
            said.push('\n');
            said.push_str(&fitted(&visible(&format!("It stopped before its end: {stopped}.")), "  ", "  ", columns));
        }
        said.push('\n');
    }
    if evidence.from != Vantage::Outside && evidence.accounts.iter().any(|account| account.begun_at.is_some()) {
        let line = match evidence.from {
            Vantage::Inside => "It was done from inside a network that policies trust",
            Vantage::Outside | Vantage::Unknown => "Nobody said from where it was done",
        };
        let line = format!(
            "{line}: whether the accounts get in from outside is not shown by it, and a drill with `--from outside` stays due."
        );
        said.push_str(&fitted(&line, "", "", columns));
    }
    said
}

/// From where, in words.
const fn place(from: Vantage) -> &'static str {
    match from {
        Vantage::Outside => "from outside the trusted networks",
        Vantage::Inside => "from inside a trusted network",
        Vantage::Unknown => "from a place that nobody named",
    }
}

const fn shown(outcome: Outcome) -> (&'static str, Style) {
    match outcome {
        Outcome::Good => ("good", Style::Good),
        Outcome::Unknown => ("unknown", Style::Doubtful),
        Outcome::Bad => ("bad", Style::Bad),
    }
}

/// Time taken: `1.2 s`.
fn seconds(milliseconds: u64) -> String {
    format!("{}.{} s", milliseconds / 1_000, milliseconds % 1_000 / 100)
}

fn surfaces(seen: &[SurfaceEvidence], (columns, paint): (usize, Paint)) -> String {
    if seen.is_empty() {
        return "  Nothing was tried.\n".to_owned();
    }
    let heads = [("Surface", false), ("Outcome", false), ("Seen by", false), ("Time", false), ("Why", true)];
    let heads = heads.map(|(heading, is_flexible)| Column { heading, is_flexible });
    let row = |one: &SurfaceEvidence| {
        let (word, style) = shown(one.outcome);
        let by = if one.seen_by == SeenBy::Person { "a person" } else { "program" };
        vec![
            Cell::plain(one.surface.name()),
            Cell::styled(word, style),
            Cell::plain(by),
            Cell::plain(seconds(one.milliseconds)),
            Cell::plain(&one.why),
        ]
    };
    table(&heads, &seen.iter().map(row).collect::<Vec<_>>(), (columns, paint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_where_it_was_done_is_said_and_what_that_leaves_due() {
        let account = Account { user_principal_name: "bg1@contoso.com".to_owned(), id: "a1".to_owned() };
        let at: Timestamp = "2026-11-27T03:00:00Z".parse().unwrap();
        let report = Report {
            begun_at: at,
            ended_at: at,
            seen: Vec::new(),
            elevation: Elevation::None,
            left_by_earlier: None,
            stop: None,
        };
        for (from, is_due) in [(Vantage::Outside, false), (Vantage::Inside, true), (Vantage::Unknown, true)] {
            let evidence = Evidence {
                reason: "a drill".to_owned(),
                people: vec!["ada".to_owned(), "bram".to_owned()],
                from,
                accounts: vec![AccountEvidence::of(&account, "document", Ok(&report))],
            };
            let said = text(&evidence, (400, Paint::Plain));
            assert!(said.contains(&format!("with ada, bram, {}: a drill", place(from))), "{said}");
            assert_eq!(said.contains("a drill with `--from outside` stays due"), is_due, "{said}");
            assert!(json(&evidence).contains(&format!("\"from\": \"{}\"", from.name())), "{}", json(&evidence));
        }
        let refused = AccountEvidence::of(&account, "document", Err("no room".to_owned()));
        let evidence =
            Evidence { reason: String::new(), people: Vec::new(), from: Vantage::Unknown, accounts: vec![refused] };
        assert!(!text(&evidence, (400, Paint::Plain)).contains("stays due"), "nothing was done");
    }
}
