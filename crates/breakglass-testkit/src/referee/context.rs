//! What is signed in to: applications, authentication contexts, user actions.

use breakglass_model::policy::{ConditionalAccessApplications, ConditionalAccessFilter};
use breakglass_model::well_known::MICROSOFT_SERVICES_TENANT;

use super::answer::Answer;
use super::identity::filtered;
use super::sign_in::{Context, SignIn};
use super::{Referee, RefereeSurface};

/// Keywords that stand for several applications. As input they are no application at all.
const GROUP_KEYWORDS: [&str; 2] = ["Office365", "MicrosoftAdminPortals"];

impl Referee<'_> {
    /// Whether the policy is about what is signed in to, and the reason to give when it is not.
    pub(super) fn context(
        &self,
        applications: Option<&ConditionalAccessApplications>,
        sign_in: &SignIn<'_>,
    ) -> (Answer, &'static str) {
        let Some(configured) = applications else { return (Answer::Yes, "application") };
        let has_filter = configured.application_filter.as_ref().is_some_and(ConditionalAccessFilter::is_configured);
        let targets_applications = !configured.include_applications.is_empty() || has_filter;
        let targets_actions = !configured.include_user_actions.is_empty();
        let targets_contexts = !configured.include_authentication_context_class_references.is_empty();
        if !(targets_applications || targets_actions || targets_contexts) {
            return (Answer::Yes, "application");
        }
        let Some(context) = &sign_in.context else { return (Answer::No, "application") };
        let reason = if targets_applications {
            "application"
        } else if targets_actions {
            "userActions"
        } else {
            "authenticationContext"
        };
        let has_action = |action: &str| {
            Answer::of(configured.include_user_actions.iter().any(|name| name.eq_ignore_ascii_case(action)))
        };
        let answer = match context {
            Context::Applications(apps) if targets_applications => {
                Answer::any(apps.iter().map(|app| self.application(configured, app)))
            }
            Context::Applications(_) => Answer::No,
            Context::ClassReference(wanted) => {
                let references = &configured.include_authentication_context_class_references;
                Answer::of(references.iter().any(|reference| reference == wanted))
            }
            Context::RegisterSecurityInformation => {
                let is_for_all = configured.include_applications.iter().any(|app| app == "All");
                Answer::of(is_for_all).max(has_action("urn:user:registersecurityinfo"))
            }
            Context::RegisterOrJoinDevices => has_action("urn:user:registerdevice"),
        };
        (answer, reason)
    }

    fn application(&self, configured: &ConditionalAccessApplications, app: &str) -> Answer {
        let listed = |list: &[String]| Answer::any(list.iter().map(|entry| self.is_application(entry, app)));
        filtered(
            listed(&configured.include_applications),
            listed(&configured.exclude_applications),
            configured.application_filter.as_ref(),
        )
    }

    /// Whether an entry of a policy's list covers an application of the request.
    fn is_application(&self, entry: &str, app: &str) -> Answer {
        let surface = self.surfaces.iter().find(|surface| surface.app_id == app);
        match entry {
            "All" => Answer::Yes,
            "None" => Answer::No,
            _ if GROUP_KEYWORDS.contains(&app) => Answer::No,
            "Office365" => self.is_in_keyword(app, surface.map(|surface| surface.office365)),
            "MicrosoftAdminPortals" => self.is_in_keyword(app, surface.map(|surface| surface.microsoft_admin_portals)),
            "AllAgentIdResources" => Answer::Unknown,
            id => Answer::of(id == app || surface.is_some_and(|surface| has_alias(surface, id))),
        }
    }

    /// The keyword table decides; outside it, another tenant's or one's own application is in no keyword.
    fn is_in_keyword(&self, app: &str, by_table: Option<bool>) -> Answer {
        if let Some(truth) = by_table {
            return Answer::of(truth);
        }
        let is_foreign = self.snapshot.service_principals.items().iter().any(|principal| {
            let owner = principal.app_owner_organization_id.value();
            principal.app_id.as_ref().is_some_and(|id| id.as_str() == app)
                && owner.is_some_and(|owner| owner != MICROSOFT_SERVICES_TENANT)
        });
        if is_foreign { Answer::No } else { Answer::Unknown }
    }
}

fn has_alias(surface: &RefereeSurface, id: &str) -> bool {
    surface.aliases.iter().any(|alias| alias == id)
}
