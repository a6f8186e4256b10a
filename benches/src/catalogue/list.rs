//! The rows themselves.
//!
//! Each says what it measures, how it could be unfair, and what was done about that.
//!
//! Book: chapter 20

use super::{Contestant, Metric, Place, Row, Who, Workload};
use crate::peer::Layout;
use crate::stats::Good::{High, Low};

const fn of(who: Who, high: usize, low: usize) -> Contestant {
    Contestant { who, layout: Layout { high, low } }
}

const fn low(name: &'static str) -> Metric {
    Metric { name, good: Low, place: Place::Table }
}

const fn high(name: &'static str) -> Metric {
    Metric { name, good: High, place: Place::Table }
}

const fn in_record(metric: Metric) -> Metric {
    Metric { place: Place::Record, ..metric }
}

const ONE: &[Contestant] = &[
    of(Who::Ours, 0, 1),
    of(Who::Tokio, 0, 1),
    of(Who::Smol, 0, 1),
    of(Who::TextbookRecv, 0, 1),
    of(Who::TextbookSleep, 0, 1),
];
const TWO: &[Contestant] = &[
    of(Who::Ours, 1, 1),
    of(Who::Tokio, 0, 2),
    of(Who::Ours, 0, 2),
    of(Who::Smol, 0, 2),
    of(Who::TextbookRecv, 0, 2),
    of(Who::TextbookSleep, 0, 2),
];
const ONE_NO_NAP: &[Contestant] = &[ONE[0], ONE[1], ONE[2], ONE[3]];
const ONE_NET: &[Contestant] = &[ONE[0], ONE[1], ONE[2]];
const TWO_NET: &[Contestant] = &[TWO[0], TWO[1], TWO[2], TWO[3]];
const LOOP: Contestant = of(Who::EpollLoop, 0, 1);
const ONE_ECHO: &[Contestant] = &[ONE[0], ONE[1], ONE[2], LOOP];
const TWO_ECHO: &[Contestant] = &[TWO[0], TWO[1], TWO[2], TWO[3], LOOP];
const LANES_1_1: &[Contestant] = &[
    of(Who::Ours, 1, 1),
    of(Who::TokioTwo, 1, 1),
    of(Who::Tokio, 1, 1),
    of(Who::Smol, 1, 1),
    of(Who::TextbookRecv, 1, 1),
    of(Who::TextbookSleep, 1, 1),
];
const LANES_1_2: &[Contestant] = &[
    of(Who::Ours, 1, 2),
    of(Who::TokioTwo, 1, 2),
    of(Who::Tokio, 1, 2),
    of(Who::Smol, 1, 2),
    of(Who::TextbookRecv, 1, 2),
];

const TASK: &[Metric] = &[low("ns/task")];
const ECHO: &[Metric] = &[
    high("messages/s"),
    low("p99 us"),
    in_record(low("p50 us")),
    in_record(low("cpu us/message")),
];
const HTTP: &[Metric] = &[
    high("requests/s"),
    low("p99 us"),
    in_record(low("p50 us")),
    in_record(low("cpu us/request")),
];
const LANES: &[Metric] = &[
    in_record(low("high p50 us")),
    low("high p99 us"),
    high("low tasks/s"),
    in_record(low("high p50 us from spawn")),
    in_record(low("high p99 us from spawn")),
    Metric { name: "low queued, least", good: High, place: Place::Fact },
];
const SLEEPS: &[Metric] =
    &[low("overshoot ms"), low("cpu ms"), low("late p50 ms"), low("late p99 ms")];

const SPAWN_OUTSIDE: Row = Row {
    name: "spawn-outside-1",
    workload: Workload::SpawnOutside,
    contestants: ONE,
    baselines: &[Who::Tokio],
    metrics: TASK,
    band: 0.05,
    quick: false,
    what: "a thread outside spawns 10,000 tasks and awaits each",
    fair: "the joins dominate if awaited out of order; all await in the order of spawning",
};
const SPAWN_WORKER: Row = Row {
    name: "spawn-worker-1",
    workload: Workload::SpawnWorker,
    what: "a task spawns 10,000 tasks and awaits each",
    fair: "a runtime that runs the newest task first is helped by a small batch; 10,000 fit no fixed queue",
    ..SPAWN_OUTSIDE
};
const YIELD: Row = Row {
    name: "yield-1",
    workload: Workload::Yield,
    metrics: &[low("ns/yield")],
    what: "1,000 tasks yield 1,000 times each",
    fair: "runtimes have yields of their own that know the scheduler; all use futures-lite's, which wakes itself",
    ..SPAWN_OUTSIDE
};
const PING_PONG: Row = Row {
    name: "ping-pong-1",
    workload: Workload::PingPong,
    metrics: &[low("ns/round trip")],
    what: "1,000 pairs of tasks throw a ball 200 times there and back, each over a fresh oneshot",
    fair: "the channel is much of the cost; all use the neutral crate `oneshot`",
    ..SPAWN_OUTSIDE
};
const CHAINED: Row = Row {
    name: "chained-1",
    workload: Workload::Chained,
    metrics: &[low("ns/spawn")],
    what: "a task spawns a task that spawns a task, 10,000 times",
    fair: "only one task is ever runnable, so a second worker can only be in the way: that is the point",
    ..SPAWN_OUTSIDE
};
const ECHO_64: Row = Row {
    name: "echo64-1",
    workload: Workload::Echo(64),
    contestants: ONE_ECHO,
    metrics: ECHO,
    band: 0.1,
    what: "TCP echo on loopback, 64 connections, 64 bytes, closed loop",
    fair: "the load generator shares the machine; it is one program on mio alone, in its own process, for all; the epoll loop is one thread in every row and shows the limit",
    ..SPAWN_OUTSIDE
};
const ECHO_512: Row = Row {
    name: "echo512-1",
    workload: Workload::Echo(512),
    quick: false,
    what: "TCP echo on loopback, 512 connections, 64 bytes, closed loop",
    fair: "the load generator shares the machine, and with many connections it is slow itself: latencies contain its own turns, for all alike",
    ..ECHO_64
};
const HYPER: Row = Row {
    name: "hyper64-1",
    workload: Workload::Hyper(64),
    contestants: ONE_NET,
    metrics: HTTP,
    quick: false,
    what: "hyper's HTTP/1 server says hello over 64 connections that are kept alive, closed loop",
    fair: "each through the adapter its users have: waterwheel-adapters, hyper-util, smol-hyper; the service and hyper's settings are the same lines; no timer for slow heads",
    ..ECHO_64
};
const IDLE: Row = Row {
    name: "idle-2",
    workload: Workload::Idle(1_000),
    contestants: TWO_NET,
    metrics: &[low("cpu us")],
    band: 0.1,
    what: "processor time in 5 s of 1,000 open connections, each with a task that waits for its first byte",
    fair: "the thread that measures sleeps too, and its own waking would be most of the figure: it is not counted; less than a microsecond is told as one",
    ..SPAWN_OUTSIDE
};
const LANES_ROW: Row = Row {
    name: "lanes-1+1",
    workload: Workload::Lanes,
    contestants: LANES_1_1,
    baselines: &[Who::Tokio, Who::TokioTwo],
    metrics: LANES,
    quick: true,
    what: "a High task each ms while Low holds at least 1,000 queued tasks of 50 us",
    fair: "tokio's users would run two runtimes, so both forms are here; ours starts one more thread, the reserve, which counts as part of it",
    ..SPAWN_OUTSIDE
};
const TIMERS: Row = Row {
    name: "sleeps-2",
    workload: Workload::Sleeps(100_000),
    contestants: TWO,
    metrics: SLEEPS,
    what: "100,000 tasks sleep 100 ms; overshoot is the time until the last is joined beyond 100 ms",
    fair: "overshoot includes spawning them; lateness does not, it counts from each task's own first poll",
    ..SPAWN_OUTSIDE
};
const TIMER_DROP: Row = Row {
    name: "timer-drop-1",
    workload: Workload::TimerDrop,
    contestants: ONE_NET,
    metrics: &[low("ns/timer")],
    what: "a task creates a timer, polls it once and drops it, while 1,000 earlier ones are alive",
    fair: "an unpolled timer may never be registered, and the very first one may unpark the driver: neither is the case",
    ..SPAWN_OUTSIDE
};
const START: Row = Row {
    name: "start-2",
    workload: Workload::Start,
    contestants: TWO,
    metrics: &[low("p50 us"), low("p90 us")],
    band: 0.1,
    what: "spawn to first poll on a sleeping runtime",
    fair: "mostly the kernel waking a thread, the same for all that sleep in it",
    ..SPAWN_OUTSIDE
};

const COLD: Row = Row {
    name: "cold-2",
    workload: Workload::Cold,
    contestants: TWO_NET,
    metrics: &[low("us/cycle")],
    band: 0.1,
    what: "a cold start: build a runtime with 2 workers, await one spawned task, end it with its threads joined",
    fair: "mostly the kernel starting and joining threads; smol's reactor thread belongs to the process and is not started again, and ours 1+1 starts a third thread, the reserve",
    ..SPAWN_OUTSIDE
};
const MPSC: Row = Row {
    name: "mpsc-1",
    workload: Workload::Mpsc,
    metrics: &[low("ns/message")],
    what: "4 tasks send 25,000 messages each through one bounded channel of 100 to a fifth task",
    fair: "the channel is most of the cost with one worker; all use flume's, which knows no scheduler",
    ..SPAWN_OUTSIDE
};
const MEMORY_PENDING: Row = Row {
    name: "memory-pending-1",
    workload: Workload::Pending,
    contestants: ONE_NO_NAP,
    metrics: &[low("B/task")],
    what: "bytes of each of 100,000 detached tasks that wait for ever: resident anonymous memory, allocator's overhead included",
    fair: "spawned at once they would be counted with the queue they wait in; they come in waves of 100, each polled before the next",
    ..SPAWN_OUTSIDE
};
const MEMORY_SLEEPING: Row = Row {
    name: "memory-sleeping-1",
    workload: Workload::Sleeping,
    contestants: ONE_NET,
    what: "bytes of each of 100,000 detached tasks in a sleep of an hour, timer included",
    fair: "a timer that was never polled may not be registered; all are polled once, in waves of 100",
    ..MEMORY_PENDING
};

/// Every row, in the order of the table.
pub(crate) const ROWS: &[Row] = &[
    SPAWN_OUTSIDE,
    Row { name: "spawn-outside-2", contestants: TWO, ..SPAWN_OUTSIDE },
    SPAWN_WORKER,
    Row { name: "spawn-worker-2", contestants: TWO, quick: true, ..SPAWN_WORKER },
    YIELD,
    Row { name: "yield-2", contestants: TWO, quick: true, ..YIELD },
    PING_PONG,
    Row { name: "ping-pong-2", contestants: TWO, quick: true, ..PING_PONG },
    CHAINED,
    Row { name: "chained-2", contestants: TWO, ..CHAINED },
    MPSC,
    Row { name: "mpsc-2", contestants: TWO, ..MPSC },
    ECHO_64,
    Row { name: "echo64-2", contestants: TWO_ECHO, quick: true, ..ECHO_64 },
    ECHO_512,
    Row { name: "echo512-2", contestants: TWO_ECHO, ..ECHO_512 },
    HYPER,
    Row { name: "hyper64-2", contestants: TWO_NET, ..HYPER },
    IDLE,
    LANES_ROW,
    Row { name: "lanes-1+2", contestants: LANES_1_2, quick: false, ..LANES_ROW },
    TIMERS,
    TIMER_DROP,
    START,
    COLD,
    MEMORY_PENDING,
    MEMORY_SLEEPING,
];
