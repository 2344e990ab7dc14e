//! Tables in this process as a target: that they conform, with either kind of key, and what properties may say.
//! Skipped, aloud, on hosts without io_uring.

use std::path::Path;

use flywheel_load::{FieldSet, Record, Target, TargetErrorKind, TargetFactory};
use flywheel_shard::{Engine, EngineOptions};
use flywheel_table::Throttling;
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
    match Engine::open(dir, table_engine_options(options, Throttling::Never)) {
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
    let factory =
        TableFactory::open(&engine, mapping(&ORDERED), Throttling::Never).expect("a table");
    assert!(factory.scans_in_order());
    conformance::check_with(&factory, Keys::Text);
    drop(factory);
    engine.close().expect("it closes");
}

#[test]
fn a_table_of_partition_keys_conforms_and_is_there_when_it_is_opened_again() {
    let folder = folder();
    let Some(engine) = open(folder.path()) else { return };
    let factory = TableFactory::open(&engine, mapping(&PLAIN), Throttling::Never).expect("a table");
    assert!(!factory.scans_in_order());
    conformance::check_with(&factory, Keys::Text);
    let record = Record::from_fields([(1, b"kept".as_slice())]);
    let target = block_on(factory.connect(0)).expect("it connects");
    block_on(target.insert(b"kept", record.clone())).expect("an insert");
    drop((target, factory));
    engine.close().expect("it closes");

    let engine = open(folder.path()).expect("it opened before");
    let factory =
        TableFactory::open(&engine, mapping(&PLAIN), Throttling::Never).expect("the same table");
    let target = block_on(factory.connect(0)).expect("it connects");
    assert_eq!(block_on(target.read(b"kept", FieldSet::All)), Ok(Some(record)));
    drop((target, factory));
    let other =
        TableFactory::open(&engine, mapping(&ORDERED), Throttling::Never).expect_err("another key");
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
    TableFactory::open(&engine, indexed("indexed"), Throttling::Never)
        .expect("a table that says to be as it was asked for");
    TableFactory::open(&engine, mapping(&PLAIN), Throttling::Never)
        .expect("a table without an index");
    let other = TableFactory::open(&engine, indexed("usertable"), Throttling::Never)
        .expect_err("it has no index");
    assert!(other.to_string().contains("no global index by field1"), "{other}");
    engine.close().expect("it closes");
}

#[test]
fn an_insert_of_several_items_writes_them_all() {
    let folder = folder();
    let Some(engine) = open(folder.path()) else { return };
    let workload = workload("a", &[("dynamodb.transactionItems", "3")]);
    let mapping = ItemMapping::new(&workload, "together").expect("sound");
    let factory = TableFactory::open(&engine, mapping, Throttling::Never).expect("a table");
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
fn a_table_of_provisioned_units_throttles_as_it_is_told_and_is_not_taken_for_another() {
    let folder = folder();
    let Some(engine) = open(folder.path()) else { return };
    let provisioned = |write: &str| {
        let units = [("dynamodb.readCapacityUnits", "2"), ("dynamodb.writeCapacityUnits", write)];
        ItemMapping::new(&workload("a", &units), "usertable").expect("sound")
    };
    assert_eq!(
        provisioned("3").settings()["capacity"],
        "2 read and 3 write units a second, provisioned"
    );
    let record = Record::from_fields([(1, [b'v'; 1000].as_slice())]);
    let refused = |throttling| {
        let factory = TableFactory::open(&engine, provisioned("1"), throttling).expect("a table");
        let target = block_on(factory.connect(0)).expect("it connects");
        // Far more than the units of 300 s.
        let mut puts = (0..2_000)
            .map(|n: u32| block_on(target.insert(format!("user{n}").as_bytes(), record.clone())));
        puts.find_map(|put| put.err().map(|error| error.kind))
    };
    assert_eq!(refused(Throttling::Never), None);
    assert_eq!(refused(Throttling::AsSet), Some(TargetErrorKind::Throttled));
    let other = TableFactory::open(&engine, provisioned("7"), Throttling::Never);
    let other = other.expect_err("it has other units").to_string();
    assert!(
        other.contains("2 read and 1 write units, and the properties say 2 read and 7"),
        "{other}"
    );
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
        (&[("dynamodb.readCapacityUnits", "10")], "dynamodb.writeCapacityUnits: expected a number"),
        (
            &[("dynamodb.readCapacityUnits", "0"), ("dynamodb.writeCapacityUnits", "5")],
            "at least 1",
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
