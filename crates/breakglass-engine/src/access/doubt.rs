//! Doubts: why it cannot be told whether a condition of a policy holds for a sign-in.
//!
//! **Invariant:** every condition that is unknown has at least one doubt, and a doubt names what is not known, never
//! what would follow from it.

use breakglass_model::policy::{
    ConditionalAccessClientApp as Client, ConditionalAccessDevicePlatform as Platform, ConditionalAccessFilter,
    ConditionalAccessPolicy, InsiderRiskLevel, RiskLevel, TransferMethod, UnknownKind,
};

use super::analyse::{NOT_TOLD, Reason};
use super::situation::Situation;
use super::surfaces::SURFACES;
use super::targets::KEYWORDS;
use super::{Access, Trit};

impl Access<'_> {
    /// Why a condition of a policy, or its state ([`Reason::PolicyNotEnabled`]), cannot be told.
    pub(super) fn doubts(&self, policy: usize, situation: &Situation, reason: Reason) -> Vec<String> {
        let Some(configured) = self.policies().get(policy) else { return vec![NOT_TOLD.to_owned()] };
        let conditions = &configured.conditions;
        let mut doubts = match reason {
            Reason::WorkloadIdentities if is_scope_unsaid(configured) => vec![self.standing_words(policy, situation)],
            Reason::WorkloadIdentities => workload_identity(configured),
            Reason::Application | Reason::UserActions | Reason::AuthenticationContext => {
                self.application_doubts(configured, situation)
            }
            Reason::DevicePlatform => {
                let platforms = conditions.platforms.iter();
                let named = platforms.flat_map(|part| part.include_platforms.iter().chain(&part.exclude_platforms));
                strange(
                    "platform",
                    named.filter_map(|item| match item {
                        Platform::Unknown(text) => Some(&**text),
                        _ => None,
                    }),
                )
            }
            Reason::Devices => self.device_doubts(policy),
            Reason::ClientApps => client_application(&conditions.client_app_types),
            Reason::SignInRisk => {
                let levels = conditions.sign_in_risk_levels.iter().chain(&conditions.service_principal_risk_levels);
                risk("sign-in risk level", levels)
            }
            Reason::UserRisk => risk("user risk level", conditions.user_risk_levels.iter()),
            Reason::InsiderRisk => {
                let levels = conditions.insider_risk_levels.iter();
                strange(
                    "insider risk level",
                    levels.filter_map(|item| match item {
                        InsiderRiskLevel::Unknown(text) => Some(&**text),
                        _ => None,
                    }),
                )
            }
            Reason::AuthenticationFlow => {
                let methods = conditions.authentication_flows.iter().flat_map(|flows| &flows.transfer_methods);
                strange(
                    "transfer method",
                    methods.filter_map(|item| match item {
                        TransferMethod::Unknown(text) => Some(&**text),
                        _ => None,
                    }),
                )
            }
            Reason::Location => self.location_doubts(policy, configured),
            Reason::NotEnoughInformation => self.strange_part(policy, configured, UnknownKind::Condition),
            Reason::PolicyNotEnabled => self.strange_part(policy, configured, UnknownKind::State),
            Reason::NotSet | Reason::Users | Reason::EmptyPolicy => Vec::new(),
        };
        if doubts.is_empty() {
            doubts.push(match reason {
                Reason::NotSet | Reason::Users | Reason::EmptyPolicy => self.standing_words(policy, situation),
                Reason::PolicyNotEnabled => "its state is not known to this version".to_owned(),
                _ => NOT_TOLD.to_owned(),
            });
        }
        doubts
    }

    /// An application that the table of surfaces does not have, or a condition on what applications are.
    fn application_doubts(&self, policy: &ConditionalAccessPolicy, situation: &Situation) -> Vec<String> {
        let Some(applications) = &policy.conditions.applications else { return Vec::new() };
        let mut doubts = Vec::new();
        let has_several = situation.special.as_deref().is_some_and(|special| special.target.is_some());
        let is_row = |app_id: &str| self.targets.application(app_id) == situation.target;
        let is_in_table = !has_several && SURFACES.iter().any(|surface| is_row(surface.app_id));
        let names = || applications.include_applications.iter().chain(&applications.exclude_applications);
        for keyword in KEYWORDS {
            if !is_in_table && names().any(|name| name == keyword) {
                doubts.push(format!(
                    "whether the application belongs to `{keyword}` is not known: it is not in this version's table"
                ));
            }
        }
        if names().any(|name| name == "AllAgentIdResources") {
            doubts.push("which resources `AllAgentIdResources` has is not known".to_owned());
        }
        if applications.application_filter.as_ref().is_some_and(ConditionalAccessFilter::is_configured) {
            doubts.push("its application filter asks custom security attributes, which no snapshot has".to_owned());
        }
        doubts
    }

    fn device_doubts(&self, policy: usize) -> Vec<String> {
        let filters = self.compiled.device_filters.iter().filter(|filter| filter.policy == policy);
        filters.filter_map(|filter| filter.filter.as_ref().err().cloned()).collect()
    }

    /// What is known of a policy's doubts apart from its device filter and from what has no name here.
    fn location_doubts(&self, policy: usize, configured: &ConditionalAccessPolicy) -> Vec<String> {
        let device = self.device_doubts(policy);
        let is_strange = |why: &String| configured.unknowns.iter().any(|part| mentions(why, &part.path));
        let whys = self.compiled.whys(policy).iter();
        whys.filter(|why| !device.contains(why) && !is_strange(why)).cloned().collect()
    }

    fn strange_part(&self, policy: usize, configured: &ConditionalAccessPolicy, kind: UnknownKind) -> Vec<String> {
        let parts = || configured.unknowns.iter().filter(|part| part.kind == kind);
        let whys = self.compiled.whys(policy).iter();
        whys.filter(|why| parts().any(|part| mentions(why, &part.path))).cloned().collect()
    }

    /// Why the outcome of a decision is not known, apart from the policies that may apply: policies that the snapshot
    /// does not have, and controls that nobody here knows of policies that do apply.
    #[must_use]
    pub fn outcome_doubts(&self, situation: &Situation) -> Vec<String> {
        let mut doubts: Vec<String> = self.policy_doubt().into_iter().collect();
        let grants = &self.compiled.grants;
        if grants.best == grants.worst {
            return doubts;
        }
        for (index, policy) in self.policies().iter().enumerate() {
            let range = self.compiled.demands.get(index).map(|demand| situation.grant.demand(demand, &[]));
            let is_in_force = self.compiled.enabled.truth((0, self.compiled.words), index) != Trit::No;
            if is_in_force
                && range.is_some_and(|range| range.known().is_none())
                && self.conditions_hold(index, situation) == Trit::Yes
            {
                doubts.push(format!("what policy `{}` demands is not known to this version", policy.name()));
            }
        }
        doubts
    }

    /// Why there may be policies that the snapshot does not have, if there may.
    #[must_use]
    pub fn policy_doubt(&self) -> Option<String> {
        let list = &self.snapshot.conditional_access_policies;
        let what = if list.is_partial() {
            "only some of the Conditional Access policies are known"
        } else {
            "the Conditional Access policies are not known"
        };
        list.why().map(|why| format!("{what}: {why}"))
    }
}

fn mentions(why: &str, path: &str) -> bool {
    why.contains(&format!("`{path}`"))
}

/// Values of a condition that this version does not know.
fn strange<'t>(what: &str, values: impl Iterator<Item = &'t str>) -> Vec<String> {
    values.map(|value| format!("it names the {what} `{value}`, which is not known to this version")).collect()
}

fn risk<'l>(what: &str, levels: impl Iterator<Item = &'l RiskLevel>) -> Vec<String> {
    strange(
        what,
        levels.filter_map(|item| match item {
            RiskLevel::Unknown(text) => Some(&**text),
            _ => None,
        }),
    )
}

fn client_application(configured: &[Client]) -> Vec<String> {
    let mut doubts = strange(
        "client application type",
        configured.iter().filter_map(|item| match item {
            Client::Unknown(text) => Some(&**text),
            _ => None,
        }),
    );
    if doubts.is_empty() && configured.contains(&Client::EasSupported) {
        doubts.push("whether this Exchange ActiveSync client is one that supports policies is not known".to_owned());
    }
    doubts
}

/// Whether the export does not say whom a policy is about.
fn is_scope_unsaid(policy: &ConditionalAccessPolicy) -> bool {
    policy.conditions.users.as_ref().is_some_and(|users| users.not_exported.is_some())
}

fn workload_identity(policy: &ConditionalAccessPolicy) -> Vec<String> {
    let Some(clients) = &policy.conditions.client_applications else { return Vec::new() };
    let mut doubts = Vec::new();
    if clients.service_principal_filter.as_ref().is_some_and(ConditionalAccessFilter::is_configured) {
        doubts
            .push("its filter asks custom security attributes of service principals, which no snapshot has".to_owned());
    }
    if !clients.include_agent_id_service_principals.is_empty()
        || !clients.exclude_agent_id_service_principals.is_empty()
    {
        doubts.push("whether the service principal is an agent is not known".to_owned());
    }
    let lists = || clients.include_service_principals.iter().chain(&clients.exclude_service_principals);
    if doubts.is_empty() && lists().any(|name| name == "ServicePrincipalsInMyTenant") {
        doubts.push("whether the service principal belongs to this tenant is not in the snapshot".to_owned());
    }
    doubts
}
