//! What is to be done with the security keys and the certificates of one account, by its record.
//!
//! **Invariant:** nothing is left out because nobody can tell: that is due to be found out.

use std::collections::BTreeSet;

use breakglass_custody::name::Name;
use breakglass_custody::succession::Spent;
use jiff::{SignedDuration, Timestamp};

use super::record::{Course, Key};
use super::sealing::{Sealed, Sealing};

/// Keys that an account has to have at least: one can be lost, or break.
pub const KEY_COUNT_WANTED: usize = 2;

/// Days after which a key that nobody has signed in with is no proof any more.
pub const DRILL_DAYS_MAX: i64 = 90;

/// What is to be done, the most pressing first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Due {
    /// There are fewer keys to sign in with than there have to be, and how many.
    FewKeys(usize),
    /// It is not known whether the tenant has this key.
    Decide(Name),
    /// This key is lost, and the tenant takes it still.
    Remove(Name),
    /// This is to be replaced, since of a set of shares to which it is sealed the key was there, or a custodian left.
    Replace(Sealed, Spent),
    /// Somebody signed in with this key after its PIN was last changed.
    Pin(Name),
    /// This certificate is to be issued anew, and why.
    Issue(Name, Why),
    /// A newer certificate than this one was issued.
    Revoke(Name),
    /// The document in which this is sealed is nowhere, or of a set that is not known, so that nobody can tell who knows it.
    Find(Sealed, Name),
    /// Nobody has signed in with this key since it was registered, since its PIN was changed, or for too long; when last.
    Drill(Name, Option<Timestamp>),
    /// One person can take this key and has its PIN.
    OnePerson(Name, Name),
    /// All keys lie in one place.
    OnePlace(Name),
    /// This key is written down, and nobody can sign in with it.
    Register(Name),
}

/// Why a certificate is to be issued anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// Somebody signed in with it.
    Used,
    /// It has ended.
    Ended(Timestamp),
    /// It ends soon.
    Ends(Timestamp),
}

impl Key {
    /// Whether nobody has tried it as it is now.
    fn is_drill_due(&self, at: Timestamp) -> bool {
        let Some(drilled) = self.drilled_at else { return true };
        let is_old = drilled.duration_until(at) > SignedDuration::from_hours(24 * DRILL_DAYS_MAX);
        is_old || self.pin_changed_at.is_some_and(|changed| drilled <= changed)
    }

    /// Whether others may know its PIN.
    fn is_pin_due(&self) -> bool {
        let Some(used) = self.used_at else { return false };
        self.pin_changed_at.is_none_or(|changed| changed <= used)
    }
}

impl Course {
    /// What is to be done at a time, the most pressing first; `sealing` says of a document who may know what is sealed in it.
    #[must_use]
    pub fn due(&self, at: Timestamp, sealing: impl Fn(&Name) -> Sealing) -> Vec<Due> {
        let mut due = Vec::new();
        let usable: Vec<&Key> = self.keys.values().filter(|key| key.is_usable()).collect();
        if usable.len() < KEY_COUNT_WANTED {
            due.push(Due::FewKeys(usable.len()));
        }
        let places: BTreeSet<&Name> = usable.iter().map(|key| &key.noted.place).collect();
        if let (Some(place), 1) = (places.first(), places.len())
            && usable.len() >= KEY_COUNT_WANTED
        {
            due.push(Due::OnePlace((*place).clone()));
        }
        for (name, key) in &self.keys {
            let named = |make: fn(Name) -> Due| make(name.clone());
            let is_here = !key.is_lost;
            let one_person = is_here && key.noted.held_by == key.noted.pin_held_by;
            due.extend(key.attempt.is_some().then(|| named(Due::Decide)));
            due.extend((key.is_lost && key.attempt.is_none()).then(|| named(Due::Remove)));
            due.extend((key.is_usable() && key.is_pin_due()).then(|| named(Due::Pin)));
            due.extend((key.is_usable() && key.is_drill_due(at)).then(|| Due::Drill(name.clone(), key.drilled_at)));
            due.extend(one_person.then(|| Due::OnePerson(name.clone(), key.noted.held_by.clone())));
            let is_nowhere = key.noted.method.is_none() && key.attempt.is_none();
            due.extend((is_here && is_nowhere).then(|| named(Due::Register)));
        }
        due.extend(self.certificates.due(at));
        due.extend(self.secrets().filter_map(|(sealed, document)| match sealing(document) {
            Sealing::Shut => None,
            Sealing::Spent(spent) => Some(Due::Replace(sealed, spent)),
            Sealing::Untold => Some(Due::Find(sealed, document.clone())),
        }));
        due.sort();
        due.dedup();
        due
    }

    /// The secrets that matter, each with every document in which it is: one that was sealed once more is known to whoever
    /// opened it before. What has to go in any case is not among them.
    fn secrets(&self) -> impl Iterator<Item = (Sealed, &Name)> {
        let here = self.keys.iter().filter(|(_, key)| !key.is_lost);
        let pins = here.flat_map(|(name, key)| key.pin_sealed_in.iter().map(|one| (Sealed::Pin(name.clone()), one)));
        let newest = self.certificates.newest();
        let own = newest.and_then(|one| Some((Sealed::Certificate(one.certificate.clone()), one.document.as_ref()?)));
        pins.chain(own)
    }
}
