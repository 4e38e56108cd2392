//! Which cloud a tenant is in: where somebody signs in, and where its Graph and its Azure are.
//!
//! **Source:** "National clouds" (learn.microsoft.com/entra/identity-platform/authentication-national-cloud) for the
//! authorities, "Microsoft Graph national cloud deployments" (learn.microsoft.com/graph/deployments) for Graph, both read
//! 2026-11-26. For China the second still has an older authority, `login.chinacloudapi.cn`; the first is newer.

use reqwest::Url;

use crate::http::{is_here, origin};

/// A cloud, by its origins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cloud {
    login: Url,
    graph: Url,
    azure: Option<Url>,
}

/// Names of the clouds that are known, with the origins of the authority and of Graph.
pub const CLOUDS: [(&str, &str, &str); 4] = [
    ("public", "https://login.microsoftonline.com", "https://graph.microsoft.com"),
    ("us-government", "https://login.microsoftonline.us", "https://graph.microsoft.us"),
    ("us-government-dod", "https://login.microsoftonline.us", "https://dod-graph.microsoft.us"),
    ("china", "https://login.partner.microsoftonline.cn", "https://microsoftgraph.chinacloudapi.cn"),
];

/// Origins of Azure Resource Manager of the same clouds. Both of the United States government have one.
///
/// **Source:** "Azure Government endpoint mapping", "Azure China developer guide", read 2026-11-27.
const AZURES: [(&str, &str); 4] = [
    ("public", "https://management.azure.com"),
    ("us-government", "https://management.usgovcloudapi.net"),
    ("us-government-dod", "https://management.usgovcloudapi.net"),
    ("china", "https://management.chinacloudapi.cn"),
];

/// Why there is no such cloud.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloudError {
    /// No cloud has this name.
    #[error("there is no cloud `{0}`: it is one of public, us-government, us-government-dod and china")]
    Unknown(String),
    /// It is no origin.
    #[error("`{0}` is no origin: give a scheme, a host and perhaps a port, as in https://127.0.0.1:8443")]
    NotOrigin(String),
    /// Tokens would be sent in the clear.
    #[error("`{0}` is not secured: tokens are sent over https alone")]
    NotSecured(String),
}

impl Cloud {
    /// A cloud of [`CLOUDS`]. Tenants of Microsoft 365 GCC are in `public`, those of GCC High in `us-government`.
    ///
    /// # Errors
    /// None has this name.
    pub fn named(name: &str) -> Result<Self, CloudError> {
        let found = CLOUDS.iter().find(|(known, ..)| *known == name);
        let (_, login, graph) = found.ok_or_else(|| CloudError::Unknown(name.to_owned()))?;
        let cloud = Self::custom(login, graph)?;
        let azure = AZURES.iter().find(|(known, _)| *known == name);
        azure.map_or(Ok(cloud.clone()), |(_, azure)| cloud.with_azure(azure))
    }

    /// A cloud of one's own, as the embedded tenant is, by the origins of its authority and its Graph.
    ///
    /// # Errors
    /// One is no origin, or not secured.
    pub fn custom(login: &str, graph: &str) -> Result<Self, CloudError> {
        Ok(Self { login: secured(login)?, graph: secured(graph)?, azure: None })
    }

    /// The same with an Azure, by the origin of its Resource Manager.
    ///
    /// # Errors
    /// It is no origin, or not secured.
    pub fn with_azure(self, azure: &str) -> Result<Self, CloudError> {
        Ok(Self { azure: Some(secured(azure)?), ..self })
    }

    /// The same, where an origin of this machine may also be plain HTTP. For tests: no token of a tenant that matters is
    /// sent in the clear, not even here.
    ///
    /// # Errors
    /// One is no origin, or neither secured nor of this machine.
    pub fn custom_with_loopback_http(login: &str, graph: &str) -> Result<Self, CloudError> {
        let allowed = |text: &str| {
            let url = known(text)?;
            if is_here(&url) { Ok(url) } else { secured(text) }
        };
        Ok(Self { login: allowed(login)?, graph: allowed(graph)?, azure: None })
    }

    /// The origin of Graph, without a slash behind it.
    #[must_use]
    pub fn graph(&self) -> &str {
        self.graph.as_str().trim_end_matches('/')
    }

    /// The origin of Azure Resource Manager, without a slash behind it; `None` where nobody said.
    #[must_use]
    pub fn azure(&self) -> Option<&str> {
        self.azure.as_ref().map(|url| url.as_str().trim_end_matches('/'))
    }

    /// The origin of the authority, without a slash behind it.
    #[must_use]
    pub fn login(&self) -> &str {
        self.login.as_str().trim_end_matches('/')
    }

    /// Whether an address is of this cloud's Graph, to the letter of scheme, host and port.
    pub(super) fn is_graph(&self, url: &Url) -> bool {
        url.origin() == self.graph.origin() && url.username().is_empty() && url.password().is_none()
    }
}

fn secured(text: &str) -> Result<Url, CloudError> {
    let url = known(text)?;
    if url.scheme() == "https" { Ok(url) } else { Err(CloudError::NotSecured(text.to_owned())) }
}

fn known(text: &str) -> Result<Url, CloudError> {
    origin(text).ok_or_else(|| CloudError::NotOrigin(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cloud_of_the_table_is_one() {
        for (name, login, graph) in CLOUDS {
            let cloud = Cloud::named(name).unwrap();
            assert_eq!((cloud.login(), cloud.graph()), (login, graph));
            assert!(cloud.azure().is_some_and(|azure| azure.starts_with("https://management.")), "{name}");
        }
        assert_eq!(Cloud::named("germany"), Err(CloudError::Unknown("germany".to_owned())));
    }

    #[test]
    fn an_origin_is_secured_and_bare() {
        let good = "https://127.0.0.1:8443";
        assert!(Cloud::custom(good, "https://[::1]:8443/").is_ok());
        for wrong in ["", "127.0.0.1:8443", "https://a@h", "https://h/v1.0", "https://h?q", "https://h#f", "ftp://h"] {
            assert!(matches!(Cloud::custom(good, wrong), Err(CloudError::NotOrigin(_))), "{wrong}");
        }
        assert!(matches!(Cloud::custom("http://127.0.0.1", good), Err(CloudError::NotSecured(_))));
        assert!(Cloud::custom_with_loopback_http("http://127.0.0.1:80", good).is_ok());
        for elsewhere in ["http://10.0.0.1", "http://localhost", "http://graph.microsoft.com"] {
            assert!(Cloud::custom_with_loopback_http(elsewhere, good).is_err(), "{elsewhere}");
        }
    }

    #[test]
    fn only_the_very_origin_is_graph() {
        let cloud = Cloud::named("public").unwrap();
        for (address, expected) in [
            ("https://graph.microsoft.com/v1.0/users?$skiptoken=x", true),
            ("https://graph.microsoft.com:443/v1.0/users", true),
            ("https://GRAPH.microsoft.com/v1.0/users", true),
            ("http://graph.microsoft.com/v1.0/users", false),
            ("https://graph.microsoft.com:8443/v1.0/users", false),
            ("https://graph.microsoft.com.evil.example/v1.0/users", false),
            ("https://graph.microsoft.us/v1.0/users", false),
            ("https://somebody@graph.microsoft.com/v1.0/users", false),
        ] {
            assert_eq!(cloud.is_graph(&Url::parse(address).unwrap()), expected, "{address}");
        }
    }
}
