//! TagResource, UntagResource, ListTagsOfResource.

use flywheel_api::{
    ApiError, ListTagsOfResourceRequest, ListTagsOfResourceResponse, Operation, Tag,
    TagResourceRequest, UntagResourceRequest,
};

use crate::catalog::ChangeError;
use crate::catalog::record::TableRecord;
use crate::definition::tags;
use crate::limits::MAX_LISTED_TAGS;
use crate::storage::Storage;
use crate::tables::Tables;

impl<S: Storage> Tables<S> {
    /// TagResource.
    ///
    /// # Errors
    /// DynamoDB's.
    pub async fn tag_resource(&self, request: TagResourceRequest) -> Result<(), ApiError> {
        self.check(Operation::TagResource, &request)?;
        let arn = request.resource_arn.unwrap_or_default();
        let new = request.tags.unwrap_or_default();
        let name = self.tagged(&arn)?;
        if new.is_empty() {
            return Err(ApiError::validation("Atleast one Tag needs to be provided as Input."));
        }
        let add = |record: TableRecord, _| {
            let tags = tags::added(record.tags.clone(), &new)?;
            Ok(Some(TableRecord { tags, ..record }))
        };
        self.retag(&arn, name, add).await
    }

    /// UntagResource. Names that no tag has are passed over.
    ///
    /// # Errors
    /// DynamoDB's.
    pub async fn untag_resource(&self, request: UntagResourceRequest) -> Result<(), ApiError> {
        self.check(Operation::UntagResource, &request)?;
        let arn = request.resource_arn.unwrap_or_default();
        let names = request.tag_keys.unwrap_or_default();
        let name = self.tagged(&arn)?;
        if names.is_empty() {
            let message = "Atleast one Tag Key needs to be provided as Input.";
            return Err(ApiError::validation(message));
        }
        let remove = |mut record: TableRecord, _| {
            record.tags.retain(|tag, _| !names.contains(tag));
            Ok(Some(record))
        };
        self.retag(&arn, name, remove).await
    }

    /// ListTagsOfResource.
    ///
    /// # Errors
    /// DynamoDB's.
    pub async fn list_tags_of_resource(
        &self,
        request: ListTagsOfResourceRequest,
    ) -> Result<ListTagsOfResourceResponse, ApiError> {
        self.check(Operation::ListTagsOfResource, &request)?;
        let arn = request.resource_arn.unwrap_or_default();
        let table = self.catalog().get(self.tagged(&arn)?).ok_or_else(|| no_resource(&arn))?;
        let start = request.next_token.unwrap_or_default();
        let mut tags =
            table.record.tags.iter().skip_while(|(key, _)| **key <= start && !start.is_empty());
        let page: Vec<Tag> = tags
            .by_ref()
            .take(MAX_LISTED_TAGS)
            .map(|(key, value)| Tag { key: Some(key.clone()), value: Some(value.clone()) })
            .collect();
        let is_last = tags.next().is_none();
        let next_token = page.last().filter(|_| !is_last).and_then(|tag| tag.key.clone());
        Ok(ListTagsOfResourceResponse { tags: Some(page), next_token })
    }

    async fn retag(
        &self,
        arn: &str,
        name: &str,
        change: impl Fn(TableRecord, u32) -> Result<Option<TableRecord>, ApiError>,
    ) -> Result<(), ApiError> {
        match self.catalog().change(name, 0, change).await {
            Ok(_) => Ok(()),
            Err(ChangeError::NoTable) => Err(no_resource(arn)),
            Err(error) => Err(error.told(name)),
        }
    }

    /// The table that an ARN names.
    fn tagged<'a>(&self, arn: &'a str) -> Result<&'a str, ApiError> {
        let invalid = || {
            let message = format!("Invalid TableArn: Invalid ResourceArn provided as input {arn}");
            ApiError::validation(message)
        };
        let mut parts = arn.splitn(6, ':');
        if [parts.next(), parts.next(), parts.next()]
            != [Some("arn"), Some("aws"), Some("dynamodb")]
        {
            return Err(invalid());
        }
        let resource = parts.nth(2).ok_or_else(invalid)?;
        let name = resource.strip_prefix("table/").ok_or_else(invalid)?;
        let is_named = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        if !(3..=255).contains(&name.len()) || !name.bytes().all(is_named) {
            return Err(invalid());
        }
        Ok(name)
    }
}

fn no_resource(arn: &str) -> ApiError {
    ApiError::not_found(format!("Requested resource not found: ResourcArn: {arn} not found"))
}
