//! From the JSON of a price file to prices, figure by figure, so that a file may leave some out and an error names the
//! one that is wrong. Reads no disk: the text is an argument.

use serde_json::{Map, Value};

use super::{ClassPrices, LIST_NAME, OtherPrices, PriceOrigin, Prices, ReservedPrices};

/// Above it, a figure is a slip of the pen and not a price.
const MOST_USD: f64 = 1e9;

/// Why a price file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PriceError {
    /// Not JSON, or no object.
    #[error("not a price file: {0}; expected a JSON object as in docs/capacity.md")]
    Json(String),
    /// A name that means nothing.
    #[error("unknown price {0:?}; docs/capacity.md lists the names")]
    Unknown(String),
    /// A name that a whole file must have.
    #[error("{0} is missing")]
    Missing(String),
    /// A figure that is no price, or a text that is none.
    #[error("{name}: expected {expected}, found {found}")]
    Wrong {
        /// The figure's name, with its group's before it.
        name: String,
        /// What can stand there.
        expected: &'static str,
        /// What does.
        found: String,
    },
}

const TEXTS: [&str; 4] = ["date", "region", "currency", "source"];
const GROUPS: [&str; 5] =
    ["standard", "standard_ia", "reserved_1y_per_100", "reserved_3y_per_100", "other"];

/// Reads a file named `from`; what it leaves out is `base`'s.
pub(super) fn read(json: &str, from: &str, base: Option<&Prices>) -> Result<Prices, PriceError> {
    let value: Value =
        serde_json::from_str(json).map_err(|error| PriceError::Json(error.to_string()))?;
    let Value::Object(file) = value else {
        return Err(PriceError::Json("it holds no object".into()));
    };
    let known = |name: &&String| {
        !TEXTS.contains(&name.as_str()) && !GROUPS.contains(&name.as_str()) && *name != "about"
    };
    if let Some(unknown) = file.keys().find(known) {
        return Err(PriceError::Unknown(unknown.clone()));
    }
    let mut reader = Reader { file: &file, from, base, origins: Vec::new() };
    let text = |reader: &mut Reader<'_>, name, of: fn(&Prices) -> &String| reader.text(name, of);
    let date = text(&mut reader, "date", |of| &of.date)?;
    let region = text(&mut reader, "region", |of| &of.region)?;
    let currency = text(&mut reader, "currency", |of| &of.currency)?;
    let source = text(&mut reader, "source", |of| &of.source)?;
    let [wru_million, rru_million, wcu_hour, rcu_hour, storage_gb_month] =
        reader.group("standard", CLASS, base.map(|base| class(&base.standard)))?;
    let standard = ClassPrices { wru_million, rru_million, wcu_hour, rcu_hour, storage_gb_month };
    let [wru_million, rru_million, wcu_hour, rcu_hour, storage_gb_month] =
        reader.group("standard_ia", CLASS, base.map(|base| class(&base.standard_ia)))?;
    let standard_ia =
        ClassPrices { wru_million, rru_million, wcu_hour, rcu_hour, storage_gb_month };
    let reserved_1y_per_100 =
        reader.reserved("reserved_1y_per_100", |base| &base.reserved_1y_per_100)?;
    let reserved_3y_per_100 =
        reader.reserved("reserved_3y_per_100", |base| &base.reserved_3y_per_100)?;
    let other = base.map(|base| {
        let of = base.other;
        [of.pitr_gb_month, of.backup_warm_gb_month, of.restore_gb, of.streams_read_million]
    });
    let names = ["pitr_gb_month", "backup_warm_gb_month", "restore_gb", "streams_read_million"];
    let [pitr_gb_month, backup_warm_gb_month, restore_gb, streams_read_million] =
        reader.group("other", names, other)?;
    let other =
        OtherPrices { pitr_gb_month, backup_warm_gb_month, restore_gb, streams_read_million };
    Ok(Prices {
        date,
        region,
        currency,
        source,
        standard,
        standard_ia,
        reserved_1y_per_100,
        reserved_3y_per_100,
        other,
        origins: reader.origins,
    })
}

const CLASS: [&str; 5] = ["wru_million", "rru_million", "wcu_hour", "rcu_hour", "storage_gb_month"];

fn class(of: &ClassPrices) -> [f64; 5] {
    [of.wru_million, of.rru_million, of.wcu_hour, of.rcu_hour, of.storage_gb_month]
}

struct Reader<'a> {
    file: &'a Map<String, Value>,
    from: &'a str,
    base: Option<&'a Prices>,
    origins: Vec<PriceOrigin>,
}

impl Reader<'_> {
    fn text(&self, name: &str, of: fn(&Prices) -> &String) -> Result<String, PriceError> {
        match (self.file.get(name), self.base) {
            (Some(Value::String(text)), _) if !text.trim().is_empty() => Ok(text.clone()),
            (Some(found), _) => Err(PriceError::Wrong {
                name: name.into(),
                expected: "a text",
                found: found.to_string(),
            }),
            (None, Some(base)) => Ok(of(base).clone()),
            (None, None) => Err(PriceError::Missing(name.into())),
        }
    }

    /// A group's figures, and where they are from.
    fn group<const N: usize>(
        &mut self,
        group: &str,
        names: [&str; N],
        base: Option<[f64; N]>,
    ) -> Result<[f64; N], PriceError> {
        let empty = Map::new();
        let figures = match self.file.get(group) {
            None => &empty,
            Some(Value::Object(figures)) => figures,
            Some(found) => {
                return Err(PriceError::Wrong {
                    name: group.into(),
                    expected: "an object of prices",
                    found: found.to_string(),
                });
            }
        };
        if let Some(unknown) = figures.keys().find(|name| !names.contains(&name.as_str())) {
            return Err(PriceError::Unknown(format!("{group}.{unknown}")));
        }
        let mut prices = base.unwrap_or([0.0; N]);
        for (price, name) in prices.iter_mut().zip(names) {
            let full = || format!("{group}.{name}");
            match figures.get(name) {
                Some(found) => {
                    *price = found
                        .as_f64()
                        .filter(|usd| (0.0..=MOST_USD).contains(usd))
                        .ok_or_else(|| PriceError::Wrong {
                            name: full(),
                            expected: "a price of 0 or more",
                            found: found.to_string(),
                        })?;
                }
                None if base.is_none() => return Err(PriceError::Missing(full())),
                None => {}
            }
        }
        self.tell_origin(group, names.as_slice(), figures);
        Ok(prices)
    }

    /// A group that is whole in the file is the file's; otherwise the base's, but for the figures that the file has.
    fn tell_origin(&mut self, group: &str, names: &[&str], figures: &Map<String, Value>) {
        let all = names.iter().all(|name| figures.contains_key(*name));
        let before = self.base.into_iter().flat_map(|base| &base.origins);
        let origin = |name: &str, from: &str| PriceOrigin { name: name.into(), from: from.into() };
        if all {
            self.origins.push(origin(group, self.from));
            return;
        }
        let part = format!("{group}.");
        let is_kept = |of: &&PriceOrigin| {
            let overridden = of.name.strip_prefix(&part);
            of.name == group || overridden.is_some_and(|name| !figures.contains_key(name))
        };
        let mut kept: Vec<PriceOrigin> = before.filter(is_kept).cloned().collect();
        if kept.is_empty() {
            kept.push(origin(group, LIST_NAME));
        }
        kept.extend(figures.keys().map(|name| origin(&format!("{part}{name}"), self.from)));
        self.origins.extend(kept);
    }

    fn reserved(
        &mut self,
        group: &str,
        of: fn(&Prices) -> &ReservedPrices,
    ) -> Result<ReservedPrices, PriceError> {
        let base = self.base.map(|base| {
            let of = of(base);
            [of.wcu_upfront, of.wcu_hour, of.rcu_upfront, of.rcu_hour]
        });
        let names = ["wcu_upfront", "wcu_hour", "rcu_upfront", "rcu_hour"];
        let [wcu_upfront, wcu_hour, rcu_upfront, rcu_hour] = self.group(group, names, base)?;
        Ok(ReservedPrices { wcu_upfront, wcu_hour, rcu_upfront, rcu_hour })
    }
}
