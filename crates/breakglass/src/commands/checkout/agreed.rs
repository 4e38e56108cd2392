//! The request that is under way, with everything that was signed for it looked at again.

use breakglass_adapters::clock::SystemClock;
use breakglass_adapters::key_file::KeyUse;
use breakglass_adapters::sqlite_store::SqliteStore;
use breakglass_custody::approval::{Approval, SignedRequest};
use breakglass_custody::document::Account;
use breakglass_custody::signing::SigningKey;
use breakglass_ops::checkout::journey::{CheckOuts, Found, Signatures};
use breakglass_ops::checkout::record::Entry;
use breakglass_ops::checkout::stream::{Kept, PREFIX, course_of, kept};
use breakglass_ops::journal::{Journal, JournalError};
use breakglass_ops::key_box::accounts::replaced;
use breakglass_ops::ports::Store as _;
use jiff::Timestamp;

use super::CheckoutFailure;
use crate::commands::custody::desk::{Desk, DeskError, signing_key};
use crate::commands::custody::opening::account_of;
use crate::config::Person;
use crate::failure::Failure;
use crate::wiring::World;

/// The account of which something is asked for or out, by the id or the name with which it was signed: no document is needed
/// for that. If nothing is, the account of which something is sealed.
pub(super) fn account_asked(
    desk: &Desk,
    store: &SqliteStore,
    (account, now): (&str, Timestamp),
    world: &World,
) -> Result<Account, Failure> {
    let deleted = replaced(store).map_err(DeskError::from)?;
    for stream in store.streams(PREFIX).map_err(DeskError::from)? {
        let id = stream.strip_prefix(PREFIX).unwrap_or_default();
        let is_id = id.eq_ignore_ascii_case(account);
        // Of one that is gone another may have the name.
        if deleted.get(id) == Some(&true) && !is_id {
            continue;
        }
        let (course, _) = course_of(store, id).map_err(CheckoutFailure::from)?;
        let Some(asked) = course.request_at(now).map(|request| request.request.clone()) else { continue };
        let all = kept(store, id).map_err(CheckoutFailure::from)?;
        let signed = all.iter().find_map(|one| match &one.entry {
            Entry::Requested(request) if request.request == asked => {
                signed_request(desk, one, request.person.as_str()).ok()
            }
            _ => None,
        });
        let name = signed.map(|signed| signed.request().account.user_principal_name.clone());
        if is_id || name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(account)) {
            let user_principal_name = name.unwrap_or_else(|| account.to_owned());
            return Ok(Account { id: id.to_owned(), user_principal_name });
        }
    }
    account_of(desk, account, world)
}

/// The check-outs of an account on this machine, by the clock that everybody reads.
pub(crate) fn check_outs<'a>(
    store: &'a SqliteStore,
    account: &'a Account,
    enter: &'a dyn Fn(Timestamp) -> Result<Journal, JournalError>,
) -> CheckOuts<'a> {
    CheckOuts { store, clock: &SystemClock, account, enter }
}

/// The people of a configuration, by whose keys it is looked at what was signed for the requests of an account.
#[derive(Clone, Copy)]
pub(crate) struct Known<'d> {
    /// The configuration.
    pub(crate) desk: &'d Desk,
    /// The account.
    pub(crate) account: &'d Account,
}

impl Signatures for Known<'_> {
    type Signed = SignedRequest;
    type Error = Failure;

    fn confirm(&self, found: &Found) -> Result<SignedRequest, Failure> {
        let id = &self.account.id;
        let differs = |place: usize| CheckoutFailure::Differs { account: id.clone(), number: place + 1 };
        let mut request = None;
        for (place, one) in found.entries.iter().enumerate().skip(found.place) {
            match &one.entry {
                Entry::Requested(asked) if place == found.place => {
                    let signed = signed_request(self.desk, one, asked.person.as_str())
                        .map_err(|error| error.unwrap_or_else(|| differs(place)))?;
                    let told = signed.request();
                    let is_same = told.id.to_string() == asked.request.as_str()
                        && told.document.to_string() == asked.document.as_str()
                        && told.person == asked.person.as_str()
                        && told.account.id == *id
                        && (told.reason.as_str(), told.asked_on, told.expires_on, i64::from(told.out_hours))
                            == (asked.reason.as_str(), asked.at, asked.expires_at, asked.out_hours);
                    if !is_same {
                        return Err(differs(place).into());
                    }
                    request = Some(signed);
                }
                Entry::Approved { person, .. } => {
                    let request = request.as_ref().ok_or_else(|| differs(place))?;
                    let key = key_of(self.desk, person.as_str())?;
                    let text = one.signed.as_ref().ok_or_else(|| differs(place))?;
                    let failed = |source| CheckoutFailure::Signed { person: person.to_string(), source };
                    let approval =
                        Approval::read(text).and_then(|read| read.confirmed(key.fingerprint())).map_err(failed)?;
                    if approval.person() != person.as_str() {
                        return Err(differs(place).into());
                    }
                    approval.counts_for(request, found.leaf).map_err(CheckoutFailure::from)?;
                }
                _ => {}
            }
        }
        Ok(request.ok_or_else(|| differs(found.place))?)
    }
}

fn signed_request(desk: &Desk, one: &Kept, person: &str) -> Result<SignedRequest, Option<CheckoutFailure>> {
    let text = one.signed.as_ref().ok_or(None)?;
    let key = key_of(desk, person).map_err(Some)?;
    let read = SignedRequest::read(text).and_then(|read| read.confirmed(key.fingerprint()));
    read.map_err(|source| Some(CheckoutFailure::Signed { person: person.to_owned(), source }))
}

/// The key that the configuration has for somebody.
pub(super) fn key_of(desk: &Desk, id: &str) -> Result<breakglass_custody::signing::SigningPublicKey, CheckoutFailure> {
    let person = desk.person(id).ok();
    person.and_then(|person| person.key).ok_or_else(|| CheckoutFailure::NoKey(id.to_owned()))
}

/// The key of a person from their file, if it is theirs.
pub(super) fn own_key(person: &Person, file: Option<&std::path::Path>) -> Result<SigningKey, Failure> {
    let path =
        file.map_or_else(|| std::path::PathBuf::from(format!("{}.key", person.id)), std::path::Path::to_path_buf);
    let key = signing_key(&path, KeyUse::Person)?;
    if Some(key.public()) != person.key {
        let file = path.display().to_string();
        return Err(CheckoutFailure::OtherKey { file, person: person.id.clone() }.into());
    }
    Ok(key)
}
