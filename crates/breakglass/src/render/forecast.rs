//! `guard --replay`: what a change would have done to the sign-ins of a log, as a sentence, as text, as Markdown for a
//! pull request and as JSON. `guard` puts these beside its own answer.

use breakglass_engine::replay::forecast::{Effect, EffectCounts, Example, ForecastTally, count_of};
use serde_json::{Map, Value, json};

use super::markdown::{code, inline};
use super::numbers::{counted, grouped, in_words};
use super::{fitted, visible};
use crate::commands::replay::Forecasted;

/// Rows of the lists by person, application, country and client.
pub(crate) const TOP_COUNT: usize = 10;

/// One row of a list: what it is, a mark, and its counts.
struct Row {
    id: String,
    name: String,
    is_administrator: bool,
    counts: EffectCounts,
}

/// The lists, each with its title and how many rows it has beyond those shown.
struct Lists {
    lists: Vec<(&'static str, Vec<Row>, u64)>,
}

/// Effects that somebody would notice, worst first.
const NOTICED: [Effect; 4] = [Effect::Blocked, Effect::Unsatisfiable, Effect::Asked, Effect::Relieved];

/// The whole answer in one sentence.
pub(crate) fn sentence(forecasted: &Forecasted<'_>) -> String {
    let tally = &forecasted.read.sum;
    let of = |effect| count_of(&tally.effects, effect);
    let mut parts = Vec::new();
    for (effect, verb) in
        [(Effect::Blocked, "blocked"), (Effect::Unsatisfiable, "demanded what the device or client cannot give in")]
    {
        if of(effect) > 0 {
            parts.push(format!("{verb} {}", people(forecasted, effect, of(effect))));
        }
    }
    if of(Effect::Asked) > 0 {
        let asked: Vec<String> = tally.asked.iter().map(|(control, count)| asked(control, *count)).collect();
        parts.push(format!("asked {} in {}", listed(&asked), people(forecasted, Effect::Asked, of(Effect::Asked))));
    }
    if of(Effect::Relieved) > 0 {
        parts.push(format!("demanded less in {}", people(forecasted, Effect::Relieved, of(Effect::Relieved))));
    }
    let mut text = span(tally);
    text.push_str(&if parts.is_empty() {
        " it would have changed nothing that can be told".to_owned()
    } else {
        format!(" it would have {}", listed(&parts))
    });
    let unknown = of(Effect::Unknown);
    if unknown > 0 {
        text.push_str(&format!("; of {} it cannot be told", counted(unknown, "sign-in")));
    }
    text.push('.');
    text
}

/// How long the log is.
fn span(tally: &ForecastTally) -> String {
    let seconds = tally.times.map(|(first, last)| last.as_second() - first.as_second());
    match seconds.map(|seconds| u64::try_from(seconds).unwrap_or_default().div_ceil(86_400)) {
        None if tally.records == 1 => "In this one record".to_owned(),
        None => format!("In these {}", counted(tally.records, "record")),
        Some(0 | 1) => format!("On this one day with {}", counted(tally.records, "record")),
        Some(days) => format!("In these {} with {}", counted(days, "day"), counted(tally.records, "record")),
    }
}

/// `312 sign-ins of 14 people, two of them administrators`.
fn people(forecasted: &Forecasted<'_>, effect: Effect, sign_ins: u64) -> String {
    let tally = &forecasted.read.sum;
    let with = || tally.persons.iter().filter(|(_, counts)| count_of(counts, effect) > 0).map(|(person, _)| *person);
    let persons = with().count() as u64;
    let administrators = with().filter(|person| forecasted.forecast.is_administrator(*person)).count() as u64;
    let principals = count_of(&tally.service_principals, effect);
    let mut text = counted(sign_ins, "sign-in");
    if persons > 0 {
        text.push_str(&format!(
            " of {}",
            if persons == 1 { "one person".to_owned() } else { format!("{} people", grouped(persons)) }
        ));
    }
    match (persons, administrators) {
        (_, 0) => {}
        (1, _) => text.push_str(", an administrator"),
        (all, some) if all == some => text.push_str(", all of them administrators"),
        (_, 1) => text.push_str(", one of them an administrator"),
        (_, some) => text.push_str(&format!(", {} of them administrators", in_words(some))),
    }
    if principals > 0 {
        text.push_str(&format!(" ({} by service principals or people who are in no list)", grouped(principals)));
    }
    text
}

/// `4,105 times for MFA`.
fn asked(control: &str, count: u64) -> String {
    let times = if count == 1 { "once".to_owned() } else { format!("{} times", grouped(count)) };
    let what = match control.split_once(':') {
        None if control == "mfa" => "MFA".to_owned(),
        None => format!("`{}`", visible(control)),
        Some(("authenticationStrength", id)) => format!("the authentication strength `{}`", visible(id)),
        Some(("termsOfUse", id)) => format!("the terms of use `{}`", visible(id)),
        Some((_, id)) => format!("the custom control `{}`", visible(id)),
    };
    format!("{times} for {what}")
}

fn listed(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [front @ .., last] => format!("{} and {last}", front.join(", ")),
    }
}

fn noticed(counts: &EffectCounts) -> u64 {
    NOTICED.iter().map(|effect| count_of(counts, *effect)).sum()
}

/// The worst first: most blocked, then most that cannot be met, then most asked, then most relieved, then by id.
fn top(mut rows: Vec<Row>) -> (Vec<Row>, u64) {
    rows.retain(|row| noticed(&row.counts) > 0);
    rows.sort_by(|one, other| {
        let key = |row: &Row| NOTICED.map(|effect| count_of(&row.counts, effect));
        key(other).cmp(&key(one)).then_with(|| one.id.cmp(&other.id))
    });
    let rest = rows.len().saturating_sub(TOP_COUNT) as u64;
    rows.truncate(TOP_COUNT);
    (rows, rest)
}

fn lists(forecasted: &Forecasted<'_>) -> Lists {
    let tally = &forecasted.read.sum;
    let snapshot = forecasted.forecast.before().snapshot();
    let persons = tally.persons.iter().filter(|(_, counts)| noticed(counts) > 0).map(|(person, counts)| {
        let key = forecasted.forecast.person(*person);
        let (id, name) = key.map_or(("", ""), |key| (snapshot.objects.id(key), snapshot.name(key)));
        let is_administrator = forecasted.forecast.is_administrator(*person);
        Row { id: id.to_owned(), name: name.to_owned(), is_administrator, counts: *counts }
    });
    let plain = |id: &String, name: &str, counts: &EffectCounts| Row {
        id: id.clone(),
        name: if name.is_empty() { id.clone() } else { name.to_owned() },
        is_administrator: false,
        counts: *counts,
    };
    let applications = tally.applications.iter().map(|(id, (name, counts))| plain(id, name, counts));
    let countries = tally.countries.iter().map(|(id, counts)| plain(id, "", counts));
    let clients = tally.clients.iter().map(|(id, counts)| plain(id, "", counts));
    let lists = [
        ("persons", persons.collect::<Vec<_>>(), 0),
        ("applications", applications.collect(), tally.applications_folded),
        ("countries", countries.collect(), tally.countries_folded),
        ("clients", clients.collect(), tally.clients_folded),
    ];
    let lists = lists.map(|(title, rows, folded)| {
        let (rows, rest) = top(rows);
        (title, rows, rest + folded)
    });
    Lists { lists: lists.into() }
}

/// For JSON.
pub(crate) fn value(forecasted: &Forecasted<'_>) -> Value {
    let tally = &forecasted.read.sum;
    let policies = forecasted.forecast.after().policies();
    let report_only = tally.report_only.iter().filter_map(|(policy, counts)| {
        let policy = policies.get(*policy)?;
        Some(json!({ "policy": policy.id.as_str(), "policyName": policy.name(),
            "agree": counts.agree, "disagree": counts.disagree, "unknown": counts.unknown }))
    });
    let mut document = json!({
        "sentence": sentence(forecasted),
        "records": tally.records,
        "malformed": forecasted.read.malformed,
        "from": tally.times.map(|(first, _)| first.to_string()),
        "to": tally.times.map(|(_, last)| last.to_string()),
        "effects": effects(&tally.effects),
        "asked": tally.asked,
        "relieved": tally.relieved,
        "unknown": whys(tally).into_iter().map(|(why, count)| json!({ "why": why, "count": count })).collect::<Vec<_>>(),
        "reportOnly": report_only.collect::<Vec<_>>(),
        "examples": NOTICED.iter().flat_map(|effect| {
            tally.examples.get(effect).into_iter().flatten().map(|example| example_value(*effect, example))
        }).collect::<Vec<_>>(),
    });
    for (title, rows, rest) in lists(forecasted).lists {
        let rows: Vec<Value> = rows.iter().map(|row| row_value(title, row)).collect();
        if let Some(members) = document.as_object_mut() {
            members.insert(title.to_owned(), json!({ "top": rows, "more": rest }));
        }
    }
    document
}

fn effects(counts: &EffectCounts) -> Value {
    let named = Effect::ALL.iter().map(|effect| (effect.name().to_owned(), json!(count_of(counts, *effect))));
    Value::Object(named.collect::<Map<_, _>>())
}

fn row_value(title: &str, row: &Row) -> Value {
    let mut value = json!({ "id": row.id, "name": row.name, "effects": effects(&row.counts) });
    if let (true, Some(members)) = (title == "persons", value.as_object_mut()) {
        members.insert("isAdministrator".to_owned(), json!(row.is_administrator));
    }
    value
}

fn example_value(effect: Effect, example: &Example) -> Value {
    json!({ "effect": effect.name(), "at": example.at.map(|at| at.to_string()), "who": example.who,
        "application": example.application, "country": example.country, "client": example.client,
        "controls": example.controls })
}

fn whys(tally: &ForecastTally) -> Vec<(String, u64)> {
    let mut whys: Vec<(String, u64)> = tally.unknown.iter().map(|(why, count)| (why.words(), *count)).collect();
    whys.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    whys
}

/// An example in words.
fn example_words(effect: Effect, example: &Example) -> String {
    let mut text = format!("{}: `{}`", effect.name(), visible(&example.who));
    let parts = [
        ("to", example.application.as_deref()),
        ("from", example.country.as_deref()),
        ("with", example.client.as_deref()),
    ];
    for (word, part) in parts {
        if let Some(part) = part {
            text.push_str(&format!(" {word} `{}`", visible(part)));
        }
    }
    if let Some(at) = example.at {
        text.push_str(&format!(" at {at}"));
    }
    if !example.controls.is_empty() {
        text.push_str(&format!(": {}", visible(&example.controls.join(", "))));
    }
    text
}

/// How far the forecast can be trusted, where the log has report-only results of the policies.
fn report_only_words(forecasted: &Forecasted<'_>) -> Vec<String> {
    let policies = forecasted.forecast.after().policies();
    let checked = forecasted.read.sum.report_only.iter().filter_map(|(policy, counts)| {
        let name = visible(policies.get(*policy)?.name()).into_owned();
        Some(format!(
            "`{name}` was report-only in the log: in {} of {} Microsoft made of it what is forecast here, in {} not, and {} cannot be told",
            grouped(counts.agree),
            counted(counts.agree + counts.disagree + counts.unknown, "sign-in"),
            grouped(counts.disagree),
            grouped(counts.unknown)
        ))
    });
    checked.collect()
}

/// For a terminal.
pub(crate) fn text(forecasted: &Forecasted<'_>, columns: usize) -> String {
    let tally = &forecasted.read.sum;
    let mut page = fitted(&sentence(forecasted), "", "", columns);
    for words in report_only_words(forecasted) {
        page.push_str(&fitted(&words, "- ", "  ", columns));
    }
    for (title, rows, rest) in lists(forecasted).lists {
        if rows.is_empty() {
            continue;
        }
        page.push_str(&format!(
            "\n{:>9} {:>13} {:>9} {:>9}  {title}\n",
            "blocked", "unsatisfiable", "asked", "relieved"
        ));
        for row in rows {
            let [blocked, unsatisfiable, asked, relieved] =
                NOTICED.map(|effect| grouped(count_of(&row.counts, effect)));
            page.push_str(&format!("{blocked:>9} {unsatisfiable:>13} {asked:>9} {relieved:>9}  {}\n", row_name(&row)));
        }
        if rest > 0 {
            page.push_str(&format!("{:>43}  and {} more\n", "", grouped(rest)));
        }
    }
    let examples: Vec<String> = NOTICED
        .iter()
        .flat_map(|effect| tally.examples.get(effect).into_iter().flatten().map(|one| example_words(*effect, one)))
        .collect();
    if !examples.is_empty() {
        page.push_str("\nFor example:\n");
        examples.iter().for_each(|words| page.push_str(&fitted(words, "- ", "  ", columns)));
    }
    let whys = whys(tally);
    if !whys.is_empty() {
        page.push_str("\nWhat cannot be told:\n");
        for (why, count) in whys {
            page.push_str(&fitted(&format!("{}: {why}", counted(count, "sign-in")), "- ", "  ", columns));
        }
    }
    page
}

fn row_name(row: &Row) -> String {
    let name = if row.name.is_empty() { "(not recorded)" } else { &row.name };
    let mark = if row.is_administrator { " (administrator)" } else { "" };
    format!("{}{mark}", visible(name))
}

fn markdown_name(row: &Row) -> String {
    let name = if row.name.is_empty() { "not recorded".to_owned() } else { code(&row.name) };
    format!("{name}{}", if row.is_administrator { " (administrator)" } else { "" })
}

/// For a pull request.
pub(crate) fn markdown(forecasted: &Forecasted<'_>) -> String {
    let tally = &forecasted.read.sum;
    let mut page = format!("{}\n", inline(&sentence(forecasted)));
    for words in report_only_words(forecasted) {
        page.push_str(&format!("\n{}\n", inline(&words)));
    }
    for (title, rows, rest) in lists(forecasted).lists {
        if rows.is_empty() {
            continue;
        }
        page.push_str(&format!(
            "\n| {title} | blocked | unsatisfiable | asked | relieved |\n| --- | ---: | ---: | ---: | ---: |\n"
        ));
        for row in rows {
            let [blocked, unsatisfiable, asked, relieved] =
                NOTICED.map(|effect| grouped(count_of(&row.counts, effect)));
            page.push_str(&format!(
                "| {} | {blocked} | {unsatisfiable} | {asked} | {relieved} |\n",
                markdown_name(&row)
            ));
        }
        if rest > 0 {
            page.push_str(&format!("| and {} more | | | | |\n", grouped(rest)));
        }
    }
    let whys = whys(tally);
    if !whys.is_empty() {
        page.push_str("\nWhat cannot be told:\n\n");
        for (why, count) in whys {
            page.push_str(&format!("- {}: {}\n", counted(count, "sign-in"), inline(&why)));
        }
    }
    page
}

#[cfg(test)]
mod tests;
