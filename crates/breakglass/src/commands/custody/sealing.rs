//! Sealing: to the sets that are sealed to now, into every depository, and then into the record.

use breakglass_adapters::clock::SystemClock;
use breakglass_adapters::random::SystemRandom;
use breakglass_adapters::sqlite_store::SqliteStore;
use breakglass_custody::document::{Account, CredentialKind, Document, EnvelopeId, Label};
use breakglass_custody::name::Name;
use breakglass_custody::password::Password;
use breakglass_custody::sealed::{self, SealError};
use breakglass_custody::secret::Secret;
use breakglass_custody::signing::SigningKey;
use breakglass_ops::key_box::record::KeyBox;
use breakglass_ops::keys::journey;
use breakglass_ops::keys::record::{Course, Entry};
use breakglass_ops::ports::{Clock as _, Depository as _, Random as _};
use jiff::Timestamp;

use super::CustodyFailure;
use super::desk::{Desk, DeskError, Sealable, name_of};
use crate::commands::keys::KeysFailure;
use crate::failure::Failure;
use crate::wiring::World;

/// Says what is to be printed once something was sealed.
pub(crate) fn note_to_print(world: &World) {
    world.note(
        "print anew what does not have this document: `breakglass custody sheet cover` for the safe; `breakglass custody sheet \
         documents` for each custodian, to lie with their share; and the runbook",
    );
}

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
        let (name, label) = self.label(account, secret.kind(), course.next_version(secret.kind()))?;
        let entry = entry(name.clone(), label.sealed_on);
        course.clone().add(&entry).map_err(|error| KeysFailure::Key(error.into()))?;
        self.keep(sealed::seal_secret(secret, &label, self.sets.signed(), &self.operator))?;
        let course = journey::note(self.store, &account.id, &entry).map_err(KeysFailure::from)?;
        Ok((name, course))
    }

    /// Seals a password, keeps it in every depository and reads it back; what it is, the caller writes down.
    pub(super) fn seal_password(
        &mut self,
        password: &Password,
        account: &Account,
        version: u32,
    ) -> Result<(Name, Timestamp), Failure> {
        let (name, label) = self.label(account, CredentialKind::Password, version)?;
        self.keep(sealed::seal(password, &label, self.sets.signed(), &self.operator))?;
        Ok((name, label.sealed_on))
    }

    fn label(&self, account: &Account, credential: CredentialKind, version: u32) -> Result<(Name, Label), DeskError> {
        let label = Label {
            envelope: EnvelopeId::generate(|buffer| SystemRandom.fill(buffer))?,
            set: self.sets.set.set().clone(),
            reserve: self.sets.reserve.as_ref().map(|held| held.set().clone()),
            account: account.clone(),
            credential,
            version,
            sealed_on: SystemClock.now(),
        };
        Ok((name_of(&label.envelope.to_string())?, label))
    }

    fn keep(&mut self, document: Result<Document, SealError>) -> Result<(), Failure> {
        let document = document.map_err(CustodyFailure::Seal)?;
        Desk::note_sealing(&mut self.key_box, self.store, &self.sets)?;
        let name = name_of(&document.label().envelope.to_string())?;
        self.desk.runtime.block_on(self.desk.depositories().keep(&name, document.text())).map_err(DeskError::from)?;
        Ok(self.desk.document(&name).map(drop)?)
    }
}
