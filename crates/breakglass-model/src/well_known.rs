//! Ids that are the same in every tenant: directory roles, applications, keywords.
//!
//! **Source:** the built-in roles reference as collected by Maester (MIT), the Conditional Access documentation;
//! names are the reference's identifiers, spelt with spaces.

/// A built-in directory role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuiltInRole {
    /// Its name, as the portal shows it (spaces inferred).
    pub name: &'static str,
    /// Its template id.
    pub template_id: &'static str,
    /// Whether Microsoft marks it as privileged.
    pub is_privileged: bool,
}

/// Template id of Global Administrator.
pub const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";
/// Template id of Privileged Role Administrator.
pub const PRIVILEGED_ROLE_ADMINISTRATOR: &str = "e8611ab8-c189-46e8-94e1-60213ab1f814";
/// Template id of Privileged Authentication Administrator.
pub const PRIVILEGED_AUTHENTICATION_ADMINISTRATOR: &str = "7be44c8a-adaf-4e2a-84d6-ab2649e08a13";
/// Template id of Conditional Access Administrator.
pub const CONDITIONAL_ACCESS_ADMINISTRATOR: &str = "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9";
/// Template id of Security Administrator.
pub const SECURITY_ADMINISTRATOR: &str = "194ae4cb-b126-40b2-bd5b-6091b380977d";
/// Template id of Directory Synchronization Accounts.
pub const DIRECTORY_SYNCHRONIZATION_ACCOUNTS: &str = "d29b2b05-8046-44ba-8758-1e26182fcf32";
/// The tenant that owns Microsoft's own applications (from memory).
pub const MICROSOFT_SERVICES_TENANT: &str = "f8cdef31-a31e-4b4a-93e4-5f571e91255a";
/// Microsoft Intune, as `mdmAppId` of the devices it manages.
pub const MICROSOFT_INTUNE: &str = "0000000a-0000-0000-c000-000000000000";
/// Audience of sign-ins that ask for low-privilege directory scopes only.
pub const WINDOWS_AZURE_ACTIVE_DIRECTORY: &str = "00000002-0000-0000-c000-000000000000";
/// Named location keyword: the MFA service's trusted addresses, which Graph does not show.
pub const MFA_TRUSTED_IPS: &str = "00000000-0000-0000-0000-000000000000";

/// Roles that security defaults and Microsoft's templates treat as administrators.
pub const ADMINISTRATOR_ROLES: [&str; 14] = [
    "62e90394-69f5-4237-9190-012177145e10",
    "194ae4cb-b126-40b2-bd5b-6091b380977d",
    "f28a1f50-f6e7-4571-818b-6a12f2af6b6c",
    "29232cdf-9323-42fd-ade2-1d097af3e4de",
    "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9",
    "729827e3-9c14-49f7-bb1b-9608f156bbb8",
    "b0f54661-2d74-4c50-afa3-1ec803f12efe",
    "fe930be7-5e62-47db-91af-98c3a49a38b1",
    "c4e39bd9-1100-46d3-8c65-fb160da0071f",
    "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
    "158c047a-c907-4556-b7ef-446551a6b5f7",
    "966707d0-3269-4727-9be2-8c3a10f19b9d",
    "7be44c8a-adaf-4e2a-84d6-ab2649e08a13",
    "e8611ab8-c189-46e8-94e1-60213ab1f814",
];

/// Every built-in role, by name.
pub const BUILT_IN_ROLES: &[BuiltInRole] = &[
    BuiltInRole {
        name: "Agent ID Administrator",
        template_id: "db506228-d27e-4b7d-95e5-295956d6615f",
        is_privileged: true,
    },
    BuiltInRole {
        name: "Agent ID Developer",
        template_id: "adb2368d-a9be-41b5-8667-d96778e081b0",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Agent Registry Administrator",
        template_id: "6b942400-691f-4bf0-9d12-d8a254a2baf5",
        is_privileged: false,
    },
    BuiltInRole { name: "AI Administrator", template_id: "d2562ede-74db-457e-a7b6-544e236ebb61", is_privileged: true },
    BuiltInRole { name: "AI Reader", template_id: "1fe13547-53f6-408d-ac04-7f8eed167b38", is_privileged: true },
    BuiltInRole {
        name: "Application Administrator",
        template_id: "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
        is_privileged: true,
    },
    BuiltInRole {
        name: "Application Developer",
        template_id: "cf1c38e5-3621-4004-a7cb-879624dced7c",
        is_privileged: true,
    },
    BuiltInRole {
        name: "Attack Payload Author",
        template_id: "9c6df0f2-1e7c-4dc3-b195-66dfbd24aa8f",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Attack Simulation Administrator",
        template_id: "c430b396-e693-46cc-96f3-db01bf8bb62a",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Attribute Assignment Administrator",
        template_id: "58a13ea3-c632-46ae-9ee0-9c0d43cd7f3d",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Attribute Assignment Reader",
        template_id: "ffd52fa5-98dc-465c-991d-fc073eb59f8f",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Attribute Definition Administrator",
        template_id: "8424c6f0-a189-499e-bbd0-26c1753c96d4",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Attribute Definition Reader",
        template_id: "1d336d2c-4ae8-42ef-9711-b3604ce3fc2c",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Attribute Log Administrator",
        template_id: "5b784334-f94b-471a-a387-e7219fc49ca2",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Attribute Log Reader",
        template_id: "9c99539d-8186-4804-835f-fd51ef9e2dcd",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Attribute Provisioning Administrator",
        template_id: "ecb2c6bf-0ab6-418e-bd87-7986f8d63bbe",
        is_privileged: true,
    },
    BuiltInRole {
        name: "Attribute Provisioning Reader",
        template_id: "422218e4-db15-4ef9-bbe0-8afb41546d79",
        is_privileged: true,
    },
    BuiltInRole {
        name: "Authentication Administrator",
        template_id: "c4e39bd9-1100-46d3-8c65-fb160da0071f",
        is_privileged: true,
    },
    BuiltInRole {
        name: "Authentication Extensibility Administrator",
        template_id: "25a516ed-2fa0-40ea-a2d0-12923a21473a",
        is_privileged: true,
    },
    BuiltInRole {
        name: "Authentication Extensibility Password Administrator",
        template_id: "0b00bede-4072-4d22-b441-e7df02a1ef63",
        is_privileged: true,
    },
    BuiltInRole {
        name: "Authentication Policy Administrator",
        template_id: "0526716b-113d-4c15-b2c8-68e3c22b9f80",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Azure DevOps Administrator",
        template_id: "e3973bdf-4987-49ae-837a-ba8e231c7286",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Azure Information Protection Administrator",
        template_id: "7495fdc4-34c4-4d15-a289-98788ce399fd",
        is_privileged: false,
    },
    BuiltInRole {
        name: "B2C IEF Keyset Administrator",
        template_id: "aaf43236-0c0d-4d5f-883a-6955382ac081",
        is_privileged: true,
    },
    BuiltInRole {
        name: "B2C IEF Policy Administrator",
        template_id: "3edaf663-341e-4475-9f94-5c398ef6c070",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Billing Administrator",
        template_id: "b0f54661-2d74-4c50-afa3-1ec803f12efe",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Cloud Application Administrator",
        template_id: "158c047a-c907-4556-b7ef-446551a6b5f7",
        is_privileged: true,
    },
    BuiltInRole {
        name: "Cloud App Security Administrator",
        template_id: "892c5842-a9a6-463a-8041-72aa08ca3cf6",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Cloud Device Administrator",
        template_id: "7698a772-787b-4ac8-901f-60d6b08affd2",
        is_privileged: true,
    },
    BuiltInRole {
        name: "Compliance Administrator",
        template_id: "17315797-102d-40b4-93e0-432062caca18",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Compliance Data Administrator",
        template_id: "e6d1a23a-da11-4be4-9570-befc86d067a7",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Conditional Access Administrator",
        template_id: "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9",
        is_privileged: true,
    },
    BuiltInRole {
        name: "Customer Delegated Admin Relationship Administrator",
        template_id: "fc8ad4e2-40e4-4724-8317-bcda7503ecbf",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Customer Lockbox Access Approver",
        template_id: "5c4f9dcd-47dc-4cf7-8c9a-9e4207cbfc91",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Desktop Analytics Administrator",
        template_id: "38a96431-2bdf-4b4c-8b6e-5d3d8abac1a4",
        is_privileged: false,
    },
    BuiltInRole { name: "Device Join", template_id: "9c094953-4995-41c8-84c8-3ebb9b32c93f", is_privileged: false },
    BuiltInRole { name: "Device Managers", template_id: "2b499bcd-da44-4968-8aec-78e1674fa64d", is_privileged: false },
    BuiltInRole { name: "Device Users", template_id: "d405c6df-0af8-4e3b-95e4-4d06e542189e", is_privileged: false },
    BuiltInRole {
        name: "Directory Readers",
        template_id: "88d8e3e3-8f55-4a1e-953a-9b9898b8876b",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Directory Synchronization Accounts",
        template_id: "d29b2b05-8046-44ba-8758-1e26182fcf32",
        is_privileged: false,
    },
    BuiltInRole { name: "Directory Writers", template_id: "9360feb5-f418-4baa-8175-e2a00bac4301", is_privileged: true },
    BuiltInRole {
        name: "Domain Name Administrator",
        template_id: "8329153b-31d0-4727-b945-745eb3bc5f31",
        is_privileged: true,
    },
    BuiltInRole {
        name: "Dragon Administrator",
        template_id: "e93e3737-fa85-474a-aee4-7d3fb86510f3",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Dynamics 365 Administrator",
        template_id: "44367163-eba1-44c3-98af-f5787879f96a",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Dynamics 365 Business Central Administrator",
        template_id: "963797fb-eb3b-4cde-8ce3-5878b3f32a3f",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Edge Administrator",
        template_id: "3f1acade-1e04-4fbc-9b69-f0302cd84aef",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Entra Backup Administrator",
        template_id: "b6a27b2b-f905-4b2e-81b5-0d90e0ef1fdb",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Entra Backup Reader",
        template_id: "f42252d9-5400-4d7b-b9ef-cc582dbb8577",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Exchange Administrator",
        template_id: "29232cdf-9323-42fd-ade2-1d097af3e4de",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Exchange Backup Administrator",
        template_id: "49eb8f75-97e9-4e37-9b2b-6c3ebfcffa31",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Exchange Recipient Administrator",
        template_id: "31392ffb-586c-42d1-9346-e59415a2cc4e",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Extended Directory User Administrator",
        template_id: "dd13091a-6207-4fc0-82ba-3641e056ab95",
        is_privileged: false,
    },
    BuiltInRole {
        name: "External Identity Provider Administrator",
        template_id: "be2f45a1-457d-42af-a067-6ec1fa63bc45",
        is_privileged: true,
    },
    BuiltInRole {
        name: "External ID User Flow Administrator",
        template_id: "6e591065-9bad-43ed-90f3-e9424366d2f0",
        is_privileged: false,
    },
    BuiltInRole {
        name: "External ID User Flow Attribute Administrator",
        template_id: "0f971eea-41eb-4569-a71e-57bb8a3eff1e",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Fabric Administrator",
        template_id: "a9ea8996-122f-4c74-9520-8edcd192826c",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Global Administrator",
        template_id: "62e90394-69f5-4237-9190-012177145e10",
        is_privileged: true,
    },
    BuiltInRole { name: "Global Reader", template_id: "f2ef992c-3afb-46b9-b7cf-a126ee74c451", is_privileged: true },
    BuiltInRole {
        name: "Global Secure Access Administrator",
        template_id: "ac434307-12b9-4fa1-a708-88bf58caabc1",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Global Secure Access Log Reader",
        template_id: "843318fb-79a6-4168-9e6f-aa9a07481cc4",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Groups Administrator",
        template_id: "fdd7a751-b60b-444a-984c-02652fe8fa1c",
        is_privileged: false,
    },
    BuiltInRole { name: "Guest Inviter", template_id: "95e79109-95c0-4d8e-aee3-d01accf2d47b", is_privileged: false },
    BuiltInRole { name: "Guest User", template_id: "10dae51f-b6af-4016-8d66-8c2a99b929b3", is_privileged: false },
    BuiltInRole {
        name: "Helpdesk Administrator",
        template_id: "729827e3-9c14-49f7-bb1b-9608f156bbb8",
        is_privileged: true,
    },
    BuiltInRole {
        name: "Hybrid Identity Administrator",
        template_id: "8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2",
        is_privileged: true,
    },
    BuiltInRole {
        name: "Identity Governance Administrator",
        template_id: "45d8d3c5-c802-45c6-b32a-1d70b5e1e86e",
        is_privileged: true,
    },
    BuiltInRole {
        name: "Insights Administrator",
        template_id: "eb1f4a8d-243a-41f0-9fbd-c7cdf6c5ef7c",
        is_privileged: false,
    },
    BuiltInRole { name: "Insights Analyst", template_id: "25df335f-86eb-4119-b717-0ff02de207e9", is_privileged: false },
    BuiltInRole {
        name: "Insights Business Leader",
        template_id: "31e939ad-9672-4796-9c2e-873181342d2d",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Intune Administrator",
        template_id: "3a2c62db-5318-420d-8d74-23affee5d9d5",
        is_privileged: true,
    },
    BuiltInRole {
        name: "IoT Device Administrator",
        template_id: "2ea5ce4c-b2d8-4668-bd81-3680bd2d227a",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Kaizala Administrator",
        template_id: "74ef975b-6605-40af-a5d2-b9539d836353",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Knowledge Administrator",
        template_id: "b5a8dcf3-09d5-43a9-a639-8e29ef291470",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Knowledge Manager",
        template_id: "744ec460-397e-42ad-a462-8b3f9747a02c",
        is_privileged: false,
    },
    BuiltInRole {
        name: "License Administrator",
        template_id: "4d6ac14f-3453-41d0-bef9-a3e0c569773a",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Lifecycle Workflows Administrator",
        template_id: "59d46f88-662b-457b-bceb-5c3809e5908f",
        is_privileged: true,
    },
    BuiltInRole {
        name: "Message Center Privacy Reader",
        template_id: "ac16e43d-7b2d-40e0-ac05-243ff356ab5b",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Message Center Reader",
        template_id: "790c1fb9-7f7d-4f88-86a1-ef1f95c05c1b",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Microsoft 365 Backup Administrator",
        template_id: "1707125e-0aa2-4d4d-8655-a7c786c76a25",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Microsoft 365 Migration Administrator",
        template_id: "8c8b803f-96e1-4129-9349-20738d9f9652",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Microsoft Entra Joined Device Local Administrator",
        template_id: "9f06204d-73c1-4d4c-880a-6edb90606fd8",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Microsoft Graph Data Connect Administrator",
        template_id: "ee67aa9c-e510-4759-b906-227085a7fd4d",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Microsoft Hardware Warranty Administrator",
        template_id: "1501b917-7653-4ff9-a4b5-203eaf33784f",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Microsoft Hardware Warranty Specialist",
        template_id: "281fe777-fb20-4fbb-b7a3-ccebce5b0d96",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Network Administrator",
        template_id: "d37c8bed-0711-4417-ba38-b4abe66ce4c2",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Office Apps Administrator",
        template_id: "2b745bdf-0803-4d80-aa65-822c4493daac",
        is_privileged: false,
    },
    BuiltInRole {
        name: "On Premises Directory Sync Account",
        template_id: "a92aed5d-d78a-4d16-b381-09adb37eb3b0",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Organizational Branding Administrator",
        template_id: "92ed04bf-c94a-4b82-9729-b799a7a4c178",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Organizational Data Source Administrator",
        template_id: "9d70768a-0cbc-4b4c-aea3-2e124b2477f4",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Organizational Messages Approver",
        template_id: "e48398e2-f4bb-4074-8f31-4586725e205b",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Organizational Messages Writer",
        template_id: "507f53e4-4e52-4077-abd3-d2e1558b6ea2",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Partner Tier1 Support",
        template_id: "4ba39ca4-527c-499a-b93d-d9b492c50246",
        is_privileged: true,
    },
    BuiltInRole {
        name: "Partner Tier2 Support",
        template_id: "e00e864a-17c5-4a4b-9c06-f5b95a8d5bd8",
        is_privileged: true,
    },
    BuiltInRole {
        name: "Password Administrator",
        template_id: "966707d0-3269-4727-9be2-8c3a10f19b9d",
        is_privileged: true,
    },
    BuiltInRole {
        name: "People Administrator",
        template_id: "024906de-61e5-49c8-8572-40335f1e0e10",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Permissions Management Administrator",
        template_id: "af78dc32-cf4d-46f9-ba4e-4428526346b5",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Places Administrator",
        template_id: "78b0ccd1-afc2-4f92-9116-b41aedd09592",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Power Platform Administrator",
        template_id: "11648597-926c-4cf3-9c36-bcebb0ba8dcc",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Printer Administrator",
        template_id: "644ef478-e28f-4e28-b9dc-3fdde9aa0b1f",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Printer Technician",
        template_id: "e8cef6f1-e4bd-4ea8-bc07-4b8d950f4477",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Privileged Authentication Administrator",
        template_id: "7be44c8a-adaf-4e2a-84d6-ab2649e08a13",
        is_privileged: true,
    },
    BuiltInRole {
        name: "Privileged Role Administrator",
        template_id: "e8611ab8-c189-46e8-94e1-60213ab1f814",
        is_privileged: true,
    },
    BuiltInRole {
        name: "Purview Workload Content Administrator",
        template_id: "3f04f91a-4ad7-4bd3-bcfa-49882ea1a88a",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Purview Workload Content Reader",
        template_id: "e07494ad-1654-4dd2-922e-6f81a71bf00f",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Purview Workload Content Writer",
        template_id: "02d5655b-c1cf-4e5f-98da-5fb919085bf6",
        is_privileged: false,
    },
    BuiltInRole { name: "Reports Reader", template_id: "4a5d8f65-41da-4de4-8968-e035b65339cf", is_privileged: false },
    BuiltInRole {
        name: "Restricted Guest User",
        template_id: "2af84b1e-32c8-42b7-82bc-daa82404023b",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Search Administrator",
        template_id: "0964bb5e-9bdb-4d7b-ac29-58e794862a40",
        is_privileged: false,
    },
    BuiltInRole { name: "Search Editor", template_id: "8835291a-918c-4fd7-a9ce-faa49f0cf7d9", is_privileged: false },
    BuiltInRole {
        name: "Security Administrator",
        template_id: "194ae4cb-b126-40b2-bd5b-6091b380977d",
        is_privileged: true,
    },
    BuiltInRole { name: "Security Operator", template_id: "5f2222b1-57c3-48ba-8ad5-d4759f1fde6f", is_privileged: true },
    BuiltInRole { name: "Security Reader", template_id: "5d6b6bb7-de71-4623-b4af-96380a352509", is_privileged: true },
    BuiltInRole {
        name: "Service Support Administrator",
        template_id: "f023fd81-a637-4b56-95fd-791ac0226033",
        is_privileged: false,
    },
    BuiltInRole {
        name: "SharePoint Administrator",
        template_id: "f28a1f50-f6e7-4571-818b-6a12f2af6b6c",
        is_privileged: false,
    },
    BuiltInRole {
        name: "SharePoint Advanced Management Administrator",
        template_id: "99009c4a-3b3f-4957-82a9-9d35e12db77e",
        is_privileged: false,
    },
    BuiltInRole {
        name: "SharePoint Backup Administrator",
        template_id: "9d3e04ba-3ee4-4d1b-a3a7-9aef423a09be",
        is_privileged: false,
    },
    BuiltInRole {
        name: "SharePoint Embedded Administrator",
        template_id: "1a7d78b6-429f-476b-b8eb-35fb715fffd4",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Skype for Business Administrator",
        template_id: "75941009-915a-4869-abe7-691bff18279e",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Teams Administrator",
        template_id: "69091246-20e8-4a56-aa4d-066075b2a7a8",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Teams Communications Administrator",
        template_id: "baf37b3a-610e-45da-9e62-d9d1e5e8914b",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Teams Communications Support Engineer",
        template_id: "f70938a0-fc10-4177-9e90-2178f8765737",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Teams Communications Support Specialist",
        template_id: "fcf91098-03e3-41a9-b5ba-6f0ec8188a12",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Teams Devices Administrator",
        template_id: "3d762c5a-1b6c-493f-843e-55a3b42923d4",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Teams External Collaboration Administrator",
        template_id: "2fe872fb-daa8-4afc-8f6c-53c4565cfef4",
        is_privileged: false,
    },
    BuiltInRole { name: "Teams Reader", template_id: "1076ac91-f3d9-41a7-a339-dcdf5f480acc", is_privileged: false },
    BuiltInRole {
        name: "Teams Telephony Administrator",
        template_id: "aa38014f-0993-46e9-9b45-30501a20909d",
        is_privileged: false,
    },
    BuiltInRole { name: "Tenant Creator", template_id: "112ca1a2-15ad-4102-995e-45b0bc479a6a", is_privileged: false },
    BuiltInRole {
        name: "Tenant Governance Administrator",
        template_id: "1981f584-96e9-4a6f-95b0-f522373f8fae",
        is_privileged: true,
    },
    BuiltInRole {
        name: "Tenant Governance Reader",
        template_id: "e0a4caa6-fe82-443f-b92f-d87341d17b2e",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Tenant Governance Relationship Administrator",
        template_id: "b8e31d83-1534-480f-9b10-0338ded51b7e",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Tenant Governance Relationship Reader",
        template_id: "124577f8-48ed-456a-839f-13b419002e33",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Usage Summary Reports Reader",
        template_id: "75934031-6c7e-415a-99d7-48dbd49e875e",
        is_privileged: false,
    },
    BuiltInRole { name: "User", template_id: "a0b1b346-4d3e-4e8b-98f8-753987be4970", is_privileged: false },
    BuiltInRole {
        name: "User Administrator",
        template_id: "fe930be7-5e62-47db-91af-98c3a49a38b1",
        is_privileged: true,
    },
    BuiltInRole {
        name: "User Experience Success Manager",
        template_id: "27460883-1df1-4691-b032-3b79643e5e63",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Virtual Visits Administrator",
        template_id: "e300d9e7-4a2b-4295-9eff-f1c78b36cc98",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Viva Glint Tenant Administrator",
        template_id: "0ec3f692-38d6-4d14-9e69-0377ca7797ad",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Viva Goals Administrator",
        template_id: "92b086b3-e367-4ef2-b869-1de128fb986e",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Viva Pulse Administrator",
        template_id: "87761b17-1ed2-4af3-9acd-92a150038160",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Windows 365 Administrator",
        template_id: "11451d60-acb2-45eb-a7d6-43d0f0125c13",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Windows Update Deployment Administrator",
        template_id: "32696413-001a-46ae-978c-ce0f6b3620d2",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Workplace Device Join",
        template_id: "c34f683f-4d5a-4403-affd-6615e00e3a7f",
        is_privileged: false,
    },
    BuiltInRole {
        name: "Yammer Administrator",
        template_id: "810a2642-a034-447f-a5e8-41beaa378541",
        is_privileged: false,
    },
];

/// The built-in role with this template id.
#[must_use]
pub fn built_in_role(template_id: &str) -> Option<&'static BuiltInRole> {
    BUILT_IN_ROLES.iter().find(|role| role.template_id == template_id)
}

/// The built-in role of this name; spaces and case do not matter, since lists differ in both.
#[must_use]
pub fn built_in_role_named(name: &str) -> Option<&'static BuiltInRole> {
    let squeeze =
        |text: &str| text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
    let wanted = squeeze(name);
    BUILT_IN_ROLES.iter().find(|role| squeeze(role.name) == wanted)
}
