//! How the secrets of a random tenant are kept.

#![expect(clippy::indexing_slicing, reason = "members of objects that were made here are set by their names")]

use serde_json::Value;

use super::{Manner, Names};
use crate::lockout_referee::{Custody, Depository, Envelope, Share};
use crate::tenants::random::Random;

pub(super) fn custody(random: &mut Random, names: &Names, document: &Value) -> Custody {
    let site = |random: &mut Random| random.chance(30).then(|| "hq".to_owned());
    let mut custody = Custody::default();
    for id in ["eva", "max", "ida"] {
        let site = site(random);
        custody.custodians.insert(id.to_owned(), site);
    }
    let at = site(random);
    custody.safes.insert("safe".to_owned(), at);
    let signs_in = if random.chance(60) { vec![random.pick(&names.people)] } else { Vec::new() };
    let application = random.pick(&[None, None, Some("app-vault"), Some("c44b4083-3bb0-49c1-b47d-974e53cbdf3c")]);
    let depository = Depository { site: site(random), signs_in, application: application.map(str::to_owned) };
    custody.depositories.insert("vault".to_owned(), depository);
    let (percent, most) = if names.manner == Manner::Custody { (90, 2) } else { (10, 1) };
    let mut kept = Vec::new();
    for person in names.people.iter().take(most) {
        if random.chance(percent) {
            kept.push((person.clone(), None));
        }
    }
    if random.chance(8) {
        let users = document["users"].as_array().into_iter().flatten();
        let mut with_method = users.filter_map(|user| {
            let id = user["authenticationMethods"][0]["id"].as_str()?;
            Some((user["id"].as_str()?.to_owned(), Some(id.to_owned())))
        });
        kept.extend(with_method.next());
    }
    for (account, method) in kept {
        let shares: Vec<Share> = (0..random.pick(&[1, 2, 2, 3, 3])).map(|at| share(random, at)).collect();
        let threshold = random.between(1, shares.len());
        custody.envelopes.push(Envelope { account, method, threshold, shares });
    }
    custody
}

fn share(random: &mut Random, at: usize) -> Share {
    let custodian = ["eva", "max", "ida"].get(at).map(|id| (*id).to_owned());
    match random.below(8) {
        0 | 1 => Share { safe: Some("safe".to_owned()), ..Share::default() },
        2 => Share { custodian, safe: Some("safe".to_owned()), ..Share::default() },
        3 => Share { depository: Some("vault".to_owned()), ..Share::default() },
        _ => Share { custodian, ..Share::default() },
    }
}
