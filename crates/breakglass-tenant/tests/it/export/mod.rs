//! Destinations of the logs: all keep one contract, whatever they write to.

mod kafka;

use std::fs;
use std::path::{Path, PathBuf};

use breakglass_tenant::export::files::Files;
use breakglass_tenant::export::{Category, DeliveryError, Destination, Exported};
use jiff::Timestamp;
use serde_json::{Value, json};

const TENANT: &str = "6c1b0e0e-54a2-4d39-9d0f-b4ea6f1a5501";

/// Records of all categories, numbered from one number to another, two of an hour.
fn records(numbers: std::ops::Range<usize>) -> Vec<Exported> {
    let record = |number: usize| Exported {
        category: Category::ALL[number % 3],
        at: Timestamp::from_second(i64::try_from(number / 6).unwrap() * 3_600).unwrap(),
        record: json!({ "number": number, "text": "Zoë \"one\"\nline" }),
    };
    numbers.map(record).collect()
}

/// What every destination promises.
fn contract(destination: &dyn Destination, read: impl Fn(Category) -> Vec<Value>) {
    let deliver = |records: &[Exported]| destination.deliver(records).unwrap();
    let there = || Category::ALL.map(&read);
    deliver(&[]);
    assert_eq!(there(), [const { Vec::<Value>::new() }; 4], "nothing is nothing");
    let all = records(0..20);
    let own = |records: &[Exported], category: Category| -> Vec<Value> {
        records.iter().filter(|one| one.category == category).map(|one| one.record.clone()).collect()
    };
    deliver(&all[..1]);
    deliver(&all[1..13]);
    assert_eq!(there(), Category::ALL.map(|category| own(&all[..13], category)), "whole, in order, each in its place");
    deliver(&all[13..]);
    assert_eq!(there(), Category::ALL.map(|category| own(&all, category)), "behind what was there");
    deliver(&all[19..]);
    let twice = read(all[19].category);
    assert_eq!(
        twice[twice.len() - 2..],
        [all[19].record.clone(), all[19].record.clone()],
        "what is sent again is there"
    );
    let many = records(100..700);
    deliver(&many);
    for category in Category::ALL {
        let read = read(category);
        let expected = own(&many, category);
        assert_eq!(read[read.len() - expected.len()..], expected);
    }
}

/// The records in the files of a folder, by hour.
fn lines(folder: &Path) -> Vec<Value> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).into_iter().flatten().map(|one| one.unwrap().path()).collect();
    // Folders of hours are numbers of two digits, and so are their names in order.
    paths.sort();
    let read = |path: PathBuf| match path.is_dir() {
        true => lines(&path),
        false => fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
    };
    paths.into_iter().flat_map(read).collect()
}

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("export-{name}"));
    drop(fs::remove_dir_all(&folder));
    drop(fs::remove_file(&folder));
    folder
}

#[test]
fn files_keep_the_contract() {
    let folder = folder("files");
    contract(&Files::new(&folder, TENANT), |category| lines(&folder.join(category.hub())));
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error_until_it_can_be() {
    let folder = folder("unwritable");
    fs::write(&folder, "a file stands there").unwrap();
    let files = Files::new(&folder, TENANT);
    assert!(matches!(files.deliver(&records(0..1)), Err(DeliveryError::Folder(_))));
    fs::remove_file(&folder).unwrap();
    files.deliver(&records(0..1)).unwrap();
    assert_eq!(lines(&folder).len(), 1);
}
