//! A case: requests in order, on tables that it makes itself. Not how they are drawn, not how they are sent.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Stands in bodies for the name of the case's own table: each run of a case has a fresh one.
pub const TABLE: &str = "{table}";

/// Requests in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// What is sent.
    pub requests: Vec<Request>,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The operation that the header names.
    pub operation: String,
    /// What is sent with it.
    #[serde(flatten)]
    pub body: Body,
}

/// The body of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// JSON.
    Json(Value),
    /// Any text: JSON that a tree could not hold, or none at all.
    Text(String),
}

impl Request {
    /// A request with a body of JSON.
    pub fn new(operation: &str, body: Value) -> Self {
        Self { operation: operation.to_owned(), body: Body::Json(body) }
    }

    /// The bytes to be sent, for a table of that name.
    pub fn bytes(&self, table: &str) -> Vec<u8> {
        let text = match &self.body {
            Body::Json(value) => value.to_string(),
            Body::Text(text) => text.clone(),
        };
        text.replace(TABLE, table).into_bytes()
    }

    /// A member of its body.
    pub fn member(&self, name: &str) -> Option<&Value> {
        match &self.body {
            Body::Json(Value::Object(members)) => members.get(name),
            Body::Json(_) | Body::Text(_) => None,
        }
    }

    /// Whether it changes nothing, whatever is answered.
    pub fn is_read(&self) -> bool {
        const READS: [&str; 11] = [
            "GetItem",
            "Query",
            "Scan",
            "BatchGetItem",
            "TransactGetItems",
            "DescribeTable",
            "DescribeTimeToLive",
            "DescribeLimits",
            "DescribeContinuousBackups",
            "ListTables",
            "ListTagsOfResource",
        ];
        READS.contains(&self.operation.as_str())
    }
}
