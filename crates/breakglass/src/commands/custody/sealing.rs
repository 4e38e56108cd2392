//! Sealing what is no password: to the sets that are sealed to now, into every depository, and then into the record.

use breakglass_adapters::clock::SystemClock;
use breakglass_adapters::random::SystemRandom;
use breakglass_adapters::sqlite_store::SqliteStore;
use breakglass_custody::document::{Account, EnvelopeId, Label};
use breakglass_custody::name::Name;
use breakglass_custody::sealed;
use breakglass_custody::secret::Secret;
use breakglass_custody::signing::SigningKey;
use breakglass_ops::key_box::record::KeyBox;
use breakglass_ops::keys::journey;
use breakglass_ops::keys::record::{Course, Entry};
use breakglass_ops::ports::{Clock as _, Random as _};
use jiff::Timestamp;

use super::CustodyFailure;
use super::desk::{Desk, DeskError, Sealable, name_of};
use super::seal::keep;
use crate::commands::keys::KeysFailure;
use crate::failure::Failure;
use crate::wiring::World;

/// Whoever seals. That there is a set to seal to is known before there is a secret.
pub(crate) struct Sealer<'d> {
    desk: &'d Desk,
    store: &'d SqliteStore,
    key_box: KeyBox,
    sets: Sealable,
    operator: SigningKey,
}

impl<'d> Sealer<'d> {
    pub(crate) fn new(desk: &'d Desk, store: &'d SqliteStore, world: &World) -> Result<Self, Failure> {
        let operator = desk.operator_key()?;
        let key_box = desk.key_box(store)?;
        let sets = desk.sealable(&key_box, world)?;
        Ok(Self { desk, store, key_box, sets, operator })
    }

    /// Seals a secret, keeps it in every depository, reads it back, and writes `entry` down, which is given the name of the
    /// document. What cannot follow in the record is refused before anything is sealed.
    pub(crate) fn seal(
        &mut self,
        secret: &Secret,
        account: &Account,
        entry: impl FnOnce(Name, Timestamp) -> Entry,
    ) -> Result<(Name, Course), Failure> {
        let (course, _) = journey::course_of(self.store, &account.id).map_err(KeysFailure::from)?;
        let fill = |buffer: &mut [u8]| SystemRandom.fill(buffer);
        let label = Label {
            envelope: EnvelopeId::generate(fill).map_err(DeskError::from)?,
            set: self.sets.set.set().clone(),
            reserve: self.sets.reserve.as_ref().map(|held| held.set().clone()),
            account: account.clone(),
            credential: secret.kind(),
            version: course.next_version(secret.kind()),
            sealed_on: SystemClock.now(),
        };
        let name = name_of(&label.envelope.to_string())?;
        let entry = entry(name.clone(), label.sealed_on);
        course.clone().add(&entry).map_err(|error| KeysFailure::Key(error.into()))?;
        Desk::note_sealing(&mut self.key_box, self.store, &self.sets)?;
        let document = sealed::seal_secret(secret, &label, self.sets.signed(), &self.operator);
        keep(self.desk, &document.map_err(CustodyFailure::Seal)?)?;
        let course = journey::note(self.store, &account.id, &entry).map_err(KeysFailure::from)?;
        Ok((name, course))
    }
}
