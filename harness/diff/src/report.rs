//! What was found: each difference once, with its shortest case, as JSON and as text.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::case::{Body, Request};

/// What a run found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// The endpoints: names and addresses.
    pub endpoints: Vec<(String, String)>,
    /// Where cases came from.
    pub seed: u64,
    /// Operations that were left out, because an endpoint does not know them.
    pub left_out: Vec<String>,
    /// Cases that were drawn and run.
    pub cases: u64,
    /// Requests that each endpoint got, those of shrinking included.
    pub requests: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Why it ended before its time.
    pub fault: Option<String>,
    /// What differed.
    pub groups: Vec<Group>,
}

/// Differences of one name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Group {
    /// Its name.
    pub signature: String,
    /// How many requests showed it.
    pub count: u64,
    /// The case that showed it first.
    pub case: u64,
    /// The shortest case that was found, with what was answered.
    pub exchanges: Vec<Told>,
}

/// A request with its answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Told {
    /// The request.
    #[serde(flatten)]
    pub request: Request,
    /// The answers, an endpoint each.
    pub answers: Vec<Answer>,
    /// Whether it is here that they differ.
    pub differs: bool,
}

impl Report {
    /// The names of what was found.
    pub fn signatures(&self) -> BTreeSet<String> {
        self.groups.iter().map(|group| group.signature.clone()).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, group) in self.groups.iter().enumerate() {
            let (count, case) = (group.count, group.case);
            writeln!(
                f,
                "{}. {} ({count} times, first in case {case})",
                number + 1,
                group.signature
            )?;
            for told in &group.exchanges {
                let mark = if told.differs { ">" } else { " " };
                writeln!(f, "  {mark} {} {}", told.request.operation, short(&body(&told.request)))?;
                if told.differs {
                    for ((name, _), answer) in self.endpoints.iter().zip(&told.answers) {
                        writeln!(
                            f,
                            "      {name}: {} {}",
                            answer.status,
                            short(&answer.body.to_string())
                        )?;
                    }
                }
            }
            writeln!(f)?;
        }
        let rate = self.requests as f64 / self.seconds.max(1e-9);
        writeln!(
            f,
            "{} cases of seed {}, {} requests to each endpoint in {:.1} s ({rate:.0} a second): {} differences",
            self.cases,
            self.seed,
            self.requests,
            self.seconds,
            self.groups.len()
        )?;
        if !self.left_out.is_empty() {
            writeln!(f, "left out, because not all know them: {}", self.left_out.join(", "))?;
        }
        Ok(())
    }
}

fn body(request: &Request) -> String {
    match &request.body {
        Body::Json(value) => value.to_string(),
        Body::Text(text) => format!("(text) {text:?}"),
    }
}

/// The beginning and the end of a long text.
fn short(text: &str) -> String {
    const MOST: usize = 1200;
    let letters: Vec<char> = text.chars().collect();
    if letters.len() <= MOST {
        return text.to_owned();
    }
    let mut short: String = letters[..MOST / 2].iter().collect();
    let left_out = letters.len() - MOST;
    // Writing to a string does not fail.
    let _ = write!(short, " ... {left_out} more ... ");
    short.extend(&letters[letters.len() - MOST / 2..]);
    short
}
