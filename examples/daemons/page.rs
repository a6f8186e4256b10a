//! `/`: the status page. One file without references to anything else; it refreshes itself each
//! second, and follows the reader's light or dark theme.

use std::fmt::Write;
use std::time::Duration;

use waterwheel::daemon::State;
use waterwheel::{LaneMetrics, Metrics, Priority};

use crate::lines::{grouped, mebibytes, millis};
use crate::shared::Shared;
use crate::vitals::Vitals;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The whole page.
pub fn render(shared: &Shared, metrics: &Metrics) -> String {
    let uptime = shared.started.elapsed().as_secs();
    let samples = shared.samples();
    let (cards, lanes, workers) = (cards(shared, &samples), lanes(metrics), workers(metrics));
    let (daemons, services) = (daemons(shared), services(shared));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <noscript><meta http-equiv=\"refresh\" content=\"2\"></noscript>\n\
         <link rel=\"icon\" href=\"data:,\">\n\
         <title>Waterwheel daemons</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <main>\n<header><h1>Waterwheel daemons</h1>\
         <p>up {uptime} s on {homes} workers · <a href=\"/metrics\">metrics</a></p></header>\n\
         {cards}\n<h2>Lanes</h2>\n{lanes}\n<h2>Workers</h2>\n{workers}\n<h2>Daemons</h2>\n{daemons}\n<h2>Services</h2>\n\
         {services}\n</main>\n\
         <p id=\"gone\" hidden>The daemons have stopped; these are their last numbers.</p>\n\
         <script>\n{SCRIPT}</script>\n</body>\n</html>\n",
        homes = Priority::ALL.map(|home| metrics.workers(home)).iter().sum::<usize>(),
    )
}

/// The numbers of the last second, each with a minute's picture.
fn cards(shared: &Shared, samples: &[Vitals]) -> String {
    let Some(last) = samples.last() else {
        return "<p>No sample yet: the sampler takes one each second, if it is hosted.</p>".into();
    };
    let or_dash = |value: Option<String>| value.unwrap_or_else(|| "–".into());
    let series = |value: fn(&Vitals) -> Option<f64>| {
        samples.iter().map(|sample| value(sample).unwrap_or(0.0)).collect::<Vec<_>>()
    };
    let whole_time = shared.latency.snapshot();
    let all = or_dash(whole_time.percentile(99).map(millis));
    let cards = [
        card(
            "echo, 99 % within",
            &or_dash(last.p99_ms.map(|ms| millis(Duration::from_secs_f64(ms / 1e3)))),
            &format!("from due to answered; {all} since the start"),
            &series(|sample| sample.p99_ms),
        ),
        card(
            "answers a second",
            &grouped(last.answered),
            &format!("{} in all", grouped(shared.requests_answered.get())),
            &series(|sample| u32::try_from(sample.answered).ok().map(f64::from)),
        ),
        card(
            "CPU",
            &or_dash(last.cpu_percent.map(|percent| format!("{percent:.0} %"))),
            "100 % is one core",
            &series(|sample| sample.cpu_percent),
        ),
        card(
            "memory",
            &or_dash(last.memory.map(mebibytes)),
            &or_dash(last.descriptors.map(|open| format!("{open} descriptors"))),
            &series(|sample| {
                sample.memory.and_then(|m| u32::try_from(m / 1024).ok()).map(f64::from)
            }),
        ),
    ];
    format!("<section class=\"cards\">{}</section>", cards.concat())
}

fn card(title: &str, value: &str, note: &str, series: &[f64]) -> String {
    let picture = sparkline(title, series);
    format!("<article><h3>{title}</h3><p class=\"big\">{value}</p>{picture}<p>{note}</p></article>")
}

/// A line over the last minute; its top is the largest value.
fn sparkline(title: &str, series: &[f64]) -> String {
    const WIDTH: f64 = 180.0;
    const HEIGHT: f64 = 36.0;
    let top = series.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let last = u32::try_from(series.len()).unwrap_or(u32::MAX).saturating_sub(1).max(1);
    let points = series.iter().zip(0_u32..).map(|(value, i)| {
        let x = f64::from(i) * WIDTH / f64::from(last);
        format!("{x:.1},{:.1}", HEIGHT - 1.0 - (HEIGHT - 2.0) * value / top)
    });
    let points = points.collect::<Vec<_>>().join(" ");
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" preserveAspectRatio=\"none\">\
         <title>{title}: the last minute</title><polyline points=\"{points}\"/></svg>"
    )
}

fn lanes(metrics: &Metrics) -> String {
    let rows = Priority::ALL.map(|priority| {
        let lane = metrics.lane(priority);
        let wait = |q| lane.wake_to_poll.quantile(q).map_or_else(|| "–".into(), millis);
        vec![
            priority.to_string(),
            grouped(metrics.spawned(priority)),
            grouped(lane.queue_depth),
            grouped(lane.polls),
            grouped(lane.steals),
            wait(0.5),
            wait(0.99),
            grouped(lane.wake_to_poll.count()),
        ]
    });
    let head =
        ["lane", "tasks", "waiting", "polls", "steals", "wake to poll, 50 %", "99 %", "samples"];
    table(&head, &rows)
}

fn workers(metrics: &Metrics) -> String {
    let rows: Vec<_> = metrics
        .per_worker()
        .iter()
        .map(|worker| {
            let both = |of: fn(&LaneMetrics) -> u64| {
                grouped(Priority::ALL.into_iter().map(|lane| of(worker.lane(lane))).sum())
            };
            vec![
                format!("{} ({})", worker.number, worker.role),
                grouped(worker.lane(Priority::High).polls),
                grouped(worker.lane(Priority::Low).polls),
                both(|lane| lane.steals),
                both(|lane| lane.slow_polls),
                grouped(worker.parks),
                grouped(worker.unparks),
                grouped(worker.driver_turns),
            ]
        })
        .collect();
    let head = [
        "worker (home)",
        "polls of High",
        "of Low",
        "steals",
        "slow polls",
        "went to sleep",
        "was woken",
        "driver turns",
    ];
    table(&head, &rows)
}

fn daemons(shared: &Shared) -> String {
    let report = shared.report();
    let rows: Vec<_> = report
        .daemons()
        .iter()
        .map(|daemon| {
            let mark = match daemon.state {
                State::Running | State::Finished | State::Stopped => "good",
                State::Restarting => "fair",
                State::Idle => "idle",
                _ => "bad",
            };
            vec![
                escaped(&daemon.name),
                format!("<span class=\"mark {mark}\">{}</span>", daemon.state),
                daemon.starts.to_string(),
                daemon.restarts().to_string(),
                daemon.last_error.as_deref().map_or_else(|| "–".into(), escaped),
            ]
        })
        .collect();
    table(&["daemon", "state", "starts", "restarts", "last error"], &rows)
}

fn services(shared: &Shared) -> String {
    let address = |address: Option<&std::net::SocketAddr>| {
        address.map_or_else(|| "–".into(), ToString::to_string)
    };
    let rows = [
        ("echo listens on", address(shared.echo_address.get())),
        ("echo connections", grouped(shared.echo_connections.get())),
        ("echo bytes", grouped(shared.echo_bytes.get())),
        ("requests sent by traffic", grouped(shared.requests_sent.get())),
        ("slowest answer", millis(shared.latency.max())),
        ("tasks of 50 µs ground", grouped(shared.ground.get())),
        ("file events seen", grouped(shared.file_events.get())),
        ("requests to this server", grouped(shared.http_requests.get())),
    ];
    let rows: Vec<_> = rows.into_iter().map(|(what, n)| vec![what.to_owned(), n]).collect();
    table(&["what", "so far"], &rows)
}

/// A table of cells that are HTML already.
fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut html = String::from("<div class=\"wide\"><table><thead><tr>");
    let mut write = |text: &str| html.push_str(text);
    head.iter().for_each(|title| write(&format!("<th>{title}</th>")));
    write("</tr></thead><tbody>");
    for row in rows {
        write("<tr>");
        row.iter().for_each(|cell| write(&format!("<td>{cell}</td>")));
        write("</tr>");
    }
    write("</tbody></table></div>");
    html
}

/// Text that may hold anything, as HTML.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' | '>' | '&' | '"' => {
                write!(html, "&#{};", u32::from(c)).expect("writing to a String does not fail");
            }
            _ => html.push(c),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_that_looks_like_html_is_shown_and_not_obeyed() {
        assert_eq!(escaped("a<b>&\"c\""), "a&#60;b&#62;&#38;&#34;c&#34;");
    }

    #[test]
    fn a_sparkline_of_nothing_or_of_zeros_is_still_one() {
        for series in [&[][..], &[0.0], &[0.0, 0.0]] {
            let svg = sparkline("x", series);
            assert!(svg.contains("<polyline") && !svg.contains("NaN") && !svg.contains("inf"));
        }
    }
}
