//! `breakglass.toml`: who the emergency accounts are, and how the tenant is judged.
//!
//! Every property is optional and every property is known: a misspelt one is an error with its line, because a
//! setting that is silently ignored is one that somebody relies on.
//!
//! **Limits:** [`CONFIG_BYTES_MAX`], [`ACCOUNT_COUNT_MAX`].

mod connection;
mod custody;
mod lockout;
#[cfg(test)]
mod reference;
mod watch;

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::path::Path;

use breakglass_engine::access::AccessSettings;
use breakglass_engine::lockout::custody::Custody;
use breakglass_engine::posture::accounts::Declared;
use breakglass_engine::posture::{PostureSettings, Profile};
use breakglass_model::plain_words::in_plain_words;
use breakglass_ops::setup::{Wanted, WantedAccount};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer};

pub(crate) use self::connection::{Connection, GROUP_USUAL, SignInName};
use self::connection::{ExclusionSection, TenantSection};
pub(crate) use self::custody::{DocumentPlace, Person, PersonKind, VaultPlace};
pub(crate) use self::lockout::{LockoutSettings, OnPremisesAuthentication, OwnScenario};
pub(crate) use self::watch::{ChannelKind, DeclaredChannel, MailSecurity, Watching};
use self::{custody::CustodySection, lockout::LockoutSection, watch::WatchSection};
use crate::codes::ErrorCode;
use crate::failure::{Coded, Excerpt};
use crate::text_file::{TextError, read_text};

/// Name of the file that is read where none is given.
pub(crate) const CONFIG_NAME: &str = "breakglass.toml";

/// Bytes of the largest configuration.
const CONFIG_BYTES_MAX: u64 = 1 << 20;

/// Accounts and groups that may be declared.
const ACCOUNT_COUNT_MAX: usize = 1_000;

/// Days before the end of a certificate at which it may be asked to be reported.
const CERTIFICATE_DAYS_MAX: i64 = 3_650;

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration cannot be read")]
    Read(#[source] TextError),
    /// It is not TOML, or says what is not understood.
    #[error("`{name}`: {message}")]
    Malformed { name: String, text: String, message: String, span: Range<usize> },
    /// Each part of it is understood, and the whole cannot be.
    #[error("`{name}`: {message}")]
    Contradictory { name: String, text: String, message: String, span: Range<usize> },
}

/// What cannot be, and where it stands.
#[derive(Debug)]
struct Contradiction {
    message: String,
    span: Range<usize>,
}

impl Contradiction {
    fn at(self, span: Range<usize>) -> Self {
        Self { span, ..self }
    }
}

pub(crate) const CODES: &[ErrorCode] = &[
    ErrorCode {
        code: "BG1101",
        title: "the configuration cannot be read",
        explanation: "The file given with `--config`, or `breakglass.toml` in the snapshot's folder or in the current \
                      one, is not there, may not be read, is too large, or is not UTF-8 text. Without `--config` and \
                      without such a file everything has its usual value.",
    },
    ErrorCode {
        code: "BG1102",
        title: "the configuration is not understood",
        explanation: "The file is not TOML, or has a property that is not known, or one of the wrong kind. The \
                      message names the line. Unknown properties are refused because a misspelt setting would \
                      otherwise be ignored without a word.\n\nA whole configuration:\n\n    \
                      profile = \"current\"              # or \"classic\"\n\n    \
                      [tenant]\n    id = \"11111111-2222-3333-4444-555555555555\"\n    \
                      cloud = \"public\"\n    sign_in = \"device-code\"\n\n    \
                      [exclusion]\n    \
                      group = \"Emergency access - excluded from Conditional Access\"\n    \
                      protection = \"role-assignable\"    # or \"restricted-unit\"\n\n    \
                      [[account]]\n    id = \"…\"                        # or user_principal_name\n    \
                      owner = \"Head of IT\"\n\n    \
                      [[account_group]]\n    id = \"…\"\n\n    \
                      [naming]\n    forbidden = [\"admin\", \"backup\"]\n    wanted = [\"break-glass\"]\n\n    \
                      [check]\n    accepted_exclusions = [\"…\"]\n    \
                      recovery_authentication_contexts = [\"c1\"]\n    owner_required = true\n    \
                      certificate_days_left_min = 30\n\n    \
                      [mandatory_mfa]\n    postponed_until = 2026-07-01\n\n    \
                      [low_privilege_scopes]\n    enforced_from = 2026-06-15\n\n    \
                      [lockout]\n    floor = 2\n    max_order = 6\n    assume = [\"svc:pim\"]\n    \
                      fail_assumption = [\"net:elsewhere\"]\n    \
                      on_premises_authentication = \"phs\"  # or \"pta\"\n\n    \
                      [[lockout.network]]\n    location = \"Head office\"    # or its id\n    country = \"DE\"\n\n    \
                      [[lockout.scenario]]\n    id = \"office-closed\"\n    \
                      title = \"Nobody gets into the office\"\n    failed = [\"net:*\", \"safe:hq\"]\n\n    \
                      [custody]\n    report_to = \"Dana Fischer, +49 30 5550 100\"   # stands on every sheet\n    \
                      operator = \"0000-0000-0000-0000-0000-0000-0000-0000\"   # fingerprint of the operator's key\n    \
                      application_may_rotate = false\n    \
                      drill_surfaces = [\"microsoft-graph\", \"entra-admin-center\"]   # everything, if it is not said\n\n    \
                      [[custody.reserve]]\n    id = \"notary\"           # as a custodian, outside\n    phone = \"+49 30 5550 900\"\n\n    \
                      [[custody.person]]\n    id = \"ida\"              # agrees to openings, and holds no share\n    \
                      key = \"ed25519:d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a\"\n\n    \
                      [[custody.custodian]]\n    id = \"eva\"\n    name = \"Eva Brandt\"\n    site = \"hq\"\n    \
                      phone = \"+49 30 1234567\"\n    key = \"ed25519:3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c\"\n    \
                      age = \"age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa\"   # for her share\n\n    \
                      [[custody.safe]]\n    id = \"hq\"\n    name = \"Safe at head office\"\n    site = \"hq\"\n\n    \
                      [[custody.depository]]\n    id = \"usb\"\n    site = \"hq\"\n    folder = \"/media/safe-2\"\n\n    \
                      [[custody.depository]]\n    id = \"vault\"\n    name = \"Password vault\"\n    \
                      signs_in = [\"eva@contoso.com\"]   # if it is reached by signing in to this tenant\n    \
                      application = \"…\"\n\n    \
                      [custody.depository.vault]      # OpenBao or HashiCorp Vault\n    \
                      address = \"https://bao.contoso.com:8200\"\n    mount = \"secret\"\n    path = \"breakglass/contoso\"\n    \
                      namespace = \"it/identity\"       # if the engine is in one\n    \
                      authorities = [\"bao.pem\"]       # besides the public ones\n\n    \
                      [[custody.envelope]]\n    account = \"…\"\n    \
                      holds = \"password\"         # or the id of an authentication method\n    \
                      threshold = 2\n    share = [{ custodian = \"eva\" }, { safe = \"hq\" }, { depository = \"vault\" }]\n\n    \
                      [watch]\n    answer_seconds = 300      # then the next step is told\n\n    \
                      [[watch.channel]]\n    id = \"post\"\n    secret_file = \"post.secret\"   # or the variable BREAKGLASS_CHANNEL_POST\n    \
                      authorities = [\"mail.pem\"]       # besides the public ones\n    \
                      mail = { host = \"smtp.contoso.com\", port = 587, security = \"starttls\", from = \"breakglass@contoso.com\", user = \"breakglass\" }\n\n    \
                      [[watch.channel]]\n    id = \"text\"\n    sms = { account = \"AC…\", from = \"+49301234567\", address = \"https://api.twilio.com\" }\n\n    \
                      [[watch.channel]]\n    id = \"hook\"\n    webhook = { address = \"https://alerts.contoso.com/in\" }\n\n    \
                      [[watch.channel]]\n    id = \"pager\"\n    pager_duty = { address = \"https://events.eu.pagerduty.com/v2/enqueue\" }\n\n    \
                      [[watch.channel]]\n    id = \"siem\"\n    syslog = { host = \"siem.contoso.com\", port = 6514, tls = true }\n\n    \
                      [[watch.channel]]\n    id = \"chat\"\n    slack = {}                # its address is its secret; teams = {} is the same\n\n    \
                      [[watch.channel]]\n    id = \"file\"\n    mailbox = { file = \"alerts.mbox\" }\n\n    \
                      [[watch.contact]]\n    person = \"eva\"\n    channel = \"post\"\n    address = \"eva@example.com\"  # not in this tenant\n    from_step = 0\n\n    \
                      [[watch.contact]]\n    person = \"eva\"\n    channel = \"text\"\n    address = \"+49301234567\"\n\n    \
                      [[watch.contact]]\n    person = \"on-call\"\n    channel = \"hook\"\n\n    \
                      [[watch.contact]]\n    person = \"on-call\"\n    channel = \"pager\"\n    from_step = 1\n\n    \
                      [[watch.contact]]\n    person = \"siem\"\n    channel = \"siem\"\n\n    \
                      [[watch.contact]]\n    person = \"team\"\n    channel = \"chat\"\n\n    \
                      [[watch.contact]]\n    person = \"team\"\n    channel = \"file\"\n    address = \"team@example.com\"",
    },
    ErrorCode {
        code: "BG1103",
        title: "the configuration contradicts itself",
        explanation: "Each line is understood, and together they cannot be: an envelope that needs more shares than it \
                      has, a share that names a custodian who is not declared, two safes with the same id, a component \
                      that is both assumed and allowed to fail, a list that is longer than its limit. Nothing is \
                      judged, because an answer from it would be about an arrangement that does not exist. The message \
                      names the line; mend it there.",
    },
];

impl Coded for ConfigError {
    fn code(&self) -> &'static str {
        match self {
            Self::Read(_) => "BG1101",
            Self::Malformed { .. } => "BG1102",
            Self::Contradictory { .. } => "BG1103",
        }
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::Read(_) => {
                format!("name a file with --config, or leave it out to use `{CONFIG_NAME}` if there is one")
            }
            Self::Malformed { .. } => "`breakglass explain BG1102` shows a whole configuration".to_owned(),
            Self::Contradictory { .. } => "mend that line; `breakglass explain BG1103` says what cannot be".to_owned(),
        })
    }

    fn excerpt(&self) -> Option<Excerpt> {
        match self {
            Self::Read(_) => None,
            Self::Malformed { name, text, span, .. } | Self::Contradictory { name, text, span, .. } => {
                Some(Excerpt { name: name.clone(), text: text.clone(), span: span.clone() })
            }
        }
    }
}

/// The configuration.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// How authentication is judged.
    profile: Option<ProfileName>,
    /// Which tenant, and how it is reached.
    tenant: TenantSection,
    /// The group that carries the exclusion.
    exclusion: ExclusionSection,
    account: Vec<Account>,
    account_group: Vec<AccountGroup>,
    naming: Naming,
    check: Check,
    mandatory_mfa: MandatoryMfa,
    low_privilege_scopes: LowPrivilegeScopes,
    /// Whom the watcher tells, and how.
    watch: Option<WatchSection>,
    /// Who keeps which secret.
    custody: Option<CustodySection>,
    lockout: LockoutSection,
}

/// A profile by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ProfileName {
    /// A password alone; any second factor is a finding
    Classic,
    /// A phishing-resistant method that satisfies mandatory multifactor authentication
    Current,
}

impl From<ProfileName> for Profile {
    fn from(name: ProfileName) -> Self {
        match name {
            ProfileName::Classic => Self::Classic,
            ProfileName::Current => Self::Current,
        }
    }
}

/// A whole number. One that is beyond all sense is refused in words, not by the name of a type.
#[derive(Debug, Clone, Copy)]
struct Whole(i64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl serde::de::Visitor<'_> for Visitor {
            type Value = Whole;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number")
            }

            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Whole, E> {
                Ok(Whole(number))
            }

            fn visit_i128<E: serde::de::Error>(self, number: i128) -> Result<Whole, E> {
                Err(E::custom(format_args!("{number} is too large")))
            }
        }

        deserializer.deserialize_i64(Visitor)
    }
}

/// An emergency access account.
#[derive(Debug, Deserialize)]
#[serde(try_from = "AccountProperties")]
struct Account {
    name: String,
    display_name: Option<String>,
    owner: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountProperties {
    id: Option<NonEmpty>,
    user_principal_name: Option<NonEmpty>,
    /// The name to show, for an account that is to be made.
    display_name: Option<NonEmpty>,
    /// Who answers for the account.
    owner: Option<NonEmpty>,
}

impl TryFrom<AccountProperties> for Account {
    type Error = &'static str;

    fn try_from(properties: AccountProperties) -> Result<Self, Self::Error> {
        let name = properties.id.or(properties.user_principal_name);
        let name = name.ok_or("an account needs `id` or `user_principal_name`")?;
        let text = |text: Option<NonEmpty>| text.map(|text| text.0);
        Ok(Self { name: name.0, display_name: text(properties.display_name), owner: text(properties.owner) })
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountGroup {
    id: NonEmpty,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Naming {
    forbidden: Option<Vec<NonEmpty>>,
    wanted: Vec<NonEmpty>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Check {
    accepted_exclusions: Vec<NonEmpty>,
    recovery_authentication_contexts: Vec<NonEmpty>,
    owner_required: bool,
    certificate_days_left_min: Option<Days>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct MandatoryMfa {
    postponed_until: Option<Instant>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LowPrivilegeScopes {
    enforced_from: Option<Instant>,
}

/// Text that says something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
struct NonEmpty(String);

impl fmt::Display for NonEmpty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for NonEmpty {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let text = text.trim();
        if text.is_empty() { Err("must not be empty") } else { Ok(Self(text.to_owned())) }
    }
}

/// A number of days.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "Whole")]
struct Days(i64);

impl TryFrom<Whole> for Days {
    type Error = String;

    fn try_from(Whole(days): Whole) -> Result<Self, Self::Error> {
        if (0..=CERTIFICATE_DAYS_MAX).contains(&days) {
            Ok(Self(days))
        } else {
            Err(format!("must be from 0 to {CERTIFICATE_DAYS_MAX} days"))
        }
    }
}

/// A date (its beginning, UTC) or an instant with its offset, bare or in quotes.
#[derive(Debug, Clone, Copy)]
struct Instant(Timestamp);

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Bare(toml::value::Datetime),
            Quoted(String),
        }
        let wanted = "must be a date as 2026-06-15 or an instant as 2026-06-15T00:00:00Z";
        let written = Written::deserialize(deserializer).map_err(|_| serde::de::Error::custom(wanted))?;
        let text = match written {
            Written::Bare(datetime) => datetime.to_string(),
            Written::Quoted(text) => text,
        };
        instant(&text).map(Self).ok_or_else(|| serde::de::Error::custom(wanted))
    }
}

/// Reads a date, which is its beginning in UTC, or an instant with its offset.
pub(crate) fn instant(text: &str) -> Option<Timestamp> {
    // A date with a time and no offset reads as a date, too, and would lose its time.
    let is_date = text.len() == "2026-06-15".len();
    if is_date {
        let date: Date = text.parse().ok()?;
        date.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    } else {
        text.parse().ok()
    }
}

impl Config {
    /// Reads the file.
    pub(crate) fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = read_text(path, CONFIG_BYTES_MAX).map_err(ConfigError::Read)?;
        Self::parse(&text, &path.display())
    }

    /// Reads the text of a file of that name.
    pub(crate) fn parse(text: &str, name: &dyn fmt::Display) -> Result<Self, ConfigError> {
        let malformed = |message: String, span: Range<usize>| ConfigError::Malformed {
            name: name.to_string(),
            text: text.to_owned(),
            message,
            span,
        };
        let config: Self = toml::from_str(text).map_err(|error| {
            malformed(lower_case_start(&in_plain_words(error.message())), error.span().unwrap_or_default())
        })?;
        let count = config.account.len() + config.account_group.len();
        if count > ACCOUNT_COUNT_MAX {
            let message = format!("{count} accounts and groups are declared; at most {ACCOUNT_COUNT_MAX} are allowed");
            return Err(malformed(message, 0..0));
        }
        let custody = config.custody.as_ref().map_or(Ok(()), CustodySection::check);
        let watch = config.watch.as_ref().map_or(Ok(()), WatchSection::check);
        let live = config.tenant.check().and_then(|()| config.exclusion.check()).and(watch);
        live.and(custody).and_then(|()| config.lockout.check()).map_err(|Contradiction { message, span }| {
            ConfigError::Contradictory { name: name.to_string(), text: text.to_owned(), message, span }
        })?;
        Ok(config)
    }

    /// The tenant that it is for, if it says so.
    pub(crate) fn tenant_id(&self) -> Option<&str> {
        self.tenant.id.as_ref().map(|id| id.0.as_str())
    }

    /// Where the tenant is and who asks it; paths are from the folder of the configuration.
    pub(crate) fn connection(&self, folder: &Path) -> Connection {
        self.tenant.connection(folder)
    }

    /// The arrangement as it is to be, by a profile or by its own.
    pub(crate) fn wanted(&self, profile: Option<ProfileName>) -> Wanted {
        let account = |account: &Account| WantedAccount {
            name: account.name.clone(),
            display_name: account.display_name.clone(),
        };
        let accounts = self.account.iter().map(account).collect();
        let PostureSettings { forbidden_names, wanted_name_parts, .. } = self.posture_settings();
        let profile = profile.or(self.profile).unwrap_or(ProfileName::Current);
        Wanted { forbidden_names, wanted_name_parts, ..self.exclusion.wanted(accounts, profile) }
    }

    /// The accounts and groups that it declares, in its order.
    pub(crate) fn declared(&self, origin: &str) -> Vec<Declared> {
        let accounts = self.account.iter().map(|account| &account.name);
        let groups = self.account_group.iter().map(|group| &group.id.0);
        accounts.chain(groups).map(|name| Declared { name: name.clone(), origin: origin.to_owned() }).collect()
    }

    /// The accounts as they are named, and the ids of groups whose members are all accounts.
    pub(crate) fn account_names(&self) -> (Vec<String>, Vec<String>) {
        let accounts = self.account.iter().map(|account| account.name.clone());
        (accounts.collect(), self.account_group.iter().map(|group| group.id.0.clone()).collect())
    }

    /// What it says about the rules.
    pub(crate) fn posture_settings(&self) -> PostureSettings {
        let usual = PostureSettings::default();
        let texts = |list: &[NonEmpty]| list.iter().map(|text| text.0.clone()).collect::<Vec<_>>();
        let lower = |list: &[NonEmpty]| list.iter().map(|text| text.0.to_lowercase()).collect::<Vec<_>>();
        let days = self.check.certificate_days_left_min;
        PostureSettings {
            profile: self.profile.map_or(usual.profile, Profile::from),
            forbidden_names: self.naming.forbidden.as_deref().map_or(usual.forbidden_names, lower),
            wanted_name_parts: lower(&self.naming.wanted),
            owner_is_required: self.check.owner_required,
            owners: self
                .account
                .iter()
                .filter_map(|account| Some((account.name.clone(), account.owner.clone()?)))
                .collect(),
            mandatory_mfa_postponed_until: self.mandatory_mfa.postponed_until.map(|instant| instant.0),
            certificate_days_left_min: days.map_or(usual.certificate_days_left_min, |days| days.0),
            watcher_is_configured: self.watch.as_ref().is_some_and(WatchSection::has_contacts),
            custody_is_configured: self.custody.is_some(),
            accepted_exclusions: texts(&self.check.accepted_exclusions),
            recovery_authentication_contexts: texts(&self.check.recovery_authentication_contexts),
        }
    }

    /// Who and what keeps which secret; nothing where it does not say.
    pub(crate) fn custody(&self) -> Custody {
        self.custody.as_ref().map(CustodySection::custody).unwrap_or_default()
    }

    /// What it says about the lockout analysis.
    pub(crate) fn lockout_settings(&self) -> LockoutSettings {
        self.lockout.settings()
    }

    /// What it says about sign-ins, at an instant.
    pub(crate) fn access_settings(&self, now: Timestamp) -> AccessSettings {
        let mut settings = AccessSettings::at(now);
        if let Some(from) = self.low_privilege_scopes.enforced_from {
            settings.low_privilege_enforced_from = from.0;
        }
        settings
    }
}

/// Refuses a list that is too long.
fn at_most(max: usize, what: &str, count: usize) -> Result<(), Contradiction> {
    if count <= max {
        return Ok(());
    }
    Err(Contradiction { message: format!("{count} {what} are declared; at most {max} are allowed"), span: 0..0 })
}

/// The second of two that are the same, with its place.
fn repeated<T: Ord + Clone>(mut declared: impl Iterator<Item = (T, Range<usize>)>) -> Option<(T, Range<usize>)> {
    let mut seen = BTreeSet::new();
    declared.find(|(one, _)| !seen.insert(one.clone()))
}

fn optional(text: Option<&NonEmpty>) -> Option<String> {
    text.map(|text| text.0.clone())
}

/// The reader's messages begin in either way; ours in lower case.
fn lower_case_start(message: &str) -> String {
    let message = message.lines().next().unwrap_or_default();
    let mut letters = message.chars();
    letters.next().into_iter().flat_map(char::to_lowercase).chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text, &"test.toml")
    }

    /// The line that an error names, from 1.
    pub(super) fn line(error: &ConfigError) -> usize {
        let excerpt = error.excerpt().unwrap();
        excerpt.text.get(..excerpt.span.start).unwrap().matches('\n').count() + 1
    }

    #[test]
    fn an_empty_configuration_is_the_usual_one() {
        let settings = parse("").unwrap().posture_settings();
        assert_eq!(format!("{settings:?}"), format!("{:?}", PostureSettings::default()));
    }

    #[test]
    fn the_example_of_the_explanation_is_read() {
        let explanation = CODES.iter().find(|code| code.code == "BG1102").unwrap().explanation;
        let example: Vec<&str> = explanation.lines().filter_map(|line| line.strip_prefix("    ")).collect();
        let config = parse(&example.join("\n")).unwrap();
        let settings = config.posture_settings();
        assert_eq!(config.tenant_id(), Some("11111111-2222-3333-4444-555555555555"));
        assert_eq!(config.declared("x").len(), 2);
        assert_eq!(settings.wanted_name_parts, ["break-glass"]);
        assert_eq!(settings.forbidden_names, ["admin", "backup"]);
        assert_eq!(settings.accepted_exclusions, ["…"]);
        assert_eq!(settings.recovery_authentication_contexts, ["c1"]);
        assert!(settings.owner_is_required);
        assert_eq!(settings.owners.len(), 1);
        assert_eq!(settings.certificate_days_left_min, 30);
        assert_eq!(settings.mandatory_mfa_postponed_until, instant("2026-07-01"));
        assert!(settings.watcher_is_configured && settings.custody_is_configured);
        assert_eq!(config.custody().envelopes.len(), 1);
        let lockout = config.lockout_settings();
        assert_eq!((lockout.floor, lockout.max_order, lockout.scenarios.len()), (Some(2), Some(6), 1));
    }

    #[test]
    fn the_section_of_the_key_box_counts_as_configured() {
        let settings = parse("[custody]").unwrap().posture_settings();
        assert!(settings.custody_is_configured && !settings.watcher_is_configured);
    }

    #[test]
    fn dates_and_instants_are_read_bare_and_in_quotes() {
        for (written, expected) in [
            ("2026-06-15", "2026-06-15T00:00:00Z"),
            ("\"2026-06-15\"", "2026-06-15T00:00:00Z"),
            ("2026-06-15T02:00:00+02:00", "2026-06-15T00:00:00Z"),
            ("\"2026-06-15T00:00:00Z\"", "2026-06-15T00:00:00Z"),
        ] {
            let config = parse(&format!("[low_privilege_scopes]\nenforced_from = {written}")).unwrap();
            let from = config.access_settings(Timestamp::UNIX_EPOCH).low_privilege_enforced_from;
            assert_eq!(from.to_string(), expected, "{written}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let cases = [
            ("profil = \"classic\"", 1, "unknown field `profil`"),
            ("\nprofile = \"modern\"", 2, "unknown variant `modern`"),
            ("[[account]]\nowner = \"x\"", 1, "an account needs `id` or `user_principal_name`"),
            ("[[account]]\nid = \" \"", 2, "must not be empty"),
            ("[[account_group]]", 1, "missing field `id`"),
            ("[check]\nowner_required = \"yes\"", 2, "invalid type"),
            ("[check]\ncertificate_days_left_min = -1", 2, "must be from 0 to 3650 days"),
            ("[mandatory_mfa]\npostponed_until = 2026-13-01", 2, ""),
            ("[mandatory_mfa]\npostponed_until = \"soon\"", 2, "must be a date as 2026-06-15"),
            ("[mandatory_mfa]\npostponed_until = 2026-06-15T00:00:00", 2, "must be a date as 2026-06-15"),
            ("[naming]\nforbiden = []", 2, "unknown field `forbiden`"),
            ("a = ", 1, ""),
        ];
        for (text, at, message) in cases {
            let error = parse(text).unwrap_err();
            assert!(error.to_string().contains(message), "{text}: {error}");
            assert_eq!(line(&error), at, "{text}: {error}");
        }
    }

    #[test]
    fn one_account_past_the_limit_is_refused() {
        let accounts = |count| "[[account]]\nid = \"a\"\n".repeat(count);
        assert!(parse(&accounts(ACCOUNT_COUNT_MAX)).is_ok());
        let error = parse(&accounts(ACCOUNT_COUNT_MAX + 1)).unwrap_err();
        assert!(error.to_string().contains("at most 1000"), "{error}");
    }
}
