//! The simulator of the test kit and the analysis speak of the same things, each in types of its own.

use breakglass_engine::lockout::custody::{Custody, Depository, Envelope, Holds, Keeper, Share};
use breakglass_engine::lockout::goal::{Goal, Horizon, Surface};
use breakglass_testkit::lockout_referee as plain;
use breakglass_testkit::lockout_tenants::lockout_tenant;
use breakglass_testkit::seed_for;

use crate::support::surfaces;

/// What is declared, in the engine's form.
pub(crate) fn custody(declared: &plain::Custody) -> Custody {
    let keeper = |(id, site): (&String, &Option<String>)| (id.clone(), Keeper { name: id.clone(), site: site.clone() });
    let depository = |(id, own): (&String, &plain::Depository)| {
        let depository = Depository {
            name: id.clone(),
            site: own.site.clone(),
            signs_in: own.signs_in.clone(),
            application: own.application.clone(),
        };
        (id.clone(), depository)
    };
    let share = |share: &plain::Share| Share {
        custodian: share.custodian.clone(),
        safe: share.safe.clone(),
        depository: share.depository.clone(),
    };
    let envelope = |envelope: &plain::Envelope| Envelope {
        account: envelope.account.clone(),
        holds: envelope.method.clone().map_or(Holds::Password, Holds::Method),
        threshold: envelope.threshold,
        shares: envelope.shares.iter().map(share).collect(),
    };
    Custody {
        custodians: declared.custodians.iter().map(keeper).collect(),
        safes: declared.safes.iter().map(keeper).collect(),
        depositories: declared.depositories.iter().map(depository).collect(),
        envelopes: declared.envelopes.iter().map(envelope).collect(),
    }
}

/// A goal, in the engine's form.
pub(crate) fn goal(goal: plain::Goal) -> Goal {
    match goal {
        plain::Goal::FullRepair => Goal::FullRepair,
        plain::Goal::AssignGa => Goal::AssignGa,
        plain::Goal::ResetAdmin => Goal::ResetAdmin,
        plain::Goal::EditCa => Goal::EditCa,
    }
}

/// A surface, in the engine's form.
pub(crate) fn surface(surface: plain::Surface) -> Surface {
    match surface {
        plain::Surface::Portal => Surface::Portal,
        plain::Surface::Graph => Surface::Graph,
        plain::Surface::Azure => Surface::Azure,
        plain::Surface::M365 => Surface::M365,
    }
}

/// A horizon, in the engine's form.
pub(crate) fn horizon(horizon: plain::Horizon) -> Horizon {
    match horizon {
        plain::Horizon::Now => Horizon::Now,
        plain::Horizon::Hour => Horizon::Hour,
        plain::Horizon::Day => Horizon::Day,
    }
}

#[test]
fn names_are_the_same() {
    for one in plain::Goal::ALL {
        assert_eq!(one.name(), goal(one).name());
    }
    for one in plain::Surface::ALL {
        assert_eq!(one.name(), surface(one).name());
    }
    for one in [plain::Horizon::Now, plain::Horizon::Hour, plain::Horizon::Day] {
        assert_eq!(one.name(), horizon(one).name());
    }
}

#[test]
fn what_random_tenants_declare_can_be() {
    let seed = seed_for("what_random_tenants_declare_can_be");
    let surfaces = surfaces();
    let mut envelopes = 0;
    for seed in (0..100).map(|at| seed.wrapping_add(at)) {
        let declared = custody(&lockout_tenant(seed, &surfaces).custody);
        envelopes += declared.envelopes.len();
        assert_eq!(declared.check(), Ok(()), "seed {seed}");
    }
    assert!(envelopes > 0);
}
