//! Every text file ends in a newline and carries no trailing whitespace.
//!
//! Diffs then show only what was meant. Carriage returns count as trailing whitespace.

use crate::Finding;
use crate::tree::Tree;

/// Checks every text file, of whatever kind.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.texts() {
        let mut add = |line, problem: &str, remedy: &str| {
            findings.push(Finding {
                path: path.to_owned(),
                line,
                rule: "whitespace",
                problem: problem.to_owned(),
                remedy: remedy.to_owned(),
            });
        };
        for (at, line) in text.split('\n').enumerate() {
            if line.ends_with(char::is_whitespace) {
                add(at + 1, "trailing whitespace", "remove it");
            }
        }
        if !text.is_empty() && !text.ends_with('\n') {
            add(text.lines().count(), "no newline at the end of the file", "add one");
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::sample::fired;

    #[test]
    fn trailing_whitespace_and_a_missing_newline_fire() {
        assert_eq!(fired(check, &[("a.md", "one\ntwo\x20\x20\nthree\n")]), ["a.md:2"]);
        assert_eq!(fired(check, &[("a.toml", "one\t\n")]), ["a.toml:1"]);
        assert_eq!(fired(check, &[("a.rs", "one\r\n")]), ["a.rs:1"]);
        assert_eq!(fired(check, &[("a.rs", "one\ntwo")]), ["a.rs:2"]);
    }

    #[test]
    fn clean_and_empty_files_pass() {
        assert!(fired(check, &[("a.rs", "one\n\n  two\n"), ("b.rs", "")]).is_empty());
    }

    #[test]
    fn inputs_of_the_fuzz_targets_are_no_text() {
        let input = "\x01{ \n";
        assert!(fired(check, &[("fuzz/corpus/identity/a", input)]).is_empty());
        assert_eq!(fired(check, &[("fuzz/src/a.rs", input)]), ["fuzz/src/a.rs:1"]);
    }
}
