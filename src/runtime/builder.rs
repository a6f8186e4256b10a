//! Building a runtime: the settings, their defaults, and the check of each.
//!
//! Book: chapter 3.

use std::sync::Arc;
use std::time::Duration;

use super::{BuildError, Handle, Runtime, context, shutdown};
use crate::driver::Driver;
use crate::driver::clock::Clock;
use crate::priority::Priority;
use crate::scheduler::Settings;
use crate::scheduler::idle::Serves;
use crate::scheduler::share;
use crate::scheduler::shared::Shared;
use crate::scheduler::worker;
use crate::sync::internal::thread::{self, Thread};
use crate::sync::internal::{AtomicUsize, Ordering};
use crate::task::panic::TaskPanic;
use crate::task::poll::TaskPoll;
use crate::task::slow::SlowPoll;
use crate::threads::ThreadSettings;

/// So many workers are more than any machine has, and a typing error.
const MOST_WORKERS: usize = 1024;

const DEFAULT_BLOCKING_THREADS: usize = 512;
const DEFAULT_KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Enough for a few dozen buffers' worth of I/O; small enough that a poll stays under a millisecond.
const DEFAULT_POLL_BUDGET: u32 = 128;

/// A hundred times the longest poll that a well-behaved task makes.
const DEFAULT_SLOW_POLL: Duration = Duration::from_millis(10);

/// Workers that are not up yet, and the thread that waits for them.
struct Missing {
    workers: AtomicUsize,
    builder: Thread,
}

impl Missing {
    /// How often the builder lets others run before it sleeps until it is woken. A new thread mostly
    /// begins on the very processor that the builder gives up, and both wake-ups are saved.
    const YIELDS: usize = if cfg!(waterwheel_shuttle) { 1 } else { 64 };

    fn new(workers: usize) -> Self {
        Self { workers: AtomicUsize::new(workers), builder: thread::current() }
    }

    fn one_less(&self) {
        if self.workers.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.builder.unpark();
        }
    }

    fn wait(&self) {
        let mut yields = 0;
        while self.workers.load(Ordering::SeqCst) > 0 {
            match yields {
                Self::YIELDS => thread::park(),
                _ => thread::yield_now(),
            }
            yields = (yields + 1).min(Self::YIELDS);
        }
    }
}

/// The settings of a [`Runtime`] to be.
///
/// ```
/// use waterwheel::{Priority, Runtime};
///
/// # fn main() -> Result<(), waterwheel::BuildError> {
/// let runtime = Runtime::builder()
///     .with_high_num(1)
///     .with_low_num(2)
///     .with_stealing(Priority::Low, false) // High-home workers keep out of Low
///     .thread_name("mill")
///     .build()?;
/// assert_eq!(runtime.metrics().workers(Priority::Low), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it builds"]
pub struct Builder {
    settings: Settings,
    /// By home lane. `None`: as the number of cores says.
    workers: [Option<usize>; 2],
    /// `None`: as many as there are workers.
    replacements: Option<usize>,
    start_paused: bool,
}

impl Default for Builder {
    fn default() -> Self {
        let settings = Settings {
            workers: [0; 2], // Settled when it is built, as the number of replacements is.
            serves: Serves { stealing_from: [true, true] },
            threads: ThreadSettings {
                name: "waterwheel".to_owned(),
                stack_size: None,
                on_start: None,
                on_stop: None,
            },
            max_blocking_threads: DEFAULT_BLOCKING_THREADS,
            keep_alive: DEFAULT_KEEP_ALIVE,
            lane_share: share::DEFAULT_PARTS,
            poll_budget: DEFAULT_POLL_BUDGET,
            poll_hooks: None,
            seed: fastrand::u64(..),
            on_park: None,
            on_unpark: None,
            on_task_panic: None,
            slow_poll_after: DEFAULT_SLOW_POLL,
            replacements: 0,
            on_slow_poll: None,
        };
        Self { settings, workers: [None; 2], replacements: None, start_paused: false }
    }
}

impl Builder {
    /// How many workers have lane High as their home. Default: a quarter of the cores, at least 1.
    pub fn with_high_num(mut self, workers: usize) -> Self {
        self.workers[Priority::High.index()] = Some(workers);
        self
    }

    /// How many workers have lane Low as their home. Default: the other cores, at least 1.
    pub fn with_low_num(mut self, workers: usize) -> Self {
        self.workers[Priority::Low.index()] = Some(workers);
        self
    }

    /// May workers of the other lane take tasks from lane `from`? Default: yes, both ways.
    pub fn with_stealing(mut self, from: Priority, allowed: bool) -> Self {
        self.settings.serves.stealing_from[from.index()] = allowed;
        self
    }

    /// The least part of a worker's time that each lane gets which the worker may serve, however
    /// full the other one is: one part of so many, from 8 to 1024. Default 64.
    ///
    /// It is time that is measured, not polls: over any time of `parts` times the longest poll in
    /// it, for as long as the lane has a task. What a lane does not need the other one gets.
    pub fn lane_share(mut self, parts: u32) -> Self {
        self.settings.lane_share = parts;
        self
    }

    /// What the names of the threads begin with; default "waterwheel". They go on with `-high-0`,
    /// `-low-1`, `-reserve`, `-blocking`, `-watchdog` or `-replacement`.
    pub fn thread_name(mut self, name: impl Into<String>) -> Self {
        self.settings.threads.name = name.into();
        self
    }

    /// The stack of each thread, in bytes. Default: what the standard library chooses, 2 MiB.
    pub fn thread_stack_size(mut self, bytes: usize) -> Self {
        self.settings.threads.stack_size = Some(bytes);
        self
    }

    /// How many threads there may be for blocking calls. Default 512.
    pub fn max_blocking_threads(mut self, threads: usize) -> Self {
        self.settings.max_blocking_threads = threads;
        self
    }

    /// How long a thread for blocking calls waits for the next one before it ends. Default 10 s.
    pub fn thread_keep_alive(mut self, keep_alive: Duration) -> Self {
        self.settings.keep_alive = keep_alive;
        self
    }

    /// Called by each thread of the runtime when it starts. A panic in it is contained.
    pub fn on_thread_start(mut self, f: impl Fn() + Send + Sync + 'static) -> Self {
        self.settings.threads.on_start = Some(Arc::new(f));
        self
    }

    /// Called by each thread of the runtime when it ends. A panic in it is contained.
    pub fn on_thread_stop(mut self, f: impl Fn() + Send + Sync + 'static) -> Self {
        self.settings.threads.on_stop = Some(Arc::new(f));
        self
    }

    /// Called by a worker before it parks. A panic in it is contained.
    pub fn on_thread_park(mut self, f: impl Fn() + Send + Sync + 'static) -> Self {
        self.settings.on_park = Some(Arc::new(f));
        self
    }

    /// Called by a worker after it was unparked. A panic in it is contained.
    pub fn on_thread_unpark(mut self, f: impl Fn() + Send + Sync + 'static) -> Self {
        self.settings.on_unpark = Some(Arc::new(f));
        self
    }

    /// Called for every panic of a task, observed or not, by the thread that polled it. A panic in
    /// it is contained.
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use waterwheel::Runtime;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (sender, receiver) = mpsc::channel();
    /// let runtime = Runtime::builder()
    ///     .on_task_panic(move |panic| sender.send(panic.message().to_owned()).unwrap_or(()))
    ///     .build()?;
    /// runtime.handle().spawn(async { panic!("the gear is worn") }).detach();
    /// assert_eq!(receiver.recv()?, "the gear is worn");
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_task_panic(mut self, f: impl Fn(&TaskPanic<'_>) + Send + Sync + 'static) -> Self {
        self.settings.on_task_panic = Some(Arc::new(f));
        self
    }

    /// Called before each poll of a task, by the worker that makes it. It shall be short, and a panic in
    /// it is contained. Blocking calls are no polls.
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use waterwheel::{Priority, Runtime};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (sender, receiver) = mpsc::channel();
    /// let runtime = Runtime::builder()
    ///     .on_poll_start(move |poll| sender.send((poll.lane(), poll.worker())).unwrap_or(()))
    ///     .build()?;
    /// runtime.block_on(runtime.handle().spawn_with(async {}, Priority::High));
    /// let (lane, worker) = receiver.recv()?;
    /// assert_eq!(lane, Priority::High);
    /// assert!(runtime.metrics().per_worker().iter().any(|of| of.number == worker));
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_poll_start(mut self, f: impl Fn(&TaskPoll) + Send + Sync + 'static) -> Self {
        self.settings.poll_hooks.get_or_insert_default().start = Some(Arc::new(f));
        self
    }

    /// Called after each poll of a task, as [`on_poll_start`](Self::on_poll_start) is before it, with
    /// the same worker's number: by the same thread. The task may have ended with that poll.
    pub fn on_poll_end(mut self, f: impl Fn(&TaskPoll) + Send + Sync + 'static) -> Self {
        self.settings.poll_hooks.get_or_insert_default().end = Some(Arc::new(f));
        self
    }

    /// From here on a poll is *slow*: it is counted, reported to
    /// [`on_slow_poll`](Self::on_slow_poll), and what waits behind it is given to others. Default
    /// 10 ms. A poll is found slow up to half as long again after that. With [`Duration::MAX`] no poll
    /// is: there is no watchdog then, and no task takes the short way to its worker that is open only
    /// while one watches.
    pub fn slow_poll_after(mut self, limit: Duration) -> Self {
        self.settings.slow_poll_after = limit;
        self
    }

    /// How many workers stuck in a slow poll may be replaced at a time; 0 for none. Default: as many as
    /// there are workers.
    ///
    /// A replacement is a thread that does the stuck worker's work, in its lanes, for as long as the
    /// poll lasts. It is started only if no other worker is free to do it.
    pub fn replacement_workers(mut self, most: usize) -> Self {
        self.replacements = Some(most);
        self
    }

    /// Called once for every slow poll, while it lasts, by the watchdog's thread: while the hook
    /// runs nobody watches, so it shall be short. A panic in it is contained.
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use waterwheel::{Runtime, task};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (sender, receiver) = mpsc::channel();
    /// let runtime = Runtime::builder()
    ///     .on_slow_poll(move |slow| sender.send(slow.to_string()).unwrap_or(()))
    ///     .build()?;
    /// let (stop, stopped) = mpsc::channel::<()>();
    /// let busy = async move { stopped.recv().unwrap_or(()) }; // blocks its worker
    /// let task = task::Builder::new().name("jammed").spawn_on(runtime.handle(), busy);
    /// let report = receiver.recv()?;
    /// assert!(report.starts_with("task \"jammed\" spawned at "), "{report}");
    /// drop(stop);
    /// runtime.block_on(task);
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_slow_poll(mut self, f: impl Fn(&SlowPoll) + Send + Sync + 'static) -> Self {
        self.settings.on_slow_poll = Some(Arc::new(f));
        self
    }

    /// How many operations (reads, writes, ticks) one poll may do before it is made to yield, so
    /// that a task that always finds its socket ready does not hold its worker. Default 128.
    pub fn poll_budget(mut self, operations: u32) -> Self {
        self.settings.poll_budget = operations;
        self
    }

    /// Seeds the order in which workers look at each other. Default: random.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// Starts with a clock that stands still until [`time::advance`](crate::time::advance) moves it:
    /// for tests of what is timed. Default: no.
    pub fn start_paused(mut self, paused: bool) -> Self {
        self.start_paused = paused;
        self
    }

    /// Builds the runtime. All its workers are up when this returns.
    ///
    /// # Errors
    ///
    /// A setting that cannot work, or a thread or the driver that the system refused. Nothing is
    /// left behind then.
    pub fn build(mut self) -> Result<Runtime, BuildError> {
        self.settle();
        self.check()?;
        let clock = if self.start_paused { Clock::manual() } else { Clock::system() };
        let driver = Driver::new(clock).map_err(BuildError::Driver)?;
        let (shared, cores) = Shared::new(self.settings, driver);
        let workers = cores.len();
        let missing = Arc::new(Missing::new(workers));
        for (index, core) in cores.into_iter().enumerate() {
            let missing = Arc::clone(&missing);
            if let Err(error) = worker::start(core, move || missing.one_less()) {
                shutdown::roll_back(&shared);
                return Err(BuildError::Thread { worker: index + 1, workers, error });
            }
        }
        missing.wait();
        Ok(Runtime::from_handle(Handle::new(shared)))
    }

    /// Replaces what was not set by its default.
    fn settle(&mut self) {
        let by_cores = || {
            let cores = thread::available_parallelism().map_or(1, usize::from);
            let high = (cores / 4).max(1);
            [high, cores.saturating_sub(high).max(1)]
        };
        self.settings.workers = match self.workers {
            [Some(high), Some(low)] => [high, low], // To count cores takes longer than to start a thread.
            [high, low] => {
                let defaults = by_cores();
                [high.unwrap_or(defaults[0]), low.unwrap_or(defaults[1])]
            }
        };
        let workers = self.asked();
        self.settings.replacements = match self.settings.slow_poll_after {
            Duration::MAX => 0,
            _ => self.replacements.unwrap_or(workers),
        };
    }

    /// Builds the runtime and makes it the process default, on which `spawn_task!` spawns where no
    /// other is current. It lives as long as the process.
    ///
    /// # Errors
    ///
    /// As [`build`](Builder::build), and [`BuildError::AlreadyRunning`] if there is one.
    pub fn run(self) -> Result<&'static Runtime, BuildError> {
        context::install(self)
    }

    /// For tests of the scheduler that need no threads.
    #[cfg(test)]
    pub(crate) fn into_settings(mut self) -> Settings {
        self.settle();
        self.settings
    }

    /// How many workers there are to be.
    fn asked(&self) -> usize {
        self.settings.workers.iter().fold(0, |sum, n| sum.saturating_add(*n))
    }

    fn check(&self) -> Result<(), BuildError> {
        let settings = &self.settings;
        let asked = self.asked();
        if asked == 0 {
            return Err(BuildError::NoWorkers);
        }
        if asked > MOST_WORKERS {
            return Err(BuildError::TooManyWorkers { asked, most: MOST_WORKERS });
        }
        if let Some(asked) = self.replacements.filter(|most| *most > MOST_WORKERS) {
            return Err(BuildError::TooManyWorkers { asked, most: MOST_WORKERS });
        }
        for lane in Priority::ALL {
            let own = settings.workers[lane.index()];
            if own == 0 && !settings.serves.stealing_from[lane.index()] {
                return Err(BuildError::Unserved(lane));
            }
        }
        if settings.max_blocking_threads == 0 {
            return Err(BuildError::Zero("max_blocking_threads"));
        }
        if settings.slow_poll_after.is_zero() {
            return Err(BuildError::Zero("slow_poll_after"));
        }
        if !share::PARTS.contains(&settings.lane_share) {
            return Err(BuildError::LaneShare {
                asked: settings.lane_share,
                allowed: share::PARTS,
            });
        }
        if settings.poll_budget == 0 {
            return Err(BuildError::Zero("poll_budget"));
        }
        match settings.threads.name.bytes().position(|byte| byte == 0) {
            Some(at) => Err(BuildError::NulInThreadName(at)),
            None => Ok(()),
        }
    }
}
