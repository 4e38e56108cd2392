//! E4: an insider changes the credentials of all administrators.

use breakglass_tenant::profile::Profile;
use serde_json::{Value, json};

use super::keys::{SecurityKey, app};
use super::play::{Asked, Play, asked};
use super::seed::{
    ADA, ADA_ID, BRAM, BRAM_ID, FIRST, FIRST_ID, GLOBAL_ADMINISTRATOR, GROUP_ID,
    PRIVILEGED_AUTHENTICATION_ADMINISTRATOR, SECOND_ID, Seed, declared, id, policy,
};
use super::sign_in::{Person, Proof, Session};
use super::stage::Stage;

/// The insider.
const EVE: Person<'_> = Person::new("eve@contoso.com", "Eve-Waits-Long-3", Proof::App);
const EVE_ID: &str = "a3";
/// The assignment of her role, which is the third of the seed.
const EVE_ROLE: &str = "/v1.0/roleManagement/directory/roleAssignments/00000000-0000-4000-8000-0000000000e2";
/// What she makes of the passwords of others, and what they are given afterwards.
const STOLEN: &str = "Nobody-But-Eve-Knows-4";
const FRESH: &str = "Given-Back-By-Hand-5";

fn seed(keys: &[SecurityKey; 2]) -> Seed {
    let unit = json!({ "id": id("f2"), "displayName": "Emergency access", "isMemberManagementRestricted": true,
                       "members": [{ "id": id(FIRST_ID) }, { "id": id(SECOND_ID) }] });
    Seed::contoso()
        .user(ADA_ID, &ADA, ("Ada", json!([app()])))
        .user(BRAM_ID, &BRAM, ("Bram", json!([app()])))
        .user(EVE_ID, &EVE, ("Eve", json!([app()])))
        .role(ADA_ID, GLOBAL_ADMINISTRATOR)
        .role(BRAM_ID, GLOBAL_ADMINISTRATOR)
        .role(EVE_ID, PRIVILEGED_AUTHENTICATION_ADMINISTRATOR)
        .emergency(keys.each_ref().map(|key| json!([key.seeded()])))
        .with("administrativeUnits", unit)
        .with("conditionalAccessPolicies", policy(("d1", "Everybody shows two factors", "enabled"), &[GROUP_ID], "mfa"))
}

fn user(person: &Person<'_>) -> String {
    format!("/v1.0/users/{}", person.name)
}

/// A new password for somebody.
fn password<'p>(path: &'p str, password: &str, status: u16) -> Asked<'p> {
    let profile = json!({ "password": password, "forceChangePasswordNextSignIn": false });
    asked("PATCH", path, json!({ "passwordProfile": profile }), status)
}

#[test]
fn e4_an_insider_changes_all_credentials() {
    let keys = [FIRST_ID, SECOND_ID].map(|digits| SecurityKey::of(&id(digits)));
    let stage = Stage::new("e4", &seed(&keys).0, Profile::Current);
    stage.configure("profile = \"current\"", &declared());
    let mut play = Play::new(
        stage,
        "E4: an insider changes the credentials of all administrators",
        &[
            "**Ada** and **Bram** are Global Administrators, **Eve** is Privileged Authentication Administrator, and about \
             to be dismissed. All three show a code of their authenticator app besides the password.",
            "The two emergency accounts sign in with a passkey on a security key (the profile `current`). They are in a \
             restricted management administrative unit, in which nobody has a role.",
        ],
    );
    let first = Person { proof: Proof::Passkey(&keys[0]), ..FIRST };
    play.part("Before");
    play.rehearses("Ada", "credentials-changed-by-insider", true);
    play.rehearses("Ada", "credentials-changed-by-insider:privileged-authentication-administrator", false);
    let run = play.stage.run(&["snapshot", "--output", "before.json"]);
    play.ran("Ada", &run, 0);
    let ada = play.stage.signs_in_watched(&ADA).session();
    play.step("**Ada** signs in, as every morning.", "In.");
    let sessions = attacked(&mut play, &ada);
    let emergency = entered(&mut play, &first, &sessions.0);
    let ada = taken_back(&mut play, &emergency, &sessions.1);
    seen(&mut play, &ada);
    play.ends("e4.md");
}

/// Eve takes over everybody whom she reaches. Gives her own session, and the one that she has as Ada.
fn attacked(play: &mut Play, ada: &Session) -> (Session, Session) {
    play.part("The attack");
    let eve = play.stage.signs_in_watched(&EVE).session();
    play.step("**Eve** signs in, with a code of her app.", "In.");
    for (person, name, digits) in [(ADA, "Ada", ADA_ID), (BRAM, "Bram", BRAM_ID)] {
        let path = user(&person);
        play.graph(&format!("She gives {name} a password that only she knows."), &eve, &password(&path, STOLEN, 204));
        let method = format!("{path}/authentication/softwareOathMethods/method-0-of-{digits}");
        let removed = asked("DELETE", &method, Value::Null, 204);
        play.graph(&format!("She removes {name}'s authenticator app."), &eve, &removed);
    }
    let pass = given_a_pass(play, ("She gives Ada a Temporary Access Pass.", &ADA), &eve);
    let as_ada = play.stage.signs_in_watched(&with_pass(&ADA, &pass)).session();
    play.step("She signs in as Ada with the pass, and is Global Administrator by that.", "In.");
    play.paragraph(
        "That is why the product promises nothing against her role. A Global Administrator can assign a role over the unit \
         of the emergency accounts, and reach them then. It is one more step, and one more entry in the log. The unit wins \
         time; Eve goes for the accounts directly.",
    );
    let path = user(&FIRST);
    play.graph("She tries to give **emergency access 1** a password.", &eve, &password(&path, STOLEN, 403));
    let method = format!("{path}/authentication/fido2Methods/method-0-of-{FIRST_ID}");
    play.graph("She tries to remove its passkey.", &eve, &asked("DELETE", &method, Value::Null, 403));
    play.is_refused(&ADA, "**Ada** signs in with the password that was hers.", 50_126);
    play.is_refused(&BRAM, "**Bram** signs in with the password that was his.", 50_126);
    let entry = play.stage.goes_on(ada);
    play.was_refused(&entry, "**Ada** tries to carry on her session of this morning.", 50_173);
    (eve, as_ada)
}

/// Somebody is given a pass that is good once.
fn given_a_pass(play: &mut Play, (done, person): (&str, &Person<'_>), giver: &Session) -> String {
    let path = format!("{}/authentication/temporaryAccessPassMethods", user(person));
    let made = asked("POST", &path, json!({ "isUsableOnce": true, "lifetimeInMinutes": 60 }), 201);
    play.graph(done, giver, &made).json()["temporaryAccessPass"].as_str().unwrap().to_owned()
}

fn with_pass<'p>(person: &Person<'p>, pass: &'p str) -> Person<'p> {
    Person { proof: Proof::Nothing, ..person.with(pass) }
}

/// Seconds until somebody notices what Eve has done.
const SECONDS_UNTIL_NOTICED: i64 = 120;

/// The emergency account gets in, and Eve is thrown out.
fn entered(play: &mut Play, first: &Person<'_>, eve: &Session) -> Session {
    play.part("The tenant is taken back");
    // Tokens tell seconds: one that was issued in the very second of a revocation would be taken for a later one.
    play.stage.pass(SECONDS_UNTIL_NOTICED);
    let run = play.stage.run(&["snapshot", "--output", "after.json"]);
    play.ran("The keeper", &run, 0);
    let run = play.stage.run(&["guard", "--snapshot", "before.json", "--after", "after.json"]);
    play.ran("The keeper", &run, 0);
    play.quote(&[run.section("What changes"), run.section("Ways in that are closed")].join("\n\n"));
    let emergency = play.gets_in(first, "**Emergency access 1** signs in with its passkey.");
    let path = user(&EVE);
    play.graph("It takes Eve's role away.", &emergency, &asked("DELETE", EVE_ROLE, Value::Null, 204));
    let disabled = asked("PATCH", &path, json!({ "accountEnabled": false }), 204);
    play.graph("It disables Eve's account.", &emergency, &disabled);
    let revoke = format!("{path}/revokeSignInSessions");
    play.graph("It revokes her sessions.", &emergency, &asked("POST", &revoke, Value::Null, 200));
    let target = user(&ADA);
    play.graph("**Eve** tries to change Ada's password once more.", eve, &password(&target, STOLEN, 401));
    let entry = play.stage.goes_on(eve);
    play.was_refused(&entry, "She tries to carry on her session.", 50_057);
    play.is_refused(&EVE, "She tries to sign in again.", 50_057);
    emergency
}

/// Everybody gets their account back. Gives Ada's session.
fn taken_back(play: &mut Play, emergency: &Session, as_ada: &Session) -> Session {
    play.graph("**Eve** still has the session that she began as Ada, and reads with it.", as_ada, &users(200));
    let mut ada = None;
    for (person, name) in [(BRAM, "Bram"), (ADA, "Ada")] {
        let path = user(&person);
        let done = format!("**Emergency access 1** gives {name} another password.");
        play.graph(&done, emergency, &password(&path, FRESH, 204));
        let revoke = format!("{path}/revokeSignInSessions");
        play.graph(&format!("It revokes {name}'s sessions."), emergency, &asked("POST", &revoke, Value::Null, 200));
        let done = format!("It gives {name} a Temporary Access Pass, and reads it to {name} over the telephone.");
        let pass = given_a_pass(play, (&done, &person), emergency);
        let session = play.gets_in(&with_pass(&person, &pass), &format!("**{name}** signs in with the pass."));
        ada = Some(session);
    }
    play.graph("**Eve** tries the session that she began as Ada.", as_ada, &users(401));
    let entry = play.stage.goes_on(as_ada);
    play.was_refused(&entry, "She tries to carry it on.", 50_173);
    play.is_refused(&ADA.with(STOLEN), "She tries the password that she gave Ada.", 50_126);
    ada.unwrap()
}

fn users(status: u16) -> Asked<'static> {
    asked("GET", "/v1.0/users?$select=displayName", Value::Null, status)
}

/// What the logs tell of that night.
fn seen(play: &mut Play, ada: &Session) {
    play.part("What the logs tell");
    let records = play.sign_ins_of(ada, FIRST.name);
    assert_eq!(records.len(), 1, "it was used once: {records:#?}");
    play.step("**Ada** looks for **emergency access 1** in the sign-in log.", &told(&records));
    play.step("She looks for Eve there.", &told(&play.sign_ins_of(ada, EVE.name)));
    let seen = play.done_by(ada, EVE.name);
    assert!(seen.contains("Reset user password"), "{seen}");
    play.step("She looks in the audit log for what Eve did.", &seen);
    let seen = play.done_by(ada, FIRST.name);
    assert!(seen.contains("Remove member from role"), "{seen}");
    play.step("She looks there for what **emergency access 1** did.", &seen);
}

/// Records of the sign-in log in words, the oldest first.
fn told(records: &[Value]) -> String {
    let one = |record: &Value| {
        let application = record["appDisplayName"].as_str().unwrap();
        let what = match record["status"]["errorCode"].as_u64().unwrap() {
            0 => "in".to_owned(),
            50_074 => "asked for the second proof (`AADSTS50074`)".to_owned(),
            code => format!("refused (`AADSTS{code}`)"),
        };
        (application.to_owned(), what)
    };
    let told: Vec<(String, String)> = records.iter().rev().map(one).collect();
    let application = &told.first().unwrap().0;
    assert!(told.iter().all(|(other, _)| other == application), "{told:?}");
    let what: Vec<&str> = told.iter().map(|(_, what)| what.as_str()).collect();
    format!("{application}: {}.", what.join(", "))
}
