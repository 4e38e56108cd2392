//! What reading a log promises of any bytes: entries are what stands between the ends of lines, and what is no entry is told
//! by its line.

use breakglass_ledger::hash::Hash;
use breakglass_ledger::log::{ENTRY_BYTES_MAX, LogFault, tree_of};
use breakglass_ledger::tree::check_inclusion;

/// Checks it for some bytes.
pub(crate) fn hold(bytes: &[u8]) {
    let lines = lines(bytes);
    match tree_of(bytes) {
        Ok(tree) => {
            let lines = lines.expect("one of its lines is no entry");
            let size = tree.size();
            assert_eq!(size, lines.len() as u64);
            let root = tree.root(size).expect("it is there");
            assert_eq!(root, root_of(&lines.iter().map(|line| Hash::of_entry(line)).collect::<Vec<_>>()));
            if let Some(last) = lines.last() {
                let proof = tree.inclusion(size - 1, size).expect("it is in it");
                assert_eq!(check_inclusion(Hash::of_entry(last), (size - 1, size), root, &proof), Ok(()));
            }
            // One entry less, or one bit of one, is another log.
            let shorter =
                tree_of(&lines.iter().skip(1).flat_map(|line| [line, b"\n".as_slice()].concat()).collect::<Vec<_>>());
            let shorter = shorter.expect("its lines are entries");
            assert!(size == 0 || shorter.root(size - 1) != Some(root));
            let mut spoiled = bytes.to_vec();
            if let Some(byte) = spoiled.first_mut() {
                *byte ^= 1;
                assert!(tree_of(&spoiled).map_or(true, |tree| tree.root(tree.size()) != Some(root)));
            }
        }
        Err(fault) => {
            assert!(lines.is_none(), "all of its lines are entries");
            let LogFault::Line { line, .. } = fault else { panic!("{fault}") };
            assert!((1..=bytes.split(|byte| *byte == b'\n').count() as u64).contains(&line));
        }
    }
}

/// The lines, if each is an entry and the last one ends; independent of how the product does it.
fn lines(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let lines = bytes.split_inclusive(|byte| *byte == b'\n').map(|line| {
        let line = line.strip_suffix(b"\n")?;
        let text = std::str::from_utf8(line).ok()?;
        let is_entry = (1..=ENTRY_BYTES_MAX).contains(&line.len()) && !text.chars().any(char::is_control);
        is_entry.then_some(line)
    });
    lines.collect()
}

/// The root as one would draw it: level by level, an odd one out goes up as it is.
fn root_of(leaves: &[Hash]) -> Hash {
    let mut level = leaves.to_vec();
    while level.len() > 1 {
        let above = level.chunks(2).map(|pair| match pair {
            [left, right] => Hash::of_node(*left, *right),
            other => other[0],
        });
        level = above.collect();
    }
    level.first().copied().unwrap_or_else(Hash::of_nothing)
}
