//! Device filters: read by recursive descent and evaluated while reading.
//!
//! ```text
//! expression = term { ("-or" | "or") term }
//! term       = factor { ("-and" | "and") factor }
//! factor     = [ "-not" | "not" ] ( "(" expression ")" | comparison )
//! comparison = "device." property operator value
//! value      = "text" | True | False | "[" "text" { "," "text" } "]"
//! ```
//!
//! A property without a value meets no positive operator and every negative one. A rule with a fault gives no
//! answer at all, even where the part before the fault would decide.

use std::iter::Peekable;
use std::str::Chars;

use breakglass_model::policy::{ConditionalAccessConditionSet, FilterMode};
use breakglass_model::sign_in::{DeviceInfo, DeviceInfoDetail};
use breakglass_model::well_known::MICROSOFT_INTUNE;

use super::answer::Answer;
use super::sign_in::SignIn;

/// Characters of a rule; Entra takes no longer ones.
const RULE_CHARACTERS_MAX: usize = 3_072;

/// Brackets in brackets; beyond it the rule counts as faulty.
const DEPTH_MAX: usize = 200;

/// The device filter of a policy.
pub(super) fn devices(conditions: &ConditionalAccessConditionSet, sign_in: &SignIn<'_>) -> Answer {
    let filter = conditions.devices.as_ref().and_then(|devices| devices.device_filter.as_ref());
    let Some(filter) = filter.filter(|filter| filter.is_configured()) else { return Answer::Yes };
    let Some(matches) = matches(filter.rule.as_deref().unwrap_or_default(), sign_in.device) else {
        return Answer::Unknown;
    };
    match filter.mode {
        Some(FilterMode::Include) => Answer::of(matches),
        Some(FilterMode::Exclude) => Answer::of(!matches),
        Some(FilterMode::Unknown(_)) | None => Answer::Unknown,
    }
}

/// Whether the device meets the rule; `None` for a rule with a fault.
pub(super) fn matches(rule: &str, device: Option<&DeviceInfo<'_>>) -> Option<bool> {
    if rule.chars().count() > RULE_CHARACTERS_MAX {
        return None;
    }
    let mut reader = Reader { words: Words { rest: rule.chars().peekable() }.collect::<Option<_>>()?, at: 0, device };
    let truth = reader.expression(0)?;
    (reader.at == reader.words.len()).then_some(truth)
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    Open,
    Close,
    OpenList,
    CloseList,
    Comma,
    Text(String),
    /// Anything else up to the next space or bracket.
    Name(String),
}

/// Cuts a rule into words; a fault is one `None`.
struct Words<'a> {
    rest: Peekable<Chars<'a>>,
}

impl Iterator for Words<'_> {
    type Item = Option<Word>;

    fn next(&mut self) -> Option<Option<Word>> {
        while self.rest.next_if(|next| next.is_whitespace()).is_some() {}
        let word = match self.rest.next()? {
            '(' => Word::Open,
            ')' => Word::Close,
            '[' => Word::OpenList,
            ']' => Word::CloseList,
            ',' => Word::Comma,
            '"' => {
                let mut text = String::new();
                loop {
                    match self.rest.next() {
                        Some('"') => break Word::Text(text),
                        Some(letter) => text.push(letter),
                        None => return Some(None),
                    }
                }
            }
            first => {
                let mut name = String::from(first);
                let is_inside = |next: &char| !next.is_whitespace() && !"()[],\"".contains(*next);
                while let Some(letter) = self.rest.next_if(is_inside) {
                    name.push(letter);
                }
                Word::Name(name)
            }
        };
        Some(Some(word))
    }
}

/// What a property holds on the device in question.
enum Held<'a> {
    Nothing,
    Flag(bool),
    Text(&'a str),
    Elements(&'a [String]),
}

/// What a comparison is with.
enum Operand {
    Flag(bool),
    Text(String),
    List(Vec<String>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Relation {
    Equal,
    StartsWith,
    EndsWith,
    Contains,
    In,
}

struct Reader<'a> {
    words: Vec<Word>,
    at: usize,
    device: Option<&'a DeviceInfo<'a>>,
}

impl Reader<'_> {
    fn peek(&self) -> Option<&Word> {
        self.words.get(self.at)
    }

    fn next(&mut self) -> Option<Word> {
        let word = self.words.get(self.at)?.clone();
        self.at += 1;
        Some(word)
    }

    /// Takes the next word if it is this one.
    fn takes(&mut self, word: &Word) -> bool {
        let is_it = self.peek() == Some(word);
        self.at += usize::from(is_it);
        is_it
    }

    /// Takes the next word if it is this connective, with or without its hyphen.
    fn takes_name(&mut self, wanted: &str) -> bool {
        let is_it = match self.peek() {
            Some(Word::Name(name)) => name.strip_prefix('-').unwrap_or(name).eq_ignore_ascii_case(wanted),
            _ => false,
        };
        self.at += usize::from(is_it);
        is_it
    }

    fn expression(&mut self, depth: usize) -> Option<bool> {
        let mut truth = self.term(depth)?;
        while self.takes_name("or") {
            truth |= self.term(depth)?;
        }
        Some(truth)
    }

    fn term(&mut self, depth: usize) -> Option<bool> {
        let mut truth = self.factor(depth)?;
        while self.takes_name("and") {
            truth &= self.factor(depth)?;
        }
        Some(truth)
    }

    fn factor(&mut self, depth: usize) -> Option<bool> {
        if depth > DEPTH_MAX {
            return None;
        }
        let is_negated = self.takes_name("not");
        let truth = if self.takes(&Word::Open) {
            let truth = self.expression(depth + 1)?;
            self.takes(&Word::Close).then_some(truth)?
        } else {
            self.comparison()?
        };
        Some(truth != is_negated)
    }

    fn comparison(&mut self) -> Option<bool> {
        let Word::Name(subject) = self.next()? else { return None };
        let property = subject.strip_prefix("device.")?;
        let Word::Name(operator) = self.next()? else { return None };
        let (relation, is_negative) = relation(operator.strip_prefix('-')?)?;
        let operand = self.operand()?;
        if !is_allowed(property, relation, &operand) {
            return None;
        }
        let held = held(property, self.device)?;
        Some(meets(property, &held, relation, &operand) != is_negative)
    }

    fn operand(&mut self) -> Option<Operand> {
        match self.next()? {
            Word::Text(text) => Some(Operand::Text(text)),
            Word::Name(name) if name.eq_ignore_ascii_case("true") => Some(Operand::Flag(true)),
            Word::Name(name) if name.eq_ignore_ascii_case("false") => Some(Operand::Flag(false)),
            Word::OpenList => {
                let mut list = Vec::new();
                loop {
                    let Word::Text(text) = self.next()? else { return None };
                    list.push(text);
                    if self.takes(&Word::CloseList) {
                        return Some(Operand::List(list));
                    }
                    self.takes(&Word::Comma).then_some(())?;
                }
            }
            _ => None,
        }
    }
}

/// The relation behind an operator, and whether the operator denies it.
fn relation(operator: &str) -> Option<(Relation, bool)> {
    Some(match operator.to_ascii_lowercase().as_str() {
        "eq" => (Relation::Equal, false),
        "ne" => (Relation::Equal, true),
        "startswith" => (Relation::StartsWith, false),
        "notstartswith" => (Relation::StartsWith, true),
        "endswith" => (Relation::EndsWith, false),
        "notendswith" => (Relation::EndsWith, true),
        "contains" => (Relation::Contains, false),
        "notcontains" => (Relation::Contains, true),
        "in" => (Relation::In, false),
        "notin" => (Relation::In, true),
        _ => return None,
    })
}

/// Whether the property takes the relation, and the relation the operand.
fn is_allowed(property: &str, relation: Relation, operand: &Operand) -> bool {
    let takes_relation = match property {
        "deviceId" | "mdmAppId" => matches!(relation, Relation::Equal | Relation::In),
        "deviceOwnership" | "isCompliant" | "profileType" | "trustType" => relation == Relation::Equal,
        "physicalIds" | "systemLabels" => relation == Relation::Contains,
        _ => true,
    };
    let takes_operand = match operand {
        Operand::Flag(_) => property == "isCompliant",
        Operand::Text(_) => property != "isCompliant" && relation != Relation::In,
        Operand::List(_) => relation == Relation::In,
    };
    takes_relation && takes_operand
}

/// What the device has; `None` for a property that no filter can ask.
fn held<'a>(property: &str, device: Option<&'a DeviceInfo<'a>>) -> Option<Held<'a>> {
    let detail = device.and_then(|device| device.detail.as_deref());
    let text = |value: Option<&'a String>| value.map_or(Held::Nothing, |text| Held::Text(text.as_str()));
    let detail_text = |value: fn(&DeviceInfoDetail) -> &Option<String>| text(detail.and_then(|it| value(it).as_ref()));
    Some(match property {
        "isCompliant" => device.and_then(|device| device.is_compliant).map_or(Held::Nothing, Held::Flag),
        "trustType" => device.and_then(|device| device.trust_type.as_deref()).map_or(Held::Nothing, Held::Text),
        "deviceId" => detail_text(|it| &it.device_id),
        "mdmAppId" => detail_text(|it| &it.mdm_app_id),
        "deviceOwnership" => detail_text(|it| &it.ownership),
        "profileType" => detail_text(|it| &it.profile_type),
        "displayName" => detail_text(|it| &it.display_name),
        "enrollmentProfileName" => detail_text(|it| &it.enrollment_profile_name),
        "manufacturer" => detail_text(|it| &it.manufacturer),
        "model" => detail_text(|it| &it.model),
        "operatingSystem" => detail_text(|it| &it.operating_system),
        "operatingSystemVersion" => detail_text(|it| &it.operating_system_version),
        "physicalIds" => detail.map_or(Held::Nothing, |it| Held::Elements(&it.physical_ids)),
        "systemLabels" => detail.map_or(Held::Nothing, |it| Held::Elements(&it.system_labels)),
        _ => {
            let number: u8 = property.strip_prefix("extensionAttribute")?.parse().ok()?;
            if !(1..=15).contains(&number) || property != format!("extensionAttribute{number}") {
                return None;
            }
            let is_visible = device.is_some_and(shows_extension_attributes);
            text(detail.and_then(|it| it.extension_attributes.get(property)).filter(|_| is_visible))
        }
    })
}

/// Entra looks at extension attributes only of devices that are managed by Intune, compliant or hybrid joined.
fn shows_extension_attributes(device: &DeviceInfo<'_>) -> bool {
    let manager = device.detail.as_deref().and_then(|detail| detail.mdm_app_id.as_deref());
    device.is_compliant == Some(true)
        || device.trust_type.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("ServerAD"))
        || manager.is_some_and(|id| id.eq_ignore_ascii_case(MICROSOFT_INTUNE))
}

fn meets(property: &str, held: &Held<'_>, relation: Relation, operand: &Operand) -> bool {
    // Evaluate writes `EntraID` where filters write `AzureAD`.
    let plain = |text: &str| match text.to_lowercase() {
        lower if property == "trustType" && lower == "entraid" => "azuread".to_owned(),
        lower => lower,
    };
    match (held, operand) {
        (Held::Flag(held), Operand::Flag(wanted)) => held == wanted,
        (Held::Elements(elements), Operand::Text(wanted)) => {
            elements.iter().any(|element| plain(element) == plain(wanted))
        }
        (Held::Text(held), Operand::List(wanted)) => wanted.iter().any(|wanted| plain(wanted) == plain(held)),
        (Held::Text(held), Operand::Text(wanted)) => {
            let (held, wanted) = (plain(held), plain(wanted));
            match relation {
                Relation::Equal | Relation::In => held == wanted,
                Relation::StartsWith => held.starts_with(&wanted),
                Relation::EndsWith => held.ends_with(&wanted),
                Relation::Contains => held.contains(&wanted),
            }
        }
        _ => false,
    }
}
