//! Every published vector of SLIP-0039: what must combine does, to the published secret, and what must not is refused.

use breakglass_custody::slip39::{Share, combine};

use crate::referee;

/// A description, the shares, the secret in hexadecimal (none: they must be refused), and a wallet that we do not have.
type Vector = (String, Vec<String>, String, String);

#[test]
fn every_vector_comes_to_what_is_published() {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("../data/slip39/vectors.json")).unwrap();
    let (mut combined, mut refused) = (0, 0);
    for (description, texts, secret, _) in &vectors {
        let shares: Result<Vec<Share>, _> = (1..).zip(texts).map(|(number, text)| Share::read(number, text)).collect();
        let answer = shares.map_err(|error| error.to_string()).and_then(|shares| {
            combine(&shares.iter().collect::<Vec<_>>(), b"TREZOR").map_err(|error| error.to_string())
        });
        if secret.is_empty() {
            assert_eq!(referee::combined(texts, b"TREZOR"), None, "{description}");
            println!("{description}: {}", answer.err().unwrap());
            refused += 1;
        } else {
            assert_eq!(referee::combined(texts, b"TREZOR"), answer.as_ref().ok().map(|secret| secret.to_vec()));
            let hex: String = answer.unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, *secret, "{description}");
            combined += 1;
        }
    }
    println!("vectors of SLIP-0039: {combined} combined, {refused} refused");
    assert_eq!((combined, refused), (8, 15));
}
