//! Many What If bodies in a row: programs write them all alike, so the shape of one is tried on the next.
//!
//! A shape is the text between the values. A body that has the shape is read by comparing that text and cutting
//! the values out; any other is read from the beginning, and its shape is learnt.
//!
//! **Invariant:** the answer is that of [`WhatIfRequest::from_json`] (a property test and a fuzz target hold it to
//! that).

use std::borrow::Cow;

use crate::scan::{Scan, plain_length};
use crate::sign_in::{
    DeviceInfo, SignInConditions, SignInContext, WHAT_IF_BODY_BYTES_MAX, WhatIfRequest, WhatIfRequestError,
};

/// Reads bodies one after the other.
#[derive(Debug, Clone, Default)]
pub struct RequestReader {
    shape: Option<Shape>,
}

#[derive(Debug, Clone)]
struct Shape {
    pieces: Vec<Piece>,
    end: Box<str>,
    has_context: bool,
    has_conditions: bool,
    has_device: bool,
}

/// A value, and the text before it.
#[derive(Debug, Clone)]
struct Piece {
    before: Box<str>,
    field: Field,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    User,
    Application,
    Platform,
    Client,
    SignInRisk,
    UserRisk,
    InsiderRisk,
    Country,
    Address,
    Trust,
    Compliant,
    AppliedOnly,
}

/// Values that a shape can hold, by object and name.
const FIELDS: [(&str, &str, Field); 12] = [
    ("signInIdentity", "userId", Field::User),
    ("signInContext", "includeApplications", Field::Application),
    ("signInConditions", "devicePlatform", Field::Platform),
    ("signInConditions", "clientAppType", Field::Client),
    ("signInConditions", "signInRiskLevel", Field::SignInRisk),
    ("signInConditions", "userRiskLevel", Field::UserRisk),
    ("signInConditions", "insiderRiskLevel", Field::InsiderRisk),
    ("signInConditions", "country", Field::Country),
    ("signInConditions", "ipAddress", Field::Address),
    ("deviceInfo", "trustType", Field::Trust),
    ("deviceInfo", "isCompliant", Field::Compliant),
    ("", "appliedPoliciesOnly", Field::AppliedOnly),
];

impl RequestReader {
    /// Reads one body.
    ///
    /// # Errors
    /// As [`WhatIfRequest::from_json`].
    pub fn read<'a>(&mut self, bytes: &'a [u8]) -> Result<WhatIfRequest<'a>, WhatIfRequestError> {
        let text = std::str::from_utf8(bytes).ok().filter(|text| text.len() <= WHAT_IF_BODY_BYTES_MAX);
        if let (Some(shape), Some(text)) = (&self.shape, text) {
            // The request is filled where it stays: it is too large to be handed on from function to function.
            let mut request = WhatIfRequest::default();
            if shape.read(text, &mut request).is_some() {
                return Ok(request);
            }
        }
        let request = WhatIfRequest::from_json(bytes)?;
        self.shape = text.and_then(Shape::learn);
        Ok(request)
    }
}

impl Shape {
    fn read<'a>(&self, text: &'a str, request: &mut WhatIfRequest<'a>) -> Option<()> {
        let mut rest = text;
        request.sign_in_context = self.has_context.then(SignInContext::default);
        let conditions = request.sign_in_conditions.insert(SignInConditions::default());
        conditions.device_info = self.has_device.then(DeviceInfo::default);
        for piece in &self.pieces {
            rest = strip(rest, &piece.before)?;
            let field = match piece.field {
                Field::Compliant => {
                    conditions.device_info.as_mut()?.is_compliant = Some(flag(&mut rest)?);
                    continue;
                }
                Field::AppliedOnly => {
                    request.applied_policies_only = Some(flag(&mut rest)?);
                    continue;
                }
                Field::Application => {
                    request.sign_in_context.as_mut()?.include_applications = Some(vec![Cow::Borrowed(cut(&mut rest)?)]);
                    continue;
                }
                Field::User => &mut request.sign_in_identity.user_id,
                Field::Platform => &mut conditions.device_platform,
                Field::Client => &mut conditions.client_app_type,
                Field::SignInRisk => &mut conditions.sign_in_risk_level,
                Field::UserRisk => &mut conditions.user_risk_level,
                Field::InsiderRisk => &mut conditions.insider_risk_level,
                Field::Country => &mut conditions.country,
                Field::Address => &mut conditions.ip_address,
                Field::Trust => &mut conditions.device_info.as_mut()?.trust_type,
            };
            *field = Some(Cow::Borrowed(cut(&mut rest)?));
        }
        if !self.has_conditions {
            request.sign_in_conditions = None;
        }
        (rest == &*self.end).then_some(())
    }

    /// Learns the shape of a body that was read; `None` when it holds something that a shape cannot.
    fn learn(text: &str) -> Option<Self> {
        WhatIfRequest::scan(text.as_bytes())?;
        let mut shape =
            Self { pieces: Vec::new(), end: "".into(), has_context: false, has_conditions: false, has_device: false };
        let mut scan = Scan::new(text.as_bytes());
        let mut from = 0;
        shape.learn_object(text, &mut scan, (&mut from, ""))?;
        shape.end = text.get(from..)?.into();
        Some(shape)
    }

    fn learn_object(&mut self, text: &str, scan: &mut Scan<'_>, place: (&mut usize, &str)) -> Option<()> {
        let (from, object) = place;
        let mut members = scan.object()?;
        while let Some(name) = scan.key(&mut members)? {
            let name = std::str::from_utf8(name).ok()?;
            match (object, name) {
                ("", "signInContext") => self.has_context = true,
                ("", "signInConditions") => self.has_conditions = true,
                ("signInConditions", "deviceInfo") => {
                    if scan.null() {
                        continue;
                    }
                    self.has_device = true;
                }
                _ => {
                    self.learn_value(text, scan, (&mut *from, object, name))?;
                    continue;
                }
            }
            self.learn_object(text, scan, (&mut *from, name))?;
        }
        Some(())
    }

    fn learn_value(&mut self, text: &str, scan: &mut Scan<'_>, place: (&mut usize, &str, &str)) -> Option<()> {
        let (from, object, name) = place;
        if (object, name) == ("", "signInIdentity") {
            return self.learn_object(text, scan, (from, name));
        }
        let field =
            FIELDS.iter().find(|(owner, field, _)| (*owner, *field) == (object, name)).map(|(_, _, field)| *field);
        let Some(field) = field else {
            // What the request does not use, such as `@odata.type`, stays part of the text between values.
            return if name == "@odata.type" { scan.skip() } else { None };
        };
        if field == Field::Application {
            let mut elements = scan.array()?;
            scan.element(&mut elements)?.then_some(())?;
            self.learn_leaf(text, scan, (from, field))?;
            return (!scan.element(&mut elements)?).then_some(());
        }
        self.learn_leaf(text, scan, (from, field))
    }

    fn learn_leaf(&mut self, text: &str, scan: &mut Scan<'_>, place: (&mut usize, Field)) -> Option<()> {
        let (from, field) = place;
        let length = match field {
            Field::Compliant | Field::AppliedOnly => match scan.flag_or_null()? {
                Some(true) => 4,
                Some(false) => 5,
                // A null stays part of the text between values.
                None => return Some(()),
            },
            _ => match scan.text_or_null()? {
                // The quotation mark behind a text belongs to what follows.
                Some(value) => value.len() + 1,
                None => return Some(()),
            },
        };
        let (start, behind) = match field {
            Field::Compliant | Field::AppliedOnly => (scan.position().checked_sub(length)?, scan.position()),
            _ => (scan.position().checked_sub(length)?, scan.position().checked_sub(1)?),
        };
        self.pieces.push(Piece { before: text.get(*from..start)?.into(), field });
        *from = behind;
        Some(())
    }
}

/// Cuts a known text off the front, sixteen bytes at a time; the last sixteen may have been compared before.
#[inline]
fn strip<'a>(rest: &'a str, before: &str) -> Option<&'a str> {
    let (front, behind) = rest.split_at_checked(before.len())?;
    let (front, before) = (front.as_bytes(), before.as_bytes());
    let is_same = |one: &[u8; 16], other: &[u8; 16]| u128::from_ne_bytes(*one) == u128::from_ne_bytes(*other);
    let is_found = match (front.last_chunk::<16>(), before.last_chunk::<16>()) {
        (Some(front_end), Some(before_end)) => {
            let mut chunks = front.as_chunks::<16>().0.iter().zip(before.as_chunks::<16>().0);
            is_same(front_end, before_end) && chunks.all(|(one, other)| is_same(one, other))
        }
        _ => front == before,
    };
    is_found.then_some(behind)
}

/// Cuts a text off the front, up to its closing quotation mark, which stays.
#[inline]
fn cut<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let (value, behind) = rest.split_at_checked(plain_length(rest.as_bytes()))?;
    *rest = behind;
    Some(value)
}

#[inline]
fn flag(rest: &mut &str) -> Option<bool> {
    if let Some(behind) = rest.strip_prefix("true") {
        *rest = behind;
        return Some(true);
    }
    *rest = rest.strip_prefix("false")?;
    Some(false)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{RequestReader, Shape};
    use crate::sign_in::{WHAT_IF_BODY_BYTES_MAX, WhatIfRequest, WhatIfRequestError};

    const PLAIN: &str = r##"{"signInIdentity":{"@odata.type":"#microsoft.graph.userSignIn","userId":"u"},"signInContext":{"includeApplications":["a"]},"signInConditions":{"devicePlatform":"iOS","country":null,"ipAddress":"1.2.3.4","deviceInfo":{"isCompliant":false}},"appliedPoliciesOnly":true}"##;

    #[test]
    fn the_shape_of_a_plain_body_is_learnt_and_used() {
        let shape = Shape::learn(PLAIN).unwrap();
        assert_eq!(shape.pieces.len(), 6);
        assert_eq!(read(&shape, PLAIN).unwrap(), WhatIfRequest::from_json(PLAIN.as_bytes()).unwrap());
        let other = PLAIN.replace("\"u\"", "\"somebody else\"").replace("false", "true");
        assert_eq!(read(&shape, &other).unwrap(), WhatIfRequest::from_json(other.as_bytes()).unwrap());
        assert!(read(&shape, &PLAIN.replace("iOS", "i\\u004fS")).is_none());
    }

    fn read<'a>(shape: &Shape, text: &'a str) -> Option<WhatIfRequest<'a>> {
        let mut request = WhatIfRequest::default();
        shape.read(text, &mut request).map(|()| request)
    }

    #[test]
    fn a_body_of_a_known_shape_is_not_longer_than_any_other() {
        let frame = r#"{"signInIdentity":{"userId":""}}"#;
        let of_length = |length: usize| frame.replace("\"\"", &format!("\"{}\"", "u".repeat(length - frame.len())));
        let mut reader = RequestReader::default();
        reader.read(frame.as_bytes()).unwrap();
        reader.read(of_length(WHAT_IF_BODY_BYTES_MAX).as_bytes()).unwrap();
        let refused = reader.read(of_length(WHAT_IF_BODY_BYTES_MAX + 1).as_bytes()).map(|_| ());
        assert!(matches!(refused, Err(WhatIfRequestError::TooLong { length }) if length == WHAT_IF_BODY_BYTES_MAX + 1));
    }

    #[test]
    fn what_is_refused_leaves_the_shape_as_it_was() {
        let mut reader = RequestReader::default();
        for (from, to) in [("userSignIn", "agentSignIn"), ("ipAddress", "ipAdress"), ("isCompliant", "compliant")] {
            reader.read(PLAIN.as_bytes()).unwrap();
            reader.read(PLAIN.replace(from, to).as_bytes()).unwrap_err();
            reader.read(PLAIN.as_bytes()).unwrap();
            assert!(reader.shape.is_some(), "{to}");
        }
    }

    fn body() -> impl Strategy<Value = String> {
        let text = prop_oneof![
            Just("null".to_owned()),
            Just("\"\"".to_owned()),
            "[a-z]{1,12}".prop_map(|text| format!("\"{text}\"")),
            Just("\"\\u0041\\\"\"".to_owned()),
            Just("\"ä\"".to_owned()),
            Just("7".to_owned()),
        ];
        let flag = prop_oneof![Just("true"), Just("false"), Just("null"), Just("\"true\"")];
        let parts = (proptest::collection::vec(text, 6), proptest::collection::vec(flag, 2), 0..8_u8);
        parts.prop_map(|(texts, flags, form)| {
            let space = if form == 1 { " " } else { "" };
            let device = match form {
                2 => "null".to_owned(),
                3 => format!("{{\"isCompliant\":{},\"isCompliant\":true}}", flags[0]),
                4 => format!("{{\"trustType\":{},\"model\":{}}}", texts[4], texts[5]),
                _ => format!("{{\"isCompliant\":{}}}", flags[0]),
            };
            let device = if form == 6 { format!("{device},\"ipAdress\":{}", texts[3]) } else { device };
            let kind = if form == 7 { "agentSignIn" } else { "userSignIn" };
            let apps = if form == 5 { format!("[{},{}]", texts[1], texts[2]) } else { format!("[{}]", texts[1]) };
            format!(
                "{space}{{\"signInIdentity\":{{\"@odata.type\":\"#microsoft.graph.{kind}\",\"userId\":{}}},\"signInContext\":{{\"includeApplications\":{apps}}},{space}\"signInConditions\":{{\"country\":{},\"ipAddress\":{},\"deviceInfo\":{device}}},\"appliedPoliciesOnly\":{}}}{space}",
                texts[0], texts[2], texts[3], flags[1]
            )
        })
    }

    proptest! {
        #[test]
        fn the_reader_reads_what_the_careful_way_reads(bodies in proptest::collection::vec(body(), 1..12)) {
            let mut reader = RequestReader::default();
            for body in &bodies {
                let quick = reader.read(body.as_bytes());
                let careful = WhatIfRequest::from_json_carefully(body.as_bytes());
                prop_assert_eq!(quick.ok(), careful.ok(), "{}", body);
            }
        }
    }
}
