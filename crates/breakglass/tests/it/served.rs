//! An embedded tenant on free ports of this machine, in a folder of its own.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use breakglass_adapters::clock::SystemClock;
use breakglass_ops::ports::Clock as _;
use breakglass_tenant::profile::Profile;
use breakglass_tenant::tenant::{Addresses, Tenant};
use breakglass_tenant::{HashWork, backstage, serve, tls};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::net::TcpListener;

/// The tenant's clock: that of this machine, and ahead of it by as much as a test lets pass.
#[derive(Debug, Default)]
pub(crate) struct TenantClock(AtomicI64);

impl TenantClock {
    /// Lets time pass that nobody has to wait for.
    pub(crate) fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl breakglass_tenant::clock::Clock for TenantClock {
    fn now(&self) -> Timestamp {
        let ahead = SignedDuration::from_secs(self.0.load(Ordering::SeqCst));
        SystemClock.now().checked_add(ahead).unwrap()
    }
}

/// A tenant that is served for as long as the runtime goes on in which it was begun.
pub(crate) struct Served {
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) clock: Arc<TenantClock>,
    pub(crate) folder: PathBuf,
    /// Where its login endpoints and Graph are.
    pub(crate) at: SocketAddr,
    /// Where its Azure Resource Manager is.
    manager: SocketAddr,
}

impl Served {
    /// Begins with a seed; `name` keeps the folders of tests apart.
    pub(crate) async fn new(name: &str, seed: &Value, profile: Profile) -> Self {
        Self::behind(None, name, seed, profile).await
    }

    /// The same behind somebody who passes on what is asked at another address, which the tenant takes for its own.
    pub(crate) async fn behind(front: Option<SocketAddr>, name: &str, seed: &Value, profile: Profile) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        drop(fs::remove_dir_all(&folder));
        let listen = || TcpListener::bind("127.0.0.1:0");
        let (own, manager) = (listen().await.unwrap(), listen().await.unwrap());
        let at = own.local_addr().unwrap();
        let manager_at = manager.local_addr().unwrap();
        let [base, manager_base] = [front.unwrap_or(at), manager_at].map(|address| format!("https://{address}"));
        let clock = Arc::new(TenantClock::default());
        let addresses = Addresses { base: base.clone(), manager: manager_base };
        let tenant = Tenant::open(&folder, addresses, Arc::clone(&clock) as _).unwrap();
        let mut tenant = tenant.with_hash_work(HashWork::Little);
        tenant.seed(seed.to_string().as_bytes()).unwrap();
        let tenant = Arc::new(tenant.with_profile(profile));
        backstage::served_at(&folder, &format!("https://{at}")).unwrap();
        let config = tls::server_config(&folder, &[at.ip()], SystemClock.now()).unwrap();
        let serving = serve::serve(Arc::clone(&tenant), Arc::new(config), (own, manager));
        tokio::spawn(async move { serving.await.unwrap() });
        Self { tenant, clock, folder, at, manager: manager_at }
    }

    /// The origin of its login endpoints and of Graph.
    pub(crate) fn origin(&self) -> String {
        format!("https://{}", self.at)
    }

    /// The origin of its Azure Resource Manager.
    pub(crate) fn manager_origin(&self) -> String {
        format!("https://{}", self.manager)
    }
}

/// A form as it is sent.
pub(crate) fn written(form: &[(&str, &str)]) -> String {
    form.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect::<Vec<_>>().join("&")
}

/// Text as it stands in a form.
pub(crate) fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// What names a sign-in on a page of it.
pub(crate) fn context(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"ctx\" value=\"").unwrap_or_else(|| panic!("{page}"));
    rest.split('"').next().unwrap().to_owned()
}
