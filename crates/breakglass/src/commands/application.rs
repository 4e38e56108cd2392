//! An application in words: an id, a surface by its name, or an application of the tenant by its name.
//!
//! **Invariant:** a name is either found or refused; it never silently becomes the id of an application of which
//! nobody knows anything.

use std::collections::BTreeMap;

use breakglass_engine::access::KEYWORDS;
use breakglass_engine::access::surfaces::{
    AZURE_PORTAL, AZURE_RESOURCE_MANAGER, EXCHANGE_ONLINE, MICROSOFT_GRAPH, SURFACES,
};
use breakglass_model::nearest::nearest;
use breakglass_model::snapshot::Snapshot;

/// What surfaces are called as well.
const ALIASES: &[(&str, &str)] = &[
    ("Azure portal", AZURE_PORTAL),
    ("Entra admin center", AZURE_PORTAL),
    ("Microsoft Entra admin center", AZURE_PORTAL),
    ("Intune admin center", AZURE_PORTAL),
    ("Microsoft Intune admin center", AZURE_PORTAL),
    ("Entra portal", AZURE_PORTAL),
    ("portal", AZURE_PORTAL),
    ("Office 365 admin center", "00000006-0000-0ff1-ce00-000000000000"),
    ("M365 admin center", "00000006-0000-0ff1-ce00-000000000000"),
    ("az", "04b07795-8ddb-461a-bbee-02f9e1bf7b46"),
    ("Az PowerShell", "1950a258-227b-4e31-a9cf-717495945fc2"),
    ("ARM", AZURE_RESOURCE_MANAGER),
    ("Azure Service Management API", AZURE_RESOURCE_MANAGER),
    ("Windows Azure Service Management API", AZURE_RESOURCE_MANAGER),
    ("Graph", MICROSOFT_GRAPH),
    ("Graph PowerShell", "14d82eec-204b-4c2f-b7e8-296a70dab67e"),
    ("Microsoft Graph Command Line Tools", "14d82eec-204b-4c2f-b7e8-296a70dab67e"),
    ("Azure AD Graph", "00000002-0000-0000-c000-000000000000"),
    ("AAD Graph", "00000002-0000-0000-c000-000000000000"),
    ("Exchange", EXCHANGE_ONLINE),
    ("EXO", EXCHANGE_ONLINE),
    ("Office 365 Exchange Online", EXCHANGE_ONLINE),
    ("EAC", "497effe9-df71-4043-a8bb-14cf78c4b63b"),
    ("SharePoint", "00000003-0000-0ff1-ce00-000000000000"),
    ("SPO", "00000003-0000-0ff1-ce00-000000000000"),
    ("OneDrive", "00000003-0000-0ff1-ce00-000000000000"),
    ("Office 365 SharePoint Online", "00000003-0000-0ff1-ce00-000000000000"),
    ("Teams", "cc15fd57-2c6c-4117-a88c-83b1d56b4bbe"),
    ("Intune", "0000000a-0000-0000-c000-000000000000"),
    ("Intune Enrollment", "d4ebce55-015a-49b5-a083-c84d1797ae8c"),
    ("DevOps", "499b84ac-1321-427f-aa17-267ca6975798"),
    ("AzureAD PowerShell", "1b730954-1685-4b74-9bfd-dac224a7b894"),
    ("PIM", "01fc33a7-78ba-4d2f-a4b7-768e336e890e"),
];

/// Names that are offered in an error.
const OFFERED_COUNT_MAX: usize = 8;

/// Why a name is not that of one application.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ApplicationError {
    /// Nothing has it.
    #[error("no application is called `{name}`{}", offered(near))]
    Unknown { name: String, near: Vec<String> },
    /// Several have it.
    #[error("several applications are called like `{name}`: {}", quoted(found))]
    Ambiguous { name: String, found: Vec<String> },
    /// It is a group of applications.
    #[error("`{0}` is a group of applications, and a sign-in is to one of them")]
    Group(String),
}

impl ApplicationError {
    pub(crate) fn help(&self) -> String {
        let names: Vec<&str> = SURFACES.iter().map(|surface| surface.name).collect();
        match self {
            Self::Ambiguous { .. } => "give the whole name or the application's id".to_owned(),
            _ => format!("give an application id, or one of: {}", names.join("; ")),
        }
    }
}

fn offered(near: &[String]) -> String {
    if near.is_empty() { String::new() } else { format!("; the nearest: {}", quoted(near)) }
}

fn quoted(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(OFFERED_COUNT_MAX).map(|name| format!("`{name}`")).collect();
    match names.len().checked_sub(OFFERED_COUNT_MAX) {
        None | Some(0) => shown.join(", "),
        Some(more) => format!("{} and {more} more", shown.join(", ")),
    }
}

/// The long help of `--app`, with the surfaces.
pub(super) fn help() -> String {
    let names: Vec<String> = SURFACES.iter().map(|surface| format!("  {}", surface.name)).collect();
    format!(
        "To which application: an id, or the name or a part of the name of one that is known\n\nKnown are the \
         applications of the tenant and these surfaces; usual names such as \"Azure portal\", \"Exchange\" or \"az\" \
         are understood too:\n{}",
        names.join("\n")
    )
}

/// Finds the id of the application that is meant.
///
/// # Errors
/// When no application, or more than one, has the name.
pub(super) fn find(snapshot: &Snapshot, name: &str) -> Result<String, ApplicationError> {
    let name = name.trim();
    if is_guid(name) {
        return Ok(name.to_ascii_lowercase());
    }
    if KEYWORDS.iter().chain(&["All"]).any(|group| group.eq_ignore_ascii_case(name)) {
        return Err(ApplicationError::Group(name.to_owned()));
    }
    if is_id(snapshot, name) {
        return Ok(name.to_owned());
    }
    let surfaces = || SURFACES.iter().map(|surface| (surface.name, surface.app_id)).chain(ALIASES.iter().copied());
    if let Some((_, id)) = surfaces().find(|(own, _)| own.eq_ignore_ascii_case(name)) {
        return Ok(id.to_owned());
    }
    let principals = snapshot.service_principals.items().iter();
    let of_tenant: Vec<(&str, &str)> = principals
        .filter_map(|principal| Some((principal.display_name.as_deref()?, principal.app_id.as_ref()?.as_str())))
        .collect();
    let exact = of_tenant.iter().filter(|(own, _)| own.to_lowercase() == name.to_lowercase());
    match one(exact.copied()) {
        Found::One(id) => return Ok(id),
        Found::Several(found) => return Err(ApplicationError::Ambiguous { name: name.to_owned(), found }),
        Found::None => {}
    }
    let wanted = name.to_lowercase();
    let known = || surfaces().chain(of_tenant.iter().copied());
    let ways: [fn(&str, &str) -> bool; 2] = [|own, wanted| own.starts_with(wanted), |own, wanted| own.contains(wanted)];
    for fits in ways {
        let parts = known().filter(|(own, _)| !wanted.is_empty() && fits(&own.to_lowercase(), &wanted));
        match one(parts) {
            Found::One(id) => return Ok(id),
            Found::Several(found) => return Err(ApplicationError::Ambiguous { name: name.to_owned(), found }),
            Found::None => {}
        }
    }
    let near = nearest(name, known().map(|(own, _)| own)).into_iter().take(3).map(str::to_owned).collect();
    Err(ApplicationError::Unknown { name: name.to_owned(), near })
}

enum Found {
    None,
    One(String),
    /// Names with ids, as many as there are applications.
    Several(Vec<String>),
}

/// Whether names all lead to the same application.
fn one<'n>(named: impl Iterator<Item = (&'n str, &'n str)>) -> Found {
    let mut by_id: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, id) in named {
        by_id.entry(id).or_insert(name);
    }
    let mut ids = by_id.iter();
    match (ids.next(), by_id.len()) {
        (None, _) => Found::None,
        (Some((id, _)), 1) => Found::One((*id).to_owned()),
        _ => Found::Several(by_id.into_iter().map(|(id, name)| format!("{name} ({id})")).collect()),
    }
}

/// Whether a text is the id of an application that the tenant or one of its policies names.
fn is_id(snapshot: &Snapshot, text: &str) -> bool {
    let policies = snapshot.conditional_access_policies.items().iter();
    let applications = policies.filter_map(|policy| policy.conditions.applications.as_ref());
    let mut named = applications.flat_map(|part| part.include_applications.iter().chain(&part.exclude_applications));
    let mut principals = snapshot.service_principals.items().iter();
    principals.any(|principal| principal.app_id.as_ref().is_some_and(|id| id.as_str() == text))
        || named.any(|id| id == text && id != "None" && id != "AllAgentIdResources")
}

/// Whether a text is written as an id of Entra is.
pub(super) fn is_guid(text: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    let mut groups = text.split('-');
    let is_group = |length: &usize| {
        groups
            .next()
            .is_some_and(|group| group.len() == *length && group.bytes().all(|digit| digit.is_ascii_hexdigit()))
    };
    lengths.iter().all(is_group) && text.len() == 36
}

#[cfg(test)]
mod tests {
    use breakglass_engine::access::surfaces::{AZURE_PORTAL, EXCHANGE_ONLINE, surface};
    use breakglass_model::snapshot::read::{Origin, read_document};
    use breakglass_model::snapshot::{Snapshot, SnapshotBuilder};

    use super::{ALIASES, ApplicationError, find};

    fn snapshot() -> Snapshot {
        let text = r#"{ "format": "breakglass-snapshot/1", "conditionalAccessPolicies": [{ "id": "p", "state": "enabled",
            "conditions": { "applications": { "includeApplications": ["app-x", "Office365"] } } }],
            "servicePrincipals": [{ "id": "s1", "appId": "payroll-id", "displayName": "Payroll" },
            { "id": "s2", "appId": "twin-1", "displayName": "Twin" }, { "id": "s3", "appId": "twin-2", "displayName": "Twin" }] }"#;
        let mut builder = SnapshotBuilder::default();
        read_document(&mut builder, text.as_bytes(), &Origin { file_name: "tenant.json", folders: &[] }).unwrap();
        builder.finish()
    }

    #[test]
    fn names_that_are_found() {
        let snapshot = snapshot();
        for (name, id) in [
            ("Azure portal", AZURE_PORTAL),
            ("entra ADMIN center", AZURE_PORTAL),
            ("Exchange", EXCHANGE_ONLINE),
            ("exo", EXCHANGE_ONLINE),
            ("az", "04b07795-8ddb-461a-bbee-02f9e1bf7b46"),
            ("Graph Expl", "de8bc8b5-d9f9-48b1-a8ad-b748da725064"),
            ("mobile app", "0c1307d4-29d6-4389-a11c-5cbe7f65d7fa"),
            ("payroll", "payroll-id"),
            ("payroll-id", "payroll-id"),
            ("app-x", "app-x"),
            ("C44B4083-3BB0-49C1-B47D-974E53CBDF3C", AZURE_PORTAL),
            ("11111111-2222-3333-4444-555555555555", "11111111-2222-3333-4444-555555555555"),
        ] {
            assert_eq!(find(&snapshot, name).as_deref(), Ok(id), "{name}");
        }
    }

    #[test]
    fn names_that_are_refused() {
        let snapshot = snapshot();
        for (name, message) in [
            ("Exchnage Online", "no application is called `Exchnage Online`; the nearest: `Exchange Online`"),
            ("blubb", "no application is called `blubb`"),
            ("", "no application is called ``"),
            ("Azure P", "several applications are called like `Azure P`: `"),
            ("twin", "several applications are called like `twin`: `Twin (twin-1)`, `Twin (twin-2)`"),
            ("office365", "`office365` is a group of applications, and a sign-in is to one of them"),
            ("MicrosoftAdminPortals", "`MicrosoftAdminPortals` is a group of applications"),
            ("all", "`all` is a group of applications"),
            ("None", "no application is called `None`"),
        ] {
            let error = find(&snapshot, name).unwrap_err();
            assert!(error.to_string().starts_with(message), "{name}: {error}");
            assert!(error.help().contains("id"), "{name}");
        }
        assert!(matches!(find(&snapshot, "blubb"), Err(ApplicationError::Unknown { .. })));
    }

    #[test]
    fn every_alias_is_of_a_surface() {
        for (alias, id) in ALIASES {
            assert!(surface(id).is_some(), "{alias}");
        }
    }
}
