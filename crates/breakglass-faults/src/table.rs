//! The faults: what is changed where in the engine's sources.
//!
//! Each is one that somebody could make: a condition forgotten, one who stands where two should, an `and` taken for an
//! `or`. `FAULT` stands for the question whether the fault is switched on.

/// One fault.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// Its name.
    pub name: &'static str,
    /// What is wrong then.
    pub what: &'static str,
    /// The file, below the sources of the engine.
    pub file: &'static str,
    /// The text that it replaces, which stands there once.
    pub find: &'static str,
    /// What stands there instead.
    pub with: &'static str,
}

/// Every fault.
pub const FAULTS: &[Fault] = &[
    Fault {
        name: "resets-oneself",
        what: "somebody resets the own password",
        file: "lockout/compile/repair.rs",
        find: "is_one.then_some(user), stage)",
        with: "(is_one && !FAULT).then_some(user), stage)",
    },
    Fault {
        name: "approves-oneself",
        what: "somebody approves the own activation",
        file: "lockout/compile/repair.rs",
        find: "filter(|by| *by != user)",
        with: "filter(|by| FAULT || *by != user)",
    },
    Fault {
        name: "a-share-less",
        what: "an envelope opens with one share less",
        file: "lockout/compile/keys.rs",
        find: "self.builder.rule(head, envelope.threshold, &shares)",
        with: "self.builder.rule(head, envelope.threshold.saturating_sub(usize::from(FAULT)), &shares)",
    },
    Fault {
        name: "share-without-keeper",
        what: "a share is there without its keeper",
        file: "lockout/compile/keys.rs",
        find: "chain(self.keepers(share))",
        with: "chain(if FAULT { Vec::new() } else { self.keepers(share) })",
    },
    Fault {
        name: "depository-without-sign-in",
        what: "a depository is reached without signing in to the tenant",
        file: "lockout/compile/keys.rs",
        find: "filter(|id| self.needs_sign_in(id))",
        with: "filter(|id| !FAULT && self.needs_sign_in(id))",
    },
    Fault {
        name: "sync-not-needed",
        what: "a synchronised account needs no synchronisation",
        file: "lockout/compile/keys.rs",
        find: "is_synchronised.then(|| Component::fixed(ON_PREMISES_SYNC))",
        with: "(is_synchronised && !FAULT).then(|| Component::fixed(ON_PREMISES_SYNC))",
    },
    Fault {
        name: "risk-forgotten",
        what: "nobody needs risks to stay quiet",
        file: "lockout/compile/sessions.rs",
        find: "if need.quiet & bit != 0 {",
        with: "if !FAULT && need.quiet & bit != 0 {",
    },
    Fault {
        name: "risk-is-low",
        what: "a risk that is reported is low at the most",
        file: "lockout/judge/places.rs",
        find: "if kept_quiet & bit != 0 { 1 } else { all };",
        with: "if kept_quiet & bit != 0 { 1 } else if FAULT { all.min(2) } else { all };",
    },
    Fault {
        name: "place-for-nothing",
        what: "a place is reached without its network",
        file: "lockout/judge.rs",
        find: "components: union(set, &here),",
        with: "components: if FAULT { set.clone() } else { union(set, &here) },",
    },
    Fault {
        name: "one-country-is-all",
        what: "a network may be promised in whichever country it lies first",
        file: "lockout/judge/places.rs",
        find: "each.reduce(both).into_iter().collect()",
        with: "each.reduce(|one, other| if FAULT { one } else { both(one, other) }).into_iter().collect()",
    },
    Fault {
        name: "role-before-activation",
        what: "policies look at the roles that somebody had before activating one",
        file: "lockout/compile.rs",
        find: "let active = (held == Held::Eligible).then_some(role);",
        with: "let active = (held == Held::Eligible && !FAULT).then_some(role);",
    },
    Fault {
        name: "role-while-activating",
        what: "policies look at the role already while it is being activated",
        file: "lockout/compile/repair.rs",
        find: "Fact::Session(user, None, Purpose::Activation { mfa, context }, stage)",
        with: "Fact::Session(user, FAULT.then_some(role), Purpose::Activation { mfa, context }, stage)",
    },
    Fault {
        name: "approval-skipped",
        what: "an activation needs no approval",
        file: "lockout/compile/repair.rs",
        find: "filter(|(_, stage)| !is_untold(stage))",
        with: "filter(|(_, stage)| !FAULT && !is_untold(stage))",
    },
    Fault {
        name: "second-stage-skipped",
        what: "an activation needs its first approval only",
        file: "lockout/compile/repair.rs",
        find: "in stages.iter().enumerate().filter",
        with: "in stages.iter().take(if FAULT { 1 } else { usize::MAX }).enumerate().filter",
    },
    Fault {
        name: "activation-without-mfa",
        what: "an activation needs no multifactor authentication",
        file: "lockout/compile/sessions.rs",
        find: "door.needs_mfa |= mfa;",
        with: "door.needs_mfa |= *mfa && !FAULT;",
    },
    Fault {
        name: "pim-not-needed",
        what: "a role is activated without Privileged Identity Management",
        file: "lockout/compile/repair.rs",
        find: "self.body([Component::fixed(PIM)])",
        with: "self.body((!FAULT).then(|| Component::fixed(PIM)))",
    },
    Fault {
        name: "restriction-ignored",
        what: "a restricted administrative unit protects nobody",
        file: "lockout/compile/repair.rs",
        find: "people::is_restricted(snapshot, user).negated();",
        with: "if FAULT { Trit::Yes } else { people::is_restricted(snapshot, user).negated() };",
    },
    Fault {
        name: "synchronised-reset",
        what: "the cloud sets the password of a synchronised account",
        file: "lockout/compile/repair.rs",
        find: "Reset::Password => !home.is_synchronised,",
        with: "Reset::Password => FAULT || !home.is_synchronised,",
    },
    Fault {
        name: "protection-ignored",
        what: "whoever resets anybody resets administrators",
        file: "lockout/people.rs",
        find: "unwrap_or(Protection::None).max(self.floor)",
        with: "unwrap_or(Protection::None).max(self.floor).min(if FAULT { Protection::None } else { Protection::Full })",
    },
    Fault {
        name: "and-is-or",
        what: "one of several controls is enough where all are demanded",
        file: "lockout/judge.rs",
        find: "let demand = self.access.compiled().demands().get(policy).cloned();",
        with: "let demand = match self.access.compiled().demands().get(policy).cloned() { \
               Some(Demand::All(controls)) if FAULT => Some(Demand::Any(controls)), demand => demand };",
    },
    Fault {
        name: "unknown-is-met",
        what: "a demand that is not known counts as met",
        file: "lockout/judge.rs",
        find: "doubt = Some(why.as_str().into());\n                if self.mode == Mode::Possible",
        with: "doubt = Some(why.as_str().into());\n                if FAULT || self.mode == Mode::Possible",
    },
    Fault {
        name: "only-what-applies-for-sure",
        what: "a policy of which it cannot be told whether it applies does not",
        file: "lockout/judge.rs",
        find: "Mode::Promised => &masks.may,",
        with: "Mode::Promised => if FAULT { &masks.sure } else { &masks.may },",
    },
    Fault {
        name: "repair-by-nobody",
        what: "policies are taken away though nobody reaches them",
        file: "lockout/compile/sessions.rs",
        find: "let mut body = vec![editor, self.fact(Fact::Account(user))];",
        with: "let mut body = vec![self.fact(Fact::Account(user))]; body.extend((!FAULT).then_some(editor));",
    },
    Fault {
        name: "any-device",
        what: "a method of one device works on any",
        file: "lockout/compile/sessions.rs",
        find: "if !credential.works_on.includes(device, self.mode) {",
        with: "if !FAULT && !credential.works_on.includes(device, self.mode) {",
    },
    Fault {
        name: "device-for-nothing",
        what: "a session on a device needs nothing of the device",
        file: "lockout/compile/sessions.rs",
        find: "device.needs.iter().map(|component| self.judge.intern_shared(component.clone())).collect();",
        with: "device.needs.iter().filter(|_| !FAULT)\
               .map(|component| self.judge.intern_shared(component.clone())).collect();",
    },
    Fault {
        name: "compliant-without-intune",
        what: "a device is compliant without the service that reports it",
        file: "lockout/devices.rs",
        find: "as_compliant.then(|| Component::fixed(INTUNE_COMPLIANCE))",
        with: "(as_compliant && !FAULT).then(|| Component::fixed(INTUNE_COMPLIANCE))",
    },
    Fault {
        name: "mandatory-mfa-ignored",
        what: "portals demand nothing beside the policies",
        file: "lockout/compile/sessions.rs",
        find: "person.is_mfa_forced || self.is_mfa_mandatory(tool) ||",
        with: "person.is_mfa_forced || (!FAULT && self.is_mfa_mandatory(tool)) ||",
    },
    Fault {
        name: "per-user-mfa-ignored",
        what: "per-user multifactor authentication demands nothing",
        file: "lockout/compile.rs",
        find: "Some(\"enabled\" | \"enforced\") => Trit::Yes,",
        with: "Some(\"enabled\" | \"enforced\") => (!FAULT).into(),",
    },
    Fault {
        name: "provider-not-needed",
        what: "a federated password needs no identity provider",
        file: "lockout/credential.rs",
        find: "std::iter::once(Part::KnownPassword).chain(own).collect();",
        with: "std::iter::once(Part::KnownPassword).chain(own.into_iter().filter(|_| !FAULT)).collect();",
    },
    Fault {
        name: "push-without-service",
        what: "a notification arrives without the service that sends it",
        file: "lockout/credential.rs",
        find: "[setting(\"MicrosoftAuthenticator\"), service(AUTHENTICATOR_PUSH)];",
        with: "[setting(\"MicrosoftAuthenticator\"), \
               if FAULT { setting(\"MicrosoftAuthenticator\") } else { service(AUTHENTICATOR_PUSH) }];",
    },
    Fault {
        name: "pass-for-anybody",
        what: "passes are issued to those whom the methods policy gives none",
        file: "lockout/credential.rs",
        find: "self.mode.takes(may).then(|| Offer::of(Modes::TEMPORARY_ACCESS_PASS_ONE_TIME",
        with: "(FAULT || self.mode.takes(may)).then(|| Offer::of(Modes::TEMPORARY_ACCESS_PASS_ONE_TIME",
    },
];
