//! Every property that is understood, its default and what it means.
//! No parsing: a table, and a search for the name somebody probably meant.

/// What becomes of a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// It shapes the workload.
    Honoured,
    /// Valid in YCSB and without effect here; the text says what to use instead.
    Ignored(&'static str),
}

/// A property of YCSB, or one of ours.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// Its name in files and arguments.
    pub name: &'static str,
    /// YCSB's default; "" where it is derived or there is none.
    pub default: &'static str,
    /// One line of help, with the unit.
    pub about: &'static str,
    /// Whether it has an effect.
    pub used: Use,
}

const fn honoured(name: &'static str, default: &'static str, about: &'static str) -> Known {
    Known { name, default, about, used: Use::Honoured }
}

const fn ignored(name: &'static str, instead: &'static str) -> Known {
    Known { name, default: "", about: "accepted from YCSB, no effect", used: Use::Ignored(instead) }
}

/// All known properties. Those of YCSB first, then ours, then those without effect.
pub const KNOWN: &[Known] = &[
    honoured(
        "workload",
        "site.ycsb.workloads.CoreWorkload",
        "the workload class: CoreWorkload; Flywheel's own: flywheel.CounterWorkload, \
         flywheel.ReadYourWritesWorkload, flywheel.ClosedEconomyWorkload",
    ),
    honoured("table", "usertable", "name of the table"),
    honoured("recordcount", "0", "records in the table; 0 means 2147483647"),
    honoured("insertstart", "0", "first key number of the load phase"),
    honoured("insertcount", "", "records to load; default recordcount - insertstart"),
    honoured(
        "operationcount",
        "0",
        "operations of the run phase over all clients; 0 means no limit",
    ),
    honoured("maxexecutiontime", "0", "longest run, in seconds; 0 means no limit"),
    honoured("threadcount", "1", "logical clients, each with one operation in flight"),
    honoured("target", "0", "operations per second over all clients; 0 means unlimited"),
    honoured("fieldcount", "10", "fields in a record"),
    honoured("fieldlength", "100", "length of a field in bytes; the longest when it varies"),
    honoured("minfieldlength", "1", "shortest field in bytes"),
    honoured("fieldnameprefix", "field", "a field's name is this and its number"),
    honoured("fieldlengthdistribution", "constant", "constant, uniform, zipfian or histogram"),
    honoured("fieldlengthhistogram", "hist.txt", "file for fieldlengthdistribution=histogram"),
    honoured("readallfields", "true", "read every field, or one at random"),
    honoured("readallfieldsbyname", "false", "name every field when reading them all"),
    honoured("writeallfields", "false", "update every field, or one at random"),
    honoured("dataintegrity", "false", "derive values from keys and verify every read and scan"),
    honoured("readproportion", "0.95", "weight of READ"),
    honoured("updateproportion", "0.05", "weight of UPDATE"),
    honoured("insertproportion", "0", "weight of INSERT"),
    honoured("scanproportion", "0", "weight of SCAN"),
    honoured("readmodifywriteproportion", "0", "weight of READMODIFYWRITE"),
    honoured(
        "requestdistribution",
        "uniform",
        "uniform, zipfian, latest, hotspot, sequential, exponential; Flywheel's own: shifting",
    ),
    honoured("insertorder", "hashed", "hashed or ordered key names"),
    honoured("zeropadding", "1", "fewest digits in a key name"),
    honoured("minscanlength", "1", "shortest scan, in records"),
    honoured("maxscanlength", "1000", "longest scan, in records"),
    honoured("scanlengthdistribution", "uniform", "uniform or zipfian"),
    honoured("hotspotdatafraction", "0.2", "share of keys in the hot set"),
    honoured("hotspotopnfraction", "0.8", "share of operations on the hot set"),
    honoured("exponential.percentile", "95", "percent of operations on the newest keys"),
    honoured("exponential.frac", "0.8571428571", "share of keys that counts as newest"),
    honoured(
        "core_workload_insertion_retry_limit",
        "0",
        "retries of a failed insert while loading",
    ),
    honoured("core_workload_insertion_retry_interval", "3", "seconds between those, +-20 %"),
    honoured("status.interval", "10", "seconds between progress lines"),
    honoured("measurementtype", "hdrhistogram", "always hdrhistogram"),
    honoured("measurement.interval", "op", "op, intended or both; both are always measured"),
    honoured(
        "hdrhistogram.percentiles",
        "50,95,99",
        "percentiles to print beside 50, 95, 99 and 99.9",
    ),
    honoured(
        "total_cash",
        "1000000",
        "YCSB+T's: what all accounts of flywheel.ClosedEconomyWorkload hold together at first",
    ),
    honoured("seed", "0", "Flywheel's own: seed of every random draw"),
    honoured("warmuptime", "0", "Flywheel's own: seconds run before figures are taken"),
    honoured(
        "hotspotshiftseconds",
        "10",
        "Flywheel's own: seconds after which the hot set of requestdistribution=shifting moves on",
    ),
    honoured(
        "arrivals",
        "closed",
        "Flywheel's own: closed (clients wait for answers), constant or poisson (arrivals wait for nobody), \
         trace (so do those of a trace)",
    ),
    honoured(
        "tracefile",
        "",
        "the file of arrivals=trace: .csv or .jsonl, also with .gz behind it",
    ),
    honoured("tracespeed", "1", "how many times as fast as it was recorded a trace is replayed"),
    honoured("targetshape", "flat", "Flywheel's own: rate of arrivals, flat, sine or burst"),
    honoured("sineamplitude", "0.5", "swing of targetshape=sine over the mean rate, 0 to 1"),
    honoured("sineperiod", "60", "length of its swing in seconds"),
    honoured("burstfactor", "5", "rate in a burst of targetshape=burst over the rate between"),
    honoured("burstseconds", "5", "length of a burst in whole seconds"),
    honoured("burstperiod", "30", "from one burst to the next, in whole seconds"),
    ignored("db", "the target is chosen by the command"),
    ignored("dotransactions", "the phase is chosen by the command"),
    ignored("status", "progress is shown by the command"),
    ignored("label", "results are named by the command"),
    ignored("exporter", "results are written as JSON"),
    ignored("exportfile", "results are written where the command says"),
    ignored("hdrhistogram.fileoutput", "the HDR log is part of every result"),
    ignored("hdrhistogram.output.path", "the HDR log is part of every result"),
    ignored("histogram.buckets", "measurementtype is always hdrhistogram"),
    ignored("timeseries.granularity", "a 1-second series is part of every result"),
    ignored("measurement.trackjvm", "there is no JVM"),
    ignored("measurement.raw.output_file", "single samples are not kept"),
    ignored("measurement.raw.no_summary", "single samples are not kept"),
    ignored("reportlatencyforeacherror", "errors are counted by kind"),
    ignored("latencytrackederrors", "errors are counted by kind"),
];

/// The known property called `name`.
pub fn known(name: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.name == name)
}

/// Whether `name` is dotted and no known property shares its first part: some database's own setting.
pub fn is_foreign(name: &str) -> bool {
    name.split_once('.').is_some_and(|(family, _)| {
        !KNOWN
            .iter()
            .any(|known| known.name.split_once('.').is_some_and(|(ours, _)| ours == family))
    })
}

/// Whether `name` is a setting of a database that there is a target for, in the words of YCSB's binding.
pub fn is_targets(name: &str) -> bool {
    name.starts_with("dynamodb.")
}

/// The known name closest to `name`, when it is close enough to have been meant.
pub fn nearest(name: &str) -> Option<&'static str> {
    let name = name.to_lowercase();
    KNOWN
        .iter()
        .map(|known| (strsim::damerau_levenshtein(&name, known.name), known.name))
        .min()
        .filter(|(distance, found)| *distance <= 1 + found.len() / 4)
        .map(|(_, found)| found)
}
