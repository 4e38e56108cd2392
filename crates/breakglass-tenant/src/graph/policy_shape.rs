//! What a Conditional Access policy looks like as it is written: the names of its properties, and what each takes.
//!
//! **Source:** the complex types and enumerations of v1.0 and beta, both together. `unknownFutureValue` is none that is
//! written.

use super::properties::{Kind, Part};

pub(super) static POLICY: Part = Part {
    name: "conditionalAccessPolicy",
    of_kind: &[
        (Kind::Text, &["description", "displayName", "id", "templateId"]),
        (Kind::Instant, &["createdDateTime", "deletedDateTime", "modifiedDateTime"]),
        (Kind::Word(&["disabled", "enabled", "enabledForReportingButNotEnforced"]), &["state"]),
        (Kind::Part(&CONDITIONS), &["conditions"]),
        (Kind::Part(&GRANT_CONTROLS), &["grantControls"]),
        (Kind::Part(&SESSION_CONTROLS), &["sessionControls"]),
        (Kind::Object, &["partialEnablementStrategy"]),
    ],
};

const RISK_LEVELS: &[&str] = &["hidden", "high", "low", "medium", "none"];
const PLATFORMS: &[&str] = &["all", "android", "iOS", "linux", "macOS", "windows", "windowsPhone"];

static CONDITIONS: Part = Part {
    name: "conditionalAccessConditionSet",
    of_kind: &[
        (
            Kind::Words(&[
                "all",
                "browser",
                "easSupported",
                "exchangeActiveSync",
                "mobileAppsAndDesktopClients",
                "other",
            ]),
            &["clientAppTypes"],
        ),
        (Kind::Words(RISK_LEVELS), &["servicePrincipalRiskLevels", "signInRiskLevels", "userRiskLevels"]),
        (Kind::Flags(&["elevated", "minor", "moderate"]), &["insiderRiskLevels"]),
        (Kind::Flags(&["high", "low", "medium"]), &["agentIdRiskLevels"]),
        (Kind::Part(&APPLICATIONS), &["applications"]),
        (Kind::Part(&AUTHENTICATION_FLOWS), &["authenticationFlows"]),
        (Kind::Part(&CLIENT_APPLICATIONS), &["clientApplications"]),
        (Kind::Part(&DEVICES), &["devices"]),
        (Kind::Part(&LOCATIONS), &["locations"]),
        (Kind::Part(&PLATFORM_LISTS), &["platforms"]),
        (Kind::Part(&USERS), &["users"]),
        (Kind::Object, &["agentContext", "agents", "deviceStates", "times"]),
    ],
};

static APPLICATIONS: Part = Part {
    name: "conditionalAccessApplications",
    of_kind: &[
        (Kind::Texts, &["excludeApplications", "includeApplications", "includeAuthenticationContextClassReferences"]),
        (Kind::Words(&["urn:user:registerdevice", "urn:user:registersecurityinfo"]), &["includeUserActions"]),
        (Kind::Part(&FILTER), &["applicationFilter"]),
        (Kind::Object, &["globalSecureAccess", "networkAccess"]),
    ],
};

static AUTHENTICATION_FLOWS: Part = Part {
    name: "conditionalAccessAuthenticationFlows",
    of_kind: &[(Kind::Flags(&["authenticationTransfer", "deviceCodeFlow", "none"]), &["transferMethods"])],
};

static CLIENT_APPLICATIONS: Part = Part {
    name: "conditionalAccessClientApplications",
    of_kind: &[
        (
            Kind::Texts,
            &[
                "excludeAgentIdServicePrincipals",
                "excludeServicePrincipals",
                "includeAgentIdServicePrincipals",
                "includeServicePrincipals",
            ],
        ),
        (Kind::Part(&FILTER), &["agentIdServicePrincipalFilter", "servicePrincipalFilter"]),
    ],
};

static DEVICES: Part = Part {
    name: "conditionalAccessDevices",
    of_kind: &[
        (Kind::Texts, &["excludeDeviceStates", "excludeDevices", "includeDeviceStates", "includeDevices"]),
        (Kind::Part(&FILTER), &["deviceFilter"]),
    ],
};

static FILTER: Part = Part {
    name: "conditionalAccessFilter",
    of_kind: &[(Kind::Word(&["exclude", "include"]), &["mode"]), (Kind::Text, &["rule"])],
};

static LOCATIONS: Part =
    Part { name: "conditionalAccessLocations", of_kind: &[(Kind::Texts, &["excludeLocations", "includeLocations"])] };

static PLATFORM_LISTS: Part = Part {
    name: "conditionalAccessPlatforms",
    of_kind: &[(Kind::Words(PLATFORMS), &["excludePlatforms", "includePlatforms"])],
};

static USERS: Part = Part {
    name: "conditionalAccessUsers",
    of_kind: &[
        (
            Kind::Texts,
            &["excludeGroups", "excludeRoles", "excludeUsers", "includeGroups", "includeRoles", "includeUsers"],
        ),
        (Kind::Part(&GUESTS), &["excludeGuestsOrExternalUsers", "includeGuestsOrExternalUsers"]),
    ],
};

static GUESTS: Part = Part {
    name: "conditionalAccessGuestsOrExternalUsers",
    of_kind: &[
        (
            Kind::Flags(&[
                "b2bCollaborationGuest",
                "b2bCollaborationMember",
                "b2bDirectConnectUser",
                "internalGuest",
                "none",
                "otherExternalUser",
                "serviceProvider",
            ]),
            &["guestOrExternalUserTypes"],
        ),
        (Kind::Part(&EXTERNAL_TENANTS), &["externalTenants"]),
    ],
};

static EXTERNAL_TENANTS: Part = Part {
    name: "conditionalAccessExternalTenants",
    of_kind: &[(Kind::Word(&["all", "enumerated"]), &["membershipKind"]), (Kind::Texts, &["members"])],
};

static GRANT_CONTROLS: Part = Part {
    name: "conditionalAccessGrantControls",
    of_kind: &[
        (
            Kind::Words(&[
                "approvedApplication",
                "block",
                "compliantApplication",
                "compliantDevice",
                "domainJoinedDevice",
                "mfa",
                "passwordChange",
                "riskRemediation",
            ]),
            &["builtInControls"],
        ),
        (Kind::Word(&["AND", "OR"]), &["operator"]),
        (Kind::Texts, &["customAuthenticationFactors", "termsOfUse"]),
        (Kind::Object, &["authenticationStrength"]),
    ],
};

static SESSION_CONTROLS: Part = Part {
    name: "conditionalAccessSessionControls",
    of_kind: &[
        (Kind::Flag, &["disableResilienceDefaults"]),
        (Kind::Part(&SWITCH), &["applicationEnforcedRestrictions", "secureSignInSession"]),
        (Kind::Part(&CLOUD_APP_SECURITY), &["cloudAppSecurity"]),
        (Kind::Part(&CONTINUOUS_ACCESS), &["continuousAccessEvaluation"]),
        (Kind::Part(&PERSISTENT_BROWSER), &["persistentBrowser"]),
        (Kind::Part(&SIGN_IN_FREQUENCY), &["signInFrequency"]),
        (Kind::Object, &["blockSensitiveActions", "globalSecureAccessFilteringProfile", "networkAccessSecurity"]),
    ],
};

static SWITCH: Part = Part { name: "conditionalAccessSessionControl", of_kind: &[(Kind::Flag, &["isEnabled"])] };

static CLOUD_APP_SECURITY: Part = Part {
    name: "cloudAppSecuritySessionControl",
    of_kind: &[
        (Kind::Flag, &["isEnabled"]),
        (Kind::Word(&["blockDownloads", "mcasConfigured", "monitorOnly"]), &["cloudAppSecurityType"]),
    ],
};

static CONTINUOUS_ACCESS: Part = Part {
    name: "continuousAccessEvaluationSessionControl",
    of_kind: &[(Kind::Word(&["disabled", "strictEnforcement", "strictLocation"]), &["mode"])],
};

static PERSISTENT_BROWSER: Part = Part {
    name: "persistentBrowserSessionControl",
    of_kind: &[(Kind::Flag, &["isEnabled"]), (Kind::Word(&["always", "never"]), &["mode"])],
};

static SIGN_IN_FREQUENCY: Part = Part {
    name: "signInFrequencySessionControl",
    of_kind: &[
        (Kind::Flag, &["isEnabled"]),
        (Kind::Number, &["value"]),
        (Kind::Word(&["days", "hours"]), &["type"]),
        (Kind::Word(&["everyTime", "timeBased"]), &["frequencyInterval"]),
        (Kind::Word(&["primaryAndSecondaryAuthentication", "secondaryAuthentication"]), &["authenticationType"]),
    ],
};
