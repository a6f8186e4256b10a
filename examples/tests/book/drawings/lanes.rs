//! The pictures of chapter 16: two lanes on the workers' time, and an account of it.

use super::{Arrow::Solid, Card};

const HIGH: &str = "url(#high)";
const LOW: &str = "url(#low)";

pub(super) fn both_full() -> (String, String) {
    let mut card = Card::new(
        "ch16_both_full",
        330,
        "Both lanes full, one worker of each and the reserve",
        "The High-home worker polls High tasks and, about one part in 28 of its time, a Low one. The \
         Low-home worker polls Low tasks and now and then a High one. While the High-home worker is \
         in its Low poll, a High task that comes is polled by the reserve, at once.",
    );
    let rows = [(60, "High-home worker", HIGH, LOW, 300), (130, "Low-home worker", LOW, HIGH, 480)];
    for (y, name, home, other, turn) in rows {
        card.text(20, y + 21, "small", name);
        for x in (150..690).step_by(30) {
            card.rect((x, y), (30, 32), if (turn..turn + 60).contains(&x) { other } else { home });
        }
    }
    card.text(20, 221, "small", "reserve");
    card.rect((150, 200), (190, 32), "#ffffff");
    card.middle(245, 221, "small", "sleeps");
    card.rect((340, 200), (30, 32), HIGH);
    card.rect((370, 200), (320, 32), "#ffffff");
    card.middle(530, 221, "small", "sleeps");
    card.middle(330, 50, "small", "Low's turn");
    card.middle(510, 120, "small", "High's turn");
    card.arrow((355, 260), (355, 235), Solid);
    card.middle(355, 275, "small", "a High task comes while every High-home worker is busy");
    card.rect((150, 293), (30, 20), HIGH);
    card.text(188, 308, "small", "a poll of lane High");
    card.rect((360, 293), (30, 20), LOW);
    card.text(398, 308, "small", "a poll of lane Low");
    card.text(590, 308, "small", "time goes right");
    card.done()
}

/// A worker's polls on an account with these: pixels for time, drawn as they come.
pub(super) fn account() -> (String, String) {
    const RATE: i32 = 27;
    const LONGEST: i32 = 10;
    const ZERO: i32 = 190;
    let mut card = Card::new(
        "ch16_account",
        330,
        "The credit of the other lane over a time of 64 longest polls",
        "The credit rises slowly while the home lane is polled and falls steeply in a turn of the \
         other lane. It is never lower than one longest poll of debt, and never much above zero: so \
         no time of 64 longest polls passes without as much as one of them for the other lane.",
    );
    // In 1 / RATE px. A turn has just gone into debt as far as it can.
    let mut credit = -LONGEST * RATE;
    let (mut x, mut random) = (40, 7_u32);
    let height = |credit: i32| f64::from(ZERO) - f64::from(credit) / f64::from(RATE) * 9.0;
    let mut line = format!("M{x} {:.0}", height(credit));
    while x < 680 {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let poll = (2 + i32::try_from(random >> 16).unwrap_or(0) % (LONGEST - 1)).min(680 - x);
        let is_turn = credit > 0;
        credit += if is_turn { -poll * RATE } else { poll };
        let at = (u32::try_from(x).unwrap_or(0), 40);
        card.rect(at, (poll.unsigned_abs(), 32), if is_turn { LOW } else { HIGH });
        x += poll;
        line += &format!("L{x} {:.0}", height(credit));
    }
    let floor = ZERO + 9 * LONGEST;
    card.push(format_args!(
        r##"<path d="M40 {ZERO}H680" stroke="#333" stroke-width="1.2"/><path d="M40 {floor}H680" stroke="#a33" stroke-width="1.5" class="dash"/>"##
    ));
    card.push(format_args!(
        r##"<path d="{line}" fill="none" stroke="#2f6ea8" stroke-width="2.2"/>"##
    ));
    card.text(40, 30, "plain", "a High-home worker with both lanes full, for 64 longest polls");
    card.text(
        44,
        120,
        "small",
        "credit of lane Low: it rises with each poll of High, and falls 27 times as fast",
    );
    card.text(590, 185, "small", "no credit");
    card.text(470, 275, "small", "the deepest debt: one longest poll");
    card.rect((40, 293), (30, 20), HIGH);
    card.text(78, 308, "small", "a poll of lane High");
    card.rect((250, 293), (30, 20), LOW);
    card.text(288, 308, "small", "a poll of lane Low, in a turn");
    card.text(590, 308, "small", "time goes right");
    card.done()
}
