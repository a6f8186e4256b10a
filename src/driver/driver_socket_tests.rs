//! Sockets on a driver without a runtime: tokens, closing, many waiters, dropped operations.

use super::*;
use std::collections::BTreeSet;

#[test]
fn ten_thousand_sockets_come_and_go_and_no_event_reaches_the_next_owner_of_a_place() {
    let driver = manual();
    for _ in 0..10_000 {
        let (socket, mut peer) = pair(&driver);
        let stranger = on_wake(|| panic!("an event of a socket that is gone"));
        // The event is due, but the socket goes before the driver turns.
        peer.write_all(b"x").expect("there is room");
        drop(socket);
        let (next, _peer) = pair(&driver);
        let mut cx = Context::from_waker(&stranger);
        assert!(poll_read(&next, &mut cx).is_pending());
        assert_eq!(sources(&driver), 1);
        drop(next);
        turn(&driver);
    }
    assert_eq!(sources(&driver), 0);
}

#[test]
fn an_event_with_a_token_of_an_older_generation_is_ignored() {
    let driver = manual();
    let (first, _first_peer) = pair(&driver);
    let old = first.token();
    drop(first);
    let (second, _second_peer) = pair(&driver);
    assert_ne!(second.token(), old);
    let stranger = on_wake(|| panic!("this event is not ours"));
    assert!(poll_read(&second, &mut Context::from_waker(&stranger)).is_pending());
    // A descriptor that goes on reporting under the old token, as a duplicate would.
    let (ghost, mut peer) = UnixStream::pair().expect("descriptors are free");
    ghost.set_nonblocking(true).expect("it is a socket");
    let mut ghost = mio::net::UnixStream::from_std(ghost);
    driver.reactor.register_as(&mut ghost, old).expect("the driver is open");
    peer.write_all(b"x").expect("there is room");
    assert_eq!(turn(&driver), 0);
    drop(second);
    assert_eq!(turn(&driver), 0, "nor does a token without an owner do harm");
}

#[test]
fn a_small_event_buffer_delivers_everything_in_more_turns() {
    let driver = Arc::new(Driver::with_capacity(Clock::manual(), 1).expect("descriptors are free"));
    let woken = Arc::new(Mutex::new(BTreeSet::new()));
    let mut pairs = Vec::new();
    for number in 0..20 {
        let (socket, mut peer) = pair(&driver);
        let waker = on_wake({
            let woken = woken.clone();
            move || _ = woken.lock().expect("no test panics in here").insert(number)
        });
        assert!(poll_read(&socket, &mut Context::from_waker(&waker)).is_pending());
        peer.write_all(b"x").expect("there is room");
        pairs.push((socket, peer));
    }
    for _ in 0..100 {
        turn(&driver);
    }
    assert_eq!(woken.lock().expect("no test panics in here").len(), 20);
}

#[test]
fn closing_wakes_everyone_and_whatever_comes_later_fails() {
    let driver = manual();
    let (socket, mut peer) = pair(&driver);
    let woken = Arc::new(AtomicUsize::new(0));
    let waker = on_wake({
        let woken = woken.clone();
        move || _ = woken.fetch_add(1, Ordering::SeqCst)
    });
    let mut cx = Context::from_waker(&waker);
    assert!(poll_read(&socket, &mut cx).is_pending());
    let deadline = after(&driver, Duration::from_secs(1));
    let key =
        driver.add_timer(driver.clock().moment_of(deadline), &waker).expect("the driver is open");
    let mut ready = Vec::new();
    driver.close(&mut ready);
    ready.into_iter().for_each(Waker::wake);
    assert_eq!(woken.load(Ordering::SeqCst), 2);

    assert_eq!(driver.poll_timer(&key, &waker), Outcome::Abandoned);
    assert_eq!(
        driver.add_timer(driver.clock().moment_of(deadline), &waker).map(|_| ()),
        Err(RuntimeGone)
    );
    peer.write_all(b"x").expect("there is room");
    assert!(
        matches!(poll_read(&socket, &mut cx), Poll::Ready(Err(error)) if RuntimeGone::caused(&error))
    );
    let (other, _) = UnixStream::pair().expect("descriptors are free");
    let other = mio::net::UnixStream::from_std(other);
    let refused = Registered::new(driver.clone(), other, Interest::BOTH);
    assert!(refused.is_err_and(|error| RuntimeGone::caused(&error)));
    drop(socket);
    assert_eq!(sources(&driver), 0);
}

#[test]
fn registering_while_the_driver_closes_fails_or_is_told() {
    for _ in 0..500 {
        let driver = manual();
        let barrier = Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                barrier.wait();
                let mut ready = Vec::new();
                driver.close(&mut ready);
                ready.into_iter().for_each(Waker::wake);
            });
            let (ours, _theirs) = UnixStream::pair().expect("descriptors are free");
            ours.set_nonblocking(true).expect("it is a socket");
            let ours = mio::net::UnixStream::from_std(ours);
            barrier.wait();
            if let Ok(socket) = Registered::new(driver.clone(), ours, Interest::BOTH) {
                let read = std::future::poll_fn(|cx| poll_read(&socket, cx));
                assert!(futures_lite::future::block_on(read).is_err(), "and not for ever");
            }
        });
    }
}

#[test]
fn fifty_tasks_may_wait_on_one_socket_and_each_takes_its_byte() {
    let driver = system();
    let _turner = Turner::new(&driver);
    let (socket, mut peer) = pair(&driver);
    let waiting = Barrier::new(51);
    std::thread::scope(|scope| {
        for _ in 0..50 {
            scope.spawn(|| {
                waiting.wait();
                let read = socket.io(Direction::Read, |mut stream| {
                    let mut byte = [0];
                    Ok((stream.read_exact(&mut byte)?, Moved::All))
                });
                futures_lite::future::block_on(read).expect("there is a byte for each");
            });
        }
        waiting.wait();
        for _ in 0..50 {
            peer.write_all(b"x").expect("there is room");
            std::thread::yield_now();
        }
    });
}

#[test]
fn an_operation_dropped_at_any_poll_loses_nothing_and_leaves_no_waiter() {
    let driver = manual();
    let (socket, mut peer) = pair(&driver);
    let mut cx = Context::from_waker(Waker::noop());
    let read = || {
        socket.io(Direction::Read, |mut stream| {
            let mut byte = [0];
            Ok((stream.read_exact(&mut byte).map(|()| byte[0])?, Moved::All))
        })
    };
    for number in 0..100 {
        for polls in 0..4 {
            let mut operation = read();
            for _ in 0..polls {
                assert!(Pin::new(&mut operation).poll(&mut cx).is_pending());
            }
        }
        peer.write_all(&[number]).expect("there is room");
        turn(&driver);
        drop(read());
        let Poll::Ready(byte) = Pin::new(&mut read()).poll(&mut cx) else { panic!("it is there") };
        assert_eq!(byte.expect("the socket works"), number);
    }
}
