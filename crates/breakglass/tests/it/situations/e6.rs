//! E6: one emergency account is locked, and then its password is lost.

use breakglass_tenant::profile::Profile;
use serde_json::{Value, json};

use super::keys::app;
use super::play::{Asked, Play, asked};
use super::seed::{ADA, ADA_ID, FIRST, GLOBAL_ADMINISTRATOR, GROUP_ID, SECOND, Seed, declared, policy};
use super::stage::Stage;

/// Wrong passwords after which Entra locks an account.
const WRONG_COUNT: usize = 10;
/// How long it is locked at first, seconds.
const LOCK_SECONDS: i64 = 60;
/// Where the guesses come from, and where the keepers are.
const ELSEWHERE: &str = "203.0.113.66";
const SAFE: &str = "198.51.100.7";
const USER: &str = "/v1.0/users/emergency-access-1@contoso.onmicrosoft.com";
const POLICY: &str = "/v1.0/identity/conditionalAccess/policies/00000000-0000-4000-8000-0000000000d1";
const NEW: &str = "Sealed-In-A-New-Envelope-3";

fn seed() -> Seed {
    Seed::contoso()
        .user(ADA_ID, &ADA, ("Ada", json!([app()])))
        .role(ADA_ID, GLOBAL_ADMINISTRATOR)
        .emergency([json!([]), json!([])])
        .with("conditionalAccessPolicies", policy(("d1", "Everybody shows two factors", "enabled"), &[GROUP_ID], "mfa"))
}

fn rename(name: &str) -> Asked<'static> {
    asked("PATCH", POLICY, json!({ "displayName": name }), 204)
}

#[test]
fn e6_one_emergency_account_is_locked_or_its_password_is_lost() {
    let stage = Stage::new("e6", &seed().0, Profile::Classic);
    stage.configure("profile = \"classic\"", &declared());
    let mut play = Play::new(
        stage,
        "E6: one emergency account is locked, or its password is lost",
        &["There are two emergency accounts with a password and nothing else, in two safes. **Ada**, the \
             everyday Global Administrator, is on a plane."],
    );
    play.part("Before");
    play.rehearses("Ada", "one-emergency-account-lost", true);
    locked(&mut play);
    lost(&mut play);
    play.ends("e6.md");
}

fn locked(play: &mut Play) {
    play.part("Locked");
    for number in 0..WRONG_COUNT {
        let guess = format!("Guess-Number-{number}");
        let entry = play.stage.signs_in(&FIRST.with(&guess).at(ELSEWHERE));
        assert!(matches!(entry, super::sign_in::Entry::Refused(50_126)), "{number}: {entry:?}");
    }
    play.step(
        &format!("**Somebody** guesses the password of **emergency access 1**, {WRONG_COUNT} times."),
        "Refused each time: `AADSTS50126`, the password is wrong.",
    );
    let first = FIRST.at(SAFE);
    play.is_refused(&first, "The keeper of **emergency access 1** signs in with the right password.", 50_053);
    let second = play.gets_in(&SECOND.at(SAFE), "The keeper of **emergency access 2** signs in with the other one.");
    play.graph("It changes a policy.", &second, &rename("Two factors"));
    play.stage.pass(LOCK_SECONDS + 1);
    play.paragraph("A minute passes, and nobody guesses.");
    play.gets_in(&first, "The keeper of **emergency access 1** tries again.");
}

fn lost(play: &mut Play) {
    play.part("Lost");
    play.paragraph("The envelope of the first account is not in its safe. Nobody knows who has it.");
    play.is_refused(
        &FIRST.at(SAFE).with("From-An-Old-Envelope-0"),
        "The keeper tries what an old envelope says.",
        50_126,
    );
    let second = play.gets_in(&SECOND.at(SAFE), "The keeper of **emergency access 2** signs in.");
    let profile = json!({ "passwordProfile": { "password": NEW, "forceChangePasswordNextSignIn": false } });
    play.graph("It gives **emergency access 1** a new password.", &second, &asked("PATCH", USER, profile, 204));
    let revoke = format!("{USER}/revokeSignInSessions");
    play.graph("It revokes the sessions of that account.", &second, &asked("POST", &revoke, Value::Null, 200));
    play.is_refused(&FIRST.at(ELSEWHERE), "**Whoever** has the lost envelope tries what it says.", 50_126);
    let first =
        play.gets_in(&FIRST.at(SAFE).with(NEW), "The keeper of **emergency access 1** signs in with the new one.");
    play.graph("It changes the policy back.", &first, &rename("Everybody shows two factors"));
    let records = play.sign_ins_of(&first, FIRST.name);
    let refused = |code: u64| records.iter().filter(|record| record["status"]["errorCode"] == code).count();
    let counts = [refused(0), refused(50_126), refused(50_053)];
    play.step(
        "It looks for itself in the sign-in log.",
        &format!(
            "Sign-ins: {}. Refused for a wrong password: {}. Refused while it was locked: {}.",
            counts[0], counts[1], counts[2]
        ),
    );
    assert_eq!(counts, [2, WRONG_COUNT + 2, 1]);
    play.part("Afterwards");
    play.paragraph("Ada has landed.");
    play.has_nothing_to_do("Ada");
    play.rehearses("Ada", "one-emergency-account-lost", true);
}
