//! How long is waited, how often is asked, and how much is read. The door takes [`Limits::default`]; tests take others.

use crate::http::TransportLimits;
use std::time::Duration;

/// How often a request is sent in all.
pub const ATTEMPT_COUNT_MAX: u32 = 8;
/// How often a connection is tried where none stands.
pub const CONNECT_COUNT_MAX: u32 = 3;
/// Seconds of the longest wait that an answer may ask for: whoever asks for more is told to the caller.
pub const RETRY_AFTER_SECONDS_MAX: u64 = 120;
/// Seconds of the first wait where the answer asks for none; each next one is twice as long.
pub const BACK_OFF_SECONDS: u64 = 1;
/// Seconds of the longest such wait.
pub const BACK_OFF_SECONDS_MAX: u64 = 32;
/// Seconds that one request waits in all.
pub const WAIT_SECONDS_MAX: u64 = 300;
/// Seconds before its end at which a token is renewed.
pub const RENEW_SECONDS_BEFORE: u64 = 300;
/// Seconds in which somebody signs in with a browser.
pub const BROWSER_SECONDS_MAX: u64 = 300;
/// Seconds in which a code is entered, whatever the authority allows.
pub const DEVICE_CODE_SECONDS_MAX: u64 = 1_800;
/// Seconds until the Azure CLI answers.
pub const AZURE_CLI_SECONDS_MAX: u64 = 60;

/// The limits of one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of the connections.
    pub transport: TransportLimits,
    /// How often a request is sent in all.
    pub attempts: u32,
    /// How often a connection is tried.
    pub connects: u32,
    /// The longest wait that an answer may ask for.
    pub retry_after: Duration,
    /// The first wait where the answer asks for none.
    pub back_off: Duration,
    /// The longest such wait.
    pub back_off_max: Duration,
    /// How long one request waits in all.
    pub wait: Duration,
    /// How long before its end a token is renewed.
    pub renew_before: Duration,
    /// In which somebody signs in with a browser.
    pub browser: Duration,
    /// In which a code is entered.
    pub device_code: Duration,
    /// Until the Azure CLI answers.
    pub azure_cli: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            transport: TransportLimits::default(),
            attempts: ATTEMPT_COUNT_MAX,
            connects: CONNECT_COUNT_MAX,
            retry_after: Duration::from_secs(RETRY_AFTER_SECONDS_MAX),
            back_off: Duration::from_secs(BACK_OFF_SECONDS),
            back_off_max: Duration::from_secs(BACK_OFF_SECONDS_MAX),
            wait: Duration::from_secs(WAIT_SECONDS_MAX),
            renew_before: Duration::from_secs(RENEW_SECONDS_BEFORE),
            browser: Duration::from_secs(BROWSER_SECONDS_MAX),
            device_code: Duration::from_secs(DEVICE_CODE_SECONDS_MAX),
            azure_cli: Duration::from_secs(AZURE_CLI_SECONDS_MAX),
        }
    }
}
