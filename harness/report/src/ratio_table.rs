//! Ratios with their bounds, as a comparison of two builds or engines, or of an engine with its device, leaves them.
//! Works out none of them: that is the business of statistics.

use serde::{Deserialize, Serialize};

/// Ratios on one scale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RatioTable {
    /// The ratios, in the order to be shown.
    pub rows: Vec<RatioRow>,
    /// What means "no difference": 1, if nothing else is said.
    pub reference: f64,
    /// Between these bounds a ratio makes no difference in practice.
    #[serde(default)]
    pub threshold: Option<(f64, f64)>,
}

/// A ratio and the bounds of its interval. No unit; above 0.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RatioRow {
    /// What was divided by what.
    pub label: String,
    /// Lower bound.
    pub low: f64,
    /// The ratio itself.
    pub estimate: f64,
    /// Upper bound.
    pub high: f64,
    /// The verdict, or how many pairs stand behind it; may be empty.
    #[serde(default)]
    pub note: String,
}

impl Default for RatioTable {
    fn default() -> Self {
        Self { rows: Vec::new(), reference: 1.0, threshold: None }
    }
}
