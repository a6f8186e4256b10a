//! What every public type and future promises without saying so: that it may cross threads, be
//! shared between them, and be printed. Nothing runs here; that it compiles is the test.
//!
//! A trait lost by accident, through a new field say, breaks the users who spawn, store or log the
//! value; a trait gained is a promise, so the exceptions are written down as well.

use futures_lite::{AsyncRead, AsyncWrite, Stream};
use std::error::Error;
use std::fmt::{Debug, Display};
use std::future::Future;
use std::hash::Hash;
use waterwheel::{blocking, daemon, net, signal, sync, task, time};

fn value<T: Send + Sync + Debug>() {}
fn error<T: Error + Send + Sync + 'static>() {}
fn copied<T: Copy + Eq + Send + Sync + Debug>() {}
fn handle<T: Clone + Unpin + Send + Sync + Debug + 'static>() {}
fn future<T: Future + Send + Sync + Debug>() {}
fn socket<T: AsyncRead + AsyncWrite + Unpin + Send + Sync + Debug>() {}

/// What an `async fn` returns has no name; its value is asked instead.
fn sent<F: Future + Send + Sync>(_: F) {}

/// Does a type lack a trait? Two candidates fit a type that has it, and the call is ambiguous.
macro_rules! lacks {
    ($type:ty, $trait:ident) => {{
        trait Candidate<Marker> {
            fn only_one() {}
        }
        struct Has;
        impl<T: ?Sized> Candidate<()> for T {}
        impl<T: ?Sized + $trait> Candidate<Has> for T {}
        let _ = <$type as Candidate<_>>::only_one;
    }};
}

#[test]
fn the_runtime_is_shared_between_threads() {
    value::<waterwheel::Runtime>();
    value::<waterwheel::Builder>();
    value::<waterwheel::Metrics>();
    value::<waterwheel::LaneMetrics>();
    value::<waterwheel::Histogram>();
    value::<waterwheel::StuckTask>();
    handle::<waterwheel::Handle>();
    copied::<waterwheel::Priority>();
    error::<waterwheel::BuildError>();
    error::<waterwheel::ShutdownError>();
}

#[test]
fn what_belongs_to_one_thread_stays_there() {
    lacks!(waterwheel::EnterGuard, Send);
    // A hook sees it in passing, with a payload that need not be shareable.
    lacks!(waterwheel::TaskPanic<'_>, Send);
    fn printed<T: Debug>() {}
    printed::<waterwheel::EnterGuard>();
    printed::<waterwheel::TaskPanic<'_>>();
}

#[test]
fn tasks_are_sent_shared_and_printed() {
    future::<task::Task<String>>();
    future::<task::YieldNow>();
    value::<task::Builder>();
    value::<task::PanicPayload>();
    handle::<task::AbortHandle>();
    copied::<task::TaskId>();
    error::<task::TaskError>();
    // An output that cannot be shared does not keep its task's handle from being shared.
    future::<task::Task<std::cell::Cell<u8>>>();
    let _ = |task: task::Task<u8>, other: task::Task<u8>| {
        sent(task.cancel());
        sent(other.outcome());
        sent(waterwheel::spawn_blocking(|| 1));
    };
    let _: fn(fn() -> u8) -> u8 = blocking::block_in_place;
}

#[test]
fn tasks_can_be_collected_and_looked_up() {
    fn key<T: Hash + Eq + Ord + Display>() {}
    key::<task::TaskId>();
}

#[test]
fn time_is_sent_shared_and_printed() {
    future::<time::Sleep>();
    future::<time::Timeout<time::Sleep>>();
    future::<time::Tick<'_>>();
    value::<time::Interval>();
    copied::<time::MissedTickBehavior>();
    error::<time::Elapsed>();
}

#[test]
fn sockets_are_sent_shared_and_printed() {
    socket::<net::TcpStream>();
    socket::<&net::TcpStream>();
    value::<net::TcpListener>();
    value::<net::Incoming<'_>>();
    value::<net::ReadHalf<'_>>();
    value::<net::WriteHalf<'_>>();
    value::<net::OwnedReadHalf>();
    value::<net::OwnedWriteHalf>();
    error::<net::ReuniteError>();
    error::<net::RuntimeGone>();
    fn stream<T: Stream>() {}
    stream::<net::Incoming<'_>>();
    let _ = |listener: &net::TcpListener, stream: &net::TcpStream| {
        sent(listener.accept());
        sent(stream.peek(&mut [0; 8]));
        sent(stream.readable());
        sent(stream.writable());
        sent(net::TcpListener::bind("localhost:0"));
        sent(net::TcpStream::connect(("localhost", 80)));
    };
}

#[test]
fn signals_tokens_and_daemons_are_sent_shared_and_printed() {
    value::<signal::Signal>();
    let _ = |signal: &mut signal::Signal| sent(signal.recv());
    handle::<sync::CancellationToken>();
    future::<sync::Cancelled>();
    let _ = |token: &sync::CancellationToken, inner: time::Sleep| {
        sent(token.run_until_cancelled(inner));
    };
    value::<daemon::Supervisor>();
    value::<daemon::Backoff>();
    value::<daemon::Failure>();
    value::<daemon::FailureKind>();
    value::<daemon::DaemonReport>();
    value::<daemon::Report>();
    value::<daemon::LiveReport>();
    copied::<daemon::State>();
    error::<daemon::BackoffError>();
    error::<daemon::StartError>();
}
