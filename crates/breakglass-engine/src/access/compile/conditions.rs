//! The conditions that compare one value of the sign-in with a list: platform, client application, risks,
//! authentication flow. Each value that a sign-in can have is a row; a value that is left out is one as well.
//!
//! **Source:** the conditions documentation of Conditional Access and the parameters of `evaluate`: a value that is
//! left out does not match a configured condition.

use breakglass_model::policy::{
    ConditionalAccessClientApp as Client, ConditionalAccessDevicePlatform as Platform, ConditionalAccessPlatforms,
    InsiderRiskLevel, RiskLevel, TransferMethod,
};

use crate::access::trit::Trit;

/// Rows of the platform table.
pub(crate) const PLATFORMS: [Platform; 6] =
    [Platform::Android, Platform::IOs, Platform::Windows, Platform::WindowsPhone, Platform::MacOs, Platform::Linux];
/// Row of a platform that the user agent does not tell.
pub(crate) const PLATFORM_UNKNOWN: u8 = 6;
/// Row of a request without a platform.
pub(crate) const PLATFORM_UNSAID: u8 = 7;
pub(super) const PLATFORM_ROWS: usize = 8;

/// Rows of the client application table; the last is `all`, which an omitted one counts as.
pub(crate) const CLIENTS: [Client; 6] = [
    Client::Browser,
    Client::MobileAppsAndDesktopClients,
    Client::ExchangeActiveSync,
    Client::EasSupported,
    Client::Other,
    Client::All,
];
/// Row of an omitted client application.
pub(crate) const CLIENT_ALL: u8 = 5;

/// Rows of the risk tables; the last is an omitted level.
pub(crate) const RISKS: [RiskLevel; 5] =
    [RiskLevel::Low, RiskLevel::Medium, RiskLevel::High, RiskLevel::Hidden, RiskLevel::None];
/// Row of an omitted risk level.
pub(crate) const RISK_UNSAID: u8 = 5;
pub(super) const RISK_ROWS: usize = 6;

/// Rows of the insider risk table; the last is an omitted level.
pub(crate) const INSIDER_RISKS: [InsiderRiskLevel; 4] =
    [InsiderRiskLevel::None, InsiderRiskLevel::Minor, InsiderRiskLevel::Moderate, InsiderRiskLevel::Elevated];
/// Row of an omitted insider risk level.
pub(crate) const INSIDER_RISK_UNSAID: u8 = 4;
pub(super) const INSIDER_RISK_ROWS: usize = 5;

/// Rows of the authentication flow table; the last is an omitted one.
pub(crate) const FLOWS: [TransferMethod; 3] =
    [TransferMethod::None, TransferMethod::DeviceCodeFlow, TransferMethod::AuthenticationTransfer];
/// Row of an omitted authentication flow.
pub(crate) const FLOW_UNSAID: u8 = 3;
pub(super) const FLOW_ROWS: usize = 4;

pub(super) fn platform(
    condition: Option<&ConditionalAccessPlatforms>,
    platform: Option<&Platform>,
    is_unknown_platform: bool,
) -> Trit {
    let Some(condition) = condition.filter(|condition| !condition.include_platforms.is_empty()) else {
        return Trit::Yes;
    };
    let names = |list: &[Platform]| -> Trit {
        if platform.is_some_and(|platform| list.contains(platform)) || list.contains(&Platform::All) {
            Trit::Yes
        } else if (platform.is_some() || is_unknown_platform)
            && list.iter().any(|item| matches!(item, Platform::Unknown(_)))
        {
            Trit::Unknown
        } else {
            Trit::No
        }
    };
    // What the request does not say, no exclusion can name.
    let is_said = platform.is_some() || is_unknown_platform;
    let excluded = if is_said { names(&condition.exclude_platforms) } else { Trit::No };
    names(&condition.include_platforms).and(excluded.negated())
}

pub(super) fn client_app(configured: &[Client], client: &Client) -> Trit {
    if configured.is_empty()
        || configured.contains(&Client::All)
        || *client == Client::All
        || configured.contains(client)
    {
        return Trit::Yes;
    }
    match client {
        Client::ExchangeActiveSync if configured.contains(&Client::EasSupported) => Trit::Unknown,
        Client::EasSupported if configured.contains(&Client::ExchangeActiveSync) => Trit::Yes,
        _ if configured.iter().any(|item| matches!(item, Client::Unknown(_))) => Trit::Unknown,
        _ => Trit::No,
    }
}

pub(super) fn transfer_method(configured: &[TransferMethod], flow: Option<&TransferMethod>) -> Trit {
    let is_configured = configured.iter().any(|method| *method != TransferMethod::None);
    match flow {
        _ if !is_configured => Trit::Yes,
        None => Trit::No,
        Some(flow) if configured.contains(flow) => Trit::Yes,
        Some(TransferMethod::None) => Trit::No,
        Some(_) if configured.iter().any(|method| matches!(method, TransferMethod::Unknown(_))) => Trit::Unknown,
        Some(_) => Trit::No,
    }
}

pub(super) fn risk(configured: &[RiskLevel], level: Option<&RiskLevel>) -> Trit {
    match level {
        _ if configured.is_empty() => Trit::Yes,
        None | Some(RiskLevel::Hidden) => Trit::No,
        Some(level) if configured.contains(level) => Trit::Yes,
        Some(RiskLevel::None) => Trit::No,
        Some(_) if configured.iter().any(|item| matches!(item, RiskLevel::Unknown(_))) => Trit::Unknown,
        Some(_) => Trit::No,
    }
}

pub(super) fn insider_risk(configured: &[InsiderRiskLevel], level: Option<&InsiderRiskLevel>) -> Trit {
    let is_configured = configured.iter().any(|item| *item != InsiderRiskLevel::None);
    match level {
        _ if !is_configured => Trit::Yes,
        None => Trit::No,
        Some(level) if configured.contains(level) => Trit::Yes,
        Some(InsiderRiskLevel::None) => Trit::No,
        Some(_) if configured.iter().any(|item| matches!(item, InsiderRiskLevel::Unknown(_))) => Trit::Unknown,
        Some(_) => Trit::No,
    }
}
