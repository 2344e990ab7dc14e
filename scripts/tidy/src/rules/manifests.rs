//! Every crate takes its lints and its dependencies from the workspace.
//!
//! One place then holds each version with its reason, and no crate quietly turns a lint off.

use crate::Finding;
use crate::manifest::{self, Lints};
use crate::tree::Tree;

/// `[lints] workspace = true`, or a table of its own under a comment that says why.
pub fn lints(tree: &Tree) -> Vec<Finding> {
    let packages = match manifest::packages(tree) {
        Ok(packages) => packages,
        Err(finding) => return vec![finding],
    };
    let mut findings = Vec::new();
    for package in packages {
        let (line, problem) = match package.lints {
            Lints::Inherited => continue,
            Lints::Own(line) if has_reason(tree.text(&package.path).unwrap_or(""), line) => {
                continue;
            }
            Lints::Own(line) => (line, "a [lints] table of its own without a reason"),
            Lints::Missing => (1, "no [lints] table"),
        };
        findings.push(Finding {
            path: package.path,
            line,
            rule: "lints",
            problem: problem.to_owned(),
            remedy: "write `[lints]` with `workspace = true`, or a comment above that says why not"
                .to_owned(),
        });
    }
    findings
}

/// Whether the header at `line` carries a comment, or the line above is one.
fn has_reason(text: &str, line: usize) -> bool {
    let nth = |n: usize| text.lines().nth(n).unwrap_or("");
    nth(line - 1).contains('#') || (line > 1 && nth(line - 2).trim_start().starts_with('#'))
}

/// `name.workspace = true` for every dependency.
pub fn dependencies(tree: &Tree) -> Vec<Finding> {
    let packages = match manifest::packages(tree) {
        Ok(packages) => packages,
        Err(finding) => return vec![finding],
    };
    let mut findings = Vec::new();
    for package in packages {
        for dependency in package.dependencies.iter().filter(|dependency| !dependency.inherited) {
            let name = &dependency.package;
            findings.push(Finding {
                path: package.path.clone(),
                line: dependency.line,
                rule: "workspace-dependencies",
                problem: format!("{name} is not taken from [workspace.dependencies]"),
                remedy: format!(
                    "enter it in the root Cargo.toml with its reason and write `{name}.workspace = true`"
                ),
            });
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::sample::fired;

    fn lint_lines(body: &str) -> Vec<String> {
        fired(lints, &[("a/Cargo.toml", &format!("[package]\nname = \"a\"\n{body}"))])
    }

    #[test]
    fn missing_or_unexplained_lints_fire() {
        assert_eq!(lint_lines(""), ["a/Cargo.toml:1"]);
        assert_eq!(lint_lines("\n[lints.clippy]\nall = \"allow\"\n"), ["a/Cargo.toml:4"]);
        assert_eq!(lint_lines("[lints]\nworkspace = false\n"), ["a/Cargo.toml:3"]);
    }

    #[test]
    fn inherited_or_explained_lints_pass() {
        assert!(lint_lines("[lints]\nworkspace = true\n").is_empty());
        assert!(lint_lines("# Generated code.\n[lints.clippy]\nall = \"allow\"\n").is_empty());
    }

    #[test]
    fn a_dependency_with_its_own_version_or_path_fires() {
        let text = "[package]\nname = \"a\"\n[dependencies]\nb = \"1\"\nc.workspace = true\n\
                    [dev-dependencies]\nd = { path = \"../d\" }\n";
        let found = fired(dependencies, &[("a/Cargo.toml", text)]);
        assert_eq!(found, ["a/Cargo.toml:4", "a/Cargo.toml:7"]);
    }
}
