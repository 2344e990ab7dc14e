//! Both kinds of capacity of a table or an index, by what its record says. They outlive changes of the record: what
//! was saved or is owed goes on. Not requests: see `permit`.

use std::sync::Arc;

use flywheel_capacity::account::TableQuota;
use flywheel_capacity::admission::Ceiling;
use flywheel_capacity::operation::{Each, Operation as Kind};
use flywheel_capacity::tokens::Rate;
use flywheel_shard::Meter;

use super::Throttling;
use super::growing::Growing;
use crate::catalog::record::{OnDemandRecord, ThroughputRecord, WarmRecord};

/// Meters of reads and of writes.
#[derive(Debug, Clone)]
pub(crate) struct Meters {
    pub is_on_demand: bool,
    arms: Each<Arc<Meter>>,
    growing: Arc<Growing>,
    /// Most that its owner lets it take on demand.
    most: Each<Option<Rate>>,
}

/// What of a record says what a meter lets in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting<'a> {
    pub is_on_demand: bool,
    pub provisioned: &'a ThroughputRecord,
    pub on_demand: &'a OnDemandRecord,
    pub warm: &'a WarmRecord,
}

impl Meters {
    /// As set; those of before go on.
    pub fn new(
        throttling: Throttling,
        now_ns: u64,
        setting: Setting<'_>,
        before: Option<&Self>,
    ) -> Self {
        let growing = before.map_or_else(|| Arc::new(Growing::new()), |it| Arc::clone(&it.growing));
        setting.warm(&growing);
        let most = setting.most();
        let arm = |kind: Kind| {
            let ceiling = match (throttling, setting.is_on_demand, *most.of(kind)) {
                (Throttling::Never, ..) => None,
                (_, false, _) => Some(Ceiling::provisioned(setting.provisioned(kind))),
                (Throttling::AsSet, true, None) => None,
                (Throttling::AsSet, true, most) => {
                    Some(Ceiling::on_demand(Rate::HIGHEST, most, Rate::HIGHEST))
                }
                (Throttling::Dynamodb, true, most) => Some(grown(&growing, kind, most)),
            };
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
        Self { is_on_demand: setting.is_on_demand, arms, growing, most }
    }

    pub fn of(&self, kind: Kind) -> &Meter {
        self.arms.of(kind)
    }

    /// Of reads and of writes.
    pub fn both(&self) -> [(Kind, &Meter); 2] {
        [Kind::Read, Kind::Write].map(|kind| (kind, self.of(kind)))
    }

    /// Looks at what was taken on demand, and lets in what that makes of it.
    pub fn grow(&self, now_ns: u64, now_ms: u64) {
        for (kind, meter) in self.both() {
            self.growing.look(kind, now_ms, meter.taken());
            meter.set_ceiling(now_ns, Some(grown(&self.growing, kind, *self.most.of(kind))));
        }
    }

    /// Units a second that it has grown to; `None` if it serves what a new one does.
    pub fn grown_units(&self, kind: Kind) -> Option<i64> {
        let serves = self.growing.serves(kind);
        let is_new = serves <= Growing::new().serves(kind);
        (!is_new).then_some(serves.as_f64() as i64)
    }
}

/// What is let in on demand.
fn grown(growing: &Growing, kind: Kind, most: Option<Rate>) -> Ceiling {
    let quota = TableQuota::default();
    let quota = Each { read: quota.read, write: quota.write };
    Ceiling::on_demand(growing.serves(kind), most, *quota.of(kind))
}

impl Setting<'_> {
    fn provisioned(&self, kind: Kind) -> Rate {
        let ThroughputRecord { read_units, write_units, .. } = self.provisioned;
        rate(*Each { read: *read_units, write: *write_units }.of(kind))
    }

    fn most(&self) -> Each<Option<Rate>> {
        let OnDemandRecord { most_read_units, most_write_units } = *self.on_demand;
        Each { read: most_read_units, write: most_write_units }.map(|most| most.map(rate))
    }

    /// What a table was asked to be ready for, has grown to, or is provisioned with, it serves at once on demand.
    fn warm(&self, growing: &Growing) {
        let WarmRecord { read_units, write_units } = *self.warm;
        let warm = Each { read: read_units, write: write_units };
        for kind in [Kind::Read, Kind::Write] {
            growing.warm_to(kind, rate(warm.of(kind).unwrap_or_default()));
            growing.warm_to(kind, self.provisioned(kind));
        }
    }
}

fn rate(units: i64) -> Rate {
    Rate::per_s(u64::try_from(units).unwrap_or(0))
}
