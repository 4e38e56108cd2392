//! What the test kit says, in the words of the engine: the table of surfaces, and the tenants and questions of the
//! lockout referee.

use breakglass_engine::access::surfaces::SURFACES;
use breakglass_engine::access::{Access, AccessSettings};
use breakglass_engine::lockout::custody::{Custody, Depository, Envelope, Holds, Keeper, Share};
use breakglass_engine::lockout::goal::{Goal, Horizon, Question, Stage, Surface};
use breakglass_engine::lockout::minimal_cuts_of;
use breakglass_engine::lockout::settings::{LockoutSettings, Mode, OnPremisesAuthentication};
use breakglass_testkit::lockout_referee as referee;
use breakglass_testkit::lockout_tenants::LockoutTenant;
use breakglass_testkit::referee::RefereeSurface;

/// The table of surfaces, as the referee takes it.
pub(crate) fn referee_surfaces() -> Vec<RefereeSurface> {
    SURFACES
        .iter()
        .map(|surface| RefereeSurface {
            app_id: surface.app_id.into(),
            aliases: surface.resources.iter().map(|app| (*app).to_owned()).collect(),
            office365: surface.is_office365,
            microsoft_admin_portals: surface.is_admin_portal,
        })
        .collect()
}

fn custody(declared: &referee::Custody) -> Custody {
    let keeper = |site: &Option<String>| Keeper { name: String::new(), site: site.clone() };
    let envelope = |one: &referee::Envelope| Envelope {
        account: one.account.clone(),
        holds: one.method.clone().map_or(Holds::Password, Holds::Method),
        threshold: one.threshold,
        shares: one
            .shares
            .iter()
            .map(|share| Share {
                custodian: share.custodian.clone(),
                safe: share.safe.clone(),
                depository: share.depository.clone(),
            })
            .collect(),
    };
    let depository = |one: &referee::Depository| Depository {
        name: String::new(),
        site: one.site.clone(),
        signs_in: one.signs_in.clone(),
        application: one.application.clone(),
    };
    Custody {
        custodians: declared.custodians.iter().map(|(id, site)| (id.clone(), keeper(site))).collect(),
        safes: declared.safes.iter().map(|(id, site)| (id.clone(), keeper(site))).collect(),
        depositories: declared.depositories.iter().map(|(id, one)| (id.clone(), depository(one))).collect(),
        envelopes: declared.envelopes.iter().map(envelope).collect(),
    }
}

/// The settings that the referee has, with nothing left out of the search.
pub(crate) fn settings(tenant: &LockoutTenant, horizon: referee::Horizon) -> LockoutSettings {
    LockoutSettings {
        horizon: match horizon {
            referee::Horizon::Now => Horizon::Now,
            referee::Horizon::Hour => Horizon::Hour,
            referee::Horizon::Day => Horizon::Day,
        },
        max_order: usize::MAX,
        node_count_max: u64::MAX,
        custody: custody(&tenant.custody),
        on_premises: tenant.settings.password_hash_sync.map(|is_hash| {
            if is_hash { OnPremisesAuthentication::PasswordHash } else { OnPremisesAuthentication::PassThrough }
        }),
        network_countries: tenant.settings.countries.clone(),
        mandatory_mfa_postponed_until: tenant.settings.mandatory_mfa_postponed_until,
        ..LockoutSettings::default()
    }
}

/// A question, and in which mode it is asked.
pub(crate) fn question(asked: referee::Question) -> (Mode, Question) {
    let mode = match asked.mode {
        referee::Mode::Promised => Mode::Promised,
        referee::Mode::Possible => Mode::Possible,
    };
    let goal = match asked.goal {
        referee::Goal::FullRepair => Goal::FullRepair,
        referee::Goal::AssignGa => Goal::AssignGa,
        referee::Goal::ResetAdmin => Goal::ResetAdmin,
        referee::Goal::EditCa => Goal::EditCa,
    };
    let surface = asked.surface.map(|surface| match surface {
        referee::Surface::Portal => Surface::Portal,
        referee::Surface::Graph => Surface::Graph,
        referee::Surface::Azure => Surface::Azure,
        referee::Surface::M365 => Surface::M365,
    });
    let stage = match asked.stage {
        referee::Stage::Direct => Stage::Direct,
        referee::Stage::AfterRepair => Stage::AfterRepair,
    };
    (mode, Question { goal, surface, stage })
}

/// The engine's minimal cuts of a question.
pub(crate) fn cuts(tenant: &LockoutTenant, asked: referee::Question) -> Vec<Vec<String>> {
    let access = Access::compile(&tenant.snapshot, &AccessSettings::at(tenant.settings.now)).unwrap();
    let settings = settings(tenant, asked.horizon);
    let (mode, question) = question(asked);
    let (cuts, order) = minimal_cuts_of(&access, &settings, mode, question);
    assert!(order.is_exhausted);
    cuts.iter().map(|cut| cut.iter().map(ToString::to_string).collect()).collect()
}
