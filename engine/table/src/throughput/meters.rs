//! Both kinds of capacity of a table or an index, by what its record says. They outlive changes of the record: what
//! was saved or is owed goes on. Not requests: see `permit`.

use std::sync::Arc;

use flywheel_capacity::admission::Ceiling;
use flywheel_capacity::operation::{Each, Operation as Kind};
use flywheel_capacity::tokens::Rate;
use flywheel_shard::Meter;

use super::Throttling;
use crate::catalog::record::{OnDemandRecord, ThroughputRecord};

/// Meters of reads and of writes.
#[derive(Debug, Clone)]
pub(crate) struct Meters {
    pub is_on_demand: bool,
    arms: Each<Arc<Meter>>,
}

/// What of a record says what a meter lets in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting<'a> {
    pub is_on_demand: bool,
    pub provisioned: &'a ThroughputRecord,
    pub on_demand: &'a OnDemandRecord,
}

impl Meters {
    /// As set; those of before go on.
    pub fn new(
        throttling: Throttling,
        now_ns: u64,
        setting: Setting<'_>,
        before: Option<&Self>,
    ) -> Self {
        let ceilings = setting.ceilings(throttling);
        let arm = |kind: Kind| {
            let ceiling = *ceilings.of(kind);
            match before {
                Some(before) => {
                    let meter = Arc::clone(before.arms.of(kind));
                    meter.set_ceiling(now_ns, ceiling);
                    meter
                }
                None => Arc::new(Meter::new(now_ns, ceiling)),
            }
        };
        let arms = Each { read: arm(Kind::Read), write: arm(Kind::Write) };
        Self { is_on_demand: setting.is_on_demand, arms }
    }

    pub fn of(&self, kind: Kind) -> &Meter {
        self.arms.of(kind)
    }

    /// Of reads and of writes.
    pub fn both(&self) -> [(Kind, &Meter); 2] {
        [Kind::Read, Kind::Write].map(|kind| (kind, self.of(kind)))
    }
}

impl Setting<'_> {
    fn ceilings(&self, throttling: Throttling) -> Each<Option<Ceiling>> {
        let units = |units: i64| Rate::per_s(u64::try_from(units).unwrap_or(0));
        let (provisioned, most) = (self.provisioned, self.on_demand);
        match (throttling, self.is_on_demand) {
            (Throttling::Never, _) => Each { read: None, write: None },
            (Throttling::AsSet | Throttling::Dynamodb, false) => Each {
                read: Some(Ceiling::provisioned(units(provisioned.read_units))),
                write: Some(Ceiling::provisioned(units(provisioned.write_units))),
            },
            (Throttling::AsSet | Throttling::Dynamodb, true) => {
                let arm = |most: Option<i64>| {
                    let most = Some(units(most?));
                    Some(Ceiling::on_demand(Rate::HIGHEST, most, Rate::HIGHEST))
                };
                Each { read: arm(most.most_read_units), write: arm(most.most_write_units) }
            }
        }
    }
}
