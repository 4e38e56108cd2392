//! `docs/reference/configuration.md` and the example of `explain BG1102` against what is read: the page says that it has every
//! property, and the example that it is a whole one.

use std::collections::BTreeSet;
use std::path::Path;

use super::tests::parse;
use super::{CODES, Config, DocumentPlace};

const PAGE: &str = include_str!("../../../../docs/reference/configuration.md");

/// A table with a property that is not known, and the heading of the page below which those stand that are.
const TABLES: [(&str, &str); 29] = [
    ("unknown = 1", ""),
    ("[tenant]\nunknown = 1", "`[tenant]`"),
    ("[exclusion]\nunknown = 1", "`[exclusion]`"),
    ("[[account]]\nunknown = 1", "Who, and how it is judged"),
    ("[[account_group]]\nunknown = 1", "Who, and how it is judged"),
    ("[naming]\nunknown = 1", "Who, and how it is judged"),
    ("[check]\nunknown = 1", "Who, and how it is judged"),
    ("[mandatory_mfa]\nunknown = 1", "Who, and how it is judged"),
    ("[low_privilege_scopes]\nunknown = 1", "Who, and how it is judged"),
    ("[lockout]\nunknown = 1", "`[lockout]`"),
    ("[[lockout.network]]\nunknown = 1", "`[lockout]`"),
    ("[[lockout.scenario]]\nunknown = 1", "`[lockout]`"),
    ("[custody]\nunknown = 1", "`[custody]`"),
    ("[[custody.custodian]]\nunknown = 1", "People"),
    ("[[custody.person]]\nunknown = 1", "People"),
    ("[[custody.reserve]]\nunknown = 1", "People"),
    ("[[custody.safe]]\nunknown = 1", "Envelopes"),
    ("[[custody.depository]]\nunknown = 1", "Depositories"),
    ("[[custody.depository]]\nvault = { unknown = 1 }", "Depositories"),
    ("[[custody.envelope]]\nunknown = 1", "Envelopes"),
    ("[[custody.envelope]]\nshare = [{ unknown = 1 }]", "Envelopes"),
    ("[watch]\nunknown = 1", "`[watch]`"),
    ("[[watch.channel]]\nunknown = 1", "Channels"),
    ("[[watch.channel]]\nmail = { unknown = 1 }", "Channels"),
    ("[[watch.channel]]\nmailbox = { unknown = 1 }", "Channels"),
    ("[[watch.channel]]\nsms = { unknown = 1 }", "Channels"),
    ("[[watch.channel]]\nsyslog = { unknown = 1 }", "Channels"),
    ("[[watch.channel]]\nwebhook = { unknown = 1 }", "Channels"),
    ("[[watch.contact]]\nunknown = 1", "Contacts"),
];

/// The properties that are read in the place of one that is not known, as the reader names them.
fn properties(text: &str) -> Vec<String> {
    let error = toml::from_str::<Config>(text).unwrap_err();
    let (found, expected) = error.message().split_once(", expected ").unwrap();
    assert!(found.contains("unknown field"), "{text}: {error}");
    expected.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
}

/// Words that stand in code below a heading of the page, but for its examples; below every heading, if none is named.
fn named_below(heading: &str) -> BTreeSet<&'static str> {
    let is_below = |part: &&str| part.trim_start_matches('#').trim_start().starts_with(heading);
    let parts: Vec<&'static str> = PAGE.split("\n#").filter(is_below).collect();
    assert!(!parts.is_empty(), "{heading}");
    let prose = parts.into_iter().flat_map(|part| part.split("```").step_by(2));
    prose.flat_map(|prose| prose.split('`').skip(1).step_by(2)).flat_map(words).collect()
}

/// What `explain BG1102` shows.
fn example() -> String {
    let explanation = CODES.iter().find(|code| code.code == "BG1102").unwrap().explanation;
    explanation.lines().filter_map(|line| line.strip_prefix("    ")).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_property_stands_on_the_page() {
    for (text, heading) in TABLES {
        let (properties, named) = (properties(text), named_below(heading));
        assert!(!properties.is_empty(), "{text}");
        for property in properties {
            assert!(named.contains(property.as_str()), "`{property}` does not stand below `{heading}`: {named:?}");
        }
    }
}

#[test]
fn every_property_of_custody_and_of_the_watcher_stands_in_the_example() {
    let example = example();
    let named: BTreeSet<&str> = words(&example).collect();
    for (text, _) in TABLES.iter().filter(|(text, _)| text.contains("custody") || text.contains("watch")) {
        for property in properties(text) {
            assert!(named.contains(property.as_str()), "`{property}` does not stand in the example");
        }
    }
    let config = parse(&example).unwrap();
    let places = config.document_places(Path::new("/desk"));
    assert!(
        matches!(places.as_slice(), [DocumentPlace::Folder(_), DocumentPlace::Vault(vault)] if vault.namespace.is_some()),
        "{places:?}"
    );
    assert_eq!(config.people().iter().filter(|person| person.key.is_some()).count(), 2);
}

#[test]
fn the_examples_of_the_reference_are_read() {
    let examples: Vec<&str> = PAGE.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(examples.len(), 6);
    for example in examples {
        assert!(parse(example).is_ok(), "{example}: {:?}", parse(example).err());
    }
}
