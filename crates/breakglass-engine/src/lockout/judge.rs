//! Sign-ins: what is needed for a session, as alternatives, for one kind of user, tool, device and combination.
//!
//! Places (`places.rs`), platforms, risks and users that no policy tells apart are looked at once; whether a policy
//! applies is what [`Access`] says.
//!
//! **Invariant:** no policy's condition is decided here, only intersected as the compiled policies have it.
//! **Source:** `docs/concepts/lockout.md`, section 4.

mod places;
mod verdicts;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use breakglass_model::policy::ConditionalAccessPolicy;
use breakglass_model::strength::Modes;

use self::places::Place;
use self::verdicts::{Asked, Met, Verdicts, meet};
use super::compile::Index;
use super::component::{Component, Kind};
use super::need::{Alternatives, Need, both, met, minimal, minimal_sets, quiet, union};
use super::settings::{LockoutSettings, Mode};
use crate::access::demand::{Control, Demand, GrantSituation, Outcome};
use crate::access::person::{self, Methods};
use crate::access::session::{SessionControl, SignInFrequency, session_controls};
use crate::access::{Access, Masks, Situation, TargetRow, Trit, bits};

/// What a session needs: alternatives, each minimal.
#[derive(Debug, Clone)]
pub(super) struct Session {
    /// Sessions of one number need the same.
    pub(super) number: u32,
    pub(super) needs: Arc<Vec<Need>>,
}

impl Session {
    /// One that nothing lets in.
    fn none() -> Self {
        Self { number: u32::MAX, needs: Arc::default() }
    }
}

/// What of a combination decides whether a demand is met.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CombinationKey {
    /// Its modes.
    pub(super) modes: Modes,
    /// Model of the passkey in it; `None` where there is none, or its model is not known.
    pub(super) model: Option<String>,
    /// It may be anything.
    pub(super) is_unknown: bool,
    /// Every prompt was answered before.
    pub(super) is_answered: bool,
}

/// A device, or any unmanaged one of a kind.
#[derive(Debug, Clone)]
pub(super) struct DeviceContext {
    /// Number of its class: devices of one class meet the same policies.
    pub(super) class: u32,
    /// What it needs.
    pub(super) needs: Vec<Component>,
    /// Id or `unmanaged on …`.
    pub(super) id: Arc<str>,
    /// What it is, if it is a registered device of the user.
    pub(super) registered: Option<Registered>,
}

/// A registered device of a user, as far as it matters to what is kept on one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Registered {
    /// Its platform, if that is told.
    pub(super) platform: Option<&'static str>,
    /// It stands for devices that were not exported.
    pub(super) is_not_exported: bool,
}

/// A class of devices and clients.
struct DeviceClass {
    /// Policies whose client, platform and device conditions it meets.
    masks: Masks,
    grant: GrantSituation,
}

/// One question: who (class), what to, on what, with what.
pub(super) type Question<'q> = (u32, &'q [TargetRow], u32, u32);

/// Answers what sessions need, in one mode.
pub(super) struct Judge<'a> {
    /// The compiled policies.
    pub(super) access: &'a Access<'a>,
    /// Which facts count.
    pub(super) mode: Mode,
    /// Components that needs name by number.
    shared: Vec<Component>,
    places: Vec<Place>,
    device_classes: Vec<DeviceClass>,
    device_class_of: BTreeMap<(Vec<u64>, Vec<u64>, usize), u32>,
    identities: Vec<Masks>,
    identity_of: Index<Masks, u32>,
    combinations: Vec<(CombinationKey, Methods)>,
    combination_of: BTreeMap<CombinationKey, u32>,
    /// What sessions need, by what they are asked and, where that decides, by the number of their verdicts.
    sessions: Index<(Vec<u64>, u32), Session>,
    /// Room for the key of a session, and for the policies that apply to it.
    room: (Vec<u64>, Masks),
    /// Policies in force that apply at some place, and those that apply at every one, as far as places and risks go.
    somewhere: Vec<u64>,
    everywhere: Vec<u64>,
    /// Risks of people that must stay quiet whatever the policies of Conditional Access say.
    pub(super) always_quiet: u8,
    /// Numbers of the components.
    number_of: Index<Component, u32>,
    verdicts: Index<(usize, u32), Arc<Verdicts>>,
    verdicts_of: Index<Vec<Met>, Arc<Verdicts>>,
    demands: BTreeMap<(usize, usize, u32), Met>,
    /// Policies whose doubt is told, about conditions and about demands.
    told: [Vec<u64>; 2],
    /// Facts that were not known, in words.
    pub(super) unknowns: BTreeSet<String>,
}

impl<'a> Judge<'a> {
    /// Prepares what does not depend on who signs in.
    pub(super) fn new(access: &'a Access<'a>, settings: &LockoutSettings, mode: Mode) -> Self {
        let mut judge = Self {
            access,
            mode,
            shared: Vec::new(),
            places: Vec::new(),
            device_classes: Vec::new(),
            device_class_of: BTreeMap::new(),
            identities: Vec::new(),
            identity_of: Index::default(),
            combinations: Vec::new(),
            combination_of: BTreeMap::new(),
            sessions: Index::default(),
            room: (Vec::new(), Masks::default()),
            somewhere: Vec::new(),
            everywhere: Vec::new(),
            always_quiet: 0,
            number_of: Index::default(),
            verdicts: Index::default(),
            verdicts_of: Index::default(),
            demands: BTreeMap::new(),
            told: [vec![0; access.compiled().words], vec![0; access.compiled().words]],
            unknowns: BTreeSet::new(),
        };
        judge.add_places(settings);
        judge.sum_places_up();
        judge.heed_own_risk_policies();
        judge
    }

    /// The component behind a number of a need.
    pub(super) fn shared(&self, number: u32) -> Option<&Component> {
        self.shared.get(number as usize)
    }

    /// The place behind a number of a need.
    pub(super) fn place(&self, number: u16) -> Option<&Place> {
        self.places.get(usize::from(number))
    }

    /// How many places there are.
    pub(super) fn place_count(&self) -> u16 {
        u16::try_from(self.places.len()).unwrap_or(u16::MAX)
    }

    /// The number of a component.
    pub(super) fn intern_shared(&mut self, component: Component) -> u32 {
        if let Some(number) = self.number_of.get(&component) {
            return *number;
        }
        let number = u32::try_from(self.shared.len()).unwrap_or(u32::MAX);
        self.number_of.insert(component.clone(), number);
        self.shared.push(component);
        number
    }

    /// The number of an identity: the policies that are about somebody.
    pub(super) fn identity(&mut self, masks: Masks) -> u32 {
        if let Some(known) = self.identity_of.get(&masks) {
            return *known;
        }
        let next = u32::try_from(self.identities.len()).unwrap_or(u32::MAX);
        self.identities.push(masks.clone());
        self.identity_of.insert(masks, next);
        next
    }

    /// The number of a combination.
    pub(super) fn combination(&mut self, key: &CombinationKey) -> u32 {
        if let Some(number) = self.combination_of.get(key) {
            return *number;
        }
        let number = u32::try_from(self.combinations.len()).unwrap_or(u32::MAX);
        let methods = Methods {
            modes: key.modes,
            is_known: !key.is_unknown,
            has_unknown: key.is_unknown,
            passkey_models: if key.modes.contains(Modes::FIDO2) { vec![key.model.clone()] } else { Vec::new() },
        };
        self.combinations.push((key.clone(), methods));
        self.combination_of.insert(key.clone(), number);
        number
    }

    /// Whether a combination is multifactor.
    pub(super) fn is_multifactor(&self, combination: u32) -> bool {
        let found = self.combinations.get(combination as usize);
        found.is_some_and(|(key, methods)| key.is_answered || self.mode.takes(methods.meet_mfa()))
    }

    /// The class of a situation's client, platform and device.
    pub(super) fn device_class(&mut self, situation: &Situation) -> u32 {
        let compiled = self.access.compiled();
        let row = situation.client_side_row();
        let device = self.access.device_masks(situation);
        let words = compiled.words;
        let meet = |side: fn(&Masks) -> &Vec<u64>| -> Vec<u64> {
            let client = side(&compiled.client_side).get(row * words..(row + 1) * words).unwrap_or_default();
            client.iter().zip(side(device)).map(|(client, device)| client & device).collect()
        };
        let masks = Masks { sure: meet(|masks| &masks.sure), may: meet(|masks| &masks.may) };
        let key = (masks.sure.clone(), masks.may.clone(), situation.grant.index());
        let next = u32::try_from(self.device_classes.len()).unwrap_or(u32::MAX);
        let grant = situation.grant;
        *self.device_class_of.entry(key).or_insert_with(|| {
            self.device_classes.push(DeviceClass { masks, grant });
            next
        })
    }

    /// The class of a client that has no device: an application with a credential of its own.
    pub(super) fn anything(&mut self) -> u32 {
        let all = vec![u64::MAX; self.access.compiled().words];
        let masks = Masks { sure: all.clone(), may: all };
        let grant = GrantSituation::default();
        let next = u32::try_from(self.device_classes.len()).unwrap_or(u32::MAX);
        *self.device_class_of.entry((masks.sure.clone(), masks.may.clone(), grant.index())).or_insert_with(|| {
            self.device_classes.push(DeviceClass { masks, grant });
            next
        })
    }

    /// What a session needs.
    pub(super) fn session(&mut self, question: &Question<'_>) -> Session {
        if self.mode == Mode::Promised && self.access.may_have_more() {
            self.unknowns.insert(match self.access.snapshot().conditional_access_policies.why() {
                Some(why) => format!("`conditionalAccessPolicies` are not all there: {why}"),
                None => "there may be more Conditional Access policies".to_owned(),
            });
            return Session::none();
        }
        let mut room = std::mem::take(&mut self.room);
        let found = self.session_in(question, &mut room);
        self.room = room;
        found.unwrap_or_else(Session::none)
    }

    fn session_in(&mut self, question: &Question<'_>, (room, base): &mut (Vec<u64>, Masks)) -> Option<Session> {
        let (identity, targets, class, combination) = question;
        self.base(*identity, targets, *class, base)?;
        self.doubt_conditions(base, question);
        let verdicts = self.verdicts(*class, *combination)?;
        let asked = self.asked(base, &verdicts, std::mem::take(room));
        // What is not met wherever one is needs no look at the places, unless they have something to tell.
        if !asked.is_doubtful() && meet(asked.failed(), &self.everywhere) {
            *room = asked.masks;
            return None;
        }
        let decides = asked.is_doubtful() || asked.conditional().iter().any(|word| *word != 0);
        let number = if decides { verdicts.number } else { u32::MAX };
        let key = (asked.masks, number);
        if let Some(known) = self.sessions.get(&key) {
            *room = key.0;
            return Some(known.clone());
        }
        let asked = Asked { masks: key.0, words: asked.words };
        let needs = Arc::new(self.work_out(&asked, &verdicts));
        let session = Session { number: u32::try_from(self.sessions.len()).unwrap_or(u32::MAX), needs };
        self.sessions.insert((asked.masks, number), session.clone());
        Some(session)
    }

    /// The number of what a combination on a device of a class makes of every policy, if that was asked before.
    pub(super) fn known_verdicts(&self, class: u32, combination: u32) -> Option<u32> {
        let grant = self.device_classes.get(class as usize)?.grant;
        self.verdicts.get(&(grant.index(), combination)).map(|verdicts| verdicts.number)
    }

    fn work_out(&mut self, asked: &Asked, verdicts: &Verdicts) -> Vec<Need> {
        let mut needs = Vec::new();
        for place in 0..self.places.len() {
            let number = u16::try_from(place).unwrap_or(u16::MAX);
            // With every risk quiet is the least that nature can do: what does not pass then never does.
            let best = self.at_place(asked, (place, quiet::ALL), verdicts);
            if best.is_empty() {
                continue;
            }
            let here = self.places.get(place).map_or(&[][..], |place| place.needs.as_slice()).to_vec();
            for kept_quiet in 0..=quiet::ALL {
                let found = self.at_place(asked, (place, kept_quiet), verdicts);
                let is_all = found == best;
                needs.extend(found.iter().map(|set| Need {
                    components: union(set, &here),
                    quiet: kept_quiet,
                    place: number,
                    device: 0,
                }));
                if is_all && kept_quiet == 0 {
                    break;
                }
            }
            // Nothing is needed here, so that no other place is needed.
            if needs.iter().any(|need| need.components.is_empty() && need.quiet == 0) {
                break;
            }
        }
        minimal(needs)
    }

    /// Notes the policies in force of which it cannot be told whether they apply.
    fn doubt_conditions(&mut self, base: &Masks, question: &Question<'_>) {
        let enabled = &self.access.compiled().enabled;
        let [told, _] = &mut self.told;
        let sides = base.sure.iter().zip(&base.may).zip(enabled.sure.iter().zip(&enabled.may));
        let unsure = sides.map(|((sure, may), (on, may_be_on))| may & may_be_on & !(sure & on));
        if unsure.clone().zip(told.iter()).all(|(unsure, told)| unsure & !told == 0) {
            return;
        }
        let news = unsure.zip(told).map(|(unsure, told)| {
            let unsure = unsure & !*told;
            *told |= unsure;
            unsure
        });
        let unsure: Vec<u64> = news.collect();
        for policy in policies_of(&unsure) {
            let whys = self.access.compiled().whys(policy).join("; ");
            let why = if whys.is_empty() { self.unsure_part(policy, question) } else { &whys };
            self.doubt(policy, why);
        }
    }

    /// What of a policy cannot be told, in words, where its conditions have no reason of their own.
    fn unsure_part(&self, policy: usize, (identity, targets, class, _): &Question<'_>) -> &'static str {
        let compiled = self.access.compiled();
        let is_unsure = |masks: &Masks, row: usize| masks.truth((row, compiled.words), policy) == Trit::Unknown;
        let who = self.identities.get(*identity as usize);
        let client = self.device_classes.get(*class as usize);
        if who.is_some_and(|who| is_unsure(who, 0)) {
            "whether somebody belongs to a group, a role or a kind of users that it names"
        } else if targets.iter().any(|row| is_unsure(&self.access.targets().masks, *row as usize)) {
            "whether an application belongs to those that it names"
        } else if client.is_some_and(|class| is_unsure(&class.masks, 0)) {
            "whether a device is one that it is about"
        } else {
            "whether it is in force"
        }
    }

    /// Policies that apply at some place: identity, target, client, platform and device.
    fn base(&self, identity: u32, targets: &[TargetRow], class: u32, base: &mut Masks) -> Option<()> {
        let compiled = self.access.compiled();
        let words = compiled.words;
        let who = self.identities.get(identity as usize)?;
        let class = self.device_classes.get(class as usize)?;
        let fill = |base: &mut Vec<u64>, side: fn(&Masks) -> &Vec<u64>| {
            let table = side(&self.access.targets().masks);
            let of = |row: &TargetRow| table.get(*row as usize * words..(*row as usize + 1) * words);
            base.clear();
            base.resize(words, 0);
            for target in targets.iter().filter_map(of) {
                base.iter_mut().zip(target).for_each(|(base, target)| *base |= target);
            }
            let others = side(who).iter().zip(side(&class.masks));
            base.iter_mut().zip(others).for_each(|(base, (who, class))| *base &= who & class);
        };
        fill(&mut base.sure, |masks| &masks.sure);
        fill(&mut base.may, |masks| &masks.may);
        Some(())
    }

    /// What is asked of a sign-in at some place; `masks` is room for it.
    fn asked(&self, base: &Masks, verdicts: &Verdicts, mut masks: Vec<u64>) -> Asked {
        let base = self.side(base);
        let [_, told] = &self.told;
        let applying = || base.iter().zip(&self.somewhere).map(|(base, here)| base & here);
        masks.clear();
        masks.extend(applying().zip(&verdicts.failed).map(|(applying, verdict)| applying & verdict));
        masks.extend(applying().zip(&verdicts.conditional).map(|(applying, verdict)| applying & verdict));
        let doubtful = applying().zip(&verdicts.doubtful).zip(told);
        masks.extend(doubtful.map(|((applying, verdict), told)| applying & verdict & !told));
        Asked { masks, words: base.len() }
    }

    /// The side of masks that counts.
    fn side<'m>(&self, masks: &'m Masks) -> &'m [u64] {
        match self.mode {
            Mode::Promised => &masks.may,
            Mode::Possible => &masks.sure,
        }
    }

    /// What passes at a place, whatever nature does with the risks that are not kept quiet.
    fn at_place(&mut self, asked: &Asked, (place, kept_quiet): (usize, u8), verdicts: &Verdicts) -> Alternatives {
        let met_at = self.places.get(place).and_then(|place| place.met.get(usize::from(kept_quiet)));
        let Some(met_at) = met_at.map(Arc::clone) else { return Vec::new() };
        if asked.is_doubtful() {
            self.doubt_demands(asked.doubtful(), &met_at, verdicts);
        }
        let mut all = Alternatives::new();
        for masks in met_at.iter() {
            let here = self.side(masks);
            if meet(asked.failed(), here) {
                continue;
            }
            if !meet(asked.conditional(), here) {
                return met();
            }
            let policies: Vec<u64> = asked.conditional().iter().zip(here).map(|(asked, here)| asked & here).collect();
            let each = policies_of(&policies).filter_map(|policy| verdicts.met.get(policy));
            let here = each.fold(met(), |here, met| both(&here, &met.alternatives));
            all = minimal_sets(all.into_iter().chain(here).collect());
        }
        all
    }

    /// Notes the policies that apply at a place and of which it cannot be told whether they are met.
    fn doubt_demands(&mut self, doubtful: &[u64], met_at: &[Masks], verdicts: &Verdicts) {
        let mut here = vec![0_u64; doubtful.len()];
        for masks in met_at {
            let sides = doubtful.iter().zip(self.side(masks));
            here.iter_mut().zip(sides).for_each(|(all, (doubtful, met))| *all |= doubtful & met);
        }
        let [_, told] = &mut self.told;
        here.iter_mut().zip(told).for_each(|(here, told)| {
            *here &= !*told;
            *told |= *here;
        });
        for policy in policies_of(&here) {
            let why = verdicts.met.get(policy).and_then(|met| met.doubt.as_deref());
            self.doubt(policy, why.unwrap_or_default());
        }
    }

    /// What a combination makes of every policy, on a kind of device.
    fn verdicts(&mut self, class: u32, combination: u32) -> Option<Arc<Verdicts>> {
        let grant = self.device_classes.get(class as usize)?.grant;
        if let Some(known) = self.verdicts.get(&(grant.index(), combination)) {
            return Some(Arc::clone(known));
        }
        let each = 0..self.access.policies().len();
        let demands: Vec<Met> = each.map(|policy| self.demand(policy, grant, combination)).collect();
        let verdicts = match self.verdicts_of.get(&demands) {
            Some(known) => Arc::clone(known),
            None => {
                let number = u32::try_from(self.verdicts_of.len()).unwrap_or(u32::MAX);
                let verdicts = Arc::new(Verdicts::of(number, &demands, self.access.compiled().words));
                self.verdicts_of.insert(demands, Arc::clone(&verdicts));
                verdicts
            }
        };
        self.verdicts.insert((grant.index(), combination), Arc::clone(&verdicts));
        Some(verdicts)
    }

    /// What meets one policy's demand.
    fn demand(&mut self, policy: usize, grant: GrantSituation, combination: u32) -> Met {
        let key = (policy, grant.index(), combination);
        if let Some(known) = self.demands.get(&key) {
            return known.clone();
        }
        let demand = self.access.compiled().demands().get(policy).cloned();
        let is_answered = self.combinations.get(combination as usize).is_some_and(|(key, _)| key.is_answered);
        let is_lapsed = is_answered && self.access.policies().get(policy).is_some_and(lapses_within_an_hour);
        let mut doubt = None;
        let alternatives = match demand {
            // What was answered an hour ago has to be answered again.
            _ if is_lapsed => Vec::new(),
            None | Some(Demand::Block) => Vec::new(),
            Some(Demand::Nothing) => met(),
            Some(Demand::Unknown(why)) => {
                doubt = Some(why.as_str().into());
                if self.mode == Mode::Possible { met() } else { Vec::new() }
            }
            Some(Demand::All(controls)) => controls.iter().fold(met(), |all, control| {
                let one = self.control(policy, control, (grant, combination), &mut doubt);
                both(&all, &one)
            }),
            // One that is not known may be a block, which stands alone.
            Some(Demand::Any(controls)) if self.mode == Mode::Promised && has_unknown(&controls) => {
                doubt = Some("a control that is not known may block".into());
                Vec::new()
            }
            Some(Demand::Any(controls)) => {
                let each =
                    controls.iter().flat_map(|control| self.control(policy, control, (grant, combination), &mut doubt));
                minimal_sets(each.collect::<Vec<_>>())
            }
        };
        let found = Met { alternatives: Arc::new(alternatives), doubt };
        self.demands.insert(key, found.clone());
        found
    }

    fn doubt(&mut self, policy: usize, why: &str) {
        let name = self.access.policies().get(policy).map_or("", |policy| policy.name());
        self.unknowns.insert(format!("policy `{name}`: {why}"));
    }

    fn control(
        &mut self,
        policy: usize,
        control: &Control,
        (grant, combination): (GrantSituation, u32),
        doubt: &mut Option<Arc<str>>,
    ) -> Alternatives {
        let Some((key, methods)) = self.combinations.get(combination as usize).cloned() else { return Vec::new() };
        let truth = match control {
            Control::CompliantDevice | Control::DomainJoinedDevice => {
                (grant.control(control, &[]).worst == Outcome::Allowed).into()
            }
            Control::ApprovedApplication | Control::CompliantApplication => {
                let best = grant.control(control, &[]).best;
                if best == Outcome::Allowed { Trit::Unknown } else { Trit::No }
            }
            _ if grant.is_legacy_client => Trit::No,
            _ if key.is_answered && !matches!(control, Control::Unknown(_)) => Trit::Yes,
            Control::TermsOfUse(id) => return vec![vec![self.intern_shared(Component::new(Kind::TermsOfUse, id))]],
            Control::Custom(id) => return vec![vec![self.intern_shared(Component::new(Kind::Control, id))]],
            control => match self.access.policies().get(policy) {
                Some(written) => person::control_is_met_by(self.access.snapshot(), written, control, &methods),
                None => Trit::Unknown,
            },
        };
        if truth == Trit::Unknown {
            *doubt = Some(format!("whether `{control}` is met cannot be told").into());
        }
        if self.mode.takes(truth) { met() } else { Vec::new() }
    }

    /// The policies in force that a sign-in does not meet, at a place, whatever nature does with the risks.
    pub(super) fn rejecting(&mut self, question: &Question<'_>, place: u16, kept_quiet: u8) -> BTreeSet<usize> {
        let (identity, targets, class, combination) = question;
        let mut found = BTreeSet::new();
        let mut base = Masks::default();
        if self.base(*identity, targets, *class, &mut base).is_none() {
            return found;
        }
        let Some(grant) = self.device_classes.get(*class as usize).map(|class| class.grant) else { return found };
        let met_at = self.place(place).and_then(|place| place.met.get(usize::from(kept_quiet))).cloned();
        let enabled = &self.access.compiled().enabled;
        for masks in met_at.iter().flat_map(|met_at| met_at.iter()) {
            let sides = self.side(&base).iter().zip(self.side(masks)).zip(self.side(enabled));
            let applying: Vec<u64> = sides.map(|((base, met), enabled)| base & met & enabled).collect();
            for policy in policies_of(&applying).collect::<Vec<_>>() {
                if self.demand(policy, grant, *combination).alternatives.is_empty() {
                    found.insert(policy);
                }
            }
        }
        found
    }
}

/// Whether a policy wants somebody to sign in again, or to prove the second factor again, an hour later.
fn lapses_within_an_hour(policy: &ConditionalAccessPolicy) -> bool {
    let is_soon = |frequency: &SignInFrequency| match frequency {
        SignInFrequency::EveryTime => true,
        SignInFrequency::Hours(hours) => *hours <= 1,
    };
    session_controls(policy)
        .iter()
        .any(|control| matches!(control, SessionControl::SignInFrequency { frequency, .. } if is_soon(frequency)))
}

fn has_unknown(controls: &[Control]) -> bool {
    controls.iter().any(|control| matches!(control, Control::Unknown(_)))
}

/// The policies of a mask.
pub(super) fn policies_of(mask: &[u64]) -> impl Iterator<Item = usize> + '_ {
    mask.iter().enumerate().flat_map(|(word, mask)| bits(*mask).map(move |bit| word * 64 + bit))
}
