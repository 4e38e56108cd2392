//! Complex types: what is inside of properties.
//!
//! **Source:** the complex types of v1.0 and beta, both together.

use super::{Kind, Part};

pub(super) static ADD_IN: Part = Part {
    name: "addIn",
    of_kind: &[(Kind::Id, &["id"]), (Kind::Text, &["type"]), (Kind::Parts(&KEY_VALUE), &["properties"])],
};
static KEY_VALUE: Part = Part { name: "keyValue", of_kind: &[(Kind::Text, &["key", "value"])] };

pub(super) static API_APPLICATION: Part = Part {
    name: "apiApplication",
    of_kind: &[
        (Kind::Flag, &["acceptMappedClaims"]),
        (Kind::Ids, &["knownClientApplications"]),
        (Kind::Number, &["requestedAccessTokenVersion"]),
        (Kind::Object, &["tokenEncryptionSetting"]),
        (Kind::Parts(&PERMISSION_SCOPE), &["oauth2PermissionScopes"]),
        (Kind::Parts(&PRE_AUTHORIZED), &["preAuthorizedApplications"]),
    ],
};
static PRE_AUTHORIZED: Part = Part {
    name: "preAuthorizedApplication",
    of_kind: &[(Kind::Text, &["appId"]), (Kind::Texts, &["delegatedPermissionIds", "permissionIds"])],
};
pub(super) static PERMISSION_SCOPE: Part = Part {
    name: "permissionScope",
    of_kind: &[
        (Kind::Id, &["id"]),
        (Kind::Flag, &["isEnabled", "isPrivate"]),
        (
            Kind::Text,
            &[
                "adminConsentDescription",
                "adminConsentDisplayName",
                "origin",
                "type",
                "userConsentDescription",
                "userConsentDisplayName",
                "value",
            ],
        ),
    ],
};

pub(super) static APP_ROLE: Part = Part {
    name: "appRole",
    of_kind: &[
        (Kind::Id, &["id"]),
        (Kind::Flag, &["isEnabled", "isPreAuthorizationRequired", "isPrivate"]),
        (Kind::Text, &["description", "displayName", "origin", "value"]),
        (Kind::Texts, &["allowedMemberTypes"]),
    ],
};

pub(super) static ASSIGNED_LABEL: Part =
    Part { name: "assignedLabel", of_kind: &[(Kind::Text, &["displayName", "labelId"])] };

pub(super) static AUTHORIZATION_INFO: Part =
    Part { name: "authorizationInfo", of_kind: &[(Kind::Texts, &["certificateUserIds"])] };

pub(super) static EMPLOYEE_ORG_DATA: Part =
    Part { name: "employeeOrgData", of_kind: &[(Kind::Text, &["costCenter", "division"])] };

pub(super) static EXTENSION_ATTRIBUTES: Part = Part {
    name: "onPremisesExtensionAttributes",
    of_kind: &[(
        Kind::Text,
        &[
            "extensionAttribute1",
            "extensionAttribute2",
            "extensionAttribute3",
            "extensionAttribute4",
            "extensionAttribute5",
            "extensionAttribute6",
            "extensionAttribute7",
            "extensionAttribute8",
            "extensionAttribute9",
            "extensionAttribute10",
            "extensionAttribute11",
            "extensionAttribute12",
            "extensionAttribute13",
            "extensionAttribute14",
            "extensionAttribute15",
        ],
    )],
};

pub(super) static INFORMATIONAL_URL: Part = Part {
    name: "informationalUrl",
    of_kind: &[(Kind::Text, &["logoUrl", "marketingUrl", "privacyStatementUrl", "supportUrl", "termsOfServiceUrl"])],
};

pub(super) static KEY_CREDENTIAL: Part = Part {
    name: "keyCredential",
    of_kind: &[
        (Kind::Binary, &["customKeyIdentifier", "key"]),
        (Kind::Id, &["keyId"]),
        (Kind::Instant, &["endDateTime", "startDateTime"]),
        (Kind::Flag, &["hasExtendedValue"]),
        (Kind::Text, &["displayName", "type", "usage"]),
    ],
};

pub(super) static LOCK: Part = Part {
    name: "servicePrincipalLockConfiguration",
    of_kind: &[(
        Kind::Flag,
        &[
            "allProperties",
            "credentialsWithUsageSign",
            "credentialsWithUsageVerify",
            "identifierUris",
            "isEnabled",
            "tokenEncryptionKeyId",
        ],
    )],
};

pub(super) static OBJECT_IDENTITY: Part =
    Part { name: "objectIdentity", of_kind: &[(Kind::Text, &["issuer", "issuerAssignedId", "signInType"])] };

pub(super) static OPTIONAL_CLAIMS: Part = Part {
    name: "optionalClaims",
    of_kind: &[(Kind::Parts(&OPTIONAL_CLAIM), &["accessToken", "idToken", "saml2Token"])],
};
static OPTIONAL_CLAIM: Part = Part {
    name: "optionalClaim",
    of_kind: &[
        (Kind::Flag, &["essential"]),
        (Kind::Text, &["name", "source"]),
        (Kind::Texts, &["additionalProperties"]),
    ],
};

pub(super) static PARENTAL_CONTROL: Part = Part {
    name: "parentalControlSettings",
    of_kind: &[(Kind::Text, &["legalAgeGroupRule"]), (Kind::Texts, &["countriesBlockedForMinors"])],
};

pub(super) static PASSWORD_CREDENTIAL: Part = Part {
    name: "passwordCredential",
    of_kind: &[
        (Kind::Binary, &["customKeyIdentifier"]),
        (Kind::Id, &["keyId"]),
        (Kind::Instant, &["endDateTime", "startDateTime"]),
        (Kind::Text, &["displayName", "hint", "secretText"]),
    ],
};

pub(super) static PASSWORD_PROFILE: Part = Part {
    name: "passwordProfile",
    of_kind: &[
        (Kind::Flag, &["forceChangePasswordNextSignIn", "forceChangePasswordNextSignInWithMfa"]),
        (Kind::Text, &["password"]),
    ],
};

pub(super) static PUBLIC_CLIENT: Part =
    Part { name: "publicClientApplication", of_kind: &[(Kind::Texts, &["redirectUris"])] };

pub(super) static REQUIRED_RESOURCE_ACCESS: Part = Part {
    name: "requiredResourceAccess",
    of_kind: &[(Kind::Text, &["resourceAppId"]), (Kind::Parts(&RESOURCE_ACCESS), &["resourceAccess"])],
};
static RESOURCE_ACCESS: Part =
    Part { name: "resourceAccess", of_kind: &[(Kind::Id, &["id"]), (Kind::Text, &["type"])] };

pub(super) static SAML_SETTINGS: Part =
    Part { name: "samlSingleSignOnSettings", of_kind: &[(Kind::Text, &["relayState"])] };

pub(super) static SINGLE_PAGE: Part = Part { name: "spaApplication", of_kind: &[(Kind::Texts, &["redirectUris"])] };

pub(super) static WEB_APPLICATION: Part = Part {
    name: "webApplication",
    of_kind: &[
        (Kind::Flag, &["oauth2AllowImplicitFlow"]),
        (Kind::Text, &["homePageUrl", "logoutUrl"]),
        (Kind::Texts, &["redirectUris"]),
        (Kind::Part(&IMPLICIT_GRANT), &["implicitGrantSettings"]),
        (Kind::Parts(&REDIRECT_URI), &["redirectUriSettings"]),
    ],
};
static IMPLICIT_GRANT: Part = Part {
    name: "implicitGrantSettings",
    of_kind: &[(Kind::Flag, &["enableAccessTokenIssuance", "enableIdTokenIssuance"])],
};
static REDIRECT_URI: Part =
    Part { name: "redirectUriSettings", of_kind: &[(Kind::Number, &["index"]), (Kind::Text, &["uri"])] };
