//! A report with everything in it that a renderer can get wrong, for the tests of all formats.

use breakglass_engine::posture::{
    Finding, Fix, FixRequest, ObjectKind, ObjectReference, Profile, Report, Severity, Status,
};
use serde_json::json;

use super::paint::Paint;
use super::{Extent, Page};

/// Names as an adversary would choose them.
const HOSTILE: [&str; 6] = [
    "<img src=x onerror=alert(1)>\"'&",
    "=HYPERLINK(\"http://evil.example\";\"click\")",
    "two\nlines | and a pipe",
    "\u{1b}[2J\u{1b}[31mred\u{7}",
    "bg\u{202e}nimda\u{2066}",
    "`; @everyone **bold** [link](javascript:alert(1)) ]]>",
];

/// Characters that act on a terminal or in one of the formats.
pub(super) const ACTING: &str = "<>&\"'|\\=+-@\n\r\t\0\u{1b}\u{7f}\u{9b}\u{202e}\u{2028}\u{feff}\u{fffe}#*_~[]()!;:]]>";

/// The first control character, but for ends of lines.
pub(super) fn control_character(rendered: &str) -> Option<char> {
    rendered.chars().find(|character| character.is_control() && *character != '\n')
}

pub(super) fn page() -> Page {
    Page {
        columns: 100,
        paint: Paint::Plain,
        extent: Extent::Worst,
        judged_at: "2026-11-20T09:30:00Z".parse().unwrap(),
        source: "exports/contoso <main>.json".to_owned(),
        missing: vec!["roleAssignments", "accessReviews"],
    }
}

fn object(kind: ObjectKind, number: usize, name: &str) -> ObjectReference {
    ObjectReference { kind, id: format!("00000000-0000-4000-8000-{number:012}"), name: name.to_owned() }
}

fn finding(rule: &'static str, title: &'static str, status: Status, severity: Severity) -> Finding {
    Finding {
        rule,
        title,
        requirements: &["A1", "X4"],
        severity,
        status,
        message: String::new(),
        objects: Vec::new(),
        fix: None,
    }
}

pub(super) fn report() -> Report {
    Report {
        tenant_id: Some("11111111-2222-3333-4444-555555555555".to_owned()),
        profile: Profile::Current,
        taken_at: Some("2026-11-20T08:00:00Z".parse().unwrap()),
        sentence: "Nobody could get in through the emergency accounts today: the policy `Require compliant device` \
                   stops both of them."
            .to_owned(),
        findings: findings(),
    }
}

/// A report whose every text from outside is this one.
pub(super) fn report_about(name: &str) -> Report {
    let finding = Finding {
        message: name.to_owned(),
        objects: vec![object(ObjectKind::Group, 1, name)],
        fix: Some(Fix::text(name)),
        ..finding("BG0299", "Names are only names", Status::Fail, Severity::Low)
    };
    Report { tenant_id: Some(name.to_owned()), sentence: name.to_owned(), findings: vec![finding], ..report() }
}

fn findings() -> Vec<Finding> {
    let mut findings = vec![excluded(), two_accounts(), group()];
    findings.extend(HOSTILE.iter().enumerate().map(|(at, name)| hostile(at, name)));
    findings.push(Finding {
        message: "The role assignments could not be read: 403 Forbidden: RoleManagement.Read.Directory.".to_owned(),
        fix: Some(Fix::text("Export again with the permission `RoleManagement.Read.Directory`.")),
        ..finding("BG0294", "Each account is Global Administrator for good", Status::Unknown, Severity::Critical)
    });
    findings.push(Finding {
        message: "No list of access reviews is in the snapshot.".to_owned(),
        ..finding("BG0298", "No clean-up touches the accounts", Status::Unknown, Severity::Low)
    });
    findings.push(Finding {
        message: "2 policies that are switched off would have applied: `Old` and `Older`.".to_owned(),
        ..finding("BG0493", "Policies that are switched off", Status::Pass, Severity::Info)
    });
    findings.push(Finding {
        message: "Both accounts are members of the tenant.".to_owned(),
        objects: vec![object(ObjectKind::User, 1, "Break Glass 1"), object(ObjectKind::User, 2, "Break Glass 2")],
        ..finding("BG0292", "Each account is a member, not a guest", Status::Pass, Severity::Critical)
    });
    findings.push(Finding {
        message: "No watcher is configured.".to_owned(),
        ..finding("BG0691", "Every sign-in of an account is reported", Status::NotApplicable, Severity::Critical)
    });
    findings
}

fn excluded() -> Finding {
    let request = FixRequest {
        method: "PATCH",
        url: "/v1.0/identity/conditionalAccess/policies/00000000-0000-4000-8000-000000000007".to_owned(),
        body: Some(json!({ "conditions": { "users": { "excludeGroups": ["00000000-0000-4000-8000-000000000009"] } } })),
    };
    Finding {
        message: "The enforced policy `Require compliant device` applies to `Break Glass 1` and `Break Glass 2` and \
                  demands a compliant device, which neither can show. In an emergency both are turned away."
            .to_owned(),
        objects: vec![
            object(ObjectKind::Policy, 7, "Require compliant device"),
            object(ObjectKind::User, 1, "Break Glass 1"),
            object(ObjectKind::User, 2, "Break Glass 2"),
        ],
        fix: Some(Fix {
            text: "Exclude the group `Emergency access` from the policy, then run the check again.".to_owned(),
            request: Some(request),
        }),
        ..finding("BG0491", "No enforced policy stops an account", Status::Fail, Severity::Critical)
    }
}

fn two_accounts() -> Finding {
    Finding {
        message: "2 accounts are declared and enabled.".to_owned(),
        ..finding("BG0193", "At least two usable accounts are declared", Status::Pass, Severity::Critical)
    }
}

fn group() -> Finding {
    Finding {
        message: "12 users who are no emergency accounts are in the group `Emergency access` and are exempt with them."
            .to_owned(),
        objects: (20..32).map(|at| object(ObjectKind::User, at, &format!("Person {at}"))).collect(),
        fix: Some(Fix {
            text: "Remove them from the group.".to_owned(),
            request: Some(FixRequest {
                method: "DELETE",
                url: "/v1.0/groups/00000000-0000-4000-8000-000000000009/members/{id}/$ref".to_owned(),
                body: None,
            }),
        }),
        ..finding("BG0496", "The exclusion group holds the accounts and nobody else", Status::Fail, Severity::High)
    }
}

fn hostile(at: usize, name: &str) -> Finding {
    Finding {
        message: format!("The name `{name}` gives the account away."),
        objects: vec![object(ObjectKind::User, 40 + at, name), object(ObjectKind::NamedLocation, 60 + at, name)],
        fix: Some(Fix::text(format!("Rename `{name}`."))),
        ..finding(
            "BG0296",
            "Names follow the pattern <prefix>-<number> & give nothing away",
            if at == 0 { Status::Unknown } else { Status::Fail },
            if at == 1 { Severity::Low } else { Severity::Medium },
        )
    }
}
