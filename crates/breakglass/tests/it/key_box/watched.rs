//! `watch` and `incident` through the program: from a sign-in, by a mailbox and a webhook, to the incident that is closed.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::world::{FIRST, SECOND, World};

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// Somebody who takes whatever is posted, in whole requests.
struct Hook {
    address: String,
    taken: Arc<Mutex<Vec<String>>>,
}

impl Hook {
    fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/alerts", listener.local_addr().unwrap());
        let taken = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&taken);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut text = String::new();
                let mut buffer = [0; 4_096];
                loop {
                    let count = stream.read(&mut buffer).unwrap();
                    text.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
                    let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                    let length = head
                        .to_ascii_lowercase()
                        .split("content-length: ")
                        .nth(1)
                        .map(|rest| rest.split("\r\n").next().unwrap().parse::<usize>().unwrap());
                    if count == 0 || body.len() >= length.unwrap() {
                        break;
                    }
                }
                kept.lock().unwrap().push(text);
                stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").unwrap();
            }
        });
        Self { address, taken }
    }

    /// What was posted so far: its id, and the alert.
    fn taken(&self) -> Vec<(String, Value)> {
        let of = |text: &String| {
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            let id = head.lines().find_map(|line| line.strip_prefix("webhook-id: ")).unwrap().to_owned();
            (id, serde_json::from_str::<Value>(body).unwrap()["data"].clone())
        };
        self.taken.lock().unwrap().iter().map(of).collect()
    }
}

/// A company that is watched.
fn watched(name: &str, hook: &Hook) -> World {
    let world = World::with_set(name).0;
    let path = world.folder.join("breakglass.toml");
    let text = format!(
        "{}\n[watch]\n[[watch.channel]]\nid = \"box\"\nmailbox = {{ file = \"alerts.mbox\" }}\n\
         [[watch.channel]]\nid = \"hook\"\nsecret_file = \"hook.secret\"\nwebhook = {{ address = \"{}\" }}\n\
         [[watch.contact]]\nperson = \"ada\"\nchannel = \"box\"\naddress = \"ada@example.com\"\n\
         [[watch.contact]]\nperson = \"on-call\"\nchannel = \"hook\"\n",
        fs::read_to_string(&path).unwrap(),
        hook.address
    );
    fs::write(&path, text).unwrap();
    fs::write(world.folder.join("hook.secret"), SECRET).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(world.folder.join("hook.secret"), fs::Permissions::from_mode(0o600)).unwrap();
    }
    world
}

/// Subjects of the mail in the mailbox.
fn subjects(world: &World) -> Vec<String> {
    let text = fs::read_to_string(world.folder.join("alerts.mbox")).unwrap_or_default();
    let unfolded = text.replace("\r\n", "\n").replace("\n ", " ");
    unfolded.lines().filter_map(|line| line.strip_prefix("Subject: ")).map(str::to_owned).collect()
}

fn once(world: &World, code: i32) -> String {
    let run = world.ends(code, &["watch", "--once"], "");
    format!("{}{}", run.out, run.err)
}

#[test]
fn a_use_is_told_answered_rotated_and_closed() {
    let hook = Hook::listen();
    let world = watched("watched", &hook);
    once(&world, 0);
    assert!(subjects(&world).is_empty() && hook.taken().is_empty());

    assert!(world.lets_in(FIRST.1, FIRST.2));
    let said = once(&world, 1);
    assert!(said.contains("incident 1") && said.contains("ada is told by box"), "{said}");
    let told = subjects(&world);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("CRITICAL, somebody is IN: emergency-access-1@"), "{told:?}");
    let taken = hook.taken();
    assert_eq!(taken.len(), 1, "{taken:?}");
    assert_eq!(taken[0].1["account"], FIRST.0);
    assert_eq!(taken[0].1["events"][0]["reached"], "token");

    // The same log again says nothing new.
    once(&world, 1);
    assert_eq!((subjects(&world).len(), hook.taken().len()), (1, 1));

    let listed = world.ends(1, &["incident", "list"], "").out;
    assert!(listed.contains("nobody has answered"), "{listed}");
    let refused = world.ends(2, &["incident", "acknowledge", "1", "--by", "mallory"], "").err;
    assert!(refused.contains("`mallory` is nobody of the configuration"), "{refused}");
    world.ends(2, &["incident", "acknowledge", "7", "--by", "ada"], "");
    world.ends(0, &["incident", "acknowledge", "1", "--by", "ada"], "");
    let close = ["incident", "close", "1", "--by", "ada", "--post-mortem", "The MFA service was down."];
    let refused = world.ends(2, &close, "").err;
    assert!(refused.contains("nobody has said of all its sign-ins what they were"), "{refused}");
    world.ends(0, &["incident", "classify", "1", "real", "--by", "ada", "--reason", "The MFA service was down"], "");
    let refused = world.ends(2, &close, "").err;
    assert!(refused.contains("rotate the account first"), "{refused}");

    // The proof of the new password is told as ours, and asks nobody to say anything again.
    world.ends(0, &["rotate", "--yes", "--account", FIRST.1], "");
    once(&world, 1);
    let told = subjects(&world);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[1].starts_with("NOTICE, a rotation of ours signed in: emergency-access-1@"), "{told:?}");
    world.ends(0, &close, "");
    let shown = world.ends(0, &["incident", "show", "1"], "").out;
    for part in ["has answered", "that it was an emergency", "was changed since", "has closed it", "ada"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    once(&world, 0);
    assert!(world.ends(0, &["incident", "list"], "").out.contains("No incident is open."));
    assert!(world.ends(0, &["ledger", "show", "--stream", "incident/"], "").out.contains("incident/1 0"));
    world.ledger_holds();

    // What comes later is another incident, and each notification has a key of its own.
    assert!(!world.lets_in(FIRST.1, "Not-The-Password-1"));
    assert!(!world.lets_in(SECOND.1, "Not-The-Password-1"));
    once(&world, 1);
    let told = subjects(&world);
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(told[2..].iter().all(|subject| subject.starts_with("WARNING, nobody is in: ")), "{told:?}");
    let mut ids: Vec<String> = hook.taken().into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids.len(), 4, "{ids:?}");
    ids.dedup();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4, "{ids:?}");
    let document = world.ends(1, &["incident", "show", "2", "--format", "json"], "").out;
    let document: Value = serde_json::from_str(&document).unwrap();
    assert_eq!(document["format"], "breakglass-incident/1");
    assert_eq!(document["incident"]["furthest"], "nothing");
    assert!(document["deliveries"].as_array().unwrap().iter().all(|one| one["state"] == "delivered"), "{document}");
}

#[test]
fn what_does_not_answer_is_told_by_the_others_and_tried_again() {
    let hook = Hook::listen();
    let world = watched("watched-away", &hook);
    let config = world.folder.join("breakglass.toml");
    let text = fs::read_to_string(&config).unwrap();
    // Nobody listens there.
    let away = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    fs::write(&config, text.replace(&hook.address, &format!("http://{away}/alerts"))).unwrap();
    assert!(world.lets_in(FIRST.1, FIRST.2));
    let said = once(&world, 1);
    assert!(said.contains("on-call is not told by hook yet"), "{said}");
    assert!(said.contains("1 delivery was not taken"), "{said}");
    assert_eq!(subjects(&world).len(), 1);
    let shown = world.ends(1, &["incident", "show", "1"], "").out;
    assert!(shown.contains("on-call by hook: 0 delivered, 1 waiting"), "{shown}");

    fs::write(&config, &text).unwrap();
    // It is due again within two seconds.
    for _ in 0..40 {
        if !hook.taken().is_empty() {
            break;
        }
        world.runtime.block_on(async { tokio::time::sleep(std::time::Duration::from_millis(250)).await });
        once(&world, 1);
    }
    assert_eq!((subjects(&world).len(), hook.taken().len()), (1, 1));
}

#[test]
fn a_watcher_that_would_tell_nobody_is_not_begun() {
    let hook = Hook::listen();
    let world = watched("watched-not", &hook);
    let config = world.folder.join("breakglass.toml");
    let text = fs::read_to_string(&config).unwrap();
    let secret = world.folder.join("hook.secret");
    fs::write(&secret, "whsec_hush\n").unwrap();
    let refused = world.ends(2, &["watch", "--once"], "").err;
    assert!(
        refused.contains("BG4092") && refused.contains("the channel `hook`") && !refused.contains("hush"),
        "{refused}"
    );
    fs::remove_file(&secret).unwrap();
    let refused = world.ends(2, &["watch", "--once"], "").err;
    assert!(refused.contains("BG4092"), "{refused}");
    fs::write(&config, text.replace("secret_file = \"hook.secret\"\n", "")).unwrap();
    let refused = world.ends(2, &["watch", "--once"], "").err;
    assert!(refused.contains("BREAKGLASS_CHANNEL_HOOK"), "{refused}");
    let without = text.split("[watch]").next().unwrap();
    fs::write(&config, without).unwrap();
    let refused = world.ends(2, &["watch", "--once"], "").err;
    assert!(refused.contains("nobody would be told"), "{refused}");
    fs::write(&config, text.replace("[[account]]", "[[account_group]]").replace("user_principal_name", "id")).unwrap();
    fs::write(&secret, SECRET).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let refused = world.ends(2, &["watch", "--once"], "").err;
        assert!(refused.contains("chmod 600"), "{refused}");
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let refused = world.ends(2, &["watch", "--once"], "").err;
    assert!(refused.contains("none of the accounts of the configuration was found"), "{refused}");
}
