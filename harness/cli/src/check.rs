//! `flywheel check`: what is wrong with a data directory, on the terminal or as JSON. Not the checking:
//! that is the engine's.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use flywheel_shard::{
    Concern, DirectoryCheck, Finding, Offline, OfflineCallback, OfflineProgress, ShardCheck,
};
use serde::Serialize;

use crate::args::CheckArgs;
use crate::error::CliError;
use crate::interrupt;
use crate::progress;
use crate::repair::{self, Repaired};

/// Damage was found, or a repair lost something.
const EXIT_DAMAGED: u8 = 1;

/// Checks, repairs if asked to, and prints.
pub fn command(args: &CheckArgs, stop: &Arc<AtomicBool>) -> Result<u8, CliError> {
    let finished = if args.repair { repair::finish_swap(&args.dir, stop)? } else { None };
    if let Some(note) = finished {
        eprintln!("flywheel: {note}");
    }
    let offline = Offline::take(&args.dir)?;
    let check = check(&offline, "checking", stop)?;
    if !args.json {
        print(&check);
    }
    let repaired = if args.repair && !is_clean(&check) {
        Some(repair::repair(offline, &check, stop)?)
    } else {
        None
    };
    if args.json {
        let report = Report::of(&args.dir, &check, repaired.as_ref());
        println!("{}", serde_json::to_string_pretty(&report).expect("figures make JSON"));
    } else if let Some(repaired) = &repaired {
        repaired.print();
    } else if args.repair {
        println!("nothing to repair");
    }
    let is_fine = repaired.map_or_else(|| check.is_sound(), |repaired| repaired.is_complete());
    Ok(if is_fine { 0 } else { EXIT_DAMAGED })
}

/// Whether there is nothing that a repair could make better.
fn is_clean(check: &DirectoryCheck) -> bool {
    check.is_sound() && check.shards.iter().all(|shard| shard.store.opens)
}

/// Checks under a bar.
pub fn check(
    offline: &Offline,
    label: &str,
    stop: &Arc<AtomicBool>,
) -> Result<DirectoryCheck, CliError> {
    let (callback, bar) = follow(label, offline.identity().shards, stop);
    let checked = offline.check(callback);
    bar.finish_and_clear();
    Ok(checked?)
}

/// A bar over all shards, and what moves it. Ctrl-C ends the process at once: nothing is half done that
/// would have to be undone.
pub fn follow(
    label: &str,
    shards: u16,
    stop: &Arc<AtomicBool>,
) -> (OfflineCallback, indicatif::ProgressBar) {
    let bar = progress::bar(label);
    let (shown, stop) = (bar.clone(), Arc::clone(stop));
    let callback = move |at: OfflineProgress| {
        if interrupt::is_set(&stop) {
            shown.finish_and_clear();
            eprintln!("flywheel: interrupted; the directory is as it was");
            std::process::exit(interrupt::EXIT_INTERRUPTED);
        }
        let of_shard = if at.of > 0 { at.done as f64 / at.of as f64 } else { 1.0 };
        progress::set(&shown, (f64::from(at.shard) + of_shard) / f64::from(shards));
        shown.set_message(format!("shard {}", at.shard));
    };
    (Arc::new(callback), bar)
}

fn print(check: &DirectoryCheck) {
    println!("shard  segments       MiB       items    verified");
    for ShardCheck { shard, store } in &check.shards {
        println!(
            "{shard:>5} {:>9} {:>9} {:>11} {:>11}{}",
            store.segments,
            store.file_bytes >> 20,
            store.items,
            store.verified,
            if store.opens { "" } else { "  does not open" },
        );
    }
    for ShardCheck { shard, store } in &check.shards {
        for remark in &store.remarks {
            println!("note: shard {shard}: {remark}");
        }
        for finding in &store.findings {
            println!("damage: {} at byte {}: {}", finding.file, finding.offset_bytes, finding.what);
            println!("        concerns {}", concerns(finding));
        }
        let more = store.findings_total - store.findings.len() as u64;
        if more > 0 {
            println!("damage: {more} more places in shard {shard}");
        }
    }
    if let Some(problem) = &check.ownership {
        println!("damage: {problem}");
    }
    if check.is_sound() {
        println!("sound");
    }
}

fn concerns(finding: &Finding) -> String {
    match &finding.concerns {
        Concern::Superblock => "a slot of the superblock".into(),
        Concern::SegmentHeader => "a segment's header".into(),
        Concern::Checkpoint => "the newest checkpoint".into(),
        Concern::Log => "the log behind the newest checkpoint".into(),
        Concern::BatchHeader => "a batch's header; the records behind it can be read".into(),
        Concern::Record { key } => format!("the newest value of key {}", show(key)),
    }
}

/// A key as text if it is printable, else in hexadecimal digits.
pub fn show(key: &[u8]) -> String {
    as_text(key).map_or_else(|| format!("0x{}", hex(key)), str::to_owned)
}

/// A key as text, if it is printable.
pub fn as_text(key: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(key).ok()?;
    (!text.chars().any(char::is_control)).then_some(text)
}

/// Bytes in hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    directory: String,
    sound: bool,
    ownership: Option<&'a str>,
    shards: Vec<ShardReport<'a>>,
    repair: Option<&'a Repaired>,
}

#[derive(Serialize)]
struct ShardReport<'a> {
    shard: u16,
    opens: bool,
    segments: u64,
    file_bytes: u64,
    live_bytes: u64,
    items: u64,
    verified: u64,
    bytes_read: u64,
    findings_total: u64,
    findings: Vec<FindingReport<'a>>,
    remarks: &'a [String],
}

/// A finding as JSON. Of the two forms of a key one is there, if it is about a key.
#[derive(Serialize)]
pub struct FindingReport<'a> {
    file: &'a str,
    offset_bytes: u64,
    what: &'a str,
    concerns: &'static str,
    key: Option<&'a str>,
    key_hex: Option<String>,
}

impl<'a> Report<'a> {
    fn of(directory: &Path, check: &'a DirectoryCheck, repair: Option<&'a Repaired>) -> Self {
        let shard = |ShardCheck { shard, store }: &'a ShardCheck| ShardReport {
            shard: *shard,
            opens: store.opens,
            segments: store.segments,
            file_bytes: store.file_bytes,
            live_bytes: store.live_bytes,
            items: store.items,
            verified: store.verified,
            bytes_read: store.bytes_read,
            findings_total: store.findings_total,
            findings: store.findings.iter().map(FindingReport::of).collect(),
            remarks: &store.remarks,
        };
        Self {
            directory: directory.display().to_string(),
            sound: check.is_sound(),
            ownership: check.ownership.as_deref(),
            shards: check.shards.iter().map(shard).collect(),
            repair,
        }
    }
}

impl<'a> FindingReport<'a> {
    /// A finding as JSON.
    pub fn of(finding: &'a Finding) -> Self {
        let (concerns, key) = match &finding.concerns {
            Concern::Superblock => ("superblock", None),
            Concern::SegmentHeader => ("segment header", None),
            Concern::Checkpoint => ("checkpoint", None),
            Concern::Log => ("log", None),
            Concern::BatchHeader => ("batch header", None),
            Concern::Record { key } => ("record", Some(&key[..])),
        };
        let text = key.and_then(as_text);
        Self {
            file: &finding.file,
            offset_bytes: finding.offset_bytes,
            what: &finding.what,
            concerns,
            key: text,
            key_hex: key.filter(|_| text.is_none()).map(hex),
        }
    }
}
