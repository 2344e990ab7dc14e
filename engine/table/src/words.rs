//! Which words an operation refuses a request in. Not the words themselves: see `wording` of
//! `flywheel-item` and of `flywheel-api`, and `refusals`.

use flywheel_api::ApiError;
use flywheel_item::{Invalid, Wording};

/// How one operation words what is wrong with a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words {
    pub wording: Wording,
    /// Whether what is wrong with the request itself is told as one validation error that was detected: so
    /// do PutItem, UpdateItem and DeleteItem, in the words of now.
    is_counted: bool,
}

impl Words {
    /// Of most operations.
    pub fn plain(wording: Wording) -> Self {
        Self { wording, is_counted: false }
    }

    /// Of operations that write one item.
    pub fn of_write(wording: Wording) -> Self {
        Self { wording, is_counted: wording == Wording::Current }
    }

    /// What is wrong with the request itself, told before any table is looked at.
    pub fn refuse(self, message: impl Into<String>) -> ApiError {
        let message = message.into();
        if self.is_counted {
            return ApiError::validation(format!("1 validation error detected: {message}"));
        }
        ApiError::validation(message)
    }

    /// The same, for what is wrong with values and expressions.
    pub fn invalid(self, invalid: &Invalid) -> ApiError {
        self.refuse(invalid.message(self.wording))
    }

    /// What is wrong with it where it meets a table or an item.
    pub fn unfit(self, invalid: &Invalid) -> ApiError {
        ApiError::validation(invalid.message(self.wording))
    }
}
