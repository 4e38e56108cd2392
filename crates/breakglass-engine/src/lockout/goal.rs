//! What has to be reached, by which roles, with which tools, and how soon.
//!
//! **Source:** the roles that may do it, by the built-in roles reference; the tools are those of the table of
//! surfaces. `docs/concepts/lockout.md`, section 3.

use breakglass_model::well_known::{
    CONDITIONAL_ACCESS_ADMINISTRATOR, GLOBAL_ADMINISTRATOR, PRIVILEGED_AUTHENTICATION_ADMINISTRATOR,
    PRIVILEGED_ROLE_ADMINISTRATOR, SECURITY_ADMINISTRATOR,
};

use crate::access::surfaces::AZURE_PORTAL;

/// What somebody must be able to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Goal {
    /// Repair whatever is broken.
    FullRepair,
    /// Change Conditional Access policies.
    EditCa,
    /// Give an administrator new credentials.
    ResetAdmin,
    /// Make somebody Global Administrator.
    AssignGa,
}

impl Goal {
    /// Every goal, the headline first.
    pub const ALL: [Self; 4] = [Self::FullRepair, Self::EditCa, Self::ResetAdmin, Self::AssignGa];

    /// Its name on the command line and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FullRepair => "full-repair",
            Self::EditCa => "edit-ca",
            Self::ResetAdmin => "reset-admin",
            Self::AssignGa => "assign-ga",
        }
    }

    /// What it is, in words that follow *to*.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::FullRepair => "repair the tenant",
            Self::EditCa => "change Conditional Access policies",
            Self::ResetAdmin => "give an administrator new credentials",
            Self::AssignGa => "make somebody Global Administrator",
        }
    }

    /// Template ids of the roles that can do it.
    #[must_use]
    pub const fn roles(self) -> &'static [&'static str] {
        match self {
            Self::FullRepair | Self::AssignGa => &[GLOBAL_ADMINISTRATOR, PRIVILEGED_ROLE_ADMINISTRATOR],
            Self::ResetAdmin => {
                &[GLOBAL_ADMINISTRATOR, PRIVILEGED_ROLE_ADMINISTRATOR, PRIVILEGED_AUTHENTICATION_ADMINISTRATOR]
            }
            Self::EditCa => &[
                GLOBAL_ADMINISTRATOR,
                PRIVILEGED_ROLE_ADMINISTRATOR,
                SECURITY_ADMINISTRATOR,
                CONDITIONAL_ACCESS_ADMINISTRATOR,
            ],
        }
    }

    /// The tools that it can be done with.
    #[must_use]
    pub const fn tools(self) -> &'static [Tool] {
        match self {
            Self::EditCa => &[Tool::EntraPortal, Tool::GraphPowerShell, Tool::GraphExplorer],
            Self::FullRepair | Self::ResetAdmin | Self::AssignGa => {
                &[Tool::EntraPortal, Tool::GraphPowerShell, Tool::GraphExplorer, Tool::M365AdminCenter]
            }
        }
    }

    /// Application permissions of Microsoft Graph that are enough for it.
    #[must_use]
    pub const fn permissions(self) -> &'static [&'static str] {
        match self {
            Self::FullRepair | Self::AssignGa => &["RoleManagement.ReadWrite.Directory"],
            Self::ResetAdmin => &["RoleManagement.ReadWrite.Directory", "UserAuthenticationMethod.ReadWrite.All"],
            Self::EditCa => &["RoleManagement.ReadWrite.Directory", "Policy.ReadWrite.ConditionalAccess"],
        }
    }
}

/// A door of the tenant, as a column of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Surface {
    /// The Entra admin center.
    Portal,
    /// Microsoft Graph by command line or in the browser.
    Graph,
    /// Azure Resource Manager.
    Azure,
    /// The Microsoft 365 admin center.
    M365,
}

impl Surface {
    /// Every surface.
    pub const ALL: [Self; 4] = [Self::Portal, Self::Graph, Self::Azure, Self::M365];

    /// Its name on the command line and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Portal => "portal",
            Self::Graph => "graph",
            Self::Azure => "azure",
            Self::M365 => "m365",
        }
    }

    /// What it is called.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Portal => "Entra admin center",
            Self::Graph => "Microsoft Graph",
            Self::Azure => "Azure Resource Manager",
            Self::M365 => "Microsoft 365 admin center",
        }
    }

    /// The tools that lead there for a goal.
    #[must_use]
    pub fn tools(self, goal: Goal) -> Vec<Tool> {
        match self {
            Self::Azure => vec![Tool::AzureCli, Tool::AzurePowerShell],
            other => goal.tools().iter().copied().filter(|tool| tool.surface() == other).collect(),
        }
    }

    /// The roles that reach the goal there: only a Global Administrator elevates itself to Azure.
    #[must_use]
    pub const fn roles(self, goal: Goal) -> &'static [&'static str] {
        match self {
            Self::Azure => &[GLOBAL_ADMINISTRATOR],
            Self::Portal | Self::Graph | Self::M365 => goal.roles(),
        }
    }
}

/// Something to sign in to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tool {
    /// Entra admin center, Azure portal.
    EntraPortal,
    /// Microsoft Graph PowerShell.
    GraphPowerShell,
    /// Graph Explorer.
    GraphExplorer,
    /// Microsoft 365 admin center.
    M365AdminCenter,
    /// Azure CLI.
    AzureCli,
    /// Azure PowerShell.
    AzurePowerShell,
}

impl Tool {
    /// Every tool.
    pub const ALL: [Self; 6] = [
        Self::EntraPortal,
        Self::GraphPowerShell,
        Self::GraphExplorer,
        Self::M365AdminCenter,
        Self::AzureCli,
        Self::AzurePowerShell,
    ];

    /// Where roles are activated and activations approved.
    pub const ACTIVATION: &'static [Self] = &[Self::EntraPortal, Self::GraphPowerShell];
    /// Where passwords are reset.
    pub const RESET: &'static [Self] = &[Self::EntraPortal, Self::GraphPowerShell, Self::M365AdminCenter];
    /// Where temporary access passes are issued.
    pub const ISSUE_PASS: &'static [Self] = &[Self::EntraPortal, Self::GraphPowerShell];

    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EntraPortal => "entra-portal",
            Self::GraphPowerShell => "graph-powershell",
            Self::GraphExplorer => "graph-explorer",
            Self::M365AdminCenter => "m365-admin-center",
            Self::AzureCli => "azure-cli",
            Self::AzurePowerShell => "azure-powershell",
        }
    }

    /// What it is called.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::EntraPortal => "the Entra admin center",
            Self::GraphPowerShell => "Microsoft Graph PowerShell",
            Self::GraphExplorer => "Graph Explorer",
            Self::M365AdminCenter => "the Microsoft 365 admin center",
            Self::AzureCli => "the Azure CLI",
            Self::AzurePowerShell => "Azure PowerShell",
        }
    }

    /// Its application id.
    #[must_use]
    pub const fn app_id(self) -> &'static str {
        match self {
            Self::EntraPortal => AZURE_PORTAL,
            Self::GraphPowerShell => "14d82eec-204b-4c2f-b7e8-296a70dab67e",
            Self::GraphExplorer => "de8bc8b5-d9f9-48b1-a8ad-b748da725064",
            Self::M365AdminCenter => "00000006-0000-0ff1-ce00-000000000000",
            Self::AzureCli => "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
            Self::AzurePowerShell => "1950a258-227b-4e31-a9cf-717495945fc2",
        }
    }

    /// Client app type of a sign-in to it, as Graph spells it.
    #[must_use]
    pub const fn client_app(self) -> &'static str {
        match self {
            Self::EntraPortal | Self::GraphExplorer | Self::M365AdminCenter => "browser",
            Self::GraphPowerShell | Self::AzureCli | Self::AzurePowerShell => "mobileAppsAndDesktopClients",
        }
    }

    /// The number of its client app type among those that devices are listed for: 0 in a browser, 1 in an application.
    pub(super) fn client(self) -> usize {
        usize::from(self.client_app() != "browser")
    }

    /// The surface that it leads to.
    #[must_use]
    pub const fn surface(self) -> Surface {
        match self {
            Self::EntraPortal => Surface::Portal,
            Self::GraphPowerShell | Self::GraphExplorer => Surface::Graph,
            Self::M365AdminCenter => Surface::M365,
            Self::AzureCli | Self::AzurePowerShell => Surface::Azure,
        }
    }
}

/// How long after the last sign-in the repair is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Horizon {
    /// Sessions may be open.
    Now,
    /// Access tokens have lapsed; sessions may be refreshed.
    Hour,
    /// No session is left.
    Day,
}

impl Horizon {
    /// Every horizon.
    pub const ALL: [Self; 3] = [Self::Now, Self::Hour, Self::Day];

    /// Its name on the command line and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::Hour => "1h",
            Self::Day => "24h",
        }
    }
}

/// Whether somebody may take policies away first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Policies stay as they are.
    Direct,
    /// Whoever can edit them may have taken them away.
    AfterRepair,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Question {
    /// What has to be reached.
    pub goal: Goal,
    /// The surface of the last step, if it must be one.
    pub surface: Option<Surface>,
    /// With policies as they are, or not.
    pub stage: Stage,
}
