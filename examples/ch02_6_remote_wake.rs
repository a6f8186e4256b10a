//! Chapter 2, step 6: woken from afar. Run: `cargo run --release --example ch02_6_remote_wake`
//!
//! A letter box: one side waits for a text, the other one, on any thread, puts it in. Naively the sender
//! waits until it sees a waker, with the lock held that the receiver needs to leave one: if it comes
//! first, both wait for ever. The rule that mends it is three steps: put the value in, take the waker if
//! there is one, and wake with the lock free. It does not matter then who comes first, nor whether the
//! waiting future has moved to another task meanwhile.
//!
//! Book: chapter 2.

use std::future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use waterwheel::{block_on, spawn_task};

/// How long the naive sender tries; it would try for ever.
const PATIENCE: Duration = Duration::from_millis(50);

#[derive(Debug, Default)]
struct Inside {
    text: Option<String>,
    waker: Option<Waker>,
}

/// Both ends of a letter box.
#[derive(Clone, Debug, Default)]
struct LetterBox(Arc<Mutex<Inside>>);

impl LetterBox {
    /// Puts a text in and wakes whoever waits for it.
    fn put(&self, text: &str) {
        let waker = {
            let mut inside = self.0.lock().expect("nobody panics with the lock held");
            inside.text = Some(text.to_owned());
            inside.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The naive way, with an end to its patience. Says whether the text was put in.
    fn put_once_somebody_waits(&self, text: &str) -> bool {
        let begun = Instant::now();
        let mut inside = self.0.lock().expect("nobody panics with the lock held");
        while begun.elapsed() < PATIENCE {
            if let Some(waker) = inside.waker.take() {
                inside.text = Some(text.to_owned());
                waker.wake();
                return true;
            }
        }
        false
    }
}

/// Takes the text out, once there is one.
impl Future for LetterBox {
    type Output = String;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<String> {
        let mut inside = self.0.lock().expect("nobody panics with the lock held");
        if let Some(text) = inside.text.take() {
            return Poll::Ready(text);
        }
        // Also if there is a waker already: this future may be polled by another task than before.
        match &mut inside.waker {
            Some(waker) => waker.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
        Poll::Pending
    }
}

/// Counts how often it is woken.
#[derive(Debug, Default)]
struct Bell(AtomicU32);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Polls `future` as it is, and tells `counter` of each poll.
async fn counted<F: Future>(future: F, counter: &AtomicU32, polled: mpsc::Sender<()>) -> F::Output {
    let mut future = pin!(future);
    future::poll_fn(|context| {
        counter.fetch_add(1, Ordering::Relaxed);
        let answer = future.as_mut().poll(context);
        polled.send(()).unwrap_or(()); // Nobody needs to listen.
        answer
    })
    .await
}

/// Sends a text from another thread, after or before a task has first looked for it. Returns the
/// number of polls.
fn from_a_thread(task_first: bool) -> u32 {
    let letters = LetterBox::default();
    let polls = Arc::new(AtomicU32::new(0));
    let (polled, look) = mpsc::channel();
    let (theirs, counter) = (letters.clone(), polls.clone());
    let waiting = async move { counted(theirs, &counter, polled).await };
    let text = if task_first {
        let task = spawn_task!(waiting);
        look.recv().expect("the task is polled");
        let sender = thread::spawn(move || letters.put("from another thread"));
        sender.join().expect("the sender does not panic");
        block_on(task)
    } else {
        letters.put("from another thread");
        block_on(spawn_task!(waiting))
    };
    assert_eq!(text, "from another thread");
    polls.load(Ordering::Relaxed)
}

fn main() {
    let naive = LetterBox::default();
    let (sender_side, (locked, is_locked)) = (naive.clone(), mpsc::channel());
    let sender = thread::spawn(move || {
        locked.send(()).expect("main waits");
        sender_side.put_once_somebody_waits("never")
    });
    is_locked.recv().expect("the sender runs");
    let mut context = Context::from_waker(Waker::noop());
    // Either main looks before the sender has the lock, or it waits for the lock; so it waits for it.
    while naive.0.try_lock().is_ok() && !sender.is_finished() {
        thread::yield_now();
    }
    let looked = pin!(naive).poll(&mut context);
    let sent = sender.join().expect("the sender does not panic");
    println!("naive, the sender first: sent {sent}, seen {looked:?}");

    println!("the task first:   {} polls", from_a_thread(true));
    println!("the sender first: {} poll", from_a_thread(false));

    // Polled by one task, then by another: the second one is woken, and nobody twice.
    let mut letters = LetterBox::default();
    let bells = [Arc::new(Bell::default()), Arc::new(Bell::default())];
    for bell in &bells {
        let waker = Waker::from(bell.clone());
        assert!(Pin::new(&mut letters).poll(&mut Context::from_waker(&waker)).is_pending());
    }
    letters.put("once");
    letters.put("twice"); // Nobody waits any more, so nobody is woken.
    let rung = bells.map(|bell| bell.0.load(Ordering::Relaxed));
    println!("moved from task to task: the bells rang {rung:?} times");

    assert!(!sent && looked.is_pending());
    assert_eq!((from_a_thread(true), from_a_thread(false)), (2, 1));
    assert_eq!(rung, [0, 1]);
}
