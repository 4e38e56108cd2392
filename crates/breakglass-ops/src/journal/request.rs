//! What a witness is asked with, where it is not shown the whole log: a checkpoint, and the proof that the log grew to it.
//!
//! **Limits:** [`REQUEST_BYTES_MAX`], and those of a note and a proof.
//! **Source:** C2SP tlog-witness, the body of `add-checkpoint`.

use breakglass_ledger::hash::Hash;
use breakglass_ledger::note::NOTE_BYTES_MAX;
use breakglass_ledger::tree::PROOF_HASH_COUNT_MAX;

/// Bytes of the longest request: its first line, a line for each hash, an empty one, and the note.
pub const REQUEST_BYTES_MAX: usize = NOTE_BYTES_MAX + 45 * PROOF_HASH_COUNT_MAX + 32;

/// What the first line begins with.
const OLD: &str = "old ";

/// A text is no request to a witness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no request to a witness: {0}")]
pub struct WitnessRequestError(&'static str);

/// A checkpoint with the proof that it is an older one and more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessRequest {
    /// Entries of the older one.
    pub old: u64,
    /// The proof.
    pub proof: Vec<Hash>,
    /// The signed note, which nobody has looked at so far.
    pub note: String,
}

impl WitnessRequest {
    /// Reads one.
    ///
    /// # Errors
    /// It is none.
    pub fn read(text: &str) -> Result<Self, WitnessRequestError> {
        if text.len() > REQUEST_BYTES_MAX {
            return Err(WitnessRequestError("it is too long"));
        }
        let (head, note) = text.split_once("\n\n").ok_or(WitnessRequestError("no empty line is in it"))?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix(OLD));
        let old = old.ok_or(WitnessRequestError("it does not begin with `old` and a number of entries"))?;
        let is_plain = old == "0" || !old.starts_with('0') && old.bytes().all(|digit| digit.is_ascii_digit());
        let old = old.parse().ok().filter(|_| is_plain);
        let old = old.ok_or(WitnessRequestError("its number of entries is none"))?;
        let mut proof = Vec::new();
        for line in lines {
            if proof.len() >= PROOF_HASH_COUNT_MAX {
                return Err(WitnessRequestError("its proof has too many hashes"));
            }
            proof.push(Hash::read(line).ok_or(WitnessRequestError("a line of its proof is no hash"))?);
        }
        Ok(Self { old, proof, note: note.to_owned() })
    }

    /// Its text.
    #[must_use]
    pub fn written(&self) -> String {
        let proof: String = self.proof.iter().map(|hash| format!("{hash}\n")).collect();
        format!("{OLD}{}\n{proof}\n{}", self.old, self.note)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

    #[test]
    fn what_is_written_is_read_again() {
        for count in [0, 1, PROOF_HASH_COUNT_MAX] {
            let proof = vec![Hash::of_nothing(); count];
            let request = WitnessRequest { old: count as u64, proof, note: "a\n\nb\n".to_owned() };
            assert_eq!(WitnessRequest::read(&request.written()), Ok(request));
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        let long = format!("old 1\n{}\nnote", format!("{HASH}\n").repeat(PROOF_HASH_COUNT_MAX + 1));
        let cases = [
            ("", "no empty line"),
            ("old 1\n", "no empty line"),
            ("new 1\n\nnote", "`old`"),
            ("old 01\n\nnote", "its number"),
            ("old +1\n\nnote", "its number"),
            ("old \n\nnote", "its number"),
            ("old 18446744073709551616\n\nnote", "its number"),
            ("old 1\nhash\n\nnote", "no hash"),
            (&long, "too many hashes"),
            (&"x".repeat(REQUEST_BYTES_MAX + 1), "too long"),
        ];
        for (text, expected) in cases {
            let error = WitnessRequest::read(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
