//! Ids that Entra gives its own applications and resources.

use breakglass_engine::access::surfaces::{AZURE_PORTAL, AZURE_RESOURCE_MANAGER, MICROSOFT_GRAPH};

/// The Azure CLI.
pub(crate) const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

/// Clients of Microsoft's own that every tenant knows, as [`IN_BROWSER`] or on a device: id, name.
pub(crate) const FIRST_PARTY: &[(&str, &str)] = &[
    (AZURE_CLI, "Microsoft Azure CLI"),
    (AZURE_PORTAL, "Azure Portal"),
    ("1950a258-227b-4e31-a9cf-717495945fc2", "Microsoft Azure PowerShell"),
    (GRAPH_COMMAND_LINE_TOOLS, "Microsoft Graph Command Line Tools"),
    (GRAPH_EXPLORER, "Graph Explorer"),
    (MICROSOFT_365_PORTAL, "Microsoft Office 365 Portal"),
    (PNP_MANAGEMENT_SHELL, "PnP Management Shell"),
];

/// Those of them that have only what was consented to, as anybody's application.
///
/// **Source:** "Microsoft Graph PowerShell: Connect-MgGraph" and "Graph Explorer: consent to permissions".
pub(crate) const WITH_CONSENT: [&str; 3] = [GRAPH_COMMAND_LINE_TOOLS, GRAPH_EXPLORER, PNP_MANAGEMENT_SHELL];

const GRAPH_COMMAND_LINE_TOOLS: &str = "14d82eec-204b-4c2f-b7e8-296a70dab67e";
const PNP_MANAGEMENT_SHELL: &str = "31359c7f-bd7e-475c-86db-fdb8c937548e";
const GRAPH_EXPLORER: &str = "de8bc8b5-d9f9-48b1-a8ad-b748da725064";
/// The Microsoft 365 admin center signs in with it.
const MICROSOFT_365_PORTAL: &str = "00000006-0000-0ff1-ce00-000000000000";

/// Those of them that run in a browser, wherever they are answered.
pub(crate) const IN_BROWSER: [&str; 3] = [AZURE_PORTAL, GRAPH_EXPLORER, MICROSOFT_365_PORTAL];

/// Template ids of built-in roles that requests need, beside those of [`breakglass_model::well_known`].
pub(crate) mod roles {
    pub(crate) const APPLICATION_ADMINISTRATOR: &str = "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3";
    pub(crate) const AUTHENTICATION_ADMINISTRATOR: &str = "c4e39bd9-1100-46d3-8c65-fb160da0071f";
    pub(crate) const CLOUD_APPLICATION_ADMINISTRATOR: &str = "158c047a-c907-4556-b7ef-446551a6b5f7";
    pub(crate) const GLOBAL_READER: &str = "f2ef992c-3afb-46b9-b7cf-a126ee74c451";
    pub(crate) const GROUPS_ADMINISTRATOR: &str = "fdd7a751-b60b-444a-984c-02652fe8fa1c";
    pub(crate) const HELPDESK_ADMINISTRATOR: &str = "729827e3-9c14-49f7-bb1b-9608f156bbb8";
    pub(crate) const PASSWORD_ADMINISTRATOR: &str = "966707d0-3269-4727-9be2-8c3a10f19b9d";
    pub(crate) const REPORTS_READER: &str = "4a5d8f65-41da-4de4-8968-e035b65339cf";
    pub(crate) const SECURITY_OPERATOR: &str = "5f2222b1-57c3-48ba-8ad5-d4759f1fde6f";
    pub(crate) const SECURITY_READER: &str = "5d6b6bb7-de71-4623-b4af-96380a352509";
    pub(crate) const USER_ADMINISTRATOR: &str = "fe930be7-5e62-47db-91af-98c3a49a38b1";
}

/// The address of Microsoft Graph in a scope.
pub(crate) const GRAPH_RESOURCE: &str = "https://graph.microsoft.com";
/// Addresses of Azure Resource Manager in a scope.
const MANAGER_RESOURCES: [&str; 2] = ["https://management.core.windows.net", "https://management.azure.com"];

/// Resources of Microsoft's own that every tenant knows, beside those that the tenant itself serves: address, id, name.
pub(crate) const RESOURCES: &[(&str, &str, &str)] = &[
    ("https://graph.windows.net", "00000002-0000-0000-c000-000000000000", "Windows Azure Active Directory"),
    ("https://outlook.office365.com", "00000002-0000-0ff1-ce00-000000000000", "Office 365 Exchange Online"),
    ("https://outlook.office.com", "00000002-0000-0ff1-ce00-000000000000", "Office 365 Exchange Online"),
    ("https://manage.office.com", "c5393580-f805-4401-95e8-94b7a6ef2fc2", "Office 365 Management APIs"),
    ("https://vault.azure.net", "cfa8b339-82a2-471a-a3c9-0fc0be7a4093", "Azure Key Vault"),
    ("https://storage.azure.com", "e406a681-f3d4-42a8-90b6-c2b029497af1", "Azure Storage"),
    ("https://api.loganalytics.io", "ca7f3f0b-7d91-482c-8e09-c5d840d0eac5", "Log Analytics API"),
    ("https://database.windows.net", "022907d3-0f1b-48f7-badc-1ba6abab6d66", "Azure SQL Database"),
];

/// The authentication context by which Azure Resource Manager demands multifactor authentication.
pub(crate) const MANDATORY_MFA_CONTEXT: &str = "p1";

/// Whose token is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Microsoft Graph.
    Graph,
    /// Azure Resource Manager.
    ResourceManager,
    /// Something else.
    Other,
}

impl Audience {
    /// Of the address of a resource; this tenant's own addresses stand for Microsoft's.
    pub(crate) fn of(resource: &str, (base, manager): (&str, &str)) -> Self {
        let resource = resource.trim_end_matches('/');
        let is = |known: &str| resource.eq_ignore_ascii_case(known.trim_end_matches('/'));
        if is(GRAPH_RESOURCE) || is(MICROSOFT_GRAPH) || is(base) {
            Self::Graph
        } else if MANAGER_RESOURCES.iter().any(|known| is(known)) || is(AZURE_RESOURCE_MANAGER) || is(manager) {
            Self::ResourceManager
        } else {
            Self::Other
        }
    }

    /// The application that Conditional Access looks at.
    pub(crate) fn app_id(self, resource: &str) -> &str {
        match self {
            Self::Graph => MICROSOFT_GRAPH,
            Self::ResourceManager => AZURE_RESOURCE_MANAGER,
            Self::Other => resource,
        }
    }

    /// Its display name in logs.
    pub(crate) fn name(self, resource: &str) -> &str {
        match self {
            Self::Graph => "Microsoft Graph",
            Self::ResourceManager => "Windows Azure Service Management API",
            Self::Other => resource,
        }
    }
}

/// Whether a text is the id of an authentication context: `c1` to `c99`.
///
/// **Source:** "authenticationContextClassReference resource type".
pub(crate) fn is_authentication_context(text: &str) -> bool {
    let digits = text.strip_prefix('c').filter(|digits| !digits.starts_with('0') && digits.len() <= 2);
    digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn contexts_are_c1_to_c99() {
        for (text, expected) in [
            ("c1", true),
            ("c99", true),
            ("c0", false),
            ("c01", false),
            ("c100", false),
            ("c", false),
            ("d1", false),
            ("", false),
        ] {
            assert_eq!(super::is_authentication_context(text), expected, "{text}");
        }
    }
}
