//! The few calls to the operating system that neither std nor the crates below us offer safely.
//!
//! Everything unsafe outside the task cell is here: the clock and a timer descriptor (Linux), and the
//! signal handler (Unix). All offer a safe interface.
//!
//! Book: chapter 14.
#![expect(unsafe_code, reason = "these calls have no safe form; each states why it is sound")]

#[cfg(all(target_os = "linux", not(miri)))]
pub(crate) use clock::monotonic_nanos;
#[cfg(unix)]
pub(crate) use signals::{SignalId, notify_on_signal, stop_notifying};
#[cfg(all(target_os = "linux", not(miri)))]
pub(crate) use timer::TimerFd;

#[cfg(all(target_os = "linux", not(miri)))]
mod clock {
    /// The clock that `Instant` goes by, as one number of nanoseconds: it is read before every timer,
    /// and `Instant`, which keeps seconds and nanoseconds apart, costs 70 instructions more for a
    /// difference (`timer-drop-1`, November 2026).
    pub(crate) fn monotonic_nanos() -> u64 {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `time` outlives the call. It cannot fail: the clock exists on every Linux.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
        (time.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64)
    }
}

#[cfg(all(target_os = "linux", not(miri)))]
mod timer {
    use std::io;
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
    use std::time::Duration;

    /// A descriptor that becomes readable once a set time has passed, to the nanosecond
    /// (`epoll_wait` itself counts in milliseconds).
    #[derive(Debug)]
    pub(crate) struct TimerFd(OwnedFd);

    impl TimerFd {
        pub(crate) fn new() -> io::Result<Self> {
            let flags = libc::TFD_NONBLOCK | libc::TFD_CLOEXEC;
            // SAFETY: the call takes no pointers.
            let fd = unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, flags) };
            if fd < 0 {
                return Err(io::Error::last_os_error());
            }
            // SAFETY: the call above returned this descriptor, and nobody else knows it.
            Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
        }

        /// Becomes readable in `delay`, and not before; what was set earlier is forgotten.
        pub(crate) fn set(&self, delay: Duration) -> io::Result<()> {
            let zero = libc::timespec { tv_sec: 0, tv_nsec: 0 };
            let value = libc::timespec {
                tv_sec: libc::time_t::try_from(delay.as_secs()).unwrap_or(libc::time_t::MAX),
                // Zero would switch it off.
                tv_nsec: delay.subsec_nanos().max(1).into(),
            };
            let setting = libc::itimerspec { it_interval: zero, it_value: value };
            // SAFETY: `setting` outlives the call, and a null fourth argument is allowed.
            let result = unsafe {
                libc::timerfd_settime(
                    self.0.as_raw_fd(),
                    0,
                    &raw const setting,
                    std::ptr::null_mut(),
                )
            };
            if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
        }

        pub(crate) fn as_raw_fd(&self) -> RawFd {
            self.0.as_raw_fd()
        }
    }
}

#[cfg(unix)]
mod signals {
    use std::io::{self, Write};
    use std::os::unix::net::UnixStream;

    /// Names an installed notification.
    pub(crate) type SignalId = signal_hook_registry::SigId;

    /// From now on writes a byte to `pipe` whenever the process receives `signal`. The pipe must
    /// be in non-blocking mode: a full one has been noticed already.
    pub(crate) fn notify_on_signal(signal: i32, pipe: UnixStream) -> io::Result<SignalId> {
        let notify = move || {
            let _ = (&pipe).write(&[1]);
        };
        // SAFETY: a handler may only call what is safe to call in one. It makes a single system
        // call on an open descriptor, allocates nothing, takes no lock and does not panic; the
        // registry keeps `errno`.
        unsafe { signal_hook_registry::register(signal, notify) }
    }

    /// Undoes [`notify_on_signal`] and closes its pipe.
    pub(crate) fn stop_notifying(id: SignalId) {
        signal_hook_registry::unregister(id);
    }
}

#[cfg(all(test, target_os = "linux", not(miri)))]
mod tests {
    use super::{TimerFd, monotonic_nanos};
    use std::time::{Duration, Instant};

    #[test]
    fn the_clock_goes_as_instants_do() {
        let (outer, begin) = (Instant::now(), monotonic_nanos());
        let inner = Instant::now();
        while inner.elapsed() < Duration::from_millis(2) {}
        let (within, end) = (inner.elapsed(), monotonic_nanos());
        let passed = Duration::from_nanos(end - begin);
        assert!(within <= passed && passed <= outer.elapsed(), "{passed:?}");
    }

    #[test]
    fn the_timer_descriptor_is_never_early() {
        let timer = TimerFd::new().expect("a descriptor is free");
        let mut poll = mio::Poll::new().expect("a descriptor is free");
        let fd = timer.as_raw_fd();
        poll.registry()
            .register(&mut mio::unix::SourceFd(&fd), mio::Token(0), mio::Interest::READABLE)
            .expect("it is not registered yet");
        let mut events = mio::Events::with_capacity(1);
        // The second round shows that it need not be read in between.
        for delay in [Duration::from_micros(700), Duration::ZERO, Duration::from_micros(1_300)] {
            let start = Instant::now();
            timer.set(delay).expect("the setting is valid");
            while events.is_empty() {
                match poll.poll(&mut events, None) {
                    Err(error) if error.kind() != std::io::ErrorKind::Interrupted => {
                        panic!("{error}")
                    }
                    _ => {}
                }
            }
            assert!(start.elapsed() >= delay);
            events.clear();
        }
    }
}
