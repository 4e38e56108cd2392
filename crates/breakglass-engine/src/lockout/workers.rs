//! Work shared among processors. The answers are those of one processor, in the same order.

use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Both answers, worked out side by side where the work is shared.
pub(crate) fn both<A, B: Send>(is_shared: bool, one: impl FnOnce() -> A, other: impl FnOnce() -> B + Send) -> (A, B) {
    if !is_shared {
        return (one(), other());
    }
    std::thread::scope(|scope| {
        let other = scope.spawn(other);
        let one = one();
        (one, other.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}

/// The answer to each question, in their order, with so many workers.
pub(super) fn each<Q: Sync, A: Send>(
    workers: NonZeroUsize,
    questions: &[Q],
    answer: impl Fn(&Q) -> A + Sync,
) -> Vec<A> {
    let workers = workers.get().min(questions.len());
    if workers < 2 {
        return questions.iter().map(answer).collect();
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let mut answered = Vec::new();
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(question) = questions.get(place) else { return answered };
            answered.push((place, answer(question)));
        }
    };
    let mut answered: Vec<(usize, A)> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..workers).map(|_| scope.spawn(work)).collect();
        let own = work();
        let theirs = others.into_iter().flat_map(|other| other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        own.into_iter().chain(theirs).collect()
    });
    answered.sort_unstable_by_key(|(place, _)| *place);
    answered.into_iter().map(|(_, answer)| answer).collect()
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::{both, each};

    #[test]
    fn answers_stand_in_the_order_of_the_questions() {
        for workers in [1, 2, 3, 7, 64] {
            let questions: Vec<u32> = (0..50).collect();
            let answers = each(NonZeroUsize::new(workers).unwrap(), &questions, |number| number * number);
            assert_eq!(answers, questions.iter().map(|number| number * number).collect::<Vec<_>>(), "{workers}");
        }
        assert_eq!(each(NonZeroUsize::MIN, &[], |_: &u32| 1_u32), Vec::<u32>::new());
        for is_shared in [false, true] {
            assert_eq!(both(is_shared, || 1, || "two"), (1, "two"));
        }
    }

    #[test]
    #[should_panic(expected = "of a worker")]
    fn a_panic_comes_through() {
        both(true, || (), || -> u32 { panic!("of a worker") });
    }
}
