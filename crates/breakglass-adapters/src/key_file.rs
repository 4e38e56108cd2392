//! A secret key that signs, as a small file of text which only its owner reads.
//!
//! The first line is [`HEAD`] and what the key is for, the second `public` and the text of its public key. What follows is
//! `seed` and 64 digits from 0 to 9 and a to f, or those digits encrypted with a passphrase, as age writes it for mail.
//! **Invariant:** no file is overwritten, and none that others may read is used. A seed is given out only if the public key
//! in the file is its own. No error has anything of what was read in it. Buffers of ours are wiped; age keeps one that is not
//! (docs/decisions/0011-custody.md).
//! **Limits:** [`KEY_FILE_BYTES_MAX`], [`PASSPHRASE_BYTES_MAX`], [`WORK_FACTOR_LOG2_MAX`].
//! **Source:** the age format, <https://c2sp.org/age>, for what is encrypted.

use std::error::Error;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::secrecy::SecretString;
use breakglass_custody::signing::SigningKey;
use breakglass_ledger::note;
use zeroize::Zeroizing;

use crate::whole_file::write_new;

/// What the first line begins with.
pub const HEAD: &str = "breakglass-key/1";

/// Bytes of the secret that a key is made of.
pub const SEED_BYTES: usize = 32;

/// Bytes of the largest file with a key.
pub const KEY_FILE_BYTES_MAX: usize = 4 << 10;

/// Bytes of the longest text of a public key.
pub const PUBLIC_BYTES_MAX: usize = 300;

/// Bytes of the longest passphrase.
pub const PASSPHRASE_BYTES_MAX: usize = 1024;

/// How hard a passphrase is made to guess, as the power of two that scrypt takes: a quarter of a GiB, and a second.
pub const WORK_FACTOR_LOG2: u8 = 18;

/// The most of it that is taken on when a file is read: one GiB.
pub const WORK_FACTOR_LOG2_MAX: u8 = 20;

/// Digits of a seed.
const SEED_DIGITS: usize = 2 * SEED_BYTES;

/// What stands before the public key, and before a seed that is not encrypted.
const PUBLIC: &str = "public ";
const SEED: &str = "seed ";

/// What a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyUse {
    /// Documents and sets of shares.
    Operator,
    /// What a person asks for and agrees to.
    Person,
    /// Checkpoints of a ledger.
    Ledger,
    /// Checkpoints of the ledgers of others.
    Witness,
}

impl KeyUse {
    /// Every use.
    pub const ALL: [Self; 4] = [Self::Operator, Self::Person, Self::Ledger, Self::Witness];

    /// Its word in the file.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Person => "person",
            Self::Ledger => "ledger",
            Self::Witness => "witness",
        }
    }

    /// The text of the public key that belongs to a seed; of a log or a witness it has a name.
    fn public(self, name: &str, seed: &[u8; SEED_BYTES]) -> Option<String> {
        let seed = Zeroizing::new(*seed);
        let of = match self {
            Self::Operator | Self::Person => return Some(SigningKey::of_seed(seed).public().to_string()),
            Self::Ledger => note::Use::Notes,
            Self::Witness => note::Use::Cosignatures,
        };
        note::SecretKey::of_seed(name, of, seed).ok().map(|key| key.public().to_string())
    }

    fn has_made(self, public: &str, seed: &[u8; SEED_BYTES]) -> bool {
        let name = public.split('+').next().unwrap_or_default();
        self.public(name, seed).is_some_and(|own| own == public)
    }
}

impl fmt::Display for KeyUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Operator => "the operator",
            Self::Person => "a person",
            Self::Ledger => "a ledger",
            Self::Witness => "a witness",
        })
    }
}

/// Why a file with a key is not written or not used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The system says no.
    #[error("`{}` cannot be {what}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// There is one already.
    #[error("`{}` is there already, and no key is ever overwritten", .0.display())]
    Taken(PathBuf),
    /// Others may read it.
    #[error("`{0}` may be read by others on this machine; if nobody has, run `chmod 600 '{0}'`, and else make a new key", path.display())]
    Open {
        /// The file.
        path: PathBuf,
    },
    /// It is longer than any key.
    #[error("`{}` has more than {KEY_FILE_BYTES_MAX} bytes, and is no file with a key", .0.display())]
    Long(PathBuf),
    /// It is none.
    #[error("`{}` is no whole file with a key: {why}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// It is for something else.
    #[error("`{}` has the key of {found}, and one of {wanted} is needed", path.display())]
    OtherUse {
        /// The file.
        path: PathBuf,
        /// What its key is for.
        found: KeyUse,
        /// What a key is needed for.
        wanted: KeyUse,
    },
    /// The public key is another's.
    #[error("the public key in `{}` is not the one that belongs to its secret; somebody changed it", .0.display())]
    OtherPublic(PathBuf),
    /// The passphrase is another.
    #[error("this is not the passphrase of `{}`", .0.display())]
    Passphrase(PathBuf),
    /// Nothing can be encrypted with it.
    #[error("a passphrase has from 1 to {PASSPHRASE_BYTES_MAX} bytes")]
    PassphraseLength,
    /// Nobody gave it.
    #[error("`{}` is encrypted, and its passphrase was not given", path.display())]
    NoPassphrase {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// To try a passphrase would take too long.
    #[error(
        "`{}` asks for 2^{log2} steps to try one passphrase, and at most 2^{WORK_FACTOR_LOG2_MAX} are done; it was not written \
         by this program",
        path.display()
    )]
    Work {
        /// The file.
        path: PathBuf,
        /// The power of two that it asks for.
        log2: u8,
    },
    /// age did not write it.
    #[error("the key could not be encrypted")]
    Age(#[source] io::Error),
}

/// What everybody may know of a file with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicPart {
    /// What the key is for.
    pub of: KeyUse,
    /// The text of the public key. It was not compared with the secret.
    pub public: String,
    /// Whether it takes a passphrase to use it.
    pub is_encrypted: bool,
}

/// Writes a key into a file that is not there yet. When this returns, the file is whole, durable and only its owner's.
///
/// # Errors
/// The file is there, or cannot be written; the public key is another's; the passphrase is empty or too long.
pub fn write(
    path: &Path,
    of: KeyUse,
    public: &str,
    seed: &[u8; SEED_BYTES],
    passphrase: Option<&str>,
) -> Result<(), KeyFileError> {
    if !is_public_text(public) || !of.has_made(public, seed) {
        return Err(KeyFileError::OtherPublic(path.to_owned()));
    }
    let digits = digits(seed);
    let secret = match passphrase {
        None => Zeroizing::new([SEED, digits.as_str(), "\n"].concat()),
        Some(passphrase) => Zeroizing::new(encrypted(&digits, passphrase)?),
    };
    let text = Zeroizing::new(format!("{HEAD} {}\n{PUBLIC}{public}\n{}", of.word(), secret.as_str()));
    write_new(path, text.as_bytes()).map_err(|source| {
        if source.kind() == io::ErrorKind::AlreadyExists {
            KeyFileError::Taken(path.to_owned())
        } else {
            failed(path, "written")(source)
        }
    })
}

/// The secret of a file. The passphrase is asked for only if it takes one.
///
/// # Errors
/// There is no such file, others may read it, it is damaged or of another use, or the passphrase is wrong.
pub fn read<E: Into<Box<dyn Error + Send + Sync>>>(
    path: &Path,
    of: KeyUse,
    passphrase: impl FnOnce() -> Result<Zeroizing<String>, E>,
) -> Result<Zeroizing<[u8; SEED_BYTES]>, KeyFileError> {
    let bytes = bytes_of(path)?;
    let parts = parts(&bytes).map_err(|why| KeyFileError::Damaged { path: path.to_owned(), why })?;
    if parts.of != of {
        return Err(KeyFileError::OtherUse { path: path.to_owned(), found: parts.of, wanted: of });
    }
    let seed = match parts.secret {
        Secret::Plain(digits) => seed_of(digits.as_bytes()),
        Secret::Encrypted(armored) => {
            let passphrase =
                passphrase().map_err(|why| KeyFileError::NoPassphrase { path: path.to_owned(), source: why.into() })?;
            decrypted(path, armored, &passphrase)?
        }
    };
    let seed = seed.ok_or(KeyFileError::Damaged { path: path.to_owned(), why: "its secret is none" })?;
    if of.has_made(parts.public, &seed) { Ok(seed) } else { Err(KeyFileError::OtherPublic(path.to_owned())) }
}

/// What a file says of its key without giving it away.
///
/// # Errors
/// There is no such file, others may read it, or it is damaged.
pub fn public_of(path: &Path) -> Result<PublicPart, KeyFileError> {
    let bytes = bytes_of(path)?;
    let parts = parts(&bytes).map_err(|why| KeyFileError::Damaged { path: path.to_owned(), why })?;
    let is_encrypted = matches!(parts.secret, Secret::Encrypted(_));
    Ok(PublicPart { of: parts.of, public: parts.public.to_owned(), is_encrypted })
}

fn failed(path: &Path, what: &'static str) -> impl FnOnce(io::Error) -> KeyFileError {
    let path = path.to_owned();
    move |source| KeyFileError::Io { path, what, source }
}

/// The bytes of a file that only its owner reads.
fn bytes_of(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    // Whatever is no file is not opened: to open a pipe is to wait for somebody.
    if fs::metadata(path).map_err(failed(path, "read"))?.is_dir() || !path.is_file() {
        return Err(KeyFileError::Damaged { path: path.to_owned(), why: "it is no file at all" });
    }
    let mut file = File::open(path).map_err(failed(path, "read"))?;
    if !is_private(&file).map_err(failed(path, "read"))? {
        return Err(KeyFileError::Open { path: path.to_owned() });
    }
    // It never grows, so that there is one copy to wipe.
    let mut bytes = Zeroizing::new(vec![0; KEY_FILE_BYTES_MAX + 1]);
    let mut length = 0;
    while let Some(rest) = bytes.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(path, "read")(error)),
        }
    }
    if length > KEY_FILE_BYTES_MAX {
        return Err(KeyFileError::Long(path.to_owned()));
    }
    bytes.truncate(length);
    Ok(bytes)
}

#[cfg(unix)]
fn is_private(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(file.metadata()?.permissions().mode() & 0o077 == 0)
}

/// Elsewhere the folder has to see to it.
#[cfg(not(unix))]
fn is_private(_: &File) -> io::Result<bool> {
    Ok(true)
}

/// A file as it is written.
struct Parts<'a> {
    of: KeyUse,
    public: &'a str,
    secret: Secret<'a>,
}

enum Secret<'a> {
    Plain(&'a str),
    Encrypted(&'a str),
}

fn parts(bytes: &[u8]) -> Result<Parts<'_>, &'static str> {
    if bytes.is_empty() {
        return Err("it is empty; whoever made it was stopped, and no key is lost if it is removed");
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "it is no text")?;
    let (first, rest) = text.split_once('\n').ok_or("its first line does not end")?;
    let (second, secret) = rest.split_once('\n').ok_or("its second line does not end")?;
    let of = first.strip_prefix(HEAD).and_then(|rest| rest.strip_prefix(' '));
    let of = of.ok_or("its first line is not that of a key that this version knows")?;
    let of = KeyUse::ALL.into_iter().find(|known| known.word() == of).ok_or("its first line does not say what for")?;
    let public = second.strip_prefix(PUBLIC).filter(|public| is_public_text(public));
    let public = public.ok_or("its second line has no public key")?;
    let secret = match secret.strip_prefix(SEED) {
        Some(digits) => Secret::Plain(digits.strip_suffix('\n').ok_or("its last line does not end")?),
        None if secret.starts_with("-----BEGIN AGE ") => Secret::Encrypted(secret),
        None => return Err("its third line has no secret"),
    };
    Ok(Parts { of, public, secret })
}

fn is_public_text(text: &str) -> bool {
    (1..=PUBLIC_BYTES_MAX).contains(&text.len()) && text.bytes().all(|letter| letter.is_ascii_graphic())
}

fn digits(seed: &[u8; SEED_BYTES]) -> Zeroizing<String> {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    // As long as it will be, so that nothing of it is left elsewhere.
    let mut digits = Zeroizing::new(String::with_capacity(SEED_DIGITS));
    seed.iter().for_each(|byte| digits.extend([digit(byte >> 4), digit(byte & 15)]));
    digits
}

fn seed_of(digits: &[u8]) -> Option<Zeroizing<[u8; SEED_BYTES]>> {
    if digits.len() != SEED_DIGITS || digits.iter().any(u8::is_ascii_uppercase) {
        return None;
    }
    let mut seed = Zeroizing::new([0; SEED_BYTES]);
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    for (byte, pair) in seed.iter_mut().zip(digits.chunks_exact(2)) {
        let &[high, low] = pair else { return None };
        *byte = value(high)? * 16 + value(low)?;
    }
    Some(seed)
}

fn secret_text(passphrase: &str) -> Result<SecretString, KeyFileError> {
    if (1..=PASSPHRASE_BYTES_MAX).contains(&passphrase.len()) {
        Ok(SecretString::from(Box::<str>::from(passphrase)))
    } else {
        Err(KeyFileError::PassphraseLength)
    }
}

fn encrypted(digits: &str, passphrase: &str) -> Result<String, KeyFileError> {
    let mut recipient = age::scrypt::Recipient::new(secret_text(passphrase)?);
    recipient.set_work_factor(WORK_FACTOR_LOG2);
    let write = || -> io::Result<String> {
        let recipient: &dyn age::Recipient = &recipient;
        let encryptor = age::Encryptor::with_recipients(std::iter::once(recipient)).map_err(io::Error::other)?;
        let mut writer = encryptor.wrap_output(ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor)?)?;
        writer.write_all(digits.as_bytes())?;
        String::from_utf8(writer.finish()?.finish()?).map_err(io::Error::other)
    };
    write().map_err(KeyFileError::Age)
}

/// The seed that is encrypted; `None` if what comes out is none.
fn decrypted(
    path: &Path,
    armored: &str,
    passphrase: &str,
) -> Result<Option<Zeroizing<[u8; SEED_BYTES]>>, KeyFileError> {
    let damaged = || KeyFileError::Damaged { path: path.to_owned(), why: "what is encrypted in it is not whole" };
    let mut identity = age::scrypt::Identity::new(secret_text(passphrase)?);
    identity.set_max_work_factor(WORK_FACTOR_LOG2_MAX);
    let decryptor = age::Decryptor::new(ArmoredReader::new(armored.as_bytes())).map_err(|_| damaged())?;
    if !decryptor.is_scrypt() {
        return Err(KeyFileError::Damaged { path: path.to_owned(), why: "it is not encrypted with a passphrase" });
    }
    let identity: &dyn age::Identity = &identity;
    let mut reader = decryptor.decrypt(std::iter::once(identity)).map_err(|error| match error {
        age::DecryptError::ExcessiveWork { required, .. } => {
            KeyFileError::Work { path: path.to_owned(), log2: required }
        }
        age::DecryptError::DecryptionFailed
        | age::DecryptError::KeyDecryptionFailed
        | age::DecryptError::NoMatchingKeys => KeyFileError::Passphrase(path.to_owned()),
        _ => damaged(),
    })?;
    // One byte more than a seed has, so that a longer one shows.
    let mut bytes = Zeroizing::new([0_u8; SEED_DIGITS + 1]);
    let mut length = 0;
    while let Some(rest) = bytes.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest).map_err(|_| damaged())? {
            0 => break,
            count => length += count,
        }
    }
    Ok(bytes.get(..length).and_then(seed_of))
}
