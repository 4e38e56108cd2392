//! Asking the tenant what is judged.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use crate::address::encoded;
use crate::ports::{Clock, Directory, DirectoryError, GraphRequest};

/// Accounts that are asked for one by one. More emergency accounts than this are not looked at one by one here; `check`
/// judges all.
pub const ACCOUNT_COUNT_MAX: usize = 20;

/// Graph's code for a tenant without Privileged Identity Management.
const NO_PIM: &str = "AadPremiumLicenseRequired";

/// What the tenant answered, each answer or the reason that there is none.
#[derive(Debug)]
pub struct Asked {
    /// The licences.
    pub licences: Result<Value, DirectoryError>,
    /// The security defaults.
    pub security_defaults: Result<Value, DirectoryError>,
    /// The sign-in log.
    pub logs: LogsSeen,
    /// The declared accounts, in their order.
    pub accounts: Vec<AccountSeen>,
    /// Whether those who sign in to depositories are users of this tenant.
    pub users: BTreeMap<String, Result<bool, DirectoryError>>,
}

/// The newest record of the sign-in log, and when it was there.
#[derive(Debug)]
pub struct LogsSeen {
    /// When this sign-in began.
    pub began_at: Timestamp,
    /// When the log was asked for.
    pub asked_at: Timestamp,
    /// The list with at most one record.
    pub newest: Result<Value, DirectoryError>,
}

/// A declared account.
#[derive(Debug)]
pub struct AccountSeen {
    /// As it is declared.
    pub name: String,
    /// The user; `None` if there is none of that name.
    pub user: Result<Option<Value>, DirectoryError>,
    /// Its authentication methods.
    pub methods: Result<Value, DirectoryError>,
    /// Its roles that are active, with their ends where the tenant has such.
    pub roles: Result<Value, DirectoryError>,
}

impl AccountSeen {
    /// What people call it: its sign-in name, if the tenant tells.
    pub(super) fn shown_name(&self) -> &str {
        let user = self.user.as_ref().ok().and_then(Option::as_ref);
        user.and_then(|user| user.get("userPrincipalName")?.as_str()).unwrap_or(&self.name)
    }
}

/// Asks about the tenant, the declared accounts and those who sign in to depositories, with a sign-in that began at
/// `began_at`. Every question is asked whatever became of those before.
pub async fn ask(
    (directory, clock): (&dyn Directory, &dyn Clock),
    began_at: Timestamp,
    accounts: &[String],
    users: &BTreeSet<String>,
) -> Asked {
    let licences = one(directory, "/v1.0/subscribedSkus").await;
    let security_defaults = one(directory, "/v1.0/policies/identitySecurityDefaultsEnforcementPolicy").await;
    let newest = one(directory, "/v1.0/auditLogs/signIns?$top=1").await;
    let logs = LogsSeen { began_at, asked_at: clock.now(), newest };
    let mut seen = Vec::new();
    for name in accounts.iter().take(ACCOUNT_COUNT_MAX) {
        seen.push(account(directory, name).await);
    }
    let mut of_tenant = BTreeMap::new();
    for name in users.iter().take(ACCOUNT_COUNT_MAX) {
        let found = user(directory, name).await.map(|user| user.is_some());
        of_tenant.insert(name.clone(), found);
    }
    Asked { licences, security_defaults, logs, accounts: seen, users: of_tenant }
}

async fn account(directory: &dyn Directory, name: &str) -> AccountSeen {
    let user = user(directory, name).await;
    let methods = match &user {
        Ok(Some(_)) => one(directory, &format!("/v1.0/users/{}/authentication/methods", encoded(name))).await,
        Ok(None) => Ok(Value::Null),
        Err(error) => Err(error.clone()),
    };
    let roles = match &user {
        Ok(Some(user)) => roles(directory, user.get("id").and_then(Value::as_str).unwrap_or(name)).await,
        Ok(None) => Ok(Value::Null),
        Err(error) => Err(error.clone()),
    };
    AccountSeen { name: name.to_owned(), user, methods, roles }
}

/// Active roles with their ends; without Privileged Identity Management there are no ends, and the plain list is whole.
///
/// **Source:** "List roleAssignmentScheduleInstances", "List unifiedRoleAssignments".
async fn roles(directory: &dyn Directory, id: &str) -> Result<Value, DirectoryError> {
    let of = |list: &str| format!("/v1.0/roleManagement/directory/{list}?$filter=principalId%20eq%20'{}'", encoded(id));
    match one(directory, &of("roleAssignmentScheduleInstances")).await {
        Err(error) if error.to_string().contains(NO_PIM) => one(directory, &of("roleAssignments")).await,
        answer => answer,
    }
}

/// What a person calls an application of the tenant; nothing where the tenant does not tell.
pub async fn application_name(directory: &dyn Directory, app_id: &str) -> Option<String> {
    let app_id = encoded(app_id);
    let target = format!("/v1.0/servicePrincipals?$filter=appId%20eq%20'{app_id}'&$select=displayName");
    let answer = one(directory, &target).await.ok()?;
    answer.get("value")?.get(0)?.get("displayName")?.as_str().map(str::to_owned)
}

async fn user(directory: &dyn Directory, name: &str) -> Result<Option<Value>, DirectoryError> {
    let target = format!("/v1.0/users/{}?$select=id,userPrincipalName,accountEnabled", encoded(name));
    match one(directory, &target).await {
        Ok(user) => Ok(Some(user)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

async fn one(directory: &dyn Directory, target: &str) -> Result<Value, DirectoryError> {
    directory.send(&GraphRequest::get(target)).await?.json()
}
