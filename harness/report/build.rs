//! Notes which source, profile and compiler a build came from. Never fails a build: what cannot be
//! found out stays unset.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=FLYWHEEL_GIT_REVISION");
    // Grows with every commit and checkout, also in a work tree; without git there is nothing to
    // follow but this file.
    let log = said("git", &["rev-parse", "--git-path", "logs/HEAD"]);
    let watched = log.filter(|log| Path::new(log).exists()).unwrap_or("build.rs".into());
    println!("cargo::rerun-if-changed={watched}");

    // Follows what git is told of; a file changed and never added shows at the next commit or checkout.
    if let Some(index) = said("git", &["rev-parse", "--git-path", "index"]) {
        println!("cargo::rerun-if-changed={index}");
    }
    let changed = said("git", &["status", "--porcelain", "--untracked-files=no"]);
    note("FLYWHEEL_GIT_CHANGED", changed.map(|files| (!files.is_empty()).to_string()));
    note("FLYWHEEL_BUILD_FLAGS", Some(build_flags()));

    let revision = std::env::var("FLYWHEEL_GIT_REVISION").ok();
    note("FLYWHEEL_GIT_REVISION", revision.or_else(|| said("git", &["rev-parse", "HEAD"])));
    note("FLYWHEEL_BUILD_PROFILE", std::env::var("PROFILE").ok());
    let compiler = std::env::var("RUSTC").ok();
    note("FLYWHEEL_COMPILER", compiler.and_then(|rustc| said(&rustc, &["--version"])));
}

/// What shapes the code beside its source: optimisation, target, flags for the compiler.
fn build_flags() -> String {
    let of = |name: &str| std::env::var(name).unwrap_or_default();
    let flags = of("CARGO_ENCODED_RUSTFLAGS").replace('\u{1f}', " ");
    format!("opt-level={} target={} {flags}", of("OPT_LEVEL"), of("TARGET")).trim().to_owned()
}

fn note(name: &str, value: Option<String>) {
    if let Some(value) = value {
        println!("cargo::rustc-env={name}={value}");
    }
}

/// What a command printed, if it ran well.
fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
