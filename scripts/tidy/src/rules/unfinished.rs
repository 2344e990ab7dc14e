//! Nothing unfinished is checked in: no placeholder macros, no markers, no switched-off tests.
//!
//! What is left to do belongs in an issue, not in the code.

use crate::Finding;
use crate::lexer;
use crate::tree::Tree;

/// Macros that stand for missing code or leftover debugging.
const MACROS: [&str; 3] = ["todo", "unimplemented", "dbg"];

/// The attribute that switches a test off.
const IGNORE: &str = "ignore";

/// Comment markers, spelled in two halves so that this file passes its own rule.
const MARKERS: [&str; 2] = [concat!("FIX", "ME"), concat!("XX", "X")];

/// Checks code for macros and ignored tests, and every text for markers.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.texts() {
        let markers = text.lines().enumerate().filter_map(|(at, line)| {
            let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
            let marker = words.find(|word| MARKERS.contains(word))?;
            Some((at + 1, marker.to_owned(), "finish it, or open an issue and link that"))
        });
        let code = if path.ends_with(".rs") { in_code(text) } else { Vec::new() };
        findings.extend(markers.chain(code).map(|(line, what, remedy)| Finding {
            path: path.to_owned(),
            line,
            rule: "unfinished",
            problem: format!("{what} is checked in"),
            remedy: remedy.to_owned(),
        }));
    }
    findings
}

fn in_code(text: &str) -> Vec<(usize, String, &'static str)> {
    let tokens = lexer::tokens(text);
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let next = |n: usize| tokens.get(at + n).map_or("", |token| token.text);
        if MACROS.contains(&token.text) && next(1) == "!" {
            found.push((token.line, format!("{}!", token.text), "write the code, or leave it out"));
        }
        if token.text == "#" && next(1) == "[" && next(2) == IGNORE {
            let remedy = "make the test fit to run every time, or delete it";
            found.push((token.line, "an ignored test".to_owned(), remedy));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::sample::fired;

    // Put together at run time, so that a plain search for the markers passes this file too.
    #[test]
    fn placeholders_markers_and_ignored_tests_fire() {
        let macros = MACROS.map(|name| format!("fn f() {{ {name}!(1) }}"));
        let markers = MARKERS.map(|marker| format!("let a = 1; // {marker}: later"));
        let ignored = ["", " = \"slow\""].map(|why| format!("#[{}{why}]", IGNORE));
        for source in macros.iter().chain(&markers).chain(&ignored) {
            assert_eq!(fired(check, &[("a.rs", source)]), ["a.rs:1"], "{source}");
        }
        let text = format!("fine\n{} here\n", MARKERS[0]);
        assert_eq!(fired(check, &[("a.md", &text)]), ["a.md:2"]);
    }

    #[test]
    fn words_that_only_look_alike_pass() {
        let [todo, _, dbg] = MACROS;
        let twice = MARKERS[1].repeat(2);
        let source =
            format!("fn {todo}() {{}} // {dbg}!(x)\nlet s = \"{todo}!()\"; mktemp({twice})");
        assert!(fired(check, &[("a.rs", &source)]).is_empty());
    }
}
