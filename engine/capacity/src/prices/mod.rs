//! What units, gigabytes and reservations cost: a dated file of list prices, and files that override it whole or in
//! part. Adds nothing up: that is `cost`'s.
//!
//! The file in the crate is `prices/us-east-1.json`. Another has the same names; what it leaves out is the crate's,
//! and [`Prices::origins`] says for each group which file its figures are from.

mod file;

use serde::{Deserialize, Serialize};

pub use file::PriceError;

/// The list prices that come with the crate.
const LIST: &str = include_str!("../../prices/us-east-1.json");

/// The name that figures of [`LIST`] are told under.
pub const LIST_NAME: &str = "list prices of this build";

/// Prices of one region at one date. Each is finite and at least 0.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Prices {
    /// The month in which they were read, such as `2026-11`.
    pub date: String,
    /// The region, such as `us-east-1`.
    pub region: String,
    /// The currency; all figures are named `usd` for the usual one.
    pub currency: String,
    /// Where they were read.
    pub source: String,
    /// The usual table class.
    pub standard: ClassPrices,
    /// The table class for what is kept and seldom asked for.
    pub standard_ia: ClassPrices,
    /// Reservations for a year; of the usual class only.
    pub reserved_1y_per_100: ReservedPrices,
    /// Reservations for three years.
    pub reserved_3y_per_100: ReservedPrices,
    /// What else may be on a bill.
    pub other: OtherPrices,
    /// For each group of figures, the file that it was read from.
    pub origins: Vec<PriceOrigin>,
}

/// Which file a group of prices was read from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PriceOrigin {
    /// The group's name in the file; `group.figure` where only some figures of a group were overridden.
    pub name: String,
    /// The file, or [`LIST_NAME`].
    pub from: String,
}

/// Prices of one table class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassPrices {
    /// A million write request units, on demand.
    pub wru_million: f64,
    /// A million read request units, on demand.
    pub rru_million: f64,
    /// One provisioned write unit per second, for an hour.
    pub wcu_hour: f64,
    /// One provisioned read unit per second, for an hour.
    pub rcu_hour: f64,
    /// A gigabyte kept for a month.
    pub storage_gb_month: f64,
}

impl ClassPrices {
    /// The rates of one kind of unit.
    pub fn unit(&self, kind: Unit) -> UnitPrices {
        match kind {
            Unit::Read => UnitPrices { request_million: self.rru_million, hour: self.rcu_hour },
            Unit::Write => UnitPrices { request_million: self.wru_million, hour: self.wcu_hour },
        }
    }
}

/// Prices of a reservation, each for a lot of 100 units per second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReservedPrices {
    /// Once, for write units.
    pub wcu_upfront: f64,
    /// For each hour of the term, used or not.
    pub wcu_hour: f64,
    /// Once, for read units.
    pub rcu_upfront: f64,
    /// For each hour of the term, used or not.
    pub rcu_hour: f64,
}

impl ReservedPrices {
    /// The rates of one kind of unit.
    pub fn lot(&self, kind: Unit) -> LotPrices {
        match kind {
            Unit::Read => LotPrices { upfront: self.rcu_upfront, hour: self.rcu_hour },
            Unit::Write => LotPrices { upfront: self.wcu_upfront, hour: self.wcu_hour },
        }
    }
}

/// What is neither units nor storage.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OtherPrices {
    /// Point-in-time recovery, a gigabyte of table for a month.
    pub pitr_gb_month: f64,
    /// A warm backup, a gigabyte for a month.
    pub backup_warm_gb_month: f64,
    /// A gigabyte restored.
    pub restore_gb: f64,
    /// A million reads of a stream.
    pub streams_read_million: f64,
}

/// What a unit is for. Reads and writes are provisioned, scaled, throttled and paid for apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Up to 4 KB, read consistently.
    Read,
    /// Up to 1 KB, written.
    Write,
}

/// Prices of one kind of unit in one class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UnitPrices {
    /// A million request units, on demand.
    pub request_million: f64,
    /// One unit per second, provisioned for an hour.
    pub hour: f64,
}

/// Prices of a lot of 100 reserved units of one kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LotPrices {
    /// Once.
    pub upfront: f64,
    /// For each hour.
    pub hour: f64,
}

impl Prices {
    /// The list prices that come with the crate.
    ///
    /// # Panics
    /// Never: a test reads the file.
    pub fn list() -> Self {
        file::read(LIST, LIST_NAME, None).expect("the crate's price file is sound")
    }

    /// These prices with what `json` says instead; `name` is told as its origin.
    ///
    /// # Errors
    /// If it is not JSON of this form, names something unknown, or holds a price that is none.
    pub fn overridden_by(&self, json: &str, name: &str) -> Result<Self, PriceError> {
        file::read(json, name, Some(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sound_and_dated() {
        let prices = Prices::list();
        assert_eq!(
            (prices.date.as_str(), prices.region.as_str(), prices.currency.as_str()),
            ("2026-11", "us-east-1", "USD")
        );
        assert_eq!(prices.standard.unit(Unit::Write).hour, 0.00065);
        assert_eq!(prices.reserved_3y_per_100.lot(Unit::Read).upfront, 36.0);
        assert!(prices.origins.iter().all(|origin| origin.from == LIST_NAME));
    }

    #[test]
    fn a_part_overrides_only_itself_and_is_told() {
        let list = Prices::list();
        let json = r#"{"date": "2027-01", "standard": {"wcu_hour": 0.001}}"#;
        let prices = list.overridden_by(json, "ours.json").unwrap();
        assert_eq!((prices.standard.wcu_hour, prices.standard.rcu_hour), (0.001, 0.00013));
        assert_eq!((prices.date.as_str(), prices.region.as_str()), ("2027-01", "us-east-1"));
        let of = |name: &str| {
            prices.origins.iter().find(|origin| origin.name == name).map(|of| of.from.as_str())
        };
        assert_eq!(of("standard.wcu_hour"), Some("ours.json"));
        assert_eq!([of("standard"), of("other")], [Some(LIST_NAME); 2]);
    }

    #[test]
    fn the_same_file_again_overrides_everything() {
        let prices = Prices::list().overridden_by(LIST, "again.json").unwrap();
        assert_eq!(prices.standard, Prices::list().standard);
        assert!(prices.origins.iter().all(|origin| origin.from == "again.json"));
    }

    #[test]
    fn what_is_no_price_is_named() {
        for (json, part) in [
            ("", "not a price file"),
            ("[]", "not a price file"),
            (r#"{"standart": {}}"#, "standart"),
            (r#"{"standard": {"wcu": 1}}"#, "wcu"),
            (r#"{"standard": {"wcu_hour": -1}}"#, "standard.wcu_hour"),
            (r#"{"standard": {"wcu_hour": "1"}}"#, "standard.wcu_hour"),
            (r#"{"standard": {"wcu_hour": 1e300}}"#, "standard.wcu_hour"),
            (r#"{"date": 7}"#, "date"),
            (r#"{"standard": 7}"#, "standard"),
            (r#"{"currency": ""}"#, "currency"),
        ] {
            let error = Prices::list().overridden_by(json, "bad.json").unwrap_err().to_string();
            assert!(error.contains(part), "{json}: {error}");
        }
    }
}
