//! What is remembered of the security keys and the certificates of one account: entries that are added and never changed, and
//! how things stand by them.
//!
//! **Invariant:** an entry that cannot follow the ones before it is refused and changes nothing. A key that the tenant may
//! know is never forgotten: an attempt to register it is over when its outcome is written down, and not before. Nor is a
//! document in which a PIN or a private key was sealed: each is known for as long as the record is.
//! **Limits:** [`KEY_COUNT_MAX`], [`TEXT_CHARS_MAX`], [`METHOD_CHARS_MAX`].

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use breakglass_custody::document::CredentialKind;
use breakglass_custody::name::Name;

use super::certificates::{Certificate, Certificates};
use super::sealing::Sealed;

/// Keys of one account at most; Entra takes no more.
pub const KEY_COUNT_MAX: usize = 10;

/// Characters of the longest name of a model.
pub const TEXT_CHARS_MAX: usize = 64;

/// Characters of the longest id of a method or a credential: 1,023 bytes in base64url and a digit.
pub const METHOD_CHARS_MAX: usize = 1_400;

/// A security key as it is first written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Noted {
    /// Its name: the serial number that is printed on it, in small letters.
    pub key: Name,
    /// The model, as the maker calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The model, by the number that keys of it carry (AAGUID).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aa_guid: Option<String>,
    /// Where it lies.
    pub place: Name,
    /// Who can take it from there.
    pub held_by: Name,
    /// Who has its PIN.
    pub pin_held_by: Name,
    /// Its method in the tenant, if it was registered by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase", deny_unknown_fields)]
pub enum Entry {
    /// The account has a key.
    Noted(Noted),
    /// A key has made a credential, which is about to be sent: from here on the tenant may know it.
    Registering {
        /// Which.
        key: Name,
        /// The id of the credential, in base64url.
        credential: String,
        /// The model that the key says it is of (AAGUID).
        #[serde(rename = "aaGuid")]
        aa_guid: String,
        /// Until when the tenant takes it.
        until: Timestamp,
        /// When.
        at: Timestamp,
    },
    /// The tenant did not take it, and cannot any more.
    NotRegistered {
        /// Which.
        key: Name,
        /// When.
        at: Timestamp,
    },
    /// The tenant has it.
    Registered {
        /// Which.
        key: Name,
        /// Its method.
        method: String,
        /// When.
        at: Timestamp,
    },
    /// It lies elsewhere, or somebody else can take it.
    Moved {
        /// Which.
        key: Name,
        /// Where it lies.
        place: Name,
        /// Who can take it from there.
        #[serde(rename = "heldBy")]
        held_by: Name,
        /// When.
        at: Timestamp,
    },
    /// Somebody signed in with it, to see whether it works.
    Drilled {
        /// Which.
        key: Name,
        /// When.
        at: Timestamp,
    },
    /// Somebody signed in with it because it was needed: whoever was there may know the PIN.
    Used {
        /// Which.
        key: Name,
        /// When.
        at: Timestamp,
    },
    /// It has another PIN.
    PinChanged {
        /// Which.
        key: Name,
        /// Who has it now.
        #[serde(rename = "pinHeldBy")]
        pin_held_by: Name,
        /// When.
        at: Timestamp,
    },
    /// Its PIN lies sealed.
    PinSealed {
        /// Which.
        key: Name,
        /// In which document.
        document: Name,
        /// When.
        at: Timestamp,
    },
    /// Nobody knows where it is.
    Lost {
        /// Which.
        key: Name,
        /// When.
        at: Timestamp,
    },
    /// The tenant does not know it any more, and the account has it no more.
    Removed {
        /// Which.
        key: Name,
        /// When.
        at: Timestamp,
    },
    /// A certificate was issued.
    CertificateIssued {
        /// Its name: its serial number, or its thumbprint.
        certificate: Name,
        /// When it ends.
        until: Timestamp,
        /// The document in which its private key lies sealed, if it does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        document: Option<Name>,
        /// When.
        at: Timestamp,
    },
    /// Somebody signed in with it: whoever was there may have its private key.
    CertificateUsed {
        /// Which.
        certificate: Name,
        /// When.
        at: Timestamp,
    },
    /// The tenant lets nobody in with it any more.
    CertificateRevoked {
        /// Which.
        certificate: Name,
        /// When.
        at: Timestamp,
    },
}

impl Entry {
    /// When it was.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        match self {
            Self::Noted(noted) => noted.at,
            Self::Registering { at, .. }
            | Self::NotRegistered { at, .. }
            | Self::Registered { at, .. }
            | Self::Moved { at, .. }
            | Self::Drilled { at, .. }
            | Self::Used { at, .. }
            | Self::PinChanged { at, .. }
            | Self::PinSealed { at, .. }
            | Self::Lost { at, .. }
            | Self::Removed { at, .. }
            | Self::CertificateIssued { at, .. }
            | Self::CertificateUsed { at, .. }
            | Self::CertificateRevoked { at, .. } => *at,
        }
    }
}

/// Why an entry cannot follow those that are there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// The account has a key of that name.
    #[error("the key `{0}` is written down already; `keys list` shows it")]
    Known(Name),
    /// There is no such key.
    #[error("no key `{0}` of this account is written down; `keys note` does that")]
    Unknown(Name),
    /// There are as many as there can be.
    #[error("the account has {KEY_COUNT_MAX} keys, and the tenant takes no more; remove one first")]
    Many,
    /// Two keys are one method.
    #[error("the method of the key `{0}` is that of another key")]
    Method(Name),
    /// It is in the tenant already.
    #[error("the key `{0}` is registered; remove it first")]
    Registered(Name),
    /// It is not in the tenant.
    #[error("the key `{0}` is not registered, so that nobody can sign in with it")]
    NotRegistered(Name),
    /// Nobody knows how an attempt to register it ended.
    #[error("it is not known how registering the key `{0}` ended; register it again, which finds out first")]
    Undecided(Name),
    /// There is no attempt.
    #[error("nobody was registering the key `{0}`")]
    NoAttempt(Name),
    /// It is lost.
    #[error("the key `{0}` is lost; remove it, and note it again should it be found")]
    Lost(Name),
    /// There was a certificate of that name.
    #[error("the certificate `{0}` is written down already; `keys list` shows it")]
    KnownCertificate(Name),
    /// There never was.
    #[error("no certificate `{0}` of this account is written down; `keys list` shows those that are")]
    UnknownCertificate(Name),
    /// It is revoked.
    #[error("the certificate `{0}` is revoked, so that nobody signs in with it")]
    Revoked(Name),
    /// Something else is sealed in the document.
    #[error("something else is sealed in the document `{0}` by the record")]
    Document(Name),
    /// A text is none.
    #[error(
        "a model has 1 to {TEXT_CHARS_MAX} characters on one line, the id of a method 1 to {METHOD_CHARS_MAX} letters, digits, \
         `-` and `_`"
    )]
    Text,
    /// Its time cannot be.
    #[error("an entry is not older than the one before it, and a registration and a certificate end after they begin")]
    Times,
}

/// How one key stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// As it was written down; place, people, model and method as they are now.
    pub noted: Noted,
    /// The credential that was sent with no outcome so far, and until when the tenant takes it.
    pub attempt: Option<(String, Timestamp)>,
    /// Whether it is lost.
    pub is_lost: bool,
    /// When somebody last tried it.
    pub drilled_at: Option<Timestamp>,
    /// When it was last needed.
    pub used_at: Option<Timestamp>,
    /// When its PIN was last changed.
    pub pin_changed_at: Option<Timestamp>,
    /// The documents in which the PIN that it has now was sealed; the last is the one that counts.
    pub pin_sealed_in: Vec<Name>,
}

impl Key {
    /// Whether somebody can sign in with it, as far as it is written down.
    #[must_use]
    pub const fn is_usable(&self) -> bool {
        self.noted.method.is_some() && !self.is_lost
    }
}

/// How the keys and the certificates of one account stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Course {
    pub(super) keys: BTreeMap<Name, Key>,
    pub(super) certificates: Certificates,
    /// What was sealed in which document, ever.
    sealed: BTreeMap<Name, Sealed>,
    last_at: Option<Timestamp>,
}

impl Course {
    /// How things stand by entries, in their order.
    ///
    /// # Errors
    /// One cannot follow the ones before it.
    pub fn of(entries: &[Entry]) -> Result<Self, EntryError> {
        let mut course = Self::default();
        entries.iter().try_for_each(|entry| course.add(entry))?;
        Ok(course)
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// It cannot follow those that are there. Nothing has changed then.
    pub fn add(&mut self, entry: &Entry) -> Result<(), EntryError> {
        let now = entry.at();
        if self.last_at.is_some_and(|last| now < last) {
            return Err(EntryError::Times);
        }
        match entry {
            Entry::Noted(noted) => self.note(noted)?,
            Entry::Registering { key, credential, aa_guid, until, at } => {
                let found = self.with_no_attempt(key)?;
                if found.noted.method.is_some() {
                    return Err(EntryError::Registered(key.clone()));
                }
                check_id(credential)?;
                check_text(aa_guid, TEXT_CHARS_MAX)?;
                if until <= at {
                    return Err(EntryError::Times);
                }
                found.attempt = Some((credential.clone(), *until));
                found.noted.aa_guid = Some(aa_guid.clone());
            }
            Entry::NotRegistered { key, .. } => self.attempted(key)?.attempt = None,
            Entry::Registered { key, method, .. } => {
                self.attempted(key)?;
                self.check_method(key, method)?;
                let found = self.attempted(key)?;
                (found.attempt, found.noted.method) = (None, Some(method.clone()));
            }
            Entry::Moved { key, place, held_by, .. } => {
                let noted = &mut self.at_hand(key)?.noted;
                (noted.place, noted.held_by) = (place.clone(), held_by.clone());
            }
            Entry::Drilled { key, at } => self.registered(key)?.drilled_at = Some(*at),
            Entry::Used { key, at } => self.registered(key)?.used_at = Some(*at),
            Entry::PinChanged { key, pin_held_by, at } => {
                let found = self.at_hand(key)?;
                (found.noted.pin_held_by, found.pin_changed_at) = (pin_held_by.clone(), Some(*at));
                found.pin_sealed_in.clear();
            }
            Entry::PinSealed { key, document, .. } => {
                self.at_hand(key)?;
                self.seal(document, Sealed::Pin(key.clone()))?;
                self.at_hand(key)?.pin_sealed_in.push(document.clone());
            }
            Entry::Lost { key, .. } => self.at_hand(key)?.is_lost = true,
            Entry::Removed { key, .. } => {
                if self.found(key)?.attempt.is_some() {
                    return Err(EntryError::Undecided(key.clone()));
                }
                self.keys.remove(key);
            }
            Entry::CertificateIssued { certificate, until, document, at } => {
                self.issue(certificate, (*at, *until), document.as_ref())?;
            }
            Entry::CertificateUsed { certificate, at } => self.certificates.valid(certificate)?.used_at = Some(*at),
            Entry::CertificateRevoked { certificate, at } => {
                self.certificates.valid(certificate)?.revoked_at = Some(*at);
            }
        }
        self.last_at = Some(now);
        Ok(())
    }

    fn note(&mut self, noted: &Noted) -> Result<(), EntryError> {
        if self.keys.contains_key(&noted.key) {
            return Err(EntryError::Known(noted.key.clone()));
        }
        if self.keys.len() >= KEY_COUNT_MAX {
            return Err(EntryError::Many);
        }
        for text in [&noted.model, &noted.aa_guid].into_iter().flatten() {
            check_text(text, TEXT_CHARS_MAX)?;
        }
        if let Some(method) = &noted.method {
            self.check_method(&noted.key, method)?;
        }
        let (attempt, is_lost) = (None, false);
        let (drilled_at, used_at, pin_changed_at, pin_sealed_in) = (None, None, None, Vec::new());
        let key = Key { noted: noted.clone(), attempt, is_lost, drilled_at, used_at, pin_changed_at, pin_sealed_in };
        self.keys.insert(noted.key.clone(), key);
        Ok(())
    }

    fn issue(
        &mut self,
        certificate: &Name,
        (at, until): (Timestamp, Timestamp),
        document: Option<&Name>,
    ) -> Result<(), EntryError> {
        self.certificates.check_new(certificate)?;
        if until <= at {
            return Err(EntryError::Times);
        }
        if let Some(document) = document {
            self.seal(document, Sealed::Certificate(certificate.clone()))?;
        }
        self.certificates.add(Certificate::new(certificate, until, document));
        Ok(())
    }

    fn seal(&mut self, document: &Name, sealed: Sealed) -> Result<(), EntryError> {
        if self.sealed.contains_key(document) {
            return Err(EntryError::Document(document.clone()));
        }
        self.sealed.insert(document.clone(), sealed);
        Ok(())
    }

    fn check_method(&self, key: &Name, method: &str) -> Result<(), EntryError> {
        check_id(method)?;
        let is_taken = self.keys.values().any(|other| other.noted.method.as_deref() == Some(method));
        if is_taken { Err(EntryError::Method(key.clone())) } else { Ok(()) }
    }

    fn found(&mut self, key: &Name) -> Result<&mut Key, EntryError> {
        self.keys.get_mut(key).ok_or_else(|| EntryError::Unknown(key.clone()))
    }

    fn at_hand(&mut self, key: &Name) -> Result<&mut Key, EntryError> {
        let found = self.found(key)?;
        if found.is_lost { Err(EntryError::Lost(key.clone())) } else { Ok(found) }
    }

    fn with_no_attempt(&mut self, key: &Name) -> Result<&mut Key, EntryError> {
        let found = self.at_hand(key)?;
        if found.attempt.is_some() { Err(EntryError::Undecided(key.clone())) } else { Ok(found) }
    }

    /// The key, of which it is not known whether the tenant has it; it may be lost meanwhile.
    fn attempted(&mut self, key: &Name) -> Result<&mut Key, EntryError> {
        let found = self.found(key)?;
        if found.attempt.is_some() { Ok(found) } else { Err(EntryError::NoAttempt(key.clone())) }
    }

    fn registered(&mut self, key: &Name) -> Result<&mut Key, EntryError> {
        let found = self.at_hand(key)?;
        if found.noted.method.is_some() { Ok(found) } else { Err(EntryError::NotRegistered(key.clone())) }
    }

    /// Every key that the account has or may have, by name.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.keys.values()
    }

    /// A key.
    #[must_use]
    pub fn key(&self, key: &Name) -> Option<&Key> {
        self.keys.get(key)
    }

    /// Every certificate that was issued, in this order, those that are revoked among them.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        self.certificates.all()
    }

    /// What was sealed in a document.
    #[must_use]
    pub fn sealed_in(&self, document: &Name) -> Option<&Sealed> {
        self.sealed.get(document)
    }

    /// The document in which something lies sealed as it is now: a PIN that was not changed since, the private key of a
    /// certificate that is not revoked.
    #[must_use]
    pub fn document_of(&self, sealed: &Sealed) -> Option<&Name> {
        match sealed {
            Sealed::Pin(key) => self.keys.get(key)?.pin_sealed_in.last(),
            Sealed::Certificate(certificate) => {
                let found = self.certificates.all().iter().find(|one| one.certificate == *certificate)?;
                found.document.as_ref().filter(|_| found.revoked_at.is_none())
            }
        }
    }

    /// Whether no PIN and no private key was ever sealed.
    #[must_use]
    pub fn is_nothing_sealed(&self) -> bool {
        self.sealed.is_empty()
    }

    /// The documents that count, with what is sealed in each.
    pub fn counting(&self) -> impl Iterator<Item = (&Name, &Sealed)> {
        self.sealed.iter().filter(|(document, sealed)| self.document_of(sealed) == Some(document))
    }

    /// The number of the next secret of a kind, counted from 1.
    #[must_use]
    pub fn next_version(&self, kind: CredentialKind) -> u32 {
        let before = self.sealed.values().filter(|sealed| sealed.kind() == kind).count();
        u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
    }
}

/// That a text is the id of a method or of a credential, which is part of an address.
pub(super) fn check_id(text: &str) -> Result<(), EntryError> {
    let is_good = |letter: u8| letter.is_ascii_alphanumeric() || letter == b'-' || letter == b'_';
    let is_id = (1..=METHOD_CHARS_MAX).contains(&text.len()) && text.bytes().all(is_good);
    if is_id { Ok(()) } else { Err(EntryError::Text) }
}

fn check_text(text: &str, chars_max: usize) -> Result<(), EntryError> {
    let is_text = (1..=chars_max).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if is_text { Ok(()) } else { Err(EntryError::Text) }
}
