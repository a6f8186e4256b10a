//! A token tree that tells any number of tasks, once and for good, that it is time to stop.
//!
//! What this is: [`CancellationToken`], the one way a shutdown travels through this crate. A token
//! is a *level*, not an edge: it is either cancelled or not, it never goes back, and whoever asks
//! late still gets the answer. Tokens form a tree; cancelling one cancels everything below it and
//! nothing above or beside it.
//!
//! Words: a *node* is the shared state behind all clones of one token. A *waiter* is the waker that
//! a pending [`Cancelled`] future left in its node.
//!
//! Invariants:
//! 1. `Node::cancelled` goes from false to true once, and only with that node's lock held. So
//!    whoever holds the lock and reads false may register itself: the canceller has yet to come
//!    through the same lock and will find it.
//! 2. A cancelled node has no waiters and no children, and gains none.
//! 3. A node's children are weak references; a child takes itself off the list when its last clone
//!    is dropped, so a long-lived parent does not grow. The child keeps its parent alive.
//! 4. No waker is cloned, woken or dropped, and no node is dropped, with a lock held: they run
//!    other people's code. (This is why the wait list is our own: `event-listener` wakes with its
//!    lock held.) At most one node's lock is held at a time.
//!
//! How it fails: it does not, except that a waker may panic; see [`CancellationToken::cancel`].
//! Trees of any depth are walked with a loop, never by recursion.
//!
//! Book: chapter 21.

use std::fmt;
use std::future::Future;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use slab::Slab;

use crate::sync::internal::{AtomicBool, Mutex, Ordering};

/// Tells tasks that they should stop, and lets them wait for it.
///
/// Clones share one state. A [child](CancellationToken::child_token) is cancelled with its parent
/// and can be cancelled alone without disturbing it. Dropping a token cancels nothing. Tokens work
/// on any executor, and on none.
///
/// # Examples
///
/// A service that runs until somebody asks it to stop:
///
/// ```
/// use futures_lite::future::block_on;
/// use waterwheel::sync::CancellationToken;
///
/// let shutdown = CancellationToken::new();
/// let service = {
///     let shutdown = shutdown.child_token();
///     std::thread::spawn(move || {
///         block_on(shutdown.cancelled());
///         "stopped cleanly"
///     })
/// };
///
/// shutdown.cancel();
/// assert_eq!(service.join().ok(), Some("stopped cleanly"));
/// ```
#[derive(Clone)]
pub struct CancellationToken {
    node: Arc<Node>,
}

impl CancellationToken {
    /// Makes the root of a new tree, not cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// let token = waterwheel::sync::CancellationToken::new();
    /// assert!(!token.is_cancelled());
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self { node: Arc::new(Node::new(Lineage(None), Cancel::Not)) }
    }

    /// Makes a token that is cancelled when this one is, and that can be cancelled by itself.
    ///
    /// A child of a cancelled token is cancelled from the start. A child costs its parent one list
    /// entry until its last clone is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use waterwheel::sync::CancellationToken;
    ///
    /// let server = CancellationToken::new();
    /// let (first, second) = (server.child_token(), server.child_token());
    ///
    /// first.cancel(); // one connection
    /// assert!(!second.is_cancelled() && !server.is_cancelled());
    ///
    /// server.cancel(); // all of them
    /// assert!(second.is_cancelled());
    /// ```
    #[must_use]
    pub fn child_token(&self) -> Self {
        let mut links = self.node.links.lock();
        // Relaxed: the lock we hold orders this load after the store in `Node::mark`.
        if self.node.cancelled.load(Ordering::Relaxed) {
            drop(links);
            return Self { node: Arc::new(Node::new(Lineage(None), Cancel::Already)) };
        }
        let entry = links.children.vacant_entry();
        let lineage = Lineage(Some(Parent { node: Arc::clone(&self.node), entry: entry.key() }));
        let node = Arc::new(Node::new(lineage, Cancel::Not));
        entry.insert(Arc::downgrade(&node));
        Self { node }
    }

    /// Cancels this token and every token below it, and wakes everybody who waits for one of them.
    ///
    /// Cancelling twice is harmless. When the first call returns, the whole tree below is
    /// cancelled; a second call that runs at the same time may return a little before that.
    ///
    /// # Panics
    ///
    /// If a waker that belongs to a foreign executor panics. The whole tree is cancelled and
    /// everybody else has been woken by then; the first payload is passed on.
    ///
    /// # Examples
    ///
    /// ```
    /// let token = waterwheel::sync::CancellationToken::new();
    /// token.cancel();
    /// token.cancel();
    /// assert!(token.is_cancelled());
    /// ```
    pub fn cancel(&self) {
        let mut first_panic = None;
        let mut to_visit = vec![Arc::clone(&self.node)];
        while let Some(node) = to_visit.pop() {
            let Links { children, waiters } = node.mark();
            to_visit.extend(children.into_iter().filter_map(|(_, child)| child.upgrade()));
            for (_, waker) in waiters {
                if let Err(payload) = catch_unwind(AssertUnwindSafe(|| waker.wake())) {
                    match first_panic {
                        None => first_panic = Some(payload),
                        // Leaked: a payload's own drop may panic, and one panic is enough.
                        Some(_) => mem::forget(payload),
                    }
                }
            }
        }
        if let Some(payload) = first_panic {
            resume_unwind(payload);
        }
    }

    /// Tells whether this token, or one above it, has been cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// let token = waterwheel::sync::CancellationToken::new();
    /// let child = token.child_token();
    /// token.cancel();
    /// assert!(child.is_cancelled());
    /// ```
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        // Acquire: pairs with the Release store in `Node::mark`, so that what the canceller wrote
        // before it cancelled is visible to whoever sees the flag.
        self.node.cancelled.load(Ordering::Acquire)
    }

    /// Waits until this token is cancelled; ready at once if it already is.
    ///
    /// The future owns what it needs, so it may outlive this handle. It holds on to the token's
    /// state: if nobody is left who could cancel, it waits for ever.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future removes its waker and changes nothing else: the level stays.
    ///
    /// # Examples
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let token = waterwheel::sync::CancellationToken::new();
    /// let wait = token.cancelled();
    /// token.cancel();
    /// wait.await;
    /// token.cancelled().await; // as often as you like
    /// # });
    /// ```
    pub fn cancelled(&self) -> Cancelled {
        Cancelled { node: Arc::clone(&self.node), waiter: None }
    }

    /// Runs `future` until it is done or this token is cancelled, whichever is first.
    ///
    /// Gives `None` if the token was cancelled; then `future` has been dropped. The token is looked
    /// at first on every poll, so a future that is always ready cannot drown a shutdown.
    ///
    /// # Cancel safety
    ///
    /// As cancel safe as `future`: both being cancelled and dropping the result drop it.
    ///
    /// # Examples
    ///
    /// An accept loop that ends when it is asked to:
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use std::future::{pending, ready};
    ///
    /// let shutdown = waterwheel::sync::CancellationToken::new();
    /// assert_eq!(shutdown.run_until_cancelled(ready("a connection")).await, Some("a connection"));
    ///
    /// shutdown.cancel();
    /// assert_eq!(shutdown.run_until_cancelled(pending::<()>()).await, None);
    /// # });
    /// ```
    pub async fn run_until_cancelled<F: Future>(&self, future: F) -> Option<F::Output> {
        let mut cancelled = self.cancelled();
        let mut future = pin!(future);
        std::future::poll_fn(|cx| match Pin::new(&mut cancelled).poll(cx) {
            Poll::Ready(()) => Poll::Ready(None),
            Poll::Pending => future.as_mut().poll(cx).map(Some),
        })
        .await
    }
}

impl Default for CancellationToken {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for CancellationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancellationToken").field("cancelled", &self.is_cancelled()).finish()
    }
}

/// Waits for a token; made by [`CancellationToken::cancelled`].
///
/// Ready once the token is cancelled, and ready again on every later poll.
#[must_use = "futures do nothing unless polled"]
pub struct Cancelled {
    node: Arc<Node>,
    /// Where our waker is in the node's list, if we have been polled.
    waiter: Option<usize>,
}

impl Future for Cancelled {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        // Acquire: as in `is_cancelled`.
        if this.node.cancelled.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        let mut waker = cx.waker().clone();
        // Declared after `waker`, so released before whatever is left in `waker` is dropped.
        let mut links = this.node.links.lock();
        // Relaxed: the lock we hold orders this load after the store in `Node::mark`.
        if this.node.cancelled.load(Ordering::Relaxed) {
            return Poll::Ready(());
        }
        match this.waiter {
            Some(key) => mem::swap(&mut links.waiters[key], &mut waker),
            None => this.waiter = Some(links.waiters.insert(waker)),
        }
        Poll::Pending
    }
}

impl Drop for Cancelled {
    fn drop(&mut self) {
        if let Some(key) = self.waiter {
            // In two statements, so that the waker is dropped after the guard. A cancelled node has
            // an empty list (invariant 2) and nothing is found.
            let waker = self.node.links.lock().waiters.try_remove(key);
            drop(waker);
        }
    }
}

impl fmt::Debug for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cancelled = self.node.cancelled.load(Ordering::Acquire);
        f.debug_struct("Cancelled").field("cancelled", &cancelled).finish()
    }
}

/// The state that all clones of one token share.
struct Node {
    cancelled: AtomicBool,
    links: Mutex<Links>,
    lineage: Lineage,
}

/// Who has to hear of a cancellation.
#[derive(Default)]
struct Links {
    children: Slab<Weak<Node>>,
    waiters: Slab<Waker>,
}

/// Whether a new node starts out cancelled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cancel {
    Already,
    Not,
}

impl Node {
    fn new(lineage: Lineage, cancel: Cancel) -> Self {
        Self {
            cancelled: AtomicBool::new(cancel == Cancel::Already),
            links: Mutex::new(Links::default()),
            lineage,
        }
    }

    /// Sets the flag and gives back everybody who has to be told. Nobody, if it was set before.
    fn mark(&self) -> Links {
        let mut links = self.links.lock();
        // Release: pairs with the Acquire loads of `cancelled` outside the lock.
        self.cancelled.store(true, Ordering::Release);
        mem::take(&mut links)
    }
}

/// The way up the tree: a parent and our entry in its list, unless we are a root.
struct Lineage(Option<Parent>);

struct Parent {
    node: Arc<Node>,
    entry: usize,
}

impl Drop for Lineage {
    /// Leaves the parent's list. If we held the parent's last reference it goes the same way, and
    /// so on up, by a loop: a tree as deep as a list must not overflow the stack.
    fn drop(&mut self) {
        let mut next = self.0.take();
        while let Some(Parent { node, entry }) = next {
            // A cancelled parent has forgotten its children already (invariant 2).
            let weak = node.links.lock().children.try_remove(entry);
            drop(weak);
            next = Arc::into_inner(node).and_then(|mut parent| parent.lineage.0.take());
        }
    }
}

#[cfg(all(test, not(waterwheel_loom)))]
mod tests {
    use super::*;
    use std::panic::panic_any;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;
    use std::thread;

    use futures_lite::future::{block_on, poll_once};

    fn children_of(token: &CancellationToken) -> usize {
        token.node.links.lock().children.len()
    }

    fn waiters_of(token: &CancellationToken) -> usize {
        token.node.links.lock().waiters.len()
    }

    #[test]
    fn a_dropped_child_leaves_its_parents_list() {
        let parent = CancellationToken::new();
        for _ in 0..1000 {
            let child = parent.child_token();
            let clone = child.clone();
            drop(child);
            assert_eq!(children_of(&parent), 1, "a clone still lives");
            drop(clone);
        }
        assert_eq!(children_of(&parent), 0);
    }

    #[test]
    fn a_dropped_wait_leaves_the_list_and_a_second_poll_adds_nothing() {
        let token = CancellationToken::new();
        let mut wait = token.cancelled();
        for _ in 0..3 {
            assert!(block_on(poll_once(&mut wait)).is_none());
            assert_eq!(waiters_of(&token), 1);
        }
        drop(wait);
        assert_eq!(waiters_of(&token), 0);
    }

    #[test]
    fn a_wait_that_outlives_the_cancellation_is_ready_again_and_drops_cleanly() {
        let token = CancellationToken::new();
        let mut wait = token.cancelled();
        assert!(block_on(poll_once(&mut wait)).is_none());
        token.cancel();
        assert!(block_on(poll_once(&mut wait)).is_some());
        assert!(block_on(poll_once(&mut wait)).is_some());
        assert_eq!(waiters_of(&token), 0);
    }

    /// Deep enough that a recursive walk or drop would overflow a test thread's 2 MiB stack.
    const DEEP: usize = 200_000;

    fn descend(root: &CancellationToken) -> CancellationToken {
        (0..DEEP).fold(root.clone(), |token, _| token.child_token())
    }

    #[test]
    fn a_very_deep_tree_is_cancelled_and_dropped_without_recursion() {
        let root = CancellationToken::new();
        let leaf = descend(&root);
        root.cancel();
        assert!(leaf.is_cancelled());
        drop(root);
        drop(leaf);

        let root = CancellationToken::new();
        let leaf = descend(&root);
        drop(leaf);
        assert_eq!(children_of(&root), 0, "the whole chain left");
    }

    /// A waker that does what `on_wake` says, to show what runs where.
    struct Nosy<F>(F);

    impl<F: Fn() + Send + Sync> Wake for Nosy<F> {
        fn wake(self: Arc<Self>) {
            (self.0)();
        }
    }

    fn poll_with(wait: &mut Cancelled, waker: &Waker) -> Poll<()> {
        Pin::new(wait).poll(&mut Context::from_waker(waker))
    }

    #[test]
    fn a_waker_may_use_the_very_token_that_wakes_it() {
        let token = CancellationToken::new();
        let inner = token.clone();
        let waker = Waker::from(Arc::new(Nosy(move || {
            inner.cancel();
            assert!(inner.is_cancelled() && inner.child_token().is_cancelled());
            assert!(block_on(poll_once(inner.cancelled())).is_some());
        })));
        let mut wait = token.cancelled();
        assert!(poll_with(&mut wait, &waker).is_pending());
        token.cancel();
    }

    #[test]
    fn a_waker_that_panics_stops_nobody_else_from_being_woken() {
        let token = CancellationToken::new();
        let woken = Arc::new(AtomicUsize::new(0));
        let mut waits = Vec::new();
        for i in 0..6 {
            let woken = Arc::clone(&woken);
            let waker = Waker::from(Arc::new(Nosy(move || {
                woken.fetch_add(1, Ordering::Relaxed);
                if i % 2 == 0 {
                    panic_any(i);
                }
            })));
            let mut wait = token.child_token().cancelled();
            assert!(poll_with(&mut wait, &waker).is_pending());
            waits.push(wait);
        }
        let payload = catch_unwind(AssertUnwindSafe(|| token.cancel())).expect_err("must panic");
        assert!(payload.is::<i32>(), "the first payload is passed on");
        assert_eq!(woken.load(Ordering::Relaxed), 6);
        assert!(token.is_cancelled());
    }

    #[test]
    fn no_wait_misses_a_cancellation_that_races_with_it() {
        for _ in 0..500 {
            let root = CancellationToken::new();
            thread::scope(|scope| {
                for _ in 0..3 {
                    let parent = root.clone();
                    scope.spawn(move || block_on(parent.child_token().child_token().cancelled()));
                }
                root.cancel();
            });
        }
    }
}
