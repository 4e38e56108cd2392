//! Filters against a naive referee that shares no code with them: it is told what is asked, writes it down as people
//! do, and answers from the objects by itself.

use breakglass_tenant::odata::Filter;
use proptest::prelude::*;
use serde_json::{Value, json};

/// A question as the referee sees it.
#[derive(Debug, Clone)]
enum Told {
    Compare { path: &'static str, operator: usize, literal: Lit, is_flipped: bool },
    In(&'static str, Vec<Lit>),
    Call { function: usize, path: &'static str, text: &'static str },
    Count { path: &'static str, operator: usize, number: i64 },
    Lambda { is_all: bool, path: &'static str, body: Box<Told> },
    IsEmpty(&'static str),
    Truth(&'static str),
    Equals(Box<Told>, bool),
    Not(Box<Told>),
    And(Vec<Told>),
    Or(Vec<Told>),
}

#[derive(Debug, Clone)]
enum Lit {
    Null,
    Boolean(bool),
    Number(i64),
    Text(&'static str),
    /// An index into `DATES`.
    Date(usize),
}

const OPERATORS: [&str; 6] = ["eq", "ne", "gt", "ge", "lt", "le"];
const FUNCTIONS: [&str; 3] = ["startswith", "endswith", "contains"];
const TEXTS: [&str; 7] = ["", "a", "AB", "abc", "it's", "b", "ÄB"];

/// Dates as they are written, and seconds that tell them apart.
const DATES: [(&str, i64); 5] = [
    ("2026-01-01", 0),
    ("2026-01-01T00:00:00Z", 0),
    ("2026-01-01T00:00:01.0000000Z", 1),
    ("2026-01-01T02:00:00+02:00", 0),
    ("2025-12-31T23:59:59Z", -1),
];

/// Paths that lead to a value that can be compared, most of them; `x` is the variable of a lambda.
const PATHS: [&str; 8] = ["name", "on", "rank", "at", "inner/name", "inner", "tags", "nothing"];
const COLLECTIONS: [&str; 4] = ["tags", "rows", "nothing", "name"];
const INSIDE: [&str; 4] = ["x", "x/name", "x/rank", "x/at"];

fn literal() -> impl Strategy<Value = Lit> {
    prop_oneof![
        Just(Lit::Null),
        any::<bool>().prop_map(Lit::Boolean),
        (-1..3_i64).prop_map(Lit::Number),
        prop::sample::select(TEXTS.as_slice()).prop_map(Lit::Text),
        (0..DATES.len()).prop_map(Lit::Date),
    ]
}

/// Three times in four a literal that the value at the path can be compared with.
fn fitting(path: &str, at: usize, other: Lit) -> Lit {
    match path.rsplit('/').next() {
        _ if at.is_multiple_of(4) => other,
        Some("name" | "x" | "tags") => Lit::Text(TEXTS[at % TEXTS.len()]),
        Some("on") => Lit::Boolean(at % 8 < 4),
        Some("rank") => Lit::Number(i64::try_from(at % 5).unwrap() - 2),
        Some("at") => Lit::Date(at % DATES.len()),
        _ => Lit::Null,
    }
}

/// A question with one comparison in it, over some paths.
fn atom(paths: &'static [&'static str]) -> impl Strategy<Value = Told> {
    let path = || prop::sample::select(paths);
    prop_oneof![
        6 => (path(), 0..6_usize, literal(), 0..400_usize, any::<bool>()).prop_map(
            |(path, operator, other, at, is_flipped)| {
                Told::Compare { path, operator, literal: fitting(path, at, other), is_flipped }
            },
        ),
        1 => (path(), prop::collection::vec((literal(), 0..400_usize), 1..4)).prop_map(|(path, list)| {
            Told::In(path, list.into_iter().map(|(other, at)| fitting(path, at, other)).collect())
        }),
        2 => (path(), 0..3_usize, prop::sample::select(TEXTS.as_slice()))
            .prop_map(|(path, function, text)| Told::Call { function, path, text }),
        1 => path().prop_map(Told::Truth),
    ]
}

fn combined(atom: impl Strategy<Value = Told> + 'static) -> impl Strategy<Value = Told> {
    atom.prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|told| Told::Not(Box::new(told))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Told::And),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Told::Or),
            (inner, any::<bool>()).prop_map(|(told, is)| match told {
                // What compares a condition is not compared again.
                Told::Equals(..) => told,
                _ => Told::Equals(Box::new(told), is),
            }),
        ]
    })
}

fn any_told() -> impl Strategy<Value = Told> {
    let path = || prop::sample::select(COLLECTIONS.as_slice());
    let lambda = (any::<bool>(), path(), combined(atom(&INSIDE))).prop_map(|(is_all, path, body)| Told::Lambda {
        is_all,
        path,
        body: Box::new(body),
    });
    let count =
        (path(), 0..6_usize, 0..3_i64).prop_map(|(path, operator, number)| Told::Count { path, operator, number });
    combined(prop_oneof![4 => atom(&PATHS), 2 => lambda, 1 => count, 1 => path().prop_map(Told::IsEmpty)])
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        2 => Just(Value::Null),
        12 => prop::sample::select(TEXTS.as_slice()).prop_map(Value::from),
        1 => (-1..3_i64).prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => (0..DATES.len()).prop_map(|at| Value::from(DATES[at].0)),
    ]
}

/// Mostly of the type that the name promises.
fn any_object() -> impl Strategy<Value = Value> {
    let date = (0..DATES.len()).prop_map(|at| DATES[at].0);
    let row = (any_value(), prop::option::of(-1..3_i64)).prop_map(|(name, rank)| json!({"name": name, "rank": rank}));
    let text = prop::option::of(prop::sample::select(TEXTS.as_slice()));
    (
        any_value(),
        prop::option::of(any::<bool>()),
        prop::option::of(-1..3_i64),
        prop::option::of(date),
        text,
        prop::collection::vec(any_value(), 0..3),
        prop::collection::vec(row, 0..3),
    )
        .prop_map(|(name, on, rank, at, inner, tags, rows)| {
            let inner = inner.map(|name| json!({"name": name}));
            let mut object =
                json!({"name": name, "on": on, "rank": rank, "at": at, "inner": inner, "tags": tags, "rows": rows});
            // A property that is null and one that is not there are the same.
            if on.is_none() {
                object.as_object_mut().unwrap().remove("on");
            }
            object
        })
}

fn write_literal(literal: &Lit) -> String {
    match literal {
        Lit::Null => "null".to_owned(),
        Lit::Boolean(truth) => truth.to_string(),
        Lit::Number(number) => number.to_string(),
        Lit::Text(text) => format!("'{}'", text.replace('\'', "''")),
        Lit::Date(at) => DATES[*at].0.to_owned(),
    }
}

/// The question as a filter, with more parentheses than it needs.
fn write(told: &Told) -> String {
    match told {
        Told::Compare { path, operator, literal, is_flipped: false } => {
            format!("{path} {} {}", OPERATORS[*operator], write_literal(literal))
        }
        Told::Compare { path, operator, literal, is_flipped: true } => {
            let flipped = ["eq", "ne", "lt", "le", "gt", "ge"][*operator];
            format!("{}  {} {path}", write_literal(literal), flipped.to_uppercase())
        }
        Told::In(path, list) => {
            format!("{path} in ({})", list.iter().map(write_literal).collect::<Vec<_>>().join(", "))
        }
        Told::Call { function, path, text } => {
            format!("{}({path}, {})", FUNCTIONS[*function], write_literal(&Lit::Text(text)))
        }
        Told::Count { path, operator, number } => format!("{path}/$count {} {number}", OPERATORS[*operator]),
        Told::Lambda { is_all, path, body } => {
            format!("{path}/{}(x: {})", if *is_all { "all" } else { "any" }, write(body))
        }
        Told::IsEmpty(path) => format!("{path}/any()"),
        Told::Truth(path) => (*path).to_owned(),
        Told::Equals(inner, is) => format!("({}) eq {is}", write(inner)),
        Told::Not(inner) => format!("not({})", write(inner)),
        Told::And(parts) => parts.iter().map(|part| format!("({})", write(part))).collect::<Vec<_>>().join(" and "),
        Told::Or(parts) => parts.iter().map(write_in_or).collect::<Vec<_>>().join(" or "),
    }
}

/// `and` binds tighter, and stands without parentheses.
fn write_in_or(part: &Told) -> String {
    match part {
        Told::Or(_) => format!("({})", write(part)),
        _ => write(part),
    }
}

/// The answer; `Err` if something cannot be compared.
fn judge(told: &Told, object: &Value, x: Option<&Value>) -> Result<Option<bool>, ()> {
    match told {
        Told::Compare { path, operator, literal, .. } => compare(&find(path, object, x)?, *operator, literal).map(Some),
        Told::In(path, list) => {
            let value = find(path, object, x)?;
            let each: Result<Vec<bool>, ()> = list.iter().map(|literal| compare(&value, 0, literal)).collect();
            Ok(Some(each?.into_iter().any(|is| is)))
        }
        Told::Call { function, path, text } => match find(path, object, x)? {
            Value::Null => Ok(None),
            Value::String(value) => {
                let (value, text) = (value.to_lowercase(), text.to_lowercase());
                Ok(Some(match function {
                    0 => value.starts_with(&text),
                    1 => value.ends_with(&text),
                    _ => value.contains(&text),
                }))
            }
            _ => Err(()),
        },
        Told::Count { path, operator, number } => {
            let count = i64::try_from(list(path, object, x)?.len()).unwrap();
            compare(&Value::from(count), *operator, &Lit::Number(*number)).map(Some)
        }
        Told::Lambda { is_all, path, body } => {
            let each: Result<Vec<_>, ()> =
                list(path, object, x)?.iter().map(|element| judge(body, object, Some(element))).collect();
            let truths = each?.into_iter().map(|truth| truth.unwrap_or(false));
            Ok(Some(if *is_all { truths.min().unwrap_or(true) } else { truths.max().unwrap_or(false) }))
        }
        Told::IsEmpty(path) => Ok(Some(!list(path, object, x)?.is_empty())),
        Told::Truth(path) => match find(path, object, x)? {
            Value::Null => Ok(None),
            Value::Bool(truth) => Ok(Some(truth)),
            _ => Err(()),
        },
        Told::Equals(inner, is) => Ok(Some(judge(inner, object, x)? == Some(*is))),
        Told::Not(inner) => Ok(judge(inner, object, x)?.map(|truth| !truth)),
        // Kleene: false is the least, true the greatest, null stands between.
        Told::And(parts) => Ok(null_between(ranks(parts, object, x)?.into_iter().min().unwrap())),
        Told::Or(parts) => Ok(null_between(ranks(parts, object, x)?.into_iter().max().unwrap())),
    }
}

fn ranks(parts: &[Told], object: &Value, x: Option<&Value>) -> Result<Vec<u8>, ()> {
    let rank = |truth| match truth {
        Some(false) => 0,
        None => 1,
        Some(true) => 2,
    };
    parts.iter().map(|part| judge(part, object, x).map(rank)).collect()
}

fn null_between(rank: u8) -> Option<bool> {
    [Some(false), None, Some(true)][usize::from(rank)]
}

fn find(path: &str, object: &Value, x: Option<&Value>) -> Result<Value, ()> {
    let mut here = object.clone();
    for name in path.split('/') {
        here = match (name, x) {
            ("x", Some(element)) => element.clone(),
            _ if here.is_null() => Value::Null,
            _ if here.is_object() => here[name].clone(),
            _ => return Err(()),
        };
    }
    Ok(here)
}

fn list(path: &str, object: &Value, x: Option<&Value>) -> Result<Vec<Value>, ()> {
    match find(path, object, x)? {
        Value::Null => Ok(Vec::new()),
        Value::Array(elements) => Ok(elements),
        _ => Err(()),
    }
}

fn compare(value: &Value, operator: usize, literal: &Lit) -> Result<bool, ()> {
    let order = match (value, literal) {
        (Value::Array(_), _) => return Err(()),
        (Value::Null, Lit::Null) => 0,
        (Value::Null, _) | (_, Lit::Null) => return Ok(operator == 1),
        (Value::Bool(value), Lit::Boolean(literal)) => i64::from(*value) - i64::from(*literal),
        (Value::Number(value), Lit::Number(literal)) => value.as_i64().unwrap() - literal,
        (Value::String(value), Lit::Text(literal)) => value.to_lowercase().cmp(&literal.to_lowercase()) as i64,
        (Value::String(value), Lit::Date(at)) => {
            DATES.iter().find(|(written, _)| written == value).ok_or(())?.1 - DATES[*at].1
        }
        _ => return Err(()),
    };
    Ok([order == 0, order != 0, order > 0, order >= 0, order < 0, order <= 0][operator])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn filters_agree_with_the_referee(told in any_told(), objects in prop::collection::vec(any_object(), 1..6)) {
        let text = write(&told);
        let filter = Filter::parse(&text).unwrap_or_else(|error| panic!("{error}"));
        let canonical = Filter::parse(&filter.to_string()).unwrap_or_else(|error| panic!("{error}"));
        for object in &objects {
            let expected = judge(&told, object, None).map(|truth| truth == Some(true));
            let object = object.as_object().unwrap();
            prop_assert_eq!(filter.matches(object).map_err(|_| ()), expected, "{} of {:?}", text, object);
            prop_assert_eq!(canonical.matches(object).map_err(|_| ()), expected, "{} of {:?}", canonical, object);
        }
    }
}
