//! `keys list` and `keys note` with no network: what is due for every account that is declared.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

const FIRST: &str = "11111111-2222-3333-4444-555555555555";
const SECOND: &str = "bg2@contoso.onmicrosoft.com";

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn folder(name: &str, config: &str) -> Folder {
    let folder = std::env::temp_dir().join(format!("breakglass-keys-{}-{name}", std::process::id()));
    drop(fs::remove_dir_all(&folder));
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("breakglass.toml"), config).unwrap();
    Folder(folder)
}

fn ends(folder: &Path, code: i32, arguments: &[&str]) -> (String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_breakglass"));
    let output = command.arg("keys").args(arguments).current_dir(folder).env("NO_COLOR", "1").output().unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{out}\n{err}");
    (out, err)
}

fn listed(folder: &Path) -> Value {
    serde_json::from_str(&ends(folder, 1, &["list", "--format", "json"]).0).unwrap()
}

#[test]
fn an_account_that_is_declared_and_has_no_key_is_due() {
    let config = format!("[[account]]\nid = \"{FIRST}\"\n[[account]]\nid = \"{SECOND}\"\n");
    let folder = folder("due", &config);
    let (out, _) = ends(&folder.0, 1, &["list"]);
    for account in [FIRST, SECOND] {
        let wanted = format!("account {account}\n  due: 0 keys to sign in with, and an account needs 2");
        assert!(out.contains(&wanted), "{out}");
    }
    let note = ["note", "--account", FIRST, "--key", "20817713", "--at", "safe-berlin", "--held-by", "ada"];
    ends(
        &folder.0,
        0,
        &[&note[..], &["--pin-held-by", "bram", "--method", "AQEB", "--model", "A \u{202e}model"]].concat(),
    );
    let listed = listed(&folder.0);
    assert_eq!(listed["format"], "breakglass-keys/1");
    let first = &listed["accounts"][0];
    assert_eq!((&first["id"], &first["name"]), (&json!(FIRST), &Value::Null));
    let expected = json!([{
        "key": "20817713", "model": "A \u{202e}model", "standing": "registered", "place": "safe-berlin", "heldBy": "ada",
        "pinHeldBy": "bram", "method": "AQEB", "drilledAt": null, "usedAt": null, "pinChangedAt": null,
        "pinSealedIn": null,
    }]);
    assert_eq!(first["keys"], expected);
    let to_do = first["toDo"].as_array().unwrap();
    assert!(to_do.iter().all(|one| one["kind"] == "due") && to_do.len() == 2, "{to_do:?}");
    assert_eq!(listed["accounts"][1]["name"], SECOND);
    assert_eq!(listed["accounts"][1]["keys"], json!([]));
}

#[test]
fn keys_that_may_be_those_of_a_name_are_not_taken_for_none() {
    let folder = folder("unmatched", &format!("[[account]]\nid = \"{SECOND}\"\n"));
    let note =
        ["note", "--account", FIRST, "--key", "20817713", "--at", "safe", "--held-by", "a", "--pin-held-by", "b"];
    ends(&folder.0, 0, &note);
    let listed = listed(&folder.0);
    assert_eq!(listed["accounts"].as_array().unwrap().len(), 2);
    let said = listed["accounts"][0]["toDo"][0]["text"].as_str().unwrap();
    assert!(said.contains("which id it has is not known"), "{said}");
    assert_eq!(listed["accounts"][1]["id"], FIRST);
}

#[test]
fn nothing_is_due_where_nothing_is_declared() {
    let folder = folder("nothing", "");
    let (out, err) = ends(&folder.0, 0, &["list"]);
    assert!(out.is_empty() && err.contains("no key is written down"), "{out}{err}");
}
