//! The identity of a sign-in against a policy: people, or workload identities.

use breakglass_model::policy::{
    ConditionalAccessClientApplications, ConditionalAccessFilter, ConditionalAccessPolicy, FilterMode,
    known_after_apply,
};
use breakglass_model::property::{self, Property};

use super::Referee;
use super::answer::Answer;
use super::sign_in::Identity;

/// Whether a plan does not say yet whom the policy includes; beside everybody it includes nobody more.
fn is_awaited(policy: &ConditionalAccessPolicy) -> bool {
    let everybody = policy.source.pointer("/conditions/users/includeUsers").and_then(serde_json::Value::as_array);
    let has_everybody = everybody.is_some_and(|users| users.iter().any(|user| user == "All"));
    known_after_apply(&policy.source).any(|path| match path {
        "conditions" => true,
        "conditions.users" | "conditions.clientApplications" => !has_everybody,
        path => {
            let is_of_whom = ["conditions.users.include", "conditions.clientApplications."];
            let is_excluded = path.starts_with("conditions.clientApplications.exclude");
            !has_everybody && !is_excluded && is_of_whom.iter().any(|start| path.starts_with(start))
        }
    })
}

impl Referee<'_> {
    /// Whether the policy is about whoever signs in, and the reason to give when it is not.
    pub(super) fn identity(&self, policy: &ConditionalAccessPolicy, identity: &Identity<'_>) -> (Answer, &'static str) {
        let conditions = &policy.conditions;
        let clients = conditions.client_applications.as_ref().filter(|clients| says_something(clients));
        let written = policy.source.get("conditions");
        let users = written.and_then(|written| written.get("users"));
        let has = |name: &str| users.and_then(|users| users.get(name));
        let lists = ["includeUsers", "includeGroups", "includeRoles"];
        let has_somebody = lists.iter().chain(["includeGuestsOrExternalUsers"].iter()).any(|name| match has(name) {
            None | Some(serde_json::Value::Null) => false,
            Some(serde_json::Value::Array(list)) => !list.is_empty(),
            Some(guests) => !breakglass_model::property::is_vacant(guests),
        });
        let is_said = match users {
            None => false,
            Some(users) => !users.is_object() || has_somebody || lists.iter().all(|name| has(name).is_some()),
        };
        if (!is_said || is_awaited(policy)) && clients.is_none() {
            // The export or the plan does not say whom the policy includes; whom it excludes, it may.
            let excluded = match (identity, &conditions.users) {
                (Identity::Person(person), Some(users)) => self.excluded(users, person),
                _ => Answer::No,
            };
            return match Answer::Unknown.without(excluded) {
                Answer::No => (Answer::No, "users"),
                _ => (Answer::Unknown, "notEnoughInformation"),
            };
        }
        if conditions.users.is_none() && clients.is_none() {
            return (Answer::No, "emptyPolicy");
        }
        match identity {
            Identity::Person(person) => {
                (conditions.users.as_ref().map_or(Answer::No, |users| self.users(users, person)), "users")
            }
            Identity::ServicePrincipal(id) => {
                (clients.map_or(Answer::No, |clients| self.service_principals(clients, id)), "workloadIdentities")
            }
        }
    }

    fn service_principals(&self, clients: &ConditionalAccessClientApplications, id: &str) -> Answer {
        let listed = |list: &[String]| {
            Answer::any(list.iter().map(|entry| match entry.as_str() {
                "ServicePrincipalsInMyTenant" => self.is_own_application(id),
                entry => Answer::of(entry == id),
            }))
        };
        // Whether a service principal is an agent, nothing says.
        let agents = |list: &[String]| if list.is_empty() { Answer::No } else { Answer::Unknown };
        let included =
            listed(&clients.include_service_principals).max(agents(&clients.include_agent_id_service_principals));
        let excluded =
            listed(&clients.exclude_service_principals).max(agents(&clients.exclude_agent_id_service_principals));
        filtered(included, excluded, clients.service_principal_filter.as_ref())
    }

    /// Whether it is an application of this tenant: owned by it, and no managed identity.
    fn is_own_application(&self, id: &str) -> Answer {
        let list = self.snapshot.service_principals.items();
        let Some(principal) = list.iter().find(|principal| principal.id.as_str() == id) else {
            return Answer::Unknown;
        };
        let is_application = match &principal.service_principal_type {
            Property::Absent => Answer::Unknown,
            Property::Null => Answer::Yes,
            Property::Value(kind) => Answer::of(kind != "ManagedIdentity"),
        };
        let is_own = match (&principal.app_owner_organization_id, &self.snapshot.tenant_id) {
            (Property::Null, _) => Answer::No,
            (Property::Absent, _) | (Property::Value(_), None) => Answer::Unknown,
            (Property::Value(owner), Some(tenant)) => Answer::of(owner == tenant.as_str()),
        };
        is_application.and(is_own)
    }
}

/// Included and not excluded, where a filter over custom security attributes adds to either. Which objects it
/// takes cannot be told, so it is unknown unless the ids already say no.
pub(super) fn filtered(included: Answer, excluded: Answer, filter: Option<&ConditionalAccessFilter>) -> Answer {
    let by_id = included.without(excluded);
    let Some(filter) = filter.filter(|filter| filter.is_configured()) else { return by_id };
    let is_excluding = filter.mode == Some(FilterMode::Exclude);
    if excluded == Answer::Yes || (is_excluding && included == Answer::No) {
        return Answer::No;
    }
    Answer::Unknown
}

/// Exporters write the whole object with empty lists where there is none.
fn says_something(clients: &ConditionalAccessClientApplications) -> bool {
    !clients.include_service_principals.is_empty()
        || !clients.exclude_service_principals.is_empty()
        || !clients.include_agent_id_service_principals.is_empty()
        || !clients.exclude_agent_id_service_principals.is_empty()
        || clients.service_principal_filter.as_ref().is_some_and(ConditionalAccessFilter::is_configured)
        || clients.rest.iter().any(|(name, value)| property::says_something(name, value))
}
