//! The same through TLS: certificates, records of any size, ends. Not what TLS promises: that is the
//! library's.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use flywheel_server::{ServerOptions, TlsError, TlsSettings};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::fixture::{Client, Server, open, post};

/// A server's certificate and key in PEM form, and the authority that a client has to trust.
fn certificate() -> (String, String, CertificateDer<'static>) {
    let key = KeyPair::generate().expect("a key");
    let mut authority = CertificateParams::new(Vec::new()).expect("parameters");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, key).expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let server = CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
    let server = server.signed_by(&key, &authority).expect("a certificate");
    (server.pem(), key.serialize_pem(), authority.der().clone())
}

fn client_config(root: CertificateDer<'static>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(root).expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

#[test]
fn requests_are_served_through_tls() {
    let (chain, key, root) = certificate();
    let tls = TlsSettings::from_pem(chain.as_bytes(), key.as_bytes()).expect("a certificate");
    let options = ServerOptions { tls: Some(tls), ..open() };
    let Some(server) = Server::start(options) else { return };
    let config = client_config(root);
    let connect = || {
        let name = "localhost".try_into().expect("a name");
        let session = ClientConnection::new(config.clone(), name).expect("a session");
        let stream = TcpStream::connect(server.address).expect("a connection");
        Client::new(StreamOwned::new(session, stream))
    };
    let mut client = connect();
    for bytes in [0, 1, 16_384, 40_000, 3_000_000] {
        let body = format!("{{\"a\":\"{}\"}}", "b".repeat(bytes));
        assert!(client.ask(post("Echo", &body)).text() == body, "{bytes} bytes");
    }
    let pipelined: Vec<u8> = (0..50).flat_map(|at| post("Echo", format!("[{at}]"))).collect();
    client.send(pipelined);
    for at in 0..50 {
        assert_eq!(client.response().expect("an answer").text(), format!("[{at}]"));
    }
    // The end is said, so that nobody can cut the stream unnoticed.
    let mut closing = connect();
    let answer = closing.ask("GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert_eq!(answer.text(), "ok\n");
    assert_eq!(closing.stream.read(&mut [0]).expect("an orderly end"), 0);
    // Who does not speak TLS is not answered.
    let mut plain = TcpStream::connect(server.address).expect("a connection");
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("it is sent");
    let mut said = Vec::new();
    let _ = plain.read_to_end(&mut said);
    assert!(!said.starts_with(b"HTTP"));
    assert_eq!(client.ask(post("Echo", "{}")).status, 200);
    let page = client.ask("GET /metrics HTTP/1.1\r\n\r\n").text();
    assert!(page.contains("flywheel_failed_handshakes_total 1\n"), "{page}");
}

#[test]
fn certificates_that_are_none_are_refused() {
    let (chain, key, _) = certificate();
    let (_, other_key, _) = certificate();
    let of = |chain: &str, key: &str| {
        TlsSettings::from_pem(chain.as_bytes(), key.as_bytes()).expect_err("it is refused")
    };
    assert!(matches!(of("", &key), TlsError::Pem { what: "certificates", .. }));
    assert!(matches!(of(&chain, ""), TlsError::Pem { what: "a private key", .. }));
    assert!(matches!(of(&chain, &chain), TlsError::Pem { what: "a private key", .. }));
    assert!(matches!(of(&chain, &other_key), TlsError::Unfit(_)));
    let missing = std::path::Path::new("/nonexistent/certificate.pem");
    let refused = TlsSettings::from_files(missing, missing).expect_err("it is refused");
    assert!(refused.to_string().contains("certificate.pem"), "{refused}");
    let tls = TlsSettings::from_pem(chain.as_bytes(), key.as_bytes()).expect("a certificate");
    assert_eq!(format!("{tls:?}"), "TlsSettings");
}
