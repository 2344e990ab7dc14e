//! Every promise of `docs/failure-model.md` names tests, and every test that it names exists.
//!
//! Whether a test holds its promise is for those who break the code on purpose.

use std::collections::BTreeSet;

use crate::Finding;
use crate::lexer;
use crate::tree::Tree;

const DOCUMENT: &str = "docs/failure-model.md";

/// The heading under which the promises stand.
const HEADING: &str = "## What we promise";

/// Every promise names a test or a canary; every name is a function or a canary of the repository.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let Some((_, text)) = tree.with_extension("md").find(|(path, _)| *path == DOCUMENT) else {
        return Vec::new();
    };
    let known = functions_and_variants(tree);
    let mut findings = Vec::new();
    let finding = |line, problem, remedy: &str| Finding {
        path: DOCUMENT.to_owned(),
        line,
        rule: "promises",
        problem,
        remedy: remedy.to_owned(),
    };
    for promise in promises(text) {
        if promise.names.is_empty() {
            let problem = format!("promise {} names no test", promise.number);
            findings.push(finding(promise.line, problem, "name the test that fails without it"));
        }
        for (line, name) in promise.names.into_iter().filter(|(_, name)| !known.contains(name)) {
            let problem = format!("`{name}` is no test or canary of the repository");
            findings.push(finding(line, problem, "correct the name, or write the test"));
        }
    }
    findings
}

struct Promise<'a> {
    number: &'a str,
    line: usize,
    /// What stands in backticks and looks like a name.
    names: Vec<(usize, &'a str)>,
}

fn promises(text: &str) -> Vec<Promise<'_>> {
    let mut found: Vec<Promise<'_>> = Vec::new();
    let lines = text.lines().enumerate().skip_while(|(_, line)| *line != HEADING);
    for (at, line) in lines {
        let numbered = line.split_once(". **").filter(|(number, _)| {
            !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        });
        if let Some((number, _)) = numbered {
            found.push(Promise { number, line: at + 1, names: Vec::new() });
        }
        if let Some(promise) = found.last_mut() {
            let names = line.split('`').skip(1).step_by(2).filter(|name| is_name(name));
            promise.names.extend(names.map(|name| (at + 1, name)));
        }
    }
    found
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// Names of functions, and of the variants of [`Canary`](../../../../engine/disk/src/canary.rs).
fn functions_and_variants(tree: &Tree) -> BTreeSet<&str> {
    let mut known = BTreeSet::new();
    for (path, text) in tree.with_extension("rs") {
        let tokens = lexer::tokens(text);
        for pair in tokens.windows(2) {
            if pair[0].text == "fn" || (path.ends_with("/canary.rs") && pair[0].text == "::") {
                known.insert(pair[1].text);
            }
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::sample::fired;

    #[test]
    fn a_promise_without_a_test_and_a_test_that_is_not_there_are_found() {
        let document = "1. **Not a promise.**\n\n## What we promise\n\
                        1. **This** holds: `it_holds`.\n\
                        2. **That** too:\n   `it_does_not`, `scripts/sim --canaries`.\n\
                        3. **Nobody** looks.\n";
        let source = "#[test]\nfn it_holds() {}\n";
        let found = fired(check, &[(DOCUMENT, document), ("engine/disk/tests/all.rs", source)]);
        assert_eq!(found, [format!("{DOCUMENT}:6"), format!("{DOCUMENT}:7")]);
    }
}
