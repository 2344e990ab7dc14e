//! One room per rule, or per small group of rules; each checks a whole tree and names what it finds.
//!
//! Rules read the tree and nothing else, but for `licences`, which asks Cargo.

pub mod layers;
pub mod licences;
pub mod limits;
pub mod links;
pub mod manifests;
pub mod promises;
pub mod rooms;
pub mod seam;
pub mod text;
pub mod unfinished;

/// Whether `path` stands in the `tests/` or `benches/` folder of some crate.
fn is_test_or_bench(path: &str) -> bool {
    path.split('/').rev().skip(1).any(|folder| folder == "tests" || folder == "benches")
}

#[cfg(test)]
mod sample {
    //! What the tests of the rules share.

    use crate::Finding;
    use crate::tree::Tree;

    /// The places, as `path:line`, where `rule` fires on `samples`.
    pub fn fired(rule: fn(&Tree) -> Vec<Finding>, samples: &[(&str, &str)]) -> Vec<String> {
        let findings = rule(&Tree::of_samples(samples));
        findings.iter().map(|finding| format!("{}:{}", finding.path, finding.line)).collect()
    }
}
