//! What a named location looks like as it is written: the names of its properties, and what each takes.
//!
//! **Source:** the types of v1.0 and beta derived from `namedLocation` that somebody may create, and `ipRange`.

use super::error::GraphError;
use super::properties::{Kind, Part, Wrong};
use crate::state::{Object, text};

const IP: &str = "microsoft.graph.ipNamedLocation";
const COUNTRY: &str = "microsoft.graph.countryNamedLocation";

static IP_LOCATION: Part = Part {
    name: "ipNamedLocation",
    of_kind: &[
        (Kind::Text, &["displayName", "id"]),
        (Kind::Instant, &["createdDateTime", "deletedDateTime", "modifiedDateTime"]),
        (Kind::Flag, &["isTrusted"]),
        (Kind::Parts(&RANGE), &["ipRanges"]),
    ],
};

static RANGE: Part = Part { name: "ipRange", of_kind: &[(Kind::Text, &["cidrAddress"])] };

static COUNTRY_LOCATION: Part = Part {
    name: "countryNamedLocation",
    of_kind: &[
        (Kind::Text, &["displayName", "id"]),
        (Kind::Instant, &["createdDateTime", "deletedDateTime", "modifiedDateTime"]),
        (Kind::Texts, &["countriesAndRegions"]),
        (Kind::Flag, &["includeUnknownCountriesAndRegions"]),
        (Kind::Word(&["authenticatorAppGps", "clientIpAddress"]), &["countryLookupMethod"]),
    ],
};

/// Refuses what is not written as a named location is, for a new one or for one that there is, whose type stays.
pub(super) fn check(known: Option<&Object>, body: &Object) -> Result<(), GraphError> {
    let kind = |of: &Object| text(of, "@odata.type").map(|kind| kind.trim_start_matches('#').to_owned());
    let (is, said) = (known.and_then(kind), kind(body));
    let kind = match (is, said) {
        (Some(is), Some(said)) if is != said => return Err(refused("The type of a named location is not changed.")),
        (Some(kind), _) | (None, Some(kind)) => kind,
        (None, None) => return Err(refused("A named location needs '@odata.type'.")),
    };
    let part = match kind.as_str() {
        IP => &IP_LOCATION,
        COUNTRY => &COUNTRY_LOCATION,
        _ => return Err(refused("A named location of this '@odata.type' is not written.")),
    };
    match part.find_wrong(body) {
        None => Ok(()),
        Some(Wrong::Name { name, of }) => Err(refused(&format!("There is no '{name}' in {of}."))),
        Some(Wrong::Value { name }) => Err(refused(&format!("'{name}' does not take this value."))),
    }
}

fn refused(what: &str) -> GraphError {
    GraphError::new(400, "BadRequest", format!("1042: {what}"))
}
