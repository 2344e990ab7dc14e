//! The rules of the house, each a function from the repository's files to findings.
//!
//! `tests/tidy.rs` runs every rule on the repository itself, so `cargo test` is the check; every
//! room under `rules/` also proves on a small bad sample that its rule can fail.
//!
//! Knows nothing of the engine or the harness beyond their folder names. What the compiler and
//! clippy can check is left to them.

pub mod lexer;
pub mod manifest;
pub mod paths;
pub mod rules;
pub mod tree;

use std::fmt;

/// One breach of one rule, at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file, relative to the workspace root.
    pub path: String,
    /// Counted from 1.
    pub line: usize,
    /// The rule's short name.
    pub rule: &'static str,
    /// What is wrong here.
    pub problem: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, rule, problem, remedy } = self;
        write!(f, "{path}:{line}: [{rule}] {problem}: {remedy}")
    }
}

/// Panics with every finding on its own line; does nothing when there are none.
pub fn assert_clean(findings: &[Finding]) {
    let lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
    assert!(findings.is_empty(), "{} finding(s):\n{}", lines.len(), lines.join("\n"));
}
