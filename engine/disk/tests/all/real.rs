//! What only the real machine has: cores, the trial of durable writes, the directory's lock, the
//! host's check. Not the seam's promises: those are in `conformance`.

use std::path::Path;
use std::time::Duration;

use flywheel_disk::durability::try_both;
use flywheel_disk::lock::LOCK_FILE;
use flywheel_disk::real::run_on_core;
use flywheel_disk::{DirectoryLock, DiskFault, Durability, File, UNFINISHED_SUFFIX, World, host};

use crate::{filled, on_real_machine};

fn scratch_directory() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory")
}

#[test]
fn both_ways_to_make_writes_durable_are_tried() {
    on_real_machine(async |world, directory| {
        let dsync = world.with_durability(Durability::Dsync);
        let fdatasync = world.with_durability(Durability::Fdatasync);
        for _ in 0..2 {
            let trial = try_both(&dsync, &fdatasync, &directory).await.expect("a trial");
            assert!(trial.dsync_us > 0.0 && trial.fdatasync_us > 0.0, "{trial:?}");
            let faster = trial.dsync_us <= trial.fdatasync_us;
            assert_eq!(trial.chosen == Durability::Dsync, faster, "{trial:?}");
        }
        assert_eq!(world.list(&directory).await.expect("a list"), Vec::<String>::new());
    });
}

#[test]
fn debris_of_an_unfinished_create_is_in_nobodys_way() {
    on_real_machine(async |world, directory| {
        let path = directory.join("segment");
        let debris = directory.join(format!("segment{UNFINISHED_SUFFIX}"));
        std::fs::write(&debris, [1; 10_000]).expect("a file");
        let file = world.create(&path, 8192).await.expect("a file");
        assert!(file.read(0, 8192).await.expect("a read").iter().all(|&byte| byte == 0));
        assert_eq!(world.list(&directory).await.expect("a list"), ["segment"]);
    });
}

#[test]
fn a_read_beyond_the_end_is_an_error() {
    on_real_machine(async |world, directory| {
        let file = world.create(&directory.join("short"), 4096).await.expect("a file");
        file.write_durable(0, filled(&world, 4096, 1)).await.expect("a write");
        let error = file.read(0, 8192).await.err().expect("the file is shorter");
        assert_eq!(error.fault, DiskFault::Io);
        assert_eq!((error.offset_bytes, error.length_bytes), (Some(0), Some(8192)));
    });
}

#[test]
fn durability_is_printed_as_it_is_parsed() {
    for durability in [Durability::Dsync, Durability::Fdatasync] {
        assert_eq!(durability.to_string().parse(), Ok(durability));
    }
    assert!("sync".parse::<Durability>().is_err());
}

#[test]
fn a_second_opener_is_refused_until_the_first_lets_go() {
    let directory = scratch_directory();
    let first = DirectoryLock::acquire(directory.path()).expect("nobody holds it");
    assert_eq!(first.path(), directory.path().join(LOCK_FILE));
    let second = DirectoryLock::acquire(directory.path()).expect_err("it is held");
    assert_eq!(second.fault, DiskFault::Locked);
    drop(first);
    DirectoryLock::acquire(directory.path()).expect("it was let go");
}

#[test]
fn a_missing_directory_cannot_be_locked() {
    let missing = scratch_directory().path().join("missing");
    let error = DirectoryLock::acquire(&missing).expect_err("it is not there");
    assert_eq!(error.fault, DiskFault::NotFound);
}

#[test]
fn the_host_is_refused_with_a_reason() {
    let directory = scratch_directory();
    if let Err(error) = host::check(directory.path()) {
        println!("skipped, because {error}");
        return;
    }
    let left = std::fs::read_dir(directory.path()).expect("a list").count();
    assert_eq!(left, 0, "the check leaves nothing behind");
    let missing = host::check(&directory.path().join("missing")).expect_err("it is not there");
    assert_eq!(missing.fault, DiskFault::NotFound);
    // /proc takes no files at all, whoever asks.
    let read_only = host::check(Path::new("/proc")).expect_err("not a place for files");
    assert!(read_only.to_string().contains("/proc"), "{read_only}");
}

/// The processors that the calling thread may run on, in the kernel's notation.
fn allowed_here() -> String {
    let status = std::fs::read_to_string("/proc/thread-self/status").expect("a status");
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    list.expect("a list of processors").trim().to_owned()
}

#[test]
fn cores_are_pinned_and_shared_when_there_are_more_than_processors() {
    if let Err(error) = host::check(scratch_directory().path()) {
        println!("skipped, because {error}");
        return;
    }
    let processors = std::thread::available_parallelism().expect("a count").get();
    let pinned = |index| {
        run_on_core(index, "pinned", Duration::ZERO, || async { allowed_here() })
            .expect("a core starts")
            .join()
            .expect("it ends")
    };
    let first = pinned(0);
    assert!(first.parse::<usize>().is_ok(), "pinned to one processor, not to {first}");
    assert_eq!(pinned(processors), first, "the list of processors starts again");
    if processors > 1 {
        assert_ne!(pinned(1), first);
    }
}

#[test]
fn a_panic_on_a_core_is_the_joiners_to_see() {
    if let Err(error) = host::check(scratch_directory().path()) {
        println!("skipped, because {error}");
        return;
    }
    let core = run_on_core(0, "panics", Duration::ZERO, || async { panic!("as planned") });
    let outcome: Result<(), _> = core.expect("a core starts").join();
    assert!(outcome.is_err());
}

/// Runs this binary's test `name` in a process of its own that may have only so many files open.
/// False in that process: there the test is to be done.
fn done_with_few_files(name: &str, max_files: u32) -> bool {
    const INSIDE: &str = "FLYWHEEL_TEST_WITH_FEW_FILES";
    if std::env::var_os(INSIDE).is_some() {
        return false;
    }
    let binary = std::env::current_exe().expect("a path");
    let output = std::process::Command::new("sh")
        .args(["-c", &format!("ulimit -n {max_files} && exec \"$0\" --exact \"$1\" --nocapture")])
        .arg(binary)
        .arg(name)
        .env(INSIDE, "1")
        .output()
        .expect("a shell");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{output:?}");
    true
}

/// Opens files until there are no descriptors left.
fn open_all() -> Vec<std::fs::File> {
    std::iter::from_fn(|| std::fs::File::open("/dev/null").ok()).collect()
}

#[test]
fn too_many_open_files_leave_nothing_behind_and_pass() {
    if done_with_few_files("real::too_many_open_files_leave_nothing_behind_and_pass", 64) {
        return;
    }
    on_real_machine(async |world, directory| {
        let path = directory.join("file");
        // With none, one, two descriptors left, creating fails at one place after the other.
        let mut held = open_all();
        let mut refusals = 0;
        let error = loop {
            match world.create(&path, 4096).await {
                Ok(file) => {
                    file.write_durable(0, filled(&world, 4096, 1)).await.expect("a write");
                    break None;
                }
                Err(error) if refusals > 8 => break Some(error),
                Err(error) => {
                    refusals += 1;
                    assert_eq!(error.fault, DiskFault::TooManyFiles, "{error}");
                    assert!(error.to_string().contains("raise `ulimit -n`"));
                    held.pop();
                    let left = std::fs::read_dir(&directory);
                    let left = left.map(|left| left.count());
                    assert!(left.is_err() || left.is_ok_and(|left| left == 0), "debris");
                }
            }
        };
        assert!(error.is_none(), "{error:?}");
        assert!(refusals >= 2, "{refusals} refusals");
        let open = world.open(&path).await.expect("it is there");
        assert_eq!(open.read(0, 4096).await.expect("a read")[0], 1);
        held.extend(open_all());
        assert_eq!(
            world.remove(&path).await.expect_err("none left").fault,
            DiskFault::TooManyFiles
        );
        held.clear();
        assert_eq!(world.list(&directory).await.expect("a list"), ["file"], "it is still there");
        world.remove(&path).await.expect("enough again");
    });
}

#[test]
fn a_core_without_descriptors_says_so() {
    if done_with_few_files("real::a_core_without_descriptors_says_so", 32) {
        return;
    }
    let held = open_all();
    let core = run_on_core(0, "starved", Duration::ZERO, || async {});
    let error = core.expect("a thread needs none").join().expect_err("no ring can be made");
    drop(held);
    assert_eq!(error.fault, DiskFault::TooManyFiles, "{error}");
    assert!(error.to_string().contains("ulimit -n"), "{error}");
}

/// Says when it is dropped.
struct Dropped(std::sync::mpsc::Sender<()>);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

#[test]
fn tasks_that_still_wait_are_dropped_when_their_core_ends_or_panics() {
    for panics in [false, true] {
        let (sender, receiver) = std::sync::mpsc::channel();
        let core = run_on_core(0, "ending", Duration::ZERO, move || async move {
            let world = flywheel_disk::real::RealWorld::new(Durability::Dsync);
            let (dropped, never) = (Dropped(sender), world.clone());
            world.spawn(flywheel_disk::TaskClass::Background, async move {
                let _dropped = dropped;
                never.sleep(Duration::MAX).await;
            });
            // Long enough to have slept in the kernel, with the bell's read in flight.
            world.sleep(Duration::from_millis(5)).await;
            assert!(!panics, "as the test wants it");
        });
        let joined = core.expect("started").join();
        assert_eq!(joined.is_err(), panics, "{joined:?}");
        receiver.try_recv().expect("the waiting task was dropped before the core was joined");
    }
}
