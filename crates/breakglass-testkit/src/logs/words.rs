//! Words of the log for members of Graph's enumerations.

use breakglass_model::sign_in_record::CONDITION_NAMES;

use crate::tenants::random::Random;

/// One of the words of a table that stand for a member.
pub(super) fn word_for<'t>(
    table: impl Iterator<Item = (&'t str, &'t str)>,
    member: &str,
    random: &mut Random,
) -> &'t str {
    let words: Vec<&str> = table.filter(|(_, own)| *own == member).map(|(word, _)| word).collect();
    random.pick(&words)
}

/// The flag of `conditionsNotSatisfied` for a reason of What If. That of the sign-in risk may be another risk's, and
/// those without a flag are none.
pub(super) fn condition_flag(reason: &str) -> &'static str {
    match reason {
        "users" => "users",
        "workloadIdentities" => "servicePrincipals",
        "application" | "userActions" | "authenticationContext" => "application",
        "devicePlatform" => "devicePlatform",
        "devices" => "deviceState",
        "clientApps" => "clientType",
        "location" => "location",
        "userRisk" => "userRisk",
        "insiderRisk" => "insiderRisk",
        "authenticationFlow" => "authenticationFlows",
        _ => "none",
    }
}

/// Flags as a diagnostic setting writes them.
pub(super) fn flags_number(text: &str) -> u32 {
    let bit = |name: &str| CONDITION_NAMES.iter().find(|(known, _)| *known == name).map(|(_, bit)| *bit);
    text.split(',').filter_map(bit).sum()
}
