//! The certificates of one account, as part of its record.
//!
//! An account need not have one: where all are revoked, nothing is due. That the newest takes the place of the others is what
//! issuing it is for, so that all of them but the newest are to be revoked.

use breakglass_custody::name::Name;
use jiff::{SignedDuration, Timestamp};

use super::due::{Due, Why};
use super::record::EntryError;

/// Days before its end on which a certificate is to be issued anew.
pub const RENEW_DAYS: i64 = 30;

/// How one certificate stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Its name.
    pub certificate: Name,
    /// When it ends.
    pub until: Timestamp,
    /// The document in which its private key was sealed, if it was.
    pub document: Option<Name>,
    /// When somebody last signed in with it.
    pub used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl Certificate {
    pub(super) fn new(certificate: &Name, until: Timestamp, document: Option<&Name>) -> Self {
        let (used_at, revoked_at) = (None, None);
        Self { certificate: certificate.clone(), until, document: document.cloned(), used_at, revoked_at }
    }

    /// Why it is to be issued anew, if it is.
    fn why(&self, at: Timestamp) -> Option<Why> {
        if self.used_at.is_some() {
            Some(Why::Used)
        } else if self.until <= at {
            Some(Why::Ended(self.until))
        } else if at.duration_until(self.until) <= SignedDuration::from_hours(24 * RENEW_DAYS) {
            Some(Why::Ends(self.until))
        } else {
            None
        }
    }
}

/// All that were issued, in this order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Certificates(Vec<Certificate>);

impl Certificates {
    pub(super) fn all(&self) -> &[Certificate] {
        &self.0
    }

    pub(super) fn add(&mut self, certificate: Certificate) {
        self.0.push(certificate);
    }

    /// That none had this name.
    pub(super) fn check_new(&self, certificate: &Name) -> Result<(), EntryError> {
        let is_known = self.0.iter().any(|one| one.certificate == *certificate);
        if is_known { Err(EntryError::KnownCertificate(certificate.clone())) } else { Ok(()) }
    }

    /// One that is not revoked.
    pub(super) fn valid(&mut self, certificate: &Name) -> Result<&mut Certificate, EntryError> {
        let found = self.0.iter_mut().find(|one| one.certificate == *certificate);
        let found = found.ok_or_else(|| EntryError::UnknownCertificate(certificate.clone()))?;
        if found.revoked_at.is_some() { Err(EntryError::Revoked(certificate.clone())) } else { Ok(found) }
    }

    /// The last that was issued of those that are not revoked.
    pub(super) fn newest(&self) -> Option<&Certificate> {
        self.0.iter().rfind(|one| one.revoked_at.is_none())
    }

    /// What is to be done with them at a time.
    pub(super) fn due(&self, at: Timestamp) -> impl Iterator<Item = Due> {
        let newest = self.newest();
        let older = self.0.iter().filter(move |one| one.revoked_at.is_none() && Some(*one) != newest);
        let anew = newest.and_then(|one| Some(Due::Issue(one.certificate.clone(), one.why(at)?)));
        anew.into_iter().chain(older.map(|one| Due::Revoke(one.certificate.clone())))
    }
}
