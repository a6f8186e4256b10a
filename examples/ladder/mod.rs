//! The ladder: nine small runtimes, each one step from the last, from the textbook to ours.
//!
//! All have the same three functions. [`Rung`] names them, so that one workload runs on each.
//!
//! Book: chapter 12.

use std::io;
use std::net::TcpStream;

pub(crate) mod ours;
pub(crate) mod parts;
pub(crate) mod r0_textbook;
pub(crate) mod r1_own_queues;
pub(crate) mod r2_stealing;
pub(crate) mod r3_nothing_captured;
pub(crate) mod r4_parked;
pub(crate) mod r5_one_searcher;
pub(crate) mod r6_driver;
pub(crate) mod r7_handover;
pub(crate) mod r8_reserve;
pub(crate) mod sockets;
pub(crate) mod work;

/// A runtime that work can be given to: a rung of the ladder, or what it is compared with.
pub(crate) trait Rung: Clone + Send + Sync + 'static {
    /// What awaits a task; dropping it cancels.
    type Task<T: Send + 'static>: Future<Output = T> + Send + 'static;

    /// What a table calls it.
    const NAME: &'static str;

    fn start(workers: usize) -> Self;

    fn spawn<F>(&self, future: F) -> Self::Task<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static;

    /// Lets a task run on without anybody who awaits it.
    fn detach<T: Send + 'static>(task: Self::Task<T>);

    fn stop(self);

    /// Starts a task that sends back what it reads from a connection, if this rung knows sockets.
    /// It calls `then` whenever it has read something.
    fn serve(
        &self,
        stream: TcpStream,
        then: impl FnMut() + Send + 'static,
    ) -> Option<Self::Task<io::Result<usize>>> {
        let _ = (stream, then);
        None
    }
}

macro_rules! rungs {
    ($($module:ident $(: sockets in $($field:ident).+)?;)*) => {$(
        impl Rung for std::sync::Arc<$module::Runtime> {
            type Task<T: Send + 'static> = $module::Task<T>;

            const NAME: &'static str = stringify!($module);

            fn start(workers: usize) -> Self {
                $module::start(workers)
            }

            fn spawn<F>(&self, future: F) -> Self::Task<F::Output>
            where
                F: Future<Output: Send + 'static> + Send + 'static,
            {
                $module::spawn(self, future)
            }

            fn detach<T: Send + 'static>(task: Self::Task<T>) {
                task.detach();
            }

            fn stop(self) {
                $module::stop(&self);
            }

            $(fn serve(
                &self,
                stream: TcpStream,
                then: impl FnMut() + Send + 'static,
            ) -> Option<Self::Task<io::Result<usize>>> {
                Some(self.spawn(work::serve(&self.$($field).+, stream, then)))
            })?
        }
    )*};
}

rungs! {
    r0_textbook;
    r1_own_queues;
    r2_stealing;
    r3_nothing_captured;
    r4_parked;
    r5_one_searcher;
    r6_driver: sockets in sockets;
    r7_handover: sockets in sockets;
    r8_reserve: sockets in parking.sockets;
}
