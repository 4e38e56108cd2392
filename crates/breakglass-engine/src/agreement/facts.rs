//! The facts of a sign-in, and of each the values that some policy in force tells apart.
//!
//! Conditions are independent of each other: whether a policy's condition is met by a value does not depend on the other
//! facts. So two values by which every policy's condition is met alike stand for one another, and one of them is asked.

use std::collections::BTreeSet;
use std::net::IpAddr;

use breakglass_model::device::Device;
use breakglass_model::named_location::{LocationCoverage, address_number};
use breakglass_model::policy::ConditionalAccessPolicyState as State;
use breakglass_model::property::Property;
use breakglass_model::sign_in::WhatIfRequest;
use breakglass_model::tenant::ServicePrincipal;
use serde_json::{Map, Value, json};

use crate::access::beside::ClosedAccount;
use crate::access::{Access, Target, Trit};

/// Devices of the tenant that are looked at for one that a policy tells apart.
pub const DEVICE_COUNT_MAX: usize = 2_000;

/// Addresses that somebody may have who is nowhere in particular, the first that no named location has.
const OUTSIDE: [&str; 6] =
    ["198.51.100.10", "203.0.113.10", "192.0.2.10", "8.8.8.8", "1.1.1.1", "2001:4860:4860::8888"];

/// Countries, the first that no named location names.
const COUNTRIES: [&str; 6] = ["IS", "UY", "NZ", "KE", "DE", "US"];

/// A fact of a sign-in, in the order in which policies' conditions are gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dimension {
    /// Who signs in.
    Who,
    /// To what.
    Target,
    /// Platform.
    Platform,
    /// Device.
    Device,
    /// Client application.
    Client,
    /// Address and country.
    Place,
    /// Sign-in risk.
    SignInRisk,
    /// User risk.
    UserRisk,
    /// Risk of a service principal.
    OwnRisk,
    /// Insider risk.
    InsiderRisk,
    /// Authentication flow.
    Flow,
}

impl Dimension {
    /// Every fact.
    pub const ALL: [Self; 11] = [
        Self::Who,
        Self::Target,
        Self::Platform,
        Self::Device,
        Self::Client,
        Self::Place,
        Self::SignInRisk,
        Self::UserRisk,
        Self::OwnRisk,
        Self::InsiderRisk,
        Self::Flow,
    ];

    /// What its values are called.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Who => "kinds of people",
            Self::Target => "targets",
            Self::Platform => "platforms",
            Self::Device => "devices",
            Self::Client => "client applications",
            Self::Place => "places",
            Self::SignInRisk => "sign-in risks",
            Self::UserRisk => "user risks",
            Self::OwnRisk => "service principal risks",
            Self::InsiderRisk => "insider risks",
            Self::Flow => "authentication flows",
        }
    }

    /// Where its values stand in a request.
    const fn part(self) -> &'static str {
        match self {
            Self::Who => "signInIdentity",
            Self::Target => "signInContext",
            _ => "signInConditions",
        }
    }
}

/// A value of a fact.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    /// What stands in the request for it.
    members: Map<String, Value>,
    /// Per policy whether its condition is met.
    pub(super) truths: Vec<Trit>,
}

/// Of every fact, the values that are told apart.
#[derive(Debug)]
pub(super) struct Facts {
    choices: Vec<Vec<Choice>>,
    /// Every value that ways in have a name for, those that no policy tells apart too.
    named: Vec<(Dimension, String, Map<String, Value>)>,
}

/// A value before it is known what policies make of it: what a way in calls it, and what stands in the request.
type Candidate = (String, Value);

impl Facts {
    pub(super) fn of(access: &Access<'_>) -> Self {
        let in_force = in_force(access);
        let candidates: Vec<Vec<Candidate>> = Dimension::ALL.iter().map(|one| candidates(access, *one)).collect();
        let is_named = |dimension: Dimension| matches!(dimension, Dimension::Place | Dimension::Device);
        let of_ways = Dimension::ALL.into_iter().zip(&candidates).filter(|(dimension, _)| is_named(*dimension));
        let named = of_ways.flat_map(|(dimension, all)| {
            let named = all.iter().filter(|(id, _)| !id.is_empty());
            named.filter_map(move |(id, members)| Some((dimension, id.clone(), members.as_object()?.clone())))
        });
        let named = named.collect();
        let usual: Vec<Choice> = candidates.iter().filter_map(|all| all.first()).map(choice).collect();
        let choices = Dimension::ALL.into_iter().zip(candidates).map(|(dimension, all)| {
            let mut seen: BTreeSet<Vec<Trit>> = BTreeSet::new();
            let judged = all.iter().filter_map(|candidate| {
                let mut one = choice(candidate);
                let whole = body(usual.iter().enumerate().map(|(at, usual)| {
                    let of = Dimension::ALL.get(at).copied().unwrap_or(dimension);
                    (of, if of == dimension { &one } else { usual })
                }));
                one.truths = truths(access, &whole, dimension)?;
                // Policies that are not in force tell nothing apart.
                let told: Vec<Trit> = in_force.iter().filter_map(|policy| one.truths.get(*policy)).copied().collect();
                seen.insert(told).then_some(one)
            });
            judged.collect()
        });
        Self { choices: choices.collect(), named }
    }

    pub(super) fn all(&self, dimension: Dimension) -> &[Choice] {
        self.choices.get(dimension as usize).map(Vec::as_slice).unwrap_or_default()
    }

    /// What stands in a request for the value that a way in calls so.
    pub(super) fn members(&self, dimension: Dimension, id: &str) -> Option<&Map<String, Value>> {
        self.named.iter().find(|(of, known, _)| *of == dimension && known == id).map(|(_, _, members)| members)
    }

    /// The body of the request for these values; a fact without values is not said.
    pub(super) fn body(&self, picks: &[usize]) -> Value {
        let picked = Dimension::ALL.into_iter().zip(picks);
        body(picked.filter_map(|(dimension, pick)| Some((dimension, self.all(dimension).get(*pick)?))))
    }
}

/// Policies in force or report-only: the tenant says of others only that they are not.
pub(super) fn in_force(access: &Access<'_>) -> Vec<usize> {
    let is_in_force = |policy: &breakglass_model::policy::ConditionalAccessPolicy| {
        !policy.is_deleted && matches!(policy.state, State::Enabled | State::EnabledForReportingButNotEnforced)
    };
    access.policies().iter().enumerate().filter(|(_, policy)| is_in_force(policy)).map(|(index, _)| index).collect()
}

fn choice((_, members): &Candidate) -> Choice {
    Choice { members: members.as_object().cloned().unwrap_or_default(), truths: Vec::new() }
}

fn body<'c>(chosen: impl Iterator<Item = (Dimension, &'c Choice)>) -> Value {
    let mut whole = Map::new();
    for (dimension, choice) in chosen {
        let part = whole.entry(dimension.part()).or_insert_with(|| Value::Object(Map::new()));
        if let Some(part) = part.as_object_mut() {
            part.extend(choice.members.clone());
        }
    }
    whole.insert("appliedPoliciesOnly".to_owned(), json!(false));
    Value::Object(whole)
}

/// Per policy whether the condition about a fact is met; `None` where the question cannot be asked at all.
fn truths(access: &Access<'_>, body: &Value, dimension: Dimension) -> Option<Vec<Trit>> {
    let text = body.to_string();
    let request = WhatIfRequest::from_json(text.as_bytes()).ok()?;
    let situation = access.situation(&request).ok()?;
    let truth = |policy| access.steps(policy, &situation).get(dimension as usize).map(|step| step.truth);
    (0..access.policies().len()).map(truth).collect()
}

fn candidates(access: &Access<'_>, dimension: Dimension) -> Vec<Candidate> {
    let words = |name: &str, values: &[&str]| {
        values.iter().map(|value| (String::new(), json!({ name: value }))).collect::<Vec<Candidate>>()
    };
    let risks = ["none", "low", "medium", "high"];
    match dimension {
        Dimension::Who => people(access),
        Dimension::Target => targets(access),
        Dimension::Platform => {
            words("devicePlatform", &["windows", "macOS", "linux", "android", "iOS", "windowsPhone"])
        }
        Dimension::Device => devices(access),
        Dimension::Client => {
            words("clientAppType", &["browser", "mobileAppsAndDesktopClients", "exchangeActiveSync", "other"])
        }
        Dimension::Place => places(access),
        Dimension::SignInRisk => words("signInRiskLevel", &risks),
        Dimension::UserRisk => words("userRiskLevel", &risks),
        Dimension::OwnRisk => {
            let mut all = vec![(String::new(), json!({}))];
            all.extend(words("servicePrincipalRiskLevel", &risks));
            all
        }
        Dimension::InsiderRisk => {
            let mut all = vec![(String::new(), json!({}))];
            all.extend(words("insiderRiskLevel", &["minor", "moderate", "elevated"]));
            all
        }
        Dimension::Flow => {
            let flow = |method: &str| (String::new(), json!({ "authenticationFlow": { "transferMethod": method } }));
            vec![(String::new(), json!({})), flow("deviceCodeFlow"), flow("authenticationTransfer")]
        }
    }
}

/// The first of each class of users who can sign in, and the service principals that policies tell apart.
fn people(access: &Access<'_>) -> Vec<Candidate> {
    let snapshot = access.snapshot();
    let mut seen = BTreeSet::new();
    let users = snapshot.users.items().iter().filter(|user| ClosedAccount::of(user).is_none());
    let firsts = users.filter(|user| seen.insert(access.classes().class(Some(user.key))));
    let mut all: Vec<Candidate> = firsts.map(|user| user_named(snapshot.objects.id(user.key))).collect();
    let clients = access.policies().iter().filter_map(|policy| policy.conditions.client_applications.as_ref());
    let named: BTreeSet<&str> = clients
        .flat_map(|clients| clients.include_service_principals.iter().chain(&clients.exclude_service_principals))
        .map(String::as_str)
        .collect();
    if named.is_empty() {
        return all;
    }
    let own = |principal: &&ServicePrincipal| {
        let owner = principal.app_owner_organization_id.value().map(String::as_str);
        owner.is_some() && owner == snapshot.tenant_id.as_ref().map(|tenant| tenant.as_str())
    };
    let principals = snapshot.service_principals.items();
    let (meant, others): (Vec<_>, Vec<_>) = principals.iter().partition(|one| named.contains(one.id.as_str()));
    let other = others.iter().copied().find(own).or(others.first().copied());
    all.extend(meant.into_iter().chain(other).map(|one| {
        let identity = json!({ "@odata.type": "#microsoft.graph.servicePrincipalSignIn",
            "servicePrincipalId": one.id.as_str() });
        (String::new(), identity)
    }));
    all
}

pub(super) fn user_named(id: &str) -> Candidate {
    (id.to_owned(), json!({ "@odata.type": "#microsoft.graph.userSignIn", "userId": id }))
}

fn targets(access: &Access<'_>) -> Vec<Candidate> {
    let known = access.possible_targets();
    let mut all: Vec<Candidate> = known.iter().filter_map(|one| one.target.as_ref()).filter_map(context).collect();
    let is_named = |id: &str| all.iter().any(|(known, _)| known == id);
    let apps = access.snapshot().service_principals.items().iter().filter_map(|one| one.app_id.as_ref());
    let other = apps.map(|app| app.as_str()).find(|app| !is_named(app)).map(application);
    all.extend(other);
    all
}

fn context(target: &Target) -> Option<Candidate> {
    Some(match target {
        Target::Application(id) => application(id.as_str()),
        Target::UserAction(name) => {
            (name.clone(), json!({ "@odata.type": "#microsoft.graph.userActionContext", "userAction": name }))
        }
        Target::AuthenticationContext(name) => {
            (name.clone(), json!({ "@odata.type": "#microsoft.graph.authContext", "authenticationContextValue": name }))
        }
        Target::LowPrivilegeScopes | Target::Nothing => return None,
    })
}

pub(super) fn application(id: &str) -> Candidate {
    (id.to_owned(), json!({ "@odata.type": "#microsoft.graph.applicationContext", "includeApplications": [id] }))
}

/// A device that nobody registered, one that is compliant, and those of the tenant.
fn devices(access: &Access<'_>) -> Vec<Candidate> {
    let mut all = vec![
        (String::new(), json!({})),
        (String::new(), json!({ "deviceInfo": { "isCompliant": true, "trustType": "AzureAD" } })),
    ];
    if access.compiled().device_filters().is_empty() {
        all.truncate(1);
    }
    let known = access.snapshot().devices.items().iter().take(DEVICE_COUNT_MAX);
    all.extend(known.map(|device| (device.id.to_string(), json!({ "deviceInfo": device_info(device) }))));
    all
}

/// A device as `evaluate` takes it.
fn device_info(device: &Device) -> Value {
    let mut info = Map::new();
    let texts = [
        ("deviceId", &device.device_id),
        ("displayName", &device.display_name),
        ("trustType", &device.trust_type),
        ("ownership", &device.device_ownership),
        ("enrollmentProfileName", &device.enrollment_profile_name),
        ("manufacturer", &device.manufacturer),
        ("mdmAppId", &device.mdm_app_id),
        ("model", &device.model),
        ("operatingSystem", &device.operating_system),
        ("operatingSystemVersion", &device.operating_system_version),
        ("profileType", &device.profile_type),
    ];
    let texts = texts.into_iter().filter_map(|(name, text)| Some((name, text.value()?)));
    info.extend(texts.map(|(name, text)| (name.to_owned(), json!(text))));
    if let Property::Value(is_compliant) = device.is_compliant {
        info.insert("isCompliant".to_owned(), json!(is_compliant));
    }
    for (name, list) in [("physicalIds", &device.physical_ids), ("systemLabels", &device.system_labels)] {
        if !list.is_empty() {
            info.insert(name.to_owned(), json!(list));
        }
    }
    let attributes = device.extension_attributes.value().into_iter().flatten();
    info.extend(attributes.filter_map(|(name, value)| Some((name.clone(), json!(value.as_ref()?)))));
    Value::Object(info)
}

/// Somewhere that no named location has, then an address in each that are told apart, then each country.
fn places(access: &Access<'_>) -> Vec<Candidate> {
    let locations = access.snapshot().named_locations.items();
    let compiled = access.compiled();
    let countries = &compiled.countries;
    let other = COUNTRIES.iter().find(|code| countries.row(code) == crate::access::locations::Countries::OTHER);
    let place = |id: String, address: &str, country: Option<&str>| {
        let mut members = json!({ "ipAddress": address });
        if let (Some(country), Some(members)) = (country, members.as_object_mut()) {
            members.insert("country".to_owned(), json!(country));
        }
        (id, members)
    };
    let signature = |address: &str| compiled.addresses.signature_of(address);
    let outside = OUTSIDE.iter().find(|address| signature(address) == Some(0));
    let mut all: Vec<Candidate> =
        outside.map(|address| place("elsewhere".to_owned(), address, other.copied())).into_iter().collect();
    let mut seen = BTreeSet::from([0]);
    for location in locations {
        let LocationCoverage::IpRanges { ranges, .. } = &location.coverage else { continue };
        for number in ranges.iter().flat_map(|range| [range.first, range.last, range.last.saturating_add(1)]) {
            let address = address_of(number).to_string();
            let Some(signature) = signature(&address).filter(|one| seen.insert(*one)) else { continue };
            let members = compiled.addresses.members.get(signature as usize).into_iter().flatten();
            let ids: Vec<&str> = members.filter_map(|at| locations.get(*at)).map(|at| at.id.as_str()).collect();
            all.push(place(ids.join("+"), &address, other.copied()));
        }
    }
    if let Some(address) = outside {
        let codes = (0..countries.row_count()).filter_map(|row| countries.code(row));
        all.extend(codes.map(|code| place(code.to_owned(), address, Some(code))));
    }
    all
}

/// The address of a number in the order of addresses.
fn address_of(number: u128) -> IpAddr {
    let v6 = std::net::Ipv6Addr::from(number);
    match v6.to_ipv4_mapped() {
        Some(v4) if address_number(IpAddr::V4(v4)) == number => IpAddr::V4(v4),
        _ => IpAddr::V6(v6),
    }
}
