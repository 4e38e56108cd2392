//! What reading a file with a key promises of any bytes: a seed is given out only if the public key beside it is its own, and
//! written anew it is the same file; no error has anything of the secret in it.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use breakglass_adapters::key_file::{self, HEAD, KeyUse};
use zeroize::Zeroizing;

/// Letters of a secret, one after the other, that no error has.
const SHOWN_CHARS_MAX: usize = 8;

/// Files of this process, which only its owner reads.
fn paths() -> [PathBuf; 2] {
    let folder = std::env::temp_dir().join(format!("breakglass-fuzz-key-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("there is a folder for what is temporary");
    ["read.key", "written.key"].map(|name| folder.join(name))
}

/// Checks it for some bytes. What is encrypted is not: to try a passphrase takes a second.
pub(crate) fn hold(bytes: &[u8]) {
    let [path, again] = paths();
    for path in [&path, &again] {
        drop(fs::remove_file(path));
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&path).and_then(|mut file| file.write_all(bytes)).expect("it is written");
    let public = key_file::public_of(&path);
    for of in KeyUse::ALL {
        match key_file::read(&path, of, || Err::<Zeroizing<String>, _>("nobody gives it")) {
            Ok(seed) => {
                let public = public.as_ref().expect("who reads the secret reads the rest");
                assert_eq!((public.of, public.is_encrypted), (of, false));
                assert!(bytes.starts_with(HEAD.as_bytes()));
                key_file::write(&again, of, &public.public, &seed, None).expect("the public key is its own");
                assert_eq!(fs::read(&again).expect("it was written"), bytes, "it can be written in two ways");
            }
            Err(error) => is_silent(bytes, &format!("{error} {error:?}")),
        }
    }
    if let Err(error) = public {
        is_silent(bytes, &format!("{error} {error:?}"));
    }
}

/// That nothing of the third line and of what follows is in a message.
fn is_silent(bytes: &[u8], message: &str) {
    let secret = bytes.splitn(3, |byte| *byte == b'\n').nth(2).unwrap_or_default();
    let digits: Vec<&[u8]> =
        secret.windows(SHOWN_CHARS_MAX).filter(|part| part.iter().all(u8::is_ascii_hexdigit)).collect();
    assert!(!digits.iter().any(|part| message.as_bytes().windows(SHOWN_CHARS_MAX).any(|shown| shown == *part)));
}
