//! Key names and split points.
//! Which key is drawn is tested in `distributions`.

use flywheel_load::Workload;

use crate::support::workload;

fn name(workload: &Workload, number: u64) -> String {
    String::from_utf8(workload.key(number)).expect("keys are text")
}

#[test]
fn hashed_ordered_and_padded_names() {
    let hashed = workload(&[("recordcount", "10")]);
    assert_eq!(name(&hashed, 0), "user6284781860667377211");
    assert_eq!(name(&hashed, 999_999), "user2744965632448235251");
    let padded = workload(&[("recordcount", "10"), ("zeropadding", "21")]);
    assert_eq!(name(&padded, 5), "user001000385178204227360");
    let ordered =
        workload(&[("recordcount", "10"), ("insertorder", "ordered"), ("zeropadding", "6")]);
    assert_eq!(name(&ordered, 42), "user000042");
    assert_eq!(name(&ordered, 1 << 40), "user1099511627776", "numbers have 64 bits");
    let unpadded = workload(&[("insertorder", "ordered"), ("zeropadding", "0")]);
    assert_eq!(name(&unpadded, 0), "user0");
}

#[test]
fn a_key_buffer_is_replaced_not_extended() {
    let workload = workload(&[("insertorder", "ordered"), ("zeropadding", "3")]);
    let mut key = b"rubbish that is long enough to show".to_vec();
    workload.write_key(7, &mut key);
    assert_eq!(key, b"user007");
}

#[test]
fn splits_divide_the_loaded_keys_evenly() {
    for order in ["hashed", "ordered"] {
        for parts in [1, 2, 7, 64] {
            let workload = workload(&[("recordcount", "100000"), ("insertorder", order)]);
            let splits = workload.split_keys(parts);
            assert_eq!(splits.len(), parts - 1);
            assert!(splits.windows(2).all(|pair| pair[0] < pair[1]));
            let mut sizes = vec![0u64; parts];
            for number in 0..100_000 {
                sizes[splits.partition_point(|split| *split <= workload.key(number))] += 1;
            }
            let even = 100_000.0 / parts as f64;
            for size in sizes {
                let off = (size as f64 - even).abs() / even;
                assert!(off < 0.25, "{order}, {parts} parts: one has {size} keys");
            }
        }
    }
}

#[test]
fn fewer_records_than_parts_give_fewer_splits() {
    let workload = workload(&[("recordcount", "3")]);
    let splits = workload.split_keys(8);
    assert_eq!(splits.len(), 2);
    let keys = workload.sample_keys(100);
    assert_eq!(keys.len(), 3);
    assert_eq!(splits, keys[1..], "each part begins with a record, none is empty");
}

#[test]
fn samples_come_from_the_loaded_range_only() {
    let workload = workload(&[
        ("recordcount", "1000"),
        ("insertstart", "500"),
        ("insertcount", "100"),
        ("insertorder", "ordered"),
        ("zeropadding", "4"),
    ]);
    let keys = workload.sample_keys(10);
    assert_eq!(keys.first().map(Vec::as_slice), Some(&b"user0500"[..]));
    assert_eq!(keys.last().map(Vec::as_slice), Some(&b"user0590"[..]));
}
