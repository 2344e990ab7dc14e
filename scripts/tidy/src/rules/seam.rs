//! Only the crates that own the kernel, files, threads and the clock may name them.
//!
//! Names as written, before name resolution: clippy's bans in `engine/clippy.toml` catch what an
//! alias hides, this rule catches what clippy is told to allow.

use crate::Finding;
use crate::lexer;
use crate::paths::named_paths;
use crate::rules::is_test_or_bench;
use crate::tree::Tree;

/// One guarded name and the folders whose sources may use it.
struct Guard {
    path: &'static [&'static str],
    owners: &'static [&'static str],
    /// Whether every `tests/` and `benches/` may use it too.
    in_tests: bool,
}

/// The one room of the engine that starts threads.
const RUNTIME: &str = "engine/shard/src/runtime/";

/// The simulator's command: it runs seeds on all cores and says how many a second.
const SIM_COMMAND: &str = "engine/sim/src/bin/";

const GUARDS: &[Guard] = &[
    Guard {
        path: &["std", "fs"],
        owners: &["engine/disk/", "harness/", "scripts/", "fuzz/src/bin/"],
        in_tests: true,
    },
    Guard {
        path: &["std", "time", "Instant"],
        owners: &["engine/disk/", SIM_COMMAND, "harness/", "scripts/"],
        in_tests: true,
    },
    Guard {
        path: &["std", "time", "SystemTime"],
        owners: &["engine/disk/", "harness/", "scripts/"],
        in_tests: true,
    },
    Guard {
        path: &["std", "thread"],
        owners: &["engine/disk/", RUNTIME, SIM_COMMAND, "harness/", "scripts/"],
        in_tests: true,
    },
    Guard {
        path: &["rustix"],
        owners: &["engine/disk/", RUNTIME, "harness/", "scripts/"],
        in_tests: true,
    },
    Guard { path: &["async_task"], owners: &["engine/disk/"], in_tests: false },
    Guard { path: &["io_uring"], owners: &["engine/disk/", "harness/device/"], in_tests: false },
    Guard { path: &["libc"], owners: &["engine/disk/", "harness/device/"], in_tests: false },
];

/// Where `unsafe` may stand; clippy asks each for its `// SAFETY:`. LMDB's binding leaves it to the one
/// who opens a map that nobody else changes the file.
const UNSAFE_OWNERS: &[&str] =
    &["engine/disk/", "harness/device/", "harness/targets/src/peers/lmdb/"];

/// Guarded names stay with their owners.
pub fn names(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.with_extension("rs") {
        let tokens = lexer::tokens(text);
        for named in named_paths(&tokens) {
            let hit = GUARDS
                .iter()
                .filter(|guard| !guard.admits(path))
                .find(|guard| guard.covers(&named.segments));
            if let Some(guard) = hit {
                findings.push(guard.finding(path, named.line));
            }
        }
    }
    findings
}

impl Guard {
    fn admits(&self, path: &str) -> bool {
        owned(path, self.owners) || (self.in_tests && is_test_or_bench(path))
    }

    /// Whether `segments` names the guarded path, something in it, or imports all around it.
    fn covers(&self, segments: &[&str]) -> bool {
        let parent = &self.path[..self.path.len() - 1];
        let takes_parent = parent.len() > 1
            && (segments == parent || segments.strip_prefix(parent) == Some(&["self"]));
        let takes_all = !parent.is_empty() && segments.strip_prefix(parent) == Some(&["*"]);
        segments.starts_with(self.path) || takes_parent || takes_all
    }

    fn finding(&self, path: &str, line: usize) -> Finding {
        let name = self.path.join("::");
        Finding {
            path: path.to_owned(),
            line,
            rule: "seam",
            problem: format!("{name} is named outside {}", self.owners.join(", ")),
            remedy: "go through flywheel_disk's seam, so that the simulator can take its place"
                .to_owned(),
        }
    }
}

/// `unsafe` stays with its owners.
pub fn unsafe_code(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.with_extension("rs").filter(|(path, _)| !owned(path, UNSAFE_OWNERS)) {
        for token in lexer::tokens(text).iter().filter(|token| token.text == "unsafe") {
            findings.push(Finding {
                path: path.to_owned(),
                line: token.line,
                rule: "unsafe",
                problem: format!("`unsafe` outside {}", UNSAFE_OWNERS.join(", ")),
                remedy: "write it safely, or give engine/disk a safe function for it".to_owned(),
            });
        }
    }
    findings
}

/// Whether `path` stands in an owner's folder; a folder's own `name.rs` counts as inside.
fn owned(path: &str, owners: &[&str]) -> bool {
    owners.iter().any(|owner| {
        path.starts_with(owner)
            || path.strip_suffix(".rs").is_some_and(|stem| Some(stem) == owner.strip_suffix('/'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::sample::fired;

    fn lines(path: &str, source: &str) -> Vec<String> {
        fired(names, &[(path, source)])
    }

    #[test]
    fn every_guarded_name_fires_in_the_store() {
        for source in [
            "use std::fs;",
            "use std::{io, fs::File};",
            "fn f() { ::std::fs::read(p); }",
            "use std::time::{Duration, Instant};",
            "use std::time::{self, Duration};",
            "use std::time;",
            "use std::time::*;",
            "fn f() { std::time::SystemTime::now(); }",
            "use std::thread::spawn;",
            "use std::*;",
            "use rustix::fs::open;",
            "use async_task::Runnable;",
            "use io_uring::IoUring;",
            "fn f() -> libc::c_int { 0 }",
        ] {
            assert!(!lines("engine/store/src/log.rs", source).is_empty(), "passed: {source}");
        }
    }

    #[test]
    fn owners_and_tests_may_name_what_is_theirs() {
        let clock = "use std::{fs, thread, time::Instant};";
        for path in ["engine/disk/src/real.rs", "harness/load/src/a.rs", "engine/store/tests/a.rs"]
        {
            assert!(lines(path, clock).is_empty(), "{path}");
        }
        let runtime = "use std::thread;";
        assert!(lines("engine/shard/src/runtime/pin.rs", runtime).is_empty());
        assert!(lines("engine/shard/src/runtime.rs", runtime).is_empty());
        assert!(lines("harness/device/src/ring.rs", "use io_uring::opcode; use libc;").is_empty());
    }

    #[test]
    fn ownership_of_one_name_is_not_ownership_of_all() {
        assert_eq!(lines("engine/shard/src/runtime/a.rs", "\nuse std::fs;").len(), 1);
        assert_eq!(lines("harness/cli/src/main.rs", "use async_task::Task;").len(), 1);
        assert_eq!(lines("harness/load/src/a.rs", "use libc::c_int;").len(), 1);
        assert_eq!(lines("engine/store/tests/a.rs", "\n\nuse libc::c_int;").len(), 1);
        assert_eq!(lines("engine/diskette/src/a.rs", "use std::fs;").len(), 1);
    }

    #[test]
    fn harmless_neighbours_pass() {
        let source = "use std::time::Duration; // std::fs\nlet s = \"libc::x\"; a.thread.libc();";
        assert!(lines("engine/store/src/log.rs", source).is_empty());
    }

    #[test]
    fn unsafe_fires_outside_its_owners() {
        let source = "// unsafe\nfn f() { unsafe { g() } }\n#![deny(unsafe_code)]\n";
        let samples = [
            ("engine/store/src/a.rs", source),
            ("engine/disk/src/a.rs", source),
            ("harness/device/src/a.rs", source),
            ("harness/targets/src/peers/lmdb.rs", source),
            ("harness/targets/src/peers/redb.rs", source),
        ];
        let expected = ["engine/store/src/a.rs:2", "harness/targets/src/peers/redb.rs:2"];
        assert_eq!(fired(unsafe_code, &samples), expected);
    }
}
