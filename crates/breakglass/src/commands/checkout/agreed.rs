//! The request that is under way, with everything that was signed for it looked at again.

use breakglass_adapters::key_file::KeyUse;
use breakglass_adapters::sqlite_store::SqliteStore;
use breakglass_custody::approval::{Approval, Request, SignedRequest};
use breakglass_custody::document::Account;
use breakglass_custody::signing::SigningKey;
use breakglass_ops::checkout::record::{self, Course, Entry};
use breakglass_ops::checkout::stream::{Kept, PREFIX, course_of, kept, stream_of};
use breakglass_ops::journal::catch_up;
use breakglass_ops::key_box::accounts::replaced;
use breakglass_ops::ports::Store as _;
use breakglass_ops::rotation::journey::course_of as rotation_of;
use jiff::Timestamp;

use super::CheckoutFailure;
use crate::commands::custody::desk::{Desk, DeskError, name_of, signing_key};
use crate::commands::custody::opening::account_of;
use crate::config::Person;
use crate::failure::Failure;
use crate::wiring::World;

/// A request that is under way.
pub(crate) struct UnderWay {
    /// As the person signed it.
    pub(super) request: SignedRequest,
    /// The hash of its entry in the ledger.
    pub(super) leaf: [u8; 32],
    /// How the check-outs of the account stand.
    pub(super) course: Course,
}

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

/// The request that is under way, or why none is.
pub(super) fn request_of<'c>(
    course: &'c Course,
    account: &str,
    now: Timestamp,
) -> Result<&'c record::Request, CheckoutFailure> {
    course.request_at(now).ok_or_else(|| match course.why_over(now) {
        Some(why) => CheckoutFailure::Stream(why.into()),
        None => CheckoutFailure::Nothing(account.to_owned()),
    })
}

/// What is under way for an account, after every signature of it was looked at.
pub(crate) fn under_way(desk: &Desk, store: &SqliteStore, account: &str, now: Timestamp) -> Result<UnderWay, Failure> {
    let journal = catch_up(store, now).map_err(CheckoutFailure::from)?;
    let (course, _) = course_of(store, account).map_err(CheckoutFailure::from)?;
    let id = request_of(&course, account, now)?.request.clone();
    let all = kept(store, account).map_err(CheckoutFailure::from)?;
    let asked = |one: &Kept| matches!(&one.entry, Entry::Requested(request) if request.request == id);
    let at = all.iter().position(asked).ok_or_else(|| CheckoutFailure::Nothing(account.to_owned()))?;
    let differs = |place: usize| CheckoutFailure::Differs { account: account.to_owned(), number: place + 1 };
    let leaf = journal.leaf_of(&stream_of(account), at as u64).ok_or_else(|| differs(at))?;
    let mut request = None;
    for (place, one) in all.iter().enumerate().skip(at) {
        match &one.entry {
            Entry::Requested(asked) if place == at => {
                let signed = signed_request(desk, one, asked.person.as_str())
                    .map_err(|error| error.unwrap_or_else(|| differs(place)))?;
                let told = signed.request();
                let is_same = told.id.to_string() == asked.request.as_str()
                    && told.document.to_string() == asked.document.as_str()
                    && told.person == asked.person.as_str()
                    && told.account.id == account
                    && (told.reason.as_str(), told.asked_on, told.expires_on, i64::from(told.out_hours))
                        == (asked.reason.as_str(), asked.at, asked.expires_at, asked.out_hours);
                if !is_same {
                    return Err(differs(place).into());
                }
                request = Some(signed);
            }
            Entry::Approved { person, .. } => {
                let request = request.as_ref().ok_or_else(|| differs(place))?;
                let key = key_of(desk, person.as_str())?;
                let text = one.signed.as_ref().ok_or_else(|| differs(place))?;
                let failed = |source| CheckoutFailure::Signed { person: person.to_string(), source };
                let approval =
                    Approval::read(text).and_then(|read| read.confirmed(key.fingerprint())).map_err(failed)?;
                if approval.person() != person.as_str() {
                    return Err(differs(place).into());
                }
                approval.counts_for(request, leaf).map_err(CheckoutFailure::from)?;
            }
            _ => {}
        }
    }
    let request = request.ok_or_else(|| CheckoutFailure::Nothing(account.to_owned()))?;
    Ok(UnderWay { request, leaf, course })
}

/// That what was asked for is still what is to be opened first: the others who agree, and whoever has shares of its set, are
/// not to give them for a password that counts no more.
pub(super) fn still_counts(store: &SqliteStore, request: &Request) -> Result<(), Failure> {
    let (course, _) = rotation_of(store, &request.account.id).map_err(DeskError::from)?;
    let asked = request.document.to_string();
    match course.current() {
        // What is no password is in no record of rotations.
        Some(now) if now.as_str() != asked && course.standing(&name_of(&asked)?).is_some() => {
            let account = request.account.user_principal_name.clone();
            Err(CheckoutFailure::Changed { account, asked, now: now.to_string() }.into())
        }
        _ => Ok(()),
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
