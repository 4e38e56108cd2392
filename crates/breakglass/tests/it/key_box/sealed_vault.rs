//! Rotations and check-outs with a vault that is sealed half-way: what counts stays, the program says what is safe and what is to
//! be done, and when the vault was unsealed the same command goes on. With a vault that is played, and with a real server of
//! OpenBao where somebody says where its program is. The token of either is nowhere but in its header.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use breakglass_adapters::clock::SystemClock;
use breakglass_custody::name::Name;
use breakglass_ops::ports::Clock as _;
use serde_json::Value;
use tokio::runtime::Runtime;

use super::front::Kind;
use super::marked::{Marked, found_anywhere_and_in};
use super::marked_keys::sealing_keys;
use super::vault::{Moment, Real, VAULT_TOKEN, Vault};
use super::world::{DOCUMENTS, FIRST, PEOPLE, Run, SECOND, WRITER_SECRET, World};

/// The variable that says where `bao` is, OpenBao's program.
const PROGRAM: &str = "BREAKGLASS_BAO";

/// Looks, a fifth of a second after each other, until a server that was begun says how it is unsealed.
const LOOK_COUNT: usize = 300;
const LOOK_MILLISECONDS: u64 = 200;

/// What the server says before the key that unseals it.
const KEY: &str = "Unseal Key: ";

/// Where copies of the vault's documents are put, to be opened here.
const COPIES: &str = "copies";

/// A token that no vault takes.
const OTHER_TOKEN: &str = "another-marked-token-3";

/// What a vault that is sealed is said to be, and how something is opened without it.
const SEALED: &str = "it is sealed: whoever keeps it has to unseal it";
const WAY_ON: &str =
    "another, the cover in the safe or a sheet of documents has it: `breakglass custody open --document FILE`";

/// A server of OpenBao, ended with the test.
struct Bao {
    process: Child,
    real: Real,
}

impl Drop for Bao {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Bao {
    /// Begins one; `None`, with a message, where nobody says where the program is.
    #[expect(clippy::disallowed_methods, reason = "a program of other people is on some machines only")]
    fn begin() -> Option<Self> {
        let Some(program) = std::env::var_os(PROGRAM) else {
            println!("{PROGRAM} names no program: no real server was sealed");
            return None;
        };
        let at = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("sealed-bao-{}", at.port()));
        fs::create_dir_all(&folder).unwrap();
        let said = folder.join("said");
        let file = fs::File::create(&said).unwrap();
        let process = Command::new(program)
            .args(["server", "-dev", "-dev-no-store-token"])
            .arg(format!("-dev-listen-address={at}"))
            .arg(format!("-dev-root-token-id={VAULT_TOKEN}"))
            .env_clear()
            .env("HOME", &folder)
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        let mut bao = Self { process, real: Real { at, key: String::new() } };
        bao.real.key = Runtime::new().unwrap().block_on(async {
            for _ in 0..LOOK_COUNT {
                if let Some(key) = key_in(&fs::read_to_string(&said).unwrap()) {
                    return key;
                }
                SystemClock.sleep(Duration::from_millis(LOOK_MILLISECONDS)).await;
            }
            panic!("the server does not say how it is unsealed: {}", fs::read_to_string(&said).unwrap());
        });
        Some(bao)
    }
}

/// The key that unseals a server, if it has said it, on a line that is whole.
fn key_in(said: &str) -> Option<String> {
    let (_, rest) = said.split_once(KEY)?;
    let (line, _) = rest.split_once('\n')?;
    let is_key = |letter: &char| letter.is_ascii_alphanumeric() || "+/=".contains(*letter);
    Some(line.chars().take_while(is_key).collect())
}

/// A company whose documents are in a vault.
struct Scene {
    world: World,
    vault: Vault,
    shares: Vec<String>,
}

impl Scene {
    fn begin(name: &str, real: Option<Real>) -> Self {
        let world = World::new(name).keeping_removed();
        let vault = world.runtime.block_on(Vault::begin(real));
        world.vault_token.set(VAULT_TOKEN).unwrap();
        declare(&world, &[vault.declared()]);
        let shares = world.new_set();
        Self { world, vault, shares }
    }

    #[track_caller]
    fn rotates(&self, code: i32, name: &str) -> Run {
        self.world.ends(code, &["rotate", "--account", name, "--yes", "--quiescence", "0"], "")
    }

    /// Puts copies of the vault's documents into a folder; their names.
    fn copies(&self, folder: &str) -> Vec<String> {
        let documents = self.world.runtime.block_on(self.vault.documents());
        fs::create_dir_all(self.world.folder.join(folder)).unwrap();
        for (name, text) in &documents {
            fs::write(self.world.folder.join(folder).join(format!("{name}.txt")), text).unwrap();
        }
        documents.into_keys().collect()
    }

    /// That what the tenant knows is in the vault, opens and signs in, and is what is to be opened first.
    #[track_caller]
    fn holds(&self) -> Name {
        drop(fs::remove_dir_all(self.world.folder.join(COPIES)));
        self.copies(COPIES);
        let (current, _) = self.world.holds(FIRST, (COPIES, &self.shares));
        assert_eq!(current.as_ref(), self.world.course(FIRST.0).current());
        current.unwrap()
    }

    fn unseals(&self) {
        assert!(self.vault.is_sealed());
        self.world.runtime.block_on(self.vault.unseal());
    }

    /// Passwords that are set, and sign-ins with one, so far.
    fn changes(&self) -> usize {
        self.world.front.count(Kind::Set) + self.world.front.count(Kind::Prove)
    }

    fn both(&self) -> String {
        self.shares[..2].join("\n")
    }
}

/// Declares depositories in the place of those that were declared.
fn declare(world: &World, places: &[String]) {
    let path = world.folder.join("breakglass.toml");
    let config = fs::read_to_string(&path).unwrap();
    let (others, _) = config.split_once("[[custody.depository]]").unwrap();
    let declared = places.iter().enumerate();
    let declared = declared.map(|(number, place)| format!("[[custody.depository]]\nid = \"place-{number}\"\n{place}"));
    fs::write(&path, format!("{others}{}", declared.collect::<String>())).unwrap();
}

/// What was said, in one line.
fn told(run: &Run) -> String {
    run.err.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn open_by_check_out() -> [&'static str; 6] {
    ["checkout", "open", "--account", FIRST.1, "--share", "-"]
}

/// Whatever needs a document is refused while the vault is sealed, with the way on; nothing is shown or spent.
fn refuses(scene: &Scene, commands: &[&[&str]]) {
    let before = scene.world.run(&["custody", "list", "--format", "json"], "").out;
    let sets = |listing: &str| serde_json::from_str::<Value>(listing).unwrap()["sets"].clone();
    for arguments in commands {
        let refused = scene.world.ends(2, arguments, &scene.both());
        for part in ["BG4051", SEALED, WAY_ON] {
            assert!(told(&refused).contains(part), "{arguments:?}: {}", refused.err);
        }
        assert_eq!(refused.out, "", "{arguments:?}");
    }
    let after = scene.world.run(&["custody", "list", "--format", "json"], "").out;
    assert_eq!(sets(&before), sets(&after));
}

/// It is sealed as a new document is put into it, or as that was, before it is read back.
fn sealed_while_it_keeps(scene: &Scene) {
    for moment in [Moment::Before("POST"), Moment::After("POST")] {
        let (before, changes) = (scene.holds(), scene.changes());
        scene.vault.seals(moment);
        let stopped = scene.rotates(4, FIRST.1);
        for part in [
            "BG4062",
            "nothing was sent, and what counted before still does",
            SEALED,
            "run the same command again: it goes on where it stopped",
        ] {
            assert!(told(&stopped).contains(part), "{moment:?}, {part}: {}", stopped.err);
        }
        assert_eq!(scene.changes(), changes, "{moment:?}: nothing was sent");
        refuses(
            scene,
            &[
                &["rotate", "--account", FIRST.1, "--yes", "--quiescence", "0"],
                &["custody", "open", "--account", FIRST.1, "--share", "-"],
                &["custody", "open", "--document", before.as_str(), "--share", "-"],
                &["checkout", "request", "--account", FIRST.1, "--person", PEOPLE[0], "--reason", "locked out"],
            ],
        );
        // What counts is named by whoever looks for it.
        let listed = scene.world.ends(1, &["custody", "list", "--format", "json"], "");
        assert!(listed.out.contains(&format!("bring the document `{before}`")), "{}", listed.out);
        scene.unseals();
        assert_eq!(scene.holds(), before, "{moment:?}");
        scene.rotates(0, FIRST.1);
        assert_ne!(scene.holds(), before, "{moment:?}");
    }
}

/// It is sealed as a document is to go that counts no more: the rotation is done, and the next takes it away.
fn sealed_while_it_destroys(scene: &Scene) {
    for _ in 0..4 {
        scene.vault.seals(Moment::Before("DELETE"));
        let rotated = told(&scene.rotates(0, FIRST.1));
        if scene.vault.is_sealed() {
            assert!(rotated.contains("has another password"), "{rotated}");
            assert!(rotated.contains("is not destroyed everywhere") && rotated.contains(SEALED), "{rotated}");
            assert!(!rotated.contains("could count no more and is destroyed"), "{rotated}");
            break;
        }
    }
    scene.unseals();
    scene.holds();
    let left: Vec<String> = scene.world.course(FIRST.0).destroyed().map(ToString::to_string).collect();
    let is_there = || scene.copies(COPIES).iter().any(|name| left.contains(name));
    assert!(is_there());
    scene.rotates(0, FIRST.1);
    assert!(!is_there());
}

/// It is sealed between two steps of a check-out: nothing opens by it alone, and what lies beside it does. Gives the shares of
/// the set that is sealed to afterwards.
fn sealed_during_a_check_out(scene: &Scene) -> Vec<String> {
    let Scene { world, vault, .. } = scene;
    let ask = ["checkout", "request", "--account", FIRST.1, "--person", PEOPLE[0], "--reason", "nobody gets in"];
    world.ends(0, &ask, "");
    world.ends(0, &["checkout", "approve", "--account", FIRST.1, "--person", PEOPLE[1], "--yes"], "");
    world.runtime.block_on(vault.seal());
    refuses(scene, &[&open_by_check_out()]);
    scene.unseals();
    scene.copies(DOCUMENTS);
    declare(world, &[vault.declared(), format!("folder = \"{DOCUMENTS}\"\n")]);
    world.runtime.block_on(vault.seal());
    let opened = world.ends(0, &open_by_check_out(), &scene.both());
    assert!(told(&opened).contains(SEALED), "{}", opened.err);
    assert!(world.lets_in(FIRST.1, opened.out.trim()));
    world.ends(0, &["checkout", "return", "--account", FIRST.1, "--person", PEOPLE[0]], "");
    // A document is kept in each place, or nothing is sent.
    scene.unseals();
    let (next, changes) = (world.new_set(), scene.changes());
    world.runtime.block_on(vault.seal());
    let stopped = told(&scene.rotates(4, FIRST.1));
    assert!(stopped.contains("nothing was sent") && stopped.contains(SEALED), "{stopped}");
    assert_eq!(scene.changes(), changes);
    scene.unseals();
    scene.rotates(0, FIRST.1);
    let current = world.course(FIRST.0).current().unwrap().to_string();
    assert!(scene.copies(COPIES).contains(&current));
    for folder in [COPIES, DOCUMENTS] {
        let opened = world.opened(folder, &next);
        let (.., password) = opened.iter().find(|(name, ..)| name.as_str() == current).unwrap();
        assert!(world.lets_in(FIRST.1, password), "{folder}");
    }
    next
}

/// Neither the token nor anything else that is a secret is where it may not be.
fn found_nowhere_else(scene: &Scene, next: &[String]) {
    let Scene { world, vault, shares } = scene;
    let arguments = ["custody", "open", "--account", FIRST.1, "--share", "-"];
    declare(world, &[vault.declared()]);
    let mut command = world.command(&arguments);
    let child = command.env("BREAKGLASS_VAULT_TOKEN", OTHER_TOKEN).spawn().unwrap();
    let refused = world.ended(&arguments, child);
    assert!(refused.code == Some(2) && told(&refused).contains("the token may not do that"), "{refused:?}");
    world.ends(0, &["ledger", "export", "exported"], "");
    world.ends(0, &["state", "backup", "copy.db"], "");
    let mut marked = vec![
        Marked::password("the token of the vault", VAULT_TOKEN),
        Marked::password("the token of the vault that it does not take", OTHER_TOKEN),
        Marked::password("the secret of the application", WRITER_SECRET),
    ];
    marked.extend(sealing_keys(world, &[shares, next]));
    for (set, shares) in [shares.as_slice(), next].into_iter().enumerate() {
        for (number, (.., password)) in world.opened(COPIES, shares).iter().enumerate() {
            marked.push(Marked::generated(&format!("password {number} of set {set}"), password));
        }
        for (number, words) in shares.iter().enumerate() {
            marked.push(Marked::share(&format!("share {number} of set {set}"), words));
        }
    }
    let counts = found_anywhere_and_in(&vault.exchanges(), world, marked);
    // Each request to the vault has its token; each password is set and proved.
    assert!(counts.allowed > 50 && counts.exchanges > 150 && counts.files > 15, "{counts:?}");
}

fn played(name: &str, real: Option<Real>) {
    let scene = Scene::begin(name, real);
    scene.rotates(0, SECOND.1);
    scene.rotates(0, FIRST.1);
    sealed_while_it_keeps(&scene);
    sealed_while_it_destroys(&scene);
    let next = sealed_during_a_check_out(&scene);
    scene.world.ledger_holds();
    found_nowhere_else(&scene, &next);
}

#[test]
fn a_vault_that_is_played_is_sealed_half_way() {
    played("sealed-vault", None);
}

#[test]
fn a_real_server_is_sealed_half_way() {
    let Some(bao) = Bao::begin() else { return };
    played("sealed-bao", Some(bao.real.clone()));
}

#[test]
fn the_key_of_a_server_is_read_once_it_is_whole() {
    for (said, key) in [
        ("", None),
        ("Unseal Key: ", None),
        ("Unseal Key: aB1+/", None),
        ("You may\nUnseal Key: aB1+/x=\u{1b}[0m\nRoot Token: x\n", Some("aB1+/x=")),
    ] {
        assert_eq!(key_in(said).as_deref(), key, "{said}");
    }
}
