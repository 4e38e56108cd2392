//! Who is watched: the accounts that somebody declared, as the tenant knows them.
//!
//! **Invariant:** an id that was declared is watched, whether the tenant knows it or not; a name that nobody has is said, and so
//! is everything that cannot be looked up.
//! **Limits:** [`ACCOUNT_COUNT_MAX`].

use serde_json::Value;

use super::sources::graph_sign_ins::{ACCOUNT_COUNT_MAX, Watched};
use crate::address::encoded;
use crate::ports::{Directory, DirectoryError, GraphRequest};

/// Characters of an object id.
const ID_CHARS: usize = 36;

/// Who is watched, and what is not as it was declared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looked {
    /// The accounts, in the order in which they were declared.
    pub accounts: Vec<Watched>,
    /// What somebody has to know, for people.
    pub findings: Vec<String>,
}

impl Looked {
    fn add(&mut self, account: Watched) {
        if self.accounts.iter().any(|known| known.id == account.id) {
            return;
        }
        if self.accounts.len() < ACCOUNT_COUNT_MAX {
            self.accounts.push(account);
        } else {
            self.findings.push(format!("`{}` is not watched: at most {ACCOUNT_COUNT_MAX} accounts are", account.id));
        }
    }
}

/// Looks declared accounts up, by their ids or names, and members of declared groups. What was `known` of an account that
/// cannot be looked up now holds on.
///
/// # Errors
/// Nobody is signed in to the tenant.
pub async fn look_up(
    directory: &dyn Directory,
    (accounts, groups): (&[String], &[String]),
    known: &[Watched],
) -> Result<Looked, DirectoryError> {
    let mut looked = Looked::default();
    for name in accounts {
        account(directory, name, known, &mut looked).await?;
    }
    for group in groups {
        let target = format!("/v1.0/groups/{}/members?$select=id&$top=999", encoded(group));
        match asked(directory, &target).await? {
            Ok(answer) => {
                let members = answer.get("value").and_then(Value::as_array).cloned().unwrap_or_default();
                for member in members.iter().filter_map(|member| member.get("id")?.as_str()) {
                    account(directory, member, known, &mut looked).await?;
                }
            }
            Err(error) => looked.findings.push(format!("members of the group `{group}` cannot be looked up: {error}")),
        }
    }
    Ok(looked)
}

async fn account(
    directory: &dyn Directory,
    name: &str,
    known: &[Watched],
    looked: &mut Looked,
) -> Result<(), DirectoryError> {
    let target = format!("/v1.0/users/{}?$select=id,userPrincipalName", encoded(name));
    let why = match asked(directory, &target).await? {
        Ok(user) => {
            let text = |property: &str| user.get(property).and_then(Value::as_str);
            if let Some(id) = text("id") {
                let user_principal_name = text("userPrincipalName").map(str::to_owned);
                looked.add(Watched { id: id.to_ascii_lowercase(), user_principal_name });
                return Ok(());
            }
            "the answer has no id".to_owned()
        }
        Err(error) if error.is_not_found() => "the tenant does not have it".to_owned(),
        Err(error) => error.to_string(),
    };
    let is_it = |account: &&Watched| {
        account.id.eq_ignore_ascii_case(name)
            || account.user_principal_name.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(name))
    };
    match known.iter().find(is_it) {
        Some(account) => {
            looked.findings.push(format!("`{name}` cannot be looked up, and is watched as it was: {why}"));
            looked.add(account.clone());
        }
        None if is_id(name) => {
            looked.findings.push(format!("`{name}` is watched by its id alone: {why}"));
            looked.add(Watched { id: name.to_ascii_lowercase(), user_principal_name: None });
        }
        None => looked.findings.push(format!("`{name}` is NOT watched: {why}")),
    }
    Ok(())
}

/// An answer, or why there is none; an error where nobody is signed in, since then none of the others would answer.
async fn asked(directory: &dyn Directory, target: &str) -> Result<Result<Value, DirectoryError>, DirectoryError> {
    match directory.send(&GraphRequest::get(target)).await.and_then(|answer| answer.json()) {
        Err(error @ DirectoryError::NotSignedIn { .. }) => Err(error),
        answer => Ok(answer),
    }
}

/// Whether it has the form of an object id.
fn is_id(name: &str) -> bool {
    let is_hyphen = |at: usize| [8, 13, 18, 23].contains(&at);
    name.len() == ID_CHARS
        && name.bytes().enumerate().all(
            |(at, byte)| {
                if is_hyphen(at) { byte == b'-' } else { byte.is_ascii_hexdigit() }
            },
        )
}
