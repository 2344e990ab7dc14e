//! Runs a case on all endpoints in turn, on a fresh table, and compares what they answer.

use std::time::Duration;

use crate::answer::{Answer, Strictness};
use crate::case::{Case, Request};
use crate::compare::difference;
use crate::endpoint::Endpoint;
use crate::limits::MAX_INDEX_READS;

/// The endpoints, and how they are compared.
pub struct Bench {
    /// The endpoints; the first is the one that is tested.
    pub endpoints: Vec<Endpoint>,
    /// What is compared.
    pub strict: Strictness,
    names: Vec<String>,
    /// Makes names of tables that no other run has.
    run: u64,
    tables: u64,
    /// Requests that were sent to each.
    pub requests: u64,
}

/// What was answered to one request.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The answers, normal, an endpoint each.
    pub answers: Vec<Answer>,
    /// What their difference is called.
    pub difference: Option<String>,
}

/// No endpoint answers any more.
#[derive(Debug, thiserror::Error)]
#[error("{name} ({url}) does not answer{}: {why}", after.as_ref().map_or(String::new(), |after| format!(" after {after}")))]
pub struct Gone {
    /// Which.
    pub name: String,
    /// Where.
    pub url: String,
    /// What was sent last.
    pub after: Option<String>,
    /// What came instead of an answer.
    pub why: String,
}

impl Bench {
    /// `run` must differ from that of any other run against the same endpoints.
    pub fn new(endpoints: Vec<Endpoint>, strict: Strictness, run: u64) -> Self {
        let names = endpoints.iter().map(|endpoint| endpoint.name.clone()).collect();
        Self { endpoints, strict, names, run, tables: 0, requests: 0 }
    }

    /// What the endpoints are called.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Runs a case, up to the first write whose answers differ: behind it the tables may, too.
    ///
    /// # Errors
    /// [`Gone`].
    pub fn run(&mut self, case: &Case) -> Result<Vec<Exchange>, Gone> {
        self.tables += 1;
        let table = format!("diff-{:08x}-{:06x}", self.run & 0xFFFF_FFFF, self.tables);
        let mut exchanges = Vec::new();
        for request in &case.requests {
            let exchange = self.exchange(request, &table)?;
            let ends = ends_case(request, &exchange);
            exchanges.push(exchange);
            if ends {
                break;
            }
        }
        let delete = format!("{{\"TableName\":\"{table}\"}}");
        for endpoint in &self.endpoints {
            endpoint.send("DeleteTable", delete.as_bytes());
        }
        Ok(exchanges)
    }

    fn exchange(&mut self, request: &Request, table: &str) -> Result<Exchange, Gone> {
        let follows = request.member("IndexName").is_some();
        let most = if follows { MAX_INDEX_READS } else { 1 };
        let mut pause = Duration::from_millis(2);
        let mut tries = 0;
        loop {
            tries += 1;
            let answers = self.answers(request, table)?;
            let difference = difference(request, &self.names, &answers);
            let all_done = answers.iter().all(Answer::is_success);
            if difference.is_none() || !all_done || tries == most {
                return Ok(Exchange { answers, difference });
            }
            std::thread::sleep(pause);
            pause *= 2;
        }
    }

    fn answers(&mut self, request: &Request, table: &str) -> Result<Vec<Answer>, Gone> {
        const CHANGES: [&str; 3] = ["CreateTable", "UpdateTable", "DeleteTable"];
        let body = request.bytes(table);
        self.requests += 1;
        let mut answers = Vec::new();
        for endpoint in &self.endpoints {
            let answer = endpoint.send(&request.operation, &body);
            if answer.status == 0 && !endpoint.is_alive() {
                return Err(Gone {
                    name: endpoint.name.clone(),
                    url: endpoint.url.clone(),
                    after: Some(format!(
                        "{} {}",
                        request.operation,
                        String::from_utf8_lossy(&body)
                    )),
                    why: answer.body.as_str().unwrap_or_default().to_owned(),
                });
            }
            if answer.is_success() && CHANGES.contains(&request.operation.as_str()) {
                endpoint.settle(table);
            }
            answers.push(answer.normal(request, table, self.strict));
        }
        Ok(answers)
    }
}

/// Whether tables may differ behind an exchange: a write that only some have done, or that all have done in other ways.
fn ends_case(request: &Request, exchange: &Exchange) -> bool {
    if exchange.difference.is_none() || request.is_read() {
        return false;
    }
    let done = exchange.answers.iter().filter(|answer| answer.is_success()).count();
    let is_silent = exchange.answers.iter().any(|answer| answer.status == 0);
    let is_description = request.operation.ends_with("Table");
    is_silent || (done > 0 && !(is_description && done == exchange.answers.len()))
}
