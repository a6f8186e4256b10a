//! What a task costs in memory that does nothing: one that is pending, one that sleeps.
//!
//! Counted is *resident anonymous memory*, as the kernel tells it: what the allocator took for its own purposes is in it,
//! what was reserved and never touched is not. No counting allocator, since it would slow every other row of the same
//! program. The tasks come in small waves, each polled before the next is spawned, so that no queue grows with them; all
//! are detached, so nobody's handles are counted. Huge pages are off: they would round each heap up to 2 MiB.
//!
//! It fails, with one line, where `/proc` does not tell.
//!
//! Book: chapter 20

use super::{Sample, sample};
use crate::machine::field;
use crate::peer::{Peer, Sleeps};
use futures_lite::future::yield_now;
use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard};
use std::task::{Poll, Waker};
use std::time::Duration;

/// Tasks that are counted.
const TASKS: usize = 100_000;
/// Tasks before them, so that what exists once per runtime exists.
const WARM_UP: usize = 1_000;
/// Tasks that are spawned before the spawner waits for their first polls.
const WAVE: usize = 100;
/// Not reached.
const FAR: Duration = Duration::from_secs(3_600);

/// Tasks that have been polled. A static, so that a task's future holds nothing for it.
static POLLED: AtomicUsize = AtomicUsize::new(0);

/// Whom to wake, if it ever came to that: a place for each task, written to before memory is counted.
static WAKERS: Mutex<Vec<Waker>> = Mutex::new(Vec::new());

/// Bytes of a task that waits for ever. Its waker is kept, since a task whom nobody can wake any more may be freed.
pub(super) fn pending<P: Peer>(peer: P) -> Result<Sample, String> {
    wakers().resize(WARM_UP + TASKS, Waker::noop().clone());
    bytes_each(peer, || {
        poll_fn(|cx| {
            wakers()[POLLED.fetch_add(1, Relaxed)] = cx.waker().clone();
            Poll::Pending
        })
    })
}

fn wakers() -> MutexGuard<'static, Vec<Waker>> {
    WAKERS.lock().expect("storing a waker does not panic")
}

/// Bytes of a task that sleeps for an hour, its timer included.
pub(super) fn sleeping<P: Sleeps>(peer: P) -> Result<Sample, String> {
    bytes_each(peer, move || async move {
        // The sleep is polled for the first time in this same poll.
        POLLED.fetch_add(1, Relaxed);
        peer.sleep(FAR).await;
    })
}

fn bytes_each<P, F>(peer: P, make: impl Fn() -> F + Copy + Send + 'static) -> Result<Sample, String>
where
    P: Peer,
    F: Future<Output = ()> + Send + 'static,
{
    small_pages();
    let spawn = |count| peer.block_on(peer.spawn(in_waves(peer, count, make)));
    spawn(WARM_UP);
    let before = resident()?;
    spawn(TASKS);
    let bytes = resident()?.saturating_sub(before);
    Ok(sample([("B/task", bytes as f64 / TASKS as f64)]))
}

/// Spawns `count` tasks. With one worker all have gone to sleep when this goes on after the last one's first poll.
async fn in_waves<P, F>(peer: P, count: usize, make: impl Fn() -> F)
where
    P: Peer,
    F: Future<Output = ()> + Send + 'static,
{
    let mut polled = POLLED.load(Relaxed);
    for _ in 0..count / WAVE {
        for _ in 0..WAVE {
            P::detach(peer.spawn(make()));
        }
        polled += WAVE;
        while POLLED.load(Relaxed) < polled {
            yield_now().await;
        }
    }
}

/// Resident anonymous memory in bytes. Not from `/proc/self/status`, whose figures lag behind by some pages a thread.
fn resident() -> Result<u64, String> {
    let line = field("/proc/self/smaps_rollup", "Anonymous");
    let kibibytes = line.as_deref().and_then(|line| line.strip_suffix("kB")?.trim().parse().ok());
    kibibytes
        .map(|kibibytes: u64| kibibytes * 1_024)
        .ok_or_else(|| "this row reads /proc/self/smaps_rollup, which is not to be had".to_owned())
}

fn small_pages() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        eprintln!("note: huge pages stay as they are, for every contestant: {error}");
    }
}
