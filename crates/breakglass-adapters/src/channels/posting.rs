//! Posting to a provider over HTTPS: what the channels that do so have in common.
//!
//! No redirect is followed: whoever is told is who was named. A provider's own words are not repeated, for it may have been
//! given a secret.
//! **Source:** RFC 9110, sections 10.2.3 (`Retry-After`) and 15; RFC 6585, section 4 (429).
//! **Limits:** [`POST_SECONDS_MAX`], [`POST_ANSWER_BYTES_MAX`].

use std::time::Duration;

use breakglass_ops::ports::Untaken;
use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Url};
use zeroize::Zeroizing;

use super::{later, refused};
use crate::http::{Authorities, Failure, Proxies, Reply, Sent, Transport, TransportError, TransportLimits, is_here};

/// Seconds until an answer is whole.
pub const POST_SECONDS_MAX: u64 = 20;

/// Bytes of an answer that are read: hardly any of it is of interest.
pub const POST_ANSWER_BYTES_MAX: usize = 64 << 10;

/// Why nothing can be posted.
#[derive(Debug, thiserror::Error)]
pub enum PostingError {
    /// The address is none. It is not repeated: a secret may be in it.
    #[error("the address of a channel is none: it is https:// and a host, or http:// and the number of this machine")]
    Address,
    /// There is no way out.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

/// How a provider is reached.
#[derive(Debug, Clone, Copy)]
pub struct WayOut<'w> {
    /// By which proxies.
    pub proxies: &'w Proxies,
    /// Who is trusted besides the public authorities.
    pub authorities: &'w Authorities,
    /// How long an answer is waited for.
    pub answer: Duration,
}

impl<'w> WayOut<'w> {
    /// The way by these, with the usual limit of time.
    #[must_use]
    pub fn new(proxies: &'w Proxies, authorities: &'w Authorities) -> Self {
        Self { proxies, authorities, answer: Duration::from_secs(POST_SECONDS_MAX) }
    }
}

/// An address that is posted to. It may be a secret, hence it cannot be shown.
pub(crate) struct Posting {
    transport: Transport,
    address: Url,
}

impl Posting {
    pub(crate) fn new(address: &str, way: &WayOut<'_>) -> Result<Self, PostingError> {
        let url = Url::parse(address).map_err(|_| PostingError::Address)?;
        let is_secure = url.scheme() == "https" || url.scheme() == "http" && is_here(&url);
        let address = Some(url).filter(|url| is_secure && url.host_str().is_some()).ok_or(PostingError::Address)?;
        let usual = TransportLimits::default();
        let limits = TransportLimits {
            connect: usual.connect.min(way.answer),
            answer: way.answer,
            piece: usual.piece.min(way.answer),
            answer_bytes: POST_ANSWER_BYTES_MAX,
        };
        Ok(Self { transport: Transport::new(&limits, way.proxies, way.authorities)?, address })
    }

    /// Posts a body, which is wiped afterwards. `reason` finds in a refusal what may be repeated of it.
    pub(crate) async fn post(
        &self,
        headers: HeaderMap,
        body: Zeroizing<Vec<u8>>,
        reason: fn(&[u8]) -> Option<String>,
    ) -> Result<Reply, Untaken> {
        let body = Some(Bytes::from_owner(body));
        let sent = Sent { method: Method::POST, url: self.address.clone(), headers, body };
        let reply = self.transport.send(sent).await.map_err(unanswered)?;
        let status = reply.status;
        let said = reason(reply.body.bytes()).map(|said| format!(" ({said})")).unwrap_or_default();
        match status {
            200..=299 => Ok(reply),
            300..=399 => Err(refused(format!("the receiver answers {status}: no redirect is followed"))),
            408 | 425 | 429 | 500..=599 => Err(Untaken::Later {
                why: format!("the receiver answers {status}{said}"),
                retry_after_seconds: retry_after(&reply.headers),
            }),
            401 | 403 => Err(refused(format!(
                "the receiver answers {status}{said}: it does not know who sends; the secret of the channel has to be renewed"
            ))),
            404 | 410 => Err(refused(format!(
                "the receiver answers {status}{said}: there is nobody at the address of the channel (any more)"
            ))),
            status => Err(refused(format!(
                "the receiver answers {status}{said}: it does not take what is sent; look at the settings of the channel"
            ))),
        }
    }
}

/// Of a refusal nothing is repeated.
pub(crate) fn no_reason(_: &[u8]) -> Option<String> {
    None
}

/// The headers of a body in JSON.
pub(crate) fn json_headers() -> HeaderMap {
    HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))])
}

fn unanswered(failure: Failure) -> Untaken {
    match failure {
        Failure::NotSent { why, .. } | Failure::Lost { why } => later(why),
        Failure::TooLarge { bytes_max } => later(format!("the answer has more than {bytes_max} bytes")),
    }
}

/// Seconds that a receiver wants to be left alone; a date is not read.
fn retry_after(headers: &HeaderMap) -> Option<i64> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse::<u32>().ok().map(i64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_secured_or_of_this_machine_and_never_repeated() {
        let (proxies, authorities) = (Proxies::default(), Authorities::default());
        let way = WayOut::new(&proxies, &authorities);
        for (address, is_good) in [
            ("https://hooks.example.com/hush?sig=hush", true),
            ("http://127.0.0.1:8080/hush", true),
            ("http://[::1]:8080/hush", true),
            ("http://hooks.example.com/hush", false),
            ("http://localhost/hush", false),
            ("ftp://127.0.0.1/hush", false),
            ("mailto:hush", false),
            ("hush", false),
            ("", false),
        ] {
            let posting = Posting::new(address, &way).map(|_| ());
            assert_eq!(posting.is_ok(), is_good, "{address}");
            assert!(!format!("{posting:?}").contains("hush"));
        }
    }

    #[test]
    fn seconds_are_read_and_nothing_else() {
        for (text, expected) in [
            ("30", Some(30)),
            (" 30 ", Some(30)),
            ("-5", None),
            ("99999999999", None),
            ("Wed, 21 Oct 2026 07:28:00 GMT", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_str(text).unwrap())]);
            assert_eq!(retry_after(&headers), expected, "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
