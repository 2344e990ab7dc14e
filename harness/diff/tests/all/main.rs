//! What the tests show: drawing and shrinking; the corpus and hostile requests, against an engine in this process.

mod corpus;
mod hostile;
mod shrinking;
mod support;
