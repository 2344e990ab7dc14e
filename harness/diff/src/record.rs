//! Records what endpoints agree on: each form of an answer once, in its shortest case.

use std::collections::{BTreeMap, BTreeSet};

use crate::answer::Answer;
use crate::bench::{Bench, Exchange, Gone};
use crate::case::Case;
use crate::compare::face;
use crate::corpus::{Agreed, AgreedExchange, Corpus};
use crate::limits::MAX_SHRINK_RUNS;
use crate::shrink::shrink;

/// Keeps a corpus, a file for each operation.
#[derive(Debug, Default)]
pub struct Recorder {
    /// By operation.
    pub files: BTreeMap<String, Corpus>,
    /// How many others must agree with the first endpoint.
    pub least: usize,
}

impl Recorder {
    /// Keeps what a case shows that is new.
    pub(crate) fn record(
        &mut self,
        bench: &mut Bench,
        case: &Case,
        exchanges: &[Exchange],
    ) -> Result<(), Gone> {
        for at in 0..exchanges.len() {
            let operation = &case.requests[at].operation;
            let shows = shows(case, at, exchanges);
            let agreeing = agreeing(case, &exchanges[..=at]);
            let is_known = |file: &Corpus| file.cases.iter().any(|agreed| agreed.shows == shows);
            if agreeing.len() < self.least || self.files.get(operation).is_some_and(is_known) {
                continue;
            }
            let requests = case.requests[..=at].to_vec();
            let agreed = shortest(bench, Case { requests }, &shows, self.least)?;
            if let Some(agreed) = agreed {
                self.files.entry(operation.clone()).or_default().cases.push(agreed);
            }
        }
        Ok(())
    }
}

/// The endpoints that give the first one's answers, all along.
fn agreeing(case: &Case, exchanges: &[Exchange]) -> BTreeSet<usize> {
    let count = exchanges.first().map_or(0, |exchange| exchange.answers.len());
    let agrees = |other: &usize| {
        (0..exchanges.len()).all(|at| {
            let (first, other) = (&exchanges[at].answers[0], &exchanges[at].answers[*other]);
            let is_made = is_preparation(case, at) && first.is_success() && other.is_success();
            is_made || first == other
        })
    };
    (1..count).filter(agrees).collect()
}

/// Whether a request only makes the table that later ones are about.
fn is_preparation(case: &Case, at: usize) -> bool {
    case.requests[at].operation == "CreateTable" && at + 1 < case.requests.len()
}

/// What an answer looks like, with what of a request decides over it.
fn shows(case: &Case, at: usize, exchanges: &[Exchange]) -> String {
    let request = &case.requests[at];
    let answer = &exchanges[at].answers[0];
    if !answer.is_success() {
        return face(answer);
    }
    const TELLING: [&str; 13] = [
        "ReturnValues",
        "Select",
        "IndexName",
        "ConditionExpression",
        "FilterExpression",
        "ProjectionExpression",
        "UpdateExpression",
        "Expected",
        "AttributeUpdates",
        "KeyConditions",
        "AttributesToGet",
        "ScanFilter",
        "ScanIndexForward",
    ];
    let mut shows = String::from("200");
    for name in TELLING {
        match request.member(name) {
            Some(serde_json::Value::String(text)) if name.ends_with("Expression") => {
                shows.push_str(&format!(" {name} {}", words(text)));
            }
            Some(serde_json::Value::String(text)) => shows.push_str(&format!(" {text}")),
            Some(_) => shows.push_str(&format!(" {name}")),
            None => {}
        }
    }
    shows.push_str(&members(answer));
    shows
}

/// The words and functions of an expression, without its operands.
fn words(expression: &str) -> String {
    let is_word = |word: &&str| {
        word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_')
    };
    let words = expression.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let unique: BTreeSet<&str> = words.filter(is_word).collect();
    unique.into_iter().collect::<Vec<_>>().join(",")
}

fn members(answer: &Answer) -> String {
    let names = answer.body.as_object().map(|members| members.keys().cloned().collect::<Vec<_>>());
    format!(" -> {}", names.unwrap_or_default().join(","))
}

/// The shortest case that still shows it, and in which enough others agree.
fn shortest(
    bench: &mut Bench,
    case: Case,
    wanted: &str,
    least: usize,
) -> Result<Option<Agreed>, Gone> {
    let mut best = None;
    let mut holds = |bench: &mut Bench, candidate: &Case| {
        let exchanges = bench.run(candidate)?;
        let last = candidate.requests.len().checked_sub(1);
        let holds = last.is_some_and(|last| {
            exchanges.len() == last + 1
                && shows(candidate, last, &exchanges) == wanted
                && agreeing(candidate, &exchanges).len() >= least
        });
        if holds {
            best = Some((candidate.clone(), exchanges));
        }
        Ok(holds)
    };
    if !holds(bench, &case)? {
        return Ok(None);
    }
    shrink(case, MAX_SHRINK_RUNS, |candidate| holds(bench, candidate))?;
    let names = bench.names();
    Ok(best.map(|(case, exchanges)| {
        let agreed_by = agreeing(&case, &exchanges);
        let agreed_by = agreed_by.into_iter().map(|of| names[of].clone()).collect();
        let tell = |(at, exchange): (usize, &Exchange)| {
            let mut answer = exchange.answers[0].clone();
            if is_preparation(&case, at) {
                answer.body = serde_json::Value::Null;
            }
            AgreedExchange { request: case.requests[at].clone(), answer }
        };
        let exchanges = exchanges.iter().enumerate().map(tell).collect();
        Agreed { agreed_by, shows: wanted.to_owned(), exchanges }
    }))
}
