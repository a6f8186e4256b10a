//! `grind`: CPU-bound tasks without end, the crowd that urgent work must not queue behind.
//!
//! Each task, before it does its own 50 µs of work, spawns its successor. So the number of tasks
//! that wait never falls below where it started, however many workers there are.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use waterwheel::daemon::{BoxError, Daemon};
use waterwheel::sync::CancellationToken;
use waterwheel::{Priority, spawn_task};

use crate::shared::Shared;

/// What one task costs.
pub const PIECE: Duration = Duration::from_micros(50);

/// Tasks that exist at any time. At least 1,000 of them wait: the others are being polled, or on
/// their way from one queue to another.
const CROWD: u64 = 1_064;

pub struct Grind {
    shared: Arc<Shared>,
    /// How many tasks in all; `None`: no end.
    limit: Option<u64>,
}

impl Grind {
    pub fn new(shared: Arc<Shared>, limit: Option<u64>) -> Self {
        Self { shared, limit }
    }
}

impl Daemon for Grind {
    fn name(&self) -> &str {
        "grind"
    }

    async fn run(&self, shutdown: CancellationToken) -> Result<(), BoxError> {
        let mill = Arc::new(Mill {
            shared: Arc::clone(&self.shared),
            left: AtomicU64::new(self.limit.unwrap_or(u64::MAX)),
            alive: AtomicU64::new(CROWD),
            stop: shutdown.child_token(),
            empty: CancellationToken::new(),
        });
        // However this future ends, the tasks must not go on for ever.
        let _stop = StopOnDrop(mill.stop.clone());
        for _ in 0..CROWD {
            mill.spawn_one();
        }
        mill.empty.cancelled().await;
        Ok(())
    }
}

/// What the tasks share.
struct Mill {
    shared: Arc<Shared>,
    /// Pieces of work that nobody has taken yet.
    left: AtomicU64,
    /// Chains of tasks that have not ended.
    alive: AtomicU64,
    stop: CancellationToken,
    /// Cancelled by the last chain that ends.
    empty: CancellationToken,
}

impl Mill {
    fn spawn_one(self: &Arc<Self>) {
        let mill = Arc::clone(self);
        spawn_task!(async move { mill.grind() }, Priority::Low).detach();
    }

    fn grind(self: Arc<Self>) {
        // Relaxed: the counts order nothing; the last one tells the token, which does.
        let one_less = |left: u64| left.checked_sub(1);
        let more =
            !self.stop.is_cancelled() && self.left.fetch_update(Relaxed, Relaxed, one_less).is_ok();
        if !more {
            if self.alive.fetch_sub(1, Relaxed) == 1 {
                self.empty.cancel();
            }
            return;
        }
        self.spawn_one();
        work(*ROUNDS);
        self.shared.ground.add(1);
    }
}

struct StopOnDrop(CancellationToken);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// How many rounds of [`work`] take [`PIECE`] on this machine, undisturbed. Counted in rounds and
/// not by the clock, so that a task costs the same CPU time on a busy machine too.
static ROUNDS: LazyLock<u64> = LazyLock::new(|| {
    const TRIES: u32 = 20;
    const TRIAL: u64 = 10_000;
    let fastest = (0..TRIES).map(|_| {
        let start = Instant::now();
        work(TRIAL);
        start.elapsed()
    });
    let fastest = fastest.min().unwrap_or(PIECE).as_nanos().max(1);
    u64::try_from(u128::from(TRIAL) * PIECE.as_nanos() / fastest).unwrap_or(TRIAL).max(1)
});

/// Measures the machine now, so that the first tasks need not.
pub fn calibrate() {
    LazyLock::force(&ROUNDS);
}

fn work(rounds: u64) {
    let mut x = 1_u64;
    for i in 0..rounds {
        x = black_box(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(i));
    }
}
