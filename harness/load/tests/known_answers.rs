//! The generators against YCSB's own numbers. Exact: doubles are compared bit for bit.
//! Shapes and ranges are in `distributions`.

use std::collections::HashMap;

use flywheel_load::generate::{ScrambledZipfian, ZIPFIAN_THETA, Zipfian, fnvhash64, zeta};
use flywheel_load::random::Random;
use flywheel_load::record::integrity_value;
use serde_json::Value;

/// What the keys of the file's scrambled draws are taken modulo.
const KEYS: u64 = 1_000_001;

fn answers() -> Value {
    serde_json::from_str(include_str!("fixtures/ycsb.json")).expect("the fixture is JSON")
}

fn integers(value: &Value) -> Vec<u64> {
    value
        .as_array()
        .expect("an array")
        .iter()
        .map(|entry| entry.as_u64().expect("a number"))
        .collect()
}

fn assert_bits(answer: &Value, computed: f64) {
    let expected =
        u64::from_str_radix(answer.as_str().expect("hex digits"), 16).expect("hex digits");
    assert_eq!(
        computed.to_bits(),
        expected,
        "computed {computed:e} ({:x}), the file has {:e} ({expected:x})",
        computed.to_bits(),
        f64::from_bits(expected)
    );
}

#[test]
fn fnvhash64_of_every_number() {
    for (number, hash) in answers()["fnvhash64"].as_object().expect("a map") {
        let number: i64 = number.parse().expect("a number");
        assert_eq!(fnvhash64(number), hash.as_i64().expect("a number"), "fnvhash64({number})");
    }
}

#[test]
fn scrambled_zipfian_constants() {
    let answers = &answers()["scrambled_zipfian"];
    let generator = ScrambledZipfian::new(0, 1_000);
    let (alpha, zeta_2, zeta_n, eta) = generator.ranks().constants();
    assert_eq!(answers["theta"], ZIPFIAN_THETA);
    assert_eq!(answers["items"], ScrambledZipfian::ITEMS);
    assert_eq!(answers["zetan"], zeta_n);
    assert_bits(&answers["alpha_bits"], alpha);
    assert_bits(&answers["zeta2_bits"], zeta_2);
    assert_bits(&answers["eta_bits"], eta);
}

#[test]
fn scrambled_zipfian_ranks_and_keys_by_draw() {
    let generator = ScrambledZipfian::new(0, 1_000);
    for triple in answers()["scrambled_zipfian"]["u_rank_keymod1001"].as_array().expect("an array")
    {
        let u = triple[0].as_f64().expect("a draw");
        let rank = generator.ranks().rank(u);
        assert_eq!(Some(rank), triple[1].as_u64(), "rank of {u}");
        assert_eq!(Some(generator.scatter(rank)), triple[2].as_u64(), "key of {u}");
    }
}

#[test]
fn scrambled_zipfian_first_draws_of_seed_42() {
    let answers = &answers()["scrambled_zipfian"];
    let generator = ScrambledZipfian::new(0, KEYS - 1);
    let mut random = Random::new(42);
    let ranks: Vec<u64> = (0..4).map(|_| generator.ranks().next(&mut random)).collect();
    assert_eq!(ranks, integers(&answers["splitmix42_first_ranks"]));
    let mut random = Random::new(42);
    let keys: Vec<u64> = (0..4).map(|_| generator.next(&mut random)).collect();
    assert_eq!(keys, integers(&answers["splitmix42_first_keys_mod_1000001"]));
}

#[test]
fn scrambled_zipfian_five_million_draws() {
    const DRAWS: u64 = 5_000_000;
    let answers = &answers()["scrambled_zipfian"];
    let generator = ScrambledZipfian::new(0, KEYS - 1);
    let mut random = Random::new(42);
    let (mut rank_sum, mut key_sum) = (0, 0);
    let mut by_rank: HashMap<u64, u64> = HashMap::new();
    for _ in 0..DRAWS {
        let rank = generator.ranks().next(&mut random);
        rank_sum += rank;
        key_sum += generator.scatter(rank);
        if rank < 10 {
            *by_rank.entry(rank).or_default() += 1;
        }
    }
    let sums = &answers["splitmix42_5000000_draws"];
    assert_eq!(sums["sum_of_ranks"], rank_sum);
    assert_eq!(sums["sum_of_keys_mod_1000001"], key_sum);

    // The two hottest are exact in the formula, so their shares of the draws are the file's; the next ones are
    // approximated: the ten hottest come out 6 % too often.
    let share = |rank: u64| by_rank[&rank] as f64 / DRAWS as f64;
    let skew = |name: &str| answers["skew"][name].as_f64().expect("a share");
    assert!((share(0) - skew("hottest")).abs() < 0.0003, "hottest: {}", share(0));
    assert!((share(1) - skew("second")).abs() < 0.0003, "second: {}", share(1));
    let top_10: f64 = (0..10).map(share).sum();
    assert!((top_10 - skew("top_10")).abs() < 0.01, "ten hottest: {top_10}");
}

#[test]
fn skew_follows_from_the_sum() {
    let answers = &answers()["scrambled_zipfian"]["skew"];
    let top = |ranks: u64| zeta(0, ranks, ZIPFIAN_THETA, 0.0) / ScrambledZipfian::ZETA_N;
    let computed = [
        ("hottest", top(1)),
        ("second", top(2) - top(1)),
        ("top_10", top(10)),
        ("top_100", top(100)),
        ("top_1000", top(1_000)),
    ];
    for (name, share) in computed {
        let expected = answers[name].as_f64().expect("a share");
        assert!((share - expected).abs() < 0.0006, "{name}: {share} instead of {expected}");
    }
}

#[test]
fn zipfian_zeta_bit_for_bit() {
    let answers = &answers()["zipfian"];
    assert_bits(&answers["zeta_1000_bits"], zeta(0, 1_000, ZIPFIAN_THETA, 0.0));
    assert_bits(&answers["zeta_1000000_bits"], zeta(0, 1_000_000, ZIPFIAN_THETA, 0.0));
    // Extending a sum gives the same bits as summing afresh.
    let half = zeta(0, 1_000, ZIPFIAN_THETA, 0.0);
    assert_bits(&answers["zeta_1000000_bits"], zeta(1_000, 1_000_000, ZIPFIAN_THETA, half));
}

#[test]
fn zipfian_ranks_by_draw() {
    let generator = Zipfian::new(0, 999);
    for pair in answers()["zipfian"]["n_1000_u_to_rank"].as_array().expect("an array") {
        let u = pair[0].as_f64().expect("a draw");
        assert_eq!(Some(generator.rank(u)), pair[1].as_u64(), "rank of {u}");
    }
}

#[test]
fn dataintegrity_value() {
    let answer = &answers()["dataintegrity_value"];
    let text = |name: &str| answer[name].as_str().expect("a text").to_owned();
    let length = answer["length"].as_u64().expect("a length") as usize;
    let value = integrity_value(text("key").as_bytes(), &text("field"), length);
    assert_eq!(String::from_utf8(value).expect("the value is text"), text("value"));
}

#[test]
fn every_answer_in_the_file_is_checked_here() {
    let answers = answers();
    let names: Vec<&String> = answers.as_object().expect("a map").keys().collect();
    assert_eq!(
        names,
        ["about", "dataintegrity_value", "fnvhash64", "scrambled_zipfian", "zipfian"]
    );
}
