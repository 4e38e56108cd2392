//! What an answer promises, whatever the policies and whoever signs in: the quick evaluation, its explanation and
//! the plain referee say the same, and what is sure is among what may be.

use std::sync::LazyLock;

use breakglass_engine::access::device_filter::DeviceFilter;
use breakglass_engine::access::surfaces::{SURFACES, Surface};
use breakglass_engine::access::{Access, AccessSettings, Analysis, AppliedResult, Decision, Situation, Trit, bits};
use breakglass_model::policy::ConditionalAccessPolicy;
use breakglass_model::sign_in::WhatIfRequest;
use breakglass_model::snapshot::read::{Origin, read_document};
use breakglass_model::snapshot::{Resource, Snapshot, SnapshotBuilder};
use breakglass_testkit::referee::{RefereeAnswer, RefereeSurface, what_if};

/// The small tenant to which people sign in, with these policies; `None` if one is refused.
pub(crate) fn tenant(policies: &[Vec<u8>]) -> Option<Snapshot> {
    let mut builder = SnapshotBuilder::default();
    let origin = Origin { file_name: "tenant.json", folders: &[] };
    read_document(&mut builder, include_bytes!("tenant.json").as_slice(), &origin).expect("the tenant is readable");
    builder.begin(Resource::ConditionalAccessPolicies);
    for (index, policy) in policies.iter().enumerate() {
        builder.add(Resource::ConditionalAccessPolicies, policy, &format!("policies#{index}")).ok()?;
    }
    Some(builder.finish())
}

/// Applications that a request may name; with more it is refused.
const REQUEST_APPLICATION_COUNT_MAX: usize = 100;

/// The instant of the sign-ins: 22 November 2026.
const NOW: jiff::Timestamp = jiff::Timestamp::constant(1_795_305_600, 0);

/// Compiles the policies of a tenant.
pub(crate) fn compiled(snapshot: &Snapshot) -> Access<'_> {
    Access::compile(snapshot, &AccessSettings::at(NOW)).expect("there are few policies")
}

/// Checks one request; gives the situation that it describes, if it describes one.
pub(crate) fn hold(access: &Access<'_>, request: &WhatIfRequest<'_>) -> Option<Situation> {
    let plain = is_common_ground(access, request).then(|| what_if(access.snapshot(), request, &REFEREE_SURFACES, NOW));
    let situation = match access.situation(request) {
        Ok(situation) => situation,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert!(!matches!(plain, Some(Ok(_))), "{error}, but the referee says {plain:?}");
            return None;
        }
    };
    let mut decision = Decision::default();
    access.decide(&situation, &mut decision);
    assert_eq!(access.outcome(&situation), decision.outcome, "the two ways to an outcome");
    assert!(decision.outcome.best <= decision.outcome.worst, "{:?}", decision.outcome);
    assert!(decision.sure.iter().zip(&decision.may).all(|(sure, may)| sure & !may == 0), "{decision:?}");
    let (range, _) = access.outcome_with(&situation, &[]);
    assert_eq!(range, decision.outcome, "the outcome of somebody who has satisfied nothing");
    if decision.outcome.known().is_none() {
        let applied = access.applied(&decision);
        let is_named = applied.unknown.iter().any(|word| *word != 0) || !access.outcome_doubts(&situation).is_empty();
        assert!(is_named, "an unknown outcome has a cause: {decision:?}");
    }
    let analyses = access.analyse(&situation);
    for analysis in &analyses {
        assert_eq!(analysis.unknown.is_empty(), analysis.applies != Trit::Unknown, "{analysis:?}");
        assert!(!analysis.because.is_empty(), "{analysis:?}");
        let result = access.applied_result(analysis.policy, &situation, &[]);
        assert!(analysis.applies != Trit::Unknown || result == AppliedResult::Unknown, "{analysis:?}: {result:?}");
    }
    if let Some(plain) = plain {
        let engine = answer(access, &situation, &decision, &analyses);
        assert_eq!(Ok(engine), plain.map(|plain| with_reasons_of(plain, &analyses)), "{request:?}");
    }
    Some(situation)
}

/// Whether the referee knows what is asked: it was made for requests and policies that Graph itself could write.
fn is_common_ground(access: &Access<'_>, request: &WhatIfRequest<'_>) -> bool {
    let mut policies = access.policies().iter();
    is_plain(request) && policies.all(|policy| has_plain_controls(policy) && has_plain_filter(policy))
}

/// It takes an empty text for a value, any text for a country and an authentication context, of several contexts
/// another one than the product, and does not know what sign-in logs call a trust type. It compares the case of
/// letters its own way.
fn is_plain(request: &WhatIfRequest<'_>) -> bool {
    let context = request.sign_in_context.clone().unwrap_or_default();
    let applications = context.include_applications.unwrap_or_default();
    let contexts =
        [!applications.is_empty(), context.authentication_context_value.is_some(), context.user_action.is_some()];
    let device = request.sign_in_conditions.as_ref().and_then(|conditions| conditions.device_info.as_ref());
    let trust_type = device.and_then(|device| device.trust_type.as_deref()).unwrap_or_default();
    let country = request.sign_in_conditions.as_ref().and_then(|conditions| conditions.country.as_deref());
    let number = context.authentication_context_value.as_deref().map(|value| value.strip_prefix('c'));
    let is_context =
        |number: Option<&str>| number.is_some_and(|text| (1..=99_u8).any(|known| known.to_string() == text));
    let shown = format!("{request:?}");
    contexts.iter().filter(|is_there| **is_there).count() <= 1
        && applications.len() <= REQUEST_APPLICATION_COUNT_MAX
        && !trust_type.contains(' ')
        && country.is_none_or(|code| code.len() == 2 && code.bytes().all(|letter| letter.is_ascii_alphabetic()))
        && number.is_none_or(is_context)
        && shown.is_ascii()
        && !shown.contains("\"\"")
}

/// It has no name for a strength without an id.
fn has_plain_controls(policy: &ConditionalAccessPolicy) -> bool {
    let strength = policy.grant_controls.as_ref().and_then(|grant| grant.authentication_strength.as_ref());
    strength.is_none_or(|strength| strength.id.is_some())
}

/// It knows the canonical form of device filters only, and no escapes.
fn has_plain_filter(policy: &ConditionalAccessPolicy) -> bool {
    let filter = policy.conditions.devices.as_ref().and_then(|devices| devices.device_filter.as_ref());
    let Some(rule) = filter.and_then(|filter| filter.rule.as_deref()) else { return true };
    let is_canonical = DeviceFilter::parse(rule).is_ok_and(|filter| filter.to_string() == rule);
    is_canonical && rule.is_ascii() && !rule.contains(['\'', '`'])
}

/// The referee's surfaces, from the product's own table.
static REFEREE_SURFACES: LazyLock<Vec<RefereeSurface>> = LazyLock::new(|| {
    let surface = |surface: &Surface| RefereeSurface {
        app_id: surface.app_id.into(),
        aliases: surface.resources.iter().map(|app| (*app).to_owned()).collect(),
        office365: surface.is_office365,
        microsoft_admin_portals: surface.is_admin_portal,
    };
    SURFACES.iter().map(surface).collect()
});

/// The answer in the referee's form.
fn answer(access: &Access<'_>, situation: &Situation, decision: &Decision, analyses: &[Analysis]) -> RefereeAnswer {
    let applied = access.applied(decision);
    let id = |index: usize| access.policies()[index].id.to_string();
    let ids = |mask: &[u64]| -> Vec<String> {
        mask.iter().enumerate().flat_map(|(word, mask)| bits(*mask).map(move |bit| id(word * 64 + bit))).collect()
    };
    let mut unmet = Vec::new();
    access.unmet(decision, situation.grant, &mut unmet);
    RefereeAnswer {
        outcome: decision.outcome.name(),
        controls: unmet.iter().map(|index| access.control_names()[usize::from(*index)].clone()).collect(),
        applied: ids(&applied.enabled),
        report_only: ids(&applied.report_only),
        unknown: ids(&applied.unknown),
        policies: analyses
            .iter()
            .map(|analysis| (id(analysis.policy), analysis.applies.known(), analysis.reason.name()))
            .collect(),
    }
}

/// Where neither could tell, the reason is not compared.
fn with_reasons_of(mut plain: RefereeAnswer, analyses: &[Analysis]) -> RefereeAnswer {
    for (plain, analysis) in plain.policies.iter_mut().zip(analyses) {
        if plain.1.is_none() && analysis.applies == Trit::Unknown {
            plain.2 = analysis.reason.name();
        }
    }
    plain
}
