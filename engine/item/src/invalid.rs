//! What may be wrong with values and expressions. Not the words for it: those are in `wording`.

use crate::number::NumberError;
use crate::value::{AttributeType, AttributeValue};
use crate::wording::Wording;

/// One of the five expressions of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExpressionKind {
    /// What must hold for a write.
    Condition,
    /// Which of the items found are returned.
    Filter,
    /// Which items a query finds.
    KeyCondition,
    /// Which attributes are returned.
    Projection,
    /// What a write changes.
    Update,
}

impl ExpressionKind {
    /// The name of its parameter.
    pub fn parameter(self) -> &'static str {
        match self {
            Self::Condition => "ConditionExpression",
            Self::Filter => "FilterExpression",
            Self::KeyCondition => "KeyConditionExpression",
            Self::Projection => "ProjectionExpression",
            Self::Update => "UpdateExpression",
        }
    }
}

/// A request that DynamoDB refuses as a `ValidationException`. Its `Display` has the current wording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invalid {
    /// An expression that cannot be run.
    Expression(ExpressionKind, ExpressionFault),
    /// Placeholders that no expression uses, in the order in which DynamoDB lists them.
    UnusedNames(Vec<String>),
    /// Values that no expression uses, in the order in which DynamoDB lists them.
    UnusedValues(Vec<String>),
    /// A map of names or values that is there and empty.
    EmptyPlaceholders(Placeholders),
    /// A key of such a map that is not `#` or `:` and letters, digits or `_`.
    PlaceholderSyntax(Placeholders, String),
    /// A key of such a map that is too long.
    PlaceholderTooLong(Placeholders, usize),
    /// A placeholder for an empty name.
    EmptyName(String),

    /// A value of no type.
    EmptyValue,
    /// A value of several types.
    SeveralTypes,
    /// `{"NULL": false}`.
    NullNotTrue,
    /// A value for expressions that is none, its placeholder first.
    ExpressionValue(String, Box<Invalid>),
    /// A number that is none.
    Number(NumberError, String),
    /// A set without members.
    EmptySet(AttributeType),
    /// A set, as it was sent, with equal members.
    DuplicateMembers(AttributeType, Vec<String>),
    /// Lists and maps nested too deep.
    NestedTooDeep,
    /// A name of no characters, in an item or a map.
    EmptyAttributeName,
    /// A name of so many bytes, which are too many.
    NameTooLong(usize),
    /// An item that is too large.
    ItemTooLarge,
    /// A key attribute with nothing in it, and its type.
    EmptyKeyValue(String, AttributeType),
    /// A key attribute that is too large.
    KeyValueTooLarge {
        /// Whether it partitions, or sorts.
        is_partition: bool,
    },
    /// An update that nests lists and maps too deep.
    UpdateNestsTooDeep,
    /// An update that makes an item too large.
    UpdateTooLarge,

    /// The result of arithmetic in an update that is no number.
    ArithmeticResult(NumberError),
    /// An update into something that is not there, or is no list or map.
    UpdatePath,
    /// An update from an attribute that is not there.
    UpdateMissingAttribute,
    /// An update with a value that does not go with what is there.
    UpdateOperandType,
    /// The same of one that came before expressions.
    LegacyUpdateType,

    /// A key condition that is no condition on a key.
    KeyCondition(KeyConditionFault),
    /// A legacy condition or update that cannot be run.
    Legacy(LegacyFault),
}

/// One of the two maps of placeholders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Placeholders {
    /// `#name` to name.
    Names,
    /// `:value` to value.
    Values,
}

impl Placeholders {
    /// The name of its parameter.
    pub fn parameter(self) -> &'static str {
        match self {
            Self::Names => "ExpressionAttributeNames",
            Self::Values => "ExpressionAttributeValues",
        }
    }
}

/// What is wrong with an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExpressionFault {
    /// No text at all.
    Empty,
    /// More text than is allowed.
    TooLong(usize),
    /// A token that cannot stand where it does, and the text around it.
    Syntax {
        /// The token.
        token: String,
        /// From the token before it to the one behind it.
        near: String,
    },
    /// Parentheses straight around parentheses.
    RedundantParentheses,
    /// More operators and functions than are allowed.
    TooManyOperators(usize),
    /// More operands of IN than are allowed.
    TooManyOperandsForIn(usize),
    /// No function has that name.
    UnknownFunction(String),
    /// A function of updates in a condition.
    NotInCondition(String),
    /// A function of conditions in an update.
    NotInUpdate(String),
    /// A function where its result means nothing.
    MisusedFunction(String),
    /// A reserved word as a name.
    ReservedWord(String),
    /// A list index beyond all lists.
    ListIndex(String),
    /// A `#name` that is not defined.
    UndefinedName(String),
    /// A `:value` that is not defined.
    UndefinedValue(String),
    /// A path of too many elements.
    PathTooDeep(usize),
    /// A function with too many or too few operands.
    OperandCount {
        /// The function.
        function: String,
        /// Operands it has.
        count: usize,
    },
    /// An operator or function whose operand has a type it is not made for.
    OperandType {
        /// The operator or function.
        operator: String,
        /// The type's abbreviation, or the set of types that it may be.
        kind: &'static str,
    },
    /// ADD or DELETE with a value of a type they are not made for.
    ActionOperandType {
        /// `ADD` or `DELETE`.
        action: &'static str,
        /// The value's type.
        kind: AttributeType,
    },
    /// A function that needs a path and has none.
    NeedsPath(String),
    /// An operator or function that compares a path to itself.
    NotDistinct {
        /// The operator or function.
        operator: String,
        /// The path, as DynamoDB writes paths.
        path: String,
    },
    /// The second operand of `attribute_type` names no type.
    UnknownTypeName(String),
    /// BETWEEN two values of different types.
    BetweenTypes(Box<[AttributeValue; 2]>),
    /// BETWEEN a value and a smaller one.
    BetweenOrder(Box<[AttributeValue; 2]>),
    /// A section of an update that is there twice.
    SectionTwice(&'static str),
    /// Two paths of which one is, or goes through, the other.
    PathsOverlap(String, String),
    /// Two paths that take one value for a list and for a map.
    PathsConflict(String, String),
}

/// What is wrong with a condition on a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyConditionFault {
    /// An operator or function that no key condition has.
    Operator(String),
    /// A function within a condition.
    NestedOperation,
    /// A path that goes into an attribute.
    NestedAttribute,
    /// A condition that compares no attribute.
    NoAttribute,
    /// A condition that compares two attributes.
    SeveralAttributes,
    /// A function or BETWEEN whose first operand is no attribute.
    AttributeNotFirst(String),
    /// Two conditions on one attribute.
    SeveralConditions,
    /// More conditions than the key has attributes.
    TooMany {
        /// Conditions that were given.
        given: usize,
        /// Attributes of the key.
        defined: usize,
    },
    /// A partition key that is compared by something else than equality.
    PartitionNotEqual,
    /// A part of the key, or of an attribute that is not of the key, without a condition.
    Missed(String),
    /// Attributes of a composite partition key without equality.
    PartitionsNotEqual(Vec<String>),
    /// Attributes of a composite sort key without equality before one with a condition.
    SortsNotEqual {
        /// Those without.
        missing: Vec<String>,
        /// The one with.
        before: String,
    },
    /// A value of another type than the key's.
    Type,
    /// An operator that no key has, in a condition that came before expressions.
    NotIndexable,
}

/// What is wrong with a parameter that came before expressions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LegacyFault {
    /// `Value` and `AttributeValueList` for one attribute.
    ValueAndList(String),
    /// `Exists` and `ComparisonOperator` for one attribute.
    ExistsAndOperator(String),
    /// An operator without the values it compares with.
    NoValue {
        /// The operator.
        operator: &'static str,
        /// The attribute.
        name: String,
    },
    /// A list of values without an operator.
    ListWithoutOperator(String),
    /// No value for an attribute that is said to exist; what `Exists` says, if it is there.
    ExistsWithoutValue(Option<bool>, String),
    /// A value for an attribute that is said not to exist.
    ValueButNotExists(String),
    /// An operator with too many or too few values.
    ArgumentCount(&'static str),
    /// Values of different types.
    MixedTypes,
    /// An operator that does not compare such values.
    OperatorType(&'static str, AttributeType),
    /// BETWEEN a value and a smaller one.
    BetweenOrder,
    /// An update without a value that needs one.
    UpdateWithoutValue,
    /// A value that cannot be added.
    AddType(AttributeType),
    /// A value that has no members to be deleted.
    DeleteType(AttributeType),
}

impl Invalid {
    /// What DynamoDB says of it, in the words of a service that has or has not changed them yet.
    pub fn message(&self, wording: Wording) -> String {
        crate::wording::message(self, wording)
    }
}

impl std::fmt::Display for Invalid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message(Wording::Current))
    }
}

impl std::error::Error for Invalid {}
