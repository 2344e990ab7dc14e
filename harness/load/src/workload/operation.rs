//! The five operations of YCSB's core.
//! Their meaning lives in `driver`; here are only their names.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An operation, in the order in which YCSB's chooser weighs them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Operation {
    /// One record by key.
    #[serde(rename = "READ")]
    Read,
    /// Some or all fields of a record that exists.
    #[serde(rename = "UPDATE")]
    Update,
    /// A new record.
    #[serde(rename = "INSERT")]
    Insert,
    /// Records in key order from a start key.
    #[serde(rename = "SCAN")]
    Scan,
    /// A read, then an update of the same key.
    #[serde(rename = "READMODIFYWRITE")]
    ReadModifyWrite,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Read, Self::Update, Self::Insert, Self::Scan, Self::ReadModifyWrite];

    /// Its name in results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "READ",
            Self::Update => "UPDATE",
            Self::Insert => "INSERT",
            Self::Scan => "SCAN",
            Self::ReadModifyWrite => "READMODIFYWRITE",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
