//! Compression both ways. Not its formats: those are the library's.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::{GzEncoder, ZlibEncoder};
use flywheel_server::limits::{COMPRESSED_FROM_BYTES, MAX_BODY_BYTES};

use crate::fixture::{
    ACCESS_KEY, NOW, SECRET, SOMEBODY, Server, guarded, open, post_with, signature,
};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

#[test]
fn requests_may_be_compressed() {
    let Some(server) = Server::start(open()) else { return };
    let mut client = server.connect();
    let body = format!("{{\"a\":\"{}\"}}", "b".repeat(100_000));
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
    zlib.write_all(body.as_bytes()).expect("memory takes it");
    let zlib = zlib.finish().expect("memory takes it");
    for (coding, sent) in [("gzip", gzip(body.as_bytes())), ("deflate", zlib)] {
        let headers = format!("{SOMEBODY}Content-Encoding: {coding}\r\n");
        let response = client.ask(post_with("Echo", &headers, &sent));
        assert!(response.status == 200 && response.text() == body, "{coding}");
        for broken in [&sent[..sent.len() / 2], b"{}"] {
            let response = client.ask(post_with("Echo", &headers, broken));
            assert_eq!(response.status, 500, "{coding}");
            assert!(response.text().contains("InternalServerError"));
        }
    }
    let headers = format!("{SOMEBODY}Content-Encoding: gzip\r\n");
    let bomb = gzip(&vec![b' '; MAX_BODY_BYTES + 1]);
    assert_eq!(client.ask(post_with("Echo", &headers, bomb)).status, 500);
}

#[test]
fn a_signature_is_of_the_bytes_as_sent() {
    let Some(server) = Server::start(guarded()) else { return };
    let mut client = server.connect();
    let sent = gzip(b"{\"a\":1}");
    let signed = signature("Echo", &sent, NOW, ACCESS_KEY, SECRET);
    let headers = format!("{signed}Content-Encoding: gzip\r\n");
    assert_eq!(client.ask(post_with("Echo", &headers, &sent)).text(), "{\"a\":1}");
}

#[test]
fn large_responses_are_compressed_for_those_who_take_that() {
    let Some(server) = Server::start(open()) else { return };
    let mut client = server.connect();
    for bytes in [COMPRESSED_FROM_BYTES - 1, COMPRESSED_FROM_BYTES, 1_000_000] {
        let plain = client.ask(post_with("Big", SOMEBODY, bytes.to_string()));
        assert_eq!((plain.body.len(), plain.header("content-encoding")), (bytes, None));
        let headers = format!("{SOMEBODY}Accept-Encoding: gzip, deflate, br\r\n");
        let packed = client.ask(post_with("Big", &headers, bytes.to_string()));
        // What clients check is the sum of what they received.
        let sum = crc32fast::hash(&packed.body).to_string();
        assert_eq!(packed.header("x-amz-crc32"), Some(&sum[..]));
        if bytes < COMPRESSED_FROM_BYTES {
            assert_eq!(packed.header("content-encoding"), None);
            assert_eq!(packed.body, plain.body);
            continue;
        }
        assert_eq!(packed.header("content-encoding"), Some("gzip"));
        let mut unpacked = Vec::new();
        GzDecoder::new(&packed.body[..]).read_to_end(&mut unpacked).expect("gzip");
        assert!(unpacked == plain.body && packed.body.len() < bytes);
    }
}
