//! Chapter 1, step 5: a file watcher. Run: `cargo run --release --example ch01_5_file_watcher`
//!
//! A task looks at a file at each tick of an interval and passes on what is new; another one prints
//! it. Looking blocks, so a thread that may block looks. What is compared is more than the time of
//! the last change: two writes within one tick of the file system's clock have the same time. A file
//! that is missing is news as well. When nobody listens any more the watcher ends, and so does the
//! printer when there is no watcher.
//!
//! Book: chapter 1.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use std::{env, fs, io, process};

use waterwheel::{spawn_blocking, spawn_task, time};

/// How often the watcher looks.
const TICK: Duration = Duration::from_millis(10);

/// What a look finds.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Found {
    Text(String),
    Nothing(io::ErrorKind),
}

/// What tells one state of a file from another. Naively it is the time alone.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    content: u64,
}

/// Reads the file and what is known about it. Blocks.
fn look(path: &Path) -> (Option<Stamp>, Found) {
    let read = || -> io::Result<(Stamp, String)> {
        let metadata = fs::metadata(path)?;
        let text = fs::read_to_string(path)?;
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        // Not every file system knows when a file was changed; then the rest must do.
        let modified = metadata.modified().ok();
        Ok((Stamp { modified, length: metadata.len(), content: hasher.finish() }, text))
    };
    match read() {
        Ok((stamp, text)) => (Some(stamp), Found::Text(text)),
        Err(error) => (None, Found::Nothing(error.kind())),
    }
}

/// Sends what it finds at first, and after each change; ends when nobody receives.
async fn watch(path: PathBuf, news: flume::Sender<Found>) {
    let mut known: Option<Option<Stamp>> = None;
    let mut ticks = time::interval(TICK);
    loop {
        ticks.tick().await;
        let path = path.clone();
        let (stamp, found) = spawn_blocking(move || look(&path)).await;
        if known.as_ref() == Some(&stamp) {
            continue;
        }
        known = Some(stamp);
        if news.send_async(found).await.is_err() {
            return;
        }
    }
}

/// A folder of our own, gone when this is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> io::Result<Self> {
        let folder = env::temp_dir().join(format!("waterwheel-watch-{}", process::id()));
        fs::create_dir(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A destructor can tell nobody; the system clears its temporary files in the end.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Replaces the text at once (no look finds half of it), and says it was changed at `time`.
fn write(path: &Path, text: &str, time: SystemTime) -> io::Result<()> {
    let fresh = path.with_extension("new");
    fs::write(&fresh, text)?;
    fs::File::options().write(true).open(&fresh)?.set_modified(time)?;
    fs::rename(&fresh, path)
}

/// Changes the file four times, each time when the last change has been seen.
async fn change(path: PathBuf, news: flume::Receiver<Found>) -> io::Result<Vec<Found>> {
    let noon = SystemTime::UNIX_EPOCH + Duration::from_secs(12 * 3600);
    let mut seen = Vec::new();
    for step in 0..5 {
        let Ok(found) = news.recv_async().await else { break };
        match &found {
            Found::Text(text) => println!("the file says {text:?}"),
            Found::Nothing(why) => println!("the file cannot be read: {why}"),
        }
        seen.push(found);
        time::sleep(TICK * 3).await;
        assert!(news.is_empty(), "what has not changed is no news");
        let path = path.clone();
        let changed = spawn_blocking(move || match step {
            0 => write(&path, "open", noon),
            1 => write(&path, "shut", noon), // As long, and in the same tick of the clock.
            2 => fs::remove_file(&path),
            3 => write(&path, "open again", noon + TICK),
            _ => Ok(()),
        });
        changed.await?;
    }
    Ok(seen)
}

fn main() -> io::Result<()> {
    let folder = Folder::new()?;
    let path = folder.0.join("sign");
    let (news, inbox) = flume::bounded(1);
    let seen = waterwheel::block_on(async {
        let watching = spawn_task!(watch(path.clone(), news));
        let seen = change(path.clone(), inbox).await?;
        // The receiver is gone. One more change, and the watcher notices.
        spawn_blocking(move || write(&path, "the end", SystemTime::now())).await?;
        watching.await;
        io::Result::Ok(seen)
    })?;
    println!("nobody listens any more, and the watcher has ended");

    let text = |text: &str| Found::Text(text.to_owned());
    let nothing = Found::Nothing(io::ErrorKind::NotFound);
    assert_eq!(seen, [nothing.clone(), text("open"), text("shut"), nothing, text("open again")]);
    let place = folder.0.clone();
    drop(folder);
    assert!(!place.exists(), "nothing is left behind");
    Ok(())
}
