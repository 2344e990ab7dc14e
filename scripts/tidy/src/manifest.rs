//! A member's `Cargo.toml`, reduced to what the rules ask: its dependencies and its lints.
//!
//! Knows TOML and where Cargo puts dependencies; knows no rule.

use toml::de::{DeTable, DeValue};

use crate::Finding;
use crate::tree::Tree;

/// Where a dependency is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Linked into the crate.
    Normal,
    /// Linked into its tests and benches only.
    Dev,
    /// Linked into its build script.
    Build,
}

const SECTIONS: [(&str, Kind); 3] = [
    ("dependencies", Kind::Normal),
    ("dev-dependencies", Kind::Dev),
    ("build-dependencies", Kind::Build),
];

/// One entry of a dependency table.
#[derive(Debug, Clone)]
pub struct Dependency {
    /// The package's name; the table's key unless renamed in place.
    pub package: String,
    /// Which table it stands in.
    pub kind: Kind,
    /// Whether it says `workspace = true`.
    pub inherited: bool,
    /// Counted from 1.
    pub line: usize,
}

/// How a manifest sets its lints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lints {
    /// `workspace = true`.
    Inherited,
    /// A table of its own, starting at this line.
    Own(usize),
    /// No table.
    Missing,
}

/// One package of the workspace.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// Its path, ending in `Cargo.toml`.
    pub path: String,
    /// Its folder.
    pub dir: String,
    /// `package.name`.
    pub package: String,
    /// All tables together, those under `[target.'cfg(..)']` included.
    pub dependencies: Vec<Dependency>,
    /// The `[lints]` table.
    pub lints: Lints,
}

/// Every package in the tree; a file that does not parse is a finding.
pub fn packages(tree: &Tree) -> Result<Vec<Manifest>, Finding> {
    let mut found = Vec::new();
    for (path, text) in tree.texts() {
        let Some(dir) = path.strip_suffix("/Cargo.toml") else { continue };
        found.push(parse(path, dir, text)?);
    }
    Ok(found)
}

fn parse(path: &str, dir: &str, text: &str) -> Result<Manifest, Finding> {
    let broken = |line, problem: String| Finding {
        path: path.to_owned(),
        line,
        rule: "manifest",
        problem,
        remedy: "make it a package manifest that Cargo reads".to_owned(),
    };
    let root = DeTable::parse(text).map_err(|e| {
        broken(e.span().map_or(1, |span| line_of(text, span.start)), e.message().to_owned())
    })?;
    let root = root.get_ref();
    let package = root
        .get("package")
        .and_then(|package| package.get_ref().get("name"))
        .and_then(|name| name.get_ref().as_str())
        .ok_or_else(|| broken(1, "no package.name".to_owned()))?
        .to_owned();

    let mut dependencies = Vec::new();
    collect(root, text, &mut dependencies);
    if let Some(targets) = root.get("target").and_then(|target| target.get_ref().as_table()) {
        for target in targets.values().filter_map(|target| target.get_ref().as_table()) {
            collect(target, text, &mut dependencies);
        }
    }
    let lints = root.get_key_value("lints").map_or(Lints::Missing, |(_, table)| {
        let inherited = table.get_ref().get("workspace").and_then(|w| w.get_ref().as_bool());
        let line = line_of(text, text.find("\n[lints").map_or(0, |at| at + 1));
        if inherited == Some(true) { Lints::Inherited } else { Lints::Own(line) }
    });
    Ok(Manifest { path: path.to_owned(), dir: dir.to_owned(), package, dependencies, lints })
}

/// Adds what stands in the three dependency sections of `table`.
fn collect(table: &DeTable<'_>, text: &str, out: &mut Vec<Dependency>) {
    for (section, kind) in SECTIONS {
        let Some(entries) = table.get(section).and_then(|s| s.get_ref().as_table()) else {
            continue;
        };
        for (key, value) in entries {
            let field = |name: &str| value.get_ref().as_table()?.get(name).map(|v| v.get_ref());
            out.push(Dependency {
                package: field("package")
                    .and_then(DeValue::as_str)
                    .unwrap_or(key.get_ref().as_ref())
                    .to_owned(),
                kind,
                inherited: field("workspace").and_then(DeValue::as_bool) == Some(true),
                line: line_of(text, key.span().start),
            });
        }
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text[..offset].matches('\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_are_found_in_every_table_with_their_lines() {
        let text = concat!(
            "[package]\nname = \"flywheel-x\"\n[dependencies]\na.workspace = true\n",
            "b = { version = \"1\", package = \"real-b\" }\n",
            "[target.'cfg(unix)'.dev-dependencies]\nc = \"1\"\n[lints]\nworkspace = true\n",
        );
        let found = packages(&Tree::of_samples(&[("x/Cargo.toml", text)])).expect("it parses");
        let seen: Vec<_> = found[0]
            .dependencies
            .iter()
            .map(|d| (d.package.as_str(), d.kind, d.inherited, d.line))
            .collect();
        let expected = [
            ("a", Kind::Normal, true, 4),
            ("real-b", Kind::Normal, false, 5),
            ("c", Kind::Dev, false, 7),
        ];
        assert_eq!(seen, expected);
        assert_eq!(found[0].lints, Lints::Inherited);
    }

    #[test]
    fn broken_toml_is_a_finding_with_its_line() {
        let tree = Tree::of_samples(&[("x/Cargo.toml", "[package]\nname = \n")]);
        let finding = packages(&tree).expect_err("it does not parse");
        assert_eq!((finding.path.as_str(), finding.line), ("x/Cargo.toml", 2));
    }
}
