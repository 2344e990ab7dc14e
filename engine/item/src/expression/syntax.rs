//! What the parser makes of an expression's text: trees that borrow from it. Nothing is looked up yet.

use super::lexer::Comparator;

/// A document path as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PathSyntax<'a> {
    pub(super) steps: Vec<Step<'a>>,
}

/// One step of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// A name.
    Name(&'a str),
    /// `#name`, with its sign.
    Placeholder(&'a str),
    /// The digits between brackets.
    Index(&'a str),
}

/// A function and what it is called with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call<'a> {
    pub(super) name: &'a str,
    pub(super) operands: Vec<Operand<'a>>,
}

/// What is compared, or set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Operand<'a> {
    Path(PathSyntax<'a>),
    /// `:value`, with its sign.
    Value(&'a str),
    Call(Call<'a>),
    /// An operand in parentheses.
    Group(Box<Operand<'a>>),
    /// `a + b` or `a - b`, in updates.
    Sum {
        is_minus: bool,
        operands: Box<[Operand<'a>; 2]>,
    },
}

impl Operand<'_> {
    /// It without parentheses around it.
    pub(super) fn inner(&self) -> &Self {
        let mut operand = self;
        while let Self::Group(inner) = operand {
            operand = inner;
        }
        operand
    }
}

/// What holds or does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ConditionSyntax<'a> {
    And(Box<[ConditionSyntax<'a>; 2]>),
    Or(Box<[ConditionSyntax<'a>; 2]>),
    Not(Box<ConditionSyntax<'a>>),
    /// A condition in parentheses.
    Group(Box<ConditionSyntax<'a>>),
    Compare {
        comparator: Comparator,
        operands: Box<[Operand<'a>; 2]>,
    },
    /// The operand, the lower and the upper bound.
    Between(Box<[Operand<'a>; 3]>),
    In {
        operand: Box<Operand<'a>>,
        list: Vec<Operand<'a>>,
    },
    Call(Call<'a>),
}

/// A section of an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Set,
    Remove,
    Add,
    Delete,
}

impl Section {
    /// How it is written.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Set => "SET",
            Self::Remove => "REMOVE",
            Self::Add => "ADD",
            Self::Delete => "DELETE",
        }
    }
}

/// One change of an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ActionSyntax<'a> {
    pub(super) path: PathSyntax<'a>,
    /// What it is set to, or what is added or deleted; `None` of REMOVE.
    pub(super) operand: Option<Operand<'a>>,
}

/// An update: its sections in the order in which they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UpdateSyntax<'a> {
    pub(super) sections: Vec<(Section, Vec<ActionSyntax<'a>>)>,
}
