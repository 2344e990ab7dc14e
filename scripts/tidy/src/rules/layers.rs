//! No crate points upward: the map of which crate may use which, and the check of every manifest.
//!
//! Cargo already refuses cycles; it does not know which way is up.

use std::collections::BTreeSet;

use crate::Finding;
use crate::manifest::{self, Kind, Manifest};
use crate::tree::Tree;

const RULE: &str = "layers";

enum Uses {
    Only(&'static [&'static str]),
    AnyOfOurs,
}
use Uses::{AnyOfOurs, Only};

/// Each member and the members it may link. A new crate is entered here with its layer.
const MAP: &[(&str, Uses)] = &[
    ("engine/item", Only(&[])),
    ("engine/api", Only(&["engine/item"])),
    ("engine/capacity", Only(&[])),
    ("engine/disk", Only(&[])),
    ("engine/store", Only(&["engine/disk"])),
    ("engine/shard", Only(&["engine/store", "engine/disk", "engine/capacity"])),
    ("engine/table", Only(&["engine/shard", "engine/api", "engine/item", "engine/capacity"])),
    (
        "engine/server",
        Only(&["engine/table", "engine/shard", "engine/disk", "engine/api", "engine/item"]),
    ),
    (
        "engine/sim",
        Only(&[
            "engine/item",
            "engine/api",
            "engine/capacity",
            "engine/disk",
            "engine/store",
            "engine/shard",
            "engine/table",
            "engine/server",
        ]),
    ),
    ("harness/load", Only(&[])),
    ("harness/device", Only(&[])),
    (
        "harness/targets",
        Only(&[
            "harness/load",
            "engine/disk",
            "engine/shard",
            "engine/table",
            "engine/api",
            "engine/item",
        ]),
    ),
    (
        "harness/report",
        Only(&["harness/load", "harness/device", "harness/stats", "engine/capacity"]),
    ),
    ("harness/stats", Only(&[])),
    ("harness/count", Only(&["engine/disk", "engine/shard"])),
    ("harness/diff", Only(&[])),
    ("harness/cli", AnyOfOurs),
    ("scripts/tidy", Only(&[])),
    (
        "fuzz",
        Only(&[
            "engine/item",
            "engine/api",
            "engine/disk",
            "engine/store",
            "engine/shard",
            "engine/server",
        ]),
    ),
];

/// Members that tests may use sideways: they know nothing of those that use them.
const TESTS_MAY_USE: &[(&str, &str)] = &[
    ("harness/load", "harness/stats"),
    ("harness/targets", "engine/server"),
    ("harness/diff", "engine/disk"),
    ("harness/diff", "engine/server"),
    ("harness/diff", "engine/shard"),
    ("harness/diff", "engine/table"),
    ("harness/targets", "engine/server"),
];

/// Checks every member's dependencies against the map.
///
/// Dev-dependencies may skip layers on the way down, and may not point upward or, but for
/// [`TESTS_MAY_USE`], sideways either.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let packages = match manifest::packages(tree) {
        Ok(packages) => packages,
        Err(finding) => return vec![finding],
    };
    packages.iter().flat_map(|package| check_one(package, &packages)).collect()
}

fn check_one(package: &Manifest, packages: &[Manifest]) -> Vec<Finding> {
    let finding = |line, problem, remedy: &str| Finding {
        path: package.path.clone(),
        line,
        rule: RULE,
        problem,
        remedy: remedy.to_owned(),
    };
    let dir = package.dir.as_str();
    let Some((_, uses)) = MAP.iter().find(|(member, _)| *member == dir) else {
        let problem = format!("{dir} is not in the map of layers");
        return vec![finding(1, problem, "add it to MAP in scripts/tidy/src/rules/layers.rs")];
    };
    let Only(direct) = uses else { return Vec::new() };

    let mut findings = Vec::new();
    for dependency in &package.dependencies {
        let Some(used) = packages.iter().find(|other| other.package == dependency.package) else {
            continue;
        };
        let allowed = match dependency.kind {
            Kind::Dev => {
                used.dir == dir
                    || below(dir).contains(used.dir.as_str())
                    || TESTS_MAY_USE.contains(&(dir, used.dir.as_str()))
            }
            Kind::Normal | Kind::Build => direct.contains(&used.dir.as_str()),
        };
        if !allowed {
            let problem = format!("{dir} may not use {} ({:?})", used.dir, dependency.kind);
            let remedy = format!("move what is shared downward; {dir} may use {direct:?}");
            findings.push(finding(dependency.line, problem, &remedy));
        }
    }
    findings
}

/// Everything reachable downward from `dir`.
fn below(dir: &str) -> BTreeSet<&'static str> {
    let mut reached = BTreeSet::new();
    let mut open = direct(dir).to_vec();
    while let Some(member) = open.pop() {
        if reached.insert(member) {
            open.extend(direct(member));
        }
    }
    reached
}

/// What the map says `dir` may link; nothing for one that may link all or is not in the map.
fn direct(dir: &str) -> &'static [&'static str] {
    match MAP.iter().find(|(member, _)| *member == dir) {
        Some((_, Only(direct))) => direct,
        Some((_, AnyOfOurs)) | None => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::sample::fired;

    const DISK: &str = "[package]\nname = \"flywheel-disk\"\n";
    const STORE: &str =
        "[package]\nname = \"flywheel-store\"\n[dependencies]\nflywheel-disk = {}\n";

    fn with(dir: &str, body: &str) -> Vec<String> {
        let path = format!("{dir}/Cargo.toml");
        let text = format!("[package]\nname = \"it\"\n{body}\n");
        let samples =
            [("engine/disk/Cargo.toml", DISK), ("engine/store/Cargo.toml", STORE), (&path, &text)];
        fired(check, &samples)
    }

    #[test]
    fn downward_arrows_pass() {
        assert!(with("engine/shard", "[dependencies]\nflywheel-store.workspace = true").is_empty());
        assert!(with("engine/table", "[dev-dependencies]\nflywheel-disk = {}").is_empty());
        assert!(with("harness/cli", "[dependencies]\nflywheel-store = {}").is_empty());
    }

    #[test]
    fn an_arrow_that_points_upward_or_sideways_fires() {
        let line_4 = |dir: &str| [format!("{dir}/Cargo.toml:4")];
        for dir in ["engine/item", "harness/load", "harness/targets", "scripts/tidy"] {
            assert_eq!(with(dir, "[dependencies]\nflywheel-store = {}"), line_4(dir));
        }
        assert_eq!(with("harness/load", "[dev-dependencies]\nflywheel-disk = {}").len(), 1);
        assert_eq!(with("engine/table", "[build-dependencies]\nflywheel-disk = {}").len(), 1);
        let target = "[target.'cfg(unix)'.dependencies]\nflywheel-disk = {}";
        assert_eq!(with("engine/item", target).len(), 1);
        let renamed = "[dependencies]\nd = { package = \"flywheel-disk\" }";
        assert_eq!(with("engine/item", renamed).len(), 1);
    }

    #[test]
    fn a_member_outside_the_map_fires() {
        assert_eq!(with("engine/new", ""), ["engine/new/Cargo.toml:1"]);
    }

    #[test]
    fn the_map_itself_has_no_cycle() {
        for (member, uses) in MAP {
            if let Only(_) = uses {
                assert!(!below(member).contains(member), "{member} reaches itself");
            }
        }
    }
}
