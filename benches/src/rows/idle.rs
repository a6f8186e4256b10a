//! What many open connections cost on which nothing happens.
//!
//! A second process opens the connections and holds them; here each has a task that waits for its first byte. Then
//! nothing happens for some seconds, and the kernel says how much processor time the process took. The thread that
//! measures is not counted: it sleeps meanwhile, but waking it up would be most of the figure. Less than a microsecond counts as
//! one, so that nothing divided by nothing is 1.
//!
//! Book: chapter 20

use super::{Effort, Run, Sample, sample};
use crate::load::{Holder, allow_descriptors};
use crate::machine::{cpu_time, own_cpu_time};
use crate::peer::{Connection, Serves};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

const FULL: Duration = Duration::from_secs(5);
const QUICK: Duration = Duration::from_secs(1);
/// What the workers get to fall asleep once all is set up.
const SETTLE: Duration = Duration::from_millis(300);
/// The least that is told, in us.
const LEAST: f64 = 1.0;
/// How long the set-up may take.
const WATCHDOG: Duration = Duration::from_secs(20);

/// Processor time of `count` idle connections.
pub(super) fn connections<P: Serves>(run: Run, count: usize) -> Result<Sample, String> {
    allow_descriptors(count);
    let peer = P::start(run.layout);
    let waiting = Arc::new(AtomicUsize::new(0));
    let (mut listener, address) =
        peer.block_on(peer.listen()).map_err(|error| format!("cannot listen: {error}"))?;
    let accepted = waiting.clone();
    P::detach(peer.spawn(async move {
        while let Ok(connection) = P::accept(&mut listener).await {
            P::detach(peer.spawn(first_byte(connection, accepted.clone())));
        }
    }));
    let _holder = Holder::start(address, count)?;
    let begin = Instant::now();
    while waiting.load(SeqCst) < count {
        if begin.elapsed() > WATCHDOG {
            return Err(format!("{} of {count} connections in 20 s", waiting.load(SeqCst)));
        }
        thread::yield_now();
    }
    thread::sleep(SETTLE);
    let others = || cpu_time().saturating_sub(own_cpu_time());
    let before = others();
    thread::sleep(if run.effort == Effort::Full { FULL } else { QUICK });
    let busy = others().saturating_sub(before);
    Ok(sample([("cpu us", (busy.as_secs_f64() * 1e6).max(LEAST))]))
}

async fn first_byte<C: Connection>(mut connection: C, waiting: Arc<AtomicUsize>) {
    waiting.fetch_add(1, SeqCst);
    // The holder sends nothing: this ends when it closes.
    drop(connection.read(&mut [0]).await);
}
