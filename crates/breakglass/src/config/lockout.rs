//! `[lockout]`: how the lockout analysis judges, and what the snapshot cannot tell it.
//!
//! **Limits:** [`ORDER_MAX`], [`COMPONENT_COUNT_MAX`], [`NETWORK_COUNT_MAX`], [`SCENARIO_COUNT_MAX`].

use std::collections::{BTreeMap, BTreeSet};

use breakglass_engine::lockout::component::{Component, NotAComponent};
use breakglass_engine::lockout::pattern::ComponentPattern;
use serde::Deserialize;
use toml::Spanned;

use super::{Contradiction, NonEmpty, Whole, at_most, repeated};

/// The greatest order that may be asked for.
const ORDER_MAX: usize = 16;

/// Components that may be listed in one place.
const COMPONENT_COUNT_MAX: usize = 1_000;

/// Networks of which the country may be said.
const NETWORK_COUNT_MAX: usize = 1_000;

/// Scenarios that may be written.
const SCENARIO_COUNT_MAX: usize = 100;

/// What the configuration says about the lockout analysis; what it does not say is `None` or empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LockoutSettings {
    /// The order below which a proposed change is refused.
    pub(crate) floor: Option<usize>,
    /// The size of cuts up to which is searched.
    pub(crate) max_order: Option<usize>,
    /// Components that are held up.
    pub(crate) assume: Vec<Component>,
    /// Components that are otherwise held up, and may fail here.
    pub(crate) fail_assumption: Vec<Component>,
    /// Where the passwords of synchronised users are checked.
    pub(crate) on_premises_authentication: Option<OnPremisesAuthentication>,
    /// Countries of named locations with address ranges, by the location's name or id as it was written; two upper
    /// case letters.
    pub(crate) countries: BTreeMap<String, String>,
    /// Scenarios beside the built-in ones, in the order of the configuration.
    pub(crate) scenarios: Vec<OwnScenario>,
}

/// Where the passwords of synchronised users are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OnPremisesAuthentication {
    /// In the cloud, against synchronised hashes.
    Phs,
    /// On premises, through agents.
    Pta,
}

/// A scenario of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnScenario {
    /// Its id.
    pub(crate) id: String,
    /// What it is, in words.
    pub(crate) title: String,
    /// What fails in it.
    pub(crate) failed: Vec<ComponentPattern>,
}

/// The section.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LockoutSection {
    floor: Option<OrderCount>,
    max_order: Option<OrderCount>,
    assume: Vec<Spanned<ComponentId>>,
    fail_assumption: Vec<Spanned<ComponentId>>,
    on_premises_authentication: Option<OnPremisesAuthentication>,
    network: Vec<Spanned<NetworkProperties>>,
    scenario: Vec<Spanned<ScenarioProperties>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NetworkProperties {
    location: NonEmpty,
    country: Country,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScenarioProperties {
    id: NonEmpty,
    title: Option<NonEmpty>,
    failed: Vec<PatternText>,
}

/// A number of failures.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "Whole")]
struct OrderCount(usize);

impl TryFrom<Whole> for OrderCount {
    type Error = String;

    fn try_from(Whole(count): Whole) -> Result<Self, Self::Error> {
        let count = usize::try_from(count).ok().filter(|count| (1..=ORDER_MAX).contains(count));
        count.map(Self).ok_or_else(|| format!("must be from 1 to {ORDER_MAX} failures"))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "NonEmpty")]
struct ComponentId(Component);

impl TryFrom<NonEmpty> for ComponentId {
    type Error = String;

    fn try_from(text: NonEmpty) -> Result<Self, Self::Error> {
        match text.0.parse::<ComponentPattern>().map_err(|error| error.to_string())? {
            ComponentPattern::One(component) if component.can_be() => Ok(Self(component)),
            ComponentPattern::One(component) => Err(format!("no tenant has a component `{component}`")),
            several @ ComponentPattern::Beginning(_) => {
                Err(format!("`{several}` names several components: write the id of each"))
            }
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "NonEmpty")]
struct PatternText(ComponentPattern);

impl TryFrom<NonEmpty> for PatternText {
    type Error = NotAComponent;

    fn try_from(text: NonEmpty) -> Result<Self, Self::Error> {
        text.0.parse().map(Self)
    }
}

/// A country by its two letters.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
struct Country(String);

impl TryFrom<String> for Country {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_code = text.len() == 2 && text.bytes().all(|letter| letter.is_ascii_alphabetic());
        if is_code { Ok(Self(text.to_ascii_uppercase())) } else { Err("must be the two letters of a country, as DE") }
    }
}

impl LockoutSection {
    /// What it says.
    pub(super) fn settings(&self) -> LockoutSettings {
        let components =
            |list: &[Spanned<ComponentId>]| list.iter().map(|component| component.get_ref().0.clone()).collect();
        let networks = self.network.iter().map(Spanned::get_ref);
        LockoutSettings {
            floor: self.floor.map(|count| count.0),
            max_order: self.max_order.map(|count| count.0),
            assume: components(&self.assume),
            fail_assumption: components(&self.fail_assumption),
            on_premises_authentication: self.on_premises_authentication,
            countries: networks.map(|network| (network.location.0.clone(), network.country.0.clone())).collect(),
            scenarios: self.scenario.iter().map(|scenario| scenario.get_ref().scenario()).collect(),
        }
    }

    /// Checks that what it says can be; the first contradiction, with its place.
    pub(super) fn check(&self) -> Result<(), Contradiction> {
        at_most(COMPONENT_COUNT_MAX, "components in `assume`", self.assume.len())?;
        at_most(COMPONENT_COUNT_MAX, "components in `fail_assumption`", self.fail_assumption.len())?;
        at_most(NETWORK_COUNT_MAX, "networks", self.network.len())?;
        at_most(SCENARIO_COUNT_MAX, "scenarios", self.scenario.len())?;
        let assumed: BTreeSet<&ComponentId> = self.assume.iter().map(Spanned::get_ref).collect();
        if let Some(both) = self.fail_assumption.iter().find(|component| assumed.contains(component.get_ref())) {
            let message = format!("`{}` is both in `assume` and in `fail_assumption`", both.get_ref().0);
            return Err(Contradiction { message, span: both.span() });
        }
        let locations = self.network.iter().map(|network| (&network.get_ref().location, network.span()));
        if let Some((location, span)) = repeated(locations) {
            let message = format!("two countries are given for the location `{location}`");
            return Err(Contradiction { message, span });
        }
        let ids = self.scenario.iter().map(|scenario| (&scenario.get_ref().id, scenario.span()));
        if let Some((id, span)) = repeated(ids) {
            return Err(Contradiction { message: format!("two scenarios have the id `{id}`"), span });
        }
        self.scenario
            .iter()
            .try_for_each(|scenario| scenario.get_ref().check().map_err(|refused| refused.at(scenario.span())))
    }
}

impl ScenarioProperties {
    fn check(&self) -> Result<(), Contradiction> {
        at_most(COMPONENT_COUNT_MAX, "components of a scenario", self.failed.len())?;
        if self.failed.is_empty() {
            let message = format!("nothing fails in the scenario `{}`", self.id);
            return Err(Contradiction { message, span: 0..0 });
        }
        Ok(())
    }

    fn scenario(&self) -> OwnScenario {
        OwnScenario {
            id: self.id.0.clone(),
            title: self.title.as_ref().unwrap_or(&self.id).0.clone(),
            failed: self.failed.iter().map(|pattern| pattern.0.clone()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{line, parse};
    use super::*;
    use crate::failure::Coded as _;

    #[test]
    fn everything_that_is_said_arrives() {
        let text = r#"
            [lockout]
            floor = 2
            max_order = 6
            assume = ["svc:pim"]
            fail_assumption = ["net:elsewhere"]
            on_premises_authentication = "pta"

            [[lockout.network]]
            location = "Head office"
            country = "de"

            [[lockout.scenario]]
            id = "cable-cut"
            title = "The cable to head office is cut"
            failed = ["net:*", "svc:mfa-telephony"]

            [[lockout.scenario]]
            id = "untitled"
            failed = ["onprem:*"]
        "#;
        let settings = parse(text).unwrap().lockout_settings();
        let expected = LockoutSettings {
            floor: Some(2),
            max_order: Some(6),
            assume: vec!["svc:pim".parse().unwrap()],
            fail_assumption: vec!["net:elsewhere".parse().unwrap()],
            on_premises_authentication: Some(OnPremisesAuthentication::Pta),
            countries: [("Head office".to_owned(), "DE".to_owned())].into(),
            scenarios: vec![
                OwnScenario {
                    id: "cable-cut".to_owned(),
                    title: "The cable to head office is cut".to_owned(),
                    failed: vec!["net:*".parse().unwrap(), "svc:mfa-telephony".parse().unwrap()],
                },
                OwnScenario {
                    id: "untitled".to_owned(),
                    title: "untitled".to_owned(),
                    failed: vec!["onprem:*".parse().unwrap()],
                },
            ],
        };
        assert_eq!(settings, expected);
        assert_eq!(parse("").unwrap().lockout_settings(), LockoutSettings::default());
        let phs = parse("[lockout]\non_premises_authentication = \"phs\"").unwrap().lockout_settings();
        assert_eq!(phs.on_premises_authentication, Some(OnPremisesAuthentication::Phs));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for (text, message) in [
            ("[lockout]\nflor = 2", "unknown field `flor`"),
            ("[lockout]\nfloor = 0", "must be from 1 to 16 failures"),
            ("[lockout]\nfloor = \"2\"", "invalid type"),
            ("[lockout]\nmax_order = -1", "must be from 1 to 16 failures"),
            ("[lockout]\nassume = [\"pim\"]", "`pim` is not the id of a component"),
            ("[lockout]\nassume = [\"svc:*\"]", "`svc:*` names several components"),
            ("[lockout]\nassume = [\"svc:pin\"]", "no tenant has a component `svc:pin`"),
            ("[lockout]\nfail_assumption = [\"\"]", "must not be empty"),
            ("[lockout]\non_premises_authentication = \"adfs\"", "unknown variant `adfs`"),
            ("[[lockout.network]]\nlocation = \"HQ\"", "missing field `country`"),
            ("[[lockout.network]]\nlocation = \"HQ\"\ncountry = \"Germany\"", "must be the two letters of a country"),
            ("[[lockout.scenario]]\nid = \"a\"", "missing field `failed`"),
            ("[[lockout.scenario]]\nid = \"a\"\nfailed = [\"*\"]", "`*` is not the id of a component"),
            ("[[lockout.scenario]]\nid = \"a\"\nfailed = [\"nothing:*\"]", "`nothing:*` is not the id of a component"),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.code(), "BG1102", "{text}: {error}");
            assert!(error.to_string().contains(message), "{text}: {error}");
        }
    }

    #[test]
    fn contradictions_are_named_with_their_line() {
        let network = "[[lockout.network]]\nlocation = \"HQ\"\ncountry = \"DE\"\n";
        let scenario = "[[lockout.scenario]]\nid = \"a\"\nfailed = [\"svc:pim\"]\n";
        for (text, at, message) in [
            (
                "[lockout]\nassume = [\"svc:pim\"]\nfail_assumption = [\"svc:pim\"]".to_owned(),
                3,
                "`svc:pim` is both in `assume` and in `fail_assumption`",
            ),
            (network.repeat(2), 4, "two countries are given for the location `HQ`"),
            (scenario.repeat(2), 4, "two scenarios have the id `a`"),
            ("[[lockout.scenario]]\nid = \"a\"\nfailed = []".to_owned(), 1, "nothing fails in the scenario `a`"),
        ] {
            let error = parse(&text).unwrap_err();
            assert_eq!(error.code(), "BG1103", "{text}: {error}");
            assert!(error.to_string().contains(message), "{text}: {error}");
            assert_eq!(line(&error), at, "{text}: {error}");
        }
    }

    #[test]
    fn one_past_each_limit_is_refused() {
        let listed = |name: &str, count: usize| format!("[lockout]\n{name} = [{}]", "\"svc:pim\", ".repeat(count));
        let networks = |count: usize| -> String {
            (0..count).map(|n| format!("[[lockout.network]]\nlocation = \"l{n}\"\ncountry = \"DE\"\n")).collect()
        };
        let scenarios = |count: usize| -> String {
            (0..count).map(|n| format!("[[lockout.scenario]]\nid = \"s{n}\"\nfailed = [\"svc:pim\"]\n")).collect()
        };
        let failed =
            |count: usize| format!("[[lockout.scenario]]\nid = \"a\"\nfailed = [{}]", "\"svc:pim\", ".repeat(count));
        let (components, allowed) = (COMPONENT_COUNT_MAX, "at most 1000 are allowed");
        for (most, past, message) in [
            (listed("assume", components), listed("assume", components + 1), allowed),
            (listed("fail_assumption", components), listed("fail_assumption", components + 1), allowed),
            (failed(components), failed(components + 1), allowed),
            (networks(NETWORK_COUNT_MAX), networks(NETWORK_COUNT_MAX + 1), allowed),
            (scenarios(SCENARIO_COUNT_MAX), scenarios(SCENARIO_COUNT_MAX + 1), "at most 100 are allowed"),
            ("[lockout]\nfloor = 16".to_owned(), "[lockout]\nfloor = 17".to_owned(), "must be from 1 to 16"),
            ("[lockout]\nmax_order = 16".to_owned(), "[lockout]\nmax_order = 17".to_owned(), "must be from 1 to 16"),
        ] {
            assert!(parse(&most).is_ok(), "{:?}", parse(&most).err());
            let error = parse(&past).unwrap_err();
            assert!(error.to_string().contains(message), "{error}");
        }
    }
}
