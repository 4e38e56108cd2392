//! BG0701 to BG0706: the credentials are kept so that they can be had in the emergency, and only then.

use super::super::Severity;
use super::awaited::{Awaited, Part};

pub(super) const ENVELOPE: Awaited = Awaited {
    code: "BG0701",
    title: "An envelope holds each account's current password",
    requirements: &["P2", "P4"],
    severity: Severity::Critical,
    part: Part::Custody,
    explanation: "\
**What it means.** For the password that the directory holds today there is a sealed envelope with enough shares to \
open it.

**Why it matters.** A password that was changed and not sealed is lost, and with it the account (situation E6). An old \
envelope opens, and what is in it no longer works.

**How it is judged.** By the envelope's id and the record of the rotation; no hash of the secret is kept anywhere. \
While custody is not configured the rule does not apply; where its records were not read it is `unknown`.

**What to do.** Rotate the password, and seal the new one before it is set.

**Source:** requirements P2 and P4 of this product.",
};

pub(super) const QUORUM: Awaited = Awaited {
    code: "BG0702",
    title: "No single person and no single place can open an envelope",
    requirements: &["P2", "P3"],
    severity: Severity::High,
    part: Part::Custody,
    explanation: "\
**What it means.** At least two shares are needed, the custodians are in at least two places, and nobody holds enough \
shares alone.

**Why it matters.** One person alone could use the account unseen (situation E4), and one fire or one absence could \
take it away (E6).

**How it is judged.** By the custodians and shares on record. While custody is not configured the rule does not apply; \
where its records were not read it is `unknown`.

**What to do.** Make a new set of shares, and destroy the old one.

**Source:** requirement P3 of this product.",
};

pub(super) const ROTATED: Awaited = Awaited {
    code: "BG0703",
    title: "The password was changed after the last use",
    requirements: &["P4", "P5"],
    severity: Severity::High,
    part: Part::Custody,
    explanation: "\
**What it means.** After every use outside a drill the account got a new password, and the old one is dead.

**Why it matters.** Whoever was in the room knows the old one (situation E4).

**How it is judged.** By the records of openings and rotations. While custody is not configured the rule does not \
apply; where its records were not read it is `unknown`.

**What to do.** Rotate the password.

**Source:** requirement P4 of this product; Microsoft, *Manage emergency access accounts* (4 June 2026).",
};

pub(super) const POST_MORTEM: Awaited = Awaited {
    code: "BG0704",
    title: "Every use was looked into afterwards",
    requirements: &["P3", "W7"],
    severity: Severity::Medium,
    part: Part::Custody,
    explanation: "\
**What it means.** For each use somebody wrote down why it was needed, what was done, and what changes.

**Why it matters.** A use that nobody looks into is repeated, or was not what it seemed (situation E4).

**How it is judged.** By the incidents on record. While custody is not configured the rule does not apply; where its \
records were not read it is `unknown`.

**What to do.** Write down what each use was, and close its incident.

**Source:** Microsoft, *Manage emergency access accounts* (4 June 2026): a post-mortem after each use.",
};

pub(super) const PEOPLE_REVIEWED: Awaited = Awaited {
    code: "BG0705",
    title: "The list of authorised people was reviewed within 90 days",
    requirements: &["P3", "P6"],
    severity: Severity::Medium,
    part: Part::Custody,
    explanation: "\
**What it means.** In the last 90 days somebody went through the custodians: all of them are still there, and still \
the right ones.

**Why it matters.** A custodian who has left takes a share along. With enough of them gone the envelope cannot be \
opened any more (situation E6).

**How it is judged.** By the reviews on record. While custody is not configured the rule does not apply; where its \
records were not read it is `unknown`.

**What to do.** Go through the list, and make a new set of shares where somebody has left.

**Source:** Microsoft, *Manage emergency access accounts* (4 June 2026): validate every 90 days and after changes of \
staff.",
};

pub(super) const PROCEDURE: Awaited = Awaited {
    code: "BG0706",
    title: "The procedure is written down",
    requirements: &["P6"],
    severity: Severity::Info,
    part: Part::Custody,
    explanation: "\
**What it means.** A document says who decides, where the envelopes are, how to sign in, what to repair first and what \
to do afterwards. It is on record with its place and date.

**Why it matters.** In an emergency the person who knows it by heart is on leave (all situations, E1 to E6).

**How it is judged.** By the document on record. While custody is not configured the rule does not apply; where its \
records were not read it is `unknown`.

**What to do.** Write it, print it, and keep a copy with each envelope.

**Source:** requirement P6 of this product.",
};
