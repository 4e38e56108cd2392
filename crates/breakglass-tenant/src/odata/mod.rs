//! The query options of Microsoft Graph, over JSON objects: `$filter`, `$select`, `$expand`, `$orderby`, `$search`,
//! `$top`, `$skip`, `$count` and the tokens of pages.
//!
//! Input: the query of a request as it came, and objects as Graph writes them. Output: a page of objects, or the
//! error that Graph would answer with status 400. There is no HTTP here and nothing is stored.
//!
//! [`QueryOptions::parse`] reads the query, [`QueryOptions::check_consistency`] refuses what Graph serves only with
//! the header `ConsistencyLevel: eventual`, [`QueryOptions::check_properties`] refuses names that the type does not
//! have, and [`page()`] gives the objects. One object alone goes through
//! [`shape`], and [`matching`] is what is counted.
//!
//! **Invariant:** what is not understood is refused. No query gives more objects than it describes: a comparison of
//! things that cannot be compared is an error, whichever object it meets and in whatever order the objects stand.
//! **Invariant:** no clock, no randomness; the same query over the same objects gives the same page.
//! **Absent:** the schema. Which properties exist, which can be filtered and which are returned by default is what
//! the caller says.
//!
//! **Source:** Microsoft Graph, "Use query parameters", "Use the $filter query parameter", "Use the $search query
//! parameter" and "Advanced query capabilities on Microsoft Entra ID objects" (grammar, examples, texts of errors);
//! OASIS, "OData Version 4.01, Part 2: URL Conventions" (precedence, null). Read on 2026-11-26.

mod decode;
mod error;
mod expand;
mod filter;
mod instant;
mod order_by;
mod page;
mod property;
mod query;
mod search;
mod select;

pub use error::{ErrorCode, ODataError};
pub use expand::{EXPAND_COUNT_MAX, Expand};
pub(crate) use filter::is_guid;
pub use filter::{
    FILTER_BYTES_MAX, FILTER_NESTING_DEPTH_MAX, FILTER_STEP_COUNT_MAX, FILTER_TERM_COUNT_MAX, Filter,
    IN_ELEMENT_COUNT_MAX, LAMBDA_DEPTH_MAX,
};
pub use order_by::{ORDER_BY_KEY_COUNT_MAX, OrderBy};
pub use page::{
    Page, PageLimits, Related, SkipToken, matching, page, page_in_order, page_with, shape, shape_with, window,
};
pub use property::PATH_SEGMENT_COUNT_MAX;
pub use query::{OR_CLAUSE_COUNT_MAX, QUERY_BYTES_MAX, QUERY_PARAMETER_COUNT_MAX, QueryOptions};
pub use search::{SEARCH_CLAUSE_COUNT_MAX, SEARCH_NESTING_DEPTH_MAX, Search};
pub use select::{SELECT_PATH_COUNT_MAX, Select};
