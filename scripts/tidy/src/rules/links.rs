//! A link in a document leads to a file of the repository.
//!
//! Links to the outside are not followed, and anchors inside a file are not looked up.

use crate::Finding;
use crate::tree::Tree;

/// Every relative link of every Markdown file resolves.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.with_extension("md") {
        for (line, target) in links(text) {
            let Some(resolved) = resolve(path, target) else { continue };
            if !resolved.as_deref().is_some_and(|file| tree.has(file)) {
                findings.push(Finding {
                    path: path.to_owned(),
                    line,
                    rule: "links",
                    problem: format!("`{target}` leads to no file of the repository"),
                    remedy: "correct the link, or add the file".to_owned(),
                });
            }
        }
    }
    findings
}

/// The targets of inline links, images and reference definitions, with their lines; code is skipped.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut fence: Option<&str> = None;
    for (at, line) in text.lines().enumerate() {
        let trimmed = line.trim_start();
        let mark = ["```", "~~~"].into_iter().find(|mark| trimmed.starts_with(mark));
        match (fence, mark) {
            (None, Some(_)) => fence = mark,
            (Some(open), Some(close)) if open == close => fence = None,
            (Some(_), _) => {}
            (None, None) => found.extend(line_links(line).map(|target| (at + 1, target))),
        }
    }
    found
}

fn line_links(line: &str) -> impl Iterator<Item = &str> {
    let definition = line
        .trim_start()
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("]:"))
        .filter(|(label, _)| !label.starts_with('^') && !label.contains(']'))
        .and_then(|(_, target)| target.split_whitespace().next());
    let inline = outside_code(line).into_iter().flat_map(move |(start, part)| {
        part.match_indices("](").filter_map(move |(at, _)| {
            let rest = &line[start + at + 2..];
            let inside = rest.split([')', ' ']).next()?;
            Some(inside.trim_matches(['<', '>']))
        })
    });
    inline.chain(definition)
}

/// The parts of a line that are not between backticks, each with its offset.
fn outside_code(line: &str) -> Vec<(usize, &str)> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (index, part) in line.split('`').enumerate() {
        if index % 2 == 0 {
            parts.push((start, part));
        }
        start += part.len() + 1;
    }
    parts
}

/// The file that `target` means in the file `from`; `None` for what is no file of ours, and an
/// inner `None` for what leaves the repository.
fn resolve(from: &str, target: &str) -> Option<Option<String>> {
    let file = target.split(['#', '?']).next().unwrap_or("");
    let outside = target.contains("://") || target.starts_with("mailto:");
    if file.is_empty() || outside {
        return None;
    }
    let mut folders: Vec<&str> = match file.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => from.split('/').collect(),
    };
    folders.pop();
    for part in file.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if folders.pop().is_none() {
                    return Some(None);
                }
            }
            name => folders.push(name),
        }
    }
    Some(Some(folders.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::sample::fired;

    fn lines(text: &str) -> Vec<String> {
        let others = [("docs/b.md", ""), ("README.md", ""), ("engine/disk/src/lib.rs", "")];
        let mut samples = vec![("docs/a.md", text)];
        samples.extend(others);
        fired(check, &samples)
    }

    #[test]
    fn links_that_lead_nowhere_fire() {
        for text in [
            "[x](c.md)",
            "see `code` and [x](../docs/c.md#part)",
            "![x](b.png)",
            "[x]: c.md",
            "[x](../../outside.md)",
            "[x](/c.md)",
            "[ok](b.md) [x](README.md)",
        ] {
            assert_eq!(lines(&format!("\n{text}\n")), ["docs/a.md:2"], "{text}");
        }
    }

    #[test]
    fn links_that_resolve_pass() {
        let text = "[a](b.md) [b](../README.md#top) [c](#here) [d](https://example.com/x.md)\n\
                    [e](../engine/disk) [f](/README.md) [g](./b.md \"title\") <mailto:a@b.c>\n\
                    `[code](none.md)` and [`lib.rs`](../engine/disk/src/lib.rs)\n\
                    ```\n[fenced](none.md)\n```\n[ref]: b.md\n[^1]: a note\n";
        assert_eq!(lines(text), Vec::<String>::new());
    }
}
