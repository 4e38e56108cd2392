//! Policies compiled into bit masks: for every value that a sign-in can have, one bit per policy says whether
//! the policy's condition on it holds for sure (`sure`) and whether it may hold (`may`).
//!
//! A sign-in is then the intersection of a few masks. The order of bits is the order of the policies in the
//! snapshot; disabled and deleted policies have no bit set anywhere that decides.
//!
//! **Limits:** [`POLICY_COUNT_MAX`] policies (Entra allows 240; 244 were seen).

mod conditions;
mod grants;
mod masks;

use std::collections::BTreeMap;

use breakglass_model::named_location::{CountryLookupMethod, LocationCoverage, NamedLocation};
use breakglass_model::policy::{
    ConditionalAccessLocations, ConditionalAccessPolicy, ConditionalAccessPolicyState as State, FilterMode,
    UnknownKind, known_after_apply,
};
use breakglass_model::snapshot::Snapshot;
use breakglass_model::well_known::MFA_TRUSTED_IPS;

pub(crate) use conditions::{
    CLIENT_ALL, CLIENTS, FLOW_UNSAID, FLOWS, INSIDER_RISK_UNSAID, INSIDER_RISKS, PLATFORM_UNKNOWN, PLATFORM_UNSAID,
    PLATFORMS, RISK_UNSAID, RISKS,
};
pub(crate) use grants::{GRANT_OUTCOMES, GrantMasks};
pub(crate) use masks::Masks;

use super::demand::Demand;
use super::device_filter::{DeviceFilter, PartialDevice};
use super::locations::{AddressMap, Countries};
use super::situation::Situation;
use super::trit::Trit;
use conditions::{
    FLOW_ROWS, INSIDER_RISK_ROWS, PLATFORM_ROWS, RISK_ROWS, client_app, insider_risk, platform, risk, transfer_method,
};
use grants::compile_grants;

/// Policies of one tenant; a snapshot with more is refused.
pub const POLICY_COUNT_MAX: usize = 1_024;

/// Location masks: included or excluded by address, and by country.
#[derive(Debug, Clone, Default)]
pub(crate) struct LocationMasks {
    pub(crate) include_by_address: Masks,
    pub(crate) exclude_by_address: Masks,
    pub(crate) include_by_country: Masks,
    pub(crate) exclude_by_country: Masks,
    /// The rows by address once more, what is included beside what is excluded: deciding needs both, and finds them in
    /// one place.
    pub(crate) address_pairs: PairMasks,
    /// The same by country.
    pub(crate) country_pairs: PairMasks,
    /// The rows by country for a sign-in of which it is not told where Microsoft Authenticator would say it is; nothing
    /// where no location asks that.
    pub(crate) unlocated_country_pairs: Option<PairMasks>,
}

/// Rows of two halves: what is included, and what is to be taken away from it. Where the one is for sure, the other may
/// be, and the other way round.
#[derive(Debug, Clone, Default)]
pub(crate) struct PairMasks {
    pub(crate) sure: Vec<u64>,
    pub(crate) may: Vec<u64>,
}

impl PairMasks {
    fn of(include: &Masks, exclude: &Masks, words: usize) -> Self {
        let pairs = |include: &[u64], exclude: &[u64]| {
            let rows = include.chunks(words).zip(exclude.chunks(words));
            rows.flat_map(|(include, exclude)| include.iter().chain(exclude)).copied().collect()
        };
        Self { sure: pairs(&include.sure, &exclude.may), may: pairs(&include.may, &exclude.sure) }
    }
}

/// A device filter of one policy.
#[derive(Debug, Clone)]
pub struct PolicyDeviceFilter {
    pub(crate) policy: usize,
    pub(crate) mode: FilterMode,
    /// The filter, or why it cannot be used.
    pub(crate) filter: Result<DeviceFilter, String>,
}

impl PolicyDeviceFilter {
    /// Whether the policy's device condition holds for a device.
    #[must_use]
    pub fn truth(&self, device: &PartialDevice) -> Trit {
        match (&self.filter, &self.mode) {
            (Ok(filter), FilterMode::Include) => filter.truth(device).into(),
            (Ok(filter), FilterMode::Exclude) => Trit::from(filter.truth(device)).negated(),
            (Ok(_), FilterMode::Unknown(_)) | (Err(_), _) => Trit::Unknown,
        }
    }
}

/// Everything about the policies that does not depend on who signs in and to what.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// Words per mask: 1, 2, 4, 8 or 16.
    pub words: usize,
    pub(crate) platform: Masks,
    pub(crate) client: Masks,
    pub(crate) flow: Masks,
    pub(crate) sign_in_risk: Masks,
    pub(crate) user_risk: Masks,
    pub(crate) service_principal_risk: Masks,
    pub(crate) insider_risk: Masks,
    /// Platform x client x flow, intersected, without service principal risk.
    pub(crate) client_side: Masks,
    /// The same rows on a device that nobody registered, which almost every sign-in is.
    pub(crate) unregistered_client_side: Masks,
    /// Sign-in risk x user risk x insider risk, intersected.
    pub(crate) risks: Masks,
    pub(crate) addresses: AddressMap,
    pub(crate) countries: Countries,
    pub(crate) location: LocationMasks,
    pub(crate) device_filters: Vec<PolicyDeviceFilter>,
    /// Policies without a device filter, and those whose filter an unregistered device passes.
    pub(crate) unregistered_device: Masks,
    /// Policies without unknown conditions.
    pub(crate) known: Masks,
    /// One row: policies that are in force.
    pub(crate) enabled: Masks,
    /// One row: report-only policies.
    pub(crate) report_only: Masks,
    /// What each policy demands.
    pub(crate) demands: Vec<Demand>,
    pub(crate) grants: GrantMasks,
    /// Why a policy's conditions cannot all be told, by policy.
    pub(crate) whys: BTreeMap<usize, Vec<String>>,
}

/// The number of words for so many policies.
pub(crate) fn words_for(policies: usize) -> usize {
    policies.div_ceil(64).max(1).next_power_of_two()
}

/// Compiles what does not depend on who signs in and to what.
pub(crate) fn compile(snapshot: &Snapshot, policies: &[ConditionalAccessPolicy]) -> Compiled {
    let words = words_for(policies.len());
    let locations = snapshot.named_locations.items();
    let addresses = AddressMap::of(locations);
    let countries = Countries::of(locations);
    let rows = |count| Masks::with_rows(count, words);
    let mut compiled = Compiled {
        words,
        platform: rows(PLATFORM_ROWS),
        client: rows(CLIENTS.len()),
        flow: rows(FLOW_ROWS),
        sign_in_risk: rows(RISK_ROWS),
        user_risk: rows(RISK_ROWS),
        service_principal_risk: rows(RISK_ROWS),
        insider_risk: rows(INSIDER_RISK_ROWS),
        client_side: Masks::default(),
        unregistered_client_side: Masks::default(),
        risks: Masks::default(),
        location: LocationMasks {
            include_by_address: rows(addresses.members.len()),
            exclude_by_address: rows(addresses.members.len()),
            include_by_country: rows(countries.row_count()),
            exclude_by_country: rows(countries.row_count()),
            ..LocationMasks::default()
        },
        addresses,
        countries,
        device_filters: Vec::new(),
        unregistered_device: rows(1),
        known: rows(1),
        enabled: rows(1),
        report_only: rows(1),
        demands: policies.iter().map(Demand::of).collect(),
        grants: GrantMasks::default(),
        whys: BTreeMap::new(),
    };
    for (index, policy) in policies.iter().enumerate() {
        compiled.add_state(index, policy);
        compiled.add_simple_conditions(index, policy);
        compiled.add_locations(index, policy, snapshot);
        compiled.add_device_filter(index, policy);
    }
    compiled.multiply();
    let location = &mut compiled.location;
    location.address_pairs = PairMasks::of(&location.include_by_address, &location.exclude_by_address, words);
    location.country_pairs = PairMasks::of(&location.include_by_country, &location.exclude_by_country, words);
    if locations.iter().any(is_by_position) {
        let [include, exclude] = compiled.unlocated_countries(policies, snapshot);
        compiled.location.unlocated_country_pairs = Some(PairMasks::of(&include, &exclude, words));
    }
    compiled.grants = compile_grants(&compiled.demands, &compiled.enabled, words);
    compiled
}

impl Compiled {
    fn why(&mut self, policy: usize, why: String) {
        self.whys.entry(policy).or_default().push(why);
    }

    fn add_state(&mut self, index: usize, policy: &ConditionalAccessPolicy) {
        let place = (0, self.words);
        let is_state_unknown = policy.unknowns.iter().any(|part| part.kind == UnknownKind::State);
        let (enabled, report_only) = match &policy.state {
            _ if policy.is_deleted => (Trit::No, Trit::No),
            State::Disabled => (Trit::No, Trit::No),
            _ if is_state_unknown => (Trit::Unknown, Trit::No),
            State::EnabledForReportingButNotEnforced => (Trit::No, Trit::Yes),
            State::Enabled => (Trit::Yes, Trit::No),
            State::Unknown(_) => (Trit::Unknown, Trit::No),
        };
        self.enabled.set(place, index, enabled);
        self.report_only.set(place, index, report_only);
        let mut known = Trit::Yes;
        for part in &policy.unknowns {
            if part.kind == UnknownKind::Condition {
                known = Trit::Unknown;
                self.why(index, format!("condition {part}"));
            } else if part.kind == UnknownKind::State {
                self.why(index, part.to_string());
            }
        }
        self.known.set(place, index, known);
    }

    fn add_simple_conditions(&mut self, index: usize, policy: &ConditionalAccessPolicy) {
        let conditions = &policy.conditions;
        let words = self.words;
        for row in 0..PLATFORM_ROWS {
            let truth =
                platform(conditions.platforms.as_ref(), PLATFORMS.get(row), row == usize::from(PLATFORM_UNKNOWN));
            self.platform.set((row, words), index, truth);
        }
        for (row, client) in CLIENTS.iter().enumerate() {
            self.client.set((row, words), index, client_app(&conditions.client_app_types, client));
        }
        let flows = conditions.authentication_flows.as_ref().map_or(&[][..], |flows| &flows.transfer_methods);
        for row in 0..FLOW_ROWS {
            self.flow.set((row, words), index, transfer_method(flows, FLOWS.get(row)));
        }
        for row in 0..RISK_ROWS {
            let level = RISKS.get(row);
            self.sign_in_risk.set((row, words), index, risk(&conditions.sign_in_risk_levels, level));
            self.user_risk.set((row, words), index, risk(&conditions.user_risk_levels, level));
            let levels = &conditions.service_principal_risk_levels;
            self.service_principal_risk.set((row, words), index, risk(levels, level));
        }
        for row in 0..INSIDER_RISK_ROWS {
            let truth = insider_risk(&conditions.insider_risk_levels, INSIDER_RISKS.get(row));
            self.insider_risk.set((row, words), index, truth);
        }
    }

    fn add_device_filter(&mut self, index: usize, policy: &ConditionalAccessPolicy) {
        let filter = policy.conditions.devices.as_ref().and_then(|devices| devices.device_filter.as_ref());
        let Some(filter) = filter.filter(|filter| filter.is_configured()) else {
            self.unregistered_device.set((0, self.words), index, Trit::Yes);
            return;
        };
        let parsed = match (&filter.mode, &filter.rule) {
            (Some(FilterMode::Include | FilterMode::Exclude), Some(rule)) => {
                DeviceFilter::parse(rule).map_err(|error| format!("its device filter cannot be read: {error}"))
            }
            (Some(FilterMode::Unknown(mode)), _) => Err(format!("its device filter has the unknown mode `{mode}`")),
            _ => Err("its device filter is not complete".to_owned()),
        };
        if let Err(why) = &parsed {
            self.why(index, why.clone());
        }
        let mode = filter.mode.clone().unwrap_or(FilterMode::Unknown("".into()));
        let filter = PolicyDeviceFilter { policy: index, mode, filter: parsed };
        self.unregistered_device.set((0, self.words), index, filter.truth(&PartialDevice::default()));
        self.device_filters.push(filter);
    }

    fn add_locations(&mut self, index: usize, policy: &ConditionalAccessPolicy, snapshot: &Snapshot) {
        let words = self.words;
        let Some(locations) = policy.conditions.locations.as_ref().filter(|part| !part.include_locations.is_empty())
        else {
            for row in 0..self.addresses.members.len() {
                self.location.include_by_address.set((row, words), index, Trit::Yes);
            }
            return;
        };
        let (sides, whys) = sides(locations, snapshot);
        for why in whys {
            self.why(index, why);
        }
        let [include, exclude] = &sides;
        for (row, members) in self.addresses.members.iter().enumerate() {
            self.location.include_by_address.set((row, words), index, include.by_address(members));
            self.location.exclude_by_address.set((row, words), index, exclude.by_address(members));
        }
        let named = snapshot.named_locations.items();
        for row in 0..self.countries.row_count() {
            // Where neither address nor country is known, only `All` matches.
            let doubt = |side: &LocationSide| side.is_uncertain && row != Countries::NONE as usize;
            let by_country = |side: &LocationSide| -> Trit {
                let mut listed = side.countries.iter().filter_map(|at| named.get(*at));
                let covers = listed.any(|location| self.covers_row(location, row));
                if covers {
                    Trit::Yes
                } else if doubt(side) {
                    Trit::Unknown
                } else {
                    Trit::No
                }
            };
            let (included, excluded) = (by_country(include), by_country(exclude));
            self.location.include_by_country.set((row, words), index, included);
            self.location.exclude_by_country.set((row, words), index, excluded);
        }
    }

    /// The rows by country once more, where a location by position can be told neither way.
    fn unlocated_countries(&self, policies: &[ConditionalAccessPolicy], snapshot: &Snapshot) -> [Masks; 2] {
        let named = snapshot.named_locations.items();
        let mut tables = [self.location.include_by_country.clone(), self.location.exclude_by_country.clone()];
        for (index, policy) in policies.iter().enumerate() {
            let Some(locations) =
                policy.conditions.locations.as_ref().filter(|part| !part.include_locations.is_empty())
            else {
                continue;
            };
            let (sides, _) = sides(locations, snapshot);
            for (table, side) in tables.iter_mut().zip(sides) {
                let listed = || side.countries.iter().filter_map(|at| named.get(*at));
                if !listed().any(is_by_position) {
                    continue;
                }
                for row in 0..self.countries.row_count() {
                    let is_by_address = |location: &&NamedLocation| !is_by_position(location);
                    let covers = listed().filter(is_by_address).any(|location| self.covers_row(location, row));
                    table.clear((row, self.words), index);
                    table.set((row, self.words), index, Trit::from(covers).or(Trit::Unknown));
                }
            }
        }
        tables
    }

    fn covers_row(&self, location: &NamedLocation, row: usize) -> bool {
        let LocationCoverage::Countries { countries, include_unknown, .. } = &location.coverage else { return false };
        match self.countries.code(row) {
            Some(code) => countries.iter().any(|country| country == code),
            None => row == Countries::UNKNOWN as usize && *include_unknown,
        }
    }

    fn multiply(&mut self) {
        let (mut client_side, mut unregistered) = (Masks::default(), Masks::default());
        for platform in 0..PLATFORM_ROWS {
            for client in 0..CLIENTS.len() {
                for flow in 0..FLOW_ROWS {
                    let unsaid = (&self.service_principal_risk, RISK_UNSAID.into());
                    let parts = [
                        (&self.platform, platform),
                        (&self.client, client),
                        (&self.flow, flow),
                        (&self.known, 0),
                        unsaid,
                    ];
                    client_side.push_product(&parts, self.words);
                    let [platform, client, flow, known, risk] = parts;
                    let on_unregistered = [platform, client, flow, known, risk, (&self.unregistered_device, 0)];
                    unregistered.push_product(&on_unregistered, self.words);
                }
            }
        }
        let mut risks = Masks::default();
        for sign_in in 0..RISK_ROWS {
            for user in 0..RISK_ROWS {
                for insider in 0..INSIDER_RISK_ROWS {
                    let parts = [(&self.sign_in_risk, sign_in), (&self.user_risk, user), (&self.insider_risk, insider)];
                    risks.push_product(&parts, self.words);
                }
            }
        }
        self.client_side = client_side;
        self.unregistered_client_side = unregistered;
        self.risks = risks;
    }

    /// What stands in for the client-side row where a service principal risk is given.
    pub(crate) fn service_principal_side(&self, situation: &Situation, risk: u8) -> Masks {
        let mut masks = Masks::default();
        let parts = [
            (&self.platform, situation.platform.into()),
            (&self.client, situation.client.into()),
            (&self.flow, situation.flow.into()),
            (&self.known, 0),
            (&self.service_principal_risk, risk.into()),
        ];
        masks.push_product(&parts, self.words);
        masks
    }

    /// Row of the client-side table.
    pub(crate) fn client_side_row(platform: u8, client: u8, flow: u8) -> usize {
        (usize::from(platform) * CLIENTS.len() + usize::from(client)) * FLOW_ROWS + usize::from(flow)
    }

    /// Row of the risks table.
    pub(crate) fn risks_row(sign_in: u8, user: u8, insider: u8) -> usize {
        (usize::from(sign_in) * RISK_ROWS + usize::from(user)) * INSIDER_RISK_ROWS + usize::from(insider)
    }
}

/// One side of a locations condition: what it names, sorted by kind.
#[derive(Debug, Default)]
struct LocationSide {
    is_all: bool,
    /// Indices of IP locations.
    addresses: Vec<usize>,
    /// Indices of country locations.
    countries: Vec<usize>,
    /// Whether it names something that no request can tell.
    is_uncertain: bool,
}

impl LocationSide {
    fn by_address(&self, members: &[usize]) -> Trit {
        (self.is_all || self.addresses.iter().any(|location| members.contains(location))).into()
    }
}

/// Whether a location asks Microsoft Authenticator where somebody is.
pub(crate) fn is_by_position(location: &NamedLocation) -> bool {
    matches!(
        location.coverage,
        LocationCoverage::Countries {
            lookup: CountryLookupMethod::AuthenticatorAppGps | CountryLookupMethod::Unknown(_),
            ..
        }
    )
}

fn sides(locations: &ConditionalAccessLocations, snapshot: &Snapshot) -> ([LocationSide; 2], Vec<String>) {
    let mut whys = Vec::new();
    let sides = [&locations.include_locations, &locations.exclude_locations].map(|names| {
        let mut side = LocationSide::default();
        for name in names {
            if let Some(why) = add_location(&mut side, name, snapshot) {
                side.is_uncertain = true;
                whys.push(why);
            }
        }
        side
    });
    (sides, whys)
}

/// Adds what one name stands for; gives the reason if it cannot be told.
fn add_location(side: &mut LocationSide, name: &str, snapshot: &Snapshot) -> Option<String> {
    if name == "All" {
        side.is_all = true;
        return None;
    }
    if name == MFA_TRUSTED_IPS {
        return Some("Graph does not show the MFA trusted addresses that it names".into());
    }
    let listed = snapshot.named_locations.items();
    let mut why = None;
    for (index, location) in listed.iter().enumerate() {
        let is_named = location.id.as_str() == name;
        match &location.coverage {
            LocationCoverage::IpRanges { is_trusted, .. } if is_named || (name == "AllTrusted" && *is_trusted) => {
                side.addresses.push(index);
            }
            LocationCoverage::Countries { .. } if is_named => side.countries.push(index),
            LocationCoverage::CompliantNetwork { is_trusted } if is_named || (name == "AllTrusted" && *is_trusted) => {
                why = Some(format!(
                    "whether a sign-in comes through the compliant network `{}` is not known",
                    location.name()
                ));
            }
            LocationCoverage::Unknown(kind) if is_named || (name == "AllTrusted" && location.may_be_trusted()) => {
                why = Some(match known_after_apply(&location.source).next() {
                    Some(_) => format!(
                        "what the named location `{}` covers is known only after the plan is applied",
                        location.name()
                    ),
                    None => format!("named location `{}` is of the unknown type `{kind}`", location.name()),
                });
            }
            _ => {}
        }
    }
    let is_listed = name != "AllTrusted" && listed.iter().any(|location| location.id.as_str() == name);
    match snapshot.named_locations.get() {
        Err(missing) if !is_listed => Some(format!("named location `{name}` cannot be looked up: {missing}")),
        _ => why,
    }
}

impl Compiled {
    /// What each policy demands.
    #[must_use]
    pub fn demands(&self) -> &[Demand] {
        &self.demands
    }

    /// Why the conditions or the state of a policy cannot all be told.
    #[must_use]
    pub fn whys(&self, policy: usize) -> &[String] {
        self.whys.get(&policy).map_or(&[], Vec::as_slice)
    }

    /// The device filters, each with its policy.
    #[must_use]
    pub fn device_filters(&self) -> &[PolicyDeviceFilter] {
        &self.device_filters
    }

    /// Whether no condition outside users and targets is ever uncertain.
    pub(crate) fn are_conditions_certain(&self) -> bool {
        let tables = [
            &self.client_side,
            &self.risks,
            &self.location.include_by_country,
            &self.location.exclude_by_country,
            &self.unregistered_device,
        ];
        tables.iter().all(|table| table.sure == table.may)
    }
}
