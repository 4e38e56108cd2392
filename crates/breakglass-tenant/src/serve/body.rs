//! The body of a request, read within limits.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::{Body, HttpBody as _};
use axum::http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of a body that need no leave: forms and most objects are smaller.
pub(super) const SMALL_BODY_BYTES: usize = 64 << 10;
/// What a permit lets in, bytes.
const PERMIT_BYTES: usize = 1 << 10;

/// What all bodies that are not small may take up together.
#[derive(Debug, Clone)]
pub(super) struct LargeBodies(Arc<Semaphore>);

/// A body; as long as it is kept, what it takes up is counted.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) bytes: Vec<u8>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Received {
    /// Its bytes, and what counts them.
    pub(super) fn into_parts(self) -> (Vec<u8>, Option<OwnedSemaphorePermit>) {
        (self.bytes, self.permit)
    }
}

impl LargeBodies {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes_max / PERMIT_BYTES)))
    }

    /// Reads a body.
    ///
    /// # Errors
    /// 413 where it is too large, 503 where others take up too much at the moment, 400 where it breaks off.
    pub(super) async fn receive(&self, mut body: Body, bytes_max: usize) -> Result<Received, StatusCode> {
        let is_too_large = |bytes: usize| bytes > bytes_max;
        // Who says beforehand that it is too large need not send it.
        if is_too_large(usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX)) {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        let mut received = Received { bytes: Vec::new(), permit: None };
        while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
            let Ok(data) = frame.map_err(|_| StatusCode::BAD_REQUEST)?.into_data() else { continue };
            let total = received.bytes.len().saturating_add(data.len());
            if is_too_large(total) {
                return Err(StatusCode::PAYLOAD_TOO_LARGE);
            }
            if total > SMALL_BODY_BYTES {
                self.let_in(&mut received, total)?;
            }
            received.bytes.extend_from_slice(&data);
        }
        Ok(received)
    }

    fn let_in(&self, received: &mut Received, total: usize) -> Result<(), StatusCode> {
        let has = received.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = u32::try_from(total.div_ceil(PERMIT_BYTES).saturating_sub(has)).unwrap_or(u32::MAX);
        let more = Arc::clone(&self.0).try_acquire_many_owned(more).map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
        match &mut received.permit {
            Some(permit) => permit.merge(more),
            None => received.permit = Some(more),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn large_bodies_share_what_there_is_and_small_ones_come_in_all_the_same() {
        let bodies = LargeBodies::new(256 << 10);
        let receive = async |bytes: usize| bodies.receive(Body::from(vec![7; bytes]), 200 << 10).await;
        assert_eq!(receive((200 << 10) + 1).await.unwrap_err(), StatusCode::PAYLOAD_TOO_LARGE);
        let large = receive(200 << 10).await.unwrap();
        assert_eq!(large.bytes.len(), 200 << 10);
        assert_eq!(receive(100 << 10).await.unwrap_err(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(receive(SMALL_BODY_BYTES).await.unwrap().bytes, vec![7; SMALL_BODY_BYTES]);
        drop(large);
        assert_eq!(receive(100 << 10).await.unwrap().bytes.len(), 100 << 10);
    }
}
