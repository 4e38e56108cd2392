//! Who the emergency accounts are, as other tools have it written down already.
//!
//! Maester and Zero Trust Assessment keep `GlobalSettings.EmergencyAccessAccounts` in JSON; ScubaGear keeps
//! `CapExclusions` for each policy of its `Aad` baseline, in YAML or JSON. Both are read by PowerShell, to which the case
//! of a name means nothing, so it means nothing here. What is read can be written again for either.
//!
//! **Limits:** [`FILE_BYTES_MAX`]. **Source:** Maester, `maester-config.json`; Zero Trust Assessment,
//! `Get-ZtEmergencyAccessAccounts`; cisagov/ScubaGear, `docs/configuration/configuration.md`; read 2026-11-22.

use std::collections::BTreeMap;
use std::path::Path;

use breakglass_engine::posture::accounts::Declared;
use breakglass_model::plain_words::in_plain_words;
use breakglass_model::snapshot::{ObjectRow, Snapshot};
use serde_json::{Value, json};

use crate::codes::ErrorCode;
use crate::failure::Coded;
use crate::text_file::{TextError, read_text};

/// Bytes of the largest file.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Policies of ScubaGear's baseline that know `CapExclusions`.
const SCUBAGEAR_POLICIES: [&str; 9] = [
    "MS.AAD.1.1v1",
    "MS.AAD.2.1v1",
    "MS.AAD.2.3v1",
    "MS.AAD.3.1v1",
    "MS.AAD.3.2v1",
    "MS.AAD.3.3v2",
    "MS.AAD.3.6v1",
    "MS.AAD.3.7v1",
    "MS.AAD.3.8v1",
];

/// The policy of ScubaGear's baseline about permanent privileged roles, which emergency accounts need.
const SCUBAGEAR_ROLE_POLICY: &str = "MS.AAD.7.4v1";

/// Why a file does not say who the accounts are.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccountsFromError {
    /// The file cannot be read.
    #[error("the file that declares the accounts cannot be read")]
    Read(#[source] TextError),
    /// It is neither JSON nor YAML.
    #[error("`{name}` is neither JSON nor YAML: {message}")]
    Malformed { name: String, message: String },
    /// It has neither of the declarations.
    #[error("`{name}` has neither `GlobalSettings.EmergencyAccessAccounts` nor `CapExclusions`")]
    Undeclared { name: String },
    /// A declaration is not what it should be.
    #[error("`{name}`: `{path}` {wanted}")]
    Entry { name: String, path: String, wanted: &'static str },
}

pub(crate) const CODES: &[ErrorCode] = &[
    ErrorCode {
        code: "BG1201",
        title: "the file that declares the accounts cannot be read",
        explanation: "The file given with `--accounts-from` is not there, may not be read, is too large, or is not \
                      text in UTF-8 or UTF-16.",
    },
    ErrorCode {
        code: "BG1202",
        title: "the file that declares the accounts is neither JSON nor YAML",
        explanation: "`--accounts-from` reads the configuration of Maester or Zero Trust Assessment (JSON) and of \
                      ScubaGear (YAML or JSON). The message names the line at which reading ended.",
    },
    ErrorCode {
        code: "BG1203",
        title: "the file declares no accounts",
        explanation: "The file given with `--accounts-from` was read, and has neither of the places where emergency \
                      access accounts are declared: `GlobalSettings.EmergencyAccessAccounts` (Maester, Zero Trust \
                      Assessment) or `Aad.<policy>.CapExclusions` (ScubaGear). Declare the accounts there, or in \
                      `breakglass.toml`, or with `--account`.",
    },
    ErrorCode {
        code: "BG1204",
        title: "a declaration of an account is not understood",
        explanation: "An entry has the wrong kind. In Maester's file each is an object with `Type` (`User` or \
                      `Group`) and `Id` or `UserPrincipalName`; in ScubaGear's, `Users` and `Groups` are lists of \
                      object ids. The message names the path.",
    },
];

impl Coded for AccountsFromError {
    fn code(&self) -> &'static str {
        match self {
            Self::Read(_) => "BG1201",
            Self::Malformed { .. } => "BG1202",
            Self::Undeclared { .. } => "BG1203",
            Self::Entry { .. } => "BG1204",
        }
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::Read(_) => "give the configuration of Maester, Zero Trust Assessment or ScubaGear".to_owned(),
            Self::Malformed { .. } | Self::Undeclared { .. } | Self::Entry { .. } => {
                format!("`breakglass explain {}` says what is expected", self.code())
            }
        })
    }
}

/// What a file of another tool declares.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct AccountsFrom {
    /// The declarations, each once, in the order of the file.
    pub(crate) declared: Vec<Declared>,
    /// What somebody should look at.
    pub(crate) notes: Vec<String>,
}

/// Reads the configuration of another tool.
pub(crate) fn read(path: &Path) -> Result<AccountsFrom, AccountsFromError> {
    let text = read_text(path, FILE_BYTES_MAX).map_err(AccountsFromError::Read)?;
    parse(&text, &path.display().to_string())
}

fn parse(text: &str, name: &str) -> Result<AccountsFrom, AccountsFromError> {
    let document = document(text, name)?;
    let maester =
        property(&document, "GlobalSettings").and_then(|globals| property(globals, "EmergencyAccessAccounts"));
    let exclusions = cap_exclusions(&document);
    if maester.is_none() && exclusions.is_empty() {
        return Err(AccountsFromError::Undeclared { name: name.to_owned() });
    }
    let mut from = AccountsFrom::default();
    if let Some(entries) = maester {
        from.add_maester(entries, name)?;
    }
    from.add_scubagear(&exclusions, name)?;
    if from.declared.is_empty() {
        from.notes.push(format!("`{name}` declares nobody"));
    }
    Ok(from)
}

/// JSON if it begins as JSON, else YAML.
fn document(text: &str, name: &str) -> Result<Value, AccountsFromError> {
    let malformed = |message: String| {
        let message = message.lines().next().unwrap_or_default().to_owned();
        AccountsFromError::Malformed { name: name.to_owned(), message }
    };
    if text.trim_start().starts_with(['{', '[']) {
        serde_json::from_str(text).map_err(|error| malformed(in_plain_words(&error.to_string())))
    } else {
        serde_saphyr::from_str(text).map_err(|error| malformed(error.without_snippet().to_string()))
    }
}

/// A property of an object, whatever the case of its name.
fn property<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// `CapExclusions` of each policy, with the path.
fn cap_exclusions(document: &Value) -> Vec<(String, &Value)> {
    let Some(policies) = property(document, "Aad").and_then(Value::as_object) else { return Vec::new() };
    policies
        .iter()
        .filter_map(|(id, policy)| Some((format!("Aad.{id}.CapExclusions"), property(policy, "CapExclusions")?)))
        .collect()
}

impl AccountsFrom {
    fn add(&mut self, name: &str, origin: &str) {
        if !self.declared.iter().any(|declared| declared.name.eq_ignore_ascii_case(name)) {
            self.declared.push(Declared { name: name.to_owned(), origin: origin.to_owned() });
        }
    }

    fn add_maester(&mut self, entries: &Value, name: &str) -> Result<(), AccountsFromError> {
        const PATH: &str = "GlobalSettings.EmergencyAccessAccounts";
        let wrong = |path: String, wanted| AccountsFromError::Entry { name: name.to_owned(), path, wanted };
        for (at, entry) in items(entries).ok_or_else(|| wrong(PATH.to_owned(), "must be a list"))?.iter().enumerate() {
            let path = format!("{PATH}[{at}]");
            if !entry.is_object() {
                return Err(wrong(path, "must be an object with `Type`, and `Id` or `UserPrincipalName`"));
            }
            let kind = property(entry, "Type").and_then(Value::as_str);
            if kind.is_some_and(|kind| !kind.eq_ignore_ascii_case("User") && !kind.eq_ignore_ascii_case("Group")) {
                return Err(wrong(format!("{path}.Type"), "must be `User` or `Group`"));
            }
            let text =
                |key| property(entry, key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
            let Some(account) = text("Id").or_else(|| text("UserPrincipalName")) else {
                return Err(wrong(path, "needs `Id` or `UserPrincipalName`"));
            };
            self.add(account, name);
        }
        Ok(())
    }

    fn add_scubagear(&mut self, exclusions: &[(String, &Value)], name: &str) -> Result<(), AccountsFromError> {
        let mut policies_of: BTreeMap<String, usize> = BTreeMap::new();
        for (path, exclusion) in exclusions {
            let mut of_policy = Vec::new();
            for list in ["Users", "Groups"] {
                let entries = property(exclusion, list).and_then(items).unwrap_or_default();
                for (at, entry) in entries.iter().enumerate() {
                    let Some(id) = entry.as_str().map(str::trim) else {
                        let path = format!("{path}.{list}[{at}]");
                        let wanted = "must be an object id as text";
                        return Err(AccountsFromError::Entry { name: name.to_owned(), path, wanted });
                    };
                    // ScubaGear's own sample has an empty id in each list.
                    if !id.is_empty() && !of_policy.contains(&id) {
                        of_policy.push(id);
                    }
                }
            }
            for id in of_policy {
                *policies_of.entry(id.to_ascii_lowercase()).or_default() += 1;
                self.add(id, name);
            }
        }
        let all = exclusions.len();
        for (id, count) in policies_of.into_iter().filter(|(_, count)| *count < all) {
            self.notes.push(format!(
                "`{id}` is in the `CapExclusions` of {count} of {all} policies in `{name}`; it counts as an emergency \
                 access account or group"
            ));
        }
        Ok(())
    }
}

/// The items of a list; a single value is a list of one, and nothing is an empty one.
fn items(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Array(items) => Some(items),
        Value::Null => Some(&[]),
        Value::String(_) => Some(std::slice::from_ref(value)),
        _ => None,
    }
}

/// A tool whose configuration can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Tool {
    /// `GlobalSettings.EmergencyAccessAccounts`, also read by Zero Trust Assessment
    Maester,
    /// `CapExclusions` and `RoleExclusions`
    Scubagear,
}

/// What a tool is told.
#[derive(Debug, Default)]
struct Known<'a> {
    users: Vec<&'a str>,
    groups: Vec<&'a str>,
}

/// Writes the declarations for another tool, by object id. Those that stand for nobody are given back.
pub(crate) fn export<'a>(tool: Tool, snapshot: &Snapshot, declared: &'a [Declared]) -> (String, Vec<&'a Declared>) {
    let mut known = Known::default();
    let mut unknown = Vec::new();
    for declaration in declared {
        if let Some(user) = snapshot.find_user(&declaration.name) {
            known.users.push(snapshot.objects.id(user.key));
            continue;
        }
        let group = snapshot.objects.find(&declaration.name);
        match group.filter(|key| matches!(snapshot.row(*key), ObjectRow::Group(_))) {
            Some(key) => known.groups.push(snapshot.objects.id(key)),
            None => unknown.push(declaration),
        }
    }
    let text = match tool {
        Tool::Maester => maester(&known),
        Tool::Scubagear => scubagear(&known),
    };
    (text, unknown)
}

fn maester(known: &Known<'_>) -> String {
    let entry = |kind: &str, id: &str| json!({ "Type": kind, "Id": id });
    let users = known.users.iter().map(|id| entry("User", id));
    let groups = known.groups.iter().map(|id| entry("Group", id));
    let entries: Vec<Value> = users.chain(groups).collect();
    format!("{:#}\n", json!({ "GlobalSettings": { "EmergencyAccessAccounts": entries } }))
}

fn scubagear(known: &Known<'_>) -> String {
    let mut yaml = "Aad:\n".to_owned();
    for (at, policy) in SCUBAGEAR_POLICIES.iter().enumerate() {
        if at == 0 {
            yaml.push_str(&format!("  {policy}: &EmergencyAccess\n    CapExclusions:\n{}", lists(known)));
        } else {
            yaml.push_str(&format!("  {policy}: *EmergencyAccess\n"));
        }
    }
    yaml.push_str(&format!("  {SCUBAGEAR_ROLE_POLICY}:\n    RoleExclusions:\n{}", lists(known)));
    yaml
}

fn lists(known: &Known<'_>) -> String {
    let mut yaml = String::new();
    for (name, ids) in [("Users", &known.users), ("Groups", &known.groups)] {
        if ids.is_empty() {
            yaml.push_str(&format!("      {name}: []\n"));
            continue;
        }
        yaml.push_str(&format!("      {name}:\n"));
        for id in ids {
            // A JSON string is a YAML string.
            yaml.push_str(&format!("        - {}\n", Value::from(*id)));
        }
    }
    yaml
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        parse(text, "f").unwrap().declared.into_iter().map(|declared| declared.name).collect()
    }

    const SCUBAGEAR: &str = "\
M365Environment: commercial
Aad:
  MS.AAD.1.1v1: &Cap
    CapExclusions:
      Groups:
        - g1
      Users:
        - \"\"
        - u1
  MS.AAD.2.1v1: *Cap
  MS.AAD.3.1v1:
    CapExclusions:
      Users: u2
  MS.AAD.7.4v1:
    RoleExclusions:
      Users: [u9]
";

    #[test]
    fn maester_and_zero_trust_assessment_are_read() {
        let text = r#"{ "GlobalSettings": { "EmergencyAccessAccounts": [
            { "Type": "User", "UserPrincipalName": "bg1@contoso.com" },
            { "Type": "User", "Id": "id-1", "UserPrincipalName": "bg2@contoso.com" },
            { "type": "group", "id": "id-2" }, { "Id": "ID-1" } ] }, "TestSettings": [] }"#;
        assert_eq!(names(text), ["bg1@contoso.com", "id-1", "id-2"]);
    }

    #[test]
    fn scubagear_is_read_with_its_aliases() {
        assert_eq!(names(SCUBAGEAR), ["u1", "g1", "u2"]);
        let notes = parse(SCUBAGEAR, "f").unwrap().notes;
        assert_eq!(notes.len(), 3, "{notes:?}");
        assert!(notes[2].starts_with("`u2` is in the `CapExclusions` of 1 of 3 policies"), "{notes:?}");
    }

    #[test]
    fn scubagear_in_json_is_read() {
        let text = r#"{"aad": {"MS.AAD.1.1v1": {"CapExclusions": {"Users": ["u1"], "Groups": null}}}}"#;
        let from = parse(text, "f").unwrap();
        assert_eq!(from.declared, [Declared { name: "u1".to_owned(), origin: "f".to_owned() }]);
        assert!(from.notes.is_empty(), "{:?}", from.notes);
    }

    #[test]
    fn a_file_that_declares_nobody_says_so() {
        let from = parse(r#"{"GlobalSettings": {"EmergencyAccessAccounts": []}}"#, "f").unwrap();
        assert_eq!(from.notes, ["`f` declares nobody"]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let cases = [
            ("", "BG1203", ""),
            ("{", "BG1202", "line 1"),
            ("a: [", "BG1202", ""),
            ("[]", "BG1203", ""),
            ("Aad: {MS.AAD.1.1v1: {}}", "BG1203", ""),
            (r#"{"GlobalSettings": {"EmergencyAccessAccounts": {}}}"#, "BG1204", "must be a list"),
            (r#"{"GlobalSettings": {"EmergencyAccessAccounts": [1]}}"#, "BG1204", "EmergencyAccessAccounts[0]`"),
            (r#"{"GlobalSettings": {"EmergencyAccessAccounts": [{"Type": "User"}]}}"#, "BG1204", "needs `Id`"),
            (
                r#"{"GlobalSettings": {"EmergencyAccessAccounts": [{"Type": "App", "Id": "1"}]}}"#,
                "BG1204",
                "[0].Type` must be `User` or `Group`",
            ),
            ("Aad: {P: {CapExclusions: {Users: [12]}}}", "BG1204", "`Aad.P.CapExclusions.Users[0]` must be"),
        ];
        for (text, code, message) in cases {
            let error = parse(text, "f").unwrap_err();
            assert_eq!(error.code(), code, "{text}: {error}");
            assert!(error.to_string().contains(message), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let known = Known { users: vec!["u1", "u\"2"], groups: vec!["g1"] };
        for text in [maester(&known), scubagear(&known)] {
            assert_eq!(names(&text), ["u1", "u\"2", "g1"], "{text}");
            assert!(parse(&text, "f").unwrap().notes.is_empty());
        }
    }
}
