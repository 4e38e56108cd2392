//! A tenant behind Microsoft Graph, over the network: the port [`Directory`](breakglass_ops::ports::Directory).
//!
//! [`GraphClient`] sends requests, [`http`](crate::http) gets them there, `session` has the tokens, [`sign_in`] brings them.
//! [`TenantSurfaces`] signs in with a password, to see whether it gets in. [`Route`] looks whether there is a way there at all.
//!
//! **Invariant:** a token goes to the Graph of its cloud, or the surface that it is for, and nowhere else; no redirect is followed; the environment is not
//! read.
//! **Invariant:** secrets and tokens are in no error, no note and no text of a value.
//! **Source:** [decision 0009](../../../../docs/decisions/0009-the-live-client.md).

mod body;
mod client;
mod cloud;
mod gate;
mod key_store;
mod limits;
mod patience;
mod reach;
mod refusal;
mod session;
pub mod sign_in;
mod surfaces;
mod token_cache;

pub use self::client::{GraphClient, Settings, SettingsError, Surroundings};
pub use self::cloud::{CLOUDS, Cloud, CloudError};
pub use self::key_store::{KEY_BYTES, Key, KeyStore, KeyStoreError, SystemKeyStore};
pub use self::limits::{
    ATTEMPT_COUNT_MAX, AZURE_CLI_SECONDS_MAX, BACK_OFF_SECONDS, BACK_OFF_SECONDS_MAX, BROWSER_SECONDS_MAX,
    CONNECT_COUNT_MAX, DEVICE_CODE_SECONDS_MAX, Limits, RENEW_SECONDS_BEFORE, RETRY_AFTER_SECONDS_MAX,
    WAIT_SECONDS_MAX,
};
pub use self::reach::{Reached, Route};
pub use self::surfaces::TenantSurfaces;
pub use self::token_cache::{FILE_BYTES_MAX, TokenCache};
