//! `[custody]`: who and what keeps the shares of which secret.
//!
//! **Limits:** [`KEEPER_COUNT_MAX`], [`SIGNS_IN_COUNT_MAX`], [`ENVELOPE_COUNT_MAX`], and the shares of an envelope that
//! the engine allows.

use breakglass_engine::lockout::custody::{Custody, Depository, Envelope, Holds, Keeper, SHARE_COUNT_MAX, Share};
use serde::Deserialize;
use toml::Spanned;

use super::{Contradiction, NonEmpty, Whole, at_most, optional, repeated};

/// Custodians, safes or depositories that may be declared, of each kind.
const KEEPER_COUNT_MAX: usize = 1_000;

/// Users who may be named as those who sign in to a depository.
const SIGNS_IN_COUNT_MAX: usize = 100;

/// Envelopes that may be declared.
const ENVELOPE_COUNT_MAX: usize = 1_000;

/// What an envelope holds that holds no authentication method.
const PASSWORD: &str = "password";

/// The section.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct CustodySection {
    custodian: Vec<Spanned<KeeperProperties>>,
    safe: Vec<Spanned<KeeperProperties>>,
    depository: Vec<Spanned<DepositoryProperties>>,
    envelope: Vec<Spanned<EnvelopeProperties>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeeperProperties {
    id: NonEmpty,
    name: Option<NonEmpty>,
    site: Option<NonEmpty>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DepositoryProperties {
    id: NonEmpty,
    name: Option<NonEmpty>,
    site: Option<NonEmpty>,
    #[serde(default)]
    signs_in: Vec<NonEmpty>,
    application: Option<NonEmpty>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvelopeProperties {
    account: NonEmpty,
    /// `password`, or the id of an authentication method.
    holds: NonEmpty,
    threshold: ShareCount,
    #[serde(default)]
    share: Vec<ShareProperties>,
}

/// A number of shares; whether there are so many is looked at with the envelope.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "Whole")]
struct ShareCount(usize);

impl TryFrom<Whole> for ShareCount {
    type Error = String;

    fn try_from(Whole(count): Whole) -> Result<Self, Self::Error> {
        let count = usize::try_from(count).map_err(|_| format!("must be from 1 to {SHARE_COUNT_MAX} shares"))?;
        Ok(Self(count))
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ShareProperties {
    custodian: Option<NonEmpty>,
    safe: Option<NonEmpty>,
    depository: Option<NonEmpty>,
}

impl CustodySection {
    /// What is declared.
    pub(super) fn custody(&self) -> Custody {
        Custody {
            custodians: self.custodian.iter().map(|keeper| keeper.get_ref().keeper()).collect(),
            safes: self.safe.iter().map(|keeper| keeper.get_ref().keeper()).collect(),
            depositories: self.depository.iter().map(|depository| depository.get_ref().depository()).collect(),
            envelopes: self.envelope.iter().map(|envelope| envelope.get_ref().envelope()).collect(),
        }
    }

    /// Checks that what is declared can be; the first contradiction, with its place.
    pub(super) fn check(&self) -> Result<(), Contradiction> {
        check_keepers("custodians", &self.custodian, |keeper| &keeper.id)?;
        check_keepers("safes", &self.safe, |keeper| &keeper.id)?;
        check_keepers("depositories", &self.depository, |depository| &depository.id)?;
        for depository in &self.depository {
            let count = depository.get_ref().signs_in.len();
            at_most(SIGNS_IN_COUNT_MAX, "users who sign in to a depository", count)
                .map_err(|refused| refused.at(depository.span()))?;
        }
        at_most(ENVELOPE_COUNT_MAX, "envelopes", self.envelope.len())?;
        self.check_envelopes()
    }

    /// The engine says what is wrong and not where: that is the last of the fewest envelopes that it refuses.
    fn check_envelopes(&self) -> Result<(), Contradiction> {
        let custody = self.custody();
        if custody.check().is_ok() {
            return Ok(());
        }
        let first = |count: usize| {
            let envelopes = custody.envelopes.iter().take(count).cloned().collect();
            Custody { envelopes, ..custody.clone() }
        };
        let counts: Vec<usize> = (1..=custody.envelopes.len()).collect();
        let at = counts.partition_point(|count| first(*count).check().is_ok());
        let span = self.envelope.get(at).map(Spanned::span).unwrap_or_default();
        first(at + 1).check().map_err(|error| Contradiction { message: error.to_string(), span })
    }
}

/// Refuses too many keepers of one kind, and the second of two with the same id.
fn check_keepers<T>(what: &str, keepers: &[Spanned<T>], id: fn(&T) -> &NonEmpty) -> Result<(), Contradiction> {
    at_most(KEEPER_COUNT_MAX, what, keepers.len())?;
    match repeated(keepers.iter().map(|keeper| (id(keeper.get_ref()), keeper.span()))) {
        None => Ok(()),
        Some((id, span)) => Err(Contradiction { message: format!("two {what} have the id `{id}`"), span }),
    }
}

impl KeeperProperties {
    fn keeper(&self) -> (String, Keeper) {
        let name = self.name.as_ref().unwrap_or(&self.id).0.clone();
        (self.id.0.clone(), Keeper { name, site: optional(self.site.as_ref()) })
    }
}

impl DepositoryProperties {
    fn depository(&self) -> (String, Depository) {
        let depository = Depository {
            name: self.name.as_ref().unwrap_or(&self.id).0.clone(),
            site: optional(self.site.as_ref()),
            signs_in: self.signs_in.iter().map(|user| user.0.clone()).collect(),
            application: optional(self.application.as_ref()),
        };
        (self.id.0.clone(), depository)
    }
}

impl EnvelopeProperties {
    fn envelope(&self) -> Envelope {
        let holds = self.holds.0.as_str();
        Envelope {
            account: self.account.0.clone(),
            holds: if holds == PASSWORD { Holds::Password } else { Holds::Method(holds.to_owned()) },
            threshold: self.threshold.0,
            shares: self.share.iter().map(ShareProperties::share).collect(),
        }
    }
}

impl ShareProperties {
    fn share(&self) -> Share {
        Share {
            custodian: optional(self.custodian.as_ref()),
            safe: optional(self.safe.as_ref()),
            depository: optional(self.depository.as_ref()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{line, parse};
    use super::*;
    use breakglass_engine::lockout::custody::SHARE_COUNT_MAX;

    const WHOLE: &str = r#"
        [[custody.custodian]]
        id = "eva"
        name = "Eva Brandt"
        site = "hq"

        [[custody.safe]]
        id = "hq-safe"

        [[custody.depository]]
        id = "vault"
        name = "Password vault"
        site = "cloud"
        signs_in = ["anna@contoso.com"]
        application = "11111111-2222-3333-4444-555555555555"

        [[custody.envelope]]
        account = "bg1"
        holds = "password"
        threshold = 2
            [[custody.envelope.share]]
            custodian = "eva"
            safe = "hq-safe"
            [[custody.envelope.share]]
            depository = "vault"

        [[custody.envelope]]
        account = "bg1"
        holds = "key-1a"
        threshold = 1
            [[custody.envelope.share]]
            safe = "hq-safe"
    "#;

    fn owned(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn everything_that_is_declared_arrives() {
        let config = parse(WHOLE).unwrap();
        let custody = config.custody();
        assert_eq!(custody.check(), Ok(()));
        assert_eq!(custody.custodians["eva"], Keeper { name: "Eva Brandt".to_owned(), site: owned("hq") });
        assert_eq!(custody.safes["hq-safe"], Keeper { name: "hq-safe".to_owned(), site: None });
        let vault = &custody.depositories["vault"];
        assert_eq!((vault.name.as_str(), vault.site.as_deref()), ("Password vault", Some("cloud")));
        assert_eq!(vault.signs_in, ["anna@contoso.com"]);
        assert_eq!(vault.application.as_deref(), Some("11111111-2222-3333-4444-555555555555"));
        let [password, key] = &custody.envelopes[..] else { panic!("{:?}", custody.envelopes) };
        assert_eq!((password.account.as_str(), &password.holds, password.threshold), ("bg1", &Holds::Password, 2));
        let shares = [
            Share { custodian: owned("eva"), safe: owned("hq-safe"), depository: None },
            Share { depository: owned("vault"), ..Share::default() },
        ];
        assert_eq!(password.shares, shares);
        assert_eq!(key.holds, Holds::Method("key-1a".to_owned()));
        assert!(config.posture_settings().custody_is_configured);
    }

    #[test]
    fn nothing_declared_is_no_custody() {
        assert!(parse("").unwrap().custody().is_empty());
        assert!(parse("[custody]").unwrap().custody().is_empty());
    }

    #[test]
    fn contradictions_are_named_with_their_line() {
        let eva = "[[custody.custodian]]\nid = \"eva\"\n";
        let envelope = |threshold: &str, share: &str| {
            format!(
                "[[custody.envelope]]\naccount = \"bg1\"\nholds = \"password\"\nthreshold = {threshold}\n\
                 [[custody.envelope.share]]\n{share}\n"
            )
        };
        let good = envelope("1", "custodian = \"eva\"");
        for (text, at, message) in [
            (format!("{eva}{}", envelope("2", "custodian = \"eva\"")), 3, "needs 2 of 1 shares"),
            (format!("{eva}{}", envelope("0", "custodian = \"eva\"")), 3, "needs 0 of 1 shares"),
            (format!("{eva}{}", envelope("1", "custodian = \"max\"")), 3, "names the custodian `max`"),
            (format!("{eva}{}", envelope("1", "")), 3, "names neither a custodian nor a safe nor a depository"),
            (format!("{eva}{good}{good}"), 9, "two envelopes for `bg1` hold the same"),
            (format!("{eva}{eva}{good}"), 3, "two custodians have the id `eva`"),
            ("[[custody.safe]]\nid = \"a\"\n".repeat(2), 3, "two safes have the id `a`"),
            ("[[custody.depository]]\nid = \"a\"\n".repeat(2), 3, "two depositories have the id `a`"),
        ] {
            let error = parse(&text).unwrap_err();
            assert_eq!(crate::failure::Coded::code(&error), "BG1103", "{text}: {error}");
            assert!(error.to_string().contains(message), "{text}: {error}");
            assert_eq!(line(&error), at, "{text}: {error}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for (text, message) in [
            ("[custody]\ncustodians = 3", "unknown field `custodians`"),
            ("[[custody.custodian]]\nname = \"Eva\"", "missing field `id`"),
            ("[[custody.safe]]\nid = \"a\"\nsafe = \"b\"", "unknown field `safe`"),
            ("[[custody.depository]]\nid = \"a\"\nsigns_in = \"b\"", "invalid type"),
            ("[[custody.envelope]]\naccount = \"a\"\nholds = \"password\"", "missing field `threshold`"),
            ("[[custody.envelope]]\naccount = \"a\"\nthreshold = 1", "missing field `holds`"),
            ("[[custody.envelope]]\naccount = \"a\"\nholds = \"x\"\nthreshold = -1", "must be from 1 to 64 shares"),
            (
                "[[custody.envelope]]\naccount = \"a\"\nholds = \"x\"\nthreshold = 9999999999999999999999",
                "is too large",
            ),
            ("[[custody.envelope]]\naccount = \"a\"\nholds = \"x\"\nthreshold = \"2\"", "expected a whole number"),
            ("[[custody.envelope]]\naccount = \" \"\nholds = \"x\"\nthreshold = 1", "must not be empty"),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(crate::failure::Coded::code(&error), "BG1102", "{text}: {error}");
            assert!(error.to_string().contains(message), "{text}: {error}");
        }
    }

    #[test]
    fn one_past_each_limit_is_refused() {
        let keepers = |kind: &str, count: usize| -> String {
            (0..count).map(|number| format!("[[custody.{kind}]]\nid = \"k{number}\"\n")).collect()
        };
        let signs_in =
            |count: usize| format!("[[custody.depository]]\nid = \"v\"\nsigns_in = [{}]", "\"a\", ".repeat(count));
        let envelopes = |count: usize| -> String {
            let envelope = |number| {
                format!(
                    "[[custody.envelope]]\naccount = \"a{number}\"\nholds = \"password\"\nthreshold = 1\n\
                     share = [{{ custodian = \"k0\" }}]\n"
                )
            };
            keepers("custodian", 1) + &(0..count).map(envelope).collect::<String>()
        };
        let shares = |count: usize| {
            let shares = "{ custodian = \"k0\" }, ".repeat(count);
            let envelope = "[[custody.envelope]]\naccount = \"a\"\nholds = \"password\"\nthreshold = 1\n";
            format!("{}{envelope}share = [{shares}]", keepers("custodian", 1))
        };
        for (most, past, max) in [
            (keepers("custodian", KEEPER_COUNT_MAX), keepers("custodian", KEEPER_COUNT_MAX + 1), KEEPER_COUNT_MAX),
            (keepers("safe", KEEPER_COUNT_MAX), keepers("safe", KEEPER_COUNT_MAX + 1), KEEPER_COUNT_MAX),
            (keepers("depository", KEEPER_COUNT_MAX), keepers("depository", KEEPER_COUNT_MAX + 1), KEEPER_COUNT_MAX),
            (signs_in(SIGNS_IN_COUNT_MAX), signs_in(SIGNS_IN_COUNT_MAX + 1), SIGNS_IN_COUNT_MAX),
            (envelopes(ENVELOPE_COUNT_MAX), envelopes(ENVELOPE_COUNT_MAX + 1), ENVELOPE_COUNT_MAX),
            (shares(SHARE_COUNT_MAX), shares(SHARE_COUNT_MAX + 1), SHARE_COUNT_MAX),
        ] {
            assert!(parse(&most).is_ok(), "{:?}", parse(&most).err());
            let error = parse(&past).unwrap_err();
            assert!(error.to_string().contains(&format!("at most {max} are allowed")), "{error}");
        }
    }
}
