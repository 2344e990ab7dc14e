//! A request's query, taken apart, decoded, and encoded as signatures want it. Not what its parameters say.

use std::borrow::Cow;

use flywheel_api::ApiError;

use super::invalid;
use crate::limits::MAX_QUERY_PARAMETERS;

/// The parameters of a query, as they were sent.
#[derive(Debug)]
pub(super) struct Query<'a> {
    parameters: Vec<(&'a str, &'a str)>,
}

impl<'a> Query<'a> {
    /// An empty one takes no memory.
    pub(super) fn parse(query: &'a str) -> Result<Self, ApiError> {
        let parts = query.split('&').filter(|part| !part.is_empty());
        let parameters: Vec<_> = parts
            .take(MAX_QUERY_PARAMETERS + 1)
            .map(|part| part.split_once('=').unwrap_or((part, "")))
            .collect();
        if parameters.len() > MAX_QUERY_PARAMETERS {
            return Err(invalid(format!("more than {MAX_QUERY_PARAMETERS} query parameters")));
        }
        Ok(Self { parameters })
    }

    /// Whether there is such a parameter, even without a value.
    pub(super) fn has(&self, name: &str) -> bool {
        self.parameters.iter().any(|(known, _)| *known == name)
    }

    /// The decoded value of a parameter; `None` if it is not there, empty, or no text.
    pub(super) fn value(&self, name: &str) -> Option<Cow<'a, str>> {
        let (_, value) = self.parameters.iter().find(|(known, _)| *known == name)?;
        if value.is_empty() {
            return None;
        }
        if !value.contains('%') {
            return Some(Cow::Borrowed(value));
        }
        String::from_utf8(decode(value)).ok().map(Cow::Owned)
    }

    /// The parameters as they are signed: encoded in the one right way and sorted, without the
    /// signature itself.
    pub(super) fn canonical(&self) -> String {
        let mut encoded: Vec<(String, String)> = self
            .parameters
            .iter()
            .filter(|(name, _)| *name != "X-Amz-Signature")
            .map(|(name, value)| (encode(&decode(name)), encode(&decode(value))))
            .collect();
        encoded.sort();
        let joined = encoded.iter().map(|(name, value)| format!("{name}={value}"));
        joined.collect::<Vec<_>>().join("&")
    }
}

/// Undoes percent-encoding; what is none stays as it is.
fn decode(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, others @ ..] = rest {
        let digit = |at: usize| others.get(at).and_then(|&byte| char::from(byte).to_digit(16));
        match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high << 4 | low) as u8);
                rest = &others[2..];
            }
            _ => {
                decoded.push(*first);
                rest = others;
            }
        }
    }
    decoded
}

/// Percent-encodes everything but letters, digits and `-_.~`.
fn encode(bytes: &[u8]) -> String {
    let mut encoded = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(query: &str) -> String {
        Query::parse(query).expect("few parameters").canonical()
    }

    #[test]
    fn parameters_are_sorted_and_encoded_in_one_way() {
        for (query, expected) in [
            ("", ""),
            ("Param2=value2&Param1=value1", "Param1=value1&Param2=value2"),
            ("Param1=value2&Param1=Value1", "Param1=Value1&Param1=value2"),
            ("a&b=", "a=&b="),
            ("a=%7e%2F/ %zz%2", "a=~%2F%2F%20%25zz%252"),
            ("%61=b+c&X-Amz-Signature=0", "a=b%2Bc"),
            ("ሴ=bar", "%E1%88%B4=bar"),
        ] {
            assert_eq!(canonical(query), expected, "{query}");
        }
    }

    #[test]
    fn values_are_decoded_where_they_are_text() {
        let query = Query::parse("a=b%2Fc&d=&e&f=%ff&g=h").expect("few parameters");
        let value = |name| query.value(name);
        assert_eq!(value("a").as_deref(), Some("b/c"));
        assert_eq!(value("g").as_deref(), Some("h"));
        for missing in ["d", "e", "f", "z"] {
            assert_eq!(value(missing), None, "{missing}");
        }
        assert!(query.has("e") && !query.has("z"));
        assert!(Query::parse(&"a&".repeat(MAX_QUERY_PARAMETERS + 1)).is_err());
    }
}
