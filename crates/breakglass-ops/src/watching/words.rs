//! What people read of an alert: a line, a mail, a text message.
//!
//! Somebody reads it who was asleep: first whether anybody is in, then as whom, then what to do.
//! **Invariant:** what came from a log is text and does nothing: [`visible`] is the one place that makes it so. Markup of a
//! channel is the channel's own affair. What to do is never cut off.
//! **Limits:** [`SUBJECT_CHARS_MAX`], [`SHORT_CHARS_MAX`], [`NAME_CHARS_MAX`], [`CLIENT_CHARS_MAX`], [`ADDRESS_CHARS_MAX`],
//! [`COUNTRY_CHARS_MAX`].
//! **Source:** Unicode 17, general categories Cc, Zl, Zp and those of Cf that reorder or hide text.

use jiff::Timestamp;

use super::event::{Event, Reached};
use super::incident::Because;
use super::message::Message;

/// Characters of the longest subject.
pub const SUBJECT_CHARS_MAX: usize = 120;

/// Characters of the longest text message: two of GSM's, nearly.
pub const SHORT_CHARS_MAX: usize = 300;

/// Characters of the longest name of an account that is shown.
pub const NAME_CHARS_MAX: usize = 100;

/// Characters of the longest name of a client that is shown.
pub const CLIENT_CHARS_MAX: usize = 80;

/// Characters of the longest address that is shown.
pub const ADDRESS_CHARS_MAX: usize = 45;

/// Characters of the longest country that is shown.
pub const COUNTRY_CHARS_MAX: usize = 20;

/// What stands where something was cut off.
const DOTS: &str = "...";

/// What everybody is told who is told anything.
const WHAT_IT_MEANS: &str = "An emergency account is used in an emergency, in a drill, or by somebody who attacks you. If you \
                             know of no emergency and no drill, act as if it were an attack.";

/// The same for a test.
const WHAT_A_TEST_MEANS: &str = "Nothing has happened. You get this because you are told when an emergency account is used; whoever \
                                 tests that waits for your answer.";

/// The text with control characters, ends of lines, and characters that reorder, hide or have no width written as escapes
/// (`\n`, `\u{202e}`): what is shown is what is there.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if acts(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Whether a character does something to the text around it.
fn acts(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e0fff}')
}

/// The first characters of a text; three dots are the last of them where there were more.
#[must_use]
pub fn cut(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    let kept = chars_max.saturating_sub(DOTS.len());
    text.chars().take(kept).chain(DOTS.chars()).take(chars_max).collect()
}

/// A text in ASCII, what is not in it as escapes: other letters would more than halve what fits into a text message.
fn ascii(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii() {
            shown.push(character);
        } else {
            shown.extend(character.escape_default());
        }
    }
    shown
}

/// How far somebody got.
#[must_use]
pub const fn reached(reached: Reached) -> &'static str {
    match reached {
        Reached::Token => "signed in",
        Reached::Credential => "the password or key was right; stopped after it",
        Reached::Unsaid => "it is not known how far",
        Reached::Nothing => "did not get in: the password was wrong, or none was given",
        Reached::Own => "a rotation of ours proved the new password",
    }
}

/// Why an alert is sent.
#[must_use]
pub const fn because(because: Because) -> &'static str {
    match because {
        Because::Opened => "the incident begins",
        Because::SignedIn => "somebody is in",
        Because::Further => "somebody got further than anybody before",
        Because::MoreTries => "there were more tries",
        Because::Own => "a rotation of ours signed in",
        Because::Unanswered => "nobody has answered",
        Because::Test => "it is a test",
    }
}

/// How bad it is, and whether somebody is in.
#[must_use]
pub const fn verdict(reached: Reached) -> &'static str {
    match reached {
        Reached::Token => "CRITICAL, somebody is IN",
        Reached::Credential => "CRITICAL, not in yet, password or key was right",
        Reached::Unsaid => "CRITICAL, not known whether somebody is in",
        Reached::Nothing => "WARNING, nobody is in",
        Reached::Own => "NOTICE, a rotation of ours signed in",
    }
}

/// How far anybody got of whom the message tells.
#[must_use]
pub fn furthest(message: &Message) -> Reached {
    let told = message.events.iter().map(|event| event.reached).chain(message.newly);
    told.fold(message.furthest, Ord::max)
}

/// The account, by its name, else by its id.
#[must_use]
pub fn who(message: &Message) -> String {
    cut(&visible(message.user_principal_name.as_deref().unwrap_or(&message.account)), NAME_CHARS_MAX)
}

/// An instant in UTC, as `2026-11-28 03:00:05 UTC`.
fn utc(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// What a test says, in a line.
fn test(code: &str) -> String {
    format!(
        "TEST of the alerts, nobody signed in. Say this code to whoever tests: {}",
        cut(&visible(code), NAME_CHARS_MAX)
    )
}

/// One line: how bad it is, whether somebody is in, as whom.
#[must_use]
pub fn subject(message: &Message) -> String {
    if let Some(code) = &message.code {
        return cut(&test(code), SUBJECT_CHARS_MAX);
    }
    let head = format!("{}: ", head(message));
    let tail = format!(" (incident {}, alert {})", message.incident, message.alert);
    let left = SUBJECT_CHARS_MAX.saturating_sub(head.chars().count() + tail.chars().count());
    cut(&format!("{head}{}{tail}", cut(&who(message), left)), SUBJECT_CHARS_MAX)
}

fn head(message: &Message) -> String {
    match message.because {
        // Whoever was in before was told of before.
        Because::Own => verdict(Reached::Own).to_owned(),
        Because::Unanswered => format!("{}, unanswered", verdict(furthest(message))),
        _ => verdict(furthest(message)).to_owned(),
    }
}

/// A text message, in ASCII. Names that somebody else may have chosen are left out of it, but for that of the account.
#[must_use]
pub fn short(message: &Message) -> String {
    if let Some(code) = &message.code {
        return cut(&ascii(&test(code)), SHORT_CHARS_MAX);
    }
    let Message { incident, alert, new_count, .. } = message;
    let head = format!("{}: ", head(message));
    let last = message.events.first().map_or_else(String::new, |event| {
        let from = |text: &Option<String>, none: &str, chars_max| {
            text.as_deref().map_or_else(|| none.to_owned(), |text| cut(&ascii(&visible(text)), chars_max))
        };
        let address = from(&event.ip_address, "no address", ADDRESS_CHARS_MAX);
        let country = from(&event.country, "no country", COUNTRY_CHARS_MAX);
        format!(" Last {} UTC from {address}, {country}.", event.at.strftime("%Y-%m-%d %H:%M"))
    });
    let tail = format!(
        " Incident {incident}, alert {alert}. {new_count} new.{last} breakglass incident acknowledge {incident}"
    );
    let left = SHORT_CHARS_MAX.saturating_sub(head.chars().count() + tail.chars().count() + 1);
    cut(&format!("{head}{}.{tail}", cut(&ascii(&who(message)), left)), SHORT_CHARS_MAX)
}

/// Plain text, as for a mail.
#[must_use]
pub fn text(message: &Message) -> String {
    let mut text = paragraphs(message).join("\n\n");
    text.push('\n');
    text
}

/// The same in its paragraphs: what happened, what it means, about what, the last sign-ins, what to do. Each has one line or
/// more.
#[must_use]
pub fn paragraphs(message: &Message) -> Vec<String> {
    if let Some(code) = &message.code {
        return vec![test(code), WHAT_A_TEST_MEANS.to_owned()];
    }
    vec![sentence(message), WHAT_IT_MEANS.to_owned(), about(message), sign_ins(message), what_to_do(message.incident)]
}

/// What happened, in a sentence or two.
#[must_use]
pub fn sentence(message: &Message) -> String {
    let who = who(message);
    match message.because {
        Because::Opened | Because::SignedIn => tried(&who, message.newly.unwrap_or_else(|| furthest(message))),
        Because::Further => {
            let far = reached(message.newly.unwrap_or_else(|| furthest(message)));
            format!("Somebody got further as {who} than anybody before: {far}.")
        }
        Because::MoreTries => format!(
            "There were more tries to sign in as {who}, {} since the last alert. None got further than those before.",
            message.new_count
        ),
        Because::Own => tried(&who, Reached::Own),
        Because::Test => "Nobody signed in: this is a test of the alerts.".to_owned(),
        Because::Unanswered => format!("Nobody has answered yet. {}", tried(&who, furthest(message))),
    }
}

fn tried(who: &str, reached: Reached) -> String {
    match reached {
        Reached::Token => format!("Somebody signed in as {who}."),
        Reached::Credential => format!(
            "Somebody tried to sign in as {who}: the password or key was right, and something behind it stopped them."
        ),
        Reached::Unsaid => format!(
            "Somebody tried to sign in as {who}. The log does not say how far they got: until you know better, take it that \
             they are in."
        ),
        Reached::Nothing => format!("Somebody tried to sign in as {who} and did not get in."),
        Reached::Own => format!(
            "A rotation of ours signed in as {who} to prove the new password, as it had written down before. If nobody of you \
             rotates it now, somebody else does: act as if it were an attack."
        ),
    }
}

fn about(message: &Message) -> String {
    let Message { incident, alert, opened_at, at, account, .. } = message;
    format!(
        "Account     {} (object id {})\nHow far     {}\nIncident    {incident}, since {}\nThis alert  {alert}, made {}",
        who(message),
        cut(&visible(account), NAME_CHARS_MAX),
        reached(furthest(message)),
        utc(*opened_at),
        utc(*at),
    )
}

fn sign_ins(message: &Message) -> String {
    let Message { incident, new_count, events, .. } = message;
    let mut lines = vec![match (new_count, events.is_empty()) {
        (_, true) => "No sign-in is told of one by one.".to_owned(),
        (0, false) => "Nothing new has happened. The last sign-ins, the latest first:".to_owned(),
        (1, false) => "One sign-in of which nobody was told before:".to_owned(),
        (_, false) => format!("{new_count} sign-ins of which nobody was told before, the latest first:"),
    }];
    lines.extend(events.iter().map(|event| format!("  {}", line(event))));
    let told = u64::try_from(events.len()).unwrap_or(u64::MAX);
    let more = new_count.saturating_sub(told);
    if more > 0 {
        lines.push(format!("  and {more} more: breakglass incident show {incident}"));
    }
    lines.join("\n")
}

/// A sign-in: when, its code, the client, whence, how far.
#[must_use]
pub fn line(event: &Event) -> String {
    let code = event.error_code.map_or_else(|| "no code".to_owned(), |code| format!("code {code}"));
    let quoted = |text: &String| format!("\"{}\"", cut(&visible(text), CLIENT_CHARS_MAX));
    let client = event.app_display_name.as_ref().or(event.app_id.as_ref());
    let client = client.map_or_else(|| "no client".to_owned(), quoted);
    let shown = |text: &Option<String>, none: &str, chars_max| {
        text.as_deref().map_or_else(|| none.to_owned(), |text| cut(&visible(text), chars_max))
    };
    let address = shown(&event.ip_address, "no address", ADDRESS_CHARS_MAX);
    let country = shown(&event.country, "no country", COUNTRY_CHARS_MAX);
    let renewed = if event.is_interactive == Some(false) { ", with nobody at it" } else { "" };
    format!("{}  {code}  {client} from {address} ({country}){renewed}: {}", utc(event.at), reached(event.reached))
}

fn what_to_do(incident: u64) -> String {
    format!(
        "See all of it:         breakglass incident show {incident}\n\
         Say that you have it:  breakglass incident acknowledge {incident}"
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ACCOUNT: &str = "11111111-2222-4333-8444-555555555555";
    const HOSTILE: &str = "<b>x</b>\r\nBcc: a\u{202e}b\u{200b}c\u{2066}\u{1b}[31m\0";

    fn event(minute: u8, code: i64, more: &Value) -> Value {
        let mut event = json!({
            "id": format!("e{minute}"),
            "account": ACCOUNT,
            "at": format!("2026-11-28T03:{minute:02}:05Z"),
            "reached": Reached::of_code(Some(code)),
            "errorCode": code,
        });
        for (name, value) in more.as_object().unwrap() {
            event[name] = value.clone();
        }
        event
    }

    fn known() -> Value {
        json!({ "appDisplayName": "Azure Portal", "ipAddress": "203.0.113.7", "country": "NL", "isInteractive": true })
    }

    fn message(because: Because, newly: Option<Reached>, furthest: Reached, events: &[Value]) -> Message {
        serde_json::from_value(json!({
            "incident": 7,
            "alert": 2,
            "because": because,
            "step": 0,
            "account": ACCOUNT,
            "userPrincipalName": "emergency-1@contoso.com",
            "openedAt": "2026-11-28T02:58:10Z",
            "at": "2026-11-28T03:01:00Z",
            "newCount": events.len(),
            "newly": newly,
            "furthest": furthest,
            "events": events,
        }))
        .unwrap()
    }

    #[test]
    fn what_acts_is_shown() {
        for (text, expected) in [
            ("J\u{f6}rg O\u{2019}Neil \u{65e5}\u{672c}", "J\u{f6}rg O\u{2019}Neil \u{65e5}\u{672c}"),
            ("a\u{1b}[31mb", r"a\u{1b}[31mb"),
            ("a\nb\tc\rd", r"a\nb\tc\rd"),
            ("\u{9b}2J\u{7f}\0", r"\u{9b}2J\u{7f}\u{0}"),
            ("bg\u{202e}nimda\u{2066}", r"bg\u{202e}nimda\u{2066}"),
            ("a\u{200b}b\u{200d}c\u{feff}", r"a\u{200b}b\u{200d}c\u{feff}"),
            ("\u{2028}\u{2029}\u{85}", r"\u{2028}\u{2029}\u{85}"),
            ("\u{e0041}", r"\u{e0041}"),
        ] {
            assert_eq!(visible(text), expected);
        }
    }

    #[test]
    fn texts_are_cut_by_characters() {
        for (text, chars_max, expected) in [
            ("abcdef", 6, "abcdef"),
            ("abcdef", 5, "ab..."),
            ("\u{65e5}\u{672c}\u{8a9e}\u{65e5}\u{672c}", 4, "\u{65e5}..."),
            ("abcdef", 2, ".."),
            ("abcdef", 0, ""),
            ("", 0, ""),
        ] {
            assert_eq!(cut(text, chars_max), expected);
        }
    }

    #[test]
    fn the_subject_says_first_whether_somebody_is_in() {
        use Because::{Further, MoreTries, Opened, SignedIn, Unanswered};
        use Reached::{Credential, Nothing, Token, Unsaid};
        for (because, newly, furthest, expected) in [
            (Opened, Some(Token), Token, "CRITICAL, somebody is IN"),
            (Opened, Some(Nothing), Nothing, "WARNING, nobody is in"),
            (Opened, Some(Unsaid), Unsaid, "CRITICAL, not known whether somebody is in"),
            (SignedIn, Some(Token), Token, "CRITICAL, somebody is IN"),
            (Further, Some(Credential), Credential, "CRITICAL, not in yet, password or key was right"),
            // What is said of the incident must not hide what has just happened, nor the other way round.
            (MoreTries, Some(Nothing), Token, "CRITICAL, somebody is IN"),
            (SignedIn, Some(Token), Nothing, "CRITICAL, somebody is IN"),
            (Unanswered, None, Token, "CRITICAL, somebody is IN, unanswered"),
        ] {
            let subject = subject(&message(because, newly, furthest, &[]));
            assert_eq!(subject, format!("{expected}: emergency-1@contoso.com (incident 7, alert 2)"));
        }
    }

    #[test]
    fn each_reason_and_each_step_has_its_sentence() {
        use Because::{Further, MoreTries, Opened, SignedIn, Unanswered};
        use Reached::{Credential, Nothing, Token, Unsaid};
        let who = "emergency-1@contoso.com";
        for (because, newly, expected) in [
            (Opened, Some(Token), format!("Somebody signed in as {who}.")),
            (
                Opened,
                Some(Credential),
                format!(
                    "Somebody tried to sign in as {who}: the password or key was right, and something behind it stopped them."
                ),
            ),
            (
                Opened,
                Some(Unsaid),
                format!(
                    "Somebody tried to sign in as {who}. The log does not say how far they got: until you know better, take \
                     it that they are in."
                ),
            ),
            (Opened, Some(Nothing), format!("Somebody tried to sign in as {who} and did not get in.")),
            (SignedIn, Some(Token), format!("Somebody signed in as {who}.")),
            (
                Further,
                Some(Credential),
                format!(
                    "Somebody got further as {who} than anybody before: the password or key was right; stopped after it."
                ),
            ),
            (
                MoreTries,
                Some(Nothing),
                format!(
                    "There were more tries to sign in as {who}, 0 since the last alert. None got further than those before."
                ),
            ),
            (
                Unanswered,
                None,
                format!("Nobody has answered yet. Somebody tried to sign in as {who} and did not get in."),
            ),
        ] {
            let furthest = newly.unwrap_or(Nothing);
            assert_eq!(sentence(&message(because, newly, furthest, &[])), expected, "{because:?} {newly:?}");
        }
    }

    #[test]
    fn a_mail_has_everything_in_its_order() {
        let renewed = json!({ "appId": "app-1", "isInteractive": false });
        let events = [event(1, 0, &known()), event(0, 50_126, &renewed), event(0, 77, &json!({}))];
        let mut message = message(Because::SignedIn, Some(Reached::Token), Reached::Token, &events);
        message.new_count = 12;
        assert_eq!(
            text(&message),
            "Somebody signed in as emergency-1@contoso.com.\n\
             \n\
             An emergency account is used in an emergency, in a drill, or by somebody who attacks you. If you know of no \
             emergency and no drill, act as if it were an attack.\n\
             \n\
             Account     emergency-1@contoso.com (object id 11111111-2222-4333-8444-555555555555)\n\
             How far     signed in\n\
             Incident    7, since 2026-11-28 02:58:10 UTC\n\
             This alert  2, made 2026-11-28 03:01:00 UTC\n\
             \n\
             12 sign-ins of which nobody was told before, the latest first:\n\
             \x20 2026-11-28 03:01:05 UTC  code 0  \"Azure Portal\" from 203.0.113.7 (NL): signed in\n\
             \x20 2026-11-28 03:00:05 UTC  code 50126  \"app-1\" from no address (no country), with nobody at it: did not get \
             in: the password was wrong, or none was given\n\
             \x20 2026-11-28 03:00:05 UTC  code 77  no client from no address (no country): it is not known how far\n\
             \x20 and 9 more: breakglass incident show 7\n\
             \n\
             See all of it:         breakglass incident show 7\n\
             Say that you have it:  breakglass incident acknowledge 7\n"
        );
    }

    #[test]
    fn how_many_there_are_is_said() {
        for (count, new_count, expected) in [
            (0, 0, "No sign-in is told of one by one."),
            (1, 0, "Nothing new has happened. The last sign-ins, the latest first:"),
            (1, 1, "One sign-in of which nobody was told before:"),
            (2, 2, "2 sign-ins of which nobody was told before, the latest first:"),
        ] {
            let events: Vec<Value> = (0..count).map(|minute| event(minute, 0, &known())).collect();
            let mut message = message(Because::SignedIn, None, Reached::Token, &events);
            message.new_count = new_count;
            assert_eq!(sign_ins(&message).lines().next(), Some(expected));
            assert!(!sign_ins(&message).contains("more:"));
        }
    }

    #[test]
    fn a_text_message_is_short_and_in_ascii() {
        let message = message(Because::SignedIn, Some(Reached::Token), Reached::Token, &[event(1, 0, &known())]);
        assert_eq!(
            short(&message),
            "CRITICAL, somebody is IN: emergency-1@contoso.com. Incident 7, alert 2. 1 new. Last 2026-11-28 03:01 UTC from \
             203.0.113.7, NL. breakglass incident acknowledge 7"
        );
        let named = Message { user_principal_name: Some("j\u{f6}rg".to_owned()), events: Vec::new(), ..message };
        assert!(
            short(&named).starts_with(r"CRITICAL, somebody is IN: j\u{f6}rg. Incident 7, alert 2. 1 new. breakglass")
        );
    }

    #[test]
    fn whatever_a_log_says_stays_in_its_place_and_within_its_limit() {
        let long = HOSTILE.repeat(20);
        for name in [HOSTILE, long.as_str(), &"\u{1f511}".repeat(300), ""] {
            let hostile = json!({ "appDisplayName": name, "appId": name, "ipAddress": name, "country": name });
            let events: Vec<Value> = (0..10).map(|minute| event(minute, 0, &hostile)).collect();
            let mut message = message(Because::Unanswered, None, Reached::Credential, &events);
            message.user_principal_name = Some(name.to_owned());
            message.account = name.to_owned();
            (message.incident, message.alert, message.new_count) = (u64::MAX, u32::MAX, u64::MAX);
            let (subject, short, text) = (subject(&message), short(&message), text(&message));
            assert!(subject.chars().count() <= SUBJECT_CHARS_MAX && !subject.contains(acts), "{subject}");
            assert!(short.chars().count() <= SHORT_CHARS_MAX && short.is_ascii() && !short.contains(acts), "{short}");
            assert!(short.ends_with(&format!("breakglass incident acknowledge {}", u64::MAX)), "{short}");
            assert!(subject.ends_with(&format!("(incident {}, alert {})", u64::MAX, u32::MAX)), "{subject}");
            assert!(!text.contains(|character: char| character != '\n' && acts(character)), "{text}");
            assert_eq!(text.lines().count(), 24, "{text}");
            assert!(!text.lines().any(|line| line.starts_with("Bcc:")));
        }
    }
}
