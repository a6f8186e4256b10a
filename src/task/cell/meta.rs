//! What is kept of a task beside its future, in 32 bytes.
//!
//! ```text
//! host      8  the address of the host, with the task's kind in the two lowest bits
//! origin    8  where it was spawned: a location, or a box with that and a name (lowest bit set)
//! word      8  bits 0..8 flags, 8..16 the shard, 16..64 the task's number
//! key       4  its place in the shard
//! woken_at  4  when it was woken, if that is timed
//! ```
//!
//! The host is not owned: an owner more for each task would be two changes of one counter that all
//! workers share. Instead the [live tasks](super::live) own it for as long as there are any. So only
//! whoever knows that the task is one of them may ask for the host: see [`Runnable::host`].
//!
//! Book: chapter 18.
//!
//! [`Runnable::host`]: super::Runnable::host

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::priority::Priority;
use crate::task::id::TaskId;

/// Where a task is scheduled when it is woken: the lanes, or the threads for blocking calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Lane(Priority),
    Blocking,
}

impl Kind {
    /// How many there are.
    pub(crate) const COUNT: usize = Priority::ALL.len() + 1;

    /// The kind's place in a `[T; Kind::COUNT]` of things kept per kind.
    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Lane(lane) => lane.index(),
            Self::Blocking => Priority::ALL.len(),
        }
    }

    /// The lane. Of a blocking call, whose poll is nobody's turn: Low.
    pub(crate) const fn lane(self) -> Priority {
        match self {
            Self::Lane(lane) => lane,
            Self::Blocking => Priority::Low,
        }
    }

    const fn at(index: usize) -> Self {
        match index {
            0 => Self::Lane(Priority::ALL[0]),
            1 => Self::Lane(Priority::ALL[1]),
            _ => Self::Blocking,
        }
    }
}

/// How many shards of live tasks a host can have at most.
pub(crate) const MOST_SHARDS: usize = 1 << 8;

/// The place of a live task, in one word, since a worker publishes with each poll whose it is.
///
/// ```text
/// bits  0..32  the task's key in its shard, below 2^31
/// bits 32..40  the shard
/// bits 40..64  the end of the task's number, since a place is used again
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(u64);

impl Place {
    /// Words from here on are no places, but free for others.
    pub(crate) const END: u64 = u64::MAX << 31;

    pub(crate) const fn word(self) -> u64 {
        self.0
    }

    pub(crate) fn from_word(word: u64) -> Option<Self> {
        (word < Self::END).then_some(Self(word))
    }

    pub(crate) const fn shard(self) -> usize {
        (self.0 >> 32) as u8 as usize
    }

    pub(crate) const fn key(self) -> u32 {
        self.0 as u32
    }
}

/// A host and a kind, to be compared with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner(usize);

impl Owner {
    /// Of no task.
    pub(crate) const NOBODY: Self = Self(0);

    pub(crate) fn new<H>(host: &H, kind: Kind) -> Self {
        Self(std::ptr::from_ref(host).addr() | kind.index())
    }
}

/// What we keep beside a future. Lives as long as any handle or waker of the task.
pub(crate) struct Meta<H> {
    /// With the kind in its lowest bits.
    host: *const H,
    /// Where it was spawned, tagged: see the module.
    origin: *const (),
    word: AtomicU64,
    /// Written once, when the task is registered.
    key: AtomicU32,
    /// In units of 2^[`UNIT_BITS`] ns since the host began; 0 if this wake-up is not timed.
    woken_at: AtomicU32,
}

/// A task's name and where it was spawned, for those few that have one.
struct Named {
    site: &'static Location<'static>,
    name: String,
}

/// The bits of [`Meta::host`] that hold the kind.
const KIND: usize = 0b11;
/// The bit of [`Meta::origin`] that tells a [`Named`] from a location.
const NAMED: usize = 0b1;

/// Somebody wants the task cancelled.
const ABORTED: u64 = 1 << 0;
/// It is, or was, one of the live tasks.
const REGISTERED: u64 = 1 << 1;
/// Its future is being dropped, or was.
const FINISHED: u64 = 1 << 2;
/// Its future was dropped.
const GONE: u64 = 1 << 3;
const SHARD_SHIFT: u32 = 8;
const NUMBER_SHIFT: u32 = 16;

/// So times are told apart by 128 ns, and waits up to 9 minutes.
const UNIT_BITS: u32 = 7;

// SAFETY: the host is Sync, and so is a location and a name.
unsafe impl<H: Send + Sync> Send for Meta<H> {}
// SAFETY: as above, and what changes is atomic.
unsafe impl<H: Send + Sync> Sync for Meta<H> {}

impl<H> Meta<H> {
    #[inline(always)]
    pub(super) fn new(
        host: &Arc<H>,
        kind: Kind,
        shard: u8,
        site: &'static Location<'static>,
        name: Option<String>,
    ) -> Self {
        const { assert!(align_of::<H>() > KIND, "a host's address has bits to spare") };
        let origin = match name {
            None => std::ptr::from_ref(site).cast::<()>(),
            Some(name) => Box::into_raw(Box::new(Named { site, name }))
                .cast_const()
                .cast::<()>()
                .map_addr(|address| address | NAMED),
        };
        Self {
            host: Arc::as_ptr(host).map_addr(|address| address | kind.index()),
            origin,
            word: AtomicU64::new(
                TaskId::next().as_u64() << NUMBER_SHIFT | u64::from(shard) << SHARD_SHIFT,
            ),
            key: AtomicU32::new(0),
            woken_at: AtomicU32::new(0),
        }
    }

    /// The address of the host, which may be gone.
    pub(super) fn host(&self) -> *const H {
        self.host.map_addr(|address| address & !KIND)
    }

    /// Whose task it is, and of which kind.
    pub(crate) fn owner(&self) -> Owner {
        Owner(self.host.addr())
    }

    fn word(&self) -> u64 {
        // Relaxed: number and shard never change, and of the flags each says for itself.
        self.word.load(Ordering::Relaxed)
    }

    pub(crate) fn id(&self) -> TaskId {
        TaskId::from_u64(self.word() >> NUMBER_SHIFT)
    }

    pub(crate) fn shard(&self) -> u8 {
        (self.word() >> SHARD_SHIFT) as u8
    }

    /// Where it is among the live tasks, or was.
    pub(crate) fn place(&self) -> Place {
        // Relaxed: it was written before anybody else knew the task.
        let key = u64::from(self.key.load(Ordering::Relaxed));
        Place((self.word() >> SHARD_SHIFT) << 32 | key)
    }

    pub(crate) fn kind(&self) -> Kind {
        Kind::at(self.host.addr() & KIND)
    }

    pub(crate) fn lane(&self) -> Priority {
        self.kind().lane()
    }

    fn named(&self) -> Option<&Named> {
        let is_named = self.origin.addr() & NAMED != 0;
        let named = self.origin.map_addr(|address| address & !NAMED).cast::<Named>();
        // SAFETY: the bit says that it came out of a `Box<Named>`, which `drop` alone frees.
        is_named.then(|| unsafe { &*named })
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.named().map(|named| named.name.as_str())
    }

    pub(crate) fn site(&self) -> &'static Location<'static> {
        match self.named() {
            Some(named) => named.site,
            // SAFETY: without the bit it came from a reference to a location, which live for ever.
            None => unsafe { &*self.origin.cast::<Location<'static>>() },
        }
    }

    /// Cancels the task, once somebody wakes it.
    pub(super) fn abort(&self) {
        // Relaxed: whoever aborts wakes the task afterwards, and the wake-up orders the two.
        self.word.fetch_or(ABORTED, Ordering::Relaxed);
    }

    pub(super) fn is_aborted(&self) -> bool {
        self.word() & ABORTED != 0
    }

    /// It has become one of the live tasks. Called before anybody else knows the task.
    pub(super) fn set_registered(&self, key: u32) {
        self.key.store(key, Ordering::Relaxed);
        self.add(REGISTERED, Ordering::Relaxed);
    }

    pub(super) fn is_registered(&self) -> bool {
        self.word() & REGISTERED != 0
    }

    /// Its future is about to be dropped. Called, as what follows, by whoever has the future to
    /// himself.
    pub(super) fn set_finished(&self) {
        self.add(FINISHED, Ordering::Relaxed);
    }

    pub(super) fn is_finished(&self) -> bool {
        self.word() & FINISHED != 0
    }

    /// Its future was dropped.
    pub(super) fn set_gone(&self) {
        // Release: what the future's drop did happens before an `is_gone` that says yes.
        self.add(GONE, Ordering::Release);
    }

    pub(crate) fn is_gone(&self) -> bool {
        // Acquire: see `set_gone`.
        self.word.load(Ordering::Acquire) & GONE != 0
    }

    /// Adds a flag in two steps. An abort in between is lost; but it comes before anybody knows the
    /// task, or too late.
    fn add(&self, flag: u64, order: Ordering) {
        self.word.store(self.word() | flag, order);
    }

    /// This wake-up is timed: it is `now`, in ns since the host began. Called, as what follows, by
    /// whoever has the task out of the queues: they order what one of them does before what the next
    /// one sees.
    pub(crate) fn set_woken_at(&self, now: u64) {
        self.woken_at.store(in_units(now), Ordering::Relaxed);
    }

    /// How long it has waited since it was woken, in ns, if that is timed. A time is told once.
    pub(crate) fn waited(&self, now: impl FnOnce() -> u64) -> Option<u64> {
        let woken_at = self.woken_at.load(Ordering::Relaxed);
        if woken_at == 0 {
            return None;
        }
        self.woken_at.store(0, Ordering::Relaxed);
        Some(u64::from(in_units(now()).wrapping_sub(woken_at)) << UNIT_BITS)
    }
}

/// Never 0, which is no time.
fn in_units(nanos: u64) -> u32 {
    ((nanos >> UNIT_BITS) as u32).max(1)
}

impl<H> Drop for Meta<H> {
    fn drop(&mut self) {
        if self.origin.addr() & NAMED != 0 {
            let named = self.origin.map_addr(|address| address & !NAMED).cast::<Named>();
            // SAFETY: it came out of a `Box<Named>`, and nobody has it any more.
            drop(unsafe { Box::from_raw(named.cast_mut()) });
        }
    }
}

impl<H> fmt::Debug for Meta<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meta")
            .field("id", &self.id())
            .field("name", &self.name())
            .field("kind", &self.kind())
            .field("site", &self.site())
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(waterwheel_loom)))]
mod tests {
    use super::*;

    fn meta(kind: Kind, name: Option<&str>) -> Meta<u64> {
        Meta::new(&Arc::new(0), kind, 7, Location::caller(), name.map(str::to_owned))
    }

    #[test]
    fn what_every_task_has_is_small() {
        assert!(size_of::<Meta<u64>>() <= 32);
    }

    #[test]
    fn what_shares_a_word_is_read_as_it_was_written() {
        let kinds = [Kind::Lane(Priority::High), Kind::Lane(Priority::Low), Kind::Blocking];
        for kind in kinds {
            for name in [None, Some(""), Some("wheel")] {
                let meta = meta(kind, name);
                assert_eq!((meta.kind(), meta.name(), meta.shard()), (kind, name, 7));
                assert_eq!(meta.site().file(), file!());
                assert_eq!(meta.host().addr() & KIND, 0);
                meta.abort();
                meta.set_registered(u32::MAX / 2);
                meta.set_finished();
                assert!(meta.is_aborted() && meta.is_registered() && meta.is_finished());
                assert!(!meta.is_gone());
                let place = meta.place();
                assert_eq!((place.shard(), place.key()), (7, u32::MAX / 2));
                assert_eq!(Place::from_word(place.word()), Some(place));
            }
        }
        assert!(Place::from_word(u64::MAX).is_none() && Place::from_word(Place::END).is_none());
        let (one, two) = (meta(kinds[0], None), meta(kinds[0], None));
        assert_eq!(two.id().as_u64(), one.id().as_u64() + 1);
    }

    #[test]
    fn a_wait_is_told_once_and_to_two_units() {
        let meta = meta(Kind::Blocking, None);
        assert_eq!(meta.waited(|| unreachable!("it is not timed")), None);
        for woken_at in [0, 1, 1_000_000, u64::from(u32::MAX) << UNIT_BITS] {
            for wait in [0, 200, 1_000_000, 60_000_000_000] {
                meta.set_woken_at(woken_at);
                let waited = meta.waited(|| woken_at + wait).expect("it is timed");
                assert!(waited.abs_diff(wait) <= 2 << UNIT_BITS, "{wait} ns: {waited}");
                assert_eq!(meta.waited(|| 0), None);
            }
        }
    }
}
