//! Chapter 1, step 2: processes. Run: `cargo run --release --example ch01_2_processes`
//!
//! The heaviest way to do two things at once. The program starts itself again, as two children that
//! share ten tasks; then as one that repeats what it is told until there is nothing more, as one that
//! fails, and as one that never ends and has to be asked to. Each is waited for on a thread that
//! may block, so that all of them are waited for at once. A child that is dropped is killed.
//!
//! Book: chapter 1.

use std::io::{self, BufRead, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use waterwheel::{join, spawn_blocking};

/// How long a child takes for one of its tasks.
const TASK: Duration = Duration::from_millis(20);

/// A child that does not outlive whoever holds it.
struct Kept(Child);

impl Kept {
    /// Starts this program again, with other arguments.
    fn start(arguments: &[&str]) -> io::Result<Self> {
        let mut program = Command::new(env::current_exe()?);
        program.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        Ok(Self(program.stderr(Stdio::null()).spawn()?))
    }

    /// Gives it `input`, and waits until it has ended; returns what it printed.
    async fn talk(mut self, input: &'static str) -> io::Result<(String, ExitStatus)> {
        let ended = spawn_blocking(move || {
            let (stdin, stdout) = (self.0.stdin.take(), self.0.stdout.take());
            // The pipe is closed at the end of this line: the child sees the end of its input.
            stdin.expect("it was piped").write_all(input.as_bytes())?;
            let mut printed = String::new();
            stdout.expect("it was piped").read_to_string(&mut printed)?;
            Ok((printed, self.0.wait()?))
        });
        ended.await
    }

    /// As [`talk`](Self::talk); a child that reports a failure is an error.
    async fn succeed(self, input: &'static str) -> io::Result<String> {
        match self.talk(input).await? {
            (printed, status) if status.success() => Ok(printed),
            (_, status) => Err(io::Error::other(format!("a child failed: {status}"))),
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // Both fail if it has ended and was waited for, which is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The child's part of the ten tasks.
fn five_tasks(first: &str) -> io::Result<()> {
    let first: u32 = first.parse().map_err(|_| io::Error::other("`task` needs a number"))?;
    for task in first..first + 5 {
        thread::sleep(TASK);
        println!("task {task} completed in process pid {}", std::process::id());
    }
    Ok(())
}

/// Repeats its input. The end of it is no failure.
fn echo() -> io::Result<()> {
    for line in io::stdin().lock().lines() {
        println!("received: {}", line?);
    }
    Ok(())
}

fn different(pids: impl Iterator<Item = String>) -> usize {
    pids.collect::<std::collections::BTreeSet<_>>().len()
}

async fn parent() -> io::Result<()> {
    let begun = Instant::now();
    let (first, second) = (Kept::start(&["task", "1"])?, Kept::start(&["task", "6"])?);
    let (first, second) = join!(first.succeed(""), second.succeed(""));
    let took = begun.elapsed();
    let printed = first? + &second?;
    print!("{printed}");
    println!("both processes have completed, in {:.1} ms", took.as_secs_f64() * 1e3);

    print!("{}", Kept::start(&["echo"])?.succeed("one line\nand another\n").await?);

    let wrong = Kept::start(&["task", "six"])?.succeed("").await;
    let wrong = wrong.expect_err("`six` is not a number").to_string();
    println!("{wrong}");

    let endless = Kept::start(&["forever"])?;
    let ask = format!("kill -TERM {}", endless.0.id());
    let asked = spawn_blocking(move || Command::new("sh").args(["-c", &ask]).status()).await?;
    let (_, status) = endless.talk("").await?;
    println!("the endless one ended by {status}");

    let forgotten = Kept::start(&["forever"])?;
    let is_there = format!("kill -0 {} 2> /dev/null", forgotten.0.id());
    drop(forgotten);
    let there = Command::new("sh").args(["-c", &is_there]).status()?.success();
    println!("the one that was dropped is {}", if there { "still there" } else { "gone" });

    let tasks: Vec<String> = printed.lines().map(|line| line.replace(" completed", "")).collect();
    assert_eq!(tasks.len(), 10);
    for (line, task) in tasks.iter().zip(1..) {
        assert!(line.starts_with(&format!("task {task} in process")), "{line}");
    }
    assert_eq!(different(tasks.iter().filter_map(|l| Some(l.rsplit_once(' ')?.1.into()))), 2);
    assert!(took >= TASK * 5, "five tasks one after the other");
    assert!(wrong.contains("exit status: 1") && asked.success() && !status.success());
    assert!(!there, "a child does not outlive who holds it");
    Ok(())
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => waterwheel::block_on(parent()),
        ["task", first] => five_tasks(first),
        ["echo"] => echo(),
        ["forever"] => loop {
            thread::park();
        },
        _ => Err(io::Error::other("task FIRST, echo, forever, or nothing")),
    }
}
