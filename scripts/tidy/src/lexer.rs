//! Rust source as tokens with their lines, without comments and without the text of literals.
//!
//! Enough to look for names without being fooled by strings and comments; not a parser, and
//! lenient with what does not compile.

/// One token of code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    /// An identifier or number as written, one punctuation character, `::`, or `""` (two quotes)
    /// for any string or character literal.
    pub text: &'a str,
    /// Counted from 1.
    pub line: usize,
}

impl Token<'_> {
    /// Whether this is an identifier or keyword.
    pub fn is_ident(&self) -> bool {
        self.text.starts_with(|c: char| c.is_alphabetic() || c == '_')
    }
}

/// Stands for every literal.
const LITERAL: &str = "\"\"";

/// Cuts `source` into tokens.
pub fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer { rest: source, line: 1, out: Vec::new() };
    while let Some(c) = lexer.rest.chars().next() {
        lexer.step(c);
    }
    lexer.out
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
    out: Vec<Token<'a>>,
}

impl<'a> Lexer<'a> {
    fn step(&mut self, c: char) {
        if c.is_whitespace() {
            self.take(c.len_utf8());
        } else if self.rest.starts_with("//") {
            self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
        } else if self.rest.starts_with("/*") {
            self.take(block_comment_len(self.rest));
        } else if let Some(len) = string_len(self.rest).or_else(|| char_len(self.rest)) {
            self.out.push(Token { text: LITERAL, line: self.line });
            self.take(len);
        } else if self.rest.starts_with("r#") {
            self.take(2); // a raw identifier: keep its name
        } else if c == '\'' {
            self.take(1 + word_len(&self.rest[1..])); // a lifetime or label
        } else {
            let len = match word_len(self.rest) {
                0 if self.rest.starts_with("::") => 2,
                0 => c.len_utf8(),
                word => word,
            };
            self.out.push(Token { text: &self.rest[..len], line: self.line });
            self.take(len);
        }
    }

    fn take(&mut self, len: usize) {
        self.line += self.rest[..len].matches('\n').count();
        self.rest = &self.rest[len..];
    }
}

/// Bytes of letters, digits and underscores that `text` opens with.
fn word_len(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len())
}

/// Length of the (nested) block comment `text` opens with.
fn block_comment_len(text: &str) -> usize {
    let (mut depth, mut at) = (0usize, 0);
    loop {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
        } else if let Some(c) = rest.chars().next() {
            at += c.len_utf8();
        }
        if depth == 0 || at >= text.len() {
            return at;
        }
    }
}

/// Length of the string literal `text` opens with, of any kind, if it does.
fn string_len(text: &str) -> Option<usize> {
    let prefix = ["br", "cr", "r", "b", "c", ""].into_iter().find(|p| {
        let after = text.strip_prefix(p).unwrap_or("x");
        let after = if p.ends_with('r') { after.trim_start_matches('#') } else { after };
        after.starts_with('"')
    })?;
    if !prefix.ends_with('r') {
        return Some(prefix.len() + quoted_len(&text[prefix.len()..], '"'));
    }
    let body = &text[prefix.len()..];
    let hashes = body.len() - body.trim_start_matches('#').len();
    let close = format!("\"{}", "#".repeat(hashes));
    let open_len = prefix.len() + hashes + 1;
    let end = text[open_len..].find(&close).map(|at| open_len + at + close.len());
    Some(end.unwrap_or(text.len()))
}

/// Length of the character or byte literal `text` opens with; a lifetime is none.
fn char_len(text: &str) -> Option<usize> {
    let prefix_len = usize::from(text.starts_with("b'"));
    let mut chars = text[prefix_len..].strip_prefix('\'')?.chars();
    let first = chars.next()?;
    let literal = first == '\\' || chars.next() == Some('\'');
    literal.then(|| prefix_len + quoted_len(&text[prefix_len..], '\''))
}

/// Length of a literal between two `quote`s with backslash escapes.
fn quoted_len(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<&str> {
        tokens(source).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn comments_and_literals_hide_their_text() {
        let source = r####"a /* unsafe /* libc */ */ b // std::fs
            "std::fs \" unsafe" r#"libc " unsafe"# b"x" '"' '\'' b'\'' c"####;
        let lit = LITERAL;
        assert_eq!(texts(source), ["a", "b", lit, lit, lit, lit, lit, lit, "c"]);
    }

    #[test]
    fn lifetimes_raw_names_and_paths_stay_code() {
        let source = "fn f<'a>(x: &'a r#type) { std::fs }";
        let expected =
            ["fn", "f", "<", ">", "(", "x", ":", "&", "type", ")", "{", "std", "::", "fs", "}"];
        assert_eq!(texts(source), expected);
    }

    #[test]
    fn lines_are_counted_through_literals_and_comments() {
        let source = "/* 1\n2 */ \"3\n\" a\n// b\nc";
        let last = tokens(source).pop().expect("one token at least");
        assert_eq!((last.text, last.line), ("c", 5));
    }

    #[test]
    fn unfinished_source_ends_the_scan_and_does_not_hang() {
        for source in ["/* open", "\"open", "r#\"open", "'", "'\\", "b'", "é"] {
            assert!(tokens(source).len() <= 2, "{source}");
        }
    }
}
