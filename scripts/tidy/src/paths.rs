//! The paths a Rust source names, with `use` groups spread out: `std::{fs, io}` is two paths.
//!
//! Syntax only: it follows no import, so `use std::fs; fs::read(..)` is found at the `use`.

use crate::lexer::Token;

/// One path as written, and the line of its last segment.
#[derive(Debug, PartialEq, Eq)]
pub struct NamedPath<'a> {
    /// `["std", "fs", "read"]`; a glob import ends in `*`.
    pub segments: Vec<&'a str>,
    /// Counted from 1.
    pub line: usize,
}

/// Every path in `tokens`; a lone identifier counts as a path of one segment.
pub fn named_paths<'a>(tokens: &[Token<'a>]) -> Vec<NamedPath<'a>> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let token = tokens[at];
        let starts = token.is_ident() && token.text != "use" && !continues_a_path(tokens, at);
        at = if starts { tree(tokens, at, &mut Vec::new(), &mut out) } else { at + 1 };
    }
    out
}

/// Whether the identifier at `at` is a field, a method or a later segment of a path.
fn continues_a_path(tokens: &[Token<'_>], at: usize) -> bool {
    let before = |n: usize| at.checked_sub(n).map(|i| tokens[i]);
    match before(1).map(|token| token.text) {
        Some(".") => true,
        // `::std` is a path's start, `<T>::new` is not.
        Some("::") => before(2).is_some_and(|t| t.text == ">" || (t.is_ident() && t.text != "use")),
        _ => false,
    }
}

/// Reads one use tree or path from `at` on under `prefix`; gives the index behind it.
fn tree<'a>(
    tokens: &[Token<'a>],
    mut at: usize,
    prefix: &mut Vec<&'a str>,
    out: &mut Vec<NamedPath<'a>>,
) -> usize {
    let depth = prefix.len();
    let text = |i: usize| tokens.get(i).map_or("", |token| token.text);
    loop {
        if text(at) == "{" {
            at += 1;
            while at < tokens.len() && text(at) != "}" {
                at = match text(at) {
                    "as" => at + 2, // the new name says nothing
                    _ => tree(tokens, at, prefix, out).max(at + 1),
                };
            }
            at += 1;
            break;
        }
        let Some(token) = tokens.get(at).filter(|t| t.is_ident() || t.text == "*") else { break };
        prefix.push(token.text);
        at += 1;
        let opens = tokens.get(at + 1).is_some_and(|t| t.is_ident() || matches!(t.text, "{" | "*"));
        if text(at) != "::" || !opens {
            out.push(NamedPath { segments: prefix.clone(), line: token.line });
            break;
        }
        at += 1;
    }
    prefix.truncate(depth);
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexer::tokens;

    fn paths(source: &str) -> Vec<String> {
        let tokens = tokens(source);
        named_paths(&tokens)
            .iter()
            .filter(|path| path.segments.len() > 1)
            .map(|path| format!("{}@{}", path.segments.join("::"), path.line))
            .collect()
    }

    #[test]
    fn groups_are_spread_out() {
        let source = "use std::{\n fs::{self, File},\n time::Instant as Clock,\n io::*,\n};";
        let expected =
            ["std::fs::self@2", "std::fs::File@2", "std::time::Instant@3", "std::io::*@4"];
        assert_eq!(paths(source), expected);
    }

    #[test]
    fn a_leading_colon_pair_starts_a_path() {
        assert_eq!(paths("let x = ::std::fs::read(p);"), ["std::fs::read@1"]);
        assert_eq!(paths("use ::libc::c_int;"), ["libc::c_int@1"]);
    }

    #[test]
    fn calls_generics_and_fields_end_a_path() {
        assert_eq!(paths("Vec::<u8>::new(); self.libc::x; a::b(c::d)"), ["a::b@1", "c::d@1"]);
    }
}
