//! The places of the connections of one address: so many and no more, and who gives way when all are taken.
//!
//! **Promise:** a connection whose request is being answered never gives way. Of the others it is the one whose client
//! has kept the tenant waiting longest: for a handshake, for the head of a request, for its body, or to read an answer.
//! Bytes that trickle in do not make a wait younger.
//! **Limits:** as many places as it is made with; each wait ends when it is said to.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

#[derive(Debug, Default)]
struct Inner {
    /// Numbers are given in the order in which waits begin.
    next: u64,
    taken: usize,
    /// Who waits for its client, the one that has waited longest first.
    waiting: BTreeMap<u64, Arc<Seat>>,
}

#[derive(Debug)]
pub(super) struct Places {
    count_max: usize,
    inner: Mutex<Inner>,
    /// Somebody went, or may be sent away.
    freed: Notify,
}

#[derive(Debug, Default)]
struct Seat {
    state: Mutex<Wait>,
    changed: Notify,
}

#[derive(Debug, Clone, Copy, Default)]
struct Wait {
    /// The number of the wait; `None` while a request is answered.
    number: Option<u64>,
    /// When the wait is over, if it ever is.
    until: Option<Instant>,
    /// Whether the connection has to end.
    is_over: bool,
    /// Whether its place is somebody else's already.
    has_given_way: bool,
}

/// The place of one connection, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    seat: Arc<Seat>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Places {
    pub(super) fn new(count_max: usize) -> Arc<Self> {
        Arc::new(Self { count_max, inner: Mutex::default(), freed: Notify::new() })
    }

    /// A place for a new connection, which waits for its client from now on. Somebody gives way if all are taken; while
    /// all are being answered, it waits until one is not.
    pub(super) async fn take(self: &Arc<Self>) -> Arc<Place> {
        while locked(&self.inner).taken >= self.count_max && !self.make_room() {
            self.freed.notified().await;
        }
        locked(&self.inner).taken += 1;
        let place = Place { places: Arc::clone(self), seat: Arc::default() };
        place.wait(None);
        Arc::new(place)
    }

    /// Sends the connection away whose client has kept the tenant waiting longest; `false` if there is none.
    pub(super) fn make_room(&self) -> bool {
        let mut inner = locked(&self.inner);
        let Some((_, seat)) = inner.waiting.pop_first() else { return false };
        // Its place is free at once; it ends as soon as its task runs.
        inner.taken = inner.taken.saturating_sub(1);
        seat.change(|wait| {
            wait.is_over = true;
            wait.has_given_way = true;
        });
        true
    }
}

impl Seat {
    fn change(&self, change: impl FnOnce(&mut Wait)) {
        change(&mut locked(&self.state));
        self.changed.notify_one();
    }
}

impl Place {
    /// Waits for its client, newly, for as long as is said.
    pub(super) fn wait(&self, longest: Option<Duration>) {
        let mut inner = locked(&self.places.inner);
        let number = inner.next;
        inner.next += 1;
        let mut is_over = false;
        self.seat.change(|wait| {
            is_over = wait.is_over;
            wait.number = Some(number);
            wait.until = longest.map(|longest| Instant::now() + longest);
        });
        if !is_over {
            inner.waiting.insert(number, Arc::clone(&self.seat));
        }
        drop(inner);
        self.places.freed.notify_one();
    }

    /// Goes on waiting, as old as before, for as long as is said.
    pub(super) fn wait_on(&self, longest: Option<Duration>) {
        self.seat.change(|wait| wait.until = longest.map(|longest| Instant::now() + longest));
    }

    /// The request is there, and nobody sends the connection away now; `false` if somebody has.
    pub(super) fn answer(&self) -> bool {
        let mut inner = locked(&self.places.inner);
        let mut state = locked(&self.seat.state);
        if let Some(number) = state.number.take() {
            inner.waiting.remove(&number);
        }
        state.until = None;
        let is_over = state.is_over;
        drop((state, inner));
        self.seat.changed.notify_one();
        !is_over
    }

    /// Ends the connection.
    pub(super) fn end(&self) {
        self.seat.change(|wait| wait.is_over = true);
    }

    /// Returns when the connection has to end: it was sent away, or its client took too long.
    pub(super) async fn ended(&self) {
        loop {
            let Wait { until, is_over, .. } = *locked(&self.seat.state);
            if is_over {
                return;
            }
            let too_late = async {
                match until {
                    Some(until) => sleep_until(until).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                () = self.seat.changed.notified() => {}
                () = too_late => return,
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inner = locked(&self.places.inner);
        let Wait { number, has_given_way, .. } = *locked(&self.seat.state);
        number.and_then(|number| inner.waiting.remove(&number));
        if !has_given_way {
            inner.taken = inner.taken.saturating_sub(1);
        }
        drop(inner);
        self.places.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_over(place: &Place) -> bool {
        locked(&place.seat.state).is_over
    }

    #[tokio::test]
    async fn who_has_waited_longest_gives_way_and_who_is_answered_does_not() {
        let places = Places::new(3);
        let (first, second, third) = (places.take().await, places.take().await, places.take().await);
        assert!(first.answer());
        first.wait(None);
        third.wait_on(None);
        assert!(second.answer());
        let fourth = places.take().await;
        assert!([&first, &second, &third, &fourth].map(|place| is_over(place)) == [false, false, true, false]);
        assert!(!third.answer(), "it was sent away");
        third.ended().await;
        let fifth = places.take().await;
        assert!(is_over(&first) && !is_over(&fourth) && !is_over(&fifth));
        drop((first, third));
        assert_eq!(locked(&places.inner).taken, 3);
        drop((second, fourth, fifth));
        assert_eq!(locked(&places.inner).taken, 0);
        assert!(locked(&places.inner).waiting.is_empty());
    }

    #[tokio::test]
    async fn a_new_one_waits_while_all_are_answered() {
        let places = Places::new(1);
        let first = places.take().await;
        assert!(first.answer());
        assert!(!places.make_room());
        let second = tokio::spawn({
            let places = Arc::clone(&places);
            async move { places.take().await }
        });
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        drop(first);
        second.await.unwrap();
    }

    #[tokio::test]
    async fn a_wait_is_over_when_it_was_said_to_be() {
        let places = Places::new(2);
        let place = places.take().await;
        place.wait(Some(Duration::from_secs(86_400)));
        place.wait_on(Some(Duration::from_millis(1)));
        place.ended().await;
        assert!(!is_over(&place), "nobody else wanted its place");
    }
}
