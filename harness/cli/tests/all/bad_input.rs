//! Wrong files, flags and directories.

use std::fs;

use crate::common::{errors, flywheel, host_is_fit, scratch, text, workload};

/// Runs with a workload file of these lines; expects exit 2 and all of `expected` in the message.
#[track_caller]
fn refused(lines: &str, flags: &[&str], expected: &[&str]) {
    let scratch = scratch();
    let file = scratch.path().join("bad.properties");
    fs::write(&file, lines).expect("a file");
    let (dir, out) = (scratch.path().join("data"), scratch.path().join("results"));
    let mut arguments = vec!["run", "-P", text(&file), "--dir", text(&dir), "--out", text(&out)];
    arguments.extend(flags);
    let output = flywheel(&arguments);
    let message = errors(&output);
    assert_eq!(output.status.code(), Some(2), "{message}");
    for part in expected {
        assert!(message.contains(part), "`{part}` expected in: {message}");
    }
    assert!(!dir.exists() && !out.exists(), "something was written all the same");
}

#[test]
fn properties_are_named_with_file_and_line() {
    let count = "recordcount=100\noperationcount=100\n";
    refused(
        &format!("{count}fieldcount=ten\n"),
        &[],
        &["bad.properties", ":3", "fieldcount", "ten"],
    );
    refused(&format!("{count}recordcuont=5\n"), &[], &["recordcuont", "recordcount"]);
    refused(&format!("{count}requestdistribution=normal\n"), &[], &["normal", "zipfian"]);
    refused(count, &["-p", "readproportion=-1"], &["readproportion", "-1"]);
    refused(count, &["-p", "nonsense"], &["nonsense", "name=value"]);
}

#[test]
fn flags_are_checked() {
    let count = "recordcount=100\noperationcount=100\n";
    refused(count, &["--shards", "0"], &["--shards", "at least 1"]);
    refused(count, &["--p99-ms", "-3"], &["--p99-ms"]);
    refused(count, &["--seed", "abc"], &["abc"]);
    refused(count, &["--throttling", "as-set"], &["--throttling", "target table"]);
    let adapts = ["--adaptation", "off", "--target", "null"];
    refused(count, &adapts, &["--adaptation", "engine and table"]);
    refused(count, &["--no-such-flag"], &["--no-such-flag"]);
}

#[test]
fn a_missing_file_is_named() {
    let output = flywheel(&["run", "-P", "no/such.properties"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(errors(&output).contains("no/such.properties"), "{}", errors(&output));
}

#[test]
fn a_directory_of_something_else_is_left_alone() {
    let scratch = scratch();
    let dir = scratch.path().join("data");
    fs::create_dir(&dir).expect("a directory");
    fs::write(dir.join("precious.txt"), "do not touch").expect("a file");
    let file = workload("c.properties");
    for command in [vec!["run", "-P", text(&file)], vec!["suite"]] {
        let workloads = workload("");
        let mut arguments = command.clone();
        if command[0] == "suite" {
            arguments.extend(["--workloads", text(&workloads)]);
        }
        arguments.extend(["--dir", text(&dir), "--out", text(scratch.path())]);
        let output = flywheel(&arguments);
        assert_eq!(output.status.code(), Some(2), "{}", errors(&output));
        assert!(errors(&output).contains("not empty"), "{}", errors(&output));
        let names: Vec<_> = fs::read_dir(&dir).expect("listed").collect();
        assert_eq!(names.len(), 1, "nothing came beside the file");
        let kept = fs::read_to_string(dir.join("precious.txt")).expect("still there");
        assert_eq!(kept, "do not touch");
    }
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let scratch = scratch();
    let file = scratch.path().join("file");
    fs::write(&file, "not a directory").expect("a file");
    let workload = workload("c.properties");
    let dir = file.join("data");
    let output = flywheel(&["run", "-P", text(&workload), "--dir", text(&dir)]);
    assert_eq!(output.status.code(), Some(2), "{}", errors(&output));
    assert!(errors(&output).contains(text(&file)), "{}", errors(&output));
}

#[test]
fn a_load_of_other_records_or_another_format_is_not_measured() {
    let scratch = scratch();
    let (dir, out) = (scratch.path().join("data"), scratch.path().join("results"));
    let file = workload("c.properties");
    let run = |flags: &[&str]| {
        let common = ["run", "-P", text(&file), "--dir", text(&dir), "--out", text(&out)];
        let small = ["--no-probe", "--seconds", "1", "--shards", "1", "-p", "warmuptime=0"];
        flywheel(&[&common[..], &small[..], flags].concat())
    };
    let first = run(&["-p", "recordcount=500"]);
    if !host_is_fit(&first) {
        return;
    }
    assert!(matches!(first.status.code(), Some(0 | 1)), "{}", errors(&first));

    let other = run(&["-p", "recordcount=600"]);
    assert_eq!(other.status.code(), Some(2));
    assert!(errors(&other).contains("recordcount=500"), "{}", errors(&other));

    let shards = run(&["-p", "recordcount=500", "--shards", "2"]);
    assert_eq!(shards.status.code(), Some(2));
    assert!(errors(&shards).contains("shards"), "{}", errors(&shards));

    let identity = dir.join("flywheel.json");
    let text = fs::read_to_string(&identity).expect("an identity");
    let newer = text.replacen("\"format_version\": 1", "\"format_version\": 9", 1);
    assert_ne!(newer, text, "the version stands in the identity");
    fs::write(&identity, newer).expect("written");
    let version = run(&["-p", "recordcount=500"]);
    assert_eq!(version.status.code(), Some(2));
    assert!(errors(&version).contains("format 9"), "{}", errors(&version));
}
