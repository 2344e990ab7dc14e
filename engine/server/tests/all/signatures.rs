//! Who is let in: what is missing, late, unknown or wrong is told in AWS's order and words; what others
//! have signed is found right. Not what they may do.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::fixture::{
    ACCESS_KEY, Client, NOW, SECRET, SOMEBODY, Server, guarded, hex, open, post_with, sign,
    signature,
};

/// The type, without its namespace, and the message of a refusal.
fn refusal(client: &mut Client, headers: &str) -> (String, String) {
    let response = client.ask(post_with("Echo", headers, "{}"));
    assert_eq!(response.status, 400, "{headers}: {}", response.text());
    let error: Value = serde_json::from_slice(&response.body).expect("JSON");
    let name = error["__type"].as_str().expect("a type");
    let (namespace, name) = name.split_once('#').expect("a namespace");
    assert_eq!(namespace, "com.amazon.coral.service");
    (name.to_owned(), error["message"].as_str().expect("a message").to_owned())
}

/// A date on the day of the tests.
fn at(time: &str) -> String {
    format!("20150830T{time}Z")
}

#[test]
fn requests_that_botocore_signed_are_let_in_and_no_others() {
    let Some(server) = Server::start(guarded()) else { return };
    let mut client = server.connect();
    let text = include_str!("signed_by_botocore.json");
    let vectors: Vec<Value> = serde_json::from_str(text).expect("JSON");
    assert_eq!(vectors.len(), 24);
    for vector in &vectors {
        let query = vector["query"].as_str().expect("a query");
        let body = vector["body"].as_str().expect("a body");
        let request = |body: &str| {
            let mut request = format!("POST /?{query} HTTP/1.1\r\n");
            for (name, value) in vector["headers"].as_object().expect("headers") {
                if !name.eq_ignore_ascii_case("content-length") {
                    request += &format!("{name}: {}\r\n", value.as_str().expect("text"));
                }
            }
            (request + &format!("Content-Length: {}\r\n\r\n{body}", body.len())).into_bytes()
        };
        let answer = client.ask(request(body));
        assert!(answer.status != 400 || !answer.text().contains("Signature"), "{}", answer.text());
        let other = client.ask(request(&body.replace("TableName", "tableName")));
        assert!(other.text().contains("does not match the signature"), "{}", other.text());
    }
}

#[test]
fn signatures_made_as_documented_are_let_in() {
    let Some(server) = Server::start(guarded()) else { return };
    let mut client = server.connect();
    for date in [NOW.to_owned(), at("123101"), at("124059"), at("123100"), at("124100")] {
        let signed = signature("Who", b"{}", &date, ACCESS_KEY, SECRET);
        let answer = client.ask(post_with("Who", &signed, "{}"));
        assert_eq!(answer.text(), ACCESS_KEY, "{date}");
        // A session's token is tolerated, signed or not.
        let with_token = format!("X-Amz-Security-Token: abc\r\n{signed}");
        assert_eq!(client.ask(post_with("Who", &with_token, "{}")).status, 200);
    }
}

#[test]
fn a_date_header_will_do() {
    let Some(server) = Server::start(guarded()) else { return };
    let mut client = server.connect();
    let date = "Sun, 30 Aug 2015 12:36:00 GMT";
    let payload = hex(Sha256::digest(b"{}"));
    let canonical = format!("POST\n/\n\ndate:{date}\nhost:localhost\n\ndate;host\n{payload}");
    let signature = sign(&canonical, NOW, SECRET);
    let headers = format!(
        "Date: {date}\r\nAuthorization: AWS4-HMAC-SHA256 Signature={signature},SignedHeaders=date;Host,\
         Credential={ACCESS_KEY}/20150830/us-east-1/dynamodb/aws4_request/\r\n"
    );
    // Names of headers are signed in small letters, however they are listed.
    assert_eq!(client.ask(post_with("Who", &headers, "{}")).text(), ACCESS_KEY);
}

#[test]
fn what_is_missing_is_listed() {
    for options in [guarded(), open()] {
        let Some(server) = Server::start(options) else { return };
        let mut client = server.connect();
        let missing =
            ("MissingAuthenticationTokenException", "Request is missing Authentication Token");
        for headers in ["", "Authorization: Basic abc\r\n", "Authorization:\r\n"] {
            let (name, message) = refusal(&mut client, headers);
            assert_eq!((&name[..], &message[..]), missing);
        }
        let needs = |what: &str| format!("Authorization header requires '{what}' parameter. ");
        let date =
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
        let all =
            [&needs("Credential"), &needs("Signature"), &needs("SignedHeaders"), date].concat();
        for (header, expected) in [
            ("AWS4-", all.clone()),
            ("AWS4-HMAC-SHA256", all),
            ("AWS4-HMAC-SHA256 Credential=a, SignedHeaders=b, Signature=c", date.to_owned()),
            ("AWS4-HMAC-SHA256 Credential=a,Signature=c", needs("SignedHeaders") + date),
            (
                "AWS4-HMAC-SHA256 Signature=, SignedHeaders=b",
                needs("Credential") + &needs("Signature") + date,
            ),
        ] {
            let (name, message) = refusal(&mut client, &format!("Authorization: {header}\r\n"));
            assert_eq!(name, "IncompleteSignatureException");
            assert_eq!(message, format!("{expected}Authorization={header}"));
        }
        let no_pair = "Authorization: AWS4-HMAC-SHA256 Credential, Signature=b\r\n";
        let (name, message) = refusal(&mut client, no_pair);
        assert_eq!(name, "IncompleteSignatureException");
        assert!(message.starts_with("'Credential' not a valid key=value pair"), "{message}");
    }
}

#[test]
fn what_is_late_or_early_is_told_so() {
    let Some(server) = Server::start(guarded()) else { return };
    let mut client = server.connect();
    for (date, expected) in [
        (
            at("123059"),
            "Signature expired: 20150830T123059Z is now earlier than 20150830T123100Z \
             (20150830T123600Z - 5 min.)",
        ),
        (
            at("124101"),
            "Signature not yet current: 20150830T124101Z is still later than 20150830T124100Z \
             (20150830T123600Z + 5 min.)",
        ),
    ] {
        let signed = signature("Echo", b"{}", &date, ACCESS_KEY, SECRET);
        let (name, message) = refusal(&mut client, &signed);
        assert_eq!((&name[..], &message[..]), ("InvalidSignatureException", expected));
    }
    for bad in ["201", "20150830T123600", "20150832T123600Z", "20150830 123600Z", "éééééééé"]
    {
        let headers = SOMEBODY.replace(NOW, bad);
        let (name, message) = refusal(&mut client, &headers);
        assert_eq!(name, "IncompleteSignatureException");
        assert!(message.starts_with("Date must be in ISO-8601 'basic format'. Got '"), "{message}");
    }
}

#[test]
fn what_is_unknown_or_wrong_is_told_in_order() {
    let Some(server) = Server::start(guarded()) else { return };
    let mut client = server.connect();
    let wrong_secret = signature("Echo", b"{}", NOW, ACCESS_KEY, "another");
    let (name, message) = refusal(&mut client, &wrong_secret);
    assert_eq!(name, "InvalidSignatureException");
    assert!(message.starts_with("The request signature we calculated does not match"), "{message}");
    let (name, message) = refusal(&mut client, &signature("Echo", b"{}", NOW, "OTHER", SECRET));
    assert_eq!(name, "UnrecognizedClientException");
    assert_eq!(message, "The security token included in the request is invalid.");
    let right = signature("Echo", b"{}", NOW, ACCESS_KEY, SECRET);
    for (from, to, expected) in [
        ("content-type;host", "content-type", "'Host' must be a 'SignedHeader'"),
        ("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA25", "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA25'"),
        ("/dynamodb/aws4_request", "/dynamodb", "Credential must have exactly 5 slash-delimited"),
        ("/us-east-1/", "/no region!/", "not a valid key=value pair"),
        ("/us-east-1/", "//", "Credential should be scoped to a valid region, not ''."),
        ("/dynamodb/", "/s3/", "Credential should be scoped to correct service: 'dynamodb'."),
        ("/aws4_request", "/aws4", "with a valid terminator: 'aws4_request', not 'aws4'."),
        ("/20150830/", "/20150829/", "Date in Credential scope does not match YYYYMMDD"),
        (";x-amz-date", ";x-amz-datf", "does not match the signature"),
        ("Signature=", "Signature=0", "does not match the signature"),
    ] {
        let (_, message) = refusal(&mut client, &right.replace(from, to));
        assert!(message.contains(expected), "{from} -> {to}: {message}");
    }
    // The signature is looked at digit by digit.
    let at = right.find("Signature=").expect("there is one") + "Signature=".len();
    for digit in 0..64 {
        let mut changed = right.clone().into_bytes();
        let place = &mut changed[at + digit];
        *place = if *place == b'0' { b'1' } else { b'0' };
        let changed = String::from_utf8(changed).expect("text");
        let (_, message) = refusal(&mut client, &changed);
        assert!(message.contains("does not match the signature"), "{message}");
    }
    assert_eq!(client.ask(post_with("Echo", &right, "{}")).status, 200);
}

/// A request whose query says who sends it.
fn presigned(query: &str, more: &str) -> String {
    format!(
        "POST /?{query} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         X-Amz-Target: DynamoDB_20120810.Who\r\n{more}Content-Length: 2\r\n\r\n{{}}"
    )
}

#[test]
fn presigned_requests_are_let_in_while_they_are_valid() {
    let Some(server) = Server::start(guarded()) else { return };
    let mut client = server.connect();
    let of = |date: &str, expires: &str| {
        let scope = format!("{}%2Fus-east-1%2Fdynamodb%2Faws4_request", &date[..8]);
        let query = format!(
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={ACCESS_KEY}%2F{scope}&\
             X-Amz-Date={date}&X-Amz-Expires={expires}&X-Amz-SignedHeaders=host"
        );
        let payload = hex(Sha256::digest(b"{}"));
        let canonical = format!("POST\n/\n{query}\nhost:localhost\n\nhost\n{payload}");
        format!("{query}&X-Amz-Signature={}", sign(&canonical, date, SECRET))
    };
    for (date, expires) in [(NOW, "60"), ("20150830T123500Z", "60"), ("20150824T123500Z", "604800")]
    {
        let answer = client.ask(presigned(&of(date, expires), ""));
        assert_eq!(answer.text(), ACCESS_KEY, "{date} {expires}");
    }
    for (date, expires, expected) in [
        ("20150830T123459Z", "60", "Signature expired: 20150830T123459Z is now earlier than"),
        ("20150830T124101Z", "60", "Signature not yet current"),
        (NOW, "604801", "X-Amz-Expires must be a number"),
        (NOW, "soon", "X-Amz-Expires must be a number"),
    ] {
        let answer = client.ask(presigned(&of(date, expires), ""));
        assert_eq!(answer.status, 400);
        assert!(answer.text().contains(expected), "{}", answer.text());
    }
    let whole = of(NOW, "60");
    let both = client.ask(presigned(&whole, SOMEBODY));
    assert!(both.text().contains("Found both 'X-Amz-Algorithm'"), "{}", both.text());
    let without = whole.replace("&X-Amz-SignedHeaders=host", "").replace("X-Amz-Date", "D");
    let message = client.ask(presigned(&without, "")).text();
    let needs = "AWS query-string parameters must include";
    let expected = format!(
        "{needs} 'X-Amz-SignedHeaders'. {needs} 'X-Amz-Date'. Re-examine the query-string parameters."
    );
    assert!(message.contains(&expected), "{message}");
}

#[test]
fn anybody_is_let_in_where_that_was_asked_for() {
    let Some(server) = Server::start(open()) else { return };
    let mut client = server.connect();
    let late = signature("Who", b"{}", "19990101T000000Z", "anybody", "whatever");
    assert_eq!(client.ask(post_with("Who", &late, "{}")).text(), "anybody");
    let (name, _) = refusal(&mut client, &late.replace("=anybody/", "=/"));
    assert_eq!(name, "UnrecognizedClientException");
    let long = late.replace("anybody", &"a".repeat(200));
    assert_eq!(refusal(&mut client, &long).0, "UnrecognizedClientException");
}
