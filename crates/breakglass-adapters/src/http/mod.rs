//! HTTPS, for everything that is asked over the network: how requests get there, who is trusted on the way, and how secrets
//! in them are wiped.
//!
//! **Invariant:** the environment is not read, no redirect is followed, and nothing is sent twice unless the caller says so.
//! **Source:** [decision 0009](../../../../docs/decisions/0009-the-live-client.md).

mod authorities;
mod limits;
mod origin;
mod secret;
mod transport;

pub use self::authorities::{AUTHORITIES_BYTES_MAX, Authorities, AuthoritiesError};
pub use self::limits::{
    ANSWER_BYTES_MAX, ANSWER_SECONDS_MAX, CONNECT_SECONDS_MAX, PIECE_SECONDS_MAX, REFUSAL_BYTES_MAX, TransportLimits,
};
pub(crate) use self::origin::{is_here, origin};
pub(crate) use self::secret::Gathered;
pub use self::secret::SecretText;
pub(crate) use self::transport::{Failure, Reply, Sent, Transport};
pub use self::transport::{Proxies, TransportError};
