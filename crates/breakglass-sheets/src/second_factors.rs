//! What accounts prove themselves with besides their passwords, in sentences for a runbook.
//!
//! **Invariant:** what nobody can tell is said to be so, and not taken for nothing.
//! **Limit:** [`NAMED_COUNT_MAX`]. How many more there are is said.

use crate::error::SheetError;
use crate::facts::field;

/// Security keys and certificates that a runbook names: of all accounts together, since it is one page.
pub const NAMED_COUNT_MAX: usize = 4;

/// Characters of the id of a document that stand beside a key: enough to find it on the cover.
const ID_CHARS: usize = 8;

/// What is known of second factors.
#[derive(Debug, Clone, Copy)]
pub enum SecondFactors<'a> {
    /// In the words of whoever makes the sheet.
    Told(&'a str),
    /// By the record, of each account of the sheet, in their order.
    OnRecord(&'a [OnRecord]),
}

/// What the record has of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnRecord {
    /// These, and no other; there may be none where none is wanted.
    Has(Vec<SecondFactor>),
    /// None, and one is wanted: where a tenant is repaired more is demanded than a password.
    Lacks,
    /// Nobody can tell which.
    Untold,
}

/// A second factor. Names of documents are whole here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecondFactor {
    /// A security key.
    Key {
        /// What it is called: its model and what tells it from others of that model.
        name: String,
        /// Where it lies.
        place: String,
        /// Who can take it from there.
        held_by: String,
        /// Who has its PIN.
        pin_held_by: String,
        /// The document in which its PIN lies sealed, if it does.
        pin_document: Option<String>,
    },
    /// A certificate.
    Certificate {
        /// What it is called.
        name: String,
        /// The document in which its private key lies sealed, if it does.
        document: Option<String>,
    },
}

/// A sentence of a sheet, and what fills it.
pub(crate) struct Filled {
    pub(crate) sentence: String,
    pub(crate) fillings: Vec<String>,
}

impl SecondFactors<'_> {
    /// That all of it can stand on a sheet.
    pub(crate) fn check(self) -> Result<(), SheetError> {
        match self {
            Self::Told(text) => field("second factor", text),
            Self::OnRecord(each) => in_turn(each).into_iter().try_for_each(|(_, factor)| factor.check()),
        }
    }

    /// How many are named where there is room.
    pub(crate) fn named_count(self) -> usize {
        match self {
            Self::Told(_) => 0,
            Self::OnRecord(each) => in_turn(each).len().min(NAMED_COUNT_MAX),
        }
    }

    /// What is said of them, with so many named.
    pub(crate) fn sentences(self, named_count: usize) -> Vec<Filled> {
        match self {
            Self::Told(text) => {
                let sentence = "*Asked for more than the password:* {}.".to_owned();
                vec![Filled { sentence, fillings: vec![text.to_owned()] }]
            }
            Self::OnRecord(each) => {
                let lacking = about(
                    each,
                    &OnRecord::Lacks,
                    "*On record there is no security key and no certificate of {}:* Microsoft’s portals demand more than the \
                     password and will refuse it; Graph and the Azure CLI may too. A key has to be registered: `breakglass \
                     keys register`.",
                );
                let untold = about(
                    each,
                    &OnRecord::Untold,
                    "*It is not known here which security keys are those of {}:* `breakglass keys list` shows all that there \
                     are.",
                );
                [named(each, named_count), lacking, untold].into_iter().flatten().collect()
            }
        }
    }
}

impl SecondFactor {
    fn check(&self) -> Result<(), SheetError> {
        match self {
            Self::Key { name, place, held_by, pin_held_by, pin_document: _ } => {
                field("name of a security key", name)?;
                field("place of a security key", place)?;
                field("holder of a security key", held_by)?;
                field("holder of a PIN", pin_held_by)
            }
            Self::Certificate { name, document: _ } => field("name of a certificate", name),
        }
    }

    /// The document in which something of it lies sealed.
    const fn document(&self) -> Option<&String> {
        match self {
            Self::Key { pin_document: document, .. } | Self::Certificate { document, .. } => document.as_ref(),
        }
    }

    /// What it is and what it takes.
    fn filled(&self) -> Filled {
        let (mut sentence, mut fillings) = match self {
            Self::Key { name, place, held_by, pin_held_by, .. } => {
                let all = [name, place, held_by, pin_held_by].map(String::clone);
                ("{} at {} with {}, PIN with {}".to_owned(), Vec::from(all))
            }
            Self::Certificate { name, .. } => ("certificate {}".to_owned(), vec![name.clone()]),
        };
        if let Some(document) = self.document() {
            let joined = match self {
                Self::Key { .. } => " or in `{}…`",
                Self::Certificate { .. } => ", private key in `{}…`",
            };
            sentence.push_str(joined);
            fillings.push(document.chars().take(ID_CHARS).collect());
        }
        Filled { sentence, fillings }
    }
}

/// Those of all accounts with the numbers of these: the first of each before the second of any.
fn in_turn(each: &[OnRecord]) -> Vec<(usize, &SecondFactor)> {
    let mut all = Vec::new();
    for (number, one) in (1_usize..).zip(each) {
        if let OnRecord::Has(factors) = one {
            all.extend(factors.iter().enumerate().map(|(turn, factor)| (turn, number, factor)));
        }
    }
    all.sort_by_key(|(turn, number, _)| (*turn, *number));
    all.into_iter().map(|(_, number, factor)| (number, factor)).collect()
}

/// Those that there are, so many of them by name.
fn named(each: &[OnRecord], count: usize) -> Option<Filled> {
    let all = in_turn(each);
    if all.is_empty() {
        return None;
    }
    let (mut parts, mut fillings, mut is_any_sealed) = (Vec::new(), Vec::new(), false);
    for (number, factor) in all.iter().take(count) {
        let filled = factor.filled();
        let of = if each.len() > 1 { format!("account {number}: ") } else { String::new() };
        parts.push(format!("{of}{}", filled.sentence));
        fillings.extend(filled.fillings);
        is_any_sealed |= factor.document().is_some();
    }
    match all.len().saturating_sub(count) {
        0 => {}
        left if parts.is_empty() => parts.push(format!("there are {left}, see `breakglass keys list`")),
        left => parts.push(format!("and {left} more, see `breakglass keys list`")),
    }
    let mut sentence = format!("*Asked for more than the password:* {}.", parts.join("; "));
    if is_any_sealed {
        sentence.push_str(" A document is asked for with `checkout request --document ID`.");
    }
    Some(Filled { sentence, fillings })
}

/// A sentence about the accounts of which the record says this, if there are any.
fn about(each: &[OnRecord], wanted: &OnRecord, sentence: &str) -> Option<Filled> {
    let meant = (1_usize..).zip(each).filter(|(_, one)| *one == wanted);
    let meant: Vec<String> = meant.map(|(number, _)| format!("account {number}")).collect();
    let who = match meant.len() {
        0 => return None,
        1 if each.len() == 1 => "the account".to_owned(),
        count if count == each.len() => "any account".to_owned(),
        _ => meant.join(" and "),
    };
    Some(Filled { sentence: sentence.to_owned(), fillings: vec![who] })
}
