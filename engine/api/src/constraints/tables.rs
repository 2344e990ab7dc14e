//! CreateTable and UpdateTable, with all that tables and indexes are made of.

use flywheel_item::Wording;

use super::wording::Constraint;
use super::{Checked, Faults, echo, length_beyond, names, not_null, one_of, within};
use crate::error::ApiError;
use crate::limits::{MAX_GLOBAL_INDEX_KEY_ATTRIBUTES, MAX_KEY_ATTRIBUTES};
use crate::messages::{
    AttributeDefinition, CreateGlobalSecondaryIndexAction, CreateTableRequest,
    GlobalSecondaryIndex, GlobalSecondaryIndexUpdate, KeySchemaElement, LocalSecondaryIndex,
    Projection, ProvisionedThroughput, StreamSpecification, Tag, UpdateGlobalSecondaryIndexAction,
    UpdateTableRequest,
};

const BILLING: &[&str] = &["PROVISIONED", "PAY_PER_REQUEST"];
const TABLE_CLASSES: &[&str] = &["STANDARD", "STANDARD_INFREQUENT_ACCESS"];
const KEY_TYPES: &[&str] = &["HASH", "RANGE"];
const KEY_ATTRIBUTE_TYPES: &[&str] = &["B", "N", "S"];
const PROJECTIONS: &[&str] = &["ALL", "INCLUDE", "KEYS_ONLY"];
const VIEWS: &[&str] = &["NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES", "KEYS_ONLY"];

/// Faults of the elements of a list, by the path to each.
fn each<T>(
    path: &str,
    list: &Option<Vec<T>>,
    faults: impl Fn(&str, &T) -> Vec<String>,
) -> Vec<String> {
    let elements = list.iter().flatten().enumerate();
    elements
        .flat_map(|(at, element)| faults(&format!("{path}.{}.member", at + 1), element))
        .collect()
}

fn throughput(path: &str, throughput: &Option<ProvisionedThroughput>) -> Vec<String> {
    let Some(throughput) = throughput else { return Vec::new() };
    let (write, read) = (format!("{path}.writeCapacityUnits"), format!("{path}.readCapacityUnits"));
    let faults = [
        not_null(&write, &throughput.write_capacity_units),
        within(&write, throughput.write_capacity_units, 1, i64::MAX),
        not_null(&read, &throughput.read_capacity_units),
        within(&read, throughput.read_capacity_units, 1, i64::MAX),
    ];
    faults.into_iter().flatten().collect()
}

/// `most` attributes. Of too many the path is `keySchema` wherever they stand.
fn key_schema(path: &str, schema: &Option<Vec<KeySchemaElement>>, most: usize) -> Vec<String> {
    let broken = schema.as_ref().and_then(|schema| {
        Some(match length_beyond(schema.len(), 1, most)? {
            broken @ Constraint::LengthAtLeast(_) => broken.broken_by("[]", path),
            broken => broken.broken_by(echo::key_schema(schema), "keySchema"),
        })
    });
    let elements = each(path, schema, |path, element| {
        let kind = format!("{path}.keyType");
        let faults = [
            not_null(&format!("{path}.attributeName"), &element.attribute_name),
            not_null(&kind, &element.key_type),
            one_of(&kind, &element.key_type, KEY_TYPES),
        ];
        faults.into_iter().flatten().collect()
    });
    not_null(path, schema).into_iter().chain(broken).chain(elements).collect()
}

fn definition(path: &str, definition: &AttributeDefinition) -> Vec<String> {
    let kind = format!("{path}.attributeType");
    let faults = [
        not_null(&format!("{path}.attributeName"), &definition.attribute_name),
        not_null(&kind, &definition.attribute_type),
        one_of(&kind, &definition.attribute_type, KEY_ATTRIBUTE_TYPES),
    ];
    faults.into_iter().flatten().collect()
}

fn projection(path: &str, projection: &Option<Projection>) -> Vec<String> {
    let path = format!("{path}.projection");
    let Some(sent) = projection else { return not_null(&path, projection).into_iter().collect() };
    let is_empty = sent.non_key_attributes.as_ref().is_some_and(Vec::is_empty);
    let empty = is_empty
        .then(|| Constraint::LengthAtLeast(1).broken_by("[]", &format!("{path}.nonKeyAttributes")));
    let kind = one_of(&format!("{path}.projectionType"), &sent.projection_type, PROJECTIONS);
    kind.into_iter().chain(empty).collect()
}

fn local_index(path: &str, index: &LocalSecondaryIndex) -> Vec<String> {
    let schema = format!("{path}.keySchema");
    let mut faults = names::all_faults(&format!("{path}.indexName"), &index.index_name);
    faults.extend(key_schema(&schema, &index.key_schema, MAX_KEY_ATTRIBUTES));
    faults.extend(projection(path, &index.projection));
    faults
}

fn global_index(path: &str, index: &GlobalSecondaryIndex) -> Vec<String> {
    let schema = format!("{path}.keySchema");
    let mut faults = key_schema(&schema, &index.key_schema, MAX_GLOBAL_INDEX_KEY_ATTRIBUTES);
    faults.extend(projection(path, &index.projection));
    faults.extend(names::all_faults(&format!("{path}.indexName"), &index.index_name));
    let provisioned = format!("{path}.provisionedThroughput");
    faults.extend(throughput(&provisioned, &index.provisioned_throughput));
    faults
}

fn stream(stream: &Option<StreamSpecification>) -> Vec<String> {
    let Some(stream) = stream else { return Vec::new() };
    let faults = [
        not_null("streamSpecification.streamEnabled", &stream.stream_enabled),
        one_of("streamSpecification.streamViewType", &stream.stream_view_type, VIEWS),
    ];
    faults.into_iter().flatten().collect()
}

/// Tags have a name and a value each.
pub(super) fn tag(path: &str, tag: &Tag) -> Vec<String> {
    let key = not_null(&format!("{path}.key"), &tag.key);
    key.into_iter().chain(not_null(&format!("{path}.value"), &tag.value)).collect()
}

/// Faults of a list of tags.
pub(super) fn tags(tags: &Option<Vec<Tag>>) -> Vec<String> {
    each("tags", tags, tag)
}

impl Checked for CreateTableRequest {
    fn check(&self, wording: Wording) -> Result<(), ApiError> {
        // A name that is there is told of with the words of a constraint, and first.
        match wording {
            Wording::Current if self.table_name.is_some() => {
                Faults::none().and(names::all_faults("tableName", &self.table_name)).end()?;
            }
            _ => names::check_managed(&self.table_name)?,
        }
        Faults::none()
            .and(one_of("billingMode", &self.billing_mode, BILLING))
            .and(throughput("provisionedThroughput", &self.provisioned_throughput))
            .and(key_schema("keySchema", &self.key_schema, MAX_KEY_ATTRIBUTES))
            .and(not_null("attributeDefinitions", &self.attribute_definitions))
            .and(each("attributeDefinitions", &self.attribute_definitions, definition))
            .and(each("globalSecondaryIndexes", &self.global_secondary_indexes, global_index))
            .and(each("localSecondaryIndexes", &self.local_secondary_indexes, local_index))
            .and(stream(&self.stream_specification))
            .and(tags(&self.tags))
            .end()?;
        Faults::none().and(one_of("tableClass", &self.table_class, TABLE_CLASSES)).end()
    }
}

fn index_update(path: &str, update: &UpdateGlobalSecondaryIndexAction) -> Vec<String> {
    let path = format!("{path}.update");
    let name = format!("{path}.indexName");
    let mut faults = names::all_faults_length_first(&name, &update.index_name);
    let provisioned = format!("{path}.provisionedThroughput");
    // An index may also be given other bounds, and then its throughput stays as it is.
    if update.on_demand_throughput.is_none() && update.warm_throughput.is_none() {
        faults.extend(not_null(&provisioned, &update.provisioned_throughput));
    }
    faults.extend(throughput(&provisioned, &update.provisioned_throughput));
    faults
}

fn index_creation(path: &str, create: &CreateGlobalSecondaryIndexAction) -> Vec<String> {
    let path = format!("{path}.create");
    let mut faults = projection(&path, &create.projection);
    faults.extend(names::all_faults(&format!("{path}.indexName"), &create.index_name));
    let provisioned = format!("{path}.provisionedThroughput");
    faults.extend(throughput(&provisioned, &create.provisioned_throughput));
    let schema = format!("{path}.keySchema");
    faults.extend(key_schema(&schema, &create.key_schema, MAX_GLOBAL_INDEX_KEY_ATTRIBUTES));
    faults
}

fn index_change(path: &str, change: &GlobalSecondaryIndexUpdate) -> Vec<String> {
    let mut faults = Vec::new();
    faults.extend(change.update.iter().flat_map(|update| index_update(path, update)));
    faults.extend(change.create.iter().flat_map(|create| index_creation(path, create)));
    faults.extend(change.delete.iter().flat_map(|delete| {
        names::all_faults(&format!("{path}.delete.indexName"), &delete.index_name)
    }));
    faults
}

impl Checked for UpdateTableRequest {
    fn check(&self, _: Wording) -> Result<(), ApiError> {
        names::check_managed(&self.table_name)?;
        let changes = &self.global_secondary_index_updates;
        Faults::none()
            .and(throughput("provisionedThroughput", &self.provisioned_throughput))
            .and(each("globalSecondaryIndexUpdates", changes, index_change))
            .and(each("attributeDefinitions", &self.attribute_definitions, definition))
            .and(stream(&self.stream_specification))
            .end()?;
        Faults::none().and(one_of("billingMode", &self.billing_mode, BILLING)).end()?;
        Faults::none().and(one_of("tableClass", &self.table_class, TABLE_CLASSES)).end()
    }
}
