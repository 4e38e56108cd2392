//! What stands on sheets besides what the safe made, and how much of it there may be.
//!
//! All of it is text that somebody typed or a directory gave, and none of it is trusted.

use std::collections::BTreeSet;

use breakglass_custody::document::Account;
use breakglass_custody::quorum::Quorum;
use breakglass_custody::signed_set::SignedSet;
use breakglass_custody::slip39::Share;

use crate::documents::{AbsentDocument, SealedDocument};
use crate::error::SheetError;

/// Characters of the longest name, address or place.
pub const FIELD_CHARS_MAX: usize = 256;

/// Accounts on one sheet.
pub const ACCOUNT_COUNT_MAX: usize = 8;

/// Documents on one sheet: that of each account, and those that may still come to count.
pub const DOCUMENT_COUNT_MAX: usize = 32;

/// Places where documents are, on one sheet: the cover in the safe, and four depositories.
pub const PLACE_COUNT_MAX: usize = 5;

/// Bytes of the sealing key that a share is of.
const SEALING_KEY_BYTES: usize = 32;

/// The tenant that the accounts are of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Its name, as people call it.
    pub name: String,
    /// Its id.
    pub id: String,
    /// Where somebody signs in to repair it, as `https://entra.microsoft.com`.
    pub sign_in_address: String,
}

/// A person who keeps a share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Custodian {
    /// Their name.
    pub name: String,
    /// Where they are.
    pub site: Option<String>,
    /// Where they are called at night.
    pub phone: Option<String>,
    /// The number of their share, from 1.
    pub share: u8,
}

/// How far the record had come when the sheet was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The name of the log.
    pub origin: String,
    /// Entries.
    pub size: u64,
    /// What they hash to; on the sheet it is in base64, as in checkpoints.
    pub root: [u8; 32],
}

/// That a text is there, and not too long.
pub(crate) fn field(field: &'static str, text: &str) -> Result<(), SheetError> {
    let chars = text.chars().count();
    match chars {
        0 => Err(SheetError::Empty { field }),
        1..=FIELD_CHARS_MAX => Ok(()),
        _ => Err(SheetError::Long { field, chars }),
    }
}

/// That there are some of a thing, and not too many. Where there may be none the caller does not ask.
pub(crate) fn some(things: &'static str, count: usize, most: usize) -> Result<(), SheetError> {
    match count {
        0 => Err(SheetError::Empty { field: things }),
        _ => at_most(things, count, most),
    }
}

/// That there are not too many of a thing.
pub(crate) const fn at_most(things: &'static str, count: usize, most: usize) -> Result<(), SheetError> {
    if count > most { Err(SheetError::Many { things, count, most }) } else { Ok(()) }
}

impl Tenant {
    pub(crate) fn check(&self) -> Result<(), SheetError> {
        field("name of the tenant", &self.name)?;
        field("id of the tenant", &self.id)?;
        field("sign-in address", &self.sign_in_address)
    }
}

impl Custodian {
    pub(crate) fn check(&self, quorum: Quorum) -> Result<(), SheetError> {
        field("name of a custodian", &self.name)?;
        if let Some(site) = &self.site {
            field("site of a custodian", site)?;
        }
        if let Some(phone) = &self.phone {
            field("telephone of a custodian", phone)?;
        }
        if (1..=quorum.count()).contains(&self.share) {
            return Ok(());
        }
        Err(SheetError::NoSuchShare { custodian: self.name.clone(), share: self.share, quorum })
    }

    /// That each of them has a share of their own; there may be shares that nobody has.
    pub(crate) fn check_all(custodians: &[Self], quorum: Quorum) -> Result<(), SheetError> {
        some("custodians", custodians.len(), usize::from(quorum.count()))?;
        let mut shares = BTreeSet::new();
        for custodian in custodians {
            custodian.check(quorum)?;
            if !shares.insert(custodian.share) {
                return Err(SheetError::SharedShare(custodian.share));
            }
        }
        Ok(())
    }

    /// That a share is this custodian's, and of the set.
    pub(crate) fn check_share(&self, share: &Share, set: &SignedSet) -> Result<(), SheetError> {
        let (set, header) = (set.set(), share.header());
        let begins = set.id.to_string().replace('-', " ");
        let is_named = share.with_words(|words| words.strip_prefix(&begins).is_some_and(|rest| rest.starts_with(' ')));
        let is_of_set = header.group_count == 1
            && header.member_threshold == set.quorum.threshold()
            && header.member < set.quorum.count()
            && share.secret_bytes() == SEALING_KEY_BYTES;
        if !is_named || !is_of_set {
            return Err(SheetError::AlienShare(set.id.clone()));
        }
        let found = header.member + 1;
        if found == self.share {
            return Ok(());
        }
        Err(SheetError::OtherShare { custodian: self.name.clone(), wanted: self.share, found })
    }
}

/// That the accounts of a sheet can stand on it.
pub(crate) fn check_accounts(accounts: &[Account]) -> Result<(), SheetError> {
    some("accounts", accounts.len(), ACCOUNT_COUNT_MAX)?;
    for account in accounts {
        field("sign-in name of an account", &account.user_principal_name)?;
        field("id of an account", &account.id)?;
    }
    Ok(())
}

/// Accounts with what each is called on a sheet.
pub(crate) fn numbered(accounts: &[Account]) -> impl Iterator<Item = (String, &Account)> {
    let is_one = accounts.len() == 1;
    (1..).zip(accounts).map(move |(number, account): (u8, _)| {
        (if is_one { "Account".to_owned() } else { format!("Account {number}") }, account)
    })
}

/// That documents are of a set, and signed by whoever signed it; and that those that are not there can be named.
pub(crate) fn check_documents(
    documents: &[SealedDocument],
    absent: &[AbsentDocument],
    set: &SignedSet,
) -> Result<(), SheetError> {
    at_most("documents", documents.len(), DOCUMENT_COUNT_MAX)?;
    at_most("documents that are elsewhere", absent.len(), DOCUMENT_COUNT_MAX)?;
    for one in absent {
        field("id of a document", &one.document)?;
        field("sign-in name of an account", &one.account.user_principal_name)?;
    }
    for document in documents.iter().map(|one| &one.document) {
        if !document.label().is_sealed_to(set.set()) {
            return Err(SheetError::OtherSet { found: document.label().set.id.clone(), wanted: set.set().id.clone() });
        }
        if document.operator() != set.operator() {
            return Err(SheetError::OtherOperator {
                found: document.operator().fingerprint(),
                wanted: set.operator().fingerprint(),
            });
        }
    }
    Ok(())
}
