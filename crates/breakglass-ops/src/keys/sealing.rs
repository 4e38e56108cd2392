//! What of an account lies sealed besides its passwords, and who may know it by now.
//!
//! **Invariant:** what was once opened, or is sealed to a set whose key was there, is known to whoever was there, until it is
//! replaced; where nobody can tell, it is not taken for shut.

use breakglass_custody::document::{CredentialKind, Label};
use breakglass_custody::name::Name;
use breakglass_custody::succession::Spent;

use crate::key_box::record::KeyBox;

/// What is sealed in a document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sealed {
    /// The PIN of this key.
    Pin(Name),
    /// The private key of this certificate.
    Certificate(Name),
}

impl Sealed {
    /// What kind of secret it is.
    #[must_use]
    pub const fn kind(&self) -> CredentialKind {
        match self {
            Self::Pin(_) => CredentialKind::Passkey,
            Self::Certificate(_) => CredentialKind::Certificate,
        }
    }

    /// The key or the certificate whose it is.
    #[must_use]
    pub const fn owner(&self) -> &Name {
        match self {
            Self::Pin(name) | Self::Certificate(name) => name,
        }
    }
}

/// Who may know what is sealed in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sealing {
    /// Nobody who did not before.
    Shut,
    /// Whoever was there when the key of one of its sets was; or somebody who left may come to.
    Spent(Spent),
    /// Nobody can tell.
    Untold,
}

impl Sealing {
    /// Of a document by its label, if it is to be had, and by the sets that there are, if they are known; `is_opened` says
    /// whether it is written down that it was opened itself.
    #[must_use]
    pub fn of(label: Option<&Label>, key_box: Option<&KeyBox>, is_opened: bool) -> Self {
        if is_opened {
            return Self::Spent(Spent::Opened);
        }
        let (Some(label), Some(key_box)) = (label, key_box) else { return Self::Untold };
        let sets = || label.sets().map(|set| key_box.standing(set.recipient.fingerprint()));
        let is_any = |wanted: Spent| sets().flatten().any(|(_, spent)| spent == Some(wanted));
        if is_any(Spent::Opened) {
            Self::Spent(Spent::Opened)
        } else if sets().any(|standing| standing.is_none()) {
            Self::Untold
        } else if is_any(Spent::Retired) {
            Self::Spent(Spent::Retired)
        } else {
            Self::Shut
        }
    }
}
