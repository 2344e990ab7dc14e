//! Small file systems of a test's own, to fill, to make read-only and to throw away. Mounting takes
//! root, or a kernel that lets users mount in a namespace of their own; else the test is skipped.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Set for a test that was started again inside a namespace of its own.
const INSIDE: &str = "FLYWHEEL_OWN_MOUNTS";

/// What is mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Memory, which direct I/O works on as well.
    Tmpfs,
    /// A file on the real disk, as a device. Becomes read-only by itself at its first error.
    Ext4,
}

/// Mounted until dropped.
pub struct SmallFs {
    root: tempfile::TempDir,
    kind: Kind,
}

impl SmallFs {
    /// `None`, with the reason printed, where this cannot be mounted.
    pub fn new(test: &str, kind: Kind, mib: u64) -> Option<Self> {
        let root = tempfile::Builder::new()
            .prefix("small-fs")
            .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
            .expect("made");
        fs::create_dir(root.path().join("mounted")).expect("made");
        let small = Self { root, kind };
        let mounted = match kind {
            Kind::Tmpfs => {
                let size = format!("size={mib}m");
                run("mount", &["-t", "tmpfs", "-o", &size, "tmpfs", &small.text("mounted")])
            }
            Kind::Ext4 => {
                let image = fs::File::create(small.root.path().join("image")).expect("made");
                image.set_len(mib << 20).expect("sparse");
                run("mkfs.ext4", &["-q", "-F", "-m", "0", &small.text("image")])
                    .and_then(|()| small.mount_image())
            }
        };
        match mounted {
            Ok(()) => Some(small),
            Err(reason) => {
                println!("{test}: skipped, because {reason}");
                None
            }
        }
    }

    pub fn path(&self) -> PathBuf {
        self.root.path().join("mounted")
    }

    /// Where tests keep the engine.
    pub fn engine(&self) -> PathBuf {
        self.path().join("engine")
    }

    /// Somebody else's file of so many bytes.
    pub fn ballast(&self, bytes: usize) -> PathBuf {
        let path = self.path().join("ballast");
        fs::write(&path, vec![7; bytes]).expect("room for the ballast");
        path
    }

    /// Takes every block that is left.
    pub fn take_the_rest(&self) -> PathBuf {
        let path = self.path().join("the-rest");
        let mut file = fs::File::create(&path).expect("made");
        for piece in [64 << 10, 4 << 10, 512, 1] {
            while file.write_all(&vec![7; piece]).and_then(|()| file.sync_data()).is_ok() {}
        }
        path
    }

    /// Has nobody write to it any more; nobody may have a file open for writing.
    pub fn make_read_only(&self) {
        run("mount", &["-o", "remount,bind,ro", &self.text("mounted")]).expect("remounted");
    }

    /// Meets an error, upon which the kernel makes it read-only under whoever uses it.
    pub fn break_down(&self) -> Result<(), String> {
        let mounts = fs::read_to_string("/proc/self/mounts").expect("listed");
        let here = self.text("mounted");
        let mount = mounts.lines().find(|line| line.split(' ').nth(1) == Some(&here));
        let device = mount.and_then(|line| line.split(' ').next()?.strip_prefix("/dev/"));
        let device = device.ok_or("its device has no name")?;
        fs::write(format!("/sys/fs/ext4/{device}/trigger_fs_error"), "flywheel test")
            .map_err(|error| format!("ext4 cannot be made to meet an error: {error}"))
    }

    /// As after a restart of the machine, with the file system checked.
    pub fn mount_again(&self) {
        assert_eq!(self.kind, Kind::Ext4, "memory forgets");
        run("umount", &[&self.text("mounted")]).expect("nobody uses it");
        // Tells by its status that it mended something.
        let _ = run("e2fsck", &["-f", "-y", &self.text("image")]);
        self.mount_image().expect("mounted");
    }

    fn mount_image(&self) -> Result<(), String> {
        let options = "loop,errors=remount-ro";
        run("mount", &["-o", options, &self.text("image"), &self.text("mounted")])
    }

    fn text(&self, name: &str) -> String {
        self.root.path().join(name).to_str().expect("plain text").to_owned()
    }
}

impl Drop for SmallFs {
    fn drop(&mut self) {
        let _ = run("umount", &["-l", &self.text("mounted")]);
    }
}

/// Whether the test may go on here. If mounting is not allowed, it is run again where it is, in a
/// namespace of its own, and has been by the time this returns.
pub fn may_mount(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() || rustix::process::geteuid().is_root() {
        return true;
    }
    let binary = std::env::current_exe().expect("this binary");
    let inside = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount"])
        .arg(binary)
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(INSIDE, "1")
        .output();
    match inside {
        Ok(output) if String::from_utf8_lossy(&output.stdout).contains("running 1 test") => {
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            println!("{said}");
            assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        }
        other => println!("{test}: skipped, because nothing may be mounted here ({other:?})"),
    }
    false
}

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program).args(arguments).output();
    let output = output.map_err(|error| format!("{program} cannot be run: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program} {}: {}", arguments.join(" "), said.trim()))
}

/// Every file below a directory and what is in it.
pub fn contents(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry.expect("listed").path();
        if path.is_dir() {
            found.push((path.clone(), Vec::new()));
            found.extend(contents(&path));
        } else {
            let bytes = fs::read(&path).expect("read");
            found.push((path, bytes));
        }
    }
    found.sort();
    found
}
