//! What stands in for the threads of a runtime where the model checker runs: they are loom's, and
//! there are as many as a model allows.
//!
//! Book: chapter 19.

use std::io;
use std::sync::{Arc, Mutex};

use loom::thread::JoinHandle;

/// A hook without arguments.
pub(crate) type Hook = Arc<dyn Fn() + Send + Sync>;

/// How many threads may be started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThreadSettings {
    pub(crate) most: usize,
}

/// See the module. Its lock is std's: it is no part of the model.
#[derive(Debug)]
pub(crate) struct Threads {
    left: Mutex<usize>,
    running: Mutex<Vec<JoinHandle<()>>>,
}

impl Threads {
    pub(crate) fn new(settings: ThreadSettings) -> Self {
        Self { left: Mutex::new(settings.most), running: Mutex::default() }
    }

    pub(crate) fn start(
        self: &Arc<Self>,
        _role: &str,
        body: impl FnOnce() + Send + 'static,
    ) -> io::Result<()> {
        let mut left = self.left.lock().expect("a model ends at its first panic");
        *left = left.checked_sub(1).ok_or(io::Error::other("there is no thread to be had"))?;
        drop(left);
        let handle = loom::thread::spawn(body);
        self.running.lock().expect("as above").push(handle);
        Ok(())
    }

    /// Waits for all threads to end.
    pub(crate) fn join_all(&self) {
        let next = || self.running.lock().expect("as above").pop();
        while let Some(handle) = next() {
            handle.join().expect("a thread ends");
        }
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
