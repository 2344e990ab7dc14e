//! Projections: which parts of an item are returned.

use super::placeholders::Placeholders;
use super::{check, parser};
use crate::invalid::{ExpressionFault, ExpressionKind, Invalid};
use crate::path::{Path, PathElement};
use crate::value::{AttributeValue, Item};

/// Paths, none of which is or goes through another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Projection {
    paths: Vec<Path>,
}

impl Projection {
    /// Reads a projection.
    ///
    /// # Errors
    /// If it is none, or needs a name that is not defined.
    pub fn parse(text: &str, placeholders: &mut Placeholders) -> Result<Self, Invalid> {
        Self::read(text, placeholders)
            .map_err(|fault| Invalid::Expression(ExpressionKind::Projection, fault))
    }

    fn read(text: &str, placeholders: &mut Placeholders) -> Result<Self, ExpressionFault> {
        let syntax = parser::projection(text)?;
        syntax.iter().try_for_each(check::path_text)?;
        let paths: Result<Vec<Path>, ExpressionFault> =
            syntax.iter().map(|path| check::path(path, placeholders)).collect();
        let paths = paths?;
        check::distinct_paths(paths.iter())?;
        Ok(Self::of(paths))
    }

    /// These paths, none of which is or goes through another.
    pub fn of(mut paths: Vec<Path>) -> Self {
        // In order, so that elements of a list come out in theirs.
        paths.sort_unstable();
        Self { paths }
    }

    /// Its paths, in order.
    pub fn paths(&self) -> &[Path] {
        &self.paths
    }

    /// The parts of an item that it names. Elements of lists close up.
    pub fn apply(&self, item: &Item) -> Item {
        let mut projected = Item::new();
        for group in self.paths.chunk_by(|a, b| a.name() == b.name()) {
            let Some(value) = item.get(group[0].name()) else { continue };
            let rests: Vec<&[PathElement]> =
                group.iter().map(|path| &path.elements()[1..]).collect();
            if let Some(part) = part_of(value, &rests) {
                projected.insert(group[0].name().to_owned(), part);
            }
        }
        projected
    }
}

/// What is left of some paths behind their first step.
fn rests<'a>(paths: &[&'a [PathElement]]) -> Vec<&'a [PathElement]> {
    paths.iter().map(|path| &path[1..]).collect()
}

/// The part of a value that some paths name, which are in order; `None` if they name nothing there is.
fn part_of(value: &AttributeValue, paths: &[&[PathElement]]) -> Option<AttributeValue> {
    if paths.iter().any(|path| path.is_empty()) {
        return Some(value.clone());
    }
    let groups = paths.chunk_by(|a, b| a[0] == b[0]);
    match value {
        AttributeValue::M(map) => {
            let mut part = Item::new();
            for group in groups {
                let PathElement::Name(name) = &group[0][0] else { continue };
                let found = map.get(&**name).and_then(|value| part_of(value, &rests(group)));
                if let Some(found) = found {
                    part.insert((**name).to_owned(), found);
                }
            }
            (!part.is_empty()).then_some(AttributeValue::M(part))
        }
        AttributeValue::L(list) => {
            let part: Vec<AttributeValue> = groups
                .filter_map(|group| match &group[0][0] {
                    PathElement::Index(index) => part_of(list.get(*index as usize)?, &rests(group)),
                    PathElement::Name(_) => None,
                })
                .collect();
            (!part.is_empty()).then_some(AttributeValue::L(part))
        }
        _ => None,
    }
}
