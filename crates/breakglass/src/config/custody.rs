//! `[custody]`: who and what keeps the shares of which secret, whose keys agree to an opening, and where sealed documents
//! lie.
//!
//! **Limits:** [`KEEPER_COUNT_MAX`], [`SIGNS_IN_COUNT_MAX`], [`ENVELOPE_COUNT_MAX`], and the shares of an envelope that
//! the engine allows.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use breakglass_custody::fingerprint::Fingerprint;
use breakglass_custody::recipient::Recipient;
use breakglass_custody::signing::SigningPublicKey;
use breakglass_engine::lockout::custody::{Custody, Depository, Envelope, Holds, Keeper, SHARE_COUNT_MAX, Share};
use breakglass_ops::drill::record::Surface;
use serde::Deserialize;
use toml::Spanned;

use super::{Config, Contradiction, NonEmpty, Whole, at_most, optional, repeated};

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
    /// Fingerprint of the operator's key.
    operator: Option<Parsed<Fingerprint>>,
    /// Who is told when a sheet is lost or the accounts are used, with a telephone number.
    report_to: Option<NonEmpty>,
    /// Whether an application may rotate passwords, and not persons alone.
    application_may_rotate: bool,
    /// What the accounts have to get into, which a drill tries.
    drill_surfaces: Option<Spanned<BTreeSet<Surface>>>,
    custodian: Vec<Spanned<PersonProperties>>,
    /// Whoever agrees to openings and holds no share.
    person: Vec<Spanned<PersonProperties>>,
    /// Whoever holds a share of the reserve, outside: a notary, a bank.
    reserve: Vec<Spanned<PersonProperties>>,
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
struct PersonProperties {
    id: NonEmpty,
    name: Option<NonEmpty>,
    site: Option<NonEmpty>,
    phone: Option<NonEmpty>,
    key: Option<Parsed<SigningPublicKey>>,
    age: Option<Parsed<Recipient>>,
}

/// A value that has a text of its own.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String", bound(deserialize = "T: FromText"))]
struct Parsed<T: FromText>(T);

/// What is read from a text of a configuration.
trait FromText: Sized {
    fn from_text(text: &str) -> Result<Self, String>;
}

impl<T: FromText> TryFrom<String> for Parsed<T> {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        T::from_text(text.trim()).map(Self)
    }
}

impl FromText for Fingerprint {
    fn from_text(text: &str) -> Result<Self, String> {
        Self::read(text).map_err(|error| error.to_string())
    }
}

impl FromText for SigningPublicKey {
    fn from_text(text: &str) -> Result<Self, String> {
        Self::read(text).map_err(|error| error.to_string())
    }
}

impl FromText for Recipient {
    fn from_text(text: &str) -> Result<Self, String> {
        Self::read(text).map_err(|error| error.to_string())
    }
}

/// What somebody is to the key box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PersonKind {
    /// They hold a share of the sets of the custodians.
    Custodian,
    /// They hold a share of the reserve, outside.
    Reserve,
    /// They hold none, and agree to openings.
    Other,
}

impl PersonKind {
    /// The section that declares them, below `[custody]`.
    pub(crate) const fn section(self) -> &'static str {
        match self {
            Self::Custodian => "custodian",
            Self::Reserve => "reserve",
            Self::Other => "person",
        }
    }
}

/// Somebody who holds a share, or agrees to openings.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    /// Their id in the configuration.
    pub(crate) id: String,
    /// What they are called.
    pub(crate) name: String,
    /// Where they usually are.
    pub(crate) site: Option<String>,
    /// How they are called to the telephone.
    pub(crate) phone: Option<String>,
    /// The key that they sign requests and approvals with.
    pub(crate) key: Option<SigningPublicKey>,
    /// Their own key of age, that a share is encrypted to.
    pub(crate) age: Option<Recipient>,
    /// What they are to the key box.
    pub(crate) kind: PersonKind,
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
    folder: Option<NonEmpty>,
    vault: Option<VaultProperties>,
}

/// Documents in OpenBao or HashiCorp Vault.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct VaultProperties {
    address: NonEmpty,
    mount: NonEmpty,
    path: NonEmpty,
    namespace: Option<NonEmpty>,
    #[serde(default)]
    authorities: Vec<NonEmpty>,
}

/// Where sealed documents are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DocumentPlace {
    /// A folder of files.
    Folder(PathBuf),
    /// A server of OpenBao or HashiCorp Vault.
    Vault(VaultPlace),
}

/// Where in a vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VaultPlace {
    /// The id of the depository.
    pub(crate) id: String,
    /// The server.
    pub(crate) address: String,
    /// The path of the engine.
    pub(crate) mount: String,
    /// The folder in it.
    pub(crate) path: String,
    /// The namespace, where there are some.
    pub(crate) namespace: Option<String>,
    /// Files with certificate authorities.
    pub(crate) authorities: Vec<PathBuf>,
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

impl Config {
    /// The fingerprint of the operator's key, if it is pinned.
    pub(crate) fn operator(&self) -> Option<Fingerprint> {
        self.custody.as_ref().and_then(CustodySection::operator)
    }

    /// Who is told when a sheet is lost or the accounts are used.
    pub(crate) fn report_to(&self) -> Option<String> {
        self.custody.as_ref().and_then(CustodySection::report_to)
    }

    /// Whether an application may rotate passwords, and not persons alone.
    pub(crate) fn may_application_rotate(&self) -> bool {
        self.custody.as_ref().is_some_and(|custody| custody.application_may_rotate)
    }

    /// What the accounts have to get into, which a drill tries: everything, unless it is said otherwise.
    pub(crate) fn drill_surfaces(&self) -> BTreeSet<Surface> {
        let named = self.custody.as_ref().and_then(|custody| custody.drill_surfaces.as_ref());
        named.map_or_else(|| Surface::ALL.into(), |named| named.get_ref().clone())
    }

    /// Whoever holds a share or agrees to openings, custodians first.
    pub(crate) fn people(&self) -> Vec<Person> {
        self.custody.as_ref().map(CustodySection::people).unwrap_or_default()
    }

    /// Where sealed documents are kept, by what is declared; paths are from the folder of the configuration.
    pub(crate) fn document_places(&self, folder: &Path) -> Vec<DocumentPlace> {
        self.custody.as_ref().map(|custody| custody.places(folder)).unwrap_or_default()
    }
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

    /// The fingerprint of the operator's key.
    fn operator(&self) -> Option<Fingerprint> {
        self.operator.as_ref().map(|parsed| parsed.0)
    }

    /// Who is told when a sheet is lost or the accounts are used.
    fn report_to(&self) -> Option<String> {
        optional(self.report_to.as_ref())
    }

    /// Whoever holds a share or agrees to openings, custodians first.
    fn people(&self) -> Vec<Person> {
        let of = |kind: PersonKind| move |one: &Spanned<PersonProperties>| one.get_ref().person(kind);
        let inside =
            self.custodian.iter().map(of(PersonKind::Custodian)).chain(self.person.iter().map(of(PersonKind::Other)));
        inside.chain(self.reserve.iter().map(of(PersonKind::Reserve))).collect()
    }

    /// Where documents are kept; paths are from the folder of the configuration.
    fn places(&self, folder: &Path) -> Vec<DocumentPlace> {
        self.depository.iter().filter_map(|depository| depository.get_ref().place(folder)).collect()
    }

    /// Checks that what is declared can be; the first contradiction, with its place.
    pub(super) fn check(&self) -> Result<(), Contradiction> {
        if let Some(none) = self.drill_surfaces.as_ref().filter(|named| named.get_ref().is_empty()) {
            let message = "an account that has to get into nothing is none: name one surface at least".to_owned();
            return Err(Contradiction { message, span: none.span() });
        }
        check_keepers("custodians", &self.custodian, |keeper| &keeper.id)?;
        check_keepers("people", &self.person, |keeper| &keeper.id)?;
        check_keepers("holders of the reserve", &self.reserve, |keeper| &keeper.id)?;
        let everybody = || self.custodian.iter().chain(&self.person).chain(&self.reserve);
        if let Some((id, span)) = repeated(everybody().map(|one| (&one.get_ref().id, one.span()))) {
            return Err(Contradiction {
                message: format!("`{id}` is declared twice, as a custodian, a person or a holder of the reserve"),
                span,
            });
        }
        let keys = everybody().filter_map(|one| one.get_ref().key.as_ref().map(|key| (key.0.to_string(), one.span())));
        if let Some((_, span)) = repeated(keys) {
            let message = "two people have one key: whoever agrees has to be told from others".to_owned();
            return Err(Contradiction { message, span });
        }
        let ages = everybody().filter_map(|one| one.get_ref().age.as_ref().map(|age| (age.0.to_string(), one.span())));
        if let Some((_, span)) = repeated(ages) {
            let message = "two people have one `age` key: whoever has it would read the shares of both, and open alone"
                .to_owned();
            return Err(Contradiction { message, span });
        }
        check_keepers("safes", &self.safe, |keeper| &keeper.id)?;
        check_keepers("depositories", &self.depository, |depository| &depository.id)?;
        for depository in &self.depository {
            if depository.get_ref().folder.is_some() && depository.get_ref().vault.is_some() {
                let message = "a depository is a `folder` or a `vault`, and not both".to_owned();
                return Err(Contradiction { message, span: depository.span() });
            }
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

impl PersonProperties {
    fn keeper(&self) -> (String, Keeper) {
        let name = self.name.as_ref().unwrap_or(&self.id).0.clone();
        (self.id.0.clone(), Keeper { name, site: optional(self.site.as_ref()) })
    }

    fn person(&self, kind: PersonKind) -> Person {
        Person {
            id: self.id.0.clone(),
            name: self.name.as_ref().unwrap_or(&self.id).0.clone(),
            site: optional(self.site.as_ref()),
            phone: optional(self.phone.as_ref()),
            key: self.key.as_ref().map(|key| key.0),
            age: self.age.as_ref().map(|key| key.0.clone()),
            kind,
        }
    }
}

impl DepositoryProperties {
    fn place(&self, folder: &Path) -> Option<DocumentPlace> {
        let of_folder = self.folder.as_ref().map(|path| DocumentPlace::Folder(folder.join(&path.0)));
        of_folder.or_else(|| {
            let vault = self.vault.as_ref()?;
            Some(DocumentPlace::Vault(VaultPlace {
                id: self.id.0.clone(),
                address: vault.address.0.clone(),
                mount: vault.mount.0.clone(),
                path: vault.path.0.clone(),
                namespace: optional(vault.namespace.as_ref()),
                authorities: vault.authorities.iter().map(|path| folder.join(&path.0)).collect(),
            }))
        })
    }

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
    fn a_key_is_one_persons_whatever_they_are() {
        const AGE: &str = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";
        for kinds in [["custodian"; 2], ["custodian", "person"], ["reserve", "custodian"], ["reserve"; 2]] {
            let one =
                |(id, kind): (&str, &str), age: &str| format!("[[custody.{kind}]]\nid = \"{id}\"\nage = \"{age}\"\n");
            let text = one(("eva", kinds[0]), AGE) + &one(("max", kinds[1]), &format!(" {AGE} "));
            let error = parse(&text).unwrap_err();
            assert_eq!(crate::failure::Coded::code(&error), "BG1103", "{text}: {error}");
            assert!(error.to_string().contains("two people have one `age` key"), "{text}: {error}");
            assert_eq!(line(&error), if kinds == ["reserve", "custodian"] { 1 } else { 4 }, "{text}");
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
