//! Addresses of servers: a scheme, a host and a port.

use std::net::IpAddr;

use reqwest::Url;

/// An address that is an origin and nothing else; `None` if it has a path, a name or a password, or is not of the web.
pub(crate) fn origin(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let is_nobodys = url.username().is_empty() && url.password().is_none();
    let is_web = matches!(url.scheme(), "https" | "http") && url.host_str().is_some();
    (is_bare && is_nobodys && is_web).then_some(url)
}

/// Whether it is an address of this machine, by its number.
pub(crate) fn is_here(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
