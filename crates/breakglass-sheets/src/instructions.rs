//! What a custodian does with a sheet, and how a document is opened, with this program and with those of other people.
//!
//! The programs in Python stand one statement a line and are not indented, since much that copies text out of a PDF takes
//! away spaces at the beginning of lines. A test copies them out of a sheet and opens a document with them.
//! **Sources:** SLIP-0039; the age format, <https://c2sp.org/age>; Bech32, BIP-0173.

use breakglass_custody::key_set::KeySet;
use breakglass_custody::signed_set::SignedSet;

use crate::flow::Flow;

/// Points of what is typed.
const CODE_POINTS: f32 = 9.0;

/// Points of a program.
const PROGRAM_POINTS: f32 = 8.5;

/// Makes the text of an age identity from the 32 bytes that shares give.
const KEY_PROGRAM: &[&str] = &[
    "import sys",
    "from functools import reduce",
    "print('type the 64 digits:', file=sys.stderr)",
    "key = bytes.fromhex(input().strip())",
    "assert len(key) == 32",
    "prefix = 'age-secret-key-'",
    "bits = ''.join(f'{byte:08b}' for byte in key) + '0000'",
    "data = [int(bits[at:at + 5], 2) for at in range(0, 260, 5)]",
    "gen = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3]",
    "mix = lambda top: reduce(lambda all, i: all ^ gen[i] * (top >> i & 1), range(5), 0)",
    "step = lambda old, new: (old & 0x1ffffff) << 5 ^ new ^ mix(old >> 25)",
    "head = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]",
    "check = reduce(step, head + data + [0] * 6, 1) ^ 1",
    "data += [check >> 5 * (5 - at) & 31 for at in range(6)]",
    "letters = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'",
    "print((prefix + '1' + ''.join(letters[one] for one in data)).upper())",
];

/// Takes an age file out of a document.
const DOCUMENT_PROGRAM: &[&str] = &[
    "import json",
    "text = ''.join(line.strip() for line in open('document.txt'))",
    "text = text[text.index('{\"account\":'):]",
    "print(json.JSONDecoder().raw_decode(text)[0]['sealed'], end='')",
];

impl Flow<'_> {
    /// What a custodian does, from the first day to the last.
    pub(crate) fn custodian_duties(&mut self, set: &KeySet, report_to: &str) {
        let id = set.id.to_string();
        self.heading("When you get this sheet");
        self.steps(&[
            (
                "*Look at the seal* of the envelope, and at the name at the top. If the seal was broken, or the \
                 name is not yours, stop and call {}.",
                &[report_to],
            ),
            (
                "*Compare the operator key* at the foot of this page with the fingerprint that you were told in \
                 person or by telephone. It must not come from this envelope.",
                &[],
            ),
            (
                "*Say that you have it,* at the machine where breakglass is set up: `breakglass custody acknowledge --person \
                 YOU`, with your id as `breakglass custody list` shows it. It shows that your words are whole. Until then \
                 nothing is sealed to this set.",
                &[],
            ),
            (
                "*Put it into a new envelope,* seal it, sign across the seal, and put it where only you get at it: \
                 a safe, or a locked drawer at another place than the other sheets.",
                &[],
            ),
        ]);
        self.heading("As long as you have it");
        self.bullets(&[
            (
                "*Never photograph, scan or copy it.* Do not type its words anywhere but into the program that \
                 opens or acknowledges, and do not read them out over a telephone.",
                &[],
            ),
            (
                "*Never keep it with another sheet* of the set {}. Who has {} of them opens everything.",
                &[&id, &set.quorum.threshold().to_string()],
            ),
            (
                "*Keep the last sheet of documents with it:* shares open nothing without one. You are given a new one when a \
                 password was changed; nothing on it is secret.",
                &[],
            ),
            (
                "*It is lost, or somebody saw it:* call {} at once, at any hour. No blame; a new set is made.",
                &[report_to],
            ),
            (
                "*Somebody asks you for it:* hang up, and call back on a number that you had before. Come yourself \
                 with the sheet; do not hand it over. Two persons at least are there when something is opened, \
                 and it is written down.",
                &[],
            ),
            (
                "*You leave, or give up this duty:* tell {} before. Do not pass the sheet on. A new set is made \
                 for your successor; when it is in force you are told to destroy this sheet.",
                &[report_to],
            ),
        ]);
    }

    /// Opening with this program.
    pub(crate) fn opening_with_breakglass(&mut self, set: &SignedSet, is_reserve: bool) {
        let operator = set.operator().fingerprint().to_string();
        let threshold = set.set().quorum.threshold().to_string();
        self.heading("To open, with breakglass");
        self.say("It needs no network and nothing of the tenant. Use a computer that all who are present trust.", &[]);
        self.steps(&[
            (
                "Be together with {} sheets of the set {}, each in the hands of its custodian.",
                &[&threshold, &set.set().id.to_string()],
            ),
            (
                "Take the newest documents that you have: on a sheet of documents, or on the cover in the safe. Of the \
                 account that you need open the one first that *counts;* the next is for when its password is not let in.",
                &[],
            ),
            (
                "Put the text of that document into a file: copied with its lines, or its picture read by a camera. `FILE` \
                 below is the name of that file. Run this:",
                &[],
            ),
        ]);
        let reserve = if is_reserve { " --reserve" } else { "" };
        self.typed(&[&format!("breakglass custody open --document FILE{reserve} --operator {{}}")], &operator);
        self.numbered(
            4,
            "Each custodian types their own words. The program says which word is mistyped, and shows the password when {} \
             shares are right.",
            &[&threshold],
        );
    }

    /// Opening with programs of other people, for somebody who has only the sheets.
    pub(crate) fn opening_with_others(&mut self, set: &KeySet) {
        let threshold = set.quorum.threshold().to_string();
        self.heading("To open, without breakglass");
        self.say(
            "Shares are SLIP-0039, what is sealed is an age file: both are public. You need {} sheets, a computer with \
             Python 3 that you trust, and `age` (age-encryption.org). After step 1 take it off the network.",
            &[&threshold],
        );
        self.numbered(
            1,
            "*Get a program that combines shares.* Any for SLIP-0039 will do; this is one. On \
             Windows it is `box\\Scripts` instead of `box/bin`.",
            &[],
        );
        self.code(CODE_POINTS, &["python3 -m venv box", "box/bin/pip install \"shamir-mnemonic[cli]\""]);
        self.numbered(
            2,
            "*Combine {} shares.* Type the 33 words of each on one line, with spaces and without the numbers. There is no \
             passphrase. It ends with 64 digits, 0 to 9 and a to f.",
            &[&threshold],
        );
        self.code(CODE_POINTS, &["box/bin/shamir recover"]);
        self.numbered(
            3,
            "*Make a key of the digits.* Save these lines as `key.py`, each from the left edge. Run it, and type the 64 \
             digits. `key.txt` then has one line that begins with `AGE-SECRET-KEY-1`.",
            &[],
        );
        self.code(PROGRAM_POINTS, KEY_PROGRAM);
        self.code(CODE_POINTS, &["python3 key.py > key.txt"]);
        self.numbered(
            4,
            "*Prove the key.* This has to print exactly the recipient that stands below it. If not, a word or a sheet is \
             wrong: do not go on.",
            &[],
        );
        self.code(CODE_POINTS, &["age-keygen -y key.txt", &set.recipient.to_string()]);
        self.numbered(
            5,
            "*Take the age file out of the newest document that counts.* Put its text into `document.txt`: copied, with what \
             stands around it but no other document, or its picture read by a camera. By hand the text behind `\"sealed\":` \
             will do, each `\\n` in it being the end of a line. Save these lines as `document.py`:",
            &[],
        );
        self.code(PROGRAM_POINTS, DOCUMENT_PROGRAM);
        self.code(CODE_POINTS, &["python3 document.py > document.age"]);
        self.numbered(
            6,
            "*Open it.* What is printed is the password, and nothing else. Not let in? Then 5 with the next document.",
            &[],
        );
        self.code(CODE_POINTS, &["age -d -i key.txt document.age"]);
        self.numbered(
            7,
            "*Afterwards* delete `key.txt` and shut the computer down. The set {} was opened: every password that is sealed \
             to it has to be changed. Tell the operator, and write it into the log.",
            &[&set.id.to_string()],
        );
    }
}
