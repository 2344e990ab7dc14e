//! One endpoint: sends a request and reads the answer, and waits until a table is as it was asked to be.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::iso8601::{Config, EncodedConfig, TimePrecision};
use time::format_description::well_known::{Iso8601, iso8601};
use ureq::Agent;

use crate::answer::Answer;
use crate::limits::{
    ALIVE_PAUSE, MAX_ALIVE_TRIES, MAX_ANSWER_BYTES, MAX_ANSWER_TIME, MAX_SETTLE_TIME,
};
use crate::sigv4::{Signed, Signer};

/// Times as signatures have them: without separators and fractions.
const BASIC: EncodedConfig = Config::DEFAULT
    .set_use_separators(false)
    .set_time_precision(TimePrecision::Second { decimal_digits: None })
    .set_formatted_components(iso8601::FormattedComponents::DateTimeOffset)
    .encode();

/// Something that answers.
pub struct Endpoint {
    /// What it is called.
    pub name: String,
    /// Where it is.
    pub url: String,
    host: String,
    agent: Agent,
    signer: Signer,
}

impl Endpoint {
    /// The endpoint of `[NAME=]URL`; the `number`-th of them has a letter for a name if it has none.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str, number: usize, signer: Signer) -> Result<Self, String> {
        let (name, url) = match text.split_once('=') {
            Some((name, url)) if !name.contains('/') => (name.to_owned(), url),
            _ => (char::from(b'A' + number as u8).to_string(), text),
        };
        let authority = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
        let Some(host) = authority.map(|rest| rest.trim_end_matches('/')) else {
            return Err(format!("expected [NAME=]http://HOST:PORT, found {text:?}"));
        };
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(MAX_ANSWER_TIME))
            .build();
        let (host, url) = (host.to_owned(), url.to_owned());
        Ok(Self { name, url, host, agent: config.into(), signer })
    }

    /// Sends a request; no answer is an answer, too.
    pub fn send(&self, operation: &str, body: &[u8]) -> Answer {
        match self.try_send(operation, body) {
            Ok(answer) => answer,
            Err(ureq::Error::Timeout(_)) => Answer::none("none in time"),
            Err(error) => Answer::none(&error.to_string()),
        }
    }

    fn try_send(&self, operation: &str, body: &[u8]) -> Result<Answer, ureq::Error> {
        let target = format!("DynamoDB_20120810.{operation}");
        let now = OffsetDateTime::now_utc().format(&Iso8601::<BASIC>).expect("a time of now");
        let signed = Signed { host: &self.host, target: &target, time: &now, body };
        let mut response = self
            .agent
            .post(&self.url)
            .header("Content-Type", "application/x-amz-json-1.0")
            .header("X-Amz-Target", &target)
            .header("X-Amz-Date", &now)
            .header("Authorization", &self.signer.authorization(signed))
            .send(body)?;
        let status = response.status().as_u16();
        let bytes = response.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_vec()?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) })
    }

    /// Whether it still answers, or does again soon: some are started again when they die.
    pub fn is_alive(&self) -> bool {
        (0..MAX_ALIVE_TRIES).any(|number| {
            if number > 0 {
                std::thread::sleep(ALIVE_PAUSE);
            }
            self.send("ListTables", b"{}").status != 0
        })
    }

    /// Whether it knows an operation.
    pub fn knows(&self, operation: &str) -> bool {
        let answer = self.send(operation, b"{}");
        let unknown = ["UnknownOperationException", "NotImplemented", "InternalFailure"];
        answer.error_type().is_none_or(|kind| !unknown.contains(&kind))
    }

    /// Waits until a table and its indexes are neither being made, changed nor deleted.
    pub fn settle(&self, table: &str) {
        let body = json!({ "TableName": table }).to_string();
        let started = Instant::now();
        let mut pause = Duration::from_millis(1);
        while started.elapsed() < MAX_SETTLE_TIME {
            let answer = self.send("DescribeTable", body.as_bytes());
            if !answer.is_success() || is_settled(&answer.body["Table"]) {
                return;
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }
}

fn is_settled(table: &Value) -> bool {
    let is_active = |status: &Value| status.as_str().is_none_or(|status| status == "ACTIVE");
    let indexes = table["GlobalSecondaryIndexes"].as_array().map_or(&[][..], Vec::as_slice);
    is_active(&table["TableStatus"]) && indexes.iter().all(|index| is_active(&index["IndexStatus"]))
}
