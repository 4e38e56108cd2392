//! Files with keys: what is written is read again, and everything else is refused.

use std::fs;
use std::path::{Path, PathBuf};

use breakglass_adapters::key_file::{
    KEY_FILE_BYTES_MAX, KeyFileError, KeyUse, PASSPHRASE_BYTES_MAX, PublicPart, public_of, read, write,
};
use breakglass_custody::signing::SigningKey;
use breakglass_ledger::note::{SecretKey, Use};
use zeroize::Zeroizing;

const SEED: [u8; 32] = [0xa7; 32];

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("breakglass-keys-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).unwrap();
    folder
}

fn public(of: KeyUse) -> String {
    let seed = Zeroizing::new(SEED);
    match of {
        KeyUse::Operator | KeyUse::Person => SigningKey::of_seed(seed).public().to_string(),
        KeyUse::Ledger => SecretKey::of_seed("breakglass/a", Use::Notes, seed).unwrap().public().to_string(),
        KeyUse::Witness => SecretKey::of_seed("witness", Use::Cosignatures, seed).unwrap().public().to_string(),
    }
}

fn nobody() -> Result<Zeroizing<String>, String> {
    Err("nobody is there".to_owned())
}

fn passphrase(text: &str) -> impl FnOnce() -> Result<Zeroizing<String>, String> {
    let text = text.to_owned();
    || Ok(Zeroizing::new(text))
}

fn refused(path: &Path, of: KeyUse) -> KeyFileError {
    let error = read(path, of, nobody).unwrap_err();
    assert!(!format!("{error:?}{error}").contains("a7a7"), "{error:?}");
    error
}

fn put(path: &Path, text: impl AsRef<[u8]>) {
    fs::write(path, text).unwrap();
}

#[test]
fn keys_of_every_use_are_written_once_and_read_again() {
    let folder = folder("uses");
    for of in KeyUse::ALL {
        let path = folder.join(of.word());
        write(&path, of, &public(of), &SEED, None).unwrap();
        assert_eq!(*read(&path, of, nobody).unwrap(), SEED);
        assert_eq!(public_of(&path).unwrap(), PublicPart { of, public: public(of), is_encrypted: false });
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, format!("breakglass-key/1 {}\npublic {}\nseed {}\n", of.word(), public(of), "a7".repeat(32)));
        let again = write(&path, of, &public(of), &SEED, None).unwrap_err();
        assert!(matches!(again, KeyFileError::Taken(_)), "{again}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        for wanted in KeyUse::ALL.into_iter().filter(|wanted| *wanted != of) {
            assert!(matches!(refused(&path, wanted), KeyFileError::OtherUse { .. }));
        }
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_key_with_a_passphrase_takes_that_one() {
    let folder = folder("passphrase");
    let path = folder.join("key");
    let of = KeyUse::Operator;
    write(&path, of, &public(of), &SEED, Some("correct horse")).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("-----BEGIN AGE ENCRYPTED FILE-----\n") && !text.contains("a7a7"), "{text}");
    assert!(public_of(&path).unwrap().is_encrypted);
    assert_eq!(*read(&path, of, passphrase("correct horse")).unwrap(), SEED);
    let wrong = read(&path, of, passphrase("correct house")).unwrap_err();
    assert!(matches!(wrong, KeyFileError::Passphrase(_)), "{wrong}");
    assert!(matches!(refused(&path, of), KeyFileError::NoPassphrase { .. }));
    // A character of what is encrypted is another.
    let at = text.find("-----END").unwrap() - 20;
    let mut bytes = text.into_bytes();
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    put(&path, &bytes);
    let damaged = read(&path, of, passphrase("correct horse")).unwrap_err();
    assert!(matches!(damaged, KeyFileError::Damaged { .. }), "{damaged}");
    for text in ["", &"x".repeat(PASSPHRASE_BYTES_MAX + 1)] {
        let error = write(&folder.join("other"), of, &public(of), &SEED, Some(text)).unwrap_err();
        assert!(matches!(error, KeyFileError::PassphraseLength), "{error}");
        let error = read(&path, of, passphrase(text)).unwrap_err();
        assert!(matches!(error, KeyFileError::PassphraseLength), "{error}");
    }
    assert!(!folder.join("other").exists());
    fs::remove_dir_all(folder).unwrap();
}

/// A file as age would write it, to somebody with a passphrase and so much work; its content does not matter.
fn encrypted(stanza: &str) -> String {
    use base64::Engine as _;
    let body = "A".repeat(43);
    let text = format!("age-encryption.org/v1\n-> {stanza}\n{body}\n--- {body}\n0123456789abcdef0123456789abcdef");
    let armored = base64::engine::general_purpose::STANDARD.encode(text);
    let lines: Vec<&str> = armored.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let armored = lines.join("\n");
    format!("-----BEGIN AGE ENCRYPTED FILE-----\n{armored}\n-----END AGE ENCRYPTED FILE-----\n")
}

#[test]
fn what_asks_for_too_much_work_or_is_no_passphrase_is_not_tried() {
    let folder = folder("work");
    let path = folder.join("key");
    let of = KeyUse::Person;
    write(&path, of, &public(of), &SEED, None).unwrap();
    let head = format!("breakglass-key/1 person\npublic {}\n", public(of));
    put(&path, format!("{head}{}", encrypted(&format!("scrypt {} 21", "A".repeat(22)))));
    let work = read(&path, of, passphrase("any")).unwrap_err();
    assert!(matches!(work, KeyFileError::Work { log2: 21, .. }), "{work:?}");
    put(&path, format!("{head}{}", encrypted(&format!("X25519 {}", "A".repeat(43)))));
    let other = read(&path, of, passphrase("any")).unwrap_err();
    assert!(matches!(other, KeyFileError::Damaged { why: "it is not encrypted with a passphrase", .. }), "{other:?}");
    fs::remove_dir_all(folder).unwrap();
}

#[cfg(unix)]
#[test]
fn a_file_that_others_may_read_is_not_used() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder("open");
    let path = folder.join("key");
    let of = KeyUse::Person;
    write(&path, of, &public(of), &SEED, None).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    for open in [0o640, 0o604, 0o610, 0o602] {
        fs::set_permissions(&path, fs::Permissions::from_mode(open)).unwrap();
        let error = refused(&path, of);
        assert!(matches!(error, KeyFileError::Open { .. }), "{error}");
        assert!(error.to_string().contains(&format!("chmod 600 '{}'", path.display())), "{error}");
        assert!(public_of(&path).is_err());
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    assert!(read(&path, of, nobody).is_ok());
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_is_damaged_too_long_or_no_file_is_refused() {
    let folder = folder("damaged");
    let path = folder.join("key");
    let of = KeyUse::Ledger;
    assert!(matches!(refused(&path, of), KeyFileError::Io { .. }));
    write(&path, of, &public(of), &SEED, None).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    // Nothing that is cut off is a key.
    for length in 0..text.len() {
        put(&path, &text.as_bytes()[..length]);
        assert!(matches!(refused(&path, of), KeyFileError::Damaged { .. }), "{length}");
    }
    // No digit of the secret, and no character of the public key, is another unnoticed.
    let secret = text.find("seed ").unwrap() + 5;
    let public_at = text.find("public ").unwrap() + 7;
    for at in (secret..secret + 64).chain(public_at..secret - 6) {
        let mut bytes = text.clone().into_bytes();
        bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
        put(&path, &bytes);
        assert!(matches!(refused(&path, of), KeyFileError::OtherPublic(_)), "{at}");
    }
    for (was, now) in [
        ("key/1", "key/2"),
        (" ledger", " lodger"),
        ("public ", "public  "),
        ("seed a7", "seed A7"),
        ("seed a7", "seed g7"),
        ("seed a7", "seed é"),
        ("seed ", "need "),
        ("a7\n", "a7\n\n"),
        ("a7\n", "a7\r\n"),
    ] {
        put(&path, text.replacen(was, now, 1));
        assert!(matches!(refused(&path, of), KeyFileError::Damaged { .. }), "{now}");
    }
    put(&path, "x".repeat(KEY_FILE_BYTES_MAX));
    assert!(matches!(refused(&path, of), KeyFileError::Damaged { .. }));
    put(&path, "x".repeat(KEY_FILE_BYTES_MAX + 1));
    assert!(matches!(refused(&path, of), KeyFileError::Long(_)));
    assert!(matches!(refused(&folder, of), KeyFileError::Damaged { .. }));
    let other = public(KeyUse::Witness);
    let error = write(&folder.join("other"), of, &other, &SEED, None).unwrap_err();
    assert!(matches!(error, KeyFileError::OtherPublic(_)), "{error}");
    fs::remove_dir_all(folder).unwrap();
}
