//! Who holds the driver, and how another thread ends the holder's wait.
//!
//! The part of the driver that only its holder uses lies in one place; whoever takes it out holds
//! the driver. The race is between a thread that lets go of it and one that is about to sleep
//! elsewhere because it found the place empty:
//!
//! ```text
//!   letting go                            going to sleep
//!   L1  put the part back                 G1  announce that it sleeps
//!   L2  fence                             G2  fence
//!   L3  somebody sleeps? unpark him       G3  take the part, or sleep elsewhere
//! ```
//!
//! Never does everybody sleep while nobody holds the driver. If L2 comes first, G3 finds the part.
//! If G2 comes first, L3 sees the sleeper. L2 and G2 are here, L3 and G1 are the caller's.
//!
//! Book: chapter 14.

use crate::sync::internal::{AtomicBool, Mutex, Ordering, fence};

/// See the module.
pub(crate) struct Holding<T> {
    /// Locked for no longer than the part is taken or put back.
    place: Mutex<Option<T>>,
    /// Says the same as an empty `place`, to be read without taking it out. False for a moment
    /// after it was taken and before it is put back: then somebody is unparked in vain.
    held: AtomicBool,
}

impl<T> Holding<T> {
    pub(crate) fn new(part: T) -> Self {
        Self { place: Mutex::new(Some(part)), held: AtomicBool::new(false) }
    }

    /// Takes hold, unless somebody has. Never waits.
    pub(crate) fn take(&self) -> Option<T> {
        fence(Ordering::SeqCst);
        let part = self.place.lock().take()?;
        self.held.store(true, Ordering::SeqCst);
        Some(part)
    }

    /// Lets go.
    pub(crate) fn put_back(&self, part: T) {
        self.held.store(false, Ordering::SeqCst);
        *self.place.lock() = Some(part);
        fence(Ordering::SeqCst);
    }

    /// Does anybody hold it? A look without taking it; the caller has put a fence before it.
    pub(crate) fn is_held(&self) -> bool {
        self.held.load(Ordering::SeqCst)
    }
}

/// That the holder's wait shall end: the one under way, or the next.
///
/// The event that wakes the holder can be eaten by a turn that does not wait. This cannot: it stays
/// set until a turn that waits has taken it.
#[derive(Debug)]
pub(crate) struct Unpark(AtomicBool);

impl Unpark {
    pub(crate) fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    /// True: nobody has asked before, and the caller must wake the poller.
    #[must_use]
    pub(crate) fn ask(&self) -> bool {
        !self.0.swap(true, Ordering::SeqCst)
    }

    /// Has anybody asked since the last time?
    pub(crate) fn take(&self) -> bool {
        self.0.swap(false, Ordering::SeqCst)
    }
}
