//! The folder that a run leaves.

use std::fs;
use std::path::Path;

use flywheel_report::{Paint, RunResult, summary, utc_now, write_folder};

use crate::sample;

fn names(root: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_folder_holds_the_result_the_command_and_the_summary() {
    let root = tempfile::tempdir().unwrap();
    let folder = write_folder(&root.path().join("made/as/needed"), &sample(), &[]).unwrap();
    assert_eq!(
        names(&folder),
        ["command.txt", "report.html", "result.json", "result.tsv", "summary.txt"]
    );
    let read = |name| fs::read_to_string(folder.join(name)).unwrap();
    assert_eq!(RunResult::from_json(&read("result.json")).unwrap(), sample());
    assert_eq!(read("command.txt"), "flywheel run workloads/b --dir '/mnt/fast disk'\n");
    assert_eq!(read("summary.txt"), summary(&sample(), Paint::plain()));
}

#[test]
fn no_folder_is_ever_overwritten() {
    let root = tempfile::tempdir().unwrap();
    let mut result = sample();
    for seed in 0..3 {
        result.seed = seed;
        write_folder(root.path(), &result, &[]).unwrap();
    }
    assert_eq!(
        names(root.path()),
        ["20260115T101112Z-b", "20260115T101112Z-b-2", "20260115T101112Z-b-3"]
    );
    for (seed, name) in (0..3).zip(names(root.path())) {
        let json = fs::read_to_string(root.path().join(name).join("result.json")).unwrap();
        assert_eq!(RunResult::from_json(&json).unwrap().seed, seed);
    }
}

#[test]
fn a_folder_that_is_empty_is_somebodys_too() {
    let root = tempfile::tempdir().unwrap();
    let taken = root.path().join("20260115T101112Z-b");
    fs::create_dir(&taken).unwrap();
    let folder = write_folder(root.path(), &sample(), &[]).unwrap();
    assert_eq!(folder, root.path().join("20260115T101112Z-b-2"));
    assert_eq!(names(&taken), [] as [&str; 0]);
}

#[test]
fn writers_at_once_each_get_their_own() {
    let root = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| write_folder(root.path(), &sample(), &[]).unwrap());
        }
    });
    let names = names(root.path());
    assert_eq!(names.len(), 8, "{names:?}");
    for name in names {
        assert!(root.path().join(&name).join("result.json").exists(), "{name}");
    }
}

#[test]
fn a_workload_never_names_a_place_outside() {
    let root = tempfile::tempdir().unwrap();
    for (workload, expected) in [
        ("../../etc/passwd", "20260115T101112Z-passwd"),
        ("my workload!", "20260115T101112Z-my-workload-"),
        ("", "20260115T101112Z-run"),
    ] {
        let result = RunResult { workload: workload.into(), ..sample() };
        let folder = write_folder(root.path(), &result, &[]).unwrap();
        assert_eq!(folder, root.path().join(expected));
    }
}

#[test]
fn a_root_that_is_a_file_is_an_error() {
    let file = tempfile::NamedTempFile::new().unwrap();
    assert!(write_folder(file.path(), &sample(), &[]).is_err());
}

#[test]
fn the_time_is_utc_to_the_second() {
    let now = utc_now();
    assert_eq!(now.len(), "2026-01-15T10:11:12Z".len(), "{now}");
    assert!(now.ends_with('Z'), "{now}");
}
