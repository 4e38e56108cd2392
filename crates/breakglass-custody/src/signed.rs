//! What somebody signs: a form in JSON, read as it was signed or not at all.
//!
//! What is signed is the name of the form on a line of its own, and behind it the form without `signature` in canonical
//! JSON (RFC 8785), so that it does not matter how it was laid out or typed, and no signature of one form is one of
//! another. A form that was copied from paper stands in lines, among other text: the ends of lines are taken out, and so is
//! what is around it.
//! **Invariant:** there is a signed form only if its members are right, its signature holds, and the key that signed is
//! the one that the reader knows by its fingerprint. An error has nothing of what was read in it, except members that
//! are public and were looked at.
//! **Limit:** [`SIGNED_BYTES_MAX`].
//! **Source:** RFC 8785.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::fingerprint::Fingerprint;
use crate::hex::{of_hex, to_hex};
use crate::signing::{SIGNATURE_BYTES, SigningKey, SigningPublicKey};

/// Bytes of the largest signed form.
pub const SIGNED_BYTES_MAX: usize = 16 << 10;

/// Objects that are looked for in a text; a page of a sheet has a few.
const OBJECT_COUNT_MAX: usize = 64;

/// How an object with members begins.
const OBJECT_START: &str = "{\"";

/// Characters of the longest name of a form that is repeated to somebody.
const FORMAT_CHARS_MAX: usize = 64;

/// Why a text is no signed form that can be relied on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignedError {
    /// It is too long.
    #[error("the text has more than {SIGNED_BYTES_MAX} bytes, and none that is signed has")]
    Long,
    /// It is not of the form.
    #[error(
        "this is nothing of the form `{wanted}`: in line {line}, column {column} something is missing, or more than belongs \
         there"
    )]
    Malformed {
        /// The form that was asked for.
        wanted: &'static str,
        /// In which line, from 1.
        line: usize,
        /// After how many bytes of the line.
        column: usize,
    },
    /// There are several, and nobody says which is meant.
    #[error("the text has {count} of the form `{wanted}`, and one is asked for; leave only the one that is meant")]
    Several {
        /// The form that was asked for.
        wanted: &'static str,
        /// How many there are.
        count: usize,
    },
    /// It is of another form.
    #[error("this is of the form `{found}`, and `{wanted}` is asked for; a newer version may be needed to read it")]
    Format {
        /// The form that was asked for.
        wanted: &'static str,
        /// The form that it says it is of.
        found: String,
    },
    /// A member of it says what cannot be.
    #[error("`{member}` is not what it has to be: {why}")]
    Member {
        /// Which.
        member: &'static str,
        /// Why.
        why: String,
    },
    /// It is not as it was signed.
    #[error(
        "this is not as it was signed: a character of it is wrong, or somebody changed it; compare it with another copy: \
         in a depository, on the cover in the safe, on a sheet of documents"
    )]
    Signature,
    /// Somebody else signed it.
    #[error(
        "this was signed with the key `{found}`, and `{wanted}` was to sign it; do not rely on it before you know whose key \
         that is"
    )]
    OtherSigner {
        /// The fingerprint of the key that signed.
        found: Fingerprint,
        /// The fingerprint that was expected.
        wanted: Fingerprint,
    },
}

/// What is as somebody signed it; who, is not confirmed yet.
#[derive(Debug)]
pub struct Unconfirmed<T> {
    signed: T,
    signer: SigningPublicKey,
}

impl<T> Unconfirmed<T> {
    pub(crate) const fn new(signed: T, signer: SigningPublicKey) -> Self {
        Self { signed, signer }
    }

    /// The key that signed it, for somebody to compare its fingerprint with the one that they know.
    #[must_use]
    pub const fn signer(&self) -> SigningPublicKey {
        self.signer
    }

    /// What was signed, if the key that signed it has the fingerprint that the reader knows, from the configuration or a
    /// sheet and not from the text itself.
    ///
    /// # Errors
    /// Another key signed it.
    pub fn confirmed(self, wanted: Fingerprint) -> Result<T, SignedError> {
        let found = self.signer.fingerprint();
        if found == wanted { Ok(self.signed) } else { Err(SignedError::OtherSigner { found, wanted }) }
    }
}

/// A form that is signed. Its members stand in the order of RFC 8785, and it refuses unknown ones.
pub(crate) trait Form: Serialize + DeserializeOwned {
    /// Its name and version.
    const FORMAT: &'static str;

    /// The member that the key which signed it is in.
    const SIGNER: &'static str;

    /// The text of the key that signed it.
    fn signer(&self) -> &str;

    /// The signature in hexadecimal digits; `None` in what is signed.
    fn signature(&mut self) -> &mut Option<String>;
}

/// The one member that is read before all others.
#[derive(Deserialize)]
struct FormatOnly {
    format: Option<String>,
}

/// A form as it was signed, by whom, and its text on one line.
pub(crate) struct Checked<F> {
    pub(crate) form: F,
    pub(crate) signer: SigningPublicKey,
    pub(crate) text: String,
}

/// Reads a form, laid out in any way, and checks its signature. What its members say is not looked at yet.
pub(crate) fn checked<F: Form>(text: &str) -> Result<Checked<F>, SignedError> {
    if text.len() > SIGNED_BYTES_MAX {
        return Err(SignedError::Long);
    }
    let whole: Result<FormatOnly, SignedError> = of_json::<F, _>(text);
    let mut form: F = match whole {
        Ok(FormatOnly { format }) => {
            of_format::<F>(format.as_deref())?;
            of_json::<F, _>(text)?
        }
        Err(error) => of_copy(&Copied::new(text), error)?,
    };
    let signature = form.signature().take().and_then(|text| of_hex::<SIGNATURE_BYTES>(&text));
    let signature = signature.ok_or_else(|| wrong("signature", "128 digits from 0 to 9 and a to f"))?;
    let signer = SigningPublicKey::read(form.signer()).map_err(|error| wrong(F::SIGNER, error))?;
    if !signer.has_signed(message(&form)?.as_bytes(), &signature) {
        return Err(SignedError::Signature);
    }
    *form.signature() = Some(to_hex(&signature));
    let text = canonical(&form)?;
    Ok(Checked { form, signer, text })
}

/// That an object is of the form; one that says nothing of it is looked at as if it were.
fn of_format<F: Form>(format: Option<&str>) -> Result<(), SignedError> {
    match format {
        Some(format) if format != F::FORMAT => {
            let is_printable =
                format.len() <= FORMAT_CHARS_MAX && format.bytes().all(|letter| letter.is_ascii_graphic());
            let found = if is_printable { format } else { "another" }.to_owned();
            Err(SignedError::Format { wanted: F::FORMAT, found })
        }
        _ => Ok(()),
    }
}

/// What somebody copied, without the ends of its lines. It may be a secret that was taken for something else.
struct Copied<'a> {
    text: &'a str,
    joined: Zeroizing<String>,
}

impl<'a> Copied<'a> {
    fn new(text: &'a str) -> Self {
        // It has room for everything, so that no copy of its beginning is left behind.
        let mut joined = Zeroizing::new(String::with_capacity(text.len()));
        text.lines().for_each(|line| joined.push_str(line.trim()));
        Self { text, joined }
    }

    /// What stands from there on.
    fn from(&self, at: usize) -> &str {
        self.joined.get(at..).unwrap_or_default()
    }

    /// In which line of the text that is, and after how many bytes of it.
    fn place(&self, at: usize) -> (usize, usize) {
        let mut rest = at;
        for (number, line) in (1..).zip(self.text.lines()) {
            let kept = line.trim().len();
            if rest <= kept {
                return (number, rest + line.len() - line.trim_start().len());
            }
            rest -= kept;
        }
        (self.text.lines().count(), rest)
    }

    fn malformed<F: Form>(&self, from: usize, error: &serde_json::Error) -> SignedError {
        let (line, column) = self.place(from + error.column());
        SignedError::Malformed { wanted: F::FORMAT, line, column }
    }
}

/// The one form in what was copied. What is no object is passed over, and so are objects of other forms beside it.
fn of_copy<F: Form>(copied: &Copied<'_>, whole: SignedError) -> Result<F, SignedError> {
    let (mut found, mut others, mut broken, mut at) = (Vec::new(), None, None, 0);
    for _ in 0..OBJECT_COUNT_MAX {
        let Some(before) = copied.from(at).find(OBJECT_START) else { break };
        at += before;
        let mut objects = serde_json::Deserializer::from_str(copied.from(at)).into_iter::<FormatOnly>();
        match objects.next() {
            Some(Ok(FormatOnly { format: Some(format) })) => {
                match of_format::<F>(Some(&format)) {
                    Ok(()) => found.push(at),
                    Err(error) => others = others.or(Some(error)),
                }
                at += objects.byte_offset();
            }
            Some(Ok(FormatOnly { format: None })) => at += objects.byte_offset(),
            Some(Err(error)) => {
                broken = broken.or_else(|| Some(copied.malformed::<F>(at, &error)));
                at += OBJECT_START.len();
            }
            None => break,
        }
    }
    match found.as_slice() {
        [] => Err(broken.or(others).unwrap_or(whole)),
        [from] => {
            let mut forms = serde_json::Deserializer::from_str(copied.from(*from)).into_iter::<F>();
            match forms.next() {
                Some(Ok(form)) => Ok(form),
                Some(Err(error)) => Err(copied.malformed::<F>(*from, &error)),
                None => Err(whole),
            }
        }
        several => Err(SignedError::Several { wanted: F::FORMAT, count: several.len() }),
    }
}

/// The text of a form that is signed.
pub(crate) fn signed<F: Form>(mut form: F, key: &SigningKey) -> Result<String, SignedError> {
    *form.signature() = None;
    let signature = key.sign(message(&form)?.as_bytes());
    *form.signature() = Some(to_hex(&signature));
    canonical(&form)
}

/// A member that says what cannot be.
pub(crate) fn wrong(member: &'static str, why: impl ToString) -> SignedError {
    SignedError::Member { member, why: why.to_string() }
}

/// A moment as it is written in forms: RFC 3339, in UTC, and in one way only.
pub(crate) fn moment(member: &'static str, text: &str) -> Result<Timestamp, SignedError> {
    let moment = text.parse::<Timestamp>().ok().filter(|moment| moment.to_string() == text);
    moment.ok_or_else(|| wrong(member, "a moment as `2026-11-27T03:00:00Z`"))
}

/// What `serde` says of a text is left away, but for the place: it repeats what it read, and that may be a secret that
/// somebody took for a document.
fn of_json<F: Form, T: DeserializeOwned>(text: &str) -> Result<T, SignedError> {
    serde_json::from_str(text).map_err(|error| malformed::<F>(&error))
}

fn malformed<F: Form>(error: &serde_json::Error) -> SignedError {
    SignedError::Malformed { wanted: F::FORMAT, line: error.line(), column: error.column() }
}

fn message<F: Form>(form: &F) -> Result<String, SignedError> {
    Ok(format!("{}\n{}", F::FORMAT, canonical(form)?))
}

/// Canonical JSON: members in order, no space, and each character as `serde_json` writes it, which is as RFC 8785 does
/// for texts and whole numbers.
fn canonical<F: Form>(form: &F) -> Result<String, SignedError> {
    serde_json::to_string(form).map_err(|error| malformed::<F>(&error))
}
