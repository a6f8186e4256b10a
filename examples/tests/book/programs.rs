//! Builds the book's programs once and runs them all, each under a watchdog.
//!
//! The build uses the profile and the target directory of this test, found from where the test
//! lies itself, so that nothing is compiled twice. A program whose header says "Runs alone" is
//! measured by its chapter, and runs while nothing else does.
//!
//! A program prints to standard output only what is the same in each run, except for values that
//! [`mask`] knows: `12.5 ms` (a measured time has a decimal point; a chosen one has none), `~20`
//! (a measured count), a port of the loopback address, `pid 4711`.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::page::Problem;

/// How long a program may take before it counts as hung. It is meant to take less than 5 s.
const WATCHDOG: Duration = Duration::from_secs(60);

/// Builds the examples and runs those of chapters; returns their masked outputs by name.
pub(crate) fn run_all(root: &Path, problems: &mut Vec<Problem>) -> BTreeMap<String, String> {
    let names: Vec<String> = crate::maps::examples(root)
        .into_iter()
        .filter(|name| crate::maps::chapter_of_program(name).is_some())
        .collect();
    let place = Place::of_this_test();
    if let Err(error) = place.build(root) {
        problems.push(Problem::new("examples/Cargo.toml", 0, error));
        return BTreeMap::new();
    }
    let (alone, together): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| {
        let text = std::fs::read_to_string(root.join(format!("examples/{name}.rs")));
        text.is_ok_and(|text| {
            text.lines().any(|l| l.starts_with("//!") && l.contains("Runs alone"))
        })
    });
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let mut runs = run(&place, together, threads);
    runs.extend(run(&place, alone, 1));
    runs.into_iter()
        .filter_map(|(name, run)| match run {
            Ok(stdout) => Some((name, mask(&stdout))),
            Err(error) => {
                problems.push(Problem::new(&format!("examples/{name}.rs"), 0, error));
                None
            }
        })
        .collect()
}

/// Where this test was built: tells how to build the examples beside it.
struct Place {
    target: PathBuf,
    triple: Option<String>,
    profile: String,
}

impl Place {
    fn of_this_test() -> Self {
        let test = std::env::current_exe().expect("a running test has a path");
        let folder = test.ancestors().nth(2).expect("a test lies in TARGET/PROFILE/deps");
        let name = |path: &Path| {
            path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned()
        };
        let profile = match name(folder).as_str() {
            "debug" => "dev".to_owned(),
            other => other.to_owned(),
        };
        let above = folder.parent().expect("a profile's folder lies in a target folder");
        // Cargo's notes lie in the target folder itself. The tag is not enough: cargo leaves it out
        // if somebody else made the folder.
        let notes = [".rustc_info.json", "CACHEDIR.TAG"];
        if notes.iter().any(|note| above.join(note).exists()) {
            return Self { target: above.to_path_buf(), triple: None, profile };
        }
        let target = above.parent().unwrap_or(above).to_path_buf();
        Self { target, triple: Some(name(above)), profile }
    }

    fn build(&self, root: &Path) -> Result<(), String> {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(root).args(["build", "-p", "examples", "--examples", "--offline", "-q"]);
        cargo.args(["--profile", &self.profile]).arg("--target-dir").arg(&self.target);
        if let Some(triple) = &self.triple {
            cargo.args(["--target", triple]);
        }
        let output = cargo.output().map_err(|error| format!("cannot run cargo: {error}"))?;
        let say = String::from_utf8_lossy(&output.stderr);
        output.status.success().then_some(()).ok_or_else(|| format!("do not build:\n{say}"))
    }

    fn program(&self, name: &str) -> PathBuf {
        let profile = if self.profile == "dev" { "debug" } else { &self.profile };
        let base = self.triple.as_ref().map_or(self.target.clone(), |t| self.target.join(t));
        let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
        base.join(profile).join("examples").join(file)
    }
}

type Runs = BTreeMap<String, Result<String, String>>;

fn run(place: &Place, names: Vec<String>, threads: usize) -> Runs {
    let work = Mutex::new(names);
    let runs = Mutex::new(Runs::new());
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let name = work.lock().expect("no runner panics").pop();
                    let Some(name) = name else { break };
                    let run = run_one(&place.program(&name), WATCHDOG);
                    runs.lock().expect("no runner panics").insert(name, run);
                }
            });
        }
    });
    runs.into_inner().expect("no runner panics")
}

fn run_one(program: &Path, watchdog: Duration) -> Result<String, String> {
    let mut child = Command::new(program)
        .current_dir(std::env::temp_dir())
        .env_remove("RUST_BACKTRACE")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("does not start: {error}"))?;
    let (done, both) = mpsc::channel();
    let out = collect(child.stdout.take(), done.clone());
    let err = collect(child.stderr.take(), done);
    let ended = (0..2).all(|_| both.recv_timeout(watchdog).is_ok());
    if !ended {
        child.kill().map_err(|error| format!("hangs and cannot be killed: {error}"))?;
    }
    let status = child.wait().map_err(|error| format!("cannot be waited for: {error}"))?;
    let stdout = out.join().expect("a reader does not panic");
    let stderr = err.join().expect("a reader does not panic");
    if ended && status.success() {
        return Ok(stdout);
    }
    let what =
        if ended { format!("ended with {status}") } else { format!("hung for {watchdog:?}") };
    Err(format!("{what}; it printed\n{stdout}\n{stderr}"))
}

fn collect(
    pipe: Option<impl Read + Send + 'static>,
    done: mpsc::Sender<()>,
) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // A pipe that breaks gives what came before it broke; the comparison then fails.
            let _ = pipe.read_to_end(&mut bytes);
        }
        let _ = done.send(());
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Replaces measured values by tokens, and the spaces that pad them by one.
pub(crate) fn mask(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let (token, taken) = masked(rest, &out);
        if taken == 0 {
            let first = rest.chars().next().map_or(1, char::len_utf8);
            out.push_str(&rest[..first]);
            rest = &rest[first..];
            continue;
        }
        if token.starts_with("<ms>") || token.starts_with("~<n>") {
            let padding = out.len() - out.trim_end_matches(' ').len();
            out.truncate(out.len() - padding.saturating_sub(1));
        }
        out.push_str(token);
        rest = &rest[taken..];
    }
    out
}

/// The token that stands for the start of `rest`, and how many bytes it replaces.
fn masked(rest: &str, before: &str) -> (&'static str, usize) {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    if let Some(count) = rest.strip_prefix('~').map(digits).filter(|count| *count > 0) {
        return ("~<n>", 1 + count);
    }
    let whole = digits(rest);
    if whole == 0 || before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '.') {
        return ("", 0);
    }
    if let Some(fraction) = rest[whole..].strip_prefix('.').map(digits).filter(|count| *count > 0) {
        let end = whole + 1 + fraction;
        if rest[end..].starts_with(" ms") {
            return ("<ms>", end + 3);
        }
    }
    if ["127.0.0.1:", "[::1]:", "localhost:"].iter().any(|host| before.ends_with(host)) {
        return ("<port>", whole);
    }
    if before.ends_with("pid ") {
        return ("<pid>", whole);
    }
    ("", 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measured_values_are_masked_and_chosen_ones_are_not() {
        for (from, to) in [
            ("took 12.53 ms, asked 100 ms\n", "took <ms>, asked 100 ms\n"),
            ("idle      0.1 ms|", "idle <ms>|"),
            ("listens on 127.0.0.1:43121 as pid 77", "listens on 127.0.0.1:<port> as pid <pid>"),
            ("woke    ~203 times, v1.2.3 ms", "woke ~<n> times, v1.2.3 ms"),
            ("naïve 7 polls", "naïve 7 polls"),
        ] {
            assert_eq!(mask(from), to);
            assert_eq!(mask(to), to, "masking twice changes nothing");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_fails_or_hangs_is_noticed() {
        let minute = Duration::from_secs(60);
        assert_eq!(run_one(Path::new("/bin/true"), minute), Ok(String::new()));
        assert!(run_one(Path::new("/bin/false"), minute).is_err(), "a failure is noticed");
        assert!(run_one(Path::new("/bin/none"), minute).is_err(), "an absence is noticed");
        let hung = run_one(Path::new("/usr/bin/yes"), Duration::from_millis(20));
        assert!(hung.is_err_and(|say| say.contains("hung")), "a hang is noticed");
    }
}
