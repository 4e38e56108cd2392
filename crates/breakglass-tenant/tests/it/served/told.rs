//! What was changed and the record that tells of it: there are both, or neither, whatever happens in between.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use breakglass_testkit::is_full;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::world::{ADMIN, Answer, Browser, Served};

const REX_ID: &str = "00000000-0000-4000-8000-0000000000a9";
const REX: (&str, &str) = ("rex@contoso.com", "Rex-Passw0rd");

/// How often a tenant is killed while it is asked for changes.
const KILL_COUNT: usize = 4;
const KILL_COUNT_FULL: usize = 60;
/// Who asks at a time, how many users each of them makes at most, and how often each user is changed.
const THREAD_COUNT: usize = 4;
const USER_COUNT_MAX: usize = 20;
const UPDATE_COUNT: usize = 8;
/// Says to the process that is killed which world it serves, and how often it was killed.
const WORLD: &str = "BREAKGLASS_TOLD_WORLD";
const NAME: &str = "told-killed";

/// Asks Graph as the administrator.
struct Graph<'s> {
    served: &'s Served,
    bearer: String,
}

impl<'s> Graph<'s> {
    fn of(served: &'s Served) -> Self {
        let token = served.password(&[], ADMIN)["access_token"].as_str().unwrap().to_owned();
        Self { served, bearer: format!("Bearer {token}") }
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let headers = [("authorization", self.bearer.as_str()), ("content-type", "application/json")];
        self.served.send((method, &format!("/v1.0{}", path.replace(' ', "%20"))), &headers, &body).unwrap()
    }

    /// Everything of a collection, on however many pages.
    fn all(&self, path: &str) -> Vec<Value> {
        let (mut all, mut next) = (Vec::new(), path.to_owned());
        loop {
            let page = self.ask("GET", &next, &Value::Null).json();
            all.extend(page["value"].as_array().unwrap_or_else(|| panic!("{page}")).iter().cloned());
            let Some(link) = page["@odata.nextLink"].as_str() else { return all };
            link.split_once("/v1.0").unwrap().1.clone_into(&mut next);
        }
    }

    /// Records of an activity.
    fn audits(&self, activity: &str) -> Vec<Value> {
        self.all(&format!("/auditLogs/directoryAudits?$filter=activityDisplayName eq '{activity}'&$top=999"))
    }
}

fn person(name: &str) -> Value {
    json!({ "displayName": name, "mailNickname": name, "userPrincipalName": format!("{name}@contoso.onmicrosoft.com"),
        "accountEnabled": true, "passwordProfile": { "password": "Many-Made-1", "forceChangePasswordNextSignIn": false } })
}

/// Lets nothing be written into the logs, or everything again.
fn let_records(folder: &Path, are_taken: bool) {
    let (from, to) = if are_taken { ("elsewhere", "record") } else { ("record", "elsewhere") };
    let database = Connection::open(folder.join("tenant.sqlite")).unwrap();
    database.execute_batch(&format!("ALTER TABLE {from} RENAME TO {to}")).unwrap();
}

#[test]
fn what_graph_cannot_tell_of_is_not_changed() {
    let served = Served::new("told-graph");
    let graph = Graph::of(&served);
    let path = |name: &str| format!("/users/{name}@contoso.onmicrosoft.com");
    let made = graph.ask("POST", "/users", &person("known"));
    assert_eq!(made.status, 201, "{}", made.body);
    let tag = |name: &str| graph.ask("GET", &path(name), &Value::Null).header("etag").map(str::to_owned);
    let before = tag("known");
    let_records(served.folder(), false);
    let batch = json!({ "requests": [
        { "id": "1", "method": "POST", "url": "/users", "body": person("batched"), "headers": {} },
        { "id": "2", "method": "DELETE", "url": path("known") },
    ] });
    assert_eq!(graph.ask("POST", "/users", &person("new")).status, 500);
    assert_eq!(graph.ask("PATCH", &path("known"), &json!({ "jobTitle": "Other" })).status, 500);
    assert_eq!(graph.ask("DELETE", &path("known"), &Value::Null).status, 500);
    let batched = graph.ask("POST", "/$batch", &batch).json();
    assert!(batched["responses"].as_array().unwrap().iter().all(|one| one["status"] == 500), "{batched}");
    let_records(served.folder(), true);
    // The same before and after it has read everything again.
    let look = |served: &Served| {
        let graph = Graph::of(served);
        let status = |name: &str| graph.ask("GET", &path(name), &Value::Null).status;
        assert_eq!([status("known"), status("new"), status("batched")], [200, 404, 404]);
        assert_eq!(graph.audits("Add user").len(), 1);
        assert_eq!(graph.audits("Update user").len() + graph.audits("Delete user").len(), 0);
    };
    look(&served);
    assert_eq!(tag("known"), before);
    let served = served.restarted();
    look(&served);
    assert_eq!(Graph::of(&served).ask("POST", "/users", &person("new")).status, 201, "nothing is in its way");
}

#[test]
fn a_password_whose_change_cannot_be_told_of_stays() {
    let served = Served::seeded("told-password", |seed| {
        seed["users"].as_array_mut().unwrap().push(json!({
            "id": REX_ID, "displayName": "Rexford", "accountEnabled": true, "userPrincipalName": REX.0,
            "passwordProfile": { "password": REX.1, "forceChangePasswordNextSignIn": true },
        }));
    });
    let mut browser = Browser::of(&served);
    let page = browser.sign_in(REX);
    let new = "New-Glass-1";
    let form = [("do", "change"), ("oldpasswd", REX.1), ("newpasswd", new), ("confirmpasswd", new)];
    let_records(served.folder(), false);
    let answer = browser.go_on(&page, &form);
    assert!(answer.status >= 500 || !answer.head.contains("code="), "{}", answer.head);
    let_records(served.folder(), true);
    let served = served.restarted();
    assert_eq!(served.code(&[], (REX.0, new)), 50_126);
    assert_eq!(served.code(&[], REX), 50_055);
    assert_eq!(Graph::of(&served).audits("Change user password").len(), 0);
}

#[test]
fn whoever_is_killed_has_told_of_everything_they_did() {
    let (mut numbers, kills) = (BTreeMap::new(), if is_full() { KILL_COUNT_FULL } else { KILL_COUNT });
    for kill in 0..kills {
        let mut process = Process::started(kill);
        // At another place in what they do each time.
        let after = THREAD_COUNT * (kill + 2) + 7 * kill % 11;
        numbers.extend(process.told().take(after));
        process.child.kill().unwrap();
        // What was answered by then is as good.
        numbers.extend(process.told());
        process.child.wait().unwrap();
        look(&Served::again(NAME), &numbers);
    }
    assert!(numbers.len() >= kills, "{numbers:?}");
}

/// Holds what there is against its records, and against what was answered.
fn look(served: &Served, answered: &BTreeMap<String, usize>) {
    let graph = Graph::of(served);
    let count = |activity: &str| {
        let mut counts = BTreeMap::<String, usize>::new();
        for record in graph.audits(activity) {
            *counts.entry(record["targetResources"][0]["id"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        counts
    };
    let (added, updated) = (count("Add user"), count("Update user"));
    let made =
        graph.all("/users?$filter=startswith(userPrincipalName,'made-')&$select=id,displayName,jobTitle&$top=999");
    let text = |one: &Value, name: &str| one[name].as_str().map(str::to_owned);
    let number = |one: &Value| text(one, "jobTitle").map_or(0, |number| number.parse().unwrap());
    let ids: BTreeMap<String, usize> = made.iter().map(|one| (text(one, "id").unwrap(), number(one))).collect();
    assert_eq!(added, ids.keys().map(|id| (id.clone(), 1)).collect(), "each is told of once, and nobody else");
    let changed = ids.into_iter().filter(|(_, number)| *number > 0).collect();
    assert_eq!(updated, changed, "so is each change");
    let numbers: BTreeMap<String, usize> =
        made.iter().map(|one| (text(one, "displayName").unwrap(), number(one))).collect();
    for (name, number) in answered {
        assert!(numbers.get(name).is_some_and(|kept| kept >= number), "{name} was answered {number}: {numbers:?}");
    }
}

/// A process of its own that serves the tenant and is asked for changes.
struct Process {
    child: Child,
    said: BufReader<std::process::ChildStdout>,
}

impl Process {
    fn started(kill: usize) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "served::told::it_serves_until_it_is_killed", "--nocapture"]);
        command.env(WORLD, kill.to_string()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        Self { child, said }
    }

    /// What it has answered: whom it has made, and the number of the last change of theirs.
    fn told(&mut self) -> impl Iterator<Item = (String, usize)> {
        (&mut self.said).lines().map_while(Result::ok).filter_map(|line| {
            let (name, number) = line.strip_prefix("answered ")?.split_once(' ')?;
            // The last line may have been cut off.
            Some((name.to_owned(), number.strip_suffix('.')?.parse().ok()?))
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It is gone already where that fails.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// No test by itself: it is the process that is killed.
#[test]
#[expect(clippy::disallowed_methods, reason = "nothing else tells a process of this test what it is")]
fn it_serves_until_it_is_killed() {
    let Ok(kill) = std::env::var(WORLD) else { return };
    let served = if kill == "0" { Served::new(NAME) } else { Served::again(NAME) };
    let (bearer, served) = (Graph::of(&served).bearer, &served);
    let next = &AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..THREAD_COUNT {
            let (graph, kill) = (Graph { served, bearer: bearer.clone() }, kill.as_str());
            scope.spawn(move || {
                for _ in 0..USER_COUNT_MAX {
                    let name = format!("made-{kill}-{}", next.fetch_add(1, Ordering::Relaxed));
                    let made = graph.ask("POST", "/users", &person(&name));
                    assert_eq!(made.status, 201, "{}", made.body);
                    say(&name, 0);
                    for number in 1..=UPDATE_COUNT {
                        let path = format!("/users/{name}@contoso.onmicrosoft.com");
                        let changed = graph.ask("PATCH", &path, &json!({ "jobTitle": number.to_string() }));
                        assert_eq!(changed.status, 204, "{}", changed.body);
                        say(&name, number);
                    }
                }
            });
        }
    });
}

/// Ends whoever speaks to nobody any more.
fn say(name: &str, number: usize) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "answered {name} {number}.").and_then(|()| out.flush()).unwrap();
}

/// Where the code of Graph is.
fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/graph")
}

#[test]
fn graph_changes_nothing_but_by_way_of_its_requests() {
    let files: Vec<PathBuf> = fs::read_dir(sources()).unwrap().map(|entry| entry.unwrap().path()).collect();
    let sources = files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let own = sources.filter(|path| fs::read_to_string(path).unwrap().contains("state.write("));
    let own: Vec<&PathBuf> = own.collect();
    assert!(own.is_empty(), "these would change something apart from its record, or wait for themselves: {own:?}");
}
