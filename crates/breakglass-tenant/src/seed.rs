//! What a tenant begins with: a snapshot in the product's own format, in which secrets may stand that Graph would never
//! return (`passwordProfile.password`, `passwordCredentials[].secretText`; of authentication methods `secretKey` and
//! `temporaryAccessPass`), and of passkeys what Graph returns just as little (`credentialId` and `publicKey`).

mod check;

use std::collections::BTreeMap;

use breakglass_engine::access::surfaces::MICROSOFT_GRAPH;
use breakglass_model::snapshot::Resource;
use breakglass_model::well_known::BUILT_IN_ROLES;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::demo;
use crate::grants::graph_principal;
use crate::random::{self, NoRandomness};
use crate::secret::{HashWork, Hashed, SecretError};
use crate::sign_in::first_factor::{PASS_MULTI_USE, PASS_ONE_TIME};
use crate::sign_in::passkeys::{ODATA_TYPE as FIDO2, Passkey};
use crate::state::{Change, Object, PASSWORD, Secret, StateError, text};
use crate::tenant::Tenant;
use crate::totp::Base32;

/// The form of a snapshot.
const FORMAT: &str = "breakglass-snapshot/1";

/// A tenant cannot be seeded.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// It has something already.
    #[error("the tenant has been seeded before; a seed is for a new one")]
    NotNew,
    /// It is no snapshot.
    #[error("the seed is no snapshot of the form {FORMAT}: {0}")]
    Malformed(String),
    /// It contradicts itself, or has something of another type than it has to be.
    #[error("`{at}` {what}; nothing of the seed was put into the tenant")]
    Unusable {
        /// Which list, which of its objects, counted from 0, and which member.
        at: String,
        /// What is wrong with it.
        what: String,
    },
    /// A password or secret cannot be kept.
    #[error("a secret of `{of}` cannot be kept")]
    Secret {
        /// Whose.
        of: String,
        /// Why.
        #[source]
        source: SecretError,
    },
    /// The key of an authenticator app cannot be read.
    #[error("the `secretKey` of an authenticator app of `{of}` is no key in base 32 of 10 to 128 bytes")]
    AuthenticatorKey {
        /// Whose.
        of: String,
    },
    /// The public key of a passkey cannot be read.
    #[error(
        "a passkey of `{of}` needs `credentialId` and `publicKey`, both in base64url, the key as COSE of ES256, EdDSA or \
         RS256"
    )]
    Passkey {
        /// Whose.
        of: String,
    },
    /// The state cannot be written.
    #[error("the tenant cannot be written")]
    State(#[from] StateError),
    /// There are no ids to give.
    #[error(transparent)]
    Random(#[from] NoRandomness),
}

/// Reads a seed as far as it can be told without a tenant whether one can be made of it.
///
/// # Errors
/// When it is not understood, or contradicts itself.
pub fn check(snapshot: &[u8]) -> Result<(), SeedError> {
    document_of(snapshot).map(drop)
}

fn document_of(snapshot: &[u8]) -> Result<Object, SeedError> {
    let document: Object = serde_json::from_slice(snapshot).map_err(|error| SeedError::Malformed(error.to_string()))?;
    if text(&document, "format") != Some(FORMAT) {
        return Err(SeedError::Malformed("`format` is another, or is not there".to_owned()));
    }
    check::check(&document)?;
    Ok(document)
}

impl Tenant {
    /// Puts a snapshot into a new tenant, whose id is the snapshot's from then on.
    ///
    /// # Errors
    /// When the tenant is not new, or the snapshot is not understood; then nothing is put.
    pub fn seed(&mut self, snapshot: &[u8]) -> Result<(), SeedError> {
        if !self.is_new() {
            return Err(SeedError::NotNew);
        }
        self.sow(&document_of(snapshot)?, Hashes::new(self, Salts::Each))
    }

    /// Puts the company of the demo into a new tenant. Everybody knows its passwords, so that those who have the same
    /// one have the same hash as well, and nobody waits for two hundred of them.
    ///
    /// # Errors
    /// When the tenant is not new, or cannot be written; then nothing is put.
    pub fn seed_demo(&mut self) -> Result<(), SeedError> {
        if !self.is_new() {
            return Err(SeedError::NotNew);
        }
        self.sow(&object(demo::seed()), Hashes::new(self, Salts::Shared))
    }

    fn sow(&mut self, document: &Object, mut hashes: Hashes) -> Result<(), SeedError> {
        let id = text(document, "tenantId").unwrap_or(&self.id).to_owned();
        let mut changes = Vec::new();
        for resource in Resource::ALL {
            for object in objects(document, *resource)? {
                put(&mut changes, (*resource, object), &mut hashes)?;
            }
        }
        complete(&mut changes, &id, &mut hashes)?;
        // What a snapshot does not tell of is as most tenants with Conditional Access have it.
        if !document.contains_key(Resource::SubscribedSkus.name()) {
            put(&mut changes, (Resource::SubscribedSkus, object(demo::licence(&id, 0))), &mut hashes)?;
        }
        // Every tenant has one.
        if objects(document, Resource::AuthenticationMethodsPolicy)?.is_empty() {
            put(&mut changes, (Resource::AuthenticationMethodsPolicy, object(demo::methods_policy())), &mut hashes)?;
        }
        self.state.write(|_| Ok::<_, StateError>((changes, ())))?;
        self.id = id;
        Ok(())
    }
}

/// Whether secrets that are the same look the same where they are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Salts {
    /// No: each is hashed with a salt of its own.
    Each,
    /// Yes: each is hashed once.
    Shared,
}

/// What makes hashes of secrets while a seed is read.
struct Hashes {
    hash_work: HashWork,
    salts: Salts,
    known: BTreeMap<String, Hashed>,
}

impl Hashes {
    const fn new(tenant: &Tenant, salts: Salts) -> Self {
        Self { hash_work: tenant.hash_work, salts, known: BTreeMap::new() }
    }

    fn of(&mut self, secret: &str) -> Result<Hashed, SecretError> {
        if let Some(known) = self.known.get(secret) {
            return Ok(known.clone());
        }
        let hashed = Hashed::of(secret, self.hash_work)?;
        if self.salts == Salts::Shared {
            self.known.insert(secret.to_owned(), hashed.clone());
        }
        Ok(hashed)
    }
}

/// The objects of a resource.
fn objects(document: &Object, resource: Resource) -> Result<Vec<Object>, SeedError> {
    let malformed = || SeedError::Malformed(format!("`{}` is no list of objects", resource.name()));
    let object = |value: &Value| value.as_object().cloned().ok_or_else(malformed);
    match document.get(resource.name()) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) => list.iter().map(object).collect(),
        Some(single) => Ok(vec![object(single)?]),
    }
}

fn put(
    changes: &mut Vec<Change>,
    (resource, mut object): (Resource, Object),
    hashes: &mut Hashes,
) -> Result<(), SeedError> {
    if text(&object, "id").is_none() {
        let id = match resource {
            // It is of a user, who may be named by another member.
            Resource::PerUserMfaStates => text(&object, "userId").map(str::to_owned).map_or_else(random::uuid, Ok)?,
            // Of these there is but one.
            Resource::AuthenticationMethodsPolicy | Resource::IdentitySecurityDefaultsEnforcementPolicy => {
                resource.name().to_owned()
            }
            _ => random::uuid()?,
        };
        object.insert("id".to_owned(), json!(id));
    }
    let id = text(&object, "id").unwrap_or_default().to_owned();
    let of = |object: &Object| {
        text(object, "userPrincipalName").or_else(|| text(object, "displayName")).unwrap_or(&id).to_owned()
    };
    let mut hashed = |secret: &str, of: String| hashes.of(secret).map_err(|source| SeedError::Secret { of, source });
    if resource == Resource::Users {
        let owner = of(&object);
        if let Some(profile) = object.get_mut("passwordProfile").and_then(Value::as_object_mut)
            && let Some(Value::String(password)) = profile.remove("password")
        {
            let hashed = hashed(&password, owner)?;
            changes.push(Change::PutSecret(Secret { owner: id.clone(), id: PASSWORD.to_owned(), hashed, until: None }));
        }
    }
    if resource == Resource::Users {
        let owner = of(&object);
        let listed = object.get_mut("authenticationMethods").and_then(Value::as_array_mut);
        for method in listed.into_iter().flatten().filter_map(Value::as_object_mut) {
            let method_id = text(method, "id").map(str::to_owned).map_or_else(random::uuid, Ok)?;
            method.insert("id".to_owned(), json!(method_id));
            changes
                .extend(passkey_of((&id, &method_id), method).map_err(|()| SeedError::Passkey { of: owner.clone() })?);
            if let Some(Value::String(key)) = method.remove("secretKey") {
                let key = Base32::read(&key).ok_or_else(|| SeedError::AuthenticatorKey { of: owner.clone() })?;
                let hashed = Hashed::of_authenticator(&key);
                changes.push(Change::PutSecret(Secret { owner: id.clone(), id: method_id, hashed, until: None }));
            } else if let Some(Value::String(pass)) = method.remove("temporaryAccessPass") {
                let kept = pass_of((&id, &method_id), method, hashed(&pass, owner.clone())?);
                changes.push(Change::PutSecret(kept));
            }
        }
    }
    if resource == Resource::Applications {
        let owner = of(&object);
        let credentials = object.get_mut("passwordCredentials").and_then(Value::as_array_mut);
        for credential in credentials.into_iter().flatten().filter_map(Value::as_object_mut) {
            let Some(Value::String(secret)) = credential.remove("secretText") else { continue };
            let key_id = text(credential, "keyId").map(str::to_owned).map_or_else(random::uuid, Ok)?;
            let until = text(credential, "endDateTime").and_then(|text| text.parse::<Timestamp>().ok());
            let hashed = hashed(&secret, owner.clone())?;
            changes.push(Change::PutSecret(Secret { owner: id.clone(), id: key_id.clone(), hashed, until }));
            credential.insert("keyId".to_owned(), json!(key_id));
            credential.insert("hint".to_owned(), json!(secret.chars().take(3).collect::<String>()));
        }
    }
    changes.push(Change::Put(resource, object));
    Ok(())
}

/// The change that keeps the key of a passkey, where the method has one.
fn passkey_of(ids: (&str, &str), method: &mut Object) -> Result<Option<Change>, ()> {
    let parts = (method.remove("credentialId"), method.remove("publicKey"));
    match parts {
        (None, None) => Ok(None),
        (Some(Value::String(credential)), Some(Value::String(key))) if text(method, "@odata.type") == Some(FIDO2) => {
            Passkey::known(ids, &credential, &key).map(|passkey| Some(passkey.kept())).ok_or(())
        }
        _ => Err(()),
    }
}

/// A temporary access pass, as it is checked.
pub(crate) fn pass_of((user, id): (&str, &str), method: &Object, hashed: Hashed) -> Secret {
    let is_once = method.get("isUsableOnce").and_then(Value::as_bool) == Some(true);
    let kind = if is_once { PASS_ONE_TIME } else { PASS_MULTI_USE };
    let from = text(method, "startDateTime").or_else(|| text(method, "createdDateTime"));
    let from = from.and_then(|text| text.parse::<Timestamp>().ok());
    let minutes = method.get("lifetimeInMinutes").and_then(Value::as_i64);
    let until = from.zip(minutes).and_then(|(from, minutes)| from.checked_add(SignedDuration::from_mins(minutes)).ok());
    Secret { owner: user.to_owned(), id: format!("{kind}{id}"), hashed, until }
}

/// What every tenant has, where the snapshot does not have it: an organization, a domain, the built-in roles, and
/// whether security defaults are on.
fn complete(changes: &mut Vec<Change>, id: &str, hashes: &mut Hashes) -> Result<(), SeedError> {
    let has = |resource: Resource, changes: &[Change]| {
        changes.iter().any(|change| matches!(change, Change::Put(known, _) if *known == resource))
    };
    if !has(Resource::Organization, changes) {
        put(changes, (Resource::Organization, object(json!({ "id": id, "displayName": "Contoso" }))), hashes)?;
    }
    if !has(Resource::Domains, changes) {
        let domain = json!({
            "id": "contoso.onmicrosoft.com", "isInitial": true, "isDefault": true, "isVerified": true,
            "authenticationType": "Managed",
        });
        put(changes, (Resource::Domains, object(domain)), hashes)?;
    }
    if !has(Resource::IdentitySecurityDefaultsEnforcementPolicy, changes) {
        let off = json!({ "id": "00000000-0000-0000-0000-000000000005", "displayName": "Security Defaults", "isEnabled": false });
        put(changes, (Resource::IdentitySecurityDefaultsEnforcementPolicy, object(off)), hashes)?;
    }
    if !has_graph(changes) {
        let granted: Vec<String> = changes.iter().flat_map(granted_by_name).collect();
        let names: Vec<&str> = granted.iter().map(String::as_str).collect();
        put(changes, (Resource::ServicePrincipals, graph_principal(&random::uuid()?, &names)), hashes)?;
    }
    if !has(Resource::RoleDefinitions, changes) {
        for role in BUILT_IN_ROLES {
            let role = json!({
                "id": role.template_id, "templateId": role.template_id, "displayName": role.name, "isBuiltIn": true,
                "isEnabled": true,
            });
            put(changes, (Resource::RoleDefinitions, object(role)), hashes)?;
        }
    }
    Ok(())
}

/// Whether the service principal of Microsoft Graph is there, which every tenant has.
fn has_graph(changes: &[Change]) -> bool {
    let is_graph = |object: &Object| text(object, "appId").is_some_and(|id| id.eq_ignore_ascii_case(MICROSOFT_GRAPH));
    changes.iter().any(|change| matches!(change, Change::Put(Resource::ServicePrincipals, one) if is_graph(one)))
}

/// The names of the application permissions that an object was granted, where it names them.
fn granted_by_name(change: &Change) -> Vec<String> {
    let name = |one: &Object| text(one, "appRoleValue").map(str::to_owned);
    match change {
        Change::Put(Resource::AppRoleAssignments, one) => name(one).into_iter().collect(),
        Change::Put(Resource::ServicePrincipals, one) => {
            let listed = one.get("appRoleAssignments").and_then(Value::as_array).into_iter().flatten();
            listed.filter_map(Value::as_object).filter_map(name).collect()
        }
        _ => Vec::new(),
    }
}

fn object(value: Value) -> Object {
    value.as_object().cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Hashes, Salts};
    use crate::secret::HashWork;

    #[test]
    fn only_the_demo_shows_that_two_have_the_same_password() {
        for (salts, is_same) in [(Salts::Each, false), (Salts::Shared, true)] {
            let mut hashes = Hashes { hash_work: HashWork::Usual, salts, known: BTreeMap::new() };
            let (one, other) = (hashes.of("correct horse").unwrap(), hashes.of("correct horse").unwrap());
            assert!(one.is("correct horse") && other.is("correct horse"));
            assert_eq!(one == other, is_same);
            assert!(!hashes.of("another horse").unwrap().is("correct horse"));
        }
    }
}
