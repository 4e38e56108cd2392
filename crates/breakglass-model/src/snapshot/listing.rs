//! A list of the tenant: complete, partial with a reason, or missing with a reason.
//!
//! **Invariant:** [`Listing::get`] gives complete lists only, so that a question asked through it cannot round
//! "not exported" to "does not exist".

use crate::tenant::{AuthenticationMethodsPolicy, GraphObject, Organization};

/// The reason that says nothing more than that a list is missing.
pub const NOT_IN_SNAPSHOT: &str = "not in the snapshot";

/// The reason why a list is not there, in parentheses behind a space; nothing where the export does not say.
#[must_use]
pub fn because(why: &str) -> String {
    if why.is_empty() || why == NOT_IN_SNAPSHOT { String::new() } else { format!(" ({why})") }
}

/// A list of the tenant, or why it is not there, or why it is not all there.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing<T> {
    list: Option<T>,
    why: Option<Box<str>>,
}

impl<T> Default for Listing<T> {
    fn default() -> Self {
        Self { list: None, why: None }
    }
}

impl<T> Listing<T> {
    /// A complete list.
    pub const fn present(list: T) -> Self {
        Self { list: Some(list), why: None }
    }

    /// A list that could not be read, with the reason.
    pub fn missing(why: &str) -> Self {
        Self { list: None, why: Some(why.into()) }
    }

    /// A list that holds some of the objects, with the reason why not all: what is in it is so, what is not in
    /// it may exist all the same.
    pub fn partial(list: T, why: &str) -> Self {
        Self { list: Some(list), why: Some(why.into()) }
    }

    /// The complete list, or the reason why there is none: it is missing, or only a part of it is there.
    ///
    /// Whoever can do with a part asks [`Listing::as_present`] or [`Listing::items`], and then
    /// [`Listing::is_complete`] before concluding anything from what is not in it.
    ///
    /// # Errors
    /// The reason.
    pub fn get(&self) -> Result<&T, &str> {
        match (&self.list, &self.why) {
            (Some(list), None) => Ok(list),
            (_, why) => Err(why.as_deref().unwrap_or(NOT_IN_SNAPSHOT)),
        }
    }

    /// What there is of the list, all or a part.
    pub const fn as_present(&self) -> Option<&T> {
        self.list.as_ref()
    }

    /// Whether what is not in the list does not exist.
    pub const fn is_complete(&self) -> bool {
        self.list.is_some() && self.why.is_none()
    }

    /// Whether only a part of the list is there.
    pub const fn is_partial(&self) -> bool {
        self.list.is_some() && self.why.is_some()
    }

    /// Why the list is missing or partial; `None` for a complete one.
    pub fn why(&self) -> Option<&str> {
        self.get().err()
    }

    /// The list, made empty first if it is not there.
    pub(super) fn begin(&mut self) -> &mut T
    where
        T: Default,
    {
        self.list.get_or_insert_default()
    }

    /// The list, to add to. One that is not there becomes a partial one: what it lacked it lacks still.
    pub(super) fn grow(&mut self) -> &mut T
    where
        T: Default,
    {
        if self.list.is_none() && self.why.is_none() {
            self.why = Some(NOT_IN_SNAPSHOT.into());
        }
        self.list.get_or_insert_default()
    }

    /// Notes why the list cannot be complete; an empty list then says nothing and counts as missing.
    pub(super) fn doubt(&mut self, why: &str)
    where
        T: Countable,
    {
        if self.count() == 0 {
            self.list = None;
        }
        self.why = Some(why.into());
    }

    /// How many objects there are.
    pub(super) fn count(&self) -> usize
    where
        T: Countable,
    {
        self.list.as_ref().map_or(0, Countable::count)
    }

    /// Makes a list present and empty if nothing is known of it; a single object cannot be empty.
    pub(super) fn begin_empty(&mut self)
    where
        T: Countable,
    {
        if self.list.is_none() {
            self.list = T::empty();
        }
    }
}

impl<T> Listing<Vec<T>> {
    /// The items; none where the list is missing, some where it is partial. For questions to which that is no
    /// answer, ask [`Listing::get`].
    pub fn items(&self) -> &[T] {
        self.as_present().map_or(&[], Vec::as_slice)
    }

    /// The items, to change.
    pub(super) fn items_mut(&mut self) -> &mut [T] {
        self.list.as_mut().map_or(&mut [], Vec::as_mut_slice)
    }
}

/// What a listing can hold: many objects or a single one.
pub(super) trait Countable: Sized {
    /// How many objects there are.
    fn count(&self) -> usize;

    /// The list of none, where there can be one.
    fn empty() -> Option<Self> {
        None
    }
}

impl<T> Countable for Vec<T> {
    fn count(&self) -> usize {
        self.len()
    }

    fn empty() -> Option<Self> {
        Some(Self::new())
    }
}

impl Countable for Organization {
    fn count(&self) -> usize {
        1
    }
}

impl Countable for AuthenticationMethodsPolicy {
    fn count(&self) -> usize {
        1
    }
}

impl Countable for GraphObject {
    fn count(&self) -> usize {
        1
    }
}

/// Evaluates an expression with the listing of a resource: `with_listing!(&mut snapshot, resource, |listing| …)`.
macro_rules! with_listing {
    (&mut $snapshot:expr, $resource:expr, |$listing:ident| $body:expr) => {
        $crate::snapshot::listing::with_listing!(@all mut $snapshot, $resource, $listing, $body)
    };
    (&$snapshot:expr, $resource:expr, |$listing:ident| $body:expr) => {
        $crate::snapshot::listing::with_listing!(@all ref $snapshot, $resource, $listing, $body)
    };
    (@borrow mut $snapshot:expr, $field:ident) => { &mut $snapshot.$field };
    (@borrow ref $snapshot:expr, $field:ident) => { &$snapshot.$field };
    (@all $kind:tt $snapshot:expr, $resource:expr, $listing:ident, $body:expr) => {
        $crate::snapshot::listing::with_listing!(@each $kind $snapshot, $resource, $listing, $body,
            Organization organization,
            Domains domains,
            Users users,
            Groups groups,
            Devices devices,
            ServicePrincipals service_principals,
            AdministrativeUnits administrative_units,
            RoleDefinitions role_definitions,
            RoleAssignments role_assignments,
            RoleAssignmentScheduleInstances role_assignment_schedule_instances,
            RoleEligibilityScheduleInstances role_eligibility_schedule_instances,
            RoleManagementPolicies role_management_policies,
            ConditionalAccessPolicies conditional_access_policies,
            NamedLocations named_locations,
            AuthenticationStrengthPolicies authentication_strength_policies,
            AuthenticationMethodsPolicy authentication_methods_policy,
            IdentitySecurityDefaultsEnforcementPolicy identity_security_defaults_enforcement_policy,
            Applications applications,
            AppRoleAssignments app_role_assignments,
            Oauth2PermissionGrants oauth2_permission_grants,
            SubscribedSkus subscribed_skus,
            FederationConfigurations federation_configurations,
            TermsOfUseAgreements terms_of_use_agreements,
            PerUserMfaStates per_user_mfa_states,
            AccessReviews access_reviews,
            LifecycleWorkflows lifecycle_workflows,
            IdentityProtectionPolicies identity_protection_policies,
            DeletedUsers deleted_users,
        )
    };
    (@each $kind:tt $snapshot:expr, $resource:expr, $listing:ident, $body:expr, $($variant:ident $field:ident,)+) => {
        match $resource {
            $($crate::snapshot::Resource::$variant => {
                let $listing = $crate::snapshot::listing::with_listing!(@borrow $kind $snapshot, $field);
                $body
            })+
        }
    };
}

pub(crate) use with_listing;

#[cfg(test)]
mod tests {
    use super::{Listing, NOT_IN_SNAPSHOT};

    #[test]
    fn only_a_complete_list_is_given_for_questions_of_absence() {
        let complete = Listing::present(vec![1]);
        assert_eq!((complete.get(), complete.is_complete(), complete.why()), (Ok(&vec![1]), true, None));
        let partial = Listing::partial(vec![1], "privileged users only");
        assert_eq!((partial.get(), partial.is_complete()), (Err("privileged users only"), false));
        assert_eq!((partial.items(), partial.is_partial()), ([1].as_slice(), true));
        let missing = Listing::<Vec<i32>>::missing("403 Forbidden");
        assert_eq!((missing.get(), missing.is_partial(), missing.items().len()), (Err("403 Forbidden"), false, 0));
        assert_eq!(Listing::<Vec<i32>>::default().get(), Err(NOT_IN_SNAPSHOT));
    }

    #[test]
    fn a_doubted_list_is_partial_and_a_doubted_empty_one_is_missing() {
        let mut some = Listing::present(vec![1]);
        some.doubt("one page of many");
        assert!(some.is_partial());
        let mut none = Listing::present(Vec::<i32>::new());
        none.doubt("403 Forbidden");
        assert_eq!(none, Listing::missing("403 Forbidden"));
    }
}
