//! `flywheel hot`: asks a server which partitions and keys are hot. What is counted stands there.

use std::time::{Duration, SystemTime};

use flywheel_report::{HotReport, hot_summary};

use crate::args::HotArgs;
use crate::error::CliError;

/// How long a server may take to answer: it reads each key that it names.
const ANSWER_MAX: Duration = Duration::from_secs(30);

pub fn command(args: &HotArgs) -> Result<u8, CliError> {
    let url = format!("{}/hot", args.endpoint.trim_end_matches('/'));
    let problem = |what: String| CliError::Flag(format!("--endpoint: {url}: {what}"));
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(ANSWER_MAX))
        .http_status_as_error(false)
        .build();
    let asked = ureq::Agent::from(config).get(&url).call();
    let mut answer = asked.map_err(|error| problem(error.to_string()))?;
    let text = answer.body_mut().read_to_string().map_err(|error| problem(error.to_string()))?;
    if answer.status() != 200 {
        return Err(problem(format!("{}: {}", answer.status(), text.trim_end())));
    }
    if args.json {
        println!("{text}");
        return Ok(0);
    }
    let report: HotReport = serde_json::from_str(&text)
        .map_err(|error| problem(format!("not what a flywheel server answers: {error}")))?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    print!("{}", hot_summary(&report, now.as_secs()));
    Ok(0)
}
