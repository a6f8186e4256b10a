//! Tests that need a process of their own: this test binary again, with one test selected.

use crate::WATCHDOG;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

const MARK: &str = "WATERWHEEL_TEST_CHILD";

/// Whether this process is the child that shall run the test `name` itself.
fn is_child(name: &str) -> bool {
    std::env::var_os(MARK).is_some_and(|mark| mark == name)
}

/// Runs `body` in a child process, started by a shell after `setup` (such as `ulimit -n 40`).
pub(crate) fn in_child(name: &str, setup: &str, body: fn()) {
    if is_child(name) {
        return body();
    }
    let binary = std::env::current_exe().expect("a running program has a file");
    let child = Command::new("sh")
        .args(["-c", &format!("{setup}; exec \"$0\" \"$@\"")])
        .arg(binary)
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(MARK, name)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("there is a shell");
    let id = child.id();
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    let Ok(output) = receiver.recv_timeout(WATCHDOG + Duration::from_secs(10)) else {
        let _ = Command::new("kill").args(["-9", &id.to_string()]).status();
        panic!("the child hangs");
    };
    let output = output.expect("a child can be waited for");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{}\n{stdout}\n{stderr}", output.status);
    assert!(stdout.contains("1 passed"), "the child ran no test:\n{stdout}");
}
