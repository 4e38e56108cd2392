//! Requests and approvals: what somebody signed, and that it is taken for nothing else.

use breakglass_custody::approval::{Approval, ApprovalError, LEAF_BYTES, Request, SignedRequest};
use breakglass_custody::document::{Account, EnvelopeId};
use breakglass_custody::signed::SignedError;
use breakglass_custody::signing::SigningKey;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::support::{Dice, members, signed_anew};

const LEAF: [u8; LEAF_BYTES] = [7; LEAF_BYTES];

fn at(hours: i64) -> Timestamp {
    "2026-11-27T03:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(hours)
}

struct World {
    ada: SigningKey,
    bram: SigningKey,
    request: SignedRequest,
    approval: Approval,
}

impl World {
    fn new() -> Self {
        let mut dice = Dice::new(41);
        let [ada, bram] = [(); 2].map(|()| SigningKey::generate(dice.fill()).unwrap());
        let request = Request {
            id: EnvelopeId::generate(dice.fill()).unwrap(),
            account: Account { id: "a1".to_owned(), user_principal_name: "emergency@contoso.com".to_owned() },
            document: EnvelopeId::generate(dice.fill()).unwrap(),
            person: "ada".to_owned(),
            reason: "nobody gets in".to_owned(),
            asked_on: at(0),
            expires_on: at(4),
            out_hours: 8,
        };
        let request = SignedRequest::sign(&request, &ada).unwrap();
        let approval = Approval::sign((&request, LEAF), "bram", at(1), &bram).unwrap();
        Self { ada, bram, request, approval }
    }
}

fn request(text: &str, key: &SigningKey) -> Result<SignedRequest, SignedError> {
    SignedRequest::read(text)?.confirmed(key.public().fingerprint())
}

fn approval(text: &str, key: &SigningKey) -> Result<Approval, SignedError> {
    Approval::read(text)?.confirmed(key.public().fingerprint())
}

#[test]
fn what_was_signed_is_read_and_counts() {
    let world = World::new();
    assert!(
        world
            .request
            .text()
            .starts_with(r#"{"account":{"id":"a1","userPrincipalName":"emergency@contoso.com"},"askedOn":"#)
    );
    assert_eq!(request(world.request.text(), &world.ada).unwrap(), world.request);
    let pretty = serde_json::to_string_pretty(&members(world.approval.text())).unwrap();
    let read = approval(&pretty, &world.bram).unwrap();
    assert_eq!(read, world.approval);
    assert_eq!((read.person(), read.signed_on(), read.signer()), ("bram", at(1), world.bram.public()));
    assert_eq!(read.counts_for(&world.request, LEAF), Ok(()));
}

#[test]
fn somebody_else_signs_for_nobody() {
    let world = World::new();
    for (text, key) in [(world.request.text(), &world.bram), (world.approval.text(), &world.ada)] {
        let others = SignedRequest::read(text).err().or_else(|| request(text, key).err());
        assert!(matches!(others, Some(SignedError::OtherSigner { .. } | SignedError::Format { .. })), "{others:?}");
    }
    assert!(matches!(request(world.request.text(), &world.bram), Err(SignedError::OtherSigner { .. })));
    assert!(matches!(approval(world.approval.text(), &world.ada), Err(SignedError::OtherSigner { .. })));
    assert!(matches!(Approval::read(world.request.text()), Err(SignedError::Format { .. })));
    // Another key under the same words is another signature.
    let forged = signed_anew(members(world.approval.text()), &world.ada);
    assert_eq!(Approval::read(&forged).err(), Some(SignedError::Signature));
}

#[test]
fn an_approval_of_other_words_does_not_count() {
    let world = World::new();
    let changes: [(&str, Value); 8] = [
        ("account", json!({ "id": "a2", "userPrincipalName": "emergency@contoso.com" })),
        ("account", json!({ "id": "a1", "userPrincipalName": "other@contoso.com" })),
        ("document", json!("00".repeat(16))),
        ("request", json!("00".repeat(16))),
        ("requester", json!("cleo")),
        ("reason", json!("nobody gets in.")),
        ("expiresOn", json!("2026-11-27T08:00:00Z")),
        ("leaf", json!("00".repeat(32))),
    ];
    for (member, value) in changes {
        let mut changed = members(world.approval.text());
        changed.insert(member.to_owned(), value);
        assert_eq!(
            Approval::read(&serde_json::to_string(&changed).unwrap()).err(),
            Some(SignedError::Signature),
            "{member}"
        );
        let other = approval(&signed_anew(changed, &world.bram), &world.bram).unwrap();
        let refused = other.counts_for(&world.request, LEAF);
        assert_eq!(refused, Err(ApprovalError::OtherRequest { person: "bram".to_owned() }), "{member}");
    }
    let other = world.approval.counts_for(&world.request, [8; LEAF_BYTES]);
    assert_eq!(other, Err(ApprovalError::OtherRequest { person: "bram".to_owned() }), "another entry of the record");
}

#[test]
fn nobody_agrees_with_themselves_or_too_late() {
    let world = World::new();
    let own = Approval::sign((&world.request, LEAF), "ada", at(1), &world.ada).unwrap();
    assert_eq!(own.counts_for(&world.request, LEAF), Err(ApprovalError::OwnRequest("ada".to_owned())));
    let late = Approval::sign((&world.request, LEAF), "bram", at(4), &world.bram).unwrap();
    assert!(matches!(late.counts_for(&world.request, LEAF), Err(ApprovalError::Late { .. })));
}

#[test]
fn what_cannot_be_is_refused_though_it_is_signed() {
    let world = World::new();
    let cases: [(&str, Value, &str); 11] = [
        ("person", json!("Ada"), "person"),
        ("person", json!(""), "person"),
        ("reason", json!(" "), "reason"),
        ("reason", json!("x".repeat(501)), "reason"),
        ("reason", json!("two\nlines"), "reason"),
        ("request", json!("xyz"), "request"),
        ("document", json!("AB".repeat(16)), "document"),
        ("askedOn", json!("yesterday"), "askedOn"),
        ("expiresOn", json!("2026-11-27T03:00:00Z"), "expiresOn"),
        ("outHours", json!(0), "outHours"),
        ("account", json!({ "id": "", "userPrincipalName": "e" }), "id"),
    ];
    for (member, value, named) in cases {
        let mut changed = members(world.request.text());
        changed.insert(member.to_owned(), value.clone());
        let refused = SignedRequest::read(&signed_anew(changed, &world.ada)).unwrap_err();
        assert!(
            matches!(&refused, SignedError::Member { member, .. } if *member == named),
            "{member} {value}: {refused}"
        );
    }
    let mut changed = members(world.approval.text());
    changed.insert("leaf".to_owned(), json!("77".repeat(31)));
    let refused = Approval::read(&signed_anew(changed, &world.bram)).unwrap_err();
    assert!(matches!(refused, SignedError::Member { member: "leaf", .. }), "{refused}");
}
