//! `spawn_task!`, and the joins for async and for synchronous code.
//!
//! The joins are macros because their arguments have different types. Each level of the recursion
//! that collects the arguments brings its own `future` and `output`: the same names, but to the
//! compiler different ones (macro hygiene), so any number of arguments needs no list of names.
//!
//! Book: chapter 3.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::task::TaskError;
use crate::task::contain::contain;

/// Spawns a future as a task: `spawn_task!(future)` in lane Low, `spawn_task!(future, priority)` in
/// the given one. Gives a [`Task`](crate::Task).
///
/// Spawns on the current runtime, or on the process default, which is started if need be.
///
/// ```
/// use waterwheel::{Priority, block_on, spawn_task};
///
/// let low = spawn_task!(async { 1 });
/// let high = spawn_task!(async { 2 }, Priority::High);
/// assert_eq!(block_on(low) + block_on(high), 3);
/// ```
#[macro_export]
macro_rules! spawn_task {
    ($future:expr $(,)?) => {
        $crate::spawn_task($future, $crate::Priority::Low)
    };
    ($future:expr, $priority:expr $(,)?) => {
        $crate::spawn_task($future, $priority)
    };
}

/// Waits for several futures at once, on this task: `join!(a, b, ...)` gives `(A, B, ...)`, in the
/// order of the arguments, whatever order they finish in.
///
/// All are polled on this task, first to last, so they are concurrent but not parallel: spawn tasks
/// for that. For synchronous code there is [`blocking::join!`](crate::blocking::join!).
///
/// # Cancel safety
///
/// Dropping the whole drops every future; what they had produced is lost.
///
/// ```
/// # waterwheel::block_on(async {
/// let (number, word) = waterwheel::join!(async { 1 }, async { "one" });
/// assert_eq!((number, word), (1, "one"));
/// # });
/// ```
#[macro_export]
macro_rules! join {
    ($($future:expr),* $(,)?) => { $crate::__join!(@collect [] $($future,)*) };
}

/// Waits for several futures at once, until one fails: `try_join!(a, b, ...)` gives
/// `Ok((A, B, ...))`, or the first `Err`, and then drops the futures that have not finished.
///
/// The error type is the same for all. A panic is no `Err`: it goes through.
///
/// # Cancel safety
///
/// Dropping the whole drops every future; what they had produced is lost.
///
/// ```
/// # waterwheel::block_on(async {
/// let never = std::future::pending::<Result<(), _>>();
/// let result = waterwheel::try_join!(never, async { Err::<(), _>("no water") });
/// assert_eq!(result, Err("no water"));
/// # });
/// ```
#[macro_export]
macro_rules! try_join {
    ($($future:expr),* $(,)?) => { $crate::__try_join!(@collect [] $($future,)*) };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __join {
    (@collect [$($done:tt)*] $head:expr, $($rest:expr,)*) => {
        $crate::__join!(@collect [$($done)* (future output $head)] $($rest,)*)
    };
    (@collect [$(($future:ident $output:ident $argument:expr))*]) => {{
        $(
            let mut $future = ::core::pin::pin!(::core::option::Option::Some(
                ::core::future::IntoFuture::into_future($argument),
            ));
            let mut $output = ::core::option::Option::None;
        )*
        ::core::future::poll_fn(move |cx: &mut ::core::task::Context<'_>| {
            let mut done = true;
            $( done &= $crate::__private::poll_once(&mut $future, &mut $output, cx); )*
            // Silences the compiler where there are no arguments.
            let _ = (cx, &mut done);
            if done {
                ::core::task::Poll::Ready(($( $crate::__private::taken(&mut $output), )*))
            } else {
                ::core::task::Poll::Pending
            }
        })
        .await
    }};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __try_join {
    (@collect [$($done:tt)*] $head:expr, $($rest:expr,)*) => {
        $crate::__try_join!(@collect [$($done)* (future output $head)] $($rest,)*)
    };
    (@collect [$(($future:ident $output:ident $argument:expr))*]) => {{
        $(
            let mut $future = ::core::pin::pin!(::core::option::Option::Some(
                ::core::future::IntoFuture::into_future($argument),
            ));
            let mut $output = ::core::option::Option::None;
        )*
        ::core::future::poll_fn(move |cx: &mut ::core::task::Context<'_>| {
            let mut done = true;
            $(
                done &= $crate::__private::poll_once(&mut $future, &mut $output, cx);
                if let ::core::option::Option::Some(::core::result::Result::Err(_)) = &$output {
                    return ::core::task::Poll::Ready(::core::result::Result::Err(
                        $crate::__private::taken_err(&mut $output),
                    ));
                }
            )*
            let _ = (cx, &mut done);
            if done {
                ::core::task::Poll::Ready(::core::result::Result::Ok((
                    $( $crate::__private::taken_ok(&mut $output), )*
                )))
            } else {
                ::core::task::Poll::Pending
            }
        })
        .await
    }};
}

/// For synchronous code: blocks this thread until all futures are done, polling them concurrently.
/// `blocking::join!(a, b, ...)` gives a `Vec<T>`, in the order of the arguments.
///
/// In async code use [`join!`](crate::join!), which blocks nobody.
///
/// # Panics
///
/// Resumes the first panic of an argument. On a worker, as [`block_on`](crate::block_on) does.
///
/// ```
/// use waterwheel::{blocking, spawn_task};
///
/// let outputs = blocking::join!(spawn_task!(async { 1 }), spawn_task!(async { 2 }));
/// assert_eq!(outputs, [1, 2]);
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __blocking_join {
    ($($future:expr),* $(,)?) => { $crate::__blocking_join!(@collect [] $($future,)*) };
    (@collect [$($done:tt)*] $head:expr, $($rest:expr,)*) => {
        $crate::__blocking_join!(@collect [$($done)* (output $head)] $($rest,)*)
    };
    (@collect [$(($output:ident $argument:expr))*]) => {
        $crate::block_on(async move {
            let ($($output,)*) = $crate::join!($($argument),*);
            ::std::vec![$($output),*]
        })
    };
}

/// For synchronous code: as [`join!`](crate::blocking::join!), with a result for each argument.
/// `blocking::try_join!(a, b, ...)` gives a `Vec<Result<T, TaskError>>`: a panic or a cancelled task
/// fills its own place and disturbs no other.
///
/// # Panics
///
/// On a worker, as [`block_on`](crate::block_on) does.
///
/// ```
/// use waterwheel::{blocking, spawn_task};
///
/// let good = spawn_task!(async { 1 });
/// let bad = spawn_task!(async { panic!("the belt came off") });
/// let outcomes = blocking::try_join!(good, bad);
/// assert!(matches!(outcomes[0], Ok(1)));
/// let error = outcomes[1].as_ref().expect_err("it panicked");
/// assert_eq!(error.to_string(), "task panicked: the belt came off");
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __blocking_try_join {
    ($($future:expr),* $(,)?) => {
        $crate::__blocking_join!($($crate::__private::caught($future)),*)
    };
}

/// Polls a future that is not done yet and keeps its output. Is it done?
pub fn poll_once<F: Future>(
    future: &mut Pin<&mut Option<F>>,
    output: &mut Option<F::Output>,
    cx: &mut Context<'_>,
) -> bool {
    let Some(pending) = future.as_mut().as_pin_mut() else { return true };
    match pending.poll(cx) {
        Poll::Pending => false,
        Poll::Ready(value) => {
            *output = Some(value);
            future.set(None);
            true
        }
    }
}

/// Takes an output that is there.
pub fn taken<T>(output: &mut Option<T>) -> T {
    output.take().expect("a join takes each output once, when all are done")
}

/// Takes the value of an output that is there and is `Ok`.
pub fn taken_ok<T, E>(output: &mut Option<Result<T, E>>) -> T {
    match taken(output) {
        Ok(value) => value,
        Err(_) => unreachable!("a join ends with the first error"),
    }
}

/// Takes the error of an output that is there and is `Err`.
pub fn taken_err<T, E>(output: &mut Option<Result<T, E>>) -> E {
    match taken(output) {
        Err(error) => error,
        Ok(_) => unreachable!("it was seen to be an error"),
    }
}

/// Makes a panic of `future` an error.
pub async fn caught<F: IntoFuture>(future: F) -> Result<F::Output, TaskError> {
    // On the heap, since its drop has to be contained as well.
    let mut future = Box::pin(future.into_future());
    let polled = std::future::poll_fn(|cx| match contain(|| future.as_mut().poll(cx)) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
        Err(payload) => Poll::Ready(Err(payload)),
    })
    .await;
    let dropped = contain(|| drop(future));
    let value = polled.map_err(TaskError::from_payload)?;
    dropped.map_err(TaskError::from_payload)?;
    Ok(value)
}
