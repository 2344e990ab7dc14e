//! What a load would cost, and what it needs: `flywheel plan`'s arithmetic from inputs to `plan.json`. Knows DynamoDB's
//! rules only through `flywheel-capacity`; measures nothing, and says of each input whether somebody else did.
//!
//! | Room | Holds |
//! |---|---|
//! | `input` | what a plan is made of, whichever way it came, and where each figure is from |
//! | `numbers` | inputs from a few numbers |
//! | `cloudwatch` | inputs from exported metrics |
//! | `measured` | inputs from results of runs; what a machine of this engine was measured to do |
//! | `traced` | inputs from a trace |
//! | `series` | what is asked for: levels of a month and minutes of a day |
//! | `pay` | the ways to pay, side by side |
//! | `outlook` | growth, sensitivities, partitions, machines |
//! | `replay` | a trace against given capacity, by the code that throttles |
//! | `schema` | what stands in `plan.json` |
//! | `conclude` | the verdict, what would flip it, how sure it is |
//! | `summary` | the same for the terminal |

mod cloudwatch;
mod conclude;
mod input;
mod measured;
mod numbers;
mod outlook;
mod pay;
mod replay;
mod schema;
mod series;
mod summary;
mod traced;

pub use cloudwatch::{CloudWatchFormat, cloudwatch_input};
pub use input::{PlanError, PlanInput, PlanOptions};
pub use measured::{results_input, yardstick};
pub use numbers::Numbers;
pub use replay::{Provisioned, TraceReplay};
pub use schema::{
    BreakEven, Fact, Growth, Hot, Machines, Origin, Partitions, Pattern, Plan, Replay,
    ReplayedSide, Scaled, ScaledMinute, Sensitivity, SizeBin, ThrottledSecond,
    Verdict as PlanVerdict, WayToPay, Yardstick,
};
pub use summary::plan_summary;
pub use traced::{TraceTally, TracedOperation};

pub(crate) use conclude::usd;
pub(crate) use summary::{throttled, throttled_times};

use std::io;
use std::path::{Path, PathBuf};

use flywheel_capacity::prices::Prices;

use crate::folder::{Named, write_files};
use crate::html::plan_report;
use crate::limits::PLAN_SCHEMA_VERSION;

/// Works a plan out.
///
/// # Errors
/// If the options are out of bounds, or so large that a bill is no number any more.
pub fn plan(
    input: &PlanInput,
    prices: &Prices,
    options: &PlanOptions,
    started_utc: &str,
    command: &[String],
) -> Result<Plan, PlanError> {
    options.check()?;
    let mut paid = pay::pay(&input.resources, input.storage_gb, prices, options.target_percent)?;
    pay::count_requests(&mut paid.scaled, input);
    let recommended = conclude::recommended(&paid.ways);
    let mut plan = Plan {
        schema_version: PLAN_SCHEMA_VERSION,
        title: input.title.clone(),
        started_utc: started_utc.to_owned(),
        command: command.to_vec(),
        prices: prices.clone(),
        verdict: schema::Verdict::default(),
        inputs: input.all_facts(prices, options),
        patterns: pay::patterns(input, &paid.ways[recommended]),
        sizes: input.sizes.clone(),
        scaled: paid.scaled.clone(),
        break_even: pay::break_even(
            &input.resources,
            input.storage_gb,
            prices,
            options.target_percent,
        ),
        hot: outlook::hot(input),
        partitions: outlook::partitions(input, options),
        machines: outlook::machines(input, options),
        growth: outlook::growth(input, prices, options)?,
        sensitivities: outlook::sensitivities(input, prices, options)?,
        replay: input.replay.clone(),
        options: paid.ways,
    };
    plan.verdict = conclude::verdict(&plan, recommended, input);
    Ok(plan)
}

/// Writes `plan.json`, `report.html`, `summary.txt` and `command.txt` into a new folder `<UTC date-time>-plan` under `root`.
pub fn write_plan_folder(root: &Path, plan: &Plan) -> io::Result<PathBuf> {
    let named = Named { started_utc: &plan.started_utc, workload: "plan", command: &plan.command };
    let files = [
        ("plan.json", plan.to_json()),
        ("report.html", plan_report(plan)),
        ("summary.txt", plan_summary(plan)),
    ];
    write_files(root, &named, &files)
}
