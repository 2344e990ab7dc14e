//! What is no request, too large, too slow, or one too many: an answer that says so where there can be
//! one, and the end of the connection. Not who is let in: see `signatures`.

use std::io::Write;
use std::time::Duration;

use flywheel_server::limits::{MAX_BODY_BYTES, MAX_HEAD_BYTES};

use crate::fixture::{Client, SOMEBODY, Server, open, post, post_with, with_settings};

/// Asserts that a request is refused so, and the connection closed.
fn refused(client: &mut Client, request: impl AsRef<[u8]>, status: u16) {
    let response = client.ask(request);
    assert_eq!((response.status, response.header("connection")), (status, Some("close")));
    assert_eq!(client.response(), None, "the connection is closed");
}

#[test]
fn what_is_no_request_is_a_bad_one() {
    let Some(server) = Server::start(open()) else { return };
    for bad in [
        "nonsense\r\n\r\n",
        "GET /\r\n\r\n",
        "GET / HTTP/3.0\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\u{fc}\x03\x03",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
    ] {
        refused(&mut server.connect(), bad, 400);
    }
    refused(&mut server.connect(), "POST / HTTP/1.1\r\nTransfer-Encoding: br\r\n\r\n", 501);
    // The requests before it are answered.
    let mut client = server.connect();
    let both = [&post("Echo", "{}")[..], b"nonsense\r\n\r\n"].concat();
    assert_eq!(client.ask(both).status, 200);
    assert_eq!(client.response().expect("a refusal").status, 400);
    assert_eq!(client.response(), None);
}

#[test]
fn heads_have_a_bound() {
    let Some(server) = Server::start(open()) else { return };
    let long_line = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(MAX_HEAD_BYTES));
    let long_header = format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "a".repeat(MAX_HEAD_BYTES));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(1000));
    let endless = format!("GET / HTTP/1.1\r\nA: {}", "a".repeat(4 * MAX_HEAD_BYTES));
    for request in [long_line, long_header, many, endless] {
        refused(&mut server.connect(), request, 400);
    }
    let fits = format!("GET /healthz HTTP/1.1\r\nA: {}\r\n\r\n", "a".repeat(MAX_HEAD_BYTES - 100));
    assert_eq!(server.connect().ask(fits).status, 200);
}

#[test]
fn bodies_have_a_bound() {
    let Some(server) = Server::start(open()) else { return };
    let head = |length: &str| {
        format!("POST / HTTP/1.1\r\nContent-Type: application/json\r\n{length}\r\n\r\n")
    };
    // Refused before any of it is sent, and also if the client sends it all the same.
    let length = format!("Content-Length: {}", MAX_BODY_BYTES + 1);
    refused(&mut server.connect(), head(&length), 413);
    let mut client = server.connect();
    let mut writer = client.stream.try_clone().expect("a second handle");
    let request = [head(&length).into_bytes(), vec![b'x'; 3 << 20]].concat();
    let writing = std::thread::spawn(move || writer.write_all(&request));
    assert_eq!(client.response().expect("it is told").status, 413);
    let _ = writing.join().expect("the writer ends");
    // One that says nothing of its length is read up to the bound.
    let mut client = server.connect();
    let mut writer = client.stream.try_clone().expect("a second handle");
    let writing = std::thread::spawn(move || {
        let chunk = [&b"100000\r\n"[..], &vec![b'x'; 1 << 20], b"\r\n"].concat();
        let _ = writer.write_all(head("Transfer-Encoding: chunked").as_bytes());
        while writer.write_all(&chunk).is_ok() {}
    });
    assert_eq!(client.response().expect("it is told").status, 413);
    drop(client);
    writing.join().expect("the writer ends");
    // The largest one is let in.
    let body = format!("{{\"a\":\"{}\"}}", "b".repeat(MAX_BODY_BYTES - 8));
    let mut client = server.connect();
    let mut writer = client.stream.try_clone().expect("a second handle");
    let request = post("Echo", &body);
    let writing = std::thread::spawn(move || writer.write_all(&request));
    assert!(client.response().expect("an answer").text() == body);
    writing.join().expect("the writer ends").expect("all of it was taken");
}

#[test]
fn slow_clients_are_left() {
    let short = Duration::from_millis(30);
    let settings = with_settings(|settings| {
        (settings.head, settings.body, settings.write) = (short, short, short);
    });
    let Some(server) = Server::start(settings) else { return };
    for beginning in
        ["G", "GET / HTTP/1.1\r\nA: b\r\n", "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n12"]
    {
        let mut client = server.connect();
        client.send(beginning);
        assert_eq!(client.response(), None, "{beginning}");
    }
    // A client that keeps sending a byte now and then gains nothing by it.
    let mut client = server.connect();
    let mut writer = client.stream.try_clone().expect("a second handle");
    let dripping = std::thread::spawn(move || {
        let _ = writer.write_all(b"GET / HTTP/1.1\r\nA: ");
        while writer.write_all(b"a").is_ok() {
            std::thread::sleep(Duration::from_millis(2));
        }
    });
    assert_eq!(client.response(), None);
    drop(client);
    dripping.join().expect("the writer ends");
    // One that does not take its answer.
    let mut client = server.connect();
    client.send(post("Big", "16000000"));
    client.send(post("Big", "16000000"));
    while server.options.metrics.open_connections() > 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn idle_connections_are_closed_in_time() {
    let settings = with_settings(|settings| settings.idle = Duration::from_millis(30));
    let Some(server) = Server::start(settings) else { return };
    let mut silent = server.connect();
    let mut served = server.connect();
    assert_eq!(served.ask(post("Echo", "{}")).status, 200);
    assert_eq!((silent.response(), served.response()), (None, None));
}

#[test]
fn truncated_requests_end_with_their_connection() {
    let Some(server) = Server::start(open()) else { return };
    let whole = post("Echo", "{\"a\":1}");
    for end in [1, 20, whole.len() - 7, whole.len() - 1] {
        let mut client = server.connect();
        client.send(&whole[..end]);
        client.stream.shutdown(std::net::Shutdown::Write).expect("an end");
        assert_eq!(client.response(), None, "cut at {end}");
    }
    assert_eq!(server.connect().ask(whole).status, 200);
}

#[test]
fn too_many_connections_are_told_so() {
    let Some(server) = Server::start(with_settings(|settings| settings.connections = 2)) else {
        return;
    };
    let mut first = server.connect();
    let mut second = server.connect();
    assert_eq!(first.ask(post("Echo", "{}")).status, 200);
    assert_eq!(second.ask(post("Echo", "{}")).status, 200);
    let mut third = server.connect();
    let response = third.response().expect("it is told");
    assert_eq!((response.status, response.header("connection")), (503, Some("close")));
    assert_eq!(third.response(), None);
    drop(first);
    // Its place is free once the server has seen it go.
    loop {
        let mut next = server.connect();
        let response = next.ask(post("Echo", "{}"));
        if response.status == 200 {
            break;
        }
    }
    assert_eq!(second.ask(post("Echo", "{}")).status, 200);
}

#[test]
fn other_methods_paths_and_types_are_not_found() {
    let Some(server) = Server::start(open()) else { return };
    let mut client = server.connect();
    for request in [
        "PUT / HTTP/1.1\r\n\r\n",
        "DELETE / HTTP/1.1\r\n\r\n",
        "OPTIONS / HTTP/1.1\r\n\r\n",
        "GET /other HTTP/1.1\r\n\r\n",
        "POST /other HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Type: text/plain\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
        "POST / HTTP/1.1\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: 2\r\n\r\n{}",
    ] {
        let response = client.ask(request);
        assert_eq!(response.status, 404, "{request}");
        assert_eq!(response.text(), "<UnknownOperationException/>\n");
        assert_eq!(response.header("x-amz-crc32"), Some("3552371480"));
    }
    let head = client.ask("HEAD / HTTP/1.1\r\n\r\n");
    assert_eq!((head.status, head.body.len()), (404, 0));
}

#[test]
fn what_is_no_json_is_said_before_what_is_no_operation() {
    let Some(server) = Server::start(open()) else { return };
    let mut client = server.connect();
    let mut of = |operation: &str, headers: &str, body: &str| {
        let response = client.ask(post_with(operation, headers, body));
        assert_eq!(response.status, 400);
        let text = response.text();
        text[..text.find("Exception").expect("a type")].rsplit('#').next().map(str::to_owned)
    };
    let serialization = Some("Serialization".to_owned());
    assert_eq!(of("Unknown", "", "{}"), Some("UnknownOperation".into()));
    assert_eq!(of("Bad-Name", "", "{}"), Some("UnknownOperation".into()));
    assert_eq!(of("Unknown", "", "{"), serialization);
    assert_eq!(of("Echo", "", "{"), serialization);
    assert_eq!(of("Echo", "", "{}"), Some("MissingAuthenticationToken".into()));
    assert_eq!(of("Echo", "", ""), Some("MissingAuthenticationToken".into()));
    assert_eq!(of("Echo", SOMEBODY, ""), serialization);
}
