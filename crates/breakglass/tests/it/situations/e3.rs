//! E3: the only everyday Global Administrator is deleted.

use breakglass_tenant::profile::Profile;
use serde_json::{Value, json};

use super::keys::app;
use super::play::{Asked, Play, asked};
use super::seed::{
    ADA, ADA_ID, BRAM, BRAM_ID, FIRST, GLOBAL_ADMINISTRATOR, GROUP_ID, PRIVILEGED_AUTHENTICATION_ADMINISTRATOR, Seed,
    declared, id, policy,
};
use super::stage::Stage;

const USER: &str = "/v1.0/users/ada@contoso.com";
const ASSIGNMENTS: &str = "/v1.0/roleManagement/directory/roleAssignments";
const POLICY: &str = "/v1.0/identity/conditionalAccess/policies/00000000-0000-4000-8000-0000000000d1";

fn people() -> Seed {
    Seed::contoso()
        .user(ADA_ID, &ADA, ("Ada", json!([app()])))
        .user(BRAM_ID, &BRAM, ("Bram", json!([app()])))
        .role(ADA_ID, GLOBAL_ADMINISTRATOR)
        .role(BRAM_ID, PRIVILEGED_AUTHENTICATION_ADMINISTRATOR)
}

fn delete(status: u16) -> Asked<'static> {
    asked("DELETE", USER, Value::Null, status)
}

/// Bram is to be Global Administrator.
fn promotion(status: u16) -> Asked<'static> {
    let body = json!({ "principalId": id(BRAM_ID), "roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/" });
    asked("POST", ASSIGNMENTS, body, status)
}

/// What only somebody with the right role may do.
fn rename(name: &str, status: u16) -> Asked<'static> {
    asked("PATCH", POLICY, json!({ "displayName": name }), status)
}

#[test]
fn e3_the_only_everyday_global_administrator_is_deleted() {
    let alone = policy(("d1", "Everybody shows two factors", "enabled"), &[], "mfa");
    let stage = Stage::new("e3-alone", &people().with("conditionalAccessPolicies", alone).0, Profile::Classic);
    let mut play = Play::new(
        stage,
        "E3: the only everyday Global Administrator is deleted",
        &["**Ada** is Global Administrator, and the only one who is at work every day. **Bram** is Privileged \
           Authentication Administrator: he may reset and delete everybody, and may not assign roles. Both show a code of \
           their authenticator app besides the password."],
    );
    play.part("Without emergency accounts");
    let bram = play.gets_in(&BRAM, "**Bram** signs in.");
    play.graph("He deletes Ada, who is on a list of leavers by mistake.", &bram, &delete(400));
    play.paragraph(
        "Entra does not delete the very last Global Administrator, and neither does the embedded tenant. That helps only \
         against this one request: it does not help when the last one is disabled, or loses the phone.",
    );
    let disabled = asked("PATCH", USER, json!({ "accountEnabled": false }), 204);
    play.graph("He disables Ada instead, which is not refused.", &bram, &disabled);
    play.is_refused(&ADA, "**Ada** signs in.", 50_057);
    play.graph("**Bram** wants to become Global Administrator.", &bram, &promotion(403));
    let mut play = with_emergency_accounts(play);
    deleted_and_replaced(&mut play);
    play.ends("e3.md");
}

/// The same company, with the arrangement.
fn with_emergency_accounts(play: Play) -> Play {
    let excluding = policy(("d1", "Everybody shows two factors", "enabled"), &[GROUP_ID], "mfa");
    let seed = people().emergency([json!([]), json!([])]).with("conditionalAccessPolicies", excluding);
    let stage = Stage::new("e3", &seed.0, Profile::Classic);
    stage.configure("profile = \"classic\"", &declared());
    let mut play = play.on(stage);
    play.part("With emergency accounts: before");
    play.paragraph(
        "The same company from the beginning, with two emergency accounts that have a password and nothing else.",
    );
    play.has_nothing_to_do("Ada");
    play.rehearses("Ada", "last-global-administrator-deleted", true);
    play
}

fn deleted_and_replaced(play: &mut Play) {
    play.part("Ada is deleted");
    let ada = play.gets_in(&ADA, "**Ada** signs in, as every morning.");
    let bram = play.gets_in(&BRAM, "**Bram** signs in.");
    play.graph("He deletes Ada by mistake. She is not the last Global Administrator now.", &bram, &delete(204));
    play.is_refused(&ADA, "**Ada** signs in again.", 50_034);
    let entry = play.stage.goes_on(&ada);
    play.was_refused(&entry, "She tries to carry on her session of this morning.", 50_173);
    play.graph("**Bram** wants to assign the role to himself.", &bram, &promotion(403));
    play.graph("He wants to rename a policy, as he was asked to.", &bram, &rename("Two factors", 403));

    play.part("The emergency account makes somebody else Global Administrator");
    let emergency = play.gets_in(&FIRST, "**Emergency access 1** signs in with its password alone.");
    play.graph("It makes Bram Global Administrator.", &emergency, &promotion(201));
    let bram = play.gets_in(&BRAM, "**Bram** signs in again, for a token with his new role.");
    play.graph("He renames the policy.", &bram, &rename("Two factors", 204));
    let restore = format!("/v1.0/directory/deletedItems/{}/restore", id(ADA_ID));
    play.graph("He restores Ada, who is in the bin for thirty days.", &bram, &asked("POST", &restore, json!({}), 200));
    play.gets_in(&ADA, "**Ada** signs in. Her roles came back with her.");

    play.part("Afterwards");
    play.rehearses("Ada", "last-global-administrator-deleted", true);
    play.has_nothing_to_do("Ada");
}
