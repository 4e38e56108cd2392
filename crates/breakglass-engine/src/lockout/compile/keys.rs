//! Accounts, passwords, envelopes: what a combination is made of.

use std::sync::Arc;

use breakglass_model::object::ObjectKey;
use breakglass_model::property::Property;

use super::{Compiler, Fact, Label, Person, Purpose};
use crate::access::Trit;
use crate::access::beside::ClosedAccount;
use crate::lockout::component::{Component, Kind, ON_PREMISES_SYNC};
use crate::lockout::credential::{Home, Part, Wallet};
use crate::lockout::custody::{Holds, Share};
use crate::lockout::goal::{Stage, Tool};
use crate::lockout::settings::Mode;
use crate::lockout::system::Node;

impl Compiler<'_> {
    pub(super) fn look_up(&mut self, user: ObjectKey) -> Person {
        let snapshot = self.access.snapshot();
        let id = snapshot.objects.id(user).to_owned();
        let nobody = Person {
            id: id.clone(),
            can_sign_in: false,
            has_sessions: false,
            credentials: Vec::new(),
            combinations: Vec::new(),
            devices: [Vec::new(), Vec::new()],
            is_mfa_forced: false,
        };
        let Some(listed) = snapshot.user(user) else {
            self.unknowns.insert(format!("`{id}` is not among the users of the snapshot"));
            return nobody;
        };
        let is_only_named = snapshot.is_only_named(user);
        if is_only_named && snapshot.somebody_else() != Some(user) {
            self.unknowns.insert(format!("`{id}` is named and is not among the users of the snapshot"));
        }
        let is_enabled = match listed.account_enabled {
            Property::Value(is_enabled) => is_enabled.into(),
            Property::Null | Property::Absent => Trit::Unknown,
        };
        if is_enabled == Trit::Unknown && !is_only_named {
            self.unknowns.insert(format!("`accountEnabled` of `{}` is not in the snapshot", listed.name()));
        }
        if ClosedAccount::of(listed).is_some() || !self.mode.takes(is_enabled) {
            return nobody;
        }
        let home = self.home(listed);
        let mut untold = std::collections::BTreeSet::new();
        let unknowns = if is_only_named { &mut untold } else { &mut self.unknowns };
        let devices = self.devices.of_user(snapshot.devices.items(), &id);
        let wallet = Wallet { snapshot, settings: self.settings, now: self.now, mode: self.mode, devices: &devices };
        let credentials = wallet.credentials(listed, home, unknowns);
        let combinations = credentials.iter().map(|credential| self.judge.combination(&credential.key)).collect();
        let devices = super::CLIENTS.map(|client| self.judge.own_devices(&self.devices, &id, client));
        let [browser, application] = devices;
        let [unmanaged_browser, unmanaged_application] = self.unmanaged.clone();
        let [other_browser, other_application] = self.devices_not_exported.clone();
        if credentials.iter().any(|credential| !credential.works_on.is_anything()) {
            self.note_devices_not_exported();
        }
        let names = [Some(id.as_str()), listed.user_principal_name.as_deref()];
        let is_mfa_forced = !self.per_user_mfa.is_empty()
            && names.iter().flatten().any(|name| self.per_user_mfa.contains(&name.to_ascii_lowercase()));
        Person {
            id,
            can_sign_in: true,
            has_sessions: !home.is_guest,
            credentials,
            combinations,
            devices: [
                unmanaged_browser.into_iter().chain(browser).chain(other_browser).collect(),
                unmanaged_application.into_iter().chain(application).chain(other_application).collect(),
            ],
            is_mfa_forced,
        }
    }

    /// Where a user's credentials are; of whoever is only named nothing is noted besides.
    pub(super) fn home<'s>(&mut self, user: &'s breakglass_model::user::User) -> Home<'s>
    where
        Self: 's,
    {
        let snapshot = self.access.snapshot();
        let mut untold = std::collections::BTreeSet::new();
        let unknowns = if snapshot.is_only_named(user.key) { &mut untold } else { &mut self.unknowns };
        Home::of(snapshot, user, self.mode, unknowns)
    }

    pub(super) fn define_account(&mut self, head: Node, user: ObjectKey) {
        let snapshot = self.access.snapshot();
        let is_synchronised = match snapshot.user(user).map(|user| &user.on_premises_sync_enabled) {
            Some(Property::Value(is_synchronised)) => *is_synchronised,
            Some(Property::Null) | None => false,
            Some(Property::Absent) => self.mode == Mode::Promised,
        };
        let sync = is_synchronised.then(|| Component::fixed(ON_PREMISES_SYNC));
        let own = Component::account(snapshot.objects.id(user));
        let body = self.body(std::iter::once(own).chain(sync));
        self.all(head, &body, None);
    }

    pub(super) fn define_password(&mut self, head: Node, user: ObjectKey, stage: Stage) {
        let known = self.fact(Fact::KnownPassword(user, stage));
        self.all(head, &[known], None);
        if self.can_be_given(user, super::Reset::Password) {
            let new = self.fact(Fact::NewPassword(user, stage));
            self.all(head, &[new], None);
        }
    }

    pub(super) fn define_known_password(&mut self, head: Node, user: ObjectKey, stage: Stage) {
        let own = Component::password(self.access.snapshot().objects.id(user));
        let mut body = self.body([own]);
        if let Some(number) = self.envelopes.get(&(user, Holds::Password)).copied() {
            body.push(self.fact(Fact::Envelope(number, stage)));
        }
        self.all(head, &body, None);
    }

    pub(super) fn define_method(&mut self, head: Node, (user, method): (ObjectKey, &str), stage: Stage) {
        let id = self.access.snapshot().objects.id(user);
        let mut body = self.body([Component::new(Kind::Method, &format!("{id}#{method}"))]);
        if let Some(number) = self.envelopes.get(&(user, Holds::Method(method.to_owned()))).copied() {
            body.push(self.fact(Fact::Envelope(number, stage)));
        }
        self.all(head, &body, None);
    }

    /// The nodes of a credential's parts.
    pub(super) fn parts(&mut self, user: ObjectKey, parts: &[Part], stage: Stage) -> Vec<Node> {
        let mut body = Vec::new();
        for part in parts {
            match part {
                Part::Component(component) => body.extend(self.component(component)),
                Part::Password => body.push(self.fact(Fact::Password(user, stage))),
                Part::KnownPassword => body.push(self.fact(Fact::KnownPassword(user, stage))),
                Part::Method(method) => body.push(self.fact(Fact::Method(user, Arc::clone(method), stage))),
                Part::IssuedPass => body.push(self.fact(Fact::IssuedPass(user, stage))),
            }
        }
        body
    }

    /// Finds whose the declared envelopes are.
    pub(super) fn find_envelopes(&mut self) {
        let snapshot = self.access.snapshot();
        for (number, envelope) in self.settings.custody.envelopes.iter().enumerate() {
            if let Some(user) = snapshot.find_user(&envelope.account) {
                self.envelopes.insert((user.key, envelope.holds.clone()), number);
            }
        }
    }

    pub(super) fn define_envelope(&mut self, head: Node, number: usize, stage: Stage) {
        let Some(envelope) = self.settings.custody.envelopes.get(number) else { return };
        let snapshot = self.access.snapshot();
        let Some(user) = snapshot.find_user(&envelope.account).map(|user| user.key) else { return };
        let id = snapshot.objects.id(user);
        let secret = match &envelope.holds {
            Holds::Password => id.to_owned(),
            Holds::Method(method) => format!("{id}#{method}"),
        };
        let mut shares = Vec::new();
        for (index, share) in (1..).zip(&envelope.shares) {
            let fact = self.builder.fact();
            let own = Component::new(Kind::Share, &format!("{secret}#{index}"));
            let mut body = self.body(std::iter::once(own).chain(self.keepers(share)));
            if let Some(depository) = share.depository.as_ref().filter(|id| self.needs_sign_in(id)) {
                body.push(self.fact(Fact::Depository(depository.clone(), stage)));
            }
            self.all(fact, &body, None);
            if self.settings.supposed.copies.contains(&(number, index)) {
                // The copy is the same share: two of it open no more than one.
                let copy = Component::new(Kind::Share, &format!("{secret}#{index}-copy"));
                let body = self.body([copy, Component::new(Kind::Custodian, "supposed")]);
                self.all(fact, &body, None);
            }
            shares.push(fact);
        }
        let rule = self.builder.rule(head, envelope.threshold, &shares);
        self.labels.push((rule, Label::Envelope { number }));
    }

    fn needs_sign_in(&self, depository: &str) -> bool {
        self.settings.custody.depositories.get(depository).is_some_and(|found| !found.signs_in.is_empty())
    }

    /// Who and what a share lies with.
    fn keepers(&self, share: &Share) -> Vec<Component> {
        let custody = &self.settings.custody;
        let mut found = Vec::new();
        let mut keep = |kind: Kind, id: &Option<String>, site: Option<&String>| {
            found.extend(id.iter().map(|id| Component::new(kind, id)));
            found.extend(site.map(|site| Component::new(Kind::Site, site)));
        };
        let site = |of: &std::collections::BTreeMap<String, crate::lockout::custody::Keeper>, id: &Option<String>| {
            id.as_ref().and_then(|id| of.get(id)).and_then(|keeper| keeper.site.clone())
        };
        keep(Kind::Custodian, &share.custodian, site(&custody.custodians, &share.custodian).as_ref());
        keep(Kind::Safe, &share.safe, site(&custody.safes, &share.safe).as_ref());
        let depository = share.depository.as_ref().and_then(|id| custody.depositories.get(id));
        keep(Kind::Depository, &share.depository, depository.and_then(|found| found.site.as_ref()));
        found
    }

    /// A depository that is reached by signing in to the tenant stands and falls with that.
    pub(super) fn define_depository(&mut self, head: Node, id: &str, stage: Stage) {
        let Some(depository) = self.settings.custody.depositories.get(id) else { return };
        for name in &depository.signs_in {
            let snapshot = self.access.snapshot();
            let found = snapshot.find_user(name).map(|user| user.key);
            if found.is_none() {
                self.unknowns
                    .insert(format!("`{name}`, who signs in to the depository `{id}`, is not in the snapshot"));
            }
            // Somebody of that name may be among those who are not exported.
            let perhaps = snapshot.somebody_else().filter(|_| self.mode == Mode::Possible);
            let Some(user) = found.or(perhaps) else { continue };
            let application = depository.application.as_deref().unwrap_or(Tool::GraphPowerShell.app_id());
            let purpose = Purpose::Application(application.to_owned());
            let session = self.fact(Fact::Session(user, None, purpose, stage));
            self.all(head, &[session], None);
        }
    }
}
