//! Policies as they would be with something changed, read anew from their JSON.

use serde_json::Value;

use super::{ConditionalAccessPolicy, ConditionalAccessPolicyState};

impl ConditionalAccessPolicy {
    /// The same policy with its JSON changed; `None` where it is no policy any more.
    #[must_use]
    pub fn changed(&self, change: impl FnOnce(&mut Value)) -> Option<Self> {
        let mut source = self.source.clone();
        change(&mut source);
        Self::from_value(source, self.id.as_str()).ok()
    }

    /// The same policy in another state.
    #[must_use]
    pub fn in_state(&self, state: &ConditionalAccessPolicyState) -> Option<Self> {
        self.changed(|source| {
            if let Some(object) = source.as_object_mut() {
                object.insert("state".to_owned(), state.as_str().into());
            }
        })
    }
}
