//! The canonical request, hashed as it goes. Not the signature over it.

use sha2::{Digest, Sha256};

use super::claim::Claim;
use super::hex;
use super::query::Query;
use crate::http::Head;
use crate::http::head::text;
use crate::limits::MAX_SIGNED_HEADERS;

/// The hash of the canonical form of a request whose body has this hash. The path is `/`: there is no
/// other to send signed requests to.
pub(super) fn hash(
    head: &Head<'_, '_>,
    query: &Query<'_>,
    claim: &Claim<'_>,
    body: &[u8],
) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(head.method);
    hash.update("\n/\n");
    if !head.query.is_empty() {
        hash.update(query.canonical());
    }
    hash.update("\n");
    // More than there can be are not the request's, and then the signature is not either.
    for name in claim.signed_headers.split(';').take(MAX_SIGNED_HEADERS) {
        update_lowercase(&mut hash, name);
        let found = head.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
        let mut separator = ":";
        for header in found {
            hash.update(separator);
            update_value(&mut hash, text(header));
            separator = ",";
        }
        // A header that is not there counts as an empty one.
        hash.update(if separator == ":" { ":\n" } else { "\n" });
    }
    hash.update("\n");
    update_lowercase(&mut hash, &claim.signed_headers);
    hash.update("\n");
    let mut digest = [0; 32];
    digest.copy_from_slice(body);
    hash.update(hex(&digest));
    hash.finalize().into()
}

/// Most names are in small letters already.
fn update_lowercase(hash: &mut Sha256, text: &str) {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        hash.update(text.to_ascii_lowercase());
    } else {
        hash.update(text);
    }
}

/// Spaces in a row count as one.
fn update_value(hash: &mut Sha256, value: &str) {
    if !value.contains("  ") {
        hash.update(value);
        return;
    }
    let mut words = value.split(' ').filter(|word| !word.is_empty());
    hash.update(words.next().unwrap_or_default());
    for word in words {
        hash.update(" ");
        hash.update(word);
    }
}
