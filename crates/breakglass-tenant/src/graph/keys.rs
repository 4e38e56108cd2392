//! Keys in parentheses: `/users('…')` is `/users/…`, and `/applications(appId='…')` is the application that has this id.
//!
//! A text stands in single quotes, which are doubled inside it. What has no key in its parentheses (`delta()`,
//! `filterByCurrentUser(on='principal')`) stays as it is.
//!
//! **Source:** OData, "URL Conventions", canonical addresses of entities; "Get application", "Get servicePrincipal", "Get
//! device", "Get directoryRole", "Get group" (alternate keys).

use breakglass_model::snapshot::Resource;

use super::delta::is_asked;
use super::error::GraphError;
use crate::state::{Directory, text};

/// Alternate keys: the collection, the key, and what is looked for.
const ALTERNATE: [(&str, &str, Resource); 6] = [
    ("applications", "appId", Resource::Applications),
    ("applications", "uniqueName", Resource::Applications),
    ("devices", "deviceId", Resource::Devices),
    ("directoryRoles", "roleTemplateId", Resource::RoleDefinitions),
    ("groups", "uniqueName", Resource::Groups),
    ("servicePrincipals", "appId", Resource::ServicePrincipals),
];
/// What a role's definition calls `roleTemplateId`.
const TEMPLATE: &str = "templateId";

/// What stands in parentheses.
#[derive(Debug, PartialEq, Eq)]
enum Key {
    Id(String),
    Alternate(String, String),
}

/// A path without keys in parentheses.
///
/// # Errors
/// A key is malformed, or nothing has it.
pub(super) fn resolved(directory: &Directory, parts: &[&str]) -> Result<Vec<String>, GraphError> {
    let mut plain = Vec::with_capacity(parts.len());
    for part in parts {
        let Some((name, inside)) = part.strip_suffix(')').and_then(|part| part.split_once('(')) else {
            plain.push((*part).to_owned());
            continue;
        };
        let known = |key: &str| ALTERNATE.iter().find(|(of, known, _)| *of == name && *known == key);
        match key(inside) {
            None if inside.contains('\'') && !inside.contains('=') => return Err(malformed(part)),
            None => plain.push((*part).to_owned()),
            Some(Key::Id(id)) if id.is_empty() => return Err(malformed(part)),
            // What is a function elsewhere in a path is a key here, and nothing has it.
            Some(Key::Id(id)) if is_no_id(&id) => return Err(GraphError::not_found(&id)),
            Some(Key::Id(id)) => plain.extend([name.to_owned(), id]),
            Some(Key::Alternate(key, value)) => {
                let Some((_, key, resource)) = known(&key) else {
                    plain.push((*part).to_owned());
                    continue;
                };
                let found = id_of(directory, (*resource, key), &value).ok_or_else(|| GraphError::not_found(&value))?;
                plain.extend([name.to_owned(), found]);
            }
        }
    }
    Ok(plain)
}

/// The id of the object that has an alternate key.
fn id_of(directory: &Directory, (resource, key): (Resource, &str), value: &str) -> Option<String> {
    let key = if resource == Resource::RoleDefinitions { TEMPLATE } else { key };
    let mut all = directory.all(resource);
    let found = all.find(|one| text(one, key).is_some_and(|known| known.eq_ignore_ascii_case(value)));
    // A built-in role without a template is its own.
    let own = || directory.object(resource, value).filter(|_| resource == Resource::RoleDefinitions);
    text(found.or_else(own)?, "id").map(str::to_owned)
}

/// What stands in parentheses, if it is one key.
fn key(inside: &str) -> Option<Key> {
    if let Some(id) = quoted(inside) {
        return Some(Key::Id(id));
    }
    if let Some((name, value)) = inside.split_once('=') {
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        return quoted(value).filter(|_| is_name).map(|value| Key::Alternate(name.to_owned(), value));
    }
    let is_bare = !inside.is_empty() && inside.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_bare.then(|| Key::Id(inside.to_owned()))
}

/// A text that stands in quotes, the whole of it.
fn quoted(text: &str) -> Option<String> {
    let inside = text.strip_prefix('\'')?.strip_suffix('\'')?;
    let pairs = inside.replace("''", "");
    (!pairs.contains('\'')).then(|| inside.replace("''", "'"))
}

/// Whether a text stands for something else than an id where it is a part of a path.
fn is_no_id(text: &str) -> bool {
    text.starts_with('$') || text.starts_with("microsoft.graph.") || is_asked(text)
}

fn malformed(part: &str) -> GraphError {
    GraphError::bad_request(format!(
        "The key in the segment '{}' is malformed.",
        part.chars().take(80).collect::<String>()
    ))
}

#[cfg(test)]
mod tests {
    use super::{Key, key};

    #[test]
    fn what_is_a_key() {
        let id = |text: &str| Some(Key::Id(text.to_owned()));
        for (inside, expected) in [
            ("'a@b.c'", id("a@b.c")),
            ("'o''neill'", id("o'neill")),
            ("''''", id("'")),
            ("6c1b0e0e-54a2-4d39-9d0f-b4ea6f1a5500", id("6c1b0e0e-54a2-4d39-9d0f-b4ea6f1a5500")),
            ("appId='x'", Some(Key::Alternate("appId".to_owned(), "x".to_owned()))),
            ("'a' or 'b'", None),
            ("'a'b'", None),
            ("'''", None),
            ("appId=x", None),
            ("a='x',b='y'", None),
            ("", None),
        ] {
            assert_eq!(key(inside), expected, "{inside}");
        }
    }
}
