//! Starting the binary, and scratch directories on a real disk.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A scratch directory below the build's own, which is on a disk.
pub fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory")
}

/// The repository's workload files.
pub fn workload(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../workloads").join(name)
}

/// Runs the binary to its end.
pub fn flywheel(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flywheel")).args(arguments).output().expect("the binary runs")
}

/// What it printed as errors.
pub fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A path as an argument.
pub fn text(path: &Path) -> &str {
    path.to_str().expect("scratch paths are text")
}

/// Whether this host can run the engine; says why not.
pub fn host_is_fit(output: &Output) -> bool {
    let errors = errors(output);
    let unfit = ["io_uring", "direct I/O", "locked"].iter().any(|word| errors.contains(word));
    if unfit {
        println!("skipped, because {errors}");
    }
    !unfit
}
