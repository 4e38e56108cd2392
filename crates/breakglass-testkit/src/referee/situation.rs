//! How and from where: platform, client application, location, risks, authentication flow. A condition that is
//! not configured matches anything; a value that the request does not give matches nothing that is configured.

use breakglass_model::named_location::{CountryLookupMethod, LocationCoverage, NamedLocation};
use breakglass_model::policy::{
    ConditionalAccessClientApp, ConditionalAccessConditionSet, ConditionalAccessDevicePlatform, InsiderRiskLevel,
    RiskLevel, TransferMethod,
};
use breakglass_model::well_known::MFA_TRUSTED_IPS;

use super::Referee;
use super::answer::Answer;
use super::sign_in::{Platform, SignIn};

pub(super) fn platform(conditions: &ConditionalAccessConditionSet, sign_in: &SignIn<'_>) -> Answer {
    let Some(platforms) = &conditions.platforms else { return Answer::Yes };
    if platforms.include_platforms.is_empty() {
        return Answer::Yes;
    }
    let covers = |entry: &ConditionalAccessDevicePlatform| match (entry, &sign_in.platform) {
        (ConditionalAccessDevicePlatform::All, _) => Answer::Yes,
        (_, Platform::Omitted) => Answer::No,
        (ConditionalAccessDevicePlatform::Unknown(_), _) => Answer::Unknown,
        (entry, Platform::Known(platform)) => Answer::of(entry == platform),
        (_, Platform::Unrecognised) => Answer::No,
    };
    let included = Answer::any(platforms.include_platforms.iter().map(covers));
    let excluded = match sign_in.platform {
        Platform::Omitted => Answer::No,
        Platform::Unrecognised | Platform::Known(_) => Answer::any(platforms.exclude_platforms.iter().map(covers)),
    };
    included.without(excluded)
}

pub(super) fn client_app(conditions: &ConditionalAccessConditionSet, sign_in: &SignIn<'_>) -> Answer {
    use ConditionalAccessClientApp::{All, EasSupported, ExchangeActiveSync, Unknown};
    let configured = &conditions.client_app_types;
    if configured.is_empty() || sign_in.client_app == All {
        return Answer::Yes;
    }
    Answer::any(configured.iter().map(|entry| match (entry, &sign_in.client_app) {
        (All, _) | (ExchangeActiveSync, EasSupported) => Answer::Yes,
        (EasSupported, ExchangeActiveSync) | (Unknown(_), _) => Answer::Unknown,
        (entry, given) => Answer::of(entry == given),
    }))
}

pub(super) fn risk(configured: &[RiskLevel], given: Option<&RiskLevel>) -> Answer {
    if configured.is_empty() {
        return Answer::Yes;
    }
    let given = match given {
        None | Some(RiskLevel::Hidden) => return Answer::No,
        Some(given) => given,
    };
    Answer::any(configured.iter().map(|entry| match entry {
        RiskLevel::Unknown(_) if *given != RiskLevel::None => Answer::Unknown,
        entry => Answer::of(entry == given),
    }))
}

pub(super) fn insider_risk(conditions: &ConditionalAccessConditionSet, sign_in: &SignIn<'_>) -> Answer {
    let configured = &conditions.insider_risk_levels;
    if configured.iter().all(|level| *level == InsiderRiskLevel::None) {
        return Answer::Yes;
    }
    let Some(given) = &sign_in.insider_risk else { return Answer::No };
    Answer::any(configured.iter().map(|entry| match entry {
        InsiderRiskLevel::Unknown(_) if *given != InsiderRiskLevel::None => Answer::Unknown,
        entry => Answer::of(entry == given),
    }))
}

pub(super) fn authentication_flow(conditions: &ConditionalAccessConditionSet, sign_in: &SignIn<'_>) -> Answer {
    let Some(flows) = &conditions.authentication_flows else { return Answer::Yes };
    if flows.transfer_methods.iter().all(|method| *method == TransferMethod::None) {
        return Answer::Yes;
    }
    let Some(given) = &sign_in.transfer_method else { return Answer::No };
    Answer::any(flows.transfer_methods.iter().map(|entry| match entry {
        TransferMethod::Unknown(_) if *given != TransferMethod::None => Answer::Unknown,
        entry => Answer::of(entry == given),
    }))
}

impl Referee<'_> {
    pub(super) fn location(&self, conditions: &ConditionalAccessConditionSet, sign_in: &SignIn<'_>) -> Answer {
        let Some(locations) = &conditions.locations else { return Answer::Yes };
        if locations.include_locations.is_empty() {
            return Answer::Yes;
        }
        let any = |list: &[String]| Answer::any(list.iter().map(|entry| self.is_from_location(entry, sign_in)));
        any(&locations.include_locations).without(any(&locations.exclude_locations))
    }

    fn is_from_location(&self, entry: &str, sign_in: &SignIn<'_>) -> Answer {
        if entry == "All" {
            return Answer::Yes;
        }
        if sign_in.address.is_none() && sign_in.country.is_none() {
            return Answer::No;
        }
        if entry == MFA_TRUSTED_IPS {
            return Answer::Unknown;
        }
        let locations = self.snapshot.named_locations.items().iter();
        let absence = Answer::of_absence(self.snapshot.named_locations.get());
        if entry == "AllTrusted" {
            return Answer::any(locations.filter(|location| is_trusted(location)).map(|it| self.is_in(it, sign_in)))
                .max(absence);
        }
        let mut named = locations.filter(|location| location.id.as_str() == entry);
        named.next().map_or(absence, |location| self.is_in(location, sign_in))
    }

    fn is_in(&self, location: &NamedLocation, sign_in: &SignIn<'_>) -> Answer {
        match location.coverage {
            LocationCoverage::Countries { ref lookup, .. }
                if self.is_unlocated && *lookup != CountryLookupMethod::ClientIpAddress =>
            {
                Answer::Unknown
            }
            _ => is_in(location, sign_in),
        }
    }
}

fn is_trusted(location: &NamedLocation) -> bool {
    match location.coverage {
        LocationCoverage::IpRanges { is_trusted, .. } | LocationCoverage::CompliantNetwork { is_trusted } => is_trusted,
        LocationCoverage::Countries { .. } => false,
        LocationCoverage::Unknown(_) => location.may_be_trusted(),
    }
}

fn is_in(location: &NamedLocation, sign_in: &SignIn<'_>) -> Answer {
    match &location.coverage {
        LocationCoverage::IpRanges { ranges, .. } => {
            let has = |address: u128| ranges.iter().any(|range| range.first <= address && address <= range.last);
            Answer::of(sign_in.address.is_some_and(has))
        }
        LocationCoverage::Countries { countries, include_unknown, .. } => match &sign_in.country {
            Some(country) => Answer::of(countries.contains(country)),
            None => Answer::of(*include_unknown),
        },
        LocationCoverage::CompliantNetwork { .. } | LocationCoverage::Unknown(_) => Answer::Unknown,
    }
}
