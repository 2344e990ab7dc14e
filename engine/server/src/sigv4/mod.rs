//! Who sent a request: AWS's Signature Version 4, in the `Authorization` header or in the query, checked in
//! AWS's order with AWS's words. Not who may do what.
//!
//! Nothing is put together to be hashed: the canonical request goes into the hash piece by piece, from the
//! bytes that came.

mod canonical;
mod claim;
mod keys;
mod query;

use std::borrow::Cow;
use std::rc::Rc;
use std::time::Duration;

use flywheel_api::{ApiError, ErrorCode};
use hmac::Mac;
use sha2::{Digest, Sha256};

use self::claim::Claim;
use self::keys::Keys;
use self::query::Query;
use crate::credentials::{Credentials, Known};
use crate::http::Head;
use crate::limits::{MAX_ACCESS_KEY_BYTES, MAX_CLOCK_SKEW_S};
use crate::wire::Civil;

/// The one algorithm.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What ends a credential's scope.
const TERMINATOR: &str = "aws4_request";

/// The service that signatures are for, of streams too.
const SERVICE: &str = "dynamodb";

/// Checks the signatures of one core's requests.
pub(crate) struct Verifier {
    /// `None` if anybody may ask.
    keys: Option<Keys>,
}

impl Verifier {
    pub(crate) fn new(credentials: &Credentials) -> Self {
        let keys = match &credentials.known {
            Known::Keys(keys) => Some(Keys::new(keys.clone())),
            Known::Anybody => None,
        };
        Self { keys }
    }

    /// The access key that a request with this body, as it was sent, is signed with.
    pub(crate) fn verify(
        &self,
        head: &Head<'_, '_>,
        body: &[u8],
        now: Duration,
    ) -> Result<Rc<str>, ApiError> {
        let query = Query::parse(head.query)?;
        let claim = Claim::find(head, &query)?;
        let Some(keys) = &self.keys else {
            return claimed_key(&claim).map(Rc::from);
        };
        let signed_s = claim.check_date(now.as_secs())?;
        claim.check_host()?;
        claim.check_algorithm()?;
        let scope = Scope::parse(&claim.credential)?;
        let signed_at = Civil::from_unix(signed_s).basic();
        scope.check(&signed_at)?;
        let Some(known) = keys.find(scope.access_key) else { return Err(unknown_key()) };
        let mut expected = known.signing_key(&scope);
        let request = canonical::hash(head, &query, &claim, &Sha256::digest(body));
        for part in [ALGORITHM, "\n", &signed_at, "\n", scope.text, "\n"] {
            expected.update(part.as_bytes());
        }
        expected.update(&hex(&request));
        let signature = unhex(claim.signature.as_bytes());
        // Compared in constant time: how long it takes tells nothing of the right one.
        match signature.map(|signature| expected.verify_slice(&signature)) {
            Some(Ok(())) => Ok(known.name()),
            _ => Err(invalid(
                "The request signature we calculated does not match the signature you provided. \
                 Check your AWS Secret Access Key and signing method. Consult the service \
                 documentation for details.",
            )),
        }
    }
}

/// What a key is good for, from a credential such as `AKID/20150830/us-east-1/dynamodb/aws4_request`.
struct Scope<'a> {
    access_key: &'a str,
    /// Everything behind the access key.
    text: &'a str,
    date: &'a str,
    region: &'a str,
    service: &'a str,
    terminator: &'a str,
}

impl<'a> Scope<'a> {
    fn parse(credential: &'a str) -> Result<Self, ApiError> {
        let trimmed = credential.trim_end_matches('/');
        let mut parts = trimmed.split('/');
        let mut part = || parts.next();
        if let (Some(access_key), Some(date), Some(region), Some(service), Some(terminator), None) =
            (part(), part(), part(), part(), part(), part())
        {
            let text = &trimmed[access_key.len() + 1..];
            return Ok(Self { access_key, text, date, region, service, terminator });
        }
        Err(incomplete(format!(
            "Credential must have exactly 5 slash-delimited elements, e.g. \
             keyid/date/region/service/term, got '{credential}'"
        )))
    }

    /// Everything but the key, all that is wrong with it at once.
    fn check(&self, signed_at: &str) -> Result<(), ApiError> {
        let mut wrong = Vec::new();
        let is_region = !self.region.is_empty()
            && self
                .region
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if !is_region {
            wrong.push(format!(
                "Credential should be scoped to a valid region, not '{}'. ",
                self.region
            ));
        }
        if self.service != SERVICE {
            wrong.push(format!("Credential should be scoped to correct service: '{SERVICE}'. "));
        }
        if self.terminator != TERMINATOR {
            wrong.push(format!(
                "Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{}'. ",
                self.terminator
            ));
        }
        let day = &signed_at[..8];
        if self.date != day {
            wrong.push(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from \
                 HTTP: '{}' != '{day}', from '{signed_at}'.",
                self.date
            ));
        }
        if wrong.is_empty() { Ok(()) } else { Err(invalid(wrong.concat().trim_end().to_owned())) }
    }
}

/// The key that a claim names, where nobody checks whether it is right.
fn claimed_key<'c>(claim: &'c Claim<'_>) -> Result<&'c str, ApiError> {
    let key = claim.credential.split('/').next().unwrap_or_default();
    if key.is_empty() || key.len() > MAX_ACCESS_KEY_BYTES { Err(unknown_key()) } else { Ok(key) }
}

fn unknown_key() -> ApiError {
    let message = "The security token included in the request is invalid.";
    ApiError::new(ErrorCode::UnrecognizedClient, message)
}

fn incomplete(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::IncompleteSignature, message)
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::InvalidSignature, message)
}

const HEX_DIGITS: &[u8; 16] = b"0123456789abcdef";

fn hex(bytes: &[u8; 32]) -> [u8; 64] {
    let mut text = [0; 64];
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair[0] = HEX_DIGITS[usize::from(byte >> 4)];
        pair[1] = HEX_DIGITS[usize::from(byte & 15)];
    }
    text
}

fn unhex(text: &[u8]) -> Option<[u8; 32]> {
    let text: &[u8; 64] = text.try_into().ok()?;
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        for &digit in pair {
            let digit = match digit {
                b'0'..=b'9' => digit - b'0',
                b'a'..=b'f' => digit - b'a' + 10,
                _ => return None,
            };
            *byte = *byte << 4 | digit;
        }
    }
    Some(bytes)
}

/// A window of time in AWS's words: `5 min.`
fn window(window_s: u64) -> Cow<'static, str> {
    match window_s {
        MAX_CLOCK_SKEW_S => Cow::Borrowed("5 min."),
        window_s => Cow::Owned(format!("{} min.", window_s.div_ceil(60))),
    }
}
