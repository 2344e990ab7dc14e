//! Processors, memory, and the time that a hypervisor takes from them. Not load: that is measured.

use std::path::Path;

use super::sources::Sources;

/// The first processor's model; some architectures name none.
pub fn model(sources: &Sources) -> Option<String> {
    let cpuinfo = sources.text("proc/cpuinfo")?;
    value(&cpuinfo, "model name").map(Into::into)
}

/// Processors online.
pub fn count(sources: &Sources) -> Option<u64> {
    let cpuinfo = sources.text("proc/cpuinfo")?;
    let processors = cpuinfo.lines().filter(|line| key(line) == "processor").count() as u64;
    Some(processors).filter(|count| *count > 0)
}

/// True if the processor says that a hypervisor runs it (x86 only).
pub fn is_virtual(sources: &Sources) -> Option<bool> {
    let cpuinfo = sources.text("proc/cpuinfo")?;
    let flags = value(&cpuinfo, "flags")?;
    Some(flags.split_whitespace().any(|flag| flag == "hypervisor"))
}

/// Checksums, ciphers, comparing and copying hang on these (x86, then Arm).
const TELLING_FLAGS: [&str; 17] = [
    "sse4_2",
    "pclmulqdq",
    "aes",
    "avx",
    "avx2",
    "avx512f",
    "avx512vl",
    "vpclmulqdq",
    "vaes",
    "sha_ni",
    "bmi2",
    "erms",
    "fsrm",
    "crc32",
    "pmull",
    "asimd",
    "sve",
];

/// Which of those the processor has.
pub fn flags(sources: &Sources) -> Vec<String> {
    let cpuinfo = sources.text("proc/cpuinfo").unwrap_or_default();
    let all = value(&cpuinfo, "flags").or_else(|| value(&cpuinfo, "Features"));
    let all: Vec<&str> = all.unwrap_or_default().split_whitespace().collect();
    let has = |flag: &&&str| all.contains(*flag);
    TELLING_FLAGS.iter().filter(has).map(|flag| (*flag).to_owned()).collect()
}

/// Memory that the kernel has to give, in bytes.
pub fn memory_bytes(sources: &Sources) -> Option<u64> {
    let meminfo = sources.text("proc/meminfo")?;
    let kib: u64 = value(&meminfo, "MemTotal")?.strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// The value of the first `key : value` line.
fn value<'a>(text: &'a str, wanted: &str) -> Option<&'a str> {
    let line = text.lines().find(|line| key(line) == wanted)?;
    line.split_once(':').map(|(_, value)| value.trim())
}

fn key(line: &str) -> &str {
    line.split(':').next().unwrap_or_default().trim()
}

/// Processor time since boot, all processors together: read it before and after a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CpuTimes {
    all: u64,
    stolen: u64,
}

impl CpuTimes {
    /// Reads `/proc/stat`; `None` where there is none.
    pub fn now() -> Option<Self> {
        Self::parse(&Sources::new(Path::new("/")).text("proc/stat")?)
    }

    /// Reads the first line: user, nice, system, idle, iowait, irq, softirq, steal; the two guest
    /// times that follow are part of user and nice (proc_stat(5)).
    fn parse(stat: &str) -> Option<Self> {
        let ticks = stat.lines().next()?.strip_prefix("cpu ")?;
        let ticks: Vec<u64> =
            ticks.split_whitespace().map_while(|tick| tick.parse().ok()).collect();
        let stolen = *ticks.get(7)?;
        Some(Self { all: ticks[..8].iter().sum(), stolen })
    }

    /// Share stolen between the earlier `self` and `later`, from 0 to 1.
    pub fn steal_share_until(&self, later: &Self) -> Option<f64> {
        let all = later.all.checked_sub(self.all).filter(|all| *all > 0)?;
        Some(later.stolen.saturating_sub(self.stolen) as f64 / all as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steal_is_a_share_of_all_time_without_guests() {
        let before = CpuTimes::parse("cpu  100 0 100 700 50 0 0 50 90 0\ncpu0 1 2").unwrap();
        let after = CpuTimes::parse("cpu  150 0 150 900 50 0 0 150 95 0\n").unwrap();
        assert_eq!(before.steal_share_until(&after), Some(0.25));
        assert_eq!(after.steal_share_until(&after), None, "no time has passed");
        assert_eq!(CpuTimes::parse("cpu  1 2 3"), None, "a kernel without steal time");
    }
}
