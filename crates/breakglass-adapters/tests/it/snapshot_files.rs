//! Files, folders and streams.

use std::io::Read;
use std::path::Path;

use breakglass_adapters::{LoadError, read_snapshot, read_snapshot_stream};
use proptest::prelude::*;

use crate::support::{Folder, fault, sentence};

const USERS: &str = r#"{"value":[{"id":"u1","displayName":"Zo\u00eb"},{"id":"u2","displayName":"Zoë"}]}"#;
const SNAPSHOT: &str = r#"{"format":"breakglass-snapshot/1","users":[{"id":"u1"}],"extra":1}"#;

#[test]
fn a_folder_is_joined() {
    let folder = Folder::new("joined");
    folder.write("users-1.ndjson", "{\"id\":\"u1\"}\n{\"id\":\"u2\"}\n");
    folder.write("more/users-2.JSON", r#"[{"id":"u3"},{"id":"u1"}]"#);
    folder.write("more/notes.txt", "not read");
    folder.write("more/.hidden.json", "{");
    folder.write("devices.jsonl", "not read either");
    folder.write("package.json", r#"{"name":"x"}"#);
    let loaded = folder.read();
    assert_eq!(loaded.unopened, ["devices.jsonl", "more/notes.txt"]);
    assert_eq!(loaded.snapshot.users.get().map(Vec::len), Ok(3));
    assert_eq!(loaded.snapshot.source.as_deref(), Some("file"));
    assert_eq!(loaded.notes, ["1 of `users` came again with the same content"]);
    let unrecognised: Vec<_> = loaded.unrecognised.iter().map(|seen| (seen.file.as_str(), seen.why.as_str())).collect();
    assert_eq!(unrecognised, [("package.json", "of no known kind, with `name`")]);
}

#[test]
fn the_name_of_the_folder_itself_counts() {
    let folder = Folder::new("own-name");
    folder.write("ConditionalAccess/All users.json", r#"{"id":"p","state":"enabled","conditions":{}}"#);
    let loaded = read_snapshot(&folder.path().join("ConditionalAccess")).unwrap();
    assert_eq!(loaded.snapshot.conditional_access_policies.items().len(), 1);
}

#[test]
fn users_are_read_first_so_that_their_keys_lie_together() {
    let folder = Folder::new("order");
    folder.write("administrativeUnits.json", r#"[{"id":"a","members":["m"]}]"#);
    folder.write("groups.json", r#"[{"id":"g","members":["m"]}]"#);
    folder.write("users.json", r#"[{"id":"u"},{"id":"m"}]"#);
    let snapshot = folder.read().snapshot;
    let ids: Vec<_> = snapshot.objects.keys().map(|key| snapshot.objects.id(key).to_owned()).collect();
    assert_eq!(ids, ["u", "m", "g", "a"]);
}

#[test]
fn every_usual_encoding_is_read() {
    let utf16 = |little: bool| -> Vec<u8> {
        let units = std::iter::once(0xfeff).chain(USERS.encode_utf16());
        units.flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
    };
    for (name, bytes) in [
        ("utf-8", USERS.as_bytes().to_vec()),
        ("utf-8 with mark", format!("\u{feff}{USERS}").into_bytes()),
        ("utf-16 little-endian", utf16(true)),
        ("utf-16 big-endian", utf16(false)),
    ] {
        let folder = Folder::new("encodings");
        folder.write("users.json", bytes);
        let loaded = folder.read();
        let names: Vec<_> = loaded.snapshot.users.items().iter().map(|user| user.name().to_owned()).collect();
        assert_eq!(names, ["Zoë", "Zoë"], "{name}");
    }
}

#[test]
fn one_file_and_a_stream_are_read_alike() {
    let folder = Folder::new("file");
    let file = folder.write("any.name", SNAPSHOT);
    let loaded = read_snapshot(&file).unwrap();
    assert_eq!(loaded.snapshot.users.items().len(), 1);
    assert_eq!(loaded.notes, [format!("`extra` in `{}` is not read", file.display())]);
    let loaded = read_snapshot_stream(SNAPSHOT.as_bytes()).unwrap();
    assert_eq!(loaded.snapshot.users.items().len(), 1);
    assert_eq!(loaded.notes, ["`extra` in `-` is not read"]);
}

#[test]
fn a_renamed_group_is_taken_once_and_told() {
    let folder = Folder::new("renamed");
    folder.write("groups.json", r#"[{"id":"f","displayName":"F"},{"id":"g","displayName":"A"}]"#);
    folder.write("more/groups.json", r#"[{"id":"h"},{"id":"g","displayName":"B"},{"id":"f"}]"#);
    let loaded = folder.read();
    let of = |id: &str, first: &str, second: &str| {
        format!("`groups` has the id `{id}` under two names: {first}, then {second}; the first is kept")
    };
    let expected = [
        of("g", "`A` in `groups.json`", "`B` in `more/groups.json`"),
        of("f", "`F` in `groups.json`", "none in `more/groups.json`"),
    ];
    assert_eq!(loaded.notes, expected);
    assert_eq!(loaded.snapshot.groups.items().len(), 3);
}

/// The same assignment as Azure Resource Manager, its command line and its PowerShell module write it, and in the
/// letter case of older answers.
const OF_AZURE: [&str; 4] = [
    r#"{"value":[{"id":"/providers/Microsoft.Authorization/roleAssignments/x","name":"x",
        "type":"Microsoft.Authorization/roleAssignments","properties":{"principalId":"u","scope":"/",
        "roleDefinitionId":"/providers/Microsoft.Authorization/roleDefinitions/r"}}]}"#,
    r#"[{"id":"/providers/Microsoft.Authorization/roleAssignments/x","principalId":"u","scope":"/",
        "roleDefinitionId":"/providers/Microsoft.Authorization/roleDefinitions/r"}]"#,
    r#"[{"RoleAssignmentId":"/providers/Microsoft.Authorization/roleAssignments/x","ObjectId":"u","Scope":"/",
        "DisplayName":"U","RoleDefinitionId":"r"}]"#,
    r#"[{"principalId":"u","scope":"/","roleDefinitionId":"/providers/microsoft.authorization/roledefinitions/r"}]"#,
];

#[test]
fn role_assignments_of_azure_are_read_and_are_not_those_of_the_directory() {
    for text in OF_AZURE {
        for name in ["azure.json", "roleAssignments.json", "az/roleAssignments.json"] {
            let folder = Folder::new("azure");
            folder.write("users.json", r#"[{"id":"u"}]"#);
            folder.write(name, text);
            let snapshot = folder.read().snapshot;
            let [assignment] = snapshot.role_assignments.items() else { panic!("{name} {text}") };
            assert_eq!(assignment.principal_id.as_str(), "u", "{text}");
            let role = assignment.role_definition_id.as_str();
            let expected = "/providers/Microsoft.Authorization/roleDefinitions/r";
            assert!(
                role.eq_ignore_ascii_case(expected) && role.contains("/providers/Microsoft.Authorization/"),
                "{role}"
            );
            assert_eq!(assignment.rest["scope"], "/");
            let why = "the export has role assignments of Azure and not the directory's list";
            assert_eq!(snapshot.role_assignments.why(), Some(why), "{name} {text}");
        }
    }
}

#[test]
fn role_assignments_of_the_directory_are_complete_beside_those_of_azure() {
    let folder = Folder::new("beside-azure");
    folder.write("roleAssignments.json", r#"[{"principalId":"u","roleDefinitionId":"r","directoryScopeId":"/"}]"#);
    folder.write("az/roleAssignments.json", OF_AZURE[0]);
    let snapshot = folder.read().snapshot;
    assert_eq!((snapshot.role_assignments.items().len(), snapshot.role_assignments.is_complete()), (2, true));
}

#[test]
fn what_else_azure_has_is_no_list_of_the_directory() {
    for (name, text) in [
        ("az/roleAssignments.json", r#"{"value":[]}"#),
        ("azure/roleDefinitions.json", "[]"),
        (
            "roleDefinitions.json",
            r#"[{"id":"/providers/Microsoft.Authorization/roleDefinitions/r","roleName":"Owner","isBuiltIn":true}]"#,
        ),
        (
            "roleAssignments.json",
            r#"[{"type":"Microsoft.Authorization/roleEligibilityScheduleInstances","properties":{"principalId":"u",
                "roleDefinitionId":"/providers/Microsoft.Authorization/roleDefinitions/r"}}]"#,
        ),
    ] {
        let folder = Folder::new("more-azure");
        folder.write("users.json", r#"[{"id":"u"}]"#);
        folder.write(name, text);
        let loaded = folder.read();
        assert_eq!(loaded.unrecognised.len(), 1, "{name}");
        assert!(loaded.snapshot.role_assignments.get().is_err(), "{name}");
        assert!(loaded.snapshot.role_definitions.get().is_err(), "{name}");
    }
}

#[test]
fn what_could_not_be_read_concerns_a_list_or_is_told() {
    let read = |resource: &str| {
        let folder = Folder::new("missing");
        let text = format!(
            r#"{{"format":"breakglass-snapshot/1","groups":[{{"id":"g","members":[]}}],
            "conditionalAccessPolicies":[],"missing":[{{"resource":"{resource}","why":"403"}}]}}"#
        );
        folder.write("snapshot.json", text);
        folder.read()
    };
    let policies = read("policies");
    assert_eq!(policies.snapshot.conditional_access_policies.why(), Some("403"));
    assert!(policies.notes.is_empty(), "{:?}", policies.notes);
    let members = read("groups/g/members");
    assert_eq!(members.snapshot.groups.why(), Some("`groups/g/members`: 403"));
    assert!(members.snapshot.groups.is_partial());
    let strange = read("phaseOfTheMoon");
    assert_eq!(strange.notes, ["`missing` names `phaseOfTheMoon` (403), which is no list of a snapshot"]);
    assert_eq!(strange.snapshot.missing.len(), 1);
}

#[test]
fn a_property_that_is_not_there_is_no_fault_of_powershells_depth() {
    let folder = Folder::new("help");
    folder.write("roleAssignments.json", r#"[{"id":"a","roleDefinitionId":"r"}]"#);
    let error = folder.fault();
    assert_eq!(error.code(), "BG1009");
    assert_eq!(error.help(), "export the object again with that property, or take the file out of the folder");
}

/// Checks code and message; every code has something to do.
fn check(error: &LoadError, code: &str, message: &str) {
    assert_eq!(error.code(), code, "{}", sentence(error));
    assert!(sentence(error).contains(message), "{}", sentence(error));
    assert!(!error.help().is_empty());
    assert!(!sentence(error).ends_with('.'), "{}", sentence(error));
}

#[test]
fn what_is_wrong_with_a_file_is_said() {
    for (name, text, code, message) in [
        ("users.json", "{\"value\":[{\"id\":\"u\"}", "BG1007", "`users.json` is not a readable export: the text ends"),
        ("users.json", "[{\"id\":\"u\"},\n{\"id\":\"", "BG1007", "(line 2, byte 20)"),
        ("users.ndjson", "{\"id\":\"u\"}\n{\"id\":", "BG1007", "(line 2)"),
        ("users.json", "// users\n[]", "BG1006", "`/` where a JSON value should be (line 1, byte 0)"),
        ("users.json", "\0\0\0\0", "BG1006", "the byte 0x00"),
        ("users.json", "[{\"id\":}]", "BG1006", "expected value (line 1)"),
        ("users.json", r#"[{"id":7}]"#, "BG1009", "$[0].id: invalid type: integer, expected a string"),
        (
            "policies.json",
            r#"{"value":[{"id":"p","state":"enabled","conditions":"System.Object"}]}"#,
            "BG1009",
            "$.value[0].conditions: invalid type: string, expected an object",
        ),
        (
            "namedLocations.json",
            r#"[{"id":"n","ipRanges":[{"cidrAddress":"HQ"}]}]"#,
            "BG1009",
            "$[0].ipRanges[0].cidrAddress: `HQ` is not an address range",
        ),
        (
            "policies.json",
            r#"[{"id":"p","state":"enabled","conditions":{}},{"id":"p","state":"disabled","conditions":{}}]"#,
            "BG1010",
            "$[1]: a second, different conditionalAccessPolicies object has the id `p`",
        ),
        ("x.json", r#"{"format":"breakglass-snapshot/9"}"#, "BG1011", "`breakglass-snapshot/9`"),
        ("x.json", r#"{"users":[]}"#, "BG1012", "`users`"),
        ("x.json", r#"{"a":1}"#, "BG1005", "`x.json` is of no known kind, with `a`"),
        ("x.json", "", "BG1005", "`x.json` is an empty file"),
    ] {
        let folder = Folder::new("wrong");
        folder.write(name, text);
        check(&folder.fault(), code, message);
    }
}

#[test]
fn the_second_place_of_a_duplicate_is_named() {
    let folder = Folder::new("duplicate");
    folder.write("users-1.json", r#"[{"id":"u","accountEnabled":true}]"#);
    folder.write("users-2.json", "[{\"id\":\"v\"},\n{\"id\":\"u\",\"accountEnabled\":false}]");
    check(
        &folder.fault(),
        "BG1010",
        "`users-2.json` is not a readable export: $[1]: a second, different users object has the id `u` (line 2)",
    );
}

#[test]
fn a_folder_without_an_export_is_said_to_be_one() {
    let folder = Folder::new("empty");
    check(&folder.fault(), "BG1004", "has no `*.json` and no `*.ndjson` file");
    folder.write("readme.txt", "x");
    check(&folder.fault(), "BG1004", "has no `*.json` and no `*.ndjson` file");
    for name in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"] {
        folder.write(&format!("{name}.json"), "[1]");
    }
    check(&folder.fault(), "BG1005", "`h.json` is a list of something else than objects; and 2 more");
}

#[test]
fn what_cannot_be_opened_is_said() {
    let folder = Folder::new("unopened");
    check(&fault(&folder.path().join("absent.json")), "BG1001", "absent.json");
}

#[cfg(unix)]
#[test]
fn devices_and_pipes_are_not_read() {
    check(&fault(Path::new("/dev/zero")), "BG1002", "`/dev/zero` is neither a file nor a folder");
    let folder = Folder::new("pipe");
    let made = std::process::Command::new("mkfifo").arg(folder.path().join("users.json")).status();
    if !made.is_ok_and(|status| status.success()) {
        println!("skipped: no pipe can be made here");
        return;
    }
    check(&folder.fault(), "BG1005", "`users.json` is not a regular file");
    check(&fault(&folder.path().join("users.json")), "BG1002", "neither a file nor a folder");
    folder.write("groups.json", "[]");
    assert_eq!(folder.read().unrecognised.len(), 1);
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_loops_are_not() {
    use std::os::unix::fs::symlink;
    let folder = Folder::new("links");
    let elsewhere = Folder::new("links-elsewhere");
    elsewhere.write("users.json", r#"[{"id":"u"}]"#);
    symlink(elsewhere.path(), folder.path().join("linked")).unwrap();
    symlink(folder.path(), folder.path().join("loop")).unwrap();
    let loaded = folder.read();
    assert_eq!(loaded.snapshot.users.items().len(), 1);
    assert_eq!(loaded.notes, ["the link `loop` leads back to a folder above it and was not followed"]);
    symlink("nowhere", folder.path().join("broken.json")).unwrap();
    check(&folder.fault(), "BG1001", "broken.json");
}

#[test]
fn a_folder_that_is_too_deep_is_said_to_be() {
    let folder = Folder::new("deep");
    folder.write("users.json", "[]");
    folder.write(&format!("{}groups.json", "d/".repeat(20)), "[]");
    check(&folder.fault(), "BG1003", "has folders more than 16 deep");
}

/// Repeats bytes without end, and counts how many were taken.
struct Endless<'a> {
    bytes: &'a [u8],
    taken: u64,
}

impl Read for Endless<'_> {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        for (at, byte) in room.iter_mut().enumerate() {
            *byte = self.bytes[(self.taken as usize + at) % self.bytes.len()];
        }
        self.taken += room.len() as u64;
        Ok(room.len())
    }
}

#[test]
fn endless_garbage_is_refused_after_a_few_bytes() {
    for (bytes, code) in [
        (b"\0".as_slice(), "BG1006"),
        (b"garbage ", "BG1006"),
        (b"[", "BG1005"),
        (b"{", "BG1008"),
        (b"[\"a\",", "BG1005"),
        (b"[1", "BG1005"),
        (b"{\"a", "BG1008"),
        (b"\"", "BG1005"),
        (b"7", "BG1005"),
    ] {
        let mut stream = Endless { bytes, taken: 0 };
        let error = read_snapshot_stream(&mut stream).unwrap_err();
        assert_eq!(error.code(), code, "{bytes:?}: {}", sentence(&error));
        assert!(stream.taken < 64 << 20, "{bytes:?} took {}", stream.taken);
    }
}

#[test]
fn what_is_nested_too_deep_is_not_to_be_split() {
    let deep = format!("{{\"value\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let error = read_snapshot_stream(deep.as_bytes()).unwrap_err();
    assert_eq!(error.code(), "BG1008");
    assert!(error.help().starts_with("nothing that Graph writes is nested so deep"), "{}", error.help());
}

proptest! {
    #[test]
    fn any_bytes_in_a_file_give_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Err(error) = read_snapshot_stream(bytes.as_slice()) {
            prop_assert!(error.code().starts_with("BG10"));
            prop_assert!(!sentence(&error).is_empty());
        }
    }
}
