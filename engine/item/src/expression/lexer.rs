//! Expressions to tokens. Knows no grammar; a character that no expression has is a token of its own, so
//! that the parser can say where it stands.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A name, a function's name, or a reserved word that is none of the grammar's.
    Name,
    /// `#name`.
    NamePlaceholder,
    /// `:value`.
    ValuePlaceholder,
    /// Digits.
    Integer,
    /// A word of the grammar, whatever its case.
    Word(Word),
    /// `=`, `<>`, `<`, `<=`, `>` or `>=`.
    Comparator(Comparator),
    /// Any of `( ) [ ] , . + -`.
    Sign(u8),
    /// What is none of these.
    Unknown,
    /// Behind the last one.
    End,
}

/// Words that have a meaning of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    And,
    Or,
    Not,
    Between,
    In,
    Set,
    Remove,
    Add,
    Delete,
}

impl Word {
    const ALL: [(&str, Self); 9] = [
        ("AND", Self::And),
        ("OR", Self::Or),
        ("NOT", Self::Not),
        ("BETWEEN", Self::Between),
        ("IN", Self::In),
        ("SET", Self::Set),
        ("REMOVE", Self::Remove),
        ("ADD", Self::Add),
        ("DELETE", Self::Delete),
    ];

    fn from_text(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(text))
            .map(|(_, word)| word)
    }
}

/// How two operands are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparator {
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Comparator {
    /// How it is written.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    /// Whether it asks for an order, and not only whether two are the same.
    pub fn orders(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }

    /// What it is with its operands exchanged.
    pub(crate) fn mirrored(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            same => same,
        }
    }
}

/// A token and where it stands, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// All tokens of a text, and the one behind the last.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(text.len() / 4 + 2);
    let mut at = 0;
    while let Some(next) = text[at..].chars().next() {
        if matches!(next, ' ' | '\t' | '\n' | '\r') {
            at += 1;
            continue;
        }
        let (kind, len) = token(&text[at..], next);
        tokens.push(Token { kind, start: at, end: at + len });
        at += len;
    }
    tokens.push(Token { kind: TokenKind::End, start: text.len(), end: text.len() });
    tokens
}

/// The first token of `rest`, which starts with `first`, and its length in bytes.
fn token(rest: &str, first: char) -> (TokenKind, usize) {
    let bytes = rest.as_bytes();
    let word_len = |from: usize| {
        let is_word = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'_';
        bytes[from..].iter().take_while(is_word).count()
    };
    match first {
        'a'..='z' | 'A'..='Z' => {
            let len = word_len(0);
            (Word::from_text(&rest[..len]).map_or(TokenKind::Name, TokenKind::Word), len)
        }
        '#' | ':' => match (word_len(1), first) {
            (0, _) => (TokenKind::Unknown, 1),
            (len, '#') => (TokenKind::NamePlaceholder, 1 + len),
            (len, _) => (TokenKind::ValuePlaceholder, 1 + len),
        },
        // A number does not start with a zero, so `01` is two tokens, and no index.
        '0' => (TokenKind::Integer, 1),
        '1'..='9' => (TokenKind::Integer, bytes.iter().take_while(|b| b.is_ascii_digit()).count()),
        '=' => (TokenKind::Comparator(Comparator::Equal), 1),
        '<' | '>' => match (first, bytes.get(1)) {
            ('<', Some(b'>')) => (TokenKind::Comparator(Comparator::NotEqual), 2),
            ('<', Some(b'=')) => (TokenKind::Comparator(Comparator::LessOrEqual), 2),
            ('<', _) => (TokenKind::Comparator(Comparator::Less), 1),
            (_, Some(b'=')) => (TokenKind::Comparator(Comparator::GreaterOrEqual), 2),
            _ => (TokenKind::Comparator(Comparator::Greater), 1),
        },
        '(' | ')' | '[' | ']' | ',' | '.' | '+' | '-' => (TokenKind::Sign(bytes[0]), 1),
        other => (TokenKind::Unknown, other.len_utf8()),
    }
}
