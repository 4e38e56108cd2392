//! Reading a record: whatever order its members have, and however their names are cased.
//!
//! Members that a decision does not need are read over. One that stands twice, with two values, is a fault: which of
//! them would count is not ours to say. Empty texts are kept as they are, `null` is absent.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use jiff::Timestamp;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{
    APPLIED_POLICY_COUNT_MAX, AppliedPolicy, AuthenticationStep, RecordedConditions, RecordedDevice, SignInRecord,
    SignInRecordError, Text,
};

/// Letters of a complaint that are told.
const COMPLAINT_LENGTH_CHARS_MAX: usize = 160;

/// Bytes of the longest name that is looked for.
const NAME_BYTES_MAX: usize = 48;

pub(super) fn read<'a>(text: &'a str) -> Result<SignInRecord<'a>, SignInRecordError> {
    let mut json = serde_json::Deserializer::from_str(text);
    let malformed = |error: serde_json::Error| SignInRecordError::Malformed(in_words(&error));
    let Object(outer) = Object::<Outer<'a>>::deserialize(&mut json).map_err(malformed)?;
    json.end().map_err(malformed)?;
    Ok(outer.into_record())
}

/// The parser's complaint; records are one line mostly, so that the column is the place.
fn in_words(error: &serde_json::Error) -> String {
    let whole = error.to_string();
    let (complaint, _) = whole.rsplit_once(" at line ").unwrap_or((&whole, ""));
    let place = match error.line() {
        0 | 1 => format!("column {}", error.column()),
        line => format!("its line {line}, column {}", error.column()),
    };
    match error.classify() {
        serde_json::error::Category::Eof => format!("the JSON breaks off at {place}"),
        serde_json::error::Category::Data => format!("{} ({place})", without_values(complaint)),
        _ => format!("this is not JSON at {place}: {}", without_values(complaint)),
    }
}

/// A complaint without the text that it is about: a record names people, and may be long.
fn without_values(complaint: &str) -> String {
    let told = match (complaint.find('"'), complaint.rfind('"')) {
        (Some(begin), Some(end)) if begin < end => {
            let (before, after) = (complaint.get(..begin), complaint.get(end + 1..));
            [before.unwrap_or_default().trim_end(), after.unwrap_or_default()].concat()
        }
        _ => complaint.to_owned(),
    };
    told.chars().take(COMPLAINT_LENGTH_CHARS_MAX).collect()
}

/// An object of which some members are taken.
trait Members<'a>: Default {
    /// Takes the value of a member whose name, in lower case, is given; `false` when it is none of ours, and the value
    /// was not touched.
    fn take<A: MapAccess<'a>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error>;

    /// What it is called in messages.
    const WHAT: &'static str;
}

/// An object read by its [`Members`].
struct Object<T>(T);

impl<'de, T: Members<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Members<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} as an object", T::WHAT)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut object = T::default();
        while let Some(Name(name, length)) = map.next_key()? {
            let name = name.get(..length).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default();
            if !object.take(name, &mut map)? {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Object(object))
    }
}

/// A member's name in lower case; one that is too long is none of ours, and empty.
struct Name([u8; NAME_BYTES_MAX], usize);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;
        impl Visitor<'_> for NameVisitor {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Name, E> {
                let mut name = Name([0; NAME_BYTES_MAX], 0);
                if let Some(front) = name.0.get_mut(..text.len()) {
                    front.copy_from_slice(text.as_bytes());
                    front.make_ascii_lowercase();
                    name.1 = text.len();
                }
                Ok(name)
            }
        }
        deserializer.deserialize_identifier(NameVisitor)
    }
}

/// Puts a value into its place; a second one that differs is a fault.
fn once<T: PartialEq, E: Error>(place: &mut Option<T>, value: Option<T>, name: &str) -> Result<(), E> {
    match (&place, value) {
        (_, None) => Ok(()),
        (None, value) => {
            *place = value;
            Ok(())
        }
        (Some(first), Some(second)) if *first == second => Ok(()),
        _ => Err(E::custom(format_args!("`{name}` is given twice, with two values"))),
    }
}

/// A value that may be written in several ways.
enum Loose<'a> {
    Null,
    Text(Cow<'a, str>),
    Number(i64),
    Flag(bool),
}

impl<'de> Deserialize<'de> for Loose<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LooseVisitor;
        impl<'de> Visitor<'de> for LooseVisitor {
            type Value = Loose<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, a number, true, false or null")
            }

            fn visit_unit<E: Error>(self) -> Result<Loose<'de>, E> {
                Ok(Loose::Null)
            }

            fn visit_bool<E: Error>(self, flag: bool) -> Result<Loose<'de>, E> {
                Ok(Loose::Flag(flag))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Loose<'de>, E> {
                Ok(Loose::Number(number))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Loose<'de>, E> {
                i64::try_from(number).map(Loose::Number).map_err(|_| E::custom("the number is too large"))
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Loose<'de>, E> {
                Ok(Loose::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Loose<'de>, E> {
                Ok(Loose::Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_any(LooseVisitor)
    }
}

/// A string or null.
struct Written<'a>(Text<'a>);

impl<'de> Deserialize<'de> for Written<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Loose::deserialize(deserializer)? {
            Loose::Null => Ok(Self(None)),
            Loose::Text(text) => Ok(Self(Some(text))),
            Loose::Number(_) | Loose::Flag(_) => Err(D::Error::custom("a string was expected")),
        }
    }
}

fn text<'a, A: MapAccess<'a>>(place: &mut Text<'a>, name: &str, map: &mut A) -> Result<bool, A::Error> {
    let Written(value) = map.next_value()?;
    once(place, value, name).map(|()| true)
}

/// A flag, which some exports write as a text.
fn flag<'a, A: MapAccess<'a>>(place: &mut Option<bool>, name: &str, map: &mut A) -> Result<bool, A::Error> {
    let value = match map.next_value()? {
        Loose::Null => None,
        Loose::Flag(flag) => Some(flag),
        Loose::Text(text) if text.is_empty() => None,
        Loose::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Loose::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
        Loose::Text(_) | Loose::Number(_) => return Err(A::Error::custom(format_args!("`{name}` is no flag"))),
    };
    once(place, value, name).map(|()| true)
}

/// A number, which diagnostic settings write as a text at times.
fn number<'a, A: MapAccess<'a>>(place: &mut Option<i64>, name: &str, map: &mut A) -> Result<bool, A::Error> {
    let value = match map.next_value()? {
        Loose::Null => None,
        Loose::Number(number) => Some(number),
        Loose::Text(text) if text.is_empty() => None,
        Loose::Text(text) => match text.parse() {
            Ok(number) => Some(number),
            Err(_) => return Err(A::Error::custom(format_args!("`{name}` is no number"))),
        },
        Loose::Flag(_) => return Err(A::Error::custom(format_args!("`{name}` is no number"))),
    };
    once(place, value, name).map(|()| true)
}

/// An instant; one that cannot be read is absent, as it is of no use.
fn instant<'a, A: MapAccess<'a>>(place: &mut Option<Timestamp>, name: &str, map: &mut A) -> Result<bool, A::Error> {
    let Written(value) = map.next_value()?;
    let value = value.and_then(|text| text.parse().ok());
    once(place, value, name).map(|()| true)
}

/// A list of something, or null.
struct List<T>(Option<Vec<T>>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
            type Value = List<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_unit<E: Error>(self) -> Result<List<T>, E> {
                Ok(List(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List<T>, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = seq.next_element()? {
                    if list.len() == APPLIED_POLICY_COUNT_MAX {
                        return Err(A::Error::custom(format_args!(
                            "a list has more than {APPLIED_POLICY_COUNT_MAX} elements"
                        )));
                    }
                    list.push(item);
                }
                Ok(List(Some(list)))
            }
        }
        deserializer.deserialize_any(ListVisitor(PhantomData))
    }
}

/// A list of texts.
fn texts<'a, A: MapAccess<'a>>(
    place: &mut Option<Vec<Cow<'a, str>>>,
    name: &str,
    map: &mut A,
) -> Result<bool, A::Error> {
    let List(list) = map.next_value::<List<Written<'a>>>()?;
    let list = list.map(|list| list.into_iter().filter_map(|Written(text)| text).collect());
    once(place, list, name).map(|()| true)
}

/// A list of objects.
fn objects<'a, T: Members<'a> + PartialEq, A: MapAccess<'a>>(
    place: &mut Option<Vec<T>>,
    name: &str,
    map: &mut A,
) -> Result<bool, A::Error> {
    let List(list) = map.next_value::<List<Object<T>>>()?;
    once(place, list.map(|list| list.into_iter().map(|Object(item)| item).collect()), name).map(|()| true)
}

/// An object, or null.
fn object<'a, T: Members<'a>, A: MapAccess<'a>>(map: &mut A) -> Result<Option<T>, A::Error> {
    Ok(map.next_value::<Option<Object<T>>>()?.map(|Object(value)| value))
}

impl<'a> Members<'a> for SignInRecord<'a> {
    const WHAT: &'static str = "a sign-in";

    fn take<A: MapAccess<'a>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        match name {
            "id" => text(&mut self.id, name, map),
            "createddatetime" => instant(&mut self.created_date_time, name, map),
            "userid" => text(&mut self.user_id, name, map),
            "userprincipalname" => text(&mut self.user_principal_name, name, map),
            "usertype" => text(&mut self.user_type, name, map),
            "serviceprincipalid" => text(&mut self.service_principal_id, name, map),
            "hometenantid" => text(&mut self.home_tenant_id, name, map),
            "resourcetenantid" => text(&mut self.resource_tenant_id, name, map),
            "crosstenantaccesstype" => text(&mut self.cross_tenant_access_type, name, map),
            "appid" => text(&mut self.app_id, name, map),
            "correlationid" => text(&mut self.correlation_id, name, map),
            "appdisplayname" => text(&mut self.app_display_name, name, map),
            "resourceid" => text(&mut self.resource_id, name, map),
            "conditionalaccessaudiences" => texts(&mut self.conditional_access_audiences, name, map),
            "authenticationcontextclassreferences" => {
                let mut list: Option<Vec<Context<'a>>> = None;
                objects(&mut list, name, map)?;
                let ids = list.map(|list| list.into_iter().filter_map(|Context(id)| id).collect());
                once(&mut self.authentication_contexts, ids, name).map(|()| true)
            }
            "ipaddress" => text(&mut self.ip_address, name, map),
            "location" => location(&mut self.country, name, map),
            "clientappused" => text(&mut self.client_app_used, name, map),
            "devicedetail" => {
                let value = object(map)?;
                once(&mut self.device, value, name).map(|()| true)
            }
            "risklevelduringsignin" => text(&mut self.risk_level_during_sign_in, name, map),
            "risklevelaggregated" => text(&mut self.risk_level_aggregated, name, map),
            _ => self.take_result(name, map),
        }
    }
}

impl<'a> SignInRecord<'a> {
    /// What came of the sign-in, and how the person proved who it was.
    fn take_result<A: MapAccess<'a>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        match name {
            "authenticationrequirement" => text(&mut self.authentication_requirement, name, map),
            "authenticationdetails" => objects(&mut self.authentication_steps, name, map),
            "authenticationmethodsused" => texts(&mut self.authentication_methods_used, name, map),
            "mfadetail" => {
                let detail: Option<MfaDetail<'a>> = object(map)?;
                once(&mut self.mfa_method, detail.and_then(|MfaDetail(method)| method), name).map(|()| true)
            }
            "authenticationprotocol" => text(&mut self.authentication_protocol, name, map),
            "originaltransfermethod" => text(&mut self.original_transfer_method, name, map),
            "status" => {
                let status: Option<Status<'a>> = object(map)?;
                let Status { error_code, additional_details } = status.unwrap_or_default();
                once(&mut self.error_code, error_code, "status.errorCode")?;
                once(&mut self.additional_details, additional_details, "status.additionalDetails").map(|()| true)
            }
            "conditionalaccessstatus" => text(&mut self.conditional_access_status, name, map),
            "appliedconditionalaccesspolicies" => objects(&mut self.applied_policies, name, map),
            _ => Ok(false),
        }
    }
}

/// A country: the envelope writes it alone, the record in an object.
fn location<'a, A: MapAccess<'a>>(place: &mut Text<'a>, name: &str, map: &mut A) -> Result<bool, A::Error> {
    struct Either<'a>(Text<'a>);
    impl<'de> Deserialize<'de> for Either<'de> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct EitherVisitor;
            impl<'de> Visitor<'de> for EitherVisitor {
                type Value = Either<'de>;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("`location` as an object or a country")
                }

                fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
                    Ok(Either(None))
                }

                fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                    Ok(Either(Some(Cow::Borrowed(text))))
                }

                fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                    Ok(Either(Some(Cow::Owned(text.to_owned()))))
                }

                fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                    let Object(Place(country)) = ObjectVisitor::<Place<'de>>(PhantomData).visit_map(map)?;
                    Ok(Either(country))
                }
            }
            deserializer.deserialize_any(EitherVisitor)
        }
    }
    let Either(value) = map.next_value()?;
    once(place, value, name).map(|()| true)
}

/// An object of which one text is wanted.
macro_rules! one_text {
    ($($object:ident of $what:literal: $name:literal;)+) => {$(
        #[derive(Default, PartialEq)]
        struct $object<'a>(Text<'a>);

        impl<'a> Members<'a> for $object<'a> {
            const WHAT: &'static str = $what;

            fn take<A: MapAccess<'a>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
                if name == $name { text(&mut self.0, name, map) } else { Ok(false) }
            }
        }
    )+};
}

one_text! {
    Place of "`location`": "countryorregion";
    Context of "an authentication context": "id";
    MfaDetail of "`mfaDetail`": "authmethod";
}

#[derive(Default)]
struct Status<'a> {
    error_code: Option<i64>,
    additional_details: Text<'a>,
}

impl<'a> Members<'a> for Status<'a> {
    const WHAT: &'static str = "`status`";

    fn take<A: MapAccess<'a>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        match name {
            "errorcode" => number(&mut self.error_code, name, map),
            "additionaldetails" => text(&mut self.additional_details, name, map),
            _ => Ok(false),
        }
    }
}

impl<'a> Members<'a> for RecordedDevice<'a> {
    const WHAT: &'static str = "`deviceDetail`";

    fn take<A: MapAccess<'a>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        match name {
            "deviceid" => text(&mut self.device_id, name, map),
            "displayname" => text(&mut self.display_name, name, map),
            "operatingsystem" => text(&mut self.operating_system, name, map),
            "iscompliant" => flag(&mut self.is_compliant, name, map),
            "trusttype" => text(&mut self.trust_type, name, map),
            _ => Ok(false),
        }
    }
}

impl<'a> Members<'a> for AuthenticationStep<'a> {
    const WHAT: &'static str = "a step of `authenticationDetails`";

    fn take<A: MapAccess<'a>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        match name {
            "authenticationmethod" => text(&mut self.method, name, map),
            "authenticationmethoddetail" => text(&mut self.method_detail, name, map),
            "authenticationsteprequirement" => text(&mut self.requirement, name, map),
            "authenticationstepresultdetail" => text(&mut self.result_detail, name, map),
            "succeeded" => flag(&mut self.succeeded, name, map),
            _ => Ok(false),
        }
    }
}

impl<'a> Members<'a> for AppliedPolicy<'a> {
    const WHAT: &'static str = "a policy of `appliedConditionalAccessPolicies`";

    fn take<A: MapAccess<'a>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        match name {
            "id" => text(&mut self.id, name, map),
            "displayname" => text(&mut self.display_name, name, map),
            "result" => text(&mut self.result, name, map),
            "enforcedgrantcontrols" => texts(&mut self.enforced_grant_controls, name, map),
            "conditionssatisfied" => conditions(&mut self.conditions_satisfied, name, map),
            "conditionsnotsatisfied" => conditions(&mut self.conditions_not_satisfied, name, map),
            _ => Ok(false),
        }
    }
}

/// Flags, as a number or as Graph's text.
fn conditions<'a, A: MapAccess<'a>>(
    place: &mut Option<RecordedConditions>,
    name: &str,
    map: &mut A,
) -> Result<bool, A::Error> {
    let value = match map.next_value()? {
        Loose::Null => None,
        Loose::Number(number) => u32::try_from(number).ok().map(RecordedConditions),
        Loose::Text(text) => Some(match text.parse() {
            Ok(number) => RecordedConditions(number),
            Err(_) => RecordedConditions::from_text(&text),
        }),
        Loose::Flag(_) => return Err(A::Error::custom(format_args!("`{name}` are no conditions"))),
    };
    once(place, value, name).map(|()| true)
}

/// What stands at the top: a record itself, or the envelope of a diagnostic setting around one.
#[derive(Default)]
struct Outer<'a> {
    record: SignInRecord<'a>,
    properties: Option<Box<SignInRecord<'a>>>,
    category: Text<'a>,
    time: Option<Timestamp>,
    caller_ip_address: Text<'a>,
    result_type: Text<'a>,
}

impl<'a> Members<'a> for Outer<'a> {
    const WHAT: &'static str = "a record";

    fn take<A: MapAccess<'a>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        match name {
            "properties" => {
                let value: Option<SignInRecord<'a>> = object(map)?;
                once(&mut self.properties, value.map(Box::new), name).map(|()| true)
            }
            "category" => text(&mut self.category, name, map),
            "time" => instant(&mut self.time, name, map),
            "calleripaddress" => text(&mut self.caller_ip_address, name, map),
            "resulttype" => {
                let value = match map.next_value()? {
                    Loose::Null | Loose::Flag(_) => None,
                    Loose::Text(text) => Some(text),
                    Loose::Number(number) => Some(Cow::Owned(number.to_string())),
                };
                once(&mut self.result_type, value, name).map(|()| true)
            }
            _ => self.record.take(name, map),
        }
    }
}

impl<'a> Outer<'a> {
    /// What the properties say counts; the envelope speaks where they are silent. Its own `resourceId` and `id` are
    /// those of the log and not of the sign-in.
    fn into_record(self) -> SignInRecord<'a> {
        let Some(properties) = self.properties else {
            return SignInRecord { category: self.category, ..self.record };
        };
        let mut record = *properties;
        record.category = self.category;
        record.created_date_time = record.created_date_time.or(self.time);
        record.ip_address = record.ip_address.or(self.caller_ip_address);
        record.country = record.country.or(self.record.country);
        record.error_code = record.error_code.or_else(|| self.result_type.and_then(|code| code.parse().ok()));
        record
    }
}
