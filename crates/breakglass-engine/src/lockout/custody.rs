//! How secrets are kept, as far as it decides whether they can be had: envelopes of shares, who holds them, where.
//!
//! The configuration declares it; where it declares nothing, a password is one component.
//!
//! **Source:** `docs/concepts/lockout.md`, section 5.

use std::collections::BTreeMap;

/// Everything that is declared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Custody {
    /// People who keep shares, by id.
    pub custodians: BTreeMap<String, Keeper>,
    /// Safes, by id.
    pub safes: BTreeMap<String, Keeper>,
    /// Depositories, by id.
    pub depositories: BTreeMap<String, Depository>,
    /// Envelopes, in the order of the configuration.
    pub envelopes: Vec<Envelope>,
}

/// Somebody or something that keeps shares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keeper {
    /// Name to show.
    pub name: String,
    /// Where it is: what happens to the site happens to everything at it.
    pub site: Option<String>,
}

/// A place on a computer that keeps shares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Depository {
    /// Name to show.
    pub name: String,
    /// Where it is.
    pub site: Option<String>,
    /// Users of this tenant of whom one has to sign in to the tenant to reach it, by id or sign-in name; empty if it
    /// is reached without the tenant.
    pub signs_in: Vec<String>,
    /// Application that they sign in to; Microsoft Graph PowerShell where it is not said.
    pub application: Option<String>,
}

/// A secret in shares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The account, by id or sign-in name.
    pub account: String,
    /// What is in it.
    pub holds: Holds,
    /// How many shares open it.
    pub threshold: usize,
    /// The shares.
    pub shares: Vec<Share>,
}

/// What an envelope holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holds {
    /// The password.
    Password,
    /// An authentication method, by its id.
    Method(String),
}

/// One share: all that is named is needed for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Share {
    /// Who keeps it.
    pub custodian: Option<String>,
    /// The safe it lies in.
    pub safe: Option<String>,
    /// The depository it lies in.
    pub depository: Option<String>,
}

/// Shares of one envelope.
pub const SHARE_COUNT_MAX: usize = 64;

/// Why what is declared cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CustodyError {
    /// More shares are needed than there are, or none.
    #[error(
        "the envelope for `{account}` needs {threshold} of {count} shares; the threshold must be from 1 to the number \
         of shares"
    )]
    Threshold {
        /// The account.
        account: String,
        /// Shares needed.
        threshold: usize,
        /// Shares there are.
        count: usize,
    },
    /// There are too many shares.
    #[error("the envelope for `{account}` has {count} shares; at most {SHARE_COUNT_MAX} are allowed")]
    TooManyShares {
        /// The account.
        account: String,
        /// How many.
        count: usize,
    },
    /// A share names a keeper that is not declared.
    #[error("a share of the envelope for `{account}` names the {what} `{id}`, which is not declared")]
    UnknownKeeper {
        /// The account.
        account: String,
        /// `custodian`, `safe` or `depository`.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// A share is nowhere.
    #[error("share {number} of the envelope for `{account}` names neither a custodian nor a safe nor a depository")]
    NoKeeper {
        /// The account.
        account: String,
        /// Which share, from 1.
        number: usize,
    },
    /// Two envelopes hold the same.
    #[error("two envelopes for `{account}` hold the same: one secret is in one envelope")]
    Twice {
        /// The account.
        account: String,
    },
}

impl Custody {
    /// Whether nothing is declared.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Checks that what is declared can be.
    ///
    /// # Errors
    /// The first contradiction.
    pub fn check(&self) -> Result<(), CustodyError> {
        for (at, envelope) in self.envelopes.iter().enumerate() {
            let account = || envelope.account.clone();
            let (threshold, count) = (envelope.threshold, envelope.shares.len());
            if count > SHARE_COUNT_MAX {
                return Err(CustodyError::TooManyShares { account: account(), count });
            }
            if threshold == 0 || threshold > count {
                return Err(CustodyError::Threshold { account: account(), threshold, count });
            }
            let is_same = |other: &Envelope| other.account == envelope.account && other.holds == envelope.holds;
            if self.envelopes.iter().skip(at + 1).any(is_same) {
                return Err(CustodyError::Twice { account: account() });
            }
            for (number, share) in (1..).zip(&envelope.shares) {
                if *share == Share::default() {
                    return Err(CustodyError::NoKeeper { account: account(), number });
                }
                let named = [
                    ("custodian", &share.custodian, &|id: &str| self.custodians.contains_key(id)),
                    ("safe", &share.safe, &|id: &str| self.safes.contains_key(id)),
                    ("depository", &share.depository, &|id: &str| self.depositories.contains_key(id)),
                ] as [(&'static str, &Option<String>, &dyn Fn(&str) -> bool); 3];
                for (what, id, is_declared) in named {
                    if let Some(id) = id.as_ref().filter(|id| !is_declared(id)) {
                        return Err(CustodyError::UnknownKeeper { account: account(), what, id: id.clone() });
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Custody, CustodyError, Envelope, Holds, Keeper, Share};

    fn custody(threshold: usize, shares: Vec<Share>) -> Custody {
        let envelope = Envelope { account: "bg".to_owned(), holds: Holds::Password, threshold, shares };
        let custodians = [("eva".to_owned(), Keeper::default())].into();
        Custody { custodians, envelopes: vec![envelope], ..Custody::default() }
    }

    fn with(custodian: &str) -> Share {
        Share { custodian: Some(custodian.to_owned()), ..Share::default() }
    }

    #[test]
    fn contradictions_are_refused() {
        assert_eq!(custody(1, vec![with("eva")]).check(), Ok(()));
        for (threshold, shares) in [(0, vec![with("eva")]), (2, vec![with("eva")]), (1, Vec::new())] {
            let refused = custody(threshold, shares).check();
            assert!(matches!(refused, Err(CustodyError::Threshold { .. })), "{refused:?}");
        }
        assert!(matches!(custody(1, vec![with("max")]).check(), Err(CustodyError::UnknownKeeper { .. })));
        assert!(matches!(custody(1, vec![Share::default()]).check(), Err(CustodyError::NoKeeper { number: 1, .. })));
        let many = custody(1, vec![with("eva"); super::SHARE_COUNT_MAX + 1]);
        assert!(matches!(many.check(), Err(CustodyError::TooManyShares { .. })));
        let mut twice = custody(1, vec![with("eva")]);
        twice.envelopes.push(twice.envelopes[0].clone());
        assert!(matches!(twice.check(), Err(CustodyError::Twice { .. })));
    }
}
