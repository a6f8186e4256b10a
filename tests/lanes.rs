//! Lanes: who serves which, in what order, and that neither starves.

#[expect(dead_code, reason = "each test file uses what it needs of it")]
mod common;

use std::collections::HashMap;
use std::future::ready;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::time::Duration;

use common::{LIMIT, occupy, receive, runtime, unwatched, within};
use waterwheel::{Priority, Runtime, block_on, spawn_task, yield_now};

/// What ran, in order.
#[derive(Clone, Debug)]
struct Log<T>(Arc<Mutex<Vec<T>>>);

impl<T: Clone> Log<T> {
    fn new() -> Self {
        Self(Arc::default())
    }

    fn push(&self, what: T) {
        self.0.lock().expect("nobody panics with it").push(what);
    }

    fn entries(&self) -> Vec<T> {
        self.0.lock().expect("nobody panics with it").clone()
    }
}

fn thread_name() -> String {
    std::thread::current().name().expect("the runtime names its threads").to_owned()
}

/// Queues so many tasks of each lane while the only worker is held, Low ones first, and gives the
/// lanes in the order in which they are polled then.
fn order_on_one_worker(runtime: &Runtime, low: usize, high: usize) -> Vec<Priority> {
    let log = Log::new();
    let hold = occupy(runtime.handle(), 1);
    let lanes =
        std::iter::repeat_n(Priority::Low, low).chain(std::iter::repeat_n(Priority::High, high));
    let tasks: Vec<_> = lanes
        .map(|lane| {
            let log = log.clone();
            runtime.handle().spawn_with(async move { log.push(lane) }, lane)
        })
        .collect();
    drop(hold);
    tasks.into_iter().for_each(block_on);
    log.entries()
}

#[test]
fn a_worker_begins_with_its_home_lane() {
    within(LIMIT, || {
        let high_home = order_on_one_worker(&unwatched(1, 0), 5, 5);
        assert_eq!(high_home[..5], [Priority::High; 5]);
        assert_eq!(high_home[5..], [Priority::Low; 5]);
        let low_home = order_on_one_worker(&unwatched(0, 1), 5, 5);
        assert_eq!(low_home[..5], [Priority::Low; 5]);
        assert_eq!(low_home[5..], [Priority::High; 5]);
    });
}

#[test]
fn with_both_lanes_full_each_kind_of_worker_starts_a_task_of_its_own() {
    within(LIMIT, || {
        let runtime = unwatched(1, 1);
        let hold = occupy(runtime.handle(), 2);
        let (begun, begins) = mpsc::channel();
        let mut releases = Vec::new();
        // The first High task goes to the reserve, since both workers are busy.
        for lane in [Priority::High, Priority::High, Priority::Low, Priority::Low] {
            let (release, released) = mpsc::channel::<()>();
            releases.push(release);
            let begun = begun.clone();
            let wait = async move {
                begun.send((thread_name(), lane)).expect("the test listens");
                released.recv().unwrap_or(());
            };
            runtime.handle().spawn_with(wait, lane).detach();
        }
        let first: (String, Priority) = receive(&begins);
        assert_eq!(first, ("waterwheel-reserve".to_owned(), Priority::High));
        drop(hold);
        let firsts: HashMap<_, _> = [receive(&begins), receive(&begins)].into();
        assert_eq!(firsts["waterwheel-high-0"], Priority::High);
        assert_eq!(firsts["waterwheel-low-1"], Priority::Low);
    });
}

#[test]
fn within_a_lane_the_order_is_first_in_first_out() {
    within(LIMIT, || {
        for lane in [Priority::High, Priority::Low] {
            for workers in [(1, 0), (0, 1)] {
                let runtime = unwatched(workers.0, workers.1);
                let log = Log::new();
                let hold = occupy(runtime.handle(), 1);
                let tasks: Vec<_> = (0..500)
                    .map(|n| {
                        let log = log.clone();
                        runtime.handle().spawn_with(async move { log.push(n) }, lane)
                    })
                    .collect();
                drop(hold);
                tasks.into_iter().for_each(block_on);
                assert_eq!(log.entries(), (0..500).collect::<Vec<_>>());
            }
        }
    });
}

#[test]
fn tasks_that_a_task_spawns_run_after_it_in_order() {
    within(LIMIT, || {
        let runtime = runtime(0, 1);
        let log = Log::new();
        let inner = log.clone();
        let parent = runtime.handle().spawn(async move {
            let children: Vec<_> = (1..=3)
                .map(|n| {
                    let log = inner.clone();
                    spawn_task!(async move { log.push(n) })
                })
                .collect();
            inner.push(0);
            for child in children {
                child.await;
            }
        });
        block_on(parent);
        assert_eq!(log.entries(), [0, 1, 2, 3]);
    });
}

#[test]
fn two_counters_and_a_task_of_four_steps_take_exactly_seven_polls_in_order() {
    within(LIMIT, || {
        let runtime = unwatched(0, 1);
        let log = Log::new();
        let hold = occupy(runtime.handle(), 1);
        let before = runtime.metrics().lane(Priority::Low).polls;
        let counter = |name: &'static str| {
            let log = log.clone();
            runtime.handle().spawn(async move {
                for n in 1..=3 {
                    log.push((name, n));
                    if n < 3 {
                        yield_now().await;
                    }
                }
            })
        };
        let (one, two) = (counter("one"), counter("two"));
        let steps = log.clone();
        let four = runtime.handle().spawn(async move {
            (1..=4).for_each(|n| steps.push(("four", n)));
        });
        drop(hold);
        block_on(async { (one.await, two.await, four.await) });
        let expected = [
            ("one", 1),
            ("two", 1),
            ("four", 1),
            ("four", 2),
            ("four", 3),
            ("four", 4),
            ("one", 2),
            ("two", 2),
            ("one", 3),
            ("two", 3),
        ];
        assert_eq!(log.entries(), expected);
        assert_eq!(runtime.metrics().lane(Priority::Low).polls - before, 7);
    });
}

#[test]
fn as_many_tasks_block_at_once_as_there_are_workers_and_one_stuck_stops_no_other() {
    within(LIMIT, || {
        let runtime = unwatched(0, 3);
        let meeting = Arc::new(Barrier::new(3));
        let tasks: Vec<_> = (0..9)
            .map(|_| {
                let meeting = Arc::clone(&meeting);
                runtime.handle().spawn(async move { meeting.wait().is_leader() })
            })
            .collect();
        // Three at a time, three times.
        assert_eq!(tasks.into_iter().map(block_on).filter(|leader| *leader).count(), 3);
        let stuck = occupy(runtime.handle(), 1);
        let others: Vec<_> = (0..100).map(|n| runtime.handle().spawn(ready(n))).collect();
        for (n, task) in others.into_iter().enumerate() {
            assert_eq!(block_on(task), n);
        }
        drop(stuck);
    });
}

#[test]
fn a_stuck_worker_keeps_neither_timers_nor_sockets_from_the_others() {
    use waterwheel::net::{TcpListener, TcpStream};
    use waterwheel::time::sleep;
    within(LIMIT, || {
        for round in 0..20 {
            let runtime = unwatched(1, 1);
            if round % 2 == 0 {
                // Whichever worker gets stuck may have held the driver until then.
                block_on(runtime.handle().spawn(async { sleep(Duration::from_millis(1)).await }));
            }
            let stuck = occupy(runtime.handle(), 1);
            let serves = async {
                let listener = TcpListener::bind("127.0.0.1:0").await?;
                let address = listener.local_addr()?;
                let client = spawn_task!(async move { TcpStream::connect(address).await });
                let (server, _) = listener.accept().await?;
                sleep(Duration::from_millis(1)).await;
                drop(server);
                client.await
            };
            block_on(runtime.handle().spawn(serves)).expect("loopback works");
            drop(stuck);
        }
    });
}

#[test]
fn a_task_is_counted_in_its_own_lane() {
    within(LIMIT, || {
        let runtime = runtime(1, 1);
        let polls = |lane| runtime.metrics().lane(lane).polls;
        block_on(runtime.handle().spawn(ready(())));
        assert_eq!((polls(Priority::High), polls(Priority::Low)), (0, 1));
        block_on(runtime.handle().spawn_with(yield_now(), Priority::High));
        assert_eq!((polls(Priority::High), polls(Priority::Low)), (2, 1));
        let runtime = runtime_held();
        let (low, high) = (Priority::Low, Priority::High);
        let queued: Vec<_> =
            [low, low, low, high].map(|lane| runtime.0.handle().spawn_with(ready(()), lane)).into();
        assert_eq!(runtime.0.metrics().lane(low).queue_depth, 3);
        assert_eq!(runtime.0.metrics().lane(high).queue_depth, 1);
        drop(runtime.1);
        queued.into_iter().for_each(block_on);
    });

    fn runtime_held() -> (Runtime, Vec<mpsc::Sender<()>>) {
        let runtime = unwatched(0, 1);
        let hold = occupy(runtime.handle(), 1);
        (runtime, hold)
    }
}

#[test]
fn the_other_lane_has_its_turn_within_sixty_one_ticks() {
    // 61 ticks, and a tick or two of the worker's that polls no task.
    const LONGEST_WAIT: usize = 63;
    // On a clock that stands still all polls are equally long.
    let runtime = |high, low| {
        let builder = Runtime::builder().with_high_num(high).with_low_num(low);
        builder.start_paused(true).replacement_workers(0).build().expect("it can be built")
    };
    within(LIMIT, move || {
        let runs = [
            (order_on_one_worker(&runtime(1, 0), 20, 2_000), Priority::Low),
            (order_on_one_worker(&runtime(0, 1), 2_000, 20), Priority::High),
        ];
        for (order, other) in runs {
            let turns: Vec<usize> =
                order.iter().enumerate().filter(|(_, l)| **l == other).map(|(n, _)| n).collect();
            assert_eq!(turns.len(), 20);
            let mut before = 0;
            for turn in turns {
                assert!(turn - before <= LONGEST_WAIT, "{other:?} waited from {before} to {turn}");
                before = turn;
            }
            assert!(before > 20 * 20, "20 turns took {before} polls: the home lane gets the rest");
        }
    });
}

#[test]
fn the_part_of_the_other_lane_is_a_setting() {
    within(LIMIT, || {
        let polls_until_all_ran = |parts| {
            let builder = Runtime::builder().with_high_num(1).with_low_num(0);
            let builder = builder.lane_share(parts).start_paused(true).replacement_workers(0);
            let runtime = builder.build().expect("it is valid");
            let order = order_on_one_worker(&runtime, 20, 20_000);
            order.iter().rposition(|lane| *lane == Priority::Low).expect("20 of them ran")
        };
        // One poll in four, one in 28, one in 508.
        let (much, plain, little) =
            (polls_until_all_ran(8), polls_until_all_ran(64), polls_until_all_ran(1024));
        assert!(much < 20 * 8 && 20 * 8 < plain && plain < 20 * 64, "{much}, {plain}");
        assert!(20 * 64 < little && little < 20 * 1024, "{little}");
    });
}

#[test]
fn an_endless_stream_of_one_lane_does_not_starve_the_other() {
    within(LIMIT, || {
        for (workers, greedy, patient) in [
            ((1, 0), Priority::High, Priority::Low),
            ((0, 1), Priority::Low, Priority::High),
            ((1, 1), Priority::High, Priority::Low),
            ((1, 1), Priority::Low, Priority::High),
        ] {
            let runtime = runtime(workers.0, workers.1);
            let stop = Arc::new(AtomicBool::new(false));
            let stream: Vec<_> = (0..50)
                .map(|_| {
                    let stop = Arc::clone(&stop);
                    let endless = async move {
                        while !stop.load(Ordering::SeqCst) {
                            yield_now().await;
                        }
                    };
                    runtime.handle().spawn_with(endless, greedy)
                })
                .collect();
            for n in 0..50 {
                let task = runtime.handle().spawn_with(
                    async move {
                        yield_now().await;
                        n
                    },
                    patient,
                );
                assert_eq!(block_on(task), n);
            }
            stop.store(true, Ordering::SeqCst);
            stream.into_iter().for_each(block_on);
        }
    });
}

#[test]
fn a_high_task_runs_although_every_worker_is_inside_a_low_one() {
    within(LIMIT, || {
        let runtime = unwatched(1, 1);
        let hold = occupy(runtime.handle(), 2);
        for _ in 0..100 {
            let high = runtime.handle().spawn_with(
                async {
                    yield_now().await;
                    thread_name()
                },
                Priority::High,
            );
            assert_eq!(block_on(high), "waterwheel-reserve");
        }
        assert_eq!(runtime.metrics().threads(), 3);
        drop(hold);
    });
}

#[test]
fn the_reserve_takes_no_low_task_and_is_not_started_without_need() {
    within(LIMIT, || {
        let runtime = unwatched(1, 1);
        for _ in 0..100 {
            block_on(runtime.handle().spawn(yield_now()));
        }
        assert_eq!(runtime.metrics().threads(), 2);
        let hold = occupy(runtime.handle(), 2);
        let low = runtime.handle().spawn(async { thread_name() });
        block_on(runtime.handle().spawn_with(ready(()), Priority::High));
        assert!(!low.is_finished());
        assert_eq!(runtime.metrics().threads(), 3);
        drop(hold);
        assert_ne!(block_on(low), "waterwheel-reserve");
    });
}

#[test]
fn tasks_of_either_lane_run_where_only_one_lane_has_workers() {
    within(LIMIT, || {
        for workers in [(1, 0), (0, 1), (2, 0), (0, 2)] {
            let runtime = runtime(workers.0, workers.1);
            let tasks: Vec<_> = (0..200)
                .map(|n| {
                    let lane = if n % 2 == 0 { Priority::High } else { Priority::Low };
                    let work = async move {
                        let inner = spawn_task!(yield_now(), Priority::High);
                        let other = spawn_task!(yield_now(), Priority::Low);
                        inner.await;
                        other.await;
                        n
                    };
                    runtime.handle().spawn_with(work, lane)
                })
                .collect();
            for (n, task) in tasks.into_iter().enumerate() {
                assert_eq!(block_on(task), n);
            }
        }
    });
}

#[test]
fn a_high_task_that_waits_for_a_low_one_ends() {
    within(LIMIT, || {
        for workers in [(1, 1), (1, 0), (0, 1)] {
            let runtime = runtime(workers.0, workers.1);
            let high = runtime.handle().spawn_with(
                async {
                    let mut sum = 0;
                    for n in 0..100 {
                        sum += spawn_task!(ready(n)).await;
                    }
                    sum
                },
                Priority::High,
            );
            assert_eq!(block_on(high), 4_950);
        }
    });
}
