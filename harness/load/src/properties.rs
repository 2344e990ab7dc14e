//! Raw properties: names and values with the place each came from.
//! It knows no property's meaning: that is `workload`.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use java_properties::{LineContent, PropertiesIter};

/// Where a property was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A line of a `-P` file, counted from 1.
    File(PathBuf, usize),
    /// A `-p name=value` argument.
    Argument,
    /// A flag or a caller's own override, by its name.
    Override(String),
    /// Nobody set it: YCSB's default, or one derived from other properties.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Argument => f.write_str("-p"),
            Self::Override(flag) => f.write_str(flag),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A property that cannot be used: place, name, what was expected and what stood there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{origin}: {}expected {expected}, found {found}", name_prefix(name))]
pub struct PropertyError {
    /// Where it was set.
    pub origin: Origin,
    /// The property; empty when the line itself could not be read.
    pub name: String,
    /// What should have stood there.
    pub expected: String,
    /// What stood there.
    pub found: String,
}

fn name_prefix(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!("{name}: ") }
}

/// A value and where it was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The value, trimmed.
    pub value: String,
    /// Where it was set.
    pub origin: Origin,
}

/// Properties as they were given; whatever is set later wins.
#[derive(Debug, Clone, Default)]
pub struct Properties {
    settings: BTreeMap<String, Setting>,
}

impl Properties {
    /// No property at all: YCSB's defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a `-P` file in Java's .properties format (`\u00e9` escapes, `\` continues a line). Read as
    /// Windows-1252: ISO 8859-1 as Java has it, but for the control characters 80 to 9F.
    pub fn load_file(&mut self, path: &Path) -> Result<(), PropertyError> {
        let fail = |line: usize, expected: &str, found: String| PropertyError {
            origin: Origin::File(path.to_owned(), line),
            name: String::new(),
            expected: expected.to_owned(),
            found,
        };
        let file = File::open(path)
            .map_err(|error| fail(0, "a readable properties file", error.to_string()))?;
        for line in PropertiesIter::new(BufReader::new(file)) {
            let line = line.map_err(|error| {
                let number = error.line_number().unwrap_or(0);
                fail(number, "a line of Java's .properties format", error.to_string())
            })?;
            let origin = Origin::File(path.to_owned(), line.line_number());
            if let LineContent::KVPair(name, value) = line.consume_content() {
                self.insert(&name, &value, origin);
            }
        }
        Ok(())
    }

    /// Adds a `-p name=value` argument.
    pub fn set_argument(&mut self, argument: &str) -> Result<(), PropertyError> {
        match argument.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => {
                self.insert(name.trim(), value, Origin::Argument);
                Ok(())
            }
            _ => Err(PropertyError {
                origin: Origin::Argument,
                name: String::new(),
                expected: "name=value".to_owned(),
                found: format!("{argument:?}"),
            }),
        }
    }

    /// Sets a property on behalf of a command-line flag such as `--threads`, named in error messages.
    pub fn set_override(&mut self, name: &str, value: &str, flag: &str) {
        self.insert(name, value, Origin::Override(flag.to_owned()));
    }

    fn insert(&mut self, name: &str, value: &str, origin: Origin) {
        let setting = Setting { value: value.trim().to_owned(), origin };
        self.settings.insert(name.to_owned(), setting);
    }

    /// What `name` was set to.
    pub fn get(&self, name: &str) -> Option<&Setting> {
        self.settings.get(name)
    }

    /// Everything that was set, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Setting)> {
        self.settings.iter().map(|(name, setting)| (name.as_str(), setting))
    }
}
