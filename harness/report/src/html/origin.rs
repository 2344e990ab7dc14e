//! Where the figures come from: machine, settings, properties, the command, the files beside the page.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::joined;
use super::parts::{either, facts, section};
use crate::folder::command_line;
use crate::units::{bytes, count, percent};
use crate::{Environment, RunResult};

/// The fingerprint of machine and build; none if nothing of it is known.
pub(super) fn environment(environment: &Environment) -> Option<Markup> {
    if *environment == Environment::default() {
        return None;
    }
    let size = |size: Option<u64>| size.map(|size| bytes(size as f64));
    let (disk, files) = (&environment.disk, &environment.file_system);
    let version = Some(environment.flywheel_version.clone()).filter(|version| !version.is_empty());
    let titled =
        |title: &str, list: Option<Markup>| list.map(|list| html! { h3 { (title) } (list) });
    let used = files
        .size_bytes
        .zip(files.free_bytes)
        .filter(|(size, _)| *size > 0)
        .map(|(size, free)| format!("{} free of {}", bytes(free as f64), bytes(size as f64)));
    let build = facts(vec![
        ("Flywheel", version),
        ("git revision", environment.git_revision.clone()),
        ("build profile", environment.build_profile.clone()),
        ("compiler", environment.compiler.clone()),
    ]);
    let machine = facts(vec![
        ("kernel", environment.kernel.clone()),
        ("processor", environment.cpu_model.clone()),
        ("processors online", environment.cores.map(count)),
        ("cores shared (SMT)", either(environment.smt, "yes", "no")),
        ("frequency governor", environment.governor.clone()),
        ("virtual machine", either(environment.virtual_machine, "yes", "no")),
        ("processor time stolen", environment.steal_share.map(percent)),
        ("memory", size(environment.memory_bytes)),
    ]);
    let storage = facts(vec![
        ("disk", disk.device.clone()),
        ("model", disk.model.clone()),
        ("size", size(disk.size_bytes)),
        ("rotational, says the kernel", either(disk.rotational, "yes", "no")),
        ("scheduler", disk.scheduler.clone()),
        ("largest I/O", disk.max_sectors_kb.map(|kib| format!("{} KiB", count(kib)))),
        ("requests queued at most", disk.nr_requests.map(count)),
        ("write cache", disk.write_cache.clone()),
        ("file system", files.kind.clone()),
        ("mounted at", files.mount_point.clone()),
        ("mount options", files.mount_options.clone()),
        ("space", used),
    ]);
    let content = joined(vec![
        titled("Build", build),
        titled("Machine", machine),
        titled("Storage", storage),
    ]);
    section("environment", "Environment", content)
}

/// Names and values as they were given.
pub(super) fn named(id: &str, heading: &str, values: &BTreeMap<String, String>) -> Option<Markup> {
    let list = (!values.is_empty()).then(|| {
        html! { dl.facts.named { @for (name, value) in values { div { dt { (name) } dd { (value) } } } } }
    });
    section(id, heading, list)
}

/// The command as a shell would take it back.
pub(super) fn command(result: &RunResult) -> Option<Markup> {
    let line = (!result.command.is_empty()).then(|| command_line(&result.command));
    section(
        "command",
        "Exact command",
        line.map(|line| html! { pre tabindex="0" { code { (line.trim_end()) } } }),
    )
}

/// What stands in the same folder.
pub(super) fn files() -> Option<Markup> {
    let twins = [
        ("result.json", "everything on this page, and more, for programs"),
        ("result.tsv", "one row for a spreadsheet"),
        ("latency.hlog", "the histograms, for HdrHistogram's tools, if the run wrote them"),
        ("summary.txt", "what the terminal showed"),
        ("command.txt", "the command"),
    ];
    let list = html! { ul.files { @for (name, holds) in twins { li { a href=(name) { (name) } ": " (holds) } } } };
    section("files", "Files beside this page", Some(list))
}
