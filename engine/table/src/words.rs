//! In which words an operation refuses a request: which operation it is, and whose words it has. Not the
//! words themselves: see `wording` here, of `flywheel-item` and of `flywheel-api`.

use flywheel_api::legacy::Sender;
use flywheel_api::{ApiError, Operation};
use flywheel_item::{Invalid, Wording};

/// How one operation words what is wrong with a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words {
    pub operation: Operation,
    pub wording: Wording,
}

impl Words {
    /// What is wrong with the request itself, told before any table is looked at.
    pub fn refuse(self, message: impl AsRef<str>) -> ApiError {
        self.operation.validation(message.as_ref(), self.wording)
    }

    /// The same, for what is wrong with values and expressions.
    pub fn invalid(self, invalid: &Invalid) -> ApiError {
        self.operation.invalid(invalid, self.wording)
    }

    /// What is wrong with it where it meets a table or an item.
    pub fn unfit(self, invalid: &Invalid) -> ApiError {
        ApiError::validation(invalid.message(self.operation.wording(self.wording)))
    }

    /// For the parameters that came before expressions.
    pub fn legacy(self) -> Sender {
        Sender { operation: self.operation, wording: self.wording }
    }
}
