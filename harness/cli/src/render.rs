//! `flywheel report`: writes the pages of result folders again, from their JSON. Measures nothing.

use std::path::{Path, PathBuf};

use flywheel_report::{
    PeersResult, ReadError, RunResult, SearchResult, peers_report, run_report, search_report,
};

use crate::args::ReportArgs;
use crate::error::CliError;

/// From JSON to a page.
type Render = fn(&str) -> Result<String, ReadError>;

/// What a folder may hold, and how its page is made.
const KINDS: [(&str, Render); 3] = [
    ("result.json", |json| RunResult::from_json(json).map(|result| run_report(&result))),
    ("search.json", |json| SearchResult::from_json(json).map(|result| search_report(&result))),
    ("peers.json", |json| PeersResult::from_json(json).map(|result| peers_report(&result))),
];

/// Writes a page into each folder; the first that cannot be read ends it.
pub fn command(args: &ReportArgs) -> Result<u8, CliError> {
    for folder in &args.folders {
        println!("{}", render(folder)?.display());
    }
    Ok(0)
}

fn render(folder: &Path) -> Result<PathBuf, CliError> {
    let Some((name, page)) = KINDS.iter().find(|(name, _)| folder.join(name).is_file()) else {
        let problem =
            "holds no result.json, search.json or peers.json: give a folder that flywheel wrote";
        return Err(CliError::Data { directory: folder.to_owned(), problem: problem.into() });
    };
    let path = folder.join(name);
    let json = std::fs::read_to_string(&path).map_err(CliError::file(&path))?;
    let problem = |error: ReadError| error.to_string();
    let html = page(&json).map_err(problem);
    let html = html.map_err(|problem| CliError::Data { directory: path.clone(), problem })?;
    let path = folder.join("report.html");
    std::fs::write(&path, html).map_err(CliError::file(&path))?;
    Ok(path)
}
