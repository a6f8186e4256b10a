//! Daemons: six services on one runtime, supervised. Run: `cargo run --release --example daemons`
//!
//! It shows what Waterwheel is for: an echo server with real clients, a status page, a folder watch
//! and a sampler answer promptly, while a thousand CPU-bound tasks queue behind them in the other
//! lane. It ends by itself after 10 s; `--for 0` runs it until Ctrl-C, `--help` lists the rest.
//! `--compare` runs the same work with and without lanes, prints what that does to the clients, and
//! fails if the lanes do not help them at least tenfold.
//!
//! Read `host.rs` for how it is put together, then any daemon: `echo.rs` is the shortest.
//!
//! Book: chapter 22.

#![expect(unreachable_pub, reason = "in a program, `pub` means: for the other files")]

mod cli;
mod compare;
mod echo;
mod flaky;
mod grind;
mod host;
mod http;
mod latency;
mod lines;
mod metrics_text;
mod page;
mod sampler;
mod shared;
mod traffic;
mod vitals;
mod watch;

use std::process::ExitCode;

use cli::{Command, Options};

/// Something the user has to change: arguments, a port that is taken, settings nobody can build.
const EXIT_USAGE: u8 = 2;

fn main() -> ExitCode {
    let done = match cli::parse(std::env::args_os().skip(1)) {
        Ok(Command::Help) => {
            lines::say(cli::HELP);
            Ok(ExitCode::SUCCESS)
        }
        Ok(Command::Host(options)) => host(&options),
        Ok(Command::Compare(options)) => compare::run(&options),
        Err(message) => Err(message),
    };
    done.unwrap_or_else(|message| {
        eprintln!("daemons: {message}");
        ExitCode::from(EXIT_USAGE)
    })
}

/// Hosts the daemons as asked and prints what became of them.
fn host(options: &Options) -> Result<ExitCode, String> {
    let outcome = host::run(&host::Plan::from(options))?;
    lines::say(lines::table(&outcome));
    if let Some(error) = &outcome.shutdown {
        eprintln!("daemons: the runtime did not shut down in time: {error}");
    }
    Ok(if outcome.ended_well() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
