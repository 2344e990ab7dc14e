//! Every dependency's licence is on the list in `deny.toml`, and every dependency comes from
//! crates.io.
//!
//! Needs only Cargo. `cargo deny check` reads the same file and goes further (duplicates, known
//! vulnerabilities); it is the maintainers' command, this is the check of every run.

use std::process::Command;

use serde_json::Value;
use toml::de::{DeTable, DeValue};

use crate::Finding;
use crate::tree::{Tree, workspace_root};

/// The file with the list.
const LIST: &str = "deny.toml";

/// One package that the build links.
#[derive(Debug, Clone)]
pub struct Package {
    /// `name version`.
    pub name: String,
    /// The SPDX expression its manifest gives.
    pub licence: Option<String>,
    /// Where Cargo took it from; `None` for our own.
    pub source: Option<String>,
}

/// The workspaces of this repository.
const WORKSPACES: [&str; 2] = ["Cargo.toml", "fuzz/Cargo.toml"];

/// Checks all packages that Cargo resolves for this host.
pub fn check(tree: &Tree) -> Vec<Finding> {
    WORKSPACES.iter().flat_map(|path| check_packages(tree, &resolved_packages(path))).collect()
}

/// Checks `packages` against the list in the tree.
pub fn check_packages(tree: &Tree, packages: &[Package]) -> Vec<Finding> {
    let finding = |problem, remedy: &str| Finding {
        path: LIST.to_owned(),
        line: 1,
        rule: "licences",
        problem,
        remedy: remedy.to_owned(),
    };
    let (allowed, exceptions) = match licence_lists(tree) {
        Ok(lists) => lists,
        Err(problem) => return vec![finding(problem, "list SPDX names under [licenses] allow")],
    };
    let mut findings = Vec::new();
    for Package { name, licence, source } in packages {
        match licence.as_deref() {
            None => findings.push(finding(
                format!("{name} names no licence"),
                "choose another dependency, or clear its licence by hand",
            )),
            Some(expression) => {
                let mut allowed = allowed.clone();
                let own = exceptions.iter().filter(|(package, _)| name.starts_with(package));
                allowed.extend(own.flat_map(|(_, licences)| licences.iter().cloned()));
                if !satisfied(expression, &allowed) {
                    findings.push(finding(
                        format!("{name} is under `{expression}`, which the list does not allow"),
                        "choose another dependency, or add a permissive licence to the list",
                    ));
                }
            }
        }
        let ours_or_crates_io = source
            .as_deref()
            .is_none_or(|s| s.starts_with("registry+") && s.ends_with("/crates.io-index"));
        if !ours_or_crates_io {
            findings.push(finding(
                format!("{name} comes from {}", source.as_deref().unwrap_or("")),
                "take a published version from crates.io",
            ));
        }
    }
    findings
}

/// Licences that all may use, and those that the package before them may use too.
type Lists = (Vec<String>, Vec<(String, Vec<String>)>);

/// `licenses.allow` and `licenses.exceptions` of [`LIST`].
fn licence_lists(tree: &Tree) -> Result<Lists, String> {
    let text = tree.text(LIST).ok_or("the file is missing")?;
    let table = DeTable::parse(text).map_err(|e| e.message().to_owned())?;
    let licences = table.get_ref().get("licenses").ok_or("no [licenses]")?.get_ref();
    let allowed = names(licences).ok_or("no [licenses] allow")?;
    let mut exceptions = Vec::new();
    let entries = licences.get("exceptions").and_then(|entries| entries.get_ref().as_array());
    for entry in entries.into_iter().flatten().map(|entry| entry.get_ref()) {
        let package = entry.get("crate").and_then(|package| package.get_ref().as_str());
        let package = package.ok_or("an exception without `crate`")?;
        let names = names(entry).ok_or("an exception without `allow`")?;
        exceptions.push((format!("{package} "), names));
    }
    Ok((allowed, exceptions))
}

/// The strings in `allow` of `table`.
fn names(table: &DeValue<'_>) -> Option<Vec<String>> {
    let names = table.get("allow")?.get_ref().as_array()?;
    Some(names.iter().filter_map(|name| name.get_ref().as_str()).map(str::to_owned).collect())
}

/// What Cargo resolves for the host in one workspace, our own packages included.
///
/// # Panics
/// When Cargo cannot say: a check that sees no packages must not pass.
fn resolved_packages(workspace: &str) -> Vec<Package> {
    let root = workspace_root();
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let run = |program: &str, args: &[&str]| {
        let output = Command::new(program)
            .args(args)
            .current_dir(&root)
            .output()
            .unwrap_or_else(|e| panic!("{program}: {e}"));
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {args:?}: {errors}");
        String::from_utf8(output.stdout).expect("Cargo prints UTF-8")
    };
    let version = run(&cargo, &["-vV"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host line");
    // Only this host's packages: the others were never downloaded.
    let metadata = ["metadata", "--format-version=1", "--manifest-path", workspace];
    let json = run(&cargo, &[&metadata[..], &["--filter-platform", host]].concat());
    let metadata: Value = serde_json::from_str(&json).expect("cargo metadata prints JSON");
    let packages = metadata["packages"].as_array().expect("cargo metadata lists packages");
    assert!(!packages.is_empty(), "cargo metadata lists no package");
    packages.iter().map(package).collect()
}

fn package(json: &Value) -> Package {
    let text = |field: &str| json[field].as_str().map(str::to_owned);
    Package {
        name: format!("{} {}", json["name"], json["version"]).replace('"', ""),
        licence: text("license"),
        source: text("source"),
    }
}

/// Whether some choice that the SPDX `expression` offers is allowed in full.
fn satisfied(expression: &str, allowed: &[String]) -> bool {
    // `MIT/Apache-2.0` is the old way to write OR.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let ok = any_of(&words, &mut at, allowed);
    ok && at == words.len()
}

fn any_of(words: &[&str], at: &mut usize, allowed: &[String]) -> bool {
    let mut ok = all_of(words, at, allowed);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        ok |= all_of(words, at, allowed);
    }
    ok
}

fn all_of(words: &[&str], at: &mut usize, allowed: &[String]) -> bool {
    let mut ok = one(words, at, allowed);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        ok &= one(words, at, allowed);
    }
    ok
}

fn one(words: &[&str], at: &mut usize, allowed: &[String]) -> bool {
    let Some(word) = words.get(*at) else { return false };
    *at += 1;
    if *word == "(" {
        let ok = any_of(words, at, allowed);
        let closed = words.get(*at) == Some(&")");
        *at += 1;
        return ok && closed;
    }
    // `MPL-2.0+` offers MPL-2.0 or any later one.
    let mut name = word.trim_end_matches('+').to_owned();
    if words.get(*at) == Some(&"WITH") {
        name = format!("{name} WITH {}", words.get(*at + 1).unwrap_or(&""));
        *at += 2;
    }
    allowed.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = "[licenses]\nallow = [\"MIT\", \"Apache-2.0 WITH LLVM-exception\"]\n\
                          [[licenses.exceptions]]\ncrate = \"given\"\nallow = [\"MPL-2.0\"]\n";

    fn problems(licence: Option<&str>, source: Option<&str>) -> usize {
        problems_of("a 1.0.0", licence, source)
    }

    fn problems_of(name: &str, licence: Option<&str>, source: Option<&str>) -> usize {
        let package = Package {
            name: name.to_owned(),
            licence: licence.map(str::to_owned),
            source: source.map(str::to_owned),
        };
        check_packages(&Tree::of_samples(&[(LIST, SAMPLE)]), &[package]).len()
    }

    #[test]
    fn licences_off_the_list_fire() {
        for expression in [
            "GPL-3.0-only",
            "Apache-2.0",
            "MIT AND GPL-3.0-only",
            "(MIT OR GPL-3.0-only) AND GPL-2.0-only",
            "MIT )",
            "(MIT",
            "",
        ] {
            assert_eq!(problems(Some(expression), None), 1, "{expression}");
        }
        assert_eq!(problems(None, None), 1);
    }

    #[test]
    fn licences_on_the_list_pass() {
        for expression in [
            "MIT",
            "MIT/Apache-2.0",
            "GPL-3.0-only OR MIT",
            "MIT AND (Apache-2.0 OR Apache-2.0 WITH LLVM-exception)",
        ] {
            assert_eq!(problems(Some(expression), None), 0, "{expression}");
        }
    }

    #[test]
    fn an_exception_holds_for_its_package_only() {
        assert_eq!(problems_of("given 2.0.0", Some("MPL-2.0+"), None), 0);
        assert_eq!(problems_of("given-more 2.0.0", Some("MPL-2.0+"), None), 1);
    }

    #[test]
    fn a_source_other_than_crates_io_fires() {
        assert_eq!(problems(Some("MIT"), Some("git+https://example.com/a")), 1);
        assert_eq!(problems(Some("MIT"), Some("registry+https://example.com/other")), 1);
        assert_eq!(problems(Some("MIT"), Some("registry+https://example.com/crates.io-index")), 0);
    }

    #[test]
    fn a_missing_list_fires() {
        assert_eq!(check_packages(&Tree::of_samples(&[]), &[]).len(), 1);
    }
}
