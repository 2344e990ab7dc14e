//! What a workload can be run on, and how each is opened, settled and closed. What is then measured is the same
//! for all: see `measure`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use flywheel_load::{Control, RunFigures, TargetFactory, Workload};
use flywheel_shard::{Engine, EngineOptions};
use flywheel_targets::{
    EngineFactory, ItemMapping, NullFactory, Peer, PeerName, PeerOptions, TableFactory,
    table_engine_options,
};

use crate::args::{Common, Partitions};
use crate::error::CliError;
use crate::phases::Bench;
use crate::settings;
use crate::watch::{Seen, Watch};

/// How the generator has to behave towards a system.
pub struct Manners {
    /// Operations of an open loop that the system lets in at most.
    pub in_flight: usize,
    /// Generator threads that it needs; `None` leaves it to the flags.
    pub workers: Option<usize>,
    /// Cores that it leaves to the generator.
    pub spare_cores: Vec<usize>,
    /// Whether its calls block the thread that makes them.
    pub calls_block: bool,
}

/// A system that can be opened in a directory.
pub trait System {
    /// Once it is open.
    type Open: Open;

    /// Its name in results.
    fn name(&self) -> &'static str;

    /// Whether its data is in the directory that the flags name, on a disk that can be probed.
    fn is_local(&self) -> bool {
        true
    }

    /// Opens it in the directory that the flags name, under a bar if that takes long.
    fn open(
        &self,
        bench: &Bench<'_>,
        workload: &Workload,
        is_open_loop: bool,
    ) -> Result<Self::Open, CliError>;
}

/// A system that is open.
pub trait Open: Watch {
    /// Connects to it.
    type Factory: TargetFactory;

    /// Connects to it.
    fn factory(&self) -> &Self::Factory;

    /// How the generator has to behave.
    fn manners(&self, common: &Common, workload: &Workload) -> Manners;

    /// Where its data is, as its users call it.
    fn place(&self, common: &Common) -> PathBuf {
        common.dir.clone()
    }

    /// Whether it holds the workload's records. Asked only of those that have no directory to look into.
    fn is_loaded(&self, _: &Workload) -> Result<bool, CliError> {
        Ok(true)
    }

    /// Brings what was loaded into the state in which it is to be used.
    fn settle(&self) -> Result<(), CliError>;

    /// How it is set, in words that its users know.
    fn settings(&self) -> BTreeMap<String, String>;

    /// Closes it in good order.
    fn close(self) -> Result<(), CliError>;

    /// Itself as what can be watched.
    fn watch(&self) -> &dyn Watch;
}

/// The engine of this project.
#[derive(Default)]
pub struct Flywheel(pub Partitions);

/// DynamoDB's tables on the engine, in this process.
#[derive(Default)]
pub struct Table(pub Partitions);

/// The engine, open, and what asks it.
pub struct OpenEngine<F> {
    engine: Engine,
    factory: F,
    options: EngineOptions,
    /// Of what asks it.
    settings: BTreeMap<String, String>,
}

impl System for Flywheel {
    type Open = OpenEngine<EngineFactory>;

    fn name(&self) -> &'static str {
        "flywheel"
    }

    fn open(
        &self,
        bench: &Bench<'_>,
        workload: &Workload,
        is_open_loop: bool,
    ) -> Result<Self::Open, CliError> {
        let mut options = settings::engine_options(bench.common, workload, is_open_loop)?;
        options.split.automatic = self.0.adapt;
        let engine = bench.open_engine(options.clone())?;
        let factory = EngineFactory::new(engine.handle());
        Ok(OpenEngine { engine, factory, options, settings: told(self.0) })
    }
}

impl System for Table {
    type Open = OpenEngine<TableFactory>;

    fn name(&self) -> &'static str {
        "table"
    }

    fn open(
        &self,
        bench: &Bench<'_>,
        workload: &Workload,
        is_open_loop: bool,
    ) -> Result<Self::Open, CliError> {
        let options = settings::engine_options(bench.common, workload, is_open_loop)?;
        // Those are for records under their own keys; a table has its own.
        let mut options = EngineOptions { initial_splits: Vec::new(), ..options };
        options.split.automatic = self.0.adapt;
        let mapping = ItemMapping::new(workload, &workload.table)?;
        let (throttling, _) = self.0.throttling.resolved();
        let engine = bench.open_engine(table_engine_options(options.clone(), throttling))?;
        let mut settings = mapping.settings();
        settings.extend(told(self.0));
        let factory = TableFactory::open(&engine, mapping, throttling)?;
        Ok(OpenEngine { engine, factory, options, settings })
    }
}

/// How partitions behave, in words for a result. Only what is not usual: results of before it could be set are compared
/// with those since.
fn told(partitions: Partitions) -> BTreeMap<String, String> {
    let (_, throttling) = partitions.throttling.resolved();
    let adaptation = (!partitions.adapt).then_some("off: partitions do not split by themselves");
    let settings = [("throttling", throttling), ("adaptation", adaptation)];
    let told = settings.into_iter().filter_map(|(name, text)| Some((name, text?)));
    told.map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
}

impl<F> Watch for OpenEngine<F> {
    fn around(
        &self,
        control: &Control,
        work: &mut dyn FnMut() -> Result<RunFigures, CliError>,
    ) -> Result<(RunFigures, Seen), CliError> {
        self.engine.around(control, work)
    }
}

impl<F: TargetFactory> Open for OpenEngine<F> {
    type Factory = F;

    fn factory(&self) -> &F {
        &self.factory
    }

    fn manners(&self, common: &Common, _: &Workload) -> Manners {
        Manners {
            in_flight: EngineOptions::default().in_flight,
            workers: common.workers,
            spare_cores: settings::spare_cores(common),
            calls_block: false,
        }
    }

    fn settle(&self) -> Result<(), CliError> {
        Ok(self.engine.checkpoint()?)
    }

    fn settings(&self) -> BTreeMap<String, String> {
        let store = &self.options.store;
        let index = match store.index_bytes {
            u64::MAX => "no bound".to_owned(),
            bytes => format!("{} MiB", bytes >> 20),
        };
        [
            ("cache", format!("{} MiB of records over all shards", store.cache_bytes >> 20)),
            ("index", format!("{index} in memory")),
            ("shards", format!("{}, one pinned thread each", self.engine.shards())),
            (
                "durability",
                "a write is acknowledged once its batch is on the medium (O_DSYNC or fdatasync, \
                 whichever the disk does faster)"
                    .into(),
            ),
            ("input and output", "direct: nothing in the page cache".into()),
            ("compression", "none".into()),
        ]
        .map(|(name, value): (&str, String)| (name.to_owned(), value))
        .into_iter()
        .chain(self.settings.clone())
        .collect()
    }

    fn close(self) -> Result<(), CliError> {
        Ok(self.engine.close()?)
    }

    fn watch(&self) -> &dyn Watch {
        self
    }
}

impl System for PeerName {
    type Open = Peer;

    fn name(&self) -> &'static str {
        self.as_str()
    }

    fn open(&self, bench: &Bench<'_>, _: &Workload, _: bool) -> Result<Peer, CliError> {
        // Beside it the directory says what was loaded, which is not the peer's to see.
        let dir = bench.common.dir.join(self.as_str());
        let cache_bytes = bench.common.cache_mib.saturating_mul(1 << 20);
        Ok(Peer::open(*self, &PeerOptions { dir, cache_bytes })?)
    }
}

impl Watch for Peer {}

impl Open for Peer {
    type Factory = Self;

    fn factory(&self) -> &Self {
        self
    }

    /// Its calls block, so that each client needs a thread of its own, as its users would have it.
    fn manners(&self, _: &Common, workload: &Workload) -> Manners {
        let clients = workload.thread_count as usize;
        Manners {
            in_flight: clients,
            workers: Some(clients),
            spare_cores: Vec::new(),
            calls_block: true,
        }
    }

    fn settle(&self) -> Result<(), CliError> {
        Ok(())
    }

    fn settings(&self) -> BTreeMap<String, String> {
        Peer::settings(self).into_iter().collect()
    }

    fn close(self) -> Result<(), CliError> {
        Ok(self.flush_and_close()?)
    }

    fn watch(&self) -> &dyn Watch {
        self
    }
}

/// How the generator behaves towards nothing.
pub fn null_manners(common: &Common) -> Manners {
    Manners {
        in_flight: EngineOptions::default().in_flight,
        workers: common.workers,
        spare_cores: Vec::new(),
        calls_block: false,
    }
}

/// Connects to nothing.
pub fn null(workload: &Workload) -> NullFactory<'_> {
    NullFactory::new(workload)
}
