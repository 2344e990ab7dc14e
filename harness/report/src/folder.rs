//! One folder per run: the result, the exact command and the summary. Never writes over a folder
//! that exists, and never shows a folder half written.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::limits::MAX_SAME_SECOND_FOLDERS;
use crate::{Paint, RunResult, run_report, summary, tsv};

/// The time now for [`RunResult::started_utc`], such as `2026-01-15T10:11:12Z`.
pub fn utc_now() -> String {
    let now = OffsetDateTime::now_utc();
    let whole = now.replace_nanosecond(0).expect("zero nanoseconds is a time");
    whole.format(&Rfc3339).expect("the years of a computer's clock have four digits")
}

/// Writes `result.json`, `result.tsv`, `report.html`, `command.txt`, `summary.txt` and what else is given by name into a new
/// folder `<UTC date-time>-<workload>` under `root` (made if need be), and returns its path. A second run
/// in the same second gets `-2` behind the name, and so on.
pub fn write_folder(
    root: &Path,
    result: &RunResult,
    others: &[(&str, String)],
) -> io::Result<PathBuf> {
    let named = Named {
        started_utc: &result.started_utc,
        workload: &result.workload,
        command: &result.command,
    };
    let summary = summary(result, Paint::plain());
    let mut files = vec![
        ("result.json", result.to_json()),
        ("summary.txt", summary),
        ("result.tsv", tsv(result)),
        ("report.html", run_report(result)),
    ];
    files.extend_from_slice(others);
    write_files(root, &named, &files)
}

/// What every folder is named after and keeps, whatever else it holds.
pub(crate) struct Named<'a> {
    pub started_utc: &'a str,
    pub workload: &'a str,
    pub command: &'a [String],
}

/// Writes `command.txt` and `files` into a new folder under `root`, as [`write_folder`] does.
pub(crate) fn write_files(
    root: &Path,
    named: &Named<'_>,
    files: &[(&str, String)],
) -> io::Result<PathBuf> {
    fs::create_dir_all(root)?;
    let folder = claim(root, &folder_name(named))?;
    let written = write_beside(&folder, named.command, files);
    if written.is_err() {
        // Our claim, still empty: nobody must mistake it for a result.
        let _ = fs::remove_dir(&folder);
    }
    written.map(|()| folder)
}

/// Takes a free name by making the folder, which only one process can.
fn claim(root: &Path, name: &str) -> io::Result<PathBuf> {
    for number in 1..=MAX_SAME_SECOND_FOLDERS {
        let folder = match number {
            1 => root.join(name),
            _ => root.join(format!("{name}-{number}")),
        };
        match fs::create_dir(&folder) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => continue,
            made => return made.map(|()| folder),
        }
    }
    Err(io::Error::new(
        io::ErrorKind::AlreadyExists,
        format!("{MAX_SAME_SECOND_FOLDERS} folders named {name} in {}", root.display()),
    ))
}

/// Writes into a hidden folder and moves it onto the claimed one: the kernel lets a folder replace
/// another only while that one is empty.
fn write_beside(folder: &Path, command: &[String], files: &[(&str, String)]) -> io::Result<()> {
    let name = folder.file_name().expect("a claimed folder has a name").to_string_lossy();
    let hidden = folder.with_file_name(format!(".{name}.{}", std::process::id()));
    fs::create_dir(&hidden)?;
    let written = (|| {
        fs::write(hidden.join("command.txt"), command_line(command))?;
        for (name, content) in files {
            fs::write(hidden.join(name), content)?;
        }
        fs::rename(&hidden, folder)
    })();
    if written.is_err() {
        let _ = fs::remove_dir_all(&hidden);
    }
    written
}

/// `20260115T101112Z-b`: sorts by time, and no shell needs to quote it.
fn folder_name(named: &Named<'_>) -> String {
    let when = match named.started_utc {
        "" => utc_now(),
        started => started.to_owned(),
    };
    let when: String = when.chars().filter(char::is_ascii_alphanumeric).collect();
    // Of a path, the file's own name.
    let workload = named.workload.rsplit('/').next().unwrap_or_default();
    let workload: String =
        workload.chars().map(|c| if is_plain(c) { c } else { '-' }).take(64).collect();
    format!("{when}-{}", if workload.is_empty() { "run" } else { &workload })
}

/// The command as a shell would take it back.
pub(crate) fn command_line(command: &[String]) -> String {
    let words: Vec<String> = command.iter().map(|word| quote(word)).collect();
    words.join(" ") + "\n"
}

fn quote(word: &str) -> String {
    if !word.is_empty() && word.chars().all(|c| is_plain(c) || "/=,:+@%".contains(c)) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.".contains(c)
}
