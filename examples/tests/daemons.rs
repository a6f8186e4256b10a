//! The program `daemons`, from the outside: arguments, signals, the status page, exit codes.
//!
//! Each test runs the program as a process of its own and waits for what it prints.
#![cfg(unix)]

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

/// How long anything may take before the test is called hung.
const WATCHDOG: Duration = Duration::from_secs(120);

/// Builds the program, once, and tells where it is.
fn program() -> &'static PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let built = Command::new(env!("CARGO"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["build", "--offline", "-q", "-p", "examples", "--example", "daemons"])
            .args(["--message-format", "json"])
            .output()
            .expect("cargo runs");
        let says = String::from_utf8_lossy(&built.stdout);
        let path = says.split("\"executable\":\"").nth(1).and_then(|rest| rest.split('"').next());
        path.unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&built.stderr))).into()
    })
}

/// The program at work, and what it prints.
struct Daemons {
    child: Child,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
}

impl Daemons {
    fn start<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Self {
        let mut child = Command::new(program())
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let stdout = lines_of(child.stdout.take().expect("piped"));
        let stderr = lines_of(child.stderr.take().expect("piped"));
        Self { child, stdout, stderr }
    }

    /// Waits for a line with `text` on standard output.
    fn says(&self, text: &str) -> String {
        line_with(&self.stdout, text)
    }

    fn complains(&self, text: &str) -> String {
        line_with(&self.stderr, text)
    }

    /// Where the status page is, once it says so.
    fn page(&self) -> SocketAddr {
        let line = self.says("status page: http://");
        let address = line.trim_start_matches("status page: http://").trim_end_matches('/');
        address.parse().expect("it prints an address")
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Waits for the end; gives the rest of what was printed, too.
    fn end(mut self) -> (ExitStatus, Vec<String>, Vec<String>) {
        let rest = [&self.stdout, &self.stderr].map(|lines| {
            let next = || match lines.recv_timeout(WATCHDOG) {
                Ok(line) => Some(line),
                Err(mpsc::RecvTimeoutError::Disconnected) => None,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("the program does not end"),
            };
            std::iter::from_fn(next).collect::<Vec<_>>()
        });
        let [stdout, stderr] = rest;
        (self.child.wait().expect("it can be waited for"), stdout, stderr)
    }
}

impl Drop for Daemons {
    fn drop(&mut self) {
        // Where a test has failed; else it has ended already, and this does nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines_of(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    lines
}

fn line_with(lines: &Receiver<String>, text: &str) -> String {
    loop {
        let line = lines.recv_timeout(WATCHDOG);
        let line = line.unwrap_or_else(|_| panic!("nothing printed with {text:?}"));
        if line.contains(text) {
            return line;
        }
    }
}

/// Asks for a page, as a browser would in 1999, and gives all of the answer.
fn ask(address: SocketAddr, method: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    write!(stream, "{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
        .expect("the request is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the answer is text");
    answer
}

#[test]
fn it_ends_by_itself_after_its_time_with_a_table_and_success() {
    let daemons = Daemons::start(["--for", "2s"]);
    let line = daemons.says("1 s |");
    for part in ["page ", "files ", "echo ", "grind "] {
        assert!(line.contains(part), "{line}");
    }
    let (status, table, complaints) = daemons.end();
    assert!(status.success(), "{status}");
    for start in ["lane ", "high ", "low ", "echo ", "traffic ", "grind ", "daemon "] {
        assert!(table.iter().any(|line| line.starts_with(start)), "no {start:?} in {table:#?}");
    }
    let stopped = table.iter().filter(|line| line.contains(" stopped ")).count();
    assert_eq!((stopped, complaints), (6, vec![]), "{table:#?}");
}

#[test]
fn what_is_wrong_with_the_arguments_is_one_line_and_exit_code_2() {
    for (arguments, says) in [
        (&["--only", "ecco"][..], "unknown daemon `ecco`"),
        (&["--for", "soon"], "`soon` is no duration"),
        (&["--for", "10"], "`10` is no duration"),
        (&["--listen", "8080"], "`8080` is no address"),
        (&["--high", "0", "--low", "0"], "worker"),
        (&["--nonsense"], "--nonsense"),
        (&["--compare", "--for", "0"], "needs an end"),
    ] {
        let (status, stdout, stderr) = Daemons::start(arguments).end();
        assert_eq!(status.code(), Some(2), "{arguments:?}: {stderr:?}");
        assert_eq!((stdout.len(), stderr.len()), (0, 1), "{arguments:?}: {stdout:?} {stderr:?}");
        assert!(stderr[0].contains(says), "{arguments:?}: {stderr:?}");
    }
}

#[test]
fn a_port_that_is_taken_is_one_line_and_exit_code_2() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it has an address").to_string();
    for only in ["http", "echo"] {
        let daemons = Daemons::start(["--only", only, "--listen", &address]);
        let (status, _, stderr) = daemons.end();
        assert_eq!((status.code(), stderr.len()), (Some(2), 1), "{stderr:?}");
        assert!(stderr[0].contains(&format!("cannot listen on {address}")), "{stderr:?}");
    }
}

#[test]
fn help_is_printed_with_success() {
    let (status, stdout, _) = Daemons::start(["--help"]).end();
    assert!(status.success());
    assert!(stdout.iter().any(|line| line.contains("--only NAME")), "{stdout:#?}");
}

#[test]
fn ctrl_c_and_sigterm_stop_everything_in_good_order() {
    for signal in ["-INT", "-TERM"] {
        let daemons = Daemons::start(["--for", "0"]);
        daemons.page();
        daemons.says("1 s |");
        daemons.signal(signal);
        daemons.says("stopping");
        let (status, table, complaints) = daemons.end();
        assert_eq!((status.code(), complaints), (Some(0), vec![]), "{table:#?}");
        assert_eq!(table.iter().filter(|line| line.contains(" stopped ")).count(), 6);
    }
}

#[test]
fn a_second_signal_exits_at_once() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let daemons = Daemons::start(["--only", "http", "--for", "0", "--grace", "1h"]);
        let mut half_a_request = TcpStream::connect(daemons.page()).expect("the page listens");
        write!(half_a_request, "GET / HT").expect("and takes it");
        daemons.says("1 s |"); // the server has had time to see it, and will wait for the rest
        daemons.signal(signal);
        daemons.says("stopping");
        daemons.signal(signal);
        let (status, _, _) = daemons.end();
        assert_eq!(status.code(), Some(code));
    }
}

#[test]
fn the_status_page_and_the_metrics_answer_while_it_runs() {
    let daemons = Daemons::start(["--for", "0"]);
    let address = daemons.page();
    daemons.says("2 s |"); // there is a sample by now, and an answer of echo
    let page = ask(address, "GET", "/");
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
    for part in ["text/html", "<!doctype html>", "<h2>Daemons</h2>", "<svg", "running</span>"] {
        assert!(page.contains(part), "no {part} in {page}");
    }
    let metrics = ask(address, "GET", "/metrics");
    assert!(metrics.starts_with("HTTP/1.1 200 OK\r\n"), "{metrics}");
    for line in [
        "# TYPE waterwheel_polls_total counter",
        "daemon_up{daemon=\"traffic\"} 1",
        "daemon_starts_total{daemon=\"echo\"} 1",
    ] {
        assert!(metrics.lines().any(|found| found == line), "no {line} in {metrics}");
    }
    assert!(ask(address, "GET", "/else").starts_with("HTTP/1.1 404 "));
    assert!(ask(address, "POST", "/").starts_with("HTTP/1.1 405 "));
    assert!(ask(address, "HEAD", "/").ends_with("\r\n\r\n"), "a HEAD has no body");
    daemons.signal("-TERM");
    assert!(daemons.end().0.success());
}

#[test]
fn a_daemon_that_fails_or_panics_is_reported_and_restarted() {
    let daemons = Daemons::start(["--only", "flaky", "--for", "0"]);
    daemons.complains("daemon `flaky` failed after");
    daemons.complains("daemon `flaky` panicked after");
    daemons.complains("daemon `flaky` failed after");
    daemons.signal("-TERM");
    let (status, table, _) = daemons.end();
    assert!(status.success(), "{status}");
    let flaky = table.iter().find(|line| line.starts_with("flaky ")).expect("a line on flaky");
    let restarts: u64 = flaky.split_whitespace().nth(3).and_then(|n| n.parse().ok()).expect(flaky);
    assert!(restarts >= 2, "{flaky}");
}

#[test]
fn files_that_change_in_the_watched_folder_are_counted() {
    let folder = std::env::temp_dir().join(format!("waterwheel-test-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a new folder");
    let path = folder.to_str().expect("a name that is text");
    let daemons = Daemons::start(["--only", "watch", "--watch", path, "--for", "0"]);
    daemons.says("watching ");
    std::fs::write(folder.join("news"), "something").expect("a new file");
    while daemons.says(" s |").ends_with("files 0") {}
    daemons.signal("-TERM");
    assert!(daemons.end().0.success());
    std::fs::remove_dir_all(&folder).expect("the folder is ours");
}

#[test]
fn clients_bring_their_server() {
    let daemons = Daemons::start(["--only", "traffic", "--for", "1s", "--high", "1", "--low", "1"]);
    daemons.says("echo listens on");
    let (status, table, _) = daemons.end();
    assert!(status.success(), "{table:#?}");
}
