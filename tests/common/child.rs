//! A test that runs itself in a process of its own, for what might take the process down.

use std::process::{Command, Output, Stdio};
use std::time::Instant;

use super::LIMIT;

/// Names the test that the child runs.
const NAME: &str = "WATERWHEEL_TEST_CHILD";

/// Printed by the child, so that a child which ran no test at all is not taken for a success.
pub(crate) const BEGUN: &str = "the child has begun";

/// How a child ended.
#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) output: Output,
}

impl Child {
    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    /// It returned from its test by itself.
    #[track_caller]
    pub(crate) fn ended_well(&self) {
        assert!(self.output.status.success(), "{}:\n{}", self.output.status, self.stderr());
    }

    /// A signal ended it: its number.
    #[track_caller]
    pub(crate) fn was_killed_by(&self, signal: i32) {
        use std::os::unix::process::ExitStatusExt;
        let status = self.output.status;
        assert_eq!(status.signal(), Some(signal), "{status}:\n{}", self.stderr());
    }

    /// It left with this code.
    #[track_caller]
    pub(crate) fn exited_with(&self, code: i32) {
        let status = self.output.status;
        assert_eq!(status.code(), Some(code), "{status}:\n{}", self.stderr());
    }
}

/// Runs `body` in a child process; `test` is the name of the calling test. In the parent this waits
/// for the child and tells how it ended; in the child it runs `body` and gives `None`.
#[track_caller]
pub(crate) fn in_child(test: &str, shell: Option<&str>, body: impl FnOnce()) -> Option<Child> {
    if std::env::var_os(NAME).is_some_and(|name| name == test) {
        eprintln!("{BEGUN}");
        body();
        return None;
    }
    let program = std::env::current_exe().expect("a test knows its own file");
    // What the shell sets, a limit say, stays in force for the program that replaces it.
    let script = format!("{} exec \"$@\"", shell.map_or(String::new(), |line| format!("{line};")));
    let mut child = Command::new("sh")
        .args(["-c", &script, "sh"])
        .arg(program)
        .args([test, "--exact", "--nocapture"])
        .env(NAME, test)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a shell is there");
    let pid = child.id();
    let begun = Instant::now();
    let output = super::within_or(LIMIT, move || {
        let ended = drain(&mut child);
        Output { status: child.wait().expect("it is our child"), ..ended }
    });
    let Some(output) = output else {
        Command::new("kill").args(["-9", &pid.to_string()]).status().expect("kill is there");
        panic!("the child is still there after {:?}", begun.elapsed());
    };
    let child = Child { output };
    assert!(child.stderr().contains(BEGUN), "no such test, {test:?}:\n{}", child.stderr());
    Some(child)
}

/// Reads both pipes to their ends.
fn drain(child: &mut std::process::Child) -> Output {
    use std::io::Read;
    use std::os::unix::process::ExitStatusExt;
    let mut out = child.stdout.take().expect("it is piped");
    let mut err = child.stderr.take().expect("it is piped");
    let reader = std::thread::spawn(move || {
        let mut stdout = Vec::new();
        out.read_to_end(&mut stdout).expect("a pipe can be read");
        stdout
    });
    let mut stderr = Vec::new();
    err.read_to_end(&mut stderr).expect("a pipe can be read");
    let stdout = reader.join().expect("the reader ends well");
    Output { status: ExitStatusExt::from_raw(0), stdout, stderr }
}
