//! Traces as files: both formats there and back, every bad line with its error, bounded memory, surveys, load plans.
//! Replaying one is tested in `replay`.

use std::io::{BufRead, BufReader, Read, Write};

use allocation_counter::measure;
use flywheel_load::Operation;
use flywheel_load::limits::{
    TRACE_KEY_BYTES_MAX, TRACE_LINE_BYTES_MAX, TRACE_SAMPLE_MAX, TRACE_VALUE_BYTES_MAX,
};
use flywheel_load::trace::{LoadPlan, Survey, TraceEntry, TraceFormat, TraceReader, TraceWriter};
use proptest::prelude::*;

const FORMATS: [TraceFormat; 2] = [TraceFormat::Csv, TraceFormat::JsonLines];

fn read(format: TraceFormat, bytes: &[u8]) -> Result<Vec<TraceEntry>, String> {
    let entries = TraceReader::new(bytes, format, "t").collect::<Result<Vec<_>, _>>();
    entries.map_err(|error| error.to_string())
}

fn write(format: TraceFormat, entries: &[TraceEntry]) -> Vec<u8> {
    let mut writer = TraceWriter::new(Vec::new(), format, "t").expect("memory");
    entries.iter().for_each(|entry| writer.write(entry).expect("a sound entry"));
    assert_eq!(writer.written(), entries.len() as u64);
    writer.into_inner()
}

fn entry(time_us: u64, operation: Operation, key: &str, size: Option<u64>) -> TraceEntry {
    let count = (operation == Operation::Scan).then_some(5);
    TraceEntry { time_us, operation, key: key.into(), size_bytes: size, count }
}

fn entries() -> impl Strategy<Value = Vec<TraceEntry>> {
    let key = prop_oneof![
        "[a-z0-9]{1,12}",
        // Whatever a format may trip over.
        "[\",\\r\\n\\\\ \t{}'\u{feff}\u{0}\u{7f}\u{e9}\u{1f600}]{1,8}",
        any::<String>().prop_filter("keys are not empty", |key| !key.is_empty()),
    ];
    let operation = prop::sample::select(&Operation::ALL[..]);
    let numbers = (prop::option::of(0..=TRACE_VALUE_BYTES_MAX), prop::option::of(1u64..10_000));
    let line = (0u64..1_000_000, operation, key, numbers).prop_map(
        |(gap_us, operation, key, (size, count))| TraceEntry {
            time_us: gap_us,
            operation,
            key,
            size_bytes: size.or(Some(7)),
            count: count.or((operation == Operation::Scan).then_some(1)),
        },
    );
    prop::collection::vec(line, 1..40).prop_map(|mut lines| {
        let mut now_us = 0;
        for line in &mut lines {
            now_us += line.time_us;
            line.time_us = now_us;
        }
        lines
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_in_either_format(entries in entries()) {
        for format in FORMATS {
            let back = read(format, &write(format, &entries));
            prop_assert_eq!(back.as_ref(), Ok(&entries));
        }
    }

    /// A line that was cut off is never taken for a shorter one.
    #[test]
    fn a_trace_cut_anywhere_gives_whole_operations_or_an_error(
        entries in entries(), cut in any::<prop::sample::Index>(),
    ) {
        for format in FORMATS {
            let whole = write(format, &entries);
            let part = &whole[..cut.index(whole.len())];
            let mut read = 0;
            let mut reader = TraceReader::new(part, format, "t");
            for (found, expected) in reader.by_ref().zip(&entries) {
                match found {
                    Ok(found) => prop_assert_eq!(&found, expected),
                    Err(error) => {
                        let text = error.to_string();
                        let is_known = text.contains("cut off") || text.contains("at least one");
                        prop_assert!(is_known, "{}", text);
                        break;
                    }
                }
                read += 1;
            }
            prop_assert!(read < entries.len());
            prop_assert!(reader.next().is_none(), "nothing behind the end");
        }
    }

    #[test]
    fn no_bytes_make_a_reader_panic_or_go_on_behind_an_error(
        bytes in prop::collection::vec(any::<u8>(), 0..300), has_header in any::<bool>(),
    ) {
        let header: &[u8] = if has_header { b"time_us,operation,key,size_bytes,count\n" } else { b"" };
        for format in FORMATS {
            let all = [header, &bytes].concat();
            let mut reader = TraceReader::new(&all[..], format, "t");
            while let Some(Ok(_)) = reader.next() {}
            prop_assert!(reader.next().is_none());
        }
    }
}

#[test]
fn csv_takes_columns_in_any_order_unknown_ones_and_every_way_to_end_a_line() {
    let expected = [
        entry(0, Operation::Read, "a,\"b\"", None),
        entry(10, Operation::Scan, " c ", None),
        entry(10, Operation::Update, "d\ne", Some(3)),
    ];
    let text = "note , key,operation,count, time_us,size_bytes\r\n\
                x,\"a,\"\"b\"\"\",read,,0,\r\n\r\n\"y,\n\", c ,Scan,5, 10 ,\n\n,\"d\ne\", uPdate ,,10,3\n\n";
    // `d` and `e` are parted by a line break; so is the note.
    let text = text.replace(", key,", ",key,");
    assert_eq!(read(TraceFormat::Csv, text.as_bytes()).as_deref(), Ok(&expected[..]));
    let marked = format!("\u{feff}{text}");
    assert_eq!(read(TraceFormat::Csv, marked.as_bytes()).as_deref(), Ok(&expected[..]));
    let reads_alone = b"key,time_us,operation\nk,1,READ\n";
    assert_eq!(read(TraceFormat::Csv, reads_alone), Ok(vec![entry(1, Operation::Read, "k", None)]));
}

#[test]
fn json_lines_take_fields_in_any_order_and_unknown_ones() {
    let text = "\n{\"key\":\"\\u0061\\n\",\"x\":[{}],\"operation\":\"scan\",\"count\":5,\"time_us\":1,\"size_bytes\":null}\r\n";
    let expected = vec![entry(1, Operation::Scan, "a\n", None)];
    assert_eq!(read(TraceFormat::JsonLines, text.as_bytes()), Ok(expected));
}

#[track_caller]
fn refused(format: TraceFormat, text: impl AsRef<[u8]>, expected: &[&str]) {
    let message = read(format, text.as_ref()).expect_err("is refused");
    for part in expected {
        assert!(message.contains(part), "`{part}` expected in: {message}");
    }
    assert!(message.len() < 400, "{message}");
}

#[test]
fn bad_lines_of_csv_are_named_with_what_was_expected() {
    let csv = |lines: &str, expected: &[&str]| {
        let text = format!("time_us,operation,key,size_bytes,count\n0,READ,a,,\n{lines}");
        refused(TraceFormat::Csv, text, expected);
    };
    csv("x,READ,a,,\n", &["t:3: time_us: expected a whole number of microseconds", "found \"x\""]);
    csv("1.5,READ,a,,\n", &["t:3: time_us", "\"1.5\""]);
    csv("-1,READ,a,,\n", &["t:3: time_us", "\"-1\""]);
    csv(",READ,a,,\n", &["t:3: time_us: expected microseconds", "found nothing"]);
    csv("99999999999999999999,READ,a,,\n", &["t:3: time_us"]);
    csv("5000000000000000,READ,a,,\n", &["t:3: time_us", "from 0 to 1000000000000000"]);
    csv("5,READ,a,,\n\n4,READ,a,,\n", &["t:5: time_us: expected at least 5", "found 4"]);
    csv("1,WRITE,a,,\n", &["t:3: operation: expected one of READ, UPDATE, INSERT", "\"WRITE\""]);
    csv("1,,a,,\n", &["t:3: operation", "found nothing"]);
    csv("1,delete,a,,\n", &["t:3: operation", "deletes cannot be replayed", "\"delete\""]);
    csv("1,READ,,,\n", &["t:3: key", "found nothing"]);
    let long = "k".repeat(TRACE_KEY_BYTES_MAX + 1);
    csv(&format!("1,READ,{long},,\n"), &["t:3: key: expected a text of 1 to 4096", "(4097 bytes)"]);
    csv("1,UPDATE,a,,\n", &["t:3: size_bytes: expected the size of what UPDATE writes"]);
    csv("1,INSERT,a,much,\n", &["t:3: size_bytes", "\"much\""]);
    csv("1,INSERT,a,99999999999,\n", &["t:3: size_bytes", "found 99999999999"]);
    csv("1,READMODIFYWRITE,a,,\n", &["t:3: size_bytes"]);
    let tolerated = ["1,READ,a,0,0\n", "1,READ,a,-,NULL\n", "1,INSERT,a,9,-1\n", "1,SCAN,a,x,5\n"];
    for line in tolerated {
        let text = format!("time_us,operation,key,size_bytes,count\n{line}");
        let read: Result<Vec<_>, _> =
            TraceReader::new(text.as_bytes(), TraceFormat::Csv, "t").collect();
        assert_eq!(read.expect(line).len(), 1, "a column without a use may hold anything");
    }
    csv("1,SCAN,a,,\n", &["t:3: count: expected how many records SCAN asks for"]);
    csv("1,SCAN,a,,0\n", &["t:3: count: expected a whole number from 1 to", "found 0"]);
    csv("1,READ,a\n", &["t:3: expected 5 fields, as the header has, found 3"]);
    csv("1,READ,a,,,,\n", &["t:3: expected 5 fields", "found 7"]);
    csv("1,READ,\"a\n2\nREAD\n", &["t:3: expected a line break at the end", "cut off"]);
    csv("1,READ,a,,\n2,READ,a", &["t:4: expected a line break", "cut off"]);
    let endless = "k".repeat(2 * TRACE_LINE_BYTES_MAX);
    csv(&format!("1,READ,{endless}"), &["t:3: expected at most 1048576 bytes in a line"]);
    csv(&",".repeat(5000), &["t:3: expected at most 1024 columns"]);
    let not_text = b"time_us,operation,key\n1,READ,\xff\n";
    refused(TraceFormat::Csv, not_text, &["t:2: key: expected a text", "not UTF-8"]);
}

#[test]
fn headers_of_csv_must_name_what_is_needed_once() {
    let csv = |text: &str, expected: &[&str]| refused(TraceFormat::Csv, text, expected);
    csv("0,READ,a\n1,READ,b\n", &["t:1: expected a header with a column time_us", "0,READ,a"]);
    csv("time_us,operation\n", &["t:1: expected a header with a column key"]);
    csv("time_us,operation,key,key\n", &["t:1: expected one column key"]);
    csv("", &["t: expected at least one operation, found none"]);
    csv("\n\n", &["t: expected at least one operation"]);
    csv("time_us,operation,key\n", &["t: expected at least one operation"]);
    csv("time_us,operation,key", &["t:1: expected a line break"]);
}

#[test]
fn bad_lines_of_json_are_named_with_what_was_expected() {
    let json = |line: &str, expected: &[&str]| {
        let good = "{\"time_us\":9,\"operation\":\"READ\",\"key\":\"a\"}\n";
        refused(TraceFormat::JsonLines, format!("{good}\n{line}"), expected);
    };
    json("[9,\"READ\",\"a\",1,1]\n", &["t:3: expected a JSON object with the fields time_us"]);
    json("READ\n", &["t:3: expected a JSON object", "\"READ\""]);
    json("{\"time_us\":9,\n", &["t:3: expected a JSON object"]);
    json("{\"time_us\":9,\"time_us\":9}\n", &["t:3: expected a JSON object", "duplicate"]);
    json("{}\n", &["t:3: time_us", "found nothing"]);
    json("{\"time_us\":\"9\"}\n", &["t:3: time_us", "found \"9\""]);
    json("{\"time_us\":9.5}\n", &["t:3: time_us", "found 9.5"]);
    json(
        "{\"time_us\":8,\"operation\":\"READ\",\"key\":\"a\"}\n",
        &["t:3: time_us: expected at least 9"],
    );
    json("{\"time_us\":9,\"operation\":3}\n", &["t:3: operation", "found 3"]);
    json("{\"time_us\":9,\"operation\":\"Delete\",\"key\":\"a\"}\n", &["deletes cannot"]);
    json("{\"time_us\":9,\"operation\":\"READ\"}\n", &["t:3: key", "found nothing"]);
    json("{\"time_us\":9,\"operation\":\"READ\",\"key\":\"\"}\n", &["t:3: key", "1 to 4096 bytes"]);
    json(
        "{\"time_us\":9,\"operation\":\"READ\",\"key\":{\"a\":1}}\n",
        &["t:3: key: expected a text"],
    );
    json("{\"time_us\":9,\"operation\":\"UPDATE\",\"key\":\"a\"}\n", &["t:3: size_bytes"]);
    json("{\"time_us\":9,\"operation\":\"READ\",\"key\":\"a\"}", &["t:3: expected a line break"]);
    json(&"x".repeat(2 * TRACE_LINE_BYTES_MAX), &["t:3: expected at most 1048576 bytes"]);
    refused(TraceFormat::JsonLines, "", &["t: expected at least one operation"]);
}

#[test]
fn a_writer_writes_nothing_that_no_reader_takes() {
    for format in FORMATS {
        let mut writer = TraceWriter::new(Vec::new(), format, "t").expect("memory");
        writer.write(&entry(5, Operation::Read, "a", None)).expect("sound");
        let long = "k".repeat(TRACE_KEY_BYTES_MAX + 1);
        let mut scan = entry(5, Operation::Scan, "a", None);
        scan.count = None;
        for (bad, expected) in [
            (entry(4, Operation::Read, "a", None), "time_us: expected at least 5"),
            (entry(u64::MAX, Operation::Read, "a", None), "time_us"),
            (entry(5, Operation::Read, "", None), "key"),
            (entry(5, Operation::Read, &long, None), "key"),
            (entry(5, Operation::Insert, "a", None), "size_bytes"),
            (entry(5, Operation::Insert, "a", Some(u64::MAX)), "size_bytes"),
            (scan, "count"),
        ] {
            let message = writer.write(&bad).expect_err(expected).to_string();
            assert!(message.contains(expected), "{message}");
        }
        writer.write(&entry(5, Operation::Read, "b", None)).expect("sound");
        let found = read(format, &writer.into_inner()).expect("sound");
        let keys: Vec<&str> = found.iter().map(|entry| entry.key.as_str()).collect();
        assert_eq!(keys, ["a", "b"]);
    }
}

#[test]
fn files_are_told_by_their_names_compressed_ones_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let expected = [entry(3, Operation::Insert, "k", Some(9))];
    for (name, format) in [("t.csv", TraceFormat::Csv), ("t.jsonl", TraceFormat::JsonLines)] {
        let bytes = write(format, &expected);
        let path = folder.path().join(name);
        std::fs::write(&path, &bytes).expect("written");
        let packed = folder.path().join(format!("{name}.gz"));
        let file = std::fs::File::create(&packed).expect("created");
        let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        encoder.write_all(&bytes).and_then(|()| encoder.finish()).expect("written");
        for path in [&path, &packed] {
            let entries = TraceReader::open(path).expect("opened").collect::<Result<Vec<_>, _>>();
            assert_eq!(entries.expect("sound"), expected, "{}", path.display());
        }
        let torn = folder.path().join(format!("torn.{name}.gz"));
        let whole = std::fs::read(&packed).expect("read");
        std::fs::write(&torn, &whole[..whole.len() - 10]).expect("written");
        let error = TraceReader::open(&torn).expect("opened").find_map(Result::err);
        let text = error.expect("it is cut off").to_string();
        assert!(text.contains(&format!("torn.{name}.gz, behind line ")), "{text}");
    }
    let missing = TraceReader::open(&folder.path().join("no.csv")).err().expect("missing");
    assert!(missing.to_string().contains("no.csv: "), "{missing}");
    let other = TraceReader::open(&folder.path().join("no.txt")).err().expect("no format");
    assert!(other.to_string().contains("ends in .csv or .jsonl"), "{other}");
}

/// A trace of any length that nobody holds: `lines` reads of `keys` keys in turns.
struct Endless {
    lines: u64,
    keys: u64,
    next: u64,
    rest: Vec<u8>,
}

impl Endless {
    fn reader(lines: u64, keys: u64) -> TraceReader<BufReader<Self>> {
        let rest = b"time_us,operation,key,size_bytes\n".to_vec();
        let input = Self { lines, keys, next: 0, rest };
        TraceReader::new(BufReader::new(input), TraceFormat::Csv, "endless")
    }
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.rest.len() < buffer.len() && self.next < self.lines {
            let (time_us, key) = (self.next, self.next % self.keys);
            self.rest.extend_from_slice(format!("{time_us},UPDATE,key{key},100\n").as_bytes());
            self.next += 1;
        }
        let length = self.rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&self.rest[..length]);
        self.rest.drain(..length);
        Ok(length)
    }
}

#[test]
fn memory_does_not_grow_with_the_trace() {
    let peak = |lines: u64| {
        let mut read = 0;
        let measured = measure(|| {
            read = Endless::reader(lines, lines).filter(|entry| entry.is_ok()).count() as u64;
        });
        assert_eq!(read, lines);
        measured.bytes_max
    };
    let short = peak(1_000);
    let long = peak(300_000);
    assert!(long <= short + 4096 && long < 200_000, "{short} bytes, then {long}");
    // The survey keeps a sample, and no more once that is full.
    let keys = TRACE_SAMPLE_MAX as u64;
    let surveyed = |lines: u64| {
        measure(|| {
            let survey = Survey::of(Endless::reader(lines, lines)).expect("sound");
            assert_eq!((survey.total(), survey.sample.len() as u64), (lines, keys));
        })
    };
    let (short, long) = (surveyed(2 * keys).bytes_max, surveyed(10 * keys).bytes_max);
    assert!(long <= short + short / 10, "{short} bytes, then {long}");
}

#[test]
fn a_survey_tells_how_much_how_long_and_of_which_keys() {
    let lines = [
        entry(5, Operation::Insert, "b", Some(1)),
        entry(7, Operation::Read, "a", None),
        entry(9, Operation::Update, "b", Some(2)),
        entry(9, Operation::Read, "c", None),
    ];
    let survey = |entries: &[TraceEntry]| {
        let [csv, json] = FORMATS.map(|format| {
            let bytes = write(format, entries);
            Survey::of(TraceReader::new(&bytes[..], format, "t")).expect("sound")
        });
        assert_eq!(csv, json, "a trace is the same in both formats");
        csv
    };
    let found = survey(&lines);
    assert_eq!((found.first_us, found.last_us, found.total()), (5, 9, 4));
    assert_eq!(found.operations[&Operation::Read], 2);
    let keys: Vec<_> =
        found.sample.iter().map(|of| (of.key.as_str(), of.begins_with_insert)).collect();
    assert_eq!(keys, [("a", false), ("b", true), ("c", false)]);
    let mut seen = vec![found.fingerprint];
    let changes: [fn(&mut TraceEntry); 5] = [
        |entry| entry.time_us = 8,
        |entry| entry.operation = Operation::Insert,
        |entry| entry.key = "d".into(),
        |entry| entry.size_bytes = Some(3),
        |entry| entry.count = Some(3),
    ];
    for change in changes {
        let mut lines = lines.clone();
        change(&mut lines[2]);
        seen.push(survey(&lines).fingerprint);
    }
    seen.push(survey(&lines[..3]).fingerprint);
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 7, "each change makes another trace");
}

#[test]
fn a_sample_is_of_keys_and_not_of_operations() {
    let keys = 4 * TRACE_SAMPLE_MAX as u64;
    let once = Survey::of(Endless::reader(keys, keys)).expect("sound").sample;
    let often = Survey::of(Endless::reader(3 * keys, keys)).expect("sound").sample;
    assert_eq!(once, often);
    assert_eq!(once.len(), TRACE_SAMPLE_MAX);
    // Spread over all keys: a quarter of those from each quarter, within five deviations.
    let number = |key: &str| key[3..].parse::<u64>().expect("a number");
    let first = once.iter().filter(|of| number(&of.key) < keys / 4).count() as f64;
    let mean = TRACE_SAMPLE_MAX as f64 / 4.0;
    assert!((first - mean).abs() < 5.0 * (mean * 0.75).sqrt(), "{first}");
}

#[test]
fn a_load_plan_has_each_key_that_is_touched_before_it_is_inserted() {
    let lines = [
        entry(0, Operation::Read, "read", None),
        entry(1, Operation::Insert, "inserted", Some(4)),
        entry(1, Operation::Update, "updated", Some(10)),
        entry(2, Operation::Scan, "scanned", Some(77)),
        entry(2, Operation::Read, "late", Some(99)),
        entry(3, Operation::Update, "updated", Some(20)),
        entry(3, Operation::Update, "inserted", Some(5)),
        entry(4, Operation::ReadModifyWrite, "late", Some(30)),
        entry(5, Operation::Insert, "read", Some(0)),
        entry(6, Operation::Update, "late", Some(40)),
    ];
    let all = || lines.iter().cloned().map(Ok);
    let plan = LoadPlan::of("t", all()).expect("sound");
    assert_eq!(plan.records(), 4);
    let loaded: Vec<_> = plan.inserts(all()).map(|entry| entry.expect("sound")).collect();
    assert!(loaded.iter().all(|of| of.operation == Operation::Insert && of.time_us == 0));
    let loaded: Vec<_> = loaded.iter().map(|of| (of.key.as_str(), of.size_bytes)).collect();
    // With the size of the first write, whatever came before it; sizes of reads say nothing.
    let expected =
        [("read", Some(0)), ("updated", Some(10)), ("scanned", None), ("late", Some(30))];
    assert_eq!(loaded, expected);
    let bad = "time_us,operation,key\n1,READ,a\nx\n";
    let reader = || TraceReader::new(bad.as_bytes(), TraceFormat::Csv, "t");
    assert!(LoadPlan::of("t", reader()).is_err() && Survey::of(reader()).is_err());
}

#[test]
fn lines_are_counted_across_the_reader_s_buffer() {
    let text = "{\"time_us\":1,\"operation\":\"READ\",\"key\":\"a\"}\n".repeat(999) + "x\n";
    for capacity in [1, 7, 4096] {
        let input = BufReader::with_capacity(capacity, text.as_bytes());
        let reader: TraceReader<BufReader<&[u8]>> =
            TraceReader::new(input, TraceFormat::JsonLines, "t");
        let error = reader.filter_map(Result::err).next().expect("an error").to_string();
        assert!(error.starts_with("t:1000: "), "{error}");
    }
    let csv = String::from_utf8(write(
        TraceFormat::Csv,
        &vec![entry(1, Operation::Read, "a\n", None); 99],
    ))
    .expect("text")
    .replace('\n', "\r\n")
        + "x\r\n";
    let lines = csv.as_bytes().lines().count() as u64;
    for capacity in [1, 7, 4096] {
        let input = BufReader::with_capacity(capacity, csv.as_bytes());
        let reader = TraceReader::new(input, TraceFormat::Csv, "t");
        let error = reader.filter_map(Result::err).next().expect("an error").to_string();
        assert!(error.starts_with(&format!("t:{lines}: ")), "{error} {lines}");
    }
}
