//! The sign-in that requests are sent with, and its renewal.

use std::sync::Arc;
use std::time::Duration;

use breakglass_ops::ports::Random;
use bytes::Bytes;
use jiff::Timestamp;
use reqwest::header::HeaderValue;
use tokio::sync::Mutex;

use super::sign_in::{Authority, Grant, SignInError, Way};
use super::token_cache::{Recalled, TokenCache, Whose};
use crate::http::{Gathered, SecretText};

/// A token for requests.
pub(super) struct Access {
    pub(super) token: SecretText,
    /// The header's value, which is wiped with its last holder.
    bearer: Bytes,
    /// From when on it is renewed.
    renew_at: Timestamp,
}

impl Access {
    /// The header of a request. It is marked as secret, so that HTTP/2 keeps it in no table.
    pub(super) fn header(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_maybe_shared(self.bearer.clone()).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

/// A sign-in.
pub(super) struct Session {
    authority: Authority,
    way: Way,
    remembered: Option<Remembered>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    access: Option<Arc<Access>>,
    refresh: Option<SecretText>,
    /// Whether what is remembered was looked up.
    is_recalled: bool,
}

/// Where this sign-in is remembered.
#[derive(Clone)]
struct Remembered {
    cache: TokenCache,
    whose: Whose,
}

impl Session {
    /// Where tokens come from.
    pub(super) const fn authority(&self) -> &Authority {
        &self.authority
    }

    pub(super) fn new(authority: Authority, way: Way, cache: Option<TokenCache>) -> Self {
        let whose = || Whose {
            login: authority.cloud.login().to_owned(),
            graph: authority.cloud.graph().to_owned(),
            tenant: authority.tenant.clone(),
            client_id: authority.client_id.clone(),
        };
        let remembered = cache.filter(|_| way.is_remembered()).map(|cache| Remembered { cache, whose: whose() });
        Self { authority, way, remembered, kept: Mutex::default() }
    }

    /// A token that is good for some time. One is asked for at a time, so that nobody is asked twice to sign in.
    pub(super) async fn access(&self) -> Result<Arc<Access>, SignInError> {
        let mut kept = self.kept.lock().await;
        match &kept.access {
            Some(access) if self.authority.clock.now() < access.renew_at => Ok(Arc::clone(access)),
            _ => self.renewed(&mut kept, None).await,
        }
    }

    /// Another token than one that Graph did not take, with what its challenge demands.
    pub(super) async fn access_after(
        &self,
        refused: &Arc<Access>,
        claims: Option<&str>,
    ) -> Result<Arc<Access>, SignInError> {
        let mut kept = self.kept.lock().await;
        match &kept.access {
            // Somebody else has seen to it meanwhile.
            Some(access) if !Arc::ptr_eq(access, refused) => Ok(Arc::clone(access)),
            _ => self.renewed(&mut kept, claims).await,
        }
    }

    async fn renewed(&self, kept: &mut Kept, claims: Option<&str>) -> Result<Arc<Access>, SignInError> {
        kept.access = None;
        self.recall(kept).await;
        let mut demanded = claims.map(str::to_owned);
        if let Some(refresh) = kept.refresh.take() {
            match self.authority.refreshed(&refresh, claims).await {
                Ok(mut grant) => {
                    // An answer without a new one leaves the old one good.
                    grant.refresh = grant.refresh.or(Some(refresh));
                    return self.keep(kept, grant).await;
                }
                // The earlier sign-in has ended, or is not enough: somebody signs in again.
                Err(SignInError::Refused(refused)) => demanded = refused.claims.or(demanded),
                Err(error) => {
                    kept.refresh = Some(refresh);
                    return Err(error);
                }
            }
        }
        let grant = self.way.sign_in(&self.authority, demanded.as_deref()).await?;
        self.keep(kept, grant).await
    }

    /// Looks up what is remembered, once.
    async fn recall(&self, kept: &mut Kept) {
        if kept.is_recalled {
            return;
        }
        kept.is_recalled = true;
        match self.with_cache(|remembered, _| Ok(remembered.cache.recall(&remembered.whose))).await {
            Some(Ok(Recalled::Token(token))) => kept.refresh = Some(token),
            Some(Ok(Recalled::Useless(why)) | Err(why)) => {
                self.authority.prompt.note(&format!("the earlier sign-in is not used: {why}"));
            }
            Some(Ok(Recalled::Nothing)) | None => {}
        }
    }

    /// Does something with what is remembered, where waiting for a disk or a store holds nobody up.
    async fn with_cache<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Remembered, &dyn Random) -> Result<T, String> + Send + 'static,
    ) -> Option<Result<T, String>> {
        let (remembered, random) = (self.remembered.clone()?, Arc::clone(&self.authority.random));
        let done = tokio::task::spawn_blocking(move || act(&remembered, &*random)).await;
        Some(done.unwrap_or_else(|_| Err("it broke off".to_owned())))
    }

    /// Remembers the token that renews this sign-in, and gives it back.
    async fn remember(&self, token: SecretText) -> Option<SecretText> {
        let token = Arc::new(token);
        let shared = Arc::clone(&token);
        let kept = self.with_cache(move |remembered, random| remembered.cache.keep(&remembered.whose, &shared, random));
        if let Some(Err(why)) = kept.await {
            self.authority.prompt.note(&format!("this sign-in is not remembered: {why}"));
        }
        Arc::into_inner(token)
    }

    /// Signs out: nothing is kept, here or on the disk.
    pub(super) async fn forget(&self) -> Result<(), String> {
        let mut kept = self.kept.lock().await;
        *kept = Kept { is_recalled: true, ..Kept::default() };
        let forgotten = self.with_cache(|remembered, _| remembered.cache.forget(&remembered.whose)).await;
        forgotten.unwrap_or(Ok(()))
    }

    async fn keep(&self, kept: &mut Kept, grant: Grant) -> Result<Arc<Access>, SignInError> {
        let lifetime = grant.lifetime();
        // Of a token that is good for a few minutes only, half of them are used.
        let used = lifetime.saturating_sub(self.authority.limits.renew_before).max(lifetime / 2);
        let used = used.min(Duration::from_secs(LIFETIME_SECONDS_MAX));
        let renew_at = self.authority.clock.now().saturating_add(used).unwrap_or(Timestamp::MAX);
        let mut bearer = Gathered::with_capacity(grant.access.text().len().saturating_add(7));
        bearer.push(b"Bearer ");
        bearer.push(grant.access.text().as_bytes());
        let access = Arc::new(Access { token: grant.access, bearer: bearer.into_shared(), renew_at });
        if access.header().is_none() {
            return Err(SignInError::Malformed("the token cannot be sent".to_owned()));
        }
        kept.refresh = match grant.refresh {
            Some(refresh) => self.remember(refresh).await,
            None => None,
        };
        kept.access = Some(Arc::clone(&access));
        Ok(access)
    }
}

/// Seconds after which a token is renewed whatever its end: those of clients that answer challenges are good for 28 hours.
const LIFETIME_SECONDS_MAX: u64 = 28 * 3_600;
