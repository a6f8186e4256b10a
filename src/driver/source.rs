//! A source: one registered socket, its readiness, and the tasks that wait for it.
//!
//! Words: a *slot* (one per direction) holds the waker of the task that polled last; a *waiter* is
//! anybody else who waits in that direction. Reader and writer have separate slots, so the two
//! halves of a stream are woken independently.
//!
//! Several tasks may wait in one direction (fifty that accept on one listener). Whoever is pushed
//! out of the slot by another task becomes a waiter, and futures such as `accept` are waiters from
//! the start, with a key by which they are taken out when dropped. An event wakes all of them: who
//! comes first takes what there is, the others wait again. So all make progress.
//!
//! Nobody misses an event: a task stores its waker under the lock and looks at the readiness
//! after that; the driver reports readiness and then takes the wakers under the lock. Whoever has
//! the lock first, either the task sees the report or the driver sees the waker.
//!
//! Invariant: no waker is cloned, woken or dropped under the lock: that is user code.
//!
//! Book: chapter 4.

use super::readiness::{Direction, Interest, Readiness, Seen};
use crate::sync::internal::Mutex;
use std::task::{Context, Poll, Waker};

/// How many tasks pushed out of a slot are remembered. One more, and the oldest is woken in vain:
/// it waits again. A bound is needed since a task may come with a new waker at every poll.
const MOST_DISPLACED: usize = 16;

/// Names a waiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WaiterKey(u64);

/// One registered socket.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) readiness: Readiness,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    slots: [Option<Waker>; 2],
    more: Vec<Waiter>,
    last_key: u64,
}

#[derive(Debug)]
struct Waiter {
    /// `None`: pushed out of its slot.
    key: Option<WaiterKey>,
    direction: Direction,
    waker: Waker,
}

impl Source {
    pub(crate) fn new(initial: Interest) -> Self {
        Self { readiness: Readiness::new(initial), waiting: Mutex::default() }
    }

    /// Waits in the slot until an operation in `direction` is worth trying.
    pub(crate) fn poll_ready(&self, cx: &mut Context<'_>, direction: Direction) -> Poll<Seen> {
        self.look_or(direction, || self.wait_in_slot(cx.waker(), direction))
    }

    /// The same for a future that has its own place among the waiters. It starts with no key and
    /// hands in what it has when it is dropped: [`forget`](Self::forget).
    pub(crate) fn poll_ready_as(
        &self,
        key: &mut Option<WaiterKey>,
        cx: &mut Context<'_>,
        direction: Direction,
    ) -> Poll<Seen> {
        self.look_or(direction, || self.wait_as(key, cx.waker(), direction))
    }

    /// Takes a waiter out.
    pub(crate) fn forget(&self, key: WaiterKey) {
        let removed = {
            let mut waiting = self.waiting.lock();
            let place = waiting.more.iter().position(|waiter| waiter.key == Some(key));
            place.map(|place| waiting.more.swap_remove(place))
        };
        drop(removed);
    }

    /// The driver's side: remembers what was reported and moves out whom it concerns.
    pub(crate) fn report(&self, bits: Interest, ready: &mut Vec<Waker>) {
        self.readiness.report(bits);
        let mut waiting = self.waiting.lock();
        for direction in [Direction::Read, Direction::Write] {
            if bits.concerns(direction) {
                ready.extend(waiting.slots[direction as usize].take());
            }
        }
        if !waiting.more.is_empty() {
            let concerned = waiting.more.extract_if(.., |waiter| bits.concerns(waiter.direction));
            ready.extend(concerned.map(|waiter| waiter.waker));
        }
    }

    fn look_or(&self, direction: Direction, wait: impl FnOnce()) -> Poll<Seen> {
        let seen = self.readiness.look();
        if seen.concerns(direction) {
            return Poll::Ready(seen);
        }
        wait();
        // What was reported before the waker was stored, nobody else would tell us.
        let seen = self.readiness.look();
        if seen.concerns(direction) { Poll::Ready(seen) } else { Poll::Pending }
    }

    fn wait_in_slot(&self, waker: &Waker, direction: Direction) {
        let is_stored = |slot: &Option<Waker>| slot.as_ref().is_some_and(|w| w.will_wake(waker));
        if is_stored(&self.waiting.lock().slots[direction as usize]) {
            return;
        }
        let waker = waker.clone();
        let displaced = {
            let mut waiting = self.waiting.lock();
            let displaced = waiting.slots[direction as usize].replace(waker);
            displaced.map(|waker| waiting.displace(waker, direction))
        };
        match displaced {
            None | Some(Displaced::Waits) => {}
            Some(Displaced::WaitsAlready(waker)) => drop(waker),
            Some(Displaced::MakesRoom(oldest)) => oldest.wake(),
        }
    }

    fn wait_as(&self, key: &mut Option<WaiterKey>, waker: &Waker, direction: Direction) {
        if let Some(waiter) = self.waiting.lock().find(*key)
            && waiter.waker.will_wake(waker)
        {
            return;
        }
        let mut waker = waker.clone();
        let old = {
            let mut waiting = self.waiting.lock();
            if let Some(waiter) = waiting.find(*key) {
                std::mem::swap(&mut waiter.waker, &mut waker);
                Some(waker)
            } else {
                waiting.last_key += 1;
                let fresh = Some(WaiterKey(waiting.last_key));
                waiting.more.push(Waiter { key: fresh, direction, waker });
                *key = fresh;
                None
            }
        };
        drop(old);
    }
}

/// What became of a waker that was pushed out of its slot.
enum Displaced {
    Waits,
    WaitsAlready(Waker),
    MakesRoom(Waker),
}

impl Waiting {
    fn find(&mut self, key: Option<WaiterKey>) -> Option<&mut Waiter> {
        let key = key?;
        self.more.iter_mut().find(|waiter| waiter.key == Some(key))
    }

    fn displace(&mut self, waker: Waker, direction: Direction) -> Displaced {
        let displaced = |w: &Waiter| w.key.is_none() && w.direction == direction;
        if self.more.iter().any(|w| displaced(w) && w.waker.will_wake(&waker)) {
            return Displaced::WaitsAlready(waker);
        }
        let full = self.more.iter().filter(|w| displaced(w)).count() >= MOST_DISPLACED;
        let oldest = self.more.iter().position(displaced).filter(|_| full);
        let oldest = oldest.map(|place| self.more.remove(place).waker);
        self.more.push(Waiter { key: None, direction, waker });
        oldest.map_or(Displaced::Waits, Displaced::MakesRoom)
    }
}

#[cfg(all(test, not(waterwheel_loom)))]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    #[derive(Default)]
    struct Task(AtomicUsize);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn report(source: &Source, bits: Interest) {
        let mut ready = Vec::new();
        source.report(bits, &mut ready);
        ready.into_iter().for_each(Waker::wake);
    }

    fn poll(source: &Source, task: &Arc<Task>, direction: Direction) -> Poll<Seen> {
        let waker = Waker::from(task.clone());
        source.poll_ready(&mut Context::from_waker(&waker), direction)
    }

    fn wakes(task: &Task) -> usize {
        task.0.load(Ordering::Relaxed)
    }

    #[test]
    fn a_reader_and_a_writer_are_woken_independently() {
        let source = Source::new(Interest::NONE);
        let [reader, writer] = [(); 2].map(|()| Arc::new(Task::default()));
        assert!(poll(&source, &reader, Direction::Read).is_pending());
        assert!(poll(&source, &writer, Direction::Write).is_pending());
        report(&source, Interest::READABLE);
        assert_eq!((wakes(&reader), wakes(&writer)), (1, 0));
        report(&source, Interest::WRITABLE);
        assert_eq!((wakes(&reader), wakes(&writer)), (1, 1));
    }

    #[test]
    fn all_tasks_that_wait_in_one_direction_are_woken() {
        let source = Source::new(Interest::NONE);
        let tasks: Vec<_> = (0..MOST_DISPLACED).map(|_| Arc::new(Task::default())).collect();
        for _ in 0..10 {
            for task in &tasks {
                assert!(poll(&source, task, Direction::Read).is_pending());
            }
        }
        assert!(tasks.iter().all(|task| wakes(task) == 0), "waiting does not wake");
        report(&source, Interest::READABLE);
        assert!(tasks.iter().all(|task| wakes(task) >= 1));
    }

    #[test]
    fn a_task_with_a_new_waker_at_each_poll_does_not_pile_them_up() {
        let source = Source::new(Interest::NONE);
        for _ in 0..10_000 {
            assert!(poll(&source, &Arc::default(), Direction::Read).is_pending());
        }
        assert_eq!(source.waiting.lock().more.len(), MOST_DISPLACED);
    }

    #[test]
    fn a_waiter_that_is_dropped_is_taken_out() {
        let source = Source::new(Interest::NONE);
        let waker = Waker::from(Arc::new(Task::default()));
        let mut cx = Context::from_waker(&waker);
        let mut key = None;
        for _ in 0..3 {
            assert!(source.poll_ready_as(&mut key, &mut cx, Direction::Read).is_pending());
        }
        assert_eq!(source.waiting.lock().more.len(), 1);
        source.forget(key.expect("it waits"));
        assert_eq!(source.waiting.lock().more.len(), 0);
    }

    #[test]
    fn closing_the_driver_wakes_both_directions() {
        let source = Source::new(Interest::NONE);
        let [reader, writer] = [(); 2].map(|()| Arc::new(Task::default()));
        assert!(poll(&source, &reader, Direction::Read).is_pending());
        assert!(poll(&source, &writer, Direction::Write).is_pending());
        report(&source, Interest::GONE);
        assert_eq!((wakes(&reader), wakes(&writer)), (1, 1));
        let Poll::Ready(seen) = poll(&source, &reader, Direction::Read) else { panic!("gone") };
        assert!(seen.driver_is_gone());
    }
}
