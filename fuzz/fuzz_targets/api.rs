//! Any bytes as the body of each request: read and checked, or refused in words. What is read is written, and
//! read again as it was.
#![no_main]

use flywheel_api::*;
use flywheel_fuzz::heap;
use flywheel_item::{Item, Wording};
use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A null among structures takes five bytes and becomes one of some hundreds.
const MOST_PER_BYTE: usize = 1024;

fuzz_target!(|body: &[u8]| {
    let most_bytes = (1 << 20) + MOST_PER_BYTE * body.len();
    heap::bounded(most_bytes, || {
        single(body);
        several(body);
        managing(body);
        check_round_trip::<Sent<Item>>(body);
        let error = ApiError::from_json(400, body);
        let again = ApiError::from_json(error.code.status(), &error.to_json());
        assert_eq!(again.code, error.code);
    });
});

fn single(body: &[u8]) {
    check::<GetItemRequest>(body);
    check::<PutItemRequest>(body);
    check::<UpdateItemRequest>(body);
    check::<DeleteItemRequest>(body);
    check::<QueryRequest>(body);
    check::<ScanRequest>(body);
}

fn several(body: &[u8]) {
    check::<BatchGetItemRequest>(body);
    check::<BatchWriteItemRequest>(body);
    check::<TransactGetItemsRequest>(body);
    check::<TransactWriteItemsRequest>(body);
}

fn managing(body: &[u8]) {
    check::<CreateTableRequest>(body);
    check::<UpdateTableRequest>(body);
    check::<ListTablesRequest>(body);
    check::<TagResourceRequest>(body);
    check::<UpdateTimeToLiveRequest>(body);
}

fn check<T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug + Checked>(body: &[u8]) {
    let Some(request) = check_round_trip::<T>(body) else { return };
    for wording in [Wording::Current, Wording::Former] {
        if let Err(error) = request.check(wording) {
            assert!(!error.message.is_empty());
        }
    }
}

fn check_round_trip<T>(body: &[u8]) -> Option<T>
where
    T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug,
{
    let message = read::<T>(body).ok()?;
    // What has a value in it that is none is not written.
    if let Ok(written) = write(&message) {
        assert_eq!(read::<T>(&written).as_ref(), Ok(&message));
    }
    Some(message)
}
