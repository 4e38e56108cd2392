//! A tenant's sign-in log of some days, from a seed: what happened, from when on the log tells it, and as what.
//!
//! The same sign-in is told late, twice, in parts, again with more in it, or at first without the id of whoever it was.
//! **Invariant:** what takes the place of something else says at least as much, from the same moment on.
//! **Limits:** [`LATE_HOURS_MAX`].
//! **Source:** as `graph_sign_ins` names them: how late, how often and as what records of sign-ins are told.

use breakglass_ops::watching::event::Reached;
use breakglass_ops::watching::sources::graph_sign_ins::Watched;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Counts, Numbers, hours};

/// Hours after a sign-in, until which the log tells it.
pub(crate) const LATE_HOURS_MAX: i64 = 24;

/// Days in which a watcher is there.
pub(crate) const DAYS: i64 = 2;

/// Days before these that the log has as well.
const HISTORY_DAYS: i64 = 5;

/// Where somebody sat there.
pub(crate) const INTERACTIVE: &str = "interactiveUser";

/// Where a token was renewed.
pub(crate) const NON_INTERACTIVE: &str = "nonInteractiveUser";

/// The id that stands for nobody.
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

/// What the log tells of a sign-in, for as long as it does.
#[derive(Debug, Clone)]
pub(crate) struct Telling {
    pub(crate) id: String,
    /// The emergency account whose sign-in it is; `None` if it is somebody else's.
    pub(crate) account: Option<String>,
    pub(crate) at: Timestamp,
    pub(crate) kind: &'static str,
    pub(crate) shown_at: Timestamp,
    /// From when on another one stands in its place.
    pub(crate) gone_at: Option<Timestamp>,
    pub(crate) reached: Reached,
    pub(crate) record: Value,
}

impl Telling {
    /// Whether it stands in the log then.
    pub(crate) fn is_shown(&self, now: Timestamp) -> bool {
        self.shown_at <= now && self.gone_at.is_none_or(|gone| now < gone)
    }

    /// How long after the sign-in it was told.
    pub(crate) fn late(&self) -> SignedDuration {
        self.shown_at.duration_since(self.at)
    }
}

/// The log, and the emergency accounts that are watched.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) accounts: Vec<Watched>,
    pub(crate) tellings: Vec<Telling>,
}

/// A sign-in, as it was.
struct SignIn {
    id: String,
    account: usize,
    at: Timestamp,
    kind: &'static str,
    code: Option<i64>,
}

/// How far somebody got by the codes that stand in this log.
fn far(code: Option<i64>) -> Reached {
    match code {
        Some(0) => Reached::Token,
        Some(50_074 | 53_003) => Reached::Credential,
        Some(50_126) => Reached::Nothing,
        // Locked out, two that nobody knows, and none at all.
        Some(50_053 | 77 | 7_000_218) | None => Reached::Unsaid,
        Some(other) => panic!("{other}"),
    }
}

const CODES: [Option<i64>; 8] =
    [Some(50_126), Some(50_126), Some(50_053), Some(77), Some(7_000_218), Some(53_003), Some(0), None];

impl Log {
    /// What happens before and after `start`.
    pub(crate) fn new(numbers: &mut Numbers, counts: &mut Counts, start: Timestamp) -> Self {
        let account = |at: usize| Watched {
            id: format!("00000000-0000-4000-8000-0000000000b{at}"),
            user_principal_name: Some(format!("o'bg-{at}@contoso.onmicrosoft.com")),
        };
        let accounts: Vec<Watched> = (1..=2 + numbers.below(2)).map(account).collect();
        let log = Self { accounts, tellings: Vec::new() };
        let mut writer = Writer { numbers, counts, log, next: 0 };
        let (before, after) = (hours(24 * HISTORY_DAYS), hours(24 * DAYS));
        for account in 0..writer.log.accounts.len() {
            for _ in 0..15 {
                let at = writer.moment(start - before, before);
                writer.sign_in(account, at);
            }
            for _ in 0..35 {
                let at = writer.moment(start, after);
                writer.sign_in(account, at);
            }
        }
        writer.spray(start, after);
        for _ in 0..150 {
            let at = writer.moment(start - before, before + after);
            writer.of_others(at);
        }
        let tellings = &mut writer.log.tellings;
        tellings.sort_by(|one, other| (one.shown_at, &one.id).cmp(&(other.shown_at, &other.id)));
        let reordered = tellings.windows(2).filter(|two| two[1].at < two[0].at).count();
        writer.counts.add("reordered", reordered);
        writer.log
    }

    /// When everything is told.
    pub(crate) fn end(&self) -> Timestamp {
        self.tellings.iter().map(|telling| telling.shown_at).max().unwrap()
    }
}

struct Writer<'n> {
    numbers: &'n mut Numbers,
    counts: &'n mut Counts,
    log: Log,
    /// Sign-ins so far.
    next: usize,
}

impl Writer<'_> {
    fn moment(&mut self, from: Timestamp, length: SignedDuration) -> Timestamp {
        from + SignedDuration::from_secs(self.numbers.seconds(length.as_secs() - 1))
    }

    /// From when on a sign-in is told: mostly soon, and now and then as late as can be.
    fn shown(&mut self, at: Timestamp) -> Timestamp {
        let seconds = match self.numbers.below(8) {
            0..=3 => self.numbers.seconds(90),
            4 => self.numbers.seconds(600),
            5 => self.numbers.seconds(7_200),
            6 => self.numbers.seconds(LATE_HOURS_MAX * 3_600),
            _ => LATE_HOURS_MAX * 3_600,
        };
        self.counts.add("late", usize::from(seconds > 7_200));
        at + SignedDuration::from_secs(seconds)
    }

    /// From when on more is told of it: a moment later, or much later.
    fn shown_again(&mut self, at: Timestamp, shown: Timestamp) -> Timestamp {
        let latest = at + hours(LATE_HOURS_MAX);
        let left = latest.duration_since(shown).as_secs();
        let most = [left, left.min(1_800)][self.numbers.below(2)];
        shown + SignedDuration::from_secs(self.numbers.seconds(most))
    }

    fn named(&mut self, account: usize, at: Timestamp, kind: &'static str, code: Option<i64>) -> SignIn {
        self.next += 1;
        SignIn { id: format!("r{}", self.next), account, at, kind, code }
    }

    fn tell(
        &mut self,
        sign_in: &SignIn,
        (shown_at, gone_at): (Timestamp, Option<Timestamp>),
        change: impl FnOnce(&mut Value),
    ) {
        let SignIn { id, account, at, kind, code } = sign_in;
        let Watched { id: user, user_principal_name: name } = &self.log.accounts[*account];
        let mut record = json!({
            "id": id, "createdDateTime": at, "userId": user, "userPrincipalName": name,
            "signInEventTypes": [kind], "status": code.map(|code| json!({ "errorCode": code })),
            "appDisplayName": "Azure Portal", "ipAddress": "192.0.2.7", "location": { "countryOrRegion": "NL" },
        });
        change(&mut record);
        self.log.tellings.push(Telling {
            id: id.clone(),
            account: Some(user.clone()),
            at: *at,
            kind,
            shown_at,
            gone_at,
            reached: far(*code),
            record,
        });
    }

    /// Something that happens with an emergency account.
    fn sign_in(&mut self, account: usize, at: Timestamp) {
        let code = CODES[self.numbers.below(CODES.len())];
        let kind = [INTERACTIVE, NON_INTERACTIVE][self.numbers.below(2)];
        let shown = self.shown(at);
        let again = self.shown_again(at, shown);
        match self.numbers.below(10) {
            0 | 1 => {
                let plain = self.named(account, at, kind, code);
                self.tell(&plain, (shown, None), |record| record["correlationId"] = json!("c"));
            }
            2 => {
                let renewed = self.named(account, at, NON_INTERACTIVE, Some(0));
                self.tell(&renewed, (shown, None), |_| ());
            }
            // Before the second factor came it was an interrupt.
            3 | 4 => {
                let interrupt = self.named(account, at, INTERACTIVE, Some(50_074));
                let success = SignIn { code: Some(0), id: interrupt.id.clone(), ..interrupt };
                self.tell(&interrupt, (shown, Some(again)), |_| ());
                self.tell(&success, (again, None), |record| record["mfaDetail"] = json!({ "authMethod": "FIDO2" }));
                self.counts.add("enriched", 1);
            }
            // Told again when a risk was found.
            5 => {
                let poor = self.named(account, at, kind, code);
                self.tell(&poor, (shown, Some(again)), |record| record["ipAddress"] = Value::Null);
                self.tell(&poor, (again, None), |record| record["riskLevelAggregated"] = json!("high"));
                self.counts.add("enriched", 1);
            }
            6 => {
                let twice = self.named(account, at, kind, code);
                self.tell(&twice, (shown, None), |_| ());
                self.tell(&twice, (again, None), |_| ());
                self.counts.add("duplicated", 1);
            }
            // One part has no status, the other nothing else.
            7 => {
                let whole = self.named(account, at, kind, code);
                let part = SignIn { code: None, id: whole.id.clone(), ..whole };
                self.tell(&part, (shown, None), |_| ());
                self.tell(&whole, (again, None), |record| {
                    (record["ipAddress"], record["appDisplayName"]) = (Value::Null, Value::Null);
                });
                self.counts.add("split", 1);
            }
            8 => self.unresolved((account, at), (shown, again)),
            // Its name was another one then, or it is an id.
            _ => {
                let renamed = self.named(account, at, kind, code);
                let name = ["former@contoso.com", "b7a5f3c0-1111-4222-8333-944455556666"][self.numbers.below(2)];
                self.tell(&renamed, (shown, None), |record| record["userPrincipalName"] = json!(name));
                self.counts.add("renamed", 1);
            }
        }
    }

    /// Told by the name alone; now and then it is found out later whose it was.
    fn unresolved(&mut self, (account, at): (usize, Timestamp), (shown, again): (Timestamp, Timestamp)) {
        let code = [Some(50_126), Some(50_053)][self.numbers.below(2)];
        let nobody = [json!(NOBODY), json!(""), Value::Null][self.numbers.below(3)].clone();
        let by_name = self.named(account, at, INTERACTIVE, code);
        let is_resolved = self.numbers.below(2) == 0;
        self.tell(&by_name, (shown, is_resolved.then_some(again)), |record| record["userId"] = nobody);
        if is_resolved {
            self.tell(&by_name, (again, None), |_| ());
        }
        self.counts.add("unresolved", 1);
    }

    /// Hundreds of tries within minutes, and at the end somebody who is in.
    fn spray(&mut self, start: Timestamp, length: SignedDuration) {
        let account = self.numbers.below(self.log.accounts.len());
        let begin = self.moment(start, length);
        let minutes = i64::try_from(10 + self.numbers.below(30)).unwrap();
        for _ in 0..120 + self.numbers.below(130) {
            let at = self.moment(begin, SignedDuration::from_mins(minutes));
            let try_of_it = self.named(account, at, INTERACTIVE, Some(50_126));
            let shown = at + SignedDuration::from_secs(self.numbers.seconds(300));
            self.tell(&try_of_it, (shown, None), |record| record["ipAddress"] = json!("198.51.100.9"));
        }
        let at = begin + SignedDuration::from_mins(minutes);
        let (success, shown) = (self.named(account, at, INTERACTIVE, Some(0)), self.shown(at));
        self.tell(&success, (shown, None), |_| ());
        self.counts.add("sprays", 1);
    }

    /// A sign-in of somebody else, who may have an emergency account's name.
    fn of_others(&mut self, at: Timestamp) {
        let (account, user) = (self.numbers.below(self.log.accounts.len()), self.numbers.below(40));
        let code = CODES[self.numbers.below(CODES.len())];
        let kind = [INTERACTIVE, NON_INTERACTIVE][self.numbers.below(2)];
        let other = self.named(account, at, kind, code);
        let (shown, is_namesake) = (self.shown(at), self.numbers.below(4) == 0);
        self.tell(&other, (shown, None), |record| {
            record["userId"] = json!(format!("00000000-0000-4000-8000-0000000001{user:02}"));
            if !is_namesake {
                record["userPrincipalName"] = json!(format!("user-{user}@contoso.com"));
            }
        });
        self.counts.add("namesakes", usize::from(is_namesake));
        if let Some(telling) = self.log.tellings.last_mut() {
            telling.account = None;
        }
    }
}
