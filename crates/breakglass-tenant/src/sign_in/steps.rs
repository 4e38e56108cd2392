//! What a record tells of the methods that somebody showed: `authenticationDetails`, `authenticationMethodsUsed` and
//! `mfaDetail`, which beta has and v1.0 has not.
//!
//! **Source:** the documentation of `signIn` and `authenticationDetail` (beta); the words of the steps from memory, but for
//! those that [`METHOD_WORDS`] has.
//! **Limit:** a proof that a browser's session remembers stands there as if it was shown again.

use breakglass_model::sign_in_record::words::{FIRST_FACTOR_ERROR_CODES, METHOD_WORDS};
use breakglass_model::strength::Modes;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Attempt, proof};
use crate::clock::written;

/// The code of a sign-in whose password is wrong.
const WRONG_PASSWORD: u32 = 50_126;
/// The code of a second proof that was not shown.
const NOT_PROVED: u32 = 500_121;
const PRIMARY: &str = "Primary authentication";
const SECOND: &str = "Multifactor authentication";

/// Words of modes that no table of the records' reader has.
const OTHER_WORDS: [(Modes, &str); 6] = [
    (Modes::TEMPORARY_ACCESS_PASS_ONE_TIME, "Temporary Access Pass"),
    (Modes::TEMPORARY_ACCESS_PASS_MULTI_USE, "Temporary Access Pass"),
    (Modes::X509_CERTIFICATE_SINGLE_FACTOR, "X.509 Certificate"),
    (Modes::X509_CERTIFICATE_MULTI_FACTOR, "X.509 Certificate"),
    (Modes::FEDERATED_SINGLE_FACTOR, "Federated"),
    (Modes::FEDERATED_MULTI_FACTOR, "Federated"),
];

/// What `authenticationMethodsUsed` calls a mode.
const USED_WORDS: [(Modes, &str); 5] = [
    (Modes::PASSWORD, "Password"),
    (Modes::SMS, "SMS"),
    (Modes::FIDO2, "FIDO"),
    (Modes::MICROSOFT_AUTHENTICATOR_PUSH, "Authenticator App"),
    (Modes::SOFTWARE_OATH, "App Verification code"),
];

/// The steps of an attempt that ended with a code; 0 is success.
pub(super) fn details(attempt: &Attempt<'_>, code: u32, now: Timestamp) -> Vec<Value> {
    let step = |method: &str, (is_good, result): (bool, &str), requirement: &str| {
        json!({
            "authenticationStepDateTime": written(now), "authenticationMethod": method,
            "authenticationMethodDetail": Value::Null, "succeeded": is_good,
            "authenticationStepResultDetail": result, "authenticationStepRequirement": requirement,
        })
    };
    if code == WRONG_PASSWORD {
        return vec![step("Password", (false, "Invalid username or password"), PRIMARY)];
    }
    if FIRST_FACTOR_ERROR_CODES.contains(&i64::from(code)) {
        return Vec::new();
    }
    let has_mfa = proof::is_multifactor(attempt.modes);
    if !attempt.is_interactive {
        let claim = "First factor requirement satisfied by claim in the token";
        let first = step("Previously satisfied", (true, claim), PRIMARY);
        let claim = "MFA requirement satisfied by claim in the token";
        let second = has_mfa.then(|| step("Previously satisfied", (true, claim), SECOND));
        return std::iter::once(first).chain(second).collect();
    }
    let result = |mode: Modes| if mode == Modes::PASSWORD { "Correct password" } else { "MFA completed in Azure AD" };
    let shown = attempt.modes.members().enumerate();
    let shown = shown.map(|(at, mode)| step(word(mode), (true, result(mode)), if at == 0 { PRIMARY } else { SECOND }));
    let is_refused = code == NOT_PROVED;
    let refused = attempt.asked.filter(|_| is_refused).map(|mode| step(word(mode), (false, "MFA denied"), SECOND));
    shown.chain(refused).collect()
}

/// `authenticationMethodsUsed`: the methods that were shown, as far as it has words for them.
pub(super) fn methods(attempt: &Attempt<'_>) -> Vec<&'static str> {
    let used = attempt.modes.members().filter(|_| attempt.is_interactive);
    used.filter_map(|mode| USED_WORDS.iter().find(|(known, _)| *known == mode).map(|(_, word)| *word)).collect()
}

/// `mfaDetail`: with what the second factor was shown; null where there was none.
pub(super) fn mfa_detail(attempt: &Attempt<'_>) -> Value {
    if !proof::is_multifactor(attempt.modes) || !attempt.is_interactive {
        return Value::Null;
    }
    let second = attempt.modes.members().find(|mode| *mode != Modes::PASSWORD);
    second.map_or(Value::Null, |mode| json!({ "authMethod": word(mode), "authDetail": Value::Null }))
}

/// A mode as people read it.
fn word(mode: Modes) -> &'static str {
    let known = METHOD_WORDS.iter().find(|(_, known, _)| *known == mode).map(|(word, ..)| *word);
    let other = || OTHER_WORDS.iter().find(|(known, _)| *known == mode).map(|(_, word)| *word);
    known.or_else(other).unwrap_or("Other")
}
