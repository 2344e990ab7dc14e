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

    let revision = std::env::var("FLYWHEEL_GIT_REVISION").ok();
    note("FLYWHEEL_GIT_REVISION", revision.or_else(|| said("git", &["rev-parse", "HEAD"])));
    note("FLYWHEEL_BUILD_PROFILE", std::env::var("PROFILE").ok());
    let compiler = std::env::var("RUSTC").ok();
    note("FLYWHEEL_COMPILER", compiler.and_then(|rustc| said(&rustc, &["--version"])));
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
