//! Tables in this process as a target: that they conform, with either kind of key, and what properties may say.
//! Skipped, aloud, on hosts without io_uring.

use std::path::Path;

use flywheel_load::{FieldSet, Record, Target, TargetFactory};
use flywheel_shard::{Engine, EngineOptions};
use flywheel_targets::{ItemMapping, TableFactory, table_engine_options};
use futures_executor::block_on;

use crate::conformance::{self, Keys};
use crate::support::workload;

/// Both fields that conformance adds to: its own, and the one that workloads have.
pub const NUMBERS: [u16; 2] = [0, 2];

/// A table of one sort key, in which scans are ordered.
pub const ORDERED: [(&str, &str); 4] = [
    ("dynamodb.primaryKeyType", "HASH_AND_RANGE"),
    ("dynamodb.hashKeyName", "shared"),
    ("dynamodb.consistentReads", "true"),
    ("dynamodb.conditionalUpdates", "true"),
];

/// A table as YCSB's binding has it.
pub const PLAIN: [(&str, &str); 2] =
    [("dynamodb.consistentReads", "true"), ("dynamodb.conditionalUpdates", "true")];

pub fn mapping(properties: &[(&str, &str)]) -> ItemMapping {
    let workload = workload("a", properties);
    ItemMapping::new(&workload, "usertable").expect("sound").with_numbers(&NUMBERS)
}

fn open(dir: &Path) -> Option<Engine> {
    let mut options = EngineOptions { shards: 2, ..EngineOptions::default() };
    options.store.segment_bytes = 1 << 20;
    match Engine::open(dir, table_engine_options(options)) {
        Ok(engine) => Some(engine),
        Err(error) if error.to_string().contains("io_uring") => {
            println!("skipped, because {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

pub fn folder() -> tempfile::TempDir {
    // Beside the build and not in /tmp, which may be memory: direct I/O wants a disk.
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder")
}

#[test]
fn a_table_of_sort_keys_conforms_in_order() {
    let folder = folder();
    let Some(engine) = open(folder.path()) else { return };
    let factory = TableFactory::open(&engine, mapping(&ORDERED)).expect("a table");
    assert!(factory.scans_in_order());
    conformance::check_with(&factory, Keys::Text);
    drop(factory);
    engine.close().expect("it closes");
}

#[test]
fn a_table_of_partition_keys_conforms_and_is_there_when_it_is_opened_again() {
    let folder = folder();
    let Some(engine) = open(folder.path()) else { return };
    let factory = TableFactory::open(&engine, mapping(&PLAIN)).expect("a table");
    assert!(!factory.scans_in_order());
    conformance::check_with(&factory, Keys::Text);
    let record = Record::from_fields([(1, b"kept".as_slice())]);
    let target = block_on(factory.connect(0)).expect("it connects");
    block_on(target.insert(b"kept", record.clone())).expect("an insert");
    drop((target, factory));
    engine.close().expect("it closes");

    let engine = open(folder.path()).expect("it opened before");
    let factory = TableFactory::open(&engine, mapping(&PLAIN)).expect("the same table");
    let target = block_on(factory.connect(0)).expect("it connects");
    assert_eq!(block_on(target.read(b"kept", FieldSet::All)), Ok(Some(record)));
    drop((target, factory));
    let other = TableFactory::open(&engine, mapping(&ORDERED)).expect_err("another key");
    assert!(other.to_string().contains("firstname RANGE"), "{other}");
    engine.close().expect("it closes");
}

#[test]
fn a_table_is_made_with_its_index_and_not_taken_without() {
    let folder = folder();
    let Some(engine) = open(folder.path()) else { return };
    let indexed = |table: &str| {
        let workload = workload("a", &[("dynamodb.globalIndex", "field1")]);
        ItemMapping::new(&workload, table).expect("sound")
    };
    TableFactory::open(&engine, indexed("indexed"))
        .expect("a table that says to be as it was asked for");
    TableFactory::open(&engine, mapping(&PLAIN)).expect("a table without an index");
    let other = TableFactory::open(&engine, indexed("usertable")).expect_err("it has no index");
    assert!(other.to_string().contains("no global index by field1"), "{other}");
    engine.close().expect("it closes");
}

#[test]
fn a_table_has_the_capacity_that_properties_say() {
    let made = |properties: &[(&str, &str)]| {
        let mapping = ItemMapping::new(&workload("a", properties), "t").expect("sound");
        mapping.create()
    };
    assert_eq!(made(&[]).billing_mode.as_deref(), Some("PAY_PER_REQUEST"));
    let request = made(&[
        ("dynamodb.readCapacityUnits", "5"),
        ("dynamodb.writeCapacityUnits", "7"),
        ("dynamodb.globalIndex", "field1"),
    ]);
    assert_eq!(request.billing_mode.as_deref(), Some("PROVISIONED"));
    let of_index = request.global_secondary_indexes.expect("one")[0].provisioned_throughput.clone();
    for throughput in [request.provisioned_throughput, of_index] {
        let throughput = throughput.expect("both have it");
        assert_eq!(
            (throughput.read_capacity_units, throughput.write_capacity_units),
            (Some(5), Some(7))
        );
    }
}

#[test]
fn an_insert_of_several_items_writes_them_all() {
    let folder = folder();
    let Some(engine) = open(folder.path()) else { return };
    let workload = workload("a", &[("dynamodb.transactionItems", "3")]);
    let mapping = ItemMapping::new(&workload, "together").expect("sound");
    let factory = TableFactory::open(&engine, mapping).expect("a table");
    let target = block_on(factory.connect(0)).expect("it connects");
    let record = Record::from_fields([(1, b"value".as_slice())]);
    block_on(target.insert(b"user1", record.clone())).expect("an insert");
    for key in ["user1", "user1~1", "user1~2"] {
        let found = block_on(target.read(key.as_bytes(), FieldSet::All));
        assert_eq!(found, Ok(Some(record.clone())), "{key}");
    }
    assert_eq!(block_on(target.read(b"user1~3", FieldSet::All)), Ok(None));
    drop((target, factory));
    engine.close().expect("it closes");
}

#[test]
fn properties_of_the_binding_are_checked() {
    let error = |properties: &[(&str, &str)]| {
        let workload = workload("a", properties);
        let error = ItemMapping::new(&workload, "usertable").expect_err("it is refused");
        error.to_string()
    };
    for (properties, says) in [
        (&[("dynamodb.primaryKeyType", "RANGE")][..], "expected HASH or HASH_AND_RANGE"),
        (&[("dynamodb.primaryKeyType", "HASH_AND_RANGE")], "dynamodb.hashKeyName"),
        (&[("dynamodb.primaryKey", "field3")], "no other attribute"),
        (&[("dynamodb.consistentReads", "perhaps")], "true or false"),
        (&[("dynamodb.globalIndex", "firstname")], "the name of a field"),
        (&[("dynamodb.transactionItems", "101")], "from 1 to 100"),
        (&[("dynamodb.readCapacityUnits", "5")], "for reads and for writes"),
        (
            &[("dynamodb.readCapacityUnits", "5"), ("dynamodb.writeCapacityUnits", "0")],
            "a whole number of units",
        ),
        (&[("dynamodb.consistentRead", "true")], "known are"),
    ] {
        assert!(error(properties).contains(says), "{}", error(properties));
    }
    let ycsb = [("dynamodb.primaryKey", "id"), ("dynamodb.connectMax", "50")];
    let settings = ItemMapping::new(&workload("a", &ycsb), "t").expect("sound").settings();
    assert_eq!(settings["key"], "id (partition key)");
    assert!(settings["updates"].starts_with("unconditional"), "{settings:?}");
}
