//! What DynamoDB says of what is wrong: all texts of this crate, and nothing but texts.
//!
//! AWS changes the wording of some of them, region by region since 2026. [`Wording`] chooses; where both
//! agree there is one text.

use std::collections::HashSet;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::invalid::{
    ExpressionFault, ExpressionKind, Invalid, KeyConditionFault, LegacyFault, Placeholders,
};
use crate::limits::{MAX_PARTITION_KEY_BYTES, MAX_SORT_KEY_BYTES};
use crate::number::NumberError;
use crate::value::{AttributeType, AttributeValue};

/// Whose words errors have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wording {
    /// Those that most regions have by now.
    #[default]
    Current,
    /// Those that all of them had until 2026.
    Former,
}

const INVALID: &str = "One or more parameter values were invalid: ";

const ONE_TYPE: &str = "must contain exactly one of the supported datatypes";

/// Types as `attribute_type` lists those it knows.
const TYPE_NAMES: &str = "{B,NULL,SS,BOOL,L,BS,N,NS,S,M}";

pub(crate) fn message(invalid: &Invalid, wording: Wording) -> String {
    match invalid {
        Invalid::Expression(kind, fault) => {
            format!("Invalid {}: {}", kind.parameter(), of_expression(*kind, fault, wording))
        }
        Invalid::UnusedNames(names) => unused(Placeholders::Names, names),
        Invalid::UnusedValues(values) => unused(Placeholders::Values, values),
        Invalid::EmptyPlaceholders(which) => format!("{} must not be empty", which.parameter()),
        Invalid::PlaceholderSyntax(which, key) => {
            format!("{} contains invalid key: Syntax error; key: \"{key}\"", which.parameter())
        }
        Invalid::PlaceholderTooLong(which, size) => {
            let says = "contains invalid key: The expression attribute map contains a key that is \
                        too long;";
            // Only of names is the size told.
            match which {
                Placeholders::Names => format!("{} {says} size of key: {size}", which.parameter()),
                Placeholders::Values => format!("{} {says}", which.parameter()),
            }
        }
        Invalid::EmptyName(key) => format!(
            "ExpressionAttributeNames contains invalid value: Empty attribute name for key {key}"
        ),
        Invalid::EmptyValue => format!("Supplied AttributeValue is empty, {ONE_TYPE}"),
        Invalid::SeveralTypes => {
            format!("Supplied AttributeValue has more than one datatypes set, {ONE_TYPE}")
        }
        Invalid::NullNotTrue => {
            format!("{INVALID}Null attribute value types must have the value of true")
        }
        Invalid::ExpressionValue(key, invalid) => of_expression_value(key, invalid, wording),
        Invalid::Number(error, text) => of_number(*error, text, wording),
        Invalid::EmptySet(kind) => format!(
            "{INVALID}{}",
            match kind {
                AttributeType::Ns => "An number set  may not be empty",
                AttributeType::Bs => "Binary sets should not be empty",
                _ => "An string set  may not be empty",
            }
        ),
        Invalid::DuplicateMembers(kind, members) => duplicates(*kind, members, wording),
        Invalid::NestedTooDeep => {
            "Nesting Levels have exceeded supported limits: Attributes in the \
                                   item have nested levels beyond supported limit"
                .into()
        }
        Invalid::EmptyAttributeName => "Empty attribute name".into(),
        // In words of our own: of AWS's only the figure is known.
        Invalid::NameTooLong(size) => format!(
            "Attribute name is too large, must be less than 65536 bytes. Size of name: {size}"
        ),
        Invalid::ItemTooLarge => "Item size has exceeded the maximum allowed size".into(),
        Invalid::EmptyKeyValue(name, kind) => format!(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty {} \
             value. Key: {name}",
            if *kind == AttributeType::B { "binary" } else { "string" }
        ),
        // No blank before the first figure: so it is sent.
        Invalid::KeyValueTooLarge { is_partition: true } => format!(
            "{INVALID}Size of hashkey has exceeded the maximum size limit of{MAX_PARTITION_KEY_BYTES} bytes"
        ),
        Invalid::KeyValueTooLarge { is_partition: false } => format!(
            "{INVALID}Aggregated size of all range keys has exceeded the size limit of {MAX_SORT_KEY_BYTES} bytes"
        ),
        Invalid::UpdateTooLarge => {
            "Item size to update has exceeded the maximum allowed size".into()
        }
        Invalid::LegacyUpdateType => "Type mismatch for attribute to update".into(),
        Invalid::UpdateNestsTooDeep => "Nesting Levels have exceeded supported limits".into(),
        Invalid::ArithmeticResult(error) => of_number(*error, "", wording),
        Invalid::UpdatePath => {
            "The document path provided in the update expression is invalid for update".into()
        }
        Invalid::UpdateMissingAttribute => {
            "The provided expression refers to an attribute that does not exist in the item".into()
        }
        Invalid::UpdateOperandType => {
            "An operand in the update expression has an incorrect data type".into()
        }
        Invalid::KeyCondition(fault) => of_key_condition(fault),
        Invalid::Legacy(fault) => of_legacy(fault),
    }
}

/// The current wording tells the placeholder only of what is no value at all.
fn of_expression_value(key: &str, invalid: &Invalid, wording: Wording) -> String {
    let says = message(invalid, wording);
    let is_named =
        matches!(invalid, Invalid::EmptyValue | Invalid::SeveralTypes | Invalid::NestedTooDeep);
    if is_named || wording == Wording::Former {
        format!("ExpressionAttributeValues contains invalid value: {says} for key {key}")
    } else {
        says
    }
}

fn unused(which: Placeholders, keys: &[String]) -> String {
    let (parameter, keys) = (which.parameter(), keys.join(", "));
    format!("Value provided in {parameter} unused in expressions: keys: {{{keys}}}")
}

fn of_number(error: NumberError, text: &str, wording: Wording) -> String {
    match error {
        NumberError::NotNumeric if text.is_empty() && wording == Wording::Former => {
            "The parameter cannot be converted to a numeric value".into()
        }
        NumberError::NotNumeric => {
            format!("The parameter cannot be converted to a numeric value: {text}")
        }
        NumberError::TooManyDigits => {
            "Attempting to store more than 38 significant digits in a Number".into()
        }
        NumberError::Overflow => {
            "Number overflow. Attempting to store a number with magnitude larger \
                                  than supported range"
                .into()
        }
        NumberError::Underflow => "Number underflow. Attempting to store a number with magnitude \
                                   smaller than supported range"
            .into(),
    }
}

/// The current wording quotes members, in the order in which its check meets them: those before the first
/// repeat sorted, the repeat, then the rest as sent.
fn duplicates(kind: AttributeType, members: &[String], wording: Wording) -> String {
    let listed = match wording {
        Wording::Former => members.join(", "),
        Wording::Current => {
            let mut seen = HashSet::with_capacity(members.len());
            let repeat = members.iter().position(|member| !seen.insert(member)).unwrap_or(0);
            let mut listed: Vec<&String> = members.iter().collect();
            // By the bytes that base64 stands for, which sorts as it pleases.
            listed[..repeat].sort_by_cached_key(|member| match kind {
                AttributeType::Bs => STANDARD.decode(member).unwrap_or_default(),
                _ => member.as_bytes().to_vec(),
            });
            let quoted = listed
                .iter()
                .map(|member| format!("\"{}\"", member.replace('\\', "\\\\").replace('"', "\\\"")));
            let separator = if kind == AttributeType::Bs { "," } else { ", " };
            quoted.collect::<Vec<_>>().join(separator)
        }
    };
    match (kind, wording) {
        (AttributeType::Ns, Wording::Former) => "Input collection contains duplicates".into(),
        (AttributeType::Ns, Wording::Current) => {
            format!("{INVALID}Input collection contains duplicates.")
        }
        (AttributeType::Bs, _) => {
            format!("{INVALID}Input collection [{listed}]of type BS contains duplicates.")
        }
        _ => format!("{INVALID}Input collection [{listed}] contains duplicates."),
    }
}

fn of_expression(kind: ExpressionKind, fault: &ExpressionFault, wording: Wording) -> String {
    const OPERANDS: &str = "Incorrect operand type for operator or function; ";
    const PATHS: &str = "must remove or rewrite one of these paths; ";
    match fault {
        ExpressionFault::Empty => "The expression can not be empty;".into(),
        ExpressionFault::TooLong(size) => {
            let says = "Expression size has exceeded the maximum allowed size;";
            // Updates never had the figure.
            match wording {
                Wording::Former if kind != ExpressionKind::Update => {
                    format!("{says} expression size: {size}")
                }
                _ => says.into(),
            }
        }
        ExpressionFault::Syntax { token, near } => {
            format!("Syntax error; token: \"{token}\", near: \"{near}\"")
        }
        ExpressionFault::RedundantParentheses => "The expression has redundant parentheses;".into(),
        ExpressionFault::TooManyOperators(count) => {
            format!("The expression contains too many operators; operator count: {count}")
        }
        ExpressionFault::TooManyOperandsForIn(count) => format!(
            "The IN operator is provided with too many operands; number of operands: {count}"
        ),
        ExpressionFault::UnknownFunction(name) => {
            format!("Invalid function name; function: {name}")
        }
        ExpressionFault::NotInCondition(name) => {
            format!("The function is not allowed in a condition expression; function: {name}")
        }
        ExpressionFault::NotInUpdate(name) => {
            format!("The function is not allowed in an update expression; function: {name}")
        }
        ExpressionFault::MisusedFunction(name) => format!(
            "The function is not allowed to be used this way in an expression; function: {name}"
        ),
        ExpressionFault::ReservedWord(name) => {
            format!("Attribute name is a reserved keyword; reserved keyword: {name}")
        }
        ExpressionFault::ListIndex(index) => {
            format!("List index is not within the allowable range; index: [{index}]")
        }
        ExpressionFault::UndefinedName(name) => format!(
            "An expression attribute name used in the document path is not defined; attribute name: \
             {name}"
        ),
        ExpressionFault::UndefinedValue(name) => format!(
            "An expression attribute value used in expression is not defined; attribute value: {name}"
        ),
        ExpressionFault::PathTooDeep(levels) => {
            format!("The document path has too many nesting levels; nesting levels: {levels}")
        }
        ExpressionFault::OperandCount { function, count } => format!(
            "Incorrect number of operands for operator or function; operator or function: \
             {function}, number of operands: {count}"
        ),
        ExpressionFault::OperandType { operator, kind } => {
            format!("{OPERANDS}operator or function: {operator}, operand type: {kind}")
        }
        ExpressionFault::ActionOperandType { action, kind } => format!(
            "{OPERANDS}operator: {action}, operand type: {}, typeSet: ALLOWED_FOR_ADD_OPERAND",
            long_type_name(*kind)
        ),
        ExpressionFault::NeedsPath(function) => {
            format!(
                "Operator or function requires a document path; operator or function: {function}"
            )
        }
        ExpressionFault::NotDistinct { operator, path } => format!(
            "The first operand must be distinct from the remaining operands for this operator or \
             function; operator: {operator}, first operand: {path}"
        ),
        ExpressionFault::UnknownTypeName(name) => {
            format!("Invalid attribute type name found; type: {name}, valid types: {TYPE_NAMES}")
        }
        ExpressionFault::BetweenTypes(bounds) => format!(
            "The BETWEEN operator requires same data type for lower and upper bounds; {}",
            bounds_text(bounds)
        ),
        ExpressionFault::BetweenOrder(bounds) => format!(
            "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; {}",
            bounds_text(bounds)
        ),
        ExpressionFault::SectionTwice(section) => {
            format!("The \"{section}\" section can only be used once in an update expression;")
        }
        ExpressionFault::PathsOverlap(one, two) => format!(
            "Two document paths overlap with each other; {PATHS}path one: {one}, path two: {two}"
        ),
        ExpressionFault::PathsConflict(one, two) => format!(
            "Two document paths conflict with each other; {PATHS}path one: {one}, path two: {two}"
        ),
    }
}

fn bounds_text([low, high]: &[AttributeValue; 2]) -> String {
    format!(
        "lower bound operand: AttributeValue: {{{}}}, upper bound operand: AttributeValue: {{{}}}",
        value_text(low),
        value_text(high)
    )
}

/// A value as errors show it: `S:text`. Of values that have no order only the type is shown.
fn value_text(value: &AttributeValue) -> String {
    let code = value.kind().code();
    let mut text = format!("{code}:");
    let _ = match value {
        AttributeValue::S(value) => write!(text, "{value}"),
        AttributeValue::N(value) => write!(text, "{value}"),
        AttributeValue::B(value) => write!(text, "{}", STANDARD.encode(value)),
        AttributeValue::Bool(value) => write!(text, "{value}"),
        AttributeValue::Null => write!(text, "true"),
        _ => write!(text, "..."),
    };
    text
}

/// How ADD and DELETE name types.
fn long_type_name(kind: AttributeType) -> &'static str {
    match kind {
        AttributeType::S => "STRING",
        AttributeType::N => "NUMBER",
        AttributeType::B => "Binary",
        AttributeType::M => "MAP",
        AttributeType::L => "LIST",
        other => other.code(),
    }
}

fn of_key_condition(fault: &KeyConditionFault) -> String {
    const EQUALITY: &str = "must have equality conditions specified in the query";
    match fault {
        KeyConditionFault::Operator(operator) => {
            format!("Invalid operator used in KeyConditionExpression: {operator}")
        }
        KeyConditionFault::NestedOperation => {
            "KeyConditionExpressions cannot contain nested operations".into()
        }
        KeyConditionFault::NestedAttribute => {
            "Invalid KeyConditionExpression: KeyConditionExpressions \
                                               cannot have conditions on nested attributes"
                .into()
        }
        KeyConditionFault::NoAttribute => {
            "Invalid condition in KeyConditionExpression: No key attribute specified".into()
        }
        KeyConditionFault::SeveralAttributes => {
            "Invalid condition in KeyConditionExpression: Multiple \
                                                 attribute names used in one condition"
                .into()
        }
        KeyConditionFault::AttributeNotFirst(operator) => format!(
            "Invalid condition in KeyConditionExpression: {operator} operator must have the key \
             attribute as its first operand"
        ),
        KeyConditionFault::SeveralConditions => "Invalid KeyConditionExpression: \
                                                 KeyConditionExpressions must only contain one \
                                                 condition per key"
            .into(),
        KeyConditionFault::TooMany { given, defined } => format!(
            "The number of query conditions ({given}) exceeds the number of key attributes defined in \
             the schema ({defined})"
        ),
        KeyConditionFault::PartitionNotEqual => "Query key condition not supported".into(),
        KeyConditionFault::Missed(name) => {
            format!("Query condition missed key schema element: {name}")
        }
        KeyConditionFault::PartitionsNotEqual(names) => {
            format!("HASH key attributes {} {EQUALITY}", names.join(", "))
        }
        KeyConditionFault::SortsNotEqual { missing, before } => format!(
            "RANGE key attributes {} {EQUALITY} because a condition is present on key attribute \
             {before}",
            missing.join(", ")
        ),
        KeyConditionFault::Type => {
            format!("{INVALID}Condition parameter type does not match schema type")
        }
        KeyConditionFault::NotIndexable => {
            "Attempted conditional constraint is not an indexable operation".into()
        }
    }
}

fn of_legacy(fault: &LegacyFault) -> String {
    match fault {
        LegacyFault::ValueAndList(name) => format!(
            "{INVALID}Value and AttributeValueList cannot be used together for Attribute: {name}"
        ),
        LegacyFault::ExistsAndOperator(name) => format!(
            "{INVALID}Exists and ComparisonOperator cannot be used together for Attribute: {name}"
        ),
        LegacyFault::NoValue { operator, name } => format!(
            "{INVALID}Value or AttributeValueList must be used with ComparisonOperator: {operator} for \
             Attribute: {name}"
        ),
        LegacyFault::ListWithoutOperator(name) => format!(
            "{INVALID}AttributeValueList can only be used with a ComparisonOperator for Attribute: \
             {name}"
        ),
        LegacyFault::ExistsWithoutValue(exists, name) => format!(
            "{INVALID}Value must be provided when Exists is {} for Attribute: {name}",
            exists.map_or("null".into(), |exists| exists.to_string())
        ),
        LegacyFault::ValueButNotExists(name) => {
            format!("{INVALID}Value cannot be used when Exists is false for Attribute: {name}")
        }
        LegacyFault::ArgumentCount(operator) => {
            format!("{INVALID}Invalid number of argument(s) for the {operator} ComparisonOperator")
        }
        LegacyFault::MixedTypes => {
            format!("{INVALID}AttributeValues inside AttributeValueList must be of same type")
        }
        LegacyFault::OperatorType(operator, kind) => format!(
            "{INVALID}ComparisonOperator {operator} is not valid for {} AttributeValue type",
            kind.code()
        ),
        LegacyFault::BetweenOrder => {
            "The BETWEEN condition was provided a range where the lower bound \
                                      is greater than the upper bound"
                .into()
        }
        LegacyFault::UpdateWithoutValue => {
            format!("{INVALID}Only DELETE action is allowed when no attribute value is specified")
        }
        LegacyFault::AddType(kind) => {
            format!("{INVALID}ADD action is not supported for the type {}", kind.code())
        }
        LegacyFault::DeleteType(kind) => {
            format!(
                "{INVALID}DELETE action with value is not supported for the type {}",
                kind.code()
            )
        }
    }
}
