//! A query, option by option.

use aws_lc_rs::digest::Context;
use serde_json::{Map, Value};

use super::decode::{decode, encode};
use super::error::{ODataError, excerpt};
use super::expand::Expand;
use super::filter::Filter;
use super::order_by::OrderBy;
use super::page::SkipToken;
use super::search::Search;
use super::select::Select;

/// The longest query, in bytes as it came.
pub const QUERY_BYTES_MAX: usize = 16_384;

/// The most parameters of a query.
pub const QUERY_PARAMETER_COUNT_MAX: usize = 64;

/// The most alternatives of one `or` or `in` that directory objects take without the advanced query parameters.
pub const OR_CLAUSE_COUNT_MAX: usize = 15;

/// An option of OData that is served, with its name in Graph's spelling. `$` may be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Filter,
    Select,
    Expand,
    Top,
    Count,
    Search,
    OrderBy,
    SkipToken,
    Skip,
    DeltaToken,
}

impl Name {
    const ALL: [(Self, &'static str); 10] = [
        (Self::Filter, "$filter"),
        (Self::Select, "$select"),
        (Self::Expand, "$expand"),
        (Self::Top, "$top"),
        (Self::Count, "$count"),
        (Self::Search, "$search"),
        (Self::OrderBy, "$orderby"),
        (Self::SkipToken, "$skiptoken"),
        (Self::Skip, "$skip"),
        (Self::DeltaToken, "$deltatoken"),
    ];
}

/// The query of a request, understood. Every option is there at most once.
#[derive(Debug, Clone, Default)]
pub struct QueryOptions {
    /// What was asked, decoded, in order, with the name of the option where it is one.
    parameters: Vec<Parameter>,
    filter: Option<Filter>,
    select: Option<Select>,
    expand: Vec<Expand>,
    top: Option<usize>,
    count: bool,
    search: Option<Search>,
    order_by: Option<OrderBy>,
    skip_token: Option<String>,
    skip: Option<usize>,
    delta_token: Option<String>,
}

#[derive(Debug, Clone)]
struct Parameter {
    option: Option<Name>,
    name: String,
    value: String,
}

impl QueryOptions {
    /// Parses what stands behind the `?` of a request. Parameters that are not OData's are left alone.
    ///
    /// # Errors
    /// The first option that is not understood, is not served, or is there twice.
    pub fn parse(raw_query: &str) -> Result<Self, ODataError> {
        if raw_query.len() > QUERY_BYTES_MAX {
            return Err(invalid(&format!("It has {} bytes. Max allowed: {QUERY_BYTES_MAX}.", raw_query.len())));
        }
        let mut options = Self::default();
        for part in raw_query.split('&').filter(|part| !part.is_empty()) {
            if options.parameters.len() == QUERY_PARAMETER_COUNT_MAX {
                return Err(invalid(&format!("It has too many parameters. Max allowed: {QUERY_PARAMETER_COUNT_MAX}.")));
            }
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            options.add(decode(name)?, decode(value)?)?;
        }
        Ok(options)
    }

    fn add(&mut self, name: String, value: String) -> Result<(), ODataError> {
        let bare = name.strip_prefix('$').unwrap_or(&name);
        let known = Name::ALL.into_iter().find(|(_, known)| known.trim_start_matches('$').eq_ignore_ascii_case(bare));
        let Some((option, spelling)) = known else {
            if name.starts_with('$') {
                return Err(invalid(&format!("The query parameter '{}' is not supported.", excerpt(&name))));
            }
            self.parameters.push(Parameter { option: None, name, value });
            return Ok(());
        };
        if self.parameters.iter().any(|other| other.option == Some(option)) {
            return Err(ODataError::bad(format!(
                "Query option '{spelling}' was specified more than once, but it must be specified at most once."
            )));
        }
        if value.trim().is_empty() {
            return Err(ODataError::bad(format!("The value for OData query '{spelling}' cannot be empty.")));
        }
        match option {
            Name::Filter => self.filter = Some(Filter::parse(&value)?),
            Name::Select => self.select = Some(Select::parse(&value)?),
            Name::Expand => self.expand = Expand::parse(&value)?,
            Name::Top => self.top = Some(number(spelling, &value)?),
            Name::Count => self.count = truth(spelling, &value)?,
            Name::Search => self.search = Some(Search::parse(&value)?),
            Name::OrderBy => self.order_by = Some(OrderBy::parse(&value)?),
            Name::SkipToken => self.skip_token = Some(value.clone()),
            Name::Skip => self.skip = Some(number(spelling, &value)?),
            Name::DeltaToken => self.delta_token = Some(value.clone()),
        }
        self.parameters.push(Parameter { option: Some(option), name: spelling.to_owned(), value });
        Ok(())
    }

    /// `$filter`.
    #[must_use]
    pub fn filter(&self) -> Option<&Filter> {
        self.filter.as_ref()
    }

    /// `$select`.
    #[must_use]
    pub fn select(&self) -> Option<&Select> {
        self.select.as_ref()
    }

    /// `$expand`; empty without one.
    #[must_use]
    pub fn expand(&self) -> &[Expand] {
        &self.expand
    }

    /// `$top`, whatever the collection allows.
    #[must_use]
    pub fn top(&self) -> Option<usize> {
        self.top
    }

    /// Whether `$count=true`.
    #[must_use]
    pub fn count(&self) -> bool {
        self.count
    }

    /// `$search`.
    #[must_use]
    pub fn search(&self) -> Option<&Search> {
        self.search.as_ref()
    }

    /// Whether every object is there, in the order of the collection: then which ones a page has does not depend on what
    /// is in them.
    #[must_use]
    pub fn takes_all_in_order(&self) -> bool {
        self.filter.is_none() && self.search.is_none() && self.order_by.is_none()
    }

    /// Whether filter and search let an object through.
    ///
    /// # Errors
    /// One of them compares what cannot be compared.
    pub fn lets_through(&self, object: &Map<String, Value>) -> Result<bool, ODataError> {
        // Both are asked, so that a refusal of one does not hang on the other.
        let is_filtered = self.filter.as_ref().map_or(Ok(true), |filter| filter.matches(object))?;
        let is_searched = self.search.as_ref().map_or(Ok(true), |search| search.matches(object))?;
        Ok(is_filtered && is_searched)
    }

    /// The properties that filter and search name, each with the first segment of its path alone.
    #[must_use]
    pub fn sought_properties(&self) -> Vec<&str> {
        let filtered = self.filter.as_ref().map(Filter::properties).unwrap_or_default();
        let searched = self.search.as_ref().map(Search::properties).unwrap_or_default();
        filtered.into_iter().chain(searched).collect()
    }

    /// `$orderby`.
    #[must_use]
    pub fn order_by(&self) -> Option<&OrderBy> {
        self.order_by.as_ref()
    }

    /// `$skiptoken`, as it came.
    #[must_use]
    pub fn skip_token(&self) -> Option<&str> {
        self.skip_token.as_deref()
    }

    /// `$skip`.
    #[must_use]
    pub fn skip(&self) -> Option<usize> {
        self.skip
    }

    /// `$deltatoken`, as it came.
    #[must_use]
    pub fn delta_token(&self) -> Option<&str> {
        self.delta_token.as_deref()
    }

    /// Whether Graph serves the query over directory objects only as an advanced one, or (for `$count=true` alone)
    /// does not do all that is asked otherwise.
    #[must_use]
    pub fn is_advanced(&self) -> bool {
        let has_operators = self.filter.as_ref().is_some_and(|filter| !filter.advanced_operators().is_empty());
        self.count || self.search.is_some() || has_operators || self.is_filtered_and_ordered()
    }

    fn is_filtered_and_ordered(&self) -> bool {
        self.filter.is_some() && self.order_by.is_some()
    }

    /// Holds a query over directory objects against its header: `is_eventual` is whether the request has
    /// `ConsistencyLevel: eventual`. Gives whether the objects are counted: without the header `$count=true` is passed
    /// over in silence.
    ///
    /// # Errors
    /// The query needs the header, `$count=true`, or both, and does not have them; or it has relations expanded and
    /// is an advanced one.
    pub fn check_consistency(&self, is_eventual: bool) -> Result<bool, ODataError> {
        if self.search.is_some() && !is_eventual {
            return Err(ODataError::unsupported(
                "Request with $search query parameter only works through MSGraph with a special request header: \
                 'ConsistencyLevel: eventual'",
            ));
        }
        if !(is_eventual && self.count) {
            if let Some(filter) = &self.filter {
                if let Some(operator) = filter.advanced_operators().first() {
                    return Err(ODataError::advanced_only(operator));
                }
                let widest = filter.widest_or();
                if widest > OR_CLAUSE_COUNT_MAX {
                    return Err(ODataError::unsupported(format!(
                        "Too many child clauses specified in search filter expression containing 'OR' operators: \
                         {widest}. Max allowed: {OR_CLAUSE_COUNT_MAX}."
                    )));
                }
            }
            if self.is_filtered_and_ordered() {
                return Err(ODataError::unsupported("Sorting not supported for current query."));
            }
        }
        if !self.expand.is_empty() && is_eventual && self.is_advanced() {
            return Err(ODataError::unsupported("$expand is not supported with advanced queries."));
        }
        Ok(self.count && is_eventual)
    }

    /// Refuses names that the type does not have. `find_unknown` is asked for every path in filter, search, order and
    /// selection, segment by segment, with casts as `microsoft.graph.user`; what a lambda says of its variable stands
    /// behind the path of the list. It gives the name that is not known, and the whole name of the type without it.
    ///
    /// # Errors
    /// The first name that is not known.
    pub fn check_properties(
        &self,
        find_unknown: impl Fn(&[&str]) -> Option<(String, String)>,
    ) -> Result<(), ODataError> {
        let searched = self.search.as_ref().map(Search::properties).unwrap_or_default();
        let named = [
            ("Invalid filter clause: ", self.filter.as_ref().map(Filter::paths).unwrap_or_default()),
            ("Invalid search clause: ", searched.into_iter().map(|name| vec![name]).collect()),
            ("Invalid $orderby clause: ", self.order_by.as_ref().map(OrderBy::paths).unwrap_or_default()),
        ];
        for (prefix, paths) in named {
            if let Some(unknown) = paths.iter().find_map(|path| find_unknown(path)) {
                return Err(ODataError::no_property(prefix, unknown));
            }
        }
        self.select.as_ref().map_or(Ok(()), |select| select.check_properties(find_unknown))
    }

    /// The query of the next page: this one, with the token. What is no option of OData is kept.
    #[must_use]
    pub fn next_query(&self, token: &SkipToken) -> String {
        let mut query = String::new();
        let kept = self.parameters.iter().filter(|parameter| parameter.option != Some(Name::SkipToken));
        for parameter in kept {
            encode(&parameter.name, &mut query);
            query.push('=');
            encode(&parameter.value, &mut query);
            query.push('&');
        }
        query.push_str("$skiptoken=");
        encode(token.as_str(), &mut query);
        query
    }

    /// Adds everything that decides which objects stand where, and how they are shown.
    pub(super) fn digest(&self, hash: &mut Context) {
        for (option, spelling) in Name::ALL {
            let parameter = self.parameters.iter().find(|parameter| parameter.option == Some(option));
            if let Some(parameter) = parameter.filter(|_| option != Name::SkipToken) {
                hash.update(spelling.as_bytes());
                hash.update(&parameter.value.len().to_be_bytes());
                hash.update(parameter.value.as_bytes());
            }
        }
    }
}

fn invalid(reason: &str) -> ODataError {
    ODataError::bad(format!("The query specified in the URI is not valid. {reason}"))
}

fn number(option: &str, value: &str) -> Result<usize, ODataError> {
    let is_digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let number = value.parse::<i32>().ok().filter(|_| is_digits).and_then(|number| usize::try_from(number).ok());
    number.ok_or_else(|| {
        ODataError::bad(format!(
            "Invalid value '{}' for {option} query option found. The {option} query option requires a non-negative \
             integer value.",
            excerpt(value)
        ))
    })
}

fn truth(option: &str, value: &str) -> Result<bool, ODataError> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(ODataError::bad(format!(
            "Invalid value '{}' for {option} query option found. Valid values are 'true' and 'false'.",
            excerpt(value)
        ))),
    }
}
