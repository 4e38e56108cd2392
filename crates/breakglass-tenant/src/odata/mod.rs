//! PLACEHOLDER until the real module is merged.
use crate::state::Object;
#[derive(Debug, thiserror::Error)]
#[error("bad")]
pub(crate) struct ODataError;
impl ODataError {
    pub(crate) fn code(&self) -> &'static str {
        "Request_BadRequest"
    }
}
pub(crate) struct PageLimits {
    pub(crate) count_default: usize,
    pub(crate) count_max: usize,
}
pub(crate) struct QueryOptions;
impl QueryOptions {
    pub(crate) fn parse(_: &str) -> Result<Self, ODataError> {
        Ok(Self)
    }
    pub(crate) fn selected(&self, o: &Object, _: &[&str]) -> Object {
        o.clone()
    }
}
pub(crate) struct Page {
    pub(crate) value: Vec<Object>,
    pub(crate) count: Option<usize>,
    pub(crate) next_query: Option<String>,
}
pub(crate) fn page(o: &[Object], _: &QueryOptions, l: &PageLimits) -> Result<Page, ODataError> {
    Ok(Page {
        value: o.iter().take(l.count_default.min(l.count_max)).cloned().collect(),
        count: None,
        next_query: None,
    })
}
