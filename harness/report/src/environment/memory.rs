//! Memory that this process holds. Not the machine's: see `cpu`.

use std::path::Path;

use super::sources::Sources;

/// Memory of this process that is resident, in bytes; `None` where the kernel does not say.
pub fn resident_bytes() -> Option<u64> {
    of_this_process("VmRSS:")
}

/// The most of it since the process began, or since it was last reset.
pub fn peak_resident_bytes() -> Option<u64> {
    of_this_process("VmHWM:")
}

fn of_this_process(name: &str) -> Option<u64> {
    parse(&Sources::new(Path::new("/")).text("proc/self/status")?, name)
}

/// A size of proc_pid_status(5), in KiB there.
fn parse(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resident_size_is_read_and_its_absence_is_none() {
        let status = "Name:\tflywheel\nVmHWM:\t  9000 kB\nVmRSS:\t    1234 kB\n";
        assert_eq!(parse(status, "VmRSS:"), Some(1234 * 1024));
        assert_eq!(parse(status, "VmHWM:"), Some(9000 * 1024));
        assert_eq!(parse("Name:\tflywheel\n", "VmRSS:"), None);
    }
}
