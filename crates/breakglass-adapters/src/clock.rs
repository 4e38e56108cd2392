//! The clock of this machine.

use std::time::Duration;

use async_trait::async_trait;
use breakglass_ops::ports::Clock;
use jiff::Timestamp;

/// The time of this machine, for what runs longer than one look at it.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else is handed")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
