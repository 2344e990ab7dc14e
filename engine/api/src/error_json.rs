//! Errors in JSON: `{"__type": .., "message": ..}`, and what some have besides. Not what they say.

use flywheel_item::Item;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::error::{ApiError, CancellationReason, ErrorCode, ThrottlingReason};
use crate::value::Sent;
use crate::wire::{message, read};

impl ApiError {
    /// The body of the response.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(&Body(self)).expect("an error has nothing in it that JSON has not")
    }

    /// The error that a response tells of, as clients read it. One that is not known here, or no error at
    /// all, is an `InternalServerError` that says what it was.
    pub fn from_json(status: u16, body: &[u8]) -> Self {
        let Ok(sent) = read::<SentError>(body) else {
            return Self::internal(format!("status {status} with a body that is no error"));
        };
        let sent_type = sent.kind.unwrap_or_default();
        let name = sent_type.rsplit('#').next().unwrap_or_default();
        let message = sent.message.or(sent.other_message).unwrap_or_default();
        let Some(code) = ErrorCode::from_name(name) else {
            return Self::internal(format!("status {status}, {sent_type}: {message}"));
        };
        let item = |sent: Option<Sent<Item>>| sent.and_then(|item| item.into_sound().ok());
        let reason = |sent: SentReason| CancellationReason {
            code: sent.code.unwrap_or_default(),
            message: sent.message,
            item: item(sent.item),
        };
        let throttling = |sent: SentThrottling| ThrottlingReason {
            reason: sent.reason.unwrap_or_default(),
            resource: sent.resource.unwrap_or_default(),
        };
        Self {
            code,
            message,
            item: item(sent.item).map(Box::new),
            reasons: sent.reasons.into_iter().flatten().map(reason).collect(),
            throttling: sent.throttling.into_iter().flatten().map(throttling).collect(),
        }
    }
}

impl ErrorCode {
    /// Whether its message is called `Message`; it is `message` of all others.
    const fn capitalises(self) -> bool {
        matches!(self, Self::AccessDenied | Self::Serialization | Self::TransactionCanceled)
    }
}

message! {
    /// An error as it was sent.
    pub struct SentError {
        kind "__type": String,
        message "message": String,
        other_message "Message": String,
        item "Item": Sent<Item>,
        reasons "CancellationReasons": Vec<SentReason>,
        throttling "ThrottlingReasons": Vec<SentThrottling>,
    }

    /// Which limit was met, as it was sent.
    pub struct SentThrottling {
        reason "reason": String,
        resource "resource": String,
    }

    /// Why an action did not go through, as it was sent.
    pub struct SentReason {
        code "Code": String,
        message "Message": String,
        item "Item": Sent<Item>,
    }
}

struct Body<'a>(&'a ApiError);

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let ApiError { code, message, item, reasons, throttling } = self.0;
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("__type", &format_args!("{}{}", code.namespace(), code.name()))?;
        // Some say nothing, and then there is no such member.
        if !message.is_empty() {
            let name = if code.capitalises() { "Message" } else { "message" };
            map.serialize_entry(name, message)?;
        }
        if let Some(item) = item {
            map.serialize_entry("Item", &Sent::from(Item::clone(item)))?;
        }
        if !reasons.is_empty() {
            let reason = |reason: &CancellationReason| SentReason {
                code: Some(reason.code.clone()),
                message: reason.message.clone(),
                item: reason.item.clone().map(Sent::from),
            };
            map.serialize_entry(
                "CancellationReasons",
                &reasons.iter().map(reason).collect::<Vec<_>>(),
            )?;
        }
        if !throttling.is_empty() {
            let reason = |reason: &ThrottlingReason| SentThrottling {
                reason: Some(reason.reason.clone()),
                resource: Some(reason.resource.clone()),
            };
            map.serialize_entry(
                "ThrottlingReasons",
                &throttling.iter().map(reason).collect::<Vec<_>>(),
            )?;
        }
        map.end()
    }
}
