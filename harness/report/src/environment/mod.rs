//! The fingerprint of the machine, the disk and the build: what two results must share before they
//! are compared. Read from `/proc` and `/sys`; what is not there is `None`, never a failure.

mod cpu;
mod disk;
mod memory;
mod process;
mod sources;

use std::path::Path;

use serde::{Deserialize, Serialize};

pub use cpu::CpuTimes;
pub use disk::{Disk, FileSystem};
pub use memory::resident_bytes;
pub use process::{ProcessFigures, ProcessUsage, reset_peak_resident};

use sources::Sources;

/// Where a run took place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Environment {
    /// Version of Flywheel.
    pub flywheel_version: String,
    /// Git commit that it was built from.
    pub git_revision: Option<String>,
    /// Whether files differed from that commit when this was built.
    pub git_changed: Option<bool>,
    /// Optimisation level, target and flags of the compiler.
    pub build_flags: Option<String>,
    /// Cargo's profile: `release`, or `debug` whose figures mean nothing.
    pub build_profile: Option<String>,
    /// The compiler, as it names itself.
    pub compiler: Option<String>,
    /// Kernel release.
    pub kernel: Option<String>,
    /// Model of the processor.
    pub cpu_model: Option<String>,
    /// Of the processor's features, those that storage engines make use of, by the kernel's names.
    pub cpu_flags: Vec<String>,
    /// Processors online.
    pub cores: Option<u64>,
    /// True if processors share cores.
    pub smt: Option<bool>,
    /// Frequency governor of the first processor.
    pub governor: Option<String>,
    /// True on a virtual machine.
    pub virtual_machine: Option<bool>,
    /// Share of processor time that the hypervisor kept for others during the run, from 0 to 1;
    /// set by the runner from two [`CpuTimes`].
    pub steal_share: Option<f64>,
    /// Memory, in bytes.
    pub memory_bytes: Option<u64>,
    /// The disk under the data directory.
    pub disk: Disk,
    /// The file system of the data directory.
    pub file_system: FileSystem,
}

impl Environment {
    /// Looks at this machine and at what lies under `dir`.
    pub fn gather(dir: &Path) -> Self {
        Self::gather_from(Path::new("/"), dir)
    }

    /// As [`Environment::gather`], with `proc` and `sys` under another root: for tests.
    pub fn gather_from(root: &Path, dir: &Path) -> Self {
        let sources = Sources::new(root);
        let (file_system, disk) = disk::under(&sources, dir);
        Self {
            flywheel_version: env!("CARGO_PKG_VERSION").into(),
            git_revision: option_env!("FLYWHEEL_GIT_REVISION").map(Into::into),
            git_changed: option_env!("FLYWHEEL_GIT_CHANGED").map(|text| text == "true"),
            build_flags: option_env!("FLYWHEEL_BUILD_FLAGS").map(Into::into),
            build_profile: option_env!("FLYWHEEL_BUILD_PROFILE").map(Into::into),
            compiler: option_env!("FLYWHEEL_COMPILER").map(Into::into),
            kernel: sources.line("proc/sys/kernel/osrelease"),
            cpu_model: cpu::model(&sources),
            cpu_flags: cpu::flags(&sources),
            cores: cpu::count(&sources),
            smt: sources.flag("sys/devices/system/cpu/smt/active"),
            governor: sources.line("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            virtual_machine: cpu::is_virtual(&sources),
            steal_share: None,
            memory_bytes: cpu::memory_bytes(&sources),
            disk,
            file_system,
        }
    }
}
