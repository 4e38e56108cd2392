//! Somebody who signs in to the program with the code that it shows, on another machine, by the pages of the tenant.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Child;

use super::world::{Run, WRITER, World};
use crate::served::{context, written};

/// Microsoft Graph Command Line Tools, which every tenant knows.
const GRAPH_TOOLS: &str = "14d82eec-204b-4c2f-b7e8-296a70dab67e";

/// What is seen once somebody is in.
const SIGNED_IN: &str = "You have signed in";

/// The same configuration for a person who signs in with a code.
pub(super) fn of_person(config: &str) -> String {
    let of_person = config.replace(
        &format!("client_id = \"{WRITER}\"\nsign_in = \"client-secret\"\n"),
        &format!("client_id = \"{GRAPH_TOOLS}\"\nsign_in = \"device-code\"\n"),
    );
    assert_ne!(of_person, config);
    of_person
}

/// Signs in with the code that the program shows: the page for codes, the name and the password, and the question whether it
/// was asked for.
pub(super) fn enters_code(world: &World, (name, password): (&str, &str), code: &str) {
    let send = |path: &str, cookie: &str, form: &[(&str, &str)]| {
        let form = written(form);
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\ncookie: {cookie}\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             content-length: {}\r\n\r\n{form}",
            world.served.at,
            form.len()
        );
        world.runtime.block_on(world.front.send(&request))
    };
    let page = send("/devicelogin", "", &[("otc", code)]);
    let cookie = page.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap_or_else(|| panic!("{page}"));
    let cookie = cookie.split(';').next().unwrap();
    let ctx = context(&page);
    let confirm = send("/common/login", cookie, &[("ctx", ctx.as_str()), ("login", name), ("passwd", password)]);
    let ctx = context(&confirm);
    let done = send("/common/login", cookie, &[("ctx", ctx.as_str()), ("do", "continue")]);
    assert!(done.contains(SIGNED_IN), "{done}");
}

/// Begins a run with nobody at a terminal. No sign-in is remembered: the key for that would be this machine's.
pub(super) fn begun(world: &World, arguments: &[&str]) -> Child {
    let mut child = world.command(arguments).env_remove("HOME").spawn().unwrap();
    drop(child.stdin.take());
    child
}

/// Waits for such a run to end, of which somebody enters the code as soon as it is shown; keeps what it said.
pub(super) fn ended_as(world: &World, person: (&str, &str), arguments: &[&str], mut child: Child) -> Run {
    let (mut said, mut is_next) = (String::new(), false);
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        if is_next && !line.trim().is_empty() {
            enters_code(world, person, line.trim());
            is_next = false;
        }
        is_next |= line.contains("enter the code");
        said.push_str(&line);
        said.push('\n');
    }
    let output = child.wait_with_output().unwrap();
    let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    let out = String::from_utf8(output.stdout).unwrap();
    world.kept(Run { arguments, code: output.status.code(), out, err: said, screen: None })
}

/// Has the company's configuration be that of a person: nothing in it lets an application rotate.
pub(super) fn configured(world: &World) {
    let path = world.folder.join("breakglass.toml");
    let config = of_person(&fs::read_to_string(&path).unwrap());
    let of_nobody_else = config.replace("application_may_rotate = true\n", "");
    assert_ne!(of_nobody_else, config);
    fs::write(&path, of_nobody_else).unwrap();
}
