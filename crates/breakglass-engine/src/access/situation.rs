//! A sign-in as small numbers: what is looked up once, so that deciding is a handful of loads.
//!
//! What a request leaves out follows Graph: a missing value does not match a configured condition; a missing
//! client application counts as `all`; a missing device is an unregistered one; an address without a country is a
//! sign-in from an unknown country.

use std::borrow::Cow;

use breakglass_model::ids::AppId;
use breakglass_model::object::ObjectKey;
use breakglass_model::policy::{
    ConditionalAccessClientApp as Client, ConditionalAccessDevicePlatform as Platform, GuestOrExternalUserType,
    InsiderRiskLevel, RiskLevel, TransferMethod,
};
use breakglass_model::property::Property;
use breakglass_model::sign_in::{DeviceInfo, SignInConditions, SignInContext, SignInIdentity, WhatIfRequest};
use breakglass_model::snapshot::{ObjectRow, Snapshot};
use breakglass_model::user::User;

use super::Access;
use super::classes::Seat;
use super::compile::{
    CLIENT_ALL, CLIENTS, Compiled, FLOW_UNSAID, FLOWS, INSIDER_RISK_UNSAID, INSIDER_RISKS, Masks, PLATFORM_UNKNOWN,
    PLATFORM_UNSAID, PLATFORMS, RISK_UNSAID, RISKS,
};
use super::demand::{GrantSituation, PlatformKind};
use super::device_filter::{DeviceFacts, PartialDevice};
use super::locations::{Countries, CountryRow, Signature};
use super::targets::{Target, TargetRow, USER_ACTIONS, filtered};
use super::trit::Trit;

/// Applications of one request.
pub const REQUEST_APPLICATION_COUNT_MAX: usize = 100;

/// A sign-in, interned against one compiled tenant.
#[derive(Debug, Clone)]
pub struct Situation {
    /// Class of the user.
    pub(crate) class: u32,
    /// Row of the target.
    pub(crate) target: TargetRow,
    pub(crate) address: Signature,
    pub(crate) country: CountryRow,
    pub(crate) platform: u8,
    pub(crate) client: u8,
    pub(crate) flow: u8,
    pub(crate) sign_in_risk: u8,
    pub(crate) user_risk: u8,
    pub(crate) insider_risk: u8,
    /// What decides the grant controls.
    pub grant: GrantSituation,
    /// What only some sign-ins have.
    pub(crate) special: Option<Box<Special>>,
    /// Who signs in, if the snapshot mentions it.
    pub user: Option<ObjectKey>,
}

/// Masks that stand in for those of the tables.
#[derive(Debug, Clone)]
pub(crate) struct Special {
    /// Seat of a person whom only a role assignment mentions.
    pub(crate) seat: Option<Seat>,
    /// Identity: a service principal, or a user who signs in as a guest of a given kind.
    pub(crate) identity: Option<Masks>,
    pub(crate) is_service_principal: bool,
    /// Platform, client and flow where a service principal risk is given.
    pub(crate) client_side: Option<Masks>,
    /// Several applications at once.
    pub(crate) target: Option<Masks>,
    /// A device with properties.
    pub(crate) device: Option<Masks>,
    /// Risk of a service principal.
    pub(crate) service_principal_risk: u8,
}

impl Default for Special {
    fn default() -> Self {
        Self {
            seat: None,
            identity: None,
            is_service_principal: false,
            client_side: None,
            target: None,
            device: None,
            service_principal_risk: RISK_UNSAID,
        }
    }
}

/// Why a request cannot be judged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SituationError {
    /// It names nobody.
    #[error("the request names neither a user (`signInIdentity.userId`) nor a service principal")]
    NoIdentity,
    /// It names two.
    #[error("the request names both a user and a service principal")]
    TwoIdentities,
    /// The user is not there.
    #[error("user `{0}` is not in the snapshot")]
    UnknownUser(String),
    /// The user was deleted.
    #[error("user `{0}` is deleted and cannot sign in")]
    DeletedUser(String),
    /// The service principal is not there.
    #[error("service principal `{0}` is not in the snapshot")]
    UnknownServicePrincipal(String),
    /// The address is none.
    #[error("`{0}` is not an IP address")]
    Address(String),
    /// A value is not a member of its enumeration.
    #[error("`{value}` is not {} {what}; it is one of {known}", article(what))]
    Value {
        /// What is meant.
        what: &'static str,
        /// What was given.
        value: String,
        /// What could be given.
        known: &'static str,
    },
    /// There are too many applications.
    #[error("the request names {0} applications; at most {REQUEST_APPLICATION_COUNT_MAX} are evaluated at once")]
    TooManyApplications(usize),
}

/// Scopes that a client asks for, where the resource has to be worked out from them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeRequest {
    /// Resource that scopes outside the directory belong to, if there are any.
    pub resource: Option<AppId>,
    /// Names of the scopes.
    pub scopes: Vec<String>,
}

/// Scopes so low that they once let a sign-in pass policies with exclusions.
const LOW_PRIVILEGE_SCOPES: [&str; 6] = ["openid", "profile", "email", "offline_access", "User.Read", "People.Read"];

impl ScopeRequest {
    /// What the sign-in is to: the named resource, or the directory for low-privilege scopes alone.
    #[must_use]
    pub fn target(&self) -> Target {
        let is_low = |scope: &String| LOW_PRIVILEGE_SCOPES.iter().any(|low| low.eq_ignore_ascii_case(scope));
        match &self.resource {
            Some(resource) => Target::Application(resource.clone()),
            None if self.scopes.iter().all(is_low) => Target::LowPrivilegeScopes,
            None => Target::Application(super::surfaces::MICROSOFT_GRAPH.into()),
        }
    }
}

type Text<'a> = Option<Cow<'a, str>>;

impl Access<'_> {
    /// Interns a request.
    ///
    /// # Errors
    /// When it names nobody, or somebody who is not in a complete list, or a value that does not exist.
    pub fn situation(&self, request: &WhatIfRequest<'_>) -> Result<Situation, SituationError> {
        let mut situation = self.nobody();
        self.add_identity(&mut situation, &request.sign_in_identity)?;
        self.add_context(&mut situation, request.sign_in_context.as_ref())?;
        if let Some(conditions) = &request.sign_in_conditions {
            self.add_conditions(&mut situation, conditions)?;
        }
        Ok(situation)
    }

    /// A sign-in of somebody whom the snapshot does not mention, of which nothing is said.
    #[must_use]
    pub fn nobody(&self) -> Situation {
        Situation {
            class: self.classes.class(None),
            target: self.targets.row(&Target::Nothing),
            address: 0,
            country: Countries::NONE,
            platform: PLATFORM_UNSAID,
            client: CLIENT_ALL,
            flow: FLOW_UNSAID,
            sign_in_risk: RISK_UNSAID,
            user_risk: RISK_UNSAID,
            insider_risk: INSIDER_RISK_UNSAID,
            grant: GrantSituation::default(),
            special: None,
            user: None,
        }
    }

    /// The same sign-in to another target.
    #[must_use]
    pub fn to_target(&self, mut situation: Situation, target: &Target) -> Situation {
        situation.target = self.targets.row(target);
        if let Some(special) = &mut situation.special {
            special.target = None;
        }
        situation
    }

    /// The same sign-in by another user.
    #[must_use]
    pub fn by_user(&self, mut situation: Situation, user: ObjectKey) -> Situation {
        situation.class = self.classes.class(Some(user));
        situation.user = Some(user);
        if let Some(special) = &mut situation.special {
            special.seat = None;
            special.identity = None;
            special.is_service_principal = false;
        }
        situation
    }

    fn add_identity(&self, situation: &mut Situation, identity: &SignInIdentity<'_>) -> Result<(), SituationError> {
        if let Some(id) = given(&identity.user_id) {
            if given(&identity.service_principal_id).is_some() {
                return Err(SituationError::TwoIdentities);
            }
            let seat = self.seat(id)?;
            situation.user = seat.user;
            situation.class = self.classes.class_at(seat);
            if seat != self.classes.seat(seat.user) {
                situation.special.get_or_insert_default().seat = Some(seat);
            }
            let kinds = identity.external_user_type.as_deref().map_or(Ok(Vec::new()), guest_kinds)?;
            let tenant = given(&identity.external_tenant_id);
            if !kinds.is_empty() || tenant.is_some() {
                let masks = self.classes.guest_masks(seat, &kinds, tenant);
                situation.special.get_or_insert_default().identity = Some(masks);
            }
            return Ok(());
        }
        let id = given(&identity.service_principal_id).ok_or(SituationError::NoIdentity)?;
        let special = situation.special.get_or_insert_default();
        special.is_service_principal = true;
        special.identity = Some(self.service_principal_masks(id)?);
        Ok(())
    }

    /// Finds the user of a request, who need not be in a list of users that is not complete.
    fn seat(&self, id: &str) -> Result<Seat, SituationError> {
        let snapshot = self.snapshot;
        if let Some(key) = snapshot.objects.find(id)
            && matches!(snapshot.row(key), ObjectRow::User(_))
        {
            return Ok(self.classes.seat(Some(key)));
        }
        if let Some(user) = snapshot.find_user(id) {
            return Ok(self.classes.seat(Some(user.key)));
        }
        if snapshot.deleted_users.items().iter().any(|user| is_deleted_user(snapshot, user, id)) {
            return Err(SituationError::DeletedUser(id.to_owned()));
        }
        if snapshot.users.is_complete() {
            return Err(SituationError::UnknownUser(id.to_owned()));
        }
        let key = snapshot.objects.find(id).or_else(|| snapshot.objects.find(&id.to_ascii_lowercase()));
        Ok(match key.filter(|key| snapshot.row(*key) == ObjectRow::Unlisted) {
            Some(key) => self.classes.seat(Some(key)),
            None => self.classes.seat_of_stranger(id),
        })
    }

    /// The policies that are about a service principal; `None` if it is not in the snapshot.
    pub(crate) fn application_masks(&self, id: &str) -> Option<Masks> {
        self.service_principal_masks(id).ok()
    }

    fn service_principal_masks(&self, id: &str) -> Result<Masks, SituationError> {
        let snapshot = self.snapshot;
        let listed = snapshot.objects.find(id).and_then(|key| snapshot.service_principal(key));
        if listed.is_none() && snapshot.service_principals.is_complete() {
            return Err(SituationError::UnknownServicePrincipal(id.to_owned()));
        }
        let is_own = listed.map_or(Trit::Unknown, |principal| {
            let is_application = match &principal.service_principal_type {
                Property::Absent => Trit::Unknown,
                Property::Null => Trit::Yes,
                Property::Value(kind) => (kind != "ManagedIdentity").into(),
            };
            let is_own = match (&principal.app_owner_organization_id, &snapshot.tenant_id) {
                (Property::Null, _) => Trit::No,
                (Property::Value(owner), Some(tenant)) => owner.eq_ignore_ascii_case(tenant.as_str()).into(),
                (Property::Absent, _) | (Property::Value(_), None) => Trit::Unknown,
            };
            is_application.and(is_own)
        });
        let has = |names: &[String]| -> Trit {
            let each = names.iter().map(|name| match name.as_str() {
                "ServicePrincipalsInMyTenant" => is_own,
                name => (name == id).into(),
            });
            each.max().unwrap_or(Trit::No)
        };
        let words = self.compiled.words;
        let mut masks = Masks::with_rows(1, words);
        for (index, policy) in self.policies().iter().enumerate() {
            if policy.conditions.users.as_ref().is_some_and(|users| users.not_exported.is_some()) {
                // It may be about anybody.
                masks.set((0, words), index, Trit::Unknown);
                continue;
            }
            let Some(clients) = &policy.conditions.client_applications else { continue };
            if !clients.is_configured() {
                continue;
            }
            // Whether a service principal is an agent, nothing says.
            let agents = |list: &[String]| if list.is_empty() { Trit::No } else { Trit::Unknown };
            let included =
                has(&clients.include_service_principals).or(agents(&clients.include_agent_id_service_principals));
            let excluded =
                has(&clients.exclude_service_principals).or(agents(&clients.exclude_agent_id_service_principals));
            masks.set((0, words), index, filtered(included, excluded, clients.service_principal_filter.as_ref()));
        }
        Ok(masks)
    }

    fn add_context(
        &self,
        situation: &mut Situation,
        context: Option<&SignInContext<'_>>,
    ) -> Result<(), SituationError> {
        let Some(context) = context else { return Ok(()) };
        let action = context.user_action.as_deref();
        if let Some(action) = action.filter(|action| !USER_ACTIONS.iter().any(|(name, _)| name == action)) {
            return Err(value_error("user action", action, "registerSecurityInformation, registerOrJoinDevices"));
        }
        if let Some(value) = context.authentication_context_value.as_deref().filter(|value| !is_class_reference(value))
        {
            return Err(value_error("authentication context", value, "c1 to c99"));
        }
        // A body that names more than one kind of context means the first, in Graph's order of the kinds.
        match context.include_applications.as_deref().unwrap_or_default() {
            [] => {
                let class_reference = context.authentication_context_value.as_deref();
                let class_reference = class_reference.map(|value| Target::AuthenticationContext(value.to_owned()));
                if let Some(target) = class_reference.or_else(|| action.map(|name| Target::UserAction(name.to_owned())))
                {
                    situation.target = self.targets.row(&target);
                }
            }
            [one] => situation.target = self.application(one),
            many if many.len() > REQUEST_APPLICATION_COUNT_MAX => {
                return Err(SituationError::TooManyApplications(many.len()));
            }
            many => {
                let masks = many.iter().fold(Masks::with_rows(1, self.compiled.words), |all, application| {
                    unite(&all, (&self.targets.masks, self.application(application) as usize), self.compiled.words)
                });
                situation.target = many.first().map_or(situation.target, |first| self.application(first));
                situation.special.get_or_insert_default().target = Some(masks);
            }
        }
        Ok(())
    }

    fn application(&self, id: &str) -> TargetRow {
        self.targets.application(id)
    }

    fn add_conditions(
        &self,
        situation: &mut Situation,
        conditions: &SignInConditions<'_>,
    ) -> Result<(), SituationError> {
        add_client_side(situation, conditions)?;
        let risk = |text: &Text<'_>, what| -> Result<u8, SituationError> {
            let Some(text) = text.as_deref() else { return Ok(RISK_UNSAID) };
            place(&RISKS, text).ok_or_else(|| value_error(what, text, "none, low, medium, high, hidden"))
        };
        situation.sign_in_risk = risk(&conditions.sign_in_risk_level, "sign-in risk level")?;
        situation.user_risk = risk(&conditions.user_risk_level, "user risk level")?;
        let own_risk = risk(&conditions.service_principal_risk_level, "service principal risk level")?;
        if own_risk != RISK_UNSAID {
            let masks = self.compiled.service_principal_side(situation, own_risk);
            let special = situation.special.get_or_insert_default();
            special.service_principal_risk = own_risk;
            special.client_side = Some(masks);
        }
        if let Some(text) = conditions.insider_risk_level.as_deref() {
            situation.insider_risk = place(&INSIDER_RISKS, text)
                .ok_or_else(|| value_error("insider risk level", text, "none, minor, moderate, elevated"))?;
        }
        let address = conditions.ip_address.as_deref();
        if let Some(text) = address {
            let signature = self.compiled.addresses.signature_of(text);
            situation.address = signature.ok_or_else(|| SituationError::Address(text.to_owned()))?;
            situation.country = Countries::UNKNOWN;
        }
        if let Some(country) = given(&conditions.country) {
            situation.country = self.compiled.countries.row(country);
            if situation.country == Countries::OTHER && !is_country_code(country) {
                return Err(value_error("country", country, "the codes of two letters, such as `DE`"));
            }
        }
        if let Some(device) = &conditions.device_info {
            self.add_device(situation, device);
        }
        Ok(())
    }

    fn add_device(&self, situation: &mut Situation, device: &DeviceInfo<'_>) {
        let trust = given(&device.trust_type);
        situation.grant.is_compliant = device.is_compliant == Some(true);
        if self.compiled.device_filters.is_empty() && trust.is_none() {
            return;
        }
        self.set_device(situation, &device_facts(device).into());
    }

    /// The table that tells which policies are about the identity of a situation, and the row of it.
    #[inline(always)]
    pub(crate) fn identity_row<'s>(&'s self, situation: &'s Situation) -> (&'s Masks, usize) {
        match situation.special.as_deref().and_then(|special| special.identity.as_ref()) {
            Some(masks) => (masks, 0),
            None => (&self.classes.table().masks, situation.class as usize),
        }
    }

    /// The table that tells which policies are about what the sign-in is to, and the row of it.
    #[inline(always)]
    pub(crate) fn target_row<'s>(&'s self, situation: &'s Situation) -> (&'s Masks, usize) {
        match situation.special.as_deref().and_then(|special| special.target.as_ref()) {
            Some(masks) => (masks, 0),
            None => (&self.targets.masks, situation.target as usize),
        }
    }

    /// The one row that tells which policies the device meets.
    pub(crate) fn device_masks<'s>(&'s self, situation: &'s Situation) -> &'s Masks {
        let own = situation.special.as_deref().and_then(|special| special.device.as_ref());
        own.unwrap_or(&self.compiled.unregistered_device)
    }

    /// The sign-in of somebody whom the snapshot does not mention, to nothing, under these conditions.
    ///
    /// # Errors
    /// When a value is not one that exists.
    pub(crate) fn under(&self, conditions: &SignInConditions<'_>) -> Result<Situation, SituationError> {
        let mut situation = self.nobody();
        self.add_conditions(&mut situation, conditions)?;
        Ok(situation)
    }

    /// Puts a sign-in on a registered device.
    pub(crate) fn set_device(&self, situation: &mut Situation, device: &PartialDevice) {
        situation.grant.is_compliant = device.facts.is_compliant == Some(true);
        situation.grant.is_hybrid_joined = device.facts.is_hybrid_joined();
        if self.compiled.device_filters.is_empty() {
            return;
        }
        let words = self.compiled.words;
        let mut masks = self.compiled.unregistered_device.clone();
        for filter in &self.compiled.device_filters {
            masks.clear((0, words), filter.policy);
            masks.set((0, words), filter.policy, filter.truth(device));
        }
        let special = situation.special.get_or_insert_default();
        special.device = Some(masks);
    }
}

fn add_client_side(situation: &mut Situation, conditions: &SignInConditions<'_>) -> Result<(), SituationError> {
    if let Some(text) = conditions.device_platform.as_deref() {
        situation.platform = match (place(&PLATFORMS, text), text) {
            (Some(row), _) => row,
            (None, "" | "unknownFutureValue") => PLATFORM_UNKNOWN,
            _ => {
                let known = "android, iOS, windows, windowsPhone, macOS, linux, unknownFutureValue";
                return Err(value_error("device platform", text, known));
            }
        };
        situation.grant.platform = match PLATFORMS.get(usize::from(situation.platform)) {
            Some(Platform::Android | Platform::IOs) => PlatformKind::Mobile,
            _ => PlatformKind::Desktop,
        };
    }
    if let Some(text) = conditions.client_app_type.as_deref() {
        let known = "browser, mobileAppsAndDesktopClients, exchangeActiveSync, easSupported, other, all";
        situation.client = place(&CLIENTS, text).ok_or_else(|| value_error("client application type", text, known))?;
        situation.grant.is_legacy_client = matches!(
            CLIENTS.get(usize::from(situation.client)),
            Some(Client::ExchangeActiveSync | Client::EasSupported | Client::Other)
        );
    }
    let flow = conditions.authentication_flow.as_ref().and_then(|flow| flow.transfer_method.as_deref());
    if let Some(text) = flow {
        let known = "none, deviceCodeFlow, authenticationTransfer";
        situation.flow = place(&FLOWS, text).ok_or_else(|| value_error("transfer method", text, known))?;
        situation.grant.is_device_code =
            FLOWS.get(usize::from(situation.flow)) == Some(&TransferMethod::DeviceCodeFlow);
    }
    Ok(())
}

fn article(what: &str) -> &'static str {
    if what.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" }
}

/// A text that is there and not empty.
fn given<'t>(text: &'t Text<'_>) -> Option<&'t str> {
    text.as_deref().filter(|text| !text.is_empty())
}

/// Whether a text has the form of a country's code.
fn is_country_code(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|letter| letter.is_ascii_alphabetic())
}

/// Whether a text is one of the authentication contexts that there are, `c1` to `c99`.
fn is_class_reference(text: &str) -> bool {
    let number = text.strip_prefix('c').filter(|number| number.bytes().all(|digit| digit.is_ascii_digit()));
    number.is_some_and(|number| matches!(number.len(), 1 | 2) && !number.starts_with('0'))
}

/// Whether a user among the deleted ones is meant by an id or a sign-in name.
fn is_deleted_user(snapshot: &Snapshot, user: &User, name: &str) -> bool {
    snapshot.objects.id(user.key).eq_ignore_ascii_case(name)
        || user.user_principal_name.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name))
}

fn value_error(what: &'static str, value: &str, known: &'static str) -> SituationError {
    SituationError::Value { what, value: value.to_owned(), known }
}

/// A member of an open enumeration that has Graph's spelling.
trait Spelled {
    fn spelling(&self) -> &str;
}

macro_rules! spelled {
    ($($name:ty),+ $(,)?) => {$(
        impl Spelled for $name {
            #[inline]
            fn spelling(&self) -> &str {
                self.as_str()
            }
        }
    )+};
}

spelled!(Platform, Client, RiskLevel, InsiderRiskLevel, TransferMethod);

/// The row of a spelling.
#[inline]
fn place<T: Spelled, const N: usize>(rows: &[T; N], text: &str) -> Option<u8> {
    rows.iter().position(|row| row.spelling() == text).and_then(|row| u8::try_from(row).ok())
}

fn guest_kinds(text: &str) -> Result<Vec<GuestOrExternalUserType>, SituationError> {
    let kinds = text.split(',').map(|kind| GuestOrExternalUserType::from_graph(kind.trim()));
    let kinds: Vec<_> = kinds.filter(|kind| *kind != GuestOrExternalUserType::None).collect();
    match kinds.iter().find(|kind| matches!(kind, GuestOrExternalUserType::Unknown(_))) {
        Some(unknown) => {
            let known = "internalGuest, b2bCollaborationGuest, b2bCollaborationMember, b2bDirectConnectUser, \
                         otherExternalUser, serviceProvider, none";
            Err(value_error("kind of external user", unknown.as_str(), known))
        }
        None => Ok(kinds),
    }
}

/// The facts of a request's device.
#[must_use]
pub(crate) fn device_facts(device: &DeviceInfo<'_>) -> DeviceFacts {
    let mut facts = DeviceFacts {
        is_compliant: device.is_compliant,
        trust_type: given(&device.trust_type).map(str::to_owned),
        ..DeviceFacts::default()
    };
    let Some(detail) = &device.detail else { return facts };
    facts.device_id.clone_from(&detail.device_id);
    facts.display_name.clone_from(&detail.display_name);
    facts.enrollment_profile_name.clone_from(&detail.enrollment_profile_name);
    facts.manufacturer.clone_from(&detail.manufacturer);
    facts.mdm_app_id.clone_from(&detail.mdm_app_id);
    facts.model.clone_from(&detail.model);
    facts.operating_system.clone_from(&detail.operating_system);
    facts.operating_system_version.clone_from(&detail.operating_system_version);
    facts.ownership.clone_from(&detail.ownership);
    facts.profile_type.clone_from(&detail.profile_type);
    facts.physical_ids.clone_from(&detail.physical_ids);
    facts.system_labels.clone_from(&detail.system_labels);
    for (number, slot) in (1..).zip(facts.extension_attributes.iter_mut()) {
        *slot = detail.extension_attributes.get(&format!("extensionAttribute{number}")).cloned();
    }
    facts
}

fn unite(one: &Masks, other: (&Masks, usize), words: usize) -> Masks {
    let (table, row) = other;
    let side = |left: &[u64], right: &[u64]| -> Vec<u64> {
        let right = right.get(row * words..(row + 1) * words).unwrap_or_default();
        left.iter().zip(right).map(|(left, right)| left | right).collect()
    };
    Masks { sure: side(&one.sure, &table.sure), may: side(&one.may, &table.may) }
}

impl Situation {
    /// Row of the client-side table.
    pub(crate) fn client_side_row(&self) -> usize {
        Compiled::client_side_row(self.platform, self.client, self.flow)
    }

    /// Row of the risks table.
    pub(crate) fn risks_row(&self) -> usize {
        Compiled::risks_row(self.sign_in_risk, self.user_risk, self.insider_risk)
    }
}
