//! Differential testing of DynamoDB's API: cases by seed, sent to several endpoints in turn, their answers compared, differences shrunk. Not who is right.
//!
//! | Room | What it is |
//! |---|---|
//! | `draw/` | cases by seed: tables, items, expressions, parameters of before expressions, and broken requests; pure |
//! | `case` | requests in order; pure |
//! | `answer`, `compare` | answers without what may differ; what a difference is called; pure |
//! | `shrink` | the shortest case that still shows it; pure |
//! | `endpoint`, `sigv4` | one endpoint: sending, signing, waiting |
//! | `bench`, `run` | a case on all of them; many cases |
//! | `report` | what was found, as JSON and text |
//! | `corpus`, `record` | answers that are agreed on: their files, their replay, their recording |

mod answer;
mod bench;
mod case;
mod compare;
mod corpus;
mod draw;
mod endpoint;
mod limits;
mod random;
mod record;
mod report;
mod run;
mod shrink;
mod sigv4;

pub use answer::{Answer, Strictness};
pub use bench::{Bench, Exchange, Gone};
pub use case::{Body, Case, Request, TABLE};
pub use compare::{difference, face, masked};
pub use corpus::{Agreed, AgreedExchange, Corpus, Deviation, STRICT, replay};
pub use draw::{Choice, OPERATIONS, case as draw_case};
pub use endpoint::Endpoint;
pub use limits::MAX_SHRINK_RUNS;
pub use record::Recorder;
pub use report::{Group, Report, Told};
pub use run::{Plan, RunError, run};
pub use shrink::shrink;
pub use sigv4::{Signed, Signer};
