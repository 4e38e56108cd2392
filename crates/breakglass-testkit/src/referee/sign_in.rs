//! A request read strictly: every value that Graph does not know is an error.

use std::net::IpAddr;

use breakglass_model::named_location::address_number;
use breakglass_model::object::ObjectKey;
use breakglass_model::policy::{
    ConditionalAccessClientApp, ConditionalAccessDevicePlatform, GuestOrExternalUserType, InsiderRiskLevel, RiskLevel,
    TransferMethod,
};
use breakglass_model::sign_in::{
    DeviceInfo, SignInConditions, SignInContext as WrittenContext, SignInIdentity as WrittenIdentity, WhatIfRequest,
};
use breakglass_model::snapshot::Snapshot;
use breakglass_model::user::User;

/// The sign-in that is asked about.
#[derive(Debug)]
pub(super) struct SignIn<'a> {
    pub(super) identity: Identity<'a>,
    /// `None` when nothing is named.
    pub(super) context: Option<Context<'a>>,
    pub(super) platform: Platform,
    /// `All` when it is not given.
    pub(super) client_app: ConditionalAccessClientApp,
    pub(super) sign_in_risk: Option<RiskLevel>,
    pub(super) user_risk: Option<RiskLevel>,
    pub(super) service_principal_risk: Option<RiskLevel>,
    pub(super) insider_risk: Option<InsiderRiskLevel>,
    pub(super) transfer_method: Option<TransferMethod>,
    pub(super) address: Option<u128>,
    /// Upper case.
    pub(super) country: Option<String>,
    /// `None` for an unregistered device.
    pub(super) device: Option<&'a DeviceInfo<'a>>,
}

/// Who signs in.
#[derive(Debug)]
pub(super) enum Identity<'a> {
    Person(Person<'a>),
    /// By its object id.
    ServicePrincipal(&'a str),
}

/// A person who signs in.
#[derive(Debug)]
pub(super) struct Person<'a> {
    pub(super) id: &'a str,
    /// `None` when the snapshot mentions the id nowhere.
    pub(super) key: Option<ObjectKey>,
    /// `None` when the list of users is not complete and does not have the person.
    pub(super) user: Option<&'a User>,
    /// What the request says of external users, which then decides.
    pub(super) external_types: Option<Vec<GuestOrExternalUserType>>,
    pub(super) external_tenant_id: Option<&'a str>,
}

/// What is signed in to.
#[derive(Debug)]
pub(super) enum Context<'a> {
    Applications(Vec<&'a str>),
    ClassReference(&'a str),
    RegisterSecurityInformation,
    RegisterOrJoinDevices,
}

/// The platform of the device.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Platform {
    Omitted,
    /// One that Entra does not recognise.
    Unrecognised,
    Known(ConditionalAccessDevicePlatform),
}

impl<'a> SignIn<'a> {
    pub(super) fn read(snapshot: &'a Snapshot, request: &'a WhatIfRequest<'a>) -> Result<Self, String> {
        static NOTHING_SAID: SignInConditions<'static> = SignInConditions {
            device_platform: None,
            client_app_type: None,
            sign_in_risk_level: None,
            user_risk_level: None,
            service_principal_risk_level: None,
            insider_risk_level: None,
            country: None,
            ip_address: None,
            authentication_flow: None,
            device_info: None,
        };
        let said: &SignInConditions<'a> = request.sign_in_conditions.as_ref().unwrap_or(&NOTHING_SAID);
        let flow = said.authentication_flow.as_ref().and_then(|flow| flow.transfer_method.as_deref());
        Ok(Self {
            identity: identity(snapshot, &request.sign_in_identity)?,
            context: request.sign_in_context.as_ref().map_or(Ok(None), context)?,
            platform: platform(said.device_platform.as_deref())?,
            client_app: client_app(said.client_app_type.as_deref())?,
            sign_in_risk: risk("signInRiskLevel", said.sign_in_risk_level.as_deref())?,
            user_risk: risk("userRiskLevel", said.user_risk_level.as_deref())?,
            service_principal_risk: risk("servicePrincipalRiskLevel", said.service_principal_risk_level.as_deref())?,
            insider_risk: insider_risk(said.insider_risk_level.as_deref())?,
            transfer_method: transfer_method(flow)?,
            address: address(said.ip_address.as_deref())?,
            country: said.country.as_deref().map(str::to_ascii_uppercase),
            device: said.device_info.as_ref(),
        })
    }
}

fn unknown_value(property: &str, text: &str) -> String {
    format!("`{text}` is not a value of {property}")
}

fn identity<'a>(snapshot: &'a Snapshot, written: &'a WrittenIdentity<'a>) -> Result<Identity<'a>, String> {
    match (written.user_id.as_deref(), written.service_principal_id.as_deref()) {
        (Some(user), None) => person(snapshot, written, user).map(Identity::Person),
        (None, Some(principal)) => {
            let list = &snapshot.service_principals;
            let is_listed = list.items().iter().any(|listed| listed.id.as_str() == principal);
            if list.is_complete() && !is_listed {
                return Err(format!("service principal `{principal}` is not in the snapshot"));
            }
            Ok(Identity::ServicePrincipal(principal))
        }
        (None, None) => Err("signInIdentity names neither a user nor a service principal".to_owned()),
        (Some(_), Some(_)) => Err("signInIdentity names both a user and a service principal".to_owned()),
    }
}

fn person<'a>(snapshot: &'a Snapshot, written: &'a WrittenIdentity<'a>, name: &'a str) -> Result<Person<'a>, String> {
    let external_tenant_id = written.external_tenant_id.as_deref();
    let external_types = external_types(written.external_user_type.as_deref())?;
    let users = snapshot.users.items();
    let lower = name.to_ascii_lowercase();
    let with_id = |id: &str| users.iter().find(|user| snapshot.objects.id(user.key) == id);
    let with_name = || {
        users.iter().find(|user| user.user_principal_name.as_deref().is_some_and(|upn| upn.eq_ignore_ascii_case(name)))
    };
    if let Some(user) = with_id(name).or_else(|| with_id(&lower)).or_else(with_name) {
        let id = snapshot.objects.id(user.key);
        return Ok(Person { id, key: Some(user.key), user: Some(user), external_types, external_tenant_id });
    }
    if snapshot.users.get().is_ok() {
        return Err(format!("user `{name}` is not in the snapshot"));
    }
    let key = snapshot.objects.find(name).or_else(|| snapshot.objects.find(&lower));
    let id = key.map_or(name, |key| snapshot.objects.id(key));
    Ok(Person { id, key, user: None, external_types, external_tenant_id })
}

/// `None` when the request leaves it to the directory.
fn external_types(text: Option<&str>) -> Result<Option<Vec<GuestOrExternalUserType>>, String> {
    let mut types = Vec::new();
    for member in text.unwrap_or("none").split(',') {
        match GuestOrExternalUserType::from_graph(member.trim()) {
            GuestOrExternalUserType::None => {}
            GuestOrExternalUserType::Unknown(member) => return Err(unknown_value("externalUserType", &member)),
            known => types.push(known),
        }
    }
    Ok((!types.is_empty()).then_some(types))
}

/// What is named first, in Graph's order of the kinds of context.
fn context<'a>(written: &'a WrittenContext<'a>) -> Result<Option<Context<'a>>, String> {
    let applications: Vec<&str> = written.include_applications.iter().flatten().map(AsRef::as_ref).collect();
    let user_action = match written.user_action.as_deref() {
        None => None,
        Some("registerSecurityInformation") => Some(Context::RegisterSecurityInformation),
        Some("registerOrJoinDevices") => Some(Context::RegisterOrJoinDevices),
        Some(other) => return Err(unknown_value("userAction", other)),
    };
    if !applications.is_empty() {
        return Ok(Some(Context::Applications(applications)));
    }
    Ok(written.authentication_context_value.as_deref().map(Context::ClassReference).or(user_action))
}

fn platform(text: Option<&str>) -> Result<Platform, String> {
    match text {
        None => Ok(Platform::Omitted),
        Some("" | "unknownFutureValue") => Ok(Platform::Unrecognised),
        Some(text) => match ConditionalAccessDevicePlatform::from_graph(text) {
            ConditionalAccessDevicePlatform::All | ConditionalAccessDevicePlatform::Unknown(_) => {
                Err(unknown_value("devicePlatform", text))
            }
            known => Ok(Platform::Known(known)),
        },
    }
}

fn client_app(text: Option<&str>) -> Result<ConditionalAccessClientApp, String> {
    match ConditionalAccessClientApp::from_graph(text.unwrap_or("all")) {
        ConditionalAccessClientApp::Unknown(text) => Err(unknown_value("clientAppType", &text)),
        known => Ok(known),
    }
}

fn risk(property: &str, text: Option<&str>) -> Result<Option<RiskLevel>, String> {
    match text.map(RiskLevel::from_graph) {
        Some(RiskLevel::Unknown(text)) => Err(unknown_value(property, &text)),
        level => Ok(level),
    }
}

fn insider_risk(text: Option<&str>) -> Result<Option<InsiderRiskLevel>, String> {
    match text.map(InsiderRiskLevel::from_graph) {
        Some(InsiderRiskLevel::Unknown(text)) => Err(unknown_value("insiderRiskLevel", &text)),
        level => Ok(level),
    }
}

fn transfer_method(text: Option<&str>) -> Result<Option<TransferMethod>, String> {
    match text.map(TransferMethod::from_graph) {
        Some(TransferMethod::Unknown(text)) => Err(unknown_value("transferMethod", &text)),
        method => Ok(method),
    }
}

fn address(text: Option<&str>) -> Result<Option<u128>, String> {
    let Some(text) = text else { return Ok(None) };
    let address: IpAddr = text.parse().map_err(|_| format!("`{text}` is not an IP address"))?;
    Ok(Some(address_number(address)))
}
