//! TagResource, UntagResource and ListTagsOfResource.

use crate::wire::message;

message! {
    /// What TagResource is asked. It answers nothing.
    pub struct TagResourceRequest {
        resource_arn "ResourceArn": String,
        tags "Tags": Vec<Tag>,
    }

    /// What UntagResource is asked. It answers nothing.
    pub struct UntagResourceRequest {
        resource_arn "ResourceArn": String,
        tag_keys "TagKeys": Vec<String>,
    }

    /// What ListTagsOfResource is asked.
    pub struct ListTagsOfResourceRequest {
        resource_arn "ResourceArn": String,
        next_token "NextToken": String,
    }

    /// What ListTagsOfResource answers.
    pub struct ListTagsOfResourceResponse {
        tags "Tags": Vec<Tag>,
        next_token "NextToken": String,
    }

    /// A name and a value that somebody gave to a table.
    pub struct Tag {
        key "Key": String,
        value "Value": String,
    }
}
