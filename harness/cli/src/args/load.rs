//! Flags that say how a workload is loaded: in a closed or an open loop, and what comes before and after.

use std::str::FromStr;

use clap::Args;

/// A rate, or a share of the peak.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rate {
    /// Operations per second.
    PerSecond(f64),
    /// Of what the closed loop reaches; 1 is all of it.
    OfPeak(f64),
}

impl Rate {
    /// The rate, if it is given as one, or else such a share of the slowest of these; `None` if there are none.
    pub fn of_slowest(self, throughputs_ops_per_s: impl Iterator<Item = f64>) -> Option<f64> {
        match self {
            Self::PerSecond(rate) => Some(rate),
            Self::OfPeak(share) => {
                throughputs_ops_per_s.reduce(f64::min).map(|slowest| slowest * share)
            }
        }
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("expected a rate above 0, such as 20000 or 50%, found {text:?}");
        let (number, is_share) = match text.strip_suffix('%') {
            Some(number) => (number, true),
            None => (text, false),
        };
        let number: f64 = number.trim().parse().map_err(|_| expected())?;
        if !(number.is_finite() && number > 0.0 && number <= 1e9) {
            return Err(expected());
        }
        Ok(if is_share { Self::OfPeak(number / 100.0) } else { Self::PerSecond(number) })
    }
}

/// How a workload is loaded.
#[derive(Debug, Args)]
#[command(next_help_heading = "Load")]
pub struct LoadArgs {
    /// Open loop: offer so many operations a second, or such a share of the peak (measured first); arrivals are
    /// Poisson unless the property `arrivals` says otherwise
    #[arg(long, value_name = "RATE|SHARE%")]
    pub rate: Option<Rate>,

    /// Measure the peak for so long, for a rate that is a share of it
    #[arg(long, default_value_t = 10, value_name = "SECONDS",
          value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub peak_seconds: u64,

    /// Overwrite the records at random so many times before anything is measured
    #[arg(long, default_value_t = 0.0, value_name = "TIMES", allow_negative_numbers = true)]
    pub precondition: f64,

    /// Warm up until throughput and p99 are steady, but no longer than this
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(10..=86_400))]
    pub steady: Option<u64>,

    /// Read so many records back after the run, and check that they are there; 0 for none
    #[arg(long, default_value_t = 10_000, value_name = "RECORDS")]
    pub verify: u64,

    /// Skip measuring what the generator does against nothing
    #[arg(long)]
    pub no_floor: bool,

    /// Burn so many percent of processor time on top: what `flywheel gate --self-test` is held against
    #[arg(long, hide = true, value_name = "PERCENT")]
    pub slow_down: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_numbers_or_shares_above_zero() {
        assert_eq!("20000".parse(), Ok(Rate::PerSecond(20_000.0)));
        assert_eq!("1e4".parse(), Ok(Rate::PerSecond(10_000.0)));
        assert_eq!("50%".parse(), Ok(Rate::OfPeak(0.5)));
        assert_eq!("12.5 %".parse(), Ok(Rate::OfPeak(0.125)));
        for bad in ["", "0", "-1", "0%", "%", "NaN", "inf", "fast", "1e10", "50%%"] {
            let error = bad.parse::<Rate>().expect_err(bad);
            assert!(error.contains("such as 20000 or 50%"), "{error}");
        }
    }
}
