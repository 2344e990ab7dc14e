//! A memory cgroup for child processes: what they hold and what the kernel caches of their files stays within a
//! bound, so that no engine gets a page cache that the others do not have. Version 1 or 2, where this user may.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A cgroup of ours, removed when dropped.
pub struct MemoryLimit {
    dir: PathBuf,
}

/// The shell puts itself into the cgroup and becomes the program.
const ENTER: &str = r#"echo $$ > "$0" && exec "$@""#;

impl MemoryLimit {
    /// Makes a cgroup of `bytes`; the error says in words why it cannot be had.
    pub fn new(bytes: u64) -> Result<Self, String> {
        let own = fs::read_to_string("/proc/self/cgroup").map_err(|error| error.to_string())?;
        let mut reasons = Vec::new();
        for (parent, file) in candidates(&own, Path::new("/sys/fs/cgroup")) {
            match Self::in_parent(&parent, file, bytes) {
                Ok(limit) => return Ok(limit),
                Err(reason) => reasons.push(reason),
            }
        }
        Err(if reasons.is_empty() { "no memory cgroup here".into() } else { reasons.join("; ") })
    }

    fn in_parent(parent: &Path, file: &str, bytes: u64) -> Result<Self, String> {
        let dir = parent.join(format!("flywheel-{}", std::process::id()));
        fs::create_dir(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
        let limit = Self { dir };
        let path = limit.dir.join(file);
        // Where memory is not delegated there is no such file, and the kernel lets nobody make one.
        fs::write(&path, bytes.to_string())
            .map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(limit)
    }

    /// A command that runs `program` within the limit.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", ENTER]).arg(self.dir.join("cgroup.procs")).arg(program);
        command
    }
}

impl Drop for MemoryLimit {
    fn drop(&mut self) {
        // With nobody in it any more it goes at once; if not, an empty group harms nobody.
        let _ = fs::remove_dir(&self.dir);
    }
}

/// Where a cgroup could be made, and the file that bounds its memory, from the text of `/proc/self/cgroup`.
fn candidates(own: &str, root: &Path) -> Vec<(PathBuf, &'static str)> {
    let parse = |line: &str| {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let path = path.trim_start_matches('/');
        match controllers {
            "" => Some((root.join(path), "memory.max")),
            list if list.split(',').any(|name| name == "memory") => {
                Some((root.join("memory").join(path), "memory.limit_in_bytes"))
            }
            _ => None,
        }
    };
    // Version 1 first: where both are mounted, memory belongs to it.
    let mut found: Vec<_> = own.lines().filter_map(parse).collect();
    found.sort_by_key(|(_, file)| *file == "memory.max");
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_are_found_by_the_kernels_own_words() {
        let root = Path::new("/sys/fs/cgroup");
        let v1 = "9:name=systemd:/\n4:memory,hugetlb:/jobs/a:b\n1:cpu:/\n0::/\n";
        let found = candidates(v1, root);
        assert_eq!(found[0], (root.join("memory/jobs/a:b"), "memory.limit_in_bytes"));
        assert_eq!(found[1], (root.to_owned(), "memory.max"));
        let v2 = candidates("0::/user.slice/session.scope\n", root);
        assert_eq!(v2, [(root.join("user.slice/session.scope"), "memory.max")]);
        assert!(candidates("nonsense\n1:cpu:/\n", root).is_empty());
    }

    #[test]
    fn a_child_runs_within_it_where_it_can_be_had() {
        let limit = match MemoryLimit::new(64 << 20) {
            Ok(limit) => limit,
            Err(reason) => return eprintln!("skipped, because {reason}"),
        };
        let output = limit.command(Path::new("/bin/cat")).arg("/proc/self/cgroup").output();
        let text = String::from_utf8_lossy(&output.expect("it ran").stdout).into_owned();
        assert!(text.contains(&format!("flywheel-{}", std::process::id())), "{text}");
        let dir = limit.dir.clone();
        drop(limit);
        assert!(!dir.exists(), "{} is left behind", dir.display());
    }
}
