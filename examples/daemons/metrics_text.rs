//! `/metrics`: the counters in Prometheus's text format.

use std::fmt::{self, Write};

use waterwheel::daemon::State;
use waterwheel::{Histogram, LaneMetrics, Metrics, Priority, WorkerMetrics};

use crate::shared::Shared;

/// All metrics, each with its help and type.
pub fn render(shared: &Shared, metrics: &Metrics) -> String {
    let mut text = Exposition(String::new());
    lanes(&mut text, metrics);
    workers(&mut text, metrics);
    services(&mut text, shared);
    daemons(&mut text, shared);
    process(&mut text, shared);
    text.0
}

struct Exposition(String);

impl Exposition {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}"));
    }

    fn line(&mut self, line: fmt::Arguments<'_>) {
        writeln!(self.0, "{line}").expect("writing to a String does not fail");
    }

    fn single(&mut self, name: &str, kind: &str, help: &str, value: impl fmt::Display) {
        self.family(name, kind, help);
        self.line(format_args!("{name} {value}"));
    }
}

fn lanes(text: &mut Exposition, metrics: &Metrics) {
    type Value = fn(&LaneMetrics) -> u64;
    let name = "waterwheel_tasks_total";
    text.family(name, "counter", "Tasks spawned.");
    for lane in Priority::ALL {
        text.line(format_args!("{name}{{lane=\"{lane}\"}} {}", metrics.spawned(lane)));
    }
    let families: [(&str, &str, &str, Value); 4] = [
        ("waterwheel_polls_total", "counter", "Times a task was polled.", |lane| lane.polls),
        ("waterwheel_slow_polls_total", "counter", "Polls that were too long.", |lane| {
            lane.slow_polls
        }),
        ("waterwheel_steals_total", "counter", "Times work was stolen.", |lane| lane.steals),
        ("waterwheel_queue_depth", "gauge", "Tasks waiting to be polled.", |lane| lane.queue_depth),
    ];
    for (name, kind, help, value) in families {
        text.family(name, kind, help);
        for lane in Priority::ALL {
            text.line(format_args!("{name}{{lane=\"{lane}\"}} {}", value(metrics.lane(lane))));
        }
    }
    text.single("waterwheel_tasks_live", "gauge", "Tasks that exist.", metrics.tasks_live());
    type Times = fn(&LaneMetrics) -> &Histogram;
    let summaries: [(&str, &str, Times); 2] = [
        ("waterwheel_wake_to_poll_seconds", "From a wake-up to the poll.", |of| &of.wake_to_poll),
        ("waterwheel_poll_seconds", "How long that poll took.", |of| &of.poll_time),
    ];
    for (name, help, times) in summaries {
        text.family(name, "summary", &format!("{help} Of a sample."));
        for lane in Priority::ALL {
            let times = times(metrics.lane(lane));
            for q in [0.5, 0.99] {
                if let Some(time) = times.quantile(q) {
                    let time = time.as_secs_f64();
                    text.line(format_args!("{name}{{lane=\"{lane}\",quantile=\"{q}\"}} {time}"));
                }
            }
            text.line(format_args!("{name}_count{{lane=\"{lane}\"}} {}", times.count()));
        }
    }
}

fn workers(text: &mut Exposition, metrics: &Metrics) {
    type Value = fn(&WorkerMetrics) -> u64;
    let families: [(&str, &str, Value); 4] = [
        ("waterwheel_worker_polls_total", "Polls a worker made.", |worker| {
            Priority::ALL.into_iter().map(|lane| worker.lane(lane).polls).sum()
        }),
        ("waterwheel_worker_parks_total", "Times it went to sleep.", |worker| worker.parks),
        ("waterwheel_worker_unparks_total", "Times it was woken.", |worker| worker.unparks),
        ("waterwheel_worker_driver_turns_total", "Passes over sockets and timers.", |worker| {
            worker.driver_turns
        }),
    ];
    for (name, help, value) in families {
        text.family(name, "counter", help);
        for worker in metrics.per_worker() {
            let WorkerMetrics { number, role, .. } = worker;
            let value = value(worker);
            text.line(format_args!("{name}{{worker=\"{number}\",role=\"{role}\"}} {value}"));
        }
    }
}

fn services(text: &mut Exposition, shared: &Shared) {
    for (name, help, counter) in [
        ("echo_connections_total", "Connections echo accepted.", &shared.echo_connections),
        ("echo_bytes_total", "Bytes echo sent back.", &shared.echo_bytes),
        ("http_requests_total", "Requests for this page and the other.", &shared.http_requests),
        ("traffic_requests_total", "Requests traffic sent.", &shared.requests_sent),
        ("traffic_answers_total", "Answers traffic got.", &shared.requests_answered),
        ("grind_tasks_total", "CPU-bound tasks done.", &shared.ground),
        ("watch_events_total", "File events seen.", &shared.file_events),
    ] {
        text.single(name, "counter", help, counter.get());
    }
    let name = "traffic_latency_seconds";
    text.family(name, "summary", "From when a request was due to its answer.");
    let latency = shared.latency.snapshot();
    for (percent, quantile) in [(50, "0.5"), (99, "0.99")] {
        if let Some(took) = latency.percentile(percent) {
            text.line(format_args!("{name}{{quantile=\"{quantile}\"}} {}", took.as_secs_f64()));
        }
    }
    text.line(format_args!("{name}_count {}", latency.total()));
}

fn daemons(text: &mut Exposition, shared: &Shared) {
    let report = shared.report();
    text.family("daemon_up", "gauge", "Whether the daemon is running.");
    for daemon in report.daemons() {
        let up = u8::from(daemon.state == State::Running);
        text.line(format_args!("daemon_up{{daemon=\"{}\"}} {up}", daemon.name));
    }
    text.family("daemon_starts_total", "counter", "Times the daemon was started.");
    for daemon in report.daemons() {
        let starts = daemon.starts;
        text.line(format_args!("daemon_starts_total{{daemon=\"{}\"}} {starts}", daemon.name));
    }
}

/// Under the names that Prometheus's own clients use.
fn process(text: &mut Exposition, shared: &Shared) {
    let uptime = shared.started.elapsed().as_secs_f64();
    text.single("process_uptime_seconds", "gauge", "Since the program started.", uptime);
    let Some(last) = shared.samples().last().copied() else { return };
    if let Some(cpu) = last.cpu {
        let cpu = cpu.as_secs_f64();
        text.single("process_cpu_seconds_total", "counter", "CPU time used.", cpu);
    }
    if let Some(memory) = last.memory {
        text.single("process_resident_memory_bytes", "gauge", "Resident memory.", memory);
    }
    if let Some(descriptors) = last.descriptors {
        text.single("process_open_fds", "gauge", "Open descriptors.", descriptors);
    }
}
