//! Heads of requests, signed with AWS's Signature Version 4. What does not change from one to the next is made once: the
//! date a second, the signing key a day.

use std::io::Write;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::credentials::AccessKey;

type Keyed = Hmac<Sha256>;

const CONTENT_TYPE: &str = "application/x-amz-json-1.0";
const HEX_DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Writes and signs the heads of one worker's requests.
pub struct Signer {
    access: Arc<AccessKey>,
    region: String,
    host: String,
    /// The second that `date` is of.
    made_s: u64,
    /// `20150830T123600Z`.
    date: String,
    /// The key for the day of `date`.
    key: Keyed,
    canonical: Vec<u8>,
}

impl Signer {
    /// For requests to this host.
    pub fn new(access: Arc<AccessKey>, region: &str, host: &str) -> Self {
        Self {
            key: keyed(b"none yet"),
            region: region.to_owned(),
            host: host.to_owned(),
            made_s: u64::MAX,
            date: String::new(),
            canonical: Vec::with_capacity(512),
            access,
        }
    }

    /// Appends the head of a request for `operation` with this body, and the body.
    pub fn write(&mut self, now_s: u64, operation: &str, body: &[u8], out: &mut Vec<u8>) {
        self.set_time(now_s);
        let signature = self.signature(operation, body);
        let Self { access, region, host, date, .. } = self;
        // Memory takes whatever is written to it.
        let _ = write!(
            out,
            "POST / HTTP/1.1\r\nhost: {host}\r\ncontent-type: {CONTENT_TYPE}\r\n\
             x-amz-date: {date}\r\nx-amz-target: DynamoDB_20120810.{operation}\r\n"
        );
        if let Some(token) = &access.token {
            let _ = write!(out, "x-amz-security-token: {token}\r\n");
        }
        let _ = write!(
            out,
            "authorization: AWS4-HMAC-SHA256 Credential={}/{}/{region}/dynamodb/aws4_request, \
             SignedHeaders={}, Signature=",
            access.id,
            &date[..8],
            signed_headers(access)
        );
        out.extend_from_slice(&signature);
        let _ = write!(out, "\r\ncontent-length: {}\r\n\r\n", body.len());
        out.extend_from_slice(body);
    }

    fn set_time(&mut self, now_s: u64) {
        if self.made_s == now_s {
            return;
        }
        self.made_s = now_s;
        let day_before = self.date.get(..8).map(str::to_owned);
        self.date = basic_date(now_s);
        if day_before.as_deref() != Some(&self.date[..8]) {
            let parts = [&self.date[..8], &self.region, "dynamodb", "aws4_request"];
            let first = keyed(format!("AWS4{}", self.access.secret).as_bytes());
            self.key = parts.into_iter().fold(first, |mut so_far, part| {
                so_far.update(part.as_bytes());
                keyed(&so_far.finalize().into_bytes())
            });
        }
    }

    fn signature(&mut self, operation: &str, body: &[u8]) -> [u8; 64] {
        let Self { canonical, host, date, access, .. } = self;
        canonical.clear();
        let _ = write!(
            canonical,
            "POST\n/\n\ncontent-type:{CONTENT_TYPE}\nhost:{host}\nx-amz-date:{date}\n"
        );
        if let Some(token) = &access.token {
            let _ = writeln!(canonical, "x-amz-security-token:{token}");
        }
        let _ = write!(
            canonical,
            "x-amz-target:DynamoDB_20120810.{operation}\n\n{}\n",
            signed_headers(access)
        );
        canonical.extend_from_slice(&hex(&Sha256::digest(body).into()));
        let request = hex(&Sha256::digest(&canonical[..]).into());
        let mut signed = self.key.clone();
        let (date, region) = (&self.date, &self.region);
        for part in ["AWS4-HMAC-SHA256\n", date, "\n", &date[..8], "/", region] {
            signed.update(part.as_bytes());
        }
        signed.update(b"/dynamodb/aws4_request\n");
        signed.update(&request);
        hex(&signed.finalize().into_bytes().into())
    }
}

fn signed_headers(access: &AccessKey) -> &'static str {
    match access.token {
        None => "content-type;host;x-amz-date;x-amz-target",
        Some(_) => "content-type;host;x-amz-date;x-amz-security-token;x-amz-target",
    }
}

fn keyed(key: &[u8]) -> Keyed {
    Keyed::new_from_slice(key).expect("this hash takes keys of any length")
}

fn hex(bytes: &[u8; 32]) -> [u8; 64] {
    let mut text = [0; 64];
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair[0] = HEX_DIGITS[usize::from(byte >> 4)];
        pair[1] = HEX_DIGITS[usize::from(byte & 15)];
    }
    text
}

/// `20150830T123600Z`.
fn basic_date(unix_s: u64) -> String {
    let moment = OffsetDateTime::from_unix_timestamp(unix_s as i64);
    let moment = moment.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (date, (hour, minute, second)) = (moment.date(), moment.time().as_hms());
    let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_signatures_have_them() {
        assert_eq!(basic_date(1_440_938_160), "20150830T123600Z");
        assert_eq!(basic_date(951_782_400), "20000229T000000Z");
    }

    #[test]
    fn a_signature_is_over_what_is_sent() {
        let access = AccessKey::new("AKID", "secret");
        let mut signer = Signer::new(Arc::new(access), "us-east-1", "localhost:8000");
        let mut write = |now_s, operation, body: &[u8]| {
            let mut out = Vec::new();
            signer.write(now_s, operation, body, &mut out);
            String::from_utf8(out).expect("text")
        };
        let first = write(1_440_938_160, "GetItem", b"{}");
        assert!(first.contains("Credential=AKID/20150830/us-east-1/dynamodb/aws4_request"));
        assert!(first.ends_with("\r\ncontent-length: 2\r\n\r\n{}") && !first.contains("secret"));
        assert_eq!(first, write(1_440_938_160, "GetItem", b"{}"));
        let signature = |text: &str| {
            let (_, rest) = text.split_once("Signature=").expect("signed");
            rest.split("\r\n").next().expect("a line").to_owned()
        };
        let of_first = signature(&first);
        assert_eq!(of_first.len(), 64);
        // Days change the key, seconds the date, and each byte counts.
        for (now_s, operation, body) in [
            (1_440_938_161, "GetItem", b"{}"),
            (1_440_938_160 + 86_400, "GetItem", b"{}"),
            (1_440_938_160, "PutItem", b"{}"),
            (1_440_938_160, "GetItem", b"[]"),
        ] {
            assert_ne!(signature(&write(now_s, operation, body)), of_first);
        }
    }
}
