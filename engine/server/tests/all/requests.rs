//! Requests however they are cut, and their answers in order. Not what is refused.

use std::io::Write;

use crate::fixture::{SOMEBODY, Server, open, post, post_with};

#[test]
fn a_connection_serves_many_requests() {
    let Some(server) = Server::start(open()) else { return };
    let mut client = server.connect();
    for body in ["{}", "{\"a\":1}", &format!("{{\"a\":\"{}\"}}", "b".repeat(40_000))] {
        let response = client.ask(post("Echo", body));
        assert_eq!((response.status, response.text().as_str()), (200, body));
        assert_eq!(response.header("connection"), None);
    }
    assert_eq!(client.ask(post("Who", "{}")).body, b"me");
    let nothing = client.ask(post("Nothing", "{}"));
    assert_eq!((nothing.status, nothing.body), (200, Vec::new()));
    let failed = client.ask(post("Other", "{}"));
    assert_eq!(failed.status, 400);
    assert_eq!(
        failed.text(),
        "{\"__type\":\"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException\",\
         \"message\":\"there is no \\\"such\\\" table\"}"
    );
}

#[test]
fn errors_are_sent_with_all_that_they_carry() {
    let Some(server) = Server::start(open()) else { return };
    let mut client = server.connect();
    for error in [
        "{\"__type\":\"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException\",\
         \"message\":\"it failed\",\"Item\":{\"pk\":{\"S\":\"a\"}}}",
        "{\"__type\":\"com.amazonaws.dynamodb.v20120810#TransactionCanceledException\",\
         \"Message\":\"cancelled\",\"CancellationReasons\":[{\"Code\":\"None\"},\
         {\"Code\":\"ConditionalCheckFailed\",\"Item\":{\"pk\":{\"S\":\"a\"}}}]}",
    ] {
        let response = client.ask(post("Fail", error));
        assert_eq!((response.status, response.text().as_str()), (400, error));
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let Some(server) = Server::start(open()) else { return };
    let mut client = server.connect();
    let bodies: Vec<String> = (0..300).map(|at| format!("{{\"at\":{at}}}")).collect();
    let all: Vec<u8> = bodies.iter().flat_map(|body| post("Echo", body)).collect();
    // Large ones between small ones, and one that is a page.
    let mut sent = post("Big", "100000");
    sent.extend_from_slice(&all);
    sent.extend_from_slice(b"GET /healthz HTTP/1.1\r\n\r\n");
    sent.extend_from_slice(&post("Big", "70000"));
    let mut writer = client.stream.try_clone().expect("a second handle");
    let writing = std::thread::spawn(move || writer.write_all(&sent).expect("it is sent"));
    assert_eq!(client.response().expect("the first").body.len(), 100_000);
    for body in &bodies {
        assert_eq!(client.response().expect("the next").text(), *body);
    }
    assert_eq!(client.response().expect("the page").text(), "ok\n");
    assert_eq!(client.response().expect("the last").body.len(), 70_000);
    writing.join().expect("the writer ends");
}

#[test]
fn an_answer_does_not_wait_for_the_request_behind_it() {
    let Some(server) = Server::start(open()) else { return };
    let mut client = server.connect();
    let both = [post("Echo", "{\"first\":1}"), post("Wait", "{}")].concat();
    client.send(both);
    assert_eq!(client.response().expect("the first").text(), "{\"first\":1}");
    server.control.go.store(true, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(client.response().expect("the second").text(), "waited");
}

#[test]
fn requests_may_come_a_byte_at_a_time() {
    let Some(server) = Server::start(open()) else { return };
    let mut client = server.connect();
    client.stream.set_nodelay(true).expect("an option");
    for request in [post("Echo", "{\"slow\":true}"), chunked("{\"slow\":true}", 3, "")] {
        for byte in request {
            client.send([byte]);
        }
        assert_eq!(client.response().expect("an answer").text(), "{\"slow\":true}");
    }
}

/// A request whose body comes in chunks.
fn chunked(body: &str, chunk_bytes: usize, headers: &str) -> Vec<u8> {
    let mut request = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         X-Amz-Target: DynamoDB_20120810.Echo\r\n{SOMEBODY}{headers}Transfer-Encoding: chunked\r\n\r\n"
    );
    for chunk in body.as_bytes().chunks(chunk_bytes) {
        let text = std::str::from_utf8(chunk).expect("plain text");
        request += &format!("{:x};ext=\"1\"\r\n{text}\r\n", chunk.len());
    }
    (request + "0\r\nTrailer: value\r\n\r\n").into_bytes()
}

#[test]
fn chunked_bodies_are_put_together() {
    let Some(server) = Server::start(open()) else { return };
    let mut client = server.connect();
    let body = format!("{{\"a\":\"{}\"}}", "chunk".repeat(30_000));
    for chunk_bytes in [7, 1000, 65_536, 1 << 20] {
        let both = [chunked(&body, chunk_bytes, ""), post("Echo", "{}")].concat();
        let mut writer = client.stream.try_clone().expect("a second handle");
        let writing = std::thread::spawn(move || writer.write_all(&both).expect("it is sent"));
        let response = client.response().expect("an answer");
        assert!(response.text() == body, "in chunks of {chunk_bytes}");
        assert_eq!(response.header("content-type"), Some("application/json"));
        assert_eq!(client.response().expect("the next").text(), "{}");
        writing.join().expect("the writer ends");
    }
}

#[test]
fn a_client_that_waits_is_told_to_go_on() {
    let Some(server) = Server::start(open()) else { return };
    let mut client = server.connect();
    let request = post_with("Echo", &format!("{SOMEBODY}Expect: 100-continue\r\n"), "{\"a\":1}");
    let (head, body) = request.split_at(request.len() - 7);
    assert_eq!(client.ask(head).status, 100);
    assert_eq!(client.ask(body).text(), "{\"a\":1}");
    // One that does not wait is not told.
    assert_eq!(client.ask(&request).text(), "{\"a\":1}");
}

#[test]
fn old_clients_and_those_that_ask_for_it_get_one_answer() {
    let Some(server) = Server::start(open()) else { return };
    for (version, header, stays) in [
        ("1.0", "", false),
        ("1.0", "Connection: keep-alive\r\n", true),
        ("1.1", "Connection: close\r\n", false),
        ("1.1", "", true),
    ] {
        let mut client = server.connect();
        let request = format!("GET /healthz HTTP/{version}\r\n{header}\r\n");
        let first = client.ask(&request);
        let expected = match (stays, version) {
            (false, _) => Some("close"),
            (true, "1.0") => Some("keep-alive"),
            (true, _) => None,
        };
        assert_eq!(first.header("connection"), expected, "{request}");
        client.send(&request);
        assert_eq!(client.response().is_some(), stays, "{request}");
    }
}
