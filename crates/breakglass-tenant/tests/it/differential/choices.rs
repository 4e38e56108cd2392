//! Everything that somebody could try.

use breakglass_engine::lockout::goal::Surface;

use super::Failed;
use super::tenants::{Kind, Method, Person, Small};

pub(super) const POWERSHELL: &str = "14d82eec-204b-4c2f-b7e8-296a70dab67e";
pub(super) const EXPLORER: &str = "de8bc8b5-d9f9-48b1-a8ad-b748da725064";
pub(super) const PORTAL: &str = "c44b4083-3bb0-49c1-b47d-974e53cbdf3c";
pub(super) const M365: &str = "00000006-0000-0ff1-ce00-000000000000";
/// Browsers and systems by which a platform is known; the last is one that is not recognised.
const AGENTS: [&str; 6] = ["Windows NT 10.0", "Mac OS X", "Linux", "Android 15", "iPhone", "BeOS"];
const LEVELS: [&str; 4] = ["none", "low", "medium", "high"];
pub(super) const GRAPH_SCOPE: &str = "https://graph.microsoft.com/.default openid";
pub(super) const MANAGER_SCOPE: &str = "https://management.core.windows.net//.default openid";

/// One thing that somebody can try.
#[derive(Debug, Clone)]
pub(super) struct Choice<'t> {
    pub(super) person: &'t Person,
    pub(super) client: &'static str,
    pub(super) scope: &'static str,
    pub(super) address: &'static str,
    pub(super) device: Option<&'t str>,
    pub(super) agent: &'static str,
    pub(super) method: Option<&'t Method>,
}

/// Everything that somebody could try at a surface.
pub(super) fn choices<'t>(small: &'t Small, person: &'t Person, surface: Surface) -> Vec<Choice<'t>> {
    match surface {
        Surface::Graph => choices_of(small, person, &[POWERSHELL, EXPLORER]),
        Surface::Portal => choices_of(small, person, &[PORTAL]),
        Surface::Azure => {
            choices_of(small, person, &["04b07795-8ddb-461a-bbee-02f9e1bf7b46", "1950a258-227b-4e31-a9cf-717495945fc2"])
        }
        Surface::M365 => choices_of(small, person, &[M365]),
    }
}

/// What is asked for by a tool: the portals sign in to themselves.
pub(super) fn scope_of(client: &str) -> &'static str {
    match client {
        POWERSHELL | EXPLORER => GRAPH_SCOPE,
        PORTAL => "c44b4083-3bb0-49c1-b47d-974e53cbdf3c/.default openid",
        M365 => "00000006-0000-0ff1-ce00-000000000000/.default openid",
        _ => MANAGER_SCOPE,
    }
}

/// Everything that somebody could try at some tools.
pub(super) fn choices_of<'t>(small: &'t Small, person: &'t Person, clients: &[&'static str]) -> Vec<Choice<'t>> {
    let unmanaged: &[&str] = if small.has_platforms { &AGENTS } else { &AGENTS[..1] };
    let mut devices: Vec<(Option<&str>, &'static str)> = unmanaged.iter().map(|agent| (None, *agent)).collect();
    for (id, system) in &person.devices {
        let agent = match *system {
            "Windows" => AGENTS[0],
            "MacMDM" => AGENTS[1],
            "Linux" => AGENTS[2],
            "Android" => AGENTS[3],
            _ => AGENTS[4],
        };
        devices.push((Some(id), agent));
    }
    let mut choices = Vec::new();
    for client in clients {
        for address in &small.addresses {
            for (device, agent) in &devices {
                for method in std::iter::once(None).chain(person.methods.iter().map(Some)) {
                    let (device, agent, scope) = (*device, *agent, scope_of(client));
                    choices.push(Choice { person, client, scope, address, device, agent, method });
                }
            }
        }
    }
    choices
}

/// Whether what somebody needs at hand is left to them.
pub(super) fn is_possible(choice: &Choice<'_>, failed: &Failed) -> bool {
    let is_up = |component: String| !failed.contains(&component);
    let id = &choice.person.id;
    let is_instead = choice.method.is_some_and(|method| matches!(method.kind, Kind::Pass | Kind::Passkey));
    (is_instead || is_up(format!("password:{id}"))) && is_at_hand(choice, failed)
}

/// The same, but for the password.
pub(super) fn is_at_hand(choice: &Choice<'_>, failed: &Failed) -> bool {
    let is_up = |component: String| !failed.contains(&component);
    let id = &choice.person.id;
    is_up(format!("account:{id}"))
        && choice.method.is_none_or(|method| is_up(format!("method:{id}#{}", method.id)))
        && choice.device.is_none_or(|device| is_up(format!("device:{device}")))
}

/// The levels of risk (of the user, of the sign-in) that may be reported of somebody.
pub(super) fn natures(person: &Person, failed: &Failed) -> Vec<(&'static str, &'static str)> {
    let levels = |risk: &str| -> &'static [&'static str] {
        if failed.contains(&format!("quiet:{risk}:{}", person.id)) { &LEVELS } else { &LEVELS[..1] }
    };
    let of_sign_in = levels("signin-risk");
    levels("user-risk").iter().flat_map(|user| of_sign_in.iter().map(|sign_in| (*user, *sign_in))).collect()
}
