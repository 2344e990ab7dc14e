//! What a request asks for, by its `X-Amz-Target`: the name only. Which operations there are, the service
//! knows.

use crate::service::{Api, OperationName};

/// The operation of `DynamoDB_20120810.GetItem`; `None` for anything else.
pub(crate) fn operation(target: &str) -> Option<OperationName> {
    let (api, name) = target.split_once('.')?;
    let api = match api {
        "DynamoDB_20120810" => Api::Tables,
        "DynamoDBStreams_20120810" => Api::Streams,
        _ => return None,
    };
    OperationName::new(api, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_a_version_and_a_name() {
        let name = |target| operation(target).map(|of| (of.api, of.to_string()));
        assert_eq!(name("DynamoDB_20120810.GetItem"), Some((Api::Tables, "GetItem".into())));
        let streams = Some((Api::Streams, "GetRecords".into()));
        assert_eq!(name("DynamoDBStreams_20120810.GetRecords"), streams);
        let bad = ["", ".", "GetItem", "DynamoDB_20120810.", "DynamoDB_20120810.Get.Item"];
        for bad in bad.into_iter().chain(["DynamoDB_20111205.GetItem", "dynamodb_20120810.GetItem"])
        {
            assert_eq!(name(bad), None, "{bad}");
        }
    }
}
