//! Draws the pictures of the book: light cards, so that they read the same on every theme, with a
//! pattern for each lane and each state, so that nothing depends on colour.

use std::fmt::Write as _;

#[path = "drawings/lanes.rs"]
mod lanes;

use Arrow::{Dashed, Solid};
use Lane::{High, Low};

/// Whose task or queue something is; each has its own pattern.
#[derive(Clone, Copy)]
enum Lane {
    High,
    Low,
}

#[derive(Clone, Copy)]
enum Arrow {
    Solid,
    Dashed,
}

/// A picture under construction, 720 px wide.
struct Card {
    name: &'static str,
    height: u32,
    title: &'static str,
    desc: &'static str,
    body: String,
}

/// What all pictures share: patterns, arrow heads and text.
const STYLE: &str = r##"<defs>
<pattern id="high" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
<rect width="8" height="8" fill="#ffe3c2"/><rect width="3" height="8" fill="#d9731a"/></pattern>
<pattern id="low" width="8" height="8" patternUnits="userSpaceOnUse">
<rect width="8" height="8" fill="#d8e8f6"/><circle cx="4" cy="4" r="1.7" fill="#2f6ea8"/></pattern>
<pattern id="stuck" width="9" height="9" patternUnits="userSpaceOnUse">
<rect width="9" height="9" fill="#f3d6d6"/><path d="M0 0L9 9M9 0L0 9" stroke="#a33" stroke-width="1.2"/></pattern>
<marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto">
<path d="M0 0L10 5L0 10z" fill="#333"/></marker>
</defs>
<style>text{font-family:sans-serif;fill:#222}.small{font-size:13px}.plain{font-size:15px}
.box{stroke:#333;stroke-width:1.5}.line{stroke:#333;stroke-width:1.8;fill:none;marker-end:url(#head)}
.dash{stroke-dasharray:7 5}</style>
"##;

impl Card {
    fn new(name: &'static str, height: u32, title: &'static str, desc: &'static str) -> Self {
        Self { name, height, title, desc, body: String::new() }
    }

    fn push(&mut self, element: std::fmt::Arguments<'_>) {
        self.body.write_fmt(element).expect("a String takes any text");
        self.body.push('\n');
    }

    fn text(&mut self, x: u32, y: u32, class: &str, text: &str) {
        self.push(format_args!(r#"<text x="{x}" y="{y}" class="{class}">{text}</text>"#));
    }

    fn middle(&mut self, x: u32, y: u32, class: &str, text: &str) {
        let anchor = "text-anchor=\"middle\"";
        self.push(format_args!(r#"<text x="{x}" y="{y}" class="{class}" {anchor}>{text}</text>"#));
    }

    fn rect(&mut self, at: (u32, u32), size: (u32, u32), fill: &str) {
        let ((x, y), (w, h)) = (at, size);
        self.push(format_args!(
            r#"<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="5" fill="{fill}" class="box"/>"#
        ));
    }

    /// A queue of `tasks` in a row of `cells`; the front is on the right.
    fn queue(&mut self, at: (u32, u32), label: &str, lane: Lane, tasks: u32, cells: u32) {
        let (x, y) = at;
        self.text(x, y - 9, "small", label);
        for cell in 0..cells {
            let fill = match (cell + tasks >= cells, lane) {
                (false, _) => "#ffffff",
                (true, High) => "url(#high)",
                (true, Low) => "url(#low)",
            };
            self.rect((x + cell * 30, y), (30, 30), fill);
        }
    }

    fn worker(&mut self, at: (u32, u32), name: &str, state: &str, fill: &str) {
        let (x, y) = at;
        self.rect((x, y), (170, 50), fill);
        self.rect((x + 6, y + 6), (158, 38), "#ffffff");
        self.middle(x + 85, y + 22, "plain", name);
        self.middle(x + 85, y + 38, "small", state);
    }

    fn arrow(&mut self, from: (u32, u32), to: (u32, u32), kind: Arrow) {
        let ((x1, y1), (x2, y2)) = (from, to);
        let class = if matches!(kind, Dashed) { "line dash" } else { "line" };
        self.push(format_args!(r#"<path class="{class}" d="M{x1} {y1}L{x2} {y2}"/>"#));
    }

    /// An arrow that leaves downwards, runs level at `low`, and comes up again.
    fn under(&mut self, from: (u32, u32), low: u32, to: (u32, u32), kind: Arrow) {
        let ((x1, y1), (x2, y2)) = (from, to);
        let class = if matches!(kind, Dashed) { "line dash" } else { "line" };
        self.push(format_args!(r#"<path class="{class}" d="M{x1} {y1}V{low}H{x2}V{y2}"/>"#));
    }

    fn done(self) -> (String, String) {
        let Self { name, height, title, desc, body } = self;
        let svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 {height}\" role=\"img\" \
             font-size=\"15\">\n<title>{title}</title>\n<desc>{desc}</desc>\n{STYLE}\
             <rect x=\"1\" y=\"1\" width=\"718\" height=\"{}\" rx=\"10\" fill=\"#fbfaf6\" \
             stroke=\"#999\"/>\n{body}</svg>\n",
            height - 2
        );
        (format!("book/src/pictures/{name}.svg"), svg)
    }
}

/// Every picture that this module draws.
pub(crate) fn all() -> Vec<(String, String)> {
    vec![
        turn(),
        one_queue(),
        workers(),
        two_queues(),
        stealing(),
        ours(),
        steal_half(),
        holder(),
        lanes::both_full(),
        lanes::account(),
        replacement(),
        transitions(),
    ]
}

fn turn() -> (String, String) {
    let mut card = Card::new(
        "ch03_0_turn",
        210,
        "One turn of a task",
        "A task lies in the queue, is polled by a worker, and is either ready, which ends it, or \
         pending, which parks it until something wakes it: waking puts it back into the queue.",
    );
    card.rect((30, 50), (150, 60), "url(#low)");
    card.rect((38, 58), (134, 44), "#ffffff");
    card.middle(105, 85, "plain", "in the queue");
    card.rect((280, 50), (150, 60), "#e9e3f5");
    card.middle(355, 85, "plain", "being polled");
    card.rect((540, 25), (150, 50), "#dff0dc");
    card.middle(615, 55, "plain", "ready: it ends");
    card.rect((540, 100), (150, 50), "#ffffff");
    card.middle(615, 130, "plain", "pending: parked");
    card.arrow((180, 80), (278, 80), Solid);
    card.middle(229, 70, "small", "1 poll");
    card.arrow((430, 68), (538, 50), Solid);
    card.middle(480, 45, "small", "2 Ready");
    card.arrow((430, 95), (538, 122), Solid);
    card.middle(475, 125, "small", "3 Pending");
    card.under((615, 150), 180, (105, 112), Solid);
    card.middle(
        360,
        198,
        "small",
        "4 wake: somebody calls the waker, and the task is queued again",
    );
    card.done()
}

fn one_queue() -> (String, String) {
    let mut card = Card::new(
        "ch03_1_one_queue",
        170,
        "One queue, one worker",
        "Tasks enter on the left and leave on the right. The only worker is blocked by the task it \
         polls, so the three tasks behind it wait.",
    );
    card.queue((190, 60), "queue", Low, 3, 7);
    card.arrow((60, 75), (186, 75), Solid);
    card.middle(120, 65, "small", "spawn, wake");
    card.arrow((400, 75), (498, 75), Solid);
    card.middle(450, 65, "small", "poll");
    card.worker((502, 50), "worker", "blocked by asker", "url(#stuck)");
    card.text(190, 130, "small", "teller, north and south wait, although the machine is idle");
    card.done()
}

fn workers() -> (String, String) {
    let mut card = Card::new(
        "ch03_2_workers",
        200,
        "One queue, two workers",
        "Two workers take from the same queue. One is blocked, the other goes on. An urgent task \
         has entered last and is polled last.",
    );
    card.queue((190, 75), "queue", Low, 7, 7);
    card.rect((190, 75), (30, 30), "url(#high)");
    card.arrow((60, 90), (186, 90), Solid);
    card.middle(120, 80, "small", "spawn, wake");
    card.arrow((400, 84), (498, 55), Solid);
    card.arrow((400, 96), (498, 125), Solid);
    card.worker((502, 30), "worker", "blocked by asker", "url(#stuck)");
    card.worker((502, 105), "worker", "runs all the others", "#e9e3f5");
    card.text(176, 135, "small", "an urgent task (striped)");
    card.text(176, 153, "small", "stands behind the ordinary ones");
    card.done()
}

fn two_queues() -> (String, String) {
    let mut card = Card::new(
        "ch03_3_two_queues",
        220,
        "Two lanes, a worker each",
        "The High lane holds one task and its worker takes it at once. Then the High worker is idle, \
         while the Low lane is full and has one worker only.",
    );
    card.queue((190, 50), "lane High", High, 1, 7);
    card.queue((190, 145), "lane Low", Low, 7, 7);
    for (y, label) in [(65, "spawn High"), (160, "spawn Low")] {
        card.arrow((60, y), (186, y), Solid);
        card.middle(120, y - 10, "small", label);
        card.arrow((400, y), (498, y), Solid);
    }
    card.worker((502, 40), "high worker", "soon idle", "url(#high)");
    card.worker((502, 135), "low worker", "1,000 tasks to go", "url(#low)");
    card.done()
}

fn stealing() -> (String, String) {
    let mut card = Card::new(
        "ch03_4_stealing",
        245,
        "Two lanes, and workers that look into both",
        "Each worker takes from its home lane first (solid arrow) and from the other lane when its \
         own is empty (dashed arrow). When both are empty it sleeps 100 ms and looks again.",
    );
    card.queue((190, 50), "lane High", High, 0, 7);
    card.queue((190, 145), "lane Low", Low, 7, 7);
    for (y, label) in [(65, "spawn High"), (160, "spawn Low")] {
        card.arrow((60, y), (186, y), Solid);
        card.middle(120, y - 10, "small", label);
        card.arrow((400, y), (498, y), Solid);
    }
    card.arrow((400, 150), (498, 80), Dashed);
    card.arrow((400, 75), (498, 145), Dashed);
    card.worker((502, 40), "high worker", "steals from Low", "url(#high)");
    card.worker((502, 135), "low worker", "home lane: Low", "url(#low)");
    card.text(190, 222, "small", "both lanes empty: sleep 100 ms, look again, for ever");
    card.done()
}

fn ours() -> (String, String) {
    let mut card = Card::new(
        "ch03_9_ours",
        330,
        "The same picture in Waterwheel",
        "Each lane keeps one flume channel, now only as its entrance. Every worker has run queues \
         of its own; others steal half of one. A worker without work is parked, not napping, and \
         one of the parked workers waits in the driver for sockets and timers.",
    );
    card.queue((150, 60), "injector High (flume)", High, 1, 4);
    card.queue((150, 215), "injector Low (flume)", Low, 3, 4);
    for (y, label) in [(75, "from outside"), (230, "from outside")] {
        card.arrow((30, y), (146, y), Solid);
        card.middle(85, y - 10, "small", label);
    }
    card.queue((330, 60), "its run queues", High, 2, 4);
    card.queue((330, 215), "its run queues", Low, 4, 4);
    card.arrow((270, 75), (328, 75), Solid);
    card.arrow((270, 230), (328, 230), Solid);
    card.arrow((450, 75), (508, 75), Solid);
    card.arrow((450, 230), (508, 230), Solid);
    card.worker((512, 50), "high worker", "polls", "url(#high)");
    card.worker((512, 205), "low worker", "polls", "url(#low)");
    card.arrow((440, 211), (440, 96), Dashed);
    card.text(305, 150, "small", "adopt: take half");
    card.text(305, 167, "small", "when High is empty");
    card.rect((512, 120), (170, 50), "#ffffff");
    card.middle(597, 140, "plain", "driver");
    card.middle(597, 158, "small", "held by whoever is idle");
    card.text(150, 290, "small", "a worker that finds nothing parks: no nap, no polling loop;");
    card.text(150, 308, "small", "whoever queues a task unparks one");
    card.done()
}

fn steal_half() -> (String, String) {
    let mut card = Card::new(
        "ch12_steal_half",
        330,
        "Steal half, before and after",
        "Before: the first worker has eight tasks queued, the second none. The second takes four from \
         the front in one go. After: it polls the oldest one and has three more, the first has four; \
         neither needs the other again for a while.",
    );
    for (y, tasks, title) in [(55, 8, "before"), (195, 4, "after")] {
        card.text(20, y + 20, "plain", title);
        card.queue((100, y), "first worker's queue", Low, tasks, 8);
        card.arrow((340, y + 15), (508, y + 15), Solid);
        card.middle(424, y + 8, "small", "pop: the front");
        card.worker((512, y - 10), "first worker", "polls", "url(#low)");
    }
    card.push(format_args!(
        r##"<path d="M222 90V98H338V90" fill="none" stroke="#333" stroke-width="1.8"/>"##
    ));
    card.push(format_args!(r#"<path class="line dash" d="M280 98V135H508"/>"#));
    card.text(100, 128, "small", "steal the older half,");
    card.text(100, 145, "small", "poll the oldest of it");
    card.worker((512, 110), "second worker", "has nothing: searches", "#ffffff");
    card.queue((100, 265), "second worker's queue", Low, 3, 8);
    card.arrow((340, 280), (508, 280), Solid);
    card.middle(424, 273, "small", "pop: the front");
    card.worker((512, 255), "second worker", "polls the oldest", "url(#low)");
    card.done()
}

fn holder() -> (String, String) {
    let mut card = Card::new(
        "ch14_holder",
        395,
        "Who holds the driver over time",
        "Rung 6: the worker that leaves the driver is stuck in a poll, the other one sleeps on its \
         condition variable, nobody holds the driver, and the second byte is not noticed. Rung 7: \
         whoever leaves wakes the other one, which holds the driver, notices the second byte and \
         polls its task.",
    );
    for (y, title) in [(50, "rung 6"), (220, "rung 7")] {
        card.text(20, y - 12, "plain", title);
        card.text(20, y + 21, "small", "first worker");
        card.text(20, y + 66, "small", "second worker");
        card.rect((130, y), (130, 32), "url(#high)");
        card.rect((136, y + 6), (118, 20), "#ffffff");
        card.middle(195, y + 21, "small", "holds the driver");
        card.rect((260, y), (430, 32), "url(#stuck)");
        card.rect((300, y + 6), (230, 20), "#ffffff");
        card.middle(415, y + 21, "small", "polls the first task: it is stuck");
    }
    card.rect((130, 95), (560, 32), "#ffffff");
    card.middle(300, 116, "small", "sleeps on its condition variable");
    card.middle(565, 145, "small", "nobody holds the driver: the byte waits");
    card.rect((130, 265), (150, 32), "#ffffff");
    card.middle(205, 286, "small", "sleeps");
    card.rect((280, 265), (180, 32), "url(#high)");
    card.rect((286, 271), (168, 20), "#ffffff");
    card.middle(370, 286, "small", "holds the driver");
    card.rect((460, 265), (130, 32), "url(#low)");
    card.rect((466, 271), (118, 20), "#ffffff");
    card.middle(525, 286, "small", "polls the second");
    card.rect((590, 265), (100, 32), "url(#high)");
    card.rect((596, 271), (88, 20), "#ffffff");
    card.middle(640, 286, "small", "holds it");
    card.arrow((268, 252), (282, 264), Dashed);
    card.text(300, 316, "small", "unparked by the first: be the holder");
    for y in [175, 335] {
        card.arrow((260, y + 12), (260, y - 12), Solid);
        card.arrow((460, y + 12), (460, y - 12), Solid);
        card.middle(260, y + 26, "small", "first byte");
        card.middle(460, y + 26, "small", "second byte");
    }
    card.text(590, 382, "small", "time goes right");
    card.done()
}

fn replacement() -> (String, String) {
    let mut card = Card::new(
        "ch17_replacement",
        330,
        "A stuck worker, its replacement, and the return",
        "A worker polls short tasks, then one whose poll does not return. The watchdog looks every 5 ms; \
         after two whole pauses without a change it reports the poll and starts a replacement, which \
         polls what was queued and holds the driver. When the poll returns, the next look tells the \
         replacement to retire; it gives back what it has queued, and the worker goes on.",
    );
    card.text(20, 66, "small", "worker");
    for x in [110, 142, 174] {
        card.rect((x, 45), (30, 32), "url(#low)");
    }
    card.rect((206, 45), (356, 32), "url(#stuck)");
    card.rect((284, 51), (200, 20), "#ffffff");
    card.middle(384, 66, "small", "a poll that does not return");
    for x in [562, 594, 626, 658] {
        card.rect((x, 45), (30, 32), "url(#low)");
    }
    card.text(20, 151, "small", "watchdog");
    card.push(format_args!(r##"<path d="M110 146H700" stroke="#333" stroke-width="1.5"/>"##));
    for x in [130, 210, 290, 370, 450, 530, 610] {
        card.push(format_args!(r##"<circle cx="{x}" cy="146" r="5" fill="#333"/>"##));
    }
    for (x, word) in [(130, "moved"), (210, "moved"), (290, "same"), (370, "slow!"), (610, "moved")]
    {
        card.middle(x, 131, "small", word);
    }
    card.middle(250, 172, "small", "a pause: 5 ms");
    card.text(20, 236, "small", "replacement");
    card.rect((380, 215), (60, 32), "#ffffff");
    card.middle(410, 236, "small", "starts");
    for x in [440, 472, 504] {
        card.rect((x, 215), (30, 32), "url(#low)");
    }
    card.rect((534, 215), (84, 32), "url(#high)");
    card.rect((540, 221), (72, 20), "#ffffff");
    card.middle(576, 236, "small", "driver");
    card.rect((618, 215), (60, 32), "#ffffff");
    card.middle(648, 236, "small", "retires");
    card.arrow((370, 153), (386, 211), Solid);
    card.arrow((610, 153), (624, 211), Solid);
    card.text(440, 270, "small", "what was queued, and the sockets");
    card.text(
        110,
        300,
        "small",
        "reported with name, site and lane at the fourth look; queued tasks and LIFO slot: open",
    );
    card.text(
        110,
        318,
        "small",
        "to everybody. It sleeps without a time-out while somebody else idles.",
    );
    card.done()
}

fn transitions() -> (String, String) {
    let mut card = Card::new(
        "ch18_transitions",
        330,
        "The states of a task and the six ways between them",
        "A task is scheduled, running, or waiting. It leaves in two ways only: it finishes, or it is \
         cancelled; in both its future is dropped before anybody hears of the end.",
    );
    card.rect((40, 120), (150, 50), "url(#low)");
    card.rect((46, 126), (138, 38), "#ffffff");
    card.middle(115, 150, "plain", "scheduled");
    card.rect((290, 120), (150, 50), "#e9e3f5");
    card.middle(365, 150, "plain", "running");
    card.rect((540, 120), (150, 50), "#dff0dc");
    card.middle(615, 150, "plain", "finished");
    card.rect((290, 250), (150, 50), "#ffffff");
    card.middle(365, 280, "plain", "waiting");
    card.rect((290, 20), (150, 50), "url(#stuck)");
    card.rect((296, 26), (138, 38), "#ffffff");
    card.middle(365, 50, "plain", "cancelled");
    card.arrow((115, 70), (115, 117), Solid);
    card.middle(115, 58, "small", "1 spawned");
    card.arrow((190, 145), (287, 145), Solid);
    card.middle(238, 135, "small", "2 polled");
    card.arrow((365, 170), (365, 247), Solid);
    card.text(375, 213, "small", "3 pending, nobody woke it");
    card.push(format_args!(r#"<path class="line" d="M290 275H90V173"/>"#));
    card.middle(190, 295, "small", "4 woken");
    card.under((310, 170), 212, (150, 173), Solid);
    card.middle(230, 204, "small", "4 woken while running");
    card.arrow((440, 145), (537, 145), Solid);
    card.middle(488, 135, "small", "5 ready, or");
    card.middle(488, 165, "small", "a panic");
    card.arrow((365, 120), (365, 73), Dashed);
    card.arrow((180, 118), (287, 62), Dashed);
    card.text(375, 100, "small", "6 cancelled: dropped by whoever runs it next");
    card.done()
}
