//! A recorded sign-in against the policies: each condition three-valued, and what a record does not say is not known.
//!
//! What If takes a fact that is left out for one that matches nothing. A record that lacks a fact is another thing: the
//! sign-in had it, and nobody wrote it down. So a lacking fact may be any of its values, and a condition holds for sure
//! only if it holds for all of them.
//!
//! **Invariant:** the answer for a record that lacks facts covers the answer for every way to fill them in.
//! **Source:** the documentation of `signIn`; which application a policy is about is in `docs/decisions/0005`.

mod facts;

use std::hash::{BuildHasher, BuildHasherDefault};
use std::sync::OnceLock;

use breakglass_model::object::ObjectKey;
use breakglass_model::policy::{
    ConditionalAccessApplications, ConditionalAccessClientApp as Client, ConditionalAccessDevicePlatform as Platform,
    ConditionalAccessFilter, FilterMode,
};
use breakglass_model::sign_in::{SignInIdentity, WhatIfRequest};
use breakglass_model::sign_in_record::{RecordedMfa, SignInRecord, Who};
use breakglass_model::snapshot::ObjectRow;
use hashbrown::HashTable;
use rustc_hash::FxHasher;

use super::compile::{CLIENTS, FLOWS, INSIDER_RISKS, Masks, PLATFORM_UNKNOWN, PLATFORMS, RISKS};
use super::demand::PlatformKind;
use super::device_filter::{DeviceFacts, DeviceProperty, PartialDevice};
use super::locations::Countries;
use super::surfaces::{MICROSOFT_GRAPH, surface};
use super::targets::Target;
use super::{Access, SituationError, Trit};

use facts::WORDS_MAX;
pub use facts::{Bits, Condition, Evidence, Fact, Recorded, Unjudged};

/// A row of masks that stands for every row of a table at once.
#[derive(Debug, Clone)]
struct Any {
    sure: Bits,
    may: Bits,
}

impl Any {
    fn of(table: &Masks, rows: std::ops::Range<usize>, words: usize) -> Self {
        let mut any = Self { sure: [u64::MAX; WORDS_MAX], may: [0; WORDS_MAX] };
        for row in rows {
            let (sure, may) = row_of(table, row, words);
            any.sure.iter_mut().zip(sure).for_each(|(all, one)| *all &= one);
            any.may.iter_mut().zip(may).for_each(|(all, one)| *all |= one);
        }
        any
    }
}

fn row_of(table: &Masks, row: usize, words: usize) -> (&[u64], &[u64]) {
    let range = row * words..(row + 1) * words;
    (table.sure.get(range.clone()).unwrap_or_default(), table.may.get(range).unwrap_or_default())
}

/// Policies compiled once more, for records.
#[derive(Debug)]
pub struct Recording<'a> {
    access: &'a Access<'a>,
    words: usize,
    any_target: Any,
    any_platform: Any,
    any_client: Any,
    any_flow: Any,
    any_sign_in_risk: Any,
    any_user_risk: Any,
    any_service_principal_risk: Any,
    any_insider_risk: Any,
    any_address: [Any; 2],
    any_country: [Any; 2],
    /// Policies about authentication contexts, and about user actions.
    contexts: Bits,
    actions: Bits,
    /// Policies about every application that there is.
    all_applications: Bits,
    /// Users by sign-in name, once a record names somebody in no other way; never iterated.
    names: OnceLock<HashTable<ObjectKey>>,
}

fn hash(name: &str) -> u64 {
    BuildHasherDefault::<FxHasher>::default().hash_one(name)
}

impl<'a> Recording<'a> {
    /// Gets ready for the policies of a tenant.
    #[must_use]
    pub fn of(access: &'a Access<'a>) -> Self {
        let compiled = access.compiled();
        let words = compiled.words;
        let location = &compiled.location;
        let addresses = 0..compiled.addresses.members.len();
        let countries = Countries::UNKNOWN as usize..compiled.countries.row_count();
        let of = |table: &Masks, rows: usize| Any::of(table, 0..rows, words);
        let targets = access.targets.masks.sure.len() / words.max(1);
        let named = |is_about: fn(&ConditionalAccessApplications) -> bool| {
            let mut bits = [0; WORDS_MAX];
            for (index, policy) in access.policies().iter().enumerate() {
                if policy.conditions.applications.as_ref().is_some_and(is_about) {
                    bits.get_mut(index / 64).into_iter().for_each(|word| *word |= 1 << (index % 64));
                }
            }
            bits
        };
        Self {
            access,
            words,
            any_target: of(&access.targets.masks, targets),
            any_platform: of(&compiled.platform, usize::from(PLATFORM_UNKNOWN) + 1),
            any_client: of(&compiled.client, CLIENTS.len() - 1),
            any_flow: of(&compiled.flow, FLOWS.len()),
            any_sign_in_risk: of(&compiled.sign_in_risk, RISKS.len()),
            any_user_risk: of(&compiled.user_risk, RISKS.len()),
            any_service_principal_risk: of(&compiled.service_principal_risk, RISKS.len()),
            any_insider_risk: of(&compiled.insider_risk, INSIDER_RISKS.len()),
            any_address: [&location.include_by_address, &location.exclude_by_address]
                .map(|table| Any::of(table, addresses.clone(), words)),
            any_country: [&location.include_by_country, &location.exclude_by_country]
                .map(|table| Any::of(table, countries.clone(), words)),
            contexts: named(|applications| !applications.include_authentication_context_class_references.is_empty()),
            actions: named(|applications| !applications.include_user_actions.is_empty()),
            all_applications: all_applications(access),
            names: OnceLock::new(),
        }
    }

    /// The policies.
    #[must_use]
    pub const fn access(&self) -> &'a Access<'a> {
        self.access
    }

    /// Holds a record against every policy.
    ///
    /// # Errors
    /// Why none can be judged.
    pub fn read(&self, record: &SignInRecord<'_>, recorded: &mut Recorded) -> Result<(), Unjudged> {
        if !record.is_sign_in() {
            return Err(Unjudged::NotASignIn);
        }
        if record.ended_before_conditional_access() {
            return Err(Unjudged::BeforeConditionalAccess);
        }
        recorded.lacking = 0;
        recorded.strange = 0;
        let is_service_principal = self.read_identity(record, recorded)?;
        self.read_target(record, recorded);
        self.read_client_side(record, recorded);
        self.read_location(record, recorded);
        self.read_risks(record, recorded, is_service_principal);
        self.read_device(record, recorded);
        let compiled = self.access.compiled();
        self.put(recorded, Condition::Others, row_of(&compiled.known, 0, self.words));
        self.read_evidence(record, recorded);
        self.intersect(recorded);
        Ok(())
    }

    fn put(&self, recorded: &mut Recorded, condition: Condition, (sure, may): (&[u64], &[u64])) {
        let Some(row) = recorded.rows.get_mut(condition as usize) else { return };
        row.0.iter_mut().zip(sure).for_each(|(place, word)| *place = *word);
        row.1.iter_mut().zip(may).for_each(|(place, word)| *place = *word);
    }

    /// A row of a table, or all of them where the record does not say which.
    fn choose(&self, recorded: &mut Recorded, condition: Condition, (table, row, any): (&Masks, Option<usize>, &Any)) {
        match row {
            Some(row) => self.put(recorded, condition, row_of(table, row, self.words)),
            None => self.put(recorded, condition, (&any.sure, &any.may)),
        }
    }

    fn intersect(&self, recorded: &mut Recorded) {
        (recorded.sure, recorded.may) = ([u64::MAX; WORDS_MAX], [u64::MAX; WORDS_MAX]);
        for (sure, may) in &recorded.rows {
            recorded.sure.iter_mut().zip(sure).take(self.words).for_each(|(all, one)| *all &= one);
            recorded.may.iter_mut().zip(may).take(self.words).for_each(|(all, one)| *all &= one);
        }
        for bits in [&mut recorded.sure, &mut recorded.may] {
            bits.iter_mut().skip(self.words).for_each(|word| *word = 0);
        }
    }

    /// Who signed in; `true` for a service principal.
    fn read_identity(&self, record: &SignInRecord<'_>, recorded: &mut Recorded) -> Result<bool, Unjudged> {
        let who = record.who().ok_or(Unjudged::Nobody)?;
        let external = record.external_user_type().filter(|_| matches!(who, Who::User(_)));
        let found = if let Who::User(name) = who { self.find_user(name) } else { None };
        if let (Some(user), None) = (found, &external) {
            let classes = self.access.classes();
            self.put(
                recorded,
                Condition::Users,
                row_of(&classes.table().masks, classes.class(Some(user)) as usize, self.words),
            );
            recorded.user = Some(user);
            return Ok(false);
        }
        let identity = match who {
            Who::User(_) if found.is_none() && self.access.snapshot().users.is_complete() => {
                return Err(Unjudged::UnknownUser);
            }
            Who::User(name) => {
                let id = found.map_or(name, |user| self.access.snapshot().objects.id(user));
                SignInIdentity {
                    user_id: Some(id.into()),
                    external_user_type: external.as_ref().map(|kind| kind.as_str().into()),
                    external_tenant_id: external.as_ref().and(record.home_tenant_id.as_deref()).map(Into::into),
                    ..SignInIdentity::default()
                }
            }
            Who::ServicePrincipal(id) => {
                SignInIdentity { service_principal_id: Some(id.into()), ..SignInIdentity::default() }
            }
        };
        let request = WhatIfRequest { sign_in_identity: identity, ..WhatIfRequest::default() };
        let situation = self.access.situation(&request).map_err(|error| match error {
            SituationError::UnknownServicePrincipal(_) => Unjudged::UnknownServicePrincipal,
            _ => Unjudged::UnknownUser,
        })?;
        let (masks, row) = self.access.identity_row(&situation);
        self.put(recorded, Condition::Users, row_of(masks, row, self.words));
        recorded.user = situation.user;
        Ok(matches!(who, Who::ServicePrincipal(_)))
    }

    /// A user of the list by id or sign-in name, in constant time.
    fn find_user(&self, name: &str) -> Option<ObjectKey> {
        let snapshot = self.access.snapshot();
        let is_user = |key: &ObjectKey| matches!(snapshot.row(*key), ObjectRow::User(_));
        if let Some(key) = snapshot.objects.find(name).filter(is_user) {
            return Some(key);
        }
        let lower = name.to_ascii_lowercase();
        if !name.contains('@') {
            return snapshot.objects.find(&lower).filter(is_user);
        }
        let upn = |key: ObjectKey| {
            snapshot
                .user(key)
                .and_then(|user| user.user_principal_name.as_deref())
                .unwrap_or_default()
                .to_ascii_lowercase()
        };
        let names = self.names.get_or_init(|| {
            let mut names = HashTable::with_capacity(snapshot.users.items().len());
            for user in snapshot.users.items() {
                names.insert_unique(hash(&upn(user.key)), user.key, |key| hash(&upn(*key)));
            }
            names
        });
        names.find(hash(&lower), |key| upn(*key) == lower).copied()
    }

    /// What the sign-in was to. Conditional Access evaluates the audiences; where the record does not list them, the
    /// resource is the one, except that tokens of Microsoft Graph may be for any service behind it. An admin portal is
    /// known by its client.
    fn read_target(&self, record: &SignInRecord<'_>, recorded: &mut Recorded) {
        let targets = &self.access.targets;
        let client = record.app_id.as_deref().and_then(surface).filter(|surface| surface.is_admin_portal);
        let listed = record.conditional_access_audiences.as_deref().unwrap_or_default();
        let resource = record.resource_id.as_deref().filter(|id| !id.is_empty());
        let (mut sure, mut may) = ([0_u64; WORDS_MAX], [0_u64; WORDS_MAX]);
        let mut unite = |row: usize| {
            let (row_sure, row_may) = row_of(&targets.masks, row, self.words);
            sure.iter_mut().zip(row_sure).for_each(|(all, one)| *all |= one);
            may.iter_mut().zip(row_may).for_each(|(all, one)| *all |= one);
        };
        let row_for = |id: &str| match client {
            Some(client) if client.resources.contains(&id) || client.app_id == id => targets.application(client.app_id),
            _ => targets.application(id),
        };
        let mut is_open = false;
        if listed.is_empty() {
            match resource {
                Some(MICROSOFT_GRAPH) => {
                    recorded.lack(Fact::Audiences);
                    is_open = true;
                }
                Some(id) => unite(row_for(id) as usize),
                None => {
                    recorded.lack(Fact::Resource);
                    is_open = true;
                }
            }
        }
        listed.iter().for_each(|id| unite(row_for(id) as usize));
        for context in record.authentication_contexts.iter().flatten() {
            unite(targets.row(&Target::AuthenticationContext(context.to_string())) as usize);
        }
        if is_open {
            (sure, may) = (self.all_applications, self.any_target.may);
        }
        if record.authentication_contexts.is_none() {
            recorded.lack(Fact::AuthenticationContexts);
            may.iter_mut().zip(self.contexts).for_each(|(all, one)| *all |= one);
        }
        recorded.lack(Fact::UserAction);
        may.iter_mut().zip(self.actions).for_each(|(all, one)| *all |= one);
        self.put(recorded, Condition::Application, (&sure, &may));
    }

    fn read_client_side(&self, record: &SignInRecord<'_>, recorded: &mut Recorded) {
        let compiled = self.access.compiled();
        let platform = recorded.stated(Fact::Platform, record.platform());
        let row = platform.as_ref().map(|platform| {
            let row = PLATFORMS.iter().position(|known| known == platform);
            row.unwrap_or_else(|| usize::from(PLATFORM_UNKNOWN))
        });
        self.choose(recorded, Condition::DevicePlatform, (&compiled.platform, row, &self.any_platform));
        recorded.evidence.platform = platform.map(|platform| match platform {
            Platform::Android | Platform::IOs => PlatformKind::Mobile,
            _ => PlatformKind::Desktop,
        });
        let client = recorded.stated(Fact::ClientApp, record.client_app_type());
        let row = client.as_ref().and_then(|client| CLIENTS.iter().position(|known| known == client));
        self.choose(recorded, Condition::ClientApps, (&compiled.client, row, &self.any_client));
        recorded.evidence.is_legacy_client = client.map_or(Trit::Unknown, |client| {
            matches!(client, Client::ExchangeActiveSync | Client::EasSupported | Client::Other).into()
        });
        let flow = recorded.stated(Fact::TransferMethod, record.transfer_method());
        let row = flow.as_ref().and_then(|flow| FLOWS.iter().position(|known| known == flow));
        self.choose(recorded, Condition::AuthenticationFlow, (&compiled.flow, row, &self.any_flow));
        recorded.evidence.is_device_code = flow.map_or(Trit::Unknown, |flow| flow.as_str().eq("deviceCodeFlow").into());
    }

    fn read_location(&self, record: &SignInRecord<'_>, recorded: &mut Recorded) {
        let compiled = self.access.compiled();
        let location = &compiled.location;
        let address = record.ip_address.as_deref().and_then(|text| compiled.addresses.signature_of(text));
        let country =
            record.country.as_deref().filter(|code| !code.is_empty()).map(|code| compiled.countries.row(code));
        let words = self.words;
        let side = |table, row: Option<u32>, any: &'_ Any| -> (Bits, Bits) {
            let mut bits = ([0; WORDS_MAX], [0; WORDS_MAX]);
            let (sure, may) = match row {
                Some(row) => row_of(table, row as usize, words),
                None => (any.sure.as_slice(), any.may.as_slice()),
            };
            bits.0.iter_mut().zip(sure).take(words).for_each(|(place, word)| *place = *word);
            bits.1.iter_mut().zip(may).take(words).for_each(|(place, word)| *place = *word);
            bits
        };
        let [any_in, any_out] = &self.any_address;
        let [country_in, country_out] = &self.any_country;
        let included_address = side(&location.include_by_address, address, any_in);
        let excluded_address = side(&location.exclude_by_address, address, any_out);
        let included_country = side(&location.include_by_country, country, country_in);
        let excluded_country = side(&location.exclude_by_country, country, country_out);
        let combine = |included: [&Bits; 2], excluded: [&Bits; 2]| -> Bits {
            let word = |bits: &Bits, at: usize| bits.get(at).copied().unwrap_or_default();
            let [in_one, in_other] = included;
            let [out_one, out_other] = excluded;
            std::array::from_fn(|at| {
                (word(in_one, at) | word(in_other, at)) & !(word(out_one, at) | word(out_other, at))
            })
        };
        let sure = combine([&included_address.0, &included_country.0], [&excluded_address.1, &excluded_country.1]);
        let may = combine([&included_address.1, &included_country.1], [&excluded_address.0, &excluded_country.0]);
        self.put(recorded, Condition::Location, (&sure, &may));
        if address.is_none() {
            recorded.lack(Fact::Address);
        }
        if country.is_none() {
            recorded.lack(Fact::Country);
        }
    }

    /// The risk of the sign-in is in the record; those of the user, of insiders and of service principals are not.
    fn read_risks(&self, record: &SignInRecord<'_>, recorded: &mut Recorded, is_service_principal: bool) {
        let compiled = self.access.compiled();
        let level = recorded.stated(Fact::SignInRisk, record.sign_in_risk());
        let row = level.and_then(|level| RISKS.iter().position(|known| *known == level));
        self.choose(recorded, Condition::SignInRisk, (&compiled.sign_in_risk, row, &self.any_sign_in_risk));
        recorded.lack(Fact::UserRisk);
        self.choose(recorded, Condition::UserRisk, (&compiled.user_risk, None, &self.any_user_risk));
        recorded.lack(Fact::InsiderRisk);
        self.choose(recorded, Condition::InsiderRisk, (&compiled.insider_risk, None, &self.any_insider_risk));
        // A person has no service principal's risk.
        let row = (!is_service_principal).then_some(RISKS.len());
        if is_service_principal {
            recorded.lack(Fact::ServicePrincipalRisk);
        }
        let table = &compiled.service_principal_risk;
        self.choose(recorded, Condition::ServicePrincipalRisk, (table, row, &self.any_service_principal_risk));
    }

    fn read_device(&self, record: &SignInRecord<'_>, recorded: &mut Recorded) {
        let compiled = self.access.compiled();
        let device = record.device.as_ref();
        let no = Trit::No;
        if record.is_unregistered_device() {
            (recorded.evidence.is_compliant, recorded.evidence.is_hybrid_joined) = (no, no);
            self.put(recorded, Condition::Devices, row_of(&compiled.unregistered_device, 0, self.words));
            return;
        }
        let has_id = device.is_some_and(|device| device.device_id.as_deref().is_some_and(|id| !id.is_empty()));
        if !has_id {
            recorded.lack(Fact::Device);
        }
        let compliant = device.and_then(|device| device.is_compliant);
        if compliant.is_none() {
            recorded.lack(Fact::Compliance);
        }
        let trust = recorded.stated(Fact::TrustType, record.trust_type());
        recorded.evidence.is_compliant = compliant.into();
        recorded.evidence.is_hybrid_joined = trust.map_or(Trit::Unknown, |trust| (trust == "ServerAD").into());
        if compiled.device_filters.is_empty() {
            self.put(recorded, Condition::Devices, row_of(&compiled.unregistered_device, 0, self.words));
            return;
        }
        recorded.lack(Fact::DeviceProperties);
        let partial = partial_device(record, has_id, trust);
        let (mut sure, mut may) = ([0; WORDS_MAX], [0; WORDS_MAX]);
        let (plain_sure, plain_may) = row_of(&compiled.unregistered_device, 0, self.words);
        sure.iter_mut().zip(plain_sure).for_each(|(place, word)| *place = *word);
        may.iter_mut().zip(plain_may).for_each(|(place, word)| *place = *word);
        for filter in &compiled.device_filters {
            let truth = match (&filter.filter, &filter.mode) {
                (Ok(rule), FilterMode::Include) => Trit::from(rule.truth(&partial)),
                (Ok(rule), FilterMode::Exclude) => Trit::from(rule.truth(&partial)).negated(),
                _ => Trit::Unknown,
            };
            let bit = 1_u64 << (filter.policy % 64);
            for (bits, is_set) in [(&mut sure, truth == Trit::Yes), (&mut may, truth != Trit::No)] {
                let word = bits.get_mut(filter.policy / 64);
                word.into_iter().for_each(|word| *word = if is_set { *word | bit } else { *word & !bit });
            }
        }
        self.put(recorded, Condition::Devices, (&sure, &may));
    }

    fn read_evidence(&self, record: &SignInRecord<'_>, recorded: &mut Recorded) {
        recorded.evidence.mfa = match record.mfa() {
            RecordedMfa::Done => Trit::Yes,
            RecordedMfa::NotDone => Trit::No,
            RecordedMfa::Unsaid => Trit::Unknown,
        };
        recorded.evidence.methods = record.methods();
        recorded.evidence.succeeded = record.error_code.map(|code| code == 0).into();
        if recorded.evidence.mfa == Trit::Unknown {
            recorded.lack(Fact::Mfa);
        }
        if recorded.evidence.methods.has_others {
            recorded.lack(Fact::Methods);
        }
        recorded.lack(Fact::Prompts);
    }
}

/// Policies that are about every application that there is.
fn all_applications(access: &Access<'_>) -> Bits {
    let mut all = [0; WORDS_MAX];
    for (index, policy) in access.policies().iter().enumerate() {
        let is_about_all = match &policy.conditions.applications {
            None => true,
            Some(applications) => {
                let filter = applications.application_filter.as_ref();
                applications.include_applications.iter().any(|id| id == "All")
                    && applications.exclude_applications.is_empty()
                    && !filter.is_some_and(ConditionalAccessFilter::is_configured)
            }
        };
        if is_about_all {
            all.get_mut(index / 64).into_iter().for_each(|word| *word |= 1 << (index % 64));
        }
    }
    all
}

/// The device as far as a record knows it: its properties in the directory are not in the log, apart from the few of
/// `deviceDetail`. The operating system there is that of the browser.
fn partial_device(record: &SignInRecord<'_>, has_id: bool, trust: Option<&'static str>) -> PartialDevice {
    let device = record.device.as_ref();
    let text =
        |text: &Option<std::borrow::Cow<'_, str>>| text.as_deref().filter(|text| !text.is_empty()).map(str::to_owned);
    let facts = DeviceFacts {
        device_id: device.and_then(|device| text(&device.device_id)),
        display_name: device.and_then(|device| text(&device.display_name)),
        is_compliant: device.and_then(|device| device.is_compliant),
        trust_type: trust.map(str::to_owned),
        ..DeviceFacts::default()
    };
    let is_known = |property: &DeviceProperty| match property {
        DeviceProperty::DeviceId => has_id,
        DeviceProperty::DisplayName => facts.display_name.is_some(),
        DeviceProperty::IsCompliant => facts.is_compliant.is_some(),
        DeviceProperty::TrustType => facts.trust_type.is_some(),
        _ => false,
    };
    let unknown = DeviceProperty::all().filter(|property| !is_known(property)).collect();
    PartialDevice { facts, unknown }
}
