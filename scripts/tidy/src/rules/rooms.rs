//! Every source file says in its first line what it is, and stays small enough to read.
//!
//! Whether the sentence is true, no check can tell.

use crate::Finding;
use crate::tree::Tree;

/// The most lines a source file may have, tests included.
const MOST_LINES: usize = 600;

/// The first line is `//! ...`.
pub fn opening(tree: &Tree) -> Vec<Finding> {
    tree.with_extension("rs")
        .filter(|(_, text)| {
            let first = text.lines().next().unwrap_or("");
            first.strip_prefix("//!").is_none_or(|says| says.trim().is_empty())
        })
        .map(|(path, _)| Finding {
            path: path.to_owned(),
            line: 1,
            rule: "opening",
            problem: "the file does not open with `//!`".to_owned(),
            remedy: "say in the first line what this room is, and then what it is not".to_owned(),
        })
        .collect()
}

/// No more than [`MOST_LINES`] lines.
pub fn size(tree: &Tree) -> Vec<Finding> {
    tree.with_extension("rs")
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > MOST_LINES)
        .map(|(path, lines)| Finding {
            path: path.to_owned(),
            line: MOST_LINES + 1,
            rule: "size",
            problem: format!("{lines} lines, where {MOST_LINES} are the most"),
            remedy: "split it by its nouns into rooms of 100 to 500 lines".to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::sample::fired;

    #[test]
    fn a_file_without_an_opening_line_fires() {
        let samples = [
            ("a.rs", "//! Here.\n"),
            ("b.rs", "use std::io;\n"),
            ("c.rs", "\n//! Too late.\n"),
            ("d.rs", "//!\n"),
            ("e.rs", ""),
            ("f.txt", "no source"),
        ];
        assert_eq!(fired(opening, &samples), ["b.rs:1", "c.rs:1", "d.rs:1", "e.rs:1"]);
    }

    #[test]
    fn a_file_one_line_too_long_fires() {
        let full = "\n".repeat(MOST_LINES);
        let over = "\n".repeat(MOST_LINES + 1);
        let samples = [("full.rs", full.as_str()), ("tests/over.rs", &over), ("over.md", &over)];
        assert_eq!(fired(size, &samples), ["tests/over.rs:601"]);
    }
}
