//! All integration tests of the server crate, in one binary: real sockets on loopback, bytes as a client
//! sends them. Not unit tests.
//!
//! | Module        | What it shows                                                                  |
//! |---------------|--------------------------------------------------------------------------------|
//! | `fixture`     | nothing: servers, clients, signatures made as the documentation says             |
//! | `requests`    | requests however they are cut: pipelined, chunked, one byte at a time            |
//! | `refusals`    | what is no request, too large, too slow, or one too many                         |
//! | `pages`       | probes, other origins, metrics, headers of every response                        |
//! | `content`     | compression both ways                                                            |
//! | `signatures`  | who is let in: AWS's order and words, answers that are known, both forms         |
//! | `connections` | many at once, draining                                                           |
//! | `tls`         | the same through TLS                                                             |
//!
//! They need io_uring; where there is none they print "skipped" with the reason and pass.

#![allow(clippy::disallowed_methods, reason = "these tests are clients, on threads of their own")]
#![allow(clippy::disallowed_types, reason = "they use the clock and files as clients do")]

mod connections;
mod content;
mod fixture;
mod pages;
mod refusals;
mod requests;
mod signatures;
mod tls;
