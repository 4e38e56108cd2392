//! A company with three custodians, two emergency accounts and a tenant behind a [`Front`], in a folder of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, OnceLock};

use breakglass_adapters::key_file;
use breakglass_adapters::sqlite_store::SqliteStore;
use breakglass_custody::document::Document;
use breakglass_custody::key_set::KeySet;
use breakglass_custody::name::Name;
use breakglass_custody::signed_set::SignedSet;
use breakglass_custody::signing::SigningPublicKey;
use breakglass_custody::slip39::Share;
use breakglass_ops::key_box::record::Entry;
use breakglass_ops::ports::Store as _;
use breakglass_ops::reading::{RELATED, SOURCES};
use breakglass_ops::rotation::journey::course_of;
use breakglass_ops::rotation::record::Course;
use breakglass_tenant::profile::Profile;
use breakglass_tenant::{backstage, tls};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::front::Front;
#[cfg(target_os = "linux")]
use super::removed::Removed;
use crate::served::{Served, written};

pub(super) const TENANT: &str = "6c1b0e0e-54a2-4d39-9d0f-b4ea6f1a5509";
pub(super) const WRITER: &str = "7a6f2f3c-58e1-4f36-9a60-0e54b1a7d009";
pub(super) const WRITER_SECRET: &str = "writer~secret~marked~1";
const GRAPH: &str = "00000003-0000-0000-c000-000000000000";
pub(super) const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";

/// The emergency accounts: id, sign-in name, and the password that counts before anything is sealed.
pub(super) const FIRST: (&str, &str, &str) =
    ("00000000-0000-4000-8000-0000000000a8", "emergency-access-1@contoso.onmicrosoft.com", "Before-All-Of-This-1");
pub(super) const SECOND: (&str, &str, &str) =
    ("00000000-0000-4000-8000-0000000000a9", "emergency-access-2@contoso.onmicrosoft.com", "Before-All-Of-This-2");

/// Longer than an account is locked after wrong passwords, seconds.
const LOCK_SECONDS: i64 = 70_000;

/// How often a lock is waited for.
const LOCK_COUNT_MAX: i64 = 20;

/// Where documents are.
pub(super) const DOCUMENTS: &str = "documents";

/// The custodians.
pub(super) const PEOPLE: [&str; 3] = ["ada", "bram", "cleo"];

/// A custodian with their own key of age.
pub(super) struct Custodian {
    pub(super) id: &'static str,
    pub(super) age: age::x25519::Identity,
}

/// The company.
pub(super) struct World {
    pub(super) runtime: Runtime,
    pub(super) served: Served,
    pub(super) front: Front,
    /// Where the tenant is asked.
    pub(super) at: SocketAddr,
    pub(super) folder: PathBuf,
    pub(super) custodians: Vec<Custodian>,
    /// Everything that was run, and what it said.
    pub(super) runs: Mutex<Vec<Run>>,
    /// The token that every command has for a vault, once there is one.
    pub(super) vault_token: OnceLock<&'static str>,
    /// Files that were taken away, where they are kept.
    #[cfg(target_os = "linux")]
    removed: OnceLock<Removed>,
}

/// What came of a run.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) arguments: Vec<String>,
    /// None where it was killed.
    pub(super) code: Option<i32>,
    pub(super) out: String,
    pub(super) err: String,
    /// What stood on the other screen of the terminal, if it was begun at one; whatever else stood there is in `err`.
    pub(super) screen: Option<String>,
}

impl World {
    /// The tenant, the configuration and the people's keys; no set of shares yet.
    pub(super) fn new(name: &str) -> Self {
        Self::with_others(name, 0)
    }

    /// The same with so many accounts more, which are in no configuration.
    pub(super) fn with_others(name: &str, others: usize) -> Self {
        Self::of(name, &seed(others), Profile::default())
    }

    /// The same with a tenant of its own kind.
    pub(super) fn of(name: &str, seed: &Value, profile: Profile) -> Self {
        let runtime = Runtime::new().unwrap();
        let folder = desk_of(name);
        let name = format!("key-box-{name}");
        let (at, served, front) = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let at = listener.local_addr().unwrap();
            let served = Served::behind(Some(at), &name, seed, profile).await;
            let front = Front::new(listener, served.at, &served.folder);
            (at, served, front)
        });
        drop(fs::remove_dir_all(&folder));
        for part in ["", "home", "temporary"] {
            fs::create_dir_all(folder.join(part)).unwrap();
        }
        let custodians = PEOPLE.map(|id| Custodian { id, age: age::x25519::Identity::generate() }).into();
        let world = Self {
            runtime,
            served,
            front,
            at,
            folder,
            custodians,
            runs: Mutex::default(),
            vault_token: OnceLock::new(),
            #[cfg(target_os = "linux")]
            removed: OnceLock::new(),
        };
        let keys: Vec<String> = PEOPLE.iter().map(|id| world.key_of(id)).collect();
        world.configure(&keys);
        world
    }

    /// The same with a set of shares that can be sealed to; its shares come along.
    pub(super) fn with_set(name: &str) -> (Self, Vec<String>) {
        let world = Self::new(name);
        let shares = world.new_set();
        (world, shares)
    }

    /// The same, and what is in files of its folder that are taken away from now on is kept, as far as they are seen before.
    pub(super) fn keeping_removed(self) -> Self {
        #[cfg(target_os = "linux")]
        self.removed.get_or_init(|| Removed::below(&self.folder));
        self
    }

    /// Files that were taken away, each with its name and what was in it last.
    #[cfg(target_os = "linux")]
    pub(super) fn removed_files(&self) -> Vec<(String, Vec<u8>)> {
        self.removed.get().map(Removed::files).unwrap_or_default()
    }

    /// The same where nobody sees them go.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn removed_files(&self) -> Vec<(String, Vec<u8>)> {
        Vec::new()
    }

    /// Makes a set of shares that can be sealed to, and gives the words of each share.
    pub(super) fn new_set(&self) -> Vec<String> {
        let output = format!("shares-{}", self.sets().len());
        self.ends(0, &["custody", "new-set", "--threshold", "2", "--output", &output], "");
        let shares = self.shares_in(&output);
        self.ends(0, &["custody", "rehearse", "--acknowledge", "--share", "-"], &shares.join("\n"));
        shares
    }

    fn key_of(&self, id: &str) -> String {
        self.ends(0, &["custody", "generate", "signing-key", "--person", id], "").out.trim().to_owned()
    }

    fn configure(&self, keys: &[String]) {
        let origin = format!("https://{}", self.at);
        let mut text = format!(
            "[tenant]\nid = \"{TENANT}\"\nlogin = \"{origin}\"\ngraph = \"{origin}\"\nauthorities = [\"{}\"]\n\
             client_id = \"{WRITER}\"\nsign_in = \"client-secret\"\n",
            self.served.folder.join(tls::AUTHORITY_FILE).display()
        );
        for (_, name, _) in [FIRST, SECOND] {
            text.push_str(&format!("[[account]]\nuser_principal_name = \"{name}\"\n"));
        }
        text.push_str("[custody]\napplication_may_rotate = true\n");
        for (custodian, key) in self.custodians.iter().zip(keys) {
            text.push_str(&format!(
                "[[custody.custodian]]\nid = \"{0}\"\nname = \"{0} of Contoso\"\nkey = \"{key}\"\nage = \"{1}\"\n",
                custodian.id,
                custodian.age.to_public()
            ));
        }
        text.push_str("[[custody.depository]]\nid = \"box\"\nfolder = \"documents\"\n");
        fs::write(self.folder.join("breakglass.toml"), text).unwrap();
    }

    /// The words of the shares that are in a folder, each opened with its custodian's key.
    pub(super) fn shares_in(&self, folder: &str) -> Vec<String> {
        let mut paths: Vec<PathBuf> =
            fs::read_dir(self.folder.join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        let opened = |path: &PathBuf| {
            let id = path.file_stem().unwrap().to_str().unwrap().rsplit('-').next().unwrap().to_owned();
            let custodian = self.custodians.iter().find(|custodian| custodian.id == id).unwrap();
            decrypted(&fs::read(path).unwrap(), &custodian.age)
        };
        paths.iter().map(opened).collect()
    }

    /// The program with arguments, in surroundings of its own.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_breakglass"));
        command.args(arguments).current_dir(&self.folder).env_clear();
        command.env("HOME", self.folder.join("home")).env("TMPDIR", self.folder.join("temporary"));
        command.env("COLUMNS", "100").env("NO_COLOR", "1").env("BREAKGLASS_CLIENT_SECRET", WRITER_SECRET);
        command.env("RUST_BACKTRACE", "1").env("RUST_LOG", "trace");
        if let Some(token) = self.vault_token.get() {
            command.env("BREAKGLASS_VAULT_TOKEN", token);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Begins a run that is given a text.
    pub(super) fn started(&self, arguments: &[&str], input: &str) -> Child {
        let mut child = self.command(arguments).spawn().unwrap();
        // Who ends before it reads is told nothing.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child
    }

    /// Waits for a run to end, and keeps what it said.
    pub(super) fn ended(&self, arguments: &[&str], child: Child) -> Run {
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let arguments = arguments.iter().map(|text| (*text).to_owned()).collect();
        self.kept(Run { arguments, code: status.code(), out: text(stdout), err: text(stderr), screen: None })
    }

    /// Keeps what a run said.
    pub(super) fn kept(&self, run: Run) -> Run {
        self.runs.lock().unwrap().push(run.clone());
        run
    }

    pub(super) fn run(&self, arguments: &[&str], input: &str) -> Run {
        self.ended(arguments, self.started(arguments, input))
    }

    /// A run that has to end so.
    #[track_caller]
    pub(super) fn ends(&self, code: i32, arguments: &[&str], input: &str) -> Run {
        let run = self.run(arguments, input);
        assert_eq!(run.code, Some(code), "{arguments:?}\n{}\n{}", run.out, run.err);
        run
    }

    pub(super) fn state(&self) -> PathBuf {
        self.folder.join(".breakglass")
    }

    pub(super) fn store(&self) -> SqliteStore {
        SqliteStore::open(&self.state()).unwrap()
    }

    /// The sets that there are, in the order in which they were made.
    pub(super) fn sets(&self) -> Vec<KeySet> {
        if !SqliteStore::is_in(&self.state()) {
            return Vec::new();
        }
        let entries = self.store().entries(breakglass_ops::key_box::record::STREAM).unwrap();
        let entries = entries.into_iter().map(|entry| serde_json::from_value::<Entry>(entry).unwrap());
        let made = |entry| match entry {
            Entry::Made { set, .. } => {
                Some(SignedSet::read(&set).unwrap().confirmed(self.operator()).unwrap().set().clone())
            }
            _ => None,
        };
        entries.filter_map(made).collect()
    }

    pub(super) fn operator(&self) -> breakglass_custody::fingerprint::Fingerprint {
        let public = key_file::public_of(&self.state().join("operator.key")).unwrap().public;
        SigningPublicKey::read(&public).unwrap().fingerprint()
    }

    pub(super) fn course(&self, account: &str) -> Course {
        course_of(&self.store(), account).unwrap().0
    }

    /// Every document in a folder, each opened with two of the shares that are given: its name, its account, and the password.
    pub(super) fn opened(&self, folder: &str, shares: &[String]) -> Vec<(Name, String, String)> {
        let Ok(entries) = fs::read_dir(self.folder.join(folder)) else { return Vec::new() };
        let shares: Vec<Share> = (1..).zip(&shares[1..]).map(|(at, words)| Share::read(at, words).unwrap()).collect();
        let (mut found, mut keys) = (Vec::new(), BTreeMap::new());
        for path in entries.map(|entry| entry.unwrap().path()) {
            let text = fs::read_to_string(&path).unwrap();
            // What was never finished has another ending.
            if path.extension().is_none_or(|ending| ending == "partial") {
                continue;
            }
            let document = Document::read(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let document = document.confirmed(self.operator()).unwrap();
            let set = &document.label().set;
            let Some(key) = keys.entry(set.id.to_string()).or_insert_with(|| set.recover(&shares).ok()) else {
                continue;
            };
            let password = key.open(&document).unwrap().with_plaintext(str::to_owned);
            let label = document.label();
            found.push((Name::read(&label.envelope.to_string()).unwrap(), label.account.id.clone(), password));
        }
        found
    }

    /// Whether somebody is let in with a password, past everything that stands before the tenant.
    pub(super) fn lets_in(&self, name: &str, password: &str) -> bool {
        let form = written(&[
            ("client_id", WRITER),
            ("grant_type", "password"),
            ("username", name),
            ("password", password),
            ("scope", "openid"),
        ]);
        let request = format!(
            "POST /{TENANT}/oauth2/v2.0/token HTTP/1.1\r\nhost: {}\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             content-length: {}\r\n\r\n{form}",
            self.served.at,
            form.len()
        );
        let mut answer = self.runtime.block_on(self.front.send(&request));
        let mut passed = 0;
        while answer.contains("AADSTS50053") && passed < LOCK_COUNT_MAX {
            // Too many were wrong before; the lock ends by itself.
            self.served.clock.pass(LOCK_SECONDS);
            passed += 1;
            answer = self.runtime.block_on(self.front.send(&request));
        }
        // It is again as late as for the program, which counts hours by both clocks.
        self.served.clock.pass(-LOCK_SECONDS * passed);
        let is_in = answer.starts_with("HTTP/1.1 200") && answer.contains("\"access_token\"");
        assert!(is_in || answer.contains("AADSTS50126"), "{answer}");
        is_in
    }

    /// The invariant: of the documents that may count by the record, one has the password that the tenant knows, two shares
    /// open it, and it signs in. Which it is, and how many sign-ins that took.
    #[track_caller]
    pub(super) fn holds(
        &self,
        account: (&str, &str, &str),
        (folder, shares): (&str, &[String]),
    ) -> (Option<Name>, usize) {
        let (id, name, before) = account;
        let course = self.course(id);
        let opened = self.opened(folder, shares);
        let may_count: BTreeSet<&Name> = course.may_count().collect();
        for name in &may_count {
            assert!(
                opened.iter().any(|(found, of, _)| found == *name && of == id),
                "`{name}` may count and is not sealed"
            );
        }
        let current = course.current();
        let mut candidates: Vec<_> =
            opened.iter().filter(|(name, of, _)| of == id && may_count.contains(name)).collect();
        candidates.sort_by_key(|(name, ..)| Some(name) != current);
        let mut tried = 0;
        // What was sent by somebody who was killed may arrive between two sign-ins; it is there by the second time.
        for _ in 0..2 {
            for (found, _, password) in &candidates {
                tried += 1;
                if self.lets_in(name, password) {
                    return (Some(found.clone()), tried);
                }
            }
            // Nothing sealed was ever proved: then what was there before may count still.
            if current.is_none() {
                tried += 1;
                if self.lets_in(name, before) {
                    return (None, tried);
                }
            }
        }
        panic!("neither what is sealed nor what may have been before is let in as `{name}`: {course:?}")
    }

    /// Switches a fault of the tenant itself on that has settings.
    pub(super) fn switch_with(&self, parts: &[&str], settings: &Value) {
        let asked = backstage::ask(&self.served.folder, ("PUT", parts), Some(settings));
        let (status, answer) = self.runtime.block_on(asked).unwrap();
        assert!(status < 300, "{parts:?}: {answer}");
    }

    /// Switches a fault of the tenant itself on (`PUT`) or off (`DELETE`).
    pub(super) fn switch(&self, method: &str, parts: &[&str]) {
        let body = (method == "PUT").then(|| json!({}));
        let asked = backstage::ask(&self.served.folder, (method, parts), body.as_ref());
        let (status, answer) = self.runtime.block_on(asked).unwrap();
        assert!(status < 300, "{method} {parts:?}: {answer}");
    }

    /// That every stream agrees with the ledger.
    pub(super) fn ledger_holds(&self) {
        let ended = self.run(&["ledger", "show"], "");
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }

    /// That every entry gets into the ledger, and that it is as it was signed.
    #[track_caller]
    pub(super) fn ledger_is_whole(&self) {
        self.ends(0, &["ledger", "checkpoint"], "");
        let verified = self.ends(0, &["ledger", "verify"], "").out;
        assert!(!verified.contains("Not yet"), "{verified}");
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.folder);
            let _ = fs::remove_dir_all(&self.served.folder);
        }
    }
}

/// Where the company of a test keeps everything of its own.
pub(super) fn desk_of(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("key-box-{name}-desk"))
}

/// What a custodian has in their file.
pub(super) fn decrypted(bytes: &[u8], identity: &age::x25519::Identity) -> String {
    let decryptor = age::Decryptor::new(age::armor::ArmoredReader::new(bytes)).unwrap();
    let mut text = String::new();
    let identity: &dyn age::Identity = identity;
    decryptor.decrypt(std::iter::once(identity)).unwrap().read_to_string(&mut text).unwrap();
    text.trim().to_owned()
}

/// One of the others.
pub(super) fn other(number: usize) -> (String, String, String) {
    let name = format!("other-{number}@contoso.onmicrosoft.com");
    (format!("00000000-0000-4000-9000-{number:012}"), name, format!("Before-All-Of-This-{number}"))
}

/// What the tenant begins with.
pub(super) fn seed(others: usize) -> Value {
    let permissions = SOURCES.iter().flat_map(|source| source.permissions);
    let related = RELATED.iter().flat_map(|(_, _, permissions)| *permissions);
    let more = [
        "AdministrativeUnit.ReadWrite.All",
        "Group.ReadWrite.All",
        "Policy.ReadWrite.AuthenticationMethod",
        "Policy.ReadWrite.ConditionalAccess",
        "RoleManagement.ReadWrite.Directory",
        "User-PasswordProfile.ReadWrite.All",
        "User.ReadWrite.All",
        "User.RevokeSessions.All",
    ];
    let mut permissions: Vec<&str> = permissions.chain(related).copied().chain(more).collect();
    permissions.sort_unstable();
    permissions.dedup();
    let roles: Vec<Value> =
        permissions.iter().map(|name| json!({ "resourceAppId": GRAPH, "appRoleValue": name })).collect();
    let writer = "00000000-0000-4000-8000-0000000000c2";
    let user = |(id, name, password): &(String, String, String)| {
        json!({ "id": id, "displayName": name, "accountEnabled": true, "userPrincipalName": name, "userType": "Member",
                "mailNickname": name.split('@').next(), "passwordPolicies": "DisablePasswordExpiration",
                "passwordProfile": { "password": password }, "authenticationMethods": [] })
    };
    let role = |digit: u8, principal: &str| {
        json!({ "id": format!("00000000-0000-4000-8000-0000000000e{digit}"), "principalId": principal,
                "roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/" })
    };
    let two = [FIRST, SECOND].map(|(id, name, password)| (id.to_owned(), name.to_owned(), password.to_owned()));
    let users: Vec<Value> = two.iter().chain(&(0..others).map(other).collect::<Vec<_>>()).map(user).collect();
    json!({
        "format": "breakglass-snapshot/1", "tenantId": TENANT, "takenAt": "2026-11-20T08:00:00Z", "source": "file",
        "domains": [{ "id": "contoso.onmicrosoft.com", "isInitial": true, "isDefault": true, "isVerified": true,
                      "isAdminManaged": true, "isRoot": true, "authenticationType": "Managed" }],
        "users": users, "groups": [], "conditionalAccessPolicies": [], "namedLocations": [],
        "administrativeUnits": [], "roleAssignments": [role(0, FIRST.0), role(1, SECOND.0), role(2, writer)],
        "applications": [{ "id": "00000000-0000-4000-8000-0000000000c1", "appId": WRITER, "displayName": "Writer",
            "isFallbackPublicClient": true,
            "passwordCredentials": [{ "keyId": "00000000-0000-4000-8000-0000000000c3", "secretText": WRITER_SECRET,
                                      "endDateTime": "2099-01-01T00:00:00Z" }] }],
        "servicePrincipals": [{ "id": writer, "appId": WRITER, "displayName": "Writer", "accountEnabled": true,
            "servicePrincipalType": "Application", "appRoleAssignments": roles }],
    })
}

/// Every file below a folder, in order.
pub(super) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let (mut left, mut files) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = left.pop() {
        for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                left.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}
