//! Files, arguments, defaults, and every kind of error message.
//! The files in `/workloads` are checked in `workload_files`.

use std::path::PathBuf;
use std::time::Duration;

use flywheel_load::properties::Origin;
use flywheel_load::workload::{InsertOrder, KNOWN, MeasurementInterval, RequestDistribution, Use};
use flywheel_load::{Operation, Properties, Resolved, Workload};

use crate::support::workload;

/// A file of `text` in a folder that lives as long as the test.
fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("w.properties");
    std::fs::write(&path, text).expect("the folder is writable");
    (folder, path)
}

fn resolve_file(text: &str) -> Result<Resolved, String> {
    let (_folder, path) = file(text);
    let mut properties = Properties::new();
    properties.load_file(&path).map_err(|error| error.to_string())?;
    let folder = format!("{}/", path.parent().expect("a folder").display());
    Workload::resolve(&properties).map_err(|error| error.to_string().replace(&folder, ""))
}

#[test]
fn defaults_are_ycsbs() {
    let workload = workload(&[]);
    assert_eq!(workload.table, "usertable");
    assert_eq!(workload.record_count, 2_147_483_647, "recordcount=0 means the largest Java int");
    assert_eq!((workload.insert_start, workload.insert_count), (0, 2_147_483_647));
    assert_eq!((workload.operation_count, workload.max_execution_time), (None, None));
    assert_eq!((workload.thread_count, workload.target_ops_per_s), (1, None));
    assert_eq!(workload.field_names.len(), 10);
    assert_eq!((workload.field_names[9].as_str(), workload.field_length_max), ("field9", 100));
    assert!(workload.read_all_fields && !workload.read_all_fields_by_name);
    assert!(!workload.write_all_fields && !workload.data_integrity);
    assert_eq!((workload.share(Operation::Read), workload.share(Operation::Update)), (0.95, 0.05));
    assert_eq!(workload.request_distribution, RequestDistribution::Uniform);
    assert_eq!((workload.insert_order, workload.zero_padding), (InsertOrder::Hashed, 1));
    assert_eq!(workload.insertion_retry_limit, 0);
    assert_eq!(workload.insertion_retry_interval, Duration::from_secs(3));
    assert_eq!(workload.status_interval, Duration::from_secs(10));
    assert_eq!(workload.percentiles, [50.0, 95.0, 99.0]);
    assert_eq!(workload.measurement_interval, MeasurementInterval::Operation);
}

#[test]
fn the_effective_map_has_every_honoured_property_and_resolves_to_itself() {
    let first = workload(&[("recordcount", "500"), ("insertstart", "100"), ("fieldcount", "3")]);
    let map = first.properties();
    for known in KNOWN.iter().filter(|known| known.used == Use::Honoured) {
        // Here these say nothing, and results of builds that knew none stay comparable.
        let is_there = !["tracefile", "tracespeed", "total_cash"].contains(&known.name);
        assert_eq!(map.contains_key(known.name), is_there, "{} in the effective map", known.name);
    }
    assert_eq!(map["insertcount"], "400", "derived properties are filled in");
    let again: Vec<(&str, &str)> =
        map.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(workload(&again).properties(), map);
}

#[test]
fn later_settings_win_and_remember_their_place() {
    let (_one, first) = file("recordcount=10\nfieldcount = 4\n");
    let (_two, second) = file("# a comment\nrecordcount: 20\n");
    let mut properties = Properties::new();
    properties.load_file(&first).expect("a good file");
    properties.load_file(&second).expect("a good file");
    assert_eq!(properties.get("recordcount").expect("set").origin, Origin::File(second, 2));
    properties.set_argument("fieldcount=5").expect("a good argument");
    properties.set_override("threadcount", "8", "--threads");
    let workload = Workload::resolve(&properties).expect("valid").workload;
    assert_eq!((workload.record_count, workload.field_count(), workload.thread_count), (20, 5, 8));
}

#[test]
fn java_syntax_is_read() {
    let resolved = resolve_file(
        "! another comment\n  recordcount   1000\nfieldname\\\n   prefix = f\\u0065\nreadproportion=\\\n  0.5\n",
    );
    let workload = resolved.expect("valid").workload;
    assert_eq!((workload.record_count, workload.field_names[0].as_str()), (1_000, "fe0"));
    assert!((workload.share(Operation::Read) - 0.5 / 0.55).abs() < 1e-12, "weights are normalised");
}

/// `(file, the error in full)`, each with its file, line, property, what was expected and what was found.
const ERRORS: &[(&str, &str)] = &[
    (
        "recordcont=5",
        "w.properties:1: recordcont: expected a known property, perhaps recordcount, found an unknown one",
    ),
    (
        "\nReadProportions=5",
        "w.properties:2: ReadProportions: expected a known property, perhaps readproportion, found an unknown one",
    ),
    (
        "hdrhistogram.percentile=5",
        "w.properties:1: hdrhistogram.percentile: expected a known property, perhaps hdrhistogram.percentiles, found an unknown one",
    ),
    ("zzz=5", "w.properties:1: zzz: expected a known property, found an unknown one"),
    (
        "recordcount=many",
        "w.properties:1: recordcount: expected a whole number from 0 to 2305843009213693951, found \"many\"",
    ),
    (
        "recordcount=-1",
        "w.properties:1: recordcount: expected a whole number from 0 to 2305843009213693951, found \"-1\"",
    ),
    (
        "operationcount=1.5",
        "w.properties:1: operationcount: expected a whole number from 0 to 2305843009213693951, found \"1.5\"",
    ),
    (
        "threadcount=0",
        "w.properties:1: threadcount: expected a whole number from 1 to 65536, found \"0\"",
    ),
    (
        "target=-5",
        "w.properties:1: target: expected operations per second from 0 to 1e9, found \"-5\"",
    ),
    (
        "maxexecutiontime=soon",
        "w.properties:1: maxexecutiontime: expected a number of seconds from 0 to 1000000000, found \"soon\"",
    ),
    (
        "readproportion=NaN",
        "w.properties:1: readproportion: expected a number from 0 up, found \"NaN\"",
    ),
    (
        "readproportion=0\nupdateproportion=0",
        "w.properties:1: readproportion: expected some proportion above 0, found none",
    ),
    (
        "readallfields=yes",
        "w.properties:1: readallfields: expected one of true, false, found \"yes\"",
    ),
    (
        "requestdistribution=zipf",
        "w.properties:1: requestdistribution: expected one of uniform, zipfian, latest, hotspot, sequential, exponential, shifting, found \"zipf\"",
    ),
    (
        "insertorder=random",
        "w.properties:1: insertorder: expected one of hashed, ordered, found \"random\"",
    ),
    (
        "scanlengthdistribution=constant",
        "w.properties:1: scanlengthdistribution: expected one of uniform, zipfian, found \"constant\"",
    ),
    (
        "fieldlengthdistribution=gauss",
        "w.properties:1: fieldlengthdistribution: expected one of constant, uniform, zipfian, histogram, found \"gauss\"",
    ),
    (
        "measurementtype=hdr",
        "w.properties:1: measurementtype: expected one of hdrhistogram, histogram, hdrhistogram+histogram, hdrhistogram+raw, timeseries, raw, found \"hdr\"",
    ),
    (
        "hdrhistogram.percentiles=50,101",
        "w.properties:1: hdrhistogram.percentiles: expected numbers above 0, at most 100, with commas between, found \"50,101\"",
    ),
    (
        "hotspotdatafraction=1.1",
        "w.properties:1: hotspotdatafraction: expected a number from 0 to 1, found \"1.1\"",
    ),
    (
        "hotspotshiftseconds=0",
        "w.properties:1: hotspotshiftseconds: expected seconds from 0.001 to 1000000000, found \"0\"",
    ),
    (
        "exponential.percentile=100",
        "w.properties:1: exponential.percentile: expected a number above 0 and below 100, found \"100\"",
    ),
    (
        "workload=com.example.Other",
        "w.properties:1: workload: expected one of site.ycsb.workloads.CoreWorkload, flywheel.CounterWorkload, flywheel.ReadYourWritesWorkload, flywheel.ClosedEconomyWorkload, found \"com.example.Other\"",
    ),
    (
        "workload=flywheel.CounterWorkload\nrecordcount=10\nreadproportion=1\nreadmodifywriteproportion=0.1",
        "default: updateproportion: expected 0 with workload=flywheel.CounterWorkload, found more",
    ),
    (
        "workload=flywheel.CounterWorkload\nrecordcount=2000000\nupdateproportion=0\nreadmodifywriteproportion=0.1",
        "w.properties:2: recordcount: expected 1 to 1000000 records with workload=flywheel.CounterWorkload, found \"2000000\"",
    ),
    (
        "workload=flywheel.CounterWorkload\nrecordcount=20\ninsertcount=10\nupdateproportion=0\nreadmodifywriteproportion=0.1",
        "w.properties:3: insertcount: expected all of recordcount (20) with workload=flywheel.CounterWorkload, found \"10\"",
    ),
    (
        "workload=flywheel.ClosedEconomyWorkload\nrecordcount=10\nupdateproportion=0\ntotal_cash=9\nreadmodifywriteproportion=0.1",
        "w.properties:4: total_cash: expected at least recordcount (10): 1 for each account, found \"9\"",
    ),
    (
        "workload=flywheel.ClosedEconomyWorkload\nrecordcount=10\nupdateproportion=0\ndataintegrity=true\nreadmodifywriteproportion=0.1",
        "w.properties:4: dataintegrity: expected false with workload=flywheel.ClosedEconomyWorkload, which has a check of its own, found true",
    ),
    (
        "workload=flywheel.ReadYourWritesWorkload\nrecordcount=10",
        "default: writeallfields: expected true (or fieldcount=1) with workload=flywheel.ReadYourWritesWorkload: a version is that of all fields, found \"false\"",
    ),
    (
        "workload=flywheel.ReadYourWritesWorkload\nrecordcount=10\nwriteallfields=true\nfieldlength=7",
        "w.properties:4: fieldlength: expected constant, at least 8 with workload=flywheel.ReadYourWritesWorkload, found \"7\"",
    ),
    (
        "workload=flywheel.ReadYourWritesWorkload\nrecordcount=10\nfieldcount=1\narrivals=poisson",
        "w.properties:4: arrivals: expected closed with workload=flywheel.ReadYourWritesWorkload: only a client that waits can tell what it wrote, found another",
    ),
    (
        "recordcount=10\ninsertstart=10",
        "w.properties:2: insertstart: expected below recordcount (10), found \"10\"",
    ),
    (
        "recordcount=10\ninsertstart=4\ninsertcount=7",
        "w.properties:3: insertcount: expected a whole number from 1 to 6 (recordcount - insertstart), found \"7\"",
    ),
    (
        "minscanlength=5\nmaxscanlength=4",
        "w.properties:1: minscanlength: expected at most maxscanlength (4), found \"5\"",
    ),
    (
        "fieldlengthdistribution=uniform\nminfieldlength=101",
        "w.properties:2: minfieldlength: expected at most fieldlength (100), found \"101\"",
    ),
    (
        "fieldlengthdistribution=uniform\ndataintegrity=true",
        "w.properties:2: dataintegrity: expected fieldlengthdistribution=constant with it, found another one",
    ),
    (
        "fieldlengthdistribution=histogram\nfieldlengthhistogram=/nowhere",
        "w.properties:2: fieldlengthhistogram: expected a histogram file, found /nowhere:0: expected a readable text file, found \"No such file or directory (os error 2)\"",
    ),
    (
        "fieldcount=65536",
        "w.properties:1: fieldcount: expected a whole number from 1 to 65535, found \"65536\"",
    ),
    (
        "fieldlength=10000000",
        "w.properties:1: fieldlength: expected fields that make a record of at most 67108864 bytes, found up to 100000060 bytes",
    ),
    (
        "fieldnameprefix=my field",
        "w.properties:1: fieldnameprefix: expected printable ASCII without spaces, found \"my field\"",
    ),
];

#[test]
fn every_error_says_where_what_was_expected_and_what_was_found() {
    for (text, expected) in ERRORS {
        match resolve_file(text) {
            Ok(_) => panic!("{text:?} must not resolve"),
            Err(error) => assert_eq!(&error, expected, "for {text:?}"),
        }
    }
}

#[test]
fn all_errors_come_at_once() {
    let error =
        resolve_file("threadcount=0\nrecordcont=5\nreadallfields=maybe").expect_err("three errors");
    assert_eq!(error.lines().count(), 3, "{error}");
}

#[test]
fn unreadable_files_and_arguments_are_named() {
    let mut properties = Properties::new();
    let error =
        properties.load_file(&PathBuf::from("/nowhere/w.properties")).expect_err("no such file");
    assert!(
        error
            .to_string()
            .starts_with("/nowhere/w.properties:0: expected a readable properties file"),
        "{error}"
    );
    let (_folder, path) = file("recordcount=1\nfieldcount=\\uzzzz\n");
    let error = properties.load_file(&path).expect_err("a bad escape");
    assert_eq!(error.origin, Origin::File(path, 2));
    let error = properties.set_argument("threadcount").expect_err("no value");
    assert_eq!(error.to_string(), "-p: expected name=value, found \"threadcount\"");
    properties.set_argument("threadcount=none").expect("it is a name and a value");
    let error = Workload::resolve(&properties).expect_err("not a number");
    assert_eq!(
        error.to_string(),
        "-p: threadcount: expected a whole number from 1 to 65536, found \"none\""
    );
}

#[test]
fn settings_without_effect_are_warnings() {
    let resolved =
        resolve_file("jdbc.url=x\nrocksdb.dir=/tmp\nexporter=y\nmeasurementtype=timeseries\n");
    let resolved = resolved.expect("warnings only");
    assert_eq!(resolved.warnings.len(), 4, "{:?}", resolved.warnings);
    assert_eq!(resolved.workload.properties()["rocksdb.dir"], "/tmp", "kept for the report");
    assert_eq!(resolved.workload.properties()["measurementtype"], "hdrhistogram");
}

#[test]
fn every_default_in_the_table_is_accepted() {
    for known in KNOWN.iter().filter(|known| known.used == Use::Honoured) {
        workload(&[(known.name, known.default)]);
    }
}
