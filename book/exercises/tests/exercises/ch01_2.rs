use std::io::Write;
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use exercises::ch01_2::ask_all;
use waterwheel::{block_on, time};

#[test]
fn all_servers_are_asked_before_the_first_one_answers() {
    let listeners: Vec<TcpListener> =
        (0..3).map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port")).collect();
    let mut servers: Vec<_> =
        listeners.iter().map(|l| l.local_addr().expect("it is bound")).collect();
    // Nobody listens on the port of a listener that is gone.
    let gone = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr());
    servers.insert(1, gone.expect("a free port"));
    thread::spawn(move || {
        // Nobody gets an answer before all have asked.
        let asked: Vec<_> =
            listeners.iter().map(|l| l.accept().expect("a client comes").0).collect();
        for (mut connection, number) in asked.into_iter().zip(0..) {
            write!(connection, "{number}").expect("the client reads");
        }
    });
    let answers = async { time::timeout(Duration::from_secs(30), ask_all(servers)).await };
    let answers = block_on(answers).expect("one waited for its answer before all were asked");
    let answers: Vec<Option<String>> = answers.into_iter().map(Result::ok).collect();
    let said = |text: &str| Some(text.to_owned());
    assert_eq!(answers, [said("0"), None, said("1"), said("2")]);
}
