//! The keys of a ledger and of a witness, in files of their own.

use std::path::Path;

use breakglass_adapters::key_file::{self, KeyFileError, KeyUse, SEED_BYTES};
use breakglass_adapters::random::SystemRandom;
use breakglass_ledger::note::{PublicKey, SecretKey, Use};
use breakglass_ops::ports::{Random as _, RandomError};
use zeroize::Zeroizing;

use super::failure::LedgerFailure;
use crate::passphrase;
use crate::wiring::World;

/// A new key as it is wanted.
pub(super) struct NewKey<'a> {
    /// What it is called.
    pub(super) name: &'a dyn Fn() -> Result<String, LedgerFailure>,
    /// Whether it is encrypted with a passphrase, which somebody is asked for.
    pub(super) is_encrypted: bool,
    /// What whoever keeps its public key is told.
    pub(super) advice: &'a str,
}

/// The key in a file, which is made if it is not there.
pub(super) fn key(path: &Path, of: KeyUse, new: &NewKey<'_>, world: &World) -> Result<SecretKey, LedgerFailure> {
    if !path.exists()
        && let Some(made) = make(path, of, new, world)?
    {
        return Ok(made);
    }
    let public = public(path)?;
    let question = format!("Passphrase of `{}`: ", path.display());
    let seed = key_file::read(path, of, || passphrase::of_key(&question))?;
    Ok(SecretKey::of_seed(public.name(), use_of(of), seed)?)
}

/// The public key of a file.
pub(super) fn public(path: &Path) -> Result<PublicKey, LedgerFailure> {
    Ok(PublicKey::read(&key_file::public_of(path)?.public)?)
}

const fn use_of(of: KeyUse) -> Use {
    if matches!(of, KeyUse::Witness) { Use::Cosignatures } else { Use::Notes }
}

/// A new key, kept in the file; none if somebody else has made one meanwhile.
fn make(path: &Path, of: KeyUse, new: &NewKey<'_>, world: &World) -> Result<Option<SecretKey>, LedgerFailure> {
    let name = (new.name)()?;
    let mut seed = Zeroizing::new([0; SEED_BYTES]);
    SystemRandom.fill(&mut *seed)?;
    if seed.iter().all(|byte| *byte == 0) {
        return Err(RandomError.into());
    }
    let key = SecretKey::of_seed(&name, use_of(of), Zeroizing::new(*seed))?;
    let public = key.public().to_string();
    let passphrase = match new.is_encrypted {
        true => Some(passphrase::chosen("A passphrase for the new key: ").map_err(LedgerFailure::Passphrase)?),
        false => None,
    };
    match key_file::write(path, of, &public, &seed, passphrase.as_ref().map(|text| text.as_str())) {
        Ok(()) => {
            world.note(&format!("a key was made in `{}`; {}:", path.display(), new.advice));
            world.tell(&format!("    {public}"));
            Ok(Some(key))
        }
        Err(KeyFileError::Taken(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
