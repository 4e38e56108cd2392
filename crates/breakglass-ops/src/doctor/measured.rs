//! Clock, licence, security defaults and the sign-in log.
//!
//! **Source:** RFC 6238 for codes of authenticator apps; AADSTS700024 of "Microsoft Entra authentication and authorization
//! error codes"; "Microsoft Entra data retention"; "List signIns"; "Security defaults in Microsoft Entra ID".

use breakglass_engine::posture::Profile;
use jiff::Timestamp;
use serde_json::Value;

use super::ask::LogsSeen;
use super::{Line, Verdict, counted};
use crate::licences::{PREMIUM_P1, PREMIUM_P2, has_plan};
use crate::ports::{DirectoryError, SignedIn, SignedInAs};

/// Seconds that a clock may be off before a code of an authenticator app may be one of another half minute.
pub const SKEW_SECONDS_LOOK: i64 = 30;

/// Seconds from which tokens and assertions are refused.
pub const SKEW_SECONDS_BAD: i64 = 300;

/// What two clocks said about one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// Ours, before the request was sent.
    pub before: Timestamp,
    /// Ours, when the answer was there.
    pub after: Timestamp,
    /// The tenant's, to the second.
    pub tenant: Timestamp,
}

impl Clocks {
    /// Seconds that ours is certainly ahead, or behind where negative: what the way there and back may have taken, and
    /// the second that the tenant's is rounded to, is not held against it.
    #[must_use]
    pub fn seconds_ahead(&self) -> i64 {
        let (before, after, tenant) = (self.before.as_second(), self.after.as_second(), self.tenant.as_second());
        if before > tenant.saturating_add(1) {
            before - tenant - 1
        } else if after < tenant {
            after - tenant
        } else {
            0
        }
    }
}

/// The clock of this machine.
#[must_use]
pub fn clock(clocks: Option<Clocks>) -> Line {
    let Some(clocks) = clocks else {
        let why = "no answer told the time, so this machine's clock was not compared";
        return Line::new(
            "clock",
            Verdict::Unknown,
            why,
            "a clock that is wrong refuses codes, certificates and tokens",
        )
        .with_remedy("compare it with another clock by hand");
    };
    let ahead = clocks.seconds_ahead();
    let off = ahead.abs();
    if off == 0 {
        let so = "codes of authenticator apps, certificates and tokens are judged by the time that they are made for";
        return Line::new("clock", Verdict::Good, "this machine's clock agrees with the tenant's", so);
    }
    let side = if ahead > 0 { "ahead of" } else { "behind" };
    let what = format!("this machine's clock is {} {side} the tenant's", counted(off, "second"));
    let (verdict, so) = match off {
        ..SKEW_SECONDS_LOOK => (Verdict::Good, "codes of authenticator apps allow for that much"),
        SKEW_SECONDS_LOOK..SKEW_SECONDS_BAD => {
            (Verdict::Look, "codes that are computed on this machine may be refused; each is good for 30 seconds")
        }
        _ => (
            Verdict::Bad,
            "codes of authenticator apps that are computed here are refused, an application's certificate signs for the \
             wrong time (AADSTS700024), and tokens end too early or too late",
        ),
    };
    let line = Line::new("clock", verdict, what, so);
    if verdict == Verdict::Good { line } else { line.with_remedy("set the clock, and have it kept by NTP") }
}

const LICENCE: &str = "licence";

/// What the licences allow.
#[must_use]
pub fn licence(answer: &Result<Value, DirectoryError>) -> Line {
    let doubt = |why: String| {
        Line::new(
            LICENCE,
            Verdict::Unknown,
            why,
            "what the tenant may use is not known: `plan` may be refused half-way",
        )
        .with_remedy("consent to `Organization.Read.All`, or look in the Entra admin center under Licenses")
    };
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return doubt(format!("the licences cannot be read: {error}")),
    };
    let Some(skus) = answer.get("value").and_then(Value::as_array) else {
        return doubt("the licences cannot be read: the answer has no list".to_owned());
    };
    if has_plan(skus, PREMIUM_P2) {
        let so = "Conditional Access, role-assignable groups, policies about risk, Privileged Identity Management, and \
                  sign-in logs of 30 days (risky sign-ins of 90)";
        Line::new(LICENCE, Verdict::Good, "Entra ID P2 is enabled", so)
    } else if has_plan(skus, PREMIUM_P1) {
        let so = "Conditional Access, role-assignable groups and sign-in logs of 30 days are there; policies about risk and \
                  Privileged Identity Management are not";
        Line::new(LICENCE, Verdict::Good, "Entra ID P1 is enabled", so)
    } else {
        let so = "no Conditional Access, no role-assignable group and no sign-in log by Graph; in the portal the log goes \
                  back 7 days. Nothing has to be excluded, and nothing tells you of a sign-in";
        Line::new(LICENCE, Verdict::Look, "no enabled licence has Entra ID P1 or P2: this is Entra ID Free", so)
            .with_remedy("`check` and `lockout` work; for `plan` and for watching, P1 is needed")
    }
}

/// The security defaults.
#[must_use]
pub fn security_defaults(answer: &Result<Value, DirectoryError>, profile: Profile) -> Line {
    const TOPIC: &str = "security defaults";
    let is_on = match answer {
        Ok(answer) => {
            answer.get("isEnabled").and_then(Value::as_bool).ok_or_else(|| "the answer does not say".to_owned())
        }
        Err(error) => Err(error.to_string()),
    };
    match is_on {
        Ok(true) => Line::new(
            TOPIC,
            Verdict::Bad,
            "they are on",
            "everybody is asked for multifactor authentication and nobody can be excluded: `plan` refuses, and an account \
             with a password alone does not get in",
        )
        .with_remedy(match profile {
            Profile::Classic => "replace the defaults by Conditional Access policies (P1) that exclude the accounts",
            Profile::Current => "give the accounts a passkey; then replace the defaults by Conditional Access policies",
        }),
        Ok(false) => Line::new(
            TOPIC,
            Verdict::Good,
            "they are off",
            "only policies, and Microsoft's own demands, stand before the accounts",
        ),
        Err(why) => Line::new(
            TOPIC,
            Verdict::Unknown,
            format!("whether they are on cannot be told: {why}"),
            "nobody can be excluded from them, and `plan` refuses while they are on",
        )
        .with_remedy("consent to `Policy.Read.All`"),
    }
}

const LOGS: &str = "sign-in log";

/// How late the sign-in log is, as far as one look tells.
#[must_use]
pub fn logs(seen: &LogsSeen, signed_in: &SignedIn) -> Line {
    let answer = match &seen.newest {
        Ok(answer) => answer,
        Err(error) => {
            let remedy = match error.status() {
                Some(403) => "consent to `AuditLog.Read.All`; reading the log by Graph needs P1 as well",
                _ => "run it again later",
            };
            let so =
                "nothing that watches sign-ins with this sign-in can work, and `guard --replay` has nothing to replay";
            return Line::new(LOGS, Verdict::Unknown, format!("the sign-in log cannot be read: {error}"), so)
                .with_remedy(remedy);
        }
    };
    let record = answer.get("value").and_then(|list| list.get(0));
    let text = |name: &str| record.and_then(|record| record.get(name)).and_then(Value::as_str);
    let made_at: Option<Timestamp> = text("createdDateTime").and_then(|text| text.parse().ok());
    let Some(made_at) = made_at else {
        return Line::new(
            LOGS,
            Verdict::Unknown,
            "the sign-in log has no record",
            "how late records come cannot be told from an empty log",
        )
        .with_remedy("sign in somewhere, and run it again in five minutes");
    };
    let age = seen.asked_at.duration_since(made_at).as_secs().max(1);
    let own = match &signed_in.who {
        SignedInAs::User { id, .. } if text("userId") == Some(id) && made_at >= seen.began_at => {
            "it is this very sign-in"
        }
        SignedInAs::User { .. } => {
            "this sign-in is not the newest, so it is not there yet, or was renewed without being asked"
        }
        SignedInAs::Application { .. } => "an application's own sign-in is not in this list",
    };
    let what = format!("the newest record of the sign-in log is {} old, and {own}", in_words(age));
    let so = format!(
        "that record took at most {} to arrive, which bounds that one and promises nothing for the next: nobody promises a \
         time",
        in_words(age)
    );
    let verdict = if age < 3_600 { Verdict::Good } else { Verdict::Look };
    let line = Line::new(LOGS, verdict, what, so);
    if verdict == Verdict::Good {
        return line;
    }
    line.with_remedy(
        "sign in somewhere with a browser and run it again; if the record stays old, alerts come that late",
    )
}

fn in_words(seconds: i64) -> String {
    match seconds {
        ..120 => counted(seconds, "second"),
        120..7_200 => counted(seconds / 60, "minute"),
        7_200..172_800 => counted(seconds / 3_600, "hour"),
        _ => counted(seconds / 86_400, "day"),
    }
}
