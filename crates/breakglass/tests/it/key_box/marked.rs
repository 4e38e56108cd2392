//! Marked secrets: passwords and shares that are known go through every command of the key box and through its error paths,
//! and are looked for everywhere afterwards: in what was said, on either screen of a terminal, in every file, in what went over
//! the line.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use breakglass_custody::password::{Language, Password};
use memchr::memmem::Finder;

use super::extracted::pages;
use super::front::{Exchange, Fate, Kind};
use super::marked_keys::sealing_keys;
use super::vault::VaultExchange;
use super::world::{FIRST, Run, SECOND, WRITER_SECRET, World, files_below};

/// Words of a share, one after the other, that nobody may see.
const WORD_COUNT: usize = 6;

/// Characters of a password, one after the other, that nobody may see: three of its groups. Fewer may be there by chance.
const PART_CHARS: usize = 12;

/// Rows in which a share is shown.
const ROW_COUNT: usize = 11;

/// The token of a vault that does not answer.
const AWAY_TOKEN: &str = "vault~token~1";

/// A secret, and every form in which it may turn up.
pub(super) struct Marked {
    /// What it is, in words that are no secret.
    what: String,
    forms: Vec<Finder<'static>>,
}

impl Marked {
    pub(super) fn password(what: &str, text: &str) -> Self {
        Self::of(what, forms_of(text))
    }

    /// A password that this program has made: its parts as well, and as it stands on paper and is read aloud.
    pub(super) fn generated(what: &str, text: &str) -> Self {
        let mut forms = forms_of(text);
        for part in text.as_bytes().windows(PART_CHARS) {
            forms.push(part.to_vec());
            forms.push(in_hex(part).into_bytes());
            forms.push(part.iter().flat_map(|byte| [*byte, 0]).collect());
        }
        let password = Password::of_text(text.to_owned());
        let pairs = |text: &str, between: &str| -> Vec<Vec<u8>> {
            let groups: Vec<&str> = text.split(between).collect();
            groups.windows(2).map(|two| two.join(between).into_bytes()).collect()
        };
        forms.extend(password.with_paper(|text| pairs(text, " ")).unwrap());
        for language in [Language::English, Language::German] {
            forms.extend(password.with_spelling(language, |text| pairs(text, "\n")).unwrap());
        }
        Self::of(what, forms)
    }

    /// What is no text.
    pub(super) fn bytes(what: &str, bytes: &[u8]) -> Self {
        Self::of(what, forms_of_bytes(bytes))
    }

    pub(super) fn share(what: &str, words: &str) -> Self {
        let words: Vec<&str> = words.split_whitespace().collect();
        let mut forms = Vec::new();
        for some in words.windows(WORD_COUNT) {
            for between in [" ", "+", "%20", "\n", ", ", "\",\"", "-"] {
                let text = some.join(between);
                forms.push(text.to_uppercase().into_bytes());
                forms.push(text.into_bytes());
            }
            forms.extend(in_base64(some.join(" ").as_bytes()));
        }
        let rows = (0..ROW_COUNT).flat_map(|row| words.iter().skip(row).step_by(ROW_COUNT).copied());
        let rows: Vec<&str> = rows.collect();
        forms.extend(rows.windows(WORD_COUNT).map(|some| some.join(" ").into_bytes()));
        Self::of(what, forms)
    }

    /// In forms that are known.
    pub(super) fn of(what: &str, mut forms: Vec<Vec<u8>>) -> Self {
        forms.sort();
        forms.dedup();
        assert!(forms.iter().all(|form| form.len() > 8), "{what}");
        let forms = forms.iter().map(|form| Finder::new(form).into_owned()).collect();
        Self { what: what.to_owned(), forms }
    }

    pub(super) fn is_in(&self, bytes: &[u8]) -> bool {
        self.forms.iter().any(|form| form.find(bytes).is_some())
    }
}

/// A text in every form in which it may turn up.
pub(super) fn forms_of(text: &str) -> Vec<Vec<u8>> {
    let bytes = text.as_bytes();
    let hex = in_hex(bytes);
    let percent = |is_plain: &dyn Fn(u8) -> bool, lower: bool| -> String {
        let one = |byte: &u8| match is_plain(*byte) {
            true => char::from(*byte).to_string(),
            false if lower => format!("%{byte:02x}"),
            false => format!("%{byte:02X}"),
        };
        bytes.iter().map(one).collect()
    };
    let json = serde_json::to_string(text).unwrap();
    let html = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let mut forms = vec![text.to_owned(), hex.to_uppercase(), hex, json.trim_matches('"').to_owned(), html];
    for lower in [true, false] {
        forms.push(percent(&|byte| byte.is_ascii_alphanumeric(), lower));
        forms.push(percent(&|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte), lower));
        forms.push(percent(&|byte| byte.is_ascii_alphanumeric() || b"*-._".contains(&byte), lower));
        forms.push(percent(&|_| false, lower));
    }
    let mut forms: Vec<Vec<u8>> = forms.into_iter().map(String::into_bytes).collect();
    forms.push(text.encode_utf16().flat_map(u16::to_le_bytes).collect());
    forms.push(text.encode_utf16().flat_map(u16::to_be_bytes).collect());
    forms.extend(in_base64(bytes));
    forms
}

/// What is no text in every form in which it may turn up.
pub(super) fn forms_of_bytes(bytes: &[u8]) -> Vec<Vec<u8>> {
    let hex = in_hex(bytes);
    let mut forms = vec![bytes.to_vec(), hex.to_uppercase().into_bytes(), hex.into_bytes()];
    forms.extend(in_base64(bytes));
    forms
}

fn in_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a text becomes in Base64 wherever it stands in what is encoded, without its ends, which depend on what is beside it.
fn in_base64(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut found = vec![STANDARD.encode(bytes).into_bytes()];
    for before in 0..3_usize {
        let padded = [&[0; 2][..before], bytes].concat();
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let text = engine.encode(&padded).into_bytes();
            let (from, to) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
            found.push(text[from..to].to_vec());
        }
    }
    found
}

/// What was looked through, and what was found where it may be.
#[derive(Debug, Default)]
pub(super) struct Counts {
    bytes: usize,
    outputs: usize,
    pub(super) files: usize,
    /// Files that were taken away, as far as they were seen.
    removed: usize,
    pub(super) exchanges: usize,
    /// Found where it may be: that shows that it is found.
    pub(super) allowed: usize,
}

/// Commands that show what was sealed, or made.
const SHOWING: [&str; 3] = ["custody open", "checkout open", "custody generate password"];

/// Commands at which holders type their shares or are shown them, if they are begun at a terminal.
const TYPED: [&str; 6] =
    ["custody acknowledge", "custody new-set", "custody open", "custody rehearse", "checkout open", "drill"];

/// Commands that show passwords to whoever asks for them at a terminal, on the other screen alone.
const SHOWING_THERE: [&str; 1] = ["drill"];

struct Search<'s> {
    marked: &'s [Marked],
    counts: Counts,
    found: Vec<String>,
}

impl Search<'_> {
    /// Looks through something; what may be in it is told by the words for it.
    fn through(&mut self, place: &str, bytes: &[u8], may_be: impl Fn(&str) -> bool) {
        self.counts.bytes += bytes.len();
        for marked in self.marked {
            match marked.is_in(bytes) {
                true if may_be(&marked.what) => self.counts.allowed += 1,
                true => self.found.push(format!("{} is in {place}", marked.what)),
                false => {}
            }
        }
    }

    fn runs(&mut self, runs: &[Run]) {
        for run in runs {
            let words = run.arguments.join(" ");
            let shows = SHOWING.iter().any(|shows| words.starts_with(shows))
                || words.starts_with("custody seal") && words.contains("--generate");
            let is_shown =
                |what: &str| shows && (what.starts_with("password") || matches!(what, "PIN" | "private key"));
            // There somebody is shown the password of each account that is made.
            let makes = run.screen.is_some() && words.starts_with("apply ");
            self.counts.outputs += 2;
            self.through(&format!("the output of `{words}`"), run.out.as_bytes(), is_shown);
            self.through(&format!("the notes of `{words}`"), run.err.as_bytes(), |what| {
                makes && what.starts_with("password")
            });
            let Some(screen) = &run.screen else { continue };
            self.counts.outputs += 1;
            let is_typed = TYPED.iter().any(|typed| words.starts_with(typed));
            let shows_there = SHOWING_THERE.iter().any(|shows| words.starts_with(shows));
            let may_be = |what: &str| {
                is_shown(what) || shows_there && what.starts_with("password") || is_typed && what.starts_with("share")
            };
            self.through(&format!("the other screen of `{words}`"), screen.as_bytes(), may_be);
            // What has numbers is a share without them.
            self.through(&format!("the words on the other screen of `{words}`"), in_order(screen).as_bytes(), may_be);
            self.through(&format!("the words beside it, of `{words}`"), in_order(&run.err).as_bytes(), |what| {
                makes && what.starts_with("password")
            });
        }
    }

    fn line(&mut self, exchanges: &[Exchange]) {
        for Exchange { kind, request, answer } in exchanges {
            self.counts.exchanges += 1;
            let end = request.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
            let (head, body) = request.split_at(end);
            self.through(&format!("the head of a request, {kind:?}"), head, |_| false);
            self.through(&format!("the body of a request, {kind:?}"), body, |what| match kind {
                Kind::Make | Kind::Set | Kind::Prove => what.starts_with("password"),
                Kind::SignIn => what == "the secret of the application",
                Kind::Read | Kind::Look | Kind::Revoke | Kind::Delete => false,
            });
            self.through(&format!("the answer to a request, {kind:?}"), answer, |_| false);
        }
    }

    /// A vault knows its token by one header; nothing else that it is sent or sends has anything of a secret.
    fn vault(&mut self, exchanges: &[VaultExchange]) {
        for VaultExchange { request, answer } in exchanges {
            self.counts.exchanges += 1;
            let end = request.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
            let (head, body) = request.split_at(end);
            for line in head.split(|byte| *byte == b'\n') {
                let is_token = line.starts_with(b"x-vault-token: ");
                self.through("the head of a request to the vault", line, |what| {
                    is_token && what.starts_with("the token of the vault")
                });
            }
            self.through("the body of a request to the vault", body, |_| false);
            self.through("the answer of the vault", answer, |_| false);
        }
    }
}

/// The same document with one letter of its body changed.
fn damaged(text: &str) -> String {
    let at = text.len() / 2;
    let other = if text.as_bytes()[at] == b'A' { "B" } else { "A" };
    format!("{}{other}{}", text.get(..at).unwrap(), text.get(at + 1..).unwrap())
}

/// The words with two of them exchanged, and with one that no list has.
pub(super) fn misread(words: &str) -> [String; 2] {
    let mut swapped: Vec<&str> = words.split(' ').collect();
    swapped.swap(7, 20);
    let mut unlisted: Vec<&str> = words.split(' ').collect();
    unlisted[9] = "breakglass";
    [swapped.join(" "), unlisted.join(" ")]
}

struct Desk {
    world: World,
    /// Every share of every set, and the numbers of their sets.
    shares: Vec<Vec<String>>,
    /// Passwords that were shown.
    shown: Vec<String>,
}

impl Desk {
    fn rotate(&self, code: i32, name: &str) -> Run {
        self.world.ends(code, &["rotate", "--account", name, "--yes", "--quiescence", "0"], "")
    }

    fn keeps_what_is_shown(&mut self, run: &Run) {
        let password = run.out.trim().to_owned();
        assert!(password.len() >= 16 && !password.contains(' '), "{run:?}");
        self.shown.push(password);
    }

    /// A check-out from start to end.
    fn checks_out(&mut self) {
        let (account, world) = (FIRST.1, &self.world);
        let shares = self.shares[0].join("\n");
        let open = ["checkout", "open", "--account", account, "--share", "-"];
        world.ends(2, &open, &shares);
        world.ends(
            0,
            &["checkout", "request", "--account", account, "--person", "ada", "--reason", "nobody gets in"],
            "",
        );
        world.ends(0, &["checkout", "refuse", "--account", account, "--person", "cleo"], "");
        world.ends(
            0,
            &["checkout", "request", "--account", account, "--person", "ada", "--reason", "nobody gets in"],
            "",
        );
        world.ends(2, &open, &shares);
        world.ends(2, &["checkout", "approve", "--account", account, "--person", "ada", "--yes"], "");
        world.ends(0, &["checkout", "approve", "--account", account, "--person", "bram", "--yes"], "");
        for wrong in misread(&self.shares[0][0]) {
            world.ends(2, &open, &format!("{wrong}\n{}", self.shares[0][1]));
        }
        world.ends(2, &open, &format!("{0}\n{0}", self.shares[0][0]));
        world.ends(2, &open, &self.shares[0][2]);
        let opened = world.ends(0, &open, &shares);
        world.ends(2, &open, &shares);
        world.ends(0, &["checkout", "return", "--account", account, "--person", "ada"], "");
        self.keeps_what_is_shown(&opened);
    }

    /// What custodians do wrong.
    fn goes_wrong(&self, name: &str) {
        let world = &self.world;
        let document = format!("documents/{name}");
        let path = fs::read_dir(world.folder.join("documents")).unwrap().map(|entry| entry.unwrap().path());
        let path = path.into_iter().find(|path| path.to_str().unwrap().contains(&document)).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        fs::write(world.folder.join("damaged.txt"), damaged(&text)).unwrap();
        let shares = &self.shares[0];
        let both = format!("{}\n{}", shares[0], shares[1]);
        let open = |document: &str, input: &str| {
            world.ends(2, &["custody", "open", "--document", document, "--share", "-"], input)
        };
        open("damaged.txt", &both);
        open("not-there", &both);
        open(name, "");
        open(name, &shares[0]);
        open(name, &format!("{}\n{}", shares[0], self.shares[1][1]));
        open(name, &self.shares[1].join("\n"));
        open(name, &format!("{} {}", shares[0], shares[1]));
        open(name, &"x".repeat(10_000));
        open(name, &[both.as_str(); 9].join("\n"));
        for wrong in misread(&shares[1]) {
            open(name, &format!("{}\n{wrong}", shares[0]));
        }
        world.ends(
            2,
            &["custody", "open", "--document", path.to_str().unwrap(), "--operator", "0000", "--share", "-"],
            &both,
        );
        world.ends(2, &["custody", "rehearse", "--share", "-"], &shares[0]);
        world.ends(2, &["custody", "acknowledge", "--person", "ada", "--share", "-"], &shares[1]);
        world.ends(2, &["custody", "open", "--account", FIRST.1, "--share", "nothing-there"], "");
        // Somebody puts the words where a file is named.
        world.ends(2, &["custody", "open", "--account", FIRST.1, "--share", &shares[0]], "");
        world.ends(2, &["custody", "open", "--account", FIRST.1, "--spell", "en"], "");
        world.ends(2, &["custody", "seal", "--account", SECOND.1, "--id", SECOND.0], "");
        world.ends(2, &["custody", "new-set"], "");
    }

    /// Sheets, the ledger and a copy of the state.
    fn writes(&self) {
        let world = &self.world;
        let newest = self.shares.last().unwrap();
        // The accounts are sealed to two.
        let set = newest[0].split(' ').take(2).collect::<Vec<_>>().join("-");
        for (what, output) in [("cover", "cover.pdf"), ("runbook", "runbook.pdf")] {
            world.ends(2, &["custody", "sheet", what, "--output", output], "");
            world.ends(0, &["custody", "sheet", what, "--set", &set, "--output", output], "");
        }
        let own = ["custody", "sheet", "share", "--set", &set, "--output", "sheet.pdf", "--share", "-"];
        world.ends(0, &own, &newest[0]);
        world.ends(1, &["custody", "list"], "");
        for words in [
            &["ledger", "show"][..],
            &["ledger", "show", "--format", "json"],
            &["ledger", "checkpoint", "--output", "checkpoint.txt"],
            &["ledger", "export", "exported"],
            &["ledger", "verify"],
            &["state", "backup", "copy.db"],
        ] {
            let run = world.run(words, "");
            assert!(matches!(run.code, Some(0 | 3)), "{run:?}");
        }
        let key = fs::read_to_string(world.state().join("ledger.key")).unwrap();
        let key = key.lines().nth(1).unwrap().strip_prefix("public ").unwrap().to_owned();
        world.ends(0, &["ledger", "witness", "--folder", "witness", "--key", &key, "--log", "exported"], "");
    }

    /// The tenant and the vault are away, or say no.
    fn is_away(&self) {
        let world = &self.world;
        let fates = [
            (Kind::Set, Fate::Refused(403)),
            (Kind::Set, Fate::Refused(400)),
            (Kind::Revoke, Fate::Refused(403)),
            (Kind::SignIn, Fate::Refused(400)),
        ];
        for (of, fate) in fates {
            world.front.decide(move |kind| if kind == of { fate } else { Fate::Passed });
            let run = world.run(&["rotate", "--account", FIRST.1, "--yes", "--quiescence", "0"], "");
            assert!(run.code.is_some_and(|code| code != 0), "{of:?} {fate:?}: {run:?}");
        }
        world.front.decide(|_| Fate::Passed);
        // What is left of the one that was proved is done, and needs no depository.
        let run = world.run(&["rotate", "--account", FIRST.1, "--yes", "--quiescence", "0"], "");
        assert_eq!(run.code, Some(0), "{run:?}");
        let config = fs::read_to_string(world.folder.join("breakglass.toml")).unwrap();
        let vault = "vault = { address = \"https://127.0.0.1:1\", mount = \"kv\", path = \"breakglass\" }\n";
        fs::write(world.folder.join("vault.toml"), config.replace("folder = \"documents\"\n", vault)).unwrap();
        let gone = config.replace(&world.at.to_string(), "127.0.0.1:1");
        fs::write(world.folder.join("gone.toml"), gone).unwrap();
        for file in ["vault.toml", "gone.toml"] {
            let words = ["rotate", "--account", FIRST.1, "--yes", "--config", file, "--state", ".breakglass"];
            let mut command = world.command(&words);
            let child = command.env("BREAKGLASS_VAULT_TOKEN", AWAY_TOKEN).spawn().unwrap();
            let run = world.ended(&words, child);
            assert!(run.code.is_some_and(|code| code != 0), "{file}: {run:?}");
        }
    }
}

/// The secret half of each key that is in a file as it is, and the file.
fn seeds(world: &World) -> Vec<(Marked, String)> {
    let mut found = Vec::new();
    for path in files_below(&world.folder).into_iter().filter(|path| path.extension().is_some_and(|is| is == "key")) {
        let text = fs::read_to_string(&path).unwrap();
        // Whoever has its passphrase looks for it.
        if text.contains("-----BEGIN AGE ENCRYPTED FILE-----") {
            continue;
        }
        let seed = text.lines().last().unwrap().rsplit(' ').next().unwrap().to_owned();
        assert_eq!(seed.len(), 64, "{}", path.display());
        let name = path.strip_prefix(&world.folder).unwrap().display().to_string();
        found.push((Marked::password(&format!("seed of {name}"), &seed), name));
    }
    found
}

/// Looks for secrets, and for the seeds of all keys, in everything that was said, written and sent; fails where one is that may
/// not be there.
pub(super) fn found_anywhere(world: &World, marked: Vec<Marked>) -> Counts {
    found_anywhere_and_in(&[], world, marked)
}

/// The same, with what went to a vault and came from it.
pub(super) fn found_anywhere_and_in(vault: &[VaultExchange], world: &World, mut marked: Vec<Marked>) -> Counts {
    let (seeds, files): (Vec<Marked>, Vec<String>) = seeds(world).into_iter().unzip();
    marked.extend(seeds);

    let mut search = Search { marked: &marked, counts: Counts::default(), found: Vec::new() };
    let runs = world.runs.lock().unwrap().clone();
    search.runs(&runs);
    search.line(&world.front.exchanges());
    search.vault(vault);
    for (name, bytes) in world.removed_files() {
        search.counts.removed += 1;
        search.through(&format!("the file `{name}`, which is gone"), &bytes, |_| false);
    }
    for folder in [&world.folder, &world.served.folder] {
        for path in files_below(folder) {
            search.counts.files += 1;
            let (name, bytes) = (path.strip_prefix(folder).unwrap().display().to_string(), fs::read(&path).unwrap());
            search.through(&format!("the file `{name}`"), &bytes, |what| {
                files.contains(&name) && what == format!("seed of {name}")
            });
            if name.ends_with(".pdf") {
                let text: String = pages(&bytes).iter().map(|page| page.sentence() + " ").collect();
                let own = format!("share 0 of set {}", world.sets().len() - 1);
                search.through(&format!("the text of `{name}`"), in_order(&text).as_bytes(), |what| {
                    name == "sheet.pdf" && what == own
                });
            }
        }
    }
    let Search { counts, found, .. } = search;
    println!(
        "{} secrets in {} forms; {} commands, {} outputs, {} files and {} that are gone, {} exchanges, {} bytes; found {} times \
         where they may be",
        marked.len(),
        marked.iter().map(|one| one.forms.len()).sum::<usize>(),
        runs.len(),
        counts.outputs,
        counts.files,
        counts.removed,
        counts.exchanges,
        counts.bytes,
        counts.allowed
    );
    assert!(found.is_empty(), "{found:#?}");
    counts
}

#[test]
fn marked_secrets_are_nowhere_they_may_not_be() {
    let world = World::new("marked").keeping_removed();
    let first = world.new_set();
    let mut desk = Desk { world, shares: vec![first], shown: Vec::new() };
    let sealed = desk.world.ends(0, &["custody", "seal", "--account", SECOND.1, "--id", SECOND.0, "--generate"], "");
    desk.keeps_what_is_shown(&sealed);
    desk.world.ends(2, &["custody", "seal", "--account", SECOND.1, "--id", SECOND.0, "--generate"], "");
    let made = desk.world.ends(0, &["custody", "generate", "password"], "");
    desk.keeps_what_is_shown(&made);
    desk.rotate(0, FIRST.1);
    desk.rotate(0, SECOND.1);
    desk.rotate(0, FIRST.1);
    desk.checks_out();
    // What was opened is sealed to no more: the next set.
    desk.rotate(2, FIRST.1);
    let next = desk.world.new_set();
    desk.shares.push(next);
    let current = desk.world.course(FIRST.0).current().unwrap().clone();
    desk.goes_wrong(current.as_str());
    desk.rotate(0, FIRST.1);
    desk.is_away();
    let both = desk.shares[1][..2].join("\n");
    let account = ["custody", "open", "--account", FIRST.1, "--share", "-"];
    let opened = desk.world.ends(0, &account, &both);
    desk.keeps_what_is_shown(&opened);
    let name = desk.world.course(FIRST.0).current().unwrap().to_string();
    desk.world.ends(
        0,
        &[
            "custody",
            "record-opening",
            "--document",
            &name,
            "--person",
            "ada",
            "--person",
            "cleo",
            "--reason",
            "a drill",
        ],
        "",
    );
    let spent = desk.world.sets().last().unwrap().id.to_string();
    desk.world.ends(0, &["custody", "retire", "--set", &spent, "--reason", "ada has left"], "");
    let next = desk.world.new_set();
    desk.shares.push(next);
    desk.writes();

    let Desk { world, shares, shown } = &desk;
    let mut marked = vec![
        Marked::password("the secret of the application", WRITER_SECRET),
        Marked::password("the token of a vault that is away", AWAY_TOKEN),
    ];
    marked.extend(sealing_keys(world, &shares.iter().map(Vec::as_slice).collect::<Vec<_>>()));
    let mut passwords: Vec<String> = shown.clone();
    for set in shares {
        passwords.extend(world.opened(super::world::DOCUMENTS, set).into_iter().map(|(_, _, password)| password));
    }
    passwords.sort();
    passwords.dedup();
    for (number, password) in passwords.iter().enumerate() {
        marked.push(Marked::generated(&format!("password {number}"), password));
    }
    for (set, shares) in shares.iter().enumerate() {
        for (number, words) in shares.iter().enumerate() {
            marked.push(Marked::share(&format!("share {number} of set {set}"), words));
        }
    }
    let counts = found_anywhere(world, marked);
    // Shown four times at least, set and proved each time, one secret in each key file, and one share on its sheet.
    assert!(counts.allowed > 20 && counts.exchanges > 100 && counts.files > 30, "{counts:?}");
}

/// A share on paper has a number before each word.
fn in_order(text: &str) -> String {
    let words = text.split_whitespace().filter(|word| word.trim_end_matches('.').parse::<u32>().is_err());
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn every_form_of_a_marked_secret_is_found() {
    let text = "Aq7@Lm\"x/Zt&4+W9";
    let marked = Marked::password("it", text);
    for (before, after) in [("", ""), ("a", "bc"), ("ab", "c"), ("abc", "")] {
        let whole = format!("{before}{text}{after}");
        for shown in [
            whole.clone(),
            STANDARD.encode(&whole),
            URL_SAFE_NO_PAD.encode(&whole),
            serde_json::json!({ "password": whole }).to_string(),
            crate::served::written(&[("password", &whole)]),
        ] {
            assert!(marked.is_in(shown.as_bytes()), "{shown}");
        }
    }
    let made = "Xk7m#aBc9=dEf3?g";
    let (marked, password) = (Marked::generated("it", made), Password::of_text(made.to_owned()));
    for shown in [
        made.get(2..14).unwrap().to_owned(),
        password.with_paper(str::to_owned).unwrap(),
        password.with_spelling(Language::English, str::to_owned).unwrap(),
    ] {
        assert!(marked.is_in(shown.as_bytes()), "{shown}");
    }
    assert!(!marked.is_in(made.get(2..13).unwrap().as_bytes()));
    let words: Vec<String> = (0..33).map(|number| format!("word{number}")).collect();
    let share = Marked::share("it", &words.join(" "));
    assert!(share.is_in(words[20..26].join(" ").to_uppercase().as_bytes()));
    assert!(!share.is_in(words[20..25].join(" ").as_bytes()));
    assert!(share.is_in(in_order(" 1 word0  12 word11  23 word22\n 2 word1  13 word12  24 word23\n").as_bytes()));
}
