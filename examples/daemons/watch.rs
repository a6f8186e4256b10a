//! `watch`: counts the changes to the files of a folder.
//!
//! notify brings its own thread, which calls us; a flume channel carries the news to the daemon.
//! Nothing had to be adapted: that is what a channel with a synchronous and an asynchronous end is.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use waterwheel::daemon::{BoxError, Daemon};
use waterwheel::sync::CancellationToken;

use crate::shared::Shared;

/// News that may wait before notify's thread has to. A flood makes it wait, and then the kernel
/// drops events and says so: memory stays bounded.
const BACKLOG: usize = 1024;

type News = notify::Result<Event>;

pub struct Watch {
    shared: Arc<Shared>,
    folder: PathBuf,
    sender: flume::Sender<News>,
    news: flume::Receiver<News>,
    /// Watches until it is dropped.
    watcher: Mutex<Option<RecommendedWatcher>>,
}

impl Watch {
    pub fn new(shared: Arc<Shared>, folder: PathBuf) -> Self {
        let (sender, news) = flume::bounded(BACKLOG);
        Self { shared, folder, sender, news, watcher: Mutex::new(None) }
    }
}

impl Daemon for Watch {
    fn name(&self) -> &str {
        "watch"
    }

    async fn prepare(&self) -> Result<(), BoxError> {
        let sender = self.sender.clone();
        let mut watcher = notify::recommended_watcher(move |news| {
            // Fails only when the daemon is gone, and then nobody wants to know.
            let _ = sender.send(news);
        })?;
        watcher
            .watch(&self.folder, RecursiveMode::Recursive)
            .map_err(|error| format!("cannot watch {}: {error}", self.folder.display()))?;
        self.shared.announce(&format!("watching {}", self.folder.display()));
        *self.watcher.lock().map_err(|_| "the watcher's lock is poisoned")? = Some(watcher);
        Ok(())
    }

    async fn run(&self, shutdown: CancellationToken) -> Result<(), BoxError> {
        while let Some(news) = shutdown.run_until_cancelled(self.news.recv_async()).await {
            // Opening and reading a file changes nothing.
            if !news??.kind.is_access() {
                self.shared.file_events.add(1);
            }
        }
        Ok(())
    }
}

/// A new, empty folder that is removed, with what is in it, when this is dropped.
#[derive(Debug)]
pub struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    pub fn create() -> Result<Self, String> {
        let name = format!("waterwheel-{}-{:08x}", std::process::id(), fastrand::u32(..));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path)
            .map_err(|error| format!("cannot create {}: {error}", path.display()))?;
        Ok(Self(path))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        // What cannot be removed stays in the system's own folder for such things.
        let _ = fs::remove_dir_all(&self.0);
    }
}
