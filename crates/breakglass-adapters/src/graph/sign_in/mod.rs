//! Signing in: one file for each way, and what they share.
//!
//! **Invariant:** secrets, codes and tokens are in types that are wiped, not shown and not copied, and in no error.
//! **Source:** [decision 0009](../../../../../docs/decisions/0009-the-live-client.md).

mod authority;
mod azure_cli;
mod browser;
mod client_certificate;
mod client_secret;
mod device_code;
mod error;
mod form;
pub(in crate::graph) mod password;
mod who;

pub(super) use self::authority::{Authority, Grant};
pub use self::azure_cli::AzureCli;
pub use self::client_certificate::{CERTIFICATE_BYTES_MAX, CertificateError, ClientCertificate};
pub use self::error::{EntraRefusal, SignInError};
pub(super) use self::who::signed_in;
use crate::http::SecretText;

/// Who is asked to sign in: the door, which has a screen.
pub trait Prompt: Send + Sync {
    /// Shows an address that has to be opened in a browser of this machine, or opens it.
    fn open(&self, address: &str);

    /// Shows a code that has to be entered on a page, on whatever machine.
    fn enter_code(&self, code: &DeviceCode<'_>);

    /// Shows what is worth knowing and stops nothing.
    fn note(&self, text: &str);
}

/// A code that somebody enters.
#[derive(Debug, Clone, Copy)]
pub struct DeviceCode<'a> {
    /// The page.
    pub address: &'a str,
    /// The code.
    pub code: &'a str,
    /// Seconds in which it can be entered.
    pub seconds: u64,
}

/// A way to sign in.
#[derive(Debug)]
pub enum Way {
    /// A person enters a code on any machine. Conditional Access often blocks this way.
    DeviceCode,
    /// A person signs in with a browser of this machine.
    Browser,
    /// An application as itself, by a secret.
    ClientSecret(SecretText),
    /// An application as itself, by a certificate.
    ClientCertificate(ClientCertificate),
    /// Whoever the Azure CLI is signed in as.
    AzureCli(AzureCli),
}

impl Way {
    /// Whether it is a person who signs in, so that the sign-in is worth remembering.
    pub(super) fn is_remembered(&self) -> bool {
        matches!(self, Self::DeviceCode | Self::Browser)
    }

    /// Signs in, with what a challenge demands.
    pub(super) async fn sign_in(&self, at: &Authority, claims: Option<&str>) -> Result<Grant, SignInError> {
        match self {
            Self::DeviceCode => device_code::sign_in(at, claims).await,
            Self::Browser => browser::sign_in(at, claims).await,
            Self::ClientSecret(secret) => client_secret::sign_in(at, secret, claims).await,
            Self::ClientCertificate(certificate) => certificate.sign_in(at, claims).await,
            Self::AzureCli(cli) => cli.sign_in(at, claims).await,
        }
    }
}
