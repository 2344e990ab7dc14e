//! The file system of a directory and the disk under it. Not their speed: the probe measures that.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::sources::Sources;

/// A block device as its queue describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Disk {
    /// The kernel's name, such as `nvme0n1`.
    pub device: Option<String>,
    /// Model, where the device tells one (virtual ones do not).
    pub model: Option<String>,
    /// Size, in bytes.
    pub size_bytes: Option<u64>,
    /// True if the kernel takes it for a spinning disk (virtual ones often say so, wrongly).
    pub rotational: Option<bool>,
    /// The I/O scheduler in use.
    pub scheduler: Option<String>,
    /// Largest single I/O, in KiB.
    pub max_sectors_kb: Option<u64>,
    /// Most requests that its queue holds.
    pub nr_requests: Option<u64>,
    /// `write back` (a volatile cache that syncs must flush) or `write through`.
    pub write_cache: Option<String>,
}

/// A mounted file system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FileSystem {
    /// Type, such as `ext4`.
    pub kind: Option<String>,
    /// Where it is mounted.
    pub mount_point: Option<String>,
    /// Options of the mount and of the file system, as the kernel lists them.
    pub mount_options: Option<String>,
    /// Size, in bytes.
    pub size_bytes: Option<u64>,
    /// Bytes that this user may still write: how full it is decides how a drive behaves.
    pub free_bytes: Option<u64>,
}

/// The file system that holds `dir`, or will hold it once it is made, and its disk.
pub fn under(sources: &Sources, dir: &Path) -> (FileSystem, Disk) {
    let Some(dir) = nearest_existing(dir) else { return Default::default() };
    let table = sources.text("proc/self/mountinfo").unwrap_or_default();
    let Some(mount) = mount_of(&table, &dir) else { return Default::default() };
    let space = rustix::fs::statvfs(&dir).ok();
    let file_system = FileSystem {
        kind: Some(mount.kind.into()),
        mount_point: Some(mount.point.display().to_string()),
        mount_options: Some(mount.options()),
        size_bytes: space.as_ref().map(|space| space.f_blocks.saturating_mul(space.f_frsize)),
        free_bytes: space.as_ref().map(|space| space.f_bavail.saturating_mul(space.f_frsize)),
    };
    let disk = folder_of(sources, &mount).map(|folder| describe(sources, &folder));
    (file_system, disk.unwrap_or_default())
}

/// The directory itself or its closest parent that exists, without symbolic links.
fn nearest_existing(dir: &Path) -> Option<PathBuf> {
    let dir = std::path::absolute(dir).ok()?;
    dir.ancestors().find_map(|ancestor| fs::canonicalize(ancestor).ok())
}

/// One line of `/proc/self/mountinfo` (proc_pid_mountinfo(5)).
struct Mount<'a> {
    /// `major:minor`.
    number: &'a str,
    point: PathBuf,
    own_options: &'a str,
    kind: &'a str,
    source: &'a str,
    super_options: &'a str,
}

impl<'a> Mount<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        // Optional fields end with a lone dash.
        let (mount, file_system) = line.split_once(" - ")?;
        let mut mount = mount.split(' ').skip(2);
        let mut file_system = file_system.split(' ');
        Some(Self {
            number: mount.next()?,
            point: unescape(mount.nth(1)?).into(),
            own_options: mount.next()?,
            kind: file_system.next()?,
            source: file_system.next()?,
            super_options: file_system.next()?,
        })
    }

    /// Both lists of options, each option once.
    fn options(&self) -> String {
        let mut options: Vec<&str> = Vec::new();
        for option in self.own_options.split(',').chain(self.super_options.split(',')) {
            if !options.contains(&option) {
                options.push(option);
            }
        }
        options.join(",")
    }
}

/// The mount with the longest point above `dir`; of equals the last, which hides the others.
fn mount_of<'a>(table: &'a str, dir: &Path) -> Option<Mount<'a>> {
    table
        .lines()
        .filter_map(Mount::parse)
        .filter(|mount| dir.starts_with(&mount.point))
        .max_by_key(|mount| mount.point.components().count())
}

/// Space, tab, line break and backslash stand as octal escapes in mountinfo.
fn unescape(text: &str) -> String {
    [(r"\040", " "), (r"\011", "\t"), (r"\012", "\n"), (r"\134", r"\")]
        .iter()
        .fold(text.to_owned(), |text, (escape, plain)| text.replace(escape, plain))
}

/// The device's folder in `/sys`: the whole disk's, also for a partition.
fn folder_of(sources: &Sources, mount: &Mount) -> Option<PathBuf> {
    let by_number = sources.path(format!("sys/dev/block/{}", mount.number));
    // btrfs and its like mount under a number of their own: there the source's name must do.
    let by_name = mount.source.strip_prefix("/dev/").map(|name| {
        sources.path(format!("sys/class/block/{}", name.rsplit('/').next().unwrap_or(name)))
    });
    let folder = fs::canonicalize(by_number).ok().or_else(|| fs::canonicalize(by_name?).ok())?;
    if folder.join("partition").exists() { folder.parent().map(Into::into) } else { Some(folder) }
}

fn describe(sources: &Sources, folder: &Path) -> Disk {
    // The kernel counts sizes in sectors of 512 bytes, whatever the device's own.
    const SECTOR_BYTES: u64 = 512;
    let queue = folder.join("queue");
    let scheduler = sources.line(queue.join("scheduler"));
    Disk {
        device: folder.file_name().map(|name| name.to_string_lossy().into_owned()),
        model: sources.line(folder.join("device/model")),
        size_bytes: sources.number(folder.join("size")).map(|sectors| sectors * SECTOR_BYTES),
        rotational: sources.flag(queue.join("rotational")),
        scheduler: scheduler.map(|line| in_brackets(&line).to_owned()),
        max_sectors_kb: sources.number(queue.join("max_sectors_kb")),
        nr_requests: sources.number(queue.join("nr_requests")),
        write_cache: sources.line(queue.join("write_cache")),
    }
}

/// Of `none [mq-deadline] kyber`, the one chosen.
fn in_brackets(line: &str) -> &str {
    let chosen = line.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
    chosen.map_or(line, |(chosen, _)| chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
30 27 259:2 / /mnt/fast\\040disk rw,noatime shared:1 master:2 - xfs /dev/nvme0n1p2 rw,attr2
31 27 0:25 / /mnt rw - tmpfs tmpfs rw,size=4k
32 27 259:3 / /mnt rw - ext4 /dev/nvme0n1p3 rw
";

    #[test]
    fn the_deepest_and_latest_mount_holds_a_directory() {
        let holder = |dir: &str| mount_of(TABLE, Path::new(dir)).unwrap();
        assert_eq!(holder("/home").number, "254:0");
        assert_eq!(holder("/mnt/fast disk/data").number, "259:2");
        assert_eq!(holder("/mnt/fast").number, "259:3", "not a prefix by letters");
        assert_eq!(holder("/mnt/fast disk").options(), "rw,noatime,attr2");
        assert!(mount_of("", Path::new("/")).is_none());
    }

    #[test]
    fn the_scheduler_in_brackets_is_the_one_in_use() {
        assert_eq!(in_brackets("none [mq-deadline] kyber"), "mq-deadline");
        assert_eq!(in_brackets("none"), "none");
    }
}
