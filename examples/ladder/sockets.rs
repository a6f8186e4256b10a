//! What rungs 6 to 8 of the ladder know of sockets: chapter 4's reactor, as little of it as can be.
//!
//! A source is registered once and for good, and only for reading: what an example echoes is so
//! little that writing never has to wait. Who turns this, and when, the rungs decide.
//!
//! Book: chapter 14.

use std::future::poll_fn;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

use mio::event::Source;
use mio::{Events, Interest, Registry, Token};

/// How many events one turn takes from the system.
const EVENTS: usize = 1024;

/// The token of [`Sockets::unpark`].
const UNPARK: Token = Token(usize::MAX);

/// What only the holder has.
pub(crate) struct Driver {
    poll: mio::Poll,
    events: Events,
}

/// What everybody has.
pub(crate) struct Sockets {
    /// Not here while somebody holds it.
    driver: Mutex<Option<Driver>>,
    registry: Registry,
    waker: mio::Waker,
    sources: Mutex<Vec<Arc<Readable>>>,
}

/// Says when a source may be read. Edge-triggered: read until nothing is left, then ask again.
#[derive(Default)]
pub(crate) struct Readable {
    ready: AtomicBool,
    waiter: Mutex<Option<Waker>>,
}

impl Driver {
    /// Waits as long as `limit`, or until something happens, and collects whoever waited for it.
    pub(crate) fn turn(&mut self, limit: Option<Duration>, sockets: &Sockets) -> Vec<Waker> {
        match self.poll.poll(&mut self.events, limit) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Vec::new(),
            result => result.expect("the system's poller works"),
        }
        let sources = sockets.sources.lock().expect("nobody panics with it held");
        let of = |token: Token| sources.get(token.0)?.become_ready();
        self.events.iter().filter_map(|event| of(event.token())).collect()
    }
}

impl Sockets {
    pub(crate) fn open() -> io::Result<Self> {
        let poll = mio::Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let waker = mio::Waker::new(&registry, UNPARK)?;
        let driver = Driver { poll, events: Events::with_capacity(EVENTS) };
        Ok(Self { driver: Mutex::new(Some(driver)), registry, waker, sources: Mutex::default() })
    }

    /// Takes the driver, unless somebody has it. Never waits.
    pub(crate) fn hold(&self) -> Option<Driver> {
        self.driver.lock().expect("nobody panics with it held").take()
    }

    pub(crate) fn let_go(&self, driver: Driver) {
        *self.driver.lock().expect("nobody panics with it held") = Some(driver);
    }

    pub(crate) fn is_held(&self) -> bool {
        self.driver.lock().expect("nobody panics with it held").is_none()
    }

    /// Ends the wait under way, or the next one.
    pub(crate) fn unpark(&self) {
        self.waker.wake().expect("the system's poller works");
    }

    pub(crate) fn register(&self, source: &mut impl Source) -> io::Result<Arc<Readable>> {
        let mut sources = self.sources.lock().expect("nobody panics with it held");
        self.registry.register(source, Token(sources.len()), Interest::READABLE)?;
        sources.push(Arc::default());
        Ok(Arc::clone(&sources[sources.len() - 1]))
    }

    /// Forgets all sources; gives back whoever waits for one, to be woken and dropped.
    pub(crate) fn close(&self) -> Vec<Waker> {
        let mut sources = self.sources.lock().expect("nobody panics with it held");
        sources.drain(..).filter_map(|source| source.become_ready()).collect()
    }
}

impl Readable {
    fn become_ready(&self) -> Option<Waker> {
        let mut waiter = self.waiter.lock().expect("nobody panics with it held");
        self.ready.store(true, Ordering::SeqCst);
        waiter.take()
    }

    /// Waits until the source may be read again.
    pub(crate) async fn wait(&self) {
        poll_fn(|context| {
            let mut waiter = self.waiter.lock().expect("nobody panics with it held");
            if self.ready.swap(false, Ordering::SeqCst) {
                return Poll::Ready(());
            }
            *waiter = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}
