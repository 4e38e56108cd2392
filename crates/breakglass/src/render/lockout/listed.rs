//! The ways that are listed and drawn: all of them where they are all known; else, for each kind of people, those of
//! one of them, so that nobody who gets in is missing, and then what else the search met.

use std::collections::{BTreeMap, BTreeSet};

use breakglass_engine::lockout::report::{KindOfPeople, LockoutReport, Way};

use super::super::counted;

/// Ways to list.
pub(crate) struct Listed<'a> {
    /// The ways, in the order in which they are told.
    pub(crate) ways: Vec<&'a Way>,
    /// By the id of a user, the people who are alike, where there are several: their ways are told once.
    pub(crate) alike: BTreeMap<&'a str, &'a KindOfPeople>,
    /// What the ways are.
    pub(crate) extent: ListedExtent,
}

/// How much of everything the ways are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListedExtent {
    /// All ways.
    All,
    /// Ways that were met, and nothing is known of whose they are.
    Some,
    /// Ways of so many of all people who get in.
    People { listed: usize, all: usize },
}

impl<'a> Listed<'a> {
    /// What is listed of a report.
    pub(crate) fn of(report: &'a LockoutReport) -> Self {
        let (direct, people) = (&report.direct, &report.people);
        let met = direct.ways.iter();
        if !direct.are_ways_truncated || people.kinds.iter().all(|kind| kind.ways.is_empty()) {
            let extent = if direct.are_ways_truncated { ListedExtent::Some } else { ListedExtent::All };
            return Self { ways: met.collect(), alike: BTreeMap::new(), extent };
        }
        let told = || people.kinds.iter().filter(|kind| !kind.ways.is_empty());
        // What is told of one of those who are alike is told of all of them.
        let elsewhere: BTreeSet<&str> = told()
            .flat_map(|kind| kind.people.iter().skip(kind.told_person_count))
            .map(|(id, _)| id.as_str())
            .collect();
        let mut ways: Vec<&Way> = told().flat_map(|kind| &kind.ways).collect();
        let more: Vec<&Way> = met
            .filter(|way| !elsewhere.contains(way.user.as_str()))
            .filter(|way| !ways.iter().any(|known| known.user == way.user && known.needs == way.needs))
            .collect();
        ways.extend(more);
        let several = told().filter(|kind| kind.people.len() > kind.told_person_count);
        let alike: BTreeMap<&str, &KindOfPeople> =
            several.filter_map(|kind| Some((kind.people.first()?.0.as_str(), kind))).collect();
        let users: BTreeSet<&str> = ways.iter().map(|way| way.user.as_str()).collect();
        let listed = users.iter().map(|user| alike.get(user).map_or(1, |kind| kind.people.len())).sum();
        // Applications that get in are nobody of the people.
        let known: BTreeSet<&str> =
            people.kinds.iter().flat_map(|kind| &kind.people).map(|(id, _)| id.as_str()).collect();
        let all = people.person_count + users.iter().filter(|user| !known.contains(*user)).count();
        Self { ways, alike, extent: ListedExtent::People { listed, all } }
    }

    /// Whose a way is: the name, and how many are alike.
    pub(crate) fn whose(&self, way: &Way) -> String {
        match self.alike.get(way.user.as_str()) {
            Some(kind) => format!("{} and {} alike", way.name, kind.people.len() - 1),
            None => way.name.clone(),
        }
    }

    /// How many people a way is for.
    pub(crate) fn person_count(&self, user: &str) -> usize {
        self.alike.get(user).map_or(1, |kind| kind.people.len())
    }

    /// Who gets in, and by how many ways, for a heading: it never passes off what is listed as everything.
    pub(crate) fn heading(&self, report: &LockoutReport) -> String {
        let people = match report.people.person_count {
            0 => String::new(),
            count => format!("{}, ", counted_people(count)),
        };
        let ways = counted(self.ways.len(), "way");
        let once = if self.alike.is_empty() { "" } else { ", those who are alike once" };
        match self.extent {
            ListedExtent::All => format!("Who gets in: {people}{ways}"),
            ListedExtent::Some => format!("Who gets in: {people}{ways} listed, there may be more"),
            ListedExtent::People { listed, all } if listed < all => {
                format!("Who gets in: {}; listed are ways of {listed} of them{once}", counted_people(all))
            }
            ListedExtent::People { all, .. } => {
                format!("Who gets in: {}; listed are ways of each{once}", counted_people(all))
            }
        }
    }
}

/// `1 person`, `60 people`.
pub(crate) fn counted_people(count: usize) -> String {
    if count == 1 { "1 person".to_owned() } else { format!("{count} people") }
}
