//! A log that is made up, and its keys.

use breakglass_ledger::checkpoint::Checkpoint;
use breakglass_ledger::log::tree_of;
use breakglass_ledger::note::{PublicKey, SEED_BYTES, SecretKey, Use};
use breakglass_ledger::tree::Tree;
use zeroize::Zeroizing;

pub(crate) const ORIGIN: &str = "contoso.example/breakglass";

pub(crate) fn key(name: &str, of: Use, seed: u8) -> SecretKey {
    SecretKey::of_seed(name, of, Zeroizing::new([seed; SEED_BYTES])).unwrap()
}

pub(crate) fn log_key() -> SecretKey {
    key(ORIGIN, Use::Notes, 7)
}

/// Lines as a ledger has them.
pub(crate) fn lines(count: usize) -> Vec<String> {
    let line = |number: usize| {
        let account = number % 2 + 1;
        format!(
            r#"{{"at":"2026-11-27T03:{:02}:00Z","by":"anna","does":"open {number}","account":"emergency-access-{account}"}}"#,
            number % 60
        )
    };
    (0..count).map(line).collect()
}

pub(crate) fn text(lines: &[String]) -> Vec<u8> {
    lines.iter().flat_map(|line| [line.as_bytes(), b"\n"].concat()).collect()
}

pub(crate) fn tree(lines: &[String]) -> Tree {
    tree_of(&text(lines)).unwrap()
}

/// The signed checkpoint over the first so many, read again.
pub(crate) fn checkpoint(tree: &Tree, size: u64) -> Checkpoint {
    let note = note(tree, size);
    Checkpoint::read(&note, log_key().public()).unwrap().0
}

pub(crate) fn note(tree: &Tree, size: u64) -> String {
    Checkpoint::signed(size, tree.root(size).unwrap(), &log_key()).unwrap()
}

pub(crate) fn public() -> PublicKey {
    log_key().public().clone()
}
