//! The reactor: which sockets are registered, and to whom an event belongs.
//!
//! The operating system names a socket by the *token* given at registration. Ours is the socket's
//! place in a table together with a *generation*, a number no other registration has. A place is
//! used again as soon as it is free, and an event may be late: reported before its socket was
//! deregistered, or by a descriptor that somebody duplicated. Its generation is then no longer in
//! the table and the event is ignored; it never reaches the socket that has the place now.
//!
//! A socket is registered once, for both directions, edge-triggered, and deregistered before it is
//! closed: [`Registered`] owns the socket and sees to that.
//!
//! How it fails: after [`close`](Reactor::close) each registration and operation answers an error
//! that carries [`RuntimeGone`].
//!
//! Book: chapter 4.

use super::readiness::{Direction, Interest, Seen};
use super::source::{Source, WaiterKey};
use super::{Driver, RuntimeGone};
use crate::budget;
use crate::sync::internal::{Arc, Mutex};
use mio::event::Event;
use slab::Slab;
use std::io;
use std::task::{Context, Poll, Waker, ready};

/// The token of the call that ends a wait.
pub(super) const UNPARK: mio::Token = mio::Token(usize::MAX);

/// The token of the timer descriptor.
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only Linux has one"))]
pub(super) const TIMER: mio::Token = mio::Token(usize::MAX - 1);

/// The low half of a token is the place, the high half the generation.
const PLACE_BITS: u32 = usize::BITS / 2;
const PLACE_MASK: usize = (1 << PLACE_BITS) - 1;

/// All registered sockets of one driver.
#[derive(Debug)]
pub(super) struct Reactor {
    registry: mio::Registry,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    sources: Slab<Entry>,
    generation: usize,
    closed: bool,
}

#[derive(Debug)]
struct Entry {
    generation: usize,
    source: Arc<Source>,
}

impl Reactor {
    pub(super) fn new(registry: mio::Registry) -> Self {
        Self { registry, table: Mutex::default() }
    }

    /// Moves out the wakers of those whom `events` concern.
    pub(super) fn dispatch<'a>(
        &self,
        events: impl Iterator<Item = &'a Event>,
        ready: &mut Vec<Waker>,
    ) {
        let mut table = None;
        for event in events {
            if event.token() == UNPARK || event.token() == TIMER {
                continue;
            }
            let table = table.get_or_insert_with(|| self.table.lock());
            if let Some(source) = table.find(event.token()) {
                source.report(reported(event), ready);
            }
        }
    }

    /// Refuses sockets from now on, and fails all operations on those there are.
    pub(super) fn close(&self, ready: &mut Vec<Waker>) {
        let mut table = self.table.lock();
        table.closed = true;
        for (_, entry) in &table.sources {
            entry.source.report(Interest::GONE, ready);
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.table.lock().closed
    }

    fn register(
        &self,
        io: &mut impl mio::event::Source,
        initial: Interest,
    ) -> io::Result<(mio::Token, Arc<Source>)> {
        let source = Arc::new(Source::new(initial));
        let token = self.table.lock().insert(source.clone())?;
        let both = mio::Interest::READABLE | mio::Interest::WRITABLE;
        if let Err(error) = self.registry.register(io, token, both) {
            self.forget(token);
            return Err(error);
        }
        Ok((token, source))
    }

    /// How many sources there are.
    pub(super) fn registered(&self) -> usize {
        self.table.lock().sources.len()
    }

    #[cfg(test)]
    pub(super) fn register_as(
        &self,
        io: &mut impl mio::event::Source,
        token: mio::Token,
    ) -> io::Result<()> {
        self.registry.register(io, token, mio::Interest::READABLE)
    }

    fn forget(&self, token: mio::Token) {
        // The lock is released before the source is dropped: wakers in it are user code.
        let removed = self.table.lock().remove(token);
        drop(removed);
    }
}

impl Table {
    fn insert(&mut self, source: Arc<Source>) -> io::Result<mio::Token> {
        if self.closed {
            return Err(RuntimeGone.into());
        }
        self.generation = (self.generation + 1) & PLACE_MASK;
        let place = self.sources.vacant_key();
        let generation = self.generation;
        if place >= PLACE_MASK {
            // A place of ones only could be mistaken for one of the two tokens above.
            return Err(io::Error::other("more sockets than tokens"));
        }
        self.sources.insert(Entry { generation, source });
        Ok(mio::Token(generation << PLACE_BITS | place))
    }

    fn find(&self, token: mio::Token) -> Option<&Source> {
        let entry = self.sources.get(token.0 & PLACE_MASK)?;
        (entry.generation == token.0 >> PLACE_BITS).then_some(&*entry.source)
    }

    fn remove(&mut self, token: mio::Token) -> Option<Entry> {
        self.find(token)?;
        self.sources.try_remove(token.0 & PLACE_MASK)
    }
}

fn reported(event: &Event) -> Interest {
    // After an error both directions are worth trying: whoever does learns which error it was.
    let failed = event.is_error();
    Interest::NONE
        .and(Interest::READABLE, event.is_readable() || failed)
        .and(Interest::WRITABLE, event.is_writable() || failed)
        .and(Interest::READ_CLOSED, event.is_read_closed())
        .and(Interest::WRITE_CLOSED, event.is_write_closed())
}

/// How an operation that moves bytes reports how far it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moved {
    /// As much as it was given room for: there may be more.
    All,
    /// Less, so the direction is used up.
    Short,
}

impl Moved {
    pub(crate) fn new(moved: usize, room: usize) -> Self {
        // Only where readiness is edge-triggered by the system itself; elsewhere mio re-arms
        // when an operation would have blocked, so it must come to that. Nothing moved is the
        // end of the stream, which stays.
        if cfg!(unix) && moved > 0 && moved < room { Moved::Short } else { Moved::All }
    }
}

/// A socket that the driver watches.
///
/// Dropping it deregisters it and then closes it.
#[derive(Debug)]
pub(crate) struct Registered<S: mio::event::Source> {
    /// `None` only while it is taken apart.
    io: Option<S>,
    token: mio::Token,
    source: Arc<Source>,
    driver: Arc<Driver>,
}

impl<S: mio::event::Source> Registered<S> {
    /// Registers a socket that is in non-blocking mode. `initial` is what can be assumed of it:
    /// [`Interest::BOTH`] for one that works already, so that the first operation is tried at once.
    pub(crate) fn new(driver: Arc<Driver>, mut io: S, initial: Interest) -> io::Result<Self> {
        let (token, source) = driver.reactor.register(&mut io, initial)?;
        Ok(Self { io: Some(io), token, source, driver })
    }

    #[cfg(test)]
    pub(super) fn token(&self) -> mio::Token {
        self.token
    }

    pub(crate) fn driver(&self) -> &Arc<Driver> {
        &self.driver
    }

    pub(crate) fn get(&self) -> &S {
        self.io.as_ref().expect("only drop and into_inner take the socket")
    }

    /// Deregisters the socket and gives it back.
    pub(crate) fn into_inner(mut self) -> io::Result<S> {
        self.take().ok_or_else(|| io::Error::other("the socket has been taken"))
    }

    /// Runs `operation` whenever it may succeed, until it does. Waits in the slot of its
    /// direction. Costs one unit of budget when it finishes.
    pub(crate) fn poll_io<T>(
        &self,
        cx: &mut Context<'_>,
        direction: Direction,
        mut operation: impl FnMut(&S) -> io::Result<(T, Moved)>,
    ) -> Poll<io::Result<T>> {
        let charge = ready!(budget::poll_charge(cx));
        loop {
            let seen = ready!(self.source.poll_ready(cx, direction));
            if let Some(result) = self.attempt(seen, direction, &mut operation) {
                charge.spend();
                return Poll::Ready(result);
            }
        }
    }

    /// The same as a future, with its own place among the waiters: any number of tasks may wait
    /// so in one direction.
    pub(crate) fn io<T, F>(&self, direction: Direction, operation: F) -> Operation<'_, S, F>
    where
        F: FnMut(&S) -> io::Result<(T, Moved)>,
    {
        Operation { socket: self, direction, operation, key: None }
    }

    /// One attempt now, which fails with "would block" if the socket is not ready.
    pub(crate) fn try_io<T>(
        &self,
        direction: Direction,
        mut operation: impl FnMut(&S) -> io::Result<(T, Moved)>,
    ) -> io::Result<T> {
        let seen = self.source.readiness.look();
        let result = if seen.concerns(direction) {
            self.attempt(seen, direction, &mut operation)
        } else {
            None
        };
        result.unwrap_or_else(|| Err(io::ErrorKind::WouldBlock.into()))
    }

    /// One attempt; `None` if it would have blocked, which clears the readiness it was made on.
    fn attempt<T>(
        &self,
        seen: Seen,
        direction: Direction,
        operation: &mut impl FnMut(&S) -> io::Result<(T, Moved)>,
    ) -> Option<io::Result<T>> {
        if seen.driver_is_gone() {
            return Some(Err(RuntimeGone.into()));
        }
        loop {
            return match operation(self.get()) {
                Ok((value, moved)) => {
                    if moved == Moved::Short {
                        self.source.readiness.clear_short(seen, direction);
                    }
                    Some(Ok(value))
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.source.readiness.clear_blocked(seen, direction);
                    None
                }
                // Readiness stays: after "too many open files" the connection is still there,
                // and nobody would report it again.
                Err(error) => Some(Err(error)),
            };
        }
    }

    fn take(&mut self) -> Option<S> {
        let mut io = self.io.take()?;
        // Before it is closed: a duplicate elsewhere would go on reporting. It fails only if
        // the driver has lost the socket, and then there is nothing left to do.
        let _ = self.driver.reactor.registry.deregister(&mut io);
        self.driver.reactor.forget(self.token);
        Some(io)
    }
}

impl<S: mio::event::Source> Drop for Registered<S> {
    fn drop(&mut self) {
        drop(self.take());
    }
}

/// An operation on a socket, see [`Registered::io`].
#[derive(Debug)]
pub(crate) struct Operation<'a, S: mio::event::Source, F> {
    socket: &'a Registered<S>,
    direction: Direction,
    operation: F,
    key: Option<WaiterKey>,
}

/// The operation is called through a mutable reference and never pinned.
impl<S: mio::event::Source, F> Unpin for Operation<'_, S, F> {}

impl<S, F, T> Future for Operation<'_, S, F>
where
    S: mio::event::Source,
    F: FnMut(&S) -> io::Result<(T, Moved)>,
{
    type Output = io::Result<T>;

    fn poll(mut self: std::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let charge = ready!(budget::poll_charge(cx));
        loop {
            let source = &this.socket.source;
            let seen = ready!(source.poll_ready_as(&mut this.key, cx, this.direction));
            if let Some(result) = this.socket.attempt(seen, this.direction, &mut this.operation) {
                charge.spend();
                return Poll::Ready(result);
            }
        }
    }
}

impl<S: mio::event::Source, F> Drop for Operation<'_, S, F> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.socket.source.forget(key);
        }
    }
}
