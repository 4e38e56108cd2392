//! Sign-ins of people that outlive the process: refresh tokens, encrypted at rest.
//!
//! One file for each authority, tenant and application: a line with the version, a nonce, and the token under AES-256-GCM.
//! The key lies elsewhere ([`KeyStore`]), so that a copy of the file, as in a backup, is worth nothing. Whatever cannot be
//! read (damaged, of another version, of another key, tenant or application) is as if it were not there; the caller is told
//! why and signs in again.
//! **Limits:** [`FILE_BYTES_MAX`].

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest::{SHA256, digest};
use breakglass_ops::ports::Random;
use zeroize::Zeroizing;

use super::key_store::{KEY_BYTES, Key, KeyStore};
use crate::http::SecretText;

/// Bytes of the largest file that is read: a token has a few thousand.
pub const FILE_BYTES_MAX: u64 = 64 << 10;
/// The first line of a file, with the version of its form.
const VERSION: &[u8] = b"breakglass-sign-in/1\n";
/// The name of the key; another form of it gets another name.
const KEY_NAME: &str = "sign-ins-1";

/// Whose sign-in it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Whose {
    pub(super) login: String,
    pub(super) graph: String,
    pub(super) tenant: String,
    pub(super) client_id: String,
}

/// A folder with sign-ins.
#[derive(Clone)]
pub struct TokenCache {
    folder: PathBuf,
    keys: Arc<dyn KeyStore>,
}

impl std::fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenCache").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// What was found.
pub(super) enum Recalled {
    Token(SecretText),
    Nothing,
    /// There is something, or there could be, and why it is of no use.
    Useless(String),
}

impl TokenCache {
    /// Those in a folder, which is made once there is something to put into it.
    #[must_use]
    pub fn new(folder: PathBuf, keys: Arc<dyn KeyStore>) -> Self {
        Self { folder, keys }
    }

    /// Looks for the token of a sign-in.
    pub(super) fn recall(&self, whose: &Whose) -> Recalled {
        let path = self.path(whose);
        let bytes = match read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Recalled::Nothing,
            Err(error) => return Recalled::Useless(format!("`{}` cannot be read: {error}", path.display())),
        };
        let key = match self.keys.key(KEY_NAME) {
            Ok(Some(key)) => key,
            Ok(None) => return Recalled::Useless("its key is gone, as after a restart of the machine".to_owned()),
            Err(error) => return Recalled::Useless(error.to_string()),
        };
        opened(&bytes, &key, whose).map_or_else(
            || Recalled::Useless(format!("`{}` is damaged, or of another version", path.display())),
            Recalled::Token,
        )
    }

    /// Keeps a token, in place of the one before.
    pub(super) fn keep(&self, whose: &Whose, token: &SecretText, random: &dyn Random) -> Result<(), String> {
        let key = match self.keys.key(KEY_NAME).map_err(|error| error.to_string())? {
            Some(key) => key,
            None => self.new_key(random)?,
        };
        let mut nonce = [0_u8; NONCE_LEN];
        random.fill(&mut nonce).map_err(|error| error.to_string())?;
        let sealed = sealed((token, nonce), &key, whose).ok_or("it cannot be encrypted")?;
        let path = self.path(whose);
        self.replace(&path, &sealed, &nonce).map_err(|error| format!("`{}` cannot be written: {error}", path.display()))
    }

    /// Forgets a sign-in.
    pub(super) fn forget(&self, whose: &Whose) -> Result<(), String> {
        let path = self.path(whose);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(format!("`{}` cannot be deleted: {error}", path.display()))
            }
            _ => Ok(()),
        }
    }

    fn new_key(&self, random: &dyn Random) -> Result<Key, String> {
        let mut key = Zeroizing::new([0_u8; KEY_BYTES]);
        random.fill(&mut key[..]).map_err(|error| error.to_string())?;
        self.keys.keep(KEY_NAME, &key).map_err(|error| error.to_string())?;
        Ok(key)
    }

    /// The file's name says nothing of whose it is.
    fn path(&self, whose: &Whose) -> PathBuf {
        let hash = digest(&SHA256, &whose.bound());
        let name: String = hash.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        self.folder.join(format!("{name}.sign-in"))
    }

    /// Writes a file that nobody else may read, whole or not at all.
    fn replace(&self, path: &Path, bytes: &[u8], unique: &[u8]) -> io::Result<()> {
        private_folder(&self.folder)?;
        let suffix: String = unique.iter().map(|byte| format!("{byte:02x}")).collect();
        let beside = path.with_extension(suffix);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(&beside).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&beside, path)
        });
        if written.is_err() {
            // Half a file is of no use to anybody; if it cannot be deleted, the next error says why.
            drop(fs::remove_file(&beside));
        }
        written?;
        // The new name has to outlive a crash as well.
        #[cfg(unix)]
        File::open(&self.folder)?.sync_all()?;
        Ok(())
    }
}

fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= FILE_BYTES_MAX) {
        return Ok(bytes);
    }
    Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than any sign-in"))
}

impl Whose {
    /// What a token is bound to: no other sign-in's file can be put in its place.
    fn bound(&self) -> Vec<u8> {
        let parts = [KEY_NAME, &self.login, &self.graph, &self.tenant, &self.client_id];
        let mut bytes = VERSION.to_vec();
        for part in parts {
            // With its length before it, so that no two lists of parts are the same bytes.
            bytes.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes
    }
}

fn cipher(key: &Key) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, &key[..]).ok().map(LessSafeKey::new)
}

fn sealed((token, nonce): (&SecretText, [u8; NONCE_LEN]), key: &Key, whose: &Whose) -> Option<Vec<u8>> {
    let text = token.text().as_bytes();
    // With room for the tag, so that no copy of the token is left behind.
    let mut sealed = Zeroizing::new(Vec::with_capacity(text.len() + AES_256_GCM.tag_len()));
    sealed.extend_from_slice(text);
    let bound = Aad::from(whose.bound());
    cipher(key)?.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), bound, &mut *sealed).ok()?;
    Some([VERSION, &nonce, &sealed].concat())
}

fn opened(bytes: &[u8], key: &Key, whose: &Whose) -> Option<SecretText> {
    let (nonce, sealed) = bytes.strip_prefix(VERSION)?.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut sealed = Zeroizing::new(sealed.to_vec());
    let text = cipher(key)?.open_in_place(nonce, Aad::from(whose.bound()), &mut sealed[..]).ok()?;
    let text = std::str::from_utf8(text).ok().filter(|text| !text.is_empty())?;
    Some(SecretText::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whose() -> Whose {
        let part = |text: &str| text.to_owned();
        Whose { login: part("https://l"), graph: part("https://g"), tenant: part("t"), client_id: part("c") }
    }

    fn key(byte: u8) -> Key {
        Zeroizing::new([byte; KEY_BYTES])
    }

    #[test]
    fn a_token_is_bound_to_whose_it_is() {
        let token = SecretText::new("hush".to_owned());
        let file = sealed((&token, [7; NONCE_LEN]), &key(1), &whose()).unwrap();
        assert!(!file.windows(4).any(|part| part == b"hush"));
        assert_eq!(opened(&file, &key(1), &whose()).unwrap().text(), "hush");
        assert!(opened(&file, &key(2), &whose()).is_none());
        for change in [
            |whose: &mut Whose| whose.login.push('x'),
            |whose: &mut Whose| whose.graph.push('x'),
            |whose: &mut Whose| whose.tenant.push('x'),
            |whose: &mut Whose| whose.client_id.push('x'),
            // The same letters, parted elsewhere.
            |whose: &mut Whose| (whose.tenant, whose.client_id) = ("tc".to_owned(), String::new()),
        ] {
            let mut other = whose();
            change(&mut other);
            assert!(opened(&file, &key(1), &other).is_none(), "{other:?}");
        }
    }

    #[test]
    fn a_file_with_any_byte_changed_is_none() {
        let token = SecretText::new("hush".to_owned());
        let file = sealed((&token, [7; NONCE_LEN]), &key(1), &whose()).unwrap();
        for at in 0..file.len() {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert!(opened(&changed, &key(1), &whose()).is_none(), "{at}");
            assert!(opened(&file[..at], &key(1), &whose()).is_none(), "{at}");
        }
        assert!(opened(&[file.as_slice(), b"x"].concat(), &key(1), &whose()).is_none());
    }
}
