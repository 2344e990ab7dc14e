//! Signatures of requests: AWS Signature Version 4, for one method, one path and three headers.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// Who signs, and where for.
#[derive(Debug, Clone)]
pub struct Signer {
    /// The access key.
    pub access_key: String,
    /// Its secret.
    pub secret: String,
    /// The region.
    pub region: String,
}

/// What is signed.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// The host, with its port.
    pub host: &'a str,
    /// What `X-Amz-Target` says.
    pub target: &'a str,
    /// The time, as `20260131T120000Z`.
    pub time: &'a str,
    /// The body.
    pub body: &'a [u8],
}

impl Signer {
    /// The `Authorization` header.
    pub fn authorization(&self, of: Signed<'_>) -> String {
        const HEADERS: &str = "host;x-amz-date;x-amz-target";
        let day = &of.time[..8];
        let scope = format!("{day}/{}/dynamodb/aws4_request", self.region);
        let canonical = format!(
            "POST\n/\n\nhost:{}\nx-amz-date:{}\nx-amz-target:{}\n\n{HEADERS}\n{}",
            of.host,
            of.time,
            of.target,
            hex(&Sha256::digest(of.body))
        );
        let hash = hex(&Sha256::digest(canonical.as_bytes()));
        let text = format!("AWS4-HMAC-SHA256\n{}\n{scope}\n{hash}", of.time);
        let mut key = mac(format!("AWS4{}", self.secret).as_bytes(), day);
        for part in [self.region.as_str(), "dynamodb", "aws4_request"] {
            key = mac(&key, part);
        }
        format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={HEADERS}, Signature={}",
            self.access_key,
            hex(&mac(&key, &text))
        )
    }
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
