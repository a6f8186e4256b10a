//! The program as a reader meets it: exit codes, one clear line, and the files it writes.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn bench(words: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_waterwheel-bench"))
        .args(words.split_whitespace())
        .output()
        .expect("the program starts")
}

#[test]
fn a_bad_argument_is_one_line_and_exit_code_2() {
    for words in ["--fast", "--rounds 0", "no-such-row", "proof no-such-proof", "proof"] {
        let output = bench(words);
        let line = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{words}: {line}");
        assert_eq!(line.lines().count(), 1, "{words}: {line}");
        assert!(output.stdout.is_empty(), "{words}");
    }
}

#[test]
fn the_lists_and_the_help_exit_with_0() {
    for (words, part) in [("--list", "yield-1"), ("proof --list", "wakes"), ("--help", "--quick")] {
        let output = bench(words);
        assert!(output.status.success(), "{words}");
        assert!(String::from_utf8_lossy(&output.stdout).contains(part), "{words}");
    }
}

#[test]
fn a_row_is_measured_for_every_contestant_and_written_in_four_ways() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report");
    let output = bench(&format!("yield-1 --quick --rounds 1 --out {}", folder.display()));
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{words}");
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    for part in ["ours", "tokio", "smol", "textbook recv", "ns/yield", "rustc"] {
        assert!(table.contains(part), "{part} is not in\n{table}");
    }
    for file in ["report.json", "chart.svg", "table.md", "index.html"] {
        let text = fs::read_to_string(folder.join(file)).expect(file);
        assert!(text.contains("yield-1"), "{file}");
    }
}

#[test]
fn each_rung_of_the_ladder_is_measured_and_knows_sockets_from_the_sixth_on() {
    let figure = |rung: usize, workload: usize| {
        let output = bench(&format!("ladder-one {rung} {workload} 2"));
        assert!(output.status.success(), "rung {rung}");
        String::from_utf8_lossy(&output.stdout).trim().parse::<f64>().ok()
    };
    for rung in 0..=10 {
        assert!(figure(rung, 4).is_some_and(|nanos| nanos > 0.0), "rung {rung}");
        assert_eq!(figure(rung, 6).is_some(), rung >= 6, "rung {rung}");
    }
    assert!(!bench("ladder-one 11 0 2").status.success(), "there are no more");
}

#[test]
fn memory_of_a_task_is_told_in_bytes_and_every_runtime_needs_some() {
    if !cfg!(target_os = "linux") {
        return; // It is read from /proc.
    }
    for row in ["memory-pending-1", "memory-sleeping-1"] {
        for contestant in ["ours:0+1", "tokio:0+1", "smol:0+1"] {
            let output = run_one(row, contestant);
            let bytes = output["B/task"].as_f64().expect("a number");
            assert!((16.0..4_096.0).contains(&bytes), "{row}, {contestant}: {bytes}");
        }
    }
}

#[test]
fn a_runtime_that_cannot_do_a_row_says_so_in_one_line() {
    let output = Command::new(env!("CARGO_BIN_EXE_waterwheel-bench"))
        .args(["run-one", "cold-2", "textbook recv:0+2", "quick", "1", "own"])
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stderr).trim(), "this runtime cannot be ended");
}

#[test]
fn every_server_answers_its_load_whole_and_costs_something() {
    let servers = [
        ("echo64-2", "messages/s", "ours:1+1"),
        ("echo64-2", "messages/s", "epoll loop:0+1"),
        ("echo512-1", "messages/s", "ours:0+1"),
        ("echo512-1", "messages/s", "epoll loop:0+1"),
        ("hyper64-1", "requests/s", "ours:0+1"),
        ("hyper64-1", "requests/s", "tokio:0+1"),
        ("hyper64-1", "requests/s", "smol:0+1"),
    ];
    for (row, rate, contestant) in servers {
        let output = run_one(row, contestant);
        let unit = rate.trim_end_matches("s/s");
        for metric in [rate, "p50 us", "p99 us", &format!("cpu us/{unit}")] {
            let value = output[metric].as_f64().expect("a number");
            assert!(value > 0.0, "{row}, {contestant}, {metric}: {value}");
        }
    }
}

#[test]
fn idle_connections_are_set_up_on_every_runtime() {
    for contestant in ["ours:1+1", "tokio:0+2", "smol:0+2"] {
        let micros = run_one("idle-2", contestant)["cpu us"].as_f64().expect("a number");
        assert!(micros >= 1.0, "{contestant}: {micros}");
    }
}

#[test]
fn wrk_is_asked_for_by_an_option_and_must_be_there() {
    let output = Command::new(env!("CARGO_BIN_EXE_waterwheel-bench"))
        .args(["--wrk", "hyper"])
        .env("PATH", "")
        .output()
        .expect("the program starts");
    let line = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{line}");
    assert_eq!(line.lines().count(), 1, "{line}");
    assert!(line.contains("wrk"), "{line}");
}

/// The figures of a run, as its parent would read them.
fn run_one(row: &str, contestant: &str) -> serde_json::Value {
    let output = Command::new(env!("CARGO_BIN_EXE_waterwheel-bench"))
        .args(["run-one", row, contestant, "quick", "1", "own"])
        .output()
        .expect("the program starts");
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{row}, {contestant}: {words}");
    serde_json::from_slice(&output.stdout).expect("one line of JSON")
}
