//! Connections as such: many at once, and how they end when the server does. Not requests; what an idle one
//! costs, a binary of its own shows.

use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use crate::fixture::{Server, open, post, with_settings};

#[test]
fn many_clients_at_once_get_their_own_answers() {
    let Some(server) = Server::start(open()) else { return };
    thread::scope(|scope| {
        for number in 0..40 {
            let mut client = server.connect();
            scope.spawn(move || {
                for turn in 0..50 {
                    let body = format!(
                        "{{\"n\":{number},\"t\":{turn},\"f\":\"{}\"}}",
                        "x".repeat(turn * 97)
                    );
                    assert_eq!(client.ask(post("Echo", &body)).text(), body);
                }
            });
        }
    });
    assert_eq!(server.options.metrics.requests(), 40 * 50);
}

#[test]
fn cores_share_a_port_their_counters_and_their_end() {
    let Some(server) = Server::start(open()) else { return };
    let beside = Server::beside(&server);
    assert_eq!(beside.address, server.address);
    let mut clients: Vec<_> = (0..60).map(|_| server.connect()).collect();
    for client in &mut clients {
        assert_eq!(client.ask(post("Echo", "{}")).status, 200);
    }
    let page = clients[0].ask("GET /metrics HTTP/1.1\r\n\r\n").text();
    assert!(page.contains("flywheel_connections 60\n"), "{page}");
    assert!(page.contains("{operation=\"other\",status=\"200\"} 60\n"), "{page}");
    server.stop.stop();
    for client in &mut clients {
        assert_eq!(client.response(), None);
    }
    assert_eq!((server.end().cut, beside.end().cut), (0, 0));
}

#[test]
fn a_server_that_is_to_stop_finishes_what_is_under_way() {
    let Some(server) = Server::start(open()) else { return };
    let mut idle = server.connect();
    assert_eq!(idle.ask(post("Echo", "{}")).status, 200);
    let mut busy = server.connect();
    busy.send(post("Wait", "{}"));
    let mut half = server.connect();
    let request = post("Echo", "{\"half\":1}");
    half.send(&request[..request.len() - 3]);
    while server.control.waiting.load(Ordering::SeqCst) == 0
        || server.options.metrics.open_connections() < 3
    {
        thread::sleep(Duration::from_millis(1));
    }
    // Until the server has taken in what was sent of it.
    thread::sleep(Duration::from_millis(20));
    server.stop.stop();
    assert_eq!(idle.response(), None, "an idle connection is closed");
    while TcpStream::connect(server.address).is_ok() {
        thread::sleep(Duration::from_millis(1));
    }
    half.send(&request[request.len() - 3..]);
    let last = half.response().expect("it had begun");
    assert_eq!((last.text().as_str(), last.header("connection")), ("{\"half\":1}", Some("close")));
    server.control.go.store(true, Ordering::SeqCst);
    let last = busy.response().expect("it had begun");
    assert_eq!((last.text().as_str(), last.header("connection")), ("waited", Some("close")));
    assert_eq!((busy.response(), half.response()), (None, None));
    assert_eq!(server.end().cut, 0);
}

#[test]
fn a_server_does_not_wait_for_ever_to_stop() {
    let settings = with_settings(|settings| settings.drain = Duration::from_millis(30));
    let Some(server) = Server::start(settings) else { return };
    let mut busy = server.connect();
    busy.send(post("Wait", "{}"));
    while server.control.waiting.load(Ordering::SeqCst) == 0 {
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(server.end().cut, 1);
    assert_eq!(busy.response(), None);
}
