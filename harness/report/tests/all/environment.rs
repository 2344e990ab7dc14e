//! A machine made of files.

use std::fs;
use std::path::Path;

use flywheel_report::{CpuTimes, Environment};

/// Writes small files under a root.
fn write(root: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

#[test]
fn a_machine_is_read_from_its_files() {
    let root = tempfile::tempdir().unwrap();
    let disk = "sys/dev/block/259:0";
    write(
        root.path(),
        &[
            ("proc/sys/kernel/osrelease", "6.18.4\n"),
            (
                "proc/cpuinfo",
                "processor\t: 0\nmodel name\t: A Fast One\nflags\t\t: fpu hypervisor\n\n\
             processor\t: 1\nmodel name\t: A Fast One\n",
            ),
            ("proc/meminfo", "MemTotal:       16384 kB\nMemFree: 1 kB\n"),
            ("proc/self/mountinfo", "27 1 259:0 / / rw,noatime shared:1 - ext4 /dev/nvme0n1 rw\n"),
            ("sys/devices/system/cpu/smt/active", "0\n"),
            ("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n"),
            (&format!("{disk}/size"), "2048\n"),
            (&format!("{disk}/device/model"), "EXCELLENT 9000   \n"),
            (&format!("{disk}/queue/rotational"), "0\n"),
            (&format!("{disk}/queue/scheduler"), "[none] mq-deadline\n"),
            (&format!("{disk}/queue/max_sectors_kb"), "1280\n"),
            (&format!("{disk}/queue/nr_requests"), "256\n"),
            (&format!("{disk}/queue/write_cache"), "write back\n"),
        ],
    );
    let dir = root.path().join("not/made/yet");
    let environment = Environment::gather_from(root.path(), &dir);

    assert_eq!(environment.kernel.as_deref(), Some("6.18.4"));
    assert_eq!(environment.cpu_model.as_deref(), Some("A Fast One"));
    assert_eq!(environment.cores, Some(2));
    assert_eq!(environment.smt, Some(false));
    assert_eq!(environment.governor.as_deref(), Some("performance"));
    assert_eq!(environment.virtual_machine, Some(true));
    assert_eq!(environment.memory_bytes, Some(16 << 20));
    let disk = &environment.disk;
    assert_eq!(disk.model.as_deref(), Some("EXCELLENT 9000"));
    assert_eq!(disk.size_bytes, Some(1 << 20));
    assert_eq!(disk.rotational, Some(false));
    assert_eq!(disk.scheduler.as_deref(), Some("none"));
    assert_eq!((disk.max_sectors_kb, disk.nr_requests), (Some(1280), Some(256)));
    assert_eq!(disk.write_cache.as_deref(), Some("write back"));
    let file_system = &environment.file_system;
    assert_eq!(file_system.kind.as_deref(), Some("ext4"));
    assert_eq!(file_system.mount_point.as_deref(), Some("/"));
    assert_eq!(file_system.mount_options.as_deref(), Some("rw,noatime"));
    assert!(file_system.size_bytes.is_some() && file_system.free_bytes.is_some());
}

/// A partition has no queue; its disk, the folder above, speaks for it.
#[test]
fn a_partition_is_described_by_its_disk() {
    let root = tempfile::tempdir().unwrap();
    write(
        root.path(),
        &[
            ("proc/self/mountinfo", "27 1 8:1 / / rw - xfs /dev/sda1 rw\n"),
            ("sys/devices/sda/sda1/partition", "1\n"),
            ("sys/devices/sda/queue/rotational", "1\n"),
        ],
    );
    fs::create_dir_all(root.path().join("sys/dev/block")).unwrap();
    let link = root.path().join("sys/dev/block/8:1");
    std::os::unix::fs::symlink("../../devices/sda/sda1", link).unwrap();
    let disk = Environment::gather_from(root.path(), root.path()).disk;
    assert_eq!(disk.device.as_deref(), Some("sda"));
    assert_eq!(disk.rotational, Some(true));
}

/// btrfs mounts under a number that no block device has.
#[test]
fn a_disk_without_its_number_is_found_by_name() {
    let root = tempfile::tempdir().unwrap();
    write(
        root.path(),
        &[
            ("proc/self/mountinfo", "27 1 0:31 / / rw - btrfs /dev/sdb rw\n"),
            ("sys/class/block/sdb/queue/nr_requests", "64\n"),
        ],
    );
    let disk = Environment::gather_from(root.path(), root.path()).disk;
    assert_eq!((disk.device.as_deref(), disk.nr_requests), (Some("sdb"), Some(64)));
}

#[test]
fn a_machine_that_tells_nothing_is_no_failure() {
    let root = tempfile::tempdir().unwrap();
    let environment = Environment::gather_from(root.path(), root.path());
    assert_eq!(environment.kernel, None);
    assert_eq!(environment.cores, None);
    assert_eq!(environment.disk, Default::default());
    assert_eq!(environment.file_system, Default::default());
    assert_eq!(environment.flywheel_version, env!("CARGO_PKG_VERSION"));
}

#[test]
fn this_machine_is_read_without_failure() {
    let environment = Environment::gather(Path::new(env!("CARGO_TARGET_TMPDIR")));
    assert!(environment.kernel.is_some() && environment.cores.is_some());
    let times = CpuTimes::now().expect("Linux has /proc/stat");
    if let Some(share) = times.steal_share_until(&CpuTimes::now().unwrap()) {
        assert!((0.0..=1.0).contains(&share), "{share}");
    }
}
