//! What is opened, by whom and in which order, and what has to stay because of it: the key box through the program itself,
//! with records as they are after somebody was stopped.

use std::fs;

use super::custody_commands::{ACCOUNT, World, two};

/// The text in one line, without what frames it.
fn words(text: &str) -> String {
    text.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_set_is_not_dead_while_what_may_be_sealed_to_it_is_away() {
    let world = World::new("away");
    let path = world.folder.join("breakglass.toml");
    let config = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{config}[[custody.depository]]\nid = \"usb\"\nfolder = \"usb\"\n")).unwrap();
    let (set, shares) = world.ready_set();
    let password = world.seal();
    let open = ["custody", "open", "--account", ACCOUNT, "--share", "-"];
    world.ends_with(0, &open, &two(&shares, 0, 1));
    world.ready_set();
    let retire = ["custody", "retire", "--set", &set, "--reason", "it was opened", "--destroyed"];
    assert!(world.ends(2, &retire).err.contains("may count"));
    let (usb, away) = (world.folder.join("usb"), world.folder.join("away"));
    fs::rename(&usb, &away).unwrap();
    let other = ["custody", "seal", "--account", "bg2@contoso.onmicrosoft.com", "--id", "22222222", "--generate"];
    for command in [&retire[..], &other, &open] {
        let refused = world.ends_with(2, command, &two(&shares, 0, 1));
        let told = words(&refused.err);
        assert!(told.contains("is the medium plugged in?"), "{told}");
        assert!(!usb.exists(), "{command:?}");
    }
    // The folder that it is mounted on.
    fs::create_dir(&usb).unwrap();
    let refused = world.ends(2, &retire);
    assert!(
        words(&refused.err).contains("it cannot be told whether something that counts is sealed to"),
        "{}",
        refused.err
    );
    assert!(words(&world.ends(2, &other).err).contains("is the medium plugged in?"));
    assert_eq!(fs::read_dir(&usb).unwrap().count(), 0);
    fs::remove_dir(&usb).unwrap();
    fs::rename(&away, &usb).unwrap();
    world.ends(0, &other);
    assert_eq!(world.ends_with(0, &open, &two(&shares, 1, 2)).out.trim(), password);
    // Without a declaration they lie in the state; where they are missing there, nobody can tell either.
    fs::write(&path, config).unwrap();
    let refused = world.ends(2, &retire);
    assert!(
        words(&refused.err).contains("it cannot be told whether something that counts is sealed to"),
        "{}",
        refused.err
    );
}
