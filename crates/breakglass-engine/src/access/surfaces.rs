//! The doors of a tenant: which application asks for which resource, and who else has a say about it.
//!
//! One table. Conditional Access looks at the *resource* of a token, mandatory MFA at the *client* application;
//! the portal, Azure Resource Manager and Microsoft Graph are three doors.
//!
//! **Source:** the mandatory MFA documentation (client applications and phases), the Conditional Access cloud
//! apps documentation (keyword groups); entries marked [`Basis::Memory`] are from memory and decide only whether
//! a keyword group covers the application.

/// How sure an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// Read in Microsoft's documentation.
    Documented,
    /// From memory.
    Memory,
}

/// When Microsoft demands multifactor authentication outside Conditional Access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MandatoryMfaPhase {
    /// At sign-in to the portal, for everything (since October 2024; Microsoft 365 admin center since
    /// February 2025).
    SignIn,
    /// At create, update and delete on Azure Resource Manager (since 1 October 2025).
    ResourceManagerWrites,
}

/// What a surface is good for in an emergency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Door {
    /// Administration in the browser.
    Portal,
    /// Azure resources by command line or interface.
    ResourceManager,
    /// The directory by command line or interface: enough to repair Conditional Access.
    Graph,
    /// Something else that a policy may name.
    Other,
}

/// An application and what is known about it.
#[derive(Debug, Clone, Copy)]
pub struct Surface {
    /// Name to show.
    pub name: &'static str,
    /// Application id of the client, or of the resource itself.
    pub app_id: &'static str,
    /// Resources it asks for, which policies may name as well.
    pub resources: &'static [&'static str],
    /// Whether the keyword `Office365` covers it.
    pub is_office365: bool,
    /// Whether the keyword `MicrosoftAdminPortals` covers it.
    pub is_admin_portal: bool,
    /// Mandatory MFA, if Microsoft demands it here.
    pub mandatory_mfa: Option<MandatoryMfaPhase>,
    /// What it is good for.
    pub door: Door,
    /// Whether an administrator would use it to recover the tenant.
    pub is_recovery: bool,
    /// How sure the entry is.
    pub basis: Basis,
}

/// Windows Azure Service Management API: Azure Resource Manager and the portal behind it.
pub const AZURE_RESOURCE_MANAGER: &str = "797f4846-ba00-4fd7-ba43-dac1f8f63013";
/// Microsoft Graph; no policy can name it alone.
pub const MICROSOFT_GRAPH: &str = "00000003-0000-0000-c000-000000000000";
/// Azure portal, Microsoft Entra admin center and Intune admin center.
pub const AZURE_PORTAL: &str = "c44b4083-3bb0-49c1-b47d-974e53cbdf3c";
/// Exchange Online.
pub const EXCHANGE_ONLINE: &str = "00000002-0000-0ff1-ce00-000000000000";

const PLAIN: Surface = Surface {
    name: "",
    app_id: "",
    resources: &[],
    is_office365: false,
    is_admin_portal: false,
    mandatory_mfa: None,
    door: Door::Other,
    is_recovery: false,
    basis: Basis::Memory,
};

/// Every application that this version knows.
pub const SURFACES: &[Surface] = &[
    Surface {
        name: "Azure portal, Entra and Intune admin centers",
        app_id: AZURE_PORTAL,
        resources: &[AZURE_RESOURCE_MANAGER],
        is_admin_portal: true,
        mandatory_mfa: Some(MandatoryMfaPhase::SignIn),
        door: Door::Portal,
        is_recovery: true,
        basis: Basis::Documented,
        ..PLAIN
    },
    Surface {
        name: "Microsoft 365 admin center",
        app_id: "00000006-0000-0ff1-ce00-000000000000",
        is_office365: true,
        is_admin_portal: true,
        mandatory_mfa: Some(MandatoryMfaPhase::SignIn),
        door: Door::Portal,
        is_recovery: true,
        ..PLAIN
    },
    Surface {
        name: "Azure CLI",
        app_id: "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
        resources: &[AZURE_RESOURCE_MANAGER],
        mandatory_mfa: Some(MandatoryMfaPhase::ResourceManagerWrites),
        door: Door::ResourceManager,
        is_recovery: true,
        basis: Basis::Documented,
        ..PLAIN
    },
    Surface {
        name: "Azure PowerShell",
        app_id: "1950a258-227b-4e31-a9cf-717495945fc2",
        resources: &[AZURE_RESOURCE_MANAGER],
        mandatory_mfa: Some(MandatoryMfaPhase::ResourceManagerWrites),
        door: Door::ResourceManager,
        is_recovery: true,
        basis: Basis::Documented,
        ..PLAIN
    },
    Surface {
        name: "Azure mobile app",
        app_id: "0c1307d4-29d6-4389-a11c-5cbe7f65d7fa",
        resources: &[AZURE_RESOURCE_MANAGER],
        mandatory_mfa: Some(MandatoryMfaPhase::ResourceManagerWrites),
        door: Door::ResourceManager,
        basis: Basis::Documented,
        ..PLAIN
    },
    Surface {
        name: "Microsoft Graph PowerShell",
        app_id: "14d82eec-204b-4c2f-b7e8-296a70dab67e",
        resources: &[MICROSOFT_GRAPH],
        door: Door::Graph,
        is_recovery: true,
        ..PLAIN
    },
    Surface {
        name: "Graph Explorer",
        app_id: "de8bc8b5-d9f9-48b1-a8ad-b748da725064",
        resources: &[MICROSOFT_GRAPH],
        door: Door::Graph,
        is_recovery: true,
        basis: Basis::Documented,
        ..PLAIN
    },
    Surface {
        name: "Azure Resource Manager",
        app_id: AZURE_RESOURCE_MANAGER,
        mandatory_mfa: Some(MandatoryMfaPhase::ResourceManagerWrites),
        door: Door::ResourceManager,
        is_recovery: true,
        basis: Basis::Documented,
        ..PLAIN
    },
    Surface { name: "Microsoft Graph", app_id: MICROSOFT_GRAPH, door: Door::Graph, basis: Basis::Documented, ..PLAIN },
    Surface {
        name: "Windows Azure Active Directory",
        app_id: "00000002-0000-0000-c000-000000000000",
        door: Door::Graph,
        basis: Basis::Documented,
        ..PLAIN
    },
    Surface {
        name: "Exchange admin center",
        app_id: "497effe9-df71-4043-a8bb-14cf78c4b63b",
        resources: &[EXCHANGE_ONLINE],
        is_office365: true,
        is_admin_portal: true,
        door: Door::Portal,
        is_recovery: true,
        ..PLAIN
    },
    Surface {
        name: "Exchange Online",
        app_id: EXCHANGE_ONLINE,
        is_office365: true,
        is_recovery: true,
        basis: Basis::Documented,
        ..PLAIN
    },
    Surface {
        name: "SharePoint Online",
        app_id: "00000003-0000-0ff1-ce00-000000000000",
        is_office365: true,
        basis: Basis::Documented,
        ..PLAIN
    },
    Surface { name: "Microsoft Teams", app_id: "cc15fd57-2c6c-4117-a88c-83b1d56b4bbe", is_office365: true, ..PLAIN },
    Surface {
        name: "Microsoft Defender and Purview portals",
        app_id: "80ccca67-54bd-44ab-8625-4b79c4dc7775",
        is_admin_portal: true,
        door: Door::Portal,
        ..PLAIN
    },
    Surface {
        name: "Microsoft Teams admin center",
        app_id: "2ddfbe71-ed12-4123-b99b-d5fc8a062a79",
        is_admin_portal: true,
        door: Door::Portal,
        ..PLAIN
    },
    Surface {
        name: "Intune portal extension",
        app_id: "5926fc8e-304e-4f59-8bed-58ca97cc39a4",
        is_admin_portal: true,
        door: Door::Portal,
        ..PLAIN
    },
    Surface { name: "Microsoft Intune", app_id: "0000000a-0000-0000-c000-000000000000", ..PLAIN },
    Surface { name: "Microsoft Intune Enrollment", app_id: "d4ebce55-015a-49b5-a083-c84d1797ae8c", ..PLAIN },
    Surface { name: "Azure DevOps", app_id: "499b84ac-1321-427f-aa17-267ca6975798", basis: Basis::Documented, ..PLAIN },
    Surface { name: "Dataverse", app_id: "00000007-0000-0000-c000-000000000000", ..PLAIN },
    Surface { name: "Azure Active Directory PowerShell", app_id: "1b730954-1685-4b74-9bfd-dac224a7b894", ..PLAIN },
    Surface { name: "Microsoft Authentication Broker", app_id: "29d9ed98-a469-4536-ade2-f981bc1d605e", ..PLAIN },
    Surface { name: "Privileged Identity Management", app_id: "01fc33a7-78ba-4d2f-a4b7-768e336e890e", ..PLAIN },
    Surface { name: "My Sign-Ins", app_id: "19db86c3-b2b9-44cc-b339-36da233a3be2", ..PLAIN },
];

/// The surface of an application id.
#[must_use]
pub fn surface(app_id: &str) -> Option<&'static Surface> {
    SURFACES.iter().find(|surface| surface.app_id == app_id)
}
