//! What is there without a signature, and the headers of every response. Not operations.

use crate::fixture::{SOMEBODY, Server, fixed_clock, open, post, post_with};

#[test]
fn probes_are_answered() {
    let Some(server) = Server::start(open()) else { return };
    let mut client = server.connect();
    let healthy = client.ask("GET / HTTP/1.1\r\nHost: some.host:8000\r\n\r\n");
    assert_eq!((healthy.status, healthy.text().as_str()), (200, "healthy: some.host:8000 "));
    let probe = client.ask("GET /healthz HTTP/1.1\r\n\r\n");
    assert_eq!((probe.status, probe.text().as_str()), (200, "ok\n"));
}

#[test]
fn every_response_has_its_name_and_its_sum() {
    let mut options = open();
    options.clock = fixed_clock;
    let Some(server) = Server::start(options) else { return };
    let mut client = server.connect();
    let mut names = std::collections::HashSet::new();
    for request in [
        post("Echo", "{\"a\":1}"),
        post("Other", "{}"),
        post("Nothing", "{}"),
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        b"PUT / HTTP/1.1\r\n\r\n".to_vec(),
        b"nonsense\r\n\r\n".to_vec(),
    ] {
        let response = client.ask(request);
        let name = response.header("x-amzn-requestid").expect("a name").to_owned();
        let digits = name.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
        assert!(name.len() == 52 && digits, "{name}");
        assert!(names.insert(name), "a name was given twice");
        let sum = crc32fast::hash(&response.body).to_string();
        assert_eq!(response.header("x-amz-crc32"), Some(&sum[..]));
        assert_eq!(response.header("server"), Some("Server"));
        assert_eq!(response.header("date"), Some("Sun, 30 Aug 2015 12:36:00 GMT"));
    }
}

#[test]
fn responses_are_of_the_type_that_was_sent() {
    let Some(server) = Server::start(open()) else { return };
    let mut client = server.connect();
    for (sent, comes) in [
        ("application/x-amz-json-1.0", "application/x-amz-json-1.0"),
        ("application/json", "application/json"),
        ("Application/JSON ; charset=utf-8", "application/json"),
    ] {
        for operation in ["Echo", "Other"] {
            let request = post(operation, "{}");
            let request = String::from_utf8(request).expect("text");
            let request = request.replace("application/x-amz-json-1.0", sent);
            assert_eq!(client.ask(request).header("content-type"), Some(comes), "{sent}");
        }
    }
}

#[test]
fn pages_of_other_origins_are_welcome() {
    let Some(server) = Server::start(open()) else { return };
    let mut client = server.connect();
    let preflight = client.ask(
        "OPTIONS / HTTP/1.1\r\nOrigin: http://a\r\nAccess-Control-Request-Method: POST\r\n\
         Access-Control-Request-Headers: authorization,x-amz-target\r\n\r\n",
    );
    assert_eq!((preflight.status, preflight.body.len()), (200, 0));
    for (name, value) in [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-methods", "POST"),
        ("access-control-allow-headers", "authorization,x-amz-target"),
        ("access-control-max-age", "172800"),
        ("content-length", "0"),
    ] {
        assert_eq!(preflight.header(name), Some(value));
    }
    let from_origin = format!("{SOMEBODY}Origin: http://a\r\n");
    let answer = client.ask(post_with("Echo", &from_origin, "{}"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let exposed = answer.header("access-control-expose-headers").expect("a list");
    assert!(exposed.contains("x-amzn-RequestId"), "{exposed}");
    assert_eq!(answer.header("access-control-max-age"), None);
    let plain = client.ask(post("Echo", "{}"));
    assert!(!plain.head.to_lowercase().contains("access-control"), "{}", plain.head);
}

#[test]
fn what_happens_is_counted() {
    let Some(server) = Server::start(open()) else { return };
    let mut client = server.connect();
    let sent = post("Echo", "{}");
    for _ in 0..3 {
        client.ask(&sent);
    }
    client.ask(post("GetItem", "{}"));
    let second = server.connect().ask("GET /metrics HTTP/1.1\r\n\r\n");
    assert!(second.header("content-type").expect("a type").contains("version=0.0.4"));
    let page = second.text();
    for expected in [
        "flywheel_connections 2\n",
        "flywheel_requests_total{operation=\"other\",status=\"200\"} 3\n",
        "flywheel_requests_total{operation=\"GetItem\",status=\"400\"} 1\n",
        "flywheel_response_seconds_count{operation=\"GetItem\"} 1\n",
        "sample_metric 1\n",
    ] {
        assert!(page.contains(expected), "{expected} is not in\n{page}");
    }
}

#[test]
fn hot_keys_are_shown_where_the_server_is_told_to_and_to_no_web_page() {
    let mut options = open();
    options.settings.shows_hot_keys = true;
    let Some(server) = Server::start(options) else { return };
    let mut client = server.connect();
    let mut ask = |headers: &str| client.ask(format!("GET /hot HTTP/1.1\r\n{headers}\r\n"));
    let shown = ask("Host: 127.0.0.1:8000\r\n");
    assert_eq!((shown.status, &*shown.text()), (200, "{\"partitions\":[]}"));
    assert_eq!(ask("Host: localhost\r\n").status, 200);
    assert_eq!(ask("Host: [::1]:8000\r\n").status, 200);
    // Another site's page, and one that gave this address its own name.
    assert_eq!(ask("Host: 127.0.0.1\r\nOrigin: http://a\r\n").status, 403);
    assert_eq!(ask("Host: a.example:8000\r\n").status, 403);
    assert_eq!(ask("").status, 403);
    let Some(silent) = Server::start(open()) else { return };
    let answer = silent.connect().ask("GET /hot HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(answer.status == 404 && answer.text().contains("--show-hot-keys"));
}
