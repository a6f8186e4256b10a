//! The handle of a task: awaiting it, cancelling it, asking who it is.
//!
//! Book: chapter 3.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::abort::AbortHandle;
use super::error::TaskError;
use super::id::TaskId;
use super::native::{Native, Shield};
use crate::priority::Priority;
use crate::scheduler::shared::RawTask;

/// A spawned task: await it for its output.
///
/// Dropping it cancels the task; [`detach`](Task::detach) lets it run on.
///
/// # Panics
///
/// Awaiting a task that panicked resumes that panic in the awaiter, payload intact. Awaiting one
/// that was cancelled panics with [`TaskError::Cancelled`] as the payload: where cancellation is
/// expected, use [`outcome`](Task::outcome).
///
/// # Cancel safety
///
/// A `Task` awaited by reference (`(&mut task).await`) loses nothing when that is dropped.
///
/// ```
/// use waterwheel::{block_on, spawn_task};
///
/// let task = spawn_task!(async { "ground" });
/// assert_eq!(block_on(task), "ground");
/// ```
#[must_use = "dropping a Task cancels it: await it, keep it, or call detach()"]
pub struct Task<T> {
    raw: RawTask<T>,
    shield: Option<Box<Shielded>>,
}

/// A foreign waker and what was registered in its place.
struct Shielded {
    foreign: Waker,
    shield: Waker,
}

impl<T> Unpin for Task<T> {}

impl<T> Task<T> {
    pub(crate) fn new(raw: RawTask<T>) -> Self {
        Self { raw, shield: None }
    }

    /// Lets the task run to its end without a handle.
    ///
    /// ```
    /// use waterwheel::{block_on, spawn_task};
    ///
    /// let (sender, receiver) = std::sync::mpsc::channel();
    /// spawn_task!(async move { sender.send(1) }).detach();
    /// assert_eq!(receiver.recv(), Ok(1));
    /// ```
    pub fn detach(self) {
        self.raw.fallible.detach();
    }

    /// Cancels the task and waits until its future has been dropped. Gives the output if the task
    /// had finished by then.
    ///
    /// # Panics
    ///
    /// Resumes the task's panic, if it had panicked.
    ///
    /// # Cancel safety
    ///
    /// Dropping this future leaves the task cancelled; only the waiting ends.
    pub async fn cancel(self) -> Option<T> {
        self.abort_handle().abort();
        match self.outcome().await {
            Ok(output) => Some(output),
            Err(TaskError::Cancelled) => None,
            Err(TaskError::Panicked(payload)) => std::panic::resume_unwind(payload.into_inner()),
        }
    }

    /// Waits for the output, or for the reason why there is none.
    ///
    /// # Errors
    ///
    /// [`TaskError::Cancelled`] or [`TaskError::Panicked`].
    ///
    /// # Cancel safety
    ///
    /// Dropping this future cancels the task, as dropping the `Task` does.
    pub async fn outcome(mut self) -> Result<T, TaskError> {
        std::future::poll_fn(|cx| self.poll_outcome(cx)).await
    }

    /// Has the task finished, or been cancelled and dropped its future?
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.raw.is_finished()
    }

    /// The task's number, unique in the process.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.raw.meta().id()
    }

    /// The name it was given by [`Builder::name`](super::Builder::name).
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.raw.meta().name()
    }

    /// The lane it runs in. A blocking call runs in neither and says Low.
    #[must_use]
    pub fn priority(&self) -> Priority {
        self.raw.meta().lane()
    }

    /// Where in the source it was spawned.
    #[must_use]
    pub fn spawn_site(&self) -> &'static Location<'static> {
        self.raw.meta().site()
    }

    /// Makes a handle that can cancel the task from anywhere, and does not keep it alive.
    #[must_use]
    pub fn abort_handle(&self) -> AbortHandle {
        AbortHandle::new(self.raw.aborter())
    }

    fn poll_outcome(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, TaskError>> {
        let waker = if Native::is(cx.waker()) {
            cx.waker()
        } else {
            shielded(&mut self.shield, cx.waker())
        };
        Pin::new(&mut self.raw.fallible).poll(&mut Context::from_waker(waker)).map(|output| {
            match output {
                Some(output) => output.into_result().map_err(TaskError::from_payload),
                None => Err(TaskError::Cancelled),
            }
        })
    }
}

impl<T> Future for Task<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        self.poll_outcome(cx).map(|outcome| match outcome {
            Ok(output) => output,
            Err(TaskError::Panicked(payload)) => std::panic::resume_unwind(payload.into_inner()),
            Err(cancelled @ TaskError::Cancelled) => std::panic::panic_any(cancelled),
        })
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("id", &self.id())
            .field("name", &self.name())
            .field("priority", &self.priority())
            .field("is_finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}

/// The shield around `foreign`, which is kept while the same waker comes again.
fn shielded<'a>(kept: &'a mut Option<Box<Shielded>>, foreign: &Waker) -> &'a Waker {
    let kept = match kept.take() {
        Some(pair) if pair.foreign.will_wake(foreign) => kept.insert(pair),
        _ => kept.insert(Box::new(Shielded {
            foreign: foreign.clone(),
            shield: Shield::around(foreign),
        })),
    };
    &kept.shield
}
