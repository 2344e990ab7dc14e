//! Tokens to trees, by recursive descent. What names and values mean is not its business.

use super::lexer::{Comparator, Token, TokenKind, Word, tokens};
use super::syntax::{
    ActionSyntax, Call, ConditionSyntax, Operand, PathSyntax, Section, Step, UpdateSyntax,
};
use crate::invalid::ExpressionFault;
use crate::limits::{MAX_EXPRESSION_BYTES, MAX_OPERATORS, MAX_PARSER_DEPTH};

/// Reads a condition: of a write, a filter or a key.
pub(super) fn condition(text: &str) -> Result<ConditionSyntax<'_>, ExpressionFault> {
    whole(text, |parser| parser.condition())
}

/// Reads an update.
pub(super) fn update(text: &str) -> Result<UpdateSyntax<'_>, ExpressionFault> {
    whole(text, |parser| parser.update())
}

/// Reads a projection.
pub(super) fn projection(text: &str) -> Result<Vec<PathSyntax<'_>>, ExpressionFault> {
    whole(text, |parser| parser.listed(Parser::path))
}

fn whole<'a, T>(
    text: &'a str,
    read: impl FnOnce(&mut Parser<'a>) -> Result<T, ExpressionFault>,
) -> Result<T, ExpressionFault> {
    if text.is_empty() {
        return Err(ExpressionFault::Empty);
    }
    if text.len() > MAX_EXPRESSION_BYTES {
        return Err(ExpressionFault::TooLong(text.len()));
    }
    let mut parser = Parser { text, tokens: tokens(text), at: 0, depth: 0 };
    let read = read(&mut parser)?;
    match parser.kind() {
        TokenKind::End => Ok(read),
        _ => Err(parser.unexpected()),
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    /// Parentheses, calls and NOTs that the parser is in.
    depth: usize,
}

type Parsed<T> = Result<T, ExpressionFault>;

impl<'a> Parser<'a> {
    fn kind(&self) -> TokenKind {
        self.tokens[self.at].kind
    }

    /// What the token `ahead` of the next one is.
    fn kind_ahead(&self, ahead: usize) -> TokenKind {
        self.tokens.get(self.at + ahead).map_or(TokenKind::End, |token| token.kind)
    }

    fn take(&mut self) -> &'a str {
        let token = self.tokens[self.at];
        // Behind the last token there is the last token.
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        &self.text[token.start..token.end]
    }

    fn take_if(&mut self, kind: TokenKind) -> bool {
        let is_it = self.kind() == kind;
        if is_it {
            self.take();
        }
        is_it
    }

    fn expect(&mut self, kind: TokenKind) -> Parsed<&'a str> {
        if self.kind() == kind { Ok(self.take()) } else { Err(self.unexpected()) }
    }

    fn expect_sign(&mut self, sign: u8) -> Parsed<()> {
        self.expect(TokenKind::Sign(sign)).map(|_| ())
    }

    /// The error of the token that cannot stand here. DynamoDB shows the text from the token before to the
    /// one behind, and, where there is none, all that was sent.
    fn unexpected(&self) -> ExpressionFault {
        let of = |at: usize| self.tokens.get(at);
        let token = self.tokens[self.at];
        let start = match self.at.checked_sub(1).and_then(of) {
            Some(before) => before.start,
            None if token.kind == TokenKind::End => 0,
            None => token.start,
        };
        let behind = of(self.at + 1).filter(|behind| behind.kind != TokenKind::End);
        let end = behind.map_or(token.end, |behind| behind.end);
        let near = &self.text[start..end];
        let (token, near) = match token.kind {
            // Of a text that ends too early it shows the last token alone.
            TokenKind::End => ("<EOF>", if self.at == 0 { near } else { near.trim_end() }),
            _ => (&self.text[token.start..token.end], near),
        };
        ExpressionFault::Syntax { token: token.into(), near: near.into() }
    }

    /// Goes one level deeper, if that is not too deep for any sound expression.
    fn within<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_PARSER_DEPTH {
            return Err(ExpressionFault::TooManyOperators(MAX_OPERATORS + 1));
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    /// One or more, with commas between them.
    fn listed<T>(&mut self, mut read: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut list = vec![read(self)?];
        while self.take_if(TokenKind::Sign(b',')) {
            list.push(read(self)?);
        }
        Ok(list)
    }

    // ---- conditions ----

    fn condition(&mut self) -> Parsed<ConditionSyntax<'a>> {
        let mut left = self.conjunction()?;
        while self.take_if(TokenKind::Word(Word::Or)) {
            left = ConditionSyntax::Or(Box::new([left, self.conjunction()?]));
        }
        Ok(left)
    }

    fn conjunction(&mut self) -> Parsed<ConditionSyntax<'a>> {
        let mut left = self.negation()?;
        while self.take_if(TokenKind::Word(Word::And)) {
            left = ConditionSyntax::And(Box::new([left, self.negation()?]));
        }
        Ok(left)
    }

    fn negation(&mut self) -> Parsed<ConditionSyntax<'a>> {
        if self.take_if(TokenKind::Word(Word::Not)) {
            let inner = self.within(Self::negation)?;
            return Ok(ConditionSyntax::Not(Box::new(inner)));
        }
        if self.kind() != TokenKind::Sign(b'(') || self.starts_with_operand() {
            return self.comparison();
        }
        self.take();
        let inner = self.within(Self::condition)?;
        self.expect_sign(b')')?;
        if matches!(inner, ConditionSyntax::Group(_)) {
            return Err(ExpressionFault::RedundantParentheses);
        }
        Ok(ConditionSyntax::Group(Box::new(inner)))
    }

    /// Whether the parenthesis that is next is around an operand, as in `(a) = :v`, and not around a
    /// condition: then what closes it is followed by what goes on from an operand.
    fn starts_with_operand(&self) -> bool {
        let mut depth = 0usize;
        for (ahead, token) in self.tokens[self.at..].iter().enumerate() {
            match token.kind {
                TokenKind::Sign(b'(') => depth += 1,
                TokenKind::Sign(b')') => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return matches!(
                    self.kind_ahead(ahead + 1),
                    TokenKind::Comparator(_) | TokenKind::Word(Word::Between | Word::In)
                );
            }
        }
        false
    }

    fn comparison(&mut self) -> Parsed<ConditionSyntax<'a>> {
        let left = self.operand()?;
        match self.kind() {
            TokenKind::Comparator(comparator) => {
                self.take();
                let operands = Box::new([left, self.operand()?]);
                Ok(ConditionSyntax::Compare { comparator, operands })
            }
            TokenKind::Word(Word::Between) => {
                self.take();
                let low = self.operand()?;
                self.expect(TokenKind::Word(Word::And))?;
                Ok(ConditionSyntax::Between(Box::new([left, low, self.operand()?])))
            }
            TokenKind::Word(Word::In) => {
                self.take();
                self.expect_sign(b'(')?;
                let list = self.listed(Self::operand)?;
                self.expect_sign(b')')?;
                Ok(ConditionSyntax::In { operand: Box::new(left), list })
            }
            _ => match left {
                Operand::Call(call) => Ok(ConditionSyntax::Call(call)),
                _ => Err(self.unexpected()),
            },
        }
    }

    // ---- operands ----

    fn operand(&mut self) -> Parsed<Operand<'a>> {
        self.operand_of(Self::operand)
    }

    /// An operand whose parentheses are around what `inner` reads.
    fn operand_of(&mut self, inner: fn(&mut Self) -> Parsed<Operand<'a>>) -> Parsed<Operand<'a>> {
        match self.kind() {
            TokenKind::ValuePlaceholder => Ok(Operand::Value(self.take())),
            TokenKind::Sign(b'(') => {
                self.take();
                let inner = self.within(inner)?;
                self.expect_sign(b')')?;
                if matches!(inner, Operand::Group(_)) {
                    return Err(ExpressionFault::RedundantParentheses);
                }
                Ok(Operand::Group(Box::new(inner)))
            }
            TokenKind::Name if self.kind_ahead(1) == TokenKind::Sign(b'(') => {
                let name = self.take();
                self.take();
                let operands = self.within(|parser| parser.listed(Self::operand))?;
                self.expect_sign(b')')?;
                Ok(Operand::Call(Call { name, operands }))
            }
            _ => self.path().map(Operand::Path),
        }
    }

    fn path(&mut self) -> Parsed<PathSyntax<'a>> {
        let mut steps = vec![self.name()?];
        loop {
            if self.take_if(TokenKind::Sign(b'.')) {
                steps.push(self.name()?);
            } else if self.take_if(TokenKind::Sign(b'[')) {
                steps.push(Step::Index(self.expect(TokenKind::Integer)?));
                self.expect_sign(b']')?;
            } else {
                return Ok(PathSyntax { steps });
            }
        }
    }

    fn name(&mut self) -> Parsed<Step<'a>> {
        match self.kind() {
            TokenKind::Name => Ok(Step::Name(self.take())),
            TokenKind::NamePlaceholder => Ok(Step::Placeholder(self.take())),
            _ => Err(self.unexpected()),
        }
    }

    // ---- updates ----

    fn update(&mut self) -> Parsed<UpdateSyntax<'a>> {
        let mut sections = Vec::new();
        while sections.is_empty() || self.kind() != TokenKind::End {
            let section = match self.kind() {
                TokenKind::Word(Word::Set) => Section::Set,
                TokenKind::Word(Word::Remove) => Section::Remove,
                TokenKind::Word(Word::Add) => Section::Add,
                TokenKind::Word(Word::Delete) => Section::Delete,
                _ => return Err(self.unexpected()),
            };
            self.take();
            sections.push((section, self.listed(|parser| parser.action(section))?));
        }
        Ok(UpdateSyntax { sections })
    }

    fn action(&mut self, section: Section) -> Parsed<ActionSyntax<'a>> {
        let path = self.path()?;
        let operand = match section {
            Section::Remove => None,
            Section::Add | Section::Delete => {
                Some(Operand::Value(self.expect(TokenKind::ValuePlaceholder)?))
            }
            Section::Set => {
                self.expect(TokenKind::Comparator(Comparator::Equal))?;
                Some(self.sum()?)
            }
        };
        Ok(ActionSyntax { path, operand })
    }

    /// What SET sets to: an operand, or a sum or difference of two.
    fn sum(&mut self) -> Parsed<Operand<'a>> {
        let left = self.operand_of(Self::sum)?;
        let is_minus = match self.kind() {
            TokenKind::Sign(b'+') => false,
            TokenKind::Sign(b'-') => true,
            _ => return Ok(left),
        };
        self.take();
        let right = self.operand_of(Self::sum)?;
        Ok(Operand::Sum { is_minus, operands: Box::new([left, right]) })
    }
}
