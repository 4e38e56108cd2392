//! Which properties users, groups, applications and service principals have, and of which kind each is: what is written
//! and what is asked for by name has to be one of them.
//!
//! **Source:** the schema of v1.0 and beta, both together.

use jiff::Timestamp;
use serde_json::Value;

use super::error::GraphError;
use crate::state::Object;

/// What a property takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Flag,
    Number,
    Instant,
    Texts,
    /// Objects.
    List,
    /// An object, or a word of an enumeration.
    Other,
}

/// The properties of a type, by kind, and its relations.
pub(super) struct Properties {
    name: &'static str,
    of_kind: &'static [(Kind, &'static [&'static str])],
    relations: &'static [&'static str],
}

/// How much of the user's own text an error repeats, in characters.
const EXCERPT_CHARS_MAX: usize = 100;

impl Properties {
    fn kind(&self, name: &str) -> Option<Kind> {
        let has = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
        self.of_kind.iter().find(|(_, names)| has(names)).map(|(kind, _)| *kind)
    }

    /// The name of the type.
    pub(super) const fn name(&self) -> &'static str {
        self.name
    }

    /// Whether something may be asked for by this name.
    pub(super) fn is_known(&self, name: &str) -> bool {
        self.kind(name).is_some()
            || self.relations.iter().any(|known| known.eq_ignore_ascii_case(name))
            || is_extension(name)
    }

    /// Refuses properties that there are none of, and values of another kind than theirs.
    pub(super) fn check(&self, body: &Object) -> Result<(), GraphError> {
        for (name, value) in body.iter().filter(|(name, _)| !name.contains('@') && !is_extension(name)) {
            let shown: String = name.chars().take(EXCERPT_CHARS_MAX).collect();
            // Names are written as they are; asking by name is not so strict.
            let is_spelt = self.of_kind.iter().any(|(_, names)| names.contains(&name.as_str()));
            let Some(kind) = self.kind(name).filter(|_| is_spelt) else {
                return Err(GraphError::bad_request(format!(
                    "The property '{shown}' does not exist on type 'microsoft.graph.{}'. Make sure to only use property names that are defined by the type.",
                    self.name
                )));
            };
            if !value.is_null() && !kind.takes(value) {
                return Err(GraphError::bad_request(format!("Invalid value specified for property '{shown}'.")));
            }
        }
        Ok(())
    }
}

impl Kind {
    fn takes(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::Flag => value.is_boolean(),
            Self::Number => value.is_i64(),
            Self::Instant => value.as_str().is_some_and(|text| text.parse::<Timestamp>().is_ok()),
            Self::Texts => value.as_array().is_some_and(|list| list.iter().all(Value::is_string)),
            Self::List => value.as_array().is_some_and(|list| list.iter().all(Value::is_object)),
            Self::Other => value.is_object() || value.is_string(),
        }
    }
}

/// Whether it is the property of an extension, of which the type says nothing.
fn is_extension(name: &str) -> bool {
    name.starts_with("extension_")
}

pub(super) static USER: Properties = Properties {
    name: "user",
    of_kind: &[
        (
            Kind::Text,
            &[
                "aboutMe",
                "ageGroup",
                "city",
                "companyName",
                "consentProvidedForMinor",
                "country",
                "creationType",
                "department",
                "displayName",
                "employeeId",
                "employeeType",
                "externalUserState",
                "faxNumber",
                "givenName",
                "id",
                "identityParentId",
                "jobTitle",
                "legalAgeGroupClassification",
                "mail",
                "mailNickname",
                "mobilePhone",
                "mySite",
                "officeLocation",
                "onPremisesDistinguishedName",
                "onPremisesDomainName",
                "onPremisesImmutableId",
                "onPremisesSamAccountName",
                "onPremisesSecurityIdentifier",
                "onPremisesUserPrincipalName",
                "passwordPolicies",
                "postalCode",
                "preferredDataLocation",
                "preferredLanguage",
                "preferredName",
                "securityIdentifier",
                "state",
                "streetAddress",
                "surname",
                "usageLocation",
                "userPrincipalName",
                "userType",
            ],
        ),
        (
            Kind::Flag,
            &[
                "accountEnabled",
                "isLicenseReconciliationNeeded",
                "isManagementRestricted",
                "isResourceAccount",
                "onPremisesSyncEnabled",
                "showInAddressList",
            ],
        ),
        (Kind::Number, &["deviceEnrollmentLimit"]),
        (
            Kind::Instant,
            &[
                "birthday",
                "createdDateTime",
                "deletedDateTime",
                "employeeHireDate",
                "employeeLeaveDateTime",
                "externalUserStateChangeDateTime",
                "hireDate",
                "lastPasswordChangeDateTime",
                "onPremisesLastSyncDateTime",
                "refreshTokensValidFromDateTime",
                "signInSessionsValidFromDateTime",
            ],
        ),
        (
            Kind::Texts,
            &[
                "businessPhones",
                "imAddresses",
                "infoCatalogs",
                "interests",
                "otherMails",
                "pastProjects",
                "proxyAddresses",
                "responsibilities",
                "schools",
                "skills",
            ],
        ),
        (
            Kind::List,
            &[
                "assignedLicenses",
                "assignedPlans",
                "deviceKeys",
                "identities",
                "licenseAssignmentStates",
                "onPremisesProvisioningErrors",
                "provisionedPlans",
                "serviceProvisioningErrors",
            ],
        ),
        (
            Kind::Other,
            &[
                "authorizationInfo",
                "cloudLicensing",
                "cloudRealtimeCommunicationInfo",
                "customSecurityAttributes",
                "employeeOrgData",
                "identityGovernance",
                "mailboxSettings",
                "onPremisesExtensionAttributes",
                "onPremisesSipInfo",
                "passwordProfile",
                "print",
                "signInActivity",
            ],
        ),
    ],
    relations: &[
        "activities",
        "adhocCalls",
        "agreementAcceptances",
        "analytics",
        "appConsentRequestsForApproval",
        "appRoleAssignedResources",
        "appRoleAssignments",
        "approvals",
        "authentication",
        "calendar",
        "calendarGroups",
        "calendarView",
        "calendars",
        "chats",
        "cloudClipboard",
        "cloudPCs",
        "cloudPcPools",
        "communications",
        "contactFolders",
        "contacts",
        "createdObjects",
        "dataSecurityAndGovernance",
        "deviceEnrollmentConfigurations",
        "deviceManagementTroubleshootingEvents",
        "devices",
        "directReports",
        "distributionLists",
        "drive",
        "drives",
        "employeeExperience",
        "events",
        "extensions",
        "followedSites",
        "inferenceClassification",
        "informationProtection",
        "insights",
        "invitedBy",
        "joinedGroups",
        "joinedTeams",
        "licenseDetails",
        "mailFolders",
        "managedAppLogCollectionRequests",
        "managedAppRegistrations",
        "managedDevices",
        "manager",
        "memberOf",
        "messages",
        "mobileAppIntentAndStates",
        "mobileAppTroubleshootingEvents",
        "notifications",
        "oauth2PermissionGrants",
        "onPremisesSyncBehavior",
        "onenote",
        "onlineMeetings",
        "outlook",
        "ownedDevices",
        "ownedObjects",
        "pendingAccessReviewInstances",
        "people",
        "permissionGrants",
        "photo",
        "photos",
        "planner",
        "presence",
        "profile",
        "registeredDevices",
        "scopedRoleMemberOf",
        "security",
        "settings",
        "solutions",
        "sponsorOf",
        "sponsors",
        "teamwork",
        "todo",
        "transitiveMemberOf",
        "transitiveReports",
        "usageRights",
        "virtualEvents",
        "windowsInformationProtectionDeviceRegistrations",
    ],
};

pub(super) static GROUP: Properties = Properties {
    name: "group",
    of_kind: &[
        (
            Kind::Text,
            &[
                "classification",
                "createdByAppId",
                "description",
                "displayName",
                "id",
                "mail",
                "mailNickname",
                "membershipRule",
                "membershipRuleProcessingState",
                "onPremisesDomainName",
                "onPremisesNetBiosName",
                "onPremisesSamAccountName",
                "onPremisesSecurityIdentifier",
                "organizationId",
                "preferredDataLocation",
                "preferredLanguage",
                "securityIdentifier",
                "theme",
                "uniqueName",
                "visibility",
            ],
        ),
        (
            Kind::Flag,
            &[
                "allowExternalSenders",
                "autoSubscribeNewMembers",
                "hasMembersWithLicenseErrors",
                "hideFromAddressLists",
                "hideFromOutlookClients",
                "isArchived",
                "isAssignableToRole",
                "isFavorite",
                "isManagementRestricted",
                "isSubscribedByMail",
                "mailEnabled",
                "onPremisesSyncEnabled",
                "securityEnabled",
                "welcomeMessageEnabled",
            ],
        ),
        (Kind::Number, &["unseenConversationsCount", "unseenCount", "unseenMessagesCount"]),
        (
            Kind::Instant,
            &[
                "createdDateTime",
                "deletedDateTime",
                "expirationDateTime",
                "onPremisesLastSyncDateTime",
                "renewedDateTime",
            ],
        ),
        (
            Kind::Texts,
            &["groupTypes", "infoCatalogs", "proxyAddresses", "resourceBehaviorOptions", "resourceProvisioningOptions"],
        ),
        (
            Kind::List,
            &["assignedLabels", "assignedLicenses", "onPremisesProvisioningErrors", "serviceProvisioningErrors"],
        ),
        (
            Kind::Other,
            &[
                "accessType",
                "cloudLicensing",
                "licenseProcessingState",
                "membershipRuleProcessingStatus",
                "onPremisesExtensionAttributes",
                "writebackConfiguration",
            ],
        ),
    ],
    relations: &[
        "acceptedSenders",
        "appRoleAssignments",
        "calendar",
        "calendarView",
        "conversations",
        "createdOnBehalfOf",
        "drive",
        "drives",
        "endpoints",
        "events",
        "extensions",
        "groupLifecyclePolicies",
        "memberOf",
        "members",
        "membersWithLicenseErrors",
        "onPremisesSyncBehavior",
        "onenote",
        "owners",
        "permissionGrants",
        "photo",
        "photos",
        "planner",
        "rejectedSenders",
        "settings",
        "sites",
        "team",
        "threads",
        "transitiveMemberOf",
        "transitiveMembers",
    ],
};

pub(super) static APPLICATION: Properties = Properties {
    name: "application",
    of_kind: &[
        (
            Kind::Text,
            &[
                "appId",
                "applicationTemplateId",
                "createdByAppId",
                "defaultRedirectUri",
                "description",
                "disabledByMicrosoftStatus",
                "displayName",
                "groupMembershipClaims",
                "id",
                "notes",
                "publisherDomain",
                "samlMetadataUrl",
                "serviceManagementReference",
                "signInAudience",
                "tokenEncryptionKeyId",
                "uniqueName",
            ],
        ),
        (
            Kind::Flag,
            &["isDeviceOnlyAuthSupported", "isDisabled", "isFallbackPublicClient", "oauth2RequirePostResponse"],
        ),
        (Kind::Instant, &["createdDateTime", "deletedDateTime"]),
        (Kind::Texts, &["identifierUris", "managerApplications", "tags"]),
        (Kind::List, &["addIns", "appRoles", "keyCredentials", "passwordCredentials", "requiredResourceAccess"]),
        (
            Kind::Other,
            &[
                "api",
                "authenticationBehaviors",
                "certification",
                "info",
                "logo",
                "nativeAuthenticationApisEnabled",
                "onPremisesPublishing",
                "optionalClaims",
                "parentalControlSettings",
                "publicClient",
                "requestSignatureVerification",
                "servicePrincipalLockConfiguration",
                "signInAudienceRestrictions",
                "spa",
                "verifiedPublisher",
                "web",
                "windows",
            ],
        ),
    ],
    relations: &[
        "appManagementPolicies",
        "claimsMappingPolicies",
        "connectorGroup",
        "createdOnBehalfOf",
        "extensionProperties",
        "federatedIdentityCredentials",
        "homeRealmDiscoveryPolicies",
        "owners",
        "synchronization",
        "tokenIssuancePolicies",
        "tokenLifetimePolicies",
    ],
};

pub(super) static SERVICE_PRINCIPAL: Properties = Properties {
    name: "servicePrincipal",
    of_kind: &[
        (
            Kind::Text,
            &[
                "appDescription",
                "appDisplayName",
                "appId",
                "appOwnerOrganizationId",
                "applicationTemplateId",
                "createdByAppId",
                "description",
                "disabledByMicrosoftStatus",
                "displayName",
                "errorUrl",
                "homepage",
                "id",
                "loginUrl",
                "logoutUrl",
                "notes",
                "preferredSingleSignOnMode",
                "preferredTokenSigningKeyThumbprint",
                "publisherName",
                "samlMetadataUrl",
                "servicePrincipalType",
                "signInAudience",
                "tokenEncryptionKeyId",
            ],
        ),
        (Kind::Flag, &["accountEnabled", "appRoleAssignmentRequired", "isDisabled"]),
        (Kind::Instant, &["deletedDateTime", "preferredTokenSigningKeyEndDateTime"]),
        (
            Kind::Texts,
            &["alternativeNames", "notificationEmailAddresses", "replyUrls", "servicePrincipalNames", "tags"],
        ),
        (
            Kind::List,
            &[
                "addIns",
                "appRoles",
                "keyCredentials",
                "oauth2PermissionScopes",
                "passwordCredentials",
                "publishedPermissionScopes",
                "resourceSpecificApplicationPermissions",
            ],
        ),
        (
            Kind::Other,
            &[
                "customSecurityAttributes",
                "info",
                "passwordSingleSignOnSettings",
                "samlSingleSignOnSettings",
                "verifiedPublisher",
            ],
        ),
    ],
    relations: &[
        "appManagementPolicies",
        "appRoleAssignedTo",
        "appRoleAssignments",
        "claimsMappingPolicies",
        "claimsPolicy",
        "createdObjects",
        "delegatedPermissionClassifications",
        "endpoints",
        "federatedIdentityCredentials",
        "homeRealmDiscoveryPolicies",
        "licenseDetails",
        "memberOf",
        "oauth2PermissionGrants",
        "ownedObjects",
        "owners",
        "permissionGrantPreApprovalPolicies",
        "remoteDesktopSecurityConfiguration",
        "synchronization",
        "tokenIssuancePolicies",
        "tokenLifetimePolicies",
        "transitiveMemberOf",
    ],
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::USER;

    #[test]
    fn what_is_written_is_a_property_and_of_its_kind() {
        for (body, is_good) in [
            (json!({ "displayName": "A", "accountEnabled": false, "businessPhones": ["1"] }), true),
            (json!({ "jobTitle": null, "@odata.type": "#microsoft.graph.user", "extension_1_x": 7 }), true),
            (json!({ "employeeHireDate": "2026-11-01T00:00:00Z", "passwordProfile": {} }), true),
            (json!({ "displayname": "A" }), false),
            (json!({ "color": "red" }), false),
            (json!({ "accountEnabled": "false" }), false),
            (json!({ "businessPhones": "1" }), false),
            (json!({ "businessPhones": [1] }), false),
            (json!({ "employeeHireDate": "soon" }), false),
            (json!({ "passwordProfile": 7 }), false),
            (json!({ "assignedLicenses": ["E5"] }), false),
        ] {
            assert_eq!(USER.check(body.as_object().unwrap()).is_ok(), is_good, "{body}");
        }
        assert!(USER.is_known("DisplayName") && USER.is_known("manager") && !USER.is_known("color"));
    }
}
