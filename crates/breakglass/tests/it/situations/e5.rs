//! E5: the federation server and the directory on premises are down, and then hostile.

use breakglass_tenant::profile::Profile;
use serde_json::{Value, json};

use super::keys::{SecurityKey, app};
use super::play::{Asked, Play, asked};
use super::seed::{
    ADA, ADA_ID, BRAM, BRAM_ID, FIRST, FIRST_ID, GLOBAL_ADMINISTRATOR, GROUP_ID, SECOND, SECOND_ID, Seed, TENANT,
    declared, domain, id, policy,
};
use super::sign_in::{Person, Proof, Session};
use super::stage::Stage;

/// Ada, of a federated domain.
const FEDERATED: Person<'_> = Person { name: "ada@fabrikam.com", ..ADA };
/// Somebody whose account has always been in the cloud.
const CLEO: Person<'_> = Person::new("cleo@contoso.onmicrosoft.com", "Cleo-Reads-Maps-3", Proof::App);
const CLEO_ID: &str = "a3";
const ASSIGNMENTS: &str = "/v1.0/roleManagement/directory/roleAssignments";

fn seed(keys: &[SecurityKey; 2]) -> Seed {
    let mut seed = Seed::contoso()
        .user(ADA_ID, &FEDERATED, ("Ada", json!([app()])))
        .user(BRAM_ID, &BRAM, ("Bram", json!([app()])))
        .user(CLEO_ID, &CLEO, ("Cleo", json!([app()])))
        .role(ADA_ID, GLOBAL_ADMINISTRATOR)
        .role(BRAM_ID, GLOBAL_ADMINISTRATOR)
        .emergency(keys.each_ref().map(|key| json!([key.seeded()])))
        .with("domains", domain("fabrikam.com", "Federated", false))
        .with(
            "conditionalAccessPolicies",
            policy(("d1", "Everybody shows two factors", "enabled"), &[GROUP_ID], "mfa"),
        );
    seed.0["organization"] = json!({ "id": TENANT, "displayName": "Contoso", "onPremisesSyncEnabled": true });
    for at in 0..2 {
        seed.0["users"][at]["onPremisesSyncEnabled"] = json!(true);
    }
    seed
}

/// What only a Global Administrator may do, of those here.
fn policies(status: u16) -> Asked<'static> {
    asked(
        "PATCH",
        "/v1.0/identity/conditionalAccess/policies/00000000-0000-4000-8000-0000000000d1",
        json!({ "displayName": "Everybody shows two factors" }),
        status,
    )
}

#[test]
fn e5_what_is_on_premises_is_down_or_hostile() {
    let keys = [FIRST_ID, SECOND_ID].map(|digits| SecurityKey::of(&id(digits)));
    let stage = Stage::new("e5", &seed(&keys).0, Profile::Current);
    stage.configure(
        "profile = \"current\"",
        &format!("{}[lockout]\non_premises_authentication = \"pta\"\n", declared()),
    );
    let mut play = Play::new(
        stage,
        "E5: the federation server and the directory on premises are down, or hostile",
        &[
            "**Ada** signs in at the federation server of `fabrikam.com`. **Bram** is synchronised from Active Directory, \
             where agents check his password (pass-through authentication). Both are Global Administrators. **Cleo** has an \
             account that has always been in the cloud, and no role.",
            "The two emergency accounts are cloud-only, in the domain `contoso.onmicrosoft.com`, and sign in with a passkey \
             on a security key (the profile `current`).",
        ],
    );
    let [first, second] =
        [(FIRST, &keys[0]), (SECOND, &keys[1])].map(|(account, key)| Person { proof: Proof::Passkey(key), ..account });
    play.part("Before");
    play.rehearses("Ada", "federation-or-on-premises-down", true);
    play.gets_in(&FEDERATED, "**Ada** signs in.");
    play.gets_in(&BRAM, "**Bram** signs in.");
    let drill = "signs in with its passkey, as a drill.";
    play.gets_in(&first, &format!("**Emergency access 1** {drill}"));
    play.gets_in(&second, &format!("**Emergency access 2** {drill}"));
    down(&mut play, &first);
    hostile(&mut play, &second);
    play.ends("e5.md");
}

fn down(play: &mut Play, first: &Person<'_>) {
    play.part("Down");
    play.fails("The federation server does not answer any more.", &["federation-down"]);
    play.is_refused(&FEDERATED, "**Ada** signs in.", 40_010);
    play.gets_in(&BRAM, "**Bram** signs in: his domain is not federated.");
    play.fails("Now Active Directory is down too.", &["on-premises-down", "--pass-through"]);
    play.is_refused(&BRAM, "**Bram** signs in.", 80_001);
    let emergency = play.gets_in(first, "**Emergency access 1** signs in with its passkey, and notices nothing.");
    play.graph("It changes a policy.", &emergency, &policies(204));
    play.runs("The keeper", &["check", "--live"], 3);
}

/// Somebody else rules the directory: nobody who comes from there keeps a role.
fn hostile(play: &mut Play, second: &Person<'_>) {
    play.part("Hostile");
    play.paragraph(
        "The servers are back, and in other hands: whoever rules the directory now can be anybody who comes from there.",
    );
    play.fails("The servers answer again.", &["--off"]);
    let attacker = play.stage.signs_in_watched(&BRAM).session();
    play.step("The **attacker** signs in as Bram, with all that Bram has.", "In.");
    play.graph("He changes a policy.", &attacker, &policies(204));
    let emergency = play.gets_in(second, "**Emergency access 2** signs in with its passkey.");
    for (at, (person, name)) in [(FEDERATED, "Ada"), (BRAM, "Bram")].into_iter().enumerate() {
        let path = format!("{ASSIGNMENTS}/{}", id(&format!("e{at}")));
        let removed = asked("DELETE", &path, Value::Null, 204);
        play.graph(&format!("It takes the role of Global Administrator away from {name}."), &emergency, &removed);
        let revoke = format!("/v1.0/users/{}/revokeSignInSessions", person.name);
        play.graph(&format!("It revokes {name}'s sessions."), &emergency, &asked("POST", &revoke, Value::Null, 200));
    }
    thrown_out(play, &attacker);
    let body = json!({ "principalId": id(CLEO_ID), "roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/" });
    play.graph(
        "**Emergency access 2** makes Cleo Global Administrator, whose account is in the cloud.",
        &emergency,
        &asked("POST", ASSIGNMENTS, body, 201),
    );
    let cleo = play.gets_in(&CLEO, "**Cleo** signs in.");
    play.graph("She changes a policy.", &cleo, &policies(204));
    play.rehearses("Cleo", "federation-or-on-premises-down", true);
}

fn thrown_out(play: &mut Play, attacker: &Session) {
    play.graph("The **attacker** changes a policy once more.", attacker, &policies(401));
    let entry = play.stage.goes_on(attacker);
    play.was_refused(&entry, "He tries to carry on the session.", 50_173);
    let again = play.gets_in(&BRAM, "He signs in as Bram again: whether Bram may sign in is decided on premises.");
    play.graph("He changes a policy.", &again, &policies(403));
}
