//! Sign-ins that are remembered, and files that are none.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use breakglass_adapters::graph::sign_in::Way;
use breakglass_adapters::graph::{FILE_BYTES_MAX, GraphClient, Key, KeyStore, KeyStoreError, TokenCache};
use breakglass_adapters::http::SecretText;
use breakglass_ops::ports::{Directory as _, GraphRequest};
use serde_json::json;

use super::world::{CLIENT, Played, SECRET, Step, World, answer};
use crate::support::Folder;

/// Keys in memory; none if it is locked.
#[derive(Default)]
struct Keys {
    all: Mutex<BTreeMap<String, Key>>,
    is_locked: bool,
}

impl KeyStore for Keys {
    fn key(&self, name: &str) -> Result<Option<Key>, KeyStoreError> {
        if self.is_locked {
            return Err(KeyStoreError("it is locked".to_owned()));
        }
        Ok(self.all.lock().unwrap().get(name).cloned())
    }

    fn keep(&self, name: &str, key: &Key) -> Result<(), KeyStoreError> {
        self.all.lock().unwrap().insert(name.to_owned(), key.clone());
        Ok(())
    }
}

fn by_code() -> Vec<Step> {
    let begun = r#"{"device_code":"d","user_code":"c","verification_uri":"https://u","expires_in":900}"#;
    vec![answer(200, begun), granted("hush-refresh-1")]
}

fn granted(refresh: &str) -> Step {
    answer(200, &json!({ "access_token": "hush-a", "refresh_token": refresh, "expires_in": 3_600 }).to_string())
}

/// A folder, and what lies in it.
struct Cached {
    folder: Folder,
    keys: Arc<Keys>,
}

impl Cached {
    fn new(name: &str) -> Self {
        Self { folder: Folder::new(name), keys: Arc::default() }
    }

    fn place(&self) -> PathBuf {
        self.folder.path().join("sign-ins")
    }

    fn files(&self) -> Vec<PathBuf> {
        let Ok(all) = fs::read_dir(self.place()) else { return Vec::new() };
        all.map(|entry| entry.unwrap().path()).collect()
    }

    fn client(&self, played: &Played, world: &World, way: Way) -> GraphClient {
        let mut settings = played.settings(world, way);
        let keys: Arc<dyn KeyStore> = Arc::<Keys>::clone(&self.keys);
        settings.cache = Some(TokenCache::new(self.place(), keys));
        GraphClient::new(settings, world.surroundings()).unwrap()
    }

    /// Reads by a client of its own, and says what somebody was shown.
    async fn read(&self, played: &Played) -> Vec<String> {
        let world = World::new();
        self.client(played, &world, Way::DeviceCode).send(&GraphRequest::get("/v1.0/users")).await.unwrap();
        let shown = world.shown.texts.lock().unwrap();
        shown.clone()
    }
}

#[tokio::test]
async fn a_sign_in_is_remembered_and_nobody_asked_again() {
    let cached = Cached::new("cache-remembers");
    let played =
        Played::both([], [by_code(), vec![granted("hush-refresh-2"), granted("hush-refresh-3")]].concat()).await;
    assert_eq!(cached.read(&played).await, ["https://u c 900"]);
    for token in ["hush-refresh-1", "hush-refresh-2"] {
        assert!(cached.read(&played).await.is_empty());
        assert_eq!(played.signed_in().last().unwrap().member("refresh_token").as_deref(), Some(token));
    }
    let files = cached.files();
    assert_eq!(files.len(), 1, "{files:?}");
    let bytes = fs::read(&files[0]).unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains("hush"));
    assert!(!files[0].display().to_string().contains(CLIENT));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&files[0]), mode(&cached.place())), (0o600, 0o700));
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_told_and_replaced() {
    for (name, damage) in DAMAGES {
        let cached = Cached::new("cache-damaged");
        let played = Played::both([], [by_code(), by_code(), vec![granted("hush-refresh-2")]].concat()).await;
        cached.read(&played).await;
        let file = cached.files().remove(0);
        fs::write(&file, damage(fs::read(&file).unwrap())).unwrap();
        let shown = cached.read(&played).await;
        assert_eq!(shown.len(), 2, "{name}: {shown:?}");
        assert!(shown[0].starts_with("the earlier sign-in is not used: "), "{name}: {shown:?}");
        assert!(cached.read(&played).await.is_empty(), "{name}: it is replaced");
        assert_eq!(cached.files(), [file]);
    }
}

type Damage = fn(Vec<u8>) -> Vec<u8>;

const DAMAGES: [(&str, Damage); 5] = [
    ("empty", |_| Vec::new()),
    ("cut", |bytes| bytes[..bytes.len() / 2].to_vec()),
    ("changed", |mut bytes| {
        *bytes.last_mut().unwrap() ^= 1;
        bytes
    }),
    ("old", |bytes| [b"breakglass-sign-in/0\n", &bytes[21..]].concat()),
    ("large", |_| vec![b'x'; usize::try_from(FILE_BYTES_MAX).unwrap() + 1]),
];

#[tokio::test]
async fn without_a_store_there_is_no_cache() {
    let mut cached = Cached::new("cache-locked");
    cached.keys = Arc::new(Keys { is_locked: true, ..Keys::default() });
    let played = Played::both([], by_code()).await;
    let why = "the system's store for secrets cannot be used: it is locked";
    assert_eq!(
        cached.read(&played).await,
        ["https://u c 900".to_owned(), format!("this sign-in is not remembered: {why}")]
    );
    assert!(cached.files().is_empty());
}

#[tokio::test]
async fn a_key_that_is_gone_makes_a_new_sign_in() {
    let mut cached = Cached::new("cache-no-key");
    let played = Played::both([], [by_code(), by_code()].concat()).await;
    cached.read(&played).await;
    cached.keys = Arc::default();
    let shown = cached.read(&played).await;
    assert_eq!(shown.len(), 2, "{shown:?}");
    assert!(shown[0].contains("its key is gone"), "{shown:?}");
}

#[tokio::test]
async fn applications_are_not_remembered_and_people_can_be_forgotten() {
    let cached = Cached::new("cache-forgets");
    let played = Played::graph([]).await;
    let world = World::new();
    let secret = Way::ClientSecret(SecretText::new(SECRET.to_owned()));
    let client = cached.client(&played, &world, secret);
    client.send(&GraphRequest::get("/v1.0/users")).await.unwrap();
    client.forget().await.unwrap();
    assert!(cached.files().is_empty());
    let played = Played::both([], [by_code(), by_code()].concat()).await;
    let client = cached.client(&played, &world, Way::DeviceCode);
    client.send(&GraphRequest::get("/v1.0/users")).await.unwrap();
    assert_eq!(cached.files().len(), 1);
    client.forget().await.unwrap();
    assert!(cached.files().is_empty());
    client.send(&GraphRequest::get("/v1.0/users")).await.unwrap();
    assert_eq!(world.shown.texts.lock().unwrap().len(), 2, "somebody is asked again");
}
