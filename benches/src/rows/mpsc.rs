//! Four producers and a consumer at the two ends of a bounded channel: wake-ups between tasks, many at a time.
//!
//! Book: chapter 20

use super::batch::per_operation;
use super::{Run, Sample};
use crate::peer::Peer;
use flume::{Receiver, Sender};

/// Tasks that send.
const PRODUCERS: usize = 4;
/// Messages of each in a batch.
const MESSAGES: usize = 25_000;
/// Messages that the channel holds: few enough that senders wait too.
const CAPACITY: usize = 100;
/// The sum of a batch's messages.
const SUM: usize = PRODUCERS * (MESSAGES * (MESSAGES - 1) / 2);

/// Four tasks send 25,000 messages each to a fifth one.
pub(super) fn four_to_one<P: Peer>(peer: P, run: Run) -> Sample {
    let batch = || {
        peer.block_on(peer.spawn(async move {
            let (sender, receiver) = flume::bounded(CAPACITY);
            let consumer = peer.spawn(consume(receiver));
            let mut producers = Vec::with_capacity(PRODUCERS);
            for _ in 0..PRODUCERS {
                producers.push(peer.spawn(produce(sender.clone())));
            }
            drop(sender);
            for producer in producers {
                producer.await;
            }
            assert_eq!(consumer.await, SUM, "no message is lost");
        }));
    };
    per_operation(run, "ns/message", PRODUCERS * MESSAGES, batch)
}

async fn produce(sender: Sender<usize>) {
    for number in 0..MESSAGES {
        sender.send_async(number).await.expect("the consumer takes all");
    }
}

async fn consume(receiver: Receiver<usize>) -> usize {
    let mut sum = 0;
    while let Ok(number) = receiver.recv_async().await {
        sum += number;
    }
    sum
}
