//! Every sign-in that somebody can try, and which policies the plain referee finds to apply to it.

#![expect(
    clippy::indexing_slicing,
    reason = "people, tools, devices, points and facts are numbered by the tables they lie in"
)]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::rc::Rc;

use breakglass_model::device::Device;
use breakglass_model::ids::{DirectoryObjectId, RoleTemplateId};
use breakglass_model::policy::ConditionalAccessFilter;
use breakglass_model::property::Property;
use breakglass_model::role::RoleAssignment;
use breakglass_model::sign_in::{
    DeviceInfo, DeviceInfoDetail, SignInConditions, SignInContext, SignInIdentity, WhatIfRequest,
};
use breakglass_model::snapshot::{Listing, Snapshot};

use super::LockoutReferee;
use super::methods::KeptOn;
use crate::referee::Answer;

/// Whether a device is one that the directory knows.
#[derive(Debug)]
pub(super) enum Registered<'a> {
    No,
    Listed(&'a Device),
    /// There may be such a device: not all of them were exported.
    Perhaps,
}

/// A device that somebody may choose, as it may be seen.
#[derive(Debug)]
pub(super) struct DeviceChoice<'a> {
    /// As a request writes it; nothing is a platform that Entra does not recognise.
    pub(super) platform: &'static str,
    pub(super) registered: Registered<'a>,
    pub(super) is_compliant: bool,
    pub(super) is_hybrid_joined: bool,
    /// Whether it is enabled and can be seen so.
    pub(super) is_usable: Answer,
    pub(super) needs: Vec<String>,
}

const PLATFORMS: [&str; 6] = ["windows", "macOS", "linux", "android", "iOS", ""];

/// Unmanaged devices on every platform, and each registered one as compliant and as not, as far as it may be.
pub(super) fn devices(snapshot: &Snapshot) -> Vec<DeviceChoice<'_>> {
    let unmanaged = PLATFORMS.iter().map(|platform| DeviceChoice {
        platform,
        registered: Registered::No,
        is_compliant: false,
        is_hybrid_joined: false,
        is_usable: Answer::Yes,
        needs: Vec::new(),
    });
    let registered = snapshot.devices.items().iter().flat_map(|device| {
        let is_enabled = match device.account_enabled {
            Property::Value(flag) => Answer::of(flag),
            Property::Absent | Property::Null => Answer::Unknown,
        };
        let is_compliant = match device.is_compliant {
            Property::Value(flag) => Answer::of(flag),
            Property::Null => Answer::No,
            Property::Absent => Answer::Unknown,
        };
        let kind = device.trust_type.value().map(String::as_str).unwrap_or_default();
        let is_hybrid_joined = match &device.trust_type {
            Property::Absent => Answer::Unknown,
            _ => Answer::of(kind.eq_ignore_ascii_case("ServerAd")),
        };
        let choice = |is_seen_compliant: bool, is_seen_joined: bool| {
            let id = format!("device:{}", device.id);
            DeviceChoice {
                platform: platform(device),
                registered: Registered::Listed(device),
                is_compliant: is_seen_compliant,
                is_hybrid_joined: is_seen_joined,
                is_usable: {
                    let compliant = if is_seen_compliant { is_compliant } else { Answer::Yes };
                    let joined = if is_seen_joined { is_hybrid_joined } else { Answer::Yes };
                    is_enabled.and(compliant).and(joined)
                },
                needs: if is_seen_compliant { vec![id, "svc:intune-compliance".to_owned()] } else { vec![id] },
            }
        };
        [choice(true, true), choice(true, false), choice(false, true), choice(false, false)]
    });
    let perhaps: &[&'static str] = if snapshot.devices.is_complete() { &[] } else { &PLATFORMS };
    let perhaps = perhaps.iter().flat_map(|platform| {
        [true, false].map(|is_compliant| DeviceChoice {
            platform,
            registered: Registered::Perhaps,
            is_compliant,
            is_hybrid_joined: true,
            is_usable: Answer::Unknown,
            needs: if is_compliant { vec!["svc:intune-compliance".to_owned()] } else { Vec::new() },
        })
    });
    unmanaged.chain(registered).chain(perhaps).filter(|choice| choice.is_usable != Answer::No).collect()
}

/// The platform by the name of the operating system.
pub(super) fn platform(device: &Device) -> &'static str {
    let system = device.operating_system.value().map(|system| system.to_ascii_lowercase()).unwrap_or_default();
    if system.starts_with("windows") {
        "windows"
    } else if system.starts_with("mac") {
        "macOS"
    } else if system.starts_with("linux") {
        "linux"
    } else if system.starts_with("android") {
        "android"
    } else if ["ios", "ipad", "iphone"].iter().any(|name| system.starts_with(name)) {
        "iOS"
    } else {
        ""
    }
}

/// Whether a device is somebody's, as either of its lists says.
pub(super) fn whose(device: &Device, person: &str) -> Answer {
    let list = |people: &Property<Vec<serde_json::Value>>| match people {
        Property::Absent => Answer::Unknown,
        Property::Null => Answer::No,
        Property::Value(people) => Answer::of(people.iter().any(|one| {
            let id = one.get("id").unwrap_or(one);
            id.as_str().is_some_and(|id| id.eq_ignore_ascii_case(person))
        })),
    };
    let (owners, users) = (list(&device.registered_owners), list(&device.registered_users));
    match (owners, users) {
        (Answer::Unknown, known) | (known, Answer::Unknown) => known,
        (one, other) => one.max(other),
    }
}

impl DeviceChoice<'_> {
    /// Whether somebody may choose it.
    pub(super) fn is_for(&self, person: &str) -> Answer {
        match self.registered {
            Registered::No => Answer::Yes,
            Registered::Perhaps => Answer::Unknown,
            Registered::Listed(device) => self.is_usable.and(whose(device, person)),
        }
    }

    /// Whether what is kept on a device can be used on this one.
    pub(super) fn holds(&self, kept: &KeptOn) -> Answer {
        match (&self.registered, &kept.device) {
            (Registered::No, _) => Answer::No,
            (Registered::Perhaps, _) => Answer::Unknown,
            (Registered::Listed(device), Some(told)) => Answer::of(device.id.as_str() == told),
            (Registered::Listed(device), None) => {
                let may_be = self.platform == kept.platform || device.operating_system.value().is_none();
                if may_be { Answer::Unknown } else { Answer::No }
            }
        }
    }

    fn info(&self) -> Option<DeviceInfo<'static>> {
        let device = match self.registered {
            Registered::No => return None,
            Registered::Perhaps => {
                return Some(DeviceInfo { is_compliant: Some(self.is_compliant), ..DeviceInfo::default() });
            }
            Registered::Listed(device) => device,
        };
        let text = |property: &Property<String>| property.value().cloned();
        let attributes = device.extension_attributes.value().into_iter().flatten();
        let detail = DeviceInfoDetail {
            device_id: text(&device.device_id),
            display_name: text(&device.display_name),
            enrollment_profile_name: text(&device.enrollment_profile_name),
            manufacturer: text(&device.manufacturer),
            mdm_app_id: text(&device.mdm_app_id),
            model: text(&device.model),
            operating_system: text(&device.operating_system),
            operating_system_version: text(&device.operating_system_version),
            ownership: text(&device.device_ownership),
            profile_type: text(&device.profile_type),
            physical_ids: device.physical_ids.clone(),
            system_labels: device.system_labels.clone(),
            extension_attributes: attributes
                .filter_map(|(name, value)| Some((name.clone(), value.clone()?)))
                .collect::<BTreeMap<_, _>>(),
        };
        Some(DeviceInfo {
            is_compliant: Some(self.is_compliant),
            trust_type: text(&device.trust_type).map(Cow::Owned),
            detail: Some(Box::new(detail)),
        })
    }
}

/// Who signs in to what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Attempt {
    pub(super) person: usize,
    /// A role that was activated before.
    pub(super) activated: Option<&'static str>,
    pub(super) tool: usize,
    /// The authentication context that is asked for instead of the tool's application.
    pub(super) context: Option<String>,
}

/// One choice of device and place with one country.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) device: usize,
    pub(super) point: usize,
    /// Per set of risks that may be reported (bit 0 of the sign-in, 1 of the user, 2 of the insider): policies that
    /// apply at one of their levels for sure, and that may.
    pub(super) by_risk: [(u64, u64); 8],
}

/// What was asked already.
#[derive(Debug, Default)]
pub(super) struct SignIns {
    rows: BTreeMap<Attempt, Rc<Vec<Row>>>,
    with_role: BTreeMap<(usize, &'static str), Rc<Snapshot>>,
}

/// The policies that have a device filter about a property, and a tenant in which they have none.
fn without_device_filters(snapshot: &Snapshot, property: &str) -> (u64, Option<Snapshot>) {
    let mut policies = snapshot.conditional_access_policies.items().to_vec();
    let mut filtered = 0;
    for (at, policy) in policies.iter_mut().enumerate() {
        let Some(devices) = &mut policy.conditions.devices else { continue };
        let is_meant = |filter: &mut ConditionalAccessFilter| {
            filter.is_configured() && filter.rule.as_ref().is_some_and(|rule| rule.contains(property))
        };
        filtered |= u64::from(devices.device_filter.take_if(is_meant).is_some()) << at;
    }
    let mut changed = snapshot.clone();
    changed.conditional_access_policies = match snapshot.conditional_access_policies.why() {
        None => Listing::present(policies),
        Some(why) => Listing::partial(policies, why),
    };
    (filtered, Some(changed))
}

const LEVELS: [&str; 4] = ["none", "low", "medium", "high"];
const INSIDER_LEVELS: [&str; 4] = ["none", "minor", "moderate", "elevated"];

impl LockoutReferee<'_> {
    /// Every choice, with the policies that apply to it.
    pub(super) fn rows(&self, attempt: &Attempt) -> Rc<Vec<Row>> {
        if let Some(rows) = self.sign_ins.borrow().rows.get(attempt) {
            return Rc::clone(rows);
        }
        let rows = Rc::new(self.all_rows(attempt));
        self.sign_ins.borrow_mut().rows.insert(attempt.clone(), Rc::clone(&rows));
        rows
    }

    fn all_rows(&self, attempt: &Attempt) -> Vec<Row> {
        let changed = attempt.activated.map(|role| self.with_role(attempt.person, role));
        let snapshot = changed.as_deref().unwrap_or(self.snapshot);
        let person = self.people[attempt.person].id;
        let mut rows = Vec::new();
        for (device, choice) in self.devices.iter().enumerate() {
            if choice.is_for(person) == Answer::No {
                continue;
            }
            let info = choice.info();
            // What a filter asks and the export does not have cannot be told: the policy without it, perhaps.
            let (filtered, unfiltered) = match choice.registered {
                Registered::Perhaps => without_device_filters(snapshot, ""),
                Registered::Listed(device) if device.trust_type.is_absent() => {
                    without_device_filters(snapshot, "trustType")
                }
                Registered::No | Registered::Listed(_) => (0, None),
            };
            let seen = unfiltered.as_ref().unwrap_or(snapshot);
            for (at, point) in self.points.iter().enumerate() {
                for country in &point.countries {
                    let mut request = self.request(attempt, choice, point.address, country.as_deref());
                    if let Some(conditions) = &mut request.sign_in_conditions {
                        conditions.device_info.clone_from(&info);
                    }
                    let by_risk =
                        self.by_risk(seen, &mut request).map(|(surely, perhaps)| (surely & !filtered, perhaps));
                    rows.push(Row { device, point: at, by_risk });
                }
            }
        }
        rows
    }

    /// The tenant after somebody has activated a role.
    fn with_role(&self, person: usize, role: &'static str) -> Rc<Snapshot> {
        let mut known = self.sign_ins.borrow_mut();
        let changed = known.with_role.entry((person, role)).or_insert_with(|| {
            let mut snapshot = self.snapshot.clone();
            let mut assignments = snapshot.role_assignments.items().to_vec();
            assignments.push(RoleAssignment {
                id: None,
                principal_id: DirectoryObjectId::from(self.people[person].id),
                role_definition_id: RoleTemplateId::from(role),
                directory_scope_id: Property::Value("/".to_owned()),
                assignment_type: Some("Activated".to_owned()),
                member_type: None,
                start_date_time: None,
                end_date_time: Property::Null,
                rest: serde_json::Map::new(),
            });
            snapshot.role_assignments = match snapshot.role_assignments.why() {
                None => Listing::present(assignments),
                Some(why) => Listing::partial(assignments, why),
            };
            Rc::new(snapshot)
        });
        Rc::clone(changed)
    }

    fn request<'r>(
        &'r self,
        attempt: &'r Attempt,
        device: &DeviceChoice<'_>,
        address: u128,
        country: Option<&'r str>,
    ) -> WhatIfRequest<'r> {
        let tool = &self.tools[attempt.tool];
        let context = match &attempt.context {
            None => SignInContext {
                include_applications: Some(vec![Cow::Borrowed(tool.application.as_str())]),
                ..SignInContext::default()
            },
            Some(context) => SignInContext {
                authentication_context_value: Some(Cow::Borrowed(context.as_str())),
                ..SignInContext::default()
            },
        };
        WhatIfRequest {
            sign_in_identity: SignInIdentity {
                user_id: Some(Cow::Borrowed(self.people[attempt.person].id)),
                ..SignInIdentity::default()
            },
            sign_in_context: Some(context),
            sign_in_conditions: Some(SignInConditions {
                device_platform: Some(Cow::Borrowed(device.platform)),
                client_app_type: Some(Cow::Borrowed(tool.client)),
                country: country.map(Cow::Borrowed),
                ip_address: Some(Cow::Owned(Ipv6Addr::from(address).to_string())),
                ..SignInConditions::default()
            }),
            applied_policies_only: None,
        }
    }

    /// Asks the plain referee at every level of every risk that some policy looks at.
    #[expect(clippy::panic, reason = "a request that the referee refuses is a fault of the simulator")]
    fn by_risk(&self, snapshot: &Snapshot, request: &mut WhatIfRequest<'_>) -> [(u64, u64); 8] {
        let looked_at = self.looks_at_risk();
        let levels = |kind: usize, levels: [&'static str; 4]| {
            levels.into_iter().enumerate().take(if looked_at[kind] { levels.len() } else { 1 })
        };
        let all = levels(0, LEVELS).flat_map(|sign_in| {
            let users = levels(1, LEVELS);
            users.flat_map(move |user| levels(2, INSIDER_LEVELS).map(move |insider| [sign_in, user, insider]))
        });
        let referee = self.policies(snapshot);
        let mut by_risk = [(0, 0); 8];
        for reported in all {
            if let Some(conditions) = &mut request.sign_in_conditions {
                let [sign_in, user, insider] = reported.map(|(_, level)| Some(Cow::Borrowed(level)));
                conditions.sign_in_risk_level = sign_in;
                conditions.user_risk_level = user;
                conditions.insider_risk_level = insider;
            }
            let applying = match referee.enforced(request) {
                Ok(applying) => applying,
                Err(why) => panic!("{why}"),
            };
            let raised = (0..3).filter(|kind| reported[*kind].0 > 0).fold(0, |raised, kind| raised | 1 << kind);
            for (policy, (surely, perhaps)) in applying.into_iter().enumerate() {
                for (failed, sets) in by_risk.iter_mut().enumerate() {
                    if raised & !failed == 0 {
                        sets.0 |= u64::from(surely) << policy;
                        sets.1 |= u64::from(perhaps) << policy;
                    }
                }
            }
        }
        by_risk
    }

    /// Whether some policy has a condition about the risk of the sign-in, of the user, of the insider.
    fn looks_at_risk(&self) -> [bool; 3] {
        let policies = self.snapshot.conditional_access_policies.items().iter();
        policies.fold([false; 3], |looked_at, policy| {
            let conditions = &policy.conditions;
            let own = [
                !conditions.sign_in_risk_levels.is_empty(),
                !conditions.user_risk_levels.is_empty(),
                !conditions.insider_risk_levels.is_empty(),
            ];
            [looked_at[0] || own[0], looked_at[1] || own[1], looked_at[2] || own[2]]
        })
    }
}
