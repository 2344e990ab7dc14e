//! Flags that say how partitions behave: whether capacity is enforced, and whether they adapt to their load.

use clap::{Args, ValueEnum};
use flywheel_table::Throttling;

use super::Chosen;

/// A `--throttling`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ThrottlingName {
    /// Beyond what is provisioned for the table, and the maximum that was set for capacity on demand
    AsSet,
    /// As by DynamoDB: also where one partition is asked for more than 3,000 read or 1,000 write units a second, and
    /// where a table on demand is asked for more than it has grown to
    Dynamodb,
    /// Never: all that the machine can do
    Never,
}

impl ThrottlingName {
    /// What it stands for, and what results say of it: nothing of what is usual.
    pub fn resolved(self) -> (Throttling, Option<&'static str>) {
        match self {
            Self::AsSet => {
                (Throttling::AsSet, Some("beyond the capacity that is set for the table"))
            }
            Self::Dynamodb => (
                Throttling::Dynamodb,
                Some("as by DynamoDB: by table, by partition, by growth on demand"),
            ),
            Self::Never => (Throttling::Never, None),
        }
    }
}

/// An `--adaptation`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AdaptationName {
    /// Partitions split, and move to other shards, by themselves
    On,
    /// They stay as they were made
    Off,
}

/// How partitions behave.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Partitions")]
pub struct PartitionArgs {
    /// Whether requests beyond the table's capacity are throttled: of the target table [default: never]. What run loads
    /// first is never throttled
    #[arg(long, value_enum)]
    pub throttling: Option<ThrottlingName>,

    /// Whether partitions split and move by themselves, by load and by size: of the targets engine and table [default: on]
    #[arg(long, value_enum)]
    pub adaptation: Option<AdaptationName>,
}

/// The same, resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partitions {
    /// Whether requests beyond a table's capacity are refused.
    pub throttling: ThrottlingName,
    /// Whether partitions split by themselves.
    pub adapt: bool,
}

impl Default for Partitions {
    fn default() -> Self {
        Self { throttling: ThrottlingName::Never, adapt: true }
    }
}

impl Partitions {
    /// The same for loading.
    pub fn unthrottled(self) -> Self {
        Self { throttling: ThrottlingName::Never, ..self }
    }
}

impl PartitionArgs {
    /// What they come to for a target; why not, where one is given that has no effect there.
    pub fn resolve(self, target: Chosen) -> Result<Partitions, String> {
        let (has_tables, has_partitions) = match target {
            Chosen::Table => (true, true),
            Chosen::Engine => (false, true),
            Chosen::Null | Chosen::DynamoDb | Chosen::Peer(_) => (false, false),
        };
        if self.throttling.is_some() && !has_tables {
            return Err("--throttling: has an effect on the target table alone; an endpoint is told when it is \
                        started (flywheel serve --throttling)"
                .into());
        }
        if self.adaptation.is_some() && !has_partitions {
            return Err("--adaptation: has an effect on the targets engine and table alone".into());
        }
        let usual = Partitions::default();
        Ok(Partitions {
            throttling: self.throttling.unwrap_or(usual.throttling),
            adapt: self.adaptation.map_or(usual.adapt, |name| name == AdaptationName::On),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_without_an_effect_are_refused() {
        let (throttling, adaptation) = (Some(ThrottlingName::AsSet), Some(AdaptationName::Off));
        let both = PartitionArgs { throttling, adaptation };
        let expected = Partitions { throttling: ThrottlingName::AsSet, adapt: false };
        assert_eq!(both.resolve(Chosen::Table), Ok(expected));
        assert!(both.resolve(Chosen::Engine).is_err_and(|error| error.contains("--throttling")));
        let adapts = PartitionArgs { throttling: None, adaptation };
        assert_eq!(adapts.resolve(Chosen::Engine).map(|of| of.adapt), Ok(false));
        let none = PartitionArgs { throttling: None, adaptation: None };
        for target in [Chosen::Null, Chosen::DynamoDb] {
            assert!(adapts.resolve(target).is_err_and(|error| error.contains("--adaptation")));
            assert_eq!(none.resolve(target), Ok(Partitions::default()));
        }
    }
}
