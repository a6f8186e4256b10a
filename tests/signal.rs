//! Signals, each test in a process of its own: they concern the whole process.
#![cfg(unix)] // Nobody else has them.

#[path = "net/child.rs"]
mod child;

use child::in_child;
use futures_lite::StreamExt;
use std::pin::pin;
use std::process::Command;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use waterwheel::signal::{self, Signal};
use waterwheel::{Runtime, time};

/// Long enough for the slowest machine; a test that needs it has failed.
const WATCHDOG: Duration = Duration::from_secs(60);

fn runtime() -> Runtime {
    Runtime::builder().build().expect("the settings are valid")
}

/// Sends this process a signal.
fn send(name: &str) {
    let status = Command::new("sh")
        .args(["-c", &format!("kill -{name} {}", std::process::id())])
        .status()
        .expect("there is a shell");
    assert!(status.success());
}

async fn recv(signal: &mut Signal) {
    let received = time::timeout(WATCHDOG, signal.recv()).await;
    received.expect("it came").expect("the runtime is up");
}

fn is_pending(signal: &mut Signal) -> bool {
    pin!(signal.recv()).poll(&mut Context::from_waker(Waker::noop())).is_pending()
}

/// Waits until a signal sent later than those that matter has arrived.
async fn settle(probe: &mut Signal) {
    send("TERM");
    recv(probe).await;
}

#[test]
fn listeners_can_be_sent_shared_and_printed() {
    fn check<T: Send + Sync + std::fmt::Debug>() {}
    fn check_future<T: Send + Sync>(_: impl FnOnce(&'static mut Signal) -> T) {}
    check::<Signal>();
    check_future(Signal::recv);
}

#[test]
fn a_signal_reaches_the_listener_it_is_meant_for() {
    in_child("a_signal_reaches_the_listener_it_is_meant_for", "true", || {
        runtime().block_on(async {
            let mut interrupt = signal::ctrl_c().expect("it can listen");
            let mut terminate = signal::terminate().expect("it can listen");
            assert!(is_pending(&mut interrupt) && is_pending(&mut terminate));
            send("INT");
            recv(&mut interrupt).await;
            assert!(is_pending(&mut terminate));
            send("TERM");
            recv(&mut terminate).await;
            assert!(is_pending(&mut interrupt), "each is received once");
        });
    });
}

#[test]
fn a_signal_that_came_before_anybody_awaited_it_is_not_lost() {
    in_child("a_signal_that_came_before_anybody_awaited_it_is_not_lost", "true", || {
        runtime().block_on(async {
            let mut interrupt = signal::ctrl_c().expect("it can listen");
            send("INT");
            recv(&mut interrupt).await;
            // Nor if the future that waited for it was dropped.
            assert!(is_pending(&mut interrupt));
            send("INT");
            drop(interrupt.recv());
            recv(&mut interrupt).await;
        });
    });
}

#[test]
fn every_listener_of_every_runtime_notices() {
    in_child("every_listener_of_every_runtime_notices", "true", || {
        let runtimes = [runtime(), runtime()];
        let mut listeners: Vec<_> = (0..10)
            .map(|number| {
                let _entered = runtimes[number % 2].handle().enter();
                signal::ctrl_c().expect("it can listen")
            })
            .collect();
        send("INT");
        runtimes[0].block_on(async {
            for listener in &mut listeners {
                recv(listener).await;
            }
        });
    });
}

#[test]
fn a_hundred_thousand_signals_are_at_least_one_and_block_nobody() {
    in_child("a_hundred_thousand_signals_are_at_least_one_and_block_nobody", "true", || {
        runtime().block_on(async {
            let mut interrupt = signal::ctrl_c().expect("it can listen");
            let mut probe = signal::terminate().expect("it can listen");
            // Nobody reads: the pipe fills up.
            let id = std::process::id();
            let script =
                format!("n=0; while [ $n -lt 100000 ]; do kill -INT {id}; n=$((n+1)); done");
            let status = Command::new("sh").args(["-c", &script]).status().expect("a shell");
            assert!(status.success());
            settle(&mut probe).await;
            recv(&mut interrupt).await;
            // The last handler may still run; but what was in the pipe counts as one.
            let mut times = 1;
            while !is_pending(&mut interrupt) {
                times += 1;
            }
            assert!(times < 1_000, "{times} times");
            send("INT");
            recv(&mut interrupt).await;
        });
    });
}

#[test]
fn a_listener_that_is_dropped_leaves_the_others_and_the_process_alone() {
    in_child("a_listener_that_is_dropped_leaves_the_others_and_the_process_alone", "true", || {
        runtime().block_on(async {
            let mut stays = signal::ctrl_c().expect("it can listen");
            let mut probe = signal::terminate().expect("it can listen");
            for _ in 0..1_000 {
                drop(signal::ctrl_c().expect("it can listen"));
            }
            send("INT");
            recv(&mut stays).await;
            drop(stays);
            send("INT");
            settle(&mut probe).await;
        });
    });
}

#[test]
fn a_listener_is_a_stream_that_ends_with_its_runtime() {
    in_child("a_listener_is_a_stream_that_ends_with_its_runtime", "true", || {
        let runtime = runtime();
        let mut interrupt = runtime.block_on(async { signal::ctrl_c().expect("it can listen") });
        send("INT");
        assert_eq!(runtime.block_on(interrupt.next()), Some(()));
        // A signal in the middle of the shutdown does no harm either.
        send("INT");
        runtime.shutdown(Duration::ZERO).expect("nothing runs");
        send("INT");
        let next = futures_lite::future::block_on(interrupt.next());
        assert_eq!(next, None);
        let poll = pin!(interrupt.recv()).poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(poll, Poll::Ready(Err(_))));
    });
}
