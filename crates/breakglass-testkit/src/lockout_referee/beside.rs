//! The tools, and what is demanded at them beside the policies.

#![expect(
    clippy::indexing_slicing,
    reason = "people, tools, devices, points and facts are numbered by the tables they lie in"
)]

use breakglass_model::well_known::ADMINISTRATOR_ROLES;
use jiff::Timestamp;

use super::{Custody, Goal, LockoutReferee, Surface};
use crate::referee::Answer;

/// Something to sign in to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tool {
    pub(super) application: String,
    /// As Graph spells it.
    pub(super) client: &'static str,
}

/// Indices of the tools that the page names, into [`tools`].
pub(super) const ENTRA_PORTAL: usize = 0;
pub(super) const GRAPH_POWERSHELL: usize = 1;
pub(super) const GRAPH_EXPLORER: usize = 2;
pub(super) const M365_ADMIN_CENTER: usize = 3;
pub(super) const AZURE_CLI: usize = 4;
pub(super) const AZURE_POWERSHELL: usize = 5;

const BROWSER: &str = "browser";
const NATIVE: &str = "mobileAppsAndDesktopClients";

/// Applications and client app types, in the order of the indices above.
const TOOLS: [(&str, &str); 6] = [
    ("c44b4083-3bb0-49c1-b47d-974e53cbdf3c", BROWSER),
    ("14d82eec-204b-4c2f-b7e8-296a70dab67e", NATIVE),
    ("de8bc8b5-d9f9-48b1-a8ad-b748da725064", BROWSER),
    ("00000006-0000-0ff1-ce00-000000000000", BROWSER),
    ("04b07795-8ddb-461a-bbee-02f9e1bf7b46", NATIVE),
    ("1950a258-227b-4e31-a9cf-717495945fc2", NATIVE),
];
const AZURE_MOBILE_APP: &str = "0c1307d4-29d6-4389-a11c-5cbe7f65d7fa";
const AZURE_RESOURCE_MANAGER: &str = "797f4846-ba00-4fd7-ba43-dac1f8f63013";

/// The portals: 15 October 2024.
const SIGN_IN_FROM: Timestamp = Timestamp::constant(1_728_950_400, 0);
/// Writes on Azure Resource Manager: 1 October 2025.
const WRITES_FROM: Timestamp = Timestamp::constant(1_759_276_800, 0);
/// No postponement lasts beyond 1 July 2026.
const POSTPONED_UNTIL_MAX: Timestamp = Timestamp::constant(1_782_864_000, 0);

/// The six tools, and the applications of the depositories after them.
pub(super) fn tools(custody: &Custody) -> Vec<Tool> {
    let mut tools: Vec<Tool> =
        TOOLS.iter().map(|(application, client)| Tool { application: (*application).to_owned(), client }).collect();
    for application in custody.depositories.values().filter_map(|depository| depository.application.as_ref()) {
        if !tools.iter().any(|tool| tool.application == *application) {
            tools.push(Tool { application: application.clone(), client: BROWSER });
        }
    }
    tools
}

/// The tools of the last step.
pub(super) fn last_tools(goal: Goal, surface: Option<Surface>) -> Vec<usize> {
    let tools = match (goal, surface) {
        (_, Some(Surface::Azure)) => return vec![AZURE_CLI, AZURE_POWERSHELL],
        (Goal::EditCa, _) => vec![ENTRA_PORTAL, GRAPH_POWERSHELL, GRAPH_EXPLORER],
        _ => vec![ENTRA_PORTAL, GRAPH_POWERSHELL, GRAPH_EXPLORER, M365_ADMIN_CENTER],
    };
    let is_there = |tool: &usize| match surface {
        None => true,
        Some(Surface::Portal) => *tool == ENTRA_PORTAL,
        Some(Surface::Graph) => *tool == GRAPH_POWERSHELL || *tool == GRAPH_EXPLORER,
        Some(Surface::M365) => *tool == M365_ADMIN_CENTER,
        Some(Surface::Azure) => false,
    };
    tools.into_iter().filter(is_there).collect()
}

impl LockoutReferee<'_> {
    /// Whether a multifactor combination is wanted of somebody at a tool, whatever the policies say.
    pub(super) fn wants_multifactor(&self, person: usize, activated: Option<&str>, tool: &Tool) -> Answer {
        let security_defaults = match self.snapshot.identity_security_defaults_enforcement_policy.as_present() {
            None => Answer::Unknown,
            Some(policy) => policy.flag("isEnabled").map_or(Answer::Unknown, Answer::of),
        };
        let application = tool.application.as_str();
        let is_azure = [TOOLS[ENTRA_PORTAL].0, TOOLS[AZURE_CLI].0, TOOLS[AZURE_POWERSHELL].0]
            .into_iter()
            .chain([AZURE_MOBILE_APP, AZURE_RESOURCE_MANAGER])
            .any(|one| one == application);
        let is_administrator = Answer::any(
            ADMINISTRATOR_ROLES
                .iter()
                .map(|role| if activated == Some(*role) { Answer::Yes } else { self.holds(person, role) }),
        );
        let by_defaults = security_defaults.and(Answer::of(is_azure).max(is_administrator));
        let mandatory = Answer::of(self.is_mandatory(application));
        Answer::any([by_defaults, mandatory, self.per_user_multifactor(person)])
    }

    fn is_mandatory(&self, application: &str) -> bool {
        let now = self.settings.now;
        if [TOOLS[ENTRA_PORTAL].0, TOOLS[M365_ADMIN_CENTER].0].contains(&application) {
            return now >= SIGN_IN_FROM;
        }
        let azure = [TOOLS[AZURE_CLI].0, TOOLS[AZURE_POWERSHELL].0, AZURE_MOBILE_APP, AZURE_RESOURCE_MANAGER];
        if azure.contains(&application) {
            let postponed = self.settings.mandatory_mfa_postponed_until.unwrap_or(WRITES_FROM);
            return now >= postponed.min(POSTPONED_UNTIL_MAX).max(WRITES_FROM);
        }
        false
    }

    fn per_user_multifactor(&self, person: usize) -> Answer {
        let person = &self.people[person];
        let states = self.snapshot.per_user_mfa_states.items().iter();
        let mut about = states.filter(|state| {
            let has_id = [state.text("userId"), state.text("id")].contains(&Some(person.id));
            let name = state.text("userPrincipalName").zip(person.user.user_principal_name.as_deref());
            has_id || name.is_some_and(|(one, own)| one.eq_ignore_ascii_case(own))
        });
        match about.next().map(|state| state.text("perUserMfaState")) {
            None | Some(None | Some("disabled")) => Answer::No,
            Some(Some("enabled" | "enforced")) => Answer::Yes,
            Some(Some(_)) => Answer::Unknown,
        }
    }
}
