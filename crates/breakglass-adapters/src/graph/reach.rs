//! Whether there is a way to a host, and whose certificate it shows. Nothing secret is sent: no token, no cookie.

use jiff::Timestamp;
use reqwest::header::HeaderMap;
use reqwest::{Method, Url};

use super::limits::Limits;
use super::patience::date;
use crate::http::{Authorities, Failure, Proxies, Sent, Transport, TransportError};

/// The way out, without a sign-in.
#[derive(Debug)]
pub struct Route {
    transport: Transport,
    /// The same way with trust in the public authorities alone.
    public: Option<Transport>,
}

/// A host that answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// The status of the answer.
    pub status: u16,
    /// What its clock said.
    pub date: Option<Timestamp>,
    /// Whether its certificate is trusted only because of an authority of ours.
    pub is_of_own_authority: bool,
}

impl Route {
    /// A way out by these proxies, with trust in these authorities besides the public ones.
    ///
    /// # Errors
    /// A setting is of no use.
    pub fn new(limits: &Limits, proxies: &Proxies, authorities: &Authorities) -> Result<Self, TransportError> {
        let public = if authorities.0.is_empty() {
            None
        } else {
            Some(Transport::new(&limits.transport, proxies, &Authorities::default())?)
        };
        Ok(Self { transport: Transport::new(&limits.transport, proxies, authorities)?, public })
    }

    /// Asks for an address, once.
    ///
    /// # Errors
    /// No answer came; why not, for people.
    pub async fn reach(&self, address: &str) -> Result<Reached, String> {
        let reply = self.transport.send(sent(address)?).await.map_err(words)?;
        let is_of_own_authority = match &self.public {
            // Another try cannot help where the certificate is at fault, and nothing else is told apart here.
            Some(public) => {
                matches!(public.send(sent(address)?).await, Err(Failure::NotSent { may_pass: false, .. }))
            }
            None => false,
        };
        Ok(Reached { status: reply.status, date: date(&reply.headers), is_of_own_authority })
    }
}

pub(super) fn sent(address: &str) -> Result<Sent, String> {
    let url = Url::parse(address).map_err(|error| format!("`{address}` is no address: {error}"))?;
    Ok(Sent { method: Method::GET, url, headers: HeaderMap::new(), body: None })
}

pub(super) fn words(failure: Failure) -> String {
    match failure {
        Failure::NotSent { why, .. } | Failure::Lost { why } => why,
        Failure::TooLarge { bytes_max } => format!("the answer is larger than {bytes_max} bytes"),
    }
}
