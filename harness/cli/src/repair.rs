//! `flywheel check --repair`: salvage beside the directory, check, and swap. The directory itself is only
//! read, and renamed at the end. Not the salvaging: that is the engine's.
//!
//! Every step may be the last before a crash. Until the first rename the directory is as it was, and a
//! new repair starts over; between the two renames both others are whole, and a new repair makes the
//! second one.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use flywheel_shard::{DirectoryCheck, Loss, Offline, SalvageReport};
use serde::Serialize;

use crate::check::{self, FindingReport};
use crate::error::CliError;

/// Files beside the engine's own that a repaired directory takes along.
const TAKEN_ALONG: &str = "loaded.json";

/// Segments that a new store makes before it holds anything, generously.
const FIRST_SEGMENTS: u64 = 16;

/// What a repair did.
#[derive(Debug, Serialize)]
pub struct Repaired {
    kept: u64,
    doubtful: u64,
    lost: u64,
    regions: u64,
    /// Shards of which no checkpoint was whole.
    scanned_shards: Vec<u16>,
    directory: PathBuf,
    damaged: PathBuf,
    list: PathBuf,
}

impl Repaired {
    /// Whether nothing was lost, and nothing is in doubt.
    pub fn is_complete(&self) -> bool {
        self.lost == 0 && self.doubtful == 0 && self.regions == 0
    }

    /// Says so on the terminal.
    pub fn print(&self) {
        println!("repaired: {} items kept, {} keys lost", self.kept, self.lost);
        if self.regions > 0 {
            println!("{} damaged places may have held records of unknown keys", self.regions);
        }
        if self.doubtful > 0 {
            println!("{} of the items kept may be older than what was lost", self.doubtful);
        }
        for shard in &self.scanned_shards {
            println!("shard {shard}: no checkpoint was whole, deleted keys may have come back");
        }
        println!("{}: the repaired directory", self.directory.display());
        println!("{}: as it was before; delete it once it is not needed", self.damaged.display());
        println!("{}: what was lost or is in doubt, item by item", self.list.display());
    }
}

/// A name beside the directory.
fn beside(directory: &Path, suffix: &str) -> PathBuf {
    let mut name = directory.as_os_str().to_owned();
    // `data/` and `data` are the same directory.
    while name.as_encoded_bytes().ends_with(b"/") && name.len() > 1 {
        let text = name.to_string_lossy();
        name = text[..text.len() - 1].into();
    }
    name.push(suffix);
    PathBuf::from(name)
}

/// Makes the second rename of an earlier repair, if that is what is missing; says so.
pub fn finish_swap(directory: &Path, stop: &Arc<AtomicBool>) -> Result<Option<String>, CliError> {
    let (repaired, damaged) = (beside(directory, ".repaired"), beside(directory, ".damaged"));
    if directory.exists() || !repaired.exists() || !damaged.exists() {
        return Ok(None);
    }
    verify(&repaired, stop)?;
    rename(&repaired, directory)?;
    let text = format!(
        "an earlier repair was interrupted between its two renames; {} is now {}",
        repaired.display(),
        directory.display()
    );
    Ok(Some(text))
}

/// Repairs a directory that was checked.
pub fn repair(
    offline: Offline,
    check: &DirectoryCheck,
    stop: &Arc<AtomicBool>,
) -> Result<Repaired, CliError> {
    let directory = offline.directory().to_owned();
    let (repaired, damaged) = (beside(&directory, ".repaired"), beside(&directory, ".damaged"));
    let list = beside(&directory, ".lost.jsonl");
    clear(&repaired, &damaged, &list)?;
    check_space(&offline, check, &repaired)?;
    // Made before the list: what is left of an interrupted repair is known by this directory.
    fs::create_dir(&repaired).map_err(CliError::file(&repaired))?;
    let report = salvage(&offline, &repaired, &list, stop)?;
    let along = directory.join(TAKEN_ALONG);
    if along.exists() {
        let to = repaired.join(TAKEN_ALONG);
        fs::copy(&along, &to).map_err(CliError::file(&along))?;
        sync(&to)?;
        sync(&repaired)?;
    }
    verify(&repaired, stop)?;
    rename(&directory, &damaged)?;
    rename(&repaired, &directory)?;
    // Held until now, so that nobody opens what is being renamed.
    drop(offline);
    let SalvageReport { kept, doubtful, lost, regions, scanned_shards } = report;
    Ok(Repaired { kept, doubtful, lost, regions, scanned_shards, directory, damaged, list })
}

/// Makes way for a new repair: what an interrupted one left goes, what a finished one left stays.
fn clear(repaired: &Path, damaged: &Path, list: &Path) -> Result<(), CliError> {
    let stands = |path: &Path| {
        let problem = "it is what an earlier repair left; move it away or delete it first".into();
        Err(CliError::Data { directory: path.to_owned(), problem })
    };
    if damaged.exists() {
        return stands(damaged);
    }
    if !repaired.exists() {
        return if list.exists() { stands(list) } else { Ok(()) };
    }
    let entries = fs::read_dir(repaired).map_err(CliError::file(repaired))?;
    for entry in entries {
        let name = entry.map_err(CliError::file(repaired))?.file_name();
        let name = name.to_string_lossy();
        let ours = ["LOCK", "CREATED", "flywheel.json", TAKEN_ALONG];
        let bare = name.strip_suffix(".unfinished").unwrap_or(&name);
        if !ours.contains(&bare) && !bare.starts_with("shard-") {
            let problem = format!("it holds `{name}`, which no repair puts there; move it away");
            return Err(CliError::Data { directory: repaired.to_owned(), problem });
        }
    }
    eprintln!("flywheel: {}: left by an interrupted repair; starting anew", repaired.display());
    fs::remove_dir_all(repaired).map_err(CliError::file(repaired))
}

/// The new directory stands beside the old one for a while.
fn check_space(offline: &Offline, check: &DirectoryCheck, repaired: &Path) -> Result<(), CliError> {
    let parent = parent(repaired);
    let space = rustix::fs::statvfs(parent)
        .map_err(|error| CliError::file(parent)(std::io::Error::from(error)))?;
    let free_bytes = space.f_bavail * space.f_frsize;
    let identity = offline.identity();
    let first_bytes =
        u64::from(identity.shards) * FIRST_SEGMENTS * u64::from(identity.segment_bytes);
    let live_bytes: u64 = check.shards.iter().map(|shard| shard.store.live_bytes).sum();
    let needed_bytes = live_bytes + live_bytes / 4 + first_bytes;
    if free_bytes >= needed_bytes {
        return Ok(());
    }
    let problem = format!(
        "a repair needs {} MiB beside the directory, and {} MiB are free; make room, or copy the \
         directory to a larger disk",
        needed_bytes >> 20,
        free_bytes >> 20
    );
    Err(CliError::Data { directory: parent.to_owned(), problem })
}

fn salvage(
    offline: &Offline,
    into: &Path,
    list: &Path,
    stop: &Arc<AtomicBool>,
) -> Result<SalvageReport, CliError> {
    let file = BufWriter::new(File::create(list).map_err(CliError::file(list))?);
    // The first error ends the list; it is asked for once all is salvaged.
    let writing = Arc::new(Mutex::new((file, Ok::<(), std::io::Error>(()))));
    let shared = Arc::clone(&writing);
    let sink = move |loss: Loss| {
        let mut writing = shared.lock().expect("nobody panics with it");
        let (file, outcome) = &mut *writing;
        if outcome.is_ok() {
            let line = serde_json::to_string(&Line::of(&loss)).expect("text makes JSON");
            *outcome = writeln!(file, "{line}");
        }
    };
    let (callback, bar) = check::follow("salvaging", offline.identity().shards, stop);
    let salvaged = offline.salvage(into, sink, callback);
    bar.finish_and_clear();
    let report = salvaged?;
    let mut writing = writing.lock().expect("nobody panics with it");
    let outcome = std::mem::replace(&mut writing.1, Ok(()));
    outcome.and_then(|()| writing.0.flush()).map_err(CliError::file(list))?;
    writing.0.get_ref().sync_all().map_err(CliError::file(list))?;
    Ok(report)
}

/// A repaired directory must be sound before it takes the other's place.
fn verify(repaired: &Path, stop: &Arc<AtomicBool>) -> Result<(), CliError> {
    let offline = Offline::take(repaired)?;
    let checked = check::check(&offline, "checking again", stop)?;
    if checked.is_sound() && checked.shards.iter().all(|shard| shard.store.opens) {
        return Ok(());
    }
    let problem = "the repaired copy is not sound either: the disk is failing; nothing was changed, \
                   copy the directory to another disk and repair it there";
    Err(CliError::Data { directory: repaired.to_owned(), problem: problem.into() })
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn sync(path: &Path) -> Result<(), CliError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(CliError::file(path))
}

fn rename(from: &Path, to: &Path) -> Result<(), CliError> {
    fs::rename(from, to).map_err(CliError::file(from))?;
    sync(parent(to))
}

/// A line of the list.
#[derive(Serialize)]
#[serde(tag = "is", rename_all = "lowercase")]
enum Line<'a> {
    Lost {
        shard: u16,
        key: Option<&'a str>,
        key_hex: Option<String>,
        file: &'a str,
        offset_bytes: u64,
        what: &'a str,
    },
    Doubtful {
        shard: u16,
        key: Option<&'a str>,
        key_hex: Option<String>,
        version: u64,
    },
    Region {
        shard: u16,
        file: &'a str,
        offset_bytes: u64,
        end_bytes: u64,
        what: &'a str,
        between_batches: Option<(u64, u64)>,
        between_versions: Option<(u64, u64)>,
    },
    Damage {
        shard: u16,
        #[serde(flatten)]
        finding: FindingReport<'a>,
    },
}

impl<'a> Line<'a> {
    fn of(loss: &'a Loss) -> Self {
        match loss {
            Loss::Key { shard, key, file, offset_bytes, what } => Line::Lost {
                shard: *shard,
                key: check::as_text(key),
                key_hex: check::as_text(key).is_none().then(|| check::hex(key)),
                file,
                offset_bytes: *offset_bytes,
                what,
            },
            Loss::Doubtful { shard, key, version } => Line::Doubtful {
                shard: *shard,
                key: check::as_text(key),
                key_hex: check::as_text(key).is_none().then(|| check::hex(key)),
                version: *version,
            },
            Loss::Region { shard, region } => Line::Region {
                shard: *shard,
                file: &region.file,
                offset_bytes: region.offset_bytes,
                end_bytes: region.end_bytes,
                what: &region.what,
                between_batches: region.between_batches,
                between_versions: region.between_versions,
            },
            Loss::Damage { shard, finding } => {
                Line::Damage { shard: *shard, finding: FindingReport::of(finding) }
            }
        }
    }
}
