//! What `custody list` says.

use breakglass_custody::document::CredentialKind;
use jiff::Timestamp;
use serde::Serialize;

use super::fitted;
use super::paint::{Paint, Style};
use super::table::{Cell, Column, table};

/// Name and version of the form in JSON.
const FORMAT: &str = "breakglass-custody/1";

/// Everything there is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Listing {
    /// The fingerprint of the operator's key.
    pub(crate) operator: Option<String>,
    /// Sets, in the order in which they were made.
    pub(crate) sets: Vec<SetLine>,
    /// Documents.
    pub(crate) documents: Vec<DocumentLine>,
    /// Documents of which nothing here says what they are: the name, and where it lies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) strangers: Vec<String>,
    /// What is to be done, with the command.
    pub(crate) to_do: Vec<String>,
}

/// A set of shares.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SetLine {
    pub(crate) set: String,
    pub(crate) fingerprint: String,
    pub(crate) recipient: String,
    pub(crate) opens: String,
    pub(crate) stands: String,
    pub(crate) is_reserve: bool,
    pub(crate) shares: Vec<ShareLine>,
    pub(crate) rehearsed_at: Option<Timestamp>,
}

/// A share.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ShareLine {
    pub(crate) number: u8,
    pub(crate) holder: String,
    pub(crate) is_acknowledged: bool,
    pub(crate) is_rehearsed: bool,
}

/// A document.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DocumentLine {
    pub(crate) document: String,
    pub(crate) account: String,
    pub(crate) account_id: String,
    pub(crate) credential: CredentialKind,
    /// The key or the certificate whose it is, by the record; nothing of a password.
    pub(crate) secret_of: Option<String>,
    pub(crate) version: u32,
    pub(crate) set: String,
    pub(crate) reserve: Option<String>,
    pub(crate) sealed_on: Timestamp,
    pub(crate) stands: String,
    pub(crate) is_current: bool,
    pub(crate) is_opened: bool,
    pub(crate) check_out: Option<String>,
}

#[derive(Serialize)]
struct Document<'l> {
    format: &'static str,
    #[serde(flatten)]
    listing: &'l Listing,
}

/// As JSON.
pub(crate) fn json(listing: &Listing) -> String {
    let text = serde_json::to_string_pretty(&Document { format: FORMAT, listing });
    text.map(|text| text + "\n").unwrap_or_default()
}

/// For people.
pub(crate) fn text(listing: &Listing, (columns, paint): (usize, Paint)) -> String {
    let heading = |text: &str| format!("{}\n\n", paint.apply(Style::Strong, text));
    let mut said = heading("Sets of shares");
    said.push_str(&sets(&listing.sets, (columns, paint)));
    said.push('\n');
    said.push_str(&heading("Sealed documents"));
    if listing.strangers.is_empty() {
        said.push_str(&documents(&listing.documents, (columns, paint)));
    } else {
        said.push_str(&fitted("Nothing here says what these are, or which of them counts:", "  ", "  ", columns));
        listing.strangers.iter().for_each(|line| said.push_str(&fitted(line, "  - ", "    ", columns)));
    }
    if let Some(operator) = &listing.operator {
        said.push_str(&format!("\nSigned with the operator's key {operator}.\n"));
    }
    said.push('\n');
    if listing.to_do.is_empty() {
        said.push_str("Nothing is to be done.\n");
    } else {
        said.push_str(&heading("To be done"));
        listing.to_do.iter().for_each(|line| said.push_str(&fitted(line, "  - ", "    ", columns)));
    }
    said
}

fn sets(sets: &[SetLine], (columns, paint): (usize, Paint)) -> String {
    if sets.is_empty() {
        return "  There are none.\n".to_owned();
    }
    let heads = [("Set", false), ("Open", false), ("Stands", true), ("Shares", true), ("Rehearsed", false)];
    let heads = heads.map(|(heading, is_flexible)| Column { heading, is_flexible });
    let share = |share: &ShareLine| {
        format!("{} {}{}", share.number, share.holder, if share.is_acknowledged { "" } else { " (not acknowledged)" })
    };
    let row = |set: &SetLine| {
        vec![
            Cell::plain(&set.set),
            Cell::plain(&set.opens),
            Cell::plain(&set.stands),
            Cell::plain(set.shares.iter().map(share).collect::<Vec<_>>().join(", ")),
            Cell::plain(rehearsed(set)),
        ]
    };
    table(&heads, &sets.iter().map(row).collect::<Vec<_>>(), (columns, paint))
}

/// When the shares of a set were rehearsed last, and which never were.
fn rehearsed(set: &SetLine) -> String {
    let Some(at) = set.rehearsed_at else { return "never".to_owned() };
    let never = set.shares.iter().filter(|share| !share.is_rehearsed).map(|share| share.number.to_string());
    let never: Vec<String> = never.collect();
    let day = at.strftime("%F");
    if never.is_empty() { day.to_string() } else { format!("{day}, not {}", never.join(", ")) }
}

/// What is sealed in it.
fn what(document: &DocumentLine) -> String {
    let of = document.secret_of.as_deref().map(|of| format!(" {of}")).unwrap_or_default();
    match document.credential {
        CredentialKind::Password => "password".to_owned(),
        CredentialKind::Passkey => format!("PIN of key{of}"),
        CredentialKind::Certificate => format!("key of certificate{of}"),
    }
}

fn documents(documents: &[DocumentLine], (columns, paint): (usize, Paint)) -> String {
    if documents.is_empty() {
        return "  There are none.\n".to_owned();
    }
    let heads = [
        ("Account", true),
        ("What", true),
        ("Version", false),
        ("Set", true),
        ("Sealed, UTC", false),
        ("Stands", true),
    ];
    let heads = heads.map(|(heading, is_flexible)| Column { heading, is_flexible });
    let row = |document: &DocumentLine| {
        let out = document.check_out.as_ref().map(|out| format!(", {out}")).unwrap_or_default();
        let stands = format!("{}{out}", document.stands);
        let is_to_do = document.is_current && document.is_opened;
        vec![
            Cell::plain(&document.account),
            Cell::plain(what(document)),
            Cell::plain(document.version.to_string()),
            Cell::plain(match &document.reserve {
                Some(reserve) => format!("{}, {reserve}", document.set),
                None => document.set.clone(),
            }),
            Cell::plain(document.sealed_on.strftime("%F %H:%M").to_string()),
            if is_to_do { Cell::styled(stands, Style::Strong) } else { Cell::plain(stands) },
        ]
    };
    let mut said = table(&heads, &documents.iter().map(row).collect::<Vec<_>>(), (columns, paint));
    said.push_str("\n  Names, for --document:\n");
    for document in documents {
        let DocumentLine { document: name, version, account, .. } = document;
        let line = format!("{name}  {}, version {version}, of {account}", what(document));
        said.push_str(&fitted(&line, "    ", "      ", columns));
    }
    said
}
