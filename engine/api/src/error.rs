//! What a request may be answered with instead of a response: DynamoDB's error types, each with its status
//! and the namespace it is sent under. Not the texts of validation: see `constraints`, and `wording` of
//! `flywheel-item`.

use std::fmt;

use flywheel_item::{Invalid, Item, Wording};

/// The type of an error, as clients tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// A caller without permission.
    AccessDenied,
    /// A condition did not hold.
    ConditionalCheckFailed,
    /// A signature with a part missing.
    IncompleteSignature,
    /// A token that was used for another transaction.
    IdempotentParameterMismatch,
    /// A fault of the service.
    InternalServerError,
    /// A signature that is not the request's.
    InvalidSignature,
    /// Items of one partition key that outgrow what local indexes allow.
    ItemCollectionSizeLimitExceeded,
    /// Too many tables, indexes or changes at once.
    LimitExceeded,
    /// No signature at all.
    MissingAuthenticationToken,
    /// More than the table's capacity.
    ProvisionedThroughputExceeded,
    /// More than the account's capacity.
    RequestLimitExceeded,
    /// A table that exists, or is being changed.
    ResourceInUse,
    /// No such table, index or resource.
    ResourceNotFound,
    /// JSON that cannot be read as the request.
    Serialization,
    /// The service is not able to answer now.
    ServiceUnavailable,
    /// No such table; so backups say it.
    TableNotFound,
    /// Too many requests for now.
    Throttling,
    /// A transaction that was given up, with the reasons.
    TransactionCanceled,
    /// A write to an item that a transaction is about to change.
    TransactionConflict,
    /// A transaction with this token is under way.
    TransactionInProgress,
    /// No such operation.
    UnknownOperation,
    /// Credentials that nobody knows.
    UnrecognizedClient,
    /// A request that says something it must not.
    Validation,
}

const DYNAMODB: &str = "com.amazonaws.dynamodb.v20120810#";
const SERVICE: &str = "com.amazon.coral.service#";
const VALIDATE: &str = "com.amazon.coral.validate#";
const AVAILABILITY: &str = "com.amazon.coral.availability#";

impl ErrorCode {
    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::AccessDenied,
        Self::ConditionalCheckFailed,
        Self::IncompleteSignature,
        Self::IdempotentParameterMismatch,
        Self::InternalServerError,
        Self::InvalidSignature,
        Self::ItemCollectionSizeLimitExceeded,
        Self::LimitExceeded,
        Self::MissingAuthenticationToken,
        Self::ProvisionedThroughputExceeded,
        Self::RequestLimitExceeded,
        Self::ResourceInUse,
        Self::ResourceNotFound,
        Self::Serialization,
        Self::ServiceUnavailable,
        Self::TableNotFound,
        Self::Throttling,
        Self::TransactionCanceled,
        Self::TransactionConflict,
        Self::TransactionInProgress,
        Self::UnknownOperation,
        Self::UnrecognizedClient,
        Self::Validation,
    ];

    /// The one of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.name() == name)
    }

    /// Its namespace, its name, and the HTTP status that it is sent with.
    const fn parts(self) -> (&'static str, &'static str, u16) {
        match self {
            Self::AccessDenied => (SERVICE, "AccessDeniedException", 400),
            Self::ConditionalCheckFailed => (DYNAMODB, "ConditionalCheckFailedException", 400),
            Self::IncompleteSignature => (SERVICE, "IncompleteSignatureException", 400),
            Self::IdempotentParameterMismatch => {
                (DYNAMODB, "IdempotentParameterMismatchException", 400)
            }
            Self::InternalServerError => (DYNAMODB, "InternalServerError", 500),
            Self::InvalidSignature => (SERVICE, "InvalidSignatureException", 400),
            Self::ItemCollectionSizeLimitExceeded => {
                (DYNAMODB, "ItemCollectionSizeLimitExceededException", 400)
            }
            Self::LimitExceeded => (DYNAMODB, "LimitExceededException", 400),
            Self::MissingAuthenticationToken => {
                (SERVICE, "MissingAuthenticationTokenException", 400)
            }
            Self::ProvisionedThroughputExceeded => {
                (DYNAMODB, "ProvisionedThroughputExceededException", 400)
            }
            Self::RequestLimitExceeded => (DYNAMODB, "RequestLimitExceeded", 400),
            Self::ResourceInUse => (DYNAMODB, "ResourceInUseException", 400),
            Self::ResourceNotFound => (DYNAMODB, "ResourceNotFoundException", 400),
            Self::Serialization => (SERVICE, "SerializationException", 400),
            Self::ServiceUnavailable => (DYNAMODB, "ServiceUnavailable", 503),
            Self::TableNotFound => (DYNAMODB, "TableNotFoundException", 400),
            Self::Throttling => (AVAILABILITY, "ThrottlingException", 400),
            Self::TransactionCanceled => (DYNAMODB, "TransactionCanceledException", 400),
            Self::TransactionConflict => (DYNAMODB, "TransactionConflictException", 400),
            Self::TransactionInProgress => (DYNAMODB, "TransactionInProgressException", 400),
            Self::UnknownOperation => (SERVICE, "UnknownOperationException", 400),
            Self::UnrecognizedClient => (SERVICE, "UnrecognizedClientException", 400),
            Self::Validation => (VALIDATE, "ValidationException", 400),
        }
    }

    /// Its name, such as `ValidationException`.
    pub const fn name(self) -> &'static str {
        self.parts().1
    }

    /// What stands before its name in `__type`.
    pub const fn namespace(self) -> &'static str {
        self.parts().0
    }

    /// The HTTP status of the response.
    pub const fn status(self) -> u16 {
        self.parts().2
    }
}

/// Why one action of a transaction did not go through.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CancellationReason {
    /// `None` in words for an action that was not to blame, else what it failed of.
    pub code: String,
    /// What is told of it.
    pub message: Option<String>,
    /// The item as it is, if the action asked for it.
    pub item: Option<Item>,
}

/// Which limit a request met that was throttled.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ThrottlingReason {
    /// Such as `TableWriteProvisionedThroughputExceeded`.
    pub reason: String,
    /// The ARN of the table or the index.
    pub resource: String,
}

/// An error as a client receives it.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiError {
    /// Its type.
    pub code: ErrorCode,
    /// What is told of it.
    pub message: String,
    /// The item that a condition failed on, if the request asked for it.
    pub item: Option<Box<Item>>,
    /// Of a transaction that was given up, one for each action; empty for other errors.
    pub reasons: Vec<CancellationReason>,
    /// Of a request that was throttled, why; empty for other errors.
    pub throttling: Vec<ThrottlingReason>,
}

impl ApiError {
    /// An error of this type.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            item: None,
            reasons: Vec::new(),
            throttling: Vec::new(),
        }
    }

    /// `ValidationException`.
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Validation, message)
    }

    /// `ValidationException` for what is wrong with a value or an expression.
    pub fn invalid(invalid: &Invalid, wording: Wording) -> Self {
        Self::validation(invalid.message(wording))
    }

    /// `ResourceNotFoundException`.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::ResourceNotFound, message)
    }

    /// `ConditionalCheckFailedException`, with the item if the request asked for it.
    pub fn condition_failed(item: Option<Item>) -> Self {
        let mut error =
            Self::new(ErrorCode::ConditionalCheckFailed, "The conditional request failed");
        error.item = item.map(Box::new);
        error
    }

    /// `InternalServerError`, for what is no fault of the caller.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InternalServerError, message)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.message)
    }
}

impl std::error::Error for ApiError {}
