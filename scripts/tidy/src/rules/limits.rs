//! All bounds of an engine crate stand in its one `limits.rs`, where they can be read side by side
//! and asserted against each other.
//!
//! A bound is known by its name; test code may keep its own.

use crate::Finding;
use crate::lexer;
use crate::rules::is_test_or_bench;
use crate::tree::Tree;

/// Every constant named like a bound is declared in its crate's `src/limits.rs`.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.with_extension("rs") {
        let mut folders = path.split('/');
        let (Some("engine"), Some(krate)) = (folders.next(), folders.next()) else { continue };
        let home = format!("engine/{krate}/src/limits.rs");
        if path == home || is_test_or_bench(path) {
            continue;
        }
        let tokens = lexer::tokens(text);
        for pair in tokens.windows(2) {
            let name = pair[1].text;
            if matches!(pair[0].text, "const" | "static") && is_bound(name) {
                findings.push(Finding {
                    path: path.to_owned(),
                    line: pair[1].line,
                    rule: "limits",
                    problem: format!("the bound {name} is declared away from the others"),
                    remedy: format!("move it to {home}"),
                });
            }
        }
    }
    findings
}

fn is_bound(name: &str) -> bool {
    name.starts_with("MAX_") || name.ends_with("_LIMIT") || name.ends_with("_CAPACITY")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::sample::fired;

    const BOUNDS: &str = "pub const MAX_KEY_BYTES: usize = 1;\nconst QUEUE_LIMIT: usize = 2;\n\
                          pub(crate) const RING_CAPACITY: u32 = 3;\nconst PAGE_BYTES: usize = 4;\n";

    #[test]
    fn bounds_outside_limits_fire() {
        let found = fired(check, &[("engine/store/src/log.rs", BOUNDS)]);
        let expected = [1, 2, 3].map(|line| format!("engine/store/src/log.rs:{line}"));
        assert_eq!(found, expected);
        assert_eq!(fired(check, &[("engine/store/src/log/limits.rs", BOUNDS)]).len(), 3);
    }

    #[test]
    fn bounds_at_home_in_tests_and_in_the_harness_pass() {
        for path in
            ["engine/store/src/limits.rs", "engine/store/tests/a.rs", "harness/load/src/a.rs"]
        {
            assert!(fired(check, &[(path, BOUNDS)]).is_empty(), "{path}");
        }
    }
}
