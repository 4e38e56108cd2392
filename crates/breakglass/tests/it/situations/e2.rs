//! E2: a policy lets only the trusted network in, and every administrator is elsewhere.

use breakglass_tenant::profile::Profile;
use serde_json::{Value, json};

use super::keys::app;
use super::play::{Play, asked};
use super::seed::{
    ADA, ADA_ID, BRAM, BRAM_ID, CONDITIONAL_ACCESS_ADMINISTRATOR, FIRST, GLOBAL_ADMINISTRATOR, GROUP_ID, SECOND, Seed,
    declared, id, policy,
};
use super::sign_in::{Entry, Person};
use super::stage::Stage;

const POLICY: &str = "/v1.0/identity/conditionalAccess/policies/00000000-0000-4000-8000-0000000000d2";
const NAME: &str = "Only from the head office";
/// Where the administrators work today, and where the emergency account is used.
const HOME: &str = "198.51.100.7";
const HOTEL: &str = "192.0.2.44";
const OFFICE: &str = "203.0.113.9";

fn seed() -> Seed {
    let mut trusted = policy(("d2", NAME, "enabledForReportingButNotEnforced"), &[], "block");
    trusted["conditions"]["locations"] = json!({ "includeLocations": ["All"], "excludeLocations": ["AllTrusted"] });
    Seed::contoso()
        .user(ADA_ID, &ADA, ("Ada", json!([app()])))
        .user(BRAM_ID, &BRAM, ("Bram", json!([app()])))
        .role(ADA_ID, GLOBAL_ADMINISTRATOR)
        .role(BRAM_ID, CONDITIONAL_ACCESS_ADMINISTRATOR)
        .emergency([json!([]), json!([])])
        .with("conditionalAccessPolicies", policy(("d1", "Everybody shows two factors", "enabled"), &[GROUP_ID], "mfa"))
        .with("conditionalAccessPolicies", trusted)
        .with(
            "namedLocations",
            json!({ "@odata.type": "#microsoft.graph.ipNamedLocation", "id": id("f1"), "displayName": "Head office",
                "isTrusted": true, "ipRanges": [{ "@odata.type": "#microsoft.graph.iPv4CidrRange",
                                                  "cidrAddress": "203.0.113.0/24" }] }),
        )
}

/// The policy in another state.
fn state(state: &str) -> Value {
    json!({ "state": state })
}

#[test]
fn e2_only_the_trusted_network_is_let_in() {
    let stage = Stage::new("e2", &seed().0, Profile::Classic);
    stage.configure("profile = \"classic\"", &declared());
    let proposal = json!({ "id": id("d2"), "state": "enabled" });
    stage.file("enable.json", &proposal.to_string());
    let mut play = Play::new(
        stage,
        "E2: only the trusted network is let in",
        &[
            "Contoso wants people to work from the head office alone. **Bram**, who administers Conditional Access, has \
             written the policy `Only from the head office`: it blocks all users everywhere but in the trusted network. So \
             far it only reports. **Ada** is Global Administrator. Both work at home, and show a code of their \
             authenticator app besides the password.",
            "There are two emergency accounts with a password and nothing else. The policy that demands two factors \
             excludes their group. Bram has forgotten to exclude it from the new one.",
        ],
    );
    let home = (ADA.at(HOME), BRAM.at(HOME));
    warned(&mut play, &home.1);
    locked_out(&mut play, &home);
    mended(&mut play);
    repaired(&mut play, &home);
    play.ends("e2.md");
}

/// The product says so before the policy is enabled.
fn warned(play: &mut Play, bram: &Person<'_>) {
    play.part("Before: what the product says");
    play.runs("Bram", &["guard", "--live", "--policy", "enable.json"], 1);
    play.paragraph("Bram does not listen.");
    let session = play.gets_in(bram, "**Bram** signs in at home, with a code of his app.");
    let enabled = asked("PATCH", POLICY, state("enabled"), 204);
    play.graph("He enables `Only from the head office`.", &session, &enabled);
}

/// Without the exclusion there is one way in left: the network, which is out of reach and then out of order.
fn locked_out(play: &mut Play, (ada, bram): &(Person<'_>, Person<'_>)) {
    play.part("Without the exclusion: locked out");
    play.is_refused(ada, "**Ada** signs in at home.", 53_003);
    play.is_refused(bram, "**Bram** signs in at home.", 53_003);
    play.is_refused(&FIRST.at(HOTEL), "**Emergency access 1** signs in from a hotel.", 53_003);
    play.is_refused(&SECOND.at(HOME), "**Emergency access 2** signs in at home.", 53_003);
    play.fails("The line of the head office is cut.", &["network:Head office"]);
    let entry = play.stage.signs_in(&ADA.at(OFFICE));
    assert!(matches!(entry, Entry::NoAnswer), "{entry:?}");
    play.step("**Ada** has driven to the head office and signs in there.", "No answer: the connection ends.");
    play.paragraph(
        "Nobody is left who could repair the tenant. In a real one this is where the wait for Microsoft's support begins. \
         Here the line is mended after some hours.",
    );
    play.fails("The line of the head office works again.", &["network:Head office", "--off"]);
    let session = play.gets_in(&ADA.at(OFFICE), "**Ada** signs in at the head office, with a code of her app.");
    let back = asked("PATCH", POLICY, state("enabledForReportingButNotEnforced"), 204);
    play.graph("She sets `Only from the head office` back to report-only.", &session, &back);
}

/// The product puts the exclusion in.
fn mended(play: &mut Play) {
    play.part("The exclusion is made");
    play.plans("Ada");
    play.applies(("Ada", &ADA.at(HOME)), &[], 0);
    play.runs("Bram", &["guard", "--live", "--policy", "enable.json"], 0);
}

/// With the exclusion an emergency account gets in from anywhere, and repairs the policy.
fn repaired(play: &mut Play, (ada, bram): &(Person<'_>, Person<'_>)) {
    play.part("With the exclusion: the policy is repaired");
    let session = play.gets_in(bram, "**Bram** signs in at home.");
    play.graph(
        "He enables `Only from the head office` again.",
        &session,
        &asked("PATCH", POLICY, state("enabled"), 204),
    );
    play.fails("The line of the head office is cut again.", &["network:Head office"]);
    play.is_refused(ada, "**Ada** signs in at home.", 53_003);
    play.is_refused(bram, "**Bram** signs in at home.", 53_003);
    let emergency =
        play.gets_in(&FIRST.at(HOTEL), "**Emergency access 1** signs in from a hotel, with its password alone.");
    let back = asked("PATCH", POLICY, state("enabledForReportingButNotEnforced"), 204);
    play.graph("It sets `Only from the head office` back to report-only.", &emergency, &back);
    play.gets_in(ada, "**Ada** signs in at home.");
    play.fails("The line of the head office works again.", &["network:Head office", "--off"]);
}
