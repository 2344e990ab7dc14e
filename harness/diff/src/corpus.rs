//! Answers that implementations agree on, as files, and their replay against one endpoint. No peer is
//! needed for that.

use serde::{Deserialize, Serialize};

use crate::answer::{Answer, Strictness};
use crate::bench::{Bench, Gone};
use crate::case::{Case, Request};

/// A file of the corpus: cases that end in one operation.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Corpus {
    /// The cases.
    pub cases: Vec<Agreed>,
}

/// A case with the answers that were agreed on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Agreed {
    /// Who agreed, with versions, besides the one that was tested.
    pub agreed_by: Vec<String>,
    /// What the last answer looks like: no two cases of a file have equal ones.
    pub shows: String,
    /// Requests, each with its answer.
    pub exchanges: Vec<AgreedExchange>,
}

/// A request with the answer that was agreed on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AgreedExchange {
    /// The request.
    #[serde(flatten)]
    pub request: Request,
    /// The answer, normal. A body of `null` stands for any: that of a request that only prepares.
    pub answer: Answer,
}

/// How answers of the corpus compare: all but capacity.
pub const STRICT: Strictness = Strictness { messages: true, capacity: false, envelopes: false };

/// Where a replay got another answer.
#[derive(Debug)]
pub struct Deviation {
    /// The request.
    pub request: Request,
    /// What was agreed on.
    pub expected: Answer,
    /// What was answered.
    pub answered: Answer,
}

/// Replays a case against the first endpoint; the first deviation, if any.
///
/// # Errors
/// [`Gone`].
pub fn replay(bench: &mut Bench, agreed: &Agreed) -> Result<Option<Deviation>, Gone> {
    let requests = agreed.exchanges.iter().map(|exchange| exchange.request.clone()).collect();
    let exchanges = bench.run(&Case { requests })?;
    for (expected, exchange) in agreed.exchanges.iter().zip(exchanges) {
        let answered = exchange.answers.into_iter().next().unwrap_or(Answer::none("no endpoint"));
        let is_any = expected.answer.body.is_null() && answered.status == expected.answer.status;
        if answered != expected.answer && !is_any {
            let (request, expected) = (expected.request.clone(), expected.answer.clone());
            return Ok(Some(Deviation { request, expected, answered }));
        }
    }
    Ok(None)
}
