//! A small tenant in process, and who asks it.

use std::collections::BTreeSet;
use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use breakglass_adapters::snapshot_files::read_snapshot_stream;
use breakglass_model::snapshot::Snapshot;
use breakglass_ops::ports::{
    Clock, Directory, DirectoryError, GraphAnswer, GraphRequest, InMemoryParts, Refusal, SignedIn, SignedInAs,
};
use breakglass_ops::reading::{self, RELATED, Reader, SOURCES, Silent};
use breakglass_ops::setup::plan::Plan;
use breakglass_ops::setup::{self, Protection, Reach, WRITING_PERMISSIONS, Wanted, WantedAccount};
use breakglass_tenant::HashWork;
use breakglass_tenant::call::{Body, Call};
use breakglass_tenant::tenant::{Addresses, Tenant};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

const TENANT: &str = "6c1b0e0e-54a2-4d39-9d0f-b4ea6f1a5504";
pub(super) const ORIGIN: &str = "https://127.0.0.1:8443";
const PROGRAM: &str = "7a6f2f3c-58e1-4f36-9a60-0e54b1a7d002";
pub(super) const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";
/// Who carries plans out: a Global Administrator of every day.
pub(super) const OPERATOR: (&str, &str) = ("ada@contoso.onmicrosoft.com", "Ada-Passw0rd");
/// The emergency account that is there.
pub(super) const FIRST: (&str, &str) = ("emergency-access-1@contoso.onmicrosoft.com", "Gl@ss-Hammer-1");
/// The one that is made.
pub(super) const SECOND: &str = "emergency-access-2@contoso.onmicrosoft.com";
/// Its password where it is there from the beginning.
pub(super) const SECOND_PASSWORD: &str = "Gl@ss-Hammer-2";
pub(super) const GROUP: &str = "Emergency access";
/// Minutes for which a token is used; the tenant's last for an hour at least.
const TOKEN_MINUTES: i64 = 40;

fn id(digits: &str) -> String {
    format!("00000000-0000-4000-8000-0000000000{digits}")
}

/// A clock that only whoever waits moves.
#[derive(Debug)]
pub(super) struct Hands(Mutex<Timestamp>);

impl Hands {
    pub(super) fn pass(&self, duration: SignedDuration) {
        let mut now = self.0.lock().unwrap();
        *now = now.checked_add(duration).unwrap();
    }
}

impl breakglass_tenant::clock::Clock for Hands {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

#[async_trait]
impl Clock for Hands {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        self.pass(duration.try_into().unwrap());
        pause().await;
    }
}

/// Lets somebody else go on, where there is somebody.
pub(super) async fn pause() {
    let mut is_over = false;
    std::future::poll_fn(|context| {
        if is_over {
            return Poll::Ready(());
        }
        is_over = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Goes on until it is over: nothing here waits for anything.
pub(super) fn run<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}

/// What is begun with, and what is wanted of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scene {
    /// No group and one account of two: everything is made.
    Fresh,
    /// A group is there in one policy of three, and a unit is to protect it; the account is Global Administrator until the
    /// New Year after next.
    Kept,
    /// Both accounts are there, and in the group there is somebody who does not belong there: he leaves it, and a unit is
    /// to protect it then.
    Left,
}

impl Scene {
    pub(super) const ALL: [Self; 3] = [Self::Fresh, Self::Kept, Self::Left];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Kept => "kept",
            Self::Left => "left",
        }
    }

    /// Whether the second account is made.
    pub(super) fn makes_second(self) -> bool {
        self != Self::Left
    }

    pub(super) fn wanted(self) -> Wanted {
        let account = |name: &str| WantedAccount { name: name.to_owned(), display_name: None };
        let protection = match self {
            Self::Fresh => Protection::RoleAssignable,
            Self::Kept | Self::Left => Protection::RestrictedUnit { name: "Emergency access".to_owned() },
        };
        Wanted {
            accounts: vec![account(FIRST.0), account(SECOND)],
            group: GROUP.to_owned(),
            protection,
            reach: Reach::EveryPolicy,
            // Whoever leaves the group waits until each account has a key, where keys are wanted.
            has_passkeys: self.makes_second(),
            forbidden_names: Vec::new(),
            wanted_name_parts: Vec::new(),
        }
    }

    fn seed(self) -> Value {
        let user = |digits: &str, (name, password): (&str, &str)| {
            json!({
                "id": id(digits), "displayName": name.split('@').next(), "accountEnabled": true, "userPrincipalName": name,
                "mailNickname": name.split('@').next(), "passwordProfile": { "password": password },
                "passwordPolicies": "None", "mobilePhone": "+1 555 0100",
            })
        };
        let group = |members: &[&str]| {
            json!([{
                "id": id("b1"), "displayName": GROUP, "mailNickname": "emergency", "mailEnabled": false,
                "securityEnabled": true, "groupTypes": [],
                "members": members.iter().map(|digits| json!({ "id": id(digits) })).collect::<Vec<_>>(),
            }])
        };
        let (groups, excluded) = match self {
            Self::Fresh => (json!([]), json!([])),
            Self::Kept => (group(&["a1"]), json!([id("b1")])),
            Self::Left => (group(&["a1", "a3", "a4"]), json!([id("b1")])),
        };
        let mut assignments = vec![assignment("e2", "a2")];
        let mut instances = Vec::new();
        match self {
            Self::Fresh => assignments.push(assignment("e1", "a1")),
            Self::Kept => instances.push(until_new_year("e1", "a1")),
            Self::Left => assignments.extend([assignment("e1", "a1"), assignment("e4", "a4")]),
        }
        let mut users =
            vec![user("a1", FIRST), user("a2", OPERATOR), user("a3", ("bob@contoso.onmicrosoft.com", "Bob-Passw0rd"))];
        if !self.makes_second() {
            users.push(user("a4", (SECOND, SECOND_PASSWORD)));
        }
        json!({
            "format": "breakglass-snapshot/1", "tenantId": TENANT, "takenAt": "2026-11-20T08:00:00Z", "source": "file",
            "organization": { "id": TENANT, "displayName": "Contoso", "verifiedDomains": [
                { "name": "contoso.onmicrosoft.com", "isDefault": true, "isInitial": true, "type": "Managed" }] },
            "domains": [{ "id": "contoso.onmicrosoft.com", "isInitial": true, "isDefault": true, "isVerified": true,
                          "isAdminManaged": true, "isRoot": true, "authenticationType": "Managed" }],
            "users": users, "groups": groups, "conditionalAccessPolicies": policies(&excluded), "namedLocations": [],
            "roleAssignments": assignments, "roleAssignmentScheduleInstances": instances,
            "authenticationMethodsPolicy": methods_policy(),
            "applications": [{ "id": id("c1"), "appId": PROGRAM, "displayName": "Program", "isFallbackPublicClient": true,
                               "publicClient": { "redirectUris": ["http://localhost"] } }],
            "servicePrincipals": [{ "id": id("c2"), "appId": PROGRAM, "displayName": "Program", "accountEnabled": true,
                                    "servicePrincipalType": "Application" }],
        })
    }
}

fn assignment(digits: &str, principal: &str) -> Value {
    json!({ "id": id(digits), "principalId": id(principal), "roleDefinitionId": GLOBAL_ADMINISTRATOR,
            "directoryScopeId": "/" })
}

fn until_new_year(digits: &str, principal: &str) -> Value {
    let mut instance = assignment(digits, principal);
    let more = json!({ "assignmentType": "Assigned", "memberType": "Direct", "roleAssignmentScheduleId": id(digits),
                       "startDateTime": "2026-01-01T00:00:00Z", "endDateTime": "2028-01-01T00:00:00Z" });
    instance.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    instance
}

/// Three policies about users, one that is about nobody.
fn policies(excluded: &Value) -> Value {
    let policy = |(digits, name, state): (&str, &str, &str), clients: &str, users: Value, control: &str| {
        json!({
            "id": id(digits), "displayName": name, "state": state, "createdDateTime": "2026-01-01T00:00:00Z",
            "conditions": { "clientAppTypes": [clients], "applications": { "includeApplications": ["All"] }, "users": users },
            "grantControls": { "operator": "OR", "builtInControls": [control] },
        })
    };
    json!([
        policy(
            ("d1", "Everybody shows two factors", "enabled"),
            "all",
            json!({ "includeUsers": ["All"], "excludeUsers": [id("a2")], "excludeGroups": excluded }),
            "mfa"
        ),
        policy(
            ("d2", "Nobody signs in by old protocols", "enabled"),
            "other",
            json!({ "includeUsers": ["All"] }),
            "block"
        ),
        policy(
            ("d3", "Administrators use their devices", "enabledForReportingButNotEnforced"),
            "all",
            json!({ "includeRoles": [GLOBAL_ADMINISTRATOR], "excludeGroups": [] }),
            "compliantDevice"
        ),
        policy(("d4", "Nobody", "enabled"), "all", json!({ "includeUsers": ["None"] }), "block"),
    ])
}

fn methods_policy() -> Value {
    json!({
        "id": "authenticationMethodsPolicy", "displayName": "Authentication Methods Policy",
        "policyMigrationState": "migrationComplete",
        "registrationEnforcement": { "authenticationMethodsRegistrationCampaign": {
            "snoozeDurationInDays": 1, "state": "enabled",
            "excludeTargets": [], "includeTargets": [{ "id": "all_users", "targetType": "group",
                "targetedAuthenticationMethod": "microsoftAuthenticator" }] } },
        "authenticationMethodConfigurations": [{
            "@odata.type": "#microsoft.graph.fido2AuthenticationMethodConfiguration", "id": "Fido2", "state": "disabled",
            "isSelfServiceRegistrationAllowed": true, "isAttestationEnforced": true, "excludeTargets": [],
            "includeTargets": [{ "targetType": "group", "id": id("f1"), "isRegistrationRequired": false }],
        }],
    })
}

/// A tenant as it begins, kept in a folder of which copies are made.
pub(super) struct Template {
    pub(super) scene: Scene,
    folder: PathBuf,
    token: String,
    pub(super) plan: Plan,
}

static NEXT: AtomicUsize = AtomicUsize::new(0);

fn folder_of(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("apply-{name}"));
    drop(fs::remove_dir_all(&folder));
    folder
}

impl Template {
    /// `test` keeps the folders of tests apart.
    pub(super) fn new(scene: Scene, test: &str) -> Self {
        let folder = folder_of(&format!("{test}-{}", scene.name()));
        let world = World::open(&folder, |tenant| tenant.seed(scene.seed().to_string().as_bytes()).unwrap());
        let plan = setup::plan(&world.snapshot(), &scene.wanted(), world.now()).unwrap();
        let token = world.token();
        drop(world);
        Self { scene, folder, token, plan }
    }

    /// A tenant of its own, as it begins.
    pub(super) fn world(&self) -> World {
        let at = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = self.folder.with_extension(format!("copy{at}"));
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder).unwrap();
        for file in fs::read_dir(&self.folder).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), folder.join(file.file_name())).unwrap();
        }
        let mut world = World::open(&folder, |_| {});
        world.is_copy = true;
        *world.token.lock().unwrap() = Some((self.token.clone(), world.now()));
        world
    }
}

/// A tenant with its clock, and the operator's token.
pub(super) struct World {
    pub(super) tenant: Tenant,
    pub(super) clock: Arc<Hands>,
    folder: PathBuf,
    is_copy: bool,
    token: Mutex<Option<(String, Timestamp)>>,
    /// Method, target and body of every request that came by the port.
    pub(super) asked: Mutex<BTreeSet<(&'static str, String, String)>>,
}

impl Drop for World {
    fn drop(&mut self) {
        if self.is_copy {
            drop(fs::remove_dir_all(&self.folder));
        }
    }
}

impl World {
    fn open(folder: &Path, seed: impl FnOnce(&mut Tenant)) -> Self {
        let clock = Arc::new(Hands(Mutex::new("2026-11-26T09:00:00Z".parse().unwrap())));
        let addresses = Addresses { base: ORIGIN.to_owned(), manager: "https://127.0.0.1:8444".to_owned() };
        let tenant = Tenant::open(folder, addresses, Arc::clone(&clock) as _).unwrap();
        let mut tenant = tenant.with_hash_work(HashWork::Little);
        seed(&mut tenant);
        Self {
            tenant,
            clock,
            folder: folder.to_owned(),
            is_copy: false,
            token: Mutex::default(),
            asked: Mutex::default(),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        Clock::now(&*self.clock)
    }

    /// Signs in with a password alone; the token, or why not.
    pub(super) fn signs_in(&self, (name, password): (&str, &str)) -> Result<String, String> {
        let permissions: BTreeSet<&str> = WRITING_PERMISSIONS
            .into_iter()
            .chain(SOURCES.iter().flat_map(|source| source.permissions).copied())
            .chain(RELATED.iter().flat_map(|(_, _, permissions)| *permissions).copied())
            .collect();
        let scope = permissions.into_iter().collect::<Vec<_>>().join(" ");
        let escaped = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
        let form = [
            ("client_id", PROGRAM),
            ("grant_type", "password"),
            ("scope", scope.as_str()),
            ("username", name),
            ("password", password),
        ];
        let form = form.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect::<Vec<_>>();
        let call = Call {
            method: "POST".to_owned(),
            path: format!("/{TENANT}/oauth2/v2.0/token"),
            query: String::new(),
            headers: Vec::new(),
            body: form.join("&").into_bytes(),
            remote: [127, 0, 0, 1].into(),
        };
        let Body::Json(answer) = self.tenant.answer(&call).body else { return Err("no JSON".to_owned()) };
        answer["access_token"].as_str().map_or_else(|| Err(answer.to_string()), |token| Ok(token.to_owned()))
    }

    /// A token of the operator that is good for a while.
    fn token(&self) -> String {
        let now = self.now();
        let known = self.token.lock().unwrap().clone();
        if let Some((token, at)) = known
            && now.duration_since(at) < SignedDuration::from_mins(TOKEN_MINUTES)
        {
            return token;
        }
        let token = self.signs_in(OPERATOR).unwrap();
        *self.token.lock().unwrap() = Some((token.clone(), now));
        token
    }

    /// Reads, as the operator; `None` where it is not there.
    pub(super) fn get(&self, target: &str) -> Option<Value> {
        match self.answer(&GraphRequest::get(target)) {
            Ok(answer) => Some(answer.json().unwrap()),
            Err(error) if error.is_not_found() => None,
            Err(error) => panic!("{target}: {error}"),
        }
    }

    /// Every object of a collection.
    pub(super) fn list(&self, target: &str) -> Vec<Value> {
        let page = self.get(target).unwrap_or_else(|| panic!("{target} is not there"));
        assert!(page.get("@odata.nextLink").is_none(), "{target} has more than a page");
        page["value"].as_array().unwrap().clone()
    }

    /// The tenant as a reading gives it.
    pub(super) fn snapshot(&self) -> Snapshot {
        self.snapshot_by(self)
    }

    /// The same, through somebody.
    pub(super) fn snapshot_by(&self, directory: &dyn Directory) -> Snapshot {
        let parts = InMemoryParts::default();
        let reader = Reader { directory, clock: &*self.clock, parts: &parts, progress: &Silent };
        let named = [FIRST.0.to_owned(), SECOND.to_owned()].into();
        let finished = run(reader.read(&named)).unwrap();
        let mut document = Vec::new();
        reading::write(&parts, &finished.head, "graph", &mut document).unwrap();
        read_snapshot_stream(document.as_slice()).unwrap().snapshot
    }

    /// The tenant's answer to a request.
    pub(super) fn answer(&self, request: &GraphRequest<'_>) -> Result<GraphAnswer, DirectoryError> {
        let target = request.target.strip_prefix(ORIGIN).unwrap_or(&request.target);
        assert!(target.starts_with('/'), "{target} leads elsewhere");
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut headers = vec![("authorization".to_owned(), format!("Bearer {}", self.token()))];
        let mut body = Vec::new();
        if let Some(value) = request.body.as_deref() {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
            body = with_secret(value.clone(), request).to_string().into_bytes();
        }
        if request.is_eventual {
            headers.push(("consistencylevel".to_owned(), "eventual".to_owned()));
        }
        let reply = self.tenant.answer(&Call {
            method: request.method.as_str().to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            body,
            remote: [127, 0, 0, 1].into(),
        });
        assert!(!reply.is_cut);
        let request_id = reply.headers.iter().find(|(name, _)| *name == "request-id").map(|(_, id)| id.clone());
        let value = if let Body::Json(value) = &reply.body { value.clone() } else { Value::Null };
        if (200..300).contains(&reply.status) {
            let body = match reply.body {
                Body::Json(value) => value.to_string().into_bytes(),
                Body::Text(text) | Body::Page(text) => text.into_bytes(),
                Body::Nothing => Vec::new(),
            };
            return Ok(GraphAnswer { status: reply.status, body, date: Some(self.now()), request_id });
        }
        let text = |name: &str| value["error"][name].as_str().unwrap_or_default().to_owned();
        let refusal = Refusal { status: reply.status, code: text("code"), message: text("message"), request_id };
        Err(DirectoryError::Refused(refusal))
    }
}

fn with_secret(mut body: Value, request: &GraphRequest<'_>) -> Value {
    if let Some(secret) = request.secret {
        let (parent, name) = secret.pointer.rsplit_once('/').unwrap();
        let parent: &mut Map<String, Value> = body.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        secret.password.with_plaintext(|text| parent.insert(name.to_owned(), json!(text)));
    }
    body
}

#[async_trait]
impl Directory for World {
    async fn send(&self, request: &GraphRequest<'_>) -> Result<GraphAnswer, DirectoryError> {
        pause().await;
        let body = request.body.as_deref().map(ToString::to_string).unwrap_or_default();
        self.asked.lock().unwrap().insert((request.method.as_str(), request.target.to_string(), body));
        self.answer(request)
    }

    fn origin(&self) -> String {
        ORIGIN.to_owned()
    }

    async fn signed_in(&self) -> Result<SignedIn, DirectoryError> {
        let token = self.token();
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        let text = |name: &str| claims[name].as_str().unwrap().to_owned();
        Ok(SignedIn {
            who: SignedInAs::User { id: text("oid"), user_principal_name: text("upn") },
            tenant_id: text("tid"),
            app_id: text("appid"),
            permissions: text("scp").split_whitespace().map(str::to_owned).collect(),
            role_template_ids: Vec::new(),
        })
    }
}
