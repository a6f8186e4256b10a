//! What stands in for the threads of a runtime where the model checker runs: they are loom's, and
//! there are as many as a model allows.
//!
//! Book: chapter 19.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A hook without arguments.
pub(crate) type Hook = Arc<dyn Fn() + Send + Sync>;

/// How many threads may be started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThreadSettings {
    pub(crate) most: usize,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Threads {
    left: AtomicUsize,
}

impl Threads {
    pub(crate) fn new(settings: ThreadSettings) -> Self {
        Self { left: AtomicUsize::new(settings.most) }
    }

    /// Loom runs a model to the end of all its threads, so nobody need join this one.
    pub(crate) fn start(
        self: &Arc<Self>,
        _role: &str,
        body: impl FnOnce() + Send + 'static,
    ) -> io::Result<()> {
        let less = |left: usize| left.checked_sub(1);
        // Relaxed: it is no part of the model.
        match self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less) {
            Ok(_) => drop(loom::thread::spawn(body)),
            Err(_) => return Err(io::Error::other("there is no thread to be had")),
        }
        Ok(())
    }

    pub(crate) fn own_this_thread(&self) -> bool {
        false
    }
}

/// Calls a hook, if there is one.
pub(crate) fn call(hook: Option<&Hook>) {
    if let Some(hook) = hook {
        hook();
    }
}
