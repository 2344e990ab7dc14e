//! The probe from outside, on the disk that holds the build. Nothing here asserts a speed.
//!
//! | Part | Asks |
//! |---|---|
//! | figures | are all figures there, positive and in agreement with each other? |
//! | refusals | does each wrong place give its own error? |
//! | traces | does the directory stay as it was, also when stopped? |

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use flywheel_device::{DeviceFigures, LatencyUs, Probe, ProbeError, ProbeOptions};

/// A directory on a disk; the temporary directory of many systems is memory.
fn disk() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

fn tiny(dir: &Path, quick: bool) -> ProbeOptions {
    let file_bytes = 8 << 20;
    ProbeOptions { file_bytes, seconds_per_measure: 0.02, quick, ..ProbeOptions::full(dir) }
}

/// The figures of a tiny probe; `None`, said aloud, where the machine forbids io_uring.
fn figures(dir: &Path, quick: bool) -> Option<DeviceFigures> {
    let measured =
        Probe::prepare(tiny(dir, quick), &mut |_| {}).and_then(|probe| probe.measure(&mut |_| {}));
    match measured {
        Ok(figures) => Some(figures),
        Err(ProbeError::RingDisabled) => {
            eprintln!("skipped: io_uring is not permitted here");
            None
        }
        Err(e) => panic!("{e}"),
    }
}

fn is_empty(dir: &Path) -> bool {
    std::fs::read_dir(dir).unwrap().next().is_none()
}

fn assert_ordered(latency: &LatencyUs) {
    assert!(latency.samples > 0, "{latency:?}");
    assert!(latency.p50 > 0.0, "{latency:?}");
    assert!(latency.p50 <= latency.p99, "{latency:?}");
    assert!(latency.p99 <= latency.p999, "{latency:?}");
    assert!(latency.p999 <= latency.max, "{latency:?}");
}

// figures

#[test]
fn figures_are_positive_and_agree() {
    let dir = disk();
    for quick in [true, false] {
        let Some(figures) = figures(dir.path(), quick) else { return };
        assert_eq!(figures.quick, quick);
        assert_eq!(figures.file_bytes, 8 << 20);
        assert!(figures.sequential_read_bytes_per_s > 0.0);
        assert!(figures.sequential_write_bytes_per_s > 0.0);
        assert!(figures.sequential_io_bytes <= 1 << 20);

        for read in &figures.random_reads {
            assert!(read.iops > 0.0, "{read:?}");
            assert!(read.iops <= figures.read_iops_max, "{read:?}");
            assert_ordered(&read.latency_us);
        }
        let first = &figures.random_reads[0];
        assert_eq!((first.threads, first.queue_depth), (1, 1));
        assert_eq!(first.iops, figures.read_iops_qd1);

        assert_eq!(figures.durable_writes.len(), 4, "two sizes, two methods");
        for write in &figures.durable_writes {
            assert!(write.writes_per_s > 0.0, "{write:?}");
            assert_ordered(&write.latency_us);
        }
        let fastest = figures
            .durable_writes
            .iter()
            .filter(|write| write.size_bytes == 4096)
            .map(|write| write.latency_us.p50)
            .fold(f64::INFINITY, f64::min);
        assert_eq!(figures.durable_write_4k_us_p50, fastest);
    }
}

#[test]
fn figures_survive_json() {
    let dir = disk();
    let Some(mut figures) = figures(dir.path(), true) else { return };
    // A parser that is not exact reads the number beside this one.
    figures.sequential_write_bytes_per_s = 1_861_849_697.503_165_7;
    let json = serde_json::to_string(&figures).unwrap();
    assert_eq!(serde_json::from_str::<DeviceFigures>(&json).unwrap(), figures);
}

#[test]
fn progress_never_goes_back() {
    let dir = disk();
    let mut last = 0.0;
    let probe = match Probe::prepare(tiny(dir.path(), true), &mut |progress| {
        assert!(progress.done >= last && progress.done <= 1.0, "{progress:?} after {last}");
        last = progress.done;
    }) {
        Err(ProbeError::RingDisabled) => return eprintln!("skipped: io_uring is not permitted"),
        prepared => prepared.unwrap(),
    };
    assert_eq!(last, 1.0);
    last = 0.0;
    probe
        .measure(&mut |progress| {
            assert!(progress.done >= last && progress.done < 1.0, "{progress:?} after {last}");
            last = progress.done;
        })
        .unwrap();
    assert!(last > 0.0);
}

// refusals

#[test]
fn a_missing_directory_is_named() {
    let missing = disk().path().join("missing");
    let error = Probe::prepare(tiny(&missing, true), &mut |_| {}).unwrap_err();
    assert!(matches!(&error, ProbeError::DirectoryMissing { dir } if *dir == missing), "{error}");
    assert!(error.to_string().contains("missing does not exist"), "{error}");
}

#[test]
fn a_file_is_no_directory() {
    let file = tempfile::NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let error = Probe::prepare(tiny(file.path(), true), &mut |_| {}).unwrap_err();
    assert!(matches!(error, ProbeError::NotADirectory { .. }), "{error}");
}

#[test]
fn a_directory_that_takes_no_files_is_not_writable() {
    // Even the superuser makes no files here.
    let error = Probe::prepare(tiny(Path::new("/proc/self"), true), &mut |_| {}).unwrap_err();
    assert!(matches!(error, ProbeError::NotWritable { .. }), "{error}");
}

#[test]
fn memory_is_no_disk() {
    let shm = Path::new("/dev/shm");
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    if !mounts.lines().any(|mount| mount.contains(" /dev/shm tmpfs ")) {
        return eprintln!("skipped: /dev/shm is not a tmpfs here");
    }
    let error = Probe::prepare(tiny(shm, true), &mut |_| {}).unwrap_err();
    assert!(matches!(error, ProbeError::NoDirectIo { .. }), "{error}");
}

// traces

#[test]
fn the_directory_is_empty_during_and_after() {
    let dir = disk();
    match Probe::prepare(tiny(dir.path(), true), &mut |_| assert!(is_empty(dir.path()))) {
        Err(ProbeError::RingDisabled) => eprintln!("skipped: io_uring is not permitted"),
        prepared => drop(prepared.unwrap()),
    }
    assert!(is_empty(dir.path()));
}

#[test]
fn a_stopped_probe_says_so_and_leaves_nothing() {
    let dir = disk();
    let stop = Arc::new(AtomicBool::new(false));
    let options = ProbeOptions { stop: Some(stop.clone()), ..tiny(dir.path(), true) };
    let probe = match Probe::prepare(options.clone(), &mut |_| {}) {
        Err(ProbeError::RingDisabled) => return eprintln!("skipped: io_uring is not permitted"),
        prepared => prepared.unwrap(),
    };

    let mut steps = 0;
    let stopped = probe.measure(&mut |_| {
        steps += 1;
        stop.store(steps == 3, Ordering::Relaxed);
    });
    assert!(matches!(stopped, Err(ProbeError::Stopped)), "{stopped:?}");
    assert_eq!(steps, 3);

    let stopped = Probe::prepare(options, &mut |_| {});
    assert!(matches!(stopped, Err(ProbeError::Stopped)), "{stopped:?}");
    drop(probe);
    assert!(is_empty(dir.path()));
}
