//! Where the key lies that the cache of sign-ins is encrypted with: the operating system's store for secrets.
//!
//! Linux: the kernel's keyring, in memory until the machine is restarted; it needs no session bus and no desktop. macOS:
//! the keychain. Windows: the credential manager. Elsewhere there is none, and so no cache.

use std::sync::Arc;

use keyring_core::CredentialStore;
use zeroize::Zeroizing;

/// Bytes of a key, for AES-256.
pub const KEY_BYTES: usize = 32;
/// Under which name our keys lie there.
const SERVICE: &str = "breakglass";

/// A key, wiped after use.
pub type Key = Zeroizing<[u8; KEY_BYTES]>;

/// Why the store gives or takes no key; in words, without any secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the system's store for secrets cannot be used: {0}")]
pub struct KeyStoreError(pub String);

/// A store for keys.
pub trait KeyStore: Send + Sync {
    /// The key of a name, if there is one.
    ///
    /// # Errors
    /// There is no store, or it gives nothing.
    fn key(&self, name: &str) -> Result<Option<Key>, KeyStoreError>;

    /// Keeps a key under a name, in place of any other.
    ///
    /// # Errors
    /// There is no store, or it takes nothing.
    fn keep(&self, name: &str, key: &Key) -> Result<(), KeyStoreError>;
}

/// The operating system's store.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemKeyStore;

impl SystemKeyStore {
    fn entry(name: &str) -> Result<keyring_core::Entry, KeyStoreError> {
        store()?.build(SERVICE, name, None).map_err(refused)
    }
}

impl KeyStore for SystemKeyStore {
    fn key(&self, name: &str) -> Result<Option<Key>, KeyStoreError> {
        // On Linux a process that has no keyring of a session yet (in containers, from cron) gets one by the first look, with
        // the user's own linked into it, and finds what lies there only by the second.
        let found = match Self::entry(name)?.get_secret() {
            Err(keyring_core::Error::NoEntry) => Self::entry(name)?.get_secret(),
            found => found,
        };
        match found.map(Zeroizing::new) {
            // What is of another length is nobody's key, and is replaced.
            Ok(bytes) => Ok(<[u8; KEY_BYTES]>::try_from(bytes.as_slice()).ok().map(Zeroizing::new)),
            Err(keyring_core::Error::NoEntry) => Ok(None),
            Err(error) => Err(refused(error)),
        }
    }

    fn keep(&self, name: &str, key: &Key) -> Result<(), KeyStoreError> {
        Self::entry(name)?.set_secret(&key[..]).map_err(refused)
    }
}

#[cfg(target_os = "linux")]
fn store() -> Result<Arc<CredentialStore>, KeyStoreError> {
    Ok(linux_keyutils_keyring_store::Store::new().map_err(refused)?)
}

#[cfg(target_os = "macos")]
fn store() -> Result<Arc<CredentialStore>, KeyStoreError> {
    Ok(apple_native_keyring_store::keychain::Store::new().map_err(refused)?)
}

#[cfg(target_os = "windows")]
fn store() -> Result<Arc<CredentialStore>, KeyStoreError> {
    Ok(windows_native_keyring_store::Store::new().map_err(refused)?)
}

#[cfg(not(any(target_os = "linux", target_os = "macos", target_os = "windows")))]
fn store() -> Result<Arc<CredentialStore>, KeyStoreError> {
    Err(KeyStoreError("this system has none that is known".to_owned()))
}

/// An error by value, since some of its cases carry what was read.
fn refused(error: keyring_core::Error) -> KeyStoreError {
    use keyring_core::Error;
    KeyStoreError(match error {
        Error::PlatformFailure(why) | Error::NoStorageAccess(why) => why.to_string(),
        Error::BadEncoding(mut bytes) | Error::BadDataFormat(mut bytes, _) => {
            zeroize::Zeroize::zeroize(&mut bytes);
            "it gives what was not put there".to_owned()
        }
        _ => "it refuses".to_owned(),
    })
}
