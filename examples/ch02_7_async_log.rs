//! Chapter 2, step 7: a log. Run: `cargo run --release --example ch02_7_async_log`
//!
//! Many tasks write lines to two files. Naively each line is a future that tries to lock the file and
//! writes inside `poll`: it blocks a worker, spins while somebody else has the lock, and reports
//! success when the disk is full. Here each file has one writer, a task fed by a bounded channel. Who
//! writes waits for room in the channel, and gets a receipt that says when the line is in the file, or
//! why it is not. Nobody locks anything, lines of one caller stay in order, and memory is bounded.
//!
//! Book: chapter 2.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::{env, process};

use waterwheel::{Task, spawn_blocking, spawn_task};

/// How many lines may wait for the writer. Who writes more waits for room.
const ROOM: usize = 256;

/// A line on its way, and where its fate is to be told.
type Letter = (String, flume::Sender<io::Result<()>>);

/// A log file and the task that writes to it.
struct Log {
    letters: flume::Sender<Letter>,
    writer: Task<()>,
}

/// Tells when a line is in the file. Need not be awaited: the line is written all the same.
struct Receipt(flume::Receiver<io::Result<()>>);

impl Receipt {
    async fn written(self) -> io::Result<()> {
        self.0.recv_async().await.unwrap_or_else(|_| Err(gone()))
    }
}

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the writer of the log is gone")
}

impl Log {
    /// Opens the file so that all is written at its end; makes it if there is none.
    async fn open(path: PathBuf) -> io::Result<Self> {
        let open = move || File::options().append(true).create(true).open(path);
        let file = spawn_blocking(open).await?;
        let (letters, inbox) = flume::bounded(ROOM);
        Ok(Self { letters, writer: spawn_task!(write_all(file, inbox)) })
    }

    /// Hands a line over, once there is room. Lines of one caller are written in its order.
    async fn write(&self, line: impl Into<String>) -> io::Result<Receipt> {
        let (reply, receipt) = flume::bounded(1);
        self.letters.send_async((line.into(), reply)).await.map_err(|_| gone())?;
        Ok(Receipt(receipt))
    }

    /// Waits until all that was handed over is in the file.
    async fn close(self) {
        drop(self.letters);
        self.writer.await;
    }
}

/// Writes what comes until nobody can send any more. What has come together is written together.
async fn write_all(mut file: File, inbox: flume::Receiver<Letter>) {
    while let Ok(first) = inbox.recv_async().await {
        let letters: Vec<Letter> = [first].into_iter().chain(inbox.drain()).collect();
        let text = letters.iter().fold(String::new(), |text, (line, _)| text + line + "\n");
        let write = move || {
            let written = file.write_all(text.as_bytes()).and_then(|()| file.flush());
            (file, written)
        };
        let (back, written) = spawn_blocking(write).await;
        file = back;
        for (_, reply) in letters {
            let fate = match &written {
                Ok(()) => Ok(()),
                // An `io::Error` cannot be cloned, and each caller is owed one.
                Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
            };
            reply.send(fate).unwrap_or(()); // Who has dropped the receipt does not want to know.
        }
    }
}

/// A folder of our own, gone when this is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> io::Result<Self> {
        let folder = env::temp_dir().join(format!("waterwheel-log-{}", process::id()));
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

const NAMES: [&str; 6] = ["ann", "bob", "cyd", "dan", "eve", "fay"];

/// Six names to each of two files, twelve tasks, and all of them awaited.
async fn twelve_tasks(login: &Path, logout: &Path) -> io::Result<()> {
    let logs = [Log::open(login.to_owned()).await?, Log::open(logout.to_owned()).await?];
    let mut tasks = Vec::new();
    for name in NAMES {
        for log in &logs {
            let receipt = log.write(name).await?;
            tasks.push(spawn_task!(receipt.written()));
        }
    }
    for task in tasks {
        task.await?;
    }
    let [login, logout] = logs;
    login.close().await;
    logout.close().await;
    Ok(())
}

/// Four callers, 25,000 lines each. Returns the most lines that were ever under way in the channel.
async fn many(path: PathBuf) -> io::Result<usize> {
    let log = std::sync::Arc::new(Log::open(path).await?);
    let caller = |name: &'static str| {
        let log = log.clone();
        spawn_task!(async move {
            let mut most = 0;
            let mut last = None;
            for line in 0..25_000 {
                last = Some(log.write(format!("{name} {line}")).await?);
                most = most.max(log.letters.len());
            }
            last.expect("it wrote many").written().await?;
            io::Result::Ok(most)
        })
    };
    let callers = [caller("a"), caller("b"), caller("c"), caller("d")];
    let mut most = 0;
    for caller in callers {
        most = most.max(caller.await?);
    }
    Ok(most)
}

fn main() -> io::Result<()> {
    let folder = Folder::new()?;
    let [login, logout, big] = ["login", "logout", "big"].map(|name| folder.0.join(name));

    waterwheel::block_on(twelve_tasks(&login, &logout))?;
    println!("login:  {:?}", fs::read_to_string(&login)?.lines().collect::<Vec<_>>());
    println!("logout: {:?}", fs::read_to_string(&logout)?.lines().collect::<Vec<_>>());
    waterwheel::block_on(twelve_tasks(&login, &logout))?;
    let twice = fs::read_to_string(&login)?;
    println!("after a second run login has {} lines", twice.lines().count());

    let failed = waterwheel::block_on(async {
        let full = Log::open(PathBuf::from("/dev/full")).await?;
        full.write("there is no room for this").await?.written().await
    });
    let failed = failed.expect_err("that device is always full").kind();
    println!("a line for a full disk: {failed}");

    let refused = waterwheel::block_on(Log::open(folder.0.clone())).map(|_| ());
    let refused = refused.expect_err("a folder is no file").kind();
    println!("a log where there is a folder: {refused}");

    let most = waterwheel::block_on(many(big.clone()))?;
    let written = fs::read_to_string(&big)?;
    println!("{} lines by four callers", written.lines().count());
    eprintln!("at most {most} of them waited for the writer");

    assert_eq!(twice, format!("{0}\n{0}\n", NAMES.join("\n")));
    assert!(most <= ROOM, "the channel is bounded");
    for name in ["a", "b", "c", "d"] {
        let of_one = written.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        assert!(of_one.eq((0..25_000).map(|n| n.to_string())), "none lost, all in order");
    }
    let place = folder.0.clone();
    drop(folder);
    assert!(!place.exists(), "nothing is left behind");
    Ok(())
}
