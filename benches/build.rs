//! Records what the benchmark was built with, so that a table can say so.
//!
//! Cargo tells a build script the profile, the optimisation level and the compiler; link-time optimisation is only
//! visible when it was asked for by an environment variable, so those two variables are recorded as they are.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for name in ["CARGO_PROFILE_RELEASE_LTO", "CARGO_PROFILE_RELEASE_CODEGEN_UNITS"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let version = Command::new(rustc).arg("--version").output().map_or_else(
        |_| String::new(),
        |out| String::from_utf8_lossy(&out.stdout).trim().to_owned(),
    );
    println!("cargo::rustc-env=BENCH_RUSTC={version}");
    println!("cargo::rustc-env=BENCH_PROFILE={}", profile());
}

fn profile() -> String {
    let mut text = format!("{}, opt-level {}", value("PROFILE"), value("OPT_LEVEL"));
    for (label, name) in [
        ("lto", "CARGO_PROFILE_RELEASE_LTO"),
        ("codegen-units", "CARGO_PROFILE_RELEASE_CODEGEN_UNITS"),
    ] {
        if let Ok(value) = env::var(name) {
            text.push_str(&format!(", {label} {value}"));
        }
    }
    let flags = value("CARGO_ENCODED_RUSTFLAGS").replace('\u{1f}', " ");
    if !flags.is_empty() {
        text.push_str(&format!(", RUSTFLAGS {flags}"));
    }
    text
}

fn value(name: &str) -> String {
    env::var(name).unwrap_or_default()
}
