//! Where requests go: a URL, resolved. Not the connections.

use std::net::{SocketAddr, TcpStream, ToSocketAddrs};

use crate::limits::CONNECT_TIMEOUT;

/// Why an endpoint cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// No URL of an endpoint.
    #[error("endpoint {url:?}: expected http://HOST[:PORT] or https://HOST[:PORT]")]
    Url {
        /// What was given.
        url: String,
    },
    /// Nobody is there.
    #[error("endpoint {url}: {problem}")]
    Unreachable {
        /// What was given.
        url: String,
        /// What the system said.
        problem: String,
    },
}

/// An endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Whether connections are encrypted.
    pub is_tls: bool,
    /// What the header `Host` says: the port only where it is not the usual one.
    pub host: String,
    /// The host by itself, for certificates.
    pub name: String,
    /// The port.
    pub port: u16,
}

impl Endpoint {
    /// Reads a URL.
    ///
    /// # Errors
    /// [`EndpointError::Url`].
    pub fn parse(url: &str) -> Result<Self, EndpointError> {
        let wrong = || EndpointError::Url { url: url.to_owned() };
        let (scheme, rest) = url.split_once("://").ok_or_else(wrong)?;
        let (is_tls, usual_port) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (false, 80),
            "https" => (true, 443),
            _ => return Err(wrong()),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let is_authority =
            authority.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte));
        let (name, port) = split_port(authority).ok_or_else(wrong)?;
        let port: u16 = match port {
            Some(port) => port.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)?,
            None => usual_port,
        };
        if !is_authority || name.is_empty() {
            return Err(wrong());
        }
        let host = if port == usual_port { name.to_owned() } else { format!("{name}:{port}") };
        let name = name.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self { is_tls, host, name, port })
    }

    /// The first of its addresses that somebody answers at.
    ///
    /// # Errors
    /// [`EndpointError::Unreachable`], with what the last of them said.
    pub fn reach(&self) -> Result<SocketAddr, EndpointError> {
        let failed = |problem: String| EndpointError::Unreachable { url: self.url(), problem };
        let addresses = (self.name.as_str(), self.port).to_socket_addrs();
        let addresses = addresses.map_err(|error| failed(error.to_string()))?;
        let mut problem = "the name has no address".to_owned();
        for address in addresses {
            match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
                Ok(_) => return Ok(address),
                Err(error) => problem = format!("{address}: {error}"),
            }
        }
        Err(failed(problem))
    }

    /// It, as a URL.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.is_tls { "https" } else { "http" }, self.host)
    }
}

/// A host and its port, `[::1]:8000` among them. `None` for what is neither.
fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    if authority.starts_with('[') {
        let (host, rest) = authority.split_at(authority.find(']')? + 1);
        return match rest.strip_prefix(':') {
            Some(port) => Some((host, Some(port))),
            None => rest.is_empty().then_some((host, None)),
        };
    }
    match authority.split_once(':') {
        Some((host, port)) => (!port.contains(':')).then_some((host, Some(port))),
        None => Some((authority, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read() {
        for (url, is_tls, host, name, port) in [
            ("http://127.0.0.1:8000", false, "127.0.0.1:8000", "127.0.0.1", 8000),
            (
                "https://dynamodb.us-east-1.amazonaws.com/",
                true,
                "dynamodb.us-east-1.amazonaws.com",
                "dynamodb.us-east-1.amazonaws.com",
                443,
            ),
            ("HTTP://localhost", false, "localhost", "localhost", 80),
            ("http://localhost:80", false, "localhost", "localhost", 80),
            ("http://[::1]:4566", false, "[::1]:4566", "::1", 4566),
        ] {
            let endpoint = Endpoint::parse(url).expect(url);
            let (host, name) = (host.to_owned(), name.to_owned());
            assert_eq!(endpoint, Endpoint { is_tls, host, name, port });
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused() {
        for url in [
            "",
            "127.0.0.1:8000",
            "ftp://a",
            "http://",
            "http://a:0",
            "http://a:port",
            "http://a:1:2",
            "http://a/path",
            "http://user@a",
            "http://[::1",
            "http://a b",
            "http://a:99999",
        ] {
            assert!(Endpoint::parse(url).is_err(), "{url}");
        }
    }
}
