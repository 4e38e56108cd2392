//! What is in the picture before it is drawn: ways in as columns, what they need as rows.
//!
//! Where there is more than a page can show, what is needed by the very same ways shares a row, then people whose ways
//! differ only by their own accounts, methods and devices are drawn once, and what is still too much is left out. Each
//! of these is said in [`Picture::notes`].
//!
//! **Invariant:** a single point of failure is always drawn, as a row of its own kind.

use std::collections::{BTreeMap, BTreeSet};

use breakglass_engine::lockout::component::{Component, Kind};
use breakglass_engine::lockout::report::{KindOfPeople, LockoutReport, Way};

use super::super::counted;
use super::listed::{Listed, ListedExtent, counted_people};
use super::words;

/// Columns that are drawn.
pub(crate) const COLUMN_COUNT_MAX: usize = 40;

/// Rows that are drawn.
pub(crate) const ROW_COUNT_MAX: usize = 25;

/// What stands between the parts of a label.
pub(crate) const JOIN: &str = " + ";

/// Kinds of people who are named in notes.
const KIND_NOTE_COUNT_MAX: usize = 6;

/// Names in a note before the rest is counted.
const NAME_COUNT_MAX: usize = 4;

/// The picture of one report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    /// What the ways need: single points first, then by the number of ways.
    pub(crate) rows: Vec<Row>,
    /// The ways, by person and then by tool.
    pub(crate) columns: Vec<Column>,
    /// Ways that are listed, each person's where people who are alike are drawn once.
    pub(crate) way_count: usize,
    /// How much of everything these are.
    pub(crate) extent: ListedExtent,
    /// What was folded or left out.
    pub(crate) notes: Vec<String>,
}

/// A component, or several that the very same ways need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// What it is called.
    pub(crate) label: String,
    /// All that it stands for.
    pub(crate) names: Vec<String>,
    /// Whether its failure alone locks everybody out.
    pub(crate) is_single_point: bool,
    /// Ways that need it; people who have such a way where the ways are those of people.
    pub(crate) count: usize,
    /// Per column whether it is needed.
    pub(crate) cells: Vec<bool>,
}

/// A way in, or one for each of several people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    /// Whose way it is, in short.
    pub(crate) person: String,
    /// The same in full.
    pub(crate) name: String,
    /// How the session is begun.
    pub(crate) how: String,
    /// Ways that it stands for, one of each person who is alike.
    pub(crate) way_count: usize,
    /// Whether another person begins here.
    pub(crate) starts_person: bool,
    /// Whether it needs nothing that can fail.
    pub(crate) needs_nothing: bool,
}

/// A row while the picture is made.
#[derive(Clone)]
struct Needed<'a> {
    components: Vec<&'a Component>,
    /// Numbers of the ways, ascending.
    ways: Vec<usize>,
    is_single_point: bool,
}

impl Picture {
    /// The picture of the ways in of a report.
    pub(crate) fn of(report: &LockoutReport) -> Self {
        let listed = Listed::of(report);
        let mut ways: Vec<&Way> = listed.ways.clone();
        ways.sort_by_key(|way| (&way.name, &way.user, &way.context.tool, &way.context.combination, &way.needs));
        let single_points: BTreeSet<&Component> = single_points(report);
        let mut notes: Vec<String> = sample_note(&listed).into_iter().collect();
        let mut needed = needed(&ways, &single_points);
        if is_too_much(ways.len(), needed.len()) {
            let before = needed.len();
            needed = joined(needed);
            if needed.len() < before {
                notes.push("What the very same ways need shares a row.".to_owned());
            }
        }
        let mut drawn: Vec<(usize, usize)> =
            ways.iter().enumerate().map(|(at, way)| (at, listed.person_count(&way.user))).collect();
        let mut alike: BTreeMap<&str, usize> = BTreeMap::new();
        if let ListedExtent::People { .. } = listed.extent {
            alike.extend(listed.alike.iter().map(|(user, kind)| (*user, kind.people.len())));
            let mut kinds: Vec<_> = listed.alike.values().collect();
            kinds.sort_by_key(|kind| (std::cmp::Reverse(kind.people.len()), &kind.people));
            let names = |kind: &KindOfPeople| kind.people.iter().map(|(_, name)| name.clone()).collect::<Vec<_>>();
            notes.extend(kinds.into_iter().take(KIND_NOTE_COUNT_MAX).map(|kind| alike_note(&names(kind))));
        } else if is_too_much(ways.len(), needed.len()) {
            let groups = groups_of_people(&ways, &needed);
            drawn = drawn_once(&ways, &groups);
            for people in groups.iter().filter(|people| people.len() > 1) {
                alike.extend(people.first().map(|user| (*user, people.len())));
                notes.push(alike_note(&names_of(people, &ways)));
            }
        }
        let way_count = match listed.extent {
            ListedExtent::People { .. } => drawn.iter().map(|(_, count)| count).sum(),
            ListedExtent::All | ListedExtent::Some => ways.len(),
        };
        let chosen = chosen(drawn, &ways);
        let short = ShortNames::of(report);
        let extent = listed.extent;
        let scene = Scene { report, ways: &ways, chosen: &chosen, alike: &alike, short: &short, extent };
        let columns = scene.columns();
        let (rows, left_out) = scene.rows(needed);
        let shown: usize = columns.iter().map(|column| column.way_count).sum();
        let left_out = LeftOut {
            people: people_left_out(&ways, &chosen, (&alike, extent)),
            ways: way_count - shown.min(way_count),
            components: left_out,
        };
        notes.extend(left_out.note());
        Self { rows, columns, way_count, extent, notes }
    }
}

/// What is not all there, in words.
fn sample_note(listed: &Listed<'_>) -> Option<String> {
    match listed.extent {
        ListedExtent::All => None,
        ListedExtent::Some => Some("There may be more ways in than these.".to_owned()),
        ListedExtent::People { listed, all } => {
            let of = if listed < all {
                format!("{listed} of the {} who", counted_people(all))
            } else {
                format!("all {} who", counted_people(all))
            };
            Some(format!(
                "Drawn are ways of {of} get in, of each at least one; people may have more ways, such as with the help of others."
            ))
        }
    }
}

fn is_too_much(columns: usize, rows: usize) -> bool {
    columns > COLUMN_COUNT_MAX || rows > ROW_COUNT_MAX
}

fn single_points(report: &LockoutReport) -> BTreeSet<&Component> {
    let single = report.direct.cuts.iter().filter(|cut| cut.elements.len() == 1);
    single.flat_map(|cut| &cut.elements).collect()
}

/// One row for each component that a way needs, and for each single point.
fn needed<'a>(ways: &[&'a Way], single_points: &BTreeSet<&'a Component>) -> Vec<Needed<'a>> {
    let mut rows: BTreeMap<&Component, Vec<usize>> = single_points.iter().map(|point| (*point, Vec::new())).collect();
    for (at, way) in ways.iter().enumerate() {
        for component in &way.needs {
            rows.entry(component).or_default().push(at);
        }
    }
    let row = |(component, ways)| Needed {
        components: vec![component],
        ways,
        is_single_point: single_points.contains(component),
    };
    rows.into_iter().map(row).collect()
}

/// Rows of the very same ways made one. Single points stay with single points.
fn joined(rows: Vec<Needed<'_>>) -> Vec<Needed<'_>> {
    let mut joined: BTreeMap<(bool, Vec<usize>), Vec<&Component>> = BTreeMap::new();
    for row in rows {
        joined.entry((row.is_single_point, row.ways)).or_default().extend(row.components);
    }
    let row = |((is_single_point, ways), components)| Needed { components, ways, is_single_point };
    joined.into_iter().map(row).collect()
}

/// What a person's ways look like without names: two people of whom it is the same can be swapped.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Shape<'a> {
    /// Per way: tool, combination, and the shared rows that it needs.
    ways: Vec<(&'a str, &'a str, Vec<usize>)>,
    /// Per row of one's own: what it holds, and which of these ways need it.
    own: Vec<(Vec<Kind>, Vec<usize>)>,
}

/// People by user id, together where their ways differ only by what is their own.
fn groups_of_people<'a>(ways: &[&'a Way], rows: &[Needed<'a>]) -> Vec<Vec<&'a str>> {
    let mut of_user: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, way) in ways.iter().enumerate() {
        of_user.entry(&way.user).or_default().push(at);
    }
    let mut rows_of_way: Vec<Vec<usize>> = vec![Vec::new(); ways.len()];
    for (row, needed) in rows.iter().enumerate() {
        for way in &needed.ways {
            rows_of_way.get_mut(*way).into_iter().for_each(|rows| rows.push(row));
        }
    }
    let owner = |row: &Needed<'_>| -> Option<&str> {
        let mut users = row.ways.iter().filter_map(|way| ways.get(*way)).map(|way| way.user.as_str());
        let first = users.next()?;
        users.all(|user| user == first).then_some(first)
    };
    let owners: Vec<Option<&str>> = rows.iter().map(owner).collect();
    let mut groups: BTreeMap<Shape<'a>, Vec<&str>> = BTreeMap::new();
    for (user, own_ways) in of_user {
        let is_own = |row: &usize| owners.get(*row).copied().flatten() == Some(user);
        let mut described = Vec::new();
        let mut own_rows: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (number, at) in own_ways.iter().enumerate() {
            let Some((way, needs)) = ways.get(*at).zip(rows_of_way.get(*at)) else { continue };
            let shared: Vec<usize> = needs.iter().copied().filter(|row| !is_own(row)).collect();
            described.push((way.context.tool.as_str(), way.context.combination.as_str(), shared));
            needs.iter().filter(|row| is_own(row)).for_each(|row| own_rows.entry(*row).or_default().push(number));
        }
        let mut own: Vec<_> = own_rows
            .into_iter()
            .filter_map(|(row, ways)| {
                let mut kinds: Vec<_> = rows.get(row)?.components.iter().map(|component| component.kind()).collect();
                kinds.sort_unstable();
                Some((kinds, ways))
            })
            .collect();
        own.sort();
        groups.entry(Shape { ways: described, own }).or_default().push(user);
    }
    groups.into_values().collect()
}

/// The ways of the first of each group, each with the number of ways that it stands for.
fn drawn_once(ways: &[&Way], groups: &[Vec<&str>]) -> Vec<(usize, usize)> {
    let sizes: BTreeMap<&str, usize> =
        groups.iter().filter_map(|people| people.first().map(|user| (*user, people.len()))).collect();
    let drawn = ways.iter().enumerate().filter_map(|(at, way)| Some((at, *sizes.get(way.user.as_str())?)));
    drawn.collect()
}

/// The names of people, the first few that a note has room for, with one more where there are more.
fn names_of(people: &[&str], ways: &[&Way]) -> Vec<String> {
    let name = |user: &&str| {
        let way = ways.iter().find(|way| way.user == *user);
        way.map_or_else(|| (*user).to_owned(), |way| way.name.clone())
    };
    // Only names that may be shown are looked up.
    let rest = people.iter().skip(NAME_COUNT_MAX).map(|user| (*user).to_owned());
    people.iter().take(NAME_COUNT_MAX).map(name).chain(rest).collect()
}

fn alike_note(people: &[String]) -> String {
    let mut names: Vec<String> = people.iter().take(NAME_COUNT_MAX).cloned().collect();
    let rest = people.len() - names.len();
    if rest > 0 {
        names.push(format!("{rest} more"));
    }
    format!("{} people have the same ways in and are drawn once: {}.", people.len(), names.join(", "))
}

/// As many ways as fit: one of each person first, then the second of each, and so on.
fn chosen(drawn: Vec<(usize, usize)>, ways: &[&Way]) -> Vec<(usize, usize)> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut ranked: Vec<(usize, (usize, usize))> = drawn
        .into_iter()
        .filter_map(|(at, count)| {
            let rank = seen.entry(ways.get(at)?.user.as_str()).or_default();
            *rank += 1;
            Some((*rank, (at, count)))
        })
        .collect();
    // What stands for many comes before what stands for one.
    ranked.sort_by_key(|(rank, (at, count))| (*rank, std::cmp::Reverse(*count), *at));
    let mut chosen: Vec<(usize, usize)> = ranked.into_iter().take(COLUMN_COUNT_MAX).map(|(_, way)| way).collect();
    chosen.sort_unstable();
    chosen
}

/// Names without what follows the `@`, where that leaves no doubt.
struct ShortNames(Vec<(String, String)>);

impl ShortNames {
    /// The names of everybody in a report.
    fn of(report: &LockoutReport) -> Self {
        let accounts = report.components.iter().filter(|(component, _)| component.kind() == Kind::Account);
        let accounts = accounts.filter_map(|(_, words)| words.name.strip_prefix("account "));
        let names: BTreeSet<&str> = report.direct.ways.iter().map(|way| way.name.as_str()).chain(accounts).collect();
        let short = |name: &&str| name.split_once('@').map(|(short, _)| short.to_owned());
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        names.iter().filter_map(short).for_each(|short| *counts.entry(short).or_default() += 1);
        let is_clear = |short: &String| !short.is_empty() && counts.get(short) == Some(&1);
        let known = names.iter().filter_map(|name| Some(((*name).to_owned(), short(name).filter(is_clear)?)));
        Self(known.collect())
    }

    /// A label with the short names in it.
    fn shorten(&self, label: &str) -> String {
        self.0.iter().fold(label.to_owned(), |label, (name, short)| label.replace(name, short))
    }
}

/// What rows and columns are made from.
struct Scene<'a, 'p> {
    report: &'a LockoutReport,
    ways: &'p [&'a Way],
    chosen: &'p [(usize, usize)],
    alike: &'p BTreeMap<&'a str, usize>,
    short: &'p ShortNames,
    extent: ListedExtent,
}

impl<'a> Scene<'a, '_> {
    fn columns(&self) -> Vec<Column> {
        let mut last = None;
        let column = |(at, way_count): &(usize, usize)| {
            let way = self.ways.get(*at)?;
            let name = match self.alike.get(way.user.as_str()) {
                Some(count) => format!("{} and {} alike", way.name, count - 1),
                None => way.name.clone(),
            };
            let starts_person = last.replace(way.user.as_str()) != Some(way.user.as_str());
            Some(Column {
                person: self.short.shorten(&name),
                name,
                how: self.short.shorten(&self.how(way)),
                way_count: *way_count,
                starts_person,
                needs_nothing: way.needs.is_empty(),
            })
        };
        self.chosen.iter().filter_map(column).collect()
    }

    /// How a way goes, and through whom: somebody who gives a new password, or approves.
    fn how(&self, way: &Way) -> String {
        let how = words::how_in_short(&way.context);
        let words = &self.report.components;
        let others = way.needs.iter().filter(|component| component.kind() == Kind::Account);
        let others = others.filter_map(|account| words.get(account).filter(|of| of.user.as_ref() != Some(&way.user)));
        let others: Vec<String> =
            others.map(|of| of.name.strip_prefix("account ").unwrap_or(&of.name).to_owned()).collect();
        if others.is_empty() { how } else { format!("{how}, via {}", words::listed(&others, ", ", 2)) }
    }

    /// The rows that are drawn, and how many components are not.
    fn rows(&self, mut needed: Vec<Needed<'a>>) -> (Vec<Row>, usize) {
        needed.sort_by_cached_key(|row| {
            let first = row.components.first();
            let kind = first.map(|component| component.kind());
            (!row.is_single_point, std::cmp::Reverse(self.count(row)), kind, first.copied())
        });
        let folded: BTreeSet<&str> = self.folded_people();
        let mut rows = Vec::new();
        let mut left_out = 0;
        for row in needed {
            let owner = self.owner(&row);
            if owner.is_some_and(|user| folded.contains(user)) {
                continue;
            }
            let cells: Vec<bool> = self.chosen.iter().map(|(at, _)| row.ways.binary_search(at).is_ok()).collect();
            let is_drawn = row.is_single_point || cells.contains(&true);
            if !is_drawn || rows.len() == ROW_COUNT_MAX {
                left_out += row.components.len();
                continue;
            }
            let people = self.people(&row);
            rows.push(Row {
                label: self.short.shorten(&self.label(&row, owner, people)),
                names: row.components.iter().map(|one| words::name(&self.report.components, one)).collect(),
                is_single_point: row.is_single_point,
                count: self.count(&row),
                cells,
            });
        }
        (rows, left_out)
    }

    /// People of whom somebody alike is drawn.
    fn folded_people(&self) -> BTreeSet<&'a str> {
        if self.alike.is_empty() {
            return BTreeSet::new();
        }
        let drawn: BTreeSet<&str> =
            self.chosen.iter().filter_map(|(at, _)| self.ways.get(*at)).map(|way| way.user.as_str()).collect();
        self.ways.iter().map(|way| way.user.as_str()).filter(|user| !drawn.contains(user)).collect()
    }

    /// Ways that need a row, or people who have such a way.
    fn count(&self, row: &Needed<'a>) -> usize {
        match self.extent {
            ListedExtent::People { .. } => {
                let users: BTreeSet<&str> =
                    row.ways.iter().filter_map(|way| self.ways.get(*way)).map(|way| way.user.as_str()).collect();
                users.into_iter().map(|user| self.alike.get(user).copied().unwrap_or(1)).sum()
            }
            ListedExtent::All | ListedExtent::Some => row.ways.len() * self.people(row),
        }
    }

    /// People for each of whom a row stands.
    fn people(&self, row: &Needed<'a>) -> usize {
        self.owner(row).and_then(|user| self.alike.get(user)).copied().unwrap_or(1)
    }

    /// The only person who needs a row.
    fn owner(&self, row: &Needed<'a>) -> Option<&'a str> {
        let mut users = row.ways.iter().filter_map(|way| self.ways.get(*way)).map(|way| way.user.as_str());
        let first = users.next()?;
        users.all(|user| user == first).then_some(first)
    }

    /// The name of something that is somebody's, without whose it is.
    fn without_owner(&self, component: &Component) -> String {
        let name = words::name(&self.report.components, component);
        let short = name.rsplit_once(" of ").map(|(short, _)| short.to_owned());
        short.unwrap_or(name)
    }

    fn label(&self, row: &Needed<'_>, owner: Option<&str>, people: usize) -> String {
        let words = &self.report.components;
        let is_own = |component: &&&Component| {
            owner.is_some() && words.get(component).is_some_and(|of| of.user.as_deref() == owner)
        };
        let (own, others): (Vec<&Component>, Vec<&Component>) = row.components.iter().partition(|one| is_own(one));
        let names: Vec<String> = others.iter().map(|component| words::name(words, component)).collect();
        let mut parts = Vec::new();
        match (own.as_slice(), owner) {
            ([], _) | (_, None) => {}
            ([only], _) if people > 1 => parts.push(format!("{} and {} alike", words::name(words, only), people - 1)),
            (own, _) if people > 1 => {
                let (methods, others): (Vec<&Component>, Vec<&Component>) =
                    own.iter().partition(|one| one.kind() == Kind::Method);
                let mut each: Vec<String> = methods.iter().map(|method| self.without_owner(method)).collect();
                each.extend((!others.is_empty()).then(|| kinds(&others)));
                parts.push(format!("{people} people, each: {}", each.join(", ")));
            }
            ([only], _) => parts.push(words::name(words, only)),
            (own, Some(user)) => {
                let way = self.ways.iter().find(|way| way.user == user);
                parts.push(format!("{}: {}", way.map_or(user, |way| way.name.as_str()), kinds(own)));
            }
        }
        if !names.is_empty() {
            parts.push(words::listed(&names, ", ", 1));
        }
        parts.join(JOIN)
    }
}

/// `account, 2 methods`.
fn kinds(components: &[&Component]) -> String {
    let mut counts: BTreeMap<_, usize> = BTreeMap::new();
    components.iter().for_each(|component| *counts.entry(component.kind()).or_default() += 1);
    let kinds = counts.into_iter().map(|(kind, count)| match count {
        1 => words::kind(kind).to_owned(),
        count => counted(count, words::kind(kind)),
    });
    kinds.collect::<Vec<_>>().join(", ")
}

/// What there is no room for.
struct LeftOut {
    /// People, and how many there are.
    people: (usize, usize),
    ways: usize,
    components: usize,
}

impl LeftOut {
    fn note(&self) -> Option<String> {
        let (left_out, all) = self.people;
        let people = (left_out > 0).then(|| format!("{left_out} of {} who get in", counted_people(all)));
        let ways = (self.ways > 0).then(|| counted(self.ways, "more way"));
        let things = (self.components > 0).then(|| counted(self.components, "more thing") + " that ways need");
        let parts: Vec<String> = people.into_iter().chain(ways).chain(things).collect();
        let parts = match parts.as_slice() {
            [] => return None,
            [only] => only.clone(),
            [first @ .., last] => format!("{}, and {last}", first.join(", ")),
        };
        Some(format!("Not drawn, for want of room: {parts}."))
    }
}

/// People of whom neither they nor anybody alike is drawn, and how many people there are.
fn people_left_out(
    ways: &[&Way],
    chosen: &[(usize, usize)],
    (alike, extent): (&BTreeMap<&str, usize>, ListedExtent),
) -> (usize, usize) {
    let all: BTreeSet<&str> = ways.iter().map(|way| way.user.as_str()).collect();
    let drawn: BTreeSet<&str> =
        chosen.iter().filter_map(|(at, _)| ways.get(*at)).map(|way| way.user.as_str()).collect();
    let shown: usize = drawn.iter().map(|user| alike.get(user).copied().unwrap_or(1)).sum();
    // Applications get in as well, and are nobody of all people.
    let count = match extent {
        ListedExtent::People { all: count, .. } => count.max(shown),
        ListedExtent::All | ListedExtent::Some => all.len(),
    };
    (count.saturating_sub(shown), count)
}
