//! E1: the service for multifactor authentication fails.

use std::fs;
use std::io::Read as _;

use breakglass_tenant::profile::Profile;
use serde_json::{Value, json};

use super::play::{Play, asked};
use super::seed::{
    ADA, ADA_ID, BRAM, BRAM_ID, CONDITIONAL_ACCESS_ADMINISTRATOR, FIRST, GLOBAL_ADMINISTRATOR, SECOND, Seed, declared,
    policy,
};
use super::sign_in::{Person, Proof, Session};
use super::stage::Stage;

const POLICY: &str = "/v1.0/identity/conditionalAccess/policies/00000000-0000-4000-8000-0000000000d1";

/// What the emergency account is given afterwards.
const NEW: &str = "Sealed-Again-The-Next-Day-3";

fn seed() -> Seed {
    let phone = json!([{ "@odata.type": "#microsoft.graph.microsoftAuthenticatorAuthenticationMethod",
                         "displayName": "Ada's phone" }]);
    let number = json!([{ "@odata.type": "#microsoft.graph.phoneAuthenticationMethod", "phoneNumber": "+1 2065550102",
                          "phoneType": "mobile" }]);
    Seed::contoso()
        .user(ADA_ID, &ADA, ("Ada", phone))
        .user(BRAM_ID, &BRAM, ("Bram", number))
        .role(ADA_ID, GLOBAL_ADMINISTRATOR)
        .role(BRAM_ID, CONDITIONAL_ACCESS_ADMINISTRATOR)
        .with("conditionalAccessPolicies", policy(("d1", "Everybody shows two factors", "enabled"), &[], "mfa"))
}

/// Opens what was sealed for a key.
fn opened(stage: &Stage, person: &Person<'_>, key: &age::x25519::Identity) -> String {
    let sealed = fs::read(stage.folder().join("safe").join(format!("{}.age", person.name))).unwrap();
    let armor = age::armor::ArmoredReader::new(sealed.as_slice());
    let mut text = String::new();
    let decryptor = age::Decryptor::new(armor).unwrap();
    decryptor.decrypt(std::iter::once(key as &dyn age::Identity)).unwrap().read_to_string(&mut text).unwrap();
    text
}

/// The policy in another state.
fn state(state: &str) -> Value {
    json!({ "state": state })
}

#[test]
fn e1_the_service_for_multifactor_authentication_fails() {
    let stage = Stage::new("e1", &seed().0, Profile::Classic);
    stage.configure("profile = \"classic\"", &declared());
    let mut play = Play::new(
        stage,
        "E1: the service for multifactor authentication fails",
        &[
            "Contoso has two administrators. **Ada** is Global Administrator and answers notifications on her phone. \
             **Bram** administers Conditional Access and gets his codes as text messages. One policy demands two factors of \
             everybody. There is no emergency account yet.",
            "The emergency accounts that are to be made have a password and nothing else, as Microsoft advised for years (the profile \
             `classic`).",
        ],
    );
    let ada = Person { proof: Proof::Notification, ..ADA };
    let bram = Person { proof: Proof::Text, ..BRAM };
    let first = before(&mut play, &ada);
    let first = FIRST.with(&first);
    let emergency = during(&mut play, (&ada, &bram), &first);
    afterwards(&mut play, (&ada, emergency), &first);
    play.ends("e1.md");
}

/// The arrangement is made while all is well. Gives the password of the first account.
fn before(play: &mut Play, ada: &Person<'_>) -> String {
    play.part("Before: the arrangement is made");
    play.plans("Ada");
    let key = age::x25519::Identity::generate();
    let recipient = key.to_public().to_string();
    let run = play.applies(("Ada", ada), &["--passwords-to", "safe", "--recipient", &recipient], 0);
    let [first, second] = [FIRST, SECOND].map(|account| opened(&play.stage, &account, &key));
    assert!(first != second && !run.stderr.contains(&first) && !run.stderr.contains(&second));
    let drill = "opens the envelope and signs in with the password alone, as a drill.";
    play.gets_in(&FIRST.with(&first), &format!("The keeper of **emergency access 1** {drill}"));
    play.gets_in(&SECOND.with(&second), &format!("The keeper of **emergency access 2** {drill}"));
    play.has_nothing_to_do("Ada");
    play.rehearses("Ada", "mfa-outage", true);
    first
}

/// The service is down. Gives the emergency account's session.
fn during(play: &mut Play, (ada, bram): (&Person<'_>, &Person<'_>), first: &Person<'_>) -> Session {
    play.part("The service fails");
    play.fails("Notifications and text messages do not arrive any more.", &["mfa-outage"]);
    play.is_refused(ada, "**Ada** signs in with her password. No notification reaches her phone.", 500_121);
    play.is_refused(bram, "**Bram** signs in with his password. No text message comes.", 500_121);
    let emergency = play.gets_in(first, "**Emergency access 1** signs in with its password alone.");
    play.graph(
        "It sets the policy `Everybody shows two factors` to report-only.",
        &emergency,
        &asked("PATCH", POLICY, state("enabledForReportingButNotEnforced"), 204),
    );
    let with_password_alone = Person { proof: Proof::Nothing, ..*ada };
    play.gets_in(&with_password_alone, "**Ada** signs in with her password, and is asked for nothing else.");
    emergency
}

/// The service is back: the policy is in force again, and what was opened is worth nothing any more.
fn afterwards(play: &mut Play, (ada, emergency): (&Person<'_>, Session), first: &Person<'_>) {
    play.part("The service is back");
    play.fails("Notifications and text messages arrive again.", &["mfa-outage", "--off"]);
    play.graph(
        "**Emergency access 1** puts the policy in force again.",
        &emergency,
        &asked("PATCH", POLICY, state("enabled"), 204),
    );
    let admin = play.gets_in(ada, "**Ada** signs in with her password and a notification, as on every other day.");
    seen_in_the_log(play, &admin);
    let user = format!("/v1.0/users/{}", first.name);
    let profile = json!({ "passwordProfile": { "password": NEW, "forceChangePasswordNextSignIn": false } });
    play.graph("She gives **emergency access 1** a new password.", &admin, &asked("PATCH", &user, profile, 204));
    let revoke = format!("{user}/revokeSignInSessions");
    play.graph("She revokes its sessions.", &admin, &asked("POST", &revoke, Value::Null, 200));
    let entry = play.stage.goes_on(&emergency);
    play.was_refused(&entry, "Whoever still has the session of that night tries to carry it on.", 50_173);
    play.is_refused(first, "Whoever still has the old password tries it.", 50_126);
    play.gets_in(&first.with(NEW), "The keeper of **emergency access 1** signs in with the new password.");
    play.has_nothing_to_do("Ada");
    play.runs("Ada", &["check", "--live"], 3);
}

/// The sign-ins of the emergency account, as the log has them.
fn seen_in_the_log(play: &mut Play, admin: &Session) {
    let records = play.sign_ins_of(admin, FIRST.name);
    assert!(records.iter().all(|record| record["status"]["errorCode"] == 0), "{records:?}");
    assert_eq!(records.len(), 2);
    play.step(
        "She looks for **emergency access 1** in the sign-in log.",
        "Two sign-ins, both successful: the drill, and the one of the outage.",
    );
}
