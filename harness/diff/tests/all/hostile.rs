//! Requests that mean harm: whatever is sent, the server answers the next one, and soon.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use flywheel_diff::{Choice, draw_case};
use serde_json::json;

use crate::support::Server;

/// How long a hostile request may take to be answered, on a machine with other work.
const SOON: Duration = Duration::from_secs(10);

fn head(operation: &str, length: usize) -> String {
    format!(
        "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: DynamoDB_20120810.{operation}\r\nContent-Type: \
         application/x-amz-json-1.0\r\nContent-Length: {length}\r\nX-Amz-Date: 20260101T000000Z\r\nAuthorization: \
         AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, \
         Signature=00\r\n\r\n"
    )
}

/// Sends bytes and no more; what comes back before the connection or the patience ends.
fn send(to: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(to).expect("connected");
    stream.set_read_timeout(Some(SOON)).expect("set");
    // Refused while it is still being sent, perhaps.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

fn bodies() -> Vec<(&'static str, String)> {
    let deep =
        |open: &str, close: &str, n: usize| format!("{}1{}", open.repeat(n), close.repeat(n));
    let value = |value: &str| format!(r#"{{"TableName":"abc","Item":{{"p":{value}}}}}"#);
    let expression =
        |text: &str| json!({ "TableName": "abc", "FilterExpression": text }).to_string();
    let number = |digits: &str| value(&format!(r#"{{"N":"{digits}"}}"#));
    vec![
        ("PutItem", deep("[", "]", 1_000_000)),
        ("PutItem", deep("{\"a\":", "}", 500_000)),
        ("PutItem", value(&deep("{\"L\":[", "]}", 200_000))),
        ("PutItem", value(&deep("{\"M\":{\"a\":", "}}", 200_000))),
        ("PutItem", "[".repeat(1_000_000)),
        ("PutItem", number(&"9".repeat(2_000_000))),
        ("PutItem", number("1e999999999999999999999")),
        ("PutItem", number(&format!("1e-{}", "9".repeat(100_000)))),
        ("PutItem", number(&format!("0.{}1", "0".repeat(1_000_000)))),
        ("PutItem", value(&format!(r#"{{"N":{}}}"#, "9".repeat(100_000)))),
        ("Scan", format!(r#"{{"TableName":"abc","Limit":1e{}}}"#, "9".repeat(1000))),
        ("Scan", expression(&"(".repeat(1_000_000))),
        ("Scan", expression(&"NOT ".repeat(1000))),
        ("Scan", expression(&format!("a{} = a", ".a".repeat(2000)))),
        ("Scan", expression(&format!("a[{}] = a", "9".repeat(4000)))),
        ("Scan", expression(&format!("{}a = a{}", "size(".repeat(600), ")".repeat(600)))),
        ("Scan", expression(&vec!["a = a"; 600].join(" AND "))),
    ]
}

#[test]
fn hostile_bodies_are_answered_soon() {
    let Some(server) = Server::start("hostile") else { return };
    let address = server.node.address();
    for (operation, body) in bodies() {
        let started = Instant::now();
        let answer = send(address, format!("{}{body}", head(operation, body.len())).as_bytes());
        let says = String::from_utf8_lossy(&answer[..answer.len().min(80)]).into_owned();
        let what = format!("{operation} {}", &body[..body.len().min(60)]);
        assert!(says.starts_with("HTTP/1.1 4"), "{what}: {says:?}");
        assert!(started.elapsed() < SOON, "{what}: {:?}", started.elapsed());
    }
    server.node.stop().expect("stopped");
}

#[test]
fn cut_and_random_bytes_leave_the_server_answering() {
    let Some(server) = Server::start("random") else { return };
    let (address, all) = (server.node.address(), Choice::of(|_| true).expect("all"));
    let mut state = 1_u64;
    let mut draw = |bound: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound
    };
    for number in 0..40 {
        for request in draw_case(9, number, &all).requests.into_iter().take(3) {
            let body = request.bytes("abc");
            let mut whole = head(&request.operation, body.len()).into_bytes();
            whole.extend(&body);
            match draw(3) {
                0 => whole.truncate(draw(whole.len())),
                1 => (0..8).for_each(|_| {
                    let at = draw(whole.len());
                    whole[at] = draw(256) as u8;
                }),
                _ => whole.iter_mut().for_each(|byte| *byte = draw(256) as u8),
            }
            send(address, &whole);
        }
    }
    let lives = send(address, format!("{}{{}}", head("ListTables", 2)).as_bytes());
    assert!(lives.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&lives));
    server.node.stop().expect("stopped");
}
