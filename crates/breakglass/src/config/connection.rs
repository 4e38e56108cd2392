//! `[tenant]`: which tenant is asked, where it is, and who signs in; `[exclusion]`: the group that carries the exclusion.

use std::path::{Path, PathBuf};

use breakglass_ops::setup::{Protection, Reach, Wanted, WantedAccount};
use serde::Deserialize;
use toml::Spanned;

use super::{Contradiction, NonEmpty, ProfileName, optional};

/// Files with certificate authorities that may be named.
const AUTHORITY_FILE_COUNT_MAX: usize = 100;

/// The application that people sign in to unless it is said otherwise: Microsoft Graph Command Line Tools, which every
/// tenant knows.
///
/// **Source:** "Application IDs of commonly used Microsoft applications".
const CLIENT_ID_USUAL: &str = "14d82eec-204b-4c2f-b7e8-296a70dab67e";

/// Name of the group unless it is said otherwise.
pub(crate) const GROUP_USUAL: &str = "Emergency access - excluded from Conditional Access";

/// Name of the unit unless it is said otherwise.
const UNIT_USUAL: &str = "Emergency access";

/// How somebody signs in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SignInName {
    /// A person, with a code that is entered on any machine
    #[default]
    DeviceCode,
    /// A person, with the browser of this machine
    Browser,
    /// An application, by the secret in the variable BREAKGLASS_CLIENT_SECRET
    ClientSecret,
    /// An application, by the certificate that the configuration names
    ClientCertificate,
    /// Whoever the Azure CLI is signed in as
    AzureCli,
}

/// `[tenant]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TenantSection {
    pub(super) id: Option<NonEmpty>,
    name: Option<NonEmpty>,
    cloud: Option<Spanned<NonEmpty>>,
    login: Option<Spanned<NonEmpty>>,
    graph: Option<Spanned<NonEmpty>>,
    azure: Option<Spanned<NonEmpty>>,
    authorities: Vec<NonEmpty>,
    sign_in: Option<SignInName>,
    client_id: Option<NonEmpty>,
    certificate: Option<NonEmpty>,
    proxy: Option<NonEmpty>,
}

/// Where the tenant is and who asks.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    /// The tenant.
    pub(crate) tenant: Option<String>,
    /// What people call it.
    pub(crate) name: Option<String>,
    /// A cloud by its name; `None` for one of its own.
    pub(crate) cloud: Option<String>,
    /// The origins of login and Graph of a cloud of its own.
    pub(crate) origins: Option<(String, String)>,
    /// The origin of Azure Resource Manager of a cloud of its own.
    pub(crate) azure: Option<String>,
    /// Files with certificate authorities.
    pub(crate) authorities: Vec<PathBuf>,
    /// How somebody signs in.
    pub(crate) sign_in: SignInName,
    /// The application that asks.
    pub(crate) client_id: String,
    /// File with the certificate and the key of an application.
    pub(crate) certificate: Option<PathBuf>,
    /// Address of the proxy.
    pub(crate) proxy: Option<String>,
}

impl Connection {
    /// Where an administrator signs in to repair it.
    ///
    /// **Source:** "National clouds": the Microsoft Entra admin center of each.
    pub(crate) fn portal(&self) -> String {
        match (&self.origins, self.cloud.as_deref()) {
            (Some((login, _)), _) => login.clone(),
            (None, Some("us-government" | "us-government-dod")) => "https://entra.microsoft.us".to_owned(),
            (None, Some("china")) => "https://entra.microsoftonline.cn".to_owned(),
            _ => "https://entra.microsoft.com".to_owned(),
        }
    }
}

impl TenantSection {
    pub(super) fn check(&self) -> Result<(), Contradiction> {
        let at =
            |one: &Spanned<NonEmpty>, message: &str| Contradiction { message: message.to_owned(), span: one.span() };
        if let (Some(azure), None) = (&self.azure, &self.login) {
            return Err(at(azure, "`azure` is for a cloud of one's own, with `login` and `graph` beside it"));
        }
        match (&self.cloud, &self.login, &self.graph) {
            (Some(cloud), Some(_), _) | (Some(cloud), _, Some(_)) => {
                Err(at(cloud, "`cloud` names one that is known, and `login` and `graph` one that is not"))
            }
            (_, Some(login), None) => Err(at(login, "`login` needs `graph` beside it")),
            (_, None, Some(graph)) => Err(at(graph, "`graph` needs `login` beside it")),
            _ => super::at_most(AUTHORITY_FILE_COUNT_MAX, "files with authorities", self.authorities.len()),
        }
    }

    /// What it says; paths are from the folder of the configuration.
    pub(super) fn connection(&self, folder: &Path) -> Connection {
        let text = |one: &Option<Spanned<NonEmpty>>| one.as_ref().map(|text| text.get_ref().0.clone());
        let origins = text(&self.login).zip(text(&self.graph));
        let cloud = text(&self.cloud).or_else(|| origins.is_none().then(|| "public".to_owned()));
        Connection {
            tenant: optional(self.id.as_ref()),
            name: optional(self.name.as_ref()),
            cloud: cloud.filter(|_| origins.is_none()),
            origins,
            azure: text(&self.azure),
            authorities: self.authorities.iter().map(|path| folder.join(&path.0)).collect(),
            sign_in: self.sign_in.unwrap_or_default(),
            client_id: optional(self.client_id.as_ref()).unwrap_or_else(|| CLIENT_ID_USUAL.to_owned()),
            certificate: self.certificate.as_ref().map(|path| folder.join(&path.0)),
            proxy: optional(self.proxy.as_ref()),
        }
    }
}

/// What protects the group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ProtectionName {
    #[default]
    RoleAssignable,
    RestrictedUnit,
}

/// `[exclusion]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ExclusionSection {
    group: Option<NonEmpty>,
    protection: ProtectionName,
    unit: Option<Spanned<NonEmpty>>,
}

impl ExclusionSection {
    pub(super) fn check(&self) -> Result<(), Contradiction> {
        match (&self.unit, self.protection) {
            (Some(unit), ProtectionName::RoleAssignable) => Err(Contradiction {
                message:
                    "`unit` is for `protection = \"restricted-unit\"`; a role-assignable group in a restricted unit \
                          has members that nobody can change"
                        .to_owned(),
                span: unit.span(),
            }),
            _ => Ok(()),
        }
    }

    /// The arrangement with these accounts.
    pub(super) fn wanted(&self, accounts: Vec<WantedAccount>, profile: ProfileName) -> Wanted {
        let unit = self.unit.as_ref().map_or_else(|| UNIT_USUAL.to_owned(), |unit| unit.get_ref().0.clone());
        let is_classic = profile == ProfileName::Classic;
        Wanted {
            accounts,
            group: optional(self.group.as_ref()).unwrap_or_else(|| GROUP_USUAL.to_owned()),
            protection: match self.protection {
                ProtectionName::RoleAssignable => Protection::RoleAssignable,
                ProtectionName::RestrictedUnit => Protection::RestrictedUnit { name: unit },
            },
            reach: if is_classic { Reach::EveryPolicy } else { Reach::WhateverMayBlock },
            has_passkeys: !is_classic,
            forbidden_names: Vec::new(),
            wanted_name_parts: Vec::new(),
        }
    }
}
