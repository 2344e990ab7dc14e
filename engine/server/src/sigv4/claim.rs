//! What a request says of its own signature, in the header or in the query, and whether that is all there
//! and of its time. Not whether it is true.

use std::borrow::Cow;

use flywheel_api::{ApiError, ErrorCode};

use super::query::Query;
use super::{ALGORITHM, incomplete, invalid, window};
use crate::http::Head;
use crate::limits::{MAX_CLOCK_SKEW_S, MAX_PRESIGNED_S};
use crate::wire::{Civil, number, parse_http_date};

/// A signature with all that belongs to it.
#[derive(Debug)]
pub(super) struct Claim<'a> {
    algorithm: Cow<'a, str>,
    pub(super) credential: Cow<'a, str>,
    /// Names of headers, with semicolons between them.
    pub(super) signed_headers: Cow<'a, str>,
    pub(super) signature: Cow<'a, str>,
    date: Cow<'a, str>,
    /// For how long it is valid, of a request that was signed to be sent later.
    expires: Option<Cow<'a, str>>,
}

impl<'a> Claim<'a> {
    /// Finds it in either place.
    pub(super) fn find(head: &Head<'_, 'a>, query: &Query<'a>) -> Result<Self, ApiError> {
        let authorization = head.header("authorization");
        let in_query = query.has("X-Amz-Algorithm");
        match authorization {
            Some(_) if in_query => Err(invalid(
                "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP \
                 header.",
            )),
            Some(header) if header.starts_with("AWS4-") => Self::from_header(head, header),
            None if in_query => Self::from_query(query),
            _ => {
                let message = "Request is missing Authentication Token";
                Err(ApiError::new(ErrorCode::MissingAuthenticationToken, message))
            }
        }
    }

    /// `AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., Signature=...`, in whatever order.
    fn from_header(head: &Head<'_, 'a>, header: &'a str) -> Result<Self, ApiError> {
        let (algorithm, rest) = header.split_once(' ').unwrap_or((header, ""));
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for pair in rest.split([',', ' ']).filter(|pair| !pair.is_empty()) {
            let Some((name, value)) = pair.split_once('=') else {
                return Err(incomplete(format!(
                    "'{pair}' not a valid key=value pair (missing equal-sign) in Authorization \
                     header: '{header}'."
                )));
            };
            match name {
                "Credential" => credential = Some(value),
                "SignedHeaders" => signed_headers = Some(value),
                "Signature" => signature = Some(value),
                _ => {}
            }
        }
        let date = head.header("x-amz-date").or_else(|| head.header("date"));
        let filled = |value: Option<&'a str>| value.filter(|value| !value.is_empty());
        if let (Some(credential), Some(signature), Some(signed_headers), Some(date)) =
            (filled(credential), filled(signature), filled(signed_headers), filled(date))
        {
            return Ok(Self {
                algorithm: Cow::Borrowed(algorithm),
                credential: Cow::Borrowed(credential),
                signed_headers: Cow::Borrowed(signed_headers),
                signature: Cow::Borrowed(signature),
                date: Cow::Borrowed(date),
                expires: None,
            });
        }
        let mut message = String::new();
        for (name, value) in [
            ("Credential", credential),
            ("Signature", signature),
            ("SignedHeaders", signed_headers),
        ] {
            if filled(value).is_none() {
                message += &format!("Authorization header requires '{name}' parameter. ");
            }
        }
        if filled(date).is_none() {
            message += "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' \
                        header. ";
        }
        Err(incomplete(format!("{message}Authorization={header}")))
    }

    fn from_query(query: &Query<'a>) -> Result<Self, ApiError> {
        const NAMES: [&str; 5] = [
            "X-Amz-Algorithm",
            "X-Amz-Credential",
            "X-Amz-Signature",
            "X-Amz-SignedHeaders",
            "X-Amz-Date",
        ];
        let values = NAMES.map(|name| query.value(name));
        if let [
            Some(algorithm),
            Some(credential),
            Some(signature),
            Some(signed_headers),
            Some(date),
        ] = values
        {
            let expires = query.value("X-Amz-Expires");
            return Ok(Self { algorithm, credential, signed_headers, signature, date, expires });
        }
        let missing = NAMES.iter().filter(|name| query.value(name).is_none());
        let missing: String = missing
            .map(|name| format!("AWS query-string parameters must include '{name}'. "))
            .collect();
        Err(incomplete(format!("{missing}Re-examine the query-string parameters.")))
    }

    /// When it was signed, in seconds since 1970, if that is neither too long ago nor to come.
    pub(super) fn check_date(&self, now_s: u64) -> Result<u64, ApiError> {
        let date = &self.date;
        let Some(signed_s) = parse_basic(date).or_else(|| parse_http_date(date)) else {
            return Err(incomplete(format!(
                "Date must be in ISO-8601 'basic format'. Got '{date}'. See \
                 http://en.wikipedia.org/wiki/ISO_8601"
            )));
        };
        let valid_s = self.valid_s()?;
        let basic = |unix_s: u64| Civil::from_unix(unix_s).basic();
        let earliest_s = now_s.saturating_sub(valid_s);
        if signed_s < earliest_s {
            return Err(invalid(format!(
                "Signature expired: {} is now earlier than {} ({} - {})",
                basic(signed_s),
                basic(earliest_s),
                basic(now_s),
                window(valid_s)
            )));
        }
        let latest_s = now_s + MAX_CLOCK_SKEW_S;
        if signed_s > latest_s {
            return Err(invalid(format!(
                "Signature not yet current: {} is still later than {} ({} + {})",
                basic(signed_s),
                basic(latest_s),
                basic(now_s),
                window(MAX_CLOCK_SKEW_S)
            )));
        }
        Ok(signed_s)
    }

    /// How long it is valid after its date.
    fn valid_s(&self) -> Result<u64, ApiError> {
        let Some(expires) = &self.expires else { return Ok(MAX_CLOCK_SKEW_S) };
        let valid_s = expires.parse::<u64>().ok().filter(|&valid_s| valid_s <= MAX_PRESIGNED_S);
        valid_s.ok_or_else(|| {
            invalid(format!(
                "X-Amz-Expires must be a number of seconds, {MAX_PRESIGNED_S} at the most, not \
                 '{expires}'"
            ))
        })
    }

    pub(super) fn check_host(&self) -> Result<(), ApiError> {
        if self.signed_headers.split(';').any(|name| name.eq_ignore_ascii_case("host")) {
            return Ok(());
        }
        Err(invalid("'Host' must be a 'SignedHeader' in the AWS Authorization."))
    }

    pub(super) fn check_algorithm(&self) -> Result<(), ApiError> {
        let algorithm = &self.algorithm;
        if algorithm == ALGORITHM {
            return Ok(());
        }
        Err(incomplete(format!(
            "Unsupported AWS 'algorithm': '{algorithm}' (only AWS4-HMAC-SHA256 for now). "
        )))
    }
}

/// Reads `20150830T123600Z`.
fn parse_basic(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    if bytes.len() != 16 || bytes[8] != b'T' || bytes[15] != b'Z' || !text.is_ascii() {
        return None;
    }
    let part = |from: usize, digits: usize| number(&text[from..from + digits], digits);
    Civil {
        year: part(0, 4)?,
        month: part(4, 2)?,
        day: part(6, 2)?,
        hour: part(9, 2)?,
        minute: part(11, 2)?,
        second: part(13, 2)?,
    }
    .to_unix()
}
